/* ser-train - trains a network on feature streams. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/dataset.h"
#include "bridge/model.h"
#include "core/opt.h"
#include "core/progress.h"

enum { MAX_NET = 1 << 16, MAX_THREADS = 256 };

static struct {
    const char *net, *val, *output, *checkpoint, *log, *json, *kernels, *schedule, *class_weight;
    int64_t epochs, batch, patience, lr_patience, warmup, seed, threads;
    double lr, lr_factor, min_lr, clip_norm, label_smoothing;
    int resume, summary, quiet;
} opt = {
    .epochs = 40,
    .batch = 32,
    .patience = 15,
    .lr_patience = 5,
    .seed = 1,
    .lr = 1e-3,
    .lr_factor = 0.2,
    .min_lr = 1e-6,
    .schedule = "plateau",
    .class_weight = "none",
};

static const struct ser_opt options[] = {
    {'n', "net", SER_OPT_TEXT, &opt.net, 0, 0, "FILE", "the network's description"},
    {'v', "val", SER_OPT_TEXT, &opt.val, 0, 0, "FILE", "features of the validation part"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "the model: best epoch on validation"},
    {'e', "epochs", SER_OPT_INT, &opt.epochs, 1, 100000, "N", "at most so many"},
    {'b', "batch", SER_OPT_INT, &opt.batch, 1, 4096, "N", "samples a step"},
    {0, "lr", SER_OPT_REAL, &opt.lr, 1e-12, 10, "X", "Adam's learning rate"},
    {0, "patience", SER_OPT_INT, &opt.patience, 0, 100000, "N", "stop after N epochs without gain"},
    {0, "lr-patience", SER_OPT_INT, &opt.lr_patience, 0, 100000, "N",
     "cut the rate after N; 0: never"},
    {0, "lr-factor", SER_OPT_REAL, &opt.lr_factor, 1e-6, 1, "X", "by this factor"},
    {0, "min-lr", SER_OPT_REAL, &opt.min_lr, 0, 10, "X", "not below this rate"},
    {0, "schedule", SER_OPT_CHOICE, &opt.schedule, 0, 0, "plateau|step|cosine", "of the rate"},
    {0, "warmup", SER_OPT_INT, &opt.warmup, 0, 100000, "N", "epochs in which the rate grows"},
    {0, "clip-norm", SER_OPT_REAL, &opt.clip_norm, 0, 1e9, "X", "limit of the gradient; 0: none"},
    {0, "class-weight", SER_OPT_CHOICE, &opt.class_weight, 0, 0, "none|balanced", "of the loss"},
    {0, "label-smoothing", SER_OPT_REAL, &opt.label_smoothing, 0, 1, "X", "of the targets"},
    {'s', "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "of weights, order and dropout"},
    {'j', "threads", SER_OPT_INT, &opt.threads, 1, MAX_THREADS, "N", "the result is the same"},
    {0, "kernels", SER_OPT_TEXT, &opt.kernels, 0, 0, "NAME", "plain or onednn"},
    {'c', "checkpoint", SER_OPT_TEXT, &opt.checkpoint, 0, 0, "FILE", "save the state each epoch"},
    {'r', "resume", SER_OPT_FLAG, &opt.resume, 0, 0, NULL,
     "go on from the checkpoint, if there is one"},
    {'l', "log", SER_OPT_TEXT, &opt.log, 0, 0, "FILE", "one line an epoch, TSV"},
    {0, "json", SER_OPT_TEXT, &opt.json, 0, 0, "FILE", "the log as JSON lines"},
    {0, "summary", SER_OPT_FLAG, &opt.summary, 0, 0, NULL, "print shapes and parameters"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no line an epoch"},
    {0}};

static const struct ser_tool tool = {
    "--net FILE --val FILE -o MODEL [TRAIN...]",
    "Trains a network on feature streams (files or standard input).", options,
    "The test part is refused. The same inputs and options give the same model."};

struct training {
    struct ser_dataset train, val;
    struct ser_model model;
    struct ser_fit fit;
    struct ser_fit_options options;
    struct ser_attrs identity; /* what a checkpoint must agree with */
    struct ser_epoch *history; /* [fit.epoch] */
    int logged;                /* epochs that were written to the logs */
    struct ser_progress progress;
    double epoch_began_s;
};

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- data and network ---- */

static void open_data(struct training *t, char *const *files) {
    struct ser_error e;
    t->train.part = "train";
    t->val.part = "val";
    for (char *const *f = files; *f; f++)
        if (ser_dataset_add(&t->train, *f, &e))
            die_error(&e);
    if (ser_dataset_add(&t->val, opt.val, &e))
        die_error(&e);
    if (!t->train.n || !t->val.n)
        die(SER_BAD, "%s: no samples in the %s part",
            t->train.n ? t->val.path[0] : t->train.path[0], t->train.n ? "validation" : "training");
    if (ser_dataset_fit(&t->train, &t->val, &e))
        die_error(&e);
}

static void open_net(struct training *t) {
    struct ser_error e;
    struct ser_in in;
    struct ser_attrs header = {0};
    unsigned char *text;
    size_t len;
    char **class;
    int classes;
    if (ser_in_open(&in, opt.net, &e) || ser_in_rest(&in, MAX_NET, &text, &len, &e))
        die_error(&e);
    ser_in_close(&in);
    if (ser_dataset_classes(&t->train, &class, &classes, &e) ||
        ser_dataset_label(&t->train, class, classes, &e) ||
        ser_dataset_label(&t->val, class, classes, &e))
        die_error(&e);

    /* What decides the model's bytes goes into it, so that it says how it was made. */
    ser_attrs_copy(&header, &t->train.recipe);
    ser_attr_setf(&header, "train.batch", "%lld", (long long)opt.batch);
    ser_attr_setf(&header, "train.epochs", "%lld", (long long)opt.epochs);
    ser_attr_setf(&header, "train.class_weight", "%s", opt.class_weight);
    ser_attr_setf(&header, "train.clip_norm", "%.17g", opt.clip_norm);
    ser_attr_setf(&header, "train.kernels", "%s", opt.kernels);
    ser_attr_setf(&header, "train.label_smoothing", "%.17g", opt.label_smoothing);
    ser_attr_setf(&header, "train.schedule", "%s", opt.schedule);
    ser_attr_setf(&header, "train.warmup", "%lld", (long long)opt.warmup);
    ser_attr_setf(&header, "train.lr", "%.17g", opt.lr);
    ser_attr_setf(&header, "train.lr_factor", "%.17g", opt.lr_factor);
    ser_attr_setf(&header, "train.lr_patience", "%lld", (long long)opt.lr_patience);
    ser_attr_setf(&header, "train.min_lr", "%.17g", opt.min_lr);
    ser_attr_setf(&header, "train.patience", "%lld", (long long)opt.patience);
    ser_attr_setf(&header, "train.seed", "%lld", (long long)opt.seed);
    ser_attr_setf(&header, "train.data", "%016llx",
                  (unsigned long long)ser_dataset_hash(&t->train));
    ser_attr_setf(&header, "train.val", "%016llx", (unsigned long long)ser_dataset_hash(&t->val));
    if (ser_model_new(&t->model, (char *)text, len, opt.net, t->train.rows, t->train.frames, class,
                      classes, &header, &e))
        die_error(&e);
    ser_attrs_copy(&t->identity, &t->model.header);
    if (strcmp(opt.schedule, "cosine") != 0) /* else a resumed run may go on for longer */
        ser_attr_set(&t->identity, "train.epochs", NULL);
    ser_attrs_clear(&header);
    for (int i = 0; i < classes; i++)
        free(class[i]);
    free(class);
    free(text);
}

static void print_shape(struct ser_out *o, const struct ser_shape *s) {
    char text[64];
    int n = snprintf(text, sizeof text, "%d", s->dim[0]);
    for (int i = 1; i < s->rank; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " x %d", s->dim[i]);
    ser_out_printf(o, "%-18s", text);
}

static void print_summary(const struct ser_net *net) {
    struct ser_out o;
    size_t trained, all = ser_net_count(net, &trained);
    ser_out_open(&o, NULL, 0);
    ser_out_printf(&o, "%-16s%-18s%12s\n", "layer", "output", "parameters");
    ser_out_printf(&o, "%-16s", "input");
    print_shape(&o, &net->input);
    ser_out_printf(&o, "%12d\n", 0);
    for (int i = 0; i < net->layers; i++) {
        const struct ser_layer *l = &net->layer[i];
        size_t n = 0;
        for (int k = 0; k < l->params; k++)
            n += net->param[l->first_param + k].n;
        ser_out_printf(&o, "%-16s", l->name);
        print_shape(&o, &l->out);
        ser_out_printf(&o, "%12zu\n", n);
    }
    ser_out_printf(&o, "total %zu, trained %zu, statistics %zu\n", all, trained, all - trained);
    ser_out_close(&o);
}

/* ---- after each epoch ---- */

/* A file is written anew after each epoch; standard output goes on, and stays open. */
static int first_of(const struct training *t, const char *path) {
    return strcmp(path, "-") == 0 ? t->logged : 0;
}

static void end_log(struct ser_out *o, const char *path) {
    if (strcmp(path, "-") != 0) {
        ser_out_close(o);
        return;
    }
    ser_out_flush(o);
    ser_out_abandon(o);
}

static void write_log(const struct training *t) {
    struct ser_out o;
    int first = first_of(t, opt.log);
    ser_out_open(&o, opt.log, 0);
    if (!first)
        ser_out_printf(&o, "epoch\tlr\tloss\taccuracy\tval_loss\tval_accuracy\tbest\tcut\tstop\n");
    for (int i = first; i < t->fit.epoch; i++) {
        const struct ser_epoch *h = &t->history[i];
        ser_out_printf(&o, "%d\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%d\t%d\t%d\n", h->epoch, h->lr,
                       h->loss, h->accuracy, h->val_loss, h->val_accuracy, h->improved, h->reduced,
                       h->stopped);
    }
    end_log(&o, opt.log);
}

static void write_json(const struct training *t) {
    struct ser_out o;
    ser_out_open(&o, opt.json, 0);
    for (int i = first_of(t, opt.json); i < t->fit.epoch; i++) {
        const struct ser_epoch *h = &t->history[i];
        ser_out_printf(&o,
                       "{\"step\":%d,\"lr\":%.9g,\"loss\":%.9g,\"accuracy\":%.9g,"
                       "\"val_loss\":%.9g,\"val_accuracy\":%.9g}\n",
                       h->epoch, h->lr, h->loss, h->accuracy, h->val_loss, h->val_accuracy);
    }
    end_log(&o, opt.json);
}

static void write_logs(struct training *t) {
    if (opt.log)
        write_log(t);
    if (opt.json)
        write_json(t);
    t->logged = t->fit.epoch;
}

/* The best validation accuracy before the last epoch; below 0 if there was none. */
static double best_before(const struct training *t) {
    double best = -1;
    for (int i = 0; i < t->fit.epoch - 1; i++)
        best = t->history[i].val_accuracy > best ? t->history[i].val_accuracy : best;
    return best;
}

static void say_epoch(const struct training *t, const struct ser_epoch *h) {
    double s = now_s() - t->epoch_began_s, best = best_before(t);
    fprintf(stderr, "epoch %d/%lld  loss %.4f  accuracy %.4f  val_loss %.4f  val_accuracy %.4f",
            h->epoch, (long long)opt.epochs, h->loss, h->accuracy, h->val_loss, h->val_accuracy);
    fprintf(stderr, "  lr %g  %.1f s", h->lr, s);
    if (!h->stopped && h->epoch < opt.epochs)
        fprintf(stderr, ", %.0f s left", s * (double)(opt.epochs - h->epoch));
    fputs("\n", stderr);
    if (h->improved && best < 0)
        fprintf(stderr, "  val_accuracy %.4f is the first\n", h->val_accuracy);
    else if (h->improved)
        fprintf(stderr, "  val_accuracy improved from %.4f to %.4f\n", best, h->val_accuracy);
    if (h->reduced)
        fprintf(stderr, "  learning rate cut to %g\n", t->fit.lr);
    if (h->stopped)
        fprintf(stderr, "  stopped early: no smaller val_loss for %lld epochs; best was epoch %d\n",
                (long long)opt.patience, t->fit.best_epoch);
}

static int after(void *ctx, const struct ser_epoch *h, int b, int n) {
    struct training *t = ctx;
    if (!h) {
        t->progress.total = (uint64_t)n;
        ser_progress_show(&t->progress, (uint64_t)b);
        return 0;
    }
    t->history = erealloc(t->history, (size_t)t->fit.epoch, sizeof *t->history);
    t->history[t->fit.epoch - 1] = *h;
    if (opt.checkpoint)
        ser_checkpoint_save(&t->model, &t->fit, t->history, &t->identity, opt.checkpoint);
    write_logs(t);
    ser_progress_end(&t->progress);
    if (!opt.quiet)
        say_epoch(t, h);
    t->epoch_began_s = now_s();
    ser_progress_start(&t->progress, "batches", 0, opt.quiet);
    return 0;
}

/* ---- the run ---- */

/* 1 if the state of a checkpoint was taken over. */
static int resume(struct training *t) {
    struct ser_error e;
    if (!opt.resume || (access(opt.checkpoint, F_OK) != 0 && errno == ENOENT))
        return 0;
    if (ser_checkpoint_load(&t->model, &t->fit, &t->history, &t->identity, opt.checkpoint, &e))
        die_error(&e);
    if (t->fit.epoch > opt.epochs)
        die(SER_BAD, "%s: is at epoch %d, beyond --epochs %lld", opt.checkpoint, t->fit.epoch,
            (long long)opt.epochs);
    fprintf(stderr, "resumed at epoch %d\n", t->fit.epoch);
    write_logs(t);
    return 1;
}

static struct ser_fit_options fit_options(void) {
    return (struct ser_fit_options){.epochs = (int)opt.epochs,
                                    .batch = (int)opt.batch,
                                    .lr = opt.lr,
                                    .patience = (int)opt.patience,
                                    .lr_patience = (int)opt.lr_patience,
                                    .lr_factor = opt.lr_factor,
                                    .min_lr = opt.min_lr,
                                    .seed = (uint64_t)opt.seed,
                                    .schedule = !strcmp(opt.schedule, "step")     ? SER_STEP
                                                : !strcmp(opt.schedule, "cosine") ? SER_COSINE
                                                                                  : SER_PLATEAU,
                                    .warmup = (int)opt.warmup,
                                    .clip_norm = opt.clip_norm};
}

/* Balanced weights are samples / (classes * samples of the class), as scikit-learn has them. */
static void set_loss(const struct training *t, struct ser_run *run) {
    struct ser_loss loss = {.smoothing = (float)opt.label_smoothing};
    size_t count[SER_MAX_CLASSES];
    int K = t->model.classes;
    ser_dataset_count(&t->train, count, K);
    for (int k = 0; k < K; k++)
        loss.weight[k] = strcmp(opt.class_weight, "balanced") == 0
                             ? (float)t->train.n / ((float)K * (float)count[k])
                             : 1;
    ser_run_loss(run, &loss);
}

static void fit(struct training *t) {
    char why[SER_WHY];
    const struct ser_data train = ser_dataset_data(&t->train), val = ser_dataset_data(&t->val);
    t->options = fit_options();
    struct ser_net *net = t->model.net;
    struct ser_run *run =
        ser_run_new(net, ser_kernels_find(opt.kernels), (int)opt.batch, (int)opt.threads, 1, why);
    if (!run)
        die(SER_SYS, "cannot train: %s", why);
    if (ser_fit_new(&t->fit, net, &t->options))
        die(SER_SYS, "cannot train: out of memory");
    set_loss(t, run);
    if (!resume(t)) {
        errno = 0;
        ser_net_init(net, (uint64_t)opt.seed);
        if (errno == ENOMEM)
            die(SER_SYS, "cannot train: out of memory");
        if (ser_fit_standardize(net, &train, why)) {
            if (t->train.e.status)
                die_error(&t->train.e);
            die(ser_blame(), "%s", why);
        }
    }
    t->epoch_began_s = now_s();
    ser_progress_start(&t->progress, "batches", 0, opt.quiet);
    errno = 0;
    int failed = ser_fit_run(&t->fit, net, run, &train, &val, &t->options, after, t, why);
    int blame = ser_blame();
    ser_progress_end(&t->progress);
    if (t->fit.best_epoch)
        ser_model_save(&t->model, t->fit.best, opt.output);
    if (failed && t->train.e.status)
        die_error(&t->train.e);
    if (failed && t->val.e.status)
        die_error(&t->val.e);
    if (failed)
        die(blame, "%s; %s", why,
            t->fit.best_epoch ? "the best model so far was written" : "no model was written");
    ser_run_free(run);
}

static void check_usage(char *const *files) {
    if (opt.summary && (!opt.net || !opt.val))
        ser_usage("--summary needs --net and --val");
    if (!opt.net || !opt.val || (!opt.output && !opt.summary))
        ser_usage("--net, --val and --output are needed");
    if (!opt.output && (opt.log || opt.json || opt.checkpoint))
        ser_usage("--%s needs --output: nothing is trained", opt.log    ? "log"
                                                             : opt.json ? "json"
                                                                        : "checkpoint");
    ser_one_stdin(files, opt.net, opt.val);
    if (opt.min_lr > opt.lr)
        ser_usage("--min-lr %g is above --lr %g", opt.min_lr, opt.lr);
    if ((float)opt.label_smoothing >= 1)
        ser_usage("--label-smoothing %g leaves nothing of the target", opt.label_smoothing);
    if (opt.resume && !opt.checkpoint)
        ser_usage("--resume needs --checkpoint FILE");
    if (!ser_kernels_find(opt.kernels))
        ser_usage("--kernels: '%s' is not built here; the default is %s", opt.kernels,
                  ser_kernels_default());
}

static int is_one_output(const char *a, const char *b) {
    if (strcmp(a, b) == 0)
        return strcmp(a, "/dev/null") != 0;
    return ser_same_file(strcmp(a, "-") == 0 ? "/dev/stdout" : a,
                         strcmp(b, "-") == 0 ? "/dev/stdout" : b);
}

/* Before hours of work, not after them. */
static void check_outputs(char *const *files) {
    const struct {
        const char *option, *path;
        int binary;
    } out[] = {{"--output", opt.output, 1},
               {"--checkpoint", opt.checkpoint, 1},
               {"--log", opt.log, 0},
               {"--json", opt.json, 0},
               {"--summary", opt.summary ? "-" : NULL, 0}};
    if (opt.checkpoint && strcmp(opt.checkpoint, "-") == 0)
        ser_usage("--checkpoint is read again: it cannot be standard output");
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        if (!out[i].path)
            continue;
        ser_keep_inputs(out[i].option, out[i].path, files, opt.net, opt.val);
        for (size_t k = 0; k < i; k++)
            if (out[k].path && is_one_output(out[i].path, out[k].path))
                ser_usage("%s '%s' and %s '%s' would be written over each other", out[k].option,
                          out[k].path, out[i].option, out[i].path);
        ser_out_try(out[i].path, out[i].binary);
    }
}

int main(int argc, char **argv) {
    struct training t = {0};
    ser_start(argv[0]);
    opt.threads = ser_cores() < MAX_THREADS ? ser_cores() : MAX_THREADS;
    opt.kernels = ser_kernels_default();
    int first = ser_options(argc, argv, &tool);
    char dash[] = "-", *const standard_input[] = {dash, NULL};
    char *const *files = first < argc ? argv + first : standard_input;
    check_usage(files);
    check_outputs(files);
    open_data(&t, files);
    open_net(&t);
    if (opt.summary)
        print_summary(t.model.net);
    if (opt.output)
        fit(&t);
    ser_fit_free(&t.fit, t.model.net);
    ser_model_free(&t.model);
    ser_dataset_free(&t.train);
    ser_dataset_free(&t.val);
    ser_attrs_clear(&t.identity);
    free(t.history);
    return SER_OK;
}
