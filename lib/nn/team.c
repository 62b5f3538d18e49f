#include "nn/team.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct ser_team {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    pthread_t *thread; /* [threads], the first unused */
    int threads;       /* that are there: the caller, and those started */
    int (*enter)(void *ctx, int thread);
    void (*leave)(void *ctx, int thread);
    void (*job)(void *ctx, int thread, int i);
    void *ctx;
    int started; /* threads that have taken a number */
    int entered; /* threads whose enter is over */
    int failed, quit;
    int items, next; /* of the present job */
    int running;     /* items taken and not finished */
};

/* With the lock held: does what there is to do. */
static void take_items(struct ser_team *p, int me) {
    while (p->next < p->items) {
        int i = p->next++;
        p->running++;
        pthread_mutex_unlock(&p->lock);
        p->job(p->ctx, me, i);
        pthread_mutex_lock(&p->lock);
        p->running--;
    }
}

static void *serve(void *arg) {
    struct ser_team *p = arg;
    pthread_mutex_lock(&p->lock);
    int me = ++p->started;
    pthread_mutex_unlock(&p->lock);
    int bad = p->enter(p->ctx, me);
    pthread_mutex_lock(&p->lock);
    p->failed |= bad;
    p->entered++;
    pthread_cond_signal(&p->done);
    while (!p->quit) {
        take_items(p, me);
        if (!p->running)
            pthread_cond_signal(&p->done);
        pthread_cond_wait(&p->work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    if (!bad)
        p->leave(p->ctx, me);
    return NULL;
}

/* As many of the threads behind the caller's as can be had. */
static void start(struct ser_team *p, int threads) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the threads */
    for (p->threads = 1; p->threads < threads; p->threads++)
        if (pthread_create(&p->thread[p->threads], NULL, serve, p))
            break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&p->lock);
    while (p->entered < p->threads - 1)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* Ends the threads behind the caller's, and the pool. */
static void end(struct ser_team *p) {
    pthread_mutex_lock(&p->lock);
    p->quit = 1;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
    free(p->thread);
    free(p);
}

struct ser_team *ser_team_new(int threads, int (*enter)(void *ctx, int thread),
                              void (*leave)(void *ctx, int thread), void *ctx) {
    struct ser_team *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->enter = enter;
    p->leave = leave;
    p->ctx = ctx;
    p->thread = calloc((size_t)threads, sizeof *p->thread);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    int bad = !p->thread || enter(ctx, 0);
    if (bad) {
        end(p);
        return NULL;
    }
    start(p, threads);
    if (p->failed || p->threads < threads) {
        ser_team_free(p);
        return NULL;
    }
    return p;
}

void ser_team_free(struct ser_team *p) {
    if (!p)
        return;
    p->leave(p->ctx, 0);
    end(p);
}

void ser_team_run(struct ser_team *p, int n, void (*job)(void *ctx, int thread, int i)) {
    pthread_mutex_lock(&p->lock);
    p->job = job;
    p->items = n;
    p->next = 0;
    if (n > 1 && p->threads > 1)
        pthread_cond_broadcast(&p->work);
    take_items(p, 0);
    while (p->running)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
