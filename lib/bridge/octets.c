#include "bridge/octets.h"

#include "core/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEPT ((size_t)1 << 31) /* of an input, at a time */

/* ---- of an input ---- */

/* Keeps what has come, at least a byte, if there is one. */
static int keep(struct ser_bytes *b, struct ser_error *e) {
    const unsigned char *at;
    size_t n;
    if (ser_in_some(b->in, &at, &n, e))
        return -1;
    if (n == 0) {
        b->len = b->base + b->have;
        return 0;
    }
    if (n > MAX_KEPT - b->have)
        return errno = EFBIG, -1;
    if (ser_grow(&b->kept, &b->cap, b->have + n, 1))
        return errno = ENOMEM, -1;
    if (ser_in_read(b->in, b->kept + b->have, n, &n, e))
        return -1;
    b->have += n;
    return 0;
}

/* Waits until the bytes before offset end are there, or the input has ended. */
static int wait_until(struct ser_bytes *b, uint64_t end) {
    struct ser_error e;
    int before = errno; /* of the decoder that asks: nothing that goes well here changes it */
    while (b->len == SER_ENDLESS && b->base + b->have < end && !b->error) {
        errno = EIO;
        if (keep(b, &e))
            b->error = errno;
    }
    errno = before;
    return b->error ? -1 : 0;
}

int ser_bytes_await(struct ser_bytes *b) {
    return wait_until(b, SER_ENDLESS);
}

void ser_bytes_forget(struct ser_bytes *b, uint64_t at) {
    size_t n = at <= b->base ? 0 : at - b->base < b->have ? (size_t)(at - b->base) : b->have;
    if (n <= b->have / 2) /* moving few bytes often would take long */
        return;
    b->have -= n;
    b->base += n;
    memmove(b->kept, b->kept + n, b->have);
}

void ser_bytes_close(struct ser_bytes *b) {
    free(b->kept);
    b->kept = NULL;
    b->cap = b->have = 0;
}

static size_t read_kept(struct ser_bytes *b, uint64_t at, void *to, size_t n, uint64_t until) {
    if (n == 0)
        return 0;
    if (at < b->base) { /* it is gone */
        b->error = ESPIPE;
        return 0;
    }
    if (wait_until(b, until) || at >= b->base + b->have)
        return 0;
    size_t there = (size_t)(b->base + b->have - at), got = n < there ? n : there;
    memcpy(to, b->kept + (at - b->base), got);
    return got;
}

/* ---- of any ---- */

size_t ser_bytes_read(struct ser_bytes *b, uint64_t at, void *to, size_t n) {
    int failed = 0;
    if (at >= b->len)
        return 0;
    if (n > b->len - at)
        n = (size_t)(b->len - at);
    if (b->in)
        return read_kept(b, at, to, n, at + n);
    if (b->fd < 0) {
        memcpy(to, b->mem + at, n);
        return n;
    }
    size_t got = ser_read_at(b->fd, at, to, n, &failed);
    if (failed)
        b->error = errno;
    return got;
}

size_t ser_bytes_some(struct ser_bytes *b, uint64_t at, void *to, size_t n) {
    return b->in ? read_kept(b, at, to, n, at + 1) : ser_bytes_read(b, at, to, n);
}

uint64_t ser_bytes_there(const struct ser_bytes *b) {
    return b->in ? b->base + b->have : b->len;
}
