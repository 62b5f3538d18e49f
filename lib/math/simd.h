/* simd.h - vectors of 16 floats, and code for several instruction sets.
 *
 * They use the vector extension of GCC and clang: the compiler translates a vector to whatever the
 * processor has. Each lane is computed by itself, so results have the same bytes with any
 * instruction set. Everything is built with -ffp-contract=off, so that no fused multiply-add
 * changes them.
 */
#ifndef SER_SIMD_H
#define SER_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Marks a function that takes much of the time: it is compiled for several instruction sets, and
 * the best one is chosen when the program starts. Not with sanitizers, whose run-time is not ready
 * when the choice is made, and not with SER_ONE_SET, which keeps to the compiler's own set. */
#if !defined(SER_ONE_SET) && defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) &&    \
    defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SER_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SER_CLONES
#endif

#define SER_INLINE static inline __attribute__((always_inline))

/* Unrolls the loop behind it, which has few iterations, so that the arrays it indexes stay in
 * registers; clang does so without it. */
#ifdef __clang__
#define SER_UNROLL
#else
#define SER_UNROLL _Pragma("GCC unroll 16")
#endif

#define SER_LANES 16

typedef float ser_vec __attribute__((vector_size(4 * SER_LANES), aligned(16)));
typedef int32_t ser_ivec __attribute__((vector_size(4 * SER_LANES), aligned(16)));
typedef uint8_t ser_bvec __attribute__((vector_size(SER_LANES)));

/* How many lanes are used from index i on in an array of n: SER_LANES, or fewer at the end. */
SER_INLINE int ser_lanes(int i, int n) {
    return n - i < SER_LANES ? n - i : SER_LANES;
}

/* Loads n floats from p; the other lanes are 0. ser_store writes the first n lanes to p. */
SER_INLINE ser_vec ser_load(const float *p, int n) {
    ser_vec v = {0};
    if (n == SER_LANES)
        memcpy(&v, p, sizeof v);
    else
        memcpy(&v, p, (size_t)n * sizeof *p);
    return v;
}

SER_INLINE void ser_store(float *p, ser_vec v, int n) {
    if (n == SER_LANES)
        memcpy(p, &v, sizeof v);
    else
        memcpy(p, &v, (size_t)n * sizeof *p);
}

/* The same for bytes, each an integer in a lane. */
SER_INLINE ser_ivec ser_load_bytes(const uint8_t *p, int n) {
    ser_bvec b = {0};
    if (n == SER_LANES)
        memcpy(&b, p, sizeof b);
    else
        memcpy(&b, p, (size_t)n);
    return __builtin_convertvector(b, ser_ivec);
}

SER_INLINE void ser_store_bytes(uint8_t *p, ser_ivec v, int n) {
    ser_bvec b = __builtin_convertvector(v, ser_bvec);
    if (n == SER_LANES)
        memcpy(p, &b, sizeof b);
    else
        memcpy(p, &b, (size_t)n);
}

/* A vector with x in every lane. */
SER_INLINE ser_vec ser_splat(float x) {
    return x - (ser_vec){0};
}

/* In each lane a where the mask, the result of a comparison, is set, else b. */
SER_INLINE ser_vec ser_select(ser_ivec mask, ser_vec a, ser_vec b) {
    return (ser_vec)((mask & (ser_ivec)a) | (~mask & (ser_ivec)b));
}

SER_INLINE ser_ivec ser_iselect(ser_ivec mask, ser_ivec a, ser_ivec b) {
    return (mask & a) | (~mask & b);
}

#endif
