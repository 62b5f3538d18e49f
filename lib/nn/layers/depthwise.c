/* Depthwise convolution: each channel has a kernel of its own, with an optional max(0, .):
 * x [N,H,W,C] -> y [N,H',W',C]; of a sequence [N,T,C] -> [N,T',C]. Where the windows stand:
 * window.h. Parameters: w [kh,kw,C], b [C].
 *
 *   y[h,w] = b + the sum over (i, j) of x[h sh - top + i, w sw - left + j] w[i,j]
 */
#include "math/simd.h"
#include "nn/layers/window.h"
#include <stdlib.h>
#include <string.h>

enum { W, B };

static const char usage[] = "depthwise HxW " SER_WINDOW_USAGE " [relu] [l2=X]; a sequence: SIZE";

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    struct ser_window window = {0, {1, 1}};
    float l2 = 0;
    int k[2], C = l->in.dim[l->in.rank - 1];
    if (l->in.rank == 1)
        return ser_refuse(why, "depthwise needs an image or a sequence");
    if (n < 2 || ser_word_dims(words[1], l->in.rank - 1, k))
        return ser_refuse(why, "usage: %s", usage);
    for (int i = 2; i < n; i++)
        if (ser_window_word(&window, l, words[i]) &&
            ser_word_options(usage, i + 1, words, i, &l->relu, &l2, why))
            return -1;
    if (ser_window_place(l, &window, k, C, why))
        return -1;
    if (ser_param_add(net, l, "w", 3, (int[]){l->kh, l->kw, C}, 1, l2, why))
        return -1;
    return ser_param_add(net, l, "b", 1, &C, 1, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    double field = (double)l->kh * l->kw;
    ser_init_glorot(&p[W], seed, field, field);
    ser_init_constant(&p[B], 0);
}

/* y [C] += x [C] w [C]. */
SER_CLONES static void add_product(const float *x, const float *w, int C, float *y) {
    for (int c = 0; c < C; c += SER_LANES) {
        int n = ser_lanes(c, C);
        ser_store(y + c, ser_load(y + c, n) + ser_load(x + c, n) * ser_load(w + c, n), n);
    }
}

static void forward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    const float *x = p->x;
    float *y = p->y;
    for (int n = 0; n < p->N; n++, x += ser_shape_size(&l->in))
        for (int h = 0; h < out.H; h++)
            for (int w = 0; w < out.W; w++, y += in.C) {
                memcpy(y, p->param[B].value, (size_t)in.C * sizeof *y);
                for (int k = 0; k < l->kh * l->kw; k++) {
                    ptrdiff_t at = ser_window_source(l, &in, h, w, k);
                    if (at >= 0)
                        add_product(x + at, p->param[W].value + (size_t)k * in.C, in.C, y);
                }
                for (int c = 0; l->relu && c < in.C; c++)
                    y[c] = y[c] > 0 ? y[c] : 0;
            }
}

/* Where the gradient of a parameter goes that is not trained. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    (void)N;
    return ((size_t)l->kh * l->kw + 1) * (size_t)l->in.dim[l->in.rank - 1] * sizeof(float);
}

static void backward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    size_t kernel = (size_t)l->kh * (size_t)l->kw * (size_t)in.C, size = ser_shape_size(&l->in);
    float *dw = p->grad[W] ? p->grad[W] : p->worker->scratch,
          *db = p->grad[B] ? p->grad[B] : p->worker->scratch + kernel, *dy = p->dy;
    const float *y = p->y;
    memset(dw, 0, kernel * sizeof *dw);
    memset(db, 0, (size_t)in.C * sizeof *db);
    if (p->dx)
        memset(p->dx, 0, (size_t)p->N * size * sizeof *p->dx);
    for (int n = 0; n < p->N; n++)
        for (int h = 0; h < out.H; h++)
            for (int w = 0; w < out.W; w++, y += in.C, dy += in.C) {
                for (int c = 0; c < in.C; c++) {
                    dy[c] = l->relu && !(y[c] > 0) ? 0 : dy[c];
                    db[c] += dy[c];
                }
                for (int k = 0; k < l->kh * l->kw; k++) {
                    ptrdiff_t at = ser_window_source(l, &in, h, w, k);
                    if (at < 0)
                        continue;
                    size_t from = (size_t)n * size + (size_t)at;
                    add_product(p->x + from, dy, in.C, dw + (size_t)k * in.C);
                    if (p->dx)
                        add_product(dy, p->param[W].value + (size_t)k * in.C, in.C, p->dx + from);
                }
            }
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    int C = l->in.dim[l->in.rank - 1];
    return ser_window_export_conv(g, l, C, C, &p[W], &p[B]); /* a group for each channel */
}

const struct ser_layer_type ser_layer_depthwise = {
    .name = "depthwise",
    .usage = usage,
    .setup = setup,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
