/* safetensors.h - reads and writes files of the format safetensors, which is laid down in
 * github.com/huggingface/safetensors, README.md and safetensors/src/tensor.rs.
 *
 *   8 bytes            the length N of the header, little-endian
 *   N bytes            JSON: "NAME": {"dtype": "F32", "shape": [2,3], "data_offsets": [0,24]}, ...
 *                      and perhaps "__metadata__", texts by name
 *   the rest           the data, to which the offsets refer; every byte belongs to one tensor
 *
 * A file is refused that breaks any of this, as the format's own library does; and a header over the
 * limits of json.h, or that has a name twice.
 */
#ifndef SER_SAFETENSORS_H
#define SER_SAFETENSORS_H

#include "bridge/tensors.h"
#include "core/out.h"

/* Adds the tensors of the file at path to t, unsorted. 0, or -1 with e set. */
int ser_safetensors_add(struct ser_tensors *t, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

/* Adds those of all the files that an index (model.safetensors.index.json) names, which lie beside it;
 * then t is sorted. 0, or -1 with e set; SER_BAD also for a tensor that is not where the index says.
 */
int ser_safetensors_add_index(struct ser_tensors *t, const char *path,
                              struct ser_error *e) SER_MUST_CHECK;

/* Writes the tensors t [n], which it sorts by name, each of F16 where that loses no bit of what
 * ser_tensor_read makes of it, and else of F32. Their names need no escapes in JSON. 0; or -1 with e set, also
 * for a value that is not finite. What the output has against it, it remembers. */
int ser_safetensors_write(const struct ser_tensor **t, size_t n, struct ser_out *o,
                          struct ser_error *e) SER_MUST_CHECK;

/* For tests: the same as ser_safetensors_add for the len bytes at data, which must outlive t. */
int ser_safetensors_parse(struct ser_tensors *t, const unsigned char *data, size_t len, int file,
                          const char *name, struct ser_error *e) SER_MUST_CHECK;

#endif
