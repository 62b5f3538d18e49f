/* layer.h - what a layer is, for the files of lib/nn only.
 *
 * A layer type is a table of functions in a file of its own, lib/nn/layers/NAME.c, and a line of
 * lib/nn/layers/table.h: the programs need no more. Its tests: a model and a network in
 * tests/unit/test_nn.c, a network in tests/export.bats, its operators in tests/onnx.pl; its words:
 * NETWORKS in tools/ser-train.1, tests/fuzz/fuzz_net.dict. tests/newlayer.bats is an example from
 * end to end, and tests/unit/gradient.c says whether a gradient is right.
 *
 * Each function works on one shard of N samples and touches nothing but what its pass names; so
 * shards run side by side. Where a layer needs the whole batch (batchnorm in training), it fills
 * sums for its shard, they are added over shards in order, and the pass goes on.
 */
#ifndef SER_NN_LAYER_H
#define SER_NN_LAYER_H

#include "math/rng.h"
#include "nn/export.h"
#include "nn/kernels/kernels.h"
#include "nn/nn.h"

/* What of moving statistics stays in each step of training; Keras 3's momentum. */
#define SER_MOMENTUM 0.99

/* What a thread owns. */
struct ser_worker {
    const struct ser_kernels *k;
    void *state;    /* of the kernels */
    float *scratch; /* as large as the largest need of a layer; holds nothing between passes */
};

/* One layer, one shard. */
struct ser_pass {
    const struct ser_layer *layer;
    struct ser_param *param; /* the layer's own, in its order */
    int N;
    int training;
    const struct ser_dropout *dropout; /* NULL: nothing is dropped */
    const size_t *place;               /* [N] in the training data; NULL without dropout */
    const float *x;                    /* [N, in]; backward too */
    float *y;                          /* [N, out]; backward too: what forward wrote */
    float *dy;                         /* backward: [N, out]; the layer may use it up */
    float *dx;                         /* backward: [N, in], overwritten; NULL: not wanted. Never
                                        * dy where the type has a forward */

    /* Of a layer that reads a mark: what it marks [N, the mark's in], and in backward where its
     * gradient goes, overwritten. Of a mark, in backward, that gradient. */
    const float *marked;
    float *dmarked;

    /* Backward: this shard's gradient of each parameter of the layer, overwritten. An entry is NULL
     * where the parameter is not trained: its gradient is not wanted. */
    float **grad;

    void *saved;  /* what forward leaves for backward; memory for forward to work in otherwise */
    double *sums; /* of this shard, forward's or backward's */
    const double *total, *dtotal; /* forward's and backward's sums over the batch; NULL: frozen */
    double keep;                  /* forward_done: the share of moving statistics that stays */
    int B;                        /* samples of the batch */

    /* In a masked network, where the layer's input runs over time: the true steps of each sample
     * [N], at least 1; NULL: all are. Behind them x and dy are zero, and what the layer writes to y
     * and dx is replaced by zeros. So only what adds up steps or goes from one to another needs to
     * look. */
    const int *frames;
    size_t steps; /* the sum over the batch of n + add of the layer, or 1 where that is less */
    struct ser_worker *worker; /* kernels and scratch of the thread that runs this */
};

/* The true steps of sample n of a pass, of all that it has. */
static inline int ser_true_steps(const struct ser_pass *p, int n, int all) {
    return p->frames ? p->frames[n] : all;
}

/* The samples that a layer is fitted to. */
struct ser_samples {
    const struct ser_data *data;
    float *x; /* [in] */
};

/* Functions that a type does not need are NULL. Without forward, y is x and dx is dy. */
struct ser_layer_type {
    const char *name;
    const char *usage; /* of its line in a description, for messages */
    int idle;          /* does nothing outside training */
    int both_ways;     /* the first half of y's channels runs over time, the second against it */
    int in_place;      /* y has x's shape, and its steps and channels are x's */
    int marks;         /* y is x, which a later layer reads once more */
    const struct ser_recurrent *recurrent; /* of those that layers/recurrent.h makes: their cell */

    /* Reads words[1..n-1] into the layer, checks in, sets out, declares parameters. In a masked
     * network time_out is time_in, add 0 and per 1 before, and a vector has no time. */
    int (*setup)(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]);

    /* Sets the parameters' initial values. */
    void (*init)(const struct ser_layer *l, struct ser_param *p, uint64_t seed);

    /* Sets parameters to what the training data ask for, before the first epoch. A layer that has
     * this is the first of its network. 0, or -1 with why. */
    int (*fit)(const struct ser_layer *l, struct ser_param *p, const struct ser_samples *samples,
               char why[SER_WHY]);

    size_t (*saved_bytes)(const struct ser_layer *l, int N);
    size_t (*scratch_bytes)(const struct ser_layer *l, int N);

    /* Doubles per shard and direction. NULL: nothing is added over the batch. */
    size_t (*sums)(const struct ser_layer *l);

    void (*forward_sums)(const struct ser_pass *p); /* before forward, in training */
    void (*forward)(const struct ser_pass *p);
    void (*forward_done)(const struct ser_pass *p); /* once a batch, with total: statistics move */
    void (*backward_sums)(const struct ser_pass *p);
    void (*backward)(const struct ser_pass *p);

    /* Appends what the layer computes outside training (export.h). 0, or -1 without memory. NULL
     * where it has no counterpart, or is idle. */
    int (*export)(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p);
};

#define LAYER(name) extern const struct ser_layer_type ser_layer_##name;
#include "nn/layers/table.h"

/* ---- for setup (net.c) ---- */

/* Says why and returns -1. */
int ser_refuse(char why[SER_WHY], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "7x3" into count numbers from 1 to SER_MAX_DIM; 0, or -1 when the word is anything else. */
int ser_word_dims(const char *word, int count, int *dim);

/* A decimal number lo <= *out <= hi, as a whole word. */
int ser_word_number(const char *word, double lo, double hi, double *out);

/* "relu" (where relu is not NULL) and "l2=NUMBER" (where l2 is not NULL) in any order from
 * words[from]. */
int ser_word_options(const char *usage, int n, char **words, int from, int *relu, float *l2,
                     char why[SER_WHY]);

/* 0 if the layer's input is a sequence. */
int ser_need_sequence(const struct ser_layer *l, char why[SER_WHY]);

/* Declares the layer's next parameter "LAYER.suffix", SER_MAX_PARAMS of them at most. */
int ser_param_add(struct ser_net *net, struct ser_layer *l, const char *suffix, int rank,
                  const int *dim, int trained, float l2, char why[SER_WHY]);

/* ---- for init (net.c): the numbers depend on the seed and the parameter's name alone ---- */

struct ser_key ser_param_key(const struct ser_param *p, uint64_t seed);
void ser_init_constant(struct ser_param *p, float value);

/* Uniform in +-sqrt(6 / (fan_in + fan_out)). */
void ser_init_glorot(struct ser_param *p, uint64_t seed, double fan_in, double fan_out);

/* ---- for fit (fit.c) ---- */

/* Sample i, [in], until the next call; NULL with why where it cannot be read. */
const float *ser_sample(const struct ser_samples *samples, size_t i, char why[SER_WHY]);

/* Its true frames, of all; all of them where the network is not masked. */
int ser_sample_frames(const struct ser_samples *samples, const struct ser_layer *l, size_t i,
                      int all);

/* The true steps of what a layer of a masked network gives, of n that it reads (net.c). */
int ser_steps_after(const struct ser_layer *l, int n);

/* ---- memory (net.c) ---- */

/* So many bytes at a multiple of 64, for free(); NULL when there are none. */
void *ser_allocate(size_t bytes);
void *ser_allocate_zeroed(size_t bytes);

/* ---- for a fused layer, too ---- */

/* What the kernels need to know of a conv layer, for N samples (layers/conv.c). */
struct ser_conv_shape ser_conv_shape(const struct ser_layer *l, int N);

#endif
