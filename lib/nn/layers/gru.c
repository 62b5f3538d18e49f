/* gru, bigru: the cell of layers/recurrent.h. Gates in the order z, r, n; b has the input's bias, then the
 * recurrent one. As Keras has it (reset_after) and PyTorch (Cho et al. 2014 with the reset gate after the
 * product).
 *
 *   a = x_t w + b[0],  q = h_{t-1} u + b[1]
 *   z, r = sigmoid(a + q),  n = tanh(a_n + r q_n)
 *   h_t = (1 - z) n + z h_{t-1}
 *
 * kept: q_n. Backward turns the gates into da and q_n into dq_n in place; dq of the other two is da's.
 */
#include "math/mathfun.h"
#include "nn/layers/recurrent.h"

/* a [3U] becomes the gates, h [U] the new state. q [3U] is h_{t-1} u; before
 * [U] is h_{t-1}, NULL for zero. */
SER_CLONES static void mix(float *a, const float *q, const float *b, const float *before, int U,
                           float *q_n, float *h) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        const float *c = b + 3 * U;
        ser_vec was = before ? ser_load(before + j, n) : (ser_vec){0};
        ser_vec z =
            ser_load(a + j, n) + ser_load(b + j, n) + ser_load(q + j, n) + ser_load(c + j, n);
        ser_vec r = ser_load(a + U + j, n) + ser_load(b + U + j, n) + ser_load(q + U + j, n) +
                    ser_load(c + U + j, n);
        ser_vec m = ser_load(q + 2 * U + j, n) + ser_load(c + 2 * U + j, n);
        z = ser_vsigmoid(z);
        r = ser_vsigmoid(r);
        ser_vec g = ser_vtanh(ser_load(a + 2 * U + j, n) + ser_load(b + 2 * U + j, n) + r * m);
        ser_store(a + j, z, n);
        ser_store(a + U + j, r, n);
        ser_store(a + 2 * U + j, g, n);
        ser_store(q_n + j, m, n);
        ser_store(h + j, (1.0f - z) * g + z * was, n);
    }
}

static void cell(const struct ser_direction *d, const struct ser_step *s, float *h) {
    mix(d->gates + s->at * d->ldz, d->product + (size_t)s->n * d->ldz, d->b,
        s->is_first ? NULL : d->y + s->prev * d->ldy, d->U, d->kept[0] + s->at * (size_t)d->U, h);
}

/* a holds the gates and becomes da [3U], q_n [U] becomes dq_n. dh
 * [U] is what later steps ask of h, dy [U] what the output does; dh becomes what goes to h_{t-1}
 * past the products. */
SER_CLONES static void slopes(float *a, float *q_n, const float *before, const float *dy, int U,
                              float *dh) {
    for (int j = 0; j < U; j += SER_LANES) {
        int n = ser_lanes(j, U);
        ser_vec z = ser_load(a + j, n), r = ser_load(a + U + j, n), g = ser_load(a + 2 * U + j, n),
                m = ser_load(q_n + j, n), was = before ? ser_load(before + j, n) : (ser_vec){0};
        ser_vec d = ser_load(dh + j, n) + ser_load(dy + j, n);
        ser_vec dg = d * (1.0f - z) * (1.0f - g * g);
        ser_store(a + j, d * (was - g) * z * (1.0f - z), n);
        ser_store(a + U + j, dg * m * r * (1.0f - r), n);
        ser_store(a + 2 * U + j, dg, n);
        ser_store(q_n + j, dg * r, n);
        ser_store(dh + j, d * z, n);
    }
}

static void cell_back(const struct ser_direction *d, const struct ser_step *s, float *dh,
                      float *carried) {
    (void)carried;
    slopes(d->gates + s->at * d->ldz, d->kept[0] + s->at * (size_t)d->U,
           s->is_first ? NULL : d->y + s->prev * d->ldy, d->dy + s->at * d->ldy, d->U, dh);
}

static const struct ser_recurrent gru = {
    .gates = 3,
    .biases = 2,
    .kept = 1,
    .open = -1,
    .apart = 1,
    .onnx = {0, 1, 2},
    .op = "GRU",
    .cell = cell,
    .cell_back = cell_back,
};

const struct ser_layer_type ser_layer_gru = {
    .name = "gru",
    .usage = "gru UNITS [l2=X]",
    SER_RECURRENT(gru),
};

const struct ser_layer_type ser_layer_bigru = {
    .name = "bigru",
    .usage = "bigru UNITS [l2=X]",
    .both_ways = 1,
    SER_RECURRENT(gru),
};
