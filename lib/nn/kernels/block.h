/* block.h - convolution, batch normalisation, maxpool and dropout in one, for the files of lib/nn
 * only.
 *
 * The same function as the four layers; what is large, the output of the convolution, is read while
 * it is in the cache and as seldom as can be.
 */
#ifndef SER_NN_BLOCK_H
#define SER_NN_BLOCK_H

#include "nn/layer.h"

/* Where the layers from first on (left of them) are conv, batchnorm, maxpool and perhaps dropout,
 * sets fused to a layer that does them all and returns how many they are; 0 where not. */
int ser_block_fuse(const struct ser_layer *first, int left, struct ser_layer *fused);

#endif
