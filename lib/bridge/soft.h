/* soft.h - what a teacher thinks of the training data: a table of predictions (evaluation.h) as targets of
 * a student.
 *
 * A sample has the row of its key, or else that of its recording (ser_id_length): an altered copy ID#pitch.1
 * has the row ID. Rows that no sample has are passed over. With the temperature T the probabilities p of a
 * row become
 *
 *   q[k] = p[k]^(1/T) / sum over j of p[j]^(1/T)
 *
 * what the teacher would have said with its logits divided by T (Hinton, Vinyals, Dean, Distilling the
 * knowledge in a neural network, 2015): above 1 more even, below 1 surer, at 1 as they are. Only the
 * teacher's are changed; the student's logits are not divided by T.
 */
#ifndef SER_SOFT_H
#define SER_SOFT_H

#include "bridge/dataset.h"

struct ser_soft { /* all zeros: no teacher */
    float *
        target; /* [d->n,classes] in the order of samples and of classes; each row sums to 1; owned */
    uint64_t table; /* a hash of the probabilities of the samples, whatever the temperature */
};

/* Reads the table at path for the samples of d, whose classes (ser_dataset_label) these are. 0, or -1 with e
 * set; the caller calls ser_soft_free in either case. SER_BAD: what ser_evaluation_read refuses; other classes
 * than these; a sample without a row, or with a row of another emotion. */
int ser_soft_read(struct ser_soft *s, const char *path, const struct ser_dataset *d,
                  char *const *class, int classes, double temperature,
                  struct ser_error *e) SER_MUST_CHECK;

void ser_soft_free(struct ser_soft *s);

#endif
