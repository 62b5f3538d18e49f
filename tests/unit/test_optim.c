/* AdamW against what PyTorch computes (tests/golden/torch, which make.py there has made), which
 * parameters decay, averages of the weights beside a definition written out, which samples an epoch
 * has, and batch normalisation that is frozen.
 *
 * usage: test_optim
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../golden/torch/torch.h"
#include "check.h"
#include "golden_net.h"
#include "nn/nn.h"

static struct ser_run *start(struct ser_net *net, int batch, int threads) {
    char why[SER_WHY];
    struct ser_run *r = ser_run_new(net, ser_kernels_find("plain"), batch, threads, 1, why);
    if (!r) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    return r;
}

/* ---- AdamW ---- */

enum { N = 5, IN = 3, K = 4, ALL = IN * K + K };

static void test_adamw(double decay, const double *want) {
    static const int label[N] = {0, 3, 1, 1, 2};
    const struct ser_input in = {{1, {IN}}, -1, 1};
    struct ser_net *net = build("dense classes\n", &in, K);
    struct ser_run *r = start(net, N, 1);
    struct ser_adam a;
    float x[N * IN];
    double worst = 0;
    if (ser_adam_new(&a, net))
        exit(1);
    a.decay = decay;
    numbers(x, N * IN, 0);
    numbers(net->param[0].value, IN * K, 1);
    numbers(net->param[1].value, K, 2);
    for (int step = 1; step <= 20; step++) {
        ser_run_gradients(r, x, label, N, NULL, NULL);
        ser_adam_step(&a, net, r, 0.01);
        if (step != 1 && step != 5 && step != 20)
            continue;
        for (int i = 0; i < ALL; i++) {
            int bias = i >= IN * K;
            double d = net->param[bias].value[bias ? i - IN * K : i] - *want++;
            worst = fmax(worst, fabs(d));
        }
    }
    check(worst < 1e-6, "decay %g: weights as PyTorch's AdamW makes them, %.1e", decay, worst);
    ser_adam_free(&a, net);
    ser_run_free(r);
    ser_net_free(net);
}

/* One step with and without decay: the difference is what decayed. */
static void test_what_decays(void) {
    static const char text[] =
        "standardize\nconv 2 2x2\nbatchnorm\ntimemajor\nlayernorm\nbilstm 2\n"
        "bigru 2\nlstm 3\nattend 1\ndense classes\n";
    const struct ser_input in = {{3, {4, 6, 1}}, 1, 2};
    const int label[2] = {0, 1};
    float x[2 * 24], before[40][512] = {{0}};
    struct ser_net *net[2];
    numbers(x, 48, 5);
    for (int i = 0; i < 2; i++) {
        struct ser_adam a;
        net[i] = build(text, &in, 2);
        ser_net_init(net[i], 4);
        for (int k = 0; k < net[i]->params; k++) /* none is 0 */
            for (size_t j = 0; j < net[i]->param[k].n; j++)
                before[k][j] = net[i]->param[k].value[j] += 1;
        struct ser_run *r = start(net[i], 2, 1);
        if (ser_adam_new(&a, net[i]))
            exit(1);
        a.decay = i ? 0.5 : 0;
        ser_run_gradients(r, x, label, 2, NULL, NULL);
        ser_adam_step(&a, net[i], r, 0.1);
        ser_adam_free(&a, net[i]);
        ser_run_free(r);
    }
    int good = 1, some = 0;
    for (int k = 0; k < net[0]->params; k++) {
        const struct ser_param *p = &net[0]->param[k], *q = &net[1]->param[k];
        const char *what = strchr(p->name, '.') + 1;
        int weight = *what == 'w' || *what == 'u' || *what == 'v';
        weight &= p->trained;
        some += weight;
        for (size_t j = 0; j < p->n; j++) {
            double gone = p->value[j] - q->value[j];
            good &= weight ? fabs(gone - 0.05 * before[k][j]) < 1e-6 : gone == 0;
        }
    }
    check(good && some > 8, "weights decay, biases, gains and statistics do not");
    ser_net_free(net[0]);
    ser_net_free(net[1]);
}

/* ---- averages ---- */

enum { SAMPLES = 12, SIZE = 4, CLASSES = 2, EPOCHS = 6, BATCH = 5, PARAMS = 8, MOST = 64 };

static float sample[SAMPLES * SIZE];

static int get(void *ctx, size_t i, float *x, int *label) {
    int *drawn = ctx;
    memcpy(x, sample + i * SIZE, SIZE * sizeof *x);
    *label = sample[i * SIZE] + sample[i * SIZE + 1] > 0;
    if (drawn)
        drawn[i]++;
    return 0;
}

/* The weights after each step, and the statistics that a pass over the data gives averages. */
struct trail {
    struct ser_net *net;
    float after[EPOCHS * 3][PARAMS * MOST];
    int steps;
};

static int follow(void *ctx, const struct ser_epoch *log, int b, int n) {
    struct trail *t = ctx;
    (void)n;
    (void)b;
    if (log)
        return 0;
    for (int k = 0; k < t->net->params; k++)
        memcpy(t->after[t->steps] + k * MOST, t->net->param[k].value,
               t->net->param[k].n * sizeof(float));
    t->steps++;
    return 0;
}

static const char averaged_net[] = "dense 3\nbatchnorm\nrelu\ndense classes\n";

/* Trains with the options; what is kept is in f->best. */
static struct trail *train(struct ser_fit *f, const struct ser_fit_options *o, int threads) {
    const struct ser_input in = {{1, {SIZE}}, -1, 1};
    const struct ser_data data = {.n = SAMPLES, .get = get}, none = {0};
    struct trail *t = calloc(1, sizeof *t);
    char why[SER_WHY] = "";
    if (!t)
        exit(1);
    t->net = build(averaged_net, &in, CLASSES);
    ser_net_init(t->net, 2);
    struct ser_run *r = start(t->net, BATCH, threads);
    if (ser_fit_new(f, t->net, o) || ser_fit_run(f, t->net, r, &data, &none, o, follow, t, why))
        check(0, "training fails: %s", why);
    ser_run_free(r);
    return t;
}

static void end(struct trail *t, struct ser_fit *f) {
    ser_fit_free(f, t->net);
    ser_net_free(t->net);
    free(t);
}

/* What the batch normalisation's statistics are for the weights in net: the mean over batches, each
 * as heavy as it has samples, of their means and variances. */
static void statistics(const struct ser_net *net, double mean[3], double var[3]) {
    memset(mean, 0, 3 * sizeof *mean);
    memset(var, 0, 3 * sizeof *var);
    for (int first = 0; first < SAMPLES; first += BATCH) {
        int n = SAMPLES - first < BATCH ? SAMPLES - first : BATCH;
        for (int u = 0; u < 3; u++) {
            double sum = 0, squares = 0;
            for (int b = 0; b < n; b++) {
                double z = net->param[1].value[u];
                for (int i = 0; i < SIZE; i++)
                    z += (double)sample[(first + b) * SIZE + i] * net->param[0].value[i * 3 + u];
                sum += z;
                squares += z * z;
            }
            mean[u] += sum / SAMPLES;
            var[u] += (squares / n - sum / n * (sum / n)) * n / SAMPLES;
        }
    }
}

/* Whether what is kept is that average of the steps in t, with statistics of its own, and training
 * goes on with the weights themselves. */
static void compare(const char *what, struct trail *t, const struct ser_fit *f, int steps,
                    const double *share) {
    double worst = 0, mean[3], var[3];
    int stays = 1;
    for (int k = 0; k < t->net->params; k++)
        for (size_t j = 0; j < t->net->param[k].n && t->net->param[k].trained; j++) {
            double want = 0;
            for (int s = 0; s < steps; s++)
                want += share[s] * t->after[s][(size_t)k * MOST + j];
            worst = fmax(worst, fabs(f->best[k][j] - want));
            stays &= t->net->param[k].value[j] == t->after[steps - 1][(size_t)k * MOST + j];
        }
    check(worst < 1e-6, "%s: what is kept is the average of the weights, %.1e", what, worst);
    check(stays, "%s: training goes on with the weights", what);
    struct ser_net net = *t->net; /* with what is kept */
    for (int k = 0; k < net.params; k++)
        net.param[k].value = f->best[k];
    statistics(&net, mean, var);
    worst = 0;
    for (int u = 0; u < 3; u++)
        worst = fmax(worst, fmax(fabs(f->best[4][u] - mean[u]), fabs(f->best[5][u] - var[u])));
    check(worst < 1e-5, "%s: the statistics are those of the averages, %.1e", what, worst);
}

static void test_averages(void) {
    struct ser_fit_options o = {.epochs = EPOCHS,
                                .batch = BATCH,
                                .lr = 0.02,
                                .seed = 4,
                                .schedule = SER_CONSTANT,
                                .keep = SER_KEEP_LAST};
    struct ser_fit plain, f;
    double share[EPOCHS * 3] = {0};
    numbers(sample, SAMPLES * SIZE, 3);
    struct trail *whole = train(&plain, &o, 1), *t;

    o.ema = 0.7;
    t = train(&f, &o, 2);
    for (int s = 0; s < EPOCHS * 3; s++) {
        double stays = s / (s + 9.) < 0.7 ? s / (s + 9.) : 0.7;
        for (int i = 0; i < s; i++)
            share[i] *= stays;
        share[s] = 1 - stays;
    }
    compare("ema", t, &f, EPOCHS * 3, share);
    check(!memcmp(t->after, whole->after, sizeof t->after), "ema: the weights take the same way");
    end(t, &f);

    o.ema = 0;
    o.last = 3;
    t = train(&f, &o, 2);
    memset(share, 0, sizeof share);
    for (int e = EPOCHS - 3; e < EPOCHS; e++)
        share[3 * e + 2] = 1. / 3;
    compare("last", t, &f, EPOCHS * 3, share);
    check(!memcmp(t->after, whole->after, sizeof t->after), "last: the weights take the same way");
    end(t, &f);

    o.horizon = EPOCHS + 4; /* before the last three of these */
    t = train(&f, &o, 1);
    int same = 1;
    for (int k = 0; k < t->net->params; k++)
        same &= !memcmp(f.best[k], plain.best[k], t->net->param[k].n * sizeof(float));
    check(same, "last: before the last epochs it is the weights themselves");
    end(t, &f);
    end(whole, &plain);
}

/* ---- how often samples come ---- */

static void test_often(void) {
    static const double often[SAMPLES] = {0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 1, 1, 1, 1, 2.5, 3.5};
    const struct ser_input in = {{1, {SIZE}}, -1, 1};
    const struct ser_fit_options o = {
        .epochs = 400, .batch = BATCH, .lr = 1e-3, .schedule = SER_CONSTANT, .keep = SER_KEEP_LAST};
    int drawn[SAMPLES] = {0}, good = 1;
    const struct ser_data data = {.n = SAMPLES, .get = get, .ctx = drawn, .often = often},
                          none = {0};
    struct ser_net *net = build("dropout 0.5\ndense classes\n", &in, CLASSES);
    struct ser_run *r = start(net, BATCH, 1);
    struct ser_fit f;
    char why[SER_WHY] = "";
    ser_net_init(net, 1);
    struct ser_fit_options one = o;
    if (ser_fit_new(&f, net, &o))
        exit(1);
    for (int epoch = 1; epoch <= 400 && good; epoch++) {
        int before[SAMPLES], all = 0;
        memcpy(before, drawn, sizeof before);
        one.epochs = epoch;
        good &= !ser_fit_run(&f, net, r, &data, &none, &one, NULL, NULL, why);
        for (int i = 0; i < SAMPLES; i++) {
            int times = drawn[i] - before[i];
            good &= times == (int)often[i] || times == (int)ceil(often[i]) ||
                    (often[i] > 1 && abs(times - (int)often[i]) <= 1);
            all += times;
        }
        good &= all == SAMPLES;
    }
    check(good, "an epoch has as many samples as without, each about as often as it shall %s", why);
    double worst = 0;
    for (int i = 0; i < SAMPLES; i++)
        worst = fmax(worst, fabs(drawn[i] / 400. - often[i]));
    check(worst < 0.08, "over epochs each comes as often as it shall, within %.3f", worst);
    ser_fit_free(&f, net);
    ser_run_free(r);
    ser_net_free(net);
}

/* Whether all samples of the batch have other logits. */
static int all_differ(void *ctx, const struct ser_epoch *log, int b, int n) {
    const struct ser_run *r = *(struct ser_run **)ctx;
    const float *z = ser_run_logits(r);
    (void)b;
    (void)n;
    for (int i = 0; i < SAMPLES && !log; i++)
        for (int k = 0; k < i; k++)
            if (!memcmp(z + i * CLASSES, z + k * CLASSES, CLASSES * sizeof *z))
                return 1;
    return 0;
}

/* One that comes again in an epoch has other random numbers each time. */
static void test_again(void) {
    static const double often[SAMPLES] = {SAMPLES};
    const struct ser_input in = {{1, {SIZE}}, -1, 1};
    const struct ser_fit_options o = {
        .epochs = 1, .batch = SAMPLES, .lr = 1e-3, .schedule = SER_CONSTANT, .keep = SER_KEEP_LAST};
    int drawn[SAMPLES] = {0};
    const struct ser_data data = {.n = SAMPLES, .get = get, .ctx = drawn, .often = often},
                          none = {0};
    struct ser_net *net = build("dense 64\ndropout 0.5\ndense classes\n", &in, CLASSES);
    struct ser_run *r = start(net, SAMPLES, 2);
    struct ser_fit f;
    char why[SER_WHY];
    ser_net_init(net, 1);
    if (ser_fit_new(&f, net, &o))
        exit(1);
    int bad = ser_fit_run(&f, net, r, &data, &none, &o, all_differ, &r, why);
    check(!bad && f.epoch == 1 && drawn[0] == SAMPLES,
          "a sample that comes %d times in an epoch has other random numbers each time", drawn[0]);
    ser_fit_free(&f, net);
    ser_run_free(r);
    ser_net_free(net);
}

/* ---- frozen layers ---- */

/* With its batch normalisation frozen a network has in training the loss that it has outside, its
 * statistics stay, and the gradient is the slope of that loss, through the frozen layer, too. */
static void test_frozen(const char *kernels) {
    static const char text[] = "conv 3 2x2 relu\nbatchnorm\nmaxpool 2x2\nreshape 6\nbatchnorm\n"
                               "dense classes\n";
    enum { FROZEN = 6, SIDE = 5 };
    const struct ser_input in = {{3, {SIDE, 3, 1}}, 1, 2};
    static const int label[FROZEN] = {0, 1, 1, 0, 1, 0};
    float x[FROZEN * SIDE * 3], p[FROZEN * 2], before[16][32];
    struct ser_net *net = build(text, &in, 2);
    double want = 0, worst = 0;
    int stays = 1, absent = 1;
    ser_net_init(net, 3);
    numbers(x, sizeof x / sizeof *x, 6);
    for (int i = 0; i < net->params; i++) /* statistics that are not those of the batch */
        for (size_t j = 0; j < net->param[i].n; j++)
            before[i][j] = net->param[i].value[j] += (float)(i % 3) * 0.1f;
    for (int i = 0; i < net->layers; i++)
        if (!strncmp(net->layer[i].name, "batchnorm", 9)) {
            net->layer[i].frozen = 1;
            for (int k = 0; k < net->layer[i].params; k++)
                net->param[net->layer[i].first_param + k].trained = 0;
        }
    char why[SER_WHY];
    struct ser_run *r = ser_run_new(net, ser_kernels_find(kernels), FROZEN, 1, 1, why);
    if (!r)
        exit(1);
    double got = ser_run_gradients(r, x, label, FROZEN, NULL, NULL);
    ser_run_predict(r, x, FROZEN, p);
    for (int b = 0; b < FROZEN; b++)
        want -= log(p[b * 2 + label[b]]) / FROZEN;
    check(fabs(got - want) < 1e-6, "%s: frozen: the loss of training is %.7f, outside it %.7f",
          kernels, got, want);
    ser_run_statistics(r, x, FROZEN, 0);
    for (int i = 0; i < net->params; i++) {
        stays &= !memcmp(before[i], net->param[i].value, net->param[i].n * sizeof(float));
        ser_run_gradients(r, x, label, FROZEN, NULL, NULL);
        absent &= net->param[i].trained || !ser_run_gradient(r, i);
        for (size_t j = 0; net->param[i].trained && j < net->param[i].n; j++) {
            float *w = &net->param[i].value[j], was = *w;
            ser_run_gradients(r, x, label, FROZEN, NULL, NULL);
            double slope = ser_run_gradient(r, i)[j];
            *w = was + 1e-2f;
            double above = ser_run_gradients(r, x, label, FROZEN, NULL, NULL);
            *w = was - 1e-2f;
            double below = ser_run_gradients(r, x, label, FROZEN, NULL, NULL);
            *w = was;
            worst = fmax(worst, fabs(slope - (above - below) / 2e-2));
        }
    }
    check(stays && absent, "%s: frozen: statistics stay, and there is no gradient", kernels);
    check(worst < 2e-3, "%s: frozen: the other gradients are the loss's slope within %.1e", kernels,
          worst);
    ser_run_free(r);
    ser_net_free(net);
}

int main(void) {
    test_frozen("plain");
    test_frozen("fast");
    test_adamw(0, torch_adam);
    test_adamw(0.5, torch_adamw);
    test_what_decays();
    test_averages();
    test_often();
    test_again();
    printf("# %d failed\n", failed);
    return failed != 0;
}
