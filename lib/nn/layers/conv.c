/* conv     x [N,H,W,C] -> y [N,H',W',F], with an optional max(0, .)
 * conv1d   the same of a sequence over time, x [N,T,C] -> y [N,T',F]
 *
 * Parameters: w [kh,kw,C/G,F] (conv1d: [kh,C/G,F]), b [F]. Of G groups, filter f sees the channels
 * of group f / (F/G). Where the windows stand: window.h.
 *
 * The kernels know stride 1 without padding and groups. What has padding, they get in a padded
 * copy; else each sample's windows become the rows of a matrix, whose products with w they make:
 *
 *   forward    y = windows(x) w + b
 *   backward  dw = windows(x)^T dy,  dx = the sum over windows of dy w^T
 */
#include "math/simd.h"
#include "nn/kernels/product.h"
#include "nn/layers/window.h"
#include <stdlib.h>
#include <string.h>

enum { W, B };

static const char usage[] = "conv FILTERS HxW " SER_WINDOW_USAGE " [groups=N] [relu] [l2=X]",
                  usage_1d[] =
                      "conv1d FILTERS SIZE [same|valid] [stride=N] [groups=N] [relu] [l2=X]";

/* ---- memory ---- */

/* Elements of w. */
static size_t weights(const struct ser_layer *l) {
    return (size_t)l->kh * (size_t)l->kw * (size_t)(l->in.dim[l->in.rank - 1] / l->groups) *
           (size_t)l->units;
}

/* Whether the kernels can do it at once, after padding. */
static int direct(const struct ser_layer *l) {
    return l->sh == 1 && l->sw == 1 && l->groups == 1;
}

/* A sample, padded; the image itself without padding. */
static struct ser_plane padded(const struct ser_layer *l) {
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    return (struct ser_plane){out.H + l->kh - 1, out.W + l->kw - 1, in.C};
}

static size_t area(struct ser_plane p) {
    return (size_t)p.H * (size_t)p.W * (size_t)p.C;
}

/* Elements of a sample's windows in one group. */
static size_t window_size(const struct ser_layer *l) {
    struct ser_plane out = ser_plane(&l->out);
    return (size_t)out.H * (size_t)out.W * (weights(l) / (size_t)l->units);
}

/* Where the gradient of a parameter goes that is not trained: the kernels make both or none. Then a
 * padded shard and its gradient, or the windows. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    size_t n = weights(l) + (size_t)l->units;
    if (!direct(l))
        n += window_size(l);
    else if (!ser_window_simple(l))
        n += 2 * (size_t)N * area(padded(l));
    return n * sizeof(float);
}

struct ser_conv_shape ser_conv_shape(const struct ser_layer *l, int N) {
    struct ser_plane p = padded(l);
    return (struct ser_conv_shape){N, p.H, p.W, p.C, l->units, l->kh, l->kw};
}

/* No description asks for absurd memory. */
static int check_memory(const struct ser_layer *l, char why[SER_WHY]) {
    struct ser_plane p = padded(l), out = ser_plane(&l->out);
    double windows = (double)out.H * out.W * l->kh * l->kw * p.C / l->groups,
           elements = direct(l) ? (double)p.H * p.W * p.C : windows;
    return elements > SER_MAX_ELEMENTS
               ? ser_refuse(why, "its %s would have more than %d elements",
                            direct(l) ? "padded input" : "windows", SER_MAX_ELEMENTS)
               : 0;
}

/* ---- description ---- */

static int read_words(struct ser_layer *l, int n, char **words, struct ser_window *window,
                      float *l2, char why[SER_WHY]) {
    l->groups = 1;
    for (int i = 3; i < n; i++) {
        if (!ser_window_word(window, l, words[i]))
            continue;
        if (!strncmp(words[i], "groups=", 7) && !ser_word_dims(words[i] + 7, 1, &l->groups))
            continue;
        if (ser_word_options(l->type->usage, i + 1, words, i, &l->relu, l2, why))
            return -1;
    }
    return 0;
}

static int setup_both(struct ser_net *net, struct ser_layer *l, int n, char **words, int rank,
                      char why[SER_WHY]) {
    int k[2], C = l->in.dim[l->in.rank - 1];
    struct ser_window window = {0, {1, 1}};
    float l2 = 0;
    if (n < 3 || ser_word_dims(words[1], 1, &l->units) || ser_word_dims(words[2], rank - 1, k))
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank != rank)
        return rank == 2 ? ser_need_sequence(l, why)
                         : ser_refuse(why, "conv needs an image; its input is not one");
    if (read_words(l, n, words, &window, &l2, why))
        return -1;
    if (C % l->groups || l->units % l->groups)
        return ser_refuse(why, "%d channels and %d filters cannot both be cut into %d groups", C,
                          l->units, l->groups);
    if (ser_window_place(l, &window, k, l->units, why) || check_memory(l, why))
        return -1;
    int w[] = {l->kh, l->kw, C / l->groups, l->units}, w_1d[] = {l->kh, C / l->groups, l->units};
    if (ser_param_add(net, l, "w", rank + 1, rank == 2 ? w_1d : w, 1, l2, why))
        return -1;
    return ser_param_add(net, l, "b", 1, &l->units, 1, 0, why);
}

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    return setup_both(net, l, n, words, 3, why);
}

static int setup_1d(struct ser_net *net, struct ser_layer *l, int n, char **words,
                    char why[SER_WHY]) {
    return setup_both(net, l, n, words, 2, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    double field = (double)l->kh * l->kw / l->groups;
    ser_init_glorot(&p[0], seed, field * l->in.dim[l->in.rank - 1], field * l->units);
    ser_init_constant(&p[1], 0);
}

/* ---- padding ---- */

/* to [N, padded] = x [N, in] with zeros around it. */
static void pad(const struct ser_layer *l, int N, const float *x, float *to) {
    struct ser_plane in = ser_plane(&l->in), p = padded(l);
    size_t line = (size_t)in.W * (size_t)in.C, wide = (size_t)p.W * (size_t)p.C;
    memset(to, 0, (size_t)N * area(p) * sizeof *to);
    for (int n = 0; n < N; n++)
        for (int h = 0; h < in.H; h++)
            memcpy(to + ((size_t)n * p.H + h + l->top) * wide + (size_t)l->left * p.C,
                   x + ((size_t)n * in.H + h) * line, line * sizeof *x);
}

/* dx [N, in] from the gradient of the padded shard. */
static void unpad(const struct ser_layer *l, int N, const float *from, float *dx) {
    struct ser_plane in = ser_plane(&l->in), p = padded(l);
    size_t line = (size_t)in.W * (size_t)in.C, wide = (size_t)p.W * (size_t)p.C;
    for (int n = 0; n < N; n++)
        for (int h = 0; h < in.H; h++)
            memcpy(dx + ((size_t)n * in.H + h) * line,
                   from + ((size_t)n * p.H + h + l->top) * wide + (size_t)l->left * p.C,
                   line * sizeof *dx);
}

/* ---- windows ---- */

/* The windows of group g of a sample: a row each, [H'W', kh kw C/G]. */
static void gather(const struct ser_layer *l, int g, const float *x, float *rows) {
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    size_t C = (size_t)(in.C / l->groups);
    for (int h = 0; h < out.H; h++)
        for (int w = 0; w < out.W; w++)
            for (int k = 0; k < l->kh * l->kw; k++, rows += C) {
                ptrdiff_t at = ser_window_source(l, &in, h, w, k);
                if (at < 0)
                    memset(rows, 0, C * sizeof *rows);
                else
                    memcpy(rows, x + at + (size_t)g * C, C * sizeof *rows);
            }
}

/* Adds the rows back to where they were read. */
static void scatter(const struct ser_layer *l, int g, const float *rows, float *dx) {
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    size_t C = (size_t)(in.C / l->groups);
    for (int h = 0; h < out.H; h++)
        for (int w = 0; w < out.W; w++)
            for (int k = 0; k < l->kh * l->kw; k++, rows += C) {
                ptrdiff_t at = ser_window_source(l, &in, h, w, k);
                for (size_t c = 0; at >= 0 && c < C; c++)
                    dx[(size_t)at + (size_t)g * C + c] += rows[c];
            }
}

/* ---- forward ---- */

/* y [rows,F] = b in each row, or max(0, y). */
SER_CLONES static void set_rows(const float *b, size_t rows, int F, float *y) {
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * (size_t)F, b, (size_t)F * sizeof *y);
}

SER_CLONES static void clip(float *y, size_t n) {
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
}

static void forward_windows(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_worker *k = p->worker;
    struct ser_plane out = ser_plane(&l->out);
    size_t in = ser_shape_size(&l->in), area_out = ser_shape_size(&l->out);
    int G = l->groups, F = l->units, M = out.H * out.W, K = (int)(weights(l) / (size_t)F);
    float *rows = k->scratch;
    set_rows(p->param[B].value, (size_t)p->N * M, F, p->y);
    for (int n = 0; n < p->N; n++)
        for (int g = 0; g < G; g++) {
            size_t first = (size_t)g * (size_t)(F / G);
            gather(l, g, p->x + (size_t)n * in, rows);
            k->k->gemm(k->state, 0, 0, M, F / G, K, rows, K, p->param[W].value + first, F, 1,
                       p->y + (size_t)n * area_out + first, F);
        }
    if (l->relu)
        clip(p->y, (size_t)p->N * area_out);
}

static void forward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_conv_shape s = ser_conv_shape(l, p->N);
    const float *x = p->x;
    if (!direct(l)) {
        forward_windows(p);
        return;
    }
    if (!ser_window_simple(l)) {
        pad(l, p->N, x, p->worker->scratch);
        x = p->worker->scratch;
    }
    p->worker->k->conv(p->worker->state, &s, x, p->param[W].value, p->param[B].value, l->relu,
                       p->y);
}

/* ---- backward ---- */

/* dy where y > 0, else 0: the derivative of max(0, .). */
SER_CLONES static void mask(const float *y, float *dy, size_t n) {
    for (size_t i = 0; i < n; i += SER_LANES) {
        int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;
        ser_vec v = ser_load(y + i, lanes), d = ser_load(dy + i, lanes);
        ser_store(dy + i, ser_select(v > 0.0f, d, (ser_vec){0}), lanes);
    }
}

static void backward_windows(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_worker *k = p->worker;
    struct ser_plane out = ser_plane(&l->out);
    size_t in = ser_shape_size(&l->in), area_out = ser_shape_size(&l->out);
    int G = l->groups, F = l->units, M = out.H * out.W, K = (int)(weights(l) / (size_t)F);
    float *rows = k->scratch;
    if (p->grad[B])
        ser_sum_rows(p->dy, (size_t)p->N * M, F, (size_t)F, p->grad[B]);
    if (p->dx)
        memset(p->dx, 0, (size_t)p->N * in * sizeof *p->dx);
    for (int n = 0; n < p->N; n++)
        for (int g = 0; g < G; g++) {
            size_t first = (size_t)g * (size_t)(F / G);
            const float *dy = p->dy + (size_t)n * area_out + first;
            if (p->grad[W]) {
                gather(l, g, p->x + (size_t)n * in, rows);
                k->k->gemm(k->state, 1, 0, K, F / G, M, rows, K, dy, F, n > 0, p->grad[W] + first,
                           F);
            }
            if (p->dx) {
                k->k->gemm(k->state, 0, 1, M, K, F / G, dy, F, p->param[W].value + first, F, 0,
                           rows, K);
                scatter(l, g, rows, p->dx + (size_t)n * in);
            }
        }
}

static void backward_direct(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_conv_shape s = ser_conv_shape(l, p->N);
    float *dw = p->worker->scratch, *db = dw + weights(l), *x = db + l->units,
          *dx = x + (size_t)p->N * area(padded(l));
    int simple = ser_window_simple(l);
    if (!p->grad[W] && !p->grad[B] && !p->dx)
        return;
    if (!simple)
        pad(l, p->N, p->x, x);
    p->worker->k->conv_back(p->worker->state, &s, simple ? p->x : x, p->dy, p->param[W].value,
                            p->grad[W] ? p->grad[W] : dw, p->grad[B] ? p->grad[B] : db,
                            simple || !p->dx ? p->dx : dx);
    if (!simple && p->dx)
        unpad(l, p->N, dx, p->dx);
}

static void backward(const struct ser_pass *p) {
    if (p->layer->relu)
        mask(p->y, p->dy, (size_t)p->N * ser_shape_size(&p->layer->out));
    if (direct(p->layer))
        backward_direct(p);
    else
        backward_windows(p);
}

/* ---- export ---- */

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    return ser_window_export_conv(g, l, l->groups, l->units, &p[W], &p[B]);
}

const struct ser_layer_type ser_layer_conv = {
    .name = "conv",
    .usage = usage,
    .setup = setup,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};

const struct ser_layer_type ser_layer_conv1d = {
    .name = "conv1d",
    .usage = usage_1d,
    .setup = setup_1d,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
