/* ser-export - a trained model for other runtimes.
 *
 * An ONNX file is one protobuf message (onnx.proto of github.com/onnx/onnx; operators:
 * docs/Operators.md there). What is needed of protobuf are three wire types, the first section
 * below. A library would add a code generator and a copy of onnx.proto (1,015 lines) to the build
 * for twelve of its messages, and to the machine 420 kB (protobuf-c with its compiler) or 12 MB
 * (libprotobuf-dev alone), by Debian's Installed-Size.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/model.h"
#include "bridge/names.h"
#include "core/opt.h"
#include "nn/export.h"

static struct {
    const char *output, *model;
    int onnx;
} opt;

static const struct ser_opt options[] = {
    {0, "onnx", SER_OPT_FLAG, &opt.onnx, 0, 0, NULL, "as ONNX, operator set 15 (needed)"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0}};

static const struct ser_tool tool = {
    "--onnx [MODEL]", "Writes a trained model (a file or standard input) for other runtimes.",
    options,
    "Input: 'features' [batch, rows, frames] (of a masked network also\n"
    "'frames' [batch], those that are no padding).\n"
    "Output: 'probabilities' [batch, class].\n"
    "Classes and feature recipe are in the metadata."};

/* ---- protobuf: a message is its fields, each a key (number and wire type) and a value ---- */

#define MAX_BYTES 0x7fffffff /* of a protobuf message, and so of an ONNX file */

enum { VARINT = 0, SIZED = 2, FIXED32 = 5 };

struct bytes {
    unsigned char *at;
    size_t len, cap;
};

/* n more bytes, to be filled. */
static unsigned char *more(struct bytes *b, size_t n) {
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
        *more(b, 1) = (unsigned char)(v | 128);
    *more(b, 1) = (unsigned char)v;
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
    memcpy(more(b, n), data, n);
}

static void put_text(struct bytes *b, int field, const char *s) {
    put_bytes(b, field, s, strlen(s));
}

/* Little-endian on any host. */
static void put_raw(struct bytes *b, uint64_t bits, int bytes) {
    unsigned char *to = more(b, (size_t)bytes);
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
        memcpy(more(to, from->len), from->at, from->len);
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

/* What lib/nn appends, each a list of messages of a GraphProto. */
struct parts {
    struct bytes nodes, weights;
};

/* A TensorProto. */
static void put_tensor(void *ctx, const struct ser_graph_tensor *from) {
    struct parts *parts = ctx;
    struct bytes t = {0};
    size_t n = 1, size = from->real ? 4 : 8;
    for (int i = 0; i < from->rank; i++) {
        put_int(&t, 1, from->dim[i]);
        n *= (size_t)from->dim[i];
    }
    put_int(&t, 2, from->real ? ONNX_FLOAT : ONNX_INT64);
    put_text(&t, 8, from->name);
    put_key(&t, 9, SIZED);
    put_varint(&t, n * size);
    for (size_t i = 0; i < n; i++)
        if (from->real)
            put_raw_float(&t, from->real[i]);
        else
            put_raw(&t, (uint64_t)from->whole[i], 8);
    put_message(&parts->weights, 5, &t);
}

/* An AttributeProto. */
static void put_attribute(struct bytes *node, const struct ser_graph_attribute *from) {
    static const int type[] = {[SER_GRAPH_REAL] = ATTR_FLOAT,
                               [SER_GRAPH_WHOLE] = ATTR_INT,
                               [SER_GRAPH_LIST] = ATTR_INTS,
                               [SER_GRAPH_TEXT] = ATTR_TEXT};
    struct bytes a = {0};
    put_text(&a, 1, from->name);
    switch (from->type) {
    case SER_GRAPH_REAL:
        put_key(&a, 2, FIXED32);
        put_raw_float(&a, from->real);
        break;
    case SER_GRAPH_WHOLE:
        put_int(&a, 3, from->whole);
        break;
    case SER_GRAPH_TEXT:
        put_text(&a, 4, from->text);
        break;
    case SER_GRAPH_LIST:
        for (int i = 0; i < from->n; i++)
            put_int(&a, 8, from->list[i]);
        break;
    }
    put_int(&a, 20, type[from->type]);
    put_message(node, 5, &a);
}

/* A NodeProto; its result has its name. */
static void put_node(void *ctx, const struct ser_graph_node *from) {
    struct parts *parts = ctx;
    struct bytes n = {0};
    for (const char *const *in = from->input; *in; in++)
        put_text(&n, 1, *in);
    put_text(&n, 2, from->name);
    put_text(&n, 3, from->name);
    put_text(&n, 4, from->op);
    for (const struct ser_graph_attribute *a = from->attribute; a->name; a++)
        put_attribute(&n, a);
    put_message(&parts->nodes, 1, &n);
}

/* ---- the model ---- */

/* A ValueInfoProto: [batch, dim...] of a type. */
static void put_value(struct bytes *graph, int field, const char *name, int elements, int rank,
                      const int *dim) {
    struct bytes value = {0}, type = {0}, tensor = {0}, shape = {0}, one = {0};
    put_text(&one, 2, "batch");
    put_message(&shape, 1, &one);
    for (int i = 0; i < rank; i++) {
        put_int(&one, 1, dim[i]);
        put_message(&shape, 1, &one);
    }
    put_int(&tensor, 1, elements);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

/* A GraphProto. */
static struct bytes graph_of(const struct ser_model *m) {
    const struct ser_net *net = m->net;
    struct parts parts = {0};
    struct ser_graph g = {.tensor = put_tensor, .node = put_node, .ctx = &parts};
    struct bytes out = {0};
    char why[SER_WHY];
    errno = 0;
    if (ser_net_export(net, &g, why))
        die(ser_blame(), "%s: %s", opt.model, why);
    append(&out, &parts.nodes);
    put_text(&out, 2, "ser");
    append(&out, &parts.weights);
    put_value(&out, 11, SER_GRAPH_INPUT, ONNX_FLOAT, net->rank, net->input.dim);
    if (net->masked)
        put_value(&out, 11, SER_GRAPH_FRAMES, ONNX_INT64, 0, NULL);
    put_value(&out, 12, SER_GRAPH_OUTPUT, ONNX_FLOAT, 1, &m->classes);
    return out;
}

/* A ModelProto. Version 8 of the format came with operator set 15 (ONNX 1.10, 2021), which defines
 * batch normalisation as it is in inference by default: old enough for every runtime in use, and
 * new enough for the converters that take nothing older. */
static struct bytes onnx_of(const struct ser_model *m) {
    struct bytes out = {0}, part = graph_of(m);
    put_int(&out, 1, 8);
    put_text(&out, 2, "ser");
    put_text(&out, 3, SER_VERSION);
    put_text(&out, 6,
             "Probabilities of the emotions listed in metadata 'classes', of features made as "
             "metadata 'feat.*' say.");
    put_message(&out, 7, &part);
    put_text(&part, 1, ""); /* the standard operators */
    put_int(&part, 2, 15);
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
    const char *path = argv[first];
    must(ser_model_find(&path, &e), &e);
    ser_keep_inputs("--output", opt.output, argv + argc, path, NULL);
    opt.model = path ? path : "<stdin>";
    if (ser_model_load(&model, path, &e))
        die_error(&e);
    must(ser_out_open(&out, opt.output, 1, &e), &e);
    struct bytes onnx = onnx_of(&model);
    ser_out_write(&out, onnx.at, onnx.len);
    must(ser_out_close(&out, &e), &e);
    free(onnx.at);
    ser_model_free(&model);
    return SER_OK;
}
