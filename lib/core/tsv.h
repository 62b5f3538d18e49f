/* tsv.h - tables as text: a header line with the columns' names, then one row a line, fields
 * separated by tabs. No quoting: fields hold no tab and no newline. A carriage return at the end of
 * a line, a byte order mark at the beginning and an empty last line are dropped.
 */
#ifndef SER_TSV_H
#define SER_TSV_H

#include "core/in.h"

#define SER_MAX_LINE    (1 << 20) /* bytes */
#define SER_MAX_COLUMNS 1024

struct ser_tsv {
    struct ser_in in;
    int columns;
    char **name;  /* [columns] of the header */
    char **field; /* [columns] of the last row; they last until the next */
    uint64_t row; /* of data, from 1 */
    char *line, *header;
    size_t cap;
};

/* Opens path (NULL, "-": standard input) and reads the header. Empty input, an empty or repeated
 * column name, UTF-16 and lines that end with a carriage return alone are SER_BAD. 0, or -1 with e set (nothing to close). */
int ser_tsv_open(struct ser_tsv *t, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* The same from a copy of the len bytes at mem. */
int ser_tsv_memory(struct ser_tsv *t, const void *mem, size_t len, const char *name,
                   struct ser_error *e) SER_MUST_CHECK;

/* The next row: 1; 0 at the end; -1 with e set: another number of fields than the header, a NUL
 * byte, a line over SER_MAX_LINE. */
int ser_tsv_next(struct ser_tsv *t, struct ser_error *e) SER_MUST_CHECK;
void ser_tsv_close(struct ser_tsv *t);

/* Number of the column, or -1 if there is none. */
int ser_tsv_column(const struct ser_tsv *t, const char *name);

/* The same where the column must be there: -1 with e set, which lists the columns there are. */
int ser_tsv_need(const struct ser_tsv *t, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* e about the last row: "FILE: row 17 (ID): message", ID the first field. Returns -1. */
int ser_tsv_fail(const struct ser_tsv *t, struct ser_error *e, const char *fmt, ...)
    SER_PRINTF(3, 4);

#endif
