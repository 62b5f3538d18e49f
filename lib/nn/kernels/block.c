/* Parameters in order: w, b of the convolution; gamma, beta, mean, var of the normalisation.
 *
 *   z = max(0, conv(x))  [N,H,W,C]    a part of the shard at a time, its sums at once
 *   y = dropout(maxpool(scale z + shift))  [N,OH,OW,C]
 *
 * saved: z; top [N,OH,OW,C], the z under each maximum; which [N,OH,OW,C], its place in the window,
 * DROPPED where dropout takes it. Backward needs z once more, and dz only a part of the shard at a
 * time.
 *
 * What the four layers compute is theirs where it is of few numbers (batchnorm.h, dropout.h). Their
 * loops over z and y are said again here, since the gain is that each number is read once for all.
 */
#include "nn/kernels/block.h"
#include "math/simd.h"
#include "nn/layers/batchnorm.h"
#include "nn/layers/dropout.h"
#include "nn/layers/window.h"

#define DROPPED 255
#define PART    (1 << 18) /* elements of z that stay in the cache while they are worked on */

enum { W, B, GAMMA, BETA };

/* What a block is made of. */
struct shape {
    const struct ser_layer *conv, *drop; /* drop: NULL if there is none */
    int H, W, C, OH, OW, kh, kw;         /* of z, y and the window */
    size_t in, z, out;                   /* elements of a sample */
    int part;                            /* samples done at a time */
};

/* A block's layer is its first member. */
static struct shape shape(const struct ser_layer *l) {
    const struct ser_block *block = (const struct ser_block *)l;
    const struct ser_layer *conv = block->conv, *pool = block->maxpool;
    struct shape s = {
        .conv = conv,
        .drop = block->dropout,
        .H = pool->in.dim[0],
        .W = pool->in.dim[1],
        .C = pool->in.dim[2],
        .OH = pool->out.dim[0],
        .OW = pool->out.dim[1],
        .kh = pool->kh,
        .kw = pool->kw,
        .in = ser_shape_size(&conv->in),
        .z = ser_shape_size(&conv->out),
        .out = ser_shape_size(&pool->out),
    };
    s.part = s.z < PART ? (int)(PART / s.z) : 1;
    if (s.part > SER_SHARD)
        s.part = SER_SHARD;
    return s;
}

struct saved {
    float *z, *top;
    uint8_t *which;
};

static struct saved saved(const struct ser_pass *p, const struct shape *s) {
    float *z = p->saved, *top = z + (size_t)SER_SHARD * s->z;
    return (struct saved){z, top, (uint8_t *)(top + (size_t)SER_SHARD * s->out)};
}

static size_t saved_bytes(const struct ser_layer *l, int N) {
    struct shape s = shape(l);
    return (size_t)N * ((s.z + s.out) * sizeof(float) + s.out);
}

static size_t sums(const struct ser_layer *l) {
    return 2 * (size_t)l->out.dim[2];
}

/* Three numbers a channel; then z or dz of a part; then dw and db of a part. */
static size_t scratch_bytes(const struct ser_layer *l, int N) {
    struct shape s = shape(l);
    size_t C = (size_t)s.C, field = (size_t)s.conv->kh * s.conv->kw * s.conv->in.dim[2];
    (void)N;
    return (3 * C + (size_t)s.part * s.z + (field + 1) * C) * sizeof(float);
}

/* Positions of z in the batch, the true ones. */
static double positions(const struct ser_pass *p, const struct shape *s) {
    return p->frames ? (double)p->steps * s->H : (double)p->B * s->H * s->W;
}

/* ---- a masked network ---- */

/* Zeros behind the true columns of z or dz of sample i. */
static void mute(const struct ser_pass *p, const struct shape *s, int i, float *z) {
    if (!p->frames)
        return;
    size_t n = (size_t)ser_steps_after(s->conv, p->frames[i]), all = (size_t)s->W, C = (size_t)s->C;
    for (size_t h = 0; h < (size_t)s->H; h++)
        memset(z + (h * all + n) * C, 0, (all - n) * C * sizeof *z);
}

/* Where less than a window is true, the last column that is fills it up: the maximum is that of the
 * true ones. */
static void fill_window(const struct ser_pass *p, const struct shape *s, int i, float *z) {
    if (!p->frames)
        return;
    size_t n = (size_t)ser_steps_after(s->conv, p->frames[i]), all = (size_t)s->W, C = (size_t)s->C;
    for (size_t h = 0; h < (size_t)s->H; h++)
        for (size_t w = n; w < (size_t)s->kw; w++)
            memcpy(z + (h * all + w) * C, z + (h * all + n - 1) * C, C * sizeof *z);
}

/* ---- forward ---- */

static void convolve(const struct ser_pass *p, const struct shape *s, int first, int n, float *z) {
    struct ser_conv_shape c = ser_conv_shape(s->conv, n);
    p->worker->k->conv(p->worker->state, &c, p->x + (size_t)first * s->in, p->param[W].value,
                       p->param[B].value, s->conv->relu, z);
    for (int i = 0; i < n; i++)
        mute(p, s, first + i, z + (size_t)i * s->z);
}

static int part_at(const struct ser_pass *p, const struct shape *s, int first) {
    return p->N - first < s->part ? p->N - first : s->part;
}

/* Of each kh x kw window of z [H,W,C]: top, the z that scale z + shift will be largest of, which is
 * the largest, or the smallest where gamma is negative; which, its place, if not NULL. */
SER_INLINE void pool(const struct shape *s, int kh, int kw, const float *z, const float *gamma,
                     float *top, uint8_t *which) {
    size_t line = (size_t)s->W * (size_t)s->C;
    for (int h = 0; h < s->OH; h++)
        for (int w = 0; w < s->OW; w++) {
            const float *from = z + (size_t)h * kh * line + (size_t)w * kw * s->C;
            for (int c = 0; c < s->C; c += SER_LANES) {
                int n = ser_lanes(c, s->C);
                ser_ivec flip = (ser_ivec)ser_load(gamma + c, n) & INT32_MIN; /* the sign */
                ser_vec best = (ser_vec)((ser_ivec)ser_load(from + c, n) ^ flip);
                ser_ivec at = {0};
                SER_UNROLL for (int k = 1; k < kh * kw; k++) {
                    size_t i = (size_t)(k / kw) * line + (size_t)(k % kw) * (size_t)s->C + c;
                    ser_vec v = (ser_vec)((ser_ivec)ser_load(from + i, n) ^ flip);
                    ser_ivec more = v > best;
                    best = ser_select(more, v, best);
                    at = ser_iselect(more, (ser_ivec){0} + k, at);
                }
                ser_store(top + c, (ser_vec)((ser_ivec)best ^ flip), n);
                if (which)
                    ser_store_bytes(which + c, at, n);
            }
            top += s->C;
            if (which)
                which += s->C;
        }
}

/* The usual window with its size known when this is compiled. */
SER_CLONES static void pool_sample(const struct shape *s, const float *z, const float *gamma,
                                   float *top, uint8_t *which) {
    if (s->kh == 2 && s->kw == 2)
        pool(s, 2, 2, z, gamma, top, which);
    else
        pool(s, s->kh, s->kw, z, gamma, top, which);
}

static void forward_sums(const struct ser_pass *p) {
    struct shape s = shape(p->layer);
    struct saved kept = saved(p, &s);
    memset(p->sums, 0, sums(p->layer) * sizeof *p->sums);
    for (int i = 0; i < p->N; i += s.part) {
        int n = part_at(p, &s, i);
        convolve(p, &s, i, n, kept.z + (size_t)i * s.z);
        ser_bn_add(kept.z + (size_t)i * s.z, (size_t)n * s.H * s.W, s.C, p->sums);
        for (int j = i; j < i + n; j++) {
            fill_window(p, &s, j, kept.z + (size_t)j * s.z);
            pool_sample(&s, kept.z + (size_t)j * s.z, p->param[GAMMA].value,
                        kept.top + (size_t)j * s.out, kept.which + (size_t)j * s.out);
        }
    }
}

/* y = scale top + shift, [n,C]; y may be top. With keep [n,C]: times rise, or 0 where keep is 0,
 * and there which becomes DROPPED. */
SER_CLONES static void finish(const float *top, size_t n, int C, const float *scale,
                              const float *shift, const uint8_t *keep, float rise, float *y,
                              uint8_t *which) {
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < C; c += SER_LANES) {
            int lanes = ser_lanes(c, C);
            size_t at = i * (size_t)C + (size_t)c;
            ser_vec v = ser_load(top + at, lanes) * ser_load(scale + c, lanes);
            v += ser_load(shift + c, lanes);
            if (keep) {
                ser_ivec kept = ser_load_bytes(keep + at, lanes) != 0,
                         place = ser_load_bytes(which + at, lanes);
                v = ser_select(kept, v * rise, (ser_vec){0});
                ser_store_bytes(which + at, ser_iselect(kept, place, (ser_ivec){0} + DROPPED),
                                lanes);
            }
            ser_store(y + at, v, lanes);
        }
}

static float rise(const struct ser_pass *p, const struct shape *s) {
    return p->dropout && s->drop ? 1 / (1 - s->drop->rate) : 1;
}

static void forward_train(const struct ser_pass *p, const struct shape *s, const float *scale,
                          const float *shift, uint8_t *keep) {
    struct saved kept = saved(p, s);
    int drops = p->dropout && s->drop;
    for (int i = 0; i < p->N; i++) {
        size_t at = (size_t)i * s->out;
        if (drops)
            ser_dropout_mask(ser_dropout_key(p->dropout, s->drop->index), p->place[i],
                             s->drop->rate, s->out, keep);
        finish(kept.top + at, (size_t)s->OH * s->OW, s->C, scale, shift, drops ? keep : NULL,
               rise(p, s), p->y + at, kept.which + at);
    }
}

static void forward_infer(const struct ser_pass *p, const struct shape *s, const float *scale,
                          const float *shift, float *part) {
    for (int i = 0; i < p->N; i += s->part) {
        int n = part_at(p, s, i);
        float *y = p->y + (size_t)i * s->out;
        convolve(p, s, i, n, part);
        for (int j = 0; j < n; j++) {
            fill_window(p, s, i + j, part + (size_t)j * s->z);
            pool_sample(s, part + (size_t)j * s->z, p->param[GAMMA].value, y + (size_t)j * s->out,
                        NULL);
        }
        finish(y, (size_t)n * s->OH * s->OW, s->C, scale, shift, NULL, 1, y, NULL);
    }
}

static void forward(const struct ser_pass *p) {
    struct shape s = shape(p->layer);
    float *scale = p->worker->scratch, *shift = scale + s.C, *part = scale + 3 * s.C;
    ser_bn_scale(p->param + GAMMA, s.C, p->training ? p->total : NULL, positions(p, &s), scale,
                 shift);
    if (p->training)
        forward_train(p, &s, scale, shift, (uint8_t *)part);
    else
        forward_infer(p, &s, scale, shift, part);
}

static void forward_done(const struct ser_pass *p) {
    struct shape s = shape(p->layer);
    ser_bn_move(p->param + GAMMA, s.C, p->total, positions(p, &s), p->keep);
}

/* ---- backward ---- */

/* dy [n,C] through dropout, in place. */
SER_CLONES static void undrop(float *dy, const uint8_t *which, size_t n, float times) {
    for (size_t i = 0; i < n; i += SER_LANES) {
        int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;
        ser_ivec dropped = ser_load_bytes(which + i, lanes) == DROPPED;
        ser_store(dy + i, ser_select(dropped, (ser_vec){0}, ser_load(dy + i, lanes) * times),
                  lanes);
    }
}

static void backward_sums(const struct ser_pass *p) {
    struct shape s = shape(p->layer);
    struct saved kept = saved(p, &s);
    float *mean = p->worker->scratch, *inverse = mean + s.C;
    ser_bn_moments(s.C, p->total, positions(p, &s), mean, inverse);
    memset(p->sums, 0, sums(p->layer) * sizeof *p->sums);
    undrop(p->dy, kept.which, (size_t)p->N * s.out, rise(p, &s));
    /* only maxima have a gradient */
    ser_bn_add_gradient(kept.top, p->dy, (size_t)p->N * s.OH * s.OW, s.C, mean, inverse, p->sums);
}

/* dz = a dy (at the maximum) + b z + c, zero where z is (relu). */
SER_INLINE void slope(const float *z, ser_vec d, ser_vec b, ser_vec c, int relu, int n, float *dz) {
    ser_vec v = ser_load(z, n), g = v * b + c + d;
    ser_store(dz, relu ? ser_select(v > 0.0f, g, (ser_vec){0}) : g, n);
}

/* dz of one sample: windows, then what is left over at the edges. */
SER_INLINE void unpool(const struct shape *s, int kh, int kw, int relu, const float *z,
                       const float *dy, const uint8_t *which, const float *a, const float *b,
                       const float *c0, float *dz) {
    int C = s->C;
    size_t line = (size_t)s->W * (size_t)C;
    for (int h = 0; h < s->OH; h++)
        for (int w = 0; w < s->OW; w++, dy += C, which += C) {
            size_t at = (size_t)h * kh * line + (size_t)w * kw * C;
            for (int c = 0; c < C; c += SER_LANES) {
                int n = ser_lanes(c, C);
                ser_vec d = ser_load(dy + c, n) * ser_load(a + c, n), vb = ser_load(b + c, n),
                        vc = ser_load(c0 + c, n);
                ser_ivec place = ser_load_bytes(which + c, n);
                SER_UNROLL for (int k = 0; k < kh * kw; k++) {
                    size_t i = at + (size_t)(k / kw) * line + (size_t)(k % kw) * C + c;
                    slope(z + i, ser_select(place == k, d, (ser_vec){0}), vb, vc, relu, n, dz + i);
                }
            }
        }
    for (int h = 0; h < s->H; h++)
        for (int w = h < s->OH * kh ? s->OW * kw : 0; w < s->W; w++)
            for (int c = 0; c < C; c += SER_LANES) {
                int n = ser_lanes(c, C);
                size_t i = (size_t)h * line + (size_t)w * C + c;
                slope(z + i, (ser_vec){0}, ser_load(b + c, n), ser_load(c0 + c, n), relu, n,
                      dz + i);
            }
}

SER_CLONES static void unpool_sample(const struct shape *s, const float *z, const float *dy,
                                     const uint8_t *which, const float *a, const float *b,
                                     const float *c0, float *dz) {
    if (s->kh == 2 && s->kw == 2 && s->conv->relu)
        unpool(s, 2, 2, 1, z, dy, which, a, b, c0, dz);
    else
        unpool(s, s->kh, s->kw, s->conv->relu, z, dy, which, a, b, c0, dz);
}

SER_CLONES static void add(float *sum, const float *more, size_t n) {
    for (size_t i = 0; i < n; i += SER_LANES) {
        int lanes = n - i < SER_LANES ? (int)(n - i) : SER_LANES;
        ser_store(sum + i, ser_load(sum + i, lanes) + ser_load(more + i, lanes), lanes);
    }
}

static void backward(const struct ser_pass *p) {
    struct shape s = shape(p->layer);
    struct saved kept = saved(p, &s);
    struct ser_worker *k = p->worker;
    float *a = k->scratch, *b = a + s.C, *c0 = b + s.C, *dz = c0 + s.C,
          *dw = dz + (size_t)s.part * s.z, *db = dw + p->param[W].n;
    ser_bn_gradients(s.C, p->sums, p->grad[GAMMA], p->grad[BETA]);
    if (!p->grad[W] && !p->grad[B] && !p->dx)
        return;
    ser_bn_slope(p->param + GAMMA, s.C, p->total, p->dtotal, positions(p, &s), a, b, c0);
    for (int i = 0; i < p->N; i += s.part) {
        int n = part_at(p, &s, i);
        struct ser_conv_shape c = ser_conv_shape(s.conv, n);
        for (int j = 0; j < n; j++) {
            size_t at = (size_t)(i + j) * s.out;
            unpool_sample(&s, kept.z + (size_t)(i + j) * s.z, p->dy + at, kept.which + at, a, b, c0,
                          dz + (size_t)j * s.z);
            mute(p, &s, i + j, dz + (size_t)j * s.z);
        }
        k->k->conv_back(k->state, &c, p->x + (size_t)i * s.in, dz, p->param[W].value,
                        i || !p->grad[W] ? dw : p->grad[W], i || !p->grad[B] ? db : p->grad[B],
                        p->dx ? p->dx + (size_t)i * s.in : NULL);
        if (i && p->grad[W])
            add(p->grad[W], dw, p->param[W].n);
        if (i && p->grad[B])
            add(p->grad[B], db, p->param[B].n);
    }
}

static const struct ser_layer_type block = {
    .name = "block",
    .saved_bytes = saved_bytes,
    .scratch_bytes = scratch_bytes,
    .sums = sums,
    .forward_sums = forward_sums,
    .forward = forward,
    .forward_done = forward_done,
    .backward_sums = backward_sums,
    .backward = backward,
};

int ser_block_fuse(const struct ser_layer *first, int left, struct ser_block *b) {
    if (left < 3 || first[0].type != &ser_layer_conv || first[1].type != &ser_layer_batchnorm ||
        first[2].type != &ser_layer_maxpool || first[0].groups != 1 || first[1].frozen ||
        !ser_window_simple(&first[0]) || first[0].time_in == 0)
        return 0;
    int drops = left > 3 && first[3].type == &ser_layer_dropout;
    *b = (struct ser_block){
        .layer = {.type = &block,
                  .name = "block",
                  .in = first[0].in,
                  .out = first[2].out,
                  .index = first[0].index,
                  .first_param = first[0].first_param,
                  .params = first[0].params + first[1].params,
                  .time_in = first[0].time_in,
                  .time_out = first[2].time_out,
                  .add = first[0].add,
                  .per = first[2].per},
        .conv = &first[0],
        .batchnorm = &first[1],
        .maxpool = &first[2],
        .dropout = drops ? &first[3] : NULL,
    };
    return drops ? 4 : 3;
}
