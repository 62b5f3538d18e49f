/* csv.h - tables as other programs write them: a record a line, fields between separators. A field
 * may stand in quotes, and then hold separators, line ends and doubled quotes (RFC 4180). Lines end
 * with LF, CRLF or CR; a byte order mark is dropped, and UTF-16 that has one becomes UTF-8. Records
 * whose fields are all blank, as at the end of many files, are skipped. The whole table is in memory.
 */
#ifndef SER_CSV_H
#define SER_CSV_H

#include <stddef.h>

#include "core/core.h"

#define SER_MAX_CSV        (1 << 28) /* bytes */
#define SER_MAX_CSV_FIELDS 65536     /* of a record: ComParE alone has 6373 features */

struct ser_csv {
    const char *name; /* of the file, for messages; borrowed */
    char separator;
    char **field; /* [fields] of the last record: the array until the next, the texts until close */
    size_t fields;
    uint64_t line; /* in which the last record begins, from 1 */
    /* Private to csv.c. */
    char *text, *at; /* owned; the next record */
    uint64_t next_line;
    size_t cap; /* of field */
    int quotes; /* 1: fields may stand in quotes */
};

/* Reads the table at path (NULL, "-": standard input). separator is a character; quotes count with ,
 * and ; only. 0: the one of tab, ; and , that the first line has most of, and quotes count. 0, or -1
 * with e set (nothing to close). SER_BAD: more than SER_MAX_CSV bytes, UTF-16 without a mark or with
 * half a character, a NUL byte. */
int ser_csv_open(struct ser_csv *c, const char *path, char separator,
                 struct ser_error *e) SER_MUST_CHECK;

/* The same for a copy of the len bytes at mem; name is for messages. */
int ser_csv_memory(struct ser_csv *c, const void *mem, size_t len, const char *name, char separator,
                   struct ser_error *e) SER_MUST_CHECK;

/* Reads the next record, of which the first is the header, into field: 1; 0 at the end; -1 with e
 * set. SER_BAD: a quote that is never closed, more than SER_MAX_CSV_FIELDS fields. */
int ser_csv_next(struct ser_csv *c, struct ser_error *e) SER_MUST_CHECK;

void ser_csv_close(struct ser_csv *c);

#endif
