#include "core/ark.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ark {
    struct ser_in *in;
    uint64_t number;
    char *key; /* what is known of it; owned */
    size_t key_len, key_cap;
    struct ser_error *e;
};

static int fail(const struct ark *a, const char *what) {
    return ser_fail(a->e, SER_BAD, "%s: record %llu (%.200s): %s", a->in->name,
                    (unsigned long long)a->number, a->key ? a->key : "", what);
}

static const char cut[] = "the archive is cut short";

/* The next byte, -1 at the end, -2 with e set. */
static int next_byte(struct ark *a) {
    unsigned char c;
    size_t got;
    if (ser_in_read(a->in, &c, 1, &got, a->e))
        return -2;
    return got ? c : -1;
}

/* Reads n bytes that must be there. */
static int need(struct ark *a, void *to, size_t n) {
    size_t got;
    if (ser_in_read(a->in, to, n, &got, a->e))
        return -1;
    return got == n ? 0 : fail(a, cut);
}

/* The key of the next record, and the space behind it: 1; 0 at the end; -1 with e set. */
static int take_key(struct ark *a) {
    int c;
    do
        c = next_byte(a);
    while (c == '\n' || c == '\r' || c == ' ');
    if (c < 0)
        return c == -1 ? 0 : -1;
    for (; c > ' ' && a->key_len <= SER_MAX_KEY; c = next_byte(a)) {
        if (ser_grow(&a->key, &a->key_cap, a->key_len + 2, 1))
            return ser_no_memory(a->e);
        a->key[a->key_len++] = (char)c;
        a->key[a->key_len] = '\0';
    }
    if (c == -2)
        return -1;
    if (!a->key_len || !ser_is_text(a->key, a->key_len) || (c != ' ' && c != '\t'))
        return fail(a, "here should be a key and a space: is this a Kaldi archive?");
    return 1;
}

/* ---- binary ---- */

/* A size: the byte 4, and four bytes. */
static int take_size(struct ark *a, uint64_t *n) {
    unsigned char b[5];
    if (need(a, b, sizeof b))
        return -1;
    *n = ser_get32(b + 1);
    return b[0] == 4 && *n <= INT32_MAX ? 0 : fail(a, "a size of it is damaged");
}

/* Makes rec a record of this type and shape, and reads its elements bit by bit, so that sizes that
 * lie ask for no memory. */
static int take_elements(struct ark *a, struct ser_record *rec, enum ser_type type, int rank,
                         const uint64_t *dim) {
    enum { STEP = 1 << 20 };
    if (ser_record_set(rec, a->key, type, 1, (uint64_t[]){0}, a->e))
        return -1;
    rec->rank = rank;
    memcpy(rec->dim, dim, (size_t)rank * sizeof *dim);
    if (ser_record_measure(rec))
        return fail(a, "is larger than a record may be");
    for (size_t have = 0, n; have < rec->bytes; have += n) {
        n = have > STEP ? have : STEP;
        n = rec->bytes - have < n ? rec->bytes - have : n;
        if (ser_record_room(rec, have + n, have))
            return ser_no_memory(a->e);
        if (need(a, (char *)rec->data + have, n))
            return -1;
    }
    ser_swap_elements(rec->data, rec->count, ser_type_size(type));
    return 0;
}

static float float_at(const unsigned char *p) {
    uint32_t bits = ser_get32(p);
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* What the byte v stands for in a column with these percentiles. */
static float from_byte(const float p[4], int v) {
    if (v <= 64)
        return p[0] + (p[1] - p[0]) * (float)v * (1 / 64.0f);
    if (v <= 192)
        return p[1] + (p[2] - p[1]) * (float)(v - 64) * (1 / 128.0f);
    return p[2] + (p[3] - p[2]) * (float)(v - 192) * (1 / 63.0f);
}

static void expand_columns(const unsigned char *p, size_t rows, size_t columns, float min,
                           float range, float *to) {
    const unsigned char *v = p + 8 * columns;
    for (size_t c = 0; c < columns; c++, p += 8) {
        float level[4];
        for (int i = 0; i < 4; i++)
            level[i] = min + range * (1 / 65535.0f) * (float)(p[2 * i] | p[2 * i + 1] << 8);
        for (size_t r = 0; r < rows; r++)
            to[r * columns + c] = from_byte(level, *v++);
    }
}

/* count elements of so many bytes. */
static void expand_rows(const unsigned char *p, size_t count, uint64_t width, float min,
                        float range, float *to) {
    float step = (float)(range * (width == 2 ? 1 / 65535.0 : 1 / 255.0));
    for (size_t i = 0; i < count; i++)
        to[i] = min + step * (float)(width == 2 ? p[2 * i] | p[2 * i + 1] << 8 : p[i]);
}

/* A compressed matrix; kind is '1', '2' or '3'. */
static int take_compressed(struct ark *a, struct ser_record *rec, char kind) {
    unsigned char head[16];
    if (need(a, head, sizeof head))
        return -1;
    uint64_t rows = ser_get32(head + 8), columns = ser_get32(head + 12);
    float min = float_at(head), range = float_at(head + 4);
    if (rows > INT32_MAX || columns > INT32_MAX || !isfinite(min) || !isfinite(range))
        return fail(a, "its head is damaged");
    uint64_t width = kind == '2' ? 2 : 1, lead = kind == '1' ? 8 * columns : 0;
    struct ser_record packed = {0};
    const uint64_t dim[2] = {rows, columns};
    /* Both factors are below 2^31, and so the sum is no larger than 2^63. */
    const uint64_t bytes = columns * rows * width + lead;
    int failed = take_elements(a, &packed, SER_U8, 1, &bytes);
    if (!failed)
        failed = ser_record_set(rec, a->key, SER_F32, 2, dim, a->e);
    if (!failed && kind == '1')
        expand_columns(packed.data, rows, columns, min, range, rec->data);
    else if (!failed)
        expand_rows(packed.data, rec->count, width, min, range, rec->data);
    ser_record_free(&packed);
    return failed;
}

static int take_plain(struct ark *a, struct ser_record *rec, const char *word) {
    uint64_t dim[2];
    int rank = word[1] == 'M' ? 2 : 1;
    enum ser_type type = word[0] == 'D' ? SER_F64 : SER_F32;
    for (int i = 0; i < rank; i++)
        if (take_size(a, &dim[i]))
            return -1;
    return take_elements(a, rec, type, rank, dim);
}

static int take_binary(struct ark *a, struct ser_record *rec) {
    char mark[2], word[8];
    size_t n = 0;
    if (need(a, mark, 2))
        return -1;
    do
        if (need(a, word + n, 1))
            return -1;
    while (word[n] != ' ' && ++n < sizeof word);
    word[n < sizeof word ? n : sizeof word - 1] = '\0';
    if (strcmp(word, "FM") == 0 || strcmp(word, "DM") == 0 || strcmp(word, "FV") == 0 ||
        strcmp(word, "DV") == 0)
        return take_plain(a, rec, word);
    if (strcmp(word, "CM") == 0)
        return take_compressed(a, rec, '1');
    if (strcmp(word, "CM2") == 0 || strcmp(word, "CM3") == 0)
        return take_compressed(a, rec, word[2]);
    return fail(a, "is neither a matrix nor a vector of Kaldi's types FM DM FV DV CM CM2 CM3");
}

/* ---- text ---- */

struct numbers {
    float *at;
    size_t n, cap;
};

/* Reads a number that begins with c; *c is what follows it. */
static int take_number(struct ark *a, struct numbers *to, int *c) {
    char word[64];
    size_t n = 0;
    double v;
    for (; *c > ' ' && *c != ']' && n < sizeof word - 1; *c = next_byte(a))
        word[n++] = (char)*c;
    word[n] = '\0';
    if (*c == -2)
        return -1;
    if (ser_parse_real(word, -3.4028234663852886e38, 3.4028234663852886e38, &v)) {
        char what[160];
        snprintf(what, sizeof what, "'%.63s' is no number of single precision", word);
        return fail(a, ser_is_text(word, n) ? what : "holds what is no text");
    }
    if (ser_grow(&to->at, &to->cap, to->n + 1, sizeof *to->at))
        return ser_no_memory(a->e);
    to->at[to->n++] = (float)v;
    return 0;
}

/* The numbers up to ]; shape: a line end behind [ makes a matrix. */
static int take_numbers(struct ark *a, struct numbers *to, uint64_t dim[2], int *rank) {
    size_t row = 0; /* where the present one begins */
    int c = next_byte(a);
    *rank = 1;
    dim[0] = dim[1] = 0;
    for (;;) {
        while (c == ' ' || c == '\t' || c == '\r')
            c = next_byte(a);
        if (c == '\n' || c == ']') {
            if (to->n > row && *rank == 2) {
                if (dim[0]++ && to->n - row != dim[1])
                    return fail(a, "its rows differ in length");
                dim[1] = to->n - row;
                row = to->n;
            } else if (to->n > row && c == '\n') {
                return fail(a,
                            "a vector in several lines: a matrix begins in the line after its [");
            } else if (c == '\n') {
                *rank = 2;
            }
            if (c == ']')
                break;
            c = next_byte(a);
        } else if (c < 0) {
            return c == -1 ? fail(a, cut) : -1;
        } else if (take_number(a, to, &c)) {
            return -1;
        }
    }
    if (*rank == 1)
        dim[0] = to->n;
    return 0;
}

static int take_text(struct ark *a, struct ser_record *rec) {
    struct numbers all = {0};
    uint64_t dim[2];
    int c, rank;
    do
        c = next_byte(a);
    while (c == ' ' || c == '\t');
    if (c != '[')
        return c == -2
                   ? -1
                   : fail(a, "holds no [: is this a list of an archive's places (scp)? The archive "
                             "itself is needed: copy-feats scp:LIST ark:ARCHIVE");
    int failed =
        take_numbers(a, &all, dim, &rank) || ser_record_set(rec, a->key, SER_F32, rank, dim, a->e);
    if (!failed && all.n)
        memcpy(rec->data, all.at, rec->bytes);
    free(all.at);
    return failed ? -1 : 0;
}

/* ---- both ---- */

static int take_record(struct ark *a, struct ser_record *rec) {
    const unsigned char *at;
    size_t got;
    if (ser_in_peek(a->in, 2, &at, &got, a->e))
        return -1;
    int binary = got == 2 && at[0] == '\0' && at[1] == 'B';
    if (binary ? take_binary(a, rec) : take_text(a, rec))
        return -1;
    if (ser_not_finite(rec) < rec->count)
        return fail(a, "holds an element that is infinite or not a number");
    return 1;
}

int ser_ark_next(struct ser_in *in, uint64_t number, struct ser_record *rec, struct ser_error *e) {
    struct ark a = {.in = in, .number = number, .e = e};
    int got = take_key(&a);
    if (got > 0)
        got = take_record(&a, rec);
    free(a.key);
    return got;
}
