#include "core/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum state { FREE, FETCHED, WORKING, DONE };

struct ring {
    const struct ser_jobs *jobs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int slots;
    char *slot;
    enum state *state;
    size_t head, tail; /* next to finish, next to fetch; slot = number % slots */
    size_t next;       /* next to work on: head <= next <= tail */
    int fetching, finishing, drained, stopped;
};

struct worker {
    struct ring *ring;
    int number;
    pthread_t thread;
};

static void *slot_at(struct ring *r, size_t i) {
    return r->slot + (i % (size_t)r->slots) * r->jobs->slot_size;
}

/* Each worker does what comes first: hand on the oldest finished item, else work, else fetch. The
 * lock is held except during the three callbacks; the flags keep fetch and finish to one thread
 * each. */
static void *work(void *arg) {
    struct worker *w = arg;
    struct ring *r = w->ring;
    const struct ser_jobs *j = r->jobs;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        size_t at;
        if (!r->stopped && !r->finishing && r->head < r->next &&
            r->state[r->head % (size_t)r->slots] == DONE) {
            r->finishing = 1;
            at = r->head;
            pthread_mutex_unlock(&r->lock);
            int stop = j->finish(j->ctx, slot_at(r, at)) != 0;
            pthread_mutex_lock(&r->lock);
            r->state[at % (size_t)r->slots] = FREE;
            r->head++;
            r->finishing = 0;
            r->stopped |= stop;
        } else if (!r->stopped && r->next < r->tail) {
            at = r->next++;
            r->state[at % (size_t)r->slots] = WORKING;
            pthread_mutex_unlock(&r->lock);
            j->work(j->ctx, slot_at(r, at), w->number);
            pthread_mutex_lock(&r->lock);
            r->state[at % (size_t)r->slots] = DONE;
        } else if (!r->stopped && !r->drained && !r->fetching &&
                   r->tail - r->head < (size_t)r->slots) {
            r->fetching = 1;
            at = r->tail;
            pthread_mutex_unlock(&r->lock);
            int got = j->fetch(j->ctx, slot_at(r, at));
            pthread_mutex_lock(&r->lock);
            r->fetching = 0;
            if (got) {
                r->state[at % (size_t)r->slots] = FETCHED;
                r->tail++;
            } else {
                r->drained = 1;
            }
        } else if (r->stopped || (r->drained && r->head == r->tail)) {
            break;
        } else {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        pthread_cond_broadcast(&r->changed);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Starts the others, works along, and waits for them. */
static int run(struct ring *r, struct worker *w, int jobs, struct ser_error *e) {
    int started = 1, failed = 0;
    for (int i = 0; i < jobs; i++)
        w[i] = (struct worker){.ring = r, .number = i};
    for (; started < jobs && !failed; started += !failed) {
        int why = pthread_create(&w[started].thread, NULL, work, &w[started]);
        if (why)
            failed = ser_fail(e, SER_SYS, "cannot start thread %d of %d: %s", started + 1, jobs,
                              strerror(why));
    }
    if (failed) {
        pthread_mutex_lock(&r->lock);
        r->stopped = 1;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
    }
    work(&w[0]);
    for (int i = 1; i < started; i++)
        pthread_join(w[i].thread, NULL);
    return failed ? -1 : r->stopped;
}

int ser_jobs_run(const struct ser_jobs *j, int jobs, struct ser_error *e) {
    jobs = jobs < 1 ? 1 : jobs;
    struct ring r = {.jobs = j, .slots = jobs == 1 ? 1 : 4 * jobs};
    struct worker *w = calloc((size_t)jobs, sizeof *w);
    r.slot = calloc((size_t)r.slots, j->slot_size);
    r.state = calloc((size_t)r.slots, sizeof *r.state);
    int got = -1;
    if (!w || !r.slot || !r.state) {
        ser_no_memory(e);
    } else {
        pthread_mutex_init(&r.lock, NULL);
        pthread_cond_init(&r.changed, NULL);
        got = run(&r, w, jobs, e);
        pthread_cond_destroy(&r.changed);
        pthread_mutex_destroy(&r.lock);
    }
    for (int i = 0; r.slot && i < r.slots && j->release; i++)
        j->release(j->ctx, r.slot + (size_t)i * j->slot_size);
    free(r.slot);
    free(r.state);
    free(w);
    return got;
}
