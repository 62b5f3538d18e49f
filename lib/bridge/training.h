/* training.h - a training session: its options, data, network, checkpoint, logs, and how it goes on
 * after it was killed.
 *
 * What a session consists of is listed once each, in training.c: the options that decide a model's
 * bytes (they travel as train.* in its header, and a checkpoint must agree with them), the fields of
 * a line of the log (TSV, JSON, checkpoint), the numbers of the state (checkpoint).
 *
 *   ser_training_open(&t, &options, files, val, net, &e)   // data, classes, network
 *   ser_training_run(&t, &view, &e)                        // train; writes model, logs, checkpoint
 *   ser_training_free(&t)
 */
#ifndef SER_TRAINING_H
#define SER_TRAINING_H

#include "bridge/dataset.h"
#include "bridge/model.h"

struct ser_training_options {
    struct ser_fit_options fit;
    const char *schedule;     /* a word of SER_SCHEDULES; fit.schedule follows it */
    const char *class_weight; /* a word of SER_CLASS_WEIGHTS */
    const char *kernels;      /* a name that ser_kernels_find knows */
    double label_smoothing;   /* 0 <= x < 1 */

    /* These do not decide the model's bytes. */
    int64_t threads;
    const char *output;     /* the model */
    const char *checkpoint; /* the state after each epoch; NULL: none */
    const char *log, *json; /* a line an epoch; NULL: none; "-": standard output */
    int resume;             /* go on from the checkpoint, if it is there */
};

#define SER_SCHEDULES     "plateau|step|cosine"
#define SER_CLASS_WEIGHTS "none|balanced"

/* The defaults: the notebook's attention stage. */
extern const struct ser_training_options ser_training_defaults;

struct ser_training {
    struct ser_training_options o;
    struct ser_dataset train, val;
    struct ser_model model;
    struct ser_fit fit;
    struct ser_epoch *history; /* [fit.epoch] the lines of the log */
    size_t history_cap;
    struct ser_attrs identity; /* what a checkpoint must agree with */
    int logged;                /* epochs that were written to the logs */
    struct ser_error e;        /* what ended the fit from inside a callback */
    const struct ser_training_view *view;
};

/* What a program may want to show; NULL functions are left out. */
struct ser_training_view {
    void *ctx;
    void (*resumed)(void *ctx, const struct ser_training *t); /* at t->fit.epoch */
    void (*batch)(void *ctx, int b, int n);                   /* b of n of the present epoch done */
    void (*epoch)(void *ctx, const struct ser_training *t, const struct ser_epoch *h);
};

/* Reads the streams in files (up to NULL) and val, and the network's description in the file net.
 * Refused (SER_BAD): an empty part, validation data that does not suit, a network that does not fit
 * the data. 0, or -1 with e set; free t in either case. */
int ser_training_open(struct ser_training *t, const struct ser_training_options *o,
                      char *const *files, const char *val, const char *net,
                      struct ser_error *e) SER_MUST_CHECK;

/* Trains, or goes on with it, and writes the model of the best epoch, also when the fit fails later
 * on (e then says so). 0, or -1 with e set. */
int ser_training_run(struct ser_training *t, const struct ser_training_view *view,
                     struct ser_error *e) SER_MUST_CHECK;

void ser_training_free(struct ser_training *t);

/* ---- checkpoint: where a training stands after an epoch ---- */

/* Writes the network, fit, history and identity of t. 0, or -1 with e set. */
int ser_checkpoint_save(const struct ser_training *t, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

/* Restores the parameters, fit (made by ser_fit_new) and history of t. A checkpoint of other data,
 * options or network than t->identity and t->model say is refused by name. 0, or -1 with e set. */
int ser_checkpoint_load(struct ser_training *t, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

#endif
