/* opt.h - for tools: one table describes a tool's options: parsing, ranges, --help and the manual's
 * check.
 *
 *   static struct { int64_t hop; const char *output; int quiet; } opt = {.hop = 512};
 *   static const struct ser_opt options[] = {
 *       {0,   "hop",    SER_OPT_INT,  &opt.hop,    1, 65536, "SAMPLES", "hop between frames"},
 *       {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0,     "FILE",    "write FILE"},
 *       {'q', "quiet",  SER_OPT_FLAG, &opt.quiet,  0, 0,     NULL,      "no progress line"},
 *       {0}};
 *   static const struct ser_tool tool = {"[FILE...]", "audio to features", options, "tail text"};
 *   int first = ser_options(argc, argv, &tool);
 *
 * The value that a target has before parsing is the default that --help shows. Every tool also has
 * --help (-h) and --version (-V), which print to standard output and exit 0.
 */
#ifndef SER_OPT_H
#define SER_OPT_H

#include "core/core.h"

#define SER_MAX_SEED 0x1p53 /* of every option --seed: up to here a double counts */

enum ser_opt_type {
    SER_OPT_FLAG,   /* int: 0, 1 when given */
    SER_OPT_INT,    /* int64_t in min..max */
    SER_OPT_REAL,   /* double in min..max */
    SER_OPT_TEXT,   /* const char *: any text */
    SER_OPT_CHOICE, /* const char *: one of the words in arg, separated by '|' */
    SER_OPT_RANGE,  /* double[2]: A:B in min..max, A <= B; A alone: A:A. Default A > B: none */
};

struct ser_opt {
    int letter; /* 0: long name only */
    const char *name;
    enum ser_opt_type type;
    void *target;
    double min, max; /* of INT, REAL, RANGE; of INT at most 2^53 either way */
    const char *arg; /* what --help calls the value; CHOICE: the words; FLAG: NULL */
    const char *help;
};

struct ser_tool {
    const char *usage;         /* what follows "usage: NAME [OPTION...] " */
    const char *summary;       /* one line */
    const struct ser_opt *opt; /* ends with a row whose name is NULL */
    const char *tail;          /* NULL, or lines printed after the options */
};

/* Parses argv; returns the index of the first operand (operands are moved to the end, as
 * getopt_long does). Ends the process with SER_USAGE and a message that names the option and its
 * range. */
int ser_options(int argc, char **argv, const struct ser_tool *tool);

/* 1 if the command line gave the option of this long name, else 0. After ser_options. */
int ser_option_given(const char *name);

/* "usage: NAME ..." with what, and a hint at --help; exits with SER_USAGE. */
_Noreturn void ser_usage(const char *what, ...) SER_PRINTF(1, 2);

/* Refuses a command line that names standard input twice: the operands, up to NULL, and the values
 * of two options (NULL: not given). */
void ser_one_stdin(char *const *operands, const char *first, const char *second);

/* Refuses a command line by which output, the value of option (NULL: not given), would be written
 * over an input: over one of the same three. */
void ser_keep_inputs(const char *option, const char *output, char *const *operands,
                     const char *first, const char *second);

#endif
