#include "softmax.h"
#include "mathfun.h"
#include "nn.h"

SER_CLONES void ser_softmax(float *x, size_t rows, int n) {
    for (size_t r = 0; r < rows; r++, x += n) {
        float top = x[0], sum = 0;
        for (int i = 1; i < n; i++)
            top = x[i] > top ? x[i] : top;
        for (int i = 0; i < n; i += SER_LANES) {
            int lanes = ser_lanes(i, n);
            ser_store(x + i, ser_vexp(ser_load(x + i, lanes) - top), lanes);
        }
        for (int i = 0; i < n; i++)
            sum += x[i];
        for (int i = 0; i < n; i++)
            x[i] /= sum;
    }
}

double ser_cross_entropy(const float *p, const int *label, int B, int K) {
    double sum = 0;
    for (int b = 0; b < B; b++) {
        double v = p[(size_t)b * K + label[b]];
        if (v < 1e-7)
            v = 1e-7;
        sum -= v > 0 ? ser_ln(v) : v; /* not a number stays one */
    }
    return sum / B;
}
