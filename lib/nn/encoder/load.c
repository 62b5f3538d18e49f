#include "nn/encoder/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rows_of(const struct ser_weight_row *rows, int per_layer) {
    int n = 0;
    for (const struct ser_weight_row *r = rows; r->name; r++)
        n += r->per_layer == per_layer;
    return n;
}

int ser_weight_count(const struct ser_weight_row *rows, int layers) {
    return rows_of(rows, 0) + layers * rows_of(rows, 1);
}

static int dimension(const struct ser_encoder_shape *s, int code) {
    switch (code) {
    case SER_OF_WIDTH:
        return s->width;
    case SER_OF_HIDDEN:
        return s->hidden;
    case SER_OF_BANDS:
        return s->bands;
    default:
        return code;
    }
}

/* Puts the layer's number where the format has %d. */
static void put_name(char name[80], const char *format, int layer) {
    const char *at = strstr(format, "%d");
    if (at)
        snprintf(name, 80, "%.*s%d%s", (int)(at - format), format, layer, at + 2);
    else
        snprintf(name, 80, "%s", format);
}

void ser_weight_get(const struct ser_weight_row *rows, const struct ser_encoder_shape *s, int i,
                    struct ser_weight *w) {
    int whole = rows_of(rows, 0), each = rows_of(rows, 1), per_layer = i >= whole;
    int layer = per_layer ? (i - whole) / each : 0, skip = per_layer ? (i - whole) % each : i;
    const struct ser_weight_row *r = rows;
    while (r->per_layer != per_layer || skip-- > 0)
        r++;
    *w = (struct ser_weight){.rank = 0};
    put_name(w->name, r->name, layer);
    while (w->rank < 3 && r->dim[w->rank]) {
        w->dim[w->rank] = dimension(s, r->dim[w->rank]);
        w->rank++;
    }
}

static size_t elements(const struct ser_weight *w) {
    size_t n = 1;
    for (int i = 0; i < w->rank; i++)
        n *= (size_t)w->dim[i];
    return n;
}

int ser_loader_new(struct ser_loader *l, const struct ser_encoder_shape *s,
                   const struct ser_weight_source *from) {
    struct ser_weight w;
    *l = (struct ser_loader){.shape = s, .from = from};
    for (int i = 0; i < ser_encoder_weights(s); i++) {
        ser_encoder_weight(s, i, &w);
        l->most = elements(&w) > l->most ? elements(&w) : l->most;
    }
    l->room = malloc(l->most * sizeof *l->room);
    return l->room ? 0 : -1;
}

void ser_loader_free(struct ser_loader *l) {
    free(l->room);
    l->room = NULL;
}

const float *ser_load_tensor(struct ser_loader *l, const char *format, int layer,
                             struct ser_weight *w) {
    char name[80];
    put_name(name, format, layer);
    for (int i = 0; i < ser_encoder_weights(l->shape); i++) {
        ser_encoder_weight(l->shape, i, w);
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

int ser_load_outputs(struct ser_loader *l, const char *name, int layer, struct ser_linear *to,
                     int first, int bias) {
    char full[80];
    struct ser_weight w;
    snprintf(full, sizeof full, "%s.weight", name);
    const float *from = ser_load_tensor(l, full, layer, &w);
    if (!from)
        return -1;
    ser_linear_pack(to, first, w.dim[0], from);
    if (!bias)
        return 0;
    snprintf(full, sizeof full, "%s.bias", name);
    from = ser_load_tensor(l, full, layer, &w);
    if (from)
        memcpy(to->bias + first, from, elements(&w) * sizeof *from);
    return from ? 0 : -1;
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
