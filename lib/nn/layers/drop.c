#include "nn/layers/drop.h"
#include "math/simd.h"
#include <endian.h>

struct ser_key ser_drop_key(const struct ser_draw *draw, int layer) {
    return ser_key(draw->seed, SER_STREAM_DROPOUT, draw->epoch, (uint64_t)layer);
}

#define WIDE 64 /* Philox numbers side by side, so that the rounds vectorise */

/* ser_philox for counters (lo + j, hi), j < WIDE, as out[4][j]; lo + WIDE must not pass 2^32. */
SER_INLINE void philox_wide(struct ser_key key, uint32_t lo, uint64_t hi, uint32_t out[4][WIDE]) {
    for (int j = 0; j < WIDE; j++) {
        out[0][j] = lo + (uint32_t)j;
        out[1][j] = 0;
        out[2][j] = (uint32_t)hi;
        out[3][j] = (uint32_t)(hi >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int j = 0; j < WIDE; j++) {
            uint64_t a = (uint64_t)0xd2511f53 * out[0][j], b = (uint64_t)0xcd9e8d57 * out[2][j];
            uint32_t n0 = (uint32_t)(b >> 32) ^ out[1][j] ^ key.k[0];
            uint32_t n2 = (uint32_t)(a >> 32) ^ out[3][j] ^ key.k[1];
            out[0][j] = n0;
            out[1][j] = (uint32_t)b;
            out[2][j] = n2;
            out[3][j] = (uint32_t)a;
        }
        key.k[0] += 0x9e3779b9;
        key.k[1] += 0xbb67ae85;
    }
}

/* keep[8 j + i] of WIDE numbers: number j gives eight elements, two of a word, its lower half
 * first. */
SER_CLONES static void mask_wide(struct ser_key key, uint32_t lo, uint64_t hi, uint32_t threshold,
                                 uint8_t keep[8 * WIDE]) {
    uint32_t word[4][WIDE];
    uint64_t eight[WIDE];
    philox_wide(key, lo, hi, word);
    memset(eight, 0, sizeof eight);
    for (int k = 3; k >= 0; k--)
        for (int j = 0; j < WIDE; j++) {
            uint32_t upper = (word[k][j] >> 16) >= threshold;
            uint32_t lower = (word[k][j] & 0xffff) >= threshold;
            eight[j] = eight[j] << 16 | (upper << 8 | lower);
        }
    for (int j = 0; j < WIDE; j++) {
        uint64_t bytes = htole64(eight[j]);
        memcpy(keep + 8 * j, &bytes, sizeof bytes);
    }
}

void ser_drop_mask(struct ser_key key, uint64_t place, float rate, size_t n, uint8_t *keep) {
    uint32_t threshold = (uint32_t)(rate * 65536.0f + 0.5f);
    uint8_t some[8 * WIDE];
    for (size_t i = 0; i < n; i += sizeof some) {
        size_t left = n - i < sizeof some ? n - i : sizeof some;
        mask_wide(key, (uint32_t)(i / 8), place, threshold, some);
        memcpy(keep + i, some, left);
    }
}
