#include "nn/encoder/linear.h"

#include "math/mathfun.h"
#include "nn/kernels/kernels.h"
#include "nn/kernels/product.h"

enum { WIDE = SER_PANEL_OUT };

int ser_linear_panels(const struct ser_linear *l) {
    return (l->out + WIDE - 1) / WIDE;
}

void ser_linear_pack(float *panel, int in, int first, int rows, const float *w) {
    for (int r = 0, now; r < rows; r += now) {
        int at = first + r, column = at % WIDE;
        now = rows - r < WIDE - column ? rows - r : WIDE - column;
        ser_transpose(w + (size_t)r * (size_t)in, now, in, (size_t)in,
                      panel + (size_t)(at / WIDE) * (size_t)in * WIDE + column, WIDE);
    }
}

SER_INLINE ser_vec gelu(ser_vec v) {
    ser_vec low = ser_splat(-6.0f); /* phi is 1e-9 there, and should go on falling */
    return ser_select(v < low, low, v) * ser_vphi(v);
}

SER_CLONES void ser_gelu(float *y, size_t n) {
    for (size_t i = 0; i < n; i += SER_LANES) {
        int k = n - i < SER_LANES ? (int)(n - i) : SER_LANES;
        ser_store(y + i, gelu(ser_load(y + i, k)), k);
    }
}

SER_CLONES static void add_bias(int rows, int cols, const float *bias, float *y, int ldy) {
    for (int c = 0; c < cols; c += SER_LANES) {
        int n = ser_lanes(c, cols);
        ser_vec b = ser_load(bias + c, n);
        for (int r = 0; r < rows; r++) {
            float *at = y + (size_t)r * (size_t)ldy + c;
            ser_store(at, ser_load(at, n) + b, n);
        }
    }
}

SER_CLONES static void bias_gelu(int rows, int cols, const float *bias, float *y, int ldy) {
    for (int c = 0; c < cols; c += SER_LANES) {
        int n = ser_lanes(c, cols);
        ser_vec b = bias ? ser_load(bias + c, n) : (ser_vec){0};
        for (int r = 0; r < rows; r++) {
            float *at = y + (size_t)r * (size_t)ldy + c;
            ser_store(at, gelu(ser_load(at, n) + b), n);
        }
    }
}

void ser_linear_panel(const struct ser_linear *l, const struct ser_kernels *k, void *state,
                      int panel, int rows, const float *x, int ldx, int what, float *y, int ldy) {
    int first = panel * WIDE, cols = l->out - first < WIDE ? l->out - first : WIDE;
    const float *bias = l->bias ? l->bias + first : NULL;
    y += first;
    k->gemm(state, 0, 0, rows, cols, l->in, x, ldx, l->panel + (size_t)first * (size_t)l->in, WIDE,
            (what & SER_ADD) != 0, y, ldy);
    if (what & SER_GELU)
        bias_gelu(rows, cols, bias, y, ldy);
    else if (bias)
        add_bias(rows, cols, bias, y, ldy);
}
