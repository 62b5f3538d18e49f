#include "bridge/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"

#define MAX_TIME_S 1e9 /* more than thirty years */

const char *const ser_window_attr[SER_WINDOW_ATTRS] = {"start_s", "end_s", "speech", "level_db"};

struct ser_timeline *ser_timelines_add(struct ser_timelines *l, const char *name) {
    if (ser_grow(&l->at, &l->cap, l->n + 1, sizeof *l->at) || ser_set_add(&l->names, name) < 0)
        return NULL;
    struct ser_timeline *t = &l->at[l->n++];
    *t = (struct ser_timeline){.name = ser_set_get(&l->names, name)};
    return t;
}

int ser_timeline_add(const struct ser_timelines *l, struct ser_timeline *t, struct ser_moment m,
                     const float *p) {
    size_t K = (size_t)l->classes.n;
    if (ser_grow(&t->moment, &t->cap, t->n + 1, sizeof *t->moment) ||
        (p && ser_grow(&t->p, &t->p_cap, (t->n + 1) * K, sizeof *t->p)))
        return -1;
    if (p)
        memcpy(t->p + t->n * K, p, K * sizeof *p);
    t->moment[t->n++] = m;
    return 0;
}

const struct ser_timeline *ser_timelines_find(const struct ser_timelines *l, const char *name) {
    const char *kept = ser_set_get(&l->names, name);
    for (size_t i = 0; kept && i < l->n; i++)
        if (l->at[i].name == kept)
            return &l->at[i];
    return NULL;
}

void ser_timeline_span(const struct ser_timeline *t, size_t i, double *from_s, double *to_s) {
    const struct ser_moment *m = &t->moment[i];
    *from_s = m->start_s;
    *to_s = m->end_s;
    if (i && m[-1].end_s > m->start_s)
        *from_s = (m[-1].start_s + m[-1].end_s + m->start_s + m->end_s) / 4;
    if (i + 1 < t->n && m[1].start_s < m->end_s)
        *to_s = (m->start_s + m->end_s + m[1].start_s + m[1].end_s) / 4;
}

/* ---- reading ---- */

struct columns {
    int id, predicted, start, end, level;
};

/* The table's classes, whose columns are the last table's: the first table's are those of all. */
static int find_classes(struct ser_timelines *l, const struct ser_tsv *t, struct ser_error *e) {
    struct ser_classes found;
    int failed = ser_classes_find(&found, t, e);
    for (int k = 0; k < found.n && l->n && !failed; k++)
        if (k == l->classes.n || strcmp(l->classes.name[k], found.name[k]) != 0)
            failed = ser_fail(e, SER_BAD, "%s: has other classes than the tables before it: p_%s",
                              t->in.name, found.name[k]);
    if (!failed && l->n && found.n < l->classes.n)
        failed = ser_fail(e, SER_BAD, "%s: lacks classes of the tables before it", t->in.name);
    ser_classes_free(failed ? &found : &l->classes);
    if (failed)
        return -1;
    l->classes = found;
    return 0;
}

static int find_columns(struct ser_timelines *l, const struct ser_tsv *t, struct columns *c,
                        struct ser_error *e) {
    c->start = ser_tsv_column(t, "start_s");
    c->end = ser_tsv_column(t, "end_s");
    if (c->start < 0 || c->end < 0)
        return ser_fail(e, SER_BAD,
                        "%s: no columns start_s and end_s: its rows are no windows of time, which "
                        "are had by ser-mfcc --every",
                        t->in.name);
    c->id = ser_tsv_need(t, "id", e);
    c->predicted = c->id < 0 ? -1 : ser_tsv_need(t, "predicted", e);
    c->level = ser_tsv_column(t, "level_db");
    return c->predicted < 0 ? -1 : find_classes(l, t, e);
}

/* The length of the recording's name in a key: up to the last @, if a number is behind it. */
static size_t name_length(const char *key) {
    const char *at = strrchr(key, '@');
    double seconds;
    return at && at > key && !ser_parse_real(at + 1, 0, MAX_TIME_S, &seconds) ? (size_t)(at - key)
                                                                              : strlen(key);
}

static int read_moment(struct ser_timelines *l, const struct columns *c, const struct ser_tsv *t,
                       struct ser_moment *m, struct ser_error *e) {
    const char *predicted = t->field[c->predicted];
    *m = (struct ser_moment){.level_db = NAN};
    if (ser_parse_real(t->field[c->start], 0, MAX_TIME_S, &m->start_s) ||
        ser_parse_real(t->field[c->end], 0, MAX_TIME_S, &m->end_s) || m->end_s <= m->start_s)
        return ser_tsv_fail(t, e, "from '%.40s' to '%.40s': no window of time in seconds",
                            t->field[c->start], t->field[c->end]);
    if (c->level >= 0 && strcmp(t->field[c->level], "-") != 0 &&
        ser_parse_real(t->field[c->level], -1000, 1000, &m->level_db))
        return ser_tsv_fail(t, e, "level_db is no level in decibels: '%.60s'", t->field[c->level]);
    if (strcmp(predicted, "-") == 0)
        return 0;
    if (!*predicted || !ser_is_text(predicted, strlen(predicted)))
        return ser_tsv_fail(t, e, "predicted is empty or not UTF-8 text");
    m->predicted = ser_set_keep(&l->texts, predicted);
    return m->predicted ? 0 : ser_no_memory(e);
}

/* The recording that a key is of, the table's last one or a new one; names are those of the table so far.
 * NULL with e set. */
static struct ser_timeline *recording_of(struct ser_timelines *l, struct ser_set *names,
                                         const struct columns *c, const struct ser_tsv *t,
                                         struct ser_error *e) {
    char *key = t->field[c->id];
    key[name_length(key)] = '\0'; /* the row's message is of the recording from here on */
    struct ser_timeline *last = names->n ? &l->at[l->n - 1] : NULL;
    if (last && strcmp(last->name, key) == 0)
        return last;
    int fresh = ser_set_add(names, key);
    if (!fresh) {
        ser_tsv_fail(t, e, "the recording has rows elsewhere, too: they are to stand together");
        return NULL;
    }
    last = fresh < 0 ? NULL : ser_timelines_add(l, key);
    if (!last)
        ser_no_memory(e);
    return last;
}

static int read_row(struct ser_timelines *l, struct ser_set *names, const struct columns *c,
                    const struct ser_tsv *t, struct ser_error *e) {
    struct ser_moment m;
    double read[SER_MAX_CLASSES];
    float p[SER_MAX_CLASSES];
    if (read_moment(l, c, t, &m, e) || ser_classes_row(&l->classes, t, read, e))
        return -1;
    for (int k = 0; k < l->classes.n; k++)
        p[k] = (float)read[k];
    struct ser_timeline *to = recording_of(l, names, c, t, e);
    if (!to)
        return -1;
    const struct ser_moment *last = to->n ? &to->moment[to->n - 1] : NULL;
    if (last && (m.start_s < last->start_s || m.end_s < last->end_s))
        return ser_tsv_fail(t, e, "time goes back, from %g s to %g s", last->start_s, m.start_s);
    return ser_timeline_add(l, to, m, l->classes.n ? p : NULL) ? ser_no_memory(e) : 0;
}

int ser_timelines_read(struct ser_timelines *l, const char *path, struct ser_error *e) {
    struct ser_tsv t;
    struct columns c = {0};
    struct ser_set names = {0};
    int got = 1;
    if (ser_tsv_open(&t, path, e))
        return -1;
    int failed = find_columns(l, &t, &c, e);
    while (!failed && (got = ser_tsv_next(&t, e)) > 0)
        failed = read_row(l, &names, &c, &t, e);
    if (!failed && !got && !names.n)
        failed = ser_fail(e, SER_BAD, "%s: no row in it", t.in.name);
    ser_set_free(&names);
    ser_tsv_close(&t);
    return failed || got < 0 ? -1 : 0;
}

void ser_timelines_free(struct ser_timelines *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->at[i].moment);
        free(l->at[i].p);
    }
    free(l->at);
    ser_classes_free(&l->classes);
    ser_set_free(&l->names);
    ser_set_free(&l->texts);
    *l = (struct ser_timelines){0};
}
