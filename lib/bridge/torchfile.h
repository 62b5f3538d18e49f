/* torchfile.h - reads the tensors that torch.save writes (pytorch_model.bin), as PyTorch 1.6 and later
 * do: a ZIP archive without compression of a pickle and one entry for the numbers of each storage.
 *
 * A pickle is a program that builds objects. Here a few of its instructions are followed, those that a
 * flat dictionary of tensors takes, and nothing of what it names is ever called or imported: a name
 * other than the dozen that such a dictionary needs ends the reading. Sizes are checked against the
 * file before memory is taken for them, and nothing is walked twice, however often it is named.
 *
 * Sources: PKWARE's APPNOTE.TXT; Python's pickletools.py (protocol 2); torch/serialization.py,
 * torch/_utils.py (_rebuild_tensor_v2).
 */
#ifndef SER_TORCHFILE_H
#define SER_TORCHFILE_H

#include "bridge/tensors.h"

/* Adds the tensors of the file at path to t, unsorted. 0, or -1 with e set. */
int ser_torchfile_add(struct ser_tensors *t, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* For tests: the same for the len bytes at data, which must outlive t. */
int ser_torchfile_parse(struct ser_tensors *t, const unsigned char *data, size_t len, int file,
                        const char *name, struct ser_error *e) SER_MUST_CHECK;

/* ---- the parts, for torchfile.c and pickle.c ---- */

/* An entry of the archive. */
struct ser_zip_entry {
    const char *name; /* [length], not ended by a zero; in the file */
    size_t length;
    const unsigned char *at; /* [size] */
    uint64_t size;
};

struct ser_zip {
    struct ser_zip_entry *entry; /* [n] in the order of their names; owned */
    size_t n;
    const char *root; /* [root_length] of all names: "archive/" */
    size_t root_length;
};

/* That with the name ROOT/NAME, or NULL. */
const struct ser_zip_entry *ser_zip_find(const struct ser_zip *z, const char *name, size_t length);

/* Follows the pickle [len] and adds the tensors of the dictionary that it builds. 0, or -1 with e set. */
int ser_unpickle(struct ser_tensors *t, const struct ser_zip *z, const unsigned char *pickle,
                 size_t len, int file, const char *name, struct ser_error *e) SER_MUST_CHECK;

#endif
