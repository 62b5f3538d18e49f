/* test_features - what may be added to MFCC: silence cut off, padding of the floor, rows normalised. */
#include "check.h"
#include "math/mfcc.h"
#include "math/moments.h"
#include "math/trim.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    size_t n;
    float level;
};

#include "../golden/librosa/librosa.h"

enum { MOST = 1 << 17 };

static float sound[MOST];

/* The rule of golden/librosa/make.py: number i from -1 to 1, which looks random. */
static float noise(size_t i) {
    uint32_t h = (uint32_t)i * 2654435761u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return (float)(h >> 8) / 0x1p23f - 1;
}

/* Noise whose level is given piece by piece, in sound; returns its length. */
static size_t in_pieces(const struct piece *piece) {
    size_t n = 0;
    for (; piece->n; piece++)
        for (size_t end = n + piece->n; n < end; n++)
            sound[n] = noise(n) * piece->level;
    return n;
}

/* ---- silence at the ends ---- */

static void test_trim(void) {
    for (size_t i = 0; i < sizeof librosa_trim / sizeof *librosa_trim; i++) {
        size_t n = in_pieces(librosa_trim[i].piece), from, count;
        ser_trim(sound, n, librosa_trim[i].db, 0, &from, &count);
        check(from == librosa_trim[i].from && from + count == librosa_trim[i].to,
              "trim %zu: %zu..%zu, librosa %zu..%zu", i, from, from + count, librosa_trim[i].from,
              librosa_trim[i].to);
    }
}

/* The margin is left on both sides, and ends where the recording does. */
static void test_margin(void) {
    static const struct piece piece[] = {{10000, 0}, {10000, 0.5f}, {10000, 0}, {0, 0}};
    size_t n = in_pieces(piece), from, count, begin, end;
    ser_trim(sound, n, 35, 0, &begin, &end);
    end += begin;
    int good = begin > 0 && end < n;
    for (size_t margin = 0; margin < 2 * n; margin += 777) {
        ser_trim(sound, n, 35, margin, &from, &count);
        good = good && from == (begin > margin ? begin - margin : 0) &&
               from + count == (end + margin < n ? end + margin : n);
    }
    ser_trim(sound, n, 35, SIZE_MAX, &from, &count);
    check(good && from == 0 && count == n, "a margin is left on each side, as far as there is any");
}

/* ---- padding and normalising ---- */

static const float *run(struct ser_mfcc **m, const struct ser_recipe *r, size_t n, size_t *T,
                        size_t *full) {
    const float *got = NULL;
    *m = ser_mfcc_new(r);
    if (!*m || ser_mfcc_run(*m, sound, n, &got, T, full)) {
        puts("not ok - out of memory");
        exit(1);
    }
    return got;
}

/* Padding of the floor is what the last frames of a recording with silence behind it are; and the frames in
 * front of it are as ever. */
static void test_padding(enum ser_feature_type type, int deltas, double top_db) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_mfcc *padded, *zero, *silent;
    size_t T, full, all;
    r.type = type;
    r.coefs = type == SER_MFCC ? 40 : r.bands;
    r.deltas = deltas;
    r.top_db = top_db;
    r.frames = 60;
    for (size_t i = 0; i < 60 * 512; i++)
        sound[i] = i < 12 * 512 ? noise(i) / 2 : 0;
    const float *want = run(&zero, &r, 12 * 512, &T, &full);
    r.pad = SER_PAD_FLOOR;
    const float *got = run(&padded, &r, 12 * 512, &T, &all);
    r.deltas = 0;
    r.frames = 0;
    const float *floor = run(&silent, &r, 60 * 512, &all, &all);
    double most = 0;
    int same = full == 13, rows = r.coefs * (1 + deltas);
    for (int row = 0; row < rows; row++)
        for (size_t t = 0; t < T; t++) {
            float v = got[(size_t)row * T + t];
            if (t < full)
                same = same && v == want[(size_t)row * T + t];
            else
                most = fmax(most, fabsf(v - (row < r.coefs ? floor[(size_t)row * 61 + 40] : 0)));
        }
    check(same && most < 2e-4 && (type == SER_MFCC || most == 0),
          "padding is silence; %d rows, %g dB, worst %.2g", rows, top_db, most);
    ser_mfcc_free(zero);
    ser_mfcc_free(padded);
    ser_mfcc_free(silent);
}

/* Rows have the mean 0 and the deviation 1 over the frames that are kept; what the padding is. */
static void test_normal(int frames, enum ser_padding pad) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_mfcc *m, *raw;
    size_t T, full;
    r.frames = frames;
    r.pad = pad;
    for (size_t i = 0; i < 30000; i++)
        sound[i] = noise(i) * (float)(1 + i % 9000) / 9000;
    const float *plain = run(&raw, &r, 30000, &T, &full);
    r.norm = SER_NORMAL_UTTERANCE;
    const float *got = run(&m, &r, 30000, &T, &full);
    size_t kept = full < T ? full : T;
    double most = 0;
    for (int row = 0; row < 40; row++) {
        double mean = 0, square = 0, sum = 0, about = 0;
        const float *x = got + (size_t)row * T, *p = plain + (size_t)row * T;
        for (size_t t = 0; t < kept; t++) {
            mean += x[t] / (double)kept;
            sum += p[t] / (double)kept;
        }
        for (size_t t = 0; t < kept; t++) {
            square += (x[t] - mean) * (x[t] - mean) / (double)kept;
            about += (p[t] - sum) * (p[t] - sum) / (double)kept;
        }
        most = fmax(most, fmax(fabs(mean), fabs(square - 1)));
        for (size_t t = kept; t < T; t++) {
            double want = pad == SER_PAD_ZERO ? 0 : (p[t] - sum) / sqrt(about);
            most = fmax(most, fabs(x[t] - want));
        }
    }
    check(T == (size_t)frames && most < 1e-4, "normalised, %d frames of %zu, worst %.2g", frames,
          full, most);
    ser_mfcc_free(raw);
    ser_mfcc_free(m);
}

/* ---- moments ---- */

/* Several records of any layout, against the definition. */
static void test_moments(size_t before, size_t behind) {
    enum { RECORDS = 5, TIME = 9 };
    static float x[RECORDS][1000];
    static double own[1000], square[1000];
    size_t features = before * behind, n = 0;
    struct ser_moments m = {0, own, square};
    double most = 0;
    memset(own, 0, sizeof own);
    memset(square, 0, sizeof square);
    for (size_t k = 0; k < RECORDS; k++) {
        const struct ser_layout l = {before, TIME, behind, TIME - k};
        for (size_t i = 0; i < features * TIME; i++)
            x[k][i] = 1e6f + noise(1000 * k + i);
        ser_moments_add(&m, x[k], &l);
        n += TIME - k;
    }
    for (size_t f = 0; f < features; f++) {
        double mean = 0, about = 0;
        for (int pass = 0; pass < 2; pass++)
            for (size_t k = 0; k < RECORDS; k++)
                for (size_t t = 0; t < TIME - k; t++) {
                    double v = x[k][(f / behind * TIME + t) * behind + f % behind];
                    if (pass)
                        about += (v - mean) * (v - mean);
                    else
                        mean += v / (double)n;
                }
        most = fmax(most, fmax(fabs(own[f] - mean), fabs(square[f] - about)));
    }
    check(m.frames == (double)n && most < 1e-7, "moments of [%zu,t,%zu], worst %.2g", before,
          behind, most);
}

static void test_constant(void) {
    float x[7], tenth = 0.1f;
    double mean = 0, square = 0;
    struct ser_moments m = {0, &mean, &square};
    for (int i = 0; i < 7; i++)
        x[i] = tenth;
    const struct ser_layout l = {1, 7, 1, 7};
    for (int i = 0; i < 1000; i++)
        ser_moments_add(&m, x, &l);
    ser_normalize(x, &l, &mean, &square, 0);
    check(mean == (double)tenth && square == 0 && x[0] == 0 && x[6] == 0,
          "what never changes has the variance 0, and becomes 0");
}

static void test_shrink(void) {
    const double prior_mean[2] = {10, -4}, prior_variance[2] = {4, 9};
    double mean[2] = {2, 0}, variance[2] = {1, 1};
    ser_shrink(mean, variance, 2, 30, prior_mean, prior_variance, 10);
    int good = mean[0] == 4 && mean[1] == -1 && variance[0] == 1.75 && variance[1] == 3;
    ser_shrink(mean, variance, 2, 0, prior_mean, prior_variance, 5);
    check(good && mean[0] == 10 && mean[1] == -4 && variance[0] == 4 && variance[1] == 9,
          "(n own + k prior) / (n + k)");
}

int main(void) {
    test_trim();
    test_margin();
    test_padding(SER_MFCC, 0, 80);
    test_padding(SER_MFCC, 2, 0);
    test_padding(SER_LOGMEL, 1, 40);
    test_normal(59, SER_PAD_ZERO);
    test_normal(80, SER_PAD_ZERO);
    test_normal(80, SER_PAD_FLOOR);
    test_normal(20, SER_PAD_FLOOR);
    test_moments(13, 1);
    test_moments(1, 11);
    test_moments(3, 4);
    test_constant();
    test_shrink();
    return failed != 0;
}
