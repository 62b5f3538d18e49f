#include "metrics.h"

#include <math.h>

static double ratio(double a, double b) {
    return b > 0 ? a / b : 0;
}

static struct ser_class_score score_class(const size_t *confusion, int K, int c) {
    struct ser_class_score s = {0};
    size_t hit = confusion[c * K + c];
    for (int j = 0; j < K; j++) {
        s.support += confusion[c * K + j];
        s.predicted += confusion[j * K + c];
    }
    s.precision = ratio((double)hit, (double)s.predicted);
    s.recall = ratio((double)hit, (double)s.support);
    s.f1 = ratio(2.0 * (double)hit, (double)(s.support + s.predicted)); /* 2PR / (P + R) */
    return s;
}

struct ser_scores ser_score_confusion(const size_t *confusion, int K,
                                      struct ser_class_score *class) {
    struct ser_scores s = {0};
    size_t hits = 0;
    int in_truth = 0, seen = 0;
    for (int c = 0; c < K; c++) {
        struct ser_class_score k = score_class(confusion, K, c);
        hits += confusion[c * K + c];
        s.n += k.support;
        s.ua += k.recall;
        s.macro_f1 += k.f1;
        s.weighted_f1 += k.f1 * (double)k.support;
        in_truth += k.support > 0;
        seen += k.support + k.predicted > 0;
        if (class)
            class[c] = k;
    }
    s.wa = ratio((double)hits, (double)s.n);
    s.ua = ratio(s.ua, in_truth);
    s.macro_f1 = ratio(s.macro_f1, seen);
    s.weighted_f1 = ratio(s.weighted_f1, (double)s.n);
    return s;
}

void ser_mean_deviation(const double *v, size_t n, double *mean, double *deviation) {
    double m = 0, d = 0;
    for (size_t i = 0; i < n; i++)
        m += v[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        d += (v[i] - m) * (v[i] - m);
    *mean = m;
    *deviation = n > 1 ? sqrt(d / (double)(n - 1)) : 0;
}
