/* set.h - a set of texts, for example to notice an id that comes twice. */
#ifndef SER_SET_H
#define SER_SET_H

#include <stddef.h>

struct ser_set { /* all zeros: the empty set */
    char **at;   /* [cap] hash table of the texts, NULL where free; owned */
    size_t n;    /* texts in the set */
    size_t cap;
};

/* 1 if text was new and is now in the set, 0 if it was there, -1 without memory. */
int ser_set_add(struct ser_set *s, const char *text);

/* 1 if text is in the set, else 0. */
int ser_set_has(const struct ser_set *s, const char *text);

/* The set's own copy of text, which lasts as long as the set; NULL if text is not in the set. */
const char *ser_set_get(const struct ser_set *s, const char *text);

/* The same of a text that is added if it was not there; NULL without memory. */
const char *ser_set_keep(struct ser_set *s, const char *text);

/* The texts in byte order: an array of n pointers, which the caller frees; the texts themselves
 * belong to the set. NULL without memory. */
char **ser_set_sorted(const struct ser_set *s);

/* Where a text is in such an array of n; n: nowhere. */
size_t ser_sorted_place(char *const *list, size_t n, const char *text);

void ser_set_free(struct ser_set *s);

#endif
