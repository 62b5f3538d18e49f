/* convert.h - recordings in, a stream of records out: side by side on several threads, written in
 * the order of the input, with a progress line, and without what is bad where that is wanted. Core:
 * may end the process.
 */
#ifndef SER_CONVERT_H
#define SER_CONVERT_H

#include "core/tensor.h"

/* What becomes of one recording. The caller's own structure begins with it. */
struct ser_item {
    struct ser_record *record; /* [records]; they keep their memory for the next recording */
    struct ser_error e;
    enum {
        SER_ITEM_GOOD,
        SER_ITEM_BAD,
        SER_ITEM_BROKEN
    } state; /* bad: e says why; broken: so is the input, nothing follows */
};

struct ser_convert {
    void *ctx;
    size_t item_size; /* bytes of the caller's structure; it starts as zeros and is reused */
    size_t records;   /* that a recording makes */
    /* The next recording, one at a time, in order: 1; 0 at the end; -1 with e set: the input is
     * broken here. */
    int (*fetch)(void *ctx, void *item);
    /* Its records, side by side; worker 0..jobs-1. 0, or -1 with e set: the recording is bad. */
    int (*make)(void *ctx, void *item, int worker);
    void (*release)(void *item); /* at the end, for every item: what the caller keeps in it */
    const char *output;          /* as in ser_writer_open */
    const struct ser_attrs *header;
    uint64_t total;        /* recordings, for the progress line; 0: unknown */
    int keep_going, quiet; /* skip what is bad and say so; no progress line */
};

/* Converts all recordings. SER_OK, or SER_BAD after it has said how many were skipped; any other
 * failure ends the process. */
int ser_convert_run(const struct ser_convert *c, int jobs);

#endif
