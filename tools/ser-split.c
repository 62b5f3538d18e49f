/* ser-split: gives each utterance of a manifest its part: train, val or test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "bridge/split.h"
#include "core/core.h"
#include "core/in.h"
#include "core/opt.h"
#include "core/out.h"
#include "core/tsv.h"
#include "math/folds.h"
#include "math/rng.h"

enum { DEFAULT_SEED = 1, MAX_FOLDS = 1000 };

static struct {
    const char *speakers, *folds, *fold, *leave_out, *random, *group, *part, *output;
    int64_t make_folds, seed;
    int certificate, no_val, no_test, quiet;
} opt = {.group = "speaker", .seed = DEFAULT_SEED};

static const struct ser_opt options[] = {
    {0, "speakers", SER_OPT_TEXT, &opt.speakers, 0, 0, "FILE", "a table: speaker part"},
    {0, "folds", SER_OPT_TEXT, &opt.folds, 0, 0, "FILE",
     "a table: speaker fold, or speaker fold part"},
    {0, "fold", SER_OPT_TEXT, &opt.fold, 0, 0, "I", "test fold I of K, validate I mod K + 1"},
    {0, "leave-out", SER_OPT_TEXT, &opt.leave_out, 0, 0, "SPEAKER", "test it, validate the next"},
    {0, "random", SER_OPT_TEXT, &opt.random, 0, 0, "A/B/C", "percent of each emotion's rows"},
    {0, "make-folds", SER_OPT_INT, &opt.make_folds, 2, MAX_FOLDS, "K",
     "write a table: speaker fold"},
    {0, "no-val", SER_OPT_FLAG, &opt.no_val, 0, 0, NULL, "train on the validation part, too"},
    {0, "no-test", SER_OPT_FLAG, &opt.no_test, 0, 0, NULL, "of --fold: validate I, train the rest"},
    {0, "certificate", SER_OPT_FLAG, &opt.certificate, 0, 0, NULL, "say what the parts share"},
    {0, "group", SER_OPT_TEXT, &opt.group, 0, 0, "COLUMN", "what stays together"},
    {0, "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "of --random and --make-folds"},
    {0, "part", SER_OPT_CHOICE, &opt.part, 0, 0, "train|val|test", "write only these rows"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no word on what parts share or lack"},
    {0}};

static const struct ser_tool tool = {
    "WAY [MANIFEST]", "Adds the column 'part' to a manifest: train, val or test.", options,
    "WAY is --speakers, --folds with --fold, --leave-out, or --random, which alone\n"
    "shares speakers. Instead, --make-folds writes folds of speakers, balanced by\n"
    "emotion, for --folds; --certificate, what is in each part of a manifest that is\n"
    "split already, and what they share: 1 if speakers or audio, unless at random."};

struct manifest {
    const char *name;
    char **column;
    int columns;
    char ***field;             /* [rows][columns], one block of memory a row */
    struct ser_utterance *row; /* [rows], whose texts are fields */
    size_t rows;
    int at_random; /* split by --random; of a manifest that is split already, each row says so */
};

/* A speaker, or what --group names, and the part or fold that is meant for it. */
struct group {
    const char *name;
    int value;
};

struct groups {
    struct group *at; /* sorted by name */
    size_t n;
    int folds;       /* of a list: the highest fold */
    int names_parts; /* of a list of folds: each names its own parts, which are the values */
    char *label;     /* of a list: what messages call it */
};

/* ---- reading ---- */

static char **copy_fields(const struct ser_tsv *t) {
    char **field = ser_tsv_copy(t);
    if (!field)
        die(SER_SYS, "out of memory");
    return field;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void refuse_duplicate_ids(const struct manifest *m) {
    const char **id = ecalloc(m->rows, sizeof *id);
    for (size_t i = 0; i < m->rows; i++)
        id[i] = m->row[i].id;
    qsort(id, m->rows, sizeof *id, by_text);
    for (size_t i = 1; i < m->rows; i++)
        if (strcmp(id[i], id[i - 1]) == 0)
            die(SER_BAD, "%s: the id %s is there twice", m->name, id[i]);
    free(id);
}

/* The numbers of the columns that are worked with; -1 for one that is not there. */
struct columns {
    int id, corpus, speaker, group, emotion, hash, split, part;
};

static struct columns find_columns(const struct ser_tsv *t) {
    struct ser_error e;
    struct columns c = {.corpus = ser_tsv_column(t, "corpus"),
                        .hash = ser_tsv_column(t, "audio_hash"),
                        .split = ser_tsv_column(t, "split"),
                        .part = ser_tsv_column(t, "part")};
    if (!opt.certificate && (c.part >= 0 || c.split >= 0))
        die(SER_BAD, "%s: has a column '%s' already: split the manifest as ser-manifest wrote it",
            t->in.name, c.part >= 0 ? "part" : "split");
    if ((c.id = ser_tsv_need(t, "id", &e)) < 0 ||
        (c.speaker = ser_tsv_need(t, "speaker", &e)) < 0 ||
        (c.group = ser_tsv_need(t, opt.group, &e)) < 0 ||
        (c.emotion = ser_tsv_need(t, "emotion", &e)) < 0 ||
        (opt.certificate && (ser_tsv_need(t, "corpus", &e) < 0 || ser_tsv_need(t, "part", &e) < 0)))
        die_error(&e);
    return c;
}

static void add_row(struct manifest *m, const struct ser_tsv *t, const struct columns *c) {
    char **field = m->field[m->rows] = copy_fields(t);
    struct ser_utterance *u = &m->row[m->rows++];
    *u = (struct ser_utterance){.id = field[c->id],
                                .corpus = c->corpus < 0 ? "-" : field[c->corpus],
                                .speaker = field[c->speaker],
                                .group = c->group == c->speaker ? NULL : field[c->group],
                                .emotion = field[c->emotion],
                                .audio_hash = c->hash < 0 ? NULL : field[c->hash]};
    if (!opt.certificate)
        return;
    struct ser_error e;
    int part = ser_part_of(field[c->part]);
    if (part < 0) {
        ser_tsv_fail(t, &e, "the part '%.100s' is not train, val or test", field[c->part]);
        die_error(&e);
    }
    u->part = part;
    m->at_random &= c->split >= 0 && strcmp(field[c->split], "random") == 0;
}

static void read_manifest(struct manifest *m, const char *path) {
    struct ser_tsv t;
    struct ser_error e;
    int got;
    if (ser_tsv_open(&t, path, &e))
        die_error(&e);
    *m = (struct manifest){
        .name = t.in.name, .columns = t.columns, .at_random = opt.random || opt.certificate};
    struct columns c = find_columns(&t);
    m->column = ecalloc((size_t)t.columns, sizeof *m->column);
    for (int i = 0; i < t.columns; i++)
        m->column[i] = estrdup(t.name[i]);
    for (size_t cap = 0; (got = ser_tsv_next(&t, &e)) > 0;) {
        if (m->rows == cap) {
            cap = cap ? 2 * cap : 1024;
            m->field = erealloc(m->field, cap, sizeof *m->field);
            m->row = erealloc(m->row, cap, sizeof *m->row);
        }
        add_row(m, &t, &c);
    }
    if (got < 0)
        die_error(&e);
    if (!m->rows)
        die(SER_BAD, "%s: has no rows", m->name);
    ser_tsv_close(&t);
    refuse_duplicate_ids(m);
}

/* ---- groups: speakers, unless --group names another column ---- */

static int is_unknown(const char *value) {
    return !*value || strcmp(value, "-") == 0;
}

static const char *group_of(const struct ser_utterance *u) {
    return u->group ? u->group : u->speaker;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static struct group *find(const struct groups *s, const char *name) {
    struct group key = {.name = name};
    return s->n ? bsearch(&key, s->at, s->n, sizeof *s->at, by_name) : NULL;
}

/* The manifest's groups, each once. */
static struct groups groups_of(const struct manifest *m) {
    struct groups s = {.at = ecalloc(m->rows, sizeof *s.at)};
    for (size_t i = 0; i < m->rows; i++) {
        s.at[i].name = group_of(&m->row[i]);
        if (is_unknown(s.at[i].name))
            die(SER_BAD, "%s: the %s of %s is unknown: only --random can split it", m->name,
                opt.group, m->row[i].id);
    }
    qsort(s.at, m->rows, sizeof *s.at, by_name);
    for (size_t i = 0; i < m->rows; i++)
        if (!s.n || strcmp(s.at[s.n - 1].name, s.at[i].name) != 0)
            s.at[s.n++] = s.at[i];
    return s;
}

static int parse_fold(const char *word, int *value) {
    int64_t n;
    if (ser_parse_int(word, 1, MAX_FOLDS, &n))
        return -1;
    *value = (int)n;
    return 0;
}

/* The numbers of a list's columns; -1 for one that is not there. */
struct list_columns {
    int group, fold, part;
};

static struct list_columns find_list_columns(const struct ser_tsv *t) {
    struct ser_error e;
    struct list_columns c = {.fold = -1, .part = ser_tsv_column(t, "part")};
    if ((c.group = ser_tsv_need(t, opt.group, &e)) < 0 ||
        (opt.folds && (c.fold = ser_tsv_need(t, "fold", &e)) < 0) ||
        (opt.speakers && ser_tsv_need(t, "part", &e) < 0))
        die_error(&e);
    return c;
}

/* The fold that a row of a list belongs to (0: none), and the value that it gives. */
static int read_fold_and_value(const struct ser_tsv *t, const struct list_columns *c, int *value) {
    struct ser_error e;
    int fold = 0;
    if (c->fold >= 0 && parse_fold(t->field[c->fold], &fold)) {
        ser_tsv_fail(t, &e, "the fold '%.100s' is not a fold from 1", t->field[c->fold]);
        die_error(&e);
    }
    *value = c->part < 0 ? fold : ser_part_of(t->field[c->part]);
    if (*value < 0) {
        ser_tsv_fail(t, &e, "the part '%.100s' is not train, val or test", t->field[c->part]);
        die_error(&e);
    }
    return fold;
}

static void refuse_repeated_groups(const struct groups *s, const char *what) {
    for (size_t i = 1; i < s->n; i++)
        if (strcmp(s->at[i].name, s->at[i - 1].name) == 0)
            die(SER_BAD, "%s: the %s %s is there twice: each has one %s", s->label, opt.group,
                s->at[i].name, what);
}

/* Reads a list: of parts; of folds; or of the parts of fold number wanted, where each fold names
 * its own. free_list frees it. */
static struct groups read_list(const char *path, int wanted) {
    struct groups s = {0};
    struct ser_tsv t;
    struct ser_error e;
    int got = -1, rows = 0;
    if (ser_tsv_open(&t, path, &e))
        die_error(&e);
    struct list_columns c = find_list_columns(&t);
    s.names_parts = opt.folds && c.part >= 0;
    for (size_t cap = 0; (got = ser_tsv_next(&t, &e)) > 0; rows = 1) {
        int value, fold = read_fold_and_value(&t, &c, &value);
        s.folds = fold > s.folds ? fold : s.folds;
        if (s.names_parts && fold != wanted)
            continue;
        if (s.n == cap)
            s.at = erealloc(s.at, cap = cap ? 2 * cap : 128, sizeof *s.at);
        s.at[s.n++] = (struct group){estrdup(t.field[c.group]), value};
    }
    if (got < 0)
        die_error(&e);
    if (!rows)
        die(SER_BAD, "%s: lists no %s", path, opt.group);
    ser_tsv_close(&t);
    size_t size = strlen(path) + sizeof ", fold 1000";
    s.label = emalloc(size);
    snprintf(s.label, size, s.names_parts ? "%s, fold %d" : "%s", path, wanted);
    if (s.n)
        qsort(s.at, s.n, sizeof *s.at, by_name);
    refuse_repeated_groups(&s, c.part < 0 ? "fold" : "part");
    return s;
}

static void free_list(struct groups *s) {
    for (size_t i = 0; i < s->n; i++)
        free((char *)s->at[i].name);
    free(s->at);
    free(s->label);
}

/* The names of those that others lacks, one blank before each; "" if none. The caller frees. */
static char *names_not_in(const struct groups *s, const struct groups *others) {
    char *text = estrdup("");
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!find(others, s->at[i].name)) {
            size_t k = strlen(s->at[i].name) + 1;
            text = erealloc(text, n + k + 1, 1);
            snprintf(text + n, k + 1, " %s", s->at[i].name);
            n += k;
        }
    return text;
}

/* Gives the manifest's groups the values that the list has for them. */
static void look_up(const struct manifest *m, struct groups *s, const struct groups *list) {
    char *unlisted = names_not_in(s, list);
    if (*unlisted)
        die(SER_BAD, "%s: %ss that %s does not list:%s", m->name, opt.group, list->label, unlisted);
    char *absent = names_not_in(list, s);
    if (*absent)
        warn("%s: %ss that %s lists, without a row:%s", m->name, opt.group, list->label, absent);
    for (size_t i = 0; i < s->n; i++)
        s->at[i].value = find(list, s->at[i].name)->value;
    free(unlisted);
    free(absent);
}

static void set_parts(struct manifest *m, const struct groups *s) {
    for (size_t i = 0; i < m->rows; i++)
        m->row[i].part = find(s, group_of(&m->row[i]))->value;
}

/* ---- ways to split; each returns the parts that must not stay empty, as bits ---- */

static const unsigned ALL_PARTS = 1u << SER_TRAIN | 1u << SER_VAL | 1u << SER_TEST;

/* Gives each group the part that the list says. */
static unsigned take_parts(struct manifest *m, struct groups *s, const struct groups *list) {
    unsigned wanted = 0;
    look_up(m, s, list);
    set_parts(m, s);
    for (size_t i = 0; i < list->n; i++)
        wanted |= 1u << list->at[i].value;
    return wanted;
}

static unsigned split_by_speakers(struct manifest *m, struct groups *s) {
    struct groups list = read_list(opt.speakers, 0);
    unsigned wanted = take_parts(m, s, &list);
    free_list(&list);
    return wanted;
}

/* The fold that follows on test and has groups in the manifest; names those that it skips. */
static int next_fold(const struct manifest *m, const size_t *present, int folds, int test) {
    char empty[5 * MAX_FOLDS + 1]; /* " 1000" */
    size_t n = 0;
    int val;
    for (val = test < folds ? test + 1 : 1; !present[val]; val = val < folds ? val + 1 : 1)
        n += (size_t)snprintf(empty + n, sizeof empty - n, " %d", val);
    if (n && !opt.no_val && !opt.no_test) {
        warn("%s: folds without a %s in the manifest, skipped:%s", m->name, opt.group, empty);
        warn("%s: validation is fold %d", m->name, val);
    }
    return val;
}

static unsigned take_folds(struct manifest *m, struct groups *s, const struct groups *list,
                           int test) {
    size_t present[MAX_FOLDS + 1] = {0};
    look_up(m, s, list);
    for (size_t i = 0; i < s->n; i++)
        present[s->at[i].value]++;
    if (!present[test])
        die(SER_BAD, "%s: fold %d cannot be tested: the manifest has none of its %ss", m->name,
            test, opt.group);
    int val = next_fold(m, present, list->folds, test);
    for (size_t i = 0; i < s->n; i++)
        s->at[i].value = s->at[i].value == test  ? SER_TEST
                         : s->at[i].value == val ? SER_VAL
                                                 : SER_TRAIN;
    set_parts(m, s);
    return ALL_PARTS;
}

static unsigned split_by_folds(struct manifest *m, struct groups *s) {
    int test = 0, legal = !parse_fold(opt.fold, &test);
    struct groups list = read_list(opt.folds, test);
    if (!legal || test > list.folds)
        ser_usage("--fold: '%s' is none of the folds 1 to %d of %s", opt.fold, list.folds,
                  opt.folds);
    unsigned wanted = list.names_parts ? take_parts(m, s, &list) : take_folds(m, s, &list, test);
    free_list(&list);
    return wanted;
}

static unsigned leave_one_out(struct manifest *m, struct groups *s) {
    struct group *test = find(s, opt.leave_out);
    if (!test)
        die(SER_BAD, "%s: has no %s %s", m->name, opt.group, opt.leave_out);
    for (size_t i = 0; i < s->n; i++)
        s->at[i].value = SER_TRAIN;
    s->at[((size_t)(test - s->at) + 1) % s->n].value = SER_VAL;
    test->value = SER_TEST;
    set_parts(m, s);
    return ALL_PARTS;
}

struct draw {
    struct ser_utterance *row;
    uint64_t key;
};

static int by_emotion_and_key(const void *a, const void *b) {
    const struct draw *x = a, *y = b;
    int order = strcmp(x->row->emotion, y->row->emotion);
    if (!order)
        order = (x->key > y->key) - (x->key < y->key);
    return order ? order : strcmp(x->row->id, y->row->id);
}

/* Random, but a function of the seed and the id alone. */
static uint64_t draw_key(const char *id) {
    uint32_t w[4];
    uint64_t name = XXH3_64bits(id, strlen(id));
    ser_philox(ser_key((uint64_t)opt.seed, SER_PURPOSE_SPLIT, name, 0), 0, 0, w);
    return (uint64_t)w[0] << 32 | w[1];
}

/* Shares n rows out by percent. Shares that are no whole number are rounded up for the parts
 * furthest behind their share of all rows so far (behind, in hundredths of a row), else down. So no
 * part is a whole row off its share, neither of these rows nor of all: with three parts whose
 * shortfalls in behind add up to 0 and lie within -100..100, they do so after each call. */
static void share(size_t n, const int64_t percent[SER_PARTS], int64_t behind[SER_PARTS],
                  size_t given[SER_PARTS]) {
    int may_grow[SER_PARTS];
    size_t left = n;
    for (int p = 0; p < SER_PARTS; p++) {
        size_t exact = n * (size_t)percent[p];
        given[p] = exact / 100;
        may_grow[p] = exact % 100 != 0;
        behind[p] += (int64_t)(exact % 100);
        left -= given[p];
    }
    for (; left; left--) {
        int most = 0;
        for (int p = 1; p < SER_PARTS; p++)
            if (may_grow[p] && (!may_grow[most] || behind[p] > behind[most]))
                most = p;
        may_grow[most] = 0;
        given[most]++;
        behind[most] -= 100;
    }
}

static void parse_percent(int64_t percent[SER_PARTS]) {
    char text[16], *word, *rest = text;
    int n = 0;
    int64_t sum = 0;
    snprintf(text, sizeof text, "%s", opt.random);
    while (n >= 0 && (word = strsep(&rest, "/")))
        if (n == SER_PARTS || ser_parse_int(word, 0, 100, &percent[n]))
            n = -1;
        else
            sum += percent[n++];
    if (n != SER_PARTS || sum != 100 || strlen(opt.random) >= sizeof text)
        ser_usage("--random: '%s' is not A/B/C, three whole numbers that add up to 100",
                  opt.random);
}

static unsigned split_at_random(struct manifest *m) {
    int64_t percent[SER_PARTS], behind[SER_PARTS] = {0};
    unsigned wanted = 0;
    parse_percent(percent);
    struct draw *d = ecalloc(m->rows, sizeof *d);
    for (size_t i = 0; i < m->rows; i++)
        d[i] = (struct draw){&m->row[i], draw_key(m->row[i].id)};
    qsort(d, m->rows, sizeof *d, by_emotion_and_key);
    for (size_t from = 0, to; from < m->rows; from = to) {
        size_t given[SER_PARTS];
        for (to = from; to < m->rows && !strcmp(d[from].row->emotion, d[to].row->emotion);)
            to++;
        share(to - from, percent, behind, given);
        for (int p = 0; p < SER_PARTS; p++)
            for (; given[p]; given[p]--)
                d[from++].row->part = p;
    }
    free(d);
    for (int p = 0; p < SER_PARTS; p++)
        wanted |= (unsigned)(percent[p] > 0) << p;
    return wanted;
}

/* ---- what a split must keep ---- */

static void refuse_empty_parts(const struct manifest *m, unsigned wanted) {
    size_t n[SER_PARTS] = {0};
    for (size_t i = 0; i < m->rows; i++)
        n[m->row[i].part]++;
    for (int p = 0; p < SER_PARTS; p++)
        if ((wanted >> p & 1) && !n[p])
            die(SER_BAD, "%s: the part %s would be empty", m->name, ser_part_name[p]);
}

static struct ser_shared shared_by_parts(const struct manifest *m) {
    struct ser_shared shared;
    struct ser_error e;
    must(ser_split_share(m->row, m->rows, &shared, &e), &e);
    return shared;
}

/* The part of an utterance; or its fold, while these are made. */
static const char *part_name(const struct ser_utterance *u, char fold[static 32]) {
    if (!opt.make_folds)
        return ser_part_name[u->part];
    snprintf(fold, 32, "fold %d", u->part);
    return fold;
}

/* One recording in two parts: a model is tested with what it has learned. */
static void refuse_shared_audio(const struct manifest *m, const struct ser_shared *s) {
    const struct ser_utterance *a = s->pair[0], *b = s->pair[1];
    char part_a[32], part_b[32];
    if (a)
        die(SER_BAD, "%s: %s (%s) and %s (%s) are the same audio (pairs: %zu): keep one of them",
            m->name, a->id, part_name(a, part_a), b->id, part_name(b, part_b), s->pairs);
}

/* Groups other than speakers may have speakers in common. */
static void refuse_shared_speakers(const struct manifest *m, const struct ser_shared *s) {
    if (s->shared_speakers)
        die(SER_BAD,
            "%s: %zu of %zu speakers would be in more than one %s: each %s needs speakers of its "
            "own",
            m->name, s->shared_speakers, s->speakers, opt.make_folds ? "fold" : "part", opt.group);
}

static void report_nobodys(const struct manifest *m, const struct ser_shared *s, const char *how) {
    if (s->nobodys)
        warn("%s: %sthe speaker of %zu of %zu utterances is unknown: whether the parts share "
             "speakers cannot be judged",
             m->name, how, s->nobodys, m->rows);
}

static void report_shared(const struct manifest *m, const struct ser_shared *s, const char *how) {
    const struct ser_utterance *a = s->pair[0], *b = s->pair[1];
    if (opt.quiet)
        return;
    if (a)
        warn("%s: %sthe same audio is in two parts: %s (%s) and %s (%s) (pairs: %zu)", m->name, how,
             a->id, ser_part_name[a->part], b->id, ser_part_name[b->part], s->pairs);
    if (s->shared_speakers)
        warn("%s: %s%zu of %zu speakers are in more than one part: scores will flatter", m->name,
             how, s->shared_speakers, s->speakers);
    if (s->shared_groups)
        warn("%s: %s%zu of %zu %ss are in more than one part", m->name, how, s->shared_groups,
             s->groups, opt.group);
    report_nobodys(m, s, how);
}

static int by_emotion(const void *a, const void *b) {
    const struct ser_utterance *const *x = a, *const *y = b;
    return strcmp((*x)->emotion, (*y)->emotion);
}

/* Tells of classes that a part lacks, most often since they have too few utterances for a share. */
static void report_absent_classes(const struct manifest *m, unsigned wanted) {
    const struct ser_utterance **u = ecalloc(m->rows, sizeof *u);
    for (size_t i = 0; i < m->rows; i++)
        u[i] = &m->row[i];
    qsort(u, m->rows, sizeof *u, by_emotion);
    for (size_t from = 0, to; from < m->rows; from = to) {
        unsigned has = 0;
        for (to = from; to < m->rows && strcmp(u[from]->emotion, u[to]->emotion) == 0; to++)
            has |= 1u << u[to]->part;
        int known = !is_unknown(u[from]->emotion);
        for (int p = 0; p < SER_PARTS && known && !opt.quiet; p++)
            if (wanted & ~has & 1u << p)
                warn("%s: none of the %zu utterances of '%.100s' is in the part %s", m->name,
                     to - from, u[from]->emotion, ser_part_name[p]);
    }
    free(u);
}

/* ---- output ---- */

static void write_manifest(const struct manifest *m) {
    struct ser_error e;
    struct ser_out o;
    const char *split = opt.random ? "\trandom" : "";
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    for (int c = 0; c < m->columns; c++)
        ser_out_printf(&o, "%s\t", m->column[c]);
    ser_out_printf(&o, "%spart\n", opt.random ? "split\t" : "");
    for (size_t i = 0; i < m->rows; i++) {
        char *const *field = m->field[i];
        const char *part = ser_part_name[m->row[i].part];
        if (opt.part && strcmp(opt.part, part) != 0)
            continue;
        ser_out_printf(&o, "%s", field[0]);
        for (int c = 1; c < m->columns; c++)
            ser_out_printf(&o, "\t%s", field[c]);
        ser_out_printf(&o, "%s\t%s\n", split, part);
    }
    must(ser_out_close(&o, &e), &e);
}

static void release(struct manifest *m) {
    for (int c = 0; c < m->columns; c++)
        free(m->column[c]);
    for (size_t i = 0; i < m->rows; i++)
        free(m->field[i]);
    free(m->column);
    free(m->field);
    free(m->row);
}

/* ---- splits with a part less ---- */

/* Gives the rows of one part to another, and says so in the parts that must not stay empty. */
static unsigned move_part(struct manifest *m, enum ser_part from, enum ser_part to,
                          unsigned wanted) {
    for (size_t i = 0; i < m->rows; i++)
        if (m->row[i].part == (int)from)
            m->row[i].part = (int)to;
    return wanted >> from & 1 ? (wanted & ~(1u << from)) | 1u << to : wanted;
}

static unsigned leave_parts_out(struct manifest *m, unsigned wanted) {
    if (opt.no_val || opt.no_test)
        wanted = move_part(m, SER_VAL, SER_TRAIN, wanted);
    return opt.no_test ? move_part(m, SER_TEST, SER_VAL, wanted) : wanted;
}

/* ---- folds are made ---- */

/* The emotions of the manifest, each once, sorted; the caller frees the array. */
static const char **emotions_of(const struct manifest *m, size_t *n) {
    const char **emotion = ecalloc(m->rows, sizeof *emotion);
    for (size_t i = 0; i < m->rows; i++)
        emotion[i] = m->row[i].emotion;
    qsort(emotion, m->rows, sizeof *emotion, by_text);
    *n = 0;
    for (size_t i = 0; i < m->rows; i++)
        if (!*n || strcmp(emotion[*n - 1], emotion[i]) != 0)
            emotion[(*n)++] = emotion[i];
    return emotion;
}

/* How many utterances of each emotion each group has: [groups][emotions], which the caller frees. */
static size_t *count_emotions(const struct manifest *m, const struct groups *s,
                              const char **emotion, size_t emotions) {
    if (emotions > SIZE_MAX / 16 / s->n)
        die(SER_BAD, "%s: %zu emotions of %zu %ss are too many", m->name, emotions, s->n,
            opt.group);
    size_t *count = ecalloc(s->n * emotions, sizeof *count);
    for (size_t i = 0; i < m->rows; i++) {
        const char **e = bsearch(&m->row[i].emotion, emotion, emotions, sizeof *emotion, by_text);
        size_t g = (size_t)(find(s, group_of(&m->row[i])) - s->at);
        count[g * emotions + (size_t)(e - emotion)]++;
    }
    return count;
}

static void deal(struct groups *s, const size_t *count, size_t emotions) {
    size_t folds = (size_t)opt.make_folds;
    size_t *order = ecalloc(s->n, sizeof *order), *fold = ecalloc(s->n, sizeof *fold);
    double *scratch = ecalloc((folds + 1) * (emotions + 1), sizeof *scratch);
    ser_permute(ser_key((uint64_t)opt.seed, SER_PURPOSE_SPLIT, 0, 0), s->n, order);
    ser_balanced_folds(count, s->n, emotions, order, folds, fold, scratch);
    for (size_t i = 0; i < s->n; i++)
        s->at[i].value = (int)fold[i] + 1;
    free(order);
    free(fold);
    free(scratch);
}

/* Tells of emotions that some folds lack, most often since too few speakers have them. */
static void report_absent_emotions(const struct manifest *m, const struct groups *s,
                                   const size_t *count, const char **emotion, size_t emotions) {
    for (size_t c = 0; c < emotions; c++) {
        int has[MAX_FOLDS + 1] = {0}, lacks = 0;
        size_t all = 0, groups = 0;
        for (size_t g = 0; g < s->n; g++)
            if (count[g * emotions + c]) {
                has[s->at[g].value] = 1;
                all += count[g * emotions + c];
                groups++;
            }
        for (int f = 1; f <= opt.make_folds; f++)
            lacks += !has[f];
        if (lacks && !is_unknown(emotion[c]))
            warn("%s: %d of %d folds have none of the %zu utterances of '%.100s' (%ss: %zu)",
                 m->name, lacks, (int)opt.make_folds, all, emotion[c], opt.group, groups);
    }
}

static void write_folds(const struct groups *s) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    ser_out_printf(&o, "%s\tfold\n", opt.group);
    for (size_t i = 0; i < s->n; i++)
        ser_out_printf(&o, "%s\t%d\n", s->at[i].name, s->at[i].value);
    must(ser_out_close(&o, &e), &e);
}

/* ---- the three things it does ---- */

static int make_folds(struct manifest *m) {
    struct groups s = groups_of(m);
    size_t emotions;
    if (s.n < (size_t)opt.make_folds)
        die(SER_BAD, "%s: has %zu %ss, too few for %d folds", m->name, s.n, opt.group,
            (int)opt.make_folds);
    const char **emotion = emotions_of(m, &emotions);
    size_t *count = count_emotions(m, &s, emotion, emotions);
    deal(&s, count, emotions);
    set_parts(m, &s);
    struct ser_shared shared = shared_by_parts(m);
    refuse_shared_speakers(m, &shared);
    refuse_shared_audio(m, &shared);
    report_nobodys(m, &shared, "");
    report_absent_emotions(m, &s, count, emotion, emotions);
    write_folds(&s);
    free(count);
    free(emotion);
    free(s.at);
    return SER_OK;
}

static unsigned choose_parts(struct manifest *m) {
    if (opt.random)
        return split_at_random(m);
    struct groups s = groups_of(m);
    unsigned wanted = opt.speakers ? split_by_speakers(m, &s)
                      : opt.folds  ? split_by_folds(m, &s)
                                   : leave_one_out(m, &s);
    free(s.at);
    return leave_parts_out(m, wanted);
}

static int split(struct manifest *m) {
    unsigned wanted = choose_parts(m);
    refuse_empty_parts(m, wanted);
    struct ser_shared shared = shared_by_parts(m);
    if (m->at_random) {
        report_shared(m, &shared, "");
    } else {
        refuse_shared_speakers(m, &shared);
        refuse_shared_audio(m, &shared);
        report_nobodys(m, &shared, "");
    }
    report_absent_classes(m, wanted);
    write_manifest(m);
    return SER_OK;
}

static int certify(const struct manifest *m) {
    struct ser_shared shared = shared_by_parts(m);
    struct ser_out o;
    struct ser_error e;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    must(ser_split_certify(m->row, m->rows, &shared, &o, &e), &e);
    must(ser_out_close(&o, &e), &e);
    report_shared(m, &shared, m->at_random ? "split at random: " : "");
    return m->at_random ||
                   (!shared.shared_speakers && !shared.shared_groups && !shared.shared_audio)
               ? SER_OK
               : SER_NO;
}

int main(int argc, char **argv) {
    struct manifest m;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (!!opt.speakers + !!opt.folds + !!opt.leave_out + !!opt.random + !!opt.make_folds +
            opt.certificate !=
        1)
        ser_usage("give one of --speakers, --folds, --leave-out, --random, --make-folds, "
                  "--certificate");
    if (!opt.folds != !opt.fold)
        ser_usage("--folds and --fold go together");
    if (!opt.random && !opt.make_folds && opt.seed != DEFAULT_SEED)
        ser_usage("--seed belongs to --random and --make-folds");
    if (opt.random && ser_option_given("group"))
        ser_usage(
            "--random draws utterances one by one, whatever --group they are of: draw folds of "
            "groups with --make-folds");
    if (opt.no_val && (opt.random || opt.certificate || opt.make_folds))
        ser_usage("--no-val belongs to lists, folds and speakers: of --random A/B/C let B be 0");
    if (opt.no_test && (!opt.folds || opt.no_val))
        ser_usage("--no-test belongs to --fold, and does not go with --no-val");
    if ((opt.certificate || opt.make_folds) && opt.part)
        ser_usage("--part belongs to a way to split: --%s is about all parts",
                  opt.certificate ? "certificate" : "make-folds");
    if (argc - first > 1)
        ser_usage("more than one manifest is given");
    const char *list = opt.speakers ? opt.speakers : opt.folds;
    ser_one_stdin(argv + first, first < argc ? NULL : "-", list);
    ser_keep_inputs("--output", opt.output, argv + first, list, NULL);

    read_manifest(&m, argv[first]);
    int status = opt.certificate ? certify(&m) : opt.make_folds ? make_folds(&m) : split(&m);
    release(&m);
    return status;
}
