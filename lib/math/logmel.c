#include "math/logmel.h"

#include "math/mathfun.h"
#include "math/mel.h"

#include <stdlib.h>

enum {
    WINDOW = SER_LOGMEL_WINDOW,
    HALF = WINDOW / 2,
    QUARTER = WINDOW / 4,
    BINS = HALF + 1,
    FRAMES = 8, /* computed at once, one in each lane of a vector */
    GROUP = 4   /* bins computed at once */
};

typedef double frames_t __attribute__((vector_size(8 * FRAMES)));

/* A DFT of real numbers z[0..399], folded twice: with s[n] = z[n] + z[400-n], d[n] = z[n] - z[400-n]
 *
 *   re X[k] = sum s[n] cos(2 pi k n / 400),  im X[k] = - sum d[n] sin(2 pi k n / 400)
 *
 * over n = 0..200, and cos and sin at 200 - n are those at n but for their sign, which goes by
 * whether k is even: so each bin is a sum over n = 0..100 of s[n] +- s[200-n] and d[n] -+ d[200-n].
 */
struct ser_logmel {
    struct ser_mel mel;
    double window[WINDOW];
    double cosine[BINS][QUARTER + 1], sine[BINS][QUARTER + 1]; /* of 2 pi k n / 400 */
};

struct ser_logmel *ser_logmel_new(int bands) {
    struct ser_logmel *l = calloc(1, sizeof *l);
    if (!l || ser_mel_init(&l->mel, SER_LOGMEL_RATE_HZ, WINDOW, bands, 0, SER_LOGMEL_RATE_HZ / 2)) {
        free(l);
        return NULL;
    }
    for (int n = 0; n < WINDOW; n++)
        l->window[n] = 0.5 - 0.5 * ser_cos_turns((double)n / WINDOW);
    for (int k = 0; k < BINS; k++)
        for (int n = 0; n <= QUARTER; n++) {
            /* sin(t) = cos(t + 3/4 of a turn) */
            l->cosine[k][n] = ser_cos_turns((double)(k * n % WINDOW) / WINDOW);
            l->sine[k][n] = ser_cos_turns((double)((k * n + 3 * QUARTER) % WINDOW) / WINDOW);
        }
    return l;
}

void ser_logmel_free(struct ser_logmel *l) {
    if (!l)
        return;
    ser_mel_free(&l->mel);
    free(l);
}

size_t ser_logmel_frames(size_t length) {
    return length / SER_LOGMEL_HOP;
}

/* Sample i of the clip, which zeros follow up to length, with its ends mirrored. */
static double sample(const float *x, size_t n, size_t length, ptrdiff_t i) {
    ptrdiff_t last = (ptrdiff_t)length - 1;
    i = i < 0 ? -i : i;
    i = i > last ? 2 * last - i : i;
    return (size_t)i < n ? x[i] : 0;
}

/* What the bins are sums of: a [odd or even][n], and of the sine b. */
struct folded {
    frames_t a[2][QUARTER + 1], b[2][QUARTER + 1];
};

static void fold(const struct ser_logmel *l, const float *x, size_t n, size_t length, size_t first,
                 size_t count, struct folded *f) {
    frames_t z[WINDOW] = {{0}};
    for (size_t j = 0; j < count; j++) {
        ptrdiff_t at = (ptrdiff_t)((first + j) * SER_LOGMEL_HOP) - HALF;
        for (int i = 0; i < WINDOW; i++)
            z[i][j] = l->window[i] * sample(x, n, length, at + i);
    }
    f->a[0][0] = z[0] + z[HALF];
    f->a[1][0] = z[0] - z[HALF];
    f->b[0][0] = f->b[1][0] = (frames_t){0};
    for (int i = 1; i <= QUARTER; i++) {
        frames_t s = z[i] + z[WINDOW - i], d = z[i] - z[WINDOW - i];
        frames_t t = z[HALF - i] + z[HALF + i], e = z[HALF - i] - z[HALF + i];
        f->a[0][i] = s + t;
        f->a[1][i] = s - t;
        f->b[0][i] = d - e;
        f->b[1][i] = d + e;
    }
    /* In the middle the two are one; where it has a sign of its own, its cosine or sine is 0. */
    f->a[0][QUARTER] /= 2;
    f->b[1][QUARTER] /= 2;
}

/* The power of so many bins from k on, every second one. */
SER_INLINE void bins(int count, const struct ser_logmel *l, const struct folded *f, int k,
                     frames_t *power) {
    const frames_t *a = f->a[k % 2], *b = f->b[k % 2];
    frames_t re[GROUP] = {{0}}, im[GROUP] = {{0}};
    for (int n = 0; n <= QUARTER; n++)
        SER_UNROLL for (int i = 0; i < count; i++) {
            re[i] += l->cosine[k + 2 * i][n] * a[n];
            im[i] += l->sine[k + 2 * i][n] * b[n];
        }
    SER_UNROLL for (int i = 0; i < count; i++) power[k + 2 * i] = re[i] * re[i] + im[i] * im[i];
}

SER_CLONES static void spectrum(const struct ser_logmel *l, const struct folded *f,
                                frames_t power[BINS]) {
    for (int parity = 0; parity < 2; parity++)
        for (int k = parity; k < BINS; k += 2 * GROUP) {
            int left = (BINS + 1 - k) / 2;
            if (left >= GROUP)
                bins(GROUP, l, f, k, power);
            else
                bins(left, l, f, k, power);
        }
}

static void apply_bands(const struct ser_logmel *l, const frames_t *power, size_t count,
                        double *v) {
    const double decades = 1 / 2.30258509299404568402; /* 1 / ln 10 */
    for (int b = 0; b < l->mel.bands; b++) {
        const struct ser_mel_band *band = &l->mel.band[b];
        frames_t sum = {0};
        for (int i = 0; i < band->groups * SER_MEL_GROUP; i++)
            sum += band->weight[i] * power[band->first + i];
        for (size_t j = 0; j < count; j++)
            v[j * (size_t)l->mel.bands + b] = decades * ser_ln(sum[j] > 1e-10 ? sum[j] : 1e-10);
    }
}

void ser_logmel_part(const struct ser_logmel *l, const float *x, size_t n, size_t length,
                     size_t first, size_t count, double *v) {
    struct folded f;
    frames_t power[BINS + SER_MEL_GROUP] = {{0}};
    for (size_t now; count; first += now, count -= now, v += now * (size_t)l->mel.bands) {
        now = count < FRAMES ? count : FRAMES;
        fold(l, x, n, length, first, now, &f);
        spectrum(l, &f, power);
        apply_bands(l, power, now, v);
    }
}

void ser_logmel_finish(const double *v, size_t n, float *y) {
    double floor = n ? v[0] : 0;
    for (size_t i = 0; i < n; i++)
        floor = v[i] > floor ? v[i] : floor;
    floor -= 8;
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(((v[i] > floor ? v[i] : floor) + 4) / 4);
}
