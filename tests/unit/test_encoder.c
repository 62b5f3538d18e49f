/* test_encoder - pretrained encoders, held to their formulas and to the transformers library.
 *
 * usage: test_encoder tiny FOLDER       an encoder that tests/make-encoder made: against the formulas of
 *                                       math/logmel.h and nn/encoder/whisper.h, said once more in double
 *                                       precision, as plainly as can be
 *        test_encoder reference FOLDER  what transformers computed (models/, inputs/, outputs/, real/)
 */
#include "bridge/audio.h"
#include "bridge/encoder-files.h"
#include "bridge/safetensors.h"
#include "bridge/torchfile.h"
#include "check.h"
#include "math/rng.h"
#include "nn/encoder/linear.h"
#include "nn/kernels/kernels.h"
#include "read_npy.h"

#include <dirent.h>
#include <math.h>

static const char *const kernel_names[] = {"plain", "fast"};

static void *must_have(void *p) {
    if (!p) {
        puts("not ok - out of memory");
        exit(1);
    }
    return p;
}

static struct ser_hearing *hearing(const struct ser_encoder *c, const char *kernels, int threads) {
    char why[SER_WHY] = "";
    return must_have(ser_hearing_new(c, ser_kernels_find(kernels), threads, why));
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

static double *zeros(size_t n) {
    return must_have(calloc(n, sizeof(double)));
}

static double mel_hz(double mel) {
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

/* log-mel [M,B] of y [N]. */
static double *naive_logmel(const double *y, int N, int B, int M) {
    double *v = zeros((size_t)M * B), top = -1e9, edge[200];
    double last = 15 + log(8) * 27 / log(6.4);
    for (int i = 0; i < B + 2; i++)
        edge[i] = mel_hz(last * i / (B + 1));
    for (int t = 0; t < M; t++) {
        double power[201];
        for (int k = 0; k <= 200; k++) {
            double re = 0, im = 0;
            for (int n = 0; n < 400; n++) {
                int at = 160 * t + n - 200;
                at = at < 0 ? -at : at >= N ? 2 * (N - 1) - at : at;
                double x = y[at] * (0.5 - 0.5 * cos(2 * M_PI * n / 400)),
                       a = 2 * M_PI * (k * n % 400) / 400;
                re += x * cos(a);
                im -= x * sin(a);
            }
            power[k] = re * re + im * im;
        }
        for (int b = 0; b < B; b++) {
            double sum = 0, l = edge[b], m = edge[b + 1], r = edge[b + 2];
            for (int k = 0; k <= 200; k++)
                sum += fmax(0, fmin((k * 40 - l) / (m - l), (r - k * 40) / (r - m))) * 2 / (r - l) *
                       power[k];
            v[t * B + b] = log10(fmax(1e-10, sum));
            top = fmax(top, v[t * B + b]);
        }
    }
    for (int i = 0; i < M * B; i++)
        v[i] = (fmax(v[i], top - 8) + 4) / 4;
    return v;
}

struct naive {
    const struct ser_encoder_files *f;
};

/* A tensor, widened; the caller frees. */
static double *tensor(const struct naive *n, const char *name, int layer, const char *end) {
    char full[200];
    if (layer >= 0)
        snprintf(full, sizeof full, "%slayers.%d.%s.%s", n->f->prefix, layer, name, end);
    else
        snprintf(full, sizeof full, "%s%s.%s", n->f->prefix, name, end);
    const struct ser_tensor *t = ser_tensors_find(&n->f->tensors, full);
    if (!t)
        return NULL;
    float *x = must_have(malloc(t->count * sizeof *x));
    double *y = zeros(t->count);
    if (ser_tensor_read(t, 0, t->count, x))
        exit(1);
    for (uint64_t i = 0; i < t->count; i++)
        y[i] = x[i];
    free(x);
    return y;
}

static double gelu(double x) {
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

/* y [T,out] = x [T,in] W^T + b */
static double *naive_linear(const struct naive *n, const char *name, int layer, const double *x,
                            int T, int in, int out) {
    double *w = must_have(tensor(n, name, layer, "weight")), *b = tensor(n, name, layer, "bias");
    double *y = zeros((size_t)T * out);
    for (int t = 0; t < T; t++)
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < in; i++)
                y[t * out + o] += x[t * in + i] * w[o * in + i];
            y[t * out + o] += b ? b[o] : 0;
        }
    free(w);
    free(b);
    return y;
}

static double *naive_norm(const struct naive *n, const char *name, int layer, const double *x,
                          int T, int D) {
    double *w = must_have(tensor(n, name, layer, "weight")),
           *b = must_have(tensor(n, name, layer, "bias"));
    double *y = zeros((size_t)T * D);
    for (int t = 0; t < T; t++) {
        double mean = 0, var = 0;
        for (int c = 0; c < D; c++)
            mean += x[t * D + c] / D;
        for (int c = 0; c < D; c++)
            var += (x[t * D + c] - mean) * (x[t * D + c] - mean) / D;
        for (int c = 0; c < D; c++)
            y[t * D + c] = (x[t * D + c] - mean) / sqrt(var + 1e-5) * w[c] + b[c];
    }
    free(w);
    free(b);
    return y;
}

static double *naive_conv(const struct naive *n, const char *name, const double *x, int M, int in,
                          int out, int stride, int T) {
    double *w = must_have(tensor(n, name, -1, "weight")),
           *b = must_have(tensor(n, name, -1, "bias"));
    double *y = zeros((size_t)T * out);
    for (int t = 0; t < T; t++)
        for (int o = 0; o < out; o++) {
            double sum = b[o];
            for (int j = 0; j < 3; j++) {
                int at = stride * t + j - 1;
                for (int i = 0; i < in && at >= 0 && at < M; i++)
                    sum += x[at * in + i] * w[(o * in + i) * 3 + j];
            }
            y[t * out + o] = gelu(sum);
        }
    free(w);
    free(b);
    return y;
}

static void naive_attention(const struct naive *n, int layer, double *h, int T, int D, int H) {
    double *x = naive_norm(n, "self_attn_layer_norm", layer, h, T, D),
           *heard = zeros((size_t)T * D);
    double *q = naive_linear(n, "self_attn.q_proj", layer, x, T, D, D),
           *k = naive_linear(n, "self_attn.k_proj", layer, x, T, D, D),
           *v = naive_linear(n, "self_attn.v_proj", layer, x, T, D, D), *p = zeros((size_t)T);
    int each = D / H;
    for (int head = 0; head < H; head++)
        for (int i = 0; i < T; i++) {
            double sum = 0;
            for (int j = 0; j < T; j++) {
                p[j] = 0;
                for (int c = 0; c < each; c++)
                    p[j] += q[i * D + head * each + c] * k[j * D + head * each + c] / sqrt(each);
                p[j] = exp(p[j]);
                sum += p[j];
            }
            for (int j = 0; j < T; j++)
                for (int c = 0; c < each; c++)
                    heard[i * D + head * each + c] += p[j] / sum * v[j * D + head * each + c];
        }
    double *o = naive_linear(n, "self_attn.out_proj", layer, heard, T, D, D);
    for (int i = 0; i < T * D; i++)
        h[i] += o[i];
    free(x), free(heard), free(q), free(k), free(v), free(p), free(o);
}

static void naive_feed(const struct naive *n, int layer, double *h, int T, int D, int F) {
    double *x = naive_norm(n, "final_layer_norm", layer, h, T, D),
           *y = naive_linear(n, "fc1", layer, x, T, D, F);
    for (int i = 0; i < T * F; i++)
        y[i] = gelu(y[i]);
    double *o = naive_linear(n, "fc2", layer, y, T, F, D);
    for (int i = 0; i < T * D; i++)
        h[i] += o[i];
    free(x), free(y), free(o);
}

/* All hidden states of x [samples]: the largest difference from those of got. */
static double naive_worst(const struct ser_encoder_files *f, const float *x, int samples,
                          const struct states *got) {
    const struct ser_encoder_shape *s = &f->shape;
    struct naive n = {f};
    int N = samples + 1600 < 16000 ? 16000 : samples + 1600, M = N / 160, T = (M + 1) / 2,
        D = s->width;
    int frames = (samples + 319) / 320;
    double *y = zeros((size_t)N), worst = got->frames == (size_t)frames ? 0 : INFINITY;
    for (int i = 0; i < samples; i++)
        y[i] = x[i];
    double *mel = naive_logmel(y, N, s->bands, M),
           *mid = naive_conv(&n, "conv1", mel, M, s->bands, D, 1, M);
    double *h = naive_conv(&n, "conv2", mid, M, D, D, 2, T),
           *at = must_have(tensor(&n, "embed_positions", -1, "weight"));
    for (int i = 0; i < T * D; i++)
        h[i] += at[i];
    for (int layer = 0; layer <= s->layers; layer++) {
        double *out = layer < s->layers ? h : naive_norm(&n, "layer_norm", -1, h, T, D);
        for (int i = 0; worst < INFINITY && i < frames * D; i++) {
            double d = fabs(out[i] - got->at[layer][i]);
            worst = d >= worst || isnan(d) ? d : worst;
        }
        if (layer == s->layers) {
            free(out);
            break;
        }
        naive_attention(&n, layer, h, T, D, s->heads);
        naive_feed(&n, layer, h, T, D, s->hidden);
    }
    free(y), free(mel), free(mid), free(h), free(at);
    return worst;
}

/* A tone, noise, and silence at the end. */
static float *sound(int n) {
    float *x = must_have(malloc((size_t)n * sizeof *x));
    struct ser_key key = ser_key(1, SER_PURPOSE_AUGMENT, 0, 0);
    for (int i = 0; i < n; i++)
        x[i] = i > n * 3 / 4
                   ? 0
                   : (float)(0.3 * sin(0.2 * i) + 0.1 * (ser_uniform(key, (uint64_t)i) - 0.5));
    return x;
}

static struct states run(const struct ser_encoder *c, const struct ser_encoder_shape *s,
                         const char *kernels, int threads, const float *x, int n, int padded) {
    struct states got = {.width = (size_t)s->width};
    struct ser_hearing *h = hearing(c, kernels, threads);
    if (ser_hear(h, x, (size_t)n, padded, 0, keep, &got))
        check(0, "no memory");
    ser_hearing_free(h);
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

static void tiny(const char *folder) {
    static const int lengths[] = {1, 400, 9000,
                                  17200}; /* the last has an odd number of mel frames */
    struct ser_error e;
    struct ser_encoder_files f;
    if (ser_encoder_files_open(&f, folder, &e)) {
        check(0, "%s", e.text);
        return;
    }
    struct ser_encoder *c = must_have(ser_encoder_files_load(&f, f.shape.layers, &e)),
                       *half = must_have(ser_encoder_files_load(&f, 1, &e));
    hold_gelu();
    hold_half();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        float *x = sound(lengths[i]);
        for (int k = 0; k < 2; k++) {
            struct states got = run(c, &f.shape, kernel_names[k], 1, x, lengths[i], 0);
            double worst = naive_worst(&f, x, lengths[i], &got);
            check(worst < 1e-5, "%d samples, %s: within %.1e of the formulas", lengths[i],
                  kernel_names[k], worst);
            for (int threads = 2; threads < 4; threads++) {
                struct states other = run(c, &f.shape, kernel_names[k], threads, x, lengths[i], 0);
                check(same_states(&got, &other, f.shape.layers + 1),
                      "%d samples, %s, %d threads: the same bytes", lengths[i], kernel_names[k],
                      threads);
                states_free(&other);
            }
            struct states part = run(half, &f.shape, kernel_names[k], 1, x, lengths[i], 0);
            check(same_states(&got, &part, 2) && !part.at[2],
                  "%d samples, %s: the first layer alone is the same", lengths[i], kernel_names[k]);
            states_free(&part);
            states_free(&got);
        }
        free(x);
    }
    ser_encoder_free(c);
    ser_encoder_free(half);
    ser_encoder_files_close(&f);
}

/* ---- the reference ---- */

/* Differences of one run. limit is absolute; scaled: times the largest value of each array, where that is above 1. */
struct compare {
    const char *folder; /* of outputs/MODEL/TAG */
    double limit, worst, of;
    int scaled, layers, arrays;
    size_t width;
    char where[32];
};

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
    double limit = c->scaled && strcmp(name, "mel") ? c->limit * most : c->limit;
    if (!c->arrays++ || worst / limit > c->worst / c->of) {
        c->worst = worst;
        c->of = limit;
        snprintf(c->where, sizeof c->where, "%s", name);
    }
}

static void hold_state(void *ctx, int layer, const float *h, size_t frames) {
    struct compare *c = ctx;
    char name[32];
    snprintf(name, sizeof name, "hidden_%02d", layer);
    hold(c, name, h, frames, c->width);
    if (layer == c->layers)
        hold(c, "last_hidden_state", h, frames, c->width);
}

static void hold_inside(void *ctx, const char *name, const float *at, size_t rows, size_t columns) {
    hold(ctx, name, at, rows, columns);
}

static void tell(const struct compare *c, int bad, const char *from, const char *kernels) {
    const char *tag = strrchr(c->folder, '/');
    while (*--tag != '/')
        ;
    check(!bad && c->arrays > 0 && c->worst <= c->of,
          "%s, from the %s, %s: %d arrays, worst %s %.1e of %.1e", tag + 1, from, kernels,
          c->arrays, c->where, c->worst, c->of);
}

static void hold_clip(const char *folder, const char *wav, const char *norm, int padded, int real,
                      const struct ser_encoder_files *f, struct ser_hearing *h,
                      const char *kernels) {
    const struct ser_encoder_shape *s = &f->shape;
    struct ser_audio a = {0};
    struct ser_error e;
    if (ser_audio_load(&a, wav, 0, &e)) {
        check(0, "%s", e.text);
        return;
    }
    struct compare c = {folder, 1e-4, 0, 1, real, s->layers, 0, (size_t)s->width, ""};
    const float *y;
    size_t rows, frames = ser_encoder_frames(s, a.frames);
    int whisper = s->family == SER_WHISPER;
    ser_hearing_watch(h, hold_inside, &c);
    int bad = ser_hear_features(h, a.sample, a.frames, padded, &y, &rows);
    if (!bad && whisper)
        hold(&c, "mel", y, padded ? 2 * frames : rows, (size_t)s->bands);
    bad = bad || ser_hear(h, a.sample, a.frames, padded, 0, hold_state, &c);
    tell(&c, bad, "wave", kernels);
    char path[1100];
    struct npy given;
    snprintf(path, sizeof path, "%s/mel.npy", folder);
    if (padded || (!whisper && !s->normalize) || npy_read(whisper ? path : norm, &given))
        return ser_audio_free(&a);
    struct compare from = {
        folder, real ? 1e-4 : whisper ? 2e-5 : 5e-5, 0, 1, real, s->layers, 0, (size_t)s->width,
        ""};
    ser_hearing_watch(h, hold_inside, &from);
    bad = ser_hear_layers(h, given.data, whisper ? given.rows : given.columns, frames, 0,
                          hold_state, &from);
    tell(&from, bad, whisper ? "log-mel" : "normalised wave", kernels);
    free(given.data);
    ser_audio_free(&a);
}

static void hold_model(const char *root, const char *models, const char *name,
                       const char *const *tags, int real) {
    char path[1024], wav[1024], norm[1024];
    struct ser_error e;
    struct ser_encoder_files f;
    snprintf(path, sizeof path, "%s/%s/%s", root, models, name);
    if (ser_encoder_files_open(&f, path, &e)) {
        check(0, "%s", e.text);
        return;
    }
    struct ser_encoder *c = must_have(ser_encoder_files_load(&f, f.shape.layers, &e));
    for (int k = 0; k < 2; k++) {
        struct ser_hearing *h = hearing(c, kernel_names[k], 2);
        for (const char *const *tag = tags; *tag; tag++) {
            const char *end = strstr(*tag, "-padded");
            int length = (int)(end ? end - *tag : (long)strlen(*tag));
            if (end && f.shape.family != SER_WHISPER)
                continue;
            snprintf(path, sizeof path, "%s/%soutputs/%s/%s", root, real ? "real/" : "", name,
                     *tag);
            snprintf(wav, sizeof wav, "%s/%sinputs/%.*s.wav", root, real ? "real/" : "", length,
                     *tag);
            snprintf(norm, sizeof norm, "%s/inputs/%.*s.norm.npy", root, length, *tag);
            hold_clip(path, wav, norm, end != NULL, real, &f, h, kernel_names[k]);
        }
        ser_hearing_free(h);
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

static void reference(const char *root) {
    static const char *const tags[] = {"short",   "long",         "one-frame",
                                       "silence", "short-padded", NULL};
    static const char *const clips[] = {"calm", "angry",
                                        NULL}; /* pause, and 30 s, take long without optimisation */
    static const char *const models[] = {"whisper-micro",  "whisper-tiny2", "wav2vec2-base",
                                         "wav2vec2-large", "hubert-base",   "hubert-base-oldnames",
                                         "hubert-large",   "wavlm-base",    "wavlm-large",
                                         "distilhubert",   "hubert-er",     "wav2vec2-er",
                                         "audeering",      "micro",         "hubert-f16",
                                         "wavlm-bf16"};
    hold_formats(root);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        hold_pair(root, models[i]);
        hold_model(root, "models", models[i], tags, 0);
    }
    hold_model(root, "real", "whisper-base-encoder", clips, 1);
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "tiny"))
        tiny(argv[2]);
    else if (argc == 3 && !strcmp(argv[1], "reference"))
        reference(argv[2]);
    else
        return 2;
    return failed != 0;
}
