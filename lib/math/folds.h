/* folds.h - shares groups, for example speakers, out to folds for cross-validation.
 *
 * Pure: arrays in, arrays out; nothing fails.
 */
#ifndef SER_FOLDS_H
#define SER_FOLDS_H

#include <stddef.h>

/* Deals whole groups to folds so that each fold holds as nearly as can be found the same number of
 * items of each class, and of all. How far it is off is the sum, over the classes and over all of
 * them as one more, of Pearson's chi-squared against equal shares (K. Pearson, Philosophical
 * Magazine 50, 1900). Each group in turn goes where that grows least; then groups move, or two of
 * them change places, while that makes it smaller.
 *
 *   count[groups][classes]     items of each class in each group; no group is empty
 *   order[groups]              0..groups-1, each once: whose turn it is
 *   folds                      1..groups, so that no fold stays empty
 *   fold[groups]               out: 0..folds-1
 *   scratch[(folds + 1) * (classes + 1)]
 *
 * The same input gives the same folds on every machine. */
void ser_balanced_folds(const size_t *count, size_t groups, size_t classes, const size_t *order,
                        size_t folds, size_t *fold, double *scratch);

#endif
