/* set.h - a set of texts, to notice what comes twice. */
#ifndef SER_SET_H
#define SER_SET_H

#include <stddef.h>

struct ser_set { /* zeros: the empty set */
    char **at;   /* [cap] hashed, NULL where free; owned */
    size_t n, cap;
};

/* 1 if text was new and is now in the set, 0 if it was there, -1 without memory. */
int ser_set_add(struct ser_set *s, const char *text);
int ser_set_has(const struct ser_set *s, const char *text);

/* The set's own copy of text, which lasts as long as the set; NULL if it is not there. */
const char *ser_set_get(const struct ser_set *s, const char *text);

/* The texts in byte order, as an array of n pointers that the caller frees; the texts stay the
 * set's. NULL without memory. */
char **ser_set_sorted(const struct ser_set *s);
void ser_set_free(struct ser_set *s);

#endif
