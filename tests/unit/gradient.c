/* gradient - whether the gradients of any network are those of its loss: for who writes a layer.
 *
 * usage: gradient ROWS FRAMES CLASSES <NETWORK
 * Each gradient is compared with differences of the loss, in training mode and without dropout. The
 * loss has single precision, so an error of a hundredth of the largest slope is let pass. Leave out
 * what has a kink, as relu and maxpool: a difference across it is no slope (test_nn.c takes steps
 * small enough, in double precision).
 */
#include "check.h"
#include "math/rng.h"
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { B = 11, TRIES = 40, MAX_INPUT = 1 << 16 };

static float x[B * MAX_INPUT];
static int label[B];

static double loss(struct ser_run *r, const struct ser_net *net) {
    return ser_run_gradients(r, x, label, B, NULL, NULL) + ser_net_penalty(net);
}

/* Some elements of a parameter. */
static void check_param(struct ser_run *r, struct ser_net *net, int i) {
    struct ser_param *p = &net->param[i];
    float *g = malloc(p->n * sizeof *g), step = 1e-2f;
    double error = 0, largest = 1e-3;
    if (!g)
        exit(1);
    loss(r, net);
    memcpy(g, ser_run_gradient(r, i), p->n * sizeof *g);
    for (size_t j = 0; j < p->n; j += p->n / TRIES + 1) {
        float was = p->value[j];
        p->value[j] = was + step;
        double up = loss(r, net);
        p->value[j] = was - step;
        double slope = (up - loss(r, net)) / (2 * (double)step);
        p->value[j] = was;
        double d = fabs(slope - g[j]);
        error = d <= error ? error : d > error ? d : INFINITY;
        largest = fmax(largest, fabs(slope));
    }
    check(error < 1e-2 * largest, "%s: slopes up to %.2g, error %.2g", p->name, largest, error);
    free(g);
}

int main(int argc, char **argv) {
    char text[65536], why[SER_WHY] = "usage: gradient ROWS FRAMES CLASSES <NETWORK";
    size_t len = fread(text, 1, sizeof text, stdin);
    int size[3] = {0};
    for (int i = 0; i < 3 && argc == 4; i++)
        size[i] = atoi(argv[i + 1]);
    struct ser_net *net =
        argc == 4 ? ser_net_parse(text, len, size[0], size[1], size[2], why) : NULL;
    struct ser_run *r =
        net && ser_shape_size(&net->input) <= MAX_INPUT
            ? ser_run_new(net, ser_kernels_find(ser_kernels_default()), B, 2, 1, why)
            : NULL;
    if (!r) {
        printf("not ok - %s\n", why);
        return 1;
    }
    struct ser_key key = ser_key(1, SER_PURPOSE_BOOTSTRAP, 0, 0);
    for (size_t i = 0; i < B * ser_shape_size(&net->input); i++)
        x[i] = (float)ser_normal(key, i);
    for (int b = 0; b < B; b++)
        label[b] = b % size[2];
    ser_net_init(net, 1);
    for (int i = 0; i < net->params; i++)
        if (net->param[i].trained)
            check_param(r, net, i);
    ser_run_free(r);
    ser_net_free(net);
    return failed != 0;
}
