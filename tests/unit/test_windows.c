/* test_windows - windows of sound that comes in pieces, against the same samples as recordings. */
#include "check.h"
#include "math/effects.h"
#include "math/mfcc.h"
#include "math/spectrum.h"
#include "math/speech.h"
#include "math/trim.h"
#include "math/windows.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 22050, MOST = 6 * RATE, MOST_WINDOWS = 200 };

static void *must(void *p) {
    if (!p) {
        puts("not ok - out of memory");
        exit(1);
    }
    return p;
}

/* A glide with harmonics that comes and goes, and some noise. */
static void make_sound(float *x, size_t n, int rate_hz) {
    uint64_t state = 1;
    double phase = 0;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / rate_hz, on = fmod(t, 0.4) < 0.25;
        state = state * 6364136223846793005u + 1442695040888963407u;
        phase += (140 + 40 * sin(2 * M_PI * 0.7 * t)) / rate_hz;
        x[i] = (float)(0.001 * ((double)(state >> 40) / (1 << 24) - 0.5));
        for (int k = 1; k < 12; k++)
            x[i] += (float)(on * 0.1 / k * sin(2 * M_PI * fmod(k * phase, 1)));
    }
}

/* ---- all windows of a sound ---- */

struct heard {
    int n;
    struct ser_window w[MOST_WINDOWS];
    float *x[MOST_WINDOWS];   /* copies */
    size_t fed[MOST_WINDOWS]; /* samples that had been fed when it came */
};

static void take(struct ser_windows *w, size_t size, size_t fed, struct heard *h) {
    while (h->n < MOST_WINDOWS && ser_windows_next(w, &h->w[h->n]) == 1) {
        h->x[h->n] = must(malloc(size * sizeof(float)));
        memcpy(h->x[h->n], h->w[h->n].x, size * sizeof(float));
        h->fed[h->n++] = fed;
    }
}

static void hear(struct ser_windows *w, const struct ser_recipe *r, const float *x, size_t n,
                 size_t piece, struct heard *h) {
    size_t size = (size_t)(ser_recipe_rows(r) * r->frames);
    h->n = 0;
    for (size_t at = 0; at < n; at += piece) {
        size_t k = n - at < piece ? n - at : piece;
        if (ser_windows_feed(w, x + at, k))
            must(NULL);
        take(w, size, at + k, h);
    }
    ser_windows_end(w);
    take(w, size, n, h);
}

static void forget(struct heard *h) {
    for (int i = 0; i < h->n; i++)
        free(h->x[i]);
    h->n = 0;
}

static int same_windows(const struct heard *a, const struct heard *b, size_t size) {
    int good = a->n == b->n;
    for (int i = 0; good && i < a->n; i++)
        good = a->w[i].full == b->w[i].full && a->w[i].start_s == b->w[i].start_s &&
               a->w[i].end_s == b->w[i].end_s && a->w[i].speech == b->w[i].speech &&
               a->w[i].level_db == b->w[i].level_db && a->w[i].silent == b->w[i].silent &&
               memcmp(a->x[i], b->x[i], size * sizeof(float)) == 0;
    return good;
}

/* ---- the tolerance ---- */

/* The frames from first on, less than end, of all rows are the same in both. */
static int same_frames(const float *a, const float *b, size_t rows, size_t T, size_t first,
                       size_t end) {
    int same = 1;
    for (size_t c = 0; c < rows; c++)
        same = same && memcmp(a + c * T + first, b + c * T + first, (end - first) * sizeof *a) == 0;
    return same;
}

/* Each window against its samples cut out as a recording: all but edge frames at both ends. */
static void check_cut(const char *what, struct ser_recipe r, size_t step, size_t edge) {
    struct ser_windows *w = must(ser_windows_new(&r, step));
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    struct heard h;
    size_t n = (size_t)(6 * r.rate_hz), T, full, F = (size_t)r.frames, hop = (size_t)r.hop;
    size_t rows = (size_t)ser_recipe_rows(&r), expected = (1 + n / hop - F) / step + 1;
    float *x = must(malloc(n * sizeof *x));
    const float *y;
    int inner = 1, outer = 1, times = 1;
    make_sound(x, n, r.rate_hz);
    hear(w, &r, x, n, 1000, &h);
    check((size_t)h.n == expected, "%s: %d windows, expected %zu", what, h.n, expected);
    for (int i = 0; i < h.n; i++) {
        size_t from = (size_t)i * step * hop, count = (F - 1) * hop;
        if (ser_mfcc_run(m, x + from, count, &y, &T, &full))
            must(NULL);
        times = times && T == F && h.w[i].full == F && full == F &&
                h.w[i].start_s == (double)from / r.rate_hz &&
                h.w[i].end_s == (double)(from + count) / r.rate_hz;
        inner = inner && same_frames(y, h.x[i], rows, F, edge, F - edge);
        outer = outer && (i == 0 || !same_frames(y, h.x[i], rows, F, 0, F));
    }
    check(times, "%s: start, end and number of frames", what);
    check(inner, "%s: all but %zu frames at each end are those of the cut samples", what, edge);
    check(outer, "%s: the ends are not", what);
    forget(&h);
    free(x);
    ser_mfcc_free(m);
    ser_windows_free(w);
}

static void test_tolerance(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    r.top_db = 0;
    r.frames = 60;
    check_cut("mfcc", r, 11, 2);
    r.type = SER_LOGMEL;
    r.coefs = r.bands = 40;
    r.append = SER_APPEND_EVERYTHING;
    check_cut("log-mel and appended", r, 50, 2);
    r.append = 0;
    r.deltas = 1;
    check_cut("first differences", r, 50, 6);
    r.deltas = 2;
    check_cut("second differences", r, 50, 6);
    r.deltas = 0;
    r.rate_hz = 16000;
    r.window = 400;
    r.hop = 160;
    check_cut("frames too short for the detector", r, 70, 2);
    check_cut("gaps between windows", r, 130, 2);
    r.frames = 2;
    check_cut("windows of two frames", r, 30, 1);
}

/* ---- the floor, mean and deviation, and trimming are those of each window ---- */

static void test_floor(void) {
    struct ser_recipe r = {.type = SER_LOGMEL,
                           .rate_hz = RATE,
                           .window = 2048,
                           .hop = 512,
                           .bands = 40,
                           .coefs = 40,
                           .top_db = 20,
                           .frames = 30};
    struct ser_windows *w = must(ser_windows_new(&r, 20));
    float *x = must(malloc(MOST * sizeof *x));
    struct heard h;
    int good = 1;
    make_sound(x, MOST, RATE);
    for (size_t i = 0; i < MOST; i++)
        x[i] *= (float)(1 + i) / MOST; /* ever louder */
    hear(w, &r, x, MOST, MOST, &h);
    float first = 0, last = 0;
    for (int i = 0; i < h.n; i++) {
        float low = INFINITY, high = -INFINITY;
        for (int k = 0; k < 40 * 30; k++) {
            low = fminf(low, h.x[i][k]);
            high = fmaxf(high, h.x[i][k]);
        }
        good = good && fabsf(high - low - 20) < 1e-4f;
        first = i ? first : high;
        last = high;
    }
    check(good && h.n > 5 && last > first + 10,
          "the floor follows each window's own loudest value");
    forget(&h);
    ser_windows_free(w);

    r.norm = SER_NORMAL_UTTERANCE;
    w = must(ser_windows_new(&r, 20));
    hear(w, &r, x, MOST, MOST, &h);
    for (int i = 0; i < h.n; i++)
        for (int b = 0; b < 40; b++) {
            double sum = 0;
            for (int t = 0; t < 30; t++)
                sum += h.x[i][b * 30 + t];
            good = good && fabs(sum) < 1e-3;
        }
    check(good, "each window is normalised by its own mean");
    forget(&h);
    ser_windows_free(w);
    free(x);
}

static void test_trim(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    size_t T, full, F = 80, hop = 500, n = 79 * hop, begin, count;
    float *x = must(calloc(n, sizeof *x));
    const float *y;
    struct heard h;
    r.top_db = 0;
    r.trim_db = 30;
    r.hop = (int)hop;
    r.frames = (int)F;
    struct ser_windows *w = must(ser_windows_new(&r, 10));
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    make_sound(x + 15000, 9001, RATE);
    ser_trim(x, n, r.trim_db, 0, &begin, &count);
    hear(w, &r, x, n, 4096, &h);
    size_t from = begin / hop, to = (begin + count + hop - 1) / hop;
    check(begin > 0 && h.n == 1 && h.w[0].full == to - from + 1 && h.w[0].full < F,
          "trimmed to %zu of %zu frames", h.w[0].full, F);
    if (ser_mfcc_run(m, x + from * hop, (to - from) * hop, &y, &T, &full))
        must(NULL);
    check(full == h.w[0].full && same_frames(y, h.x[0], 40, F, 3, full - 3) &&
              same_frames(y, h.x[0], 40, F, full, F),
          "what is left is that of the samples, and padded");
    check(h.w[0].start_s == 0 && h.w[0].end_s == (double)n / RATE,
          "the window's times are those before the cut");
    forget(&h);
    free(x);
    ser_mfcc_free(m);
    ser_windows_free(w);
}

/* ---- as a recording ---- */

static void test_whole(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_windows *w;
    struct ser_mfcc *m;
    struct heard h;
    float *x = must(malloc(MOST * sizeof *x));
    const float *y;
    size_t T, full;
    make_sound(x, MOST, RATE);
    r.append = SER_APPEND_EVERYTHING;
    r.deltas = 2;
    r.norm = SER_NORMAL_UTTERANCE;
    r.pad = SER_PAD_FLOOR;
    w = must(ser_windows_new(&r, 10));
    m = must(ser_mfcc_new(&r));
    static const size_t lengths[] = {1, 511, 512, 3000, 50000, 173 * 512, 174 * 512 - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i], size = (size_t)(ser_recipe_rows(&r) * r.frames);
        ser_windows_reset(w);
        hear(w, &r, x, n, 777, &h);
        if (ser_mfcc_run(m, x, n, &y, &T, &full))
            must(NULL);
        check(h.n == 1 && h.w[0].full == full && memcmp(h.x[0], y, size * sizeof *y) == 0,
              "%zu samples: one window, which is that of the recording", n);
        size_t end = n < 173 * 512 ? n : 173 * 512;
        check(h.w[0].start_s == 0 && h.w[0].end_s == (double)end / RATE && h.w[0].speech >= 0,
              "%zu samples: its end, and its speech", n);
        forget(&h);
    }
    ser_windows_reset(w);
    hear(w, &r, x, 0, 1, &h);
    check(h.n == 0, "no samples: no window");
    free(x);
    ser_mfcc_free(m);
    ser_windows_free(w);
}

/* ---- in pieces ---- */

static void check_pieces(const char *what, struct ser_recipe r, size_t step) {
    struct ser_windows *w = must(ser_windows_new(&r, step));
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    struct heard all, h;
    size_t n = (size_t)(4 * r.rate_hz), size = (size_t)(ser_recipe_rows(&r) * r.frames);
    size_t reach = ser_mfcc_reach(m), hop = (size_t)r.hop;
    float *x = must(malloc(n * sizeof *x));
    int same;
    make_sound(x, n, r.rate_hz);
    hear(w, &r, x, n, n, &all);
    static const size_t pieces[] = {7, 512, 4000};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        /* One that was never fed as much at once must drop what it needs no longer. */
        ser_windows_free(w);
        w = must(ser_windows_new(&r, step));
        hear(w, &r, x, n, pieces[i], &h);
        same = same_windows(&all, &h, size);
        forget(&h);
        ser_windows_reset(w);
        hear(w, &r, x, n, pieces[i], &h);
        check(all.n > 3 && same && same_windows(&all, &h, size), "%s: the same in pieces of %zu",
              what, pieces[i]);
        forget(&h);
    }
    ser_windows_reset(w);
    hear(w, &r, x, n, 1, &h);
    int soon = h.n == all.n;
    for (int k = 0; soon && k < h.n; k++) {
        size_t due = ((size_t)k * step + (size_t)r.frames - 1) * hop + reach;
        soon = h.fed[k] == (due < n ? due : n);
    }
    check(soon, "%s: each window leaves with the last sample that it is made of", what);
    forget(&h);
    forget(&all);
    free(x);
    ser_mfcc_free(m);
    ser_windows_free(w);
}

static void test_pieces(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    r.frames = 40;
    check_pieces("defaults", r, 3);
    check_pieces("gaps", r, 43);
    r.rate_hz = 16000;
    r.window = 400;
    r.hop = 160;
    r.append = SER_APPEND_EVERYTHING;
    check_pieces("short frames, and pitch", r, 37);
}

/* ---- speech, level, silence ---- */

/* The share of speech from sample first to last, which samples before end tell. */
static double share(const float *x, size_t n, const struct ser_recipe *r, size_t first, size_t last,
                    size_t end) {
    int window = r->window, hop = r->hop;
    if (!ser_speech_takes(r->rate_hz, window, hop))
        ser_speech_frames(r->rate_hz, &window, &hop);
    struct ser_speech *s = must(ser_speech_new(r->rate_hz, window));
    struct ser_spectrum *spectrum = must(ser_spectrum_new(window));
    size_t all = 0, speech = 0, known = 0;
    float p;
    for (size_t at = 0; at + (size_t)window / 2 <= end; at += (size_t)hop)
        if (ser_speech_next(s, ser_spectrum_power(spectrum, x, n, at), &p)) {
            size_t middle = known++ * (size_t)hop;
            all += middle >= first && middle <= last;
            speech += middle >= first && middle <= last && p >= SER_SPEECH_THRESHOLD;
        }
    ser_spectrum_free(spectrum);
    ser_speech_free(s);
    return (double)speech / (double)all;
}

static void check_speech(const char *what, struct ser_recipe r, size_t step) {
    size_t n = (size_t)(6 * r.rate_hz), reach = (size_t)r.window / 2;
    struct ser_windows *w = must(ser_windows_new(&r, step));
    float *x = must(malloc(n * sizeof *x));
    struct heard h;
    int good = 1;
    double most = 0;
    make_sound(x, n, r.rate_hz);
    for (size_t i = 0; i < n / 2; i++)
        x[i] = 0;
    hear(w, &r, x, n, 999, &h);
    for (int i = 0; i < h.n; i++) {
        size_t first = (size_t)i * step * (size_t)r.hop,
               last = first + (size_t)(r.frames - 1) * (size_t)r.hop, end = last + reach;
        good = good && (end > n || h.w[i].speech == share(x, n, &r, first, last, end));
        most = fmax(most, h.w[i].speech);
    }
    check(good && h.n > 3, "%s: the share of the frames that are known", what);
    check(h.w[0].speech == 0 && most > 0.5, "%s: none in silence, and up to %.2f", what, most);
    forget(&h);
    free(x);
    ser_windows_free(w);
}

static void test_speech(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    r.frames = 60;
    check_speech("the spectra of the features", r, 20);
    r.rate_hz = 16000;
    r.window = 400;
    r.hop = 160;
    r.frames = 150;
    check_speech("spectra of its own", r, 60);
    r.rate_hz = 3000;
    struct ser_windows *w = must(ser_windows_new(&r, 20));
    struct heard h;
    float x[3000] = {0};
    hear(w, &r, x, 3000, 3000, &h);
    check(h.n == 1 && h.w[0].speech == -1, "below 4 kHz nothing is known of speech");
    check(h.w[0].silent && h.w[0].level_db == -100, "zeros are silent, at -100 dB");
    forget(&h);
    for (int i = 0; i < 3000; i++)
        x[i] = i & 1 ? 0.5f : -0.5f;
    ser_windows_reset(w);
    hear(w, &r, x, 3000, 3000, &h);
    check(h.n == 1 && !h.w[0].silent && fabs(h.w[0].level_db + 6.0206) < 1e-4,
          "half of full scale is %.4f dB", h.w[0].level_db);
    forget(&h);
    ser_windows_free(w);
}

/* ---- samples alone ---- */

/* All windows are the samples themselves, and the share of speech in them is that of whole frames. */
static void check_sound(const char *what, size_t length, size_t step, size_t piece) {
    struct ser_recipe none = {.rate_hz = 16000};
    struct ser_windows *w = must(ser_windows_new_sound(16000, length, step));
    struct ser_window out;
    size_t n = 60000, got = 0, late = 0;
    float *x = must(malloc(n * sizeof *x));
    double most = 0;
    int same = 1, known = 1;
    make_sound(x, n, 16000);
    memset(x, 0, length * sizeof *x); /* so that what begins there is known to be no noise */
    for (size_t at = 0; at <= n; at += piece) {
        if (at > 0 && ser_windows_feed(w, x + at - piece, piece))
            must(NULL);
        if (at == n)
            ser_windows_end(w);
        for (; ser_windows_next(w, &out) == 1; got++) {
            size_t first = got * step, last = first + length;
            late += at < last || at >= last + piece;
            same = same && out.samples == length && !out.x && !out.full &&
                   memcmp(out.sound, x + first, length * sizeof *x) == 0 &&
                   out.start_s == (double)first / 16000 && out.end_s == (double)last / 16000;
            known = known && out.speech == share(x, n, &none, first, last, last);
            most = fmax(most, out.speech);
        }
    }
    check(got == (n - length) / step + 1 && same && !late, "%s: %zu windows of samples", what, got);
    check(known && most > 0, "%s: the share of speech, up to %.2f", what, most);
    free(x);
    ser_windows_free(w);
}

static void test_sound(void) {
    struct ser_windows *w = must(ser_windows_new_sound(16000, 8000, 100));
    struct ser_window out;
    const float x[500] = {0};
    check_sound("overlapping", 8000, 1000, 500);
    check_sound("with gaps", 8000, 14000, 10000);
    if (ser_windows_feed(w, x, 500))
        must(NULL);
    check(!ser_windows_next(w, &out), "too short for a window");
    ser_windows_end(w);
    check(ser_windows_next(w, &out) == 1 && out.samples == 500 && out.silent &&
              !ser_windows_next(w, &out),
          "one window of all");
    ser_windows_free(w);
}

int main(void) {
    test_tolerance();
    test_floor();
    test_trim();
    test_whole();
    test_pieces();
    test_speech();
    test_sound();
    return failed != 0;
}
