/* stream.h - the numbers of the tensor stream's layout, which is drawn in ser-tensor(5): for
 * reader.c and writer.c alone. */
#ifndef SER_STREAM_H
#define SER_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    SER_STREAM_BLOCK = 64, /* blocks and payloads begin at multiples of it */
    SER_STREAM_FIXED = 24, /* bytes of every block that come before its texts */
    SER_STREAM_HASH = 8,   /* closes every block */
    SER_STREAM_VERSION = 1,
};

static const unsigned char ser_stream_magic[8] = {0x89, 'S', 'E', 'R', '\r', '\n', 0x1a, '\n'};

/* Zero bytes that bring n to the next multiple of the block. */
static inline size_t ser_stream_padding(uint64_t n) {
    return (size_t)(-n % SER_STREAM_BLOCK);
}

/* Zero bytes before the hash that ends a block of n bytes so far. */
static inline size_t ser_stream_closing(uint64_t n) {
    return ser_stream_padding(n + SER_STREAM_HASH);
}

#endif
