/* loss.h - for the files of lib/nn only. */
#ifndef SER_LOSS_H
#define SER_LOSS_H

#include "nn/nn.h"

/* Each row of x [rows,n] becomes e^x / sum e^x, in place. */
void ser_softmax(float *x, size_t rows, int n);

/* Mean over the samples of the loss times share [B] (NULL: 1), of logits z [B,K] and their softmax
 * p [B,K]; place [B] are those of struct ser_dropout (NULL: the labels alone are the target). However
 * small a probability is, it is not clipped, as Keras does it with the TensorFlow backend. */
double ser_mean_loss(const struct ser_loss *loss, const float *z, const float *p, const int *label,
                     const size_t *place, const float *share, int B, int K);

/* The gradient of that mean by the logits of a sample, d [K]; *place is its own, or NULL. */
void ser_loss_gradient(const struct ser_loss *loss, const float *p, int label, const size_t *place,
                       int B, int K, float *d);

#endif
