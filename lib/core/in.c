#include "core/in.h"

#include "core/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16 };

int ser_open(const char *path, int flags) {
    for (;;) {
        int fd = open(path, flags | O_CLOEXEC);
        if (fd >= 0 || errno != EINTR)
            return fd;
    }
}

size_t ser_read_at(int fd, uint64_t at, void *to, size_t n, int *failed) {
    size_t done = 0;
    *failed = 0;
    while (done < n) {
        ssize_t k = pread(fd, (char *)to + done, n - done, (off_t)(at + done));
        if (k < 0 && errno == EINTR)
            continue;
        *failed = k < 0;
        if (k <= 0)
            break;
        done += (size_t)k;
    }
    return done;
}

static int take_buffer(struct ser_in *in, size_t cap, struct ser_error *e) {
    in->cap = cap;
    in->buf = malloc(cap ? cap : 1);
    if (in->buf)
        return 0;
    if (in->owned)
        close(in->fd);
    return ser_no_memory(e);
}

int ser_in_open(struct ser_in *in, const char *path, struct ser_error *e) {
    *in = (struct ser_in){.fd = STDIN_FILENO, .name = "<stdin>"};
    if (path && strcmp(path, "-") != 0) {
        in->name = path;
        in->owned = 1;
        in->fd = ser_open(path, O_RDONLY);
        if (in->fd < 0)
            return ser_fail(e, SER_SYS, "%s: cannot open: %s", path, strerror(errno));
        struct stat st;
        if (fstat(in->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
            close(in->fd);
            return ser_fail(e, SER_SYS, "%s: is a folder, not a file", path);
        }
    }
    return take_buffer(in, BUFFER, e);
}

const char *ser_in_before(const struct ser_in *in) {
    struct stat st;
    return in->fd >= 0 && fstat(in->fd, &st) == 0 && S_ISFIFO(st.st_mode)
               ? ": the program before it in the pipe failed, or wrote nothing"
               : "";
}

int ser_in_fd(struct ser_in *in, int fd, const char *name, struct ser_error *e) {
    *in = (struct ser_in){.fd = fd, .owned = 1, .name = name};
    return take_buffer(in, BUFFER, e);
}

int ser_in_memory(struct ser_in *in, const void *mem, size_t len, const char *name,
                  struct ser_error *e) {
    *in = (struct ser_in){.fd = -1, .name = name};
    if (take_buffer(in, len, e))
        return -1;
    in->len = len;
    if (len)
        memcpy(in->buf, mem, len);
    return 0;
}

/* Waits for data. 0, or -1 with e set, where SIGPIPE is ignored: nobody reads what is made of them. */
static int wait_for_data(const struct ser_in *in, struct ser_error *e) {
    struct pollfd p[2] = {{.fd = in->fd, .events = POLLIN}, {.fd = in->feeds}};
    while (!p[0].revents && !p[1].revents)
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return 0; /* the read that follows waits, too */
    if (!(p[1].revents & POLLERR))
        return 0;
    raise(SIGPIPE);
    return ser_fail(e, SER_SYS, "cannot write: %s", strerror(EPIPE));
}

/* One read(2) of at most n bytes: what came, 0 at the end, -1 with e set. */
static ssize_t read_some(struct ser_in *in, void *to, size_t n, struct ser_error *e) {
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    if (in->fd < 0)
        return 0;
    if (in->idle && poll(&p, 1, 0) == 0)
        in->idle(in->ctx);
    if (in->feeds && wait_for_data(in, e))
        return -1;
    for (;;) {
        ssize_t k = read(in->fd, to, n);
        if (k >= 0)
            return k;
        if (errno != EINTR)
            return ser_fail(e, SER_SYS, "%s: cannot read: %s", in->name, strerror(errno));
    }
}

int ser_in_peek(struct ser_in *in, size_t n, const unsigned char **at, size_t *got,
                struct ser_error *e) {
    if (in->len - in->pos < n && in->fd >= 0) {
        memmove(in->buf, in->buf + in->pos, in->len - in->pos);
        in->len -= in->pos;
        in->pos = 0;
        while (in->len < n) {
            ssize_t k = read_some(in, in->buf + in->len, in->cap - in->len, e);
            if (k < 0)
                return -1;
            if (k == 0)
                break;
            in->len += (size_t)k;
        }
    }
    *at = in->buf + in->pos;
    *got = in->len - in->pos < n ? in->len - in->pos : n;
    return 0;
}

int ser_in_some(struct ser_in *in, const unsigned char **at, size_t *got, struct ser_error *e) {
    if (ser_in_peek(in, 1, at, got, e))
        return -1;
    *got = in->len - in->pos;
    return 0;
}

int ser_in_read(struct ser_in *in, void *to, size_t n, size_t *got, struct ser_error *e) {
    unsigned char *p = to;
    size_t have = in->len - in->pos, done = have < n ? have : n;
    memcpy(p, in->buf + in->pos, done);
    in->pos += done;
    while (done < n) {
        /* Large reads go straight to their place, small ones through the buffer. */
        if (n - done >= in->cap) {
            ssize_t k = read_some(in, p + done, n - done, e);
            if (k < 0)
                return -1;
            if (k == 0)
                break;
            done += (size_t)k;
            continue;
        }
        const unsigned char *at;
        if (ser_in_peek(in, n - done, &at, &have, e))
            return -1;
        memcpy(p + done, at, have);
        in->pos += have;
        done += have;
        break; /* peek brings all that was asked for, or all there is */
    }
    in->offset += done;
    *got = done;
    return 0;
}

int ser_in_rest(struct ser_in *in, size_t max, unsigned char **data, size_t *len,
                struct ser_error *e) {
    size_t cap = 0, n = 0, got = 0;
    unsigned char *p = NULL;
    int failed = 0;
    do {
        failed = ser_grow(&p, &cap, n < BUFFER ? BUFFER : n + 1, 1)
                     ? ser_no_memory(e)
                     : ser_in_read(in, p + n, cap - n, &got, e);
        n += failed ? 0 : got;
        if (n > max)
            failed = ser_fail(e, SER_BAD, "%s: larger than the limit of %zu bytes", in->name, max);
    } while (!failed && n == cap);
    if (failed) {
        free(p);
        return -1;
    }
    *data = p;
    *len = n;
    return 0;
}

static uint64_t count_lines(const void *at, size_t n) {
    const char *p = at, *end = p + n;
    uint64_t lines = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        lines++;
    }
    return lines;
}

uint64_t ser_in_lines(const struct ser_in *in) {
    struct stat st;
    char block[16384];
    off_t at = in->fd < 0 ? -1 : lseek(in->fd, 0, SEEK_CUR);
    if (at < 0 || fstat(in->fd, &st) || !S_ISREG(st.st_mode))
        return 0;
    uint64_t lines = count_lines(in->buf + in->pos, in->len - in->pos);
    size_t got;
    int failed;
    while ((got = ser_read_at(in->fd, (uint64_t)at, block, sizeof block, &failed)) > 0) {
        lines += count_lines(block, got);
        at += (off_t)got;
    }
    return lines;
}

uint64_t ser_file_bytes(const char *path) {
    struct stat st;
    int bad = !path || strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);
    return bad || !S_ISREG(st.st_mode) ? 0 : (uint64_t)st.st_size;
}

void ser_in_close(struct ser_in *in) {
    if (in->owned)
        close(in->fd);
    free(in->buf);
    *in = (struct ser_in){.fd = -1};
}
