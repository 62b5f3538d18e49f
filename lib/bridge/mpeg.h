/* mpeg.h - compares the header of an MPEG audio file (MP3) with its length.
 *
 * Sources: ISO/IEC 11172-3 and 13818-3 (heads of frames); the Xing header and the LAME tag, as LAME's documentation has
 * them.
 */
#ifndef SER_MPEG_H
#define SER_MPEG_H

#include "bridge/container.h"

/* Checks the stream that begins at offset at, behind tags. 0, also for all that is no MPEG layer 3 or does not say its
 * length; or -1 with e set: SER_BAD if it is shorter than its header says, or if another stream follows it, which a
 * decoder would leave out. */
int ser_mpeg_look(struct ser_bytes *b, uint64_t at, struct ser_error *e) SER_MUST_CHECK;

#endif
