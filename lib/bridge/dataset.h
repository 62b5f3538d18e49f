/* dataset.h - feature streams as training or validation data.
 *
 * Only an index is held in memory: each sample is read from its file when it is needed, so the data
 * may be larger than memory. Input that cannot seek (a pipe) is first copied to an unlinked file in
 * TMPDIR. Every stream is verified completely when it is added, and every sample again when it is
 * read: a file that shrinks or changes in between is an error.
 */
#ifndef SER_DATASET_H
#define SER_DATASET_H

#include "bridge/axes.h"
#include "core/attrs.h"
#include "core/set.h"
#include "nn/nn.h"

struct ser_sample {
    char *key;       /* of its record; owned */
    size_t id;       /* bytes of it that name the recording (ser_id_length) */
    uint64_t offset; /* of its payload in the file */
    uint64_t hash;   /* XXH3-64 of its payload */
    int file;        /* index into fd and path */
    int emotion;     /* index into emotion and label */
    int corpus;      /* index into corpus */
    int frames;      /* that are true: before padding; where it has no axis of time, or does not
                        say, as many as it has */
};

struct ser_dataset {         /* all zeros: no data yet; part may be set */
    size_t n, cap;           /* samples, and room for them */
    struct ser_sample *at;   /* [n] in the order of the streams */
    struct ser_input input;  /* of every sample */
    struct ser_attrs recipe; /* feat.* of every stream */
    struct ser_axes axes;    /* as the recipe has them */
    int files;
    size_t fd_cap, path_cap;
    int *fd;      /* [files] open descriptors; owned */
    char **path;  /* [files] for messages; owned */
    int emotions; /* number of different emotions */
    size_t emotion_cap;
    char **emotion; /* [emotions] in order of appearance; owned */
    int corpora;    /* number of different corpora; a record that tells none is of "-" */
    size_t corpus_cap;
    char **corpus;           /* [corpora] in order of appearance; owned */
    int *label;              /* [emotions] the class of each, set by ser_dataset_label */
    struct ser_set speakers; /* of all samples */
    size_t random;           /* samples with the attribute split=random */
    size_t generated;        /* samples with the attribute generated, other than no: of no person */
    const char *part;        /* the part to accept: train or val; NULL: both; borrowed */
    struct ser_error e;      /* why the function get of ser_dataset_data failed */
};

/* Adds the samples of a features stream (NULL, "-": standard input). 0, or -1 with e set. SER_BAD:
 * records of the test part, or of another part than d->part (records without a part are accepted);
 * records without emotion; other shapes or recipes than those before. */
int ser_dataset_add(struct ser_dataset *d, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* The classes of a model: the emotions of d in byte order, *classes [*n]. The caller frees the
 * array; the texts belong to d. 0, or -1 with e set: SER_BAD for fewer than two or more than
 * SER_MAX_CLASSES emotions. */
int ser_dataset_classes(const struct ser_dataset *d, char ***classes, int *n,
                        struct ser_error *e) SER_MUST_CHECK;

/* Gives every sample its class, the index of its emotion in classes [n]. 0, or -1 with e set: an
 * emotion that is not among the classes is SER_BAD. */
int ser_dataset_label(struct ser_dataset *d, char *const *classes, int n,
                      struct ser_error *e) SER_MUST_CHECK;

/* 1 if the two differ only in the case of ASCII letters or in blanks (also no-break ones), as sad, Sad
 * and "sad " do: most likely somebody meant one class. Else 0; also for equal ones. */
int ser_labels_alike(const char *a, const char *b);

/* Checks that the validation data suits the training data. 0, or -1 with e set. SER_BAD: another
 * recipe or shape, or a speaker in both, unless all samples come from a random split. */
int ser_dataset_suits(const struct ser_dataset *train, const struct ser_dataset *val,
                      struct ser_error *e) SER_MUST_CHECK;

/* Counts the samples of each class into count [n], n classes. Call it after ser_dataset_label. */
void ser_dataset_count(const struct ser_dataset *d, size_t *count, int n);

/* A number that changes if samples, their order or their classes do. Call it after
 * ser_dataset_label. */
uint64_t ser_dataset_hash(const struct ser_dataset *d);

/* A number that changes with h, and if the true frames of samples do. */
uint64_t ser_dataset_frames_hash(const struct ser_dataset *d, uint64_t h);

/* The data in the form that ser_fit_run reads (nn.h). d must outlive it. If its function get fails,
 * d->e says why. */
struct ser_data ser_dataset_data(struct ser_dataset *d);

/* Closes all files, frees, and makes *d all zeros. */
void ser_dataset_free(struct ser_dataset *d);

#endif
