#include "core/npy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading arrays ---- */

enum { MAX_DICT = 4096 }; /* ours needs about 120 bytes, NumPy's own limit is 10000 */

struct head {
    enum ser_type type;
    int big; /* elements are big-endian */
    int fortran, rank;
    uint64_t dim[SER_MAX_RANK];
    int seen; /* bits: descr, fortran_order, shape */
};

static const char *const types[] = {"", "<f4", "<f8", "<i2", "<i4", "|u1"};

const char *ser_npy_type(enum ser_type t) {
    return types[t];
}

static const char *skip(const char *s) {
    return s + strspn(s, " \t\n");
}

/* Takes a quoted text without escapes; NULL if there is none. */
static const char *take_text(const char *s, char *text, size_t cap) {
    const char *end = *s == '\'' || *s == '"' ? strchr(s + 1, *s) : NULL;
    if (!end || (size_t)(end - s) > cap)
        return NULL;
    memcpy(text, s + 1, (size_t)(end - s - 1));
    text[end - s - 1] = '\0';
    return skip(end + 1);
}

static const char *take_type(const char *s, struct head *h) {
    char text[16];
    s = take_text(s, text, sizeof text);
    if (!s || !*text)
        return NULL;
    /* Without an order, and behind =, NumPy takes the machine's own. */
    const char *type = text + (strchr("<>|=", *text) != NULL);
    h->big = text[0] == '>';
    for (int t = SER_F32; t <= SER_U8; t++)
        if (strcmp(type, types[t] + 1) == 0)
            h->type = (enum ser_type)t;
    return s;
}

static const char *take_flag(const char *s, struct head *h) {
    h->fortran = strncmp(s, "True", 4) == 0;
    return h->fortran ? skip(s + 4) : strncmp(s, "False", 5) == 0 ? skip(s + 5) : NULL;
}

/* A tuple of whole numbers. Python 2 writes long ones with an L behind them, as on Windows it does
 * all; (6) is a number in parentheses and no tuple, which is (6,). */
static const char *take_shape(const char *s, struct head *h) {
    int commas = 0;
    if (*s++ != '(')
        return NULL;
    for (s = skip(s); *s != ')';) {
        char digits[24];
        size_t n = strspn(s, "0123456789");
        int64_t dim;
        if (!n || n >= sizeof digits || h->rank == SER_MAX_RANK)
            return NULL;
        memcpy(digits, s, n);
        digits[n] = '\0';
        if (ser_parse_int(digits, 0, INT64_MAX, &dim))
            return NULL;
        h->dim[h->rank++] = (uint64_t)dim;
        s += n;
        s = skip(*s == 'L' ? s + 1 : s);
        commas += *s == ',';
        if (*s == ',')
            s = skip(s + 1);
        else if (*s != ')')
            return NULL;
    }
    return h->rank == 1 && !commas ? NULL : skip(s + 1);
}

/* Reads the dictionary, a Python literal; -1 when it is not one that describes an array. */
static int parse_dict(const char *s, struct head *h) {
    static const struct {
        const char *name;
        const char *(*take)(const char *s, struct head *h);
    } field[] = {{"descr", take_type}, {"fortran_order", take_flag}, {"shape", take_shape}};
    if (*(s = skip(s)) != '{')
        return -1;
    for (s = skip(s + 1); *s != '}';) {
        char name[16];
        int i = 0;
        s = take_text(s, name, sizeof name);
        if (!s || *s != ':')
            return -1;
        while (i < 3 && strcmp(field[i].name, name) != 0)
            i++;
        if (i == 3 || h->seen & 1 << i || !(s = field[i].take(skip(s + 1), h)))
            return -1;
        h->seen |= 1 << i;
        if (*s == ',')
            s = skip(s + 1);
        else if (*s != '}')
            return -1;
    }
    return *skip(s + 1) == '\0' && h->seen == 7 ? 0 : -1;
}

static int read_head(struct ser_in *in, struct head *h, struct ser_error *e) {
    unsigned char fixed[12];
    char dict[MAX_DICT + 1];
    size_t got, more = 0;
    if (ser_in_read(in, fixed, 10, &got, e))
        return -1;
    if (got < 10 || memcmp(fixed, "\x93NUMPY", 6) != 0)
        return ser_fail(e, SER_BAD, "%s: not a NumPy array", in->name);
    if (fixed[6] < 1 || fixed[6] > 3 || fixed[7] != 0)
        return ser_fail(e, SER_BAD, "%s: NumPy format %d.%d: this program reads 1.0 to 3.0",
                        in->name, fixed[6], fixed[7]);
    if (fixed[6] > 1 && ser_in_read(in, fixed + 10, 2, &more, e))
        return -1;
    size_t len = fixed[8] | (size_t)fixed[9] << 8;
    if (more == 2)
        len |= (size_t)fixed[10] << 16 | (size_t)fixed[11] << 24;
    if (len > MAX_DICT)
        return ser_fail(e, SER_BAD, "%s: its head is longer than %d bytes", in->name, MAX_DICT);
    if (ser_in_read(in, dict, len, &got, e))
        return -1;
    if (got != len || (fixed[6] > 1 && more != 2))
        return ser_fail(e, SER_BAD, "%s: the array's head is cut short", in->name);
    dict[len] = '\0';
    if (strlen(dict) != len || parse_dict(dict, h))
        return ser_fail(e, SER_BAD,
                        "%s: the array's head is damaged, or tells of a structure or of more than "
                        "%d dimensions",
                        in->name, SER_MAX_RANK);
    if (!h->type)
        return ser_fail(e, SER_BAD,
                        "%s: an array of other elements than f4 f8 i2 i4 u1: convert it in NumPy, "
                        "as with a.astype('f4')",
                        in->name);
    return 0;
}

/* Elements from Fortran order, where the first index runs fastest, to C order. */
static void transpose(unsigned char *to, const unsigned char *from, const struct ser_record *r) {
    uint64_t at[SER_MAX_RANK] = {0}, stride[SER_MAX_RANK], s = ser_type_size(r->type);
    size_t size = (size_t)s, offset = 0;
    for (int i = 0; i < r->rank; i++) {
        stride[i] = s;
        s *= r->dim[i];
    }
    for (size_t n = 0; n < r->count; n++, to += size) {
        memcpy(to, from + offset, size);
        for (int i = r->rank - 1; i >= 0; i--) {
            offset += stride[i];
            if (++at[i] < r->dim[i])
                break;
            offset -= at[i] * stride[i];
            at[i] = 0;
        }
    }
}

int ser_npy_read(struct ser_in *in, const char *key, struct ser_record *rec, struct ser_error *e) {
    struct head h = {0};
    unsigned char *data = NULL;
    size_t len = 0;
    if (read_head(in, &h, e))
        return -1;
    uint64_t bytes = ser_shape_bytes(h.type, h.rank, h.dim);
    if (bytes > SER_MAX_PAYLOAD)
        return ser_fail(e, SER_BAD, "%s: an array over the limit of %llu bytes", in->name,
                        (unsigned long long)SER_MAX_PAYLOAD);
    int over = ser_in_rest(in, (size_t)bytes, &data, &len, e);
    if (over && e->status != SER_BAD)
        return -1;
    if (over || len != bytes) {
        free(data);
        return ser_fail(e, SER_BAD, "%s: the array is cut short or bytes follow it", in->name);
    }
    if (ser_record_set(rec, key, h.type, h.rank, h.dim, e)) {
        free(data);
        return -1;
    }
    if (h.fortran && h.rank > 1)
        transpose(rec->data, data, rec);
    else
        memcpy(rec->data, data, len);
    free(data);
    if (h.big)
        ser_reverse(rec->data, rec->count, ser_type_size(rec->type));
    ser_swap_elements(rec->data, rec->count, ser_type_size(rec->type));
    size_t bad = ser_not_finite(rec);
    if (bad < rec->count)
        return ser_fail(e, SER_BAD, "%s: element %zu is infinite or not a number", in->name, bad);
    return 0;
}

/* ---- writing arrays ---- */

size_t ser_npy_head(char head[SER_NPY_HEAD], const char *type, int rank, const uint64_t *dim) {
    char *p = head + 10;
    p += sprintf(p, "{'descr': '%.20s', 'fortran_order': False, 'shape': (", type);
    for (int i = 0; i < rank && i <= SER_MAX_RANK; i++)
        p += sprintf(p, "%s%llu", i ? ", " : "", (unsigned long long)dim[i]);
    p += sprintf(p, "%s), }", rank == 1 ? "," : "");
    while ((p - head) % 64 != 63)
        *p++ = ' ';
    *p++ = '\n';
    size_t len = (size_t)(p - head) - 10;
    memcpy(head, "\x93NUMPY\1", 8);
    head[8] = (char)(len & 0xff);
    head[9] = (char)(len >> 8);
    return len + 10;
}

/* ---- archives ---- */

enum { LOCAL = 30, CENTRAL = 46 }; /* bytes of an entry's two headers before its name */

struct ser_npz_entry {
    char *name;
    uint32_t at, size, crc;
};

/* An entry's local header, or its line of the central directory, which has a few fields more. */
static void put_entry(struct ser_npz *z, const struct ser_npz_entry *f, int central) {
    enum { NEEDS = 20, BY_UNIX = 3 << 8, UTF8_NAME = 1 << 11, DAY_ONE = 1 << 5 | 1 };
    unsigned char b[64], *p = b;
    size_t name = strlen(f->name);
    p = ser_put(p, 4, central ? 0x02014b50 : 0x04034b50);
    if (central)
        p = ser_put(p, 2, BY_UNIX | NEEDS);
    p = ser_put(p, 2, NEEDS);
    p = ser_put(p, 2, UTF8_NAME);
    p = ser_put(p, 4, 0); /* stored; at midnight */
    p = ser_put(p, 2, DAY_ONE);
    p = ser_put(p, 4, f->crc);
    p = ser_put(p, 4, f->size);
    p = ser_put(p, 4, f->size);
    p = ser_put(p, 4, name); /* and no extra field */
    if (central) {
        p = ser_put(p, 6, 0); /* no comment, the only disk, no inner attributes */
        p = ser_put(p, 4, (uint64_t)0100644 << 16);
        p = ser_put(p, 4, f->at);
    }
    ser_out_write(&z->out, b, (size_t)(p - b));
    ser_out_write(&z->out, f->name, name);
}

static uint64_t end_of_entries(const struct ser_npz *z) {
    const struct ser_npz_entry *last = z->n ? &z->entry[z->n - 1] : NULL;
    return last ? (uint64_t)last->at + LOCAL + strlen(last->name) + last->size : 0;
}

int ser_npz_open(struct ser_npz *z, const char *path, struct ser_error *e) {
    *z = (struct ser_npz){0};
    return ser_out_open(&z->out, path, 1, e);
}

int ser_npz_entry(struct ser_npz *z, const char *name, uint64_t size, uint32_t crc,
                  struct ser_error *e) {
    uint64_t at = end_of_entries(z);
    char *file;
    /* What follows the last entry must begin below 4 GiB too; 0xffffffff means "elsewhere". */
    if (at + size + SER_MAX_KEY + 64 >= UINT32_MAX || z->n == UINT16_MAX - 1)
        return ser_fail(e, SER_BAD, "%s: more than 4 GiB or 65534 arrays: too much for one archive",
                        z->out.name);
    if (ser_grow(&z->entry, &z->cap, z->n + 1, sizeof *z->entry) ||
        asprintf(&file, "%s.npy", name) < 0)
        return ser_no_memory(e);
    z->entry[z->n] = (struct ser_npz_entry){file, (uint32_t)at, (uint32_t)size, crc};
    put_entry(z, &z->entry[z->n++], 0);
    return 0;
}

int ser_npz_close(struct ser_npz *z, struct ser_error *e) {
    unsigned char b[32], *p = b;
    uint64_t at = end_of_entries(z), size = 0;
    for (size_t i = 0; i < z->n; i++) {
        put_entry(z, &z->entry[i], 1);
        size += CENTRAL + strlen(z->entry[i].name);
        free(z->entry[i].name);
    }
    p = ser_put(p, 4, 0x06054b50);
    p = ser_put(p, 4, 0); /* this is the only disk */
    p = ser_put(p, 2, z->n);
    p = ser_put(p, 2, z->n);
    p = ser_put(p, 4, size);
    p = ser_put(p, 4, at);
    p = ser_put(p, 2, 0);
    ser_out_write(&z->out, b, (size_t)(p - b));
    free(z->entry);
    int failed = ser_out_close(&z->out, e);
    *z = (struct ser_npz){0};
    return failed;
}
