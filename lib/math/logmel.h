/* logmel.h - the log-mel spectrum that Whisper's encoders hear. Pure: arrays in, arrays out.
 *
 * Every formula is that of OpenAI's whisper/audio.py (release 20250625); it is not that of mfcc.h:
 *
 *   samples  mono, 16 kHz, full scale -1..1, with zeros behind them up to a length that the caller
 *            sets; 200 more at both ends mirror what is beside them, the edge not repeated
 *   frames   floor(length / 160), each 400 samples around sample 160 i; a last one is dropped
 *   window   periodic Hann, w[i] = 0.5 - 0.5 cos(2 pi i / 400)
 *   power    |DFT|^2 of exactly 400 points: 201 bins, 40 Hz apart
 *   mel      Slaney scale from 0 to 8 kHz, triangles of equal area (mel.h)
 *   value    v = log10(max(1e-10, mel)), at least the largest of all frames and bands - 8;
 *            then (v + 4) / 4: silence is -1.5 everywhere
 *
 * All is computed in double precision, in a fixed order: the same bytes on every machine, and however
 * the frames are shared out.
 */
#ifndef SER_LOGMEL_H
#define SER_LOGMEL_H

#include <stddef.h>

enum { SER_LOGMEL_RATE_HZ = 16000, SER_LOGMEL_HOP = 160, SER_LOGMEL_WINDOW = 400 };

/* Tables for so many bands; never changed, so that threads may share them. NULL without memory. */
struct ser_logmel;
struct ser_logmel *ser_logmel_new(int bands);
void ser_logmel_free(struct ser_logmel *l);

/* The frames of a length in samples, zeros included. */
size_t ser_logmel_frames(size_t length);

/* x [n], with zeros behind it up to length > SER_LOGMEL_WINDOW / 2 samples -> v [count,bands], the
 * logarithms of the frames first..first + count - 1, neither clamped nor shifted. */
void ser_logmel_part(const struct ser_logmel *l, const float *x, size_t n, size_t length,
                     size_t first, size_t count, double *v);

/* v [n], the logarithms of all frames -> y [n]: clamped and shifted. */
void ser_logmel_finish(const double *v, size_t n, float *y);

#endif
