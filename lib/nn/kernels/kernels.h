/* kernels.h - the few operations that take the time, in two versions that tests hold together.
 *
 * plain.c is the reference: portable C, every sum in one fixed order, no contraction, so the same
 * bytes on any x86-64. onednn.c is the fast one and the only file that includes oneDNN's header.
 * For lib/nn only.
 */
#ifndef SER_NN_KERNELS_H
#define SER_NN_KERNELS_H

#include <stddef.h>

struct ser_conv_shape { /* valid padding, stride 1: x [N,H,W,C], w [kh,kw,C,F], y
                           [N,H-kh+1,W-kw+1,F] */
    int N, H, W, C, F, kh, kw;
};

struct ser_kernels {
    const char *name;

    /* Per thread, called on that thread: whatever the kernels keep. NULL with why when they cannot
     * run. */
    void *(*open)(char *why, size_t size);
    void (*close)(void *state);

    /* The weights may have changed since the last call: whatever is kept of them is made anew.
     * Called on any thread, while the kernels rest. NULL: nothing is kept. */
    void (*renew)(void *state);

    /* Whether there was no memory for something, or the library failed: what was computed since is
     * not to be used. NULL: that cannot be. */
    int (*failed)(void *state);

    /* C [M,N] = op(A) op(B) + beta C, row-major with leading dimensions; ta, tb: transposed; beta 0
     * or 1. */
    void (*gemm)(void *state, int ta, int tb, int M, int N, int K, const float *A, int lda,
                 const float *B, int ldb, float beta, float *C, int ldc);

    /* y = conv(x, w) + b, then max(0, .) if relu. */
    void (*conv)(void *state, const struct ser_conv_shape *s, const float *x, const float *w,
                 const float *b, int relu, float *y);
    /* dw and db from x and dy; dx from dy and w, unless dx is NULL. All are overwritten. */
    void (*conv_back)(void *state, const struct ser_conv_shape *s, const float *x, const float *dy,
                      const float *w, float *dw, float *db, float *dx);
};

extern const struct ser_kernels ser_kernels_plain;
#ifdef SER_ONEDNN
extern const struct ser_kernels ser_kernels_onednn;
#endif

#endif
