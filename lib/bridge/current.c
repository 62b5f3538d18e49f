#include "bridge/current.h"

#include "math/mathfun.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD_MARGIN 0.1 /* by which another emotion must be more probable than the one shown */
#define STEP_S      1.0 /* between rows that tell no time */
#define MAX_TIME_S  1e12

/* ---- columns ---- */

int ser_current_begin(struct ser_current *c, const struct ser_tsv *t, struct ser_error *e) {
    c->t = t;
    c->emotion = -1;
    c->level_db = NAN;
    if ((c->id = ser_tsv_need(t, "id", e)) < 0 ||
        (c->predicted = ser_tsv_need(t, "predicted", e)) < 0)
        return -1;
    c->confidence = ser_tsv_column(t, "confidence");
    c->start = ser_tsv_column(t, "start_s");
    c->end = ser_tsv_column(t, "end_s");
    c->speech = ser_tsv_column(t, "speech");
    c->level = ser_tsv_column(t, "level_db");
    if (ser_classes_find(&c->classes, t, e))
        return -1;
    if (!c->classes.n)
        return ser_fail(e, SER_BAD, "%s: no columns p_CLASS: there are no probabilities to show",
                        t->in.name);
    c->spell = calloc(SER_CURRENT_SPELLS, sizeof *c->spell);
    return c->spell ? 0 : ser_no_memory(e);
}

void ser_current_free(struct ser_current *c) {
    ser_classes_free(&c->classes);
    free(c->spell);
    *c = (struct ser_current){0};
}

/* ---- a row ---- */

int ser_current_number(const struct ser_current *c, int column, double min, double max, double *to,
                       struct ser_error *e) {
    *to = NAN;
    if (column < 0 || strcmp(c->t->field[column], "-") == 0)
        return 0;
    if (ser_parse_real(c->t->field[column], min, max, to))
        return ser_tsv_fail(c->t, e, "%s is not a number from %g to %g: '%.60s'",
                            c->t->name[column], min, max, c->t->field[column]);
    return 0;
}

static int read_probabilities(struct ser_current *c, struct ser_error *e) {
    for (int k = 0; k < c->classes.n; k++) {
        if (ser_current_number(c, c->classes.column[k], 0, 1, &c->raw[k], e))
            return -1;
        if (c->talks && isnan(c->raw[k]))
            return ser_tsv_fail(c->t, e, "%s is unknown, though there is a prediction",
                                c->t->name[c->classes.column[k]]);
    }
    return 0;
}

static void smooth(struct ser_current *c, double step_s) {
    double part = c->begun && c->smooth_s > 0 ? 1 - ser_exp(-step_s / c->smooth_s) : 1;
    for (int k = 0; k < c->classes.n; k++)
        c->p[k] = c->begun ? c->p[k] + part * (c->raw[k] - c->p[k]) : c->raw[k];
    c->begun = 1;
}

/* The emotion to show: what the row says, unless it was smoothed; then the most probable. */
static void choose(struct ser_current *c) {
    /* The caller has seen that it is one of the classes. */
    int best = ser_classes_place(&c->classes, c->t->field[c->predicted]);
    if (c->smooth_s > 0) {
        best = 0;
        for (int k = 1; k < c->classes.n; k++)
            best = c->p[k] > c->p[best] ? k : best;
    }
    if (!c->hold || c->emotion < 0 || c->p[best] > c->p[c->emotion] + HOLD_MARGIN)
        c->emotion = best;
}

/* 1 if the row's recording is not that of the row before: of ID@SECONDS the ID is another. */
static int is_other_source(struct ser_current *c) {
    char source[sizeof c->source];
    const char *id = c->t->field[c->id], *at = strrchr(id, '@');
    int n = (int)(at ? at - id : (long)strlen(id));
    snprintf(source, sizeof source, "%.*s", n, id);
    int other = strcmp(source, c->source) != 0;
    memcpy(c->source, source, sizeof source);
    return other;
}

int ser_current_row(struct ser_current *c, struct ser_error *e) {
    double end_s, speech;
    const char *said = c->t->field[c->predicted];
    c->talks = strcmp(said, "-") != 0;
    if (c->talks && ser_classes_place(&c->classes, said) == c->classes.n)
        return ser_tsv_fail(c->t, e, "predicted is '%.60s', of which there is no column p_", said);
    if (ser_current_number(c, c->end, -MAX_TIME_S, MAX_TIME_S, &end_s, e) ||
        ser_current_number(c, c->level, -1000, 1000, &c->level_db, e) ||
        ser_current_number(c, c->speech, 0, 1, &speech, e) || read_probabilities(c, e))
        return -1;
    double step_s = STEP_S;
    if (!isnan(end_s) && c->spells)
        step_s = end_s - c->time_s;
    if (!isnan(end_s) && (is_other_source(c) || step_s <= 0)) {
        c->begun = 0;
        c->emotion = -1;
        c->spells = 0;
        step_s = STEP_S;
    }
    c->time_s = isnan(end_s) ? c->time_s + step_s : end_s;
    if (c->talks) {
        smooth(c, step_s);
        choose(c);
    }
    c->spell[c->spells++ % SER_CURRENT_SPELLS] =
        (struct ser_spell){c->time_s - step_s, c->time_s, c->talks ? c->emotion : -1};
    return 0;
}
