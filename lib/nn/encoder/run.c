#include "nn/encoder/run.h"

#include "nn/encoder/norm.h"
#include "nn/kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 256, NORM_ROWS = 32 }; /* done by one thread at a time, whatever their number */

/* ---- threads ---- */

static int enter(void *ctx, int thread) {
    struct ser_encoder_run *run = ctx;
    char why[SER_WHY] = "";
    run->state[thread] = run->k->open(run->k, why, sizeof why);
    if (!run->state[thread] && thread == 0)
        snprintf(run->why, SER_WHY, "%s", why);
    return run->state[thread] ? 0 : -1;
}

static void leave(void *ctx, int thread) {
    const struct ser_encoder_run *run = ctx;
    run->k->close(run->state[thread]);
}

struct ser_encoder_run *ser_encoder_run_new(const struct ser_encoder *c,
                                            const struct ser_kernels *k, int threads,
                                            char why[SER_WHY]) {
    snprintf(why, SER_WHY, "not enough memory or threads");
    struct ser_encoder_run *run = calloc(1, sizeof *run);
    if (!run)
        return NULL;
    *run = (struct ser_encoder_run){.encoder = c, .k = k, .threads = threads, .why = why};
    run->state = calloc((size_t)threads, sizeof *run->state);
    run->scratch = calloc((size_t)threads, sizeof *run->scratch);
    run->team = run->state && run->scratch ? ser_team_new(threads, enter, leave, run) : NULL;
    if (!run->team) {
        ser_encoder_run_free(run);
        return NULL;
    }
    run->why = NULL;
    return run;
}

void ser_encoder_run_free(struct ser_encoder_run *run) {
    if (!run)
        return;
    ser_team_free(run->team);
    struct ser_room *room[] = {&run->features, &run->hidden, &run->normed,
                               &run->gate,     &run->bias,   &run->work};
    for (size_t i = 0; i < sizeof room / sizeof *room; i++)
        free(room[i]->at);
    for (int i = 0; run->scratch && i < 2 * run->threads; i++)
        free(run->scratch[i / 2].at[i % 2].at);
    free(run->logs);
    free(run->scratch);
    free(run->state);
    free(run);
}

void ser_encoder_run_watch(struct ser_encoder_run *run, ser_watcher *watch, void *ctx) {
    run->watch = watch;
    run->watch_ctx = ctx;
}

void ser_encode_show(const struct ser_encoder_run *run, const char *name, const float *at,
                     size_t rows, int columns) {
    if (run->watch)
        run->watch(run->watch_ctx, name, at, rows, (size_t)columns);
}

static void do_share(void *ctx, int thread, int i) {
    const struct ser_encoder_run *run = ctx;
    run->job(run->job_ctx, run->state[thread], thread, i);
}

void ser_share_out(struct ser_encoder_run *run, int n, ser_share *job, void *ctx) {
    run->job = job;
    run->job_ctx = ctx;
    ser_team_run(run->team, n, do_share);
}

int ser_encoder_run_status(const struct ser_encoder_run *run) {
    int bad = 0;
    for (int i = 0; i < run->threads; i++)
        bad |= run->k->failed && run->k->failed(run->state[i]);
    return bad ? -1 : 0;
}

/* ---- what is shared out ---- */

struct product {
    const struct ser_encoder_run *run;
    const struct ser_linear *l;
    int rows, ldx, what, ldy;
    const float *x;
    float *y;
};

/* A block of rows under one panel. */
static void multiply(void *ctx, void *state, int thread, int i) {
    const struct product *p = ctx;
    int panels = ser_linear_panels(p->l), first = i / panels * ROWS;
    (void)thread;
    ser_linear_panel(p->l, p->run->k, state, i % panels,
                     p->rows - first < ROWS ? p->rows - first : ROWS,
                     p->x + (size_t)first * (size_t)p->ldx, p->ldx, p->what,
                     p->y + (size_t)first * (size_t)p->ldy, p->ldy);
}

void ser_encode_linear(struct ser_encoder_run *run, const struct ser_linear *l, int rows,
                       const float *x, int ldx, int what, float *y, int ldy) {
    struct product p = {run, l, rows, ldx, what, ldy, x, y};
    ser_share_out(run, (rows + ROWS - 1) / ROWS * ser_linear_panels(l), multiply, &p);
}

struct norming {
    const struct ser_norm *n;
    int rows, D;
    double epsilon;
    const float *x;
    float *y;
};

static void normalise(void *ctx, void *state, int thread, int i) {
    const struct norming *p = ctx;
    int first = i * NORM_ROWS;
    size_t at = (size_t)first * (size_t)p->D;
    (void)state;
    (void)thread;
    ser_norm_rows(p->n, p->rows - first < NORM_ROWS ? p->rows - first : NORM_ROWS, p->D, p->epsilon,
                  p->x + at, p->y + at);
}

void ser_encode_norm(struct ser_encoder_run *run, const struct ser_norm *n, int rows, int D,
                     double epsilon, const float *x, float *y) {
    struct norming p = {n, rows, D, epsilon, x, y};
    ser_share_out(run, (rows + NORM_ROWS - 1) / NORM_ROWS, normalise, &p);
}
