/* test_features - what may be added to MFCC: silence cut off, padding of the floor, rows normalised, energy and
 * pitch; and the moments of features. */
#include "check.h"
#include "math/mfcc.h"
#include "math/moments.h"
#include "math/trim.h"
#include "math/yin.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    size_t n;
    float level;
};

#include "../golden/librosa/librosa.h"
#include "../golden/praat/praat.h"

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
    ser_trim(sound, n, 1e-20, 0, &from, &count);
    check(from >= begin && from < end && count >= 1 && count <= end - from,
          "the loudest frame is sound for any db");
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

/* ---- fundamental frequency ---- */

/* A voice of harmonics up to the tenth, or to half the rate, each as loud as 1 / its number; hz rises to the
 * other evenly. */
static void voice(size_t n, int rate_hz, double hz, double to_hz) {
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / rate_hz, end = (double)n / rate_hz, sum = 0;
        double phase = 2 * M_PI * (hz * t + (to_hz - hz) * t * t / (2 * end));
        for (int k = 1; k <= 10 && k * fmax(hz, to_hz) < 0.45 * rate_hz; k++)
            sum += sin(k * phase) / k;
        sound[i] = (float)(sum / 4);
    }
}

static struct ser_yin *yin_at(int rate_hz) {
    struct ser_yin *y = ser_yin_new(rate_hz);
    if (y)
        return y;
    puts("not ok - out of memory");
    exit(1);
}

/* Tones of all frequencies: none is an octave off. */
static void test_tones(int rate_hz, double most_cents, double voiced) {
    struct ser_yin *y = yin_at(rate_hz);
    double worst = 0, least = 1;
    for (double hz = 57; hz < 850; hz *= 1.013) {
        double voicing, got;
        size_t n = (size_t)rate_hz / 5;
        voice(n, rate_hz, hz, hz);
        got = ser_yin_frame(y, sound, n, n / 2, &voicing);
        worst = fmax(worst, fabs(1200 * log2(got / hz)));
        least = fmin(least, voicing);
    }
    check(worst < most_cents && least > voiced, "tones at %d Hz: worst %.2g cents, voicing %.4f",
          rate_hz, worst, least);
    ser_yin_free(y);
}

/* librosa's window is longer, so in a glide the two are some cents apart. */
static void test_librosa_yin(void) {
    struct ser_yin *y = yin_at(22050);
    double worst = 0, of_truth = 0, voicing;
    voice(22050, 22050, 100, 300);
    for (size_t i = 0; i < sizeof librosa_yin / sizeof *librosa_yin; i++) {
        double got = ser_yin_frame(y, sound, 22050, 512 * (i + 4), &voicing);
        worst = fmax(worst, fabs(1200 * log2(got / librosa_yin[i])));
        of_truth =
            fmax(of_truth, fabs(1200 * log2(got / (100 + 200 * 512 * (double)(i + 4) / 22050))));
    }
    check(worst < 40 && of_truth < 30,
          "a glide: librosa's within %.2g cents, the truth within %.2g", worst, of_truth);
    ser_yin_free(y);
}

/* The samples of golden/praat/speech.wav, s16le behind a header of 44 bytes, in sound; returns their number. */
static size_t speech(void) {
    FILE *f = fopen("tests/golden/praat/speech.wav", "rb");
    unsigned char two[2];
    size_t n = 0;
    if (!f || fseek(f, 44, SEEK_SET)) {
        puts("not ok - tests/golden/praat/speech.wav: cannot be read");
        exit(1);
    }
    while (n < MOST && fread(two, 2, 1, f))
        sound[n++] = (float)(int16_t)(two[0] | two[1] << 8) / 0x1p15f;
    fclose(f);
    return n;
}

/* Speech, where Praat hears a voice that has begun a frame ago and goes on: at its ends windows of different lengths
 * hear different sound. YIN goes wrong where the voice falls by a fifth within its window, and says so by voicing. */
static void test_praat(void) {
    struct ser_yin *y = yin_at(16000);
    size_t n = speech(), voiced = 0, near = 0, sure = 0, far = 0;
    double voicing, worst = 0;
    for (size_t i = 1; i + 1 < sizeof praat_hz / sizeof *praat_hz; i++) {
        if (praat_hz[i - 1] == 0 || praat_hz[i] == 0 || praat_hz[i + 1] == 0)
            continue;
        double hz = ser_yin_frame(y, sound, n, 256 * i, &voicing);
        double cents = fabs(1200 * log2(hz / praat_hz[i]));
        voiced++;
        near += cents < 50;
        far += cents > 300;
        sure += voicing > 0.75;
        worst = voicing > 0.75 ? fmax(worst, cents) : worst;
    }
    check(near * 10 >= voiced * 8 && far <= 2, "speech: %zu of %zu within 50 cents of Praat", near,
          voiced);
    check(sure * 10 >= voiced * 7 && worst < 25, "speech: %zu are sure, and within %.2g cents",
          sure, worst);
    ser_yin_free(y);
}

/* What has no pitch, and what is at the edges of a recording. */
static void test_no_voice(void) {
    struct ser_yin *y = yin_at(16000);
    double voicing, most = 0, hz;
    for (size_t i = 0; i < 30000; i++)
        sound[i] = noise(i);
    for (size_t at = 0; at < 30000; at += 1000) {
        ser_yin_frame(y, sound, 30000, at, &voicing);
        most = fmax(most, voicing);
    }
    check(most > 0 && most < 0.5, "noise has a voicing of %.2g at most", most);
    for (int what = 0; what < 4; what++) {
        static const float level[] = {0, 0.25f, 3e38f, 1e-44f};
        for (size_t i = 0; i < 4000; i++)
            sound[i] = what < 2 ? level[what] : level[what] * (i % 100 < 50 ? 1 : -1);
        int good = 1;
        for (size_t at = 0; at <= 4000; at += 250) {
            hz = ser_yin_frame(y, sound, 4000, at, &voicing);
            good = good && isfinite(hz) && voicing >= 0 && voicing <= 1;
            good = good &&
                   (what < 2 || at < 1000 || at > 3000 || (voicing > 0.99 && fabs(hz - 160) < 0.1));
            good = good && (what || voicing == 0);
        }
        check(good, "%s of %g", what < 2 ? "a constant" : "a square wave", (double)level[what]);
    }
    hz = ser_yin_frame(y, sound, 1, 0, &voicing);
    check(isfinite(hz) && voicing >= 0 && voicing <= 1, "one sample has a voicing of %g", voicing);
    ser_yin_free(y);
}

/* The rows behind the coefficients: a voice, then noise of less, then silence. */
static void test_appended(enum ser_padding pad, int frames) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_mfcc *m, *few;
    size_t T, full, n = 24 * 512;
    r.frames = frames;
    r.deltas = 1;
    r.pad = pad;
    r.append = SER_APPEND_EVERYTHING;
    voice(n, 22050, 220, 220);
    for (size_t i = 10 * 512; i < n; i++)
        sound[i] = i < 18 * 512 ? noise(i) / 20 : 0;
    const float *got = run(&m, &r, n, &T, &full);
    const float *energy = got + 80 * T, *f0 = energy + T, *voicing = f0 + T;
    int good = ser_recipe_rows(&r) == 83 && T == (size_t)frames && full == 25;
    double loudest = 0, off = 0;
    for (size_t t = 0; t < 9; t++) {
        double sum = 1e-300;
        for (size_t i = t < 2 ? 0 : 512 * t - 1024; i < 512 * t + 1024; i++)
            sum += (double)sound[i] * sound[i] / 2048;
        off = fmax(off, fabs(energy[t] - 10 * log10(fmax(1e-10, sum))));
        loudest = fmax(loudest, 1e3 + 10 * log10(fmax(1e-10, sum)));
        good = good && fabs(f0[t] - 36) < 0.2 && voicing[t] > (t < 2 ? 0.7 : 0.99);
    }
    check(good && off < 1e-4, "a voice: energy within %.2g dB", off);
    good = 1;
    for (size_t t = 12; t < T && t < 16; t++)
        good = good && f0[t] == 0 && voicing[t] < 0.5;
    float floor = (float)(loudest - 1e3 - 80);
    for (size_t t = 20; t < T; t++) {
        float want = t < full || pad == SER_PAD_FLOOR ? floor : 0;
        good = good && fabsf(energy[t] - want) < 1e-3 && f0[t] == 0 && voicing[t] == 0;
    }
    check(good, "no voice, silence, padding; %d frames", frames);
    /* Each alone is the same row. */
    float kept[3 * 200];
    memcpy(kept, energy, 3 * T * sizeof *kept);
    for (int i = 0; i < 3; i++) {
        r.append = 1 << i;
        got = run(&few, &r, n, &T, &full);
        check(memcmp(got + 80 * T, kept + (size_t)i * T, T * sizeof *kept) == 0, "row %d alone", i);
        ser_mfcc_free(few);
    }
    ser_mfcc_free(m);
}

/* A hum far below the loudest frame is periodic, but no voice. */
static void test_hum(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_mfcc *m;
    size_t T, full;
    r.frames = 0;
    r.append = SER_APPEND_F0 | SER_APPEND_VOICING;
    voice(24 * 512, 22050, 220, 220);
    for (size_t i = 12 * 512; i < 24 * 512; i++)
        sound[i] *= i < 18 * 512 ? 0.05f : 0.02f;
    const float *f0 = run(&m, &r, 24 * 512, &T, &full) + 40 * T, *voicing = f0 + T;
    check(f0[15] > 0 && f0[20] == 0 && voicing[20] > 0.99,
          "26 dB below the loudest is a voice, 34 dB is none");
    ser_mfcc_free(m);
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
    test_tones(22050, 3, 0.98);
    test_tones(16000, 5, 0.97);
    test_tones(48000, 1, 0.99);
    test_tones(8000, 12, 0.9);
    test_librosa_yin();
    test_praat();
    test_no_voice();
    test_appended(SER_PAD_ZERO, 40);
    test_appended(SER_PAD_FLOOR, 40);
    test_appended(SER_PAD_FLOOR, 15);
    test_hum();
    return failed != 0;
}
