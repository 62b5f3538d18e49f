/* reader.h - reads tensor streams, in which audio, features, models and checkpoints are kept.
 *
 * The format is defined in ser-tensor(5). A reader holds one record at a time and trusts nothing:
 * sizes are checked before memory is taken, memory grows only with the bytes that really arrive,
 * the checksum of every block is compared, and the end record must be there. Streams may be
 * concatenated.
 */
#ifndef SER_READER_H
#define SER_READER_H

#include "core/in.h"
#include "core/record.h"

struct ser_reader {
    struct ser_in in;
    struct ser_attrs header; /* of the current stream, that of the last record; holds "kind" */
    uint64_t record;         /* number of the last record, from 1, over all concatenated streams */
    uint64_t streams;        /* streams begun so far, at least 1 after opening */
    const char *kind;        /* the only kind to accept; NULL: any, also mixed; borrowed */
    uint64_t in_stream;      /* records read of the current stream */
    const struct ser_record *inside; /* the record being read, once its key is known; else NULL */
    struct XXH3_state_s *hash;       /* of the current block; owned */
    unsigned char *head;             /* [head_cap] the head of the current block; owned */
    size_t head_cap;
};

/* Opens path (NULL, "-": standard input) and reads the first header. If kind is not NULL, every
 * stream must be of that kind and all concatenated streams must have the same feat.*. Empty input
 * is SER_BAD. 0, or -1 with e set (nothing to close). */
int ser_reader_open(struct ser_reader *r, const char *path, const char *kind,
                    struct ser_error *e) SER_MUST_CHECK;

/* The same for an input that is already open, which then belongs to r, also on failure. */
int ser_reader_begin(struct ser_reader *r, const struct ser_in *in, const char *kind,
                     struct ser_error *e) SER_MUST_CHECK;

/* Reads the next record into rec, whose memory is reused: all zeros the first time, freed by the
 * caller with ser_record_free. 1; 0 at the end of the last stream; -1 with e set for any damage,
 * after which nothing more can be read. Elements of f32 and f64 that are not finite count as
 * damage. */
int ser_reader_next(struct ser_reader *r, struct ser_record *rec,
                    struct ser_error *e) SER_MUST_CHECK;

/* Closes the input and frees. */
void ser_reader_close(struct ser_reader *r);

/* Sets e to "NAME: record 17 (KEY): message", about the last record read. Returns -1. */
int ser_reader_fail(const struct ser_reader *r, const struct ser_record *rec, struct ser_error *e,
                    const char *fmt, ...) SER_PRINTF(4, 5);

/* Opens in on a stream that can be read again later: path itself, or, where path cannot seek, an unlinked copy in
 * TMPDIR. *fd is a second descriptor of that file, which the caller closes; both have one place in it. 0, or -1 with
 * e set (nothing to close). */
int ser_open_again(struct ser_in *in, const char *path, int *fd,
                   struct ser_error *e) SER_MUST_CHECK;

/* 1 if the n bytes at at begin like a tensor stream. */
int ser_is_stream(const unsigned char *at, size_t n);

#endif
