#include "bridge/encoder-head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/json.h"
#include "core/bytes.h"

enum { DEPTH = 16 }; /* of objects and arrays in a configuration */

static const char *const tensors[SER_HEAD_TENSORS] = {
    "layer_weights",           "projector.weight",
    "projector.bias",          "classifier.weight",
    "classifier.bias",         "classifier.dense.weight",
    "classifier.dense.bias",   "classifier.out_proj.weight",
    "classifier.out_proj.bias"};

size_t ser_encoder_head_tensors(const struct ser_encoder_files *f, const struct ser_tensor **t) {
    size_t n = 0;
    for (size_t i = 0; i < SER_HEAD_TENSORS; i++) {
        const struct ser_tensor *one = ser_tensors_find(&f->tensors, tensors[i]);
        if (one && one->element != SER_ELEMENT_OTHER)
            t[n++] = one;
    }
    return n;
}

/* ---- tensors ---- */

/* The tensor [rows,columns], or [rows] where columns is 0. NULL with e set. */
static float *load(const struct ser_encoder_files *f, const char *name, int rows, int columns,
                   struct ser_error *e) {
    const struct ser_tensor *t = ser_tensors_find(&f->tensors, name);
    int rank = columns ? 2 : 1, fits = t && t->rank == rank && t->dim[0] == (uint64_t)rows &&
                                       (!columns || t->dim[1] == (uint64_t)columns);
    if (!fits || t->element == SER_ELEMENT_OTHER) {
        ser_fail(e, SER_BAD, "%s: '%s' is not there, or not of %d%s%.0d numbers", f->folder, name,
                 rows, columns ? "x" : "", columns);
        return NULL;
    }
    float *to = malloc((size_t)t->count * sizeof *to);
    if (!to)
        ser_no_memory(e);
    else if (ser_tensor_read(t, 0, (size_t)t->count, to)) {
        ser_fail(e, SER_BAD, "%s: '%s' holds a value that is not finite", f->folder, name);
        free(to);
        to = NULL;
    }
    return to;
}

/* A matrix and its bias, by the names' beginning. */
static int load_pair(const struct ser_encoder_files *f, const char *name, int rows, int columns,
                     float **weight, float **bias, struct ser_error *e) {
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    *weight = load(f, full, rows, columns, e);
    snprintf(full, sizeof full, "%s.bias", name);
    *bias = *weight ? load(f, full, rows, 0, e) : NULL;
    return *bias ? 0 : -1;
}

/* Rows of a matrix, 1..most; 0: it is not there, or has others. */
static int rows_of(const struct ser_encoder_files *f, const char *name, int most) {
    const struct ser_tensor *t = ser_tensors_find(&f->tensors, name);
    return t && t->rank == 2 && t->dim[0] <= (uint64_t)most ? (int)t->dim[0] : 0;
}

/* ---- names ---- */

static int name_numbers(struct ser_encoder_head *h, struct ser_error *e) {
    static const char *const names[] = {"arousal", "dominance", "valence"};
    for (int i = 0; i < h->head.outputs; i++)
        if (!(h->name[i] = strdup(names[i])))
            return ser_no_memory(e);
    return 0;
}

/* Those of id2label; without it, transformers' own. */
static int name_classes(const json_t *config, const char *path, struct ser_encoder_head *h,
                        struct ser_error *e) {
    const json_t *labels = json_object_get(config, "id2label");
    for (int i = 0; i < h->head.outputs; i++) {
        char key[32], label[32];
        snprintf(key, sizeof key, "%d", i);
        snprintf(label, sizeof label, "LABEL_%d", i);
        const char *text = labels && !json_is_null(labels)
                               ? json_string_value(json_object_get(labels, key))
                               : label;
        if (!text || !*text || !ser_is_text(text, strlen(text)) || strpbrk(text, "\t\r\n"))
            return ser_fail(e, SER_BAD, "%s: id2label has no name for class %d", path, i);
        if (!(h->name[i] = strdup(text)))
            return ser_no_memory(e);
    }
    return 0;
}

/* ---- heads ---- */

static int load_numbers(const struct ser_encoder_files *f, struct ser_encoder_head *h,
                        struct ser_error *e) {
    struct ser_head *to = &h->head;
    to->numbers = 1;
    to->inner = rows_of(f, "classifier.dense.weight", SER_MAX_INNER);
    if (to->outputs != 3)
        return ser_fail(e, SER_BAD,
                        "%s: its head has %d numbers: what is known is arousal, dominance and "
                        "valence",
                        f->folder, to->outputs);
    return load_pair(f, "classifier.dense", to->inner, to->width, &to->U, &to->u, e) ||
                   load_pair(f, "classifier.out_proj", 3, to->inner, &to->V, &to->v, e) ||
                   name_numbers(h, e)
               ? -1
               : 0;
}

static int load_classes(const struct ser_encoder_files *f, const json_t *config, const char *path,
                        struct ser_encoder_head *h, struct ser_error *e) {
    struct ser_head *to = &h->head;
    to->inner = rows_of(f, "projector.weight", SER_MAX_INNER);
    if (json_is_true(json_object_get(config, "use_weighted_layer_sum"))) {
        to->states = f->shape.layers + 1;
        to->weight = load(f, "layer_weights", to->states, 0, e);
        if (!to->weight)
            return -1;
    }
    return load_pair(f, "projector", to->inner, to->width, &to->U, &to->u, e) ||
                   load_pair(f, "classifier", to->outputs, to->inner, &to->V, &to->v, e) ||
                   name_classes(config, path, h, e)
               ? -1
               : 0;
}

static int load_head(const struct ser_encoder_files *f, const json_t *config, const char *path,
                     struct ser_encoder_head *h, struct ser_error *e) {
    struct ser_head *to = &h->head;
    int numbers = rows_of(f, "classifier.out_proj.weight", SER_MAX_OUTPUTS),
        classes = rows_of(f, "classifier.weight", SER_MAX_OUTPUTS);
    if (f->shape.family == SER_WHISPER || !(numbers + classes))
        return ser_fail(e, SER_BAD,
                        "%s: has no head that can be computed: what is known is those of wav2vec "
                        "2.0, HuBERT and WavLM for classes, and audeering's",
                        f->folder);
    to->width = f->shape.width;
    to->states = 1;
    to->outputs = numbers ? numbers : classes;
    h->name = calloc((size_t)to->outputs, sizeof *h->name);
    if (!h->name)
        return ser_no_memory(e);
    return numbers ? load_numbers(f, h, e) : load_classes(f, config, path, h, e);
}

int ser_encoder_head_load(const struct ser_encoder_files *f, struct ser_encoder_head *h,
                          struct ser_error *e) {
    struct ser_text path = {0};
    *h = (struct ser_encoder_head){.name = NULL};
    ser_text_printf(&path, "%s/config.json", f->folder);
    if (path.failed)
        return ser_no_memory(e);
    json_t *config = ser_json_load(path.at, DEPTH, e);
    int failed = config ? load_head(f, config, path.at, h, e) : -1;
    json_decref(config);
    ser_text_free(&path);
    if (failed)
        ser_encoder_head_free(h);
    return failed;
}

void ser_encoder_head_free(struct ser_encoder_head *h) {
    for (int i = 0; h->name && i < h->head.outputs; i++)
        free(h->name[i]);
    free(h->name);
    ser_head_free(&h->head);
    h->name = NULL;
}
