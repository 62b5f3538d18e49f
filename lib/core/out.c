#include "core/out.h"

#include "core/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 1 << 16 };

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

static int keep_temp(char *path) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_cleanup);
    for (int i = 0; i < MAX_TEMPS; i++)
        if (!temps[i].path) {
            temps[i].owner = getpid();
            temps[i].path = path;
            return 0;
        }
    return -1;
}

static void forget_temp(const char *path) {
    for (int i = 0; i < MAX_TEMPS; i++)
        if (temps[i].path == path)
            temps[i].path = NULL;
}

/* ---- names ---- */

/* Follows links, also one that points at nothing yet; the caller frees. NULL with e set. */
static char *resolve(const char *path, struct ser_error *e) {
    char *p = strdup(path), link[PATH_MAX];
    for (int hops = 0; p && hops < 40; hops++) {
        ssize_t n = readlink(p, link, sizeof link - 1);
        if (n < 0 && (errno == EINVAL || errno == ENOENT))
            return p; /* not a link, or not there */
        if (n < 0) {
            ser_fail(e, SER_SYS, "%s: cannot write: %s", path, strerror(errno));
            free(p);
            return NULL;
        }
        link[n] = '\0';
        char *slash = strrchr(p, '/'), *next;
        int folder = link[0] == '/' || !slash ? 0 : (int)(slash + 1 - p);
        if (asprintf(&next, "%.*s%s", folder, p, link) < 0)
            next = NULL;
        free(p);
        p = next;
    }
    if (p)
        ser_fail(e, SER_SYS, "%s: cannot write: too many symbolic links", path);
    else
        ser_no_memory(e);
    free(p);
    return NULL;
}

/* The folder of path, as open and stat take it; the caller frees. NULL without memory. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
}

/* Whether two paths, without links, name one entry of one folder. */
static int same_entry(const char *a, const char *b, struct ser_error *e) {
    const char *path[2] = {a, b}, *last[2];
    struct stat st[2];
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(path[i], '/');
        char *folder = folder_of(path[i]);
        if (!folder)
            return ser_no_memory(e);
        last[i] = slash ? slash + 1 : path[i];
        int failed = stat(folder, &st[i]);
        free(folder);
        if (failed)
            return 0;
    }
    return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino &&
           strcmp(last[0], last[1]) == 0;
}

int ser_same_file(const char *a, const char *b, struct ser_error *e) {
    struct stat x, y;
    int there = stat(a, &x) == 0;
    if (there != (stat(b, &y) == 0))
        return 0;
    if (there)
        return !S_ISCHR(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    /* What cannot be followed to a place is in no other's; who opens it says why. */
    errno = 0;
    char *p = resolve(a, e), *q = p ? resolve(b, e) : NULL;
    int same = q ? same_entry(p, q, e) : errno == ENOMEM ? -1 : 0;
    free(p);
    free(q);
    return same;
}

/* ---- opening ---- */

/* mkostemp(3), again when a signal comes between: path ends with six characters, which it sets. */
static int make_temp(char *path) {
    for (;;) {
        memcpy(path + strlen(path) - 6, "XXXXXX", 6);
        int fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0 || errno != EINTR)
            return fd;
    }
}

static int open_temp(struct ser_out *o, mode_t mode, struct ser_error *e) {
    const char *slash = strrchr(o->final, '/');
    int folder = slash ? (int)(slash + 1 - o->final) : 0, kept = 0;
    char *temp;
    if (asprintf(&temp, "%.*s.ser-XXXXXX", folder, o->final) < 0)
        return ser_no_memory(e);
    o->temp = temp;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old); /* no signal between making the file and noting it */
    o->fd = make_temp(o->temp);
    int why = errno;
    if (o->fd >= 0) {
        kept = keep_temp(o->temp) == 0;
        if (!kept)
            unlink(o->temp);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (o->fd < 0) {
        free(o->temp);
        o->temp = NULL;
        return ser_fail(e, SER_SYS, "%s: cannot write: %s", o->name, strerror(why));
    }
    if (!kept)
        return ser_fail(e, SER_SYS, "%s: cannot write: more than %d outputs at once", o->name,
                        MAX_TEMPS);
    if (fchmod(o->fd, mode))
        return ser_fail(e, SER_SYS, "%s: cannot set its mode: %s", o->name, strerror(errno));
    return 0;
}

/* /dev/stdout is a link to the file that standard output is: replacing that would lose what a shell
 * appends to. */
static int is_standard_output(const struct stat *st) {
    struct stat out;
    return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == st->st_dev && out.st_ino == st->st_ino;
}

static int open_path(struct ser_out *o, const char *path, struct ser_error *e) {
    struct stat st;
    o->name = path;
    if (!*path)
        return ser_fail(e, SER_USAGE, "the name of the output file is empty");
    int there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
        return ser_fail(e, SER_SYS, "%s: cannot write: is a folder", path);
    if (there && S_ISREG(st.st_mode) && is_standard_output(&st))
        return 0;
    if (there && !S_ISREG(st.st_mode)) {
        o->fd = ser_open(path, O_WRONLY); /* its links may be /proc's, without a path */
        return o->fd < 0 ? ser_fail(e, SER_SYS, "%s: cannot write: %s", path, strerror(errno)) : 0;
    }
    o->fd = -1;
    o->final = resolve(path, e);
    mode_t mask = umask(0);
    umask(mask);
    return o->final ? open_temp(o, there ? st.st_mode & 0777 : 0666 & ~mask, e) : -1;
}

static int take_buffer(struct ser_out *o, struct ser_error *e) {
    o->cap = BUFFER;
    o->buf = malloc(BUFFER);
    return o->buf ? 0 : ser_no_memory(e);
}

int ser_out_open(struct ser_out *o, const char *path, int binary, struct ser_error *e) {
    *o = (struct ser_out){.fd = STDOUT_FILENO, .name = "<stdout>"};
    int failed = path && strcmp(path, "-") != 0 ? open_path(o, path, e) : 0;
    if (!failed && binary && isatty(o->fd))
        failed = ser_fail(e, SER_USAGE,
                          "will not write binary data to a terminal: use -o FILE or a pipe");
    if (!failed)
        failed = take_buffer(o, e);
    if (failed)
        ser_out_abandon(o);
    return failed;
}

int ser_out_try(const char *path, int binary, struct ser_error *e) {
    struct ser_out o;
    struct stat st;
    if (path && stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        return 0;
    if (ser_out_open(&o, path, binary, e))
        return -1;
    ser_out_abandon(&o);
    return 0;
}

/* ---- writing ---- */

static void write_all(struct ser_out *o, const unsigned char *p, size_t n) {
    while (n && !o->e.status) {
        ssize_t k = write(o->fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            ser_fail(&o->e, SER_SYS, "%s: cannot write: %s", o->name, strerror(errno));
            return;
        }
        p += k;
        n -= (size_t)k;
    }
}

static void write_buffer(struct ser_out *o) {
    write_all(o, o->buf, o->len);
    o->len = 0;
}

/* 0, or -1 with e set to the first failure. */
static int tell(const struct ser_out *o, struct ser_error *e) {
    if (!o->e.status)
        return 0;
    *e = o->e;
    return -1;
}

void ser_out_json(struct ser_out *o, const char *text) {
    int utf8 = ser_is_text(text, strlen(text));
    ser_out_printf(o, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            ser_out_printf(o, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (!utf8 && c >= 0x80))
            ser_out_printf(o, "\\u%04x", c);
        else
            ser_out_write(o, text, 1);
    }
    ser_out_printf(o, "\"");
}

int ser_out_flush(struct ser_out *o, struct ser_error *e) {
    write_buffer(o);
    return tell(o, e);
}

void ser_out_write(struct ser_out *o, const void *data, size_t n) {
    if (n > o->cap - o->len)
        write_buffer(o);
    if (n >= o->cap) {
        write_all(o, data, n);
    } else if (n) {
        memcpy(o->buf + o->len, data, n);
        o->len += n;
    }
}

void ser_out_printf(struct ser_out *o, const char *fmt, ...) {
    char small[SER_SMALL], *text;
    va_list args;
    va_start(args, fmt);
    int n = ser_vformat(small, &text, fmt, args);
    va_end(args);
    if (n < 0) {
        if (!o->e.status)
            ser_no_memory(&o->e);
        return;
    }
    ser_out_write(o, text, (size_t)n);
    if (text != small)
        free(text);
}

/* ---- ending ---- */

static int sync_all(int fd) {
    for (;;) {
        int failed = fsync(fd);
        if (!failed || errno != EINTR)
            return failed;
    }
}

/* The folder's entry is on disk only when the folder is synced too. */
static int sync_folder(const char *path, struct ser_error *e) {
    char *folder = folder_of(path);
    int fd = folder ? ser_open(folder, O_RDONLY | O_DIRECTORY) : -1;
    free(folder);
    if (!folder)
        return ser_no_memory(e);
    if (fd < 0)
        return 0; /* a folder that may be written but not read cannot be synced */
    int failed = sync_all(fd) && errno != EINVAL
                     ? ser_fail(e, SER_SYS, "%s: cannot sync its folder: %s", path, strerror(errno))
                     : 0;
    close(fd);
    return failed;
}

static int put_in_place(struct ser_out *o, struct ser_error *e) {
    if (!o->final)
        return 0;
    if (sync_all(o->fd))
        return ser_fail(e, SER_SYS, "%s: cannot sync: %s", o->name, strerror(errno));
    if (rename(o->temp, o->final))
        return ser_fail(e, SER_SYS, "%s: cannot rename into place: %s", o->name, strerror(errno));
    forget_temp(o->temp);
    free(o->temp);
    o->temp = NULL;
    return sync_folder(o->final, e);
}

int ser_out_close(struct ser_out *o, struct ser_error *e) {
    if (ser_out_flush(o, e) || put_in_place(o, e)) {
        ser_out_abandon(o);
        return -1;
    }
    int fd = o->fd, failed = 0;
    o->fd = -1;
    if (close(fd) && errno != EINTR)
        failed = ser_fail(e, SER_SYS, "%s: cannot close: %s", o->name, strerror(errno));
    ser_out_abandon(o);
    return failed;
}

void ser_out_abandon(struct ser_out *o) {
    if (o->temp) {
        unlink(o->temp);
        forget_temp(o->temp);
    }
    if (o->fd >= 0 && o->fd != STDOUT_FILENO)
        close(o->fd);
    free(o->buf);
    free(o->final);
    free(o->temp);
    *o = (struct ser_out){.fd = -1};
}

/* ---- written and read again ---- */

int ser_out_spool(struct ser_out *o, struct ser_error *e) {
    const char *folder = getenv("TMPDIR");
    char *path;
    *o = (struct ser_out){.fd = -1, .name = "a temporary file in TMPDIR"};
    if (asprintf(&path, "%s/.ser-XXXXXX", folder && *folder ? folder : "/tmp") < 0)
        return ser_no_memory(e);
    o->fd = make_temp(path);
    int failed = 0;
    if (o->fd < 0)
        failed =
            ser_fail(e, SER_SYS, "%s: cannot make a temporary file: %s", path, strerror(errno));
    else
        unlink(path);
    free(path);
    if (!failed)
        failed = take_buffer(o, e);
    if (failed)
        ser_out_abandon(o);
    return failed;
}

int ser_out_reread(struct ser_out *o, struct ser_in *in, struct ser_error *e) {
    int failed = ser_out_flush(o, e);
    if (!failed && lseek(o->fd, 0, SEEK_SET) < 0)
        failed = ser_fail(e, SER_SYS, "%s: cannot be read again: %s", o->name, strerror(errno));
    if (!failed) {
        failed = ser_in_fd(in, o->fd, o->name, e);
        o->fd = -1; /* in has it now */
    }
    ser_out_abandon(o);
    return failed;
}
