/* tensors.h - the named tensors of a trained network, in the files that its makers publish.
 *
 * They stay in the mapped files (core/map.h), whatever their size; a reader of one format
 * (safetensors.h) checks the file and adds what it holds. Nothing in a file is ever executed.
 */
#ifndef SER_TENSORS_H
#define SER_TENSORS_H

#include "core/map.h"

enum ser_element {
    SER_ELEMENT_OTHER, /* an integer, or narrower than 16 bits: is in the file, and cannot be read */
    SER_ELEMENT_F16,
    SER_ELEMENT_BF16,
    SER_ELEMENT_F32,
    SER_ELEMENT_F64
};

#define SER_TENSOR_MAX_RANK 8

struct ser_tensor {
    char *name; /* UTF-8; owned */
    enum ser_element element;
    int rank;
    uint64_t dim[SER_TENSOR_MAX_RANK];
    uint64_t stride[SER_TENSOR_MAX_RANK]; /* elements from one to the next along each dimension */
    uint64_t count;                       /* elements */
    const unsigned char
        *at;  /* the first, little-endian, at any address; all of them are in the file */
    int file; /* of the files, which one it is in */
};

struct ser_tensors {       /* zeros: none */
    struct ser_tensor *at; /* [n], in the order of their names once ser_tensors_sort was called */
    size_t n, cap;
    struct ser_tensor_file {
        struct ser_map map;
        char *path;
    } * file; /* [files] owned */
    size_t files, file_cap;
};

/* Maps the file at path for tensors to be added from; it is the last of the files. 0, or -1 with e set, also for
 * what stands in place of a large file in a Git repository. */
int ser_tensors_map(struct ser_tensors *t, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Adds a tensor like of, with a copy of name. 0, or -1 without memory. */
int ser_tensors_add(struct ser_tensors *t, const struct ser_tensor *of, const char *name,
                    struct ser_error *e) SER_MUST_CHECK;

/* Sorts by name. 0, or -1 with e set (SER_BAD): a name comes twice. where is for the message. */
int ser_tensors_sort(struct ser_tensors *t, const char *where, struct ser_error *e) SER_MUST_CHECK;

/* That with this name, or NULL. */
const struct ser_tensor *ser_tensors_find(const struct ser_tensors *t, const char *name);

/* Bytes of an element of a type that can be read. */
size_t ser_element_size(enum ser_element e);

/* Fills to [n] with the elements first..first + n - 1 in row-major order, widened, or rounded from
 * F64, to single precision. 0, or -1: one of them is infinite or not a number. */
int ser_tensor_read(const struct ser_tensor *t, uint64_t first, size_t n, float *to) SER_MUST_CHECK;

/* Fills to h [n] with x in half precision (IEEE 754 binary16). 0, or -1: it does not hold one of them, bit for
 * bit, and h is worth nothing. */
int ser_to_half(const float *x, size_t n, uint16_t *h) SER_MUST_CHECK;

/* Gives pages of the maps back, see ser_map_forget. */
void ser_tensors_forget(const struct ser_tensors *t);

/* Unmaps, frees, and makes *t all zeros. */
void ser_tensors_free(struct ser_tensors *t);

#endif
