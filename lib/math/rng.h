/* rng.h - counter-based random numbers: Philox 4x32-10.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * A random number is a function of a key and a counter: there is no state and no order, and it is
 * the same on every machine. The key says what the numbers are for, the counter which of them is
 * meant. Pure: nothing fails, no memory is taken.
 */
#ifndef SER_RNG_H
#define SER_RNG_H

#include <stddef.h>
#include <stdint.h>

/* What random numbers are for: each purpose gets its own numbers from one seed. */
enum ser_purpose {
    SER_PURPOSE_INIT = 1,    /* initial weights */
    SER_PURPOSE_SHUFFLE = 2, /* order of the training data */
    SER_PURPOSE_DROPOUT = 3,
    SER_PURPOSE_SPLIT = 4,
    SER_PURPOSE_AUGMENT = 5,
    SER_PURPOSE_BOOTSTRAP = 6,
    SER_PURPOSE_SEARCH = 7,
    SER_PURPOSE_VARY = 8,     /* variations of features in training */
    SER_PURPOSE_MIX = 9,      /* of two samples in training */
    SER_PURPOSE_BALANCE = 10, /* which samples an epoch has */
};

struct ser_key {
    uint32_t k[2];
};

/* The key for one purpose of a seed. a and b divide the purpose further, for example by epoch and
 * layer. */
struct ser_key ser_key(uint64_t seed, enum ser_purpose purpose, uint64_t a, uint64_t b);

/* The four random words of key for the 128-bit counter hi * 2^64 + lo. */
void ser_philox(struct ser_key key, uint64_t lo, uint64_t hi, uint32_t out[4]);

/* The same for the counters (lo + j, hi), j = 0..SER_PHILOX_WIDE - 1, computed in vectors: word k
 * of counter j is out[k][j]. lo + SER_PHILOX_WIDE must not be more than 2^32. */
#define SER_PHILOX_WIDE 64
void ser_philox_wide(struct ser_key key, uint32_t lo, uint64_t hi,
                     uint32_t out[4][SER_PHILOX_WIDE]);

/* Number i of the key: uniform in [0, 1) with 53 bits, or standard normal (Box-Muller). */
double ser_uniform(struct ser_key key, uint64_t i);
double ser_normal(struct ser_key key, uint64_t i);

/* Number i of the key: uniform in 0..n-1 without bias, n >= 1. */
uint64_t ser_below(struct ser_key key, uint64_t i, uint64_t n);

/* Fills order[n] with a random permutation of 0..n-1 (Fisher-Yates). */
void ser_permute(struct ser_key key, size_t n, size_t *order);

#endif
