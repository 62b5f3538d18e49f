#include "nn/encoder/whisper.h"

#include "math/logmel.h"
#include "nn/encoder/transformer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-5

enum {
    TAPS = 3,        /* of a convolution */
    PADDED = 480000, /* samples: 30 s */
    LEAST = 16000,   /* what is heard at least */
    BEHIND = 1600,   /* zeros behind a clip */
    PART = 32        /* frames of a log-mel that one thread makes at a time */
};

static const struct ser_transformer_names names = {
    .norm1 = "layers.%d.self_attn_layer_norm",
    .query = "layers.%d.self_attn.q_proj",
    .key = "layers.%d.self_attn.k_proj",
    .value = "layers.%d.self_attn.v_proj",
    .out = "layers.%d.self_attn.out_proj",
    .norm2 = "layers.%d.final_layer_norm",
    .up = "layers.%d.fc1",
    .down = "layers.%d.fc2",
};

void ser_whisper_list(const struct ser_encoder_shape *s, struct ser_lister *l) {
    int D = s->width;
    ser_list_conv(l, "conv1", 0, D, s->bands, TAPS, 1);
    ser_list_conv(l, "conv2", 0, D, D, TAPS, 1);
    ser_list(l, "embed_positions.weight", 0, SER_WHISPER_POSITIONS, D, 0, 0);
    ser_list_norm(l, "layer_norm", 0, D);
    for (int i = 0; i < s->layers; i++)
        ser_transformer_list(s, l, &names, i);
}

struct ser_whisper {
    const struct ser_encoder_shape *shape;
    int last; /* the layers that are there */
    struct ser_logmel *logmel;
    struct ser_linear conv1, conv2;
    const float *positions; /* [SER_WHISPER_POSITIONS, D] */
    struct ser_norm norm;
    struct ser_transformer *layer; /* [last] */
};

int ser_whisper_check(const struct ser_encoder_shape *s, char why[SER_WHY]) {
    if (s->bands == 80 || s->bands == 128)
        return 0;
    snprintf(why, SER_WHY, "num_mel_bins is %d, not 80 or 128", s->bands);
    return -1;
}

/* ---- loading ---- */

static int load_all(struct ser_whisper *w, struct ser_loader *l) {
    w->layer = calloc((size_t)w->last + 1, sizeof *w->layer);
    if (!w->layer || ser_load_conv(l, "conv1", 0, &w->conv1, 1) ||
        ser_load_conv(l, "conv2", 0, &w->conv2, 1) ||
        ser_load_copy(l, "embed_positions.weight", 0, &w->positions) ||
        ser_load_norm(l, "layer_norm", 0, &w->norm))
        return -1;
    for (int i = 0; i < w->last; i++)
        if (ser_transformer_load(&w->layer[i], l, &names, i))
            return -1;
    return 0;
}

struct ser_whisper *ser_whisper_new(struct ser_loader *l, int last) {
    struct ser_whisper *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->shape = l->shape;
    w->last = last;
    w->logmel = l->at ? ser_logmel_new(w->shape->bands) : NULL;
    if ((l->at && !w->logmel) || load_all(w, l)) {
        ser_whisper_free(w);
        return NULL;
    }
    return w;
}

void ser_whisper_free(struct ser_whisper *w) {
    if (!w)
        return;
    ser_logmel_free(w->logmel);
    free(w->layer);
    free(w);
}

/* ---- log-mel ---- */

struct spectra {
    const struct ser_logmel *logmel;
    const float *x;
    size_t n, length, frames, bands;
    double *v;
};

static void make_part(void *ctx, void *state, int thread, int i) {
    const struct spectra *s = ctx;
    size_t first = (size_t)i * PART, left = s->frames - first;
    (void)state;
    (void)thread;
    ser_logmel_part(s->logmel, s->x, s->n, s->length, first, left < PART ? left : PART,
                    s->v + first * s->bands);
}

int ser_whisper_features(const struct ser_whisper *w, struct ser_encoder_run *run, const float *x,
                         size_t n, int padded, const float **y, size_t *rows) {
    size_t length = n + BEHIND < LEAST ? LEAST : n + BEHIND;
    length = padded || length > PADDED ? PADDED : length;
    size_t frames = ser_logmel_frames(length), size = frames * (size_t)w->shape->bands;
    if (size > run->logs_cap) {
        free(run->logs);
        run->logs = malloc(size * sizeof *run->logs);
        run->logs_cap = run->logs ? size : 0;
    }
    float *to = ser_room(&run->features, size);
    if (!run->logs || !to)
        return -1;
    struct spectra s = {w->logmel, x, n, length, frames, (size_t)w->shape->bands, run->logs};
    ser_share_out(run, (int)((frames + PART - 1) / PART), make_part, &s);
    ser_logmel_finish(run->logs, size, to);
    *y = to;
    *rows = frames;
    return 0;
}

/* ---- network ---- */

/* Hidden state 0 of y [M,B], in run->hidden [T,width]. */
static int stem(const struct ser_whisper *w, struct ser_encoder_run *run, const float *y, size_t M,
                size_t T) {
    size_t width = (size_t)w->shape->width, bands = (size_t)w->shape->bands;
    size_t first = (M + 2) * bands;
    float *in = ser_room(&run->work, first + (M + 2) * width);
    float *hidden = ser_room(&run->hidden, T * width);
    if (!in || !hidden)
        return -1;
    float *mid = in + first;
    memset(in, 0, bands * sizeof *in);
    memcpy(in + bands, y, M * bands * sizeof *in);
    memset(in + (M + 1) * bands, 0, bands * sizeof *in);
    memset(mid, 0, width * sizeof *mid);
    memset(mid + (M + 1) * width, 0, width * sizeof *mid);
    ser_encode_linear(run, &w->conv1, (int)M, in, (int)bands, SER_GELU, mid + width, (int)width);
    ser_encode_linear(run, &w->conv2, (int)T, mid, 2 * (int)width, SER_GELU, hidden, (int)width);
    for (size_t i = 0; i < T * width; i++)
        hidden[i] += w->positions[i];
    return ser_encoder_run_status(run);
}

int ser_whisper_layers(const struct ser_whisper *w, struct ser_encoder_run *run, const float *y,
                       size_t rows, size_t frames, int first, ser_hidden *take, void *ctx) {
    size_t T = (rows + 1) / 2, width = (size_t)w->shape->width;
    if (T > SER_WHISPER_POSITIONS || stem(w, run, y, rows, T))
        return -1;
    frames = frames < T ? frames : T;
    const struct ser_transforming how = {.heads = w->shape->heads, .epsilon = EPSILON};
    for (int i = 0;; i++) {
        int final = i == w->shape->layers;
        if (final) {
            float *normed = ser_room(&run->normed, T * width);
            if (!normed)
                return -1;
            ser_encode_show(run, "before_norm", run->hidden.at, frames, (int)width);
            ser_encode_norm(run, &w->norm, (int)frames, (int)width, EPSILON, run->hidden.at,
                            normed);
        }
        if (i >= first)
            take(ctx, i, final ? run->normed.at : run->hidden.at, frames);
        if (i == w->last)
            return 0;
        if (ser_transformer_run(&w->layer[i], run, (int)T, &how))
            return -1;
    }
}
