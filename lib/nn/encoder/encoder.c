#include "nn/encoder.h"

#include "nn/encoder/whisper.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_WIDTH = 4096, MAX_HIDDEN = 16384, MAX_LAYERS = 64 };

/* The copy of the shape stands first, so that what is made of it may point there. */
struct ser_encoder {
    struct ser_encoder_shape shape;
    struct ser_whisper *whisper;
};

static int in_range(const char *name, int value, int most, char why[SER_WHY]) {
    if (value >= 1 && value <= most)
        return 1;
    snprintf(why, SER_WHY, "%s is %d, not in 1..%d", name, value, most);
    return 0;
}

int ser_encoder_check(const struct ser_encoder_shape *s, char why[SER_WHY]) {
    if (!in_range("d_model", s->width, MAX_WIDTH, why) ||
        !in_range("encoder_layers", s->layers, MAX_LAYERS, why) ||
        !in_range("encoder_attention_heads", s->heads, s->width, why) ||
        !in_range("encoder_ffn_dim", s->hidden, MAX_HIDDEN, why))
        return -1;
    if (s->width % s->heads) {
        snprintf(why, SER_WHY, "encoder_attention_heads is %d, which does not divide d_model %d",
                 s->heads, s->width);
        return -1;
    }
    return ser_whisper_check(s, why);
}

int ser_encoder_weights(const struct ser_encoder_shape *s) {
    return ser_weight_count(ser_whisper_rows, s->layers);
}

void ser_encoder_weight(const struct ser_encoder_shape *s, int i, struct ser_weight *w) {
    ser_weight_get(ser_whisper_rows, s, i, w);
}

struct ser_encoder *ser_encoder_new(const struct ser_encoder_shape *s, int last,
                                    const struct ser_weight_source *from, int *failed) {
    struct ser_encoder *c = calloc(1, sizeof *c);
    struct ser_loader l = {0};
    *failed = 0;
    if (!c)
        return NULL;
    c->shape = *s;
    if (!ser_loader_new(&l, &c->shape, from))
        c->whisper = ser_whisper_new(&l, last);
    *failed = l.failed;
    ser_loader_free(&l);
    if (c->whisper)
        return c;
    free(c);
    return NULL;
}

void ser_encoder_free(struct ser_encoder *c) {
    if (!c)
        return;
    ser_whisper_free(c->whisper);
    free(c);
}

size_t ser_encoder_least(const struct ser_encoder_shape *s) {
    (void)s;
    return 1;
}

size_t ser_encoder_most(const struct ser_encoder_shape *s) {
    (void)s;
    return 30 * SER_ENCODER_RATE_HZ;
}

int ser_hear_features(struct ser_hearing *h, const float *x, size_t n, int padded, const float **y,
                      size_t *rows) {
    return ser_whisper_features(h->encoder->whisper, h, x, n, padded, y, rows);
}

int ser_hear_layers(struct ser_hearing *h, const float *y, size_t rows, size_t frames, int first,
                    ser_hidden *take, void *ctx) {
    return ser_whisper_layers(h->encoder->whisper, h, y, rows, frames, first, take, ctx);
}

int ser_hear(struct ser_hearing *h, const float *x, size_t n, int padded, int first,
             ser_hidden *take, void *ctx) {
    const float *y;
    size_t rows, frames = (n + 319) / 320;
    if (ser_hear_features(h, x, n, padded, &y, &rows))
        return -1;
    return ser_hear_layers(h, y, rows, frames, first, take, ctx);
}
