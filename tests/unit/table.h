/* table.h - a table of text for what reads one by its path. */
#ifndef TESTS_TABLE_H
#define TESTS_TABLE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Opens a table of this text, in which blanks are tabs, and writes its path; the descriptor, to be closed by
 * the caller, or -1. */
static int open_text(const char *text, char path[64]) {
    int fd = memfd_create("table", MFD_CLOEXEC);
    for (const char *s = text; fd >= 0 && *s; s++)
        if (write(fd, *s == ' ' ? "\t" : s, 1) != 1) {
            close(fd);
            fd = -1;
        }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
