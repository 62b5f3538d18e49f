/* block.h - convolution, batch normalisation, maxpool and dropout in one, for the files of lib/nn
 * only.
 *
 * The same function as the four layers; what is large, the output of the convolution, is read while
 * it is in the cache and as seldom as can be. Any kernels can serve the convolution within.
 */
#ifndef SER_NN_BLOCK_H
#define SER_NN_BLOCK_H

#include "nn/layer.h"

/* Layers of a network that one pass does together. */
struct ser_block {
    struct ser_layer layer; /* what they are as one: input, output, parameters; it stands first, so
                               that a pass over it finds the rest */
    const struct ser_layer *conv, *batchnorm, *maxpool, *dropout; /* dropout NULL: there is none */
};

/* Where the layers from first on (left of them) are conv, batchnorm that is not frozen, maxpool and
 * perhaps dropout, sets block to them, which must stay where they are, and returns how many they are;
 * 0 where not. */
int ser_block_fuse(const struct ser_layer *first, int left, struct ser_block *block);

#endif
