/* product.h - gemm, made of a product of matrices that need not know of transposition, for the files
 * of lib/nn only. Pure: no memory, no failure.
 */
#ifndef SER_NN_PRODUCT_H
#define SER_NN_PRODUCT_H

#include <stddef.h>

/* C [M,N] = A B, or C + A B with add. A(m,k) = A[m am + k ak]; B [K,N] and C row-major with leading
 * dimensions. */
typedef void ser_product(int M, int N, int K, const float *A, size_t am, size_t ak, const float *B,
                         size_t ldb, int add, float *C, size_t ldc);

/* Room for the part of a transposed B that is worked on: so many rows and columns. */
enum { SER_PANEL_ROWS = 512, SER_PANEL_COLS = 32, SER_PANEL = SER_PANEL_ROWS * SER_PANEL_COLS };

/* The same with B [N,K] taken transposed, a part at a time: every sum is made of stretches of at
 * most SER_PANEL_ROWS, which are added in order. */
void ser_product_transposed(ser_product *product, float panel[SER_PANEL], int M, int N, int K,
                            const float *A, size_t am, size_t ak, const float *B, size_t ldb,
                            int add, float *C, size_t ldc);

/* As gemm of the kernels. */
void ser_product_gemm(ser_product *product, float panel[SER_PANEL], int ta, int tb, int M, int N,
                      int K, const float *A, int lda, const float *B, int ldb, float beta, float *C,
                      int ldc);

/* to [cols,rows] = from [rows,cols], both with leading dimensions. */
void ser_transpose(const float *from, int rows, int cols, size_t ld, float *to, size_t ldto);

/* sum [n] of the rows of d [rows,n], whose leading dimension is ld, in ascending order. */
void ser_sum_rows(const float *d, size_t rows, int n, size_t ld, float *sum);

#endif
