/* read_npy.h - reads a NumPy .npy file of float32 in C order, for unit tests. */
#ifndef TESTS_READ_NPY_H
#define TESTS_READ_NPY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct npy {
    size_t rows, columns; /* one dimension: a single row */
    float *data;          /* [rows, columns], malloc'ed */
};

/* 0, or -1 if path cannot be read as such a file. */
static int npy_read(const char *path, struct npy *a) {
    unsigned char start[10];
    char header[4096] = "";
    *a = (struct npy){0};
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    size_t length = 0;
    if (fread(start, 1, sizeof start, f) == sizeof start && !memcmp(start, "\x93NUMPY\x01", 7))
        length = start[8] + 256u * start[9];
    if (length && length < sizeof header && fread(header, 1, length, f) == length &&
        strstr(header, "'<f4'") && strstr(header, "'fortran_order': False")) {
        const char *shape = strstr(header, "'shape': (");
        int got = shape ? sscanf(shape, "'shape': (%zu, %zu", &a->rows, &a->columns) : 0;
        if (got == 1) {
            a->columns = a->rows;
            a->rows = 1;
        }
        size_t n = got > 0 ? a->rows * a->columns : 0;
        a->data = malloc(n * sizeof *a->data + 1);
        if (!got || !a->data || fread(a->data, sizeof *a->data, n, f) != n || fgetc(f) != EOF) {
            free(a->data);
            a->data = NULL;
        }
    }
    fclose(f);
    return a->data ? 0 : -1;
}

#endif
