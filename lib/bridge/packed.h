/* packed.h - an encoder's weights as it uses them (nn/encoder.h, ser_encoder_weights_of), kept in a file: the next
 * process maps it, widens and packs nothing, and shares the pages with others.
 *
 * The file is KEY.packed in the folder $SER_CACHE; where that is not set in $XDG_CACHE_HOME/ser, or ~/.cache/ser.
 * KEY is a checksum of what it was made from: every byte of the encoder's tensors, their names and types, and the
 * shape of the network. So a file belongs to weights, not to a place or a time, and whoever changes weights gets
 * another one. All numbers are of 64 bits, little-endian:
 *
 *   0   "serpack1"
 *   8   KEY, two numbers (XXH3-128)
 *   24  the encoder's identity (ser_encoder_files_hash)
 *   32  how many floats there are
 *   40  XXH3-64 of what stands before, and of the checksums
 *   48  XXH3-64 of each SER_PACKED_PART bytes of the floats; then zeros up to a multiple of 4096
 *   ... the floats, in the order of this machine
 *
 * Nothing here is an error: a file that is not there, not whole, not the user's own, or not right in each checksum
 * is not used, and where a new one cannot be written there is none.
 */
#ifndef SER_PACKED_H
#define SER_PACKED_H

#include "core/map.h"

#include <stddef.h>
#include <stdint.h>

enum { SER_PACKED_PART = 1 << 22 };

/* Larger ones are not kept: 512 MiB. */
#define SER_PACKED_MOST ((size_t)1 << 27) /* floats */

struct ser_packed { /* zeros: none */
    struct ser_map map;
    uint64_t identity;
    const float *at; /* [floats] */
    size_t floats;
};

/* Whether files can be kept; the folder is made, if it is not there. */
int ser_packed_wanted(void);

/* Opens the file of key. 0; or -1, and nothing to close. The checksums of the floats are not looked at yet. */
int ser_packed_open(struct ser_packed *p, const uint64_t key[2]);
void ser_packed_close(struct ser_packed *p);

/* The parts of so many floats, and whether part i, which is there, is as it was written. */
size_t ser_packed_parts(size_t floats);
int ser_packed_part(const struct ser_packed *p, size_t i);

/* Writes at [n], at least 1 and at most SER_PACKED_MOST, as the file of key. 0, or -1. */
int ser_packed_write(const uint64_t key[2], uint64_t identity, const float *at, size_t n);

/* For tests, what is behind ser_packed_open: m is taken over. And the checksum of the head, set right. */
int ser_packed_parse(struct ser_packed *p, const struct ser_map *m, const uint64_t key[2]);
void ser_packed_seal(unsigned char *head, size_t len);

#endif
