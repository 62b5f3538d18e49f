#include "math/search.h"

#include <math.h>
#include <stdlib.h>

#include "math/mathfun.h"
#include "math/rng.h"

/* ---- rungs and brackets ---- */

int ser_search_rungs(const struct ser_search *s) {
    int rungs = 1;
    if (s->method == SER_SEARCH_RANDOM || s->method == SER_SEARCH_GRID ||
        s->method == SER_SEARCH_TPE)
        return 1;
    for (int e = s->epochs / s->eta; e >= s->min_epochs && rungs < SER_MAX_RUNGS; e /= s->eta)
        rungs++;
    return rungs;
}

int ser_search_epochs(const struct ser_search *s, int r) {
    int epochs = s->epochs;
    for (int i = ser_search_rungs(s) - 1; i > r; i--)
        epochs /= s->eta;
    return epochs;
}

/* Trials of the bracket that begins on rung b, at most SER_MAX_TRIALS: Hyperband gives each bracket
 * about the same number of epochs. With rungs = s_max + 1 and s = s_max - b it is
 * ceil(rungs eta^s / (s + 1)). */
static int bracket_size(const struct ser_search *s, int rungs, int b) {
    double n = rungs;
    for (int i = b + 1; i < rungs; i++)
        n *= s->eta;
    n = ceil(n / (rungs - b));
    return n < SER_MAX_TRIALS ? (int)n : SER_MAX_TRIALS;
}

int ser_search_peers(const struct ser_search *s, int t, int *first, int *last) {
    int rungs = ser_search_rungs(s), from = 1, b = 0;
    *first = 1;
    *last = s->method == SER_SEARCH_ASHA ? t : s->trials;
    if (s->method != SER_SEARCH_HYPERBAND)
        return 0;
    for (int n; from + (n = bracket_size(s, rungs, b)) <= t; b = (b + 1) % rungs)
        from += n;
    int to = from + bracket_size(s, rungs, b) - 1;
    *first = from;
    *last = to < s->trials ? to : s->trials;
    return b;
}

/* ---- who goes on ---- */

/* How many of k go on. A bracket that was begun has one trial on each rung; without brackets the
 * first trials of asha have nobody to be better than. */
static int places(const struct ser_search *s, int k) {
    int n = k / s->eta;
    return s->method == SER_SEARCH_ASHA ? n : n > 0 ? n : 1;
}

/* Whether trial t, which is on the rung of worth and here [trials], is one of those first..last that
 * go on: 1, 0, or -1 where that is not known. */
static int goes_on(const struct ser_search *s, const double *worth, const signed char *here, int t,
                   int first, int last) {
    int k = 0, better = 0;
    double own = worth[t - 1];
    for (int u = first; u <= last; u++) {
        if (!here[u - 1])
            continue;
        double w = worth[u - 1];
        if (here[u - 1] < 0 || isnan(w))
            return -1;
        k++;
        better += w > own || (w == own && u < t);
    }
    return own != -INFINITY && better < places(s, k);
}

int ser_by_worth(const void *a, const void *b) {
    const struct ser_standing *x = a, *y = b;
    int order = (x->worth < y->worth) - (x->worth > y->worth);
    return order ? order : (x->trial > y->trial) - (x->trial < y->trial);
}

/* The same for all trials of a bracket at once, whose k results are sorted. */
static void promote_bracket(const struct ser_search *s, const double *worth,
                            const signed char *here, signed char *next, int first, int last,
                            struct ser_standing *room) {
    int k = 0, unknown = 0;
    for (int t = first; t <= last; t++) {
        if (!here[t - 1])
            continue;
        unknown |= here[t - 1] < 0 || isnan(worth[t - 1]);
        room[k++] = (struct ser_standing){worth[t - 1], t};
    }
    if (!unknown)
        qsort(room, (size_t)k, sizeof *room, ser_by_worth);
    for (int i = 0; i < k; i++)
        next[room[i].trial - 1] = unknown ? -1 : i < places(s, k) && room[i].worth != -INFINITY;
}

static void promote(const struct ser_search *s, int r, const double *worth, const signed char *here,
                    signed char *next, struct ser_standing *room) {
    int first, last;
    for (int t = 1; t <= s->trials; t = s->method == SER_SEARCH_ASHA ? t + 1 : last + 1) {
        int begins = ser_search_peers(s, t, &first, &last);
        if (s->method == SER_SEARCH_ASHA)
            next[t - 1] = here[t - 1] > 0 ? (signed char)goes_on(s, worth, here, t, first, last)
                                          : here[t - 1];
        else if (begins <= r)
            promote_bracket(s, worth, here, next, first, last, room);
    }
}

int ser_search_alive(const struct ser_search *s, const double *worth, signed char *alive) {
    int rungs = ser_search_rungs(s), first, last;
    size_t n = (size_t)s->trials;
    struct ser_standing *room = calloc(n, sizeof *room);
    if (!room)
        return -1;
    for (int r = 0; r < rungs; r++)
        for (int t = 1, to; t <= s->trials; t = to + 1) {
            int begins = ser_search_peers(s, t, &first, &last) == r;
            to = s->method == SER_SEARCH_ASHA ? t : last;
            for (int u = t; u <= to; u++)
                alive[(size_t)r * n + (size_t)u - 1] = (signed char)begins;
        }
    for (int r = 0; r + 1 < rungs; r++)
        promote(s, r, worth + (size_t)r * n, alive + (size_t)r * n, alive + ((size_t)r + 1) * n,
                room);
    free(room);
    return 0;
}

double ser_search_expected(const struct ser_search *s, int r) {
    double sum = 0;
    int first, last;
    for (int t = 1; t <= s->trials; t = last + 1) {
        int begins = ser_search_peers(s, t, &first, &last);
        if (s->method == SER_SEARCH_ASHA)
            last = s->trials;
        double k = last - t + 1;
        for (int i = begins; i < r; i++)
            k = s->method == SER_SEARCH_ASHA ? k / s->eta : places(s, (int)k);
        sum += begins <= r ? k : 0;
    }
    return sum;
}

/* ---- draws ---- */

static struct ser_key key_of(uint64_t seed, uint64_t option) {
    return ser_key(seed, SER_PURPOSE_SEARCH, option, 0);
}

double ser_search_uniform(uint64_t seed, uint64_t option, uint64_t trial, double lo, double hi) {
    double u = ser_uniform(key_of(seed, option), trial);
    return lo * (1 - u) + hi * u;
}

double ser_search_log(uint64_t seed, uint64_t option, uint64_t trial, double lo, double hi) {
    double x = ser_exp(ser_search_uniform(seed, option, trial, ser_ln(lo), ser_ln(hi)));
    return x < lo ? lo : x > hi ? hi : x;
}

int64_t ser_search_int(uint64_t seed, uint64_t option, uint64_t trial, int64_t lo, int64_t hi) {
    return lo + (int64_t)ser_below(key_of(seed, option), trial, (uint64_t)(hi - lo) + 1);
}
