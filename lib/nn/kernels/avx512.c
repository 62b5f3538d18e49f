/* Our own kernels for processors with AVX-512: which part does which operation. */
#include "nn/kernels/avx512.h"

#ifdef SER_AVX512

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Winograd's memory of one shape, for any number of samples. */
struct tiles {
    struct ser_conv_shape shape; /* N 0 */
    struct ser_winograd *winograd;
    struct tiles *next;
};

struct avx512 {
    struct tiles *tiles;
    int failed;             /* memory ended */
    float panel[SER_PANEL]; /* some columns of a transposed matrix */
};

static int avx512_can(void) {
    return __builtin_cpu_supports("avx512f") != 0;
}

static void *avx512_open(const struct ser_kernels *k, char *why, size_t size) {
    (void)k;
    struct avx512 *a = calloc(1, sizeof *a);
    if (!a)
        snprintf(why, size, "not enough memory");
    return a;
}

static void avx512_close(void *state) {
    struct avx512 *a = state;
    while (a->tiles) {
        struct tiles *next = a->tiles->next;
        ser_avx512_winograd_free(a->tiles->winograd);
        free(a->tiles);
        a->tiles = next;
    }
    free(a);
}

static void avx512_renew(void *state) {
    const struct avx512 *a = state;
    for (struct tiles *t = a->tiles; t; t = t->next)
        if (t->winograd)
            ser_avx512_winograd_renew(t->winograd);
}

static int avx512_failed(void *state) {
    return ((struct avx512 *)state)->failed;
}

/* That for a shape which suits, made when first asked for; NULL: memory has ended, which is noted.
 * No other kernels need then be asked. */
static struct ser_winograd *find_winograd(struct avx512 *a, const struct ser_conv_shape *s) {
    struct ser_conv_shape shape = *s;
    struct tiles *t;
    shape.N = 0;
    for (t = a->tiles; t; t = t->next)
        if (!memcmp(&t->shape, &shape, sizeof shape))
            return t->winograd;
    t = calloc(1, sizeof *t);
    if (t) {
        t->shape = shape;
        t->winograd = ser_avx512_winograd_new(&shape);
        t->next = a->tiles;
        a->tiles = t;
    }
    a->failed |= !t || !t->winograd;
    return t ? t->winograd : NULL;
}

static int avx512_gemm(void *state, int ta, int tb, int M, int N, int K, const float *A, int lda,
                       const float *B, int ldb, float beta, float *C, int ldc) {
    struct avx512 *a = state;
    ser_product_gemm(ser_avx512_product, a->panel, ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
    return 1;
}

static int avx512_conv(void *state, const struct ser_conv_shape *s, const float *x, const float *w,
                       const float *b, int relu, float *y) {
    if (ser_avx512_direct_suits(s)) {
        ser_avx512_direct_forward(s, x, w, b, relu, y);
        return 1;
    }
    if (!ser_avx512_winograd_suits(s))
        return 0;
    struct ser_winograd *g = find_winograd(state, s);
    if (g)
        ser_avx512_winograd_forward(g, s->N, x, w, b, relu, y);
    return 1;
}

static int avx512_conv_back(void *state, const struct ser_conv_shape *s, const float *x,
                            const float *dy, const float *w, float *dw, float *db, float *dx) {
    if (!dx && ser_avx512_direct_suits(s)) {
        ser_avx512_direct_weights(s, x, dy, dw, db);
        return 1;
    }
    if (!ser_avx512_winograd_suits(s))
        return 0;
    struct ser_winograd *g = find_winograd(state, s);
    if (g)
        ser_avx512_winograd_back(g, s->N, x, dy, w, dw, db, dx);
    return 1;
}

const struct ser_kernels ser_kernels_avx512 = {
    .name = "avx512",
    .can = avx512_can,
    .open = avx512_open,
    .close = avx512_close,
    .renew = avx512_renew,
    .failed = avx512_failed,
    .gemm = avx512_gemm,
    .conv = avx512_conv,
    .conv_back = avx512_conv_back,
};

#else

static int never(void) {
    return 0;
}

const struct ser_kernels ser_kernels_avx512 = {.name = "avx512", .can = never};

#endif
