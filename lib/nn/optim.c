#include "math/simd.h"
#include "nn/layer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BETA1   0.9
#define BETA2   0.999
#define EPSILON 1e-7f

int ser_adam_new(struct ser_adam *a, const struct ser_net *net) {
    *a = (struct ser_adam){0};
    a->m = calloc((size_t)net->params + 1, sizeof *a->m);
    a->v = calloc((size_t)net->params + 1, sizeof *a->v);
    int bad = !a->m || !a->v;
    for (int i = 0; !bad && i < net->params; i++)
        if (net->param[i].trained) {
            a->m[i] = ser_allocate_zeroed(net->param[i].n * sizeof(float));
            a->v[i] = ser_allocate_zeroed(net->param[i].n * sizeof(float));
            bad = !a->m[i] || !a->v[i];
        }
    if (bad)
        ser_adam_free(a, net);
    return bad ? -1 : 0;
}

void ser_adam_free(struct ser_adam *a, const struct ser_net *net) {
    for (int i = 0; i < net->params; i++) {
        if (a->m)
            free(a->m[i]);
        if (a->v)
            free(a->v[i]);
    }
    free(a->m);
    free(a->v);
    *a = (struct ser_adam){0};
}

/* b^n by products alone: pow differs between C libraries. */
static double power(double b, uint64_t n) {
    double r = 1;
    for (; n; n >>= 1, b *= b)
        if (n & 1)
            r *= b;
    return r;
}

SER_CLONES static void update(float *w, float *m, float *v, const float *g, size_t n, float rate,
                              float keep) {
    const float b1 = (float)BETA1, b2 = (float)BETA2, c1 = (float)(1 - BETA1),
                c2 = (float)(1 - BETA2);
    for (size_t i = 0; i < n; i++) {
        m[i] = b1 * m[i] + c1 * g[i];
        v[i] = b2 * v[i] + c2 * (g[i] * g[i]);
        w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i]) + EPSILON);
    }
}

/* By what it is to its layer. */
static int decays(const struct ser_param *p) {
    const char *what = strchr(p->name, '.') + 1;
    return strcmp(what, "b") != 0 && strcmp(what, "gamma") != 0 && strcmp(what, "beta") != 0;
}

void ser_adam_step(struct ser_adam *a, struct ser_net *net, struct ser_run *r, double lr) {
    a->steps++;
    double rate = lr * sqrt(1 - power(BETA2, a->steps)) / (1 - power(BETA1, a->steps));
    for (int i = 0; i < net->params; i++) {
        const struct ser_param *p = &net->param[i];
        if (p->trained)
            update(p->value, a->m[i], a->v[i], ser_run_gradient(r, i), p->n, (float)rate,
                   decays(p) ? (float)(1 - lr * a->decay) : 1);
    }
}
