/* recordings.h - what a program that turns audio into features works on, one recording after the other:
 * files, the rows of a manifest, or standard input, which is an audio file of any format or a stream of
 * audio (ser-tensor(5)).
 */
#ifndef SER_RECORDINGS_H
#define SER_RECORDINGS_H

#include "bridge/audio.h"
#include "bridge/manifest.h"
#include "core/reader.h"

struct ser_recording { /* zeros at first; its memory is used again for the next one */
    char *key, *path;  /* path is NULL where sound or bytes hold the recording */
    uint64_t row;      /* of the manifest */
    struct ser_attrs attrs;
    struct ser_record sound; /* from an audio stream: [n] at rate_hz */
    unsigned char *bytes;    /* from standard input: a whole audio file */
    size_t bytes_len;
    int rate_hz;
};

struct ser_recordings {
    enum { SER_FROM_FILES, SER_FROM_MANIFEST, SER_FROM_STREAM, SER_FROM_STDIN } from;
    uint64_t total; /* recordings; 0: unknown */
    char **file;    /* the next operand; ends with NULL; borrowed */
    struct ser_manifest manifest;
    struct ser_reader reader;
    struct ser_in in;
    int taken; /* 1 once standard input was read */
    int feeds; /* set by the caller before open: standard input's, as of struct ser_in */
    int live; /* set by the caller: next does not read an audio file from standard input, but leaves
                  it at in */
};

/* Finds out what the input is: a manifest, unless it is NULL; the files, which end with NULL; standard
 * input, where there are none, or the only one is "-". count: whether the rows of a manifest are to be
 * counted into total. 0, or -1 with e set (nothing to close); SER_USAGE: a manifest and files, or "-" among
 * several. */
int ser_recordings_open(struct ser_recordings *s, const char *manifest, char **files, int count,
                        struct ser_error *e) SER_MUST_CHECK;
void ser_recordings_close(struct ser_recordings *s);

/* 1 if there is just one recording, so that there is nothing to do beside it. */
int ser_recordings_single(const struct ser_recordings *s);

/* The next recording: 1; 0 at the end; -1 with e set. One thread at a time. */
int ser_recordings_next(struct ser_recordings *s, struct ser_recording *r,
                        struct ser_error *e) SER_MUST_CHECK;

/* What a thread needs to read recordings, and how it hears them. */
struct ser_listener {
    int rate_hz;
    double trim_db, trim_margin_s; /* what is cut off at both ends (math/trim.h); 0: nothing */
    struct ser_audio audio;
    struct ser_resampler *resampler;
};

/* l has rate and trim, and is zeros otherwise. 0, or -1 with e set. */
int ser_listener_open(struct ser_listener *l, struct ser_error *e) SER_MUST_CHECK;
void ser_listener_close(struct ser_listener *l);

/* The recording's samples *x [*n], which belong to l or r and last until the next call for either.
 * 0; -1 with e set: the recording is bad, or cannot be read; -2 with e set: memory ended while it was
 * resampled, which is not its fault. */
int ser_recording_load(const struct ser_recording *r, struct ser_listener *l, const float **x,
                       size_t *n, struct ser_error *e) SER_MUST_CHECK;

/* Cuts *x [*n], samples at the listener's rate, as load has done it. */
void ser_listener_trim(const struct ser_listener *l, const float **x, size_t *n);

/* Puts the manifest's row in front of the text of e, where the recording is of a manifest. */
void ser_recordings_name(const struct ser_recordings *s, const struct ser_recording *r,
                         struct ser_error *e);

/* The recording's name in messages: its path, or <stdin>. */
const char *ser_recording_name(const struct ser_recording *r);

/* Writes "1 of 3 recordings is" or "2 of 3 recordings are" to text, for remarks; returns text. */
enum { SER_OF_TEXT = 96 };
const char *ser_recordings_of(uint64_t n, uint64_t all, char text[SER_OF_TEXT]);

void ser_recording_free(struct ser_recording *r);

#endif
