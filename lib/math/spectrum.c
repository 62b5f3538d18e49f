#include "math/spectrum.h"

#include "math/simd.h"

#include <fftw3.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A real FFT of N samples by a complex one of M = N/2: the even samples are its real part, the odd
 * ones its imaginary part. FFTW's own real transform is three times slower at this size with
 * estimated plans, and two frames in one complex transform would let a loud frame's rounding errors
 * into a silent one.
 *
 *   Z = FFT_M(x[2j] + i x[2j+1]),  E = (Z[k] + conj Z[M-k]) / 2,  O = (Z[k] - conj Z[M-k]) / 2i
 *   X[k] = E + W^k O,  X[M-k] = conj(E - W^k O),  W = exp(-2 pi i / N)
 */
struct ser_spectrum {
    int half;                        /* M */
    float *window_even, *window_odd; /* [M], halved, so that 2E and 2O need no factor */
    float *cos, *sin;                /* [M/2 + 1]: W^k = cos - i sin */
    float *re, *im;                  /* [M], the FFT's input */
    float *zre, *zim;                /* [M], its output */
    float *frame;                    /* [N], a frame that reaches beyond the signal */
    float *power;                    /* [M + 1] */
    fftwf_plan plan;
};

static void fill_tables(struct ser_spectrum *s) {
    int M = s->half, N = 2 * M;
    for (int j = 0; j < M; j++) {
        s->window_even[j] = (float)(0.5 * (0.5 - 0.5 * cos(2 * M_PI * (2 * j) / N)));
        s->window_odd[j] = (float)(0.5 * (0.5 - 0.5 * cos(2 * M_PI * (2 * j + 1) / N)));
    }
    for (int k = 0; k <= M / 2; k++) {
        s->cos[k] = (float)cos(2 * M_PI * k / N);
        s->sin[k] = (float)sin(2 * M_PI * k / N);
    }
}

struct ser_spectrum *ser_spectrum_new(int window) {
    struct ser_spectrum *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->half = window / 2;
    float **array[] = {&s->window_even, &s->window_odd, &s->cos, &s->sin,   &s->re,
                       &s->im,          &s->zre,        &s->zim, &s->frame, &s->power};
    int ok = 1;
    for (size_t i = 0; i < sizeof array / sizeof *array; i++) {
        *array[i] = fftwf_alloc_real((size_t)window + 1 + SER_SPECTRUM_PAD);
        if (*array[i])
            memset(*array[i], 0, ((size_t)window + 1 + SER_SPECTRUM_PAD) * sizeof **array[i]);
        ok = ok && *array[i];
    }
    if (!ok) {
        ser_spectrum_free(s);
        return NULL;
    }
    fftwf_iodim dim = {.n = s->half, .is = 1, .os = 1};
    s->plan =
        fftwf_plan_guru_split_dft(1, &dim, 0, NULL, s->re, s->im, s->zre, s->zim, FFTW_ESTIMATE);
    if (!s->plan) {
        ser_spectrum_free(s);
        return NULL;
    }
    fill_tables(s);
    return s;
}

void ser_spectrum_free(struct ser_spectrum *s) {
    if (!s)
        return;
    fftwf_destroy_plan(s->plan);
    float *array[] = {s->window_even, s->window_odd, s->cos, s->sin,   s->re,
                      s->im,          s->zre,        s->zim, s->frame, s->power};
    for (size_t i = 0; i < sizeof array / sizeof *array; i++)
        fftwf_free(array[i]);
    free(s);
}

/* The frame around at: inside x itself, or a copy with zeros where x has ended. */
static const float *frame_at(struct ser_spectrum *s, const float *x, size_t n, size_t at) {
    size_t M = (size_t)s->half;
    if (at >= M && at + M <= n)
        return x + (at - M);
    memset(s->frame, 0, 2 * M * sizeof *s->frame);
    size_t from = at > M ? at - M : 0, to = at + M < n ? at + M : n;
    if (from < to)
        memcpy(s->frame + (from + M - at), x + from, (to - from) * sizeof *x);
    return s->frame;
}

SER_CLONES static void window_frame(int M, const float *restrict x, const float *restrict even,
                                    const float *restrict odd, float *restrict re,
                                    float *restrict im) {
    for (int j = 0; j < M; j++) {
        re[j] = x[2 * j] * even[j];
        im[j] = x[2 * j + 1] * odd[j];
    }
}

/* |X[k]|^2 and |X[M - k]|^2 for n neighbours: re, im, c, s and low go up from k, the others down
 * from M - k. low and high must not overlap, or compilers do not make vector code of this. */
SER_CLONES static void unravel(int n, const float *restrict re, const float *restrict im,
                               const float *restrict down_re, const float *restrict down_im,
                               const float *restrict c, const float *restrict s,
                               float *restrict low, float *restrict high) {
    for (int k = 0; k < n; k++) {
        float er = re[k] + down_re[-k], ei = im[k] - down_im[-k];
        float dr = im[k] + down_im[-k], di = down_re[-k] - re[k];
        float tr = c[k] * dr + s[k] * di, ti = c[k] * di - s[k] * dr;
        float ar = er + tr, ai = ei + ti, br = er - tr, bi = ei - ti;
        low[k] = ar * ar + ai * ai;
        high[-k] = br * br + bi * bi;
    }
}

static void fill_power(struct ser_spectrum *s) {
    int M = s->half, middle = M / 2;
    const float *re = s->zre, *im = s->zim;
    float first = re[0] + im[0], last = re[0] - im[0], same;
    s->power[0] = 4 * first * first;
    s->power[M] = 4 * last * last;
    unravel((M - 1) / 2, re + 1, im + 1, re + M - 1, im + M - 1, s->cos + 1, s->sin + 1,
            s->power + 1, s->power + M - 1);
    if (M % 2 == 0) /* the bin that is its own mirror image */
        unravel(1, re + middle, im + middle, re + middle, im + middle, s->cos + middle,
                s->sin + middle, s->power + middle, &same);
}

const float *ser_spectrum_power(struct ser_spectrum *s, const float *x, size_t n, size_t at) {
    window_frame(s->half, frame_at(s, x, n, at), s->window_even, s->window_odd, s->re, s->im);
    fftwf_execute(s->plan);
    fill_power(s);
    return s->power;
}
