/* ser-eval - how good predictions are: scores, confusion, groups, calibration, intervals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/opt.h"
#include "core/out.h"
#include "core/set.h"
#include "core/tsv.h"
#include "math/metrics.h"

enum { MAX_CLASSES = 256, REJECT_STEPS = 10, INTERVALS = 3 };
#define SUM_TOLERANCE 1e-3 /* of the sum of an utterance's probabilities */

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
    {0, "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "of the bootstrap"},
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
    double *p; /* [columns of the file named p_CLASS], then [K]; NULL: none; owned */
    int t, y;  /* classes: truth and prediction */
};

/* One file of predictions. */
struct predictions {
    const char *name;
    size_t n, cap;
    struct row *row;
    int columns; /* p_CLASS, none: 0 */
    char **column;
};

/* Utterances that are scored together: a file, all files, a speaker. */
struct set {
    const char *name;
    size_t n;
    const struct row **row; /* [n] */
    size_t *confusion;      /* [K,K] */
    struct ser_scores scores;
    struct ser_class_score *of; /* [K] */
    int calibrated;             /* all rows have probabilities, and the set what follows */
    struct ser_calibration calibration;
    struct ser_bin bin[SER_BINS];
    double reject[REJECT_STEPS];
};

struct evaluation {
    int files;
    struct predictions *file; /* [files] */
    struct ser_set texts;     /* what rows point to */
    struct ser_set classes;
    int K;
    char **class_name; /* [K] in byte order */

    struct set *of_file; /* [files] */
    struct set all;
    size_t members[GROUPS];
    struct set *group[GROUPS];               /* [members], by name */
    int intervals;                           /* there are speakers enough for them */
    struct ser_interval interval[INTERVALS]; /* of the first figures of all */
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

static void read_probabilities(const struct predictions *f, const struct ser_tsv *t, const int *at,
                               double *p) {
    struct ser_error e;
    double sum = 0;
    for (int i = 0; i < f->columns; i++) {
        if (ser_parse_real(t->field[at[i]], 0, 1, &p[i])) {
            ser_tsv_fail(t, &e, "p_%s is no probability: '%.60s'", f->column[i], t->field[at[i]]);
            die_error(&e);
        }
        sum += p[i];
    }
    if (fabs(sum - 1) > SUM_TOLERANCE) {
        ser_tsv_fail(t, &e, "probabilities add up to %.9g, not to 1 within %g", sum, SUM_TOLERANCE);
        die_error(&e);
    }
}

static void read_row(struct evaluation *v, struct predictions *f, const struct ser_tsv *t,
                     const int need[3], const int group[GROUPS], const int *p) {
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
    r->p = NULL;
    if (f->columns) {
        r->p = ecalloc((size_t)f->columns, sizeof *r->p);
        read_probabilities(f, t, p, r->p);
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
        warn("%s: %zu utterance%s of unknown emotion %s left out", f->name, unknown,
             unknown == 1 ? "" : "s", unknown == 1 ? "is" : "are");
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
}

/* ---- scoring ---- */

static int by_name(const void *key, const void *at) {
    return strcmp(key, *(char *const *)at);
}

static int class_of(const struct evaluation *v, const char *name) {
    char **at = bsearch(name, v->class_name, (size_t)v->K, sizeof *v->class_name, by_name);
    return (int)(at - v->class_name);
}

/* Classes become numbers, and probabilities [K]; a class that the file does not know has 0. */
static void number_classes(const struct evaluation *v, struct predictions *f) {
    int *class = ecalloc((size_t)f->columns + 1, sizeof *class);
    for (int c = 0; c < f->columns; c++)
        class[c] = class_of(v, f->column[c]);
    for (size_t i = 0; i < f->n; i++) {
        struct row *r = &f->row[i];
        r->t = class_of(v, r->truth);
        r->y = class_of(v, r->predicted);
        if (f->columns) {
            double *p = ecalloc((size_t)v->K, sizeof *p);
            for (int c = 0; c < f->columns; c++)
                p[class[c]] = r->p[c];
            free(r->p);
            r->p = p;
        }
    }
    free(class);
}

static void calibrate(const struct evaluation *v, struct set *s) {
    size_t K = (size_t)v->K;
    double *p = ecalloc(s->n, K * sizeof *p), *confidence = ecalloc(s->n, sizeof *confidence);
    int *truth = ecalloc(s->n, sizeof *truth), *predicted = ecalloc(s->n, sizeof *predicted);
    for (size_t i = 0; i < s->n; i++) {
        memcpy(p + i * K, s->row[i]->p, K * sizeof *p);
        truth[i] = s->row[i]->t;
        predicted[i] = s->row[i]->y;
        confidence[i] = s->row[i]->p[predicted[i]];
    }
    s->calibration = ser_calibrate(p, truth, predicted, s->n, v->K, s->bin);
    if (ser_reject_curve(confidence, truth, predicted, s->n, REJECT_STEPS, s->reject))
        die(SER_SYS, "out of memory");
    free(p);
    free(confidence);
    free(truth);
    free(predicted);
}

/* Scores the set's rows. */
static void score(const struct evaluation *v, struct set *s) {
    s->confusion = ecalloc((size_t)v->K * (size_t)v->K, sizeof *s->confusion);
    s->of = ecalloc((size_t)v->K, sizeof *s->of);
    s->calibrated = 1;
    for (size_t i = 0; i < s->n; i++) {
        s->confusion[s->row[i]->t * v->K + s->row[i]->y]++;
        s->calibrated &= s->row[i]->p != NULL;
    }
    s->scores = ser_score_confusion(s->confusion, v->K, s->of);
    if (s->calibrated)
        calibrate(v, s);
}

static void free_set(struct set *s) {
    free(s->row);
    free(s->confusion);
    free(s->of);
}

/* The rows of files from..to-1 that are in the group's member, or all if that is NULL. Texts are
 * the evaluation's, so equal ones are one. */
static struct set select_rows(const struct evaluation *v, const char *name, int from, int to, int g,
                              const char *member) {
    struct set s = {.name = name};
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            s.row = ecalloc(s.n, sizeof *s.row);
        s.n = 0;
        for (int f = from; f < to; f++)
            for (size_t i = 0; i < v->file[f].n; i++) {
                const struct row *r = &v->file[f].row[i];
                if (member && r->group[g] != member)
                    continue;
                if (pass)
                    s.row[s.n] = r;
                s.n++;
            }
    }
    score(v, &s);
    return s;
}

/* The members of a group in files from..to-1, by name; the caller frees them. */
static struct set *split_by(const struct evaluation *v, int g, int from, int to, size_t *members) {
    struct ser_set names = {0};
    for (int f = from; f < to; f++)
        for (size_t i = 0; i < v->file[f].n; i++)
            ser_set_add(&names, v->file[f].row[i].group[g]);
    char **name = ser_set_sorted(&names);
    struct set *s = ecalloc(names.n, sizeof *s);
    *members = names.n;
    for (size_t i = 0; i < names.n; i++) {
        const char *text = ser_set_get(&v->texts, name[i]);
        s[i] = select_rows(v, text, from, to, g, text);
    }
    free(name);
    ser_set_free(&names);
    return s;
}

static void free_sets(struct set *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        free_set(&s[i]);
    free(s);
}

/* The confusion of each of n speakers whose name is known, [*known][K,K]; the caller frees. */
static size_t *confusions(const struct evaluation *v, const struct set *s, size_t n,
                          size_t *known) {
    size_t cells = (size_t)v->K * (size_t)v->K, *all = ecalloc(n + 1, cells * sizeof *all);
    *known = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(s[i].name, "-") != 0)
            memcpy(all + (*known)++ * cells, s[i].confusion, cells * sizeof *all);
    return all;
}

/* Intervals of the speakers' scores, or of their differences; 0 if there are too few speakers. */
static int find_intervals(const struct evaluation *v, const struct set *first,
                          const struct set *second, size_t speakers,
                          struct ser_interval in[INTERVALS]) {
    size_t known;
    size_t *a = confusions(v, first, speakers, &known);
    size_t *b = second ? confusions(v, second, speakers, &known) : NULL;
    int enough = known >= SER_MIN_SPEAKERS;
    if (enough && ser_bootstrap(a, b, known, v->K, (int)opt.draws, (uint64_t)opt.seed, &in[0],
                                &in[1], &in[2]))
        die(SER_SYS, "out of memory");
    free(a);
    free(b);
    return enough;
}

static void evaluate(struct evaluation *v) {
    v->K = (int)v->classes.n;
    v->class_name = ser_set_sorted(&v->classes);
    v->of_file = ecalloc((size_t)v->files, sizeof *v->of_file);
    for (int f = 0; f < v->files; f++) {
        number_classes(v, &v->file[f]);
        v->of_file[f] = select_rows(v, v->file[f].name, f, f + 1, 0, NULL);
    }
    v->all = select_rows(v, "pooled", 0, v->files, 0, NULL);
    for (int g = 0; g < GROUPS; g++)
        v->group[g] = split_by(v, g, 0, v->files, &v->members[g]);
    v->intervals = find_intervals(v, v->group[SPEAKER], NULL, v->members[SPEAKER], v->interval);
}

/* ---- the figures by name, for all forms of output ---- */

static const struct figure {
    const char *name, *title;
    size_t offset;
} figures[] = {
    /* The first INTERVALS have intervals. */
    {"wa", "accuracy (WA)", offsetof(struct set, scores.wa)},
    {"ua", "unweighted recall (UA)", offsetof(struct set, scores.ua)},
    {"macro_f1", "macro F1", offsetof(struct set, scores.macro_f1)},
    {"weighted_f1", "weighted F1", offsetof(struct set, scores.weighted_f1)},
    /* These need probabilities. */
    {"top2", "top-2 accuracy", offsetof(struct set, calibration.top2)},
    {"log_loss", "log loss", offsetof(struct set, calibration.log_loss)},
    {"brier", "Brier score", offsetof(struct set, calibration.brier)},
    {"ece", "calibration error (ECE)", offsetof(struct set, calibration.ece)},
};
enum { SCORES = 4, FIGURES = sizeof figures / sizeof *figures };

static double figure(const struct set *s, int i) {
    double value;
    memcpy(&value, (const char *)s + figures[i].offset, sizeof value);
    return value;
}

/* The interval of figure i of all, NULL where there is none. */
static const struct ser_interval *interval(const struct evaluation *v, int i) {
    return v->intervals && i < INTERVALS ? &v->interval[i] : NULL;
}

/* Share of the utterances of class c that were taken for k; 0 where there is none. */
static double rate(const struct evaluation *v, const struct set *s, int c, int k) {
    size_t n = s->of[c].support;
    return n ? (double)s->confusion[c * v->K + k] / (double)n : 0;
}

static const char *const bin_name[] = {"0.1", "0.2", "0.3", "0.4", "0.5",
                                       "0.6", "0.7", "0.8", "0.9", "1.0"};
static const char *const step_name[] = {"0", "10", "20", "30", "40", "50", "60", "70", "80", "90"};
_Static_assert(sizeof bin_name / sizeof *bin_name == SER_BINS, "a name a bin");
_Static_assert(sizeof step_name / sizeof *step_name == REJECT_STEPS, "a name a step");

/* A figure as a row; class and predicted are NULL where they say nothing. */
struct value {
    const char *name, *class, *predicted;
    double value;
    enum { COUNT, ABSENT, MEANT } kind; /* MEANT enters the mean over files */
};

struct values {
    struct value *at;
    size_t n, cap;
};

static void add(struct values *l, const char *name, const char *class, const char *predicted,
                double value, int kind) {
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->at = erealloc(l->at, l->cap, sizeof *l->at);
    }
    l->at[l->n].name = name;
    l->at[l->n].class = class;
    l->at[l->n].predicted = predicted;
    l->at[l->n].value = value;
    l->at[l->n++].kind = kind;
}

/* The figures of a set without a class, those of probabilities on demand. */
static void add_totals(struct values *l, const struct set *s, int calibrated) {
    add(l, "n", NULL, NULL, (double)s->n, COUNT);
    for (int i = 0; i < (calibrated ? FIGURES : SCORES); i++)
        add(l, figures[i].name, NULL, NULL, figure(s, i), MEANT);
}

/* The others; what is said of a class counts for the mean where the truth has the class. */
static void add_details(struct values *l, const struct evaluation *v, const struct set *s,
                        int calibrated) {
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *score = &s->of[c];
        int kind = score->support ? MEANT : ABSENT;
        add(l, "precision", v->class_name[c], NULL, score->precision, kind);
        add(l, "recall", v->class_name[c], NULL, score->recall, kind);
        add(l, "f1", v->class_name[c], NULL, score->f1, kind);
        add(l, "support", v->class_name[c], NULL, (double)score->support, COUNT);
    }
    for (int c = 0; c < v->K; c++)
        for (int k = 0; k < v->K; k++)
            add(l, "confusion", v->class_name[c], v->class_name[k],
                (double)s->confusion[c * v->K + k], COUNT);
    for (int c = 0; c < v->K; c++)
        for (int k = 0; k < v->K; k++)
            add(l, "confusion_rate", v->class_name[c], v->class_name[k], rate(v, s, c, k),
                s->of[c].support ? MEANT : ABSENT);
    for (int i = 0; calibrated && i < SER_BINS; i++) {
        add(l, "bin_n", bin_name[i], NULL, (double)s->bin[i].n, COUNT);
        add(l, "bin_confidence", bin_name[i], NULL, s->bin[i].confidence, COUNT);
        add(l, "bin_accuracy", bin_name[i], NULL, s->bin[i].accuracy, COUNT);
    }
    for (int i = 0; calibrated && i < REJECT_STEPS; i++)
        add(l, "accuracy_rejecting", step_name[i], NULL, s->reject[i], MEANT);
}

/* Mean and deviation over files of the figures that are meant, each over the files where it is; the
 * caller frees both lists. */
static void over_files(const struct evaluation *v, struct values *mean, struct values *deviation) {
    struct values *of = ecalloc((size_t)v->files, sizeof *of);
    double *value = ecalloc((size_t)v->files, sizeof *value), m, d;
    for (int f = 0; f < v->files; f++) {
        add_totals(&of[f], &v->of_file[f], v->all.calibrated);
        add_details(&of[f], v, &v->of_file[f], v->all.calibrated);
    }
    for (size_t i = 0; i < of[0].n; i++) {
        const struct value *at = &of[0].at[i];
        size_t n = 0;
        for (int f = 0; f < v->files; f++)
            if (of[f].at[i].kind == MEANT)
                value[n++] = of[f].at[i].value;
        if (!n)
            continue;
        ser_mean_deviation(value, n, &m, &d);
        add(mean, at->name, at->class, at->predicted, m, MEANT);
        add(deviation, at->name, at->class, at->predicted, d, MEANT);
    }
    for (int f = 0; f < v->files; f++)
        free(of[f].at);
    free(of);
    free(value);
}

/* ---- text ---- */

/* Truth by row, prediction by column: counts, or rates. */
static void print_confusion(const struct evaluation *v, int rates, struct ser_out *o) {
    ser_out_printf(o, "\n%-12s predicted%s\n%-12s", "truth", rates ? ", share of the row" : "", "");
    for (int c = 0; c < v->K; c++)
        ser_out_printf(o, " %9.9s", v->class_name[c]);
    ser_out_printf(o, "\n");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, "%-12s", v->class_name[c]);
        for (int k = 0; k < v->K; k++)
            if (rates)
                ser_out_printf(o, " %9.4f", rate(v, &v->all, c, k));
            else
                ser_out_printf(o, " %9zu", v->all.confusion[c * v->K + k]);
        ser_out_printf(o, "\n");
    }
}

static void print_group(const struct evaluation *v, int g, struct ser_out *o) {
    if (v->members[g] == 1 && strcmp(v->group[g][0].name, "-") == 0)
        return; /* the column is not there */
    ser_out_printf(o, "\n%-24s%10s%10s%10s%12s%10s\n", group_name[g], "WA", "UA", "macro F1",
                   "weighted F1", "n");
    for (size_t i = 0; i < v->members[g]; i++) {
        const struct set *s = &v->group[g][i];
        ser_out_printf(o, "%-24s%10.4f%10.4f%10.4f%12.4f%10zu\n", s->name, s->scores.wa,
                       s->scores.ua, s->scores.macro_f1, s->scores.weighted_f1, s->n);
    }
}

static void print_calibration(const struct set *s, struct ser_out *o) {
    ser_out_printf(o, "\n%-14s%12s%10s%10s\n", "confidence", "mean", "accuracy", "n");
    for (int i = 0; i < SER_BINS; i++)
        if (s->bin[i].n)
            ser_out_printf(o, "%.1f to %.1f    %12.4f%10.4f%10zu\n", (double)i / SER_BINS,
                           (double)(i + 1) / SER_BINS, s->bin[i].confidence, s->bin[i].accuracy,
                           s->bin[i].n);
    ser_out_printf(o, "\nrejected, the least confident first\n");
    for (int i = 0; i < REJECT_STEPS; i++)
        ser_out_printf(o, "%2s %%  accuracy of the rest %.4f\n", step_name[i], s->reject[i]);
}

static void print_files(const struct evaluation *v, struct ser_out *o) {
    struct values mean = {0}, deviation = {0};
    int known = v->all.calibrated;
    ser_out_printf(o, "\n%10s%10s%10s%12s", "WA", "UA", "macro F1", "weighted F1");
    if (known)
        ser_out_printf(o, "%10s%10s%10s%10s", "top-2", "log loss", "Brier", "ECE");
    ser_out_printf(o, "%8s  file\n", "n");
    for (int f = 0; f < v->files; f++) {
        const struct set *s = &v->of_file[f];
        for (int i = 0; i < (known ? FIGURES : SCORES); i++)
            ser_out_printf(o, i == SCORES - 1 ? "%12.4f" : "%10.4f", figure(s, i));
        ser_out_printf(o, "%8zu  %s\n", s->n, s->name);
    }
    over_files(v, &mean, &deviation);
    for (size_t i = 0; i < mean.n && !mean.at[i].class; i++)
        ser_out_printf(o, "%-24s mean %.4f, deviation %.4f over %d files\n", figures[i].title,
                       mean.at[i].value, deviation.at[i].value, v->files);
    free(mean.at);
    free(deviation.at);
}

static void print_text(const struct evaluation *v, struct ser_out *o) {
    for (int i = 0; i < (v->all.calibrated ? FIGURES : SCORES); i++) {
        const struct ser_interval *in = interval(v, i);
        ser_out_printf(o, "%-24s %.4f", figures[i].title, figure(&v->all, i));
        if (in)
            ser_out_printf(o, "  (95 %%: %.4f to %.4f)", in->low, in->high);
        ser_out_printf(o, i < INTERVALS && !in ? "  (95 %%: n/a)\n" : "\n");
    }
    ser_out_printf(o, "%-24s %zu\n\n%-12s%10s%10s%10s%10s\n", "utterances", v->all.n, "class",
                   "precision", "recall", "F1", "support");
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *score = &v->all.of[c];
        ser_out_printf(o, "%-12s%10.4f%10.4f%10.4f%10zu\n", v->class_name[c], score->precision,
                       score->recall, score->f1, score->support);
    }
    print_confusion(v, 0, o);
    print_confusion(v, 1, o);
    for (int g = GROUPS - 1; g >= 0; g--)
        print_group(v, g, o);
    if (v->all.calibrated)
        print_calibration(&v->all, o);
    if (v->files > 1)
        print_files(v, o);
}

/* ---- TSV ---- */

static void tsv(struct ser_out *o, const char *file, const char *name, const char *class,
                const char *predicted, double value) {
    ser_out_printf(o, "%s\t%s\t%s\t%s\t%.17g\n", file, name, class ? class : "-",
                   predicted ? predicted : "-", value);
}

/* Ends the list. */
static void tsv_values(struct ser_out *o, const char *file, struct values *l) {
    for (size_t i = 0; i < l->n; i++)
        tsv(o, file, l->at[i].name, l->at[i].class, l->at[i].predicted, l->at[i].value);
    free(l->at);
}

static void tsv_set(const struct evaluation *v, const struct set *s, struct ser_out *o) {
    struct values l = {0};
    add_totals(&l, s, s->calibrated);
    add_details(&l, v, s, s->calibrated);
    tsv_values(o, s->name, &l);
}

/* The totals of all members stand under the group's name, the rest of each under its own. */
static void tsv_group(const struct evaluation *v, int g, struct ser_out *o) {
    for (size_t i = 0; i < v->members[g]; i++) {
        const struct set *s = &v->group[g][i];
        struct values l = {0};
        add_totals(&l, s, s->calibrated);
        for (size_t k = 0; k < l.n; k++)
            l.at[k].class = s->name;
        tsv_values(o, group_name[g], &l);
    }
    for (size_t i = 0; i < v->members[g]; i++) {
        const struct set *s = &v->group[g][i];
        struct values l = {0};
        char *name = emalloc(strlen(group_name[g]) + strlen(s->name) + 2);
        sprintf(name, "%s=%s", group_name[g], s->name);
        add_details(&l, v, s, s->calibrated);
        tsv_values(o, name, &l);
        free(name);
    }
}

static void print_tsv(const struct evaluation *v, struct ser_out *o) {
    struct values mean = {0}, deviation = {0};
    char name[32];
    ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
    for (int f = 0; f < v->files; f++)
        tsv_set(v, &v->of_file[f], o);
    tsv_set(v, &v->all, o);
    for (int i = 0; v->intervals && i < INTERVALS; i++) {
        snprintf(name, sizeof name, "%s_low", figures[i].name);
        tsv(o, "pooled", name, NULL, NULL, v->interval[i].low);
        snprintf(name, sizeof name, "%s_high", figures[i].name);
        tsv(o, "pooled", name, NULL, NULL, v->interval[i].high);
    }
    over_files(v, &mean, &deviation);
    tsv_values(o, "mean", &mean);
    tsv_values(o, "deviation", &deviation);
    for (int g = 0; g < GROUPS; g++)
        tsv_group(v, g, o);
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

static void json_calibration(const struct set *s, struct ser_out *o) {
    ser_out_printf(o, ",\n\"reliability\":[");
    for (int i = 0; i < SER_BINS; i++)
        ser_out_printf(o, "%s{\"upto\":%s,\"confidence\":%.17g,\"accuracy\":%.17g,\"n\":%zu}",
                       i ? ",\n" : "\n", bin_name[i], s->bin[i].confidence, s->bin[i].accuracy,
                       s->bin[i].n);
    ser_out_printf(o, "],\n\"accuracy_rejecting\":[");
    for (int i = 0; i < REJECT_STEPS; i++)
        ser_out_printf(o, "%s%.17g", i ? "," : "", s->reject[i]);
    ser_out_printf(o, "]");
}

/* The members of an object: everything of a set. */
static void json_set(const struct evaluation *v, const struct set *s, struct ser_out *o) {
    for (int i = 0; i < (s->calibrated ? FIGURES : SCORES); i++)
        ser_out_printf(o, "\"%s\":%.17g,", figures[i].name, figure(s, i));
    ser_out_printf(o, "\"n\":%zu,\n\"confusion\":[", s->n);
    for (int c = 0; c < v->K; c++)
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, "%s%zu%s",
                           k   ? ","
                           : c ? ",["
                               : "[",
                           s->confusion[c * v->K + k], k == v->K - 1 ? "]" : "");
    ser_out_printf(o, "],\n\"confusion_rate\":[");
    for (int c = 0; c < v->K; c++)
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, "%s%.17g%s",
                           k   ? ","
                           : c ? ",["
                               : "[",
                           rate(v, s, c, k), k == v->K - 1 ? "]" : "");
    ser_out_printf(o, "],\n\"per_class\":{");
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *score = &s->of[c];
        ser_out_printf(o, c ? ",\n" : "\n");
        json_text(o, v->class_name[c]);
        ser_out_printf(o, ":{\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%zu}",
                       score->precision, score->recall, score->f1, score->support);
    }
    ser_out_printf(o, "}");
    if (s->calibrated)
        json_calibration(s, o);
}

static void json_group(const struct evaluation *v, int g, struct ser_out *o) {
    ser_out_printf(o, ",\n\"per_%s\":{", group_name[g]);
    for (size_t i = 0; i < v->members[g]; i++) {
        ser_out_printf(o, i ? ",\n" : "\n");
        json_text(o, v->group[g][i].name);
        ser_out_printf(o, ":{");
        json_set(v, &v->group[g][i], o);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "}");
}

static void json_files(const struct evaluation *v, struct ser_out *o) {
    struct values mean = {0}, deviation = {0};
    ser_out_printf(o, ",\n\"files\":[");
    for (int f = 0; f < v->files; f++) {
        ser_out_printf(o, f ? ",\n{\"file\":" : "\n{\"file\":");
        json_text(o, v->of_file[f].name);
        ser_out_printf(o, ",");
        json_set(v, &v->of_file[f], o);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "],\n\"over_files\":{");
    over_files(v, &mean, &deviation);
    size_t i = 0;
    for (; i < mean.n && !mean.at[i].class; i++)
        ser_out_printf(o, "%s\"%s\":{\"mean\":%.17g,\"deviation\":%.17g}", i ? ",\n" : "\n",
                       mean.at[i].name, mean.at[i].value, deviation.at[i].value);
    ser_out_printf(o, "},\n\"over_files_by_class\":[");
    for (const char *comma = "\n"; i < mean.n; i++, comma = ",\n") {
        ser_out_printf(o, "%s{\"measure\":\"%s\",\"class\":", comma, mean.at[i].name);
        json_text(o, mean.at[i].class);
        if (mean.at[i].predicted) {
            ser_out_printf(o, ",\"predicted\":");
            json_text(o, mean.at[i].predicted);
        }
        ser_out_printf(o, ",\"mean\":%.17g,\"deviation\":%.17g}", mean.at[i].value,
                       deviation.at[i].value);
    }
    ser_out_printf(o, "]");
    free(mean.at);
    free(deviation.at);
}

static void print_json(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "{\"classes\":[");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, c ? "," : "");
        json_text(o, v->class_name[c]);
    }
    ser_out_printf(o, "],\n");
    json_set(v, &v->all, o);
    for (int i = 0; v->intervals && i < INTERVALS; i++)
        ser_out_printf(o, ",\n\"%s_interval\":[%.17g,%.17g]", figures[i].name, v->interval[i].low,
                       v->interval[i].high);
    for (int g = 0; g < GROUPS; g++)
        json_group(v, g, o);
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
        die(SER_BAD, "%s: %zu utterance%s, %s has %zu: a comparison needs the same ones", b->name,
            b->n, b->n == 1 ? "" : "s", a->name, a->n);
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
    double difference[INTERVALS]; /* of the first figures: first - second */
    int intervals;
    struct ser_interval interval[INTERVALS];
    size_t only_first, only_second; /* right */
    double p;                       /* McNemar */
};

static struct comparison compare(const struct evaluation *v) {
    const struct predictions *a = &v->file[0], *b = &v->file[1];
    struct comparison c = {0};
    size_t speakers;
    for (int i = 0; i < INTERVALS; i++)
        c.difference[i] = figure(&v->of_file[0], i) - figure(&v->of_file[1], i);
    for (size_t i = 0; i < a->n; i++) {
        int x = a->row[i].t == a->row[i].y, y = b->row[i].t == b->row[i].y;
        c.only_first += x && !y;
        c.only_second += y && !x;
    }
    c.p = ser_mcnemar(c.only_first, c.only_second);
    struct set *first = split_by(v, SPEAKER, 0, 1, &speakers);
    struct set *second = split_by(v, SPEAKER, 1, 2, &speakers);
    c.intervals = find_intervals(v, first, second, speakers, c.interval);
    free_sets(first, speakers);
    free_sets(second, speakers);
    return c;
}

static void print_comparison(const struct evaluation *v, struct ser_out *o) {
    struct comparison c = compare(v);
    const char *first = v->file[0].name;
    if (opt.tsv) {
        ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
        for (int i = 0; i < INTERVALS; i++) {
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
    for (int i = 0; i < INTERVALS; i++) {
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
    struct ser_error e;
    struct evaluation v = {0};
    struct ser_out out;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (opt.tsv && opt.json)
        ser_usage("give --tsv or --json, not both");
    if (opt.against && argc - first > 1)
        ser_usage("--against compares with one file");
    ser_one_stdin(argv + first, opt.against, first < argc ? NULL : "-");
    ser_keep_inputs("--output", opt.output, argv + first, opt.against, NULL);
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

    must(ser_out_open(&out, opt.output, 0, &e), &e);
    if (opt.against)
        print_comparison(&v, &out);
    else if (opt.json)
        print_json(&v, &out);
    else if (opt.tsv)
        print_tsv(&v, &out);
    else
        print_text(&v, &out);
    must(ser_out_close(&out, &e), &e);

    for (int f = 0; f < v.files; f++)
        free_predictions(&v.file[f]);
    for (int g = 0; g < GROUPS; g++)
        free_sets(v.group[g], v.members[g]);
    free_sets(v.of_file, (size_t)v.files);
    free_set(&v.all);
    free(v.file);
    free(v.class_name);
    ser_set_free(&v.texts);
    ser_set_free(&v.classes);
    return SER_OK;
}
