/* ser-view - predictions over time: a display on a terminal, rows or JSON for other programs.
 *
 * The display is drawn with a dozen control sequences of ECMA-48, which every terminal of today has:
 * a library for terminals would bring its own input, signals and global state, and be asked for no
 * more than this. A terminal that says it has none (TERM=dumb) gets lines of text. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "core/opt.h"
#include "core/out.h"
#include "core/tsv.h"
#include "math/mathfun.h"

enum { MAX_CLASSES = 256, MOMENTS = 1 << 13, MAX_SIDE = 1000, LOOK_EVERY = 64, LABEL = 14 };
#define HOLD_MARGIN 0.1 /* by which another emotion must be more probable than the one shown */
#define STEP_S      1.0 /* between rows that tell no time */
#define LEAST_DB    (-60.0)
#define MAX_TIME_S  1e12

static struct {
    double smooth_s, span_s;
    int hold, json;
    const char *picture, *output;
} opt = {.span_s = 120};

static const struct ser_opt options[] = {
    {'s', "smooth", SER_OPT_REAL, &opt.smooth_s, 0, 600, "S",
     "smooth the probabilities over S seconds of speech"},
    {0, "hold", SER_OPT_FLAG, &opt.hold, 0, 0, NULL, "change the emotion only by a clear margin"},
    {0, "span", SER_OPT_REAL, &opt.span_s, 1, 3600, "S", "the strip shows the last S seconds"},
    {'J', "json", SER_OPT_FLAG, &opt.json, 0, 0, NULL, "a JSON object a line, also on a terminal"},
    {0, "picture", SER_OPT_TEXT, &opt.picture, 0, 0, "CxR",
     "draw only the last picture, C columns by R lines"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0}};

static const struct ser_tool tool = {
    "[PREDICTIONS]", "Shows predictions over time on a terminal, or passes them on.", options,
    "PREDICTIONS is a table that ser-score writes, row by row; without it, standard\n"
    "input. On a terminal q quits. Where there is none, the rows pass through."};

/* What is done with rows. */
enum mode { ROWS, JSON, LINES, SCREEN, PICTURE };

/* A row for the strip: its emotion reigned from one time to another. */
struct moment {
    double from_s, to_s;
    int emotion; /* a class; -1: no speech */
};

struct view {
    enum mode mode;
    struct ser_tsv t;
    struct ser_out o;

    int id, predicted, confidence, start, end, speech, level; /* columns; -1: there is none */
    int classes, p_column[MAX_CLASSES];
    char *name[MAX_CLASSES]; /* of the classes */
    char letter[MAX_CLASSES];

    /* The last row, and what became of it. */
    double raw[MAX_CLASSES], p[MAX_CLASSES]; /* probabilities: of the row; smoothed */
    int begun, talks;                        /* there was speech; the last row is speech */
    int emotion;                             /* what is shown; -1: nothing yet */
    double time_s, level_db;                 /* end of the row; its level, NAN: unknown */
    char source[256];                        /* what of its id stands before the time */
    struct moment *moment;                   /* [MOMENTS], a ring */
    size_t moments;                          /* ever written */

    /* The terminal. */
    int keys, signals, entered; /* descriptors, -1: none; 1: the terminal is ours */
    struct termios before;
    sigset_t caught, mask;
    int utf8, colour, drawn, rows_since; /* drawn: the last row is on the screen */
};

/* ---- columns ---- */

/* The first letter or digit of the name that no class before has, for a strip without colour. */
static char letter_of(const struct view *v, int k) {
    static const char digits[] = "0123456789+*=%@&";
    char text[300];
    snprintf(text, sizeof text, "%.200s%s", v->name[k], digits);
    for (const char *c = text; *c; c++) {
        int taken = *c <= ' ' || *c == '.' || *c >= 0x7f;
        for (int i = 0; i < k; i++)
            taken = taken || v->letter[i] == *c;
        if (!taken)
            return *c;
    }
    return '?';
}

static void find_columns(struct view *v) {
    struct ser_error e;
    const struct ser_tsv *t = &v->t;
    if ((v->id = ser_tsv_need(t, "id", &e)) < 0 ||
        (v->predicted = ser_tsv_need(t, "predicted", &e)) < 0)
        die_error(&e);
    v->confidence = ser_tsv_column(t, "confidence");
    v->start = ser_tsv_column(t, "start_s");
    v->end = ser_tsv_column(t, "end_s");
    v->speech = ser_tsv_column(t, "speech");
    v->level = ser_tsv_column(t, "level_db");
    for (int i = 0; i < t->columns; i++) {
        if (strncmp(t->name[i], "p_", 2) != 0 || !t->name[i][2])
            continue;
        if (v->classes == MAX_CLASSES)
            die(SER_BAD, "%s: more than %d classes: not predictions", t->in.name, MAX_CLASSES);
        v->name[v->classes] = estrdup(t->name[i] + 2);
        v->letter[v->classes] = letter_of(v, v->classes);
        v->p_column[v->classes++] = i;
    }
    if (!v->classes)
        die(SER_BAD, "%s: no columns p_CLASS: there are no probabilities to show", t->in.name);
}

/* ---- a row ---- */

/* Reads a number that may be unknown (NAN): there is no such column, or the field is "-". */
static int read_number(const struct view *v, int column, double min, double max, double *to,
                       struct ser_error *e) {
    *to = NAN;
    if (column < 0 || strcmp(v->t.field[column], "-") == 0)
        return 0;
    if (ser_parse_real(v->t.field[column], min, max, to))
        return ser_tsv_fail(&v->t, e, "%s is not a number from %g to %g: '%.60s'",
                            v->t.name[column], min, max, v->t.field[column]);
    return 0;
}

static int read_probabilities(struct view *v, struct ser_error *e) {
    for (int k = 0; k < v->classes; k++) {
        if (read_number(v, v->p_column[k], 0, 1, &v->raw[k], e))
            return -1;
        if (v->talks && isnan(v->raw[k]))
            return ser_tsv_fail(&v->t, e, "%s is unknown, though there is a prediction",
                                v->t.name[v->p_column[k]]);
    }
    return 0;
}

/* The probabilities of speech are smoothed exponentially: what is older than S seconds counts for
 * 1/e. Where there is no speech they stay as they are. */
static void smooth(struct view *v, double step_s) {
    double part = v->begun && opt.smooth_s > 0 ? 1 - ser_exp(-step_s / opt.smooth_s) : 1;
    for (int k = 0; k < v->classes; k++)
        v->p[k] = v->begun ? v->p[k] + part * (v->raw[k] - v->p[k]) : v->raw[k];
    v->begun = 1;
}

static int class_of(const struct view *v, const char *name) {
    for (int k = 0; k < v->classes; k++)
        if (strcmp(v->name[k], name) == 0)
            return k;
    return -1;
}

/* The emotion to show: what the row says, unless it was smoothed; then the most probable. */
static void choose(struct view *v) {
    int best = class_of(v, v->t.field[v->predicted]);
    if (opt.smooth_s > 0 || best < 0) {
        best = 0;
        for (int k = 1; k < v->classes; k++)
            best = v->p[k] > v->p[best] ? k : best;
    }
    if (!opt.hold || v->emotion < 0 || v->p[best] > v->p[v->emotion] + HOLD_MARGIN)
        v->emotion = best;
}

/* 1 if the row's recording is not that of the row before: of ID@SECONDS the ID is another. */
static int is_other_source(struct view *v) {
    char source[sizeof v->source];
    const char *id = v->t.field[v->id], *at = strrchr(id, '@');
    int n = (int)(at ? at - id : (long)strlen(id));
    snprintf(source, sizeof source, "%.*s", n, id);
    int other = strcmp(source, v->source) != 0;
    memcpy(v->source, source, sizeof source);
    return other;
}

/* Takes in the table's last row. Where time goes back, too, another recording begins. */
static int take_row(struct view *v, struct ser_error *e) {
    double end_s, speech;
    const char *said = v->t.field[v->predicted];
    v->talks = strcmp(said, "-") != 0;
    if (v->talks && class_of(v, said) < 0)
        return ser_tsv_fail(&v->t, e, "predicted is '%.60s', of which there is no column p_", said);
    if (read_number(v, v->end, -MAX_TIME_S, MAX_TIME_S, &end_s, e) ||
        read_number(v, v->level, -1000, 1000, &v->level_db, e) ||
        read_number(v, v->speech, 0, 1, &speech, e) || read_probabilities(v, e))
        return -1;
    double step_s = STEP_S;
    if (!isnan(end_s) && v->moments)
        step_s = end_s - v->time_s;
    if (!isnan(end_s) && (is_other_source(v) || step_s <= 0)) {
        v->begun = 0;
        v->emotion = -1;
        v->moments = 0;
        step_s = STEP_S;
    }
    v->time_s = isnan(end_s) ? v->time_s + step_s : end_s;
    if (v->talks) {
        smooth(v, step_s);
        choose(v);
    }
    v->moment[v->moments++ % MOMENTS] =
        (struct moment){v->time_s - step_s, v->time_s, v->talks ? v->emotion : -1};
    v->drawn = 0;
    return 0;
}

/* ---- rows and JSON ---- */

static void write_header(struct view *v) {
    for (int i = 0; i < v->t.columns; i++)
        ser_out_printf(&v->o, "%s%c", v->t.name[i], i + 1 < v->t.columns ? '\t' : '\n');
}

/* The row as it came, but for what the options have changed of it. */
static void write_row(struct view *v) {
    int changed = v->talks && (opt.smooth_s > 0 || opt.hold), k = 0;
    for (int i = 0; i < v->t.columns; i++) {
        if (i)
            ser_out_printf(&v->o, "\t");
        int is_p = k < v->classes && i == v->p_column[k];
        if (is_p && changed && opt.smooth_s > 0)
            ser_out_printf(&v->o, "%.9g", v->p[k]);
        else if (i == v->predicted && changed)
            ser_out_printf(&v->o, "%s", v->name[v->emotion]);
        else if (i == v->confidence && changed)
            ser_out_printf(&v->o, "%.9g", v->p[v->emotion]);
        else
            ser_out_printf(&v->o, "%s", v->t.field[i]);
        k += is_p;
    }
    ser_out_printf(&v->o, "\n");
}

/* "name":number, where the table has it. */
static void write_member(struct view *v, int column) {
    struct ser_error e;
    double x;
    if (column < 0)
        return;
    if (read_number(v, column, -MAX_TIME_S, MAX_TIME_S, &x, &e) || isnan(x))
        ser_out_printf(&v->o, ",\"%s\":null", v->t.name[column]);
    else
        ser_out_printf(&v->o, ",\"%s\":%.9g", v->t.name[column], x);
}

static void write_json(struct view *v) {
    ser_out_printf(&v->o, "{\"id\":");
    ser_out_json(&v->o, v->t.field[v->id]);
    write_member(v, v->start);
    write_member(v, v->end);
    ser_out_printf(&v->o, ",\"predicted\":");
    if (v->talks) {
        ser_out_json(&v->o, v->name[v->emotion]);
        ser_out_printf(&v->o, ",\"confidence\":%.9g,\"p\":{", v->p[v->emotion]);
        for (int k = 0; k < v->classes; k++) {
            ser_out_printf(&v->o, k ? "," : "");
            ser_out_json(&v->o, v->name[k]);
            ser_out_printf(&v->o, ":%.9g", v->p[k]);
        }
        ser_out_printf(&v->o, "}");
    } else
        ser_out_printf(&v->o, "null,\"confidence\":null,\"p\":null");
    write_member(v, v->speech);
    write_member(v, v->level);
    ser_out_printf(&v->o, "}\n");
}

/* ---- drawing ---- */

/* One line of a picture: text beyond its end is cut off. */
struct pen {
    struct ser_out *o;
    int left; /* columns to the end of the line */
    int utf8, colour;
};

static void paint(struct pen *p, const char *sgr) {
    if (p->colour)
        ser_out_printf(p->o, "\033[%sm", sgr);
}

/* Writes text. What a terminal might take for a command, or does not know, becomes a "?". */
static void put(struct pen *p, const char *text) {
    mbstate_t state = {0};
    size_t n = strlen(text), k;
    for (; n && p->left > 0; text += k, n -= k) {
        wchar_t c;
        int width = -1;
        k = mbrtowc(&c, text, n, &state);
        if (k == 0 || k > n) { /* what is no character of the locale */
            memset(&state, 0, sizeof state);
            k = 1;
        } else
            width = wcwidth(c); /* -1: a control character */
        if (width > p->left)
            break;
        if (width < 0)
            ser_out_write(p->o, "?", 1);
        else
            ser_out_write(p->o, text, k);
        p->left -= width < 0 ? 1 : width;
    }
}

static void put_spaces(struct pen *p, int n) {
    for (; n > 0 && p->left > 0; n--)
        put(p, " ");
}

SER_PRINTF(2, 3) static void put_text(struct pen *p, const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(p, text);
}

/* A bar of a share of the given columns, to an eighth of one where the terminal has such. */
static void put_bar(struct pen *p, double share, int columns) {
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    int eighths = (int)(share * columns * 8 + 0.5);
    for (int i = 0; i < columns; i++, eighths -= 8) {
        int part = eighths < 0 ? 0 : eighths > 8 ? 8 : eighths;
        if (p->utf8)
            put(p, part ? eighth[part] : " ");
        else
            put(p, part >= 4 ? "#" : " ");
    }
}

/* The 16 colours of a terminal are made to be read on its background, dark or light. */
static const char *colour_of(const struct view *v, int k) {
    static const char *const known[][2] = {
        {"angry", "31"},   {"calm", "32"},  {"disgust", "36"},   {"disgusted", "36"},
        {"fearful", "35"}, {"fear", "35"},  {"happy", "33"},     {"neutral", "90"},
        {"sad", "34"},     {"bored", "94"}, {"surprised", "95"}, {"excited", "93"}};
    static const char *const other[] = {"92", "96", "91", "94", "93", "95", "32", "36"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(v->name[k], known[i][0]) == 0)
            return known[i][1];
    return other[k % 8];
}

static void draw_head(const struct view *v, struct pen *p) {
    int room = p->left;
    char time[40] = "";
    snprintf(time, sizeof time, "%.1f s", v->time_s);
    if (!v->moments)
        put(p, "waiting for the first row");
    else if (!v->talks)
        put(p, "no speech");
    else {
        paint(p, "1");
        paint(p, colour_of(v, v->emotion));
        put_text(p, "%s %.0f %%", v->name[v->emotion], 100 * v->p[v->emotion]);
        paint(p, "0");
    }
    if (v->moments && room >= 30) {
        put_spaces(p, p->left - (int)strlen(time));
        put(p, time);
    }
}

/* The columns of a text on the terminal. */
static int width_of(const char *text) {
    wchar_t wide[64];
    size_t n = mbstowcs(wide, text, 63);
    if (n == (size_t)-1)
        return (int)strlen(text);
    wide[n] = 0;
    int width = wcswidth(wide, n);
    return width < 0 ? (int)n : width;
}

static int label_width(const struct view *v, int columns) {
    int most = 5;
    for (int k = 0; k < v->classes; k++)
        most = width_of(v->name[k]) > most ? width_of(v->name[k]) : most;
    most = most < LABEL ? most : LABEL;
    return most < columns / 3 ? most : columns / 3;
}

/* A label, a bar and a figure behind it. */
static void draw_bar(struct pen *p, const char *mark, const char *label, int width, double share,
                     const char *sgr, const char *figure) {
    int room = p->left, figure_width = room >= 24 ? 8 : 0;
    int bar = room - (int)strlen(mark) - width - 1 - figure_width;
    struct pen name = *p;
    put(p, mark);
    name.left = width;
    put(&name, label);
    p->left -= width - name.left;
    put_spaces(p, name.left + 1);
    paint(p, sgr);
    put_bar(p, share, bar > 0 ? bar : 0);
    paint(p, "0");
    if (figure_width) {
        put_spaces(p, p->left - (int)strlen(figure));
        put(p, figure);
    }
}

static void draw_class(const struct view *v, struct pen *p, int k) {
    char mark[4] = "  ", figure[16];
    if (!p->colour)
        snprintf(mark, sizeof mark, " %c ", v->letter[k]); /* of the strip */
    if (v->talks && k == v->emotion)
        mark[0] = '>';
    snprintf(figure, sizeof figure, "%.0f %%", v->begun ? 100 * v->p[k] : 0.0);
    if (!v->talks)
        paint(p, "2"); /* faint: these are of the last speech */
    draw_bar(p, mark, v->name[k], label_width(v, p->left), v->begun ? v->p[k] : 0,
             v->talks ? colour_of(v, k) : "2", figure);
    paint(p, "0");
}

static void draw_level(const struct view *v, struct pen *p) {
    char figure[16] = "-";
    if (!isnan(v->level_db))
        snprintf(figure, sizeof figure, "%.0f dB", v->level_db);
    double share = isnan(v->level_db) ? 0 : 1 - v->level_db / LEAST_DB;
    draw_bar(p, p->colour ? "  " : "   ", "level", label_width(v, p->left), share,
             !isnan(v->level_db) && v->level_db > -3 ? "31" : "32", figure);
}

/* The last span_s seconds, a column each part of them: the last emotion in it. */
static void draw_strip(const struct view *v, struct pen *p) {
    int cell[MAX_SIDE], columns = p->left;
    double each_s = opt.span_s / columns, begin_s = v->time_s - opt.span_s;
    for (int i = 0; i < columns; i++)
        cell[i] = -2;
    size_t first = v->moments > MOMENTS ? v->moments - MOMENTS : 0;
    for (size_t i = first; i < v->moments; i++) {
        const struct moment *m = &v->moment[i % MOMENTS];
        double from = (m->from_s - begin_s) / each_s, to = (m->to_s - begin_s) / each_s;
        if (to <= 0 || from >= columns)
            continue;
        for (int c = from > 0 ? (int)from : 0; c < columns && c < to; c++)
            cell[c] = m->emotion;
    }
    for (int i = 0, last = -2; i < columns; i++) {
        char letter[2] = {cell[i] >= 0 ? v->letter[cell[i]] : cell[i] == -1 ? '.' : ' ', 0};
        if (cell[i] != last)
            paint(p, cell[i] >= 0 ? colour_of(v, cell[i]) : "0");
        last = cell[i];
        put(p, cell[i] >= 0 && p->colour ? p->utf8 ? "█" : "#" : letter);
    }
    paint(p, "0");
}

static void draw_axis(struct pen *p) {
    char from[40];
    snprintf(from, sizeof from, "-%g s", opt.span_s);
    put(p, from);
    put_spaces(p, p->left - 3);
    put(p, "now");
}

static void draw_foot(const struct view *v, struct pen *p) {
    if (v->moments)
        put_text(p, "%.300s", v->t.field[v->id]);
    if (v->mode == SCREEN && p->left > 9) {
        put_spaces(p, p->left - 7);
        put(p, "q quits");
    }
}

/* What a line of the picture holds; a class is its number. */
enum { BLANK = -1, HEAD = -2, LEVEL = -3, STRIP = -4, AXIS = -5, FOOT = -6 };

/* The bars that there is room for: the most probable, in their order. */
static int pick_classes(const struct view *v, int room, int *line) {
    int n = 0;
    for (int k = 0; k < v->classes; k++) {
        int before = 0;
        for (int i = 0; i < v->classes; i++)
            before += v->begun && (v->p[i] > v->p[k] || (i < k && v->p[i] == v->p[k]));
        if (v->begun ? before < room : k < room)
            line[n++] = k;
    }
    return n;
}

/* What stands in each of the rows: first the emotion, the strip, the level and the bars; then what
 * makes it good to look at. Returns the number of lines. */
static int lay_out(const struct view *v, int rows, int *line) {
    int n = 0, level = v->level >= 0 && rows >= 3, need = 1 + (rows >= 2) + level;
    int bars = v->classes < rows - need ? v->classes : rows - need, spare = rows - need - bars;
    int axis = spare >= 1, blanks = spare >= 3 ? 2 : 0, foot = spare >= 4;
    int high = spare >= 6 ? 3 : rows >= 2;
    line[n++] = HEAD;
    if (blanks)
        line[n++] = BLANK;
    if (bars > 0)
        n += pick_classes(v, bars, line + n);
    if (level)
        line[n++] = LEVEL;
    if (blanks)
        line[n++] = BLANK;
    for (int i = 0; i < high; i++)
        line[n++] = STRIP;
    if (axis)
        line[n++] = AXIS;
    if (foot)
        line[n++] = FOOT;
    return n;
}

static void draw_line(const struct view *v, struct pen *p, int what) {
    switch (what) {
    case BLANK:
        break;
    case HEAD:
        draw_head(v, p);
        break;
    case LEVEL:
        draw_level(v, p);
        break;
    case STRIP:
        draw_strip(v, p);
        break;
    case AXIS:
        draw_axis(p);
        break;
    case FOOT:
        draw_foot(v, p);
        break;
    default:
        draw_class(v, p, what);
    }
}

/* Draws the picture: each line at its place on a screen, or one after the other. */
static void draw(struct view *v, int columns, int rows, int placed) {
    int line[MAX_SIDE + 8], n = lay_out(v, rows, line);
    for (int i = 0; i < n; i++) {
        struct pen p = {&v->o, columns, v->utf8, v->colour};
        if (placed)
            ser_out_printf(&v->o, "\033[%d;1H\033[K", i + 1);
        draw_line(v, &p, line[i]);
        if (!placed)
            ser_out_printf(&v->o, "\n");
    }
    if (placed && n < rows)
        ser_out_printf(&v->o, "\033[%d;1H\033[J", n + 1);
}

/* For terminals that cannot be drawn on. */
static void write_line(struct view *v) {
    struct pen p = {&v->o, 79, v->utf8, 0};
    put_text(&p, "%8.1f s  ", v->time_s);
    if (v->talks)
        put_text(&p, "%s %.0f %%", v->name[v->emotion], 100 * v->p[v->emotion]);
    else
        put(&p, "no speech");
    if (!isnan(v->level_db)) {
        put_spaces(&p, p.left - 44);
        put_text(&p, "%6.0f dB", v->level_db);
    }
    ser_out_printf(&v->o, "\n");
}

/* ---- the terminal ---- */

static int clamp(int n, int least, int most) {
    return n < least ? least : n > most ? most : n;
}

static void terminal_size(const struct view *v, int *columns, int *rows) {
    struct winsize size;
    *columns = 80;
    *rows = 24;
    if (ioctl(v->o.fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        *columns = clamp(size.ws_col, 1, MAX_SIDE);
        *rows = clamp(size.ws_row, 1, MAX_SIDE);
    }
}

static void leave(struct view *v);

/* Writes out what there is. A reader that is gone, or a full disk, ends the program. */
static void flush(struct view *v) {
    struct ser_error e;
    if (ser_out_flush(&v->o, &e)) {
        leave(v);
        die_error(&e);
    }
}

/* The other screen, no cursor; keys come at once and are not shown. */
static void enter(struct view *v) {
    struct termios raw;
    v->entered = 1;
    if (v->keys >= 0 && tcgetattr(v->keys, &v->before) == 0) {
        raw = v->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        if (tcsetattr(v->keys, TCSADRAIN, &raw)) {
            close(v->keys);
            v->keys = -1;
        }
    } else if (v->keys >= 0) {
        close(v->keys);
        v->keys = -1;
    }
    ser_out_printf(&v->o, "\033[?1049h\033[?25l");
    v->drawn = 0;
}

/* Gives the terminal back as it was. */
static void leave(struct view *v) {
    struct ser_error e;
    if (!v->entered)
        return;
    v->entered = 0;
    ser_out_printf(&v->o, "\033[m\033[H\033[J\033[?25h\033[?1049l");
    if (ser_out_flush(&v->o, &e)) {
        /* A terminal that is gone needs nothing. */
    }
    if (v->keys >= 0)
        (void)tcsetattr(v->keys, TCSADRAIN, &v->before);
}

/* Does to this process what the signal would have done, had it not been caught. */
static void yield_to(struct view *v, int sig) {
    sigset_t only;
    leave(v);
    signal(sig, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, sig);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &only, NULL); /* it comes here; a stop also goes on here */
    sigprocmask(SIG_BLOCK, &only, NULL);
    enter(v);
}

static void take_signal(struct view *v) {
    struct signalfd_siginfo got;
    if (read(v->signals, &got, sizeof got) != sizeof got)
        return;
    if (got.ssi_signo == SIGWINCH)
        v->drawn = 0;
    else
        yield_to(v, (int)got.ssi_signo);
}

static void take_key(struct view *v) {
    struct ser_error e;
    char c = 0;
    ssize_t n = read(v->keys, &c, 1);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) { /* the terminal is gone */
        close(v->keys);
        v->keys = -1;
    } else if (n == 1 && (c == 'q' || c == 'Q')) {
        leave(v);
        must(ser_out_close(&v->o, &e), &e);
        exit(SER_OK);
    }
}

static void show(struct view *v) {
    int columns, rows;
    if (v->drawn)
        return;
    terminal_size(v, &columns, &rows);
    draw(v, columns, rows, 1);
    flush(v);
    v->drawn = 1;
}

/* Shows what has come, then waits for the next row (or not at all), and serves keys and signals. */
static void serve(struct view *v, int wait) {
    for (;;) {
        struct pollfd p[3] = {{.fd = v->t.in.fd, .events = POLLIN},
                              {.fd = v->signals, .events = POLLIN},
                              {.fd = v->keys, .events = POLLIN}};
        show(v);
        if (poll(p, 3, wait ? -1 : 0) < 0 && errno != EINTR)
            return;
        if (p[1].revents)
            take_signal(v);
        else if (p[2].revents)
            take_key(v);
        else if (p[0].revents || !wait)
            return;
    }
}

/* Called when the next row is not there yet. */
static void idle(void *ctx) {
    struct view *v = ctx;
    if (v->mode == SCREEN)
        serve(v, 1);
    else
        flush(v);
}

static void open_terminal(struct view *v) {
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    sigemptyset(&v->caught);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction now;
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&v->caught, caught[i]); /* what is ignored (nohup) stays ignored */
    }
    if (sigprocmask(SIG_BLOCK, &v->caught, &v->mask) ||
        (v->signals = signalfd(-1, &v->caught, SFD_CLOEXEC)) < 0)
        die(SER_SYS, "cannot wait for signals: %s", strerror(errno));
    v->keys = ser_open("/dev/tty", O_RDWR); /* without it, there are no keys */
    enter(v);
}

static void close_terminal(struct view *v) {
    int columns, rows;
    leave(v);
    if (v->keys >= 0)
        close(v->keys);
    close(v->signals);
    sigprocmask(SIG_SETMASK, &v->mask, NULL);
    terminal_size(v, &columns, &rows);
    v->mode = PICTURE; /* what was last on the screen stays */
    draw(v, columns, rows > 1 ? rows - 1 : 1, 0);
}

/* ---- the command line ---- */

static enum mode mode_of(const struct view *v) {
    const char *term = getenv("TERM");
    if (opt.json)
        return JSON;
    if (opt.picture)
        return PICTURE;
    if (v->o.final || !isatty(v->o.fd))
        return ROWS;
    if (isatty(v->t.in.fd)) /* rows that are typed are no keys */
        return LINES;
    return !term || !*term || strcmp(term, "dumb") == 0 ? LINES : SCREEN;
}

static void read_picture(int *columns, int *rows) {
    char *copy, *by;
    int64_t c, r;
    if (!opt.picture)
        return;
    copy = estrdup(opt.picture);
    if (!(by = strchr(copy, 'x')))
        ser_usage("--picture: '%.60s' is not COLUMNSxROWS", opt.picture);
    *by = 0;
    if (ser_parse_int(copy, 1, MAX_SIDE, &c) || ser_parse_int(by + 1, 1, MAX_SIDE, &r))
        ser_usage("--picture: '%.60s' is not COLUMNSxROWS, each from 1 to %d", opt.picture,
                  MAX_SIDE);
    *columns = (int)c;
    *rows = (int)r;
    free(copy);
}

/* A picture in a file has the same bytes in every locale. */
static void know_terminal(struct view *v) {
    const char *no_colour = getenv("NO_COLOR"), *block = "█";
    int terminal = !v->o.final && isatty(v->o.fd);
    mbstate_t state = {0};
    wchar_t c;
    setlocale(LC_CTYPE, terminal ? "" : "C.UTF-8");
    v->utf8 = mbrtowc(&c, block, strlen(block), &state) == strlen(block) && wcwidth(c) == 1;
    v->colour = terminal && !(no_colour && *no_colour);
    if (!v->utf8 && !terminal)
        die(SER_SYS, "the locale C.UTF-8, in which pictures are drawn, cannot be used");
}

static void take_all(struct view *v) {
    struct ser_error e;
    int got;
    while ((got = ser_tsv_next(&v->t, &e)) > 0) {
        if (take_row(v, &e)) {
            got = -1;
            break;
        }
        if (v->mode == ROWS)
            write_row(v);
        else if (v->mode == JSON)
            write_json(v);
        else if (v->mode == LINES)
            write_line(v);
        else if (v->mode == SCREEN && ++v->rows_since % LOOK_EVERY == 0)
            serve(v, 0);
    }
    if (got < 0) {
        if (v->mode != SCREEN && !v->o.final)
            flush(v);
        leave(v);
        die_error(&e);
    }
}

static void release(struct view *v) {
    for (int k = 0; k < v->classes; k++)
        free(v->name[k]);
    free(v->moment);
    ser_tsv_close(&v->t);
}

int main(int argc, char **argv) {
    static struct view v; /* too large for a stack */
    struct ser_error e;
    int columns = 80, rows = 24;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (argc - first > 1)
        ser_usage("more than one table: rows have one order");
    if (opt.json && opt.picture)
        ser_usage("--json and --picture: only one of them");
    read_picture(&columns, &rows);
    ser_keep_inputs("--output", opt.output, argv + first, NULL, NULL);
    v = (struct view){.keys = -1, .signals = -1, .emotion = -1, .level_db = NAN};
    v.moment = ecalloc(MOMENTS, sizeof *v.moment);
    must(ser_out_open(&v.o, opt.output, 0, &e), &e);
    must(ser_tsv_open(&v.t, argv[first], &e), &e);
    find_columns(&v);
    v.mode = mode_of(&v);
    if (v.mode != ROWS && v.mode != JSON)
        know_terminal(&v);
    v.t.in.idle = idle;
    v.t.in.ctx = &v;
    v.t.in.feeds = v.o.fd;
    if (v.mode == ROWS)
        write_header(&v);
    else if (v.mode == SCREEN)
        open_terminal(&v);
    take_all(&v);
    if (v.mode == SCREEN)
        close_terminal(&v);
    else if (v.mode == PICTURE)
        draw(&v, columns, rows, 0);
    must(ser_out_close(&v.o, &e), &e);
    release(&v);
    return SER_OK;
}
