/* map.h - a file as memory: nothing is copied, pages are read when they are looked at, and processes
 * share them.
 *
 * The file must stay as it is: whoever looks behind the end of one that became shorter gets the
 * signal SIGBUS from the system.
 */
#ifndef SER_MAP_H
#define SER_MAP_H

#include "core/core.h"

struct ser_map {             /* zeros: none */
    const unsigned char *at; /* [len]; NULL for an empty file */
    size_t len;
};

/* Maps the regular file at path. 0, or -1 with e set (SER_SYS: it cannot be opened or mapped;
 * SER_BAD: it is not a regular file). */
int ser_map_open(struct ser_map *m, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Gives the pages that were read back to the system; what is looked at later is read again. */
void ser_map_forget(const struct ser_map *m);

void ser_map_close(struct ser_map *m);

#endif
