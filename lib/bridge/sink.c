#include "bridge/sink.h"

int ser_sink_open(struct ser_sink *s, const char *path, const struct ser_attrs *header,
                  const struct ser_table *table, struct ser_error *e) {
    *s = (struct ser_sink){.table = table};
    if (!table)
        return ser_writer_open(&s->writer, path, header, e);
    if (ser_out_open(&s->writer.out, path, 0, e))
        return -1;
    table->row(table->ctx, &s->writer.out, NULL);
    return 0;
}

int ser_sink_put(struct ser_sink *s, const struct ser_record *r, struct ser_error *e) {
    if (!s->table)
        return ser_writer_put(&s->writer, r, e);
    if (ser_attrs_check(&r->attrs, r->key, e)) /* which the writer does, too */
        return -1;
    s->table->row(s->table->ctx, &s->writer.out, r);
    return 0;
}

int ser_sink_flush(struct ser_sink *s, struct ser_error *e) {
    return ser_out_flush(&s->writer.out, e);
}

int ser_sink_close(struct ser_sink *s, struct ser_error *e) {
    return s->table ? ser_out_close(&s->writer.out, e) : ser_writer_close(&s->writer, e);
}

void ser_sink_abandon(struct ser_sink *s) {
    if (s->table)
        ser_out_abandon(&s->writer.out);
    else
        ser_writer_abandon(&s->writer);
}
