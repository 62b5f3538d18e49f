#include "core/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

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

int ser_jobs_run(const struct ser_jobs *j, int jobs) {
    struct ring r = {.jobs = j, .slots = jobs == 1 ? 1 : 4 * jobs};
    struct worker *w = ecalloc((size_t)jobs, sizeof *w);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.changed, NULL);
    r.slot = ecalloc((size_t)r.slots, j->slot_size);
    r.state = ecalloc((size_t)r.slots, sizeof *r.state);
    for (int i = 0; i < jobs; i++)
        w[i] = (struct worker){.ring = &r, .number = i};
    for (int i = 1; i < jobs; i++) {
        int err = pthread_create(&w[i].thread, NULL, work, &w[i]);
        if (err)
            die(SER_SYS, "cannot start thread %d of %d: %s", i + 1, jobs, strerror(err));
    }
    work(&w[0]);
    for (int i = 1; i < jobs; i++)
        pthread_join(w[i].thread, NULL);
    for (int i = 0; i < r.slots && j->release; i++)
        j->release(j->ctx, r.slot + (size_t)i * j->slot_size);
    pthread_cond_destroy(&r.changed);
    pthread_mutex_destroy(&r.lock);
    free(r.slot);
    free(r.state);
    free(w);
    return r.stopped ? -1 : 0;
}
