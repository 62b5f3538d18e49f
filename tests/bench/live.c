/* live - how long after a sound its row comes, where sound comes at the pace at which it is heard.
 *
 * usage: live
 * A request (serve.h) is fields with tabs between: SECONDS, the rate in Hz, FIRST and STEP in samples, the number of
 * lines that are no rows, a file for the latencies, the program and its arguments. The program is fed noise, 16-bit
 * samples of one channel with the low byte first, and prints a line for each row, the first of which needs FIRST samples,
 * and each other one STEP more. So many as the first needs, and a second's, come at once. When its row is there,
 * SECONDS follow in pieces of 10 ms, each when it is due. A row's latency is the time from when the piece with the last
 * sample that it needs is written until it is read. The answer: the number of rows, the median and the 99th percentile
 * of their latencies and the longest in ms, the share of one processor that all processes of the program took meanwhile
 * (at least a tick, which is 10 ms), and the memory in bytes of the largest and of all together. The file has the latencies in ms, a line each. A program
 * that fails ends all.
 */
#include "serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_FIELDS = 64, PIECES_A_S = 100, MAX_PIECE = 4096, MAX_WAIT_S = 300, MAX_LATE_S = 10 };

extern char **environ;

struct live {
    int64_t seconds, rate_hz, first, step, heads;
    pid_t pid;
    int to, from; /* pipes */
    uint32_t noise;
    int64_t fed, lines;
    double *written_s; /* [pieces] of piece i of the paced ones */
    double *ms;        /* [rows] */
    int64_t pieces, rows;
};

static void put_noise(struct live *l, int64_t n) {
    unsigned char piece[2 * MAX_PIECE];
    for (int64_t done = 0, some; done < n; done += some) {
        some = n - done < MAX_PIECE ? n - done : MAX_PIECE;
        for (int64_t i = 0; i < 2 * some; i++) {
            l->noise = l->noise * 1664525 + 1013904223;
            unsigned high = (l->noise >> 28) - 8;
            piece[i] = (unsigned char)(i % 2 ? high : l->noise >> 24);
        }
        if (write(l->to, piece, (size_t)(2 * some)) != 2 * some)
            die(SER_BAD, "the program takes no more sound");
    }
    l->fed += n;
}

/* The row behind the heads that came by now. */
static void note(struct live *l, double now) {
    int64_t row = l->lines++ - l->heads;
    int64_t last = row * l->step - l->rate_hz - 1, piece = last / (l->rate_hz / PIECES_A_S);
    if (last < 0 || l->to < 0) /* its sound came at once; the end makes do with less */
        return;
    if (piece >= l->pieces || l->written_s[piece] == 0)
        die(SER_BAD, "row %lld came before its sound", (long long)row);
    l->ms[l->rows++] = 1e3 * (now - l->written_s[piece]);
}

/* Waits for lines until some time; 0 at their end. */
static int take(struct live *l, double until) {
    char some[1 << 16];
    struct pollfd p = {.fd = l->from, .events = POLLIN};
    for (;;) {
        double left = until - now_s();
        struct timespec t = {(time_t)left, (long)(1e9 * (left - (double)(time_t)left))};
        int ready = left > 0 ? ppoll(&p, 1, &t, NULL) : poll(&p, 1, 0);
        if (ready < 0 && errno != EINTR)
            die(SER_SYS, "cannot wait: %s", strerror(errno));
        if (ready <= 0)
            return 1;
        ssize_t n = read(l->from, some, sizeof some);
        if (n <= 0)
            return 0;
        double now = now_s();
        for (ssize_t i = 0; i < n; i++)
            if (some[i] == '\n')
                note(l, now);
    }
}

/* What all processes of the program took: seconds of processors, bytes of the largest, and of all. */
static void look(const struct live *l, double *cpu_s, double *largest, double *all) {
    DIR *d = opendir("/proc");
    *cpu_s = *largest = *all = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[300], line[4096], *at;
        long long group = 0, user = 0, system = 0, pages = 0;
        if (e->d_name[0] < '1' || e->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
        FILE *f = fopen(path, "r");
        at = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
        int known = at ? sscanf(at + 1,
                                " %*c %*d %lld %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %*d %*d "
                                "%*d %*d %*d %*d %*u %*u %lld",
                                &group, &user, &system, &pages)
                       : 0;
        if (f)
            fclose(f);
        if (known != 4 || group != l->pid)
            continue;
        double bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
        *cpu_s += (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
        *largest = bytes > *largest ? bytes : *largest;
        *all += bytes;
    }
    if (d)
        closedir(d);
}

static void start(struct live *l, char **argv) {
    int in[2], out[2], error;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || posix_spawn_file_actions_init(&files) ||
        posix_spawnattr_init(&attributes) || posix_spawn_file_actions_adddup2(&files, in[0], 0) ||
        posix_spawn_file_actions_adddup2(&files, out[1], 1) ||
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP))
        die(SER_SYS, "cannot make pipes");
    if ((error = posix_spawnp(&l->pid, argv[0], &files, &attributes, argv, environ)))
        die(SER_SYS, "cannot start %s: %s", argv[0], strerror(error));
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(in[0]);
    close(out[1]);
    l->to = in[1];
    l->from = out[0];
}

/* cpu_s: of all processes from the first row on. */
static void feed(struct live *l, double *cpu_s, double *largest, double *all) {
    int64_t piece = l->rate_hz / PIECES_A_S;
    double before_s;
    put_noise(l, l->first + l->rate_hz);
    for (int waited_s = 0; l->lines <= l->heads; waited_s++)
        if (!take(l, now_s() + 1) || waited_s == MAX_WAIT_S)
            die(SER_BAD, "the program gives no row");
    look(l, &before_s, largest, all);
    double begin = now_s();
    for (int64_t i = 0; i < l->pieces; i++) {
        take(l, begin + (double)(i + 1) * (double)piece / (double)l->rate_hz);
        l->written_s[i] = now_s();
        put_noise(l, piece);
    }
    look(l, cpu_s, largest, all);
    double end = now_s();
    int64_t due = l->heads + 1 + (l->fed - l->first) / l->step;
    while (l->lines < due && now_s() < end + MAX_LATE_S && take(l, now_s() + 0.01))
        ;
    *cpu_s -= before_s;
    double tick_s = 1 / (double)sysconf(_SC_CLK_TCK);
    *cpu_s = *cpu_s > tick_s ? *cpu_s : tick_s;
}

static void report(struct live *l, const char *file, double cpu_s, double largest, double all) {
    FILE *f = fopen(file, "w");
    if (!f || l->rows < 1)
        die(SER_BAD, "%s: no latencies, or no file for them", file);
    double middle = median(l->ms, (int)l->rows);
    for (int64_t i = 0; i < l->rows; i++)
        fprintf(f, "%.3f\n", l->ms[i]);
    if (fclose(f))
        die(SER_SYS, "cannot write %s", file);
    printf("%lld %.3f %.3f %.3f %.6f %.0f %.0f\n", (long long)l->rows, middle,
           l->ms[(99 * l->rows + 99) / 100 - 1], l->ms[l->rows - 1], cpu_s / (double)l->seconds,
           largest, all);
}

static void answer(char *request) {
    char *field[MAX_FIELDS + 1], *rest = request;
    int fields = 0, status;
    struct live l = {.noise = 1};
    double cpu_s, largest, all;
    while (fields < MAX_FIELDS && (field[fields] = strsep(&rest, "\t")))
        fields++;
    field[fields] = NULL;
    if (fields < 7 || rest || ser_parse_int(field[0], 1, 86400, &l.seconds) ||
        ser_parse_int(field[1], 1000, 100 * MAX_PIECE, &l.rate_hz) ||
        ser_parse_int(field[2], 1, INT32_MAX, &l.first) ||
        ser_parse_int(field[3], 1, INT32_MAX, &l.step) || ser_parse_int(field[4], 0, 9, &l.heads))
        die(SER_USAGE, "a request is SECONDS, HZ, FIRST, STEP, HEADS, FILE, PROGRAM, ARGUMENTS");
    l.pieces = l.seconds * PIECES_A_S;
    l.written_s = ecalloc((size_t)l.pieces, sizeof *l.written_s);
    l.ms = ecalloc((size_t)(l.seconds * l.rate_hz / l.step + 1), sizeof *l.ms);
    start(&l, field + 6);
    feed(&l, &cpu_s, &largest, &all);
    close(l.to);
    l.to = -1;
    while (take(&l, now_s() + 1))
        ;
    close(l.from);
    while (waitpid(l.pid, &status, 0) < 0)
        if (errno != EINTR)
            die(SER_SYS, "cannot wait for %s", field[6]);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        die(SER_BAD, "%s failed", field[6]);
    report(&l, field[5], cpu_s, largest, all);
    free(l.written_s);
    free(l.ms);
}

int main(int argc, char **argv) {
    ser_start(argv[0]);
    if (argc != 1)
        die(SER_USAGE, "usage: live");
    signal(SIGPIPE, SIG_IGN);
    serve(answer);
    return SER_OK;
}
