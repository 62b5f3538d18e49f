#include "nn/encoder/waves.h"

#include "nn/encoder/distances.h"
#include "nn/encoder/front.h"
#include "nn/encoder/positions.h"
#include "nn/encoder/transformer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_EPSILON 1e-7

enum {
    MAX_CONV = 2048, /* channels of a convolution */
    MAX_KERNEL = 64, /* taps and stride of one */
    MAX_TAPS = 512,  /* of that of positions */
    MAX_BUCKETS = 4096
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

struct ser_waves {
    const struct ser_encoder_shape *shape;
    int last; /* the layers that are there */
    struct ser_front front;
    struct ser_norm proj_norm, norm;
    struct ser_linear project;
    struct ser_positions positions;
    struct ser_distances distances; /* of WavLM */
    struct ser_transformer *layer;  /* [last] */
};

/* ---- shapes ---- */

void ser_waves_list(const struct ser_encoder_shape *s, struct ser_lister *l) {
    int D = s->width, in = s->conv_dim[s->convs - 1];
    ser_front_list(s, l);
    if (s->proj_norm)
        ser_list_norm(l, "feature_projection.layer_norm", 0, in);
    ser_list_linear(l, "feature_projection.projection", 0, D, in, 1);
    ser_positions_list(s, l);
    ser_list_norm(l, "encoder.layer_norm", 0, D);
    for (int i = 0; i < s->layers; i++)
        ser_transformer_list(s, l, &names, i);
    if (s->family == SER_WAVLM)
        ser_distances_list(s, l);
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

/* ---- loading ---- */

static int load_all(struct ser_waves *w, struct ser_loader *l) {
    const struct ser_encoder_shape *s = w->shape;
    const struct ser_outputs project = {"feature_projection.projection", 1};
    w->layer = calloc((size_t)w->last + 1, sizeof *w->layer);
    if (!w->layer || ser_front_load(&w->front, l))
        return -1;
    if ((s->proj_norm && ser_load_norm(l, "feature_projection.layer_norm", 0, &w->proj_norm)) ||
        ser_load_linear(l, &project, 1, 0, s->conv_dim[s->convs - 1], s->width, &w->project) ||
        ser_positions_load(&w->positions, l) || ser_load_norm(l, "encoder.layer_norm", 0, &w->norm))
        return -1;
    if (s->family == SER_WAVLM && ser_distances_load(&w->distances, l))
        return -1;
    for (int i = 0; i < w->last; i++)
        if (ser_transformer_load(&w->layer[i], l, &names, i))
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
    ser_positions_free(&w->positions);
    ser_distances_free(&w->distances);
    free(w->layer);
    free(w);
}

/* ---- what is heard ---- */

int ser_waves_features(const struct ser_waves *w, struct ser_encoder_run *run, const float *x,
                       size_t n, const float **y, size_t *rows) {
    float *to = ser_room(&run->features, n);
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

/* ---- network ---- */

/* What goes into the first layer, in run->hidden [T,D]. */
static int stem(const struct ser_waves *w, struct ser_encoder_run *run, const float *x, size_t n,
                int *T) {
    const struct ser_encoder_shape *s = w->shape;
    int C = s->conv_dim[s->convs - 1];
    size_t frames = ser_front_frames(s, n);
    float *hidden = ser_room(&run->hidden, frames * (size_t)s->width);
    float *normed = ser_room(&run->normed, frames * (size_t)C);
    float *y = ser_room(&run->work, frames * (size_t)C);
    if (!hidden || !normed || !y || ser_front_run(&w->front, run, x, n, y))
        return -1;
    *T = (int)frames;
    ser_encode_show(run, "conv_features", y, frames, C);
    if (s->proj_norm) {
        ser_encode_norm(run, &w->proj_norm, *T, C, s->epsilon, y, normed);
        y = normed;
    }
    ser_encode_linear(run, &w->project, *T, y, C, 0, hidden, s->width);
    ser_encode_show(run, "projected", hidden, frames, s->width);
    if (ser_positions_add(&w->positions, run, *T))
        return -1;
    if (!s->stable)
        ser_encode_norm(run, &w->norm, *T, s->width, s->epsilon, hidden, hidden);
    return ser_encoder_run_status(run);
}

int ser_waves_layers(const struct ser_waves *w, struct ser_encoder_run *run, const float *y,
                     size_t rows, int first, ser_hidden *take, void *ctx) {
    const struct ser_encoder_shape *s = w->shape;
    struct ser_gating gating = {&w->distances, 0};
    struct ser_transforming how = {.heads = s->heads, .epsilon = s->epsilon, .behind = !s->stable};
    int T;
    if (stem(w, run, y, rows, &T))
        return -1;
    if (s->family == SER_WAVLM) {
        how.fill_gate = ser_distances_gate;
        how.ctx = &gating;
        how.bias = ser_distances_bias(&w->distances, run, T);
        if (!how.bias)
            return -1;
    }
    for (int i = 0;; i++) {
        int final = s->stable && i == s->layers;
        float *normed = final ? ser_room(&run->normed, (size_t)T * (size_t)s->width) : NULL;
        if (final && !normed)
            return -1;
        if (final)
            ser_encode_norm(run, &w->norm, T, s->width, s->epsilon, run->hidden.at, normed);
        if (i >= first)
            take(ctx, i, final ? normed : run->hidden.at, (size_t)T);
        if (i == w->last)
            return 0;
        gating.layer = i;
        if (ser_transformer_run(&w->layer[i], run, T, &how))
            return -1;
    }
}
