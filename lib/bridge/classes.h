/* classes.h - the classes of a table of predictions: its columns p_CLASS, and what a row has in them.
 *
 *   struct ser_classes c = {0};
 *   if (ser_classes_find(&c, &t, &e))
 *       ...
 *   while ((got = ser_tsv_next(&t, &e)) > 0 && !ser_classes_row(&c, &t, p, &e))
 *       printf("%s %g\n", c.name[0], p[0]);
 *   ser_classes_free(&c);
 *
 * A prediction - is none, for want of speech: p_- is a column like others.
 */
#ifndef SER_CLASSES_H
#define SER_CLASSES_H

#include "core/tsv.h"
#include "nn/nn.h"

struct ser_classes { /* zeros: none */
    int n;           /* at most SER_MAX_CLASSES */
    char **name;     /* [n] in the table's order; owned, each of them too */
    int *column;     /* [n] where they are in the table */
};

/* The class whose probabilities a column of this name has, a part of the name; NULL: it is another column. */
const char *ser_classes_name(const char *column);

/* Finds the classes of a table that is open, which may have none. 0, or -1 with e set: SER_BAD for more than
 * SER_MAX_CLASSES. Free c either way. */
int ser_classes_find(struct ser_classes *c, const struct ser_tsv *t,
                     struct ser_error *e) SER_MUST_CHECK;

/* The probabilities of the table's last row into p [n]. 0, or -1 with e set (SER_BAD): one is no number from 0
 * to 1. */
int ser_classes_row(const struct ser_classes *c, const struct ser_tsv *t, double *p,
                    struct ser_error *e) SER_MUST_CHECK;

/* The same of a table whose rows must add up to 1 within 0.001. */
int ser_classes_whole_row(const struct ser_classes *c, const struct ser_tsv *t, double *p,
                          struct ser_error *e) SER_MUST_CHECK;

/* Which class has this name: 0..n-1; n: none. */
int ser_classes_place(const struct ser_classes *c, const char *name);

void ser_classes_free(struct ser_classes *c);

#endif
