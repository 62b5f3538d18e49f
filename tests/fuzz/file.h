/* file.h - what a target reads by name: the bytes of an input as a file without a place on disk. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FUZZ_FILES = 8 };

/* The path of file number i, which now holds these bytes; it lasts until the next call for i. */
static inline const char *fuzz_file(int i, const uint8_t *data, size_t size) {
    static int fd[FUZZ_FILES]; /* 0: not made yet */
    static char path[FUZZ_FILES][32];
    if (!fd[i]) {
        fd[i] = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path[i], sizeof path[i], "/proc/self/fd/%d", fd[i]);
    }
    if (fd[i] < 0 || ftruncate(fd[i], 0) || pwrite(fd[i], data, size, 0) != (ssize_t)size)
        abort();
    return path[i];
}

#endif
