/* From a sequence to a vector, where the network over it ended: x [N,T,C] -> y [N,C].
 *
 * The last step. After a layer that runs both ways (bilstm, bigru) the second half of the channels
 * has run against time, and is taken from the first step, as Keras' Bidirectional does; what only
 * changes numbers in their places (dropout, batchnorm ...) may stand between. In a masked network
 * the last step is the last true one.
 */
#include "nn/layer.h"
#include <stdio.h>
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (ser_need_sequence(l, why))
        return -1;
    const struct ser_layer *before = l - 1;
    while (before > net->layer && before->type->in_place)
        before--;
    int C = l->in.dim[1];
    l->units = l->index && before->type->both_ways ? C / 2 : C;
    l->out = (struct ser_shape){1, {C}};
    return 0;
}

/* Of sample n: where the part that ran over time ends, units channels of it; the rest ends at the
 * first step. */
static size_t end_at(const struct ser_pass *p, int n) {
    const int *in = p->layer->in.dim;
    return ((size_t)n * in[0] + ser_true_steps(p, n, in[0]) - 1) * (size_t)in[1];
}

static size_t start_at(const struct ser_layer *l, int n) {
    return (size_t)n * ser_shape_size(&l->in) + (size_t)l->units;
}

static void forward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    size_t C = (size_t)l->in.dim[1], with = (size_t)l->units;
    for (int n = 0; n < p->N; n++) {
        float *y = p->y + n * C;
        memcpy(y, p->x + end_at(p, n), with * sizeof *y);
        memcpy(y + with, p->x + start_at(l, n), (C - with) * sizeof *y);
    }
}

static void backward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    size_t C = (size_t)l->in.dim[1], with = (size_t)l->units;
    if (!p->dx)
        return;
    memset(p->dx, 0, (size_t)p->N * ser_shape_size(&l->in) * sizeof *p->dx);
    for (int n = 0; n < p->N; n++) {
        const float *dy = p->dy + n * C;
        memcpy(p->dx + end_at(p, n), dy, with * sizeof *dy);
        memcpy(p->dx + start_at(l, n), dy + with, (C - with) * sizeof *dy);
    }
}

static void export_step(struct ser_graph *g, const char *x, int step, const char *name,
                        const char *what) {
    char at[64];
    ser_graph_name(g, name, at);
    ser_graph_wholes(g, at, 0, NULL, &step);
    ser_graph_node(g, "Gather", what, SER_INPUTS(x, at),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", 1)));
}

/* The channels from first up to end of g->x [N,C]. */
static void export_channels(struct ser_graph *g, int first, int end, const char *what) {
    const int one = 1;
    char from[64], to[64], axis[64], name[64];
    const struct {
        const char *word;
        char *name;
        int value;
    } number[] = {{"from", from, first}, {"to", to, end}, {"axis", axis, 1}};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s_%s", what, number[i].word);
        ser_graph_name(g, name, number[i].name);
        ser_graph_wholes(g, number[i].name, 1, &one, &number[i].value);
    }
    ser_graph_node(g, "Slice", what, SER_INPUTS(g->x, from, to, axis), NULL);
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x], with[64];
    int C = l->in.dim[1], last = l->in.dim[0] - 1;
    (void)p;
    memcpy(x, g->x, sizeof x);
    if (l->time_in == 0) {
        ser_graph_true_end(g);
        ser_graph_sum(g, "last", 1, (int[]){1});
    } else {
        export_step(g, x, last, "step", "last");
    }
    if (l->units == C)
        return 0;
    export_channels(g, 0, l->units, "with_time");
    memcpy(with, g->x, sizeof with);
    export_step(g, x, 0, "start", "first");
    export_channels(g, l->units, C, "against_time");
    ser_graph_node(g, "Concat", "ends", SER_INPUTS(with, g->x),
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
