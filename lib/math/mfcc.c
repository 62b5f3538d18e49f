#include "math/mfcc.h"

#include "math/effects.h"
#include "math/mathfun.h"
#include "math/mel.h"
#include "math/moments.h"
#include "math/simd.h"
#include "math/spectrum.h"
#include "math/yin.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Rows of the matrices in here are a multiple of LANES long, so that inner loops run over LANES
 * frames side by side. */
enum { LANES = SER_LANES, DELTA_WINDOW = 9 };

/* Long sums are made of sums of so many terms, which keeps rounding errors small. */
enum { PART = 8 };

/* What is appended comes of these: decibels; semitones, 0 without voice; 0..1. */
enum { ENERGY, PITCH, VOICING, TRACKS };

struct ser_mfcc {
    struct ser_recipe r;
    struct ser_spectrum *spectrum;
    struct ser_mel mel;
    float *dct;          /* [coefs, half] over folded bands; NULL for SER_LOGMEL */
    float *band;         /* [bands, stride]: mel powers, then decibels */
    float *folded;       /* [2, half, stride]: sums, differences of bands */
    float *coef;         /* [coefs, stride] */
    float *diff;         /* [T]: one row's differences */
    float *track;        /* [TRACKS, T]: what is appended, of each frame by itself */
    struct ser_yin *yin; /* NULL where F0 and voicing are not wanted */
    float *out;          /* [rows, T] */
    float silence;       /* what a band holds where there is no power, in decibels */
    size_t band_cap, folded_cap, coef_cap, diff_cap, track_cap, out_cap;
};

/* ---- memory ---- */

/* Makes *p hold rows * columns numbers; what it held is lost. */
static int grow(float **p, size_t *cap, size_t rows, size_t columns) {
    size_t n;
    if (__builtin_mul_overflow(rows, columns, &n) || n > SIZE_MAX / sizeof **p)
        return -1;
    if (n <= *cap)
        return 0;
    free(*p);
    *cap = 0;
    *p = malloc(n * sizeof **p);
    if (!*p)
        return -1;
    *cap = n;
    return 0;
}

static size_t half_of(int bands) {
    return ((size_t)bands + 1) / 2;
}

/* DCT-II, orthonormal:
 *
 *   D[c][b] = sqrt((c ? 2 : 1) / bands) cos(pi c (2 b + 1) / (2 bands))
 *
 * It is even in b around the middle for even c and odd for odd c, so half of each row is enough.
 */
static float *dct_new(int coefs, int bands) {
    size_t half = half_of(bands);
    float *dct = calloc((size_t)coefs * half, sizeof *dct);
    for (int c = 0; dct && c < coefs; c++)
        for (size_t b = 0; b < half; b++)
            dct[(size_t)c * half + b] =
                (float)(sqrt((c ? 2.0 : 1.0) / bands) *
                        cos(M_PI * c * (2 * (double)b + 1) / (2.0 * bands)));
    return dct;
}

struct ser_mfcc *ser_mfcc_new(const struct ser_recipe *r) {
    struct ser_mfcc *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->r = *r;
    double fmax_hz = r->fmax_hz == 0 ? r->rate_hz / 2.0 : r->fmax_hz;
    m->spectrum = ser_spectrum_new(r->window);
    if (r->type == SER_MFCC)
        m->dct = dct_new(r->coefs, r->bands);
    int pitch = r->append & (SER_APPEND_F0 | SER_APPEND_VOICING);
    if (pitch)
        m->yin = ser_yin_new(r->rate_hz);
    if (ser_mel_init(&m->mel, r->rate_hz, r->window, r->bands, r->fmin_hz, fmax_hz) ||
        !m->spectrum || (r->type == SER_MFCC && !m->dct) || (pitch && !m->yin)) {
        ser_mfcc_free(m);
        return NULL;
    }
    return m;
}

void ser_mfcc_free(struct ser_mfcc *m) {
    if (!m)
        return;
    ser_spectrum_free(m->spectrum);
    ser_mel_free(&m->mel);
    ser_yin_free(m->yin);
    free(m->dct);
    free(m->band);
    free(m->folded);
    free(m->coef);
    free(m->diff);
    free(m->track);
    free(m->out);
    free(m);
}

int ser_mfcc_empty_bands(const struct ser_mfcc *m) {
    int n = 0;
    for (int b = 0; b < m->mel.bands; b++)
        n += m->mel.band[b].groups == 0;
    return n;
}

/* ---- the steps; matrices have rows of stride numbers ---- */

static size_t padded(size_t T) {
    return (T + LANES - 1) / LANES * LANES;
}

SER_INLINE ser_vec larger(ser_vec a, ser_vec b) {
    return ser_select(a > b, a, b);
}

static int mel_powers(struct ser_mfcc *m, const float *x, size_t n, size_t T) {
    size_t bands = (size_t)m->r.bands, stride = padded(T), hop = (size_t)m->r.hop;
    if (grow(&m->band, &m->band_cap, bands, stride))
        return -1;
    for (size_t t = 0; t < T; t++) {
        const float *power = ser_spectrum_power(m->spectrum, x, n, t * hop);
        ser_mel_apply(&m->mel, power, m->band + t, stride);
    }
    for (size_t b = 0; b < bands; b++)
        memset(m->band + b * stride + T, 0, (stride - T) * sizeof *m->band);
    return 0;
}

SER_CLONES static float largest(const float *x, size_t n) {
    ser_vec lane = {0};
    float max = 0;
    for (size_t t = 0; t < n; t += LANES)
        lane = larger(ser_load(x + t, LANES), lane);
    for (int i = 0; i < LANES; i++)
        max = lane[i] > max ? lane[i] : max;
    return max;
}

/* x = max(floor, 10 log10(max(1e-10, x))). */
SER_CLONES static void decibels(float *x, size_t n, float floor) {
    const float octave = 3.01029996f, nepers = 8.68588964f; /* 10 log10 2, 20 log10 e */
    for (size_t t = 0; t < n; t += LANES) {
        ser_vec v = larger(ser_load(x + t, LANES), ser_splat(1e-10f));
        ser_store(x + t, larger(ser_vlog(v, octave, nepers), ser_splat(floor)), LANES);
    }
}

/* Adds band b to its mirror image bands - 1 - b, and subtracts it. The middle one of an odd number
 * of bands has no partner: it counts once, and its difference is zero as its cosines are. */
SER_CLONES static void fold(const float *x, int bands, size_t stride, size_t n, float *sum,
                            float *difference) {
    for (size_t b = 0; b < half_of(bands); b++) {
        const float *low = x + b * stride, *high = x + ((size_t)bands - 1 - b) * stride;
        float *s = sum + b * stride, *d = difference + b * stride, once = low == high ? 0.5f : 1;
        for (size_t t = 0; t < n; t += LANES) {
            ser_vec l = ser_load(low + t, LANES), h = ser_load(high + t, LANES);
            ser_store(s + t, once * (l + h), LANES);
            ser_store(d + t, l - h, LANES);
        }
    }
}

/* coef [coefs, stride] of the first n frames, n a multiple of LANES. */
SER_CLONES static void transform(const struct ser_mfcc *m, const float *sum,
                                 const float *difference, size_t stride, size_t n, float *coef) {
    size_t half = half_of(m->r.bands);
    for (size_t t = 0; t < n; t += LANES)
        for (int c = 0; c < m->r.coefs; c++) {
            const float *d = m->dct + (size_t)c * half, *x = (c % 2 ? difference : sum) + t;
            ser_vec acc = {0};
            for (size_t b = 0; b < half;) {
                ser_vec part = {0};
                for (size_t end = b + PART < half ? b + PART : half; b < end; b++, x += stride)
                    part += d[b] * ser_load(x, LANES);
                acc += part;
            }
            ser_store(coef + (size_t)c * stride + t, acc, LANES);
        }
}

/* The derivative of the given order of a polynomial of that degree, fitted by least squares to the
 * W values at x; in its middle, but at these degrees it is the same all over the W frames. */
static float derivative(const float *x, size_t W, int order) {
    double mean_square = ((double)W * (double)W - 1) / 12, top = 0, bottom = 0;
    for (size_t j = 0; j < W; j++) {
        double a = (double)j - ((double)W - 1) / 2, u = order == 1 ? a : a * a - mean_square;
        top += u * x[j];
        bottom += u * u;
    }
    return bottom > 1e-9 ? (float)(order * top / bottom) : 0;
}

/* One row of T values to T differences. */
static void delta(const float *x, size_t T, int order, float *out) {
    size_t W = T < DELTA_WINDOW ? T : DELTA_WINDOW;
    for (size_t t = 0; t + W <= T; t++)
        out[t + W / 2] = derivative(x + t, W, order);
    for (size_t t = 0; t < W / 2; t++)
        out[t] = out[W / 2];
    for (size_t t = T - W + W / 2 + 1; t < T; t++)
        out[t] = out[t - 1];
}

/* ---- all of it ---- */

/* The features of frames 0..keep-1 before padding: sets *rows to a matrix [coefs, stride]. */
static int features(struct ser_mfcc *m, size_t T, size_t keep, const float **rows) {
    size_t bands = (size_t)m->r.bands, stride = padded(T), n = padded(keep),
           half = half_of(m->r.bands);
    float floor = -INFINITY, none[LANES] = {0};
    if (m->r.top_db > 0) {
        float max[LANES] = {largest(m->band, bands * stride)};
        decibels(max, LANES, floor);
        floor = max[0] - (float)m->r.top_db;
    }
    for (size_t b = 0; b < bands; b++)
        decibels(m->band + b * stride, n, floor);
    decibels(none, LANES, floor);
    m->silence = none[0];
    *rows = m->band;
    if (m->r.type == SER_LOGMEL)
        return 0;
    if (grow(&m->folded, &m->folded_cap, 2 * half, stride) ||
        grow(&m->coef, &m->coef_cap, (size_t)m->r.coefs, stride))
        return -1;
    float *sum = m->folded, *difference = m->folded + half * stride;
    fold(m->band, m->r.bands, stride, n, sum, difference);
    transform(m, sum, difference, stride, n, m->coef);
    *rows = m->coef;
    return 0;
}

/* What stands in a row of this order behind the last frame. All bands being equal, no coefficient but the
 * first has any of them; and they do not change. */
static float padding_of(const struct ser_mfcc *m, size_t coef, int order) {
    if (m->r.pad == SER_PAD_ZERO || order)
        return 0;
    if (m->r.type == SER_LOGMEL)
        return m->silence;
    return coef ? 0 : m->silence * sqrtf((float)m->r.bands);
}

/* Fills the row up behind its first frames, and normalises it. */
static void complete(const struct ser_mfcc *m, float *row, size_t frames, size_t T, float padding) {
    double mean = 0, square = 0, variance;
    struct ser_moments of_row = {0, &mean, &square};
    const struct ser_layout layout = {1, T, 1, frames};
    for (size_t t = frames; t < T; t++)
        row[t] = padding;
    if (m->r.norm != SER_NORMAL_UTTERANCE)
        return;
    ser_moments_add(&of_row, row, &layout);
    variance = square / of_row.frames;
    ser_normalize(row, &layout, &mean, &variance, m->r.pad == SER_PAD_FLOOR);
}

/* The mean square of the samples around at, in decibels. */
static float energy_db(const struct ser_mfcc *m, const float *x, size_t n, size_t at) {
    size_t half = (size_t)m->r.window / 2, from = at > half ? at - half : 0;
    size_t to = at + half < n ? at + half : n;
    double mean = from < to ? ser_energy(x + from, to - from) / m->r.window : 0;
    return (float)(4.34294481903251827651 * ser_ln(fmax(1e-10, mean))); /* 10 / ln 10 */
}

/* Semitones above 27.5 Hz, the lowest A of a piano. */
static float semitones(double hz) {
    return (float)(17.3123404906675608883 * ser_ln(hz / 27.5)); /* 12 / ln 2 */
}

/* What is appended comes of: the frame around sample at, to[0], to[apart] and so on. pitch: whether F0 and
 * voicing are wanted, which take long. */
static void follow(struct ser_mfcc *m, const float *x, size_t n, size_t at, int pitch, float *to,
                   size_t apart) {
    double hz = 0, voicing = 0;
    to[ENERGY * apart] = energy_db(m, x, n, at);
    if (m->yin && pitch)
        hz = ser_yin_frame(m->yin, x, n, at, &voicing);
    to[PITCH * apart] = voicing > SER_VOICED ? semitones(hz) : 0;
    to[VOICING * apart] = (float)voicing;
}

/* Rows of what is appended: to [rows, T], of which both of have frames are true. */
static void append(const struct ser_mfcc *m, size_t have, size_t both, size_t T, float *to) {
    const float *energy = m->track + ENERGY * have, *pitch = m->track + PITCH * have,
                *voicing = m->track + VOICING * have;
    float loudest = -INFINITY, *row[TRACKS] = {NULL};
    for (int i = 0; i < TRACKS; i++)
        if (m->r.append & 1 << i) {
            row[i] = to;
            to += T;
        }
    for (size_t t = 0; t < have; t++)
        loudest = fmaxf(loudest, energy[t]);
    float floor = m->r.top_db > 0 ? fmaxf(-100, loudest - (float)m->r.top_db) : -100;
    for (size_t t = 0; t < both; t++) {
        if (row[ENERGY])
            row[ENERGY][t] = fmaxf(energy[t], floor);
        if (row[PITCH])
            row[PITCH][t] = energy[t] > loudest - SER_VOICED_DB ? pitch[t] : 0;
        if (row[VOICING])
            row[VOICING][t] = voicing[t];
    }
    for (int i = 0; i < TRACKS; i++)
        if (row[i])
            complete(m, row[i], both, T, i || m->r.pad == SER_PAD_ZERO ? 0 : floor);
}

/* How many frames of have are kept, of *want in the result. */
static size_t kept_of(const struct ser_mfcc *m, size_t have, size_t *want) {
    *want = m->r.frames ? (size_t)m->r.frames : have;
    return have < *want ? have : *want;
}

/* Mel powers of have frames at band, and what is appended at track -> *out [rows, *T]. */
static int finish(struct ser_mfcc *m, size_t have, const float **out, size_t *T) {
    size_t want, both = kept_of(m, have, &want), coefs = (size_t)m->r.coefs;
    const float *rows;
    if (features(m, have, m->r.deltas ? have : both, &rows) ||
        grow(&m->out, &m->out_cap, (size_t)ser_recipe_rows(&m->r), want) ||
        grow(&m->diff, &m->diff_cap, 1, have))
        return -1;
    size_t stride = padded(have);
    for (size_t c = 0; c < coefs; c++)
        for (int order = 0; order <= m->r.deltas; order++) {
            const float *row = rows + c * stride;
            float *to = m->out + ((size_t)order * coefs + c) * want;
            if (order) {
                delta(row, have, order, m->diff);
                row = m->diff;
            }
            memcpy(to, row, both * sizeof *to);
            complete(m, to, both, want, padding_of(m, c, order));
        }
    if (m->r.append)
        append(m, have, both, want, m->out + (size_t)(1 + m->r.deltas) * coefs * want);
    *out = m->out;
    *T = want;
    return 0;
}

int ser_mfcc_run(struct ser_mfcc *m, const float *x, size_t n, const float **out, size_t *T,
                 size_t *full) {
    size_t have = 1 + n / (size_t)m->r.hop, want, both = kept_of(m, have, &want);
    if (mel_powers(m, x, n, have) || (m->r.append && grow(&m->track, &m->track_cap, TRACKS, have)))
        return -1;
    for (size_t t = 0; m->r.append && t < have; t++)
        follow(m, x, n, t * (size_t)m->r.hop, t < both, m->track + t, have);
    *full = have;
    return finish(m, have, out, T);
}

/* ---- frame by frame ---- */

size_t ser_mfcc_kept(const struct ser_mfcc *m) {
    return (size_t)m->r.bands + (m->r.append ? TRACKS : 0);
}

size_t ser_mfcc_reach(const struct ser_mfcc *m) {
    size_t half = (size_t)m->r.window / 2, pitch = m->yin ? ser_yin_reach(m->yin) : 0;
    return half > pitch ? half : pitch;
}

const float *ser_mfcc_frame(struct ser_mfcc *m, const float *x, size_t n, size_t at, float *kept) {
    const float *power = ser_spectrum_power(m->spectrum, x, n, at);
    ser_mel_apply(&m->mel, power, kept, 1);
    if (m->r.append)
        follow(m, x, n, at, 1, kept + m->r.bands, 1);
    return power;
}

int ser_mfcc_join(struct ser_mfcc *m, const float *const *kept, size_t n, const float **out,
                  size_t *T) {
    size_t bands = (size_t)m->r.bands, stride = padded(n);
    if (grow(&m->band, &m->band_cap, bands, stride) ||
        (m->r.append && grow(&m->track, &m->track_cap, TRACKS, n)))
        return -1;
    for (size_t b = 0; b < bands; b++) {
        float *row = m->band + b * stride;
        for (size_t t = 0; t < stride; t++)
            row[t] = t < n ? kept[t][b] : 0;
    }
    for (size_t i = 0; m->r.append && i < TRACKS; i++)
        for (size_t t = 0; t < n; t++)
            m->track[i * n + t] = kept[t][bands + i];
    return finish(m, n, out, T);
}

int ser_mfcc_mel(struct ser_mfcc *m, const float *x, size_t n, const float **out, size_t *T) {
    *T = 1 + n / (size_t)m->r.hop;
    size_t bands = (size_t)m->r.bands, stride = padded(*T);
    if (mel_powers(m, x, n, *T) || grow(&m->out, &m->out_cap, bands, *T))
        return -1;
    for (size_t b = 0; b < bands; b++)
        memcpy(m->out + b * *T, m->band + b * stride, *T * sizeof *m->out);
    *out = m->out;
    return 0;
}
