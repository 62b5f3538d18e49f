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
    if (o->ended || b->len == SER_ENDLESS)
        return 0;
    return ser_fail(e, SER_BAD,
                    "%s: cut short: no end-of-stream page: fetch or write the file again", b->name);
}
