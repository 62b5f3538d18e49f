/* live.h - recordings as windows, each a record of the output as soon as its sound is there: for sound that
 * is long, or has no end. In one thread, one recording after the other, in constant memory (math/windows.h).
 *
 * A window's key is ID@SECONDS, its beginning. Its record has the recording's attributes, and start_s, end_s
 * (seconds), from_s (where its first frame is, only if that is later: it was trimmed), speech (the share of it
 * that is speech, 0..1; absent where that is not known), level_db (its mean square; a full square wave is 0),
 * and silent=yes where it is.
 */
#ifndef SER_LIVE_H
#define SER_LIVE_H

#include "bridge/recordings.h"
#include "bridge/sink.h"
#include "math/windows.h"

/* Limits of the time from one window to the next; keys tell milliseconds, and no two windows may have the
 * same. */
#define SER_MIN_EVERY_S 0.01
#define SER_MAX_EVERY_S 3600

struct ser_live {
    /* Makes the record out, of this key and with the attributes of r, of a window of r; attributes that it
     * adds stay. 0; -1 with e set. */
    int (*make)(void *ctx, const struct ser_recording *r, const struct ser_window *x,
                const char *key, struct ser_record *out, struct ser_error *e);
    void *ctx;
    struct ser_recordings *recordings;
    struct ser_windows *windows;
    int rate_hz;                    /* of the windows */
    const char *raw;                /* what sound without header is (pcm.h); NULL: it has one */
    const char *output;             /* path, as in ser_writer_open */
    const struct ser_attrs *header; /* of the stream to write */
    const struct ser_table *table;  /* written instead of a stream, unless it is NULL */
    int keep_going;                 /* 1: warn of bad recordings; their windows so far are kept */
    int quiet;                      /* 1: no progress line, no remarks */
};

/* S seconds as a number of samples: whole hops, at least one. */
size_t ser_live_step(double every_s, int rate_hz, size_t hop);

/* 0; 1 if some recordings were skipped, each with a warning, and a last one that counts them; -1 with e set
 * (SER_USAGE: raw), and no output. */
int ser_live_run(const struct ser_live *l, struct ser_error *e) SER_MUST_CHECK;

#endif
