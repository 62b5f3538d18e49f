/* tensor.h - the tensor stream: audio, features, models and checkpoints are all this.
 *
 * The format's law is ser-tensor(5). A reader holds one record at a time and trusts nothing: sizes
 * are capped before memory is taken, memory grows with the bytes that really arrive, every block's
 * checksum is compared, the end record must be there. Streams may be concatenated.
 */
#ifndef SER_TENSOR_H
#define SER_TENSOR_H

#include "core/io.h"

/* ---- attributes: sorted key=value lines ---- */

#define SER_MAX_ATTRS_BYTES 65536
#define SER_MAX_ATTRS       1024

struct ser_attr {
    char *key, *value;
};

/* Keys are [a-z0-9._-]+, values UTF-8 without control characters; sorted by key, no key twice. */
struct ser_attrs {
    int n, cap;
    struct ser_attr *at; /* owned, with its texts */
};

/* 1 if key and value can be an attribute, else 0. */
int ser_is_attr(const char *key, const char *value);

/* The value, or NULL. It lasts until the attributes change. */
const char *ser_attr(const struct ser_attrs *a, const char *key);

/* Sets a value (copied). Ends the process if key or value are not legal: check what comes from
 * outside with ser_is_attr. NULL removes the key. */
void ser_attr_set(struct ser_attrs *a, const char *key, const char *value);
void ser_attr_setf(struct ser_attrs *a, const char *key, const char *fmt, ...) SER_PRINTF(3, 4);
void ser_attrs_copy(struct ser_attrs *to, const struct ser_attrs *from);
void ser_attrs_clear(struct ser_attrs *a);

/* First key beginning with prefix whose value differs or is missing on one side, or NULL if none.
 */
const char *ser_attrs_differ(const struct ser_attrs *a, const struct ser_attrs *b,
                             const char *prefix);

/* ---- records ---- */

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

/* Streams are little-endian: on another host turns round the bytes of each element. */
void ser_swap_elements(void *data, size_t count, size_t size);

/* Makes r a record of this key, type and shape with room for its elements (zeros); attributes are
 * kept empty. For writers. Ends the process when the shape breaks the limits. */
void ser_record_set(struct ser_record *r, const char *key, enum ser_type type, int rank,
                    const uint64_t *dim);

/* "40x174", or "scalar"; returns text. */
#define SER_SHAPE_TEXT 200
const char *ser_shape_text(int rank, const uint64_t *dim, char text[SER_SHAPE_TEXT]);

/* Element i of any type, which a double holds exactly. */
double ser_value(const struct ser_record *r, size_t i);

/* Index of the first element that is infinite or not a number, count if there is none. */
size_t ser_not_finite(const struct ser_record *r);

/* ---- reading ---- */

struct ser_reader {
    struct ser_in in;
    struct ser_attrs header; /* of the stream the last record came from; "kind" is always there */
    uint64_t record;         /* number of the last record, from 1, over all concatenated streams */
    uint64_t streams;        /* begun so far, at least 1 after opening */
    const char *kind;        /* what the caller wants (borrowed); NULL: anything, also mixed */
    uint64_t in_stream;      /* records of the current stream */
    const struct ser_record *inside; /* what is being read, once its key is known */
    struct XXH3_state_s *hash;
    unsigned char *head; /* room for a block's head, owned */
    size_t head_cap;
};

/* Opens path (NULL, "-": standard input) and reads the first header. With kind, the stream must be
 * of that kind and all concatenated streams must agree in feat.*; NULL takes anything. Empty input
 * is SER_BAD. 0, or -1 with e set (nothing to close). */
int ser_reader_open(struct ser_reader *r, const char *path, const char *kind,
                    struct ser_error *e) SER_MUST_CHECK;

/* The same on an input that is already open; r takes it over, also on failure. */
int ser_reader_begin(struct ser_reader *r, const struct ser_in *in, const char *kind,
                     struct ser_error *e) SER_MUST_CHECK;

/* The next record: 1, at the end of the last stream 0, on any damage -1 with e set; there is no
 * going on after that. rec's memory is reused. Elements of f32 and f64 are finite, or the record is
 * refused. */
int ser_reader_next(struct ser_reader *r, struct ser_record *rec,
                    struct ser_error *e) SER_MUST_CHECK;
void ser_reader_close(struct ser_reader *r);

/* e about the reader's last record: "NAME: record 17 (KEY): message". Returns -1. */
int ser_reader_fail(const struct ser_reader *r, const struct ser_record *rec, struct ser_error *e,
                    const char *fmt, ...) SER_PRINTF(4, 5);

/* 1 if the bytes begin like a tensor stream. */
int ser_is_stream(const unsigned char *at, size_t n);

/* ---- writing ---- */

struct ser_writer {
    struct ser_out out;
    uint64_t records;
    struct XXH3_state_s *hash;
};

/* Opens path (NULL, "-": standard output; a terminal is refused) and writes the header; attrs must
 * hold "kind". All writing ends the process on failure. */
void ser_writer_open(struct ser_writer *w, const char *path, const struct ser_attrs *attrs);
void ser_writer_put(struct ser_writer *w, const struct ser_record *rec);
void ser_writer_close(struct ser_writer *w); /* writes the end record, makes the file appear */
void ser_writer_abandon(struct ser_writer *w);

#endif
