/* kernels.h - the few operations that take the time, and who does them. For lib/nn only.
 *
 * There are three implementations, which tests hold together:
 *
 *   avx512   our own, with AVX-512: every product of matrices; 3x3 convolutions whose channels and
 *            filters are multiples of 16 (Winograd's); convolutions of one channel and at most 32
 *            taps, without the gradient of their input. avx512*.c have the only such code.
 *   onednn   the library oneDNN, if the build has it: every product of matrices, and those
 *            convolutions for which it has more than its slow reference. onednn.c is the only file
 *            that includes its header.
 *   plain    portable C, every operation and shape, on any processor: the reference. Every sum has
 *            one fixed order and nothing is contracted, so the same bytes on any x86-64.
 *
 * Who chooses: `fast` is the choice among the three (choose.c). For each call they are asked in
 * this order, and the first that suits does it; the last always does.
 *
 * What suits means: gemm, conv and conv_back return 1 when the operation is theirs and done, or 0,
 * with nothing written, when it does not suit. The answer depends on the build, the processor and
 * the shape alone, never on the numbers, the thread or earlier calls; so one of them serves a shape
 * in all of a training. Where memory ends `failed` says so, and results are void whatever was
 * returned: a training never goes on with other kernels than it began with.
 *
 * Determinism: a call works on one thread, and its result depends on its arguments alone. What a
 * sample gives may depend on how many are computed with it; so training cuts a batch into shards of
 * fixed size, and inference computes each sample by itself.
 *
 * Who owns what: each thread has a state of its own, from open to close, which no other thread
 * uses meanwhile; all arrays are the caller's, and no call keeps a pointer into them, but for
 * weights: what is made of them may be kept until renew.
 */
#ifndef SER_NN_KERNELS_H
#define SER_NN_KERNELS_H

#include <stddef.h>

struct ser_layer;
struct ser_block;

struct ser_conv_shape { /* valid padding, stride 1: x [N,H,W,C], w [kh,kw,C,F], y
                           [N,H-kh+1,W-kw+1,F] */
    int N, H, W, C, F, kh, kw;
};

struct ser_kernels {
    const char *name;

    /* The kernels that this one chooses among, in the order they are asked, NULL at the end. NULL:
     * it does the operations itself. */
    const struct ser_kernels *const *among;

    /* Whether this processor can; constant while a program runs. NULL: any can. */
    int (*can)(void);

    /* A thread's state, called on that thread. NULL, with why, when memory ends. */
    void *(*open)(const struct ser_kernels *k, char *why, size_t size);
    void (*close)(void *state);

    /* The weights may have changed since the last call: whatever is kept of them is made anew.
     * Called on any thread, while the kernels rest. NULL: nothing is kept. */
    void (*renew)(void *state);

    /* Whether there was no memory for something, or the library failed: what was computed since is
     * not to be used. NULL: that cannot be. */
    int (*failed)(void *state);

    /* C [M,N] = op(A) op(B) + beta C, row-major with leading dimensions; M, N, K and these are at least 1;
     * ta, tb: transposed; beta 0 or 1. Rows of A that is not transposed may run into each other: lda < K. */
    int (*gemm)(void *state, int ta, int tb, int M, int N, int K, const float *A, int lda,
                const float *B, int ldb, float beta, float *C, int ldc);

    /* y = conv(x, w) + b, then max(0, .) if relu. */
    int (*conv)(void *state, const struct ser_conv_shape *s, const float *x, const float *w,
                const float *b, int relu, float *y);

    /* dw and db from x and dy; dx from dy and w, unless dx is NULL. All are overwritten. */
    int (*conv_back)(void *state, const struct ser_conv_shape *s, const float *x, const float *dy,
                     const float *w, float *dw, float *db, float *dx);

    /* Where the layers from first on (left of them) begin with some that can be done in one pass,
     * sets block to that and returns how many they are; 0 where not. NULL: layers stay one by one.
     */
    int (*fuse)(const struct ser_layer *first, int left, struct ser_block *block);
};

extern const struct ser_kernels ser_kernels_avx512, ser_kernels_plain;
#ifdef SER_ONEDNN
extern const struct ser_kernels ser_kernels_onednn;
#endif

/* For tests: one of the three as it serves in `fast`, with plain where it does not suit. NULL: it
 * is not built, or this processor cannot. */
const struct ser_kernels *ser_kernels_alone(const char *name);

#endif
