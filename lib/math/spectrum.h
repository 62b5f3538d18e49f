/* spectrum.h - power spectra of frames, Hann window. Pure. For mfcc.c and its tests. */
#ifndef SER_SPECTRUM_H
#define SER_SPECTRUM_H

#include <stddef.h>

/* FFT plan, window and scratch; one per thread. window is even, 16..65536. NULL when out of memory.
 * FFTW's planner is not thread-safe (nor is any other part of FFTW but its execution): calls of new
 * and free, of all threads, come one after the other. */
struct ser_spectrum;
struct ser_spectrum *ser_spectrum_new(int window);
void ser_spectrum_free(struct ser_spectrum *s);

#define SER_SPECTRUM_PAD 8

/* |FFT|^2 of the window samples x[at - window/2 ... at + window/2 - 1] of x[n], where what lies
 * outside of x is zero, times the periodic Hann window. Returns power [window/2 + 1] and
 * SER_SPECTRUM_PAD zeros behind it; it belongs to s and lasts until the next call. */
const float *ser_spectrum_power(struct ser_spectrum *s, const float *x, size_t n, size_t at);

#endif
