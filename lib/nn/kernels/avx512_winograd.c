/* 3x3 convolutions with a quarter of the multiplications.
 *
 * F(4x4, 3x3): Lavin, Gray, "Fast algorithms for convolutional neural networks", CVPR 2016. An
 * output tile of 4x4 comes from an input patch of 6x6: both are turned into 36 numbers a channel,
 * between which the convolution is a product for each of the 36, a matrix product over channels.
 * The gradients are the same steps backwards, each by its transpose. Rounding is some ten times
 * that of a plain sum.
 */
#include "nn/kernels/avx512.h"

#ifdef SER_AVX512

#include "math/simd.h"
#include <immintrin.h>
#include <stdlib.h>

#define TILE   4
#define PATCH  6
#define POINTS (PATCH * PATCH)
#define STRIP  48 /* tiles at a time: their numbers stay in the second-level cache */

struct ser_winograd {
    struct ser_conv_shape s;
    int down, across;         /* tiles of an image */
    float *u, *t;             /* [36,C,F] of w, and [36,F,C] */
    const float *u_of, *t_of; /* of which w; NULL: to be made anew */
    float *du;                /* [36,C,F] */
    float *v, *m;             /* [36,STRIP,C] of x, [36,STRIP,F] of y */
    size_t v_point, m_point;  /* from one of the 36 to the next: not a multiple of a page, which
                                 would put all 36 into one set of the cache */
};

static void *lines(size_t floats) {
    return aligned_alloc(64, floats * sizeof(float));
}

int ser_avx512_winograd_suits(const struct ser_conv_shape *s) {
    return s->kh == 3 && s->kw == 3 && s->C % SER_LANES == 0 && s->F % SER_LANES == 0;
}

struct ser_winograd *ser_avx512_winograd_new(const struct ser_conv_shape *s) {
    struct ser_winograd *g = calloc(1, sizeof *g);
    if (!g)
        return NULL;
    size_t C = (size_t)s->C, F = (size_t)s->F;
    g->s = *s;
    g->down = (s->H - 2 + TILE - 1) / TILE;
    g->across = (s->W - 2 + TILE - 1) / TILE;
    g->v_point = STRIP * C + SER_LANES;
    g->m_point = STRIP * F + SER_LANES;
    g->u = lines(POINTS * C * F);
    g->t = lines(POINTS * C * F);
    g->du = lines(POINTS * C * F);
    g->v = lines(POINTS * g->v_point);
    g->m = lines(POINTS * g->m_point);
    if (!g->u || !g->t || !g->du || !g->v || !g->m) {
        ser_avx512_winograd_free(g);
        return NULL;
    }
    return g;
}

void ser_avx512_winograd_free(struct ser_winograd *g) {
    if (!g)
        return;
    free(g->u);
    free(g->t);
    free(g->du);
    free(g->v);
    free(g->m);
    free(g);
}

void ser_avx512_winograd_renew(struct ser_winograd *g) {
    g->u_of = g->t_of = NULL;
}

SER_INLINE SER_AVX512 __m512 load(const float *p) {
    return _mm512_loadu_ps(p);
}

SER_INLINE SER_AVX512 void store(float *p, __m512 v) {
    _mm512_storeu_ps(p, v);
}

/* ---- the transforms in one dimension: B^T, B, A^T, A, G, G^T of the paper ---- */

SER_INLINE SER_AVX512 void apply_bt(const __m512 d[6], __m512 o[6]) {
    __m512 a = d[4] - d[2] * 4.0f, b = d[3] - d[1] * 4.0f, c = d[4] - d[2],
           e = (d[3] - d[1]) * 2.0f;
    o[0] = d[0] * 4.0f - d[2] * 5.0f + d[4];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = c + e;
    o[4] = c - e;
    o[5] = d[1] * 4.0f - d[3] * 5.0f + d[5];
}

SER_INLINE SER_AVX512 void apply_b(const __m512 m[6], __m512 o[6]) {
    __m512 s = m[1] + m[2], t = m[3] + m[4], p = m[1] - m[2], q = (m[3] - m[4]) * 2.0f;
    o[0] = m[0] * 4.0f;
    o[1] = (m[5] - p) * 4.0f - q;
    o[2] = m[0] * -5.0f - s * 4.0f - t;
    o[3] = p + q - m[5] * 5.0f;
    o[4] = m[0] + s + t;
    o[5] = m[5];
}

SER_INLINE SER_AVX512 void apply_at(const __m512 m[6], __m512 o[4]) {
    __m512 s = m[1] + m[2], t = m[3] + m[4], p = m[1] - m[2], q = m[3] - m[4];
    o[0] = m[0] + s + t;
    o[1] = p + q * 2.0f;
    o[2] = s + t * 4.0f;
    o[3] = p + q * 8.0f + m[5];
}

SER_INLINE SER_AVX512 void apply_a(const __m512 y[4], __m512 o[6]) {
    __m512 s = y[0] + y[2], t = y[1] + y[3], p = y[0] + y[2] * 4.0f, q = y[1] * 2.0f + y[3] * 8.0f;
    o[0] = y[0];
    o[1] = s + t;
    o[2] = s - t;
    o[3] = p + q;
    o[4] = p - q;
    o[5] = y[3];
}

SER_INLINE SER_AVX512 void apply_g(const __m512 g[3], __m512 o[6]) {
    const float sixth = 1.0f / 6, twelfth = 1.0f / 12, part = 1.0f / 24;
    __m512 s = (g[0] + g[2]) * -sixth, t = g[1] * sixth, p = g[0] * part + g[2] * sixth,
           q = g[1] * twelfth;
    o[0] = g[0] * 0.25f;
    o[1] = s - t;
    o[2] = s + t;
    o[3] = p + q;
    o[4] = p - q;
    o[5] = g[2];
}

SER_INLINE SER_AVX512 void apply_gt(const __m512 m[6], __m512 o[3]) {
    const float sixth = 1.0f / 6, twelfth = 1.0f / 12, part = 1.0f / 24;
    __m512 s = (m[1] + m[2]) * sixth, t = m[3] + m[4];
    o[0] = m[0] * 0.25f - s + t * part;
    o[1] = (m[2] - m[1]) * sixth + (m[3] - m[4]) * twelfth;
    o[2] = t * sixth - s + m[5];
}

/* ---- tiles ---- */

/* The tile number i of a batch: image n, first output row and column. */
struct place {
    int n, h, w;
};

static struct place place(const struct ser_winograd *g, int i) {
    int in_image = i % (g->down * g->across);
    return (struct place){i / (g->down * g->across), in_image / g->across * TILE,
                          in_image % g->across * TILE};
}

/* v [36] of one tile = B^T patch B; what lies outside of x is zero. */
SER_AVX512 static void patch_in(const struct ser_winograd *g, const float *x, struct place at,
                                float *v) {
    const struct ser_conv_shape *s = &g->s;
    size_t C = (size_t)s->C;
    for (size_t c = 0; c < C; c += SER_LANES) {
        __m512 t[PATCH][PATCH], o[PATCH];
        SER_UNROLL for (int j = 0; j < PATCH; j++) {
            __m512 d[PATCH];
            SER_UNROLL for (int i = 0; i < PATCH; i++) if (at.h + i < s->H && at.w + j < s->W)
                d[i] = load(x + (((size_t)at.n * s->H + at.h + i) * s->W + at.w + j) * C + c);
            else d[i] = _mm512_setzero_ps();
            apply_bt(d, o);
            SER_UNROLL for (int i = 0; i < PATCH; i++) t[i][j] = o[i];
        }
        SER_UNROLL for (int i = 0; i < PATCH; i++) {
            apply_bt(t[i], o);
            SER_UNROLL for (int j = 0; j < PATCH; j++)
                store(v + (size_t)(i * PATCH + j) * g->v_point + c, o[j]);
        }
    }
}

/* dx += B v B^T of one tile. */
SER_AVX512 static void patch_out(const struct ser_winograd *g, const float *v, struct place at,
                                 float *dx) {
    const struct ser_conv_shape *s = &g->s;
    size_t C = (size_t)s->C;
    for (size_t c = 0; c < C; c += SER_LANES) {
        __m512 t[PATCH][PATCH], o[PATCH];
        SER_UNROLL for (int j = 0; j < PATCH; j++) {
            __m512 d[PATCH];
            SER_UNROLL for (int i = 0; i < PATCH; i++) d[i] =
                load(v + (size_t)(i * PATCH + j) * g->v_point + c);
            apply_b(d, o);
            SER_UNROLL for (int i = 0; i < PATCH; i++) t[i][j] = o[i];
        }
        for (int i = 0; i < PATCH && at.h + i < s->H; i++) {
            float *row = dx + (((size_t)at.n * s->H + at.h + i) * s->W + at.w) * C + c;
            apply_b(t[i], o);
            for (int j = 0; j < PATCH && at.w + j < s->W; j++, row += C)
                store(row, load(row) + o[j]);
        }
    }
}

/* y of one tile = A^T m A + b. */
SER_AVX512 static void tile_out(const struct ser_winograd *g, const float *m, struct place at,
                                const float *b, int relu, float *y) {
    int F = g->s.F, OH = g->s.H - 2, OW = g->s.W - 2;
    for (int f = 0; f < F; f += SER_LANES) {
        __m512 t[TILE][PATCH], o[TILE], bias = load(b + f);
        SER_UNROLL for (int j = 0; j < PATCH; j++) {
            __m512 d[PATCH];
            SER_UNROLL for (int i = 0; i < PATCH; i++) d[i] =
                load(m + (size_t)(i * PATCH + j) * g->m_point + f);
            apply_at(d, o);
            SER_UNROLL for (int i = 0; i < TILE; i++) t[i][j] = o[i];
        }
        for (int i = 0; i < TILE && at.h + i < OH; i++) {
            float *row = y + (((size_t)at.n * OH + at.h + i) * OW + at.w) * F + f;
            apply_at(t[i], o);
            for (int j = 0; j < TILE && at.w + j < OW; j++, row += F) {
                __m512 v = o[j] + bias;
                store(row, relu ? _mm512_max_ps(_mm512_setzero_ps(), v) : v);
            }
        }
    }
}

/* m [36] of one tile = A dy A^T, and db += dy. */
SER_AVX512 static void tile_in(const struct ser_winograd *g, const float *dy, struct place at,
                               float *m, float *db) {
    int F = g->s.F, OH = g->s.H - 2, OW = g->s.W - 2;
    for (int f = 0; f < F; f += SER_LANES) {
        __m512 t[PATCH][TILE], o[PATCH], sum = {0};
        SER_UNROLL for (int j = 0; j < TILE; j++) {
            __m512 d[TILE];
            SER_UNROLL for (int i = 0; i < TILE; i++) {
                if (at.h + i < OH && at.w + j < OW)
                    d[i] = load(dy + (((size_t)at.n * OH + at.h + i) * OW + at.w + j) * F + f);
                else
                    d[i] = _mm512_setzero_ps();
                sum += d[i];
            }
            apply_a(d, o);
            SER_UNROLL for (int i = 0; i < PATCH; i++) t[i][j] = o[i];
        }
        store(db + f, load(db + f) + sum);
        SER_UNROLL for (int i = 0; i < PATCH; i++) {
            apply_a(t[i], o);
            SER_UNROLL for (int j = 0; j < PATCH; j++)
                store(m + (size_t)(i * PATCH + j) * g->m_point + f, o[j]);
        }
    }
}

/* ---- weights [3,3,C,F] ---- */

/* u [36,n] = G w G^T, w [3,3,n]. */
SER_AVX512 static void weights_in(const float *w, size_t n, float *u) {
    for (size_t k = 0; k < n; k += SER_LANES) {
        __m512 t[PATCH][3], o[PATCH];
        SER_UNROLL for (int j = 0; j < 3; j++) {
            __m512 d[3];
            SER_UNROLL for (int i = 0; i < 3; i++) d[i] = load(w + (size_t)(i * 3 + j) * n + k);
            apply_g(d, o);
            SER_UNROLL for (int i = 0; i < PATCH; i++) t[i][j] = o[i];
        }
        SER_UNROLL for (int i = 0; i < PATCH; i++) {
            apply_g(t[i], o);
            SER_UNROLL for (int j = 0; j < PATCH; j++)
                store(u + (size_t)(i * PATCH + j) * n + k, o[j]);
        }
    }
}

/* dw = G^T du G. */
SER_AVX512 static void weights_out(const struct ser_winograd *g, float *dw) {
    size_t n = (size_t)g->s.C * (size_t)g->s.F;
    for (size_t k = 0; k < n; k += SER_LANES) {
        __m512 t[3][PATCH], o[3];
        SER_UNROLL for (int j = 0; j < PATCH; j++) {
            __m512 d[PATCH];
            SER_UNROLL for (int i = 0; i < PATCH; i++) d[i] =
                load(g->du + (size_t)(i * PATCH + j) * n + k);
            apply_gt(d, o);
            SER_UNROLL for (int i = 0; i < 3; i++) t[i][j] = o[i];
        }
        SER_UNROLL for (int i = 0; i < 3; i++) {
            apply_gt(t[i], o);
            SER_UNROLL for (int j = 0; j < 3; j++) store(dw + (size_t)(i * 3 + j) * n + k, o[j]);
        }
    }
}

/* ---- the whole ---- */

/* Strips of at most STRIP tiles, as even as they can be. */
static int strip(int tiles, int first) {
    int left = tiles - first, strips = (left + STRIP - 1) / STRIP;
    return (left + strips - 1) / strips;
}

void ser_avx512_winograd_forward(struct ser_winograd *g, int N, const float *x, const float *w,
                                 const float *b, int relu, float *y) {
    int tiles = N * g->down * g->across, n;
    size_t C = (size_t)g->s.C, F = (size_t)g->s.F;
    if (g->u_of != w)
        weights_in(w, C * F, g->u);
    g->u_of = w;
    for (int first = 0; first < tiles; first += n) {
        n = strip(tiles, first);
        for (int i = 0; i < n; i++)
            patch_in(g, x, place(g, first + i), g->v + i * C);
        for (size_t e = 0; e < POINTS; e++)
            ser_avx512_product(n, g->s.F, g->s.C, g->v + e * g->v_point, C, 1, g->u + e * C * F, F,
                               0, g->m + e * g->m_point, F);
        for (int i = 0; i < n; i++)
            tile_out(g, g->m + i * F, place(g, first + i), b, relu, y);
    }
}

/* t of w with F before C; du is free until the first strip. */
static void transpose_weights(struct ser_winograd *g, const float *w) {
    size_t C = (size_t)g->s.C, F = (size_t)g->s.F;
    if (g->t_of == w)
        return;
    for (size_t e = 0; e < 9; e++)
        ser_transpose(w + e * C * F, g->s.C, g->s.F, F, g->du + e * C * F, C);
    weights_in(g->du, C * F, g->t);
    g->t_of = w;
}

void ser_avx512_winograd_back(struct ser_winograd *g, int N, const float *x, const float *dy,
                              const float *w, float *dw, float *db, float *dx) {
    int tiles = N * g->down * g->across, n;
    size_t C = (size_t)g->s.C, F = (size_t)g->s.F;
    memset(db, 0, F * sizeof *db);
    if (dx) {
        transpose_weights(g, w);
        memset(dx, 0, (size_t)N * g->s.H * g->s.W * C * sizeof *dx);
    }
    for (int first = 0; first < tiles; first += n) {
        n = strip(tiles, first);
        for (int i = 0; i < n; i++) {
            patch_in(g, x, place(g, first + i), g->v + i * C);
            tile_in(g, dy, place(g, first + i), g->m + i * F, db);
        }
        for (size_t e = 0; e < POINTS; e++) {
            float *v = g->v + e * g->v_point, *m = g->m + e * g->m_point;
            ser_avx512_product(g->s.C, g->s.F, n, v, 1, C, m, F, first > 0, g->du + e * C * F, F);
            if (dx)
                ser_avx512_product(n, g->s.C, g->s.F, m, F, 1, g->t + e * C * F, C, 0, v, C);
        }
        for (int i = 0; dx && i < n; i++)
            patch_out(g, g->v + i * C, place(g, first + i), dx);
    }
    weights_out(g, dw);
}

#else

typedef int ser_without_avx512; /* a file must hold something */

#endif
