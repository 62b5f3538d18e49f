/* ser-mfcc - audio to features: MFCCs as librosa computes them, or log-mel spectra. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/backbone.h"
#include "bridge/convert.h"
#include "bridge/live.h"
#include "bridge/names.h"
#include "bridge/recipe.h"
#include "core/opt.h"
#include "core/progress.h"
#include "math/effects.h"
#include "math/mfcc.h"

static struct {
    const char *manifest, *output, *type, *like, *trim, *pad, *normalize, *append, *raw;
    const char *head; /* the model as it was named, where another one is its backbone */
    int64_t rate, window, hop, bands, coefs, frames, deltas, jobs;
    double fmin, fmax, top_db, every;
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
    .pad = "zero",
    .normalize = "none",
};

static const struct ser_opt options[] = {
    {'m', "manifest", SER_OPT_TEXT, &opt.manifest, 0, 0, "FILE",
     "read the recordings that a manifest lists"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0, "like", SER_OPT_TEXT, &opt.like, 0, 0, "MODEL",
     "compute features as this model needs them"},
    {0, "type", SER_OPT_CHOICE, &opt.type, 0, 0, "mfcc|logmel", "what to compute"},
    {0, "rate", SER_OPT_INT, &opt.rate, SER_MIN_RATE_HZ, SER_MAX_RATE_HZ, "HZ",
     "resample to this rate"},
    {0, "window", SER_OPT_INT, &opt.window, SER_MIN_WINDOW, SER_MAX_WINDOW, "N",
     "window and FFT length in samples"},
    {0, "hop", SER_OPT_INT, &opt.hop, 1, SER_MAX_WINDOW, "N", "samples from one frame to the next"},
    {0, "bands", SER_OPT_INT, &opt.bands, 1, SER_MAX_BANDS, "N", "number of mel bands"},
    {0, "coefs", SER_OPT_INT, &opt.coefs, 1, SER_MAX_BANDS, "N", "number of MFCCs to keep"},
    {0, "fmin", SER_OPT_REAL, &opt.fmin, 0, SER_MAX_RATE_HZ / 2, "HZ",
     "lowest frequency of the bands"},
    {0, "fmax", SER_OPT_REAL, &opt.fmax, 0, SER_MAX_RATE_HZ / 2, "HZ",
     "highest frequency; 0: half the rate"},
    {0, "top-db", SER_OPT_REAL, &opt.top_db, 0, SER_MAX_TOP_DB, "DB",
     "floor, DB below the loudest value; 0: no floor"},
    {0, "frames", SER_OPT_INT, &opt.frames, 0, SER_MAX_FRAMES, "N",
     "pad or cut to N frames; 0: do not"},
    {0, "deltas", SER_OPT_INT, &opt.deltas, 0, SER_MAX_DELTAS, "N",
     "append time differences up to order N"},
    {0, "append", SER_OPT_TEXT, &opt.append, 0, 0, "LIST", "rows behind these: energy,f0,voicing"},
    {0, "trim", SER_OPT_TEXT, &opt.trim, 0, 0, "DB[:S]",
     "cut ends DB below the loudest, but S seconds"},
    {0, "pad", SER_OPT_CHOICE, &opt.pad, 0, 0, "zero|floor", "what stands behind the last frame"},
    {0, "normalize", SER_OPT_CHOICE, &opt.normalize, 0, 0, "none|utterance",
     "each row by the mean and deviation it has"},
    {0, "every", SER_OPT_REAL, &opt.every, SER_MIN_EVERY_S, SER_MAX_EVERY_S, "S",
     "a window of --frames frames every S seconds"},
    {0, "raw", SER_OPT_TEXT, &opt.raw, 0, 0, "F:HZ:N",
     "sound without header: s16le:16000:1; with --every"},
    {'j', "jobs", SER_OPT_INT, &opt.jobs, 1, SER_MAX_JOBS, "N",
     "threads to use; the result does not depend on it"},
    {'k', "keep-going", SER_OPT_FLAG, &opt.keep_going, 0, 0, NULL,
     "skip bad recordings; exit 3 at the end"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line, no remarks"},
    {0}};

static const struct ser_tool tool = {
    "[FILE...]", "Turns audio (files, a manifest, standard input) into a stream of features.",
    options, "Standard input may be an audio file of any format, or an audio tensor stream."};

/* What was not heard, or not in full; counts of recordings, and of samples at the recipe's rate. */
struct remarks {
    uint64_t heard; /* all recordings */
    uint64_t silent, brief, longer;
    uint64_t samples, unused; /* of the longer ones */
};

/* What a thread keeps between recordings. */
struct thread {
    struct remarks remarks;
    struct ser_mfcc *mfcc;
    struct ser_listener listener;
};

/* Where recordings come from, and what the threads have. */
struct source {
    struct ser_recipe recipe;
    struct ser_recordings recordings;
    struct thread *thread;
};

/* Counts what was not heard, or not in full, and says it in the record's attributes. Silent is a recording whose sound
 * that is used is. */
static void remark(struct remarks *m, const struct ser_recipe *r, const float *x, size_t n,
                   size_t frames, struct ser_attrs *a) {
    int longer = r->frames && frames > (size_t)r->frames, brief = n < (size_t)r->window;
    size_t used = longer ? (size_t)r->frames * (size_t)r->hop : n;
    int silent = ser_is_silent(x, used);
    m->heard++;
    m->silent += (uint64_t)silent;
    m->brief += (uint64_t)brief;
    m->longer += (uint64_t)longer;
    m->samples += longer ? n : 0;
    m->unused += n - used;
    ser_attr_set(a, "silent", silent ? "yes" : NULL);
    ser_attr_set(a, "heard_s", NULL);
    ser_attr_set(a, "unheard_s", NULL);
    if (brief)
        ser_attr_setf(a, "heard_s", "%.3f", (double)n / r->rate_hz);
    if (longer)
        ser_attr_setf(a, "unheard_s", "%.3f", (double)(n - used) / r->rate_hz);
}

/* The features of n samples at the recipe's rate: 0, -1 or -2 as make of struct ser_convert. */
static int compute(struct source *s, struct ser_recorded *it, const float *x, size_t n,
                   struct thread *t) {
    const float *y;
    size_t frames, full;
    if (ser_mfcc_run(t->mfcc, x, n, &y, &frames, &full)) {
        ser_fail(&it->made.e, SER_SYS, "%s: (%s): out of memory for features",
                 ser_recording_name(&it->recording), it->recording.key);
        return -2;
    }
    const uint64_t dim[2] = {(uint64_t)ser_recipe_rows(&s->recipe), frames};
    struct ser_record *r = it->made.record;
    if (ser_record_set(r, it->recording.key, SER_F32, 2, dim, &it->made.e))
        return it->made.e.status == SER_SYS ? -2 : -1;
    memcpy(r->data, y, r->bytes);
    ser_attrs_copy(&r->attrs, &it->recording.attrs);
    ser_attr_setf(&r->attrs, "frames", "%zu", full);
    remark(&t->remarks, &s->recipe, x, n, full, &r->attrs);
    return 0;
}

static int make(void *ctx, void *slot, int worker) {
    struct source *s = ctx;
    struct ser_recorded *it = slot;
    struct thread *t = &s->thread[worker];
    const float *x;
    size_t n;
    int bad = ser_recording_load(&it->recording, &t->listener, &x, &n, &it->made.e);
    if (!bad)
        bad = compute(s, it, x, n, t);
    if (bad)
        ser_recordings_name(&s->recordings, &it->recording, &it->made.e);
    return bad;
}

/* The recipe of a model or of other features. It is complete, so options that set a part of it are
 * refused. */
static struct ser_recipe recipe_of(const char *path) {
    static const char *const fixed[] = {"type",   "rate",   "window", "hop",    "bands",
                                        "coefs",  "fmin",   "fmax",   "top-db", "frames",
                                        "deltas", "append", "trim",   "pad",    "normalize"};
    struct ser_recipe r;
    struct ser_error e;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (ser_option_given(fixed[i]))
            ser_usage("--like %s takes the whole recipe from there: leave out --%s", path,
                      fixed[i]);
    must(ser_recipe_load(path, &r, &e), &e);
    if (r.norm > SER_NORMAL_UTTERANCE) /* a step of its own, behind this one */
        r.norm = SER_NORMAL_NONE;
    return r;
}

static struct ser_recipe recipe(void) {
    struct ser_error e;
    must(ser_model_find(&opt.like, &e), &e);
    opt.head = opt.like;
    ser_keep_inputs("--output", opt.output, (char *[]){NULL}, opt.head, NULL);
    must(ser_backbone_find(&opt.like, &e), &e);
    if (opt.like)
        return recipe_of(opt.like);
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
        .pad = strcmp(opt.pad, "zero") == 0 ? SER_PAD_ZERO : SER_PAD_FLOOR,
        .norm = strcmp(opt.normalize, "none") == 0 ? SER_NORMAL_NONE : SER_NORMAL_UTTERANCE,
    };
    if (opt.append && (r.append = ser_recipe_append(opt.append)) < 0)
        ser_usage("--append '%s': not some of energy, f0 and voicing, separated by commas",
                  opt.append);
    const char *wrong = opt.trim ? ser_recipe_trim(opt.trim, &r.trim_db, &r.trim_margin_s) : NULL;
    if (wrong)
        ser_usage("--trim '%s': %s", opt.trim, wrong);
    if (r.type == SER_LOGMEL)
        r.coefs = r.bands;
    char why[SER_RECIPE_WHY];
    if (ser_recipe_check(&r, why))
        ser_usage("--%s", why);
    return r;
}

/* Finds out what the input is, before any output is opened. */
static void open_source(struct source *s, char **operands) {
    struct ser_error e;
    if (opt.raw && !ser_option_given("every"))
        ser_usage("--raw goes with --every");
    ser_keep_inputs("--output", opt.output, operands, opt.manifest, opt.like);
    must(ser_recordings_open(&s->recordings, opt.manifest, operands, ser_progress_wanted(opt.quiet),
                             &e),
         &e);
}

static void open_threads(struct source *s, int jobs) {
    s->thread = ecalloc((size_t)jobs, sizeof *s->thread);
    for (int i = 0; i < jobs; i++) {
        struct ser_error e;
        struct thread *t = &s->thread[i];
        t->mfcc = ser_mfcc_new(&s->recipe);
        if (!t->mfcc)
            die(SER_SYS, "out of memory");
        t->listener = (struct ser_listener){.rate_hz = s->recipe.rate_hz,
                                            .trim_db = s->recipe.trim_db,
                                            .trim_margin_s = s->recipe.trim_margin_s};
        must(ser_listener_open(&t->listener, &e), &e);
    }
}

static void close_threads(struct source *s, int jobs) {
    for (int i = 0; i < jobs; i++) {
        ser_mfcc_free(s->thread[i].mfcc);
        ser_listener_close(&s->thread[i].listener);
    }
    free(s->thread);
}

/* What librosa warns of as empty filters. */
static void tell_empty_bands(const struct ser_recipe *r, int n) {
    if (n && !opt.quiet)
        warn("%d of %d mel bands lie between two bins of the spectrum, and are empty in all "
             "recordings: take fewer --bands, or a longer --window",
             n, r->bands);
}

/* What the features do not tell of. */
static void tell_remarks(const struct source *s, int jobs) {
    struct remarks m = {0};
    const struct ser_recipe *r = &s->recipe;
    char text[SER_OF_TEXT];
    for (int i = 0; i < jobs; i++) {
        const struct remarks *of = &s->thread[i].remarks;
        m.heard += of->heard;
        m.silent += of->silent;
        m.brief += of->brief;
        m.longer += of->longer;
        m.samples += of->samples;
        m.unused += of->unused;
    }
    if (m.silent)
        warn("%s silent in all that is used: nothing above -60 dBFS",
             ser_recordings_of(m.silent, m.heard, text));
    if (m.brief)
        warn("%s shorter than the window of %d samples", ser_recordings_of(m.brief, m.heard, text),
             r->window);
    if (m.longer)
        warn("%s longer than %d frames: %.1f of %.1f s not used; --frames 0 keeps all",
             ser_recordings_of(m.longer, m.heard, text), r->frames, (double)m.unused / r->rate_hz,
             (double)m.samples / r->rate_hz);
}

/* All recordings, on several threads. 1 if some were skipped. */
static int run_all(struct source *s, const struct ser_attrs *header) {
    struct ser_error e;
    int jobs = ser_recordings_single(&s->recordings) ? 1 : (int)opt.jobs;
    open_threads(s, jobs);
    tell_empty_bands(&s->recipe, ser_mfcc_empty_bands(s->thread[0].mfcc));
    const struct ser_convert todo = {.ctx = s,
                                     .records = 1,
                                     .recordings = &s->recordings,
                                     .make = make,
                                     .output = opt.output,
                                     .header = header,
                                     .keep_going = opt.keep_going,
                                     .quiet = opt.quiet};
    int skipped = ser_convert_run(&todo, jobs, &e);
    must(skipped < 0, &e);
    if (!opt.quiet)
        tell_remarks(s, jobs);
    close_threads(s, jobs);
    return skipped;
}

/* ---- windows, of sound as it comes ---- */

static int make_window(void *ctx, const struct ser_recording *r, const struct ser_window *x,
                       const char *key, struct ser_record *out, struct ser_error *e) {
    const struct source *s = ctx;
    const uint64_t dim[2] = {(uint64_t)ser_recipe_rows(&s->recipe), (uint64_t)s->recipe.frames};
    if (ser_record_set(out, key, SER_F32, 2, dim, e))
        return -1;
    memcpy(out->data, x->x, out->bytes);
    ser_attrs_copy(&out->attrs, &r->attrs);
    ser_attr_setf(&out->attrs, "frames", "%zu", x->full);
    return 0;
}

static struct ser_windows *new_windows(const struct ser_recipe *r, size_t step) {
    struct ser_windows *w = ser_windows_new(r, step);
    if (!w)
        die(SER_SYS, "out of memory for windows of %d frames", r->frames);
    return w;
}

/* 1 if some recordings were skipped. */
static int run_windows(struct source *s, const struct ser_attrs *header) {
    const struct ser_recipe *r = &s->recipe;
    struct ser_error e;
    if (r->frames < 2)
        ser_usage("--every needs windows of two frames at least: give --frames");
    size_t hop = (size_t)r->hop, step = ser_live_step(opt.every, r->rate_hz, hop);
    struct ser_windows *windows = new_windows(r, step / hop);
    tell_empty_bands(r, ser_windows_empty_bands(windows));
    const struct ser_live live = {.make = make_window,
                                  .ctx = s,
                                  .recordings = &s->recordings,
                                  .windows = windows,
                                  .rate_hz = r->rate_hz,
                                  .raw = opt.raw,
                                  .output = opt.output,
                                  .header = header,
                                  .keep_going = opt.keep_going,
                                  .quiet = opt.quiet};
    int skipped = ser_live_run(&live, &e);
    must(skipped < 0, &e);
    ser_windows_free(windows);
    return skipped;
}

int main(int argc, char **argv) {
    struct source s = {0};
    struct ser_attrs header = {0};
    ser_start(argv[0]);
    /* soxr frees its memory after a clip and allocates the same for the next. If malloc returned it
     * to the system in between, 2 % of the time would be lost. */
    mallopt(M_TRIM_THRESHOLD, 1 << 24);
    opt.jobs = ser_cores() < SER_MAX_JOBS ? ser_cores() : SER_MAX_JOBS;
    int first = ser_options(argc, argv, &tool);
    s.recipe = recipe();
    if (opt.every > 0 && !opt.output)
        s.recordings.feeds = STDOUT_FILENO;
    open_source(&s, argv + first);
    ser_attr_set(&header, "kind", "features");
    ser_recipe_put(&s.recipe, &header);
    int skipped = ser_option_given("every") ? run_windows(&s, &header) : run_all(&s, &header);
    ser_attrs_clear(&header);
    ser_recordings_close(&s.recordings);
    return skipped ? SER_BAD : SER_OK;
}
