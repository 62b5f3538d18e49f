#include "bridge/encoder-files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "bridge/encoder-head.h"
#include "bridge/encoder-keep.h"
#include "bridge/json.h"
#include "bridge/safetensors.h"
#include "bridge/torchfile.h"
#include "core/bytes.h"

enum { DEPTH = 16 }; /* of objects and arrays in a configuration */

/* FOLDER/NAME; the caller frees. NULL with e set. */
static char *path_in(const char *folder, const char *name, struct ser_error *e) {
    struct ser_text t = {0};
    ser_text_printf(&t, "%s/%s", folder, name);
    if (!t.failed)
        return t.at;
    ser_text_free(&t);
    ser_no_memory(e);
    return NULL;
}

/* ---- configurations ---- */

/* A JSON file that is being read. */
struct config {
    json_t *json;
    char *path;
    struct ser_error *e;
};

static int config_open(struct config *c, const char *folder, const char *name,
                       struct ser_error *e) {
    *c = (struct config){.path = path_in(folder, name, e), .e = e};
    c->json = c->path ? ser_json_load(c->path, DEPTH, e) : NULL;
    if (c->json)
        return 0;
    free(c->path);
    return -1;
}

static void config_close(struct config *c) {
    json_decref(c->json);
    free(c->path);
}

/* The value of a key; NULL where it is null or left out, and the default holds. */
static const json_t *value_of(const struct config *c, const char *key) {
    const json_t *v = json_object_get(c->json, key);
    return v && !json_is_null(v) ? v : NULL;
}

static int get_whole(const struct config *c, const char *key, int otherwise, int *to) {
    const json_t *v = value_of(c, key);
    *to = otherwise;
    if (!v)
        return 0;
    if (!json_is_integer(v) || json_integer_value(v) < INT32_MIN ||
        json_integer_value(v) > INT32_MAX)
        return ser_fail(c->e, SER_BAD, "%s: %s is not a whole number of 32 bits", c->path, key);
    *to = (int)json_integer_value(v);
    return 0;
}

/* Refuses any value but the one that can be computed. */
static int need_whole(const struct config *c, const char *key, int otherwise, int only) {
    int v;
    if (get_whole(c, key, otherwise, &v))
        return -1;
    return v == only ? 0
                     : ser_fail(c->e, SER_BAD, "%s: %s is %d: only %d can be computed", c->path,
                                key, v, only);
}

static int need_word(const struct config *c, const char *key, const char *only) {
    const json_t *v = value_of(c, key);
    if (!v || (json_is_string(v) && strcmp(json_string_value(v), only) == 0))
        return 0;
    return ser_fail(c->e, SER_BAD, "%s: %s is '%.100s': only '%s' can be computed", c->path, key,
                    json_is_string(v) ? json_string_value(v) : "no text", only);
}

/* A switch, or a number that is one when it is not 0, must be off. */
static int need_off(const struct config *c, const char *key) {
    const json_t *v = value_of(c, key);
    if (!v || json_is_false(v) || (json_is_number(v) && json_number_value(v) == 0))
        return 0;
    return ser_fail(c->e, SER_BAD, "%s: %s is set, which cannot be computed", c->path, key);
}

static int get_real(const struct config *c, const char *key, double otherwise, double *to) {
    const json_t *v = value_of(c, key);
    *to = otherwise;
    if (!v)
        return 0;
    if (!json_is_number(v))
        return ser_fail(c->e, SER_BAD, "%s: %s is not a number", c->path, key);
    *to = json_number_value(v);
    return 0;
}

static int get_switch(const struct config *c, const char *key, int otherwise, int *to) {
    const json_t *v = value_of(c, key);
    *to = otherwise;
    if (!v)
        return 0;
    if (!json_is_boolean(v))
        return ser_fail(c->e, SER_BAD, "%s: %s is neither true nor false", c->path, key);
    *to = json_is_true(v);
    return 0;
}

/* A list of as many whole numbers as there are convolutions. */
static int get_list(const struct config *c, const char *key, int n, const int otherwise[7],
                    int *to) {
    const json_t *v = value_of(c, key);
    if ((!v && n != 7) || (v && (!json_is_array(v) || json_array_size(v) != (size_t)n)))
        return ser_fail(c->e, SER_BAD,
                        "%s: %s is not a list of %d numbers, one for each convolution", c->path,
                        key, n);
    for (int i = 0; i < n; i++) {
        const json_t *one = v ? json_array_get(v, (size_t)i) : NULL;
        if (v && (!json_is_integer(one) || json_integer_value(one) < 0 ||
                  json_integer_value(one) > INT32_MAX))
            return ser_fail(c->e, SER_BAD, "%s: %s holds what is not a whole number", c->path, key);
        to[i] = v ? (int)json_integer_value(one) : otherwise[i];
    }
    return 0;
}

/* Keys and defaults: transformers 5.24, configuration_whisper.py. */
static int read_whisper(const struct config *c, struct ser_encoder_shape *s) {
    if (get_whole(c, "d_model", 384, &s->width) || get_whole(c, "encoder_layers", 4, &s->layers) ||
        get_whole(c, "encoder_attention_heads", 6, &s->heads) ||
        get_whole(c, "encoder_ffn_dim", 1536, &s->hidden) ||
        get_whole(c, "num_mel_bins", 80, &s->bands))
        return -1;
    return need_whole(c, "max_source_positions", 1500, 1500) ||
                   need_word(c, "activation_function", "gelu") || need_off(c, "scale_embedding")
               ? -1
               : 0;
}

/* feature_extraction_whisper.py. The table mel_filters is not read there either. */
static int read_whisper_input(const struct config *c, struct ser_encoder_shape *s) {
    return need_whole(c, "feature_size", 80, s->bands) ||
                   need_whole(c, "sampling_rate", 16000, SER_ENCODER_RATE_HZ) ||
                   need_whole(c, "n_fft", 400, 400) || need_whole(c, "hop_length", 160, 160) ||
                   need_off(c, "dither")
               ? -1
               : 0;
}

/* transformers 4.52, configuration_wav2vec2.py, configuration_hubert.py, configuration_wavlm.py. */
static int read_waves(const struct config *c, struct ser_encoder_shape *s) {
    static const int dim[7] = {512, 512, 512, 512, 512, 512, 512},
                     kernel[7] = {10, 3, 3, 3, 3, 2, 2}, stride[7] = {5, 2, 2, 2, 2, 2, 2};
    const json_t *dims = value_of(c, "conv_dim"), *norm = value_of(c, "feat_extract_norm");
    const char *word = norm ? json_string_value(norm) : "group";
    s->convs = json_is_array(dims) && json_array_size(dims) <= SER_ENCODER_CONVS
                   ? (int)json_array_size(dims)
                   : 7;
    if (get_list(c, "conv_dim", s->convs, dim, s->conv_dim) ||
        get_list(c, "conv_kernel", s->convs, kernel, s->conv_kernel) ||
        get_list(c, "conv_stride", s->convs, stride, s->conv_stride))
        return -1;
    if (!word || (strcmp(word, "group") != 0 && strcmp(word, "layer") != 0))
        return ser_fail(c->e, SER_BAD, "%s: feat_extract_norm is neither 'group' nor 'layer'",
                        c->path);
    s->conv_norms = strcmp(word, "layer") == 0;
    s->proj_norm = 1;
    if (s->family == SER_HUBERT && get_switch(c, "feat_proj_layer_norm", 1, &s->proj_norm))
        return -1;
    if (get_whole(c, "hidden_size", 768, &s->width) ||
        get_whole(c, "num_hidden_layers", 12, &s->layers) ||
        get_whole(c, "num_attention_heads", 12, &s->heads) ||
        get_whole(c, "intermediate_size", 3072, &s->hidden) ||
        get_switch(c, "conv_bias", 0, &s->conv_bias) ||
        get_switch(c, "do_stable_layer_norm", 0, &s->stable) ||
        get_real(c, "layer_norm_eps", 1e-5, &s->epsilon) ||
        get_whole(c, "num_conv_pos_embeddings", 128, &s->taps) ||
        get_whole(c, "num_conv_pos_embedding_groups", 16, &s->groups) ||
        get_whole(c, "num_buckets", 320, &s->buckets) ||
        get_whole(c, "max_bucket_distance", 800, &s->distance))
        return -1;
    return need_word(c, "hidden_act", "gelu") || need_word(c, "feat_extract_activation", "gelu") ||
                   need_off(c, "add_adapter") || need_off(c, "adapter_attn_dim") ||
                   need_off(c, "conv_pos_batch_norm")
               ? -1
               : 0;
}

/* feature_extraction_wav2vec2.py */
static int read_waves_input(const struct config *c, struct ser_encoder_shape *s) {
    return need_whole(c, "feature_size", 1, 1) ||
                   need_whole(c, "sampling_rate", 16000, SER_ENCODER_RATE_HZ) ||
                   get_switch(c, "do_normalize", 1, &s->normalize)
               ? -1
               : 0;
}

/* The families, by model_type. */
static const struct family {
    const char *name;
    const char *const prefix[4]; /* of an encoder's tensors, where it is part of a larger model */
    int (*read)(const struct config *c, struct ser_encoder_shape *s);
    int (*read_input)(const struct config *c, struct ser_encoder_shape *s);
} families[] = {
    [SER_WHISPER] = {"whisper",
                     {"model.encoder.", "encoder.", "", NULL},
                     read_whisper,
                     read_whisper_input},
    [SER_WAV2VEC2] = {"wav2vec2", {"wav2vec2.", "", NULL, NULL}, read_waves, read_waves_input},
    [SER_HUBERT] = {"hubert", {"hubert.", "", NULL, NULL}, read_waves, read_waves_input},
    [SER_WAVLM] = {"wavlm", {"wavlm.", "", NULL, NULL}, read_waves, read_waves_input},
};
enum { FAMILIES = sizeof families / sizeof *families };

static int read_family(const struct config *c, struct ser_encoder_shape *s) {
    const char *type = json_string_value(json_object_get(c->json, "model_type"));
    int i = 0;
    if (!type)
        return ser_fail(c->e, SER_BAD, "%s: has no model_type: not an encoder's", c->path);
    while (i < FAMILIES && strcmp(families[i].name, type) != 0)
        i++;
    if (i == FAMILIES)
        return ser_fail(c->e, SER_BAD,
                        "%s: model_type is '%.100s': what can be computed is whisper, wav2vec2, "
                        "hubert and wavlm",
                        c->path, type);
    s->family = (enum ser_encoder_family)i;
    return families[i].read(c, s);
}

static int read_shape(const char *folder, struct ser_encoder_shape *s, struct ser_error *e) {
    struct config c;
    char why[SER_WHY];
    if (config_open(&c, folder, "config.json", e))
        return -1;
    int failed = read_family(&c, s);
    if (!failed && ser_encoder_check(s, why))
        failed = ser_fail(e, SER_BAD, "%s: %s", c.path, why);
    config_close(&c);
    return failed;
}

static int read_input(const char *folder, struct ser_encoder_shape *s, struct ser_error *e) {
    struct config c;
    if (config_open(&c, folder, "preprocessor_config.json", e))
        return -1;
    int failed = families[s->family].read_input(&c, s);
    config_close(&c);
    return failed;
}

/* ---- names ---- */

static const struct size {
    enum ser_encoder_family family;
    int layers, width;
    const char *name;
} sizes[] = {
    {SER_WHISPER, 4, 384, "tiny"},     {SER_WHISPER, 6, 512, "base"},
    {SER_WHISPER, 12, 768, "small"},   {SER_WHISPER, 24, 1024, "medium"},
    {SER_WHISPER, 32, 1280, "large"},  {SER_WAV2VEC2, 12, 768, "base"},
    {SER_WAV2VEC2, 24, 1024, "large"}, {SER_HUBERT, 12, 768, "base"},
    {SER_HUBERT, 24, 1024, "large"},   {SER_WAVLM, 12, 768, "base"},
    {SER_WAVLM, 24, 1024, "large"},
};

static void name_encoder(struct ser_encoder_files *f) {
    const struct ser_encoder_shape *s = &f->shape;
    snprintf(f->name, sizeof f->name, "%s-%dx%d", families[s->family].name, s->layers, s->width);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].family == s->family && sizes[i].layers == s->layers &&
            sizes[i].width == s->width)
            snprintf(f->name, sizeof f->name, "%s-%s", families[s->family].name, sizes[i].name);
}

/* ---- weights ---- */

static int map_weights(struct ser_encoder_files *f, struct ser_error *e) {
    static const struct {
        const char *name;
        int (*add)(struct ser_tensors *, const char *, struct ser_error *);
    } kinds[] = {{"model.safetensors", ser_safetensors_add},
                 {"model.safetensors.index.json", ser_safetensors_add_index},
                 {"pytorch_model.bin", ser_torchfile_add}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *path = path_in(f->folder, kinds[i].name, e);
        if (!path)
            return -1;
        int there = access(path, F_OK) == 0;
        int failed =
            there && (kinds[i].add(&f->tensors, path, e) || ser_tensors_sort(&f->tensors, path, e));
        free(path);
        if (there)
            return failed ? -1 : 0;
    }
    return ser_fail(e, SER_SYS,
                    "%s: has neither model.safetensors nor pytorch_model.bin: not an encoder's "
                    "folder, or not whole",
                    f->folder);
}

/* Since release 2.1 PyTorch writes the two parts of a weight norm under other names. */
static const char *const renamed[][2] = {
    {"encoder.pos_conv_embed.conv.weight_g",
     "encoder.pos_conv_embed.conv.parametrizations.weight.original0"},
    {"encoder.pos_conv_embed.conv.weight_v",
     "encoder.pos_conv_embed.conv.parametrizations.weight.original1"},
};

static const struct ser_tensor *find_name(const struct ser_encoder_files *f, const char *prefix,
                                          const char *name) {
    char full[160];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return ser_tensors_find(&f->tensors, full);
}

/* The tensor of the file that is this weight; NULL if there is none. */
static const struct ser_tensor *find(const struct ser_encoder_files *f, const char *prefix,
                                     const struct ser_weight *w) {
    const struct ser_tensor *t = find_name(f, prefix, w->name);
    for (size_t i = 0; !t && i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(renamed[i][0], w->name) == 0)
            t = find_name(f, prefix, renamed[i][1]);
    return t;
}

const struct ser_tensor *ser_encoder_files_tensor(const struct ser_encoder_files *f,
                                                  const struct ser_weight *w) {
    return find(f, f->prefix, w);
}

static int find_prefix(struct ser_encoder_files *f, struct ser_error *e) {
    for (const char *const *p = families[f->shape.family].prefix; *p; p++)
        if (find(f, *p, &f->weight[0])) {
            f->prefix = *p;
            return 0;
        }
    return ser_fail(e, SER_BAD, "%s: its weights have no '%s': not those of such an encoder",
                    f->folder, f->weight[0].name);
}

static const char *shape_text(int rank, const uint64_t *dim, char text[200]) {
    size_t n = 0;
    snprintf(text, 200, "a single number");
    for (int i = 0; i < rank; i++)
        n +=
            (size_t)snprintf(text + n, 200 - n, "%s%llu", i ? "x" : "", (unsigned long long)dim[i]);
    return text;
}

static int check_weight(const struct ser_encoder_files *f, const struct ser_weight *w,
                        struct ser_error *e) {
    const struct ser_tensor *t = find(f, f->prefix, w);
    uint64_t dim[4];
    char got[200], want[200];
    if (!t)
        return ser_fail(e, SER_BAD, "%s: its weights have no '%s%s', which config.json calls for",
                        f->folder, f->prefix, w->name);
    int same = t->rank == w->rank;
    for (int i = 0; i < w->rank; i++) {
        dim[i] = (uint64_t)w->dim[i];
        same = same && t->dim[i] == dim[i];
    }
    if (!same)
        return ser_fail(e, SER_BAD, "%s: '%s' is %s, not %s, as config.json has it", f->folder,
                        t->name, shape_text(t->rank, t->dim, got), shape_text(w->rank, dim, want));
    if (t->element == SER_ELEMENT_OTHER)
        return ser_fail(e, SER_BAD, "%s: '%s' is not of F32, F16, BF16 or F64", f->folder, t->name);
    return 0;
}

static int list_weights(struct ser_encoder_files *f, struct ser_error *e) {
    f->weights = ser_encoder_weights(&f->shape, NULL);
    f->weight = calloc((size_t)f->weights, sizeof *f->weight);
    if (!f->weight)
        return ser_no_memory(e);
    ser_encoder_weights(&f->shape, f->weight);
    return 0;
}

int ser_encoder_files_open(struct ser_encoder_files *f, const char *folder, struct ser_error *e) {
    *f = (struct ser_encoder_files){.folder = folder};
    if (read_shape(folder, &f->shape, e) || read_input(folder, &f->shape, e))
        return -1;
    name_encoder(f);
    int failed = list_weights(f, e) || map_weights(f, e) || find_prefix(f, e);
    for (int i = 0; !failed && i < f->weights; i++)
        failed = check_weight(f, &f->weight[i], e);
    if (failed)
        ser_encoder_files_close(f);
    return failed ? -1 : 0;
}

void ser_encoder_files_close(struct ser_encoder_files *f) {
    ser_packed_close(&f->packed);
    ser_tensors_free(&f->tensors);
    free(f->weight);
    f->weight = NULL;
}

static int tell_infinite(const struct ser_encoder_files *f, const struct ser_tensor *t,
                         struct ser_error *e) {
    return ser_fail(e, SER_BAD, "%s: '%s' holds a value that is not finite", f->folder, t->name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct ser_weight *)a)->name, ((const struct ser_weight *)b)->name);
}

enum {
    PIECE = 1 << 14, /* values hashed at a time */
    KEPT = 1 << 23   /* bytes of pages that stay while all are read once */
};

/* Pages of the files that were read are given back now and then, so that they are not in memory together
 * with what is made of them. */
static void pass_over(const struct ser_encoder_files *f, const struct ser_tensor *t,
                      size_t *since) {
    *since += (size_t)t->count * sizeof(float);
    if (*since < KEPT)
        return;
    ser_tensors_forget(&f->tensors);
    *since = 0;
}

static int hash_all(const struct ser_encoder_files *f, struct ser_weight *w, float *piece,
                    XXH3_state_t *state, struct ser_error *e) {
    size_t since = 0;
    memcpy(w, f->weight, (size_t)f->weights * sizeof *w);
    qsort(w, (size_t)f->weights, sizeof *w, by_name);
    for (int i = 0; i < f->weights; i++) {
        const struct ser_tensor *t = find(f, f->prefix, &w[i]);
        for (uint64_t at = 0, now; at < t->count; at += now) {
            now = t->count - at < PIECE ? t->count - at : PIECE;
            if (ser_tensor_read(t, at, (size_t)now, piece))
                return tell_infinite(f, t, e);
            ser_swap_elements(piece, (size_t)now, sizeof *piece);
            XXH3_64bits_update(state, piece, (size_t)now * sizeof *piece);
        }
        pass_over(f, t, &since);
    }
    return 0;
}

int ser_encoder_files_hash(const struct ser_encoder_files *f, uint64_t *hash, struct ser_error *e) {
    if (f->packed.at) {
        *hash = f->packed.identity;
        return 0;
    }
    struct ser_weight *w = calloc((size_t)f->weights, sizeof *w);
    float *piece = malloc(PIECE * sizeof *piece);
    XXH3_state_t *state = XXH3_createState();
    int failed;
    if (!w || !piece || !state || XXH3_64bits_reset(state) == XXH_ERROR)
        failed = ser_no_memory(e);
    else
        failed = hash_all(f, w, piece, state, e);
    if (!failed)
        *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    free(piece);
    free(w);
    return failed;
}

int ser_encoder_files_write(const struct ser_encoder_files *f, struct ser_out *o,
                            struct ser_error *e) {
    size_t n = (size_t)f->weights;
    const struct ser_tensor **t = calloc(n + SER_HEAD_TENSORS, sizeof *t);
    if (!t)
        return ser_no_memory(e);
    for (int i = 0; i < f->weights; i++)
        t[i] = find(f, f->prefix, &f->weight[i]);
    n += ser_encoder_head_tensors(f, t + n);
    int failed = ser_safetensors_write(t, n, o, e);
    free(t);
    return failed;
}

struct source {
    const struct ser_encoder_files *f;
    struct ser_error *e;
    size_t since;
};

static int read_weight(void *ctx, const struct ser_weight *w, float *to) {
    struct source *s = ctx;
    const struct ser_tensor *t = find(s->f, s->f->prefix, w);
    if (ser_tensor_read(t, 0, (size_t)t->count, to))
        return tell_infinite(s->f, t, s->e);
    pass_over(s->f, t, &s->since);
    return 0;
}

struct ser_encoder *ser_encoder_files_pack(const struct ser_encoder_files *f, int last,
                                           struct ser_error *e) {
    struct source s = {f, e, 0};
    const struct ser_weight_source from = {read_weight, &s};
    int failed;
    struct ser_encoder *c = ser_encoder_new(&f->shape, last, &from, &failed);
    if (!c && !failed)
        ser_fail(e, SER_SYS, "%s: out of memory for the encoder", f->folder);
    return c;
}

struct ser_encoder *ser_encoder_files_load(struct ser_encoder_files *f, int last,
                                           struct ser_error *e) {
    if (!f->keep || ser_encoder_keep(f, last))
        return ser_encoder_files_pack(f, last, e);
    struct ser_encoder *c = ser_encoder_of(&f->shape, last, f->packed.at);
    if (!c)
        ser_fail(e, SER_SYS, "%s: out of memory for the encoder", f->folder);
    return c;
}
