#include "math/metrics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/rng.h"

static double ratio(double a, double b) {
    return b > 0 ? a / b : 0;
}

/* ---- from confusion counts ---- */

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

/* ---- from probabilities ---- */

static double clip(double p) {
    return p < DBL_EPSILON ? DBL_EPSILON : p > 1 - DBL_EPSILON ? 1 - DBL_EPSILON : p;
}

static double log_loss(const double *p, int K, int truth) {
    double sum = 0;
    for (int k = 0; k < K; k++)
        sum += clip(p[k]);
    return -log(clip(p[truth]) / sum);
}

static double brier(const double *p, int K, int truth) {
    double sum = 0;
    for (int k = 0; k < K; k++)
        sum += (p[k] - (k == truth)) * (p[k] - (k == truth));
    return sum;
}

static int is_top2(const double *p, int K, int truth) {
    int above = 0;
    for (int k = 0; k < K; k++)
        above += p[k] > p[truth] || (k > truth && p[k] == p[truth]);
    return above < 2;
}

static int bin_of(double confidence) {
    int b = (int)ceil(confidence * SER_BINS) - 1;
    return b < 0 ? 0 : b >= SER_BINS ? SER_BINS - 1 : b;
}

struct ser_calibration ser_calibrate(const double *p, const int *truth, const int *predicted,
                                     size_t n, int K, struct ser_bin bin[SER_BINS]) {
    struct ser_calibration c = {0};
    memset(bin, 0, SER_BINS * sizeof *bin);
    for (size_t i = 0; i < n; i++, p += K) {
        struct ser_bin *b = &bin[bin_of(p[predicted[i]])];
        c.log_loss += log_loss(p, K, truth[i]);
        c.brier += brier(p, K, truth[i]);
        c.top2 += is_top2(p, K, truth[i]);
        b->n++;
        b->confidence += p[predicted[i]];
        b->accuracy += truth[i] == predicted[i];
    }
    for (int i = 0; i < SER_BINS; i++) {
        c.ece += fabs(bin[i].accuracy - bin[i].confidence);
        bin[i].confidence = ratio(bin[i].confidence, (double)bin[i].n);
        bin[i].accuracy = ratio(bin[i].accuracy, (double)bin[i].n);
    }
    c.log_loss /= (double)n;
    c.brier /= (double)n;
    c.top2 /= (double)n;
    c.ece /= (double)n;
    return c;
}

/* The slope of an utterance's loss -ln softmax(b ln q)[t] by b: the mean of ln q under that softmax,
 * less ln q[t]. */
static double slope_of(const double *p, int K, int truth, double b) {
    double top = 0, sum = 0, mean = 0;
    for (int k = 0; k < K; k++)
        top = fmax(top, clip(p[k]));
    for (int k = 0; k < K; k++) {
        double l = log(clip(p[k]) / top), w = exp(b * l);
        sum += w;
        mean += w * l;
    }
    return mean / sum - log(clip(p[truth]) / top);
}

static double slope(const double *p, const int *truth, size_t n, int K, double b) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += slope_of(p + i * (size_t)K, K, truth[i], b);
    return sum;
}

/* The loss is convex in b = 1 / T, so its slope rises through 0 once. */
double ser_fit_temperature(const double *p, const int *truth, size_t n, int K) {
    double low = 1 / (double)SER_MAX_TEMPERATURE, high = 1 / SER_MIN_TEMPERATURE;
    if (slope(p, truth, n, K, low) >= 0 || slope(p, truth, n, K, high) <= 0)
        return 0;
    while (high - low > 1e-12 * high) {
        double b = (low + high) / 2;
        if (b <= low || b >= high)
            break;
        *(slope(p, truth, n, K, b) < 0 ? &low : &high) = b;
    }
    return 2 / (low + high);
}

struct rank {
    double confidence;
    size_t at;
};

static int by_confidence(const void *a, const void *b) {
    const struct rank *x = a, *y = b;
    if (x->confidence != y->confidence)
        return x->confidence < y->confidence ? 1 : -1;
    return x->at < y->at ? -1 : 1;
}

int ser_reject_curve(const double *confidence, const int *truth, const int *predicted, size_t n,
                     int steps, double *accuracy) {
    struct rank *rank = calloc(n ? n : 1, sizeof *rank);
    if (!rank)
        return -1;
    for (size_t i = 0; i < n; i++)
        rank[i] = (struct rank){confidence[i], i};
    qsort(rank, n, sizeof *rank, by_confidence);
    for (int s = 0; s < steps; s++) {
        size_t left = n - (size_t)s * n / (size_t)steps, hits = 0;
        for (size_t i = 0; i < left; i++)
            hits += truth[rank[i].at] == predicted[rank[i].at];
        accuracy[s] = ratio((double)hits, (double)left);
    }
    free(rank);
    return 0;
}

/* ---- intervals ---- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ser_quantile(const double *v, size_t n, double q) {
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[i];
}

static struct ser_interval interval(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return (struct ser_interval){ser_quantile(v, (size_t)n, 0.025),
                                 ser_quantile(v, (size_t)n, 0.975)};
}

int ser_bootstrap(const size_t *confusion, const size_t *other, size_t speakers, int K, int draws,
                  uint64_t seed, struct ser_interval *wa, struct ser_interval *ua,
                  struct ser_interval *macro_f1) {
    size_t cells = (size_t)K * (size_t)K;
    size_t *sum = calloc(2 * cells, sizeof *sum);
    double *v = calloc(3 * (size_t)draws, sizeof *v);
    for (int d = 0; sum && v && d < draws; d++) {
        struct ser_key key = ser_key(seed, SER_PURPOSE_BOOTSTRAP, (uint64_t)d, 0);
        memset(sum, 0, 2 * cells * sizeof *sum);
        for (size_t s = 0; s < speakers; s++) {
            size_t drawn = (size_t)ser_below(key, s, speakers) * cells;
            for (size_t i = 0; i < cells; i++) {
                sum[i] += confusion[drawn + i];
                sum[cells + i] += other ? other[drawn + i] : 0;
            }
        }
        struct ser_scores a = ser_score_confusion(sum, K, NULL), b = {0};
        if (other)
            b = ser_score_confusion(sum + cells, K, NULL);
        v[d] = a.wa - b.wa;
        v[draws + d] = a.ua - b.ua;
        v[2 * draws + d] = a.macro_f1 - b.macro_f1;
    }
    int failed = !sum || !v;
    if (!failed) {
        *wa = interval(v, draws);
        *ua = interval(v + draws, draws);
        *macro_f1 = interval(v + 2 * draws, draws);
    }
    free(sum);
    free(v);
    return failed ? -1 : 0;
}

double ser_mcnemar(size_t b, size_t c) {
    size_t n = b + c, few = b < c ? b : c;
    double tail = 0;
    for (size_t k = 0; k <= few; k++)
        tail += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) -
                    (double)n * log(2));
    return 2 * tail < 1 ? 2 * tail : 1;
}
