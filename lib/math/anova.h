/* anova.h - how much of what differs among values goes along with the groups that they are in. Pure.
 *
 * For the importance of an option of a search: the values are the figures of trials, the groups what
 * these drew of the option. It is the main effect of the option, as functional analysis of variance
 * has it (Hutter, Hoos, Leyton-Brown, An Efficient Approach for Assessing Hyperparameter Importance,
 * ICML 2014), without a model in between: what two options do only together is not in it.
 */
#ifndef SER_ANOVA_H
#define SER_ANOVA_H

#include <stddef.h>

enum { SER_MAX_GROUPS = 64 };

struct ser_anova {
    size_t n;      /* values that are in a group */
    int groups;    /* that hold a value */
    double share;  /* of the variance that lies between the groups, 0..1: the correlation ratio
                      eta^2, sum of squares between / total */
    double chance; /* what share groups drawn by lot have on average: (groups - 1) / (n - 1) */
    double effect; /* share without what chance puts there: epsilon^2 = 1 - (1 - share) (n - 1) /
                      (n - groups), 0 where that is below (Kelley, An Unbiased Correlation Ratio
                      Measure, PNAS 21, 1935) */
};

/* value [n]; group [n]: 0 to SER_MAX_GROUPS - 1, or below 0 for a value that is in none. All is 0
 * but n and groups where nothing can be told: all values equal, one group, or no more values than
 * groups. */
void ser_anova(const double *value, const int *group, size_t n, struct ser_anova *to);

/* Ranks from 1, the smallest first; equal values share the mean of theirs. On ranks a share depends
 * on the order alone (Kruskal and Wallis, Use of Ranks in One-Criterion Variance Analysis, JASA 47,
 * 1952): a value that is far off, even an infinite one, counts as the last. rank [n]; scratch [n] is
 * overwritten. No NAN. */
void ser_ranks(const double *value, size_t n, double *rank, double *scratch);

/* Groups of about as many numbers each, at most so many, 1 to SER_MAX_GROUPS; equal numbers are in
 * one group, and NAN is in none (-1). value, group, scratch [n]. The number of groups. */
int ser_quantile_groups(const double *value, size_t n, int most, int *group, double *scratch);

#endif
