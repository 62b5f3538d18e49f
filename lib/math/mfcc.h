/* mfcc.h - audio to features, as librosa 0.11 computes them. Pure: arrays in, arrays out.
 *
 * Every formula is librosa's (feature/spectral.py, filters.py, core/spectrum.py of release 0.11):
 *
 *   frames   1 + floor(n / hop); frame t is centred at sample t hop, with zeros outside the clip
 *            (pad_mode "constant")
 *   window   periodic Hann, w[i] = 0.5 - 0.5 cos(2 pi i / window)
 *   power    |STFT|^2
 *   mel      Slaney scale (66.67 Hz a mel to 1 kHz, then logarithmic, step ln 6.4 / 27), triangles
 *            with area norm 2 / (f[i+2] - f[i])
 *   decibel  10 log10(max(1e-10, S)), and at least the clip's largest value - top_db
 *   mfcc     orthonormal DCT-II over the bands, of which the first coefs are kept
 *   delta    Savitzky-Golay filter over 9 frames, order 1 and 2, interpolated at the edges (scipy's
 *            savgol_filter), before padding and cutting; with fewer than 9 frames, which librosa
 *            refuses, one polynomial is fitted to all of them
 *
 *   energy   10 log10(max(1e-10, mean square of the window's samples)), no weights; at least the
 *            loudest frame's value - top_db
 *   f0       semitones above 27.5 Hz, 12 log2(F0 / 27.5), as openSMILE's GeMAPS has it: 12 to 60 for
 *            the range of yin.h. 0 marks frames without voice: those whose voicing is not above
 *            SER_VOICED, or that are not above the loudest less SER_VOICED_DB
 *   voicing  0..1, of yin.h
 *   padding  zeros, or what a frame without any power holds: log-mel bands at the floor, of the
 *            coefficients the first alone, energy at the floor, no voice
 *   norm     by utterance: each row by its own mean and deviation over the frames that are kept and
 *            are no padding (moments.h). Padding of zeros stays zero, which then is the mean; the
 *            floor is normalised with the frames
 *
 * The recipe's trimming is not done here, but by the caller before (trim.h), and normalising by
 * speaker, corpus or all not either.
 *
 * All is computed in single precision. On the reference recordings no coefficient differs by more
 * than 3e-4 from librosa's. Results are finite for finite samples.
 */
#ifndef SER_MFCC_H
#define SER_MFCC_H

#include "math/recipe.h"

#include <stddef.h>

/* Where a frame has a voice; both found by comparison with Praat on RAVDESS and EmoDB. */
#define SER_VOICED    0.5
#define SER_VOICED_DB 30

/* Plans, tables and memory for one recipe, which must pass ser_recipe_check; each thread needs its
 * own. NULL without memory. FFTW's planner is not thread-safe: no two threads may be in new or free
 * at the same time. */
struct ser_mfcc;
struct ser_mfcc *ser_mfcc_new(const struct ser_recipe *r);
void ser_mfcc_free(struct ser_mfcc *m);

/* How many of the recipe's mel bands are narrower than the spectrum is fine and lie between two of
 * its bins: they hold no power, whatever the sound. */
int ser_mfcc_empty_bands(const struct ser_mfcc *m);

/* x[n], n >= 1 finite mono samples at the recipe's rate_hz -> *out [rows, *T]: rows is
 * ser_recipe_rows; *T is the recipe's frames, or 1 + n/hop where that is 0. *full is the number of
 * frames before padding or cutting. *out belongs to m and lasts until the next call. 0, or -1
 * without memory. */
int ser_mfcc_run(struct ser_mfcc *m, const float *x, size_t n, const float **out, size_t *T,
                 size_t *full);

/* ---- frame by frame, for sound that comes in pieces or has no end ----
 *
 * What run does of a recording in one call, in two steps: each frame by itself, once, then any row of
 * frames together. run of all frames of a recording, and frame of each and join of all, are the same. */

/* How many numbers are kept of a frame; and how many samples before and behind its middle it is
 * made of, at most. */
size_t ser_mfcc_kept(const struct ser_mfcc *m);
size_t ser_mfcc_reach(const struct ser_mfcc *m);

/* The frame around sample at of x[n], with zeros outside: what is kept of it -> kept
 * [ser_mfcc_kept]. Returns its power spectrum [window/2 + 1], which lasts until the next call. */
const float *ser_mfcc_frame(struct ser_mfcc *m, const float *x, size_t n, size_t at, float *kept);

/* The features of n >= 1 frames as if they were a recording: frame i is what was kept at kept[i].
 * *out and *T as run has them. 0, or -1 without memory. */
int ser_mfcc_join(struct ser_mfcc *m, const float *const *kept, size_t n, const float **out,
                  size_t *T);

/* Only the mel power spectrogram, *out [bands, *T], for tests; otherwise the same. */
int ser_mfcc_mel(struct ser_mfcc *m, const float *x, size_t n, const float **out, size_t *T);

#endif
