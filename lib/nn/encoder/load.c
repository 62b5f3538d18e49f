#include "nn/encoder/load.h"

#include "nn/encoder/room.h"
#include "nn/kernels/product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 16 }; /* floats of a line of the cache */

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
                   const struct ser_weight_source *from, float *fill, const float *at) {
    size_t most = 1;
    *l = (struct ser_loader){.shape = s, .from = from, .fill = fill, .at = at};
    l->n = ser_encoder_weights(s, NULL);
    l->list = calloc((size_t)l->n, sizeof *l->list);
    if (!l->list)
        return -1;
    ser_encoder_weights(s, l->list);
    if (!fill)
        return 0;
    for (int i = 0; i < l->n; i++)
        most = elements(&l->list[i]) > most ? elements(&l->list[i]) : most;
    l->room = ser_floats(most);
    return l->room ? 0 : -1;
}

void ser_loader_free(struct ser_loader *l) {
    free(l->list);
    free(l->room);
}

float *ser_place(struct ser_loader *l, size_t n, const float **to) {
    size_t first = l->used;
    l->used += (n + LINE - 1) / LINE * LINE;
    *to = l->at ? l->at + first : NULL;
    if (!l->fill)
        return NULL;
    memset(l->fill + first + n, 0, (l->used - first - n) * sizeof *l->fill);
    return l->fill + first;
}

/* What the list says of a tensor; NULL where it has none of that name: a mistake in this folder. */
static const struct ser_weight *find(struct ser_loader *l, const char *format, int layer) {
    char name[80];
    put_name(name, format, layer);
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->list[i].name, name) == 0)
            return &l->list[i];
    l->failed = 1;
    return NULL;
}

const float *ser_load_tensor(struct ser_loader *l, const char *format, int layer,
                             struct ser_weight *w) {
    const struct ser_weight *is = find(l, format, layer);
    if (is) {
        *w = *is;
        l->failed |= l->from->read(l->from->ctx, w, l->room) != 0;
    }
    return l->failed ? NULL : l->room;
}

/* The values of a tensor, of which the list knows how many there are. */
static int read_into(struct ser_loader *l, const char *format, int layer, float *to) {
    struct ser_weight w;
    const float *from = ser_load_tensor(l, format, layer, &w);
    if (from)
        memcpy(to, from, elements(&w) * sizeof *to);
    return from ? 0 : -1;
}

int ser_load_copy(struct ser_loader *l, const char *format, int layer, const float **to) {
    const struct ser_weight *w = find(l, format, layer);
    float *fill = w ? ser_place(l, elements(w), to) : NULL;
    return w ? (fill ? read_into(l, format, layer, fill) : 0) : -1;
}

static int read_bias(struct ser_loader *l, const char *name, int layer, float *to) {
    char full[80];
    snprintf(full, sizeof full, "%s.bias", name);
    return read_into(l, full, layer, to);
}

void ser_place_linear(struct ser_loader *l, int in, int out, int has_bias, struct ser_linear *to,
                      float **panel, float **bias) {
    *to = (struct ser_linear){.in = in, .out = out};
    size_t each = (size_t)in * SER_PANEL_OUT, panels = (size_t)ser_linear_panels(to);
    *panel = ser_place(l, panels * each, &to->panel);
    *bias = has_bias ? ser_place(l, (size_t)out, &to->bias) : NULL;
    if (*panel)
        memset(*panel + (panels - 1) * each, 0, each * sizeof **panel);
    if (*bias)
        memset(*bias, 0, (size_t)out * sizeof **bias);
}

int ser_load_linear(struct ser_loader *l, const struct ser_outputs *part, int parts, int layer,
                    int in, int out, struct ser_linear *to) {
    float *panel, *bias;
    ser_place_linear(l, in, parts * out, 1, to, &panel, &bias);
    for (int i = 0; panel && i < parts; i++) {
        char full[80];
        struct ser_weight w;
        snprintf(full, sizeof full, "%s.weight", part[i].name);
        const float *from = ser_load_tensor(l, full, layer, &w);
        if (!from)
            return -1;
        ser_linear_pack(panel, in, i * out, out, from);
        if (part[i].bias && read_bias(l, part[i].name, layer, bias + (size_t)i * (size_t)out))
            return -1;
    }
    return 0;
}

int ser_load_conv(struct ser_loader *l, const char *name, int number, struct ser_linear *to,
                  int bias) {
    char full[80];
    float *panel, *add;
    snprintf(full, sizeof full, "%s.weight", name);
    const struct ser_weight *w = find(l, full, number);
    if (!w)
        return -1;
    size_t out = (size_t)w->dim[0], in = (size_t)w->dim[1], taps = (size_t)w->dim[2];
    ser_place_linear(l, (int)(in * taps), (int)out, bias, to, &panel, &add);
    if (!panel)
        return 0;
    struct ser_weight is;
    const float *from = ser_load_tensor(l, full, number, &is);
    float *rows = from ? ser_floats(elements(w)) : NULL;
    if (!rows)
        return -1;
    for (size_t o = 0; o < out; o++)
        ser_transpose(from + o * in * taps, (int)in, (int)taps, taps, rows + o * in * taps, in);
    ser_linear_pack(panel, (int)(in * taps), 0, (int)out, rows);
    free(rows);
    return add ? read_bias(l, name, number, add) : 0;
}

int ser_load_norm(struct ser_loader *l, const char *name, int layer, struct ser_norm *to) {
    char full[80];
    snprintf(full, sizeof full, "%s.weight", name);
    int failed = ser_load_copy(l, full, layer, &to->weight);
    snprintf(full, sizeof full, "%s.bias", name);
    return failed ? -1 : ser_load_copy(l, full, layer, &to->bias);
}
