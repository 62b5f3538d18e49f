/* run.h - the memory and the threads that run an encoder, for lib/nn/encoder only. */
#ifndef SER_ENCODER_RUN_H
#define SER_ENCODER_RUN_H

#include "nn/encoder.h"
#include "nn/encoder/attention.h"
#include "nn/encoder/linear.h"
#include "nn/encoder/room.h"
#include "nn/team.h"

typedef void ser_share(void *ctx, void *state, int thread, int i);

struct ser_encoder_run {
    const struct ser_encoder *encoder;
    const struct ser_kernels *k;
    struct ser_team *team;
    int threads;
    void **state; /* [threads] of the kernels */
    char *why;    /* while it is made: room for SER_WHY */
    struct ser_scratch {
        struct ser_room at[2];
    } * scratch; /* [threads] each thread's own */
    struct ser_room features, hidden, normed, gate, bias;
    struct ser_room work; /* what lasts for a part of a layer */
    int bias_T;           /* the frames that bias is for */
    double *logs;         /* [logs_cap] of a log-mel */
    size_t logs_cap;
    ser_watcher *watch; /* NULL: nobody does */
    void *watch_ctx;
    ser_share *job; /* the present one */
    void *job_ctx;
};

/* Does job(ctx, state, thread, i) for each i < n on all threads; state is that of the thread's kernels. */
void ser_share_out(struct ser_encoder_run *run, int n, ser_share *job, void *ctx);

/* y [rows,out] of x [rows,in], as ser_linear_panel, on all threads. */
void ser_encode_linear(struct ser_encoder_run *run, const struct ser_linear *l, int rows,
                       const float *x, int ldx, int what, float *y, int ldy);

/* The same for norms; y may be x. */
struct ser_norm;
void ser_encode_norm(struct ser_encoder_run *run, const struct ser_norm *n, int rows, int D,
                     double epsilon, const float *x, float *y);

/* Shows an array to whoever watches. */
void ser_encode_show(const struct ser_encoder_run *run, const char *name, const float *at,
                     size_t rows, int columns);

/* 0, or -1: the kernels or a thread ran out of memory. */
int ser_encoder_run_status(const struct ser_encoder_run *run);

#endif
