#include "bridge/picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { LABEL = 14 };
#define LEAST_DB (-60.0)

/* One line of a picture: text beyond its end is cut off. */
struct pen {
    struct ser_out *o;
    int left; /* columns to the end of the line */
    const struct ser_drawing *picture;
    const char *letter; /* [classes] those that stand for classes where there is no colour */
};

static void paint(struct pen *p, const char *sgr) {
    if (p->picture->colour)
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
        if (p->picture->utf8)
            put(p, part ? eighth[part] : " ");
        else
            put(p, part >= 4 ? "#" : " ");
    }
}

/* The 16 colours of a terminal are made to be read on its background, dark or light. */
static const char *colour_of(const struct ser_current *c, int k) {
    static const char *const known[][2] = {
        {"angry", "31"},   {"calm", "32"},  {"disgust", "36"},   {"disgusted", "36"},
        {"fearful", "35"}, {"fear", "35"},  {"happy", "33"},     {"neutral", "90"},
        {"sad", "34"},     {"bored", "94"}, {"surprised", "39"}, {"excited", "93"}};
    static const char *const other[] = {"92", "96", "91", "94", "93", "95", "32", "36"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(c->classes.name[k], known[i][0]) == 0)
            return known[i][1];
    return other[k % 8];
}

static void draw_head(const struct ser_current *c, struct pen *p) {
    int room = p->left;
    char time[40] = "";
    snprintf(time, sizeof time, "%.1f s", c->time_s);
    if (!c->spells)
        put(p, "waiting for the first row");
    else if (!c->talks)
        put(p, "no speech");
    else {
        paint(p, "1");
        paint(p, colour_of(c, c->emotion));
        put_text(p, "%s %.0f %%", c->classes.name[c->emotion], 100 * c->p[c->emotion]);
        paint(p, "0");
    }
    if (c->spells && room >= 30) {
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

static int label_width(const struct ser_current *c, int columns) {
    int most = 5;
    for (int k = 0; k < c->classes.n; k++)
        most = width_of(c->classes.name[k]) > most ? width_of(c->classes.name[k]) : most;
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

static void draw_class(const struct ser_current *c, struct pen *p, int k) {
    char mark[4] = "  ", figure[16];
    if (!p->picture->colour)
        snprintf(mark, sizeof mark, " %c ", p->letter[k]); /* of the strip */
    if (c->talks && k == c->emotion)
        mark[0] = '>';
    snprintf(figure, sizeof figure, "%.0f %%", c->begun ? 100 * c->p[k] : 0.0);
    if (!c->talks)
        paint(p, "2"); /* faint: these are of the last speech */
    draw_bar(p, mark, c->classes.name[k], label_width(c, p->left), c->begun ? c->p[k] : 0,
             c->talks ? colour_of(c, k) : "2", figure);
    paint(p, "0");
}

static void draw_level(const struct ser_current *c, struct pen *p) {
    char figure[16] = "-";
    if (!isnan(c->level_db))
        snprintf(figure, sizeof figure, "%.0f dB", c->level_db);
    double share = isnan(c->level_db) ? 0 : 1 - c->level_db / LEAST_DB;
    draw_bar(p, p->picture->colour ? "  " : "   ", "level", label_width(c, p->left), share,
             !isnan(c->level_db) && c->level_db > -3 ? "31" : "0", figure);
}

/* The last span_s seconds, a column each part of them: the last emotion in it. */
static void draw_strip(const struct ser_current *c, struct pen *p) {
    int cell[SER_PICTURE_SIDE], columns = p->left;
    double each_s = p->picture->span_s / columns, begin_s = c->time_s - p->picture->span_s;
    for (int i = 0; i < columns; i++)
        cell[i] = -2;
    size_t first = c->spells > SER_CURRENT_SPELLS ? c->spells - SER_CURRENT_SPELLS : 0;
    for (size_t i = first; i < c->spells; i++) {
        const struct ser_spell *m = &c->spell[i % SER_CURRENT_SPELLS];
        double from = (m->from_s - begin_s) / each_s, to = (m->to_s - begin_s) / each_s;
        if (to <= 0 || from >= columns)
            continue;
        for (int k = from > 0 ? (int)from : 0; k < columns && k < to; k++)
            cell[k] = m->emotion;
    }
    for (int i = 0, last = -2; i < columns; i++) {
        char letter[2] = {cell[i] >= 0 ? p->letter[cell[i]] : cell[i] == -1 ? '.' : ' ', 0};
        if (cell[i] != last)
            paint(p, cell[i] >= 0 ? colour_of(c, cell[i]) : "0");
        last = cell[i];
        put(p, cell[i] >= 0 && p->picture->colour ? p->picture->utf8 ? "█" : "#" : letter);
    }
    paint(p, "0");
}

static void draw_axis(struct pen *p) {
    char from[40];
    snprintf(from, sizeof from, "-%g s", p->picture->span_s);
    put(p, from);
    put_spaces(p, p->left - 3);
    put(p, "now");
}

static void draw_foot(const struct ser_current *c, struct pen *p) {
    if (c->spells)
        put_text(p, "%.300s", c->t->field[c->id]);
    if (p->picture->keys && p->left > 9) {
        put_spaces(p, p->left - 7);
        put(p, "q quits");
    }
}

/* What a line of the picture holds; a class is its number. */
enum { BLANK = -1, HEAD = -2, LEVEL = -3, STRIP = -4, AXIS = -5, FOOT = -6 };

/* The bars that there is room for: the most probable, in their order. */
static int pick_classes(const struct ser_current *c, int room, int *line) {
    int n = 0;
    for (int k = 0; k < c->classes.n; k++) {
        int before = 0;
        for (int i = 0; i < c->classes.n; i++)
            before += c->begun && (c->p[i] > c->p[k] || (i < k && c->p[i] == c->p[k]));
        if (c->begun ? before < room : k < room)
            line[n++] = k;
    }
    return n;
}

/* What stands in each of the rows: first the emotion, the strip, the level and the bars; then what
 * makes it good to look at. Returns the number of lines. */
static int lay_out(const struct ser_current *c, int rows, int *line) {
    int n = 0, level = c->level >= 0 && rows >= 3, need = 1 + (rows >= 2) + level;
    int bars = c->classes.n < rows - need ? c->classes.n : rows - need, spare = rows - need - bars;
    int axis = spare >= 1, blanks = spare >= 3 ? 2 : 0, foot = spare >= 4;
    int high = spare >= 6 ? 3 : rows >= 2;
    line[n++] = HEAD;
    if (blanks)
        line[n++] = BLANK;
    if (bars > 0)
        n += pick_classes(c, bars, line + n);
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

static void draw_line(const struct ser_current *c, struct pen *p, int what) {
    switch (what) {
    case BLANK:
        break;
    case HEAD:
        draw_head(c, p);
        break;
    case LEVEL:
        draw_level(c, p);
        break;
    case STRIP:
        draw_strip(c, p);
        break;
    case AXIS:
        draw_axis(p);
        break;
    case FOOT:
        draw_foot(c, p);
        break;
    default:
        draw_class(c, p, what);
    }
}

/* The first letter or digit of a class' name that no class before has. */
static char letter_of(const struct ser_current *c, const char *letter, int k) {
    static const char digits[] = "0123456789+*=%@&";
    char text[300];
    snprintf(text, sizeof text, "%.200s%s", c->classes.name[k], digits);
    for (const char *at = text; *at; at++) {
        int taken = *at <= ' ' || *at == '.' || *at >= 0x7f;
        for (int i = 0; i < k; i++)
            taken = taken || letter[i] == *at;
        if (!taken)
            return *at;
    }
    return '?';
}

void ser_picture_draw(const struct ser_current *c, const struct ser_drawing *picture,
                      struct ser_out *o, int columns, int rows, int placed) {
    int line[SER_PICTURE_SIDE + 8], n = lay_out(c, rows, line);
    char letter[SER_MAX_CLASSES];
    for (int k = 0; k < c->classes.n; k++)
        letter[k] = letter_of(c, letter, k);
    for (int i = 0; i < n; i++) {
        struct pen p = {o, columns, picture, letter};
        if (placed)
            ser_out_printf(o, "\033[%d;1H\033[K", i + 1);
        draw_line(c, &p, line[i]);
        if (!placed)
            ser_out_printf(o, "\n");
    }
    if (placed && n < rows)
        ser_out_printf(o, "\033[%d;1H\033[J", n + 1);
}

void ser_picture_line(const struct ser_current *c, const struct ser_drawing *picture,
                      struct ser_out *o) {
    struct pen p = {o, 79, picture, NULL};
    put_text(&p, "%8.1f s  ", c->time_s);
    if (c->talks)
        put_text(&p, "%s %.0f %%", c->classes.name[c->emotion], 100 * c->p[c->emotion]);
    else
        put(&p, "no speech");
    if (!isnan(c->level_db)) {
        put_spaces(&p, p.left - 44);
        put_text(&p, "%6.0f dB", c->level_db);
    }
    ser_out_printf(o, "\n");
}
