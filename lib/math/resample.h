/* resample.h - any rate to any rate with libsoxr's HQ recipe, the one librosa uses. Pure.
 *
 * The result has ceil(n * to / from) samples, as librosa's resample makes it: the few that soxr may
 * leave out at the end are zeros. The bytes are soxr's for the whole clip in one piece.
 */
#ifndef SER_RESAMPLE_H
#define SER_RESAMPLE_H

#include <stddef.h>

/* Memory that is used again from clip to clip; one per thread. No soxr resampler is kept:
 * soxr_clear (0.1.3) builds everything anew, as creating does, so keeping one would save nothing.
 * Creating takes 0.05 ms of the 0.65 ms of a clip. NULL when out of memory. */
struct ser_resampler;
struct ser_resampler *ser_resampler_new(void);
void ser_resampler_free(struct ser_resampler *r);

/* Outside of these rates soxr may take forever. */
#define SER_RESAMPLE_MIN_HZ 1000
#define SER_RESAMPLE_MAX_HZ 768000

/* x[n] at from_hz -> *y [*m] at to_hz. *y belongs to r (or is x itself when the rates agree) and
 * lasts until the next call. 0, or -1 with *why set to a static text; errno is ENOMEM if memory ran
 * out, else 0. */
int ser_resample(struct ser_resampler *r, const float *x, size_t n, int from_hz, int to_hz,
                 const float **y, size_t *m, const char **why);

/* The same, to the byte, for a clip that comes in pieces of any size: begin, feed each, end. After
 * a failure, and for a clip that is given up, the next begin starts anew. */
int ser_resample_begin(struct ser_resampler *r, int from_hz, int to_hz, const char **why);
int ser_resample_feed(struct ser_resampler *r, const float *x, size_t n, const char **why);
int ser_resample_end(struct ser_resampler *r, const float **y, size_t *m, const char **why);

#endif
