/* front.h - from samples to the frames of wav2vec 2.0, HuBERT and WavLM, for lib/nn/encoder only.
 *
 *   x [n] -> conv1d without padding, a norm, gelu; as often as there are convolutions -> [T,C]
 *
 * The norm is one over the channels of each frame, in every convolution; or in the first one alone,
 * over the time of each channel. Epsilon is 1e-5 always.
 *
 * A stretch of frames goes through all convolutions before the next one: what is between them stays
 * in the cache, and takes little memory however long the recording. The first convolution is done twice
 * where its norm is over time: its sums must be known before.
 */
#ifndef SER_FRONT_H
#define SER_FRONT_H

#include "nn/encoder/load.h"
#include "nn/encoder/run.h"

struct ser_front { /* zeros: none */
    const struct ser_encoder_shape *shape;
    struct ser_front_conv {
        struct ser_linear taps;
        struct ser_norm norm;
    } conv[SER_ENCODER_CONVS];
};

void ser_front_list(const struct ser_encoder_shape *s, struct ser_lister *l);

/* 0, or -1 without memory, or when the source failed. */
int ser_front_load(struct ser_front *f, struct ser_loader *l);

/* Frames of n samples; the fewest samples that give so many frames. */
size_t ser_front_frames(const struct ser_encoder_shape *s, size_t n);
size_t ser_front_samples(const struct ser_encoder_shape *s, size_t frames);

/* y [T,C] of x [n], n samples of which there are T frames, at least one. 0, or -1 without memory. */
int ser_front_run(const struct ser_front *f, struct ser_encoder_run *run, const float *x, size_t n,
                  float *y);

#endif
