/* ser-vote - the mean of the predictions of several models for the same utterances. */
#include <stdlib.h>
#include <string.h>

#include "bridge/classes.h"
#include "core/opt.h"
#include "core/out.h"
#include "math/mathfun.h"

#define LEAST      1e-38 /* with --log: what a smaller probability counts as */
#define MAX_WEIGHT 1e6

static struct {
    const char *output, *weights;
    int log;
} opt;

static const struct ser_opt options[] = {
    {0, "log", SER_OPT_FLAG, &opt.log, 0, 0, NULL,
     "the mean of the logarithms, not of probabilities"},
    {'w', "weights", SER_OPT_TEXT, &opt.weights, 0, 0, "A,B,...",
     "weights of the tables, one each"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0}};

static const struct ser_tool tool = {
    "[PREDICTIONS...]",
    "Makes one table of predictions of several, by the mean of the probabilities.", options,
    "Predictions are tables that ser-score has written, of the same utterances and\n"
    "classes."};

/* A row of the first table, whose columns are those of the result. */
struct row {
    char **field; /* [columns], one block of memory */
    double *sum;  /* [classes] of the weighted probabilities, or their logarithms */
    int tables;   /* how many have had it so far */
};

struct vote {
    const char *first; /* name of the first table */
    int columns, id, emotion, predicted, confidence;
    char **column; /* [columns] */
    struct ser_classes classes;
    struct row *row; /* [rows] */
    size_t rows;
    struct row **sorted; /* [rows] by id, once the first table is read */
};

/* Columns of one table. */
struct columns {
    int id, emotion;
    struct ser_classes classes;
    int place[SER_MAX_CLASSES]; /* where each of the first table's classes is among these */
};

/* ---- the first table ---- */

static void open_first(struct vote *v, const struct ser_tsv *t) {
    struct ser_error e;
    v->first = t->in.name;
    v->columns = t->columns;
    if ((v->id = ser_tsv_need(t, "id", &e)) < 0 ||
        (v->emotion = ser_tsv_need(t, "emotion", &e)) < 0 ||
        (v->predicted = ser_tsv_need(t, "predicted", &e)) < 0)
        die_error(&e);
    v->confidence = ser_tsv_column(t, "confidence");
    v->column = ecalloc((size_t)t->columns, sizeof *v->column);
    for (int i = 0; i < t->columns; i++)
        v->column[i] = estrdup(t->name[i]);
    must(ser_classes_find(&v->classes, t, &e), &e);
    if (!v->classes.n)
        die(SER_BAD, "%s: no columns p_CLASS: there are no probabilities to take the mean of",
            v->first);
}

static const char *id_of(const struct vote *v, const struct row *r) {
    return r->field[v->id];
}

static void add_row(struct vote *v, const struct ser_tsv *t, size_t *cap) {
    if (v->rows == *cap)
        v->row = erealloc(v->row, *cap = *cap ? 2 * *cap : 256, sizeof *v->row);
    char **field = ser_tsv_copy(t);
    if (!field)
        die(SER_SYS, "out of memory");
    v->row[v->rows++] =
        (struct row){.field = field, .sum = ecalloc((size_t)v->classes.n, sizeof(double))};
}

/* For qsort, which knows nothing of columns. */
struct entry {
    const char *id;
    struct row *row;
};

static int by_id(const void *a, const void *b) {
    return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static void sort_rows(struct vote *v) {
    struct entry *at = ecalloc(v->rows, sizeof *at);
    for (size_t i = 0; i < v->rows; i++)
        at[i] = (struct entry){id_of(v, &v->row[i]), &v->row[i]};
    qsort(at, v->rows, sizeof *at, by_id);
    v->sorted = ecalloc(v->rows, sizeof *v->sorted);
    for (size_t i = 0; i < v->rows; i++) {
        v->sorted[i] = at[i].row;
        if (i && strcmp(at[i].id, at[i - 1].id) == 0)
            die(SER_BAD, "%s: the id '%.200s' comes twice", v->first, at[i].id);
    }
    free(at);
}

static struct row *find_row(const struct vote *v, const char *id) {
    size_t from = 0, to = v->rows;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(id, id_of(v, v->sorted[middle]));
        if (!order)
            return v->sorted[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

/* ---- every table ---- */

/* Refuses the table's last row. */
_Noreturn static void bad_row(const struct ser_tsv *t, const char *fmt, ...) SER_PRINTF(2, 3);

_Noreturn static void bad_row(const struct ser_tsv *t, const char *fmt, ...) {
    struct ser_error e;
    char text[1024];
    va_list args;
    va_start(args, fmt);
    ser_format(text, sizeof text, fmt, args);
    va_end(args);
    ser_tsv_fail(t, &e, "%s", text);
    die_error(&e);
}

/* The columns of a table, which must have the classes of the first one. */
static struct columns find_columns(const struct vote *v, const struct ser_tsv *t) {
    struct ser_error e;
    struct columns c = {0};
    if ((c.id = ser_tsv_need(t, "id", &e)) < 0 || (c.emotion = ser_tsv_need(t, "emotion", &e)) < 0)
        die_error(&e);
    must(ser_classes_find(&c.classes, t, &e), &e);
    for (int k = 0; k < v->classes.n; k++) {
        c.place[k] = ser_classes_place(&c.classes, v->classes.name[k]);
        if (c.place[k] == c.classes.n)
            die(SER_BAD,
                "%s: has no column p_%s, which %s has: only models of one set of classes vote",
                t->in.name, v->classes.name[k], v->first);
    }
    if (c.classes.n != v->classes.n)
        die(SER_BAD, "%s: has %d classes, %s has %d: only models of one set of classes vote",
            t->in.name, c.classes.n, v->first, v->classes.n);
    return c;
}

/* Adds the probabilities of the table's row to what there is of that utterance. */
static void add_probabilities(const struct vote *v, const struct ser_tsv *t,
                              const struct columns *c, struct row *r, double weight) {
    struct ser_error e;
    double p[SER_MAX_CLASSES];
    must(ser_classes_whole_row(&c->classes, t, p, &e), &e);
    for (int k = 0; k < v->classes.n; k++) {
        double own = p[c->place[k]];
        r->sum[k] += weight * (opt.log ? ser_ln(own > LEAST ? own : LEAST) : own);
    }
    r->tables++;
}

static void read_first(struct vote *v, struct ser_tsv *t, double weight) {
    struct ser_error e;
    size_t cap = 0;
    int got;
    open_first(v, t);
    struct columns c = find_columns(v, t);
    while ((got = ser_tsv_next(t, &e)) > 0) {
        add_row(v, t, &cap);
        add_probabilities(v, t, &c, &v->row[v->rows - 1], weight);
    }
    if (got < 0)
        die_error(&e);
    if (!v->rows)
        die(SER_BAD, "%s: has no rows", v->first);
    ser_classes_free(&c.classes);
    sort_rows(v);
}

/* Tells of an utterance that a table lacks, when n tables have been read. */
static void refuse_missing(const struct vote *v, const char *name, int n) {
    const struct row *first = NULL;
    size_t missing = 0;
    for (size_t i = 0; i < v->rows; i++)
        if (v->row[i].tables != n && !missing++)
            first = &v->row[i];
    if (missing)
        die(SER_BAD,
            "%s: has no row of %.200s, which %s has (such rows: %zu): only predictions of "
            "the same utterances vote",
            name, id_of(v, first), v->first, missing);
}

static void read_more(struct vote *v, struct ser_tsv *t, double weight, int n) {
    struct ser_error e;
    int got;
    struct columns c = find_columns(v, t);
    while ((got = ser_tsv_next(t, &e)) > 0) {
        const char *id = t->field[c.id], *emotion = t->field[c.emotion];
        struct row *r = find_row(v, id);
        if (!r)
            bad_row(t, "is not in %s: only predictions of the same utterances vote", v->first);
        else if (r->tables == n)
            bad_row(t, "the id '%.200s' comes twice", id);
        else if (strcmp(emotion, r->field[v->emotion]) != 0)
            bad_row(t, "the emotion is '%.100s' here, but '%.100s' in %s", emotion,
                    r->field[v->emotion], v->first);
        else
            add_probabilities(v, t, &c, r, weight);
    }
    if (got < 0)
        die_error(&e);
    ser_classes_free(&c.classes);
    refuse_missing(v, t->in.name, n);
}

/* ---- the vote ---- */

/* The mean: of the probabilities, or that of the logarithms, made probabilities again. */
static void settle(const struct vote *v, struct row *r) {
    double most = r->sum[0], sum = 0;
    if (!opt.log)
        return;
    for (int k = 1; k < v->classes.n; k++)
        most = r->sum[k] > most ? r->sum[k] : most;
    for (int k = 0; k < v->classes.n; k++)
        sum += r->sum[k] = ser_exp(r->sum[k] - most);
    for (int k = 0; k < v->classes.n; k++)
        r->sum[k] /= sum;
}

static void write_row(const struct vote *v, const struct row *r, struct ser_out *o) {
    int best = 0, k = 0, mute = strcmp(r->field[v->predicted], "-") == 0;
    for (int i = 1; i < v->classes.n; i++)
        best = r->sum[i] > r->sum[best] ? i : best;
    for (int i = 0; i < v->columns; i++) {
        if (i)
            ser_out_printf(o, "\t");
        if (k < v->classes.n && i == v->classes.column[k])
            ser_out_printf(o, "%.9g", r->sum[k++]);
        else if (i == v->predicted)
            ser_out_printf(o, "%s", mute ? "-" : v->classes.name[best]);
        else if (i == v->confidence)
            ser_out_printf(o, "%.9g", r->sum[best]);
        else
            ser_out_printf(o, "%s", r->field[i]);
    }
    ser_out_printf(o, "\n");
}

static void write_table(struct vote *v) {
    struct ser_out o;
    struct ser_error e;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    for (int i = 0; i < v->columns; i++)
        ser_out_printf(&o, "%s%c", v->column[i], i + 1 < v->columns ? '\t' : '\n');
    for (size_t i = 0; i < v->rows; i++) {
        settle(v, &v->row[i]);
        write_row(v, &v->row[i], &o);
    }
    must(ser_out_close(&o, &e), &e);
}

static void release(struct vote *v) {
    for (int i = 0; i < v->columns; i++)
        free(v->column[i]);
    for (size_t i = 0; i < v->rows; i++) {
        free(v->row[i].field);
        free(v->row[i].sum);
    }
    ser_classes_free(&v->classes);
    free(v->column);
    free(v->row);
    free(v->sorted);
}

/* ---- the command line ---- */

/* The weights of n tables, which add up to 1; the caller frees. */
static double *read_weights(int n) {
    double *weight = ecalloc((size_t)n, sizeof *weight), sum = 0;
    char *copy = estrdup(opt.weights ? opt.weights : ""), *rest = copy, *word;
    int given = 0;
    for (; opt.weights && (word = strsep(&rest, ",")); given++) {
        double w;
        if (ser_parse_real(word, 0, MAX_WEIGHT, &w))
            ser_usage("--weights: '%.100s' is not a number from 0 to %g", word, MAX_WEIGHT);
        if (given < n)
            sum += weight[given] = w;
    }
    if (opt.weights && given != n)
        ser_usage("--weights: %d for %d table%s: give one each", given, n, n == 1 ? "" : "s");
    if (opt.weights && sum <= 0)
        ser_usage("--weights: all are 0: nobody votes");
    for (int i = 0; i < n; i++)
        weight[i] = opt.weights ? weight[i] / sum : 1.0 / n;
    free(copy);
    return weight;
}

int main(int argc, char **argv) {
    struct vote v = {0};
    struct ser_error e;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool), n = first < argc ? argc - first : 1;
    ser_one_stdin(argv + first, first < argc ? NULL : "-", NULL);
    ser_keep_inputs("--output", opt.output, argv + first, NULL, NULL);
    double *weight = read_weights(n);
    for (int i = 0; i < n; i++) {
        struct ser_tsv t;
        must(ser_tsv_open(&t, argv[first + i], &e), &e);
        if (i)
            read_more(&v, &t, weight[i], i + 1);
        else
            read_first(&v, &t, weight[i]);
        ser_tsv_close(&t);
    }
    write_table(&v);
    release(&v);
    free(weight);
    return SER_OK;
}
