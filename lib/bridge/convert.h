/* convert.h - recordings in, a stream of records out: side by side on several threads, written in
 * the order of the input, with a progress line, and without what is bad where that is wanted.
 */
#ifndef SER_CONVERT_H
#define SER_CONVERT_H

#include "core/writer.h"

/* What becomes of one recording. The caller's own structure begins with it. */
struct ser_item {
    struct ser_record *record; /* [records]; they keep their memory for the next recording */
    struct ser_error e;
    enum {
        SER_ITEM_GOOD,
        SER_ITEM_BAD,
        SER_ITEM_BROKEN
    } state; /* bad: e says why; broken: it ends the run, whatever keep_going says */
};

struct ser_convert {
    void *ctx;
    size_t item_size; /* bytes of the caller's structure; it starts as zeros and is reused */
    size_t records;   /* that a recording makes */
    /* The next recording, one at a time, in order: 1; 0 at the end; -1 with e set: the input is
     * broken here. */
    int (*fetch)(void *ctx, void *item);
    /* Its records, side by side; worker 0..jobs-1. 0; -1 with e set: the recording is bad; -2 with e
     * set: no recording is to blame, and none would fare better. */
    int (*make)(void *ctx, void *item, int worker);
    void (*release)(void *item); /* at the end, for every item: what the caller keeps in it */
    const char *output;          /* as in ser_writer_open */
    const struct ser_attrs *header;
    uint64_t total;        /* recordings, for the progress line; 0: unknown */
    int keep_going, quiet; /* skip what is bad and say so; no progress line */
};

/* Converts all recordings. 0; 1 after it has warned of each that was skipped, and said how many;
 * -1 with e set, and no output. */
int ser_convert_run(const struct ser_convert *c, int jobs, struct ser_error *e) SER_MUST_CHECK;

#endif
