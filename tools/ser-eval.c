/* ser-eval - scores of prediction files. */
#include <stdlib.h>
#include <string.h>

#include "metrics.h"
#include "opt.h"
#include "set.h"
#include "tsv.h"

enum { MAX_CLASSES = 256 };

static struct {
    const char *output;
    int tsv, json;
} opt;

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'t', "tsv", SER_OPT_FLAG, &opt.tsv, 0, 0, NULL,
     "one figure a row: file measure class predicted value"},
    {'J', "json", SER_OPT_FLAG, &opt.json, 0, 0, NULL, "one JSON object"},
    {0}};

static const struct ser_tool tool = {
    "[FILE...]", "Evaluates predictions (files of ser-score, or standard input).", options,
    "Several files (folds, seeds) are scored each, with mean and deviation, and pooled."};

/* One utterance: its true and its predicted class. */
struct pair {
    char *truth, *predicted;
};

struct predictions {
    const char *name;
    size_t n, cap;
    struct pair *at;
    size_t *confusion; /* [K,K] */
    struct ser_scores scores;
};

struct evaluation {
    int files;
    struct predictions *file; /* [files] */
    struct ser_set names;     /* all classes */
    int K;
    char **class; /* [K] in byte order */
    struct predictions pooled;
    struct ser_class_score *per_class; /* [K] of pooled */
};

/* ---- reading ---- */

static int is_class(const char *s) {
    return *s && ser_is_text(s, strlen(s));
}

static void read_rows(struct predictions *p, struct ser_tsv *t, struct ser_set *names) {
    struct ser_error e;
    struct ser_set ids = {0};
    size_t unknown = 0;
    int got, id = ser_tsv_need(t, "id", &e), truth = ser_tsv_need(t, "emotion", &e),
             predicted = ser_tsv_need(t, "predicted", &e);
    if (id < 0 || truth < 0 || predicted < 0)
        die_error(&e);
    while ((got = ser_tsv_next(t, &e)) > 0) {
        if (!ser_set_add(&ids, t->field[id])) {
            ser_tsv_fail(t, &e, "the id '%.200s' comes twice", t->field[id]);
            die_error(&e);
        }
        if (!is_class(t->field[truth]) || !is_class(t->field[predicted]) ||
            strcmp(t->field[predicted], "-") == 0) {
            ser_tsv_fail(t, &e, "emotion or predicted is empty or not UTF-8 text");
            die_error(&e);
        }
        if (strcmp(t->field[truth], "-") == 0) {
            unknown++;
            continue;
        }
        if (p->n == p->cap) {
            p->cap = p->cap ? 2 * p->cap : 1024;
            p->at = erealloc(p->at, p->cap, sizeof *p->at);
        }
        ser_set_add(names, t->field[truth]);
        ser_set_add(names, t->field[predicted]);
        p->at[p->n++] = (struct pair){estrdup(t->field[truth]), estrdup(t->field[predicted])};
    }
    if (got < 0)
        die_error(&e);
    if (unknown)
        warn("%s: %zu utterances of unknown emotion are left out", p->name, unknown);
    if (!p->n)
        die(SER_BAD, "%s: no utterance of known emotion: nothing to evaluate", p->name);
    ser_set_free(&ids);
}

static void read_file(struct predictions *p, const char *path, struct ser_set *names) {
    struct ser_tsv t;
    struct ser_error e;
    if (ser_tsv_open(&t, path, &e))
        die_error(&e);
    p->name = t.in.name;
    read_rows(p, &t, names);
    ser_tsv_close(&t);
    if (names->n > MAX_CLASSES)
        die(SER_BAD, "%s: more than %d classes: not predictions", p->name, MAX_CLASSES);
}

static int class_of(const struct evaluation *v, const char *name) {
    int c = 0;
    while (strcmp(v->class[c], name) != 0)
        c++;
    return c;
}

static void score(struct evaluation *v) {
    size_t cells = (size_t)v->K * (size_t)v->K;
    v->pooled = (struct predictions){.name = "pooled", .confusion = ecalloc(cells, sizeof(size_t))};
    v->per_class = ecalloc((size_t)v->K, sizeof *v->per_class);
    for (int f = 0; f < v->files; f++) {
        struct predictions *p = &v->file[f];
        p->confusion = ecalloc(cells, sizeof *p->confusion);
        for (size_t i = 0; i < p->n; i++)
            p->confusion[class_of(v, p->at[i].truth) * v->K + class_of(v, p->at[i].predicted)]++;
        for (size_t i = 0; i < cells; i++)
            v->pooled.confusion[i] += p->confusion[i];
        p->scores = ser_score_confusion(p->confusion, v->K, NULL);
    }
    v->pooled.scores = ser_score_confusion(v->pooled.confusion, v->K, v->per_class);
}

/* ---- the figures of a file, by name, for all three forms of output ---- */

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
    double v;
    memcpy(&v, (const char *)s + figures[i].offset, sizeof v);
    return v;
}

static void over_files(const struct evaluation *v, int i, double *mean, double *deviation) {
    double *value = ecalloc((size_t)v->files, sizeof *value);
    for (int f = 0; f < v->files; f++)
        value[f] = figure(&v->file[f].scores, i);
    ser_mean_deviation(value, (size_t)v->files, mean, deviation);
    free(value);
}

/* ---- text ---- */

static void print_files(const struct evaluation *v, struct ser_out *o) {
    double mean, deviation;
    ser_out_printf(o, "\n%8s%8s%8s%12s%8s  file\n", "WA", "UA", "macro F1", "weighted F1", "n");
    for (int f = 0; f < v->files; f++) {
        const struct ser_scores *s = &v->file[f].scores;
        ser_out_printf(o, "%8.4f%8.4f%8.4f%12.4f%8zu  %s\n", s->wa, s->ua, s->macro_f1,
                       s->weighted_f1, s->n, v->file[f].name);
    }
    for (int i = 0; i < FIGURES; i++) {
        over_files(v, i, &mean, &deviation);
        ser_out_printf(o, "%-24s mean %.4f, deviation %.4f over %d files\n", figures[i].title, mean,
                       deviation, v->files);
    }
}

static void print_text(const struct evaluation *v, struct ser_out *o) {
    const struct ser_scores *s = &v->pooled.scores;
    for (int i = 0; i < FIGURES; i++)
        ser_out_printf(o, "%-24s %.4f\n", figures[i].title, figure(s, i));
    ser_out_printf(o, "%-24s %zu\n\n%-12s%10s%10s%10s%10s\n", "utterances", s->n, "class",
                   "precision", "recall", "F1", "support");
    for (int c = 0; c < v->K; c++)
        ser_out_printf(o, "%-12s%10.4f%10.4f%10.4f%10zu\n", v->class[c],
                       v -> per_class[c].precision, v->per_class[c].recall, v->per_class[c].f1,
                       v->per_class[c].support);
    ser_out_printf(o, "\n%-12s predicted\n%-12s", "truth", "");
    for (int c = 0; c < v->K; c++)
        ser_out_printf(o, " %9.9s", v->class[c]);
    ser_out_printf(o, "\n");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, "%-12s", v->class[c]);
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, " %9zu", v->pooled.confusion[c * v->K + k]);
        ser_out_printf(o, "\n");
    }
    if (v->files > 1)
        print_files(v, o);
}

/* ---- TSV ---- */

static void print_tsv(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
    for (int f = 0; f <= v->files; f++) {
        const struct predictions *p = f < v->files ? &v->file[f] : &v->pooled;
        ser_out_printf(o, "%s\tn\t-\t-\t%zu\n", p->name, p->scores.n);
        for (int i = 0; i < FIGURES; i++)
            ser_out_printf(o, "%s\t%s\t-\t-\t%.17g\n", p->name, figures[i].name,
                           figure(&p->scores, i));
    }
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *k = &v->per_class[c];
        ser_out_printf(o, "pooled\tprecision\t%s\t-\t%.17g\n", v->class[c], k -> precision);
        ser_out_printf(o, "pooled\trecall\t%s\t-\t%.17g\n", v->class[c], k -> recall);
        ser_out_printf(o, "pooled\tf1\t%s\t-\t%.17g\n", v->class[c], k -> f1);
        ser_out_printf(o, "pooled\tsupport\t%s\t-\t%zu\n", v->class[c], k -> support);
    }
    for (int c = 0; c < v->K; c++)
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, "pooled\tconfusion\t%s\t%s\t%zu\n", v->class[c], v -> class[k],
                           v -> pooled.confusion[c * v->K + k]);
}

/* ---- JSON ---- */

static void print_string(struct ser_out *o, const char *s) {
    ser_out_printf(o, "\"");
    int text = ser_is_text(s, strlen(s));
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

static void print_figures(struct ser_out *o, const struct ser_scores *s) {
    for (int i = 0; i < FIGURES; i++)
        ser_out_printf(o, "\"%s\":%.17g,", figures[i].name, figure(s, i));
    ser_out_printf(o, "\"n\":%zu", s->n);
}

static void print_json(const struct evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "{");
    print_figures(o, &v->pooled.scores);
    ser_out_printf(o, ",\n\"classes\":[");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, c ? "," : "");
        print_string(o, v->class[c]);
    }
    ser_out_printf(o, "],\n\"confusion\":[");
    for (int c = 0; c < v->K; c++) {
        ser_out_printf(o, c ? ",[" : "[");
        for (int k = 0; k < v->K; k++)
            ser_out_printf(o, "%s%zu", k ? "," : "", v->pooled.confusion[c * v->K + k]);
        ser_out_printf(o, "]");
    }
    ser_out_printf(o, "],\n\"per_class\":{");
    for (int c = 0; c < v->K; c++) {
        const struct ser_class_score *k = &v->per_class[c];
        ser_out_printf(o, c ? ",\n" : "\n");
        print_string(o, v->class[c]);
        ser_out_printf(o, ":{\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%zu}",
                       k->precision, k->recall, k->f1, k->support);
    }
    ser_out_printf(o, "},\n\"files\":[");
    for (int f = 0; f < v->files; f++) {
        ser_out_printf(o, f ? ",\n{\"file\":" : "\n{\"file\":");
        print_string(o, v->file[f].name);
        ser_out_printf(o, ",");
        print_figures(o, &v->file[f].scores);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "],\n\"over_files\":{");
    for (int i = 0; i < FIGURES; i++) {
        double mean, deviation;
        over_files(v, i, &mean, &deviation);
        ser_out_printf(o, "%s\"%s\":{\"mean\":%.17g,\"deviation\":%.17g}", i ? "," : "",
                       figures[i].name, mean, deviation);
    }
    ser_out_printf(o, "}}\n");
}

static void free_predictions(struct predictions *p) {
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].truth);
        free(p->at[i].predicted);
    }
    free(p->at);
    free(p->confusion);
}

int main(int argc, char **argv) {
    struct evaluation v = {0};
    struct ser_out out;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (opt.tsv && opt.json)
        ser_usage("give --tsv or --json, not both");
    v.files = first < argc ? argc - first : 1;
    v.file = ecalloc((size_t)v.files, sizeof *v.file);
    for (int f = 0; f < v.files; f++)
        read_file(&v.file[f], first < argc ? argv[first + f] : NULL, &v.names);
    v.K = (int)v.names.n;
    v.class = ser_set_sorted(&v.names);
    score(&v);

    ser_out_open(&out, opt.output, 0);
    if (opt.json)
        print_json(&v, &out);
    else if (opt.tsv)
        print_tsv(&v, &out);
    else
        print_text(&v, &out);
    ser_out_close(&out);

    for (int f = 0; f < v.files; f++)
        free_predictions(&v.file[f]);
    free_predictions(&v.pooled);
    free(v.file);
    free(v.per_class);
    free(v.class);
    ser_set_free(&v.names);
    return SER_OK;
}
