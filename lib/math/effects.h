/* effects.h - changes to speech that make more training data of it: noise and time shift. Pure;
 * takes no memory, and fails only where that is stated.
 *
 * Sounds are float [n], full scale -1..1. Samples beyond full scale are not clipped. x and y do not
 * overlap.
 */
#ifndef SER_EFFECTS_H
#define SER_EFFECTS_H

#include "math/rng.h"

/* Fills z[n] with standard normal numbers in single precision (Box-Muller), |z| < 5.8. Number i
 * depends only on key and i, and has the same bytes on every machine. Ten times faster than
 * ser_normal. The Philox counters have a high word of 1, so ser_uniform uses other ones. */
void ser_normals(struct ser_key key, size_t n, float *z);

/* y = x + amplitude * z, with z of ser_normals: white noise with standard deviation amplitude. */
void ser_noise(struct ser_key key, double amplitude, const float *x, size_t n, float *y);

/* y = x + white noise, whose power is snr_db decibels below that of x around its mean, both measured
 * over all n samples: an offset is no sound. 0, or -1 if x is constant, which is silence and has no
 * signal-to-noise ratio. */
int ser_noise_snr(struct ser_key key, double snr_db, const float *x, size_t n, float *y);

/* y[i] = x[i - by], and 0 where x has no such sample: later for by > 0, earlier for by < 0. */
void ser_shift(const float *x, size_t n, int64_t by, float *y);

/* The sum of the squares of x[n]. */
double ser_energy(const float *x, size_t n);

/* What is silence, for every tool: no sample is as far from the mean of all as this, which is -60 dBFS. */
#define SER_SILENCE 1e-3

/* 1 if x[n], n >= 1, is silence in this sense, else 0: a constant is, whatever its level. */
int ser_is_silent(const float *x, size_t n);

#endif
