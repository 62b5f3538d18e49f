/* rng.h - counter-based random numbers: Philox 4x32-10.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * A draw is a pure function of (key, counter): no state, no order, the same on every machine. Keys
 * say what the numbers are for, counters say which of them. Pure: no failure, no memory.
 */
#ifndef SER_RNG_H
#define SER_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What a draw is for, so that no two uses of one seed share numbers. */
enum ser_purpose {
    SER_PURPOSE_INIT = 1,    /* initial weights */
    SER_PURPOSE_SHUFFLE = 2, /* order of the training data */
    SER_PURPOSE_DROPOUT = 3,
    SER_PURPOSE_SPLIT = 4,
    SER_PURPOSE_AUGMENT = 5,
    SER_PURPOSE_BOOTSTRAP = 6,
};

struct ser_key {
    uint32_t k[2];
};

/* The key of one purpose of a seed. a and b separate further, for example epoch and layer. */
struct ser_key ser_key(uint64_t seed, enum ser_purpose purpose, uint64_t a, uint64_t b);

/* Four random words for the 128-bit counter (lo, hi). */
void ser_philox(struct ser_key key, uint64_t lo, uint64_t hi, uint32_t out[4]);

/* The same for the counters (lo + j, hi), j < SER_PHILOX_WIDE, side by side in vectors: word k of
 * counter j is out[k][j]. lo + SER_PHILOX_WIDE must not pass 2^32. */
#define SER_PHILOX_WIDE 64
void ser_philox_wide(struct ser_key key, uint32_t lo, uint64_t hi,
                     uint32_t out[4][SER_PHILOX_WIDE]);

/* Uniform in [0, 1) with 53 bits, and standard normal (Box-Muller), number i of the key. */
double ser_uniform(struct ser_key key, uint64_t i);
double ser_normal(struct ser_key key, uint64_t i);

/* Uniform in 0..n-1 without bias, n >= 1, number i of the key. */
uint64_t ser_below(struct ser_key key, uint64_t i, uint64_t n);

/* Fills order[n] with a random permutation of 0..n-1 (Fisher-Yates). */
void ser_permute(struct ser_key key, size_t n, size_t *order);

#endif
