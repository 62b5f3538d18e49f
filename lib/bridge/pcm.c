#include "bridge/pcm.h"

#include "bridge/audio.h"
#include "bridge/container.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- raw:FORMAT:HZ:CHANNELS ---- */

static const struct name {
    const char *name;
    enum ser_pcm_code code;
    int bytes, big_endian;
} names[] = {
    {"s8", SER_PCM_SIGNED, 1, 0},    {"u8", SER_PCM_UNSIGNED, 1, 0},
    {"s16le", SER_PCM_SIGNED, 2, 0}, {"s16be", SER_PCM_SIGNED, 2, 1},
    {"s24le", SER_PCM_SIGNED, 3, 0}, {"s24be", SER_PCM_SIGNED, 3, 1},
    {"s32le", SER_PCM_SIGNED, 4, 0}, {"s32be", SER_PCM_SIGNED, 4, 1},
    {"f32le", SER_PCM_FLOAT, 4, 0},  {"f32be", SER_PCM_FLOAT, 4, 1},
    {"f64le", SER_PCM_FLOAT, 8, 0},  {"f64be", SER_PCM_FLOAT, 8, 1},
    {"mulaw", SER_PCM_MULAW, 1, 0},  {"alaw", SER_PCM_ALAW, 1, 0},
};

static size_t frame_of(const struct ser_pcm *p) {
    return (size_t)p->bytes * (size_t)p->channels;
}

static int fits(const struct ser_pcm *p) {
    return p->rate_hz >= SER_AUDIO_MIN_HZ && p->rate_hz <= SER_AUDIO_MAX_HZ && p->channels >= 1 &&
           p->channels <= SER_PCM_MAX_FRAME && frame_of(p) <= SER_PCM_MAX_FRAME;
}

const char *ser_pcm_parse(const char *text, struct ser_pcm *p) {
    char word[3][32] = {{0}};
    size_t at = 0;
    for (int i = 0; i < 3; i++) {
        size_t n = strcspn(text + at, ":");
        if (n == 0 || n >= sizeof word[i] || (text[at + n] == ':') != (i < 2))
            return "not FORMAT:HZ:CHANNELS, for example s16le:16000:1";
        memcpy(word[i], text + at, n);
        at += n + 1;
    }
    int64_t hz, channels;
    *p = (struct ser_pcm){.size = UINT64_MAX};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(word[0], names[i].name) == 0)
            *p = (struct ser_pcm){.code = names[i].code,
                                  .bytes = names[i].bytes,
                                  .big_endian = names[i].big_endian,
                                  .size = UINT64_MAX};
    if (!p->code)
        return "the format is none of s8, u8, s16le, s24le, s32le, f32le, f64le, the same with be, "
               "mulaw and alaw";
    if (ser_parse_int(word[1], SER_AUDIO_MIN_HZ, SER_AUDIO_MAX_HZ, &hz))
        return "the rate is not in 1000..768000 Hz";
    if (ser_parse_int(word[2], 1, SER_PCM_MAX_FRAME / p->bytes, &channels))
        return "so many channels cannot be read";
    p->rate_hz = (int)hz;
    p->channels = (int)channels;
    return NULL;
}

/* ---- headers ---- */

static uint64_t number(const unsigned char *p, int bytes, int big_endian) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return v;
}

/* Sizes that programs write who cannot know the length, as container.c has them. */
static int is_unknown(uint64_t size) {
    return size == 0 || (size >= 0x7f000000 && size <= UINT32_MAX) || size >= INT64_MAX;
}

static void set_wave(struct ser_pcm *p, const unsigned char *fmt, uint64_t size) {
    enum { PCM = 1, FLOAT = 3, ALAW = 6, MULAW = 7, EXTENSIBLE = 0xfffe };
    unsigned tag = (unsigned)number(fmt, 2, 0), bits = (unsigned)number(fmt + 14, 2, 0);
    unsigned align = (unsigned)number(fmt + 12, 2, 0), valid = bits;
    if (tag == EXTENSIBLE && size >= 40) {
        valid = (unsigned)number(fmt + 18, 2, 0);
        tag = (unsigned)number(fmt + 24, 2, 0);
    }
    p->channels = (int)number(fmt + 2, 2, 0);
    p->rate_hz = (int)(number(fmt + 4, 4, 0) & INT32_MAX);
    p->bytes = (int)bits / 8;
    p->code = SER_PCM_NONE; /* whatever an earlier fmt chunk said */
    if (bits % 8 || valid != bits || !p->bytes || align != (unsigned)(p->bytes * p->channels))
        return; /* what such bits mean, only the whole file can tell */
    if (tag == PCM && bits <= 32)
        p->code = bits == 8 ? SER_PCM_UNSIGNED : SER_PCM_SIGNED;
    else if (tag == FLOAT && (bits == 32 || bits == 64))
        p->code = SER_PCM_FLOAT;
    else if ((tag == ALAW || tag == MULAW) && bits == 8)
        p->code = tag == ALAW ? SER_PCM_ALAW : SER_PCM_MULAW;
}

/* Where the samples begin behind the header at h [n]; 0: it is no header that is known. */
static size_t wave_head(const unsigned char *h, size_t n, struct ser_pcm *p) {
    int is_long = n >= 12 && memcmp(h, "RF64", 4) == 0;
    uint64_t file_says, size, long_size = 0;
    if (n < 12 || (!is_long && memcmp(h, "RIFF", 4) != 0) || memcmp(h + 8, "WAVE", 4) != 0)
        return 0;
    file_says = number(h + 4, 4, 0);
    for (uint64_t at = 12; at + 8 <= n; at += 8 + size + (size & 1)) {
        const unsigned char *in = h + at + 8;
        uint64_t has = n - at - 8;
        size = number(h + at + 4, 4, 0);
        if (memcmp(h + at, "data", 4) == 0) {
            int is_empty = size == 0 && !is_unknown(file_says) && at + 8 <= file_says + 8;
            if (is_long && size == UINT32_MAX)
                size = long_size;
            p->size = is_unknown(size) && !is_empty ? UINT64_MAX : size;
            return p->code ? at + 8 : 0;
        }
        if (memcmp(h + at, "fmt ", 4) == 0 && size >= 16 && size <= has)
            set_wave(p, in, size);
        if (is_long && memcmp(h + at, "ds64", 4) == 0 && has >= 16)
            long_size = number(in + 8, 8, 0);
    }
    return 0;
}

static size_t au_head(const unsigned char *h, size_t n, struct ser_pcm *p) {
    static const struct {
        int bytes;
        enum ser_pcm_code code;
    } known[] = {[1] = {1, SER_PCM_MULAW},  [2] = {1, SER_PCM_SIGNED}, [3] = {2, SER_PCM_SIGNED},
                 [4] = {3, SER_PCM_SIGNED}, [5] = {4, SER_PCM_SIGNED}, [6] = {4, SER_PCM_FLOAT},
                 [7] = {8, SER_PCM_FLOAT},  [27] = {1, SER_PCM_ALAW}};
    if (n < 24 || memcmp(h, ".snd", 4) != 0)
        return 0;
    uint64_t start = number(h + 4, 4, 1), size = number(h + 8, 4, 1), kind = number(h + 12, 4, 1);
    if (start < 24 || start > n || kind >= sizeof known / sizeof *known || !known[kind].code)
        return 0;
    p->code = known[kind].code;
    p->bytes = known[kind].bytes;
    p->big_endian = 1;
    p->rate_hz = (int)(number(h + 16, 4, 1) & INT32_MAX);
    p->channels = (int)(number(h + 20, 4, 1) & INT32_MAX);
    p->size = is_unknown(size) ? UINT64_MAX : size;
    return (size_t)start;
}

int ser_pcm_head(struct ser_in *in, struct ser_pcm *p, struct ser_error *e) {
    const unsigned char *h;
    unsigned char skipped[SER_PCM_MAX_FRAME];
    size_t n, all;
    *p = (struct ser_pcm){.size = UINT64_MAX};
    /* A header from a live source comes alone; so do not wait for more than it needs. */
    for (size_t want = 12, last = 0;; want = n + 1) {
        if (ser_in_peek(in, want < SER_PCM_MAX_FRAME ? want : SER_PCM_MAX_FRAME, &h, &n, e) ||
            ser_in_some(in, &h, &all, e))
            return -1;
        n = all < SER_PCM_MAX_FRAME ? all : SER_PCM_MAX_FRAME;
        size_t begin = wave_head(h, n, p);
        if (!begin)
            begin = au_head(h, n, p);
        if (begin && fits(p))
            return ser_in_read(in, skipped, begin, &n, e) ? -1 : 1;
        int known = n >= 12 && (memcmp(h, "RIFF", 4) == 0 || memcmp(h, "RF64", 4) == 0 ||
                                memcmp(h, ".snd", 4) == 0);
        if (begin || !known || n == last || n == SER_PCM_MAX_FRAME)
            return 0;
        last = n;
    }
}

/* ---- samples ---- */

/* G.711: a sign, three bits of exponent, four of mantissa, of which mu-law inverts all, A-law every second.
 * Both of 16 bits. */
static int from_mulaw(unsigned char b) {
    unsigned v = ~(unsigned)b & 0xff;
    int size = (int)((((v & 0xf) << 3) + 0x84) << (v >> 4 & 7)) - 0x84;
    return v & 0x80 ? -size : size;
}

static int from_alaw(unsigned char b) {
    unsigned v = b ^ 0x55u, exponent = v >> 4 & 7;
    int size = (int)((v & 0xf) << 4) + 8;
    if (exponent)
        size = (size + 0x100) << (exponent - 1);
    return v & 0x80 ? size : -size;
}

static float sample_of(const struct ser_pcm *p, const unsigned char *at) {
    uint64_t bits;
    uint32_t small;
    double wide;
    float narrow;
    switch (p->code) {
    case SER_PCM_UNSIGNED:
        return (float)((int)*at - 128) / 128;
    case SER_PCM_MULAW:
        return (float)from_mulaw(*at) / 32768;
    case SER_PCM_ALAW:
        return (float)from_alaw(*at) / 32768;
    case SER_PCM_FLOAT:
        bits = number(at, p->bytes, p->big_endian);
        if (p->bytes == 8) {
            memcpy(&wide, &bits, sizeof wide);
            return (float)wide;
        }
        small = (uint32_t)bits;
        memcpy(&narrow, &small, sizeof narrow);
        return narrow;
    default:
        small = (uint32_t)(number(at, p->bytes, p->big_endian) << (32 - 8 * p->bytes));
        return (float)(int32_t)small / 2147483648.0f;
    }
}

static void scale(const struct ser_pcm *p, const unsigned char *at, size_t n, float *x) {
    if (p->code == SER_PCM_SIGNED && p->bytes == 2 && !p->big_endian) {
        for (size_t i = 0; i < n; i++)
            x[i] = (float)(int16_t)(at[2 * i] | at[2 * i + 1] << 8) / 32768;
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = sample_of(p, at + i * (size_t)p->bytes);
}

void ser_pcm_mix(const float *restrict x, size_t frames, size_t channels, float *restrict out) {
    for (size_t i = 0; i < frames; i++, x += channels) {
        float sum = x[0];
        for (size_t c = 1; c < channels; c++)
            sum += x[c];
        out[i] = sum / (float)channels;
    }
}

static int another(const struct ser_in *in, const struct ser_pcm *p, uint64_t done,
                   struct ser_error *e) {
    if (done == 0)
        return ser_fail(e, SER_BAD,
                        "%s: this is a WAV file, whose header tells its rate: leave out --raw",
                        in->name);
    return ser_fail(e, SER_BAD,
                    "%s: another recording follows behind %.3f s, perhaps at another rate: "
                    "join them first: sox FILE... -t wav -",
                    in->name, (double)done / p->rate_hz);
}

/* Of so many frames, whose bytes are at, those before the header of another WAV file, whose letters no sound has
 * in their place: one that did not tell its length may be followed by another. -1 with e set: none of them. */
static int64_t before_header(struct ser_in *in, const struct ser_pcm *p, uint64_t done,
                             const unsigned char *at, size_t frames, struct ser_error *e) {
    size_t frame = frame_of(p), n;
    const unsigned char *found = at, *end = at + frames * frame;
    while ((found = memmem(found, (size_t)(end - found), "RIFF", 4)) &&
           (size_t)(found - at) % frame)
        found++;
    for (size_t k = 3; k && !found; k--) /* or its first letters, the others are still to come */
        if (k % frame == 0 && k <= frames * frame && memcmp(end - k, "RIFF", k) == 0)
            found = end - k;
    if (!found)
        return (int64_t)frames;
    if (found > at)
        return (found - at) / (int64_t)frame;
    if (ser_in_peek(in, 16, &at, &n, e))
        return -1;
    if (n < 16 || memcmp(at, "RIFF", 4) != 0 || memcmp(at + 8, "WAVEfmt ", 8) != 0)
        return (int64_t)frames;
    return another(in, p, done, e);
}

/* Goes past so many bytes, or to the end. */
static int pass(struct ser_in *in, uint64_t bytes, struct ser_error *e) {
    unsigned char room[8 * SER_PCM_MAX_FRAME];
    size_t n = 1;
    for (; bytes && n; bytes -= n)
        if (ser_in_read(in, room, bytes < sizeof room ? (size_t)bytes : sizeof room, &n, e))
            return -1;
    return 0;
}

/* Another recording may follow, also behind a pad byte and chunks that are not sound. */
static int check_behind(struct ser_in *in, const struct ser_pcm *p, uint64_t done,
                        struct ser_error *e) {
    enum { MAX_CHUNKS = 64 };
    const unsigned char *at;
    size_t n;
    for (int i = 0; i < MAX_CHUNKS; i++) {
        if (ser_in_peek(in, 9, &at, &n, e))
            return -1;
        size_t pad = n && !*at;
        if (n < pad + 8 || !ser_container_is_name(at + pad))
            return 0;
        if (ser_container_is_file(at + pad))
            return another(in, p, done, e);
        if (pass(in, pad + 8 + number(at + pad + 4, 4, p->big_endian), e))
            return -1;
    }
    return 0;
}

/* The end of the samples, which the header may have promised elsewhere; got bytes are left over. */
static int end(struct ser_in *in, const struct ser_pcm *p, uint64_t done, struct ser_error *e) {
    uint64_t frame = frame_of(p), says = p->size / frame;
    if (p->size != UINT64_MAX && done < says)
        return ser_fail(e, SER_BAD, "%s: cut short: has %" PRIu64 " of %" PRIu64 " frames%s",
                        in->name, done, says, ser_in_before(in));
    if (done == 0)
        return ser_fail(e, SER_BAD, "%s: has no samples", in->name);
    if (p->size == UINT64_MAX)
        return 0;
    return check_behind(in, p, done, e);
}

int ser_pcm_read(struct ser_in *in, const struct ser_pcm *p, uint64_t done, size_t most,
                 float *work, float *x, size_t *n, struct ser_error *e) {
    size_t frame = frame_of(p), channels = (size_t)p->channels, bytes, frames = most / channels;
    uint64_t left = p->size == UINT64_MAX ? UINT64_MAX : p->size / frame - done;
    unsigned char room[8 * SER_PCM_MAX_FRAME];
    const unsigned char *at;
    *n = 0;
    if (left == 0)
        return end(in, p, done, e);
    if (ser_in_peek(in, frame, &at, &bytes, e))
        return -1;
    if (bytes < frame)
        return end(in, p, done, e);
    if (ser_in_some(in, &at, &bytes, e))
        return -1;
    frames = bytes / frame < frames ? bytes / frame : frames;
    frames = sizeof room / frame < frames ? sizeof room / frame : frames;
    frames = left < frames ? (size_t)left : frames;
    if (p->size == UINT64_MAX) {
        int64_t own = before_header(in, p, done, at, frames, e);
        if (own < 0)
            return -1;
        frames = (size_t)own;
    }
    if (ser_in_read(in, room, frames * frame, &bytes, e))
        return -1;
    float *to = channels == 1 ? x : work;
    scale(p, room, frames * channels, to);
    if (channels > 1)
        ser_pcm_mix(work, frames, channels, x);
    for (size_t i = 0; i < frames; i++)
        if (!isfinite(x[i]))
            return ser_fail(e, SER_BAD,
                            "%s: frame %" PRIu64 " is not a finite number: write the sound again",
                            in->name, done + i);
    *n = frames;
    return 1;
}
