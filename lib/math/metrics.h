/* metrics.h - how good predictions are. Pure: arrays in, numbers out.
 *
 * K classes, n utterances; truth[n] and predicted[n] are in 0..K-1, p[n,K] are probabilities.
 * Defined as in scikit-learn 1.4 where it has the figure.
 */
#ifndef SER_METRICS_H
#define SER_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* ---- from confusion counts ---- */

struct ser_class_score {
    double precision, recall, f1; /* 0 where nothing was predicted, or nothing was there */
    size_t support;               /* utterances of this class in the truth */
    size_t predicted;             /* utterances that were given this class */
};

struct ser_scores {
    size_t n;
    double wa;       /* accuracy: correct / n (the field's weighted accuracy) */
    double ua;       /* unweighted recall: mean of recall over the classes present in the truth */
    double macro_f1; /* mean of f1 over the classes that are in the truth or were predicted */
    double weighted_f1; /* mean of f1 weighted by support */
};

/* confusion [K,K], truth by row, prediction by column -> total scores, and per class [K] unless
 * NULL. With n = 0 all are 0. */
struct ser_scores ser_score_confusion(const size_t *confusion, int K,
                                      struct ser_class_score *class);

/* Mean and sample standard deviation (n - 1) of v[n]; the deviation of one value is 0. */
void ser_mean_deviation(const double *v, size_t n, double *mean, double *deviation);

/* ---- from probabilities ---- */

struct ser_calibration {
    double log_loss; /* mean of -ln q[truth]; q = p clipped to 2^-52..1-2^-52, over its sum */
    double brier;    /* mean of the sum over classes of (p - 1[class is the truth])^2, 0..2 */
    double ece;      /* sum over bins of share * |accuracy - confidence| */

    /* Share whose truth is among the two most probable classes; of equals, the later class counts
     * as the more probable. */
    double top2;
};

/* Bins of confidence, the largest probability: (0, 0.1], (0.1, 0.2] ... (0.9, 1]. */
#define SER_BINS 10

struct ser_bin {
    size_t n;
    double confidence, accuracy; /* means; 0 where n is 0 */
};

/* confidence is the probability of the predicted class. n >= 1. */
struct ser_calibration ser_calibrate(const double *p, const int *truth, const int *predicted,
                                     size_t n, int K, struct ser_bin bin[SER_BINS]);

/* Accuracy of the most confident utterances: accuracy[i] of those that are left when the least
 * confident i * n / steps are rejected, i in 0..steps-1. Among equals the earlier stays. 0, or -1
 * without memory. */
int ser_reject_curve(const double *confidence, const int *truth, const int *predicted, size_t n,
                     int steps, double *accuracy);

/* ---- intervals by resampling speakers ---- */

struct ser_interval {
    double low, high; /* percentiles 2.5 and 97.5, linear between order statistics */
};

enum { SER_MIN_SPEAKERS = 5 }; /* fewer give no interval worth the name */

/* Draws speakers with replacement, as many as there are, draws times, with all their utterances
 * (utterances of one speaker are not independent), and takes percentiles of each score.
 * confusion [speakers][K,K]. Draw d is Philox of (seed, d). For two systems on the same
 * utterances, other [speakers][K,K] is the second one's and the intervals are of first - second;
 * NULL for one. 0, or -1 without memory. */
int ser_bootstrap(const size_t *confusion, const size_t *other, size_t speakers, int K, int draws,
                  uint64_t seed, struct ser_interval *wa, struct ser_interval *ua,
                  struct ser_interval *macro_f1);

/* McNemar's exact test: b utterances only the first has right, c only the second; the two-sided
 * probability of a split at least as uneven if both were equally good (binomial, p = 1/2). */
double ser_mcnemar(size_t b, size_t c);

#endif
