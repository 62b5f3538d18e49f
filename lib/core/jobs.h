/* jobs.h - ordered work on several threads: items are fetched in order, worked on side by side, and
 * finished in order, so that the result is the one of a single thread. Memory is bounded by the
 * number of slots.
 */
#ifndef SER_JOBS_H
#define SER_JOBS_H

#include "core/core.h"

struct ser_jobs {
    void *ctx;
    size_t slot_size;                    /* bytes of an item; slots start as zeros and are reused */
    int (*fetch)(void *ctx, void *slot); /* one at a time, in order: 1 filled, 0 no more */
    void (*work)(void *ctx, void *slot, int worker); /* side by side; worker 0..jobs-1 */
    int (*finish)(void *ctx, void *slot);            /* one at a time, in order: 0, or -1 to stop */
    void (*release)(void *ctx, void *slot);          /* at the end, for every slot; may be NULL */
};

/* Runs until fetch says 0 or finish says -1: 0, or 1 when finish stopped it; -1 with e set when
 * memory or threads cannot be had, whatever was finished before. jobs 1 works on the calling
 * thread. The callbacks may run on any of the threads: none of them may end the process. */
int ser_jobs_run(const struct ser_jobs *j, int jobs, struct ser_error *e) SER_MUST_CHECK;

#endif
