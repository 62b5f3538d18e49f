/* ser-augment - more speech from speech: noise, pitch, time shift, speed. */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "bridge/audio.h"
#include "bridge/backbone.h"
#include "bridge/convert.h"
#include "bridge/manifest.h"
#include "bridge/names.h"
#include "bridge/pitch.h"
#include "bridge/recipe.h"
#include "core/opt.h"
#include "core/progress.h"
#include "math/effects.h"
#include "math/resample.h"

enum { MAX_COPIES = 99, MAX_SPEED = 4 };

static struct {
    const char *output, *like;
    const char *head; /* the model as it was named, where another one is its backbone */
    double noise, shift, snr[2], pitch[2], speed[2];
    int64_t rate, copies, seed, jobs;
    int keep, any_part, keep_going, quiet;
} opt = {.snr = {1, 0}, .pitch = {1, 0}, .speed = {1, 0}, .rate = 22050, .copies = 1, .seed = 1};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0, "keep", SER_OPT_FLAG, &opt.keep, 0, 0, NULL, "also write the unaltered recording"},
    {0, "noise", SER_OPT_REAL, &opt.noise, 0, 1, "F", "add noise of F times full scale; 0: none"},
    {0, "snr", SER_OPT_RANGE, opt.snr, -30, 100, "A:B", "add noise A to B dB below the recording"},
    {0, "pitch", SER_OPT_RANGE, opt.pitch, -SER_PITCH_MAX, SER_PITCH_MAX, "A:B",
     "raise pitch by A to B whole semitones"},
    {0, "shift", SER_OPT_REAL, &opt.shift, 0, 60000, "MS",
     "move by up to MS milliseconds either way; 0: none"},
    {0, "speed", SER_OPT_RANGE, opt.speed, 1.0 / MAX_SPEED, MAX_SPEED, "A:B",
     "play A to B times as fast, which changes the pitch"},
    {0, "copies", SER_OPT_INT, &opt.copies, 1, MAX_COPIES, "N", "records to make of each kind"},
    {0, "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "seed of the random numbers"},
    {0, "rate", SER_OPT_INT, &opt.rate, SER_AUDIO_MIN_HZ, SER_AUDIO_MAX_HZ / MAX_SPEED, "HZ",
     "resample to this rate first"},
    {0, "like", SER_OPT_TEXT, &opt.like, 0, 0, "MODEL",
     "resample to the rate that this model needs"},
    {0, "any-part", SER_OPT_FLAG, &opt.any_part, 0, 0, NULL,
     "alter recordings of any part, not only of train"},
    {'j', "jobs", SER_OPT_INT, &opt.jobs, 1, SER_MAX_JOBS, "N",
     "threads to use; the result does not depend on it"},
    {'k', "keep-going", SER_OPT_FLAG, &opt.keep_going, 0, 0, NULL,
     "skip bad recordings; exit 3 at the end"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line"},
    {0}};

static const struct ser_tool tool = {
    "[MANIFEST]", "Makes a stream of altered recordings from those of a manifest.", options,
    "Each of --noise, --snr, --pitch, --shift and --speed makes separate records."};

/* A recording, decoded and resampled, and what a thread keeps for altering it. */
struct thread {
    struct ser_audio audio;
    struct ser_resampler *resampler; /* for speed */
    struct ser_pitch pitch;
    const float *x; /* [n] at opt.rate */
    size_t n;
};

/* One recording on its way through the threads. */
struct item {
    struct ser_item made;
    char *id, *path;
    uint64_t row; /* of the manifest */
    struct ser_attrs attrs;
};

struct source {
    struct ser_manifest manifest;
    struct thread *thread;
};

/* ---- the kinds ---- */

static double draw(struct ser_key key, const double range[2]) {
    return range[0] + (range[1] - range[0]) * ser_uniform(key, 0);
}

/* A whole number from low to high. */
static int64_t draw_whole(struct ser_key key, int64_t low, int64_t high) {
    return low + (int64_t)ser_below(key, 0, (uint64_t)(high - low) + 1);
}

/* Makes r a record of n samples, all zero, with the attributes of the recording. Returns the
 * samples, or NULL with it->made.e set. */
static float *begin(struct ser_record *r, const char *key, struct item *it, size_t n) {
    const uint64_t dim[1] = {n};
    if (ser_record_set(r, key, SER_F32, 1, dim, &it->made.e))
        return NULL;
    ser_attrs_copy(&r->attrs, &it->attrs);
    return r->data;
}

static int make_noise(struct thread *t, struct item *it, struct ser_record *r, const char *key,
                      struct ser_key draws) {
    float *y = begin(r, key, it, t->n);
    if (!y)
        return -2;
    ser_noise(draws, opt.noise, t->x, t->n, y);
    ser_attr_setf(&r->attrs, "aug", "noise=%g", opt.noise);
    return 0;
}

static int make_snr(struct thread *t, struct item *it, struct ser_record *r, const char *key,
                    struct ser_key draws) {
    double snr_db = draw(draws, opt.snr);
    float *y = begin(r, key, it, t->n);
    if (!y)
        return -2;
    if (ser_noise_snr(draws, snr_db, t->x, t->n, y))
        return ser_fail(&it->made.e, SER_BAD,
                        "%s: is silent, so it has no signal-to-noise ratio: leave it out",
                        it->path);
    ser_attr_setf(&r->attrs, "aug", "snr=%.6g", snr_db);
    return 0;
}

/* Frequencies that would rise above half the rate are lost: a recording of high tones alone would
 * end in silence, and is refused. */
static int make_pitch(struct thread *t, struct item *it, struct ser_record *r, const char *key,
                      struct ser_key draws) {
    int semitones = (int)draw_whole(draws, (int64_t)opt.pitch[0], (int64_t)opt.pitch[1]);
    float *y = begin(r, key, it, t->n);
    if (!y)
        return -2;
    if (ser_pitch_run(&t->pitch, t->x, t->n, (int)opt.rate, semitones, y, it->path, &it->made.e))
        return it->made.e.status == SER_SYS ? -2 : -1;
    if (ser_energy(y, t->n) < ser_energy(t->x, t->n) / 100)
        return ser_fail(&it->made.e, SER_BAD,
                        "%s: --pitch %d leaves less than a hundredth of its energy: raise it less",
                        it->path, semitones);
    ser_attr_setf(&r->attrs, "aug", "pitch=%d", semitones);
    return 0;
}

static int make_shift(struct thread *t, struct item *it, struct ser_record *r, const char *key,
                      struct ser_key draws) {
    int64_t most = (int64_t)floor(opt.shift * (double)opt.rate / 1000);
    if ((uint64_t)most >= t->n)
        return ser_fail(&it->made.e, SER_BAD,
                        "%s: lasts %.0f ms: --shift %g could move all sound out of it", it->path,
                        1000.0 * (double)t->n / (double)opt.rate, opt.shift);
    int64_t by = draw_whole(draws, -most, most);
    float *y = begin(r, key, it, t->n);
    if (!y)
        return -2;
    ser_shift(t->x, t->n, by, y);
    ser_attr_setf(&r->attrs, "aug", "shift=%.6g", 1000 * (double)by / (double)opt.rate);
    return 0;
}

/* Played at another rate, as a tape is: tempo and pitch change together. */
static int make_speed(struct thread *t, struct item *it, struct ser_record *r, const char *key,
                      struct ser_key draws) {
    int from_hz = (int)lround((double)opt.rate * draw(draws, opt.speed));
    const float *faster;
    size_t m;
    const char *why;
    if (ser_resample(t->resampler, t->x, t->n, from_hz, (int)opt.rate, &faster, &m, &why)) {
        ser_fail(&it->made.e, ser_blame(), "%s: cannot resample: %s", it->path, why);
        return it->made.e.status == SER_SYS ? -2 : -1;
    }
    float *y = begin(r, key, it, m);
    if (!y)
        return -2;
    memcpy(y, faster, m * sizeof *y);
    ser_attr_setf(&r->attrs, "aug", "speed=%.6g", (double)from_hz / (double)opt.rate);
    return 0;
}

/* make returns 0; -1 if the recording is bad; -2 if the system failed (memory, SoX), which ends the
 * run. made.e is then set. */
struct kind {
    const char *name;
    int (*make)(struct thread *, struct item *, struct ser_record *, const char *key,
                struct ser_key draws);
};

static const struct kind all_kinds[] = {{"noise", make_noise},
                                        {"snr", make_snr},
                                        {"pitch", make_pitch},
                                        {"shift", make_shift},
                                        {"speed", make_speed}};

enum { KINDS = sizeof all_kinds / sizeof *all_kinds };

static int wanted(size_t kind) {
    const int given[KINDS] = {opt.noise > 0, opt.snr[0] <= opt.snr[1], opt.pitch[0] <= opt.pitch[1],
                              opt.shift > 0, opt.speed[0] <= opt.speed[1]};
    return given[kind];
}

/* How many records a recording makes. */
static size_t records(void) {
    size_t n = opt.keep != 0;
    for (size_t i = 0; i < KINDS; i++)
        n += wanted(i) ? (size_t)opt.copies : 0;
    return n;
}

/* ---- a recording ---- */

static int load(struct thread *t, struct item *it) {
    if (ser_audio_load(&t->audio, it->path, (int)opt.rate, &it->made.e))
        return -1;
    t->x = t->audio.sample;
    t->n = t->audio.frames;
    /* The longest that any kind makes of it must fit into a record. */
    if (t->n > SER_MAX_PAYLOAD / sizeof(float) / MAX_SPEED - 1)
        return ser_fail(&it->made.e, SER_BAD, "%s: is too long: cut it into pieces", it->path);
    return 0;
}

/* The record ID#KIND.COPY: its draws depend on the seed and this key alone. */
static int make_one(struct thread *t, struct item *it, struct ser_record *r,
                    const struct kind *kind, int copy) {
    char *key;
    if (asprintf(&key, "%s#%s.%d", it->id, kind->name, copy) < 0) {
        ser_no_memory(&it->made.e);
        return -2;
    }
    const char *variant = key + strlen(it->id);
    struct ser_key draws =
        ser_key((uint64_t)opt.seed, SER_PURPOSE_AUGMENT, XXH3_64bits(it->id, strlen(it->id)),
                XXH3_64bits(variant, strlen(variant)));
    int failed = kind->make(t, it, r, key, draws);
    free(key);
    return failed;
}

static int check_part(struct item *it) {
    const char *part = ser_attr(&it->attrs, "part");
    if (records() == (size_t)opt.keep || opt.any_part || !part || strcmp(part, "train") == 0)
        return 0;
    return ser_fail(&it->made.e, SER_BAD,
                    "%s: is of part %s, but only training data is altered (ser-split --part "
                    "train prints it, --any-part allows every part)",
                    it->path, part);
}

static int make_all(struct thread *t, struct item *it) {
    struct ser_record *r = it->made.record;
    if (check_part(it) || load(t, it))
        return -1;
    if (opt.keep) {
        float *y = begin(r++, it->id, it, t->n);
        if (!y)
            return -2;
        memcpy(y, t->x, t->n * sizeof *y);
        it->made.kept = 1;
    }
    for (size_t i = 0; i < KINDS; i++)
        for (int copy = 1; wanted(i) && copy <= opt.copies; copy++) {
            int bad = make_one(t, it, r++, &all_kinds[i], copy);
            if (bad)
                return bad;
        }
    for (; r > it->made.record; r--)
        if (ser_not_finite(r - 1) < r[-1].count)
            return ser_fail(&it->made.e, SER_BAD,
                            "%s: (%s): its samples are too large: scale the recording down",
                            it->path, r[-1].key);
    return 0;
}

static void release(void *slot) {
    struct item *it = slot;
    free(it->id);
    free(it->path);
    ser_attrs_clear(&it->attrs);
    it->id = it->path = NULL;
}

static int fetch(void *ctx, void *slot) {
    struct source *s = ctx;
    struct item *it = slot;
    release(it);
    int got = ser_manifest_next(&s->manifest, &it->id, &it->path, &it->attrs, &it->made.e);
    it->row = s->manifest.table.row;
    /* There must be room for #pitch.99 behind the id, and an id with a # could look like the
     * variant of another. */
    if (got > 0 && (strlen(it->id) > SER_MAX_KEY - 16 || strchr(it->id, '#')))
        got = ser_tsv_fail(&s->manifest.table, &it->made.e,
                           "the id is too long, or holds a #, which marks altered copies");
    return got;
}

static int make(void *ctx, void *slot, int worker) {
    struct source *s = ctx;
    struct item *it = slot;
    int bad = make_all(&s->thread[worker], it);
    if (bad)
        ser_manifest_name_row(&s->manifest, it->row, it->id, &it->made.e);
    return bad;
}

/* ---- the run ---- */

static int needs_pitch(void) {
    return opt.pitch[0] < 0 || (opt.pitch[0] <= opt.pitch[1] && opt.pitch[1] > 0);
}

/* Call it before any output is opened: SoX's processes must not inherit its descriptor. */
static void open_threads(struct source *s, int jobs) {
    struct ser_error e;
    s->thread = ecalloc((size_t)jobs, sizeof *s->thread);
    for (int i = 0; i < jobs; i++) {
        struct thread *t = &s->thread[i];
        t->resampler = ser_resampler_new();
        if (!t->resampler)
            die(SER_SYS, "out of memory");
        if (needs_pitch())
            must(ser_pitch_start(&t->pitch, &e), &e);
    }
}

static void close_threads(struct source *s, int jobs) {
    for (int i = 0; i < jobs; i++) {
        struct thread *t = &s->thread[i];
        if (needs_pitch())
            ser_pitch_stop(&t->pitch);
        ser_resampler_free(t->resampler);
        ser_audio_free(&t->audio);
    }
    free(s->thread);
}

static void check_options(int operands) {
    if (operands > 1)
        ser_usage("only one manifest can be given, not %d", operands);
    if (opt.pitch[0] <= opt.pitch[1] && (fmod(opt.pitch[0], 1) != 0 || fmod(opt.pitch[1], 1) != 0))
        ser_usage("--pitch: '%g:%g' must be whole semitones", opt.pitch[0], opt.pitch[1]);
    double slowest = opt.speed[0] <= opt.speed[1] ? opt.speed[0] : 1;
    double lowest = opt.pitch[0] <= opt.pitch[1] ? exp2(opt.pitch[0] / 12) : 1;
    double least_hz = (double)opt.rate * fmin(1, fmin(slowest, lowest));
    if (least_hz < SER_RESAMPLE_MIN_HZ)
        ser_usage("--rate %d is too low for --%s: it works at %.0f Hz, but needs at least %d Hz",
                  (int)opt.rate, slowest < lowest ? "speed" : "pitch", least_hz,
                  SER_RESAMPLE_MIN_HZ);
    if (!records())
        ser_usage("nothing to make: give --keep, --noise, --snr, --pitch, --shift or --speed");
}

/* Sets the rate to the one that a model's recipe has. */
static void take_rate(const char *path) {
    struct ser_recipe r;
    struct ser_error e;
    if (ser_option_given("rate"))
        ser_usage("--like %s takes the rate from there: leave out --rate", path);
    must(ser_recipe_load(path, &r, &e), &e);
    if (r.rate_hz > SER_AUDIO_MAX_HZ / MAX_SPEED)
        die(SER_BAD, "%s: its rate is %d Hz, but recordings can be altered at up to %d Hz only",
            path, r.rate_hz, SER_AUDIO_MAX_HZ / MAX_SPEED);
    opt.rate = r.rate_hz;
}

int main(int argc, char **argv) {
    struct source s = {0};
    struct ser_error e;
    struct ser_attrs header = {0};
    ser_start(argv[0]);
    opt.jobs = ser_cores() < SER_MAX_JOBS ? ser_cores() : SER_MAX_JOBS;
    int first = ser_options(argc, argv, &tool), jobs = (int)opt.jobs;
    must(ser_model_find(&opt.like, &e), &e);
    opt.head = opt.like;
    must(ser_backbone_find(&opt.like, &e), &e);
    if (opt.like)
        take_rate(opt.like);
    check_options(argc - first);
    ser_keep_inputs("--output", opt.output, argv + first, opt.head, opt.like);
    must(ser_manifest_open(&s.manifest, argv[first], &e), &e);
    open_threads(&s, jobs);
    /* Large blocks shall have pages of their own, which return to the system when freed: otherwise
     * the heap keeps holes, and memory grows with the corpus. SoX's processes, which have already
     * started, keep malloc's default. */
    mallopt(M_MMAP_THRESHOLD, 1 << 17);

    ser_attr_set(&header, "kind", "audio");
    ser_attr_setf(&header, "feat.rate_hz", "%d", (int)opt.rate);
    const struct ser_convert todo = {
        .ctx = &s,
        .item_size = sizeof(struct item),
        .records = records(),
        .fetch = fetch,
        .make = make,
        .release = release,
        .output = opt.output,
        .header = &header,
        .total = ser_progress_wanted(opt.quiet) ? ser_in_lines(&s.manifest.table.in) : 0,
        .keep_going = opt.keep_going,
        .quiet = opt.quiet};
    int skipped = ser_convert_run(&todo, jobs, &e);
    must(skipped < 0, &e);

    ser_attrs_clear(&header);
    close_threads(&s, jobs);
    ser_manifest_close(&s.manifest);
    return skipped ? SER_BAD : SER_OK;
}
