#include "math/yin.h"

#include "math/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_S 0.04

enum { BLOCK = 4 * SER_LANES }; /* so many lags are computed together */

struct ser_yin {
    int rate_hz;
    size_t window, least, most; /* samples; the lags that are tried */
    float *x;                   /* [window + lags] the frame, of the peak 1 */
    float *d;                   /* [lags] the difference function; lags is most + 2 rounded up */
    float *dash;                /* [lags] d' */
    size_t lags;
};

struct ser_yin *ser_yin_new(int rate_hz) {
    struct ser_yin *y = calloc(1, sizeof *y);
    if (!y)
        return NULL;
    y->rate_hz = rate_hz;
    y->window = (size_t)(WINDOW_S * rate_hz + 0.5);
    y->least = (size_t)rate_hz / SER_F0_MAX_HZ;
    y->least = y->least < 2 ? 2 : y->least;
    y->most = ((size_t)rate_hz + SER_F0_MIN_HZ - 1) / SER_F0_MIN_HZ;
    y->lags = (y->most + 2 + BLOCK - 1) / BLOCK * BLOCK;
    y->x = malloc((y->window + y->lags) * sizeof *y->x);
    y->d = malloc(y->lags * sizeof *y->d);
    y->dash = malloc(y->lags * sizeof *y->dash);
    if (y->x && y->d && y->dash)
        return y;
    ser_yin_free(y);
    return NULL;
}

void ser_yin_free(struct ser_yin *y) {
    if (!y)
        return;
    free(y->x);
    free(y->d);
    free(y->dash);
    free(y);
}

/* Of a frame's samples so many lie before its middle. */
static size_t before_of(const struct ser_yin *y) {
    return (y->window + y->most) / 2;
}

size_t ser_yin_reach(const struct ser_yin *y) {
    return y->window + y->lags - before_of(y); /* behind it are more */
}

/* The samples around at, divided by the largest: d' does not change, and no square overflows or vanishes. Returns
 * that largest one. */
static float take_frame(struct ser_yin *y, const float *x, size_t n, size_t at) {
    size_t length = y->window + y->lags, before = before_of(y);
    float peak = 0;
    for (size_t i = 0; i < length; i++) {
        size_t from = at + i - before; /* wraps around in front of the first sample, to beyond n */
        y->x[i] = from < n ? x[from] : 0;
        peak = fmaxf(peak, fabsf(y->x[i]));
    }
    for (size_t i = 0; i < length && peak > 0; i++)
        y->x[i] /= peak;
    return peak;
}

/* d of all lags, side by side, so that each sum has the same order on every machine. */
SER_CLONES static void differences(const float *x, size_t window, size_t lags, float *d) {
    for (size_t lag = 0; lag < lags; lag += BLOCK) {
        ser_vec sum[BLOCK / SER_LANES] = {{0}};
        for (size_t j = 0; j < window; j++) {
            SER_UNROLL
            for (size_t k = 0; k < BLOCK / SER_LANES; k++) {
                ser_vec apart = x[j] - ser_load(x + j + lag + k * SER_LANES, SER_LANES);
                sum[k] += apart * apart;
            }
        }
        for (size_t k = 0; k < BLOCK / SER_LANES; k++)
            ser_store(d + lag + k * SER_LANES, sum[k], SER_LANES);
    }
}

static void normalize_differences(struct ser_yin *y) {
    double sum = 0;
    y->dash[0] = 1;
    for (size_t lag = 1; lag <= y->most + 1; lag++) {
        sum += y->d[lag];
        y->dash[lag] = sum > 0 ? (float)(y->d[lag] * (double)lag / sum) : 1;
    }
}

/* How far from the middle of three values the vertex of their parabola lies, at most 0.5 either way; 0 where they
 * have none that is a minimum. */
static double vertex(const float *at) {
    double curve = (double)at[-1] - 2 * (double)at[0] + at[1];
    double shift = curve > 0 ? ((double)at[-1] - at[1]) / (2 * curve) : 0;
    return fabs(shift) <= 0.5 ? shift : 0;
}

/* The value there. */
static double depth(const float *at) {
    return at[0] - ((double)at[-1] - at[1]) / 4 * vertex(at);
}

/* The lag of the dip that is the period. */
static size_t dip_of(const struct ser_yin *y) {
    const float *d = y->dash;
    size_t least = y->least;
    for (size_t lag = y->least; lag <= y->most; lag++) {
        if (d[lag] <= d[lag - 1] && d[lag] < d[lag + 1] && depth(d + lag) < SER_YIN_DIP)
            return lag;
        least = d[lag] < d[least] ? lag : least;
    }
    return least;
}

double ser_yin_frame(struct ser_yin *y, const float *x, size_t n, size_t at, double *voicing) {
    if (take_frame(y, x, n, at) > 0)
        differences(y->x, y->window, y->lags, y->d);
    else
        memset(y->d, 0, y->lags * sizeof *y->d);
    normalize_differences(y);
    size_t lag = dip_of(y);
    *voicing = fmin(fmax(1 - depth(y->dash + lag), 0), 1);
    return y->rate_hz / ((double)lag + vertex(y->d + lag));
}
