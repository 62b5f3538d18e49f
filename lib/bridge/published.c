#include "bridge/published.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/embed.h"
#include "core/tsv.h"

SER_EMBED(known_published, "manifests/published.tsv");

enum column {
    STUDY,
    STAGE,
    METRIC,
    VALUE,
    CORPORA,
    EMOTIONS,
    RECORDINGS,
    SPLIT,
    LAYER,
    DATA,
    REMARK,
    COLUMNS
};
static const char *const column_name[COLUMNS] = {
    "study",      "stage", "metric", "value_percent", "corpora", "emotions",
    "recordings", "split", "layer",  "data",          "remark"};

static int is_none(const char *text) {
    return strcmp(text, "-") == 0;
}

void ser_published_free(struct ser_published *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(list[i].stage);
        free(list[i].corpora);
        free(list[i].layer);
        free(list[i].data);
        free(list[i].remark);
    }
    free(list);
}

/* A count of at least 1; 0 where it is not known. */
static int read_count(const struct ser_tsv *t, int column, int64_t *count, struct ser_error *e) {
    const char *text = t->field[column];
    *count = 0;
    return is_none(text) || !ser_parse_int(text, 1, INT32_MAX, count)
               ? 0
               : ser_tsv_fail(t, e, "%s is no count", t->name[column]);
}

static int read_row(struct ser_published *p, const struct ser_tsv *t, const int at[COLUMNS],
                    struct ser_error *e) {
    *p = (struct ser_published){
        .stage = strdup(t->field[at[STAGE]]),
        .corpora = strdup(t->field[at[CORPORA]]),
        .layer = strdup(t->field[at[LAYER]]),
        .data = strdup(t->field[at[DATA]]),
        .remark = strdup(t->field[at[REMARK]]),
        .random = strcmp(t->field[at[SPLIT]], "random") == 0,
    };
    if (!p->stage || !p->corpora || !p->layer || !p->data || !p->remark)
        return ser_fail(e, SER_SYS, "out of memory");
    if (ser_parse_real(t->field[at[VALUE]], 0, 100, &p->percent))
        return ser_tsv_fail(t, e, "no percentage: '%.60s'", t->field[at[VALUE]]);
    return read_count(t, at[EMOTIONS], &p->emotions, e) ||
                   read_count(t, at[RECORDINGS], &p->recordings, e)
               ? -1
               : 0;
}

static int read_rows(struct ser_published **list, size_t *n, struct ser_tsv *t, const char *study,
                     const char *metric, struct ser_error *e) {
    int at[COLUMNS], got;
    size_t cap = 0;
    for (int c = 0; c < COLUMNS; c++)
        if ((at[c] = ser_tsv_need(t, column_name[c], e)) < 0)
            return -1;
    while ((got = ser_tsv_next(t, e)) > 0) {
        if (strcmp(t->field[at[STUDY]], study) != 0 || strcmp(t->field[at[METRIC]], metric) != 0)
            continue;
        if (ser_grow(list, &cap, *n + 1, sizeof **list))
            return ser_fail(e, SER_SYS, "out of memory");
        if (read_row(&(*list)[(*n)++], t, at, e))
            return -1;
    }
    return got;
}

int ser_published_read(struct ser_published **list, size_t *n, const char *study,
                       const char *metric, struct ser_error *e) {
    struct ser_tsv t;
    *list = NULL;
    *n = 0;
    if (ser_tsv_memory(&t, known_published, strlen(known_published), "published.tsv", e))
        return -1;
    int failed = read_rows(list, n, &t, study, metric, e);
    ser_tsv_close(&t);
    if (failed)
        ser_published_free(*list, *n);
    return failed;
}

/* ---- which stage runs are like ---- */

/* 1 if word is one of words, which have spaces between them; counts them. */
static int is_among(const char *words, const char *word, size_t *n) {
    int found = 0;
    *n = 0;
    for (const char *s = words; *s; s += strspn(s, " ")) {
        size_t k = strcspn(s, " ");
        found |= k == strlen(word) && memcmp(s, word, k) == 0;
        s += k;
        ++*n;
    }
    return found;
}

static int has_corpora(const struct ser_published *p, const struct ser_evaluation *v) {
    size_t n = 0;
    for (size_t i = 0; i < v->members[SER_BY_CORPUS]; i++)
        if (!is_among(p->corpora, v->member[SER_BY_CORPUS][i].name, &n))
            return 0;
    return n == v->members[SER_BY_CORPUS];
}

int ser_published_concerns(const struct ser_published *list, size_t n,
                           const struct ser_evaluation *v) {
    size_t words;
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < v->members[SER_BY_CORPUS]; i++)
            if (is_among(list[s].corpora, v->member[SER_BY_CORPUS][i].name, &words))
                return 1;
    return 0;
}

/* 1 if a line of the network begins with the layer's name. */
static int has_layer(const char *net, const char *layer) {
    for (const char *line = net; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, layer, strlen(layer)) == 0)
            return 1;
    return 0;
}

const struct ser_published *ser_published_like(const struct ser_published *list, size_t n,
                                               const struct ser_evaluation *v, int random,
                                               const char *net) {
    const struct ser_published *like = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct ser_published *p = &list[i];
        if (has_corpora(p, v) && p->emotions == v->classes && p->random == random &&
            (is_none(p->layer) || has_layer(net, p->layer)) && (!like || is_none(like->layer)))
            like = p; /* one that names a layer goes before one that does not */
    }
    return like;
}
