/* orthogonal.h - how recurrent weights begin; for the files of lib/nn only. */
#ifndef SER_NN_ORTHOGONAL_H
#define SER_NN_ORTHOGONAL_H

#include "math/rng.h"

/* u [U, gates U]: rows of length one, at right angles to each other: Keras' orthogonal initialiser
 * (Q of the QR decomposition of a normal matrix, R's diagonal positive), by Gram-Schmidt done twice.
 * Its numbers are those of key from first on. If memory ends errno is ENOMEM and u stays. */
void ser_init_orthogonal(float *u, int U, int gates, struct ser_key key, uint64_t first);

#endif
