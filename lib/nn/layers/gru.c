/* gru     x [N,T,C] -> y [N,T,U], all steps
 * bigru   x [N,T,C] -> y [N,T,2U], one over time and one against it, side by side
 *
 * In a masked network the state is zero behind the true steps: against time it begins with the last
 * of them.
 *
 * Parameters: w [C,3U], u [U,3U], b [2,3U], for bigru each twice (with time, against it). Gates in
 * the order z, r, n; b has the input's bias, then the recurrent one. As Keras has it (reset_after)
 * and PyTorch (Cho et al. 2014 with the reset gate after the product); h starts at zero.
 *
 *   a = x_t w + b[0],  q = h_{t-1} u + b[1]
 *   z, r = sigmoid(a + q),  n = tanh(a_n + r q_n)
 *   h_t = (1 - z) n + z h_{t-1}
 *
 * saved, per direction: gates [N,T,3U], q_n [N,T,U]. Backward turns the gates into da and q_n into
 * dq_n in place; dq of the other two is da's.
 */
#include "math/mathfun.h"
#include "nn/kernels/product.h"
#include "nn/layer.h"
#include "nn/layers/orthogonal.h"
#include <stdlib.h>

enum { W, R, B }; /* w, u (recurrent), b */

/* One direction of one pass. */
struct direction {
    int T, C, U, back; /* back: against time */
    size_t ldy;        /* of a step of y and dy */
    const float *w, *u, *b;
    const float *y; /* [N,T,ldy], at this direction's column */
    float *gates, *q;
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
    int w[] = {2, l->in.dim[1], 3 * U}, u[] = {2, U, 3 * U}, b[] = {2, 2, 3 * U};
    l->out = (struct ser_shape){2, {l->in.dim[0], directions * U}};
    if (ser_param_add(net, l, "w", 3 - one, w + one, 1, l2, why) ||
        ser_param_add(net, l, "u", 3 - one, u + one, 1, 0, why))
        return -1;
    return ser_param_add(net, l, "b", 3 - one, b + one, 1, 0, why);
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
    ser_init_glorot(&p[W], seed, l->in.dim[1], 3.0 * U);
    ser_init_constant(&p[B], 0);
    for (int d = 0; d < directions(l); d++) {
        size_t n = (size_t)U * 3 * (size_t)U;
        ser_init_orthogonal(p[R].value + d * n, U, 3, ser_param_key(&p[R], seed), d * n);
    }
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    return (size_t)N * l->in.dim[0] * 4 * (size_t)l->out.dim[1] * sizeof(float);
}

/* Forward: q of a step [N,3U]. Backward: dh [N,U], u transposed [3U,U]. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    size_t U = (size_t)l->units;
    return ((size_t)N * 3 * U + U * 3 * U) * sizeof(float);
}

static struct direction direction(const struct ser_pass *p, int d) {
    const struct ser_layer *l = p->layer;
    int T = l->in.dim[0], C = l->in.dim[1], U = l->units;
    size_t step = (size_t)U, all = (size_t)p->N * T * step;
    float *saved = (float *)p->saved + d * 4 * all;
    return (struct direction){
        .T = T,
        .C = C,
        .U = U,
        .back = d,
        .ldy = (size_t)l->out.dim[1],
        .w = p->param[W].value + d * C * 3 * step,
        .u = p->param[R].value + d * 3 * step * step,
        .b = p->param[B].value + d * 6 * step,
        .y = p->y + d * step,
        .gates = saved,
        .q = saved + 3 * all,
    };
}

/* One step of one sample: a [3U] becomes the gates, h [U] the new state. q [3U] is h_{t-1} u; before
 * [U] is h_{t-1}, NULL for zero. */
SER_CLONES static void cell(float *a, const float *q, const float *b, const float *before, int U,
                            float *q_n, float *h) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        const float *c = b + 3 * U;
        ser_vec was = before ? ser_load(before + j, n) : (ser_vec){0};
        ser_vec z =
            ser_load(a + j, n) + ser_load(b + j, n) + ser_load(q + j, n) + ser_load(c + j, n);
        ser_vec r = ser_load(a + U + j, n) + ser_load(b + U + j, n) + ser_load(q + U + j, n) +
                    ser_load(c + U + j, n);
        ser_vec m = ser_load(q + 2 * U + j, n) + ser_load(c + 2 * U + j, n);
        z = ser_vsigmoid(z);
        r = ser_vsigmoid(r);
        ser_vec g = ser_vtanh(ser_load(a + 2 * U + j, n) + ser_load(b + 2 * U + j, n) + r * m);
        ser_store(a + j, z, n);
        ser_store(a + U + j, r, n);
        ser_store(a + 2 * U + j, g, n);
        ser_store(q_n + j, m, n);
        ser_store(h + j, (1.0f - z) * g + z * was, n);
    }
}

/* Step t of sample n is padding: its state is zero. */
static void rest(const struct direction *d, int n, int t, float *h) {
    size_t at = (size_t)n * d->T + t, U = (size_t)d->U;
    memset(d->gates + at * 3 * U, 0, 3 * U * sizeof *h);
    memset(d->q + at * U, 0, U * sizeof *h);
    memset(h, 0, U * sizeof *h);
}

static void forward_one(const struct ser_pass *p, const struct direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, U = d->U;
    size_t ldz = 3 * (size_t)U;
    float *y = (float *)d->y, *q = k->scratch;
    k->k->gemm(k->state, 0, 0, N * T, 3 * U, d->C, p->x, d->C, d->w, 3 * U, 0, d->gates, 3 * U);
    memset(q, 0, (size_t)N * ldz * sizeof *q);
    for (int s = 0; s < T; s++) {
        int t = d->back ? T - 1 - s : s, before = d->back ? t + 1 : t - 1;
        if (s) /* rows are samples: T steps apart */
            k->k->gemm(k->state, 0, 0, N, 3 * U, U, y + before * d->ldy, (int)(T * d->ldy), d->u,
                       3 * U, 0, q, 3 * U);
        for (int n = 0; n < N; n++) {
            size_t at = (size_t)n * T + t, prev = (size_t)n * T + before;
            if (t >= ser_true_steps(p, n, T))
                rest(d, n, t, y + at * d->ldy);
            else
                cell(d->gates + at * ldz, q + n * ldz, d->b, s ? y + prev * d->ldy : NULL, U,
                     d->q + at * U, y + at * d->ldy);
        }
    }
}

static void forward(const struct ser_pass *p) {
    for (int i = 0; i < directions(p->layer); i++) {
        struct direction d = direction(p, i);
        forward_one(p, &d);
    }
}

/* One step of one sample, backwards: a holds the gates and becomes da [3U], q_n [U] becomes dq_n. dh
 * [U] is what later steps ask of h, dy [U] what the output does; dh becomes what goes to h_{t-1}
 * past the products. */
SER_CLONES static void cell_back(float *a, float *q_n, const float *before, const float *dy, int U,
                                 float *dh) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        ser_vec z = ser_load(a + j, n), r = ser_load(a + U + j, n), g = ser_load(a + 2 * U + j, n),
                m = ser_load(q_n + j, n), was = before ? ser_load(before + j, n) : (ser_vec){0};
        ser_vec d = ser_load(dh + j, n) + ser_load(dy + j, n);
        ser_vec dg = d * (1.0f - z) * (1.0f - g * g);
        ser_store(a + j, d * (was - g) * z * (1.0f - z), n);
        ser_store(a + U + j, dg * m * r * (1.0f - r), n);
        ser_store(a + 2 * U + j, dg, n);
        ser_store(q_n + j, dg * r, n);
        ser_store(dh + j, d * z, n);
    }
}

/* da and dq_n of all steps, in place of the gates and q_n, where those of padding are zero already. */
static void back_through_time(const struct ser_pass *p, const struct direction *d,
                              const float *dy) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, U = d->U;
    size_t ldz = 3 * (size_t)U;
    float *dh = k->scratch, *ut = dh + (size_t)N * U;
    memset(dh, 0, (size_t)N * U * sizeof *dh);
    ser_transpose(d->u, U, 3 * U, ldz, ut, (size_t)U);
    for (int s = T - 1; s >= 0; s--) {
        int t = d->back ? T - 1 - s : s, before = d->back ? t + 1 : t - 1;
        for (int n = 0; n < N; n++) {
            size_t at = (size_t)n * T + t, prev = (size_t)n * T + before;
            if (t < ser_true_steps(p, n, T))
                cell_back(d->gates + at * ldz, d->q + at * U, s ? d->y + prev * d->ldy : NULL,
                          dy + at * d->ldy, U, dh + (size_t)n * U);
        }
        if (!s)
            break;
        k->k->gemm(k->state, 0, 0, N, U, 2 * U, d->gates + t * ldz, (int)(T * ldz), ut, U, 1, dh,
                   U);
        k->k->gemm(k->state, 0, 0, N, U, U, d->q + (size_t)t * U, T * U,
                   ut + 2 * (size_t)U * (size_t)U, U, 1, dh, U);
    }
}

/* du [U,3U]: h_{t-1} against dq_t, T - 1 pairs a sample. */
static void recurrent_gradient(const struct ser_pass *p, const struct direction *d, float *du) {
    struct ser_worker *k = p->worker;
    int T = d->T, U = d->U;
    size_t ldz = 3 * (size_t)U;
    if (T == 1)
        memset(du, 0, U * ldz * sizeof *du);
    for (int n = 0; T > 1 && n < p->N; n++) {
        size_t first = (size_t)n * T + !d->back;
        const float *h = d->y + ((size_t)n * T + d->back) * d->ldy;
        k->k->gemm(k->state, 1, 0, U, 2 * U, T - 1, h, (int)d->ldy, d->gates + first * ldz, 3 * U,
                   n > 0, du, 3 * U);
        k->k->gemm(k->state, 1, 0, U, U, T - 1, h, (int)d->ldy, d->q + first * U, U, n > 0,
                   du + 2 * (size_t)U, 3 * U);
    }
}

static void backward_one(const struct ser_pass *p, const struct direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, C = d->C, U = d->U, back = d->back;
    size_t ldz = 3 * (size_t)U, rows = (size_t)N * T;
    back_through_time(p, d, p->dy + back * U);
    if (p->grad[W])
        k->k->gemm(k->state, 1, 0, C, 3 * U, N * T, p->x, C, d->gates, 3 * U, 0,
                   p->grad[W] + back * C * ldz, 3 * U);
    if (p->grad[R])
        recurrent_gradient(p, d, p->grad[R] + back * U * ldz);
    if (p->grad[B]) {
        float *db = p->grad[B] + 2 * back * ldz;
        ser_sum_rows(d->gates, rows, 3 * U, ldz, db);
        memcpy(db + ldz, db, 2 * (size_t)U * sizeof *db);
        ser_sum_rows(d->q, rows, U, (size_t)U, db + ldz + 2 * U);
    }
    if (p->dx)
        k->k->gemm(k->state, 0, 1, N * T, C, 3 * U, d->gates, 3 * U, d->w, 3 * U, back, p->dx, C);
}

static void backward(const struct ser_pass *p) {
    for (int i = 0; i < directions(p->layer); i++) {
        struct direction d = direction(p, i);
        backward_one(p, &d);
    }
}

/* ---- export: ONNX has [T,N,C] -> [T,D,N,U], D directions, gates in the same order ---- */

/* v [D,n,3U] becomes the tensor [D,3U,n]. */
static int export_weights(struct ser_graph *g, const struct ser_param *p, int D, int n, int U) {
    float *turned = malloc(p->n * sizeof *turned), *to = turned;
    if (!turned)
        return -1;
    for (int d = 0; d < D; d++)
        for (int j = 0; j < 3 * U; j++)
            for (int i = 0; i < n; i++)
                *to++ = p->value[((size_t)d * n + i) * 3 * (size_t)U + j];
    ser_graph_reals(g, p->name, 3, (int[]){D, 3 * U, n}, turned);
    free(turned);
    return 0;
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    int U = l->units, D = directions(l);
    char lengths[64];
    if (export_weights(g, &p[W], D, l->in.dim[1], U) || export_weights(g, &p[R], D, U, U))
        return -1;
    ser_graph_reals(g, p[B].name, 2, (int[]){D, 6 * U}, p[B].value);
    if (l->time_in == 0)
        ser_graph_true_lengths(g, lengths);
    ser_graph_transpose(g, "steps", 3, (int[]){1, 0, 2});
    ser_graph_node(
        g, "GRU", "states",
        SER_INPUTS(g->x, p[W].name, p[R].name, p[B].name, l->time_in == 0 ? lengths : NULL),
        SER_ATTRIBUTES(ser_attribute_text("direction", D == 2 ? "bidirectional" : "forward"),
                       ser_attribute_whole("hidden_size", U),
                       ser_attribute_whole("linear_before_reset", 1)));
    ser_graph_transpose(g, "samples", 4, (int[]){2, 0, 1, 3});
    ser_graph_reshape(g, "joined", 2, l->out.dim);
    return 0;
}

const struct ser_layer_type ser_layer_gru = {
    .name = "gru",
    .usage = "gru UNITS [l2=X]",
    .setup = setup,
    .init = init,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};

const struct ser_layer_type ser_layer_bigru = {
    .name = "bigru",
    .usage = "bigru UNITS [l2=X]",
    .both_ways = 1,
    .setup = bi_setup,
    .init = init,
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
