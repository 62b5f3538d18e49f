/* In training, adds to each number one that is normally distributed with the deviation on the
 * layer's line (Keras' GaussianNoise); x, y of any shape. Which numbers: those that the seed, the
 * epoch, the layer, the sample's place in the training data and the element say, as for dropout. */
#include "nn/layer.h"
#include "nn/layers/dropout.h"
#include <string.h>

static int setup(struct ser_net *net, struct ser_layer *l, int n, char **words, char why[SER_WHY]) {
    double deviation;
    (void)net;
    if (n != 2 || ser_word_number(words[1], 0, 1e6, &deviation))
        return ser_refuse(why, "usage: %s", l->type->usage);
    l->rate = (float)deviation;
    l->out = l->in;
    return 0;
}

static void forward(const struct ser_pass *p) {
    size_t n = ser_shape_size(&p->layer->in);
    memcpy(p->y, p->x, (size_t)p->N * n * sizeof *p->y);
    for (int i = 0; p->dropout && i < p->N; i++) {
        struct ser_key key = ser_dropout_key(p->dropout, p->layer->index);
        for (size_t j = 0; j < n; j++)
            p->y[i * n + j] += p->layer->rate * (float)ser_normal(key, p->place[i] * n + j);
    }
}

static void backward(const struct ser_pass *p) {
    size_t n = (size_t)p->N * ser_shape_size(&p->layer->in);
    if (p->dx)
        memcpy(p->dx, p->dy, n * sizeof *p->dx);
}

const struct ser_layer_type ser_layer_noise = {
    .name = "noise",
    .usage = "noise DEVIATION",
    .in_place = 1,
    .idle = 1,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
