#include "math/rng.h"
#include "math/mathfun.h"
#include <math.h>

void ser_philox(struct ser_key key, uint64_t lo, uint64_t hi, uint32_t out[4]) {
    uint32_t c0 = (uint32_t)lo, c1 = (uint32_t)(lo >> 32), c2 = (uint32_t)hi,
             c3 = (uint32_t)(hi >> 32);
    uint32_t k0 = key.k[0], k1 = key.k[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xd2511f53 * c0, b = (uint64_t)0xcd9e8d57 * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Two draws, so that seed, purpose, a and b are each taken in full. */
struct ser_key ser_key(uint64_t seed, enum ser_stream stream, uint64_t a, uint64_t b) {
    struct ser_key key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    uint32_t out[4];
    ser_philox(key, (uint64_t)stream, 0, out);
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
