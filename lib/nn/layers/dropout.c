/* dropout: in training each element is zero with probability rate, else divided by 1 - rate; x, y
 * [N,n]. What is dropped depends on the seed, the epoch, the layer and the sample's place in the
 * training data: element i of a sample takes 16 bits of Philox number i / 8.
 * dropout2d: the same for whole channels of an image or a sequence (PyTorch's Dropout2d): element c
 * of the C that are drawn is channel c.
 *
 * saved: 1 for what is kept, [N,n] bytes.
 */
#include "nn/layers/dropout.h"
#include "math/simd.h"
#include "nn/layer.h"
#include <endian.h>

/* ---- what is kept ---- */

struct ser_key ser_dropout_key(const struct ser_dropout *dropout, int layer) {
    return ser_key(dropout->seed, SER_PURPOSE_DROPOUT, dropout->epoch, (uint64_t)layer);
}

enum { WIDE = SER_PHILOX_WIDE, MASK = 8 * WIDE };

/* keep[8 j + i] of WIDE numbers: number j gives eight elements, two of a word, its lower half
 * first. */
SER_CLONES static void mask_wide(uint32_t word[4][WIDE], uint32_t threshold, uint8_t keep[MASK]) {
    uint64_t eight[WIDE] = {0};
    for (int k = 3; k >= 0; k--)
        for (int j = 0; j < WIDE; j++) {
            uint32_t upper = (word[k][j] >> 16) >= threshold;
            uint32_t lower = (word[k][j] & 0xffff) >= threshold;
            eight[j] = eight[j] << 16 | (upper << 8 | lower);
        }
    for (int j = 0; j < WIDE; j++) {
        uint64_t bytes = htole64(eight[j]);
        memcpy(keep + 8 * j, &bytes, sizeof bytes);
    }
}

void ser_dropout_mask(struct ser_key key, uint64_t place, float rate, size_t n, uint8_t *keep) {
    uint32_t threshold = (uint32_t)(rate * 65536.0f + 0.5f), word[4][WIDE];
    uint8_t some[MASK];
    for (size_t i = 0; i < n; i += MASK) {
        size_t left = n - i < MASK ? n - i : MASK;
        ser_philox_wide(key, (uint32_t)(i / 8), place, word);
        mask_wide(word, threshold, some);
        memcpy(keep + i, some, left);
    }
}

/* ---- the layer ---- */

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    double rate;
    if (n != 2 || ser_word_number(words[1], 0, 0.99, &rate))
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->rate = (float)rate;
    l->out = l->in;
    return 0;
}

static int setup_2d(struct ser_net *net, struct ser_layer *l, int n, char **words,
                    char why[SER_WHY]) {
    if (l->in.rank == 1)
        return ser_refuse(why, "dropout2d needs an image or a sequence");
    return setup(net, l, n, words, why);
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    return (size_t)N * ser_shape_size(&l->in);
}

/* y = x scale where kept, else 0. */
SER_CLONES static void apply(const float *x, const uint8_t *keep, size_t n, float scale, float *y) {
    for (size_t i = 0; i < n; i += SER_LANES) {
        int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;
        ser_ivec kept = ser_load_bytes(keep + i, lanes) != 0;
        ser_store(y + i, ser_select(kept, ser_load(x + i, lanes) * scale, (ser_vec){0}), lanes);
    }
}

/* What is kept of sample i: draws many are drawn, and repeat over its places. */
static void draw(const struct ser_pass *p, int i, size_t draws, size_t n, uint8_t *keep) {
    if (!p->dropout) {
        memset(keep, 1, n);
        return;
    }
    ser_dropout_mask(ser_dropout_key(p->dropout, p->layer->index), p->place[i], p->layer->rate,
                     draws, keep);
    for (size_t at = draws; at < n; at += draws)
        memcpy(keep + at, keep, draws);
}

static void forward_draws(const struct ser_pass *p, size_t draws) {
    size_t n = ser_shape_size(&p->layer->in);
    uint8_t *keep = p->saved;
    for (int i = 0; i < p->N; i++)
        draw(p, i, draws, n, keep + (size_t)i * n);
    apply(p->x, keep, (size_t)p->N * n, p->dropout ? 1 / (1 - p->layer->rate) : 1, p->y);
}

static void forward(const struct ser_pass *p) {
    forward_draws(p, ser_shape_size(&p->layer->in));
}

static void forward_2d(const struct ser_pass *p) {
    forward_draws(p, (size_t)p->layer->in.dim[p->layer->in.rank - 1]);
}

static void backward(const struct ser_pass *p) {
    size_t n = (size_t)p->N * ser_shape_size(&p->layer->in);
    if (p->dx)
        apply(p->dy, p->saved, n, p->dropout ? 1 / (1 - p->layer->rate) : 1, p->dx);
}

const struct ser_layer_type ser_layer_dropout = {
    .name = "dropout",
    .usage = "dropout RATE (0 to 0.99)",
    .in_place = 1,
    .idle = 1,
    .setup = setup,
    .saved_bytes = saved_bytes,
    .forward = forward,
    .backward = backward,
};

const struct ser_layer_type ser_layer_dropout2d = {
    .name = "dropout2d",
    .usage = "dropout2d RATE (0 to 0.99)",
    .in_place = 1,
    .idle = 1,
    .setup = setup_2d,
    .saved_bytes = saved_bytes,
    .forward = forward_2d,
    .backward = backward,
};
