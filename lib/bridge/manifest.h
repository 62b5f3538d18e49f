/* manifest.h - the rows of a manifest, one recording each: a table with the columns id and path,
 * and others that travel along as attributes of what is made of a recording.
 */
#ifndef SER_MANIFEST_H
#define SER_MANIFEST_H

#include "core/attrs.h"
#include "core/set.h"
#include "core/tsv.h"

struct ser_manifest {
    struct ser_tsv table;
    int id, path; /* their columns */
    struct ser_set ids;
};

/* Opens a manifest (NULL, "-": standard input). A table without id or path is SER_BAD. 0, or -1
 * with e set (nothing to close). */
int ser_manifest_open(struct ser_manifest *m, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* The next row: 1; 0 at the end; -1 with e set. The id and the path are the caller's to free; into
 * attrs go the columns emotion, speaker, corpus, sex, part and split, but for empty ones and "-".
 * SER_BAD: a damaged row, an id that is empty, no text, too long for a key, or comes twice. */
int ser_manifest_next(struct ser_manifest *m, char **id, char **path, struct ser_attrs *attrs,
                      struct ser_error *e) SER_MUST_CHECK;

/* Puts the row, by its number and id, in front of what e says about its recording. */
void ser_manifest_name_row(const struct ser_manifest *m, uint64_t row, const char *id,
                           struct ser_error *e);

void ser_manifest_close(struct ser_manifest *m);

#endif
