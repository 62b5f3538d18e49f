#include "nn/head.h"

#include "math/mathfun.h"

#include <math.h>
#include <stdlib.h>

/* y [rows] = W [rows,columns] x + b */
static void apply(const float *W, const float *b, int rows, int columns, const float *x, float *y) {
    for (int i = 0; i < rows; i++) {
        double sum = b[i];
        for (int j = 0; j < columns; j++)
            sum += (double)W[(long)i * columns + j] * x[j];
        y[i] = (float)sum;
    }
}

/* The hyperbolic tangent, as exact as a float is; that of the C library has other bytes on other machines. */
static double tangent(double x) {
    return isnan(x) ? x : 1 - 2 / (1 + ser_exp(2 * x));
}

/* The sum of the hidden states, weighted by the softmax of the weights. */
static void mix(const struct ser_head *h, const float *mean, float *x) {
    double most = h->weight[0], all = 0;
    for (int i = 1; i < h->states; i++)
        most = h->weight[i] > most ? h->weight[i] : most;
    for (int i = 0; i < h->states; i++)
        all += ser_exp(h->weight[i] - most);
    for (int j = 0; j < h->width; j++) {
        double sum = 0;
        for (int i = 0; i < h->states; i++)
            sum += ser_exp(h->weight[i] - most) / all * mean[(long)i * h->width + j];
        x[j] = (float)sum;
    }
}

void ser_head_run(const struct ser_head *h, const float *mean, float *work, float *y) {
    float *inner = work + h->width;
    if (h->weight) {
        mix(h, mean, work);
        mean = work;
    }
    apply(h->U, h->u, h->inner, h->width, mean, inner);
    for (int i = 0; h->numbers && i < h->inner; i++)
        inner[i] = (float)tangent(inner[i]);
    apply(h->V, h->v, h->outputs, h->inner, inner, y);
}

void ser_head_free(struct ser_head *h) {
    free(h->weight);
    free(h->U);
    free(h->u);
    free(h->V);
    free(h->v);
    *h = (struct ser_head){0};
}
