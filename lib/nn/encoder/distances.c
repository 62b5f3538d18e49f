#include "nn/encoder/distances.h"

#include "math/mathfun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GATES = 8,     /* outputs of gru_rel_pos_linear */
    GATE_ROWS = 64 /* frames whose gates one thread fills at a time */
};

static const char gate_name[] = "encoder.layers.%d.attention.gru_rel_pos_linear",
                  const_name[] = "encoder.layers.%d.attention.gru_rel_pos_const",
                  bias_name[] = "encoder.layers.0.attention.rel_attn_embed.weight";

/* ---- loading ---- */

void ser_distances_list(const struct ser_encoder_shape *s, struct ser_lister *l) {
    ser_list(l, bias_name, 0, s->buckets, s->heads, 0, 0);
    for (int i = 0; i < s->layers; i++) {
        ser_list_linear(l, gate_name, i, GATES, s->width / s->heads, 1);
        ser_list(l, const_name, i, 1, s->heads, 1, 1);
    }
}

/* Of each of the two, the sums over four outputs. */
static int fill_gate(struct ser_loader *l, int i, int each, float *weight, float *bias) {
    struct ser_weight is;
    char full[80];
    snprintf(full, sizeof full, "%s.weight", gate_name);
    const float *from = ser_load_tensor(l, full, i, &is);
    if (!from)
        return -1;
    for (int o = 0; o < GATES; o++)
        for (int c = 0; c < each; c++)
            weight[o / 4 * each + c] += from[o * each + c];
    snprintf(full, sizeof full, "%s.bias", gate_name);
    from = ser_load_tensor(l, full, i, &is);
    for (int o = 0; from && o < GATES; o++)
        bias[o / 4] += from[o];
    return from ? 0 : -1;
}

static int load_gate(struct ser_loader *l, const struct ser_encoder_shape *s, int i,
                     struct ser_gate *to) {
    size_t each = (size_t)(s->width / s->heads);
    float *weight = ser_place(l, 2 * each, &to->weight), *bias = ser_place(l, 2, &to->bias);
    if (weight) {
        memset(weight, 0, 2 * each * sizeof *weight);
        memset(bias, 0, 2 * sizeof *bias);
        if (fill_gate(l, i, (int)each, weight, bias))
            return -1;
    }
    return ser_load_copy(l, const_name, i, &to->scale);
}

int ser_distances_load(struct ser_distances *d, struct ser_loader *l) {
    int layers = l->shape->layers;
    *d = (struct ser_distances){.shape = l->shape};
    d->gate = calloc((size_t)layers, sizeof *d->gate);
    if (!d->gate || ser_load_copy(l, bias_name, 0, &d->embed))
        return -1;
    for (int i = 0; i < layers; i++)
        if (load_gate(l, l->shape, i, &d->gate[i]))
            return -1;
    return 0;
}

void ser_distances_free(struct ser_distances *d) {
    free(d->gate);
}

/* ---- running ---- */

static int bucket(const struct ser_encoder_shape *s, int r) {
    int half = s->buckets / 2, exact = half / 2, a = abs(r), base = r > 0 ? half : 0;
    if (a < exact)
        return base + a;
    double at =
        exact + ser_ln((double)a / exact) / ser_ln((double)s->distance / exact) * (half - exact);
    return base + (at < half - 1 ? (int)at : half - 1);
}

const float *ser_distances_bias(const struct ser_distances *d, struct ser_encoder_run *run, int T) {
    const struct ser_encoder_shape *s = d->shape;
    size_t n = 2 * (size_t)T - 1;
    int kept = run->bias_T == T;
    run->bias_T = 0; /* making room may lose what was there */
    float *to = ser_room(&run->bias, n * (size_t)s->heads);
    if (!to)
        return NULL;
    run->bias_T = T;
    if (kept)
        return to;
    for (size_t r = 0; r < n; r++) {
        int b = bucket(s, (int)r - (T - 1));
        for (int head = 0; head < s->heads; head++)
            to[(size_t)head * n + r] = d->embed[b * s->heads + head];
    }
    return to;
}

struct rows {
    const struct ser_encoder_shape *shape;
    const struct ser_gate *gate;
    const float *x;
    float *to;
    int T;
};

static double sigmoid(double x) {
    return 1 / (1 + ser_exp(-x));
}

static void gate_rows(void *ctx, void *state, int thread, int job) {
    const struct rows *p = ctx;
    int H = p->shape->heads, each = p->shape->width / H, end = (job + 1) * GATE_ROWS;
    (void)state;
    (void)thread;
    for (int t = job * GATE_ROWS; t < p->T && t < end; t++)
        for (int head = 0; head < H; head++) {
            const float *x = p->x + (size_t)t * (size_t)p->shape->width + (size_t)head * each;
            double sum[2] = {p->gate->bias[0], p->gate->bias[1]};
            for (int c = 0; c < each; c++) {
                sum[0] += x[c] * (double)p->gate->weight[c];
                sum[1] += x[c] * (double)p->gate->weight[each + c];
            }
            p->to[t * H + head] =
                (float)(sigmoid(sum[0]) * (sigmoid(sum[1]) * p->gate->scale[head] - 1) + 2);
        }
}

void ser_distances_gate(void *ctx, struct ser_encoder_run *run, const float *x, int T,
                        float *gate) {
    const struct ser_gating *g = ctx;
    struct rows p = {g->of->shape, &g->of->gate[g->layer], x, gate, T};
    ser_share_out(run, (T + GATE_ROWS - 1) / GATE_ROWS, gate_rows, &p);
}
