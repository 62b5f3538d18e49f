/* in.h - input in which every failure is noticed. Short reads and EINTR are handled here. */
#ifndef SER_IN_H
#define SER_IN_H

#include "core/core.h"

/* open(2) with O_CLOEXEC, repeated when a signal interrupts it: a descriptor, or -1 with errno
 * set. */
int ser_open(const char *path, int flags) SER_MUST_CHECK;

/* Reads n bytes of a file from offset at, like pread(2). Returns how many were read: fewer than n
 * only at the end of the file, or after an error, when *failed is 1 and errno is set. */
size_t ser_read_at(int fd, uint64_t at, void *to, size_t n, int *failed);

struct ser_in {
    int fd;             /* -1: the input is memory */
    int owned;          /* 1: ser_in_close closes fd */
    const char *name;   /* for messages: the path, or <stdin>; borrowed */
    unsigned char *buf; /* [cap], of which pos..len - 1 are not handed out yet */
    size_t cap, pos, len;
    uint64_t offset;         /* bytes handed out so far */
    void (*idle)(void *ctx); /* NULL, or called before a read that has to wait for data */
    void *ctx;               /* for idle */
    int feeds; /* descriptor of the output that is made of this input; 0: none. Where that is a pipe and its
                  last reader closes while this waits for data, SIGPIPE comes at once, as a write would bring it */
};

/* Opens path for reading; NULL or "-" is standard input. 0, or -1 with e set. A folder is refused.
 * path must live as long as in. */
int ser_in_open(struct ser_in *in, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Reads from an open descriptor, which then belongs to in, also on failure. 0, or -1 with e set. */
int ser_in_fd(struct ser_in *in, int fd, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* Reads from a copy of the len bytes at mem. 0, or -1 with e set. */
int ser_in_memory(struct ser_in *in, const void *mem, size_t len, const char *name,
                  struct ser_error *e) SER_MUST_CHECK;

/* Reads n bytes, fewer only at the end of the input; *got is their number. 0, or -1 with e set. */
int ser_in_read(struct ser_in *in, void *to, size_t n, size_t *got,
                struct ser_error *e) SER_MUST_CHECK;

/* For progress lines: how many lines of the input are still to come, and how many bytes the file at
 * path has (NULL, "-": standard input). 0 if it is not a regular file or its size cannot be found
 * out. */
uint64_t ser_in_lines(const struct ser_in *in);
uint64_t ser_file_bytes(const char *path);

/* What a message about an input that is empty, or ends early, adds where it is a pipe: that the fault
 * is with the program before; else "". */
const char *ser_in_before(const struct ser_in *in);

/* Shows the next n bytes (at most 4096) at *at without consuming them; *got is their number,
 * smaller only at the end of the input. They last until the next call. 0, or -1 with e set. */
int ser_in_peek(struct ser_in *in, size_t n, const unsigned char **at, size_t *got,
                struct ser_error *e) SER_MUST_CHECK;

/* The same for whatever has come: waits for one byte alone, and shows all that are there then. */
int ser_in_some(struct ser_in *in, const unsigned char **at, size_t *got,
                struct ser_error *e) SER_MUST_CHECK;

/* Reads the rest of the input into *data [*len], never NULL, which the caller frees. 0, or -1 with
 * e set: more than max bytes is SER_BAD. */
int ser_in_rest(struct ser_in *in, size_t max, unsigned char **data, size_t *len,
                struct ser_error *e) SER_MUST_CHECK;

/* Closes the descriptor if in owns it, and frees. */
void ser_in_close(struct ser_in *in);

#endif
