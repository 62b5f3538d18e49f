#include "math/tpe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/mathfun.h"
#include "math/rng.h"
#include "math/search.h"

/* How many points are drawn, as in Bergstra's and in all that followed. */
enum { CANDIDATES = 24 };

/* The share that is best and b are those that Watanabe recommends. w is wider than elsewhere (Optuna has
 * 0.2), so that of two cells the one that a few good trials happen to lack keeps a chance. */
static const double best_share = 0.15, spread = 0.2, width = 0.3;

struct set {
    const int **row; /* [n] cells of its trials */
    int n;
    double *kernel[SER_TPE_OPTIONS]; /* [cells y][cells x] of each option */
};

struct model {
    const struct ser_tpe_option *option;
    int options;
    struct set best, other;
};

/* ---- kernels ---- */

/* The probability of each cell, from a trial that has the cell y; scale is the width of an ordered kernel
 * in shares of its cells. */
static void fill_kernel(const struct ser_tpe_option *o, double scale, int y, double *k) {
    double sum = 0;
    for (int x = 0; x < o->cells; x++) {
        double z = (x - y) / (scale * o->cells);
        k[x] = o->ordered ? ser_exp(-z * z / 2) : x == y ? 1 - spread : spread / (o->cells - 1);
        sum += k[x];
    }
    for (int x = 0; x < o->cells; x++)
        k[x] /= sum;
}

static double *fill_kernels(const struct model *m, struct set *s, double *room) {
    double scale = s->n ? width * ser_exp(-ser_ln(s->n) / (m->options + 4)) : width;
    for (int d = 0; d < m->options; d++) {
        const struct ser_tpe_option *o = &m->option[d];
        s->kernel[d] = room;
        for (int y = 0; y < o->cells; y++, room += o->cells)
            fill_kernel(o, scale, y, room);
    }
    return room;
}

/* y of -1 is a trial that lacks the option, or none. */
static double kernel(const struct model *m, const struct set *s, int d, int x, int y) {
    int cells = m->option[d].cells;
    return y < 0 || !s->kernel[d] ? 1.0 / cells : s->kernel[d][y * cells + x];
}

static double density(const struct model *m, const struct set *s, const int *x) {
    double sum = 0;
    for (int j = -1; j < s->n; j++) {
        double product = 1;
        for (int d = 0; d < m->options; d++)
            if (x[d] >= 0)
                product *= kernel(m, s, d, x[d], j < 0 ? -1 : s->row[j][d]);
        sum += product;
    }
    return sum / (s->n + 1);
}

/* ---- points ---- */

static int exists(const struct ser_tpe_option *o, const int *x) {
    return o->when < 0 || x[o->when] == o->value;
}

static int sample_cell(const struct model *m, int d, int y, double u) {
    int cells = m->option[d].cells;
    for (int x = 0; x + 1 < cells; x++)
        if ((u -= kernel(m, &m->best, d, x, y)) < 0)
            return x;
    return cells - 1;
}

/* Point number i of the density of the best: that of one of its trials, or of none. */
static void sample(const struct model *m, uint64_t seed, uint64_t i, int *x) {
    const struct set *s = &m->best;
    uint64_t j = ser_below(ser_key(seed, SER_PURPOSE_SEARCH, 0, 2), i, (uint64_t)s->n + 1);
    for (int d = 0; d < m->options; d++) {
        const struct ser_tpe_option *o = &m->option[d];
        double u = ser_uniform(ser_key(seed, SER_PURPOSE_SEARCH, o->key, 1), i);
        x[d] = exists(o, x) ? sample_cell(m, d, j ? s->row[j - 1][d] : -1, u) : -1;
    }
}

static int was_drawn(const int *x, size_t options, const int *before, int trials) {
    for (int t = 0; t < trials; t++)
        if (memcmp(before + (size_t)t * options, x, options * sizeof *x) == 0)
            return 1;
    return 0;
}

/* ---- sets ---- */

/* The best share of the trials that have results, the best first, and the others. */
static void divide(struct model *m, struct ser_standing *order, const int *before,
                   const double *worth, int known, const int **row) {
    int best = (int)ceil(best_share * known), fine = 0;
    for (int t = 0; t < known; t++) {
        order[t] = (struct ser_standing){worth[t], t};
        fine += worth[t] != -INFINITY;
    }
    qsort(order, (size_t)known, sizeof *order, ser_by_worth);
    for (int t = 0; t < known; t++)
        row[t] = before + (size_t)order[t].trial * (size_t)m->options;
    best = best < fine ? best : fine;
    m->best.row = row;
    m->best.n = best;
    m->other.row = row + best;
    m->other.n = known - best;
}

/* ---- the best of some points ---- */

struct room {
    struct ser_standing *order;
    const int **row;
    double *kernels;
    int *x;
};

static int take_room(struct room *r, const struct ser_tpe_option *option, int options, int known) {
    size_t cells = 1, n = (size_t)known + 1;
    for (int d = 0; d < options; d++)
        cells += (size_t)option[d].cells * (size_t)option[d].cells;
    r->order = malloc(n * sizeof *r->order);
    r->row = malloc(n * sizeof *r->row);
    r->kernels = malloc(2 * cells * sizeof *r->kernels);
    r->x = malloc((size_t)options * sizeof *r->x);
    return r->order && r->row && r->kernels && r->x ? 0 : -1;
}

static void give_back(struct room *r) {
    free(r->order);
    free(r->row);
    free(r->kernels);
    free(r->x);
}

int ser_tpe_draw(const struct ser_tpe_option *option, int options, const int *before, int trials,
                 const double *worth, int known, uint64_t seed, uint64_t trial, int *cell) {
    struct room r;
    int failed = take_room(&r, option, options, known);
    if (!failed) {
        struct model m = {option, options, {0}, {0}};
        double largest = -1;
        divide(&m, r.order, before, worth, known, r.row);
        fill_kernels(&m, &m.other, fill_kernels(&m, &m.best, r.kernels));
        for (uint64_t i = 0; i < CANDIDATES; i++) {
            sample(&m, seed, trial * CANDIDATES + i, r.x);
            /* A point that a trial has had counts only as long as there is no other. */
            double ratio = was_drawn(r.x, (size_t)options, before, trials)
                               ? 0
                               : density(&m, &m.best, r.x) / density(&m, &m.other, r.x);
            if (ratio > largest) {
                largest = ratio;
                memcpy(cell, r.x, (size_t)options * sizeof *cell);
            }
        }
    }
    give_back(&r);
    return failed;
}
