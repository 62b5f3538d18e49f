/* trim.h - the silence at both ends of a recording. Pure; takes no memory, and never fails. */
#ifndef SER_TRIM_H
#define SER_TRIM_H

#include <stddef.h>

/* Where the sound is of x[n], n >= 1 finite samples: *count >= 1 of them from *from on.
 *
 * Source: librosa 0.11, effects.trim(y, top_db=db). Frames of 2048 samples are centred at every multiple of
 * 512, with zeros outside the recording. Sound is from the first to the last frame whose mean square is more
 * than that of the loudest less db decibels, db > 0, where no mean square counts as less than 1e-10; it
 * begins at the middle of the first frame and ends 512 samples behind that of the last. So silence as a
 * whole is kept. Beyond librosa, margin samples more are left on each side, as far as there are any. */
void ser_trim(const float *x, size_t n, double db, size_t margin, size_t *from, size_t *count);

#endif
