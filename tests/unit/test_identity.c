/* test_identity - a training with the plain kernels ends in the same bytes on any x86-64.
 *
 * The sums below were made by this program on a processor with AVX-512. Another instruction set,
 * compiler, C library or number of threads must come to the same
 * ones: tests/identity.bats builds it for
 * several sets. A change of the arithmetic changes it, and the bytes of everybody's models: take
 * the new one over only for a reason, and say so in the commit.
 */
#include "check.h"
#include "math/rng.h"
#include "nn/nn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED 0xbefb407e0c9c989eULL

/* With samples that are varied and mixed, weights that decay and are averaged. */
#define EXPECTED_CHANGED 0x10488c5d2e74f2a8ULL

/* The same with a teacher beside the labels. */
#define EXPECTED_TAUGHT 0x115d77cd4a595402ULL

enum { ROWS = 12, FRAMES = 20, CLASSES = 3, SAMPLES = 44, VALIDATION = 12 };

/* Every layer type that the plain kernels know. */
static const char text[] = "standardize\nconv 18 3x3 relu\nbatchnorm\nmaxpool 2x2\ndropout 0.25\n"
                           "conv 5 2x2\nreshape 32x5\nlstm 17 l2=1e-3\nattention dot\nbilstm 6\n"
                           "mean\ndense 9 relu\ndropout 0.4\ndense classes l2=1e-4\n";

static float data[SAMPLES + VALIDATION][ROWS * FRAMES];

static int get(void *ctx, size_t i, float *x, int *label) {
    size_t first = ctx ? SAMPLES : 0;
    memcpy(x, data[first + i], sizeof data[0]);
    *label = (int)((first + i) % CLASSES);
    return 0;
}

static uint64_t hash(uint64_t h, const void *bytes, size_t n) {
    for (const unsigned char *c = bytes; n--; c++)
        h = (h ^ *c) * 0x100000001b3ULL; /* FNV-1a */
    return h;
}

struct sum {
    uint64_t h;
};

static int progress(void *ctx, const struct ser_epoch *log, int b, int n) {
    struct sum *s = ctx;
    (void)b, (void)n;
    if (log) {
        const double seen[] = {log->lr, log->loss, log->accuracy, log->val_loss, log->val_accuracy};
        s->h = hash(s->h, seen, sizeof seen);
    }
    return 0;
}

static int frames(void *ctx, size_t i) {
    (void)ctx;
    return (int)(i % FRAMES) + 1;
}

/* All that may change samples. */
static int change(struct ser_run *run) {
    static const float mean[ROWS] = {0.5f, 1}, gain[ROWS] = {1, 0.3f};
    const struct ser_changes all = {
        .variation = {.warp_bands = 0.2,
                      .warp_time = 0.15,
                      .gain_db = 2,
                      .filter_db = 3,
                      .shift = 3,
                      .mask_bands = 4,
                      .mask_frames = 5,
                      .masks = 2},
        .layout = {ROWS, FRAMES, 1, ROWS / 2, 2, mean, gain},
        .mix = 0.4,
    };
    return ser_run_change(run, &all);
}

static float soft[SAMPLES * CLASSES];

static uint64_t train(int threads, int changed, int taught) {
    char why[SER_WHY] = "";
    struct ser_net *net = ser_net_parse(text, strlen(text), ROWS, FRAMES, CLASSES, why);
    struct ser_run *run =
        net ? ser_run_new(net, ser_kernels_find("plain"), 20, threads, 1, why) : NULL;
    const double often[SAMPLES] = {
        [0] = 4, [3] = 0.5, [8] = SAMPLES - 9.5, [20] = 2.25, [40] = 2.75};
    struct ser_fit_options o = {.epochs = 4,
                                .batch = 20, /* ragged shards and a ragged batch */
                                .lr = 3e-3,
                                .lr_patience = 1,
                                .lr_factor = 0.5,
                                .min_lr = 1e-5,
                                .seed = 7,
                                .warmup = 2,
                                .clip_norm = 1};
    struct ser_data part = {.n = SAMPLES, .get = get, .frames = frames};
    const struct ser_data val = {.n = VALIDATION, .get = get, .ctx = data};
    struct ser_loss loss = {.smoothing = 0.1f, .weight = {1, 0.5f, 2}};
    if (taught) {
        loss.soft = soft;
        loss.soft_weight = 0.7f;
        loss.samples = SAMPLES;
    }
    struct ser_fit fit;
    struct sum s = {0xcbf29ce484222325ULL};
    if (changed) {
        o.decay = 0.1;
        o.ema = 0.9;
        part.often = often;
    }
    if (!run || (changed && change(run)) || ser_fit_new(&fit, net, &o)) {
        printf("not ok - %s\n", why);
        exit(1);
    }
    ser_net_init(net, 3);
    ser_run_loss(run, &loss);
    int bad = ser_net_fit(net, &part, why) ||
              ser_fit_run(&fit, net, run, &part, &val, &o, progress, &s, why);
    check(!bad && fit.epoch == o.epochs, "%d epochs with %d threads %s", fit.epoch, threads,
          bad ? why : "");
    for (int i = 0; i < net->params; i++) {
        size_t bytes = net->param[i].n * sizeof(float);
        s.h = hash(s.h, net->param[i].value, bytes);
        if (net->param[i].trained) {
            s.h = hash(s.h, fit.adam.m[i], bytes);
            s.h = hash(s.h, fit.adam.v[i], bytes);
            if (changed)
                s.h = hash(s.h, fit.average[i], bytes);
        }
    }
    ser_fit_free(&fit, net);
    ser_run_free(run);
    ser_net_free(net);
    return s.h;
}

int main(void) {
    struct ser_key key = ser_key(1, SER_PURPOSE_BOOTSTRAP, 0, 0);
    for (size_t i = 0; i < SAMPLES + VALIDATION; i++)
        for (size_t j = 0; j < ROWS * FRAMES; j++)
            data[i][j] = (float)ser_normal(key, i * ROWS * FRAMES + j) + (float)(i % CLASSES);
    for (size_t i = 0; i < SAMPLES; i++) { /* sixteenths: a sum of exactly 1 */
        soft[i * CLASSES] = (float)(i % 8) / 16;
        soft[i * CLASSES + 1] = (float)(i % 5) / 16;
        soft[i * CLASSES + 2] = 1 - soft[i * CLASSES] - soft[i * CLASSES + 1];
    }
    for (int threads = 1; threads <= 3; threads++) {
        uint64_t h = train(threads, 0, 0);
        check(h == EXPECTED, "with %d threads: %016llx", threads, (unsigned long long)h);
        h = train(threads, 1, 0);
        check(h == EXPECTED_CHANGED, "changed, with %d threads: %016llx", threads,
              (unsigned long long)h);
        h = train(threads, 1, 1);
        check(h == EXPECTED_TAUGHT, "taught, with %d threads: %016llx", threads,
              (unsigned long long)h);
    }
    return failed != 0;
}
