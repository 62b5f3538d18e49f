/* launch - the time that whole processes take, from start to end.
 *
 * usage: launch
 * A request (serve.h) is fields with tabs between: TIMES, a file for standard input, a file for
 * standard output, the program and its arguments. The answer is the median of TIMES runs in
 * seconds, a blank, and the memory of the largest process among the program and those it waited
 * for, in bytes. A program that fails ends all.
 */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { MAX_FIELDS = 4096, MAX_TIMES = 1000 };

extern char **environ;

static double run_s(char **argv, const posix_spawn_file_actions_t *files, long *kib) {
    struct rusage used;
    int status;
    pid_t pid;
    double start = now_s();
    int error = posix_spawnp(&pid, argv[0], files, NULL, argv, environ);
    if (error)
        die(SER_SYS, "cannot start %s: %s", argv[0], strerror(error));
    while (wait4(pid, &status, 0, &used) < 0)
        if (errno != EINTR)
            die(SER_SYS, "cannot wait for %s: %s", argv[0], strerror(errno));
    double s = now_s() - start;
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        die(SER_BAD, "%s failed", argv[0]);
    *kib = used.ru_maxrss > *kib ? used.ru_maxrss : *kib;
    return s;
}

static void answer(char *request) {
    char *field[MAX_FIELDS + 1], *rest = request;
    int fields = 0;
    int64_t times;
    long kib = 0;
    posix_spawn_file_actions_t files;
    while (fields < MAX_FIELDS && (field[fields] = strsep(&rest, "\t")))
        fields++;
    field[fields] = NULL;
    if (fields < 4 || rest || ser_parse_int(field[0], 1, MAX_TIMES, &times))
        die(SER_USAGE, "a request is TIMES, INPUT, OUTPUT, PROGRAM and up to %d arguments",
            MAX_FIELDS - 4);
    if (posix_spawn_file_actions_init(&files) ||
        posix_spawn_file_actions_addopen(&files, 0, field[1], O_RDONLY, 0) ||
        posix_spawn_file_actions_addopen(&files, 1, field[2], O_WRONLY | O_CREAT | O_TRUNC, 0666))
        die(SER_SYS, "out of memory");
    double *t = ecalloc((size_t)times, sizeof *t);
    for (int i = 0; i < times; i++)
        t[i] = run_s(field + 3, &files, &kib);
    posix_spawn_file_actions_destroy(&files);
    printf("%.9f %.0f\n", median(t, (int)times), 1024.0 * (double)kib);
    free(t);
}

int main(int argc, char **argv) {
    ser_start(argv[0]);
    if (argc != 1)
        die(SER_USAGE, "usage: launch");
    serve(answer);
    return SER_OK;
}
