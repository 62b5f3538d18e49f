/* product.h - products of matrices, and convolutions of few taps, with AVX-512, for the files of
 * lib/nn only.
 *
 * oneDNN's product makes its code when first called, which takes 33 ms: half a hundred times what
 * a network needs for one utterance. At the sizes of a shard this one is as fast (both reach what
 * the processor can, measured), and each row of the result is summed by itself, in ascending order
 * of the inner index, so that a sample's numbers do not depend on those beside it.
 *
 * Callers ask ser_product_can or ser_direct_suits first; ser_turn is for all.
 */
#ifndef SER_NN_PRODUCT_H
#define SER_NN_PRODUCT_H

#include "nn/kernels/kernels.h"

/* Whether this processor can; constant while a program runs. */
int ser_product_can(void);

/* C [M,N] = A B, or C + A B with add. A(m,k) = A[m am + k ak]; B [K,N] and C row-major with leading
 * dimensions. */
void ser_product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                 size_t ldb, int add, float *C, size_t ldc);

/* to [cols,rows] = from [rows,cols], both with leading dimensions. */
void ser_turn(const float *from, int rows, int cols, size_t ld, float *to, size_t ldto);

/* The convolution as conv of the kernels has it, straight from its definition: for images of one
 * channel and kernels of few taps (kh kw), on a processor that can. */
int ser_direct_suits(const struct ser_conv_shape *s);
void ser_direct_forward(const struct ser_conv_shape *s, const float *x, const float *w,
                        const float *b, int relu, float *y);
/* dw and db as conv_back of the kernels; there is no dx. */
void ser_direct_weights(const struct ser_conv_shape *s, const float *x, const float *dy, float *dw,
                        float *db);

#endif
