#include "nn/encoder/positions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 128 }; /* frames that are computed at a time */

static const char name[] = "encoder.pos_conv_embed.conv";

void ser_positions_list(const struct ser_encoder_shape *s, struct ser_lister *l) {
    ser_list(l, "encoder.pos_conv_embed.conv.weight_g", 0, 1, 1, s->taps, 0);
    ser_list(l, "encoder.pos_conv_embed.conv.weight_v", 0, s->width, s->width / s->groups, s->taps,
             0);
    ser_list(l, "encoder.pos_conv_embed.conv.bias", 0, s->width, 0, 0, 0);
}

/* v [D, each, taps] -> rows [D, taps, each], the weights themselves. */
static void undo_weight_norm(const float *v, const float *g, int D, int each, int taps,
                             float *rows) {
    for (int k = 0; k < taps; k++) {
        double squares = 0;
        for (int i = 0; i < D * each; i++)
            squares += (double)v[(size_t)i * taps + k] * v[(size_t)i * taps + k];
        double scale = g[k] / sqrt(squares);
        for (int o = 0; o < D; o++)
            for (int i = 0; i < each; i++)
                rows[((size_t)o * taps + k) * each + i] =
                    (float)(v[((size_t)o * each + i) * taps + k] * scale);
    }
}

/* The weights of all groups; where they are to be filled, packed. */
static int pack_groups(struct ser_positions *p, struct ser_loader *l, float *g, float *rows) {
    const struct ser_encoder_shape *s = p->shape;
    struct ser_weight is;
    char full[80];
    int D = s->width, each = D / s->groups, taps = s->taps;
    snprintf(full, sizeof full, "%s.weight_g", name);
    const float *from = ser_load_tensor(l, full, 0, &is);
    if (!from)
        return -1;
    memcpy(g, from, (size_t)taps * sizeof *g);
    snprintf(full, sizeof full, "%s.weight_v", name);
    from = ser_load_tensor(l, full, 0, &is);
    if (!from)
        return -1;
    undo_weight_norm(from, g, D, each, taps, rows);
    snprintf(full, sizeof full, "%s.bias", name);
    from = ser_load_tensor(l, full, 0, &is);
    for (int i = 0; from && i < s->groups; i++) {
        float *panel, *bias;
        ser_place_linear(l, taps * each, each, 1, &p->group[i], &panel, &bias);
        ser_linear_pack(panel, taps * each, 0, each, rows + (size_t)i * each * taps * each);
        memcpy(bias, from + (size_t)i * each, (size_t)each * sizeof *bias);
    }
    return from ? 0 : -1;
}

int ser_positions_load(struct ser_positions *p, struct ser_loader *l) {
    const struct ser_encoder_shape *s = p->shape = l->shape;
    int each = s->width / s->groups;
    float *panel, *bias;
    p->group = calloc((size_t)s->groups, sizeof *p->group);
    if (!p->group)
        return -1;
    if (!l->fill) {
        for (int i = 0; i < s->groups; i++)
            ser_place_linear(l, s->taps * each, each, 1, &p->group[i], &panel, &bias);
        return 0;
    }
    float *g = malloc((size_t)s->taps * sizeof *g);
    float *rows = malloc((size_t)s->width * (size_t)each * (size_t)s->taps * sizeof *rows);
    int bad = !g || !rows || pack_groups(p, l, g, rows);
    free(rows);
    free(g);
    return bad ? -1 : 0;
}

void ser_positions_free(struct ser_positions *p) {
    free(p->group);
}

struct placing {
    const struct ser_positions *of;
    struct ser_encoder_run *run;
    int T, blocks;
    size_t step; /* floats of a group with the zeros around it */
    float *y;    /* [T,D] */
};

/* Some frames of one group. */
static void place(void *ctx, void *state, int thread, int job) {
    const struct placing *p = ctx;
    int group = job / p->blocks, first = job % p->blocks * ROWS;
    int rows = p->T - first < ROWS ? p->T - first : ROWS;
    const struct ser_linear *l = &p->of->group[group];
    (void)thread;
    size_t each = (size_t)l->out;
    const float *x = p->run->work.at + (size_t)group * p->step + (size_t)first * each;
    for (int i = 0; i < ser_linear_panels(l); i++)
        ser_linear_panel(l, p->run->k, state, i, rows, x, l->out, SER_GELU,
                         p->y + (size_t)first * (size_t)p->of->shape->width + (size_t)group * each,
                         p->of->shape->width);
}

int ser_positions_add(const struct ser_positions *of, struct ser_encoder_run *run, int T) {
    const struct ser_encoder_shape *s = of->shape;
    size_t D = (size_t)s->width, each = D / (size_t)s->groups, n = (size_t)T * D;
    struct placing p = {of, run, T, (T + ROWS - 1) / ROWS, 0, ser_room(&run->normed, n)};
    p.step = ((size_t)T + 2 * (size_t)(s->taps / 2)) * each;
    float *padded = ser_room(&run->work, p.step * (size_t)s->groups), *hidden = run->hidden.at;
    if (!p.y || !padded)
        return -1;
    memset(padded, 0, p.step * (size_t)s->groups * sizeof *padded);
    for (int g = 0; g < s->groups; g++)
        for (size_t t = 0; t < (size_t)T; t++)
            memcpy(padded + (size_t)g * p.step + (t + (size_t)(s->taps / 2)) * each,
                   hidden + t * D + (size_t)g * each, each * sizeof *padded);
    ser_share_out(run, s->groups * p.blocks, place, &p);
    ser_encode_show(run, "pos_conv", p.y, (size_t)T, s->width);
    for (size_t i = 0; i < n; i++)
        hidden[i] += p.y[i];
    return 0;
}
