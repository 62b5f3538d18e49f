#include "math/trim.h"

#include "math/effects.h"
#include "math/mathfun.h"

#include <math.h>

/* A frame is so many pieces of HOP samples; BEFORE of them lie before its middle. */
enum { HOP = 512, PIECES = 4, BEFORE = 2 };

/* The sum of squares of piece i, which is 0 outside of x[n]. */
static double piece(const float *x, size_t n, size_t i) {
    size_t at = i * HOP;
    return at < n ? ser_energy(x + at, n - at < HOP ? n - at : HOP) : 0;
}

/* The mean squares of the frames, one after the other: zeros first, and next_frame gives those of frame 0, 1,
 * and so on. */
struct frames {
    double piece[PIECES]; /* of the last frame */
    size_t next;          /* the piece that follows them, if begun */
    int begun;
};

static double next_frame(struct frames *f, const float *x, size_t n) {
    for (size_t missing = f->begun ? 1 : PIECES - BEFORE; missing; missing--) {
        for (int i = 1; i < PIECES; i++)
            f->piece[i - 1] = f->piece[i];
        f->piece[PIECES - 1] = piece(x, n, f->next++);
    }
    f->begun = 1;
    double sum = 0;
    for (int i = 0; i < PIECES; i++)
        sum += f->piece[i];
    return fmax(1e-10, sum / (PIECES * HOP));
}

void ser_trim(const float *x, size_t n, double db, size_t margin, size_t *from, size_t *count) {
    size_t frames = 1 + n / HOP, first = frames, last = 0;
    double loudest = 0;
    struct frames f = {{0}, 0, 0};
    for (size_t t = 0; t < frames; t++)
        loudest = fmax(loudest, next_frame(&f, x, n));
    /* A decibel is ln 10 / 10. However few they are, the loudest frame itself is sound. */
    double limit = fmin(loudest * ser_exp(-db * 0.230258509299404568402), nextafter(loudest, 0));
    f = (struct frames){{0}, 0, 0};
    for (size_t t = 0; t < frames; t++)
        if (next_frame(&f, x, n) > limit) {
            first = t < first ? t : first;
            last = t;
        }
    size_t begin = first * HOP, end = (last + 1) * HOP;
    *from = begin > margin ? begin - margin : 0;
    *count = (n - margin > end && n > margin ? end + margin : n) - *from;
}
