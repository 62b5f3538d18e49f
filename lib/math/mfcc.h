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

#include <stddef.h>

enum ser_feature_type { SER_MFCC, SER_LOGMEL };

/* The limits of a recipe, each said here alone. */
enum {
    SER_MIN_RATE_HZ = 1000,
    SER_MAX_RATE_HZ = 384000,
    SER_MIN_WINDOW = 16,
    SER_MAX_WINDOW = 65536,
    SER_MAX_BANDS = 1024,
    SER_MAX_TOP_DB = 1000,
    SER_MAX_FRAMES = 65536,
    SER_MAX_DELTAS = 2,
};

/* What is computed: the recipe. It travels as feat.* in every features and model stream. */
struct ser_recipe {
    enum ser_feature_type type;
    int rate_hz;             /* SER_MIN_RATE_HZ..SER_MAX_RATE_HZ; audio is resampled to it */
    int window;              /* FFT and window length in samples, even, up to SER_MAX_WINDOW */
    int hop;                 /* samples, 1..window */
    int bands;               /* mel bands, 1..SER_MAX_BANDS */
    int coefs;               /* rows kept of the DCT, 1..bands; for SER_LOGMEL equal to bands */
    double fmin_hz, fmax_hz; /* 0 <= fmin < fmax <= rate/2; fmax 0 means rate/2 */
    double top_db;           /* floor below the loudest, up to SER_MAX_TOP_DB; 0: no floor */
    int frames;              /* pad with zeros or cut to so many; 0: all there are */
    int deltas;              /* 0, 1 (append first), 2 (append first and second differences) */
};

/* librosa's defaults with 40 coefficients and the notebook's 174 frames. */
#define SER_RECIPE_DEFAULT                                                                         \
    { SER_MFCC, 22050, 2048, 512, 128, 40, 0, 0, 80, 174, 0 }

/* 0 if r can be computed; else -1, and why names a field as ser-mfcc's option, its value and what
 * is wrong: "hop 4096: not in 1..window, which is 2048". */
enum { SER_RECIPE_WHY = 128 };
int ser_recipe_check(const struct ser_recipe *r, char why[SER_RECIPE_WHY]);

/* Rows of the result: coefs (or bands), times 1 + deltas. */
int ser_recipe_rows(const struct ser_recipe *r);

/* Plans, tables and scratch for one recipe; one per thread. NULL when out of memory. The plan is
 * made on a thread of its own while the caller reads its first recording (see spectrum.h). */
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
