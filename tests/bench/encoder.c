/* encoder - the speed of a pretrained speech encoder, as ser-embed runs it.
 *
 * usage: encoder FOLDER
 * FOLDER is an encoder's (bridge/encoder-files.h); what it hears are random numbers, since speed does
 * not depend on them. Requests and answers (serve.h):
 *   hear THREADS SECONDS FIRST LAST STEPS   seconds from the samples to the hidden states FIRST to LAST,
 *                                           the median
 *   layers                                  how many there are
 *   gflop SECONDS LAST                      1e9 operations of the products of matrices up to there, two a
 *                                           multiply-add
 *   check SECONDS FILE                      writes to FILE, as float, how many rows and columns what the
 *                                           network is given has, as much of the last hidden state, and
 *                                           both arrays; answers "ok". With these a peer can show that its
 *                                           network is the same
 * A step before the STEPS warms up.
 */
#include "bridge/encoder-files.h"
#include "math/rng.h"
#include "serve.h"

#include <math.h>
#include <string.h>

enum { MAX_THREADS = 256, MAX_SECONDS = 30, MAX_STEPS = 1000 };

static struct ser_encoder_files files;
static float sample[MAX_SECONDS * SER_ENCODER_RATE_HZ];

static struct ser_encoder *encoder;
static int encoder_last = -1;

/* The encoder with hidden states up to last; it is kept while requests ask for the same. */
static const struct ser_encoder *load(int last) {
    struct ser_error e = {.status = SER_OK};
    if (last == encoder_last)
        return encoder;
    ser_encoder_free(encoder);
    encoder = ser_encoder_files_load(&files, last, &e);
    if (!encoder)
        die_error(&e);
    encoder_last = last;
    return encoder;
}

static void ignore(void *ctx, int layer, const float *h, size_t frames) {
    (void)ctx;
    (void)layer;
    (void)h;
    (void)frames;
}

static double hear_s(int threads, int seconds, int first, int last, int steps) {
    char why[SER_WHY];
    const struct ser_kernels *k = ser_kernels_find(ser_kernels_default());
    struct ser_encoder_run *run = ser_encoder_run_new(load(last), k, threads, why);
    double *t = ecalloc((size_t)steps + 1, sizeof *t);
    if (!run)
        die(SER_SYS, "cannot run the encoder: %s", why);
    for (int i = 0; i <= steps; i++) {
        double start = now_s();
        if (ser_encode(run, sample, (size_t)seconds * SER_ENCODER_RATE_HZ, 0, first, ignore, NULL))
            die(SER_SYS, "out of memory");
        t[i] = now_s() - start;
    }
    double s = median(t + 1, steps);
    ser_encoder_run_free(run);
    free(t);
    return s;
}

/* Multiply-adds before the first layer; *T frames. */
static double multiply_adds_before(int seconds, double *T) {
    const struct ser_encoder_shape *s = &files.shape;
    double n = (double)seconds * SER_ENCODER_RATE_HZ, D = s->width, sum = 0;
    if (s->family == SER_WHISPER) {
        double mel = fmin(n / 160 + 10, 3000); /* 0.1 s of zeros behind a clip, up to 30 s */
        *T = mel / 2;
        return mel * 3 * s->bands * D + *T * 3 * D * D;
    }
    for (int i = 0; i < s->convs; i++) {
        n = (n - s->conv_kernel[i]) / s->conv_stride[i] + 1;
        sum += n * s->conv_kernel[i] * (i ? s->conv_dim[i - 1] : 1) * s->conv_dim[i];
    }
    *T = n;
    return sum + n * s->conv_dim[s->convs - 1] * D + n * s->taps * D * D / s->groups;
}

static double gflop(int seconds, int last) {
    double T, sum = multiply_adds_before(seconds, &T), D = files.shape.width;
    double layer = T * (4 * D * D + 2 * D * files.shape.hidden) + 2 * T * T * D;
    return 2e-9 * (sum + last * layer);
}

/* The last hidden state [frames,width], behind what it is made of. */
struct checking {
    FILE *f;
    const float *input;
    size_t rows, columns;
};

static void write_floats(FILE *f, const float *x, size_t n) {
    if (fwrite(x, sizeof *x, n, f) != n)
        die(SER_SYS, "cannot write what a peer checks");
}

static void write_state(void *ctx, int layer, const float *h, size_t frames) {
    const struct checking *c = ctx;
    size_t width = (size_t)files.shape.width;
    const float size[] = {(float)c->rows, (float)c->columns, (float)frames, (float)width};
    (void)layer;
    write_floats(c->f, size, 4);
    write_floats(c->f, c->input, c->rows * c->columns);
    write_floats(c->f, h, frames * width);
}

static void check(int seconds, const char *path) {
    char why[SER_WHY];
    int last = files.shape.layers;
    size_t n = (size_t)seconds * SER_ENCODER_RATE_HZ;
    struct checking c = {.f = fopen(path, "wb"),
                         .columns = files.shape.family == SER_WHISPER ? files.shape.bands : 1};
    struct ser_encoder_run *run =
        ser_encoder_run_new(load(last), ser_kernels_find(ser_kernels_default()), 1, why);
    if (!run)
        die(SER_SYS, "cannot run the encoder: %s", why);
    if (!c.f)
        die(SER_SYS, "cannot write %s", path);
    if (ser_encode_features(run, sample, n, 0, &c.input, &c.rows) ||
        ser_encode_layers(run, c.input, c.rows, ser_encoder_frames(&files.shape, n), last,
                          write_state, &c))
        die(SER_SYS, "out of memory");
    if (fclose(c.f))
        die(SER_SYS, "cannot write %s", path);
    ser_encoder_run_free(run);
}

static void answer(char *request) {
    int threads, seconds, first, last, steps, at = 0;
    if (sscanf(request, "check %d %n", &seconds, &at) == 1 && at && seconds >= 1 &&
        seconds <= MAX_SECONDS) {
        check(seconds, request + at);
        puts("ok");
        return;
    }
    if (strcmp(request, "layers") == 0) {
        printf("%d\n", files.shape.layers);
        return;
    }
    if (sscanf(request, "gflop %d %d", &seconds, &last) == 2) {
        printf("%.6f\n", gflop(seconds, last));
        return;
    }
    if (sscanf(request, "hear %d %d %d %d %d", &threads, &seconds, &first, &last, &steps) != 5 ||
        threads < 1 || threads > MAX_THREADS || seconds < 1 || seconds > MAX_SECONDS || first < 0 ||
        first > last || last > files.shape.layers || steps < 1 || steps > MAX_STEPS)
        die(SER_USAGE, "not a request: %s", request);
    printf("%.9f\n", hear_s(threads, seconds, first, last, steps));
}

int main(int argc, char **argv) {
    struct ser_error e;
    struct ser_key key = ser_key(1, SER_PURPOSE_BOOTSTRAP, 0, 0);
    ser_start(argv[0]);
    if (argc != 2)
        die(SER_USAGE, "usage: encoder FOLDER");
    if (ser_encoder_files_open(&files, argv[1], &e))
        die_error(&e);
    for (size_t i = 0; i < sizeof sample / sizeof *sample; i++)
        sample[i] = 0.1F * (float)ser_normal(key, i);
    serve(answer);
    ser_encoder_free(encoder);
    ser_encoder_files_close(&files);
    return SER_OK;
}
