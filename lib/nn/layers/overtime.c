/* From a sequence to a vector: x [N,T,C] -> y [N,C], the mean over time or the last step. */
#include "nn/layer.h"
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    (void)net;
    if (n != 1)
        return ser_refuse(why, "usage: %s", l->type->usage);
    if (l->in.rank != 2)
        return ser_refuse(why, "%s needs a sequence; put 'reshape TxC' before", words[0]);
    l->out = (struct ser_shape){1, {l->in.dim[1]}};
    return 0;
}

static void mean_forward(const struct ser_pass *p) {
    int T = p->layer->in.dim[0], C = p->layer->in.dim[1];
    const float *x = p->x;
    for (int n = 0; n < p->N; n++) {
        float *y = p->y + (size_t)n * C;
        memset(y, 0, (size_t)C * sizeof *y);
        for (int t = 0; t < T; t++, x += C)
            for (int c = 0; c < C; c++)
                y[c] += x[c];
        for (int c = 0; c < C; c++)
            y[c] /= (float)T;
    }
}

static void mean_backward(const struct ser_pass *p) {
    int T = p->layer->in.dim[0], C = p->layer->in.dim[1];
    float *dx = p->dx;
    for (int n = 0; dx && n < p->N; n++)
        for (int t = 0; t < T; t++, dx += C)
            for (int c = 0; c < C; c++)
                dx[c] = p->dy[(size_t)n * C + c] / (float)T;
}

static void last_forward(const struct ser_pass *p) {
    size_t T = (size_t)p->layer->in.dim[0], C = (size_t)p->layer->in.dim[1];
    for (int n = 0; n < p->N; n++)
        memcpy(p->y + n * C, p->x + (n * T + T - 1) * C, C * sizeof(float));
}

static void last_backward(const struct ser_pass *p) {
    size_t T = (size_t)p->layer->in.dim[0], C = (size_t)p->layer->in.dim[1];
    for (int n = 0; p->dx && n < p->N; n++) {
        memset(p->dx + n * T * C, 0, (T - 1) * C * sizeof(float));
        memcpy(p->dx + (n * T + T - 1) * C, p->dy + n * C, C * sizeof(float));
    }
}

const struct ser_layer_type ser_layer_mean = {
    .name = "mean",
    .usage = "mean",
    .setup = setup,
    .forward = mean_forward,
    .backward = mean_backward,
};

const struct ser_layer_type ser_layer_last = {
    .name = "last",
    .usage = "last",
    .setup = setup,
    .forward = last_forward,
    .backward = last_backward,
};
