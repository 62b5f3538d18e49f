/* convert.h - turns recordings into a stream of records: in parallel on several threads, written in
 * the order of the input, with a progress line. Bad recordings end the run or are skipped.
 */
#ifndef SER_CONVERT_H
#define SER_CONVERT_H

#include "bridge/recordings.h"
#include "bridge/sink.h"

enum { SER_MAX_JOBS = 256 }; /* that a tool offers */

/* The result for one recording. The caller's own structure must begin with it. */
struct ser_item {
    struct ser_record *record; /* [records]; they keep their memory for the next recording */
    struct ser_error e;        /* why the recording is bad or the run broken */
    size_t kept;               /* records of a bad one that are written with keep_going */
    enum {
        SER_ITEM_GOOD,
        SER_ITEM_BAD,   /* ends the run, or is skipped with keep_going */
        SER_ITEM_BROKEN /* always ends the run */
    } state;
};

/* A recording that comes from a struct ser_recordings. */
struct ser_recorded {
    struct ser_item made;
    struct ser_recording recording;
};

struct ser_convert {
    void *ctx;
    size_t records; /* how many each recording makes */
    /* Where items come from, which are struct ser_recorded then: item_size, fetch, release and total are not
     * set. NULL: they are. */
    struct ser_recordings *recordings;
    size_t item_size; /* bytes of the caller's structure; it starts as zeros and is reused */
    /* Gets the next recording into item; called in order, one at a time. 1; 0 at the end; -1 with
     * e set if the input is broken here, which ends the run. */
    int (*fetch)(void *ctx, void *item);
    /* Makes the records of item; several run in parallel, worker is 0..jobs-1. 0; -1 with e set if
     * the recording is bad, and kept set to how many of its records are good from the first (it is 0
     * before); -2 with e set if the system failed, which ends the run. */
    int (*make)(void *ctx, void *item, int worker);
    /* Frees what the caller keeps in item; called for every item at the end. */
    void (*release)(void *item);
    const char *output;             /* path, as in ser_writer_open */
    const struct ser_attrs *header; /* of the stream to write */
    const struct ser_table *table;  /* written instead of a stream, unless it is NULL */
    uint64_t total;                 /* recordings, for the progress line; 0: unknown */
    int keep_going;                 /* 1: warn of bad recordings and skip them */
    int quiet;                      /* 1: no progress line */
};

/* Converts all recordings. 0; 1 if some were skipped, each with a warning, and a last one that
 * counts them; -1 with e set, and no output. */
int ser_convert_run(const struct ser_convert *c, int jobs, struct ser_error *e) SER_MUST_CHECK;

#endif
