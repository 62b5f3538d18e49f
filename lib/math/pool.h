/* pool.h - what becomes of a row of vectors over time. Pure. */
#ifndef SER_POOL_H
#define SER_POOL_H

#include <stddef.h>

/* h [frames,D], frames >= 1 -> mean [D] over the frames, and, unless deviation is NULL, deviation [D]:
 * the root of the mean square distance from it, of all frames. Sums are in double precision, in the
 * order of the frames. */
void ser_pool(const float *h, size_t frames, int D, float *mean, float *deviation);

#endif
