/* octets.h - bytes at offsets, of a file, of memory, or of input that cannot seek. */
#ifndef SER_OCTETS_H
#define SER_OCTETS_H

#include "core/in.h"

/* Bytes that can be read at any offset; of an input, at those that are kept. */
struct ser_bytes {
    const char *name;         /* for messages */
    int fd;                   /* -1: the bytes are in memory, or of an input */
    const unsigned char *mem; /* [len] */
    uint64_t len;             /* SER_ENDLESS until an input has ended */
    int error;                /* errno of a read that failed; 0: none did */
    /* Where it is an input: what came of it, from offset base on, and was not let go. */
    struct ser_in *in;   /* the caller's, offset 0 is where it was at first; else NULL */
    unsigned char *kept; /* [have] of [cap]; owned */
    size_t cap, have;
    uint64_t base;
};

/* A length that no file has, and that can be reckoned with. */
#define SER_ENDLESS ((uint64_t)1 << 50)

/* Reads n bytes from offset at; returns how many were read, fewer only at the end or after an
 * error. Those of an input are waited for. */
size_t ser_bytes_read(struct ser_bytes *b, uint64_t at, void *to, size_t n);

/* The same, but of an input waits for a byte alone, and reads those that are there then. */
size_t ser_bytes_some(struct ser_bytes *b, uint64_t at, void *to, size_t n);

/* Where the bytes end that can be read without waiting. */
uint64_t ser_bytes_there(const struct ser_bytes *b);

/* Waits for all that is still to come of an input, and keeps it. 0, or -1 and error is set. */
int ser_bytes_await(struct ser_bytes *b) SER_MUST_CHECK;

/* Lets go of an input's bytes before offset at, sooner or later. */
void ser_bytes_forget(struct ser_bytes *b, uint64_t at);

/* Frees what is kept. */
void ser_bytes_close(struct ser_bytes *b);

#endif
