/* tool.h - runs a tool's main in this process, again and again. To be included after the tool:
 *
 *   static int tool_main(int argc, char **argv);
 *   #define main tool_main
 *   #include "../../tools/ser-split.c"
 *   #undef main
 *   #include "tool.h"
 *
 * exit comes back here (the linker is told to wrap it). A tool that ends well must have freed and
 * closed what it took. One that dies leaves that to the system, which is done here in its place.
 */
#ifndef FUZZ_TOOL_H
#define FUZZ_TOOL_H

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include "file.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_vasprintf(char **text, const char *fmt, va_list args);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_vasprintf(char **text, const char *fmt, va_list args);
void __wrap_free(void *p);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_join(pthread_t thread, void **result);
_Noreturn void __real_exit(int status);
_Noreturn void __wrap_exit(int status);

static struct {
    int running, status, null, first_fd;
    jmp_buf back;
    __typeof__(opt) defaults;
} fuzz;

/* ---- memory that our code has taken; what libraries keep for themselves is theirs ---- */

enum { FUZZ_SLOTS = 1 << 17 };
static void *fuzz_live[FUZZ_SLOTS]; /* open addressing */
static size_t fuzz_lives;

static size_t fuzz_slot(const void *p) {
    size_t i = (uintptr_t)p * 0x9e3779b97f4a7c15 >> 47;
    while (fuzz_live[i] && fuzz_live[i] != p)
        i = (i + 1) % FUZZ_SLOTS;
    return i;
}

static void *fuzz_took(void *p) {
    if (!p || !fuzz.running)
        return p;
    if (++fuzz_lives > FUZZ_SLOTS / 2)
        abort(); /* far beyond what inputs of this size ask for */
    return fuzz_live[fuzz_slot(p)] = p;
}

static void fuzz_gave(const void *p) {
    size_t i = fuzz_slot(p), next = i;
    if (!p || !fuzz_live[i])
        return;
    fuzz_lives--;
    fuzz_live[i] = NULL;
    while (fuzz_live[next = (next + 1) % FUZZ_SLOTS]) { /* closes the gap */
        void *q = fuzz_live[next];
        fuzz_live[next] = NULL;
        fuzz_live[fuzz_slot(q)] = q;
    }
}

void *__wrap_malloc(size_t size) {
    return fuzz_took(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size) {
    return fuzz_took(__real_calloc(n, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fuzz_took(__real_aligned_alloc(alignment, size));
}

void *__wrap_realloc(void *p, size_t size) {
    uintptr_t was = (uintptr_t)p;
    void *q = __real_realloc(p, size);
    if (q)
        fuzz_gave((void *)was);
    return fuzz_took(q);
}

int __wrap_vasprintf(char **text, const char *fmt, va_list args) {
    int n = __real_vasprintf(text, fmt, args);
    if (n >= 0)
        fuzz_took(*text);
    return n;
}

void __wrap_free(void *p) {
    fuzz_gave(p);
    __real_free(p);
}

/* ---- threads that end by themselves, such as one that plans ahead ---- */

enum { FUZZ_THREADS = 16 };
static pthread_t fuzz_thread[FUZZ_THREADS];
static int fuzz_threads;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg) {
    int failed = __real_pthread_create(thread, attr, run, arg);
    if (!failed && fuzz.running) {
        if (fuzz_threads == FUZZ_THREADS)
            abort();
        fuzz_thread[fuzz_threads++] = *thread;
    }
    return failed;
}

int __wrap_pthread_join(pthread_t thread, void **result) {
    for (int i = 0; i < fuzz_threads; i++)
        if (pthread_equal(fuzz_thread[i], thread))
            fuzz_thread[i--] = fuzz_thread[--fuzz_threads];
    return __real_pthread_join(thread, result);
}

static void fuzz_take_back(void) {
    while (fuzz_threads)
        __real_pthread_join(fuzz_thread[--fuzz_threads], NULL);
    for (size_t i = 0; fuzz_lives && i < FUZZ_SLOTS;)
        if (fuzz_live[i])
            __wrap_free(fuzz_live[i]); /* another may move into the slot */
        else
            i++;
    close_range((unsigned)fuzz.first_fd, ~0u, 0);
}

/* ---- running ---- */

void __wrap_exit(int status) {
    if (!fuzz.running)
        __real_exit(status);
    fuzz.status = status;
    longjmp(fuzz.back, 1);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    for (int i = 0; i < FUZZ_FILES; i++)
        fuzz_file(i, NULL, 0);
    fuzz.defaults = opt;
    fuzz.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return 0;
}

/* Files 0 and 1 from what stands before and behind the first form feed of an input; without one the
 * second is empty. */
static inline void fuzz_two(const uint8_t *data, size_t size, char **first, char **second) {
    const uint8_t *feed = memchr(data, '\f', size);
    size_t n = feed ? (size_t)(feed - data) : size;
    *first = (char *)fuzz_file(0, data, n);
    *second = (char *)fuzz_file(1, feed ? feed + 1 : data, feed ? size - n - 1 : 0);
}

/* Runs the tool with these arguments, the last of which is NULL, and standard input from in (may be
 * NULL). Returns its exit status: the system never fails here, so it is not SER_SYS. */
static int fuzz_run(char *const *args, const char *in) {
    static char name[] = "tool", *argv[64];
    volatile int died = 1; /* written after setjmp */
    int argc = 0;
    argv[argc++] = name;
    while (*args && argc < 63)
        argv[argc++] = *args++;
    argv[argc] = NULL;
    fuzz.first_fd = open(in ? in : "/dev/null", O_RDONLY); /* the lowest that is free */
    if (fuzz.first_fd < 3 || dup2(fuzz.first_fd, STDIN_FILENO) || close(fuzz.first_fd))
        abort();
    opt = fuzz.defaults;
    optind = 0;
    fuzz.running = 1;
    if (!setjmp(fuzz.back)) {
        fuzz.status = tool_main(argc, argv);
        died = 0;
    }
    fuzz.running = 0;
    /* Tools close their standard streams; whatever opens a file next must not get these places. */
    if (dup2(fuzz.null, STDIN_FILENO) || dup2(fuzz.null, STDOUT_FILENO) != STDOUT_FILENO)
        abort();
    if (died)
        fuzz_take_back();
    else if (fuzz_lives || fuzz_threads || fcntl(fuzz.first_fd, F_GETFD) != -1)
        abort(); /* a leak of memory, of a thread or of a descriptor */
    if (fuzz.status < SER_OK || fuzz.status > SER_BAD)
        abort();
    return fuzz.status;
}

#endif
