#include "nn/encoder/waves.h"

#include "math/mathfun.h"
#include "nn/encoder/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONV_EPSILON  1e-5
#define INPUT_EPSILON 1e-7

enum {
    MAX_CONV = 2048, /* channels of a convolution */
    MAX_KERNEL = 64, /* taps and stride of one */
    MAX_TAPS = 512,  /* of that of positions */
    MAX_BUCKETS = 4096,
    GATES = 8,          /* outputs of gru_rel_pos_linear */
    GATE_ROWS = 64,     /* frames whose gates one thread fills at a time */
    PLACE_ROWS = 32,    /* frames whose positions are computed at a time */
    NORM_CHANNELS = 16, /* channels normalised over time at a time */
    POINT_FRAMES = 64   /* frames done at a time, where each number is by itself */
};

static const struct ser_transformer_names names = {
    .norm1 = "encoder.layers.%d.layer_norm",
    .query = "encoder.layers.%d.attention.q_proj",
    .key = "encoder.layers.%d.attention.k_proj",
    .value = "encoder.layers.%d.attention.v_proj",
    .out = "encoder.layers.%d.attention.out_proj",
    .norm2 = "encoder.layers.%d.final_layer_norm",
    .up = "encoder.layers.%d.feed_forward.intermediate_dense",
    .down = "encoder.layers.%d.feed_forward.output_dense",
    .key_bias = 1,
};

static const char conv_name[] = "feature_extractor.conv_layers.%d.conv",
                  conv_norm_name[] = "feature_extractor.conv_layers.%d.layer_norm",
                  place_name[] = "encoder.pos_conv_embed.conv",
                  gate_name[] = "encoder.layers.%d.attention.gru_rel_pos_linear",
                  const_name[] = "encoder.layers.%d.attention.gru_rel_pos_const",
                  bias_name[] = "encoder.layers.0.attention.rel_attn_embed.weight";

/* A convolution: of one channel one product of all its taps, else a product for each of them, of which
 * the last has the bias. */
struct conv {
    int products;
    struct ser_linear tap[MAX_KERNEL];
    struct ser_norm norm;
};

/* Of a layer of WavLM: the two sums of four outputs each, made of the sums of their weights. */
struct gate {
    float *weight; /* [2, D / H] */
    float bias[2];
    float *scale; /* [H] */
};

struct ser_waves {
    const struct ser_encoder_shape *shape;
    int last;          /* the layers that are there */
    struct conv *conv; /* [convs] */
    struct ser_norm proj_norm, norm;
    struct ser_linear project;
    struct ser_linear *place;      /* [groups] of the positions */
    float *embed;                  /* [buckets, H] of WavLM */
    struct ser_transformer *layer; /* [last] */
    struct gate *gate;             /* [last] of WavLM */
};

/* ---- shapes ---- */

void ser_waves_list(const struct ser_encoder_shape *s, struct ser_lister *l) {
    int D = s->width, in = 1;
    for (int i = 0; i < s->convs; in = s->conv_dim[i], i++) {
        char full[80];
        snprintf(full, sizeof full, "%s.weight", conv_name);
        ser_list(l, full, i, s->conv_dim[i], in, s->conv_kernel[i], 0);
        snprintf(full, sizeof full, "%s.bias", conv_name);
        if (s->conv_bias)
            ser_list(l, full, i, s->conv_dim[i], 0, 0, 0);
        if (s->conv_norms || i == 0)
            ser_list_norm(l, conv_norm_name, i, s->conv_dim[i]);
    }
    if (s->proj_norm)
        ser_list_norm(l, "feature_projection.layer_norm", 0, in);
    ser_list_linear(l, "feature_projection.projection", 0, D, in, 1);
    ser_list(l, "encoder.pos_conv_embed.conv.weight_g", 0, 1, 1, s->taps, 0);
    ser_list(l, "encoder.pos_conv_embed.conv.weight_v", 0, D, D / s->groups, s->taps, 0);
    ser_list(l, "encoder.pos_conv_embed.conv.bias", 0, D, 0, 0, 0);
    ser_list_norm(l, "encoder.layer_norm", 0, D);
    if (s->family == SER_WAVLM)
        ser_list(l, bias_name, 0, s->buckets, s->heads, 0, 0);
    for (int i = 0; i < s->layers; i++) {
        ser_transformer_list(s, l, &names, i);
        if (s->family != SER_WAVLM)
            continue;
        ser_list_linear(l, gate_name, i, GATES, D / s->heads, 1);
        ser_list(l, const_name, i, 1, s->heads, 1, 1);
    }
}

static int in_range(const char *name, int value, int least, int most, char why[SER_WHY]) {
    if (value >= least && value <= most)
        return 1;
    snprintf(why, SER_WHY, "%s is %d, not in %d..%d", name, value, least, most);
    return 0;
}

int ser_waves_check(const struct ser_encoder_shape *s, char why[SER_WHY]) {
    if (!in_range("the number of convolutions", s->convs, 1, SER_ENCODER_CONVS, why))
        return -1;
    for (int i = 0; i < s->convs; i++)
        if (!in_range("a conv_dim", s->conv_dim[i], 1, MAX_CONV, why) ||
            !in_range("a conv_kernel", s->conv_kernel[i], 1, MAX_KERNEL, why) ||
            !in_range("a conv_stride", s->conv_stride[i], 1, s->conv_kernel[i], why))
            return -1;
    if (!in_range("num_conv_pos_embeddings", s->taps, 1, MAX_TAPS, why) ||
        !in_range("num_conv_pos_embedding_groups", s->groups, 1, s->width, why))
        return -1;
    if (s->width % s->groups) {
        snprintf(why, SER_WHY,
                 "num_conv_pos_embedding_groups is %d, which does not divide hidden_size %d",
                 s->groups, s->width);
        return -1;
    }
    if (!(s->epsilon > 0 && s->epsilon < 1)) {
        snprintf(why, SER_WHY, "layer_norm_eps is %g, not between 0 and 1", s->epsilon);
        return -1;
    }
    if (s->family != SER_WAVLM)
        return 0;
    if (!in_range("num_buckets", s->buckets, 4, MAX_BUCKETS, why) ||
        !in_range("max_bucket_distance", s->distance, s->buckets / 4 + 1, 1 << 20, why))
        return -1;
    return 0;
}

size_t ser_waves_frames(const struct ser_encoder_shape *s, size_t n) {
    for (int i = 0; i < s->convs; i++) {
        size_t kernel = (size_t)s->conv_kernel[i];
        if (n < kernel)
            return 0;
        n = (n - kernel) / (size_t)s->conv_stride[i] + 1;
    }
    return n;
}

size_t ser_waves_samples(const struct ser_encoder_shape *s, size_t frames) {
    const size_t most = (size_t)1 << 40; /* so that nothing overflows */
    size_t n = frames;
    for (int i = s->convs - 1; i >= 0; i--) {
        n = (n - 1) * (size_t)s->conv_stride[i] + (size_t)s->conv_kernel[i];
        n = n < most ? n : most;
    }
    return n;
}

/* ---- loading ---- */

static int load_conv(struct ser_loader *l, const struct ser_encoder_shape *s, int i,
                     struct conv *c) {
    char full[80];
    struct ser_weight w;
    snprintf(full, sizeof full, "%s.weight", conv_name);
    const float *from = ser_load_tensor(l, full, i, &w);
    if (!from)
        return -1;
    int out = w.dim[0], in = w.dim[1], taps = w.dim[2], whole = in == 1;
    c->products = whole ? 1 : taps;
    float *rows = malloc((size_t)out * (size_t)in * sizeof *rows);
    int bad = !rows || taps < 1;
    for (int t = 0; t < c->products && !bad; t++) {
        for (size_t j = 0; !whole && j < (size_t)out * (size_t)in; j++)
            rows[j] = from[j * (size_t)taps + (size_t)t];
        bad = ser_linear_new(&c->tap[t], whole ? taps : in, out,
                             s->conv_bias && t == c->products - 1);
        if (!bad)
            ser_linear_pack(&c->tap[t], 0, out, whole ? from : rows);
    }
    free(rows);
    if (bad)
        return -1;
    snprintf(full, sizeof full, "%s.bias", conv_name);
    if (s->conv_bias) {
        from = ser_load_tensor(l, full, i, &w);
        if (!from)
            return -1;
        memcpy(c->tap[c->products - 1].bias, from, (size_t)out * sizeof *from);
    }
    return s->conv_norms || i == 0 ? ser_load_norm(l, conv_norm_name, i, &c->norm) : 0;
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

static int load_places(struct ser_loader *l, const struct ser_encoder_shape *s,
                       struct ser_waves *w) {
    struct ser_weight is;
    char full[80];
    int D = s->width, each = D / s->groups, taps = s->taps;
    w->place = calloc((size_t)s->groups, sizeof *w->place);
    snprintf(full, sizeof full, "%s.weight_g", place_name);
    float *g = ser_load_copy(l, full, 0);
    float *rows = malloc((size_t)D * (size_t)each * (size_t)taps * sizeof *rows);
    snprintf(full, sizeof full, "%s.weight_v", place_name);
    const float *v = w->place && g && rows ? ser_load_tensor(l, full, 0, &is) : NULL;
    int bad = !v;
    if (v)
        undo_weight_norm(v, g, D, each, taps, rows);
    snprintf(full, sizeof full, "%s.bias", place_name);
    const float *bias = bad ? NULL : ser_load_tensor(l, full, 0, &is);
    bad = !bias;
    for (int i = 0; i < s->groups && !bad; i++) {
        bad = ser_linear_new(&w->place[i], taps * each, each, 1);
        if (bad)
            break;
        ser_linear_pack(&w->place[i], 0, each, rows + (size_t)i * each * taps * each);
        memcpy(w->place[i].bias, bias + (size_t)i * each, (size_t)each * sizeof *bias);
    }
    free(rows);
    free(g);
    return bad ? -1 : 0;
}

static int load_gate(struct ser_loader *l, const struct ser_encoder_shape *s, int i,
                     struct gate *to) {
    struct ser_weight is;
    char full[80];
    int each = s->width / s->heads;
    to->weight = calloc(2 * (size_t)each, sizeof *to->weight);
    snprintf(full, sizeof full, "%s.weight", gate_name);
    const float *from = to->weight ? ser_load_tensor(l, full, i, &is) : NULL;
    if (!from)
        return -1;
    for (int o = 0; o < GATES; o++)
        for (int c = 0; c < each; c++)
            to->weight[o / 4 * each + c] += from[o * each + c];
    snprintf(full, sizeof full, "%s.bias", gate_name);
    from = ser_load_tensor(l, full, i, &is);
    for (int o = 0; from && o < GATES; o++)
        to->bias[o / 4] += from[o];
    to->scale = from ? ser_load_copy(l, const_name, i) : NULL;
    return to->scale ? 0 : -1;
}

static int load_all(struct ser_waves *w, struct ser_loader *l) {
    const struct ser_encoder_shape *s = w->shape;
    w->conv = calloc((size_t)s->convs, sizeof *w->conv);
    w->layer = calloc((size_t)w->last + 1, sizeof *w->layer);
    w->gate = calloc((size_t)w->last + 1, sizeof *w->gate);
    if (!w->conv || !w->layer || !w->gate)
        return -1;
    for (int i = 0; i < s->convs; i++)
        if (load_conv(l, s, i, &w->conv[i]))
            return -1;
    if ((s->proj_norm && ser_load_norm(l, "feature_projection.layer_norm", 0, &w->proj_norm)) ||
        ser_linear_new(&w->project, s->conv_dim[s->convs - 1], s->width, 1) ||
        ser_load_outputs(l, "feature_projection.projection", 0, &w->project, 0, 1) ||
        load_places(l, s, w) || ser_load_norm(l, "encoder.layer_norm", 0, &w->norm))
        return -1;
    if (s->family == SER_WAVLM && !(w->embed = ser_load_copy(l, bias_name, 0)))
        return -1;
    for (int i = 0; i < w->last; i++)
        if (ser_transformer_load(&w->layer[i], l, &names, i) ||
            (s->family == SER_WAVLM && load_gate(l, s, i, &w->gate[i])))
            return -1;
    return 0;
}

struct ser_waves *ser_waves_new(struct ser_loader *l, int last) {
    struct ser_waves *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->shape = l->shape;
    w->last = last;
    if (load_all(w, l)) {
        ser_waves_free(w);
        return NULL;
    }
    return w;
}

void ser_waves_free(struct ser_waves *w) {
    if (!w)
        return;
    for (int i = 0; w->conv && i < w->shape->convs; i++) {
        for (int t = 0; t < w->conv[i].products; t++)
            ser_linear_free(&w->conv[i].tap[t]);
        ser_norm_free(&w->conv[i].norm);
    }
    for (int i = 0; w->place && i < w->shape->groups; i++)
        ser_linear_free(&w->place[i]);
    for (int i = 0; w->layer && i < w->last; i++)
        ser_transformer_free(&w->layer[i]);
    for (int i = 0; w->gate && i < w->last; i++) {
        free(w->gate[i].weight);
        free(w->gate[i].scale);
    }
    ser_norm_free(&w->proj_norm);
    ser_norm_free(&w->norm);
    ser_linear_free(&w->project);
    free(w->conv);
    free(w->place);
    free(w->embed);
    free(w->layer);
    free(w->gate);
    free(w);
}

/* ---- what is heard ---- */

int ser_waves_features(const struct ser_waves *w, struct ser_hearing *h, const float *x, size_t n,
                       const float **y, size_t *rows) {
    float *to = ser_room(&h->features, n);
    double mean = 0, squares = 0;
    if (!to)
        return -1;
    *y = to;
    *rows = n;
    if (!w->shape->normalize) {
        memcpy(to, x, n * sizeof *x);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        mean += x[i];
    mean /= (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    double scale = 1 / sqrt(squares / (double)n + INPUT_EPSILON);
    for (size_t i = 0; i < n; i++)
        to[i] = (float)((x[i] - mean) * scale);
    return 0;
}

/* ---- convolutions ---- */

struct over_time {
    const struct ser_norm *norm;
    int T, C;
    float *y;
};

/* A norm over the time of each of some channels, then gelu. */
static void normalise_channels(void *ctx, void *state, int thread, int job) {
    const struct over_time *p = ctx;
    int first = job * NORM_CHANNELS;
    int n = p->C - first < NORM_CHANNELS ? p->C - first : NORM_CHANNELS;
    double sum[NORM_CHANNELS] = {0}, squares[NORM_CHANNELS] = {0};
    size_t C = (size_t)p->C;
    float *y = p->y + first;
    (void)state;
    (void)thread;
    for (int t = 0; t < p->T; t++)
        for (int c = 0; c < n; c++)
            sum[c] += y[(size_t)t * C + c];
    for (int c = 0; c < n; c++)
        sum[c] /= p->T;
    for (int t = 0; t < p->T; t++)
        for (int c = 0; c < n; c++)
            squares[c] += (y[(size_t)t * C + c] - sum[c]) * (y[(size_t)t * C + c] - sum[c]);
    for (int c = 0; c < n; c++) {
        double scale = 1 / sqrt(squares[c] / p->T + CONV_EPSILON) * p->norm->weight[first + c];
        double shift = p->norm->bias[first + c] - sum[c] * scale;
        for (int t = 0; t < p->T; t++)
            y[(size_t)t * C + c] = (float)(y[(size_t)t * C + c] * scale + shift);
    }
}

struct points {
    size_t T, width;
    float *y;
};

static void apply_gelu(void *ctx, void *state, int thread, int job) {
    const struct points *p = ctx;
    size_t first = (size_t)job * POINT_FRAMES;
    size_t n = p->T - first < POINT_FRAMES ? p->T - first : POINT_FRAMES;
    (void)state;
    (void)thread;
    ser_gelu(p->y + first * p->width, n * p->width);
}

static void hear_gelu(struct ser_hearing *h, size_t T, size_t width, float *y) {
    struct points p = {T, width, y};
    ser_share_out(h, (int)((T + POINT_FRAMES - 1) / POINT_FRAMES), apply_gelu, &p);
}

/* The samples under all taps of each frame, [T,taps]. */
static float *spread(struct ser_hearing *h, const float *x, size_t T, size_t taps, size_t stride) {
    float *to = ser_room(&h->wide, T * taps);
    for (size_t t = 0; to && t < T; t++)
        memcpy(to + t * taps, x + t * stride, taps * sizeof *to);
    return to;
}

/* Convolution i of x, into the other of the two rooms. NULL without memory. */
static const float *convolve(const struct ser_waves *w, struct ser_hearing *h, int i,
                             const float *x, size_t T, struct ser_room *to) {
    const struct ser_encoder_shape *s = w->shape;
    const struct conv *c = &w->conv[i];
    int out = s->conv_dim[i], stride = s->conv_stride[i], norm = s->conv_norms || i == 0;
    int in = i ? s->conv_dim[i - 1] : 1;
    float *y = ser_room(to, T * (size_t)out);
    if (y && in == 1) {
        x = spread(h, x, T, (size_t)s->conv_kernel[i], (size_t)stride);
        in = s->conv_kernel[i];
        stride = 1;
    }
    if (!y || !x)
        return NULL;
    for (int t = 0; t < c->products; t++)
        ser_hear_linear(h, &c->tap[t], (int)T, x + (size_t)t * (size_t)in, stride * in,
                        (t ? SER_ADD : 0) | (t == c->products - 1 && !norm ? SER_GELU : 0), y, out);
    if (!norm)
        return y;
    if (s->conv_norms) {
        ser_hear_norm(h, &c->norm, (int)T, out, CONV_EPSILON, y, y);
    } else {
        struct over_time p = {&c->norm, (int)T, out, y};
        ser_share_out(h, (out + NORM_CHANNELS - 1) / NORM_CHANNELS, normalise_channels, &p);
    }
    hear_gelu(h, T, (size_t)out, y);
    return y;
}

/* ---- positions ---- */

struct placing {
    const struct ser_waves *w;
    struct ser_hearing *h;
    int T, blocks;
    size_t step; /* floats of a group with the zeros around it */
    float *y;    /* [T,D] */
};

/* Some frames of one group. */
static void place(void *ctx, void *state, int thread, int job) {
    const struct placing *p = ctx;
    int group = job / p->blocks, first = job % p->blocks * PLACE_ROWS;
    int rows = p->T - first < PLACE_ROWS ? p->T - first : PLACE_ROWS;
    const struct ser_linear *l = &p->w->place[group];
    size_t each = (size_t)l->out, in = (size_t)l->in;
    const float *x = p->h->stem.at + (size_t)group * p->step;
    float *under = p->h->scores[thread].at;
    for (int r = 0; r < rows; r++)
        memcpy(under + (size_t)r * in, x + (size_t)(first + r) * each, in * sizeof *under);
    for (int i = 0; i < ser_linear_panels(l); i++)
        ser_linear_panel(l, p->h->k, state, i, rows, under, l->in, SER_GELU,
                         p->y + (size_t)first * (size_t)p->w->shape->width + (size_t)group * each,
                         p->w->shape->width);
}

/* h->hidden [T,D] gets its positions. */
static int add_positions(const struct ser_waves *w, struct ser_hearing *h, int T) {
    const struct ser_encoder_shape *s = w->shape;
    size_t D = (size_t)s->width, each = D / (size_t)s->groups, n = (size_t)T * D;
    struct placing p = {w, h, T, (T + PLACE_ROWS - 1) / PLACE_ROWS, 0, ser_room(&h->normed, n)};
    p.step = ((size_t)T + 2 * (size_t)(s->taps / 2)) * each;
    float *padded = ser_room(&h->stem, p.step * (size_t)s->groups), *hidden = h->hidden.at;
    int bad = !p.y || !padded;
    for (int i = 0; i < h->threads; i++)
        bad |= !ser_room(&h->scores[i], PLACE_ROWS * (size_t)w->place[0].in);
    if (bad)
        return -1;
    memset(padded, 0, p.step * (size_t)s->groups * sizeof *padded);
    for (int g = 0; g < s->groups; g++)
        for (size_t t = 0; t < (size_t)T; t++)
            memcpy(padded + (size_t)g * p.step + (t + (size_t)(s->taps / 2)) * each,
                   hidden + t * D + (size_t)g * each, each * sizeof *padded);
    ser_share_out(h, s->groups * p.blocks, place, &p);
    ser_hear_show(h, "pos_conv", p.y, (size_t)T, s->width);
    for (size_t i = 0; i < n; i++)
        hidden[i] += p.y[i];
    return 0;
}

/* ---- WavLM's bias ---- */

static int bucket(const struct ser_encoder_shape *s, int r) {
    int half = s->buckets / 2, exact = half / 2, a = abs(r), base = r > 0 ? half : 0;
    if (a < exact)
        return base + a;
    double at =
        exact + ser_ln((double)a / exact) / ser_ln((double)s->distance / exact) * (half - exact);
    return base + (at < half - 1 ? (int)at : half - 1);
}

/* [heads, 2 T - 1], kept from clip to clip of one length. */
static const float *fill_bias(const struct ser_waves *w, struct ser_hearing *h, int T) {
    const struct ser_encoder_shape *s = w->shape;
    size_t n = 2 * (size_t)T - 1;
    int kept = h->bias_T == T;
    h->bias_T = 0; /* making room may lose what was there */
    float *to = ser_room(&h->bias, n * (size_t)s->heads);
    if (!to)
        return NULL;
    h->bias_T = T;
    if (kept)
        return to;
    for (size_t r = 0; r < n; r++) {
        int b = bucket(s, (int)r - (T - 1));
        for (int head = 0; head < s->heads; head++)
            to[(size_t)head * n + r] = w->embed[b * s->heads + head];
    }
    return to;
}

struct gating {
    const struct ser_encoder_shape *shape;
    const struct gate *gate;
    const float *x;
    float *to;
    int T;
};

static double sigmoid(double x) {
    return 1 / (1 + ser_exp(-x));
}

static void gate_rows(void *ctx, void *state, int thread, int job) {
    const struct gating *p = ctx;
    int H = p->shape->heads, each = p->shape->width / H, end = (job + 1) * GATE_ROWS;
    (void)state;
    (void)thread;
    for (int t = job * GATE_ROWS; t < p->T && t < end; t++)
        for (int head = 0; head < H; head++) {
            const float *x = p->x + (size_t)t * (size_t)p->shape->width + (size_t)head * each;
            double sum[2] = {p->gate->bias[0], p->gate->bias[1]};
            for (int c = 0; c < each; c++) {
                sum[0] += x[c] * (double)p->gate->weight[c];
                sum[1] += x[c] * (double)p->gate->weight[each + c];
            }
            p->to[t * H + head] =
                (float)(sigmoid(sum[0]) * (sigmoid(sum[1]) * p->gate->scale[head] - 1) + 2);
        }
}

struct gates {
    const struct ser_waves *w;
    int layer;
};

static void fill_gate(void *ctx, struct ser_hearing *h, const float *x, int T, float *to) {
    const struct gates *g = ctx;
    struct gating p = {g->w->shape, &g->w->gate[g->layer], x, to, T};
    ser_share_out(h, (T + GATE_ROWS - 1) / GATE_ROWS, gate_rows, &p);
}

/* ---- network ---- */

/* What goes into the first layer, in h->hidden [T,D]. */
static int stem(const struct ser_waves *w, struct ser_hearing *h, const float *y, size_t n,
                int *T) {
    const struct ser_encoder_shape *s = w->shape;
    struct ser_room *room[2] = {&h->stem, &h->qkv};
    for (int i = 0; i < s->convs; i++) {
        n = (n - (size_t)s->conv_kernel[i]) / (size_t)s->conv_stride[i] + 1;
        y = convolve(w, h, i, y, n, room[i % 2]);
        if (!y)
            return -1;
    }
    int C = s->conv_dim[s->convs - 1];
    float *hidden = ser_room(&h->hidden, n * (size_t)s->width);
    float *normed = ser_room(&h->normed, n * (size_t)C);
    if (!hidden || !normed)
        return -1;
    *T = (int)n;
    ser_hear_show(h, "conv_features", y, n, C);
    if (s->proj_norm) {
        ser_hear_norm(h, &w->proj_norm, *T, C, s->epsilon, y, normed);
        y = normed;
    }
    ser_hear_linear(h, &w->project, *T, y, C, 0, hidden, s->width);
    ser_hear_show(h, "projected", hidden, n, s->width);
    if (add_positions(w, h, *T))
        return -1;
    if (!s->stable)
        ser_hear_norm(h, &w->norm, *T, s->width, s->epsilon, hidden, hidden);
    return ser_hearing_sound(h);
}

int ser_waves_layers(const struct ser_waves *w, struct ser_hearing *h, const float *y, size_t rows,
                     int first, ser_hidden *take, void *ctx) {
    const struct ser_encoder_shape *s = w->shape;
    struct gates gates = {w, 0};
    struct ser_transforming how = {.heads = s->heads, .epsilon = s->epsilon, .behind = !s->stable};
    int T;
    if (stem(w, h, y, rows, &T))
        return -1;
    if (s->family == SER_WAVLM) {
        how.fill_gate = fill_gate;
        how.ctx = &gates;
        how.bias = fill_bias(w, h, T);
        if (!how.bias)
            return -1;
    }
    for (int i = 0;; i++) {
        int final = s->stable && i == s->layers;
        float *normed = final ? ser_room(&h->normed, (size_t)T * (size_t)s->width) : NULL;
        if (final && !normed)
            return -1;
        if (final)
            ser_hear_norm(h, &w->norm, T, s->width, s->epsilon, h->hidden.at, normed);
        if (i >= first)
            take(ctx, i, final ? normed : h->hidden.at, (size_t)T);
        if (i == w->last)
            return 0;
        gates.layer = i;
        if (ser_transformer_run(&w->layer[i], h, T, &how))
            return -1;
    }
}
