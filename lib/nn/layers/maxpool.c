/* Largest of each kh x kw window, stride the window, what is left over at the edges dropped:
 * x [N,H,W,C] -> y [N,H/kh,W/kw,C].
 *
 * In a masked network, where less than a window is true over time, what there is of it.
 *
 * saved: which of the window it was, [N,H/kh,W/kw,C] bytes; the first of equal ones gets the
 * gradient. */
#include "math/simd.h"
#include "nn/layer.h"

enum { MAX_WINDOW = 128 }; /* the place of a maximum is kept in a byte */

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    int k[2];
    if (n != 2 || ser_word_dims(words[1], 2, k))
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank != 3)
        return ser_refuse(why, "maxpool needs an image; its input is not one");
    if (k[0] > MAX_WINDOW / k[1])
        return ser_refuse(why, "a window of %dx%d is of more than %d elements", k[0], k[1],
                          MAX_WINDOW);
    if (k[0] > l->in.dim[0] || k[1] > l->in.dim[1])
        return ser_refuse(why, "a window of %dx%d is too large for an image of %dx%d", k[0], k[1],
                          l->in.dim[0], l->in.dim[1]);
    l->kh = k[0];
    l->kw = k[1];
    l->out = (struct ser_shape){3, {l->in.dim[0] / k[0], l->in.dim[1] / k[1], l->in.dim[2]}};
    l->per = l->time_in < 0 ? 1 : k[l->time_in];
    return 0;
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    return (size_t)N * ser_shape_size(&l->out);
}

/* Of sample n: windows of kh x kw, rows by columns of them. */
struct windows {
    int kh, kw, rows, columns;
};

static struct windows windows(const struct ser_pass *p, int n) {
    const struct ser_layer *l = p->layer;
    struct windows w = {l->kh, l->kw, l->out.dim[0], l->out.dim[1]};
    if (l->time_in == 0 && p->frames[n] < w.kh)
        w = (struct windows){p->frames[n], w.kw, 1, w.columns};
    if (l->time_in == 1 && p->frames[n] < w.kw)
        w = (struct windows){w.kh, p->frames[n], w.rows, 1};
    return w;
}

/* One row of windows: x [kh,W,C] -> y and arg [columns,C]. */
SER_CLONES static void pool_row(const float *x, int W, int C, const struct windows *windows,
                                float *y, uint8_t *arg) {
    int kh = windows->kh, kw = windows->kw;
    for (int w = 0; w < windows->columns; w++)
        for (int c = 0; c < C; c += SER_LANES) {
            int lanes = ser_lanes(c, C);
            const float *first = x + (size_t)w * kw * C + c;
            ser_vec best = ser_load(first, lanes);
            ser_ivec which = {0};
            for (int k = 1; k < kh * kw; k++) {
                ser_vec v = ser_load(first + ((size_t)(k / kw) * W + k % kw) * C, lanes);
                ser_ivec more = v > best;
                best = ser_select(more, v, best);
                which = ser_iselect(more, (ser_ivec){0} + k, which);
            }
            ser_store(y + (size_t)w * C + c, best, lanes);
            ser_store_bytes(arg + (size_t)w * C + c, which, lanes);
        }
}

static void forward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    int H = l->in.dim[0], W = l->in.dim[1], C = l->in.dim[2], rows = l->out.dim[0];
    size_t row = (size_t)l->out.dim[1] * (size_t)C;
    uint8_t *arg = p->saved;
    for (int n = 0; n < p->N; n++) {
        struct windows all = windows(p, n);
        for (int h = 0; h < all.rows; h++) {
            size_t at = ((size_t)n * rows + h) * row;
            pool_row(p->x + ((size_t)n * H + (size_t)h * l->kh) * W * C, W, C, &all, p->y + at,
                     arg + at);
        }
    }
}

/* dx [kh,W,C] of one row of windows from dy and arg [columns,C]. */
SER_CLONES static void unpool_row(const float *dy, const uint8_t *arg, int W, int C,
                                  const struct windows *windows, float *dx) {
    int kh = windows->kh, kw = windows->kw;
    for (int w = 0; w < windows->columns; w++)
        for (int c = 0; c < C; c += SER_LANES) {
            int lanes = ser_lanes(c, C);
            ser_vec d = ser_load(dy + (size_t)w * C + c, lanes);
            ser_ivec which = ser_load_bytes(arg + (size_t)w * C + c, lanes);
            float *first = dx + (size_t)w * kw * C + c;
            for (int k = 0; k < kh * kw; k++)
                ser_store(first + ((size_t)(k / kw) * W + k % kw) * C,
                          ser_select(which == k, d, (ser_vec){0}), lanes);
        }
    size_t used = (size_t)windows->columns * kw * C, all = (size_t)W * C;
    for (int h = 0; h < kh; h++)
        memset(dx + (size_t)h * all + used, 0, (all - used) * sizeof *dx);
}

static void backward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    int H = l->in.dim[0], W = l->in.dim[1], C = l->in.dim[2], rows = l->out.dim[0];
    size_t row = (size_t)l->out.dim[1] * (size_t)C, line = (size_t)W * (size_t)C;
    const uint8_t *arg = p->saved;
    if (!p->dx)
        return;
    for (int n = 0; n < p->N; n++) {
        struct windows all = windows(p, n);
        float *dx = p->dx + (size_t)n * H * line;
        for (int h = 0; h < all.rows; h++) {
            size_t at = ((size_t)n * rows + h) * row;
            unpool_row(p->dy + at, arg + at, W, C, &all, dx + (size_t)h * l->kh * line);
        }
        size_t used = (size_t)all.rows * (size_t)all.kh;
        memset(dx + used * line, 0, ((size_t)H - used) * line * sizeof *dx);
    }
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const int window[] = {l->kh, l->kw};
    (void)p;
    if (l->time_in >= 0)
        ser_graph_true_values(g);
    ser_graph_node(g, "MaxPool", "max", SER_INPUTS(g->x),
                   SER_ATTRIBUTES(ser_attribute_list("kernel_shape", 2, window),
                                  ser_attribute_list("strides", 2, window)));
    return 0;
}

const struct ser_layer_type ser_layer_maxpool = {
    .name = "maxpool",
    .usage = "maxpool HxW",
    .setup = setup,
    .saved_bytes = saved_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
