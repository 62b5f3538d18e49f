/* published.h - figures that others published, to stand beside ours: manifests/published.tsv, which
 * is part of the program. manifests/README.md says what its columns mean. */
#ifndef SER_PUBLISHED_H
#define SER_PUBLISHED_H

#include "bridge/evaluation.h"

/* One stage of a study, with the figure that it published. Texts are owned; - means none. */
struct ser_published {
    char *stage;
    char *corpora; /* of its test part, with spaces between them */
    char *layer;   /* that its network has, and the networks of like runs */
    char *data, *remark;
    double percent;     /* the figure */
    int64_t emotions;   /* that it tells apart */
    int64_t recordings; /* in all; 0: not known */
    int random;         /* utterances were split at random, so voices of the test were known */
};

/* The stages of a study that have a figure of this kind, in the table's order: *list [*n]. 0, or -1
 * with e set and nothing to free. */
int ser_published_read(struct ser_published **list, size_t *n, const char *study,
                       const char *metric, struct ser_error *e) SER_MUST_CHECK;
void ser_published_free(struct ser_published *list, size_t n);

/* 1 if a stage has one of the corpora that v was tested on. */
int ser_published_concerns(const struct ser_published *list, size_t n,
                           const struct ser_evaluation *v);

/* The stage that runs are like: those that v has scored, of splits at random or not, with networks
 * of this text (NULL: not known). NULL: none. */
const struct ser_published *ser_published_like(const struct ser_published *list, size_t n,
                                               const struct ser_evaluation *v, int random,
                                               const char *net);

#endif
