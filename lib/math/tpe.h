/* tpe.h - the tree-structured Parzen estimator: what a trial draws from the results of those before it.
 * Pure: nothing is kept, and memory is taken for the length of the call alone.
 *
 * Bergstra, Bardenet, Bengio, Kegl, "Algorithms for hyper-parameter optimization", NIPS 2011. The best
 * share of the trials is the one set, the others are the other. Each set makes a density of the points
 * of the space; of points drawn from the density of the best the one is taken whose density among the
 * best is largest beside that among the others.
 *
 * Every option has cells, of which a trial has one. The density of a set S of n trials is, with C_d
 * cells of option d,
 *
 *   p(x) = (prod_d 1 / C_d + sum_{y in S} prod_d k_d(x_d | y_d)) / (n + 1)
 *
 * over all options together, which catches what depends on each other (Watanabe, "Tree-structured Parzen
 * estimator", arXiv 2304.11127, calls it multivariate). The kernel of an option whose cells have no
 * order is that of Aitchison and Aitken (Biometrika 63, 1976), 1 - b in the trial's cell and b spread
 * over the others. That of one with an order is a normal density around the trial's cell, cut off at the ends,
 * of width w C_d n^(-1 / (D + 4)), where D is the number of options: the exponent is Scott's rule.
 *
 * An option may exist only where an earlier one has some cell. Where it does not, it counts for nothing
 * in x; a trial that lacks it says nothing of it.
 */
#ifndef SER_TPE_H
#define SER_TPE_H

#include <stdint.h>

enum { SER_TPE_OPTIONS = 64, SER_TPE_CELLS = 64 };

struct ser_tpe_option {
    uint64_t key; /* of its draws, as in search.h */
    int cells;    /* 1 to SER_TPE_CELLS */
    int ordered;  /* whether cells that are near each other are alike */
    int when; /* exists only where this option, an earlier one, has the cell value; -1: always */
    int value;
};

/* Draws cell [options], up to SER_TPE_OPTIONS, of trial number trial: -1 where the option does not
 * exist. before [trials][options] are the cells of the trials before it, of which the first known have
 * results: worth [known], the larger the better, -INFINITY of one that failed, which is never among
 * the best. Of equal ones the earlier is better. Cells that a trial has had are not drawn again where
 * there is a choice.
 * 0, or -1 without memory. */
int ser_tpe_draw(const struct ser_tpe_option *option, int options, const int *before, int trials,
                 const double *worth, int known, uint64_t seed, uint64_t trial, int *cell);

#endif
