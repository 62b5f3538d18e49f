/* tempo.h - speech faster or slower at the same pitch, by SoX's tempo effect (WSOLA: pieces are
 * moved to where they continue one another best, and cross-faded). Bridge: uses the core.
 *
 * libsox keeps state in global variables and may end the process, so it runs in a child of its own,
 * which serves one caller; callers on several threads have one each.
 */
#ifndef SER_TEMPO_H
#define SER_TEMPO_H

#include "core.h"

#define SER_TEMPO_MIN 0.1 /* what SoX takes */
#define SER_TEMPO_MAX 10.0

struct ser_tempo {
    int fd; /* a socket to the child */
    int pid;
};

/* Starts the child; before any thread, since it forks. Ends the process (SER_SYS) on failure. */
void ser_tempo_start(struct ser_tempo *t);

/* Plays x[n] at factor times its tempo (SER_TEMPO_MIN..SER_TEMPO_MAX) into y[m]: cut, or filled
 * with zeros, to that length; n / factor is what there is. Full scale is not a limit: x is scaled
 * on the way. The same samples in give the same samples out. 0, or -1 with e set (SER_SYS: the
 * child ended); name is for the message. */
int ser_tempo_run(struct ser_tempo *t, const float *x, size_t n, int rate_hz, double factor,
                  float *y, size_t m, const char *name, struct ser_error *e) SER_MUST_CHECK;

/* Ends the child and waits for it. */
void ser_tempo_stop(struct ser_tempo *t);

#endif
