/* test_speech - the detector of speech on sounds made here: syllables, and what is none. */
#include "check.h"
#include "math/spectrum.h"
#include "math/speech.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 8, MOST_FRAMES = 1000 };

static void *must(void *p) {
    if (!p) {
        puts("not ok - out of memory");
        exit(1);
    }
    return p;
}

/* ---- sounds ---- */

/* A number from -1 to 1, from a generator that is enough for noise. */
static double noise(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(state >> 32) / 2147483648.0;
}

static void silence(float *x, int n, int rate) {
    (void)rate;
    memset(x, 0, (size_t)n * sizeof *x);
}

static void white(float *x, int n, int rate) {
    (void)rate;
    for (int i = 0; i < n; i++)
        x[i] = (float)(0.05 * noise());
}

static void mains(float *x, int n, int rate) {
    for (int i = 0; i < n; i++) {
        x[i] = (float)(0.001 * noise());
        for (int k = 1; k <= 20; k++)
            x[i] += (float)(0.1 / k * sin(2 * M_PI * fmod(50.0 * k * i / rate, 1)));
    }
}

/* Notes of a third of a second, with harmonics, that die away. */
static void melody(float *x, int n, int rate) {
    static const double note[] = {220, 277.2, 329.6, 440, 246.9, 293.7, 370, 196};
    for (int i = 0; i < n; i++) {
        double t = (double)i / rate, within = fmod(t, 1.0 / 3), hz = note[(int)(3 * t) % 8];
        x[i] = (float)(0.0005 * noise());
        for (int k = 1; k <= 8; k++)
            x[i] += (float)(0.1 / k * fmin(1, within / 0.01) * exp(-3 * within) *
                            sin(2 * M_PI * fmod(hz * k * t, 1)));
    }
}

/* A tone with harmonics that goes up and down, once in 1.5 seconds. */
static void siren(float *x, int n, int rate) {
    double phase = 0;
    for (int i = 0; i < n; i++) {
        phase += (650 + 250 * sin(2 * M_PI * i / 1.5 / rate)) / rate;
        x[i] = (float)(0.0005 * noise());
        for (int k = 1; k <= 4; k++)
            x[i] += (float)(0.1 / k * sin(2 * M_PI * fmod(k * phase, 1)));
    }
}

/* Knocks of noise, 6 a second. */
static void knocks(float *x, int n, int rate) {
    for (int i = 0; i < n; i++)
        x[i] = (float)((0.0005 + 0.5 * exp(-fmod((double)i / rate, 1.0 / 6) / 0.004)) * noise());
}

/* From second 2 to 6, four syllables a second: a hiss, then a voice that glides, through three
 * resonances that move. White noise lies beneath. */
static void syllables(float *x, int n, int rate) {
    double past[3][2] = {{0}}, phase = 0;
    for (int i = 0; i < n; i++) {
        double t = (double)i / rate, within = fmod(t, 0.25), y = 0;
        double vowel = 0.5 + 0.5 * sin(2 * M_PI * 1.3 * t);
        double formant[3] = {350 + 450 * vowel, 1900 - 800 * vowel, 2600};
        int voiced =
            t > 2 && t < 6 && within > 0.05 && within<0.22, hiss = t> 2 && t < 6 && within <= 0.05;
        double hz = 120 + 40 * sin(2 * M_PI * 0.9 * t) - 60 * within;
        double source = 0;
        phase += hz / rate;
        if (phase >= 1) {
            phase -= 1;
            source = voiced ? 1 : 0;
        }
        for (int k = 0; k < 3; k++) {
            double r = exp(-M_PI * 80 / rate), c = 2 * r * cos(2 * M_PI * formant[k] / rate);
            double z = source + c * past[k][0] - r * r * past[k][1];
            past[k][1] = past[k][0];
            past[k][0] = z;
            y += z * (1 - r);
        }
        x[i] = (float)(0.6 * y + (hiss ? 0.01 : 0.0002) * noise());
    }
}

typedef void maker(float *x, int n, int rate);

/* ---- the detector ---- */

/* The probability of each frame of x; their number. */
static int listen(struct ser_speech *s, const float *x, int n, int window, int hop, float *p) {
    struct ser_spectrum *spectrum = must(ser_spectrum_new(window));
    int frames = 0, fed = 0;
    for (int at = 0; at <= n; at += hop, fed++)
        frames +=
            ser_speech_next(s, ser_spectrum_power(spectrum, x, (size_t)n, (size_t)at), p + frames);
    check(frames == (fed > SER_SPEECH_LATENCY ? fed - SER_SPEECH_LATENCY : 0),
          "%d frames: %d are known before the end", fed, frames);
    while (ser_speech_end(s, p + frames))
        frames++;
    check(frames == fed, "%d frames: all are known behind the end", fed);
    ser_spectrum_free(spectrum);
    return frames;
}

/* The share of speech from second first to last. */
static double share(const float *p, int frames, double hop_s, double first, double last) {
    int speech = 0, all = 0;
    for (int t = 0; t < frames; t++)
        if (t * hop_s >= first && t * hop_s < last) {
            all++;
            speech += p[t] >= SER_SPEECH_THRESHOLD;
        }
    return (double)speech / all;
}

static void judge(const char *name, maker *make, int rate, float gain) {
    int window, hop, n = SECONDS * rate;
    float *x = must(calloc((size_t)n, sizeof *x)), p[MOST_FRAMES];
    ser_speech_frames(rate, &window, &hop);
    check(ser_speech_takes(rate, window, hop), "%d Hz: takes the frames that it wants", rate);
    struct ser_speech *s = must(ser_speech_new(rate, window));
    make(x, n, rate);
    for (int i = 0; i < n; i++)
        x[i] *= gain;
    int frames = listen(s, x, n, window, hop, p), speech = make == syllables;
    double hop_s = (double)hop / rate;
    if (speech) {
        double in = share(p, frames, hop_s, 2.1, 5.9);
        double out = fmax(share(p, frames, hop_s, 0, 1.8), share(p, frames, hop_s, 6.3, 8));
        check(in > 0.75, "%s, %d Hz, times %g: %.2f of it is speech", name, rate, gain, in);
        check(out < 0.05, "%s, %d Hz, times %g: %.2f of the pauses", name, rate, gain, out);
    } else {
        double all = share(p, frames, hop_s, 0, SECONDS);
        check(all < 0.15, "%s, %d Hz, times %g: %.2f of it is speech", name, rate, gain, all);
    }
    ser_speech_free(s);
    free(x);
}

/* ---- what else the header says ---- */

static void check_reset(void) {
    int rate = 16000, n = 2 * rate, window, hop;
    float *x = must(calloc((size_t)n, sizeof *x)), p[MOST_FRAMES], q[MOST_FRAMES];
    ser_speech_frames(rate, &window, &hop);
    struct ser_speech *s = must(ser_speech_new(rate, window));
    melody(x, n, rate);
    int frames = listen(s, x, n, window, hop, p);
    ser_speech_reset(s);
    check(listen(s, x, n, window, hop, q) == frames && !memcmp(p, q, (size_t)frames * sizeof *p),
          "reset: the same sound has the same probabilities again");
    ser_speech_free(s);
    free(x);
}

static void check_short(void) {
    static const float x[9000];
    float p[MOST_FRAMES];
    struct ser_speech *s = must(ser_speech_new(22050, 2048));
    check(!ser_speech_end(s, p), "no frame: no probability");
    for (int n = 100; n < 9000; n += 1400) {
        ser_speech_reset(s);
        listen(s, x, n, 2048, 512, p);
    }
    ser_speech_free(s);
}

/* Whatever the power is, the result is a probability. */
static void check_extremes(void) {
    static const float power[] = {0, 1e-38f, 1e38f, 3.4e38f, 0, 1, 1e20f, 0};
    float spectrum[1025], p = 0;
    int good = 1;
    struct ser_speech *s = must(ser_speech_new(22050, 2048));
    for (int t = 0; t < 400; t++) {
        for (int k = 0; k < 1025; k++)
            spectrum[k] = power[(t * (k % 7 + 1) + k) % 8];
        if (ser_speech_next(s, spectrum, &p))
            good = good && p >= 0 && p <= 1;
    }
    check(good, "any power: a probability");
    ser_speech_free(s);
}

static void check_takes(void) {
    check(ser_speech_takes(22050, 2048, 512), "takes the default recipe's frames");
    check(!ser_speech_takes(16000, 400, 160), "does not take frames of 25 ms");
    check(!ser_speech_takes(16000, 1486, 160), "does not take frames every 10 ms");
    check(!ser_speech_takes(16000, 1487, 372), "does not take an odd window");
    check(!ser_speech_takes(2000, 186, 46), "does not take 2 kHz");
}

int main(void) {
    static const struct {
        const char *name;
        maker *make;
    } sound[] = {{"silence", silence},    {"white noise", white}, {"hum", mains},
                 {"melody", melody},      {"siren", siren},       {"knocks", knocks},
                 {"syllables", syllables}};
    static const int rate[] = {8000, 16000, 22050, 48000};
    static const float gain[] = {1, 0.03f, 10};
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        for (size_t r = 0; r < sizeof rate / sizeof *rate; r++)
            judge(sound[i].name, sound[i].make, rate[r], 1);
        for (size_t g = 1; g < sizeof gain / sizeof *gain; g++)
            judge(sound[i].name, sound[i].make, 22050, gain[g]);
    }
    check_reset();
    check_short();
    check_extremes();
    check_takes();
    return failed != 0;
}
