/* flac.h - what a FLAC stream says of itself, and what its frames say (RFC 9639). */
#ifndef SER_FLAC_H
#define SER_FLAC_H

#include "bridge/container.h"

/* Looks at the stream that begins at c->begin. 0; -1 with e set, SER_BAD: samples of a size that
 * libsndfile cannot read, more samples than the header says, another rate on the way. A decoder
 * would leave out the one and not notice the other. */
int ser_flac_look(struct ser_bytes *b, const struct ser_container *c,
                  struct ser_error *e) SER_MUST_CHECK;

#endif
