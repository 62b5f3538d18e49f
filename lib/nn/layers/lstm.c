/* lstm, bilstm: the cell of layers/recurrent.h. Gates in the order i, f, g (Keras' c), o.
 *
 *   z = x_t w + h_{t-1} u + b
 *   i, f, o = sigmoid(z),  g = tanh(z)
 *   c_t = f c_{t-1} + i g
 *   k_t = tanh(c_t)
 *   h_t = o k_t
 *
 * kept: c, k. The forget gate starts open.
 */
#include "math/mathfun.h"
#include "nn/layers/recurrent.h"

enum { C, K };

/* z [4U] becomes the gates; c0 [U] is the step before, unless this is the first. */
SER_CLONES static void squash(float *z, const float *b, const float *c0, int is_first, int U,
                              float *c, float *k, float *h) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        ser_vec i = ser_vsigmoid(ser_load(z + j, n) + ser_load(b + j, n));
        ser_vec f = ser_vsigmoid(ser_load(z + U + j, n) + ser_load(b + U + j, n));
        ser_vec g = ser_vtanh(ser_load(z + 2 * U + j, n) + ser_load(b + 2 * U + j, n));
        ser_vec o = ser_vsigmoid(ser_load(z + 3 * U + j, n) + ser_load(b + 3 * U + j, n));
        ser_vec now = i * g;
        if (!is_first)
            now += f * ser_load(c0 + j, n);
        ser_vec squashed = ser_vtanh(now);
        ser_store(z + j, i, n);
        ser_store(z + U + j, f, n);
        ser_store(z + 2 * U + j, g, n);
        ser_store(z + 3 * U + j, o, n);
        ser_store(c + j, now, n);
        ser_store(k + j, squashed, n);
        ser_store(h + j, o * squashed, n);
    }
}

static void cell(const struct ser_direction *d, const struct ser_step *s, float *h) {
    size_t U = (size_t)d->U, prev = s->is_first ? s->at : s->prev;
    squash(d->gates + s->at * d->ldz, d->b, d->kept[C] + prev * U, s->is_first, d->U,
           d->kept[C] + s->at * U, d->kept[K] + s->at * U, h);
}

/* z holds the gates and becomes dz [4U]. dh [U] is what later steps ask of h, dy [U] what the output does;
 * dc [U] is carried from step to step. */
SER_CLONES static void slopes(float *z, const float *c0, const float *k, const float *dh,
                              const float *dy, int U, float *dc) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        ser_vec i = ser_load(z + j, n), f = ser_load(z + U + j, n), g = ser_load(z + 2 * U + j, n),
                o = ser_load(z + 3 * U + j, n), tc = ser_load(k + j, n);
        ser_vec c = c0 ? ser_load(c0 + j, n) : (ser_vec){0};
        ser_vec d = ser_load(dh + j, n) + ser_load(dy + j, n);
        ser_vec cell = ser_load(dc + j, n) + d * o * (1.0f - tc * tc);
        ser_store(z + j, cell * g * i * (1.0f - i), n);
        ser_store(z + U + j, cell * c * f * (1.0f - f), n);
        ser_store(z + 2 * U + j, cell * i * (1.0f - g * g), n);
        ser_store(z + 3 * U + j, d * tc * o * (1.0f - o), n);
        ser_store(dc + j, cell * f, n);
    }
}

static void cell_back(const struct ser_direction *d, const struct ser_step *s, float *dh,
                      float *carried) {
    size_t U = (size_t)d->U;
    slopes(d->gates + s->at * d->ldz, s->is_first ? NULL : d->kept[C] + s->prev * U,
           d->kept[K] + s->at * U, dh, d->dy + s->at * d->ldy, d->U, carried);
}

static const struct ser_recurrent lstm = {
    .gates = 4,
    .biases = 1,
    .kept = 2,
    .open = 1,
    .onnx = {0, 3, 1, 2}, /* i, o, f, c */
    .op = "LSTM",
    .cell = cell,
    .cell_back = cell_back,
};

const struct ser_layer_type ser_layer_lstm = {
    .name = "lstm",
    .usage = "lstm UNITS [l2=X]",
    SER_RECURRENT(lstm),
};

const struct ser_layer_type ser_layer_bilstm = {
    .name = "bilstm",
    .usage = "bilstm UNITS [l2=X]",
    .both_ways = 1,
    SER_RECURRENT(lstm),
};
