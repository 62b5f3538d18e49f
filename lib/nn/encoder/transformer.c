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

/* run->heard [T,D] of run->qkv, which is of x. */
static int run_attention(struct ser_encoder_run *run, const float *x, int T, int D,
                         const struct ser_transforming *how) {
    struct attending p = {
        .a = {.T = T, .heads = how->heads, .each = D / how->heads, .ldk = (T + 15) / 16 * 16 + 16},
        .run = run,
        .blocks = (T + SER_ATTEND_ROWS - 1) / SER_ATTEND_ROWS,
    };
    float *gate = NULL;
    p.a.scale = (float)(1 / sqrt(p.a.each));
    p.a.qkv = run->qkv.at;
    p.a.keys = ser_room(&run->keys, (size_t)D * (size_t)p.a.ldk);
    p.a.values = ser_room(&run->values, (size_t)D * (size_t)T);
    p.a.out = ser_room(&run->heard, (size_t)D * (size_t)T);
    int bad = !p.a.keys || !p.a.values || !p.a.out;
    if (how->fill_gate)
        bad |= !(gate = ser_room(&run->gate, (size_t)T * (size_t)how->heads));
    for (int i = 0; i < run->threads; i++)
        bad |= !ser_room(&run->scratch[i].at[0], SER_ATTEND_ROWS * (size_t)p.a.ldk);
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
    float *hidden = run->hidden.at, *normed = ser_room(&run->normed, (size_t)T * (size_t)D);
    float *qkv = ser_room(&run->qkv, (size_t)T * 3 * (size_t)D);
    float *wide = ser_room(&run->wide, (size_t)T * (size_t)F);
    if (!normed || !qkv || !wide)
        return -1;
    const float *x = how->behind ? hidden : normed; /* what goes into each half */
    if (!how->behind)
        ser_encode_norm(run, &t->norm1, T, D, how->epsilon, hidden, normed);
    ser_encode_linear(run, &t->qkv, T, x, D, 0, qkv, 3 * D);
    if (run_attention(run, x, T, D, how))
        return -1;
    ser_encode_linear(run, &t->out, T, run->heard.at, D, SER_ADD, hidden, D);
    if (how->behind)
        ser_encode_norm(run, &t->norm1, T, D, how->epsilon, hidden, hidden);
    else
        ser_encode_norm(run, &t->norm2, T, D, how->epsilon, hidden, normed);
    ser_encode_linear(run, &t->up, T, x, D, SER_GELU, wide, F);
    ser_encode_linear(run, &t->down, T, wide, F, SER_ADD, hidden, D);
    if (how->behind)
        ser_encode_norm(run, &t->norm2, T, D, how->epsilon, hidden, hidden);
    return ser_encoder_run_status(run);
}
