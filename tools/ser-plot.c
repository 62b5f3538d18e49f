/* ser-plot - pictures of tables, predictions, features and audio, drawn by gnuplot. */
#include <stdlib.h>
#include <string.h>

#include "bridge/names.h"
#include "bridge/plot.h"
#include "core/opt.h"
#include "core/out.h"

static struct {
    const char *output, *title, *key, *model;
    double step;
    int png;
} opt = {.step = 0.5};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'p', "png", SER_OPT_FLAG, &opt.png, 0, 0, NULL, "PNG, twice as many pixels"},
    {'t', "title", SER_OPT_TEXT, &opt.title, 0, 0, "TEXT", "the line above the picture"},
    {'k', "key", SER_OPT_TEXT, &opt.key, 0, 0, "KEY", "mfcc, time: what to draw, not the first"},
    {'m', "model", SER_OPT_TEXT, &opt.model, 0, 0, "MODEL",
     "wave: show the emotion over time, by it"},
    {0, "step", SER_OPT_REAL, &opt.step, 0.01, 3600, "S",
     "wave: seconds from one window to the next"},
    {0}};

static const struct ser_tool tool = {
    "KIND [FILE...]", "Draws a picture of FILE, or of standard input, as SVG.", options,
    "curves       of a training: loss, accuracy, learning rate (ser-train --log)\n"
    "confusion    counts and rates of predictions (ser-score), from one or more files\n"
    "reliability  whether predictions are as sure as they are right, likewise\n"
    "speakers     accuracy of each speaker, likewise\n"
    "manifest     utterances by emotion and speaker, and by part after ser-split\n"
    "mfcc         features of one utterance (ser-mfcc)\n"
    "tune         a search: its trials, rungs and options (search.tsv of tune.mk)\n"
    "wave         an audio file\n"
    "time         emotions over time (ser-score of windows, ser-mfcc --every)"};

static void need_text(const char *option, const char *value) {
    if (value && !*value)
        ser_usage("%s: empty", option);
}

/* File names and the title may become a part of the picture. */
static void need_letters(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; s && *s; s++)
        if (*s < 0x20 || *s == 0x7f)
            ser_usage("'%s': control characters, which no picture can show", text);
}

static int takes_predictions(enum ser_plot_kind kind) {
    return kind == SER_PLOT_CONFUSION || kind == SER_PLOT_RELIABILITY || kind == SER_PLOT_SPEAKERS;
}

/* What the command line asks for; files, up to NULL, are its operands after the kind. */
static struct ser_plot asked(const char *kind, char **files) {
    struct ser_plot what = {
        .title = opt.title, .key = opt.key, .model = opt.model, .step_s = opt.step, .png = opt.png};
    int k = ser_plot_kind(kind);
    if (k < 0)
        ser_usage("'%s' is none of " SER_PLOT_NAMES, kind);
    what.kind = (enum ser_plot_kind)k;
    what.path = files[0];
    if (files[0] && files[1] && !takes_predictions(what.kind))
        ser_usage("%s: one FILE is meant", kind);
    need_text("--output", opt.output);
    need_text("--key", opt.key);
    need_text("--model", opt.model);
    need_letters(opt.title);
    for (char **f = files; *f; f++)
        need_letters(*f);
    if (opt.title && !ser_plot_shows(opt.title, strlen(opt.title)))
        ser_usage("--title: not UTF-8 text that a picture can show");
    if (opt.key && what.kind != SER_PLOT_MFCC && what.kind != SER_PLOT_TIME)
        ser_usage("--key belongs to mfcc and time");
    if (opt.model && what.kind != SER_PLOT_WAVE)
        ser_usage("--model belongs to wave");
    if (!opt.model && ser_option_given("step"))
        ser_usage("--step belongs to --model");
    return what;
}

/* The predictions of all files (none: of standard input), scored. */
static void evaluate(struct ser_evaluation *v, char **files) {
    struct ser_error e;
    char text[1600];
    int failed;
    do {
        int before = v->files;
        failed = ser_evaluation_read(v, *files, &e);
        if (v->files > before && ser_predictions_left_out(&v->file[before], text, sizeof text))
            warn("%s", text);
    } while (!failed && *files && *++files);
    must(failed, &e);
    must(ser_evaluation_score(v, SER_DRAWS, SER_DRAWS_SEED, &e), &e);
}

int main(int argc, char **argv) {
    struct ser_evaluation v = {0};
    struct ser_picture picture;
    struct ser_error e;
    struct ser_out out;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (first == argc)
        ser_usage("which kind of picture?");
    char **files = argv + first + 1;
    struct ser_plot what = asked(argv[first], files);
    must(ser_model_find(&opt.model, &e), &e);
    what.model = opt.model;
    ser_one_stdin(files, opt.model, *files ? NULL : "-");
    ser_keep_inputs("--output", opt.output, files, opt.model, NULL);
    must(ser_out_open(&out, opt.output, opt.png, &e), &e);
    if (takes_predictions(what.kind)) {
        evaluate(&v, files);
        what.evaluation = &v;
    }
    if (ser_plot_draw(&what, &picture, &e)) {
        if (e.status == SER_USAGE)
            ser_usage("%s", e.text);
        die_error(&e);
    }
    ser_out_write(&out, picture.data, picture.len);
    must(ser_out_close(&out, &e), &e);
    free(picture.data);
    ser_evaluation_free(&v);
    return SER_OK;
}
