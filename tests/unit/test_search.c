/* test_search - who goes on in a search, by hand and beside a definition written out; draws, and draws
 * from results. */
#include "check.h"
#include "math/rng.h"
#include "math/search.h"
#include "math/tpe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 60, RUNGS = 4 };

static double worth[RUNGS * N];
static signed char alive[RUNGS * N], again[RUNGS * N];

static void test_plan(void) {
    struct ser_search s = {SER_SEARCH_HALVING, 3, 1, 27, 27};
    check(ser_search_rungs(&s) == 4 && ser_search_epochs(&s, 0) == 1 &&
              ser_search_epochs(&s, 2) == 9 && ser_search_epochs(&s, 3) == 27,
          "27 epochs from 1 by threes: 1, 3, 9, 27");
    s.min_epochs = 4;
    check(ser_search_rungs(&s) == 2 && ser_search_epochs(&s, 0) == 9, "not below 4: 9, 27");
    s.method = SER_SEARCH_RANDOM;
    check(ser_search_rungs(&s) == 1 && ser_search_epochs(&s, 0) == 27, "random: 27 at once");
    /* The table of the paper, R = 81 and eta = 3: n = 81, 34, 15, 8, 5. */
    static const int size[] = {81, 34, 15, 8, 5}, climbs[][5] = {{81, 27, 9, 3, 1},
                                                                 {0, 34, 11, 3, 1},
                                                                 {0, 0, 15, 5, 1},
                                                                 {0, 0, 0, 8, 2},
                                                                 {0, 0, 0, 0, 5}};
    s = (struct ser_search){SER_SEARCH_HYPERBAND, 3, 1, 81, 2 * 143};
    int from = 1, bad = 0, first, last;
    for (int round = 0; round < 2; round++)
        for (int b = 0; b < 5; from += size[b++])
            for (int t = from; t < from + size[b]; t++)
                bad += ser_search_peers(&s, t, &first, &last) != b || first != from ||
                       last != from + size[b] - 1;
    check(!bad, "the brackets of Hyperband, twice");
    for (int r = 0; r < 5; r++) {
        double n = 0;
        for (int b = 0; b < 5; b++)
            n += 2 * climbs[b][r];
        check(ser_search_expected(&s, r) == n, "%g trials on rung %d", n, r);
    }
}

static void set_alive(const struct ser_search *s, signed char *to) {
    if (ser_search_alive(s, worth, to))
        exit(1);
}

static void test_halving(void) {
    struct ser_search s = {SER_SEARCH_HALVING, 3, 1, 9, 7};
    const double w[3][7] = {{0.1, 0.5, 0.5, -INFINITY, 0.5, 0.3, 0.2},
                            {NAN, 0.1, 0.2, NAN, NAN, NAN, NAN},
                            {NAN, NAN, 0, NAN, NAN, NAN, NAN}};
    static const signed char want[3][7] = {
        {1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0, 0}};
    memcpy(worth, w, sizeof w);
    set_alive(&s, alive);
    check(!memcmp(alive, want, sizeof want),
          "two of seven go on, of equal ones the earlier; one of two");
    worth[6] = NAN;
    set_alive(&s, alive);
    check(alive[7] == -1 && alive[14] == -1 && alive[0] == 1, "a result is missing");
    for (int t = 0; t < 7; t++)
        worth[t] = -INFINITY;
    set_alive(&s, alive);
    check(!alive[7] && !alive[8] && !alive[13],
          "who failed does not go on, though nobody is better");
}

/* A trial goes on if it is alive, and fewer than floor(k / 3) of the k that are alive among 1 to it
 * are better. */
static int goes_on_by_definition(int r, int t) {
    int k = 0, better = 0;
    for (int u = 0; u <= t; u++)
        if (alive[r * N + u] == 1) {
            k++;
            better += worth[r * N + u] > worth[r * N + t] ||
                      (worth[r * N + u] == worth[r * N + t] && u < t);
        }
    return alive[r * N + t] == 1 && better < k / 3;
}

static void test_asha(void) {
    struct ser_search s = {SER_SEARCH_ASHA, 3, 1, 27, N};
    struct ser_key key = ser_key(5, SER_PURPOSE_SEARCH, 0, 0);
    for (uint64_t i = 0; i < RUNGS * N; i++)
        worth[i] = floor(20 * ser_uniform(key, i));
    set_alive(&s, alive);
    int bad = 0, up = 0;
    for (int r = 0; r + 1 < RUNGS; r++)
        for (int t = 0; t < N; t++) {
            bad += alive[(r + 1) * N + t] != goes_on_by_definition(r, t);
            up += alive[(r + 1) * N + t];
        }
    check(!bad && up > N / 4 && alive[N] == 0 && alive[N + 1] == 0, "%d promotions of asha", up);
    /* What comes later changes nothing, neither a result nor a trial. */
    worth[40] = NAN;
    set_alive(&s, again);
    check(!memcmp(alive + N, again + N, 40) && again[N + 40] == -1 && again[N + 41] == -1,
          "the first 40 do not wait for the next");
}

static void test_larger(const char *name, enum ser_search_method method) {
    /* Trials that are added do not change the brackets, and with asha not who goes on. */
    struct ser_search small = {method, 3, 1, 27, 40}, large = {method, 3, 1, 27, N};
    int bad = 0, a, b, c, d;
    for (int t = 1; t <= 40; t++)
        bad += ser_search_peers(&small, t, &a, &b) != ser_search_peers(&large, t, &c, &d) || a != c;
    check(!bad, "%s: more trials leave the first 40 where they were", name);
}

static void test_draws(void) {
    double least = 1, most = 0, log_mean = 0;
    int count[7] = {0}, bad = 0;
    for (uint64_t t = 1; t <= 7000; t++) {
        double u = ser_search_uniform(1, 2, t, 0.25, 0.75), l = ser_search_log(1, 2, t, 1e-4, 1e-2);
        int64_t i = ser_search_int(1, 2, t, -3, 3);
        bad += u < 0.25 || u > 0.75 || l < 1e-4 || l > 1e-2 || i < -3 || i > 3;
        least = fmin(least, u);
        most = fmax(most, u);
        log_mean += log10(l) / 7000;
        count[i + 3]++;
    }
    check(!bad && least < 0.251 && most > 0.749, "uniform from %g to %g", least, most);
    check(fabs(log_mean + 3) < 0.02, "logarithms: mean %g", log_mean);
    for (int i = 0; i < 7; i++)
        check(count[i] > 900 && count[i] < 1100, "%d is drawn %d of 7000 times", i - 3, count[i]);
    check(ser_search_uniform(1, 2, 17, 0, 1) != ser_search_uniform(2, 2, 17, 0, 1) &&
              ser_search_uniform(1, 2, 17, 0, 1) != ser_search_uniform(1, 3, 17, 0, 1) &&
              ser_search_uniform(1, 2, 17, 0, 1) != ser_search_uniform(1, 2, 18, 0, 1),
          "another seed, option or trial is another number");
}

/* ---- draws from results ---- */

enum { KNOWN = 20, BEST = 3 }; /* 15 % of 20 */

/* An option of 5 cells that have an order, and one of 3 that have none. */
static const struct ser_tpe_option two[] = {{.key = 11, .cells = 5, .ordered = 1, .when = -1},
                                            {.key = 12, .cells = 3, .when = -1}};

/* k_d(x | y) and p(x), as tpe.h has them: of trials from..to - 1. */
static double kernel_by_definition(int d, int n, int x, int y) {
    double width = 0.3 * 5 * pow(n, -1.0 / 6), sum = 0;
    if (d == 1)
        return x == y ? 0.8 : 0.1;
    for (int i = 0; i < 5; i++)
        sum += exp(-(i - y) * (i - y) / (2 * width * width));
    return exp(-(x - y) * (x - y) / (2 * width * width)) / sum;
}

static double density_by_definition(int (*trial)[2], int from, int to, int a, int b) {
    double sum = 1.0 / 15;
    for (int t = from; t < to; t++)
        sum += kernel_by_definition(0, to - from, a, trial[t][0]) *
               kernel_by_definition(1, to - from, b, trial[t][1]);
    return sum / (to - from + 1);
}

/* The point whose ratio is the largest is drawn if it is one of 24 from the density of the best. */
static void test_tpe_definition(void) {
    double expected = 0, variance = 0;
    int hits = 0, bad = 0;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        int before[KNOWN][2], cell[2], best[2] = {0};
        double value[KNOWN], largest = 0, likely = 0;
        for (uint64_t t = 0; t < KNOWN; t++) { /* sorted by worth, so that the first are the best */
            before[t][0] = (int)ser_search_int(seed, 11, t, 0, 4);
            before[t][1] = (int)ser_search_int(seed, 12, t, 0, 2);
            value[t] = t < BEST + 5 ? -(double)t : -INFINITY;
        }
        for (int a = 0; a < 5; a++)
            for (int b = 0; b < 3; b++) {
                int had = 0;
                for (int t = 0; t < KNOWN; t++)
                    had |= before[t][0] == a && before[t][1] == b;
                double p = density_by_definition(before, 0, BEST, a, b),
                       ratio = p / density_by_definition(before, BEST, KNOWN, a, b);
                if (!had && ratio > largest) {
                    largest = ratio;
                    likely = 1 - pow(1 - p, 24);
                    best[0] = a;
                    best[1] = b;
                }
            }
        bad += ser_tpe_draw(two, 2, before[0], KNOWN, value, KNOWN, seed, KNOWN + 1, cell);
        hits += cell[0] == best[0] && cell[1] == best[1];
        expected += likely;
        variance += likely * (1 - likely);
    }
    check(!bad && fabs(hits - expected) < 2 * sqrt(variance),
          "the best point by definition is drawn %d times of 500, expected %.1f +- %.1f", hits,
          expected, sqrt(variance));
}

/* The second option exists only where the first has cell 1; trials before have cells of all kinds. */
static void test_tpe_conditions(void) {
    const struct ser_tpe_option option[] = {
        {.key = 1, .cells = 2, .when = -1},
        {.key = 2, .cells = 60, .ordered = 1, .when = 0, .value = 1}};
    int before[12][2], cell[2], twice[2], bad = 0, with = 0, near = 0;
    double value[12];
    for (int t = 0; t < 12; t++) {
        before[t][0] = t % 2;
        before[t][1] = t % 2 ? 5 * t : -1;
        value[t] = t == 7 || t == 2 ? 1 : 0; /* cell 35, and one without */
    }
    for (uint64_t trial = 13; trial < 113; trial++) {
        bad += ser_tpe_draw(option, 2, before[0], 12, value, 12, 1, trial, cell) ||
               ser_tpe_draw(option, 2, before[0], 12, value, 12, 1, trial, twice) ||
               memcmp(cell, twice, sizeof cell) || cell[0] < 0 || cell[0] > 1 ||
               (cell[0] == 1 ? cell[1] < 0 || cell[1] > 59 : cell[1] != -1);
        with += cell[0] == 1;
        near += cell[0] == 1 && abs(cell[1] - 35) < 15;
    }
    check(!bad, "an option has a cell where it exists, and -1 elsewhere");
    check(with > 70 && near > 0.9 * with,
          "%d of 100 have it, %d near the best, as one without was had", with, near);
}

static void test_tpe_failures(void) {
    /* What failed is never among the best, though nothing else is known; and is kept away from. */
    int before[12][2], cell[2], same = 0, bad = 0;
    double value[12];
    for (int t = 0; t < 12; t++) {
        before[t][0] = t % 2;
        before[t][1] = 1;
        value[t] = -INFINITY;
    }
    for (uint64_t trial = 13; trial < 113; trial++) {
        bad += ser_tpe_draw(two, 2, before[0], 12, value, 12, 1, trial, cell);
        same += cell[1] == 1;
    }
    check(!bad && same < 5, "of 100 draws %d have what all that failed have", same);
    /* Trials without results yet count as drawn, and for nothing else. */
    int all[15][2], left = 0;
    for (int t = 0; t < 15; t++) {
        all[t][0] = t / 3;
        all[t][1] = t % 3;
        value[t % 12] = t == 4;
    }
    for (uint64_t trial = 15; trial < 65; trial++) {
        bad += ser_tpe_draw(two, 2, all[0], 14, value, 10, 1, trial, cell);
        left += cell[0] == 4 && cell[1] == 2;
    }
    check(!bad && left > 10, "of 50 draws %d are the last point that nobody had", left);
    bad += ser_tpe_draw(two, 2, all[0], 15, value, 10, 1, 16, cell);
    check(!bad && cell[0] >= 0 && cell[0] < 5 && cell[1] >= 0 && cell[1] < 3,
          "where all were had, one is drawn again");
}

int main(void) {
    test_plan();
    test_halving();
    test_asha();
    test_larger("halving", SER_SEARCH_HALVING);
    test_larger("hyperband", SER_SEARCH_HYPERBAND);
    test_larger("asha", SER_SEARCH_ASHA);
    test_draws();
    test_tpe_definition();
    test_tpe_conditions();
    test_tpe_failures();
    return failed != 0;
}
