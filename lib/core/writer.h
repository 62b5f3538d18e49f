/* writer.h - writes tensor streams, whose format ser-tensor(5) defines. */
#ifndef SER_WRITER_H
#define SER_WRITER_H

#include "core/out.h"
#include "core/record.h"

struct ser_writer {
    struct ser_out out;
    uint64_t records;          /* written so far */
    struct XXH3_state_s *hash; /* of the current block; owned */
};

/* Opens path (NULL, "-": standard output; a terminal is refused) and writes the header with the
 * attributes attrs, which must hold "kind". 0, or -1 with e set (nothing to close). */
int ser_writer_open(struct ser_writer *w, const char *path, const struct ser_attrs *attrs,
                    struct ser_error *e) SER_MUST_CHECK;

/* Writes a record, whose elements must be finite. 0, or -1 with e set: then the stream cannot be
 * finished, and the caller must abandon it. */
int ser_writer_put(struct ser_writer *w, const struct ser_record *rec,
                   struct ser_error *e) SER_MUST_CHECK;

/* Writes the end record and closes; the file then appears. 0, or -1 with e set; there is nothing to
 * close or abandon in either case. */
int ser_writer_close(struct ser_writer *w, struct ser_error *e) SER_MUST_CHECK;

/* Gives the stream up: no file appears. */
void ser_writer_abandon(struct ser_writer *w);

#endif
