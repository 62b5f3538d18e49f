/* pitch.h - raises or lowers the pitch of speech and keeps its tempo. Bridge: uses the core.
 *
 * To raise the pitch, SoX's tempo effect makes the speech slower at the same pitch, and libsoxr
 * then makes it as fast as before and thereby higher. The tempo effect is WSOLA (Verhelst and
 * Roelands, ICASSP 1993): pieces of the waveform are moved to where they continue one another best,
 * and cross-faded. Formants move with the pitch, as with librosa's pitch_shift.
 *
 * libsox keeps state in global variables and may end the process. So it runs in a child process,
 * which serves one struct ser_pitch; each thread needs its own.
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
    float *slow; /* [cap] the speech after the tempo effect; owned */
    size_t cap;
};

/* Starts the child process. Call it before any thread is started, since it forks. 0, or -1 with e
 * set (nothing to stop). */
int ser_pitch_start(struct ser_pitch *p, struct ser_error *e) SER_MUST_CHECK;

/* x[n] at rate_hz -> y[n], raised by semitones, -SER_PITCH_MAX..SER_PITCH_MAX; 0 copies x. The
 * relative error of a tone's frequency is at most 0.5 / rate_hz. Samples may be beyond full scale.
 * y depends only on the arguments, not on earlier calls. rate_hz * 4 and rate_hz / 4 must be rates
 * that ser_resample accepts. 0, or -1 with e set: SER_SYS if SoX failed, SER_BAD if the resampler
 * did. name is for the message. */
int ser_pitch_run(struct ser_pitch *p, const float *x, size_t n, int rate_hz, int semitones,
                  float *y, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* Ends the child process, waits for it, and frees. */
void ser_pitch_stop(struct ser_pitch *p);

#endif
