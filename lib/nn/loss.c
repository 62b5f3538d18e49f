#include "nn/loss.h"
#include "math/mathfun.h"
#include "nn/nn.h"

SER_CLONES void ser_softmax(float *x, size_t rows, int n) {
    for (size_t r = 0; r < rows; r++, x += n) {
        float top = x[0], sum = 0;
        for (int i = 1; i < n; i++)
            top = x[i] > top ? x[i] : top;
        for (int i = 0; i < n; i += SER_LANES) {
            int lanes = ser_lanes(i, n);
            ser_store(x + i, ser_vexp(ser_load(x + i, lanes) - top), lanes);
        }
        for (int i = 0; i < n; i++)
            sum += x[i];
        for (int i = 0; i < n; i++)
            x[i] /= sum;
    }
}

/* -ln p[k] for p = softmax(z); not a number stays one. A small p has lost its digits, or is nothing
 * but the least value of ser_vexp, so there the logits z are asked:
 *
 *   p[k] = p[top] e^(z[k] - z[top])
 */
static double minus_log(const float *z, const float *p, int k, int K) {
    int top = 0;
    if (!(p[k] < 1e-7))
        return p[k] > 0 ? -ser_ln(p[k]) : p[k];
    for (int i = 1; i < K; i++)
        top = z[i] > z[top] ? i : top;
    return (double)z[top] - z[k] - ser_ln(p[top]);
}

/* The soft target of the sample at that place; NULL: it has none. */
static const float *soft_of(const struct ser_loss *loss, const size_t *place, int K) {
    return loss->soft && place ? loss->soft + *place % loss->samples * (size_t)K : NULL;
}

double ser_mean_loss(const struct ser_loss *loss, const float *z, const float *p, const int *label,
                     const size_t *place, const float *share, int B, int K) {
    double sum = 0;
    for (int b = 0; b < B; b++, z += K, p += K) {
        const float *soft = soft_of(loss, place ? place + b : NULL, K);
        double own = minus_log(z, p, label[b], K), all = 0, taught = 0;
        for (int k = 0; k < K && loss->smoothing > 0; k++)
            all += minus_log(z, p, k, K) / K;
        double of = (1 - loss->smoothing) * own + loss->smoothing * all;
        for (int k = 0; k < K && soft; k++)
            taught += soft[k] * minus_log(z, p, k, K);
        if (soft)
            of = (1 - loss->soft_weight) * of + loss->soft_weight * taught;
        sum += (share ? share[b] : 1) * loss->weight[label[b]] * of;
    }
    return sum / B;
}

/* Of cross-entropy after softmax: p - target. */
void ser_loss_gradient(const struct ser_loss *loss, const float *p, int label, const size_t *place,
                       int B, int K, float *d) {
    const float *soft = soft_of(loss, place, K);
    for (int k = 0; k < K; k++) {
        float target = (1 - loss->smoothing) * (k == label) + loss->smoothing / (float)K;
        if (soft)
            target = (1 - loss->soft_weight) * target + loss->soft_weight * soft[k];
        d[k] = loss->weight[label] * (p[k] - target) / (float)B;
    }
}
