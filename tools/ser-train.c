/* ser-train - trains a network on feature streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/names.h"
#include "bridge/recipe.h"
#include "bridge/training.h"
#include "bridge/voices.h"
#include "core/opt.h"
#include "core/progress.h"
#include "math/metrics.h"

enum { MAX_THREADS = 256 };

static struct {
    const char *net, *val, *prior, *input, *axes, *classes;
    struct ser_training_options training;
    int summary, quiet;
} opt;

static const struct ser_opt options[] = {
    {'n', "net", SER_OPT_TEXT, &opt.net, 0, 0, "FILE", "description of the network"},
    {'v', "val", SER_OPT_TEXT, &opt.val, 0, 0, "FILE", "features of the validation part"},
    {'o', "output", SER_OPT_TEXT, &opt.training.output, 0, 0, "FILE", "where to write the model"},
    {'e', "epochs", SER_OPT_INT, &opt.training.fit.epochs, 1, 100000, "N",
     "train for at most N epochs"},
    {'b', "batch", SER_OPT_INT, &opt.training.fit.batch, 1, 4096, "N", "samples in a batch"},
    {0, "lr", SER_OPT_REAL, &opt.training.fit.lr, 1e-12, 10, "X", "Adam's learning rate"},
    {0, "patience", SER_OPT_INT, &opt.training.fit.patience, 0, 100000, "N",
     "end after N without gain; 0: never"},
    {0, "lr-patience", SER_OPT_INT, &opt.training.fit.lr_patience, 0, 100000, "N",
     "cut the rate after N; 0: never"},
    {0, "lr-factor", SER_OPT_REAL, &opt.training.fit.lr_factor, 1e-6, 1, "X",
     "factor by which the rate is cut"},
    {0, "min-lr", SER_OPT_REAL, &opt.training.fit.min_lr, 0, 10, "X",
     "rate below which it is not cut"},
    {0, "schedule", SER_OPT_CHOICE, &opt.training.schedule, 0, 0, SER_SCHEDULES,
     "how the rate falls"},
    {0, "horizon", SER_OPT_INT, &opt.training.fit.horizon, 0, 100000, "N",
     "where cosine ends; 0: with --epochs"},
    {0, "warmup", SER_OPT_INT, &opt.training.fit.warmup, 0, 100000, "N",
     "first epochs, while the rate grows"},
    {0, "clip-norm", SER_OPT_REAL, &opt.training.fit.clip_norm, 0, 1e9, "X",
     "largest gradient norm; 0: no limit"},
    {0, "class-weight", SER_OPT_CHOICE, &opt.training.class_weight, 0, 0, SER_CLASS_WEIGHTS,
     "weights of the classes in the loss"},
    {0, "label-smoothing", SER_OPT_REAL, &opt.training.label_smoothing, 0, 1, "X",
     "share of target spread over all classes"},
    {0, "mask", SER_OPT_LIST, &opt.training.mask, 0, SER_MAX_DIM, "BANDS:FRAMES:N",
     "masks of at most that, N each way"},
    {0, "warp", SER_OPT_LIST, &opt.training.warp, 0, 100 * SER_MAX_WARP, "BANDS:TIME",
     "stretch by up to so many per cent"},
    {0, "gain", SER_OPT_REAL, &opt.training.gain, 0, 60, "DB", "deviation of a random level"},
    {0, "filter", SER_OPT_REAL, &opt.training.filter, 0, 60, "DB",
     "as gain, of smooth bands at random"},
    {0, "shift", SER_OPT_INT, &opt.training.shift, 0, SER_MAX_DIM, "FRAMES",
     "move by up to so many frames"},
    {0, "mixup", SER_OPT_REAL, &opt.training.mixup, 0, 100, "A",
     "mix two samples by Beta(A, A); 0: none"},
    {0, "decay", SER_OPT_REAL, &opt.training.fit.decay, 0, 10, "X",
     "of the weights (AdamW); 0: none"},
    {0, "average", SER_OPT_TEXT, &opt.training.average, 0, 0, "ema=X|last=N",
     "keep averages of the weights"},
    {0, "balance", SER_OPT_CHOICE, &opt.training.balance, 0, 0, SER_BALANCES,
     "what comes as often"},
    {0, "init", SER_OPT_TEXT, &opt.training.init, 0, 0, "MODEL",
     "begin with what fits of this model"},
    {0, "freeze", SER_OPT_TEXT, &opt.training.freeze, 0, 0, "LAYERS",
     "do not train these, as conv1,conv2-lstm1"},
    {0, "soft", SER_OPT_TEXT, &opt.training.soft, 0, 0, "FILE",
     "learn a teacher's predictions, too"},
    {0, "soft-weight", SER_OPT_REAL, &opt.training.soft_weight, 0, 1, "W",
     "share of target that is the teacher's"},
    {0, "soft-temperature", SER_OPT_REAL, &opt.training.soft_temperature, SER_MIN_TEMPERATURE,
     SER_MAX_TEMPERATURE, "T", "the teacher's; above 1: more even"},
    {0, "temperature", SER_OPT_REAL, &opt.training.temperature, SER_MIN_TEMPERATURE,
     SER_MAX_TEMPERATURE, "T", "what scoring divides logits by"},
    {0, "keep", SER_OPT_CHOICE, &opt.training.keep, 0, 0, SER_KEEPS, "epoch that is the model"},
    {0, "prior", SER_OPT_TEXT, &opt.prior, 0, 0, "STREAM",
     "statistics of the speakers, for the model"},
    {'s', "seed", SER_OPT_INT, &opt.training.fit.seed, 0, SER_MAX_SEED, "N",
     "seed of weights, order and dropout"},
    {'j', "threads", SER_OPT_INT, &opt.training.threads, 1, MAX_THREADS, "N",
     "threads; the result is the same"},
    {0, "kernels", SER_OPT_TEXT, &opt.training.kernels, 0, 0, SER_KERNELS,
     "plain: the same bytes on any x86-64"},
    {'c', "checkpoint", SER_OPT_TEXT, &opt.training.checkpoint, 0, 0, "FILE",
     "save the state of the training after each epoch"},
    {'r', "resume", SER_OPT_FLAG, &opt.training.resume, 0, 0, NULL,
     "continue from the checkpoint, if there is one"},
    {'l', "log", SER_OPT_TEXT, &opt.training.log, 0, 0, "FILE", "write a table, one row per epoch"},
    {0, "json", SER_OPT_TEXT, &opt.training.json, 0, 0, "FILE",
     "write the same as JSON, one object per line"},
    {0, "summary", SER_OPT_FLAG, &opt.summary, 0, 0, NULL,
     "print shapes and parameter counts of the layers"},
    {0, "input", SER_OPT_TEXT, &opt.input, 0, 0, "RxF",
     "for --summary without data: rows by frames, or N"},
    {0, "axes", SER_OPT_TEXT, &opt.axes, 0, 0, "LIST", "axes of --input, as time,channels"},
    {0, "classes", SER_OPT_TEXT, &opt.classes, 0, 0, "N",
     "for --summary without data: number of classes"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress, no line per epoch"},
    {0}};

static const struct ser_tool tool = {
    "--net FILE [--val FILE] -o MODEL [TRAIN...]",
    "Trains a network on feature streams (files or standard input).", options,
    "The test part is refused. The same inputs and options give the same model."};

/* ---- the network ---- */

static void print_shape(struct ser_out *o, const struct ser_shape *s) {
    char text[64];
    int n = snprintf(text, sizeof text, "%d", s->dim[0]);
    for (int i = 1; i < s->rank; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " x %d", s->dim[i]);
    ser_out_printf(o, "%-18s", text);
}

static void print_summary(const struct ser_net *net) {
    struct ser_out o;
    struct ser_error e;
    size_t trained, all = ser_net_count(net, &trained);
    must(ser_out_open(&o, NULL, 0, &e), &e);
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
    must(ser_out_close(&o, &e), &e);
}

/* ---- what is shown before, during and after training ---- */

/* "classes, training + validation: calm 16 + 4, happy 16 + 4" */
static void show_classes(const struct ser_training *t) {
    size_t train[SER_MAX_CLASSES], val[SER_MAX_CLASSES];
    ser_dataset_count(&t->train, train, t->model.classes);
    ser_dataset_count(&t->val, val, t->model.classes);
    fprintf(stderr, "classes, training%s:", opt.val ? " + validation" : "");
    for (int k = 0; k < t->model.classes; k++) {
        fprintf(stderr, "%s %s %zu", k ? "," : "", t->model.class_name[k], train[k]);
        if (opt.val)
            fprintf(stderr, " + %zu", val[k]);
    }
    fputs("\n", stderr);
}

/* Told with --quiet, too: a model of such classes is hardly meant. */
static void tell_alike(const struct ser_model *m) {
    char *const *name = m->class_name;
    for (int i = 0; i < m->classes; i++)
        for (int k = 0; k < i; k++)
            if (ser_labels_alike(name[k], name[i]))
                warn("the classes '%s' and '%s' differ in case or blanks only: if they are one, "
                     "give it one name in the manifest",
                     name[k], name[i]);
}

/* "m.bin: begins with 22 of its parameters; new: dense1.w (of other classes there), ..." */
static void show_origin(const struct ser_training *t) {
    const struct ser_net *net = t->model.net;
    char why[64];
    int fit = 0, fresh = 0;
    if (!t->init.net)
        return;
    for (int i = 0; i < net->params; i++)
        fit += ser_training_origin(t, i, why) != NULL;
    fprintf(stderr, "%s: begins with %d of its %d parameters; new:", opt.training.init, fit,
            t->init.net->params);
    for (int i = 0; i < net->params; i++)
        if (!ser_training_origin(t, i, why))
            fprintf(stderr, "%s %s (%s)", fresh++ ? "," : "", net->param[i].name, why);
    fputs(fresh ? "\n" : " none\n", stderr);
    const char *key = ser_attrs_differ(&t->init.header, &t->model.header, "feat.");
    if (key)
        fprintf(stderr, "%s: was trained on features of another recipe: %s differs\n",
                opt.training.init, key);
}

/* The figure of validation that the kept epoch is chosen by; of the last one it is told all the
 * same. */
static double kept_by(const struct ser_training *t, const struct ser_epoch *h, const char **name) {
    const enum ser_keep keep = t->o.fit.keep;
    *name = keep == SER_KEEP_RECALL ? "val_recall"
            : keep == SER_KEEP_LOSS ? "val_loss"
                                    : "val_accuracy";
    return keep == SER_KEEP_RECALL ? h->val_recall
           : keep == SER_KEEP_LOSS ? h->val_loss
                                   : h->val_accuracy;
}

static void show_kept(const struct ser_training *t) {
    const char *name;
    int best = t->fit.best_epoch;
    fprintf(stderr, "the model is epoch %d of %d", best, t->fit.epoch);
    if (opt.val && best) {
        double figure = kept_by(t, &t->history[best - 1], &name);
        fprintf(stderr, ", %s %.4f", name, figure);
    }
    fputs("\n", stderr);
}

struct show {
    struct ser_progress progress;
    double epoch_began_s;
};

static void show_resumed(void *ctx, const struct ser_training *t) {
    (void)ctx;
    fprintf(stderr, "resumed at epoch %d\n", t->fit.epoch);
}

static void show_batch(void *ctx, int b, int n) {
    struct show *s = ctx;
    s->progress.total = (uint64_t)n;
    ser_progress_show(&s->progress, (uint64_t)b);
}

/* The best epoch before the last one; NULL if there was none. */
static const struct ser_epoch *best_before(const struct ser_training *t) {
    for (int i = t->fit.epoch - 1; i > 0; i--)
        if (t->history[i - 1].improved)
            return &t->history[i - 1];
    return NULL;
}

static void print_improvement(const struct ser_training *t, const struct ser_epoch *h) {
    const struct ser_epoch *best = best_before(t);
    const char *name;
    double now = kept_by(t, h, &name);
    if (best)
        fprintf(stderr, "  %s improved from %.4f to %.4f\n", name, kept_by(t, best, &name), now);
    else
        fprintf(stderr, "  %s %.4f is the best so far\n", name, now);
}

static void print_epoch(const struct ser_training *t, const struct ser_epoch *h, double s) {
    const struct ser_fit_options *o = &t->o.fit;
    fprintf(stderr, "epoch %d/%lld  loss %.4f  accuracy %.4f", h->epoch, (long long)o->epochs,
            h->loss, h->accuracy);
    if (opt.val)
        fprintf(stderr, "  val_loss %.4f  val_accuracy %.4f  val_recall %.4f", h->val_loss,
                h->val_accuracy, h->val_recall);
    fprintf(stderr, "  lr %g  %.1f s", h->lr, s);
    if (!h->stopped && h->epoch < o->epochs)
        fprintf(stderr, ", %.0f s left", s * (double)(o->epochs - h->epoch));
    fputs("\n", stderr);
    if (h->improved && o->keep != SER_KEEP_LAST)
        print_improvement(t, h);
    if (h->reduced)
        fprintf(stderr, "  learning rate cut to %g\n", t->fit.lr);
    if (h->stopped)
        fprintf(stderr, "  stopped early: no smaller val_loss for %lld epochs; %s epoch %d\n",
                (long long)o->patience, o->keep == SER_KEEP_LAST ? "the model is" : "best was",
                t->fit.best_epoch);
}

static void show_epoch(void *ctx, const struct ser_training *t, const struct ser_epoch *h) {
    struct show *s = ctx;
    ser_progress_end(&s->progress);
    if (!opt.quiet)
        print_epoch(t, h, ser_now_s() - s->epoch_began_s);
    s->epoch_began_s = ser_now_s();
    ser_progress_start(&s->progress, "batches", 0, opt.quiet);
}

static void show_mixing(const struct ser_net *net) {
    const struct ser_layer *l = ser_net_mixes(net);
    if (l)
        fprintf(stderr,
                "%s makes a sequence that does not run over time: its steps are pieces of the %d "
                "rows, not frames; timemajor makes one of frames\n",
                l->name, l->in.dim[0]);
}

static void train(struct ser_training *t) {
    struct ser_error e;
    struct show s = {.epoch_began_s = ser_now_s()};
    const struct ser_training_view view = {
        .ctx = &s, .resumed = show_resumed, .batch = show_batch, .epoch = show_epoch};
    if (!opt.quiet) {
        show_classes(t);
        show_origin(t);
        show_mixing(t->model.net);
    }
    ser_progress_start(&s.progress, "batches", 0, opt.quiet);
    int failed = ser_training_run(t, &view, &e);
    ser_progress_end(&s.progress);
    must(failed, &e);
    if (!opt.quiet)
        show_kept(t);
}

/* ---- the command line ---- */

/* "40x174": bands by frames; "768": a vector; "13x50x768": an image with channels; or what --axes
 * says. */
static struct ser_input parse_input(const char *text) {
    static const char *const axes[] = {"channels", SER_AXES_DEFAULT, "layers,time,channels"};
    struct ser_axes a;
    struct ser_input in;
    int dim[3] = {0}, rank = ser_model_shape(text, dim);
    uint64_t size[3] = {(uint64_t)dim[0], (uint64_t)dim[1], (uint64_t)dim[2]};
    if (opt.axes && ser_axes_parse(opt.axes, &a))
        ser_usage("--axes: '%s' is not one to three of bands,layers,time,channels, channels last",
                  opt.axes);
    if (opt.axes && rank && a.rank != rank)
        ser_usage("--input: '%s' has not the %d axes of --axes %s", text, a.rank, opt.axes);
    if (!rank || (!opt.axes && ser_axes_parse(axes[rank - 1], &a)) ||
        ser_axes_input(&a, rank, size, &in))
        ser_usage("--input: '%s' is not ROWSxFRAMES or a length, each from 1 to %d", text,
                  SER_MAX_DIM);
    return in;
}

/* --summary of a network whose input is given, not found in data. */
static void summarise_alone(char *const *files) {
    struct ser_error e;
    struct ser_net *net;
    int64_t classes;
    if (!opt.summary || !opt.net || !opt.input || !opt.classes)
        ser_usage("--input and --classes belong together, and to --summary with --net");
    if (opt.val || opt.training.output || *files)
        ser_usage("--input and --classes are for --summary alone: with data they are known");
    const struct ser_input in = parse_input(opt.input);
    if (ser_parse_int(opt.classes, 2, SER_MAX_CLASSES, &classes))
        ser_usage("--classes: '%s' is not a number from 2 to %d", opt.classes, SER_MAX_CLASSES);
    must(ser_net_read(&net, opt.net, &in, (int)classes, &e), &e);
    print_summary(net);
    ser_net_free(net);
}

/* Without validation nothing is known of an epoch but its number. */
static void train_blindly(void) {
    struct ser_training_options *o = &opt.training;
    if (ser_option_given("patience") && o->fit.patience)
        ser_usage("--patience needs --val: without validation nothing tells when to stop");
    if (!ser_option_given("schedule"))
        o->schedule = "cosine";
    else if (strcmp(o->schedule, "plateau") == 0)
        ser_usage("--schedule plateau needs --val: without validation there is no plateau to see");
    o->fit.patience = 0;
}

static void check_mask(const double *mask) {
    for (int i = 0; i < 3; i++)
        if (mask[i] != (double)(int)mask[i])
            ser_usage("--mask: %g is not a whole number", mask[i]);
    if (mask[2] > SER_MAX_MASKS)
        ser_usage("--mask: %g masks are more than %d", mask[2], SER_MAX_MASKS);
}

static void check_average(const struct ser_training_options *o) {
    struct ser_fit_options f = o->fit;
    int64_t end = f.horizon ? f.horizon : f.epochs;
    if (ser_training_average(o->average, &f))
        ser_usage("--average: '%s' is not ema=X, X above 0 and below 1, last=N, or none",
                  o->average);
    if (f.last > end)
        ser_usage("--average last=%lld: there are %lld epochs", (long long)f.last, (long long)end);
    if (f.decay * f.lr >= 1)
        ser_usage("--decay %g times --lr %g leaves nothing of the weights: it must be below 1",
                  f.decay, f.lr);
}

static void check_usage(char *const *files) {
    const struct ser_training_options *o = &opt.training;
    int blind = !opt.val && strcmp(o->keep, "last") == 0;
    if (opt.summary && (!opt.net || (!opt.val && !blind)))
        ser_usage("--summary needs --net and --val, or --net, --input and --classes");
    if (!opt.net || (!opt.val && !blind) || (!o->output && !opt.summary))
        ser_usage("--net, --val and --output are needed (--keep last needs no --val)");
    if (blind)
        train_blindly();
    if (o->fit.horizon && o->fit.horizon < o->fit.epochs)
        ser_usage("--epochs %lld is beyond --horizon %lld", (long long)o->fit.epochs,
                  (long long)o->fit.horizon);
    if (!o->output && (o->log || o->json || o->checkpoint))
        ser_usage("--%s needs --output: nothing is trained without it", o->log    ? "log"
                                                                        : o->json ? "json"
                                                                                  : "checkpoint");
    ser_one_stdin(files, opt.net, opt.val);
    ser_one_stdin(files, opt.net, o->soft);
    ser_one_stdin(files, opt.val, o->soft);
    if (opt.prior && strcmp(opt.prior, "-") == 0)
        ser_usage("--prior: statistics are a file, not standard input");
    if (o->init && strcmp(o->init, "-") == 0)
        ser_usage("--init: a model is a file, not standard input");
    if (!o->soft && (ser_option_given("soft-weight") || ser_option_given("soft-temperature")))
        ser_usage("--soft-%s needs --soft: there is no teacher without",
                  ser_option_given("soft-weight") ? "weight" : "temperature");
    if (o->fit.min_lr > o->fit.lr)
        ser_usage("--min-lr %g is above --lr %g", o->fit.min_lr, o->fit.lr);
    if ((float)o->label_smoothing >= 1)
        ser_usage("--label-smoothing %g leaves nothing of the target: it must be below 1",
                  o->label_smoothing);
    check_mask(o->mask);
    check_average(o);
    if (o->resume && !o->checkpoint)
        ser_usage("--resume needs --checkpoint FILE");
    if (!ser_kernels_find(o->kernels))
        ser_usage("--kernels: '%s' is none of " SER_KERNELS, o->kernels);
}

/* Finds an output that cannot be written before hours of work, not after them. */
static void check_outputs(char *const *files) {
    const struct ser_training_options *o = &opt.training;
    struct ser_error e;
    char *const none[] = {NULL};
    const struct {
        const char *option, *path;
        int binary;
    } out[] = {{"--output", o->output, 1},
               {"--checkpoint", o->checkpoint, 1},
               {"--log", o->log, 0},
               {"--json", o->json, 0},
               {"--summary", opt.summary ? "-" : NULL, 0}};
    if (o->checkpoint && strcmp(o->checkpoint, "-") == 0)
        ser_usage("--checkpoint is read by --resume, so it cannot be standard output");
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        if (!out[i].path)
            continue;
        ser_keep_inputs(out[i].option, out[i].path, files, opt.net, opt.val);
        ser_keep_inputs(out[i].option, out[i].path, none, o->init, opt.prior);
        ser_keep_inputs(out[i].option, out[i].path, none, o->soft, NULL);
        for (size_t k = 0; k < i; k++)
            if (out[k].path)
                ser_keep_apart(out[k].option, out[k].path, out[i].option, out[i].path);
        must(ser_out_try(out[i].path, out[i].binary, &e), &e);
    }
}

/* Puts what the training speakers have in common into the model, where it plays no part in scoring: a voice that
 * is known from little is shrunk towards it by 'ser-tensor normalize --prior MODEL'. */
static void take_prior(struct ser_model *m) {
    struct ser_voices v = {0};
    struct ser_error e;
    const char *norm = ser_attr(&m->header, SER_NORM);
    if (!norm || strcmp(norm, "utterance") == 0)
        die(SER_BAD,
            "--prior %s: the features are not normalised by statistics: pass them through "
            "'ser-tensor normalize'",
            opt.prior);
    must(ser_voices_load(&v, opt.prior, &m->header, &e), &e);
    ser_voices_average(&v);
    must(ser_voices_record(&v, v.at, SER_PRIOR, &m->prior, &e), &e);
    ser_voices_free(&v);
}

int main(int argc, char **argv) {
    struct ser_training t;
    struct ser_error e;
    ser_start(argv[0]);
    opt.training = ser_training_defaults;
    opt.training.threads = ser_cores() < MAX_THREADS ? ser_cores() : MAX_THREADS;
    opt.training.kernels = ser_kernels_default();
    int first = ser_options(argc, argv, &tool);
    if (opt.input || opt.axes || opt.classes) {
        summarise_alone(argv + first);
        return SER_OK;
    }
    char dash[] = "-", *const standard_input[] = {dash, NULL};
    char *const *files = first < argc ? argv + first : standard_input;
    check_usage(files);
    must(ser_model_find(&opt.training.init, &e) || ser_model_find(&opt.prior, &e), &e);
    check_outputs(files);
    must(ser_training_open(&t, &opt.training, files, opt.val, opt.net, &e), &e);
    tell_alike(&t.model);
    if (opt.summary)
        print_summary(t.model.net);
    if (opt.prior)
        take_prior(&t.model);
    if (opt.training.output)
        train(&t);
    ser_training_free(&t);
    return SER_OK;
}
