/* attention.h - attention of all frames to all, one head at a time, for lib/nn/encoder only.
 *
 *   out[q] = sum over k of softmax_k(scale query[q] . key[k] + gate[q] bias[k - q]) value[k]
 */
#ifndef SER_ATTENTION_H
#define SER_ATTENTION_H

#include <stddef.h>

struct ser_kernels;

enum { SER_ATTEND_ROWS = 64 }; /* queries done at a time */

struct ser_attention {
    int T, heads, each; /* frames, heads, width of a head */
    float scale;
    const float *qkv;  /* [T, 3 heads each]: queries, keys, values of all heads */
    int ldk;           /* leading dimension of keys, at least T */
    float *keys;       /* [heads, each, ldk] the keys, transposed */
    float *values;     /* [heads, T, each] */
    float *out;        /* [T, heads each] */
    const float *gate; /* [T, heads]; NULL: gate and bias are not there */
    const float *bias; /* [heads, 2 T - 1], that of k - q = 0 in the middle */
};

/* Fills keys and values of one head. */
void ser_attend_prepare(const struct ser_attention *a, int head);

/* out for a head and SER_ATTEND_ROWS frames from first on, fewer at the end. scores [rows, ldk] is
 * scratch of the calling thread, whose state is state. */
void ser_attend_rows(const struct ser_attention *a, const struct ser_kernels *k, void *state,
                     int head, int first, float *scores);

#endif
