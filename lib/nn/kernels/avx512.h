/* avx512.h - the parts of the avx512 kernels, for avx512*.c only; avx512.c chooses among them.
 *
 * Callers have made sure that the processor has AVX-512, and for a convolution that its shape
 * suits. Nothing fails but for want of memory.
 */
#ifndef SER_NN_AVX512_H
#define SER_NN_AVX512_H

#include "nn/kernels/kernels.h"
#include "nn/kernels/product.h"

#ifdef __x86_64__
#define SER_AVX512 __attribute__((target("avx512f")))

/* ---- products of matrices (avx512_product.c) ----
 *
 * oneDNN's product makes its code when first called, which takes 33 ms: half a hundred times what
 * a network needs for one utterance. At the sizes of a shard this one is as fast (both reach what
 * the processor can, measured), and each row of the result is summed by itself, in ascending order
 * of the inner index, so that a sample's numbers do not depend on those beside it. */

ser_product ser_avx512_product;

/* C [M,N] = plus + A B, then max(0, .) if relu; plus [M,N] with leading dimension ldp (0: one row
 * for all), NULL: nothing. The rest as in product.h. */
void ser_avx512_multiply(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                         size_t ldb, const float *plus, size_t ldp, int relu, float *C, size_t ldc);

/* ---- convolutions of one channel and few taps (avx512_direct.c) ---- */

int ser_avx512_direct_suits(const struct ser_conv_shape *s);
void ser_avx512_direct_forward(const struct ser_conv_shape *s, const float *x, const float *w,
                               const float *b, int relu, float *y);
/* dw and db as conv_back of the kernels; there is no dx. */
void ser_avx512_direct_weights(const struct ser_conv_shape *s, const float *x, const float *dy,
                               float *dw, float *db);

/* ---- 3x3 convolutions (avx512_winograd.c) ---- */

/* Channels and filters are multiples of 16. */
int ser_avx512_winograd_suits(const struct ser_conv_shape *s);

/* The memory of one shape that suits; N may vary between calls. NULL when out of memory. */
struct ser_winograd;
struct ser_winograd *ser_avx512_winograd_new(const struct ser_conv_shape *s);
void ser_avx512_winograd_free(struct ser_winograd *g);

/* The weights may have changed: what is kept of them is made anew. */
void ser_avx512_winograd_renew(struct ser_winograd *g);

/* As conv and conv_back of the kernels. */
void ser_avx512_winograd_forward(struct ser_winograd *g, int N, const float *x, const float *w,
                                 const float *b, int relu, float *y);
void ser_avx512_winograd_back(struct ser_winograd *g, int N, const float *x, const float *dy,
                              const float *w, float *dw, float *db, float *dx);

#endif
#endif
