/* test_mfcc - resampling, spectra, mel bands, MFCC, differences.
 *
 * usage: test_mfcc FOLDER...
 * A folder holds NAME.wav with NAME.mfcc.npy and, where they are kept, NAME.22k.npy and
 * NAME.mel.npy: what librosa 0.11.0 makes of the file. The rest is compared with a slow model in
 * double precision.
 */
#include "check.h"
#include "math/mel.h"
#include "math/mfcc.h"
#include "math/resample.h"
#include "math/spectrum.h"
#include "read_npy.h"

#include <glob.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <soxr.h>
#include <stdint.h>

/* The fields that every recipe has; the others are 0. */
#define RECIPE(type_, rate, window_, hop_, bands_, coefs_, fmin, fmax, top, frames_, deltas_)      \
    ((struct ser_recipe){.type = (type_),                                                          \
                         .rate_hz = (rate),                                                        \
                         .window = (window_),                                                      \
                         .hop = (hop_),                                                            \
                         .bands = (bands_),                                                        \
                         .coefs = (coefs_),                                                        \
                         .fmin_hz = (fmin),                                                        \
                         .fmax_hz = (fmax),                                                        \
                         .top_db = (top),                                                          \
                         .frames = (frames_),                                                      \
                         .deltas = (deltas_)})

static void *must(void *p) {
    if (!p) {
        puts("not ok - out of memory");
        exit(1);
    }
    return p;
}

/* The largest |a - b|; infinite if one is not a number. */
static double worst(const float *a, const float *b, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        most = d <= most ? most : d > most ? d : INFINITY;
    }
    return most;
}

/* ---- against librosa ---- */

static float *load_wav(const char *path, size_t *n, int *rate_hz) {
    SF_INFO info = {0};
    SNDFILE *f = sf_open(path, SFM_READ, &info);
    if (!f)
        return NULL;
    size_t channels = (size_t)info.channels;
    *n = (size_t)info.frames;
    *rate_hz = info.samplerate;
    float *x = must(malloc(*n * channels * sizeof *x + 1));
    sf_count_t got = sf_readf_float(f, x, info.frames);
    sf_close(f);
    for (size_t i = 0; i < *n; i++) {
        float sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += x[i * channels + c];
        x[i] = sum / (float)channels;
    }
    if (got != info.frames) {
        free(x);
        return NULL;
    }
    return x;
}

/* 1 if NAME.suffix exists and could be read. */
static int companion(const char *wav, const char *suffix, struct npy *a) {
    char path[4096];
    snprintf(path, sizeof path, "%.*s%s", (int)(strlen(wav) - strlen(".wav")), wav, suffix);
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    fclose(f);
    if (npy_read(path, a)) {
        check(0, "%s is a float32 array", path);
        return 0;
    }
    return 1;
}

/* The same soxr in single precision on other vector units differs in the last bits only: 2e-6 of
 * full scale is 16 units in the last place of a sample near 1. */
static const double SIGNAL_TOLERANCE = 2e-6;

/* Ours transforms in single precision: rounding errors of a frame's loudest bin, about 1e-7 of its
 * amplitude, reach its quietest. Bands are compared relative to their own value, or to the clip's
 * maximum less 80 dB where they lie below that floor; there an amplitude is 1e-4 of the loudest and
 * such an error 1e-3 of it. The worst seen is 2.2e-4, in the sweep. */
static const double MEL_TOLERANCE = 1e-3;

/* The project's promise. */
static const double MFCC_TOLERANCE = 1e-3;

static void compare_signal(const char *name, const struct npy *want, const float *y, size_t m) {
    double d = m == want->columns ? worst(y, want->data, m) : INFINITY;
    check(want->rows == 1 && d <= SIGNAL_TOLERANCE, "%s: %zu samples at 22050 Hz, worst %.2g", name,
          m, d);
}

static void compare_mel(const char *name, const struct npy *want, struct ser_mfcc *mfcc,
                        const float *y, size_t m) {
    const float *got;
    size_t T, n = want->rows * want->columns;
    if (ser_mfcc_mel(mfcc, y, m, &got, &T) || T != want->columns || want->rows != 128) {
        check(0, "%s: mel powers have librosa's shape", name);
        return;
    }
    double max = 0, most = 0;
    for (size_t i = 0; i < n; i++)
        max = fmax(max, want->data[i]);
    for (size_t i = 0; i < n; i++) {
        double scale = fmax(fmax(want->data[i], 1e-8 * max), 1e-10);
        double d = fabs((double)got[i] - want->data[i]) / scale;
        most = d <= most ? most : d > most ? d : INFINITY;
    }
    check(most <= MEL_TOLERANCE, "%s: mel powers, worst relative difference %.2g", name, most);
}

static void compare_file(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct ser_recipe recipe = SER_RECIPE_DEFAULT;
    recipe.frames = 0;
    struct ser_mfcc *mfcc = must(ser_mfcc_new(&recipe));
    struct ser_resampler *resampler = must(ser_resampler_new());
    struct npy want;
    size_t n, m, T, full;
    int rate_hz;
    const float *y, *got;
    const char *why;
    float *x = load_wav(path, &n, &rate_hz);
    if (!x || ser_resample(resampler, x, n, rate_hz, 22050, &y, &m, &why)) {
        check(0, "%s can be read and resampled", name);
        exit(1);
    }
    if (companion(path, ".22k.npy", &want)) {
        compare_signal(name, &want, y, m);
        free(want.data);
    }
    if (companion(path, ".mel.npy", &want)) {
        compare_mel(name, &want, mfcc, y, m);
        free(want.data);
    }
    if (companion(path, ".mfcc.npy", &want)) {
        double d = INFINITY;
        if (!ser_mfcc_run(mfcc, y, m, &got, &T, &full) && T == want.columns && want.rows == 40 &&
            full == T)
            d = worst(got, want.data, 40 * T);
        check(d <= MFCC_TOLERANCE, "%s: 40 x %zu coefficients, worst difference %.2g", name, T, d);
        free(want.data);
    } else {
        check(0, "%s has its .mfcc.npy", name);
    }
    free(x);
    ser_resampler_free(resampler);
    ser_mfcc_free(mfcc);
}

static void compare_folder(const char *folder) {
    char pattern[4096];
    glob_t found = {0};
    snprintf(pattern, sizeof pattern, "%s/*.wav", folder);
    check(!glob(pattern, 0, NULL, &found), "%s holds WAV files", folder);
    for (size_t i = 0; i < found.gl_pathc; i++)
        compare_file(found.gl_pathv[i]);
    globfree(&found);
}

/* ---- against a slow model in double precision ---- */

static double hz_of_mel(double mel) {
    return mel < 15 ? mel * 200 / 3 : 1000 * pow(6.4, (mel - 15) / 27);
}

static double mel_of_hz(double hz) {
    return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4);
}

/* Power of bin k of the frame around at, by the sum that defines it. turn [2, window] holds cosines
 * and sines.
 */
static double model_power(const struct ser_recipe *r, const float *x, size_t n, long at, int k,
                          const double *turn) {
    int N = r->window;
    double re = 0, im = 0;
    for (int j = 0; j < N; j++) {
        long i = at - N / 2 + j;
        if (i < 0 || i >= (long)n)
            continue;
        double v = x[i] * (0.5 - 0.5 * turn[j]);
        size_t phase = (size_t)j * (size_t)k % (size_t)N;
        re += v * turn[phase];
        im += v * turn[(size_t)N + phase];
    }
    return re * re + im * im;
}

/* [2, N]: cosines, sines. */
static double *make_turn(int N) {
    double *turn = must(malloc(2 * (size_t)N * sizeof *turn));
    for (int j = 0; j < N; j++) {
        turn[j] = cos(2 * M_PI * j / N);
        turn[N + j] = sin(2 * M_PI * j / N);
    }
    return turn;
}

/* [bands, T] */
static double *model_decibels(const struct ser_recipe *r, const float *x, size_t n, size_t T) {
    int N = r->window, bins = N / 2 + 1;
    double *turn = make_turn(N);
    double *power = must(malloc((size_t)bins * sizeof *power));
    double *db = must(malloc((size_t)r->bands * T * sizeof *db));
    double fmax_hz = r->fmax_hz == 0 ? r->rate_hz / 2.0 : r->fmax_hz, most = -INFINITY;
    double low = mel_of_hz(r->fmin_hz), step = (mel_of_hz(fmax_hz) - low) / (r->bands + 1);
    for (size_t t = 0; t < T; t++) {
        for (int k = 0; k < bins; k++)
            power[k] = model_power(r, x, n, (long)t * r->hop, k, turn);
        for (int b = 0; b < r->bands; b++) {
            double f0 = hz_of_mel(low + b * step), f1 = hz_of_mel(low + (b + 1) * step);
            double f2 = hz_of_mel(low + (b + 2) * step), sum = 0;
            for (int k = 0; k < bins; k++) {
                double hz = (double)k * r->rate_hz / N;
                double w = hz < f1 ? (hz - f0) / (f1 - f0) : (f2 - hz) / (f2 - f1);
                sum += w > 0 ? w * 2 / (f2 - f0) * power[k] : 0;
            }
            db[(size_t)b * T + t] = 10 * log10(fmax(sum, 1e-10));
            most = fmax(most, db[(size_t)b * T + t]);
        }
    }
    for (size_t i = 0; r->top_db > 0 && i < (size_t)r->bands * T; i++)
        db[i] = fmax(db[i], most - r->top_db);
    free(turn);
    free(power);
    return db;
}

/* [coefs, T] of a recipe without padding and differences. */
static float *model(const struct ser_recipe *r, const float *x, size_t n, size_t T) {
    double *db = model_decibels(r, x, n, T);
    float *out = must(malloc((size_t)r->coefs * T * sizeof *out));
    for (int c = 0; c < r->coefs; c++)
        for (size_t t = 0; t < T; t++) {
            double sum = 0;
            for (int b = 0; b < r->bands; b++)
                sum += db[(size_t)b * T + t] * cos(M_PI * c * (b + 0.5) / r->bands);
            sum *= sqrt((c ? 2.0 : 1.0) / r->bands);
            out[(size_t)c * T + t] = (float)(r->type == SER_LOGMEL ? db[(size_t)c * T + t] : sum);
        }
    free(db);
    return out;
}

/* Speech-like enough: a chirp with harmonics over noise, not the same from frame to frame. */
static float *make_signal(size_t n) {
    float *x = must(malloc(n * sizeof *x));
    uint32_t seed = 12345;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / 22050, noise;
        seed = seed * 1664525 + 1013904223;
        noise = (double)(seed >> 8) / (1 << 24) - 0.5;
        x[i] = (float)(0.4 * sin(2 * M_PI * (200 + 900 * t) * t) + 0.1 * sin(2 * M_PI * 3100 * t) +
                       0.02 * noise);
    }
    return x;
}

static void compare_model(const char *what, const struct ser_recipe *r, const float *x, size_t n) {
    struct ser_mfcc *m = must(ser_mfcc_new(r));
    const float *got;
    size_t T, full, expect = 1 + n / (size_t)r->hop;
    float *want = model(r, x, n, expect);
    double d = INFINITY;
    if (!ser_mfcc_run(m, x, n, &got, &T, &full) && T == expect && full == expect)
        d = worst(got, want, (size_t)r->coefs * T);
    check(d <= MFCC_TOLERANCE, "model: %s, n %zu, %d x %zu, worst difference %.2g", what, n,
          r->coefs, T, d);
    free(want);
    ser_mfcc_free(m);
}

/* Every bin, the highest too, which no band uses; frames before, across and after the signal. */
static void test_spectrum(const float *x) {
    static const int window[] = {16, 18, 206, 2048};
    static const size_t at[] = {0, 3, 900, 1499, 1500, 9000};
    for (size_t i = 0; i < sizeof window / sizeof *window; i++) {
        int N = window[i];
        struct ser_spectrum *s = must(ser_spectrum_new(N));
        double *turn = make_turn(N), most = 0;
        for (size_t j = 0; j < sizeof at / sizeof *at; j++) {
            const float *got = ser_spectrum_power(s, x, 1500, at[j]);
            for (int k = 0; k <= N / 2 + SER_SPECTRUM_PAD; k++) {
                double p = k <= N / 2 ? model_power(&(struct ser_recipe){.window = N}, x, 1500,
                                                    (long)at[j], k, turn)
                                      : 0;
                most = fmax(most, fabs(sqrt(got[k]) - sqrt(p)) / N);
            }
        }
        check(most < 1e-7, "spectrum of %d samples, worst difference of amplitudes %.2g", N, most);
        free(turn);
        ser_spectrum_free(s);
    }
}

/* Clicks of all sizes, one a frame: the band's power is the click's square times the band's
 * weights. */
static void test_decibels(void) {
    enum { CLICKS = 4000 };
    struct ser_recipe r = RECIPE(SER_LOGMEL, 8000, 16, 16, 1, 1, 0, 0, 0, 0, 0);
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    float *x = must(calloc(16 * CLICKS, sizeof *x));
    const float *got;
    double most = 0;
    size_t T, full;
    for (size_t i = 0; i < CLICKS; i++)
        x[16 * i] = (float)pow(10, 3 - 6.5 * (double)i / CLICKS);
    int good = !ser_mfcc_run(m, x, 16 * CLICKS, &got, &T, &full);
    for (size_t i = 1; good && i < CLICKS; i++)
        most = fmax(most, fabs((double)got[i] - got[0] - 20 * log10((double)x[16 * i] / x[0])));
    check(good && most < 2e-5, "decibels from +60 to -70, worst difference %.2g", most);
    free(x);
    ser_mfcc_free(m);
}

static void test_model(const float *x) {
    static const size_t edge[] = {1, 2, 511, 512, 2047, 2048, 2049};
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    r.frames = 0;
    for (size_t i = 0; i < sizeof edge / sizeof *edge; i++)
        compare_model("librosa's defaults", &r, x, edge[i]);
    r = RECIPE(SER_MFCC, 16000, 400, 160, 23, 13, 20, 7600, 0, 0, 0);
    compare_model("25 ms windows, 23 bands, no floor", &r, x, 8000);
    r = RECIPE(SER_MFCC, 8000, 206, 206, 20, 20, 0, 0, 30, 0, 0);
    compare_model("window 206, an FFT of odd length; floor at 30 dB", &r, x, 3000);
    r = RECIPE(SER_MFCC, 8000, 16, 1, 1, 1, 0, 0, 80, 0, 0);
    compare_model("smallest window, one band", &r, x, 40);
    r = RECIPE(SER_MFCC, 8000, 16, 4, 40, 40, 0, 0, 80, 0, 0);
    compare_model("more bands than bins", &r, x, 40);
    r = RECIPE(SER_LOGMEL, 22050, 1024, 256, 80, 80, 0, 8000, 80, 0, 0);
    compare_model("log-mel", &r, x, 6000);
}

/* ---- frames, differences, silence ---- */

static void test_frames(const float *x) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    const float *whole, *got;
    size_t T, full, all, n = 20000;
    r.frames = 0;
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    check(!ser_mfcc_run(m, x, n, &whole, &all, &full) && all == 40 && full == 40,
          "frames 0: 20000 samples are 40 frames");
    for (int frames = 1; frames <= 64; frames += 21) {
        r.frames = frames;
        struct ser_mfcc *cut = must(ser_mfcc_new(&r));
        int same = !ser_mfcc_run(cut, x, n, &got, &T, &full) && T == (size_t)frames && full == 40;
        for (size_t c = 0; same && c < 40; c++)
            for (size_t t = 0; t < T; t++)
                same = same && got[c * T + t] == (t < all ? whole[c * all + t] : 0);
        check(same, "frames %d: %s", frames, frames < 40 ? "cut" : "padded with zeros");
        ser_mfcc_free(cut);
    }
    ser_mfcc_free(m);
}

/* The derivative at place at of the polynomial of degree order that fits x[0..W-1] best, by the
 * normal equations, solved without pivoting (they are positive definite). */
static double fit(const float *x, int W, int order, double at) {
    double a[3][4] = {{0}};
    for (int j = 0; j < W; j++)
        for (int p = 0; p <= order; p++) {
            for (int q = 0; q <= order; q++)
                a[p][q] += pow(j, p + q);
            a[p][3] += pow(j, p) * x[j];
        }
    for (int p = 0; p <= order; p++)
        for (int row = 0; row <= order; row++)
            if (row != p) {
                double factor = a[row][p] / a[p][p];
                for (int q = 0; q < 4; q++)
                    a[row][q] -= factor * a[p][q];
            }
    double slope = a[1][3] / a[1][1];
    return order == 1 ? slope + 0 * at : 2 * a[2][3] / a[2][2];
}

/* scipy's savgol_filter(window 9, polyorder = deriv = order, mode interp) of one row. */
static double model_delta(const float *x, size_t T, int order, size_t t) {
    static const double slope[] = {-4, -3, -2, -1, 0, 1, 2, 3, 4};
    static const double bend[] = {28, 7, -8, -17, -20, -17, -8, 7, 28};
    double sum = 0;
    if (t < 4)
        return fit(x, 9, order, (double)t);
    if (t + 4 >= T)
        return fit(x + T - 9, 9, order, (double)(9 - (T - t)));
    for (size_t j = 0; j < 9; j++)
        sum += x[t - 4 + j] * (order == 1 ? slope[j] / 60 : bend[j] / 462);
    return sum;
}

static void test_deltas(const float *x) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    const float *got;
    size_t T, full;
    r.deltas = 2;
    r.coefs = 13;
    r.frames = 30;
    check(ser_recipe_rows(&r) == 39, "13 coefficients with both differences are 39 rows");
    r.frames = 0;
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    double most = 0;
    int good = !ser_mfcc_run(m, x, 20000, &got, &T, &full) && T == 40;
    for (int order = 1; good && order <= 2; order++)
        for (size_t c = 0; c < 13; c++)
            for (size_t t = 0; t < T; t++)
                most = fmax(most, fabs(got[((size_t)order * 13 + c) * T + t] -
                                       model_delta(got + c * T, T, order, t)));
    check(good && most < 1e-4, "differences are Savitzky-Golay's, worst %.2g", most);

    float *whole = must(malloc(39 * T * sizeof *whole));
    memcpy(whole, got, 39 * T * sizeof *whole);
    r.frames = 30;
    struct ser_mfcc *cut = must(ser_mfcc_new(&r));
    good = good && !ser_mfcc_run(cut, x, 20000, &got, &T, &full) && T == 30;
    for (size_t row = 0; good && row < 39; row++)
        good = !memcmp(got + row * 30, whole + row * 40, 30 * sizeof *got);
    check(good, "differences of a cut clip know the frames that were cut");
    free(whole);
    ser_mfcc_free(cut);

    /* Fewer than nine frames: one polynomial through all of them. */
    for (size_t n = 1; n <= 8; n++) {
        good = !ser_mfcc_run(m, x, 512 * n - 1, &got, &T, &full) && T == n;
        most = 0;
        for (int order = 1; good && order <= 2; order++)
            for (size_t i = 0; i < 13 * T; i++) {
                double want = (int)T > order ? fit(got + i / T * T, (int)T, order, 0) : 0;
                most = fmax(most, fabs(got[(size_t)order * 13 * T + i] - want));
            }
        check(good && most < 1e-3, "differences of %zu frames, worst %.2g", n, most);
    }
    ser_mfcc_free(m);
}

static void test_silence(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    float *x = must(calloc(22050, sizeof *x));
    const float *got;
    size_t T, full;
    int good = !ser_mfcc_run(m, x, 22050, &got, &T, &full) && T == 174 && full == 44;
    double most = 0;
    for (size_t i = 0; good && i < 40 * T; i++) {
        double want = i < full ? -100 * sqrt(128) : 0;
        most = fmax(most, fabs(got[i] - want));
    }
    check(good && most < 1e-3, "silence is -100 dB everywhere, worst %.2g", most);
    free(x);
    ser_mfcc_free(m);
}

/* Powers beyond the range of float do not become infinite or not-a-number features. */
static void test_extremes(void) {
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    r.deltas = 2;
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    static const float size[] = {3e38f, 1e25f, 1e-30f, 1e-44f};
    enum { N = 30000 };
    float *x = must(malloc(N * sizeof *x));
    const float *got;
    size_t T, full;
    for (size_t k = 0; k < sizeof size / sizeof *size; k++) {
        for (size_t i = 0; i < N; i++)
            x[i] = i * i % 7 < 3 ? size[k] : -size[k];
        int good = !ser_mfcc_run(m, x, N, &got, &T, &full);
        for (size_t i = 0; good && i < 120 * T; i++)
            good = isfinite(got[i]);
        check(good, "samples of %g give finite features", (double)size[k]);
    }
    free(x);
    ser_mfcc_free(m);
}

/* ---- the recipe ---- */

#define ADDED(db, margin, pad_, norm_)                                                             \
    ((struct ser_recipe){.type = SER_MFCC,                                                         \
                         .rate_hz = 22050,                                                         \
                         .window = 2048,                                                           \
                         .hop = 512,                                                               \
                         .bands = 128,                                                             \
                         .coefs = 40,                                                              \
                         .top_db = 80,                                                             \
                         .trim_db = (db),                                                          \
                         .trim_margin_s = (margin),                                                \
                         .pad = (pad_),                                                            \
                         .norm = (norm_)})

static void test_recipe(void) {
    const struct {
        int good;
        struct ser_recipe r;
    } row[] = {
        {1, SER_RECIPE_DEFAULT},
        {1, RECIPE(SER_LOGMEL, 16000, 400, 160, 64, 64, 0, 8000, 0, 0, 2)},
        {1, RECIPE(SER_MFCC, 1000, 16, 16, 1, 1, 0, 0, 0, 0, 0)},
        {1, RECIPE(SER_MFCC, 384000, 65536, 1, 1024, 1024, 0, 192000, 80, 1, 0)},
        {0, RECIPE((enum ser_feature_type)2, 22050, 2048, 512, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 999, 2048, 512, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 384001, 2048, 512, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2047, 512, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 14, 7, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 65538, 512, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 0, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 2049, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 0, 0, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 1025, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 0, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 129, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_LOGMEL, 22050, 2048, 512, 128, 40, 0, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, -1, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, NAN, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, 11026, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, NAN, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 4000, 4000, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 11025, 0, 80, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, -1, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, INFINITY, 174, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, 80, -1, 0)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, 80, 174, 3)},
        {0, RECIPE(SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, 80, 174, -1)},
        {1, ADDED(200, 60, SER_PAD_FLOOR, SER_NORMAL_ALL)},
        {0, ADDED(201, 0, SER_PAD_ZERO, SER_NORMAL_NONE)},
        {0, ADDED(-1, 0, SER_PAD_ZERO, SER_NORMAL_NONE)},
        {0, ADDED(NAN, 0, SER_PAD_ZERO, SER_NORMAL_NONE)},
        {0, ADDED(35, 61, SER_PAD_ZERO, SER_NORMAL_NONE)},
        {0, ADDED(35, -1, SER_PAD_ZERO, SER_NORMAL_NONE)},
        {0, ADDED(0, 0.1, SER_PAD_ZERO, SER_NORMAL_NONE)},
        {0, ADDED(0, 0, (enum ser_padding)2, SER_NORMAL_NONE)},
        {0, ADDED(0, 0, SER_PAD_ZERO, (enum ser_norm_by)5)},
        {1,
         {SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, 80, 0, 0, 0, 0, SER_PAD_ZERO, SER_NORMAL_NONE,
          7}},
        {0,
         {SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, 80, 0, 0, 0, 0, SER_PAD_ZERO, SER_NORMAL_NONE,
          8}},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char why[SER_RECIPE_WHY] = "can be computed";
        int good = !ser_recipe_check(&row[i].r, why);
        check(good == row[i].good, "recipe %zu: %s", i, why);
    }
}

/* ---- the same bytes, whatever happened before and elsewhere ---- */

/* In pieces of 1, 3, 9, ... samples, after a clip that was given up. */
static void test_pieces(const float *x, struct ser_resampler *kept, int from_hz) {
    struct ser_resampler *whole = must(ser_resampler_new());
    enum { N = 100000 };
    const float *y, *z;
    const char *why;
    size_t m, k;
    int good = !ser_resample(whole, x, N, from_hz, 22050, &y, &m, &why) &&
               !ser_resample_begin(kept, 44100, 22050, &why) &&
               !ser_resample_feed(kept, x, 5000, &why) &&
               !ser_resample_begin(kept, from_hz, 22050, &why);
    for (size_t at = 0, n = 1; good && at < N; at += n, n = 3 * n < N - at ? 3 * n : N - at)
        good = !ser_resample_feed(kept, x + at, n, &why);
    good = good && !ser_resample_end(kept, &z, &k, &why) && k == m && !memcmp(y, z, m * sizeof *y);
    check(good, "pieces of a clip at %d Hz make the bytes of the whole", from_hz);
    ser_resampler_free(whole);
}

static void test_resampler(const float *x) {
    static const int pair[][2] = {{48000, 22050}, {8000, 22050},  {44100, 22050}, {48000, 22050},
                                  {11025, 48000}, {96000, 16000}, {22051, 22050}, {44100, 22050}};
    struct ser_resampler *kept = must(ser_resampler_new());
    const float *y;
    const char *why;
    size_t m;
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        size_t n = 180000 - 22222 * i, done = 0;
        double length = ceil((double)n * ((double)pair[i][1] / pair[i][0]));
        float *once = must(calloc((size_t)length, sizeof *once));
        soxr_quality_spec_t hq = soxr_quality_spec(SOXR_HQ, 0);
        int good = !soxr_oneshot(pair[i][0], pair[i][1], 1, x, n, NULL, once, (size_t)length, &done,
                                 NULL, &hq, NULL) &&
                   !ser_resample(kept, x, n, pair[i][0], pair[i][1], &y, &m, &why);
        check(good && (double)m == length && !memcmp(y, once, m * sizeof *y),
              "%d to %d Hz: %zu samples, the bytes of soxr_oneshot and %zu zeros", pair[i][0],
              pair[i][1], m, m - done);
        free(once);
    }
    check(!ser_resample(kept, x, 100, 16000, 16000, &y, &m, &why) && y == x && m == 100,
          "equal rates hand back the signal");
    test_pieces(x, kept, 48000);
    test_pieces(x, kept, 22050);
    for (size_t n = 1; n <= 3; n++) {
        int made = !ser_resample(kept, x, n, 48000, 22050, &y, &m, &why) && isfinite(y[0]);
        check(made && m == (n * 22050 + 47999) / 48000,
              "%zu samples at 48000 Hz are %zu at 22050 Hz", n, m);
    }
    int good = !ser_resample(kept, x, 9, 1000, 768000, &y, &m, &why) && m == 9 * 768;
    check(good, "1000 to 768000 Hz");
    good = !ser_resample(kept, x, 5, 768000, 1000, &y, &m, &why) && m == 1;
    check(good, "768000 to 1000 Hz");
    good = ser_resample(kept, x, 5, 999, 22050, &y, &m, &why) &&
           ser_resample(kept, x, 5, 22050, 768001, &y, &m, &why);
    check(good, "other rates are refused: %s", why);
    ser_resampler_free(kept);
}

/* A tone keeps its pitch and size: what comes out is what the tone is at the new rate. */
static void test_tone(void) {
    struct ser_resampler *r = must(ser_resampler_new());
    size_t n = 48000, m = 0;
    float *x = must(malloc(n * sizeof *x));
    const float *y;
    const char *why;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(0.5 * sin(2 * M_PI * 1000 * (double)i / 48000));
    double most = 0;
    int good = !ser_resample(r, x, n, 48000, 22050, &y, &m, &why) && m == 22050;
    for (size_t i = 2000; good && i < 20000; i++)
        most = fmax(most, fabs(y[i] - 0.5 * sin(2 * M_PI * 1000 * (double)i / 22050)));
    check(good && most < 1e-5, "1000 Hz stays 1000 Hz, worst %.2g", most);
    free(x);
    ser_resampler_free(r);
}

struct job {
    struct ser_mfcc *m; /* the thread's own; FFTW plans in one thread at a time (spectrum.h) */
    const float *x;
    float *out; /* [40, 174] */
};

static void *run_job(void *p) {
    struct job *job = p;
    const float *got;
    size_t T, full;
    for (size_t n = 30000; n >= 10000; n -= 10000) /* the buffers of longer clips are used again */
        if (ser_mfcc_run(job->m, job->x, n, &got, &T, &full))
            return NULL;
    memcpy(job->out, got, 40 * 174 * sizeof *got);
    return job;
}

static void test_threads(const float *x) {
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    struct job job[THREADS];
    struct ser_recipe r = SER_RECIPE_DEFAULT;
    struct ser_mfcc *m = must(ser_mfcc_new(&r));
    const float *alone;
    size_t T, full;
    int good = !ser_mfcc_run(m, x, 10000, &alone, &T, &full);
    for (int i = 0; i < THREADS; i++)
        job[i] = (struct job){must(ser_mfcc_new(&r)), x, must(malloc(40 * 174 * sizeof(float)))};
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, run_job, &job[i]))
            exit(1);
    for (int i = 0; i < THREADS; i++) {
        void *done;
        pthread_join(thread[i], &done);
        good = good && done && !memcmp(alone, job[i].out, 40 * 174 * sizeof *alone);
    }
    for (int i = 0; i < THREADS; i++) {
        ser_mfcc_free(job[i].m);
        free(job[i].out);
    }
    check(good, "the same bytes in %d threads and after longer clips", THREADS);
    ser_mfcc_free(m);
}

/* Slaney's bands as librosa 0.11.0 has them: librosa.filters.mel(sr, n_fft, n_mels, fmin, fmax) as w,
 * w.sum(), (w * arange(bins)).sum(), the largest weight of the last band and of band n_mels / 2, and
 * which bands are empty, where the bins are too coarse for narrow bands. */
static void test_bands(void) {
    static const struct {
        int rate_hz, window, bands;
        double fmin_hz, fmax_hz, sum, centre, last, middle;
        int empty[12]; /* up to -1 */
    } at[] = {
        {8000, 256, 128, 0, 4000, 4.08383786, 189.984497, 0.0114382021, 0.018509265, {-1}},
        {22050, 512, 128, 0, 11025, 2.96426475, 210.721562, 0.00335147884, 0.0135599598, {-1}},
        {16000, 512, 40, 20, 7600, 1.28051846, 94.6089404, 0.00189104106, 0.00735059008, {-1}},
        {44100,
         512,
         128,
         0,
         22050,
         1.4757027,
         89.4618475,
         0.00145410525,
         0.0101526855,
         {0, 3, 6, 9, 14, 17, 20, 23, 28, 31, 36, -1}},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct ser_mel m;
        int wrong = 0, next = 0;
        double sum = 0, centre = 0, most = 0, middle = 0;
        if (ser_mel_init(&m, at[i].rate_hz, at[i].window, at[i].bands, at[i].fmin_hz,
                         at[i].fmax_hz))
            must(NULL);
        for (int b = 0; b < m.bands; b++) {
            most = 0;
            for (int k = 0; k < m.band[b].groups * SER_MEL_GROUP; k++) {
                double w = m.band[b].weight[k];
                sum += w;
                centre += w * (m.band[b].first + k);
                most = fmax(most, w);
            }
            if (b == m.bands / 2)
                middle = most;
            if (most > 0)
                continue;
            wrong += at[i].empty[next] != b;
            next += at[i].empty[next] >= 0;
        }
        wrong += at[i].empty[next] != -1;
        check(
            !wrong && fabs(sum - at[i].sum) < 1e-6 * at[i].sum &&
                fabs(centre - at[i].centre) < 1e-6 * at[i].centre &&
                fabs(most - at[i].last) < 1e-6 * most &&
                fabs(middle - at[i].middle) < 1e-6 * middle,
            "%d bands at %d Hz: librosa's, %d empty; sum %.9g, centre %.9g, last %.9g, middle %.9g",
            m.bands, at[i].rate_hz, next, sum, centre, most, middle);
        ser_mel_free(&m);
    }
}

int main(int argc, char **argv) {
    float *x = make_signal(180000);
    for (int i = 1; i < argc; i++)
        compare_folder(argv[i]);
    test_spectrum(x);
    test_decibels();
    test_bands();
    test_model(x);
    test_frames(x);
    test_deltas(x);
    test_silence();
    test_extremes();
    test_recipe();
    test_resampler(x);
    test_tone();
    test_threads(x);
    free(x);
    return failed != 0;
}
