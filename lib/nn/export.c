#include "nn/export.h"
#include "nn/layer.h"
#include <float.h>
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

void ser_graph_sum(struct ser_graph *g, const char *what, int n, const int *axes) {
    char name[64];
    ser_graph_name(g, "axes", name);
    ser_graph_wholes(g, name, 1, &n, axes);
    ser_graph_node(g, "ReduceSum", what, SER_INPUTS(g->x, name),
                   SER_ATTRIBUTES(ser_attribute_whole("keepdims", 0)));
}

/* ---- a masked network ---- */

enum { ONNX_FLOAT = 1, ONNX_INT32 = 6 }; /* TensorProto.DataType */

#define SILENCE "silence" /* zero */

/* An operation whose result, called LAYER.what, does not become g->x; name may be an input. */
static void put_aside(struct ser_graph *g, const char *op, const char *what,
                      const char *const *inputs, const struct ser_graph_attribute *attributes,
                      char name[64]) {
    char x[sizeof g->x];
    memcpy(x, g->x, sizeof x);
    ser_graph_node(g, op, what, inputs, attributes);
    memcpy(name, g->x, sizeof x);
    memcpy(g->x, x, sizeof x);
}

/* A whole number, called LAYER.what. */
static void put_number(struct ser_graph *g, const char *what, int v, char name[64]) {
    ser_graph_name(g, what, name);
    ser_graph_wholes(g, name, 0, NULL, &v);
}

/* name = name op v; called LAYER.what, and the number LAYER.what_of. */
static void count_with(struct ser_graph *g, const char *op, const char *what, const char *what_of,
                       int v, char name[64]) {
    char number[64];
    put_number(g, what_of, v, number);
    put_aside(g, op, what, SER_INPUTS(name, number), NULL, name);
}

/* name, as [batch, dim...]; called LAYER.what, and its shape LAYER.what_shape. */
static void put_shaped(struct ser_graph *g, const char *what, const char *what_shape, int rank,
                       const int *dim, char name[64]) {
    int to[4] = {0}, n = rank + 1; /* 0 for: as it was */
    char shape[64];
    memcpy(to + 1, dim, (size_t)rank * sizeof *dim);
    ser_graph_name(g, what_shape, shape);
    ser_graph_wholes(g, shape, 1, &n, to);
    put_aside(g, "Reshape", what, SER_INPUTS(name, shape), NULL, name);
}

/* The numbers of all steps, i64 [steps]; and those of the samples, i64 [batch] as [batch, 1]: name. */
static void put_steps(struct ser_graph *g, char numbers[64], char name[64]) {
    char zero[64], steps[64], one[64];
    put_number(g, "step_first", 0, zero);
    put_number(g, "step_end", g->shape.dim[g->time], steps);
    put_number(g, "step_next", 1, one);
    put_aside(g, "Range", "step_numbers", SER_INPUTS(zero, steps, one), NULL, numbers);
    put_shaped(g, "true_column", "true_column_shape", 1, (int[]){1}, name);
}

static const char *truth(struct ser_graph *g) {
    char numbers[64], column[64];
    if (g->truth[0])
        return g->truth;
    memcpy(column, g->frames, sizeof column);
    put_steps(g, numbers, column);
    put_aside(g, "Less", "truth", SER_INPUTS(numbers, column), NULL, g->truth);
    return g->truth;
}

/* A sequence is [N,T,C] here, an image [N,C,H,W]. */
static const char *mask(struct ser_graph *g) {
    int T = g->shape.dim[g->time], sequence = g->shape.rank == 2;
    int dim[3] = {sequence ? T : 1, g->time == 0 && !sequence ? T : 1, g->time == 1 ? T : 1};
    if (g->mask[0])
        return g->mask;
    memcpy(g->mask, truth(g), sizeof g->mask);
    put_shaped(g, "mask", "mask_shape", g->shape.rank, dim, g->mask);
    return g->mask;
}

void ser_graph_true_count(struct ser_graph *g, int times, char name[64]) {
    char factor[64];
    put_aside(g, "Cast", "true_steps", SER_INPUTS(g->frames),
              SER_ATTRIBUTES(ser_attribute_whole("to", ONNX_FLOAT)), name);
    put_shaped(g, "true_count", "true_count_shape", 1, (int[]){1}, name);
    if (times == 1)
        return;
    ser_graph_number(g, "each", (float)times, factor);
    put_aside(g, "Mul", "true_places", SER_INPUTS(name, factor), NULL, name);
}

void ser_graph_true_lengths(struct ser_graph *g, char name[64]) {
    put_aside(g, "Cast", "lengths", SER_INPUTS(g->frames),
              SER_ATTRIBUTES(ser_attribute_whole("to", ONNX_INT32)), name);
}

void ser_graph_true_end(struct ser_graph *g) {
    char numbers[64], end[64];
    memcpy(end, g->frames, sizeof end);
    count_with(g, "Sub", "true_end", "one", 1, end);
    put_steps(g, numbers, end);
    put_aside(g, "Equal", "is_end", SER_INPUTS(numbers, end), NULL, end);
    put_shaped(g, "end_place", "end_place_shape", 2, (int[]){g->shape.dim[0], 1}, end);
    ser_graph_node(g, "Where", "end", SER_INPUTS(end, g->x, SILENCE), NULL);
}

void ser_graph_true_scores(struct ser_graph *g) {
    char keys[64], least[64];
    memcpy(keys, truth(g), sizeof keys);
    put_shaped(g, "keys", "keys_shape", 2, (int[]){1, g->shape.dim[0]}, keys);
    ser_graph_number(g, "least", -FLT_MAX, least);
    ser_graph_node(g, "Where", "true_scores", SER_INPUTS(keys, g->x, least), NULL);
}

void ser_graph_true_values(struct ser_graph *g) {
    char least[64];
    ser_graph_number(g, "least", -FLT_MAX, least);
    ser_graph_node(g, "Where", "true_values", SER_INPUTS(mask(g), g->x, least), NULL);
}

void ser_graph_true_share(struct ser_graph *g, int k) {
    char steps[64], all[64];
    memcpy(steps, g->frames, sizeof steps);
    count_with(g, "Min", "window_steps", "window", k, steps);
    put_aside(g, "Cast", "window_count", SER_INPUTS(steps),
              SER_ATTRIBUTES(ser_attribute_whole("to", ONNX_FLOAT)), steps);
    put_shaped(g, "window_true", "window_shape", 3, (int[]){1, 1, 1}, steps);
    ser_graph_number(g, "window_all", (float)k, all);
    ser_graph_node(g, "Mul", "window_sum", SER_INPUTS(g->x, all), NULL);
    ser_graph_node(g, "Div", "true_mean", SER_INPUTS(g->x, steps), NULL);
}

/* Of what a layer gave: its true steps, and zeros behind them. */
static void hear_output(struct ser_graph *g, const struct ser_layer *l) {
    int changes = l->add || l->per > 1;
    if (l->time_out < 0) {
        g->frames[0] = '\0';
        return;
    }
    if (l->add)
        count_with(g, "Add", "true_widened", "more", l->add, g->frames);
    if (l->per > 1)
        count_with(g, "Div", "true_windows", "stride", l->per, g->frames);
    if (changes) {
        count_with(g, "Max", "true_frames", "at_least", 1, g->frames);
        g->truth[0] = '\0';
    }
    if (changes || l->out.rank != g->shape.rank || l->time_out != g->time)
        g->mask[0] = '\0';
    g->shape = l->out;
    g->time = l->time_out;
    if (l->type->forward && !l->type->idle)
        ser_graph_node(g, "Where", "heard", SER_INPUTS(mask(g), g->x, SILENCE), NULL);
}

/* Of the input, likewise. */
static void hear_input(struct ser_graph *g, const struct ser_net *net) {
    const float zero = 0;
    snprintf(g->frames, sizeof g->frames, SER_GRAPH_FRAMES);
    g->truth[0] = g->mask[0] = '\0';
    g->shape = net->input;
    g->time = net->time;
    ser_graph_reals(g, SILENCE, 0, NULL, &zero);
    count_with(g, "Max", "some_frames", "at_least", 1, g->frames);
    count_with(g, "Min", "true_frames", "at_most", g->shape.dim[g->time], g->frames);
    ser_graph_node(g, "Where", "heard", SER_INPUTS(mask(g), g->x, SILENCE), NULL);
}

/* ---- the network ---- */

static int export_layer(const struct ser_net *net, const struct ser_layer *l, struct ser_graph *g,
                        char why[SER_WHY]) {
    g->layer = l->name;
    if (l->type->export && l->type->export(g, l, net->param + l->first_param))
        return ser_refuse(why, "not enough memory for %s", l->name);
    if (!l->type->export && !l->type->idle)
        return ser_refuse(why, "layer %s has no counterpart in ONNX", l->name);
    if (net->masked)
        hear_output(g, l);
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
    if (net->masked)
        hear_input(g, net);
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
