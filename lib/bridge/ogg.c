#include "bridge/ogg.h"

#include <string.h>

/* A page is 27 bytes, a table of up to 255 lengths, and so many bytes. Flags: 2 begins a stream, 4 ends it. Those that
 * begin one in a file that holds several at a time come before all others. */
enum { HEAD = 27, MAX_HEAD = HEAD + 255, BEGINS = 2, ENDS = 4 };

/* The size of the page that begins at p [n]: 0 if none does; more than n if not all of its head is there. */
static size_t page_size(const unsigned char *p, size_t n) {
    if (n < 5 || memcmp(p, "OggS\0", 5) != 0) /* version 0 */
        return 0;
    size_t size = HEAD + (n < HEAD ? 0 : (size_t)p[26]);
    if (n < size || n < HEAD)
        return MAX_HEAD + 1;
    for (size_t i = HEAD; i < HEAD + (size_t)p[26]; i++)
        size += p[i];
    return size;
}

static uint32_t number(const unsigned char *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The checksum so far, and n bytes more: half a byte at a time. */
static uint32_t check(uint32_t sum, const unsigned char *p, size_t n) {
    static const uint32_t of[16] = {0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9,
                                    0x130476dc, 0x17c56b6b, 0x1a864db2, 0x1e475005,
                                    0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
                                    0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd};
    for (; n; n--, p++) {
        sum = sum << 4 ^ of[sum >> 28 ^ *p >> 4];
        sum = sum << 4 ^ of[sum >> 28 ^ (*p & 15)];
    }
    return sum;
}

/* Whether the page has the checksum that it says, which is one of all its bytes with zeros in its place. */
static int is_whole(struct ser_bytes *b, uint64_t at, size_t size) {
    unsigned char page[MAX_HEAD + 255 * 255];
    uint32_t says;
    if (ser_bytes_read(b, at, page, size) < size)
        return 0;
    says = number(page + 22);
    memset(page + 22, 0, 4);
    return check(0, page, size) == says;
}

/* Where a listener joins a station late, numbers are left out between the heads and the first sound. Where
 * several streams take turns, the first one is counted, which is the one that the decoder hears. */
static void count(struct ser_ogg *o, const unsigned char *head) {
    uint32_t n = number(head + 18);
    if (!o->counted)
        o->serial = number(head + 14);
    else if (number(head + 14) != o->serial)
        return;
    o->damaged |= o->counted && !o->headers && n != o->last + 1;
    o->headers = number(head + 6) == 0 && number(head + 10) == 0; /* the samples up to its end */
    o->counted = 1;
    o->last = n;
}

/* What is no page is passed over, as decoders do. */
void ser_ogg_follow(struct ser_ogg *o, struct ser_bytes *b, uint64_t end) {
    unsigned char head[MAX_HEAD];
    while (o->at < end) {
        size_t n = end - o->at < sizeof head ? (size_t)(end - o->at) : sizeof head;
        n = ser_bytes_read(b, o->at, head, n);
        size_t size = page_size(head, n);
        if (size > end - o->at || n < 5)
            return; /* not all of it has come */
        if (!size) {
            const unsigned char *next = memchr(head + 1, 'O', n - 1);
            o->at += next ? (size_t)(next - head) : n;
            continue;
        }
        if (is_whole(b, o->at, size))
            count(o, head);
        else
            o->damaged = 1;
        o->joined |= o->begun && (head[5] & BEGINS);
        o->begun |= !(head[5] & BEGINS);
        o->ended = (head[5] & ENDS) != 0;
        o->at += size;
    }
}

int ser_ogg_judge(const struct ser_ogg *o, const struct ser_bytes *b, struct ser_error *e) {
    if (o->joined)
        return ser_fail(e, SER_BAD,
                        "%s: holds streams behind each other, of which only the first would be "
                        "read: write it again: ffmpeg -i IN OUT.wav",
                        b->name);
    if (o->damaged)
        return ser_fail(e, SER_BAD,
                        "%s: damaged: pages are missing, or their checksums are wrong: fetch or "
                        "write the file again",
                        b->name);
    if (o->ended || b->len == SER_ENDLESS)
        return 0;
    return ser_fail(e, SER_BAD,
                    "%s: cut short: no end-of-stream page: fetch or write the file again", b->name);
}
