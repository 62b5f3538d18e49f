/* Dot-product self-attention without scaling (Keras' Attention()([x, x])): x, y [N,T,C].
 *
 *   forward    a = softmax of x x^T over its last index, [T,T]
 *              y = a x
 *   backward  da = dy x^T
 *             ds = a (da - the sum of a da over its last index)
 *             dx = a^T dy + ds x + ds^T x
 *
 * In a masked network T of a sample are its true steps. saved: a [N,T,T].
 */
#include "math/simd.h"
#include "nn/layer.h"
#include "nn/loss.h"

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    if (n != 2 || strcmp(words[1], "dot") != 0)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (ser_need_sequence(l, why))
        return -1;
    if (l->in.dim[0] > SER_MAX_ELEMENTS / l->in.dim[0])
        return ser_refuse(why, "attention over %d steps is too large", l->in.dim[0]);
    l->out = l->in;
    return 0;
}

static size_t weights(const struct ser_layer *l) {
    return (size_t)l->in.dim[0] * (size_t)l->in.dim[0];
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    return (size_t)N * weights(l) * sizeof(float);
}

static size_t scratch_bytes(const struct ser_layer *l, int N) {
    (void)N;
    return weights(l) * sizeof(float); /* da, then ds */
}

static void forward(const struct ser_pass *p) {
    int all = p->layer->in.dim[0], C = p->layer->in.dim[1];
    struct ser_worker *k = p->worker;
    for (int n = 0; n < p->N; n++) {
        int T = ser_true_steps(p, n, all);
        size_t at = (size_t)n * all * C;
        const float *x = p->x + at;
        float *a = (float *)p->saved + n * weights(p->layer);
        k->k->gemm(k->state, 0, 1, T, T, C, x, C, x, C, 0, a, T);
        ser_softmax(a, (size_t)T, T);
        k->k->gemm(k->state, 0, 0, T, C, T, a, T, x, C, 0, p->y + at, C);
    }
}

/* da [rows,n] becomes ds. */
SER_CLONES static void softmax_back(const float *a, float *da, int rows, int n) {
    for (int r = 0; r < rows; r++, a += n, da += n) {
        float sum = 0;
        for (int i = 0; i < n; i++)
            sum += a[i] * da[i];
        for (int i = 0; i < n; i += SER_LANES) {
            int lanes = ser_lanes(i, n);
            ser_store(da + i, ser_load(a + i, lanes) * (ser_load(da + i, lanes) - sum), lanes);
        }
    }
}

static void backward(const struct ser_pass *p) {
    int all = p->layer->in.dim[0], C = p->layer->in.dim[1];
    struct ser_worker *k = p->worker;
    float *ds = k->scratch;
    for (int n = 0; p->dx && n < p->N; n++) {
        int T = ser_true_steps(p, n, all);
        size_t at = (size_t)n * all * C;
        const float *x = p->x + at, *dy = p->dy + at;
        const float *a = (const float *)p->saved + n * weights(p->layer);
        float *dx = p->dx + at;
        k->k->gemm(k->state, 0, 1, T, T, C, dy, C, x, C, 0, ds, T);
        softmax_back(a, ds, T, T);
        k->k->gemm(k->state, 1, 0, T, C, T, a, T, dy, C, 0, dx, C);
        k->k->gemm(k->state, 0, 0, T, C, T, ds, T, x, C, 1, dx, C);
        k->k->gemm(k->state, 1, 0, T, C, T, ds, T, x, C, 1, dx, C);
    }
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x];
    (void)p;
    memcpy(x, g->x, sizeof x);
    ser_graph_transpose(g, "turned", 3, (int[]){0, 2, 1});
    ser_graph_node(g, "MatMul", "products", SER_INPUTS(x, g->x), NULL);
    if (l->time_in == 0)
        ser_graph_true_scores(g);
    ser_graph_node(g, "Softmax", "weights", SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", -1)));
    ser_graph_node(g, "MatMul", "sum", SER_INPUTS(g->x, x), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_attention = {
    .name = "attention",
    .usage = "attention dot",
    .setup = setup,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
