/* layer.h - what a layer is, for the files of lib/nn only.
 *
 * A layer type is a table of functions. Each works on one shard of N samples and touches nothing but
 * what its pass names; so shards run side by side. Where a layer needs the whole batch (batchnorm in
 * training), it fills sums for its shard, reduce adds them over shards in order, and the pass goes on.
 */
#ifndef SER_NN_LAYER_H
#define SER_NN_LAYER_H

#include "kernels.h"
#include "nn.h"

/* One layer, one shard. */
struct ser_pass {
    const struct ser_layer *layer;
    struct ser_param *param; /* the layer's own, in its order */
    int N;
    int training;
    const struct ser_draw *draw;   /* dropout's; NULL: none */
    const size_t *place;           /* [N] into the training data; NULL with draw */
    const float *x;                /* [N, in] */
    float *y;                      /* [N, out] */
    const float *dy;               /* backward: [N, out] */
    float *dx;                     /* backward: [N, in], overwritten; NULL: not wanted */
    float **grad;                  /* backward: this shard's gradient per parameter, overwritten */
    void *saved;                   /* what forward leaves for backward */
    double *sums;                  /* what reduce adds over shards */
    const double *total;           /* the reduced sums, and how many samples they are of: B */
    int B;
    struct ser_worker *worker;     /* kernels and scratch of the thread that runs this */
};

struct ser_layer_type {
    const char *name;
    const char *usage; /* of its line in a description, for messages */

    /* Reads words[1..n-1] into the layer, checks in, sets out, declares parameters. */
    int (*setup)(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]);
    void (*init)(struct ser_layer *l, struct ser_param *p, uint64_t seed);

    size_t (*saved_bytes)(const struct ser_layer *l, int N);
    size_t (*sums)(const struct ser_layer *l); /* doubles per shard; 0: no reduction */

    void (*forward_sums)(const struct ser_pass *p); /* before forward, in training */
    void (*forward)(const struct ser_pass *p);
    void (*forward_done)(const struct ser_pass *p); /* once per batch, with total: moving statistics */
    void (*backward_sums)(const struct ser_pass *p);
    void (*backward)(const struct ser_pass *p);
};

#endif
