/* audio.h - decodes audio of any format that libsndfile reads, to one channel and to a wanted rate.
 * Bridge: uses the core and the resampler.
 *
 * libsndfile reads a file that is cut short without any error, and reads some tags as sound. So
 * container.h first finds out which bytes are sound and whether all of them are there.
 */
#ifndef SER_AUDIO_H
#define SER_AUDIO_H

#include "core/in.h"
#include "math/resample.h"

#define SER_AUDIO_MIN_HZ   SER_RESAMPLE_MIN_HZ
#define SER_AUDIO_MAX_HZ   SER_RESAMPLE_MAX_HZ
#define SER_AUDIO_MAX_PIPE ((size_t)1 << 31) /* bytes of a file that cannot seek */

struct ser_audio {
    const float *sample; /* [frames] the mean of all channels; full scale is -1..1; owned by this */
    size_t frames;       /* at least 1 */
    int rate_hz;  /* of the file, also after resampling: SER_AUDIO_MIN_HZ..SER_AUDIO_MAX_HZ */
    int channels; /* of the file */
    float *room;  /* [cap] memory that the next load uses again */
    size_t cap;
    struct ser_resampler *resampler;
};

/* Decodes the file at path, or the len bytes at data, which stay the caller's; name is for
 * messages. With to_hz > 0 the samples are resampled to that rate (resample.h) while they are read;
 * 0 keeps the rate of the file. *a is all zeros or was loaded before; sample lasts until the next
 * load. Samples are finite. Channels are added in their order in single precision and divided by
 * their number, as NumPy's mean does for up to 7 channels. 0; or -1 with e set and *a freed:
 * SER_SYS if the file cannot be opened or read or memory runs out; SER_BAD if it is not audio,
 * empty, damaged, cut short, or outside the limits above. */
int ser_audio_load(struct ser_audio *a, const char *path, int to_hz,
                   struct ser_error *e) SER_MUST_CHECK;
int ser_audio_decode(struct ser_audio *a, const unsigned char *data, size_t len, const char *name,
                     int to_hz, struct ser_error *e) SER_MUST_CHECK;

/* Frees, and makes *a all zeros. */
void ser_audio_free(struct ser_audio *a);

/* ---- piece by piece, in constant memory ----
 *
 * The same samples in pieces, at the file's own rate: of the regular file that fd is open on, or of what is left of in;
 * both stay the caller's, as does name. Of an input, FLAC, Ogg and MPEG audio are decoded while they come; others are
 * read to their end first, and kept. NULL with e set. */
struct ser_audio_file;
struct ser_audio_file *ser_audio_open(int fd, const char *name, struct ser_error *e);
struct ser_audio_file *ser_audio_open_in(struct ser_in *in, struct ser_error *e);
void ser_audio_close(struct ser_audio_file *f);

/* 1 if ser_audio_begin will read an input to its end. */
int ser_audio_waits(struct ser_audio_file *f);

/* Reads the header. 0, or -1 with e set as above. */
int ser_audio_begin(struct ser_audio_file *f, struct ser_error *e) SER_MUST_CHECK;

/* From then on: frames a second. */
int ser_audio_rate(const struct ser_audio_file *f);

/* The next samples *x [*n], which last until the next call: 1; 0 at the end; -1 with e set. That a
 * file is cut short is said at its end, and of an input all else that is wrong behind its header. */
int ser_audio_next(struct ser_audio_file *f, const float **x, size_t *n,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
