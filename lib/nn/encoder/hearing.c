#include "nn/encoder/hearing.h"

#include "nn/encoder/norm.h"
#include "nn/kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 256, NORM_ROWS = 32 }; /* done by one thread at a time, whatever their number */

/* ---- threads ---- */

static int enter(void *ctx, int thread) {
    struct ser_hearing *h = ctx;
    char why[SER_WHY] = "";
    h->state[thread] = h->k->open(h->k, why, sizeof why);
    if (!h->state[thread] && thread == 0)
        snprintf(h->why, SER_WHY, "%s", why);
    return h->state[thread] ? 0 : -1;
}

static void leave(void *ctx, int thread) {
    const struct ser_hearing *h = ctx;
    h->k->close(h->state[thread]);
}

struct ser_hearing *ser_hearing_new(const struct ser_encoder *c, const struct ser_kernels *k,
                                    int threads, char why[SER_WHY]) {
    snprintf(why, SER_WHY, "not enough memory or threads");
    struct ser_hearing *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    *h = (struct ser_hearing){.encoder = c, .k = k, .threads = threads, .why = why};
    h->state = calloc((size_t)threads, sizeof *h->state);
    h->scratch = calloc((size_t)threads, sizeof *h->scratch);
    h->team = h->state && h->scratch ? ser_team_new(threads, enter, leave, h) : NULL;
    if (!h->team) {
        ser_hearing_free(h);
        return NULL;
    }
    h->why = NULL;
    return h;
}

void ser_hearing_free(struct ser_hearing *h) {
    if (!h)
        return;
    ser_team_free(h->team);
    struct ser_room *room[] = {&h->features, &h->stem,  &h->hidden, &h->normed, &h->qkv, &h->keys,
                               &h->values,   &h->heard, &h->wide,   &h->gate,   &h->bias};
    for (size_t i = 0; i < sizeof room / sizeof *room; i++)
        free(room[i]->at);
    for (int i = 0; h->scratch && i < 2 * h->threads; i++)
        free(h->scratch[i / 2].at[i % 2].at);
    free(h->logs);
    free(h->scratch);
    free(h->state);
    free(h);
}

void ser_hearing_watch(struct ser_hearing *h, ser_watcher *watch, void *ctx) {
    h->watch = watch;
    h->watch_ctx = ctx;
}

void ser_hear_show(const struct ser_hearing *h, const char *name, const float *at, size_t rows,
                   int columns) {
    if (h->watch)
        h->watch(h->watch_ctx, name, at, rows, (size_t)columns);
}

static void do_share(void *ctx, int thread, int i) {
    const struct ser_hearing *h = ctx;
    h->job(h->job_ctx, h->state[thread], thread, i);
}

void ser_share_out(struct ser_hearing *h, int n, ser_share *job, void *ctx) {
    h->job = job;
    h->job_ctx = ctx;
    ser_team_run(h->team, n, do_share);
}

int ser_hearing_sound(const struct ser_hearing *h) {
    int bad = 0;
    for (int i = 0; i < h->threads; i++)
        bad |= h->k->failed && h->k->failed(h->state[i]);
    return bad ? -1 : 0;
}

/* ---- what is shared out ---- */

struct product {
    const struct ser_hearing *h;
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
    ser_linear_panel(p->l, p->h->k, state, i % panels,
                     p->rows - first < ROWS ? p->rows - first : ROWS,
                     p->x + (size_t)first * (size_t)p->ldx, p->ldx, p->what,
                     p->y + (size_t)first * (size_t)p->ldy, p->ldy);
}

void ser_hear_linear(struct ser_hearing *h, const struct ser_linear *l, int rows, const float *x,
                     int ldx, int what, float *y, int ldy) {
    struct product p = {h, l, rows, ldx, what, ldy, x, y};
    ser_share_out(h, (rows + ROWS - 1) / ROWS * ser_linear_panels(l), multiply, &p);
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

void ser_hear_norm(struct ser_hearing *h, const struct ser_norm *n, int rows, int D, double epsilon,
                   const float *x, float *y) {
    struct norming p = {n, rows, D, epsilon, x, y};
    ser_share_out(h, (rows + NORM_ROWS - 1) / NORM_ROWS, normalise, &p);
}
