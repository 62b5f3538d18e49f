/* windows.h - sound without end to windows, which may overlap: of features, or of samples alone. Pure.
 *
 * Samples go in as they come, windows come out as soon as what they are made of is there. Memory depends
 * on the recipe and on the longest piece that is fed, not on the length of the sound: kept are the samples
 * of a window, and of each frame the mel powers, computed once (mfcc.h).
 *
 * Frames lie as in a recording: frame t is centred at sample t hop. Window w is the frames from w step on,
 * as many as the recipe has. It is of the samples from its first frame's centre up to its last one's,
 * (frames - 1) hop of them. They alone, as a recording, have just so many frames, and all of these are
 * those of the window bit for bit, but for the first and the last window/2 samples (frames with pitch: the
 * reach of yin.h): there the window's frames see the sound beside it, and the recording's see zeros.
 * What the recipe computes over frames is computed over those of the window: the floor of top_db, the
 * differences (up to 4 frames further in for each order), mean and deviation.
 *
 * Where the recipe trims, the window's samples are trimmed (trim.h), and what is left is made longer, to
 * whole hops; the frames from its beginning to its end are then padded as a recording is.
 *
 * What has fewer frames than a window as a whole makes one window, padded. Of longer sound, what lies
 * behind the last window, less than step hops, is in none.
 */
#ifndef SER_WINDOWS_H
#define SER_WINDOWS_H

#include "math/recipe.h"

#include <stddef.h>

struct ser_window {
    const float *x;     /* [rows, frames] the features; NULL: windows of samples alone */
    size_t full;        /* its frames before padding, 1..frames; 0: of samples alone */
    const float *sound; /* [samples]; this and x last until the next call */
    size_t samples;
    double start_s, end_s;
    double from_s; /* of its first frame: start_s, or later where it was trimmed */
    double
        speech; /* the share of its frames that is speech (speech.h), 0..1, of those of which it is
                      * known; -1: of none, or the rate is below 4 kHz */
    double level_db; /* mean square of its samples; a full square wave is 0, and the least -100 */
    int silent;      /* ser_is_silent */
};

/* r has frames >= 2; a window begins every step >= 1 frames. NULL without memory. As with mfcc.h, no two
 * threads may be in new or free at the same time. */
struct ser_windows;
struct ser_windows *ser_windows_new(const struct ser_recipe *r, size_t step);

/* For those who make something of their own of a window: length samples at rate_hz, every step of them; both
 * are at least 1. Sound shorter than a window makes one window. */
struct ser_windows *ser_windows_new_sound(int rate_hz, size_t length, size_t step);

void ser_windows_free(struct ser_windows *w);

/* Forgets what was fed, for another recording. */
void ser_windows_reset(struct ser_windows *w);

/* Takes x[n], finite samples at the recipe's rate. All windows must have been taken out before. 0, or -1
 * without memory. */
int ser_windows_feed(struct ser_windows *w, const float *x, size_t n);

/* No more samples come. */
void ser_windows_end(struct ser_windows *w);

/* The next window: 1; 0 if it needs more samples, or behind the last one; -1 without memory. Without any
 * samples there is none. */
int ser_windows_next(struct ser_windows *w, struct ser_window *out);

/* As ser_mfcc_empty_bands; there are features. */
int ser_windows_empty_bands(const struct ser_windows *w);

#endif
