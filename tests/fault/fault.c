/* fault.so - makes a chosen call of a program fail. Preloaded by the tests; no part of the tools.
 *
 *   SER_FAULT=write:3:ENOSPC LD_PRELOAD=fault.so ser-mfcc ...
 *
 * SER_FAULT     CALL:N:HOW, several with commas between. CALL is one of the names below; N is the
 *               number of the call, from 1, N+ that call and all after it, * every call. HOW is
 *                 E...    the name of an error: the call fails with it (with *, EINTR strikes every
 *                         other call, or nothing would ever get on)
 *                 short   half of the bytes are read or written
 *                 sigpipe the signal, then EPIPE, as the system does it
 *                 kill    SIGKILL instead of the call; group: the same to the whole process group
 *                 torn    half of the bytes, then SIGKILL
 *                 stop    SIGSTOP, and the call once SIGCONT comes
 * SER_FAULT_IN  programs that count and fail, by name, with commas between; unset: all
 * SER_COUNTS    a file of one 64-bit counter a name, in their order, shared by all processes that
 * name it: also the numbers of SER_FAULT count over all of them. `fired` counts the faults.
 *
 * Calls count once main has begun, except writes to standard error. Variants count as one: open is
 * all that makes a descriptor, malloc all that takes memory, fork also posix_spawn. What does not
 * pass through the dynamic linker is not seen: stdio's own reads and writes, what the C library
 * calls for itself (the mmap behind malloc, the open behind opendir and fopen), vfork, direct
 * system calls, static programs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

enum call {
    FIRED,
    READ,
    PREAD,
    WRITE,
    OPEN,
    CLOSE,
    FSYNC,
    RENAME,
    MMAP,
    MALLOC,
    OWN,
    PIPE,
    FORK,
    EXEC,
    THREAD,
    CALLS
};
static const char *const call_name[CALLS] = {"fired", "read",  "pread",  "write", "open",
                                             "close", "fsync", "rename", "mmap",  "malloc",
                                             "own",   "pipe",  "fork",   "exec",  "thread"};

enum how { FAIL, SHORT, SIGNAL, KILL, GROUP, TORN, STOP };
static const struct {
    const char *name;
    enum how how;
    int error;
} hows[] = {{"short", SHORT, 0},      {"sigpipe", SIGNAL, EPIPE}, {"kill", KILL, 0},
            {"group", GROUP, 0},      {"torn", TORN, 0},          {"stop", STOP, 0},
            {"EIO", FAIL, EIO},       {"ENOSPC", FAIL, ENOSPC},   {"EMFILE", FAIL, EMFILE},
            {"ENOMEM", FAIL, ENOMEM}, {"EPIPE", FAIL, EPIPE},     {"EINTR", FAIL, EINTR},
            {"EAGAIN", FAIL, EAGAIN}, {"EACCES", FAIL, EACCES}};

enum { MAX_FAULTS = 16 };
static struct fault {
    enum call call;
    uint64_t from, to;
    enum how how;
    int error;
} faults[MAX_FAULTS];
static int n_faults;
static int armed; /* main has begun, in a program that is meant */
static _Atomic uint64_t own[CALLS], *counter = own;
static __thread int torn; /* this thread dies once its call is done */

#define NEXT(f)                                                                                    \
    ({                                                                                             \
        static __typeof__(f) *next_;                                                               \
        if (!next_)                                                                                \
            next_ = (__typeof__(f) *)(uintptr_t)dlsym(RTLD_NEXT, #f);                              \
        next_;                                                                                     \
    })

/* ---- what is asked for ---- */

static _Noreturn void refuse(const char *what) {
    dprintf(STDERR_FILENO, "fault.so: %s\n", what);
    _exit(125);
}

static struct fault parse_fault(const char *s) {
    struct fault f = {.to = 0};
    char call[16], number[24], how[16], *end = number;
    if (sscanf(s, "%15[a-z]:%23[0-9*+]:%15[A-Za-z]", call, number, how) != 3)
        refuse("SER_FAULT is not CALL:N:HOW");
    while (f.call < CALLS && strcmp(call, call_name[f.call]) != 0)
        f.call++;
    size_t h = 0;
    while (h < sizeof hows / sizeof *hows && strcmp(how, hows[h].name) != 0)
        h++;
    if (f.call == CALLS || h == sizeof hows / sizeof *hows)
        refuse("SER_FAULT has an unknown call or fault");
    f.from = *number == '*' ? 1 : strtoull(number, &end, 10);
    f.to = *end == '+' || *number == '*' ? UINT64_MAX : f.from;
    f.how = hows[h].how;
    f.error = hows[h].error;
    return f;
}

static int is_meant(const char *list) {
    size_t n = strlen(program_invocation_short_name);
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, program_invocation_short_name, n) == 0 && (!p[n] || p[n] == ','))
            return 1;
    return !list;
}

/* The first object is the program itself. */
static uintptr_t code_begin, code_end;

static int find_code(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
            code_begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            code_end = code_begin + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

static void begin(void) {
    const char *list = getenv("SER_FAULT"), *path = getenv("SER_COUNTS");
    if (!is_meant(getenv("SER_FAULT_IN")))
        return;
    for (const char *p = list; p && *p && n_faults < MAX_FAULTS;
         p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        faults[n_faults++] = parse_fault(p);
    if (path) {
        int fd = NEXT(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || ftruncate(fd, sizeof own))
            refuse("SER_COUNTS cannot be opened");
        void *p = NEXT(mmap)(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        NEXT(close)(fd);
        if (p == MAP_FAILED)
            refuse("SER_COUNTS cannot be mapped");
        counter = p;
    }
    dl_iterate_phdr(find_code, NULL);
    armed = 1;
}

typedef int main_function(int, char **, char **);
static main_function *real_main;

static int armed_main(int argc, char **argv, char **env) {
    begin();
    return real_main(argc, argv, env);
}

int __libc_start_main(main_function *m, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

int __libc_start_main(main_function *m, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
    real_main = m;
    return NEXT(__libc_start_main)(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* ---- when ---- */

static const struct fault *due(enum call c) {
    uint64_t n = atomic_fetch_add(&counter[c], 1) + 1;
    for (const struct fault *f = faults; f < faults + n_faults; f++)
        if (f->call == c && n >= f->from && n <= f->to &&
            !(f->error == EINTR && f->to == UINT64_MAX && n % 2 == 0)) {
            atomic_fetch_add(&counter[FIRED], 1);
            return f;
        }
    return NULL;
}

/* 1 with errno set if the call is to fail. *n are the bytes it moves, where it moves any. */
static int strike(enum call c, size_t *n) {
    const struct fault *f = armed ? due(c) : NULL;
    if (!f)
        return 0;
    if (f->how == KILL)
        kill(getpid(), SIGKILL);
    if (f->how == GROUP)
        kill(0, SIGKILL);
    if (f->how == SIGNAL)
        raise(SIGPIPE);
    if (f->how == STOP)
        kill(getpid(), SIGSTOP);
    torn = f->how == TORN;
    if (f->how == SHORT || f->how == TORN || f->how == STOP) {
        if (n && f->how != STOP)
            *n = *n / 2 + (f->how == SHORT && *n);
        return 0;
    }
    errno = f->error;
    return 1;
}

static int no_memory(const void *caller) {
    uintptr_t at = (uintptr_t)caller;
    int failed = strike(MALLOC, NULL);
    return (at >= code_begin && at < code_end && strike(OWN, NULL)) || failed;
}

static ssize_t moved(ssize_t k) {
    if (torn)
        kill(getpid(), SIGKILL);
    return k;
}

/* ---- the calls ---- */

ssize_t __read_chk(int fd, void *p, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room);
ssize_t __recv_chk(int fd, void *p, size_t n, size_t room, int flags);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t at, size_t n);

/* Jansson asks /dev/urandom for a seed, and does without. */
static int is_random(int fd) {
    struct stat s;
    return fstat(fd, &s) == 0 && S_ISCHR(s.st_mode) && s.st_rdev == makedev(1, 9);
}

ssize_t read(int fd, void *p, size_t n) {
    return !is_random(fd) && strike(READ, &n) ? -1 : moved(NEXT(read)(fd, p, n));
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t room) {
    return strike(READ, &n) ? -1 : moved(NEXT(__read_chk)(fd, p, n, room));
}

ssize_t recv(int fd, void *p, size_t n, int flags) {
    return strike(READ, &n) ? -1 : moved(NEXT(recv)(fd, p, n, flags));
}

ssize_t __recv_chk(int fd, void *p, size_t n, size_t room, int flags) {
    return strike(READ, &n) ? -1 : moved(NEXT(__recv_chk)(fd, p, n, room, flags));
}

ssize_t pread(int fd, void *p, size_t n, off_t at) {
    return strike(PREAD, &n) ? -1 : moved(NEXT(pread)(fd, p, n, at));
}

ssize_t pread64(int fd, void *p, size_t n, off64_t at) {
    return strike(PREAD, &n) ? -1 : moved(NEXT(pread64)(fd, p, n, at));
}

ssize_t __pread_chk(int fd, void *p, size_t n, off_t at, size_t room) {
    return strike(PREAD, &n) ? -1 : moved(NEXT(__pread_chk)(fd, p, n, at, room));
}

ssize_t __pread64_chk(int fd, void *p, size_t n, off64_t at, size_t room) {
    return strike(PREAD, &n) ? -1 : moved(NEXT(__pread64_chk)(fd, p, n, at, room));
}

ssize_t write(int fd, const void *p, size_t n) {
    return fd != STDERR_FILENO && strike(WRITE, &n) ? -1 : moved(NEXT(write)(fd, p, n));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at) {
    return strike(WRITE, &n) ? -1 : moved(NEXT(pwrite)(fd, p, n, at));
}

ssize_t writev(int fd, const struct iovec *v, int n) {
    return strike(WRITE, NULL) ? -1 : moved(NEXT(writev)(fd, v, n));
}

ssize_t send(int fd, const void *p, size_t n, int flags) {
    return strike(WRITE, &n) ? -1 : moved(NEXT(send)(fd, p, n, flags));
}

/* The mode, which is there only when a file may be made. */
#define MODE(flags)                                                                                \
    mode_t mode = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode = (mode_t)va_arg(args, int);                                                          \
        va_end(args);                                                                              \
    }

int open(const char *path, int flags, ...) {
    MODE(flags)
    return strike(OPEN, NULL) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE(flags)
    return strike(OPEN, NULL) ? -1 : NEXT(open64)(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...) {
    MODE(flags)
    return strike(OPEN, NULL) ? -1 : NEXT(openat)(dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) {
    MODE(flags)
    return strike(OPEN, NULL) ? -1 : NEXT(openat64)(dir, path, flags, mode);
}

int __open_2(const char *path, int flags) {
    return strike(OPEN, NULL) ? -1 : NEXT(__open_2)(path, flags);
}

int __open64_2(const char *path, int flags) {
    return strike(OPEN, NULL) ? -1 : NEXT(__open64_2)(path, flags);
}

int __openat_2(int dir, const char *path, int flags) {
    return strike(OPEN, NULL) ? -1 : NEXT(__openat_2)(dir, path, flags);
}

int __openat64_2(int dir, const char *path, int flags) {
    return strike(OPEN, NULL) ? -1 : NEXT(__openat64_2)(dir, path, flags);
}

int mkostemp(char *template, int flags) {
    return strike(OPEN, NULL) ? -1 : NEXT(mkostemp)(template, flags);
}

int mkostemp64(char *template, int flags) {
    return strike(OPEN, NULL) ? -1 : NEXT(mkostemp64)(template, flags);
}

int memfd_create(const char *name, unsigned flags) {
    return strike(PIPE, NULL) ? -1 : NEXT(memfd_create)(name, flags);
}

int pipe(int fd[2]) {
    return strike(PIPE, NULL) ? -1 : NEXT(pipe)(fd);
}

int pipe2(int fd[2], int flags) {
    return strike(PIPE, NULL) ? -1 : NEXT(pipe2)(fd, flags);
}

int socketpair(int domain, int type, int protocol, int fd[2]) {
    return strike(PIPE, NULL) ? -1 : NEXT(socketpair)(domain, type, protocol, fd);
}

int dup(int fd) {
    return strike(PIPE, NULL) ? -1 : NEXT(dup)(fd);
}

/* Onto a number that is in use the system needs nothing, and no limit is in the way. */
int dup2(int fd, int to) {
    return NEXT(fcntl)(to, F_GETFD) == -1 && strike(PIPE, NULL) ? -1 : NEXT(dup2)(fd, to);
}

static int makes_descriptor(int command) {
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

/* Whatever its type, the last argument is one register. */
#define ARGUMENT(last)                                                                             \
    va_list args;                                                                                  \
    va_start(args, last);                                                                          \
    long argument = va_arg(args, long);                                                            \
    va_end(args)

int fcntl(int fd, int command, ...) {
    ARGUMENT(command);
    return makes_descriptor(command) && strike(PIPE, NULL) ? -1
                                                           : NEXT(fcntl)(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    ARGUMENT(command);
    return makes_descriptor(command) && strike(PIPE, NULL) ? -1
                                                           : NEXT(fcntl64)(fd, command, argument);
}

/* A close that fails has closed all the same. */
int close(int fd) {
    int failed = strike(CLOSE, NULL), why = errno, k = NEXT(close)(fd);
    errno = failed ? why : errno;
    return failed ? -1 : k;
}

int fsync(int fd) {
    return strike(FSYNC, NULL) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd) {
    return strike(FSYNC, NULL) ? -1 : NEXT(fdatasync)(fd);
}

int rename(const char *from, const char *to) {
    return strike(RENAME, NULL) ? -1 : NEXT(rename)(from, to);
}

int renameat(int a, const char *from, int b, const char *to) {
    return strike(RENAME, NULL) ? -1 : NEXT(renameat)(a, from, b, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return strike(RENAME, NULL) ? -1 : NEXT(renameat2)(a, from, b, to, flags);
}

void *mmap(void *at, size_t n, int access, int flags, int fd, off_t from) {
    return strike(MMAP, NULL) ? MAP_FAILED : NEXT(mmap)(at, n, access, flags, fd, from);
}

void *mmap64(void *at, size_t n, int access, int flags, int fd, off64_t from) {
    return strike(MMAP, NULL) ? MAP_FAILED : NEXT(mmap64)(at, n, access, flags, fd, from);
}

void *malloc(size_t n) {
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size) {
    return no_memory(__builtin_return_address(0)) ? NULL : NEXT(reallocarray)(p, n, size);
}

void *aligned_alloc(size_t at, size_t n) {
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_memalign(at, n);
}

void *memalign(size_t at, size_t n);

void *memalign(size_t at, size_t n) {
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_memalign(at, n);
}

int posix_memalign(void **p, size_t at, size_t n) {
    return no_memory(__builtin_return_address(0)) ? errno : NEXT(posix_memalign)(p, at, n);
}

pid_t fork(void) {
    return strike(FORK, NULL) ? -1 : NEXT(fork)();
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const env[]) {
    return strike(FORK, NULL) ? errno
                              : NEXT(posix_spawn)(pid, path, actions, attributes, argv, env);
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const env[]) {
    return strike(FORK, NULL) ? errno
                              : NEXT(posix_spawnp)(pid, file, actions, attributes, argv, env);
}

int execve(const char *path, char *const argv[], char *const env[]) {
    return strike(EXEC, NULL) ? -1 : NEXT(execve)(path, argv, env);
}

int execvp(const char *file, char *const argv[]) {
    return strike(EXEC, NULL) ? -1 : NEXT(execvp)(file, argv);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *),
                   void *arg) {
    return strike(THREAD, NULL) ? errno : NEXT(pthread_create)(thread, attributes, work, arg);
}
