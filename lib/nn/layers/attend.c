/* From a sequence to a vector by additive attention, x [N,T,C]:
 *
 *   attend H         y [N,H*C], H heads: each a mean of all steps with weights of its own
 *   attentivestats   y [N,2C], one head: the weighted mean, then the weighted deviation
 *
 * Parameters: w [C,A], b [A], v [A,H]. (Bahdanau et al. 2015; attentive statistics: Okabe, Koshinaka,
 * Shinoda 2018.)
 *
 *   forward    e = tanh(x w + b) [T,A],  a = softmax over time of e v [T,H]
 *              mean_h = the sum over t of a_th x_t
 *              deviation = sqrt(the sum over t of a_t (x_t - mean)^2 + 1e-5)
 *   backward  da_th = dmean_h x_t;  ds = a (da - the sum over time of a da)
 *              dv = e^T ds,  dz = (ds v^T) (1 - e^2),  dw = x^T dz,  db = the sum of dz
 *              dx = a dmean + dz w^T
 *              of the deviation, with r = ddeviation / (2 deviation): da_t += (x_t - mean)^2 r and
 *              dx_t += 2 a_t (x_t - mean) r
 *
 * In a masked network T of a sample are its true steps. saved: e [N,T,A], a [N,T,H].
 */
#include "math/mathfun.h"
#include "nn/layer.h"
#include <math.h>
#include <stdlib.h>

enum { W, B, V };

#define EPSILON 1e-5f

static const char usage[] = "attend HEADS [units=A]", usage_stats[] = "attentivestats [units=A]";

struct shape {
    int T, C, A, H;
};

static struct shape shape(const struct ser_layer *l) {
    return (struct shape){l->in.dim[0], l->in.dim[1], l->units, l->groups};
}

static int is_stats(const struct ser_layer *l) {
    return l->type == &ser_layer_attentivestats;
}

/* l->units: A; l->groups: heads. */
static int setup_words(struct ser_net *net, struct ser_layer *l, int n, char **words, int from,
                       int outputs, char why[SER_WHY]) {
    if (ser_need_sequence(l, why))
        return -1;
    l->units = 64;
    if (n > from + 1 || (n > from && (strncmp(words[from], "units=", 6) != 0 ||
                                      ser_word_dims(words[from] + 6, 1, &l->units))))
        return ser_refuse(why, "usage: %s", l->type->usage);
    int C = l->in.dim[1];
    if (l->in.dim[0] > SER_MAX_ELEMENTS / (l->units + l->groups))
        return ser_refuse(why, "%s over %d steps is too large", l->type->name, l->in.dim[0]);
    if (outputs > SER_MAX_ELEMENTS / C)
        return ser_refuse(why, "%d heads of %d channels are too many", outputs, C);
    l->out = (struct ser_shape){1, {outputs * C}};
    if (ser_param_add(net, l, "w", 2, (int[]){C, l->units}, 1, 0, why) ||
        ser_param_add(net, l, "b", 1, &l->units, 1, 0, why))
        return -1;
    return ser_param_add(net, l, "v", 2, (int[]){l->units, l->groups}, 1, 0, why);
}

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    if (n < 2 || ser_word_dims(words[1], 1, &l->groups))
        return ser_refuse(why, "usage: %s", usage);
    return setup_words(net, l, n, words, 2, l->groups, why);
}

static int setup_stats(struct ser_net *net, struct ser_layer *l, int n, char **words,
                       char why[SER_WHY]) {
    l->groups = 1;
    return setup_words(net, l, n, words, 1, 2, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    struct shape s = shape(l);
    ser_init_glorot(&p[W], seed, s.C, s.A);
    ser_init_constant(&p[B], 0);
    ser_init_glorot(&p[V], seed, s.A, s.H);
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    struct shape s = shape(l);
    return (size_t)N * (size_t)s.T * ((size_t)s.A + (size_t)s.H) * sizeof(float);
}

/* Of sample n, its true steps. */
static struct shape shape_of(const struct ser_pass *p, int n) {
    struct shape s = shape(p->layer);
    s.T = ser_true_steps(p, n, s.T);
    return s;
}

/* Of a sample: da, then ds [T,H]; dz [T,A]. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    struct shape s = shape(l);
    (void)N;
    return (size_t)s.T * ((size_t)s.A + (size_t)s.H) * sizeof(float);
}

/* ---- forward ---- */

/* e [T,A] = tanh(e + b). */
SER_CLONES static void squash(const float *b, int T, int A, float *e) {
    for (int t = 0; t < T; t++, e += A)
        for (int j = 0; j < A; j += SER_LANES) {
            int n = ser_lanes(j, A);
            ser_store(e + j, ser_vtanh(ser_load(e + j, n) + ser_load(b + j, n)), n);
        }
}

/* a [T,H] becomes its softmax over time. */
static void weigh(int T, int H, float *a) {
    for (int h = 0; h < H; h++) {
        float top = a[h], sum = 0;
        for (int t = 1; t < T; t++)
            top = a[t * H + h] > top ? a[t * H + h] : top;
        for (int t = 0; t < T; t++) {
            a[t * H + h] = ser_vexp(ser_splat(a[t * H + h] - top))[0];
            sum += a[t * H + h];
        }
        for (int t = 0; t < T; t++)
            a[t * H + h] /= sum;
    }
}

/* deviation [C] of x [T,C] with the weights a [T]. */
SER_CLONES static void deviate(const float *x, const float *a, const float *mean, int T, int C,
                               float *deviation) {
    for (int c = 0; c < C; c++)
        deviation[c] = EPSILON;
    for (int t = 0; t < T; t++, x += C)
        for (int c = 0; c < C; c++)
            deviation[c] += a[t] * (x[c] - mean[c]) * (x[c] - mean[c]);
    for (int c = 0; c < C; c++)
        deviation[c] = sqrtf(deviation[c]);
}

static void forward(const struct ser_pass *p) {
    struct shape all = shape(p->layer);
    struct ser_worker *k = p->worker;
    size_t in = (size_t)all.T * (size_t)all.C, out = ser_shape_size(&p->layer->out);
    float *e = p->saved, *a = e + (size_t)p->N * all.T * all.A;
    for (int n = 0; n < p->N; n++, e += (size_t)all.T * all.A, a += (size_t)all.T * all.H) {
        struct shape s = shape_of(p, n);
        const float *x = p->x + n * in;
        float *y = p->y + n * out;
        k->k->gemm(k->state, 0, 0, s.T, s.A, s.C, x, s.C, p->param[W].value, s.A, 0, e, s.A);
        squash(p->param[B].value, s.T, s.A, e);
        k->k->gemm(k->state, 0, 0, s.T, s.H, s.A, e, s.A, p->param[V].value, s.H, 0, a, s.H);
        weigh(s.T, s.H, a);
        k->k->gemm(k->state, 1, 0, s.H, s.C, s.T, a, s.H, x, s.C, 0, y, s.C);
        if (is_stats(p->layer))
            deviate(x, a, y, s.T, s.C, y + s.C);
    }
}

/* ---- backward ---- */

/* What the deviation adds to da [T] and dx [T,C]. */
SER_CLONES static void deviate_back(const float *x, const float *a, const float *y, const float *dy,
                                    int T, int C, float *da, float *dx) {
    for (int t = 0; t < T; t++, x += C) {
        float sum = 0;
        for (int c = 0; c < C; c++) {
            float d = x[c] - y[c], r = dy[C + c] / (2 * y[C + c]);
            sum += d * d * r;
            if (dx)
                dx[(size_t)t * C + c] += 2 * a[t] * d * r;
        }
        da[t] += sum;
    }
}

/* da [T,H] becomes ds. */
static void softmax_back(const float *a, int T, int H, float *da) {
    for (int h = 0; h < H; h++) {
        float sum = 0;
        for (int t = 0; t < T; t++)
            sum += a[t * H + h] * da[t * H + h];
        for (int t = 0; t < T; t++)
            da[t * H + h] = a[t * H + h] * (da[t * H + h] - sum);
    }
}

/* dz [T,A] becomes dz (1 - e^2). */
SER_CLONES static void squash_back(const float *e, size_t n, float *dz) {
    for (size_t i = 0; i < n; i++)
        dz[i] *= 1 - e[i] * e[i];
}

static void add_to_bias(const float *dz, int T, int A, float *db) {
    for (int t = 0; t < T; t++, dz += A)
        for (int j = 0; j < A; j++)
            db[j] += dz[j];
}

static void backward(const struct ser_pass *p) {
    struct shape all = shape(p->layer);
    struct ser_worker *k = p->worker;
    size_t in = (size_t)all.T * (size_t)all.C, out = ser_shape_size(&p->layer->out);
    float *e = p->saved, *a = e + (size_t)p->N * all.T * all.A;
    float *ds = k->scratch, *dz = ds + (size_t)all.T * all.H;
    if (p->grad[B])
        memset(p->grad[B], 0, (size_t)all.A * sizeof(float));
    for (int n = 0; n < p->N; n++, e += (size_t)all.T * all.A, a += (size_t)all.T * all.H) {
        struct shape s = shape_of(p, n);
        const float *x = p->x + n * in, *y = p->y + n * out, *dy = p->dy + n * out;
        float *dx = p->dx ? p->dx + n * in : NULL;
        k->k->gemm(k->state, 0, 1, s.T, s.H, s.C, x, s.C, dy, s.C, 0, ds, s.H);
        if (dx)
            k->k->gemm(k->state, 0, 0, s.T, s.C, s.H, a, s.H, dy, s.C, 0, dx, s.C);
        if (is_stats(p->layer))
            deviate_back(x, a, y, dy, s.T, s.C, ds, dx);
        softmax_back(a, s.T, s.H, ds);
        if (p->grad[V])
            k->k->gemm(k->state, 1, 0, s.A, s.H, s.T, e, s.A, ds, s.H, n > 0, p->grad[V], s.H);
        k->k->gemm(k->state, 0, 1, s.T, s.A, s.H, ds, s.H, p->param[V].value, s.H, 0, dz, s.A);
        squash_back(e, (size_t)s.T * s.A, dz);
        if (p->grad[W])
            k->k->gemm(k->state, 1, 0, s.C, s.A, s.T, x, s.C, dz, s.A, n > 0, p->grad[W], s.A);
        if (p->grad[B])
            add_to_bias(dz, s.T, s.A, p->grad[B]);
        if (dx)
            k->k->gemm(k->state, 0, 1, s.T, s.C, s.A, dz, s.A, p->param[W].value, s.A, 1, dx, s.C);
    }
}

/* ---- export ---- */

/* The weights [N,T,H], then turned [N,H,T]; g->x is the mean [N,H,C], its input x. */
static void export_mean(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p,
                        const char *x) {
    for (int i = W; i <= V; i++)
        ser_graph_param(g, &p[i]);
    ser_graph_node(g, "MatMul", "products", SER_INPUTS(x, p[W].name), NULL);
    ser_graph_node(g, "Add", "shifted", SER_INPUTS(g->x, p[B].name), NULL);
    ser_graph_node(g, "Tanh", "energies", SER_INPUTS(g->x), NULL);
    ser_graph_node(g, "MatMul", "scores", SER_INPUTS(g->x, p[V].name), NULL);
    ser_graph_transpose(g, "heads", 3, (int[]){0, 2, 1});
    if (l->time_in == 0)
        ser_graph_true_scores(g);
    ser_graph_node(g, "Softmax", "weights", SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", -1)));
    ser_graph_node(g, "MatMul", "means", SER_INPUTS(g->x, x), NULL);
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x];
    memcpy(x, g->x, sizeof x);
    export_mean(g, l, p, x);
    ser_graph_reshape(g, "joined", 1, l->out.dim);
    return 0;
}

static int export_stats(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x], mean[64], weights[64], centred[64], epsilon[64];
    memcpy(x, g->x, sizeof x);
    export_mean(g, l, p, x);
    memcpy(mean, g->x, sizeof mean);
    ser_graph_name(g, "weights", weights);
    ser_graph_number(g, "epsilon", EPSILON, epsilon);
    ser_graph_node(g, "Sub", "centred", SER_INPUTS(x, mean), NULL);
    memcpy(centred, g->x, sizeof centred);
    ser_graph_node(g, "Mul", "squares", SER_INPUTS(centred, centred), NULL);
    ser_graph_node(g, "MatMul", "variances", SER_INPUTS(weights, g->x), NULL);
    ser_graph_node(g, "Add", "enlarged", SER_INPUTS(g->x, epsilon), NULL);
    ser_graph_node(g, "Sqrt", "deviations", SER_INPUTS(g->x), NULL);
    ser_graph_node(g, "Concat", "both", SER_INPUTS(mean, g->x),
                   SER_ATTRIBUTES(ser_attribute_whole("axis", 2)));
    ser_graph_reshape(g, "joined", 1, l->out.dim);
    return 0;
}

const struct ser_layer_type ser_layer_attend = {
    .name = "attend",
    .usage = usage,
    .setup = setup,
    .init = init,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};

const struct ser_layer_type ser_layer_attentivestats = {
    .name = "attentivestats",
    .usage = usage_stats,
    .setup = setup_stats,
    .init = init,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export_stats,
};
