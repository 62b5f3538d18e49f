/* flac.h - compares the header of a FLAC stream with its frames (RFC 9639). */
#ifndef SER_FLAC_H
#define SER_FLAC_H

#include "bridge/container.h"

/* Checks the stream that begins at c->begin. 0; or -1 with e set: SER_BAD if libsndfile cannot read
 * its sample size, if it holds more samples than the header says, which a decoder would leave out,
 * or if the rate changes, which a decoder would not notice. */
int ser_flac_look(struct ser_bytes *b, const struct ser_container *c,
                  struct ser_error *e) SER_MUST_CHECK;

#endif
