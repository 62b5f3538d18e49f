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
#include "core/embed.h"
#include "core/in.h"
#include "core/jobs.h"
#include "core/opt.h"
#include "core/out.h"
#include "core/progress.h"
#include "core/tsv.h"

static struct {
    const char *corpus, *emotions, *drop, *quarantine, *output;
    int no_quarantine, check, strict, quiet;
    int64_t jobs;
} opt = {.corpus = "auto"};

static const struct ser_opt options[] = {
    {0, "corpus", SER_OPT_CHOICE, &opt.corpus, 0, 0, "ravdess|savee|cremad|auto",
     "corpus whose file names to read"},
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
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line"},
    {0}};

static const struct ser_tool tool = {
    "DIR...", "Writes a table of the utterances in the folders DIR: id, path, emotion ...", options,
    "Emotions: angry calm disgust fearful happy neutral sad surprised"};

/* ---- what is known of the corpora: tables of manifests/, part of the program ---- */

SER_EMBED(known_counts, "manifests/counts.tsv");
SER_EMBED(known_quarantine, "manifests/quarantine.tsv");
SER_EMBED(known_actors, "manifests/cremad-actors.tsv");

/* ---- findings ---- */

enum finding {
    FOREIGN,
    OTHER,
    BAD,
    BROKEN,
    COUNT,
    QUARANTINED,
    UNREADABLE,
    SILENT,
    DUPLICATE,
    CONTRADICTORY,
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
    [BAD] = {"invalid names", SIZE_MAX, 0},
    [BROKEN] = {"broken links", SIZE_MAX, 0},
    [COUNT] = {"wrong counts", SIZE_MAX, 0},
    [QUARANTINED] = {"quarantined", SIZE_MAX, 1},
    [UNREADABLE] = {"unreadable", SIZE_MAX, 0},
    [SILENT] = {"silent", SIZE_MAX, 0},
    [DUPLICATE] = {"duplicates", SIZE_MAX, 0},
    [CONTRADICTORY] = {"contradictory duplicates", SIZE_MAX, 0},
};

struct row {
    struct ser_utterance u;
    char *path;
    uint64_t audio_hash; /* with --check */
    int dropped;
};

struct folder {
    dev_t dev;
    ino_t ino;
};

struct manifest {
    struct row *row;
    size_t rows, row_cap;
    struct folder *seen; /* folders already read: links may lead there again */
    size_t seens, seen_cap;
    char absent[4096]; /* names of speakers without any clip, each behind a blank */
    char **link;       /* links to folders, read after all folders */
    size_t links, link_cap;
    size_t found[FINDINGS];
    size_t failed; /* unreadable because the system failed: the file itself may be good */
};

static void report(struct manifest *m, enum finding kind, const char *path, const char *what) {
    if (m->found[kind]++ < finding[kind].listed)
        warn("%s: %s", path, what);
}

/* Makes room for one more of n elements of size bytes. */
static void grow(void *array, size_t n, size_t *cap, size_t size) {
    if (ser_grow(array, cap, n + 1, size))
        die(SER_SYS, "out of memory");
}

/* ---- files ---- */

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

static void add_row(struct manifest *m, const struct ser_utterance *u, const char *path) {
    if (strpbrk(path, "\t\n"))
        die(SER_BAD, "%s: a manifest cannot hold a path with a tab or a newline: rename it", path);
    grow(&m->row, m->rows, &m->row_cap, sizeof *m->row);
    m->row[m->rows++] = (struct row){.u = *u, .path = estrdup(path)};
}

static void add_file(struct manifest *m, const char *path, const char *folder, const char *name) {
    struct ser_utterance u = {0};
    char stem[64], why[200];
    const char *dot = strrchr(name, '.');
    if (!dot || !is_audio_extension(dot + 1)) {
        report(m, FOREIGN, path, "not of the corpus: its extension is not that of an audio file");
        return;
    }
    enum ser_name_kind kind = SER_NAME_FOREIGN;
    if ((size_t)(dot - name) < sizeof stem) {
        snprintf(stem, sizeof stem, "%.*s", (int)(dot - name), name);
        kind = ser_corpus_parse(opt.corpus, folder, stem, &u, why, sizeof why);
    }
    switch (kind) {
    case SER_NAME_GOOD:
        add_row(m, &u, path);
        return;
    case SER_NAME_OTHER:
        report(m, OTHER, path, why);
        return;
    case SER_NAME_BAD:
        report(m, BAD, path, why);
        return;
    case SER_NAME_FOREIGN:
        report(m, FOREIGN, path, "not of the corpus: its files are named in another way");
    }
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

static void defer(struct manifest *m, const char *path) {
    grow(&m->link, m->links, &m->link_cap, sizeof *m->link);
    m->link[m->links++] = estrdup(path);
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The last part of path, or that of the real folder where path ends in a dot. The caller frees. */
static char *folder_name(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (*name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return estrdup(name);
    char *real = realpath(path, NULL);
    if (real) {
        char *last = estrdup(strrchr(real, '/') + 1);
        free(real);
        return last;
    }
    die(SER_SYS, "%s: cannot find the name of this folder: %s", path, strerror(errno));
}

static void add_folder(struct manifest *m, const char *path);

static void add_entry(struct manifest *m, const char *path, const char *folder, const char *name) {
    struct stat st;
    if (lstat(path, &st))
        die(SER_SYS, "%s: cannot read its type: %s", path, strerror(errno));
    int is_link = S_ISLNK(st.st_mode);
    if (is_link && stat(path, &st)) {
        char what[200];
        snprintf(what, sizeof what, "broken link: %s", strerror(errno));
        report(m, BROKEN, path, what);
        return;
    }
    if (S_ISREG(st.st_mode))
        add_file(m, path, folder, name);
    else if (!S_ISDIR(st.st_mode))
        report(m, FOREIGN, path, "not of the corpus: neither a file nor a folder");
    else if (is_link)
        defer(m, path); /* so that a path never depends on where a link happens to lie */
    else if (*name != '.')
        add_folder(m, path);
}

static void add_folder(struct manifest *m, const char *path) {
    struct stat st;
    struct dirent **entry;
    if (stat(path, &st))
        die(SER_SYS, "%s: cannot read the folder: %s", path, strerror(errno));
    if (!is_new(m, &st))
        return;
    int n = scandir(path, &entry, NULL, by_bytes);
    if (n < 0)
        die(SER_SYS, "%s: cannot read the folder: %s", path, strerror(errno));
    char *folder = folder_name(path);
    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            char *child = eprintf_alloc("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
            add_entry(m, child, folder, name);
            free(child);
        }
        free(entry[i]);
    }
    free(entry);
    free(folder);
}

static const char *how_to_get(void) {
    if (strcmp(opt.corpus, "savee") == 0)
        return "SAVEE needs registration: 'ser-fetch savee DIR' tells how to get it";
    if (strcmp(opt.corpus, "ravdess") == 0)
        return "'ser-fetch ravdess DIR' gets the corpus";
    if (strcmp(opt.corpus, "cremad") == 0)
        return "'ser-fetch cremad DIR' gets the corpus";
    return "'ser-fetch CORPUS DIR' gets a corpus: ravdess, cremad or savee";
}

static void add_operand(struct manifest *m, const char *operand) {
    struct stat st;
    int there = stat(operand, &st) == 0;
    if (!there && (errno == ENOENT || errno == ENOTDIR))
        die(SER_SYS, "%s: no such folder: %s", operand, how_to_get());
    if (there && !S_ISDIR(st.st_mode))
        die(SER_SYS, "%s: is not a folder", operand);
    char *path = estrdup(operand);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    add_folder(m, path);
    free(path);
}

static void read_folders(struct manifest *m, char **operand, int n) {
    for (int i = 0; i < n; i++)
        add_operand(m, operand[i]);
    for (size_t i = 0; i < m->links; i++) { /* each may add more */
        add_folder(m, m->link[i]);
        free(m->link[i]);
    }
    if (!m->rows)
        die(SER_BAD, "%s: holds no utterance of %s (files that are not of it: %zu): %s", operand[0],
            strcmp(opt.corpus, "auto") == 0 ? "a known corpus" : opt.corpus, m->found[FOREIGN],
            how_to_get());
}

/* ---- rows ---- */

static int by_id(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    int order = strcmp(x->u.id, y->u.id);
    return order ? order : strcmp(x->path, y->path);
}

static void sort_rows(struct manifest *m) {
    size_t twice = 0, first = 0;
    qsort(m->row, m->rows, sizeof *m->row, by_id);
    for (size_t i = m->rows; i-- > 1;)
        if (strcmp(m->row[i].u.id, m->row[i - 1].u.id) == 0) {
            twice++;
            first = i;
        }
    if (twice)
        die(SER_BAD,
            "%s: has the id %s, like %s (ids that come twice: %zu): give each utterance once",
            m->row[first].path, m->row[first].u.id, m->row[first - 1].path, twice);
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
        if (!m->row[i].dropped && strcmp(m->row[i].u.id, id) == 0)
            drop(m, &m->row[i], QUARANTINED, why);
}

static void set_sex(struct manifest *m, const char *speaker, const char *sex) {
    for (size_t i = 0; i < m->rows; i++)
        if (strcmp(m->row[i].u.speaker, speaker) == 0)
            m->row[i].u.sex = strcmp(sex, "female") == 0 ? "female" : "male";
}

/* Opens a table of manifests/. */
static void open_known(struct ser_tsv *t, const char *begin, const char *end, const char *name) {
    struct ser_error e;
    must(ser_tsv_memory(t, begin, (size_t)(end - begin), name, &e), &e);
}

static void set_sexes(struct manifest *m) {
    struct ser_tsv t;
    open_known(&t, known_actors, known_actors_end, "cremad-actors.tsv");
    each_row(&t, "speaker", "sex", m, set_sex);
}

static void apply_quarantine(struct manifest *m) {
    struct ser_tsv t;
    struct ser_error e;
    if (opt.no_quarantine)
        return;
    if (!opt.quarantine)
        open_known(&t, known_quarantine, known_quarantine_end, "quarantine.tsv");
    else if (ser_tsv_open(&t, opt.quarantine, &e))
        die_error(&e);
    each_row(&t, "id", "reason", m, quarantine);
}

/* ---- checks ---- */

static void check_count(struct manifest *m, const char *speaker, const char *clips) {
    size_t of_corpus = 0, of_speaker = 0, n = strcspn(speaker, "_"), used = strlen(m->absent);
    char what[100];
    if (strcmp(speaker, "-") == 0)
        return; /* the whole corpus, the sum of the others */
    for (size_t i = 0; i < m->rows; i++) {
        of_corpus += strncmp(m->row[i].u.speaker, speaker, n + 1) == 0;
        of_speaker += strcmp(m->row[i].u.speaker, speaker) == 0;
    }
    snprintf(what, sizeof what, "has %zu clips, should have %s", of_speaker, clips);
    if (of_corpus && !of_speaker)
        snprintf(m->absent + used, sizeof m->absent - used, " %s", speaker);
    else if (of_corpus && of_speaker != strtoul(clips, NULL, 10))
        report(m, COUNT, speaker, what);
}

static void check_counts(struct manifest *m) {
    struct ser_tsv t;
    open_known(&t, known_counts, known_counts_end, "counts.tsv");
    each_row(&t, "speaker", "clips", m, check_count);
    if (*m->absent)
        report(m, COUNT, "speakers without any clip", m->absent + 1);
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

/* 1 if no sample is further than -60 dBFS from the mean: a constant is silence, whatever its
 * level. */
static int is_silent(const struct ser_audio *a) {
    double sum = 0, peak = 0;
    for (size_t i = 0; i < a->frames; i++)
        sum += a->sample[i];
    for (size_t i = 0; i < a->frames; i++)
        peak = fmax(peak, fabs(a->sample[i] - sum / (double)a->frames));
    return peak < 1e-3;
}

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
        k->kind = is_silent(&k->audio) ? SILENT : FINE;
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
    return strcmp((*x)->u.id, (*y)->u.id);
}

/* r[n] are n > 1 clips with the same audio, sorted by id. If all have one emotion the first stays,
 * otherwise none does. */
static void drop_duplicates(struct manifest *m, struct row **r, size_t n) {
    size_t other = 0;
    char why[200];
    for (size_t i = 1; i < n; i++)
        if (strcmp(r[i]->u.emotion, r[0]->u.emotion) != 0)
            other = i;
    for (size_t i = other ? 0 : 1; i < n; i++) {
        const struct ser_utterance *u = &r[i == 0 ? other : 0]->u;
        snprintf(why, sizeof why,
                 other ? "has the same audio as %s, which is labelled %s: none of them is kept"
                       : "has the same audio as %s, which is kept",
                 u->id, u->emotion);
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

static void check_list(const char *option, const char *list) {
    for (const char *s = list; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        size_t n = strcspn(s, ",");
        if (!ser_is_emotion(s, n))
            ser_usage(
                "--%s: '%.*s' is not an emotion (angry calm disgust fearful happy neutral sad "
                "surprised)",
                option, n > 100 ? 100 : (int)n, s);
    }
}

static void select_emotions(struct manifest *m) {
    for (size_t i = 0; i < m->rows; i++) {
        const char *emotion = m->row[i].u.emotion;
        if ((opt.emotions && !in_list(opt.emotions, emotion)) ||
            (opt.drop && in_list(opt.drop, emotion)))
            m->row[i].dropped = 1;
    }
}

/* ---- output ---- */

static void summarise(const struct manifest *m, size_t kept) {
    char text[600] = "";
    size_t n = 0;
    int wrong = 0;
    for (int k = 0; k < FINDINGS; k++)
        if (m->found[k]) {
            n += (size_t)snprintf(text + n, sizeof text - n, "; %s: %zu", finding[k].name,
                                  m->found[k]);
            if (m->found[k] > finding[k].listed && finding[k].listed)
                n += (size_t)snprintf(text + n, sizeof text - n, " (the first %zu are listed)",
                                      finding[k].listed);
            wrong |= !finding[k].harmless;
        }
    if (n)
        warn("utterances: %zu%s", kept, text);
    if (m->failed)
        die(SER_SYS, "files that could not be opened or read: %zu: no table is written", m->failed);
    if (wrong && opt.strict)
        die(SER_BAD, "no table is written: --strict is given and something is wrong");
}

static void write_table(const struct manifest *m) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    ser_out_printf(&o,
                   "id\tpath\tcorpus\tspeaker\tsex\temotion\tintensity\tstatement\trepetition%s\n",
                   opt.check ? "\taudio_hash" : "");
    for (size_t i = 0; i < m->rows; i++) {
        const struct row *r = &m->row[i];
        const struct ser_utterance *u = &r->u;
        if (r->dropped)
            continue;
        ser_out_printf(&o, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", u->id, r->path, u->corpus,
                       u->speaker, u->sex, u->emotion, u->intensity, u->statement, u->repetition);
        if (opt.check)
            ser_out_printf(&o, "\t%016llx", (unsigned long long)r->audio_hash);
        ser_out_printf(&o, "\n");
    }
    must(ser_out_close(&o, &e), &e);
}

static void release(struct manifest *m) {
    for (size_t i = 0; i < m->rows; i++)
        free(m->row[i].path);
    free(m->row);
    free(m->seen);
    free(m->link);
}

int main(int argc, char **argv) {
    struct manifest m = {0};
    ser_start(argv[0]);
    opt.jobs = ser_cores();
    int first = ser_options(argc, argv, &tool);
    check_list("emotions", opt.emotions);
    check_list("drop", opt.drop);
    if (opt.quarantine && opt.no_quarantine)
        ser_usage("--quarantine and --no-quarantine exclude each other: give one of them");
    if (first == argc)
        ser_usage("no folder is given");
    ser_keep_inputs("--output", opt.output, argv + first, opt.quarantine, NULL);

    read_folders(&m, argv + first, argc - first);
    sort_rows(&m);
    set_sexes(&m);
    if (opt.check)
        check_counts(&m);
    apply_quarantine(&m);
    if (opt.check)
        check_audio(&m);
    select_emotions(&m);
    summarise(&m, kept(&m));
    if (!kept(&m))
        die(SER_BAD, "%s%s: no utterance is left of %zu%s%s%s%s", argv[first],
            first + 1 < argc ? " and the other folders" : "", m.rows,
            opt.emotions ? ", with --emotions " : "", opt.emotions ? opt.emotions : "",
            opt.drop ? ", with --drop " : "", opt.drop ? opt.drop : "");
    write_table(&m);
    release(&m);
    return SER_OK;
}
