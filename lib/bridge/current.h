/* current.h - what is to be shown of predictions while they come: of each row of a table that ser-score writes
 * the emotion, smoothed or held if that is wanted, and what emotion reigned when, for as long back as is kept.
 *
 *   struct ser_current c = {.smooth_s = 2, .hold = 1};
 *   if (ser_tsv_open(&t, path, &e) || ser_current_begin(&c, &t, &e))
 *       ...
 *   while ((got = ser_tsv_next(&t, &e)) > 0 && !ser_current_row(&c, &e))
 *       printf("%s\n", c.talks ? c.classes.name[c.emotion] : "no speech");
 *   ser_current_free(&c);
 *
 * The table has the columns id, predicted and p_CLASS for each class; confidence, start_s, end_s, speech and
 * level_db are used where they are there. predicted is - where there is no speech. A row without end_s counts
 * as a second. Where time goes back, or what of the id stands before an @ changes, another recording begins, and
 * nothing of the last one is kept.
 */
#ifndef SER_CURRENT_H
#define SER_CURRENT_H

#include "bridge/classes.h"

enum { SER_CURRENT_SPELLS = 1 << 13 };

/* An emotion, a class, that reigned from one time to another; -1: no speech. */
struct ser_spell {
    double from_s, to_s;
    int emotion;
};

struct ser_current { /* zeros but for the first two */
    double
        smooth_s; /* probabilities are smoothed exponentially, over speech alone: what is so old counts for
                      * 1/e; the emotion is then the most probable one. 0: they stay as they are */
    int hold; /* 1: another emotion is shown only if it is more probable than the one shown by a clear margin */

    const struct ser_tsv *t;
    int id, predicted, confidence, start, end, speech, level; /* columns; -1: there is none */
    struct ser_classes classes;

    /* The last row, and what became of it. */
    double raw[SER_MAX_CLASSES]; /* probabilities of the row */
    double p[SER_MAX_CLASSES];   /* smoothed: of the last speech */
    int begun, talks;            /* there was speech; the last row is speech */
    int emotion;                 /* what is shown; -1: nothing yet */
    double time_s, level_db;     /* the row's end; its level, NAN: unknown */
    char source[256];            /* what of its id stands before the time */

    struct ser_spell *spell; /* number i of those ever written, at i % SER_CURRENT_SPELLS */
    size_t spells;           /* ever written */
};

/* Finds the columns of a table that is open and stays the caller's. 0, or -1 with e set: SER_BAD without those
 * that are needed. Free c either way. */
int ser_current_begin(struct ser_current *c, const struct ser_tsv *t,
                      struct ser_error *e) SER_MUST_CHECK;

/* Takes in the table's last row. 0, or -1 with e set (SER_BAD), which names the row. */
int ser_current_row(struct ser_current *c, struct ser_error *e) SER_MUST_CHECK;

/* A number from min to max in a column of the last row; NAN: there is no such column (-1), or - in it. 0, or -1
 * with e set. */
int ser_current_number(const struct ser_current *c, int column, double min, double max, double *to,
                       struct ser_error *e) SER_MUST_CHECK;

void ser_current_free(struct ser_current *c);

#endif
