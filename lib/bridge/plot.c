#include "bridge/plot.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/plot-text.h"

enum { MAX_PICTURE = 1 << 30 }; /* bytes */

const char *const ser_plot_name[SER_PLOTS] = {
    "curves", "confusion", "reliability", "speakers", "manifest", "mfcc", "tune", "wave", "time"};

int ser_plot_kind(const char *name) {
    int k = 0;
    while (k < SER_PLOTS && strcmp(name, ser_plot_name[k]) != 0)
        k++;
    return k < SER_PLOTS ? k : -1;
}

/* ---- gnuplot, whose three standard streams are files in memory: nothing can block ---- */

struct streams {
    int in, out, err; /* -1: not there */
};

static int open_streams(struct streams *f, const struct ser_plot_script *script,
                        struct ser_error *e) {
    f->in = memfd_create("script", MFD_CLOEXEC);
    f->out = memfd_create("picture", MFD_CLOEXEC);
    f->err = memfd_create("messages", MFD_CLOEXEC);
    if (f->in < 0 || f->out < 0 || f->err < 0)
        return ser_fail(e, SER_SYS, "gnuplot: cannot make a file in memory: %s", strerror(errno));
    for (size_t done = 0; done < script->len;) {
        ssize_t k = write(f->in, script->text + done, script->len - done);
        if (k < 0 && errno != EINTR)
            return ser_fail(e, SER_SYS, "gnuplot: cannot write its commands to memory: %s",
                            strerror(errno));
        done += k > 0 ? (size_t)k : 0;
    }
    if (lseek(f->in, 0, SEEK_SET))
        return ser_fail(e, SER_SYS, "gnuplot: cannot go back in memory: %s", strerror(errno));
    return 0;
}

static void close_streams(const struct streams *f) {
    const int fd[] = {f->in, f->out, f->err};
    for (int i = 0; i < 3; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

/* All that stands in a file in memory; a zero follows. The caller frees. */
static int read_back(int fd, unsigned char **data, size_t *len, struct ser_error *e) {
    struct ser_in in;
    int copy = dup(fd);
    if (copy < 0 || lseek(copy, 0, SEEK_SET)) {
        ser_fail(e, SER_SYS, "gnuplot: cannot read from memory: %s", strerror(errno));
        if (copy >= 0)
            close(copy);
        return -1;
    }
    if (ser_in_fd(&in, copy, "gnuplot", e))
        return -1;
    int failed = ser_in_rest(&in, MAX_PICTURE, data, len, e);
    ser_in_close(&in);
    if (failed)
        return -1;
    unsigned char *more = realloc(*data, *len + 1);
    if (!more) {
        free(*data);
        ser_no_memory(e);
        return -1;
    }
    more[*len] = '\0';
    *data = more;
    return 0;
}

/* The environment without what would change a picture. The caller frees the array alone. */
static char **environment(void) {
    static char locale[] = "LC_ALL=C.UTF-8";
    static const char *const unwanted[] = {
        "LC_ALL=", "GNUTERM=", "GNUPLOT_LIB=", "GNUPLOT_FONTPATH=", "GDFONTPATH="};
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **list = calloc(n + 2, sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        size_t k = 0;
        while (k < sizeof unwanted / sizeof *unwanted &&
               strncmp(environ[i], unwanted[k], strlen(unwanted[k])) != 0)
            k++;
        if (k == sizeof unwanted / sizeof *unwanted)
            list[kept++] = environ[i];
    }
    if (list)
        list[kept] = locale;
    return list;
}

static int spawn(const struct streams *f, pid_t *pid, struct ser_error *e) {
    static char name[] = "gnuplot", no_settings[] = "-d";
    char *argv[] = {name, no_settings, NULL}, **env = environment();
    posix_spawn_file_actions_t actions;
    int failed = env ? posix_spawn_file_actions_init(&actions) : ENOMEM;
    if (!failed) {
        failed = posix_spawn_file_actions_adddup2(&actions, f->in, STDIN_FILENO);
        if (!failed)
            failed = posix_spawn_file_actions_adddup2(&actions, f->out, STDOUT_FILENO);
        if (!failed)
            failed = posix_spawn_file_actions_adddup2(&actions, f->err, STDERR_FILENO);
        if (!failed)
            failed = posix_spawnp(pid, name, &actions, NULL, argv, env);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(env);
    if (failed == ENOENT)
        return ser_fail(e, SER_SYS,
                        "gnuplot: not installed; on Debian: apt-get install gnuplot-nox");
    return failed ? ser_fail(e, SER_SYS, "gnuplot: cannot be started: %s", strerror(failed)) : 0;
}

/* What gnuplot says last, apart from warnings and empty lines, or how it ended. */
static int tell_failure(const struct streams *f, int status, struct ser_error *e) {
    unsigned char *said;
    size_t len;
    char *save, *last = NULL;
    if (read_back(f->err, &said, &len, e))
        return -1;
    for (char *line = strtok_r((char *)said, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (!strstr(line, "warning:") && line[strspn(line, " \t\r^")])
            last = line;
    if (last)
        ser_fail(e, SER_SYS, "gnuplot: %s", last);
    else if (WIFSIGNALED(status))
        ser_fail(e, SER_SYS, "gnuplot: ended by signal %d", WTERMSIG(status));
    else
        ser_fail(e, SER_SYS, "gnuplot: ended with %d, without a word", WEXITSTATUS(status));
    free(said);
    return -1;
}

/* Runs it to its end: 0, or -1 with e set. */
static int run_gnuplot(const struct streams *f, struct ser_error *e) {
    pid_t pid, ended;
    int status;
    if (spawn(f, &pid, e))
        return -1;
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        return ser_fail(e, SER_SYS, "gnuplot: cannot be waited for: %s", strerror(errno));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : tell_failure(f, status, e);
}

/* ---- the SVG that gnuplot writes, made ready for pages ---- */

static int begins(const char *line, const char *with) {
    return strncmp(line, with, strlen(with)) == 0;
}

/* A line of n bytes. What stands for markup becomes it; ids, and what refers to them, begin with id,
 * but for lines of text, which is data. */
static void put_line(struct ser_text *t, const char *line, size_t n, const char *id) {
    static const char *const before_id[] = {"id='", "id=\"", "href='#", "url(#"};
    const char *data = memmem(line, n, "<text>", 6);
    for (size_t i = 0; i < n;) {
        const char *escape = ser_text_markup(line + i, n - i);
        size_t k = 0, length = 1;
        for (; id && !data && k < sizeof before_id / sizeof *before_id; k++)
            if (strlen(before_id[k]) <= n - i && begins(line + i, before_id[k])) {
                length = strlen(before_id[k]);
                break;
            }
        if (escape) {
            ser_text_printf(t, "%s", escape);
            length = 3;
        } else {
            ser_text_add(t, line + i, length);
            if (length > 1)
                ser_text_printf(t, "%s", id);
        }
        i += length;
    }
}

/* What the picture is called: its label, or the kind and the line above it. */
static void put_label(struct ser_text *t, const struct ser_plot *what,
                      const struct ser_plot_script *script) {
    if (what->label) {
        ser_text_xml(t, what->label, strlen(what->label));
        return;
    }
    ser_text_printf(t, "%s: ", ser_plot_name[what->kind]);
    ser_text_xml(t, script->heading, strlen(script->heading));
}

/* One line of gnuplot's SVG as it is to be. */
static void rewrite(struct ser_text *t, const char *line, size_t n, const struct ser_plot *what,
                    const struct ser_plot_script *script) {
    static const char image[] = "<image ", size[] = " viewBox=\"0 0 ";
    static const char group[] = "\t<g id=", title_end[] = "</title>";
    const char *title = memmem(line, n, "<title>", 7), *after;
    size_t left = title ? (size_t)(line + n - title) : 0;
    if (begins(line, "<desc>Produced by"))
        return; /* the version of gnuplot */
    if (begins(line, "<title>")) {
        if (what->id)
            return; /* a page shows it where the mouse is, all over the picture */
        ser_text_printf(t, "<title>");
        put_label(t, what, script);
        ser_text_printf(t, "</title>\n");
    } else if (begins(line, "<svg") && what->id) {
        ser_text_printf(t, "<svg role=\"img\" aria-label=\"");
        put_label(t, what, script);
        ser_text_printf(t, "\"\n");
    } else if (begins(line, size) && !what->id) {
        /* As wide as it is meant, but where there is less room it shrinks and is not cut. */
        put_line(t, line, n, NULL);
        ser_text_printf(t, " style=\"max-width: %dpx\"\n", atoi(line + sizeof size - 1));
    } else if (begins(line, group) && title && (after = memmem(title, left, title_end, 8))) {
        /* The title of a curve is the expression that draws it, which a page would show at the mouse. */
        put_line(t, line, (size_t)(title - line), what->id);
        put_line(t, after + 8, (size_t)(line + n - (after + 8)), what->id);
    } else if (begins(line, image)) {
        ser_text_printf(t, "%sstyle=\"image-rendering: pixelated\" ", image);
        put_line(t, line + sizeof image - 1, n - (sizeof image - 1), what->id);
    } else {
        put_line(t, line, n, what->id);
    }
}

static int finish_svg(const struct ser_plot *what, const struct ser_plot_script *script,
                      const char *svg, struct ser_picture *out, struct ser_error *e) {
    struct ser_text t = {0};
    const char *end = strstr(svg, "</svg>");
    if (!end)
        return ser_fail(e, SER_SYS, "gnuplot: the picture is not complete");
    const char *line = what->id ? strstr(svg, "<svg") : svg;
    while (line && *line) {
        const char *newline = strchr(line, '\n');
        size_t n = newline ? (size_t)(newline - line) + 1 : strlen(line);
        rewrite(&t, line, n, what, script);
        line += n;
    }
    if (t.failed || !t.at) {
        ser_text_free(&t);
        return ser_no_memory(e);
    }
    *out = (struct ser_picture){t.at, t.n};
    return 0;
}

/* ---- both ---- */

static int finish(const struct ser_plot *what, const struct ser_plot_script *script,
                  unsigned char *data, size_t len, struct ser_picture *out, struct ser_error *e) {
    static const char png_end[] = "IEND\xae\x42\x60\x82";
    if (!what->png) {
        int failed = finish_svg(what, script, (char *)data, out, e);
        free(data);
        return failed;
    }
    size_t n = sizeof png_end - 1;
    if (len < n || memcmp(data + len - n, png_end, n) != 0) {
        free(data);
        return ser_fail(e, SER_SYS, "gnuplot: the picture is not complete");
    }
    *out = (struct ser_picture){(char *)data, len};
    return 0;
}

/* Runs gnuplot on a script; what it prints, with a zero behind it, is the caller's to free. */
static int run_script(const struct ser_plot_script *script, unsigned char **data, size_t *len,
                      struct ser_error *e) {
    struct streams f = {-1, -1, -1};
    int failed =
        open_streams(&f, script, e) || run_gnuplot(&f, e) || read_back(f.out, data, len, e);
    close_streams(&f);
    return failed ? -1 : 0;
}

int ser_plot_version(char *to, size_t size, struct ser_error *e) {
    static char ask[] = "set print '-'\n"
                        "print sprintf('%.1f patchlevel %s', GPVAL_VERSION, GPVAL_PATCHLEVEL)\n";
    const struct ser_plot_script script = {.text = ask, .len = sizeof ask - 1};
    unsigned char *said;
    size_t len;
    if (run_script(&script, &said, &len, e))
        return -1;
    snprintf(to, size, "%.*s", (int)strcspn((char *)said, "\n"), (char *)said);
    free(said);
    return 0;
}

int ser_plot_run(const struct ser_plot *what, const struct ser_plot_script *script,
                 struct ser_picture *out, struct ser_error *e) {
    unsigned char *data;
    size_t len;
    return run_script(script, &data, &len, e) ? -1 : finish(what, script, data, len, out, e);
}

int ser_plot_draw(const struct ser_plot *what, struct ser_picture *out, struct ser_error *e) {
    struct ser_plot_script script;
    if (ser_plot_script(what, &script, e))
        return -1;
    int failed = ser_plot_run(what, &script, out, e);
    ser_plot_script_free(&script);
    return failed;
}
