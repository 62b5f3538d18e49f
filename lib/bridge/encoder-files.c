#include "bridge/encoder-files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "bridge/json.h"
#include "bridge/safetensors.h"
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

/* Keys and defaults: transformers 5.24, configuration_whisper.py. */
static int read_whisper(const struct config *c, struct ser_encoder_shape *s) {
    s->family = SER_WHISPER;
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
static int read_whisper_input(const struct config *c, const struct ser_encoder_shape *s) {
    return need_whole(c, "feature_size", 80, s->bands) ||
                   need_whole(c, "sampling_rate", 16000, SER_ENCODER_RATE_HZ) ||
                   need_whole(c, "n_fft", 400, 400) || need_whole(c, "hop_length", 160, 160) ||
                   need_off(c, "dither")
               ? -1
               : 0;
}

static int read_shape(const char *folder, struct ser_encoder_shape *s, struct ser_error *e) {
    struct config c;
    char why[SER_WHY];
    if (config_open(&c, folder, "config.json", e))
        return -1;
    const char *type = json_string_value(json_object_get(c.json, "model_type"));
    int failed;
    if (!type)
        failed = ser_fail(e, SER_BAD, "%s: has no model_type: not an encoder's", c.path);
    else if (strcmp(type, "whisper") != 0)
        failed = ser_fail(e, SER_BAD, "%s: model_type is '%.100s': only 'whisper' can be computed",
                          c.path, type);
    else
        failed = read_whisper(&c, s);
    if (!failed && ser_encoder_check(s, why))
        failed = ser_fail(e, SER_BAD, "%s: %s", c.path, why);
    config_close(&c);
    return failed;
}

static int read_input(const char *folder, const struct ser_encoder_shape *s, struct ser_error *e) {
    struct config c;
    if (config_open(&c, folder, "preprocessor_config.json", e))
        return -1;
    int failed = read_whisper_input(&c, s);
    config_close(&c);
    return failed;
}

/* ---- names ---- */

static const struct size {
    enum ser_encoder_family family;
    int layers, width;
    const char *name;
} sizes[] = {
    {SER_WHISPER, 4, 384, "tiny"},    {SER_WHISPER, 6, 512, "base"},
    {SER_WHISPER, 12, 768, "small"},  {SER_WHISPER, 24, 1024, "medium"},
    {SER_WHISPER, 32, 1280, "large"},
};

static const char *const families[] = {[SER_WHISPER] = "whisper"};

static void name_encoder(struct ser_encoder_files *f) {
    const struct ser_encoder_shape *s = &f->shape;
    snprintf(f->name, sizeof f->name, "%s-%dx%d", families[s->family], s->layers, s->width);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].family == s->family && sizes[i].layers == s->layers &&
            sizes[i].width == s->width)
            snprintf(f->name, sizeof f->name, "%s-%s", families[s->family], sizes[i].name);
}

/* ---- weights ---- */

static int map_weights(struct ser_encoder_files *f, struct ser_error *e) {
    static const struct {
        const char *name;
        int (*add)(struct ser_tensors *, const char *, struct ser_error *);
    } kinds[] = {{"model.safetensors", ser_safetensors_add},
                 {"model.safetensors.index.json", ser_safetensors_add_index}};
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
                    "%s: has no model.safetensors: not an encoder's folder, or not whole",
                    f->folder);
}

/* The tensor of the file that is this weight; NULL if there is none. */
static const struct ser_tensor *find(const struct ser_encoder_files *f, const char *prefix,
                                     const struct ser_weight *w) {
    char full[128];
    snprintf(full, sizeof full, "%s%s", prefix, w->name);
    return ser_tensors_find(&f->tensors, full);
}

static int find_prefix(struct ser_encoder_files *f, struct ser_error *e) {
    static const char *const prefixes[] = {"model.encoder.", "encoder.", ""};
    struct ser_weight w;
    ser_encoder_weight(&f->shape, 0, &w);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (find(f, prefixes[i], &w)) {
            f->prefix = prefixes[i];
            return 0;
        }
    return ser_fail(e, SER_BAD, "%s: its weights have no '%s': not those of such an encoder",
                    f->folder, w.name);
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
    uint64_t dim[3];
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

int ser_encoder_files_open(struct ser_encoder_files *f, const char *folder, struct ser_error *e) {
    *f = (struct ser_encoder_files){.folder = folder};
    if (read_shape(folder, &f->shape, e) || read_input(folder, &f->shape, e))
        return -1;
    name_encoder(f);
    int failed = map_weights(f, e) || find_prefix(f, e);
    for (int i = 0; !failed && i < ser_encoder_weights(&f->shape); i++) {
        struct ser_weight w;
        ser_encoder_weight(&f->shape, i, &w);
        failed = check_weight(f, &w, e);
    }
    if (failed)
        ser_encoder_files_close(f);
    return failed ? -1 : 0;
}

void ser_encoder_files_close(struct ser_encoder_files *f) {
    ser_tensors_free(&f->tensors);
}

static int tell_infinite(const struct ser_encoder_files *f, const struct ser_tensor *t,
                         struct ser_error *e) {
    return ser_fail(e, SER_BAD, "%s: '%s' holds a value that is not finite", f->folder, t->name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct ser_weight *)a)->name, ((const struct ser_weight *)b)->name);
}

enum { PIECE = 1 << 14 }; /* values hashed at a time */

static int hash_all(const struct ser_encoder_files *f, struct ser_weight *w, int n, float *piece,
                    XXH3_state_t *state, struct ser_error *e) {
    for (int i = 0; i < n; i++)
        ser_encoder_weight(&f->shape, i, &w[i]);
    qsort(w, (size_t)n, sizeof *w, by_name);
    for (int i = 0; i < n; i++) {
        const struct ser_tensor *t = find(f, f->prefix, &w[i]);
        for (uint64_t at = 0, now; at < t->count; at += now) {
            now = t->count - at < PIECE ? t->count - at : PIECE;
            if (ser_tensor_read(t, at, (size_t)now, piece))
                return tell_infinite(f, t, e);
            ser_swap_elements(piece, (size_t)now, sizeof *piece);
            XXH3_64bits_update(state, piece, (size_t)now * sizeof *piece);
        }
    }
    return 0;
}

int ser_encoder_files_hash(const struct ser_encoder_files *f, uint64_t *hash, struct ser_error *e) {
    int n = ser_encoder_weights(&f->shape);
    struct ser_weight *w = calloc((size_t)n, sizeof *w);
    float *piece = malloc(PIECE * sizeof *piece);
    XXH3_state_t *state = XXH3_createState();
    int failed;
    if (!w || !piece || !state || XXH3_64bits_reset(state) == XXH_ERROR)
        failed = ser_no_memory(e);
    else
        failed = hash_all(f, w, n, piece, state, e);
    if (!failed)
        *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    free(piece);
    free(w);
    return failed;
}

struct source {
    const struct ser_encoder_files *f;
    struct ser_error *e;
};

static int read_weight(void *ctx, const struct ser_weight *w, float *to) {
    const struct source *s = ctx;
    const struct ser_tensor *t = find(s->f, s->f->prefix, w);
    return ser_tensor_read(t, 0, (size_t)t->count, to) ? tell_infinite(s->f, t, s->e) : 0;
}

struct ser_encoder *ser_encoder_files_load(const struct ser_encoder_files *f, int last,
                                           struct ser_error *e) {
    struct source s = {f, e};
    const struct ser_weight_source from = {read_weight, &s};
    int failed;
    struct ser_encoder *c = ser_encoder_new(&f->shape, last, &from, &failed);
    if (!c && !failed)
        ser_fail(e, SER_SYS, "%s: out of memory for the encoder", f->folder);
    return c;
}
