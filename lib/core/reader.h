/* reader.h - reads the tensor stream: audio, features, models and checkpoints are all this.
 *
 * The format's law is ser-tensor(5). A reader holds one record at a time and trusts nothing: sizes
 * are capped before memory is taken, memory grows with the bytes that really arrive, every block's
 * checksum is compared, the end record must be there. Streams may be concatenated.
 */
#ifndef SER_READER_H
#define SER_READER_H

#include "core/in.h"
#include "core/record.h"

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

#endif
