/* ser-embed - audio to embeddings: the hidden states of a pretrained speech encoder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/axes.h"
#include "bridge/backbone.h"
#include "bridge/convert.h"
#include "bridge/encoder-head.h"
#include "bridge/encoder-keep.h"
#include "bridge/live.h"
#include "bridge/names.h"
#include "bridge/recipe.h"
#include "bridge/timeline.h"
#include "core/opt.h"
#include "core/progress.h"
#include "core/reader.h"
#include "math/effects.h"
#include "math/pool.h"
#include "nn/loss.h"

#include <math.h>

/* An encoder hears no more than 30 s at once; a window is of 4 s, unless another length is given. */
enum { MAX_FRAMES = 1500, WINDOW_FRAMES = 200 };

static struct {
    const char *manifest, *output, *like, *encoder, *trim, *layer, *pool, *norm, *raw, *kernels;
    const char *head; /* the model as it was named, where another one is its backbone */
    int64_t frames, jobs;
    double every;
    int average, pad_30s, classify, weights, keep_going, quiet;
} opt = {.layer = "last", .pool = "none", .norm = "published"};

static const struct ser_opt options[] = {
    {'m', "manifest", SER_OPT_TEXT, &opt.manifest, 0, 0, "FILE",
     "read the recordings that a manifest lists"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0, "like", SER_OPT_TEXT, &opt.like, 0, 0, "MODEL", "encoder and recipe as a model needs them"},
    {0, "encoder", SER_OPT_TEXT, &opt.encoder, 0, 0, "ENCODER",
     "with --like: where the encoder is"},
    {0, "trim", SER_OPT_TEXT, &opt.trim, 0, 0, "DB[:MARGIN_S]",
     "cut both ends, DB below the loudest frame"},
    {0, "layer", SER_OPT_TEXT, &opt.layer, 0, 0, "N|A:B|last|all",
     "hidden states to take; 0: before the first"},
    {0, "average", SER_OPT_FLAG, &opt.average, 0, 0, NULL,
     "the mean of several layers, not each of them"},
    {0, "pool", SER_OPT_CHOICE, &opt.pool, 0, 0, "none|mean|stats",
     "over time: mean; stats: mean and deviation"},
    {0, "norm", SER_OPT_CHOICE, &opt.norm, 0, 0, "published|yes|no",
     "hear mean 0, variance 1; not Whisper"},
    {0, "pad-30s", SER_OPT_FLAG, &opt.pad_30s, 0, 0, NULL,
     "let Whisper hear 30 s, as transformers does"},
    {0, "frames", SER_OPT_INT, &opt.frames, 1, MAX_FRAMES, "N",
     "hear N frames of 20 ms; of --every: 200"},
    {0, "every", SER_OPT_REAL, &opt.every, SER_MIN_EVERY_S, SER_MAX_EVERY_S, "S",
     "a window of --frames frames every S seconds"},
    {0, "raw", SER_OPT_TEXT, &opt.raw, 0, 0, "F:HZ:N",
     "sound without header: s16le:16000:1; with --every"},
    {0, "classify", SER_OPT_FLAG, &opt.classify, 0, 0, NULL,
     "a table of what the encoder's own head says"},
    {0, "weights", SER_OPT_FLAG, &opt.weights, 0, 0, NULL,
     "write the encoder alone, as model.safetensors"},
    {'j', "jobs", SER_OPT_INT, &opt.jobs, 1, SER_MAX_JOBS, "N",
     "threads to use; the result does not depend on it"},
    {0, "kernels", SER_OPT_TEXT, &opt.kernels, 0, 0, SER_KERNELS,
     "plain: the same bytes on any x86-64"},
    {'k', "keep-going", SER_OPT_FLAG, &opt.keep_going, 0, 0, NULL,
     "skip bad recordings; exit 3 at the end"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line, no remarks"},
    {0}};

/* What a head, or a recipe, decides. */
static const char *const for_classify[] = {"like",    "layer",   "average", "pool",
                                           "pad-30s", "weights", NULL};
static const char *const for_recipe[] = {"layer", "average", "pool", "trim",
                                         "norm",  "pad-30s", NULL};

static const struct ser_tool tool = {
    "ENCODER [FILE...]",
    "Turns audio into embeddings: the hidden states of a pretrained speech encoder.", options,
    "ENCODER is a folder with config.json, preprocessor_config.json, and weights of\n"
    "Whisper, wav2vec 2.0, HuBERT or WavLM (model.safetensors, pytorch_model.bin), or\n"
    "its name in $SER_ENCODERS or ~/.local/share/ser/encoders. With --like all\n"
    "operands are FILEs.\n"
    "Standard input may be an audio file of any format, or an audio tensor stream."};

/* What a thread keeps between recordings. */
struct thread {
    struct ser_encoder_run *run;
    struct ser_listener listener;
    float *sum; /* [sum_cap] of the layers that are averaged */
    size_t sum_cap;
    float *means; /* [layers, width] of the head, and behind them its own memory */
    uint64_t heard, silent, longer;
};

struct embedding {
    struct ser_recordings recordings;
    struct ser_encoder_files files;
    struct ser_encoder *encoder;
    struct ser_encoder_head own; /* of --classify */
    int first, last;             /* layers */
    int mean, deviation;
    double trim_db, trim_margin_s; /* 0: nothing is cut */
    int frames;                    /* of the recipe: heard at most; 0: all */
    size_t window;                 /* samples that are heard at most; 0: all */
    struct ser_attrs wanted;       /* the header of --like; none without it */
    struct thread *thread;
};

/* The layers that go out, one behind the other: 1 where they are averaged. */
static int layers_out(const struct embedding *m) {
    return opt.average ? 1 : m->last - m->first + 1;
}

/* ---- a recording ---- */

/* What becomes of the hidden states of one recording, or of a window of it. */
struct taking {
    const struct embedding *m;
    struct thread *t;
    const struct ser_recording *recording;
    const char *key;
    struct ser_record *record;
    struct ser_error *e;
    int failed;
};

/* [layers, frames or nothing, channels], without the first where one layer goes out; or what a head says. */
static int make_record(struct taking *k, size_t frames) {
    const struct embedding *m = k->m;
    uint64_t dim[3] = {(uint64_t)m->own.head.outputs};
    int rank = 0, pooled = m->mean;
    if (opt.classify)
        return ser_record_set(k->record, k->key, SER_F32, 1, dim, k->e);
    if (layers_out(m) > 1)
        dim[rank++] = (uint64_t)layers_out(m);
    if (!pooled)
        dim[rank++] = frames;
    dim[rank++] = (uint64_t)m->files.shape.width * (m->deviation ? 2 : 1);
    return ser_record_set(k->record, k->key, SER_F32, rank, dim, k->e);
}

/* Puts a hidden state into the record, as number i of those that go out. */
static void put_layer(const struct taking *k, int i, const float *h, size_t frames) {
    const struct embedding *m = k->m;
    struct ser_record *r = k->record;
    size_t width = (size_t)m->files.shape.width, each = r->count / (size_t)layers_out(m);
    float *to =
        opt.classify ? k->t->means + (size_t)i * width : (float *)r->data + (size_t)i * each;
    if (m->mean)
        ser_pool(h, frames, (int)width, to, m->deviation ? to + width : NULL);
    else
        memcpy(to, h, frames * width * sizeof *to);
}

/* Adds to the sum of the layers; after the last, their mean goes out. */
static void add_layer(const struct taking *k, int layer, const float *h, size_t frames) {
    const struct embedding *m = k->m;
    size_t n = frames * (size_t)m->files.shape.width;
    float *sum = k->t->sum, count = (float)(m->last - m->first + 1);
    for (size_t i = 0; i < n; i++)
        sum[i] = layer == m->first ? h[i] : sum[i] + h[i];
    if (layer < m->last)
        return;
    for (size_t i = 0; i < n; i++)
        sum[i] /= count;
    put_layer(k, 0, sum, frames);
}

static int make_room(struct taking *k, size_t frames) {
    size_t n = frames * (size_t)k->m->files.shape.width;
    if (opt.average && n > k->t->sum_cap) {
        free(k->t->sum);
        k->t->sum = malloc(n * sizeof *k->t->sum);
        k->t->sum_cap = k->t->sum ? n : 0;
        if (!k->t->sum)
            return ser_no_memory(k->e);
    }
    return make_record(k, frames);
}

/* What the head says of the means: numbers, or the probabilities of classes. */
static void judge(struct taking *k) {
    const struct ser_head *h = &k->m->own.head;
    float *y = k->record->data;
    ser_head_run(h, k->t->means, k->t->means + (size_t)h->states * (size_t)h->width, y);
    for (int i = 0; i < h->outputs && !k->failed; i++)
        if (!isfinite(y[i]))
            k->failed = ser_fail(k->e, SER_BAD, "%s: (%s): what the head says is no number",
                                 ser_recording_name(k->recording), k->key);
    if (!h->numbers)
        ser_softmax(y, 1, h->outputs);
}

static void take(void *ctx, int layer, const float *h, size_t frames) {
    struct taking *k = ctx;
    if (layer == k->m->first)
        k->failed = make_room(k, frames) != 0;
    if (k->failed)
        return;
    if (opt.average)
        add_layer(k, layer, h, frames);
    else
        put_layer(k, layer - k->m->first, h, frames);
    if (layer == k->m->last) {
        if (opt.classify)
            judge(k);
        ser_attrs_copy(&k->record->attrs, &k->recording->attrs);
        ser_attr_setf(&k->record->attrs, "frames", "%zu", frames);
    }
}

static int check_length(const struct taking *k, size_t n) {
    const struct ser_encoder_shape *s = &k->m->files.shape;
    size_t most = ser_encoder_most(s), least = ser_encoder_least(s);
    const char *name = ser_recording_name(k->recording);
    if (n > most)
        return ser_fail(k->e, SER_BAD,
                        "%s: (%s): %.2f s long: this encoder hears at most %.0f s at once: take "
                        "windows of it with --every, or only its first --frames",
                        name, k->key, (double)n / SER_ENCODER_RATE_HZ,
                        (double)most / SER_ENCODER_RATE_HZ);
    if (n < least)
        return ser_fail(k->e, SER_BAD, "%s: (%s): %zu samples at %d Hz: this encoder needs %zu",
                        name, k->key, n, SER_ENCODER_RATE_HZ, least);
    return 0;
}

/* The embedding of x [n]: 0, -1 or -2 as make of struct ser_convert. */
static int embed(struct taking *k, const float *x, size_t n) {
    if (check_length(k, n))
        return -1;
    if (ser_encode(k->t->run, x, n, opt.pad_30s, k->m->first, take, k)) {
        ser_fail(k->e, SER_SYS, "%s: (%s): out of memory for its embedding",
                 ser_recording_name(k->recording), k->key);
        return -2;
    }
    return !k->failed ? 0 : k->e->status == SER_SYS ? -2 : -1;
}

/* Of a recording that is longer than what is heard, the beginning. */
static size_t heard_of(const struct embedding *m, size_t n) {
    return m->window && n > m->window ? m->window : n;
}

/* Says what was not heard, and counts it. */
static void remark(struct thread *t, struct ser_attrs *a, const float *x, size_t heard, size_t n) {
    int silent = ser_is_silent(x, heard);
    ser_attr_set(a, "silent", silent ? "yes" : NULL);
    ser_attr_set(a, "unheard_s", NULL);
    if (heard < n)
        ser_attr_setf(a, "unheard_s", "%.3f", (double)(n - heard) / SER_ENCODER_RATE_HZ);
    t->heard++;
    t->silent += (uint64_t)silent;
    t->longer += heard < n;
}

static int make(void *ctx, void *slot, int worker) {
    struct embedding *m = ctx;
    struct ser_recorded *it = slot;
    struct thread *t = &m->thread[worker];
    struct taking k = {m, t, &it->recording, it->recording.key, it->made.record, &it->made.e, 0};
    const float *x;
    size_t n;
    int bad = ser_recording_load(&it->recording, &t->listener, &x, &n, &it->made.e);
    if (!bad)
        bad = embed(&k, x, heard_of(m, n));
    if (bad)
        ser_recordings_name(&m->recordings, &it->recording, &it->made.e);
    else
        remark(t, &it->made.record->attrs, x, heard_of(m, n), n);
    return bad;
}

static int make_window(void *ctx, const struct ser_recording *r, const struct ser_window *w,
                       const char *key, struct ser_record *out, struct ser_error *e) {
    const struct embedding *m = ctx;
    struct taking k = {m, m->thread, r, key, out, e, 0};
    const float *x = w->sound;
    size_t n = w->samples;
    ser_listener_trim(&m->thread->listener, &x, &n);
    return embed(&k, x, n) ? -1 : 0;
}

/* ---- the table of --classify ---- */

static void put_attr(struct ser_out *out, const struct ser_record *r, const char *key) {
    const char *value = ser_attr(&r->attrs, key);
    ser_out_printf(out, "\t%s", value && *value ? value : "-");
}

static void put_names(const struct embedding *m, struct ser_out *out) {
    ser_out_printf(out, "id\temotion\tpredicted\tconfidence");
    for (int i = 0; i < m->own.head.outputs; i++)
        ser_out_printf(out, "\t%s%s", m->own.head.numbers ? "" : "p_", m->own.name[i]);
    ser_out_printf(out, "\tspeaker\tcorpus\tsex");
    for (int i = 0; opt.every > 0 && i < SER_WINDOW_ATTRS; i++)
        ser_out_printf(out, "\t%s", ser_window_attr[i]);
    ser_out_printf(out, "\n");
}

static void put_row(void *ctx, struct ser_out *out, const struct ser_record *r) {
    const struct embedding *m = ctx;
    int best = 0;
    if (!r) {
        put_names(m, out);
        return;
    }
    const float *y = r->data;
    for (int i = 1; i < m->own.head.outputs; i++)
        best = y[i] > y[best] ? i : best;
    ser_out_printf(out, "%s", r->key);
    put_attr(out, r, "emotion");
    if (m->own.head.numbers)
        ser_out_printf(out, "\t-\t-");
    else
        ser_out_printf(out, "\t%s\t%.9g", m->own.name[best], y[best]);
    for (int i = 0; i < m->own.head.outputs; i++)
        ser_out_printf(out, "\t%.9g", y[i]);
    put_attr(out, r, "speaker");
    put_attr(out, r, "corpus");
    put_attr(out, r, "sex");
    for (int i = 0; opt.every > 0 && i < SER_WINDOW_ATTRS; i++)
        put_attr(out, r, ser_window_attr[i]);
    ser_out_printf(out, "\n");
}

/* ---- the encoder ---- */

static int parse_layer(const char *text, int layers, int *to) {
    int64_t n;
    if (ser_parse_int(text, 0, layers, &n))
        return -1;
    *to = (int)n;
    return 0;
}

/* Which layers --layer names, of an encoder that has so many. */
static void choose_layers(struct embedding *m, int layers) {
    const char *colon = strchr(opt.layer, ':');
    int bad = 0;
    m->first = m->last = layers;
    if (strcmp(opt.layer, "all") == 0) {
        m->first = 0;
    } else if (colon) {
        char *from = estrdup(opt.layer);
        from[colon - opt.layer] = '\0';
        bad = parse_layer(from, layers, &m->first) || parse_layer(colon + 1, layers, &m->last) ||
              m->first > m->last;
        free(from);
    } else if (strcmp(opt.layer, "last") != 0) {
        bad = parse_layer(opt.layer, layers, &m->first);
        m->last = m->first;
    }
    if (bad && opt.like)
        die(SER_BAD, "%s: its recipe has feat.layer=%.40s, but the encoder has the layers 0 to %d",
            opt.like, opt.layer, layers);
    if (bad)
        ser_usage(
            "--layer: '%s': this encoder has the layers 0 to %d: give one of them, A:B with A "
            "not above B, last or all",
            opt.layer, layers);
}

static int is_whisper(const struct embedding *m) {
    return m->files.shape.family == SER_WHISPER;
}

/* What cannot be with this encoder. The recipe of a model is compared as a whole, later. */
static void check_options(struct embedding *m) {
    int told = strcmp(opt.norm, "published") != 0;
    if (opt.pad_30s && !is_whisper(m) && !opt.like)
        ser_usage("--pad-30s: only Whisper hears so much, and %s is %s", opt.encoder,
                  m->files.name);
    if (told && is_whisper(m) && !opt.like)
        ser_usage("--norm: Whisper hears mel bands that have a norm of their own, and %s is %s",
                  opt.encoder, m->files.name);
    if (told)
        m->files.shape.normalize = strcmp(opt.norm, "yes") == 0;
    choose_layers(m, m->files.shape.layers);
}

static void check_hash(const struct embedding *m, uint64_t hash) {
    const char *want = ser_attr(&m->wanted, SER_ENCODER_XXH3);
    char got[32];
    snprintf(got, sizeof got, "%016llx", (unsigned long long)hash);
    if (opt.like && (!want || strcmp(want, got) != 0))
        die(SER_BAD,
            "%s: is not the encoder of %s: the checksum of its weights is %s, not %s: give the "
            "other with --encoder",
            opt.encoder, opt.like, got, want ? want : "unset");
}

/* Options that cannot be given, ending with NULL, and why. */
static void leave_out(const char *const *name, const char *why) {
    for (; *name; name++)
        if (ser_option_given(*name))
            ser_usage("%s: leave out --%s", why, *name);
}

/* The head, which says which layers it takes: their means. */
static void load_head(struct embedding *m) {
    struct ser_error e;
    must(ser_encoder_head_load(&m->files, &m->own, &e), &e);
    opt.layer = m->own.head.states > 1 ? "all" : "last";
}

static void load_encoder(struct embedding *m, uint64_t *hash) {
    struct ser_error e;
    must(ser_encoder_find(&opt.encoder, &e), &e);
    must(ser_encoder_files_open(&m->files, opt.encoder, &e), &e);
    ser_encoder_keep_open(&m->files, (int)opt.jobs);
    if (opt.classify)
        load_head(m);
    if (!opt.like)
        check_options(m);
    must(ser_encoder_files_hash(&m->files, hash, &e), &e);
    check_hash(m, *hash);
    if (opt.like)
        check_options(m);
    m->encoder = ser_encoder_files_load(&m->files, m->last, &e);
    must(!m->encoder, &e);
    ser_tensors_forget(&m->files.tensors);
}

/* Everything that decides the values. */
static void put_recipe(const struct embedding *m, uint64_t hash, struct ser_attrs *a) {
    ser_attr_set(a, "kind", "features");
    ser_attr_set(a, "feat.type", "embedding");
    ser_attr_setf(a, SER_AXES, "%s%schannels", layers_out(m) > 1 ? "layers," : "",
                  m->mean ? "" : "time,");
    ser_attr_set(a, SER_ENCODER, m->files.name);
    ser_attr_setf(a, SER_ENCODER_XXH3, "%016llx", (unsigned long long)hash);
    ser_attr_setf(a, "feat.layer", m->first == m->last ? "%d" : "%d:%d", m->first, m->last);
    ser_attr_set(a, "feat.pool", opt.pool);
    ser_attr_setf(a, "feat.rate_hz", "%d", SER_ENCODER_RATE_HZ);
    ser_attr_set(a, "feat.resampler", "soxr-hq");
    ser_recipe_put_trim(m->trim_db, m->trim_margin_s, a);
    if (opt.average && m->first < m->last)
        ser_attr_set(a, "feat.average", "yes");
    if (m->frames)
        ser_attr_setf(a, "feat.frames", "%d", m->frames);
    if (opt.pad_30s && is_whisper(m))
        ser_attr_set(a, "feat.padded_s", "30");
    if (!is_whisper(m))
        ser_attr_set(a, "feat.input_norm", m->files.shape.normalize ? "yes" : "no");
}

/* Those of the encoder alone go out. */
static void write_weights(const char *folder) {
    struct ser_encoder_files f;
    struct ser_error e;
    struct ser_out out;
    must(ser_encoder_find(&folder, &e), &e);
    must(ser_encoder_files_open(&f, folder, &e), &e);
    must(ser_out_open(&out, opt.output, 1, &e), &e);
    must(ser_encoder_files_write(&f, &out, &e), &e);
    must(ser_out_close(&out, &e), &e);
    ser_encoder_files_close(&f);
}

/* ---- the recipe of a model ---- */

static int is_yes(const char *value) {
    return value && strcmp(value, "yes") == 0;
}

/* A number of the recipe; 0 where it is none, which the comparison finds. */
static double real_of(const struct ser_attrs *a, const char *key, double most) {
    const char *value = ser_attr(a, key);
    double v = 0;
    return value && ser_parse_real(value, 0, most, &v) == 0 ? v : 0;
}

/* Sets the options to what the header of a model, or of embeddings, tells. Values that they cannot have stay
 * out: what comes of the options is compared with the header, so that nothing is passed over. */
static void take_recipe(struct embedding *m) {
    const struct ser_attrs *a = &m->wanted;
    struct ser_reader r;
    struct ser_error e;
    char why[512];
    snprintf(why, sizeof why, "--like %.400s takes the whole recipe from there", opt.like);
    leave_out(for_recipe, why);
    must(ser_reader_open(&r, opt.like, NULL, &e), &e);
    ser_attrs_copy(&m->wanted, &r.header);
    ser_reader_close(&r);
    must(ser_attrs_check(a, opt.like, &e), &e);
    const char *type = ser_attr(a, "feat.type"), *name = ser_attr(a, SER_ENCODER),
               *layer = ser_attr(a, "feat.layer"), *pool = ser_attr(a, "feat.pool"),
               *norm = ser_attr(a, "feat.input_norm");
    if (!type || strcmp(type, "embedding") != 0)
        die(SER_BAD, "%s: is not of embeddings%s", opt.like,
            type ? ": its features are made by 'ser-mfcc --like'" : "");
    if (!name || strchr(name, '/') || !layer)
        die(SER_BAD, "%s: holds no recipe: feat.encoder or feat.layer is missing", opt.like);
    opt.encoder = opt.encoder ? opt.encoder : name;
    opt.layer = layer;
    if (pool && (strcmp(pool, "mean") == 0 || strcmp(pool, "stats") == 0))
        opt.pool = pool;
    if (norm)
        opt.norm = is_yes(norm) ? "yes" : "no";
    opt.average = is_yes(ser_attr(a, "feat.average"));
    opt.pad_30s = ser_attr(a, "feat.padded_s") != NULL;
    m->frames = (int)real_of(a, "feat.frames", MAX_FRAMES);
    if (m->frames && opt.frames)
        ser_usage("%s: leave out --frames", why);
    m->trim_db = real_of(a, "feat.trim_db", SER_MAX_TRIM_DB);
    m->trim_margin_s = real_of(a, "feat.trim_margin_s", SER_MAX_TRIM_MARGIN_S);
}

/* Refuses a recipe of which anything cannot be made here. What several recordings are normalised by is a step of
 * its own, behind this one. */
static void check_recipe(struct embedding *m, const struct ser_attrs *made) {
    struct ser_error e;
    must(ser_attrs_check(made, "the recipe", &e), &e);
    const char *norm = ser_attr(&m->wanted, SER_NORM);
    if (norm && strcmp(norm, "utterance") != 0)
        ser_attr_set(&m->wanted, SER_NORM, NULL);
    const char *key = opt.like ? ser_attrs_differ(&m->wanted, made, "feat.") : NULL;
    if (!key)
        return;
    const char *want = ser_attr(&m->wanted, key), *got = ser_attr(made, key);
    die(SER_BAD, "%s: its recipe has %s=%.100s, which cannot be made: here it is %.100s", opt.like,
        key, want ? want : "(unset)", got ? got : "(unset)");
}

/* ---- how much is heard ---- */

/* Windows are of 4 s unless something else is said, and the recipe tells so; that of a model stays as it is. */
static void set_frames(struct embedding *m) {
    if (opt.raw && opt.every == 0)
        ser_usage("--raw goes with --every");
    if (opt.like && opt.frames && opt.every == 0)
        ser_usage("--like %s: it hears recordings as a whole: --frames goes with --every",
                  opt.like);
    if (!opt.frames)
        opt.frames = m->frames ? m->frames : opt.every > 0 ? WINDOW_FRAMES : 0;
    if (!opt.like)
        m->frames = (int)opt.frames;
}

static void set_window(struct embedding *m) {
    const struct ser_encoder_shape *s = &m->files.shape;
    if (opt.frames)
        m->window = ser_encoder_samples(s, (size_t)opt.frames);
    if (m->window > ser_encoder_most(s))
        die(SER_USAGE, "--frames %lld: this encoder hears %zu at most", (long long)opt.frames,
            ser_encoder_frames(s, ser_encoder_most(s)));
}

/* ---- the run ---- */

static void open_threads(struct embedding *m, int jobs, int threads) {
    struct ser_error e;
    char why[SER_WHY];
    m->thread = ecalloc((size_t)jobs, sizeof *m->thread);
    for (int i = 0; i < jobs; i++) {
        struct thread *t = &m->thread[i];
        t->listener = (struct ser_listener){.rate_hz = SER_ENCODER_RATE_HZ,
                                            .trim_db = m->trim_db,
                                            .trim_margin_s = m->trim_margin_s};
        must(ser_listener_open(&t->listener, &e), &e);
        if (opt.classify)
            t->means = ecalloc((size_t)m->own.head.states + 1,
                               (size_t)(m->own.head.width + m->own.head.inner) * sizeof *t->means);
        t->run = ser_encoder_run_new(m->encoder, ser_kernels_find(opt.kernels), threads, why);
        if (!t->run)
            die(SER_SYS, "cannot run the encoder: %s", why);
    }
}

static void close_threads(struct embedding *m, int jobs) {
    for (int i = 0; i < jobs; i++) {
        ser_listener_close(&m->thread[i].listener);
        ser_encoder_run_free(m->thread[i].run);
        free(m->thread[i].sum);
        free(m->thread[i].means);
    }
    free(m->thread);
}

/* What embeddings do not tell of. */
static void tell_remarks(const struct embedding *m, int jobs) {
    uint64_t heard = 0, silent = 0, longer = 0;
    char text[SER_OF_TEXT];
    for (int i = 0; i < jobs; i++) {
        heard += m->thread[i].heard;
        silent += m->thread[i].silent;
        longer += m->thread[i].longer;
    }
    if (silent)
        warn("%s silent: nothing above -60 dBFS", ser_recordings_of(silent, heard, text));
    if (longer)
        warn("%s longer than %d frames, and not heard to the end: --every takes windows of it",
             ser_recordings_of(longer, heard, text), m->frames);
}

/* All recordings, on several threads. 1 if some were skipped. */
static int run_all(struct embedding *m, const struct ser_attrs *header) {
    struct ser_error e;
    /* One recording is shared by the threads; of several each thread has its own. */
    int single = ser_recordings_single(&m->recordings), jobs = single ? 1 : (int)opt.jobs;
    open_threads(m, jobs, single ? (int)opt.jobs : 1);
    const struct ser_table table = {put_row, m};
    const struct ser_convert todo = {.ctx = m,
                                     .records = 1,
                                     .recordings = &m->recordings,
                                     .make = make,
                                     .output = opt.output,
                                     .header = header,
                                     .table = opt.classify ? &table : NULL,
                                     .keep_going = opt.keep_going,
                                     .quiet = opt.quiet};
    int skipped = ser_convert_run(&todo, jobs, &e);
    must(skipped < 0, &e);
    if (!opt.quiet)
        tell_remarks(m, jobs);
    close_threads(m, jobs);
    return skipped;
}

/* One window after the other, which the threads share. 1 if some recordings were skipped. */
static int run_windows(struct embedding *m, const struct ser_attrs *header) {
    struct ser_error e;
    const struct ser_encoder_shape *s = &m->files.shape;
    size_t hop = ser_encoder_samples(s, 2) - ser_encoder_samples(s, 1);
    size_t step = ser_live_step(opt.every, SER_ENCODER_RATE_HZ, hop);
    struct ser_windows *windows = ser_windows_new_sound(SER_ENCODER_RATE_HZ, m->window, step);
    if (!windows)
        die(SER_SYS, "out of memory for windows");
    open_threads(m, 1, (int)opt.jobs);
    const struct ser_table table = {put_row, m};
    const struct ser_live live = {.make = make_window,
                                  .ctx = m,
                                  .recordings = &m->recordings,
                                  .windows = windows,
                                  .rate_hz = SER_ENCODER_RATE_HZ,
                                  .raw = opt.raw,
                                  .output = opt.output,
                                  .header = header,
                                  .table = opt.classify ? &table : NULL,
                                  .keep_going = opt.keep_going,
                                  .quiet = opt.quiet};
    int skipped = ser_live_run(&live, &e);
    must(skipped < 0, &e);
    ser_windows_free(windows);
    close_threads(m, 1);
    return skipped;
}

int main(int argc, char **argv) {
    struct embedding m = {.encoder = NULL};
    struct ser_attrs header = {0};
    struct ser_error e;
    uint64_t hash = 0;
    ser_start(argv[0]);
    opt.jobs = ser_cores() < SER_MAX_JOBS ? ser_cores() : SER_MAX_JOBS;
    opt.kernels = ser_kernels_default();
    int first = ser_options(argc, argv, &tool);
    if (opt.encoder && !opt.like)
        ser_usage("--encoder belongs to --like: without it the encoder is the first operand");
    if (!opt.like && first == argc)
        ser_usage("no encoder is given");
    if (!ser_kernels_find(opt.kernels))
        ser_usage("--kernels: '%s' is none of " SER_KERNELS, opt.kernels);
    char **files = argv + first + !opt.like;
    if (opt.classify)
        leave_out(for_classify, "--classify: the head takes what it was trained on");
    if (opt.weights && (opt.like || opt.manifest || *files))
        ser_usage("--weights takes an encoder alone, without recordings");
    if (opt.weights) {
        write_weights(argv[first]);
        return SER_OK;
    }
    ser_one_stdin(files, opt.like, opt.manifest ? opt.manifest : *files ? NULL : "-");
    must(ser_model_find(&opt.like, &e), &e);
    ser_keep_inputs("--output", opt.output, files, opt.manifest, opt.like);
    opt.head = opt.like;
    must(ser_backbone_find(&opt.like, &e), &e);
    ser_keep_inputs("--output", opt.output, files, opt.like, NULL);
    if (opt.like)
        take_recipe(&m);
    else
        opt.encoder = argv[first];
    set_frames(&m);
    m.mean = strcmp(opt.pool, "none") != 0 || opt.classify;
    m.deviation = strcmp(opt.pool, "stats") == 0;
    const char *wrong = opt.trim ? ser_recipe_trim(opt.trim, &m.trim_db, &m.trim_margin_s) : NULL;
    if (wrong)
        ser_usage("--trim '%s': %s", opt.trim, wrong);
    load_encoder(&m, &hash);
    set_window(&m);
    put_recipe(&m, hash, &header);
    check_recipe(&m, &header);
    if (opt.every > 0 && !opt.output)
        m.recordings.feeds = STDOUT_FILENO;
    must(
        ser_recordings_open(&m.recordings, opt.manifest, files, ser_progress_wanted(opt.quiet), &e),
        &e);
    int skipped = opt.every > 0 ? run_windows(&m, &header) : run_all(&m, &header);
    ser_attrs_clear(&header);
    ser_attrs_clear(&m.wanted);
    ser_recordings_close(&m.recordings);
    ser_encoder_free(m.encoder);
    ser_encoder_head_free(&m.own);
    ser_encoder_files_close(&m.files);
    return skipped ? SER_BAD : SER_OK;
}
