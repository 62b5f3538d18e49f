#include "bridge/flac.h"

#include <inttypes.h>
#include <string.h>

struct stream { /* of the header: STREAMINFO */
    unsigned rate_hz, bits;
    uint64_t frames; /* samples of a channel; 0: unknown */
    uint64_t at;     /* where the frames begin */
};

struct frame {
    unsigned rate_hz; /* 0: the stream's */
    uint64_t number;  /* of the frame, or of its first sample where sizes vary */
    unsigned size;    /* samples of a channel */
    int varies;
};

enum { MAX_HEAD = 16 }; /* bytes of a frame's head */

static int read_stream(struct ser_bytes *b, uint64_t begin, struct stream *s) {
    unsigned char head[42], block[4];
    if (ser_bytes_read(b, begin, head, sizeof head) < sizeof head || (head[4] & 0x7f) != 0)
        return -1;
    const unsigned char *p =
        head + 18; /* 20 bits of rate, 3 of channels, 5 of bits, 36 of samples */
    s->rate_hz = (unsigned)p[0] << 12 | (unsigned)p[1] << 4 | p[2] >> 4;
    s->bits = ((unsigned)(p[2] & 1) << 4 | p[3] >> 4) + 1;
    s->frames = (uint64_t)(p[3] & 15) << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
                (uint64_t)p[6] << 8 | p[7];
    s->at = begin + 4;
    do { /* metadata: a flag for the last, a kind, a size of 24 bits */
        if (ser_bytes_read(b, s->at, block, 4) < 4)
            return -1;
        s->at += 4 + ((uint64_t)block[1] << 16 | (uint64_t)block[2] << 8 | block[3]);
    } while (!(block[0] & 0x80));
    return 0;
}

static unsigned crc8(const unsigned char *p, size_t n) {
    unsigned crc = 0;
    for (; n; n--, p++) {
        crc ^= *p;
        for (int i = 0; i < 8; i++)
            crc = (crc << 1 ^ (crc & 0x80 ? 0x07 : 0)) & 0xff;
    }
    return crc;
}

/* A number coded as UTF-8 codes letters, of up to 36 bits: bytes used, 0 if it is none. */
static size_t take_number(const unsigned char *p, uint64_t *v) {
    size_t more = 0;
    if (p[0] < 0x80) {
        *v = p[0];
        return 1;
    }
    while (more < 7 && p[0] & 0x40 >> more)
        more++;
    if (!more || more == 7 || !(p[0] & 0x80))
        return 0;
    *v = more < 6 ? p[0] & 0x3fu >> more : 0;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *v = *v << 6 | (p[i] & 0x3f);
    }
    return 1 + more;
}

/* Reads a frame's head at p [MAX_HEAD]: 0, or -1 if it is none. */
static int read_frame(const unsigned char *p, struct frame *f) {
    static const unsigned rates[] = {0,     88200, 176400, 192000, 8000,  16000,
                                     22050, 24000, 32000,  44100,  48000, 96000};
    unsigned size = p[2] >> 4, rate = p[2] & 15;
    if (p[0] != 0xff || (p[1] & 0xfe) != 0xf8 || !size || rate == 15 || p[3] >> 4 > 10 || p[3] & 1)
        return -1;
    f->varies = p[1] & 1;
    size_t n = take_number(p + 4, &f->number), at = 4 + n;
    if (!n)
        return -1;
    if (size == 6)
        f->size = p[at++] + 1u;
    else if (size == 7) {
        f->size = ((unsigned)p[at] << 8 | p[at + 1]) + 1u;
        at += 2;
    } else
        f->size = size == 1 ? 192 : size < 6 ? 576u << (size - 2) : 256u << (size - 8);
    if (rate == 12)
        f->rate_hz = p[at++] * 1000u;
    else if (rate > 12) {
        f->rate_hz = ((unsigned)p[at] << 8 | p[at + 1]) * (rate == 14 ? 10u : 1u);
        at += 2;
    } else
        f->rate_hz = rates[rate];
    return crc8(p, at) == p[at] ? 0 : -1;
}

/* What the frames say so far. */
struct tally {
    uint64_t frames, samples, expected; /* the number that the next frame has */
    unsigned rate_hz; /* of the first that has another than the stream's; else 0 */
    uint64_t changed_at;
    int joined; /* another stream follows */
};

/* A head that does not carry the number that is due is sound that looks like one. */
static void count(struct tally *t, const struct stream *s, const struct frame *f) {
    if (t->frames && f->number != t->expected)
        return;
    if (f->rate_hz && f->rate_hz != s->rate_hz && !t->rate_hz) {
        t->rate_hz = f->rate_hz;
        t->changed_at = t->samples;
    }
    t->frames++;
    t->samples += f->size;
    t->expected = f->varies ? f->number + f->size : f->number + 1;
}

static void scan(struct ser_bytes *b, const struct stream *s, struct tally *t) {
    enum { STEP = 1 << 15 };
    unsigned char block[STEP + MAX_HEAD];
    struct frame f;
    for (uint64_t at = s->at; at < b->len; at += STEP) {
        size_t got = ser_bytes_read(b, at, block, sizeof block);
        memset(block + got, 0, sizeof block - got);
        size_t end = got < STEP ? got : STEP;
        for (const unsigned char *p = block; p < block + end; p++) {
            if (*p == 0xff && p[1] >= 0xf8 && read_frame(p, &f) == 0)
                count(t, s, &f);
            t->joined |= *p == 'f' && memcmp(p, "fLaC\0\0\0\x22", 8) == 0;
        }
    }
}

int ser_flac_look(struct ser_bytes *b, const struct ser_container *c, struct ser_error *e) {
    struct stream s;
    struct tally t = {0};
    if (read_stream(b, c->begin, &s))
        return 0; /* the decoder says what is wrong */
    if (s.bits != 8 && s.bits != 16 && s.bits != 24)
        return ser_fail(e, SER_BAD,
                        "%s: FLAC of %u bits a sample, which cannot be read: convert it: ffmpeg -i "
                        "IN -c:a pcm_s24le OUT.wav",
                        b->name, s.bits);
    scan(b, &s, &t);
    if (t.rate_hz)
        return ser_fail(e, SER_BAD,
                        "%s: its rate changes from %u to %u Hz after %" PRIu64
                        " samples: cut it there, or write it again at one rate",
                        b->name, s.rate_hz, t.rate_hz, t.changed_at);
    if (t.joined || (s.frames && t.samples > s.frames))
        return ser_fail(
            e, SER_BAD,
            "%s: its header says %" PRIu64
            " samples, and more follow: it was joined or changed: write it again: ffmpeg "
            "-i IN OUT.flac",
            b->name, s.frames);
    return 0;
}
