/* What the library oneDNN does for us, 2.6 or 3.x, on one thread. The only file that includes its
 * header.
 *
 * Activations stay as they are (nhwc); weights go into whatever layout oneDNN chooses, since a
 * layout fixed by hand falls to a slow reference implementation on another processor. A convolution
 * for which it has nothing but that does not suit.
 */
#ifdef SER_ONEDNN

#include "nn/kernels/kernels.h"
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum operation { FORWARD, DATA, WEIGHTS };

/* One convolution of one shape: src, dst and bias are the caller's arrays, weights a copy in
 * oneDNN's layout. Which of them is read and which written depends on the operation. */
struct conv {
    enum operation operation;
    struct ser_conv_shape shape;
    int relu;
    int usable;
    dnnl_primitive_t primitive, reorder; /* reorder: NULL where the layout is ours already */
    dnnl_memory_t src, dst, bias, ours, theirs;
    void *copy;
    struct conv *next;
};

struct onednn {
    dnnl_engine_t engine; /* NULL, and the stream, until something needs them */
    dnnl_stream_t stream;
    struct conv *conv;
    int alone;  /* OpenMP was told so on this thread */
    int failed; /* memory ended, or oneDNN failed */
};

/* ---- what differs between 2.6 and 3.x ---- */

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t layout_t;
typedef dnnl_memory_desc_t own_layout_t;

static layout_t as_layout(const own_layout_t *l) {
    return *l;
}

static int make_layout(own_layout_t *l, int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_create_with_tag(l, rank, dims, dnnl_f32, tag);
}

static void free_layout(own_layout_t *l) {
    if (*l)
        dnnl_memory_desc_destroy(*l);
}

static int describe(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum operation operation,
                    layout_t src, layout_t weights, layout_t bias, layout_t dst,
                    const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint) {
    const dnnl_dims_t one = {1, 1}, none = {0, 0};
    if (operation == DATA)
        return dnnl_convolution_backward_data_primitive_desc_create(
            pd, engine, dnnl_convolution_direct, src, weights, dst, one, none, none, none, hint,
            attr);
    if (operation == WEIGHTS)
        return dnnl_convolution_backward_weights_primitive_desc_create(
            pd, engine, dnnl_convolution_direct, src, weights, bias, dst, one, none, none, none,
            hint, attr);
    return dnnl_convolution_forward_primitive_desc_create(pd, engine, dnnl_forward_training,
                                                          dnnl_convolution_direct, src, weights,
                                                          bias, dst, one, none, none, none, attr);
}

static int append_relu(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
}

#else

typedef const dnnl_memory_desc_t *layout_t;
typedef dnnl_memory_desc_t own_layout_t;

static layout_t as_layout(const own_layout_t *l) {
    return l;
}

static int make_layout(own_layout_t *l, int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag) {
    return dnnl_memory_desc_init_by_tag(l, rank, dims, dnnl_f32, tag);
}

static void free_layout(own_layout_t *l) {
    (void)l;
}

static int describe(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum operation operation,
                    layout_t src, layout_t weights, layout_t bias, layout_t dst,
                    const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t hint) {
    const dnnl_dims_t one = {1, 1}, none = {0, 0};
    dnnl_convolution_desc_t d;
    dnnl_status_t bad;
    if (operation == DATA)
        bad = dnnl_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, src, weights,
                                                       dst, one, none, none);
    else if (operation == WEIGHTS)
        bad = dnnl_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, src, weights,
                                                          bias, dst, one, none, none);
    else
        bad = dnnl_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct,
                                                 src, weights, bias, dst, one, none, none);
    return bad ? (int)bad : (int)dnnl_primitive_desc_create(pd, &d, attr, engine, hint);
}

static int append_relu(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0);
}

#endif

/* ---- making a convolution ---- */

static int is_reference(const_dnnl_primitive_desc_t pd) {
    const char *name = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) || !name)
        return 1;
    return !strncmp(name, "ref", 3);
}

struct layouts {
    own_layout_t src, weights, ours, bias, dst;
};

static int make_layouts(const struct ser_conv_shape *s, struct layouts *l) {
    const dnnl_dims_t src = {s->N, s->C, s->H, s->W}, weights = {s->F, s->C, s->kh, s->kw},
                      bias = {s->F}, dst = {s->N, s->F, s->H - s->kh + 1, s->W - s->kw + 1};
    return make_layout(&l->src, 4, src, dnnl_nhwc) || make_layout(&l->dst, 4, dst, dnnl_nhwc) ||
           make_layout(&l->weights, 4, weights, dnnl_format_tag_any) ||
           make_layout(&l->ours, 4, weights, dnnl_hwio) || make_layout(&l->bias, 1, bias, dnnl_x);
}

/* The description of c's operation; a backward one needs that of the forward. 0, or oneDNN's
 * status. */
static int describe_conv(struct onednn *o, const struct conv *c, const struct layouts *l,
                         dnnl_primitive_desc_t *pd) {
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_desc_t hint = NULL;
    layout_t src = as_layout(&l->src), weights = as_layout(&l->weights), bias = as_layout(&l->bias),
             dst = as_layout(&l->dst);
    int bad = 0;
    if (c->relu && (dnnl_primitive_attr_create(&attr) || dnnl_post_ops_create(&ops) ||
                    append_relu(ops) || dnnl_primitive_attr_set_post_ops(attr, ops)))
        bad = dnnl_out_of_memory;
    if (!bad && c->operation != FORWARD)
        bad = describe(&hint, o->engine, FORWARD, src, weights, bias, dst, NULL, NULL);
    if (!bad)
        bad = describe(pd, o->engine, c->operation, src, weights, bias, dst, attr, hint);
    if (hint)
        dnnl_primitive_desc_destroy(hint);
    if (ops)
        dnnl_post_ops_destroy(ops);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return bad;
}

static int make_reorder(struct onednn *o, struct conv *c, layout_t ours, layout_t theirs) {
    dnnl_primitive_desc_t pd = NULL;
    int back = c->operation == WEIGHTS;
    if (dnnl_reorder_primitive_desc_create(&pd, back ? theirs : ours, o->engine,
                                           back ? ours : theirs, o->engine, NULL))
        return -1;
    int bad = dnnl_primitive_create(&c->reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    return bad;
}

static int make_memory(struct onednn *o, struct conv *c, const struct layouts *l, layout_t theirs) {
    layout_t ours = as_layout(&l->ours);
    if (dnnl_memory_create(&c->src, as_layout(&l->src), o->engine, DNNL_MEMORY_NONE) ||
        dnnl_memory_create(&c->dst, as_layout(&l->dst), o->engine, DNNL_MEMORY_NONE) ||
        dnnl_memory_create(&c->bias, as_layout(&l->bias), o->engine, DNNL_MEMORY_NONE) ||
        dnnl_memory_create(&c->ours, ours, o->engine, DNNL_MEMORY_NONE))
        return -1;
    if (dnnl_memory_desc_equal(ours, theirs))
        return 0;
    size_t size = dnnl_memory_desc_get_size(theirs);
    c->copy = aligned_alloc(64, (size + 63) & ~(size_t)63);
    if (!c->copy || dnnl_memory_create(&c->theirs, theirs, o->engine, c->copy))
        return -1;
    return make_reorder(o, c, ours, theirs);
}

/* Sums depend on the number of OpenMP threads, and a new thread starts with the default: so it is
 * set here, on the thread that this state belongs to. Not before it is needed: OpenMP ends the
 * process when it finds no memory for a new thread. */
static void work_alone(struct onednn *o) {
    if (!o->alone)
        omp_set_num_threads(1);
    o->alone = 1;
}

static int start(struct onednn *o) {
    work_alone(o);
    return (!o->engine && dnnl_engine_create(&o->engine, dnnl_cpu, 0)) ||
           (!o->stream && dnnl_stream_create(&o->stream, o->engine, dnnl_stream_default_flags));
}

static int make_primitive(struct onednn *o, struct conv *c, const struct layouts *l,
                          const_dnnl_primitive_desc_t pd) {
    dnnl_query_t what =
        c->operation == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
    layout_t theirs = dnnl_primitive_desc_query_md(pd, what, 0);
    return !theirs || make_memory(o, c, l, theirs) || dnnl_primitive_create(&c->primitive, pd);
}

/* -1 where oneDNN has nothing faster than its reference, or where it fails, which is noted: other
 * kernels would make other bytes. */
static int make_conv(struct onednn *o, struct conv *c) {
    struct layouts l;
    memset(&l, 0, sizeof l);
    dnnl_primitive_desc_t pd = NULL;
    int bad =
        start(o) || make_layouts(&c->shape, &l) ? dnnl_out_of_memory : describe_conv(o, c, &l, &pd);
    int lacks = bad ? bad != dnnl_out_of_memory && bad != dnnl_runtime_error : is_reference(pd);
    if (!lacks) {
        bad = bad || make_primitive(o, c, &l, pd);
        o->failed |= bad;
    }
    bad |= lacks;
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    free_layout(&l.src);
    free_layout(&l.weights);
    free_layout(&l.ours);
    free_layout(&l.bias);
    free_layout(&l.dst);
    return bad ? -1 : 0;
}

static void free_conv(struct conv *c) {
    dnnl_memory_t memory[] = {c->src, c->dst, c->bias, c->ours, c->theirs};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        if (memory[i])
            dnnl_memory_destroy(memory[i]);
    if (c->primitive)
        dnnl_primitive_destroy(c->primitive);
    if (c->reorder)
        dnnl_primitive_destroy(c->reorder);
    free(c->copy);
    free(c);
}

/* The convolution for a shape, made when first asked for; NULL: it does not suit. */
static struct conv *find_conv(struct onednn *o, enum operation operation,
                              const struct ser_conv_shape *s, int relu) {
    struct conv *c;
    for (c = o->conv; c; c = c->next)
        if (c->operation == operation && c->relu == relu && !memcmp(&c->shape, s, sizeof *s))
            return c->usable ? c : NULL;
    c = calloc(1, sizeof *c);
    if (!c) {
        o->failed = 1;
        return NULL;
    }
    c->operation = operation;
    c->shape = *s;
    c->relu = relu;
    c->usable = !make_conv(o, c);
    c->next = o->conv;
    o->conv = c;
    return c->usable ? c : NULL;
}

/* ---- running ---- */

static int reorder(struct onednn *o, struct conv *c) {
    int back = c->operation == WEIGHTS;
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, back ? c->theirs : c->ours},
                              {DNNL_ARG_TO, back ? c->ours : c->theirs}};
    return dnnl_primitive_execute(c->reorder, o->stream, 2, args);
}

static int point(struct conv *c, const float *src, const float *weights, const float *bias,
                 const float *dst) {
    return dnnl_memory_set_data_handle(c->src, (void *)src) ||
           dnnl_memory_set_data_handle(c->ours, (void *)weights) ||
           (bias && dnnl_memory_set_data_handle(c->bias, (void *)bias)) ||
           dnnl_memory_set_data_handle(c->dst, (void *)dst);
}

static int execute(struct onednn *o, struct conv *c) {
    dnnl_memory_t weights = c->reorder ? c->theirs : c->ours;
    dnnl_exec_arg_t args[3][4] = {
        {{DNNL_ARG_SRC, c->src},
         {DNNL_ARG_WEIGHTS, weights},
         {DNNL_ARG_DST, c->dst},
         {DNNL_ARG_BIAS, c->bias}},
        {{DNNL_ARG_DIFF_SRC, c->src}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DIFF_DST, c->dst}},
        {{DNNL_ARG_SRC, c->src},
         {DNNL_ARG_DIFF_WEIGHTS, weights},
         {DNNL_ARG_DIFF_DST, c->dst},
         {DNNL_ARG_DIFF_BIAS, c->bias}},
    };
    if (c->reorder && c->operation != WEIGHTS && reorder(o, c))
        return -1;
    if (dnnl_primitive_execute(c->primitive, o->stream, c->operation == DATA ? 3 : 4,
                               args[c->operation]) ||
        dnnl_stream_wait(o->stream))
        return -1;
    if (c->reorder && c->operation == WEIGHTS && (reorder(o, c) || dnnl_stream_wait(o->stream)))
        return -1;
    return 0;
}

static int onednn_conv(void *state, const struct ser_conv_shape *s, const float *x, const float *w,
                       const float *b, int relu, float *y) {
    struct onednn *o = state;
    struct conv *c = find_conv(o, FORWARD, s, relu);
    if (c)
        o->failed |= point(c, x, w, b, y) || execute(o, c);
    return c != NULL;
}

static int onednn_conv_back(void *state, const struct ser_conv_shape *s, const float *x,
                            const float *dy, const float *w, float *dw, float *db, float *dx) {
    struct onednn *o = state;
    struct conv *weights = find_conv(o, WEIGHTS, s, 0),
                *data = dx ? find_conv(o, DATA, s, 0) : NULL;
    if (!weights || (dx && !data))
        return 0;
    o->failed |= point(weights, x, dw, db, dy) || execute(o, weights) ||
                 (dx && (point(data, dx, w, NULL, dy) || execute(o, data)));
    return 1;
}

static int onednn_gemm(void *state, int ta, int tb, int M, int N, int K, const float *A, int lda,
                       const float *B, int ldb, float beta, float *C, int ldc) {
    struct onednn *o = state;
    int step = !ta && lda < K ? lda : K; /* oneDNN takes no rows that run into each other */
    work_alone(o);
    for (int k = 0, left; k < K; k += step, beta = 1) {
        left = K - k < step ? K - k : step;
        o->failed |=
            dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', M, N, left, 1, ta ? A : A + k, lda,
                       tb ? B + k : B + (size_t)k * (size_t)ldb, ldb, beta, C, ldc) != dnnl_success;
    }
    return 1;
}

/* ---- per thread ---- */

static void onednn_close(void *state) {
    struct onednn *o = state;
    while (o->conv) {
        struct conv *next = o->conv->next;
        free_conv(o->conv);
        o->conv = next;
    }
    if (o->stream)
        dnnl_stream_destroy(o->stream);
    if (o->engine)
        dnnl_engine_destroy(o->engine);
    free(o);
}

static void *onednn_open(const struct ser_kernels *k, char *why, size_t size) {
    (void)k;
    struct onednn *o = calloc(1, sizeof *o);
    if (!o)
        snprintf(why, size, "not enough memory");
    return o;
}

static int onednn_failed(void *state) {
    return ((struct onednn *)state)->failed;
}

const struct ser_kernels ser_kernels_onednn = {
    .name = "onednn",
    .open = onednn_open,
    .close = onednn_close,
    .failed = onednn_failed,
    .gemm = onednn_gemm,
    .conv = onednn_conv,
    .conv_back = onednn_conv_back,
};

#else

typedef int ser_without_onednn; /* a file must hold something */

#endif
