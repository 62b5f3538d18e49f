/* writer.h - writes the tensor stream whose law is ser-tensor(5). */
#ifndef SER_WRITER_H
#define SER_WRITER_H

#include "core/out.h"
#include "core/record.h"

struct ser_writer {
    struct ser_out out;
    uint64_t records;
    struct XXH3_state_s *hash;
};

/* Opens path (NULL, "-": standard output; a terminal is refused) and writes the header; attrs must
 * hold "kind". 0, or -1 with e set (nothing to close). */
int ser_writer_open(struct ser_writer *w, const char *path, const struct ser_attrs *attrs,
                    struct ser_error *e) SER_MUST_CHECK;

/* Writes a record, whose elements must be finite. 0, or -1 with e set: the stream cannot be
 * finished, and is to be abandoned. */
int ser_writer_put(struct ser_writer *w, const struct ser_record *rec,
                   struct ser_error *e) SER_MUST_CHECK;

/* Writes the end record and makes the file appear. 0, or -1 with e set. Nothing is left to close. */
int ser_writer_close(struct ser_writer *w, struct ser_error *e) SER_MUST_CHECK;

/* Drops the stream: no file appears. */
void ser_writer_abandon(struct ser_writer *w);

#endif
