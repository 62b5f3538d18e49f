#include "nn/layers/recurrent.h"

#include "nn/kernels/product.h"
#include "nn/layers/orthogonal.h"

#include <stdlib.h>
#include <string.h>

enum { W, R, B }; /* w, u (recurrent), b */

static const struct ser_recurrent *kind_of(const struct ser_layer *l) {
    return l->type->recurrent;
}

/* Directions: 1 or 2. */
static int directions(const struct ser_layer *l) {
    return l->type->both_ways ? 2 : 1;
}

/* ---- setup ---- */

int ser_recurrent_setup(struct ser_net *net, struct ser_layer *l, int n, char **words,
                        char why[SER_WHY]) {
    const struct ser_recurrent *kind = kind_of(l);
    float l2 = 0;
    if (n < 2 || ser_word_dims(words[1], 1, &l->units) || l->units > SER_MAX_DIM / 4)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (ser_word_options(l->type->usage, n, words, 2, NULL, &l2, why))
        return -1;
    if (ser_need_sequence(l, why))
        return -1;
    int U = l->units, G = kind->gates;
    int one = directions(l) == 1,
        plain = kind->biases == 1; /* a leading dimension of 1 is left out */
    int w[] = {2, l->in.dim[1], G * U}, u[] = {2, U, G * U}, b[] = {2, 2, G * U}, b1[] = {2, G * U};
    l->out = (struct ser_shape){2, {l->in.dim[0], directions(l) * U}};
    if (ser_param_add(net, l, "w", 3 - one, w + one, 1, l2, why) ||
        ser_param_add(net, l, "u", 3 - one, u + one, 1, 0, why))
        return -1;
    return ser_param_add(net, l, "b", 3 - one - plain, plain ? b1 + one : b + one, 1, 0, why);
}

void ser_recurrent_init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    const struct ser_recurrent *kind = kind_of(l);
    int U = l->units, G = kind->gates;
    ser_init_glorot(&p[W], seed, l->in.dim[1], (double)G * U);
    ser_init_constant(&p[B], 0);
    for (int d = 0; d < directions(l); d++) {
        size_t n = (size_t)U * G * (size_t)U, biases = (size_t)kind->biases * G * (size_t)U;
        ser_init_orthogonal(p[R].value + d * n, U, G, ser_param_key(&p[R], seed), d * n);
        for (int j = 0; kind->open >= 0 && j < U; j++)
            p[B].value[d * biases + (size_t)kind->open * U + j] = 1;
    }
}

size_t ser_recurrent_saved_bytes(const struct ser_layer *l, int N) {
    const struct ser_recurrent *kind = kind_of(l);
    return (size_t)N * l->in.dim[0] * (size_t)(kind->gates + kind->kept) * (size_t)l->out.dim[1] *
           sizeof(float);
}

/* Forward: products that stand apart [N,GU]. Backward: dh, carried [N,U], u transposed [GU,U]. */
size_t ser_recurrent_scratch_bytes(const struct ser_layer *l, int N) {
    const struct ser_recurrent *kind = kind_of(l);
    size_t U = (size_t)l->units, G = (size_t)kind->gates;
    return ((size_t)N * (kind->apart ? G : 2) * U + U * G * U) * sizeof(float);
}

static struct ser_direction direction(const struct ser_pass *p, int back) {
    const struct ser_layer *l = p->layer;
    const struct ser_recurrent *kind = kind_of(l);
    int T = l->in.dim[0], C = l->in.dim[1], U = l->units, G = kind->gates;
    size_t step = (size_t)U, all = (size_t)p->N * T * step, ldz = G * step;
    float *saved = (float *)p->saved + back * (size_t)(G + kind->kept) * all;
    struct ser_direction d = {
        .T = T,
        .C = C,
        .U = U,
        .back = back,
        .ldz = ldz,
        .ldy = (size_t)l->out.dim[1],
        .w = p->param[W].value + back * C * ldz,
        .u = p->param[R].value + back * ldz * step,
        .b = p->param[B].value + back * kind->biases * ldz,
        .y = p->y + back * step,
        .gates = saved,
        .product = p->worker->scratch,
    };
    for (int i = 0; i < kind->kept; i++)
        d.kept[i] = saved + (size_t)(G + i) * all;
    return d;
}

/* Step s of the direction for sample n. */
static struct ser_step step_of(const struct ser_direction *d, int n, int s) {
    size_t at = (size_t)n * d->T + (d->back ? d->T - 1 - s : s);
    return (struct ser_step){n, at, d->back ? at + 1 : at - 1, s == 0};
}

/* ---- forward ---- */

/* The step of a sample is padding: its state is zero. */
static void rest(const struct ser_recurrent *kind, const struct ser_direction *d, size_t at,
                 float *h) {
    size_t U = (size_t)d->U;
    memset(d->gates + at * d->ldz, 0, d->ldz * sizeof *h);
    for (int i = 0; i < kind->kept; i++)
        memset(d->kept[i] + at * U, 0, U * sizeof *h);
    memset(h, 0, U * sizeof *h);
}

static void forward_one(const struct ser_pass *p, const struct ser_recurrent *kind,
                        const struct ser_direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, U = d->U, Z = kind->gates * U;
    float *y = (float *)d->y;
    k->k->gemm(k->state, 0, 0, N * T, Z, d->C, p->x, d->C, d->w, Z, 0, d->gates, Z);
    if (kind->apart)
        memset(d->product, 0, (size_t)N * d->ldz * sizeof *y);
    for (int s = 0; s < T; s++) {
        struct ser_step first = step_of(d, 0, s);
        if (s) /* rows are samples: T steps apart */
            k->k->gemm(k->state, 0, 0, N, Z, U, y + first.prev * d->ldy, (int)(T * d->ldy), d->u, Z,
                       !kind->apart, kind->apart ? d->product : d->gates + first.at * d->ldz,
                       kind->apart ? Z : (int)(T * d->ldz));
        for (int n = 0; n < N; n++) {
            struct ser_step step = step_of(d, n, s);
            if ((int)first.at >= ser_true_steps(p, n, T))
                rest(kind, d, step.at, y + step.at * d->ldy);
            else
                kind->cell(d, &step, y + step.at * d->ldy);
        }
    }
}

void ser_recurrent_forward(const struct ser_pass *p) {
    for (int i = 0; i < directions(p->layer); i++) {
        struct ser_direction d = direction(p, i);
        forward_one(p, kind_of(p->layer), &d);
    }
}

/* ---- backward ---- */

/* The recurrent side of the gates that do not stand apart, and of the one that does. */
static int joined(const struct ser_recurrent *kind, int U) {
    return (kind->gates - kind->apart) * U;
}

/* Slopes of all steps in place of the gates, where those of padding are zero already: its gates are. */
static void back_through_time(const struct ser_pass *p, const struct ser_recurrent *kind,
                              const struct ser_direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, U = d->U, J = joined(kind, U);
    float *dh = k->scratch, *carried = dh + (size_t)N * U, *ut = carried + (size_t)N * U;
    memset(dh, 0, (size_t)N * 2 * U * sizeof *dh);
    ser_transpose(d->u, U, kind->gates * U, d->ldz, ut, (size_t)U);
    for (int s = T - 1; s >= 0; s--) {
        struct ser_step first = step_of(d, 0, s);
        for (int n = 0; n < N; n++) {
            struct ser_step step = step_of(d, n, s);
            if ((int)first.at < ser_true_steps(p, n, T))
                kind->cell_back(d, &step, dh + (size_t)n * U, carried + (size_t)n * U);
        }
        if (s) /* dh [N,U] = dz_t u^T */
            k->k->gemm(k->state, 0, 0, N, U, J, d->gates + first.at * d->ldz, (int)(T * d->ldz), ut,
                       U, kind->apart, dh, U);
        if (s && kind->apart)
            k->k->gemm(k->state, 0, 0, N, U, U, d->kept[0] + first.at * U, T * U,
                       ut + (size_t)J * (size_t)U, U, 1, dh, U);
    }
}

/* du [U,GU]: h_{t-1} against the slopes of step t, T - 1 pairs a sample. */
static void recurrent_gradient(const struct ser_pass *p, const struct ser_recurrent *kind,
                               const struct ser_direction *d, float *du) {
    struct ser_worker *k = p->worker;
    int T = d->T, U = d->U, Z = kind->gates * U, J = joined(kind, U);
    if (T == 1)
        memset(du, 0, U * d->ldz * sizeof *du);
    for (int n = 0; T > 1 && n < p->N; n++) {
        size_t first = (size_t)n * T + !d->back;
        const float *h = d->y + ((size_t)n * T + d->back) * d->ldy;
        k->k->gemm(k->state, 1, 0, U, J, T - 1, h, (int)d->ldy, d->gates + first * d->ldz, Z, n > 0,
                   du, Z);
        if (kind->apart)
            k->k->gemm(k->state, 1, 0, U, U, T - 1, h, (int)d->ldy, d->kept[0] + first * U, U,
                       n > 0, du + J, Z);
    }
}

static void bias_gradient(const struct ser_pass *p, const struct ser_recurrent *kind,
                          const struct ser_direction *d, float *db) {
    size_t rows = (size_t)p->N * d->T, J = (size_t)joined(kind, d->U);
    ser_sum_rows(d->gates, rows, kind->gates * d->U, d->ldz, db);
    if (!kind->apart)
        return;
    memcpy(db + d->ldz, db, J * sizeof *db);
    ser_sum_rows(d->kept[0], rows, d->U, (size_t)d->U, db + d->ldz + J);
}

static void backward_one(const struct ser_pass *p, const struct ser_recurrent *kind,
                         const struct ser_direction *d) {
    struct ser_worker *k = p->worker;
    int N = p->N, T = d->T, C = d->C, U = d->U, Z = kind->gates * U, back = d->back;
    back_through_time(p, kind, d);
    if (p->grad[W])
        k->k->gemm(k->state, 1, 0, C, Z, N * T, p->x, C, d->gates, Z, 0,
                   p->grad[W] + back * C * d->ldz, Z);
    if (p->grad[R])
        recurrent_gradient(p, kind, d, p->grad[R] + back * U * d->ldz);
    if (p->grad[B])
        bias_gradient(p, kind, d, p->grad[B] + back * kind->biases * d->ldz);
    if (p->dx)
        k->k->gemm(k->state, 0, 1, N * T, C, Z, d->gates, Z, d->w, Z, back, p->dx, C);
}

void ser_recurrent_backward(const struct ser_pass *p) {
    for (int i = 0; i < directions(p->layer); i++) {
        struct ser_direction d = direction(p, i);
        d.dy = p->dy + (size_t)i * d.U;
        backward_one(p, kind_of(p->layer), &d);
    }
}

/* ---- export: ONNX has [T,N,C] -> [T,D,N,U], D directions, gates in its own order ---- */

/* v [D,n,GU] becomes to [D,GU,n] with the gates in ONNX's order. */
static void turn_gates(const struct ser_recurrent *kind, const float *v, int D, int n, int U,
                       float *to) {
    for (int d = 0; d < D; d++)
        for (int q = 0; q < kind->gates; q++)
            for (int j = 0; j < U; j++)
                for (int i = 0; i < n; i++)
                    *to++ = v[(((size_t)d * n + i) * kind->gates + kind->onnx[q]) * U + j];
}

/* v [D,n,GU] becomes the tensor [D,GU,n]. */
static int export_weights(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p,
                          int n) {
    float *turned = malloc(p->n * sizeof *turned);
    if (!turned)
        return -1;
    turn_gates(kind_of(l), p->value, directions(l), n, l->units, turned);
    ser_graph_reals(g, p->name, 3, (int[]){directions(l), kind_of(l)->gates * l->units, n}, turned);
    free(turned);
    return 0;
}

/* ONNX adds a bias on the input's side and one on the recurrent side, which is zeros where there is one. */
static int export_bias(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const struct ser_recurrent *kind = kind_of(l);
    int D = directions(l), Z = kind->gates * l->units;
    float *both = calloc((size_t)D * 2 * (size_t)Z, sizeof *both);
    if (!both)
        return -1;
    for (int d = 0; d < D; d++)
        for (int i = 0; i < kind->biases; i++)
            turn_gates(kind, p->value + ((size_t)d * kind->biases + i) * Z, 1, 1, l->units,
                       both + ((size_t)d * 2 + i) * Z);
    ser_graph_reals(g, p->name, 2, (int[]){D, 2 * Z}, both);
    free(both);
    return 0;
}

int ser_recurrent_export(struct ser_graph *g, const struct ser_layer *l,
                         const struct ser_param *p) {
    const struct ser_recurrent *kind = kind_of(l);
    char lengths[64];
    if (export_weights(g, l, &p[W], l->in.dim[1]) || export_weights(g, l, &p[R], l->units) ||
        export_bias(g, l, &p[B]))
        return -1;
    if (l->time_in == 0)
        ser_graph_true_lengths(g, lengths);
    ser_graph_transpose(g, "steps", 3, (int[]){1, 0, 2});
    ser_graph_node(
        g, kind->op, "states",
        SER_INPUTS(g->x, p[W].name, p[R].name, p[B].name, l->time_in == 0 ? lengths : NULL),
        SER_ATTRIBUTES(
            ser_attribute_text("direction", directions(l) == 2 ? "bidirectional" : "forward"),
            ser_attribute_whole("hidden_size", l->units),
            kind->apart ? ser_attribute_whole("linear_before_reset", 1)
                        : (struct ser_graph_attribute){0}));
    ser_graph_transpose(g, "samples", 4, (int[]){2, 0, 1, 3});
    ser_graph_reshape(g, "joined", 2, l->out.dim);
    return 0;
}
