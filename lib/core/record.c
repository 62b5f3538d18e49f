#include "core/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

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

int ser_record_measure(struct ser_record *r) {
    uint64_t bytes = ser_shape_bytes(r->type, r->rank, r->dim);
    r->bytes = (size_t)bytes;
    r->count = r->bytes / ser_type_size(r->type);
    return bytes == UINT64_MAX ? -1 : 0;
}

int ser_record_room(struct ser_record *r, size_t n, size_t keep) {
    if (n <= r->data_cap && r->data)
        return 0;
    size_t cap = ((n ? n : 1) + ALIGN - 1) / ALIGN * ALIGN;
    void *p = aligned_alloc(ALIGN, cap);
    if (!p)
        return -1;
    if (keep)
        memcpy(p, r->data, keep);
    free(r->data);
    r->data = p;
    r->data_cap = cap;
    return 0;
}

int ser_record_set(struct ser_record *r, const char *key, enum ser_type type, int rank,
                   const uint64_t *dim, struct ser_error *e) {
    size_t len = strlen(key);
    if (rank < 0 || rank > SER_MAX_RANK || !ser_type_size(type) || len < 1 || len > SER_MAX_KEY ||
        !ser_is_text(key, len))
        return ser_fail(e, SER_BAD, "'%s' cannot name a record of %s, rank %d", key,
                        ser_type_name(type), rank);
    r->type = type;
    r->rank = rank;
    for (int i = 0; i < rank; i++)
        r->dim[i] = dim[i];
    if (ser_record_measure(r))
        return ser_fail(e, SER_BAD, "%s: more than %llu bytes", key,
                        (unsigned long long)SER_MAX_PAYLOAD);
    char *copy = strdup(key);
    if (!copy || ser_record_room(r, r->bytes, 0)) {
        free(copy);
        return ser_no_memory(e);
    }
    free(r->key);
    r->key = copy;
    ser_attrs_clear(&r->attrs);
    memset(r->data, 0, r->bytes);
    return 0;
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
