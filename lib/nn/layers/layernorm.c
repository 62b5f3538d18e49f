/* Layer normalisation: each place of an image or a sequence, or a vector, over its C channels
 * (Ba, Kiros, Hinton 2016): x [N,P,C] -> y [N,P,C]. Parameters: gamma, beta [C].
 *
 *   forward   xhat = (x - mean) / sqrt(var + 1e-5)
 *             y = gamma xhat + beta
 *   backward  dgamma = sum of dy xhat,  dbeta = sum of dy
 *             dxhat = dy gamma
 *             dx = (dxhat - mean of dxhat - xhat mean of (dxhat xhat)) / sqrt(var + 1e-5)
 *
 * saved: mean and 1 / sqrt(var + 1e-5) of each place, [N,P,2].
 */
#include "nn/layer.h"
#include <math.h>
#include <string.h>

#define EPSILON 1e-5

enum { GAMMA, BETA };

static int channels(const struct ser_layer *l) {
    return l->in.dim[l->in.rank - 1];
}

static size_t places(const struct ser_layer *l, int N) {
    return (size_t)N * (ser_shape_size(&l->in) / (size_t)channels(l));
}

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    int C = channels(l);
    if (ser_param_add(net, l, "gamma", 1, &C, 1, 0, why))
        return -1;
    return ser_param_add(net, l, "beta", 1, &C, 1, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(&p[GAMMA], 1);
    ser_init_constant(&p[BETA], 0);
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    return places(l, N) * 2 * sizeof(float);
}

static void forward(const struct ser_pass *p) {
    int C = channels(p->layer);
    const float *x = p->x, *gamma = p->param[GAMMA].value, *beta = p->param[BETA].value;
    float *y = p->y, *saved = p->saved;
    for (size_t i = 0; i < places(p->layer, p->N); i++, x += C, y += C) {
        double sum = 0, squares = 0;
        for (int c = 0; c < C; c++)
            sum += x[c];
        double mean = sum / C;
        for (int c = 0; c < C; c++)
            squares += (x[c] - mean) * (x[c] - mean);
        float m = (float)mean, inverse = (float)(1 / sqrt(squares / C + EPSILON));
        for (int c = 0; c < C; c++)
            y[c] = gamma[c] * ((x[c] - m) * inverse) + beta[c];
        saved[2 * i] = m;
        saved[2 * i + 1] = inverse;
    }
}

static void backward(const struct ser_pass *p) {
    int C = channels(p->layer);
    const float *x = p->x, *dy = p->dy, *gamma = p->param[GAMMA].value, *saved = p->saved;
    float *dx = p->dx, *dgamma = p->grad[GAMMA], *dbeta = p->grad[BETA];
    if (dgamma)
        memset(dgamma, 0, (size_t)C * sizeof *dgamma);
    if (dbeta)
        memset(dbeta, 0, (size_t)C * sizeof *dbeta);
    for (size_t i = 0; i < places(p->layer, p->N); i++, x += C, dy += C) {
        float m = saved[2 * i], inverse = saved[2 * i + 1];
        double sum = 0, product = 0;
        for (int c = 0; c < C; c++) {
            float xhat = (x[c] - m) * inverse, d = dy[c] * gamma[c];
            sum += d;
            product += d * xhat;
            if (dgamma)
                dgamma[c] += dy[c] * xhat;
            if (dbeta)
                dbeta[c] += dy[c];
        }
        float a = (float)(sum / C), b = (float)(product / C);
        for (int c = 0; dx && c < C; c++)
            dx[i * (size_t)C + c] = (dy[c] * gamma[c] - a - (x[c] - m) * inverse * b) * inverse;
    }
}

/* In operators of set 15, which has none for it; channels last. */
static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const struct ser_graph_attribute last[] = {
        ser_attribute_list("axes", 1, (int[]){-1}), ser_attribute_whole("keepdims", 1), {0}};
    char x[sizeof g->x], epsilon[64], centred[64];
    ser_graph_param(g, &p[GAMMA]);
    ser_graph_param(g, &p[BETA]);
    ser_graph_number(g, "epsilon", (float)EPSILON, epsilon);
    if (l->in.rank == 3)
        ser_graph_transpose(g, "channels_last", 4, (int[]){0, 2, 3, 1});
    memcpy(x, g->x, sizeof x);
    ser_graph_node(g, "ReduceMean", "mean", SER_INPUTS(x), last);
    ser_graph_node(g, "Sub", "centred", SER_INPUTS(x, g->x), NULL);
    ser_graph_name(g, "centred", centred);
    ser_graph_node(g, "Mul", "squares", SER_INPUTS(centred, centred), NULL);
    ser_graph_node(g, "ReduceMean", "variance", SER_INPUTS(g->x), last);
    ser_graph_node(g, "Add", "enlarged", SER_INPUTS(g->x, epsilon), NULL);
    ser_graph_node(g, "Sqrt", "deviation", SER_INPUTS(g->x), NULL);
    ser_graph_node(g, "Div", "standard", SER_INPUTS(centred, g->x), NULL);
    ser_graph_node(g, "Mul", "scaled", SER_INPUTS(g->x, p[GAMMA].name), NULL);
    ser_graph_node(g, "Add", "normal", SER_INPUTS(g->x, p[BETA].name), NULL);
    if (l->in.rank == 3)
        ser_graph_transpose(g, "channels_first", 4, (int[]){0, 3, 1, 2});
    return 0;
}

const struct ser_layer_type ser_layer_layernorm = {
    .name = "layernorm",
    .usage = "layernorm",
    .in_place = 1,
    .setup = setup,
    .init = init,
    .saved_bytes = saved_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
