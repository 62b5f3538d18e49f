/* test_nn - random numbers, elementary functions, the neural network and its training.
 *
 * usage: test_nn [FOLDER]
 * FOLDER holds plain/ and attention/: what PyTorch makes of the two networks in double precision.
 * The rest is compared with a slow model in double precision (forward only; gradients by
 * differences), with published vectors and with tables made by hand. Run from the top of the tree:
 * it reads pipelines/nets.
 */
#include "check.h"
#include "math/mathfun.h"
#include "math/rng.h"
#include "nn/kernels/kernels.h"
#include "nn/layer.h"
#include "nn/loss.h"
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void *must(void *p) {
    if (!p) {
        puts("not ok - out of memory or a network that does not parse");
        exit(1);
    }
    return p;
}

/* The largest |a - b| over the largest |b|; infinite if one is not a number. */
static double worst(const float *a, const float *b, size_t n) {
    double most = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        most = d <= most ? most : d > most ? d : INFINITY;
        size = fabs((double)b[i]) > size ? fabs((double)b[i]) : size;
    }
    return most > 0 ? most / size : 0;
}

/* What a user can ask for, and those that fast chooses among, each by itself. */
static const char *const kernel_names[] = {"plain", "fast"};
static const char *const alone_names[] = {"avx512 alone", "onednn alone", "plain alone"};

static const struct ser_kernels *find_kernels(const char *name) {
    char first[16];
    if (!strchr(name, ' '))
        return ser_kernels_find(name);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(name, " "), name);
    return ser_kernels_alone(first);
}

static struct ser_net *parse(const char *text, int rows, int frames, int classes) {
    char why[SER_WHY] = "";
    struct ser_net *net = ser_net_parse(text, strlen(text), rows, frames, classes, why);
    if (!net)
        printf("# %s\n", why);
    return must(net);
}

static struct ser_run *start(struct ser_net *net, const char *kernels, int batch, int threads) {
    char why[SER_WHY] = "";
    struct ser_run *r = ser_run_new(net, find_kernels(kernels), batch, threads, 1, why);
    if (!r)
        printf("# %s\n", why);
    return must(r);
}

static float *random_floats(size_t n, uint64_t seed, double scale) {
    float *x = must(malloc(n * sizeof *x + 1));
    struct ser_key key = ser_key(seed, SER_PURPOSE_BOOTSTRAP, 0, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(scale * ser_normal(key, i));
    return x;
}

static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 65536);
    if (!f || !text || fread(text, 1, 65535, f) == 0) {
        printf("not ok - cannot read %s: run this from the top of the tree\n", path);
        exit(1);
    }
    fclose(f);
    return text;
}

/* ---- random numbers ---- */

static void test_philox(void) {
    /* Random123's kat_vectors, philox4x32 10: counter, key, result. */
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    int good = 1;
    for (int i = 0; i < 3; i++) {
        const uint32_t *k = known[i];
        uint32_t out[4];
        ser_philox((struct ser_key){{k[4], k[5]}}, (uint64_t)k[1] << 32 | k[0],
                   (uint64_t)k[3] << 32 | k[2], out);
        good &= !memcmp(out, k + 6, sizeof out);
    }
    check(good, "Philox gives the published vectors");
}

static void test_draws(void) {
    struct ser_key key = ser_key(7, SER_PURPOSE_SPLIT, 0, 0);
    enum { N = 20000 };
    double sum = 0, squares = 0, uniform = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = ser_normal(key, i), u = ser_uniform(key, i);
        sum += x;
        squares += x * x;
        uniform += u;
        if (u < 0 || u >= 1)
            check(0, "a uniform number is outside [0, 1)");
    }
    check(fabs(sum / N) < 0.03 && fabs(squares / N - 1) < 0.05,
          "normal numbers: mean %.3f var %.3f", sum / N, squares / N);
    check(fabs(uniform / N - 0.5) < 0.01, "uniform numbers: mean %.3f", uniform / N);

    int seen[7] = {0};
    for (uint64_t i = 0; i < 7000; i++)
        seen[ser_below(key, i, 7)]++;
    int even = 1;
    for (int i = 0; i < 7; i++)
        even &= seen[i] > 880 && seen[i] < 1120;
    check(even, "numbers below 7 are even");
    uint64_t top = 0, many = (UINT64_C(1) << 63) + 1; /* half of all draws must be drawn again */
    for (uint64_t i = 0; i < 100; i++)
        top += ser_below(key, i, many) >= many;
    check(!top, "numbers below 2^63 + 1 are below it");

    size_t order[1000], again[1000], in_place = 0, sums = 0;
    char met[1000] = {0};
    ser_permute(key, 1000, order);
    ser_permute(key, 1000, again);
    for (size_t i = 0; i < 1000; i++) {
        met[order[i]] = 1;
        in_place += order[i] == i;
    }
    for (int i = 0; i < 1000; i++)
        sums += (size_t)met[i];
    check(sums == 1000 && in_place < 10 && !memcmp(order, again, sizeof order),
          "a permutation has each index once, and is the same again");
    struct ser_key other[] = {
        ser_key(7, SER_PURPOSE_SPLIT, 0, 1), ser_key(7, SER_PURPOSE_SPLIT, 1, 0),
        ser_key(7, SER_PURPOSE_INIT, 0, 0), ser_key(8, SER_PURPOSE_SPLIT, 0, 0)};
    int apart = 1;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        apart &= !!memcmp(&other[i], &key, sizeof key);
    check(apart, "keys of other purposes and seeds are other keys");
}

static void test_functions(void) {
    double e = 0, s = 0, t = 0, l = 0, c = 0, g = 0, d = 0;
    for (int i = -8700; i <= 8800; i++) {
        float x = (float)i / 100;
        ser_vec v = ser_splat(x), ve = ser_vexp(v), vs = ser_vsigmoid(v), vt = ser_vtanh(v / 8.0f);
        e = fmax(e, fabs(ve[3] / exp(x) - 1));
        s = fmax(s, fabs(vs[3] - 1 / (1 + exp(-x))));
        t = fmax(t, fabs(vt[3] - tanh(x / 8)));
    }
    for (int i = 1; i < 10000; i++) {
        double x = i * 1e-3 * i;
        l = fmax(l, fabs(ser_ln(x) - log(x)) / fmax(fabs(log(x)), 1e-3));
        ser_vec v = ser_vlog(ser_splat((float)x), 3.01029996f, 8.68588964f);
        double db = 10 * log10((float)x);
        g = fmax(g, fabs(v[3] - db) / fmax(fabs(db), 1e-3));
        c = fmax(c, fabs(ser_cos_turns(i / 10000.0) - cos(6.283185307179586477 * (i / 10000.0))));
    }
    check(e < 2e-7 && s < 2e-7 && t < 2e-7, "exp %.1e, sigmoid %.1e, tanh %.1e", e, s, t);
    for (int i = -7080; i <= 7090; i++)
        d = fmax(d, fabs(ser_exp(i / 10.0) / exp(i / 10.0) - 1));
    check(d < 1e-15 && ser_exp(0) == 1 && ser_exp(1e9) == ser_exp(709) && ser_exp(-1e9) > 0,
          "exp in double precision %.1e", d);
    check(l < 2e-15 && c < 2e-15, "ln %.1e, cos %.1e", l, c);
    check(g < 3e-7, "decibels %.1e", g);
    ser_vec bad = ser_vexp(ser_splat(NAN));
    check(bad[0] != bad[0], "exp of what is not a number is not a number");
}

/* ---- a model of networks in double precision ---- */

enum { MODEL_PARAMS = SER_MAX_LAYERS * SER_MAX_PARAMS };

struct model {
    struct ser_net *net;
    double *param[MODEL_PARAMS];
    int B;
    const struct ser_dropout *dropout;
};

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static void model_conv(const struct ser_layer *l, double *const *w, int B, const double *x,
                       double *y) {
    const int *in = l->in.dim, *out = l->out.dim;
    for (int b = 0; b < B; b++)
        for (int h = 0; h < out[0]; h++)
            for (int v = 0; v < out[1]; v++)
                for (int f = 0; f < out[2]; f++) {
                    double sum = w[1][f];
                    for (int i = 0; i < l->kh; i++)
                        for (int j = 0; j < l->kw; j++)
                            for (int c = 0; c < in[2]; c++)
                                sum += x[((b * in[0] + h + i) * in[1] + v + j) * in[2] + c] *
                                       w[0][((i * l->kw + j) * in[2] + c) * out[2] + f];
                    y[((b * out[0] + h) * out[1] + v) * out[2] + f] = l->relu && sum < 0 ? 0 : sum;
                }
}

static void model_batchnorm(const struct ser_layer *l, double *const *w, int B, const double *x,
                            double *y) {
    int C = l->in.dim[l->in.rank - 1], n = B * (int)ser_shape_size(&l->in) / C;
    for (int c = 0; c < C; c++) {
        double mean = 0, var = 0;
        for (int i = 0; i < n; i++)
            mean += x[i * C + c] / n;
        for (int i = 0; i < n; i++)
            var += (x[i * C + c] - mean) * (x[i * C + c] - mean) / n;
        for (int i = 0; i < n; i++)
            y[i * C + c] = w[0][c] * (x[i * C + c] - mean) / sqrt(var + 1e-3) + w[1][c];
    }
}

static void model_maxpool(const struct ser_layer *l, int B, const double *x, double *y) {
    const int *in = l->in.dim, *out = l->out.dim;
    for (int b = 0; b < B; b++)
        for (int h = 0; h < out[0]; h++)
            for (int v = 0; v < out[1]; v++)
                for (int c = 0; c < out[2]; c++) {
                    double best = -INFINITY;
                    for (int i = 0; i < l->kh * l->kw; i++) {
                        int row = b * in[0] + h * l->kh + i / l->kw, col = v * l->kw + i % l->kw;
                        best = fmax(best, x[(row * in[1] + col) * in[2] + c]);
                    }
                    y[((b * out[0] + h) * out[1] + v) * out[2] + c] = best;
                }
}

static void model_dropout(const struct model *m, const struct ser_layer *l, const double *x,
                          double *y) {
    size_t n = ser_shape_size(&l->in);
    struct ser_key key = ser_key(m->dropout ? m->dropout->seed : 0, SER_PURPOSE_DROPOUT,
                                 m->dropout ? m->dropout->epoch : 0, (uint64_t)l->index);
    for (int b = 0; b < m->B; b++)
        for (size_t i = 0; i < n; i++) {
            size_t at = (size_t)b * n + i;
            y[at] = x[at];
            if (!m->dropout)
                continue;
            uint32_t word[4];
            ser_philox(key, i / 8, m->dropout->place[b], word);
            uint32_t sixteen = word[i / 2 % 4] >> (i % 2 * 16) & 0xffff;
            y[at] = sixteen < floor(l->rate * 65536 + 0.5) ? 0 : x[at] / (1 - l->rate);
        }
}

/* One direction of an LSTM: y [B,T,ldy]. */
static void model_lstm(const struct ser_layer *l, const double *w, const double *u, const double *b,
                       int back, int B, const double *x, double *y, int ldy) {
    int T = l->in.dim[0], C = l->in.dim[1], U = l->units;
    double *h = must(calloc((size_t)U * 6, sizeof *h)), *c = h + U, *z = c + U;
    for (int n = 0; n < B; n++) {
        memset(h, 0, (size_t)U * 2 * sizeof *h);
        for (int s = 0; s < T; s++) {
            int t = back ? T - 1 - s : s;
            for (int j = 0; j < 4 * U; j++) {
                z[j] = b[j];
                for (int i = 0; i < C; i++)
                    z[j] += x[(n * T + t) * C + i] * w[i * 4 * U + j];
                for (int i = 0; i < U; i++)
                    z[j] += h[i] * u[i * 4 * U + j];
            }
            for (int j = 0; j < U; j++) {
                c[j] = sigmoid(z[U + j]) * c[j] + sigmoid(z[j]) * tanh(z[2 * U + j]);
                h[j] = sigmoid(z[3 * U + j]) * tanh(c[j]);
                y[(n * T + t) * ldy + j] = h[j];
            }
        }
    }
    free(h);
}

static void model_attention(const struct ser_layer *l, int B, const double *x, double *y) {
    int T = l->in.dim[0], C = l->in.dim[1];
    double *a = must(calloc((size_t)T, sizeof *a));
    for (int n = 0; n < B; n++, x += T * C, y += T * C)
        for (int t = 0; t < T; t++) {
            double sum = 0;
            for (int s = 0; s < T; s++) {
                a[s] = 0;
                for (int c = 0; c < C; c++)
                    a[s] += x[t * C + c] * x[s * C + c];
                a[s] = exp(a[s]);
                sum += a[s];
            }
            for (int c = 0; c < C; c++) {
                y[t * C + c] = 0;
                for (int s = 0; s < T; s++)
                    y[t * C + c] += a[s] / sum * x[s * C + c];
            }
        }
    free(a);
}

static void model_dense(const struct ser_layer *l, double *const *w, int B, const double *x,
                        double *y) {
    int C = l->in.dim[0], K = l->units;
    for (int b = 0; b < B; b++)
        for (int k = 0; k < K; k++) {
            double sum = w[1][k];
            for (int c = 0; c < C; c++)
                sum += x[b * C + c] * w[0][c * K + k];
            y[b * K + k] = l->relu && sum < 0 ? 0 : sum;
        }
}

static void model_layer(const struct model *m, const struct ser_layer *l, const char *name,
                        const double *x, double *y) {
    double *const *w = m->param + l->first_param;
    int B = m->B, T = l->in.dim[0], C = l->in.dim[1];
    int bidirectional = l->index && strstr(l[-1].name, "bilstm") != NULL;
    size_t in = ser_shape_size(&l->in), all = (size_t)B * in;
    if (!strcmp(name, "conv"))
        model_conv(l, w, B, x, y);
    else if (!strcmp(name, "batchnorm"))
        model_batchnorm(l, w, B, x, y);
    else if (!strcmp(name, "maxpool"))
        model_maxpool(l, B, x, y);
    else if (!strcmp(name, "dropout"))
        model_dropout(m, l, x, y);
    else if (!strcmp(name, "reshape"))
        memcpy(y, x, all * sizeof *y);
    else if (!strcmp(name, "lstm"))
        model_lstm(l, w[0], w[1], w[2], 0, B, x, y, l->units);
    else if (!strcmp(name, "bilstm"))
        for (int d = 0; d < 2; d++)
            model_lstm(l, w[0] + d * C * 4 * l->units, w[1] + d * 4 * l->units * l->units,
                       w[2] + d * 4 * l->units, d, B, x, y + d * l->units, 2 * l->units);
    else if (!strcmp(name, "attention"))
        model_attention(l, B, x, y);
    else if (!strcmp(name, "mean") || !strcmp(name, "last"))
        for (int i = 0; i < B * C; i++) {
            double sum = 0;
            for (int t = 0; t < T; t++)
                sum += x[(i / C * T + t) * C + i % C] / T;
            int end = bidirectional && i % C >= C / 2 ? 0 : T - 1;
            y[i] = *name == 'm' ? sum : x[(i / C * T + end) * C + i % C];
        }
    else if (!strcmp(name, "dense"))
        model_dense(l, w, B, x, y);
    else if (!strcmp(name, "standardize"))
        for (size_t i = 0; i < all; i++) {
            size_t h = i % in / (size_t)l->in.dim[1];
            y[i] = (x[i] - w[0][h]) / w[1][h];
        }
    else if (!strcmp(name, "scale"))
        for (size_t i = 0; i < all; i++)
            y[i] = x[i] / w[0][0];
    else
        check(0, "the model has no layer %s", name);
}

/* Cross-entropy and penalty in training mode; logits [B,K] if not NULL. */
static double model_loss(const struct model *m, const float *x, const int *label, double *logits) {
    const struct ser_net *net = m->net;
    size_t n = (size_t)m->B * ser_shape_size(&net->input);
    double *a = must(malloc(n * sizeof *a)), loss = 0;
    for (size_t i = 0; i < n; i++)
        a[i] = x[i];
    for (int i = 0; i < net->layers; i++) {
        const struct ser_layer *l = &net->layer[i];
        char name[24];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(l->name, "0123456789"), l->name);
        double *y = must(malloc((size_t)m->B * ser_shape_size(&l->out) * sizeof *y));
        model_layer(m, l, name, a, y);
        free(a);
        a = y;
    }
    int K = net->classes;
    for (int b = 0; b < m->B; b++) {
        double sum = exp(a[b * K]);
        for (int k = 1; k < K; k++)
            sum += exp(a[b * K + k]);
        loss += (log(sum) - a[b * K + label[b]]) / m->B;
    }
    if (logits)
        memcpy(logits, a, (size_t)m->B * K * sizeof *a);
    free(a);
    for (int i = 0; i < net->params; i++)
        for (size_t j = 0; j < net->param[i].n; j++)
            loss += net->param[i].l2 * m->param[i][j] * m->param[i][j];
    return loss;
}

static void in_one_line(const char *text, char line[200]) {
    snprintf(line, 200, "%s", text);
    for (char *c = line; *c; c++)
        *c = *c == '\n' ? ';' : *c;
}

/* Some places of each parameter, and the slope of the model's loss at each: made once for a network,
 * since the model, which is slow, knows nothing of kernels. */
enum { GRADIENTS_B = 11, GRADIENTS_K = 3, TRIES = 60 };

static size_t stride_of(const struct ser_param *p) {
    return p->n / TRIES + 1;
}

static void model_slopes(const struct model *m, const float *x, const int *label,
                         double *slope[MODEL_PARAMS]) {
    const double step = 1e-6;
    for (int i = 0; i < m->net->params; i++) {
        const struct ser_param *p = &m->net->param[i];
        slope[i] = must(calloc(TRIES, sizeof *slope[i]));
        for (size_t j = 0, n = 0; p->trained && j < p->n; j += stride_of(p), n++) {
            double keep = m->param[i][j];
            m->param[i][j] = keep + step;
            double up = model_loss(m, x, label, NULL);
            m->param[i][j] = keep - step;
            slope[i][n] = (up - model_loss(m, x, label, NULL)) / (2 * step);
            m->param[i][j] = keep;
        }
    }
}

static void compare_gradients(const char *kernels, const char *text, const struct model *m,
                              const float *x, const int *label, double *slope[MODEL_PARAMS],
                              double expected, const float *want) {
    const struct ser_net *net = m->net;
    struct ser_run *r = start(m->net, kernels, m->B, 2);
    double loss = ser_run_gradients(r, x, label, m->B, m->dropout, NULL) + ser_net_penalty(net);
    double out = worst(ser_run_logits(r), want, GRADIENTS_B * GRADIENTS_K), most = 0;
    const char *which = "";
    for (int i = 0; i < net->params; i++) {
        const struct ser_param *p = &net->param[i];
        double error = 0, size = 0.05; /* a bias before batchnorm has no gradient at all */
        for (size_t j = 0, n = 0; p->trained && j < p->n; j += stride_of(p), n++) {
            double d = fabs(slope[i][n] - ser_run_gradient(r, i)[j]);
            error = d <= error ? error : d > error ? d : INFINITY;
            size = fmax(size, fabs(slope[i][n]));
        }
        if (p->trained && !(error / size <= most)) {
            most = error / size;
            which = p->name;
        }
    }
    char line[200];
    in_one_line(text, line);
    check(most < 5e-5 && out < 5e-6 && fabs(loss - expected) < 1e-5 * expected,
          "%s, %s loss %.1e, logits %.1e, gradients %.1e (%s)", kernels, line,
          fabs(loss - expected), out, most, which);
    ser_run_free(r);
}

static void test_gradients_of(const char *text, int rows, int frames, int drop) {
    enum { B = GRADIENTS_B, K = GRADIENTS_K };
    struct ser_net *net = parse(text, rows, frames, K);
    float *x = random_floats((size_t)B * rows * frames, 3, 1);
    int label[B];
    size_t place[B];
    struct model m = {.net = net, .B = B};
    for (int b = 0; b < B; b++) {
        label[b] = b * 7 % K;
        place[b] = (size_t)(b * 1000 + 5);
    }
    struct ser_dropout dropout = {42, 3, place};
    m.dropout = drop ? &dropout : NULL;
    ser_net_init(net, 5);
    for (int i = 0; i < net->params; i++) { /* away from zeros and ones */
        struct ser_param *p = &net->param[i];
        float *noise = random_floats(p->n, (uint64_t)i + 100, 0.2);
        m.param[i] = must(malloc(p->n * sizeof(double)));
        for (size_t j = 0; j < p->n; j++) {
            p->value[j] += p->rank == 1 ? fabsf(noise[j]) : noise[j] / 4;
            if (strstr(p->name, "gamma") && j % 3 == 1)
                p->value[j] = -p->value[j]; /* the largest becomes the smallest */
            m.param[i][j] = p->value[j];
        }
        free(noise);
    }

    double logits[B * K], expected = model_loss(&m, x, label, logits), *slope[MODEL_PARAMS];
    float want[B * K];
    for (int i = 0; i < B * K; i++)
        want[i] = (float)logits[i];
    model_slopes(&m, x, label, slope);
    for (size_t k = 0; k < sizeof kernel_names / sizeof *kernel_names; k++)
        compare_gradients(kernel_names[k], text, &m, x, label, slope, expected, want);
    for (size_t k = 0; k < sizeof alone_names / sizeof *alone_names; k++)
        if (find_kernels(alone_names[k]))
            compare_gradients(alone_names[k], text, &m, x, label, slope, expected, want);
    for (int i = 0; i < net->params; i++) {
        free(m.param[i]);
        free(slope[i]);
    }
    free(x);
    ser_net_free(net);
}

static void test_gradients(void) {
    static const struct {
        const char *text;
        int rows, frames, drop;
    } nets[] = {
        {"conv 3 2x2 relu l2=1e-2\nconv 5 3x2\nreshape 100\ndense 7 relu l2=1e-3\ndense classes\n",
         7, 7, 0},
        {"conv 20 3x3 relu\nconv 33 2x2 relu\nreshape 15x33\nmean\ndense classes\n", 6, 8, 0},
        {"conv 3 2x2\nbatchnorm\nconv 2 2x1 relu\nreshape 40\ndense classes\n", 6, 6, 0},
        {"conv 18 2x2 relu\nbatchnorm\nreshape 25x18\nmean\nbatchnorm\ndense classes\n", 6, 6, 0},
        {"conv 3 2x2\nmaxpool 2x3\nreshape 18\ndense classes\n", 6, 10, 0},
        {"conv 17 2x2\nmaxpool 2x2\nreshape 102\ndense classes\n", 6, 8, 0},
        {"conv 3 2x2\ndropout 0.3\nreshape 75\ndropout 0.5\ndense classes\n", 6, 6, 1},
        {"conv 4 2x2 relu\nbatchnorm\nmaxpool 2x2\ndropout 0.3\nconv 3 2x2 relu\nbatchnorm\n"
         "maxpool 2x2\ndropout 0.4\nreshape 6\ndense classes\n",
         7, 12, 1},
        {"conv 17 2x2\nbatchnorm\nmaxpool 2x2\nconv 34 1x2 relu\nbatchnorm\nmaxpool 1x2\n"
         "reshape 6x34\nmean\ndense classes\n",
         8, 11, 0},
        {"conv 3 2x2 relu\nbatchnorm\nmaxpool 3x2\ndropout 0.2\nreshape 36\ndense classes\n", 8, 13,
         1},
        {"conv 16 2x2\nconv 32 3x3 relu\nreshape 30x32\nmean\ndense classes\n", 8, 9, 0},
        {"conv 32 1x1\nconv 16 3x3\nbatchnorm\nmaxpool 2x2\nreshape 224\ndense classes\n", 7, 17,
         0},
        {"conv 48 2x1\nconv 48 3x3\nreshape 5x144\nmean\ndense classes\n", 8, 5, 0},
        {"conv 4 1x1\nreshape 6x24\nlstm 5 l2=1e-2\nlast\ndense classes\n", 6, 6, 0},
        {"conv 19 2x2\nreshape 12x19\nlstm 18\nlstm 3\nmean\ndense classes\n", 4, 5, 0},
        {"conv 4 1x1\nreshape 6x16\nbilstm 5 l2=1e-2\nmean\ndense classes\n", 4, 6, 0},
        {"conv 4 1x1\nreshape 6x16\nbilstm 3\nbilstm 17\nlast\ndense classes\n", 4, 6, 0},
        {"conv 3 1x1\nreshape 1x12\nlstm 4\nlast\ndense classes\n", 2, 2, 0},
        {"conv 4 1x1\nreshape 6x16\nattention dot\nmean\ndense classes\n", 4, 6, 0},
        {"conv 2 1x1\nreshape 20x6\nlstm 9\nattention dot\nlast\ndense classes\n", 5, 12, 0},
        {"standardize\nconv 2 2x2\nreshape 32\ndense classes\n", 5, 5, 0},
        {"scale max\nconv 2 2x2 relu\nreshape 32\ndense classes\n", 5, 5, 0},
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        test_gradients_of(nets[i].text, nets[i].rows, nets[i].frames, nets[i].drop);
}

/* ---- parameters that are not trained ---- */

enum { FROZEN_B = 11, FROZEN_K = 3 };

/* A network with the parameters frozen whose bit is set; every gradient after one step, and what
 * three more steps make of it. */
struct frozen {
    struct ser_net *net;
    struct ser_run *run;
};

static struct frozen freeze(const char *kernels, const char *text, uint64_t bits, const float *x,
                            const int *label) {
    struct frozen f = {.net = parse(text, 8, 9, FROZEN_K)};
    ser_net_init(f.net, 5);
    for (int i = 0; i < f.net->params; i++)
        if (bits >> i & 1)
            f.net->param[i].trained = 0;
    f.run = start(f.net, kernels, FROZEN_B, 2);
    ser_run_gradients(f.run, x, label, FROZEN_B, NULL, NULL);
    return f;
}

/* Whether gradients are those of all, bit for bit, and missing where frozen; then trains: what is
 * frozen stays, the rest moves. */
static int frozen_agrees(struct frozen *f, const struct frozen *all, uint64_t bits, const float *x,
                         const int *label) {
    struct ser_adam adam;
    int good = 1;
    must(ser_adam_new(&adam, f->net) ? NULL : f->net);
    for (int i = 0; i < f->net->params; i++) {
        const float *g = ser_run_gradient(f->run, i), *h = ser_run_gradient(all->run, i);
        if (bits >> i & 1)
            good &= !g;
        else
            good &= !g == !h && (!g || !memcmp(g, h, f->net->param[i].n * sizeof *g));
    }
    for (int step = 0; step < 3; step++) {
        ser_adam_step(&adam, f->net, f->run, 1e-2);
        good &= isfinite(ser_run_gradients(f->run, x, label, FROZEN_B, NULL, NULL));
    }
    int moved = 0, any = 0;
    for (int i = 0; i < f->net->params; i++) {
        const struct ser_param *p = &f->net->param[i], *q = &all->net->param[i];
        int differs = memcmp(p->value, q->value, p->n * sizeof(float)) != 0;
        if (bits >> i & 1)
            good &= !differs;
        any |= p->trained;
        moved |= p->trained && differs;
    }
    ser_adam_free(&adam, f->net);
    return good && moved == any;
}

/* Each parameter alone, each layer, all of a network. */
static void test_frozen_in(const char *kernels, const char *text) {
    float *x = random_floats(FROZEN_B * 8 * 9, 3, 1);
    int label[FROZEN_B], good = 1, tried = 0;
    for (int b = 0; b < FROZEN_B; b++)
        label[b] = b * 7 % FROZEN_K;
    struct frozen all = freeze(kernels, text, 0, x, label);
    uint64_t every = 0, tries[128];
    for (int i = 0; i < all.net->layers; i++) {
        const struct ser_layer *l = &all.net->layer[i];
        uint64_t layer = 0;
        for (int j = l->first_param; j < l->first_param + l->params; j++)
            if (all.net->param[j].trained) {
                tries[tried++] = UINT64_C(1) << j;
                layer |= UINT64_C(1) << j;
            }
        if (layer)
            tries[tried++] = layer;
        every |= layer;
    }
    tries[tried++] = every;
    for (int t = 0; t < tried; t++) {
        struct frozen f = freeze(kernels, text, tries[t], x, label);
        int agrees = frozen_agrees(&f, &all, tries[t], x, label);
        if (!agrees)
            printf("# frozen: %llx of %llx\n", (unsigned long long)tries[t],
                   (unsigned long long)every);
        good &= agrees;
        ser_run_free(f.run);
        ser_net_free(f.net);
    }
    char line[200];
    in_one_line(text, line);
    check(good, "%s, %s %d ways to freeze: the other gradients stay", kernels, line, tried);
    ser_run_free(all.run);
    ser_net_free(all.net);
    free(x);
}

/* A trained layer below each that may be frozen, so that its gradient goes through it; the blocks
 * that fast kernels make; a block of so many elements that it is done in parts; one time step. */
static void test_frozen(const char *kernels) {
    static const char *const nets[] = {
        "conv 4 1x1 relu\nconv 5 2x2 relu\nreshape 8x35\nbatchnorm\nlstm 5\nmean\n"
        "dense 7 relu\ndense classes\n",
        "conv 4 1x1\nconv 16 2x2 relu\nbatchnorm\nmaxpool 2x2\nconv 6 2x2 relu\nbatchnorm\n"
        "maxpool 2x2\ndropout 0.3\nreshape 6\ndense classes\n",
        "conv 1000 1x1 relu\nbatchnorm\nmaxpool 2x2\nreshape 16x1000\nmean\ndense classes\n",
        "conv 3 2x2\nreshape 7x24\nbilstm 5\nattention dot\nlast\nbatchnorm\ndense classes\n",
        "standardize\nconv 2 1x1\nreshape 1x144\nbilstm 3\nlstm 4\nlast\ndense classes\n",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        test_frozen_in(kernels, nets[i]);
}

/* ---- against PyTorch ---- */

/* The n elements, 4 bytes each, of FOLDER/NET/NAME.npy. */
static void *load(const char *folder, const char *net, const char *name, size_t n) {
    char path[1024];
    unsigned char start[10];
    snprintf(path, sizeof path, "%s/%s/%s.npy", folder, net, name);
    FILE *f = fopen(path, "rb");
    void *data = must(malloc(n * 4 + 1));
    int good = f && fread(start, 1, 10, f) == 10 &&
               !fseek(f, 10 + start[8] + 256L * start[9], SEEK_SET) && fread(data, 4, n, f) == n &&
               fgetc(f) == EOF;
    if (!good) {
        printf("not ok - %s cannot be read, or has not %zu elements\n", path, n);
        exit(1);
    }
    fclose(f);
    return data;
}

/* The same for a parameter of ours under a prefix (p. g. u. adam3.), turned into our layout. */
static float *load_param(const char *folder, const char *which, const char *prefix,
                         const struct ser_param *p) {
    static const char *const names[][2] = {{"lstm1.w", "lstm.w_ih"},
                                           {"lstm1.u", "lstm.w_hh"},
                                           {"lstm1.b", "lstm.b"},
                                           {"dense1.w", "dense.w"},
                                           {"dense1.b", "dense.b"}};
    char name[80];
    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    if (!strncmp(p->name, "batchnorm", 9))
        snprintf(name, sizeof name, "%sbn%s", prefix, p->name + 9);
    if (!strncmp(p->name, "batchnorm", 9) && !p->trained)
        snprintf(name, sizeof name, "%s.%c", strstr(p->name, "mean") ? "mean" : "var", p->name[9]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(p->name, names[i][0]))
            snprintf(name, sizeof name, "%s%s", prefix, names[i][1]);
    float *theirs = load(folder, which, name, p->n), *ours = must(malloc(p->n * sizeof *ours));
    size_t out = (size_t)p->dim[p->rank - 1], in = p->n / out;
    if (p->rank == 4) { /* [out,in,3,3] -> [3,3,in,out] */
        size_t C = (size_t)p->dim[2], field = in / C;
        for (size_t i = 0; i < p->n; i++)
            ours[i] = theirs[(i % out * C + i / out % C) * field + i / out / C];
    } else { /* [out,in] -> [in,out] */
        for (size_t i = 0; i < p->n; i++)
            ours[i] = theirs[i % out * in + i / out];
    }
    free(theirs);
    return ours;
}

struct ranking {
    double most;
    const char *name;
};

static void compare(const char *folder, const char *which, const char *prefix, struct ser_net *net,
                    struct ser_run *r, int trained, struct ranking *rank) {
    for (int i = 0; i < net->params; i++) {
        struct ser_param *p = &net->param[i];
        if (p->trained != trained)
            continue;
        float *theirs = load_param(folder, which, prefix, p);
        double d = worst(*prefix == 'g' ? ser_run_gradient(r, i) : p->value, theirs, p->n);
        if (!(d <= rank->most)) {
            rank->most = d;
            rank->name = p->name;
        }
        free(theirs);
    }
}

static void set_params(const char *folder, const char *which, struct ser_net *net) {
    ser_net_init(net, 0);
    for (int i = 0; i < net->params; i++)
        if (net->param[i].trained) {
            float *v = load_param(folder, which, "p.", &net->param[i]);
            memcpy(net->param[i].value, v, net->param[i].n * sizeof *v);
            free(v);
        }
}

/* What the last layer hears is what gives the probabilities: of the logits that it makes of it. */
static void test_embedding(const char *kernels) {
    enum { N = 11, ROWS = 8, FRAMES = 10, K = 3 };
    struct ser_net *net = parse("conv 4 3x3 relu\nmaxpool 2x2\nbatchnorm\ntimemajor\nlstm 6\nmean\n"
                                "dropout 0.5\ndense classes\n",
                                ROWS, FRAMES, K);
    char why[SER_WHY];
    ser_net_init(net, 7);
    struct ser_run *r = start(net, kernels, N, 2);
    float x[N * ROWS * FRAMES], p[N * K];
    for (int i = 0; i < N * ROWS * FRAMES; i++)
        x[i] = (float)((i * 37) % 101) / 50 - 1;
    int n = ser_net_embedding(net, why);
    float *e = must(malloc((size_t)(N * n) * sizeof *e));
    check(n == 6, "%s: an embedding is what the last layer hears, %d numbers", kernels, n);
    ser_run_predict(r, x, N, p);
    ser_run_embed(r, x, N, e);
    const float *w = net->param[net->params - 2].value, *b = net->param[net->params - 1].value;
    double most = 0;
    for (int i = 0; i < N; i++) {
        double y[K], sum = 0;
        for (int k = 0; k < K; k++) {
            y[k] = b[k];
            for (int j = 0; j < n; j++)
                y[k] += (double)e[i * n + j] * w[j * K + k];
            sum += y[k] = exp(y[k]);
        }
        for (int k = 0; k < K; k++)
            most = fmax(most, fabs(y[k] / sum - p[i * K + k]));
    }
    check(most < 1e-6, "%s: embeddings give the probabilities within %.1e", kernels, most);
    float again[N * K];
    ser_run_predict(r, x, N, again);
    check(!memcmp(p, again, sizeof p), "%s: and leave the next prediction as it was", kernels);
    free(e);
    ser_run_free(r);
    ser_net_free(net);
    net = parse("globalpool\ndense classes\nrelu\n", ROWS, FRAMES, K);
    check(ser_net_embedding(net, why) == 0 && strstr(why, "relu1, not dense"),
          "what ends otherwise has none: %s", why);
    ser_net_free(net);
}

static void report(const char *kernels, const char *which, const char *what, struct ranking rank) {
    check(rank.most < 1e-4, "%s, %s against PyTorch: %s %.1e (worst: %s)", kernels, which, what,
          rank.most, rank.name ? rank.name : "-");
}

static void test_reference(const char *folder, const char *kernels, const char *which) {
    char *text = read_text(!strcmp(which, "plain") ? "pipelines/nets/baseline.net"
                                                   : "pipelines/nets/attention.net");
    struct ser_net *net = parse(text, 40, 174, 8);
    struct ser_run *r = start(net, kernels, 4, 2);
    struct ser_adam adam;
    must(ser_adam_new(&adam, net) ? NULL : net);
    float *x = load(folder, which, "x", 4 * 40 * 174);
    int *y = load(folder, which, "y", 4);
    float *logits = load(folder, which, "logits", 32), *eval = load(folder, which, "eval", 32);
    float *loss = load(folder, which, "loss", 1), *xent = load(folder, which, "xent", 1);
    set_params(folder, which, net);

    double got = ser_run_gradients(r, x, y, 4, NULL, NULL);
    check(fabs(got - *xent) < 1e-5 * *xent, "%s, %s: cross-entropy %.7f", kernels, which, got);
    got += ser_net_penalty(net);
    check(fabs(got - *loss) < 1e-5 * *loss, "%s, %s: loss %.7f", kernels, which, got);
    report(kernels, which, "logits",
           (struct ranking){worst(ser_run_logits(r), logits, 32), "logits"});
    struct ranking g = {0}, m = {0}, u = {0}, a = {0};
    compare(folder, which, "g.", net, r, 1, &g);
    report(kernels, which, "gradients", g);
    compare(folder, which, "", net, r, 0, &m);
    report(kernels, which, "moving statistics", m);

    ser_adam_step(&adam, net, r, 1e-3);
    compare(folder, which, "u.", net, r, 1, &u);
    float p[32];
    ser_run_predict(r, x, 4, p);
    /* Adam's first step is lr sign(g): where a gradient is next to nothing the sign is chance, and
     * the stepped parameter differs by up to 2 lr. */
    check(u.most < 1e-2, "%s, %s against PyTorch: after a step %.1e (worst: %s)", kernels, which,
          u.most, u.name);
    report(kernels, which, "eval", (struct ranking){worst(ser_run_logits(r), eval, 32), "eval"});

    set_params(folder, which, net);
    ser_adam_free(&adam, net);
    must(ser_adam_new(&adam, net) ? NULL : net);
    const float scale[] = {1, 0.5f, -0.25f};
    for (int s = 0; s < 3; s++) {
        for (int i = 0; i < net->params; i++) {
            struct ser_param *q = &net->param[i];
            if (!q->trained)
                continue;
            float *given = load_param(folder, which, "g.", q);
            for (size_t j = 0; j < q->n; j++)
                ser_run_gradient(r, i)[j] = scale[s] * given[j];
            free(given);
        }
        ser_adam_step(&adam, net, r, 1e-3);
    }
    compare(folder, which, "adam3.", net, r, 1, &a);
    report(kernels, which, "three steps of Adam", a);
    ser_adam_free(&adam, net);
    free(x);
    free(y);
    free(logits);
    free(eval);
    free(loss);
    free(xent);
    free(text);
    ser_run_free(r);
    ser_net_free(net);
}

/* ---- the two networks as they are used ---- */

enum { CLASSES = 6, SIZE = 40 * 174 };

/* Batches with a ragged last shard; fewer where every access is checked and slow. */
#ifndef __has_feature /* clang's way to say what gcc says with __SANITIZE_... */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { LARGE = 11, MANY = 19 };
#else
enum { LARGE = 100, MANY = 60 };
#endif

static const char attention[] = "pipelines/nets/attention.net";

struct step {
    struct ser_net *net;
    struct ser_run *run;
    float *predicted;
    double loss;
};

struct batch {
    float *x;
    int label[100];
    size_t place[100];
};

static struct batch make_batch(void) {
    struct batch b = {.x = random_floats(100 * SIZE, 79, 1)};
    for (int i = 0; i < 100; i++) {
        b.label[i] = i * 5 % CLASSES;
        b.place[i] = (size_t)(i * 37 % 1000);
    }
    return b;
}

/* One training step and a prediction; file NULL: a network without maxpool and relu. */
static struct step take_step(const char *file, const char *kernels, int B, int threads,
                             const struct batch *b) {
    static const char smooth[] = "conv 32 3x3\nconv 64 3x3\nbatchnorm\nconv 16 5x5\n"
                                 "reshape 32x2656\nlstm 64\nattention dot\nmean\ndense classes\n";
    char *text = file ? read_text(file) : NULL;
    struct step s = {.net = parse(file ? text : smooth, 40, 174, CLASSES)};
    struct ser_dropout dropout = {9, 2, b->place};
    ser_net_init(s.net, 1);
    s.run = start(s.net, kernels, B, threads);
    s.loss = ser_run_gradients(s.run, b->x, b->label, B, &dropout, NULL);
    s.predicted = must(malloc((size_t)B * CLASSES * sizeof(float)));
    ser_run_predict(s.run, b->x, B, s.predicted);
    free(text);
    return s;
}

static void end_step(struct step *s) {
    ser_run_free(s->run);
    ser_net_free(s->net);
    free(s->predicted);
}

/* |a - b| over |b|. */
static double apart(const float *a, const float *b, size_t n) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(difference / size);
}

/* Rounding decides between nearly equal values under a maximum, and about what is just above zero:
 * each such choice moves the gradient of one place. So networks with maxpool and relu are held to
 * the whole vector of a gradient, smooth ones to its every element. */
static void test_kernels(const char *kernels, const char *file, double tolerance,
                         const struct batch *b, int B) {
    struct step a = take_step(file, "plain", B, 2, b), c = take_step(file, kernels, B, 2, b);
    struct ranking rank = {0};
    for (int i = 0; i < a.net->params; i++) {
        const struct ser_param *p = &a.net->param[i], *q = &c.net->param[i];
        if (strstr(p->name, "conv") && p->rank == 1)
            continue; /* nothing but rounding: batchnorm follows */
        double d = !p->trained ? apart(q->value, p->value, p->n)
                   : file      ? apart(ser_run_gradient(c.run, i), ser_run_gradient(a.run, i), p->n)
                          : worst(ser_run_gradient(c.run, i), ser_run_gradient(a.run, i), p->n);
        if (!(d <= rank.most)) {
            rank.most = d;
            rank.name = p->name;
        }
    }
    double out = worst(c.predicted, a.predicted, (size_t)B * CLASSES);
    check(rank.most < tolerance && out < 1e-5,
          "%s against plain, %s, batch %d: predictions %.1e, gradients %.1e (worst: %s)", kernels,
          file ? file : "a smooth network", B, out, rank.most, rank.name);
    end_step(&a);
    end_step(&c);
}

static void test_threads(const char *kernels, const struct batch *b, int B) {
    struct step one = take_step(attention, kernels, B, 1, b);
    static const int threads[] = {2, 3, 7};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        struct step s = take_step(attention, kernels, B, threads[t], b);
        int same = !memcmp(s.predicted, one.predicted, (size_t)B * CLASSES * sizeof(float)) &&
                   s.loss == one.loss;
        for (int i = 0; i < one.net->params; i++) {
            size_t n = one.net->param[i].n * sizeof(float);
            same &= !memcmp(s.net->param[i].value, one.net->param[i].value, n);
            if (one.net->param[i].trained)
                same &= !memcmp(ser_run_gradient(s.run, i), ser_run_gradient(one.run, i), n);
        }
        check(same, "%s, batch %d: %d threads and one give the same bytes", kernels, B, threads[t]);
        end_step(&s);
    }
    end_step(&one);
}

static uint64_t hash(uint64_t h, const void *data, size_t n) {
    for (const unsigned char *c = data; n--; c++)
        h = (h ^ *c) * 0x100000001b3ULL;
    return h;
}

/* For comparing builds, machines and OMP_NUM_THREADS from outside. */
static void print_hash(const char *kernels, const struct batch *b, int B) {
    struct step s = take_step(attention, kernels, B, 2, b);
    uint64_t h = hash(0xcbf29ce484222325ULL, s.predicted, (size_t)B * CLASSES * sizeof(float));
    for (int i = 0; i < s.net->params; i++)
        if (s.net->param[i].trained)
            h = hash(h, ser_run_gradient(s.run, i), s.net->param[i].n * sizeof(float));
    printf("# %s, batch %d: gradients and predictions hash to %016llx\n", kernels, B,
           (unsigned long long)h);
    end_step(&s);
}

/* What is dropped hangs on a sample's place in the data, not on its place in the batch. */
static void test_dropout_place(void) {
    const char *text = "dropout 0.5\nreshape 400\ndense classes\n";
    enum { N = 400 };
    float *x = random_floats(N, 8, 1), both[2 * N], first[2], second[2], other[2];
    memcpy(both, x, sizeof both / 2);
    memcpy(both + N, x, sizeof both / 2);
    struct ser_net *net = parse(text, 20, 20, 2);
    ser_net_init(net, 1);
    struct ser_run *r = start(net, "plain", 2, 1);
    int label[] = {0, 1};
    size_t places[] = {5, 9}, turned[] = {9, 5};
    ser_run_gradients(r, both, label, 2, &(struct ser_dropout){1, 1, places}, NULL);
    memcpy(first, ser_run_logits(r), sizeof first);
    memcpy(other, ser_run_logits(r) + 2, sizeof other);
    ser_run_gradients(r, both, label, 2, &(struct ser_dropout){1, 1, turned}, NULL);
    memcpy(second, ser_run_logits(r) + 2, sizeof second);
    check(!memcmp(first, second, sizeof first) && memcmp(first, other, sizeof first),
          "dropout follows the sample, not its place in the batch");
    ser_run_gradients(r, both, label, 2, &(struct ser_dropout){1, 2, turned}, NULL);
    check(memcmp(ser_run_logits(r) + 2, second, sizeof second), "dropout differs between epochs");
    free(x);
    ser_run_free(r);
    ser_net_free(net);
}

/* ---- descriptions ---- */

static void test_counts(void) {
    static const char *const files[] = {"pipelines/nets/baseline.net",
                                        "pipelines/nets/attention.net"};
    for (int i = 0; i < 2; i++) {
        char *text = read_text(files[i]);
        struct ser_net *eight = parse(text, 40, 174, 8), *six = parse(text, 40, 174, 6);
        size_t trained, a = ser_net_count(eight, &trained), b = ser_net_count(six, NULL);
        check(a == 226184 && b == 225926 && a - trained == 2 * (32 + 64 + 128),
              "%s has %zu parameters at 8 classes, %zu at 6, %zu of 8 trained", files[i], a, b,
              trained);
        struct ser_net *again = parse(eight->text, 40, 174, 8);
        check(!strcmp(again->text, eight->text) && again->layers == eight->layers &&
                  !strchr(again->text, '#'),
              "%s: the text that is kept reads as the same network", files[i]);
        ser_net_free(again);
        ser_net_free(eight);
        ser_net_free(six);
        free(text);
    }
}

static void test_errors(void) {
    static const char *const bad[][2] = {
        {"", "no layer"},
        {"# nothing\n\n", "no layer"},
        {"conv 4 3x3\n", "dense classes"},
        {"reshape 42\ndense 5\n", "dense classes"},
        {"convolution 4 3x3\n", "line 1: there is no layer 'convolution'"},
        {"conv 4\n", "usage: conv"},
        {"conv 0 3x3\n", "usage: conv"},
        {"conv 4 3\n", "usage: conv"},
        {"conv 4 3x3x3\n", "usage: conv"},
        {"conv 4 3x3 tanh\n", "'tanh' is not understood"},
        {"conv 4 3x3 l2=-1\n", "is not understood"},
        {"conv 4 3x3 l2=nan\n", "is not understood"},
        {"conv 4 9x3\n", "does not fit"},
        {"# a\n\nconv 4 3x3\nconv 4 3x3\nconv 1 3x3\n", "line 5: a 3x3 kernel does not fit"},
        {"conv 60000 1x1\nconv 60000 1x1\n", "elements"},
        {"conv 60000 6x1\nreshape 420000\n", "usage: reshape"},
        {"reshape 42x1\nbilstm 16000\n", "elements"},
        {"reshape 42x1\nlstm 2500\nlstm 2500\n", "line 3: with lstm2.u the parameters"},
        {"conv 99999999999999999999 1x1\n", "usage: conv"},
        {"maxpool 7x2\n", "too large"},
        {"maxpool 2\n", "usage: maxpool"},
        {"dropout 1\n", "usage: dropout"},
        {"dropout 0x1p-2\n", "usage: dropout"},
        {"dropout -0.1\n", "usage: dropout"},
        {"reshape 5x5\n", "the input has 42"},
        {"reshape 65536x65536x65536\n", "the input has 42"},
        {"lstm 5\n", "needs a sequence"},
        {"attention dot\n", "needs a sequence"},
        {"reshape 6x7\nattention scaled\n", "usage: attention"},
        {"mean\n", "needs a sequence"},
        {"last 3\n", "usage: last"},
        {"dense classes\n", "needs a vector"},
        {"batchnorm 3\n", "usage: batchnorm"},
        {"batchnorm\nstandardize\n", "line 2: standardize must be the first"},
        {"scale min\n", "usage: scale"},
        {"conv 4 3x3 relu relu relu relu relu relu\n", "more than 8 words"},
        {"conv\x01 4 3x3\n", "not plain text"},
        {"conv\xc3\xa9\n", "not plain text"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[SER_WHY] = "";
        struct ser_net *net = ser_net_parse(bad[i][0], strlen(bad[i][0]), 6, 7, 3, why);
        check(!net && strstr(why, bad[i][1]), "refused: %s", why);
        ser_net_free(net);
    }
    char why[SER_WHY], many[65 * 10 + 1] = "";
    for (int i = 0; i < 65; i++)
        strcat(many, "batchnorm\n");
    check(!ser_net_parse(many, strlen(many), 6, 7, 3, why) && strstr(why, "line 65: more than 64"),
          "refused: %s", why);
    strcpy(many, "conv 60000 1x1\n");
    for (int i = 0; i < 40; i++)
        strcat(many, "batchnorm\n");
    check(!ser_net_parse(many, strlen(many), 6, 7, 3, why) &&
              strstr(why, "line 27: with its output"),
          "refused: %s", why);
    check(!ser_net_parse("mean\0\n", 6, 6, 7, 3, why) && strstr(why, "zero byte"), "refused: %s",
          why);
    check(!ser_net_parse("mean\n", 5, 0, 7, 3, why), "refused: %s", why);
    check(!ser_net_parse("mean\n", 5, 65536, 65536, 3, why), "refused: %s", why);
    check(!ser_net_parse("mean\n", 5, 6, 7, 257, why), "refused: %s", why);
}

/* What a new layer may get wrong is refused, and nothing behind an array is written. */
static void test_limits(void) {
    struct ser_net *net = parse("reshape 4\ndense classes\n", 2, 2, 2);
    struct ser_layer *dense = &net->layer[1];
    char why[SER_WHY] = "", suffix[8];
    int dim[SER_MAX_PARAM_RANK + 1] = {1, 1, 1, 1, 1}, bad = 0;
    check(ser_param_add(net, dense, "x", SER_MAX_PARAM_RANK + 1, dim, 1, 0, why) &&
              strstr(why, "dense1.x has more than 4 dimensions"),
          "refused: %s", why);
    check(ser_param_add(net, dense, "a-name-of-more-than-31-characters", 1, dim, 1, 0, why) &&
              strstr(why, "too long"),
          "refused: %s", why);
    for (int i = 2; i < SER_MAX_PARAMS; i++) {
        snprintf(suffix, sizeof suffix, "p%d", i);
        bad |= ser_param_add(net, dense, suffix, 1, dim, 1, 0, why);
    }
    check(!bad && dense->params == SER_MAX_PARAMS, "a layer may have %d parameters", dense->params);
    check(ser_param_add(net, dense, "p", 1, dim, 1, 0, why) &&
              strstr(why, "dense1 has more than 8 parameters") && net->params == SER_MAX_PARAMS,
          "refused: %s", why);
    dense->params++; /* as kernels could that make one layer of several */
    struct ser_run *r = ser_run_new(net, ser_kernels_find("plain"), 1, 1, 1, why);
    check(!r && strstr(why, "dense1 has more than 8 parameters"), "refused: %s", why);
    ser_run_free(r);
    ser_net_free(net);
}

static void test_unknown(void) {
    static const char *const names[] = {
#define LAYER(name) #name,
#include "nn/layers/table.h"
    };
    char why[SER_WHY] = "";
    check(!ser_net_parse("divine 5\n", 9, 6, 7, 3, why), "refused: %s", why);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strstr(why, names[i]))
            check(0, "%s is not listed", names[i]);
}

static void test_initial(void) {
    char *text = read_text("pipelines/nets/attention.net");
    struct ser_net *a = parse(text, 40, 174, 8), *b = parse(text, 40, 174, 8);
    ser_net_init(a, 1);
    ser_net_init(b, 1);
    int same = 1, good = 1;
    for (int i = 0; i < a->params; i++)
        same &= !memcmp(a->param[i].value, b->param[i].value, a->param[i].n * sizeof(float));
    ser_net_init(b, 2);
    check(same && memcmp(a->param[0].value, b->param[0].value, a->param[0].n * sizeof(float)),
          "initial weights depend on the seed alone");
    for (int i = 0; i < a->params; i++) {
        const struct ser_param *p = &a->param[i];
        double most = 0, dot = 0, limit = 0;
        for (size_t j = 0; j < p->n; j++)
            most = fmax(most, fabs(p->value[j]));
        if (!strcmp(p->name, "conv2.w"))
            limit = sqrt(6.0 / (9 * 32 + 9 * 64));
        if (!strcmp(p->name, "lstm1.w"))
            limit = sqrt(6.0 / (128 + 512));
        if (!strcmp(p->name, "dense1.w"))
            limit = sqrt(6.0 / (128 + 8));
        if (limit > 0)
            good &= most <= limit && most > 0.98 * limit;
        if (!strcmp(p->name, "lstm1.b"))
            for (size_t j = 0; j < p->n; j++)
                good &= p->value[j] == (j >= 128 && j < 256);
        for (int r = 0; !strcmp(p->name, "lstm1.u") && r < 128; r++)
            for (int s = 0; s <= r; s++) {
                dot = 0;
                for (int j = 0; j < 512; j++)
                    dot += (double)p->value[r * 512 + j] * p->value[s * 512 + j];
                good &= fabs(dot - (r == s)) < 1e-6;
            }
    }
    check(good, "Glorot's limits, the open forget gate, an orthogonal recurrent kernel");
    free(text);
    ser_net_free(a);
    ser_net_free(b);
}

/* ---- fit ---- */

/* Made by hand: patience 3, lr_patience 2, factor 0.2, min_lr 1e-5. */
static void test_callbacks(void) {
    static const struct {
        double val_loss, val_accuracy;
        int improved, reduced, stopped;
        double lr_after;
    } table[] = {
        {2.0, 0.30, 1, 0, 0, 1e-3},
        {1.5, 0.30, 0, 0, 0, 1e-3},     /* equal accuracy is not better */
        {1.49995, 0.31, 1, 0, 0, 1e-3}, /* stopping: better; plateau: not by 1e-4, wait 1 */
        {1.49990, 0.20, 0, 1, 0, 2e-4}, /* stopping: better; plateau: still against 1.5, wait 2 */
        {1.6, 0.50, 1, 0, 0, 2e-4},     /* stopping wait 1; plateau wait 1 after the cut */
        {1.7, 0.50, 0, 1, 0, 4e-5},     /* 2; cut */
        {1.0, 0.10, 0, 0, 0, 4e-5},     /* both better */
        {1.0, 0.10, 0, 0, 0, 4e-5},     /* equal: 1, 1 */
        {1.0, 0.10, 0, 1, 0, 1e-5},     /* 2, cut, held at min_lr */
        {1.0, 0.60, 1, 0, 1, 1e-5},     /* 3: stop, though the accuracy is the best */
    };
    struct ser_net *net = parse("reshape 4\ndense classes\n", 2, 2, 2);
    struct ser_fit_options o = {
        .lr = 1e-3, .patience = 3, .lr_patience = 2, .lr_factor = 0.2, .min_lr = 1e-5};
    struct ser_fit f;
    must(ser_fit_new(&f, net, &o) ? NULL : net);
    int n = sizeof table / sizeof *table;
    for (int i = 0; i < n; i++) {
        struct ser_epoch log = {.epoch = i + 1,
                                .lr = f.lr,
                                .val_loss = table[i].val_loss,
                                .val_accuracy = table[i].val_accuracy};
        ser_fit_judge(&f, &o, &log);
        check(log.improved == table[i].improved && log.reduced == table[i].reduced &&
                  log.stopped == table[i].stopped &&
                  fabs(f.lr - table[i].lr_after) < 1e-9 * table[i].lr_after,
              "callbacks, epoch %d: improved %d, reduced %d, stopped %d, lr %g", i + 1,
              log.improved, log.reduced, log.stopped, f.lr);
    }
    check(f.best_epoch == n && f.best_kept == 0.6 && f.best_loss == 1.0, "the best are kept");
    o = (struct ser_fit_options){.lr = 1e-3}; /* neither callback */
    ser_fit_free(&f, net);
    must(ser_fit_new(&f, net, &o) ? NULL : net);
    for (int i = 0; i < 40; i++) {
        struct ser_epoch log = {.epoch = i + 1, .val_loss = 1};
        ser_fit_judge(&f, &o, &log);
    }
    check(!f.stopped && f.lr == 1e-3, "patience 0 never stops and never cuts");
    /* Of equal ones the first; a smaller loss is better. */
    static const struct {
        enum ser_keep keep;
        int best[4];
    } keeps[] = {{SER_KEEP_ACCURACY, {1, 1, 3, 3}},
                 {SER_KEEP_RECALL, {1, 2, 2, 2}},
                 {SER_KEEP_LOSS, {1, 1, 1, 4}},
                 {SER_KEEP_LAST, {1, 2, 3, 4}}};
    for (size_t k = 0; k < sizeof keeps / sizeof *keeps; k++) {
        int bad = 0;
        o = (struct ser_fit_options){.lr = 1e-3, .keep = keeps[k].keep};
        ser_fit_free(&f, net);
        must(ser_fit_new(&f, net, &o) ? NULL : net);
        for (int i = 0; i < 4; i++) {
            struct ser_epoch log = {.epoch = i + 1,
                                    .val_loss = (const double[]){2, 2, 3, 1}[i],
                                    .val_accuracy = (const double[]){0.4, 0.3, 0.6, 0.6}[i],
                                    .val_recall = (const double[]){0.1, 0.9, 0.8, 0.9}[i]};
            ser_fit_judge(&f, &o, &log);
            bad += f.best_epoch != keeps[k].best[i] || log.improved != (f.best_epoch == i + 1);
        }
        check(!bad, "keep %d: the epochs of the model", keeps[k].keep);
    }
    ser_fit_free(&f, net);
    ser_net_free(net);
}

/* Two classes that differ by the sign of the mean in the upper half. */
struct toy {
    float *x;
    int bad;   /* sample that is not a number; -1: none */
    int fails; /* sample that cannot be read; -1: none */
};

static int toy_get(void *ctx, size_t i, float *x, int *label) {
    struct toy *t = ctx;
    *label = (int)(i % 2);
    for (int j = 0; j < 64; j++)
        x[j] = t->x[i * 64 + (size_t)j] + (j < 32 ? (*label ? 0.6f : -0.6f) : 0);
    if ((int)i == t->bad)
        x[3] = NAN;
    return (int)i == t->fails ? -1 : 0;
}

static const char toy_net[] = "standardize\nconv 4 3x3 relu l2=1e-3\nbatchnorm\nmaxpool 2x2\n"
                              "dropout 0.25\nreshape 9x4\nlstm 6 l2=1e-3\nattention dot\nmean\n"
                              "dense classes\n";

struct trace {
    struct ser_epoch log[20];
    int epochs, batches, stop_after;
};

static int follow(void *ctx, const struct ser_epoch *log, int b, int n) {
    struct trace *t = ctx;
    if (!log) {
        t->batches++;
        return b > n;
    }
    t->log[t->epochs++] = *log;
    return t->epochs == t->stop_after;
}

static const struct ser_fit_options toy_options = {.epochs = 6,
                                                   .batch = 20,
                                                   .lr = 5e-3,
                                                   .seed = 3,
                                                   .patience = 5,
                                                   .lr_patience = 3,
                                                   .lr_factor = 0.5,
                                                   .min_lr = 1e-6};

/* Trains a new net up to so many epochs, then on in a new run; its bytes as a hash. */
static uint64_t fit_toy(const char *kernels, int threads, int stop_after, struct trace *trace) {
    enum { TRAIN = 90, VAL = 33 };
    struct toy a = {random_floats(TRAIN * 64, 5, 1), -1, -1},
               b = {random_floats(VAL * 64, 6, 1), -1, -1};
    struct ser_data train = {.n = TRAIN, .get = toy_get, .ctx = &a},
                    val = {.n = VAL, .get = toy_get, .ctx = &b};
    struct ser_net *net = parse(toy_net, 8, 8, 2);
    struct ser_fit f;
    char why[SER_WHY] = "";
    *trace = (struct trace){.stop_after = stop_after};
    ser_net_init(net, 3);
    must(ser_fit_new(&f, net, &toy_options) ? NULL : net);
    int bad = ser_net_fit(net, &train, why);
    for (int part = 0; part < 2; part++) {
        struct ser_run *r = start(net, kernels, toy_options.batch, threads);
        bad |= ser_fit_run(&f, net, r, &train, &val, &toy_options, follow, trace, why);
        ser_run_free(r);
    }
    check(!bad && f.epoch == 6 && trace->epochs == 6 && trace->batches == 6 * 5,
          "%s: %d epochs of 5 batches with %d threads %s", kernels, f.epoch, threads, why);
    uint64_t h = 0;
    for (int i = 0; i < net->params; i++) {
        h = hash(h, net->param[i].value, net->param[i].n * sizeof(float));
        h = hash(h, f.best[i], net->param[i].n * sizeof(float));
    }
    h = hash(h, &f.best_loss, sizeof f.best_loss);
    free(a.x);
    free(b.x);
    ser_fit_free(&f, net);
    ser_net_free(net);
    return h;
}

static void test_fit(const char *kernels) {
    struct trace t, u;
    uint64_t whole = fit_toy(kernels, 1, 0, &t);
    check(t.log[5].loss < 0.7 * t.log[0].loss && t.log[5].accuracy > 0.85,
          "%s: the loss falls from %.3f to %.3f, accuracy %.3f", kernels, t.log[0].loss,
          t.log[5].loss, t.log[5].accuracy);
    check(fit_toy(kernels, 3, 2, &u) == whole && !memcmp(t.log, u.log, sizeof t.log),
          "%s: cut after two epochs and continued, with other threads: the same bytes", kernels);
}

static void test_fit_errors(void) {
    struct toy a = {random_floats(40 * 64, 5, 1), 33, -1};
    struct ser_data data = {.n = 40, .get = toy_get, .ctx = &a},
                    none = {.n = 0, .get = toy_get, .ctx = &a};
    struct ser_net *net = parse("reshape 64\ndense classes\n", 8, 8, 2);
    struct ser_run *r = start(net, "plain", 8, 1);
    struct ser_fit_options o = {.epochs = 3, .batch = 8, .lr = 1e-3};
    struct ser_fit f;
    char why[SER_WHY] = "", expected[40];
    must(ser_fit_new(&f, net, &o) ? NULL : net);
    size_t order[40], at = 0;
    ser_permute(ser_key(0, SER_PURPOSE_SHUFFLE, 1, 0), 40, order);
    while (order[at] != 33)
        at++;
    snprintf(expected, sizeof expected, "epoch 1, batch %zu of 5", at / 8 + 1);
    int bad = ser_fit_run(&f, net, r, &data, &data, &o, NULL, NULL, why);
    check(bad && strstr(why, expected), "stopped: %s", why);
    a.bad = -1;
    a.fails = 7;
    bad = ser_fit_run(&f, net, r, &data, &data, &o, NULL, NULL, why);
    check(bad && strstr(why, "sample 8"), "stopped: %s", why);
    bad = ser_fit_run(&f, net, r, &none, &data, &o, NULL, NULL, why);
    check(bad && strstr(why, "no training data"), "stopped: %s", why);
    a.fails = -1;
    struct ser_fit_options blind[] = {o, o, o, o};
    blind[0].keep = blind[1].keep = blind[2].keep = SER_KEEP_LAST;
    blind[0].schedule = blind[2].schedule = blind[3].schedule = SER_CONSTANT;
    blind[2].patience = 1;
    for (int i = 1; i < 4; i++) {
        bad = ser_fit_run(&f, net, r, &data, &none, &blind[i], NULL, NULL, why);
        check(bad && strstr(why, "no validation data"), "stopped: %s", why);
    }
    bad = ser_fit_run(&f, net, r, &data, &none, &blind[0], NULL, NULL, why);
    check(!bad && f.epoch == 3 && f.best_epoch == 3, "without validation the last is kept %s", why);
    ser_fit_free(&f, net);
    ser_run_free(r);
    ser_net_free(net);
    free(a.x);
}

/* The mean and deviation of sample elements first, first + step, ... count of them. */
static double standard_error(const struct toy *a, const struct ser_net *net, size_t coef,
                             size_t first, size_t step, size_t count) {
    double sum = 0, squares = 0, n = 50.0 * (double)count;
    for (size_t i = 0; i < 50; i++) {
        float x[64];
        int label;
        toy_get((void *)a, i, x, &label);
        for (size_t k = 0; k < count; k++) {
            double v = x[first + k * step];
            sum += v;
            squares += v * v;
        }
    }
    double mean = sum / n, deviation = sqrt(squares / n - mean * mean);
    return fmax(fabs(net->param[0].value[coef] - mean),
                fabs(net->param[1].value[coef] - deviation));
}

/* Whatever the axes are, statistics are those over time: of each coefficient, channel, layer. */
static void test_standardize_axes(void) {
    static const struct {
        const char *text;
        struct ser_input in;
        size_t coefs, step, count; /* of the elements that a coefficient has in a sample */
    } at[] = {
        {"a vector", {{1, {64}}, -1, 1}, 64, 1, 1},
        {"a sequence", {{2, {16, 4}}, 0, 2}, 4, 4, 16},
        {"layers", {{2, {16, 4}}, -1, 2}, 64, 1, 1},
        {"layers of sequences", {{3, {4, 8, 2}}, 1, 3}, 8, 2, 8},
        {"one channel over time", {{2, {64, 1}}, 0, 1}, 1, 1, 64},
    };
    struct toy a = {random_floats(50 * 64, 5, 1), -1, -1};
    struct ser_data data = {.n = 50, .get = toy_get, .ctx = &a};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char why[SER_WHY] = "";
        const char *text = at[i].in.shape.rank == 1 ? "standardize\ndense classes\n"
                                                    : "standardize\nreshape 64\ndense classes\n";
        struct ser_net *net = must(ser_net_build(text, strlen(text), &at[i].in, 2, why));
        int bad = ser_net_fit(net, &data, why);
        double error = 0;
        for (size_t c = 0; c < at[i].coefs; c++) {
            /* In layers of sequences coefficient c is channel c % 2 of layer c / 2. */
            size_t first = at[i].in.shape.rank == 3 ? c / 2 * 16 + c % 2 : c;
            error = fmax(error, standard_error(&a, net, c, first, at[i].step, at[i].count));
        }
        check(!bad && net->param[0].n == at[i].coefs && error < 1e-6,
              "standardize of %s: %zu coefficients, %.1e", at[i].text, net->param[0].n, error);

        /* A sample at work: its first layer passes on what the statistics make of it. */
        struct ser_run *r = start(net, "plain", 1, 1);
        float x[64], p[2], want[2] = {0, 0};
        int label;
        toy_get(&a, 7, x, &label);
        ser_net_init(net, 3);
        bad = ser_net_fit(net, &data, why);
        ser_run_predict(r, x, 1, p);
        const struct ser_param *w = &net->param[2];
        for (size_t k = 0; k < 64; k++) {
            size_t c = at[i].in.shape.rank == 3 ? k / 16 * 2 + k % 2
                       : at[i].count == 64      ? 0
                                                : k % at[i].coefs;
            float v = (x[k] - net->param[0].value[c]) / net->param[1].value[c];
            want[0] += v * w->value[2 * k];
            want[1] += v * w->value[2 * k + 1];
        }
        check(!bad && worst(ser_run_logits(r), want, 2) < 1e-5, "and at work, %s", at[i].text);
        ser_run_free(r);
        ser_net_free(net);
    }
    free(a.x);
}

static void test_standardize(void) {
    struct toy a = {random_floats(50 * 64, 5, 1), -1, -1};
    struct ser_data data = {.n = 50, .get = toy_get, .ctx = &a};
    struct ser_net *net = parse("standardize\nreshape 64\ndense classes\n", 8, 8, 2);
    char why[SER_WHY] = "";
    double error = 0, top = 0;
    int bad = ser_net_fit(net, &data, why);
    for (int h = 0; h < 8; h++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < 50; i++) {
            float x[64];
            int label;
            toy_get(&a, i, x, &label);
            for (int w = 0; w < 8; w++) {
                sum += x[h * 8 + w];
                squares += (double)x[h * 8 + w] * x[h * 8 + w];
                top = fmax(top, x[h * 8 + w]);
            }
        }
        double mean = sum / 400, deviation = sqrt(squares / 400 - mean * mean);
        error = fmax(error, fabs(net->param[0].value[h] - mean));
        error = fmax(error, fabs(net->param[1].value[h] - deviation));
    }
    check(!bad && error < 1e-6, "standardize: mean and deviation of each coefficient, %.1e", error);
    ser_net_free(net);
    net = parse("scale max\nreshape 64\ndense classes\n", 8, 8, 2);
    bad = ser_net_fit(net, &data, why);
    check(!bad && net->param[0].value[0] == (float)top, "scale: the largest value %.3f", top);
    for (int i = 0; i < 50 * 64; i++)
        a.x[i] = -1;
    bad = ser_net_fit(net, &data, why);
    check(bad && strstr(why, "nothing to scale by"), "refused: %s", why);
    ser_net_free(net);
    free(a.x);
}

/* ---- smoothed, weighted and taught loss, clipping, schedules ---- */

/* Of three samples; the last of four comes again. */
static const float teacher[9] = {0.2f, 0.7f, 0.1f, 0, 0, 1, 0.5f, 0.25f, 0.25f};
static const size_t place[4] = {2, 0, 1, 3 + 2};

/* The loss of logits z [4,3], in double precision and from its definition. */
static double slow_loss(const struct ser_loss *loss, const double *z, const int *label) {
    double sum = 0;
    for (int b = 0; b < 4; b++, z += 3) {
        double e = exp(z[0]) + exp(z[1]) + exp(z[2]);
        for (int k = 0; k < 3; k++) {
            double target = (1 - loss->smoothing) * (k == label[b]) + loss->smoothing / 3.0;
            if (loss->soft)
                target = (1 - loss->soft_weight) * target +
                         loss->soft_weight * loss->soft[place[b] % 3 * 3 + k];
            sum -= loss->weight[label[b]] * target * log(exp(z[k]) / e) / 4;
        }
    }
    return sum;
}

static void test_loss(const float *taught) {
    const struct ser_loss loss = {.smoothing = 0.3f,
                                  .weight = {0.5f, 2, 1.25f},
                                  .soft_weight = 0.6f,
                                  .soft = taught,
                                  .samples = 3};
    const int label[4] = {0, 2, 1, 1};
    double z[12], most = 0;
    float logits[12], p[12], d[12];
    for (int i = 0; i < 12; i++)
        p[i] = logits[i] = ser_normal(ser_key(5, SER_PURPOSE_INIT, 0, 0), (uint64_t)i);
    for (int i = 0; i < 12; i++)
        z[i] = logits[i];
    ser_softmax(p, 4, 3);
    double fast = ser_mean_loss(&loss, logits, p, label, place, NULL, 4, 3),
           slow = slow_loss(&loss, z, label);
    check(fabs(fast - slow) < 1e-6, "smoothed, weighted%s loss %.7f", taught ? ", taught" : "",
          fast);
    for (int b = 0; b < 4; b++)
        ser_loss_gradient(&loss, p + 3 * b, label[b], place + b, 4, 3, d + 3 * b);
    for (int i = 0; i < 12; i++) {
        double was = z[i];
        z[i] = was + 1e-5;
        double up = slow_loss(&loss, z, label);
        z[i] = was - 1e-5;
        double down = slow_loss(&loss, z, label);
        z[i] = was;
        most = fmax(most, fabs((up - down) / 2e-5 - d[i]));
    }
    check(most < 1e-6, "its gradient differs by %.1e at most", most);
}

/* Probabilities down to e^-300 are not clipped, with smoothed targets and without. */
static void test_far_logits(void) {
    const int label[4] = {0, 2, 1, 1};
    const float logits[12] = {0, 30, -1, 20, 5, -300, 150, -150, 0, -40, 2, 9};
    float p[12];
    double z[12];
    for (int i = 0; i < 12; i++)
        z[i] = p[i] = logits[i];
    ser_softmax(p, 4, 3);
    for (int i = 0; i < 2; i++) {
        const struct ser_loss loss = {.smoothing = i ? 0.1f : 0, .weight = {1, 1, 1}};
        double fast = ser_mean_loss(&loss, logits, p, label, NULL, NULL, 4, 3);
        double slow = slow_loss(&loss, z, label);
        check(fabs(fast - slow) < 1e-6 * slow, "smoothing %g, logits far apart: loss %.6f, %.6f",
              (double)loss.smoothing, fast, slow);
    }
}

/* Validation data has smoothed targets, too, but its classes weigh 1, and it has no teacher. */
static void test_validation_loss(void) {
    struct ser_net *net = parse("reshape 4x1\nmean\ndense classes\n", 2, 2, 3);
    struct ser_run *r = start(net, "plain", 4, 1);
    struct ser_loss loss = {.smoothing = 0.3f,
                            .weight = {0.5f, 2, 1.25f},
                            .soft_weight = 0.6f,
                            .soft = teacher,
                            .samples = 3};
    const int label[4] = {0, 2, 1, 1};
    float *x = random_floats(16, 3, 1), p[12];
    double z[12];
    ser_net_init(net, 1);
    ser_run_loss(r, &loss);
    ser_run_predict(r, x, 4, p);
    for (int i = 0; i < 12; i++)
        z[i] = ser_run_logits(r)[i];
    for (int k = 0; k < 3; k++)
        loss.weight[k] = 1;
    loss.soft = NULL;
    double fast = ser_run_validation_loss(r, label, 4), slow = slow_loss(&loss, z, label);
    check(fabs(fast - slow) < 1e-6, "validation loss %.7f, smoothed %.7f", fast, slow);
    free(x);
    ser_run_free(r);
    ser_net_free(net);
}

static void test_clip(void) {
    struct ser_net *net = parse("reshape 4x1\nmean\ndense classes\n", 2, 2, 2);
    struct ser_run *r = start(net, "plain", 2, 1);
    const float x[8] = {1, 2, 3, 4, 4, 3, 2, 9};
    const int label[2] = {0, 1};
    ser_net_init(net, 1);
    ser_run_gradients(r, x, label, 2, NULL, NULL);
    double norm = ser_run_clip(r, 1e9), half = ser_run_clip(r, norm / 2);
    check(half == norm, "a gradient below the limit stays");
    check(fabs(ser_run_clip(r, 1e9) - norm / 2) < 1e-6 * norm, "one above it is cut to %.4f",
          norm / 2);
    ser_run_free(r);
    ser_net_free(net);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_philox();
    test_draws();
    test_functions();
    test_counts();
    test_errors();
    test_limits();
    test_unknown();
    test_initial();
    test_callbacks();
    test_standardize();
    test_standardize_axes();
    test_fit_errors();
    test_dropout_place();
    test_loss(NULL);
    test_loss(teacher);
    test_far_logits();
    test_validation_loss();
    test_clip();
    test_gradients();
    struct batch b = make_batch();
    for (size_t k = 0; k < sizeof kernel_names / sizeof *kernel_names; k++) {
        const char *name = kernel_names[k];
        test_embedding(name);
        test_frozen(name);
        test_fit(name);
        if (argc > 1) {
            test_reference(argv[1], name, "plain");
            test_reference(argv[1], name, "attention");
        }
        test_threads(name, &b, MANY);
        print_hash(name, &b, 11);
    }
    test_kernels("fast", attention, 1e-2, &b, LARGE);
    for (size_t k = 0; k < sizeof alone_names / sizeof *alone_names; k++) {
        const char *name = alone_names[k];
        if (!find_kernels(name)) {
            printf("# left out: %s: not built, or not for this processor\n", name);
            continue;
        }
        test_kernels(name, attention, 1e-2, &b, 11);
        test_kernels(name, NULL, 1e-4, &b, 11);
    }
    if (argc < 2)
        puts("# left out: the comparison with PyTorch; give its folder");
    free(b.x);
    printf("# %d failed\n", failed);
    return failed != 0;
}
