/* Layers fitted on the training part before the first epoch (ser_fit_standardize), first in a
 * network: standardize  y = (x - mean) / deviation, each [H], per coefficient (row) over all frames
 *   scale max    y = x / max, the largest value of all
 * x, y [N,H,W,1]. */
#include "nn/layer.h"
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    int H = l->in.dim[0];
    if (ser_param_add(net, l, "mean", 1, &H, 0, 0, why))
        return -1;
    return ser_param_add(net, l, "deviation", 1, &H, 0, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(&p[0], 0);
    ser_init_constant(&p[1], 1);
}

static void forward(const struct ser_pass *p) {
    int H = p->layer->in.dim[0], W = p->layer->in.dim[1];
    for (int row = 0; row < p->N * H; row++) {
        float mean = p->param[0].value[row % H], deviation = p->param[1].value[row % H];
        for (size_t i = (size_t)row * W; i < (size_t)(row + 1) * W; i++)
            p->y[i] = (p->x[i] - mean) / deviation;
    }
}

static int scale_setup(struct ser_net *net, struct ser_layer *l, int n, char **words,
                       char why[SER_WHY]) {
    if (n != 2 || strcmp(words[1], "max") != 0)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    return ser_param_add(net, l, "max", 1, (int[]){1}, 0, 0, why);
}

static void scale_init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(&p[0], 1);
}

static void scale_forward(const struct ser_pass *p) {
    size_t n = (size_t)p->N * ser_shape_size(&p->layer->in);
    for (size_t i = 0; i < n; i++)
        p->y[i] = p->x[i] / p->param[0].value[0];
}

const struct ser_layer_type ser_layer_standardize = {
    .name = "standardize",
    .usage = "standardize",
    .first_only = 1,
    .setup = setup,
    .init = init,
    .forward = forward,
};

const struct ser_layer_type ser_layer_scale = {
    .name = "scale",
    .usage = "scale max",
    .first_only = 1,
    .setup = scale_setup,
    .init = scale_init,
    .forward = scale_forward,
};
