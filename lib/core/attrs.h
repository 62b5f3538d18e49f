/* attrs.h - attributes: the key=value pairs that headers and records of streams carry, sorted by
 * key. */
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
    int failed; /* 0, or why a change was left out: SER_SYS without memory, SER_BAD if illegal */
};

/* 1 if key and value can be an attribute, else 0. */
int ser_is_attr(const char *key, const char *value);

/* The value, or NULL. It lasts until the attributes change. */
const char *ser_attr(const struct ser_attrs *a, const char *key);

/* Sets a value, which is copied; NULL removes the key. Without memory, for an illegal key or value,
 * and beyond SER_MAX_ATTRS, the change is left out and failed is set. Copies keep failed, and
 * whoever writes the attributes reports it, so a caller may set many values and check once, at the
 * end. */
void ser_attr_set(struct ser_attrs *a, const char *key, const char *value);
void ser_attr_setf(struct ser_attrs *a, const char *key, const char *fmt, ...) SER_PRINTF(3, 4);

/* Makes to equal to from, by copying. clear frees the attributes and leaves none. */
void ser_attrs_copy(struct ser_attrs *to, const struct ser_attrs *from);
void ser_attrs_clear(struct ser_attrs *a);

/* 0, or -1 with e set: a change was left out (failed), or the lines together are longer than
 * SER_MAX_ATTRS_BYTES. what is the name in the message. */
int ser_attrs_check(const struct ser_attrs *a, const char *what,
                    struct ser_error *e) SER_MUST_CHECK;

/* The first key with this prefix whose value differs or is missing on one side; NULL if there is
 * none. */
const char *ser_attrs_differ(const struct ser_attrs *a, const struct ser_attrs *b,
                             const char *prefix);

/* ---- as they stand in a stream: sorted lines key=value ---- */

size_t ser_attrs_length(const struct ser_attrs *a); /* in bytes */

/* Writes the lines and a zero byte to p; returns the address of the zero byte. */
char *ser_attrs_put(char *p, const struct ser_attrs *a);

/* Reads the len bytes at text, which it changes, into a. Returns NULL, or what is wrong with them;
 * if memory ran out, a->failed is SER_SYS. */
const char *ser_attrs_parse(struct ser_attrs *a, char *text, size_t len);

#endif
