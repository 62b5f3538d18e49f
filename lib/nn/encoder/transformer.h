/* transformer.h - one layer of a transformer's encoder, for lib/nn/encoder only.
 *
 *   norms before        h += attention(norm1(h)) Wo^T + bo
 *                       h += gelu(norm2(h) W1^T + b1) W2^T + b2
 *   norms behind        h = norm1(h + attention(h) Wo^T + bo)
 *                       h = norm2(h + gelu(h W1^T + b1) W2^T + b2)
 */
#ifndef SER_TRANSFORMER_H
#define SER_TRANSFORMER_H

#include "nn/encoder/load.h"
#include "nn/encoder/run.h"

struct ser_transformer {
    struct ser_norm norm1, norm2;
    struct ser_linear qkv, out, up, down;
};

/* Where a layer's tensors are: their names, of which each has a %d for its number. */
struct ser_transformer_names {
    const char *norm1, *query, *key, *value, *out, *norm2, *up, *down;
    int key_bias;
};

/* 0, or -1 when the source failed. */
int ser_transformer_load(struct ser_transformer *t, struct ser_loader *l,
                         const struct ser_transformer_names *names, int layer);

/* Puts the layer's tensors on the list. */
void ser_transformer_list(const struct ser_encoder_shape *s, struct ser_lister *l,
                          const struct ser_transformer_names *names, int layer);

/* What is the same of all layers of a network. */
struct ser_transforming {
    int heads;
    double epsilon; /* of the norms */
    int behind;     /* 1: the norms are */

    /* Scores of key k and query q get + gate[q] bias[k - q] more. Called with x [T,D], which goes into
     * the attention, to fill gate [T,heads]; NULL: there is no such thing. bias [heads, 2 T - 1], that
     * of k - q = 0 in the middle. */
    void (*fill_gate)(void *ctx, struct ser_encoder_run *run, const float *x, int T, float *gate);
    void *ctx;
    const float *bias;
};

/* h->hidden [T,D] goes through the layer. 0, or -1 without memory. */
int ser_transformer_run(const struct ser_transformer *t, struct ser_encoder_run *run, int T,
                        const struct ser_transforming *how);

#endif
