#include "nn/layers/orthogonal.h"
#include <math.h>
#include <stdlib.h>

void ser_init_orthogonal(float *u, int U, int gates, struct ser_key key, uint64_t first) {
    size_t n = (size_t)gates * (size_t)U;
    double *q = malloc((size_t)U * n * sizeof *q);
    if (!q)
        return; /* errno says so to who wants these weights */
    for (int r = 0; r < U; r++) {
        double *row = q + (size_t)r * n, norm = 0;
        for (size_t i = 0; i < n; i++)
            row[i] = ser_normal(key, first + (size_t)r * n + i);
        for (int s = 0; s < 2 * r; s++) {
            const double *other = q + (size_t)(s % r) * n;
            double dot = 0;
            for (size_t i = 0; i < n; i++)
                dot += row[i] * other[i];
            for (size_t i = 0; i < n; i++)
                row[i] -= dot * other[i];
        }
        for (size_t i = 0; i < n; i++)
            norm += row[i] * row[i];
        for (size_t i = 0; i < n; i++) {
            row[i] /= sqrt(norm);
            u[(size_t)r * n + i] = (float)row[i];
        }
    }
    free(q);
}
