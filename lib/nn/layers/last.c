/* From a sequence to a vector, the last step: x [N,T,C] -> y [N,C]. */
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
    size_t T = (size_t)p->layer->in.dim[0], C = (size_t)p->layer->in.dim[1];
    for (int n = 0; n < p->N; n++)
        memcpy(p->y + n * C, p->x + (n * T + T - 1) * C, C * sizeof(float));
}

static void backward(const struct ser_pass *p) {
    size_t T = (size_t)p->layer->in.dim[0], C = (size_t)p->layer->in.dim[1];
    for (int n = 0; p->dx && n < p->N; n++) {
        memset(p->dx + n * T * C, 0, (T - 1) * C * sizeof(float));
        memcpy(p->dx + (n * T + T - 1) * C, p->dy + n * C, C * sizeof(float));
    }
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const int last = l->in.dim[0] - 1;
    char step[64];
    (void)p;
    ser_graph_name(g, "step", step);
    ser_graph_wholes(g, step, 0, NULL, &last);
    ser_graph_node(g, "Gather", "last", SER_INPUTS(g->x, step),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", 1)));
    return 0;
}

const struct ser_layer_type ser_layer_last = {
    .name = "last",
    .usage = "last",
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .export = export,
};
