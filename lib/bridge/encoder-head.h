/* encoder-head.h - the head (nn/head.h) that a published model has beside its encoder:
 *
 *   classes  the tensors projector.{weight,bias} and classifier.{weight,bias}; with use_weighted_layer_sum in
 *            config.json layer_weights, too. id2label in config.json names the classes
 *   numbers  classifier.dense.{weight,bias} and classifier.out_proj.{weight,bias}: arousal, dominance, valence
 *
 * A head of Whisper would be heard over 30 s of padding, and is refused.
 */
#ifndef SER_ENCODER_HEAD_H
#define SER_ENCODER_HEAD_H

#include "bridge/encoder-files.h"
#include "nn/head.h"

enum { SER_MAX_OUTPUTS = 1000, SER_MAX_INNER = 16384 };

struct ser_encoder_head {
    struct ser_head head;
    char **name; /* [outputs] of classes or numbers; owned */
};

/* The head of f. 0; or -1 with e set (SER_BAD: it has none, or one that cannot be computed), and nothing to
 * free. */
int ser_encoder_head_load(const struct ser_encoder_files *f, struct ser_encoder_head *h,
                          struct ser_error *e) SER_MUST_CHECK;
void ser_encoder_head_free(struct ser_encoder_head *h);

/* Adds the tensors of heads that f has to t, which has room for SER_HEAD_TENSORS; returns how many. */
enum { SER_HEAD_TENSORS = 9 };
size_t ser_encoder_head_tensors(const struct ser_encoder_files *f, const struct ser_tensor **t);

#endif
