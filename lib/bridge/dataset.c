#include "bridge/dataset.h"

#include "bridge/voices.h"
#include "core/bytes.h"
#include "core/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* ---- adding streams ---- */

/* The index of a word in list [*n], where it is added if it is new; -1 without memory. */
static int word_index(char ***list, size_t *cap, int *n, const char *word) {
    for (int i = 0; i < *n; i++)
        if (strcmp((*list)[i], word) == 0)
            return i;
    if (ser_grow(list, cap, (size_t)*n + 1, sizeof **list))
        return -1;
    (*list)[*n] = strdup(word);
    return (*list)[*n] ? (*n)++ : -1;
}

/* The dimensions of features. */
static const char *shape_text(const struct ser_input *in, char text[SER_SHAPE_TEXT]) {
    uint64_t dim[3];
    for (int i = 0; i < in->rank; i++)
        dim[i] = (uint64_t)in->shape.dim[i];
    return ser_shape_text(in->rank, dim, text);
}

/* The shape of a record, which must be that of all. */
static int take_shape(struct ser_dataset *d, const struct ser_reader *r, struct ser_record *rec,
                      struct ser_error *e) {
    struct ser_input in;
    char text[SER_SHAPE_TEXT], first[SER_SHAPE_TEXT];
    const char *axes = ser_attr(&d->recipe, SER_AXES);
    ser_shape_text(rec->rank, rec->dim, text);
    if (rec->type != SER_F32 || rec->rank != d->axes.rank || !rec->count)
        return ser_reader_fail(r, rec, e, "is %s %s, not f32 [%s]%s", ser_type_name(rec->type),
                               text, axes ? axes : "rows, frames",
                               axes ? "" : ": other axes are told by 'ser-tensor --axes'");
    if (ser_axes_input(&d->axes, rec->rank, rec->dim, &in))
        return ser_reader_fail(r, rec, e, "is %s, larger than a network accepts (%d a dimension)",
                               text, SER_MAX_DIM);
    if (d->n && memcmp(&in, &d->input, sizeof in) != 0)
        return ser_reader_fail(r, rec, e, "is %s, but the records before it are %s%s", text,
                               shape_text(&d->input, first),
                               d->axes.time < 0 ? "" : ": give all one length: 'ser-tensor pad'");
    d->input = in;
    return 0;
}

/* How many frames of a record, whose shape was taken, are true; -1 with e set. */
static int true_frames(const struct ser_dataset *d, const struct ser_reader *r,
                       struct ser_record *rec, struct ser_error *e) {
    if (d->axes.time < 0)
        return 1;
    return (int)ser_axes_frames(r, rec, d->input.shape.dim[d->axes.time], e);
}

static int add_record(struct ser_dataset *d, const struct ser_reader *r, struct ser_record *rec,
                      struct ser_error *e) {
    const char *emotion = ser_attr(&rec->attrs, "emotion");
    const char *speaker = ser_attr(&rec->attrs, "speaker");
    const char *part = ser_attr(&rec->attrs, "part"), *split = ser_attr(&rec->attrs, "split");
    const char *generated = ser_attr(&rec->attrs, "generated");
    if (part && strcmp(part, "test") == 0)
        return ser_reader_fail(
            r, rec, e, "belongs to the test part, which is never used in training or validation");
    if (part && d->part && strcmp(part, d->part) != 0)
        return ser_reader_fail(r, rec, e, "belongs to the part %.100s, but is given as part %s",
                               part, d->part);
    if (!emotion || !*emotion)
        return ser_reader_fail(r, rec, e, "has no emotion: make features from a manifest");
    if (strchr(emotion, ',') || strcmp(emotion, "-") == 0)
        return ser_reader_fail(r, rec, e, "the emotion '%.100s' cannot name a class", emotion);
    if (take_shape(d, r, rec, e))
        return -1;
    int frames = true_frames(d, r, rec, e);
    if (frames < 0)
        return -1;
    const char *from = ser_attr(&rec->attrs, "corpus");
    int index = word_index(&d->emotion, &d->emotion_cap, &d->emotions, emotion);
    int corpus = word_index(&d->corpus, &d->corpus_cap, &d->corpora, from ? from : "-");
    if (index < 0 || corpus < 0 || (speaker && ser_set_add(&d->speakers, speaker) < 0) ||
        ser_grow(&d->at, &d->cap, d->n + 1, sizeof *d->at))
        return ser_no_memory(e);
    char *key = strdup(rec->key);
    if (!key)
        return ser_no_memory(e);
    d->at[d->n++] = (struct ser_sample){.key = key,
                                        .id = ser_id_length(rec),
                                        .offset = rec->offset,
                                        .hash = XXH3_64bits(rec->data, rec->bytes),
                                        .file = d->files,
                                        .emotion = index,
                                        .corpus = corpus,
                                        .frames = frames};
    d->random += split && strcmp(split, "random") == 0;
    d->generated += generated && strcmp(generated, "no") != 0;
    return 0;
}

/* Indexes the records of a stream that is open as file number d->files. */
static int add_stream(struct ser_dataset *d, struct ser_reader *r, struct ser_error *e) {
    struct ser_record rec = {0};
    int got;
    const char *differ = d->files ? ser_attrs_differ(&d->recipe, &r->header, "feat.") : NULL;
    if (differ)
        return ser_fail(e, SER_BAD,
                        "%s: features of another recipe than %s: %s differs: make them again with "
                        "'ser-mfcc --like' the other",
                        r->in.name, d->path[0], differ);
    ser_attrs_copy(&d->recipe, &r->header);
    if (d->recipe.failed)
        return ser_no_memory(e);
    if (ser_axes_get(&d->recipe, r->in.name, &d->axes, e))
        return -1;
    while ((got = ser_reader_next(r, &rec, e)) > 0)
        if (add_record(d, r, &rec, e)) {
            got = -1;
            break;
        }
    ser_record_free(&rec);
    return got;
}

int ser_dataset_add(struct ser_dataset *d, const char *path, struct ser_error *e) {
    struct ser_in in;
    struct ser_reader r;
    int fd;
    if (ser_open_again(&in, path, &fd, e))
        return -1;
    size_t files = (size_t)d->files + 1;
    char *name = strdup(in.name);
    int failed = ser_reader_begin(&r, &in, "features", e);
    if (!failed) {
        failed = add_stream(d, &r, e);
        ser_reader_close(&r);
    }
    if (!failed && (!name || ser_grow(&d->fd, &d->fd_cap, files, sizeof *d->fd) ||
                    ser_grow(&d->path, &d->path_cap, files, sizeof *d->path)))
        failed = ser_no_memory(e);
    if (failed) {
        close(fd);
        free(name);
        return -1;
    }
    d->path[d->files] = name;
    d->fd[d->files++] = fd;
    return 0;
}

/* ---- classes and checks ---- */

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int ser_dataset_classes(const struct ser_dataset *d, char ***classes, int *n, struct ser_error *e) {
    if (d->emotions < 2 || d->emotions > SER_MAX_CLASSES)
        return ser_fail(e, SER_BAD, "%s: %d emotions in the training data: 2 to %d are needed",
                        d->files ? d->path[0] : "?", d->emotions, SER_MAX_CLASSES);
    *n = d->emotions;
    *classes = malloc((size_t)*n * sizeof **classes);
    if (!*classes)
        return ser_no_memory(e);
    memcpy(*classes, d->emotion, (size_t)*n * sizeof **classes);
    qsort(*classes, (size_t)*n, sizeof **classes, by_bytes);
    return 0;
}

/* The next character of *s that is no blank, in lower case; 0 at the end. */
static int next_letter(const char **s) {
    for (; **s; (*s)++) {
        if (strncmp(*s, "\xc2\xa0", 2) == 0)
            (*s)++;
        else if (!strchr(" \t", **s))
            break;
    }
    int c = (unsigned char)**s;
    *s += c != 0;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int ser_labels_alike(const char *a, const char *b) {
    int x, y;
    if (strcmp(a, b) == 0)
        return 0;
    do {
        x = next_letter(&a);
        y = next_letter(&b);
    } while (x && x == y);
    return x == y;
}

/* An emotion that is no class; one that is, and looks like it, is named. */
static int no_class(const struct ser_dataset *d, const char *emotion, char *const *classes, int n,
                    struct ser_error *e) {
    for (int c = 0; c < n; c++)
        if (ser_labels_alike(classes[c], emotion))
            return ser_fail(e, SER_BAD,
                            "%s: the emotion '%.100s' does not occur in the training data, but "
                            "'%.100s' does: only case or blanks differ",
                            d->path[0], emotion, classes[c]);
    return ser_fail(e, SER_BAD, "%s: the emotion '%.100s' does not occur in the training data",
                    d->path[0], emotion);
}

int ser_dataset_label(struct ser_dataset *d, char *const *classes, int n, struct ser_error *e) {
    free(d->label);
    d->label = calloc((size_t)d->emotions, sizeof *d->label);
    if (!d->label)
        return ser_no_memory(e);
    for (int i = 0; i < d->emotions; i++) {
        int c = 0;
        while (c < n && strcmp(classes[c], d->emotion[i]) != 0)
            c++;
        if (c == n)
            return no_class(d, d->emotion[i], classes, n, e);
        d->label[i] = c;
    }
    return 0;
}

int ser_dataset_suits(const struct ser_dataset *train, const struct ser_dataset *val,
                      struct ser_error *e) {
    char text[SER_SHAPE_TEXT], other[SER_SHAPE_TEXT];
    const char *differ = ser_attrs_differ(&train->recipe, &val->recipe, "feat.");
    if (differ)
        return ser_fail(e, SER_BAD,
                        "%s: features of another recipe than the training data: %s differs: make "
                        "them again with "
                        "'ser-mfcc --like' one of those",
                        val->path[0], differ);
    if (memcmp(&train->input, &val->input, sizeof val->input) != 0)
        return ser_fail(e, SER_BAD, "%s: samples are %s, but those of the training data %s",
                        val->path[0], shape_text(&val->input, text),
                        shape_text(&train->input, other));
    if (train->random == train->n && val->random == val->n)
        return 0;
    for (size_t i = 0; i < val->speakers.cap; i++)
        if (val->speakers.at[i] && ser_set_has(&train->speakers, val->speakers.at[i]))
            return ser_fail(
                e, SER_BAD,
                "%s: the speaker %.100s is in both training and validation data: split by speaker, "
                "or with ser-split --random",
                val->path[0], val->speakers.at[i]);
    return 0;
}

void ser_dataset_count(const struct ser_dataset *d, size_t *count, int n) {
    memset(count, 0, (size_t)n * sizeof *count);
    for (size_t i = 0; i < d->n; i++)
        count[d->label[d->at[i].emotion]]++;
}

uint64_t ser_dataset_hash(const struct ser_dataset *d) {
    uint64_t h = 0;
    for (size_t i = 0; i < d->n; i++) {
        const uint64_t word[2] = {d->at[i].hash, (uint64_t)d->label[d->at[i].emotion]};
        h = XXH3_64bits_withSeed(word, sizeof word, h);
    }
    return h;
}

uint64_t ser_dataset_frames_hash(const struct ser_dataset *d, uint64_t h) {
    for (size_t i = 0; i < d->n; i++) {
        const uint64_t word = (uint64_t)d->at[i].frames;
        h = XXH3_64bits_withSeed(&word, sizeof word, h);
    }
    return h;
}

/* ---- reading samples ---- */

/* e about sample i: "FILE: record 17: what: why". Every record of a file is a sample, in its order.
 */
static int fail_at(struct ser_dataset *d, size_t i, int status, const char *what, const char *why) {
    size_t first = i;
    while (first && d->at[first - 1].file == d->at[i].file)
        first--;
    return ser_fail(&d->e, status, "%s: record %zu: %s: %s", d->path[d->at[i].file], i - first + 1,
                    what, why);
}

static int get(void *ctx, size_t i, float *x, int *label) {
    struct ser_dataset *d = ctx;
    const struct ser_sample *s = &d->at[i];
    size_t bytes = sizeof *x * ser_shape_size(&d->input.shape);
    int failed;
    size_t done = ser_read_at(d->fd[s->file], s->offset, x, bytes, &failed);
    if (failed)
        return fail_at(d, i, SER_SYS, "cannot read", strerror(errno));
    ser_swap_elements(x, bytes / sizeof *x, sizeof *x);
    if (done < bytes || XXH3_64bits(x, bytes) != s->hash)
        return fail_at(d, i, SER_BAD, "changed or shrank while it was in use",
                       "train again while nothing writes to it");
    *label = d->label[s->emotion];
    return 0;
}

static int frames(void *ctx, size_t i) {
    const struct ser_dataset *d = ctx;
    return d->at[i].frames;
}

struct ser_data ser_dataset_data(struct ser_dataset *d) {
    return (struct ser_data){.n = d->n, .get = get, .ctx = d, .frames = frames};
}

void ser_dataset_free(struct ser_dataset *d) {
    for (int i = 0; i < d->files; i++) {
        close(d->fd[i]);
        free(d->path[i]);
    }
    for (int i = 0; i < d->emotions; i++)
        free(d->emotion[i]);
    for (int i = 0; i < d->corpora; i++)
        free(d->corpus[i]);
    for (size_t i = 0; i < d->n; i++)
        free(d->at[i].key);
    free(d->corpus);
    free(d->at);
    free(d->fd);
    free(d->path);
    free(d->emotion);
    free(d->label);
    ser_attrs_clear(&d->recipe);
    ser_set_free(&d->speakers);
    *d = (struct ser_dataset){0};
}
