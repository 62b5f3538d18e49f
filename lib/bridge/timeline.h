/* timeline.h - what is said of recordings over time: the rows of windows that ser-score prints of the
 * features of ser-mfcc --every.
 *
 *   struct ser_timelines l = {0};
 *   if (ser_timelines_read(&l, path, &e))
 *       ...
 *   for (size_t i = 0; i < l.n; i++)
 *       ... l.at[i].name, l.at[i].moment[0 .. l.at[i].n - 1]
 *   ser_timelines_free(&l);
 *
 * The table needs the columns id, predicted, start_s and end_s; p_CLASS for each class, speech and level_db
 * are read where they are there. The key RECORDING@SECONDS is of the recording RECORDING, any other key is of
 * the recording of that name. The rows of a recording stand together, in the order of their time.
 */
#ifndef SER_TIMELINE_H
#define SER_TIMELINE_H

#include "bridge/classes.h"
#include "core/set.h"

/* What a window has as attributes of its record, and as columns of its row: start_s, end_s, speech, level_db. */
enum { SER_WINDOW_ATTRS = 4 };
extern const char *const ser_window_attr[SER_WINDOW_ATTRS];

/* A window. */
struct ser_moment {
    double start_s, end_s;
    double level_db; /* NAN: unknown */
    const char
        *predicted; /* NULL: too little speech; else a text of the timelines', equal ones being
                              one pointer */
};

/* Those of one recording. */
struct ser_timeline {
    const char *name; /* of the recording */
    size_t n, cap;
    struct ser_moment *moment; /* [n] both start_s and end_s grow, or stay */
    float *p;                  /* [n, classes] probabilities; NULL: there are none */
    size_t p_cap;
};

struct ser_timelines { /* zeros: nothing read */
    size_t n, cap;
    struct ser_timeline *at;     /* [n] in the order of their first rows */
    struct ser_classes classes;  /* as every table has them; there may be none */
    struct ser_set names, texts; /* what the pointers point to: recordings, classes */
};

/* Reads a table (NULL, "-": standard input) into l, which is zeros or holds other tables' with the same
 * classes: what other models say of the same recordings, or of others. 0, or -1 with e set (SER_BAD: no such
 * table, a row whose times are no times or go back, a recording whose rows do not stand together) and l can
 * only be freed. */
int ser_timelines_read(struct ser_timelines *l, const char *path,
                       struct ser_error *e) SER_MUST_CHECK;

/* Adds a recording without rows, and a row, p being its probabilities [classes] or NULL. The new recording,
 * which moves when another is added, and 0; NULL and -1 without memory. */
struct ser_timeline *ser_timelines_add(struct ser_timelines *l, const char *name) SER_MUST_CHECK;
int ser_timeline_add(const struct ser_timelines *l, struct ser_timeline *t, struct ser_moment m,
                     const float *p) SER_MUST_CHECK;

/* The first recording of this name; NULL: there is none. */
const struct ser_timeline *ser_timelines_find(const struct ser_timelines *l, const char *name);

/* What part of the recording row i speaks for, in seconds: windows that overlap meet midway between their
 * centres. */
void ser_timeline_span(const struct ser_timeline *t, size_t i, double *from_s, double *to_s);

void ser_timelines_free(struct ser_timelines *l);

#endif
