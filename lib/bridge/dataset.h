/* dataset.h - feature streams as training or validation data.
 *
 * Nothing is held in memory but an index: each sample is read from its file when it is wanted, so
 * data larger than memory trains too. What cannot seek (a pipe) is copied once to an unlinked file
 * in TMPDIR. Every stream is verified whole when it is added, and every sample again when it is
 * read: a file that shrinks or changes meanwhile is an error.
 */
#ifndef SER_DATASET_H
#define SER_DATASET_H

#include "core/attrs.h"
#include "core/set.h"
#include "nn/nn.h"

struct ser_sample {
    uint64_t offset; /* of its payload */
    uint64_t hash;   /* XXH3-64 of its payload */
    int file;        /* index into fd */
    int emotion;     /* index into emotion */
};

struct ser_dataset { /* zeros: no data yet */
    size_t n, cap;
    struct ser_sample *at;   /* [n] in the order of the streams */
    int rows, frames;        /* of every sample, f32 [rows, frames] */
    struct ser_attrs recipe; /* feat.* of every stream */
    int files;
    size_t fd_cap, path_cap;
    int *fd;      /* [files] */
    char **path;  /* [files] */
    int emotions; /* different ones so far, in order of appearance */
    size_t emotion_cap;
    char **emotion; /* [emotions] */
    int *label;     /* [emotions] class of each, from ser_dataset_label */
    struct ser_set speakers;
    size_t random;      /* samples that carry split=random */
    const char *part;   /* what it is: train or val; NULL: either */
    struct ser_error e; /* why get of ser_dataset_data failed */
};

/* Adds the samples of a features stream (NULL, "-": standard input). Refused (SER_BAD): records of
 * the test part or of another than d->part (those that name none are taken), records without
 * emotion, other shapes or recipes than before. 0, or -1 with e set. */
int ser_dataset_add(struct ser_dataset *d, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* The classes of a model: the emotions of d in byte order, as an array of *n that the caller frees;
 * the texts stay d's. -1 with e set if there are fewer than two or more than SER_MAX_CLASSES. */
int ser_dataset_classes(const struct ser_dataset *d, char ***classes, int *n,
                        struct ser_error *e) SER_MUST_CHECK;

/* Gives every sample its class. An emotion that is no class is SER_BAD. */
int ser_dataset_label(struct ser_dataset *d, char *const *classes, int n,
                      struct ser_error *e) SER_MUST_CHECK;

/* Refuses validation data that does not suit the training data: another recipe or shape, or a
 * speaker in both, unless all of it comes from a random split. */
int ser_dataset_suits(const struct ser_dataset *train, const struct ser_dataset *val,
                      struct ser_error *e) SER_MUST_CHECK;

/* Samples of each class, count [n classes]; after ser_dataset_label. */
void ser_dataset_count(const struct ser_dataset *d, size_t *count, int n);

/* A number that changes when samples, their order or their classes do. */
uint64_t ser_dataset_hash(const struct ser_dataset *d);

/* d as the fit wants it; d must stay. When get fails, d->e says why. */
struct ser_data ser_dataset_data(struct ser_dataset *d);

void ser_dataset_free(struct ser_dataset *d);

#endif
