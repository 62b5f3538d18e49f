/* io.h - input and output in which every failure is noticed.
 *
 * Reads survive short reads and EINTR. Output is either whole or absent: a regular file is written
 * as a temporary .ser-XXXXXX beside its final place, synced, then renamed; when the process ends
 * early (die, exit, SIGINT, SIGTERM, SIGHUP, SIGPIPE ...) the temporary is removed.
 */
#ifndef SER_IO_H
#define SER_IO_H

#include "core/core.h"

/* open(2) with close-on-exec, again when a signal comes between: a descriptor, or -1 with errno
 * set. */
int ser_open(const char *path, int flags) SER_MUST_CHECK;

/* ---- input ---- */

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

/* Reads from an open descriptor, which in takes over. */
void ser_in_fd(struct ser_in *in, int fd, const char *name);

/* Reads from the len bytes at mem, which stay the caller's. */
void ser_in_memory(struct ser_in *in, const void *mem, size_t len, const char *name);

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

/* ---- output ---- */

struct ser_out {
    int fd;
    const char *name; /* for messages: the path as given, or <stdout>; borrowed */
    char *final;      /* where the temporary goes; NULL when writing straight through */
    char *temp;
    unsigned char *buf;
    size_t cap, len;
};

/* Ends the process if ser_out_open would: for what is written only after long work. Nothing is left
 * behind. A FIFO is not tried: opening it would wait for its reader. */
void ser_out_try(const char *path, int binary);

/* 1 if a and b name one file or pipe, by whatever links, or one that is not there yet. 0 for a
 * terminal, /dev/null and the like, which can be read and written, and written twice. */
int ser_same_file(const char *a, const char *b);

/* Opens path for writing, or standard output for NULL and "-". Links are resolved; what exists and
 * is not a regular file (/dev/null, a FIFO), or is the file that standard output is, is written
 * straight through. binary refuses a terminal (SER_USAGE). These end the process when they fail
 * (SER_SYS). */
void ser_out_open(struct ser_out *o, const char *path, int binary);
void ser_out_write(struct ser_out *o, const void *data, size_t n);
void ser_out_printf(struct ser_out *o, const char *fmt, ...) SER_PRINTF(2, 3);

/* Hands what is buffered to the system now, so that the next program in the pipe sees it. */
void ser_out_flush(struct ser_out *o);

/* Flushes, syncs, renames, closes: after it the output is complete. */
void ser_out_close(struct ser_out *o);

/* Drops the output: the temporary is removed, the old file stays. */
void ser_out_abandon(struct ser_out *o);

/* Output that is read again by this process alone: an unlinked file in TMPDIR. */
void ser_out_spool(struct ser_out *o);

/* Ends such an output; in reads what was written, from the beginning. */
void ser_out_reread(struct ser_out *o, struct ser_in *in);

#endif
