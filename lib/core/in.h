/* in.h - input in which every failure is noticed. Reads survive short reads and EINTR. */
#ifndef SER_IN_H
#define SER_IN_H

#include "core/core.h"

/* open(2) with close-on-exec, again when a signal comes between: a descriptor, or -1 with errno
 * set. */
int ser_open(const char *path, int flags) SER_MUST_CHECK;

/* Reads n bytes of a file from offset at on, whatever its position: how many came, fewer only at
 * the end of the file or, with errno set and *failed 1, after an error. */
size_t ser_read_at(int fd, uint64_t at, void *to, size_t n, int *failed);

struct ser_in {
    int fd;           /* -1: memory */
    int owned;        /* close fd in ser_in_close */
    const char *name; /* for messages: the path, or <stdin>; borrowed */
    unsigned char *buf;
    size_t cap, pos, len;
    uint64_t offset;         /* of the next byte to be handed out, from where reading began */
    void (*idle)(void *ctx); /* called before a read that has to wait for its first byte; or NULL */
    void *ctx;
};

/* Opens path for reading; NULL or "-" is standard input. 0, or -1 with e set. A folder is refused.
 * path must live as long as in. */
int ser_in_open(struct ser_in *in, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Reads from an open descriptor, which in takes over, also on failure. 0, or -1 with e set. */
int ser_in_fd(struct ser_in *in, int fd, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* Reads from a copy of the len bytes at mem. 0, or -1 with e set. */
int ser_in_memory(struct ser_in *in, const void *mem, size_t len, const char *name,
                  struct ser_error *e) SER_MUST_CHECK;

/* Reads up to n bytes, fewer only at the end of input: sets *got. 0, or -1 with e set. */
int ser_in_read(struct ser_in *in, void *to, size_t n, size_t *got,
                struct ser_error *e) SER_MUST_CHECK;

/* For progress lines, of a regular file; 0 where it is none, or cannot be asked: the lines that are
 * still to come; and the bytes of the file at path (NULL, "-": standard input). */
uint64_t ser_in_lines(const struct ser_in *in);
uint64_t ser_file_bytes(const char *path);

/* Makes up to n (at most 4096) bytes visible at *at without consuming them: sets *got. */
int ser_in_peek(struct ser_in *in, size_t n, const unsigned char **at, size_t *got,
                struct ser_error *e) SER_MUST_CHECK;

/* Reads all that is left, at most max bytes, into memory that the caller frees: *data (never NULL
 * on success), *len. More than max bytes is SER_BAD. */
int ser_in_rest(struct ser_in *in, size_t max, unsigned char **data, size_t *len,
                struct ser_error *e) SER_MUST_CHECK;

void ser_in_close(struct ser_in *in);

#endif
