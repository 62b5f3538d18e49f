#include "nn/encoder/attention.h"

#include "math/mathfun.h"
#include "nn/kernels/kernels.h"
#include "nn/kernels/product.h"

#include <math.h>

void ser_attend_prepare(const struct ser_attention *a, int head) {
    int D = a->heads * a->each;
    size_t ld = 3 * (size_t)D, each = (size_t)a->each;
    const float *keys = a->qkv + D + (size_t)head * each, *values = keys + D;
    float *to = a->values + (size_t)head * (size_t)a->T * each;
    ser_transpose(keys, a->T, a->each, ld, a->keys + (size_t)head * each * (size_t)a->ldk,
                  (size_t)a->ldk);
    for (int t = 0; t < a->T; t++)
        memcpy(to + (size_t)t * each, values + (size_t)t * ld, each * sizeof *to);
}

/* s [n] becomes scale s + gate bias. */
SER_CLONES static void add_bias(float *s, int n, float scale, float gate, const float *bias) {
    for (int i = 0; i < n; i += SER_LANES) {
        int k = ser_lanes(i, n);
        ser_store(s + i, ser_load(s + i, k) * scale + ser_load(bias + i, k) * gate, k);
    }
}

/* s [n] becomes exp(scale (s - its maximum)); returns one over their sum. */
SER_CLONES static float exponentials(float *s, int n, float scale) {
    ser_vec most = ser_splat(s[0]), sum = {0};
    for (int i = 0; i < n; i += SER_LANES) {
        int k = ser_lanes(i, n);
        ser_vec v = ser_load(s + i, k);
        if (k < SER_LANES) /* the lanes that are not there */
            for (int j = k; j < SER_LANES; j++)
                v[j] = s[0];
        most = ser_select(v > most, v, most);
    }
    float top = most[0];
    for (int j = 1; j < SER_LANES; j++)
        top = most[j] > top ? most[j] : top;
    for (int i = 0; i < n; i += SER_LANES) {
        int k = ser_lanes(i, n);
        ser_vec v = ser_vexp((ser_load(s + i, k) - top) * scale);
        for (int j = k; j < SER_LANES; j++)
            v[j] = 0;
        ser_store(s + i, v, k);
        sum += v;
    }
    double total = 0;
    for (int j = 0; j < SER_LANES; j++)
        total += sum[j];
    return (float)(1 / total);
}

void ser_attend_rows(const struct ser_attention *a, const struct ser_kernels *k, void *state,
                     int head, int first, float *scores) {
    int D = a->heads * a->each, T = a->T;
    int rows = T - first < SER_ATTEND_ROWS ? T - first : SER_ATTEND_ROWS;
    size_t at = (size_t)head * (size_t)a->each;
    float *out = a->out + (size_t)first * (size_t)D + at, over[SER_ATTEND_ROWS];
    k->gemm(state, 0, 0, rows, T, a->each, a->qkv + (size_t)first * 3 * (size_t)D + at, 3 * D,
            a->keys + at * (size_t)a->ldk, a->ldk, 0, scores, a->ldk);
    for (int r = 0; r < rows; r++) {
        float *s = scores + (size_t)r * (size_t)a->ldk;
        int q = first + r;
        if (a->gate)
            add_bias(s, T, a->scale, a->gate[q * a->heads + head],
                     a->bias + (size_t)head * (2 * (size_t)T - 1) + (T - 1 - q));
        over[r] = exponentials(s, T, a->gate ? 1 : a->scale);
    }
    k->gemm(state, 0, 0, rows, a->each, T, scores, a->ldk, a->values + at * (size_t)T, a->each, 0,
            out, D);
    for (int r = 0; r < rows; r++, out += D)
        for (int c = 0; c < a->each; c++)
            out[c] *= over[r];
}
