#include "math/anova.h"

#include <math.h>
#include <stdlib.h>

void ser_anova(const double *value, const int *group, size_t n, struct ser_anova *to) {
    double sum[SER_MAX_GROUPS] = {0}, mean = 0, total = 0, between = 0;
    size_t of[SER_MAX_GROUPS] = {0};
    *to = (struct ser_anova){0};
    for (size_t i = 0; i < n; i++)
        if (group[i] >= 0) {
            sum[group[i]] += value[i];
            of[group[i]]++;
            mean += value[i];
            to->n++;
        }
    mean /= (double)(to->n ? to->n : 1);
    for (size_t i = 0; i < n; i++)
        total += group[i] >= 0 ? (value[i] - mean) * (value[i] - mean) : 0;
    for (int g = 0; g < SER_MAX_GROUPS; g++)
        if (of[g]) {
            double d = sum[g] / (double)of[g] - mean;
            between += (double)of[g] * d * d;
            to->groups++;
        }
    if (to->groups < 2 || to->n <= (size_t)to->groups || total <= 0)
        return;
    double left = (double)(to->n - (size_t)to->groups), others = (double)(to->n - 1);
    to->share = fmin(between / total, 1);
    to->chance = (to->groups - 1) / others;
    to->effect = fmax(0, 1 - (1 - to->share) * others / left);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first place in sorted [n] whose number is not below x. */
static size_t lower(const double *sorted, size_t n, double x) {
    size_t from = 0;
    while (n) {
        size_t half = n / 2;
        if (sorted[from + half] < x) {
            from += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return from;
}

void ser_ranks(const double *value, size_t n, double *rank, double *scratch) {
    for (size_t i = 0; i < n; i++)
        scratch[i] = value[i];
    qsort(scratch, n, sizeof *scratch, by_value);
    for (size_t i = 0; i < n; i++) {
        size_t first = lower(scratch, n, value[i]), next = first;
        while (next < n && scratch[next] == value[i])
            next++;
        rank[i] = (double)(first + next + 1) / 2;
    }
}

int ser_quantile_groups(const double *value, size_t n, int most, int *group, double *scratch) {
    double from[SER_MAX_GROUPS]; /* the smallest number of each group but the first */
    size_t known = 0;
    int cuts = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            scratch[known++] = value[i];
    if (known)
        qsort(scratch, known, sizeof *scratch, by_value);
    for (int g = 1; g < most && known; g++) {
        double x = scratch[known * (size_t)g / (size_t)most];
        if (x > (cuts ? from[cuts - 1] : scratch[0]))
            from[cuts++] = x;
    }
    for (size_t i = 0; i < n; i++) {
        group[i] = isnan(value[i]) ? -1 : 0;
        for (int g = 0; g < cuts && !isnan(value[i]); g++)
            group[i] += value[i] >= from[g];
    }
    return known ? cuts + 1 : 0;
}
