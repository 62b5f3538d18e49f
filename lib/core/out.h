/* out.h - output in which every failure is noticed.
 *
 * Output is either whole or absent: a regular file is written as a temporary .ser-XXXXXX beside its
 * final place, synced, then renamed; when the process ends early (exit, SIGINT, SIGTERM, SIGHUP,
 * SIGPIPE ...) the temporary is removed.
 *
 *   must(ser_out_open(&o, path, 0, &e), &e);
 *   ser_out_printf(&o, "...");                   // a failure is kept, as stdio keeps it
 *   must(ser_out_close(&o, &e), &e);             // and told here, and by ser_out_flush
 */
#ifndef SER_OUT_H
#define SER_OUT_H

#include "core/core.h"
#include "core/in.h"

struct ser_out {
    int fd;
    const char *name; /* for messages: the path as given, or <stdout>; borrowed */
    char *final;      /* where the temporary goes; NULL when writing straight through */
    char *temp;
    unsigned char *buf;
    size_t cap, len;
    struct ser_error e; /* the first failure; its status is 0 while there is none */
};

/* Opens path for writing, or standard output for NULL and "-". Links are resolved; what exists and
 * is not a regular file (/dev/null, a FIFO), or is the file that standard output is, is written
 * straight through. binary refuses a terminal (SER_USAGE). 0, or -1 with e set (nothing to close).
 */
int ser_out_open(struct ser_out *o, const char *path, int binary,
                 struct ser_error *e) SER_MUST_CHECK;

/* After the first failure nothing more is written; flush and close report it. */
void ser_out_write(struct ser_out *o, const void *data, size_t n);
void ser_out_printf(struct ser_out *o, const char *fmt, ...) SER_PRINTF(2, 3);

/* Hands what is buffered to the system now, so that the next program in the pipe sees it. 0, or -1
 * with e set to the first failure. */
int ser_out_flush(struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

/* Flushes, syncs, renames, closes: after it the output is complete. 0, or -1 with e set to the
 * first failure; the temporary is then gone and the old file stays. Nothing is left to close. */
int ser_out_close(struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

/* Drops the output: the temporary is removed, the old file stays. */
void ser_out_abandon(struct ser_out *o);

/* Fails as ser_out_open would: for what is written only after long work. Nothing is left behind. A
 * FIFO is not tried: opening it would wait for its reader. 0, or -1 with e set. */
int ser_out_try(const char *path, int binary, struct ser_error *e) SER_MUST_CHECK;

/* 1 if a and b name one file or pipe, by whatever links, or one that is not there yet. 0 for a
 * terminal, /dev/null and the like, which can be read and written, and written twice. -1 with e set
 * where that cannot be found out. */
int ser_same_file(const char *a, const char *b, struct ser_error *e) SER_MUST_CHECK;

/* Output that is read again by this process alone: an unlinked file in TMPDIR. 0, or -1 with e set.
 */
int ser_out_spool(struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

/* Ends such an output; in reads what was written, from the beginning. 0, or -1 with e set, and
 * nothing is open. */
int ser_out_reread(struct ser_out *o, struct ser_in *in, struct ser_error *e) SER_MUST_CHECK;

#endif
