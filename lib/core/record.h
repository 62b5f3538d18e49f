/* record.h - a record of a stream: a tensor with a name and attributes. */
#ifndef SER_RECORD_H
#define SER_RECORD_H

#include "core/attrs.h"
#include "core/bytes.h"

enum ser_type { SER_F32 = 1, SER_F64, SER_I16, SER_I32, SER_U8 };

#define SER_MAX_RANK    8
#define SER_MAX_KEY     16384        /* bytes */
#define SER_MAX_PAYLOAD (1ULL << 32) /* bytes */

struct ser_record {
    char *key; /* UTF-8, 1..SER_MAX_KEY bytes */
    enum ser_type type;
    int rank; /* 0..SER_MAX_RANK; rank 0 is one element */
    /* [rank], the slowest first. A dimension may be 0, which makes the tensor empty; the product of
     * the others must still keep to SER_MAX_PAYLOAD. */
    uint64_t dim[SER_MAX_RANK];
    struct ser_attrs attrs;
    void *data; /* [count], row-major, in the byte order of the host, aligned to 64 bytes */
    size_t count, bytes; /* elements, and their size together */
    uint64_t offset;     /* after reading: of the payload, from where reading began */
    size_t data_cap;     /* bytes allocated at data, reused from record to record */
};

size_t ser_type_size(enum ser_type t);      /* bytes of an element; 0 for an unknown type */
const char *ser_type_name(enum ser_type t); /* "f32", "f64", "i16", "i32" or "u8" */

/* Bytes of a tensor of this type and shape; UINT64_MAX if they are more than SER_MAX_PAYLOAD. */
uint64_t ser_shape_bytes(enum ser_type t, int rank, const uint64_t *dim);

/* Frees all memory of a record, and makes it all zeros. */
void ser_record_free(struct ser_record *r);

/* For writers: makes r, all zeros or set before, a record with this key, type and shape, without
 * attributes; its elements are 0. 0; or -1 with e set: SER_BAD if key or shape are over the limits,
 * SER_SYS without memory. */
int ser_record_set(struct ser_record *r, const char *key, enum ser_type type, int rank,
                   const uint64_t *dim, struct ser_error *e) SER_MUST_CHECK;

/* For readers: sets count and bytes from type, rank and dim. 0, or -1 if they are over the
 * limits. */
int ser_record_measure(struct ser_record *r) SER_MUST_CHECK;

/* For readers: makes room for n bytes at data and keeps the first keep bytes. 0, or -1 without
 * memory. */
int ser_record_room(struct ser_record *r, size_t n, size_t keep) SER_MUST_CHECK;

/* Writes the shape as "40x174", or "scalar" for rank 0, to text; returns text. */
#define SER_SHAPE_TEXT 200
const char *ser_shape_text(int rank, const uint64_t *dim, char text[SER_SHAPE_TEXT]);

/* Element i as a double, which holds the value of any type exactly. */
double ser_value(const struct ser_record *r, size_t i);

/* Index of the first element that is infinite or not a number; count if there is none. */
size_t ser_not_finite(const struct ser_record *r);

#endif
