/* terminal - runs a program on a terminal of our own, and says what became of both.
 *
 * usage: terminal COLUMNSxROWS ACTION... -- COMMAND [ARGUMENT...]
 *
 *   rows=FILE     writes FILE to the program's standard input, a pipe
 *   end           closes that pipe
 *   key=TEXT      types TEXT; ^C and ^Z are these keys
 *   size=CxR      changes the size of the terminal
 *   wait=TEXT     waits until TEXT is on the screen; gone=TEXT until it is not
 *   screen        prints the screen, a line for each that is not empty, behind its number
 *   stopped       waits until the program has stopped; continue lets it go on
 *
 * Then waits for the program's end, and prints: "exit STATUS" or "signal NUMBER"; whether the modes
 * of the terminal, its screen and its cursor are as they were; how many sequences it wrote, how many
 * of them were colours, how many are unknown here, and how often it wrote beyond a line. Whatever takes a minute ends it with status 1.
 *
 * The screen knows what ECMA-48 and xterm call CUP, ED, EL, SGR, and the modes 25 and 1049.
 */
#include "core/in.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

enum { SIDE = 200, CELL = 8, WAIT_MS = 60000 };

struct screen {
    char cell[SIDE][SIDE][CELL]; /* a character's bytes */
    int columns, rows, x, y;
    char sequence[64]; /* one that has begun with ESC */
    size_t length;
    int other, hidden; /* the second screen is shown; the cursor is not */
    int sequences, painted, unknown, beyond;
};

struct run {
    struct screen s;
    int master, feed; /* the terminal's other end; the pipe's, -1 when closed */
    int told;         /* where the leader of the session tells of the program */
    pid_t pid;
    struct termios before;
    int gone; /* the program has closed the terminal */
};

/* ---- the screen ---- */

static void erase(struct screen *s, int y, int x) {
    for (; x < SIDE; x++)
        memset(s->cell[y][x], 0, CELL);
}

static void command(struct screen *s) {
    int a = 1, b = 1;
    const char *q = s->sequence + 1;
    char last = s->sequence[s->length - 1];
    s->sequences++;
    if (last == 'H') {
        sscanf(q, "[%d;%d", &a, &b);
        s->y = a - 1 < SIDE ? a - 1 : SIDE - 1;
        s->x = b - 1 < SIDE ? b - 1 : SIDE - 1;
    } else if (last == 'K')
        erase(s, s->y, s->x);
    else if (last == 'J') {
        erase(s, s->y, s->x);
        for (int y = s->y + 1; y < SIDE; y++)
            erase(s, y, 0);
    } else if (!strcmp(q, "[?1049h") || !strcmp(q, "[?1049l"))
        s->other = last == 'h';
    else if (!strcmp(q, "[?25h") || !strcmp(q, "[?25l"))
        s->hidden = last == 'l';
    else if (last == 'm')
        s->painted += strcmp(q, "[m") != 0 && strcmp(q, "[0m") != 0;
    else
        s->unknown++;
}

static void print(struct screen *s, unsigned char c) {
    if ((c & 0xc0) == 0x80) { /* more of the character before */
        char *cell = s->x ? s->cell[s->y][s->x - 1] : s->cell[s->y][0];
        size_t n = strnlen(cell, CELL - 2);
        cell[n] = (char)c;
        cell[n + 1] = 0;
        return;
    }
    if (s->x >= s->columns) {
        s->beyond++;
        s->x = s->columns - 1;
    }
    s->cell[s->y][s->x][0] = (char)c;
    s->cell[s->y][s->x++][1] = 0;
}

static void take(struct screen *s, unsigned char c) {
    if (s->length) {
        s->sequence[s->length++] = (char)c;
        s->sequence[s->length] = 0;
        int whole = s->length > 2 ? c >= 0x40 && c < 0x7f : c != '[';
        if (whole || s->length == sizeof s->sequence - 1) {
            command(s);
            s->length = 0;
        }
    } else if (c == 0x1b)
        s->sequence[s->length++] = (char)c;
    else if (c == '\r')
        s->x = 0;
    else if (c == '\n')
        s->y = s->y + 1 < SIDE ? s->y + 1 : s->y;
    else if (c >= ' ')
        print(s, c);
    else if (c != '\a')
        s->unknown++;
}

/* A line as text, without the spaces at its end. */
static char *line_of(const struct screen *s, int y) {
    static char text[SIDE * CELL + 1];
    size_t n = 0, end = 0;
    for (int x = 0; x < SIDE; x++) {
        const char *cell = s->cell[y][x];
        n += (size_t)sprintf(text + n, "%s", *cell ? cell : " ");
        if (*cell && *cell != ' ')
            end = n;
    }
    text[end] = 0;
    return text;
}

static int shows(const struct screen *s, const char *what) {
    for (int y = 0; y < SIDE; y++)
        if (strstr(line_of(s, y), what))
            return 1;
    return 0;
}

/* ---- the run ---- */

static void set_size(struct run *r, const char *size) {
    struct winsize w = {0};
    if (sscanf(size, "%hux%hu", &w.ws_col, &w.ws_row) != 2 || w.ws_col > SIDE || w.ws_row > SIDE)
        die(SER_USAGE, "'%s' is no size", size);
    r->s.columns = w.ws_col;
    r->s.rows = w.ws_row;
    for (int y = 0; y < SIDE; y++) /* what no longer fits is lost */
        erase(&r->s, y, y < r->s.rows ? r->s.columns : 0);
    if (r->master >= 0)
        ioctl(r->master, TIOCSWINSZ, &w); /* the program gets SIGWINCH */
}

/* Takes what the program writes, at most once; 0 when a minute has passed without. */
static int watch(struct run *r) {
    unsigned char bytes[4096];
    struct pollfd p = {.fd = r->master, .events = POLLIN};
    int got = poll(&p, 1, WAIT_MS);
    if (got <= 0)
        return got < 0 && errno == EINTR;
    ssize_t n = read(r->master, bytes, sizeof bytes);
    if (n <= 0)
        r->gone = 1;
    for (ssize_t i = 0; i < n; i++)
        take(&r->s, bytes[i]);
    return 1;
}

static void await(struct run *r, const char *what, int there) {
    while (shows(&r->s, what) != there)
        if (r->gone || !watch(r)) {
            for (int y = 0; y < r->s.rows; y++)
                fprintf(stderr, "%d %s\n", y + 1, line_of(&r->s, y));
            kill(r->pid, SIGKILL);
            die(SER_NO, "'%s' never %s the screen", what, there ? "came on" : "left");
        }
}

static void send(int fd, const char *text, size_t n) {
    while (n) {
        ssize_t k = write(fd, text, n);
        if (k <= 0)
            die(SER_SYS, "cannot write: %s", strerror(errno));
        text += k;
        n -= (size_t)k;
    }
}

static void feed(struct run *r, const char *path) {
    struct ser_error e;
    struct ser_in in;
    unsigned char *text;
    size_t n;
    must(ser_in_open(&in, path, &e), &e);
    must(ser_in_rest(&in, 1 << 20, &text, &n, &e), &e);
    ser_in_close(&in);
    send(r->feed, (const char *)text, n);
    free(text);
}

static void type(struct run *r, const char *text) {
    if (text[0] == '^' && text[1])
        send(r->master, (char[]){(char)(text[1] & 0x1f)}, 1);
    else
        send(r->master, text, strlen(text));
}

static void await_stop(struct run *r) {
    int status;
    if (read(r->told, &status, sizeof status) != sizeof status || !WIFSTOPPED(status))
        die(SER_NO, "the program did not stop");
}

static void act(struct run *r, const char *action) {
    const char *value = strchr(action, '=');
    value = value ? value + 1 : "";
    if (!strncmp(action, "rows=", 5))
        feed(r, value);
    else if (!strcmp(action, "end")) {
        close(r->feed);
        r->feed = -1;
    } else if (!strncmp(action, "key=", 4))
        type(r, value);
    else if (!strncmp(action, "size=", 5))
        set_size(r, value);
    else if (!strncmp(action, "wait=", 5) || !strncmp(action, "gone=", 5))
        await(r, value, *action == 'w');
    else if (!strcmp(action, "stopped"))
        await_stop(r);
    else if (!strcmp(action, "continue"))
        kill(r->pid, SIGCONT);
    else if (!strcmp(action, "screen")) {
        for (int y = 0; y < SIDE; y++)
            if (*line_of(&r->s, y))
                printf("%d %s\n", y + 1, line_of(&r->s, y));
    } else
        die(SER_USAGE, "'%s' is no action", action);
}

static void run_command(int in, char **command) {
    if (setpgid(0, 0) || tcsetpgrp(STDOUT_FILENO, getpid()) || dup2(in, STDIN_FILENO) < 0)
        _exit(126);
    /* As a shell gives them to a job, whatever the tests themselves were started with. */
    static const int defaults[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGTSTP, SIGTTOU, SIGPIPE};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        signal(defaults[i], SIG_DFL);
    close(in);
    execvp(command[0], command);
    _exit(127);
}

/* What a shell is to its commands: leads the session, and tells of the command's stops and end. Its
 * parent is told the command's number first. */
static void lead(int slave, int in, int tell, char **command) {
    int status = 0;
    signal(SIGTTOU, SIG_IGN);
    if (login_tty(slave))
        _exit(126);
    pid_t pid = fork();
    if (pid == 0) {
        close(tell);
        run_command(in, command);
    }
    close(in);
    int failed = write(tell, &pid, sizeof pid) != sizeof pid;
    while (!failed && waitpid(pid, &status, WUNTRACED) == pid) {
        failed = write(tell, &status, sizeof status) != sizeof status;
        if (!WIFSTOPPED(status))
            break;
    }
    _exit(failed);
}

static void begin(struct run *r, char **command) {
    int ends[2], told[2], slave;
    pid_t leader = -1;
    struct winsize w = {.ws_col = (unsigned short)r->s.columns,
                        .ws_row = (unsigned short)r->s.rows};
    if (pipe(ends) || pipe(told) || openpty(&r->master, &slave, NULL, NULL, &w) ||
        (leader = fork()) < 0)
        die(SER_SYS, "no terminal: %s", strerror(errno));
    if (leader == 0) {
        close(r->master);
        close(ends[1]);
        close(told[0]);
        lead(slave, ends[0], told[1], command);
    }
    close(ends[0]);
    close(told[1]);
    r->feed = ends[1];
    r->told = told[0];
    tcgetattr(slave, &r->before);
    close(slave);
    if (read(r->told, &r->pid, sizeof r->pid) != sizeof r->pid)
        die(SER_SYS, "cannot run %s", command[0]);
}

static void finish(struct run *r) {
    struct termios now;
    int status = 0, same = 0;
    while (!r->gone && watch(r)) {
    }
    if (!r->gone || read(r->told, &status, sizeof status) != sizeof status) {
        kill(r->pid, SIGKILL);
        die(SER_NO, "the program did not end");
    }
    if (tcgetattr(r->master, &now) == 0)
        same = now.c_lflag == r->before.c_lflag && now.c_iflag == r->before.c_iflag &&
               now.c_oflag == r->before.c_oflag &&
               !memcmp(now.c_cc, r->before.c_cc, sizeof now.c_cc);
    printf(WIFSIGNALED(status) ? "signal %d\n" : "exit %d\n",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    printf("modes %s, screen %s, cursor %s\n", same ? "same" : "changed",
           r->s.other ? "changed" : "same", r->s.hidden ? "changed" : "same");
    printf("sequences %d, painted %d, unknown %d, beyond %d\n", r->s.sequences, r->s.painted,
           r->s.unknown, r->s.beyond);
}

int main(int argc, char **argv) {
    static struct run r = {.master = -1};
    int dashes = 2;
    ser_start(argv[0]);
    signal(SIGPIPE, SIG_IGN);
    while (dashes < argc && strcmp(argv[dashes], "--") != 0)
        dashes++;
    if (dashes + 1 >= argc)
        die(SER_USAGE, "usage: terminal COLUMNSxROWS ACTION... -- COMMAND [ARGUMENT...]");
    set_size(&r, argv[1]);
    begin(&r, argv + dashes + 1);
    for (int i = 2; i < dashes; i++)
        act(&r, argv[i]);
    finish(&r);
    return SER_OK;
}
