#include "bridge/flac.h"

#include <inttypes.h>
#include <string.h>

struct frame {
    unsigned rate_hz; /* 0: the stream's */
    uint64_t number;  /* of the frame, or of its first sample where sizes vary */
    unsigned size;    /* samples of a channel */
    int varies;
};

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

/* Reads a frame's head at p [SER_FLAC_HEAD]: 0, or -1 if it is none. */
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

/* ---- the stream ---- */

int ser_flac_begin(struct ser_flac *f, struct ser_bytes *b, uint64_t begin, struct ser_error *e) {
    unsigned char head[42], block[4];
    *f = (struct ser_flac){0};
    if (ser_bytes_read(b, begin, head, sizeof head) < sizeof head || (head[4] & 0x7f) != 0)
        return 0;
    const unsigned char *p =
        head + 18; /* 20 bits of rate, 3 of channels, 5 of bits, 36 of samples */
    unsigned bits = ((unsigned)(p[2] & 1) << 4 | p[3] >> 4) + 1;
    uint64_t at = begin + 4;
    do { /* metadata: a flag for the last, a kind, a size of 24 bits */
        if (ser_bytes_read(b, at, block, 4) < 4)
            return 0;
        at += 4 + ((uint64_t)block[1] << 16 | (uint64_t)block[2] << 8 | block[3]);
    } while (!(block[0] & 0x80));
    if (bits != 8 && bits != 16 && bits != 24)
        return ser_fail(e, SER_BAD,
                        "%s: FLAC of %u bits a sample, which cannot be read: convert it: ffmpeg -i "
                        "IN -c:a pcm_s24le OUT.wav",
                        b->name, bits);
    f->rate_hz = (unsigned)p[0] << 12 | (unsigned)p[1] << 4 | p[2] >> 4;
    f->frames = (uint64_t)(p[3] & 15) << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
                (uint64_t)p[6] << 8 | p[7];
    f->at = at;
    return 0;
}

/* A head that does not carry the number that is due is sound that looks like one. */
static void count(struct ser_flac *f, const struct frame *frame) {
    if (f->counted && frame->number != f->expected)
        return;
    if (frame->rate_hz && frame->rate_hz != f->rate_hz && !f->changed_hz) {
        f->changed_hz = frame->rate_hz;
        f->changed_at = f->samples;
    }
    f->counted++;
    f->samples += frame->size;
    f->expected = frame->varies ? frame->number + frame->size : frame->number + 1;
}

void ser_flac_follow(struct ser_flac *f, struct ser_bytes *b, uint64_t end) {
    enum { STEP = 1 << 15 };
    unsigned char block[STEP + SER_FLAC_HEAD];
    struct frame frame;
    while (f->at && f->at < end) {
        size_t n = end - f->at < STEP ? (size_t)(end - f->at) : STEP;
        size_t got = ser_bytes_read(b, f->at, block, n + SER_FLAC_HEAD);
        memset(block + got, 0, n + SER_FLAC_HEAD - got);
        for (const unsigned char *p = block; p < block + n; p++) {
            if (*p == 0xff && p[1] >= 0xf8 && read_frame(p, &frame) == 0)
                count(f, &frame);
            f->joined |= *p == 'f' && memcmp(p, "fLaC\0\0\0\x22", 8) == 0;
        }
        f->at += n;
    }
}

int ser_flac_judge(const struct ser_flac *f, const struct ser_bytes *b, struct ser_error *e) {
    if (f->changed_hz)
        return ser_fail(e, SER_BAD,
                        "%s: its rate changes from %u to %u Hz after %" PRIu64
                        " samples: cut it there, or write it again at one rate",
                        b->name, f->rate_hz, f->changed_hz, f->changed_at);
    if (f->joined || (f->frames && f->samples > f->frames))
        return ser_fail(
            e, SER_BAD,
            "%s: its header says %" PRIu64
            " samples, and more follow: it was joined or changed: write it again: ffmpeg "
            "-i IN OUT.flac",
            b->name, f->frames);
    return 0;
}
