/* space.h - the space of a search: a text that says which options it draws, and from what. A line an
 * option, # begins a comment:
 *
 *   NAME log A B           between A and B, uniform in the logarithm; 0 < A < B
 *   NAME uniform A B       between A and B
 *   NAME int A B           a whole number from A to B
 *   NAME choice X Y ...    one of the words
 *   ... when OTHER=X       behind any of these: only where the option OTHER, of a line before, is X
 *
 * NAME says which step it is an option of: lr is one of ser-train, features.coefs one of ser-mfcc,
 * augment.noise one of ser-augment, NET is the network, and net.units stands for {units} in a
 * network's file.
 */
#ifndef SER_SPACE_H
#define SER_SPACE_H

#include "core/core.h"

enum {
    SER_MAX_SPACE = 1 << 16, /* bytes of its file */
    SER_SPACE_OPTIONS = 64,
    SER_SPACE_CHOICES = 64,
    SER_SPACE_HASH = 17, /* bytes of a hash as text */
};

struct ser_space_option {
    const char *name; /* as it stands in the space */
    uint64_t key;     /* of its draws: a hash of the name */
    enum ser_space_kind { SER_SPACE_LOG, SER_SPACE_UNIFORM, SER_SPACE_INT, SER_SPACE_CHOICE } kind;
    double lo, hi;
    int choices;
    const char *choice[SER_SPACE_CHOICES];
    int when; /* the option that it depends on; -1: none */
    const char *value;
};

struct ser_space {
    const char *name; /* of its file, borrowed */
    int options;
    struct ser_space_option option[SER_SPACE_OPTIONS];
    char hash[SER_SPACE_HASH]; /* of what it says, comments and blanks aside, in hexadecimal */
    char *text;                /* that names and words point into */
};

/* Reads a space (NULL, "-": standard input). 0, or -1 with e set (nothing to free): SER_BAD for a
 * line that is none of the above, an unknown option, a name that comes twice, an empty range, a
 * logarithm from 0; the line is named. */
int ser_space_read(struct ser_space *s, const char *path, struct ser_error *e) SER_MUST_CHECK;
void ser_space_free(struct ser_space *s);

/* What trial t, from 1, has of each option: *value [options], NULL where the option does not apply.
 * The texts and the array are one block, which the caller frees. A draw depends on the seed, the
 * name of the option and the trial alone. 0, or -1 without memory. */
int ser_space_draw(const struct ser_space *s, uint64_t seed, uint64_t trial,
                   char ***value) SER_MUST_CHECK;

/* The cells of a trial's values, for ser_tpe_draw: each word of a choice, which have an order if they are
 * numbers that rise or fall; each whole number, or as many shares of the range as there can be cells.
 * -1: the option does not apply. */
void ser_space_cells(const struct ser_space *s, char *const *value, int *cell);

/* What trial t, from 1, has if it is drawn by ser_tpe_draw: cell [t - 1][options] are the cells of the trials
 * before it, of which the first known have a worth. Within a cell the draw is uniform. */
int ser_space_suggest(const struct ser_space *s, uint64_t seed, uint64_t t, const int *cell,
                      const double *worth, int known, char ***value) SER_MUST_CHECK;

/* The same for the points of the grid, all combinations of choices and whole numbers, the last option
 * changing fastest, of a space that has one: *at is 0 at first, and moves on behind the point. 1; 0
 * when there is no other; -1 without memory. */
int ser_space_point(const struct ser_space *s, uint64_t *at, char ***value) SER_MUST_CHECK;

/* 0 if the space has a grid, of at most max combinations before those are left out that differ only
 * where an option does not apply; else -1 with e set, which names the option. */
int ser_space_has_grid(const struct ser_space *s, uint64_t max, struct ser_error *e) SER_MUST_CHECK;

#endif
