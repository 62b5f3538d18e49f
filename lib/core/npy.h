/* npy.h - NumPy's files: reads and writes arrays (.npy), writes archives of arrays (.npz).
 *
 * Layouts: the module documentation of numpy.lib.format; PKWARE's APPNOTE.TXT for the archive.
 */
#ifndef SER_NPY_H
#define SER_NPY_H

#include "core/in.h"
#include "core/out.h"
#include "core/record.h"

/* ---- arrays ---- */

#define SER_NPY_HEAD 640 /* bytes that the longest head written here needs */

/* Reads the array that in holds (format version 1 to 3, any byte order) into rec, as a record with
 * this key; arrays in Fortran order are rearranged into C order. 0, or -1 with e set. SER_BAD:
 * types other than f4 f8 i2 i4 u1, arrays over the limits of a record, elements that are not
 * finite, a file that is cut short, bytes behind the array. */
int ser_npy_read(struct ser_in *in, const char *key, struct ser_record *rec,
                 struct ser_error *e) SER_MUST_CHECK;

/* NumPy's name of an element type: "<f4" ... */
const char *ser_npy_type(enum ser_type t);

/* Writes the head of an array (version 1.0, C order) to head; returns its length, a multiple of 64.
 * The caller writes the elements behind it, little-endian. rank is at most SER_MAX_RANK + 1. */
size_t ser_npy_head(char head[SER_NPY_HEAD], const char *type, int rank, const uint64_t *dim);

/* ---- archives ---- */

/* A ZIP archive without compression, smaller than 4 GiB. Its bytes depend only on its entries. */
struct ser_npz {
    struct ser_out out;
    struct ser_npz_entry *entry;
    size_t n, cap;
};

/* Opens path (NULL, "-": standard output). 0, or -1 with e set (nothing to close). */
int ser_npz_open(struct ser_npz *z, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Begins the entry NAME.npy of size bytes with the CRC-32 crc; the caller then writes the bytes to
 * z->out with ser_out_write. 0, or -1 with e set: SER_BAD if the archive grows over its limits. */
int ser_npz_entry(struct ser_npz *z, const char *name, uint64_t size, uint32_t crc,
                  struct ser_error *e) SER_MUST_CHECK;

/* Completes the archive. 0, or -1 with e set. Nothing is left to close. */
int ser_npz_close(struct ser_npz *z, struct ser_error *e) SER_MUST_CHECK;

#endif
