#include "nn/kernels/product.h"
#include "math/simd.h"

/* The numbers from (first, c) on, of so many rows and one column. */
SER_INLINE void turn_column(const float *from, int rows, size_t ld, float *line) {
    for (int i = 0; i < rows; i++)
        line[i] = from[(size_t)i * ld];
}

#if defined(__x86_64__) && !defined(SER_ONE_SET)
#define BY_SQUARES __attribute__((target("avx512f")))

/* A square of 16 rows and columns: what is in a and what is 8 vectors further, one number of each in turn;
 * four times, and rows are columns. */
SER_INLINE BY_SQUARES void turn_square(const float *from, size_t ld, float *to, size_t ldto) {
    ser_vec a[SER_LANES], b[SER_LANES];
    SER_UNROLL for (int i = 0; i < SER_LANES; i++)
        memcpy(&a[i], from + (size_t)i * ld, sizeof a[i]);
    SER_UNROLL for (int step = 0; step < 4; step++) {
        SER_UNROLL for (int i = 0; i < 8; i++) {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5,
                                               21, 6, 22, 7, 23);
            b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                                   28, 13, 29, 14, 30, 15, 31);
        }
        memcpy(a, b, sizeof a);
    }
    SER_UNROLL for (int i = 0; i < SER_LANES; i++)
        memcpy(to + (size_t)i * ldto, &a[i], sizeof a[i]);
}

/* 16 rows; returns the columns that are done. */
static BY_SQUARES int turn_squares(const float *from, int cols, size_t ld, float *to, size_t ldto) {
    int c = 0;
    for (; c + SER_LANES <= cols; c += SER_LANES)
        turn_square(from + c, ld, to + (size_t)c * ldto, ldto);
    return c;
}
#endif

void ser_transpose(const float *from, int rows, int cols, size_t ld, float *to, size_t ldto) {
    for (int r = 0; r < rows; r += SER_LANES) {
        int n = ser_lanes(r, rows), c = 0;
        const float *line = from + (size_t)r * ld;
#ifdef BY_SQUARES
        if (n == SER_LANES && __builtin_cpu_supports("avx512f"))
            c = turn_squares(line, cols, ld, to + r, ldto);
#endif
        for (; c < cols; c++)
            turn_column(line + c, n, ld, to + (size_t)c * ldto + r);
    }
}

void ser_product_transposed(ser_product *product, float panel[SER_PANEL], int M, int N, int K,
                            const float *A, size_t am, size_t ak, const float *B, size_t ldb,
                            int add, float *C, size_t ldc) {
    for (int n = 0; n < N; n += SER_PANEL_COLS)
        for (int k = 0; k < K; k += SER_PANEL_ROWS) {
            int cols = N - n < SER_PANEL_COLS ? N - n : SER_PANEL_COLS;
            int rows = K - k < SER_PANEL_ROWS ? K - k : SER_PANEL_ROWS;
            ser_transpose(B + (size_t)n * ldb + k, cols, rows, ldb, panel, SER_PANEL_COLS);
            product(M, cols, rows, A + (size_t)k * ak, am, ak, panel, SER_PANEL_COLS, add || k,
                    C + n, ldc);
        }
}

void ser_product_gemm(ser_product *product, float panel[SER_PANEL], int ta, int tb, int M, int N,
                      int K, const float *A, int lda, const float *B, int ldb, float beta, float *C,
                      int ldc) {
    size_t am = ta ? 1 : (size_t)lda, ak = ta ? (size_t)lda : 1;
    int add = beta != 0;
    if (tb)
        ser_product_transposed(product, panel, M, N, K, A, am, ak, B, (size_t)ldb, add, C,
                               (size_t)ldc);
    else
        product(M, N, K, A, am, ak, B, (size_t)ldb, add, C, (size_t)ldc);
}

SER_CLONES void ser_sum_rows(const float *d, size_t rows, int n, size_t ld, float *sum) {
    for (int j = 0; j < n; j += SER_LANES) {
        int lanes = ser_lanes(j, n);
        ser_vec v = {0};
        for (size_t r = 0; r < rows; r++)
            v += ser_load(d + r * ld + j, lanes);
        ser_store(sum + j, v, lanes);
    }
}
