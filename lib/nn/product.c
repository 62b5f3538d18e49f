#include "product.h"
#include "simd.h"

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
#define TAPS 32 /* of a convolution that is done straight */

int ser_product_can(void) {
    return __builtin_cpu_supports("avx512f") != 0;
}

/* Where the numbers of A are: A(m,k) = A[row[m] + col[k]], with m am and k ak where those are NULL.
 */
struct left {
    const float *A;
    size_t am, ak;
    const int *row, *col;
};

/* What becomes of sums: C = plus + sum, plus [M,N] with ldp, NULL for nothing; then max(0, .) if
 * relu. */
struct right {
    const float *plus;
    size_t ldp;
    int relu;
    float *C;
    size_t ldc;
};

/* A block of C [rows, vecs vectors] at a [rows] and r; tail: the lanes of the last vector, all of
 * them if full. */
SER_INLINE FAST void block(int rows, int vecs, int full, __mmask16 tail, int K,
                           const float *const *a, const struct left *l, int with_col,
                           const float *B, size_t ldb, const struct right *r, size_t m, size_t n) {
    __m512 acc[ROWS][8];
    SER_UNROLL for (int i = 0; i < rows; i++) SER_UNROLL for (int j = 0; j < vecs; j++) acc[i][j] =
        _mm512_setzero_ps();
    for (int k = 0; k < K; k++, B += ldb) {
        size_t at = with_col ? (size_t)l->col[k] : (size_t)k * l->ak;
        __m512 b[8];
        SER_UNROLL for (int j = 0; j < vecs; j++) b[j] =
            j < vecs - 1 || full ? _mm512_loadu_ps(B + j * SER_LANES)
                                 : _mm512_maskz_loadu_ps(tail, B + j * SER_LANES);
        SER_UNROLL for (int i = 0; i < rows; i++) {
            __m512 v = _mm512_set1_ps(a[i][at]);
            SER_UNROLL for (int j = 0; j < vecs; j++) acc[i][j] =
                _mm512_fmadd_ps(v, b[j], acc[i][j]);
        }
    }
    SER_UNROLL for (int i = 0; i < rows; i++) SER_UNROLL for (int j = 0; j < vecs; j++) {
        __mmask16 lanes = j < vecs - 1 ? 0xffff : tail;
        size_t at = n + (size_t)j * SER_LANES;
        __m512 v = acc[i][j];
        if (r->plus)
            v += _mm512_maskz_loadu_ps(lanes, r->plus + (m + (size_t)i) * r->ldp + at);
        if (r->relu)
            v = _mm512_max_ps(_mm512_setzero_ps(), v);
        _mm512_mask_storeu_ps(r->C + (m + (size_t)i) * r->ldc + at, lanes, v);
    }
}

/* Sizes are known when this is compiled, so that sums stay in registers. */
SER_INLINE FAST void rows_of(int rows, int vecs, int full, __mmask16 tail, int K,
                             const struct left *l, int with_col, const float *B, size_t ldb,
                             const struct right *r, int m, int n) {
    const float *a[ROWS];
    for (int i = 0; i < rows; i++)
        a[i] = l->A + (l->row ? (size_t)l->row[m + i] : (size_t)(m + i) * l->am);
    switch (rows) {
#define CASE(n_)                                                                                   \
    case n_:                                                                                       \
        block(n_, vecs, full, tail, K, a, l, with_col, B + n, ldb, r, (size_t)m, (size_t)n);       \
        break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#undef CASE
    }
}

/* Blocks of rows as even as they can be: a last one of a single row would wait for each sum. */
SER_INLINE FAST void columns(int M, int vecs, int full, __mmask16 tail, int K, const struct left *l,
                             int with_col, const float *B, size_t ldb, const struct right *r,
                             int n) {
    int blocks = (M + ROWS - 1) / ROWS;
    for (int i = 0, m = 0; i < blocks; i++) {
        int rows = (M - m) / (blocks - i);
        rows_of(rows, vecs, full, tail, K, l, with_col, B, ldb, r, m, n);
        m += rows;
    }
}

/* One or two rows: more vectors at a time instead, for the same reason. */
SER_INLINE FAST int wide(int M, int N, int K, const struct left *l, const float *B, size_t ldb,
                         const struct right *r) {
    int n = 0;
    const float *a[2] = {l->A, l->A + l->am};
    for (; M <= 2 && N - n >= 8 * SER_LANES; n += 8 * SER_LANES)
        if (M == 1)
            block(1, 8, 1, 0xffff, K, a, l, 0, B + n, ldb, r, 0, (size_t)n);
        else
            block(2, 8, 1, 0xffff, K, a, l, 0, B + n, ldb, r, 0, (size_t)n);
    return n;
}

SER_INLINE FAST void product(int M, int N, int K, const struct left *l, int with_col,
                             const float *B, size_t ldb, const struct right *r, int n) {
    for (; N - n >= 2 * SER_LANES; n += 2 * SER_LANES)
        columns(M, 2, 1, 0xffff, K, l, with_col, B, ldb, r, n);
    if (N - n > SER_LANES)
        columns(M, 2, 0, (__mmask16)((1u << (N - n - SER_LANES)) - 1), K, l, with_col, B, ldb, r,
                n);
    else if (N > n)
        columns(M, 1, 0, (__mmask16)((1u << (N - n)) - 1), K, l, with_col, B, ldb, r, n);
}

FAST void ser_product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                      size_t ldb, int add, float *C, size_t ldc) {
    struct left l = {A, am, ak, NULL, NULL};
    struct right r = {add ? C : NULL, ldc, 0, C, ldc};
    product(M, N, K, &l, 0, B, ldb, &r, wide(M, N, K, &l, B, ldb, &r));
}

/* ---- convolutions of few taps: every row of an image is a product ---- */

static size_t taps(const struct ser_conv_shape *s) {
    return (size_t)s->kh * (size_t)s->kw * (size_t)s->C;
}

int ser_direct_suits(const struct ser_conv_shape *s) {
    return ser_product_can() && taps(s) <= TAPS &&
           (size_t)s->kh * (size_t)s->W * (size_t)s->C <= INT32_MAX;
}

/* Where the tap k of an output is, from the first. */
static void place_taps(const struct ser_conv_shape *s, int *place) {
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw * s->C; j++)
            *place++ = i * s->W * s->C + j;
}

FAST void ser_direct_forward(const struct ser_conv_shape *s, const float *x, const float *w,
                             const float *b, int relu, float *y) {
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, place[TAPS];
    size_t F = (size_t)s->F, line = (size_t)s->W * (size_t)s->C;
    place_taps(s, place);
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++, y += (size_t)OW * F) {
            struct left l = {x + ((size_t)n * s->H + h) * line, (size_t)s->C, 0, NULL, place};
            struct right r = {b, 0, relu, y, F};
            product(OW, s->F, (int)taps(s), &l, 1, w, F, &r, 0);
        }
}

FAST void ser_direct_weights(const struct ser_conv_shape *s, const float *x, const float *dy,
                             float *dw, float *db) {
    int OH = s->H - s->kh + 1, OW = s->W - s->kw + 1, place[TAPS];
    size_t F = (size_t)s->F, line = (size_t)s->W * (size_t)s->C;
    const float one = 1;
    place_taps(s, place);
    memset(dw, 0, taps(s) * F * sizeof *dw);
    memset(db, 0, F * sizeof *db);
    for (int n = 0; n < s->N; n++)
        for (int h = 0; h < OH; h++, dy += (size_t)OW * F) {
            struct left l = {x + ((size_t)n * s->H + h) * line, 0, (size_t)s->C, place, NULL};
            struct right r = {dw, F, 0, dw, F};
            product((int)taps(s), s->F, OW, &l, 0, dy, F, &r, 0);
            ser_product(1, s->F, OW, &one, 0, 0, dy, F, 1, db, F);
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
