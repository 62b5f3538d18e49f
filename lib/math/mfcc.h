/* mfcc.h - audio to features, as librosa 0.11 computes them. Pure: arrays in, arrays out.
 *
 * Every formula is librosa's (feature/spectral.py, filters.py, core/spectrum.py of release 0.11):
 *   frames   1 + floor(n / hop), centred: window/2 zeros on each side (pad_mode "constant")
 *   window   periodic Hann, w[i] = 0.5 - 0.5 cos(2 pi i / window)
 *   power    |STFT|^2
 *   mel      Slaney scale (66.67 Hz a mel to 1 kHz, then logarithmic, step ln 6.4 / 27), triangles
 *            with area norm 2 / (f[i+2] - f[i])
 *   decibel  10 log10(max(1e-10, S)), then not below the clip's largest value - top_db
 *   mfcc     DCT-II, orthonormal over the bands, the first coefs of them
 *   delta    Savitzky-Golay, window 9, order 1 and 2, edges by interpolation (scipy savgol_filter),
 *            before padding and cutting; at fewer than 9 frames, which librosa refuses, one
 *            polynomial is fitted to all of them
 *
 * All of it is in single precision. On the reference recordings no coefficient is more than 3e-4
 * from librosa's. Results are finite for finite samples.
 */
#ifndef SER_MFCC_H
#define SER_MFCC_H

#include "math/recipe.h"

#include <stddef.h>

/* Plans, tables and scratch for one recipe; one per thread. NULL when out of memory. FFTW's planner
 * is not thread-safe: calls of new and free, of all threads, come one after the other. */
struct ser_mfcc;
struct ser_mfcc *ser_mfcc_new(const struct ser_recipe *r);
void ser_mfcc_free(struct ser_mfcc *m);

/* n >= 1 finite mono samples at rate_hz -> out [rows, T], T = frames, or 1 + n/hop when frames is
 * 0. *out belongs to m and lasts until the next call; *T and *full get the frames of out and the
 * frames before padding or cutting. 0, or -1 when out of memory. */
int ser_mfcc_run(struct ser_mfcc *m, const float *x, size_t n, const float **out, size_t *T,
                 size_t *full);

/* The mel power spectrogram alone, [bands, *T], for tests. Same ownership. */
int ser_mfcc_mel(struct ser_mfcc *m, const float *x, size_t n, const float **out, size_t *T);

#endif
