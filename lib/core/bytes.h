/* bytes.h - numbers as bytes, and arrays that grow. */
#ifndef SER_BYTES_H
#define SER_BYTES_H

#include "core/core.h"

/* Little-endian numbers of 32 and 64 bits, at any address. */
static inline uint32_t ser_get32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ser_get64(const unsigned char *p) {
    return ser_get32(p) | (uint64_t)ser_get32(p + 4) << 32;
}

/* Writes the n low bytes of v, and returns where the next ones go. */
static inline unsigned char *ser_put(unsigned char *p, int n, uint64_t v) {
    for (; n; n--, v >>= 8)
        *p++ = (unsigned char)v;
    return p;
}

/* ser_reverse reverses the order of the bytes in each of count elements of size bytes. Streams are
 * little-endian: ser_swap_elements does the same on a big-endian host, and nothing on others. */
void ser_swap_elements(void *data, size_t count, size_t size);
void ser_reverse(void *data, size_t count, size_t size);

/* Makes room for at least n elements of size bytes in an array that has room for *cap. array is the
 * address of the caller's pointer, which is NULL or from malloc. The room is doubled, so that
 * adding elements one by one takes linear time. 0; or -1 without memory, and the array is as it
 * was. */
int ser_grow(void *array, size_t *cap, size_t n, size_t size) SER_MUST_CHECK;

/* Formats like vsnprintf(3): *text is small, or memory that the caller frees where the result does
 * not fit into small. Its length; negative without memory, and there is nothing to free. */
enum { SER_SMALL = 512 };
int ser_vformat(char small[SER_SMALL], char **text, const char *fmt, va_list args) SER_MUST_CHECK;

/* A text, or an array of bytes, that grows. All zeros is an empty text. Without memory failed is
 * set and nothing more is added, so a caller may check failed once, at the end. */
struct ser_text {
    char *at; /* [n] and a zero byte behind; NULL while empty; owned */
    size_t n, cap;
    int failed;
};

void ser_text_add(struct ser_text *t, const void *bytes, size_t n);
void ser_text_printf(struct ser_text *t, const char *fmt, ...) SER_PRINTF(2, 3);
void ser_text_free(struct ser_text *t);

#endif
