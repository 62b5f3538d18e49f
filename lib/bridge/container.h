/* container.h - where a file's sound lies, by what the file says of itself and what is there.
 *
 * Decoders take a file at its word, or guess: they shorten a cut file without telling, read a tag
 * behind the sound as sound, lose samples behind a tag in front. So the container is read here
 * first, and the decoder (audio.c) is shown exactly the bytes that are sound, under a header that
 * agrees with them.
 *
 * Sources: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0" (RIFF);
 * EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64); Apple, "Audio Interchange File Format 1.3"; RFC 3533
 * (Ogg); RFC 9639 (FLAC); id3.org, "ID3 tag version 2.4.0".
 */
#ifndef SER_CONTAINER_H
#define SER_CONTAINER_H

#include "core/core.h"

/* Bytes that can be read at any place: of a file, or in memory. */
struct ser_bytes {
    const char *name;         /* for messages */
    int fd;                   /* -1: memory */
    const unsigned char *mem; /* [len] */
    uint64_t len;
    int error; /* errno of the first read that failed */
};

/* Up to n bytes from offset at on: how many came; fewer only at the end or after an error. */
size_t ser_bytes_read(struct ser_bytes *b, uint64_t at, void *to, size_t n);

enum { SER_MAX_PATCHES = 3 };

struct ser_container {
    uint64_t begin, end; /* the decoder is shown the bytes from begin to end, */
    uint64_t zeros;      /* and so many zeros behind them */
    struct ser_patch {
        uint64_t at; /* counted from the beginning of the bytes, as begin is */
        int n;
        unsigned char byte[8];
    } patch[SER_MAX_PATCHES]; /* and these instead of what stands there */
    int patches;
    uint64_t
        frames; /* of blocks that are compressed alike: so many frames are in them; 0: unknown */
    int shift;  /* samples of 32 bits are to be moved up by so many */
};

/* Looks into b. 0; -1 with e set, SER_BAD: cut short, or a format that is known and cannot be read,
 * with the command that converts it. What is not known is left to the decoder. */
int ser_container_look(struct ser_bytes *b, struct ser_container *c,
                       struct ser_error *e) SER_MUST_CHECK;

/* Says of bytes that no decoder takes what they are. Sets e (SER_BAD) and returns -1. */
int ser_container_unread(struct ser_bytes *b, struct ser_error *e);

#endif
