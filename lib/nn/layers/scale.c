/* First in a network: y = x / max, the largest value of the training data, of its true frames in a
 * masked network. x, y [N,H,W,1]; parameter: max [1]. */
#include "nn/layer.h"
#include <math.h>
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    if (n != 2 || strcmp(words[1], "max") != 0)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    return ser_param_add(net, l, "max", 1, (int[]){1}, 0, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(&p[0], 1);
}

static int fit(const struct ser_layer *l, struct ser_param *p, const struct ser_samples *samples,
               char why[SER_WHY]) {
    size_t n = ser_shape_size(&l->in), T = 1, behind = 1;
    for (int d = l->time_in; d >= 0 && d < l->in.rank; d++)
        *(d == l->time_in ? &T : &behind) *= (size_t)l->in.dim[d];
    float max = -INFINITY;
    for (size_t i = 0; i < samples->data->n; i++) {
        const float *x = ser_sample(samples, i, why);
        if (!x)
            return -1;
        size_t frames = (size_t)ser_sample_frames(samples, l, i, (int)T);
        for (size_t j = 0; j < n; j++)
            max = j / behind % T < frames && x[j] > max ? x[j] : max;
    }
    if (!(max > 0) || !isfinite(max))
        return ser_refuse(why, "the largest value of the training data is %g: nothing to scale by",
                          (double)max);
    p[0].value[0] = max;
    return 0;
}

static void forward(const struct ser_pass *p) {
    size_t n = (size_t)p->N * ser_shape_size(&p->layer->in);
    for (size_t i = 0; i < n; i++)
        p->y[i] = p->x[i] / p->param[0].value[0];
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    ser_graph_param(g, p);
    ser_graph_node(g, "Div", "scaled", SER_INPUTS(g->x, p->name), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_scale = {
    .name = "scale",
    .usage = "scale max",
    .setup = setup,
    .init = init,
    .fit = fit,
    .forward = forward,
    .export = export,
};
