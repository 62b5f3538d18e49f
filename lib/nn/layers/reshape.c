/* Reshape: the same numbers in the same order under another shape. */
#include "nn/layer.h"
#include <string.h>

/* In a masked network frames stay frames: the dimension of out that runs over time; -1: none. */
static int find_time(const struct ser_layer *l) {
    size_t before = 1, places = 1;
    for (int i = 0; i < l->time_in; i++)
        before *= (size_t)l->in.dim[i];
    for (int i = 0; i + 1 < l->out.rank; places *= (size_t)l->out.dim[i++])
        if (places == before && l->out.dim[i] == l->in.dim[l->time_in])
            return i;
    return -1;
}

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    struct ser_shape *out = &l->out;
    if (n != 2)
        return ser_refuse(why, "usage: %s", l->type->usage);
    for (out->rank = 1; out->rank <= 3; out->rank++)
        if (!ser_word_dims(words[1], out->rank, out->dim))
            break;
    if (out->rank > 3)
        return ser_refuse(why, "usage: %s", l->type->usage);
    double wanted = 1;
    for (int i = 0; i < out->rank; i++)
        wanted *= out->dim[i];
    size_t have = ser_shape_size(&l->in);
    if (wanted != (double)have)
        return ser_refuse(why, "%.40s is %.0f elements; the input has %zu", words[1], wanted, have);
    if (l->time_in < 0)
        return 0;
    l->time_out = find_time(l);
    if (l->time_out < 0)
        return ser_refuse(why,
                          "reshape to %.40s takes padding for frames in a masked network: "
                          "timemajor makes a sequence, and mean, last, attend, attentivestats or "
                          "globalpool a vector, which dense needs",
                          words[1]);
    return 0;
}

/* The order is that of lib/nn, channels last. */
static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    (void)p;
    if (l->in.rank == 3)
        ser_graph_transpose(g, "channels_last", 4, (int[]){0, 2, 3, 1});
    ser_graph_reshape(g, "same", l->out.rank, l->out.dim);
    if (l->out.rank == 3)
        ser_graph_transpose(g, "channels_first", 4, (int[]){0, 3, 1, 2});
    return 0;
}

const struct ser_layer_type ser_layer_reshape = {
    .name = "reshape",
    .usage = "reshape N, TxC or HxWxC",
    .setup = setup,
    .export = export,
};
