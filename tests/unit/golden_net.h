/* golden_net.h - networks with the parameters of golden values, which other programs computed with the
 * same ones. For test_keras.c and test_optim.c. */
#ifndef SER_TEST_GOLDEN_NET_H
#define SER_TEST_GOLDEN_NET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"

/* The rule of each make.py: n numbers from -1 to 1. */
static inline void numbers(float *to, size_t n, int start) {
    for (size_t i = 0; i < n; i++)
        to[i] = (float)((double)(((size_t)start * 131 + i * 71) % 41) / 20 - 1);
}

/* The caller frees it; the program ends where the text is no network. */
static inline struct ser_net *build(const char *text, const struct ser_input *in, int classes) {
    char why[SER_WHY];
    struct ser_net *net = ser_net_build(text, strlen(text), in, classes, why);
    if (!net) {
        fprintf(stderr, "%s: %s\n", text, why);
        exit(1);
    }
    return net;
}

#endif
