/* speech.h - speech or not: the probability of each frame, from power spectra as they come. Pure.
 *
 * What is measured of each frame, from 0 to 4 kHz, against a floor of noise tracked for each bin:
 *
 *   floor      the mean of the noise, updated as far as speech is unlikely: Gerkmann and Hendriks,
 *              "Unbiased MMSE-based noise power estimation with low complexity and low tracking
 *              delay", IEEE TASLP 20(4), 2012
 *   ratio      the mean of the logarithms of the likelihood ratio of speech and noise, the ratio of
 *              speech to noise decision-directed: Sohn, Kim and Sung, "A statistical model-based
 *              voice activity detection", IEEE Signal Processing Letters 6(1), 1999
 *   level      by how many decibels the floor is surpassed, in three ranges of frequency
 *   harmony    of all pitches from 70 to 486 Hz the most that the harmonics surpass what is midway
 *              between them: after the summation of harmonics of Hermes, JASA 83(1), 1988, and of
 *              their residuals of Drugman and Alwan, Interspeech 2011
 *   steadiness the share of the sound in bins whose level is as it was 93 ms ago, or as it will be
 *              then, and the mean change: tones last, where speech glides and changes. The change is
 *              the spectral flux of Scheirer and Slaney, "Construction and evaluation of a robust
 *              multifeature speech/music discriminator", ICASSP 1997. The harmony of the bins that
 *              do change is measured, too
 *   flatness   the geometric mean against the arithmetic: a click is flat
 *
 * A network of SER_SPEECH_UNITS units weighs them: those of the frame, and the means over some
 * frames before and behind it, which takes the place of a hang-over, and of a minimal duration;
 * and their means over the last seconds, which tell what the noise is like: how loud, how steady,
 * how harmonic.
 * Its weights are in speech-weights.h, whose head says how they were made.
 *
 * The spectra are those of mfcc.h's default recipe, in seconds: windows of 93 ms every 23 ms, at
 * any rate from 8 kHz. Where the features have others, the detector gets spectra of its own.
 */
#ifndef SER_SPEECH_H
#define SER_SPEECH_H

#include <stddef.h>

/* The probability of a frame is known when so many more frames are there: 186 ms. */
#define SER_SPEECH_LATENCY 8

/* A frame with this probability or more is speech: as many sounds that are none pass as with other
 * detectors, and fewer frames of speech are missed (tests/bench/README.md). */
#define SER_SPEECH_THRESHOLD 0.8f

/* A window of which a smaller share is speech is answered with no emotion, unless another share is asked for. */
#define SER_MIN_SPEECH 0.3

/* The network's shape. */
enum {
    SER_SPEECH_MEASURES = 9,
    SER_SPEECH_PLACES = 5,
    SER_SPEECH_PASTS = 2,
    SER_SPEECH_INPUTS = SER_SPEECH_MEASURES * (SER_SPEECH_PLACES + SER_SPEECH_PASTS),
    SER_SPEECH_UNITS = 16
};

/* 1 if spectra of window samples every hop samples at rate_hz will do: the window is 80 to 108 ms,
 * the hop 20 to 27 ms, the rate at least 4000 Hz (below 8000 Hz speech is missed more often). */
int ser_speech_takes(int rate_hz, int window, int hop);

/* The window (even) and hop in samples to take at rate_hz where those of the features will not
 * do. */
void ser_speech_frames(int rate_hz, int *window, int *hop);

/* What is known of one stream of frames; its size depends on the window alone. ser_speech_takes
 * must be true. NULL without memory. */
struct ser_speech;
struct ser_speech *ser_speech_new(int rate_hz, int window);
void ser_speech_free(struct ser_speech *s);

/* Forgets what was heard, for another stream. */
void ser_speech_reset(struct ser_speech *s);

/* Takes the power spectrum [window/2 + 1] of the next frame, |FFT|^2 of samples from -1 to 1 times
 * a Hann window, as ser_spectrum_power has it, finite. 1, and *p is the probability of the frame
 * SER_SPEECH_LATENCY frames ago; 0 while there is none. */
int ser_speech_next(struct ser_speech *s, const float *power, float *p);

/* Behind the last frame: 1, and *p is the probability of the first frame that has none yet; 0 when
 * all have theirs. What is behind the end counts as silence. */
int ser_speech_end(struct ser_speech *s, float *p);

/* What the network was given for the last probability, [SER_SPEECH_INPUTS], for fitting its
 * weights. */
const float *ser_speech_inputs(const struct ser_speech *s);

#endif
