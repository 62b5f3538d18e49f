#include "core/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ser_reverse(void *data, size_t count, size_t size) {
    unsigned char *p = data;
    for (size_t i = 0; i < count; i++, p += size)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
}

void ser_swap_elements(void *data, size_t count, size_t size) {
    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        ser_reverse(data, count, size);
}

int ser_grow(void *array, size_t *cap, size_t n, size_t size) {
    size_t more = *cap ? *cap : 16, bytes;
    void *old, *p;
    if (n <= *cap)
        return 0;
    while (more < n)
        more = more > SIZE_MAX / 2 ? n : 2 * more;
    memcpy(&old, array, sizeof old); /* of whatever type its elements are */
    if (__builtin_mul_overflow(more, size, &bytes) || !(p = realloc(old, bytes)))
        return -1;
    memcpy(array, &p, sizeof p);
    *cap = more;
    return 0;
}

void ser_text_add(struct ser_text *t, const void *bytes, size_t n) {
    if (t->failed || n >= SIZE_MAX - t->n || ser_grow(&t->at, &t->cap, t->n + n + 1, 1)) {
        t->failed = 1;
        return;
    }
    if (n)
        memcpy(t->at + t->n, bytes, n);
    t->n += n;
    t->at[t->n] = '\0';
}

int ser_vformat(char small[SER_SMALL], char **text, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, SER_SMALL, fmt, args);
    *text = small;
    if (n >= SER_SMALL)
        n = vasprintf(text, fmt, again);
    va_end(again);
    return n;
}

void ser_text_printf(struct ser_text *t, const char *fmt, ...) {
    char small[SER_SMALL], *text;
    va_list args;
    va_start(args, fmt);
    int n = ser_vformat(small, &text, fmt, args);
    va_end(args);
    if (n < 0) {
        t->failed = 1;
        return;
    }
    ser_text_add(t, text, (size_t)n);
    if (text != small)
        free(text);
}

void ser_text_free(struct ser_text *t) {
    free(t->at);
    *t = (struct ser_text){0};
}
