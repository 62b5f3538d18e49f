#include "drop.h"
#include "simd.h"

struct ser_key ser_drop_key(const struct ser_draw *draw, int layer) {
    return ser_key(draw->seed, SER_STREAM_DROPOUT, draw->epoch, (uint64_t)layer);
}

#define WIDE 64 /* Philox numbers side by side, so that the rounds vectorise */

/* ser_philox for counters (lo + j, hi), j < WIDE, as out[j][4]; lo + WIDE must not pass 2^32. */
SER_CLONES static void philox_wide(struct ser_key key, uint32_t lo, uint64_t hi,
                                   uint32_t out[WIDE][4]) {
    uint32_t c0[WIDE], c1[WIDE], c2[WIDE], c3[WIDE];
    for (int j = 0; j < WIDE; j++) {
        c0[j] = lo + (uint32_t)j;
        c1[j] = 0;
        c2[j] = (uint32_t)hi;
        c3[j] = (uint32_t)(hi >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int j = 0; j < WIDE; j++) {
            uint64_t a = (uint64_t)0xd2511f53 * c0[j], b = (uint64_t)0xcd9e8d57 * c2[j];
            uint32_t n0 = (uint32_t)(b >> 32) ^ c1[j] ^ key.k[0];
            uint32_t n2 = (uint32_t)(a >> 32) ^ c3[j] ^ key.k[1];
            c0[j] = n0;
            c1[j] = (uint32_t)b;
            c2[j] = n2;
            c3[j] = (uint32_t)a;
        }
        key.k[0] += 0x9e3779b9;
        key.k[1] += 0xbb67ae85;
    }
    for (int j = 0; j < WIDE; j++) {
        out[j][0] = c0[j];
        out[j][1] = c1[j];
        out[j][2] = c2[j];
        out[j][3] = c3[j];
    }
}

void ser_drop_mask(struct ser_key key, uint64_t place, float rate, size_t n, uint8_t *keep) {
    uint32_t threshold = (uint32_t)(rate * 65536.0f + 0.5f), word[WIDE][4];
    for (size_t i = 0; i < n; i += 8 * WIDE) {
        philox_wide(key, (uint32_t)(i / 8), place, word);
        for (size_t j = 0; j < 8 * WIDE && i + j < n; j++) {
            uint32_t w = word[j / 8][j / 2 % 4];
            keep[i + j] = (j % 2 ? w >> 16 : w & 0xffff) >= threshold;
        }
    }
}
