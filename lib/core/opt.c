#include "core/opt.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/out.h"

static const struct ser_tool *current; /* for ser_usage */

enum { MAX_OPTIONS = 64, FIRST_LONG = 256, LEFT = 30, WIDTH = 80 };

static unsigned char given[MAX_OPTIONS]; /* by row of the table */

/* ---- help ---- */

/* A limit in few letters: 100000, 1e-12, 2^53. */
static const char *limit(double v, char text[32]) {
    if (v == SER_MAX_SEED)
        return "2^53";
    snprintf(text, 32, v == floor(v) && fabs(v) < 1e7 ? "%.0f" : "%g", v);
    return text;
}

/* "[40, 1..100000]" or "[mfcc]": the default, if there is one, and the range of a number; a default
 * out of the range stands for none. Returns
 * the length, 0 where there is neither. */
static int format_values(const struct ser_opt *p, char text[128]) {
    const double *range = p->target;
    const int64_t *whole = p->target;
    char before[64] = "", low[32], high[32];
    text[0] = '\0';
    if (p->type == SER_OPT_FLAG)
        return 0;
    if (p->type == SER_OPT_TEXT || p->type == SER_OPT_CHOICE) {
        const char *word = *(const char *const *)p->target;
        return word ? snprintf(text, 128, "[%s]", word) : 0;
    }
    if (p->type == SER_OPT_INT && ((double)*whole < p->min || (double)*whole > p->max))
        ; /* it has none */
    else if (p->type == SER_OPT_INT)
        snprintf(before, sizeof before, "%lld, ", (long long)*whole);
    else if (p->type == SER_OPT_REAL)
        snprintf(before, sizeof before, "%g, ", *range);
    else if (p->type == SER_OPT_RANGE && range[0] <= range[1])
        snprintf(before, sizeof before, "%g:%g, ", range[0], range[1]);
    return snprintf(text, 128, "[%s%s..%s]", before, limit(p->min, low), limit(p->max, high));
}

/* The text stands in the right column, or below where what is left of it is too long for one line
 * with both; default and range (values, or "") stand behind the text, or below it likewise. */
static void print_option(struct ser_out *o, int letter, const char *name, const char *arg,
                         const char *help, const char *values) {
    char left[128];
    int n =
        snprintf(left, sizeof left, "  %c%c%s --%s%s%s", letter ? '-' : ' ', letter ? letter : ' ',
                 letter ? "," : " ", name, arg ? " " : "", arg ? arg : "");
    int right = (int)strlen(help) + (*values != '\0') + (int)strlen(values);
    if (n < LEFT)
        ser_out_printf(o, "%-*s%s", LEFT, left, help);
    else if (n + 2 + right <= WIDTH)
        ser_out_printf(o, "%s  %s", left, help);
    else
        ser_out_printf(o, "%s\n%*s%s", left, LEFT, "", help);
    if (*values && LEFT + right > WIDTH)
        ser_out_printf(o, "\n%*s%s\n", LEFT, "", values);
    else
        ser_out_printf(o, "%s%s\n", *values ? " " : "", values);
}

static void print_help(const struct ser_tool *t) {
    struct ser_out o;
    struct ser_error e;
    must(ser_out_open(&o, NULL, 0, &e), &e);
    ser_out_printf(&o, "usage: %s [OPTION...] %s\n%s\n\n", ser_name(), t->usage, t->summary);
    for (const struct ser_opt *p = t->opt; p->name; p++) {
        char values[128];
        format_values(p, values);
        print_option(&o, p->letter, p->name, p->arg, p->help, values);
    }
    print_option(&o, 'h', "help", NULL, "this text", "");
    print_option(&o, 'V', "version", NULL, "the version", "");
    if (t->tail)
        ser_out_printf(&o, "\n%s\n", t->tail);
    must(ser_out_close(&o, &e), &e);
    exit(SER_OK);
}

static void print_version(void) {
    struct ser_out o;
    struct ser_error e;
    must(ser_out_open(&o, NULL, 0, &e), &e);
    ser_out_printf(&o, "%s (ser) %s\n", ser_name(), SER_VERSION);
    must(ser_out_close(&o, &e), &e);
    exit(SER_OK);
}

void ser_usage(const char *what, ...) {
    char text[1024];
    va_list args;
    va_start(args, what);
    ser_format(text, sizeof text, what, args);
    va_end(args);
    warn("%s", text);
    if (current)
        warn("usage: %s [OPTION...] %s (see --help)", ser_name(), current->usage);
    exit(SER_USAGE);
}

static int is_stdin(const char *path) {
    return path && strcmp(path, "-") == 0;
}

void ser_one_stdin(char *const *operands, const char *first, const char *second) {
    int n = is_stdin(first) + is_stdin(second);
    for (; *operands; operands++)
        n += is_stdin(*operands);
    if (n > 1)
        ser_usage("only one input can be standard input, not %d", n);
}

static void keep(const char *option, const char *output, const char *input) {
    struct ser_error e;
    if (!output || !input || is_stdin(output) || is_stdin(input))
        return;
    int same = ser_same_file(output, input, &e);
    must(same < 0, &e);
    if (same)
        ser_usage("%s '%s' would be written over the input '%s'", option, output, input);
}

void ser_keep_inputs(const char *option, const char *output, char *const *operands,
                     const char *first, const char *second) {
    for (; *operands; operands++)
        keep(option, output, *operands);
    keep(option, output, first);
    keep(option, output, second);
}

static int is_one_output(const char *a, const char *b) {
    if (strcmp(a, b) == 0)
        return strcmp(a, "/dev/null") != 0;
    struct ser_error e;
    int same = ser_same_file(is_stdin(a) ? "/dev/stdout" : a, is_stdin(b) ? "/dev/stdout" : b, &e);
    must(same < 0, &e);
    return same;
}

void ser_keep_apart(const char *option, const char *output, const char *other_option,
                    const char *other) {
    if (is_one_output(output, other))
        ser_usage("%s '%s' and %s '%s' would be written over each other", option, output,
                  other_option, other);
}

/* ---- values ---- */

static int is_word_of(const char *words, const char *value) {
    size_t n = strlen(value);
    if (strchr(value, '|'))
        return 0;
    for (const char *w = words; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL)
        if (n && strncmp(w, value, n) == 0 && (w[n] == '|' || !w[n]))
            return 1;
    return 0;
}

static int parse_range(const char *s, double min, double max, double out[2]) {
    char first[64];
    const char *colon = strchr(s, ':');
    size_t n = colon ? (size_t)(colon - s) : strlen(s);
    if (n >= sizeof first)
        return -1;
    memcpy(first, s, n);
    first[n] = '\0';
    double r[2];
    if (ser_parse_real(first, min, max, &r[0]) ||
        ser_parse_real(colon ? colon + 1 : first, min, max, &r[1]) || r[0] > r[1])
        return -1;
    memcpy(out, r, sizeof r);
    return 0;
}

/* A number for each of the names, which have colons between them as the numbers have; in out only
 * if all are good. */
static int parse_list(const char *s, const char *names, double min, double max, double *out) {
    double list[8];
    for (int i = 0; i < 8; names++, s++) {
        char word[64];
        size_t n = strcspn(s, ":");
        if (n >= sizeof word)
            return -1;
        memcpy(word, s, n);
        word[n] = '\0';
        names += strcspn(names, ":");
        s += n;
        if (ser_parse_real(word, min, max, &list[i++]) || *s != *names)
            return -1;
        if (!*s) {
            memcpy(out, list, (size_t)i * sizeof *out);
            return 0;
        }
    }
    return -1;
}

static void set(const struct ser_opt *p, const char *value) {
    switch (p->type) {
    case SER_OPT_FLAG:
        *(int *)p->target = 1;
        return;
    case SER_OPT_INT:
        if (ser_parse_int(value, (int64_t)p->min, (int64_t)p->max, p->target))
            ser_usage("--%s: '%s' is not a whole number from %.0f to %.0f", p->name, value, p->min,
                      p->max);
        return;
    case SER_OPT_REAL:
        if (ser_parse_real(value, p->min, p->max, p->target))
            ser_usage("--%s: '%s' is not a number from %g to %g", p->name, value, p->min, p->max);
        return;
    case SER_OPT_LIST:
        if (parse_list(value, p->arg, p->min, p->max, p->target))
            ser_usage("--%s: '%s' is not %s, each a number from %g to %g", p->name, value, p->arg,
                      p->min, p->max);
        return;
    case SER_OPT_RANGE:
        if (parse_range(value, p->min, p->max, p->target))
            ser_usage("--%s: '%s' is not A:B with %g <= A <= B <= %g", p->name, value, p->min,
                      p->max);
        return;
    case SER_OPT_CHOICE:
        if (!is_word_of(p->arg, value))
            ser_usage("--%s: '%s' is none of %s", p->name, value, p->arg);
        /* fall through */
    case SER_OPT_TEXT:
        *(const char **)p->target = value;
    }
}

int ser_options(int argc, char **argv, const struct ser_tool *tool) {
    struct option lng[MAX_OPTIONS + 3];
    char letters[2 * MAX_OPTIONS + 8];
    int n = 0, l = 0;
    current = tool;
    letters[l++] = ':'; /* getopt keeps silent, the messages are ours */
    for (const struct ser_opt *p = tool->opt; p->name; p++, n++) {
        if (n == MAX_OPTIONS)
            die(SER_SYS, "more than %d options in a table", MAX_OPTIONS);
        lng[n] = (struct option){p->name, p->type != SER_OPT_FLAG, NULL, FIRST_LONG + n};
        if (p->letter) {
            letters[l++] = (char)p->letter;
            if (p->type != SER_OPT_FLAG)
                letters[l++] = ':';
        }
    }
    lng[n++] = (struct option){"help", 0, NULL, 'h'};
    lng[n++] = (struct option){"version", 0, NULL, 'V'};
    lng[n] = (struct option){0};
    letters[l++] = 'h';
    letters[l++] = 'V';
    letters[l] = '\0';

    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, letters, lng, NULL)) != -1;) {
        if (c == 'h')
            print_help(tool);
        if (c == 'V')
            print_version();
        if (c == ':')
            ser_usage("option '%s' needs a value", argv[optind - 1]);
        if (c == '?') {
            /* 0: an unknown long option; a known one: it was given a value that it does not take */
            if (optopt && optopt < FIRST_LONG && !strchr(letters, optopt))
                ser_usage("unknown option '-%c'", optopt);
            ser_usage("unknown, ambiguous or wrongly used option '%s'", argv[optind - 1]);
        }
        const struct ser_opt *p = tool->opt;
        if (c >= FIRST_LONG)
            p += c - FIRST_LONG;
        else
            while (p->letter != c)
                p++;
        set(p, optarg);
        given[p - tool->opt] = 1;
    }
    return optind;
}

int ser_option_given(const char *name) {
    for (int i = 0; current && current->opt[i].name; i++)
        if (strcmp(current->opt[i].name, name) == 0)
            return given[i];
    return 0;
}
