/* Fully connected, with an optional max(0, .): x [N,C] -> y [N,K]. Parameters: w [C,K], b [K]. */
#include "nn/layer.h"
#include <string.h>

enum { W, B };

static const char usage[] = "dense UNITS|classes [relu] [l2=X]";

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    float l2 = 0;
    if (n < 2)
        return ser_refuse(why, "usage: %s", usage);
    if (!strcmp(words[1], "classes"))
        l->units = net->classes;
    else if (ser_word_dims(words[1], 1, &l->units))
        return ser_refuse(why, "usage: %s", usage);
    if (ser_word_options(usage, n, words, 2, &l->relu, &l2, why))
        return -1;
    if (l->in.rank != 1)
        return ser_refuse(why, "dense needs a vector; put mean, last or 'reshape N' before");
    l->out = (struct ser_shape){1, {l->units}};
    int w[] = {l->in.dim[0], l->units};
    if (ser_param_add(net, l, "w", 2, w, 1, l2, why))
        return -1;
    return ser_param_add(net, l, "b", 1, &l->units, 1, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    ser_init_glorot(&p[0], seed, l->in.dim[0], l->units);
    ser_init_constant(&p[1], 0);
}

static void forward(const struct ser_pass *p) {
    int C = p->layer->in.dim[0], K = p->layer->units;
    struct ser_worker *k = p->worker;
    for (int n = 0; n < p->N; n++)
        memcpy(p->y + (size_t)n * K, p->param[B].value, (size_t)K * sizeof(float));
    k->k->gemm(k->state, 0, 0, p->N, K, C, p->x, C, p->param[W].value, K, 1, p->y, K);
    for (size_t i = 0; p->layer->relu && i < (size_t)p->N * (size_t)K; i++)
        p->y[i] = p->y[i] > 0 ? p->y[i] : 0;
}

static void backward(const struct ser_pass *p) {
    int C = p->layer->in.dim[0], K = p->layer->units;
    struct ser_worker *k = p->worker;
    for (size_t i = 0; p->layer->relu && i < (size_t)p->N * (size_t)K; i++)
        p->dy[i] = p->y[i] > 0 ? p->dy[i] : 0;
    if (p->grad[W])
        k->k->gemm(k->state, 1, 0, C, K, p->N, p->x, C, p->dy, K, 0, p->grad[W], K);
    for (int j = 0; p->grad[B] && j < K; j++) {
        float sum = 0;
        for (int n = 0; n < p->N; n++)
            sum += p->dy[(size_t)n * K + j];
        p->grad[B][j] = sum;
    }
    if (p->dx)
        k->k->gemm(k->state, 0, 1, p->N, C, K, p->dy, K, p->param[W].value, K, 0, p->dx, C);
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    ser_graph_param(g, &p[W]);
    ser_graph_param(g, &p[B]);
    ser_graph_node(g, "Gemm", "sum", SER_INPUTS(g->x, p[W].name, p[B].name), NULL);
    if (l->relu)
        ser_graph_node(g, "Relu", "relu", SER_INPUTS(g->x), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_dense = {
    .name = "dense",
    .usage = usage,
    .setup = setup,
    .init = init,
    .forward = forward,
    .backward = backward,
    .export = export,
};
