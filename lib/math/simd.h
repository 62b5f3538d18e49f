/* simd.h - vectors of 16 floats, and code for several instruction sets.
 *
 * GCC's and clang's vector extension: the compiler lowers a vec to whatever the machine has, and
 * each lane is computed by itself, so results are the same bytes with any instruction set. No
 * contraction to fused multiply-add: the tree is built with -ffp-contract=off.
 */
#ifndef SER_SIMD_H
#define SER_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Hot functions are compiled for several instruction sets, picked when the program starts. Not
 * under sanitizers, whose run-time is not up yet when the pick is made, nor where SER_ONE_SET asks
 * for the compiler's own set alone. */
#if !defined(SER_ONE_SET) && defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) &&    \
    defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SER_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SER_CLONES
#endif

#define SER_INLINE static inline __attribute__((always_inline))

/* Before a loop with few turns, so that what it indexes stays in registers; clang does so by
 * itself. */
#ifdef __clang__
#define SER_UNROLL
#else
#define SER_UNROLL _Pragma("GCC unroll 16")
#endif

#define SER_LANES 16

typedef float ser_vec __attribute__((vector_size(4 * SER_LANES), aligned(16)));
typedef int32_t ser_ivec __attribute__((vector_size(4 * SER_LANES), aligned(16)));
typedef uint8_t ser_bvec __attribute__((vector_size(SER_LANES)));

/* The lanes left from index i on of n: SER_LANES, or fewer at the end. */
SER_INLINE int ser_lanes(int i, int n) {
    return n - i < SER_LANES ? n - i : SER_LANES;
}

/* The first n lanes from p, zero in the rest. */
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

/* The same for bytes, as small integers in lanes. */
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

SER_INLINE ser_vec ser_splat(float x) {
    return x - (ser_vec){0};
}

/* a where the mask (of a comparison) is set, else b. */
SER_INLINE ser_vec ser_select(ser_ivec mask, ser_vec a, ser_vec b) {
    return (ser_vec)((mask & (ser_ivec)a) | (~mask & (ser_ivec)b));
}

SER_INLINE ser_ivec ser_iselect(ser_ivec mask, ser_ivec a, ser_ivec b) {
    return (mask & a) | (~mask & b);
}

#endif
