/* pcm.h - samples that are not compressed, read from a pipe as they come: raw, or behind the header of a
 * WAV or AU file.
 *
 * Sources: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0" (RIFF);
 * EBU Tech 3306 (RF64); Sun, "The AU file format"; ITU-T G.711 (A-law, mu-law). Values are those that
 * libsndfile gives.
 */
#ifndef SER_PCM_H
#define SER_PCM_H

#include "core/in.h"

struct ser_pcm {
    enum ser_pcm_code {
        SER_PCM_NONE,
        SER_PCM_SIGNED,
        SER_PCM_UNSIGNED, /* of 8 bits alone */
        SER_PCM_FLOAT,
        SER_PCM_MULAW,
        SER_PCM_ALAW
    } code;
    int bytes; /* of a sample: 1 to 4, or 4 and 8 of floats */
    int big_endian;
    int rate_hz, channels;
    uint64_t size; /* of all samples, in bytes; UINT64_MAX: to the end of the input */
};

/* A frame, all channels' samples of one moment, has at most so many bytes. */
#define SER_PCM_MAX_FRAME 4096

/* Reads FORMAT:HZ:CHANNELS. NULL; or, for a message, what is wrong with it. */
const char *ser_pcm_parse(const char *text, struct ser_pcm *p);

/* Reads the header in front of the samples, if it is one of WAV or AU within the first 4096 bytes, whose
 * samples are not compressed: 1, and in is at the first sample; 0, and in is where it was; -1 with e set. */
int ser_pcm_head(struct ser_in *in, struct ser_pcm *p, struct ser_error *e) SER_MUST_CHECK;

/* Waits until there are frames, and reads those that have come, at most so many that their samples are
 * most: the means of their channels -> x [*n], work is [most]. done frames came before. 1; 0 at the end;
 * -1 with e set: the input is cut short, or a sample is no finite number. */
int ser_pcm_read(struct ser_in *in, const struct ser_pcm *p, uint64_t done, size_t most,
                 float *work, float *x, size_t *n, struct ser_error *e) SER_MUST_CHECK;

/* The means of frames of channels samples, added in their order -> out [frames]. */
void ser_pcm_mix(const float *restrict x, size_t frames, size_t channels, float *restrict out);

#endif
