/* read_npy.h - reads a NumPy .npy file of float32 or float64 in C order, for unit tests. */
#ifndef TESTS_READ_NPY_H
#define TESTS_READ_NPY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct npy {
    size_t rows, columns; /* one dimension: a single row */
    float *data;          /* [rows, columns], malloc'ed */
};

/* Reads n values to the end of the file, which may be doubles. NULL if they are not there. */
static float *npy_values(FILE *f, size_t n, int doubles) {
    size_t width = doubles ? sizeof(double) : sizeof(float);
    char *bytes = malloc(n * width + 1);
    if (bytes && (fread(bytes, width, n, f) != n || fgetc(f) != EOF)) {
        free(bytes);
        return NULL;
    }
    for (size_t i = 0; bytes && doubles && i < n; i++) {
        double wide;
        memcpy(&wide, bytes + i * width, width);
        memcpy(bytes + i * sizeof(float), &(float){(float)wide}, sizeof(float));
    }
    return (float *)(void *)bytes;
}

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
        (strstr(header, "'<f4'") || strstr(header, "'<f8'")) &&
        strstr(header, "'fortran_order': False")) {
        const char *shape = strstr(header, "'shape': (");
        int got = shape ? sscanf(shape, "'shape': (%zu, %zu", &a->rows, &a->columns) : 0;
        if (got == 1) {
            a->columns = a->rows;
            a->rows = 1;
        }
        if (got > 0)
            a->data = npy_values(f, a->rows * a->columns, strstr(header, "'<f8'") != NULL);
    }
    fclose(f);
    return a->data ? 0 : -1;
}

#endif
