/* First in a network: each coefficient (row) with the mean 0 and the deviation 1 that it has over
 * all frames of the training data. x, y [N,H,W,1]; parameters: mean [H], deviation [H].
 *
 *   y = (x - mean) / deviation
 */
#include "nn/layer.h"
#include <math.h>
#include <stdlib.h>

enum { MEAN, DEVIATION };

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
    ser_init_constant(&p[MEAN], 0);
    ser_init_constant(&p[DEVIATION], 1);
}

/* The sums of each row, then of the squares about its mean: sums [2,H], zero at first. */
static int add_up(const struct ser_layer *l, const struct ser_samples *samples, double *sums,
                  char why[SER_WHY]) {
    int H = l->in.dim[0], W = l->in.dim[1];
    double n = (double)samples->data->n * W;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < samples->data->n; i++) {
            const float *x = ser_sample(samples, i, why);
            if (!x)
                return -1;
            for (int h = 0; h < H; h++)
                for (int w = 0; w < W; w++) {
                    double v = x[(size_t)h * W + w], m = sums[h] / n;
                    sums[pass * H + h] += pass ? (v - m) * (v - m) : v;
                }
        }
    return 0;
}

static int fit(const struct ser_layer *l, struct ser_param *p, const struct ser_samples *samples,
               char why[SER_WHY]) {
    int H = l->in.dim[0];
    double n = (double)samples->data->n * l->in.dim[1];
    double *sums = calloc(2 * (size_t)H, sizeof *sums);
    if (!sums)
        return ser_refuse(why, "not enough memory");
    int bad = add_up(l, samples, sums, why);
    for (int h = 0; !bad && h < H; h++) {
        double d = sqrt(sums[H + h] / n);
        if (!isfinite(d))
            bad = ser_refuse(why, "coefficient %d of the training data is not finite", h + 1);
        p[MEAN].value[h] = (float)(sums[h] / n);
        p[DEVIATION].value[h] = d > 0 ? (float)d : 1; /* a coefficient that never changes */
    }
    free(sums);
    return bad;
}

static void forward(const struct ser_pass *p) {
    int H = p->layer->in.dim[0], W = p->layer->in.dim[1];
    for (int row = 0; row < p->N * H; row++) {
        float mean = p->param[MEAN].value[row % H], deviation = p->param[DEVIATION].value[row % H];
        for (size_t i = (size_t)row * W; i < (size_t)(row + 1) * W; i++)
            p->y[i] = (p->x[i] - mean) / deviation;
    }
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const int column[] = {l->in.dim[0], 1}; /* the same for all frames */
    ser_graph_reals(g, p[MEAN].name, 2, column, p[MEAN].value);
    ser_graph_reals(g, p[DEVIATION].name, 2, column, p[DEVIATION].value);
    ser_graph_node(g, "Sub", "centred", SER_INPUTS(g->x, p[MEAN].name), NULL);
    ser_graph_node(g, "Div", "standard", SER_INPUTS(g->x, p[DEVIATION].name), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_standardize = {
    .name = "standardize",
    .usage = "standardize",
    .setup = setup,
    .init = init,
    .fit = fit,
    .forward = forward,
    .export = export,
};
