#include "bridge/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- classes as one attribute: angry,calm,... ---- */

static int join_classes(char *const *class, int n, const char *where, char **out,
                        struct ser_error *e) {
    size_t len = 1;
    for (int i = 0; i < n; i++) {
        if (strchr(class[i], ',') || !*class[i])
            return ser_fail(e, SER_BAD, "%s: the class '%.100s' is empty or holds a comma", where,
                            class[i]);
        if (i && strcmp(class[i - 1], class[i]) >= 0)
            return ser_fail(e, SER_BAD, "%s: the class '%.100s' comes twice or out of order", where,
                            class[i]);
        len += strlen(class[i]) + 1;
    }
    char *p = *out = emalloc(len);
    for (int i = 0; i < n; i++)
        p += sprintf(p, i ? ",%s" : "%s", class[i]);
    return 0;
}

/* The parts of text; the caller frees them and the array. */
static char **cut_classes(const char *text, int *n) {
    char **class = NULL;
    *n = 0;
    for (const char *s = text; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        class = erealloc(class, (size_t)*n + 1, sizeof *class);
        class[(*n)++] = eprintf_alloc("%.*s", (int)strcspn(s, ","), s);
    }
    return class;
}

static void free_classes(char **class, int n) {
    for (int i = 0; i < n; i++)
        free(class[i]);
    free(class);
}

/* ---- a model in memory ---- */

int ser_model_new(struct ser_model *m, const char *net, size_t net_len, const char *where, int rows,
                  int frames, char *const *class, int classes, const struct ser_attrs *header,
                  struct ser_error *e) {
    char why[SER_WHY], *joined = NULL;
    *m = (struct ser_model){.rows = rows, .frames = frames, .classes = classes};
    if (join_classes(class, classes, where, &joined, e))
        return -1;
    errno = 0;
    m->net = ser_net_parse(net, net_len, rows, frames, classes, why);
    if (!m->net) {
        free(joined);
        return ser_fail(e, ser_blame(), "%s: %s", where, why);
    }
    m->class = cut_classes(joined, &m->classes);
    ser_attrs_copy(&m->header, header);
    ser_attr_set(&m->header, "kind", "model");
    ser_attr_set(&m->header, "classes", joined);
    ser_attr_setf(&m->header, "input", "%dx%d", rows, frames);
    free(joined);
    return 0;
}

void ser_model_free(struct ser_model *m) {
    ser_net_free(m->net);
    free_classes(m->class, m->classes);
    ser_attrs_clear(&m->header);
    *m = (struct ser_model){0};
}

/* ---- parameters as records ---- */

static void put_param(struct ser_writer *w, const char *prefix, const struct ser_param *p,
                      const float *value) {
    struct ser_record rec = {0};
    uint64_t dim[4];
    char key[64];
    for (int i = 0; i < p->rank; i++)
        dim[i] = (uint64_t)p->dim[i];
    snprintf(key, sizeof key, "%s%s", prefix, p->name);
    ser_record_set(&rec, key, SER_F32, p->rank, dim);
    memcpy(rec.data, value, rec.bytes);
    ser_writer_put(w, &rec);
    ser_record_free(&rec);
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
        return ser_reader_fail(r, rec, e, "not parameter %s%s as the network needs it", prefix,
                               p->name);
    memcpy(value, rec->data, rec->bytes);
    return 0;
}

static int take_params(struct ser_reader *r, struct ser_record *rec, const char *prefix,
                       const struct ser_net *net, float *const *value, struct ser_error *e) {
    for (int i = 0; i < net->params; i++) {
        float *to = value ? value[i] : net->param[i].value;
        if (to && take_param(r, rec, prefix, &net->param[i], to, e))
            return -1;
    }
    return 0;
}

/* NULL entries of value are left out, as for the moments of what is not trained. */
static void put_params(struct ser_writer *w, const char *prefix, const struct ser_net *net,
                       float *const *value) {
    for (int i = 0; i < net->params; i++) {
        const float *from = value ? value[i] : net->param[i].value;
        if (from)
            put_param(w, prefix, &net->param[i], from);
    }
}

static void put_text(struct ser_writer *w, const char *key, const char *text) {
    struct ser_record rec = {0};
    const uint64_t len = strlen(text);
    ser_record_set(&rec, key, SER_U8, 1, &len);
    memcpy(rec.data, text, len);
    ser_writer_put(w, &rec);
    ser_record_free(&rec);
}

static int at_end(struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    if (got > 0)
        return ser_reader_fail(r, rec, e, "is one too many: no part of this network");
    return got;
}

/* ---- model files ---- */

void ser_model_save(const struct ser_model *m, float *const *value, const char *path) {
    struct ser_writer w;
    ser_writer_open(&w, path, &m->header);
    put_text(&w, "net", m->net->text);
    put_params(&w, "", m->net, value);
    ser_writer_close(&w);
}

/* Reads "40x174". */
static int parse_input(const char *s, int *rows, int *frames) {
    int64_t a, b;
    char first[16];
    size_t n = strcspn(s, "x");
    if (s[n] != 'x' || n >= sizeof first)
        return -1;
    memcpy(first, s, n);
    first[n] = '\0';
    if (ser_parse_int(first, 1, SER_MAX_DIM, &a) || ser_parse_int(s + n + 1, 1, SER_MAX_DIM, &b))
        return -1;
    *rows = (int)a;
    *frames = (int)b;
    return 0;
}

/* The network from a stream's header and its first record. */
static int take_net(struct ser_model *m, struct ser_reader *r, struct ser_record *rec,
                    struct ser_error *e) {
    const char *joined = ser_attr(&r->header, "classes"), *input = ser_attr(&r->header, "input");
    int rows, frames, n;
    int got = ser_reader_next(r, rec, e);
    if (got < 0)
        return -1;
    if (!got || strcmp(rec->key, "net") != 0 || rec->type != SER_U8 || rec->rank != 1)
        return ser_fail(e, SER_BAD, "%s: does not begin with a network: not a model", r->in.name);
    if (!joined || !input || parse_input(input, &rows, &frames))
        return ser_fail(e, SER_BAD, "%s: its header lacks classes or input", r->in.name);
    char **class = cut_classes(joined, &n);
    int failed =
        ser_model_new(m, rec->data, rec->bytes, r->in.name, rows, frames, class, n, &r->header, e);
    free_classes(class, n);
    return failed;
}

int ser_model_load(struct ser_model *m, const char *path, struct ser_error *e) {
    struct ser_reader r;
    struct ser_record rec = {0};
    if (ser_reader_open(&r, path, "model", e))
        return -1;
    int failed = take_net(m, &r, &rec, e);
    if (!failed && (take_params(&r, &rec, "", m->net, NULL, e) || at_end(&r, &rec, e))) {
        ser_model_free(m);
        failed = -1;
    }
    ser_record_free(&rec);
    ser_reader_close(&r);
    return failed;
}

/* ---- checkpoints ---- */

enum { STATE = 10, LINE = 9 }; /* numbers of the fit, and of a line of the log */

static void put_numbers(struct ser_writer *w, const char *key, size_t n, size_t per,
                        const double *value) {
    struct ser_record rec = {0};
    const uint64_t dim[2] = {n, per};
    ser_record_set(&rec, key, SER_F64, 2, dim);
    memcpy(rec.data, value, rec.bytes);
    ser_writer_put(w, &rec);
    ser_record_free(&rec);
}

/* The callbacks' best values start at infinity, which a stream does not hold: 1e300 stands for it.
 */
static double finite(double v) {
    return v > 1e300 ? 1e300 : v < -1e300 ? -1e300 : v;
}

void ser_checkpoint_save(const struct ser_model *m, const struct ser_fit *fit,
                         const struct ser_epoch *history, const struct ser_attrs *header,
                         const char *path) {
    struct ser_writer w;
    struct ser_attrs a = {0};
    const double state[STATE] = {fit->epoch,
                                 fit->lr,
                                 finite(fit->best_accuracy),
                                 finite(fit->best_loss),
                                 finite(fit->plateau_best),
                                 fit->best_epoch,
                                 fit->wait,
                                 fit->plateau_wait,
                                 fit->stopped,
                                 (double)fit->adam.steps};
    double *lines = ecalloc((size_t)fit->epoch, LINE * sizeof *lines);
    for (int i = 0; i < fit->epoch; i++) {
        const struct ser_epoch *h = &history[i];
        const double line[LINE] = {h->epoch,    h->lr,       h->loss,
                                   h->accuracy, h->val_loss, h->val_accuracy,
                                   h->improved, h->reduced,  h->stopped};
        memcpy(lines + i * LINE, line, sizeof line);
    }
    ser_attrs_copy(&a, header);
    ser_attr_set(&a, "kind", "checkpoint");
    ser_writer_open(&w, path, &a);
    put_text(&w, "net", m->net->text);
    put_numbers(&w, "state", 1, STATE, state);
    put_numbers(&w, "log", (size_t)fit->epoch, LINE, lines);
    put_params(&w, "now/", m->net, NULL);
    put_params(&w, "best/", m->net, fit->best);
    put_params(&w, "adam.m/", m->net, fit->adam.m);
    put_params(&w, "adam.v/", m->net, fit->adam.v);
    ser_writer_close(&w);
    ser_attrs_clear(&a);
    free(lines);
}

static int take_numbers(struct ser_reader *r, struct ser_record *rec, const char *key, int rows,
                        int per, struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    const int dim[2] = {rows, per};
    if (got < 0)
        return -1;
    if (!got || strcmp(rec->key, key) != 0 || !is_shaped(rec, SER_F64, 2, dim))
        return ser_fail(e, SER_BAD, "%s: no '%s' as a checkpoint has it", r->in.name, key);
    return 0;
}

static int is_count(double v, double max) {
    return v >= 0 && v <= max && v == (double)(int64_t)v;
}

static int take_state(struct ser_reader *r, struct ser_record *rec, struct ser_fit *fit,
                      struct ser_error *e) {
    if (take_numbers(r, rec, "state", 1, STATE, e))
        return -1;
    const double *v = rec->data;
    if (!is_count(v[0], 1e6) || v[0] < 1 || !is_count(v[5], v[0]) || v[5] < 1 ||
        !is_count(v[6], v[0]) || !is_count(v[7], v[0]) || !is_count(v[8], 1) ||
        !is_count(v[9], 1e15) || v[9] < v[0])
        return ser_reader_fail(r, rec, e, "holds counters that no training has");
    if (v[1] < 0 || v[1] > 10)
        return ser_reader_fail(r, rec, e, "holds a learning rate of %g", v[1]);
    fit->epoch = (int)v[0];
    fit->lr = v[1];
    fit->best_accuracy = v[2];
    fit->best_loss = v[3];
    fit->plateau_best = v[4];
    fit->best_epoch = (int)v[5];
    fit->wait = (int)v[6];
    fit->plateau_wait = (int)v[7];
    fit->stopped = (int)v[8];
    fit->adam.steps = (uint64_t)v[9];
    return 0;
}

static int take_history(struct ser_reader *r, struct ser_record *rec, int epochs,
                        struct ser_epoch **history, struct ser_error *e) {
    if (take_numbers(r, rec, "log", epochs, LINE, e))
        return -1;
    *history = ecalloc((size_t)epochs, sizeof **history);
    const double *v = rec->data;
    for (int i = 0; i < epochs; i++, v += LINE) {
        if (v[0] != i + 1 || !is_count(v[6], 1) || !is_count(v[7], 1) || !is_count(v[8], 1))
            return ser_reader_fail(r, rec, e, "line %d is no line of a log", i + 1);
        (*history)[i] = (struct ser_epoch){.epoch = (int)v[0],
                                           .lr = v[1],
                                           .loss = v[2],
                                           .accuracy = v[3],
                                           .val_loss = v[4],
                                           .val_accuracy = v[5],
                                           .improved = (int)v[6],
                                           .reduced = (int)v[7],
                                           .stopped = (int)v[8]};
    }
    return 0;
}

static int same_training(const struct ser_reader *r, const struct ser_attrs *header,
                         struct ser_error *e) {
    const char *key = ser_attrs_differ(header, &r->header, "feat.");
    key = key ? key : ser_attrs_differ(header, &r->header, "train.");
    key = key ? key : ser_attrs_differ(header, &r->header, "classes");
    if (!key)
        return 0;
    const char *want = ser_attr(header, key), *got = ser_attr(&r->header, key);
    return ser_fail(
        e, SER_BAD,
        "%s: checkpoint of another training: %s is %s there, %s here: remove it or train "
        "as before",
        r->in.name, key, got ? got : "unset", want ? want : "unset");
}

static int take_checkpoint(struct ser_model *m, struct ser_fit *fit, struct ser_epoch **history,
                           struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    int got = ser_reader_next(r, rec, e);
    if (got < 0)
        return -1;
    if (!got || rec->type != SER_U8 || rec->bytes != strlen(m->net->text) ||
        memcmp(rec->data, m->net->text, rec->bytes) != 0)
        return ser_fail(e, SER_BAD, "%s: checkpoint of another network", r->in.name);
    if (take_state(r, rec, fit, e) || take_history(r, rec, fit->epoch, history, e))
        return -1;
    if (take_params(r, rec, "now/", m->net, NULL, e) ||
        take_params(r, rec, "best/", m->net, fit->best, e) ||
        take_params(r, rec, "adam.m/", m->net, fit->adam.m, e) ||
        take_params(r, rec, "adam.v/", m->net, fit->adam.v, e))
        return -1;
    return at_end(r, rec, e);
}

int ser_checkpoint_load(struct ser_model *m, struct ser_fit *fit, struct ser_epoch **history,
                        const struct ser_attrs *header, const char *path, struct ser_error *e) {
    struct ser_reader r;
    struct ser_record rec = {0};
    *history = NULL;
    if (ser_reader_open(&r, path, "checkpoint", e))
        return -1;
    int failed = same_training(&r, header, e) || take_checkpoint(m, fit, history, &r, &rec, e);
    if (failed) {
        free(*history);
        *history = NULL;
    }
    ser_record_free(&rec);
    ser_reader_close(&r);
    return failed ? -1 : 0;
}
