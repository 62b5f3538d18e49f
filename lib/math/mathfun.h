/* mathfun.h - exp, sigmoid, tanh, logarithms and cosine with the same bytes on every machine.
 *
 * The C library uses different code on different processors, and changes with its releases; these
 * functions are plain arithmetic in a fixed order. Pure.
 */
#ifndef SER_MATHFUN_H
#define SER_MATHFUN_H

#include "math/simd.h"

/* e^x, relative error below 2e-7 for x in [-87, 88]; outside, the value at the nearer end; NaN for
 * NaN.
 *
 *   x = n ln 2 + r, |r| <= ln 2 / 2
 *   e^x = 2^n e^r: 2^n is made from its bits, e^r by a polynomial (coefficients of Cephes' expf)
 */
SER_INLINE ser_vec ser_vexp(ser_vec x) {
    const ser_vec hi = ser_splat(88.0f), lo = ser_splat(-87.0f), round = ser_splat(12582912.0f);
    x = ser_select(x > hi, hi, x);
    x = ser_select(x < lo, lo, x);
    ser_vec shifted = x * 1.44269504088896341f + round; /* adding 1.5 * 2^23 rounds to an integer */
    ser_vec n = shifted - round;
    ser_vec r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    ser_vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    ser_ivec power = ((ser_ivec)shifted - 0x4b400000 + 127) << 23;
    return p * (ser_vec)power;
}

/* 1 / (1 + e^-x) and tanh, absolute error below 2e-7. */
SER_INLINE ser_vec ser_vsigmoid(ser_vec x) {
    return 1.0f / (1.0f + ser_vexp(-x));
}

SER_INLINE ser_vec ser_vtanh(ser_vec x) {
    return 1.0f - 2.0f / (1.0f + ser_vexp(x + x));
}

/* The error function, absolute error below 3e-7.
 *
 *   erf(x) = 1 - (a1 t + a2 t^2 + a3 t^3 + a4 t^4 + a5 t^5) e^(-x^2), t = 1 / (1 + p x), x >= 0
 *   erf(-x) = -erf(x)
 *
 * Coefficients: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
 */
SER_INLINE ser_vec ser_verf(ser_vec x) {
    ser_vec a = ser_select(x < 0.0f, -x, x), t = 1.0f / (1.0f + 0.3275911f * a);
    ser_vec sum = t * 1.061405429f - 1.453152027f;
    sum = sum * t + 1.421413741f;
    sum = sum * t - 0.284496736f;
    sum = sum * t + 0.254829592f;
    ser_vec y = 1.0f - sum * t * ser_vexp(-a * a);
    return ser_select(x < 0.0f, -y, y);
}

/* The distribution function of the standard normal distribution, absolute error below 1e-7; below -6,
 * where it is less than 1e-9, the value at -6.
 *
 *   phi(-a) = e^(a p(a)) / 2, phi(a) = 1 - phi(-a), a >= 0
 *
 * p is a polynomial that was fitted to ln(2 phi(-a)) / a on [0, 6], so that the largest error of
 * a phi(-a), where a is above 0.3, is as small as can be.
 */
SER_INLINE ser_vec ser_vphi(ser_vec x) {
    ser_vec a = ser_select(x < 0.0f, -x, x);
    a = ser_select(a > 6.0f, ser_splat(6.0f), a);
    ser_vec p = a * 2.85502267e-7f - 5.62088508e-6f;
    p = p * a + 4.60751180e-5f;
    p = p * a - 1.78888207e-4f;
    p = p * a - 2.16350545e-5f;
    p = p * a + 4.83653788e-3f;
    p = p * a - 3.63626778e-2f;
    p = p * a - 3.18303466e-1f;
    p = p * a - 7.97885060e-1f;
    ser_vec y = 0.5f * ser_vexp(p * a);
    return ser_select(x < 0.0f, y, 1.0f - y);
}

/* A logarithm of a normal number x > 0 in single precision, relative error below 3e-7. The base is
 * set by octave, the logarithm of 2, and nepers, twice the logarithm of e.
 *
 *   x = 2^e m, sqrt(1/2) <= m < sqrt(2)
 *   ln m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1)
 *
 * |s| < 0.172: the terms after s^9 add less than 1e-9.
 */
SER_INLINE ser_vec ser_vlog(ser_vec x, float octave, float nepers) {
    const int32_t root_half = 0x3f3504f3; /* the bits of sqrt(1/2) */
    ser_ivec bits = (ser_ivec)x, e = (bits - root_half) >> 23;
    ser_vec m = (ser_vec)(bits - (e << 23));
    ser_vec s = (m - 1) / (m + 1), q = s * s;
    ser_vec series = 1 + q * (1.f / 3 + q * (1.f / 5 + q * (1.f / 7 + q * (1.f / 9))));
    return __builtin_convertvector(e, ser_vec) * octave + nepers * s * series;
}

/* Natural logarithm of a normal number x > 0, relative error below 1e-15.
 *
 *   x = 2^e m, m near 1
 *   ln m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1) / (m + 1)
 */
static inline double ser_ln(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m /= 2;
        e++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int k = 23; k >= 1; k -= 2) /* |s| < 0.172: the next term is below 1e-19 */
        sum = sum * s2 + 1.0 / k;
    return e * 0.69314718055994530942 + 2 * s * sum;
}

/* e^x, relative error below 1e-15 for x in [-708, 709]; outside, the value at the nearer end.
 *
 *   x = n ln 2 + r, |r| <= ln 2 / 2
 *   e^x = 2^n e^r: 2^n is made from its bits, e^r by its series
 */
static inline double ser_exp(double x) {
    x = x > 709 ? 709 : x < -708 ? -708 : x;
    int n = (int)(x * 1.44269504088896340736 + (x < 0 ? -0.5 : 0.5));
    /* ln 2 in two parts, of which n times the first is exact. */
    double r = (x - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33, sum = 1;
    for (int k = 16; k >= 1; k--) /* |r| <= 0.35: the next term is below 1e-22 */
        sum = 1 + sum * r / k;
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

/* cos(2 pi t) for t in [0, 1), absolute error below 1e-15: its series, after t is folded into a
 * quarter of a turn. */
static inline double ser_cos_turns(double t) {
    if (t > 0.5)
        t = 1 - t;
    double sign = 1;
    if (t > 0.25) {
        t = 0.5 - t;
        sign = -1;
    }
    double a = 6.28318530717958647693 * t, a2 = a * a, sum = 0;
    for (int k = 22; k >= 0; k -= 2) /* |a| <= pi / 2 */
        sum = 1 - sum * a2 / ((k + 1) * (k + 2));
    return sign * sum;
}

#endif
