#include "bridge/sound.h"

#include "bridge/audio.h"
#include "math/resample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 8192 }; /* samples */

struct ser_sound {
    int rate_hz, from_hz;
    const struct ser_pcm *raw; /* borrowed */
    struct ser_resampler *resampler;
    const char *name;
    /* Where samples come from: one of these. */
    struct ser_audio_file *file;
    struct ser_in *in;
    const float *sample; /* [left] */
    size_t left;
    struct ser_pcm pcm; /* of in */
    uint64_t done;      /* frames of in */
    /* What belongs to it. */
    int fd;            /* -1: none */
    struct ser_in own; /* in may point here */
    int begun, ended;
    float work[BLOCK], x[BLOCK];
};

struct ser_sound *ser_sound_new(int rate_hz, const struct ser_pcm *raw) {
    struct ser_sound *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->rate_hz = rate_hz;
    s->raw = raw;
    s->fd = -1;
    s->resampler = ser_resampler_new();
    if (s->resampler)
        return s;
    free(s);
    return NULL;
}

static void stop(struct ser_sound *s) {
    ser_audio_close(s->file);
    if (s->in == &s->own)
        ser_in_close(&s->own);
    if (s->fd >= 0)
        close(s->fd);
    s->file = NULL;
    s->in = NULL;
    s->sample = NULL;
    s->fd = -1;
    s->done = s->left = 0;
    s->begun = s->ended = 0;
}

void ser_sound_free(struct ser_sound *s) {
    if (!s)
        return;
    stop(s);
    ser_resampler_free(s->resampler);
    free(s);
}

static int begin(struct ser_sound *s, struct ser_error *e) {
    const char *why;
    s->begun = 1;
    if (s->file) {
        if (ser_audio_begin(s->file, e))
            return -1;
        s->from_hz = ser_audio_rate(s->file);
    }
    if (ser_resample_begin(s->resampler, s->from_hz, s->rate_hz, &why))
        return ser_fail(e, ser_blame(), "%s: cannot resample: %s", s->name, why);
    return 0;
}

/* 1 if in has the whole of a regular file ahead, which can be read at any place. */
static int is_whole_file(const struct ser_in *in) {
    struct stat st;
    return in->fd >= 0 && in->pos == 0 && fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode) &&
           lseek(in->fd, 0, SEEK_CUR) == (off_t)in->len;
}

static int open_in(struct ser_sound *s, struct ser_in *in, struct ser_error *e) {
    s->name = in->name;
    s->in = in;
    int is_pcm = s->raw != NULL;
    if (s->raw)
        s->pcm = *s->raw;
    else if (is_whole_file(in))
        s->file = ser_audio_open(in->fd, in->name, e);
    else if ((is_pcm = ser_pcm_head(in, &s->pcm, e)) == 0)
        s->file = ser_audio_open_in(in, e);
    s->from_hz = s->pcm.rate_hz;
    return is_pcm > 0 || s->file ? 0 : -1;
}

int ser_sound_in(struct ser_sound *s, struct ser_in *in, struct ser_error *e) {
    stop(s);
    return open_in(s, in, e);
}

int ser_sound_path(struct ser_sound *s, const char *path, struct ser_error *e) {
    struct stat st;
    stop(s);
    s->name = path;
    s->fd = ser_open(path, O_RDONLY);
    if (s->fd < 0 || fstat(s->fd, &st))
        return ser_fail(e, SER_SYS, "%s: cannot open: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return ser_fail(e, SER_SYS, "%s: is a folder, not a file", path);
    if (S_ISREG(st.st_mode) && !s->raw) {
        s->file = ser_audio_open(s->fd, path, e);
        return s->file ? 0 : -1;
    }
    int fd = s->fd;
    s->fd = -1;
    if (ser_in_fd(&s->own, fd, path, e))
        return -1;
    s->in = &s->own;
    return open_in(s, &s->own, e);
}

void ser_sound_samples(struct ser_sound *s, const float *x, size_t n, int from_hz,
                       const char *name) {
    stop(s);
    s->name = name;
    s->sample = x;
    s->left = n;
    s->from_hz = from_hz;
}

int ser_sound_waits(struct ser_sound *s) {
    return s->file && ser_audio_waits(s->file);
}

/* The next samples at the recording's own rate. */
static int take(struct ser_sound *s, const float **x, size_t *n, struct ser_error *e) {
    if (s->file)
        return ser_audio_next(s->file, x, n, e);
    if (s->in) {
        int got = ser_pcm_read(s->in, &s->pcm, s->done, BLOCK, s->work, s->x, n, e);
        *x = s->x;
        s->done += *n;
        return got;
    }
    *x = s->sample;
    *n = s->left < BLOCK ? s->left : BLOCK;
    s->sample += *n;
    s->left -= *n;
    return *n > 0;
}

int ser_sound_next(struct ser_sound *s, const float **x, size_t *n, struct ser_error *e) {
    const char *why;
    if (s->ended)
        return 0;
    if (!s->begun && begin(s, e))
        return -1;
    int got = take(s, x, n, e), failed = 0;
    if (got < 0)
        return -1;
    s->ended = got == 0;
    if (s->from_hz == s->rate_hz)
        return got;
    if (got) {
        failed = ser_resample_feed(s->resampler, *x, *n, &why);
        if (!failed)
            ser_resample_take(s->resampler, x, n);
    } else {
        failed = ser_resample_end(s->resampler, x, n, &why);
    }
    if (failed)
        return ser_fail(e, ser_blame(), "%s: cannot resample: %s", s->name, why);
    return 1;
}
