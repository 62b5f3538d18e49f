#include "bridge/encoder-keep.h"

#include <stdlib.h>
#include <xxhash.h>

#include "core/bytes.h"
#include "nn/team.h"

/* ---- threads ---- */

static int enter(void *ctx, int thread) {
    (void)ctx;
    (void)thread;
    return 0;
}

static void leave(void *ctx, int thread) {
    (void)ctx;
    (void)thread;
}

/* job(ctx, thread, i) for each i < n. 0, or -1 without memory or threads. */
static int do_each(int threads, int n, void (*job)(void *ctx, int thread, int i), void *ctx) {
    struct ser_team *team = ser_team_new(threads, enter, leave, ctx);
    if (!team)
        return -1;
    ser_team_run(team, n, job);
    ser_team_free(team);
    return 0;
}

/* ---- the key ---- */

/* All that packed weights depend on, but for the values; the numbers are of 32 bits. */
static uint64_t sum_of_shape(const struct ser_encoder_shape *s) {
    const int n[] = {SER_ENCODER_LAYOUT, (int)s->family, s->width,     s->layers,
                     s->heads,           s->hidden,      s->bands,     s->convs,
                     s->conv_bias,       s->conv_norms,  s->proj_norm, s->taps,
                     s->groups,          s->stable,      s->buckets,   s->distance};
    enum { N = sizeof n / sizeof *n };
    unsigned char bytes[4 * (N + 2 * SER_ENCODER_CONVS)] = {0}, *to = bytes;
    for (size_t i = 0; i < N; i++)
        to = ser_put(to, 4, (uint32_t)n[i]);
    for (int i = 0; i < s->convs; i++) {
        to = ser_put(to, 4, (uint32_t)s->conv_dim[i]);
        to = ser_put(to, 4, (uint32_t)s->conv_kernel[i]);
    }
    return XXH3_64bits(bytes, sizeof bytes);
}

/* Whether the elements lie side by side in their order. */
static int is_one_piece(const struct ser_tensor *t) {
    uint64_t apart = 1;
    for (int i = t->rank - 1; i >= 0; apart *= t->dim[i], i--)
        if (t->dim[i] > 1 && t->stride[i] != apart)
            return 0;
    return 1;
}

enum { SUM = 16 }; /* bytes of a checksum */

struct summing {
    const struct ser_encoder_files *f;
    unsigned char *sum; /* [weights][SUM] */
};

/* Of a tensor its values, as they are stored; the type and the shape come with the others of its kind. */
static void sum_tensor(void *ctx, int thread, int i) {
    const struct summing *s = ctx;
    const struct ser_tensor *t = ser_encoder_files_tensor(s->f, &s->f->weight[i]);
    (void)thread;
    XXH128_hash_t h =
        XXH3_128bits_withSeed(t->at, (size_t)t->count * ser_element_size(t->element), t->element);
    ser_put(ser_put(s->sum + (size_t)i * SUM, 8, h.high64), 8, h.low64);
}

/* The key of all weights, in the order of the list, which goes by the shape. -1: without memory, or if one is in
 * pieces. */
static int make_key(struct ser_encoder_files *f, int threads) {
    size_t n = (size_t)f->weights;
    for (size_t i = 0; i < n; i++)
        if (!is_one_piece(ser_encoder_files_tensor(f, &f->weight[i])))
            return -1;
    struct summing s = {f, malloc(n * SUM)};
    if (!s.sum || do_each(threads, f->weights, sum_tensor, &s)) {
        free(s.sum);
        return -1;
    }
    XXH128_hash_t h = XXH3_128bits_withSeed(s.sum, n * SUM, sum_of_shape(&f->shape));
    f->key[0] = h.high64;
    f->key[1] = h.low64;
    free(s.sum);
    return 0;
}

/* ---- opening and making ---- */

void ser_encoder_keep_open(struct ser_encoder_files *f, int threads) {
    if (!ser_packed_wanted() || make_key(f, threads))
        return;
    f->keep = threads;
    if (!ser_packed_open(&f->packed, f->key))
        ser_tensors_forget(&f->tensors);
}

struct checking {
    const struct ser_packed *p;
    unsigned char *good; /* [parts] */
};

static void check_part(void *ctx, int thread, int i) {
    const struct checking *c = ctx;
    (void)thread;
    c->good[i] = ser_packed_part(c->p, (size_t)i) != 0;
}

/* Whether the first so many floats are there, each as it was written. */
static int holds(const struct ser_packed *p, size_t floats, int threads) {
    size_t parts = ser_packed_parts(floats);
    struct checking c = {p, floats && floats <= p->floats ? calloc(parts, 1) : NULL};
    int good = c.good && !do_each(threads, (int)parts, check_part, &c);
    for (size_t i = 0; i < parts && good; i++)
        good = c.good[i];
    free(c.good);
    return good;
}

int ser_encoder_keep(struct ser_encoder_files *f, int last) {
    struct ser_error e;
    uint64_t identity;
    size_t floats = ser_encoder_packed(&f->shape, last), n;
    if (holds(&f->packed, floats, f->keep))
        return 0;
    ser_packed_close(&f->packed);
    if (ser_encoder_packed(&f->shape, f->shape.layers) > SER_PACKED_MOST ||
        ser_encoder_files_hash(f, &identity, &e))
        return -1;
    struct ser_encoder *all = ser_encoder_files_pack(f, f->shape.layers, &e);
    if (!all)
        return -1;
    const float *at = ser_encoder_weights_of(all, &n);
    int bad = ser_packed_write(f->key, identity, at, n);
    ser_encoder_free(all);
    if (!bad && !ser_packed_open(&f->packed, f->key) && holds(&f->packed, floats, f->keep))
        return 0;
    ser_packed_close(&f->packed);
    return -1;
}
