#include "bridge/recipe.h"

#include "bridge/axes.h"
#include "core/reader.h"

#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = {[SER_MFCC] = "mfcc", [SER_LOGMEL] = "logmel", NULL};
static const char *const paddings[] = {[SER_PAD_ZERO] = "zero", [SER_PAD_FLOOR] = "floor", NULL};
static const char *const normals[] = {
    [SER_NORMAL_NONE] = "none",       [SER_NORMAL_UTTERANCE] = "utterance",
    [SER_NORMAL_SPEAKER] = "speaker", [SER_NORMAL_CORPUS] = "corpus",
    [SER_NORMAL_ALL] = "all",         NULL};

static const char *const additions[] = {"energy", "f0", "voicing",
                                        NULL}; /* bits of enum ser_append */

/* Every field of a recipe and its attribute. feat.resampler is not among them, since only one
 * resampler exists. */
static const struct field {
    const char *key;
    enum { WORD, WORDS, WHOLE, REAL } type; /* WORDS: any of them, which are bits */
    size_t offset;
    int later; /* 1: came later, and is written only where it is not 0, as in older streams */
    const char *const *word; /* WORD: those of the enumeration, which is an int here */
} fields[] = {
    {"feat.type", WORD, offsetof(struct ser_recipe, type), 0, types},
    {"feat.rate_hz", WHOLE, offsetof(struct ser_recipe, rate_hz), 0, NULL},
    {"feat.window", WHOLE, offsetof(struct ser_recipe, window), 0, NULL},
    {"feat.hop", WHOLE, offsetof(struct ser_recipe, hop), 0, NULL},
    {"feat.bands", WHOLE, offsetof(struct ser_recipe, bands), 0, NULL},
    {"feat.coefs", WHOLE, offsetof(struct ser_recipe, coefs), 0, NULL},
    {"feat.fmin_hz", REAL, offsetof(struct ser_recipe, fmin_hz), 0, NULL},
    {"feat.fmax_hz", REAL, offsetof(struct ser_recipe, fmax_hz), 0, NULL},
    {"feat.top_db", REAL, offsetof(struct ser_recipe, top_db), 0, NULL},
    {"feat.frames", WHOLE, offsetof(struct ser_recipe, frames), 0, NULL},
    {"feat.deltas", WHOLE, offsetof(struct ser_recipe, deltas), 0, NULL},
    {"feat.trim_db", REAL, offsetof(struct ser_recipe, trim_db), 1, NULL},
    {"feat.trim_margin_s", REAL, offsetof(struct ser_recipe, trim_margin_s), 1, NULL},
    {"feat.pad", WORD, offsetof(struct ser_recipe, pad), 1, paddings},
    {SER_NORM, WORD, offsetof(struct ser_recipe, norm), 1, normals},
    {"feat.append", WORDS, offsetof(struct ser_recipe, append), 1, additions},
};
enum { FIELDS = sizeof fields / sizeof *fields };

_Static_assert(sizeof(enum ser_feature_type) == sizeof(int) &&
                   sizeof(enum ser_padding) == sizeof(int) &&
                   sizeof(enum ser_norm_by) == sizeof(int),
               "a field that is a WORD is an int");

static const char resampler[] = "soxr-hq";

/* A number as a text that reads back as the same: 17 digits do, and often fewer. */
static void put_real(struct ser_attrs *a, const char *key, double v, int fewest) {
    char text[40];
    double back;
    snprintf(text, sizeof text, "%.15g", v);
    if (!fewest || ser_parse_real(text, -DBL_MAX, DBL_MAX, &back) || back != v)
        snprintf(text, sizeof text, "%.17g", v);
    ser_attr_set(a, key, text);
}

static void put_words(const struct field *f, int bits, struct ser_attrs *a) {
    char text[64] = "";
    size_t n = 0;
    for (int i = 0; f->word[i] && n < sizeof text; i++)
        if (bits & 1 << i)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? "," : "", f->word[i]);
    ser_attr_set(a, f->key, text);
}

static void put(const struct field *f, const void *at, struct ser_attrs *a) {
    if (f->type == REAL) {
        double v = *(const double *)at;
        if (!f->later || v != 0)
            put_real(a, f->key, v, f->later);
        return;
    }
    int v = *(const int *)at;
    if (f->later && !v)
        return;
    if (f->type == WORD)
        ser_attr_set(a, f->key, f->word[v]);
    else if (f->type == WORDS)
        put_words(f, v, a);
    else
        ser_attr_setf(a, f->key, "%d", v);
}

/* A type of features that others make: ser-embed. */
static const char embedding[] = "embedding";

void ser_recipe_put(const struct ser_recipe *recipe, struct ser_attrs *a) {
    struct ser_recipe r = *recipe;
    if (r.fmax_hz <= 0)
        r.fmax_hz = r.rate_hz / 2.0;
    ser_attr_set(a, "feat.resampler", resampler);
    for (int i = 0; i < FIELDS; i++)
        put(&fields[i], (const char *)&r + fields[i].offset, a);
}

int ser_recipe_append(const char *words) {
    int bits = 0;
    for (;; words++) {
        size_t n = strcspn(words, ",");
        int i = 0;
        while (additions[i] && (strlen(additions[i]) != n || strncmp(additions[i], words, n) != 0))
            i++;
        if (!additions[i] || bits & 1 << i)
            return -1;
        bits |= 1 << i;
        words += n;
        if (!*words)
            return bits;
    }
}

/* Sets the field from the text value. 0, or -1 if the field cannot have it. */
static int take(const struct field *f, const char *value, struct ser_recipe *r) {
    void *at = (char *)r + f->offset;
    int64_t whole;
    if (f->type == REAL)
        return ser_parse_real(value, -DBL_MAX, DBL_MAX, at);
    if (f->type == WHOLE) {
        if (ser_parse_int(value, INT_MIN, INT_MAX, &whole))
            return -1;
        *(int *)at = (int)whole;
        return 0;
    }
    if (f->type == WORDS)
        return (*(int *)at = ser_recipe_append(value)) > 0 ? 0 : -1;
    for (int i = 0; f->word[i]; i++)
        if (strcmp(f->word[i], value) == 0) {
            *(int *)at = i;
            return 0;
        }
    return -1;
}

/* Refuses a recipe with keys or values of a later release or another program: ignoring them would
 * compute other features. */
static int check_known(const struct ser_attrs *a, const char *where, struct ser_error *e) {
    for (int i = 0; i < a->n; i++) {
        const char *key = a->at[i].key;
        int known = strncmp(key, "feat.", 5) != 0 ||
                    (strcmp(key, "feat.resampler") == 0 && !strcmp(a->at[i].value, resampler));
        for (int k = 0; k < FIELDS && !known; k++)
            known = strcmp(key, fields[k].key) == 0;
        if (!known)
            return ser_fail(e, SER_BAD,
                            "%s: its recipe has %s=%.100s, which this program cannot compute",
                            where, key, a->at[i].value);
    }
    return 0;
}

int ser_recipe_of_network(const struct ser_attrs *a) {
    const char *encoder = ser_attr(a, SER_ENCODER);
    return encoder && strcmp(encoder, SER_NETWORK) == 0;
}

int ser_recipe_get(const struct ser_attrs *a, const char *where, struct ser_recipe *r,
                   struct ser_error *e) {
    char why[SER_RECIPE_WHY];
    *r = SER_RECIPE_DEFAULT;
    const char *type = ser_attr(a, "feat.type");
    if (type && strcmp(type, embedding) == 0)
        return ser_fail(e, SER_BAD, "%s: is of embeddings, which %s makes", where,
                        ser_recipe_of_network(a) ? "'ser-score --embed'" : "'ser-embed --like'");
    for (int i = 0; i < FIELDS; i++) {
        const char *value = ser_attr(a, fields[i].key);
        if (!value && fields[i].later)
            continue;
        if (!value)
            return ser_fail(e, SER_BAD,
                            "%s: holds no recipe: %s is missing: give a model, or features that "
                            "ser-mfcc made",
                            where, fields[i].key);
        if (take(&fields[i], value, r))
            return ser_fail(e, SER_BAD, "%s: its recipe is damaged: %s cannot be '%.100s'", where,
                            fields[i].key, value);
    }
    if (check_known(a, where, e))
        return -1;
    if (ser_recipe_check(r, why))
        return ser_fail(e, SER_BAD, "%s: its recipe cannot be computed: %s", where, why);
    return 0;
}

int ser_recipe_load(const char *path, struct ser_recipe *r, struct ser_error *e) {
    struct ser_reader reader;
    if (ser_reader_open(&reader, path, NULL, e))
        return -1;
    int failed = ser_recipe_get(&reader.header, reader.in.name, r, e);
    ser_reader_close(&reader);
    return failed;
}

/* What makes features as a model wants them. */
static const char *how_to_make(const struct ser_attrs *model) {
    const char *type = ser_attr(model, "feat.type");
    if (!type)
        return "as those it was trained on";
    if (ser_recipe_of_network(model))
        return "with 'ser-mfcc --like MODEL | ser-score --embed MODEL'";
    return strcmp(type, embedding) == 0 ? "with 'ser-embed --like MODEL'"
                                        : "with 'ser-mfcc --like MODEL'";
}

int ser_recipe_same(const struct ser_attrs *model, const struct ser_attrs *data, const char *where,
                    struct ser_error *e) {
    const char *key = ser_attrs_differ(model, data, "feat.");
    if (!key)
        return 0;
    const char *want = ser_attr(model, key), *got = ser_attr(data, key);
    const char *absent = strcmp(key, SER_AXES) == 0 ? SER_AXES_DEFAULT : "unset";
    int by = 0, to_normalize = strcmp(key, SER_NORM) == 0 && want && !got;
    while (to_normalize && normals[by] && strcmp(normals[by], want) != 0)
        by++;
    if (to_normalize && normals[by] && by > SER_NORMAL_UTTERANCE)
        return ser_fail(
            e, SER_BAD,
            "%s: features of another recipe: %s is unset, the model wants %s: pass them "
            "through 'ser-tensor normalize --by %s'",
            where, key, want, want);
    return ser_fail(e, SER_BAD,
                    "%s: features of another recipe: %s is %s, the model wants %s: make them again "
                    "%s",
                    where, key, got ? got : absent, want ? want : absent, how_to_make(model));
}

_Static_assert(SER_MAX_TRIM_DB == 200 && SER_MAX_TRIM_MARGIN_S == 60, "as the texts below say");

const char *ser_recipe_trim(const char *text, double *db, double *margin_s) {
    char first[40];
    size_t n = strcspn(text, ":");
    *margin_s = 0;
    if (n >= sizeof first)
        return "decibels, and perhaps a margin";
    memcpy(first, text, n);
    first[n] = '\0';
    if (ser_parse_real(first, 0, SER_MAX_TRIM_DB, db) || *db == 0)
        return "not decibels above 0 and up to 200, or these and a margin, as 35:0.1";
    return text[n] && ser_parse_real(text + n + 1, 0, SER_MAX_TRIM_MARGIN_S, margin_s)
               ? "the margin is not 0..60 seconds"
               : NULL;
}

void ser_recipe_put_trim(double db, double margin_s, struct ser_attrs *a) {
    if (db != 0)
        put_real(a, "feat.trim_db", db, 1);
    if (db != 0 && margin_s != 0)
        put_real(a, "feat.trim_margin_s", margin_s, 1);
}
