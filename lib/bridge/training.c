#include "bridge/training.h"

#include "core/bytes.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { MAX_NET = 1 << 16 };

/* ---- lists ---- */

/* A number somewhere in a structure. */
struct field {
    const char *name, *json; /* json NULL: not in the JSON log */
    enum type { INT, INT64, UINT64, REAL, TEXT, PAIR, TRIPLE } type; /* PAIR, TRIPLE: of REAL */
    size_t offset;

    /* An option that came later stands in a header only where it is no default: models made without
     * it are the same as before. */
    int later;
};

static double number_of(const void *base, const struct field *f) {
    const char *at = (const char *)base + f->offset;
    switch (f->type) {
    case INT:
        return *(const int *)at;
    case INT64:
        return (double)*(const int64_t *)at;
    case UINT64:
        return (double)*(const uint64_t *)at;
    default:
        return *(const double *)at;
    }
}

static void set_number(void *base, const struct field *f, double v) {
    char *at = (char *)base + f->offset;
    if (f->type == INT)
        *(int *)at = (int)v;
    else if (f->type == UINT64)
        *(uint64_t *)at = (uint64_t)v;
    else
        *(double *)at = v;
}

/* The options that decide the model's bytes, and their attributes in its header. */
#define OPTION(member) offsetof(struct ser_training_options, member), 0
#define LATER(member)  offsetof(struct ser_training_options, member), 1
static const struct field options[] = {
    {"train.average", NULL, TEXT, LATER(average)},
    {"train.balance", NULL, TEXT, LATER(balance)},
    {"train.batch", NULL, INT64, OPTION(fit.batch)},
    {"train.class_weight", NULL, TEXT, OPTION(class_weight)},
    {"train.clip_norm", NULL, REAL, OPTION(fit.clip_norm)},
    {"train.decay", NULL, REAL, LATER(fit.decay)},
    {"train.epochs", NULL, INT64, OPTION(fit.epochs)},
    {"train.filter", NULL, REAL, LATER(filter)},
    {"train.gain", NULL, REAL, LATER(gain)},
    {"train.horizon", NULL, INT64, LATER(fit.horizon)},
    {"train.keep", NULL, TEXT, LATER(keep)},
    {"train.kernels", NULL, TEXT, OPTION(kernels)},
    {"train.label_smoothing", NULL, REAL, OPTION(label_smoothing)},
    {"train.lr", NULL, REAL, OPTION(fit.lr)},
    {"train.lr_factor", NULL, REAL, OPTION(fit.lr_factor)},
    {"train.lr_patience", NULL, INT64, OPTION(fit.lr_patience)},
    {"train.mask", NULL, TRIPLE, LATER(mask)},
    {"train.min_lr", NULL, REAL, OPTION(fit.min_lr)},
    {"train.mixup", NULL, REAL, LATER(mixup)},
    {"train.patience", NULL, INT64, OPTION(fit.patience)},
    {"train.schedule", NULL, TEXT, OPTION(schedule)},
    {"train.seed", NULL, INT64, OPTION(fit.seed)},
    {"train.shift", NULL, INT64, LATER(shift)},
    {"train.soft_temperature", NULL, REAL, LATER(soft_temperature)},
    {"train.soft_weight", NULL, REAL, LATER(soft_weight)},
    {SER_TEMPERATURE, NULL, REAL, LATER(temperature)},
    {"train.warmup", NULL, INT64, OPTION(fit.warmup)},
    {"train.warp", NULL, PAIR, LATER(warp)},
};
enum { OPTIONS = sizeof options / sizeof *options };

const struct ser_training_options ser_training_defaults = {
    .fit = {.epochs = 40,
            .batch = 32,
            .lr = 1e-3,
            .patience = 15,
            .lr_patience = 5,
            .lr_factor = 0.2,
            .min_lr = 1e-6,
            .seed = 1},
    .schedule = "plateau",
    .keep = "accuracy",
    .class_weight = "none",
    .average = "none",
    .soft_weight = 0.5,
    .soft_temperature = 1,
    .temperature = 1,
    .balance = "none",
};

/* A line of the log. */
#define EPOCH(member) offsetof(struct ser_epoch, member), 0
static const struct field line[] = {
    {"epoch", "step", INT, EPOCH(epoch)},
    {"lr", "lr", REAL, EPOCH(lr)},
    {"loss", "loss", REAL, EPOCH(loss)},
    {"accuracy", "accuracy", REAL, EPOCH(accuracy)},
    {"val_loss", "val_loss", REAL, EPOCH(val_loss)},
    {"val_accuracy", "val_accuracy", REAL, EPOCH(val_accuracy)},
    {"best", NULL, INT, EPOCH(improved)},
    {"cut", NULL, INT, EPOCH(reduced)},
    {"stop", NULL, INT, EPOCH(stopped)},
    {"val_recall", "val_recall", REAL, EPOCH(val_recall)}, /* came last */
};
enum { LINE = sizeof line / sizeof *line };

/* The state of the fit. */
#define FIT(member) offsetof(struct ser_fit, member), 0
static const struct field state[] = {
    {"epoch", NULL, INT, FIT(epoch)},
    {"lr", NULL, REAL, FIT(lr)},
    {"best_kept", NULL, REAL, FIT(best_kept)},
    {"best_loss", NULL, REAL, FIT(best_loss)},
    {"plateau_best", NULL, REAL, FIT(plateau_best)},
    {"best_epoch", NULL, INT, FIT(best_epoch)},
    {"wait", NULL, INT, FIT(wait)},
    {"plateau_wait", NULL, INT, FIT(plateau_wait)},
    {"stopped", NULL, INT, FIT(stopped)},
    {"steps", NULL, UINT64, FIT(adam.steps)},
};
enum { STATE = sizeof state / sizeof *state };

/* ---- options ---- */

int ser_training_searches(const char *name) {
    static const char *const fixed[] = {"epochs",  "horizon", "keep",
                                        "kernels", "seed",    "temperature"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(name, fixed[i]) == 0)
            return 0;
    for (int i = 0; i < OPTIONS; i++) {
        const char *a = options[i].name + strlen("train."), *b = name;
        while (*a && (*a == *b || (*a == '_' && *b == '-')))
            a++, b++;
        if (!*a && !*b)
            return 1;
    }
    return 0;
}

/* "8:20:2" */
static void put_list(struct ser_attrs *a, const char *name, const double *list, int n) {
    char text[128];
    int used = 0;
    for (int i = 0; i < n; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%.10g", i ? ":" : "", list[i]);
    ser_attr_set(a, name, text);
}

static int numbers_of(const struct field *f) {
    return f->type == PAIR ? 2 : f->type == TRIPLE ? 3 : 1;
}

static int is_default(const struct field *f, const void *at) {
    const void *usual = (const char *)&ser_training_defaults + f->offset;
    if (f->type == TEXT)
        return strcmp(*(const char *const *)at, *(const char *const *)usual) == 0;
    return memcmp(at, usual, (size_t)numbers_of(f) * sizeof(double)) == 0;
}

static void put_options(const struct ser_training_options *o, struct ser_attrs *a) {
    for (int i = 0; i < OPTIONS; i++) {
        const char *at = (const char *)o + options[i].offset;
        if (options[i].later && is_default(&options[i], at))
            continue;
        if (options[i].type == TEXT)
            ser_attr_set(a, options[i].name, *(const char *const *)at);
        else if (options[i].type == PAIR || options[i].type == TRIPLE)
            put_list(a, options[i].name, (const void *)at, numbers_of(&options[i]));
        else if (options[i].type == REAL)
            ser_attr_setf(a, options[i].name, "%.17g", *(const double *)at);
        else
            ser_attr_setf(a, options[i].name, "%lld", (long long)*(const int64_t *)at);
    }
}

static enum ser_schedule schedule_of(const char *word) {
    return strcmp(word, "step") == 0       ? SER_STEP
           : strcmp(word, "cosine") == 0   ? SER_COSINE
           : strcmp(word, "constant") == 0 ? SER_CONSTANT
                                           : SER_PLATEAU;
}

static enum ser_keep keep_of(const char *word) {
    return strcmp(word, "recall") == 0 ? SER_KEEP_RECALL
           : strcmp(word, "loss") == 0 ? SER_KEEP_LOSS
           : strcmp(word, "last") == 0 ? SER_KEEP_LAST
                                       : SER_KEEP_ACCURACY;
}

int ser_training_average(const char *text, struct ser_fit_options *o) {
    o->ema = 0;
    o->last = 0;
    if (strncmp(text, "ema=", 4) == 0)
        return ser_parse_real(text + 4, 1e-6, 1 - 1e-9, &o->ema);
    if (strncmp(text, "last=", 5) == 0)
        return ser_parse_int(text + 5, 1, SER_MAX_AVERAGED, &o->last);
    return strcmp(text, "none") == 0 ? 0 : -1;
}

/* Whether the last epoch matters to those before it. */
static int has_horizon(const struct ser_fit_options *o) {
    return o->schedule == SER_COSINE || o->last;
}

static void drop_idle_options(const struct ser_training_options *o, struct ser_attrs *a) {
    if (!has_horizon(&o->fit) || o->fit.horizon == o->fit.epochs)
        ser_attr_set(a, "train.horizon", NULL);
}

/* A resumed training may have more epochs than before, and another temperature, but what has an end
 * must end where it did. */
static void identify(struct ser_training *t) {
    const struct ser_fit_options *o = &t->o.fit;
    ser_attrs_copy(&t->identity, &t->model.header);
    ser_attr_set(&t->identity, "train.epochs", NULL);
    ser_attr_set(&t->identity, SER_TEMPERATURE, NULL);
    if (has_horizon(o))
        ser_attr_setf(&t->identity, "train.horizon", "%lld",
                      (long long)(o->horizon ? o->horizon : o->epochs));
}

/* ---- data and network ---- */

static int open_data(struct ser_training *t, char *const *files, const char *val,
                     struct ser_error *e) {
    t->train.part = "train";
    t->val.part = "val";
    for (char *const *f = files; *f; f++)
        if (ser_dataset_add(&t->train, *f, e))
            return -1;
    if (val && ser_dataset_add(&t->val, val, e))
        return -1;
    if (!t->train.n || (val && !t->val.n))
        return ser_fail(e, SER_BAD, "%s: no samples in the %s part",
                        t->train.n ? t->val.path[0] : t->train.path[0],
                        t->train.n ? "validation" : "training");
    return val ? ser_dataset_suits(&t->train, &t->val, e) : 0;
}

/* ---- layers that are frozen ---- */

/* The layer that a word of n bytes names, or its number from 1; -1: there is none. */
static int find_layer(const struct ser_net *net, const char *word, size_t n) {
    char text[32];
    int64_t number;
    for (int i = 0; i < net->layers; i++)
        if (strlen(net->layer[i].name) == n && strncmp(net->layer[i].name, word, n) == 0)
            return i;
    if (!n || n >= sizeof text)
        return -1;
    memcpy(text, word, n);
    text[n] = '\0';
    return ser_parse_int(text, 1, net->layers, &number) ? -1 : (int)number - 1;
}

/* "conv1", "3" or "conv1-maxpool2". */
static int freeze_word(struct ser_net *net, const char *word, size_t n, struct ser_error *e) {
    const char *dash = memchr(word, '-', n);
    size_t left = dash ? (size_t)(dash - word) : n;
    int first = find_layer(net, word, left);
    int last = dash ? find_layer(net, dash + 1, n - left - 1) : first;
    if (first < 0 || last < first)
        return ser_fail(e, SER_USAGE,
                        "--freeze: '%.*s' is no layer of this network, nor from one to a later: "
                        "see --summary",
                        n < 60 ? (int)n : 60, word);
    for (int i = first; i <= last; i++) {
        struct ser_layer *l = &net->layer[i];
        l->frozen = 1;
        for (int k = 0; k < l->params; k++)
            net->param[l->first_param + k].trained = 0;
    }
    return 0;
}

/* Freezes what is asked for, and says so in the model by the names of the layers. */
static int freeze(struct ser_training *t, struct ser_error *e) {
    struct ser_net *net = t->model.net;
    struct ser_text names = {0};
    size_t trained;
    for (const char *word = t->o.freeze; word;) {
        size_t n = strcspn(word, ",");
        if (freeze_word(net, word, n, e))
            return -1;
        word = word[n] ? word + n + 1 : NULL;
    }
    if (!t->o.freeze)
        return 0;
    ser_net_count(net, &trained);
    if (!trained)
        return ser_fail(e, SER_USAGE, "--freeze %.60s: nothing is left to train", t->o.freeze);
    for (int i = 0; i < net->layers; i++)
        if (net->layer[i].frozen && net->layer[i].params)
            ser_text_printf(&names, "%s%s", names.at ? "," : "", net->layer[i].name);
    if (names.at && !names.failed)
        ser_attr_set(&t->model.header, "train.freeze", names.at);
    int failed = names.failed ? ser_no_memory(e) : 0;
    ser_text_free(&names);
    return failed;
}

/* ---- a model to begin with ---- */

static int same_shape(const struct ser_param *a, const struct ser_param *b) {
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

/* Whether parameter i is of the last layer, whose outputs are the classes. */
static int is_last(const struct ser_net *net, int i) {
    return i >= net->layer[net->layers - 1].first_param;
}

const struct ser_param *ser_training_origin(const struct ser_training *t, int i, char why[64]) {
    const struct ser_net *from = t->init.net, *to = t->model.net;
    const struct ser_param *p = &to->param[i];
    why[0] = '\0';
    if (!from)
        return NULL;
    for (int k = 0; k < from->params; k++) {
        const struct ser_param *q = &from->param[k];
        if (strcmp(q->name, p->name) != 0)
            continue;
        int other =
            is_last(to, i) && ser_attrs_differ(&t->init.header, &t->model.header, "classes");
        if (same_shape(p, q) && !other)
            return q;
        if (same_shape(p, q))
            snprintf(why, 64, "of other classes there");
        else
            snprintf(why, 64, "%zu numbers there, %zu here", q->n, p->n);
        return NULL;
    }
    snprintf(why, 64, "not there");
    return NULL;
}

/* Of names and values, whatever the header says. */
static uint64_t params_hash(const struct ser_net *net) {
    uint64_t h = 0;
    for (int i = 0; i < net->params; i++) {
        const struct ser_param *p = &net->param[i];
        h = XXH3_64bits_withSeed(p->name, strlen(p->name), h);
        h = XXH3_64bits_withSeed(p->value, p->n * sizeof *p->value, h);
    }
    return h;
}

static int check_init(struct ser_training *t, struct ser_error *e) {
    char why[64];
    int fit = 0;
    if (!t->init.net)
        return 0;
    for (int i = 0; i < t->model.net->params; i++)
        fit += ser_training_origin(t, i, why) != NULL;
    if (!fit)
        return ser_fail(e, SER_BAD,
                        "%s: none of its parameters fits this network: names and shapes must agree",
                        t->o.init);
    ser_attr_setf(&t->model.header, "train.init", "%016llx",
                  (unsigned long long)params_hash(t->init.net));
    return 0;
}

static void begin_with(struct ser_training *t) {
    char why[64];
    for (int i = 0; i < t->model.net->params; i++) {
        const struct ser_param *from = ser_training_origin(t, i, why);
        if (from)
            memcpy(t->model.net->param[i].value, from->value, from->n * sizeof *from->value);
    }
}

static int make_model(struct ser_training *t, const char *text, size_t len, const char *where,
                      char *const *class, int classes, struct ser_error *e) {
    struct ser_attrs header = {0};
    if (ser_dataset_label(&t->train, class, classes, e) ||
        ser_dataset_label(&t->val, class, classes, e))
        return -1;
    if (t->o.soft &&
        ser_soft_read(&t->soft, t->o.soft, &t->train, class, classes, t->o.soft_temperature, e))
        return -1;
    /* A model says how it was made: by which options, and from which data. */
    ser_attrs_copy(&header, &t->train.recipe);
    put_options(&t->o, &header);
    drop_idle_options(&t->o, &header);
    ser_attr_setf(&header, "train.data", "%016llx",
                  (unsigned long long)ser_dataset_hash(&t->train));
    if (t->val.n)
        ser_attr_setf(&header, "train.val", "%016llx",
                      (unsigned long long)ser_dataset_hash(&t->val));
    if (t->soft.target)
        ser_attr_setf(&header, "train.soft", "%016llx", (unsigned long long)t->soft.table);
    if (t->train.generated)
        ser_attr_set(&header, "train.generated", "yes");
    int failed = ser_model_new(&t->model, text, len, where, t->train.input.rank,
                               t->train.input.shape.dim, class, classes, &header, e);
    ser_attrs_clear(&header);
    if (failed || freeze(t, e) || check_init(t, e))
        return -1;
    if (t->model.net->masked) /* which frames are true decides what is heard */
        ser_attr_setf(&t->model.header, "train.frames", "%016llx",
                      (unsigned long long)ser_dataset_frames_hash(
                          &t->val, ser_dataset_frames_hash(&t->train, 0)));
    identify(t);
    return ser_attrs_check(&t->identity, where, e);
}

/* ---- changes of samples ---- */

/* A whole number of the recipe, or 0. */
static int recipe_number(const struct ser_attrs *a, const char *key) {
    const char *text = ser_attr(a, key);
    int64_t n;
    return text && !ser_parse_int(text, 0, SER_MAX_DIM, &n) ? (int)n : 0;
}

/* Features that ser-mfcc made have blocks: coefficients, then their deltas. */
static void set_blocks(const struct ser_attrs *recipe, struct ser_variation_layout *l) {
    const char *type = ser_attr(recipe, "feat.type");
    int rows = l->C == 1 ? l->A : l->C;
    int bands =
        !type ? 0 : recipe_number(recipe, strcmp(type, "mfcc") == 0 ? "feat.coefs" : "feat.bands");
    int blocks = 1 + recipe_number(recipe, "feat.deltas");
    int known = bands && bands <= rows && blocks <= rows / bands;
    l->bands = known ? bands : rows;
    l->blocks = known ? blocks : 1;
}

/* Those that vary samples, not mix them. */
static const char *varies(const struct ser_training_options *o) {
    return o->mask[2] > 0                     ? "mask"
           : o->warp[0] > 0 || o->warp[1] > 0 ? "warp"
           : o->gain > 0                      ? "gain"
           : o->filter > 0                    ? "filter"
           : o->shift                         ? "shift"
                                              : NULL;
}

/* Where a decibel more is a number more: the bands of a logarithmic spectrum, or, as its transform
 * is orthonormal, sqrt(bands) of the first cepstral coefficient; and the energy, which is the first
 * of what is appended behind them. NULL without memory. */
static float *gain_of(const struct ser_training *t, const struct ser_variation_layout *l) {
    const struct ser_attrs *recipe = &t->train.recipe;
    const char *type = ser_attr(recipe, "feat.type");
    int mfcc = strcmp(type, "mfcc") == 0;
    const char *append = ser_attr(recipe, "feat.append");
    int behind = l->bands * l->blocks;
    float *gain = calloc((size_t)l->A, sizeof *gain);
    if (gain && append && strncmp(append, "energy", 6) == 0 && behind < l->A)
        gain[behind] = 1;
    for (int i = 0; gain && i < (mfcc ? 1 : l->bands); i++)
        gain[i] = mfcc ? (float)sqrt(recipe_number(recipe, "feat.bands")) : 1;
    return gain;
}

/* Image: rows over time; else layout has a single row, and gain_of nowhere to put the others. */
static int check_levels(const struct ser_training *t, int image, struct ser_error *e) {
    const struct ser_attrs *recipe = &t->train.recipe;
    const char *type = ser_attr(recipe, "feat.type"), *where = t->train.path[0];
    const char *option = t->o.gain > 0 ? "gain" : "filter";
    if (!type || (strcmp(type, "logmel") != 0 && strcmp(type, "mfcc") != 0))
        return ser_fail(e, SER_BAD,
                        "%s: --%s: what a decibel changes is known of features of ser-mfcc alone",
                        where, option);
    if (!image)
        return ser_fail(e, SER_BAD,
                        "%s: --%s: channels are no bands of a spectrum, which could be louder",
                        where, option);
    if (t->o.filter > 0 && strcmp(type, "mfcc") == 0)
        return ser_fail(e, SER_BAD,
                        "%s: --filter: cepstral coefficients are no bands of a spectrum, each of "
                        "which could be louder: ser-mfcc --type logmel has them",
                        where);
    for (int i = 0; i < recipe->n; i++)
        if (strncmp(recipe->at[i].key, "feat.norm", 9) == 0)
            return ser_fail(e, SER_BAD,
                            "%s: --%s: these features are normalised (%s=%.60s): decibels are "
                            "gone from them",
                            where, option, recipe->at[i].key, recipe->at[i].value);
    return 0;
}

/* Which of the changes the features can have. */
static int check_changes(const struct ser_training *t, const struct ser_variation_layout *l,
                         struct ser_error *e) {
    const struct ser_training_options *o = &t->o;
    const char *axes = ser_attr(&t->train.recipe, SER_AXES), *where = t->train.path[0];
    const char *type = ser_attr(&t->train.recipe, "feat.type"), *first = varies(o);
    int image = !axes || strcmp(axes, SER_AXES_DEFAULT) == 0;
    if (first && !image && strcmp(axes, "time,channels") != 0)
        return ser_fail(e, SER_BAD,
                        "%s: --%s: the axes of these features are %s, not " SER_AXES_DEFAULT
                        " or time,channels",
                        where, first, axes);
    if (o->mask[2] > 0 && (o->mask[0] > l->bands || o->mask[1] > l->T))
        return ser_fail(e, SER_BAD, "%s: --mask: %g bands and %g frames of %d and %d", where,
                        o->mask[0], o->mask[1], l->bands, l->T);
    if (o->warp[0] > 0 && (!image || (type && strcmp(type, "mfcc") == 0)))
        return ser_fail(e, SER_BAD,
                        "%s: --warp: %s are no bands of a spectrum, which could be stretched: give "
                        "0:%g",
                        where, image ? "cepstral coefficients" : "channels", o->warp[1]);
    return o->gain > 0 || o->filter > 0 ? check_levels(t, image, e) : 0;
}

static int set_changes(struct ser_training *t, struct ser_error *e) {
    const struct ser_training_options *o = &t->o;
    const struct ser_input *in = &t->train.input;
    struct ser_changes *c = &t->changes;
    struct ser_variation_layout *l = &c->layout;
    *l = (struct ser_variation_layout){.A = 1, .T = 1, .C = 1};
    for (int i = 0; i < in->shape.rank; i++)
        *(i == in->time ? &l->T : i < in->time ? &l->A : &l->C) *= in->shape.dim[i];
    set_blocks(&t->train.recipe, l);
    c->mix = o->mixup;
    c->variation = (struct ser_variation){
        .warp_bands = o->warp[0] / 100,
        .warp_time = o->warp[1] / 100,
        .gain_db = o->gain,
        .filter_db = o->filter,
        .shift = (int)o->shift,
        .mask_bands = (int)o->mask[0],
        .mask_frames = (int)o->mask[1],
        .masks = (int)o->mask[2],
    };
    if (check_changes(t, l, e))
        return -1;
    if ((o->gain > 0 || o->filter > 0) && !(l->gain = gain_of(t, l)))
        return ser_no_memory(e);
    return 0;
}

/* ---- how often samples come ---- */

/* The group of sample i: its class, its corpus, or both. */
static size_t group_of(const struct ser_training *t, size_t i) {
    const struct ser_sample *s = &t->train.at[i];
    size_t class = (size_t)t->train.label[s->emotion], corpus = (size_t)s->corpus;
    return strcmp(t->o.balance, "class") == 0    ? class
           : strcmp(t->o.balance, "corpus") == 0 ? corpus
                                                 : corpus * (size_t)t->model.classes + class;
}

/* Each group that there is comes as often, and each sample of a group. */
static int set_balance(struct ser_training *t, struct ser_error *e) {
    size_t most = (size_t)t->train.corpora * (size_t)t->model.classes + (size_t)t->model.classes;
    double groups = 0;
    if (strcmp(t->o.balance, "none") == 0)
        return 0;
    size_t *count = calloc(most, sizeof *count);
    t->often = calloc(t->train.n, sizeof *t->often);
    if (!count || !t->often) {
        free(count);
        return ser_no_memory(e);
    }
    for (size_t i = 0; i < t->train.n; i++)
        groups += !count[group_of(t, i)]++;
    for (size_t i = 0; i < t->train.n; i++)
        t->often[i] = (double)t->train.n / (groups * (double)count[group_of(t, i)]);
    free(count);
    return 0;
}

/* What was read of the data failed as data, or else why says what did. */
static int fail_data(const struct ser_training *t, const char *why, struct ser_error *e) {
    if (!t->train.e.status)
        return ser_fail(e, ser_blame(), "%s", why);
    *e = t->train.e;
    return -1;
}

/* Masks set what is usual in the training data. */
static int set_masks(struct ser_training *t, const struct ser_data *train, struct ser_error *e) {
    struct ser_variation_layout *l = &t->changes.layout;
    char why[SER_WHY];
    float *mean = malloc((size_t)l->A * (size_t)l->C * sizeof *mean);
    if (!mean)
        return ser_no_memory(e);
    l->mean = mean;
    errno = 0;
    return ser_data_mean(train, l, mean, why) ? fail_data(t, why, e) : 0;
}

/* ---- networks ---- */

/* The text of a description, which the caller frees. */
static int read_net(const char *path, unsigned char **text, size_t *len, struct ser_error *e) {
    struct ser_in in;
    if (ser_in_open(&in, path, e))
        return -1;
    int failed = ser_in_rest(&in, MAX_NET, text, len, e);
    ser_in_close(&in);
    return failed;
}

int ser_net_read(struct ser_net **net, const char *path, const struct ser_input *input, int classes,
                 struct ser_error *e) {
    unsigned char *text;
    size_t len;
    char why[SER_WHY];
    if (read_net(path, &text, &len, e))
        return -1;
    errno = 0;
    *net = ser_net_build((char *)text, len, input, classes, why);
    int blame = ser_blame();
    free(text);
    return *net ? 0 : ser_fail(e, blame, "%s: %s", path, why);
}

static int open_net(struct ser_training *t, const char *net, struct ser_error *e) {
    unsigned char *text;
    size_t len;
    char **class;
    int classes;
    if (read_net(net, &text, &len, e))
        return -1;
    int failed = ser_dataset_classes(&t->train, &class, &classes, e);
    if (!failed) {
        failed = make_model(t, (char *)text, len, net, class, classes, e);
        free(class);
    }
    free(text);
    return failed;
}

int ser_training_open(struct ser_training *t, const struct ser_training_options *o,
                      char *const *files, const char *val, const char *net, struct ser_error *e) {
    *t = (struct ser_training){.o = *o};
    t->o.fit.schedule = schedule_of(o->schedule);
    t->o.fit.keep = keep_of(o->keep);
    if (ser_training_average(o->average, &t->o.fit))
        return ser_fail(e, SER_USAGE, "'%s' makes no average", o->average);
    t->o.kernels = ser_kernels_name(ser_kernels_find(o->kernels));
    if (o->init && ser_model_load(&t->init, o->init, e))
        return -1;
    return open_data(t, files, val, e) || open_net(t, net, e) || set_changes(t, e) ||
                   set_balance(t, e)
               ? -1
               : 0;
}

void ser_training_free(struct ser_training *t) {
    if (t->model.net)
        ser_fit_free(&t->fit, t->model.net);
    ser_model_free(&t->model);
    ser_dataset_free(&t->train);
    ser_dataset_free(&t->val);
    ser_attrs_clear(&t->identity);
    ser_model_free(&t->init);
    ser_soft_free(&t->soft);
    free(t->often);
    free((void *)t->changes.layout.mean);
    free((void *)t->changes.layout.gain);
    free(t->history);
}

/* ---- logs ---- */

/* A file is written anew after each epoch, with all epochs; standard output stays open and gets
 * only the epochs that it has not yet. */
static int write_log(const struct ser_training *t, const char *path,
                     void (*write)(struct ser_out *o, const struct ser_training *t, int first),
                     struct ser_error *e) {
    struct ser_out o;
    int goes_on = strcmp(path, "-") == 0;
    if (ser_out_open(&o, path, 0, e))
        return -1;
    write(&o, t, goes_on ? t->logged : 0);
    if (!goes_on)
        return ser_out_close(&o, e);
    int failed = ser_out_flush(&o, e);
    ser_out_abandon(&o);
    return failed;
}

/* Without validation data there are no figures of it. */
static int is_missing(const struct ser_training *t, const struct field *f) {
    return !t->val.n && strncmp(f->name, "val_", 4) == 0;
}

static void write_table(struct ser_out *o, const struct ser_training *t, int first) {
    for (int f = 0; f < LINE && !first; f++)
        ser_out_printf(o, "%s%c", line[f].name, f + 1 < LINE ? '\t' : '\n');
    for (int i = first; i < t->fit.epoch; i++)
        for (int f = 0; f < LINE; f++) {
            if (is_missing(t, &line[f]))
                ser_out_printf(o, "-");
            else
                ser_out_printf(o, "%.9g", number_of(&t->history[i], &line[f]));
            ser_out_printf(o, f + 1 < LINE ? "\t" : "\n");
        }
}

static void write_json(struct ser_out *o, const struct ser_training *t, int first) {
    for (int i = first; i < t->fit.epoch; i++) {
        for (int f = 0; f < LINE; f++)
            if (line[f].json && !is_missing(t, &line[f]))
                ser_out_printf(o, "%c\"%s\":%.9g", f ? ',' : '{', line[f].json,
                               number_of(&t->history[i], &line[f]));
        ser_out_printf(o, "}\n");
    }
}

static int write_logs(struct ser_training *t, struct ser_error *e) {
    if ((t->o.log && write_log(t, t->o.log, write_table, e)) ||
        (t->o.json && write_log(t, t->o.json, write_json, e)))
        return -1;
    t->logged = t->fit.epoch;
    return 0;
}

/* ---- the fit ---- */

static int keep_epoch(struct ser_training *t, const struct ser_epoch *h, struct ser_error *e) {
    if (ser_grow(&t->history, &t->history_cap, (size_t)t->fit.epoch, sizeof *t->history))
        return ser_no_memory(e);
    t->history[t->fit.epoch - 1] = *h;
    if (t->o.checkpoint && ser_checkpoint_save(t, t->o.checkpoint, e))
        return -1;
    return write_logs(t, e);
}

/* Called after each batch (h is NULL) and after each epoch (h is its line of the log). A value
 * other than 0 ends the fit. */
static int after(void *ctx, const struct ser_epoch *h, int b, int n) {
    struct ser_training *t = ctx;
    if (h && keep_epoch(t, h, &t->e))
        return 1;
    if (h && t->view->epoch)
        t->view->epoch(t->view->ctx, t, h);
    if (!h && t->view->batch)
        t->view->batch(t->view->ctx, b, n);
    return 0;
}

/* Balanced weights are samples / (classes * samples of the class), as scikit-learn has them. */
static void set_loss(const struct ser_training *t, struct ser_run *run) {
    struct ser_loss loss = {.smoothing = (float)t->o.label_smoothing,
                            .soft = t->soft.target,
                            .soft_weight = (float)t->o.soft_weight,
                            .samples = t->train.n};
    size_t count[SER_MAX_CLASSES];
    int K = t->model.classes, balanced = strcmp(t->o.class_weight, "balanced") == 0;
    ser_dataset_count(&t->train, count, K);
    for (int k = 0; k < K; k++)
        loss.weight[k] = balanced ? (float)t->train.n / ((float)K * (float)count[k]) : 1;
    ser_run_loss(run, &loss);
}

static int resume(struct ser_training *t, struct ser_error *e) {
    if (ser_checkpoint_load(t, t->o.checkpoint, e))
        return -1;
    if (t->fit.epoch > t->o.fit.epochs)
        return ser_fail(e, SER_BAD, "%s: is at epoch %d already, beyond --epochs %lld",
                        t->o.checkpoint, t->fit.epoch, (long long)t->o.fit.epochs);
    if (t->view->resumed)
        t->view->resumed(t->view->ctx, t);
    return write_logs(t, e);
}

static int start(struct ser_training *t, const struct ser_data *train, struct ser_error *e) {
    char why[SER_WHY];
    errno = 0;
    ser_net_init(t->model.net, (uint64_t)t->o.fit.seed);
    if (errno == ENOMEM)
        return ser_fail(e, SER_SYS, "cannot train: out of memory");
    if (ser_net_fit(t->model.net, train, why))
        return fail_data(t, why, e);
    begin_with(t);
    return 0;
}

/* Runs the fit, and writes the model that was kept whatever becomes of it. */
static int fit(struct ser_training *t, struct ser_run *run, struct ser_error *e) {
    char why[SER_WHY];
    struct ser_data train = ser_dataset_data(&t->train);
    const struct ser_data val = ser_dataset_data(&t->val);
    train.often = t->often;
    int resuming = t->o.resume && (access(t->o.checkpoint, F_OK) == 0 || errno != ENOENT);
    if (resuming ? resume(t, e) : start(t, &train, e))
        return -1;
    if (t->changes.variation.masks && set_masks(t, &train, e))
        return -1;
    if ((varies(&t->o) || t->changes.mix > 0) && ser_run_change(run, &t->changes))
        return ser_no_memory(e);
    errno = 0;
    int failed = ser_fit_run(&t->fit, t->model.net, run, &train, &val, &t->o.fit, after, t, why);
    int blame = ser_blame();
    if (t->fit.best_epoch && ser_model_save(&t->model, t->fit.best, t->o.output, e))
        return -1;
    if (failed)
        ser_fail(e, blame, "%s; %s", why,
                 t->fit.best_epoch ? "the best model so far was written" : "no model was written");
    const struct ser_error *inner[] = {&t->e, &t->train.e, &t->val.e};
    for (int i = 2; i >= 0; i--)
        if (inner[i]->status)
            failed = ser_fail(e, inner[i]->status, "%s; %s", inner[i]->text,
                              t->fit.best_epoch ? "the best model so far was written"
                                                : "no model was written");
    return failed;
}

int ser_training_run(struct ser_training *t, const struct ser_training_view *view,
                     struct ser_error *e) {
    char why[SER_WHY];
    struct ser_net *net = t->model.net;
    t->view = view;
    struct ser_run *run = ser_run_new(net, ser_kernels_find(t->o.kernels), (int)t->o.fit.batch,
                                      (int)t->o.threads, 1, why);
    if (!run)
        return ser_fail(e, SER_SYS, "cannot train: %s", why);
    int failed;
    if (ser_fit_new(&t->fit, net, &t->o.fit)) {
        failed = ser_fail(e, SER_SYS, "cannot train: out of memory");
    } else {
        set_loss(t, run);
        failed = fit(t, run, e);
    }
    ser_run_free(run);
    return failed;
}

/* ---- checkpoints ---- */

/* The best values so far start at infinity, which a stream cannot hold: 1e300 stands for it. */
static double bounded(double v) {
    return v > 1e300 ? 1e300 : v < -1e300 ? -1e300 : v;
}

/* Writes the n fields f of each of rows structures, which are stride bytes apart, as a record
 * f64 [rows, n]. */
static int put_numbers(struct ser_writer *w, const char *key, const void *base, size_t rows,
                       size_t stride, const struct field *f, size_t n, struct ser_error *e) {
    struct ser_record rec = {0};
    const uint64_t dim[2] = {rows, n};
    int failed = ser_record_set(&rec, key, SER_F64, 2, dim, e);
    double *v = rec.data;
    for (size_t i = 0; i < rows && !failed; i++)
        for (size_t k = 0; k < n; k++)
            *v++ = bounded(number_of((const char *)base + i * stride, &f[k]));
    failed = failed || ser_writer_put(w, &rec, e);
    ser_record_free(&rec);
    return failed ? -1 : 0;
}

static int put_checkpoint(const struct ser_training *t, struct ser_writer *w, struct ser_error *e) {
    const struct ser_net *net = t->model.net;
    const struct ser_fit *fit = &t->fit;
    return ser_net_put(w, net, e) ||
           put_numbers(w, "state", fit, 1, sizeof *fit, state, STATE, e) ||
           put_numbers(w, "log", t->history, (size_t)fit->epoch, sizeof *t->history, line, LINE,
                       e) ||
           ser_params_put(w, "now/", net, NULL, e) ||
           ser_params_put(w, "best/", net, fit->best, e) ||
           ser_params_put(w, "adam.m/", net, fit->adam.m, e) ||
           ser_params_put(w, "adam.v/", net, fit->adam.v, e) ||
           (fit->average && ser_params_put(w, "average/", net, fit->average, e));
}

int ser_checkpoint_save(const struct ser_training *t, const char *path, struct ser_error *e) {
    struct ser_writer w;
    struct ser_attrs a = {0};
    ser_attrs_copy(&a, &t->identity);
    ser_attr_set(&a, "kind", "checkpoint");
    int failed = ser_writer_open(&w, path, &a, e);
    ser_attrs_clear(&a);
    if (failed)
        return -1;
    if (!put_checkpoint(t, &w, e))
        return ser_writer_close(&w, e);
    ser_writer_abandon(&w);
    return -1;
}

static int take_numbers(struct ser_reader *r, struct ser_record *rec, const char *key, int rows,
                        int per, struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    if (got < 0)
        return -1;
    if (!got || strcmp(rec->key, key) != 0 || rec->type != SER_F64 || rec->rank != 2 ||
        rec->dim[0] != (uint64_t)rows || rec->dim[1] != (uint64_t)per)
        return ser_fail(e, SER_BAD,
                        "%s: is not a checkpoint: its record '%s' is missing or has another shape",
                        r->in.name, key);
    return 0;
}

static int is_count(double v, double max) {
    return v >= 0 && v <= max && v == (double)(int64_t)v;
}

static int take_state(struct ser_reader *r, struct ser_record *rec, struct ser_fit *fit,
                      struct ser_error *e) {
    struct ser_fit f = {0};
    if (take_numbers(r, rec, "state", 1, STATE, e))
        return -1;
    const double *v = rec->data;
    int whole = 1;
    for (int i = 0; i < STATE; i++)
        whole &= state[i].type == REAL || is_count(v[i], state[i].type == UINT64 ? 1e15 : 1e6);
    for (int i = 0; i < STATE && whole; i++)
        set_number(&f, &state[i], v[i]);
    if (!whole || f.epoch < 1 || f.best_epoch < 1 || f.best_epoch > f.epoch || f.wait > f.epoch ||
        f.plateau_wait > f.epoch || f.stopped > 1 || f.adam.steps < (uint64_t)f.epoch)
        return ser_reader_fail(r, rec, e, "holds counters that are out of range");
    if (f.lr < 0 || f.lr > 10)
        return ser_reader_fail(r, rec, e, "holds a learning rate of %g, not 0..10", f.lr);
    for (int i = 0; i < STATE; i++)
        set_number(fit, &state[i], v[i]);
    return 0;
}

static int take_history(struct ser_training *t, struct ser_reader *r, struct ser_record *rec,
                        struct ser_error *e) {
    size_t epochs = (size_t)t->fit.epoch;
    if (take_numbers(r, rec, "log", t->fit.epoch, LINE, e))
        return rec->rank == 2 && rec->dim[1] == LINE - 1 /* without val_recall */
                   ? ser_fail(e, SER_BAD,
                              "%s: checkpoint of an older ser-train: remove it, and train anew",
                              r->in.name)
                   : -1;
    if (ser_grow(&t->history, &t->history_cap, epochs, sizeof *t->history))
        return ser_no_memory(e);
    const double *v = rec->data;
    for (size_t i = 0; i < epochs; i++, v += LINE) {
        struct ser_epoch h = {0};
        for (int f = 0; f < LINE; f++) {
            if (line[f].type == INT && !is_count(v[f], f ? 1 : 1e6))
                return ser_reader_fail(r, rec, e, "row %zu is not a row of a log", i + 1);
            set_number(&h, &line[f], v[f]);
        }
        if (h.epoch != (int)i + 1)
            return ser_reader_fail(r, rec, e, "row %zu is not a row of a log", i + 1);
        t->history[i] = h;
    }
    return 0;
}

/* Kernels may have been called by another word when the checkpoint was written. */
static void rename_kernels(struct ser_attrs *header) {
    const char *name = ser_attr(header, "train.kernels");
    const struct ser_kernels *k = name ? ser_kernels_find(name) : NULL;
    if (k)
        ser_attr_set(header, "train.kernels", ser_kernels_name(k));
}

static int same_training(const struct ser_reader *r, const struct ser_attrs *identity,
                         struct ser_error *e) {
    static const char *const prefix[] = {"feat.", "train.", "classes"};
    const char *key = NULL;
    for (int i = 0; i < 3 && !key; i++)
        key = ser_attrs_differ(identity, &r->header, prefix[i]);
    if (!key)
        return 0;
    const char *want = ser_attr(identity, key), *got = ser_attr(&r->header, key);
    return ser_fail(
        e, SER_BAD,
        "%s: checkpoint of another training: %s is %s there, but %s now: remove it, or train with "
        "the same data and options as before",
        r->in.name, key, got ? got : "unset", want ? want : "unset");
}

static int take_checkpoint(struct ser_training *t, struct ser_reader *r, struct ser_record *rec,
                           struct ser_error *e) {
    const struct ser_net *net = t->model.net;
    struct ser_fit *fit = &t->fit;
    int got = ser_reader_next(r, rec, e);
    if (got < 0)
        return -1;
    if (!got || rec->type != SER_U8 || rec->bytes != strlen(net->text) ||
        memcmp(rec->data, net->text, rec->bytes) != 0)
        return ser_fail(e, SER_BAD,
                        "%s: checkpoint of another network: remove it, or give the same --net",
                        r->in.name);
    return take_state(r, rec, fit, e) || take_history(t, r, rec, e) ||
           ser_params_take(r, rec, "now/", net, NULL, e) ||
           ser_params_take(r, rec, "best/", net, fit->best, e) ||
           ser_params_take(r, rec, "adam.m/", net, fit->adam.m, e) ||
           ser_params_take(r, rec, "adam.v/", net, fit->adam.v, e) ||
           (fit->average && ser_params_take(r, rec, "average/", net, fit->average, e)) ||
           ser_params_end(r, rec, e);
}

int ser_checkpoint_load(struct ser_training *t, const char *path, struct ser_error *e) {
    struct ser_reader r;
    struct ser_record rec = {0};
    if (ser_reader_open(&r, path, "checkpoint", e))
        return -1;
    rename_kernels(&r.header);
    int failed = ser_attrs_check(&r.header, path, e) || same_training(&r, &t->identity, e) ||
                 take_checkpoint(t, &r, &rec, e);
    ser_record_free(&rec);
    ser_reader_close(&r);
    return failed ? -1 : 0;
}
