#include "nn/kernels/product.h"
#include "math/simd.h"

void ser_transpose(const float *from, int rows, int cols, size_t ld, float *to, size_t ldto) {
    for (int r = 0; r < rows; r += SER_LANES)
        for (int c = 0; c < cols; c++) {
            float *line = to + (size_t)c * ldto + r;
            int n = ser_lanes(r, rows);
            for (int i = 0; i < n; i++)
                line[i] = from[(size_t)(r + i) * ld + c];
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
