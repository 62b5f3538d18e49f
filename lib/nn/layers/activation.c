/* Functions of each number by itself, x and y of any shape:
 *
 *   relu     max(0, x)
 *   leaky    x where x > 0, else slope x; the slope is 0.01 unless the line says another
 *   elu      x where x > 0, else e^x - 1
 *   gelu     x Phi(x), Phi the normal distribution, by the error function (Hendrycks, Gimpel 2016)
 *   tanh     the hyperbolic tangent
 */
#include "math/mathfun.h"
#include "nn/layer.h"

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    return 0;
}

static int setup_leaky(struct ser_net *net, struct ser_layer *l, int n, char **words,
                       char why[SER_WHY]) {
    double slope = 0.01;
    (void)net;
    if (n > 2 || (n == 2 && ser_word_number(words[1], 0, 1, &slope)))
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->rate = (float)slope;
    l->out = l->in;
    return 0;
}

/* ---- the functions, and their slopes at x where they are y ---- */

SER_INLINE ser_vec leaky(ser_vec x, float slope) {
    return ser_select(x > 0.0f, x, x * slope);
}

SER_INLINE ser_vec leaky_slope(ser_vec x, ser_vec y, float slope) {
    (void)y;
    return ser_select(x > 0.0f, ser_splat(1), ser_splat(slope));
}

SER_INLINE ser_vec elu(ser_vec x, float none) {
    (void)none;
    return ser_select(x > 0.0f, x, ser_vexp(x) - 1.0f);
}

SER_INLINE ser_vec elu_slope(ser_vec x, ser_vec y, float none) {
    (void)none;
    return ser_select(x > 0.0f, ser_splat(1), y + 1.0f);
}

SER_INLINE ser_vec normal_below(ser_vec x) {
    return 0.5f + 0.5f * ser_verf(x * 0.70710678f);
}

SER_INLINE ser_vec gelu(ser_vec x, float none) {
    (void)none;
    return x * normal_below(x);
}

SER_INLINE ser_vec gelu_slope(ser_vec x, ser_vec y, float none) {
    (void)y;
    (void)none;
    return normal_below(x) + x * 0.39894228f * ser_vexp(-0.5f * x * x);
}

SER_INLINE ser_vec tangent(ser_vec x, float none) {
    (void)none;
    return ser_vtanh(x);
}

SER_INLINE ser_vec tangent_slope(ser_vec x, ser_vec y, float none) {
    (void)x;
    (void)none;
    return 1.0f - y * y;
}

/* ---- the layers ---- */

/* name_all: y [n] from x; name_back: dx [n] from dy. */
#define FUNCTION(name)                                                                             \
    SER_CLONES static void name##_all(const float *x, size_t n, float rate, float *y) {            \
        for (size_t i = 0; i < n; i += SER_LANES) {                                                \
            int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;                              \
            ser_store(y + i, name(ser_load(x + i, lanes), rate), lanes);                           \
        }                                                                                          \
    }                                                                                              \
    SER_CLONES static void name##_back(const float *x, const float *y, const float *dy, size_t n,  \
                                       float rate, float *dx) {                                    \
        for (size_t i = 0; i < n; i += SER_LANES) {                                                \
            int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;                              \
            ser_vec slope = name##_slope(ser_load(x + i, lanes), ser_load(y + i, lanes), rate);    \
            ser_store(dx + i, ser_load(dy + i, lanes) * slope, lanes);                             \
        }                                                                                          \
    }                                                                                              \
    static void name##_forward(const struct ser_pass *p) {                                         \
        name##_all(p->x, (size_t)p->N *ser_shape_size(&p->layer->in), p->layer->rate, p->y);       \
    }                                                                                              \
    static void name##_backward(const struct ser_pass *p) {                                        \
        if (p->dx)                                                                                 \
            name##_back(p->x, p->y, p->dy, (size_t)p->N *ser_shape_size(&p->layer->in),            \
                        p->layer->rate, p->dx);                                                    \
    }

FUNCTION(leaky)
FUNCTION(elu)
FUNCTION(gelu)
FUNCTION(tangent)

/* ---- export ---- */

static int export_relu(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    (void)p;
    ser_graph_node(g, "Relu", "relu", SER_INPUTS(g->x), NULL);
    return 0;
}

static int export_leaky(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)p;
    ser_graph_node(g, "LeakyRelu", "leaky", SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_real("alpha", l->rate)));
    return 0;
}

static int export_elu(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    (void)p;
    ser_graph_node(g, "Elu", "elu", SER_INPUTS(g->x), NULL);
    return 0;
}

static int export_tanh(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    (void)p;
    ser_graph_node(g, "Tanh", "tanh", SER_INPUTS(g->x), NULL);
    return 0;
}

/* x Phi(x) = x (erf(x / sqrt 2) + 1) / 2. */
static int export_gelu(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x], root[64], one[64], half[64];
    (void)l;
    (void)p;
    memcpy(x, g->x, sizeof x);
    ser_graph_number(g, "root_half", 0.70710678f, root);
    ser_graph_number(g, "one", 1, one);
    ser_graph_number(g, "half", 0.5f, half);
    ser_graph_node(g, "Mul", "scaled", SER_INPUTS(x, root), NULL);
    ser_graph_node(g, "Erf", "erf", SER_INPUTS(g->x), NULL);
    ser_graph_node(g, "Add", "twice", SER_INPUTS(g->x, one), NULL);
    ser_graph_node(g, "Mul", "weighed", SER_INPUTS(g->x, x), NULL);
    ser_graph_node(g, "Mul", "gelu", SER_INPUTS(g->x, half), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_relu = {
    .name = "relu",
    .usage = "relu",
    .in_place = 1,
    .setup = setup,
    .forward = leaky_forward, /* with slope 0 */
    .backward = leaky_backward,
    .export = export_relu,
};

const struct ser_layer_type ser_layer_leaky = {
    .name = "leaky",
    .usage = "leaky [SLOPE] (0 to 1)",
    .in_place = 1,
    .setup = setup_leaky,
    .forward = leaky_forward,
    .backward = leaky_backward,
    .export = export_leaky,
};

const struct ser_layer_type ser_layer_elu = {
    .name = "elu",
    .usage = "elu",
    .in_place = 1,
    .setup = setup,
    .forward = elu_forward,
    .backward = elu_backward,
    .export = export_elu,
};

const struct ser_layer_type ser_layer_gelu = {
    .name = "gelu",
    .usage = "gelu",
    .in_place = 1,
    .setup = setup,
    .forward = gelu_forward,
    .backward = gelu_backward,
    .export = export_gelu,
};

const struct ser_layer_type ser_layer_tanh = {
    .name = "tanh",
    .usage = "tanh",
    .in_place = 1,
    .setup = setup,
    .forward = tangent_forward,
    .backward = tangent_backward,
    .export = export_tanh,
};
