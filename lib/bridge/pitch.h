/* pitch.h - speech higher or lower at the same tempo. Bridge: uses the core.
 *
 * SoX's tempo effect (WSOLA: pieces are moved to where they continue one another best, and
 * cross-faded) makes it slower at the same pitch; libsoxr then makes it as fast as before, and so
 * higher. Formants move with the voice, as librosa's pitch_shift moves them.
 *
 * libsox keeps state in global variables and may end the process, so it runs in a child of its own,
 * which serves one caller; callers on several threads have one each.
 */
#ifndef SER_PITCH_H
#define SER_PITCH_H

#include "core/core.h"
#include "math/resample.h"

#define SER_PITCH_MAX 24 /* semitones either way */

struct ser_pitch {
    int fd; /* a socket to the child */
    int pid;
    struct ser_resampler *resampler;
    float *slow; /* [cap] */
    size_t cap;
};

/* Starts the child; before any thread, since it forks. 0, or -1 with e set (nothing to stop). */
int ser_pitch_start(struct ser_pitch *p, struct ser_error *e) SER_MUST_CHECK;

/* x[n] at rate_hz -> y[n], higher by so many semitones, -SER_PITCH_MAX..SER_PITCH_MAX; 0 copies. A
 * tone's frequency is right to half a hertz in rate_hz. Full scale is not a limit. The same in
 * gives the same out, whatever went before. rate_hz * 4 and rate_hz / 4 are rates that ser_resample
 * takes. 0, or -1 with e set (SER_SYS: SoX failed; SER_BAD: the resampler did); name is for the
 * message. */
int ser_pitch_run(struct ser_pitch *p, const float *x, size_t n, int rate_hz, int semitones,
                  float *y, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* Ends the child, waits for it, and frees. */
void ser_pitch_stop(struct ser_pitch *p);

#endif
