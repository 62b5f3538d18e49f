#include "math/windows.h"

#include "math/effects.h"
#include "math/mfcc.h"
#include "math/spectrum.h"
#include "math/speech.h"
#include "math/trim.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The detector of speech has frames of its own where those of the features will not do. */
struct detector {
    struct ser_speech *speech;     /* NULL: the rate is too low for it */
    struct ser_spectrum *spectrum; /* NULL: it hears the spectra of the features */
    size_t hop, reach;             /* as those of the features */
    size_t heard, known;           /* frames it was given, and whose probability is known */
    unsigned char *is_speech;      /* [size] of frame j at j % size, for the last of those known */
    size_t size;
};

struct ser_windows {
    int rate_hz;
    size_t length, step,
        reach; /* samples: of a window, from one to the next, beside a frame's middle */
    struct detector d;
    float *x; /* [have] of [cap]: the samples from base on, of all that were fed */
    size_t cap, have, base;
    size_t start; /* of the next window, a sample */
    int ended;
    struct ser_mfcc *mfcc; /* NULL: windows of samples alone, without all that follows */
    struct ser_recipe r;
    size_t frames, hop;
    float *kept; /* [frames, width] of frame t at t % frames */
    size_t width;
    const float **row; /* [frames] */
    size_t frame;      /* the next to be made */
};

/* ---- making one ---- */

static int detector_open(struct ser_windows *w) {
    struct detector *d = &w->d;
    int window = w->r.window, hop = w->r.hop,
        own = !hop || !ser_speech_takes(w->rate_hz, window, hop);
    if (own)
        ser_speech_frames(w->rate_hz, &window, &hop);
    if (own && !ser_speech_takes(w->rate_hz, window, hop))
        return 0;
    d->hop = (size_t)hop;
    d->reach = own ? (size_t)window / 2 : w->reach;
    d->size = (w->length + w->hop + w->reach) / d->hop + 4;
    d->is_speech = calloc(d->size, 1);
    d->speech = ser_speech_new(w->rate_hz, window);
    if (own)
        d->spectrum = ser_spectrum_new(window);
    return d->is_speech && d->speech && (!own || d->spectrum) ? 0 : -1;
}

static int frames_open(struct ser_windows *w, const struct ser_recipe *r) {
    w->r = *r;
    w->frames = (size_t)r->frames;
    w->hop = (size_t)r->hop;
    w->mfcc = ser_mfcc_new(r);
    if (!w->mfcc)
        return -1;
    w->reach = ser_mfcc_reach(w->mfcc);
    w->width = ser_mfcc_kept(w->mfcc);
    w->kept = calloc(w->frames, w->width * sizeof *w->kept);
    w->row = calloc(w->frames, sizeof *w->row);
    return w->kept && w->row ? 0 : -1;
}

/* r: of the features; NULL: none. */
static struct ser_windows *make(const struct ser_recipe *r, int rate_hz, size_t length,
                                size_t step) {
    struct ser_windows *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->rate_hz = rate_hz;
    w->length = length;
    w->step = step;
    if ((r && frames_open(w, r)) || detector_open(w)) {
        ser_windows_free(w);
        return NULL;
    }
    return w;
}

struct ser_windows *ser_windows_new(const struct ser_recipe *r, size_t step) {
    size_t hop = (size_t)r->hop;
    return make(r, r->rate_hz, ((size_t)r->frames - 1) * hop, step * hop);
}

struct ser_windows *ser_windows_new_sound(int rate_hz, size_t length, size_t step) {
    return make(NULL, rate_hz, length, step);
}

void ser_windows_free(struct ser_windows *w) {
    if (!w)
        return;
    ser_mfcc_free(w->mfcc);
    ser_speech_free(w->d.speech);
    ser_spectrum_free(w->d.spectrum);
    free(w->d.is_speech);
    free(w->x);
    free(w->kept);
    free(w->row);
    free(w);
}

void ser_windows_reset(struct ser_windows *w) {
    if (w->d.speech)
        ser_speech_reset(w->d.speech);
    w->d.heard = w->d.known = 0;
    w->have = w->base = w->frame = w->start = 0;
    w->ended = 0;
}

int ser_windows_empty_bands(const struct ser_windows *w) {
    return ser_mfcc_empty_bands(w->mfcc);
}

/* ---- samples ---- */

/* The first sample of a frame of which so many lie before its middle. */
static size_t begin_of(size_t frame, size_t hop, size_t reach) {
    return frame * hop > reach ? frame * hop - reach : 0;
}

static size_t least_of(size_t a, size_t b) {
    return a < b ? a : b;
}

/* The first sample that is needed again. */
static size_t needed(const struct ser_windows *w) {
    size_t from = w->start;
    if (w->mfcc)
        from = least_of(from, begin_of(w->frame, w->hop, w->reach));
    if (w->d.spectrum)
        from = least_of(from, begin_of(w->d.heard, w->d.hop, w->d.reach));
    return from;
}

/* Room for n more samples. Those that are not needed go when there is none, which is once in as many
 * samples as are kept. */
static int make_room(struct ser_windows *w, size_t n) {
    if (n <= w->cap - w->have)
        return 0;
    size_t drop = needed(w) - w->base;
    drop = drop < w->have ? drop : w->have;
    w->have -= drop;
    w->base += drop;
    if (w->have)
        memmove(w->x, w->x + drop, w->have * sizeof *w->x);
    size_t least = w->length + w->hop + 2 * w->reach, cap = 2 * (w->have + n);
    if (n <= w->cap - w->have && w->cap >= w->have + least)
        return 0;
    cap = cap < 2 * least ? 2 * least : cap;
    if (cap <= w->cap)
        return 0;
    float *x = cap < SIZE_MAX / sizeof *x ? realloc(w->x, cap * sizeof *x) : NULL;
    if (!x)
        return -1;
    w->x = x;
    w->cap = cap;
    return 0;
}

int ser_windows_feed(struct ser_windows *w, const float *x, size_t n) {
    if (n == 0)
        return 0;
    if (make_room(w, n))
        return -1;
    memcpy(w->x + w->have, x, n * sizeof *x);
    w->have += n;
    return 0;
}

void ser_windows_end(struct ser_windows *w) {
    w->ended = 1;
}

/* ---- speech ---- */

static void learn(struct detector *d, float p) {
    d->is_speech[d->known++ % d->size] = p >= SER_SPEECH_THRESHOLD;
}

static void hear(struct detector *d, const float *power) {
    float p;
    d->heard++;
    if (ser_speech_next(d->speech, power, &p))
        learn(d, p);
}

/* Own frames of the detector: those that reach to sample end at most; a reach of 0 takes those whose middle
 * is there. */
static void hear_own(struct ser_windows *w, size_t end, size_t reach) {
    struct detector *d = &w->d;
    for (; d->heard * d->hop + reach <= end;)
        hear(d, ser_spectrum_power(d->spectrum, w->x, w->have, d->heard * d->hop - w->base));
}

/* The share of speech from one sample to another. */
static double share_of(const struct detector *d, size_t from, size_t to) {
    size_t n = 0, speech = 0;
    if (!d->speech)
        return -1;
    for (size_t j = (from + d->hop - 1) / d->hop; j * d->hop <= to && j < d->known; j++, n++)
        speech += d->is_speech[j % d->size];
    return n ? (double)speech / (double)n : -1;
}

/* ---- frames and windows ---- */

static void make_frame(struct ser_windows *w) {
    size_t at = w->frame * w->hop, total = w->base + w->have, end = at + w->reach;
    float *kept = w->kept + w->frame % w->frames * w->width;
    const float *power = ser_mfcc_frame(w->mfcc, w->x, w->have, at - w->base, kept);
    if (w->d.spectrum)
        hear_own(w, end < total ? end : total, w->d.reach);
    else if (w->d.speech)
        hear(&w->d, power);
    w->frame++;
}

/* Of the window's frames, *from.. *to, those which trimming leaves; x[n] are its samples. */
static void trim(const struct ser_windows *w, const float *x, size_t n, size_t *from, size_t *to) {
    size_t begin, count;
    if (w->r.trim_db <= 0)
        return;
    ser_trim(x, n, w->r.trim_db, (size_t)(w->r.trim_margin_s * w->r.rate_hz + 0.5), &begin, &count);
    size_t last = *from + (begin + count + w->hop - 1) / w->hop;
    *from += begin / w->hop;
    *to = last < *to ? last : *to;
}

/* Its features. */
static int join_frames(struct ser_windows *w, struct ser_window *out) {
    size_t from = w->start / w->hop, to = least_of(w->frame - 1, from + w->frames - 1), T;
    trim(w, out->sound, out->samples, &from, &to);
    for (size_t t = from; t <= to; t++)
        w->row[t - from] = w->kept + t % w->frames * w->width;
    out->full = to - from + 1;
    out->from_s = (double)(from * w->hop) / w->rate_hz;
    return ser_mfcc_join(w->mfcc, w->row, out->full, &out->x, &T) ? -1 : 1;
}

/* The window of n samples. */
static int make_window(struct ser_windows *w, size_t n, struct ser_window *out) {
    const float *x = w->x + (w->start - w->base);
    *out = (struct ser_window){.sound = x,
                               .samples = n,
                               .start_s = (double)w->start / w->rate_hz,
                               .end_s = (double)(w->start + n) / w->rate_hz,
                               .from_s = (double)w->start / w->rate_hz,
                               .speech = share_of(&w->d, w->start, w->start + n),
                               .silent = ser_is_silent(x, n)};
    out->level_db = 10 * log10(fmax(1e-10, ser_energy(x, n) / (double)n));
    return w->mfcc ? join_frames(w, out) : 1;
}

/* All that there is makes one window. */
static int make_short(struct ser_windows *w, struct ser_window *out) {
    float p;
    if (w->d.spectrum)
        hear_own(w, w->have, 0);
    while (w->d.speech && ser_speech_end(w->d.speech, &p))
        learn(&w->d, p);
    int made = make_window(w, w->have, out);
    w->start = SIZE_MAX / 2; /* there is no other one */
    return made;
}

/* Makes what the next window is of: 1; 0 where samples are missing. */
static int make_ready(struct ser_windows *w) {
    size_t total = w->base + w->have, end = w->start + w->length;
    while (w->mfcc && w->frame * w->hop <= end) {
        size_t at = w->frame * w->hop;
        if (total < at + w->reach && !(w->ended && total && at <= total))
            return 0;
        make_frame(w);
    }
    if (w->d.spectrum && !w->mfcc)
        hear_own(w, least_of(total, end), w->d.reach);
    return total >= end;
}

int ser_windows_next(struct ser_windows *w, struct ser_window *out) {
    if (!make_ready(w))
        return w->ended && w->have && w->start == 0 ? make_short(w, out) : 0;
    int made = make_window(w, w->length, out);
    w->start += w->step;
    return made;
}
