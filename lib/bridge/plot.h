/* plot.h - pictures of tables, predictions, features and audio, as SVG or PNG, by gnuplot.
 *
 *   struct ser_plot what = {.kind = SER_PLOT_CONFUSION, .evaluation = &v};
 *   struct ser_picture picture;
 *   if (ser_plot_draw(&what, &picture, &e))
 *       ...
 *   ser_out_write(&out, picture.data, picture.len);
 *   free(picture.data);
 *
 * A picture is made in two steps. ser_plot_script makes text for gnuplot of the data: variables,
 * named blocks of numbers, then what draws this kind (tools/plots/KIND.gp, which is part of the
 * program). ser_plot_run starts gnuplot on it, once, without a shell and without a file. What comes
 * from data reaches gnuplot as numbers that were checked, and as texts in single quotes, where it
 * expands nothing.
 *
 * The same input gives the same bytes, with one version of gnuplot and, for PNG, of its fonts.
 */
#ifndef SER_PLOT_H
#define SER_PLOT_H

#include "bridge/evaluation.h"

enum ser_plot_kind {
    SER_PLOT_CURVES,      /* the log of a training (ser-train --log): path */
    SER_PLOT_CONFUSION,   /* counts and rates: evaluation */
    SER_PLOT_RELIABILITY, /* accuracy by confidence: evaluation, with probabilities */
    SER_PLOT_SPEAKERS,    /* accuracy of each speaker: evaluation, with speakers */
    SER_PLOT_MANIFEST,    /* utterances by emotion and speaker, and by part: path */
    SER_PLOT_MFCC,        /* features of one record of a stream: path, key */
    SER_PLOT_TUNE,        /* the results of a search (bridge/tuning.h): path */
    SER_PLOT_WAVE,        /* an audio file: path; over time by a model: model, step_s */
    SER_PLOT_TIME,        /* windows over time (bridge/timeline.h): path, key */
    SER_PLOTS
};

/* What --help calls them. */
extern const char *const ser_plot_name[SER_PLOTS];

/* The names of all kinds with | between them, for messages. */
#define SER_PLOT_NAMES "curves|confusion|reliability|speakers|manifest|mfcc|tune|wave|time"

/* The kind of this name, or -1. */
int ser_plot_kind(const char *name);

/* What is to be drawn. All texts are borrowed; fields that are not the kind's are not looked at. */
struct ser_plot {
    enum ser_plot_kind kind;
    const char *path;                        /* NULL, "-": standard input */
    const struct ser_evaluation *evaluation; /* scored */
    const char *title; /* the line above the picture; NULL or "": one that tells of the data */
    const char *key;   /* the record, the recording; NULL: the first */
    const char *model; /* NULL: the waveform alone */
    double step_s;     /* from the start of one of its windows to that of the next, above 0 */
    int png;           /* PNG with twice as many pixels, not SVG */
    /* SVG as a part of a page: it begins with <svg, what it is called is the attribute aria-label
     * and no title, and its ids begin with this text, which is made of letters, digits and - and is
     * another for each picture. NULL: a file of its own. */
    const char *id;
    const char *label; /* what it is called where it is not seen, as plain text; NULL: its kind and
                          its title */
};

struct ser_picture {
    char *data; /* SVG text or PNG bytes; the caller frees */
    size_t len;
};

struct ser_plot_script {
    char *text; /* len bytes for gnuplot */
    size_t len;
    char *heading; /* the line above the picture */
};

/* Draws. 0, or -1 with e set (nothing to free): SER_BAD for input that is damaged or not what this kind is drawn of, or with text that
 * cannot be shown; SER_SYS if a file cannot be read, memory ends, gnuplot fails or is not installed
 * (e names the package). */
int ser_plot_draw(const struct ser_plot *what, struct ser_picture *out,
                  struct ser_error *e) SER_MUST_CHECK;

/* The first step alone: reads the data and makes the text for gnuplot; the caller frees it. */
int ser_plot_script(const struct ser_plot *what, struct ser_plot_script *script,
                    struct ser_error *e) SER_MUST_CHECK;
void ser_plot_script_free(struct ser_plot_script *script);

/* The second step: runs gnuplot on a script that was made of what. */
int ser_plot_run(const struct ser_plot *what, const struct ser_plot_script *script,
                 struct ser_picture *out, struct ser_error *e) SER_MUST_CHECK;

/* The version of gnuplot as it says it itself, "5.4 patchlevel 4". 0, or -1 with e set. */
int ser_plot_version(char *to, size_t size, struct ser_error *e) SER_MUST_CHECK;

/* 1 if the n bytes at s are text that a picture can show: UTF-8 without control characters, without
 * what XML forbids, and without U+E000 to U+E002, which stand for markup on the way through
 * gnuplot. */
int ser_plot_shows(const char *s, size_t n);

#endif
