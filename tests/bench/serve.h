/* serve.h - what the programs of the benchmark share.
 *
 * Each waits for requests, a line each on standard input, and answers each with a line on standard
 * output, most often a time in seconds. So one run can ask us and a peer in turn, and both have
 * started long before.
 */
#ifndef TESTS_BENCH_SERVE_H
#define TESTS_BENCH_SERVE_H

#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_REQUEST = 1 << 17 };

/* Answers each line without its newline until the input ends. */
static inline void serve(void (*answer)(char *request)) {
    char *line = emalloc(MAX_REQUEST);
    while (fgets(line, MAX_REQUEST, stdin)) {
        char *end = line;
        while (*end && *end != '\n')
            end++;
        if (!*end)
            die(SER_USAGE, "a request has no end or more than %d bytes", MAX_REQUEST);
        *end = '\0';
        answer(line);
        if (fflush(stdout))
            die(SER_SYS, "cannot write the answer");
    }
    free(line);
}

static inline double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline int by_size(const void *a, const void *b) {
    double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

/* Of n numbers, n >= 1, which are sorted. */
static inline double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, by_size);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

#endif
