#include "bridge/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "bridge/training.h"
#include "core/in.h"
#include "math/mathfun.h"
#include "math/search.h"
#include "math/tpe.h"

enum { MAX_WORDS = SER_SPACE_CHOICES + 4, LONGEST = 64 };

/* ---- names ---- */

/* Options of ser-mfcc or ser-embed, and of ser-augment, that a search may draw. Those of ser-train
 * are what decides the bytes of a model. */
static const char *const features[] = {"type",   "rate", "window", "hop",    "bands",
                                       "coefs",  "fmin", "fmax",   "top-db", "frames",
                                       "deltas", "trim", "layer",  "pool"};
static const char *const augment[] = {"noise", "snr", "pitch", "shift", "speed", "copies"};

static int is_in(const char *name, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0)
            return 1;
    return 0;
}

static int is_known(const char *name) {
    const char *dot = strchr(name, '.');
    if (!dot)
        return strcmp(name, "NET") == 0 || ser_training_searches(name);
    const char *rest = dot + 1;
    if (strncmp(name, "net.", 4) == 0)
        return *rest && strlen(rest) <= LONGEST &&
               rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
    if (strncmp(name, "features.", 9) == 0)
        return is_in(rest, features, sizeof features / sizeof *features);
    return strncmp(name, "augment.", 8) == 0 &&
           is_in(rest, augment, sizeof augment / sizeof *augment);
}

/* Words that mean nothing to a shell, to make or to a table. */
static int is_word(const char *s) {
    size_t n = strlen(s);
    return n && n <= LONGEST &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/,:+-=")] ==
               '\0';
}

static int find(const struct ser_space *s, const char *name, size_t n) {
    for (int i = 0; i < s->options; i++)
        if (strlen(s->option[i].name) == n && strncmp(s->option[i].name, name, n) == 0)
            return i;
    return -1;
}

/* ---- one line ---- */

struct line {
    const struct ser_space *s;
    int number;
    struct ser_error *e;
};

static int bad(const struct line *l, const char *fmt, ...) SER_PRINTF(2, 3);

static int bad(const struct line *l, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    ser_format(text, sizeof text, fmt, args);
    va_end(args);
    return ser_fail(l->e, SER_BAD, "%s: line %d: %s", l->s->name, l->number, text);
}

/* Whether an option can have a value: a choice, or a whole number of its range as it is drawn, not
 * 08. */
static int can_be(const struct ser_space_option *o, const char *value) {
    int64_t n;
    char drawn[32];
    if (o->kind == SER_SPACE_CHOICE)
        return is_in(value, o->choice, (size_t)o->choices);
    if (o->kind != SER_SPACE_INT || ser_parse_int(value, (int64_t)o->lo, (int64_t)o->hi, &n))
        return 0;
    snprintf(drawn, sizeof drawn, "%lld", (long long)n);
    return strcmp(value, drawn) == 0;
}

/* "OTHER=X" */
static int read_when(const struct line *l, struct ser_space_option *o, const char *word) {
    size_t n = strcspn(word, "=");
    if (!word[n])
        return bad(l, "'%.100s' is not OTHER=VALUE", word);
    o->when = find(l->s, word, n);
    o->value = word + n + 1;
    if (o->when < 0)
        return bad(l, "no line before has the option '%.*s'", n < 100 ? (int)n : 100, word);
    if (!can_be(&l->s->option[o->when], o->value))
        return bad(l, "%s is never '%.100s'", l->s->option[o->when].name, o->value);
    return 0;
}

static int read_choices(const struct line *l, struct ser_space_option *o, char **word, int n) {
    if (!n)
        return bad(l, "%s: choice of nothing: expected one or more words", o->name);
    for (int i = 0; i < n; i++) {
        if (!is_word(word[i]) || word[i][0] == '-')
            return bad(l, "%s: '%.100s' is no word of letters, digits and . _ / , : + - =", o->name,
                       word[i]);
        if (is_in(word[i], o->choice, (size_t)i))
            return bad(l, "%s: the choice '%s' comes twice", o->name, word[i]);
        o->choice[o->choices++] = word[i];
    }
    o->hi = o->choices - 1; /* a choice is a whole number, too: of its words */
    return 0;
}

static int read_range(const struct line *l, struct ser_space_option *o, char **word, int n) {
    int64_t lo, hi;
    if (n != 2)
        return bad(l, "%s: expected two numbers, not %d", o->name, n);
    if (o->kind == SER_SPACE_INT) {
        if (ser_parse_int(word[0], -1000000000, 1000000000, &lo) ||
            ser_parse_int(word[1], -1000000000, 1000000000, &hi))
            return bad(l, "%s: '%.60s' to '%.60s': expected whole numbers up to 1e9", o->name,
                       word[0], word[1]);
        o->lo = (double)lo;
        o->hi = (double)hi;
    } else if (ser_parse_real(word[0], -1e30, 1e30, &o->lo) ||
               ser_parse_real(word[1], -1e30, 1e30, &o->hi)) {
        return bad(l, "%s: '%.60s' to '%.60s': expected numbers", o->name, word[0], word[1]);
    }
    if (o->lo >= o->hi)
        return bad(l, "%s: from %g to %g is an empty range", o->name, o->lo, o->hi);
    if (o->kind == SER_SPACE_LOG && o->lo < 1e-300)
        return bad(l, "%s: a logarithm from %g: it must begin above 0", o->name, o->lo);
    return 0;
}

static int read_kind(const struct line *l, struct ser_space_option *o, const char *word) {
    static const char *const kind[] = {"log", "uniform", "int", "choice"};
    for (int i = 0; i < 4; i++)
        if (strcmp(word, kind[i]) == 0) {
            o->kind = (enum ser_space_kind)i;
            return 0;
        }
    return bad(l, "%s: '%.100s' is none of log, uniform, int, choice", o->name, word);
}

static int read_option(const struct line *l, struct ser_space_option *o, char **word, int n) {
    *o = (struct ser_space_option){.name = word[0], .when = -1};
    if (!is_known(o->name))
        return bad(l,
                   "'%.100s' is no option: expected NET, one of ser-train, features. or augment. "
                   "and one of ser-mfcc, ser-embed or ser-augment, or net. and a word",
                   o->name);
    if (find(l->s, o->name, strlen(o->name)) >= 0)
        return bad(l, "the option %s comes twice", o->name);
    if (n < 2)
        return bad(l, "%s: expected log, uniform, int or choice, and values", o->name);
    if (read_kind(l, o, word[1]))
        return -1;
    if (strcmp(o->name, "NET") == 0 && o->kind != SER_SPACE_CHOICE)
        return bad(l, "NET is a choice of networks");
    o->key = XXH3_64bits(o->name, strlen(o->name));
    if (n > 3 && strcmp(word[n - 2], "when") == 0) {
        if (read_when(l, o, word[n - 1]))
            return -1;
        n -= 2;
    }
    return o->kind == SER_SPACE_CHOICE ? read_choices(l, o, word + 2, n - 2)
                                       : read_range(l, o, word + 2, n - 2);
}

/* Cuts the line into words; their number, or -1. */
static int cut(const struct line *l, char *text, char **word) {
    char *rest = NULL;
    int n = 0;
    text[strcspn(text, "#")] = '\0';
    for (char *w = strtok_r(text, " \t\r", &rest); w; w = strtok_r(NULL, " \t\r", &rest)) {
        if (n == MAX_WORDS)
            return bad(l, "more than %d words", MAX_WORDS);
        word[n++] = w;
    }
    return n;
}

/* ---- the space ---- */

static int read_line(struct ser_space *s, int number, char *text, XXH3_state_t *hash,
                     struct ser_error *e) {
    const struct line l = {s, number, e};
    char *word[MAX_WORDS];
    int n = cut(&l, text, word);
    if (n <= 0)
        return n;
    if (s->options == SER_SPACE_OPTIONS)
        return bad(&l, "more than %d options", SER_SPACE_OPTIONS);
    if (read_option(&l, &s->option[s->options], word, n))
        return -1;
    s->options++;
    for (int i = 0; i < n; i++)
        XXH3_64bits_update(hash, word[i], strlen(word[i]) + 1);
    XXH3_64bits_update(hash, "\n", 1);
    return 0;
}

static int read_lines(struct ser_space *s, struct ser_error *e) {
    XXH3_state_t *hash = XXH3_createState();
    if (!hash || XXH3_64bits_reset(hash) == XXH_ERROR) {
        XXH3_freeState(hash);
        return ser_no_memory(e);
    }
    int failed = 0, number = 1;
    for (char *rest = s->text, *text; !failed && (text = strsep(&rest, "\n")); number++)
        failed = read_line(s, number, text, hash, e);
    snprintf(s->hash, sizeof s->hash, "%016llx", (unsigned long long)XXH3_64bits_digest(hash));
    XXH3_freeState(hash);
    if (!failed && !s->options)
        failed = ser_fail(e, SER_BAD, "%s: names no option: not a space", s->name);
    return failed;
}

int ser_space_read(struct ser_space *s, const char *path, struct ser_error *e) {
    struct ser_in in;
    unsigned char *data;
    size_t n;
    *s = (struct ser_space){0};
    if (ser_in_open(&in, path, e))
        return -1;
    s->name = in.name;
    int failed = ser_in_rest(&in, SER_MAX_SPACE, &data, &n, e);
    ser_in_close(&in);
    if (failed)
        return -1;
    s->text = calloc(n + 1, 1);
    if (s->text)
        memcpy(s->text, data, n);
    free(data);
    if (!s->text)
        return ser_no_memory(e);
    failed = strlen(s->text) != n
                 ? ser_fail(e, SER_BAD, "%s: holds a NUL byte: not a space", s->name)
                 : read_lines(s, e);
    if (failed)
        ser_space_free(s);
    return failed;
}

void ser_space_free(struct ser_space *s) {
    free(s->text);
    *s = (struct ser_space){0};
}

/* ---- values ---- */

/* Room for a value of each option. */
static char **make_values(const struct ser_space *s) {
    size_t n = (size_t)s->options, pointers = n * sizeof(char *);
    char **value = malloc(pointers + n * (LONGEST + 1));
    for (size_t i = 0; i < n && value; i++)
        value[i] = (char *)value + pointers + i * (LONGEST + 1);
    return value;
}

static int applies(const struct ser_space_option *o, char *const *value) {
    return o->when < 0 || (value[o->when] && strcmp(value[o->when], o->value) == 0);
}

/* Between lo and hi, which may be a part of the option's range. Real numbers keep six digits: what is printed is
 * the value. */
static void draw(const struct ser_space_option *o, uint64_t seed, uint64_t t, double lo, double hi,
                 char *to) {
    switch (o->kind) {
    case SER_SPACE_LOG:
        snprintf(to, LONGEST + 1, "%.6g", ser_search_log(seed, o->key, t, lo, hi));
        return;
    case SER_SPACE_UNIFORM:
        snprintf(to, LONGEST + 1, "%.6g", ser_search_uniform(seed, o->key, t, lo, hi));
        return;
    case SER_SPACE_INT:
        snprintf(to, LONGEST + 1, "%lld",
                 (long long)ser_search_int(seed, o->key, t, (int64_t)lo, (int64_t)hi));
        return;
    default:
        snprintf(to, LONGEST + 1, "%s",
                 o->choice[ser_search_int(seed, o->key, t, (int64_t)lo, (int64_t)hi)]);
    }
}

int ser_space_draw(const struct ser_space *s, uint64_t seed, uint64_t trial, char ***value) {
    char **v = *value = make_values(s);
    if (!v)
        return -1;
    for (int i = 0; i < s->options; i++) {
        if (applies(&s->option[i], v))
            draw(&s->option[i], seed, trial, s->option[i].lo, s->option[i].hi, v[i]);
        else
            v[i] = NULL;
    }
    return 0;
}

/* ---- cells: a row of parts of each option's range ---- */

static int is_whole(const struct ser_space_option *o) {
    return o->kind == SER_SPACE_INT || o->kind == SER_SPACE_CHOICE;
}

static int count_cells(const struct ser_space_option *o) {
    double values = o->hi - o->lo + 1;
    return is_whole(o) && values < SER_TPE_CELLS ? (int)values : SER_TPE_CELLS;
}

/* Words have an order if they are numbers that rise, or fall. */
static int is_ordered(const struct ser_space_option *o) {
    double before = 0, x;
    int rises = 0, falls = 0;
    for (int i = 0; i < o->choices; i++, before = x) {
        if (ser_parse_real(o->choice[i], -1e300, 1e300, &x))
            return 0;
        rises += i && x > before;
        falls += i && x < before;
    }
    return rises == o->choices - 1 || falls == o->choices - 1 || o->kind != SER_SPACE_CHOICE;
}

static int64_t index_of(const struct ser_space_option *o, const char *word) {
    int64_t i = 0;
    while (i + 1 < o->choices && strcmp(o->choice[i], word) != 0)
        i++;
    return i;
}

/* Printed values may be a little beyond the range. */
static int cell_of(const struct ser_space_option *o, const char *value) {
    const int cells = count_cells(o);
    double x = o->lo, at;
    if (o->kind == SER_SPACE_CHOICE)
        x = (double)index_of(o, value);
    else if (ser_parse_real(value, -1e300, 1e300, &x))
        return 0;
    if (is_whole(o))
        at = (x - o->lo) * cells / (o->hi - o->lo + 1);
    else if (o->kind == SER_SPACE_LOG)
        at = ser_ln(x / o->lo) / ser_ln(o->hi / o->lo) * cells;
    else
        at = (x - o->lo) / (o->hi - o->lo) * cells;
    return at < 0 ? 0 : at < cells ? (int)at : cells - 1;
}

void ser_space_cells(const struct ser_space *s, char *const *value, int *cell) {
    for (int i = 0; i < s->options; i++)
        cell[i] = value[i] ? cell_of(&s->option[i], value[i]) : -1;
}

/* Where cell c begins, which is where the one before ends. */
static double edge(const struct ser_space_option *o, int c) {
    double share = (double)c / count_cells(o);
    if (is_whole(o))
        return o->lo + ceil(c * (o->hi - o->lo + 1) / count_cells(o));
    return o->kind == SER_SPACE_LOG ? o->lo * ser_exp(share * ser_ln(o->hi / o->lo))
                                    : o->lo * (1 - share) + o->hi * share;
}

int ser_space_suggest(const struct ser_space *s, uint64_t seed, uint64_t t, const int *cell,
                      const double *worth, int known, char ***value) {
    struct ser_tpe_option option[SER_SPACE_OPTIONS];
    int drawn[SER_SPACE_OPTIONS];
    char **v = *value = make_values(s);
    for (int i = 0; i < s->options; i++) {
        const struct ser_space_option *o = &s->option[i];
        option[i] = (struct ser_tpe_option){
            .key = o->key, .cells = count_cells(o), .ordered = is_ordered(o), .when = o->when};
        if (o->when >= 0)
            option[i].value = cell_of(&s->option[o->when], o->value);
    }
    if (!v || ser_tpe_draw(option, s->options, cell, (int)t - 1, worth, known, seed, t, drawn)) {
        free(v);
        return -1;
    }
    for (int i = 0; i < s->options; i++) {
        const struct ser_space_option *o = &s->option[i];
        /* A cell may hold more whole numbers than the one on which an option depends. */
        if (drawn[i] < 0 || !applies(o, v))
            v[i] = NULL;
        else
            draw(o, seed, t, edge(o, drawn[i]), edge(o, drawn[i] + 1) - is_whole(o), v[i]);
    }
    return 0;
}

/* ---- the grid ---- */

static uint64_t size_of(const struct ser_space_option *o) {
    return (uint64_t)(o->hi - o->lo) + 1;
}

int ser_space_has_grid(const struct ser_space *s, uint64_t max, struct ser_error *e) {
    uint64_t n = 1;
    for (int i = 0; i < s->options; i++) {
        const struct ser_space_option *o = &s->option[i];
        if (o->kind == SER_SPACE_LOG || o->kind == SER_SPACE_UNIFORM)
            return ser_fail(e, SER_BAD, "%s: %s has no end of values: a grid needs choice or int",
                            s->name, o->name);
        if (size_of(o) > max / n)
            return ser_fail(e, SER_BAD, "%s: a grid of more than %llu points", s->name,
                            (unsigned long long)max);
        n *= size_of(o);
    }
    return 0;
}

/* The value number i, from 0, of each option; 0 if an option that does not apply has another than
 * its first, as such points are the same. */
static int set_point(const struct ser_space *s, const uint64_t *index, char **v, char **room) {
    for (int i = 0; i < s->options; i++) {
        const struct ser_space_option *o = &s->option[i];
        v[i] = applies(o, v) ? room[i] : NULL;
        if (!v[i] && index[i])
            return 0;
        if (v[i] && o->kind == SER_SPACE_CHOICE)
            snprintf(v[i], LONGEST + 1, "%s", o->choice[index[i]]);
        else if (v[i])
            snprintf(v[i], LONGEST + 1, "%lld", (long long)o->lo + (long long)index[i]);
    }
    return 1;
}

int ser_space_point(const struct ser_space *s, uint64_t *at, char ***value) {
    uint64_t index[SER_SPACE_OPTIONS] = {0}, points = 1;
    char *room[SER_SPACE_OPTIONS], **v = *value = make_values(s);
    if (!v)
        return -1;
    for (int i = 0; i < s->options; i++) {
        room[i] = v[i];
        points *= size_of(&s->option[i]);
    }
    while (*at < points) {
        uint64_t rest = (*at)++;
        for (int i = s->options - 1; i >= 0; i--) {
            index[i] = rest % size_of(&s->option[i]);
            rest /= size_of(&s->option[i]);
        }
        if (set_point(s, index, v, room))
            return 1;
    }
    free(v);
    *value = NULL;
    return 0;
}
