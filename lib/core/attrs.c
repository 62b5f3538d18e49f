#include "core/attrs.h"

#include "core/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_key(const char *s) {
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

int ser_is_attr(const char *key, const char *value) {
    return is_key(key) && ser_is_text(value, strlen(value));
}

/* Index of key, or where it belongs: -1 - index. */
static int find(const struct ser_attrs *a, const char *key) {
    int lo = 0, hi = a->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2, c = strcmp(a->at[mid].key, key);
        if (c == 0)
            return mid;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1 - lo;
}

const char *ser_attr(const struct ser_attrs *a, const char *key) {
    int i = find(a, key);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it does not see that i is below n */
    return i < 0 ? NULL : a->at[i].value;
}

/* Takes over key and value, which are NULL without memory. */
static void insert(struct ser_attrs *a, int at, char *key, char *value) {
    if (!key || !value || ser_grow(&a->at, &a->cap, (size_t)a->n + 1, sizeof *a->at)) {
        free(key);
        free(value);
        a->failed = SER_SYS;
        return;
    }
    memmove(a->at + at + 1, a->at + at, (size_t)(a->n - at) * sizeof *a->at);
    a->at[at] = (struct ser_attr){key, value};
    a->n++;
}

void ser_attr_set(struct ser_attrs *a, const char *key, const char *value) {
    int i = find(a, key);
    char *copy = value ? strdup(value) : NULL;
    if (!ser_is_attr(key, value ? value : "") || (i < 0 && value && a->n == SER_MAX_ATTRS)) {
        a->failed = SER_BAD;
        free(copy);
    } else if (value && !copy) {
        a->failed = SER_SYS;
    } else if (i < 0 && value) {
        insert(a, -1 - i, strdup(key), copy);
    } else if (i >= 0) {
        free(a->at[i].value);
        a->at[i].value = copy;
        if (value)
            return;
        free(a->at[i].key);
        memmove(a->at + i, a->at + i + 1, (size_t)(--a->n - i) * sizeof *a->at);
    }
}

void ser_attr_setf(struct ser_attrs *a, const char *key, const char *fmt, ...) {
    char *value;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&value, fmt, args);
    va_end(args);
    if (n < 0) {
        a->failed = SER_SYS;
        return;
    }
    ser_attr_set(a, key, value);
    free(value);
}

void ser_attrs_clear(struct ser_attrs *a) {
    for (int i = 0; i < a->n; i++) {
        free(a->at[i].key);
        free(a->at[i].value);
    }
    free(a->at);
    *a = (struct ser_attrs){0};
}

void ser_attrs_copy(struct ser_attrs *to, const struct ser_attrs *from) {
    ser_attrs_clear(to);
    for (int i = 0; i < from->n && !to->failed; i++)
        insert(to, i, strdup(from->at[i].key), strdup(from->at[i].value));
    if (from->failed)
        to->failed = from->failed;
}

int ser_attrs_check(const struct ser_attrs *a, const char *what, struct ser_error *e) {
    if (a->failed == SER_SYS)
        return ser_no_memory(e);
    if (a->failed)
        return ser_fail(e, SER_BAD,
                        "%s: an attribute is not of [a-z0-9._-], holds control characters or bad "
                        "UTF-8, or is one more than %d",
                        what, SER_MAX_ATTRS);
    if (ser_attrs_length(a) > SER_MAX_ATTRS_BYTES)
        return ser_fail(e, SER_BAD, "%s: attributes over %d bytes", what, SER_MAX_ATTRS_BYTES);
    return 0;
}

const char *ser_attrs_differ(const struct ser_attrs *a, const struct ser_attrs *b,
                             const char *prefix) {
    size_t n = strlen(prefix);
    int i = 0, j = 0;
    for (;;) { /* both are sorted: walk them side by side */
        while (i < a->n && strncmp(a->at[i].key, prefix, n) != 0)
            i++;
        while (j < b->n && strncmp(b->at[j].key, prefix, n) != 0)
            j++;
        if (i == a->n || j == b->n)
            return i < a->n ? a->at[i].key : j < b->n ? b->at[j].key : NULL;
        int c = strcmp(a->at[i].key, b->at[j].key);
        if (c)
            return c < 0 ? a->at[i].key : b->at[j].key;
        if (strcmp(a->at[i].value, b->at[j].value) != 0)
            return a->at[i].key;
        i++;
        j++;
    }
}

const char *ser_attrs_parse(struct ser_attrs *a, char *text, size_t len) {
    ser_attrs_clear(a);
    for (char *end = text + len; text < end;) {
        char *stop = memchr(text, '\n', (size_t)(end - text));
        if (!stop)
            return "an attribute line has no end";
        char *equals = memchr(text, '=', (size_t)(stop - text));
        if (!equals)
            return "an attribute line has no '='";
        if (!ser_is_text(text, (size_t)(stop - text)))
            return "an attribute holds control characters or bad UTF-8";
        *equals = *stop = '\0';
        if (!is_key(text))
            return "an attribute's name is not of [a-z0-9._-]";
        if (a->n && strcmp(a->at[a->n - 1].key, text) >= 0)
            return "attributes are not sorted, or one comes twice";
        if (a->n == SER_MAX_ATTRS)
            return "too many attributes";
        insert(a, a->n, strdup(text), strdup(equals + 1));
        if (a->failed)
            return "out of memory";
        text = stop + 1;
    }
    return NULL;
}

size_t ser_attrs_length(const struct ser_attrs *a) {
    size_t n = 0;
    for (int i = 0; i < a->n; i++)
        n += strlen(a->at[i].key) + strlen(a->at[i].value) + 2;
    return n;
}

char *ser_attrs_put(char *p, const struct ser_attrs *a) {
    for (int i = 0; i < a->n; i++)
        p += sprintf(p, "%s=%s\n", a->at[i].key, a->at[i].value);
    return p;
}
