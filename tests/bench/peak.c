/* peak - the multiply-adds that the processor can do.
 *
 * usage: peak
 * Requests and answers (serve.h):
 *   peak THREADS   single-precision operations a second of so many threads, two a multiply-add
 *   isa            the instruction set that is used, the widest there is
 * Enough independent sums are kept in registers that no multiply-add waits for another. The best
 * of some short stretches counts, since others may use the machine, too.
 */
#include "serve.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { SUMS = 12, TURNS = 1 << 20, STRETCHES = 20, MAX_THREADS = 256 };

/* Does TURNS times SUMS multiply-adds of vectors; the result must be used, lest all be left out. */
typedef float burner(float factor, float term);

static _Thread_local volatile float sink;

/* v = v factor + term for each of SUMS vectors, TURNS times. Numbers stay near 1. */
#define BURN(vec, set1, fma, first)                                                                \
    vec f = set1(factor), t = set1(term), v[SUMS];                                                 \
    for (int i = 0; i < SUMS; i++)                                                                 \
        v[i] = set1((float)i);                                                                     \
    for (int turn = 0; turn < TURNS; turn++) {                                                     \
        v[0] = fma(v[0], f, t), v[1] = fma(v[1], f, t), v[2] = fma(v[2], f, t);                    \
        v[3] = fma(v[3], f, t), v[4] = fma(v[4], f, t), v[5] = fma(v[5], f, t);                    \
        v[6] = fma(v[6], f, t), v[7] = fma(v[7], f, t), v[8] = fma(v[8], f, t);                    \
        v[9] = fma(v[9], f, t), v[10] = fma(v[10], f, t), v[11] = fma(v[11], f, t);                \
    }                                                                                              \
    float sum = 0;                                                                                 \
    for (int i = 0; i < SUMS; i++)                                                                 \
        sum += first(v[i]);                                                                        \
    return sum

#ifdef __x86_64__

__attribute__((target("avx512f"))) static float burn_avx512(float factor, float term) {
    BURN(__m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32);
}

__attribute__((target("avx2,fma"))) static float burn_avx2(float factor, float term) {
    BURN(__m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32);
}

#define MULTIPLY_ADD(v, f, t) _mm_add_ps(_mm_mul_ps(v, f), t)

static float burn_sse2(float factor, float term) {
    BURN(__m128, _mm_set1_ps, MULTIPLY_ADD, _mm_cvtss_f32);
}

#else

#define ITSELF(v)             (v)
#define MULTIPLY_ADD(v, f, t) ((v) * (f) + (t))

static float burn_plain(float factor, float term) {
    BURN(float, ITSELF, MULTIPLY_ADD, ITSELF);
}

#endif

struct isa {
    const char *name;
    int lanes;
    burner *burn;
};

static struct isa widest(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        return (struct isa){"AVX-512", 16, burn_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct isa){"AVX2", 8, burn_avx2};
    return (struct isa){"SSE2", 4, burn_sse2};
#else
    return (struct isa){"plain C", 1, burn_plain};
#endif
}

static pthread_barrier_t together;

/* Each thread has clocks of its own: whoever waits for them may be woken late. */
struct thread {
    pthread_t id;
    const struct isa *isa;
    double start_s[STRETCHES], end_s[STRETCHES];
};

static void *burn_stretches(void *arg) {
    struct thread *t = arg;
    for (int i = 0; i < STRETCHES; i++) {
        pthread_barrier_wait(&together);
        t->start_s[i] = now_s();
        sink = t->isa->burn(0.5f, 0.5f);
        t->end_s[i] = now_s();
    }
    return NULL;
}

static double best_s(const struct isa *isa, int threads) {
    struct thread *t = ecalloc((size_t)threads, sizeof *t);
    double best = INFINITY;
    if (pthread_barrier_init(&together, NULL, (unsigned)threads))
        die(SER_SYS, "no barrier for %d threads", threads);
    for (int i = 0; i < threads; i++) {
        t[i].isa = isa;
        if (pthread_create(&t[i].id, NULL, burn_stretches, &t[i]))
            die(SER_SYS, "cannot start %d threads", threads);
    }
    for (int i = 0; i < threads; i++)
        pthread_join(t[i].id, NULL);
    for (int k = 0; k < STRETCHES; k++) {
        double start = INFINITY, end = 0;
        for (int i = 0; i < threads; i++) {
            start = fmin(start, t[i].start_s[k]);
            end = fmax(end, t[i].end_s[k]);
        }
        best = fmin(best, end - start);
    }
    pthread_barrier_destroy(&together);
    free(t);
    return best;
}

static void answer(char *request) {
    struct isa isa = widest();
    int threads;
    if (strcmp(request, "isa") == 0)
        printf("%s\n", isa.name);
    else if (sscanf(request, "peak %d", &threads) != 1 || threads < 1 || threads > MAX_THREADS)
        die(SER_USAGE, "not a request: %s", request);
    else
        printf("%.6g\n", 2.0 * SUMS * TURNS * isa.lanes * threads / best_s(&isa, threads));
}

int main(int argc, char **argv) {
    ser_start(argv[0]);
    if (argc != 1)
        die(SER_USAGE, "usage: peak");
    serve(answer);
    return SER_OK;
}
