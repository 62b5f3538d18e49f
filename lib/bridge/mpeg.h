/* mpeg.h - compares the header of an MPEG audio stream (MP3) with its length, and counts its frames, while it passes.
 *
 * A decoder looks for the next frame behind bytes that are none, or ends there without an error.
 *
 * Sources: ISO/IEC 11172-3 and 13818-3 (heads of frames); the Xing header and the LAME tag, as LAME's documentation has
 * them.
 */
#ifndef SER_MPEG_H
#define SER_MPEG_H

#include "bridge/octets.h"

struct ser_mpeg {
    unsigned char frame[64]; /* the first, as far as it is there */
    uint32_t size; /* of the stream in bytes, as it says; 0: it does not, or is no layer 3 */
    uint64_t begin;
    uint64_t
        at;     /* where another may begin, behind tags; SER_ENDLESS: none is looked for any more */
    int joined; /* one does */
    /* Frame by frame. */
    uint64_t
        due; /* where the next begins; SER_ENDLESS: there is none, or that is of no interest any more */
    uint64_t frames; /* before it */
    uint64_t lost;   /* where none begins, the first time; 0: they all do */
    int damaged;     /* others follow behind that */
};

/* 1 if a frame of MPEG audio, of any layer, begins with these four bytes. */
int ser_mpeg_is_frame(const unsigned char *p);

/* The size of the tag that begins with these bytes (ID3v2: "ID3", version, flags, a size of four times seven bits,
 * perhaps a foot as long as the head); 0: none does. */
uint64_t ser_mpeg_tag(const unsigned char head[10]);

/* Reads the first frame, which begins at offset begin, behind tags. */
void ser_mpeg_begin(struct ser_mpeg *m, struct ser_bytes *b, uint64_t begin);

/* Looks at the bytes up to offset end. */
void ser_mpeg_follow(struct ser_mpeg *m, struct ser_bytes *b, uint64_t end);

/* The frames counted so far hold so many samples of a channel, at least: decoders leave out some at both ends. */
uint64_t ser_mpeg_samples(const struct ser_mpeg *m);

/* 0; or -1 with e set: SER_BAD if the bytes have ended, and are fewer than the header says, if another stream
 * follows, which a decoder would leave out, or if something between frames is none. */
int ser_mpeg_judge(const struct ser_mpeg *m, const struct ser_bytes *b,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
