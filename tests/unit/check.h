/* check.h - what a unit program prints: a line a check. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdarg.h>
#include <stdio.h>

static int failed;

/* Prints "ok - what" or "not ok - what"; returns good. */
__attribute__((format(printf, 2, 3))) static int check(int good, const char *what, ...) {
    va_list args;
    printf("%s - ", good ? "ok" : "not ok");
    va_start(args, what);
    vprintf(what, args);
    va_end(args);
    putchar('\n');
    failed += !good;
    return good;
}

#endif
