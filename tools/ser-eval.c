/* ser-eval - how good predictions are: scores, confusion, groups, calibration, intervals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "opt.h"
#include "set.h"
#include "tsv.h"

enum { MAX_CLASSES = 256, REJECT_STEPS = 10 };

static struct {
    const char *output, *against;
    int64_t draws, seed;
    int tsv, json;
} opt = {.draws = 2000, .seed = 1};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'t', "tsv", SER_OPT_FLAG, &opt.tsv, 0, 0, NULL, "one figure a row"},
    {'J', "json", SER_OPT_FLAG, &opt.json, 0, 0, NULL, "one JSON object"},
    {'a', "against", SER_OPT_TEXT, &opt.against, 0, 0, "FILE", "compare with these predictions"},
    {0, "draws", SER_OPT_INT, &opt.draws, 100, 1000000, "N", "of the bootstrap over speakers"},
    {0, "seed", SER_OPT_INT, &opt.seed, 0, 9e15, "N", "of the bootstrap"},
    {0}};

static const struct ser_tool tool = {
    "[FILE...]", "Evaluates predictions (files of ser-score, or standard input).", options,
    "Several files (folds, seeds) are scored each, with mean, deviation, and pooled."};

/* ---- data ---- */

enum { SPEAKER, CORPUS, SEX, GROUPS };
static const char *const group_name[GROUPS] = {"speaker", "corpus", "sex"};

/* One utterance. Its texts lie in the evaluation's sets. */
struct row {
    const char *id, *truth, *predicted, *group[GROUPS]; /* a group is "-" where it is unknown */
    double *p; /* [columns of the file named p_CLASS], owned */
};

/* One file of predictions, or all of them pooled. */
struct predictions {
    const char *name;
    size_t n, cap;
    struct row *row;
    int columns; /* p_CLASS, none: 0 */
    char **column;
    int *truth, *predicted; /* [n] classes */
    size_t *confusion;      /* [K,K] */
    struct ser_scores scores;
};

struct evaluation {
    int files;
    struct predictions *file; /* [files] */
    struct predictions all;   /* their rows; p has K columns or is absent */
    struct ser_set texts;     /* what rows point to */
    struct ser_set classes;
    int K;
    char **class; /* [K] in byte order */

    struct ser_class_score *per_class; /* [K] */
    int intervals;                     /* there are speakers enough for them */
    struct ser_interval wa, ua, macro_f1;
    int calibrated; /* there are probabilities */
    struct ser_calibration calibration;
    struct ser_bin bin[SER_BINS];
    double reject[REJECT_STEPS];
};

/* The text as the set has it. */
static const char *keep(struct ser_set *set, const char *text) {
    ser_set_add(set, text);
    return ser_set_get(set, text);
}

static int is_class(const char *s) {
    return *s && strcmp(s, "-") != 0 && ser_is_text(s, strlen(s));
}

/* Notes the columns p_CLASS of a table; returns their indices, which the caller frees. */
static int *find_probabilities(struct evaluation *v, struct predictions *f,
                               const struct ser_tsv *t) {
    int *at = ecalloc((size_t)t->columns, sizeof *at);
    f->column = ecalloc((size_t)t->columns, sizeof *f->column);
    for (int i = 0; i < t->columns; i++)
        if (strncmp(t->name[i], "p_", 2) == 0 && is_class(t->name[i] + 2)) {
            ser_set_add(&v->classes, t->name[i] + 2);
            f->column[f->columns] = estrdup(t->name[i] + 2);
            at[f->columns++] = i;
        }
    return at;
}

static void read_row(struct evaluation *v, struct predictions *f, const struct ser_tsv *t,
                     const int need[3], const int group[GROUPS], const int *p) {
    struct ser_error e;
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 1024;
        f->row = erealloc(f->row, f->cap, sizeof *f->row);
    }
    struct row *r = &f->row[f->n++];
    ser_set_add(&v->classes, t->field[need[1]]);
    ser_set_add(&v->classes, t->field[need[2]]);
    r->id = keep(&v->texts, t->field[need[0]]);
    r->truth = keep(&v->texts, t->field[need[1]]);
    r->predicted = keep(&v->texts, t->field[need[2]]);
    for (int g = 0; g < GROUPS; g++)
        r->group[g] = keep(&v->texts, group[g] < 0 ? "-" : t->field[group[g]]);
    r->p = f->columns ? ecalloc((size_t)f->columns, sizeof *r->p) : NULL;
    for (int i = 0; i < f->columns; i++)
        if (ser_parse_real(t->field[p[i]], 0, 1, &r->p[i])) {
            ser_tsv_fail(t, &e, "p_%s is no probability: '%.60s'", f->column[i], t->field[p[i]]);
            die_error(&e);
        }
}

static int has_column(const struct predictions *f, const char *class) {
    int c = 0;
    while (c < f->columns && strcmp(f->column[c], class) != 0)
        c++;
    return c < f->columns;
}

static void read_rows(struct evaluation *v, struct predictions *f, struct ser_tsv *t) {
    struct ser_error e;
    struct ser_set ids = {0};
    size_t unknown = 0;
    int got;
    const int need[3] = {ser_tsv_need(t, "id", &e), ser_tsv_need(t, "emotion", &e),
                         ser_tsv_need(t, "predicted", &e)};
    if (need[0] < 0 || need[1] < 0 || need[2] < 0)
        die_error(&e);
    int group[GROUPS], *p = find_probabilities(v, f, t);
    for (int g = 0; g < GROUPS; g++)
        group[g] = ser_tsv_column(t, group_name[g]);
    while ((got = ser_tsv_next(t, &e)) > 0) {
        const char *truth = t->field[need[1]];
        if (!ser_set_add(&ids, t->field[need[0]]))
            got = ser_tsv_fail(t, &e, "the id '%.200s' comes twice", t->field[need[0]]);
        else if (!is_class(t->field[need[2]]) || (!is_class(truth) && strcmp(truth, "-") != 0))
            got = ser_tsv_fail(t, &e, "emotion or predicted is empty or not UTF-8 text");
        else if (f->columns && !has_column(f, t->field[need[2]]))
            got = ser_tsv_fail(t, &e, "predicted is '%.100s', but there is no column p_%.100s",
                               t->field[need[2]], t->field[need[2]]);
        else if (v->classes.n > MAX_CLASSES)
            got = ser_tsv_fail(t, &e, "more than %d classes: not predictions", MAX_CLASSES);
        if (got < 0)
            die_error(&e);
        if (strcmp(truth, "-") == 0)
            unknown++;
        else
            read_row(v, f, t, need, group, p);
    }
    if (got < 0)
        die_error(&e);
    if (unknown)
        warn("%s: %zu utterances of unknown emotion are left out", f->name, unknown);
    if (!f->n)
        die(SER_BAD, "%s: no utterance of known emotion: nothing to evaluate", f->name);
    ser_set_free(&ids);
    free(p);
}

static void read_file(struct evaluation *v, struct predictions *f, const char *path) {
    struct ser_tsv t;
    struct ser_error e;
    if (ser_tsv_open(&t, path, &e))
        die_error(&e);
    f->name = t.in.name;
    read_rows(v, f, &t);
    ser_tsv_close(&t);
}

static void free_predictions(struct predictions *f) {
    for (size_t i = 0; i < f->n; i++)
        free(f->row[i].p);
    for (int i = 0; i < f->columns; i++)
        free(f->column[i]);
    free(f->column);
    free(f->row);
    free(f->truth);
    free(f->predicted);
    free(f->confusion);
}

/* ---- scoring ---- */

static int by_name(const void *key, const void *at) {
    return strcmp(key, *(char *const *)at);
}

static int class_of(const struct evaluation *v, const char *name) {
    char **at = bsearch(name, v->class, (size_t)v->K, sizeof *v->class, by_name);
    return (int)(at - v->class);
}

static void score(const struct evaluation *v, struct predictions *f) {
    f->truth = ecalloc(f->n, sizeof *f->truth);
    f->predicted = ecalloc(f->n, sizeof *f->predicted);
    f->confusion = ecalloc((size_t)v->K * (size_t)v->K, sizeof *f->confusion);
    for (size_t i = 0; i < f->n; i++) {
        f->truth[i] = class_of(v, f->row[i].truth);
        f->predicted[i] = class_of(v, f->row[i].predicted);
        f->confusion[f->truth[i] * v->K + f->predicted[i]]++;
    }
    f->scores = ser_score_confusion(f->confusion, v->K, NULL);
}

/* All rows in one, with probabilities in the order of the classes where every file has them; a
 * class that a file does not know has probability 0. */
static void pool(struct evaluation *v) {
    struct predictions *all = &v->all;
    int known = 1;
    for (int f = 0; f < v->files; f++) {
        all->cap += v->file[f].n;
        known &= v->file[f].columns > 0;
    }
    all->name = "pooled";
    all->row = ecalloc(all->cap, sizeof *all->row);
    for (int f = 0; f < v->files; f++)
        for (size_t i = 0; i < v->file[f].n; i++) {
            const struct row *from = &v->file[f].row[i];
            struct row *to = &all->row[all->n++];
            *to = *from;
            to->p = known ? ecalloc((size_t)v->K, sizeof *to->p) : NULL;
            for (int c = 0; known && c < v->file[f].columns; c++)
                to->p[class_of(v, v->file[f].column[c])] = from->p[c];
        }
    v->calibrated = known;
}

static void calibrate(struct evaluation *v) {
    const struct predictions *all = &v->all;
    double *p = ecalloc(all->n, (size_t)v->K * sizeof *p);
    double *confidence = ecalloc(all->n, sizeof *confidence);
    for (size_t i = 0; i < all->n; i++) {
        memcpy(p + i * (size_t)v->K, all->row[i].p, (size_t)v->K * sizeof *p);
        confidence[i] = all->row[i].p[all->predicted[i]];
    }
    v->calibration = ser_calibrate(p, all->truth, all->predicted, all->n, v->K, v->bin);
    if (ser_reject_curve(confidence, all->truth, all->predicted, all->n, REJECT_STEPS, v->reject))
        die(SER_SYS, "out of memory");
    free(confidence);
    free(p);
}

/* The members of a group in byte order, and the confusion of each, [members][K,K]; the caller frees
 * both. */
static char **split_by(const struct evaluation *v, const struct predictions *f, int g,
                       size_t *members, size_t **confusion) {
    struct ser_set set = {0};
    for (size_t i = 0; i < f->n; i++)
        ser_set_add(&set, f->row[i].group[g]);
    char **name = ser_set_sorted(&set);
    size_t cells = (size_t)v->K * (size_t)v->K;
    *members = set.n;
    *confusion = ecalloc(set.n, cells * sizeof **confusion);
    for (size_t i = 0; i < f->n; i++) {
        char **at = bsearch(f->row[i].group[g], name, set.n, sizeof *name, by_name);
        (*confusion)[(size_t)(at - name) * cells +
                     (size_t)(f->truth[i] * v->K + f->predicted[i])]++;
    }
    for (size_t i = 0; i < set.n; i++) /* the set's own texts end with it */
        name[i] = (char *)ser_set_get(&v->texts, name[i]);
    ser_set_free(&set);
    return name;
}

static void find_intervals(struct evaluation *v) {
    size_t speakers, *confusion;
    char **name = split_by(v, &v->all, SPEAKER, &speakers, &confusion);
    v->intervals = speakers >= SER_MIN_SPEAKERS;
    if (v->intervals && ser_bootstrap(confusion, NULL, speakers, v->K, (int)opt.draws,
                                      (uint64_t)opt.seed, &v->wa, &v->ua, &v->macro_f1))
        die(SER_SYS, "out of memory");
    free(name);
    free(confusion);
}

static void evaluate(struct evaluation *v) {
    v->K = (int)v->classes.n;
    v->class = ser_set_sorted(&v->classes);
    for (int f = 0; f < v->files; f++)
        score(v, &v->file[f]);
    pool(v);
    score(v, &v->all);
    v->per_class = ecalloc((size_t)v->K, sizeof *v->per_class);
    v->all.scores = ser_score_confusion(v->all.confusion, v->K, v->per_class);
    find_intervals(v);
    if (v->calibrated)
        calibrate(v);
}

/* ---- the figures by name, for all forms of output ---- */

static const struct figure {
    const char *name, *title;
    size_t offset;
} figures[] = {
    {"wa", "accuracy (WA)", offsetof(struct ser_scores, wa)},
    {"ua", "unweighted recall (UA)", offsetof(struct ser_scores, ua)},
    {"macro_f1", "macro F1", offsetof(struct ser_scores, macro_f1)},
    {"weighted_f1", "weighted F1", offsetof(struct ser_scores, weighted_f1)},
};
enum { FIGURES = sizeof figures / sizeof *figures };

static double figure(const struct ser_scores *s, int i) {
    double value;
    memcpy(&value, (const char *)s + figures[i].offset, sizeof value);
    return value;
}

/* The interval of figure i, NULL where there is none. */
static const struct ser_interval *interval(const struct evaluation *v, int i) {
    const struct ser_interval *const of[FIGURES] = {&v->wa, &v->ua, &v->macro_f1, NULL};
    return v->intervals ? of[i] : NULL;
}

static const struct measure {
    const char *name, *title;
    size_t offset;
} measures[] = {
    {"top2", "top-2 accuracy", offsetof(struct ser_calibration, top2)},
    {"log_loss", "log loss", offsetof(struct ser_calibration, log_loss)},
    {"brier", "Brier score", offsetof(struct ser_calibration, brier)},
    {"ece", "calibration error (ECE)", offsetof(struct ser_calibration, ece)},
};
enum { MEASURES = sizeof measures / sizeof *measures };

static double measure(const struct ser_calibration *c, int i) {
    double value;
    memcpy(&value, (const char *)c + measures[i].offset, sizeof value);
    return value;
}

static void over_files(const struct evaluation *v, int i, double *mean, double *deviation) {
    double *value = ecalloc((size_t)v->files, sizeof *value);
    for (int f = 0; f < v->files; f++)
        value[f] = figure(&v->file[f].scores, i);
    ser_mean_deviation(value, (size_t)v->files, mean, deviation);
    free(value);
}

/* ---- text ---- */

static void print_confusion(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "\n%-12s predicted\n%-12s", "truth", "");
    for (int c = 0; c < v->K; c++)
        ser_out_printf(o, " %9.9s", v->class[c]);
    ser_out_printf(o, "\n");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, "%-12s", v->class[c]);
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, " %9zu", v->all.confusion[c * v->K + k]);
        ser_out_printf(o, "\n");
    }
}

static void print_groups(const struct evaluation *v, int g, struct ser_out *o) {
    size_t n, *confusion;
    char **name = split_by(v, &v->all, g, &n, &confusion);
    if (n > 1 || strcmp(name[0], "-") != 0)
        ser_out_printf(o, "\n%-24s%10s%10s%10s%10s\n", group_name[g], "WA", "UA", "macro F1", "n");
    for (size_t i = 0; i < n && (n > 1 || strcmp(name[0], "-") != 0); i++) {
        struct ser_scores s =
            ser_score_confusion(confusion + i * (size_t)v->K * (size_t)v->K, v->K, NULL);
        ser_out_printf(o, "%-24s%10.4f%10.4f%10.4f%10zu\n", name[i], s.wa, s.ua, s.macro_f1, s.n);
    }
    free(name);
    free(confusion);
}

static void print_calibration(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "\n%-14s%12s%10s%10s\n", "confidence", "mean", "accuracy", "n");
    for (int i = 0; i < SER_BINS; i++)
        if (v->bin[i].n)
            ser_out_printf(o, "%.1f to %.1f    %12.4f%10.4f%10zu\n", (double)i / SER_BINS,
                           (double)(i + 1) / SER_BINS, v->bin[i].confidence, v->bin[i].accuracy,
                           v->bin[i].n);
    ser_out_printf(o, "\nrejected, the least confident first\n");
    for (int i = 0; i < REJECT_STEPS; i++)
        ser_out_printf(o, "%2d %%  accuracy of the rest %.4f\n", 100 * i / REJECT_STEPS,
                       v->reject[i]);
}

static void print_files(const struct evaluation *v, struct ser_out *o) {
    double mean, deviation;
    ser_out_printf(o, "\n%10s%10s%10s%12s%8s  file\n", "WA", "UA", "macro F1", "weighted F1", "n");
    for (int f = 0; f < v->files; f++) {
        const struct ser_scores *s = &v->file[f].scores;
        ser_out_printf(o, "%10.4f%10.4f%10.4f%12.4f%8zu  %s\n", s->wa, s->ua, s->macro_f1,
                       s->weighted_f1, s->n, v->file[f].name);
    }
    for (int i = 0; i < FIGURES; i++) {
        over_files(v, i, &mean, &deviation);
        ser_out_printf(o, "%-24s mean %.4f, deviation %.4f over %d files\n", figures[i].title, mean,
                       deviation, v->files);
    }
}

static void print_text(const struct evaluation *v, struct ser_out *o) {
    for (int i = 0; i < FIGURES; i++) {
        const struct ser_interval *in = interval(v, i);
        ser_out_printf(o, "%-24s %.4f", figures[i].title, figure(&v->all.scores, i));
        if (in)
            ser_out_printf(o, "  (95 %%: %.4f to %.4f)", in->low, in->high);
        ser_out_printf(o, i < 3 && !in ? "  (95 %%: n/a)\n" : "\n");
    }
    for (int i = 0; v->calibrated && i < MEASURES; i++)
        ser_out_printf(o, "%-24s %.4f\n", measures[i].title, measure(&v->calibration, i));
    ser_out_printf(o, "%-24s %zu\n\n%-12s%10s%10s%10s%10s\n", "utterances", v->all.n, "class",
                   "precision", "recall", "F1", "support");
    for (int c = 0; c < v->K; c++)
        ser_out_printf(o, "%-12s%10.4f%10.4f%10.4f%10zu\n", v->class[c],
                       v -> per_class[c].precision, v->per_class[c].recall, v->per_class[c].f1,
                       v->per_class[c].support);
    print_confusion(v, o);
    for (int g = GROUPS - 1; g >= 0; g--)
        print_groups(v, g, o);
    if (v->calibrated)
        print_calibration(v, o);
    if (v->files > 1)
        print_files(v, o);
}

/* ---- TSV ---- */

/* One figure; class and predicted are NULL where they say nothing. */
static void tsv(struct ser_out *o, const char *file, const char *name, const char *class,
                const char *predicted, double value) {
    ser_out_printf(o, "%s\t%s\t%s\t%s\t%.17g\n", file, name, class ? class : "-",
                   predicted ? predicted : "-", value);
}

static void tsv_scores(struct ser_out *o, const char *file, const char *class,
                       const struct ser_scores *s) {
    tsv(o, file, "n", class, NULL, (double)s->n);
    for (int i = 0; i < FIGURES; i++)
        tsv(o, file, figures[i].name, class, NULL, figure(s, i));
}

static void tsv_groups(const struct evaluation *v, int g, struct ser_out *o) {
    size_t n, *confusion;
    char **name = split_by(v, &v->all, g, &n, &confusion);
    for (size_t i = 0; i < n; i++) {
        struct ser_scores s =
            ser_score_confusion(confusion + i * (size_t)v->K * (size_t)v->K, v->K, NULL);
        tsv_scores(o, group_name[g], name[i], &s);
    }
    free(name);
    free(confusion);
}

static void tsv_calibration(const struct evaluation *v, struct ser_out *o) {
    char name[32];
    for (int i = 0; i < MEASURES; i++)
        tsv(o, "pooled", measures[i].name, NULL, NULL, measure(&v->calibration, i));
    for (int i = 0; i < SER_BINS; i++) {
        snprintf(name, sizeof name, "%.1f", (double)(i + 1) / SER_BINS);
        tsv(o, "pooled", "bin_n", name, NULL, (double)v->bin[i].n);
        tsv(o, "pooled", "bin_confidence", name, NULL, v->bin[i].confidence);
        tsv(o, "pooled", "bin_accuracy", name, NULL, v->bin[i].accuracy);
    }
    for (int i = 0; i < REJECT_STEPS; i++) {
        snprintf(name, sizeof name, "%d", 100 * i / REJECT_STEPS);
        tsv(o, "pooled", "accuracy_rejecting", name, NULL, v->reject[i]);
    }
}

static void print_tsv(const struct evaluation *v, struct ser_out *o) {
    char name[32];
    ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
    for (int f = 0; f < v->files; f++)
        tsv_scores(o, v->file[f].name, NULL, &v->file[f].scores);
    tsv_scores(o, "pooled", NULL, &v->all.scores);
    for (int i = 0; i < FIGURES; i++) {
        double mean, deviation;
        over_files(v, i, &mean, &deviation);
        tsv(o, "mean", figures[i].name, NULL, NULL, mean);
        tsv(o, "deviation", figures[i].name, NULL, NULL, deviation);
        const struct ser_interval *in = interval(v, i);
        snprintf(name, sizeof name, "%s_low", figures[i].name);
        if (in)
            tsv(o, "pooled", name, NULL, NULL, in->low);
        snprintf(name, sizeof name, "%s_high", figures[i].name);
        if (in)
            tsv(o, "pooled", name, NULL, NULL, in->high);
    }
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *k = &v->per_class[c];
        tsv(o, "pooled", "precision", v->class[c], NULL, k -> precision);
        tsv(o, "pooled", "recall", v->class[c], NULL, k -> recall);
        tsv(o, "pooled", "f1", v->class[c], NULL, k -> f1);
        tsv(o, "pooled", "support", v->class[c], NULL, (double)k -> support);
    }
    for (int c = 0; c < v->K; c++)
        for (int k = 0; k < v->K; k++)
            tsv(o, "pooled", "confusion", v->class[c], v -> class[k],
                (double)v -> all.confusion[c * v->K + k]);
    for (int g = 0; g < GROUPS; g++)
        tsv_groups(v, g, o);
    if (v->calibrated)
        tsv_calibration(v, o);
}

/* ---- JSON ---- */

static void json_text(struct ser_out *o, const char *s) {
    int text = ser_is_text(s, strlen(s));
    ser_out_printf(o, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            ser_out_printf(o, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (!text && c >= 0x80))
            ser_out_printf(o, "\\u%04x", c);
        else
            ser_out_write(o, s, 1);
    }
    ser_out_printf(o, "\"");
}

static void json_scores(struct ser_out *o, const struct ser_scores *s) {
    for (int i = 0; i < FIGURES; i++)
        ser_out_printf(o, "\"%s\":%.17g,", figures[i].name, figure(s, i));
    ser_out_printf(o, "\"n\":%zu", s->n);
}

static void json_classes(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, ",\n\"classes\":[");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, c ? "," : "");
        json_text(o, v->class[c]);
    }
    ser_out_printf(o, "],\n\"confusion\":[");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, c ? ",[" : "[");
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, "%s%zu", k ? "," : "", v->all.confusion[c * v->K + k]);
        ser_out_printf(o, "]");
    }
    ser_out_printf(o, "],\n\"per_class\":{");
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *k = &v->per_class[c];
        ser_out_printf(o, c ? ",\n" : "\n");
        json_text(o, v->class[c]);
        ser_out_printf(o, ":{\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%zu}",
                       k->precision, k->recall, k->f1, k->support);
    }
    ser_out_printf(o, "}");
}

static void json_groups(const struct evaluation *v, int g, struct ser_out *o) {
    size_t n, *confusion;
    char **name = split_by(v, &v->all, g, &n, &confusion);
    ser_out_printf(o, ",\n\"per_%s\":{", group_name[g]);
    for (size_t i = 0; i < n; i++) {
        struct ser_scores s =
            ser_score_confusion(confusion + i * (size_t)v->K * (size_t)v->K, v->K, NULL);
        ser_out_printf(o, i ? ",\n" : "\n");
        json_text(o, name[i]);
        ser_out_printf(o, ":{");
        json_scores(o, &s);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "}");
    free(name);
    free(confusion);
}

static void json_calibration(const struct evaluation *v, struct ser_out *o) {
    for (int i = 0; i < MEASURES; i++)
        ser_out_printf(o, ",\n\"%s\":%.17g", measures[i].name, measure(&v->calibration, i));
    ser_out_printf(o, ",\n\"reliability\":[");
    for (int i = 0; i < SER_BINS; i++)
        ser_out_printf(o, "%s{\"upto\":%.1f,\"confidence\":%.17g,\"accuracy\":%.17g,\"n\":%zu}",
                       i ? ",\n" : "\n", (double)(i + 1) / SER_BINS, v->bin[i].confidence,
                       v->bin[i].accuracy, v->bin[i].n);
    ser_out_printf(o, "],\n\"accuracy_rejecting\":[");
    for (int i = 0; i < REJECT_STEPS; i++)
        ser_out_printf(o, "%s%.17g", i ? "," : "", v->reject[i]);
    ser_out_printf(o, "]");
}

static void json_files(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, ",\n\"files\":[");
    for (int f = 0; f < v->files; f++) {
        ser_out_printf(o, f ? ",\n{\"file\":" : "\n{\"file\":");
        json_text(o, v->file[f].name);
        ser_out_printf(o, ",");
        json_scores(o, &v->file[f].scores);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "],\n\"over_files\":{");
    for (int i = 0; i < FIGURES; i++) {
        double mean, deviation;
        over_files(v, i, &mean, &deviation);
        ser_out_printf(o, "%s\"%s\":{\"mean\":%.17g,\"deviation\":%.17g}", i ? "," : "",
                       figures[i].name, mean, deviation);
    }
    ser_out_printf(o, "}");
}

static void print_json(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "{");
    json_scores(o, &v->all.scores);
    for (int i = 0; i < FIGURES; i++) {
        const struct ser_interval *in = interval(v, i);
        if (in)
            ser_out_printf(o, ",\n\"%s_interval\":[%.17g,%.17g]", figures[i].name, in->low,
                           in->high);
    }
    json_classes(v, o);
    for (int g = 0; g < GROUPS; g++)
        json_groups(v, g, o);
    if (v->calibrated)
        json_calibration(v, o);
    json_files(v, o);
    ser_out_printf(o, "}\n");
}

/* ---- comparison of two systems on the same utterances ---- */

static int by_id(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static void must_agree(const struct predictions *a, const struct predictions *b) {
    if (a->n != b->n)
        die(SER_BAD, "%s: %zu utterances, %s has %zu: a comparison needs the same ones", b->name,
            b->n, a->name, a->n);
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->row[i].id, b->row[i].id) != 0)
            die(SER_BAD, "%s: has no utterance %.200s, which %s has", b->name, a->row[i].id,
                a->name);
        if (strcmp(a->row[i].truth, b->row[i].truth) != 0 ||
            strcmp(a->row[i].group[SPEAKER], b->row[i].group[SPEAKER]) != 0)
            die(SER_BAD, "%s: utterance %.200s has another emotion or speaker than in %s", b->name,
                a->row[i].id, a->name);
    }
}

struct comparison {
    double difference[3]; /* of wa, ua, macro_f1: first - second */
    int intervals;
    struct ser_interval interval[3];
    size_t only_first, only_second; /* right */
    double p;                       /* McNemar */
};

static struct comparison compare(const struct evaluation *v) {
    struct predictions *a = &v->file[0], *b = &v->file[1];
    struct comparison c = {0};
    size_t speakers, *first, *second;
    for (int i = 0; i < 3; i++)
        c.difference[i] = figure(&a->scores, i) - figure(&b->scores, i);
    for (size_t i = 0; i < a->n; i++) {
        int x = a->truth[i] == a->predicted[i], y = b->truth[i] == b->predicted[i];
        c.only_first += x && !y;
        c.only_second += y && !x;
    }
    c.p = ser_mcnemar(c.only_first, c.only_second);
    free(split_by(v, a, SPEAKER, &speakers, &first));
    free(split_by(v, b, SPEAKER, &speakers, &second));
    c.intervals = speakers >= SER_MIN_SPEAKERS;
    if (c.intervals &&
        ser_bootstrap(first, second, speakers, v->K, (int)opt.draws, (uint64_t)opt.seed,
                      &c.interval[0], &c.interval[1], &c.interval[2]))
        die(SER_SYS, "out of memory");
    free(first);
    free(second);
    return c;
}

static void print_comparison(const struct evaluation *v, struct ser_out *o) {
    struct comparison c = compare(v);
    const char *first = v->file[0].name;
    if (opt.tsv) {
        ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
        for (int i = 0; i < 3; i++) {
            tsv(o, first, figures[i].name, "difference", NULL, c.difference[i]);
            if (c.intervals)
                tsv(o, first, figures[i].name, "low", NULL, c.interval[i].low);
            if (c.intervals)
                tsv(o, first, figures[i].name, "high", NULL, c.interval[i].high);
        }
        tsv(o, first, "mcnemar", "only_first", NULL, (double)c.only_first);
        tsv(o, first, "mcnemar", "only_second", NULL, (double)c.only_second);
        tsv(o, first, "mcnemar", "p", NULL, c.p);
        return;
    }
    ser_out_printf(o, opt.json ? "{" : "first  %s\nsecond %s\n\n", first, v->file[1].name);
    for (int i = 0; i < 3; i++) {
        ser_out_printf(o, opt.json ? "\"%s_difference\":%.17g,\n" : "%-24s first - second %+.4f",
                       opt.json ? figures[i].name : figures[i].title, c.difference[i]);
        if (c.intervals)
            ser_out_printf(
                o, opt.json ? "\"%s_interval\":[%.17g,%.17g],\n" : "%s  (95 %%: %+.4f to %+.4f)",
                opt.json ? figures[i].name : "", c.interval[i].low, c.interval[i].high);
        ser_out_printf(o, opt.json ? "" : c.intervals ? "\n" : "  (95 %%: n/a)\n");
    }
    ser_out_printf(o,
                   opt.json ? "\"only_first\":%zu,\n\"only_second\":%zu,\n\"mcnemar_p\":%.17g}\n"
                            : "only the first is right  %zu\nonly the second is right %zu\n"
                              "McNemar's exact test     p = %.4g\n",
                   c.only_first, c.only_second, c.p);
}

int main(int argc, char **argv) {
    struct evaluation v = {0};
    struct ser_out out;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (opt.tsv && opt.json)
        ser_usage("give --tsv or --json, not both");
    if (opt.against && argc - first > 1)
        ser_usage("--against compares with one file");
    v.files = first < argc ? argc - first : 1;
    v.file = ecalloc((size_t)v.files + 1, sizeof *v.file);
    for (int f = 0; f < v.files; f++)
        read_file(&v, &v.file[f], first < argc ? argv[first + f] : NULL);
    if (opt.against) {
        read_file(&v, &v.file[v.files++], opt.against);
        for (int f = 0; f < 2; f++)
            qsort(v.file[f].row, v.file[f].n, sizeof *v.file[f].row, by_id);
        must_agree(&v.file[0], &v.file[1]);
    }
    evaluate(&v);

    ser_out_open(&out, opt.output, 0);
    if (opt.against)
        print_comparison(&v, &out);
    else if (opt.json)
        print_json(&v, &out);
    else if (opt.tsv)
        print_tsv(&v, &out);
    else
        print_text(&v, &out);
    ser_out_close(&out);

    for (int f = 0; f < v.files; f++)
        free_predictions(&v.file[f]);
    free_predictions(&v.all);
    free(v.file);
    free(v.per_class);
    free(v.class);
    ser_set_free(&v.texts);
    ser_set_free(&v.classes);
    return SER_OK;
}
