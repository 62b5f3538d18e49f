#include "bridge/voices.h"

#include "bridge/model.h"
#include "bridge/recipe.h"
#include "core/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define BY "stats.by"

/* ---- which voice ---- */

const char *ser_voices_name(const struct ser_voices *v, const struct ser_record *rec) {
    if (v->one_speaker)
        return "-";
    if (strcmp(v->by, "all") == 0)
        return v->by;
    const char *name = ser_attr(&rec->attrs, v->by);
    return name && *name && strcmp(name, "-") != 0 ? name : NULL;
}

/* Where a voice of this name is, or would be. */
static size_t place_of(const struct ser_voices *v, const char *name, int *found) {
    size_t low = 0, high = v->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(v->at[middle].name, name);
        if (order == 0) {
            *found = 1;
            return middle;
        }
        *(order < 0 ? &low : &high) = order < 0 ? middle + 1 : middle;
    }
    *found = 0;
    return low;
}

struct ser_voice *ser_voices_find(const struct ser_voices *v, const struct ser_record *rec) {
    const char *name = ser_voices_name(v, rec);
    int found;
    size_t i = place_of(v, name ? name : "-", &found);
    return found ? &v->at[i] : NULL;
}

static void free_voice(struct ser_voice *voice) {
    for (size_t i = 0; i < voice->drawn; i++)
        free(voice->at[i].id);
    free(voice->at);
    free(voice->name);
    free(voice->mean);
    free(voice->variance);
}

struct ser_voice *ser_voices_named(struct ser_voices *v, const char *name) {
    int found;
    size_t i = place_of(v, name, &found);
    if (found)
        return &v->at[i];
    if (ser_grow(&v->at, &v->cap, v->n + 1, sizeof *v->at))
        return NULL;
    struct ser_voice voice = {.name = strdup(name),
                              .mean = calloc(v->features, sizeof *voice.mean),
                              .variance = calloc(v->features, sizeof *voice.variance)};
    if (!voice.name || !voice.mean || !voice.variance) {
        free_voice(&voice);
        return NULL;
    }
    memmove(v->at + i + 1, v->at + i, (v->n++ - i) * sizeof *v->at);
    v->at[i] = voice;
    return &v->at[i];
}

static struct ser_voice *voice_of(struct ser_voices *v, const struct ser_reader *r,
                                  const struct ser_record *rec, struct ser_error *e) {
    const char *name = ser_voices_name(v, rec);
    if (!name) {
        ser_reader_fail(r, rec, e, "has no %s%s", v->by,
                        strcmp(v->by, "speaker") == 0 ? ": if all are of one, say --one-speaker"
                                                      : "");
        return NULL;
    }
    struct ser_voice *voice = ser_voices_named(v, name);
    if (!voice)
        ser_no_memory(e);
    return voice;
}

/* ---- the shape of features ---- */

int ser_voices_begin(struct ser_voices *v, const struct ser_attrs *header, const char *where,
                     struct ser_error *e) {
    v->rank = -1;
    ser_attrs_copy(&v->of, header);
    return ser_attrs_check(&v->of, where, e) || ser_axes_get(header, where, &v->axes, e) ? -1 : 0;
}

/* The dimensions that statistics have: those of features without time. The first ones that come are those of
 * all. 0, or -1: others came before. */
static int take_dims(struct ser_voices *v, int rank, const uint64_t *dim) {
    if (v->rank < 0) {
        v->rank = rank;
        v->features = 1;
        for (int i = 0; i < rank; i++)
            v->features *= (size_t)(v->dim[i] = dim[i]);
    }
    return v->rank == rank && memcmp(v->dim, dim, (size_t)rank * sizeof *dim) == 0 ? 0 : -1;
}

int ser_voices_layout(struct ser_voices *v, const struct ser_reader *r,
                      const struct ser_record *rec, struct ser_layout *l, struct ser_error *e) {
    char text[SER_SHAPE_TEXT], first[SER_SHAPE_TEXT];
    uint64_t dim[SER_MAX_RANK];
    int rank = 0;
    *l = (struct ser_layout){1, 1, 1, 1};
    if (rec->type != SER_F32 || rec->rank != v->axes.rank || !rec->count)
        return ser_reader_fail(r, rec, e, "is %s %s: features are f32 of the axes %s",
                               ser_type_name(rec->type), ser_shape_text(rec->rank, rec->dim, text),
                               ser_attr(&v->of, SER_AXES) ? ser_attr(&v->of, SER_AXES)
                                                          : SER_AXES_DEFAULT);
    for (int i = 0; i < rec->rank; i++) {
        if (i == v->axes.time)
            l->time = l->frames = (size_t)rec->dim[i];
        else
            *(v->axes.time < 0 || i < v->axes.time ? &l->before : &l->behind) *=
                (size_t)rec->dim[i];
        if (i != v->axes.time)
            dim[rank++] = rec->dim[i];
    }
    if (take_dims(v, rank, dim))
        return ser_reader_fail(r, rec, e, "has features %s (time left out), but others have %s",
                               ser_shape_text(rank, dim, text),
                               ser_shape_text(v->rank, v->dim, first));
    int64_t frames = v->axes.time < 0 ? 1 : ser_axes_frames(r, rec, (int64_t)l->time, e);
    if (frames < 0)
        return -1;
    l->frames = (size_t)frames;
    return 0;
}

/* ---- the draw ---- */

size_t ser_id_length(const struct ser_record *rec) {
    static const struct {
        const char *attr;
        char mark;
    } added[] = {{"start_s", '@'}, {"aug", '#'}};
    size_t n = strlen(rec->key);
    for (int i = 0; i < 2; i++) {
        size_t at = n;
        while (ser_attr(&rec->attrs, added[i].attr) && at && rec->key[at - 1] != added[i].mark)
            at--;
        n = ser_attr(&rec->attrs, added[i].attr) && at > 1 ? at - 1 : n;
    }
    return n;
}

static int is_id(const char *id, const char *key, size_t n) {
    return strncmp(id, key, n) == 0 && id[n] == '\0';
}

size_t ser_voices_place(const struct ser_voice *voice, const struct ser_record *rec) {
    size_t i = 0, n = ser_id_length(rec);
    while (i < voice->drawn && !is_id(voice->at[i].id, rec->key, n))
        i++;
    return i;
}

int ser_voices_draw(struct ser_voices *v, const struct ser_reader *r, const struct ser_record *rec,
                    struct ser_error *e) {
    struct ser_layout l;
    if (ser_voices_layout(v, r, rec, &l, e))
        return -1;
    struct ser_voice *voice = voice_of(v, r, rec, e);
    size_t n = ser_id_length(rec), i;
    if (!voice)
        return -1;
    struct ser_drawn one = {XXH3_64bits_withSeed(rec->key, n, v->seed), NULL};
    for (i = 0; i < voice->drawn; i++) {
        const struct ser_drawn *other = &voice->at[i];
        if (other->hash == one.hash && is_id(other->id, rec->key, n))
            return 0;
        if (other->hash > one.hash ||
            (other->hash == one.hash && strncmp(other->id, rec->key, n) > 0))
            break;
    }
    if (i == v->most)
        return 0;
    one.id = strndup(rec->key, n);
    if (!one.id || ser_grow(&voice->at, &voice->cap, voice->drawn + 1, sizeof *voice->at)) {
        free(one.id);
        return ser_no_memory(e);
    }
    if (voice->drawn == v->most)
        free(voice->at[--voice->drawn].id);
    memmove(voice->at + i + 1, voice->at + i, (voice->drawn++ - i) * sizeof *voice->at);
    voice->at[i] = one;
    return 0;
}

/* ---- sums ---- */

int ser_voices_add(struct ser_voices *v, const struct ser_reader *r, const struct ser_record *rec,
                   struct ser_error *e) {
    struct ser_layout l;
    if (ser_voices_layout(v, r, rec, &l, e))
        return -1;
    struct ser_voice *voice = voice_of(v, r, rec, e);
    if (!voice)
        return -1;
    int altered = ser_attr(&rec->attrs, "aug") != NULL;
    if (altered && voice->records && !voice->altered)
        return 0;
    if (!altered && voice->altered) { /* the first one as it is: what came before does not count */
        memset(voice->mean, 0, v->features * sizeof *voice->mean);
        memset(voice->variance, 0, v->features * sizeof *voice->variance);
        voice->records = 0;
        voice->frames = 0;
    }
    struct ser_moments m = {voice->frames, voice->mean, voice->variance};
    ser_moments_add(&m, rec->data, &l);
    voice->altered = altered;
    voice->frames = m.frames;
    voice->records++;
    return 0;
}

void ser_voices_finish(struct ser_voices *v) {
    for (size_t i = 0; i < v->n; i++)
        for (size_t f = 0; f < v->features && v->at[i].frames > 0; f++)
            v->at[i].variance[f] /= v->at[i].frames;
}

static int same_dims(const struct ser_voices *a, const struct ser_voices *b) {
    return a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)(a->rank < 0 ? 0 : a->rank) * sizeof *a->dim) == 0;
}

int ser_voices_shrink(struct ser_voices *v, const struct ser_voices *prior, double weight,
                      struct ser_error *e) {
    if (v->rank >= 0 && !same_dims(v, prior))
        return ser_fail(e, SER_BAD, "the prior has other dimensions than the features");
    for (size_t i = 0; i < v->n; i++) {
        struct ser_voice *own = &v->at[i];
        ser_shrink(own->mean, own->variance, v->features, own->frames, prior->at->mean,
                   prior->at->variance, weight);
        own->frames += weight;
    }
    return 0;
}

int ser_voices_normalize(struct ser_voices *v, const struct ser_voice *voice,
                         const struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    struct ser_layout l;
    const char *pad = ser_attr(&v->of, "feat.pad");
    if (ser_voices_layout(v, r, rec, &l, e))
        return -1;
    if (voice->frames > 0)
        ser_normalize(rec->data, &l, voice->mean, voice->variance,
                      pad && strcmp(pad, "floor") == 0);
    size_t bad = ser_not_finite(rec);
    if (bad < rec->count)
        return ser_reader_fail(r, rec, e,
                               "is not a number any more once it is normalised by '%s': these "
                               "statistics are of other features",
                               voice->name);
    return 0;
}

/* ---- streams ---- */

int ser_voices_record(const struct ser_voices *v, const struct ser_voice *voice, const char *key,
                      struct ser_record *rec, struct ser_error *e) {
    uint64_t dim[4] = {2};
    memcpy(dim + 1, v->dim, (size_t)v->rank * sizeof *dim);
    if (ser_record_set(rec, key, SER_F64, v->rank + 1, dim, e))
        return -1;
    double *to = rec->data;
    memcpy(to, voice->mean, v->features * sizeof *to);
    for (size_t f = 0; f < v->features; f++)
        to[v->features + f] = sqrt(voice->variance[f]);
    ser_attr_setf(&rec->attrs, "frames", "%.0f", voice->frames);
    ser_attr_setf(&rec->attrs, "records", "%llu", (unsigned long long)voice->records);
    return 0;
}

int ser_voices_save(const struct ser_voices *v, const char *path, struct ser_error *e) {
    struct ser_attrs header = {0};
    struct ser_record rec = {0};
    struct ser_writer w;
    for (int i = 0; i < v->of.n; i++)
        if (strncmp(v->of.at[i].key, "feat.", 5) == 0)
            ser_attr_set(&header, v->of.at[i].key, v->of.at[i].value);
    ser_attr_set(&header, "kind", "statistics");
    ser_attr_set(&header, BY, v->by);
    int failed = ser_writer_open(&w, path, &header, e);
    ser_attrs_clear(&header);
    if (failed)
        return -1;
    for (size_t i = 0; i < v->n && !failed; i++)
        if (v->at[i].frames > 0)
            failed = ser_voices_record(v, &v->at[i], v->at[i].name, &rec, e) ||
                     ser_writer_put(&w, &rec, e);
    ser_record_free(&rec);
    if (!failed)
        return ser_writer_close(&w, e);
    ser_writer_abandon(&w);
    return -1;
}

/* 1 if an attribute decides the statistics: one of feat.*, but not how many frames there are, what fills them
 * up, and what became of the features later. */
static int decides(const char *key) {
    return strncmp(key, "feat.", 5) == 0 && strcmp(key, "feat.frames") != 0 &&
           strcmp(key, "feat.pad") != 0 && strcmp(key, SER_NORM) != 0;
}

/* The first key of a that decides and is not the same in b. */
static const char *differing(const struct ser_attrs *a, const struct ser_attrs *b) {
    for (int i = 0; i < a->n; i++) {
        const char *other = decides(a->at[i].key) ? ser_attr(b, a->at[i].key) : a->at[i].value;
        if (!other || strcmp(other, a->at[i].value) != 0)
            return a->at[i].key;
    }
    return NULL;
}

static int check_suits(const struct ser_attrs *own, const struct ser_attrs *of, const char *where,
                       struct ser_error *e) {
    const char *key = differing(own, of);
    if (!key)
        key = differing(of, own);
    if (!key)
        return 0;
    const char *told = ser_attr(own, key), *want = ser_attr(of, key);
    return ser_fail(e, SER_BAD, "%s: statistics of other features: %s is %s, but %s of these",
                    where, key, told ? told : "unset", want ? want : "unset");
}

/* A record of statistics becomes a voice. */
static int take_voice(struct ser_voices *v, const struct ser_reader *r,
                      const struct ser_record *rec, struct ser_error *e) {
    int rank = v->axes.rank - (v->axes.time >= 0);
    const char *frames = ser_attr(&rec->attrs, "frames");
    const char *records = ser_attr(&rec->attrs, "records");
    const double *x = rec->data;
    int64_t of = 0;
    double n;
    if (rec->type != SER_F64 || rec->rank != rank + 1 || rec->dim[0] != 2 || !rec->count ||
        take_dims(v, rank, rec->dim + 1))
        return ser_reader_fail(
            r, rec, e,
            "is not f64 [2, features] of the same features as the others: mean and "
            "deviation, as 'ser-tensor stats' writes them");
    if (!frames || ser_parse_real(frames, 1, 0x1p53, &n))
        return ser_reader_fail(r, rec, e, "lacks the attribute frames, the number that it is of");
    if (records && ser_parse_int(records, 0, INT64_MAX, &of))
        return ser_reader_fail(r, rec, e, "has records=%.100s, which is no number", records);
    for (size_t f = 0; f < v->features; f++)
        if (!(x[v->features + f] >= 0) || fabs(x[v->features + f]) > 1e100 || fabs(x[f]) > 1e100)
            return ser_reader_fail(r, rec, e, "holds a deviation below 0, or absurd numbers");
    size_t before = v->n;
    struct ser_voice *voice = ser_voices_named(v, rec->key);
    if (!voice)
        return ser_no_memory(e);
    if (v->n == before)
        return ser_reader_fail(r, rec, e, "comes twice");
    voice->frames = n;
    voice->records = (uint64_t)of;
    memcpy(voice->mean, x, v->features * sizeof *x);
    for (size_t f = 0; f < v->features; f++)
        voice->variance[f] = x[v->features + f] * x[v->features + f];
    return 0;
}

/* The voices of a stream; of a model only the one that is its prior. */
static int take_voices(struct ser_voices *v, struct ser_reader *r, struct ser_error *e) {
    struct ser_record rec = {0};
    int model = strcmp(ser_attr(&r->header, "kind"), "model") == 0, got;
    while ((got = ser_reader_next(r, &rec, e)) > 0)
        if ((!model || strcmp(rec.key, SER_PRIOR) == 0) && take_voice(v, r, &rec, e))
            break;
    ser_record_free(&rec);
    if (got)
        return -1;
    if (v->n)
        return 0;
    return ser_fail(e, SER_BAD, "%s: holds no statistics%s", r->in.name,
                    model ? " of its training speakers: they are put into a model by 'ser-train "
                            "--prior'"
                          : "");
}

/* What statistics were made by, as one of the words that last. */
static const char *word_by(const struct ser_attrs *header) {
    static const char *const word[] = {"speaker", "corpus", "all"};
    const char *by = ser_attr(header, BY);
    for (int i = 0; i < 3; i++)
        if (by && strcmp(by, word[i]) == 0)
            return word[i];
    return NULL;
}

int ser_voices_load(struct ser_voices *v, const char *path, const struct ser_attrs *of,
                    struct ser_error *e) {
    struct ser_reader r;
    int failed = -1;
    if (ser_reader_open(&r, path, NULL, e))
        return -1;
    const char *kind = ser_attr(&r.header, "kind"), *where = r.in.name;
    int model = strcmp(kind, "model") == 0;
    v->by = model ? "speaker" : word_by(&r.header);
    if (strcmp(kind, "statistics") != 0 && !model)
        ser_fail(e, SER_BAD, "%s: is a stream of kind %s, not of statistics, nor a model", where,
                 kind);
    else if (!v->by)
        ser_fail(e, SER_BAD, "%s: its header does not tell " BY "=speaker, corpus or all", where);
    else
        failed = (of && check_suits(&r.header, of, where, e)) ||
                 ser_voices_begin(v, &r.header, where, e) || take_voices(v, &r, e);
    ser_reader_close(&r);
    return failed ? -1 : 0;
}

void ser_voices_average(struct ser_voices *v) {
    struct ser_voice *to = v->at;
    for (size_t i = 1; i < v->n; i++) {
        for (size_t f = 0; f < v->features; f++) {
            to->mean[f] += v->at[i].mean[f];
            to->variance[f] += v->at[i].variance[f];
        }
        to->frames += v->at[i].frames;
        to->records += v->at[i].records;
        free_voice(&v->at[i]);
    }
    for (size_t f = 0; f < v->features; f++) {
        to->mean[f] /= (double)v->n;
        to->variance[f] /= (double)v->n;
    }
    v->n = 1;
}

void ser_voices_free(struct ser_voices *v) {
    for (size_t i = 0; i < v->n; i++)
        free_voice(&v->at[i]);
    free(v->at);
    ser_attrs_clear(&v->of);
    *v = (struct ser_voices){0};
}
