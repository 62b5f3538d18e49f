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

struct ser_loader {
    const struct ser_encoder_shape *shape;
    const struct ser_weight_source *from;
    struct ser_weight *list; /* [n] */
    int n;
    float *room; /* for one tensor, whichever */
    int failed;  /* the source did */
};

/* 0, or -1 without memory. */
int ser_loader_new(struct ser_loader *l, const struct ser_encoder_shape *s,
                   const struct ser_weight_source *from);
void ser_loader_free(struct ser_loader *l);

/* Reads the tensor whose name is made of format and, if it has a %d, the number of a layer. *w is what
 * it is. Its values, which last until the next call; NULL when the source failed. */
const float *ser_load_tensor(struct ser_loader *l, const char *format, int layer,
                             struct ser_weight *w);

/* A copy, which the caller frees. NULL without memory, or when the source failed. */
float *ser_load_copy(struct ser_loader *l, const char *format, int layer);

/* Packs the matrix NAME.weight as outputs of to from first on, and NAME.bias, if bias, beside them. 0,
 * or -1 when the source failed. */
int ser_load_outputs(struct ser_loader *l, const char *name, int layer, struct ser_linear *to,
                     int first, int bias);

/* Makes to the product that is the convolution NAME.weight [out,in,taps], with the numbers under all taps,
 * [taps,in], as its input; they stand side by side in x [T,in]. 0, or -1 without memory, or when the
 * source failed. */
int ser_load_conv(struct ser_loader *l, const char *name, int number, struct ser_linear *to,
                  int bias);

/* NAME.weight and NAME.bias of a norm. 0, or -1 without memory, or when the source failed. */
int ser_load_norm(struct ser_loader *l, const char *name, int layer, struct ser_norm *to);
void ser_norm_free(struct ser_norm *n);

#endif
