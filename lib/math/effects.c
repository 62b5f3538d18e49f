#include "math/effects.h"
#include "math/mathfun.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 64, BLOCK = 4 * DRAWS }; /* four numbers a draw */

/* Box-Muller with the angle in the first quadrant, where short series do, and two random signs. The
 * loops have fixed lengths so that compilers make vector code of them. */
static void fill_block(struct ser_key key, uint64_t draw, float z[BLOCK]) {
    float u[BLOCK / 2], angle[BLOCK / 2], radius[BLOCK / 2];
    int32_t sign[BLOCK / 2];
    for (int i = 0; i < DRAWS; i++) {
        uint32_t w[4];
        ser_philox(key, draw + (uint64_t)i, 1, w);
        for (int k = 0; k < 2; k++) {
            u[2 * i + k] = (float)((w[2 * k] >> 8) + 1) * 0x1p-24f; /* in (0, 1] */
            angle[2 * i + k] = (float)(w[2 * k + 1] >> 8) * (1.57079633f * 0x1p-24f);
            sign[2 * i + k] = (int32_t)(w[2 * k + 1] & 3);
        }
    }
    for (int i = 0; i < BLOCK / 2; i += SER_LANES) /* ln u, u in (0, 1] */
        ser_store(radius + i, -2 * ser_vlog(ser_load(u + i, SER_LANES), 0.69314718f, 2), SER_LANES);
    for (int i = 0; i < BLOCK / 2; i++)
        radius[i] = sqrtf(radius[i]);
    for (int i = 0; i < BLOCK / 2; i++) {
        float a = angle[i], q = a * a;
        float c = 1 - q / 2 * (1 - q / 12 * (1 - q / 30 * (1 - q / 56 * (1 - q / 90))));
        float s = a * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110)))));
        z[i] = radius[i] * c * (float)(1 - (sign[i] & 2));
        z[i + BLOCK / 2] = radius[i] * s * (float)(1 - 2 * (sign[i] & 1));
    }
}

void ser_normals(struct ser_key key, size_t n, float *z) {
    float last[BLOCK];
    size_t i = 0;
    for (; n - i >= BLOCK; i += BLOCK)
        fill_block(key, i / 4, z + i);
    if (i < n) {
        fill_block(key, i / 4, last);
        memcpy(z + i, last, (n - i) * sizeof *z);
    }
}

static void add(const float *restrict x, float gain, size_t n, float *restrict y) {
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] + gain * y[i];
}

double ser_energy(const float *x, size_t n) {
    enum { SUMS = 8 }; /* one alone would wait for itself at each sample */
    double sum[SUMS] = {0}, all = 0;
    for (size_t i = 0; i < n; i++)
        sum[i % SUMS] += (double)x[i] * x[i];
    for (int i = 0; i < SUMS; i++)
        all += sum[i];
    return all;
}

/* The same of x around its mean; 0 where x is constant. */
static double energy_around_mean(const float *x, size_t n) {
    double sum = 0, mean, energy = 0;
    size_t same = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - mean;
        energy += d * d;
        same += x[i] == x[0];
    }
    return same < n ? energy : 0;
}

int ser_is_silent(const float *x, size_t n) {
    enum { LANES = 8 }; /* side by side, so that the compiler can use vectors */
    double sum[LANES] = {0};
    float low[LANES], high[LANES];
    for (int l = 0; l < LANES; l++)
        low[l] = high[l] = x[0];
    for (size_t i = 0; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) {
            float v = x[i + (size_t)l];
            sum[l] += v;
            low[l] = v < low[l] ? v : low[l];
            high[l] = v > high[l] ? v : high[l];
        }
    for (size_t i = n - n % LANES; i < n; i++) {
        sum[0] += x[i];
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
    }
    for (int l = 1; l < LANES; l++) {
        sum[0] += sum[l];
        low[0] = low[l] < low[0] ? low[l] : low[0];
        high[0] = high[l] > high[0] ? high[l] : high[0];
    }
    double mean = sum[0] / (double)n;
    return high[0] - mean < SER_SILENCE && mean - low[0] < SER_SILENCE;
}

void ser_noise(struct ser_key key, double amplitude, const float *x, size_t n, float *y) {
    ser_normals(key, n, y);
    add(x, (float)amplitude, n, y);
}

int ser_noise_snr(struct ser_key key, double snr_db, const float *x, size_t n, float *y) {
    double signal = energy_around_mean(x, n);
    if (!(signal > 0))
        return -1;
    ser_normals(key, n, y);
    /* Against the noise that was drawn, not its expectation: short sounds meet the ratio too. */
    double noise = ser_energy(y, n);
    double gain = noise > 0 ? sqrt(signal / noise * pow(10, -snr_db / 10)) : 0;
    add(x, (float)gain, n, y);
    return 0;
}

void ser_shift(const float *x, size_t n, int64_t by, float *y) {
    size_t gap = (size_t)(by < 0 ? -by : by);
    if (gap > n)
        gap = n;
    memset(by < 0 ? y + (n - gap) : y, 0, gap * sizeof *y);
    memcpy(by < 0 ? y : y + gap, by < 0 ? x + gap : x, (n - gap) * sizeof *y);
}
