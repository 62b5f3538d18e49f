/* stream.h - the constants of the tensor stream's layout, which ser-tensor(5) shows. Only for
 * reader.c and writer.c. */
#ifndef SER_STREAM_H
#define SER_STREAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    SER_STREAM_BLOCK = 64, /* bytes: blocks and payloads begin at multiples of this */
    SER_STREAM_FIXED = 24, /* bytes at the start of every block that have fixed places */
    SER_STREAM_HASH = 8,   /* bytes of the hash that ends every block */
    SER_STREAM_VERSION = 1,
};

static const unsigned char ser_stream_magic[8] = {0x89, 'S', 'E', 'R', '\r', '\n', 0x1a, '\n'};

/* How many zero bytes fill n bytes up to a multiple of SER_STREAM_BLOCK. */
static inline size_t ser_stream_padding(uint64_t n) {
    return (size_t)(-n % SER_STREAM_BLOCK);
}

/* How many zero bytes come between a block of n bytes and the hash that ends it. */
static inline size_t ser_stream_closing(uint64_t n) {
    return ser_stream_padding(n + SER_STREAM_HASH);
}

#endif
