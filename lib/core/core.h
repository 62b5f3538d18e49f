/* core.h - what every tool needs: messages, exit codes, memory, numbers.
 *
 * Functions of the library report a failure, also want of memory, in a struct ser_error and return
 * -1 (or NULL); the caller decides what to do. Only the functions under "for tools" below and those
 * of opt.h print messages and end the process.
 *
 *   int main(int argc, char **argv) {
 *       struct ser_error e;
 *       ser_start(argv[0]);
 *       float *x = ecalloc(n, sizeof *x);
 *       must(ser_reader_open(&r, path, "features", &e), &e);
 *       ...
 *   }
 */
#ifndef SER_CORE_H
#define SER_CORE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define SER_VERSION "0.1.0"

#define SER_MUST_CHECK        __attribute__((warn_unused_result))
#define SER_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Exit codes, the same in every tool. */
enum ser_exit {
    SER_OK = 0,    /* done */
    SER_NO = 1,    /* the answer is no: the streams differ, nothing was found */
    SER_USAGE = 2, /* the command line is wrong */
    SER_BAD = 3,   /* the input is wrong */
    SER_SYS = 4,   /* the system failed: no space, no memory, no permission, no such file */
};

/* Why something failed. text reads "FILE: record 17 (ID): what: why", without the program's
 * name. */
struct ser_error {
    int status; /* one of enum ser_exit, never SER_OK once set */
    char text[1600];
};

/* Sets e and returns -1, so that a function can end with `return ser_fail(e, SER_BAD, ...)`. */
int ser_fail(struct ser_error *e, int status, const char *fmt, ...) SER_PRINTF(3, 4);

/* The same with SER_SYS and "out of memory". */
int ser_no_memory(struct ser_error *e);

/* Formats into to[size] like vsnprintf(3). A text that is too long, for example because of a
 * path of thousands of bytes, keeps its beginning and its end, where the reason is, with [...]
 * between. */
void ser_format(char *to, size_t size, const char *fmt, va_list args);

/* The status for a function that reports only that it failed: SER_SYS if memory ran out, else
 * SER_BAD. The caller sets errno to 0 before it calls that function. */
int ser_blame(void);

/* Reads the whole text s as a number: 0, or -1 if it is not a number or outside min..max. Integers
 * are decimal. Reals are read as in the C locale; infinities and not-a-number are refused. */
int ser_parse_int(const char *s, int64_t min, int64_t max, int64_t *out) SER_MUST_CHECK;
int ser_parse_real(const char *s, double min, double max, double *out) SER_MUST_CHECK;

/* Number of processors this process may use, at least 1. */
int ser_cores(void);

/* 1 if the n bytes at s are well-formed UTF-8 without the bytes 0x00..0x1f and 0x7f, else 0. */
int ser_is_text(const char *s, size_t n);

/* ---- for tools: these may print, and end the process ---- */

/* Prepares the process; a tool calls it first. It
 *   - remembers the program's name for messages;
 *   - opens /dev/null for each of the descriptors 0, 1 and 2 that is closed, in a mode in which its
 *     use fails, so that no file opened later is mistaken for a standard stream;
 *   - ignores SIGXFSZ, so that a write beyond a limit of size fails and is reported;
 *   - removes environment variables that would change results. */
void ser_start(const char *argv0);

/* The program's name, without its folder. */
const char *ser_name(void);

/* Prints "NAME: message" to standard error; control characters come out as \xNN. */
void warn(const char *fmt, ...) SER_PRINTF(1, 2);

/* The same, then ends the process with status. */
_Noreturn void die(int status, const char *fmt, ...) SER_PRINTF(2, 3);
_Noreturn void die_error(const struct ser_error *e);

/* Calls die_error if failed is not 0: must(ser_out_close(&o, &e), &e). */
void must(int failed, const struct ser_error *e);

/* Like malloc, calloc, realloc and strdup, but end the process (SER_SYS) without memory. n * size
 * is checked for overflow. The caller frees. eprintf_alloc returns a formatted text. */
void *emalloc(size_t size);
void *ecalloc(size_t n, size_t size);
void *erealloc(void *p, size_t n, size_t size);
char *estrdup(const char *s);
char *eprintf_alloc(const char *fmt, ...) SER_PRINTF(1, 2);

#endif
