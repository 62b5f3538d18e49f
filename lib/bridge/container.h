/* container.h - finds the bytes of a file that are sound, and checks that all of them are there.
 *
 * Decoders trust what a file says of itself, or guess: they shorten a cut file without an error,
 * read a tag behind the sound as sound, lose samples behind a tag in front, and do not see that
 * another file was joined to this one. So the container is read here first, and the decoder (audio.c)
 * is shown only the bytes that are sound, with a header that agrees with them.
 *
 * Sources: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"
 * (RIFF); EBU Tech 3306 (RF64), ITU-R BS.2088 (BW64); Apple, "Audio Interchange File Format 1.3";
 * "Apple Core Audio Format Specification 1.0"; Sonic Foundry, "Wave64"; NIST, "SPHERE"; Creative
 * Labs, "Voice File Format"; RFC 3533 (Ogg); RFC 9639 (FLAC); id3.org, "ID3 tag version 2.4.0".
 */
#ifndef SER_CONTAINER_H
#define SER_CONTAINER_H

#include "bridge/flac.h"
#include "bridge/mpeg.h"
#include "bridge/octets.h"
#include "bridge/ogg.h"

enum { SER_MAX_PATCHES = 32 };

/* What to show the decoder: the bytes begin..end - 1, with some replaced, and zeros behind them. */
struct ser_container {
    uint64_t begin, end; /* offsets in the bytes */
    uint64_t zeros;      /* number of zeros behind end */
    struct ser_patch {
        uint64_t at; /* offset in the bytes */
        int n;
        unsigned char byte[8]; /* the first n replace the bytes at at */
    } patch[SER_MAX_PATCHES];
    int patches;
    uint64_t frames; /* frames to decode, where the blocks hold a known number; 0: all */
    int shift;       /* bits by which to shift 32-bit samples up */
    char sound[64];  /* what the header says that it holds; "": nothing is known */
    /* A stream, which can be decoded while it comes, and what is known of it by then. */
    enum { SER_NO_STREAM, SER_FLAC, SER_OGG, SER_MPEG } stream;
    union {
        struct ser_flac flac;
        struct ser_ogg ogg;
        struct ser_mpeg mpeg;
    } is;
};

/* 1 if these four bytes can be shown as the name of a chunk; if a file of sound begins with them (not MPEG's). */
int ser_container_is_name(const unsigned char *id);
int ser_container_is_file(const unsigned char *head);

/* 1 if the input b is of a format of which all must be there before anything can be decoded. */
int ser_container_waits(struct ser_bytes *b);

/* Fills c for the bytes b; an input is read to its end where ser_container_waits says so. 0; or -1 with e set: SER_BAD if
 * b is cut short, or of a known format that cannot be read, in which case e gives the command that converts it. An
 * unknown format is left to the decoder. Of an input that is a stream only the head is judged. */
int ser_container_look(struct ser_bytes *b, struct ser_container *c,
                       struct ser_error *e) SER_MUST_CHECK;

/* For the rest of such a stream. Looks at what has come of it, and returns the offset before which nothing is needed
 * for this any more; what is found so far, at the end all: 0, or -1 with e set, as ser_container_look. */
uint64_t ser_container_follow(struct ser_bytes *b, struct ser_container *c);
int ser_container_judge(const struct ser_bytes *b, const struct ser_container *c,
                        struct ser_error *e) SER_MUST_CHECK;

/* Sets e (SER_BAD) to say what the bytes are, which the decoder refuses although c shows them. Returns -1. */
int ser_container_unread(struct ser_bytes *b, const struct ser_container *c, struct ser_error *e);

#endif
