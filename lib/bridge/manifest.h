/* manifest.h - reads a manifest: a table with one recording per row and the columns id and path.
 * Some other columns become attributes of the records that are made of a recording.
 */
#ifndef SER_MANIFEST_H
#define SER_MANIFEST_H

#include "core/attrs.h"
#include "core/set.h"
#include "core/tsv.h"

struct ser_manifest {
    struct ser_tsv table;
    int id, path;       /* indices of these columns */
    struct ser_set ids; /* of all rows so far */
};

/* Opens a manifest (NULL, "-": standard input). A table without id or path is SER_BAD. 0, or -1
 * with e set (nothing to close). */
int ser_manifest_open(struct ser_manifest *m, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Reads the next row. 1; 0 at the end; -1 with e set. *id and *path are NULL before, and the caller
 * frees what is in them after any result. The columns emotion, speaker, corpus, sex, part, split
 * and generated are added to attrs, except values that are empty or "-". SER_BAD: a damaged row, or an id that is
 * empty, not UTF-8 text, too long for a key, or comes twice. */
int ser_manifest_next(struct ser_manifest *m, char **id, char **path, struct ser_attrs *attrs,
                      struct ser_error *e) SER_MUST_CHECK;

/* Puts "MANIFEST: row 17 (ID): " in front of the text of e, which is about the row's recording. */
void ser_manifest_name_row(const struct ser_manifest *m, uint64_t row, const char *id,
                           struct ser_error *e);

/* Closes the table and frees. */
void ser_manifest_close(struct ser_manifest *m);

#endif
