/* Convolution, valid padding, stride 1, with an optional max(0, .):
 * x [N,H,W,C] -> y [N,H-kh+1,W-kw+1,F]. Parameters: w [kh,kw,C,F], b [F]. */
#include "math/simd.h"
#include "nn/layer.h"
#include <stdlib.h>

enum { W, B };

static const char usage[] = "conv FILTERS HxW [relu] [l2=X]";

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    int k[2];
    float l2 = 0;
    if (n < 3 || ser_word_dims(words[1], 1, &l->units) || ser_word_dims(words[2], 2, k))
        return ser_refuse(why, "usage: %s", usage);
    if (ser_word_options(usage, n, words, 3, &l->relu, &l2, why))
        return -1;
    const int *in = l->in.dim;
    if (l->in.rank != 3)
        return ser_refuse(why, "conv needs an image; its input is not one");
    if (in[0] < k[0] || in[1] < k[1])
        return ser_refuse(why, "a %dx%d kernel does not fit into an image of %dx%d", k[0], k[1],
                          in[0], in[1]);
    l->kh = k[0];
    l->kw = k[1];
    l->out = (struct ser_shape){3, {in[0] - k[0] + 1, in[1] - k[1] + 1, l->units}};
    int w[] = {l->kh, l->kw, in[2], l->units};
    if (ser_param_add(net, l, "w", 4, w, 1, l2, why))
        return -1;
    return ser_param_add(net, l, "b", 1, &l->units, 1, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    double field = (double)l->kh * l->kw;
    ser_init_glorot(&p[0], seed, field * l->in.dim[2], field * l->units);
    ser_init_constant(&p[1], 0);
}

/* Elements of w. */
static size_t weights(const struct ser_layer *l) {
    return (size_t)l->kh * (size_t)l->kw * (size_t)l->in.dim[2] * (size_t)l->units;
}

/* Where the gradient of a parameter goes that is not trained: the kernels make both or none. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    (void)N;
    return (weights(l) + (size_t)l->units) * sizeof(float);
}

struct ser_conv_shape ser_conv_shape(const struct ser_layer *l, int N) {
    const int *in = l->in.dim;
    return (struct ser_conv_shape){N, in[0], in[1], in[2], l->units, l->kh, l->kw};
}

static void forward(const struct ser_pass *p) {
    struct ser_conv_shape s = ser_conv_shape(p->layer, p->N);
    p->worker->k->conv(p->worker->state, &s, p->x, p->param[W].value, p->param[B].value,
                       p->layer->relu, p->y);
}

/* dy where y > 0, else 0: the derivative of max(0, .). */
SER_CLONES static void mask(const float *y, float *dy, size_t n) {
    for (size_t i = 0; i < n; i += SER_LANES) {
        int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;
        ser_vec v = ser_load(y + i, lanes), d = ser_load(dy + i, lanes);
        ser_store(dy + i, ser_select(v > 0.0f, d, (ser_vec){0}), lanes);
    }
}

static void backward(const struct ser_pass *p) {
    struct ser_conv_shape s = ser_conv_shape(p->layer, p->N);
    if (p->layer->relu)
        mask(p->y, p->dy, (size_t)p->N * ser_shape_size(&p->layer->out));
    float *dw = p->worker->scratch, *db = dw + weights(p->layer);
    if (p->grad[W] || p->grad[B] || p->dx)
        p->worker->k->conv_back(p->worker->state, &s, p->x, p->dy, p->param[W].value,
                                p->grad[W] ? p->grad[W] : dw, p->grad[B] ? p->grad[B] : db, p->dx);
}

/* ONNX has w [F,C,kh,kw]. */
static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    int C = l->in.dim[2], F = l->units, K = l->kh * l->kw;
    float *w = malloc(p[W].n * sizeof *w), *to = w;
    if (!w)
        return -1;
    for (int f = 0; f < F; f++)
        for (int c = 0; c < C; c++)
            for (int k = 0; k < K; k++)
                *to++ = p[W].value[((size_t)k * C + c) * F + f];
    ser_graph_reals(g, p[W].name, 4, (int[]){F, C, l->kh, l->kw}, w);
    free(w);
    ser_graph_param(g, &p[B]);
    ser_graph_node(g, "Conv", "sum", SER_INPUTS(g->x, p[W].name, p[B].name), NULL);
    if (l->relu)
        ser_graph_node(g, "Relu", "relu", SER_INPUTS(g->x), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_conv = {
    .name = "conv",
    .usage = usage,
    .setup = setup,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
