/* team.h - threads that wait for work. */
#ifndef SER_TEAM_H
#define SER_TEAM_H

struct ser_team;

/* The caller is thread 0, and the others are started; each calls enter(ctx, thread) first and
 * leave(ctx, thread) last. NULL when threads or memory are missing or an enter did not return 0.
 * All signals stay with the threads of the caller. The calls below come from the thread that made
 * it. */
struct ser_team *ser_team_new(int threads, int (*enter)(void *ctx, int thread),
                              void (*leave)(void *ctx, int thread), void *ctx);
void ser_team_free(struct ser_team *p);

/* job(ctx, thread, i) for each i in 0..n-1, on any thread in any order; returns after the last. */
void ser_team_run(struct ser_team *p, int n, void (*job)(void *ctx, int thread, int i));

#endif
