/* mark NAME   y is x, and is kept for a later add of that name
 * add NAME    y = x + what was marked, x and y of one shape (He et al. 2016)
 *
 * Where the shapes differ, what was marked goes through a 1x1 convolution with stride first, which
 * has the parameters w [Cm,C], b [C], Cm being the channels that were marked: the place (h, w) of x
 * gets place (h sh, w sw). The strides are the smallest that make the sizes fit, whether a size was
 * rounded up or down on the way.
 */
#include "nn/layer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W, B };

/* ---- mark ---- */

static const struct ser_layer *find_mark(const struct ser_net *net, const char *name) {
    for (int i = 0; i < net->layers; i++)
        if (net->layer[i].type == &ser_layer_mark && !strcmp(net->layer[i].own, name))
            return &net->layer[i];
    return NULL;
}

static int setup_mark(struct ser_net *net, struct ser_layer *l, int n, char **words,
                      char why[SER_WHY]) {
    if (n != 2)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (find_mark(net, words[1]))
        return ser_refuse(why, "there is a mark '%.40s' already", words[1]);
    l->own = strdup(words[1]);
    if (!l->own)
        return ser_refuse(why, "not enough memory");
    l->out = l->in;
    return 0;
}

/* dx, which is dy, gets what add sends back. */
static void backward_mark(const struct ser_pass *p) {
    size_t n = (size_t)p->N * ser_shape_size(&p->layer->in);
    for (size_t i = 0; i < n; i++)
        p->dy[i] += p->dmarked[i];
}

/* ---- add ---- */

/* The stride that makes out places of in, rounded up or down; 0 if none does. */
static int fit_stride(int in, int out) {
    for (int s = 1; s <= in; s++)
        if (in / s == out || (in + s - 1) / s == out)
            return s;
    return 0;
}

static int is_same(const struct ser_shape *a, const struct ser_shape *b) {
    int same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++)
        same = a->dim[i] == b->dim[i];
    return same;
}

static int setup_convolution(struct ser_net *net, struct ser_layer *l, char why[SER_WHY]) {
    const struct ser_shape *from = &l->marked->out, *to = &l->in;
    int last = to->rank - 1;
    int *stride[] = {&l->sh, &l->sw};
    l->sh = l->sw = 1;
    for (int i = 0; from->rank == to->rank && i < last && i < 2; i++)
        *stride[i] = fit_stride(from->dim[i], to->dim[i]);
    if (from->rank != to->rank || !l->sh || !l->sw)
        return ser_refuse(why, "what %s marks is of another shape, which no stride makes fit",
                          l->marked->name);
    if (ser_param_add(net, l, "w", 2, (int[]){from->dim[last], to->dim[last]}, 1, 0, why))
        return -1;
    return ser_param_add(net, l, "b", 1, &to->dim[last], 1, 0, why);
}

static int setup_add(struct ser_net *net, struct ser_layer *l, int n, char **words,
                     char why[SER_WHY]) {
    if (n != 2)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->marked = find_mark(net, words[1]);
    if (!l->marked)
        return ser_refuse(why, "there is no 'mark %.40s' before it", words[1]);
    for (int i = 0; i < net->layers; i++)
        if (net->layer[i].marked == l->marked)
            return ser_refuse(why, "'mark %.40s' is added already: mark the place twice", words[1]);
    l->out = l->in;
    return is_same(&l->marked->out, &l->in) ? 0 : setup_convolution(net, l, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    if (!l->params)
        return;
    ser_init_glorot(&p[W], seed, p[W].dim[0], p[W].dim[1]);
    ser_init_constant(&p[B], 0);
}

/* The places of x and of what is marked, of a sample. */
struct places {
    int H, W, C, marked_H, marked_W, marked_C;
};

static struct places places(const struct ser_layer *l) {
    struct places s = {1, 1, 0, 1, 1, 0};
    const struct ser_shape *from = &l->marked->out, *to = &l->in;
    int *in[] = {&s.marked_H, &s.marked_W}, *out[] = {&s.H, &s.W};
    for (int i = 0; i + 1 < to->rank && i < 2; i++) {
        *in[i] = from->dim[i];
        *out[i] = to->dim[i];
    }
    s.C = to->dim[to->rank - 1];
    s.marked_C = from->dim[from->rank - 1];
    return s;
}

/* The places that are read, [H,W,Cm] of a sample. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    struct places s = places(l);
    (void)N;
    return l->params ? (size_t)s.H * s.W * (size_t)s.marked_C * sizeof(float) : 0;
}

/* Between what is marked [Hm,Wm,Cm] and the places of it that are read [H,W,Cm]. */
static void pick(const struct ser_layer *l, const float *marked, float *read) {
    struct places s = places(l);
    for (int h = 0; h < s.H; h++)
        for (int w = 0; w < s.W; w++, read += s.marked_C)
            memcpy(read, marked + ((size_t)h * l->sh * s.marked_W + (size_t)w * l->sw) * s.marked_C,
                   (size_t)s.marked_C * sizeof *read);
}

static void put_back(const struct ser_layer *l, const float *read, float *marked) {
    struct places s = places(l);
    memset(marked, 0, (size_t)s.marked_H * s.marked_W * (size_t)s.marked_C * sizeof *marked);
    for (int h = 0; h < s.H; h++)
        for (int w = 0; w < s.W; w++, read += s.marked_C)
            memcpy(marked + ((size_t)h * l->sh * s.marked_W + (size_t)w * l->sw) * s.marked_C, read,
                   (size_t)s.marked_C * sizeof *read);
}

static void forward(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_worker *k = p->worker;
    struct places s = places(l);
    size_t n = ser_shape_size(&l->in), m = ser_shape_size(&l->marked->out);
    int M = s.H * s.W;
    if (!l->params) {
        for (size_t i = 0; i < (size_t)p->N * n; i++)
            p->y[i] = p->x[i] + p->marked[i];
        return;
    }
    for (size_t i = 0; i < (size_t)p->N * n; i++)
        p->y[i] = p->x[i] + p->param[B].value[i % (size_t)s.C];
    for (int i = 0; i < p->N; i++) {
        pick(l, p->marked + i * m, k->scratch);
        k->k->gemm(k->state, 0, 0, M, s.C, s.marked_C, k->scratch, s.marked_C, p->param[W].value,
                   s.C, 1, p->y + i * n, s.C);
    }
}

static void backward_convolution(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    struct ser_worker *k = p->worker;
    struct places s = places(l);
    size_t n = ser_shape_size(&l->in), m = ser_shape_size(&l->marked->out);
    int M = s.H * s.W;
    if (p->grad[B])
        memset(p->grad[B], 0, (size_t)s.C * sizeof(float));
    for (size_t i = 0; p->grad[B] && i < (size_t)p->N * n; i++)
        p->grad[B][i % (size_t)s.C] += p->dy[i];
    for (int i = 0; i < p->N; i++) {
        const float *dy = p->dy + i * n;
        if (p->grad[W]) {
            pick(l, p->marked + i * m, k->scratch);
            k->k->gemm(k->state, 1, 0, s.marked_C, s.C, M, k->scratch, s.marked_C, dy, s.C, i > 0,
                       p->grad[W], s.C);
        }
        k->k->gemm(k->state, 0, 1, M, s.marked_C, s.C, dy, s.C, p->param[W].value, s.C, 0,
                   k->scratch, s.marked_C);
        put_back(l, k->scratch, p->dmarked + i * m);
    }
}

static void backward(const struct ser_pass *p) {
    size_t bytes = (size_t)p->N * ser_shape_size(&p->layer->in) * sizeof(float);
    if (p->dx)
        memcpy(p->dx, p->dy, bytes);
    if (p->layer->params)
        backward_convolution(p);
    else
        memcpy(p->dmarked, p->dy, bytes);
}

/* ---- export ---- */

/* A value with that name is needed later; Identity gives it one. */
static int export_mark(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    (void)p;
    ser_graph_node(g, "Identity", "kept", SER_INPUTS(g->x), NULL);
    return 0;
}

/* The places that are read, of each direction i the first size of every stride. */
static void export_pick(struct ser_graph *g, const struct ser_layer *l) {
    int rank = l->in.rank == 3 ? 2 : 1, start[2] = {0, 0}, end[2], axis[2],
        step[2] = {l->sh, l->sw};
    const int *const value[] = {start, end, axis, step};
    static const char *const what[] = {"starts", "ends", "axes", "steps"};
    char name[4][64];
    for (int i = 0; i < rank; i++) {
        end[i] = (l->in.dim[i] - 1) * step[i] + 1;
        axis[i] = i + rank; /* channels are second of an image, and last of a sequence */
    }
    for (int i = 0; i < 4; i++) {
        ser_graph_name(g, what[i], name[i]);
        ser_graph_wholes(g, name[i], 1, &rank, value[i]);
    }
    ser_graph_node(g, "Slice", "places", SER_INPUTS(g->x, name[0], name[1], name[2], name[3]),
                   NULL);
}

static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    char x[sizeof g->x];
    memcpy(x, g->x, sizeof x);
    snprintf(g->x, sizeof g->x, "%s.kept", l->marked->name);
    if (l->params) {
        ser_graph_param(g, &p[W]);
        ser_graph_param(g, &p[B]);
        if (l->in.rank > 1)
            export_pick(g, l);
        if (l->in.rank == 3)
            ser_graph_transpose(g, "channels_last", 4, (int[]){0, 2, 3, 1});
        ser_graph_node(g, "MatMul", "products", SER_INPUTS(g->x, p[W].name), NULL);
        ser_graph_node(g, "Add", "shifted", SER_INPUTS(g->x, p[B].name), NULL);
        if (l->in.rank == 3)
            ser_graph_transpose(g, "channels_second", 4, (int[]){0, 3, 1, 2});
    }
    ser_graph_node(g, "Add", "sum", SER_INPUTS(x, g->x), NULL);
    return 0;
}

const struct ser_layer_type ser_layer_mark = {
    .name = "mark",
    .usage = "mark NAME",
    .in_place = 1,
    .marks = 1,
    .setup = setup_mark,
    .backward = backward_mark,
    .export = export_mark,
};

const struct ser_layer_type ser_layer_add = {
    .name = "add",
    .usage = "add NAME",
    .setup = setup_add,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .forward = forward,
    .backward = backward,
    .export = export,
};
