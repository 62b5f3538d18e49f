/* search.h - search for good options: which trials go on, and what they draw. Pure: nothing is
 * kept, and only ser_search_alive takes memory, for the length of the call.
 *
 * A trial is a draw of options; trials count from 1. It is judged on rungs, from 0: on each it has
 * been trained for more epochs, the last time for all of them. On every rung but the last a share
 * of 1 / eta goes on.
 *
 *   random, grid, tpe     one rung
 *   halving               of all trials of a rung the best go on (successive halving: Jamieson,
 *                         Talwalkar, AISTATS 2016)
 *   hyperband             the same in brackets, of which each begins a rung higher, with fewer trials
 *                         (Li et al., Hyperband, JMLR 18, 2018, algorithm 1). After the last bracket
 *                         comes the first again, with other trials
 *   asha                  trial t goes on if it is among the best of the trials 1 to t on the rung
 *                         (asynchronous halving: Li et al., MLSys 2020, with the order of arrival
 *                         fixed, so that it does not depend on who is done first)
 *
 * So the trials that a trial is measured against are known beforehand, and nothing depends on the
 * order in which they are done.
 */
#ifndef SER_SEARCH_H
#define SER_SEARCH_H

#include <stddef.h>
#include <stdint.h>

enum ser_search_method {
    SER_SEARCH_RANDOM,
    SER_SEARCH_GRID,
    SER_SEARCH_HALVING,
    SER_SEARCH_HYPERBAND,
    SER_SEARCH_ASHA,
    SER_SEARCH_TPE,
};

enum { SER_MAX_RUNGS = 16, SER_MAX_TRIALS = 10000 };

struct ser_search {
    enum ser_search_method method;
    int eta;        /* 2 or more */
    int min_epochs; /* of the lowest rung, at least; 1 or more */
    int epochs;     /* of the highest rung; min_epochs or more */
    int trials;     /* 1 to SER_MAX_TRIALS */
};

/* Number of rungs, at most SER_MAX_RUNGS, and the epochs up to which rung r trains: epochs divided
 * by eta once for each rung above it, rounded down. */
int ser_search_rungs(const struct ser_search *s);
int ser_search_epochs(const struct ser_search *s, int r);

/* The rung on which trial t begins, and in first..last the trials that it may be measured against,
 * itself among them: of its bracket, or before it. */
int ser_search_peers(const struct ser_search *s, int t, int *first, int *last);

/* What is known of the results. worth [rungs][trials], the larger the better: NAN where there is no
 * result (yet), -INFINITY where the trial failed, which puts it behind all others and ends it. Of
 * equal ones the earlier trial is better.
 *
 * Sets alive [rungs][trials]: 1 where the trial reaches that rung, 0 where it does not, -1 where
 * results are missing that would tell. 0, or -1 without memory. */
int ser_search_alive(const struct ser_search *s, const double *worth, signed char *alive);

/* How many trials are to be expected on rung r, if none fails; for asha on average. */
double ser_search_expected(const struct ser_search *s, int r);

/* ---- draws: functions of seed, option and trial alone ---- */

/* option is a number of the option's own, such as a hash of its name. Uniform in lo..hi; uniform in
 * the logarithm, 0 < lo <= hi; uniform among the whole numbers lo..hi; -2^53 <= lo <= hi <= 2^53. */
double ser_search_uniform(uint64_t seed, uint64_t option, uint64_t trial, double lo, double hi);
double ser_search_log(uint64_t seed, uint64_t option, uint64_t trial, double lo, double hi);
int64_t ser_search_int(uint64_t seed, uint64_t option, uint64_t trial, int64_t lo, int64_t hi);

/* A trial and what its result is worth; -INFINITY: it failed. */
struct ser_standing {
    double worth;
    int trial;
};

/* For qsort: the most worth first, the earlier trial where two are worth the same. */
int ser_by_worth(const void *a, const void *b);

#endif
