/* record.h - a named tensor with attributes: what streams are made of. */
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
    /* May be 0, which makes the tensor empty; the others still keep to SER_MAX_PAYLOAD. */
    uint64_t dim[SER_MAX_RANK];
    struct ser_attrs attrs;
    void *data; /* count elements in host order, 64-byte aligned, row-major */
    size_t count, bytes;
    uint64_t offset; /* reading: where the payload lies in the input */
    size_t data_cap; /* reading: room behind data, reused from record to record */
};

size_t ser_type_size(enum ser_type t);      /* bytes of an element; 0 for an unknown type */
const char *ser_type_name(enum ser_type t); /* "f32" ... */

/* Bytes of a tensor of this type and shape, UINT64_MAX if that is over SER_MAX_PAYLOAD. */
uint64_t ser_shape_bytes(enum ser_type t, int rank, const uint64_t *dim);

/* Frees what a record holds that was read, or set by ser_record_set. */
void ser_record_free(struct ser_record *r);

/* Makes r a record of this key, type and shape with room for its elements (zeros); attributes are
 * kept empty. For writers. 0; -1 with e set: SER_BAD when key or shape break the limits, SER_SYS
 * without memory. */
int ser_record_set(struct ser_record *r, const char *key, enum ser_type type, int rank,
                   const uint64_t *dim, struct ser_error *e) SER_MUST_CHECK;

/* For readers: sets count and bytes from type, rank and dim; -1 when they break the limits. */
int ser_record_measure(struct ser_record *r) SER_MUST_CHECK;

/* For readers: room for n bytes of data, of which the first keep bytes stay. -1 without memory. */
int ser_record_room(struct ser_record *r, size_t n, size_t keep) SER_MUST_CHECK;

/* "40x174", or "scalar"; returns text. */
#define SER_SHAPE_TEXT 200
const char *ser_shape_text(int rank, const uint64_t *dim, char text[SER_SHAPE_TEXT]);

/* Element i of any type, which a double holds exactly. */
double ser_value(const struct ser_record *r, size_t i);

/* Index of the first element that is infinite or not a number, count if there is none. */
size_t ser_not_finite(const struct ser_record *r);

#endif
