/* ogg.h - finds out whether an Ogg file is one stream, and all there, while its pages pass (RFC 3533). */
#ifndef SER_OGG_H
#define SER_OGG_H

#include "bridge/octets.h"

struct ser_ogg {
    uint64_t at; /* what is before it has been looked at */
    int begun;   /* a page of sound has come */
    int ended;   /* the last whole page says that it is the last */
    int joined;  /* another stream begins behind it */
    /* The pages of the first stream carry numbers. */
    uint32_t serial, last; /* the stream's; that of its last page so far */
    int counted, headers;  /* one has come; all so far were before its sound */
    int damaged; /* a number was left out: a page is missing, or has another checksum than it says */
};

/* Looks at the bytes up to offset end, at first from where the caller set at. */
void ser_ogg_follow(struct ser_ogg *o, struct ser_bytes *b, uint64_t end);

/* 0; or -1 with e set: SER_BAD if streams lie behind each other, of which a decoder reads the first alone, if pages are
 * missing, which it passes over, or if the bytes have ended, and are cut short. */
int ser_ogg_judge(const struct ser_ogg *o, const struct ser_bytes *b,
                  struct ser_error *e) SER_MUST_CHECK;

#endif
