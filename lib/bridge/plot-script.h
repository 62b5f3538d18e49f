/* plot-script.h - what those who make scripts for gnuplot share (plot.h): plot-script.c, plot-time.c. */
#ifndef SER_PLOT_SCRIPT_H
#define SER_PLOT_SCRIPT_H

#include "bridge/plot-text.h"
#include "bridge/plot.h"

enum {
    SER_PLOT_CLASSES = 40, /* more cannot be read */
    SER_PLOT_CLASS = 20,   /* characters of a class's name */
};

/* A script in the making. */
struct ser_script {
    const struct ser_plot *what;
    struct ser_text text, heading;
    struct ser_error *e;
};

/* These set the script's error and return -1: "NAME: why"; that a text in NAME is none to be drawn. */
int ser_script_bad(struct ser_script *s, const char *name, const char *why);
int ser_script_cannot_show(struct ser_script *s, const char *name);

/* What stands above the picture, unless the user wants another text there. */
#define SER_HEADING(s, ...)                                                                        \
    ((s)->what->title && *(s)->what->title                                                         \
         ? ser_text_printf(&(s)->heading, "%s", (s)->what->title)                                  \
         : ser_text_printf(&(s)->heading, __VA_ARGS__))

/* Puts an array of the labels of an axis, each cut to most characters. Returns the characters of the longest. */
size_t ser_script_names(struct ser_script *s, const char *array, const char *const *list, size_t n,
                        size_t most);

/* ---- the kinds of plot-time.c: each puts the heading, and the data into the script. 0, or -1 ---- */
int ser_script_time(struct ser_script *s);
int ser_script_wave(struct ser_script *s);

#endif
