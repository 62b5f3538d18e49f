#include "core/tsv.h"

#include "core/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads a line into t->line without its end: 1, 0 at the end of input, -1. */
static int read_line(struct ser_tsv *t, struct ser_error *e) {
    size_t n = 0;
    for (;;) {
        const unsigned char *at;
        size_t got;
        if (ser_in_some(&t->in, &at, &got, e)) /* a row is read as soon as it is there */
            return -1;
        if (!got && !n)
            return 0;
        const unsigned char *end = memchr(at, '\n', got);
        size_t k = end ? (size_t)(end - at) : got;
        if (n + k > SER_MAX_LINE)
            return ser_fail(e, SER_BAD, "%s: row %llu: longer than %d bytes: not a table",
                            t->in.name, (unsigned long long)t->row, SER_MAX_LINE);
        if (ser_grow(&t->line, &t->cap, n + k + 1, 1))
            return ser_no_memory(e);
        if (ser_in_read(&t->in, t->line + n, k, &k, e))
            return -1;
        n += k;
        if (end || !got) {
            char newline;
            if (end && ser_in_read(&t->in, &newline, 1, &got, e))
                return -1;
            if (n && t->line[n - 1] == '\r')
                n--;
            t->line[n] = '\0';
            if (strlen(t->line) != n)
                return ser_fail(e, SER_BAD, "%s: row %llu: holds a NUL byte: not a table",
                                t->in.name, (unsigned long long)t->row);
            return 1;
        }
    }
}

/* Cuts line at its tabs into at most max fields; returns how many there are. */
static int cut(char *line, char **field, int max) {
    int n = 0;
    for (char *s = line; s; n++) {
        char *tab = strchr(s, '\t');
        if (n < max)
            field[n] = s;
        if (tab)
            *tab++ = '\0';
        s = tab;
    }
    return n;
}

/* What spreadsheets save as "Unicode text" or "Text (Macintosh)" is named, with the command that
 * converts it. */
static int check_encoding(struct ser_tsv *t, struct ser_error *e) {
    const unsigned char *at;
    size_t got = 0, want;
    do { /* up to the end of the header, which may be all there is for a while */
        want = got + 1;
        if (ser_in_peek(&t->in, want, &at, &got, e) ||
            (got == want && ser_in_some(&t->in, &at, &got, e)))
            return -1;
        got = got < 4096 ? got : 4096;
    } while (got >= want && got < 4096 && !memchr(at, '\n', got));
    if (got >= 2 && (!memcmp(at, "\xff\xfe", 2) || !memcmp(at, "\xfe\xff", 2)))
        return ser_fail(e, SER_BAD,
                        "%s: its text is UTF-16: save it as UTF-8, or convert it: iconv -f UTF-16 "
                        "-t UTF-8 IN >OUT",
                        t->in.name);
    const unsigned char *cr = memchr(at, '\r', got);
    if (cr && cr + 1 < at + got && cr[1] != '\n' && !memchr(at, '\n', got))
        return ser_fail(e, SER_BAD,
                        "%s: its lines end with a carriage return alone, as old Macintosh programs "
                        "write: convert it: tr '\\r' '\\n' <IN >OUT",
                        t->in.name);
    return 0;
}

static int read_header(struct ser_tsv *t, struct ser_error *e) {
    if (check_encoding(t, e))
        return -1;
    int got = read_line(t, e);
    if (got < 0)
        return -1;
    if (!got)
        return ser_fail(e, SER_BAD, "%s: empty input: a table with a header line is needed%s",
                        t->in.name, ser_in_before(&t->in));
    char *names[SER_MAX_COLUMNS];
    int mark = strncmp(t->line, "\xef\xbb\xbf", 3) == 0; /* as spreadsheets write */
    t->header = strdup(t->line + (mark ? 3 : 0));
    if (!t->header)
        return ser_no_memory(e);
    t->columns = cut(t->header, names, SER_MAX_COLUMNS);
    if (t->columns > SER_MAX_COLUMNS)
        return ser_fail(e, SER_BAD, "%s: more than %d columns", t->in.name, SER_MAX_COLUMNS);
    t->name = calloc((size_t)t->columns, sizeof *t->name);
    t->field = calloc((size_t)t->columns, sizeof *t->field);
    if (!t->name || !t->field)
        return ser_no_memory(e);
    memcpy(t->name, names, (size_t)t->columns * sizeof *names);
    for (int i = 0; i < t->columns; i++) {
        if (!*t->name[i] || !ser_is_text(t->name[i], strlen(t->name[i])))
            return ser_fail(e, SER_BAD,
                            "%s: column %d of the header has no legal name: not a table",
                            t->in.name, i + 1);
        if (ser_tsv_column(t, t->name[i]) != i)
            return ser_fail(e, SER_BAD, "%s: two columns are named '%.100s'", t->in.name,
                            t->name[i]);
    }
    return 0;
}

static int begin(struct ser_tsv *t, struct ser_error *e) {
    if (read_header(t, e)) {
        ser_tsv_close(t);
        return -1;
    }
    return 0;
}

int ser_tsv_open(struct ser_tsv *t, const char *path, struct ser_error *e) {
    *t = (struct ser_tsv){0};
    return ser_in_open(&t->in, path, e) ? -1 : begin(t, e);
}

int ser_tsv_memory(struct ser_tsv *t, const void *mem, size_t len, const char *name,
                   struct ser_error *e) {
    *t = (struct ser_tsv){0};
    return ser_in_memory(&t->in, mem, len, name, e) ? -1 : begin(t, e);
}

/* Whether nothing follows, as after an empty last line: then *got is 0, or -1 with e set. */
static int at_end(struct ser_tsv *t, int *got, struct ser_error *e) {
    const unsigned char *at;
    size_t left;
    if (ser_in_peek(&t->in, 1, &at, &left, e))
        *got = -1;
    else if (!left)
        *got = 0;
    return *got <= 0;
}

int ser_tsv_next(struct ser_tsv *t, struct ser_error *e) {
    t->row++;
    int got = read_line(t, e);
    if (got <= 0 || (t->columns > 1 && !*t->line && at_end(t, &got, e)))
        return got;
    int n = cut(t->line, t->field, t->columns);
    if (n != t->columns)
        return ser_fail(e, SER_BAD, "%s: row %llu (%.200s): %d field%s, the header has %d",
                        t->in.name, (unsigned long long)t->row, t->field[0], n, n == 1 ? "" : "s",
                        t->columns);
    return 1;
}

char **ser_tsv_copy(const struct ser_tsv *t) {
    size_t pointers = (size_t)t->columns * sizeof(char *), size = pointers;
    for (int i = 0; i < t->columns; i++)
        size += strlen(t->field[i]) + 1;
    char **field = malloc(size), *to = (char *)field + pointers;
    for (int i = 0; field && i < t->columns; i++) {
        field[i] = to;
        to = stpcpy(to, t->field[i]) + 1;
    }
    return field;
}

void ser_tsv_close(struct ser_tsv *t) {
    ser_in_close(&t->in);
    free(t->name);
    free(t->field);
    free(t->line);
    free(t->header);
    *t = (struct ser_tsv){0};
}

int ser_tsv_column(const struct ser_tsv *t, const char *name) {
    for (int i = 0; i < t->columns; i++)
        if (strcmp(t->name[i], name) == 0)
            return i;
    return -1;
}

int ser_tsv_need(const struct ser_tsv *t, const char *name, struct ser_error *e) {
    int c = ser_tsv_column(t, name);
    if (c >= 0)
        return c;
    char have[600];
    size_t n = 0;
    have[0] = '\0';
    for (int i = 0; i < t->columns && n < sizeof have - 1; i++)
        n += (size_t)snprintf(have + n, sizeof have - n, " %s", t->name[i]);
    return ser_fail(e, SER_BAD, "%s: no column '%s' (there are:%s)", t->in.name, name, have);
}

int ser_tsv_fail(const struct ser_tsv *t, struct ser_error *e, const char *fmt, ...) {
    char what[1024];
    va_list args;
    va_start(args, fmt);
    ser_format(what, sizeof what, fmt, args);
    va_end(args);
    return ser_fail(e, SER_BAD, "%s: row %llu (%.200s): %s", t->in.name, (unsigned long long)t->row,
                    t->field[0], what);
}
