/* sink.h - where records go as they are made: into a stream, or each as a row of a table. */
#ifndef SER_SINK_H
#define SER_SINK_H

#include "core/writer.h"

struct ser_table {
    /* Writes the row of a record; r is NULL: the line of names in front. */
    void (*row)(void *ctx, struct ser_out *out, const struct ser_record *r);
    void *ctx;
};

struct ser_sink {
    const struct ser_table *table; /* NULL: a stream */
    struct ser_writer writer;      /* without a table; else only its output is used */
};

/* Opens path as ser_writer_open does, for a stream with this header, or for a table, which is borrowed. 0, or -1
 * with e set (nothing to close). */
int ser_sink_open(struct ser_sink *s, const char *path, const struct ser_attrs *header,
                  const struct ser_table *table, struct ser_error *e) SER_MUST_CHECK;

/* As the functions of ser_writer; flush lets the next program in a pipe see what there is. */
int ser_sink_put(struct ser_sink *s, const struct ser_record *r,
                 struct ser_error *e) SER_MUST_CHECK;
int ser_sink_flush(struct ser_sink *s, struct ser_error *e) SER_MUST_CHECK;
int ser_sink_close(struct ser_sink *s, struct ser_error *e) SER_MUST_CHECK;
void ser_sink_abandon(struct ser_sink *s);

#endif
