#include "core/csv.h"

#include "core/bytes.h"
#include "core/in.h"

#include <stdlib.h>
#include <string.h>

/* ---- encodings ---- */

/* Writes a character as UTF-8, and returns where the next goes. */
static unsigned char *put_utf8(unsigned char *to, uint32_t c) {
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (n == 1) {
        *to++ = (unsigned char)c;
        return to;
    }
    *to++ = (unsigned char)(lead[n] | c >> 6 * (n - 1));
    for (int i = n - 2; i >= 0; i--)
        *to++ = (unsigned char)(0x80 | (c >> 6 * i & 0x3f));
    return to;
}

static uint32_t unit_at(const unsigned char *p, int big) {
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* From n bytes of UTF-16 to UTF-8 in new memory: 0, or -1 with e set. */
static int from_utf16(struct ser_csv *c, const unsigned char *in, size_t n, int big, size_t *len,
                      struct ser_error *e) {
    unsigned char *to = malloc(n / 2 * 3 + 1);
    if (!to)
        return ser_no_memory(e);
    c->text = (char *)to;
    int broken = n % 2 != 0;
    for (size_t i = 0; i + 1 < n && !broken; i += 2) {
        uint32_t u = unit_at(in + i, big), low = 0;
        if (u >= 0xd800 && u < 0xdc00 && i + 3 < n)
            low = unit_at(in + (i += 2), big);
        if (low >= 0xdc00 && low < 0xe000)
            u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
        else
            broken = low || (u >= 0xd800 && u < 0xe000);
        to = put_utf8(to, u);
    }
    *to = '\0';
    *len = (size_t)(to - (unsigned char *)c->text);
    return broken
               ? ser_fail(e, SER_BAD, "%s: begins like UTF-16, but holds half a character", c->name)
               : 0;
}

/* Copies bytes behind a byte order mark. 0, or -1 with e set. */
static int from_utf8(struct ser_csv *c, const unsigned char *in, size_t n, size_t *len,
                     struct ser_error *e) {
    size_t mark = n >= 3 && memcmp(in, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    *len = n - mark;
    c->text = malloc(*len + 1);
    if (!c->text)
        return ser_no_memory(e);
    memcpy(c->text, in + mark, *len);
    c->text[*len] = '\0';
    return 0;
}

static int take_text(struct ser_csv *c, const unsigned char *in, size_t n, struct ser_error *e) {
    int little = n >= 2 && memcmp(in, "\xff\xfe", 2) == 0;
    int big = n >= 2 && memcmp(in, "\xfe\xff", 2) == 0;
    size_t len = 0;
    if (little || big ? from_utf16(c, in + 2, n - 2, big, &len, e) : from_utf8(c, in, n, &len, e))
        return -1;
    return strlen(c->text) == len
               ? 0
               : ser_fail(e, SER_BAD,
                          "%s: holds a NUL byte: not a table; if it is UTF-16, convert it: iconv "
                          "-f UTF-16LE -t UTF-8 IN >OUT",
                          c->name);
}

/* ---- records ---- */

/* The separator that the first line has most of, outside of quotes. */
static char separator_of(const char *s) {
    static const char candidate[] = "\t;,";
    size_t count[3] = {0}, best = 2;
    int quoted = 0;
    for (s += strspn(s, "\r\n"); *s && (quoted || !strchr("\r\n", *s)); s++) {
        const char *found = strchr(candidate, *s);
        quoted ^= *s == '"';
        if (found && !quoted)
            count[found - candidate]++;
    }
    for (size_t i = 0; i < 3; i++)
        if (count[i] > count[best])
            best = i;
    return candidate[best];
}

static int begin(struct ser_csv *c, const unsigned char *mem, size_t len, char separator,
                 struct ser_error *e) {
    if (take_text(c, mem, len, e)) {
        ser_csv_close(c);
        return -1;
    }
    c->at = c->text;
    c->next_line = 1;
    c->separator = separator ? separator : separator_of(c->text);
    c->quotes = !separator || separator == ',' || separator == ';';
    return 0;
}

int ser_csv_memory(struct ser_csv *c, const void *mem, size_t len, const char *name, char separator,
                   struct ser_error *e) {
    *c = (struct ser_csv){.name = name};
    return begin(c, mem, len, separator, e);
}

int ser_csv_open(struct ser_csv *c, const char *path, char separator, struct ser_error *e) {
    struct ser_in in;
    unsigned char *data;
    size_t len;
    *c = (struct ser_csv){0};
    if (ser_in_open(&in, path, e))
        return -1;
    c->name = in.name;
    int failed = ser_in_rest(&in, SER_MAX_CSV, &data, &len, e);
    ser_in_close(&in);
    if (failed)
        return -1;
    failed = begin(c, data, len, separator, e);
    free(data);
    return failed;
}

static int ends_line(const char *s) {
    return *s == '\n' || (*s == '\r' && s[1] != '\n');
}

/* Moves what stands in quotes at *at to *to, without them; both move on. */
static int cut_quoted(struct ser_csv *c, char **at, char **to, struct ser_error *e) {
    char *s = *at + 1, *t = *to;
    uint64_t opened = c->next_line;
    for (; *s && (*s != '"' || s[1] == '"'); *t++ = *s++) {
        s += *s == '"';
        c->next_line += (uint64_t)ends_line(s);
    }
    if (!*s)
        return ser_fail(e, SER_BAD, "%s: line %llu: a quote is opened and never closed", c->name,
                        (unsigned long long)opened);
    *at = s + 1;
    *to = t;
    return 0;
}

/* Cuts the next record in place. */
static int cut(struct ser_csv *c, struct ser_error *e) {
    char *s = c->at, end;
    c->fields = 0;
    c->line = c->next_line;
    do {
        char *to = s;
        if (c->fields == SER_MAX_CSV_FIELDS)
            return ser_fail(e, SER_BAD, "%s: line %llu: more than %d fields", c->name,
                            (unsigned long long)c->line, SER_MAX_CSV_FIELDS);
        if (ser_grow(&c->field, &c->cap, c->fields + 1, sizeof *c->field))
            return ser_no_memory(e);
        c->field[c->fields++] = to;
        if (c->quotes && *s == '"' && cut_quoted(c, &s, &to, e))
            return -1;
        while (*s && *s != c->separator && *s != '\n' && *s != '\r')
            *to++ = *s++;
        s += *s == '\r' && s[1] == '\n';
        end = *s;
        *to = '\0';
        s += end != '\0';
    } while (end == c->separator);
    c->next_line += end != '\0';
    c->at = s;
    return 0;
}

static int is_blank(const struct ser_csv *c) {
    for (size_t i = 0; i < c->fields; i++)
        if (c->field[i][strspn(c->field[i], " \t")])
            return 0;
    return 1;
}

int ser_csv_next(struct ser_csv *c, struct ser_error *e) {
    while (*c->at) {
        if (cut(c, e))
            return -1;
        if (!is_blank(c))
            return 1;
    }
    return 0;
}

void ser_csv_close(struct ser_csv *c) {
    free(c->text);
    free(c->field);
    *c = (struct ser_csv){0};
}
