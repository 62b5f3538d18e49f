/* encoder.h - pretrained speech encoders: from sound to the hidden states of each layer. Forward only.
 *
 * Pure: arrays in, arrays out; no file, no message, no exit. What fails returns -1 (or NULL) and says
 * why in a text. The families:
 *
 *   whisper    the encoder of OpenAI's Whisper (Radford et al. 2022), tiny to large-v3
 *   wav2vec2   wav2vec 2.0 (Baevski et al. 2020), XLS-R
 *   hubert     HuBERT (Hsu et al. 2021), DistilHuBERT
 *   wavlm      WavLM (Chen et al. 2022)
 *
 * Letters of shapes:
 *
 *   T  frames, 50 a second       F  width of the feed forward     B  mel bands
 *   D  width of a hidden state   H  heads of the attention        L  layers
 *
 * Hidden state 0 is what goes into the first layer, hidden state i what layer i makes of it; where the
 * network ends in a norm, that is in hidden state L only, as in the transformers library.
 *
 * The same bytes for any number of threads; with the plain kernels, on any x86-64.
 */
#ifndef SER_ENCODER_H
#define SER_ENCODER_H

#include "nn/nn.h"

#include <stddef.h>

enum ser_encoder_family { SER_WHISPER, SER_WAV2VEC2, SER_HUBERT, SER_WAVLM };

enum { SER_ENCODER_CONVS = 16 }; /* at most */

/* What a network is, as its makers' configuration has it; ser_encoder_check knows the limits. */
struct ser_encoder_shape {
    enum ser_encoder_family family;
    int width, layers, heads, hidden; /* D, L, H, F */

    int bands; /* of Whisper: B */

    /* Of the others: what they hear is normalised, goes through convolutions (convs of them) and a
     * projection, and gets its positions from another convolution. */
    int normalize;
    int convs, conv_dim[SER_ENCODER_CONVS], conv_kernel[SER_ENCODER_CONVS],
        conv_stride[SER_ENCODER_CONVS];
    int conv_bias;    /* 1: the convolutions have biases */
    int conv_norms;   /* 1: a norm over channels in each; 0: one over time in the first */
    int proj_norm;    /* 1: a norm before the projection */
    int taps, groups; /* of the convolution of positions */
    int stable;     /* 1: norms before attention and feed forward, and at the end; 0: behind them */
    double epsilon; /* of all norms but those of the convolutions */
    int buckets, distance; /* of WavLM's positions */
};

#define SER_ENCODER_RATE_HZ 16000

/* 0 if the network can be computed; or -1, and why says what is wrong, with the name that the
 * published configuration has for it. */
int ser_encoder_check(const struct ser_encoder_shape *s, char why[SER_WHY]);

/* ---- weights ---- */

/* A tensor that a network needs, with its name in the published file behind the network's prefix. */
struct ser_weight {
    char name[80];
    int rank, dim[4];
};

/* How many there are; unless w is NULL, they are put there. The first is one that only such a network
 * has. */
int ser_encoder_weights(const struct ser_encoder_shape *s, struct ser_weight *w);

/* Where weights come from: fills to with the tensor, row-major. 0, or -1. */
struct ser_weight_source {
    int (*read)(void *ctx, const struct ser_weight *w, float *to);
    void *ctx;
};

/* Reads and packs what hidden states up to last need; the source is not used later. The shape has
 * passed ser_encoder_check; last is 0..layers. Never changed afterwards, so that threads may share
 * it. NULL without memory, or when the source failed, which *failed tells. */
struct ser_encoder;
struct ser_encoder *ser_encoder_new(const struct ser_encoder_shape *s, int last,
                                    const struct ser_weight_source *from, int *failed);

/* Grows whenever weights are packed otherwise. */
enum { SER_ENCODER_LAYOUT = 1 };

/* The packed weights of an encoder, *n floats in one piece: those of another `last` are the same, but for their end.
 * How many there are up to last, 0 without memory. */
const float *ser_encoder_weights_of(const struct ser_encoder *c, size_t *n);
size_t ser_encoder_packed(const struct ser_encoder_shape *s, int last);

/* The encoder on packed weights that are there already, as ser_encoder_weights_of has them, and last as long as it.
 * NULL without memory. */
struct ser_encoder *ser_encoder_of(const struct ser_encoder_shape *s, int last,
                                   const float *packed);
void ser_encoder_free(struct ser_encoder *c);

/* ---- running ---- */

/* Memory and threads to run an encoder, which must outlive it. NULL with why when memory or threads
 * are missing, or the kernels refuse. */
struct ser_encoder_run;
struct ser_encoder_run *ser_encoder_run_new(const struct ser_encoder *c,
                                            const struct ser_kernels *k, int threads,
                                            char why[SER_WHY]);
void ser_encoder_run_free(struct ser_encoder_run *run);

/* The fewest and the most samples at SER_ENCODER_RATE_HZ that an encoder of this shape hears at
 * once, and how many frames it makes of n of them. */
size_t ser_encoder_least(const struct ser_encoder_shape *s);
size_t ser_encoder_most(const struct ser_encoder_shape *s);
size_t ser_encoder_frames(const struct ser_encoder_shape *s, size_t n);

/* How many samples so many frames, at least 1, are made of: without rest, or, of the others than Whisper, the
 * fewest. */
size_t ser_encoder_samples(const struct ser_encoder_shape *s, size_t frames);

/* Hidden state h [frames,D] of a layer, valid during the call. */
typedef void ser_hidden(void *ctx, int layer, const float *h, size_t frames);

/* x [n], mono, full scale -1..1 -> calls take for the hidden states first..last (of
 * ser_encoder_new) in order. padded: Whisper hears 30 s, zeros behind the clip, as the transformers
 * library insists; else the clip and 0.1 s of zeros, at least 1 s. The frames are those of the clip
 * alone. The others hear the clip as it is. 0, or -1 without memory. */
int ser_encode(struct ser_encoder_run *run, const float *x, size_t n, int padded, int first,
               ser_hidden *take, void *ctx);

/* For tests: watch sees the arrays [rows,columns] inside, by their name in this project's tests, as they
 * are computed. */
typedef void ser_watcher(void *ctx, const char *name, const float *at, size_t rows, size_t columns);
void ser_encoder_run_watch(struct ser_encoder_run *run, ser_watcher *watch, void *ctx);

/* For tests, the two steps of ser_encode: what the network is given, *y [rows,B] of Whisper and [rows] of
 * the others, which belongs to h and lasts until the next call; and the network on that. frames: how
 * many the hidden states have. */
int ser_encode_features(struct ser_encoder_run *run, const float *x, size_t n, int padded,
                        const float **y, size_t *rows);
int ser_encode_layers(struct ser_encoder_run *run, const float *y, size_t rows, size_t frames,
                      int first, ser_hidden *take, void *ctx);

#endif
