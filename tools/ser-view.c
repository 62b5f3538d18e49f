/* ser-view - predictions over time: a display on a terminal, rows or JSON for other programs.
 *
 * The display is drawn with a dozen control sequences of ECMA-48, which every terminal of today has:
 * a library for terminals would bring its own input, signals and global state, and be asked for no
 * more than this. A terminal that says it has none (TERM=dumb) gets lines of text. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "bridge/current.h"
#include "bridge/picture.h"
#include "core/opt.h"

enum { LOOK_EVERY = 64 };

static struct {
    double smooth_s, span_s;
    int hold, json;
    const char *picture, *output;
} opt = {.span_s = 120};

static const struct ser_opt options[] = {
    {'s', "smooth", SER_OPT_REAL, &opt.smooth_s, 0, 600, "S",
     "smooth the probabilities over S seconds of speech"},
    {0, "hold", SER_OPT_FLAG, &opt.hold, 0, 0, NULL, "change the emotion only by a clear margin"},
    {0, "span", SER_OPT_REAL, &opt.span_s, 1, 3600, "S", "the strip shows the last S seconds"},
    {'J', "json", SER_OPT_FLAG, &opt.json, 0, 0, NULL, "a JSON object a line, also on a terminal"},
    {0, "picture", SER_OPT_TEXT, &opt.picture, 0, 0, "CxR",
     "draw only the last picture, C columns by R lines"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0}};

static const struct ser_tool tool = {
    "[PREDICTIONS]", "Shows predictions over time on a terminal, or passes them on.", options,
    "PREDICTIONS is a table that ser-score writes, row by row; without it, standard\n"
    "input. On a terminal q quits. Where there is none, the rows pass through."};

/* What is done with rows. */
enum mode { ROWS, JSON, LINES, SCREEN, PICTURE };

struct view {
    enum mode mode;
    struct ser_tsv t;
    struct ser_out o;
    struct ser_current now;
    struct ser_drawing picture;
    /* The terminal. */
    int keys, signals, entered; /* descriptors, -1: none; 1: the terminal is ours */
    struct termios before;
    sigset_t caught, mask;
    int drawn, rows_since; /* drawn: the last row is on the screen */
};

/* ---- rows and JSON ---- */

static void write_header(struct view *v) {
    for (int i = 0; i < v->t.columns; i++)
        ser_out_printf(&v->o, "%s%c", v->t.name[i], i + 1 < v->t.columns ? '\t' : '\n');
}

/* The row as it came, but for what the options have changed of it. */
static void write_row(struct view *v) {
    const struct ser_current *c = &v->now;
    int changed = c->talks && (opt.smooth_s > 0 || opt.hold), k = 0;
    for (int i = 0; i < v->t.columns; i++) {
        if (i)
            ser_out_printf(&v->o, "\t");
        int is_p = k < c->classes.n && i == c->classes.column[k];
        if (is_p && changed && opt.smooth_s > 0)
            ser_out_printf(&v->o, "%.9g", c->p[k]);
        else if (i == c->predicted && changed)
            ser_out_printf(&v->o, "%s", c->classes.name[c->emotion]);
        else if (i == c->confidence && changed)
            ser_out_printf(&v->o, "%.9g", c->p[c->emotion]);
        else
            ser_out_printf(&v->o, "%s", v->t.field[i]);
        k += is_p;
    }
    ser_out_printf(&v->o, "\n");
}

/* "name":number, where the table has it. */
static void write_member(struct view *v, int column) {
    struct ser_error e;
    double x;
    if (column < 0)
        return;
    if (ser_current_number(&v->now, column, -1e12, 1e12, &x, &e) || isnan(x))
        ser_out_printf(&v->o, ",\"%s\":null", v->t.name[column]);
    else
        ser_out_printf(&v->o, ",\"%s\":%.9g", v->t.name[column], x);
}

static void write_json(struct view *v) {
    const struct ser_current *c = &v->now;
    ser_out_printf(&v->o, "{\"id\":");
    ser_out_json(&v->o, v->t.field[c->id]);
    write_member(v, c->start);
    write_member(v, c->end);
    ser_out_printf(&v->o, ",\"predicted\":");
    if (c->talks) {
        ser_out_json(&v->o, c->classes.name[c->emotion]);
        ser_out_printf(&v->o, ",\"confidence\":%.9g,\"p\":{", c->p[c->emotion]);
        for (int k = 0; k < c->classes.n; k++) {
            ser_out_printf(&v->o, k ? "," : "");
            ser_out_json(&v->o, c->classes.name[k]);
            ser_out_printf(&v->o, ":%.9g", c->p[k]);
        }
        ser_out_printf(&v->o, "}");
    } else
        ser_out_printf(&v->o, "null,\"confidence\":null,\"p\":null");
    write_member(v, c->speech);
    write_member(v, c->level);
    ser_out_printf(&v->o, "}\n");
}

/* ---- the terminal ---- */

static int clamp(int n, int least, int most) {
    return n < least ? least : n > most ? most : n;
}

static void terminal_size(const struct view *v, int *columns, int *rows) {
    struct winsize size;
    *columns = 80;
    *rows = 24;
    if (ioctl(v->o.fd, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
        *columns = clamp(size.ws_col, 1, SER_PICTURE_SIDE);
        *rows = clamp(size.ws_row, 1, SER_PICTURE_SIDE);
    }
}

static void leave(struct view *v);

/* Writes out what there is. A reader that is gone, or a full disk, ends the program. */
static void flush(struct view *v) {
    struct ser_error e;
    if (ser_out_flush(&v->o, &e)) {
        leave(v);
        die_error(&e);
    }
}

/* The other screen, no cursor; keys come at once and are not shown. */
static void enter(struct view *v) {
    struct termios raw;
    v->entered = 1;
    if (v->keys >= 0 && tcgetattr(v->keys, &v->before) == 0) {
        raw = v->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        if (tcsetattr(v->keys, TCSADRAIN, &raw)) {
            close(v->keys);
            v->keys = -1;
        }
    } else if (v->keys >= 0) {
        close(v->keys);
        v->keys = -1;
    }
    ser_out_printf(&v->o, "\033[?1049h\033[?25l");
    v->drawn = 0;
}

/* Gives the terminal back as it was. */
static void leave(struct view *v) {
    struct ser_error e;
    if (!v->entered)
        return;
    v->entered = 0;
    ser_out_printf(&v->o, "\033[m\033[H\033[J\033[?25h\033[?1049l");
    if (ser_out_flush(&v->o, &e)) {
        /* A terminal that is gone needs nothing. */
    }
    if (v->keys >= 0)
        (void)tcsetattr(v->keys, TCSADRAIN, &v->before);
}

/* Does to this process what the signal would have done, had it not been caught. */
static void yield_to(struct view *v, int sig) {
    sigset_t only;
    leave(v);
    signal(sig, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, sig);
    raise(sig);
    sigprocmask(SIG_UNBLOCK, &only, NULL); /* it comes here; a stop also goes on here */
    sigprocmask(SIG_BLOCK, &only, NULL);
    enter(v);
}

static void take_signal(struct view *v) {
    struct signalfd_siginfo got;
    if (read(v->signals, &got, sizeof got) != sizeof got)
        return;
    if (got.ssi_signo == SIGWINCH)
        v->drawn = 0;
    else
        yield_to(v, (int)got.ssi_signo);
}

static void take_key(struct view *v) {
    struct ser_error e;
    char c = 0;
    ssize_t n = read(v->keys, &c, 1);
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) { /* the terminal is gone */
        close(v->keys);
        v->keys = -1;
    } else if (n == 1 && (c == 'q' || c == 'Q')) {
        leave(v);
        must(ser_out_close(&v->o, &e), &e);
        exit(SER_OK);
    }
}

static void show(struct view *v) {
    int columns, rows;
    if (v->drawn)
        return;
    terminal_size(v, &columns, &rows);
    ser_picture_draw(&v->now, &v->picture, &v->o, columns, rows, 1);
    flush(v);
    v->drawn = 1;
}

/* Shows what has come, then waits for the next row (or not at all), and serves keys and signals. */
static void serve(struct view *v, int wait) {
    for (;;) {
        struct pollfd p[3] = {{.fd = v->t.in.fd, .events = POLLIN},
                              {.fd = v->signals, .events = POLLIN},
                              {.fd = v->keys, .events = POLLIN}};
        show(v);
        if (poll(p, 3, wait ? -1 : 0) < 0 && errno != EINTR)
            return;
        if (p[1].revents)
            take_signal(v);
        else if (p[2].revents)
            take_key(v);
        else if (p[0].revents || !wait)
            return;
    }
}

/* Called when the next row is not there yet. */
static void idle(void *ctx) {
    struct view *v = ctx;
    if (v->mode == SCREEN)
        serve(v, 1);
    else
        flush(v);
}

static void open_terminal(struct view *v) {
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
    sigemptyset(&v->caught);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction now;
        if (sigaction(caught[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&v->caught, caught[i]); /* what is ignored (nohup) stays ignored */
    }
    if (sigprocmask(SIG_BLOCK, &v->caught, &v->mask) ||
        (v->signals = signalfd(-1, &v->caught, SFD_CLOEXEC)) < 0)
        die(SER_SYS, "cannot wait for signals: %s", strerror(errno));
    v->keys = ser_open("/dev/tty", O_RDWR); /* without it, there are no keys */
    enter(v);
}

static void close_terminal(struct view *v) {
    int columns, rows;
    leave(v);
    if (v->keys >= 0)
        close(v->keys);
    close(v->signals);
    sigprocmask(SIG_SETMASK, &v->mask, NULL);
    terminal_size(v, &columns, &rows);
    v->picture.keys = 0; /* what was last on the screen stays */
    ser_picture_draw(&v->now, &v->picture, &v->o, columns, rows > 1 ? rows - 1 : 1, 0);
}

/* ---- the command line ---- */

static enum mode mode_of(const struct view *v) {
    const char *term = getenv("TERM");
    if (opt.json)
        return JSON;
    if (opt.picture)
        return PICTURE;
    if (v->o.final || !isatty(v->o.fd))
        return ROWS;
    if (isatty(v->t.in.fd)) /* rows that are typed are no keys */
        return LINES;
    return !term || !*term || strcmp(term, "dumb") == 0 ? LINES : SCREEN;
}

static void read_picture(int *columns, int *rows) {
    char *copy, *by;
    int64_t c, r;
    if (!opt.picture)
        return;
    copy = estrdup(opt.picture);
    if (!(by = strchr(copy, 'x')))
        ser_usage("--picture: '%.60s' is not COLUMNSxROWS", opt.picture);
    *by = 0;
    if (ser_parse_int(copy, 1, SER_PICTURE_SIDE, &c) ||
        ser_parse_int(by + 1, 1, SER_PICTURE_SIDE, &r))
        ser_usage("--picture: '%.60s' is not COLUMNSxROWS, each from 1 to %d", opt.picture,
                  SER_PICTURE_SIDE);
    *columns = (int)c;
    *rows = (int)r;
    free(copy);
}

/* A picture in a file has the same bytes in every locale. */
static void know_terminal(struct view *v) {
    const char *no_colour = getenv("NO_COLOR"), *block = "█";
    int terminal = !v->o.final && isatty(v->o.fd);
    mbstate_t state = {0};
    wchar_t c;
    setlocale(LC_CTYPE, terminal ? "" : "C.UTF-8");
    v->picture.utf8 = mbrtowc(&c, block, strlen(block), &state) == strlen(block) && wcwidth(c) == 1;
    v->picture.colour = terminal && !(no_colour && *no_colour);
    if (!v->picture.utf8 && !terminal)
        die(SER_SYS, "the locale C.UTF-8, in which pictures are drawn, cannot be used");
}

static void take_all(struct view *v) {
    struct ser_error e;
    int got;
    while ((got = ser_tsv_next(&v->t, &e)) > 0) {
        if (ser_current_row(&v->now, &e)) {
            got = -1;
            break;
        }
        v->drawn = 0;
        if (v->mode == ROWS)
            write_row(v);
        else if (v->mode == JSON)
            write_json(v);
        else if (v->mode == LINES)
            ser_picture_line(&v->now, &v->picture, &v->o);
        else if (v->mode == SCREEN && ++v->rows_since % LOOK_EVERY == 0)
            serve(v, 0);
    }
    if (got < 0) {
        if (v->mode != SCREEN && !v->o.final)
            flush(v);
        leave(v);
        die_error(&e);
    }
}

int main(int argc, char **argv) {
    static struct view v; /* too large for a stack */
    struct ser_error e;
    int columns = 80, rows = 24;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (argc - first > 1)
        ser_usage("more than one table: rows have one order");
    if (opt.json && opt.picture)
        ser_usage("--json and --picture: only one of them");
    read_picture(&columns, &rows);
    ser_keep_inputs("--output", opt.output, argv + first, NULL, NULL);
    v = (struct view){.keys = -1,
                      .signals = -1,
                      .now = {.smooth_s = opt.smooth_s, .hold = opt.hold},
                      .picture = {.span_s = opt.span_s}};
    must(ser_out_open(&v.o, opt.output, 0, &e), &e);
    must(ser_tsv_open(&v.t, argv[first], &e), &e);
    must(ser_current_begin(&v.now, &v.t, &e), &e);
    v.mode = mode_of(&v);
    v.picture.keys = v.mode == SCREEN;
    if (v.mode != ROWS && v.mode != JSON)
        know_terminal(&v);
    v.t.in.idle = idle;
    v.t.in.ctx = &v;
    v.t.in.feeds = v.o.fd;
    if (v.mode == ROWS)
        write_header(&v);
    else if (v.mode == SCREEN)
        open_terminal(&v);
    take_all(&v);
    if (v.mode == SCREEN)
        close_terminal(&v);
    else if (v.mode == PICTURE)
        ser_picture_draw(&v.now, &v.picture, &v.o, columns, rows, 0);
    must(ser_out_close(&v.o, &e), &e);
    ser_current_free(&v.now);
    ser_tsv_close(&v.t);
    return SER_OK;
}
