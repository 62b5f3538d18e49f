/* naive_encoder.h - the encoders' formulas once more, in double precision and as plainly as can be: those of
 * math/logmel.h, nn/encoder/whisper.h and nn/encoder/waves.h. With mistakes made on purpose, by name, so that a test can
 * tell whether it would see them. */
#ifndef TESTS_NAIVE_ENCODER_H
#define TESTS_NAIVE_ENCODER_H

#include "bridge/encoder-files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct naive {
    const struct ser_encoder_files *f;
    const char *mistake;
    int waves; /* not Whisper */
    double epsilon;
};

static int wrong(const struct naive *n, const char *mistake) {
    return strcmp(n->mistake, mistake) == 0;
}

static void *must_have(void *p) {
    if (!p) {
        puts("not ok - out of memory");
        exit(1);
    }
    return p;
}

static double *zeros(size_t n) {
    return must_have(calloc(n + 1, sizeof(double)));
}

/* A tensor, widened; the caller frees. NULL: there is none. */
static double *tensor(const struct naive *n, const char *name, int layer, const char *end) {
    char full[200];
    const char *layers = n->waves ? "encoder.layers" : "layers";
    if (layer >= 0)
        snprintf(full, sizeof full, "%s%s.%d.%s.%s", n->f->prefix, layers, layer, name, end);
    else
        snprintf(full, sizeof full, "%s%s.%s", n->f->prefix, name, end);
    const struct ser_tensor *t = ser_tensors_find(&n->f->tensors, full);
    if (!t)
        return NULL;
    float *x = must_have(malloc((size_t)t->count * sizeof *x));
    double *y = zeros((size_t)t->count);
    if (ser_tensor_read(t, 0, (size_t)t->count, x))
        exit(1);
    for (uint64_t i = 0; i < t->count; i++)
        y[i] = x[i];
    free(x);
    return y;
}

static double gelu(double x) {
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static double naive_gelu(const struct naive *n, double x) {
    return wrong(n, "tanh gelu") ? 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)))
                                 : gelu(x);
}

/* ---- what both have ---- */

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

/* In place, over the channels of each row. */
static void naive_norm(const struct naive *n, const char *name, int layer, double epsilon,
                       double *x, int T, int D) {
    double *w = must_have(tensor(n, name, layer, "weight")),
           *b = must_have(tensor(n, name, layer, "bias"));
    for (int t = 0; t < T; t++) {
        double mean = 0, var = 0;
        for (int c = 0; c < D; c++)
            mean += x[t * D + c] / D;
        for (int c = 0; c < D; c++)
            var += (x[t * D + c] - mean) * (x[t * D + c] - mean) / D;
        for (int c = 0; c < D; c++)
            x[t * D + c] = (x[t * D + c] - mean) / sqrt(var + epsilon) * w[c] + b[c];
    }
    free(w);
    free(b);
}

static double *copy(const double *x, size_t n) {
    double *y = zeros(n);
    memcpy(y, x, n * sizeof *x);
    return y;
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* The bucket of a key that is r frames behind the query. */
static int naive_bucket(const struct naive *n, int r) {
    const struct ser_encoder_shape *s = &n->f->shape;
    int half = s->buckets / 2, exact = half / 2, far, a;
    if (wrong(n, "bucket sign reversed"))
        r = -r;
    a = abs(r);
    far = a < exact ? a
                    : exact + (int)(log((double)a / exact) / log((double)s->distance / exact) *
                                    (half - exact));
    return (r > 0 ? half : 0) + (far < half - 1 ? far : half - 1);
}

/* WavLM: what is added to the scores [H,T,T] of a layer that hears x [T,D]; NULL for others. */
static double *naive_bias(const struct naive *n, int layer, const double *x, int T, int D, int H) {
    double *table = tensor(n, "attention.rel_attn_embed", 0, "weight");
    int each = D / H;
    if (!table || (layer > 0 && wrong(n, "position bias in layer 0 only"))) {
        free(table);
        return NULL;
    }
    double *bias = zeros((size_t)H * T * T),
           *constant = must_have(tensor(n, "attention", layer, "gru_rel_pos_const"));
    for (int head = 0; head < H; head++) {
        double *part = zeros((size_t)T * each);
        for (int t = 0; t < T; t++)
            memcpy(part + t * each, x + t * D + head * each, (size_t)each * sizeof *part);
        double *y = naive_linear(n, "attention.gru_rel_pos_linear", layer, part, T, each, 8);
        for (int q = 0; q < T; q++) {
            const double *z = y + 8 * q;
            double a = sigmoid(z[0] + z[1] + z[2] + z[3]), b = sigmoid(z[4] + z[5] + z[6] + z[7]);
            double gate =
                wrong(n, "no gate on the position bias") ? 1 : a * (b * constant[head] - 1) + 2;
            for (int k = 0; k < T; k++)
                bias[(head * T + q) * T + k] = gate * table[naive_bucket(n, k - q) * H + head];
        }
        free(y);
        free(part);
    }
    free(constant);
    free(table);
    return bias;
}

/* What the attention makes of x [T,D], of which the first `known` rows are the clip. */
static double *naive_attention(const struct naive *n, int layer, const double *x, int T, int D,
                               int H, int known) {
    static const char *const names[2][4] = {
        {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"},
        {"attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.out_proj"}};
    const char *const *name = names[n->waves];
    double *q = naive_linear(n, name[0], layer, x, T, D, D),
           *k = naive_linear(n, name[1], layer, x, T, D, D),
           *v = naive_linear(n, name[2], layer, x, T, D, D), *p = zeros((size_t)T),
           *heard = zeros((size_t)T * D), *bias = naive_bias(n, layer, x, T, D, H);
    int each = D / H, to = wrong(n, "attention over the clip alone") ? known : T;
    double scale = 1 / sqrt(each);
    if (wrong(n, "scale twice"))
        scale *= scale;
    if (wrong(n, "no scale"))
        scale = 1;
    if (wrong(n, "scale of the whole width"))
        scale = 1 / sqrt(D);
    for (int i = 0; i < T * D && wrong(n, "a bias on k"); i++)
        k[i] += 0.1 * (1 + i % D % 7);
    for (int head = 0; head < H; head++)
        for (int i = 0; i < T; i++) {
            double sum = 0;
            for (int j = 0; j < to; j++) {
                p[j] = bias ? bias[(head * T + i) * T + j] : 0;
                for (int c = 0; c < each; c++)
                    p[j] += q[i * D + head * each + c] * k[j * D + head * each + c] * scale;
                p[j] = exp(p[j]);
                sum += p[j];
            }
            for (int j = 0; j < to; j++)
                for (int c = 0; c < each; c++)
                    heard[i * D + head * each + c] += p[j] / sum * v[j * D + head * each + c];
        }
    double *o = naive_linear(n, name[3], layer, heard, T, D, D);
    free(heard), free(q), free(k), free(v), free(p), free(bias);
    return o;
}

static double *naive_feed(const struct naive *n, int layer, const double *x, int T, int D, int F) {
    double *y =
        naive_linear(n, n->waves ? "feed_forward.intermediate_dense" : "fc1", layer, x, T, D, F);
    for (int i = 0; i < T * F; i++)
        y[i] = naive_gelu(n, y[i]);
    double *o = naive_linear(n, n->waves ? "feed_forward.output_dense" : "fc2", layer, y, T, F, D);
    free(y);
    return o;
}

/* A layer, in place; before: its norms are in front of attention and feed forward. */
static void naive_layer(const struct naive *n, int layer, int before, double *h, int T, int known) {
    const struct ser_encoder_shape *s = &n->f->shape;
    const char *norm[] = {n->waves ? "layer_norm" : "self_attn_layer_norm", "final_layer_norm"};
    int D = s->width;
    for (int part = 0; part < 2; part++) {
        double *x = copy(h, (size_t)T * D);
        if (before)
            naive_norm(n, norm[part], layer, n->epsilon, x, T, D);
        double *y = part ? naive_feed(n, layer, x, T, D, s->hidden)
                         : naive_attention(n, layer, x, T, D, s->heads, known);
        for (int i = 0; i < T * D; i++)
            h[i] += y[i];
        if (!before)
            naive_norm(n, norm[part], layer, n->epsilon, h, T, D);
        free(x);
        free(y);
    }
}

/* All layers of h [T,D], which goes; the hidden states [L + 1][frames,D]. */
static double *naive_layers(const struct naive *n, int before, double *h, int T, int frames) {
    const struct ser_encoder_shape *s = &n->f->shape;
    int D = s->width, L = s->layers, last = before;
    double *all = zeros((size_t)(L + 1) * frames * D);
    const char *norm = n->waves ? "encoder.layer_norm" : "layer_norm";
    if (wrong(n, "no final norm") || wrong(n, "no final layer norm"))
        last = 0;
    if (!n->waves && wrong(n, "post-norm"))
        last = 1;
    for (int i = 0; i <= L; i++) {
        double *out = copy(h, (size_t)T * D);
        if ((i == L && last) || wrong(n, "final norm on every hidden state"))
            naive_norm(n, norm, -1, n->epsilon, out, T, D);
        memcpy(all + (size_t)i * frames * D, out, (size_t)frames * D * sizeof *out);
        free(out);
        if (i < L)
            naive_layer(n, i, before, h, T, frames);
    }
    free(h);
    return all;
}

/* ---- Whisper ---- */

static double naive_mel_hz(const struct naive *n, double part) { /* of all mels to 8 kHz */
    if (wrong(n, "HTK mel scale"))
        return 700 * (pow(10, part * log10(1 + 8000. / 700)) - 1);
    double mel = part * (15 + log(8) * 27 / log(6.4));
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

/* Power of a frame that begins at sample `first` of y [N]. */
static void naive_power(const struct naive *n, const double *y, int N, int first, int size,
                        double *power) {
    double x[400], around = wrong(n, "symmetric window") ? 399 : 400, sum = 0;
    for (int i = 0; i < 400; i++) {
        int at = first + i, outside = at < 0 || at >= N;
        at = at < 0 ? -at : at >= N ? 2 * (N - 1) - at : at;
        x[i] = y[at] * (0.5 - 0.5 * cos(2 * M_PI * i / around));
        if (outside && wrong(n, "zero instead of reflection padding"))
            x[i] = 0;
        sum += fabs(x[i]);
    }
    memset(power, 0, (size_t)(size / 2 + 1) * sizeof *power);
    for (int k = 0; k <= size / 2 && sum > 0; k++) {
        double re = 0, im = 0, c = cos(2 * M_PI * k / size), s = sin(2 * M_PI * k / size), a = 1,
               b = 0;
        for (int i = 0; i < 400; i++) { /* a + ib turns by k/size at each step */
            double turned = a * c - b * s;
            re += x[i] * a;
            im -= x[i] * b;
            b = a * s + b * c;
            a = turned;
        }
        power[k] = re * re + im * im;
        if (wrong(n, "magnitude instead of power"))
            power[k] = sqrt(power[k]);
    }
}

/* log-mel [M,B] of y [N]. */
static double *naive_logmel(const struct naive *n, const double *y, int N, int B, int M) {
    double *v = zeros((size_t)M * B), top = -1e9, edge[200], power[257];
    int size = wrong(n, "512 point FFT") ? 512 : 400,
        skipped = wrong(n, "first STFT frame dropped"),
        centre = wrong(n, "no centre padding") ? 0 : 200;
    for (int i = 0; i < B + 2; i++)
        edge[i] = naive_mel_hz(n, i / (B + 1.));
    for (int t = 0; t < M; t++) {
        double loudest = -1e9;
        naive_power(n, y, N, 160 * (t + skipped) - centre, size, power);
        for (int b = 0; b < B; b++) {
            double sum = 0, l = edge[b], m = edge[b + 1], r = edge[b + 2], hz = 16000. / size;
            for (int k = 0; k <= size / 2; k++)
                sum += fmax(0, fmin((k * hz - l) / (m - l), (r - k * hz) / (r - m))) * power[k];
            sum *= wrong(n, "no Slaney area norm") ? 1 : 2 / (r - l);
            sum = wrong(n, "no 1e-10 floor") ? sum : fmax(1e-10, sum);
            v[t * B + b] = wrong(n, "natural logarithm") ? log(sum) : log10(sum);
            loudest = fmax(loudest, v[t * B + b]);
        }
        for (int b = 0; b < B && wrong(n, "clamp of 80 dB per frame"); b++)
            v[t * B + b] = fmax(v[t * B + b], loudest - 8);
        top = fmax(top, loudest);
    }
    if (wrong(n, "clamp over 30 s of zeros"))
        top = fmax(top, -10);
    for (int i = 0; i < M * B; i++) {
        if (!wrong(n, "no clamp at maximum - 8") && !wrong(n, "clamp of 80 dB per frame"))
            v[i] = fmax(v[i], top - 8);
        v[i] = wrong(n, "no (x + 4) / 4") ? v[i] : (v[i] + 4) / 4;
    }
    return v;
}

static double *naive_stem(const struct naive *n, const char *name, const double *x, int M, int in,
                          int out, int stride, int T) {
    double *w = must_have(tensor(n, name, -1, "weight")),
           *b = must_have(tensor(n, name, -1, "bias"));
    double *y = zeros((size_t)T * out);
    int left = !wrong(n, "conv padding on the right only"),
        linear = stride == 2 && wrong(n, "no GELU after conv2");
    for (int t = 0; t < T; t++)
        for (int o = 0; o < out; o++) {
            double sum = b[o];
            for (int j = 0; j < 3; j++) {
                int at = stride * t + j - left;
                for (int i = 0; i < in && at >= 0 && at < M; i++)
                    sum += x[at * in + i] * w[(o * in + i) * 3 + j];
            }
            y[t * out + o] = linear ? sum : naive_gelu(n, sum);
        }
    free(w);
    free(b);
    return y;
}

static double naive_position(const struct naive *n, const double *table, int t, int c, int D) {
    if (wrong(n, "positions from the formula")) {
        double a = t * pow(10000, -(c % (D / 2)) / (D / 2 - 1.));
        return c < D / 2 ? sin(a) : cos(a);
    }
    if (wrong(n, "positions interleaved"))
        return table[t * D + (c % 2) * D / 2 + c / 2];
    return table[t * D + c];
}

static double *naive_whisper(struct naive *n, const float *x, int samples, int *frames) {
    const struct ser_encoder_shape *s = &n->f->shape;
    int D = s->width, N = samples + (wrong(n, "no 1,600 zeros") ? 0 : 1600);
    if (N < 16000 && !wrong(n, "no 16,000 sample minimum"))
        N = 16000;
    if (wrong(n, "padded to more than is cut"))
        N += 16000;
    int M = N / 160 + wrong(n, "last STFT frame kept"), T = (M + 1) / 2;
    double *y = zeros((size_t)N), scale = 1;
    if (wrong(n, "samples not divided by 32768"))
        scale = 32768;
    if (wrong(n, "samples divided by 32767"))
        scale = 32768. / 32767;
    n->epsilon = wrong(n, "eps 1e-12") ? 1e-12 : 1e-5;
    *frames = (samples + 319) / 320;
    for (int i = 0; i < samples; i++)
        y[i] = x[i] * scale;
    double *mel = naive_logmel(n, y, N, s->bands, M),
           *mid = naive_stem(n, "conv1", mel, M, s->bands, D, 1, M);
    double *h = naive_stem(n, "conv2", mid, M, D, D, 2, T),
           *at = must_have(tensor(n, "embed_positions", -1, "weight"));
    for (int t = 0; t < T; t++)
        for (int c = 0; c < D; c++)
            h[t * D + c] += naive_position(n, at, t, c, D);
    free(y), free(mel), free(mid), free(at);
    return naive_layers(n, !wrong(n, "post-norm"), h, T, *frames);
}

/* ---- wav2vec 2.0, HuBERT, WavLM ---- */

static double *naive_normalise(const struct naive *n, const float *x, int samples) {
    double *y = zeros((size_t)samples), mean = 0, var = 0;
    for (int i = 0; i < samples; i++)
        mean += (double)x[i] / samples;
    for (int i = 0; i < samples; i++)
        var += (x[i] - mean) * (x[i] - mean) /
               (samples - wrong(n, "sample variance in the input norm"));
    double deviation = sqrt(var + (wrong(n, "no 1e-7 in the input norm") ? 0 : 1e-7));
    for (int i = 0; i < samples; i++)
        y[i] = n->f->shape.normalize ? (x[i] - mean) / deviation : x[i];
    return y;
}

/* Each channel of y [T,D] over time. */
static void naive_group_norm(const struct naive *n, double *y, int T, int D) {
    double *w = must_have(tensor(n, "feature_extractor.conv_layers.0.layer_norm", -1, "weight")),
           *b = must_have(tensor(n, "feature_extractor.conv_layers.0.layer_norm", -1, "bias"));
    for (int c = 0; c < D; c++) {
        double mean = 0, var = 0;
        for (int t = 0; t < T; t++)
            mean += y[t * D + c] / T;
        for (int t = 0; t < T; t++)
            var += (y[t * D + c] - mean) * (y[t * D + c] - mean) / T;
        for (int t = 0; t < T; t++)
            y[t * D + c] = (y[t * D + c] - mean) /
                               sqrt(var + (wrong(n, "no group norm eps") ? 0 : 1e-5)) * w[c] +
                           b[c];
    }
    free(w);
    free(b);
}

/* Convolution number i of x [*T, in], which goes. */
static double *naive_conv(const struct naive *n, int i, double *x, int in, int *T) {
    const struct ser_encoder_shape *s = &n->f->shape;
    char name[80], norm[80];
    int K = s->conv_kernel[i], step = s->conv_stride[i], out = s->conv_dim[i],
        to = (*T - K) / step + 1;
    snprintf(name, sizeof name, "feature_extractor.conv_layers.%d.conv", i);
    snprintf(norm, sizeof norm, "feature_extractor.conv_layers.%d.layer_norm", i);
    double *w = must_have(tensor(n, name, -1, "weight")), *b = tensor(n, name, -1, "bias"),
           *y = zeros((size_t)to * out);
    for (int t = 0; t < to; t++)
        for (int o = 0; o < out; o++) {
            double sum = b ? b[o] : 0;
            for (int c = 0; c < in; c++)
                for (int k = 0; k < K; k++)
                    sum += w[(o * in + c) * K + k] * x[(step * t + k) * in + c];
            y[t * out + o] = sum;
        }
    if (s->conv_norms)
        naive_norm(n, norm, -1, wrong(n, "config eps in the conv layers") ? s->epsilon : 1e-5, y,
                   to, out);
    else if (!i)
        naive_group_norm(n, y, to, out);
    for (int j = 0; j < to * out; j++)
        y[j] = naive_gelu(n, y[j]);
    free(x), free(w), free(b);
    *T = to;
    return y;
}

/* The weights [D, D/G, K] of the convolution of positions, from the two parts of the weight norm. */
static double *naive_taps(const struct naive *n, int D, int in, int K) {
    static const char *const names[2][2] = {
        {"weight_g", "weight_v"},
        {"parametrizations.weight.original0", "parametrizations.weight.original1"}};
    const char *name = "encoder.pos_conv_embed.conv";
    double *g = tensor(n, name, -1, names[0][0]);
    int renamed = !g;
    g = g ? g : must_have(tensor(n, name, -1, names[1][0]));
    double *v = must_have(tensor(n, name, -1, names[renamed][1])), *w = zeros((size_t)D * in * K);
    for (int o = 0; o < D; o++)
        for (int j = 0; j < in * K; j++) {
            int k = j % K, own = wrong(n, "weight norm over dim 0");
            double sum = 0;
            for (int i = 0; i < D * in * K; i++)
                if (own ? i / (in * K) == o : i % K == k)
                    sum += v[i] * v[i];
            w[o * in * K + j] = v[o * in * K + j];
            if (!wrong(n, "weight_v taken as the weight"))
                w[o * in * K + j] *= g[k] / sqrt(sum);
        }
    free(g);
    free(v);
    return w;
}

/* h [T,D] += gelu(conv(h)) */
static void naive_positions(const struct naive *n, double *h, int T, int D) {
    int K = n->f->shape.taps, in = D / n->f->shape.groups,
        late = K % 2 == 0 && wrong(n, "crop at the wrong end");
    double *w = naive_taps(n, D, in, K), *x = copy(h, (size_t)T * D),
           *b = must_have(tensor(n, "encoder.pos_conv_embed.conv", -1, "bias"));
    for (int t = 0; t < T; t++)
        for (int o = 0; o < D; o++) {
            double sum = b[o];
            for (int k = 0; k < K; k++) {
                int at = t + late + k - K / 2;
                for (int i = 0; i < in && at >= 0 && at < T; i++)
                    sum += w[(o * in + i) * K + k] * x[at * D + o / in * in + i];
            }
            h[t * D + o] += naive_gelu(n, sum);
        }
    free(w), free(x), free(b);
}

static double *naive_waves(struct naive *n, const float *x, int samples, int *frames) {
    const struct ser_encoder_shape *s = &n->f->shape;
    int T = samples, in = 1, D = s->width;
    double *y = naive_normalise(n, x, samples);
    n->epsilon = s->epsilon;
    for (int i = 0; i < s->convs; in = s->conv_dim[i++])
        y = naive_conv(n, i, y, in, &T);
    if (s->proj_norm)
        naive_norm(n, "feature_projection.layer_norm", -1, n->epsilon, y, T, in);
    double *h = naive_linear(n, "feature_projection.projection", -1, y, T, in, D);
    free(y);
    naive_positions(n, h, T, D);
    if (!s->stable)
        naive_norm(n, "encoder.layer_norm", -1, n->epsilon, h, T, D);
    *frames = T;
    return naive_layers(n, s->stable, h, T, T);
}

/* All hidden states [L + 1][*frames,D] of x [samples], with a mistake; "": with none. The caller frees. */
static double *naive_states(const struct ser_encoder_files *f, const char *mistake, const float *x,
                            int samples, int *frames) {
    struct naive n = {f, mistake, f->shape.family != SER_WHISPER, 0};
    return n.waves ? naive_waves(&n, x, samples, frames) : naive_whisper(&n, x, samples, frames);
}

#endif
