/* ark.h - reads Kaldi's archives of matrices and vectors, in binary and as text.
 *
 * An archive is records, each a key, a space, and then either
 *
 *   the bytes 0 and B, a word that names the type, a space, sizes and elements, little-endian:
 *     FM DM      a matrix of floats or doubles: rows, columns (each as the byte 4 and an int32)
 *     FV DV      a vector: its length
 *     CM CM2 CM3 a compressed matrix: minimum, range (float), rows, columns (int32), then for CM
 *                four 16-bit percentiles a column and a byte an element, column by column; for CM2
 *                two bytes an element, for CM3 one, row by row
 *   or text: [ 1 2 3 ] is a vector, and a matrix has a line end behind [ and behind each row.
 *
 * Sources: kaldi-asr.org/doc/io_tut.html and io.html; src/matrix/compressed-matrix.h and .cc for
 * what the compressed numbers stand for.
 */
#ifndef SER_ARK_H
#define SER_ARK_H

#include "core/in.h"
#include "core/record.h"

/* Reads the next record of an archive: f64 for doubles, else f32; [rows, columns] or [length].
 * number is that of the record, from 1, for messages. 1; 0 at the end; -1 with e set. SER_BAD: a
 * record of another type, one that is cut or damaged, elements that are not finite, sizes or keys
 * over the limits of a record. */
int ser_ark_next(struct ser_in *in, uint64_t number, struct ser_record *rec,
                 struct ser_error *e) SER_MUST_CHECK;

#endif
