/* seal.h - a mutator for tensor streams. */
#ifndef FUZZ_SEAL_H
#define FUZZ_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static inline uint64_t fuzz_get(const uint8_t *p, int bytes) {
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | p[bytes];
    return v;
}

/* Sets the hash of every block right, as far as blocks can be told: without it hardly any change
 * would get past the first check. */
static inline void fuzz_seal(uint8_t *p, size_t n) {
    while (n >= 64) {
        uint64_t len = 24;
        if (memcmp(p, "REC\n", 4) == 0) {
            len += 8ULL * p[5] + fuzz_get(p + 8, 4) + fuzz_get(p + 12, 4);
            len += -len % 64 + fuzz_get(p + 16, 8) % (1ULL << 33);
        } else if (memcmp(p, "END\n", 4) != 0) {
            len += fuzz_get(p + 16, 4);
        }
        uint64_t end = len + 8 + -(len + 8) % 64;
        if (end > n)
            return;
        uint64_t hash = XXH3_64bits(p, end - 8);
        for (int i = 0; i < 8; i++)
            p[end - 8 + (uint64_t)i] = (uint8_t)(hash >> 8 * i);
        p += end;
        n -= end;
    }
}

/* Changes what follows the first skip bytes, and seals it three times out of four. */
static inline size_t fuzz_mutate_stream(uint8_t *data, size_t size, size_t max, unsigned seed,
                                        size_t skip) {
    if (size < skip || seed % 64 == 0)
        return LLVMFuzzerMutate(data, size, max);
    size = skip + LLVMFuzzerMutate(data + skip, size - skip, max - skip);
    if (seed % 4)
        fuzz_seal(data + skip, size - skip);
    return size;
}

#endif
