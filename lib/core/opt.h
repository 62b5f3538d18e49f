/* opt.h - for tools: one table describes the options of a tool, for parsing, ranges, --help, and
 * the test that compares --help with the manual page.
 *
 *   static struct { int64_t hop; const char *output; int quiet; } opt = {.hop = 512};
 *   static const struct ser_opt options[] = {
 *       {0,   "hop",    SER_OPT_INT,  &opt.hop,    1, 65536, "N",    "samples between frames"},
 *       {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0,     "FILE", "write to FILE"},
 *       {'q', "quiet",  SER_OPT_FLAG, &opt.quiet,  0, 0,     NULL,   "no progress line"},
 *       {0}};
 *   static const struct ser_tool tool = {"[FILE...]", "audio to features", options, "tail text"};
 *   int first = ser_options(argc, argv, &tool);
 *
 * The value that a target has before parsing is the default that --help shows; that of an INT out of
 * its range is none. Every tool also has
 * --help (-h) and --version (-V), which print to standard output and exit 0.
 */
#ifndef SER_OPT_H
#define SER_OPT_H

#include "core/core.h"

/* The limit of every option --seed: a double holds every whole number up to here. */
#define SER_MAX_SEED 0x1p53

enum ser_opt_type {
    SER_OPT_FLAG,   /* int: set to 1 when given */
    SER_OPT_INT,    /* int64_t in min..max */
    SER_OPT_REAL,   /* double in min..max */
    SER_OPT_TEXT,   /* const char *: any text */
    SER_OPT_CHOICE, /* const char *: one of the words in arg, separated by '|' */
    SER_OPT_LIST, /* double[]: numbers in min..max with colons between, as many as arg names, 8 at most */
    SER_OPT_RANGE, /* double[2]: A:B with min <= A <= B <= max; A alone means A:A. A > B before
                     * parsing means "not given" */
};

struct ser_opt {
    int letter;       /* short name; 0: there is none */
    const char *name; /* long name */
    enum ser_opt_type type;
    void *target;     /* where the value goes, of the C type above */
    double min, max;  /* limits of INT, REAL, LIST, RANGE; those of INT lie within -2^53..2^53 */
    const char *arg;  /* name of the value in --help; CHOICE: the words; FLAG: NULL */
    const char *help; /* at most 50 bytes: fits behind the names in a line of 80 */
};

struct ser_tool {
    const char *usage;         /* the operands, behind "usage: NAME [OPTION...] " */
    const char *summary;       /* one line that says what the tool does */
    const struct ser_opt *opt; /* ends with a row whose name is NULL */
    const char *tail;          /* NULL, or lines to print after the options */
};

/* Parses argv and sets the targets. Moves the operands to the end, as getopt_long does, and returns
 * the index of the first. For a wrong option or value, ends the process with SER_USAGE and a
 * message that names the option and its range. */
int ser_options(int argc, char **argv, const struct ser_tool *tool);

/* 1 if the command line gave the option with this long name, else 0. Call it after ser_options. */
int ser_option_given(const char *name);

/* Prints what is wrong, the usage line and a hint at --help, and exits with SER_USAGE. */
_Noreturn void ser_usage(const char *what, ...) SER_PRINTF(1, 2);

/* Exits with SER_USAGE if more than one input is standard input ("-"). Inputs are the operands, an
 * array that ends with NULL, and the values of up to two options (NULL: not given). */
void ser_one_stdin(char *const *operands, const char *first, const char *second);

/* Exits with SER_USAGE if the file output, the value of option (NULL: not given), is also an input.
 * Inputs are given as above. */
void ser_keep_inputs(const char *option, const char *output, char *const *operands,
                     const char *first, const char *second);

/* Exits with SER_USAGE if two outputs, the values of these options ("-": standard output), are one
 * file other than /dev/null. */
void ser_keep_apart(const char *option, const char *output, const char *other_option,
                    const char *other);

#endif
