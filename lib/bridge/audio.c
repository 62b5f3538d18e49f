#include "bridge/audio.h"

#include "core/in.h"
#include "core/reader.h"
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

/* ---- where the bytes come from ---- */

struct source {
    const char *name;
    int fd;                   /* -1: memory */
    const unsigned char *mem; /* [len] */
    uint64_t len, pos;
    uint64_t unknown; /* if not 0: where a size of 0 stands that means unknown */
    int error;        /* errno of the first read that failed */
};

/* Up to n bytes from offset at on; fewer only at the end or after an error. */
static size_t read_at(struct source *s, uint64_t at, void *to, size_t n) {
    int failed;
    if (at >= s->len)
        return 0;
    if (n > s->len - at)
        n = (size_t)(s->len - at);
    if (s->fd < 0) {
        memcpy(to, s->mem + at, n);
        return n;
    }
    size_t done = ser_read_at(s->fd, at, to, n, &failed);
    if (failed)
        s->error = errno;
    return done;
}

static sf_count_t virtual_length(void *user) {
    return (sf_count_t)((struct source *)user)->len;
}

static sf_count_t virtual_seek(sf_count_t offset, int whence, void *user) {
    struct source *s = user;
    sf_count_t from = whence == SEEK_SET ? 0 : (sf_count_t)(whence == SEEK_CUR ? s->pos : s->len);
    if (offset < -from || offset > INT64_MAX - from)
        return -1;
    s->pos = (uint64_t)(from + offset);
    return from + offset;
}

static sf_count_t virtual_read(void *to, sf_count_t n, void *user) {
    struct source *s = user;
    size_t got = n > 0 ? read_at(s, s->pos, to, (size_t)n) : 0;
    /* libsndfile takes a size of 0 at its word; all ones it knows to mean unknown. */
    for (uint64_t i = 0; s->unknown && i < 4; i++)
        if (s->unknown + i >= s->pos && s->unknown + i - s->pos < got)
            ((unsigned char *)to)[s->unknown + i - s->pos] = 0xff;
    s->pos += got;
    return (sf_count_t)got;
}

static sf_count_t virtual_tell(void *user) {
    return (sf_count_t)((struct source *)user)->pos;
}

/* ---- is all of it there? ---- */

static uint64_t number(const unsigned char *p, int bytes, int big_endian) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return v;
}

/* What writers put where they cannot know: 0; SoX's 0x7ffff000 for WAV, and 0x7f000000 with the
 * size of a header for AIFF; all ones. */
static int is_unknown(uint64_t size) {
    return size == 0 || (size >= 0x7f000000 && size <= UINT32_MAX) || size >= INT64_MAX;
}

static int fail_cut(const struct source *s, struct ser_error *e, const char *id, uint64_t says,
                    uint64_t has) {
    return ser_fail(e, SER_BAD,
                    "%s: cut short: its %.4s chunk has %" PRIu64 " of %" PRIu64
                    " bytes: fetch or write the file again",
                    s->name, id, has, says);
}

enum { MAX_CHUNKS = 65536 };

/* Whether something lies from at to end, and it is all chunks: then what comes before is no sound
 * that goes on to the end. */
static int chunks_fill(struct source *s, uint64_t at, uint64_t end, int big_endian) {
    unsigned char head[8];
    if (at >= end)
        return 0;
    for (int i = 0; at < end && end <= s->len && i < MAX_CHUNKS; i++) {
        if (read_at(s, at, head, 8) < 8 || head[0] < ' ')
            return 0;
        uint64_t size = number(head + 4, 4, big_endian);
        at += 8 + size + (size & 1);
    }
    return at == end;
}

/* Walks the chunks (identifier, 32-bit size, content, padding to even) of RIFF and FORM files. */
static int check_chunks(struct source *s, int big_endian, const char *data_id,
                        struct ser_error *e) {
    unsigned char head[8], ds64[16];
    uint64_t at = 12, end = s->len, long_data = UINT64_MAX;
    int seen = 0,
        sized = read_at(s, 0, head, 8) == 8 && !is_unknown(number(head + 4, 4, big_endian));
    if (sized)
        end = 8 + number(head + 4, 4, big_endian); /* what lies behind it is not ours */
    for (int i = 0; i < MAX_CHUNKS; i++) {
        size_t got = !seen || at < end ? read_at(s, at, head, 8) : 0;
        if (got == 0)
            return seen ? 0
                        : ser_fail(e, SER_BAD, "%s: has no %s chunk: cut short, or not audio",
                                   s->name, data_id);
        if (got < 8 && memcmp(head, (unsigned char[8]){0}, got) == 0 && seen)
            return 0; /* zeros to fill up */
        if (got < 8)
            return ser_fail(e, SER_BAD,
                            "%s: cut short: ends inside a chunk's header: fetch or write the "
                            "file again",
                            s->name);
        uint64_t size = number(head + 4, 4, big_endian), has = s->len - at - 8;
        int is_data = memcmp(head, data_id, 4) == 0;
        if (memcmp(head, "ds64", 4) == 0 && read_at(s, at + 8, ds64, 16) == 16)
            long_data = number(ds64 + 8, 8, 0);
        if (is_data && size == UINT32_MAX && long_data != UINT64_MAX)
            size = long_data;
        int is_empty = size == 0 && sized && chunks_fill(s, at + 8, end, big_endian);
        if (is_data && is_unknown(size) && !is_empty) {
            if (size == 0 && has > 0)
                s->unknown = at + 4;
            return 0;
        }
        if (size > has)
            return fail_cut(s, e, (const char *)head, size, has);
        seen |= is_data;
        at += 8 + size + (size & 1);
    }
    return ser_fail(e, SER_BAD, "%s: more than %d chunks: not a file that audio programs write",
                    s->name, MAX_CHUNKS);
}

static int check_au(struct source *s, int big_endian, struct ser_error *e) {
    unsigned char head[12];
    if (read_at(s, 0, head, 12) < 12)
        return ser_fail(e, SER_BAD, "%s: cut short: ends inside the header", s->name);
    uint64_t start = number(head + 4, 4, big_endian), size = number(head + 8, 4, big_endian);
    uint64_t has = s->len > start ? s->len - start : 0;
    if (size == 0 && has > 0)
        s->unknown = 8;
    return is_unknown(size) || size <= has ? 0 : fail_cut(s, e, "data", size, has);
}

/* Ogg (RFC 3533): the last page carries the flag 4, end of stream. A page is 27 bytes, a table of
 * up to 255 lengths, and so many bytes. */
static int check_ogg(struct source *s, struct ser_error *e) {
    enum { MAX_PAGE = 27 + 255 + 255 * 255 };
    unsigned char *tail = malloc(MAX_PAGE);
    if (!tail)
        return ser_fail(e, SER_SYS, "%s: out of memory", s->name);
    uint64_t from = s->len > MAX_PAGE ? s->len - MAX_PAGE : 0;
    size_t n = read_at(s, from, tail, MAX_PAGE), size;
    int ended = 0, whole = 0;
    for (size_t at = n < 27 ? 0 : n - 26; at-- > 0 && !whole;) {
        const unsigned char *page = tail + at;
        if (memcmp(page, "OggS\0", 5) != 0 || /* version 0 */ at + 27 + page[26] > n)
            continue;
        size = 27 + (size_t)page[26];
        for (int i = 0; i < page[26]; i++)
            size += page[27 + i];
        whole = size <= n - at;
        ended = whole && (page[5] & 4);
    }
    free(tail);
    return ended ? 0
                 : ser_fail(e, SER_BAD,
                            "%s: cut short: no end-of-stream page: fetch or write the file again",
                            s->name);
}

/* Wave64: 16 bytes that identify it, then its own size in 8. */
static int check_w64(struct source *s, struct ser_error *e) {
    unsigned char head[24];
    uint64_t size = read_at(s, 0, head, 24) < 24 ? UINT64_MAX : number(head + 16, 8, 0);
    return is_unknown(size) || size <= s->len ? 0 : fail_cut(s, e, "riff", size, s->len);
}

static int check_container(struct source *s, struct ser_error *e) {
    static const char lfs[] = "version https://git-lfs";
    char head[24] = "";
    size_t n = read_at(s, 0, head, sizeof head);
    if (n == 0)
        return ser_fail(e, SER_BAD, "%s: empty file: it holds no audio", s->name);
    if (n >= sizeof lfs - 1 && memcmp(head, lfs, sizeof lfs - 1) == 0)
        return ser_fail(e, SER_BAD,
                        "%s: a Git LFS pointer, not the audio itself: run 'git lfs pull' where it "
                        "came from",
                        s->name);
    if (ser_is_stream((unsigned char *)head, n))
        return ser_fail(e, SER_BAD,
                        "%s: a tensor stream, not an audio file: 'ser-mfcc < FILE' takes one of "
                        "audio",
                        s->name);
    if (!memcmp(head, "riff\x2e\x91\xcf\x11", 8))
        return check_w64(s, e);
    if ((!memcmp(head, "RIFF", 4) || !memcmp(head, "RIFX", 4) || !memcmp(head, "RF64", 4)) &&
        !memcmp(head + 8, "WAVE", 4))
        return check_chunks(s, head[3] == 'X', "data", e);
    if (!memcmp(head, "FORM", 4) && (!memcmp(head + 8, "AIFF", 4) || !memcmp(head + 8, "AIFC", 4)))
        return check_chunks(s, 1, "SSND", e);
    if (!memcmp(head, ".snd", 4) || !memcmp(head, "dns.", 4))
        return check_au(s, head[0] == '.', e);
    if (!memcmp(head, "OggS", 4))
        return check_ogg(s, e);
    return 0;
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

static void average(const float *restrict x, size_t frames, size_t channels, float *restrict out) {
    for (size_t i = 0; i < frames; i++, x += channels) {
        float sum = x[0];
        for (size_t c = 1; c < channels; c++)
            sum += x[c];
        out[i] = sum / (float)channels;
    }
}

/* The next frames of the file, mono, into out [BLOCK]: how many. 16-bit samples are scaled here, to
 * the same values, since libsndfile does it one at a time. */
static size_t read_block(SNDFILE *file, const SF_INFO *info, float *out) {
    float block[BLOCK], *to = info->channels == 1 ? out : block;
    short small[BLOCK];
    size_t channels = (size_t)info->channels;
    sf_count_t got, frames = (sf_count_t)(BLOCK / channels);
    if ((info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16) {
        got = sf_readf_short(file, small, frames);
        scale(small, got > 0 ? (size_t)got * channels : 0, to);
    } else {
        got = sf_readf_float(file, to, frames);
    }
    if (got <= 0)
        return 0;
    if (channels > 1)
        average(block, (size_t)got, channels, out);
    return (size_t)got;
}

/* Where the first sample that is infinite or not a number lies; n if none is. */
static size_t first_not_finite(const float *x, size_t n) {
    size_t i = 0;
    while (i < n && isfinite(x[i]))
        i++;
    return i;
}

static int check_info(const struct source *s, const SF_INFO *info, struct ser_error *e) {
    if (info->samplerate < SER_AUDIO_MIN_HZ || info->samplerate > SER_AUDIO_MAX_HZ)
        return ser_fail(e, SER_BAD, "%s: its rate is %d Hz, not in %d..%d: resample it first",
                        s->name, info->samplerate, SER_AUDIO_MIN_HZ, SER_AUDIO_MAX_HZ);
    if (info->channels < 1 || info->channels > BLOCK)
        return ser_fail(e, SER_BAD, "%s: has %d channels", s->name, info->channels);
    return 0;
}

/* Whether as many frames were decoded as the header says. FLAC from a pipe does not know its
 * length; that of MP3 is an estimate. */
static int check_length(const struct source *s, const SF_INFO *info, size_t frames,
                        struct ser_error *e) {
    if (frames == 0)
        return ser_fail(e, SER_BAD, "%s: has no samples", s->name);
    if (info->frames != SF_COUNT_MAX && (info->format & SF_FORMAT_TYPEMASK) != SF_FORMAT_MPEG &&
        frames < (uint64_t)info->frames)
        return ser_fail(e, SER_BAD,
                        "%s: cut short: has %zu of %" PRId64
                        " frames: fetch or write the file again",
                        s->name, frames, (int64_t)info->frames);
    return 0;
}

/* The next frames into x [BLOCK], behind done others: *got of them, 0 at the end. */
static int read_checked(const struct source *s, SNDFILE *file, const SF_INFO *info, size_t done,
                        float *x, size_t *got, struct ser_error *e) {
    *got = read_block(file, info, x);
    if (sf_error(file)) /* the next read forgets it */
        return ser_fail(e, SER_BAD, "%s: damaged after %zu frames: %s", s->name, done,
                        sf_strerror(file));
    size_t bad =
        (info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16 ? *got : first_not_finite(x, *got);
    if (bad < *got)
        return ser_fail(e, SER_BAD,
                        "%s: frame %zu is not a finite number: write the file again, or cut it out",
                        s->name, done + bad);
    return 0;
}

/* All frames as they are. */
static int read_all(const struct source *s, SNDFILE *file, const SF_INFO *info, struct ser_audio *a,
                    struct ser_error *e) {
    size_t got, done = 0, expected = (size_t)info->frames;
    do {
        if (grow(a, done + BLOCK, expected + BLOCK))
            return ser_fail(e, SER_SYS, "%s: out of memory for %zu frames", s->name, done + BLOCK);
        if (read_checked(s, file, info, done, a->room + done, &got, e))
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
        if (read_checked(s, file, info, done, x, &got, e))
            return -1;
        if (!got)
            break;
        failed = ser_resample_feed(a->resampler, x, got, &why);
        done += got;
    }
    if (!failed && check_length(s, info, done, e))
        return -1;
    if (failed || ser_resample_end(a->resampler, &a->sample, &a->frames, &why))
        return ser_fail(e, ser_blame(), "%s: cannot resample: %s", s->name, why);
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

static int decode(struct source *s, struct ser_audio *a, int to_hz, struct ser_error *e) {
    SF_INFO info = {0};
    SF_VIRTUAL_IO io = {.get_filelen = virtual_length,
                        .seek = virtual_seek,
                        .read = virtual_read,
                        .tell = virtual_tell};
    SNDFILE *file = NULL;
    errno = 0;
    int failed = check_container(s, e);
    if (!failed) {
        file = sf_open_virtual(&io, SFM_READ, &info, s);
        if (file)
            failed = read_file(s, file, &info, a, to_hz, e);
        else
            failed = ser_fail(e, SER_BAD,
                              "%s: not audio, or its header is damaged: WAV, AIFF, AU, FLAC, Ogg, "
                              "MP3 and what else libsndfile knows can be read",
                              s->name);
    }
    /* What was not read, or found no room, looks like damage to those who wanted it. */
    int why = s->error ? s->error : failed && errno == ENOMEM ? ENOMEM : 0;
    if (why)
        failed = ser_fail(e, SER_SYS, "%s: cannot read: %s", s->name, strerror(why));
    if (file)
        sf_close(file);
    if (failed)
        ser_audio_free(a);
    return failed ? -1 : 0;
}

int ser_audio_decode(struct ser_audio *a, const unsigned char *data, size_t len, const char *name,
                     int to_hz, struct ser_error *e) {
    struct source s = {.name = name, .fd = -1, .mem = data, .len = len};
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
        struct source s = {.name = path, .fd = fd, .len = (uint64_t)st.st_size};
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
