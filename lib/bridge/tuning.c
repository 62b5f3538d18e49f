#include "bridge/tuning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/tsv.h"

const char *const ser_tuning_by[] = {"recall", "loss", "accuracy"};

enum { MAX_EPOCHS = 1000000, MAX_RUNGS = 1000 };

/* ---- the table ---- */

enum { TRIAL, RUNG, EPOCHS, LOSS, ACCURACY, RECALL, NEEDED, BY = NEEDED, SPACE, SEED, KNOWN };
static const char *const known[KNOWN] = {"trial",      "rung", "epochs", "val_loss", "val_accuracy",
                                         "val_recall", "by",   "space",  "seed"};

struct source {
    struct ser_tsv tsv;
    int at[KNOWN];                  /* columns; -1: not there */
    int option[SER_TUNING_OPTIONS]; /* columns of the options */
    size_t results_cap, drawn_cap;
};

static int is_known(const char *name) {
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(name, known[i]) == 0)
            return 1;
    return 0;
}

static int find_columns(struct ser_tuning *t, struct source *s, struct ser_error *e) {
    for (int i = 0; i < NEEDED; i++)
        if ((s->at[i] = ser_tsv_need(&s->tsv, known[i], e)) < 0)
            return -1;
    for (int i = NEEDED; i < KNOWN; i++)
        s->at[i] = ser_tsv_column(&s->tsv, known[i]);
    for (int i = 0; i < s->tsv.columns; i++) {
        if (is_known(s->tsv.name[i]))
            continue;
        if (t->options == SER_TUNING_OPTIONS)
            return ser_fail(e, SER_BAD, "%s: more than %d options", s->tsv.in.name,
                            SER_TUNING_OPTIONS);
        s->option[t->options] = i;
        if (!(t->option[t->options++].name = ser_set_keep(&t->texts, s->tsv.name[i])))
            return ser_no_memory(e);
    }
    return 0;
}

static int read_figures(const struct source *s, struct ser_tuning_result *r, struct ser_error *e) {
    char *const *f = s->tsv.field;
    const char *loss = f[s->at[LOSS]], *accuracy = f[s->at[ACCURACY]], *recall = f[s->at[RECALL]];
    r->failed = strcmp(loss, "-") == 0 && strcmp(accuracy, "-") == 0 && strcmp(recall, "-") == 0;
    if (!r->failed &&
        (ser_parse_real(loss, 0, 1e300, &r->loss) || ser_parse_real(accuracy, 0, 1, &r->accuracy) ||
         ser_parse_real(recall, 0, 1, &r->recall)))
        return ser_tsv_fail(&s->tsv, e,
                            "val_loss, val_accuracy and val_recall are no figures, and not all -");
    return 0;
}

/* All rows say the same of what is judged by. */
static int read_by(struct ser_tuning *t, const struct source *s, struct ser_error *e) {
    const char *word = s->at[BY] < 0 ? ser_tuning_by[0] : s->tsv.field[s->at[BY]];
    int by = 0;
    while (by < 3 && strcmp(word, ser_tuning_by[by]) != 0)
        by++;
    if (by == 3)
        return ser_tsv_fail(&s->tsv, e, "by is '%.40s': expected recall, loss or accuracy", word);
    if (t->results && (int)t->by != by)
        return ser_tsv_fail(&s->tsv, e, "by is %s here, and another word before", word);
    t->by = (enum ser_tuning_by)by;
    return 0;
}

static int read_drawn(struct ser_tuning *t, struct source *s, struct ser_error *e) {
    size_t n = t->options;
    if (n && ser_grow(&t->drawn, &s->drawn_cap, (t->results + 1) * n, sizeof *t->drawn))
        return ser_no_memory(e);
    for (size_t i = 0; i < n; i++) {
        const char *text = s->tsv.field[s->option[i]];
        int none = !*text || strcmp(text, "-") == 0;
        if (!(t->drawn[t->results * n + i] = none ? "" : ser_set_keep(&t->texts, text)))
            return ser_no_memory(e);
        if (none)
            t->drawn[t->results * n + i] = NULL;
    }
    return 0;
}

static int read_row(struct ser_tuning *t, struct source *s, struct ser_error *e) {
    struct ser_tuning_result r = {.row = t->results};
    char *const *f = s->tsv.field;
    if (t->results == SER_TUNING_RESULTS)
        return ser_tsv_fail(&s->tsv, e, "more than %d results", SER_TUNING_RESULTS);
    if (ser_parse_int(f[s->at[TRIAL]], 1, 1000000000, &r.trial) ||
        ser_parse_int(f[s->at[RUNG]], 0, MAX_RUNGS - 1, &r.rung) ||
        ser_parse_int(f[s->at[EPOCHS]], 1, MAX_EPOCHS, &r.epochs))
        return ser_tsv_fail(&s->tsv, e, "trial counts from 1, rung from 0, epochs from 1");
    if (read_by(t, s, e) || read_figures(s, &r, e) || read_drawn(t, s, e))
        return -1;
    if (ser_grow(&t->result, &s->results_cap, t->results + 1, sizeof *t->result))
        return ser_no_memory(e);
    t->result[t->results++] = r;
    return 0;
}

/* ---- what the options are ---- */

/* What was drawn of an option for the result's row. */
static const char *drawn(const struct ser_tuning *t, const struct ser_tuning_result *r, size_t o) {
    return t->drawn[r->row * t->options + o];
}

static int number_of(const char *text, double *x) {
    return text ? ser_parse_real(text, -1e300, 1e300, x) : -1;
}

static int measure(struct ser_tuning *t, size_t o) {
    struct ser_tuning_option *to = &t->option[o];
    struct ser_set seen = {0};
    int added = 0;
    to->lo = INFINITY;
    to->hi = -INFINITY;
    for (size_t i = 0; i < t->results && added >= 0; i++) {
        const char *text = drawn(t, &t->result[i], o);
        double x;
        if (!text)
            continue;
        added = ser_set_add(&seen, text);
        if (number_of(text, &x)) {
            to->words = 1;
        } else {
            to->lo = fmin(to->lo, x);
            to->hi = fmax(to->hi, x);
        }
    }
    to->values = seen.n;
    to->log = to->lo > 0 && to->hi >= 20 * to->lo;
    if (to->words && added >= 0) {
        char **list = ser_set_sorted(&seen);
        for (size_t i = 0; list && i < seen.n; i++) /* the tuning's, not the set's */
            list[i] = (char *)ser_set_get(&t->texts, list[i]);
        to->word = list;
        added = list ? 0 : -1;
    }
    ser_set_free(&seen);
    return added < 0 ? -1 : 0;
}

static int by_trial(const void *a, const void *b) {
    const struct ser_tuning_result *x = a, *y = b;
    int order = (x->trial > y->trial) - (x->trial < y->trial);
    return order ? order : (x->rung > y->rung) - (x->rung < y->rung);
}

static int put_in_order(struct ser_tuning *t, const char *name, struct ser_error *e) {
    if (!t->results)
        return ser_fail(e, SER_BAD, "%s: no result in it", name);
    qsort(t->result, t->results, sizeof *t->result, by_trial);
    for (size_t i = 0; i < t->results; i++) {
        const struct ser_tuning_result *r = &t->result[i];
        t->trials += !i || r->trial != r[-1].trial;
        if (i && r->trial == r[-1].trial && r->rung == r[-1].rung)
            return ser_fail(e, SER_BAD, "%s: trial %lld has two results on rung %lld", name,
                            (long long)r->trial, (long long)r->rung);
    }
    for (size_t o = 0; o < t->options; o++)
        if (measure(t, o))
            return ser_no_memory(e);
    return 0;
}

/* ---- who is better ---- */

double ser_tuning_worth(const struct ser_tuning *t, const struct ser_tuning_result *r) {
    return r->failed                    ? -INFINITY
           : t->by == SER_TUNING_LOSS   ? -r->loss
           : t->by == SER_TUNING_RECALL ? r->recall
                                        : r->accuracy;
}

int ser_tuning_before(const struct ser_tuning *t, const struct ser_tuning_result *a,
                      const struct ser_tuning_result *b) {
    double x = ser_tuning_worth(t, a), y = ser_tuning_worth(t, b);
    if (a->failed != b->failed)
        return b->failed;
    if (a->rung != b->rung)
        return a->rung > b->rung;
    return x != y ? x > y : a->trial < b->trial;
}

size_t ser_tuning_last(const struct ser_tuning *t, size_t i) {
    while (i + 1 < t->results && t->result[i + 1].trial == t->result[i].trial)
        i++;
    return i;
}

/* qsort knows no context, so each result goes with its search. */
struct ranked {
    const struct ser_tuning *t;
    const struct ser_tuning_result *r;
};

static int by_rank(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    return x->r == y->r ? 0 : ser_tuning_before(x->t, x->r, y->r) ? -1 : 1;
}

/* The last result of each trial, the best first, [trials]; NULL without memory. */
static const struct ser_tuning_result **rank(const struct ser_tuning *t) {
    const struct ser_tuning_result **to = calloc(t->trials, sizeof *to);
    struct ranked *list = calloc(t->trials, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; to && list && i < t->results; i++) {
        i = ser_tuning_last(t, i);
        list[n++] = (struct ranked){t, &t->result[i]};
    }
    if (n)
        qsort(list, n, sizeof *list, by_rank);
    for (size_t i = 0; i < n; i++)
        to[i] = list[i].r;
    free(list);
    if (n)
        return to;
    free(to);
    return NULL;
}

/* ---- options ---- */

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

double ser_tuning_place(const struct ser_tuning *t, const struct ser_tuning_result *r, size_t o) {
    const struct ser_tuning_option *option = &t->option[o];
    const char *text = drawn(t, r, o);
    double x = 0;
    if (!text)
        return NAN;
    if (option->words) {
        char *const *at =
            bsearch(&text, option->word, option->values, sizeof *option->word, by_bytes);
        size_t i = at ? (size_t)(at - option->word) : 0;
        return option->values > 1 ? (double)i / (double)(option->values - 1) : 0.5;
    }
    if (number_of(text, &x) || option->hi <= option->lo)
        return 0.5;
    return option->log ? (log(x) - log(option->lo)) / (log(option->hi) - log(option->lo))
                       : (x - option->lo) / (option->hi - option->lo);
}

/* The rung that most trials have a result on; of equal ones the lowest. */
static int64_t common_rung(const struct ser_tuning *t) {
    size_t n[MAX_RUNGS] = {0};
    int64_t common = 0;
    for (size_t i = 0; i < t->results; i++)
        n[t->result[i].rung]++;
    for (int64_t rung = 1; rung < MAX_RUNGS; rung++)
        common = n[rung] > n[common] ? rung : common;
    return common;
}

/* Groups of the n results at place: words by their order, numbers by quantiles. */
static int find_groups(const struct ser_tuning_option *option, const double *place, size_t n,
                       int *group, double *scratch) {
    size_t applies = 0;
    for (size_t i = 0; i < n; i++)
        applies += !isnan(place[i]);
    if (!option->words) {
        size_t groups = applies / SER_TUNING_MEMBERS;
        groups = groups > SER_TUNING_GROUPS ? SER_TUNING_GROUPS : groups < 2 ? 2 : groups;
        return ser_quantile_groups(place, n, (int)groups, group, scratch);
    }
    if (option->values > SER_MAX_GROUPS)
        return 0;
    for (size_t i = 0; i < n; i++)
        group[i] = isnan(place[i])      ? -1
                   : option->values < 2 ? 0
                                        : (int)lround(place[i] * (double)(option->values - 1));
    return (int)option->values;
}

/* Finds the importance of an option; 0, or -1 without memory. */
static int weigh(struct ser_tuning *t, size_t o) {
    size_t n = 0, m = t->results;
    double *at = calloc(m + 1, 4 * sizeof *at); /* place, worth, rank, scratch */
    int *group = calloc(m + 1, sizeof *group);
    if (at && group) {
        double *place = at, *worth = at + m, *rank = at + 2 * m, *scratch = at + 3 * m;
        for (size_t i = 0; i < m; i++) {
            const struct ser_tuning_result *r = &t->result[i];
            if (r->rung != t->common || isnan(place[n] = ser_tuning_place(t, r, o)))
                continue;
            worth[n++] = ser_tuning_worth(t, r);
        }
        ser_ranks(worth, n, rank, scratch);
        if (find_groups(&t->option[o], place, n, group, scratch))
            ser_anova(rank, group, n, &t->option[o].importance);
    }
    int failed = at && group ? 0 : -1;
    free(at);
    free(group);
    return failed;
}

/* ---- all of it ---- */

/* Trials in their order, and importance; 0, or -1 without memory. */
static int judge(struct ser_tuning *t) {
    t->rank = rank(t);
    t->common = common_rung(t);
    for (size_t i = 0; i < t->results; i++)
        if (t->result[i].rung == t->common)
            t->common_epochs = t->result[i].epochs;
    int failed = !t->rank;
    for (size_t o = 0; o < t->options && !failed; o++)
        failed = t->option[o].values > 1 && weigh(t, o);
    return failed ? -1 : 0;
}

int ser_tuning_read(struct ser_tuning *t, const char *path, struct ser_error *e) {
    struct source s = {.results_cap = 0};
    int got;
    *t = (struct ser_tuning){0};
    if (ser_tsv_open(&s.tsv, path, e))
        return -1;
    got = find_columns(t, &s, e);
    while (!got && (got = ser_tsv_next(&s.tsv, e)) > 0)
        got = read_row(t, &s, e);
    if (!got)
        got = put_in_order(t, s.tsv.in.name, e);
    if (!got && judge(t))
        got = ser_no_memory(e);
    ser_tsv_close(&s.tsv);
    if (got)
        ser_tuning_free(t);
    return got;
}

void ser_tuning_free(struct ser_tuning *t) {
    for (size_t o = 0; o < t->options; o++)
        free(t->option[o].word);
    free(t->rank);
    free(t->result);
    free(t->drawn);
    ser_set_free(&t->texts);
    *t = (struct ser_tuning){0};
}
