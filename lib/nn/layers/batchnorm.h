/* batchnorm.h - the parts of batch normalisation that a fused layer shares, for the files of lib/nn
 * only.
 *
 * Of M positions with C channels each. param: gamma, beta, mean, var. Sums over a batch are [2,C]:
 *
 *   total    of x and of x^2, forwards
 *   dtotal   of dy and of dy xhat, backwards
 */
#ifndef SER_NN_BATCHNORM_H
#define SER_NN_BATCHNORM_H

#include "nn/nn.h"

/* sums += those of x [n,C]. */
void ser_bn_add(const float *x, size_t n, int C, double *sums);

/* sums += those of dy [n,C], x being what dy belongs to; mean and inverse of ser_bn_moments. */
void ser_bn_add_gradient(const float *x, const float *dy, size_t n, int C, const float *mean,
                         const float *inverse, double *sums);

/* y = x scale + shift, [C] each. total NULL: with the moving statistics, not the batch's. */
void ser_bn_scale(const struct ser_param *param, int C, const double *total, double M, float *scale,
                  float *shift);

/* Moves the moving statistics towards the batch's: keep of them stays. */
void ser_bn_move(struct ser_param *param, int C, const double *total, double M, double keep);

/* mean [C] and 1 / sqrt(var + eps) [C] of the batch. */
void ser_bn_moments(int C, const double *total, double M, float *mean, float *inverse);

/* A shard's gradients [C] from its sums backwards; NULL: not wanted. */
void ser_bn_gradients(int C, const double *sums, float *dgamma, float *dbeta);

/* dx = a dy + b x + c, [C] each. */
void ser_bn_slope(const struct ser_param *param, int C, const double *total, const double *dtotal,
                  double M, float *a, float *b, float *c);

#endif
