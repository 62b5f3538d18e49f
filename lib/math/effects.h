/* effects.h - what is done to speech to make more of it: noise and time shift. Pure; nothing fails
 * but what is said, no memory is taken.
 *
 * Sounds are float [n], full scale -1..1. Nothing is limited to full scale: what noise takes beyond
 * it stays there. x and y do not overlap.
 */
#ifndef SER_EFFECTS_H
#define SER_EFFECTS_H

#include "math/rng.h"

/* Fills z[n] with standard normal numbers in single precision (Box-Muller): number i is a function
 * of key and i alone, and has the same bytes on every machine. |z| < 5.8. Ten times faster than
 * ser_normal. Uses counters with a high word of 1, so that ser_uniform draws others. */
void ser_normals(struct ser_key key, size_t n, float *z);

/* y = x + amplitude * noise, noise of standard deviation 1. */
void ser_noise(struct ser_key key, double amplitude, const float *x, size_t n, float *y);

/* y = x + noise whose power is snr_db below that of x, both measured over the whole sound. 0, or -1
 * if x is silent: there is no such ratio then. */
int ser_noise_snr(struct ser_key key, double snr_db, const float *x, size_t n, float *y);

/* y[i] = x[i - by], zeros where x has nothing: later for by > 0, earlier for by < 0. */
void ser_shift(const float *x, size_t n, int64_t by, float *y);

/* The sum of squares. */
double ser_energy(const float *x, size_t n);

#endif
