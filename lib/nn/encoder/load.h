/* load.h - from tensors of a file to packed weights, for lib/nn/encoder only. */
#ifndef SER_LOAD_H
#define SER_LOAD_H

#include "nn/encoder.h"
#include "nn/encoder/linear.h"
#include "nn/encoder/norm.h"

/* A list of weights is made of rows: those of the whole network, and those of each layer, whose names
 * have a %d for its number. Dimensions are numbers, or one of these. */
enum { SER_OF_WIDTH = -1, SER_OF_HIDDEN = -2, SER_OF_BANDS = -3 };

struct ser_weight_row {
    const char *name; /* NULL ends the rows */
    int dim[3];       /* 0: no such dimension */
    int per_layer;
};

int ser_weight_count(const struct ser_weight_row *rows, int layers);
void ser_weight_get(const struct ser_weight_row *rows, const struct ser_encoder_shape *s, int i,
                    struct ser_weight *w);

struct ser_loader {
    const struct ser_encoder_shape *shape;
    const struct ser_weight_source *from;
    float *room; /* [most] for one tensor */
    size_t most;
    int failed; /* the source did */
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

/* NAME.weight and NAME.bias of a norm. 0, or -1 without memory, or when the source failed. */
int ser_load_norm(struct ser_loader *l, const char *name, int layer, struct ser_norm *to);
void ser_norm_free(struct ser_norm *n);

#endif
