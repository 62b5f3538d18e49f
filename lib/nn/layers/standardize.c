/* First in a network: each coefficient with the mean 0 and the deviation 1 that it has over all
 * frames of the training data, true ones alone in a masked network. A coefficient is one place in a
 * frame: where the input has no axis of time, every element is one. x, y [N,A,T,C], T the axis of
 * time, A and C what is before and behind it; parameters: mean [AC], deviation [AC]. Of an image of H
 * coefficients over W frames A is H, T is W and C is 1.
 *
 *   y = (x - mean) / deviation
 */
#include "nn/layer.h"
#include <math.h>
#include <stdlib.h>

enum { MEAN, DEVIATION };

/* The input around its axis of time, which the layer keeps as its own. */
struct axes {
    size_t A, T, C;
    int time; /* which dimension of the input it is; -1: none */
};

static struct axes axes(const struct ser_layer *l) {
    return *(const struct axes *)l->own;
}

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    struct axes *x = l->own = malloc(sizeof *x);
    if (!x)
        return ser_refuse(why, "not enough memory");
    *x = (struct axes){1, 1, 1, net->time};
    for (int i = 0; i < l->in.rank; i++)
        *(x->time < 0 || i < x->time ? &x->A
          : i == x->time             ? &x->T
                                     : &x->C) *= (size_t)l->in.dim[i];
    const int coefs = (int)(x->A * x->C);
    if (ser_param_add(net, l, "mean", 1, &coefs, 0, 0, why))
        return -1;
    return ser_param_add(net, l, "deviation", 1, &coefs, 0, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(&p[MEAN], 0);
    ser_init_constant(&p[DEVIATION], 1);
}

/* Frames of all samples. */
static double count_frames(const struct ser_layer *l, const struct ser_samples *samples) {
    double n = 0;
    for (size_t i = 0; i < samples->data->n; i++)
        n += ser_sample_frames(samples, l, i, (int)axes(l).T);
    return n;
}

/* The sums of each coefficient over n frames, then of the squares about its mean: sums [2,AC], zero
 * at first. */
static int add_up(const struct ser_layer *l, const struct ser_samples *samples, double n,
                  double *sums, char why[SER_WHY]) {
    struct axes s = axes(l);
    size_t coefs = s.A * s.C;
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < samples->data->n; i++) {
            const float *x = ser_sample(samples, i, why);
            if (!x)
                return -1;
            size_t frames = (size_t)ser_sample_frames(samples, l, i, (int)s.T);
            for (size_t a = 0; a < s.A; a++)
                for (size_t t = 0; t < frames; t++)
                    for (size_t c = 0; c < s.C; c++) {
                        double v = x[(a * s.T + t) * s.C + c], m = sums[a * s.C + c] / n;
                        sums[pass * coefs + a * s.C + c] += pass ? (v - m) * (v - m) : v;
                    }
        }
    return 0;
}

static int fit(const struct ser_layer *l, struct ser_param *p, const struct ser_samples *samples,
               char why[SER_WHY]) {
    struct axes s = axes(l);
    size_t coefs = s.A * s.C;
    double n = count_frames(l, samples), *sums = calloc(2 * coefs, sizeof *sums);
    if (!sums)
        return ser_refuse(why, "not enough memory");
    int bad = add_up(l, samples, n, sums, why);
    for (size_t i = 0; !bad && i < coefs; i++) {
        double d = sqrt(sums[coefs + i] / n);
        if (!isfinite(d))
            bad = ser_refuse(why, "coefficient %zu of the training data is not finite", i + 1);
        p[MEAN].value[i] = (float)(sums[i] / n);
        p[DEVIATION].value[i] = d > 0 ? (float)d : 1; /* a coefficient that never changes */
    }
    free(sums);
    return bad;
}

static void forward(const struct ser_pass *p) {
    struct axes s = axes(p->layer);
    const float *x = p->x;
    float *y = p->y;
    for (size_t row = 0; row < (size_t)p->N * s.A; row++) {
        const float *mean = p->param[MEAN].value + row % s.A * s.C;
        const float *deviation = p->param[DEVIATION].value + row % s.A * s.C;
        if (s.C == 1) /* with nothing to look up a frame, which is faster */
            for (size_t t = 0; t < s.T; t++)
                y[t] = (x[t] - *mean) / *deviation;
        for (size_t t = 0; s.C > 1 && t < s.T; t++)
            for (size_t c = 0; c < s.C; c++)
                y[t * s.C + c] = (x[t * s.C + c] - mean[c]) / deviation[c];
        x += s.T * s.C;
        y += s.T * s.C;
    }
}

/* A parameter, the same for all frames: the dimension of time is 1. ONNX has the channels of an
 * image first. */
static int put(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const int *in = l->in.dim, rank = l->in.rank, time = axes(l).time;
    int dim[3];
    for (int i = 0; i < rank; i++)
        dim[i] = i == time ? 1 : in[i];
    if (rank < 3 || dim[2] == 1) {
        ser_graph_reals(g, p->name, rank < 3 ? rank : 2, dim, p->value);
        return 0;
    }
    size_t channels = (size_t)dim[2], places = p->n / channels;
    float *first = malloc(p->n * sizeof *first);
    if (!first)
        return -1;
    for (size_t i = 0; i < p->n; i++)
        first[i % channels * places + i / channels] = p->value[i];
    ser_graph_reals(g, p->name, 3, (int[]){dim[2], dim[0], dim[1]}, first);
    free(first);
    return 0;
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    if (put(g, l, &p[MEAN]) || put(g, l, &p[DEVIATION]))
        return -1;
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
