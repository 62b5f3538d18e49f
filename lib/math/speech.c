#include "math/speech.h"

#include "math/mathfun.h"
#include "math/speech-weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A bin is steady if its level changed by less than STEADY_DB within APART frames, back or ahead. */
enum { APART = 4, HISTORY = 2 * APART + 1, AHEAD = 4, BEHIND = 8 };
enum { KEPT = BEHIND + 1 + SER_SPEECH_LATENCY }; /* measures are whole APART frames late */
#define STEADY_DB 2.0f

/* Pitches are PITCHES steps of 1/34 octave from 70 Hz; of each up to 12 harmonics below 2.2 kHz. */
enum { PITCHES = 96, MAX_HARMONICS = 12 };
#define LOWEST_HZ  70.0
#define HIGHEST_HZ 2200.0

/* Ranges of the levels; all other measures are taken from the first to the last of these. */
static const double edge_hz[] = {100, 1000, 2500, 4000};
enum { RANGES = 3 };

/* Levels in dB: what of a bin counts for harmony at most, from where on it counts as sound, and
 * how much sound a frame needs for its steadiness to be told. */
#define MOST_DB   30.0f
#define SOUND_DB  6.0f
#define ENOUGH_DB 20.0f

/* No floor is below that of white noise at -80 dB, the fine print of 16-bit samples. */
#define LEAST_FLOOR 1e-8
#define MOST_POWER  1e20f

/* Of the floor (Gerkmann and Hendriks): the ratio of speech to noise that is expected, 15 dB; the
 * parts of the old values that are kept from frame to frame, 0.8 and 0.9 of 16 ms made those of
 * 23.2 ms; and the probability that is not believed for long. */
#define EXPECTED 31.6227766f
#define KEEP     0.7234f
#define KEEP_P   0.8581f
#define STUCK    0.99f

/* Of the means over the past: how much of them is kept from frame to frame, whose time constants are 0.5 and 3 s. */
static const float keep_mean[SER_SPEECH_PASTS] = {0.9546f, 0.99229f};

/* Of the likelihood ratio: weight of the last frame's speech, the least ratio of speech to noise,
 * -25 dB, and the most that a bin may say. */
#define DIRECTED  0.9f
#define LEAST_XI  0.003f
#define MOST_SAID 30.0f

enum measure { RATIO, LOW, MIDDLE, HIGH, HARMONY, CHANGING, FLUX, STEADY, FLATNESS };

/* A harmonic, or what is midway between two: lies between the bins at and at + 1. */
struct tooth {
    int at;
    float low, high; /* the parts of the two bins, divided by the number of harmonics */
};

struct ser_speech {
    int bins;             /* from 0 Hz to 4 kHz or the highest there is */
    int edge[RANGES + 1]; /* first bins of the ranges, and the end of the last */
    int teeth[PITCHES];   /* how many pairs of harmonic and midway each pitch has */
    struct tooth tooth[PITCHES][MAX_HARMONICS][2];
    float least;     /* of a floor */
    size_t frames;   /* taken so far, those behind the end included */
    size_t real;     /* those that had a spectrum */
    float *noise;    /* [bins] the floor */
    float *presence; /* [bins] smoothed probability of speech */
    float *speech;   /* [bins] last frame's power of speech over the floor */
    float *level;    /* [HISTORY, bins] dB over the floor, a ring */
    float *work;     /* [bins] */
    float measure[KEPT][SER_SPEECH_MEASURES]; /* a ring */
    float past[SER_SPEECH_PASTS][SER_SPEECH_MEASURES];
    float input[SER_SPEECH_INPUTS];
};

/* ---- making one ---- */

static int near(double x, double least, double most) {
    return x >= least && x <= most;
}

int ser_speech_takes(int rate_hz, int window, int hop) {
    return rate_hz >= 4000 && window % 2 == 0 && near((double)window / rate_hz, 0.080, 0.108) &&
           near((double)hop / rate_hz, 0.020, 0.027);
}

void ser_speech_frames(int rate_hz, int *window, int *hop) {
    *window = 2 * (int)(rate_hz * 1024.0 / 22050 + 0.5);
    *hop = (int)(rate_hz * 512.0 / 22050 + 0.5);
}

static struct tooth tooth_at(double bin, int harmonics) {
    int at = (int)bin;
    return (struct tooth){at, (float)((1 - (bin - at)) / harmonics),
                          (float)((bin - at) / harmonics)};
}

static void make_comb(struct ser_speech *s, double bin_hz) {
    double step = ser_exp(0.69314718055994530942 / 34), hz = LOWEST_HZ;
    for (int p = 0; p < PITCHES; p++, hz *= step) {
        int most = (int)(HIGHEST_HZ / hz), room = (int)((s->bins - 2) * bin_hz / hz);
        most = most < MAX_HARMONICS ? most : MAX_HARMONICS;
        most = most < room ? most : room;
        s->teeth[p] = most;
        for (int h = 0; h < most; h++) {
            s->tooth[p][h][0] = tooth_at((h + 1) * hz / bin_hz, most);
            s->tooth[p][h][1] = tooth_at((h + 0.5) * hz / bin_hz, most);
        }
    }
}

struct ser_speech *ser_speech_new(int rate_hz, int window) {
    struct ser_speech *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    double bin_hz = (double)rate_hz / window;
    int last = (int)(edge_hz[RANGES] / bin_hz);
    s->bins = last < window / 2 ? last : window / 2;
    for (int i = 0; i <= RANGES; i++) {
        int bin = (int)(edge_hz[i] / bin_hz);
        s->edge[i] = bin < s->bins ? bin : s->bins;
    }
    s->least = (float)(0.375 * window * LEAST_FLOOR);
    size_t n = (size_t)s->bins;
    s->noise = calloc(n, sizeof *s->noise);
    s->presence = calloc(n, sizeof *s->presence);
    s->speech = calloc(n, sizeof *s->speech);
    s->level = calloc(n * HISTORY, sizeof *s->level);
    s->work = calloc(n, sizeof *s->work);
    if (!s->noise || !s->presence || !s->speech || !s->level || !s->work) {
        ser_speech_free(s);
        return NULL;
    }
    make_comb(s, bin_hz);
    return s;
}

void ser_speech_free(struct ser_speech *s) {
    if (!s)
        return;
    free(s->noise);
    free(s->presence);
    free(s->speech);
    free(s->level);
    free(s->work);
    free(s);
}

void ser_speech_reset(struct ser_speech *s) {
    size_t n = (size_t)s->bins;
    s->frames = s->real = 0;
    memset(s->noise, 0, n * sizeof *s->noise);
    memset(s->presence, 0, n * sizeof *s->presence);
    memset(s->speech, 0, n * sizeof *s->speech);
    memset(s->level, 0, n * HISTORY * sizeof *s->level);
    memset(s->measure, 0, sizeof s->measure);
    memset(s->past, 0, sizeof s->past);
}

/* ---- one spectrum ---- */

SER_INLINE ser_vec at_least(ser_vec x, float least) {
    return ser_select(x > least, x, ser_splat(least));
}

SER_INLINE ser_vec at_most(ser_vec x, float most) {
    return ser_select(x < most, x, ser_splat(most));
}

/* 10 log10 and ln of numbers of at least 1. */
SER_INLINE ser_vec decibels(ser_vec x) {
    return ser_vlog(x, 3.01029996f, 8.68588964f);
}

SER_INLINE ser_vec logarithm(ser_vec x) {
    return ser_vlog(x, 0.69314718f, 2);
}

static float ln(float x) {
    return (float)ser_ln(x);
}

/* Draws the floor after the power of a frame. */
SER_CLONES static void track(struct ser_speech *s, const float *power) {
    const float ratio = EXPECTED / (1 + EXPECTED);
    for (int k = 0; k < s->bins; k += SER_LANES) {
        int n = ser_lanes(k, s->bins);
        ser_vec x = at_most(ser_load(power + k, n), MOST_POWER), old = ser_load(s->noise + k, n);
        ser_vec noise = at_least(s->frames ? old : x, s->least);
        ser_vec p = 1 / (1 + (1 + EXPECTED) * ser_vexp(at_most(x / noise, 200) * -ratio));
        ser_vec mean = KEEP_P * ser_load(s->presence + k, n) + (1 - KEEP_P) * p;
        p = ser_select(mean > STUCK, at_most(p, STUCK), p);
        ser_store(s->presence + k, mean, n);
        noise = KEEP * noise + (1 - KEEP) * (p * noise + (1 - p) * x);
        ser_store(s->noise + k, at_least(noise, s->least), n);
    }
}

/* The levels over the floor; work is the logarithm of the likelihood ratio of each bin. */
SER_CLONES static void compare(struct ser_speech *s, const float *power, float *level) {
    for (int k = 0; k < s->bins; k += SER_LANES) {
        int n = ser_lanes(k, s->bins);
        ser_vec noise = at_least(ser_load(s->noise + k, n), s->least);
        ser_vec ratio = at_most(ser_load(power + k, n), MOST_POWER) / noise;
        ser_vec xi =
            DIRECTED * ser_load(s->speech + k, n) + (1 - DIRECTED) * at_least(ratio - 1, 0);
        xi = at_least(xi, LEAST_XI);
        ser_vec gain = xi / (1 + xi);
        ser_store(s->work + k, at_most(ratio * gain - logarithm(1 + xi), MOST_SAID), n);
        ser_store(s->speech + k, gain * gain * at_most(ratio, 1e4f), n);
        ser_store(level + k, decibels(at_least(ratio, 1)), n);
    }
}

static float mean_of(const float *x, int from, int to) {
    float sum = 0;
    for (int i = from; i < to; i++)
        sum += x[i];
    return to > from ? sum / (float)(to - from) : 0;
}

/* The logarithm of the arithmetic mean over the geometric, of levels in dB. */
static float flatness(struct ser_speech *s, const float *level) {
    const float neper = 0.230258509f; /* ln 10 / 10 */
    int from = s->edge[0], to = s->edge[RANGES];
    for (int k = 0; k < s->bins; k += SER_LANES) {
        int n = ser_lanes(k, s->bins);
        ser_store(s->work + k, ser_vexp(ser_load(level + k, n) * neper), n);
    }
    return ln(1e-9f + mean_of(s->work, from, to)) - neper * mean_of(level, from, to);
}

static float harmony(const struct ser_speech *s, const float *level) {
    float best = 0;
    for (int p = 0; p < PITCHES; p++) {
        float sum = 0;
        for (int h = 0; h < s->teeth[p]; h++) {
            const struct tooth *on = &s->tooth[p][h][0], *off = on + 1;
            sum += on->low * level[on->at] + on->high * level[on->at + 1];
            sum -= off->low * level[off->at] + off->high * level[off->at + 1];
        }
        best = sum > best ? sum : best;
    }
    return best;
}

/* Measures that need no neighbours. */
static void measure_alone(struct ser_speech *s, const float *power, float *level, float *m) {
    track(s, power);
    compare(s, power, level);
    float ratio = mean_of(s->work, s->edge[0], s->edge[RANGES]);
    m[RATIO] = ln(1 + (ratio > 0 ? ratio : 0));
    for (int i = 0; i < RANGES; i++)
        m[LOW + i] = ln(1 + mean_of(level, s->edge[i], s->edge[i + 1]));
    m[FLATNESS] = flatness(s, level);
    for (int k = 0; k < s->bins; k++)
        s->work[k] = level[k] < MOST_DB ? level[k] : MOST_DB;
    m[HARMONY] = sqrtf(harmony(s, s->work));
}

/* Measures of a frame beside those APART before and behind it. */
static void measure_between(struct ser_speech *s, const float *before, const float *level,
                            const float *after, float *m) {
    float sound = 0, steady = 0, flux = 0;
    for (int k = 0; k < s->bins; k++) {
        float back = fabsf(level[k] - before[k]), ahead = fabsf(level[k] - after[k]);
        float change = back < ahead ? back : ahead;
        float weight = level[k] > SOUND_DB ? level[k] - SOUND_DB : 0;
        float most = level[k] < MOST_DB ? level[k] : MOST_DB;
        s->work[k] = change < STEADY_DB ? 0 : most;
        if (k < s->edge[0] || k >= s->edge[RANGES])
            continue;
        sound += weight;
        flux += weight * change;
        steady += change < STEADY_DB ? weight : 0;
    }
    m[FLUX] = flux / (sound + ENOUGH_DB);
    m[STEADY] = steady / (sound + ENOUGH_DB);
    m[CHANGING] = sqrtf(harmony(s, s->work));
}

/* ---- frame by frame ---- */

static float *level_of(struct ser_speech *s, size_t frame) {
    return s->level + frame % HISTORY * (size_t)s->bins;
}

/* Draws the means over the past after the measures of a frame. */
static void remember(struct ser_speech *s, const float *m) {
    for (int i = 0; i < SER_SPEECH_PASTS; i++)
        for (int j = 0; j < SER_SPEECH_MEASURES; j++)
            s->past[i][j] = keep_mean[i] * s->past[i][j] + (1 - keep_mean[i]) * m[j];
}

/* Gathers what the network is given for a frame: means over places before, at and behind it, and over all of the past
 * up to the last of these. */
static void gather(struct ser_speech *s, size_t frame) {
    static const int first[SER_SPEECH_PLACES] = {-BEHIND, -2, 0, 1, 3};
    static const int last[SER_SPEECH_PLACES] = {-3, -1, 0, 2, AHEAD};
    for (int i = 0; i < SER_SPEECH_PLACES; i++)
        for (int j = 0; j < SER_SPEECH_MEASURES; j++) {
            float sum = 0;
            for (int d = first[i]; d <= last[i]; d++)
                sum += s->measure[(frame + KEPT + (size_t)(d + KEPT)) % KEPT][j];
            s->input[i * SER_SPEECH_MEASURES + j] = sum / (float)(last[i] - first[i] + 1);
        }
    memcpy(s->input + SER_SPEECH_PLACES * SER_SPEECH_MEASURES, s->past, sizeof s->past);
}

static float weigh(const float *input) {
    float x = output_bias;
    for (int u = 0; u < SER_SPEECH_UNITS; u++) {
        float sum = unit_bias[u];
        for (int i = 0; i < SER_SPEECH_INPUTS; i++)
            sum += unit_weight[u][i] * input[i];
        x += output_weight[u] * ser_vtanh(ser_splat(sum))[0];
    }
    return ser_vsigmoid(ser_splat(x))[0];
}

/* Takes the next frame; NULL is silence. 1 if a frame's probability is known by it. */
static int step(struct ser_speech *s, const float *power, float *p) {
    size_t t = s->frames;
    float *level = level_of(s, t), *m = s->measure[t % KEPT];
    memset(m, 0, sizeof s->measure[0]);
    if (power)
        measure_alone(s, power, level, m);
    else
        memset(level, 0, (size_t)s->bins * sizeof *level);
    s->frames++;
    if (t >= APART) { /* before the first frame the ring holds zeros, which are silence */
        float *complete = s->measure[(t - APART) % KEPT];
        measure_between(s, level_of(s, t + 1), level_of(s, t - APART), level, complete);
        remember(s, complete);
    }
    if (t < SER_SPEECH_LATENCY)
        return 0;
    gather(s, t - SER_SPEECH_LATENCY);
    *p = weigh(s->input);
    return 1;
}

int ser_speech_next(struct ser_speech *s, const float *power, float *p) {
    s->real++;
    return step(s, power, p);
}

int ser_speech_end(struct ser_speech *s, float *p) {
    while (s->frames < s->real + SER_SPEECH_LATENCY)
        if (step(s, NULL, p))
            return 1;
    return 0;
}

const float *ser_speech_inputs(const struct ser_speech *s) {
    return s->input;
}
