/* forward.h - a network that was accepted also runs. */
#ifndef FUZZ_FORWARD_H
#define FUZZ_FORWARD_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

/* Whether one pass takes no more than some milliseconds. */
static inline int fuzz_is_small(const struct ser_net *net) {
    size_t outputs = ser_shape_size(&net->input), params = ser_net_count(net, NULL);
    for (int i = 0; i < net->layers; i++)
        outputs += ser_shape_size(&net->layer[i].out);
    return outputs <= 4096 && params <= 4096 && outputs * params <= 1 << 20;
}

/* Predicts a batch of two, and learns from it when training: probabilities are probabilities, or
 * not finite where the parameters are absurd. */
static inline void fuzz_forward(struct ser_net *net, int training) {
    char why[SER_WHY];
    size_t n = ser_shape_size(&net->input), K = (size_t)net->classes;
    const int label[2] = {0, net->classes - 1}, frames[2] = {1, 3}; /* where they are masked */
    float *x = calloc(2 * n, sizeof *x), *p = calloc(2 * K, sizeof *p);
    struct ser_run *r = ser_run_new(net, ser_kernels_find("plain"), 2, 1, training, why);
    if (!x || !p || !r)
        abort();
    for (size_t i = 0; i < 2 * n; i++)
        x[i] = (float)(i % 7) - 3;
    ser_run_frames(r, frames);
    ser_run_predict(r, x, 2, p);
    for (int b = 0; b < 2; b++) {
        double sum = 0;
        for (size_t k = 0; k < K; k++)
            sum += p[(size_t)b * K + k];
        if (isfinite(sum) && fabs(sum - 1) > 1e-3)
            abort();
    }
    if (training)
        (void)ser_run_gradients(r, x, label, 2, NULL, p);
    ser_run_free(r);
    free(x);
    free(p);
}

#endif
