/* positions.h - what tells the layers of wav2vec 2.0, HuBERT and WavLM where a frame stands, for lib/nn/encoder
 * only: a convolution over its neighbours.
 *
 *   h += gelu(conv1d(h)), K taps, G groups, K/2 zeros at both ends, the first T frames
 *   weight norm: w[:,:,k] = g[k] v[:,:,k] / |v[:,:,k]|
 *
 * Source: transformers 4.52, models/wav2vec2/modeling_wav2vec2.py, Wav2Vec2PositionalConvEmbedding.
 */
#ifndef SER_POSITIONS_H
#define SER_POSITIONS_H

#include "nn/encoder/load.h"
#include "nn/encoder/run.h"

struct ser_positions { /* zeros: none */
    const struct ser_encoder_shape *shape;
    struct ser_linear *group; /* [groups] */
};

void ser_positions_list(const struct ser_encoder_shape *s, struct ser_lister *l);

/* 0, or -1 without memory, or when the source failed. The caller frees in either case. */
int ser_positions_load(struct ser_positions *p, struct ser_loader *l);
void ser_positions_free(struct ser_positions *p);

/* Adds them to the T frames of run->hidden [T,D]. 0, or -1 without memory. */
int ser_positions_add(const struct ser_positions *p, struct ser_encoder_run *run, int T);

#endif
