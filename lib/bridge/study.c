#include "bridge/study.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/classes.h"
#include "bridge/model.h"
#include "core/bytes.h"
#include "core/set.h"
#include "core/tsv.h"

const char *const ser_split_kind_name[] = {"listed speakers", "folds", "random splits"};

enum { MAX_OPTIONS = 1 << 20 }; /* bytes of one file of options */

static int no_memory(struct ser_error *e) {
    return ser_fail(e, SER_SYS, "out of memory");
}

/* ---- texts and lists that grow ---- */

/* As asprintf(3) makes it; NULL without memory. */
SER_PRINTF(1, 2) static char *make_text(const char *fmt, ...) {
    char *text;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    return n < 0 ? NULL : text;
}

/* Puts more behind the text, and gap between them if there is any. */
static void add_text(struct ser_text *text, const char *gap, const char *more) {
    if (text->n)
        ser_text_add(text, gap, strlen(gap));
    ser_text_add(text, more, strlen(more));
}

/* Makes *list one longer and returns the new element, zeros; NULL without memory. */
static void *add_element(void *list, size_t *n, size_t size) {
    size_t cap = *n;
    char *at;
    if (ser_grow(list, &cap, *n + 1, size))
        return NULL;
    memcpy(&at, list, sizeof at); /* of whatever type it points to */
    return memset(at + (*n)++ * size, 0, size);
}

/* ---- folders ---- */

struct names {
    char **at;
    size_t n;
};

static void free_names(struct names *l) {
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i]);
    free(l->at);
    *l = (struct names){0};
}

/* The place of a character among those that names are sorted by: the end and digits, letters, all
 * others. */
static int place_of(char c) {
    unsigned char u = (unsigned char)c;
    return isdigit(u) ? 0 : isalpha(u) ? u : u ? u + 256 : 0;
}

/* Compares the numbers that a and b begin with (none is 0) and moves both behind them. */
static int compare_numbers(const char **a, const char **b) {
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    size_t n = strspn(*a, "0123456789"), k = strspn(*b, "0123456789");
    int order = n != k ? (n < k ? -1 : 1) : strncmp(*a, *b, n);
    *a += n;
    *b += k;
    return order;
}

/* The order of sort -V: seed.2 before seed.10, letters before other characters. */
static int compare_names(const char *a, const char *b) {
    const char *x = a, *y = b;
    while (*x || *y) {
        int order = place_of(*x) - place_of(*y);
        if (!order && place_of(*x)) {
            x++;
            y++;
        } else if (order || (order = compare_numbers(&x, &y))) {
            return order;
        }
    }
    return strcmp(a, b);
}

static int by_name(const void *a, const void *b) {
    return compare_names(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct names *l, const char *name) {
    char **to = add_element(&l->at, &l->n, sizeof *l->at);
    return to && (*to = make_text("%s", name)) ? 0 : -1;
}

static int read_names(DIR *d, const char *path, struct names *l, struct ser_error *e) {
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(d)))
        if (entry->d_name[0] != '.' && add_name(l, entry->d_name))
            return no_memory(e);
    if (errno)
        return ser_fail(e, SER_SYS, "%s: cannot read: %s", path, strerror(errno));
    if (l->n)
        qsort(l->at, l->n, sizeof *l->at, by_name);
    return 0;
}

/* What is in a folder, but for what begins with a dot, numbers in the order of their values. What
 * is no folder holds nothing. 0, or -1 with e set. */
static int list_folder(const char *path, struct names *l, struct ser_error *e) {
    *l = (struct names){0};
    DIR *d = opendir(path);
    if (!d && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!d)
        return ser_fail(e, SER_SYS, "%s: cannot open: %s", path, strerror(errno));
    int failed = read_names(d, path, l, e);
    closedir(d);
    if (failed)
        free_names(l);
    return failed;
}

/* Sets *path to FOLDER/NAME if that is there, else to NULL. 0, or -1 without memory. */
static int find_file(const char *folder, const char *name, char **path) {
    *path = make_text("%s/%s", folder, name);
    if (!*path)
        return -1;
    if (access(*path, F_OK)) {
        free(*path);
        *path = NULL;
    }
    return 0;
}

/* Calls each for every name in a folder, until it fails. */
static int for_each(const char *folder,
                    int (*each)(void *ctx, const char *folder, const char *name,
                                struct ser_error *e),
                    void *ctx, struct ser_error *e) {
    struct names l;
    if (list_folder(folder, &l, e))
        return -1;
    int failed = 0;
    for (size_t i = 0; i < l.n && !failed; i++)
        failed = each(ctx, folder, l.at[i], e);
    free_names(&l);
    return failed;
}

/* The field of the last row, or otherwise where there is no such column. */
static const char *field_of(const struct ser_tsv *t, int column, const char *otherwise) {
    return column < 0 ? otherwise : t->field[column];
}

/* The whole of a small file as text; NULL with e set. */
static char *read_text(const char *path, struct ser_error *e) {
    struct ser_in in;
    unsigned char *data;
    size_t n;
    if (ser_in_open(&in, path, e))
        return NULL;
    int failed = ser_in_rest(&in, MAX_OPTIONS, &data, &n, e);
    ser_in_close(&in);
    if (failed)
        return NULL;
    char *text = NULL;
    if (memchr(data, '\0', n))
        ser_fail(e, SER_BAD, "%s: holds a NUL byte: no text", path);
    else if (!(text = make_text("%.*s", (int)n, (char *)data)))
        no_memory(e);
    free(data);
    return text;
}

/* The lines of a file of options as one; NULL with e set. */
static char *read_options(const char *path, struct ser_error *e) {
    char *text = read_text(path, e);
    size_t n = text ? strlen(text) : 0;
    while (n && text[n - 1] == '\n')
        text[--n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\t' || text[i] == '\n')
            text[i] = ' ';
    return text;
}

/* ---- which runs are of a study ---- */

/* 1 if the run NAME.SEED of a split, or with an empty name any run of it, is to be read; -1 without
 * memory. */
static int is_of_study(const struct ser_study *s, const char *split, const char *name) {
    char *run = s->is_listed ? make_text("%s/%s", split, name) : NULL;
    int listed = !s->is_listed ? 1 : run ? ser_set_has(&s->listed, run) : -1;
    free(run);
    return listed;
}

/* Notes the run SPLIT/NAME.SEED and its split. */
static int list_run(struct ser_study *s, char *run, struct ser_error *e) {
    if (ser_set_add(&s->listed, run) < 0)
        return no_memory(e);
    char *slash = strchr(run, '/');
    if (!slash)
        return 0;
    slash[1] = '\0';
    return ser_set_add(&s->listed, run) < 0 ? no_memory(e) : 0;
}

static int list_runs(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    struct ser_study *s = ctx;
    char *path = make_text("%s/%s", folder, name), *at;
    char *text = path ? read_options(path, e) : NULL;
    int failed = !path ? no_memory(e) : text ? 0 : -1;
    for (char *run = text ? strtok_r(text, " ", &at) : NULL; run && !failed;
         run = strtok_r(NULL, " ", &at))
        failed = list_run(s, run, e);
    free(text);
    free(path);
    return failed;
}

/* ---- splits ---- */

static void free_split(struct ser_split *s) {
    if (s) {
        free(s->name);
        free(s->path);
        free(s->manifest);
        free(s->certificate);
        free(s->test);
        free(s->truth);
        free(s);
    }
}

/* 1 if name is word and then digits alone. */
static int is_numbered(const char *name, const char *word) {
    size_t n = strlen(word);
    if (strncmp(name, word, n) != 0 || !name[n])
        return 0;
    while (isdigit((unsigned char)name[n]))
        n++;
    return !name[n];
}

/* Whether the column split of the first row says random: 1, 0, or -1 with e set. */
static int is_drawn(const char *manifest, struct ser_error *e) {
    struct ser_tsv t;
    if (ser_tsv_open(&t, manifest, e))
        return -1;
    int got = ser_tsv_next(&t, e), column = ser_tsv_column(&t, "split");
    int drawn = got > 0 ? strcmp(field_of(&t, column, "-"), "random") == 0 : got;
    ser_tsv_close(&t);
    return drawn;
}

static int find_split_kind(struct ser_split *s, struct ser_error *e) {
    int drawn = s->manifest ? is_drawn(s->manifest, e) : is_numbered(s->name, "random");
    if (drawn < 0)
        return -1;
    s->kind = drawn                          ? SER_SPLIT_RANDOM
              : is_numbered(s->name, "fold") ? SER_SPLIT_FOLD
                                             : SER_SPLIT_LISTED;
    return 0;
}

static int fill_split(struct ser_split *s, const char *path, const char *name,
                      struct ser_error *e) {
    s->name = make_text("%s", name);
    s->path = make_text("%s", path);
    if (!s->name || !s->path || find_file(path, "manifest.tsv", &s->manifest) ||
        find_file(path, "certificate.tsv", &s->certificate) ||
        find_file(path, "test.sert", &s->test) || find_file(path, "live/truth.tsv", &s->truth))
        return no_memory(e);
    return find_split_kind(s, e);
}

/* Adds the split to the study; NULL with e set. */
static struct ser_split *add_split(struct ser_study *s, const char *path, const char *name,
                                   struct ser_error *e) {
    struct ser_split **to = add_element(&s->split, &s->splits, sizeof *s->split);
    if (!to || !(*to = calloc(1, sizeof **to))) {
        no_memory(e);
        return NULL;
    }
    return fill_split(*to, path, name, e) ? NULL : *to;
}

/* ---- runs ---- */

static void free_run(struct ser_run *r) {
    if (r) {
        free(r->name);
        free(r->seed);
        free(r->path);
        free(r->predictions);
        free(r->over_time);
        free(r->tested);
        free(r->model);
        free(r->net);
        ser_attrs_clear(&r->header);
        free(r->log.path);
        free(r);
    }
}

/* Adds "KIND TAB WORD" to the set. 0, or -1 without memory. */
static int add_tested(struct ser_set *set, const char *kind, const char *word) {
    char *text = make_text("%s\t%s", kind, word);
    int added = text ? ser_set_add(set, text) : -1;
    free(text);
    return added < 0 ? -1 : 0;
}

/* Emotions in truth, in what was predicted and in columns of probabilities; corpora. */
static int read_tested(struct ser_tsv *t, struct ser_set *set, struct ser_error *e) {
    int emotion = ser_tsv_column(t, "emotion"), predicted = ser_tsv_column(t, "predicted");
    int corpus = ser_tsv_column(t, "corpus"), got = 0;
    for (int i = 0; i < t->columns; i++) {
        const char *class = ser_classes_name(t->name[i]);
        if (class && add_tested(set, "emotion", class))
            return no_memory(e);
    }
    if (emotion < 0 || predicted < 0)
        return 0; /* no predictions: whoever evaluates them says so */
    while ((got = ser_tsv_next(t, e)) > 0)
        if (strcmp(t->field[emotion], "-") != 0 &&
            (add_tested(set, "emotion", t->field[emotion]) ||
             add_tested(set, "emotion", t->field[predicted]) ||
             (corpus >= 0 && add_tested(set, "corpus", t->field[corpus]))))
            return no_memory(e);
    return got;
}

/* The set's words in byte order, each behind a newline, as one text; NULL without memory. */
static char *join_set(const struct ser_set *set) {
    struct ser_text text = {0};
    char **word = ser_set_sorted(set);
    ser_text_add(&text, "\n", 1);
    for (size_t i = 0; word && i < set->n; i++)
        add_text(&text, "\n", word[i]);
    if (!word || text.failed)
        ser_text_free(&text);
    free(word);
    return text.at;
}

static int find_tested(struct ser_run *r, struct ser_error *e) {
    struct ser_tsv t;
    struct ser_set set = {0};
    if (ser_file_bytes(r->predictions) > SER_MAX_PREDICTIONS)
        return ser_fail(e, SER_BAD, "%s: larger than %d bytes: no predictions", r->predictions,
                        SER_MAX_PREDICTIONS);
    if (ser_tsv_open(&t, r->predictions, e))
        return -1;
    int failed = read_tested(&t, &set, e);
    ser_tsv_close(&t);
    if (!failed && !(r->tested = join_set(&set)))
        failed = no_memory(e);
    ser_set_free(&set);
    return failed;
}

static int sum_file(const char *path, char text[SER_SHA256_HEX], struct ser_error *e) {
    struct ser_in in;
    struct ser_sha256 h;
    unsigned char block[16384];
    size_t got;
    if (ser_in_open(&in, path, e))
        return -1;
    ser_sha256_start(&h);
    int failed;
    while (!(failed = ser_in_read(&in, block, sizeof block, &got, e)) && got)
        ser_sha256_add(&h, block, got);
    ser_in_close(&in);
    ser_sha256_end(&h, text);
    return failed;
}

static int read_model(struct ser_run *r, struct ser_error *e) {
    struct ser_model m;
    if (ser_model_load(&m, r->model, e))
        return -1;
    r->net = make_text("%s", m.net->text);
    r->header = m.header;
    m.header = (struct ser_attrs){0};
    ser_model_free(&m);
    return r->net ? sum_file(r->model, r->model_sha256, e) : no_memory(e);
}

static int read_log_rows(struct ser_study_log *log, struct ser_tsv *t, struct ser_error *e) {
    int best = ser_tsv_column(t, "best"), epoch = ser_tsv_column(t, "epoch");
    int accuracy = ser_tsv_column(t, "val_accuracy"), got;
    while ((got = ser_tsv_next(t, e)) > 0) {
        log->epochs++;
        if (strcmp(field_of(t, best, "0"), "1") != 0 || epoch < 0 || accuracy < 0)
            continue;
        int unknown = strcmp(t->field[accuracy], "-") == 0;
        log->best_val_accuracy = -1;
        if (ser_parse_int(t->field[epoch], 1, INT64_MAX, &log->best) ||
            (!unknown && ser_parse_real(t->field[accuracy], 0, 1, &log->best_val_accuracy)))
            return ser_tsv_fail(t, e, "epoch counts from 1, val_accuracy is between 0 and 1");
    }
    return got;
}

static int read_log(struct ser_study_log *log, struct ser_error *e) {
    struct ser_tsv t;
    if (ser_tsv_open(&t, log->path, e))
        return -1;
    int failed = read_log_rows(log, &t, e);
    ser_tsv_close(&t);
    return failed;
}

/* r has its path and its table of predictions; the first n bytes of name are its name. */
static int fill_run(struct ser_run *r, const char *name, size_t n, const char *seed,
                    struct ser_error *e) {
    r->name = make_text("%.*s", (int)n, name);
    r->seed = make_text("%s", seed);
    if (!r->name || !r->seed || find_file(r->path, "model.bin", &r->model) ||
        find_file(r->path, "log.tsv", &r->log.path) ||
        find_file(r->path, "over-time.tsv", &r->over_time))
        return no_memory(e);
    if (find_tested(r, e) || (r->model && read_model(r, e)))
        return -1;
    return r->log.path ? read_log(&r->log, e) : 0;
}

/* What is read of one split. */
struct split_place {
    struct ser_study *study;
    const char *name;
    struct ser_split *split; /* NULL: it has no run so far */
};

/* Adds the run in FOLDER/NAME if it has predictions, as that of the first n bytes of called. */
static int put_run(struct split_place *place, const char *folder, const char *name,
                   const char *called, size_t n, const char *seed, struct ser_error *e) {
    struct ser_study *s = place->study;
    char *path, *predictions;
    if (!(path = make_text("%s/%s", folder, name)))
        return no_memory(e);
    int failed = find_file(path, "predictions.tsv", &predictions);
    if (failed || !predictions) {
        free(path);
        return failed ? no_memory(e) : 0;
    }
    struct ser_run **to = add_element(&s->run, &s->runs, sizeof *s->run);
    if (!to || !(*to = calloc(1, sizeof **to))) {
        free(path);
        free(predictions);
        return no_memory(e);
    }
    (*to)->path = path;
    (*to)->predictions = predictions;
    if (!place->split && !(place->split = add_split(s, folder, place->name, e)))
        return -1;
    (*to)->split = place->split;
    return fill_run(*to, called, n, seed, e);
}

static int add_run(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    const struct split_place *place = ctx;
    const char *dot = strrchr(name, '.');
    int wanted = dot && dot[1] ? is_of_study(place->study, place->name, name) : 0;
    if (wanted <= 0)
        return wanted ? no_memory(e) : 0; /* not NAME.SEED, or of an earlier study */
    return put_run(ctx, folder, name, name, (size_t)(dot - name), dot + 1, e);
}

static int add_runs(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    struct split_place place = {.study = ctx, .name = name};
    char *path = make_text("%s/%s", folder, name);
    int failed = path ? for_each(path, add_run, &place, e) : no_memory(e);
    free(path);
    return failed;
}

/* ---- searches ---- */

/* The whole of FOLDER/NAME as text, to be freed: *text, NULL if there is no such file. */
static int find_text(const char *folder, const char *name, char **text, struct ser_error *e) {
    char *path;
    *text = NULL;
    if (find_file(folder, name, &path))
        return no_memory(e);
    if (!path)
        return 0;
    *text = read_text(path, e);
    free(path);
    return *text ? 0 : -1;
}

/* Adds what is in DIR/NAME if it is a search. */
static int fill_search(struct ser_study *s, const char *path, const char *name, char *results,
                       struct ser_error *e) {
    struct split_place place = {.study = s, .name = name};
    struct ser_study_search *to = add_element(&s->search, &s->searches, sizeof *s->search);
    if (!to) {
        free(results);
        return no_memory(e);
    }
    to->results = results;
    if (!(to->name = make_text("%s", name)))
        return no_memory(e);
    if (find_text(path, "winner.options", &to->options, e) ||
        find_text(path, "winner.net", &to->net, e) ||
        put_run(&place, path, "final", "winner", strlen("winner"), "1", e) ||
        put_run(&place, path, "vote", "vote", strlen("vote"), "1", e))
        return -1;
    if (place.split && !place.split->test && find_file(path, "final/test.sert", &place.split->test))
        return no_memory(e);
    return 0;
}

static int add_search(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    char *path = make_text("%s/%s", folder, name), *results = NULL;
    int failed = path && !find_file(path, "search.tsv", &results) ? 0 : no_memory(e);
    if (!failed && results)
        failed = fill_search(ctx, path, name, results, e);
    free(path);
    return failed;
}

/* ---- groups ---- */

enum level { OF_NAME, OF_KIND, OF_SPLIT, OF_RUN };

/* 1 if the runs are one on this level: of one name, and of one kind of split, one split, one run. */
static int is_level(const struct ser_run *a, const struct ser_run *b, enum level level) {
    if (strcmp(a->name, b->name) != 0)
        return 0;
    switch (level) {
    case OF_NAME:
        return 1;
    case OF_KIND:
        return a->split->kind == b->split->kind;
    case OF_SPLIT:
        return a->split == b->split;
    default:
        return a == b;
    }
}

/* 1 if any of the runs that are one with r on this level must not be taken together. Without a
 * model any network may be behind a run. */
static int is_mixed(const struct ser_study *s, const struct ser_run *r, enum level level) {
    const char *net = NULL;
    for (size_t i = 0; i < s->runs; i++) {
        const struct ser_run *q = s->run[i];
        if (!is_level(r, q, level))
            continue;
        if (strcmp(q->tested, r->tested) != 0 || q->split->kind != r->split->kind)
            return 1;
        if (!s->searches && net && q->net && strcmp(net, q->net) != 0)
            return 1;
        net = net ? net : q->net;
    }
    return 0;
}

static char *make_label(const struct ser_run *r, enum level level) {
    switch (level) {
    case OF_NAME:
        return make_text("%s", r->name);
    case OF_KIND:
        return make_text("%s/%s", r->name, ser_split_kind_name[r->split->kind]);
    case OF_SPLIT:
        return make_text("%s/%s", r->name, r->split->name);
    default:
        return make_text("%s/%s/%s", r->name, r->split->name, r->seed);
    }
}

static int add_to_group(struct ser_group *g, struct ser_run *r) {
    struct ser_run **to = add_element(&g->run, &g->runs, sizeof *g->run);
    if (!to)
        return -1;
    *to = r;
    return 0;
}

/* The runs that are one with a run that is in no group yet. */
static int add_group(struct ser_study *s, size_t first, enum level level, char *grouped) {
    struct ser_group *g = add_element(&s->group, &s->groups, sizeof *s->group);
    if (!g || !(g->label = make_label(s->run[first], level)))
        return -1;
    g->divided = level != OF_NAME;
    for (size_t i = first; i < s->runs; i++)
        if (is_level(s->run[first], s->run[i], level)) {
            grouped[i] = 1;
            if (add_to_group(g, s->run[i]))
                return -1;
        }
    return 0;
}

static int find_groups(struct ser_study *s, struct ser_error *e) {
    char *grouped = calloc(s->runs + 1, 1);
    int failed = grouped ? 0 : -1;
    for (size_t i = 0; i < s->runs && !failed; i++) {
        if (grouped[i])
            continue;
        enum level level = OF_NAME;
        while (level < OF_RUN && is_mixed(s, s->run[i], level))
            level++;
        failed = add_group(s, i, level, grouped);
    }
    free(grouped);
    return failed ? no_memory(e) : 0;
}

/* ---- steps of the pipeline ---- */

/* The command that these options belong to, as far as options go, or what they are. Empty: none.
 * NULL without memory. */
static char *command_of(const char *file, const char *text) {
    if (!strchr(file, '/')) /* search.txt */
        return make_text("%s", text);
    const char *last = strrchr(file, '/') + 1, *of_split = strstr(file, "/options/");
    if (strncmp(file, "options/", 8) == 0) {
        static const char *const corpora[] = {"ravdess", "savee", "cremad"};
        for (size_t i = 0; i < sizeof corpora / sizeof *corpora; i++)
            if (strcmp(last, corpora[i]) == 0)
                return make_text("ser-manifest --corpus %s %s", last, text);
        return make_text("%s", text);
    }
    if (!of_split) { /* split/SPLIT/NAME.SEED/options */
        const char *dot = last - 1;
        while (*dot != '.' && dot > file)
            dot--;
        return make_text("ser-train --seed %.*s --net %s", (int)(last - 1 - (dot + 1)), dot + 1,
                         text);
    }
    if (strcmp(last, "split") == 0)
        return make_text("ser-split %s", text);
    if (strcmp(last, "augment") == 0)
        return *text ? make_text("ser-augment --keep %s", text) : make_text("%s", "");
    if (strcmp(last, "normalize") == 0)
        return *text ? make_text("ser-tensor normalize %s", text) : make_text("%s", "");
    if (strcmp(last, "features") == 0)
        return make_text("ser-mfcc %s", text);
    return make_text("%s", text);
}

static int add_command(struct ser_study *s, const char *file, const char *options,
                       struct ser_error *e) {
    char *text = command_of(file, options);
    if (!text || !*text) { /* nothing was done */
        free(text);
        return text ? 0 : no_memory(e);
    }
    struct ser_step *to = add_element(&s->step, &s->steps, sizeof *s->step);
    if (!to) {
        free(text);
        return no_memory(e);
    }
    to->text = text;
    return (to->file = make_text("%s", file)) ? 0 : no_memory(e);
}

/* Adds the step whose options are in DIR/FILE; a file that is not there or empty is none. */
static int add_step(struct ser_study *s, const char *file, struct ser_error *e) {
    char *path = make_text("%s/%s", s->path, file);
    if (!path)
        return no_memory(e);
    char *options = NULL;
    int failed = 0;
    if (ser_file_bytes(path))
        failed = (options = read_options(path, e)) ? add_command(s, file, options, e) : -1;
    free(options);
    free(path);
    return failed;
}

/* The parts of a study's folder that may hold options; folder is below DIR. */
static int add_options_in(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    struct ser_study *s = ctx;
    char *file = make_text("%s/%s", folder + strlen(s->path) + 1, name);
    int failed = file ? add_step(s, file, e) : no_memory(e);
    free(file);
    return failed;
}

static int add_split_options(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    int wanted = is_of_study(ctx, name, "");
    if (wanted <= 0)
        return wanted ? no_memory(e) : 0;
    char *path = make_text("%s/%s/options", folder, name);
    int failed = path ? for_each(path, add_options_in, ctx, e) : no_memory(e);
    free(path);
    return failed;
}

static int add_run_options(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    int wanted = is_of_study(ctx, strrchr(folder, '/') + 1, name);
    if (wanted <= 0)
        return wanted ? no_memory(e) : 0;
    char *run = make_text("%s/%s", folder, name);
    int failed = run ? add_options_in(ctx, run, "options", e) : no_memory(e);
    free(run);
    return failed;
}

static int add_runs_options(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    char *split = make_text("%s/%s", folder, name);
    int failed = split ? for_each(split, add_run_options, ctx, e) : no_memory(e);
    free(split);
    return failed;
}

static int add_generated(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    static const char end[] = ".generated";
    struct ser_study *s = ctx;
    size_t n = strlen(name), k = sizeof end - 1;
    (void)folder;
    if (n <= k || strcmp(name + n - k, end) != 0)
        return 0;
    char **to = add_element(&s->generated, &s->generateds, sizeof *s->generated);
    return to && (*to = make_text("%.*s", (int)(n - k), name)) ? 0 : no_memory(e);
}

static int add_conditions(void *ctx, const char *folder, const char *name, struct ser_error *e) {
    struct ser_study *s = ctx;
    char *study = make_text("%s/%s", folder, name), *path = NULL;
    int failed = !study || find_file(study, "conditions.tsv", &path);
    free(study);
    char **to = path ? add_element(&s->condition, &s->conditions, sizeof *s->condition) : NULL;
    if (to)
        *to = path;
    else if (path)
        free(path);
    return failed || (path && !to) ? no_memory(e) : 0;
}

/* ---- the study ---- */

static int read_searches(struct ser_study *s, struct ser_error *e) {
    if (for_each(s->path, add_search, s, e))
        return -1;
    if (!s->searches)
        return ser_fail(e, SER_BAD,
                        "%s: this search has no SEARCH/search.tsv yet: it is there when the search "
                        "is done",
                        s->path);
    return add_step(s, "search.txt", e);
}

static int read_runs(struct ser_study *s, const char *splits, const char *lists,
                     struct ser_error *e) {
    s->is_listed = access(lists, F_OK) == 0;
    if (for_each(lists, list_runs, s, e) || for_each(splits, add_runs, s, e))
        return -1;
    if (!s->runs && s->is_listed)
        return ser_fail(
            e, SER_BAD,
            "%s: no study in it is complete: what is there was made with other folds or "
            "recordings: run its make again",
            s->path);
    if (!s->runs)
        return ser_fail(e, SER_BAD,
                        "%s: not a study: there is no split/SPLIT/NAME.SEED/predictions.tsv in it",
                        s->path);
    return 0;
}

static int read_study(struct ser_study *s, const char *splits, const char *options,
                      const char *manifests, const char *lists, const char *judged,
                      struct ser_error *e) {
    char *search;
    if (find_file(s->path, "search.txt", &search))
        return no_memory(e);
    int failed = search ? read_searches(s, e) : read_runs(s, splits, lists, e);
    free(search);
    if (failed || find_groups(s, e) || for_each(options, add_options_in, s, e) ||
        for_each(splits, add_split_options, s, e) || for_each(splits, add_runs_options, s, e))
        return -1;
    return for_each(manifests, add_generated, s, e) || for_each(judged, add_conditions, s, e) ? -1
                                                                                              : 0;
}

int ser_study_read(struct ser_study *s, const char *path, struct ser_error *e) {
    struct stat st;
    *s = (struct ser_study){0};
    if (stat(path, &st))
        return ser_fail(e, SER_SYS, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return ser_fail(e, SER_SYS, "%s: not a folder", path);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    s->path = make_text("%.*s", (int)n, path);
    char *splits = s->path ? make_text("%s/split", s->path) : NULL;
    char *options = s->path ? make_text("%s/options", s->path) : NULL;
    char *manifests = s->path ? make_text("%s/manifest", s->path) : NULL;
    char *lists = s->path ? make_text("%s/runs", s->path) : NULL;
    char *judged = s->path ? make_text("%s/cv", s->path) : NULL;
    int failed = splits && options && manifests && lists && judged &&
                         !find_file(s->path, "manifest.tsv", &s->manifest)
                     ? read_study(s, splits, options, manifests, lists, judged, e)
                     : no_memory(e);
    free(splits);
    free(options);
    free(manifests);
    free(lists);
    free(judged);
    if (failed)
        ser_study_free(s);
    return failed;
}

void ser_study_free(struct ser_study *s) {
    for (size_t i = 0; i < s->splits; i++)
        free_split(s->split[i]);
    for (size_t i = 0; i < s->runs; i++)
        free_run(s->run[i]);
    for (size_t i = 0; i < s->groups; i++) {
        free(s->group[i].label);
        free(s->group[i].run);
    }
    for (size_t i = 0; i < s->steps; i++) {
        free(s->step[i].file);
        free(s->step[i].text);
    }
    for (size_t i = 0; i < s->generateds; i++)
        free(s->generated[i]);
    for (size_t i = 0; i < s->conditions; i++)
        free(s->condition[i]);
    for (size_t i = 0; i < s->searches; i++) {
        free(s->search[i].name);
        free(s->search[i].results);
        free(s->search[i].options);
        free(s->search[i].net);
    }
    free(s->search);
    free(s->split);
    free(s->run);
    free(s->group);
    free(s->step);
    free(s->generated);
    free(s->condition);
    ser_set_free(&s->listed);
    free(s->manifest);
    free(s->path);
    *s = (struct ser_study){0};
}

/* ---- recordings ---- */

static int read_recordings(struct ser_tsv *t, size_t n, const char *const *id, char **path,
                           struct ser_error *e) {
    int id_column = ser_tsv_column(t, "id"), path_column = ser_tsv_column(t, "path"), got = 0;
    if (id_column < 0 || path_column < 0)
        return 0;
    while ((got = ser_tsv_next(t, e)) > 0)
        for (size_t i = 0; i < n; i++)
            if (!path[i] && strcmp(t->field[id_column], id[i]) == 0 &&
                !(path[i] = make_text("%s", t->field[path_column])))
                return no_memory(e);
    return got;
}

int ser_split_recordings(const struct ser_split *s, size_t n, const char *const *id, char **path,
                         struct ser_error *e) {
    struct ser_tsv t;
    for (size_t i = 0; i < n; i++)
        path[i] = NULL;
    if (!s->manifest)
        return 0;
    if (ser_tsv_open(&t, s->manifest, e))
        return -1;
    int failed = read_recordings(&t, n, id, path, e);
    ser_tsv_close(&t);
    for (size_t i = 0; i < n && failed; i++) {
        free(path[i]);
        path[i] = NULL;
    }
    return failed;
}

/* ---- certificates ---- */

/* The rows of a manifest that are in a part. Their texts lie in the set. */
struct rows {
    struct ser_utterance *at;
    size_t n, cap;
    struct ser_set texts;
};

static void free_rows(struct rows *r) {
    free(r->at);
    ser_set_free(&r->texts);
}

static int add_row(struct rows *r, const struct ser_utterance *u) {
    if (ser_grow(&r->at, &r->cap, r->n + 1, sizeof *r->at))
        return -1;
    struct ser_utterance *to = &r->at[r->n++];
    *to = (struct ser_utterance){.part = u->part,
                                 .id = ser_set_keep(&r->texts, u->id),
                                 .speaker = ser_set_keep(&r->texts, u->speaker)};
    if (u->audio_hash)
        to->audio_hash = ser_set_keep(&r->texts, u->audio_hash);
    return to->id && to->speaker && !to->audio_hash == !u->audio_hash ? 0 : -1;
}

static int read_rows(struct rows *r, struct ser_tsv *t, struct ser_error *e) {
    int part = ser_tsv_column(t, "part"), speaker = ser_tsv_column(t, "speaker"), got;
    int id = ser_tsv_column(t, "id"), audio = ser_tsv_column(t, "audio_hash");
    if (part < 0 || speaker < 0)
        return ser_fail(e, SER_BAD, "%s: no columns part and speaker", t->in.name);
    while ((got = ser_tsv_next(t, e)) > 0) {
        int number = ser_part_of(t->field[part]);
        struct ser_utterance u = {.id = field_of(t, id, ""),
                                  .speaker = t->field[speaker],
                                  .audio_hash = field_of(t, audio, NULL),
                                  .part = (enum ser_part)number};
        if (number >= 0 && add_row(r, &u))
            return no_memory(e);
    }
    return got;
}

/* Speakers that have been met: in a part, in more than one. */
struct met {
    struct ser_set in[SER_PARTS], shared;
};

static void free_met(struct met *m) {
    for (int p = 0; p < SER_PARTS; p++)
        ser_set_free(&m->in[p]);
    ser_set_free(&m->shared);
}

/* Appends the speaker where it is new. 0, or -1 without memory. */
static int list_speaker(struct ser_certificate *c, struct met *m, enum ser_part part,
                        const char *speaker) {
    int added = ser_set_add(&m->in[part], speaker), elsewhere = 0;
    if (added <= 0)
        return added;
    c->part[part].speakers++;
    add_text(&c->part[part].who, ", ", speaker);
    for (int p = 0; p < SER_PARTS; p++)
        elsewhere |= p != (int)part && ser_set_has(&m->in[p], speaker);
    added = elsewhere ? ser_set_add(&m->shared, speaker) : 0;
    if (added > 0)
        add_text(&c->shared_who, ", ", speaker);
    return added < 0 ? -1 : 0;
}

static int list_speakers(struct ser_certificate *c, const struct rows *r, struct ser_error *e) {
    struct met met = {0};
    int failed = 0;
    for (size_t i = 0; i < r->n && !failed; i++) {
        const struct ser_utterance *u = &r->at[i];
        c->part[u->part].utterances++;
        if (*u->speaker && strcmp(u->speaker, "-") != 0)
            failed = list_speaker(c, &met, u->part, u->speaker);
    }
    free_met(&met);
    return failed ? no_memory(e) : 0;
}

static int read_manifest(struct ser_certificate *c, const char *path, struct ser_error *e) {
    struct ser_tsv t;
    struct rows r = {0};
    if (ser_tsv_open(&t, path, e))
        return -1;
    c->compared = ser_tsv_column(&t, "audio_hash") >= 0;
    int failed = read_rows(&r, &t, e);
    ser_tsv_close(&t);
    failed = failed || list_speakers(c, &r, e) || ser_split_share(r.at, r.n, &c->shared, e);
    c->shared.pair[0] = c->shared.pair[1] = NULL; /* they go with the rows */
    free_rows(&r);
    return failed ? -1 : 0;
}

/* "emotion.happy 20" goes to the emotions of a part as "happy 20". */
static void add_content(struct ser_part_content *p, const char *what, const char *value) {
    const char *dot = strchr(what, '.');
    struct ser_text *list = strncmp(what, "emotion.", 8) == 0  ? &p->emotions
                            : strncmp(what, "corpus.", 7) == 0 ? &p->corpora
                                                               : NULL;
    if (list)
        ser_text_printf(list, "%s%s %s", list->n ? ", " : "", dot + 1, value);
    else if (strcmp(what, "normalize") == 0)
        add_text(&p->normalize, ", ", value);
    else if (strcmp(what, "sha256.id") == 0)
        snprintf(p->ids_sha256, sizeof p->ids_sha256, "%s", value);
    else if (strcmp(what, "sha256.audio") == 0)
        snprintf(p->audio_sha256, sizeof p->audio_sha256, "%s", value);
}

static int read_contents(struct ser_certificate *c, const char *path, struct ser_error *e) {
    struct ser_tsv t;
    if (ser_tsv_open(&t, path, e))
        return -1;
    int part = ser_tsv_need(&t, "part", e), what = part < 0 ? -1 : ser_tsv_need(&t, "what", e);
    int value = what < 0 ? -1 : ser_tsv_need(&t, "value", e), got = value < 0 ? -1 : 0;
    while (!got && (got = ser_tsv_next(&t, e)) > 0) {
        int p = ser_part_of(t.field[part]);
        got = 0;
        if (p >= 0)
            add_content(&c->part[p], t.field[what], t.field[value]);
    }
    ser_tsv_close(&t);
    return got;
}

static int has_failed(const struct ser_certificate *c) {
    int failed = c->shared_who.failed;
    for (int i = 0; i < SER_PARTS; i++)
        failed |= c->part[i].who.failed | c->part[i].emotions.failed | c->part[i].corpora.failed |
                  c->part[i].normalize.failed;
    return failed;
}

int ser_study_certify(const struct ser_split *s, struct ser_certificate *c, struct ser_error *e) {
    *c = (struct ser_certificate){0};
    int failed = read_manifest(c, s->manifest, e) ||
                 (s->certificate && read_contents(c, s->certificate, e)) ||
                 (has_failed(c) && no_memory(e));
    if (failed)
        ser_certificate_free(c);
    return failed ? -1 : 0;
}

void ser_certificate_free(struct ser_certificate *c) {
    for (int i = 0; i < SER_PARTS; i++) {
        ser_text_free(&c->part[i].who);
        ser_text_free(&c->part[i].emotions);
        ser_text_free(&c->part[i].corpora);
        ser_text_free(&c->part[i].normalize);
    }
    ser_text_free(&c->shared_who);
}
