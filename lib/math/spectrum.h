/* spectrum.h - power spectra of frames, with a Hann window. Pure. For mfcc.c and its tests. */
#ifndef SER_SPECTRUM_H
#define SER_SPECTRUM_H

#include <stddef.h>

/* FFT plan, window and memory; each thread needs its own. window is the length in samples, even,
 * 16..65536. NULL without memory. In FFTW only the execution of plans is thread-safe: no two
 * threads may be in new or free at the same time. */
struct ser_spectrum;
struct ser_spectrum *ser_spectrum_new(int window);
void ser_spectrum_free(struct ser_spectrum *s);

#define SER_SPECTRUM_PAD 8 /* zeros behind a power spectrum, for code that reads whole vectors */

/* The power spectrum |FFT|^2 of the samples x[at - window/2 .. at + window/2 - 1], times the
 * periodic Hann window; samples outside x[n] are 0. Returns [window/2 + 1] numbers and
 * SER_SPECTRUM_PAD zeros behind them, which belong to s and last until the next call. */
const float *ser_spectrum_power(struct ser_spectrum *s, const float *x, size_t n, size_t at);

#endif
