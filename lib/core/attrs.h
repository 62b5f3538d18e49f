/* attrs.h - attributes: sorted key=value lines, as headers and records of streams have them. */
#ifndef SER_ATTRS_H
#define SER_ATTRS_H

#include "core/core.h"

#define SER_MAX_ATTRS_BYTES 65536
#define SER_MAX_ATTRS       1024

struct ser_attr {
    char *key, *value;
};

/* Keys are [a-z0-9._-]+, values UTF-8 without control characters; sorted by key, no key twice. */
struct ser_attrs { /* zeros: none */
    int n;
    size_t cap;
    struct ser_attr *at; /* owned, with its texts */
    int failed; /* why a change was left out: SER_SYS, no memory; SER_BAD, it was illegal */
};

/* 1 if key and value can be an attribute, else 0. */
int ser_is_attr(const char *key, const char *value);

/* The value, or NULL. It lasts until the attributes change. */
const char *ser_attr(const struct ser_attrs *a, const char *key);

/* Sets a value (copied); NULL removes the key. When there is no memory, the key or the value is not
 * legal, or there are too many, the change is left out and remembered in failed, which a copy takes
 * along and whoever writes the attributes reports: so many can be set, and looked at once. */
void ser_attr_set(struct ser_attrs *a, const char *key, const char *value);
void ser_attr_setf(struct ser_attrs *a, const char *key, const char *fmt, ...) SER_PRINTF(3, 4);
void ser_attrs_copy(struct ser_attrs *to, const struct ser_attrs *from);
void ser_attrs_clear(struct ser_attrs *a);

/* 0; or -1 with e set if a change was left out, or all together are over SER_MAX_ATTRS_BYTES. what
 * is for the message. */
int ser_attrs_check(const struct ser_attrs *a, const char *what,
                    struct ser_error *e) SER_MUST_CHECK;

/* First key beginning with prefix whose value differs or is missing on one side, or NULL if none.
 */
const char *ser_attrs_differ(const struct ser_attrs *a, const struct ser_attrs *b,
                             const char *prefix);

/* ---- as they stand in a stream: sorted lines key=value ---- */

size_t ser_attrs_length(const struct ser_attrs *a);      /* bytes */
char *ser_attrs_put(char *p, const struct ser_attrs *a); /* and a zero; returns where it is */

/* Reads the len bytes at text, which are changed, into a. NULL, or what is wrong with them; when
 * memory ended, a->failed says so. */
const char *ser_attrs_parse(struct ser_attrs *a, char *text, size_t len);

#endif
