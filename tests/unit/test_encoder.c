/* test_encoder - pretrained encoders, held to their formulas and to the transformers library.
 *
 * usage: test_encoder tiny FOLDER...    encoders that tests/make-encoder made: against naive_encoder.h, and whether that
 *                                       would see the mistakes that others make
 *        test_encoder reference FOLDER  what transformers computed (models/, inputs/, outputs/, real/)
 *        test_encoder table FOLDER      the same with all clips, and behind it a table: the largest difference of each array
 */
#include "bridge/audio.h"
#include "bridge/encoder-head.h"
#include "bridge/safetensors.h"
#include "bridge/torchfile.h"
#include "check.h"
#include "math/pool.h"
#include "math/rng.h"
#include "naive_encoder.h"
#include "nn/encoder/linear.h"
#include "nn/kernels/kernels.h"
#include "read_npy.h"

#include <dirent.h>
#include <math.h>
#include <unistd.h>

static const char *const kernel_names[] = {"plain", "fast"};

static struct ser_encoder_run *run_of(const struct ser_encoder *c, const char *kernels,
                                      int threads) {
    char why[SER_WHY] = "";
    return must_have(ser_encoder_run_new(c, ser_kernels_find(kernels), threads, why));
}

/* ---- the formulas ---- */

enum { MAX_LAYERS = 4 };

/* What a run makes: hidden states [layers + 1][frames, width]. */
struct states {
    size_t frames, width;
    float *at[MAX_LAYERS + 1];
};

static void keep(void *ctx, int layer, const float *h, size_t frames) {
    struct states *s = ctx;
    s->frames = frames;
    s->at[layer] = must_have(malloc(frames * s->width * sizeof *h));
    memcpy(s->at[layer], h, frames * s->width * sizeof *h);
}

static void states_free(struct states *s) {
    for (int i = 0; i <= MAX_LAYERS; i++)
        free(s->at[i]);
    *s = (struct states){0};
}

/* The largest difference of the hidden states from those of the formulas, with a mistake. */
static double naive_worst(const struct ser_encoder_files *f, const char *mistake, const float *x,
                          int samples, const struct states *got) {
    int frames;
    double *want = naive_states(f, mistake, x, samples, &frames), worst = 0;
    size_t n = got->frames * got->width;
    if ((size_t)frames != got->frames)
        worst = INFINITY;
    for (int layer = 0; layer <= f->shape.layers; layer++)
        for (size_t i = 0; worst < INFINITY && i < n; i++) {
            double d = fabs(want[(size_t)layer * n + i] - got->at[layer][i]);
            worst = isnan(d) ? INFINITY : fmax(worst, d);
        }
    free(want);
    return worst;
}

/* A tone, noise, and silence at the end; or quiet and not around 0; or zeros. */
static const struct clip {
    int samples;
    double level, offset;
} clips[] = {{17200, 1, 0}, /* an odd number of mel frames */
             {1, 1, 0},     {400, 1, 0}, {9000, 1, 0}, {3000, 0.002, 0.0006}, {1600, 0, 0}};
enum { CLIPS = sizeof clips / sizeof *clips };

static float *sound(const struct clip *c) {
    float *x = must_have(malloc((size_t)c->samples * sizeof *x));
    struct ser_key key = ser_key(1, SER_PURPOSE_AUGMENT, 0, 0);
    for (int i = 0; i < c->samples; i++)
        x[i] = i > c->samples * 3 / 4
                   ? 0
                   : (float)(c->offset + c->level * (0.3 * sin(0.2 * i) +
                                                     0.1 * (ser_uniform(key, (uint64_t)i) - 0.5)));
    return x;
}

static struct states run(const struct ser_encoder *c, const struct ser_encoder_shape *s,
                         const char *kernels, int threads, const float *x, int n, int padded) {
    struct states got = {.width = (size_t)s->width};
    struct ser_encoder_run *run = run_of(c, kernels, threads);
    if (ser_encode(run, x, (size_t)n, padded, 0, keep, &got))
        check(0, "no memory");
    ser_encoder_run_free(run);
    return got;
}

static int same_states(const struct states *a, const struct states *b, int layers) {
    int same = a->frames == b->frames;
    for (int i = 0; same && i < layers; i++)
        same = !memcmp(a->at[i], b->at[i], a->frames * a->width * sizeof(float));
    return same;
}

static void hold_gelu(void) {
    enum { N = 40001 };
    static float x[N], y[N];
    double worst = 0;
    for (int i = 0; i < N; i++)
        x[i] = y[i] = (float)(i - N / 2) / 1000;
    ser_gelu(y, N);
    for (int i = 0; i < N; i++)
        worst = fmax(worst, fabs(y[i] - gelu(x[i])) / fmax(1, fabs(x[i])));
    check(worst < 1e-7, "gelu from -20 to 20: within %.1e", worst);
}

/* Every number in half precision, there and back; and what lies between two of them, or outside. */
static void hold_half(void) {
    enum { ALL = 0x7c00 };
    static const float others[] = {0x1.002p0f, 0x1.801p-14f, 0x1p-25f,  0x1.8p-24f,
                                   65520,      -65536,       0x1p-149f, 0x1p-126f};
    unsigned char bytes[2 * ALL];
    float x[ALL];
    uint16_t h[ALL];
    struct ser_tensor t = {
        .element = SER_ELEMENT_F16, .rank = 1, .dim = {ALL}, .stride = {1}, .at = bytes};
    int same = 1, refused = 1;
    for (uint32_t sign = 0; sign < 2; sign++) {
        for (uint32_t i = 0; i < ALL; i++) {
            bytes[2 * i] = (unsigned char)i;
            bytes[2 * i + 1] = (unsigned char)(i >> 8 | sign << 7);
        }
        same = same && !ser_tensor_read(&t, 0, ALL, x) && !ser_to_half(x, ALL, h);
        for (uint32_t i = 0; i < ALL; i++)
            same = same && h[i] == (i | sign << 15);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        refused = refused && ser_to_half(&others[i], 1, h);
    check(same, "half precision: all %d numbers, there and back", 2 * ALL);
    check(refused, "half precision: no other number");
}

/* Heads as their makers have them, frame by frame. */
static void hold_heads(void) {
    enum { STATES = 3, FRAMES = 6, D = 5, INNER = 4, OUTPUTS = 3 };
    float h[STATES][FRAMES][D], mean[STATES][D], weight[STATES], U[INNER][D], u[INNER],
        V[OUTPUTS][INNER], v[OUTPUTS], work[D + INNER], y[OUTPUTS];
    float *all[] = {**h, weight, *U, u, *V, v};
    const size_t sizes[] = {STATES * FRAMES * D, STATES, INNER * D, INNER,
                            OUTPUTS * INNER,     OUTPUTS};
    for (size_t i = 0, n = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizes[i]; j++, n++)
            all[i][j] = (float)(2 * sin((double)(n * n % 97)));
    for (int i = 0; i < STATES; i++)
        ser_pool(*h[i], FRAMES, D, mean[i], NULL);
    for (int kind = 0; kind < 3; kind++) { /* all states, the last, numbers */
        struct ser_head head = {
            kind == 2, kind ? 1 : STATES, D, INNER, OUTPUTS, kind ? NULL : weight, *U, u, *V, v};
        double sum = 0, inside[INNER] = {0}, worst = 0;
        for (int i = 0; i < STATES; i++)
            sum += exp(weight[i]);
        for (int t = 0; t < FRAMES; t++)
            for (int k = 0; k < INNER; k++) {
                double z = u[k];
                for (int j = 0; j < D; j++) {
                    double x = kind ? h[STATES - 1][t][j] : 0;
                    for (int i = 0; !kind && i < STATES; i++)
                        x += exp(weight[i]) / sum * h[i][t][j];
                    z += U[k][j] * x;
                }
                inside[k] += z / FRAMES;
            }
        ser_head_run(&head, kind ? mean[STATES - 1] : *mean, work, y);
        for (int o = 0; o < OUTPUTS; o++) {
            double z = v[o];
            for (int k = 0; k < INNER; k++)
                z += V[o][k] * (kind == 2 ? tanh(inside[k]) : inside[k]);
            worst = fmax(worst, fabs(z - y[o]));
        }
        check(worst < 1e-5, "head %d: within %.1e of the formulas", kind, worst);
    }
}

#define LIMIT 5e-5 /* of the difference of any hidden state */

/* What others got wrong, and whether it could be told here: worst is the largest difference that it made. */
static struct mistake {
    int waves;
    const char *name, *hidden; /* hidden: why nobody can see it */
    double worst;
} mistakes[] = {
    {0, "tanh gelu", NULL, 0},
    {0, "no GELU after conv2", NULL, 0},
    {0, "no clamp at maximum - 8", NULL, 0},
    {0, "clamp of 80 dB per frame", NULL, 0},
    {0, "clamp over 30 s of zeros", "zeros are never the maximum", 0},
    {0, "no 1e-10 floor", NULL, 0},
    {0, "HTK mel scale", NULL, 0},
    {0, "no Slaney area norm", NULL, 0},
    {0, "512 point FFT", NULL, 0},
    {0, "magnitude instead of power", NULL, 0},
    {0, "natural logarithm", NULL, 0},
    {0, "no (x + 4) / 4", NULL, 0},
    {0, "symmetric window", NULL, 0},
    {0, "zero instead of reflection padding", NULL, 0},
    {0, "no centre padding", NULL, 0},
    {0, "last STFT frame kept", NULL, 0},
    {0, "first STFT frame dropped", NULL, 0},
    {0, "samples not divided by 32768", NULL, 0},
    {0, "samples divided by 32767", NULL, 0},
    {0, "conv padding on the right only", NULL, 0},
    {0, "positions from the formula", NULL, 0},
    {0, "positions interleaved", NULL, 0},
    {0, "a bias on k", "a softmax takes it away", 0},
    {0, "scale twice", NULL, 0},
    {0, "no scale", NULL, 0},
    {0, "scale of the whole width", NULL, 0},
    {0, "post-norm", NULL, 0},
    {0, "no final norm", NULL, 0},
    {0, "final norm on every hidden state", NULL, 0},
    {0, "eps 1e-12", NULL, 0},
    {0, "padded to more than is cut", NULL, 0},
    {0, "no 1,600 zeros", NULL, 0},
    {0, "no 16,000 sample minimum", NULL, 0},
    {0, "attention over the clip alone", NULL, 0},
    {1, "tanh gelu", NULL, 0},
    {1, "crop at the wrong end", NULL, 0},
    {1, "weight norm over dim 0", NULL, 0},
    {1, "weight_v taken as the weight", NULL, 0},
    {1, "no 1e-7 in the input norm", NULL, 0},
    {1, "sample variance in the input norm", NULL, 0},
    {1, "no group norm eps", NULL, 0},
    {1, "config eps in the conv layers", NULL, 0},
    {1, "no final layer norm", NULL, 0},
    {1, "no gate on the position bias", NULL, 0},
    {1, "position bias in layer 0 only", NULL, 0},
    {1, "bucket sign reversed", NULL, 0},
};
enum { MISTAKES = sizeof mistakes / sizeof *mistakes };

/* Makes those of the family that were not seen yet. */
static void make_mistakes(const struct ser_encoder_files *f, const float *x, int samples,
                          const struct states *got) {
    for (struct mistake *m = mistakes; m < mistakes + MISTAKES; m++)
        if (m->waves == (f->shape.family != SER_WHISPER) && m->worst < LIMIT)
            m->worst = fmax(m->worst, naive_worst(f, m->name, x, samples, got));
}

static void tell_mistakes(void) {
    for (const struct mistake *m = mistakes; m < mistakes + MISTAKES; m++)
        check((m->worst >= LIMIT) == !m->hidden, "%s: %s %s (%.1e) %s",
              m->waves ? "waves" : "whisper", m->name, m->hidden ? "is not seen" : "would be seen",
              m->worst, m->hidden ? m->hidden : "");
}

static void hold_tiny(const char *folder) {
    const char *name = strrchr(folder, '/') ? strrchr(folder, '/') + 1 : folder;
    struct ser_error e;
    struct ser_encoder_files f;
    if (ser_encoder_files_open(&f, folder, &e)) {
        check(0, "%s", e.text);
        return;
    }
    struct ser_encoder *c = must_have(ser_encoder_files_load(&f, f.shape.layers, &e)),
                       *half = must_have(ser_encoder_files_load(&f, 1, &e));
    for (int i = 0; i < CLIPS; i++) {
        int n = clips[i].samples;
        float *x = sound(&clips[i]);
        for (int k = 0; k < 2 && (size_t)n >= ser_encoder_least(&f.shape); k++) {
            struct states got = run(c, &f.shape, kernel_names[k], 1, x, n, 0);
            double worst = naive_worst(&f, "", x, n, &got);
            check(worst < LIMIT, "%s, clip %d, %s: within %.1e of the formulas", name, i,
                  kernel_names[k], worst);
            if (k == 0)
                make_mistakes(&f, x, n, &got);
            for (int threads = 2; threads < 4; threads++) {
                struct states other = run(c, &f.shape, kernel_names[k], threads, x, n, 0);
                check(same_states(&got, &other, f.shape.layers + 1),
                      "%s, clip %d, %s, %d threads: the same bytes", name, i, kernel_names[k],
                      threads);
                states_free(&other);
            }
            struct states part = run(half, &f.shape, kernel_names[k], 1, x, n, 0);
            check(same_states(&got, &part, 2) && !part.at[2],
                  "%s, clip %d, %s: the first layer alone is the same", name, i, kernel_names[k]);
            states_free(&part);
            states_free(&got);
        }
        free(x);
    }
    ser_encoder_free(c);
    ser_encoder_free(half);
    ser_encoder_files_close(&f);
}

static void tiny(char **folder) {
    hold_gelu();
    hold_half();
    hold_heads();
    for (; *folder; folder++)
        hold_tiny(*folder);
    tell_mistakes();
}

/* ---- the reference ---- */

/* Differences of one run. limit is absolute; scaled: times the largest value of each array, where that is above 1. */
struct compare {
    const char *folder; /* of outputs/MODEL/TAG */
    double limit, worst, of;
    int scaled, layers, arrays;
    size_t width;
    char where[32];
    const char *from, *kernels;
    float *over_time; /* [2, layers + 1, width] of a run: means and deviations over the frames */
};

/* The largest difference of an array with the two kernels, for the table of all. */
static struct difference {
    char of[160]; /* model, clip, input, array, with tabs between them */
    double by[2];
} * difference;
static size_t differences;

/* Rows of the table come in the same order for both kernels. */
static void note(const struct compare *c, const char *name, double worst, double most) {
    const char *tag = strrchr(c->folder, '/'), *model = tag;
    struct difference *d = difference, *end = difference ? difference + differences : NULL;
    char of[160];
    while (*--model != '/')
        ;
    snprintf(of, sizeof of, "%.*s\t%s\t%s\t%s\t%.3g", (int)(tag - model - 1), model + 1, tag + 1,
             c->from, name, most);
    while (d < end && strcmp(d->of, of) != 0)
        d++;
    if (d == end) {
        difference = must_have(realloc(difference, (differences + 1) * sizeof *d));
        d = &difference[differences++];
        *d = (struct difference){.by = {NAN, NAN}};
        snprintf(d->of, sizeof d->of, "%s", of);
    }
    d->by[strcmp(c->kernels, "plain") != 0] = worst;
}

static void print_table(void) {
    puts("model\tclip\tinput\tarray\tlargest\tplain\tfast");
    for (size_t i = 0; i < differences; i++)
        printf("%s\t%.2e\t%.2e\n", difference[i].of, difference[i].by[0], difference[i].by[1]);
}

static void hold(struct compare *c, const char *name, const float *h, size_t rows, size_t columns) {
    char path[1024];
    struct npy a;
    snprintf(path, sizeof path, "%s/%s.npy", c->folder, name);
    if (npy_read(path, &a))
        return;
    double worst = a.rows == rows && a.columns == columns ? 0 : INFINITY, most = 1;
    for (size_t i = 0; worst < INFINITY && i < rows * columns; i++) {
        double d = fabs((double)h[i] - a.data[i]);
        worst = d <= worst ? worst : d > worst ? d : INFINITY;
        most = fmax(most, fabs(a.data[i]));
    }
    free(a.data);
    note(c, name, worst, most);
    double limit = c->scaled && strcmp(name, "mel") != 0 ? c->limit * most : c->limit;
    if (!c->arrays++ || worst / limit > c->worst / c->of) {
        c->worst = worst;
        c->of = limit;
        snprintf(c->where, sizeof c->where, "%s", name);
    }
}

static void hold_state(void *ctx, int layer, const float *h, size_t frames) {
    struct compare *c = ctx;
    char name[32];
    size_t states = (size_t)c->layers + 1;
    float *mean = c->over_time + (size_t)layer * c->width, *deviation = mean + states * c->width;
    snprintf(name, sizeof name, "hidden_%02d", layer);
    hold(c, name, h, frames, c->width);
    ser_pool(h, frames, (int)c->width, mean, deviation);
    if (layer < c->layers)
        return;
    hold(c, "last_hidden_state", h, frames, c->width);
    hold(c, "pooled", mean, 1, c->width);
    hold(c, "mean", c->over_time, states, c->width);
    hold(c, "std", c->over_time + states * c->width, states, c->width);
}

/* All hidden states; or, where frames are told, of x as the layers get it. */
static int hold_states(struct compare *c, struct ser_encoder_run *run, const float *x, size_t n,
                       int padded, size_t frames) {
    c->over_time = must_have(calloc(2 * ((size_t)c->layers + 1) * c->width, sizeof *c->over_time));
    int bad = frames ? ser_encode_layers(run, x, n, frames, 0, hold_state, c)
                     : ser_encode(run, x, n, padded, 0, hold_state, c);
    free(c->over_time);
    return bad;
}

static void hold_inside(void *ctx, const char *name, const float *at, size_t rows, size_t columns) {
    hold(ctx, name, at, rows, columns);
}

static void tell(const struct compare *c, int bad) {
    const char *tag = strrchr(c->folder, '/');
    while (*--tag != '/')
        ;
    check(!bad && c->arrays > 0 && c->worst <= c->of,
          "%s, from the %s, %s: %d arrays, worst %s %.1e of %.1e", tag + 1, c->from, c->kernels,
          c->arrays, c->where, c->worst, c->of);
}

static void hold_clip(const char *folder, const char *wav, const char *norm, int padded, int real,
                      const struct ser_encoder_files *f, struct ser_encoder_run *run,
                      const char *kernels) {
    const struct ser_encoder_shape *s = &f->shape;
    struct ser_audio a = {0};
    struct ser_error e;
    if (ser_audio_load(&a, wav, 0, &e)) {
        check(0, "%s", e.text);
        return;
    }
    struct compare c = {folder,           1e-4, 0,      1,       real, s->layers, 0,
                        (size_t)s->width, "",   "wave", kernels, NULL};
    const float *y;
    size_t rows, frames = ser_encoder_frames(s, a.frames);
    int whisper = s->family == SER_WHISPER;
    ser_encoder_run_watch(run, hold_inside, &c);
    int bad = ser_encode_features(run, a.sample, a.frames, padded, &y, &rows);
    if (!bad && whisper)
        hold(&c, "mel", y, padded ? 2 * frames : rows, (size_t)s->bands);
    bad = bad || hold_states(&c, run, a.sample, a.frames, padded, 0);
    tell(&c, bad);
    char path[1100];
    struct npy given;
    snprintf(path, sizeof path, "%s/mel.npy", folder);
    if (padded || (!whisper && !s->normalize) || npy_read(whisper ? path : norm, &given))
        return ser_audio_free(&a);
    struct compare from = {folder,  real ? 1e-4 : whisper ? 2e-5 : 5e-5,
                           0,       1,
                           real,    s->layers,
                           0,       (size_t)s->width,
                           "",      whisper ? "log-mel" : "normalised wave",
                           kernels, NULL};
    ser_encoder_run_watch(run, hold_inside, &from);
    bad = hold_states(&from, run, given.data, whisper ? given.rows : given.columns, 0, frames);
    tell(&from, bad);
    free(given.data);
    ser_audio_free(&a);
}

/* Means over frames, for a head. */
struct means {
    int first;
    size_t width;
    float *at; /* [states, width] */
};

static void keep_mean(void *ctx, int layer, const float *h, size_t frames) {
    const struct means *m = ctx;
    ser_pool(h, frames, (int)m->width, m->at + (size_t)(layer - m->first) * m->width, NULL);
}

/* What the model's own head says of a clip. */
static void hold_head(const char *folder, const char *wav, const struct ser_encoder_files *f,
                      struct ser_encoder_run *run, const char *kernels) {
    struct ser_audio a = {0};
    struct ser_error e;
    struct ser_encoder_head own;
    if (ser_encoder_head_load(f, &own, &e))
        return;
    const struct ser_head *head = &own.head;
    size_t width = (size_t)head->width, states = (size_t)head->states;
    struct compare c = {folder,  1e-4, 0, 1, 0, f->shape.layers, 0, width, "", "wave to the head",
                        kernels, NULL};
    float *room = must_have(calloc((states + 1) * width + (size_t)head->inner, sizeof *room)), y[8];
    struct means m = {f->shape.layers + 1 - head->states, width, room};
    int bad = head->outputs > 8 || ser_audio_load(&a, wav, 0, &e) ||
              ser_encode(run, a.sample, a.frames, 0, m.first, keep_mean, &m);
    if (!bad) {
        ser_head_run(head, room, room + states * width, y);
        hold(&c, "logits", y, 1, (size_t)head->outputs);
    }
    tell(&c, bad);
    free(room);
    ser_encoder_head_free(&own);
    ser_audio_free(&a);
}

/* Behind the name of a clip: how it was heard. */
static const char *ending(const char *tag) {
    static const char *const endings[] = {"-padded", "-nonorm", "-f64"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strstr(tag, endings[i]))
            return strstr(tag, endings[i]);
    return tag + strlen(tag);
}

static void hold_model(const char *root, const char *models, const char *name,
                       const char *const *tags, int real) {
    char model[1024], path[1024], wav[1024], norm[1024];
    struct ser_error e;
    struct ser_encoder_files f;
    snprintf(model, sizeof model, "%s/%s/%s", root, models, name);
    if (ser_encoder_files_open(&f, model, &e)) {
        check(0, "%s", e.text);
        return;
    }
    if (!strcmp(ending(*tags), "-nonorm"))
        f.shape.normalize = 0;
    struct ser_encoder *c = must_have(ser_encoder_files_load(&f, f.shape.layers, &e));
    for (int k = 0; k < 2; k++) {
        struct ser_encoder_run *run = run_of(c, kernel_names[k], 2);
        for (const char *const *tag = tags; *tag; tag++) {
            const char *end = ending(*tag);
            int length = (int)(end - *tag), padded = !strcmp(end, "-padded");
            if (padded && f.shape.family != SER_WHISPER)
                continue;
            snprintf(path, sizeof path, "%s/%soutputs/%s/%s", root, real ? "real/" : "", name,
                     *tag);
            snprintf(wav, sizeof wav, "%s/real/inputs/%.*s.wav", root, length, *tag);
            if (!real || access(wav, F_OK))
                snprintf(wav, sizeof wav, "%s/inputs/%.*s.wav", root, length, *tag);
            snprintf(norm, sizeof norm, "%s/inputs/%.*s.norm.npy", root, length, *tag);
            hold_clip(path, wav, norm, padded, real, &f, run, kernel_names[k]);
            ser_encoder_run_watch(run, NULL, NULL);
            hold_head(path, wav, &f, run, kernel_names[k]);
        }
        ser_encoder_run_free(run);
    }
    ser_encoder_free(c);
    ser_encoder_files_close(&f);
}

/* The tensors of one file, by the reader for its name. */
static int open_tensors(struct ser_tensors *t, const char *path, struct ser_error *e) {
    const char *end = strrchr(path, '.');
    int bad =
        strcmp(end, ".bin") == 0 ? ser_torchfile_add(t, path, e) : ser_safetensors_add(t, path, e);
    return bad || ser_tensors_sort(t, path, e) ? -1 : 0;
}

/* Both have the same tensors with the same values, apart from those that are no floating-point numbers. */
static int same_tensors(const struct ser_tensors *a, const struct ser_tensors *b) {
    int same = 1;
    for (size_t i = 0; same && i < a->n; i++) {
        const struct ser_tensor *t = &a->at[i], *u = ser_tensors_find(b, t->name);
        if (t->element == SER_ELEMENT_OTHER)
            continue;
        same = u && t->rank == u->rank && t->count == u->count &&
               !memcmp(t->dim, u->dim, (size_t)t->rank * sizeof *t->dim);
        float *x = must_have(calloc(t->count + 1, sizeof *x)),
              *y = must_have(calloc(t->count + 1, sizeof *y));
        same = same && !ser_tensor_read(t, 0, t->count, x) && !ser_tensor_read(u, 0, t->count, y) &&
               !memcmp(x, y, t->count * sizeof *x);
        free(x);
        free(y);
    }
    return same;
}

/* Every file in the folder whose name begins so is refused with one line; or, accepted, holds at least the tensors
 * of want. */
static void hold_files(const char *folder, const char *begins, const struct ser_tensors *want) {
    DIR *d = opendir(folder);
    struct dirent *f;
    int n = 0;
    while (d && (f = readdir(d))) {
        char path[1024];
        struct ser_tensors t = {0};
        struct ser_error e = {0, ""};
        if (f->d_name[0] == '.' || strncmp(f->d_name, begins, strlen(begins)) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, f->d_name);
        int bad = open_tensors(&t, path, &e);
        if (want)
            check(!bad && same_tensors(want, &t), "%s is read: %zu tensors %s", f->d_name, t.n,
                  e.text);
        else
            check(bad && e.status == SER_BAD && !strchr(e.text, '\n'), "%s is refused: %s",
                  f->d_name, e.text + strlen(path));
        ser_tensors_free(&t);
        n++;
    }
    if (d)
        closedir(d);
    check(n > 0, "%s/%s*: %d files", folder, begins, n);
}

/* What lies beside each other in a model's folder. */
static void hold_pair(const char *root, const char *name) {
    char path[1024];
    struct ser_tensors a = {0}, b = {0};
    struct ser_error e = {0, ""};
    snprintf(path, sizeof path, "%s/models/%s/model.safetensors", root, name);
    int bad = open_tensors(&a, path, &e);
    snprintf(path, sizeof path, "%s/models/%s/pytorch_model.bin", root, name);
    bad = bad || open_tensors(&b, path, &e);
    check(!bad && a.n && a.n == b.n && same_tensors(&a, &b),
          "%s: both files hold the same %zu tensors %s", name, a.n, e.text);
    ser_tensors_free(&a);
    ser_tensors_free(&b);
}

static void hold_formats(const char *root) {
    char path[1024];
    struct ser_tensors micro = {0};
    struct ser_error e = {0, ""};
    snprintf(path, sizeof path, "%s/models/micro/model.safetensors", root);
    if (check(!open_tensors(&micro, path, &e), "micro is read %s", e.text)) {
        snprintf(path, sizeof path, "%s/formats", root);
        hold_files(path, "", &micro);
    }
    ser_tensors_free(&micro);
    snprintf(path, sizeof path, "%s/negative", root);
    hold_files(path, "st-", NULL);
    hold_files(path, "pt-", NULL);
}

/* All that is there of the small models; of the real one two clips, or all: 30 s take long without optimisation. */
static void reference(const char *root, int all) {
    static const char *const
        tags[] = {"short", "long", "one-frame", "silence", "short-padded", NULL},
        *const padded[] = {"long-padded", "one-frame-padded", "silence-padded", NULL},
        *const bare[] = {"short-nonorm", "long-nonorm", NULL},
        *const exact[] = {"short-f64", "long-f64", NULL}, *const real[] = {"calm", "angry", NULL},
        *const real_more[] = {"pause",
                              "short",
                              "long",
                              "one-frame",
                              "silence",
                              "calm-padded",
                              "angry-padded",
                              "pause-padded",
                              "short-padded",
                              "long-padded",
                              "one-frame-padded",
                              "silence-padded",
                              NULL};
    static const char *const models[] = {"whisper-micro",  "whisper-tiny2", "wav2vec2-base",
                                         "wav2vec2-large", "hubert-base",   "hubert-base-oldnames",
                                         "hubert-large",   "wavlm-base",    "wavlm-large",
                                         "distilhubert",   "hubert-er",     "wav2vec2-er",
                                         "audeering",      "micro",         "hubert-f16",
                                         "wavlm-bf16"},
                             *const exactly[] = {"whisper-micro", "whisper-tiny2", "hubert-base",
                                                 "wavlm-large"};
    hold_formats(root);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        hold_pair(root, models[i]);
        hold_model(root, "models", models[i], tags, 0);
    }
    hold_model(root, "models", "hubert-base", bare, 0);
    for (size_t i = 0; i < sizeof exactly / sizeof *exactly; i++)
        hold_model(root, "models", exactly[i], exact, 0);
    hold_model(root, "real", "whisper-base-encoder", real, 1);
    if (!all)
        return;
    for (size_t i = 0; i < 2; i++)
        hold_model(root, "models", models[i], padded, 0);
    hold_model(root, "real", "whisper-base-encoder", real_more, 1);
}

int main(int argc, char **argv) {
    if (argc >= 3 && !strcmp(argv[1], "tiny"))
        tiny(argv + 2);
    else if (argc == 3 && !strcmp(argv[1], "reference"))
        reference(argv[2], 0);
    else if (argc == 3 && !strcmp(argv[1], "table")) {
        reference(argv[2], 1);
        print_table();
    } else
        return 2;
    return failed != 0;
}
