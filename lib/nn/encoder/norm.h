/* norm.h - layer normalisation, for lib/nn/encoder only. */
#ifndef SER_NORM_H
#define SER_NORM_H

struct ser_norm {
    const float *weight, *bias; /* [D]; they belong to the encoder */
};

/* y [rows,D] = (x - mean) / sqrt(var + epsilon) * weight + bias, each row over its own D numbers, with
 * the variance of all of them; sums in double precision. y may be x. */
void ser_norm_rows(const struct ser_norm *n, int rows, int D, double epsilon, const float *x,
                   float *y);

#endif
