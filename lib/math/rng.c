#include "math/rng.h"
#include "math/mathfun.h"
#include <math.h>
#include <string.h>

/* Ten rounds on n counters side by side, counter j being c[0][j] ... c[3][j], so that compilers
 * make vector code of them. */
SER_INLINE void philox(struct ser_key key, int n, uint32_t *c[4]) {
    for (int round = 0; round < 10; round++) {
        for (int j = 0; j < n; j++) {
            uint64_t a = (uint64_t)0xd2511f53 * c[0][j], b = (uint64_t)0xcd9e8d57 * c[2][j];
            c[0][j] = (uint32_t)(b >> 32) ^ c[1][j] ^ key.k[0];
            c[1][j] = (uint32_t)b;
            c[2][j] = (uint32_t)(a >> 32) ^ c[3][j] ^ key.k[1];
            c[3][j] = (uint32_t)a;
        }
        key.k[0] += 0x9e3779b9;
        key.k[1] += 0xbb67ae85;
    }
}

void ser_philox(struct ser_key key, uint64_t lo, uint64_t hi, uint32_t out[4]) {
    uint32_t c[4] = {(uint32_t)lo, (uint32_t)(lo >> 32), (uint32_t)hi, (uint32_t)(hi >> 32)};
    philox(key, 1, (uint32_t *[]){&c[0], &c[1], &c[2], &c[3]});
    memcpy(out, c, sizeof c);
}

SER_CLONES void ser_philox_wide(struct ser_key key, uint32_t lo, uint64_t hi,
                                uint32_t out[4][SER_PHILOX_WIDE]) {
    for (int j = 0; j < SER_PHILOX_WIDE; j++) {
        out[0][j] = lo + (uint32_t)j;
        out[1][j] = 0;
        out[2][j] = (uint32_t)hi;
        out[3][j] = (uint32_t)(hi >> 32);
    }
    philox(key, SER_PHILOX_WIDE, (uint32_t *[]){out[0], out[1], out[2], out[3]});
}

/* Two draws, so that seed, purpose, a and b are each taken in full. */
struct ser_key ser_key(uint64_t seed, enum ser_purpose purpose, uint64_t a, uint64_t b) {
    struct ser_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    uint32_t out[4];
    ser_philox(key, (uint64_t)purpose, 0, out);
    key.k[0] = out[0];
    key.k[1] = out[1];
    ser_philox(key, a, b, out);
    key.k[0] = out[0];
    key.k[1] = out[1];
    return key;
}

static double unit(uint32_t a, uint32_t b) {
    return (double)(((uint64_t)a << 32 | b) >> 11) * 0x1p-53;
}

double ser_uniform(struct ser_key key, uint64_t i) {
    uint32_t w[4];
    ser_philox(key, i, 0, w);
    return unit(w[0], w[1]);
}

double ser_normal(struct ser_key key, uint64_t i) {
    uint32_t w[4];
    ser_philox(key, i, 0, w);
    double u = 1 - unit(w[0], w[1]); /* in (0, 1], so that the logarithm exists */
    return sqrt(-2 * ser_ln(u)) * ser_cos_turns(unit(w[2], w[3]));
}

/* Draws below 2^64 mod n would make small numbers likelier; they are drawn again. */
uint64_t ser_below(struct ser_key key, uint64_t i, uint64_t n) {
    uint64_t reject = (0 - n) % n;
    for (uint64_t attempt = 0;; attempt++) {
        uint32_t w[4];
        ser_philox(key, i, attempt, w);
        uint64_t r = (uint64_t)w[0] << 32 | w[1];
        if (r >= reject)
            return r % n;
    }
}

void ser_permute(struct ser_key key, size_t n, size_t *order) {
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)ser_below(key, i, i), t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
}
