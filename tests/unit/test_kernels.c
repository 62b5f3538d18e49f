/* test_kernels - every kernel that `fast` can choose is held to the plain one, shape by shape; what
 * a shape is served by; threads.
 *
 * Prints which kernels this machine has. Knows lib/nn and lib/math/rng alone, so that a test can
 * build it without oneDNN.
 */
#include "check.h"
#include "math/rng.h"
#include "nn/kernels/kernels.h"
#include "nn/nn.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"avx512", "onednn", "plain"};
enum { NAMES = sizeof names / sizeof *names };

static void *must(void *p) {
    if (!p) {
        puts("not ok - out of memory, or kernels or a network that should be there are not");
        exit(1);
    }
    return p;
}

/* n random numbers, and EDGE behind them that nobody may touch. */
enum { EDGE = 64 };

static float *numbers(size_t n, uint64_t seed) {
    float *x = must(malloc((n + EDGE) * sizeof *x));
    struct ser_key key = ser_key(seed, SER_PURPOSE_BOOTSTRAP, 0, 0);
    for (size_t i = 0; i < n + EDGE; i++)
        x[i] = (float)ser_normal(key, i);
    return x;
}

/* The largest |a - b| over the largest |b|, the edge too; infinite if one is not a number. */
static double apart(const float *a, const float *b, size_t n) {
    double most = 0, size = 0;
    for (size_t i = 0; i < n + EDGE; i++) {
        double d = fabs((double)a[i] - b[i]);
        most = d <= most ? most : d > most ? d : INFINITY;
        size = fmax(size, fabs((double)b[i]));
    }
    return most > 0 ? most / size : 0;
}

/* Kernels with their state on this thread. */
struct at_work {
    const struct ser_kernels *k;
    void *state;
};

/* Those of a name, without the plain ones behind them. */
static struct at_work start(const char *name) {
    char why[SER_WHY] = "";
    struct at_work w = {must((void *)ser_kernels_alone(name)), NULL};
    w.k = w.k->among[0];
    w.state = must(w.k->open(w.k, why, sizeof why));
    return w;
}

static void stop(const struct at_work *w) {
    check(!w->k->failed || !w->k->failed(w->state), "%s: nothing failed", w->k->name);
    w->k->close(w->state);
}

/* ---- products ---- */

struct product {
    int M, N, K, more; /* more: by so much the leading dimensions are larger than the rows */
    int apart;         /* not 0: rows of A begin so far apart, and run into each other */
};

/* C as the definition has it, in double precision. */
static void multiply(const struct product *p, int ta, int tb, const float *A, int lda,
                     const float *B, int ldb, float beta, float *C, int ldc) {
    for (int m = 0; m < p->M; m++)
        for (int n = 0; n < p->N; n++) {
            double sum = beta != 0 ? (double)C[m * ldc + n] : 0;
            for (int k = 0; k < p->K; k++)
                sum += (double)A[ta ? k * lda + m : m * lda + k] *
                       (double)B[tb ? n * ldb + k : k * ldb + n];
            C[m * ldc + n] = (float)sum;
        }
}

static void test_product(const struct at_work *w, const struct product *p, int ta, int tb,
                         float beta) {
    int lda = (ta ? p->M : p->K) + p->more, ldb = (tb ? p->K : p->N) + p->more,
        ldc = p->N + p->more;
    size_t n = (size_t)p->M * (size_t)ldc;
    lda = p->apart && !ta ? p->apart : lda;
    float *A = numbers((size_t)lda * (size_t)(ta ? p->K : p->M) + (size_t)p->K, 1),
          *B = numbers((size_t)ldb * (size_t)(tb ? p->N : p->K), 2);
    float *C = numbers(n, 3), *want = numbers(n, 3);
    int served = w->k->gemm(w->state, ta, tb, p->M, p->N, p->K, A, lda, B, ldb, beta, C, ldc);
    multiply(p, ta, tb, A, lda, B, ldb, beta, want, ldc);
    double d = apart(C, want, n);
    if (!served || !(d < 1e-5))
        check(0, "%s: %dx%d by %dx%d, transposed %d %d, added to %g: %s, differs by %.1e",
              w->k->name, p->M, p->K, p->K, p->N, ta, tb, (double)beta,
              served ? "served" : "refused", d);
    free(A);
    free(B);
    free(C);
    free(want);
}

static void test_products(const struct at_work *w) {
    static const struct product all[] = {
        {1, 1, 1, 0, 0},    {1, 512, 128, 0, 0}, {2, 300, 7, 5, 0},     {8, 512, 128, 0, 0},
        {9, 33, 17, 3, 0},  {60, 60, 128, 0, 0}, {17, 31, 1100, 2, 0},  {128, 256, 480, 0, 0},
        {3, 16, 600, 1, 0}, {40, 6, 13, 0, 0},   {30, 48, 600, 3, 200}, {31, 20, 10, 0, 4},
    };
    int before = failed;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int how = 0; how < 8; how++)
            test_product(w, &all[i], how & 1, how >> 1 & 1, (float)(how >> 2));
    check(failed == before, "%s: products of matrices as defined", w->k->name);
}

/* ---- convolutions ---- */

/* What of a shape the avx512 kernels do. */
enum { NOTHING, FORWARD_AND_WEIGHTS, ALL };

static const struct shape {
    struct ser_conv_shape s;
    int avx512;
} shapes[] = {
    /* those of the networks: one sample, a shard, a ragged one */
    {{1, 40, 174, 1, 32, 3, 3}, FORWARD_AND_WEIGHTS},
    {{8, 40, 174, 1, 32, 3, 3}, FORWARD_AND_WEIGHTS},
    {{1, 19, 86, 32, 64, 3, 3}, ALL},
    {{3, 19, 86, 32, 64, 3, 3}, ALL},
    {{2, 8, 42, 64, 128, 3, 3}, ALL},
    /* edges of tiles, and of what suits */
    {{1, 3, 3, 16, 16, 3, 3}, ALL},
    {{5, 7, 9, 16, 48, 3, 3}, ALL},
    {{2, 6, 6, 48, 16, 3, 3}, ALL},
    {{2, 9, 300, 1, 5, 2, 7}, FORWARD_AND_WEIGHTS},
    {{2, 4, 40, 1, 33, 1, 32}, FORWARD_AND_WEIGHTS},
    {{2, 4, 40, 1, 33, 1, 33}, NOTHING},
    {{2, 9, 11, 17, 16, 3, 3}, NOTHING},
    {{2, 9, 11, 16, 17, 3, 3}, NOTHING},
    {{2, 9, 11, 16, 16, 5, 5}, NOTHING},
    {{2, 9, 11, 32, 32, 1, 1}, NOTHING},
    {{3, 6, 8, 3, 5, 2, 3}, NOTHING},
};

static void report(const struct at_work *w, const struct ser_conv_shape *s, const char *what,
                   int served, int should, double d) {
    int known = should < 0 || served == should;
    check(known && d < 1e-4, "%s: %d x %dx%dx%d, %dx%d to %d, %s: %s, differs by %.1e%s",
          w->k->name, s->N, s->H, s->W, s->C, s->kh, s->kw, s->F, what,
          served ? "served" : "does not suit", d, known ? "" : ": that should not be so");
}

/* should: whether the kernels are to serve it; -1: that is theirs to say. What they do not serve they
 * may not write to, either. */
static void test_forward(const struct at_work *w, const struct at_work *plain,
                         const struct ser_conv_shape *s, int relu, int should) {
    size_t in = (size_t)s->N * s->H * s->W * s->C, field = (size_t)s->kh * s->kw * s->C,
           out = (size_t)s->N * (s->H - s->kh + 1) * (s->W - s->kw + 1) * s->F;
    float *x = numbers(in, 1), *filter = numbers(field * s->F, 2), *b = numbers((size_t)s->F, 3),
          *y = numbers(out, 4), *want = numbers(out, 4);
    int served = w->k->conv(w->state, s, x, filter, b, relu, y);
    if (served)
        plain->k->conv(plain->state, s, x, filter, b, relu, want);
    report(w, s, relu ? "forward, relu" : "forward", served, should, apart(y, want, out));
    free(x);
    free(filter);
    free(b);
    free(y);
    free(want);
}

static void test_backward(const struct at_work *w, const struct at_work *plain,
                          const struct ser_conv_shape *s, int input, int should) {
    size_t in = (size_t)s->N * s->H * s->W * s->C, F = (size_t)s->F,
           weights = (size_t)s->kh * s->kw * s->C * F,
           out = (size_t)s->N * (s->H - s->kh + 1) * (s->W - s->kw + 1) * F;
    float *x = numbers(in, 1), *filter = numbers(weights, 2), *dy = numbers(out, 3);
    float *dw[2], *db[2], *dx[2];
    for (int i = 0; i < 2; i++) {
        dw[i] = numbers(weights, 4);
        db[i] = numbers(F, 5);
        dx[i] = numbers(in, 6);
    }
    int served = w->k->conv_back(w->state, s, x, dy, filter, dw[0], db[0], input ? dx[0] : NULL);
    if (served)
        plain->k->conv_back(plain->state, s, x, dy, filter, dw[1], db[1], input ? dx[1] : NULL);
    double d =
        fmax(apart(dw[0], dw[1], weights), fmax(apart(db[0], db[1], F), apart(dx[0], dx[1], in)));
    report(w, s, input ? "backward" : "backward, weights alone", served, should, d);
    for (int i = 0; i < 2; i++) {
        free(dw[i]);
        free(db[i]);
        free(dx[i]);
    }
    free(x);
    free(filter);
    free(dy);
}

static void test_convolutions(const struct at_work *w, const struct at_work *plain) {
    int ours = strcmp(w->k->name, "avx512") == 0, always = strcmp(w->k->name, "plain") == 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct shape *p = &shapes[i];
        int some = ours     ? p->avx512 > NOTHING
                   : always ? 1
                            : -1,
            full = ours     ? p->avx512 == ALL
                   : always ? 1
                            : -1;
        for (int flag = 0; flag < 2; flag++) {
            test_forward(w, plain, &p->s, flag, some);
            test_backward(w, plain, &p->s, flag, flag ? full : some);
        }
    }
}

/* New weights at the old place: what was made of the old ones is not to be used. */
static void test_renew(const struct at_work *w, const struct at_work *plain) {
    const struct ser_conv_shape s = {1, 8, 9, 16, 16, 3, 3};
    enum { IN = 8 * 9 * 16, OUT = 6 * 7 * 16, WEIGHTS = 9 * 16 * 16 };
    float *x = numbers(IN, 1), *filter = numbers(WEIGHTS, 2), *other = numbers(WEIGHTS, 3),
          *b = numbers(16, 4), *y = numbers(OUT, 5), *want = numbers(OUT, 5);
    int served = w->k->conv(w->state, &s, x, filter, b, 0, y);
    memcpy(filter, other, WEIGHTS * sizeof *filter);
    if (w->k->renew)
        w->k->renew(w->state);
    served &= w->k->conv(w->state, &s, x, filter, b, 0, y);
    plain->k->conv(plain->state, &s, x, filter, b, 0, want);
    if (served)
        check(apart(y, want, OUT) < 1e-4, "%s: other weights, other results", w->k->name);
    free(x);
    free(filter);
    free(other);
    free(b);
    free(y);
    free(want);
}

/* ---- networks ---- */

static const char net_text[] = "conv 16 3x3 relu\nbatchnorm\nmaxpool 2x2\ndropout 0.3\n"
                               "conv 32 3x3\nconv 16 2x3 relu\nbatchnorm\nmaxpool 2x2\n"
                               "reshape 2x16\nlstm 20\nattention dot\nmean\ndense classes\n";
enum { ROWS = 16, FRAMES = 17, CLASSES = 3, BATCH = 21, STEPS = 3 };

struct trained {
    struct ser_net *net;
    float p[BATCH * CLASSES];
};

/* Some steps of training, then predictions. */
static struct trained train(const struct ser_kernels *k, int threads) {
    char why[SER_WHY] = "";
    float *x = numbers(BATCH * ROWS * FRAMES, 7);
    struct trained t = {
        .net = must(ser_net_parse(net_text, strlen(net_text), ROWS, FRAMES, CLASSES, why))};
    struct ser_run *r = must(ser_run_new(t.net, k, BATCH, threads, 1, why));
    struct ser_adam adam;
    int label[BATCH];
    size_t place[BATCH];
    for (int i = 0; i < BATCH; i++) {
        label[i] = i * 5 % CLASSES;
        place[i] = (size_t)(i * 37 % 1000);
    }
    ser_net_init(t.net, 1);
    must(ser_adam_new(&adam, t.net) ? NULL : t.net);
    for (uint64_t step = 0; step < STEPS; step++) {
        ser_run_gradients(r, x, label, BATCH, &(struct ser_dropout){9, step, place}, NULL);
        ser_adam_step(&adam, t.net, r, 1e-3);
    }
    ser_run_predict(r, x, BATCH, t.p);
    ser_adam_free(&adam, t.net);
    ser_run_free(r);
    free(x);
    return t;
}

static void test_threads(const struct ser_kernels *k, const char *called) {
    struct trained one = train(k, 1);
    for (int threads = 2; threads < 6; threads += 3) {
        struct trained more = train(k, threads);
        int same = !memcmp(one.p, more.p, sizeof one.p);
        for (int i = 0; i < one.net->params; i++)
            same &= !memcmp(one.net->param[i].value, more.net->param[i].value,
                            one.net->param[i].n * sizeof(float));
        check(same, "%s: %d threads and one train to the same bytes", called, threads);
        ser_net_free(more.net);
    }
    ser_net_free(one.net);
}

/* Threads of this process. */
static int threads_now(void) {
    int n = 0;
    DIR *d = must(opendir("/proc/self/task"));
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* As many samples, as many threads: the scores stay. */
static void test_inference(const struct ser_kernels *k, const char *called) {
    enum { N = 5 };
    char why[SER_WHY] = "";
    float *x = numbers(N * ROWS * FRAMES, 8), one[N * CLASSES], p[N * CLASSES];
    struct ser_net *net =
        must(ser_net_parse(net_text, strlen(net_text), ROWS, FRAMES, CLASSES, why));
    ser_net_init(net, 1);
    struct ser_run *r = must(ser_run_new(net, k, 1, 4, 0, why));
    int before = threads_now();
    for (int i = 0; i < N; i++)
        ser_run_predict(r, x + i * ROWS * FRAMES, 1, one + i * CLASSES);
    ser_run_free(r);
    r = must(ser_run_new(net, k, N, 4, 0, why));
    check(threads_now() == before + 3, "%s: 4 threads for %d samples, 1 for 1", called, N);
    ser_run_predict(r, x, N, p);
    check(!memcmp(one, p, sizeof p), "%s: and the scores are those of one sample at a time",
          called);
    ser_run_free(r);
    ser_net_free(net);
    free(x);
}

/* What fast chooses among: all that are built, the best first, and the one that always suits last. */
static void test_choice(void) {
    const struct ser_kernels *fast = ser_kernels_find("fast");
    int last = -1, n = 0, ordered = 1;
    for (; fast->among[n]; n++) {
        int i = 0;
        while (i < NAMES && strcmp(names[i], fast->among[n]->name) != 0)
            i++;
        ordered &= i > last && i < NAMES;
        last = i;
    }
    check(ordered && last == NAMES - 1, "fast asks in order, plain last");
    for (int i = 0; i < NAMES; i++)
        n -= !strcmp(names[i], "onednn") ? ser_kernels_alone("onednn") != NULL : 1;
    check(n == 0, "fast asks all that are built");
}

/* The first that suits serves: its very bytes. */
static void test_first(const char *first) {
    const struct ser_conv_shape s = {1, 8, 9, 16, 16, 3, 3};
    enum { IN = 8 * 9 * 16, OUT = 6 * 7 * 16, WEIGHTS = 9 * 16 * 16 };
    char why[SER_WHY] = "";
    const struct ser_kernels *fast = ser_kernels_find("fast");
    struct at_work w = start(first);
    void *state = must(fast->open(fast, why, sizeof why));
    float *x = numbers(IN, 1), *filter = numbers(WEIGHTS, 2), *b = numbers(16, 4),
          *y = numbers(OUT, 5), *want = numbers(OUT, 6);
    int served = fast->conv(state, &s, x, filter, b, 1, y);
    w.k->conv(w.state, &s, x, filter, b, 1, want);
    check(served && !memcmp(y, want, OUT * sizeof *y), "fast: %s serves here", first);
    fast->close(state);
    stop(&w);
    free(x);
    free(filter);
    free(b);
    free(y);
    free(want);
}

static void test_names(void) {
    check(!strcmp(ser_kernels_default(), "fast"), "the default is fast");
    check(ser_kernels_find("onednn") == ser_kernels_find("fast"), "onednn is another word for it");
    check(!ser_kernels_find("avx512") && !ser_kernels_find(""), "other names are none");
    check(!strcmp(ser_kernels_name(ser_kernels_find("plain")), "plain"), "plain is plain");
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_names();
    test_choice();
    for (int i = 0, found = 0; i < NAMES && !found; i++)
        if ((found = ser_kernels_alone(names[i]) != NULL))
            test_first(names[i]);
    struct at_work plain = start("plain");
    for (int i = 0; i < NAMES; i++) {
        const struct ser_kernels *alone = ser_kernels_alone(names[i]);
        char called[40];
        if (!alone) {
            printf("# left out: %s, not built or not for this processor\n", names[i]);
            continue;
        }
        printf("# here: %s\n", names[i]);
        struct at_work w = start(names[i]);
        test_products(&w);
        test_convolutions(&w, &plain);
        test_renew(&w, &plain);
        stop(&w);
        snprintf(called, sizeof called, "%s, fused", names[i]);
        test_threads(alone, called);
    }
    stop(&plain);
    test_threads(ser_kernels_find("fast"), "fast");
    test_threads(ser_kernels_find("plain"), "plain");
    test_inference(ser_kernels_find("fast"), "fast");
    test_inference(ser_kernels_find("plain"), "plain");
    printf("# %d failed\n", failed);
    return failed != 0;
}
