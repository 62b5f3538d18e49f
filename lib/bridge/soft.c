#include "bridge/soft.h"

#include "bridge/evaluation.h"
#include "math/mathfun.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A table, as samples look into it. */
struct table {
    const struct ser_predictions *f;
    const struct ser_prediction **by_id; /* [f->n]; owned */
    int column[SER_MAX_CLASSES];         /* of each class */
};

/* ---- classes ---- */

static int match_classes(struct table *t, char *const *class, int classes, struct ser_error *e) {
    const struct ser_predictions *f = t->f;
    for (int k = 0; k < classes; k++)
        if ((t->column[k] = ser_classes_place(&f->classes, class[k])) == f->classes.n)
            return ser_fail(e, SER_BAD,
                            "%s: has no column p_%.100s: a teacher knows the classes of the "
                            "training data, and no others",
                            f->name, class[k]);
    for (int c = 0; c < f->classes.n; c++) {
        int k = 0;
        while (k < classes && t->column[k] != c)
            k++;
        if (k == classes)
            return ser_fail(e, SER_BAD,
                            "%s: has a column p_%.100s, but the training data no such class: a "
                            "teacher knows the same classes",
                            f->name, f->classes.name[c]);
    }
    return 0;
}

/* ---- rows ---- */

static int by_id(const void *a, const void *b) {
    const struct ser_prediction *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

struct key {
    const char *text;
    size_t n; /* bytes of it */
};

static int against(const void *key, const void *at) {
    const struct key *k = key;
    const struct ser_prediction *const *row = at;
    int order = strncmp(k->text, (*row)->id, k->n);
    return order ? order : (*row)->id[k->n] ? -1 : 0;
}

static const struct ser_prediction *find(const struct table *t, const char *text, size_t n) {
    const struct key key = {text, n};
    const struct ser_prediction **at =
        bsearch(&key, t->by_id, t->f->n, sizeof(const struct ser_prediction *), against);
    return at ? *at : NULL;
}

static const struct ser_prediction *row_of(const struct table *t, const struct ser_sample *s) {
    const struct ser_prediction *own = find(t, s->key, strlen(s->key));
    return own ? own : find(t, s->key, s->id);
}

static int refuse_missing(const struct table *t, const struct ser_dataset *d, size_t first,
                          struct ser_error *e) {
    char left_out[512] = "";
    size_t missing = 0;
    for (size_t i = first; i < d->n; i++)
        missing += !row_of(t, &d->at[i]);
    int told = ser_predictions_left_out(t->f, left_out, sizeof left_out);
    return ser_fail(
        e, SER_BAD, "%s: has no row of %.*s, which is in the training data (such samples: %zu)%s%s",
        t->f->name, (int)d->at[first].id, d->at[first].key, missing, told ? "; " : "", left_out);
}

/* ---- targets ---- */

static void soften(const double *p, int K, double temperature, float *q) {
    double top = 0, sum = 0, w[SER_MAX_CLASSES];
    for (int k = 0; k < K; k++)
        top = p[k] > top ? p[k] : top;
    for (int k = 0; k < K; k++)
        sum += w[k] = p[k] > 0 ? ser_exp(ser_ln(p[k] / top) / temperature) : 0;
    for (int k = 0; k < K; k++)
        q[k] = (float)(w[k] / sum);
}

static int take_targets(struct ser_soft *s, const struct table *t, const struct ser_dataset *d,
                        int classes, double temperature, struct ser_error *e) {
    size_t K = (size_t)classes;
    double p[SER_MAX_CLASSES];
    for (size_t i = 0; i < d->n; i++) {
        const struct ser_prediction *row = row_of(t, &d->at[i]);
        const char *emotion = d->emotion[d->at[i].emotion];
        if (!row)
            return refuse_missing(t, d, i, e);
        if (strcmp(row->truth, emotion) != 0)
            return ser_fail(e, SER_BAD,
                            "%s: the emotion of %.200s is '%.100s' there, but '%.100s' in the "
                            "training data: it is of other recordings",
                            t->f->name, row->id, row->truth, emotion);
        const double *of = t->f->p + (size_t)(row - t->f->at) * (size_t)t->f->classes.n;
        for (size_t k = 0; k < K; k++)
            p[k] = of[t->column[k]];
        s->table = XXH3_64bits_withSeed(p, K * sizeof *p, s->table);
        soften(p, classes, temperature, s->target + i * K);
    }
    return 0;
}

static int take_table(struct ser_soft *s, const struct ser_predictions *f,
                      const struct ser_dataset *d, char *const *class, int classes,
                      double temperature, struct ser_error *e) {
    struct table t = {.f = f};
    if (match_classes(&t, class, classes, e))
        return -1;
    t.by_id = calloc(f->n, sizeof(const struct ser_prediction *));
    s->target = calloc(d->n, (size_t)classes * sizeof *s->target);
    if (!t.by_id || !s->target) {
        free(t.by_id);
        return ser_no_memory(e);
    }
    for (size_t i = 0; i < f->n; i++)
        t.by_id[i] = &f->at[i];
    qsort(t.by_id, f->n, sizeof(const struct ser_prediction *), by_id);
    int failed = take_targets(s, &t, d, classes, temperature, e);
    free(t.by_id);
    return failed;
}

int ser_soft_read(struct ser_soft *s, const char *path, const struct ser_dataset *d,
                  char *const *class, int classes, double temperature, struct ser_error *e) {
    struct ser_evaluation v = {0};
    *s = (struct ser_soft){0};
    int failed = ser_evaluation_read(&v, path, e) ||
                 take_table(s, &v.file[0], d, class, classes, temperature, e);
    ser_evaluation_free(&v);
    return failed ? -1 : 0;
}

void ser_soft_free(struct ser_soft *s) {
    free(s->target);
    *s = (struct ser_soft){0};
}
