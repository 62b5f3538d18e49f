/* distances.h - the bias in WavLM's attention, for lib/nn/encoder only.
 *
 * WavLM adds to the score of a query and a key a bias that depends on how far they are apart, times a
 * gate of the query; what goes into the attention is x, of head h x_h:
 *
 *   bias[h][r] = rel_attn_embed[bucket(r)][h], r = key - query, the same in all layers
 *   y = gru_rel_pos_linear(x_h), a = sigmoid(y0 + y1 + y2 + y3), b = sigmoid(y4 + y5 + y6 + y7)
 *   gate = a (b gru_rel_pos_const[h] - 1) + 2
 *
 *   bucket(r) = (r > 0 ? n : 0) + (|r| < n/2 ? |r| : min(n - 1, the whole part of
 *               n/2 + ln(|r| / (n/2)) / ln(distance / (n/2)) n/2)), n half the number of buckets
 *
 * Source: transformers 4.52, models/wavlm/modeling_wavlm.py.
 */
#ifndef SER_DISTANCES_H
#define SER_DISTANCES_H

#include "nn/encoder/load.h"
#include "nn/encoder/run.h"

struct ser_distances { /* zeros: none */
    const struct ser_encoder_shape *shape;
    const float *embed; /* [buckets,H] */
    struct ser_gate {
        const float *weight; /* [2, D / H]: the sums of four outputs' weights each */
        const float *bias;   /* [2] */
        const float *scale;  /* [H] */
    } * gate;                /* [layers] */
};

void ser_distances_list(const struct ser_encoder_shape *s, struct ser_lister *l);

/* Of all layers. 0, or -1 without memory, or when the source failed. The caller frees in either case. */
int ser_distances_load(struct ser_distances *d, struct ser_loader *l);
void ser_distances_free(struct ser_distances *d);

/* The bias [H, 2 T - 1], which h keeps from clip to clip of one length. NULL without memory. */
const float *ser_distances_bias(const struct ser_distances *d, struct ser_encoder_run *run, int T);

/* As fill_gate of struct ser_transforming, whose ctx is such a structure. */
struct ser_gating {
    const struct ser_distances *of;
    int layer;
};
void ser_distances_gate(void *ctx, struct ser_encoder_run *run, const float *x, int T, float *gate);

#endif
