/* flac.h - compares the header of a FLAC stream with its frames (RFC 9639), while they pass. */
#ifndef SER_FLAC_H
#define SER_FLAC_H

#include "bridge/octets.h"

enum { SER_FLAC_HEAD = 16 }; /* bytes of a frame's head, at most */

struct ser_flac {
    /* What the header says. */
    unsigned rate_hz;
    uint64_t frames; /* samples of a channel; 0: unknown */
    /* What its frames say, of those before offset at. */
    uint64_t at;                         /* 0: nothing can be read of the header */
    uint64_t counted, samples, expected; /* the number that the next frame has */
    unsigned changed_hz;                 /* of the first that has another rate; else 0 */
    uint64_t changed_at;                 /* samples before that */
    int joined;                          /* another stream follows */
};

/* Reads the header that begins at offset begin. 0; or -1 with e set: SER_BAD if libsndfile cannot read samples of its
 * size. What else is wrong with a header the decoder says. */
int ser_flac_begin(struct ser_flac *f, struct ser_bytes *b, uint64_t begin,
                   struct ser_error *e) SER_MUST_CHECK;

/* Looks at the bytes up to offset end. */
void ser_flac_follow(struct ser_flac *f, struct ser_bytes *b, uint64_t end);

/* 0; or -1 with e set: SER_BAD if there are more samples than the header says, which a decoder would leave out, or if
 * the rate changes, which it would not notice. */
int ser_flac_judge(const struct ser_flac *f, const struct ser_bytes *b,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
