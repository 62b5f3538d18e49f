#include "nn/layers/window.h"
#include <stdlib.h>
#include <string.h>

int ser_window_word(struct ser_window *w, const struct ser_layer *l, const char *word) {
    if (!strcmp(word, "same"))
        w->same = 1;
    else if (!strcmp(word, "valid"))
        w->same = 0;
    else
        return strncmp(word, "stride=", 7) ? -1
                                           : ser_word_dims(word + 7, l->in.rank - 1, w->stride);
    return 0;
}

struct ser_plane ser_plane(const struct ser_shape *s) {
    return s->rank == 2 ? (struct ser_plane){s->dim[0], 1, s->dim[1]}
                        : (struct ser_plane){s->dim[0], s->dim[1], s->dim[2]};
}

/* Along one direction: how many zeros stand before, and how many windows there are, maybe none. */
static int place(int in, int size, int stride, int same, int *before) {
    *before = 0;
    if (!same)
        return in < size ? 0 : (in - size) / stride + 1;
    int out = (in + stride - 1) / stride, missing = (out - 1) * stride + size - in;
    *before = missing > 0 ? missing / 2 : 0;
    return out;
}

/* In a masked network: how many windows have true steps, and where they begin, which must not
 * depend on how much padding there is: as if all steps were a multiple of the stride. */
static void place_frames(struct ser_layer *l, int same, int size, int stride, int *before) {
    l->per = stride;
    l->add = same ? stride - 1 : stride - size;
    if (same)
        *before = size > stride ? (size - stride) / 2 : 0;
}

int ser_window_place(struct ser_layer *l, const struct ser_window *w, const int *size, int channels,
                     char why[SER_WHY]) {
    struct ser_plane in = ser_plane(&l->in);
    int sequence = l->in.rank == 2;
    l->kh = size[0];
    l->kw = sequence ? 1 : size[1];
    l->sh = w->stride[0];
    l->sw = sequence ? 1 : w->stride[1];
    int H = place(in.H, l->kh, l->sh, w->same, &l->top);
    int W = place(in.W, l->kw, l->sw, w->same, &l->left);
    if (!H || !W)
        return ser_refuse(why, "a %dx%d %s does not fit into an image of %dx%d", l->kh, l->kw,
                          strstr(l->type->name, "pool") ? "window" : "kernel", in.H, in.W);
    l->out =
        sequence ? (struct ser_shape){2, {H, channels}} : (struct ser_shape){3, {H, W, channels}};
    if (l->time_in == 0)
        place_frames(l, w->same, l->kh, l->sh, &l->top);
    else if (l->time_in == 1)
        place_frames(l, w->same, l->kw, l->sw, &l->left);
    return 0;
}

ptrdiff_t ser_window_source(const struct ser_layer *l, const struct ser_plane *in, int h, int w,
                            int k) {
    int y = h * l->sh - l->top + k / l->kw, x = w * l->sw - l->left + k % l->kw;
    if (y < 0 || y >= in->H || x < 0 || x >= in->W)
        return -1;
    return ((ptrdiff_t)y * in->W + x) * (ptrdiff_t)in->C;
}

int ser_window_simple(const struct ser_layer *l) {
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    return l->sh == 1 && l->sw == 1 && out.H == in.H - l->kh + 1 && out.W == in.W - l->kw + 1;
}

/* Zeros behind the last window. */
static int behind(int in, int out, int size, int stride, int before) {
    int missing = (out - 1) * stride + size - before - in;
    return missing > 0 ? missing : 0;
}

void ser_window_export(const struct ser_layer *l, int groups, struct ser_window_export *e) {
    struct ser_plane in = ser_plane(&l->in), out = ser_plane(&l->out);
    int bottom = behind(in.H, out.H, l->kh, l->sh, l->top),
        right = behind(in.W, out.W, l->kw, l->sw, l->left), rank = l->in.rank - 1, n = 0;
    *e = (struct ser_window_export){.kernel = {l->kh, l->kw}, .strides = {l->sh, l->sw}};
    if (rank == 1)
        memcpy(e->pads, (int[]){l->top, bottom}, 2 * sizeof(int));
    else
        memcpy(e->pads, (int[]){l->top, l->left, bottom, right}, 4 * sizeof(int));
    if (!groups)
        e->attribute[n++] = ser_attribute_list("kernel_shape", rank, e->kernel);
    if (l->sh > 1 || l->sw > 1)
        e->attribute[n++] = ser_attribute_list("strides", rank, e->strides);
    if (l->top || l->left || bottom || right)
        e->attribute[n++] = ser_attribute_list("pads", 2 * rank, e->pads);
    if (groups > 1)
        e->attribute[n++] = ser_attribute_whole("group", groups);
}

/* w as ONNX has it: [F,C/G,kh,kw], of a sequence [F,C/G,kh]. */
static int export_weights(struct ser_graph *g, const struct ser_layer *l, int groups, int F,
                          const struct ser_param *p) {
    int C = l->in.dim[l->in.rank - 1] / groups, K = l->kh * l->kw;
    float *w = malloc(p->n * sizeof *w), *to = w;
    if (!w)
        return -1;
    for (int f = 0; f < F; f++)
        for (int c = 0; c < C; c++)
            for (int k = 0; k < K; k++)
                *to++ = p->value[((size_t)k * C + c) * F + f];
    ser_graph_reals(g, p->name, l->in.rank + 1, (int[]){F, C, l->kh, l->kw}, w);
    free(w);
    return 0;
}

int ser_window_export_conv(struct ser_graph *g, const struct ser_layer *l, int groups, int filters,
                           const struct ser_param *w, const struct ser_param *b) {
    struct ser_window_export where;
    if (export_weights(g, l, groups, filters, w))
        return -1;
    ser_graph_param(g, b);
    ser_window_export(l, groups, &where);
    ser_graph_channels_second(g, l->in.rank, "channels");
    ser_graph_node(g, "Conv", "sum", SER_INPUTS(g->x, w->name, b->name), where.attribute);
    if (l->relu)
        ser_graph_node(g, "Relu", "relu", SER_INPUTS(g->x), NULL);
    ser_graph_channels_second(g, l->in.rank, "steps");
    return 0;
}
