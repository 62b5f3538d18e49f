/* out.h - output in which every failure is noticed.
 *
 * Output is either complete or absent: a regular file is written as a temporary file .ser-XXXXXX in
 * the same folder, synced, then renamed. If the process ends early (exit, SIGINT, SIGTERM, SIGHUP,
 * SIGPIPE ...) the temporary file is removed.
 *
 *   must(ser_out_open(&o, path, 0, &e), &e);
 *   ser_out_printf(&o, "...");                   // a failure is remembered in o, as stdio does it
 *   must(ser_out_close(&o, &e), &e);             // and reported here, or by ser_out_flush
 */
#ifndef SER_OUT_H
#define SER_OUT_H

#include "core/core.h"
#include "core/in.h"

struct ser_out {
    int fd;
    const char *name; /* for messages: the path as given, or <stdout>; borrowed */
    char *final;      /* path that the temporary file gets at the end; NULL: written directly */
    char *temp;       /* path of the temporary file, or NULL */
    unsigned char *buf;
    size_t cap, len;
    struct ser_error e; /* the first failure; its status is 0 while there is none */
};

/* Opens path for writing; NULL and "-" are standard output. Links are followed. A path that exists
 * and is not a regular file (/dev/null, a FIFO), or that is the file of standard output, is written
 * directly, without a temporary file. With binary 1 a terminal is refused (SER_USAGE). 0, or -1
 * with e set (nothing to close). */
int ser_out_open(struct ser_out *o, const char *path, int binary,
                 struct ser_error *e) SER_MUST_CHECK;

/* Write bytes, or a formatted text. After a failure nothing more is written; flush and close report
 * it. */
void ser_out_write(struct ser_out *o, const void *data, size_t n);
void ser_out_printf(struct ser_out *o, const char *fmt, ...) SER_PRINTF(2, 3);

/* Writes a text as a string of JSON, quotes included. Bytes of what is not UTF-8 count as Latin-1. */
void ser_out_json(struct ser_out *o, const char *text);

/* Writes the buffer out now, so that the next program in a pipe sees it. 0, or -1 with e set to the
 * first failure. */
int ser_out_flush(struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

/* Flushes, syncs, renames and closes: the output is then complete. 0, or -1 with e set to the first
 * failure; then the temporary file is removed, and an old file at path stays as it was, unless
 * only the sync of its folder failed. There is nothing to close in either case. */
int ser_out_close(struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

/* Gives the output up: removes the temporary file; an old file at path stays as it was. */
void ser_out_abandon(struct ser_out *o);

/* Fails where ser_out_open would fail, and leaves nothing behind: call it before long work whose
 * result is written at the end. A FIFO is not tried, since opening it would wait for a reader. 0,
 * or -1 with e set. */
int ser_out_try(const char *path, int binary, struct ser_error *e) SER_MUST_CHECK;

/* 1 if the paths a and b lead to the same file or pipe, through links or not, even if it does not
 * exist yet; otherwise 0. Also 0 for a terminal, /dev/null and the like, which may be read and
 * written at once. -1 with e set if it cannot be found out. */
int ser_same_file(const char *a, const char *b, struct ser_error *e) SER_MUST_CHECK;

/* Opens an unlinked file in TMPDIR, for output that only this process reads again. 0, or -1 with e
 * set. */
int ser_out_spool(struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

/* Ends such an output, and opens in to read it from the beginning. 0, or -1 with e set, when
 * neither is open. */
int ser_out_reread(struct ser_out *o, struct ser_in *in, struct ser_error *e) SER_MUST_CHECK;

#endif
