/* moments.h - mean and deviation of features over frames, and features normalised by them. Pure.
 *
 * Features are float [before, time, behind], of whose time the first frames are true and the others padding;
 * feature a * behind + c is [a, :, c]. Features without an axis of time have a time of 1.
 */
#ifndef SER_MOMENTS_H
#define SER_MOMENTS_H

#include <stddef.h>

struct ser_layout {
    size_t before, time, behind;
    size_t frames; /* 1..time */
};

struct ser_moments { /* of before * behind features */
    double frames;   /* so many are in them */
    double *mean;    /* [features] */
    double *square;  /* [features] the sum of the squares about the mean: variance times frames */
};

/* Adds the true frames of x. Source: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979; so large sums lose no digits, and features that never change have the
 * variance 0 exactly. The order of calls decides the last bits. */
void ser_moments_add(struct ser_moments *m, const float *x, const struct ser_layout *l);

/* y = (x - mean) / deviation of the true frames of x, in place; of all of them with padding 1. mean and
 * variance are [before * behind]; the deviation is the root of the variance, or 1 where that is 0. */
void ser_normalize(float *x, const struct ser_layout *l, const double *mean, const double *variance,
                   int padding);

/* How a voice that is known from n frames is seen when k frames' worth of prior are added to it: both arrays
 * [features] become (n own + k prior) / (n + k), n + k > 0. */
void ser_shrink(double *mean, double *variance, size_t features, double n, const double *prior_mean,
                const double *prior_variance, double k);

#endif
