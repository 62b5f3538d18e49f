/* nn.h - the network: description, parameters, forward and backward, optimiser, fit.
 *
 * Pure: arrays in, arrays out; no file, no message, no exit. What fails returns -1 (or NULL) and
 * says why in a text.
 *
 * Letters of shapes, the same in every file here:
 *
 *   B  samples in a batch       H  height (coefficients)      F  filters of a convolution
 *   N  samples in a shard       W  width (frames)             U  units of an LSTM
 *   T  steps of a sequence      C  channels or features       K  classes
 *
 * Arrays are row-major, the last index runs fastest. One layout everywhere, so that nothing is
 * converted between layers:
 *
 *   image      [H,W,C]
 *   sequence   [T,C]
 *   vector     [C]
 *
 * and a shard of them has N in front. Weights are as Keras stores them, the output index last:
 *
 *   conv       w [kh,kw,C,F], b [F]
 *   dense      w [C,K], b [K]
 *   lstm       w [C,4U], u [U,4U], b [4U], gates in the order i, f, c, o
 *   bilstm     the same with a 2 in front: over time, against it
 *   batchnorm  gamma, beta, mean, var [C]
 *
 * A batch is cut into shards of SER_SHARD samples, the last may be smaller. One thread computes a
 * whole shard; what concerns the batch (batch statistics, the sum of gradients) is added over
 * shards in ascending order. So results do not depend on the number of threads.
 */
#ifndef SER_NN_H
#define SER_NN_H

#include "math/vary.h"

#include <stddef.h>
#include <stdint.h>

#define SER_SHARD 8
#define SER_WHY   512 /* size of the texts that say why */

/* Limits of a network, so that no description asks for absurd memory. */
#define SER_MAX_LAYERS     64
#define SER_MAX_PARAMS     8 /* of a layer, also of what kernels make of several */
#define SER_MAX_PARAM_RANK 4
#define SER_MAX_DIM        65536
#define SER_MAX_ELEMENTS   (1 << 26) /* of one sample's activations, and of all parameters */
#define SER_MAX_CLASSES    256

/* ---- description ---- */

/* Of one sample: image {H,W,C}, sequence {T,C}, vector {C}. */
struct ser_shape {
    int rank, dim[3];
};

size_t ser_shape_size(const struct ser_shape *s);

struct ser_param {
    char name[32]; /* of its layer and what it is there: conv1.w */
    int rank, dim[SER_MAX_PARAM_RANK];
    size_t n;     /* elements */
    float l2;     /* the loss has l2 * sum of squares */
    float *value; /* [n], owned by the net */

    /* 0: a statistic, which the layer itself moves or which was fitted beforehand; or a weight that
     * stays as it is. May be set to 0 before ser_run_new. */
    int trained;
};

struct ser_layer_type;
struct ser_layer {
    const struct ser_layer_type *type;
    char name[24]; /* type and number from 1 among its type: conv1 */
    struct ser_shape in, out;
    int index;               /* in the net, from 0 */
    int first_param, params; /* its parameters in the net; order per layer type */

    /* What its line says, as far as its type asks. */
    int kh, kw;            /* size of a kernel or window */
    int sh, sw, top, left; /* from window to window; zeros above and to the left of the input */
    int groups;            /* of channels and filters of a convolution; heads of attend */
    int units;  /* filters of a convolution, units of an LSTM, outputs of a dense layer */
    int relu;   /* max(0, .) of the output */
    float rate; /* of dropout */
    int frozen; /* its moving statistics stay, too, and are what training computes with, as outside
                   it; may be set to 1 before ser_run_new, and with it trained of its parameters to
                   0 */

    /* In a masked network: which dimension of in and of out runs over time, -1: none, as in any
     * other network; n true steps of in make max(1, (n + add) / per) of out. */
    int time_in, time_out, add, per;
    const struct ser_layer *marked; /* whose output it reads besides: of add */
    void *own; /* whatever else a type reads and keeps, one block from malloc; the net frees it */
};

/* What a sample is. Features whose last axis is not that of channels get one: a last dimension of 1.
 */
struct ser_input {
    struct ser_shape shape; /* with that dimension */
    int time;               /* which of its dimensions is time; -1: none */
    int rank;               /* dimensions of the features: without it */
};

struct ser_net {
    char *text; /* the description as parsed: one layer a line, comments and blank lines dropped */
    struct ser_shape input; /* of a sample */
    int time, rank;         /* of the input, as in struct ser_input */
    int masked;             /* padding is not heard: samples have true frames (ser_run_frames) */
    int classes;
    double temperature; /* by which inference, not training, divides the logits; 1 at first */
    int layers, params;
    struct ser_layer layer[SER_MAX_LAYERS];
    struct ser_param param[SER_MAX_LAYERS * SER_MAX_PARAMS];
};

/* Reads a description for such an input and so many classes. Lines: NAME WORD..., '#' starts a
 * comment; the first may be the word masked alone. The first error is told with its line number. The
 * values are allocated and zero.
 *
 * A masked network knows how many frames of a sample are true: what stands behind them is padding,
 * and what it holds and how long it is changes nothing. Every layer gets zeros there, as at the
 * edge of an image; what runs over time (recurrences, attention, means, statistics of a batch)
 * takes the true steps alone. A layer with windows has as many true steps of its own as whole
 * windows lie in the true ones, with `same` as windows begin there; at least one: where less than
 * a window is true, a convolution finds zeros behind it, and a pooling takes what there is. */
struct ser_net *ser_net_build(const char *text, size_t len, const struct ser_input *input,
                              int classes, char why[SER_WHY]);

/* The same for features [rows, frames]: images {H,W,1}, whose dimension 1 is time. */
struct ser_net *ser_net_parse(const char *text, size_t len, int rows, int frames, int classes,
                              char why[SER_WHY]);
void ser_net_free(struct ser_net *net);

/* The first reshape that makes a sequence of an image with several rows: since rows come before
 * frames, its steps are pieces of rows, and it does not run over time. NULL: there is none. */
const struct ser_layer *ser_net_mixes(const struct ser_net *net);

/* Keras' initialisers: Glorot uniform kernels, orthogonal recurrent kernel, zeros, forget gate 1,
 * ones. If memory runs out errno is ENOMEM, and the values are not to be used. */
void ser_net_init(struct ser_net *net, uint64_t seed);

/* Fits what a network takes from its training data before the first epoch: standardize's means and
 * deviations, scale's maximum. 0, or -1 with why. */
struct ser_data;
int ser_net_fit(struct ser_net *net, const struct ser_data *train, char why[SER_WHY]);

/* Parameters in all, and those that are trained. */
size_t ser_net_count(const struct ser_net *net, size_t *trained);

/* ---- kernels ---- */

/* "fast": for each operation and shape the first of three kernels that suits, our own with AVX-512,
 * oneDNN's and plain, as the build and the processor have them (kernels/kernels.h). "plain":
 * portable C with a fixed order of sums, the same bytes everywhere. NULL: no such name; "onednn",
 * which fast was called once, is one. */
#define SER_KERNELS "fast|plain" /* for help and messages */
struct ser_kernels;
const struct ser_kernels *ser_kernels_find(const char *name);
const char *ser_kernels_name(const struct ser_kernels *k); /* as it is called now */
const char *ser_kernels_default(void);

/* ---- running ---- */

/* A network at work: threads, buffers, gradients. The net must outlive it. max_batch sets the
 * memory. training 0 keeps only what inference needs, and takes it that the weights stay as they
 * are at the first call. Of the threads, inference uses one a sample at most, a training step one a
 * shard. NULL with why when memory or threads are missing, or the kernels refuse. */
struct ser_run;
struct ser_run *ser_run_new(struct ser_net *net, const struct ser_kernels *k, int max_batch,
                            int threads, int training, char why[SER_WHY]);
void ser_run_free(struct ser_run *r);

/* Which random numbers dropout draws: their key, and the place of each sample in the training data; of
 * n samples, one that comes again in an epoch has n, 2 n ... more, for numbers of its own. */
struct ser_dropout {
    uint64_t seed, epoch;
    const size_t *place; /* [B] */
};

/* What becomes of the samples of each training step that has random numbers, before the network
 * sees them: two are mixed, then what came of them is varied (vary.h). */
struct ser_changes {
    struct ser_variation variation;
    struct ser_variation_layout layout;

    /* alpha; 0: none are mixed. The other of a sample is the next of its batch, which stands in
     * random order; behind the last comes the first. Its target takes its share, and the longer one
     * says how many frames are true. */
    double mix;
};

/* Sets that for the steps to come; its arrays must last. 0, or -1 without memory. */
int ser_run_change(struct ser_run *r, const struct ser_changes *c);

/* The true frames of the samples of the calls to come, [B]; NULL, as at first: all are. Below 1
 * counts as 1, and above what a sample has as that. */
void ser_run_frames(struct ser_run *r, const int *frames);

/* Whether memory ended in one of the calls below, errno is then ENOMEM: what it computed must not
 * be used. */
int ser_run_failed(const struct ser_run *r);

/* x [B, H*W] -> p [B,K] softmax probabilities, with moving statistics and without dropout; in a run
 * for inference, of the logits divided by the net's temperature. */
void ser_run_predict(struct ser_run *r, const float *x, int B, float *p);

/* What the last layer hears of a sample, where that layer is dense: its embedding, so many numbers. 0
 * with why: it is not. */
int ser_net_embedding(const struct ser_net *net, char why[SER_WHY]);

/* x [B, H*W] -> y [B, ser_net_embedding], as ser_run_predict goes through the layers below. */
void ser_run_embed(struct ser_run *r, const float *x, int B, float *y);

/* One training step's forward and backward: fills the gradients, moves the moving statistics.
 * x [B, H*W], label [B] in 0..K-1. dropout NULL: none. Writes p [B,K] (may be NULL) and returns the
 * mean cross-entropy; the l2 penalty is apart (ser_net_penalty) but its gradient is included. */
double ser_run_gradients(struct ser_run *r, const float *x, const int *label, int B,
                         const struct ser_dropout *dropout, float *p);

/* One training step's forward alone, without dropout and changes: moves the moving statistics, of
 * which the share keep stays. */
void ser_run_statistics(struct ser_run *r, const float *x, int B, double keep);

/* What the loss of a training sample is: the weight of its class times the cross-entropy with the
 * target
 *
 *   hard[k] = (1 - smoothing) [k is its class] + smoothing / K
 *
 * or, where a teacher's probabilities are given, with
 *
 *   (1 - soft_weight) hard[k] + soft_weight soft[k]
 *
 * which is the loss of Hinton, Vinyals, Dean, Distilling the knowledge in a neural network, 2015, with
 * the student's own logits never divided by a temperature: only soft may have been made with one.
 */
struct ser_loss {
    float smoothing;               /* 0..1; 0: its class alone */
    float weight[SER_MAX_CLASSES]; /* [K] */
    float soft_weight;             /* 0..1 */
    const float *soft; /* [samples,K] by place in the training data; each sums to 1; must last;
                                      NULL: none. Steps without places have none either */
    size_t samples;
};

/* Sets the loss of ser_run_gradients and ser_run_validation_loss; before that it is the plain
 * cross-entropy. */
void ser_run_loss(struct ser_run *r, const struct ser_loss *loss);

/* The mean loss of the samples of the last ser_run_predict, label [B]. The targets are smoothed as
 * in training, but all classes weigh 1, as Keras evaluates validation data, and no teacher is heard. */
double ser_run_validation_loss(const struct ser_run *r, const int *label, int B);

/* Scales all gradients so that their common Euclidean norm is at most norm; returns what it was. */
double ser_run_clip(struct ser_run *r, double norm);

/* The logits [B,K] of the last predict or gradients call. */
const float *ser_run_logits(const struct ser_run *r);

/* Gradient of parameter i, [n], as the last ser_run_gradients left it; NULL where not trained. */
float *ser_run_gradient(struct ser_run *r, int i);

/* Sum over parameters of l2 * sum of squares. */
double ser_net_penalty(const struct ser_net *net);

/* ---- optimiser ---- */

/* Adam as Keras 3 has it (keras/src/optimizers/adam.py), b1 0.9, b2 0.999, eps 1e-7:
 *
 *   step = lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps)
 */
struct ser_adam {
    float **m, **v; /* [params][n]; NULL where not trained */
    uint64_t steps;

    /* AdamW (Loshchilov, Hutter, Decoupled weight decay regularization, ICLR 2019), as PyTorch has
     * it: before each step weights, but not biases and what normalisation trains, are multiplied by
     * 1 - lr decay. */
    double decay;
};

int ser_adam_new(struct ser_adam *a, const struct ser_net *net);
void ser_adam_free(struct ser_adam *a, const struct ser_net *net);
void ser_adam_step(struct ser_adam *a, struct ser_net *net, struct ser_run *r, double lr);

/* ---- fit ---- */

/* Where samples come from. get fills x [rows*frames] and *label for sample i; 0, or -1 to stop the
 * fit. It is called from one thread at a time. */
struct ser_data {
    size_t n;
    int (*get)(void *ctx, size_t i, float *x, int *label);
    void *ctx;

    /* [n] how many times an epoch of training has each sample on average, n in all: so many or one
     * more or less, as the epoch's numbers say. NULL: once. */
    const double *often;

    int (*frames)(void *ctx, size_t i); /* how many are true, 1 or more; NULL: all */
};

/* The mean over all true frames of each row and channel of such samples: mean [A*C]. 0, or -1 with
 * why. */
int ser_data_mean(const struct ser_data *data, const struct ser_variation_layout *l, float *mean,
                  char why[SER_WHY]);

/* How the learning rate goes. */
enum ser_schedule {
    SER_PLATEAU, /* cut when the validation loss does not fall */
    SER_STEP,    /* times lr_factor after every lr_patience epochs */
    SER_COSINE,  /* half a cosine from lr in the first epoch to min_lr after the horizon
                    (Loshchilov, Hutter, SGDR, ICLR 2017) */
    SER_CONSTANT,
};

/* Which epoch's weights are kept: that with the best figure of validation, of equal ones the first;
 * or the last epoch's. */
enum ser_keep { SER_KEEP_ACCURACY, SER_KEEP_RECALL, SER_KEEP_LOSS, SER_KEEP_LAST };

struct ser_fit_options { /* epochs and batches stay below 2^31 */
    int64_t epochs, batch;
    double lr;
    int64_t patience;    /* early stopping on validation loss; 0: never */
    int64_t lr_patience; /* of the schedule: epochs without gain, or between steps; 0: never cut */
    double lr_factor, min_lr;
    int64_t seed; /* 0 or more */
    enum ser_schedule schedule;
    int64_t horizon; /* epoch with which the schedule ends, at least epochs; 0: epochs */
    enum ser_keep keep;
    int64_t warmup;   /* epochs over which the rate grows evenly to what the schedule says */
    double clip_norm; /* of the gradients, see ser_run_clip; 0: never */
    double decay;     /* of weights, see ser_adam */

    /* One of these makes averages of the weights, by which epochs are then judged and which are
     * kept; training goes on with the weights themselves. Statistics of batches are made anew for
     * them, from the training data as they are.
     *
     * ema   the average moves towards the weights after each step, and min(ema, k / (k + 9)) of it
     *       stays after k steps: so it forgets the first ones soon
     * last  of the last so many epochs up to the horizon, the mean of the weights at their ends
     *       (Izmailov et al., Averaging weights leads to wider optima, UAI 2018); before them it is
     *       the weights themselves */
    double ema;   /* 0: none, below 1 */
    int64_t last; /* 0: none */
};

/* One line of the log. */
struct ser_epoch {
    int epoch; /* from 1 */
    double lr; /* used in this epoch */

    /* losses include the l2 penalty */
    double loss, accuracy, val_loss, val_accuracy;

    int improved;      /* the best so far: the weights to keep are these */
    int reduced;       /* the learning rate was cut after this epoch */
    int stopped;       /* early stopping ends the fit here */
    double val_recall; /* unweighted: mean of the recall of the classes in the validation data */
};

/* Everything that continues over epochs; all of it goes into a checkpoint. */
struct ser_fit {
    int epoch; /* finished so far */
    double lr;

    /* Of keeping the best (the larger the better: of a loss it is the negative, of the last epoch
     * its number), of early stopping, of the plateau. */
    double best_kept, best_loss, plateau_best;

    int best_epoch;
    int wait, plateau_wait;
    int stopped;
    struct ser_adam adam;
    float **best;    /* [params][n] the weights of best_epoch */
    float **average; /* [params][n], NULL where not trained; NULL: none is made */
};

int ser_fit_new(struct ser_fit *f, const struct ser_net *net, const struct ser_fit_options *o);
void ser_fit_free(struct ser_fit *f, const struct ser_net *net);

/* What the callbacks make of an epoch, whose figures log holds: sets improved, reduced, stopped in
 * log and moves f on. */
void ser_fit_judge(struct ser_fit *f, const struct ser_fit_options *o, struct ser_epoch *log);

/* Called after each epoch with its figures, and during an epoch with batch b of n (log NULL).
 * Non-zero ends the fit. */
typedef int (*ser_fit_progress)(void *ctx, const struct ser_epoch *log, int b, int n);

/* Runs epochs until o->epochs, early stopping, or a stop. Keras 3's semantics: training data in a
 * new order each epoch, loss and accuracy of training as running means over the batches, validation
 * after each epoch, then the callbacks: keep the best by validation accuracy (strictly greater), or
 * what o->keep says, early stopping and plateau on validation loss (fit.c has the details). val may
 * have no samples: then o must keep the last epoch, without patience or plateau, and the figures of
 * validation are 0. 0, or -1 with why set: data failed, or loss, gradient or weights are not
 * numbers (epoch and batch are named). */
int ser_fit_run(struct ser_fit *f, struct ser_net *net, struct ser_run *r,
                const struct ser_data *train, const struct ser_data *val,
                const struct ser_fit_options *o, ser_fit_progress progress, void *ctx,
                char why[SER_WHY]);

#endif
