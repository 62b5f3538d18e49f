/* ser-manifest: folders of a corpus to a table of its utterances. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "bridge/audio.h"
#include "bridge/corpus.h"
#include "core/bytes.h"
#include "core/core.h"
#include "core/csv.h"
#include "core/embed.h"
#include "core/in.h"
#include "core/jobs.h"
#include "core/opt.h"
#include "core/out.h"
#include "core/progress.h"
#include "core/record.h"
#include "core/set.h"
#include "core/tsv.h"
#include "math/effects.h"

static struct {
    const char *corpus, *label_from, *speaker_from, *table, *columns, *map, *emotions, *drop,
        *quarantine, *output;
    int list, no_quarantine, check, strict, quiet;
    int64_t jobs;
} opt;

static const struct ser_opt options[] = {
    {0, "corpus", SER_OPT_TEXT, &opt.corpus, 0, 0, "NAME|FILE.corpus|folders|auto",
     "corpus, or description of one, to read"},
    {0, "label-from", SER_OPT_TEXT, &opt.label_from, 0, 0, "REGEX",
     "with --corpus folders: its group is the emotion"},
    {0, "speaker-from", SER_OPT_TEXT, &opt.speaker_from, 0, 0, "REGEX",
     "with --corpus folders: its group is the speaker"},
    {0, "table", SER_OPT_TEXT, &opt.table, 0, 0, "FILE",
     "read a CSV or TSV instead: a recording a row"},
    {0, "columns", SER_OPT_TEXT, &opt.columns, 0, 0, "OURS=THEIRS,...",
     "what the table calls path, emotion, speaker ..."},
    {0, "list", SER_OPT_FLAG, &opt.list, 0, 0, NULL,
     "print a table of the corpora it knows, and exit"},
    {0, "map", SER_OPT_TEXT, &opt.map, 0, 0, "FILE|FROM=TO,...",
     "give emotions other names, or one to several"},
    {0, "emotions", SER_OPT_TEXT, &opt.emotions, 0, 0, "LIST",
     "keep only these emotions, separated by commas"},
    {0, "drop", SER_OPT_TEXT, &opt.drop, 0, 0, "LIST", "drop these emotions, separated by commas"},
    {0, "quarantine", SER_OPT_TEXT, &opt.quarantine, 0, 0, "FILE",
     "clips to leave out, instead of the built-in list"},
    {0, "no-quarantine", SER_OPT_FLAG, &opt.no_quarantine, 0, 0, NULL,
     "keep clips that are known to be unusable"},
    {0, "check", SER_OPT_FLAG, &opt.check, 0, 0, NULL,
     "decode every file, drop bad ones, add audio_hash"},
    {0, "strict", SER_OPT_FLAG, &opt.strict, 0, 0, NULL,
     "exit 3 without a table if anything is wrong"},
    {'j', "jobs", SER_OPT_INT, &opt.jobs, 1, 1024, "N", "files to decode at a time"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line, no word on a choice"},
    {0}};

static const struct ser_tool tool = {
    "DIR... | --table FILE",
    "Writes a table of the utterances in folders or of a table: id, path, emotion ...", options,
    "Emotions: angry calm disgust fearful happy neutral sad surprised, and others"};

/* ---- what is known of the corpora: files of manifests/, part of the program ---- */

/* All manifests/NAME.corpus, one after the other: the Makefile puts them together. */
#ifndef DESCRIPTIONS
#define DESCRIPTIONS "build/descriptions"
#endif
SER_EMBED(known_corpora, DESCRIPTIONS);
SER_EMBED(known_quarantine, "manifests/quarantine.tsv");
SER_EMBED(known_labels, "manifests/labels.tsv");

static size_t bytes_between(const char *begin, const char *end) {
    return (size_t)(end - begin);
}

/* ---- findings ---- */

enum finding {
    FOREIGN,
    OTHER,
    LEFT,
    ASIDE,
    COPY,
    BAD,
    BROKEN,
    MISSING,
    COUNT,
    QUARANTINED,
    UNREADABLE,
    SILENT,
    DUPLICATE,
    CONTRADICTORY,
    UNASKED,
    FINDINGS,
    FINE = FINDINGS,
};

static const struct {
    const char *name;
    size_t listed; /* how many are listed one by one */
    int harmless;  /* --strict lets them pass */
} finding[FINDINGS] = {
    [FOREIGN] = {"not of the corpus", 20, 0},
    [OTHER] = {"songs or videos", 0, 1},
    [LEFT] = {"left out by the description", 0, 1},
    [ASIDE] = {"readme files and traces of systems", 0, 1},
    [COPY] = {"copies", 0, 1},
    [BAD] = {"invalid names", SIZE_MAX, 0},
    [BROKEN] = {"broken links", SIZE_MAX, 0},
    [MISSING] = {"files that are not there", 20, 0},
    [COUNT] = {"wrong counts", SIZE_MAX, 0},
    [QUARANTINED] = {"quarantined", SIZE_MAX, 1},
    [UNREADABLE] = {"unreadable", SIZE_MAX, 0},
    [SILENT] = {"silent", SIZE_MAX, 0},
    [DUPLICATE] = {"duplicates", SIZE_MAX, 0},
    [CONTRADICTORY] = {"contradictory duplicates", SIZE_MAX, 0},
    [UNASKED] = {"other emotions, left out after these checks", 0, 1},
};

/* The column that marks speech that nobody spoke. */
static const char GENERATED[] = "generated";

struct row {
    const struct ser_corpus *corpus;
    const char *field[SER_FIELDS]; /* texts in room, like all of the row's */
    const char **extra;            /* [corpus->columns] */
    const char *path, *corpus_name;
    char *room;
    uint64_t audio_hash; /* with --check */
    uint64_t line;       /* of --table */
    int is_mapped;       /* --map gave the emotion its name */
    int generated;       /* nobody spoke it */
    int dropped;
};

/* What lies in the folders, in the order in which it is reported. */
struct entry {
    char *path;
    char *subject; /* what descriptions match: the absolute path without the extension; or NULL: */
    enum finding kind; /* it is no audio file, and what is said of it */
    char *what;
    int operand;   /* the number of the folder given that leads to it */
    int generated; /* 1: it lies in a folder of generated speech */
    size_t place;  /* its own number */
};

struct folder {
    dev_t dev;
    ino_t ino;
};

struct link {
    char *path;
    int operand;
    int generated;
};

struct manifest {
    struct ser_corpora corpora;
    struct ser_corpus *only; /* the corpus that --corpus names; NULL: each folder tells */
    char **operand, **base;  /* [operands] folders given, and their absolute paths */
    int operands;
    struct entry *entry;
    size_t entries, entry_cap;
    struct row *row;
    size_t rows, row_cap;
    struct folder *seen; /* folders already read: links may lead there again */
    size_t seens, seen_cap;
    struct link *link; /* links to folders, read after all folders */
    size_t links, link_cap;
    int generated;        /* 1 while a folder of generated speech is read */
    struct ser_set label; /* names that --map and the columns of --table give */
    size_t found[FINDINGS];
    size_t above; /* recordings that lie above the folders of labels */
    const char *first_above;
    size_t failed; /* unreadable because the system failed: the file itself may be good */
};

/* --corpus folders, whose files are anybody's. */
static int reads_folders(void) {
    return opt.corpus && strcasecmp(opt.corpus, "folders") == 0;
}

/* How many findings of a kind are listed. A wrong --label-from finds no label in any path. */
static size_t listed(enum finding kind) {
    return finding[kind == BAD && reads_folders() ? FOREIGN : kind].listed;
}

static void report(struct manifest *m, enum finding kind, const char *path, const char *what) {
    if (m->found[kind]++ < listed(kind))
        warn("%s: %s", path, what);
}

/* Makes room for one more of n elements of size bytes. */
static void grow(void *array, size_t n, size_t *cap, size_t size) {
    if (ser_grow(array, cap, n + 1, size))
        die(SER_SYS, "out of memory");
}

/* ---- files ---- */

/* What is to be done with a file that is no sound, by the end of its name; "" if nothing is known. */
static const char *advice_on(const char *path) {
    static const char *const archive[] = {".zip", ".tar", ".gz", ".tgz",
                                          ".bz2", ".xz",  ".7z", ".rar"};
    static const char *const film[] = {".mp4",  ".avi", ".mov", ".mkv",
                                       ".webm", ".m4a", ".aac", ".wma"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof archive / sizeof *archive; i++)
        if (strcasecmp(dot, archive[i]) == 0)
            return ": unpack it";
    for (size_t i = 0; dot && i < sizeof film / sizeof *film; i++)
        if (strcasecmp(dot, film[i]) == 0)
            return ": convert it, for example with 'ffmpeg -i IN OUT.wav'";
    return "";
}

/* The extensions of the formats that libsndfile reads. */
static const char *const extensions[] = {
    "wav",   "wave", "rf64", "w64", "flac", "aif", "aiff", "aifc", "ogg", "oga",  "opus",
    "mp3",   "au",   "snd",  "caf", "voc",  "sph", "nist", "iff",  "svx", "8svx", "sf",
    "ircam", "paf",  "pvf",  "sds", "avr",  "xi",  "mat",  "htk",  "wve", "mpc",  NULL};

static int is_audio_extension(const char *s) {
    for (const char *const *e = extensions; *e; e++)
        if (strcasecmp(*e, s) == 0)
            return 1;
    return 0;
}

static struct entry *add_entry(struct manifest *m, int operand, const char *path) {
    grow(&m->entry, m->entries, &m->entry_cap, sizeof *m->entry);
    struct entry *new = &m->entry[m->entries++];
    *new = (struct entry){
        .path = estrdup(path), .operand = operand, .generated = m->generated, .place = m->entries};
    return new;
}

static void note(struct manifest *m, int operand, const char *path, enum finding kind, char *what) {
    struct entry *new = add_entry(m, operand, path);
    new->kind = kind;
    new->what = what;
}

/* 1 for what systems leave in folders, and for what is there to be read by people. */
static int is_aside(const char *name) {
    return strcmp(name, ".DS_Store") == 0 || strncmp(name, "._", 2) == 0 ||
           strcasecmp(name, "Thumbs.db") == 0 || strcasecmp(name, "desktop.ini") == 0 ||
           (strncasecmp(name, "readme", 6) == 0 && (!name[6] || strchr("._-", name[6])));
}

static void add_file(struct manifest *m, int operand, const char *path, const char *name) {
    const char *dot = strrchr(name, '.'), *given = m->operand[operand], *base = m->base[operand];
    if (is_aside(name)) {
        note(m, operand, path, ASIDE, NULL);
        return;
    }
    if (!dot || !is_audio_extension(dot + 1)) {
        note(
            m, operand, path, FOREIGN,
            eprintf_alloc("%sits extension is not that of an audio file%s",
                          reads_folders() ? "left out: " : "not of the corpus: ", advice_on(path)));
        return;
    }
    const char *below = path + strlen(given);
    below += *below == '/';
    add_entry(m, operand, path)->subject = eprintf_alloc(
        "%s/%.*s", strcmp(base, "/") == 0 ? "" : base, (int)(strlen(below) - strlen(dot)), below);
}

/* ---- folders ---- */

/* 1 if this folder was not read before; from now on it counts as read. */
static int is_new(struct manifest *m, const struct stat *st) {
    for (size_t i = 0; i < m->seens; i++)
        if (m->seen[i].dev == st->st_dev && m->seen[i].ino == st->st_ino)
            return 0;
    grow(&m->seen, m->seens, &m->seen_cap, sizeof *m->seen);
    m->seen[m->seens++] = (struct folder){st->st_dev, st->st_ino};
    return 1;
}

static void defer(struct manifest *m, int operand, const char *path) {
    grow(&m->link, m->links, &m->link_cap, sizeof *m->link);
    m->link[m->links++] = (struct link){estrdup(path), operand, m->generated};
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The absolute path of a folder given. The last part stays as given where it is a name, also that of
 * a link. The caller frees. */
static char *absolute(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int is_named = *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    char *above = !is_named ? estrdup(path)
                  : !slash  ? estrdup(".")
                            : eprintf_alloc("%.*s/", (int)(slash - path), path);
    char *real = realpath(above, NULL);
    int reason = errno;
    free(above);
    if (!real)
        die(SER_SYS, "%s: cannot find where this folder is: %s", path, strerror(reason));
    char *whole = !is_named ? estrdup(real)
                            : eprintf_alloc("%s/%s", strcmp(real, "/") == 0 ? "" : real, name);
    free(real);
    return whole;
}

static void add_folder(struct manifest *m, int operand, const char *path);

static void add_child(struct manifest *m, int operand, const char *path, const char *name) {
    struct stat st;
    if (lstat(path, &st))
        die(SER_SYS, "%s: cannot read its type: %s", path, strerror(errno));
    int is_link = S_ISLNK(st.st_mode);
    if (is_link && stat(path, &st))
        note(m, operand, path, BROKEN, eprintf_alloc("broken link: %s", strerror(errno)));
    else if (S_ISREG(st.st_mode))
        add_file(m, operand, path, name);
    else if (!S_ISDIR(st.st_mode))
        note(m, operand, path, FOREIGN, estrdup("not of the corpus: neither a file nor a folder"));
    else if (is_link)
        defer(m, operand, path); /* so that a path never depends on where a link happens to lie */
    else if (*name != '.')
        add_folder(m, operand, path);
}

/* 1 if the folder holds the mark of generated speech: anything with this name. */
static int has_mark(const char *folder) {
    struct stat st;
    char *mark = eprintf_alloc("%s/.generated", folder);
    int found = stat(mark, &st) == 0;
    free(mark);
    return found;
}

static void add_folder(struct manifest *m, int operand, const char *path) {
    int outside = m->generated;
    struct stat st;
    struct dirent **entry;
    if (stat(path, &st))
        die(SER_SYS, "%s: cannot read the folder: %s", path, strerror(errno));
    if (!is_new(m, &st))
        return;
    int n = scandir(path, &entry, NULL, by_bytes);
    if (n < 0)
        die(SER_SYS, "%s: cannot read the folder: %s", path, strerror(errno));
    m->generated = outside || has_mark(path);
    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            char *child = eprintf_alloc("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
            add_child(m, operand, child, name);
            free(child);
        }
        free(entry[i]);
    }
    free(entry);
    m->generated = outside;
}

/* Whether --corpus names a file. */
static int is_own_corpus(void) {
    const char *suffix = strrchr(opt.corpus, '.');
    return strchr(opt.corpus, '/') || (suffix && strcmp(suffix, ".corpus") == 0);
}

static const char *how_to_get(const struct manifest *m) {
    return !m->only       ? "'ser-manifest --list' tells how each corpus is had"
           : m->only->get ? m->only->get
                          : "its description does not tell how it is had";
}

static void add_operand(struct manifest *m, int operand) {
    struct stat st;
    char *path = m->operand[operand];
    int there = stat(path, &st) == 0;
    if (!there && (errno == ENOENT || errno == ENOTDIR))
        die(SER_SYS, "%s: no such folder: %s", path, how_to_get(m));
    if (there && !S_ISDIR(st.st_mode))
        die(SER_SYS, "%s: is not a folder%s", path,
            *advice_on(path) ? advice_on(path) : ": give the folder that holds it");
    m->base[operand] = absolute(path);
    add_folder(m, operand, path);
}

static int by_operand(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->operand != y->operand)
        return x->operand < y->operand ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* ---- names ---- */

/* Copies text to *at, which moves behind it. */
static const char *put_text(char **at, const char *text) {
    size_t n = strlen(text) + 1;
    char *to = memcpy(*at, text, n);
    *at += n;
    return to;
}

/* The row of an utterance, with texts of its own. */
static void add_row(struct manifest *m, const struct ser_corpus *c, const char *corpus_name,
                    const struct ser_utterance *u, const char *path, int generated) {
    if (strpbrk(path, "\t\n"))
        die(SER_BAD, "%s: a manifest cannot hold a path with a tab or a newline: rename it", path);
    size_t pointers = c->columns * sizeof(char *),
           n = pointers + strlen(path) + strlen(corpus_name) + 2;
    for (size_t i = 0; i < SER_FIELDS + c->columns; i++)
        n += strlen(i < SER_FIELDS ? u->field[i] : u->extra[i - SER_FIELDS]) + 1;
    grow(&m->row, m->rows, &m->row_cap, sizeof *m->row);
    struct row *r = &m->row[m->rows++];
    *r = (struct row){.corpus = c, .generated = generated, .room = emalloc(n)};
    char *at = r->room + pointers;
    r->extra = (const char **)r->room;
    r->path = put_text(&at, path);
    r->corpus_name = put_text(&at, corpus_name);
    for (int f = 0; f < SER_FIELDS; f++)
        r->field[f] = put_text(&at, u->field[f]);
    for (size_t i = 0; i < c->columns; i++)
        r->extra[i] = put_text(&at, u->extra[i]);
}

/* How many of a folder's files a description explains. */
struct fit {
    size_t good, other, bad;
};

/* The descriptions that serve for the files of a folder. */
struct choice {
    struct entry *file; /* [files] */
    size_t files;
    unsigned char *kind; /* [files * corpora] enum ser_name_kind of each file to each description */
    char *chosen;        /* [corpora] */
    const char *folder;
};

static enum ser_name_kind kind_of(const struct manifest *m, const struct choice *c, size_t file,
                                  size_t corpus) {
    return (enum ser_name_kind)c->kind[file * m->corpora.n + corpus];
}

/* 1 if a description that is chosen already knows the file. */
static int is_known(const struct manifest *m, const struct choice *c, size_t file) {
    for (size_t d = 0; d < m->corpora.n; d++)
        if (c->chosen[d] && kind_of(m, c, file, d) != SER_NAME_FOREIGN)
            return 1;
    return 0;
}

/* What a description makes of a file's path. */
static enum ser_name_kind match(const struct manifest *m, struct ser_corpus *corpus,
                                const struct entry *file, struct ser_utterance *u) {
    enum ser_name_kind kind =
        ser_corpus_match(corpus, file->subject, strlen(m->base[file->operand]), u);
    if (kind == SER_NAME_FAILED)
        die(SER_SYS, "out of memory");
    return kind;
}

static struct fit fit_of(const struct manifest *m, const struct choice *c, const char *known,
                         size_t corpus) {
    struct fit fit = {0};
    for (size_t i = 0; i < c->files; i++) {
        enum ser_name_kind kind = known[i] ? SER_NAME_FOREIGN : kind_of(m, c, i, corpus);
        fit.good += kind == SER_NAME_GOOD;
        fit.other += kind == SER_NAME_OTHER || kind == SER_NAME_LEFT;
        fit.bad += kind == SER_NAME_BAD;
    }
    return fit;
}

/* More than 0 if a explains more than b, 0 if it is a matter of taste. What is invalid counts only
 * where nothing else does. */
static int compare_fits(const struct fit *a, const struct fit *b) {
    if (a->good != b->good)
        return a->good > b->good ? 1 : -1;
    if (a->other != b->other)
        return a->other > b->other ? 1 : -1;
    if (a->good || a->bad == b->bad)
        return 0;
    return a->bad > b->bad ? 1 : -1;
}

static int share_a_file(const struct manifest *m, const struct choice *c, size_t a, size_t b) {
    for (size_t i = 0; i < c->files; i++)
        if (kind_of(m, c, i, a) == SER_NAME_GOOD && kind_of(m, c, i, b) == SER_NAME_GOOD)
            return 1;
    return 0;
}

static _Noreturn void die_undecided(const struct manifest *m, const struct choice *c, size_t a,
                                    size_t b, size_t good) {
    ser_usage("%s: its files can be of %s (%s) or of %s (%s), by their names; files that fit both "
              "equally: %zu: give --corpus %s or --corpus %s",
              c->folder, m->corpora.at[a].name, m->corpora.at[a].title, m->corpora.at[b].name,
              m->corpora.at[b].title, good, m->corpora.at[a].name, m->corpora.at[b].name);
}

/* Chooses one more description for files that none of the chosen ones knows: 1, or 0 if none fits. */
static int choose_one(const struct manifest *m, struct choice *c) {
    struct fit best = {0};
    size_t n = m->corpora.n, first = n, second = n;
    char *known = ecalloc(c->files + 1, 1);
    for (size_t i = 0; i < c->files; i++)
        known[i] = (char)is_known(m, c, i);
    for (size_t d = 0; d < n; d++) {
        struct fit fit = fit_of(m, c, known, d);
        int order = compare_fits(&fit, &best);
        if (c->chosen[d] || !(fit.good + fit.other + fit.bad))
            continue;
        if (order > 0 || first == n) {
            best = fit;
            first = d;
            second = n;
        } else if (order == 0 && (!best.good || share_a_file(m, c, first, d)))
            second = d;
    }
    free(known);
    if (first == n || (second < n && !best.good))
        return 0;
    if (second < n)
        die_undecided(m, c, first, second, best.good);
    for (size_t d = 0; d < n; d++)
        if (c->chosen[d] && share_a_file(m, c, first, d))
            die(SER_USAGE,
                "%s: holds files of %s, and others whose names can be of %s or of %s: give the "
                "folder of each corpus with --corpus",
                c->folder, m->corpora.at[d].name, m->corpora.at[d].name, m->corpora.at[first].name);
    c->chosen[first] = 1;
    size_t audio = 0;
    for (size_t i = 0; i < c->files; i++)
        audio += c->file[i].subject != NULL;
    if (best.good && !opt.quiet)
        warn("%s: read as %s (%s): files whose names it reads: %zu of %zu", c->folder,
             m->corpora.at[first].name, m->corpora.at[first].title, best.good, audio);
    return 1;
}

static void warn_untested(const struct ser_corpus *c) {
    if (c->untested)
        warn("%s: nobody has tried this description on the corpus itself: %s", c->name,
             c->untested);
}

/* Names descriptions that lack their tables, but could read the folder's names. */
static void warn_lacking(struct manifest *m, const struct choice *c) {
    struct ser_utterance u;
    for (size_t d = 0; d < m->corpora.n; d++) {
        struct ser_corpus *corpus = &m->corpora.at[d];
        const char *lacks = ser_corpus_lacks(corpus, c->folder);
        size_t good = 0, audio = 0;
        for (size_t i = 0; i < c->files && lacks; i++) {
            audio += c->file[i].subject != NULL;
            good += c->file[i].subject && match(m, corpus, &c->file[i], &u) == SER_NAME_GOOD;
        }
        if (good && good == audio)
            warn("%s: its names could be those of %s, which is read with its table %s: that is not "
                 "there",
                 c->folder, corpus->name, lacks);
    }
}

/* The kind of each file to each description. A description that lacks its tables, or finds other
 * tables than its own, is none for this folder. */
static void judge(struct manifest *m, struct choice *c) {
    size_t n = m->corpora.n;
    struct ser_utterance u;
    struct ser_error e;
    memset(c->kind, SER_NAME_FOREIGN, c->files * n);
    for (size_t d = 0; d < n; d++) {
        struct ser_corpus *corpus = &m->corpora.at[d];
        if (ser_corpus_lacks(corpus, c->folder))
            continue;
        if (ser_corpus_read_tables(corpus, c->folder, &e)) {
            must(e.status == SER_SYS, &e); /* a table that is there and cannot be read */
            continue;
        }
        for (size_t i = 0; i < c->files; i++)
            if (c->file[i].subject)
                c->kind[i * n + d] = (unsigned char)match(m, corpus, &c->file[i], &u);
    }
    while (choose_one(m, c))
        ;
    if (!memchr(c->chosen, 1, n))
        warn_lacking(m, c);
}

static void use_only(const struct manifest *m, const struct choice *c) {
    struct ser_error e;
    const char *lacks = ser_corpus_lacks(m->only, c->folder);
    if (lacks)
        die(SER_SYS,
            "%s: has no table %s, which tells the labels of %s: %s; where the corpus comes "
            "without, "
            "the description says how it is made%s%s%s",
            c->folder, lacks, m->only->name, how_to_get(m), is_own_corpus() ? "" : ": manifests/",
            is_own_corpus() ? "" : m->only->name, is_own_corpus() ? "" : ".corpus");
    must(ser_corpus_read_tables(m->only, c->folder, &e), &e);
    c->chosen[m->only - m->corpora.at] = 1;
}

/* 1 if the file lies in the folder given itself, whose name is no label. */
static int lies_above_labels(const struct entry *file, const char *folder) {
    const char *below = file->path + strlen(folder);
    return !strchr(below + (*below == '/'), '/');
}

/* Gives a file to the chosen description that makes most of it. */
static void name_file(struct manifest *m, const struct choice *c, const struct entry *file) {
    struct ser_utterance u;
    struct ser_corpus *best = NULL;
    enum ser_name_kind kind = SER_NAME_FOREIGN;
    for (size_t d = 0; d < m->corpora.n; d++) {
        enum ser_name_kind k =
            c->chosen[d] ? match(m, &m->corpora.at[d], file, &u) : SER_NAME_FOREIGN;
        if (k < kind) {
            kind = k;
            best = &m->corpora.at[d];
        }
    }
    if (!best) {
        report(m, FOREIGN, file->path, "not of the corpus: its files are named in another way");
        return;
    }
    match(m, best, file, &u); /* once more: another may have come behind it */
    if (reads_folders() && !opt.label_from && lies_above_labels(file, c->folder)) {
        u.field[SER_EMOTION] = "-";
        if (!m->above++)
            m->first_above = file->path;
    }
    if (kind == SER_NAME_GOOD)
        add_row(m, best, best->name, &u, file->path, file->generated);
    else
        report(m,
               kind == SER_NAME_OTHER  ? OTHER
               : kind == SER_NAME_LEFT ? LEFT
                                       : BAD,
               file->path, u.why);
}

/* What is said of something else than an audio file, unless it is a table of the corpus. */
static void name_other(struct manifest *m, const struct choice *c, const struct entry *file) {
    for (size_t d = 0; d < m->corpora.n; d++)
        if (c->chosen[d] && file->kind == FOREIGN &&
            ser_corpus_has_table(&m->corpora.at[d], file->path + strlen(c->folder) + 1))
            return;
    report(m, file->kind, file->path, file->what);
}

/* Names the files of a folder given. */
static void name_files(struct manifest *m, struct entry *file, size_t files, char *folder) {
    struct choice c = {.file = file, .files = files, .folder = folder};
    c.chosen = ecalloc(m->corpora.n, 1);
    c.kind = ecalloc(files, m->corpora.n);
    if (m->only)
        use_only(m, &c);
    else
        judge(m, &c);
    for (size_t d = 0; d < m->corpora.n; d++)
        if (c.chosen[d])
            warn_untested(&m->corpora.at[d]);
    for (size_t i = 0; i < files; i++)
        if (file[i].subject)
            name_file(m, &c, &file[i]);
        else
            name_other(m, &c, &file[i]);
    free(c.chosen);
    free(c.kind);
}

static _Noreturn void die_empty(const struct manifest *m, const char *folder) {
    size_t audio = 0;
    for (size_t i = 0; i < m->entries; i++)
        audio += m->entry[i].subject != NULL;
    if (reads_folders() && m->found[BAD])
        die(SER_BAD,
            "%s: --label-from '%s' finds a label in the path of none of its %zu recordings: it "
            "must match the absolute path without the extension, and its first group the label",
            folder, opt.label_from ? opt.label_from : "", audio);
    die(SER_BAD, "%s: holds no utterance of %s (files that are not of it: %zu%s): %s%s", folder,
        m->only ? m->only->name : "a known corpus", m->found[FOREIGN],
        audio ? "" : ", and no audio file", how_to_get(m),
        audio && !m->only ? "; recordings of your own are read with --corpus folders" : "");
}

/* Tells of --speaker-from where it finds no speaker. */
static void warn_unmatched(const struct manifest *m) {
    size_t nobodys = 0, first = 0;
    for (size_t i = m->rows; i-- > 0;)
        if (strcmp(m->row[i].field[SER_SPEAKER], "-") == 0) {
            nobodys++;
            first = i;
        }
    if (!opt.speaker_from || !nobodys)
        return;
    const char *path = m->row[first].path, *dot = strrchr(path, '.');
    warn("--speaker-from: '%s' tells no speaker of %zu of %zu recordings, such as '%.*s': it must "
         "match the path without the extension, and its first group the speaker, as "
         "'/([^/_]*)_[^/]*$' does in .../ann_1",
         opt.speaker_from, nobodys, m->rows, (int)(dot - path), path);
}

/* 1 if the description knows each of the audio files. */
static int knows_all(const struct manifest *m, struct ser_corpus *corpus) {
    struct ser_utterance u;
    size_t audio = 0;
    for (size_t i = 0; i < m->entries; i++) {
        enum ser_name_kind kind =
            m->entry[i].subject ? match(m, corpus, &m->entry[i], &u) : SER_NAME_OTHER;
        if (kind != SER_NAME_GOOD && kind != SER_NAME_OTHER)
            return 0;
        audio += kind == SER_NAME_GOOD;
    }
    return audio > 0;
}

/* Refuses a known corpus whose files would be read as anybody's, so that its folders became labels. */
static void refuse_known(const struct manifest *m) {
    struct ser_corpora known = {0};
    struct ser_error e;
    must(ser_corpora_read(&known, known_corpora, bytes_between(known_corpora, known_corpora_end),
                          "descriptions", &e),
         &e);
    for (size_t d = 0; d < known.n; d++) {
        struct ser_corpus *c = &known.at[d];
        if (ser_corpus_lacks(c, m->operand[0]) || ser_corpus_read_tables(c, m->operand[0], &e) ||
            !knows_all(m, c))
            continue;
        die(SER_BAD,
            "%s: all of its files are named like those of %s (%s): --corpus %s (in own.mk "
            "CORPUS=%s) reads their labels and speakers, which are not its folders; --label-from "
            "(LABEL_FROM=) says where else its labels are",
            m->operand[0], c->name, c->title, c->name, c->name);
    }
    ser_corpora_free(&known);
}

static void read_folders(struct manifest *m, char **operand, int n) {
    m->operand = operand;
    m->operands = n;
    m->base = ecalloc((size_t)n, sizeof *m->base);
    for (int i = 0; i < n; i++) {
        for (size_t len = strlen(operand[i]); len > 1 && operand[i][len - 1] == '/'; len--)
            operand[i][len - 1] = '\0';
        add_operand(m, i);
    }
    for (size_t i = 0; i < m->links; i++) { /* each may add more */
        m->generated = m->link[i].generated;
        add_folder(m, m->link[i].operand, m->link[i].path);
        free(m->link[i].path);
    }
    if (m->entries)
        qsort(m->entry, m->entries, sizeof *m->entry, by_operand);
    for (size_t from = 0, to; from < m->entries; from = to) {
        for (to = from + 1; to < m->entries && m->entry[to].operand == m->entry[from].operand;)
            to++;
        name_files(m, m->entry + from, to - from, operand[m->entry[from].operand]);
    }
    if (!m->rows)
        die_empty(m, operand[0]);
    if (reads_folders() && !opt.label_from)
        refuse_known(m);
    if (m->above)
        warn("%s: is in no folder of a label, but in the folder given, and so has no label "
             "(recordings of this kind: %zu): put it into a folder that is named as its label, or "
             "say with --label-from where the label is",
             m->first_above, m->above);
    warn_unmatched(m);
}

/* ---- a table of one's own ---- */

/* A table while it is read. */
struct own_table {
    struct ser_csv csv;
    const char **name;   /* [columns] of the table's header */
    const char **called; /* [columns] the same in the manifest; NULL: left out */
    size_t columns;
    int path, corpus, field[SER_FIELDS]; /* the columns of these; -1: none */
    size_t *extra;                       /* the columns of the corpus' further ones */
    char *folder;                        /* of the table, with a slash behind it */
    struct ser_set ids;
};

/* Drops blanks around a text; a manifest cannot hold its line ends and tabs, which become blanks. */
static char *cleaned(char *s) {
    for (char *c = s; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    s += strspn(s, " ");
    for (size_t n = strlen(s); n && s[n - 1] == ' '; n--)
        s[n - 1] = '\0';
    return s;
}

static int find_called(const char *const *name, size_t n, const char *sought) {
    for (size_t i = 0; i < n; i++)
        if (name[i] && strcmp(name[i], sought) == 0)
            return (int)i;
    return -1;
}

/* "a.csv: no column 'emotoin' (there are: file emotion)". The caller frees. */
static char *lacks_column(const struct own_table *t, const char *name) {
    char *text = eprintf_alloc("%s: no column '%s' (there are:", t->csv.name, name);
    for (size_t i = 0; i < t->columns && strlen(text) < 600; i++) {
        char *longer = eprintf_alloc("%s%s '%s'", text, i ? "," : "", t->name[i]);
        free(text);
        text = longer;
    }
    char *whole = eprintf_alloc("%s)", text);
    free(text);
    return whole;
}

/* --columns OURS=THEIRS,...: names columns as the manifest calls them. */
static void name_columns(struct own_table *t, char *list) {
    for (char *s = list, *next; s; s = next) {
        size_t n = strcspn(s, ","), equals = strcspn(s, "=");
        next = s[n] ? s + n + 1 : NULL;
        s[n] = '\0';
        if (!equals || equals + 1 >= n)
            die(SER_USAGE,
                "--columns: expected OURS=THEIRS,... such as path=file,emotion=label, not "
                "'%s'",
                s);
        s[equals] = '\0';
        const char *theirs = s + equals + 1;
        int column = find_called(t->name, t->columns, theirs);
        if (column < 0 && strchr(theirs, ';'))
            die(SER_USAGE, "--columns: commas separate pairs, not semicolons: '%s'", theirs);
        if (column < 0 && find_called(t->name, t->columns, s) >= 0)
            die(SER_USAGE,
                "--columns: '%s=%s' is the wrong way round: the manifest's name comes first, then "
                "the table's: %s=%s",
                s, theirs, theirs, s);
        if (column < 0)
            die(SER_BAD, "%s", lacks_column(t, theirs));
        if (find_called(t->called, t->columns, s) >= 0 || t->called[column])
            die(SER_USAGE, "--columns: '%s' or '%s' comes twice", s, s + equals + 1);
        t->called[column] = s;
    }
}

/* The other columns keep their names, unless these are taken. One without a name is a number of
 * rows, as pandas writes it. */
static void keep_columns(struct own_table *t) {
    for (size_t i = 0; i < t->columns; i++) {
        const char *name = t->name[i];
        if (t->called[i] || !*name || (opt.check && strcmp(name, "audio_hash") == 0))
            continue;
        int taken = find_called(t->called, t->columns, name);
        if (taken < 0)
            t->called[i] = name;
        else if (t->called[taken] == t->name[taken])
            die(SER_BAD, "%s: two columns are named '%s'", t->csv.name, name);
    }
}

static void read_header(struct own_table *t, char *list) {
    struct ser_error e;
    int got = ser_csv_next(&t->csv, &e);
    must(got < 0, &e);
    if (!got)
        die(SER_BAD, "%s: empty input: a table with a header line is needed", t->csv.name);
    t->columns = t->csv.fields;
    t->name = ecalloc(t->columns, sizeof *t->name);
    t->called = ecalloc(t->columns, sizeof *t->called);
    t->extra = ecalloc(t->columns, sizeof *t->extra);
    for (size_t i = 0; i < t->columns; i++) {
        t->name[i] = cleaned(t->csv.field[i]);
        if (!ser_is_text(t->name[i], strlen(t->name[i])) && *t->name[i])
            die(SER_BAD, "%s: the name of column %zu is not UTF-8 text%s", t->csv.name, i + 1,
                " (iconv -f WINDOWS-1252 -t UTF-8 IN >OUT converts what Windows writes)");
    }
    if (list)
        name_columns(t, list);
    keep_columns(t);
}

/* Which columns have a place of their own in a manifest; the others are those of the corpus c. */
static void place_columns(struct own_table *t, struct ser_corpus *c) {
    static const char *const known[SER_FIELDS] = {"id",        "speaker",   "sex",       "emotion",
                                                  "intensity", "statement", "repetition"};
    t->path = find_called(t->called, t->columns, "path");
    t->corpus = find_called(t->called, t->columns, "corpus");
    for (int f = 0; f < SER_FIELDS; f++)
        t->field[f] = find_called(t->called, t->columns, known[f]);
    if (t->path < 0)
        die(SER_BAD, "%s: --columns path=NAME says which holds the paths of the files",
            lacks_column(t, "path"));
    if (t->field[SER_EMOTION] < 0) {
        char *lacks = lacks_column(t, "emotion");
        warn("%s: no recording has a label; --columns emotion=NAME says which holds them", lacks);
        free(lacks);
    }
    c->column = ecalloc(t->columns, sizeof *c->column);
    for (size_t i = 0; i < t->columns; i++) {
        int k = (int)i, is_known = k == t->path || k == t->corpus || !t->called[i];
        for (int f = 0; f < SER_FIELDS; f++)
            is_known |= k == t->field[f];
        if (!is_known) {
            t->extra[c->columns] = i;
            c->column[c->columns++] = t->called[i];
        }
    }
}

/* The value of a column of the last row, "-" where there is none. */
static const char *value_of(struct own_table *t, int column) {
    if (column < 0)
        return "-";
    char *value = cleaned(t->csv.field[column]);
    if (*value && !ser_is_text(value, strlen(value)))
        die(SER_BAD,
            "%s: line %llu: the column '%s' is not UTF-8 text (iconv -f WINDOWS-1252 -t UTF-8 IN "
            ">OUT converts what Windows writes)",
            t->csv.name, (unsigned long long)t->csv.line, t->name[column]);
    return *value ? value : "-";
}

/* The path of the file that the last row names, looked for beside the table, then from the current
 * folder: NULL if there is none, with errno. The caller frees. */
static char *find_file(const struct own_table *t, const char *named) {
    struct stat st;
    char *path = eprintf_alloc("%s%s", *named == '/' ? "" : t->folder, named);
    int there = stat(path, &st) == 0;
    if (!there && (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)) {
        free(path);
        path = estrdup(named);
        there = stat(path, &st) == 0;
    }
    if (there && S_ISREG(st.st_mode))
        return path;
    if (there)
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    free(path);
    return NULL;
}

static void report_missing(struct manifest *m, const struct own_table *t, const char *named) {
    int is_absent = errno == ENOENT || errno == ENOTDIR;
    const char *reason = !is_absent            ? strerror(errno)
                         : strchr(named, '\\') ? "no such file: folders are separated by /, not \\"
                         : *named == '/'
                             ? "no such file"
                             : "no such file, neither beside the table nor from the current folder";
    char *what = eprintf_alloc("line %llu: %s: %s", (unsigned long long)t->csv.line, named, reason);
    report(m, MISSING, t->csv.name, what);
    free(what);
}

static _Noreturn void die_repeated(const struct manifest *m, const struct own_table *t,
                                   const char *id) {
    size_t i = 0;
    while (i < m->rows && strcmp(m->row[i].field[SER_ID], id) != 0)
        i++;
    die(SER_BAD, "%s: line %llu: '%s' is on line %llu already: give each recording one row%s",
        t->csv.name, (unsigned long long)t->csv.line, id, (unsigned long long)m->row[i].line,
        t->field[SER_ID] < 0 ? "" : " and an id of its own");
}

static void read_own_row(struct manifest *m, struct own_table *t, const struct ser_corpus *c) {
    struct ser_utterance u = {.extra = ecalloc(c->columns + 1, sizeof *u.extra)};
    if (t->csv.fields != t->columns)
        die(SER_BAD, "%s: line %llu: has %zu fields, the header has %zu", t->csv.name,
            (unsigned long long)t->csv.line, t->csv.fields, t->columns);
    if (strpbrk(t->csv.field[t->path], "\t\r\n"))
        die(SER_BAD,
            "%s: line %llu: a manifest cannot hold a path with a tab or a newline: rename the file",
            t->csv.name, (unsigned long long)t->csv.line);
    const char *named = value_of(t, t->path);
    named += strncmp(named, "./", 2) == 0 && named[2] ? 2 : 0;
    for (int f = 0; f < SER_FIELDS; f++)
        u.field[f] = value_of(t, t->field[f]);
    for (size_t i = 0; i < c->columns; i++)
        u.extra[i] = value_of(t, (int)t->extra[i]);
    if (strcmp(u.field[SER_ID], "-") == 0)
        u.field[SER_ID] = named;
    if (strlen(u.field[SER_ID]) > SER_MAX_KEY)
        die(SER_BAD, "%s: line %llu: the id is longer than %d bytes", t->csv.name,
            (unsigned long long)t->csv.line, SER_MAX_KEY);
    char *path = find_file(t, named);
    if (!path) {
        report_missing(m, t, named);
    } else {
        int is_new = ser_set_add(&t->ids, u.field[SER_ID]);
        if (is_new < 0)
            die(SER_SYS, "out of memory");
        if (!is_new)
            die_repeated(m, t, u.field[SER_ID]);
        add_row(m, c, t->corpus < 0 ? c->name : value_of(t, t->corpus), &u, path, 0);
        m->row[m->rows - 1].line = t->csv.line;
    }
    free(path);
    free(u.extra);
}

static void read_own_table(struct manifest *m) {
    struct own_table t = {0};
    struct ser_error e;
    char *list = opt.columns ? estrdup(opt.columns) : NULL;
    const char *slash = strrchr(opt.table, '/');
    int got;
    m->corpora.at = ecalloc(1, sizeof *m->corpora.at);
    m->corpora.n = 1;
    m->corpora.at->name = "table";
    must(ser_csv_open(&t.csv, opt.table, 0, &e), &e);
    t.folder = eprintf_alloc("%.*s", slash ? (int)(slash + 1 - opt.table) : 0, opt.table);
    read_header(&t, list);
    place_columns(&t, m->corpora.at);
    while ((got = ser_csv_next(&t.csv, &e)) > 0)
        read_own_row(m, &t, m->corpora.at);
    must(got, &e);
    if (!m->rows)
        die(SER_BAD, "%s: names no recording that is there (files that are not: %zu)", t.csv.name,
            m->found[MISSING]);
    /* The names of further columns are needed to the end. */
    for (size_t i = 0; i < m->corpora.at->columns; i++) {
        const char **column = &m->corpora.at->column[i];
        if (ser_set_add(&m->label, *column) < 0)
            die(SER_SYS, "out of memory");
        *column = ser_set_get(&m->label, *column);
    }
    ser_csv_close(&t.csv);
    ser_set_free(&t.ids);
    free(t.name);
    free(t.called);
    free(t.extra);
    free(t.folder);
    free(list);
}

/* ---- rows ---- */

static size_t depth(const char *path) {
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

static int by_id(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    int order = strcmp(x->field[SER_ID], y->field[SER_ID]);
    size_t p = depth(x->path), q = depth(y->path);
    return order ? order : p != q ? (p < q ? -1 : 1) : strcmp(x->path, y->path);
}

/* 1 if both files can be read and hold the same bytes. */
static int same_bytes(const char *a, const char *b) {
    static char x[65536], y[65536];
    FILE *f = fopen(a, "rbe"), *g = fopen(b, "rbe");
    size_t n = sizeof x;
    int same = f && g;
    while (same && n == sizeof x) { /* less is the end */
        n = fread(x, 1, sizeof x, f);
        same = fread(y, 1, sizeof y, g) == n && memcmp(x, y, n) == 0 && !ferror(f) && !ferror(g);
    }
    if (f)
        (void)fclose(f);
    if (g)
        (void)fclose(g);
    return same;
}

/* A folder whose files repeat those of another. */
struct copy {
    char *folder, *of;
    size_t files;
};

/* The folders of two files, up to where the paths differ: of r/A/x.wav and r/copy/A/x.wav, r and
 * r/copy. The caller frees both. */
static void differing_folders(const char *a, const char *b, char **folder_a, char **folder_b) {
    size_t n = strlen(a), k = strlen(b), cut_a = n, cut_b = k;
    for (; n && k && a[n - 1] == b[k - 1]; n--, k--)
        if (a[n - 1] == '/') {
            cut_a = n - 1;
            cut_b = k - 1;
        }
    if ((!n && k && b[k - 1] == '/') || (!k && n && a[n - 1] == '/')) {
        cut_a = n;
        cut_b = k;
    }
    *folder_a = eprintf_alloc("%.*s", (int)cut_a, a);
    *folder_b = eprintf_alloc("%.*s", (int)cut_b, b);
}

static void count_copy(struct copy **copy, size_t *n, size_t *cap, const char *path,
                       const char *of) {
    struct copy new = {.files = 1};
    differing_folders(path, of, &new.folder, &new.of);
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*copy)[i].folder, new.folder) == 0 && strcmp((*copy)[i].of, new.of) == 0) {
            (*copy)[i].files++;
            free(new.folder);
            free(new.of);
            return;
        }
    grow(copy, *n, cap, sizeof **copy);
    (*copy)[(*n)++] = new;
}

/* Sorts the rows. An id must not come twice; but --check leaves out files that repeat another of the
 * same id byte by byte, as in copies that hold a tree twice. */
static void sort_rows(struct manifest *m) {
    size_t twice = 0, second = 0, first = 0, copies = 0, cap = 0;
    struct copy *copy = NULL;
    qsort(m->row, m->rows, sizeof *m->row, by_id);
    for (size_t i = 1, k = 0; i < m->rows; i++) {
        struct row *r = &m->row[i];
        if (strcmp(r->field[SER_ID], m->row[k].field[SER_ID]) != 0) {
            k = i;
        } else if (opt.check && same_bytes(m->row[k].path, r->path)) {
            r->dropped = 1;
            m->found[COPY]++;
            count_copy(&copy, &copies, &cap, r->path, m->row[k].path);
        } else if (!twice++) {
            first = k;
            second = i;
        }
    }
    if (twice) {
        const char *a = m->row[first].path, *b = m->row[second].path;
        die(SER_BAD,
            "%s: has the id %s, like %s (ids that come twice: %zu): give each utterance once%s",
            strcmp(a, b) < 0 ? b : a, m->row[first].field[SER_ID], strcmp(a, b) < 0 ? a : b, twice,
            opt.check ? "" : "; --check leaves out copies that are equal byte by byte");
    }
    for (size_t i = 0; i < copies; i++) {
        warn("%s: repeats %s byte by byte: left out, files: %zu", copy[i].folder, copy[i].of,
             copy[i].files);
        free(copy[i].folder);
        free(copy[i].of);
    }
    free(copy);
}

static void drop(struct manifest *m, struct row *r, enum finding kind, const char *why) {
    report(m, kind, r->path, why);
    r->dropped = 1;
}

static size_t kept(const struct manifest *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->rows; i++)
        n += !m->row[i].dropped;
    return n;
}

/* Calls use(m, a, b) for every row of t, a and b being its fields in the columns first and second;
 * then closes t. */
static void each_row(struct ser_tsv *t, const char *first, const char *second, struct manifest *m,
                     void (*use)(struct manifest *, const char *, const char *)) {
    struct ser_error e;
    int a = ser_tsv_need(t, first, &e), b = a < 0 ? -1 : ser_tsv_need(t, second, &e), got = -1;
    if (a >= 0 && b >= 0)
        while ((got = ser_tsv_next(t, &e)) > 0)
            use(m, t->field[a], t->field[b]);
    if (got < 0)
        die_error(&e);
    ser_tsv_close(t);
}

static void quarantine(struct manifest *m, const char *id, const char *reason) {
    char why[300];
    snprintf(why, sizeof why, "quarantined: %s", reason);
    for (size_t i = 0; i < m->rows; i++)
        if (!m->row[i].dropped && strcmp(m->row[i].field[SER_ID], id) == 0)
            drop(m, &m->row[i], QUARANTINED, why);
}

static void apply_quarantine(struct manifest *m) {
    struct ser_tsv t;
    struct ser_error e;
    if (opt.no_quarantine)
        return;
    if (!opt.quarantine)
        must(ser_tsv_memory(&t, known_quarantine,
                            bytes_between(known_quarantine, known_quarantine_end), "quarantine.tsv",
                            &e),
             &e);
    else if (ser_tsv_open(&t, opt.quarantine, &e))
        die_error(&e);
    each_row(&t, "id", "reason", m, quarantine);
}

/* ---- checks ---- */

/* Compares the clips of a corpus, or of each of its speakers where the description knows them. */
static void check_counts_of(struct manifest *m, const struct ser_corpus *c) {
    size_t of_corpus = 0, n;
    char what[100], *absent = estrdup("");
    for (size_t i = 0; i < m->rows; i++)
        of_corpus += m->row[i].corpus == c && !m->row[i].dropped;
    for (size_t k = 0; of_corpus && k < c->counts; k++) {
        const char *speaker = c->count[k].speaker;
        if (!speaker && c->counts > 1)
            continue; /* the sum of the others */
        n = speaker ? 0 : of_corpus;
        for (size_t i = 0; speaker && i < m->rows; i++)
            n += m->row[i].corpus == c && !m->row[i].dropped &&
                 strcmp(m->row[i].field[SER_SPEAKER], speaker) == 0;
        snprintf(what, sizeof what, "has %zu clips, should have %ld", n, c->count[k].clips);
        if (!n) {
            char *longer = eprintf_alloc("%s%s%s", absent, *absent ? " " : "", speaker);
            free(absent);
            absent = longer;
        } else if (n != (size_t)c->count[k].clips) {
            report(m, COUNT, speaker ? speaker : c->name, what);
        }
    }
    if (*absent)
        report(m, COUNT, "speakers without any clip", absent);
    free(absent);
}

static void check_counts(struct manifest *m) {
    for (size_t d = 0; d < m->corpora.n; d++)
        check_counts_of(m, &m->corpora.at[d]);
}

/* One file on its way through the threads. */
struct look {
    struct row *row;
    struct ser_audio audio;
    enum finding kind;
    struct ser_error why;
};

struct looking {
    struct manifest *m;
    size_t next, done;
    struct ser_progress progress;
};

static int hash_audio(const struct ser_audio *a, uint64_t *hash, struct ser_error *e) {
    unsigned char buf[4096], *p = ser_put(buf, 8, (uint64_t)a->rate_hz);
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return ser_no_memory(e);
    XXH3_64bits_reset(state);
    p = ser_put(p, 8, a->frames);
    for (size_t i = 0; i < a->frames; i++) {
        uint32_t bits;
        if (p == buf + sizeof buf) {
            XXH3_64bits_update(state, buf, sizeof buf);
            p = buf;
        }
        memcpy(&bits, &a->sample[i], sizeof bits);
        p = ser_put(p, 4, bits);
    }
    XXH3_64bits_update(state, buf, (size_t)(p - buf));
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return 0;
}

static int fetch_row(void *ctx, void *slot) {
    struct looking *l = ctx;
    while (l->next < l->m->rows && l->m->row[l->next].dropped)
        l->next++;
    if (l->next == l->m->rows)
        return 0;
    ((struct look *)slot)->row = &l->m->row[l->next++];
    return 1;
}

static void look_into(void *ctx, void *slot, int worker) {
    struct look *k = slot;
    (void)ctx;
    (void)worker;
    if (ser_audio_load(&k->audio, k->row->path, 0, &k->why) ||
        hash_audio(&k->audio, &k->row->audio_hash, &k->why))
        k->kind = UNREADABLE;
    else
        k->kind = ser_is_silent(k->audio.sample, k->audio.frames) ? SILENT : FINE;
}

static int report_look(void *ctx, void *slot) {
    struct looking *l = ctx;
    struct look *k = slot;
    const char *path = k->row->path, *why = k->why.text;
    if (k->kind != FINE)
        ser_progress_end(&l->progress);
    if (k->kind == SILENT)
        drop(l->m, k->row, SILENT, "silent: nothing above -60 dBFS");
    l->m->failed += k->kind == UNREADABLE && k->why.status == SER_SYS;
    if (k->kind == UNREADABLE) /* the reason names the file, as the report does */
        drop(l->m, k->row, UNREADABLE,
             strncmp(why, path, strlen(path)) == 0 ? why + strlen(path) + 2 : why);
    ser_progress_show(&l->progress, ++l->done);
    return 0;
}

static void release_look(void *ctx, void *slot) {
    (void)ctx;
    ser_audio_free(&((struct look *)slot)->audio);
}

static int by_audio(const void *a, const void *b) {
    const struct row *const *x = a, *const *y = b;
    if ((*x)->audio_hash != (*y)->audio_hash)
        return (*x)->audio_hash < (*y)->audio_hash ? -1 : 1;
    return strcmp((*x)->field[SER_ID], (*y)->field[SER_ID]);
}

static int is_labelled(const struct row *r) {
    return strcmp(r->field[SER_EMOTION], "-") != 0;
}

/* r[n] are n > 1 clips with the same audio, sorted by id. If all have one emotion the first stays, and
 * goes before those without any; otherwise none does. */
static void drop_duplicates(struct manifest *m, struct row **r, size_t n) {
    size_t first = 0, other = 0;
    char why[200];
    while (first < n - 1 && !is_labelled(r[first]))
        first++;
    if (!is_labelled(r[first]))
        first = 0;
    for (size_t i = first + 1; i < n; i++)
        if (is_labelled(r[i]) &&
            strcmp(r[i]->field[SER_EMOTION], r[first]->field[SER_EMOTION]) != 0)
            other = i;
    for (size_t i = 0; i < n; i++) {
        const struct row *like = r[i == first ? other : first];
        if (i == first && !other)
            continue;
        snprintf(why, sizeof why,
                 other ? "has the same audio as %s, which is labelled %s: none of them is kept"
                       : "has the same audio as %s, which is kept",
                 like->field[SER_ID], like->field[SER_EMOTION]);
        drop(m, r[i], other ? CONTRADICTORY : DUPLICATE, why);
    }
}

static void check_duplicates(struct manifest *m) {
    struct row **r = ecalloc(m->rows, sizeof *r);
    size_t n = 0;
    for (size_t i = 0; i < m->rows; i++)
        if (!m->row[i].dropped)
            r[n++] = &m->row[i];
    qsort(r, n, sizeof *r, by_audio);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && r[to]->audio_hash == r[from]->audio_hash;)
            to++;
        if (to - from > 1)
            drop_duplicates(m, r + from, to - from);
    }
    free(r);
}

static void check_audio(struct manifest *m) {
    struct looking l = {.m = m};
    struct ser_jobs jobs = {.ctx = &l,
                            .slot_size = sizeof(struct look),
                            .fetch = fetch_row,
                            .work = look_into,
                            .finish = report_look,
                            .release = release_look};
    struct ser_error e;
    ser_progress_start(&l.progress, "files", kept(m), opt.quiet);
    must(ser_jobs_run(&jobs, (int)opt.jobs, &e) < 0, &e);
    ser_progress_end(&l.progress);
    check_duplicates(m);
}

/* ---- emotions ---- */

/* 1 if word is in the list, whose words are separated by commas. */
static int in_list(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *s = list; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
        if (strncmp(s, word, n) == 0 && (s[n] == ',' || !s[n]))
            return 1;
    return 0;
}

/* Gives every emotion that is called from the name to. 1 if there is one. */
static int rename_emotion(struct manifest *m, const char *from, const char *to) {
    int found = 0;
    if (!*to || !ser_is_text(to, strlen(to)))
        die(SER_BAD, "--map: '%s' cannot become '%s': expected UTF-8 text", from, to);
    if (ser_set_add(&m->label, to) < 0)
        die(SER_SYS, "out of memory");
    for (size_t i = 0; i < m->rows; i++)
        if (!m->row[i].is_mapped && strcmp(m->row[i].field[SER_EMOTION], from) == 0) {
            m->row[i].field[SER_EMOTION] = ser_set_get(&m->label, to);
            m->row[i].is_mapped = found = 1;
        }
    return found;
}

static void map_by_table(struct manifest *m, const char *from, const char *to) {
    (void)rename_emotion(m, from, to);
}

/* --map: from=to,from=to or a table with these columns. A name that was given is not changed
 * again. */
static void map_emotions(struct manifest *m) {
    struct ser_tsv t;
    struct ser_error e;
    if (!opt.map)
        return;
    if (!strchr(opt.map, '=')) {
        must(ser_tsv_open(&t, opt.map, &e), &e);
        each_row(&t, "from", "to", m, map_by_table);
        return;
    }
    char *list = estrdup(opt.map);
    for (char *s = list, *next; s; s = next) {
        size_t n = strcspn(s, ","), from = strcspn(s, "=");
        next = s[n] ? s + n + 1 : NULL;
        s[n] = '\0';
        if (from + 1 >= n)
            die(SER_USAGE,
                "--map: expected FROM=TO,... or a table with the columns from and to, not '%s'", s);
        s[from] = '\0';
        if (!rename_emotion(m, s, s + from + 1))
            die(SER_USAGE, "--map: no recording is labelled '%s'", s);
    }
    free(list);
}

/* Commas separate emotions in lists, of options and in models. */
static void refuse_commas(const struct manifest *m) {
    for (size_t i = 0; i < m->rows; i++)
        if (strchr(m->row[i].field[SER_EMOTION], ','))
            die(SER_BAD,
                "%s: its emotion '%s' has a comma, which separates emotions: give it another name "
                "with --map FILE",
                m->row[i].path, m->row[i].field[SER_EMOTION]);
}

/* 1 if the words differ in the case of letters and in blanks only. */
static int is_variant(const char *a, const char *b) {
    for (;; a++, b++) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (!*a || !*b || strncasecmp(a, b, 1) != 0)
            return !*a && !*b;
    }
}

static void warn_variants(const struct manifest *m) {
    struct ser_set there = {0};
    for (size_t i = 0; i < m->rows; i++)
        if (ser_set_add(&there, m->row[i].field[SER_EMOTION]) < 0)
            die(SER_SYS, "out of memory");
    char **word = ser_set_sorted(&there);
    if (!word)
        die(SER_SYS, "out of memory");
    for (size_t i = 0; i < there.n; i++)
        for (size_t k = i + 1; k < there.n; k++)
            if (is_variant(word[i], word[k]))
                warn(
                    "the emotions '%s' and '%s' differ in case or blanks only: --map '%s=%s' makes "
                    "them one",
                    word[i], word[k], word[i], word[k]);
    free(word);
    ser_set_free(&there);
}

/* The labels that occur, and those that the table of labels names: each may be asked for. */
static void collect_labels(const struct manifest *m, struct ser_set *known, struct ser_set *there) {
    struct ser_tsv t;
    struct ser_error e;
    int to, got;
    must(ser_tsv_memory(&t, known_labels, bytes_between(known_labels, known_labels_end),
                        "labels.tsv", &e),
         &e);
    must((to = ser_tsv_need(&t, "to", &e)) < 0, &e);
    while ((got = ser_tsv_next(&t, &e)) > 0)
        if (ser_set_add(known, t.field[to]) < 0)
            die(SER_SYS, "out of memory");
    must(got, &e);
    ser_tsv_close(&t);
    for (size_t i = 0; i < m->rows; i++)
        if (ser_set_add(known, m->row[i].field[SER_EMOTION]) < 0 ||
            ser_set_add(there, m->row[i].field[SER_EMOTION]) < 0)
            die(SER_SYS, "out of memory");
}

static void check_list(const struct manifest *m, const char *option, const char *list) {
    struct ser_set known = {0}, there = {0};
    if (!list)
        return;
    collect_labels(m, &known, &there);
    char **word = ser_set_sorted(&there), *text = estrdup("");
    if (!word)
        die(SER_SYS, "out of memory");
    for (size_t i = 0; i < there.n && i < 40; i++) {
        char *longer = eprintf_alloc("%s%s%s", text, *text ? " " : "", word[i]);
        free(text);
        text = longer;
    }
    for (const char *s = list; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        size_t n = strcspn(s, ",");
        char *label = eprintf_alloc("%.*s", (int)n, s);
        if (!n || !ser_set_has(&known, label))
            die(SER_USAGE, "--%s: '%.100s' is not an emotion of these recordings, which are: %s",
                option, label, text);
        free(label);
    }
    free(word);
    free(text);
    ser_set_free(&known);
    ser_set_free(&there);
}

static void select_emotions(struct manifest *m) {
    for (size_t i = 0; i < m->rows; i++) {
        const char *emotion = m->row[i].field[SER_EMOTION];
        if ((opt.emotions && !in_list(opt.emotions, emotion)) ||
            (opt.drop && in_list(opt.drop, emotion))) {
            m->found[UNASKED] += opt.check && !m->row[i].dropped;
            m->row[i].dropped = 1;
        }
    }
}

/* ---- output ---- */

static void summarise(const struct manifest *m, size_t kept) {
    char text[1000] = "";
    size_t n = 0;
    int wrong = 0;
    for (int k = 0; k < FINDINGS; k++)
        if (m->found[k]) {
            n += (size_t)snprintf(
                text + n, sizeof text - n, "; %s: %zu",
                k == FOREIGN && reads_folders() ? "no recordings" : finding[k].name, m->found[k]);
            if (m->found[k] > listed((enum finding)k) && listed((enum finding)k))
                n += (size_t)snprintf(text + n, sizeof text - n, " (the first %zu are listed)",
                                      listed((enum finding)k));
            wrong |= !finding[k].harmless;
        }
    if (n)
        warn("utterances: %zu%s", kept, text);
    if (m->failed)
        die(SER_SYS, "files that could not be opened or read: %zu: no table is written", m->failed);
    if (wrong && opt.strict)
        die(SER_BAD, "no table is written: --strict is given and something is wrong");
}

/* Adds the name of a column to the n that are there, unless it is among them. */
static void add_column(char ***column, size_t *n, size_t *cap, char *name) {
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*column)[i], name) == 0)
            return;
    grow(column, *n, cap, sizeof **column);
    (*column)[(*n)++] = name;
}

/* The further columns of the corpora that have rows, and the mark of generated speech, where there is any. A column of
 * two corpora stands once. */
static char **further_columns(const struct manifest *m, size_t *n) {
    char **name = NULL;
    size_t cap = 0, generated = 0;
    *n = 0;
    for (size_t d = 0; d < m->corpora.n; d++) {
        const struct ser_corpus *c = &m->corpora.at[d];
        size_t of_corpus = 0;
        for (size_t i = 0; i < m->rows; i++) {
            int is_there = m->row[i].corpus == c && !m->row[i].dropped;
            of_corpus += (size_t)is_there;
            generated += (size_t)(is_there && m->row[i].generated);
        }
        for (size_t k = 0; of_corpus && k < c->columns; k++)
            add_column(&name, n, &cap, (char *)c->column[k]);
    }
    if (generated)
        add_column(&name, n, &cap, (char *)GENERATED);
    return name;
}

static const char *value_in(const struct row *r, const char *column) {
    if (r->generated && strcmp(column, GENERATED) == 0)
        return "yes";
    for (size_t i = 0; i < r->corpus->columns; i++)
        if (strcmp(r->corpus->column[i], column) == 0)
            return r->extra[i];
    return "-";
}

static void write_table(const struct manifest *m) {
    struct ser_error e;
    struct ser_out o;
    size_t further;
    char **column = further_columns(m, &further);
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    ser_out_printf(&o, "id\tpath\tcorpus\tspeaker\tsex\temotion\tintensity\tstatement\trepetition");
    for (size_t i = 0; i < further; i++)
        ser_out_printf(&o, "\t%s", column[i]);
    ser_out_printf(&o, "%s\n", opt.check ? "\taudio_hash" : "");
    for (size_t i = 0; i < m->rows; i++) {
        const struct row *r = &m->row[i];
        if (r->dropped)
            continue;
        ser_out_printf(&o, "%s\t%s\t%s", r->field[SER_ID], r->path, r->corpus_name);
        for (int f = SER_SPEAKER; f < SER_FIELDS; f++)
            ser_out_printf(&o, "\t%s", r->field[f]);
        for (size_t k = 0; k < further; k++)
            ser_out_printf(&o, "\t%s", value_in(r, column[k]));
        if (opt.check)
            ser_out_printf(&o, "\t%016llx", (unsigned long long)r->audio_hash);
        ser_out_printf(&o, "\n");
    }
    free(column);
    must(ser_out_close(&o, &e), &e);
}

/* ---- descriptions ---- */

static void list_corpora(const struct manifest *m) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    ser_out_printf(&o, "corpus\ttitle\tlanguage\tlicence\tregistration\ttested\tget\tcitation\n");
    for (size_t d = 0; d < m->corpora.n; d++) {
        const struct ser_corpus *c = &m->corpora.at[d];
        const char *text[] = {c->title,
                              c->language,
                              c->licence,
                              c->registration ? "yes" : "no",
                              c->untested ? "no" : "yes",
                              c->get,
                              c->citation};
        ser_out_printf(&o, "%s", c->name);
        for (size_t i = 0; i < sizeof text / sizeof *text; i++)
            ser_out_printf(&o, "\t%s", text[i] ? text[i] : "-");
        ser_out_printf(&o, "\n");
    }
    must(ser_out_close(&o, &e), &e);
}

static void read_own_corpora(struct manifest *m) {
    struct ser_in in;
    struct ser_error e;
    unsigned char *text;
    size_t len;
    must(ser_in_open(&in, opt.corpus, &e), &e);
    must(ser_in_rest(&in, 1 << 24, &text, &len, &e), &e);
    ser_in_close(&in);
    must(ser_corpora_read(&m->corpora, (const char *)text, len, opt.corpus, &e), &e);
    free(text);
    m->only = m->corpora.n == 1 ? m->corpora.at : NULL;
}

/* Refuses what is often meant, but no POSIX extended expression with a group. */
static void check_expression(const char *option, const char *regex) {
    int groups = 0, in_brackets = 0;
    for (const char *s = regex; s && *s; s++) {
        if (*s == '\n')
            die(SER_USAGE, "--%s: an expression is one line", option);
        if (*s == '\\' && !in_brackets) {
            if (s[1] == 'd' || s[1] == 'D')
                die(SER_USAGE, "--%s: '%s': POSIX expressions have no \\%c: write [%s0-9]", option,
                    regex, s[1], s[1] == 'D' ? "^" : "");
            s += s[1] != '\0';
        } else if (*s == '(' && !in_brackets) {
            if (s[1] == '?')
                die(SER_USAGE, "--%s: '%s': POSIX expressions have no (?...): write ( )", option,
                    regex);
            groups++;
        } else if (*s == '[' && !in_brackets) {
            in_brackets = 1;
            s += s[1] == '^';
            s += s[1] == ']'; /* stands for itself in the first place */
        } else if (*s == '[' && s[1] == ':' && strstr(s, ":]")) {
            s = strstr(s, ":]") + 1;
        } else if (*s == ']') {
            in_brackets = 0;
        }
    }
    if (regex && !groups)
        die(SER_USAGE,
            "--%s: '%s' has no group: put parentheses around the part of the path that is the %s",
            option, regex, strcmp(option, "label-from") == 0 ? "label" : "speaker");
}

/* --corpus folders: a description made of the options. */
static void read_folder_corpus(struct manifest *m) {
    const char *label = opt.label_from ? opt.label_from : "/([^/]+)/[^/]*$";
    const char *speaker = opt.speaker_from;
    struct ser_error e;
    check_expression("label-from", label);
    check_expression("speaker-from", speaker);
    char *text =
        eprintf_alloc("corpus folders\n"
                      "title Folders as labels\n"
                      "get give the folder that holds a folder of recordings for each label\n"
                      "pattern /[^/]*$\n"
                      "set id {below}\n"
                      "find emotion %s\n"
                      "when emotion= bad its path has no label\n%s%s\n",
                      label, speaker ? "find speaker " : "", speaker ? speaker : "");
    if (ser_corpora_read(&m->corpora, text, strlen(text), "--label-from, --speaker-from", &e)) {
        e.status = SER_USAGE;
        die_error(&e);
    }
    free(text);
    m->only = m->corpora.at;
}

/* Reads the descriptions that --corpus stands for: a file's or the program's. */
static void read_corpora(struct manifest *m) {
    struct ser_error e;
    if (!opt.corpus)
        opt.corpus = "auto";
    int is_folders = reads_folders();
    if ((opt.label_from || opt.speaker_from) && !is_folders)
        ser_usage("--label-from and --speaker-from: only with --corpus folders");
    if (is_folders) {
        read_folder_corpus(m);
        return;
    }
    if (is_own_corpus()) {
        read_own_corpora(m);
        return;
    }
    must(ser_corpora_read(&m->corpora, known_corpora,
                          bytes_between(known_corpora, known_corpora_end), "descriptions", &e),
         &e);
    if (strcasecmp(opt.corpus, "auto") == 0)
        return;
    for (size_t d = 0; d < m->corpora.n && !m->only; d++)
        if (strcasecmp(m->corpora.at[d].name, opt.corpus) == 0)
            m->only = &m->corpora.at[d];
    if (m->only)
        return;
    char *names = estrdup("");
    for (size_t d = 0; d < m->corpora.n; d++) {
        char *longer = eprintf_alloc("%s %s", names, m->corpora.at[d].name);
        free(names);
        names = longer;
    }
    die(SER_USAGE,
        "--corpus: '%s' is neither auto, nor folders, nor a file NAME.corpus, nor one of:%s",
        opt.corpus, names);
}

static void release(struct manifest *m) {
    for (size_t i = 0; i < m->rows; i++)
        free(m->row[i].room);
    for (size_t i = 0; i < m->entries; i++) {
        free(m->entry[i].path);
        free(m->entry[i].subject);
        free(m->entry[i].what);
    }
    for (int i = 0; i < m->operands; i++)
        free(m->base[i]);
    free(m->base);
    free(m->row);
    free(m->entry);
    free(m->seen);
    free(m->link);
    ser_set_free(&m->label);
    if (opt.table) /* its description is no file's, which would own them */
        free(m->corpora.at->column);
    ser_corpora_free(&m->corpora);
}

int main(int argc, char **argv) {
    struct manifest m = {0};
    ser_start(argv[0]);
    opt.jobs = ser_cores();
    int first = ser_options(argc, argv, &tool);
    if (opt.quarantine && opt.no_quarantine)
        ser_usage("--quarantine and --no-quarantine exclude each other: give one of them");
    if (opt.columns && !opt.table)
        ser_usage("--columns: only with --table");
    if (opt.table && (opt.corpus || opt.label_from || opt.speaker_from || opt.list || first < argc))
        ser_usage("--table takes the place of --corpus and of folders");
    if (!opt.table)
        read_corpora(&m);
    if (opt.list) {
        list_corpora(&m);
        release(&m);
        return SER_OK;
    }
    if (first == argc && !opt.table)
        ser_usage("no folder is given");
    ser_keep_inputs("--output", opt.output, argv + first, opt.quarantine, opt.table);

    if (opt.table)
        read_own_table(&m);
    else
        read_folders(&m, argv + first, argc - first);
    sort_rows(&m);
    map_emotions(&m);
    refuse_commas(&m);
    warn_variants(&m);
    check_list(&m, "emotions", opt.emotions);
    check_list(&m, "drop", opt.drop);
    if (opt.check)
        check_counts(&m);
    apply_quarantine(&m);
    if (opt.check)
        check_audio(&m);
    select_emotions(&m);
    summarise(&m, kept(&m));
    if (!kept(&m))
        die(SER_BAD, "%s%s: no utterance is left of %zu%s%s%s%s",
            opt.table ? opt.table : argv[first], first + 1 < argc ? " and the other folders" : "",
            m.rows, opt.emotions ? ", with --emotions " : "", opt.emotions ? opt.emotions : "",
            opt.drop ? ", with --drop " : "", opt.drop ? opt.drop : "");
    write_table(&m);
    release(&m);
    return SER_OK;
}
