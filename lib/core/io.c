#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
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

/* ---- input ---- */

int ser_in_open(struct ser_in *in, const char *path, struct ser_error *e) {
    *in = (struct ser_in){.fd = STDIN_FILENO, .name = "<stdin>", .cap = BUFFER};
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
    in->buf = emalloc(in->cap);
    return 0;
}

void ser_in_fd(struct ser_in *in, int fd, const char *name) {
    *in = (struct ser_in){.fd = fd, .owned = 1, .name = name, .cap = BUFFER};
    in->buf = emalloc(in->cap);
}

void ser_in_memory(struct ser_in *in, const void *mem, size_t len, const char *name) {
    *in = (struct ser_in){.fd = -1, .name = name, .cap = BUFFER};
    in->buf = emalloc(len ? len : 1);
    in->cap = in->len = len;
    if (len)
        memcpy(in->buf, mem, len);
}

/* One read(2) of at most n bytes: what came, 0 at the end, -1 with e set. */
static ssize_t read_some(struct ser_in *in, void *to, size_t n, struct ser_error *e) {
    struct pollfd p = {.fd = in->fd, .events = POLLIN};
    if (in->fd < 0)
        return 0;
    if (in->idle && poll(&p, 1, 0) == 0)
        in->idle(in->ctx);
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
    size_t cap = BUFFER, n = 0, got;
    unsigned char *p = emalloc(cap);
    do {
        if (n == cap)
            p = erealloc(p, cap *= 2, 1);
        if (ser_in_read(in, p + n, cap - n, &got, e)) {
            free(p);
            return -1;
        }
        n += got;
        if (n > max) {
            free(p);
            return ser_fail(e, SER_BAD, "%s: larger than the limit of %zu bytes", in->name, max);
        }
    } while (n == cap);
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
    ssize_t got;
    while ((got = pread(in->fd, block, sizeof block, at)) > 0) {
        lines += count_lines(block, (size_t)got);
        at += got;
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

/* ---- temporaries that must not stay behind ---- */

enum { MAX_TEMPS = 64 };
static struct {
    char *volatile path;
    volatile pid_t owner; /* a forked child that exits leaves its parent's alone */
} temps[MAX_TEMPS];       /* read by the signal handler */

static void remove_temps(void) {
    pid_t self = getpid();
    for (int i = 0; i < MAX_TEMPS; i++)
        if (temps[i].path && temps[i].owner == self)
            unlink(temps[i].path);
}

static void remove_temps_and_die(int sig) {
    remove_temps(); /* unlink is async-signal-safe */
    signal(sig, SIG_DFL);
    raise(sig);
}

static void install_cleanup(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU,
                                  /* A library that is refused memory may crash. */
                                  SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    atexit(remove_temps);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction old, act = {.sa_handler = remove_temps_and_die, .sa_flags = SA_RESTART};
        sigemptyset(&act.sa_mask);
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(signals[i], &act, NULL); /* what was ignored (nohup) stays ignored */
    }
}

static void keep_temp(char *path) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_cleanup);
    for (int i = 0; i < MAX_TEMPS; i++)
        if (!temps[i].path) {
            temps[i].owner = getpid();
            temps[i].path = path;
            return;
        }
    die(SER_SYS, "more than %d outputs at once", MAX_TEMPS);
}

static void forget_temp(const char *path) {
    for (int i = 0; i < MAX_TEMPS; i++)
        if (temps[i].path == path)
            temps[i].path = NULL;
}

/* ---- output ---- */

/* Follows links, also one that points at nothing yet; the caller frees. */
static char *resolve(const char *path) {
    char *p = estrdup(path), link[PATH_MAX];
    for (int hops = 0; hops < 40; hops++) {
        ssize_t n = readlink(p, link, sizeof link - 1);
        if (n < 0 && errno != EINVAL && errno != ENOENT) {
            int why = errno;
            free(p);
            die(SER_SYS, "%s: cannot write: %s", path, strerror(why));
        }
        if (n < 0)
            return p; /* not a link, or not there */
        link[n] = '\0';
        char *slash = strrchr(p, '/'), *next;
        if (link[0] == '/' || !slash)
            next = estrdup(link);
        else
            next = eprintf_alloc("%.*s/%s", (int)(slash - p), p, link);
        free(p);
        p = next;
    }
    free(p);
    die(SER_SYS, "%s: cannot write: too many symbolic links", path);
}

/* The folder of path and what follows it: 1 if it is that of other, too. */
static int same_entry(const char *path, const char *other) {
    const char *at[2] = {path, other}, *last[2];
    struct stat st[2];
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(at[i], '/');
        last[i] = slash ? slash + 1 : at[i];
        char *folder = slash ? eprintf_alloc("%.*s", (int)(last[i] - at[i]), at[i]) : estrdup(".");
        int failed = stat(folder, &st[i]);
        free(folder);
        if (failed)
            return 0;
    }
    return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino &&
           strcmp(last[0], last[1]) == 0;
}

int ser_same_file(const char *a, const char *b) {
    struct stat x, y;
    int there = stat(a, &x) == 0;
    if (there != (stat(b, &y) == 0))
        return 0;
    if (there)
        return !S_ISCHR(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    char *p = resolve(a), *q = resolve(b);
    int same = same_entry(p, q);
    free(p);
    free(q);
    return same;
}

/* mkostemp(3), again when a signal comes between: path ends with six characters, which it sets. */
static int make_temp(char *path) {
    for (;;) {
        memcpy(path + strlen(path) - 6, "XXXXXX", 6);
        int fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0 || errno != EINTR)
            return fd;
    }
}

static void open_temp(struct ser_out *o, mode_t mode) {
    const char *slash = strrchr(o->final, '/');
    o->temp = eprintf_alloc("%.*s.ser-XXXXXX", (int)(slash ? slash + 1 - o->final : 0), o->final);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* no signal between making the file and noting it */
    o->fd = make_temp(o->temp);
    int why = errno;
    if (o->fd >= 0)
        keep_temp(o->temp);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (o->fd < 0)
        die(SER_SYS, "%s: cannot write: %s", o->name, strerror(why));
    if (fchmod(o->fd, mode))
        die(SER_SYS, "%s: cannot set its mode: %s", o->name, strerror(errno));
}

/* /dev/stdout is a link to the file that standard output is: replacing that would lose what a shell
 * appends to. */
static int is_standard_output(const struct stat *st) {
    struct stat out;
    return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == st->st_dev && out.st_ino == st->st_ino;
}

void ser_out_open(struct ser_out *o, const char *path, int binary) {
    *o = (struct ser_out){.fd = STDOUT_FILENO, .name = "<stdout>", .cap = BUFFER};
    if (path && strcmp(path, "-") != 0) {
        struct stat st;
        o->name = path;
        if (!*path)
            die(SER_USAGE, "the name of the output file is empty");
        int there = stat(path, &st) == 0;
        if (there && S_ISDIR(st.st_mode))
            die(SER_SYS, "%s: cannot write: is a folder", path);
        if (there && S_ISREG(st.st_mode) && is_standard_output(&st)) {
            o->fd = STDOUT_FILENO;
        } else if (there && !S_ISREG(st.st_mode)) {
            o->fd = ser_open(path, O_WRONLY); /* its links may be /proc's, without a path */
            if (o->fd < 0)
                die(SER_SYS, "%s: cannot write: %s", path, strerror(errno));
        } else {
            o->final = resolve(path);
            mode_t mask = umask(0);
            umask(mask);
            open_temp(o, there ? st.st_mode & 0777 : 0666 & ~mask);
        }
    }
    if (binary && isatty(o->fd))
        die(SER_USAGE, "will not write binary data to a terminal: use -o FILE or a pipe");
    o->buf = emalloc(o->cap);
}

void ser_out_try(const char *path, int binary) {
    struct ser_out o;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        return;
    ser_out_open(&o, path, binary);
    ser_out_abandon(&o);
}

static void write_all(struct ser_out *o, const unsigned char *p, size_t n) {
    while (n) {
        ssize_t k = write(o->fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            die(SER_SYS, "%s: cannot write: %s", o->name, strerror(errno));
        p += k;
        n -= (size_t)k;
    }
}

void ser_out_flush(struct ser_out *o) {
    write_all(o, o->buf, o->len);
    o->len = 0;
}

void ser_out_write(struct ser_out *o, const void *data, size_t n) {
    if (n > o->cap - o->len)
        ser_out_flush(o);
    if (n >= o->cap) {
        write_all(o, data, n);
    } else if (n) {
        memcpy(o->buf + o->len, data, n);
        o->len += n;
    }
}

void ser_out_printf(struct ser_out *o, const char *fmt, ...) {
    char small[512], *text = small;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n >= (int)sizeof small) {
        va_start(args, fmt);
        n = vasprintf(&text, fmt, args);
        va_end(args);
    }
    if (n < 0)
        die(SER_SYS, "out of memory");
    ser_out_write(o, text, (size_t)n);
    if (text != small)
        free(text);
}

static int sync_all(int fd) {
    for (;;) {
        int failed = fsync(fd);
        if (!failed || errno != EINTR)
            return failed;
    }
}

/* The folder's entry is on disk only when the folder is synced too. */
static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? eprintf_alloc("%.*s", (int)(slash - path + 1), path) : estrdup(".");
    int fd = ser_open(folder, O_RDONLY | O_DIRECTORY);
    free(folder);
    if (fd < 0)
        return; /* a folder that may be written but not read cannot be synced */
    if (sync_all(fd) && errno != EINVAL)
        die(SER_SYS, "%s: cannot sync its folder: %s", path, strerror(errno));
    close(fd);
}

void ser_out_close(struct ser_out *o) {
    ser_out_flush(o);
    if (o->final) {
        if (sync_all(o->fd))
            die(SER_SYS, "%s: cannot sync: %s", o->name, strerror(errno));
        if (rename(o->temp, o->final))
            die(SER_SYS, "%s: cannot rename into place: %s", o->name, strerror(errno));
        forget_temp(o->temp);
        sync_folder(o->final);
    }
    if (close(o->fd) && errno != EINTR)
        die(SER_SYS, "%s: cannot close: %s", o->name, strerror(errno));
    free(o->buf);
    free(o->final);
    free(o->temp);
    *o = (struct ser_out){.fd = -1};
}

void ser_out_abandon(struct ser_out *o) {
    if (o->temp) {
        unlink(o->temp);
        forget_temp(o->temp);
    }
    if (o->fd != STDOUT_FILENO)
        close(o->fd);
    free(o->buf);
    free(o->final);
    free(o->temp);
    *o = (struct ser_out){.fd = -1};
}

void ser_out_spool(struct ser_out *o) {
    const char *folder = getenv("TMPDIR");
    char *path = eprintf_alloc("%s/.ser-XXXXXX", folder && *folder ? folder : "/tmp");
    *o = (struct ser_out){.name = "a temporary file in TMPDIR", .cap = BUFFER};
    o->fd = make_temp(path);
    if (o->fd < 0)
        die(SER_SYS, "%s: cannot make a temporary file: %s", path, strerror(errno));
    unlink(path);
    free(path);
    o->buf = emalloc(o->cap);
}

void ser_out_reread(struct ser_out *o, struct ser_in *in) {
    ser_out_flush(o);
    if (lseek(o->fd, 0, SEEK_SET) < 0)
        die(SER_SYS, "%s: cannot be read again: %s", o->name, strerror(errno));
    ser_in_fd(in, o->fd, o->name);
    free(o->buf);
    *o = (struct ser_out){.fd = -1};
}
