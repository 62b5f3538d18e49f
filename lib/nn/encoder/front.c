#include "nn/encoder/front.h"

#include "math/simd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-5

enum { FRAMES = 64 }; /* of the last convolution, done by one thread at a time */

static const char conv_name[] = "feature_extractor.conv_layers.%d.conv",
                  norm_name[] = "feature_extractor.conv_layers.%d.layer_norm";

static int has_norm(const struct ser_encoder_shape *s, int i) {
    return s->conv_norms || i == 0;
}

static int over_time(const struct ser_encoder_shape *s) {
    return !s->conv_norms;
}

/* ---- loading ---- */

void ser_front_list(const struct ser_encoder_shape *s, struct ser_lister *l) {
    int in = 1;
    for (int i = 0; i < s->convs; in = s->conv_dim[i], i++) {
        ser_list_conv(l, conv_name, i, s->conv_dim[i], in, s->conv_kernel[i], s->conv_bias);
        if (has_norm(s, i))
            ser_list_norm(l, norm_name, i, s->conv_dim[i]);
    }
}

int ser_front_load(struct ser_front *f, struct ser_loader *l) {
    const struct ser_encoder_shape *s = f->shape = l->shape;
    for (int i = 0; i < s->convs; i++)
        if (ser_load_conv(l, conv_name, i, &f->conv[i].taps, s->conv_bias) ||
            (has_norm(s, i) && ser_load_norm(l, norm_name, i, &f->conv[i].norm)))
            return -1;
    return 0;
}

/* ---- lengths ---- */

size_t ser_front_frames(const struct ser_encoder_shape *s, size_t n) {
    for (int i = 0; i < s->convs; i++) {
        size_t kernel = (size_t)s->conv_kernel[i];
        if (n < kernel)
            return 0;
        n = (n - kernel) / (size_t)s->conv_stride[i] + 1;
    }
    return n;
}

/* Some frames of one convolution, or of what goes into it. */
struct stretch {
    size_t first, n;
};

/* What n frames of convolution i are made of. */
static struct stretch below(const struct ser_encoder_shape *s, int i, struct stretch a) {
    size_t stride = (size_t)s->conv_stride[i];
    return (struct stretch){a.first * stride, (a.n - 1) * stride + (size_t)s->conv_kernel[i]};
}

size_t ser_front_samples(const struct ser_encoder_shape *s, size_t frames) {
    const size_t most = (size_t)1 << 40; /* so that nothing overflows */
    struct stretch a = {0, frames};
    for (int i = s->convs - 1; i >= 0; i--) {
        a = below(s, i, a);
        a.n = a.n < most ? a.n : most;
    }
    return a.n;
}

/* ---- running ---- */

struct run {
    const struct ser_front *f;
    struct ser_encoder_run *run;
    const float *x;
    size_t T;
    float *y;

    /* Of the norm over time: the first convolution has so many frames, done so many at a time. */
    size_t frames, part;
    double *
        sums; /* [parts][2][C]: means and squares of each part; in the end shift and scale of all */
};

/* A convolution, before a norm; or with its gelu where there is none. */
static void convolve(const struct run *p, void *state, int i, const float *x, size_t n, float *y) {
    const struct ser_encoder_shape *s = p->f->shape;
    const struct ser_linear *l = &p->f->conv[i].taps;
    int in = i ? s->conv_dim[i - 1] : 1;
    for (int panel = 0; panel < ser_linear_panels(l); panel++)
        ser_linear_panel(l, p->run->k, state, panel, (int)n, x, s->conv_stride[i] * in,
                         has_norm(s, i) ? 0 : SER_GELU, y, l->out);
}

/* Of y [n,C] the mean of each channel, and the sum of squared differences from it. */
SER_CLONES static void measure(const float *y, size_t n, size_t C, double *mean, double *squares) {
    memset(mean, 0, C * sizeof *mean);
    memset(squares, 0, C * sizeof *squares);
    for (size_t t = 0; t < n; t++)
        for (size_t c = 0; c < C; c++)
            mean[c] += y[t * C + c];
    for (size_t c = 0; c < C; c++)
        mean[c] /= (double)n;
    for (size_t t = 0; t < n; t++)
        for (size_t c = 0; c < C; c++) {
            double d = y[t * C + c] - mean[c];
            squares[c] += d * d;
        }
}

SER_CLONES static void scale_rows(float *y, size_t n, size_t C, const double *shift,
                                  const double *scale) {
    for (size_t t = 0; t < n; t++)
        for (size_t c = 0; c < C; c++)
            y[t * C + c] = (float)(y[t * C + c] * scale[c] + shift[c]);
}

/* One part of the first convolution. */
static void measure_part(void *ctx, void *state, int thread, int job) {
    const struct run *p = ctx;
    const struct ser_encoder_shape *s = p->f->shape;
    size_t C = (size_t)s->conv_dim[0], first = (size_t)job * p->part;
    size_t n = p->frames - first < p->part ? p->frames - first : p->part;
    float *y = p->run->scratch[thread].at[0].at;
    double *mean = p->sums + 2 * C * (size_t)job;
    convolve(p, state, 0, p->x + first * (size_t)s->conv_stride[0], n, y);
    measure(y, n, C, mean, mean + C);
}

/* All parts into the first: squared differences from the common mean are those from each mean, and
 * n (mean - common mean)^2 more. */
static void join_parts(const struct run *p, size_t parts) {
    size_t C = (size_t)p->f->shape->conv_dim[0];
    const struct ser_norm *norm = &p->f->conv[0].norm;
    for (size_t c = 0; c < C; c++) {
        double mean = 0, squares = 0;
        for (int again = 0; again < 2; again++)
            for (size_t j = 0; j < parts; j++) {
                const double *a = p->sums + 2 * C * j + c;
                size_t left = p->frames - j * p->part;
                double n = (double)(left < p->part ? left : p->part);
                if (!again)
                    mean += n * a[0] / (double)p->frames;
                else
                    squares += a[C] + n * (a[0] - mean) * (a[0] - mean);
            }
        double scale = norm->weight[c] / sqrt(squares / (double)p->frames + EPSILON);
        p->sums[c] = norm->bias[c] - mean * scale;
        p->sums[C + c] = scale;
    }
}

static void normalise(const struct run *p, int i, size_t n, float *y) {
    size_t C = (size_t)p->f->shape->conv_dim[i];
    if (over_time(p->f->shape))
        scale_rows(y, n, C, p->sums, p->sums + C);
    else
        ser_norm_rows(&p->f->conv[i].norm, (int)n, (int)C, EPSILON, y, y);
    ser_gelu(y, n * C);
}

/* Some frames, from the samples on. */
static void run_stretch(void *ctx, void *state, int thread, int job) {
    const struct run *p = ctx;
    const struct ser_encoder_shape *s = p->f->shape;
    struct stretch a[SER_ENCODER_CONVS];
    int last = s->convs - 1;
    size_t first = (size_t)job * FRAMES;
    a[last] = (struct stretch){first, p->T - first < FRAMES ? p->T - first : FRAMES};
    for (int i = last; i > 0; i--)
        a[i - 1] = below(s, i, a[i]);
    const float *x = p->x + below(s, 0, a[0]).first;
    for (int i = 0; i <= last; i++) {
        float *y = i == last ? p->y + first * (size_t)s->conv_dim[last]
                             : p->run->scratch[thread].at[i % 2].at;
        convolve(p, state, i, x, a[i].n, y);
        if (has_norm(s, i))
            normalise(p, i, a[i].n, y);
        x = y;
    }
}

/* Room between the convolutions of a stretch. Returns the frames of the first one. 0 without memory. */
static size_t make_scratch(const struct ser_encoder_shape *s, struct ser_encoder_run *run) {
    struct stretch a = {0, FRAMES};
    size_t most[2] = {1, 1};
    for (int i = s->convs - 1; i >= 0; a = i ? below(s, i, a) : a, i--) {
        size_t size = a.n * (size_t)s->conv_dim[i];
        most[i % 2] = size > most[i % 2] ? size : most[i % 2];
    }
    for (int t = 0; t < run->threads; t++)
        if (!ser_room(&run->scratch[t].at[0], most[0]) ||
            !ser_room(&run->scratch[t].at[1], most[1]))
            return 0;
    return a.n;
}

int ser_front_run(const struct ser_front *f, struct ser_encoder_run *run, const float *x, size_t n,
                  float *y) {
    const struct ser_encoder_shape *s = f->shape;
    struct run p = {.f = f, .run = run, .x = x, .T = ser_front_frames(s, n), .y = y};
    p.frames = (n - (size_t)s->conv_kernel[0]) / (size_t)s->conv_stride[0] + 1;
    p.part = make_scratch(s, run);
    if (!p.part)
        return -1;
    if (over_time(s)) {
        size_t parts = (p.frames + p.part - 1) / p.part;
        p.sums = malloc(parts * 2 * (size_t)s->conv_dim[0] * sizeof *p.sums);
        if (!p.sums)
            return -1;
        ser_share_out(run, (int)parts, measure_part, &p);
        join_parts(&p, parts);
    }
    ser_share_out(run, (int)((p.T + FRAMES - 1) / FRAMES), run_stretch, &p);
    free(p.sums);
    return 0;
}
