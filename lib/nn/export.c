#include "nn/export.h"
#include "nn/layer.h"
#include <stdio.h>
#include <string.h>

void ser_graph_name(const struct ser_graph *g, const char *what, char name[64]) {
    snprintf(name, 64, "%s%s%s", g->layer ? g->layer : "", g->layer ? "." : "", what);
}

/* ---- tensors ---- */

void ser_graph_reals(struct ser_graph *g, const char *name, int rank, const int *dim,
                     const float *v) {
    g->tensor(g->ctx, &(struct ser_graph_tensor){name, rank, dim, v, NULL});
}

void ser_graph_wholes(struct ser_graph *g, const char *name, int rank, const int *dim,
                      const int *v) {
    g->tensor(g->ctx, &(struct ser_graph_tensor){name, rank, dim, NULL, v});
}

void ser_graph_number(struct ser_graph *g, const char *what, float v, char name[64]) {
    ser_graph_name(g, what, name);
    ser_graph_reals(g, name, 0, NULL, &v);
}

void ser_graph_param(struct ser_graph *g, const struct ser_param *p) {
    ser_graph_reals(g, p->name, p->rank, p->dim, p->value);
}

/* ---- nodes ---- */

struct ser_graph_attribute ser_attribute_real(const char *name, float v) {
    return (struct ser_graph_attribute){.name = name, .type = SER_GRAPH_REAL, .real = v};
}

struct ser_graph_attribute ser_attribute_whole(const char *name, int v) {
    return (struct ser_graph_attribute){.name = name, .type = SER_GRAPH_WHOLE, .whole = v};
}

struct ser_graph_attribute ser_attribute_list(const char *name, int n, const int *v) {
    return (struct ser_graph_attribute){.name = name, .type = SER_GRAPH_LIST, .list = v, .n = n};
}

struct ser_graph_attribute ser_attribute_text(const char *name, const char *v) {
    return (struct ser_graph_attribute){.name = name, .type = SER_GRAPH_TEXT, .text = v};
}

void ser_graph_node(struct ser_graph *g, const char *op, const char *what,
                    const char *const *inputs, const struct ser_graph_attribute *attributes) {
    static const struct ser_graph_attribute none = {0};
    char name[64]; /* g->x may be one of the inputs */
    ser_graph_name(g, what, name);
    g->node(g->ctx, &(struct ser_graph_node){op, name, inputs, attributes ? attributes : &none});
    snprintf(g->x, sizeof g->x, "%s", name);
}

void ser_graph_transpose(struct ser_graph *g, const char *what, int rank, const int *order) {
    ser_graph_node(g, "Transpose", what, SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_list("perm", rank, order)));
}

void ser_graph_channels_second(struct ser_graph *g, int rank, const char *what) {
    if (rank == 2)
        ser_graph_transpose(g, what, 3, (int[]){0, 2, 1});
}

void ser_graph_reshape(struct ser_graph *g, const char *what, int rank, const int *dim) {
    int to[4] = {0}, n = rank + 1; /* Reshape takes 0 for: as it was */
    char shape[64];
    memcpy(to + 1, dim, (size_t)rank * sizeof *dim);
    ser_graph_name(g, "shape", shape);
    ser_graph_wholes(g, shape, 1, &n, to);
    ser_graph_node(g, "Reshape", what, SER_INPUTS(g->x, shape), NULL);
}

/* ---- the network ---- */

static int export_layer(const struct ser_net *net, const struct ser_layer *l, struct ser_graph *g,
                        char why[SER_WHY]) {
    g->layer = l->name;
    if (l->type->export && l->type->export(g, l, net->param + l->first_param))
        return ser_refuse(why, "not enough memory for %s", l->name);
    if (!l->type->export && !l->type->idle)
        return ser_refuse(why, "layer %s has no counterpart in ONNX", l->name);
    return 0;
}

int ser_net_export(const struct ser_net *net, struct ser_graph *g, char why[SER_WHY]) {
    const struct ser_shape *in = &net->input;
    const int image[] = {1, in->dim[0], in->dim[1]};
    g->layer = NULL;
    snprintf(g->x, sizeof g->x, SER_GRAPH_INPUT);
    if (in->rank == 3 && net->rank == 2)
        ser_graph_reshape(g, "image", 3, image);
    else if (in->rank == 3)
        ser_graph_transpose(g, "image", 4, (int[]){0, 3, 1, 2});
    else if (net->rank < in->rank)
        ser_graph_reshape(g, "channel", in->rank, in->dim);
    for (int i = 0; i < net->layers; i++)
        if (export_layer(net, &net->layer[i], g, why))
            return -1;
    g->layer = NULL;
    if (net->temperature != 1) {
        char name[64];
        ser_graph_number(g, "temperature", (float)net->temperature, name);
        ser_graph_node(g, "Div", "scaled", SER_INPUTS(g->x, name), NULL);
    }
    ser_graph_node(g, "Softmax", SER_GRAPH_OUTPUT, SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", -1)));
    return 0;
}
