#include "nn/encoder/load.h"

#include "nn/encoder/room.h"
#include "nn/kernels/product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts the layer's number where the format has %d. */
static void put_name(char name[80], const char *format, int layer) {
    const char *at = strstr(format, "%d");
    if (at)
        snprintf(name, 80, "%.*s%d%s", (int)(at - format), format, layer, at + 2);
    else
        snprintf(name, 80, "%s", format);
}

void ser_list(struct ser_lister *l, const char *format, int number, int a, int b, int c, int d) {
    const int dim[] = {a, b, c, d};
    struct ser_weight *w = l->w ? &l->w[l->n] : NULL;
    l->n++;
    if (!w)
        return;
    *w = (struct ser_weight){.rank = 0};
    put_name(w->name, format, number);
    while (w->rank < 4 && dim[w->rank]) {
        w->dim[w->rank] = dim[w->rank];
        w->rank++;
    }
}

void ser_list_linear(struct ser_lister *l, const char *name, int number, int out, int in,
                     int bias) {
    char full[80];
    snprintf(full, sizeof full, "%s.weight", name);
    ser_list(l, full, number, out, in, 0, 0);
    snprintf(full, sizeof full, "%s.bias", name);
    if (bias)
        ser_list(l, full, number, out, 0, 0, 0);
}

void ser_list_norm(struct ser_lister *l, const char *name, int number, int D) {
    ser_list_linear(l, name, number, D, 0, 1);
}

void ser_list_conv(struct ser_lister *l, const char *name, int number, int out, int in, int taps,
                   int bias) {
    char full[80];
    snprintf(full, sizeof full, "%s.weight", name);
    ser_list(l, full, number, out, in, taps, 0);
    snprintf(full, sizeof full, "%s.bias", name);
    if (bias)
        ser_list(l, full, number, out, 0, 0, 0);
}

static size_t elements(const struct ser_weight *w) {
    size_t n = 1;
    for (int i = 0; i < w->rank; i++)
        n *= (size_t)w->dim[i];
    return n;
}

int ser_loader_new(struct ser_loader *l, const struct ser_encoder_shape *s,
                   const struct ser_weight_source *from) {
    size_t most = 1;
    *l = (struct ser_loader){.shape = s, .from = from, .n = ser_encoder_weights(s, NULL)};
    l->list = calloc((size_t)l->n, sizeof *l->list);
    if (!l->list)
        return -1;
    ser_encoder_weights(s, l->list);
    for (int i = 0; i < l->n; i++)
        most = elements(&l->list[i]) > most ? elements(&l->list[i]) : most;
    l->room = malloc(most * sizeof *l->room);
    return l->room ? 0 : -1;
}

void ser_loader_free(struct ser_loader *l) {
    free(l->list);
    free(l->room);
}

const float *ser_load_tensor(struct ser_loader *l, const char *format, int layer,
                             struct ser_weight *w) {
    char name[80];
    put_name(name, format, layer);
    for (int i = 0; i < l->n; i++) {
        *w = l->list[i];
        if (strcmp(w->name, name) != 0)
            continue;
        l->failed |= l->from->read(l->from->ctx, w, l->room) != 0;
        return l->failed ? NULL : l->room;
    }
    l->failed = 1; /* a name that is in no list: a mistake in this folder */
    return NULL;
}

float *ser_load_copy(struct ser_loader *l, const char *format, int layer) {
    struct ser_weight w;
    const float *from = ser_load_tensor(l, format, layer, &w);
    float *to = from ? malloc(elements(&w) * sizeof *to) : NULL;
    if (to)
        memcpy(to, from, elements(&w) * sizeof *to);
    return to;
}

static int load_bias(struct ser_loader *l, const char *name, int layer, float *to) {
    char full[80];
    struct ser_weight w;
    snprintf(full, sizeof full, "%s.bias", name);
    const float *from = ser_load_tensor(l, full, layer, &w);
    if (from)
        memcpy(to, from, elements(&w) * sizeof *from);
    return from ? 0 : -1;
}

int ser_load_outputs(struct ser_loader *l, const char *name, int layer, struct ser_linear *to,
                     int first, int bias) {
    char full[80];
    struct ser_weight w;
    snprintf(full, sizeof full, "%s.weight", name);
    const float *from = ser_load_tensor(l, full, layer, &w);
    if (!from)
        return -1;
    ser_linear_pack(to, first, w.dim[0], from);
    return bias ? load_bias(l, name, layer, to->bias + first) : 0;
}

int ser_load_conv(struct ser_loader *l, const char *name, int number, struct ser_linear *to,
                  int bias) {
    char full[80];
    struct ser_weight w;
    snprintf(full, sizeof full, "%s.weight", name);
    const float *from = ser_load_tensor(l, full, number, &w);
    float *rows = from ? ser_floats(elements(&w)) : NULL;
    if (!rows)
        return -1;
    size_t in = (size_t)w.dim[1], taps = (size_t)w.dim[2];
    for (size_t o = 0; o < (size_t)w.dim[0]; o++)
        ser_transpose(from + o * in * taps, (int)in, (int)taps, taps, rows + o * in * taps, in);
    int failed = ser_linear_new(to, (int)(in * taps), w.dim[0], bias);
    if (!failed)
        ser_linear_pack(to, 0, w.dim[0], rows);
    free(rows);
    return !failed && bias ? load_bias(l, name, number, to->bias) : failed;
}

int ser_load_norm(struct ser_loader *l, const char *name, int layer, struct ser_norm *to) {
    char full[80];
    snprintf(full, sizeof full, "%s.weight", name);
    to->weight = ser_load_copy(l, full, layer);
    snprintf(full, sizeof full, "%s.bias", name);
    to->bias = ser_load_copy(l, full, layer);
    return to->weight && to->bias ? 0 : -1;
}

void ser_norm_free(struct ser_norm *n) {
    free(n->weight);
    free(n->bias);
    *n = (struct ser_norm){0};
}
