/* From an image to a sequence over time: each frame with all its rows and channels is a step,
 * x [N,H,W,C] -> y [N,W,H*C]. (reshape would keep the order of the numbers, and so make steps of
 * parts of rows.) */
#include "nn/layer.h"
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank != 3)
        return ser_refuse(why, "timemajor needs an image; its input is not one");
    l->out = (struct ser_shape){2, {l->in.dim[1], l->in.dim[0] * l->in.dim[2]}};
    if (l->time_in == 0)
        return ser_refuse(why, "timemajor makes steps of the second dimension, but time is the "
                               "first: padding would be heard in a masked network");
    l->time_out = l->time_in == 1 ? 0 : -1;
    return 0;
}

/* Copies the H x W blocks of C numbers at from to to, as W x H. */
static void turn(const float *from, int H, int W, size_t C, float *to) {
    for (int h = 0; h < H; h++)
        for (int w = 0; w < W; w++, from += C)
            memcpy(to + ((size_t)w * H + h) * C, from, C * sizeof *to);
}

static void forward(const struct ser_pass *p) {
    const int *in = p->layer->in.dim;
    size_t n = ser_shape_size(&p->layer->in);
    for (int i = 0; i < p->N; i++)
        turn(p->x + i * n, in[0], in[1], (size_t)in[2], p->y + i * n);
}

static void backward(const struct ser_pass *p) {
    const int *in = p->layer->in.dim;
    size_t n = ser_shape_size(&p->layer->in);
    for (int i = 0; p->dx && i < p->N; i++)
        turn(p->dy + i * n, in[1], in[0], (size_t)in[2], p->dx + i * n);
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)p;
    ser_graph_transpose(g, "frames", 4, (int[]){0, 3, 2, 1});
    ser_graph_reshape(g, "steps", 2, l->out.dim);
    return 0;
}

const struct ser_layer_type ser_layer_timemajor = {
    .name = "timemajor",
    .usage = "timemajor",
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .export = export,
};
