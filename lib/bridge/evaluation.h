/* evaluation.h - how good predictions are: tables of predictions in, every figure of ser-eval out.
 *
 *   struct ser_evaluation v = {0};
 *   for (int i = 0; i < n; i++)
 *       if (ser_evaluation_read(&v, path[i], &e))
 *           ...
 *   if (ser_evaluation_score(&v, SER_DRAWS, SER_DRAWS_SEED, &e))
 *       ...
 *   printf("%.4f\n", v.all.scores.ua);
 *   ser_evaluation_free(&v);
 *
 * A table of predictions is what ser-score writes: the columns id, emotion (the truth) and
 * predicted; p_CLASS for each class, or none of them; speaker, corpus and sex where they are known.
 * Several files are folds or seeds: each is scored, and all of them together. What the figures mean
 * stands in math/metrics.h.
 */
#ifndef SER_EVALUATION_H
#define SER_EVALUATION_H

#include "bridge/classes.h"
#include "core/set.h"
#include "math/metrics.h"

enum {
    SER_REJECT_STEPS = 10, /* the least confident 0, 10 ... 90 per cent are rejected */
    SER_DRAWS = 2000,      /* of the bootstrap over speakers, where nothing else is asked for */
    SER_DRAWS_SEED = 1,
};

/* What utterances are grouped by. */
enum ser_grouping { SER_BY_SPEAKER, SER_BY_CORPUS, SER_BY_SEX, SER_GROUPINGS };
extern const char *const ser_grouping_name[SER_GROUPINGS]; /* the column: speaker, corpus, sex */

/* One utterance. Its texts belong to the evaluation; equal texts are one pointer. */
struct ser_prediction {
    const char *id, *truth, *predicted;
    const char *group[SER_GROUPINGS]; /* "-" where it is unknown */
    const double
        *p;   /* once scored [classes]: probabilities, 0 of a class that its file does not know;
                  NULL: the file has none */
    int t, y; /* once scored: truth and prediction as classes of the evaluation */
};

/* One file of predictions: the utterances whose emotion is known, in the file's order. */
struct ser_predictions {
    const char *name; /* the path, or <stdin>; borrowed */
    size_t n, cap;
    struct ser_prediction *at; /* [n] */
    size_t unknown;            /* utterances of unknown emotion, which were left out */
    size_t mute; /* of known emotion, and predicted -: without speech; left out, too */
    struct ser_classes classes; /* that it has probabilities of; none: it has no probabilities */
    double *p; /* [n,classes] of the file's classes; once scored, of those of the evaluation */
    size_t p_cap;
};

/* The figures of utterances that are scored together: of a file, of all files, of a speaker. */
struct ser_result {
    const char *name; /* of the file, of the group's member; "pooled" */
    size_t n;
    const struct ser_prediction **at; /* [n] */
    size_t *confusion;                /* [classes,classes]: truth by row, prediction by column */
    struct ser_scores scores;
    struct ser_class_score *of; /* [classes] */
    int calibrated;             /* every utterance has probabilities, and what follows is set */
    struct ser_calibration calibration;
    struct ser_bin bin[SER_BINS];
    double reject[SER_REJECT_STEPS]; /* accuracy of the rest when i * 10 % are rejected */
};

/* ---- figures by name, as tables show them ---- */

/* The figures of a whole result. The first SER_INTERVALS have intervals over speakers, those from
 * SER_SCORES on need probabilities. */
enum ser_figure_number {
    SER_WA,
    SER_UA,
    SER_MACRO_F1,
    SER_INTERVALS,
    SER_WEIGHTED_F1 = SER_INTERVALS,
    SER_SCORES,
    SER_TOP2 = SER_SCORES,
    SER_LOG_LOSS,
    SER_BRIER,
    SER_ECE,
    SER_FIGURES
};

struct ser_figure {
    const char *name;  /* wa, ua, macro_f1 ... */
    const char *title; /* accuracy (WA) ... */
};
extern const struct ser_figure ser_figure[SER_FIGURES];

double ser_figure_of(const struct ser_result *r, int figure);

/* A figure as a row of a table: of all figures wa ... ece, of the classes precision, recall, f1,
 * support, of pairs of classes confusion and confusion_rate, of bins bin_n, bin_confidence,
 * bin_accuracy, of the share rejected accuracy_rejecting. */
struct ser_value {
    const char *name;
    const char *class_name; /* or bin, or share; NULL where it says nothing */
    const char *predicted;  /* likewise */
    double value;
    enum ser_value_kind { SER_COUNT, SER_ABSENT, SER_MEANT } kind; /* MEANT: enters the mean */
};

struct ser_values { /* zeros: none */
    struct ser_value *at;
    size_t n, cap;
};

extern const char *const ser_bin_name[SER_BINS];          /* where a bin ends: 0.1 ... 1.0 */
extern const char *const ser_step_name[SER_REJECT_STEPS]; /* per cent rejected: 0 ... 90 */

struct ser_evaluation { /* zeros: nothing read */
    int files;
    struct ser_predictions *file; /* [files] */
    int classes;                  /* that any file names */
    char **class_name;            /* [classes] in byte order */

    struct ser_result *of_file;                /* [files] */
    struct ser_result all;                     /* of all files */
    size_t members[SER_GROUPINGS];             /* speakers, corpora, sexes */
    struct ser_result *member[SER_GROUPINGS];  /* [members] by name in byte order, over all files */
    int intervals;                             /* there are speakers enough for them */
    struct ser_interval of_all[SER_INTERVALS]; /* 95 per cent, of the first figures of all */
    /* Over files, of each figure that every one may have: the mean, and the sample standard
     * deviation, over those files where it is (a class that a file lacks has no recall there). */
    struct ser_values mean, deviation;

    struct ser_set texts, class_set; /* what the pointers point to */
};

/* Reads one more file (NULL, "-": standard input). path must live as long as v. 0, or -1 with e set:
 * SER_BAD for a table that is none of predictions, an id that comes twice in it, probabilities that
 * do not add up to 1 within 0.001, no utterance of known emotion for which one is predicted. v can only be freed then; unknown
 * of its last file is set if the file was read to its end. */
int ser_evaluation_read(struct ser_evaluation *v, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

/* The same from a table that is open and stays the caller's. */
int ser_evaluation_read_table(struct ser_evaluation *v, struct ser_tsv *t,
                              struct ser_error *e) SER_MUST_CHECK;

/* What is to be told of utterances that were left out of a file: 1 and text is
 * "FILE: 2 utterances of unknown emotion are left out", and likewise of those that were predicted -; or 0. */
int ser_predictions_left_out(const struct ser_predictions *f, char *text, size_t size);

/* Scores what was read, at least one file; once. draws and seed are the bootstrap's. 0, or -1
 * without memory. */
int ser_evaluation_score(struct ser_evaluation *v, int draws, uint64_t seed,
                         struct ser_error *e) SER_MUST_CHECK;

/* Share of the utterances of class t that were taken for y; 0 where there is none. */
double ser_confusion_rate(const struct ser_evaluation *v, const struct ser_result *r, int t, int y);

/* Appends the figures of a result without a class, n first; those of probabilities on demand. 0, or
 * -1 without memory. The caller frees l->at. */
int ser_values_total(struct ser_values *l, const struct ser_result *r,
                     int calibrated) SER_MUST_CHECK;

/* Appends the other figures. */
int ser_values_detail(struct ser_values *l, const struct ser_evaluation *v,
                      const struct ser_result *r, int calibrated) SER_MUST_CHECK;

/* The temperature that makes the log loss of all files least (ser_fit_temperature). 0 and *t, or -1
 * with e set: SER_BAD if an utterance has no probabilities, or none is best. */
int ser_evaluation_temperature(const struct ser_evaluation *v, double *t,
                               struct ser_error *e) SER_MUST_CHECK;

void ser_evaluation_free(struct ser_evaluation *v);

/* ---- comparison of two systems on the same utterances ---- */

struct ser_comparison {
    double difference[SER_INTERVALS];            /* of the first figures: first file - second */
    int intervals;                               /* there are speakers enough for them */
    struct ser_interval interval[SER_INTERVALS]; /* of the differences */
    size_t only_first, only_second;              /* utterances that only this one has right */
    double p;                                    /* McNemar's exact test */
};

/* Compares the two files that were read, and no others, and scored. 0, or -1 with e set: SER_BAD if
 * they are not of the same utterances. */
int ser_evaluation_compare(const struct ser_evaluation *v, int draws, uint64_t seed,
                           struct ser_comparison *c, struct ser_error *e) SER_MUST_CHECK;

#endif
