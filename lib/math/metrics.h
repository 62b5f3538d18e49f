/* metrics.h - measures of how good predictions are. Pure: arrays in, numbers out.
 *
 * There are K classes and n utterances; truth[n] and predicted[n] are classes 0..K-1, p[n,K] are
 * probabilities. A figure that scikit-learn 1.4 has is defined as there.
 */
#ifndef SER_METRICS_H
#define SER_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* ---- from confusion counts ---- */

struct ser_class_score { /* a figure is 0 where its denominator is 0 */
    double precision;    /* hits / predicted */
    double recall;       /* hits / support */
    double f1;           /* 2 hits / (predicted + support) */
    size_t support;      /* utterances of this class in the truth */
    size_t predicted;    /* utterances predicted as this class */
};

struct ser_scores {
    size_t n;
    double wa;          /* accuracy: correct / n (the field calls it weighted accuracy) */
    double ua;          /* unweighted recall: mean of recall over the classes in the truth */
    double macro_f1;    /* mean of f1 over the classes that are in the truth or were predicted */
    double weighted_f1; /* mean of f1 weighted by support */
};

/* confusion [K,K], counts with the truth by row and the prediction by column -> the scores, and
 * those of each class in class [K] unless it is NULL. With n = 0 all are 0. */
struct ser_scores ser_score_confusion(const size_t *confusion, int K,
                                      struct ser_class_score *class);

/* The mean and the sample standard deviation (divided by n - 1) of v[n]; the deviation of a single
 * value is 0. */
void ser_mean_deviation(const double *v, size_t n, double *mean, double *deviation);

/* Quantile q, 0..1, of v[n], sorted, n >= 1; linear between order statistics, as NumPy's default has it. */
double ser_quantile(const double *v, size_t n, double q);

/* ---- from probabilities ---- */

struct ser_calibration {
    double log_loss; /* mean of -ln q[truth]; q is p, clipped to 2^-52..1-2^-52, over its sum */
    double brier;    /* mean of the sum over classes of (p - 1[class is the truth])^2, 0..2 */
    double ece;      /* sum over bins of n / total * |accuracy - confidence| */
    double top2;     /* share of utterances whose truth is among the two most probable classes; of
                      * equal probabilities, that of the later class counts as the larger */
};

/* Number of bins of the confidence: (0, 0.1], (0.1, 0.2] ... (0.9, 1]. */
#define SER_BINS 10

struct ser_bin {
    size_t n;
    double confidence, accuracy; /* means over the bin; 0 where n is 0 */
};

/* p, truth, predicted -> the figures above and the bins. The confidence of an utterance is the
 * probability of its predicted class. n >= 1. */
struct ser_calibration ser_calibrate(const double *p, const int *truth, const int *predicted,
                                     size_t n, int K, struct ser_bin bin[SER_BINS]);

/* The temperature T with which the log loss of the probabilities softmax(ln q / T) is least, q being
 * p clipped as for the log loss: of the logits that made p, divided by it (Guo, Pleiss, Sun,
 * Weinberger, On calibration of modern neural networks, ICML 2017). From SER_MIN_TEMPERATURE to
 * SER_MAX_TEMPERATURE; 0 if the loss still falls at one of these. n >= 1. */
#define SER_MIN_TEMPERATURE 0.01
#define SER_MAX_TEMPERATURE 100
double ser_fit_temperature(const double *p, const int *truth, size_t n, int K);

/* Accuracy after the least confident utterances are rejected: accuracy[i], i in 0..steps-1, is that
 * of the utterances left when i * n / steps are rejected. Among equally confident ones the earlier
 * stays. 0, or -1 without memory. */
int ser_reject_curve(const double *confidence, const int *truth, const int *predicted, size_t n,
                     int steps, double *accuracy);

/* ---- intervals by resampling speakers ---- */

struct ser_interval {
    double low, high; /* percentiles 2.5 and 97.5, linear between order statistics */
};

enum { SER_MIN_SPEAKERS = 5 }; /* fewer speakers give no meaningful interval */

/* Intervals by the bootstrap over speakers. Each of draws draws takes as many speakers as there
 * are, with replacement and with all their utterances (those of one speaker are not independent),
 * and computes the scores; the intervals are percentiles of these. confusion [speakers][K,K]. Draw
 * d uses Philox with the key (seed, d). To compare two systems on the same utterances, other
 * [speakers][K,K] holds the counts of the second, and the intervals are those of first - second;
 * otherwise NULL. 0, or -1 without memory. */
int ser_bootstrap(const size_t *confusion, const size_t *other, size_t speakers, int K, int draws,
                  uint64_t seed, struct ser_interval *wa, struct ser_interval *ua,
                  struct ser_interval *macro_f1);

/* McNemar's exact test of two systems: b utterances are right only in the first, c only in the
 * second. The two-sided probability of a split at least as uneven if both systems were equally
 * good: min(1, 2 sum over k = 0..min(b, c) of (b + c choose k) / 2^(b + c)). */
double ser_mcnemar(size_t b, size_t c);

#endif
