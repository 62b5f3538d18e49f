/* The reference kernels, all made of one product of matrices. Every output is a sum in ascending
 * order of its inner index, in stretches of at most DEPTH that are then added in order (for
 * convolutions: of at most a row of the kernel or image). Vectors run over the output index, so no
 * order depends on their width. */
#include "math/simd.h"
#include "nn/kernels/kernels.h"
#include "nn/kernels/product.h"
#include <stdio.h>
#include <stdlib.h>

#define ROWS  4               /* outputs held in registers: ROWS rows ... */
#define COLS  (2 * SER_LANES) /* ... of two vectors */
#define DEPTH SER_PANEL_ROWS

struct plain {
    float panel[SER_PANEL]; /* some columns of a transposed matrix */
};

static void *plain_open(const struct ser_kernels *k, char *why, size_t size) {
    (void)k;
    struct plain *p = malloc(sizeof *p);
    if (!p)
        snprintf(why, size, "not enough memory");
    return p;
}

static void plain_close(void *state) {
    free(state);
}

/* One tile C [rows,cols], rows <= ROWS, cols <= COLS. A(m,k) = A[m am + k ak]. */
SER_INLINE void tile(int rows, int cols, int K, const float *A, size_t am, size_t ak,
                     const float *B, size_t ldb, int add, float *C, size_t ldc) {
    int left = cols < SER_LANES ? cols : SER_LANES, right = cols - left;
    ser_vec acc[ROWS][2] = {0};
    for (int k = 0; k < K; k++) {
        const float *b = B + (size_t)k * ldb;
        ser_vec b0 = ser_load(b, left), b1 = {0};
        if (right)
            b1 = ser_load(b + SER_LANES, right);
        SER_UNROLL for (int i = 0; i < ROWS; i++) {
            float a = A[(size_t)(i < rows ? i : 0) * am + (size_t)k * ak];
            acc[i][0] += a * b0;
            acc[i][1] += a * b1;
        }
    }
    SER_UNROLL for (int i = 0; i < ROWS; i++, C += ldc) {
        if (i >= rows)
            break;
        ser_store(C, add ? ser_load(C, left) + acc[i][0] : acc[i][0], left);
        if (right)
            ser_store(C + SER_LANES, add ? ser_load(C + SER_LANES, right) + acc[i][1] : acc[i][1],
                      right);
    }
}

/* C [M,N] = A B, or C + A B; K <= DEPTH. */
SER_CLONES static void stretch(int M, int N, int K, const float *A, size_t am, size_t ak,
                               const float *B, size_t ldb, int add, float *C, size_t ldc) {
    for (int n = 0; n < N; n += COLS)
        for (int m = 0; m < M; m += ROWS) {
            const float *a = A + (size_t)m * am;
            float *c = C + (size_t)m * ldc + n;
            if (M - m >= ROWS && N - n >= COLS)
                tile(ROWS, COLS, K, a, am, ak, B + n, ldb, add, c, ldc);
            else
                tile(M - m < ROWS ? M - m : ROWS, N - n < COLS ? N - n : COLS, K, a, am, ak, B + n,
                     ldb, add, c, ldc);
        }
}

static void product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                    size_t ldb, int add, float *C, size_t ldc) {
    for (int k = 0; k < K; k += DEPTH)
        stretch(M, N, K - k < DEPTH ? K - k : DEPTH, A + (size_t)k * ak, am, ak,
                B + (size_t)k * ldb, ldb, add || k, C, ldc);
}

static int plain_gemm(void *state, int ta, int tb, int M, int N, int K, const float *A, int lda,
                      const float *B, int ldb, float beta, float *C, int ldc) {
    struct plain *p = state;
    ser_product_gemm(product, p->panel, ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc);
    return 1;
}

/* One row of the image [W,C] under one row of the kernel [kw C,F] gives a part of one row of y
 * [OW,F]: the kw C numbers under the kernel are adjacent, and C further for the next output. */
static int plain_conv(void *state, const struct ser_conv_shape *s, const float *x, const float *w,
                      const float *b, int relu, float *y) {
    (void)state;
    size_t C = (size_t)s->C, F = (size_t)s->F, line = (size_t)s->W * C;
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, depth = s->kw * s->C;
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++, y += (size_t)OW * F) {
            for (int i = 0; i < s->kh; i++)
                product(OW, s->F, depth, x + ((size_t)n * s->H + h + i) * line, C, 1,
                        w + (size_t)i * depth * F, F, i, y, F);
            for (int i = 0; i < OW; i++)
                for (size_t f = 0; f < F; f++) {
                    float v = y[(size_t)i * F + f] + b[f];
                    y[(size_t)i * F + f] = relu && v < 0 ? 0 : v;
                }
        }
    return 1;
}

/* dx [OW,C] under kernel element (i,j) += dy [OW,F] w[i,j]^T. */
static void conv_data(struct plain *p, const struct ser_conv_shape *s, const float *dy,
                      const float *w, float *dx) {
    size_t C = (size_t)s->C, F = (size_t)s->F, line = (size_t)s->W * C;
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1;
    memset(dx, 0, (size_t)s->N * s->H * line * sizeof *dx);
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++, dy += (size_t)OW * F)
            for (int i = 0; i < s->kh; i++)
                for (int j = 0; j < s->kw; j++)
                    ser_product_transposed(product, p->panel, OW, s->C, s->F, dy, F, 1,
                                           w + ((size_t)i * s->kw + j) * C * F, F, 1,
                                           dx + ((size_t)n * s->H + h + i) * line + j * C, C);
}

static void conv_weights(const struct ser_conv_shape *s, const float *x, const float *dy, float *dw,
                         float *db) {
    size_t C = (size_t)s->C, F = (size_t)s->F, line = (size_t)s->W * C;
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, depth = s->kw * s->C;
    memset(dw, 0, (size_t)s->kh * depth * F * sizeof *dw);
    memset(db, 0, F * sizeof *db);
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++, dy += (size_t)OW * F) {
            for (int i = 0; i < s->kh; i++)
                product(depth, s->F, OW, x + ((size_t)n * s->H + h + i) * line, 1, C, dy, F, 1,
                        dw + (size_t)i * depth * F, F);
            static const float one = 1;
            product(1, s->F, OW, &one, 0, 0, dy, F, 1, db, F);
        }
}

static int plain_conv_back(void *state, const struct ser_conv_shape *s, const float *x,
                           const float *dy, const float *w, float *dw, float *db, float *dx) {
    conv_weights(s, x, dy, dw, db);
    if (dx)
        conv_data(state, s, dy, w, dx);
    return 1;
}

const struct ser_kernels ser_kernels_plain = {
    .name = "plain",
    .open = plain_open,
    .close = plain_close,
    .gemm = plain_gemm,
    .conv = plain_conv,
    .conv_back = plain_conv_back,
};
