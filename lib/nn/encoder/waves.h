/* waves.h - wav2vec 2.0, HuBERT and WavLM, which hear samples, for lib/nn/encoder only.
 *
 * Source: transformers 4.52, models/{wav2vec2,hubert,wavlm}/modeling_*.py, whose names of tensors and
 * hidden states are used.
 *
 *   x [n]      normalised, where the preprocessor says so: (x - mean) / sqrt(var + 1e-7)
 *   conv       each conv1d without padding, a norm, gelu. The norm is one over the channels of each
 *              frame, in all of them; or in the first one alone, over the time of each channel.
 *              Their epsilon is 1e-5 always.                                        [T,C]
 *   project    a norm (not in DistilHuBERT), C to D                                 [T,D]
 *   positions  h += gelu(conv1d(h)), K taps, G groups, K/2 zeros at both ends, the first T frames;
 *              weight norm: w[:,:,k] = g[k] v[:,:,k] / |v[:,:,k]|
 *   layers     norms behind attention and feed forward, and one before the first layer; or, if the
 *              network is stable, norms before both, and one behind the last layer
 *
 * WavLM adds to the score of a query and a key a bias that depends on how far they are apart, times a
 * gate of the query; what goes into the attention is x, of head h x_h:
 *
 *   bias[h][r] = rel_attn_embed[bucket(r)][h], r = key - query, the same in all layers
 *   y = gru_rel_pos_linear(x_h), a = sigmoid(y0 + y1 + y2 + y3), b = sigmoid(y4 + y5 + y6 + y7)
 *   gate = a (b gru_rel_pos_const[h] - 1) + 2
 *
 *   bucket(r) = (r > 0 ? n : 0) + (|r| < n/2 ? |r| : min(n - 1, the whole part of
 *               n/2 + ln(|r| / (n/2)) / ln(distance / (n/2)) n/2)), n half the number of buckets
 */
#ifndef SER_WAVES_H
#define SER_WAVES_H

#include "nn/encoder/hearing.h"
#include "nn/encoder/load.h"

struct ser_waves;
void ser_waves_list(const struct ser_encoder_shape *s, struct ser_lister *l);
int ser_waves_check(const struct ser_encoder_shape *s, char why[SER_WHY]);
struct ser_waves *ser_waves_new(struct ser_loader *l, int last);
void ser_waves_free(struct ser_waves *w);

/* Frames of n samples; the fewest samples that give so many frames. */
size_t ser_waves_frames(const struct ser_encoder_shape *s, size_t n);
size_t ser_waves_samples(const struct ser_encoder_shape *s, size_t frames);

/* As the functions of encoder.h that are called almost so. */
int ser_waves_features(const struct ser_waves *w, struct ser_hearing *h, const float *x, size_t n,
                       const float **y, size_t *rows);
int ser_waves_layers(const struct ser_waves *w, struct ser_hearing *h, const float *y, size_t rows,
                     int first, ser_hidden *take, void *ctx);

#endif
