/* nn - the speed of the network, as ser-train and ser-score run it.
 *
 * usage: nn NET [ROWS FRAMES]
 * NET is a network's description; samples are ROWS x FRAMES (40 x 174) random numbers of 6 classes, since
 * speed does not depend on them. Requests and answers (serve.h):
 *   train THREADS BATCH STEPS   seconds of a training step, the median: ser_fit_run's own, that is
 *                               gathering the batch, dropout, both passes, loss, penalty, Adam
 *   varied THREADS BATCH STEPS  the same with every sample varied and mixed
 *   infer THREADS BATCH STEPS   seconds of predicting a batch
 *   gflop                       of training on one sample, 1e9 operations
 *   kernels                     their name, and those that it chooses among here
 *   check FILE                  writes to FILE, as float, the parameters of a new network in Keras'
 *                               order, a sample and its probabilities; answers how many parameters.
 *                               With these a peer can show that its network is the same
 * A step before the STEPS warms up.
 */
#include "nn/nn.h"
#include "math/rng.h"
#include "nn/kernels/kernels.h"
#include "serve.h"

#include "core/in.h"
#include "core/out.h"

#include <string.h>

enum { CLASSES = 6, SAMPLES = 128, MAX_SIDE = 4096 };
enum { MAX_THREADS = 256, MAX_BATCH = 4096, MAX_STEPS = 1000 };

static char *net_text;
static size_t net_len;
static int rows = 40, frames = 174;
static size_t size;   /* of a sample */
static float *sample; /* [SAMPLES,size] */

static struct ser_net *make_net(void) {
    char why[SER_WHY];
    struct ser_net *net = ser_net_parse(net_text, net_len, rows, frames, CLASSES, why);
    if (net) {
        ser_net_init(net, 1);
        return net;
    }
    die(SER_BAD, "the network: %s", why);
}

static struct ser_run *make_run(struct ser_net *net, int batch, int threads, int training) {
    char why[SER_WHY];
    const struct ser_kernels *kernels = ser_kernels_find(ser_kernels_default());
    struct ser_run *run = ser_run_new(net, kernels, batch, threads, training, why);
    if (!run)
        die(SER_SYS, "cannot run the network: %s", why);
    return run;
}

static int get(void *ctx, size_t i, float *x, int *label) {
    (void)ctx;
    memcpy(x, sample + i % SAMPLES * size, size * sizeof *x);
    *label = (int)(i % CLASSES);
    return 0;
}

struct times {
    int n;
    double last_s, *step_s;
};

/* After each batch; the first only starts the clock. */
static int after_batch(void *ctx, const struct ser_epoch *log, int b, int n) {
    struct times *t = ctx;
    (void)n;
    if (log)
        return 0;
    double s = now_s();
    if (b > 1)
        t->step_s[t->n++] = s - t->last_s;
    t->last_s = s;
    return 0;
}

/* All that ser-train can vary at once. */
static void vary(struct ser_run *run) {
    static const float mean[MAX_SIDE], gain[MAX_SIDE] = {1};
    const struct ser_changes all = {
        .variation = {.warp_bands = 0.15,
                      .warp_time = 0.15,
                      .gain_db = 2,
                      .filter_db = 6,
                      .shift = 10,
                      .mask_bands = 8,
                      .mask_frames = 20,
                      .masks = 2},
        .layout = {.A = rows, .T = frames, .C = 1, .bands = rows, .blocks = 1, mean, gain},
        .mix = 0.2,
    };
    if (ser_run_change(run, &all))
        die(SER_SYS, "out of memory");
}

static double train_s(int threads, int batch, int steps, int varied) {
    char why[SER_WHY];
    const struct ser_data train = {.n = (size_t)batch * (size_t)(steps + 1), .get = get};
    const struct ser_data val = {.n = 1, .get = get};
    const struct ser_fit_options o = {.epochs = 1, .batch = batch, .lr = 1e-3, .seed = 1};
    struct times t = {.step_s = ecalloc((size_t)steps, sizeof *t.step_s)};
    struct ser_net *net = make_net();
    struct ser_run *run = make_run(net, batch, threads, 1);
    struct ser_fit fit;
    if (varied)
        vary(run);
    if (ser_fit_new(&fit, net, &o))
        die(SER_SYS, "out of memory");
    if (ser_fit_run(&fit, net, run, &train, &val, &o, after_batch, &t, why))
        die(SER_BAD, "%s", why);
    double s = median(t.step_s, t.n);
    ser_fit_free(&fit, net);
    ser_run_free(run);
    ser_net_free(net);
    free(t.step_s);
    return s;
}

static double infer_s(int threads, int batch, int steps) {
    struct ser_net *net = make_net();
    struct ser_run *run = make_run(net, batch, threads, 0);
    float *x = ecalloc((size_t)batch, size * sizeof *x);
    float *p = ecalloc((size_t)batch, CLASSES * sizeof *p);
    double *t = ecalloc((size_t)steps, sizeof *t);
    int label;
    for (int b = 0; b < batch; b++)
        get(NULL, (size_t)b, x + (size_t)b * size, &label);
    ser_run_predict(run, x, batch, p);
    for (int i = 0; i < steps; i++) {
        double start = now_s();
        ser_run_predict(run, x, batch, p);
        t[i] = now_s() - start;
    }
    double s = median(t, steps);
    ser_run_free(run);
    ser_net_free(net);
    free(x);
    free(p);
    free(t);
    return s;
}

/* Multiply-adds of a layer's forward pass; what has none is left out. */
static double multiply_adds(const struct ser_layer *l) {
    const int *in = l->in.dim, *out = l->out.dim;
    if (strncmp(l->name, "conv", 4) == 0)
        return (double)out[0] * out[1] * out[2] * l->kh * l->kw * in[2];
    if (strncmp(l->name, "lstm", 4) == 0)
        return (double)in[0] * 4 * l->units * (in[1] + l->units);
    if (strncmp(l->name, "bigru", 5) == 0)
        return (double)in[0] * 6 * l->units * (in[1] + l->units);
    if (strncmp(l->name, "attend", 6) == 0 && l->groups)
        return (double)in[0] * (in[1] * l->units + l->units * l->groups + l->groups * in[1]);
    if (strncmp(l->name, "bilstm", 6) == 0)
        return (double)in[0] * 8 * l->units * (in[1] + l->units);
    if (strncmp(l->name, "attention", 9) == 0)
        return 2.0 * in[0] * in[0] * in[1];
    if (strncmp(l->name, "dense", 5) == 0)
        return (double)in[0] * l->units;
    return 0;
}

/* Two operations a multiply-add; as many again for the gradient by the weights (of attention: by
 * the scores) and by the input, which the first layer that has any need not know. A convolution
 * counts as a plain one, however it is computed. */
static double gflop(void) {
    struct ser_net *net = make_net();
    double sum = 0;
    for (int i = 0; i < net->layers; i++) {
        double n = multiply_adds(&net->layer[i]);
        sum += 2 * n * (sum > 0 ? 3 : 2);
    }
    ser_net_free(net);
    return 1e-9 * sum;
}

static void print_kernels(void) {
    static const char *const name[] = {"avx512", "onednn", "plain"};
    printf("%s:", ser_kernels_default());
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (ser_kernels_alone(name[i]))
            printf(" %s", name[i]);
    puts("");
}

static int write_floats(FILE *f, const float *x, size_t n) {
    return fwrite(x, sizeof *x, n, f) == n ? 0 : -1;
}

static size_t check(const char *path) {
    struct ser_net *net = make_net();
    struct ser_run *run = make_run(net, 1, 1, 0);
    float p[CLASSES];
    FILE *f = fopen(path, "wb");
    int bad = !f;
    ser_run_predict(run, sample, 1, p);
    for (int i = 0; !bad && i < net->params; i++)
        bad = write_floats(f, net->param[i].value, net->param[i].n);
    bad = bad || write_floats(f, sample, size) || write_floats(f, p, CLASSES);
    if (f && fclose(f))
        bad = 1;
    if (bad)
        die(SER_SYS, "cannot write %s", path);
    size_t n = ser_net_count(net, NULL);
    ser_run_free(run);
    ser_net_free(net);
    return n;
}

static void answer(char *request) {
    char what[16];
    int threads, batch, steps;
    if (strcmp(request, "gflop") == 0)
        printf("%.6f\n", gflop());
    else if (strcmp(request, "kernels") == 0)
        print_kernels();
    else if (strncmp(request, "check ", 6) == 0)
        printf("%zu\n", check(request + 6));
    else if (sscanf(request, "%15s %d %d %d", what, &threads, &batch, &steps) != 4 || threads < 1 ||
             threads > MAX_THREADS || batch < 1 || batch > MAX_BATCH || steps < 1 ||
             steps > MAX_STEPS)
        die(SER_USAGE, "not a request: %s", request);
    else
        printf("%.9f\n", strcmp(what, "train") == 0    ? train_s(threads, batch, steps, 0)
                         : strcmp(what, "varied") == 0 ? train_s(threads, batch, steps, 1)
                                                       : infer_s(threads, batch, steps));
}

int main(int argc, char **argv) {
    struct ser_error e;
    struct ser_in in;
    unsigned char *text;
    struct ser_key key = ser_key(1, SER_PURPOSE_BOOTSTRAP, 0, 0);
    ser_start(argv[0]);
    if (argc == 4) {
        rows = atoi(argv[2]);
        frames = atoi(argv[3]);
    }
    if ((argc != 2 && argc != 4) || rows < 1 || rows > MAX_SIDE || frames < 1 || frames > MAX_SIDE)
        die(SER_USAGE, "usage: nn NET [ROWS FRAMES]");
    if (ser_in_open(&in, argv[1], &e) || ser_in_rest(&in, 1 << 16, &text, &net_len, &e))
        die_error(&e);
    ser_in_close(&in);
    net_text = (char *)text;
    size = (size_t)rows * (size_t)frames;
    sample = ecalloc(SAMPLES, size * sizeof *sample);
    for (size_t i = 0; i < SAMPLES * size; i++)
        sample[i] = (float)ser_normal(key, i);
    serve(answer);
    free(sample);
    free(text);
    return SER_OK;
}
