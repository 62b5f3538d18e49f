/* Products of matrices with AVX-512. */
#include "nn/kernels/avx512.h"

#ifdef SER_AVX512

#include "math/simd.h"
#include <immintrin.h>

#define ROWS 8
#define WIDE 8 /* vectors */

/* C = plus + A B, at least the last vector of B and C in part: rows and vectors are known when this
 * is compiled, so that sums stay in registers. plus NULL: nothing; then max(0, .) if relu. tail:
 * the lanes of the last vector, all of them if full. */
SER_INLINE SER_AVX512 void block(int rows, int vecs, int full, __mmask16 tail, int K,
                                 const float *A, size_t am, size_t ak, const float *B, size_t ldb,
                                 const float *plus, size_t ldp, int relu, float *C, size_t ldc) {
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
SER_INLINE SER_AVX512 void columns(int vecs, int full, __mmask16 tail, int M, int K, const float *A,
                                   size_t am, size_t ak, const float *B, size_t ldb,
                                   const float *plus, size_t ldp, int relu, float *C, size_t ldc) {
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

SER_AVX512 void ser_avx512_multiply(int M, int N, int K, const float *A, size_t am, size_t ak,
                                    const float *B, size_t ldb, const float *plus, size_t ldp,
                                    int relu, float *C, size_t ldc) {
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

void ser_avx512_product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                        size_t ldb, int add, float *C, size_t ldc) {
    ser_avx512_multiply(M, N, K, A, am, ak, B, ldb, add ? C : NULL, ldc, 0, C, ldc);
}

#else

typedef int ser_without_avx512; /* a file must hold something */

#endif
