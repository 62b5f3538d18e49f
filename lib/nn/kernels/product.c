#include "nn/kernels/product.h"
#include "math/simd.h"

void ser_turn(const float *from, int rows, int cols, size_t ld, float *to, size_t ldto) {
    for (int r = 0; r < rows; r += SER_LANES)
        for (int c = 0; c < cols; c++) {
            float *line = to + (size_t)c * ldto + r;
            int n = ser_lanes(r, rows);
            for (int i = 0; i < n; i++)
                line[i] = from[(size_t)(r + i) * ld + c];
        }
}

#ifdef __x86_64__

#include <immintrin.h>

#define FAST __attribute__((target("avx512f")))
#define ROWS 8
#define WIDE 8 /* vectors */

int ser_product_can(void) {
    return __builtin_cpu_supports("avx512f") != 0;
}

/* C = plus + A B, at least the last vector of B and C in part: rows and vectors are known when this
 * is compiled, so that sums stay in registers. plus NULL: nothing; then max(0, .) if relu. tail:
 * the lanes of the last vector, all of them if full. */
SER_INLINE FAST void block(int rows, int vecs, int full, __mmask16 tail, int K, const float *A,
                           size_t am, size_t ak, const float *B, size_t ldb, const float *plus,
                           size_t ldp, int relu, float *C, size_t ldc) {
    __m512 acc[ROWS][WIDE];
    SER_UNROLL for (int i = 0; i < rows; i++) SER_UNROLL for (int j = 0; j < vecs; j++) acc[i][j] =
        _mm512_setzero_ps();
    for (int k = 0; k < K; k++, A += ak, B += ldb) {
        __m512 b[WIDE];
        SER_UNROLL for (int j = 0; j < vecs; j++) b[j] =
            j < vecs - 1 || full ? _mm512_loadu_ps(B + j * SER_LANES)
                                 : _mm512_maskz_loadu_ps(tail, B + j * SER_LANES);
        SER_UNROLL for (int i = 0; i < rows; i++) {
            __m512 v = _mm512_set1_ps(A[(size_t)i * am]);
            SER_UNROLL for (int j = 0; j < vecs; j++) acc[i][j] =
                _mm512_fmadd_ps(v, b[j], acc[i][j]);
        }
    }
    SER_UNROLL for (int i = 0; i < rows; i++, plus = plus ? plus + ldp : NULL, C += ldc)
        SER_UNROLL for (int j = 0; j < vecs; j++) {
        __mmask16 lanes = j < vecs - 1 || full ? 0xffff : tail;
        __m512 v = acc[i][j];
        if (plus)
            v += _mm512_maskz_loadu_ps(lanes, plus + j * SER_LANES);
        if (relu)
            v = _mm512_max_ps(_mm512_setzero_ps(), v);
        if (lanes == 0xffff)
            _mm512_storeu_ps(C + j * SER_LANES, v);
        else
            _mm512_mask_storeu_ps(C + j * SER_LANES, lanes, v);
    }
}

/* Blocks of rows as even as they can be: a last one of a single row would wait for each sum. */
SER_INLINE FAST void columns(int vecs, int full, __mmask16 tail, int M, int K, const float *A,
                             size_t am, size_t ak, const float *B, size_t ldb, const float *plus,
                             size_t ldp, int relu, float *C, size_t ldc) {
    int blocks = (M + ROWS - 1) / ROWS;
    for (int i = 0, m = 0, rows; i < blocks; i++, m += rows) {
        rows = (M - m) / (blocks - i);
        const float *a = A + (size_t)m * am, *more = plus ? plus + (size_t)m * ldp : NULL;
        float *c = C + (size_t)m * ldc;
        switch (rows) {
#define CASE(r)                                                                                    \
    case r:                                                                                        \
        block(r, vecs, full, tail, K, a, am, ak, B, ldb, more, ldp, relu, c, ldc);                 \
        break;
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#undef CASE
        }
    }
}

/* A(m,k) = A[m am + k ak]. */
__attribute__((noinline)) FAST static void multiply(int M, int N, int K, const float *A, size_t am,
                                                    size_t ak, const float *B, size_t ldb,
                                                    const float *plus, size_t ldp, int relu,
                                                    float *C, size_t ldc) {
    int n = 0, step;
    for (; n < N; n += step) {
        int left = N - n;
        const float *b = B + n, *more = plus ? plus + n : NULL;
        float *c = C + n;
        step = 2 * SER_LANES;
        if (M <= 2 && left >= WIDE * SER_LANES) { /* more vectors instead of more rows */
            step = WIDE * SER_LANES;
            if (M == 1)
                block(1, WIDE, 1, 0xffff, K, A, am, ak, b, ldb, more, ldp, relu, c, ldc);
            else
                block(2, WIDE, 1, 0xffff, K, A, am, ak, b, ldb, more, ldp, relu, c, ldc);
        } else if (left >= 2 * SER_LANES)
            columns(2, 1, 0xffff, M, K, A, am, ak, b, ldb, more, ldp, relu, c, ldc);
        else if (left > SER_LANES)
            columns(2, 0, (__mmask16)((1u << (left - SER_LANES)) - 1), M, K, A, am, ak, b, ldb,
                    more, ldp, relu, c, ldc);
        else
            columns(1, 0, (__mmask16)((1u << left) - 1), M, K, A, am, ak, b, ldb, more, ldp, relu,
                    c, ldc);
    }
}

void ser_product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                 size_t ldb, int add, float *C, size_t ldc) {
    multiply(M, N, K, A, am, ak, B, ldb, add ? C : NULL, ldc, 0, C, ldc);
}

/* ---- convolutions of one channel and few taps: some outputs of a row are a product ---- */

#define TAPS 32
#define COLS 256 /* outputs at a time */

int ser_direct_suits(const struct ser_conv_shape *s) {
    return ser_product_can() && s->C == 1 && s->kh <= TAPS && s->kw <= TAPS / s->kh;
}

/* tap [kh kw, COLS]: what lies under each tap for n outputs, x under the first tap of the first. */
static void gather(const struct ser_conv_shape *s, const float *x, int n, float *tap) {
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++, tap += COLS)
            memcpy(tap, x + (size_t)i * s->W + j, (size_t)n * sizeof *tap);
}

static int at_once(int from, int OW) {
    return OW - from < COLS ? OW - from : COLS;
}

void ser_direct_forward(const struct ser_conv_shape *s, const float *x, const float *w,
                        const float *b, int relu, float *y) {
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, taps = s->kh * s->kw, cols;
    size_t F = (size_t)s->F;
    float tap[TAPS * COLS];
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++)
            for (int from = 0; from < OW; from += cols, y += (size_t)cols * F) {
                cols = at_once(from, OW);
                gather(s, x + ((size_t)n * s->H + h) * s->W + from, cols, tap);
                multiply(cols, s->F, taps, tap, 1, COLS, w, F, b, 0, relu, y, F);
            }
}

void ser_direct_weights(const struct ser_conv_shape *s, const float *x, const float *dy, float *dw,
                        float *db) {
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, taps = s->kh * s->kw, cols;
    size_t F = (size_t)s->F;
    float tap[TAPS * COLS];
    const float one = 1;
    memset(dw, 0, (size_t)taps * F * sizeof *dw);
    memset(db, 0, F * sizeof *db);
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++)
            for (int from = 0; from < OW; from += cols, dy += (size_t)cols * F) {
                cols = at_once(from, OW);
                gather(s, x + ((size_t)n * s->H + h) * s->W + from, cols, tap);
                ser_product(taps, s->F, cols, tap, COLS, 1, dy, F, 1, dw, F);
                ser_product(1, s->F, cols, &one, 0, 0, dy, F, 1, db, F);
            }
}

#else

int ser_product_can(void) {
    return 0;
}

void ser_product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                 size_t ldb, int add, float *C, size_t ldc) {
    (void)M, (void)N, (void)K, (void)A, (void)am, (void)ak, (void)B, (void)ldb, (void)add, (void)C,
        (void)ldc;
}

int ser_direct_suits(const struct ser_conv_shape *s) {
    (void)s;
    return 0;
}

void ser_direct_forward(const struct ser_conv_shape *s, const float *x, const float *w,
                        const float *b, int relu, float *y) {
    (void)s, (void)x, (void)w, (void)b, (void)relu, (void)y;
}

void ser_direct_weights(const struct ser_conv_shape *s, const float *x, const float *dy, float *dw,
                        float *db) {
    (void)s, (void)x, (void)dy, (void)dw, (void)db;
}

#endif
