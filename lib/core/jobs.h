/* jobs.h - ordered work on several threads: items are fetched in order, worked on in parallel, and
 * finished in order, so that the result is that of a single thread. A fixed number of slots holds
 * the items, so memory does not grow with their number.
 */
#ifndef SER_JOBS_H
#define SER_JOBS_H

#include "core/core.h"

struct ser_jobs {
    void *ctx;
    size_t slot_size; /* bytes of an item; slots start as zeros and are reused */

    /* Fills slot with the next item; called in order, one at a time. 1, or 0 if there is none
     * left. */
    int (*fetch)(void *ctx, void *slot);
    /* Works on an item; several run in parallel. worker is 0..jobs-1, different for each of
     * them. */
    void (*work)(void *ctx, void *slot, int worker);
    /* Uses the result; called in order, one at a time. 0, or -1 to stop the run. */
    int (*finish)(void *ctx, void *slot);
    /* Frees what a slot holds; called for every slot at the end. May be NULL. */
    void (*release)(void *ctx, void *slot);
};

/* Runs until fetch returns 0 or finish returns -1. 0; 1 if finish stopped it; -1 with e set
 * without memory or threads, when some items may have been finished already. With jobs 1
 * everything runs on the calling thread; otherwise callbacks run on any of the threads and must
 * not end the process. After a stop it waits for callbacks under way: a fetch that waits for input
 * delays it. */
int ser_jobs_run(const struct ser_jobs *j, int jobs, struct ser_error *e) SER_MUST_CHECK;

#endif
