/* mel.h - the Slaney mel filter bank as librosa.filters.mel builds it. Pure. For mfcc.c and its
 * tests.
 *
 * Edges f[0..bands+1] lie evenly on the Slaney mel scale from fmin to fmax: 200/3 Hz a mel up to 1
 * kHz, above it a factor of 6.4 every 27 mels. Band b rises from f[b] to f[b+1], falls to f[b+2],
 * and is scaled by 2 / (f[b+2] - f[b]), so that all have the same area.
 */
#ifndef SER_MEL_H
#define SER_MEL_H

#include <stddef.h>

/* Weights come in groups of so many bins; what a band does not need of its last group is zero. */
#define SER_MEL_GROUP 4

struct ser_mel_band {
    int first;     /* bin of the first weight */
    int groups;    /* 0 for a band that falls between two bins */
    float *weight; /* [groups * SER_MEL_GROUP] */
};

struct ser_mel {
    int bands;
    struct ser_mel_band *band; /* [bands] */
    float *weights;            /* of all bands, one after the other */
};

/* 0 <= fmin < fmax <= rate/2. 0, or -1 when out of memory (nothing to free). */
int ser_mel_init(struct ser_mel *m, int rate_hz, int window, int bands, double fmin_hz,
                 double fmax_hz);
void ser_mel_free(struct ser_mel *m);

/* power [window/2 + 1 and SER_MEL_GROUP - 1 finite numbers more] -> out [bands], stride apart. */
void ser_mel_apply(const struct ser_mel *m, const float *power, float *out, size_t stride);

#endif
