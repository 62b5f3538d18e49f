#include "nn/encoder/norm.h"

#include "math/simd.h"

#include <math.h>

enum { LANES = 8 };
typedef double lanes __attribute__((vector_size(8 * LANES), aligned(8)));
typedef float floats __attribute__((vector_size(4 * LANES), aligned(4)));

SER_INLINE lanes load(const float *x) {
    floats v;
    memcpy(&v, x, sizeof v);
    return __builtin_convertvector(v, lanes);
}

/* The sum of (x - mean)^power, power 1 or 2. */
SER_INLINE double moment(int power, const float *x, int D, double mean) {
    lanes sum = {0};
    int c = 0;
    for (; c + LANES <= D; c += LANES) {
        lanes v = load(x + c) - mean;
        sum += power == 2 ? v * v : v;
    }
    double total = 0;
    for (int i = 0; i < LANES; i++)
        total += sum[i];
    for (; c < D; c++) {
        double v = x[c] - mean;
        total += power == 2 ? v * v : v;
    }
    return total;
}

SER_CLONES void ser_norm_rows(const struct ser_norm *n, int rows, int D, double epsilon,
                              const float *x, float *y) {
    for (int r = 0; r < rows; r++, x += D, y += D) {
        double mean = moment(1, x, D, 0) / D;
        float m = (float)mean, scale = (float)(1 / sqrt(moment(2, x, D, mean) / D + epsilon));
        for (int c = 0; c < D; c += SER_LANES) {
            int k = ser_lanes(c, D);
            ser_vec v = (ser_load(x + c, k) - m) * scale;
            ser_store(y + c, v * ser_load(n->weight + c, k) + ser_load(n->bias + c, k), k);
        }
    }
}
