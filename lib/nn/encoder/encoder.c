#include "nn/encoder.h"

#include "nn/encoder/front.h"
#include "nn/encoder/room.h"
#include "nn/encoder/waves.h"
#include "nn/encoder/whisper.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_WIDTH = 4096, MAX_HIDDEN = 16384, MAX_LAYERS = 64, WHISPER_FRAME = 320, MOST_S = 30 };

/* One of the two. The shape stands here, so that they may point to it. */
struct ser_encoder {
    struct ser_encoder_shape shape;
    struct ser_whisper *whisper;
    struct ser_waves *waves;
    float *own;           /* the packed weights, unless they are somebody else's */
    const float *weights; /* [used] */
    size_t used;
};

/* What the published configurations call the dimensions. */
static const struct {
    const char *width, *layers, *heads, *hidden;
} called[] = {
    {"d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim"},
    {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"},
};

static int in_range(const char *name, int value, int most, char why[SER_WHY]) {
    if (value >= 1 && value <= most)
        return 1;
    snprintf(why, SER_WHY, "%s is %d, not in 1..%d", name, value, most);
    return 0;
}

static int is_whisper(const struct ser_encoder_shape *s) {
    return s->family == SER_WHISPER;
}

int ser_encoder_check(const struct ser_encoder_shape *s, char why[SER_WHY]) {
    int other = !is_whisper(s);
    if (!in_range(called[other].width, s->width, MAX_WIDTH, why) ||
        !in_range(called[other].layers, s->layers, MAX_LAYERS, why) ||
        !in_range(called[other].heads, s->heads, s->width, why) ||
        !in_range(called[other].hidden, s->hidden, MAX_HIDDEN, why))
        return -1;
    if (s->width % s->heads) {
        snprintf(why, SER_WHY, "%s is %d, which does not divide %s %d", called[other].heads,
                 s->heads, called[other].width, s->width);
        return -1;
    }
    return other ? ser_waves_check(s, why) : ser_whisper_check(s, why);
}

int ser_encoder_weights(const struct ser_encoder_shape *s, struct ser_weight *w) {
    struct ser_lister l = {w, 0};
    if (is_whisper(s))
        ser_whisper_list(s, &l);
    else
        ser_waves_list(s, &l);
    return l.n;
}

/* The network up to hidden state last, as a loader has it: *used floats of weights. -1 without memory, or where the
 * source failed, which *failed tells. */
static int load(struct ser_encoder *c, int last, const struct ser_weight_source *from, float *fill,
                const float *at, size_t *used, int *failed) {
    struct ser_loader l;
    int bad = ser_loader_new(&l, &c->shape, from, fill, at);
    if (!bad && is_whisper(&c->shape))
        bad = !(c->whisper = ser_whisper_new(&l, last));
    else if (!bad)
        bad = !(c->waves = ser_waves_new(&l, last));
    *used = l.used;
    *failed = l.failed;
    ser_loader_free(&l);
    return bad ? -1 : 0;
}

static void drop(struct ser_encoder *c) {
    ser_whisper_free(c->whisper);
    ser_waves_free(c->waves);
    c->whisper = NULL;
    c->waves = NULL;
}

size_t ser_encoder_packed(const struct ser_encoder_shape *s, int last) {
    struct ser_encoder c = {.shape = *s};
    size_t used;
    int failed, bad = load(&c, last, NULL, NULL, NULL, &used, &failed);
    drop(&c);
    return bad ? 0 : used;
}

struct ser_encoder *ser_encoder_new(const struct ser_encoder_shape *s, int last,
                                    const struct ser_weight_source *from, int *failed) {
    size_t used = ser_encoder_packed(s, last);
    struct ser_encoder *c = used ? calloc(1, sizeof *c) : NULL;
    *failed = 0;
    if (!c)
        return NULL;
    c->shape = *s;
    c->weights = c->own = ser_floats(used);
    if (c->own && !load(c, last, from, c->own, c->own, &c->used, failed))
        return c;
    ser_encoder_free(c);
    return NULL;
}

struct ser_encoder *ser_encoder_of(const struct ser_encoder_shape *s, int last,
                                   const float *packed) {
    struct ser_encoder *c = calloc(1, sizeof *c);
    int failed;
    if (!c)
        return NULL;
    c->shape = *s;
    c->weights = packed;
    if (!load(c, last, NULL, NULL, packed, &c->used, &failed))
        return c;
    ser_encoder_free(c);
    return NULL;
}

const float *ser_encoder_weights_of(const struct ser_encoder *c, size_t *n) {
    *n = c->used;
    return c->weights;
}

void ser_encoder_free(struct ser_encoder *c) {
    if (!c)
        return;
    drop(c);
    free(c->own);
    free(c);
}

size_t ser_encoder_least(const struct ser_encoder_shape *s) {
    return is_whisper(s) ? 1 : ser_front_samples(s, 1);
}

size_t ser_encoder_most(const struct ser_encoder_shape *s) {
    (void)s;
    return (size_t)MOST_S * SER_ENCODER_RATE_HZ;
}

size_t ser_encoder_frames(const struct ser_encoder_shape *s, size_t n) {
    return is_whisper(s) ? (n + WHISPER_FRAME - 1) / WHISPER_FRAME : ser_front_frames(s, n);
}

size_t ser_encoder_samples(const struct ser_encoder_shape *s, size_t frames) {
    return is_whisper(s) ? frames * WHISPER_FRAME : ser_front_samples(s, frames);
}

int ser_encode_features(struct ser_encoder_run *run, const float *x, size_t n, int padded,
                        const float **y, size_t *rows) {
    const struct ser_encoder *c = run->encoder;
    return c->whisper ? ser_whisper_features(c->whisper, run, x, n, padded, y, rows)
                      : ser_waves_features(c->waves, run, x, n, y, rows);
}

int ser_encode_layers(struct ser_encoder_run *run, const float *y, size_t rows, size_t frames,
                      int first, ser_hidden *take, void *ctx) {
    const struct ser_encoder *c = run->encoder;
    return c->whisper ? ser_whisper_layers(c->whisper, run, y, rows, frames, first, take, ctx)
                      : ser_waves_layers(c->waves, run, y, rows, first, take, ctx);
}

int ser_encode(struct ser_encoder_run *run, const float *x, size_t n, int padded, int first,
               ser_hidden *take, void *ctx) {
    const float *y;
    size_t rows;
    if (ser_encode_features(run, x, n, padded, &y, &rows))
        return -1;
    return ser_encode_layers(run, y, rows, ser_encoder_frames(&run->encoder->shape, n), first, take,
                             ctx);
}
