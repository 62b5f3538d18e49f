/* resample.h - any rate to any rate with libsoxr's HQ recipe, the one librosa uses. Pure.
 *
 * The result is ceil(n * to / from) samples long, as librosa's resample makes it (the few samples
 * that soxr may leave out at the end are zeros).
 */
#ifndef SER_RESAMPLE_H
#define SER_RESAMPLE_H

#include <stddef.h>

/* Keeps one soxr resampler per pair of rates in use and clears it between clips: 0.5 ms instead of
 * 0.9 ms a clip, and the same bytes. One per thread. NULL when out of memory. */
struct ser_resampler;
struct ser_resampler *ser_resampler_new(void);
void ser_resampler_free(struct ser_resampler *r);

/* x[n] at from_hz -> *y [*m] at to_hz. Rates are 1..768000 Hz. *y belongs to r (or is x itself when
 * the rates agree) and lasts until the next call. 0, or -1 with *why set to a static text. */
int ser_resample(struct ser_resampler *r, const float *x, size_t n, int from_hz, int to_hz,
                 const float **y, size_t *m, const char **why);

#endif
