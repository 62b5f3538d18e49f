/* progress.h - one line on a terminal's standard error about long work; silence anywhere else. */
#ifndef SER_PROGRESS_H
#define SER_PROGRESS_H

#include <stdint.h>

/* Seconds of a clock that only goes forward. */
double ser_now_s(void);

struct ser_progress {
    int on;
    const char *unit; /* "utterances" */
    uint64_t total;   /* 0: unknown */
    double began_s, shown_s;
};

/* Whether there will be a line: not when quiet, nor when standard error is no terminal. */
int ser_progress_wanted(int quiet);

/* Off when none is wanted; quiet as there. */
void ser_progress_start(struct ser_progress *p, const char *unit, uint64_t total, int quiet);

/* done of total so far: shows count, rate and remaining time, at most ten times a second. */
void ser_progress_show(struct ser_progress *p, uint64_t done);

/* Wipes the line, before other messages and at the end. */
void ser_progress_end(struct ser_progress *p);

#endif
