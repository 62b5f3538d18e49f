/* roster.h - a whole manifest in memory, to find the recording that a name from another program
 * means: an id, a path, or the name of a file. */
#ifndef SER_ROSTER_H
#define SER_ROSTER_H

#include "core/attrs.h"

struct ser_roster_row {
    char *id, *path;
    struct ser_attrs attrs; /* emotion, speaker and so on, as ser_manifest_next gives them */
    int taken;              /* for the caller */
};

struct ser_roster { /* all zeros: none */
    size_t n, cap;
    struct ser_roster_row *row;               /* [n] in the order of the manifest */
    struct ser_roster_row **by_id, **by_stem; /* [n] the same in the order of these names */
};

/* Reads a manifest (NULL, "-": standard input). 0, or -1 with e set (nothing to free). */
int ser_roster_load(struct ser_roster *r, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Finds the recording that name means: the row with this id, or with the id that is the name of the
 * file without folder and extension; else the row with a path of that file name, and, if there are
 * several, the one that has most folders in common from the end. The extension may be missing or
 * another one. 1 with *row; 0 if there is none; -1 if several fit equally. */
int ser_roster_find(const struct ser_roster *r, const char *name, struct ser_roster_row **row);

/* The row with this id, or NULL. */
struct ser_roster_row *ser_roster_find_id(const struct ser_roster *r, const char *id);

void ser_roster_free(struct ser_roster *r);

#endif
