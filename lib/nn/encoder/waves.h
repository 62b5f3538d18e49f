/* waves.h - wav2vec 2.0, HuBERT and WavLM, which hear samples, for lib/nn/encoder only.
 *
 * Source: transformers 4.52, models/{wav2vec2,hubert,wavlm}/modeling_*.py, whose names of tensors and
 * hidden states are used.
 *
 *   x [n]      normalised, where the preprocessor says so: (x - mean) / sqrt(var + 1e-7)
 *   conv       convolutions with norm and gelu (front.h)                           [T,C]
 *   project    a norm (not in DistilHuBERT), C to D                                 [T,D]
 *   positions  a convolution over the neighbours (positions.h)
 *   layers     norms behind attention and feed forward, and one before the first layer; or, if the
 *              network is stable, norms before both, and one behind the last layer
 *
 * WavLM has a bias in its attention, too (distances.h).
 */
#ifndef SER_WAVES_H
#define SER_WAVES_H

#include "nn/encoder/load.h"
#include "nn/encoder/run.h"

struct ser_waves;
void ser_waves_list(const struct ser_encoder_shape *s, struct ser_lister *l);
int ser_waves_check(const struct ser_encoder_shape *s, char why[SER_WHY]);
struct ser_waves *ser_waves_new(struct ser_loader *l, int last);
void ser_waves_free(struct ser_waves *w);

/* As the functions of encoder.h that are called almost so. */
int ser_waves_features(const struct ser_waves *w, struct ser_encoder_run *run, const float *x,
                       size_t n, const float **y, size_t *rows);
int ser_waves_layers(const struct ser_waves *w, struct ser_encoder_run *run, const float *y,
                     size_t rows, int first, ser_hidden *take, void *ctx);

#endif
