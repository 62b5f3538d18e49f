#include "bridge/audio.h"

#include "bridge/container.h"
#include "bridge/pcm.h"
#include "math/resample.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what the decoder is shown ---- */

struct source {
    struct ser_bytes bytes;
    struct ser_container c;
    uint64_t pos; /* of the decoder, from c.begin on */
    int is_open;
};

static uint64_t shown(const struct source *s) {
    return s->c.end - s->c.begin + s->c.zeros;
}

/* From the length of MPEG audio that does not tell the number of its frames libsndfile reckons one, and stops there,
 * which may be half-way where the bit rate varies: it is told that there is more. */
static uint64_t told(const struct source *s) {
    const struct ser_mpeg *m = &s->c.is.mpeg;
    if (s->c.stream == SER_MPEG && (s->bytes.in || !m->size))
        return m->size ? m->begin + m->size : SER_ENDLESS;
    return shown(s);
}

static sf_count_t virtual_length(void *user) {
    return (sf_count_t)told(user);
}

/* Whether the decoder looks for a tag at an end that is not there, or not yet. */
static int is_no_tag(const struct source *s, uint64_t at) {
    enum { TAG = 128 };
    return s->c.stream == SER_MPEG && !s->is_open && at > ser_bytes_there(&s->bytes) &&
           at + TAG >= told(s);
}

/* Of an input only what is kept can be seen again. That the end cannot be seen those who decode Ogg bear; those of MPEG
 * audio need not see it, but must go there. */
static int is_in_reach(const struct source *s, uint64_t pos) {
    uint64_t at = s->c.begin + pos;
    return !s->bytes.in ||
           (at >= s->bytes.base && (s->c.stream == SER_MPEG || at <= ser_bytes_there(&s->bytes)));
}

static sf_count_t virtual_seek(sf_count_t offset, int whence, void *user) {
    struct source *s = user;
    sf_count_t from = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? (sf_count_t)s->pos
                                           : virtual_length(user);
    if (offset < -from || offset > INT64_MAX - from || !is_in_reach(s, (uint64_t)(from + offset)))
        return -1;
    s->pos = (uint64_t)(from + offset);
    return from + offset;
}

static sf_count_t virtual_read(void *to, sf_count_t n, void *user) {
    struct source *s = user;
    uint64_t at = s->c.begin + s->pos, none = is_no_tag(s, at);
    uint64_t left = none ? (uint64_t)n : s->pos < shown(s) ? shown(s) - s->pos : 0;
    size_t want = n <= 0 ? 0 : (uint64_t)n < left ? (size_t)n : (size_t)left;
    size_t there = none || at >= s->c.end ? 0
                   : want < s->c.end - at ? want
                                          : (size_t)(s->c.end - at);
    size_t got = ser_bytes_some(&s->bytes, at, to, there);
    if (got == there) {
        memset((char *)to + got, 0, want - got);
        got = want;
    }
    for (int i = 0; i < s->c.patches; i++) {
        const struct ser_patch *p = &s->c.patch[i];
        for (int k = 0; k < p->n; k++)
            if (p->at + (uint64_t)k >= at && p->at + (uint64_t)k - at < got)
                ((unsigned char *)to)[p->at + (uint64_t)k - at] = p->byte[k];
    }
    s->pos += got;
    return (sf_count_t)got;
}

static sf_count_t virtual_tell(void *user) {
    return (sf_count_t)((struct source *)user)->pos;
}

/* ---- decoding ---- */

enum { BLOCK = 8192 }; /* samples of all channels; libsndfile has at most 1024 channels */

/* Room for want frames of the expected ones. */
static int grow(struct ser_audio *a, size_t want, size_t expected) {
    if (want <= a->cap)
        return 0;
    /* A header can announce anything: room for a minute at most is taken in advance. */
    size_t cap = expected < (1 << 22) ? expected : 1 << 22;
    while (cap < want) {
        if (cap > SIZE_MAX / 2 / sizeof *a->room)
            return -1;
        cap = cap ? cap * 2 : BLOCK;
    }
    float *p = realloc(a->room, cap * sizeof *p);
    if (!p)
        return -1;
    a->room = p;
    a->cap = cap;
    return 0;
}

static void scale(const short *restrict x, size_t n, float *restrict out) {
    for (size_t i = 0; i < n; i++)
        out[i] = (float)x[i] / 32768;
}

/* Scales samples that are in the lower bits of 32; the upper shift bits hold anything. */
static void scale_up(const int *restrict x, size_t n, int shift, float *restrict out) {
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((int32_t)((uint32_t)x[i] << shift) / 2147483648.0);
}

/* Reads the next frames of the file, at most most of them, as mono into out [BLOCK]; returns their
 * number. 16-bit samples are scaled here, to the values that libsndfile gives, which is slower. */
static size_t read_block(const struct source *s, SNDFILE *file, const SF_INFO *info, uint64_t most,
                         float *out) {
    float block[BLOCK], *to = info->channels == 1 ? out : block;
    union {
        short small[BLOCK];
        int large[BLOCK];
    } whole;
    short *small = whole.small;
    size_t channels = (size_t)info->channels;
    sf_count_t got, frames = (sf_count_t)(BLOCK / channels);
    if ((uint64_t)frames > most)
        frames = (sf_count_t)most;
    if (s->c.shift) {
        got = sf_readf_int(file, whole.large, frames);
        scale_up(whole.large, got > 0 ? (size_t)got * channels : 0, s->c.shift, to);
    } else if ((info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16) {
        got = sf_readf_short(file, small, frames);
        scale(small, got > 0 ? (size_t)got * channels : 0, to);
    } else {
        got = sf_readf_float(file, to, frames);
    }
    if (got <= 0)
        return 0;
    if (channels > 1)
        ser_pcm_mix(block, (size_t)got, channels, out);
    return (size_t)got;
}

/* Index of the first sample that is infinite or not a number; n if there is none. */
static size_t first_not_finite(const float *x, size_t n) {
    size_t i = 0;
    while (i < n && isfinite(x[i]))
        i++;
    return i;
}

static int check_info(const struct source *s, const SF_INFO *info, struct ser_error *e) {
    if (info->samplerate < SER_AUDIO_MIN_HZ || info->samplerate > SER_AUDIO_MAX_HZ)
        return ser_fail(e, SER_BAD, "%s: its rate is %d Hz, not in %d..%d: resample it first",
                        s->bytes.name, info->samplerate, SER_AUDIO_MIN_HZ, SER_AUDIO_MAX_HZ);
    if ((info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_XI)
        return ser_fail(e, SER_BAD,
                        "%s: is an instrument (XI), whose rate nothing tells: write it as WAV",
                        s->bytes.name);
    if ((info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_SDS)
        return ser_fail(e, SER_BAD,
                        "%s: is a MIDI sample dump, whose end cannot be checked: write it as WAV",
                        s->bytes.name);
    if (info->channels < 1 || info->channels > BLOCK)
        return ser_fail(e, SER_BAD, "%s: has %d channels, not 1..%d", s->bytes.name, info->channels,
                        BLOCK);
    return 0;
}

/* 1 if the number of frames in the header is exact. It is an estimate in most compressed formats,
 * except FLAC, Vorbis and Opus, and unknown in FLAC that was written to a pipe. */
static int is_promise(const SF_INFO *info) {
    switch (info->format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
    case SF_FORMAT_PCM_24:
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_FLOAT:
    case SF_FORMAT_DOUBLE:
    case SF_FORMAT_ULAW:
    case SF_FORMAT_ALAW:
    case SF_FORMAT_VORBIS:
    case SF_FORMAT_OPUS:
        return info->frames != SF_COUNT_MAX;
    default:
        return 0;
    }
}

/* Fails if there are no frames, or fewer than the header says. */
static int check_length(const struct source *s, const SF_INFO *info, size_t frames,
                        struct ser_error *e) {
    if (is_promise(info) && frames < (uint64_t)info->frames)
        return ser_fail(e, SER_BAD,
                        "%s: cut short: has %zu of %" PRId64
                        " frames: fetch or write the file again",
                        s->bytes.name, frames, (int64_t)info->frames);
    if (s->c.stream == SER_MPEG && frames < ser_mpeg_samples(&s->c.is.mpeg))
        return ser_fail(e, SER_BAD,
                        "%s: damaged after %zu frames: the decoder ends there: fetch or write the "
                        "file again",
                        s->bytes.name, frames);
    if (frames == 0)
        return ser_fail(e, SER_BAD, "%s: has no samples", s->bytes.name);
    return 0;
}

/* Reads the next frames, at most most, into x [BLOCK]: *got of them, 0 at the end; done frames came before. */
static int read_checked(const struct source *s, SNDFILE *file, const SF_INFO *info, size_t done,
                        size_t most, float *x, size_t *got, struct ser_error *e) {
    uint64_t left = !s->c.frames ? UINT64_MAX : s->c.frames > done ? s->c.frames - done : 0;
    errno = 0;
    *got = read_block(s, file, info, left < most ? left : most, x);
    if (errno == ENOMEM) /* of which those who decode FLAC say nothing: they end there */
        return ser_fail(e, SER_SYS, "%s: cannot read: %s", s->bytes.name, strerror(ENOMEM));
    if (sf_error(file)) /* the next read forgets it */
        return ser_fail(e, SER_BAD, "%s: damaged after %zu frames: %s", s->bytes.name, done,
                        sf_strerror(file));
    size_t bad =
        (info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16 ? *got : first_not_finite(x, *got);
    if (bad < *got)
        return ser_fail(e, SER_BAD,
                        "%s: frame %zu is not a finite number: write the file again, or cut it out",
                        s->bytes.name, done + bad);
    return 0;
}

/* All frames as they are. */
static int read_all(const struct source *s, SNDFILE *file, const SF_INFO *info, struct ser_audio *a,
                    struct ser_error *e) {
    size_t got, done = 0, expected = (size_t)info->frames;
    do {
        if (grow(a, done + BLOCK, expected + BLOCK))
            return ser_fail(e, SER_SYS, "%s: out of memory for %zu frames", s->bytes.name,
                            done + BLOCK);
        if (read_checked(s, file, info, done, BLOCK, a->room + done, &got, e))
            return -1;
        done += got;
    } while (got);
    a->sample = a->room;
    a->frames = done;
    return check_length(s, info, done, e);
}

/* All frames, through the resampler. */
static int read_resampled(const struct source *s, SNDFILE *file, const SF_INFO *info,
                          struct ser_audio *a, int to_hz, struct ser_error *e) {
    float x[BLOCK];
    size_t got, done = 0;
    const char *why = "out of memory";
    if (!a->resampler)
        a->resampler = ser_resampler_new();
    int failed = !a->resampler || ser_resample_begin(a->resampler, info->samplerate, to_hz, &why);
    while (!failed) {
        if (read_checked(s, file, info, done, BLOCK, x, &got, e))
            return -1;
        if (!got)
            break;
        failed = ser_resample_feed(a->resampler, x, got, &why);
        done += got;
    }
    if (!failed && check_length(s, info, done, e))
        return -1;
    if (failed || ser_resample_end(a->resampler, &a->sample, &a->frames, &why))
        return ser_fail(e, ser_blame(), "%s: cannot resample: %s", s->bytes.name, why);
    return 0;
}

static int read_file(const struct source *s, SNDFILE *file, const SF_INFO *info,
                     struct ser_audio *a, int to_hz, struct ser_error *e) {
    if (check_info(s, info, e))
        return -1;
    a->rate_hz = info->samplerate;
    a->channels = info->channels;
    return to_hz > 0 && to_hz != info->samplerate ? read_resampled(s, file, info, a, to_hz, e)
                                                  : read_all(s, file, info, a, e);
}

/* What lies behind the last frame of FLAC, a tag for example, is not looked at: the decoder takes
 * it for damage. */
static void limit_flac(struct source *s, const SF_INFO *info) {
    if ((info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC && info->frames > 0 &&
        info->frames < SF_COUNT_MAX)
        s->c.frames = (uint64_t)info->frames;
}

static SNDFILE *open_file(struct source *s, SF_INFO *info) {
    SF_VIRTUAL_IO io = {.get_filelen = virtual_length,
                        .seek = virtual_seek,
                        .read = virtual_read,
                        .tell = virtual_tell};
    return sf_open_virtual(&io, SFM_READ, info, s);
}

/* The decoder of what s shows, or NULL with e set. */
static SNDFILE *begin(struct source *s, SF_INFO *info, struct ser_error *e) {
    errno = 0;
    if (ser_container_look(&s->bytes, &s->c, e))
        return NULL;
    SNDFILE *file = open_file(s, info);
    s->is_open = 1;
    if (file)
        limit_flac(s, info);
    else
        ser_container_unread(&s->bytes, &s->c, e);
    return file;
}

/* What was not read, or found no room, looks like damage to those who wanted it: then e says so. */
static int blame(const struct source *s, int failed, struct ser_error *e) {
    int why = s->bytes.error ? s->bytes.error : failed && errno == ENOMEM ? ENOMEM : 0;
    if (why)
        return ser_fail(e, SER_SYS, "%s: cannot read: %s", s->bytes.name, strerror(why));
    return failed ? -1 : 0;
}

static int decode(struct source *s, struct ser_audio *a, int to_hz, struct ser_error *e) {
    SF_INFO info = {0};
    SNDFILE *file = begin(s, &info, e);
    int failed = blame(s, !file || read_file(s, file, &info, a, to_hz, e), e);
    if (file)
        sf_close(file);
    if (failed)
        ser_audio_free(a);
    return failed;
}

int ser_audio_decode(struct ser_audio *a, const unsigned char *data, size_t len, const char *name,
                     int to_hz, struct ser_error *e) {
    struct source s = {.bytes = {.name = name, .fd = -1, .mem = data, .len = len}};
    return decode(&s, a, to_hz, e);
}

static int load_pipe(struct ser_audio *a, int fd, const char *path, int to_hz,
                     struct ser_error *e) {
    struct ser_in in;
    unsigned char *data;
    size_t len;
    int failed = ser_in_fd(&in, fd, path, e);
    if (!failed) {
        failed = ser_in_rest(&in, SER_AUDIO_MAX_PIPE, &data, &len, e);
        ser_in_close(&in);
    }
    if (failed) {
        ser_audio_free(a);
        return -1;
    }
    failed = ser_audio_decode(a, data, len, path, to_hz, e);
    free(data);
    return failed;
}

int ser_audio_load(struct ser_audio *a, const char *path, int to_hz, struct ser_error *e) {
    struct stat st;
    int failed, fd = ser_open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) {
        failed = ser_fail(e, SER_SYS, "%s: cannot open: %s", path, strerror(errno));
        ser_audio_free(a);
    } else if (S_ISDIR(st.st_mode)) {
        failed = ser_fail(e, SER_SYS, "%s: is a folder, not a file", path);
        ser_audio_free(a);
    } else if (!S_ISREG(st.st_mode)) {
        return load_pipe(a, fd, path, to_hz, e);
    } else {
        struct source s = {.bytes = {.name = path, .fd = fd, .len = (uint64_t)st.st_size}};
        failed = decode(&s, a, to_hz, e);
    }
    if (fd >= 0)
        close(fd);
    return failed;
}

void ser_audio_free(struct ser_audio *a) {
    const struct ser_audio was = *a;
    *a = (struct ser_audio){0};
    free(was.room);
    ser_resampler_free(was.resampler);
}

/* ---- piece by piece ---- */

/* Of an input so many frames are decoded at a time, lest those that are there wait for others; and so many bytes behind
 * the decoder are kept, where it may look again. */
enum { LIVE = 64, BACK = 1 << 16 };

struct ser_audio_file {
    struct source s;
    SNDFILE *file; /* NULL before ser_audio_begin */
    SF_INFO info;
    size_t done;
    float x[BLOCK];
};

static struct ser_audio_file *open_bytes(struct ser_bytes b, struct ser_error *e) {
    struct ser_audio_file *f = calloc(1, sizeof *f);
    if (f)
        f->s.bytes = b;
    else
        ser_no_memory(e);
    return f;
}

struct ser_audio_file *ser_audio_open(int fd, const char *name, struct ser_error *e) {
    struct stat st;
    if (!fstat(fd, &st))
        return open_bytes((struct ser_bytes){.name = name, .fd = fd, .len = (uint64_t)st.st_size},
                          e);
    ser_fail(e, SER_SYS, "%s: cannot open: %s", name, strerror(errno));
    return NULL;
}

struct ser_audio_file *ser_audio_open_in(struct ser_in *in, struct ser_error *e) {
    return open_bytes((struct ser_bytes){.name = in->name, .fd = -1, .in = in, .len = SER_ENDLESS},
                      e);
}

int ser_audio_waits(struct ser_audio_file *f) {
    return ser_container_waits(&f->s.bytes);
}

int ser_audio_begin(struct ser_audio_file *f, struct ser_error *e) {
    f->file = begin(&f->s, &f->info, e);
    return blame(&f->s, !f->file || check_info(&f->s, &f->info, e), e);
}

int ser_audio_rate(const struct ser_audio_file *f) {
    return f->info.samplerate;
}

/* Lets go of what nobody needs any more. */
static void pass(struct ser_audio_file *f, uint64_t at) {
    uint64_t needed = ser_container_follow(&f->s.bytes, &f->s.c);
    ser_bytes_forget(&f->s.bytes, needed < at ? needed : at);
}

/* Looks at what the decoder has left of an input, and at the whole. */
static int finish(struct ser_audio_file *f, struct ser_error *e) {
    struct ser_bytes *b = &f->s.bytes;
    unsigned char next;
    while (ser_bytes_some(b, ser_bytes_there(b), &next, 1))
        pass(f, ser_bytes_there(b));
    ser_container_follow(b, &f->s.c);
    return ser_container_judge(b, &f->s.c, e);
}

int ser_audio_next(struct ser_audio_file *f, const float **x, size_t *n, struct ser_error *e) {
    int is_stream = f->s.c.stream && f->s.bytes.in;
    uint64_t at = f->s.c.begin + f->s.pos;
    errno = 0;
    int failed =
        read_checked(&f->s, f->file, &f->info, f->done, is_stream ? LIVE : BLOCK, f->x, n, e);
    if (is_stream)
        pass(f, at > BACK ? at - BACK : 0);
    f->done += failed ? 0 : *n;
    if (is_stream && failed) /* there may be a better reason than the decoder's */
        failed |= ser_container_judge(&f->s.bytes, &f->s.c, e);
    if (!failed && *n == 0)
        failed = (is_stream && finish(f, e)) || check_length(&f->s, &f->info, f->done, e);
    *x = f->x;
    return blame(&f->s, failed, e) ? -1 : *n > 0;
}

void ser_audio_close(struct ser_audio_file *f) {
    if (!f)
        return;
    if (f->file)
        sf_close(f->file);
    ser_bytes_close(&f->s.bytes);
    free(f);
}
