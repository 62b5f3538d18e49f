#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/follow.h"
#include "bridge/overtime.h"
#include "bridge/plot-script.h"

enum { COLUMNS = 900 }; /* two for each pixel of the picture's width */

/* Rows as columns of a picture, each a part of the time from from_s to to_s. */
struct columns {
    double from_s, to_s;
    int classes;
    double *weight; /* [COLUMNS] seconds of rows that speak for it; 0: none */
    double *p;      /* [COLUMNS, classes] sums of probabilities by seconds */
    double *said;   /* [COLUMNS, classes + 1] seconds of each prediction; the last: of no speech */
    double *power, *powers; /* [COLUMNS] sum of mean squares by seconds; seconds of them */
};

/* ---- from rows to columns ---- */

static void add_share(struct columns *c, size_t i, double seconds, const struct ser_moment *m,
                      const float *p, int said) {
    size_t K = (size_t)c->classes;
    c->weight[i] += seconds;
    for (size_t k = 0; k < K; k++)
        c->p[i * K + k] += seconds * (double)p[k];
    c->said[i * (K + 1) + (size_t)said] += seconds;
    if (isnan(m->level_db))
        return;
    c->power[i] += seconds * pow(10, m->level_db / 10);
    c->powers[i] += seconds;
}

static void add_row(struct columns *c, const struct ser_timelines *l, const struct ser_timeline *t,
                    size_t row) {
    const struct ser_moment *m = &t->moment[row];
    const double wide_s = (c->to_s - c->from_s) / COLUMNS;
    int said = m->predicted ? ser_classes_place(&l->classes, m->predicted) : l->classes.n;
    double from_s, to_s;
    ser_timeline_span(t, row, &from_s, &to_s);
    for (int i = (int)fmax(0, floor((from_s - c->from_s) / wide_s)); i < COLUMNS; i++) {
        double a = fmax(from_s, c->from_s + i * wide_s);
        double b = fmin(to_s, c->from_s + (i + 1) * wide_s);
        if (b > a)
            add_share(c, (size_t)i, b - a, m, t->p + row * (size_t)l->classes.n, said);
        else if (b < a)
            break;
    }
}

static int fill_columns(struct columns *c, const struct ser_timelines *l,
                        const struct ser_timeline *t) {
    size_t K = (size_t)l->classes.n;
    c->classes = l->classes.n;
    c->weight = calloc(COLUMNS, sizeof *c->weight);
    c->p = calloc(COLUMNS, K * sizeof *c->p);
    c->said = calloc(COLUMNS, (K + 1) * sizeof *c->said);
    c->power = calloc(COLUMNS, sizeof *c->power);
    c->powers = calloc(COLUMNS, sizeof *c->powers);
    if (!c->weight || !c->p || !c->said || !c->power || !c->powers)
        return -1;
    for (size_t i = 0; i < t->n; i++)
        add_row(c, l, t, i);
    return 0;
}

static void free_columns(const struct columns *c) {
    free(c->weight);
    free(c->p);
    free(c->said);
    free(c->power);
    free(c->powers);
}

/* ---- from columns to the script ---- */

/* Time has the unit that leaves few digits. */
static double unit_of(double seconds, const char **name) {
    *name = seconds <= 600 ? "s" : seconds <= 3 * 3600 ? "min" : "h";
    return seconds <= 600 ? 1 : seconds <= 3 * 3600 ? 60 : 3600;
}

static double start_of(const struct columns *c, size_t i) {
    return c->from_s + (c->to_s - c->from_s) * (double)i / COLUMNS;
}

/* What is said in most of a column: a class, classes for no speech, -1 where there is no row. */
static int said_in(const struct columns *c, size_t i) {
    const double *said = c->said + i * (size_t)(c->classes + 1);
    int most = 0;
    if (!(c->weight[i] > 0))
        return -1;
    for (int k = 1; k <= c->classes; k++)
        most = said[k] > said[most] ? k : most;
    return most;
}

/* Where one emotion is said, or no speech: from, to, row of the picture. Gnuplot wants a block to hold
 * something: its first line is drawn nowhere. */
static void put_runs(struct ser_script *s, const struct columns *c, double unit, int speech) {
    ser_text_printf(&s->text, "$%s << EOD\nnan nan nan\n", speech ? "said" : "mute");
    for (size_t i = 0, next; i < COLUMNS; i = next) {
        int said = said_in(c, i);
        for (next = i + 1; next < COLUMNS && said_in(c, next) == said;)
            next++;
        if (said >= 0 && (said < c->classes) == speech)
            ser_text_printf(&s->text, "%.9g %.9g %d\n", start_of(c, i) / unit,
                            start_of(c, next) / unit, c->classes - 1 - said);
    }
    ser_text_printf(&s->text, "EOD\n");
}

/* Where an emotion is, by the truth: from, to, row. One that no band has is left out. */
static void put_truth(struct ser_script *s, const struct ser_timelines *l,
                      const struct ser_truth_recording *r, double unit) {
    ser_text_printf(&s->text, "$true << EOD\nnan nan nan\n");
    for (size_t i = 0; r && i < r->n; i++) {
        int class =
            r->at[i].emotion ? ser_classes_place(&l->classes, r->at[i].emotion) : l->classes.n;
        if (class < l->classes.n)
            ser_text_printf(&s->text, "%.9g %.9g %d\n", r->at[i].start_s / unit,
                            r->at[i].end_s / unit, l->classes.n - 1 - class);
    }
    ser_text_printf(&s->text, "EOD\ntruth = %d\n", r != NULL);
}

/* Probabilities in per cent, the last class first, since gnuplot counts rows from below. */
static void put_bands(struct ser_script *s, const struct columns *c) {
    size_t K = (size_t)c->classes;
    ser_text_printf(&s->text, "$bands << EOD\n");
    for (size_t k = K; k--;)
        for (size_t i = 0; i < COLUMNS; i++) {
            if (c->weight[i] > 0)
                ser_text_printf(&s->text, "%.4g", 100 * c->p[i * K + k] / c->weight[i]);
            else
                ser_text_printf(&s->text, "nan");
            ser_text_printf(&s->text, i + 1 < COLUMNS ? " " : "\n");
        }
    ser_text_printf(&s->text, "EOD\n");
}

static size_t put_emotions(struct ser_script *s, const struct ser_timelines *l,
                           const struct columns *c, const struct ser_truth_recording *truth,
                           double unit) {
    put_bands(s, c);
    put_truth(s, l, truth, unit);
    put_runs(s, c, unit, 1);
    put_runs(s, c, unit, 0);
    return ser_script_names(s, "down", (const char *const *)l->classes.name, (size_t)l->classes.n,
                            SER_PLOT_CLASS);
}

static double level_of(const struct columns *c, size_t i) {
    return fmax(-100, 10 * log10(c->power[i] / c->powers[i] + 1e-10));
}

/* The level of each column, from steps of 20 dB around all of them. An empty line breaks a curve. */
static void put_level(struct ser_script *s, const struct columns *c, double unit) {
    double least = -60, most = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        if (c->powers[i] > 0) {
            least = fmin(least, 20 * floor(level_of(c, i) / 20));
            most = fmax(most, 20 * ceil(level_of(c, i) / 20));
        }
    ser_text_printf(&s->text, "$sound << EOD\nnan nan nan\n\n");
    for (size_t i = 0; i < COLUMNS; i++)
        if (c->powers[i] > 0)
            ser_text_printf(&s->text, "%.9g %.9g %.6g\n",
                            (start_of(c, i) + start_of(c, i + 1)) / 2 / unit, least,
                            level_of(c, i));
        else
            ser_text_printf(&s->text, "\n");
    ser_text_printf(&s->text, "EOD\nleast = %.9g\nmost = %.9g\n", least, most);
}

static void put_wave(struct ser_script *s, const struct ser_wave *w, double unit) {
    double peak = 0;
    ser_text_printf(&s->text, "$sound << EOD\n");
    for (size_t i = 0; i < w->columns; i++) {
        size_t end = (i + 1) * w->per < w->samples ? (i + 1) * w->per : w->samples;
        peak = fmax(peak, (double)fmaxf(w->most[i], -w->least[i]));
        ser_text_printf(&s->text, "%.9g %.5g %.5g\n",
                        (double)(i * w->per + end) / 2 / w->rate_hz / unit, (double)w->least[i],
                        (double)w->most[i]);
    }
    peak = peak > 0 ? 1.1 * peak : 1;
    ser_text_printf(&s->text, "EOD\nleast = %.6g\nmost = %.6g\n", -peak, peak);
}

static void put_frame(struct ser_script *s, double from_s, double to_s, double unit,
                      const char *name, const char *beside, int classes, size_t wide) {
    ser_text_printf(&s->text,
                    "from = %.9g\nto = %.9g\nunit = '%s'\nbeside = '%s'\ncolumns = %d\n"
                    "classes = %d\nwide = %zu\n",
                    from_s / unit, to_s / unit, name, beside, COLUMNS, classes, wide);
}

/* "1:02:03", or "12.34 s" of less than a minute. */
static const char *duration(double seconds, char text[32]) {
    long long s = llround(seconds);
    if (seconds < 60)
        snprintf(text, 32, "%.2f s", seconds);
    else if (s < 3600)
        snprintf(text, 32, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(text, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return text;
}

/* ---- time ---- */

/* Whether the rows can be drawn: classes that can be read, probabilities, predictions that are classes. */
static int check_rows(struct ser_script *s, const struct ser_timelines *l, const char *name) {
    char text[96];
    if (!l->classes.n)
        return ser_script_bad(s, name,
                              "no columns p_CLASS: without probabilities there are no "
                              "bands to draw");
    if (l->classes.n > SER_PLOT_CLASSES) {
        snprintf(text, sizeof text, "%d classes: more than %d cannot be read", l->classes.n,
                 SER_PLOT_CLASSES);
        return ser_script_bad(s, name, text);
    }
    for (int k = 0; k < l->classes.n; k++)
        if (!ser_plot_shows(l->classes.name[k], strlen(l->classes.name[k])))
            return ser_script_cannot_show(s, name);
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->at[i].n; k++)
            if (l->at[i].moment[k].predicted &&
                ser_classes_place(&l->classes, l->at[i].moment[k].predicted) == l->classes.n)
                return ser_fail(s->e, SER_BAD,
                                "%s: predicted is '%.100s', but there is no such column p_CLASS",
                                name, l->at[i].moment[k].predicted);
    return 0;
}

static void put_rows(struct ser_script *s, const struct ser_timelines *l,
                     const struct ser_timeline *t, const struct ser_truth_recording *truth,
                     const struct columns *c) {
    const char *name, *slash = strrchr(t->name, '/');
    char text[32], silence[64] = "";
    double unit = unit_of(c->to_s - c->from_s, &name);
    size_t mute = 0;
    for (size_t i = 0; i < t->n; i++)
        mute += !t->moment[i].predicted;
    if (mute)
        snprintf(silence, sizeof silence, ", %.0f %% without speech",
                 100 * (double)mute / (double)t->n);
    slash = slash ? slash + 1 : t->name;
    SER_HEADING(s, "%.*s%s, %s, %zu window%s%s", ser_text_cut(slash, 40), slash,
                SER_MORE(slash, 40), duration(c->to_s - c->from_s, text), t->n,
                t->n == 1 ? "" : "s", silence);
    size_t wide = put_emotions(s, l, c, truth, unit);
    put_level(s, c, unit);
    put_frame(s, c->from_s, c->to_s, unit, name, "level, dB", l->classes.n, wide);
}

static int draw_rows(struct ser_script *s, const struct ser_timelines *l,
                     const struct ser_timeline *t, const char *name) {
    struct columns c = {.from_s = t->moment[0].start_s, .to_s = t->moment[t->n - 1].end_s};
    struct ser_truth truth = {0};
    if (!ser_plot_shows(t->name, strlen(t->name)))
        return ser_script_cannot_show(s, name);
    int failed = (s->what->truth && ser_truth_read(&truth, s->what->truth, s->e)) ||
                 (fill_columns(&c, l, t) && ser_no_memory(s->e));
    if (!failed)
        put_rows(s, l, t, ser_truth_find(&truth, t->name), &c);
    ser_truth_free(&truth);
    free_columns(&c);
    return failed ? -1 : 0;
}

int ser_script_time(struct ser_script *s) {
    const char *path = s->what->path, *key = s->what->key;
    const char *name = path && strcmp(path, "-") != 0 ? path : "<stdin>";
    struct ser_timelines l = {0};
    int failed = ser_timelines_read(&l, path, s->e) || check_rows(s, &l, name);
    const struct ser_timeline *t = failed        ? NULL
                                   : key && *key ? ser_timelines_find(&l, key)
                                                 : &l.at[0];
    if (!failed)
        failed = t ? draw_rows(s, &l, t, name)
                   : ser_fail(s->e, SER_BAD, "%s: has no windows of a recording '%s'", name, key);
    ser_timelines_free(&l);
    return failed ? -1 : 0;
}

/* ---- wave ---- */

static int put_sound(struct ser_script *s, const struct ser_wave *w, const struct ser_timelines *l,
                     const char *name) {
    const char *unit_name, *slash = strrchr(name, '/');
    char text[32];
    double seconds = (double)w->samples / w->rate_hz, unit = unit_of(seconds, &unit_name);
    struct columns c = {.to_s = seconds};
    size_t wide = 0;
    int failed = 0;
    if (w->samples < 2)
        return ser_script_bad(s, name, "too short to be drawn");
    SER_HEADING(s, "%s, %s", slash ? slash + 1 : name, duration(seconds, text));
    if (l->classes.n && l->at[0].n) {
        failed = fill_columns(&c, l, &l->at[0]);
        wide = failed ? 0 : put_emotions(s, l, &c, NULL, unit);
    }
    put_wave(s, w, unit);
    put_frame(s, 0, seconds, unit, unit_name, "amplitude", wide ? l->classes.n : 0, wide);
    free_columns(&c);
    return failed ? ser_no_memory(s->e) : 0;
}

int ser_script_wave(struct ser_script *s) {
    const char *path = s->what->path;
    const char *name = path && strcmp(path, "-") != 0 ? path : "<stdin>";
    struct ser_timelines l = {0};
    struct ser_wave *w = malloc(sizeof *w);
    if (!w)
        return ser_no_memory(s->e);
    int failed = 0;
    if (!ser_plot_shows(name, strlen(name)))
        failed = ser_fail(s->e, SER_USAGE,
                          "the name of the file is not UTF-8 text that a picture can show");
    if (!failed)
        failed = ser_follow(path, s->what->model, s->what->step_s, w, &l, s->e);
    if (!failed && s->what->model)
        failed = check_rows(s, &l, s->what->model);
    if (!failed)
        failed = put_sound(s, w, &l, name);
    ser_timelines_free(&l);
    free(w);
    return failed ? -1 : 0;
}
