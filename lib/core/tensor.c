#include "core/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The layout is drawn in ser-tensor(5); these are its numbers. */
enum {
    BLOCK = 64, /* blocks and payloads begin at multiples of it */
    FIXED = 24, /* bytes of every block that come before its texts */
    HASH = 8,   /* closes every block */
    VERSION = 1,
    FIRST_ROOM = 1 << 20, /* memory taken on the word of a header alone */
};
static const unsigned char magic[8] = {0x89, 'S', 'E', 'R', '\r', '\n', 0x1a, '\n'};
static const unsigned char zeros[BLOCK];

static uint32_t get32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const unsigned char *p) {
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put32(unsigned char *p, uint32_t v) {
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static void put64(unsigned char *p, uint64_t v) {
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

/* Zero bytes that bring n to the next multiple of BLOCK. */
static size_t padding(uint64_t n) {
    return (size_t)(-n % BLOCK);
}

/* Zero bytes before the hash that ends a block of n bytes so far. */
static size_t closing(uint64_t n) {
    return padding(n + HASH);
}

/* ---- attributes ---- */

static int is_key(const char *s) {
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

int ser_is_attr(const char *key, const char *value) {
    return is_key(key) && ser_is_text(value, strlen(value));
}

/* Index of key, or where it belongs: -1 - index. */
static int find(const struct ser_attrs *a, const char *key) {
    int lo = 0, hi = a->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2, c = strcmp(a->at[mid].key, key);
        if (c == 0)
            return mid;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1 - lo;
}

const char *ser_attr(const struct ser_attrs *a, const char *key) {
    int i = find(a, key);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it does not see that i is below n */
    return i < 0 ? NULL : a->at[i].value;
}

static void insert(struct ser_attrs *a, int at, char *key, char *value) {
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 16;
        a->at = erealloc(a->at, (size_t)a->cap, sizeof *a->at);
    }
    memmove(a->at + at + 1, a->at + at, (size_t)(a->n - at) * sizeof *a->at);
    a->at[at] = (struct ser_attr){key, value};
    a->n++;
}

void ser_attr_set(struct ser_attrs *a, const char *key, const char *value) {
    if (!ser_is_attr(key, value ? value : ""))
        die(SER_BAD, "attribute '%s' cannot hold '%s'", key, value ? value : "");
    int i = find(a, key);
    if (i >= 0) {
        free(a->at[i].value);
        if (value) {
            a->at[i].value = estrdup(value);
            return;
        }
        free(a->at[i].key);
        memmove(a->at + i, a->at + i + 1, (size_t)(--a->n - i) * sizeof *a->at);
    } else if (value) {
        if (a->n == SER_MAX_ATTRS)
            die(SER_BAD, "more than %d attributes", SER_MAX_ATTRS);
        insert(a, -1 - i, estrdup(key), estrdup(value));
    }
}

void ser_attr_setf(struct ser_attrs *a, const char *key, const char *fmt, ...) {
    char *value;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&value, fmt, args) < 0)
        die(SER_SYS, "out of memory");
    va_end(args);
    ser_attr_set(a, key, value);
    free(value);
}

void ser_attrs_clear(struct ser_attrs *a) {
    for (int i = 0; i < a->n; i++) {
        free(a->at[i].key);
        free(a->at[i].value);
    }
    free(a->at);
    *a = (struct ser_attrs){0};
}

void ser_attrs_copy(struct ser_attrs *to, const struct ser_attrs *from) {
    ser_attrs_clear(to);
    for (int i = 0; i < from->n; i++)
        insert(to, i, estrdup(from->at[i].key), estrdup(from->at[i].value));
}

const char *ser_attrs_differ(const struct ser_attrs *a, const struct ser_attrs *b,
                             const char *prefix) {
    size_t n = strlen(prefix);
    int i = 0, j = 0;
    for (;;) { /* both are sorted: walk them side by side */
        while (i < a->n && strncmp(a->at[i].key, prefix, n) != 0)
            i++;
        while (j < b->n && strncmp(b->at[j].key, prefix, n) != 0)
            j++;
        if (i == a->n || j == b->n)
            return i < a->n ? a->at[i].key : j < b->n ? b->at[j].key : NULL;
        int c = strcmp(a->at[i].key, b->at[j].key);
        if (c)
            return c < 0 ? a->at[i].key : b->at[j].key;
        if (strcmp(a->at[i].value, b->at[j].value) != 0)
            return a->at[i].key;
        i++;
        j++;
    }
}

/* Reads the lines text[0..len) into a; NULL, or what is wrong. text is changed. */
static const char *parse_attrs(struct ser_attrs *a, char *text, size_t len) {
    ser_attrs_clear(a);
    for (char *end = text + len; text < end;) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop)
            return "an attribute line has no end";
        char *equals = memchr(text, '=', (size_t)(stop - text));
        if (!equals)
            return "an attribute line has no '='";
        if (!ser_is_text(text, (size_t)(stop - text)))
            return "an attribute holds control characters or bad UTF-8";
        *equals = *stop = '\0';
        if (!is_key(text))
            return "an attribute's name is not of [a-z0-9._-]";
        if (a->n && strcmp(a->at[a->n - 1].key, text) >= 0)
            return "attributes are not sorted, or one comes twice";
        if (a->n == SER_MAX_ATTRS)
            return "too many attributes";
        insert(a, a->n, estrdup(text), estrdup(equals + 1));
        text = stop + 1;
    }
    return NULL;
}

static size_t attrs_length(const struct ser_attrs *a) {
    size_t n = 0;
    for (int i = 0; i < a->n; i++)
        n += strlen(a->at[i].key) + strlen(a->at[i].value) + 2;
    return n;
}

static char *put_attrs(char *p, const struct ser_attrs *a) {
    for (int i = 0; i < a->n; i++)
        p += sprintf(p, "%s=%s\n", a->at[i].key, a->at[i].value);
    return p;
}

/* ---- records ---- */

size_t ser_type_size(enum ser_type t) {
    static const size_t size[] = {0, 4, 8, 2, 4, 1};
    return (unsigned)t <= SER_U8 ? size[t] : 0;
}

const char *ser_type_name(enum ser_type t) {
    static const char *const name[] = {"?", "f32", "f64", "i16", "i32", "u8"};
    return name[(unsigned)t <= SER_U8 ? t : 0];
}

void ser_record_free(struct ser_record *r) {
    free(r->key);
    free(r->data);
    ser_attrs_clear(&r->attrs);
    *r = (struct ser_record){0};
}

_Static_assert(sizeof(size_t) >= 8, "payloads of SER_MAX_PAYLOAD need a 64-bit size_t");

/* An empty dimension counts as 1 towards the limit, so that no product of some of the dimensions
 * ever overflows. */
uint64_t ser_shape_bytes(enum ser_type t, int rank, const uint64_t *dim) {
    uint64_t bytes = ser_type_size(t);
    int empty = 0;
    for (int i = 0; i < rank; i++) {
        if (__builtin_mul_overflow(bytes, dim[i] ? dim[i] : 1, &bytes))
            return UINT64_MAX;
        empty |= dim[i] == 0;
    }
    return bytes > SER_MAX_PAYLOAD ? UINT64_MAX : empty ? 0 : bytes;
}

/* Sets count and bytes from type, rank and dim; -1 when they break the limits. */
static int measure(struct ser_record *r) {
    uint64_t bytes = ser_shape_bytes(r->type, r->rank, r->dim);
    r->bytes = (size_t)bytes;
    r->count = r->bytes / ser_type_size(r->type);
    return bytes == UINT64_MAX ? -1 : 0;
}

/* Room for n bytes of data, of which the first keep bytes stay. */
static void make_room(struct ser_record *r, size_t n, size_t keep) {
    if (n <= r->data_cap && r->data)
        return;
    size_t cap = (n ? n : 1) + padding(n ? n : 1);
    void *p = aligned_alloc(BLOCK, cap);
    if (!p)
        die(SER_SYS, "out of memory (%zu bytes)", cap);
    if (keep)
        memcpy(p, r->data, keep);
    free(r->data);
    r->data = p;
    r->data_cap = cap;
}

void ser_record_set(struct ser_record *r, const char *key, enum ser_type type, int rank,
                    const uint64_t *dim) {
    size_t len = strlen(key);
    r->type = type;
    r->rank = rank;
    if (rank < 0 || rank > SER_MAX_RANK || !ser_type_size(type) || len < 1 || len > SER_MAX_KEY ||
        !ser_is_text(key, len))
        die(SER_BAD, "'%s' cannot name a record of %s, rank %d", key, ser_type_name(type), rank);
    for (int i = 0; i < rank; i++)
        r->dim[i] = dim[i];
    if (measure(r))
        die(SER_BAD, "%s: more than %llu bytes", key, (unsigned long long)SER_MAX_PAYLOAD);
    free(r->key);
    r->key = estrdup(key);
    ser_attrs_clear(&r->attrs);
    make_room(r, r->bytes, 0);
    memset(r->data, 0, r->bytes);
}

void ser_swap_elements(void *data, size_t count, size_t size) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unsigned char *p = data;
    for (size_t i = 0; i < count; i++, p += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
#else
    (void)data, (void)count, (void)size;
#endif
}

size_t ser_not_finite(const struct ser_record *r) {
    uint32_t bad = 0;
    const uint32_t *f = r->data;
    const uint64_t *d = r->data;
    for (size_t i = 0; r->type == SER_F32 && i < r->count; i++)
        bad |= (f[i] & 0x7f800000u) == 0x7f800000u;
    for (size_t i = 0; r->type == SER_F64 && i < r->count; i++)
        bad |= (d[i] & 0x7ff0000000000000u) == 0x7ff0000000000000u;
    size_t i = bad ? 0 : r->count;
    while (i < r->count &&
           !(r->type == SER_F32 ? (f[i] & 0x7f800000u) == 0x7f800000u
                                : (d[i] & 0x7ff0000000000000u) == 0x7ff0000000000000u))
        i++;
    return i;
}

const char *ser_shape_text(int rank, const uint64_t *dim, char text[SER_SHAPE_TEXT]) {
    char *p = text + sprintf(text, "%s", rank ? "" : "scalar");
    for (int i = 0; i < rank; i++)
        p += sprintf(p, "%s%llu", i ? "x" : "", (unsigned long long)dim[i]);
    return text;
}

double ser_value(const struct ser_record *r, size_t i) {
    switch (r->type) {
    case SER_F32:
        return ((const float *)r->data)[i];
    case SER_F64:
        return ((const double *)r->data)[i];
    case SER_I16:
        return ((const int16_t *)r->data)[i];
    case SER_I32:
        return ((const int32_t *)r->data)[i];
    case SER_U8:
        return ((const uint8_t *)r->data)[i];
    }
    return 0;
}

/* ---- reading ---- */

int ser_is_stream(const unsigned char *at, size_t n) {
    return n >= 4 && memcmp(at, magic, 4) == 0;
}

int ser_reader_fail(const struct ser_reader *r, const struct ser_record *rec, struct ser_error *e,
                    const char *fmt, ...) {
    char what[1024];
    va_list args;
    va_start(args, fmt);
    ser_format(what, sizeof what, fmt, args);
    va_end(args);
    return ser_fail(e, SER_BAD, "%s: record %llu (%.200s): %s", r->in.name,
                    (unsigned long long)r->record, rec && rec->key ? rec->key : "?", what);
}

static int damaged(const struct ser_reader *r, struct ser_error *e, const char *what) {
    if (r->inside)
        return ser_reader_fail(r, r->inside, e, "%s", what);
    return ser_fail(e, SER_BAD, "%s: after record %llu: %s", r->in.name,
                    (unsigned long long)r->record, what);
}

static int cut_short(const struct ser_reader *r, struct ser_error *e) {
    return damaged(r, e, "the stream ends early: it was cut short, or its writer failed");
}

static int junk(const struct ser_reader *r, struct ser_error *e) {
    return damaged(r, e, "bytes follow the end of the stream that are no stream");
}

static int no_stream(const struct ser_reader *r, struct ser_error *e) {
    int features = r->kind && strcmp(r->kind, "features") == 0;
    return ser_fail(e, SER_BAD, "%s: not a tensor stream%s", r->in.name,
                    features ? ": ser-mfcc makes features of audio" : "");
}

/* Reads exactly n bytes and adds them to the block's hash. */
static int take(struct ser_reader *r, void *to, size_t n, struct ser_error *e) {
    size_t got;
    if (ser_in_read(&r->in, to, n, &got, e))
        return -1;
    if (got != n)
        return cut_short(r, e);
    XXH3_64bits_update(r->hash, to, n);
    return 0;
}

/* Reads the zeros before the hash, and the hash, of a block that is n bytes long so far. */
static int take_closing(struct ser_reader *r, uint64_t n, struct ser_error *e) {
    unsigned char tail[BLOCK + HASH];
    size_t pad = closing(n), got;
    if (take(r, tail, pad, e))
        return -1;
    uint64_t want = XXH3_64bits_digest(r->hash);
    if (ser_in_read(&r->in, tail + pad, HASH, &got, e))
        return -1;
    if (got != HASH)
        return cut_short(r, e);
    if (get64(tail + pad) != want)
        return damaged(r, e, "the checksum does not match: the stream is damaged");
    if (memcmp(tail, zeros, pad) != 0)
        return damaged(r, e, "the padding is not zero");
    return 0;
}

/* Room for a block's texts behind its fixed part; never NULL. */
static unsigned char *head_room(struct ser_reader *r, size_t n) {
    if (n > r->head_cap || !r->head)
        r->head = erealloc(r->head, r->head_cap = n, 1);
    return r->head;
}

/* Reads the rest of a header whose first FIXED bytes are in fixed. */
static int read_header(struct ser_reader *r, const unsigned char *fixed, struct ser_error *e) {
    if (memcmp(fixed, magic, 4) != 0 && memcmp(fixed + 1, magic + 1, 3) != 0)
        return no_stream(r, e);
    if (memcmp(fixed, magic, sizeof magic) != 0)
        return ser_fail(
            e, SER_BAD,
            "%s: a tensor stream that was changed on its way, as text-mode copying does",
            r->in.name);
    if (get32(fixed + 8) != VERSION)
        return ser_fail(e, SER_BAD, "%s: stream version %u: this program reads version %d",
                        r->in.name, get32(fixed + 8), VERSION);
    if (get32(fixed + 12) || get32(fixed + 20))
        return ser_fail(e, SER_BAD, "%s: reserved bits of the header are set", r->in.name);
    size_t len = get32(fixed + 16);
    if (len > SER_MAX_ATTRS_BYTES)
        return ser_fail(e, SER_BAD, "%s: %zu bytes of attributes: the limit is %d", r->in.name, len,
                        SER_MAX_ATTRS_BYTES);
    unsigned char *text = head_room(r, len);
    if (take(r, text, len, e) || take_closing(r, FIXED + len, e))
        return -1;

    struct ser_attrs attrs = {0};
    const char *wrong = parse_attrs(&attrs, (char *)text, len);
    const char *kind = wrong ? NULL : ser_attr(&attrs, "kind");
    if (!wrong && !kind)
        wrong = "the header names no kind";
    if (wrong) {
        ser_attrs_clear(&attrs);
        return ser_fail(e, SER_BAD, "%s: %s", r->in.name, wrong);
    }
    if (r->kind && strcmp(kind, r->kind) != 0) {
        ser_fail(e, SER_BAD, "%s: a stream of kind %s, but %s is needed", r->in.name, kind,
                 r->kind);
        ser_attrs_clear(&attrs);
        return -1;
    }
    const char *differ = ser_attrs_differ(&r->header, &attrs, "feat.");
    if (r->kind && r->streams && differ) {
        const char *a = ser_attr(&r->header, differ), *b = ser_attr(&attrs, differ);
        ser_fail(e, SER_BAD, "%s: concatenated streams disagree: %s is %s, then %s", r->in.name,
                 differ, a ? a : "unset", b ? b : "unset");
        ser_attrs_clear(&attrs);
        return -1;
    }
    ser_attrs_clear(&r->header);
    r->header = attrs;
    r->streams++;
    r->in_stream = 0;
    return 0;
}

/* Begins a block: its first FIXED bytes. 1, or 0 at the end of input when that is allowed, or -1.
 */
static int take_fixed(struct ser_reader *r, unsigned char fixed[FIXED], int may_end,
                      struct ser_error *e) {
    size_t got;
    XXH3_64bits_reset(r->hash);
    if (ser_in_read(&r->in, fixed, FIXED, &got, e))
        return -1;
    if (got == 0 && may_end)
        return 0;
    XXH3_64bits_update(r->hash, fixed, got);
    if (got == FIXED)
        return 1;
    if (may_end && memcmp(fixed, magic, got < 8 ? got : 8) != 0)
        return r->streams ? junk(r, e) : no_stream(r, e);
    return cut_short(r, e);
}

int ser_reader_begin(struct ser_reader *r, const struct ser_in *in, const char *kind,
                     struct ser_error *e) {
    unsigned char fixed[FIXED];
    *r = (struct ser_reader){.in = *in, .kind = kind, .hash = XXH3_createState()};
    if (!r->hash)
        die(SER_SYS, "out of memory");
    int got = take_fixed(r, fixed, 1, e);
    if (got == 0)
        ser_fail(e, SER_BAD, "%s: empty input: a tensor stream is needed", r->in.name);
    if (got <= 0 || read_header(r, fixed, e)) {
        ser_reader_close(r);
        return -1;
    }
    return 0;
}

int ser_reader_open(struct ser_reader *r, const char *path, const char *kind, struct ser_error *e) {
    struct ser_in in;
    if (ser_in_open(&in, path, e))
        return -1;
    return ser_reader_begin(r, &in, kind, e);
}

static int read_end(struct ser_reader *r, const unsigned char *fixed, struct ser_error *e) {
    if (take_closing(r, FIXED, e))
        return -1;
    if (get32(fixed + 4) || get64(fixed + 16))
        return damaged(r, e, "reserved bits of the end record are set");
    if (get64(fixed + 8) != r->in_stream)
        return damaged(r, e, "the end record counts another number of records: some are missing");
    return 0;
}

/* The parts of a record before its payload. */
static int read_record_head(struct ser_reader *r, const unsigned char *fixed,
                            struct ser_record *rec, struct ser_error *e) {
    size_t key_len = get32(fixed + 8), attrs_len = get32(fixed + 12);
    rec->type = fixed[4];
    rec->rank = fixed[5];
    if (!ser_type_size(rec->type) || rec->rank > SER_MAX_RANK || fixed[6] || fixed[7])
        return damaged(r, e, "a record of unknown type, rank or with reserved bits set");
    if (key_len < 1 || key_len > SER_MAX_KEY || attrs_len > SER_MAX_ATTRS_BYTES)
        return damaged(r, e, "a record's key or attributes are longer than the format allows");
    size_t dims = 8 * (size_t)rec->rank, len = dims + key_len + attrs_len;
    len += padding(FIXED + len);
    unsigned char *p = head_room(r, len);
    if (take(r, p, len, e))
        return -1;
    for (int i = 0; i < rec->rank; i++)
        rec->dim[i] = get64(p + 8 * i);
    if (measure(rec) || rec->bytes != get64(fixed + 16))
        return damaged(r, e, "a record's size is over the limit or does not fit its shape");
    if (!ser_is_text((char *)p + dims, key_len))
        return damaged(r, e, "a record's key holds control characters or bad UTF-8");
    rec->key = erealloc(rec->key, key_len + 1, 1);
    memcpy(rec->key, p + dims, key_len);
    rec->key[key_len] = '\0';
    r->inside = rec;
    r->record++;
    r->in_stream++;
    size_t used = dims + key_len + attrs_len;
    if (memcmp(p + used, zeros, len - used) != 0)
        return damaged(r, e, "the padding is not zero");
    const char *wrong = parse_attrs(&rec->attrs, (char *)p + dims + key_len, attrs_len);
    return wrong ? damaged(r, e, wrong) : 0;
}

/* Memory follows the bytes that arrive, so that a header's word alone costs little. */
static int read_payload(struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    size_t done = 0, room = rec->data_cap > FIRST_ROOM ? rec->data_cap : FIRST_ROOM;
    rec->offset = r->in.offset;
    do {
        size_t want = rec->bytes < room ? rec->bytes : room;
        make_room(rec, want, done);
        if (take(r, (char *)rec->data + done, want - done, e))
            return -1;
        done = want;
        room *= 2;
    } while (done < rec->bytes);
    return 0;
}

int ser_reader_next(struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    unsigned char fixed[FIXED];
    for (;;) {
        if (take_fixed(r, fixed, 0, e) < 0)
            return -1;
        if (memcmp(fixed, "REC\n", 4) == 0)
            break;
        if (memcmp(fixed, "END\n", 4) != 0)
            return damaged(r, e, "neither a record nor the end of the stream");
        if (read_end(r, fixed, e))
            return -1;
        int got = take_fixed(r, fixed, 1, e);
        if (got <= 0)
            return got;
        if (memcmp(fixed, magic, sizeof magic) != 0)
            return junk(r, e);
        if (read_header(r, fixed, e))
            return -1;
    }
    /* The head's length is a multiple of BLOCK, so the payload's alone decides the padding. */
    if (read_record_head(r, fixed, rec, e) || read_payload(r, rec, e) ||
        take_closing(r, rec->bytes, e))
        return -1;
    r->inside = NULL;
    ser_swap_elements(rec->data, rec->count, ser_type_size(rec->type));
    size_t bad = ser_not_finite(rec);
    if (bad < rec->count)
        return ser_reader_fail(r, rec, e, "element %zu is infinite or not a number", bad);
    return 1;
}

void ser_reader_close(struct ser_reader *r) {
    ser_in_close(&r->in);
    ser_attrs_clear(&r->header);
    XXH3_freeState(r->hash);
    free(r->head);
    *r = (struct ser_reader){.in = {.fd = -1}};
}

/* ---- writing ---- */

static void put(struct ser_writer *w, const void *data, size_t n) {
    XXH3_64bits_update(w->hash, data, n);
    ser_out_write(&w->out, data, n);
}

/* Ends a block of n bytes so far and begins the next one's hash. */
static void put_closing(struct ser_writer *w, uint64_t n) {
    unsigned char hash[HASH];
    put(w, zeros, closing(n));
    put64(hash, XXH3_64bits_digest(w->hash));
    ser_out_write(&w->out, hash, sizeof hash);
    XXH3_64bits_reset(w->hash);
}

void ser_writer_open(struct ser_writer *w, const char *path, const struct ser_attrs *attrs) {
    size_t len = attrs_length(attrs);
    if (len > SER_MAX_ATTRS_BYTES || !ser_attr(attrs, "kind"))
        die(SER_BAD, "a stream's header names no kind or is over %d bytes", SER_MAX_ATTRS_BYTES);
    *w = (struct ser_writer){.hash = XXH3_createState()};
    if (!w->hash)
        die(SER_SYS, "out of memory");
    XXH3_64bits_reset(w->hash);
    ser_out_open(&w->out, path, 1);
    unsigned char fixed[FIXED] = {0};
    memcpy(fixed, magic, sizeof magic);
    put32(fixed + 8, VERSION);
    put32(fixed + 16, (uint32_t)len);
    put(w, fixed, sizeof fixed);
    char *text = emalloc(len + 1);
    put_attrs(text, attrs);
    put(w, text, len);
    free(text);
    put_closing(w, FIXED + len);
}

void ser_writer_put(struct ser_writer *w, const struct ser_record *rec) {
    size_t key_len = strlen(rec->key), attrs_len = attrs_length(&rec->attrs);
    size_t dims = 8 * (size_t)rec->rank, len = FIXED + dims + key_len + attrs_len;
    if (attrs_len > SER_MAX_ATTRS_BYTES)
        die(SER_BAD, "%s: record (%s): attributes over %d bytes", w->out.name, rec->key,
            SER_MAX_ATTRS_BYTES);
    size_t bad = ser_not_finite(rec);
    if (bad < rec->count)
        die(SER_BAD, "%s: record (%s): element %zu is infinite or not a number", w->out.name,
            rec->key, bad);
    unsigned char *head = ecalloc(len + padding(len) + 1, 1), *p = head;
    memcpy(p, "REC\n", 4);
    p[4] = (unsigned char)rec->type;
    p[5] = (unsigned char)rec->rank;
    put32(p + 8, (uint32_t)key_len);
    put32(p + 12, (uint32_t)attrs_len);
    put64(p + 16, rec->bytes);
    for (int i = 0; i < rec->rank; i++)
        put64(p + FIXED + 8 * i, rec->dim[i]);
    memcpy(p + FIXED + dims, rec->key, key_len);
    put_attrs((char *)p + FIXED + dims + key_len, &rec->attrs);
    put(w, head, len + padding(len));
    free(head);
    size_t size = ser_type_size(rec->type);
    ser_swap_elements(rec->data, rec->count, size);
    put(w, rec->data, rec->bytes);
    ser_swap_elements(rec->data, rec->count, size);
    put_closing(w, rec->bytes);
    w->records++;
}

void ser_writer_close(struct ser_writer *w) {
    unsigned char fixed[FIXED] = "END\n";
    put64(fixed + 8, w->records);
    put(w, fixed, sizeof fixed);
    put_closing(w, FIXED);
    ser_out_close(&w->out);
    XXH3_freeState(w->hash);
    w->hash = NULL;
}

void ser_writer_abandon(struct ser_writer *w) {
    ser_out_abandon(&w->out);
    XXH3_freeState(w->hash);
    w->hash = NULL;
}
