/* follow.h - follows a recording from its beginning to its end, in constant memory but for the rows: its waveform in
 * little, and what a model makes of windows of it, as ser-mfcc --like MODEL --every S | ser-score MODEL says.
 */
#ifndef SER_FOLLOW_H
#define SER_FOLLOW_H

#include "bridge/timeline.h"

/* The waveform in columns: each is of per samples, the last one of what is left. */
enum { SER_WAVE_COLUMNS = 2000 };
struct ser_wave {
    int rate_hz;
    size_t samples, per, columns;
    float least[SER_WAVE_COLUMNS], most[SER_WAVE_COLUMNS]; /* [columns] samples, full scale is 1 */
};

/* Hears the recording at path (NULL, "-": standard input). model: its rows are added to l, which is zeros, as
 * those of a recording of this name, a window every every_s seconds, rounded to whole hops; NULL: the waveform
 * is all. 0, or -1 with e set; l is to be freed either way. */
int ser_follow(const char *path, const char *model, double every_s, struct ser_wave *wave,
               struct ser_timelines *l, struct ser_error *e) SER_MUST_CHECK;

#endif
