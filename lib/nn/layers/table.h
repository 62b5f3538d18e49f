/* table.h - the types of layer, one a line. A new one is a file beside this, which defines
 * ser_layer_NAME, and a line here. Included wherever LAYER(name) is defined to make something of
 * each; so there is no guard.
 */
LAYER(conv)
LAYER(batchnorm)
LAYER(maxpool)
LAYER(dropout)
LAYER(reshape)
LAYER(lstm)
LAYER(bilstm)
LAYER(attention)
LAYER(mean)
LAYER(last)
LAYER(dense)
LAYER(standardize)
LAYER(scale)
#undef LAYER
