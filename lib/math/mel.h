/* mel.h - the Slaney mel filter bank as librosa.filters.mel builds it. Pure. For mfcc.c and its
 * tests.
 *
 * The edges f[0..bands+1] lie evenly on the Slaney mel scale from fmin to fmax: one mel is 200/3 Hz
 * up to 1 kHz; above, 27 mels are a factor of 6.4. Band b is a triangle that rises from f[b] to
 * f[b+1] and falls to f[b+2], scaled by 2 / (f[b+2] - f[b]), so that all bands have the same area.
 */
#ifndef SER_MEL_H
#define SER_MEL_H

#include <stddef.h>

/* The weights of a band come in groups of this many bins; unused ones in the last group are 0. */
#define SER_MEL_GROUP 4

struct ser_mel_band {
    int first;     /* the FFT bin of the first weight */
    int groups;    /* groups of weights; 0 for a band that lies between two bins */
    float *weight; /* [groups * SER_MEL_GROUP]; points into weights below */
};

struct ser_mel {
    int bands;
    struct ser_mel_band *band; /* [bands] */
    float *weights;            /* those of all bands, one after the other; owned */
};

/* Builds the filters for spectra of window samples at rate_hz; 0 <= fmin_hz < fmax_hz <= rate_hz/2.
 * 0, or -1 without memory (nothing to free). */
int ser_mel_init(struct ser_mel *m, int rate_hz, int window, int bands, double fmin_hz,
                 double fmax_hz);
void ser_mel_free(struct ser_mel *m);

/* power [window/2 + 1] -> out [bands], the elements of out stride floats apart. Behind power there
 * must be SER_MEL_GROUP - 1 more finite numbers, which are read but get the weight 0. */
void ser_mel_apply(const struct ser_mel *m, const float *power, float *out, size_t stride);

#endif
