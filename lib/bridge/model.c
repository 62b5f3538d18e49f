#include "bridge/model.h"

#include "bridge/axes.h"
#include "core/bytes.h"
#include "math/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- classes as one attribute: angry,calm,... ---- */

static void free_classes(char **class, int n) {
    for (int i = 0; class && i < n; i++)
        free(class[i]);
    free(class);
}

static int check_classes(char *const *class, int n, const char *where, struct ser_error *e) {
    for (int i = 0; i < n; i++) {
        if (strchr(class[i], ',') || !*class[i])
            return ser_fail(e, SER_BAD, "%s: the class '%.100s' is empty or holds a comma", where,
                            class[i]);
        if (i && strcmp(class[i - 1], class[i]) >= 0)
            return ser_fail(e, SER_BAD, "%s: the class '%.100s' comes twice or out of order", where,
                            class[i]);
    }
    return 0;
}

/* a,b,c; NULL without memory. The caller frees. */
static char *join_classes(char *const *class, int n) {
    struct ser_text t = {0};
    for (int i = 0; i < n; i++)
        ser_text_printf(&t, i ? ",%s" : "%s", class[i]);
    if (t.failed)
        ser_text_free(&t);
    return t.at;
}

/* The parts of text; the caller frees them and the array. NULL without memory. */
static char **cut_classes(const char *text, int *n) {
    int parts = 1;
    for (const char *s = text; *s; s++)
        parts += *s == ',';
    char **class = calloc((size_t)parts, sizeof *class);
    *n = class ? parts : 0;
    for (int i = 0; i < *n; i++, text += strcspn(text, ",") + 1)
        if (!(class[i] = strndup(text, strcspn(text, ",")))) {
            free_classes(class, *n);
            *n = 0;
            return NULL;
        }
    return class;
}

/* ---- a model in memory ---- */

static void wide(int rank, const int *from, uint64_t to[3]) {
    for (int i = 0; i < rank; i++)
        to[i] = (uint64_t)from[i];
}

const char *ser_model_input(const struct ser_model *m, char text[SER_SHAPE_TEXT]) {
    uint64_t dim[3];
    wide(m->net->rank, m->net->input.dim, dim);
    return ser_shape_text(m->net->rank, dim, text);
}

int ser_model_takes(const struct ser_model *m, const struct ser_record *rec) {
    uint64_t dim[3];
    int rank = m->net->rank;
    wide(rank, m->net->input.dim, dim);
    return rec->type == SER_F32 && rec->rank == rank &&
           memcmp(rec->dim, dim, (size_t)rank * sizeof *dim) == 0;
}

int ser_model_frames(const struct ser_model *m, const struct ser_reader *r,
                     const struct ser_record *rec, struct ser_error *e) {
    const struct ser_net *net = m->net;
    return (int)ser_axes_frames(r, rec, net->time < 0 ? 1 : net->input.dim[net->time], e);
}

/* What a sample of features with these dimensions is. */
static int input_of(const struct ser_attrs *header, const char *where, int rank, const int *dim,
                    struct ser_input *in, struct ser_error *e) {
    struct ser_axes axes;
    uint64_t size[3];
    if (ser_axes_get(header, where, &axes, e))
        return -1;
    wide(rank, dim, size);
    if (ser_axes_input(&axes, rank, size, in))
        return ser_fail(e, SER_BAD, "%s: its input has other axes than " SER_AXES " tells", where);
    return 0;
}

/* By what inference divides the logits: 1 where the header does not tell. */
static int take_temperature(struct ser_net *net, const struct ser_attrs *header, const char *where,
                            struct ser_error *e) {
    const char *text = ser_attr(header, SER_TEMPERATURE);
    if (!text || !ser_parse_real(text, SER_MIN_TEMPERATURE, SER_MAX_TEMPERATURE, &net->temperature))
        return 0;
    return ser_fail(e, SER_BAD,
                    "%s: " SER_TEMPERATURE " is '%.60s', not a number from %g to %g: it is damaged",
                    where, text, SER_MIN_TEMPERATURE, (double)SER_MAX_TEMPERATURE);
}

int ser_model_new(struct ser_model *m, const char *net, size_t net_len, const char *where, int rank,
                  const int *dim, char *const *class, int classes, const struct ser_attrs *header,
                  struct ser_error *e) {
    char why[SER_WHY], text[SER_SHAPE_TEXT];
    struct ser_input input;
    *m = (struct ser_model){0};
    if (check_classes(class, classes, where, e) || input_of(header, where, rank, dim, &input, e))
        return -1;
    errno = 0;
    m->net = ser_net_build(net, net_len, &input, classes, why);
    if (!m->net) {
        ser_fail(e, ser_blame(), "%s: %s", where, why);
        return -1; /* as analysers cannot know of ser_fail */
    }
    char *joined = join_classes(class, classes);
    m->class_name = joined ? cut_classes(joined, &m->classes) : NULL;
    if (m->class_name) {
        ser_attrs_copy(&m->header, header);
        ser_attr_set(&m->header, "kind", "model");
        ser_attr_set(&m->header, "classes", joined);
        ser_attr_set(&m->header, "input", ser_model_input(m, text));
    }
    free(joined);
    if (m->class_name && !ser_attrs_check(&m->header, where, e) &&
        !take_temperature(m->net, &m->header, where, e))
        return 0;
    if (!m->class_name)
        ser_no_memory(e);
    ser_model_free(m);
    return -1;
}

void ser_model_free(struct ser_model *m) {
    ser_net_free(m->net);
    free_classes(m->class_name, m->classes);
    ser_attrs_clear(&m->header);
    ser_record_free(&m->prior);
    *m = (struct ser_model){0};
}

/* ---- parameters as records ---- */

static int put_param(struct ser_writer *w, const char *prefix, const struct ser_param *p,
                     const float *value, struct ser_error *e) {
    struct ser_record rec = {0};
    uint64_t dim[4];
    char key[64];
    for (int i = 0; i < p->rank; i++)
        dim[i] = (uint64_t)p->dim[i];
    snprintf(key, sizeof key, "%s%s", prefix, p->name);
    int failed = ser_record_set(&rec, key, SER_F32, p->rank, dim, e);
    if (!failed) {
        memcpy(rec.data, value, rec.bytes);
        failed = ser_writer_put(w, &rec, e);
    }
    ser_record_free(&rec);
    return failed;
}

static int is_shaped(const struct ser_record *rec, enum ser_type type, int rank, const int *dim) {
    if (rec->type != type || rec->rank != rank)
        return 0;
    for (int i = 0; i < rank; i++)
        if (rec->dim[i] != (uint64_t)dim[i])
            return 0;
    return 1;
}

/* The next record must be prefix + p's name in p's shape; its values go to value. */
static int take_param(struct ser_reader *r, struct ser_record *rec, const char *prefix,
                      const struct ser_param *p, float *value, struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    if (got < 0)
        return -1;
    size_t n = strlen(prefix);
    if (!got)
        return ser_fail(e, SER_BAD, "%s: parameter %s%s is missing", r->in.name, prefix, p->name);
    if (strncmp(rec->key, prefix, n) != 0 || strcmp(rec->key + n, p->name) != 0 ||
        !is_shaped(rec, SER_F32, p->rank, p->dim))
        return ser_reader_fail(r, rec, e,
                               "is not the parameter %s%s in the shape that the network needs",
                               prefix, p->name);
    memcpy(value, rec->data, rec->bytes);
    return 0;
}

int ser_params_take(struct ser_reader *r, struct ser_record *rec, const char *prefix,
                    const struct ser_net *net, float *const *value, struct ser_error *e) {
    for (int i = 0; i < net->params; i++) {
        float *to = value ? value[i] : net->param[i].value;
        if (to && take_param(r, rec, prefix, &net->param[i], to, e))
            return -1;
    }
    return 0;
}

int ser_params_put(struct ser_writer *w, const char *prefix, const struct ser_net *net,
                   float *const *value, struct ser_error *e) {
    for (int i = 0; i < net->params; i++) {
        const float *from = value ? value[i] : net->param[i].value;
        if (from && put_param(w, prefix, &net->param[i], from, e))
            return -1;
    }
    return 0;
}

int ser_net_put(struct ser_writer *w, const struct ser_net *net, struct ser_error *e) {
    struct ser_record rec = {0};
    const uint64_t len = strlen(net->text);
    int failed = ser_record_set(&rec, "net", SER_U8, 1, &len, e);
    if (!failed) {
        memcpy(rec.data, net->text, len);
        failed = ser_writer_put(w, &rec, e);
    }
    ser_record_free(&rec);
    return failed;
}

static int stray(const struct ser_reader *r, const struct ser_record *rec, struct ser_error *e) {
    return ser_reader_fail(r, rec, e,
                           "is not a parameter of this network: the network and the stream do not "
                           "belong together");
}

int ser_params_end(struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    return got > 0 ? stray(r, rec, e) : got;
}

/* ---- model files ---- */

int ser_model_save(const struct ser_model *m, float *const *value, const char *path,
                   struct ser_error *e) {
    struct ser_writer w;
    if (ser_writer_open(&w, path, &m->header, e))
        return -1;
    if (!ser_net_put(&w, m->net, e) && !ser_params_put(&w, "", m->net, value, e) &&
        (!m->prior.key || !ser_writer_put(&w, &m->prior, e)))
        return ser_writer_close(&w, e);
    ser_writer_abandon(&w);
    return -1;
}

int ser_model_shape(const char *s, int dim[3]) {
    for (int rank = 0; rank < 3; s++) {
        char word[16];
        size_t n = strcspn(s, "x");
        int64_t v;
        if (n >= sizeof word)
            return 0;
        memcpy(word, s, n);
        word[n] = '\0';
        if (ser_parse_int(word, 1, SER_MAX_DIM, &v))
            return 0;
        dim[rank++] = (int)v;
        s += n;
        if (!*s)
            return rank;
    }
    return 0;
}

/* The network from a stream's header and its first record. */
static int take_net(struct ser_model *m, struct ser_reader *r, struct ser_record *rec,
                    struct ser_error *e) {
    const char *joined = ser_attr(&r->header, "classes"), *input = ser_attr(&r->header, "input");
    int dim[3], rank = input ? ser_model_shape(input, dim) : 0, n;
    int got = ser_reader_next(r, rec, e);
    if (got < 0)
        return -1;
    if (!got || strcmp(rec->key, "net") != 0 || rec->type != SER_U8 || rec->rank != 1)
        return ser_fail(e, SER_BAD, "%s: is not a model: its first record is not a network",
                        r->in.name);
    if (!joined || !rank)
        return ser_fail(e, SER_BAD, "%s: its header lacks classes or input", r->in.name);
    char **class = cut_classes(joined, &n);
    if (!class)
        return ser_no_memory(e);
    int failed =
        ser_model_new(m, rec->data, rec->bytes, r->in.name, rank, dim, class, n, &r->header, e);
    free_classes(class, n);
    return failed;
}

/* What may stand behind the parameters: the prior, and then nothing. */
static int take_prior(struct ser_model *m, struct ser_reader *r, struct ser_record *rec,
                      struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    if (got <= 0)
        return got;
    if (strcmp(rec->key, SER_PRIOR) != 0 || rec->type != SER_F64 || rec->rank < 1 ||
        rec->dim[0] != 2)
        return stray(r, rec, e);
    m->prior = *rec;
    *rec = (struct ser_record){0};
    return ser_params_end(r, rec, e);
}

int ser_model_load(struct ser_model *m, const char *path, struct ser_error *e) {
    struct ser_reader r;
    struct ser_record rec = {0};
    if (ser_reader_open(&r, path, "model", e))
        return -1;
    int failed = take_net(m, &r, &rec, e);
    if (!failed && (ser_params_take(&r, &rec, "", m->net, NULL, e) || take_prior(m, &r, &rec, e))) {
        ser_model_free(m);
        failed = -1;
    }
    ser_record_free(&rec);
    ser_reader_close(&r);
    return failed;
}
