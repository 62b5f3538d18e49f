#include "bridge/overtime.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "math/speech.h"

#define MAX_TIME_S 1e9

/* ---- the truth ---- */

struct columns {
    int id, start, end, emotion, speaker;
};

static int find_columns(const struct ser_tsv *t, struct columns *c, struct ser_error *e) {
    c->id = ser_tsv_need(t, "id", e);
    c->start = c->id < 0 ? -1 : ser_tsv_need(t, "start_s", e);
    c->end = c->start < 0 ? -1 : ser_tsv_need(t, "end_s", e);
    c->emotion = c->end < 0 ? -1 : ser_tsv_need(t, "emotion", e);
    c->speaker = ser_tsv_column(t, "speaker");
    return c->emotion < 0 ? -1 : 0;
}

/* The recording that a row is of: the table's last one, or a new one; the first `before` are of other tables.
 * NULL with e set. */
static struct ser_truth_recording *recording_of(struct ser_truth *l, size_t before,
                                                const struct columns *c, const struct ser_tsv *t,
                                                struct ser_error *e) {
    const char *id = t->field[c->id];
    const char *speaker = c->speaker < 0 ? id : t->field[c->speaker];
    struct ser_truth_recording *last = l->n > before ? &l->at[l->n - 1] : NULL;
    if (last && strcmp(last->name, id) == 0) {
        if (strcmp(last->speaker, speaker) == 0)
            return last;
        ser_tsv_fail(t, e, "another speaker than above: a recording is of one");
        return NULL;
    }
    if (ser_set_has(&l->names, id)) {
        ser_tsv_fail(t, e, "the recording has rows elsewhere, too: they are to stand together");
        return NULL;
    }
    if (ser_grow(&l->at, &l->cap, l->n + 1, sizeof *l->at)) {
        ser_no_memory(e);
        return NULL;
    }
    last = &l->at[l->n++];
    *last = (struct ser_truth_recording){.name = ser_set_keep(&l->names, id),
                                         .speaker = ser_set_keep(&l->texts, speaker)};
    if (last->name && last->speaker)
        return last;
    ser_no_memory(e);
    return NULL;
}

static int read_stretch(struct ser_truth *l, size_t before, const struct columns *c,
                        const struct ser_tsv *t, struct ser_error *e) {
    const char *emotion = t->field[c->emotion];
    struct ser_stretch s = {0};
    if (ser_parse_real(t->field[c->start], 0, MAX_TIME_S, &s.start_s) ||
        ser_parse_real(t->field[c->end], 0, MAX_TIME_S, &s.end_s) || s.end_s <= s.start_s)
        return ser_tsv_fail(t, e, "from '%.40s' to '%.40s': no stretch of time in seconds",
                            t->field[c->start], t->field[c->end]);
    if (!*emotion || !ser_is_text(emotion, strlen(emotion)))
        return ser_tsv_fail(t, e, "emotion is empty or not UTF-8 text");
    struct ser_truth_recording *r = recording_of(l, before, c, t, e);
    if (!r)
        return -1;
    if (r->n && s.start_s < r->at[r->n - 1].end_s)
        return ser_tsv_fail(t, e, "begins at %g s, before the end of the stretch above, %g s",
                            s.start_s, r->at[r->n - 1].end_s);
    if ((strcmp(emotion, "-") != 0 && !(s.emotion = ser_set_keep(&l->texts, emotion))) ||
        ser_grow(&r->at, &r->cap, r->n + 1, sizeof *r->at))
        return ser_no_memory(e);
    r->at[r->n++] = s;
    return 0;
}

int ser_truth_read(struct ser_truth *l, const char *path, struct ser_error *e) {
    struct ser_tsv t;
    struct columns c;
    size_t before = l->n;
    int got = 1;
    if (ser_tsv_open(&t, path, e))
        return -1;
    int failed = find_columns(&t, &c, e);
    while (!failed && (got = ser_tsv_next(&t, e)) > 0)
        failed = read_stretch(l, before, &c, &t, e);
    if (!failed && !got && l->n == before)
        failed = ser_fail(e, SER_BAD, "%s: no stretch of time in it", t.in.name);
    ser_tsv_close(&t);
    return failed || got < 0 ? -1 : 0;
}

const struct ser_truth_recording *ser_truth_find(const struct ser_truth *l, const char *name) {
    const char *kept = ser_set_get(&l->names, name);
    for (size_t i = 0; kept && i < l->n; i++)
        if (l->at[i].name == kept)
            return &l->at[i];
    return NULL;
}

void ser_truth_free(struct ser_truth *l) {
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].at);
    free(l->at);
    ser_set_free(&l->names);
    ser_set_free(&l->texts);
    *l = (struct ser_truth){0};
}

/* ---- time: what is said of each millisecond ---- */

/* What judging needs besides its result. */
struct judging {
    struct ser_overtime *o;
    size_t speakers;
    char **speaker;    /* [speakers] that are known, sorted */
    size_t *confusion; /* [speakers + 1, classes,classes]; the last is nobody's */
    double *delay_s;   /* of the emotions named, all behind one another */
    int *named;        /* which emotion each is */
    size_t delays, delay_cap, named_cap;
};

static int class_of(const struct ser_overtime *o, const char *name) {
    return (int)ser_sorted_place(o->class_name, (size_t)o->classes, name);
}

static int64_t ms_of(double s) {
    return llround(1000 * s);
}

static int64_t shared_ms(double a, double b, double c, double d) {
    int64_t from = ms_of(fmax(a, c)), to = ms_of(fmin(b, d));
    return to > from ? to - from : 0;
}

/* Adds what the rows of a recording say of its stretches to a speaker's confusion. */
static void add_time(struct ser_overtime *o, const struct ser_truth_recording *r,
                     const struct ser_timeline *rows, size_t *confusion) {
    size_t first = 0; /* stretch that the next row may be over */
    int64_t heard = 0, all = 0;
    for (size_t i = 0; i < rows->n; i++) {
        double from, to;
        ser_timeline_span(rows, i, &from, &to);
        while (first < r->n && r->at[first].end_s <= from)
            first++;
        for (size_t k = first; k < r->n && r->at[k].start_s < to; k++) {
            int64_t ms = shared_ms(from, to, r->at[k].start_s, r->at[k].end_s);
            if (!r->at[k].emotion)
                continue;
            heard += ms;
            if (!rows->moment[i].predicted)
                o->mute_ms += (size_t)ms;
            else
                confusion[class_of(o, r->at[k].emotion) * o->classes +
                          class_of(o, rows->moment[i].predicted)] += (size_t)ms;
        }
    }
    for (size_t k = 0; k < r->n; k++)
        all += r->at[k].emotion ? ms_of(r->at[k].end_s) - ms_of(r->at[k].start_s) : 0;
    o->no_row_ms += all > heard ? (size_t)(all - heard) : 0;
}

/* ---- windows with and without speech ---- */

static void count_rows(struct ser_overtime *o, const struct ser_truth_recording *r,
                       const struct ser_timeline *rows) {
    size_t first = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const struct ser_moment *m = &rows->moment[i];
        double speech_s = 0;
        while (first < r->n && r->at[first].end_s <= m->start_s)
            first++;
        for (size_t k = first; k < r->n && r->at[k].start_s < m->end_s; k++)
            speech_s += fmin(m->end_s, r->at[k].end_s) - fmax(m->start_s, r->at[k].start_s);
        int none = speech_s < SER_MIN_SPEECH * (m->end_s - m->start_s);
        o->rows[none ? SER_WINDOW_NO_SPEECH : SER_WINDOW_SPEECH]
               [m->predicted ? SER_WINDOW_SPEECH : SER_WINDOW_NO_SPEECH]++;
    }
}

/* ---- new emotions ---- */

static int is_same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int add_delay(struct judging *j, int class, double delay_s) {
    if (ser_grow(&j->delay_s, &j->delay_cap, j->delays + 1, sizeof *j->delay_s) ||
        ser_grow(&j->named, &j->named_cap, j->delays + 1, sizeof *j->named))
        return -1;
    j->delay_s[j->delays] = delay_s;
    j->named[j->delays++] = class;
    return 0;
}

/* The emotion that begins at begin_s and may be named until end_s; *row is the first row whose window ends
 * behind begin_s, and moves on. */
static int judge_onset(struct judging *j, const char *emotion, double begin_s, double end_s,
                       const struct ser_timeline *rows, size_t *row) {
    int class = class_of(j->o, emotion);
    struct ser_onsets *of = &j->o->onsets[class];
    while (*row < rows->n && rows->moment[*row].end_s <= begin_s)
        (*row)++;
    of->begins++;
    if (*row && is_same(rows->moment[*row - 1].predicted, emotion)) {
        of->before++;
        return 0;
    }
    for (size_t i = *row; i < rows->n && rows->moment[i].end_s <= end_s; i++)
        if (is_same(rows->moment[i].predicted, emotion)) {
            of->named++;
            return add_delay(j, class, rows->moment[i].end_s - begin_s);
        }
    of->never++;
    return 0;
}

static int judge_onsets(struct judging *j, const struct ser_truth_recording *r,
                        const struct ser_timeline *rows) {
    size_t row = 0, next;
    for (size_t k = 0; k < r->n; k = next) {
        const char *emotion = r->at[k].emotion;
        for (next = k + 1; next < r->n && is_same(r->at[next].emotion, emotion);)
            next++;
        double end_s = next < r->n ? r->at[next].start_s : r->at[r->n - 1].end_s;
        if (emotion && judge_onset(j, emotion, r->at[k].start_s, end_s, rows, &row))
            return -1;
    }
    return 0;
}

static int by_value(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Median and 90th percentile of the delays of a class, or with class -1 of all; room [delays]. */
static void sum_delays(const struct judging *j, int class, struct ser_onsets *of, double *room) {
    size_t n = 0;
    for (size_t i = 0; i < j->delays; i++)
        if (class < 0 || j->named[i] == class)
            room[n++] = j->delay_s[i];
    if (!n)
        return;
    qsort(room, n, sizeof *room, by_value);
    of->median_s = ser_quantile(room, n, 0.5);
    of->most_s = ser_quantile(room, n, 0.9);
}

static int sum_onsets(const struct judging *j) {
    struct ser_overtime *o = j->o;
    double *room = calloc(j->delays + 1, sizeof *room);
    if (!room)
        return -1;
    for (int c = 0; c < o->classes; c++) {
        o->all.begins += o->onsets[c].begins;
        o->all.named += o->onsets[c].named;
        o->all.never += o->onsets[c].never;
        o->all.before += o->onsets[c].before;
        sum_delays(j, c, &o->onsets[c], room);
    }
    sum_delays(j, -1, &o->all, room);
    free(room);
    return 0;
}

/* ---- all of it ---- */

static int name_classes(struct ser_overtime *o, const struct ser_truth *truth,
                        const struct ser_timelines *rows, struct ser_error *e) {
    int failed = 0;
    for (size_t i = 0; i < truth->n; i++)
        for (size_t k = 0; k < truth->at[i].n && !failed; k++)
            failed = truth->at[i].at[k].emotion &&
                     ser_set_add(&o->class_set, truth->at[i].at[k].emotion) < 0;
    for (size_t i = 0; i < rows->n; i++)
        for (size_t k = 0; k < rows->at[i].n && !failed; k++)
            failed = rows->at[i].moment[k].predicted &&
                     ser_set_add(&o->class_set, rows->at[i].moment[k].predicted) < 0;
    if (!failed && o->class_set.n > SER_MAX_CLASSES)
        return ser_fail(e, SER_BAD, "more than %d emotions in the truth and the predictions",
                        SER_MAX_CLASSES);
    o->class_name = failed ? NULL : ser_set_sorted(&o->class_set);
    o->classes = (int)o->class_set.n;
    return o->class_name ? 0 : ser_no_memory(e);
}

/* The speakers who are known; nobody is "-". */
static int name_speakers(struct judging *j, const struct ser_truth *truth, struct ser_set *names) {
    int failed = 0;
    for (size_t i = 0; i < truth->n && !failed; i++)
        failed =
            strcmp(truth->at[i].speaker, "-") != 0 && ser_set_add(names, truth->at[i].speaker) < 0;
    j->speaker = failed ? NULL : ser_set_sorted(names);
    j->speakers = names->n;
    return j->speaker ? 0 : -1;
}

static int judge_recordings(struct judging *j, const struct ser_truth *truth,
                            const struct ser_timelines *rows) {
    struct ser_overtime *o = j->o;
    size_t cells = (size_t)o->classes * (size_t)o->classes;
    for (size_t i = 0; i < rows->n; i++) {
        const struct ser_truth_recording *r = ser_truth_find(truth, rows->at[i].name);
        if (!r) {
            o->unknown++;
            continue;
        }
        o->recordings++;
        add_time(o, r, &rows->at[i],
                 j->confusion + cells * ser_sorted_place(j->speaker, j->speakers, r->speaker));
        count_rows(o, r, &rows->at[i]);
        if (judge_onsets(j, r, &rows->at[i]))
            return -1;
    }
    for (size_t i = 0; i < truth->n; i++)
        o->unheard += !ser_timelines_find(rows, truth->at[i].name);
    return sum_onsets(j);
}

static int score(struct judging *j, int draws, uint64_t seed) {
    struct ser_overtime *o = j->o;
    size_t cells = (size_t)o->classes * (size_t)o->classes;
    for (size_t s = 0; s <= j->speakers; s++)
        for (size_t i = 0; i < cells; i++)
            o->confusion[i] += j->confusion[s * cells + i];
    o->scores = ser_score_confusion(o->confusion, o->classes, o->of);
    o->intervals = j->speakers >= SER_MIN_SPEAKERS && o->scores.n;
    return o->intervals ? ser_bootstrap(j->confusion, NULL, j->speakers, o->classes, draws, seed,
                                        &o->of_all[0], &o->of_all[1], &o->of_all[2])
                        : 0;
}

static int judge(struct judging *j, const struct ser_truth *truth, const struct ser_timelines *rows,
                 int draws, uint64_t seed, struct ser_error *e) {
    struct ser_overtime *o = j->o;
    struct ser_set speakers = {0};
    size_t K = (size_t)o->classes + 1; /* there may be none */
    int failed = name_speakers(j, truth, &speakers);
    j->confusion = calloc(j->speakers + 1, K * K * sizeof *j->confusion);
    o->confusion = calloc(K, K * sizeof *o->confusion);
    o->of = calloc(K, sizeof *o->of);
    o->onsets = calloc(K, sizeof *o->onsets);
    failed = failed || !j->confusion || !o->confusion || !o->of || !o->onsets ||
             judge_recordings(j, truth, rows) || score(j, draws, seed);
    free(j->speaker);
    free(j->confusion);
    free(j->delay_s);
    free(j->named);
    ser_set_free(&speakers);
    if (failed)
        return ser_no_memory(e);
    return o->recordings ? 0
                         : ser_fail(e, SER_BAD,
                                    "no recording of the predictions is in the truth: %s is not, "
                                    "for example",
                                    rows->n ? rows->at[0].name : "-");
}

int ser_overtime_judge(struct ser_overtime *o, const struct ser_truth *truth,
                       const struct ser_timelines *rows, int draws, uint64_t seed,
                       struct ser_error *e) {
    struct judging j = {.o = o};
    *o = (struct ser_overtime){0};
    int failed = name_classes(o, truth, rows, e) || judge(&j, truth, rows, draws, seed, e);
    if (failed)
        ser_overtime_free(o);
    return failed ? -1 : 0;
}

void ser_overtime_free(struct ser_overtime *o) {
    free(o->class_name);
    free(o->confusion);
    free(o->of);
    free(o->onsets);
    ser_set_free(&o->class_set);
    *o = (struct ser_overtime){0};
}

/* ---- figures by name ---- */

static int add(struct ser_values *l, const char *name, const char *class, const char *predicted,
               double value) {
    if (ser_grow(&l->at, &l->cap, l->n + 1, sizeof *l->at))
        return -1;
    l->at[l->n++] = (struct ser_value){name, class, predicted, value, SER_MEANT};
    return 0;
}

static int add_scores(const struct ser_overtime *o, struct ser_values *l) {
    static const char *const ends[SER_INTERVALS][2] = {
        {"wa_low", "wa_high"}, {"ua_low", "ua_high"}, {"macro_f1_low", "macro_f1_high"}};
    const double score[SER_INTERVALS] = {o->scores.wa, o->scores.ua, o->scores.macro_f1};
    int failed = add(l, "recordings", NULL, NULL, (double)o->recordings);
    for (int i = 0; i < SER_INTERVALS && !failed; i++)
        failed = add(l, ser_figure[i].name, NULL, NULL, score[i]) ||
                 (o->intervals && (add(l, ends[i][0], NULL, NULL, o->of_all[i].low) ||
                                   add(l, ends[i][1], NULL, NULL, o->of_all[i].high)));
    return failed || add(l, "named_s", NULL, NULL, (double)o->scores.n / 1000) ||
           add(l, "no_speech_s", NULL, NULL, (double)o->mute_ms / 1000) ||
           add(l, "no_row_s", NULL, NULL, (double)o->no_row_ms / 1000);
}

/* Delays are figures only where there are any. */
static int add_onsets(struct ser_values *l, const char *class, const struct ser_onsets *of) {
    return add(l, "begins", class, NULL, (double)of->begins) ||
           add(l, "named", class, NULL, (double)of->named) ||
           add(l, "never", class, NULL, (double)of->never) ||
           add(l, "before", class, NULL, (double)of->before) ||
           (of->named && (add(l, "delay_median_s", class, NULL, of->median_s) ||
                          add(l, "delay_90_s", class, NULL, of->most_s)));
}

int ser_overtime_values(const struct ser_overtime *o, struct ser_values *l) {
    static const char *const kind[SER_WINDOW_KINDS] = {"speech", "no_speech"};
    int failed = add_scores(o, l) || add_onsets(l, NULL, &o->all), K = o->classes;
    for (int t = 0; t < SER_WINDOW_KINDS && !failed; t++)
        for (int y = 0; y < SER_WINDOW_KINDS && !failed; y++)
            failed = add(l, "rows", kind[t], kind[y], (double)o->rows[t][y]);
    for (int c = 0; c < K && !failed; c++)
        failed = add(l, "recall", o->class_name[c], NULL, o->of[c].recall) ||
                 add(l, "precision", o->class_name[c], NULL, o->of[c].precision) ||
                 add(l, "support_s", o->class_name[c], NULL, (double)o->of[c].support / 1000) ||
                 add_onsets(l, o->class_name[c], &o->onsets[c]);
    for (int i = 0; i < K * K && !failed; i++)
        failed = add(l, "confusion_s", o->class_name[i / K], o->class_name[i % K],
                     (double)o->confusion[i] / 1000);
    return failed ? -1 : 0;
}
