#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/audio.h"
#include "bridge/axes.h"
#include "bridge/plot-script.h"
#include "bridge/tuning.h"
#include "core/embed.h"
#include "core/reader.h"

enum {
    MAX_TABLE = 100000000, /* bytes */
    MAX_COLUMNS = 1024,
    MAX_EMOTIONS = 100, /* more than so many of each cannot be read */
    MAX_SPEAKERS = 1000,
    MAX_ROWS = 1000,
    MAX_FRAMES = 20000,
    NAME = 24,       /* characters of a speaker's name */
    MAX_AXES = 16,   /* of a search: options, the most important */
    MAX_LINES = 500, /* the best trials of one that has more */
    MAX_WORDS = 6,   /* that an axis names; of more the first and the last */
};

/* ---- a script in the making ---- */

int ser_script_bad(struct ser_script *s, const char *name, const char *why) {
    return ser_fail(s->e, SER_BAD, "%s: %s", name, why);
}

static int no_memory(struct ser_script *s) {
    ser_no_memory(s->e);
    return -1;
}

int ser_script_cannot_show(struct ser_script *s, const char *name) {
    return ser_script_bad(s, name, "not UTF-8 text, or with characters that no picture can show");
}

static void put_text(struct ser_script *s, const char *text, size_t most) {
    ser_text_gnuplot(&s->text, text, most, !s->what->png, 0);
}

/* An array of texts, each cut to most characters; format: as labels of an axis, where % is more than
 * itself. Returns the characters of the longest. */
static size_t put_array(struct ser_script *s, const char *array, const char *const *list, size_t n,
                        size_t most, int format) {
    size_t wide = 0;
    ser_text_printf(&s->text, "array %s[%zu] = [", array, n);
    for (size_t i = 0; i < n; i++) {
        size_t width = ser_text_width(list[i]);
        width = width < most ? width : most;
        wide = width > wide ? width : wide;
        ser_text_add(&s->text, ", ", i ? 2 : 0);
        ser_text_gnuplot(&s->text, list[i], most, !s->what->png, format);
    }
    ser_text_printf(&s->text, "]\n");
    return wide;
}

size_t ser_script_names(struct ser_script *s, const char *array, const char *const *list, size_t n,
                        size_t most) {
    return put_array(s, array, list, n, most, 1);
}

/* U+FFFE and U+FFFF are no characters of XML. */
static int is_shown(const char *s, size_t n) {
    int none = n >= 3 && (memcmp(s, "\xef\xbf\xbe", 3) == 0 || memcmp(s, "\xef\xbf\xbf", 3) == 0);
    return !none && !ser_text_markup(s, n);
}

int ser_plot_shows(const char *s, size_t n) {
    size_t i = 0;
    if (!ser_is_text(s, n))
        return 0;
    while (i < n && is_shown(s + i, n - i))
        i++;
    return i == n;
}

/* ---- tables ---- */

struct table {
    const char *name;
    char *data, *next, *end; /* data is cut at its tabs and newlines as rows are read */
    int line, columns, fields;
    char *column[MAX_COLUMNS], *field[MAX_COLUMNS];
};

static int shows_table(const char *s, size_t n) {
    for (const char *end = s + n; s < end;) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        size_t line = (size_t)((newline ? newline : end) - s), k;
        const char *next = s + line + (newline != NULL);
        if (line && s[line - 1] == '\r')
            line--;
        for (const char *to = s + line; s <= to; s += k + 1) {
            const char *tab = memchr(s, '\t', (size_t)(to - s));
            k = (size_t)((tab ? tab : to) - s);
            if (!ser_plot_shows(s, k))
                return 0;
        }
        s = next;
    }
    return 1;
}

/* The next line as fields: 1, or 0 at the end. */
static int next_line(struct table *t) {
    if (t->next == t->end)
        return 0;
    char *line = t->next, *newline = memchr(line, '\n', (size_t)(t->end - line));
    char *end = newline ? newline : t->end;
    t->next = newline ? newline + 1 : t->end;
    t->line++;
    if (end > line && end[-1] == '\r')
        end--;
    *end = '\0'; /* there is a byte behind the data */
    t->fields = 0;
    for (char *s = *line ? line : NULL; s; t->fields++) {
        char *tab = strchr(s, '\t');
        if (t->fields < MAX_COLUMNS)
            t->field[t->fields] = s;
        if (tab)
            *tab++ = '\0';
        s = tab;
    }
    return 1;
}

static int open_table(struct ser_script *s, struct table *t) {
    struct ser_in in;
    unsigned char *data;
    size_t len;
    *t = (struct table){0};
    if (ser_in_open(&in, s->what->path, s->e))
        return -1;
    t->name = in.name;
    int failed = ser_in_rest(&in, MAX_TABLE, &data, &len, s->e);
    ser_in_close(&in);
    if (failed)
        return -1;
    t->data = realloc(data, len + 1);
    if (!t->data) {
        free(data);
        return no_memory(s);
    }
    t->next = t->data;
    t->end = t->data + len;
    if (!shows_table(t->data, len))
        return ser_script_cannot_show(s, t->name);
    if (next_line(t)) {
        t->columns = t->fields;
        memcpy(t->column, t->field, sizeof t->column);
    }
    if (t->columns > MAX_COLUMNS)
        return ser_fail(s->e, SER_BAD, "%s: more than %d columns", t->name, MAX_COLUMNS);
    return 0;
}

static int column(const struct table *t, const char *name) {
    int c = t->columns - 1;
    /* It does not see that all columns are set. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    while (c >= 0 && strcmp(t->column[c], name) != 0)
        c--;
    return c;
}

/* The columns of these names, of which each must be there unless the table is empty. */
static int need(struct ser_script *s, const struct table *t, const char *const *name, int n,
                int *at) {
    for (int i = 0; i < n; i++)
        if ((at[i] = column(t, name[i])) < 0 && t->line) {
            ser_fail(s->e, SER_BAD, "%s: line 1: no column '%s'", t->name, name[i]);
            return -1;
        }
    return 0;
}

/* The next row: 1; 0 at the end; -1. */
static int next_row(struct ser_script *s, struct table *t) {
    if (!next_line(t))
        return 0;
    if (t->fields != t->columns)
        return ser_fail(s->e, SER_BAD, "%s: line %d: %d field%s, the header has %d", t->name,
                        t->line, t->fields, t->fields == 1 ? "" : "s", t->columns);
    return 1;
}

/* ---- curves ---- */

enum { EPOCH, LR, LOSS, ACCURACY, VAL_LOSS, VAL_ACCURACY, CURVES };
static const char *const curve_name[CURVES] = {"epoch",    "lr",       "loss",
                                               "accuracy", "val_loss", "val_accuracy"};

struct training {
    double (*epoch)[CURVES]; /* [n] */
    size_t n, cap;
    size_t best; /* its place from 1; 0: none */
    int stopped;
    int blind; /* there was no validation */
};

static int read_epoch(struct ser_script *s, const struct table *t, const int *at,
                      struct training *r) {
    if (ser_grow(&r->epoch, &r->cap, r->n + 1, sizeof *r->epoch))
        return no_memory(s);
    double *v = r->epoch[r->n++];
    for (int i = 0; i < CURVES; i++)
        if (i >= VAL_LOSS && strcmp(t->field[at[i]], "-") == 0)
            v[i] = 0, r->blind = 1;
        else if (ser_parse_real(t->field[at[i]], -1e300, 1e300, &v[i]))
            return ser_fail(s->e, SER_BAD, "%s: line %d: %s is no number: '%s'", t->name, t->line,
                            curve_name[i], t->field[at[i]]);
    int64_t epoch;
    if (ser_parse_int(t->field[at[EPOCH]], 0, 999999999, &epoch) || v[LR] <= 0 ||
        (r->n > 1 && v[EPOCH] <= v[-CURVES + EPOCH]))
        return ser_fail(s->e, SER_BAD,
                        "%s: line %d: epochs count up and learning rates are above 0", t->name,
                        t->line);
    return 0;
}

static int read_training(struct ser_script *s, struct training *r, struct table *t) {
    int at[CURVES], got;
    if (open_table(s, t) || need(s, t, curve_name, CURVES, at))
        return -1;
    int best = column(t, "best"), stop = column(t, "stop");
    while ((got = next_row(s, t)) > 0) {
        if (read_epoch(s, t, at, r))
            return -1;
        if (best >= 0 && strcmp(t->field[best], "1") == 0)
            r->best = r->n;
        r->stopped |= stop >= 0 && strcmp(t->field[stop], "1") == 0;
    }
    if (got < 0)
        return -1;
    return r->n ? 0 : ser_script_bad(s, t->name, "no epoch in it");
}

/* The learning rates that the axis names: all, or if there are more than three the largest and the
 * smallest. */
static void put_rates(struct ser_script *s, const struct training *r) {
    enum { MOST = 3 };
    double rate[MOST], least = r->epoch[0][LR], most = least;
    int n = 0; /* different ones; MOST + 1: more */
    for (size_t i = 0; i < r->n && n <= MOST; i++) {
        int k = 0;
        while (k < n && rate[k] != r->epoch[i][LR])
            k++;
        if (k == n && n < MOST)
            rate[n] = r->epoch[i][LR];
        n += k == n;
    }
    for (size_t i = 0; i < r->n; i++) {
        least = fmin(least, r->epoch[i][LR]);
        most = fmax(most, r->epoch[i][LR]);
    }
    ser_text_printf(&s->text, "least = %.17g\nmost = %.17g\n", least, most);
    if (n > MOST)
        ser_text_printf(&s->text, "array lr[2] = [%.17g, %.17g]\n", most, least);
    else
        ser_text_printf(&s->text, "array lr[%d] = [", n);
    for (int i = 0; i < n && n <= MOST; i++)
        ser_text_printf(&s->text, "%s%.17g%s", i ? ", " : "", rate[i], i + 1 < n ? "" : "]\n");
}

static void put_training(struct ser_script *s, const struct training *r) {
    const double *best = r->best ? r->epoch[r->best - 1] : NULL;
    const double *last = r->epoch[r->n - 1];
    char epochs[32] = "one epoch", remark[96] = "";
    if (r->n > 1)
        snprintf(epochs, sizeof epochs, "%zu epochs", r->n);
    if (r->blind)
        snprintf(remark, sizeof remark, ", no validation");
    else if (best)
        snprintf(remark, sizeof remark, ": best is %.0f, validation accuracy %.1f %%", best[EPOCH],
                 100 * best[VAL_ACCURACY]);
    SER_HEADING(s, "Training, %s%s%s", epochs, r->stopped ? ", stopped early" : "", remark);
    ser_text_printf(&s->text, "$epochs << EOD\n");
    for (size_t i = 0; i < r->n; i++) {
        const double *v = r->epoch[i];
        /* There is an epoch. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        ser_text_printf(&s->text, "%.0f %.17g %.17g %.17g %.17g %.17g\n", v[EPOCH], v[LOSS],
                        v[VAL_LOSS], 100 * v[ACCURACY], 100 * v[VAL_ACCURACY], v[LR]);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): likewise */
    ser_text_printf(&s->text, "%.0f nan nan nan nan %.17g\nEOD\n", last[EPOCH] + 1, last[LR]);
    ser_text_printf(&s->text,
                    "epochs = %zu\nfirst = %.0f\nlast = %.0f\nbest = %.0f\nbest_at = %zu\n", r->n,
                    r->epoch[0][EPOCH], last[EPOCH], best && !r->blind ? best[EPOCH] : 0, r->best);
    ser_text_printf(&s->text, "validated = %d\n", !r->blind);
    put_rates(s, r);
}

static int script_curves(struct ser_script *s) {
    struct training r = {0};
    struct table *t = calloc(1, sizeof *t);
    int failed = t ? read_training(s, &r, t) : no_memory(s);
    if (!failed)
        put_training(s, &r);
    if (t)
        free(t->data);
    free(t);
    free(r.epoch);
    return failed;
}

/* ---- predictions ---- */

/* The files that they come from, for messages. */
static void name_files(const struct ser_evaluation *v, char *name, size_t size) {
    size_t n = 0;
    *name = '\0';
    for (int f = 0; f < v->files && n < size; f++)
        n += (size_t)snprintf(name + n, size - n, "%s%s", f ? " " : "", v->file[f].name);
}

static int shows_names(struct ser_script *s) {
    const struct ser_evaluation *v = s->what->evaluation;
    char name[1000];
    int shows = 1;
    for (int c = 0; c < v->classes; c++)
        shows &= ser_plot_shows(v->class_name[c], strlen(v->class_name[c]));
    for (int g = 0; g < SER_GROUPINGS; g++)
        for (size_t i = 0; i < v->members[g]; i++)
            shows &= ser_plot_shows(v->member[g][i].name, strlen(v->member[g][i].name));
    name_files(v, name, sizeof name);
    return shows ? 0 : ser_script_cannot_show(s, name);
}

static int refuse_predictions(struct ser_script *s, const char *why) {
    char name[1000];
    name_files(s->what->evaluation, name, sizeof name);
    return ser_script_bad(s, name, why);
}

enum { SCORES = 128 };

static const char *scores(const struct ser_evaluation *v, char text[SCORES]) {
    int n = snprintf(text, SCORES, "%zu predictions: accuracy %.1f %%", v->all.n,
                     100 * v->all.scores.wa);
    if (v->intervals)
        snprintf(text + n, (size_t)(SCORES - n), " (%.1f to %.1f)", 100 * v->of_all[SER_WA].low,
                 100 * v->of_all[SER_WA].high);
    return text;
}

static void put_cells(struct ser_script *s) {
    const struct ser_evaluation *v = s->what->evaluation;
    ser_text_printf(&s->text, "$cells << EOD\n");
    for (int t = 0; t < v->classes; t++)
        for (int y = 0; y < v->classes; y++) {
            size_t n = v->all.confusion[t * v->classes + y];
            double share = 100 * ser_confusion_rate(v, &v->all, t, y);
            int colour = share > 55 ? 0xffffff : n ? 0 : 0x707070;
            ser_text_printf(&s->text, "%d %d %zu %.6g %d\n", y + 1, v->classes - 1 - t, n, share,
                            colour);
        }
    ser_text_printf(&s->text, "EOD\n");
}

static int script_confusion(struct ser_script *s) {
    const struct ser_evaluation *v = s->what->evaluation;
    enum { ROOM = 4 * SER_PLOT_CLASS + 32 }; /* a name that was cut, and a number */
    char text[SCORES], row[SER_PLOT_CLASSES][ROOM];
    const char *down[SER_PLOT_CLASSES];
    if (shows_names(s))
        return -1;
    if (v->classes > SER_PLOT_CLASSES) {
        snprintf(text, sizeof text, "%d classes: more than %d cannot be read", v->classes,
                 SER_PLOT_CLASSES);
        return refuse_predictions(s, text);
    }
    for (int c = 0; c < v->classes; c++) {
        const char *name = v->class_name[c];
        snprintf(row[c], ROOM, "%.*s%s (%zu)", ser_text_cut(name, SER_PLOT_CLASS), name,
                 SER_MORE(name, SER_PLOT_CLASS), v->all.of[c].support);
        down[c] = row[c];
    }
    SER_HEADING(s, "%s, unweighted recall %.1f %%", scores(v, text), 100 * v->all.scores.ua);
    put_cells(s);
    size_t n = (size_t)v->classes;
    size_t wide_across =
        ser_script_names(s, "across", (const char *const *)v->class_name, n, SER_PLOT_CLASS);
    size_t wide_down = ser_script_names(s, "down", down, n, ROOM);
    ser_text_printf(&s->text, "classes = %zu\nwide_across = %zu\nwide_down = %zu\n", n, wide_across,
                    wide_down);
    return 0;
}

/* 95 per cent interval of a share of n (Wilson 1927). */
static void wilson(double share, double n, double *low, double *high) {
    double z = 1.959964, centre = (share + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    *low = centre - half;
    *high = centre + half;
}

static int script_reliability(struct ser_script *s) {
    const struct ser_evaluation *v = s->what->evaluation;
    char text[SCORES];
    size_t most = 0;
    if (shows_names(s))
        return -1;
    if (!v->all.calibrated)
        return refuse_predictions(
            s, "no columns p_CLASS: without probabilities there is nothing to compare");
    SER_HEADING(s, "%s, calibration error %.3f", scores(v, text), v->all.calibration.ece);
    ser_text_printf(&s->text, "$bins << EOD\n");
    for (int i = 0; i < SER_BINS; i++) {
        const struct ser_bin *b = &v->all.bin[i];
        double low, high;
        most = b->n > most ? b->n : most;
        wilson(b->accuracy, (double)b->n, &low, &high);
        if (b->n)
            ser_text_printf(&s->text, "%d %zu %.6g %.6g %.6g %.6g\n", 10 * i + 5, b->n,
                            100 * b->confidence, 100 * b->accuracy, 100 * low, 100 * high);
        else
            ser_text_printf(&s->text, "%d 0 nan nan nan nan\n", 10 * i + 5);
    }
    ser_text_printf(&s->text, "EOD\nmost = %zu\n", most);
    return 0;
}

/* By name, a number in it counting as one: 2 before 10. */
static int by_name(const char *a, const char *b) {
    static const char digits[] = "0123456789";
    for (;;) {
        size_t n = strcspn(a, digits);
        if (!a[n] || strncmp(a, b, n) != 0)
            return strcmp(a, b);
        a += n;
        b += n;
        size_t x = strspn(a, digits), y = strspn(b, digits);
        if (!y)
            return strcmp(a, b);
        size_t i = strspn(a, "0"), j = strspn(b, "0"); /* the longer number is the larger */
        if (x - i != y - j)
            return x - i < y - j ? -1 : 1;
        int larger = strncmp(a + i, b + j, x - i);
        if (larger || x != y)
            return larger ? larger : strncmp(a, b, x < y ? x : y);
        a += x;
        b += y;
    }
}

static int by_accuracy(const void *a, const void *b) {
    const struct ser_result *const *x = a, *const *y = b;
    double d = (*y)->scores.wa - (*x)->scores.wa;
    return d ? (d < 0 ? -1 : 1) : by_name((*x)->name, (*y)->name);
}

static int script_speakers(struct ser_script *s) {
    const struct ser_evaluation *v = s->what->evaluation;
    size_t n = v->members[SER_BY_SPEAKER];
    const struct ser_result *all = v->member[SER_BY_SPEAKER];
    char text[SCORES];
    if (shows_names(s))
        return -1;
    if (!n || (n == 1 && strcmp(all[0].name, "-") == 0))
        return refuse_predictions(s, "no column speaker, or no speaker in it");
    if (n > MAX_SPEAKERS) {
        snprintf(text, sizeof text, "%zu speakers: more than %d cannot be read", n, MAX_SPEAKERS);
        return refuse_predictions(s, text);
    }
    const struct ser_result *by[MAX_SPEAKERS];
    const char *name[MAX_SPEAKERS];
    for (size_t i = 0; i < n; i++)
        by[i] = &all[i];
    qsort(by, n, sizeof *by, by_accuracy);
    SER_HEADING(s, "%zu speakers, %s", n, scores(v, text));
    ser_text_printf(&s->text, "$speakers << EOD\n");
    for (size_t i = 0; i < n; i++) {
        name[i] = by[i]->name;
        ser_text_printf(&s->text, "%zu %.6f %.6f %zu\n", n - 1 - i, 100 * by[i]->scores.wa,
                        100 * by[i]->scores.ua, by[i]->n);
    }
    ser_text_printf(&s->text, "EOD\n");
    size_t wide = ser_script_names(s, "down", name, n, NAME);
    ser_text_printf(&s->text, "speakers = %zu\nwide = %zu\naccuracy = %.6f\n", n, wide,
                    100 * v->all.scores.wa);
    return 0;
}

/* ---- manifest ---- */

enum { PARTS = 3 };
static const char *const part_name[PARTS] = {"train", "val", "test"};

struct mention { /* of a name, by an utterance of a part */
    const char *name;
    int part;
};

struct mentions {
    struct mention *emotion, *speaker; /* [n] */
    size_t n, cap;
    int parts; /* 1 if the table tells no parts */
};

static int by_mention(const void *a, const void *b) {
    const struct mention *x = a, *y = b;
    return by_name(x->name, y->name);
}

static int add_mentions(struct ser_script *s, struct mentions *m, const char *emotion,
                        const char *speaker, int part) {
    size_t cap = m->cap; /* of both arrays */
    if (ser_grow(&m->emotion, &cap, m->n + 1, sizeof *m->emotion) ||
        ser_grow(&m->speaker, &m->cap, m->n + 1, sizeof *m->speaker))
        return no_memory(s);
    m->emotion[m->n] = (struct mention){emotion, part};
    m->speaker[m->n++] = (struct mention){speaker, part};
    return 0;
}

static int read_mentions(struct ser_script *s, struct mentions *m, struct table *t) {
    static const char *const name[2] = {"emotion", "speaker"};
    int at[2], got;
    if (open_table(s, t) || need(s, t, name, 2, at))
        return -1;
    int part = column(t, "part");
    m->parts = part < 0 ? 1 : PARTS;
    while ((got = next_row(s, t)) > 0) {
        int p = 0;
        while (part >= 0 && p < PARTS && strcmp(t->field[part], part_name[p]) != 0)
            p++;
        if (part >= 0 && strcmp(t->field[part], "all") == 0)
            p = -1; /* counted in the total alone */
        if (p == PARTS)
            return ser_fail(s->e, SER_BAD, "%s: line %d: the part is none of train, val, test",
                            t->name, t->line);
        if (add_mentions(s, m, t->field[at[0]], t->field[at[1]], p))
            return -1;
    }
    if (got < 0)
        return -1;
    return m->n ? 0 : ser_script_bad(s, t->name, "no utterance in it");
}

/* Sorts mentions; returns how many names there are. */
static size_t count_names(struct mention *m, size_t n) {
    size_t names = 0;
    /* There is a row. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    qsort(m, n, sizeof *m, by_mention);
    for (size_t i = 0; i < n; i++)
        names += !i || strcmp(m[i].name, m[i - 1].name) != 0;
    return names;
}

/* The bars of sorted mentions of so many names, as what; list has room for the names. Returns the
 * largest total. */
static size_t put_bars(struct ser_script *s, const char *what, const struct mention *m, size_t n,
                       int parts, size_t names, const char **list) {
    size_t most = 0, row = 0, end;
    ser_text_printf(&s->text, "$%s << EOD\n", what);
    for (size_t i = 0; i < n; i = end, row++) {
        size_t of[PARTS] = {0}, from = 0;
        for (end = i; end < n && strcmp(m[end].name, m[i].name) == 0; end++)
            if (m[end].part >= 0)
                of[m[end].part]++;
        list[row] = m[i].name;
        most = end - i > most ? end - i : most;
        for (int p = 0; p < parts; from += of[p++])
            ser_text_printf(&s->text, "%d %zu %zu %zu %zu\n", p + 1, names - 1 - row, from,
                            from + of[p], end - i);
    }
    ser_text_printf(&s->text, "EOD\n");
    return most;
}

static int put_mentions(struct ser_script *s, struct mentions *m, const char *name) {
    const char *list[MAX_SPEAKERS];
    size_t emotions = count_names(m->emotion, m->n), speakers = count_names(m->speaker, m->n);
    if (emotions > MAX_EMOTIONS || speakers > MAX_SPEAKERS)
        return ser_fail(s->e, SER_BAD, "%s: more than %d emotions or %d speakers cannot be read",
                        name, MAX_EMOTIONS, MAX_SPEAKERS);
    SER_HEADING(s, "%zu utterances, %zu emotions, %zu speakers", m->n, emotions, speakers);
    size_t most = put_bars(s, "emotion", m->emotion, m->n, m->parts, emotions, list);
    size_t wide = ser_script_names(s, "emotion", list, emotions, NAME);
    ser_text_printf(&s->text, "emotions = %zu\nmost_emotion = %zu\n", emotions, most);
    most = put_bars(s, "speaker", m->speaker, m->n, m->parts, speakers, list);
    size_t wide_too = ser_script_names(s, "speaker", list, speakers, NAME);
    ser_text_printf(&s->text, "speakers = %zu\nmost_speaker = %zu\nparts = %d\nwide = %zu\n",
                    speakers, most, m->parts, wide > wide_too ? wide : wide_too);
    return 0;
}

static int script_manifest(struct ser_script *s) {
    struct mentions m = {0};
    struct table *t = calloc(1, sizeof *t);
    int failed = t ? read_mentions(s, &m, t) : no_memory(s);
    if (!failed)
        failed = put_mentions(s, &m, t->name);
    if (t)
        free(t->data);
    free(t);
    free(m.emotion);
    free(m.speaker);
    return failed;
}

/* ---- mfcc ---- */

/* The record with the key, or the first: 0, or -1. */
static int find_record(struct ser_script *s, struct ser_reader *r, struct ser_record *rec) {
    const char *key = s->what->key;
    int got;
    while ((got = ser_reader_next(r, rec, s->e)) > 0)
        if (!key || !*key || strcmp(rec->key, key) == 0)
            return 0;
    if (got < 0)
        return -1;
    return key && *key ? ser_fail(s->e, SER_BAD, "%s: no record has the key '%s'", r->in.name, key)
                       : ser_script_bad(s, r->in.name, "no record in it");
}

static int check_features(struct ser_script *s, const struct ser_reader *r,
                          const struct ser_record *rec) {
    const char *kind = ser_attr(&r->header, "kind"), *name = r->in.name;
    char shape[SER_SHAPE_TEXT];
    ser_shape_text(rec->rank, rec->dim, shape);
    if (!ser_plot_shows(rec->key, strlen(rec->key)))
        return ser_script_cannot_show(s, name);
    if (strcmp(kind, "features") != 0 || rec->rank != 2)
        return ser_fail(s->e, SER_BAD,
                        "%s: record %s: a %s %s of kind %s, not features of rows and frames", name,
                        rec->key, ser_type_name(rec->type), shape, kind);
    if (!rec->dim[0] || rec->dim[0] > MAX_ROWS || !rec->dim[1] || rec->dim[1] > MAX_FRAMES)
        return ser_fail(s->e, SER_BAD,
                        "%s: record %s: %s: up to %d rows of up to %d frames can be drawn", name,
                        rec->key, shape, MAX_ROWS, MAX_FRAMES);
    for (size_t i = 0; i < rec->count; i++)
        if (!(fabs(ser_value(rec, i)) <= 1e30))
            return ser_fail(s->e, SER_BAD, "%s: record %s: holds a value that is no number", name,
                            rec->key);
    return 0;
}

/* The values between which colours run: the 1st and the 99th percentile of rows first.. and frames
 * 0..full-1, to a thousandth of the range. */
static void find_range(const struct ser_record *rec, size_t first, size_t full, double range[2]) {
    enum { BUCKETS = 1000 };
    size_t bucket[BUCKETS + 1] = {0}, frames = rec->dim[1];
    double least = 1e30, most = -1e30;
    for (size_t r = first; r < rec->dim[0]; r++)
        for (size_t i = 0; i < full; i++) {
            least = fmin(least, ser_value(rec, r * frames + i));
            most = fmax(most, ser_value(rec, r * frames + i));
        }
    for (size_t r = first; r < rec->dim[0]; r++)
        for (size_t i = 0; i < full; i++) {
            double x = ser_value(rec, r * frames + i);
            bucket[(int)((x - least) / (most - least + 1e-9) * BUCKETS)]++;
        }
    double n = (double)((rec->dim[0] - first) * full), below = 0;
    for (int i = 0, k = 0; k < 2; i++) {
        below += i <= BUCKETS ? (double)bucket[i] : n;
        while (k < 2 && below > (k ? 0.99 : 0.01) * n)
            range[k++] = least + (double)i / BUCKETS * (most - least);
    }
    if (range[0] >= range[1]) {
        range[0] = least - 0.5;
        range[1] = most + 0.5;
    }
}

/* n of the frames are true. */
static void put_features(struct ser_script *s, const struct ser_attrs *header,
                         const struct ser_record *rec, int64_t n) {
    const char *type = ser_attr(header, "feat.type"), *hop = ser_attr(header, "feat.hop");
    const char *rate = ser_attr(header, "feat.rate_hz");
    const char *emotion = ser_attr(&rec->attrs, "emotion");
    size_t rows = rec->dim[0], frames = rec->dim[1];
    int logmel = type && strcmp(type, "logmel") == 0, whole = logmel || rows == 1;
    int timed = 0;
    double h, hz, range[2];
    if (hop && rate && !ser_parse_real(hop, 0, 1e9, &h) && !ser_parse_real(rate, 1e-9, 1e9, &hz))
        timed = 1;
    double step = timed ? h / hz : 1;
    if (emotion && *emotion && strcmp(emotion, "-") != 0)
        SER_HEADING(s, "%.*s%s: %.*s%s, %d frames", ser_text_cut(rec->key, 40), rec->key,
                    SER_MORE(rec->key, 40), ser_text_cut(emotion, 20), emotion,
                    SER_MORE(emotion, 20), (int)n);
    else
        SER_HEADING(s, "%.*s%s: %d frames", ser_text_cut(rec->key, 40), rec->key,
                    SER_MORE(rec->key, 40), (int)n);
    if (n < (int64_t)frames && !(s->what->title && *s->what->title))
        ser_text_printf(&s->heading, ", padded to %zu", frames);
    ser_text_printf(&s->text, "$features << EOD\n");
    for (size_t i = whole ? 0 : frames; i < rec->count; i++)
        ser_text_printf(&s->text, "%.9g%c", ser_value(rec, i), (i + 1) % frames ? ' ' : '\n');
    ser_text_printf(&s->text, "EOD\n$zeroth << EOD\n");
    for (int64_t i = 0; i < n && !whole; i++)
        ser_text_printf(&s->text, "%.6f %.9g\n", ((double)i + 0.5) * step,
                        ser_value(rec, (size_t)i));
    find_range(rec, !whole, (size_t)n, range);
    ser_text_printf(&s->text,
                    "EOD\nrows = %zu\nframes = %zu\nfull = %d\nstep = %.17g\nunit = '%s'\n"
                    "logmel = %d\nwhole = %d\nfrom = %.17g\nto = %.17g\n",
                    rows, frames, (int)n, step, timed ? "s" : "frames", logmel, whole, range[0],
                    range[1]);
}

static int script_mfcc(struct ser_script *s) {
    struct ser_reader r;
    struct ser_record rec = {0};
    if (ser_reader_open(&r, s->what->path, NULL, s->e))
        return -1;
    int failed = find_record(s, &r, &rec) || check_features(s, &r, &rec);
    const char *emotion = failed ? NULL : ser_attr(&rec.attrs, "emotion");
    if (emotion && !ser_plot_shows(emotion, strlen(emotion)))
        failed = ser_script_cannot_show(s, r.in.name);
    int64_t frames = failed ? -1 : ser_axes_frames(&r, &rec, (int64_t)rec.dim[1], s->e);
    if (frames < 0)
        failed = -1;
    else
        put_features(s, &r.header, &rec, frames);
    ser_record_free(&rec);
    ser_reader_close(&r);
    return failed ? -1 : 0;
}

/* ---- tune ---- */

struct searched {
    struct ser_tuning t;
    const struct ser_tuning_option *axis[SER_TUNING_OPTIONS]; /* options of more than one value, the
                                                                 most important first */
    size_t axes;
    double least, most; /* of the figure, per cent but for the loss */
    int64_t *after;     /* [rungs] the numbers of epochs that there are results after, ascending */
    size_t rungs;
};

static double figure_of(const struct searched *q, const struct ser_tuning_result *r) {
    return r->failed                      ? NAN
           : q->t.by == SER_TUNING_LOSS   ? r->loss
           : q->t.by == SER_TUNING_RECALL ? 100 * r->recall
                                          : 100 * r->accuracy;
}

static int by_importance(const void *a, const void *b) {
    const struct ser_tuning_option *const *x = a, *const *y = b;
    double d = (*y)->importance.effect - (*x)->importance.effect;
    return d ? (d < 0 ? -1 : 1) : (*x > *y) - (*x < *y);
}

static void find_axes(struct searched *q) {
    for (size_t o = 0; o < q->t.options; o++)
        if (q->t.option[o].values > 1)
            q->axis[q->axes++] = &q->t.option[o];
    if (q->axes)
        qsort(q->axis, q->axes, sizeof *q->axis, by_importance);
    q->axes = q->axes < MAX_AXES ? q->axes : MAX_AXES;
}

static void find_limits(struct searched *q) {
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < q->t.results; i++)
        if (!q->t.result[i].failed) {
            least = fmin(least, figure_of(q, &q->t.result[i]));
            most = fmax(most, figure_of(q, &q->t.result[i]));
        }
    if (most < least)
        least = most = 0;
    q->least = least;
    q->most = most > least ? most : least + 1;
}

/* Two numbers of the picture; gnuplot draws nothing where the second is none. */
static void put_point(struct ser_script *s, double x, double y) {
    ser_text_printf(&s->text, isnan(y) ? "%.9g nan" : "%.9g %.9g", x, y);
}

/* Trials in their order, each by its last result, and the best so far. */
static void put_trials(struct ser_script *s, const struct searched *q) {
    const struct ser_tuning_result *best = NULL;
    ser_text_printf(&s->text, "$trials << EOD\n");
    for (size_t i = 0; i < q->t.results; i++) {
        i = ser_tuning_last(&q->t, i);
        const struct ser_tuning_result *r = &q->t.result[i];
        put_point(s, (double)r->trial, figure_of(q, r));
        ser_text_printf(&s->text, " %lld %d\n", (long long)r->rung, r->failed);
    }
    ser_text_printf(&s->text, "EOD\n$best << EOD\n");
    for (size_t i = 0; i < q->t.results; i++) {
        i = ser_tuning_last(&q->t, i);
        const struct ser_tuning_result *r = &q->t.result[i];
        best = best && ser_tuning_before(&q->t, best, r) ? best : r;
        put_point(s, (double)r->trial, figure_of(q, best));
        ser_text_printf(&s->text, "\n");
    }
    ser_text_printf(&s->text, "EOD\n");
}

/* A trial's figures by the epochs of its rungs, from its result i on. The next trial's first. */
static size_t put_climb(struct ser_script *s, const struct searched *q, size_t i) {
    size_t last = ser_tuning_last(&q->t, i);
    for (; i <= last; i++) {
        put_point(s, (double)q->t.result[i].epochs, figure_of(q, &q->t.result[i]));
        ser_text_printf(&s->text, "\n");
    }
    ser_text_printf(&s->text, "\n");
    return i;
}

static int by_number(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int find_rungs(struct ser_script *s, struct searched *q) {
    q->after = calloc(q->t.results, sizeof *q->after);
    if (!q->after)
        return no_memory(s);
    for (size_t i = 0; i < q->t.results; i++)
        q->after[i] = q->t.result[i].epochs;
    qsort(q->after, q->t.results, sizeof *q->after, by_number);
    for (size_t i = 0; i < q->t.results; i++)
        if (!i || q->after[i] != q->after[q->rungs - 1])
            q->after[q->rungs++] = q->after[i];
    return 0;
}

/* From rung to rung: a line for each trial, the best one's again, and the epochs of each rung: the
 * first, the last, and some between. */
static void put_rungs(struct ser_script *s, const struct searched *q) {
    const long long last = (long long)q->after[q->rungs - 1];
    size_t i = 0;
    ser_text_printf(&s->text, "$rungs << EOD\n");
    while (i < q->t.results)
        i = put_climb(s, q, i);
    ser_text_printf(&s->text, "EOD\n$climbed << EOD\n");
    for (i = 0; q->t.result[i].trial != q->t.rank[0]->trial;)
        i++;
    put_climb(s, q, i);
    ser_text_printf(&s->text, "EOD\narray epochs[%d] = [", 1 + MAX_WORDS);
    for (i = 0; i < MAX_WORDS; i++)
        ser_text_printf(&s->text, "%lld, ", i < q->rungs ? (long long)q->after[i] : last);
    ser_text_printf(&s->text, "%lld]\nrungs = %zu\n", last, q->rungs);
}

/* A trial's line through the axes that apply, of which the figure's is the lowest, row 0. */
static void put_line(struct ser_script *s, const struct searched *q, size_t i) {
    const struct ser_tuning_result *r = q->t.rank[i];
    double colour = 1 - (double)i / (double)q->t.trials;
    for (size_t a = 0; a <= q->axes; a++) {
        double place = a < q->axes ? ser_tuning_place(&q->t, r, (size_t)(q->axis[a] - q->t.option))
                                   : (figure_of(q, r) - q->least) / (q->most - q->least);
        if (!isnan(place))
            ser_text_printf(&s->text, "%zu %.6f %.4f\n", q->axes - a, place, colour);
    }
    ser_text_printf(&s->text, "\n");
}

static void put_lines(struct ser_script *s, const struct searched *q) {
    size_t n = q->t.trials < MAX_LINES ? q->t.trials : MAX_LINES;
    ser_text_printf(&s->text, "$lines << EOD\n");
    while (n--)
        put_line(s, q, n);
    ser_text_printf(&s->text, "EOD\n$winner << EOD\n");
    put_line(s, q, 0);
    ser_text_printf(&s->text, "EOD\n");
}

/* A word or number at an axis. */
struct tick {
    double place;
    size_t row;
    char text[4 * SER_PLOT_CLASS + 8];
};

static void name_tick(struct tick *to, size_t row, double place, const char *word, size_t most) {
    *to = (struct tick){.place = place, .row = row};
    snprintf(to->text, sizeof to->text, "%.*s%s", ser_text_cut(word, most), word,
             SER_MORE(word, most));
}

/* The ends of an axis of numbers, or the words of one; of many the first and the last. */
static size_t name_values(const struct ser_tuning_option *o, size_t row, struct tick *to) {
    size_t n = o->words && o->values <= MAX_WORDS ? o->values : 2;
    size_t room = 56 / n < SER_PLOT_CLASS ? 56 / n : SER_PLOT_CLASS;
    for (size_t i = 0; i < n; i++) {
        char number[32];
        snprintf(number, sizeof number, "%.4g", i ? o->hi : o->lo);
        name_tick(&to[i], row, (double)i / (double)(n - 1),
                  !o->words   ? number
                  : i + 1 < n ? o->word[i]
                              : o->word[o->values - 1],
                  room);
    }
    return n;
}

static void put_axes(struct ser_script *s, const struct searched *q) {
    struct tick tick[(MAX_AXES + 1) * MAX_WORDS];
    const char *name[MAX_AXES + 1], *text[(MAX_AXES + 1) * MAX_WORDS];
    const struct ser_tuning_option figure = {.lo = q->least, .hi = q->most};
    size_t n = 0;
    for (size_t a = 0; a < q->axes; a++) {
        name[a] = q->axis[a]->name;
        n += name_values(q->axis[a], q->axes - a, tick + n);
    }
    name[q->axes] = ser_tuning_by[q->t.by];
    n += name_values(&figure, 0, tick + n);
    ser_text_printf(&s->text, "$ticks << EOD\n");
    for (size_t i = 0; i < n; i++) {
        text[i] = tick[i].text;
        ser_text_printf(&s->text, "%zu %.6f %zu\n", tick[i].row, tick[i].place, i + 1);
    }
    ser_text_printf(&s->text, "EOD\n$importance << EOD\n");
    for (size_t a = 0; a < q->axes; a++)
        ser_text_printf(&s->text, "%zu %.6f %.6f\n", q->axes - 1 - a,
                        100 * q->axis[a]->importance.effect, 100 * q->axis[a]->importance.chance);
    ser_text_printf(&s->text, "EOD\n");
    put_array(s, "tick", text, n, SER_PLOT_CLASS, 0);
    size_t wide = ser_script_names(s, "axis", name, q->axes + 1, NAME);
    if (q->axes)
        ser_script_names(s, "option", name, q->axes, NAME);
    ser_text_printf(&s->text, "axes = %zu\nwide = %zu\n", q->axes, wide);
}

static void put_search(struct ser_script *s, const struct searched *q) {
    const struct ser_tuning_result *best = q->t.rank[0];
    char figure[96] = "all failed";
    if (!best->failed)
        snprintf(figure, sizeof figure, "the best is %lld: %s %.*f%s after %lld epoch%s",
                 (long long)best->trial, ser_tuning_by[q->t.by], q->t.by == SER_TUNING_LOSS ? 4 : 1,
                 figure_of(q, best), q->t.by == SER_TUNING_LOSS ? "" : " %",
                 (long long)best->epochs, best->epochs == 1 ? "" : "s");
    SER_HEADING(s, "%zu trial%s, %s", q->t.trials, q->t.trials == 1 ? "" : "s", figure);
    put_trials(s, q);
    put_rungs(s, q);
    put_lines(s, q);
    put_axes(s, q);
    ser_text_printf(&s->text, "trials = %lld\nleast = %.9g\nmost = %.9g\nby = %d\nat = %lld\n",
                    (long long)q->t.result[q->t.results - 1].trial, q->least, q->most, (int)q->t.by,
                    (long long)q->t.common_epochs);
}

static int shows_options(struct ser_script *s, const struct ser_tuning *t) {
    int shows = 1;
    for (size_t o = 0; o < t->options; o++) {
        shows &= ser_plot_shows(t->option[o].name, strlen(t->option[o].name));
        for (size_t i = 0; t->option[o].words && i < t->option[o].values; i++)
            shows &= ser_plot_shows(t->option[o].word[i], strlen(t->option[o].word[i]));
    }
    return shows ? 0 : ser_script_cannot_show(s, s->what->path ? s->what->path : "<stdin>");
}

static int script_tune(struct ser_script *s) {
    struct searched q = {.axes = 0};
    if (ser_tuning_read(&q.t, s->what->path, s->e))
        return -1;
    int failed = shows_options(s, &q.t) || find_rungs(s, &q);
    if (!failed) {
        find_axes(&q);
        find_limits(&q);
        put_search(s, &q);
    }
    free(q.after);
    ser_tuning_free(&q.t);
    return failed ? -1 : 0;
}

/* ---- all kinds ---- */

SER_EMBED(gp_common, "tools/plots/common.gp");
SER_EMBED(gp_curves, "tools/plots/curves.gp");
SER_EMBED(gp_confusion, "tools/plots/confusion.gp");
SER_EMBED(gp_reliability, "tools/plots/reliability.gp");
SER_EMBED(gp_speakers, "tools/plots/speakers.gp");
SER_EMBED(gp_manifest, "tools/plots/manifest.gp");
SER_EMBED(gp_mfcc, "tools/plots/mfcc.gp");
SER_EMBED(gp_tune, "tools/plots/tune.gp");
SER_EMBED(gp_time, "tools/plots/time.gp");

static const struct {
    int (*make)(struct ser_script *s); /* puts the heading, and the data into the script */
    const char *drawing, *end;         /* what draws it */
} kinds[SER_PLOTS] = {
    [SER_PLOT_CURVES] = {script_curves, gp_curves, gp_curves_end},
    [SER_PLOT_CONFUSION] = {script_confusion, gp_confusion, gp_confusion_end},
    [SER_PLOT_RELIABILITY] = {script_reliability, gp_reliability, gp_reliability_end},
    [SER_PLOT_SPEAKERS] = {script_speakers, gp_speakers, gp_speakers_end},
    [SER_PLOT_MANIFEST] = {script_manifest, gp_manifest, gp_manifest_end},
    [SER_PLOT_MFCC] = {script_mfcc, gp_mfcc, gp_mfcc_end},
    [SER_PLOT_TUNE] = {script_tune, gp_tune, gp_tune_end},
    [SER_PLOT_TIME] = {ser_script_time, gp_time, gp_time_end},
    [SER_PLOT_WAVE] = {ser_script_wave, gp_time, gp_time_end},
};

static void put_drawing(struct ser_script *s, const char *from, const char *end) {
    ser_text_add(&s->text, from, (size_t)(end - from));
}

int ser_plot_script(const struct ser_plot *what, struct ser_plot_script *script,
                    struct ser_error *e) {
    struct ser_script s = {.what = what, .e = e};
    *script = (struct ser_plot_script){0};
    if (what->title && !ser_plot_shows(what->title, strlen(what->title)))
        return ser_fail(e, SER_USAGE, "the title is not UTF-8 text that a picture can show");
    ser_text_printf(&s.text, "png = %d\n", what->png != 0);
    int failed = kinds[what->kind].make(&s);
    if (!failed && s.heading.at) {
        ser_text_printf(&s.text, "heading = ");
        put_text(&s, s.heading.at, SIZE_MAX);
        ser_text_printf(&s.text, "\n");
        put_drawing(&s, gp_common, gp_common_end);
        put_drawing(&s, kinds[what->kind].drawing, kinds[what->kind].end);
    }
    if (!failed && (s.text.failed || s.heading.failed || !s.heading.at))
        failed = no_memory(&s);
    *script = (struct ser_plot_script){s.text.at, s.text.n, s.heading.at};
    if (failed)
        ser_plot_script_free(script);
    return failed ? -1 : 0;
}

void ser_plot_script_free(struct ser_plot_script *script) {
    free(script->text);
    free(script->heading);
    *script = (struct ser_plot_script){0};
}
