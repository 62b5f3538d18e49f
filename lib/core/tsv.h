/* tsv.h - tables as text: a header line with the names of the columns, then one row per line,
 * fields separated by tabs. There is no quoting: a field holds no tab and no newline. A carriage
 * return at the end of a line, a byte order mark at the beginning and an empty last line are
 * dropped.
 */
#ifndef SER_TSV_H
#define SER_TSV_H

#include "core/in.h"

#define SER_MAX_LINE    (1 << 20) /* bytes */
#define SER_MAX_COLUMNS 1024

struct ser_tsv {
    struct ser_in in;
    int columns;
    char **name;  /* [columns] names of the columns */
    char **field; /* [columns] fields of the last row, which last until the next row is read */
    uint64_t row; /* number of the last row, from 1, the header not counted */
    char *line, *header; /* the texts that field and name point into; owned */
    size_t cap;          /* of line */
};

/* Opens path (NULL, "-": standard input) and reads the header. 0, or -1 with e set (nothing to
 * close). SER_BAD: empty input, an empty or repeated name of a column, UTF-16, and lines that end
 * with only a carriage return. */
int ser_tsv_open(struct ser_tsv *t, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* The same for a copy of the len bytes at mem; name is for messages. */
int ser_tsv_memory(struct ser_tsv *t, const void *mem, size_t len, const char *name,
                   struct ser_error *e) SER_MUST_CHECK;

/* Reads the next row into field, as soon as it is there. 1; 0 at the end; -1 with e set. SER_BAD: a
 * row with another number of fields than the header, with a NUL byte, or longer than
 * SER_MAX_LINE. */
int ser_tsv_next(struct ser_tsv *t, struct ser_error *e) SER_MUST_CHECK;

/* The last row's fields [columns], copied into one block of memory, for free(). NULL without memory. */
char **ser_tsv_copy(const struct ser_tsv *t);

/* Closes the input and frees. */
void ser_tsv_close(struct ser_tsv *t);

/* Index of the column with this name, or -1 if there is none. */
int ser_tsv_column(const struct ser_tsv *t, const char *name);

/* The same for a column that must be there: -1 with e set, which lists the columns of the table. */
int ser_tsv_need(const struct ser_tsv *t, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* Sets e to "FILE: row 17 (ID): message", about the last row; ID is its first field. Returns -1. */
int ser_tsv_fail(const struct ser_tsv *t, struct ser_error *e, const char *fmt, ...)
    SER_PRINTF(3, 4);

#endif
