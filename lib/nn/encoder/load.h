/* load.h - from tensors of a file to packed weights, for lib/nn/encoder only. */
#ifndef SER_LOAD_H
#define SER_LOAD_H

#include "nn/encoder.h"
#include "nn/encoder/linear.h"
#include "nn/encoder/norm.h"

/* The list of a network's weights while it is made. Formats may have a %d for the number of a layer. */
struct ser_lister {
    struct ser_weight *w; /* NULL: they are only counted */
    int n;
};

/* Adds one; dimensions that are 0 are not there. */
void ser_list(struct ser_lister *l, const char *format, int number, int a, int b, int c, int d);

/* NAME.weight [out,in] and, if bias, NAME.bias [out]; or those of a norm, [D]. */
void ser_list_linear(struct ser_lister *l, const char *name, int number, int out, int in, int bias);
void ser_list_norm(struct ser_lister *l, const char *name, int number, int D);

/* Those of a convolution over time, NAME.weight [out,in,taps]. */
void ser_list_conv(struct ser_lister *l, const char *name, int number, int out, int in, int taps,
                   int bias);

/* Packed weights lie in one piece of memory, one behind the other, in an order that is the same for all
 * encoders of a shape; what the first layers need stands before the others. Loading is done in one of three
 * ways: their places are counted; or filled from a source; or taken as they are. */
struct ser_loader {
    const struct ser_encoder_shape *shape;
    const struct ser_weight_source *from; /* NULL: nothing is filled */
    float *fill;                          /* what is filled; NULL: nothing */
    const float *at;                      /* the packed weights; NULL: they are counted */
    size_t used;                          /* floats so far */
    struct ser_weight *list;              /* [n] */
    int n;
    float *room; /* for one tensor, whichever */
    int failed;  /* the source did */
};

/* Of the three ways the one that fill and at tell, which are kept. 0, or -1 without memory. */
int ser_loader_new(struct ser_loader *l, const struct ser_encoder_shape *s,
                   const struct ser_weight_source *from, float *fill, const float *at);
void ser_loader_free(struct ser_loader *l);

/* The place of the next n floats, on a boundary of 64 bytes: *to, NULL while they are counted. Where they are to
 * be filled, it is returned, too; NULL otherwise. */
float *ser_place(struct ser_loader *l, size_t n, const float **to);

/* Reads the tensor whose name is made of format and, if it has a %d, the number of a layer. *w is what
 * it is. Its values, which last until the next call; NULL when the source failed. Only while weights are filled. */
const float *ser_load_tensor(struct ser_loader *l, const char *format, int layer,
                             struct ser_weight *w);

/* A place with the values of a tensor. 0, or -1 when the source failed. */
int ser_load_copy(struct ser_loader *l, const char *format, int layer, const float **to);

/* Places for a product; *panel and *bias are what to fill, as ser_place has it: the outputs that are not there, and
 * the biases, are 0. */
void ser_place_linear(struct ser_loader *l, int in, int out, int has_bias, struct ser_linear *to,
                      float **panel, float **bias);

/* A product that is several matrices, [out,in] each, one under the other: NAME.weight and NAME.bias, where it has
 * one; those of others are 0. 0, or -1 when the source failed. */
struct ser_outputs {
    const char *name;
    int bias;
};
int ser_load_linear(struct ser_loader *l, const struct ser_outputs *part, int parts, int layer,
                    int in, int out, struct ser_linear *to);

/* Makes to the product that is the convolution NAME.weight [out,in,taps], with the numbers under all taps,
 * [taps,in], as its input; they stand side by side in x [T,in]. 0, or -1 without memory, or when the
 * source failed. */
int ser_load_conv(struct ser_loader *l, const char *name, int number, struct ser_linear *to,
                  int bias);

/* NAME.weight and NAME.bias of a norm. 0, or -1 when the source failed. */
int ser_load_norm(struct ser_loader *l, const char *name, int layer, struct ser_norm *to);

#endif
