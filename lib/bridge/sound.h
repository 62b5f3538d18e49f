/* sound.h - a recording's samples as they come, at a wanted rate, in constant memory: for sound that is long,
 * or has no end.
 *
 * From a pipe, WAV and AU without compression, FLAC, Ogg, MPEG audio and raw samples are handed out as soon as they are
 * there. Other formats can be decoded only where the input can be read at any place; what comes of a pipe is then read
 * whole first. A regular file is decoded piece by piece, whatever its format.
 */
#ifndef SER_SOUND_H
#define SER_SOUND_H

#include "bridge/pcm.h"

/* Hands out sound at rate_hz. raw: what files and pipes hold, where there is no header; NULL: files of any
 * format. NULL without memory. */
struct ser_sound;
struct ser_sound *ser_sound_new(int rate_hz, const struct ser_pcm *raw);
void ser_sound_free(struct ser_sound *s);

/* Each of these begins another recording, from its first sample on: the file at path; what is left of in,
 * which stays the caller's; x[n] at from_hz, which stay the caller's. path must live until the next. 0, or -1
 * with e set. */
int ser_sound_path(struct ser_sound *s, const char *path, struct ser_error *e) SER_MUST_CHECK;
int ser_sound_in(struct ser_sound *s, struct ser_in *in, struct ser_error *e) SER_MUST_CHECK;
void ser_sound_samples(struct ser_sound *s, const float *x, size_t n, int from_hz,
                       const char *name);

/* Before the first sample: 1 if the recording's format must be read whole for it. */
int ser_sound_waits(struct ser_sound *s);

/* The next samples *x [*n], finite, which last until the next call; *n may be 0. 1; 0 at the end; -1 with e
 * set as in audio.h. */
int ser_sound_next(struct ser_sound *s, const float **x, size_t *n,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
