/* From the layers of an encoder to one: their mean with weights that are trained (Peters et al. 2018,
 * "Deep contextualized word representations", equation 1, without its factor). The first dimension
 * are the layers, R is all behind it: x [N,L,R] -> y [N,R]. Parameter: w [L], zero at first, so that
 * it begins as the plain mean.
 *
 *   forward    a = softmax(w);  y = the sum over l of a_l x_l
 *   backward  da_l = x_l dy;  dw = a (da - the sum over l of a da);  dx_l = a_l dy
 */
#include "math/mathfun.h"
#include "nn/layer.h"
#include <stdlib.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank < 2)
        return ser_refuse(why, "layersum needs several layers; its input is a vector");
    if (l->time_in == 0 || net->time == 0)
        return ser_refuse(
            why, "layersum adds up the first dimension, but that is time: there are no layers");
    l->out = (struct ser_shape){l->in.rank - 1, {l->in.dim[1], l->in.dim[2]}};
    l->time_out = l->time_in > 0 ? l->time_in - 1 : -1;
    return ser_param_add(net, l, "w", 1, l->in.dim, 1, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(p, 0);
}

/* a [L] and, backward, da [L]. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    (void)N;
    return 2 * (size_t)l->in.dim[0] * sizeof(float);
}

static void softmax(const float *w, int L, float *a) {
    float top = w[0], sum = 0;
    for (int l = 1; l < L; l++)
        top = w[l] > top ? w[l] : top;
    for (int l = 0; l < L; l++)
        sum += a[l] = ser_vexp(ser_splat(w[l] - top))[0];
    for (int l = 0; l < L; l++)
        a[l] /= sum;
}

/* y [R] = a x, or y + a x. */
SER_CLONES static void add(float a, const float *x, size_t R, int more, float *y) {
    for (size_t i = 0; i < R; i++)
        y[i] = more ? y[i] + a * x[i] : a * x[i];
}

SER_CLONES static float product(const float *x, const float *y, size_t n) {
    ser_vec sum = ser_splat(0);
    for (size_t i = 0; i < n; i += SER_LANES) {
        int lanes = ser_lanes((int)i, (int)n);
        sum += ser_load(x + i, lanes) * ser_load(y + i, lanes);
    }
    float all = 0;
    for (int i = 0; i < SER_LANES; i++)
        all += sum[i];
    return all;
}

static void forward(const struct ser_pass *p) {
    int L = p->layer->in.dim[0];
    size_t R = ser_shape_size(&p->layer->out);
    float *a = p->worker->scratch;
    softmax(p->param->value, L, a);
    for (int n = 0; n < p->N; n++)
        for (int l = 0; l < L; l++)
            add(a[l], p->x + ((size_t)n * L + l) * R, R, l > 0, p->y + n * R);
}

static void backward(const struct ser_pass *p) {
    int L = p->layer->in.dim[0];
    size_t R = ser_shape_size(&p->layer->out);
    float *a = p->worker->scratch, *da = a + L, sum = 0;
    softmax(p->param->value, L, a);
    for (int l = 0; l < L; l++) {
        da[l] = 0;
        for (int n = 0; n < p->N; n++) {
            size_t at = ((size_t)n * L + l) * R;
            if (p->grad[0])
                da[l] += product(p->x + at, p->dy + n * R, R);
            if (p->dx)
                add(a[l], p->dy + n * R, R, 0, p->dx + at);
        }
        sum += a[l] * da[l];
    }
    for (int l = 0; p->grad[0] && l < L; l++)
        p->grad[0][l] = a[l] * (da[l] - sum);
}

/* The layers last, times the weights as a column. */
static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x];
    if (l->in.rank == 3)
        ser_graph_transpose(g, "layers_last", 4, (int[]){0, 3, 1, 2});
    else
        ser_graph_transpose(g, "layers_last", 3, (int[]){0, 2, 1});
    memcpy(x, g->x, sizeof x);
    ser_graph_reals(g, p->name, 2, (int[]){1, l->in.dim[0]}, p->value);
    ser_graph_node(g, "Softmax", "weights", SER_INPUTS(p->name),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", -1)));
    ser_graph_transpose(g, "column", 2, (int[]){1, 0});
    ser_graph_node(g, "MatMul", "means", SER_INPUTS(x, g->x), NULL);
    ser_graph_reshape(g, "joined", l->out.rank, l->out.dim);
    return 0;
}

const struct ser_layer_type ser_layer_layersum = {
    .name = "layersum",
    .usage = "layersum",
    .setup = setup,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
