/* test_effects - noise, time shift, pitch: tones, bursts and vowels, measured. */
#include "bridge/pitch.h"
#include "check.h"
#include "math/effects.h"

#include <complex.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 22050, HOP = 512 };

static const struct ser_key key = {{12345, 67890}};

static float *sound(size_t n) {
    float *x = calloc(n + 1, sizeof *x);
    if (!x) {
        puts("not ok - out of memory");
        exit(1);
    }
    return x;
}

static void tone(float *x, size_t n, double hz, double amplitude) {
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(amplitude * sin(2 * M_PI * hz * (double)i / RATE));
}

static double level_db(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return 10 * log10(sum / (double)n + 1e-30);
}

/* |Fourier transform| of Hann-windowed x at hz; the turning hands save a sine a sample. */
static double strength(const float *x, size_t n, double hz) {
    double complex sum = 0, hand = 1, slow = 1;
    double complex step = cexp(-2 * M_PI * I * hz / RATE),
                   slow_step = cexp(2 * M_PI * I / (double)n);
    for (size_t i = 0; i < n; i++) {
        sum += (0.5 - 0.5 * creal(slow)) * x[i] * hand;
        hand *= step;
        slow *= slow_step;
    }
    return cabs(sum);
}

/* The frequency of a tone near hz, by a search for the peak in ever smaller steps. */
static double frequency(const float *x, size_t n, double hz) {
    double best = hz, most = 0;
    for (double f = 0.99 * hz; f < 1.01 * hz; f += 0.25 * RATE / (double)n) {
        double s = strength(x, n, f);
        if (s > most) {
            most = s;
            best = f;
        }
    }
    for (double step = 0.125 * RATE / (double)n; step > hz * 1e-6; step /= 2)
        for (int side = -1; side <= 1; side += 2) {
            double s = strength(x, n, best + side * step);
            if (s > most) {
                most = s;
                best += side * step;
            }
        }
    return best;
}

/* ---- noise ---- */

static double moment(const float *z, size_t n, int power, size_t lag) {
    double sum = 0;
    for (size_t i = lag; i < n; i++)
        sum += lag ? (double)z[i] * z[i - lag] : pow(z[i], power);
    return sum / (double)(n - lag);
}

static void test_normals(void) {
    size_t n = 1000000, beyond = 0, wild = 0;
    float *z = sound(n), *part = sound(n), few[10];
    ser_normals(key, n, z);
    double m1 = moment(z, n, 1, 0), m2 = moment(z, n, 2, 0), m3 = moment(z, n, 3, 0),
           m4 = moment(z, n, 4, 0);
    check(fabs(m1) < 0.004 && fabs(m2 - 1) < 0.006 && fabs(m3) < 0.01 && fabs(m4 - 3) < 0.02,
          "normals: moments %.4f %.4f %.4f %.4f", m1, m2, m3, m4);
    static const size_t lags[] = {1, 2, 3, 4, 64, 128, 256};
    for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
        double c = moment(z, n, 0, lags[i]);
        check(fabs(c) < 0.004, "normals: no correlation at lag %zu (%.5f)", lags[i], c);
    }
    for (size_t i = 0; i < n; i++) {
        beyond += fabsf(z[i]) > 3;
        wild += !(fabsf(z[i]) < 5.8f);
    }
    check(beyond > 2500 && beyond < 2900, "normals: %zu of a million beyond 3 (2700)", beyond);
    check(wild == 0, "normals: none beyond 5.8");
    ser_normals(key, 10, few);
    ser_normals(key, 1000, part);
    check(memcmp(few, z, sizeof few) == 0 && memcmp(part, z, 1000 * sizeof *z) == 0,
          "normals: number i does not depend on how many are drawn");
    ser_normals((struct ser_key){{12345, 67891}}, 1000, part);
    size_t same = 0;
    for (size_t i = 0; i < 1000; i++)
        same += part[i] == z[i];
    check(same == 0, "normals: another key, other numbers");
    free(z);
    free(part);
}

static void test_noise(void) {
    size_t n = 100000;
    float *x = sound(n), *y = sound(n);
    tone(x, n, 440, 0.5);
    ser_noise(key, 0.005, x, n, y);
    for (size_t i = 0; i < n; i++)
        y[i] -= x[i];
    double db = level_db(y, n);
    check(fabs(db - 20 * log10(0.005)) < 0.05, "noise of 0.005 has %.2f dB (-46.02)", db);
    for (double snr = -10; snr <= 40; snr += 10) {
        int status = ser_noise_snr(key, snr, x, n, y);
        for (size_t i = 0; i < n; i++)
            y[i] -= x[i];
        double got = level_db(x, n) - level_db(y, n);
        check(status == 0 && fabs(got - snr) < 0.01, "noise at %.0f dB is at %.4f dB", snr, got);
    }
    int status = ser_noise_snr(key, 10, x, 100, y);
    for (size_t i = 0; i < 100; i++)
        y[i] -= x[i];
    double got = level_db(x, 100) - level_db(y, 100);
    check(status == 0 && fabs(got - 10) < 0.01, "also of 100 samples (%.4f dB)", got);
    for (size_t i = 0; i < n; i++)
        x[i] += 0.3f;
    status = ser_noise_snr(key, 10, x, n, y);
    for (size_t i = 0; i < n; i++) {
        y[i] -= x[i];
        x[i] -= 0.3f;
    }
    got = level_db(x, n) - level_db(y, n);
    check(status == 0 && fabs(got - 10) < 0.01, "an offset is no part of it (%.4f dB)", got);
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < n; i++)
            x[i] = 0.1f * (float)k;
        check(ser_noise_snr(key, 10, x, n, y) == -1, "a constant %g has no signal-to-noise ratio",
              (double)x[0]);
    }
    free(x);
    free(y);
}

static void test_shift(void) {
    const float x[5] = {1, 2, 3, 4, 5};
    static const struct {
        int by;
        float y[5];
    } cases[] = {{0, {1, 2, 3, 4, 5}},
                 {2, {0, 0, 1, 2, 3}},
                 {-2, {3, 4, 5, 0, 0}},
                 {5, {0}},
                 {-5, {0}},
                 {9, {0}},
                 {-9, {0}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float y[5] = {9, 9, 9, 9, 9};
        ser_shift(x, 5, cases[i].by, y);
        check(memcmp(y, cases[i].y, sizeof y) == 0, "shift by %d", cases[i].by);
    }
}

/* ---- pitch ---- */

static void run(struct ser_pitch *p, const float *x, size_t n, int semitones, float *y) {
    struct ser_error e;
    if (ser_pitch_run(p, x, n, RATE, semitones, y, "x", &e))
        check(0, "pitch by %d: %s", semitones, e.text);
}

static void test_tones(struct ser_pitch *p) {
    static const int shifts[] = {-12, -3, -2, -1, 1, 2, 3, 12};
    static const double tones[] = {110, 220, 440, 1000, 3000};
    size_t n = 2 * RATE, from = RATE / 2, some = RATE;
    float *x = sound(n), *y = sound(n);
    for (size_t s = 0; s < sizeof shifts / sizeof *shifts; s++) {
        double worst = 0, worst_db = 0;
        for (size_t t = 0; t < sizeof tones / sizeof *tones; t++) {
            double want = tones[t] * exp2(shifts[s] / 12.0);
            tone(x, n, tones[t], 0.5);
            run(p, x, n, shifts[s], y);
            worst = fmax(worst, fabs(frequency(y + from, some, want) / want - 1));
            double db = level_db(y + from, some) - level_db(x + from, some);
            worst_db = fabs(db) > fabs(worst_db) ? db : worst_db;
        }
        check(worst < 0.002, "pitch by %d: frequency within 0.2 %% (%.4f %%)", shifts[s],
              100 * worst);
        check(fabs(worst_db) < 1, "pitch by %d: level within 1 dB (%.3f)", shifts[s], worst_db);
    }
    run(p, x, n, 0, y);
    check(memcmp(x, y, n * sizeof *x) == 0, "pitch by 0 copies");
    free(x);
    free(y);
}

/* Where a sound's energy lies, in samples. */
static double middle(const float *x, size_t n) {
    double sum = 0, weighted = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * x[i];
        weighted += (double)x[i] * x[i] * (double)i;
    }
    return weighted / sum;
}

static void test_timing(struct ser_pitch *p) {
    size_t n = 3 * RATE, length = RATE / 5;
    float *x = sound(n), *y = sound(n);
    for (int third = 1; third <= 5; third += 2) {
        size_t at = n * (size_t)third / 7;
        memset(x, 0, n * sizeof *x);
        tone(x + at, length, 500, 0.5);
        for (int s = -3; s <= 3; s += 2) {
            run(p, x, n, s, y);
            double off = middle(y, n) - middle(x, n);
            check(fabs(off) < HOP, "pitch by %d: a burst at %zu stays within a hop (%.0f)", s, at,
                  off);
        }
    }
    free(x);
    free(y);
}

/* Three formants over pulses of hz; everything times ratio. */
static void vowel(float *x, size_t n, double hz, const double formant[3], double ratio) {
    static const double width[3] = {60, 80, 120};
    double phase = 0;
    for (size_t i = 0; i < n; i++) {
        phase += hz * ratio / RATE;
        x[i] = phase >= 1 ? 0.05f : 0;
        phase -= phase >= 1;
    }
    for (int k = 0; k < 3; k++) {
        double r = exp(-M_PI * width[k] * ratio / RATE), a = 0, b = 0;
        double c = 2 * r * cos(2 * M_PI * formant[k] * ratio / RATE);
        for (size_t i = 0; i < n; i++) {
            double y = (1 - r) * x[i] + c * a - r * r * b;
            b = a;
            x[i] = (float)(a = y);
        }
    }
}

/* Energy of x around each harmonic of hz, in dB. */
static void harmonics(const float *x, size_t n, double hz, int count, double *db) {
    for (int k = 0; k < count; k++)
        db[k] = 20 * log10(strength(x, n, hz * (k + 1)) + 1e-12);
}

static void test_vowels(struct ser_pitch *p) {
    enum { COUNT = 24 };
    static const double formant[2][3] = {{700, 1220, 2600}, {300, 2300, 3000}};
    size_t n = 2 * RATE, from = RATE / 2, some = RATE;
    float *x = sound(n), *y = sound(n), *ideal = sound(n);
    for (int v = 0; v < 2; v++)
        for (int s = -3; s <= 3; s += 2) {
            double ratio = exp2(s / 12.0), got[COUNT], want[COUNT], sum = 0;
            vowel(x, n, 120, formant[v], 1);
            vowel(ideal, n, 120, formant[v], ratio);
            run(p, x, n, s, y);
            harmonics(y + from, some, 120 * ratio, COUNT, got);
            harmonics(ideal + from, some, 120 * ratio, COUNT, want);
            double offset = 0; /* the synthesis has another gain */
            for (int k = 0; k < COUNT; k++)
                offset += (got[k] - want[k]) / COUNT;
            for (int k = 0; k < COUNT; k++)
                sum += pow(got[k] - want[k] - offset, 2) / COUNT;
            check(sqrt(sum) < 1.5, "pitch by %d: vowel %d keeps its formants (%.2f dB)", s, v,
                  sqrt(sum));
        }
    free(x);
    free(y);
    free(ideal);
}

static void test_extremes(struct ser_pitch *p) {
    size_t n = RATE, finite = 0;
    float *x = sound(n), *y = sound(n), *z = sound(n);
    static const double amplitudes[] = {1e-30, 1e-3, 3, 1e6};
    for (size_t a = 0; a < sizeof amplitudes / sizeof *amplitudes; a++) {
        tone(x, n, 440, amplitudes[a]);
        run(p, x, n, 2, y);
        double peak = 0;
        for (size_t i = n / 4; i < 3 * n / 4; i++)
            peak = fmax(peak, fabs(y[i]));
        check(fabs(peak / amplitudes[a] - 1) < 0.02, "amplitude %g comes out as %g", amplitudes[a],
              peak);
    }
    memset(x, 0, n * sizeof *x);
    run(p, x, n, 3, y);
    check(memcmp(x, y, n * sizeof *x) == 0, "silence stays silence");
    tone(x, n, 440, 0.5);
    for (size_t m = 1; m < 6000; m = m * 3 + 1) {
        y[m] = 77;
        run(p, x, m, -SER_PITCH_MAX, y);
        run(p, x, m, SER_PITCH_MAX, y);
        for (finite = 0; finite < m && isfinite(y[finite]); finite++)
            continue;
        check(finite == m && y[m] == 77, "%zu samples give %zu", m, m);
    }
    run(p, x, n, 3, y);
    run(p, x, n / 2, -5, z);
    run(p, x, n, 3, z);
    check(memcmp(y, z, n * sizeof *y) == 0, "the same samples, whatever went before");
    free(x);
    free(y);
    free(z);
}

static void test_lost_child(struct ser_pitch *p) {
    float x[100] = {0}, y[100];
    struct ser_error e = {0};
    kill(p->pid, SIGKILL);
    int status = ser_pitch_run(p, x, 100, RATE, 1, y, "a.wav", &e);
    check(status == -1 && e.status == SER_SYS && strstr(e.text, "a.wav"),
          "a child that died is an error: %s", e.text);
}

int main(int argc, char **argv) {
    struct ser_error e;
    struct ser_pitch p;
    (void)argc;
    ser_start(argv[0]);
    test_normals();
    test_noise();
    test_shift();
    must(ser_pitch_start(&p, &e), &e);
    test_tones(&p);
    test_timing(&p);
    test_vowels(&p);
    test_extremes(&p);
    test_lost_child(&p);
    ser_pitch_stop(&p);
    return failed != 0;
}
