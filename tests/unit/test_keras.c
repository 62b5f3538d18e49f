/* test_keras - layers, loss, optimiser and callbacks against what Keras computes: the numbers of
 * tests/golden/keras, which make.py there has made. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../golden/keras/keras.h"
#include "check.h"
#include "golden_net.h"
#include "nn/nn.h"

enum { STEPS = 5, CHANNELS = 2 };

static struct ser_run *start(struct ser_net *net, const char *kernels, int batch, int training) {
    char why[SER_WHY];
    struct ser_run *r = ser_run_new(net, ser_kernels_find(kernels), batch, 1, training, why);
    if (!r) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    return r;
}

static double worst(const float *got, const double *want, size_t n) {
    double d = 0;
    for (size_t i = 0; i < n; i++)
        d = fmax(d, fabs(got[i] - want[i]));
    return d;
}

/* The output of a layer for one sequence, with the weights of make.py: where Keras has one array
 * for each direction, ours has both, one behind the other. */
static void test_rows(const char *kernels, const char *layer, int directions, const double *want,
                      size_t n) {
    const struct ser_input in = {{2, {STEPS, CHANNELS}}, 0, 2};
    char text[100];
    float x[STEPS * CHANNELS], p[64];
    snprintf(text, sizeof text, "%s\nreshape %zu\ndense classes\n", layer, n);
    struct ser_net *net = build(text, &in, (int)n);
    numbers(x, STEPS * CHANNELS, 0);
    for (int i = 0; i + 2 < net->params; i++) {
        struct ser_param *q = &net->param[i];
        size_t one = q->n / (size_t)directions;
        for (int d = 0; d < directions; d++)
            numbers(q->value + (size_t)d * one, one, 1 + i + d * (net->params - 2));
    }
    struct ser_param *w = &net->param[net->params - 2]; /* of dense: passes its input on */
    for (size_t i = 0; i < n; i++)
        w->value[i * n + i] = 1;
    struct ser_run *r = start(net, kernels, 1, 0);
    ser_run_predict(r, x, 1, p);
    double d = worst(ser_run_logits(r), want, n);
    check(d < 1e-6, "%s: %s gives Keras' rows, %.1e", kernels, layer, d);
    ser_run_free(r);
    ser_net_free(net);
}

/* ---- a dense layer on five samples ---- */

enum { N = 5, IN = 3, K = 4 };
static const int label[N] = {0, 3, 1, 1, 2};

static struct ser_net *dense(void) {
    const struct ser_input in = {{1, {IN}}, -1, 1};
    struct ser_net *net = build("dense classes\n", &in, K);
    numbers(net->param[0].value, IN * K, 1);
    numbers(net->param[1].value, K, 2);
    return net;
}

static void test_loss(const char *kernels) {
    float x[N * IN], p[N * K];
    const struct {
        float smoothing;
        double want;
    } at[] = {{0, keras_loss_0[0]}, {0.1f, keras_loss_1[0]}};
    numbers(x, N * IN, 0);
    for (int i = 0; i < 2; i++) {
        struct ser_net *net = dense();
        struct ser_run *r = start(net, kernels, N, 1);
        struct ser_loss loss = {.smoothing = at[i].smoothing};
        for (int k = 0; k < K; k++)
            loss.weight[k] = 1;
        ser_run_loss(r, &loss);
        double train = ser_run_gradients(r, x, label, N, NULL, p);
        ser_run_predict(r, x, N, p);
        double val = ser_run_validation_loss(r, label, N);
        check(fabs(train - at[i].want) < 1e-6 && fabs(val - at[i].want) < 1e-6,
              "%s: cross-entropy, smoothing %.1f: %.9g and %.9g, Keras %.9g", kernels,
              (double)at[i].smoothing, train, val, at[i].want);
        ser_run_free(r);
        ser_net_free(net);
    }
}

static void test_adam(const char *kernels) {
    enum { ALL = IN * K + K };
    float x[N * IN], p[N * K], got[ALL];
    struct ser_net *net = dense();
    struct ser_run *r = start(net, kernels, N, 1);
    struct ser_adam a;
    if (ser_adam_new(&a, net))
        exit(1);
    numbers(x, N * IN, 0);
    for (int step = 0; step < 4; step++) {
        ser_run_gradients(r, x, label, N, NULL, p);
        ser_adam_step(&a, net, r, 0.05);
        memcpy(got, net->param[0].value, IN * K * sizeof *got);
        memcpy(got + IN * K, net->param[1].value, K * sizeof *got);
        double d = worst(got, keras_adam + step * ALL, ALL);
        check(d < 3e-6, "%s: weights after step %d of Adam, %.1e", kernels, step + 1, d);
    }
    ser_adam_free(&a, net);
    ser_run_free(r);
    ser_net_free(net);
}

/* Early stopping, plateau and keeping the best, epoch by epoch. */
static void test_callbacks(void) {
    const struct ser_fit_options o = {.epochs = 30,
                                      .batch = 1,
                                      .lr = 0.05,
                                      .patience = 6,
                                      .lr_patience = 2,
                                      .lr_factor = 0.5,
                                      .min_lr = 0.01};
    struct ser_net *net = dense();
    size_t rows = sizeof keras_callbacks / sizeof *keras_callbacks / 5, row = 0, stops = 0,
           cuts = 0;
    int wrong = 0;
    for (int run = 0; run < 4; run++) {
        struct ser_fit f;
        float loss[31], accuracy[31];
        if (ser_fit_new(&f, net, &o))
            exit(1);
        numbers(loss, 31, run);
        numbers(accuracy, 31, run + 9);
        for (; row < rows && (int)keras_callbacks[row * 5] == run; row++) {
            const double *want = keras_callbacks + row * 5;
            int epoch = (int)want[1] - 1;
            struct ser_epoch log = {.epoch = epoch + 1,
                                    .lr = f.lr,
                                    .val_loss =
                                        loss[epoch] / 4 + 2 - (float)(0.02 * epoch * (run % 2)),
                                    .val_accuracy = accuracy[epoch] / 2 + 0.5f};
            f.epoch = epoch + 1;
            ser_fit_judge(&f, &o, &log);
            wrong += fabs(log.lr - want[2]) > 1e-6 * want[2] || log.improved != (int)want[3] ||
                     log.stopped != (int)want[4];
            stops += (size_t)log.stopped;
            cuts += (size_t)log.reduced;
        }
        ser_fit_free(&f, net);
    }
    check(!wrong && row == rows && stops && cuts,
          "callbacks: %zu epochs with %zu cuts and %zu stops, %d other than Keras'", rows, cuts,
          stops, wrong);
    ser_net_free(net);
}

int main(void) {
    static const char *const kernels[] = {"plain", "fast"};
#define ROWS(k, layer, directions, want)                                                           \
    test_rows(k, layer, directions, want, sizeof(want) / sizeof *(want))
    for (int i = 0; i < 2; i++) {
        ROWS(kernels[i], "lstm 3", 1, keras_lstm);
        ROWS(kernels[i], "bilstm 2", 2, keras_bilstm);
        ROWS(kernels[i], "attention dot", 1, keras_attention);
        test_loss(kernels[i]);
        test_adam(kernels[i]);
    }
    test_callbacks();
    printf("# %d failed\n", failed);
    return failed != 0;
}
