/* winograd.h - 3x3 convolutions with a quarter of the multiplications, for the files of lib/nn
 * only.
 *
 * F(4x4, 3x3): Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016. An
 * output tile of 4x4 comes from an input patch of 6x6: both are turned into 36 numbers a channel,
 * between which the convolution is a product for each of the 36, a matrix product over channels.
 * The gradients are the same steps backwards, each by its transpose. Rounding is some ten times
 * that of a plain sum.
 */
#ifndef SER_NN_WINOGRAD_H
#define SER_NN_WINOGRAD_H

#include "nn/kernels/kernels.h"

/* Whether shape and processor suit: 3x3, channels and filters multiples of 16, AVX-512. */
int ser_winograd_suits(const struct ser_conv_shape *s);

/* The memory of one shape that suits; N may vary between calls. NULL when out of memory. */
struct ser_winograd;
struct ser_winograd *ser_winograd_new(const struct ser_conv_shape *s);
void ser_winograd_free(struct ser_winograd *g);

/* The weights may have changed: what is kept of them is made anew. */
void ser_winograd_renew(struct ser_winograd *g);

/* As conv and conv_back of the kernels. */
void ser_winograd_forward(struct ser_winograd *g, int N, const float *x, const float *w,
                          const float *b, int relu, float *y);
void ser_winograd_back(struct ser_winograd *g, int N, const float *x, const float *dy,
                       const float *w, float *dw, float *db, float *dx);

#endif
