/* picture.h - draws what is current (current.h) as lines of characters: the emotion, a bar for each class, a
 * meter of the level, and the last minutes as a strip.
 *
 * What there is no room for is left out, the least important first. Nothing of the table reaches the output but as
 * characters that have a width: what a terminal might take for a command becomes a question mark. Characters are
 * those of the locale (LC_CTYPE), which the caller has set.
 */
#ifndef SER_PICTURE_H
#define SER_PICTURE_H

#include "bridge/current.h"
#include "core/out.h"

enum { SER_PICTURE_SIDE = 1000 };

struct ser_drawing {
    double span_s; /* how long the strip is */
    int utf8;      /* 1: the locale has block characters; 0: ASCII */
    int colour;    /* 1: the 16 colours of ECMA-48; 0: letters */
    int keys;      /* 1: tells what key quits */
};

/* Draws at most so many columns and rows, each 1..SER_PICTURE_SIDE: each line at its place on a screen (placed), which is
 * cleared behind it, or one after the other. */
void ser_picture_draw(const struct ser_current *c, const struct ser_drawing *p, struct ser_out *o,
                      int columns, int rows, int placed);

/* One line of at most 79 columns about the last row, for terminals that cannot be drawn on. */
void ser_picture_line(const struct ser_current *c, const struct ser_drawing *p, struct ser_out *o);

#endif
