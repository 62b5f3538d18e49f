/* resample.h - converts any rate to any other with libsoxr's quality HQ, which librosa uses. Pure.
 *
 * The result has ceil(n * to_hz / from_hz) samples, like that of librosa's resample; the few
 * samples that soxr may leave out at the end are zeros. The values are those that soxr gives for
 * the whole clip in one piece.
 */
#ifndef SER_RESAMPLE_H
#define SER_RESAMPLE_H

#include <stddef.h>

/* Memory that is reused from clip to clip; each thread needs its own. NULL without memory. The soxr
 * resampler itself is created for each clip, which takes 0.05 ms of the 0.65 ms of a clip: keeping
 * it would save nothing, since soxr_clear (0.1.3) builds everything anew, too. */
struct ser_resampler;
struct ser_resampler *ser_resampler_new(void);
void ser_resampler_free(struct ser_resampler *r);

/* Rates outside these limits are refused: soxr may take very long there. */
#define SER_RESAMPLE_MIN_HZ 1000
#define SER_RESAMPLE_MAX_HZ 768000

/* x[n] at from_hz -> *y [*m] at to_hz. *y belongs to r (or is x itself if the rates are equal) and
 * lasts until the next call. 0, or -1 with *why set to a static text; errno is then ENOMEM if
 * memory ran out, else 0. */
int ser_resample(struct ser_resampler *r, const float *x, size_t n, int from_hz, int to_hz,
                 const float **y, size_t *m, const char **why);

/* The same, with the same bytes, for a clip that comes in pieces of any size: begin, feed each
 * piece, end. After a failure, or to give a clip up, call begin for the next clip. */
int ser_resample_begin(struct ser_resampler *r, int from_hz, int to_hz, const char **why);
int ser_resample_feed(struct ser_resampler *r, const float *x, size_t n, const char **why);
int ser_resample_end(struct ser_resampler *r, const float **y, size_t *m, const char **why);

/* Between begin and end: takes what was made since begin or the last take, *y [*m], out of r. It lasts
 * until the next call, and end gives the rest alone. So a clip without end needs no more memory. */
void ser_resample_take(struct ser_resampler *r, const float **y, size_t *m);

#endif
