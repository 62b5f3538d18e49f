/* metrics.h - scores of a classifier from its confusion counts. Pure: arrays in, numbers out.
 *
 * K classes, n utterances. Agrees with scikit-learn 1.x where it has the figure.
 */
#ifndef SER_METRICS_H
#define SER_METRICS_H

#include <stddef.h>

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

#endif
