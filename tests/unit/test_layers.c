/* test_layers - the layers that test_nn.c has no model for, held to PyTorch and to differences.
 *
 * usage: test_layers
 * Run from the top of the tree: it reads tests/golden/layers/layers.txt (made by make.py there).
 */
#include "check.h"
#include "math/mathfun.h"
#include "math/rng.h"
#include "nn/kernels/kernels.h"
#include "nn/layer.h"
#include "nn/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kernel_names[] = {"plain", "fast"};

static void *must(void *p) {
    if (!p) {
        puts("not ok - out of memory");
        exit(1);
    }
    return p;
}

static struct ser_net *parse(const char *text, int rows, int frames, int classes) {
    char why[SER_WHY] = "";
    struct ser_net *net = ser_net_parse(text, strlen(text), rows, frames, classes, why);
    if (!net) {
        printf("not ok - %s\n", why);
        exit(1);
    }
    return net;
}

static struct ser_run *start(struct ser_net *net, const char *kernels, int batch, int threads) {
    char why[SER_WHY] = "";
    struct ser_run *r = ser_run_new(net, ser_kernels_find(kernels), batch, threads, 1, why);
    if (!r)
        printf("# %s\n", why);
    return must(r);
}

/* The largest |a - b| over the largest |b|; infinite if one is not a number. */
static double worst(const float *a, const float *b, size_t n) {
    double most = 0, size = 1e-3;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        most = d <= most ? most : d > most ? d : INFINITY;
        size = fabs((double)b[i]) > size ? fabs((double)b[i]) : size;
    }
    return most / size;
}

static void in_one_line(const char *text, char line[200]) {
    snprintf(line, 200, "%s", text);
    for (char *c = line; *c; c++)
        *c = *c == '\n' ? ';' : *c;
}

/* ---- what PyTorch computed ---- */

enum { MAX_BATCH = 16, MAX_ARRAYS = 64 };

struct array {
    char kind[16], name[32];
    size_t n;
    float *v;
};

struct golden {
    char name[32], text[1024];
    int rows, frames, classes, batch, arrays;
    struct array array[MAX_ARRAYS];
};

static void bad_file(const char *what) {
    printf("not ok - tests/golden/layers/layers.txt: %s\n", what);
    exit(1);
}

static void read_array(FILE *f, struct golden *g, const char *kind) {
    struct array *a = &g->array[g->arrays++];
    if (g->arrays == MAX_ARRAYS || fscanf(f, "%31s %zu", a->name, &a->n) != 2 || a->n > 1 << 20)
        bad_file("an array");
    snprintf(a->kind, sizeof a->kind, "%s", kind);
    a->v = must(malloc(a->n * sizeof(float) + 1));
    for (size_t i = 0; i < a->n; i++)
        if (fscanf(f, "%f", &a->v[i]) != 1)
            bad_file("a number");
}

/* The next case; 0 at the end. */
static int read_case(FILE *f, struct golden *g) {
    char word[16], line[128];
    *g = (struct golden){0};
    if (fscanf(f, "%15s", word) != 1)
        return 0;
    if (fscanf(f, "%31s %d %d %d %d", g->name, &g->rows, &g->frames, &g->classes, &g->batch) != 5)
        bad_file("a case");
    while (fscanf(f, "%15s", word) == 1 && strcmp(word, "end") != 0) {
        if (strcmp(word, "text") != 0) {
            read_array(f, g, word);
            continue;
        }
        if (!fgets(line, sizeof line, f) || strlen(g->text) + strlen(line) >= sizeof g->text)
            bad_file("a line of a network");
        strcat(g->text, line);
    }
    return 1;
}

static const struct array *find(const struct golden *g, const char *kind, const char *name,
                                size_t n) {
    for (int i = 0; i < g->arrays; i++)
        if (!strcmp(g->array[i].kind, kind) && !strcmp(g->array[i].name, name) &&
            g->array[i].n == n)
            return &g->array[i];
    printf("# %s: no %s %s of %zu numbers\n", g->name, kind, name, n);
    bad_file("an array is missing");
    return NULL;
}

/* NULL, but in a masked network. */
static const int *true_frames(const struct golden *g, int frames[MAX_BATCH]) {
    if (strncmp(g->text, " masked", 7) != 0)
        return NULL;
    const struct array *a = find(g, "frames", "frames", (size_t)g->batch);
    for (int b = 0; b < g->batch; b++)
        frames[b] = (int)a->v[b];
    return frames;
}

static struct ser_net *parse_golden(const struct golden *g) {
    struct ser_net *net = parse(g->text, g->rows, g->frames, g->classes);
    for (int i = 0; i < net->params; i++) {
        struct ser_param *p = &net->param[i];
        memcpy(p->value, find(g, "param", p->name, p->n)->v, p->n * sizeof(float));
    }
    return net;
}

static void test_golden(const struct golden *g, const char *kernels) {
    struct ser_net *net = parse_golden(g);
    struct ser_run *r = start(net, kernels, g->batch, 1);
    size_t K = (size_t)g->batch * (size_t)g->classes, size = ser_shape_size(&net->input);
    const struct array *x = find(g, "x", "x", (size_t)g->batch * size);
    const struct array *y = find(g, "label", "label", (size_t)g->batch);
    const struct array *logits = find(g, "logits", "logits", K);
    int label[MAX_BATCH];
    float p[MAX_BATCH * 8];
    for (int b = 0; b < g->batch; b++)
        label[b] = (int)y->v[b];
    int frames[MAX_BATCH];
    ser_run_frames(r, true_frames(g, frames));
    ser_run_gradients(r, x->v, label, g->batch, NULL, NULL);
    double out = worst(ser_run_logits(r), logits->v, K), most = 0;
    const char *which = "-";
    for (int i = 0; i < net->params; i++) {
        const struct ser_param *q = &net->param[i];
        if (!q->trained)
            continue;
        double d = worst(ser_run_gradient(r, i), find(g, "gradient", q->name, q->n)->v, q->n);
        if (!(d <= most)) {
            most = d;
            which = q->name;
        }
    }
    check(out < 1e-5 && most < 1e-4, "%s, %s against PyTorch: logits %.1e, gradients %.1e (%s)",
          kernels, g->name, out, most, which);
    if (!strstr(g->text, "batchnorm")) /* in training it has other statistics */
        ser_run_predict(r, x->v, g->batch, p);
    out = worst(ser_run_logits(r), logits->v, K);
    check(out < 1e-5, "%s, %s: outside training logits %.1e", kernels, g->name, out);
    ser_run_free(r);
    ser_net_free(net);
}

/* ---- the gradient of each parameter is the slope of the loss, through dropout and noise, too ---- */

enum { B = 11, K = 3, TRIES = 12 };

struct example {
    float *x;
    int label[B], frames[B];
    size_t place[B];
};

static struct example make_example(size_t size) {
    struct example e = {.x = must(malloc(B * size * sizeof(float)))};
    struct ser_key key = ser_key(3, SER_PURPOSE_BOOTSTRAP, 0, 0);
    for (size_t i = 0; i < B * size; i++)
        e.x[i] = (float)ser_normal(key, i);
    for (int b = 0; b < B; b++) {
        e.label[b] = b * 7 % K;
        e.frames[b] = 9 - b * 5 % 9; /* of 9, for masked networks */
        e.place[b] = (size_t)(b * 1000 + 5);
    }
    return e;
}

static double loss_of(struct ser_run *r, const struct example *e) {
    struct ser_dropout dropout = {42, 3, e->place};
    ser_run_frames(r, e->frames);
    return ser_run_gradients(r, e->x, e->label, B, &dropout, NULL);
}

static void test_slopes(const char *kernels, const char *text, int rows, int frames) {
    char line[200];
    struct ser_net *net = parse(text, rows, frames, K);
    struct ser_run *r = start(net, kernels, B, 2);
    struct example e = make_example(ser_shape_size(&net->input));
    double most = 0, size = 0;
    const char *which = "-";
    ser_net_init(net, 5);
    for (int i = 0; i < net->params; i++) {
        struct ser_param *p = &net->param[i];
        float g[TRIES], step = 1e-2f;
        size_t stride = p->n / TRIES + 1;
        loss_of(r, &e);
        for (size_t j = 0; p->trained && j < p->n; j += stride)
            g[j / stride] = ser_run_gradient(r, i)[j];
        for (size_t j = 0; p->trained && j < p->n; j += stride) {
            float was = p->value[j];
            p->value[j] = was + step;
            double up = loss_of(r, &e);
            p->value[j] = was - step;
            double slope = (up - loss_of(r, &e)) / (2 * (double)step);
            p->value[j] = was;
            double d = fabs(slope - g[j / stride]);
            if (!(d <= most)) {
                most = d;
                which = p->name;
            }
            size = fmax(size, fabs(slope));
        }
    }
    in_one_line(text, line);
    check(size > 0.01 && most < 2e-2 * size, "%s, %s slopes up to %.2g, error %.1e (%s)", kernels,
          line, size, most, which);
    free(e.x);
    ser_run_free(r);
    ser_net_free(net);
}

/* Without relu and maxpool: a difference across a kink is no slope. */
static const char *const smooth[] = {
    "conv 4 3x3 same\ntanh\nconv 6 2x2 same stride=2x2 groups=2\ngelu\nglobalpool\ndense classes\n",
    "conv 16 3x3 same\nelu\ndepthwise 3x3 same\nlayernorm\navgpool 2x2\nglobalpool\ndense "
    "classes\n",
    "conv 3 2x2\ndropout2d 0.3\nnoise 0.5\ntimemajor\nbigru 4\nattend 2 units=5\ndense classes\n",
    "conv 3 2x2\ntimemajor\nconv1d 6 3 same groups=3\nattentivestats units=4\ndense classes\n",
    "conv 4 1x1\nmark a\nconv 4 3x3 same\nbatchnorm\ntanh\nadd a\nmark b\nconv 6 3x3 stride=2x2\n"
    "gelu\nadd b\nglobalpool\ndense classes\n",
    "timemajor\ngru 5\nmark a\nlayernorm\nconv1d 5 3 same\ntanh\nadd a\nlast\ndense classes\n",
    "mark x\nconv 3 1x1\nadd x\ntimemajor\ndropout2d 0.2\nbilstm 3\nnoise 0.1\nlast\ndense "
    "classes\n",
    "masked\nmark a\nconv 4 3x3 same\nbatchnorm\ntanh\nadd a\ndepthwise 3x3 same stride=2x2\n"
    "avgpool 2x2\nlayernorm\ndropout 0.1\nglobalpool\ndense classes\n",
    "masked\nconv 4 3x2\ntimemajor\nbatchnorm\nbigru 3\nlstm 4\nmark a\ngru 4\nadd a\nmean\n"
    "dense classes\n",
    "masked\nconv 3 2x2 stride=2x2\nmark a\nnoise 0.1\nadd a\ntimemajor\nbilstm 3\nattention "
    "dot\nlast\ndense classes\n",
    "masked\ntimemajor\nconv1d 4 3 same stride=2\nelu\nmark a\nbigru 2\nadd a\nattend 2 "
    "units=3\ndense classes\n",
    "masked\ntimemajor\ngru 4\nattentivestats units=3\ndense classes\n",
    "masked\nconv 3 2x2\nlayersum\ngru 3\nmean\ndense classes\n",
};

/* ---- dropout2d drops channels, whole ones ---- */

static void test_channels_dropped(void) {
    enum { N = 50, PLACES = 20, CHANNELS = 37, SIZE = PLACES * CHANNELS };
    struct ser_layer l = {
        .in = {3, {4, 5, CHANNELS}}, .out = {3, {4, 5, CHANNELS}}, .rate = 0.25f, .index = 2};
    static float x[N * SIZE], y[N * SIZE];
    static uint8_t saved[N * SIZE];
    size_t place[N];
    int whole = 1, dropped = 0, alike = 0;
    for (size_t i = 0; i < N * SIZE; i++)
        x[i] = (float)(i % 97 + 1);
    for (size_t i = 0; i < N; i++)
        place[i] = 3 * i;
    struct ser_dropout dropout = {42, 3, place};
    struct ser_pass p = {.layer = &l,
                         .N = N,
                         .training = 1,
                         .dropout = &dropout,
                         .place = place,
                         .x = x,
                         .y = y,
                         .saved = saved};
    ser_layer_dropout2d.forward(&p);
    for (size_t n = 0; n < N; n++)
        for (size_t c = 0; c < CHANNELS; c++) {
            const float *first = y + n * SIZE + c, *from = x + n * SIZE + c;
            dropped += *first == 0;
            alike += n && (*first == 0) == (first[-SIZE] == 0);
            for (size_t i = 0; i < SIZE; i += CHANNELS)
                whole &= *first == 0 ? first[i] == 0 : fabsf(first[i] - from[i] / 0.75f) < 1e-4f;
        }
    double share = (double)dropped / (N * CHANNELS);
    check(whole, "dropout2d: a channel is dropped at all places or at none");
    check(fabs(share - 0.25) < 0.04, "dropout2d drops %.3f of the channels, by rate 0.25", share);
    check(alike < (N - 1) * CHANNELS * 3 / 4, "dropout2d: each sample has its own draws");
}

/* ---- the same bytes for any number of threads; what is frozen stays ---- */

static void test_threads(const char *kernels, const char *text) {
    char line[200];
    struct ser_net *net = parse(text, 8, 9, K);
    struct example e = make_example(ser_shape_size(&net->input));
    float *kept[SER_MAX_LAYERS * SER_MAX_PARAMS] = {NULL};
    int same = 1, frozen = 1;
    ser_net_init(net, 5);
    for (int threads = 1; threads <= 3; threads++) {
        struct ser_run *r = start(net, kernels, B, threads);
        loss_of(r, &e);
        for (int i = 0; i < net->params; i++) {
            const float *g = ser_run_gradient(r, i);
            size_t bytes = net->param[i].n * sizeof *g;
            if (threads == 1 && g)
                memcpy(kept[i] = must(malloc(bytes)), g, bytes);
            same &= !g || !memcmp(g, kept[i], bytes);
        }
        ser_run_free(r);
    }
    for (int only = 0; only < net->params; only++) {
        if (!net->param[only].trained)
            continue;
        net->param[only].trained = 0;
        struct ser_run *r = start(net, kernels, B, 2);
        loss_of(r, &e);
        for (int i = 0; i < net->params; i++) {
            const float *g = ser_run_gradient(r, i);
            frozen &= i == only ? !g : !g || !memcmp(g, kept[i], net->param[i].n * sizeof *g);
        }
        ser_run_free(r);
        net->param[only].trained = 1;
    }
    in_one_line(text, line);
    check(same && frozen, "%s, %s one, two, three threads; each parameter frozen", kernels, line);
    for (int i = 0; i < net->params; i++)
        free(kept[i]);
    free(e.x);
    ser_net_free(net);
}

/* ---- a masked network does not hear padding ---- */

enum { ROWS = 8 };

/* Every type of layer, see test_types. */
static const char *const masked[] = {
    "masked\nstandardize\nmark a\nconv 16 3x3 same relu\nadd a\nbatchnorm\nmaxpool 2x2\nconv 32 "
    "3x3\nbatchnorm\nmaxpool 2x2\nleaky\nglobalpool\ndense classes\n",
    "masked\nscale max\nconv 16 3x3 relu\nbatchnorm\nmaxpool 2x2\ndropout 0.1\nconv 4 2x2 same "
    "groups=2\ntimemajor\nlstm 3\nlast\ndense classes\n",
    "masked\nconv 4 3x3 same stride=2x2\nmark a\ngelu\ndropout2d 0.2\ndepthwise 2x3 same "
    "stride=2x2\nadd a\navgpool 2x2\nlayernorm\ntimemajor\nmean\ndense classes\n",
    "masked\nreshape 8x24x1\nconv 4 8x3\nreshape 22x4\nrelu\nreshape 1x22x4\nconv 3 1x2\n"
    "timemajor\nbilstm 3\nattention dot\nnoise 0.1\nlast\ndense classes\n",
    "masked\ntimemajor\nconv1d 6 3 same stride=2\nelu\nbigru 4\ndepthwise 3\ntanh\nattend 2 "
    "units=4\nreshape 4x4\nmean\ndense classes\n",
    "masked\nlayersum\nbatchnorm\nmean\ndense classes\n",
    "masked\ntimemajor\nbatchnorm\ngru 4\nlayernorm\nattentivestats units=3\ndense classes\n",
    "masked\ntimemajor\nconv1d 4 20\nglobalpool\ndense classes\n", /* longer than most */
};

static void test_types(void) {
    static const char *const types[] = {
#define LAYER(name) #name,
#include "nn/layers/table.h"
    };
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        int found = 0;
        char line[64];
        for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
            for (int end = 0; end < 2; end++) {
                snprintf(line, sizeof line, "\n%s%c", types[t], " \n"[end]);
                found |= strstr(masked[i], line) != NULL;
            }
        check(found, "masked networks have a layer %s", types[t]);
    }
}

/* How a network is run: with so many frames, of which what is padding holds zeros or, wild, anything;
 * whole: without padding and without the line masked. */
struct way {
    int frames, wild, whole, drops;
};

/* The description for w->frames instead of 24: of its reshapes, too. */
static struct ser_net *masked_net(const char *text, const struct way *w) {
    char other[1024] = "", why[SER_WHY] = "";
    for (const char *c = w->whole ? text + strlen("masked\n") : text; *c;) {
        size_t end = strlen(other);
        if (!strncmp(c, "24x1\n", 5) || !strncmp(c, "22x4\n", 5)) {
            snprintf(other + end, sizeof other - end, "%d", (c[1] == '2' ? -2 : 0) + w->frames);
            c += 2;
        } else {
            other[end] = *c++;
        }
    }
    struct ser_net *net = ser_net_parse(other, strlen(other), ROWS, w->frames, K, why);
    if (!net)
        printf("not ok - %s\n", why);
    return must(net);
}

/* The samples of e [B,ROWS,24] with w->frames. */
static float *repad(const struct example *e, const struct way *w) {
    static const float anything[] = {0, 1e30f, -7, NAN, INFINITY};
    float *x = must(malloc(sizeof(float) * B * ROWS * (size_t)w->frames)), *to = x;
    for (int i = 0; i < B * ROWS; i++)
        for (int t = 0; t < w->frames; t++)
            *to++ = t < e->frames[i / ROWS] ? e->x[(size_t)i * 24 + t]
                                            : anything[w->wild ? (i * 3 + t) % 5 : 0];
    return x;
}

/* What it gives: logits outside training and in it, then gradients. */
struct given {
    float out[2][B * K];
    float *gradient;
    size_t n;
};

static struct given give(const char *kernels, const char *text, const struct example *e,
                         struct way w) {
    struct given g = {0};
    struct ser_net *net = masked_net(text, &w);
    struct ser_run *r = start(net, kernels, B, 2);
    float *x = repad(e, &w), p[B * K];
    struct ser_dropout dropout = {42, 3, e->place};
    ser_net_init(net, 5);
    ser_run_frames(r, w.whole ? NULL : e->frames);
    ser_run_predict(r, x, B, p);
    memcpy(g.out[0], ser_run_logits(r), sizeof g.out[0]);
    ser_run_gradients(r, x, e->label, B, w.drops ? &dropout : NULL, p);
    memcpy(g.out[1], ser_run_logits(r), sizeof g.out[1]);
    g.gradient = must(malloc(ser_net_count(net, NULL) * sizeof(float)));
    for (int i = 0; i < net->params; i++)
        if (net->param[i].trained) {
            memcpy(g.gradient + g.n, ser_run_gradient(r, i), net->param[i].n * sizeof(float));
            g.n += net->param[i].n;
        }
    free(x);
    ser_run_free(r);
    ser_net_free(net);
    return g;
}

/* Whatever stands in the padding: the same bytes. */
static void test_contents(const char *kernels, const char *text, const struct example *e) {
    struct given a = give(kernels, text, e, (struct way){.frames = 24, .drops = 1}),
                 b = give(kernels, text, e, (struct way){.frames = 24, .drops = 1, .wild = 1});
    char line[200];
    int same =
        !memcmp(a.out, b.out, sizeof a.out) && !memcmp(a.gradient, b.gradient, a.n * sizeof(float));
    in_one_line(text, line);
    check(same && isfinite(a.out[0][0]), "%s, %s whatever stands in the padding", kernels, line);
    free(a.gradient);
    free(b.gradient);
}

/* Against 32 frames another way: outside training the same bytes of plain kernels, else nearly the
 * same numbers, since sums are cut elsewhere. */
static void test_way(const char *kernels, const char *text, const struct example *e, struct way w) {
    struct given a = give(kernels, text, e, (struct way){.frames = 32, .wild = 1}),
                 b = give(kernels, text, e, w);
    char line[200];
    double out = worst(a.out[0], b.out[0], B * K), train = worst(a.out[1], b.out[1], B * K),
           gradient = a.n == b.n ? worst(a.gradient, b.gradient, a.n) : INFINITY;
    int same = !memcmp(a.out[0], b.out[0], sizeof a.out[0]) || strcmp(kernels, "plain") != 0;
    in_one_line(text, line);
    check(same && out < 1e-5 && train < 1e-5 && gradient < 1e-4,
          "%s, %s %s %d frames: %.1e, in training %.1e, gradients %.1e", kernels, line,
          w.whole ? "as without padding," : "padded to", w.frames, out, train, gradient);
    free(a.gradient);
    free(b.gradient);
}

/* Layers that fast kernels do together against plain ones by themselves. */
static void test_together(const char *text, const struct example *e) {
    struct given a = give("plain", text, e, (struct way){.frames = 24, .drops = 1}),
                 b = give("fast", text, e, (struct way){.frames = 24, .drops = 1});
    char line[200];
    double out = worst(b.out[0], a.out[0], B * K), train = worst(b.out[1], a.out[1], B * K),
           gradient = worst(b.gradient, a.gradient, a.n);
    in_one_line(text, line);
    check(out < 1e-5 && train < 1e-5 && gradient < 1e-4,
          "%s fast against plain: %.1e, in training %.1e, gradients %.1e", line, out, train,
          gradient);
    free(a.gradient);
    free(b.gradient);
}

/* A pooling takes what is true where that is less than a window: of one frame, the frame itself. */
static void test_short(const char *kernels) {
    static const char *const text[] = {"masked\nmaxpool 1x4\nglobalpool\ndense classes\n",
                                       "masked\navgpool 1x4\nglobalpool\ndense classes\n",
                                       "masked\nglobalpool\ndense classes\n"};
    struct example e = make_example((size_t)ROWS * 24);
    struct given g[3];
    for (int b = 0; b < B; b++)
        e.frames[b] = 1;
    for (size_t i = 0; i < (size_t)B * ROWS * 24; i++)
        e.x[i] = -fabsf(e.x[i]); /* less than zero, which must not be the largest */
    for (int i = 0; i < 3; i++)
        g[i] = give(kernels, text[i], &e, (struct way){.frames = 24, .wild = 1});
    check(worst(g[0].out[0], g[2].out[0], B * K) < 1e-6 &&
              worst(g[1].out[0], g[2].out[0], B * K) < 1e-6 &&
              worst(g[0].gradient, g[2].gradient, g[0].n) < 1e-6,
          "%s, less than a window", kernels);
    for (int i = 0; i < 3; i++)
        free(g[i].gradient);
    free(e.x);
}

static void test_masked(const char *kernels, const char *text) {
    static const int whole[] = {24, 20, 16}, padded[] = {24, 31};
    struct example e = make_example((size_t)ROWS * 24);
    for (int b = 0; b < B; b++)
        e.frames[b] = 1 + b * 13 % 24;
    test_contents(kernels, text, &e);
    if (!strcmp(kernels, "fast"))
        test_together(text, &e);
    for (int i = 0; i < 2; i++)
        test_way(kernels, text, &e, (struct way){.frames = padded[i], .wild = 1});
    for (int i = 0; i < 3; i++) {
        for (int b = 0; b < B; b++)
            e.frames[b] = whole[i];
        if (whole[i] >= 20 ||
            !strstr(text, "conv1d 4 20")) /* which needs as many without padding */
            test_way(kernels, text, &e, (struct way){.frames = whole[i], .whole = 1});
    }
    free(e.x);
}

static int get_padded(void *ctx, size_t i, float *x, int *label) {
    const struct example *e = ctx;
    struct way w = {.frames = 24, .wild = 1};
    float *all = repad(e, &w);
    memcpy(x, all + i * ROWS * 24, sizeof(float) * ROWS * 24);
    free(all);
    *label = e->label[i];
    return 0;
}

static int get_frames(void *ctx, size_t i) {
    return ((const struct example *)ctx)->frames[i];
}

/* What a first layer is fitted to are true frames alone. */
static void test_fitted(void) {
    struct example e = make_example((size_t)ROWS * 24);
    const struct ser_data data = {.n = B, .get = get_padded, .ctx = &e, .frames = get_frames};
    char why[SER_WHY] = "";
    double sum = 0, squares = 0, n = 0, max = 0;
    struct ser_net *norm = parse("masked\nstandardize\nglobalpool\ndense classes\n", ROWS, 24, K),
                   *scale = parse("masked\nscale max\nglobalpool\ndense classes\n", ROWS, 24, K);
    for (int b = 0; b < B; b++)
        for (int t = 0; t < e.frames[b]; t++) {
            double row = e.x[((size_t)b * ROWS + 2) * 24 + (size_t)t];
            n++;
            sum += row;
            squares += row * row;
            for (int h = 0; h < ROWS; h++)
                max = fmax(max, e.x[((size_t)b * ROWS + (size_t)h) * 24 + (size_t)t]);
        }
    check(!ser_net_fit(norm, &data, why) && fabs(norm->param[0].value[2] - sum / n) < 1e-6 &&
              fabs(norm->param[1].value[2] - sqrt(squares / n - sum / n * (sum / n))) < 1e-6,
          "standardize is fitted to true frames %s", why);
    check(!ser_net_fit(scale, &data, why) && scale->param[0].value[0] == (float)max,
          "scale is fitted to true frames %s", why);
    ser_net_free(norm);
    ser_net_free(scale);
    free(e.x);
}

/* ---- what is refused ---- */

static void test_refused(void) {
    static const char *const wrong[][2] = {
        {"conv 4 3x3 stride=0x1\n", "'stride=0x1' is not understood"},
        {"conv 4 3x3 groups=2\n", "cannot both be cut into 2 groups"},
        {"conv 4 65536x65536 same\n", "padded input would have more than"},
        {"conv 2000 20x20 same stride=1x2\nconv 2000 20x20 same stride=1x2\n", "more than"},
        {"conv1d 4 3\n", "conv1d needs a sequence"},
        {"timemajor\nconv1d 4 99\n", "a 99x1 kernel does not fit into an image of 24x1"},
        {"timemajor\ndepthwise 3x3\n", "usage: depthwise"},
        {"timemajor\ntimemajor\n", "timemajor needs an image"},
        {"globalpool\nglobalpool\n", "globalpool needs an image or a sequence"},
        {"globalpool\ndropout2d 0.1\n", "dropout2d needs an image or a sequence"},
        {"avgpool 30x1\n", "a 30x1 window does not fit"},
        {"timemajor\navgpool 2x1\n", "avgpool needs an image"},
        {"leaky 2\n", "usage: leaky"},
        {"noise\n", "usage: noise"},
        {"gru 4\n", "gru needs a sequence"},
        {"layersum 2\n", "usage: layersum"},
        {"globalpool\nlayersum\n", "layersum needs several layers"},
        {"masked\ntimemajor\nlayersum\n", "but that is time"},
        {"timemajor\nattend 70000\n", "usage: attend"},
        {"timemajor\nattend 65536 units=9 9\n", "usage: attend"},
        {"mark a\nmark a\n", "there is a mark 'a' already"},
        {"add a\n", "there is no 'mark a' before it"},
        {"mark a\nconv 2 1x1\nadd a\nadd a\n", "is added already"},
        {"mark a\ntimemajor\nadd a\n", "of another shape, which no stride makes fit"},
        {"mark a\nglobalpool\ndense classes\n", "'mark a' is never added"},
        {"conv 2 1x1\nmasked\n", "line 2: masked stands alone on the first line"},
        {"masked\nmasked\n", "masked stands alone on the first line"},
        {"masked 3\n", "masked stands alone on the first line"},
        {"masked\nreshape 384\ndense classes\n", "reshape to 384 takes padding for frames"},
        {"masked\nreshape 24x16\n", "reshape to 24x16 takes padding for frames"},
        {"masked\ntimemajor\nreshape 384\ndense classes\n", "takes padding for frames"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char why[SER_WHY] = "";
        struct ser_net *net = ser_net_parse(wrong[i][0], strlen(wrong[i][0]), 16, 24, K, why);
        check(!net && strstr(why, wrong[i][1]), "refused: %s", why);
        ser_net_free(net);
    }
}

static void test_error_function(void) {
    double most = 0;
    for (int i = -600; i <= 600; i++)
        most = fmax(most, fabs(ser_verf(ser_splat((float)i / 100))[3] - erf((float)i / 100)));
    check(most < 3e-7, "erf %.1e", most);
}

int main(void) {
    struct golden g;
    int cases = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_error_function();
    test_refused();
    test_channels_dropped();
    test_types();
    test_fitted();
    FILE *f = fopen("tests/golden/layers/layers.txt", "r");
    if (!f)
        bad_file("cannot be read: run this from the top of the tree");
    while (read_case(f, &g)) {
        cases++;
        for (size_t k = 0; k < sizeof kernel_names / sizeof *kernel_names; k++)
            test_golden(&g, kernel_names[k]);
        for (int i = 0; i < g.arrays; i++)
            free(g.array[i].v);
    }
    fclose(f);
    check(cases == 20, "%d cases", cases);
    for (size_t k = 0; k < sizeof kernel_names / sizeof *kernel_names; k++)
        for (size_t i = 0; i < sizeof smooth / sizeof *smooth; i++) {
            test_slopes(kernel_names[k], smooth[i], 8, 9);
            test_threads(kernel_names[k], smooth[i]);
        }
    for (size_t k = 0; k < sizeof kernel_names / sizeof *kernel_names; k++) {
        test_short(kernel_names[k]);
        for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
            test_masked(kernel_names[k], masked[i]);
    }
    printf("# %d failed\n", failed);
    return failed != 0;
}
