/* ser-mfcc - audio to features: MFCCs as librosa computes them, or log-mel spectra. */
#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "jobs.h"
#include "manifest.h"
#include "opt.h"
#include "progress.h"
#include "recipe.h"
#include "resample.h"

enum { MAX_STDIN = 0x7fffffff, MAX_JOBS = 256 };

static struct {
    const char *manifest, *output, *type;
    int64_t rate, window, hop, bands, coefs, frames, deltas, jobs;
    double fmin, fmax, top_db;
    int keep_going, quiet;
} opt = {
    .type = "mfcc",
    .rate = 22050,
    .window = 2048,
    .hop = 512,
    .bands = 128,
    .coefs = 40,
    .frames = 174,
    .top_db = 80,
};

static const struct ser_opt options[] = {
    {'m', "manifest", SER_OPT_TEXT, &opt.manifest, 0, 0, "FILE",
     "read the recordings of a manifest"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0, "type", SER_OPT_CHOICE, &opt.type, 0, 0, "mfcc|logmel", "what to compute"},
    {0, "rate", SER_OPT_INT, &opt.rate, 1000, 384000, "HZ", "resample to this rate"},
    {0, "window", SER_OPT_INT, &opt.window, 16, 65536, "N", "window and FFT, samples"},
    {0, "hop", SER_OPT_INT, &opt.hop, 1, 65536, "N", "samples between frames"},
    {0, "bands", SER_OPT_INT, &opt.bands, 1, 1024, "N", "mel bands"},
    {0, "coefs", SER_OPT_INT, &opt.coefs, 1, 1024, "N", "coefficients kept (mfcc)"},
    {0, "fmin", SER_OPT_REAL, &opt.fmin, 0, 192000, "HZ", "lowest frequency of the bands"},
    {0, "fmax", SER_OPT_REAL, &opt.fmax, 0, 192000, "HZ", "highest frequency; 0: half the rate"},
    {0, "top-db", SER_OPT_REAL, &opt.top_db, 0, 1000, "DB", "floor below the loudest; 0: none"},
    {0, "frames", SER_OPT_INT, &opt.frames, 0, 65536, "N", "pad or cut to N; 0: as they come"},
    {0, "deltas", SER_OPT_INT, &opt.deltas, 0, 2, "N", "append differences up to order N"},
    {'j', "jobs", SER_OPT_INT, &opt.jobs, 1, MAX_JOBS, "N", "threads; the result is the same"},
    {'k', "keep-going", SER_OPT_FLAG, &opt.keep_going, 0, 0, NULL,
     "skip bad input, exit 3 at the end"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line"},
    {0}};

static const struct ser_tool tool = {
    "[FILE...]", "Turns audio (files, a manifest, standard input) into a stream of features.",
    options, "Standard input may be an audio file of any format, or an audio tensor stream."};

/* One recording on its way through the threads. */
struct item {
    char *key, *path;        /* path NULL: the sound is here already */
    uint64_t row;            /* of the manifest */
    struct ser_attrs attrs;  /* of the result */
    struct ser_record sound; /* from an audio stream: [n] at rate_hz */
    unsigned char *bytes;    /* from standard input: a whole audio file */
    size_t bytes_len;
    int rate_hz;
    struct ser_record result; /* [rows, frames] */
    enum {
        GOOD,
        BAD,
        BROKEN
    } state; /* bad: e says why; broken: so is the source, nothing follows */
    struct ser_error e;
};

/* What a thread keeps between recordings. */
struct thread {
    struct ser_mfcc *mfcc;
    struct ser_resampler *resampler;
    struct ser_audio audio;
};

/* Where recordings come from, and where features go. */
struct work {
    struct ser_recipe recipe;
    int (*take)(struct work *, struct item *); /* the next recording: 1, 0 at the end, -1 */
    char **file;                               /* operands, ends with NULL */
    struct ser_manifest manifest;
    struct ser_reader reader;
    struct ser_in in;
    int taken; /* standard input was */
    struct thread *thread;
    struct ser_writer writer;
    struct ser_progress progress;
    uint64_t done, bad;
    struct ser_error e; /* the first that ends the run */
};

static int take_row(struct work *w, struct item *it) {
    int got = ser_manifest_next(&w->manifest, &it->key, &it->path, &it->attrs, &it->e);
    it->row = w->manifest.table.row;
    return got;
}

static int take_record(struct work *w, struct item *it) {
    int got = ser_reader_next(&w->reader, &it->sound, &it->e);
    if (got <= 0)
        return got;
    const char *rate = ser_attr(&w->reader.header, "feat.rate_hz");
    int64_t hz;
    if (!rate || ser_parse_int(rate, 1000, 768000, &hz))
        return ser_reader_fail(&w->reader, &it->sound, &it->e,
                               "the stream's feat.rate_hz is not a rate from 1000 to 768000");
    if (it->sound.type != SER_F32 || it->sound.rank != 1)
        return ser_reader_fail(&w->reader, &it->sound, &it->e,
                               "audio is f32 of rank 1, this is not");
    it->rate_hz = (int)hz;
    it->key = estrdup(it->sound.key);
    ser_attrs_copy(&it->attrs, &it->sound.attrs);
    return 1;
}

/* A path as a key: bytes that a key cannot hold become %XX. */
static char *key_of_path(const char *path) {
    char *key = emalloc(3 * strlen(path) + 1), *k = key;
    int text = ser_is_text(path, strlen(path));
    for (const unsigned char *s = (const unsigned char *)path; *s; s++) {
        if (*s < 0x20 || *s == 0x7f || (!text && *s >= 0x80)) {
            *k++ = '%';
            *k++ = "0123456789ABCDEF"[*s >> 4];
            *k++ = "0123456789ABCDEF"[*s & 15];
        } else {
            *k++ = (char)*s;
        }
    }
    *k = '\0';
    return key;
}

static int take_file(struct work *w, struct item *it) {
    if (!*w->file)
        return 0;
    it->path = estrdup(*w->file++);
    it->key = key_of_path(it->path);
    if (!*it->key || strlen(it->key) > SER_MAX_KEY)
        return ser_fail(&it->e, SER_SYS, "%s: the path is empty or too long", it->path);
    return 1;
}

static int take_stdin(struct work *w, struct item *it) {
    if (w->taken)
        return 0;
    w->taken = 1;
    it->key = estrdup("stdin");
    return ser_in_rest(&w->in, MAX_STDIN, &it->bytes, &it->bytes_len, &it->e) ? -1 : 1;
}

static void clear(struct item *it) {
    free(it->key);
    free(it->path);
    free(it->bytes);
    ser_attrs_clear(&it->attrs);
    it->key = it->path = NULL;
    it->bytes = NULL;
    it->state = GOOD;
}

static int fetch(void *ctx, void *slot) {
    struct work *w = ctx;
    struct item *it = slot;
    clear(it);
    int got = w->take(w, it);
    if (got < 0)
        it->state = BROKEN;
    return got != 0;
}

/* The features of n samples at rate_hz. */
static int compute(struct work *w, struct item *it, const float *x, size_t n, int rate_hz,
                   const struct thread *t) {
    const float *y;
    size_t frames, full;
    const char *why, *name = it->path ? it->path : "<stdin>";
    if (!n)
        return ser_fail(&it->e, SER_BAD, "%s: (%s): has no samples", name, it->key);
    if (ser_resample(t->resampler, x, n, rate_hz, w->recipe.rate_hz, &x, &n, &why))
        return ser_fail(&it->e, SER_BAD, "%s: (%s): cannot resample: %s", name, it->key, why);
    if (ser_mfcc_run(t->mfcc, x, n, &y, &frames, &full))
        return ser_fail(&it->e, SER_SYS, "%s: (%s): out of memory for features", name, it->key);
    const uint64_t dim[2] = {(uint64_t)ser_recipe_rows(&w->recipe), frames};
    ser_record_set(&it->result, it->key, SER_F32, 2, dim);
    memcpy(it->result.data, y, it->result.bytes);
    ser_attrs_copy(&it->result.attrs, &it->attrs);
    ser_attr_setf(&it->result.attrs, "frames", "%zu", full);
    return 0;
}

static int make_features(struct work *w, struct item *it, struct thread *t) {
    struct ser_audio *a = &t->audio;
    if (!it->path && !it->bytes)
        return compute(w, it, it->sound.data, it->sound.count, it->rate_hz, t);
    if (it->path ? ser_audio_load(a, it->path, &it->e)
                 : ser_audio_decode(a, it->bytes, it->bytes_len, "<stdin>", &it->e))
        return -1;
    return compute(w, it, a->sample, a->frames, a->rate_hz, t);
}

static void work(void *ctx, void *slot, int worker) {
    struct work *w = ctx;
    struct item *it = slot;
    if (it->state != GOOD || !make_features(w, it, &w->thread[worker]))
        return;
    it->state = BAD;
    if (opt.manifest)
        ser_manifest_name_row(&w->manifest, it->row, it->key, &it->e);
}

static int finish(void *ctx, void *slot) {
    struct work *w = ctx;
    struct item *it = slot;
    if (it->state == BROKEN || (it->state == BAD && !opt.keep_going)) {
        w->e = it->e;
        return -1;
    }
    if (it->state == BAD) {
        ser_progress_end(&w->progress);
        warn("%s", it->e.text);
        w->bad++;
        return 0;
    }
    ser_writer_put(&w->writer, &it->result);
    ser_out_flush(&w->writer.out); /* the next program in the pipe need not wait for more */
    ser_progress_show(&w->progress, ++w->done);
    return 0;
}

static void release(void *slot) {
    struct item *it = slot;
    clear(it);
    ser_record_free(&it->sound);
    ser_record_free(&it->result);
}

static struct ser_recipe recipe(void) {
    struct ser_recipe r = {
        .type = strcmp(opt.type, "mfcc") == 0 ? SER_MFCC : SER_LOGMEL,
        .rate_hz = (int)opt.rate,
        .window = (int)opt.window,
        .hop = (int)opt.hop,
        .bands = (int)opt.bands,
        .coefs = (int)opt.coefs,
        .fmin_hz = opt.fmin,
        .fmax_hz = opt.fmax,
        .top_db = opt.top_db,
        .frames = (int)opt.frames,
        .deltas = (int)opt.deltas,
    };
    if (r.type == SER_LOGMEL)
        r.coefs = r.bands;
    const char *wrong = ser_recipe_check(&r);
    if (wrong)
        ser_usage("%s", wrong);
    return r;
}

static void open_manifest(struct work *w) {
    struct ser_error e;
    if (ser_manifest_open(&w->manifest, opt.manifest, &e))
        die_error(&e);
    w->take = take_row;
}

static void open_stdin(struct work *w) {
    struct ser_error e;
    const unsigned char *at;
    size_t got;
    if (ser_in_open(&w->in, NULL, &e) || ser_in_peek(&w->in, 8, &at, &got, &e))
        die_error(&e);
    if (!got)
        die(SER_BAD, "<stdin>: empty input: audio or an audio stream is needed");
    w->take = ser_is_stream(at, got) ? take_record : take_stdin;
    if (w->take == take_record && ser_reader_begin(&w->reader, &w->in, "audio", &e))
        die_error(&e);
}

/* Finds out what the input is, before any output is opened. */
static void open_source(struct work *w, char **operands) {
    if (opt.manifest && *operands)
        ser_usage("give either --manifest or files, not both");
    if (opt.manifest) {
        open_manifest(w);
    } else if (!*operands || (strcmp(*operands, "-") == 0 && !operands[1])) {
        open_stdin(w);
    } else {
        for (char **f = operands; *f; f++)
            if (strcmp(*f, "-") == 0)
                ser_usage("standard input cannot be one of several inputs");
        w->file = operands;
        w->take = take_file;
    }
}

static void close_source(struct work *w) {
    if (w->take == take_row)
        ser_manifest_close(&w->manifest);
    if (w->take == take_record)
        ser_reader_close(&w->reader);
    if (w->take == take_stdin)
        ser_in_close(&w->in);
}

static void open_threads(struct work *w, int jobs) {
    w->thread = ecalloc((size_t)jobs, sizeof *w->thread);
    for (int i = 0; i < jobs; i++) {
        w->thread[i].mfcc = ser_mfcc_new(&w->recipe);
        w->thread[i].resampler = ser_resampler_new();
        if (!w->thread[i].mfcc || !w->thread[i].resampler)
            die(SER_SYS, "out of memory");
    }
}

static void close_threads(struct work *w, int jobs) {
    for (int i = 0; i < jobs; i++) {
        ser_mfcc_free(w->thread[i].mfcc);
        ser_resampler_free(w->thread[i].resampler);
        ser_audio_free(&w->thread[i].audio);
    }
    free(w->thread);
}

int main(int argc, char **argv) {
    struct work w = {0};
    struct ser_attrs header = {0};
    ser_start(argv[0]);
    opt.jobs = ser_cores() < MAX_JOBS ? ser_cores() : MAX_JOBS;
    int first = ser_options(argc, argv, &tool);
    w.recipe = recipe();
    open_source(&w, argv + first);
    int one = w.take == take_stdin || (w.take == take_file && argc - first == 1);
    int jobs = one ? 1 : (int)opt.jobs;
    open_threads(&w, jobs);

    ser_attr_set(&header, "kind", "features");
    ser_recipe_put(&w.recipe, &header);
    ser_writer_open(&w.writer, opt.output, &header);
    ser_progress_start(&w.progress, "utterances",
                       w.take == take_file ? (uint64_t)(argc - first) : 0, opt.quiet);
    const struct ser_jobs todo = {.ctx = &w,
                                  .slot_size = sizeof(struct item),
                                  .fetch = fetch,
                                  .work = work,
                                  .finish = finish,
                                  .release = release};
    int failed = ser_jobs_run(&todo, jobs);
    ser_progress_end(&w.progress);
    if (failed)
        die_error(&w.e);

    ser_writer_close(&w.writer);
    ser_attrs_clear(&header);
    close_threads(&w, jobs);
    close_source(&w);
    if (w.bad)
        die(SER_BAD, "%llu of %llu recordings were skipped", (unsigned long long)w.bad,
            (unsigned long long)(w.bad + w.done));
    return SER_OK;
}
