/* training.h - a training session: its options, data, network, checkpoint and logs, and how it
 * continues after an interruption.
 *
 * training.c holds three lists, each the only one of its kind: the options that decide the bytes of
 * a model (attributes train.* in its header; a checkpoint must agree with them), the fields of a
 * row of the log (TSV, JSON, checkpoint), and the numbers of the training's state (checkpoint).
 *
 *   ser_training_open(&t, &options, files, val, net, &e)   // data, classes, network
 *   ser_training_run(&t, &view, &e)                        // train; writes model, logs, checkpoint
 *   ser_training_free(&t)
 */
#ifndef SER_TRAINING_H
#define SER_TRAINING_H

#include "bridge/dataset.h"
#include "bridge/model.h"
#include "bridge/soft.h"

struct ser_training_options {
    struct ser_fit_options fit; /* its schedule and keep are set from the words below */
    const char *schedule;       /* a word of SER_SCHEDULES */
    const char *keep;           /* a word of SER_KEEPS */
    const char *class_weight;   /* a word of SER_CLASS_WEIGHTS */
    const char *kernels;        /* a name that ser_kernels_find knows */
    double label_smoothing;     /* 0 <= x < 1 */
    const char *average;        /* as ser_training_average has it */
    const char *balance;        /* a word of SER_BALANCES */

    /* How the samples of training are changed, each time anew; 0: not at all. nn.h and math/vary.h
     * say more. */
    double mask[3]; /* whole numbers: the widest in bands, in frames; how many each way */
    double warp[2]; /* of bands, of time, in per cent */
    double gain;    /* deviation of the level in decibels */
    double filter;  /* and of the points of a random response over the bands */
    int64_t shift;  /* frames */
    double mixup;   /* alpha */

    const char *init;   /* path of the model to begin with; NULL: none */
    const char *freeze; /* layers that stay as they are: names, numbers from 1, FIRST-LAST, with
                           commas; NULL: none */

    const char *soft;        /* path of a teacher's predictions of the training data; NULL: none */
    double soft_weight;      /* 0..1: how much of each target is the teacher's (nn.h) */
    double soft_temperature; /* of the teacher's probabilities (soft.h) */

    double temperature; /* that the model gets; training goes on without */

    /* These do not decide the model's bytes. */
    int64_t threads;
    const char *output;     /* path of the model */
    const char *checkpoint; /* path of the state after each epoch; NULL: none is written */
    const char *log, *json; /* paths of the logs; NULL: none is written; "-": standard output */
    int resume;             /* 1: continue from the checkpoint if it exists */
};

#define SER_SCHEDULES     "plateau|step|cosine|constant"
#define SER_KEEPS         "accuracy|recall|loss|last" /* as enum ser_keep has them */
#define SER_CLASS_WEIGHTS "none|balanced"
#define SER_BALANCES      "none|class|corpus|both"

enum { SER_MAX_AVERAGED = 100000 }; /* epochs */

/* Reads "none", "ema=X" with 0 < X < 1 or "last=N" with N from 1 to SER_MAX_AVERAGED into o. 0, or
 * -1: no such text. */
int ser_training_average(const char *text, struct ser_fit_options *o) SER_MUST_CHECK;

/* The defaults: the notebook's attention stage. */
extern const struct ser_training_options ser_training_defaults;

struct ser_training {
    struct ser_training_options o;
    struct ser_dataset train, val;
    struct ser_model model;
    struct ser_fit fit;
    struct ser_changes changes; /* of the samples; its arrays are owned */
    struct ser_model init;      /* what it begins with; without network: nothing */
    struct ser_soft soft;       /* what the teacher thinks of train; owned */
    double *often;              /* [train.n] as struct ser_data has it, or NULL; owned */
    struct ser_epoch *history;  /* [fit.epoch] the rows of the log; owned */
    size_t history_cap;
    struct ser_attrs identity; /* attributes that a checkpoint must agree with */
    int logged;                /* epochs that are in the logs already */
    struct ser_error e;        /* why a callback ended the fit */
    const struct ser_training_view *view;
};

/* Functions by which a program shows the progress; those that are NULL are not called. */
struct ser_training_view {
    void *ctx;
    /* The training continues from a checkpoint, after t->fit.epoch epochs. */
    void (*resumed)(void *ctx, const struct ser_training *t);
    /* b of the n batches of the current epoch are done. */
    void (*batch)(void *ctx, int b, int n);
    /* An epoch is done; h is its row of the log. */
    void (*epoch)(void *ctx, const struct ser_training *t, const struct ser_epoch *h);
};

/* 1 if a search may draw the option of this name, without dashes before it: one that decides the
 * bytes of a model, but not how long it is trained, from which seed, and by which kernels. */
int ser_training_searches(const char *name);

/* Reads the training streams files, an array that ends with NULL, the validation stream val (NULL:
 * there is none, and the options are such that none is needed, see ser_fit_run), and the
 * description of the network in the file net. 0, or -1 with e set; the caller frees t in either
 * case. SER_USAGE: layers to freeze that the network does not have, or that leave nothing to
 * train. SER_BAD: a part without samples, a model to begin with of which nothing fits, validation
 * data that does not suit the training data, a teacher that does not (soft.h), a network that does not fit the data, changes of samples
 * that these features cannot have. */
int ser_training_open(struct ser_training *t, const struct ser_training_options *o,
                      char *const *files, const char *val, const char *net,
                      struct ser_error *e) SER_MUST_CHECK;

/* What parameter i of the network begins as: that of the model it begins with, by its name. NULL,
 * and why in a few words (or "" where there is no model): it begins as new. */
const struct ser_param *ser_training_origin(const struct ser_training *t, int i, char why[64]);

/* Trains, or continues a training, and writes the model of the epoch that is kept. 0, or -1 with e set. If
 * the training fails after some epochs, their best model is written, and e says so. */
int ser_training_run(struct ser_training *t, const struct ser_training_view *view,
                     struct ser_error *e) SER_MUST_CHECK;

void ser_training_free(struct ser_training *t);

/* Builds the network that the file path describes for such samples and so many classes, without any
 * data. 0 and *net, which ser_net_free frees; or -1 with e set. */
int ser_net_read(struct ser_net **net, const char *path, const struct ser_input *input, int classes,
                 struct ser_error *e) SER_MUST_CHECK;

/* ---- checkpoint: the state of a training after an epoch ---- */

/* Writes network, fit, history and identity of t to path. 0, or -1 with e set. */
int ser_checkpoint_save(const struct ser_training *t, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

/* Restores parameters, fit (made by ser_fit_new) and history of t. 0, or -1 with e set: a
 * checkpoint of other data, options or network than those of t is SER_BAD, and e names the
 * difference. */
int ser_checkpoint_load(struct ser_training *t, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

#endif
