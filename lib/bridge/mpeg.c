#include "bridge/mpeg.h"

#include <inttypes.h>
#include <string.h>

static uint32_t number(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A frame's head: 11 bits of ones, 2 of version, 2 of layer, 1 of protection, 4 of bit rate, 2 of rate. */
int ser_mpeg_is_frame(const unsigned char *p) {
    return p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x18) != 0x08 && (p[1] & 0x06) != 0 &&
           p[2] >> 4 != 0 && p[2] >> 4 != 15 && (p[2] & 0x0c) != 0x0c;
}

static int is_layer_3(const unsigned char *p) {
    return ser_mpeg_is_frame(p) && (p[1] & 0x06) == 0x02;
}

/* A frame's layer, less one, and 1 if it is of MPEG-2 or 2.5, of half the rates and less. */
static int layer_of(const unsigned char *p) {
    return 3 - (p[1] >> 1 & 3);
}

static int is_low(const unsigned char *p) {
    return (p[1] & 0x18) != 0x18;
}

/* Samples of a channel in such a frame. */
static unsigned samples_in(const unsigned char *p) {
    return layer_of(p) == 0 ? 384 : layer_of(p) == 2 && is_low(p) ? 576 : 1152;
}

/* The bytes of such a frame. */
static unsigned size_of(const unsigned char *p) {
    static const unsigned char eights[2][3][15] = {
        /* of a kbit/s */
        {{0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56},
         {0, 4, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48},
         {0, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40}},
        {{0, 4, 6, 7, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32},
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20},
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20}}};
    static const unsigned rates_hz[] = {44100, 48000, 32000};
    unsigned rate_hz = rates_hz[p[2] >> 2 & 3] >> (!is_low(p) ? 0 : p[1] & 0x10 ? 1 : 2);
    unsigned bits_s = 8000u * eights[is_low(p)][layer_of(p)][p[2] >> 4], slot = layer_of(p) ? 1 : 4;
    return (samples_in(p) / 8 / slot * bits_s / rate_hz + (p[2] >> 1 & 1)) * slot;
}

/* The bytes of the stream, this frame included, as its first frame says in the place of sound; 0: it does not. */
static uint32_t length_in(const unsigned char *frame, size_t n) {
    int is_first = (frame[1] & 0x18) == 0x18, is_mono = frame[3] >> 6 == 3;
    size_t at = 4 + (is_first ? is_mono ? 17 : 32 : is_mono ? 9 : 17);
    if (!(frame[1] & 1) && at + 6 <= n && memcmp(frame + at, "Xing", 4) != 0 &&
        memcmp(frame + at, "Info", 4) != 0)
        at += 2; /* a checksum lies between */
    if (at + 16 > n || (memcmp(frame + at, "Xing", 4) != 0 && memcmp(frame + at, "Info", 4) != 0))
        return 0;
    uint32_t flags = number(frame + at + 4); /* 1: the number of frames follows; 2: that of bytes */
    return !(flags & 2) ? 0 : number(frame + at + (flags & 1 ? 12 : 8));
}

void ser_mpeg_begin(struct ser_mpeg *m, struct ser_bytes *b, uint64_t begin) {
    *m = (struct ser_mpeg){.begin = begin};
    size_t n = ser_bytes_read(b, begin, m->frame, sizeof m->frame);
    m->size = n >= 4 && is_layer_3(m->frame) ? length_in(m->frame, n) : 0;
    m->at = m->size ? begin + m->size : SER_ENDLESS;
    m->due = n >= 4 ? begin : SER_ENDLESS;
}

/* Whether a frame of the stream begins with these bytes: of its version, layer and rate. */
static int is_ours(const struct ser_mpeg *m, const unsigned char *p) {
    return ser_mpeg_is_frame(p) && !((p[1] ^ m->frame[1]) & 0x1e) && !((p[2] ^ m->frame[2]) & 0x0c);
}

/* Whether a tag begins with these bytes [8], behind which no sound comes. */
static int is_last_tag(const unsigned char *p) {
    return memcmp(p, "TAG", 3) == 0 || memcmp(p, "APETAGEX", 8) == 0 ||
           memcmp(p, "LYRICSBE", 8) == 0;
}

uint64_t ser_mpeg_tag(const unsigned char head[10]) {
    if (memcmp(head, "ID3", 3) != 0 || head[3] == 0xff ||
        (head[6] | head[7] | head[8] | head[9]) & 0x80)
        return 0;
    uint64_t size = (uint64_t)head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9];
    return 10 + size + (head[5] & 0x10 ? 10 : 0);
}

/* Takes the frame or the tag that is due. */
static void take(struct ser_mpeg *m, const unsigned char head[10]) {
    if (is_ours(m, head)) {
        m->frames++;
        m->due += size_of(head);
    } else if (ser_mpeg_tag(head))
        m->due += ser_mpeg_tag(head);
    else if (is_last_tag(head))
        m->due = SER_ENDLESS;
    else
        m->lost = m->due;
}

/* Goes on to where a frame begins again that another one follows: 0, or -1 if that is not there, or not yet. */
static int look_on(struct ser_mpeg *m, struct ser_bytes *b, uint64_t end) {
    unsigned char block[512], head[4];
    size_t n = end - m->due < sizeof block ? (size_t)(end - m->due) : sizeof block;
    n = ser_bytes_read(b, m->due, block, n);
    const unsigned char *p = memchr(block, 0xff, n);
    m->due += p ? (uint64_t)(p - block) : n;
    if (!n || m->due + sizeof head > end || ser_bytes_read(b, m->due, head, 4) < 4)
        return -1;
    uint64_t next = is_ours(m, head) ? m->due + size_of(head) : 0;
    if (next + sizeof head > end)
        return -1;
    if (!next || ser_bytes_read(b, next, head, 4) < 4 || !is_ours(m, head)) {
        m->due++;
        return 0;
    }
    m->damaged = 1;
    m->due = SER_ENDLESS;
    return -1;
}

static void count(struct ser_mpeg *m, struct ser_bytes *b, uint64_t end) {
    unsigned char head[10];
    while (m->due + sizeof head <= end)
        if (m->lost ? look_on(m, b, end)
                    : ser_bytes_read(b, m->due, head, sizeof head) < sizeof head)
            return;
        else if (!m->lost)
            take(m, head);
}

/* A stream like this one may begin behind it, perhaps behind a tag. */
static void look_behind(struct ser_mpeg *m, struct ser_bytes *b, uint64_t end) {
    unsigned char head[10];
    if (m->at + sizeof head > end || ser_bytes_read(b, m->at, head, sizeof head) < sizeof head)
        return;
    if (ser_mpeg_tag(head)) {
        m->at += ser_mpeg_tag(head);
        if (m->at + sizeof head > end || ser_bytes_read(b, m->at, head, sizeof head) < sizeof head)
            return;
    }
    m->joined = is_layer_3(head) && ((head[1] ^ m->frame[1]) & 0x1e) == 0;
    m->at = SER_ENDLESS;
}

void ser_mpeg_follow(struct ser_mpeg *m, struct ser_bytes *b, uint64_t end) {
    look_behind(m, b, end);
    count(m, b, end);
}

uint64_t ser_mpeg_samples(const struct ser_mpeg *m) {
    /* The encoder's delay and what fills up the last frame are 12 bits each (LAME's header), the decoder's
     * delay is 529; of two frames one tells the length, and one may be cut. */
    uint64_t all = m->frames * samples_in(m->frame);
    uint64_t ends = 2 * 4096 + 529 + 2 * samples_in(m->frame);
    return all > ends ? all - ends : 0;
}

int ser_mpeg_judge(const struct ser_mpeg *m, const struct ser_bytes *b, struct ser_error *e) {
    if (m->size > b->len) /* some programs count the tags in front */
        return ser_fail(e, SER_BAD,
                        "%s: cut short: has %" PRIu64 " of %" PRIu32
                        " bytes: fetch or write the file again",
                        b->name, b->len - m->begin, m->size);
    if (m->joined)
        return ser_fail(e, SER_BAD,
                        "%s: its header says %" PRIu32
                        " bytes, and more follow: it was joined: write it again: ffmpeg -i IN "
                        "OUT.wav",
                        b->name, m->size);
    if (m->damaged)
        return ser_fail(e, SER_BAD,
                        "%s: damaged: no MPEG frame begins at byte %" PRIu64
                        ", where one is due: fetch the file again, or hear what is left of it: "
                        "ffmpeg -i IN OUT.wav",
                        b->name, m->lost);
    return 0;
}
