/* avgpool     the mean of each kh x kw window, stride the window, what is left over at the edges
 *             dropped: x [N,H,W,C] -> y [N,H/kh,W/kw,C]
 * globalpool  the mean of all places: x [N,H,W,C] or [N,T,C] -> y [N,C]
 *
 * In a masked network, where less than a window is true over time, of what there is of it.
 */
#include "nn/layers/window.h"
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    int k[2];
    if (n != 2 || ser_word_dims(words[1], 2, k))
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank != 3)
        return ser_refuse(why, "avgpool needs an image; its input is not one");
    struct ser_window window = {0, {k[0], k[1]}};
    return ser_window_place(l, &window, k, l->in.dim[2], why);
}

static int setup_global(struct ser_net *net, struct ser_layer *l, int n, char **words,
                        char why[SER_WHY]) {
    (void)net;
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank == 1)
        return ser_refuse(why, "globalpool needs an image or a sequence");
    struct ser_plane in = ser_plane(&l->in);
    l->kh = l->sh = in.H;
    l->kw = l->sw = in.W;
    l->out = (struct ser_shape){1, {in.C}};
    return 0;
}

/* Windows of a sample: rows and columns. */
static void count_windows(const struct ser_layer *l, int *rows, int *columns) {
    struct ser_plane in = ser_plane(&l->in);
    *rows = in.H / l->kh;
    *columns = in.W / l->kw;
}

/* Of sample n, one over the places of a window. */
static float share_of(const struct ser_pass *p, int n) {
    const struct ser_layer *l = p->layer;
    int k[] = {l->kh, l->kw};
    if (p->frames && p->frames[n] < k[l->time_in])
        k[l->time_in] = p->frames[n];
    return 1 / ((float)k[0] * (float)k[1]);
}

static void forward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_plane in = ser_plane(&l->in);
    int rows, columns;
    float *y = p->y;
    count_windows(l, &rows, &columns);
    memset(y, 0, (size_t)p->N * ser_shape_size(&l->out) * sizeof *y);
    for (int n = 0; n < p->N; n++) {
        float share = share_of(p, n);
        for (int h = 0; h < rows; h++)
            for (int w = 0; w < columns; w++, y += in.C) {
                for (int k = 0; k < l->kh * l->kw; k++) {
                    size_t row = ((size_t)n * in.H + (size_t)h * l->kh + k / l->kw);
                    const float *x = p->x + (row * in.W + (size_t)w * l->kw + k % l->kw) * in.C;
                    for (int c = 0; c < in.C; c++)
                        y[c] += x[c];
                }
                for (int c = 0; c < in.C; c++)
                    y[c] *= share;
            }
    }
}

static void backward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_plane in = ser_plane(&l->in);
    int rows, columns;
    const float *dy = p->dy;
    if (!p->dx)
        return;
    count_windows(l, &rows, &columns);
    memset(p->dx, 0, (size_t)p->N * ser_shape_size(&l->in) * sizeof *p->dx);
    for (int n = 0; n < p->N; n++) {
        float share = share_of(p, n);
        for (int h = 0; h < rows; h++)
            for (int w = 0; w < columns; w++, dy += in.C)
                for (int k = 0; k < l->kh * l->kw; k++) {
                    size_t row = ((size_t)n * in.H + (size_t)h * l->kh + k / l->kw);
                    float *dx = p->dx + (row * in.W + (size_t)w * l->kw + k % l->kw) * in.C;
                    for (int c = 0; c < in.C; c++)
                        dx[c] = dy[c] * share;
                }
    }
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    struct ser_window_export where;
    (void)p;
    ser_window_export(l, 0, &where);
    ser_graph_node(g, "AveragePool", "mean", SER_INPUTS(g->x), where.attribute);
    if (l->time_in >= 0)
        ser_graph_true_share(g, l->time_in ? l->kw : l->kh);
    return 0;
}

static int export_global(struct ser_graph *g, const struct ser_layer *l,
                         const struct ser_param *p) {
    int n = l->in.rank - 1, axes[] = {n, n + 1}; /* of an image 2 and 3, of a sequence 1 */
    char count[64];
    (void)p;
    if (l->time_in >= 0) {
        ser_graph_true_count(g, l->kh * l->kw / l->in.dim[l->time_in], count);
        ser_graph_sum(g, "sum", n, axes);
        ser_graph_node(g, "Div", "mean", SER_INPUTS(g->x, count), NULL);
        return 0;
    }
    ser_graph_node(
        g, "ReduceMean", "mean", SER_INPUTS(g->x),
        SER_ATTRIBUTES(ser_attribute_list("axes", n, axes), ser_attribute_whole("keepdims", 0)));
    return 0;
}

const struct ser_layer_type ser_layer_avgpool = {
    .name = "avgpool",
    .usage = "avgpool HxW",
    .setup = setup,
    .forward = forward,
    .backward = backward,
    .export = export,
};

const struct ser_layer_type ser_layer_globalpool = {
    .name = "globalpool",
    .usage = "globalpool",
    .setup = setup_global,
    .forward = forward,
    .backward = backward,
    .export = export_global,
};
