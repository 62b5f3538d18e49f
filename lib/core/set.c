#include "core/set.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Where text is, or the free place where it belongs. */
static size_t place(char *const *at, size_t cap, const char *text) {
    size_t i = XXH3_64bits(text, strlen(text)) & (cap - 1);
    while (at[i] && strcmp(at[i], text) != 0)
        i = (i + 1) & (cap - 1);
    return i;
}

static int grow(struct ser_set *s) {
    size_t cap = s->cap ? 2 * s->cap : 64; /* a power of two */
    char **at = calloc(cap, sizeof *at);
    if (!at)
        return -1;
    for (size_t i = 0; i < s->cap; i++)
        if (s->at[i])
            at[place(at, cap, s->at[i])] = s->at[i];
    free(s->at);
    s->at = at;
    s->cap = cap;
    return 0;
}

const char *ser_set_get(const struct ser_set *s, const char *text) {
    return s->n ? s->at[place(s->at, s->cap, text)] : NULL;
}

int ser_set_has(const struct ser_set *s, const char *text) {
    return ser_set_get(s, text) != NULL;
}

int ser_set_add(struct ser_set *s, const char *text) {
    if (2 * s->n >= s->cap && grow(s))
        return -1;
    size_t i = place(s->at, s->cap, text);
    if (s->at[i])
        return 0;
    s->at[i] = strdup(text);
    s->n += s->at[i] != NULL;
    return s->at[i] ? 1 : -1;
}

const char *ser_set_keep(struct ser_set *s, const char *text) {
    return ser_set_add(s, text) < 0 ? NULL : ser_set_get(s, text);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **ser_set_sorted(const struct ser_set *s) {
    char **list = calloc(s->n ? s->n : 1, sizeof *list);
    for (size_t i = 0, n = 0; list && i < s->cap; i++)
        if (s->at[i])
            list[n++] = s->at[i];
    if (list)
        qsort(list, s->n, sizeof *list, by_bytes);
    return list;
}

size_t ser_sorted_place(char *const *list, size_t n, const char *text) {
    char *const *at = n ? bsearch(&text, list, n, sizeof *list, by_bytes) : NULL;
    return at ? (size_t)(at - list) : n;
}

void ser_set_free(struct ser_set *s) {
    for (size_t i = 0; i < s->cap; i++)
        free(s->at[i]);
    free(s->at);
    *s = (struct ser_set){0};
}
