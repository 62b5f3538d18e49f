/* npy.h - NumPy's files: arrays (.npy) in and out, archives of arrays (.npz) out.
 *
 * Layouts: the module documentation of numpy.lib.format; PKWARE's APPNOTE.TXT for the archive.
 */
#ifndef SER_NPY_H
#define SER_NPY_H

#include "core/in.h"
#include "core/out.h"
#include "core/record.h"

/* ---- arrays ---- */

#define SER_NPY_HEAD 640 /* room that the head of any array of ours needs, in bytes */

/* Reads the one array that in holds, version 1 to 3, any byte order, into rec as a record named
 * key; arrays in Fortran order are transposed. Types other than f4 f8 i2 i4 u1, arrays over the
 * limits of a record, elements that are not finite, a cut file and bytes that follow the array are
 * SER_BAD. 0, or -1 with e set.
 */
int ser_npy_read(struct ser_in *in, const char *key, struct ser_record *rec,
                 struct ser_error *e) SER_MUST_CHECK;

/* NumPy's name of an element type: "<f4" ... */
const char *ser_npy_type(enum ser_type t);

/* Writes the head of a version 1.0 array in C order to head; returns its length, a multiple of 64.
 * The elements follow, little-endian. rank is at most SER_MAX_RANK + 1. */
size_t ser_npy_head(char head[SER_NPY_HEAD], const char *type, int rank, const uint64_t *dim);

/* ---- archives ---- */

/* A ZIP archive without compression, below 4 GiB; its bytes depend on its entries alone. */
struct ser_npz {
    struct ser_out out;
    struct ser_npz_entry *entry;
    size_t n, cap;
};

/* 0, or -1 with e set (nothing to close). */
int ser_npz_open(struct ser_npz *z, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Begins the entry NAME.npy of size bytes whose CRC-32 is crc; write them with ser_out_write to
 * z->out. 0, or -1 with e set: an archive over the limits is SER_BAD. */
int ser_npz_entry(struct ser_npz *z, const char *name, uint64_t size, uint32_t crc,
                  struct ser_error *e) SER_MUST_CHECK;

/* Completes the archive. 0, or -1 with e set. Nothing is left to close. */
int ser_npz_close(struct ser_npz *z, struct ser_error *e) SER_MUST_CHECK;

#endif
