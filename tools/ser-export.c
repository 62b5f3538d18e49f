/* ser-export - a trained model for other runtimes.
 *
 * An ONNX file is one protobuf message (onnx.proto of github.com/onnx/onnx; operators:
 * docs/Operators.md there). What is needed of protobuf are three wire types, the first section
 * below. A library would add a code generator and a copy of onnx.proto (1,015 lines) to the build
 * for twelve of its messages, and to the machine 420 kB (protobuf-c with its compiler) or 12 MB
 * (libprotobuf-dev alone), by Debian's Installed-Size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/model.h"
#include "core/opt.h"

static struct {
    const char *output, *model;
    int onnx;
} opt;

static const struct ser_opt options[] = {
    {0, "onnx", SER_OPT_FLAG, &opt.onnx, 0, 0, NULL, "as ONNX, operator set 13 (needed)"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0}};

static const struct ser_tool tool = {
    "--onnx [MODEL]", "Writes a trained model (a file or standard input) for other runtimes.",
    options,
    "Input: 'features' [batch, rows, frames]; output: 'probabilities' [batch, class].\n"
    "Classes and feature recipe are in the metadata."};

/* ---- protobuf: a message is its fields, each a key (number and wire type) and a value ---- */

#define MAX_BYTES 0x7fffffff /* of a protobuf message, and so of an ONNX file */

enum { VARINT = 0, SIZED = 2, FIXED32 = 5 };

struct bytes {
    unsigned char *at;
    size_t len, cap;
};

/* n more bytes, to be filled. */
static unsigned char *room(struct bytes *b, size_t n) {
    if (n > MAX_BYTES - b->len)
        die(SER_BAD, "%s: has more than an ONNX file can hold, which is 2 GiB", opt.model);
    if (b->len + n > b->cap) {
        b->cap = 2 * (b->len + n);
        b->at = erealloc(b->at, b->cap, 1);
    }
    b->len += n;
    return b->at + b->len - n;
}

static void put_varint(struct bytes *b, uint64_t v) {
    for (; v >= 128; v >>= 7)
        *room(b, 1) = (unsigned char)(v | 128);
    *room(b, 1) = (unsigned char)v;
}

static void put_key(struct bytes *b, int field, int wire) {
    put_varint(b, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_int(struct bytes *b, int field, int64_t v) {
    put_key(b, field, VARINT);
    put_varint(b, (uint64_t)v);
}

static void put_bytes(struct bytes *b, int field, const void *data, size_t n) {
    put_key(b, field, SIZED);
    put_varint(b, n);
    memcpy(room(b, n), data, n);
}

static void put_text(struct bytes *b, int field, const char *s) {
    put_bytes(b, field, s, strlen(s));
}

/* Little-endian on any host. */
static void put_raw(struct bytes *b, uint64_t bits, int bytes) {
    unsigned char *to = room(b, (size_t)bytes);
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(bits >> 8 * i);
}

static void put_raw_float(struct bytes *b, float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_raw(b, bits, 4);
}

/* All of from, which is freed. */
static void append(struct bytes *to, struct bytes *from) {
    if (from->len)
        memcpy(room(to, from->len), from->at, from->len);
    free(from->at);
    *from = (struct bytes){0};
}

/* A message within a message; it is freed. */
static void put_message(struct bytes *b, int field, struct bytes *message) {
    put_key(b, field, SIZED);
    put_varint(b, message->len);
    append(b, message);
}

/* ---- ONNX: field numbers are those of onnx.proto ---- */

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7 };                     /* TensorProto.DataType */
enum { ATTR_FLOAT = 1, ATTR_INT, ATTR_TEXT, ATTR_INTS = 7 }; /* AttributeProto.AttributeType */

struct graph {
    struct bytes nodes, weights;
    const char *layer; /* whose nodes are written; NULL: of none */
    char x[64];        /* the value computed last */
};

/* "conv1.relu" */
static void name_in(const struct graph *g, const char *what, char name[64]) {
    /* It takes the end of IN's list for g. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    snprintf(name, 64, "%s%s%s", g->layer ? g->layer : "", g->layer ? "." : "", what);
}

/* A TensorProto but for the bytes of its elements, which must follow. */
static void begin_tensor(struct bytes *t, const char *name, int type, int rank, const int *dim) {
    size_t n = type == ONNX_FLOAT ? 4 : 8;
    for (int i = 0; i < rank; i++) {
        put_int(t, 1, dim[i]);
        n *= (size_t)dim[i];
    }
    put_int(t, 2, type);
    put_text(t, 8, name);
    put_key(t, 9, SIZED);
    put_varint(t, n);
}

static void weights(struct graph *g, const char *name, int rank, const int *dim, const float *v) {
    struct bytes t = {0};
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= (size_t)dim[i];
    begin_tensor(&t, name, ONNX_FLOAT, rank, dim);
    for (size_t i = 0; i < n; i++)
        put_raw_float(&t, v[i]);
    put_message(&g->weights, 5, &t);
}

/* As the network has it. */
static void param(struct graph *g, const struct ser_param *p) {
    weights(g, p->name, p->rank, p->dim, p->value);
}

/* rank 0: one number; rank 1: n of them. */
static void whole_numbers(struct graph *g, const char *name, int rank, int n, const int *v) {
    struct bytes t = {0};
    begin_tensor(&t, name, ONNX_INT64, rank, &n);
    for (int i = 0; i < n; i++)
        put_raw(&t, (uint64_t)v[i], 8);
    put_message(&g->weights, 5, &t);
}

static void attr_int(struct bytes *attrs, const char *name, int v) {
    struct bytes a = {0};
    put_text(&a, 1, name);
    put_int(&a, 3, v);
    put_int(&a, 20, ATTR_INT);
    put_message(attrs, 5, &a);
}

static void attr_ints(struct bytes *attrs, const char *name, int n, const int *v) {
    struct bytes a = {0};
    put_text(&a, 1, name);
    for (int i = 0; i < n; i++)
        put_int(&a, 8, v[i]);
    put_int(&a, 20, ATTR_INTS);
    put_message(attrs, 5, &a);
}

static void attr_float(struct bytes *attrs, const char *name, float v) {
    struct bytes a = {0};
    put_text(&a, 1, name);
    put_key(&a, 2, FIXED32);
    put_raw_float(&a, v);
    put_int(&a, 20, ATTR_FLOAT);
    put_message(attrs, 5, &a);
}

static void attr_text(struct bytes *attrs, const char *name, const char *v) {
    struct bytes a = {0};
    put_text(&a, 1, name);
    put_text(&a, 4, v);
    put_int(&a, 20, ATTR_TEXT);
    put_message(attrs, 5, &a);
}

#define IN(...) ((const char *const[]){__VA_ARGS__, NULL})

/* One operation on the inputs (names); its result is called LAYER.what and becomes g->x. attrs
 * (NULL: none) is freed. */
static void node(struct graph *g, const char *op, const char *what, const char *const *in,
                 struct bytes *attrs) {
    struct bytes n = {0};
    char name[64];
    for (; *in; in++)
        put_text(&n, 1, *in);
    name_in(g, what, name);
    put_text(&n, 2, name);
    put_text(&n, 3, name);
    put_text(&n, 4, op);
    if (attrs)
        append(&n, attrs);
    put_message(&g->nodes, 1, &n);
    snprintf(g->x, sizeof g->x, "%s", name);
}

static void transpose(struct graph *g, const char *what, int rank, const int *order) {
    struct bytes attrs = {0};
    attr_ints(&attrs, "perm", rank, order);
    node(g, "Transpose", what, IN(g->x), &attrs);
}

/* To [batch, dim...]. */
static void reshape(struct graph *g, const char *what, int rank, const int *dim) {
    int to[4] = {0}; /* Reshape takes 0 for: as it was */
    char shape[64];
    memcpy(to + 1, dim, (size_t)rank * sizeof *dim);
    name_in(g, "shape", shape);
    whole_numbers(g, shape, 1, rank + 1, to);
    node(g, "Reshape", what, IN(g->x, shape), NULL);
}

static void relu(struct graph *g, const struct ser_layer *l) {
    if (l->relu)
        node(g, "Relu", "relu", IN(g->x), NULL);
}

/* ---- layers: an image is [N,H,W,C] in lib/nn and [N,C,H,W] here, all else is the same ---- */

static void conv(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    int C = l->in.dim[2], F = l->units, K = l->kh * l->kw;
    float *w = ecalloc(p[0].n, sizeof *w), *to = w;
    for (int f = 0; f < F; f++)
        for (int c = 0; c < C; c++)
            for (int k = 0; k < K; k++)
                *to++ = p[0].value[((size_t)k * C + c) * F + f];
    weights(g, p[0].name, 4, (int[]){F, C, l->kh, l->kw}, w);
    free(w);
    param(g, &p[1]);
    node(g, "Conv", "sum", IN(g->x, p[0].name, p[1].name), NULL);
    relu(g, l);
}

static void batchnorm(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    static const int swap[] = {0, 2, 1}; /* its channels are the second dimension */
    struct bytes attrs = {0};
    for (int i = 0; i < 4; i++)
        param(g, &p[i]);
    if (l->in.rank == 2)
        transpose(g, "channels", 3, swap);
    attr_float(&attrs, "epsilon", 1e-3f);
    node(g, "BatchNormalization", "normal", IN(g->x, p[0].name, p[1].name, p[2].name, p[3].name),
         &attrs);
    if (l->in.rank == 2)
        transpose(g, "steps", 3, swap);
}

static void maxpool(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const int window[] = {l->kh, l->kw};
    struct bytes attrs = {0};
    (void)p;
    attr_ints(&attrs, "kernel_shape", 2, window);
    attr_ints(&attrs, "strides", 2, window);
    node(g, "MaxPool", "max", IN(g->x), &attrs);
}

static void reshape_layer(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)p;
    if (l->in.rank == 3)
        transpose(g, "channels_last", 4, (int[]){0, 2, 3, 1});
    reshape(g, "same", l->out.rank, l->out.dim);
    if (l->out.rank == 3)
        transpose(g, "channels_first", 4, (int[]){0, 3, 1, 2});
}

/* v [D,n,4U] with gates i, f, c, o to [D,4U,n] with i, o, f, c; the caller frees. */
static float *turn_gates(const float *v, int D, int n, int U) {
    static const int gate[] = {0, 3, 1, 2};
    float *turned = ecalloc((size_t)D * n, 4 * (size_t)U * sizeof *turned), *to = turned;
    for (int d = 0; d < D; d++)
        for (int q = 0; q < 4; q++)
            for (int j = 0; j < U; j++)
                for (int i = 0; i < n; i++)
                    *to++ = v[(((size_t)d * n + i) * 4 + gate[q]) * U + j];
    return turned;
}

/* ONNX adds a bias on the input's side and one on the recurrent side: ours, and zeros. */
static void lstm_bias(struct graph *g, const struct ser_param *p, int D, int U) {
    size_t n = 4 * (size_t)U;
    float *turned = turn_gates(p->value, D, 1, U), *both = ecalloc(2 * D * n, sizeof *both);
    for (int d = 0; d < D; d++)
        memcpy(both + 2 * d * n, turned + d * n, n * sizeof *both);
    weights(g, p->name, 2, (int[]){D, 8 * U}, both);
    free(turned);
    free(both);
}

/* ONNX has [T,N,C] -> [T,D,N,U]. */
static void lstm(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    int C = l->in.dim[1], U = l->units, D = l->out.dim[1] / U;
    struct bytes attrs = {0};
    float *w = turn_gates(p[0].value, D, C, U), *u = turn_gates(p[1].value, D, U, U);
    weights(g, p[0].name, 3, (int[]){D, 4 * U, C}, w);
    weights(g, p[1].name, 3, (int[]){D, 4 * U, U}, u);
    lstm_bias(g, &p[2], D, U);
    free(w);
    free(u);
    transpose(g, "steps", 3, (int[]){1, 0, 2});
    attr_text(&attrs, "direction", D == 2 ? "bidirectional" : "forward");
    attr_int(&attrs, "hidden_size", U);
    node(g, "LSTM", "states", IN(g->x, p[0].name, p[1].name, p[2].name), &attrs);
    transpose(g, "samples", 4, (int[]){2, 0, 1, 3});
    reshape(g, "joined", 2, l->out.dim);
}

static void attention(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    struct bytes attrs = {0};
    char x[sizeof g->x];
    (void)l;
    (void)p;
    snprintf(x, sizeof x, "%s", g->x);
    transpose(g, "turned", 3, (int[]){0, 2, 1});
    node(g, "MatMul", "products", IN(x, g->x), NULL);
    attr_int(&attrs, "axis", -1);
    node(g, "Softmax", "weights", IN(g->x), &attrs);
    node(g, "MatMul", "sum", IN(g->x, x), NULL);
}

static void mean(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    struct bytes attrs = {0};
    (void)l;
    (void)p;
    attr_ints(&attrs, "axes", 1, (int[]){1});
    attr_int(&attrs, "keepdims", 0);
    node(g, "ReduceMean", "mean", IN(g->x), &attrs);
}

static void last(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    struct bytes attrs = {0};
    char step[64];
    (void)p;
    name_in(g, "step", step);
    whole_numbers(g, step, 0, 1, (int[]){l->in.dim[0] - 1});
    attr_int(&attrs, "axis", 1);
    node(g, "Gather", "last", IN(g->x, step), &attrs);
}

static void dense(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    param(g, &p[0]);
    param(g, &p[1]);
    node(g, "Gemm", "sum", IN(g->x, p[0].name, p[1].name), NULL);
    relu(g, l);
}

static void standardize(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    const int column[] = {l->in.dim[0], 1}; /* the same for all frames */
    weights(g, p[0].name, 2, column, p[0].value);
    weights(g, p[1].name, 2, column, p[1].value);
    node(g, "Sub", "centred", IN(g->x, p[0].name), NULL);
    node(g, "Div", "standard", IN(g->x, p[1].name), NULL);
}

static void scale(struct graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)l;
    param(g, p);
    node(g, "Div", "scaled", IN(g->x, p->name), NULL);
}

static const struct {
    const char *type;
    void (*put)(struct graph *g, const struct ser_layer *l, const struct ser_param *p);
} layers[] = {
    {"conv", conv},
    {"batchnorm", batchnorm},
    {"maxpool", maxpool},
    {"dropout", NULL}, /* nothing outside training */
    {"reshape", reshape_layer},
    {"lstm", lstm},
    {"bilstm", lstm},
    {"attention", attention},
    {"mean", mean},
    {"last", last},
    {"dense", dense},
    {"standardize", standardize},
    {"scale", scale},
};

static void put_layer(struct graph *g, const struct ser_net *net, const struct ser_layer *l) {
    size_t n = strcspn(l->name, "0123456789"); /* the type, then its number */
    g->layer = l->name;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (strlen(layers[i].type) == n && strncmp(layers[i].type, l->name, n) == 0) {
            if (layers[i].put)
                layers[i].put(g, l, net->param + l->first_param);
            return;
        }
    die(SER_BAD, "%s: layer %s has no counterpart in ONNX", opt.model, l->name);
}

/* ---- the model ---- */

/* A ValueInfoProto: f32 [batch, dim...]. */
static void put_value(struct bytes *graph, int field, const char *name, int rank, const int *dim) {
    struct bytes value = {0}, type = {0}, tensor = {0}, shape = {0}, one = {0};
    put_text(&one, 2, "batch");
    put_message(&shape, 1, &one);
    for (int i = 0; i < rank; i++) {
        put_int(&one, 1, dim[i]);
        put_message(&shape, 1, &one);
    }
    put_int(&tensor, 1, ONNX_FLOAT);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

/* A GraphProto. */
static struct bytes graph_of(const struct ser_model *m) {
    const struct ser_net *net = m->net;
    struct bytes out = {0}, attrs = {0};
    struct graph g = {.x = "features"};
    reshape(&g, "image", 3, (int[]){1, m->rows, m->frames});
    for (int i = 0; i < net->layers; i++)
        put_layer(&g, net, &net->layer[i]);
    g.layer = NULL;
    attr_int(&attrs, "axis", -1);
    node(&g, "Softmax", "probabilities", IN(g.x), &attrs);

    append(&out, &g.nodes);
    put_text(&out, 2, "ser");
    append(&out, &g.weights);
    put_value(&out, 11, "features", 2, net->input.dim);
    put_value(&out, 12, "probabilities", 1, &m->classes);
    return out;
}

/* A ModelProto. Version 7 of the format came with operator set 13 (ONNX 1.8, 2020): old enough for
 * every runtime in use. */
static struct bytes onnx_of(const struct ser_model *m) {
    struct bytes out = {0}, part = graph_of(m);
    put_int(&out, 1, 7);
    put_text(&out, 2, "ser");
    put_text(&out, 3, SER_VERSION);
    put_text(&out, 6,
             "Probabilities of the emotions listed in metadata 'classes', of features made as "
             "metadata 'feat.*' say.");
    put_message(&out, 7, &part);
    put_text(&part, 1, ""); /* the standard operators */
    put_int(&part, 2, 13);
    put_message(&out, 8, &part);
    for (int i = 0; i < m->header.n; i++) {
        if (strcmp(m->header.at[i].key, "kind") == 0)
            continue;
        put_text(&part, 1, m->header.at[i].key);
        put_text(&part, 2, m->header.at[i].value);
        put_message(&out, 14, &part);
    }
    return out;
}

int main(int argc, char **argv) {
    struct ser_model model;
    struct ser_error e;
    struct ser_out out;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (!opt.onnx)
        ser_usage("--onnx is needed: it is the only format");
    if (argc - first > 1)
        ser_usage("one model at a time");
    ser_keep_inputs("--output", opt.output, argv + first, NULL, NULL);
    opt.model = first < argc ? argv[first] : "<stdin>";
    if (ser_model_load(&model, argv[first], &e))
        die_error(&e);
    must(ser_out_open(&out, opt.output, 1, &e), &e);
    struct bytes onnx = onnx_of(&model);
    ser_out_write(&out, onnx.at, onnx.len);
    must(ser_out_close(&out, &e), &e);
    free(onnx.at);
    ser_model_free(&model);
    return SER_OK;
}
