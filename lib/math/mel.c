#include "math/mel.h"

#include <math.h>
#include <stdlib.h>

static const double HZ_PER_MEL = 200.0 / 3, BREAK_HZ = 1000, BREAK_MEL = 15;

static double log_step(void) {
    return log(6.4) / 27;
}

static double mel_from_hz(double hz) {
    return hz < BREAK_HZ ? hz / HZ_PER_MEL : BREAK_MEL + log(hz / BREAK_HZ) / log_step();
}

static double hz_from_mel(double mel) {
    return mel < BREAK_MEL ? mel * HZ_PER_MEL : BREAK_HZ * exp(log_step() * (mel - BREAK_MEL));
}

/* A triangle; librosa rounds it to single precision before and after it is scaled. */
static float weight_at(double hz, double left, double middle, double right) {
    double rise = (hz - left) / (middle - left), fall = (right - hz) / (right - middle);
    float triangle = (float)fmax(0, fmin(rise, fall));
    return (float)(triangle * (2 / (right - left)));
}

/* Lays the bands' weights one behind the other; without weights only counts them. Returns the
 * count. */
static size_t lay_out(struct ser_mel *m, int rate_hz, int window, double fmin_hz, double fmax_hz) {
    double from = mel_from_hz(fmin_hz), step = (mel_from_hz(fmax_hz) - from) / (m->bands + 1);
    double bin_hz = (double)rate_hz / window;
    size_t used = 0;
    for (int b = 0; b < m->bands; b++) {
        double left = hz_from_mel(from + b * step), middle = hz_from_mel(from + (b + 1) * step);
        double right = hz_from_mel(from + (b + 2) * step);
        struct ser_mel_band *band = &m->band[b];
        int end = (int)fmin(right / bin_hz + 1, window / 2), count = 0;
        band->weight = m->weights ? m->weights + used : NULL;
        for (int k = (int)(left / bin_hz); k <= end; k++) {
            float w = weight_at(k * bin_hz, left, middle, right);
            if (w == 0)
                continue;
            if (count == 0)
                band->first = k;
            if (m->weights)
                band->weight[k - band->first] = w;
            count = k - band->first + 1;
        }
        band->groups = (count + SER_MEL_GROUP - 1) / SER_MEL_GROUP;
        used += (size_t)band->groups * SER_MEL_GROUP;
    }
    return used;
}

int ser_mel_init(struct ser_mel *m, int rate_hz, int window, int bands, double fmin_hz,
                 double fmax_hz) {
    *m = (struct ser_mel){.bands = bands};
    m->band = calloc((size_t)bands, sizeof *m->band);
    if (!m->band)
        return -1;
    size_t count = lay_out(m, rate_hz, window, fmin_hz, fmax_hz);
    m->weights = calloc(count + 1, sizeof *m->weights);
    if (!m->weights) {
        ser_mel_free(m);
        return -1;
    }
    lay_out(m, rate_hz, window, fmin_hz, fmax_hz);
    return 0;
}

void ser_mel_free(struct ser_mel *m) {
    free(m->band);
    free(m->weights);
    *m = (struct ser_mel){0};
}

void ser_mel_apply(const struct ser_mel *m, const float *power, float *out, size_t stride) {
    for (int b = 0; b < m->bands; b++) {
        const struct ser_mel_band *band = &m->band[b];
        const float *restrict w = band->weight, *restrict p = power + band->first;
        float sum[SER_MEL_GROUP] = {0};
        for (int g = 0; g < band->groups; g++, w += SER_MEL_GROUP, p += SER_MEL_GROUP)
            for (int i = 0; i < SER_MEL_GROUP; i++)
                sum[i] += w[i] * p[i];
        out[(size_t)b * stride] = (sum[0] + sum[2]) + (sum[1] + sum[3]);
    }
}
