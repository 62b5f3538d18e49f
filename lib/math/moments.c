#include "math/moments.h"

#include <math.h>

/* Adds the frames of one feature, which lie step numbers apart. */
static void add(double *mean, double *square, double have, const float *x, size_t frames,
                size_t step) {
    double n = (double)frames, sum = 0, about = 0;
    for (size_t t = 0; t < frames; t++)
        sum += x[t * step];
    double own = sum / n, apart = own - *mean;
    for (size_t t = 0; t < frames; t++) {
        double d = x[t * step] - own;
        about += d * d;
    }
    *mean += apart * n / (have + n);
    *square += about + apart * apart * have * n / (have + n);
}

void ser_moments_add(struct ser_moments *m, const float *x, const struct ser_layout *l) {
    for (size_t a = 0; a < l->before; a++)
        for (size_t c = 0; c < l->behind; c++) {
            size_t f = a * l->behind + c;
            add(&m->mean[f], &m->square[f], m->frames, x + a * l->time * l->behind + c, l->frames,
                l->behind);
        }
    m->frames += (double)l->frames;
}

void ser_normalize(float *x, const struct ser_layout *l, const double *mean, const double *variance,
                   int padding) {
    size_t frames = padding ? l->time : l->frames;
    for (size_t a = 0; a < l->before; a++)
        for (size_t c = 0; c < l->behind; c++) {
            size_t f = a * l->behind + c;
            float *row = x + a * l->time * l->behind + c;
            double deviation = variance[f] > 0 ? sqrt(variance[f]) : 1;
            for (size_t t = 0; t < frames; t++)
                row[t * l->behind] = (float)((row[t * l->behind] - mean[f]) / deviation);
        }
}

void ser_shrink(double *mean, double *variance, size_t features, double n, const double *prior_mean,
                const double *prior_variance, double k) {
    for (size_t f = 0; f < features; f++) {
        mean[f] = (n * mean[f] + k * prior_mean[f]) / (n + k);
        variance[f] = (n * variance[f] + k * prior_variance[f]) / (n + k);
    }
}
