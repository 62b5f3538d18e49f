/* Batch normalisation over all but the last index: x [N,P,C] -> y [N,P,C], P positions of a sample.
 * Parameters: gamma, beta, and the moving mean and var, each [C]. Keras 3's constants (the momentum
 * is SER_MOMENTUM); the variance is the biased one (1/M) in the moving average too. Over the M = B P
 * positions of a batch:
 *
 *   forward   xhat = (x - mean) / sqrt(var + eps)
 *             y = gamma xhat + beta
 *   backward  dbeta = sum of dy
 *             dgamma = sum of dy xhat
 *             dx = gamma / sqrt(var + eps) (dy - dbeta / M - xhat dgamma / M)
 */
#include "nn/layers/batchnorm.h"
#include "math/simd.h"
#include "nn/layer.h"
#include <math.h>

#define EPSILON 1e-3
#define FLUSH   64 /* positions added in single precision before they go to the double sums */

enum { GAMMA, BETA, MEAN, VAR };

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)words;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->out = l->in;
    int C = l->in.dim[l->in.rank - 1];
    if (ser_param_add(net, l, "gamma", 1, &C, 1, 0, why) ||
        ser_param_add(net, l, "beta", 1, &C, 1, 0, why) ||
        ser_param_add(net, l, "mean", 1, &C, 0, 0, why))
        return -1;
    return ser_param_add(net, l, "var", 1, &C, 0, 0, why);
}

static void init(const struct ser_layer *l, struct ser_param *p, uint64_t seed) {
    (void)l;
    (void)seed;
    ser_init_constant(&p[GAMMA], 1);
    ser_init_constant(&p[BETA], 0);
    ser_init_constant(&p[MEAN], 0);
    ser_init_constant(&p[VAR], 1);
}

static int channels(const struct ser_layer *l) {
    return l->in.dim[l->in.rank - 1];
}

/* Positions of n samples. */
static size_t positions(const struct ser_layer *l, int n) {
    return (size_t)n * (ser_shape_size(&l->in) / (size_t)channels(l));
}

/* Positions of the batch, the true ones. */
static double batch_positions(const struct ser_pass *p) {
    const struct ser_layer *l = p->layer;
    if (!p->frames)
        return (double)positions(l, p->B);
    return (double)(positions(l, 1) / (size_t)l->in.dim[l->time_in] * p->steps);
}

static size_t sums(const struct ser_layer *l) {
    return 2 * (size_t)channels(l);
}

static size_t scratch_bytes(const struct ser_layer *l, int N) {
    (void)N;
    return 3 * (size_t)channels(l) * sizeof(float);
}

/* ---- shared ---- */

SER_CLONES void ser_bn_add(const float *x, size_t n, int C, double *sums) {
    for (int c = 0; c < C; c += SER_LANES) {
        int lanes = ser_lanes(c, C);
        for (size_t i = 0; i < n; i += FLUSH) {
            ser_vec a = {0}, b = {0};
            for (size_t j = i; j < n && j < i + FLUSH; j++) {
                ser_vec v = ser_load(x + j * (size_t)C + c, lanes);
                a += v;
                b += v * v;
            }
            for (int j = 0; j < lanes; j++) {
                sums[c + j] += a[j];
                sums[C + c + j] += b[j];
            }
        }
    }
}

SER_CLONES void ser_bn_add_gradient(const float *x, const float *dy, size_t n, int C,
                                    const float *mean, const float *inverse, double *sums) {
    for (int c = 0; c < C; c += SER_LANES) {
        int lanes = ser_lanes(c, C);
        ser_vec m = ser_load(mean + c, lanes), inv = ser_load(inverse + c, lanes);
        for (size_t i = 0; i < n; i += FLUSH) {
            ser_vec a = {0}, b = {0};
            for (size_t j = i; j < n && j < i + FLUSH; j++) {
                size_t at = j * (size_t)C + (size_t)c;
                ser_vec d = ser_load(dy + at, lanes);
                a += d;
                b += d * ((ser_load(x + at, lanes) - m) * inv);
            }
            for (int j = 0; j < lanes; j++) {
                sums[c + j] += a[j];
                sums[C + c + j] += b[j];
            }
        }
    }
}

/* Mean and variance of channel c. */
static void moments(int C, int c, const double *total, double M, double *mean, double *var) {
    *mean = total[c] / M;
    *var = total[C + c] / M - *mean * *mean;
    if (*var < 0) /* rounding, where a channel is constant */
        *var = 0;
}

void ser_bn_moments(int C, const double *total, double M, float *mean, float *inverse) {
    for (int c = 0; c < C; c++) {
        double m, var;
        moments(C, c, total, M, &m, &var);
        mean[c] = (float)m;
        inverse[c] = (float)(1 / sqrt(var + EPSILON));
    }
}

void ser_bn_scale(const struct ser_param *param, int C, const double *total, double M, float *scale,
                  float *shift) {
    for (int c = 0; c < C; c++) {
        double mean = param[MEAN].value[c], var = param[VAR].value[c];
        if (total)
            moments(C, c, total, M, &mean, &var);
        double s = param[GAMMA].value[c] / sqrt(var + EPSILON);
        scale[c] = (float)s;
        shift[c] = (float)(param[BETA].value[c] - mean * s);
    }
}

void ser_bn_move(struct ser_param *param, int C, const double *total, double M, double keep) {
    for (int c = 0; c < C; c++) {
        double mean, var;
        moments(C, c, total, M, &mean, &var);
        float *m = &param[MEAN].value[c], *v = &param[VAR].value[c];
        *m = (float)(keep * *m + (1 - keep) * mean);
        *v = (float)(keep * *v + (1 - keep) * var);
    }
}

void ser_bn_slope(const struct ser_param *param, int C, const double *total, const double *dtotal,
                  double M, float *a, float *b, float *c0) {
    for (int c = 0; c < C; c++) {
        double mean, var;
        moments(C, c, total, M, &mean, &var);
        double inverse = 1 / sqrt(var + EPSILON), scale = param[GAMMA].value[c] * inverse;
        double slope = -scale * inverse * dtotal[C + c] / M;
        a[c] = (float)scale;
        b[c] = (float)slope;
        c0[c] = (float)(-scale * dtotal[c] / M - slope * mean);
    }
}

void ser_bn_gradients(int C, const double *sums, float *dgamma, float *dbeta) {
    for (int c = 0; dgamma && c < C; c++)
        dgamma[c] = (float)sums[C + c];
    for (int c = 0; dbeta && c < C; c++)
        dbeta[c] = (float)sums[c];
}

/* ---- passes ---- */

static void forward_sums(const struct ser_pass *p) {
    int C = channels(p->layer);
    memset(p->sums, 0, sums(p->layer) * sizeof *p->sums);
    ser_bn_add(p->x, positions(p->layer, p->N), C, p->sums);
}

/* y = x scale + shift, x and y [n,C]. */
SER_CLONES static void affine(const float *x, size_t n, int C, const float *scale,
                              const float *shift, float *y) {
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < C; c += SER_LANES) {
            int lanes = ser_lanes(c, C);
            size_t at = i * (size_t)C + (size_t)c;
            ser_vec v = ser_load(x + at, lanes) * ser_load(scale + c, lanes);
            ser_store(y + at, v + ser_load(shift + c, lanes), lanes);
        }
}

static void forward(const struct ser_pass *p) {
    int C = channels(p->layer);
    float *scale = p->worker->scratch, *shift = scale + C;
    ser_bn_scale(p->param, C, p->training ? p->total : NULL, batch_positions(p), scale, shift);
    affine(p->x, positions(p->layer, p->N), C, scale, shift, p->y);
}

static void forward_done(const struct ser_pass *p) {
    ser_bn_move(p->param, channels(p->layer), p->total, batch_positions(p), p->keep);
}

/* The shard's part of dbeta and dgamma. */
static void backward_sums(const struct ser_pass *p) {
    int C = channels(p->layer);
    float *mean = p->worker->scratch, *inverse = mean + C;
    ser_bn_moments(C, p->total, batch_positions(p), mean, inverse);
    memset(p->sums, 0, sums(p->layer) * sizeof *p->sums);
    ser_bn_add_gradient(p->x, p->dy, positions(p->layer, p->N), C, mean, inverse, p->sums);
}

/* dx = dy a + x b + c0, [n,C]; a, b, c0 [C]. */
SER_CLONES static void combine(const float *x, const float *dy, size_t n, int C, const float *a,
                               const float *b, const float *c0, float *dx) {
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < C; c += SER_LANES) {
            int lanes = ser_lanes(c, C);
            size_t at = i * (size_t)C + (size_t)c;
            ser_vec v = ser_load(x + at, lanes) * ser_load(b + c, lanes) + ser_load(c0 + c, lanes);
            ser_store(dx + at, v + ser_load(dy + at, lanes) * ser_load(a + c, lanes), lanes);
        }
}

static void backward(const struct ser_pass *p) {
    int C = channels(p->layer);
    float *a = p->worker->scratch, *b = a + C, *c0 = b + C;
    if (!p->total) { /* frozen: y = x scale + shift */
        ser_bn_scale(p->param, C, NULL, 0, a, b);
        memset(b, 0, (size_t)C * sizeof *b);
        if (p->dx)
            affine(p->dy, positions(p->layer, p->N), C, a, b, p->dx);
        return;
    }
    ser_bn_gradients(C, p->sums, p->grad[GAMMA], p->grad[BETA]);
    ser_bn_slope(p->param, C, p->total, p->dtotal, batch_positions(p), a, b, c0);
    if (p->dx)
        combine(p->x, p->dy, positions(p->layer, p->N), C, a, b, c0, p->dx);
}

/* ONNX has the channels second. */
static int export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p) {
    for (int i = 0; i < l->params; i++)
        ser_graph_param(g, &p[i]);
    ser_graph_channels_second(g, l->in.rank, "channels");
    ser_graph_node(g, "BatchNormalization", "normal",
                   SER_INPUTS(g->x, p[GAMMA].name, p[BETA].name, p[MEAN].name, p[VAR].name),
                   SER_ATTRIBUTES(ser_attribute_real("epsilon", (float)EPSILON)));
    ser_graph_channels_second(g, l->in.rank, "steps");
    return 0;
}

const struct ser_layer_type ser_layer_batchnorm = {
    .name = "batchnorm",
    .usage = "batchnorm",
    .in_place = 1,
    .setup = setup,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .sums = sums,
    .forward_sums = forward_sums,
    .forward = forward,
    .forward_done = forward_done,
    .backward_sums = backward_sums,
    .backward = backward,
    .export = export,
};
