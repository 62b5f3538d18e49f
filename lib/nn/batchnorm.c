/* Batch normalisation over all but the last index: x [N,P,C] -> y [N,P,C], P positions of a sample.
 * Parameters: gamma, beta, and the moving mean and var, each [C]. Keras 3's constants; the variance
 * is the biased one (1/M) in the moving average too.
 *
 *   forward   y = gamma xhat + beta, xhat = (x - mean) / sqrt(var + eps), over the M = B P
 * positions backward  dbeta = sum dy, dgamma = sum dy xhat, dx = gamma / sqrt(var + eps) (dy -
 * dbeta / M - xhat dgamma / M)
 */
#include "layer.h"
#include "simd.h"
#include <math.h>

#define EPSILON  1e-3
#define MOMENTUM 0.99
#define FLUSH    64 /* positions added in single precision before they go to the double sums */

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

static size_t positions(const struct ser_layer *l) {
    return ser_shape_size(&l->in) / (size_t)channels(l);
}

static size_t sums(const struct ser_layer *l) {
    return 2 * (size_t)channels(l);
}

static size_t scratch_bytes(const struct ser_layer *l, int N) {
    (void)N;
    return 4 * (size_t)channels(l) * sizeof(float);
}

/* sum[C] and squares[C] of x [n,C]. */
SER_CLONES static void add_up(const float *x, size_t n, int C, double *sum, double *squares) {
    for (int c = 0; c < C; c += SER_LANES) {
        int lanes = ser_lanes(c, C);
        double s[SER_LANES] = {0}, q[SER_LANES] = {0};
        for (size_t i = 0; i < n; i += FLUSH) {
            ser_vec a = {0}, b = {0};
            for (size_t j = i; j < n && j < i + FLUSH; j++) {
                ser_vec v = ser_load(x + j * (size_t)C + c, lanes);
                a += v;
                b += v * v;
            }
            for (int j = 0; j < lanes; j++) {
                s[j] += a[j];
                q[j] += b[j];
            }
        }
        for (int j = 0; j < lanes; j++) {
            sum[c + j] = s[j];
            squares[c + j] = q[j];
        }
    }
}

static void forward_sums(const struct ser_pass *p) {
    int C = channels(p->layer);
    add_up(p->x, (size_t)p->N * positions(p->layer), C, p->sums, p->sums + C);
}

/* Mean and variance [C] of the batch from its totals. */
static void moments(const struct ser_pass *p, int c, double *mean, double *var) {
    int C = channels(p->layer);
    double M = (double)p->B * (double)positions(p->layer);
    *mean = p->total[c] / M;
    *var = p->total[C + c] / M - *mean * *mean;
    if (*var < 0) /* rounding, where a channel is constant */
        *var = 0;
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
    for (int c = 0; c < C; c++) {
        double mean = p->param[MEAN].value[c], var = p->param[VAR].value[c];
        if (p->training)
            moments(p, c, &mean, &var);
        double s = p->param[GAMMA].value[c] / sqrt(var + EPSILON);
        scale[c] = (float)s;
        shift[c] = (float)(p->param[BETA].value[c] - mean * s);
    }
    affine(p->x, (size_t)p->N * positions(p->layer), C, scale, shift, p->y);
}

static void forward_done(const struct ser_pass *p) {
    for (int c = 0; c < channels(p->layer); c++) {
        double mean, var;
        moments(p, c, &mean, &var);
        float *m = &p->param[MEAN].value[c], *v = &p->param[VAR].value[c];
        *m = (float)(MOMENTUM * *m + (1 - MOMENTUM) * mean);
        *v = (float)(MOMENTUM * *v + (1 - MOMENTUM) * var);
    }
}

/* sum[C] of dy and of dy (x - mean), both [n,C]. */
SER_CLONES static void add_up_gradient(const float *x, const float *dy, size_t n, int C,
                                       const float *mean, double *sum, double *product) {
    for (int c = 0; c < C; c += SER_LANES) {
        int lanes = ser_lanes(c, C);
        double s[SER_LANES] = {0}, q[SER_LANES] = {0};
        ser_vec m = ser_load(mean + c, lanes);
        for (size_t i = 0; i < n; i += FLUSH) {
            ser_vec a = {0}, b = {0};
            for (size_t j = i; j < n && j < i + FLUSH; j++) {
                size_t at = j * (size_t)C + (size_t)c;
                ser_vec d = ser_load(dy + at, lanes);
                a += d;
                b += d * (ser_load(x + at, lanes) - m);
            }
            for (int j = 0; j < lanes; j++) {
                s[j] += a[j];
                q[j] += b[j];
            }
        }
        for (int j = 0; j < lanes; j++) {
            sum[c + j] = s[j];
            product[c + j] = q[j];
        }
    }
}

/* The shard's part of dbeta and dgamma. */
static void backward_sums(const struct ser_pass *p) {
    int C = channels(p->layer);
    float *mean = p->worker->scratch;
    double m, var;
    for (int c = 0; c < C; c++) {
        moments(p, c, &m, &var);
        mean[c] = (float)m;
    }
    add_up_gradient(p->x, p->dy, (size_t)p->N * positions(p->layer), C, mean, p->sums, p->sums + C);
    for (int c = 0; c < C; c++) {
        moments(p, c, &m, &var);
        p->sums[C + c] /= sqrt(var + EPSILON);
    }
}

/* dx = dy a + (x - mean) b + c, [n,C]; a, b, c, mean [C]. */
SER_CLONES static void combine(const float *x, const float *dy, size_t n, int C, const float *a,
                               const float *b, const float *c0, const float *mean, float *dx) {
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < C; c += SER_LANES) {
            int lanes = ser_lanes(c, C);
            size_t at = i * (size_t)C + (size_t)c;
            ser_vec v =
                (ser_load(x + at, lanes) - ser_load(mean + c, lanes)) * ser_load(b + c, lanes);
            v += ser_load(dy + at, lanes) * ser_load(a + c, lanes) + ser_load(c0 + c, lanes);
            ser_store(dx + at, v, lanes);
        }
}

static void backward(const struct ser_pass *p) {
    int C = channels(p->layer);
    double M = (double)p->B * (double)positions(p->layer);
    float *a = p->worker->scratch, *b = a + C, *c0 = b + C, *mean = c0 + C;
    for (int c = 0; c < C; c++) {
        double m, var;
        moments(p, c, &m, &var);
        double inv = 1 / sqrt(var + EPSILON), scale = p->param[GAMMA].value[c] * inv;
        a[c] = (float)scale;
        b[c] = (float)(-scale * inv * p->dtotal[C + c] / M);
        c0[c] = (float)(-scale * p->dtotal[c] / M);
        mean[c] = (float)m;
        p->grad[GAMMA][c] = (float)p->sums[C + c];
        p->grad[BETA][c] = (float)p->sums[c];
    }
    if (p->dx)
        combine(p->x, p->dy, (size_t)p->N * positions(p->layer), C, a, b, c0, mean, p->dx);
}

const struct ser_layer_type ser_layer_batchnorm = {
    .name = "batchnorm",
    .usage = "batchnorm",
    .setup = setup,
    .init = init,
    .scratch_bytes = scratch_bytes,
    .sums = sums,
    .forward_sums = forward_sums,
    .forward = forward,
    .forward_done = forward_done,
    .backward_sums = backward_sums,
    .backward = backward,
};
