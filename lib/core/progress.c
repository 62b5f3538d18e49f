#include "core/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/core.h"

double ser_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int ser_progress_wanted(int quiet) {
    return !quiet && isatty(STDERR_FILENO);
}

void ser_progress_start(struct ser_progress *p, const char *unit, uint64_t total, int quiet) {
    *p = (struct ser_progress){
        .on = ser_progress_wanted(quiet), .unit = unit, .total = total, .began_s = ser_now_s()};
}

void ser_progress_show(struct ser_progress *p, uint64_t done) {
    double t = p->on ? ser_now_s() : 0;
    if (!p->on || t - p->shown_s < 0.1)
        return;
    p->shown_s = t;
    double rate = (double)done / (t - p->began_s + 1e-9);
    fprintf(stderr, "\r%s: %llu", ser_name(), (unsigned long long)done);
    if (p->total)
        fprintf(stderr, "/%llu", (unsigned long long)p->total);
    fprintf(stderr, " %s, %.0f/s", p->unit, rate);
    if (p->total >= done && p->total && rate > 0)
        fprintf(stderr, ", %.0f s left", (double)(p->total - done) / rate);
    fputs("\033[K", stderr);
    (void)fflush(stderr); /* nobody can be told */
}

void ser_progress_end(struct ser_progress *p) {
    if (p->on && p->shown_s > 0)
        fputs("\r\033[K", stderr);
    p->shown_s = 0;
}
