/* lstm     x [N,T,C] -> y [N,T,U], all steps
 * bilstm   x [N,T,C] -> y [N,T,2U], one over time and one against it, side by side
 *
 * In a masked network the state is zero behind the true steps: against time it begins with the last
 * of them.
 *
 * Parameters: w [C,4U], u [U,4U], b [4U], for bilstm each twice (with time, against it). Gates in
 * the order i, f, g (Keras' c), o; h and c start at zero.
 *
 *   z = x_t w + h_{t-1} u + b
 *   i, f, o = sigmoid(z),  g = tanh(z)
 *   c_t = f c_{t-1} + i g
 *   k_t = tanh(c_t)
 *   h_t = o k_t
 *
 * saved, per direction: gates [N,T,4U], c [N,T,U], k [N,T,U]. Backward turns the gates into dz in
 * place. The input side is one product over all steps, the recurrent side one a step.
 */
#include "math/mathfun.h"
#include "nn/kernels/product.h"
#include "nn/layer.h"
#include "nn/layers/orthogonal.h"
#include <math.h>
#include <stdlib.h>

enum { W, R, B }; /* w, u (recurrent), b */

static const char usage[] = "lstm UNITS [l2=X]", bi_usage[] = "bilstm UNITS [l2=X]";

/* One direction of one pass. */
struct direction {
    int T, C, U, back; /* back: against time */
    size_t ldy;        /* of a step of y and dy */
    const float *w, *u, *b;
    const float *y; /* [N,T,ldy], at this direction's column */
    float *gates, *c, *k;
};

static int setup_both(struct ser_net *net, struct ser_layer *l, int n, char **words, int directions,
                      char why[SER_WHY]) {
    float l2 = 0;
    if (n < 2 || ser_word_dims(words[1], 1, &l->units) || l->units > SER_MAX_DIM / 4)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (ser_word_options(l->type->usage, n, words, 2, NULL, &l2, why))
        return -1;
    if (ser_need_sequence(l, why))
        return -1;
    int U = l->units, one = directions == 1; /* the leading 2 is left out for one direction */
    int w[] = {2, l->in.dim[1], 4 * U}, u[] = {2, U, 4 * U}, b[] = {2, 4 * U};
    l->out = (struct ser_shape){2, {l->in.dim[0], directions * U}};
    if (ser_param_add(net, l, "w", 3 - one, w + one, 1, l2, why) ||
        ser_param_add(net, l, "u", 3 - one, u + one, 1, 0, why))
        return -1;
    return ser_param_add(net, l, "b", 2 - one, b + one, 1, 0, why);
}

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    return setup_both(net, l, n, words, 1, why);
}

static int bi_setup(struct ser_net *net, struct ser_layer *l, int n, char **words,
                    char why[SER_WHY]) {
    return setup_both(net, l, n, words, 2, why);
}

/* Directions: 1 or 2. */
static int directions(const struct ser_layer *l) {
    return l->out.dim[1] / l->units;
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    int U = l->units;
    ser_init_glorot(&p[W], seed, l->in.dim[1], 4.0 * U);
    ser_init_constant(&p[B], 0);
    for (int d = 0; d < directions(l); d++) {
        size_t n = (size_t)U * 4 * (size_t)U;
        ser_init_orthogonal(p[R].value + d * n, U, 4, ser_param_key(&p[R], seed), d * n);
        for (int j = U; j < 2 * U; j++) /* the forget gate starts open */
            p[B].value[(size_t)d * 4 * U + j] = 1;
    }
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    return (size_t)N * l->in.dim[0] * 6 * (size_t)l->out.dim[1] * sizeof(float);
}

static size_t scratch_bytes(const struct ser_layer *l, int N) {
    size_t U = (size_t)l->units;
    return ((size_t)N * 2 * U + U * 4 * U) * sizeof(float); /* dh, dc, u transposed */
}

static struct direction direction(const struct ser_pass *p, int d) {
    const struct ser_layer *l = p->layer;
    int T = l->in.dim[0], C = l->in.dim[1], U = l->units;
    size_t step = (size_t)U, all = (size_t)p->N * T * step;
    float *saved = (float *)p->saved + d * 6 * all;
    return (struct direction){
        .T = T,
        .C = C,
        .U = U,
        .back = d,
        .ldy = (size_t)l->out.dim[1],
        .w = p->param[W].value + d * C * 4 * step,
        .u = p->param[R].value + d * 4 * step * step,
        .b = p->param[B].value + d * 4 * step,
        .y = p->y + d * step,
        .gates = saved,
        .c = saved + 4 * all,
        .k = saved + 5 * all,
    };
}

/* One step of one sample: z [4U] becomes the gates; c0 [U] is the step before, NULL for zero. */
SER_CLONES static void cell(float *z, const float *b, const float *c0, int U, float *c, float *k,
                            float *h) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        ser_vec i = ser_vsigmoid(ser_load(z + j, n) + ser_load(b + j, n));
        ser_vec f = ser_vsigmoid(ser_load(z + U + j, n) + ser_load(b + U + j, n));
        ser_vec g = ser_vtanh(ser_load(z + 2 * U + j, n) + ser_load(b + 2 * U + j, n));
        ser_vec o = ser_vsigmoid(ser_load(z + 3 * U + j, n) + ser_load(b + 3 * U + j, n));
        ser_vec now = i * g;
        if (c0)
            now += f * ser_load(c0 + j, n);
        ser_vec squashed = ser_vtanh(now);
        ser_store(z + j, i, n);
        ser_store(z + U + j, f, n);
        ser_store(z + 2 * U + j, g, n);
        ser_store(z + 3 * U + j, o, n);
        ser_store(c + j, now, n);
        ser_store(k + j, squashed, n);
        ser_store(h + j, o * squashed, n);
    }
}

/* Step t of sample n is padding: its state is zero. */
static void rest(const struct direction *d, int n, int t, float *h) {
    size_t at = (size_t)n * d->T + t, U = (size_t)d->U;
    memset(d->gates + at * 4 * U, 0, 4 * U * sizeof *h);
    memset(d->c + at * U, 0, U * sizeof *h);
    memset(d->k + at * U, 0, U * sizeof *h);
    memset(h, 0, U * sizeof *h);
}

static void forward_one(const struct ser_pass *p, const struct direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, U = d->U;
    size_t ldz = 4 * (size_t)U;
    float *y = (float *)d->y;
    k->k->gemm(k->state, 0, 0, N * T, 4 * U, d->C, p->x, d->C, d->w, 4 * U, 0, d->gates, 4 * U);
    for (int s = 0; s < T; s++) {
        int t = d->back ? T - 1 - s : s, before = d->back ? t + 1 : t - 1;
        if (s) /* rows are samples: T steps apart */
            k->k->gemm(k->state, 0, 0, N, 4 * U, U, y + before * d->ldy, (int)(T * d->ldy), d->u,
                       4 * U, 1, d->gates + t * ldz, (int)(T * ldz));
        for (int n = 0; n < N; n++) {
            size_t at = (size_t)n * T + t, prev = (size_t)n * T + before;
            if (t >= ser_true_steps(p, n, T))
                rest(d, n, t, y + at * d->ldy);
            else
                cell(d->gates + at * ldz, d->b, s ? d->c + prev * U : NULL, U, d->c + at * U,
                     d->k + at * U, y + at * d->ldy);
        }
    }
}

static void forward(const struct ser_pass *p) {
    for (int i = 0; i < directions(p->layer); i++) {
        struct direction d = direction(p, i);
        forward_one(p, &d);
    }
}

/* One step of one sample, backwards: z holds the gates and becomes dz [4U]. dh [U] is what later
 * steps ask of h, dy [U] what the output does; dc [U] is carried from step to step. */
SER_CLONES static void cell_back(float *z, const float *c0, const float *k, const float *dh,
                                 const float *dy, int U, float *dc) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        ser_vec i = ser_load(z + j, n), f = ser_load(z + U + j, n), g = ser_load(z + 2 * U + j, n),
                o = ser_load(z + 3 * U + j, n), tc = ser_load(k + j, n);
        ser_vec c = c0 ? ser_load(c0 + j, n) : (ser_vec){0};
        ser_vec d = ser_load(dh + j, n) + ser_load(dy + j, n);
        ser_vec cell = ser_load(dc + j, n) + d * o * (1.0f - tc * tc);
        ser_store(z + j, cell * g * i * (1.0f - i), n);
        ser_store(z + U + j, cell * c * f * (1.0f - f), n);
        ser_store(z + 2 * U + j, cell * i * (1.0f - g * g), n);
        ser_store(z + 3 * U + j, d * tc * o * (1.0f - o), n);
        ser_store(dc + j, cell * f, n);
    }
}

/* dz of all steps into d->gates, where that of padding is zero already: its gates are. */
static void back_through_time(const struct ser_pass *p, const struct direction *d,
                              const float *dy) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, U = d->U;
    size_t ldz = 4 * (size_t)U;
    float *dh = k->scratch, *dc = dh + (size_t)N * U, *ut = dc + (size_t)N * U;
    memset(dh, 0, (size_t)N * 2 * U * sizeof *dh);
    ser_transpose(d->u, U, 4 * U, ldz, ut, (size_t)U);
    for (int s = T - 1; s >= 0; s--) {
        int t = d->back ? T - 1 - s : s, before = d->back ? t + 1 : t - 1;
        for (int n = 0; n < N; n++) {
            size_t at = (size_t)n * T + t, prev = (size_t)n * T + before;
            if (t < ser_true_steps(p, n, T))
                cell_back(d->gates + at * ldz, s ? d->c + prev * U : NULL, d->k + at * U,
                          dh + (size_t)n * U, dy + at * d->ldy, U, dc + (size_t)n * U);
        }
        if (s) /* dh [N,U] = dz_t [N,4U] u^T */
            k->k->gemm(k->state, 0, 0, N, U, 4 * U, d->gates + t * ldz, (int)(T * ldz), ut, U, 0,
                       dh, U);
    }
}

/* du [U,4U]: h_{t-1} against dz_t, T - 1 pairs a sample. */
static void recurrent_gradient(const struct ser_pass *p, const struct direction *d, float *du) {
    struct ser_worker *k = p->worker;
    int T = d->T, U = d->U;
    size_t ldz = 4 * (size_t)U;
    if (T == 1)
        memset(du, 0, U * ldz * sizeof *du);
    for (int n = 0; T > 1 && n < p->N; n++) {
        const float *h = d->y + ((size_t)n * T + d->back) * d->ldy;
        const float *dz = d->gates + ((size_t)n * T + !d->back) * ldz;
        k->k->gemm(k->state, 1, 0, U, 4 * U, T - 1, h, (int)d->ldy, dz, 4 * U, n > 0, du, 4 * U);
    }
}

static void backward_one(const struct ser_pass *p, const struct direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, C = d->C, U = d->U, back = d->back;
    size_t ldz = 4 * (size_t)U;
    back_through_time(p, d, p->dy + back * U);
    if (p->grad[W])
        k->k->gemm(k->state, 1, 0, C, 4 * U, N * T, p->x, C, d->gates, 4 * U, 0,
                   p->grad[W] + back * C * ldz, 4 * U);
    if (p->grad[R])
        recurrent_gradient(p, d, p->grad[R] + back * U * ldz);
    if (p->grad[B])
        ser_sum_rows(d->gates, (size_t)N * T, 4 * U, ldz, p->grad[B] + back * ldz);
    if (p->dx)
        k->k->gemm(k->state, 0, 1, N * T, C, 4 * U, d->gates, 4 * U, d->w, 4 * U, back, p->dx, C);
}

static void backward(const struct ser_pass *p) {
    for (int i = 0; i < directions(p->layer); i++) {
        struct direction d = direction(p, i);
        backward_one(p, &d);
    }
}

/* ---- export: ONNX has [T,N,C] -> [T,D,N,U], D directions, gates in the order i, o, f, c ---- */

/* v [D,n,4U] as [D,4U,n] with the gates in ONNX's order, for free(); NULL without memory. */
static float *turn_gates(const float *v, int D, int n, int U) {
    static const int gate[] = {0, 3, 1, 2};
    float *turned = malloc((size_t)D * n * 4 * (size_t)U * sizeof *turned), *to = turned;
    if (!turned)
        return NULL;
    for (int d = 0; d < D; d++)
        for (int q = 0; q < 4; q++)
            for (int j = 0; j < U; j++)
                for (int i = 0; i < n; i++)
                    *to++ = v[(((size_t)d * n + i) * 4 + gate[q]) * U + j];
    return turned;
}

/* v [D,n,4U] becomes the tensor [D,4U,n]. */
static int export_weights(struct ser_graph *g, const struct ser_param *p, int D, int n, int U) {
    float *turned = turn_gates(p->value, D, n, U);
    if (turned)
        ser_graph_reals(g, p->name, 3, (int[]){D, 4 * U, n}, turned);
    free(turned);
    return turned ? 0 : -1;
}

/* ONNX adds a bias on the input's side and one on the recurrent side: ours, and zeros. */
static int export_bias(struct ser_graph *g, const struct ser_param *p, int D, int U) {
    size_t n = 4 * (size_t)U;
    float *turned = turn_gates(p->value, D, 1, U), *both = calloc(2 * D * n, sizeof *both);
    int bad = !turned || !both;
    for (int d = 0; !bad && d < D; d++)
        memcpy(both + 2 * d * n, turned + d * n, n * sizeof *both);
    if (!bad)
        ser_graph_reals(g, p->name, 2, (int[]){D, 8 * U}, both);
    free(turned);
    free(both);
    return bad ? -1 : 0;
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    int U = l->units, D = directions(l);
    char lengths[64];
    if (export_weights(g, &p[W], D, l->in.dim[1], U) || export_weights(g, &p[R], D, U, U) ||
        export_bias(g, &p[B], D, U))
        return -1;
    if (l->time_in == 0)
        ser_graph_true_lengths(g, lengths);
    ser_graph_transpose(g, "steps", 3, (int[]){1, 0, 2});
    ser_graph_node(
        g, "LSTM", "states",
        SER_INPUTS(g->x, p[W].name, p[R].name, p[B].name, l->time_in == 0 ? lengths : NULL),
        SER_ATTRIBUTES(ser_attribute_text("direction", D == 2 ? "bidirectional" : "forward"),
                       ser_attribute_whole("hidden_size", U)));
    ser_graph_transpose(g, "samples", 4, (int[]){2, 0, 1, 3});
    ser_graph_reshape(g, "joined", 2, l->out.dim);
    return 0;
}

const struct ser_layer_type ser_layer_lstm = {
    .name = "lstm",
    .usage = usage,
    .setup = setup,
    .init = init,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};

const struct ser_layer_type ser_layer_bilstm = {
    .name = "bilstm",
    .usage = bi_usage,
    .both_ways = 1,
    .setup = bi_setup,
    .init = init,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
