#include "bridge/evaluation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"

const char *const ser_grouping_name[SER_GROUPINGS] = {"speaker", "corpus", "sex"};

/* ---- reading ---- */

/* Of a truth: it is unknown. Of a prediction: there is none, for want of speech. */
static int is_none(const char *s) {
    return strcmp(s, "-") == 0;
}

static int is_class(const char *s) {
    return *s && !is_none(s) && ser_is_text(s, strlen(s));
}

/* What reading a file needs to know of its table. */
struct columns {
    int id, truth, predicted, group[SER_GROUPINGS];
};

static int find_columns(struct ser_evaluation *v, struct ser_predictions *f, struct columns *c,
                        const struct ser_tsv *t, struct ser_error *e) {
    c->id = ser_tsv_need(t, "id", e);
    c->truth = ser_tsv_need(t, "emotion", e);
    c->predicted = ser_tsv_need(t, "predicted", e);
    if (c->id < 0 || c->truth < 0 || c->predicted < 0)
        return -1;
    for (int g = 0; g < SER_GROUPINGS; g++)
        c->group[g] = ser_tsv_column(t, ser_grouping_name[g]);
    if (ser_classes_find(&f->classes, t, e))
        return -1;
    for (int k = 0; k < f->classes.n; k++)
        if (ser_set_add(&v->class_set, f->classes.name[k]) < 0)
            return ser_no_memory(e);
    return 0;
}

/* What is wrong with a row as a row of predictions; ids are those before it. */
static int check_row(const struct ser_evaluation *v, const struct ser_predictions *f,
                     const struct columns *c, const struct ser_tsv *t, struct ser_set *ids,
                     struct ser_error *e) {
    const char *id = t->field[c->id], *truth = t->field[c->truth];
    const char *predicted = t->field[c->predicted];
    int fresh = ser_set_add(ids, id);
    if (fresh < 0)
        return ser_no_memory(e);
    if (!fresh)
        return ser_tsv_fail(t, e, "the id '%.200s' comes twice", id);
    if ((!is_class(predicted) && !is_none(predicted)) || (!is_class(truth) && !is_none(truth)))
        return ser_tsv_fail(t, e, "emotion or predicted is empty or not UTF-8 text");
    if (f->classes.n && !is_none(predicted) &&
        ser_classes_place(&f->classes, predicted) == f->classes.n)
        return ser_tsv_fail(t, e, "predicted is '%.100s', but there is no column p_%.100s",
                            predicted, predicted);
    if (v->class_set.n > SER_MAX_CLASSES)
        return ser_tsv_fail(t, e, "more than %d classes: not predictions", SER_MAX_CLASSES);
    return 0;
}

static int read_row(struct ser_evaluation *v, struct ser_predictions *f, const struct columns *c,
                    const struct ser_tsv *t, struct ser_error *e) {
    if (ser_grow(&f->at, &f->cap, f->n + 1, sizeof *f->at))
        return ser_no_memory(e);
    struct ser_prediction *r = &f->at[f->n++];
    *r = (struct ser_prediction){
        .id = ser_set_keep(&v->texts, t->field[c->id]),
        .truth = ser_set_keep(&v->texts, t->field[c->truth]),
        .predicted = ser_set_keep(&v->texts, t->field[c->predicted]),
    };
    int kept = r->id && r->truth && r->predicted;
    for (int g = 0; g < SER_GROUPINGS; g++) {
        r->group[g] = ser_set_keep(&v->texts, c->group[g] < 0 ? "-" : t->field[c->group[g]]);
        kept &= r->group[g] != NULL;
    }
    if (!kept || ser_set_add(&v->class_set, r->truth) < 0 ||
        ser_set_add(&v->class_set, r->predicted) < 0)
        return ser_no_memory(e);
    if (!f->classes.n)
        return 0;
    size_t columns = (size_t)f->classes.n;
    if (ser_grow(&f->p, &f->p_cap, f->n * columns, sizeof *f->p))
        return ser_no_memory(e);
    return ser_classes_whole_row(&f->classes, t, f->p + (f->n - 1) * columns, e);
}

static int read_rows(struct ser_evaluation *v, struct ser_predictions *f, const struct columns *c,
                     struct ser_tsv *t, struct ser_error *e) {
    struct ser_set ids = {0};
    size_t unknown = 0, mute = 0;
    int got;
    while ((got = ser_tsv_next(t, e)) > 0) {
        got = check_row(v, f, c, t, &ids, e);
        if (!got && is_none(t->field[c->truth]))
            unknown++;
        else if (!got && is_none(t->field[c->predicted]))
            mute++;
        else if (!got)
            got = read_row(v, f, c, t, e);
        if (got)
            break;
    }
    ser_set_free(&ids);
    if (got < 0)
        return -1;
    f->unknown = unknown;
    f->mute = mute;
    if (!f->n && mute)
        return ser_fail(
            e, SER_BAD,
            "%s: no emotion is predicted of an utterance whose own is known: nothing to "
            "evaluate",
            f->name);
    if (!f->n)
        return ser_fail(e, SER_BAD, "%s: no utterance of known emotion: nothing to evaluate",
                        f->name);
    return 0;
}

int ser_evaluation_read_table(struct ser_evaluation *v, struct ser_tsv *t, struct ser_error *e) {
    struct columns c = {0};
    struct ser_predictions *more = reallocarray(v->file, (size_t)v->files + 1, sizeof *more);
    if (!more)
        return ser_no_memory(e);
    v->file = more;
    struct ser_predictions *f = &v->file[v->files++];
    *f = (struct ser_predictions){.name = t->in.name};
    return find_columns(v, f, &c, t, e) || read_rows(v, f, &c, t, e) ? -1 : 0;
}

int ser_evaluation_read(struct ser_evaluation *v, const char *path, struct ser_error *e) {
    struct ser_tsv t;
    if (ser_tsv_open(&t, path, e))
        return -1;
    int failed = ser_evaluation_read_table(v, &t, e);
    ser_tsv_close(&t);
    return failed;
}

int ser_predictions_left_out(const struct ser_predictions *f, char *text, size_t size) {
    int one = f->unknown == 1, one_mute = f->mute == 1;
    char mute[96] = "";
    if (f->mute)
        snprintf(mute, sizeof mute, "%zu utterance%s without speech, predicted -, %s left out",
                 f->mute, one_mute ? "" : "s", one_mute ? "is" : "are");
    if (f->unknown)
        snprintf(text, size, "%s: %zu utterance%s of unknown emotion %s left out%s%s", f->name,
                 f->unknown, one ? "" : "s", one ? "is" : "are", f->mute ? "; " : "", mute);
    else if (f->mute)
        snprintf(text, size, "%s: %s", f->name, mute);
    return f->unknown || f->mute;
}

/* ---- scoring ---- */

static int class_of(const struct ser_evaluation *v, const char *name) {
    return (int)ser_sorted_place(v->class_name, (size_t)v->classes, name);
}

/* Texts become classes, and probabilities [n,classes]; a class that the file does not know has 0. */
static int number_classes(const struct ser_evaluation *v, struct ser_predictions *f) {
    size_t K = (size_t)v->classes, cap = 0;
    double *p = NULL;
    if (ser_grow(&p, &cap, f->n * K, sizeof *p))
        return -1;
    memset(p, 0, f->n * K * sizeof *p);
    for (size_t i = 0; i < f->n; i++) {
        f->at[i].t = class_of(v, f->at[i].truth);
        f->at[i].y = class_of(v, f->at[i].predicted);
        f->at[i].p = f->classes.n ? p + i * K : NULL;
    }
    for (int c = 0; c < f->classes.n; c++) {
        int y = class_of(v, f->classes.name[c]);
        for (size_t i = 0; i < f->n; i++)
            p[i * K + (size_t)y] = f->p[i * (size_t)f->classes.n + (size_t)c];
    }
    free(f->p);
    f->p = p;
    f->p_cap = cap;
    return 0;
}

int ser_evaluation_temperature(const struct ser_evaluation *v, double *t, struct ser_error *e) {
    const struct ser_result *all = &v->all;
    size_t K = (size_t)v->classes;
    if (!all->calibrated)
        return ser_fail(e, SER_BAD,
                        "%s: has no probabilities, which a temperature is fitted to: it needs "
                        "columns p_CLASS",
                        v->file[0].name);
    double *p = calloc(all->n + 1, K * sizeof *p);
    int *truth = calloc(all->n + 1, sizeof *truth);
    for (size_t i = 0; p && truth && i < all->n; i++) {
        memcpy(p + i * K, all->at[i]->p, K * sizeof *p);
        truth[i] = all->at[i]->t;
    }
    *t = p && truth ? ser_fit_temperature(p, truth, all->n, v->classes) : -1;
    free(p);
    free(truth);
    if (*t < 0)
        return ser_no_memory(e);
    return *t > 0 ? 0
                  : ser_fail(e, SER_BAD,
                             "%s: no temperature from %g to %g is best: these predictions are too "
                             "few, all right, or no better than chance",
                             v->file[0].name, SER_MIN_TEMPERATURE, (double)SER_MAX_TEMPERATURE);
}

static int calibrate(const struct ser_evaluation *v, struct ser_result *s) {
    size_t K = (size_t)v->classes;
    double *p = calloc(s->n + 1, K * sizeof *p), *confidence = calloc(s->n + 1, sizeof *confidence);
    int *truth = calloc(s->n + 1, sizeof *truth), *predicted = calloc(s->n + 1, sizeof *predicted);
    int failed = !p || !confidence || !truth || !predicted;
    for (size_t i = 0; i < s->n && !failed; i++) {
        memcpy(p + i * K, s->at[i]->p, K * sizeof *p);
        truth[i] = s->at[i]->t;
        predicted[i] = s->at[i]->y;
        confidence[i] = s->at[i]->p[predicted[i]];
    }
    if (!failed) {
        s->calibration = ser_calibrate(p, truth, predicted, s->n, v->classes, s->bin);
        failed = ser_reject_curve(confidence, truth, predicted, s->n, SER_REJECT_STEPS, s->reject);
    }
    free(p);
    free(confidence);
    free(truth);
    free(predicted);
    return failed ? -1 : 0;
}

/* Scores the result's utterances. */
static int score(const struct ser_evaluation *v, struct ser_result *s) {
    s->calibrated = 1;
    for (size_t i = 0; i < s->n; i++) {
        /* It is there. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        s->confusion[s->at[i]->t * v->classes + s->at[i]->y]++;
        s->calibrated &= s->at[i]->p != NULL;
    }
    s->scores = ser_score_confusion(s->confusion, v->classes, s->of);
    return s->calibrated ? calibrate(v, s) : 0;
}

/* Gives n >= 1 results, which are zeros, their arrays. Those of all are three, since together the
 * results are of as many utterances as there are; free_results frees them. */
static int new_results(const struct ser_evaluation *v, struct ser_result *s, size_t n) {
    size_t K = (size_t)v->classes, all = 0;
    for (int f = 0; f < v->files; f++)
        all += v->file[f].n;
    s->at = calloc(all + 1, sizeof *s->at);
    s->confusion = calloc(n + 1, K * K * sizeof *s->confusion);
    s->of = calloc(n + 1, K * sizeof *s->of);
    if (!s->at || !s->confusion || !s->of)
        return -1;
    for (size_t i = 1; i < n; i++) {
        s[i].confusion = s->confusion + i * K * K;
        s[i].of = s->of + i * K;
    }
    return 0;
}

static void free_results(const struct ser_result *s) {
    if (!s)
        return;
    free(s->at);
    free(s->confusion);
    free(s->of);
}

/* Which utterances: those of files from..to-1, all or a member of a grouping. */
struct selection {
    int from, to;
    enum ser_grouping grouping;
    const char *member; /* NULL: all. Equal texts are one pointer */
};

/* Scores result i of several, whose utterances stand behind those of the one before it. */
static int select_and_score(const struct ser_evaluation *v, const char *name,
                            const struct selection *from, struct ser_result *s, size_t i) {
    if (i)
        s[i].at = s[i - 1].at + s[i - 1].n;
    s[i].name = name;
    for (int f = from->from; f < from->to; f++)
        for (size_t k = 0; k < v->file[f].n; k++) {
            const struct ser_prediction *r = &v->file[f].at[k];
            if (!from->member || r->group[from->grouping] == from->member)
                s[i].at[s[i].n++] = r;
        }
    return score(v, &s[i]);
}

/* The members of a grouping, by name. */
static int split_by(struct ser_evaluation *v, enum ser_grouping g) {
    struct ser_set names = {0};
    int failed = 0;
    for (size_t i = 0; i < v->all.n && !failed; i++)
        failed = ser_set_add(&names, v->all.at[i]->group[g]) < 0;
    char **name = failed ? NULL : ser_set_sorted(&names);
    struct ser_result *s = failed ? NULL : calloc(names.n + 1, sizeof *s);
    failed = !name || !s || new_results(v, s, names.n);
    v->member[g] = s;
    v->members[g] = failed ? 0 : names.n;
    for (size_t i = 0; i < v->members[g] && !failed; i++) {
        const char *text = ser_set_get(&v->texts, name[i]);
        const struct selection of = {0, v->files, g, text};
        failed = select_and_score(v, text, &of, s, i);
    }
    free(name);
    ser_set_free(&names);
    return failed ? -1 : 0;
}

/* The confusion of each speaker whose name is known, [*known][classes,classes], from the part'th of
 * parts equal parts of the speaker's utterances; the caller frees. */
static size_t *confusions(const struct ser_evaluation *v, size_t part, size_t parts,
                          size_t *known) {
    size_t K = (size_t)v->classes, n = v->members[SER_BY_SPEAKER];
    size_t *all = calloc(n + 1, K * K * sizeof *all);
    *known = 0;
    if (!all)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct ser_result *s = &v->member[SER_BY_SPEAKER][i];
        if (strcmp(s->name, "-") == 0)
            continue;
        size_t *cells = all + (*known)++ * K * K;
        for (size_t k = s->n * part / parts; k < s->n * (part + 1) / parts; k++)
            cells[s->at[k]->t * v->classes + s->at[k]->y]++;
    }
    return all;
}

/* Intervals of the speakers' scores, or with two systems of the differences: 1; 0 if there are too
 * few speakers. */
static int find_intervals(const struct ser_evaluation *v, size_t systems, int draws, uint64_t seed,
                          struct ser_interval in[SER_INTERVALS]) {
    size_t known;
    size_t *a = confusions(v, 0, systems, &known);
    size_t *b = systems > 1 ? confusions(v, 1, systems, &known) : NULL;
    int done = !a || (systems > 1 && !b) ? -1 : known >= SER_MIN_SPEAKERS;
    if (done > 0 && ser_bootstrap(a, b, known, v->classes, draws, seed, &in[0], &in[1], &in[2]))
        done = -1;
    free(a);
    free(b);
    return done;
}

/* ---- figures by name ---- */

const struct ser_figure ser_figure[SER_FIGURES] = {
    {"wa", "accuracy (WA)"},        {"ua", "unweighted recall (UA)"},   {"macro_f1", "macro F1"},
    {"weighted_f1", "weighted F1"}, {"top2", "top-2 accuracy"},         {"log_loss", "log loss"},
    {"brier", "Brier score"},       {"ece", "calibration error (ECE)"},
};

double ser_figure_of(const struct ser_result *r, int figure) {
    const double value[SER_FIGURES] = {
        r->scores.wa,          r->scores.ua,        r->scores.macro_f1,
        r->scores.weighted_f1, r->calibration.top2, r->calibration.log_loss,
        r->calibration.brier,  r->calibration.ece,
    };
    return value[figure];
}

const char *const ser_bin_name[SER_BINS] = {"0.1", "0.2", "0.3", "0.4", "0.5",
                                            "0.6", "0.7", "0.8", "0.9", "1.0"};
const char *const ser_step_name[SER_REJECT_STEPS] = {"0",  "10", "20", "30", "40",
                                                     "50", "60", "70", "80", "90"};

double ser_confusion_rate(const struct ser_evaluation *v, const struct ser_result *r, int t,
                          int y) {
    size_t n = r->of[t].support;
    return n ? (double)r->confusion[t * v->classes + y] / (double)n : 0;
}

static int add(struct ser_values *l, const char *name, const char *class, const char *predicted,
               double value, enum ser_value_kind kind) {
    if (ser_grow(&l->at, &l->cap, l->n + 1, sizeof *l->at))
        return -1;
    l->at[l->n++] = (struct ser_value){name, class, predicted, value, kind};
    return 0;
}

int ser_values_total(struct ser_values *l, const struct ser_result *r, int calibrated) {
    int failed = add(l, "n", NULL, NULL, (double)r->n, SER_COUNT);
    for (int i = 0; i < (calibrated ? SER_FIGURES : SER_SCORES) && !failed; i++)
        failed = add(l, ser_figure[i].name, NULL, NULL, ser_figure_of(r, i), SER_MEANT);
    return failed;
}

static int add_class(struct ser_values *l, const char *class, const struct ser_class_score *s) {
    enum ser_value_kind kind = s->support ? SER_MEANT : SER_ABSENT;
    return add(l, "precision", class, NULL, s->precision, kind) ||
           add(l, "recall", class, NULL, s->recall, kind) ||
           add(l, "f1", class, NULL, s->f1, kind) ||
           add(l, "support", class, NULL, (double)s->support, SER_COUNT);
}

static int add_confusion(struct ser_values *l, const struct ser_evaluation *v,
                         const struct ser_result *r, int rates) {
    int failed = 0, K = v->classes;
    for (int i = 0; i < K * K && !failed; i++) {
        const char *class = v->class_name[i / K], *predicted = v->class_name[i % K];
        failed = rates ? add(l, "confusion_rate", class, predicted,
                             ser_confusion_rate(v, r, i / K, i % K),
                             r->of[i / K].support ? SER_MEANT : SER_ABSENT)
                       : add(l, "confusion", class, predicted, (double)r->confusion[i], SER_COUNT);
    }
    return failed;
}

/* What is said of a class counts for the mean where the truth has the class. */
int ser_values_detail(struct ser_values *l, const struct ser_evaluation *v,
                      const struct ser_result *r, int calibrated) {
    int failed = 0;
    for (int c = 0; c < v->classes && !failed; c++) {
        const char *name = v->class_name[c];
        failed = add_class(l, name, &r->of[c]);
    }
    failed = failed || add_confusion(l, v, r, 0) || add_confusion(l, v, r, 1);
    for (int i = 0; calibrated && i < SER_BINS && !failed; i++)
        failed = add(l, "bin_n", ser_bin_name[i], NULL, (double)r->bin[i].n, SER_COUNT) ||
                 add(l, "bin_confidence", ser_bin_name[i], NULL, r->bin[i].confidence, SER_COUNT) ||
                 add(l, "bin_accuracy", ser_bin_name[i], NULL, r->bin[i].accuracy, SER_COUNT);
    for (int i = 0; calibrated && i < SER_REJECT_STEPS && !failed; i++)
        failed = add(l, "accuracy_rejecting", ser_step_name[i], NULL, r->reject[i], SER_MEANT);
    return failed ? -1 : 0;
}

/* Mean and deviation of figure i of the lists of all files, value has room for one of each. */
static int mean_of(struct ser_evaluation *v, const struct ser_values *of, size_t i, double *value) {
    const struct ser_value *at = &of[0].at[i];
    size_t n = 0;
    double mean, deviation;
    for (int f = 0; f < v->files; f++)
        if (of[f].at[i].kind == SER_MEANT)
            value[n++] = of[f].at[i].value;
    if (!n)
        return 0;
    ser_mean_deviation(value, n, &mean, &deviation);
    return add(&v->mean, at->name, at->class_name, at->predicted, mean, SER_MEANT) ||
           add(&v->deviation, at->name, at->class_name, at->predicted, deviation, SER_MEANT);
}

static int over_files(struct ser_evaluation *v) {
    struct ser_values *of = calloc((size_t)v->files, sizeof *of);
    double *value = calloc((size_t)v->files, sizeof *value);
    int failed = !of || !value;
    for (int f = 0; f < v->files && !failed; f++)
        failed = ser_values_total(&of[f], &v->of_file[f], v->all.calibrated) ||
                 ser_values_detail(&of[f], v, &v->of_file[f], v->all.calibrated);
    for (size_t i = 0; !failed && i < of[0].n; i++)
        failed = mean_of(v, of, i, value);
    for (int f = 0; of && f < v->files; f++)
        free(of[f].at);
    free(of);
    free(value);
    return failed ? -1 : 0;
}

/* ---- all of it ---- */

static int score_all(struct ser_evaluation *v, int draws, uint64_t seed) {
    const struct selection all = {.to = v->files};
    v->class_name = ser_set_sorted(&v->class_set);
    v->of_file = calloc((size_t)v->files, sizeof *v->of_file);
    if (!v->class_name || !v->of_file)
        return -1;
    v->classes = (int)v->class_set.n;
    if (new_results(v, v->of_file, (size_t)v->files) || new_results(v, &v->all, 1))
        return -1;
    for (int f = 0; f < v->files; f++) {
        const struct selection one = {.from = f, .to = f + 1};
        if (number_classes(v, &v->file[f]) ||
            select_and_score(v, v->file[f].name, &one, v->of_file, (size_t)f))
            return -1;
    }
    if (select_and_score(v, "pooled", &all, &v->all, 0))
        return -1;
    for (int g = 0; g < SER_GROUPINGS; g++)
        if (split_by(v, g))
            return -1;
    v->intervals = find_intervals(v, 1, draws, seed, v->of_all);
    return v->intervals < 0 ? -1 : over_files(v);
}

int ser_evaluation_score(struct ser_evaluation *v, int draws, uint64_t seed, struct ser_error *e) {
    return score_all(v, draws, seed) ? ser_no_memory(e) : 0;
}

void ser_evaluation_free(struct ser_evaluation *v) {
    free_results(v->of_file);
    free(v->of_file);
    free_results(&v->all);
    for (int g = 0; g < SER_GROUPINGS; g++) {
        free_results(v->member[g]);
        free(v->member[g]);
    }
    for (int f = 0; f < v->files; f++) {
        struct ser_predictions *p = &v->file[f];
        free(p->p);
        ser_classes_free(&p->classes);
        free(p->at);
    }
    free(v->file);
    free(v->class_name);
    free(v->mean.at);
    free(v->deviation.at);
    ser_set_free(&v->texts);
    ser_set_free(&v->class_set);
    *v = (struct ser_evaluation){0};
}

/* ---- comparison ---- */

static int by_id(const void *a, const void *b) {
    const struct ser_prediction *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

/* The utterances of a result in the order of their ids; the caller frees. */
static const struct ser_prediction **sorted(const struct ser_result *s) {
    const struct ser_prediction **at = calloc(s->n + 1, sizeof *at);
    if (at) {
        memcpy(at, s->at, s->n * sizeof *at);
        qsort(at, s->n, sizeof *at, by_id);
    }
    return at;
}

/* Two files of n utterances each: counts who is right. */
static int compare_utterances(const struct ser_evaluation *v, const struct ser_prediction **a,
                              const struct ser_prediction **b, size_t n, struct ser_comparison *c,
                              struct ser_error *e) {
    const char *first = v->file[0].name, *second = v->file[1].name;
    for (size_t i = 0; i < n; i++) {
        if (a[i]->id != b[i]->id)
            return ser_fail(e, SER_BAD, "%s: has no utterance %.200s, which %s has", second,
                            a[i]->id, first);
        if (a[i]->truth != b[i]->truth ||
            a[i]->group[SER_BY_SPEAKER] != b[i]->group[SER_BY_SPEAKER])
            return ser_fail(e, SER_BAD,
                            "%s: utterance %.200s has another emotion or speaker than in %s",
                            second, a[i]->id, first);
        int x = a[i]->t == a[i]->y, y = b[i]->t == b[i]->y;
        c->only_first += x && !y;
        c->only_second += y && !x;
    }
    return 0;
}

int ser_evaluation_compare(const struct ser_evaluation *v, int draws, uint64_t seed,
                           struct ser_comparison *c, struct ser_error *e) {
    const struct ser_predictions *a = &v->file[0], *b = &v->file[1];
    *c = (struct ser_comparison){0};
    if (a->n != b->n)
        return ser_fail(e, SER_BAD,
                        "%s: %zu utterance%s, %s has %zu: a comparison needs the same ones",
                        b->name, b->n, b->n == 1 ? "" : "s", a->name, a->n);
    const struct ser_prediction **first = sorted(&v->of_file[0]), **second = sorted(&v->of_file[1]);
    int failed =
        !first || !second ? ser_no_memory(e) : compare_utterances(v, first, second, a->n, c, e);
    free(first);
    free(second);
    if (failed)
        return -1;
    for (int i = 0; i < SER_INTERVALS; i++)
        c->difference[i] = ser_figure_of(&v->of_file[0], i) - ser_figure_of(&v->of_file[1], i);
    c->p = ser_mcnemar(c->only_first, c->only_second);
    /* Each speaker has as many utterances in either, those of the first before the others. */
    c->intervals = find_intervals(v, 2, draws, seed, c->interval);
    return c->intervals < 0 ? ser_no_memory(e) : 0;
}
