/* From a sequence to a vector, the mean over time, true steps alone: x [N,T,C] -> y [N,C]. */
#include "nn/layer.h"
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (ser_need_sequence(l, why))
        return -1;
    l->out = (struct ser_shape){1, {l->in.dim[1]}};
    return 0;
}

static void forward(const struct ser_pass *p) {
    int T = p->layer->in.dim[0], C = p->layer->in.dim[1];
    const float *x = p->x;
    for (int n = 0; n < p->N; n++) {
        float *y = p->y + (size_t)n * C;
        memset(y, 0, (size_t)C * sizeof *y);
        for (int t = 0; t < T; t++, x += C)
            for (int c = 0; c < C; c++)
                y[c] += x[c];
        for (int c = 0; c < C; c++)
            y[c] /= (float)ser_true_steps(p, n, T);
    }
}

static void backward(const struct ser_pass *p) {
    int T = p->layer->in.dim[0], C = p->layer->in.dim[1];
    float *dx = p->dx;
    for (int n = 0; dx && n < p->N; n++)
        for (int t = 0; t < T; t++, dx += C)
            for (int c = 0; c < C; c++)
                dx[c] = p->dy[(size_t)n * C + c] / (float)ser_true_steps(p, n, T);
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char count[64];
    (void)p;
    if (l->time_in == 0) {
        ser_graph_true_count(g, 1, count);
        ser_graph_sum(g, "sum", 1, (int[]){1});
        ser_graph_node(g, "Div", "mean", SER_INPUTS(g->x, count), NULL);
        return 0;
    }
    ser_graph_node(g, "ReduceMean", "mean", SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_list("axes", 1, (int[]){1}),
                                  ser_attribute_whole("keepdims", 0)));
    return 0;
}

const struct ser_layer_type ser_layer_mean = {
    .name = "mean",
    .usage = "mean",
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .export = export,
};
