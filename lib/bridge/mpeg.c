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
}

/* A stream like this one may begin behind it, perhaps behind a tag (ID3v2, as in container.c). */
void ser_mpeg_follow(struct ser_mpeg *m, struct ser_bytes *b, uint64_t end) {
    unsigned char head[10];
    if (m->at + sizeof head > end || ser_bytes_read(b, m->at, head, sizeof head) < sizeof head)
        return;
    if (memcmp(head, "ID3", 3) == 0) {
        m->at += 10 + ((uint64_t)head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]);
        if (m->at + sizeof head > end || ser_bytes_read(b, m->at, head, sizeof head) < sizeof head)
            return;
    }
    m->joined = is_layer_3(head) && ((head[1] ^ m->frame[1]) & 0x1e) == 0;
    m->at = SER_ENDLESS;
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
    return 0;
}
