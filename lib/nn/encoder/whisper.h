/* whisper.h - the encoder of OpenAI's Whisper, for lib/nn/encoder only.
 *
 * Sources: openai/whisper, release 20250625, whisper/audio.py and model.py; transformers 5.24,
 * models/whisper/modeling_whisper.py, whose names of tensors and hidden states are used.
 *
 *   y [M,B]  log-mel (math/logmel.h)
 *   conv1    kernel 3, one frame of zeros at both ends; gelu                          [M,D]
 *   conv2    the same with stride 2                                     [T,D], T = ceil(M/2)
 *   h        + embed_positions[0..T-1]: hidden state 0
 *   layers   norm before attention and feed forward (transformer.h), no bias of the keys
 *   h        the last one: layer_norm(h)
 *
 * All norms have epsilon 1e-5.
 */
#ifndef SER_WHISPER_H
#define SER_WHISPER_H

#include "nn/encoder/load.h"
#include "nn/encoder/run.h"

enum { SER_WHISPER_POSITIONS = 1500 };

struct ser_whisper;
void ser_whisper_list(const struct ser_encoder_shape *s, struct ser_lister *l);
int ser_whisper_check(const struct ser_encoder_shape *s, char why[SER_WHY]);
struct ser_whisper *ser_whisper_new(struct ser_loader *l, int last);
void ser_whisper_free(struct ser_whisper *w);

/* As the functions of encoder.h that are called almost so. */
int ser_whisper_features(const struct ser_whisper *w, struct ser_encoder_run *run, const float *x,
                         size_t n, int padded, const float **y, size_t *rows);
int ser_whisper_layers(const struct ser_whisper *w, struct ser_encoder_run *run, const float *y,
                       size_t rows, size_t frames, int first, ser_hidden *take, void *ctx);

#endif
