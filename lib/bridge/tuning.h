/* tuning.h - a search as it is seen afterwards: what its trials have drawn, and what came of them.
 *
 * It is read from a table of results (SEARCH/search.tsv of pipelines/tune.mk): a row for each result,
 * with the columns trial, rung, epochs, val_loss, val_accuracy and val_recall as ser-tune judge reads
 * them ("-" for a trial that failed), perhaps by (recall, loss or accuracy: what is judged by; recall
 * where it is not there), space and seed; every other column is an option that was drawn, "-" where
 * it did not apply.
 */
#ifndef SER_TUNING_H
#define SER_TUNING_H

#include "core/core.h"
#include "core/set.h"
#include "math/anova.h"

enum {
    SER_TUNING_RESULTS = 160000, /* at most: of 10000 trials on 16 rungs */
    SER_TUNING_OPTIONS = 64,     /* at most */
    SER_TUNING_GROUPS = 4,       /* of the numbers of an option, at most, for its importance */
    SER_TUNING_MEMBERS = 4,      /* trials in each, about, at least */
};

struct ser_tuning_result {
    int64_t trial, rung, epochs;
    double loss, accuracy, recall;
    int failed;
    size_t row; /* of drawn */
};

struct ser_tuning_option {
    const char *name;
    int words;     /* 1: one of a few words; 0: a number */
    int log;       /* numbers above 0 of which the largest is 20 times the smallest, or more */
    double lo, hi; /* of the numbers */
    size_t values; /* different ones: words and numbers */
    char **word;   /* [values] in byte order, of words; NULL */

    /* How much of the figures' variance goes along with it, of the results on the common rung: by their
     * ranks, those that failed being last, so that no figure that is far off decides. Words are groups as they
     * are; numbers are cut into SER_TUNING_GROUPS groups of about as many trials, or fewer, but at least two, where
     * each would have fewer than SER_TUNING_MEMBERS. All zeros of an option of one value. */
    struct ser_anova importance;
};

struct ser_tuning {
    enum ser_tuning_by { SER_TUNING_RECALL, SER_TUNING_LOSS, SER_TUNING_ACCURACY } by;
    size_t results, trials, options;
    struct ser_tuning_result *result; /* [results] by trial, then rung */
    const struct ser_tuning_result *
        *rank;      /* [trials] the last result of each, as ser_tuning_before has them */
    int64_t common; /* the rung that most trials have a result on; of equal ones the lowest */
    int64_t common_epochs; /* of its results */
    struct ser_tuning_option option[SER_TUNING_OPTIONS];
    const char **drawn;   /* [results, options] texts as they stand there; NULL: does not apply */
    struct ser_set texts; /* that drawn and the names point to */
};

/* The words of enum ser_tuning_by. */
extern const char *const ser_tuning_by[];

/* Reads it (NULL, "-": standard input). 0, or -1 with e set and nothing to free: SER_BAD for a table
 * that is none of results, or that holds a result twice. */
int ser_tuning_read(struct ser_tuning *t, const char *path, struct ser_error *e) SER_MUST_CHECK;
void ser_tuning_free(struct ser_tuning *t);

/* The figure that decides, the larger the better (the loss below 0); -INFINITY of one that failed. */
double ser_tuning_worth(const struct ser_tuning *t, const struct ser_tuning_result *r);

/* 1 if a is before b in ser-tune's order: those that failed last; the higher rung, the better figure,
 * the earlier trial first. */
int ser_tuning_before(const struct ser_tuning *t, const struct ser_tuning_result *a,
                      const struct ser_tuning_result *b);

/* The last result of the trial that result i is of. */
size_t ser_tuning_last(const struct ser_tuning *t, size_t i);

/* Where option o of the row that a result names lies between the ends of its axis, 0 to 1: numbers by
 * their value or its logarithm, words in their order; NAN where it does not apply. */
double ser_tuning_place(const struct ser_tuning *t, const struct ser_tuning_result *r, size_t o);

#endif
