#include "bridge/pitch.h"

#include "core/bytes.h"

#include <errno.h>
#include <math.h>
#include <sox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A request is this structure and n samples. The answer is one byte: 0 if SoX failed, or 1,
 * followed by m samples. */
struct request {
    uint64_t n, m;
    double factor, rate_hz;
};

/* Milliseconds: segment, search, overlap. SoX's defaults are 82, 14.68 and 12; longer segments and
 * a shorter overlap take a third less time at the same quality (tests/bench/pitch.c). The search
 * spans one period of a voice down to 71 Hz. */
static const char *const tempo_ms[] = {"100", "14", "8"};

/* ---- the child ---- */

/* The samples that go into SoX's chain of effects, and those that come out. */
struct ends {
    const float *x;
    float *y;
    size_t n, m, taken, made;
    double scale; /* to SoX's 32-bit integers: a power of two; the peak takes half their range */
};

/* Adding this number and subtracting it again rounds a double to a whole number, as lrint does. */
static const double ROUND = 0x1.8p52;

static struct ends *ends_of(const sox_effect_t *e) {
    return *(struct ends **)e->priv;
}

static int give(sox_effect_t *e, sox_sample_t *out, size_t *n) {
    struct ends *s = ends_of(e);
    if (*n > s->n - s->taken)
        *n = s->n - s->taken;
    for (size_t i = 0; i < *n; i++)
        out[i] = (sox_sample_t)(s->x[s->taken + i] * s->scale + ROUND - ROUND);
    s->taken += *n;
    return *n ? SOX_SUCCESS : SOX_EOF;
}

static int take(sox_effect_t *e, const sox_sample_t *in, sox_sample_t *out, size_t *n,
                size_t *none) {
    struct ends *s = ends_of(e);
    double scale = 1 / s->scale;
    size_t room = s->m - s->made, count = *n < room ? *n : room;
    float *y = s->y + s->made;
    (void)out;
    for (size_t i = 0; i < count; i++)
        y[i] = (float)(in[i] * scale);
    s->made += count;
    *none = 0;
    return SOX_SUCCESS;
}

static int add_end(sox_effects_chain_t *chain, const sox_effect_handler_t *end, struct ends *s,
                   sox_signalinfo_t *signal) {
    sox_effect_t *e = sox_create_effect(end);
    if (!e)
        return -1;
    *(struct ends **)e->priv = s;
    int status = sox_add_effect(chain, e, signal, signal);
    free(e); /* the chain has a copy */
    return status == SOX_SUCCESS ? 0 : -1;
}

static int add_tempo(sox_effects_chain_t *chain, double factor, sox_signalinfo_t *signal) {
    char text[4][32];
    char *args[4] = {text[0], text[1], text[2], text[3]};
    snprintf(text[0], sizeof text[0], "%.12f", factor);
    for (int i = 0; i < 3; i++)
        snprintf(text[i + 1], sizeof text[i + 1], "%s", tempo_ms[i]);
    sox_effect_t *e = sox_create_effect(sox_find_effect("tempo"));
    if (!e)
        return -1;
    int bad = sox_effect_options(e, 4, args) != SOX_SUCCESS ||
              sox_add_effect(chain, e, signal, signal) != SOX_SUCCESS;
    free(e);
    return bad ? -1 : 0;
}

static double scale_of(const float *x, size_t n) {
    float peak = 0;
    int exponent = 0;
    for (size_t i = 0; i < n; i++)
        peak = fabsf(x[i]) > peak ? fabsf(x[i]) : peak;
    frexp(peak, &exponent);
    return ldexp(1, 30 - exponent);
}

static int change_tempo(const struct request *r, const float *x, float *y) {
    static const sox_effect_handler_t source = {.name = "source",
                                                .flags = SOX_EFF_MCHAN,
                                                .drain = give,
                                                .priv_size = sizeof(struct ends *)};
    static const sox_effect_handler_t sink = {
        .name = "sink", .flags = SOX_EFF_MCHAN, .flow = take, .priv_size = sizeof(struct ends *)};
    struct ends s = {.x = x, .y = y, .n = r->n, .m = r->m, .scale = scale_of(x, r->n)};
    sox_encodinginfo_t encoding = {0};
    sox_signalinfo_t signal = {.rate = r->rate_hz, .channels = 1, .precision = 32};
    sox_effects_chain_t *chain = sox_create_effects_chain(&encoding, &encoding);
    if (!chain)
        return -1;
    int failed = add_end(chain, &source, &s, &signal) || add_tempo(chain, r->factor, &signal) ||
                 add_end(chain, &sink, &s, &signal) ||
                 sox_flow_effects(chain, NULL, NULL) != SOX_SUCCESS;
    sox_delete_effects_chain(chain);
    memset(y + s.made, 0, (s.m - s.made) * sizeof *y);
    return failed ? -1 : 0;
}

/* All n bytes: 0, or -1 when the other side is gone. */
static int send_all(int fd, const void *data, size_t n) {
    for (const char *p = data; n;) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static int receive_all(int fd, void *data, size_t n) {
    for (char *p = data; n;) {
        ssize_t k = recv(fd, p, n, 0);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static int answer(int fd, const struct request *r) {
    float *x = malloc(r->n * sizeof *x + 1), *y = malloc(r->m * sizeof *y + 1);
    int gone = !x || !y || receive_all(fd, x, r->n * sizeof *x);
    if (!gone) {
        char good = change_tempo(r, x, y) == 0;
        gone = send_all(fd, &good, 1) || (good && send_all(fd, y, r->m * sizeof *y));
    }
    free(x);
    free(y);
    return gone ? -1 : 0;
}

/* Serves until the caller closes its end, and leaves without the caller's exit handlers. */
_Noreturn static void serve(int fd) {
    struct request r;
    if (sox_init() != SOX_SUCCESS)
        _exit(SER_SYS);
    sox_globals.verbosity = 0;
    sox_globals.use_threads = sox_false;
    while (receive_all(fd, &r, sizeof r) == 0)
        if (answer(fd, &r))
            _exit(SER_SYS);
    _exit(SER_OK);
}

/* ---- the caller ---- */

/* 0, or -1 with e set and nothing open. */
static int start_child(struct ser_pitch *p, struct ser_error *e) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return ser_fail(e, SER_SYS, "cannot make a socket: %s", strerror(errno));
    p->fd = pair[0];
    p->pid = fork();
    if (p->pid < 0) {
        ser_fail(e, SER_SYS, "cannot start a process for SoX: %s", strerror(errno));
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    if (p->pid == 0) {
        /* Of the caller's files only standard error stays open: a pipe ends when the caller does,
         * and so does a sibling, whose socket must not be held here. */
        if (dup2(pair[1], STDIN_FILENO) < 0)
            _exit(SER_SYS);
        close(STDOUT_FILENO);
        closefrom(STDERR_FILENO + 1);
        serve(STDIN_FILENO);
    }
    close(pair[1]);
    return 0;
}

int ser_pitch_start(struct ser_pitch *p, struct ser_error *e) {
    *p = (struct ser_pitch){.resampler = ser_resampler_new()};
    if (!p->resampler)
        return ser_no_memory(e);
    if (!start_child(p, e))
        return 0;
    ser_resampler_free(p->resampler);
    return -1;
}

static int ask(struct ser_pitch *p, const struct request *r, const float *x, float *y,
               const char *name, struct ser_error *e) {
    char good;
    if (send_all(p->fd, r, sizeof *r) || send_all(p->fd, x, r->n * sizeof *x) ||
        receive_all(p->fd, &good, 1) || (good && receive_all(p->fd, y, r->m * sizeof *y)))
        return ser_fail(e, SER_SYS, "%s: the process that runs SoX ended: out of memory?", name);
    return good ? 0 : ser_fail(e, SER_SYS, "%s: SoX's tempo effect failed", name);
}

int ser_pitch_run(struct ser_pitch *p, const float *x, size_t n, int rate_hz, int semitones,
                  float *y, const char *name, struct ser_error *e) {
    int from_hz = (int)lround(rate_hz * exp2(semitones / 12.0));
    const struct request r = {.n = n,
                              .m = (size_t)ceil((double)n * from_hz / rate_hz),
                              .factor = (double)rate_hz / from_hz,
                              .rate_hz = rate_hz};
    const char *why;
    const float *made;
    size_t m;
    if (from_hz == rate_hz) {
        memcpy(y, x, n * sizeof *y);
        return 0;
    }
    if (ser_grow(&p->slow, &p->cap, r.m, sizeof *p->slow))
        return ser_fail(e, SER_SYS, "%s: out of memory", name);
    if (ask(p, &r, x, p->slow, name, e))
        return -1;
    if (ser_resample(p->resampler, p->slow, r.m, from_hz, rate_hz, &made, &m, &why))
        return ser_fail(e, ser_blame(), "%s: cannot resample: %s", name, why);
    if (m > n)
        m = n;
    memcpy(y, made, m * sizeof *y);
    memset(y + m, 0, (n - m) * sizeof *y);
    return 0;
}

void ser_pitch_stop(struct ser_pitch *p) {
    close(p->fd);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    ser_resampler_free(p->resampler);
    free(p->slow);
}
