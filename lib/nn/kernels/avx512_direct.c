/* Convolutions of one channel and few taps, straight from the definition: some outputs of a row are
 * one product of matrices, the inner index runs over the taps. */
#include "nn/kernels/avx512.h"

#ifdef SER_AVX512

#include <string.h>

#define TAPS 32
#define COLS 256 /* outputs at a time */

int ser_avx512_direct_suits(const struct ser_conv_shape *s) {
    return s->C == 1 && s->kh <= TAPS && s->kw <= TAPS / s->kh;
}

/* tap [kh kw, COLS]: what lies under each tap for n outputs, x under the first tap of the first. */
static void gather(const struct ser_conv_shape *s, const float *x, int n, float *tap) {
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++, tap += COLS)
            memcpy(tap, x + (size_t)i * s->W + j, (size_t)n * sizeof *tap);
}

static int at_once(int from, int OW) {
    return OW - from < COLS ? OW - from : COLS;
}

void ser_avx512_direct_forward(const struct ser_conv_shape *s, const float *x, const float *w,
                               const float *b, int relu, float *y) {
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, taps = s->kh * s->kw, cols;
    size_t F = (size_t)s->F;
    float tap[TAPS * COLS];
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++)
            for (int from = 0; from < OW; from += cols, y += (size_t)cols * F) {
                cols = at_once(from, OW);
                gather(s, x + ((size_t)n * s->H + h) * s->W + from, cols, tap);
                ser_avx512_multiply(cols, s->F, taps, tap, 1, COLS, w, F, b, 0, relu, y, F);
            }
}

void ser_avx512_direct_weights(const struct ser_conv_shape *s, const float *x, const float *dy,
                               float *dw, float *db) {
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, taps = s->kh * s->kw, cols;
    size_t F = (size_t)s->F;
    float tap[TAPS * COLS];
    const float one = 1;
    memset(dw, 0, (size_t)taps * F * sizeof *dw);
    memset(db, 0, F * sizeof *db);
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++)
            for (int from = 0; from < OW; from += cols, dy += (size_t)cols * F) {
                cols = at_once(from, OW);
                gather(s, x + ((size_t)n * s->H + h) * s->W + from, cols, tap);
                ser_avx512_product(taps, s->F, cols, tap, COLS, 1, dy, F, 1, dw, F);
                ser_avx512_product(1, s->F, cols, &one, 0, 0, dy, F, 1, db, F);
            }
}

#else

typedef int ser_without_avx512; /* a file must hold something */

#endif
