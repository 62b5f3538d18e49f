/* dropout.h - which elements dropout keeps, for a fused layer too; for the files of lib/nn only. */
#ifndef SER_NN_DROPOUT_H
#define SER_NN_DROPOUT_H

#include "math/rng.h"
#include "nn/nn.h"

/* The key of a layer (its index in the net) in an epoch. */
struct ser_key ser_dropout_key(const struct ser_dropout *dropout, int layer);

/* keep[n]: 1 with probability 1 - rate (to 1/65536), else 0, for the sample at a place. */
void ser_dropout_mask(struct ser_key key, uint64_t place, float rate, size_t n, uint8_t *keep);

#endif
