/* clang-format off */
/* pitch - the tool's pitch shift beside a phase vocoder like that of librosa.effects.pitch_shift.
 *
 * make build/bench/pitch && build/bench/pitch FILE.wav...
 *
 * Shifts by -3..3 semitones without 0 at 22,050 Hz:
 *   tone %    worst error of a tone's frequency, 110 to 3000 Hz
 *   tone dB   worst change of its level
 *   between   what lies between the harmonics of a steady vowel, against them, dB (unshifted: -52)
 *   vowel dB  a vowel with vibrato, against one synthesised higher: RMS over 40 mel bands
 *   time      the furthest that a burst moves, samples
 *   speech dB the same of FILEs, against themselves played faster, tempo and all
 *   floor dB  rise of the quietest tenth of the frames of FILEs
 *   ms        processor time a FILE, the best of three runs; for ser that of both processes
 *
 * On 24 RAVDESS clips of 3.7 s (Actor_0[2-9], *-01-01-0[1-3]-0?.wav, every third, 24 of them), on
 * an AMD EPYC whose two cores others used, too:
 *                        tone %  tone dB  between  vowel dB   time  speech dB  floor dB     ms
 *   phase vocoder        0.0021    -0.84    -47.3      3.64    522       3.77      1.26   23.4
 *   ser                  0.0086     0.00    -42.7      0.17    386       0.40     -0.04    3.3
 *   ser, 82, 14, 10 ms   0.0155     0.00    -43.2      0.14    403       0.41     -0.11    4.7
 * Libraries of Debian 12 on the same clips, when ser's was chosen (SoX's pitch effect resamples by
 * itself; SoundTouch with 40, 15 and 8 ms; Rubber Band's faster engine, offline):
 *   SoX pitch            0.0107     0.00    -44.1      0.16    301       0.39     -0.19    5.6
 *   SoX pitch -q         0.0246    -0.01    -23.9      1.84    238       0.44     -0.10    2.6
 *   SoundTouch 2.3.2     0.0479    -0.06    -41.9      0.14    122       1.01     -0.25    3.7
 *   Rubber Band 3.1.2    1.1079    -0.89    -22.4      2.31    121       1.36      0.07   52.3
 * SoundTouch has no C header in Debian.
 */
/* clang-format on */
#include "bridge/pitch.h"

#include "bridge/audio.h"

#include <complex.h>
#include <fftw3.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RATE = 22050, BANDS = 40, WINDOW = 2048, STEP = 512, BINS = WINDOW / 2 + 1 };

static struct ser_pitch pitch;
static struct ser_resampler *resampler;

static float *sound(size_t n) {
    return ecalloc(n + 1, sizeof(float));
}

/* ---- Fourier transforms ---- */

struct fourier {
    int n;
    float *time;
    fftwf_complex *bin; /* [n / 2 + 1] */
    fftwf_plan there, back;
};

static struct fourier fourier_new(int n) {
    struct fourier f = {n, fftwf_alloc_real((size_t)n), fftwf_alloc_complex((size_t)n / 2 + 1), 0,
                        0};
    f.there = fftwf_plan_dft_r2c_1d(n, f.time, f.bin, FFTW_ESTIMATE);
    f.back = fftwf_plan_dft_c2r_1d(n, f.bin, f.time, FFTW_ESTIMATE);
    return f;
}

static float hann(int i, int n) {
    return (float)(0.5 - 0.5 * cos(2 * M_PI * i / n));
}

/* Transforms the n samples around at, zeros where x has none. */
static void transform(struct fourier *f, const float *x, size_t n, long at) {
    for (int i = 0; i < f->n; i++) {
        long p = at + i - f->n / 2;
        f->time[i] = p >= 0 && p < (long)n ? x[p] * hann(i, f->n) : 0;
    }
    fftwf_execute(f->there);
}

static double power(const fftwf_complex z) {
    return (double)crealf(z) * crealf(z) + (double)cimagf(z) * cimagf(z);
}

/* ---- the two ---- */

static void by_ser(const float *x, size_t n, int semitones, float *y) {
    struct ser_error e;
    if (ser_pitch_run(&pitch, x, n, RATE, semitones, y, "x", &e))
        die_error(&e);
}

/* Stretches with frames 512 apart: magnitudes are interpolated, phases advance by what they
 * advanced in the original; then resamples. */
static void by_vocoder(const float *x, size_t n, int semitones, float *y) {
    static struct fourier f;
    if (!f.n)
        f = fourier_new(WINDOW);
    double rate = exp2(-semitones / 12.0), phase[BINS];
    size_t frames = 1 + n / STEP, made = (size_t)ceil((double)frames / rate);
    size_t m = (size_t)llround((double)n / rate), length = WINDOW + STEP * made + m, k;
    float complex *all = ecalloc((frames + 2) * BINS, sizeof *all);
    float *out = sound(length), *sum = sound(length);
    for (size_t t = 0; t < frames; t++) {
        transform(&f, x, n, (long)(t * STEP));
        memcpy(all + t * BINS, f.bin, BINS * sizeof *all);
    }
    for (int i = 0; i < BINS; i++)
        phase[i] = cargf(all[i]);
    for (size_t t = 0; t < made && (size_t)((double)t * rate) < frames; t++) {
        size_t at = (size_t)((double)t * rate);
        double between = (double)t * rate - (double)at;
        for (int i = 0; i < BINS; i++) {
            float complex a = all[at * BINS + (size_t)i], b = all[(at + 1) * BINS + (size_t)i];
            double size = (1 - between) * cabsf(a) + between * cabsf(b);
            double advance = 2 * M_PI * STEP * i / WINDOW;
            double more = cargf(b) - cargf(a) - advance;
            f.bin[i] = (float complex)(size * (cos(phase[i]) + I * sin(phase[i])));
            phase[i] += advance + more - 2 * M_PI * round(more / (2 * M_PI));
        }
        fftwf_execute(f.back);
        for (int i = 0; i < WINDOW; i++) {
            out[t * STEP + (size_t)i] += f.time[i] * hann(i, WINDOW) / WINDOW;
            sum[t * STEP + (size_t)i] += hann(i, WINDOW) * hann(i, WINDOW);
        }
    }
    for (size_t i = 0; i < length; i++)
        out[i] /= sum[i] > 1e-8f ? sum[i] : 1;
    const float *z;
    const char *why;
    if (ser_resample(resampler, out + WINDOW / 2, m, (int)lround(RATE / rate), RATE, &z, &k, &why))
        die(SER_SYS, "%s", why);
    memset(y, 0, n * sizeof *y);
    memcpy(y, z, (k < n ? k : n) * sizeof *y);
    free(all);
    free(out);
    free(sum);
}

/* ---- measures ---- */

static double level_db(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return 10 * log10(sum / (double)n + 1e-14);
}

static double strength(const float *x, size_t n, double hz) {
    double complex sum = 0, hand = 1, step = cexp(-2 * M_PI * I * hz / RATE);
    for (size_t i = 0; i < n; i++, hand *= step)
        sum += (0.5 - 0.5 * cos(2 * M_PI * (double)i / (double)n)) * x[i] * hand;
    return cabs(sum);
}

static double frequency(const float *x, size_t n, double hz) {
    double best = hz;
    for (double step = hz / 200; step > hz * 1e-7; step /= 2) {
        double mid = strength(x, n, best);
        while (strength(x, n, best + step) > mid)
            mid = strength(x, n, best += step);
        while (strength(x, n, best - step) > mid)
            mid = strength(x, n, best -= step);
    }
    return best;
}

static void vowel(float *x, size_t n, double ratio, double vibrato) {
    static const double formant[3] = {700, 1220, 2600}, width[3] = {60, 80, 120};
    double phase = 0;
    memset(x, 0, n * sizeof *x);
    for (size_t i = 1; i < n; i++) {
        phase += 120 * ratio * (1 + vibrato * sin(2 * M_PI * 4 * (double)i / RATE)) / RATE;
        if (phase >= 1) { /* a pulse between two samples */
            phase -= 1;
            double late = phase * RATE / (120 * ratio);
            x[i] += (float)(1 - fmin(late, 1));
            x[i - 1] += (float)fmin(late, 1);
        }
    }
    for (int k = 0; k < 3; k++) {
        double r = exp(-M_PI * width[k] * ratio / RATE), a = 0, b = 0;
        double c = 2 * r * cos(2 * M_PI * formant[k] * ratio / RATE);
        for (size_t i = 0; i < n; i++) {
            double y = x[i] + c * a - r * r * b;
            b = a;
            x[i] = (float)(a = y);
        }
    }
    double gain = 0.1 / pow(10, level_db(x, n) / 20);
    for (size_t i = 0; i < n; i++)
        x[i] *= (float)gain;
}

static double between_db(const float *x, size_t n, double hz) {
    static struct fourier f;
    enum { LONG = 8192 };
    if (!f.n)
        f = fourier_new(LONG);
    double on = 0, off = 0;
    for (size_t at = LONG / 2; at + LONG / 2 <= n; at += LONG / 2) {
        transform(&f, x, n, (long)at);
        for (int i = 0; i < LONG / 2; i++) {
            double bin = (double)i * RATE / LONG, away = fabs(bin / hz - round(bin / hz)) * hz;
            if (bin < hz / 2 || bin > 4000)
                continue;
            on += away < 15 ? power(f.bin[i]) : 0;
            off += away > 25 ? power(f.bin[i]) : 0;
        }
    }
    return 10 * log10(off / on);
}

static void bands(const float *x, size_t n, double top_hz, double *mean) {
    static struct fourier f;
    if (!f.n)
        f = fourier_new(WINDOW);
    memset(mean, 0, BANDS * sizeof *mean);
    for (size_t at = WINDOW / 2; at + WINDOW / 2 <= n; at += STEP) {
        transform(&f, x, n, (long)at);
        for (int i = 5; i * (double)RATE / WINDOW < top_hz; i++)
            mean[(int)(BANDS * log1p(i * (double)RATE / WINDOW / 700) / log1p(top_hz / 700))] +=
                power(f.bin[i]) / (double)n;
    }
}

/* RMS difference of a's and b's mean spectra, where a is at most 60 dB below its peak. */
static double difference_db(const float *a, size_t n, const float *b, size_t m, double top_hz) {
    double p[BANDS], q[BANDS], peak = 0, sum = 0;
    int used = 0;
    bands(a, n, top_hz, p);
    bands(b, m, top_hz, q);
    for (int i = 0; i < BANDS; i++)
        peak = fmax(peak, p[i]);
    for (int i = 0; i < BANDS; i++)
        if (p[i] > peak * 1e-6) {
            sum += pow(10 * log10((q[i] + 1e-20) / p[i]), 2);
            used++;
        }
    return sqrt(sum / used);
}

static int by_value(const void *a, const void *b) {
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

static double quietest_db(const float *x, size_t n) {
    size_t frames = n / STEP, tenth = frames / 10;
    double *db = ecalloc(frames, sizeof *db), sum = 0;
    for (size_t i = 0; i < frames; i++)
        db[i] = level_db(x + i * STEP, STEP);
    qsort(db, frames, sizeof *db, by_value);
    for (size_t i = 0; i < tenth; i++)
        sum += db[i] / (double)tenth;
    free(db);
    return sum;
}

static double middle(const float *x, size_t n) {
    double sum = 0, weighted = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)x[i] * x[i];
        weighted += (double)x[i] * x[i] * (double)i;
    }
    return weighted / sum;
}

/* Processor time in ms of this process, and of the child that runs SoX. */
static double spent_ms(void) {
    struct timespec own, child;
    clockid_t of_child;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    clock_getcpuclockid(pitch.pid, &of_child);
    clock_gettime(of_child, &child);
    return 1e3 * (double)(own.tv_sec + child.tv_sec) + 1e-6 * (double)(own.tv_nsec + child.tv_nsec);
}

/* ---- the table ---- */

typedef void shifter(const float *x, size_t n, int semitones, float *y);
static const int shifts[] = {-3, -2, -1, 1, 2, 3};
enum { SHIFTS = sizeof shifts / sizeof *shifts };

static void print_synthetic(shifter *shift) {
    static const double tones[] = {110, 220, 440, 1000, 3000};
    size_t n = 3 * RATE, from = RATE / 2, some = 2 * RATE;
    float *x = sound(n), *y = sound(n), *ideal = sound(n);
    double tone = 0, tone_db = 0, between = 0, vowels = 0, moved = 0;
    for (int s = 0; s < SHIFTS; s++) {
        double ratio = exp2(shifts[s] / 12.0);
        for (int t = 0; t < 5; t++) {
            for (size_t i = 0; i < n; i++)
                x[i] = (float)(0.5 * sin(2 * M_PI * tones[t] * (double)i / RATE));
            shift(x, n, shifts[s], y);
            double hz = frequency(y + from, some, tones[t] * ratio);
            double db = level_db(y + from, some) - level_db(x + from, some);
            tone = fmax(tone, 100 * fabs(hz / (tones[t] * ratio) - 1));
            tone_db = fabs(db) > fabs(tone_db) ? db : tone_db;
        }
        vowel(x, n, 1, 0);
        shift(x, n, shifts[s], y);
        between += between_db(y + from, some, 120 * ratio) / SHIFTS;
        vowel(x, n, 1, 0.05);
        vowel(ideal, n, ratio, 0.05);
        shift(x, n, shifts[s], y);
        vowels += difference_db(ideal + from, some, y + from, some, 5000) / SHIFTS;
        memset(x, 0, n * sizeof *x);
        for (size_t i = 0; i < 400; i++)
            x[RATE + i] =
                (float)(sin(2 * M_PI * 500 * (double)i / RATE) * sin(M_PI * (double)i / 400));
        shift(x, n, shifts[s], y);
        moved = fmax(moved, fabs(middle(y, n) - middle(x, n)));
    }
    printf("%8.4f %8.2f %8.1f %9.2f", tone, tone_db, between, vowels);
    printf(" %6.0f", moved);
    free(x);
    free(y);
    free(ideal);
}

static void print_speech(shifter *shift, char **file, int files) {
    struct ser_audio a = {0};
    struct ser_error e;
    struct ser_resampler *in = ser_resampler_new(), *out = ser_resampler_new();
    double speech = 0, rise = 0, ms = 0;
    for (int i = 0; i < files; i++) {
        const float *x, *ideal;
        size_t n, m;
        const char *why;
        int by = shifts[i % SHIFTS];
        double ratio = exp2(by / 12.0), best = INFINITY, top_hz = 10500 * fmin(ratio, 1);
        if (ser_audio_load(&a, file[i], 0, &e))
            die_error(&e);
        if (ser_resample(in, a.sample, a.frames, a.rate_hz, RATE, &x, &n, &why) ||
            ser_resample(out, x, n, (int)lround(RATE * ratio), RATE, &ideal, &m, &why))
            die(SER_SYS, "%s", why);
        float *y = sound(n);
        for (int run = 0; run < 3; run++) {
            double start = spent_ms();
            shift(x, n, by, y);
            best = fmin(best, spent_ms() - start);
        }
        speech += difference_db(ideal, m, y, n, top_hz) / files;
        rise += (quietest_db(y, n) - quietest_db(ideal, m)) / files;
        ms += best / files;
        free(y);
    }
    printf(" %10.2f %9.2f %6.2f\n", speech, rise, ms);
    ser_resampler_free(in);
    ser_resampler_free(out);
    ser_audio_free(&a);
}

int main(int argc, char **argv) {
    struct ser_error e;
    static const struct {
        const char *name;
        shifter *shift;
    } engine[] = {{"phase vocoder", by_vocoder}, {"ser", by_ser}};
    ser_start(argv[0]);
    if (argc < 2)
        die(SER_USAGE, "usage: pitch FILE...");
    must(ser_pitch_start(&pitch, &e), &e);
    resampler = ser_resampler_new();
    printf("%-14s %8s %8s %8s %9s %6s %10s %9s %6s\n", "", "tone %", "tone dB", "between",
           "vowel dB", "time", "speech dB", "floor dB", "ms");
    for (size_t i = 0; i < sizeof engine / sizeof *engine; i++) {
        printf("%-14s ", engine[i].name);
        print_synthetic(engine[i].shift);
        print_speech(engine[i].shift, argv + 1, argc - 1);
    }
    ser_resampler_free(resampler);
    ser_pitch_stop(&pitch);
    return SER_OK;
}
