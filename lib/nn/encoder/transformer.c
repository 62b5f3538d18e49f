#include "nn/encoder/transformer.h"

#include <math.h>

int ser_transformer_load(struct ser_transformer *t, struct ser_loader *l,
                         const struct ser_transformer_names *names, int layer) {
    int D = l->shape->width, F = l->shape->hidden;
    const struct ser_outputs qkv[] = {{names->query, 1},
                                      {names->key, names->key_bias},
                                      {names->value, 1}},
                             out = {names->out, 1}, up = {names->up, 1}, down = {names->down, 1};
    return ser_load_norm(l, names->norm1, layer, &t->norm1) ||
                   ser_load_norm(l, names->norm2, layer, &t->norm2) ||
                   ser_load_linear(l, qkv, 3, layer, D, D, &t->qkv) ||
                   ser_load_linear(l, &out, 1, layer, D, D, &t->out) ||
                   ser_load_linear(l, &up, 1, layer, D, F, &t->up) ||
                   ser_load_linear(l, &down, 1, layer, F, D, &t->down)
               ? -1
               : 0;
}

void ser_transformer_list(const struct ser_encoder_shape *s, struct ser_lister *l,
                          const struct ser_transformer_names *names, int layer) {
    int D = s->width, F = s->hidden;
    ser_list_norm(l, names->norm1, layer, D);
    ser_list_linear(l, names->query, layer, D, D, 1);
    ser_list_linear(l, names->key, layer, D, D, names->key_bias);
    ser_list_linear(l, names->value, layer, D, D, 1);
    ser_list_linear(l, names->out, layer, D, D, 1);
    ser_list_norm(l, names->norm2, layer, D);
    ser_list_linear(l, names->up, layer, F, D, 1);
    ser_list_linear(l, names->down, layer, D, F, 1);
}

struct attending {
    struct ser_attention a;
    struct ser_encoder_run *run;
    int blocks; /* of rows */
};

static void prepare(void *ctx, void *state, int thread, int head) {
    const struct attending *p = ctx;
    (void)state;
    (void)thread;
    ser_attend_prepare(&p->a, head);
}

static void attend(void *ctx, void *state, int thread, int i) {
    const struct attending *p = ctx;
    ser_attend_rows(&p->a, p->run->k, state, i / p->blocks, i % p->blocks * SER_ATTEND_ROWS,
                    p->run->scratch[thread].at[0].at);
}

/* What the attention works on, in run->work; the two matrices of the feed forward come behind it, and in the same place. */
struct places {
    size_t ldk, keys, values, all; /* floats; qkv is in front */
};

static size_t lines(size_t n) {
    return (n + 15) / 16 * 16;
}

static struct places places_of(size_t T, size_t D, size_t F) {
    struct places p = {.ldk = lines(T) + 16, .keys = lines(3 * T * D)};
    p.values = p.keys + lines(D * p.ldk);
    p.all = p.values + T * D > T * F ? p.values + T * D : T * F;
    return p;
}

/* run->normed [T,D] of qkv in run->work, which is of x: that may be run->normed, too. */
static int run_attention(struct ser_encoder_run *run, const float *x, int T, int D,
                         const struct places *at, const struct ser_transforming *how) {
    float *work = run->work.at;
    struct attending p = {
        .a = {.T = T,
              .heads = how->heads,
              .each = D / how->heads,
              .ldk = (int)at->ldk,
              .qkv = work,
              .keys = work + at->keys,
              .values = work + at->values,
              .out = run->normed.at},
        .run = run,
        .blocks = (T + SER_ATTEND_ROWS - 1) / SER_ATTEND_ROWS,
    };
    float *gate = NULL;
    int bad = 0;
    p.a.scale = (float)(1 / sqrt(p.a.each));
    if (how->fill_gate)
        bad |= !(gate = ser_room(&run->gate, (size_t)T * (size_t)how->heads));
    for (int i = 0; i < run->threads; i++)
        bad |= !ser_room(&run->scratch[i].at[0], SER_ATTEND_ROWS * at->ldk);
    if (bad)
        return -1;
    if (gate)
        how->fill_gate(how->ctx, run, x, T, gate);
    p.a.gate = gate;
    p.a.bias = how->bias;
    ser_share_out(run, how->heads, prepare, &p);
    ser_share_out(run, how->heads * p.blocks, attend, &p);
    return 0;
}

int ser_transformer_run(const struct ser_transformer *t, struct ser_encoder_run *run, int T,
                        const struct ser_transforming *how) {
    int D = t->out.out, F = t->up.out;
    struct places at = places_of((size_t)T, (size_t)D, (size_t)F);
    float *hidden = run->hidden.at, *normed = ser_room(&run->normed, (size_t)T * (size_t)D);
    float *work = ser_room(&run->work, at.all);
    if (!normed || !work)
        return -1;
    const float *x = how->behind ? hidden : normed; /* what goes into each half */
    if (!how->behind)
        ser_encode_norm(run, &t->norm1, T, D, how->epsilon, hidden, normed);
    ser_encode_linear(run, &t->qkv, T, x, D, 0, work, 3 * D);
    if (run_attention(run, x, T, D, &at, how))
        return -1;
    ser_encode_linear(run, &t->out, T, normed, D, SER_ADD, hidden, D);
    if (how->behind)
        ser_encode_norm(run, &t->norm1, T, D, how->epsilon, hidden, hidden);
    else
        ser_encode_norm(run, &t->norm2, T, D, how->epsilon, hidden, normed);
    ser_encode_linear(run, &t->up, T, x, D, SER_GELU, work, F);
    ser_encode_linear(run, &t->down, T, work, F, SER_ADD, hidden, D);
    if (how->behind)
        ser_encode_norm(run, &t->norm2, T, D, how->epsilon, hidden, hidden);
    return ser_encoder_run_status(run);
}
