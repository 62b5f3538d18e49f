/* vary.h - random variations of features, made anew for each epoch of a training. Pure.
 *
 * A sample is x [A,T,C]: T frames with A rows before them and C channels behind. Its true frames
 * are the first n of the T; what is behind them is padding, which nothing here reads or changes.
 * Its bands are either the rows (C is 1) or the channels (A is 1): `blocks` times `bands` of them,
 * one block behind the other, as coefficients and their deltas are; rows behind the last block are
 * of another kind.
 *
 * In this order:
 *
 *   warp, shift  frame t is what was at place o + f t - k, between two frames by linear
 *                interpolation, and held at the first and the last true frame. The tempo f is
 *                uniform in 1 +- time; the part that is heard, or the silence around it, lies
 *                anywhere: o is uniform between 0 and (n - 1)(1 - f); k is a whole number from
 *                -shift to shift. Likewise band b is what was at g b, g uniform in 1 +- bands, as
 *                voices of longer and shorter throats differ (Jaitly, Hinton, Vocal tract length
 *                perturbation, ICML workshop 2013), by a linear map of the band's number.
 *   gain         a normal number with the deviation gain_db, times what a decibel changes in each
 *                row.
 *   filter       the response of another room or microphone, over the bands of the first block:
 *                straight lines between 2 to SER_MOST_KNOTS points at equal distances, each a
 *                normal number with the deviation filter_db, times what a decibel changes in each
 *                row (after Nam, Kim, Park, FilterAugment, ICASSP 2022, whose points lie anywhere).
 *   masks        as often as `masks` says a run of bands, and as often a run of frames, each from 0
 *                to the widest, anywhere, becomes the mean of its row (Park et al., SpecAugment,
 *                Interspeech 2019, whose features have the mean 0). A run of bands is masked in
 *                every block; a run of frames in every row.
 */
#ifndef SER_VARY_H
#define SER_VARY_H

#include "math/rng.h"

#define SER_MAX_MASKS  100
#define SER_MAX_WARP   0.9
#define SER_MOST_KNOTS 6

struct ser_variation {            /* all zeros: nothing is varied */
    double warp_bands, warp_time; /* 0..SER_MAX_WARP */
    double gain_db, filter_db;    /* 0 or more */
    int shift;                    /* frames, 0 or more */
    int mask_bands, mask_frames;  /* the widest, 0 or more */
    int masks;                    /* how many each way, 0..SER_MAX_MASKS */
};

struct ser_variation_layout {
    int A, T, C, bands, blocks; /* bands * blocks is A or less where C is 1, or else C or less */
    const float *mean;          /* [A*C] what masks set; may be NULL without masks */
    const float *gain;          /* [A] what a decibel adds; may be NULL without gain and filter */
};

/* Bytes of memory that ser_vary works in. */
size_t ser_vary_bytes(const struct ser_variation_layout *l);

/* x [A,T,C] with 1 <= n <= T true frames, varied by the numbers of key -> y, which is not x. Where
 * C is above 1 there is no gain and no filter, and warp_bands is taken as 0. */
void ser_vary(const struct ser_variation *v, const struct ser_variation_layout *l,
              struct ser_key key, int n, const float *x, float *y, void *memory);

/* y = share a + (1 - share) b, [n]; y may be a. */
void ser_mix(const float *a, const float *b, float share, size_t n, float *y);

/* The share of the first of two samples that are mixed, a number of Beta(alpha, alpha) or what is
 * left of 1, whichever is larger: the sample itself keeps the larger part, which changes nothing
 * where every pair is as likely the other way round. (Zhang, Cisse, Dauphin, Lopez-Paz, mixup, ICLR
 * 2018.) alpha > 0. */
double ser_mix_share(double alpha, struct ser_key key);

#endif
