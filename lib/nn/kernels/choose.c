/* Which kernels there are, and the choice among them; kernels.h is the manual. */
#include "nn/kernels/block.h"
#include "nn/kernels/kernels.h"
#include "nn/nn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a thread has of those that this processor can. */
enum { MOST = 3 };

struct choice {
    struct {
        const struct ser_kernels *k;
        void *state;
    } from[MOST];
    int n;
};

static void close_all(void *state) {
    struct choice *c = state;
    for (int i = 0; i < c->n; i++)
        c->from[i].k->close(c->from[i].state);
    free(c);
}

static int can(const struct ser_kernels *k) {
    return !k->can || k->can();
}

static void *open_all(const struct ser_kernels *self, char *why, size_t size) {
    struct choice *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(why, size, "not enough memory");
        return NULL;
    }
    for (const struct ser_kernels *const *k = self->among; *k && c->n < MOST; k++) {
        if (!can(*k))
            continue;
        void *state = (*k)->open(*k, why, size);
        if (!state) {
            close_all(c);
            return NULL;
        }
        c->from[c->n].k = *k;
        c->from[c->n++].state = state;
    }
    return c;
}

static void renew_all(void *state) {
    struct choice *c = state;
    for (int i = 0; i < c->n; i++)
        if (c->from[i].k->renew)
            c->from[i].k->renew(c->from[i].state);
}

static int any_failed(void *state) {
    struct choice *c = state;
    for (int i = 0; i < c->n; i++)
        if (c->from[i].k->failed && c->from[i].k->failed(c->from[i].state))
            return 1;
    return 0;
}

static int gemm(void *state, int ta, int tb, int M, int N, int K, const float *A, int lda,
                const float *B, int ldb, float beta, float *C, int ldc) {
    struct choice *c = state;
    for (int i = 0; i < c->n; i++)
        if (c->from[i].k->gemm(c->from[i].state, ta, tb, M, N, K, A, lda, B, ldb, beta, C, ldc))
            return 1;
    return 0;
}

static int conv(void *state, const struct ser_conv_shape *s, const float *x, const float *w,
                const float *b, int relu, float *y) {
    struct choice *c = state;
    for (int i = 0; i < c->n; i++)
        if (c->from[i].k->conv(c->from[i].state, s, x, w, b, relu, y))
            return 1;
    return 0;
}

static int conv_back(void *state, const struct ser_conv_shape *s, const float *x, const float *dy,
                     const float *w, float *dw, float *db, float *dx) {
    struct choice *c = state;
    for (int i = 0; i < c->n; i++)
        if (c->from[i].k->conv_back(c->from[i].state, s, x, dy, w, dw, db, dx))
            return 1;
    return 0;
}

/* What all choices have in common. */
#define CHOOSES                                                                                    \
    .open = open_all, .close = close_all, .renew = renew_all, .failed = any_failed, .gemm = gemm,  \
    .conv = conv, .conv_back = conv_back, .fuse = ser_block_fuse

/* Every list ends with plain, which suits always. */
static const struct ser_kernels *const all[] = {
    &ser_kernels_avx512,
#ifdef SER_ONEDNN
    &ser_kernels_onednn,
#endif
    &ser_kernels_plain,
    NULL,
};

static const struct ser_kernels fast = {.name = "fast", .among = all, CHOOSES};

const struct ser_kernels *ser_kernels_find(const char *name) {
    if (!strcmp(name, fast.name) || !strcmp(name, "onednn")) /* as it was called once */
        return &fast;
    return strcmp(name, ser_kernels_plain.name) ? NULL : &ser_kernels_plain;
}

const char *ser_kernels_name(const struct ser_kernels *k) {
    return k->name;
}

const char *ser_kernels_default(void) {
    return fast.name;
}

static const struct ser_kernels *const avx512[] = {&ser_kernels_avx512, &ser_kernels_plain, NULL};
#ifdef SER_ONEDNN
static const struct ser_kernels *const onednn[] = {&ser_kernels_onednn, &ser_kernels_plain, NULL};
#endif
static const struct ser_kernels *const plain[] = {&ser_kernels_plain, NULL};

const struct ser_kernels *ser_kernels_alone(const char *name) {
    static const struct ser_kernels alone[] = {
        {.name = "avx512", .among = avx512, CHOOSES},
#ifdef SER_ONEDNN
        {.name = "onednn", .among = onednn, CHOOSES},
#endif
        {.name = "plain", .among = plain, CHOOSES},
    };
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (!strcmp(alone[i].name, name) && can(alone[i].among[0]))
            return &alone[i];
    return NULL;
}
