/* overtime.h - how good predictions over time are: rows of windows (timeline.h) beside a table that tells what
 * is when.
 *
 *   struct ser_truth truth = {0};
 *   struct ser_overtime o;
 *   if (ser_truth_read(&truth, path, &e) || ser_overtime_judge(&o, &truth, &rows, draws, seed, &e))
 *       ...
 *   printf("%.4f\n", o.scores.wa);
 *   ser_overtime_free(&o);
 *   ser_truth_free(&truth);
 *
 * The table of truth has the columns id, start_s, end_s and emotion, and may have speaker: a row for each
 * stretch in which one emotion is to be heard, in the order of time, none over another, those of a recording
 * together. The emotion - is speech of an emotion that nobody knows. What lies in no row is no speech.
 */
#ifndef SER_OVERTIME_H
#define SER_OVERTIME_H

#include "bridge/evaluation.h"
#include "bridge/timeline.h"

/* A stretch of a recording. */
struct ser_stretch {
    double start_s, end_s;
    const char *emotion; /* NULL: unknown */
};

struct ser_truth_recording {
    const char *name, *speaker; /* speaker: the recording's name where there is no such column */
    size_t n, cap;
    struct ser_stretch *at; /* [n] */
};

struct ser_truth {
    size_t n, cap;
    struct ser_truth_recording *at; /* [n] in the table's order */
    struct ser_set names, texts;    /* what the pointers point to */
};

/* Reads a table (NULL, "-": standard input) into t, which is zeros or holds other tables' recordings, which are
 * others. 0, or -1 with e set, and t can only be freed. */
int ser_truth_read(struct ser_truth *t, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* The recording of this name; NULL: there is none. */
const struct ser_truth_recording *ser_truth_find(const struct ser_truth *t, const char *name);

void ser_truth_free(struct ser_truth *t);

/* A new emotion begins where the stretch before it is of another one, or there is none; it lasts until the
 * next one begins, or to the end of the last stretch. It is named by the first row of it whose window ends
 * behind its beginning and not behind its end: a row is there when the last sample of its window is. */
struct ser_onsets {
    size_t begins;       /* new emotions: named + never + before */
    size_t named, never; /* by a row; by none */
    size_t before;       /* the last row before its beginning named it already, by chance: no delay
                                      is known */
    double median_s, most_s; /* of the delays of those named: the median, and the 90th percentile,
                                      linear between order statistics; 0 without any */
};

/* What a window is, by the truth: speech where stretches cover SER_MIN_SPEECH of it or more. */
enum ser_window_kind { SER_WINDOW_SPEECH, SER_WINDOW_NO_SPEECH, SER_WINDOW_KINDS };

struct ser_overtime {
    size_t
        recordings; /* of the predictions that are in the truth, each as often as there is a table of it */
    size_t unheard, unknown; /* recordings of the truth without rows; with rows, not in the truth */
    int classes;
    char **class_name; /* [classes] in byte order: all emotions of truth and rows */

    /* Time of known emotion, in milliseconds. A row speaks for ser_timeline_span. */
    size_t *confusion; /* [classes,classes] truth by row, what is said by column */
    struct ser_scores scores;
    struct ser_class_score *of; /* [classes] */
    size_t mute_ms, no_row_ms;  /* said to be no speech; in no row's span. In no figure */
    int intervals;              /* there are speakers enough for them */
    struct ser_interval of_all[SER_INTERVALS];

    struct ser_onsets all, *onsets;                  /* [classes] */
    size_t rows[SER_WINDOW_KINDS][SER_WINDOW_KINDS]; /* by the truth, by what is said */

    struct ser_set class_set; /* what class points to */
};

/* Judges; draws and seed are those of the bootstrap over speakers. 0, or -1 with e set and nothing to free
 * (SER_BAD: not one recording is in both). */
int ser_overtime_judge(struct ser_overtime *o, const struct ser_truth *truth,
                       const struct ser_timelines *rows, int draws, uint64_t seed,
                       struct ser_error *e) SER_MUST_CHECK;

/* Appends all figures as rows of a table. 0, or -1 without memory. The caller frees l->at. */
int ser_overtime_values(const struct ser_overtime *o, struct ser_values *l) SER_MUST_CHECK;

void ser_overtime_free(struct ser_overtime *o);

#endif
