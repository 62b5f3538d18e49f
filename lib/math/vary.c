#include "math/vary.h"

#include "math/mathfun.h"

#include <math.h>
#include <string.h>

/* The numbers of a key, each for one thing. */
enum { TEMPO, PLACE, SHIFT, BANDS, GAIN, KNOTS, KNOT, MASK = 16 };
_Static_assert(KNOT + SER_MOST_KNOTS <= MASK, "each number is for one thing");

/* Where each of n true frames comes from. */
struct map {
    int32_t *from; /* [T] */
    float *behind; /* [T] how far behind that frame, 0..1 */
};

static struct map map_in(void *memory, int T) {
    return (struct map){memory, (float *)memory + T};
}

size_t ser_vary_bytes(const struct ser_variation_layout *l) {
    return (size_t)l->T * (sizeof(int32_t) + sizeof(float));
}

/* Uniform in 1 +- size. */
static double factor(struct ser_key key, uint64_t i, double size) {
    return 1 + size * (2 * ser_uniform(key, i) - 1);
}

static double clamp(double v, double most) {
    return v < 0 ? 0 : v > most ? most : v;
}

/* 0 where every frame stays as it is. */
static int make_map(const struct ser_variation *v, struct ser_key key, int n, struct map *m) {
    double f = factor(key, TEMPO, v->warp_time);
    double start = ser_uniform(key, PLACE) * (n - 1) * (1 - f);
    start -= (double)ser_below(key, SHIFT, 2 * (uint64_t)v->shift + 1) - v->shift;
    if (n < 2 || (f == 1 && start == 0))
        return 0;
    for (int t = 0; t < n; t++) {
        double at = clamp(start + f * t, n - 1);
        m->from[t] = at < n - 2 ? (int32_t)at : n - 2;
        m->behind[t] = (float)(at - m->from[t]);
    }
    return 1;
}

/* y[t] = what the map has of (1 - g) x + g next, + add. */
SER_CLONES static void take_row(const float *x, const float *next, float g, const struct map *m,
                                int n, float add, float *y) {
    const int32_t *from = m->from;
    const float *behind = m->behind;
    for (int t = 0; t < n; t++) {
        float a = x[from[t]], b = x[from[t] + 1], c = next[from[t]], d = next[from[t] + 1];
        float first = a + behind[t] * (b - a), second = c + behind[t] * (d - c);
        y[t] = first + g * (second - first) + add;
    }
}

/* The same without a map. */
SER_CLONES static void blend_row(const float *x, const float *next, float g, int n, float add,
                                 float *y) {
    for (int t = 0; t < n; t++)
        y[t] = x[t] + g * (next[t] - x[t]) + add;
}

/* A line between points at equal distances over the bands, the first and the last at the ends. */
struct response {
    double at[SER_MOST_KNOTS];
    int knots;
};

static struct response make_response(double filter_db, struct ser_key key) {
    struct response r = {.knots = 0};
    if (filter_db > 0)
        r.knots = 2 + (int)ser_below(key, KNOTS, SER_MOST_KNOTS - 1);
    for (int i = 0; i < r.knots; i++)
        r.at[i] = filter_db * ser_normal(key, KNOT + (uint64_t)i);
    return r;
}

/* In decibels, at one of so many bands. */
static double response_at(const struct response *r, int band, int bands) {
    if (!r->knots || band >= bands)
        return 0;
    double at = bands > 1 ? (double)band * (r->knots - 1) / (bands - 1) : 0;
    int from = at < r->knots - 2 ? (int)at : r->knots - 2;
    return r->at[from] + (at - from) * (r->at[from + 1] - r->at[from]);
}

/* Rows of frames: x [A,T]. */
static void vary_rows(const struct ser_variation *v, const struct ser_variation_layout *l,
                      struct ser_key key, int n, const float *x, float *y, const struct map *m) {
    double gain_db = v->gain_db > 0 ? v->gain_db * ser_normal(key, GAIN) : 0;
    double f = factor(key, BANDS, v->warp_bands);
    struct response response = make_response(v->filter_db, key);
    for (int a = 0; a < l->A; a++) {
        int warped = a < l->bands * l->blocks, band = a % l->bands;
        double at = warped ? clamp(f * band, l->bands - 1) : band;
        int from = at < l->bands - 2 || l->bands < 2 ? (int)at : l->bands - 2;
        int step = warped && l->bands > 1;
        const float *row = x + (size_t)(warped ? a - band + from : a) * l->T;
        float g = step ? (float)(at - from) : 0, *to = y + (size_t)a * l->T;
        double db = gain_db + response_at(&response, a, l->bands);
        float add = l->gain ? (float)(db * l->gain[a]) : 0;
        if (m)
            take_row(row, row + (size_t)step * l->T, g, m, n, add, to);
        else
            blend_row(row, row + (size_t)step * l->T, g, n, add, to);
        memcpy(to + n, x + (size_t)a * l->T + n, (size_t)(l->T - n) * sizeof *to);
    }
}

/* y [C] = x + g (next - x). */
SER_CLONES static void blend_frame(const float *x, const float *next, float g, int C, float *y) {
    for (int c = 0; c < C; c++)
        y[c] = x[c] + g * (next[c] - x[c]);
}

/* Frames of channels: x [A,T,C]. */
static void vary_frames(const struct ser_variation_layout *l, int n, const float *x, float *y,
                        const struct map *m) {
    size_t C = (size_t)l->C, size = (size_t)l->T * C;
    memcpy(y, x, (size_t)l->A * size * sizeof *y);
    for (size_t a = 0; a < (size_t)l->A; a++)
        for (size_t t = 0; m && t < (size_t)n; t++) {
            const float *from = x + a * size + C * (size_t)m->from[t];
            blend_frame(from, from + C, m->behind[t], l->C, y + a * size + C * t);
        }
}

/* A run of up to `widest` of n, number i: its first in *start; its length. */
static int draw_run(struct ser_key key, uint64_t i, int widest, int n, int *start) {
    int most = widest < n ? widest : n;
    int length = (int)ser_below(key, MASK + 2 * i, (uint64_t)most + 1);
    *start = (int)ser_below(key, MASK + 2 * i + 1, (uint64_t)(n - length) + 1);
    return length;
}

/* Rows first to end of frames from to to become their means. */
static void fill(const struct ser_variation_layout *l, int row, int channel, int channels, int from,
                 int to, float *y) {
    for (int t = from; t < to; t++)
        for (int c = channel; c < channel + channels; c++)
            y[((size_t)row * l->T + t) * l->C + c] = l->mean[(size_t)row * l->C + c];
}

static void mask(const struct ser_variation *v, const struct ser_variation_layout *l,
                 struct ser_key key, int n, float *y) {
    for (int i = 0; i < v->masks; i++) {
        int first, bands = draw_run(key, 2 * (uint64_t)i, v->mask_bands, l->bands, &first);
        int start, frames = draw_run(key, 2 * (uint64_t)i + 1, v->mask_frames, n, &start);
        for (int k = 0; k < l->blocks; k++) {
            int at = k * l->bands + first;
            for (int b = at; b < at + bands && l->C == 1; b++)
                fill(l, b, 0, 1, 0, n, y);
            for (int a = 0; a < l->A && l->C > 1; a++)
                fill(l, a, at, bands, 0, n, y);
        }
        for (int a = 0; a < l->A; a++)
            fill(l, a, 0, l->C, start, start + frames, y);
    }
}

void ser_vary(const struct ser_variation *v, const struct ser_variation_layout *l,
              struct ser_key key, int n, const float *x, float *y, void *memory) {
    struct map m = map_in(memory, l->T);
    const struct map *moved = make_map(v, key, n, &m) ? &m : NULL;
    if (l->C == 1)
        vary_rows(v, l, key, n, x, y, moved);
    else
        vary_frames(l, n, x, y, moved);
    mask(v, l, key, n, y);
}

/* ---- mixing ---- */

SER_CLONES void ser_mix(const float *a, const float *b, float share, size_t n, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] = b[i] + share * (a[i] - b[i]);
}

/* The logarithm of a number of Gamma(shape, 1), from the numbers of key after *i (Marsaglia, Tsang,
 * A simple method for generating gamma variables, 2000): for shape >= 1
 *
 *   d (1 + c x)^3, x normal, d = shape - 1/3, c = 1 / sqrt(9 d), if
 *   ln u < x^2 / 2 + d - d v + d ln v, v = (1 + c x)^3 > 0, u uniform
 *
 * and below 1 one of shape + 1 times u^(1 / shape). */
static double ln_gamma_number(double shape, struct ser_key key, uint64_t *i) {
    double boost = shape < 1 ? ser_ln(1 - ser_uniform(key, (*i)++)) / shape : 0;
    double d = (shape < 1 ? shape + 1 : shape) - 1. / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = ser_normal(key, (*i)++), u = 1 - ser_uniform(key, (*i)++), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (ser_ln(u) < x * x / 2 + d - d * v + d * ser_ln(v))
            return ser_ln(d * v) + boost;
    }
}

double ser_mix_share(double alpha, struct ser_key key) {
    uint64_t i = 0;
    double a = ln_gamma_number(alpha, key, &i), b = ln_gamma_number(alpha, key, &i);
    return 1 / (1 + ser_exp(-fabs(a - b)));
}
