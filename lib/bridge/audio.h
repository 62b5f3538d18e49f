/* audio.h - decoding audio: any format that libsndfile reads, to one channel, and to a rate.
 * Bridge: uses the core and the resampler.
 *
 * libsndfile shortens a cut file without a word. So what a file says of its own length is compared
 * with what is there: the chunks of WAV (RIFF, RIFX, RF64), AIFF and AU, the size of Wave64, the
 * end page of Ogg, the frames that FLAC and others announce. Sizes that programs write to a pipe,
 * when they cannot know (0, 0x7f000000 and above), are fine.
 */
#ifndef SER_AUDIO_H
#define SER_AUDIO_H

#include "core/core.h"
#include "math/resample.h"

#define SER_AUDIO_MIN_HZ   SER_RESAMPLE_MIN_HZ
#define SER_AUDIO_MAX_HZ   SER_RESAMPLE_MAX_HZ
#define SER_AUDIO_MAX_PIPE ((size_t)1 << 31) /* bytes of a file that cannot seek */

struct ser_audio {
    const float
        *sample;   /* [frames], the mean of all channels; full scale is -1..1. Belongs to it */
    size_t frames; /* at least 1 */
    int rate_hz;   /* of the file: SER_AUDIO_MIN_HZ..SER_AUDIO_MAX_HZ */
    int channels;  /* that the file has; sample is mono whatever it is */
    float *room;   /* memory that the next load uses again */
    size_t cap;
    struct ser_resampler *resampler;
};

/* Decodes a file, or len bytes that stay the caller's; name is for messages. With to_hz > 0 the
 * samples are resampled to that rate on the way (resample.h), so that the file's own need no
 * memory. *a is all zeros or was loaded before; sample lasts until the next load. Samples are
 * finite. Channels are added in their order in single precision and divided by their number, as
 * NumPy's mean does for up to 7. 0; or -1 with e set and *a freed: SER_SYS when the file cannot be
 * opened or read or memory ends, SER_BAD when it is no audio, empty, damaged, cut short, or out of
 * the limits above. */
int ser_audio_load(struct ser_audio *a, const char *path, int to_hz,
                   struct ser_error *e) SER_MUST_CHECK;
int ser_audio_decode(struct ser_audio *a, const unsigned char *data, size_t len, const char *name,
                     int to_hz, struct ser_error *e) SER_MUST_CHECK;

void ser_audio_free(struct ser_audio *a);

#endif
