#include "math/folds.h"

#include <string.h>

/* A gain smaller than this is taken for rounding. */
static const double LEAST_GAIN = 1e-9;
/* Each pass makes the sum smaller, and a few do nearly all; the limit bounds the time. */
enum { MAX_PASSES = 50 };

/* The classes are followed by one more: all of them. */
struct deal {
    const size_t *count;
    size_t groups, classes, folds, *fold;
    double *weight; /* [classes + 1] 1 / items of the class */
    double *held;   /* [folds][classes + 1] items in the fold */
};

static const size_t NOBODY = (size_t)-1;

static double items(const struct deal *d, size_t group, size_t class) {
    if (group == NOBODY)
        return 0;
    const size_t *count = d->count + group * d->classes;
    if (class < d->classes)
        return (double)count[class];
    double all = 0;
    for (size_t c = 0; c < d->classes; c++)
        all += (double)count[c];
    return all;
}

/* By how much the sum grows when the group out leaves the fold a for b, and the group in comes to a
 * from there. Since a class's items are the same in all, chi-squared is the weighted sum of squares
 * up to a constant and the factor folds. */
static double growth(const struct deal *d, size_t a, size_t b, size_t out, size_t in) {
    const double *from = d->held + a * (d->classes + 1), *to = d->held + b * (d->classes + 1);
    double sum = 0;
    for (size_t c = 0; c <= d->classes; c++) {
        double moved = items(d, out, c) - items(d, in, c);
        sum += 2 * d->weight[c] * moved * (to[c] - from[c] + moved);
    }
    return sum;
}

static void put(struct deal *d, size_t group, size_t fold, double sign) {
    double *held = d->held + fold * (d->classes + 1);
    for (size_t c = 0; c <= d->classes; c++)
        held[c] += sign * items(d, group, c);
    d->fold[group] = fold;
}

static void move(struct deal *d, size_t group, size_t to) {
    put(d, group, d->fold[group], -1);
    put(d, group, to, 1);
}

/* The fold whose sum of squares grows least by the group. An empty one always does. */
static size_t best_fold(const struct deal *d, size_t group) {
    size_t best = 0;
    double least = 0;
    for (size_t f = 0; f < d->folds; f++) {
        const double *held = d->held + f * (d->classes + 1);
        double sum = 0;
        for (size_t c = 0; c <= d->classes; c++) {
            double n = items(d, group, c);
            sum += d->weight[c] * n * (2 * held[c] + n);
        }
        if (!f || sum < least - LEAST_GAIN) {
            best = f;
            least = sum;
        }
    }
    return best;
}

/* Moves the group, or has it change places, as is best. 1 if it did, 0 where it is best off. The only
 * group of a fold never leaves it for another: that makes no sum smaller. */
static int improve(struct deal *d, size_t group) {
    size_t a = d->fold[group], to = a, with = NOBODY;
    double least = -LEAST_GAIN, sum;
    for (size_t b = 0; b < d->folds; b++)
        if (b != a && (sum = growth(d, a, b, group, NOBODY)) < least) {
            least = sum;
            to = b;
        }
    for (size_t g = 0; g < d->groups; g++)
        if (d->fold[g] != a && (sum = growth(d, a, d->fold[g], group, g)) < least) {
            least = sum;
            to = d->fold[g];
            with = g;
        }
    if (to == a)
        return 0;
    move(d, group, to);
    if (with != NOBODY)
        move(d, with, a);
    return 1;
}

void ser_balanced_folds(const size_t *count, size_t groups, size_t classes, const size_t *order,
                        size_t folds, size_t *fold, double *scratch) {
    size_t width = classes + 1;
    struct deal d = {count, groups, classes, folds, fold, scratch, scratch + width};
    memset(scratch, 0, (folds + 1) * width * sizeof *scratch);
    for (size_t g = 0; g < groups; g++)
        for (size_t c = 0; c < width; c++)
            d.weight[c] += items(&d, g, c);
    for (size_t c = 0; c < width; c++)
        d.weight[c] = d.weight[c] > 0 ? 1 / d.weight[c] : 0;
    for (size_t i = 0; i < groups; i++)
        put(&d, order[i], best_fold(&d, order[i]), 1);
    for (int pass = 0, better = 1; better && pass < MAX_PASSES; pass++) {
        better = 0;
        for (size_t i = 0; i < groups; i++)
            better |= improve(&d, order[i]);
    }
}
