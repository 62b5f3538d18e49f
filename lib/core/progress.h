/* progress.h - one line about long work, shown only where standard error is a terminal. */
#ifndef SER_PROGRESS_H
#define SER_PROGRESS_H

#include <stdint.h>

/* Seconds since some fixed moment, by a clock that is never set back. */
double ser_now_s(void);

struct ser_progress {
    int on;                  /* 0: shows nothing */
    const char *unit;        /* what is counted: "utterances" */
    uint64_t total;          /* how many there are; 0: unknown */
    double began_s, shown_s; /* time of the start, and of the last line shown */
};

/* 1 if a line will be shown: quiet is 0 and standard error is a terminal. */
int ser_progress_wanted(int quiet);

/* Starts a line, or makes p show nothing where ser_progress_wanted(quiet) is 0. */
void ser_progress_start(struct ser_progress *p, const char *unit, uint64_t total, int quiet);

/* Shows how many are done, the rate and the remaining time, at most ten times a second. */
void ser_progress_show(struct ser_progress *p, uint64_t done);

/* Erases the line. Call it before other messages and at the end. */
void ser_progress_end(struct ser_progress *p);

#endif
