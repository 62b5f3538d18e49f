#include "core/core.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program = "ser";

void ser_start(const char *argv0) {
    if (argv0 && *argv0) {
        const char *slash = strrchr(argv0, '/');
        program = slash ? slash + 1 : argv0;
    }
    /* A closed standard stream becomes one that fails: input that cannot be read, output that
     * cannot be written. open() hands out the lowest free number, so each ends up in its place. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(SER_SYS);
    /* A file that would grow over a limit is a write that fails, not the end. */
    signal(SIGXFSZ, SIG_IGN);
    /* libsoxr's settings could come from the environment; results depend on options alone. */
    static const char *const unwanted[] = {
        "SOXR_USE_SIMD",     "SOXR_USE_SIMD32",     "SOXR_USE_SIMD64",
        "SOXR_MIN_DFT_SIZE", "SOXR_LARGE_DFT_SIZE", "SOXR_COEFS_SIZE",
        "SOXR_COEF_INTERP",  "SOXR_NUM_THREADS",    "SOXR_NOSMALLINTOPT"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        unsetenv(unwanted[i]);
}

const char *ser_name(void) {
    return program;
}

void ser_format(char *to, size_t size, const char *fmt, va_list args) {
    static const char gap[] = " [...] ";
    char *all;
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(to, size, fmt, args);
    if (n >= 0 && (size_t)n >= size && vasprintf(&all, fmt, again) >= 0) {
        size_t end = size / 2, begin = size - end - (sizeof gap - 1);
        memcpy(to + begin, gap, sizeof gap - 1);
        memcpy(to + size - end, all + n + 1 - end, end);
        free(all);
    }
    va_end(again);
}

/* One write per message, so that messages of processes that share a terminal stay whole. */
static void print_message(const char *fmt, va_list args) {
    char text[4096], line[3 * sizeof text];
    size_t n = 0;
    ser_format(text, sizeof text, fmt, args);
    n += (size_t)snprintf(line, 256, "%.200s: ", program);
    for (const char *s = text; *s && n < sizeof line - 8; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(line + n, 5, "\\x%02x", c);
        else
            line[n++] = (char)c;
    }
    line[n++] = '\n';
    for (size_t done = 0; done < n;) {
        ssize_t k = write(STDERR_FILENO, line + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break; /* nowhere left to complain */
        done += (size_t)k;
    }
}

void warn(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    print_message(fmt, args);
    va_end(args);
}

void die(int status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    print_message(fmt, args);
    va_end(args);
    exit(status);
}

void die_error(const struct ser_error *e) {
    die(e->status, "%s", e->text);
}

void must(int failed, const struct ser_error *e) {
    if (failed)
        die_error(e);
}

int ser_fail(struct ser_error *e, int status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    e->status = status;
    ser_format(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return -1;
}

int ser_no_memory(struct ser_error *e) {
    return ser_fail(e, SER_SYS, "out of memory");
}

int ser_blame(void) {
    return errno == ENOMEM ? SER_SYS : SER_BAD;
}

void *emalloc(size_t size) {
    return erealloc(NULL, 1, size);
}

void *ecalloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        die(SER_SYS, "out of memory (%zu x %zu bytes)", n, size);
    return p;
}

void *erealloc(void *p, size_t n, size_t size) {
    void *moved = NULL;
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || !(moved = realloc(p, bytes ? bytes : 1)))
        die(SER_SYS, "out of memory (%zu x %zu bytes)", n, size);
    return moved;
}

char *estrdup(const char *s) {
    size_t n = strlen(s) + 1;
    return memcpy(emalloc(n), s, n);
}

char *eprintf_alloc(const char *fmt, ...) {
    char *s;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&s, fmt, args) < 0)
        die(SER_SYS, "out of memory");
    va_end(args);
    return s;
}

int ser_parse_int(const char *s, int64_t min, int64_t max, int64_t *out) {
    char *end;
    if (!isdigit((unsigned char)s[*s == '-' || *s == '+']))
        return -1; /* strtoll would skip spaces and take nothing for 0 */
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end || v < min || v > max)
        return -1;
    *out = v;
    return 0;
}

int ser_parse_real(const char *s, double min, double max, double *out) {
    char *end;
    if (!*s || isspace((unsigned char)*s) || strpbrk(s, "xXnN"))
        return -1; /* no hexadecimal, no nan and inf */
    errno = 0;
    double v = strtod(s, &end);
    if (end == s || *end || !isfinite(v) || v < min || v > max)
        return -1;
    *out = v;
    return 0;
}

int ser_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* Length of the well-formed UTF-8 sequence at s (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

int ser_is_text(const char *s, size_t n) {
    const unsigned char *u = (const unsigned char *)s;
    for (size_t i = 0; i < n;) {
        size_t k = utf8_length(u + i, n - i);
        if (!k || u[i] < 0x20 || u[i] == 0x7f)
            return 0;
        i += k;
    }
    return 1;
}
