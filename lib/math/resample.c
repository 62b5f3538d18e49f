#include "math/resample.h"

#include <errno.h>
#include <math.h>
#include <soxr.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* soxr counts the samples of a call in int, and copies them into memory of its own. With small
 * pieces that memory stays small, and malloc need not get it anew from the system for each clip,
 * which costs a fifth of the time. The bytes do not depend on it. */
enum { PIECE = 8192 };

/* Memory that is taken at once, six seconds at 22050 Hz; what stays unused costs nothing. */
enum { ROOM = 1 << 17 };

struct ser_resampler {
    soxr_t soxr; /* of the clip that is under way, or NULL: the rates agree */
    double ratio;
    float *y; /* [made] of it so far, behind the taken ones */
    size_t cap, made, taken;
    size_t n; /* samples fed */
};

struct ser_resampler *ser_resampler_new(void) {
    return calloc(1, sizeof(struct ser_resampler));
}

static void stop(struct ser_resampler *r) {
    soxr_delete(r->soxr);
    r->soxr = NULL;
}

void ser_resampler_free(struct ser_resampler *r) {
    if (!r)
        return;
    stop(r);
    free(r->y);
    free(r);
}

static int fail(struct ser_resampler *r, const char **why, const char *text) {
    stop(r);
    *why = text;
    return -1;
}

/* The samples that n make. In floating point, as librosa counts: where n * to / from is whole, the
 * rounding of the ratio can add one. */
static double length_of(const struct ser_resampler *r, size_t n) {
    return ceil((double)n * r->ratio);
}

/* Memory for all that the n samples fed so far make, and is not taken yet. */
static int grow(struct ser_resampler *r, const char **why) {
    double length = fmax(0, length_of(r, r->n) - (double)r->taken);
    if (!(length < (double)(SIZE_MAX / sizeof *r->y / 4)))
        return fail(r, why, "too long to resample");
    size_t cap = r->cap ? r->cap : ROOM;
    while (cap < (size_t)length)
        cap *= 2;
    if (cap == r->cap)
        return 0;
    float *y = realloc(r->y, cap * sizeof *y);
    if (!y)
        return fail(r, why, "out of memory");
    r->y = y;
    r->cap = cap;
    return 0;
}

int ser_resample_begin(struct ser_resampler *r, int from_hz, int to_hz, const char **why) {
    errno = 0;
    stop(r);
    r->made = r->taken = r->n = 0;
    r->ratio = (double)to_hz / from_hz;
    if (from_hz == to_hz)
        return 0;
    if (from_hz < SER_RESAMPLE_MIN_HZ || from_hz > SER_RESAMPLE_MAX_HZ ||
        to_hz < SER_RESAMPLE_MIN_HZ || to_hz > SER_RESAMPLE_MAX_HZ)
        return fail(r, why, "rate is not in 1000..768000 Hz");
    soxr_error_t error = NULL;
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    r->soxr = soxr_create(from_hz, to_hz, 1, &error, NULL, &quality, &runtime);
    return error ? fail(r, why, error) : 0;
}

/* x NULL: the end. */
static int process(struct ser_resampler *r, const float *x, size_t n, const char **why) {
    size_t done = 0;
    soxr_error_t error = soxr_process(r->soxr, x, n, NULL, r->y + r->made, r->cap - r->made, &done);
    r->made += done;
    return error ? fail(r, why, error) : 0;
}

int ser_resample_feed(struct ser_resampler *r, const float *x, size_t n, const char **why) {
    errno = 0;
    r->n += n;
    if (grow(r, why))
        return -1;
    if (!r->soxr && n) {
        memcpy(r->y + r->made, x, n * sizeof *x);
        r->made += n;
    }
    for (size_t at = 0; r->soxr && at < n; at += PIECE)
        if (process(r, x + at, n - at < PIECE ? n - at : PIECE, why))
            return -1;
    return 0;
}

int ser_resample_end(struct ser_resampler *r, const float **y, size_t *m, const char **why) {
    errno = 0;
    if (grow(r, why) || (r->soxr && process(r, NULL, 0, why)))
        return -1;
    stop(r);
    *m = (size_t)fmax(0, length_of(r, r->n) - (double)r->taken);
    if (r->made < *m)
        memset(r->y + r->made, 0, (*m - r->made) * sizeof *r->y);
    *y = r->y;
    return 0;
}

void ser_resample_take(struct ser_resampler *r, const float **y, size_t *m) {
    *y = r->y;
    *m = r->made;
    r->taken += r->made;
    r->made = 0;
}

int ser_resample(struct ser_resampler *r, const float *x, size_t n, int from_hz, int to_hz,
                 const float **y, size_t *m, const char **why) {
    if (from_hz == to_hz) {
        *y = x;
        *m = n;
        return 0;
    }
    return ser_resample_begin(r, from_hz, to_hz, why) || ser_resample_feed(r, x, n, why)
               ? -1
               : ser_resample_end(r, y, m, why);
}
