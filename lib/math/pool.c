#include "math/pool.h"

#include "math/simd.h"

#include <math.h>

enum { LANES = 8 };

/* What ser_pool does, for n of the D channels, n <= LANES. */
SER_INLINE void some(int n, const float *h, size_t frames, int D, float *mean, float *deviation) {
    double sum[LANES] = {0}, squares[LANES] = {0};
    for (size_t t = 0; t < frames; t++)
        for (int c = 0; c < n; c++)
            sum[c] += h[t * (size_t)D + c];
    for (int c = 0; c < n; c++) {
        sum[c] /= (double)frames;
        mean[c] = (float)sum[c];
    }
    if (!deviation)
        return;
    for (size_t t = 0; t < frames; t++)
        for (int c = 0; c < n; c++) {
            double d = h[t * (size_t)D + c] - sum[c];
            squares[c] += d * d;
        }
    for (int c = 0; c < n; c++)
        deviation[c] = (float)sqrt(squares[c] / (double)frames);
}

SER_CLONES void ser_pool(const float *h, size_t frames, int D, float *mean, float *deviation) {
    for (int c = 0; c < D; c += LANES) {
        float *spread = deviation ? deviation + c : NULL;
        if (D - c >= LANES)
            some(LANES, h + c, frames, D, mean + c, spread);
        else
            some(D - c, h + c, frames, D, mean + c, spread);
    }
}
