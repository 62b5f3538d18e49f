/* ser-score - a model's predictions for feature streams; or the embeddings that its last layer hears. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/backbone.h"
#include "bridge/model.h"
#include "bridge/names.h"
#include "bridge/recipe.h"
#include "bridge/timeline.h"
#include "core/opt.h"
#include "core/progress.h"
#include "math/speech.h"

enum { MAX_THREADS = 256 };

static struct {
    const char *output, *kernels;
    const char *head; /* the model as it was named, where another one is its backbone */
    int64_t batch, threads;
    double min_speech;
    int embed, heard, list, quiet;
} opt = {.batch = 32, .min_speech = SER_MIN_SPEECH};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'b', "batch", SER_OPT_INT, &opt.batch, 1, 4096, "N", "most records to compute at once"},
    {'j', "threads", SER_OPT_INT, &opt.threads, 1, MAX_THREADS, "N",
     "threads to use; the result does not depend on it"},
    {0, "kernels", SER_OPT_TEXT, &opt.kernels, 0, 0, SER_KERNELS,
     "plain: the same bytes on any x86-64"},
    {0, "embed", SER_OPT_FLAG, &opt.embed, 0, 0, NULL, "write what the last layer hears, no table"},
    {0, "heard", SER_OPT_FLAG, &opt.heard, 0, 0, NULL, "add columns: heard_s unheard_s silent"},
    {0, "min-speech", SER_OPT_REAL, &opt.min_speech, 0, 1, "P",
     "with less speech in a record predicted is -"},
    {0, "list", SER_OPT_FLAG, &opt.list, 0, 0, NULL, "list the models that have a name, and end"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line, no remarks"},
    {0}};

static const struct ser_tool tool = {
    "MODEL [FILE...]", "Scores feature streams (files or standard input) with a trained model.",
    options,
    "MODEL is a file, or a name that --list shows.\n"
    "Columns: id emotion predicted confidence p_CLASS... speaker corpus sex.\n"
    "There is one row per record and one column p_CLASS per class. Windows (ser-mfcc\n"
    "--every) have more: start_s end_s speech level_db."};

/* Records that are computed together. */
struct batch {
    int n;
    char **text; /* [2 * batch] of each row the columns left and right of the probabilities */
    float *x;    /* [batch, elements of a sample] */
    int *frames; /* [batch] the true ones */
    int *mute;   /* [batch] there is too little speech for an emotion */
    float *p;    /* [batch, classes]; of embeddings [batch, their length] */
    struct ser_record *embedding; /* [batch] of each its record, of --embed; or NULL */
};

struct scoring {
    struct ser_model model;
    int timed;    /* records are windows of longer ones: there are columns of when and how loud */
    int begun;    /* the header is written */
    double hop_s; /* from one frame of the model's features to the next; 0: unknown */
    struct ser_run *run;
    struct batch batch;
    struct ser_out out;           /* the table */
    struct ser_writer embeddings; /* or these */
    uint64_t length;              /* of an embedding; 0: there is a table */
    struct ser_progress progress;
    uint64_t done;
    uint64_t bytes;           /* of all inputs; 0: unknown */
    uint64_t before;          /* bytes of the inputs that are done */
    struct ser_reader reader; /* of the present input */
};

/* The first record, or NULL where there is none, tells which columns there are. */
static void write_header(struct scoring *s, const struct ser_record *first) {
    s->begun = 1;
    s->timed = first && ser_attr(&first->attrs, "start_s");
    ser_out_printf(&s->out, "id\temotion\tpredicted\tconfidence");
    for (int c = 0; c < s->model.classes; c++)
        ser_out_printf(&s->out, "\tp_%s", s->model.class_name[c]);
    ser_out_printf(&s->out, "\tspeaker\tcorpus\tsex%s",
                   opt.heard ? "\theard_s\tunheard_s\tsilent" : "");
    for (int i = 0; s->timed && i < SER_WINDOW_ATTRS; i++)
        ser_out_printf(&s->out, "\t%s", ser_window_attr[i]);
    ser_out_printf(&s->out, "\n");
}

static void write_row(struct scoring *s, const char *id_emotion, const char *tail, const float *p,
                      int mute) {
    int best = 0;
    for (int c = 1; c < s->model.classes; c++)
        if (p[c] > p[best])
            best = c;
    ser_out_printf(&s->out, "%s\t%s\t%.9g", id_emotion, mute ? "-" : s->model.class_name[best],
                   p[best]);
    for (int c = 0; c < s->model.classes; c++)
        ser_out_printf(&s->out, "\t%.9g", p[c]);
    ser_out_printf(&s->out, "\t%s\n", tail);
}

static void check_finite(const float *p, int n, const char *key, int key_length) {
    for (int i = 0; i < n; i++)
        if (!isfinite(p[i]))
            die(SER_BAD,
                "record (%.*s): the model's %s are not numbers: its parameters or "
                "these features are out of range",
                key_length, key, opt.embed ? "embeddings" : "probabilities");
}

static void compute_rows(struct scoring *s) {
    struct batch *b = &s->batch;
    int classes = s->model.classes;
    ser_run_predict(s->run, b->x, b->n, b->p);
    if (ser_run_failed(s->run))
        die(SER_SYS, "not enough memory to compute the model's network");
    for (int i = 0; i < b->n; i++) {
        check_finite(b->p + i * classes, classes, b->text[2 * i],
                     (int)strcspn(b->text[2 * i], "\t"));
        write_row(s, b->text[2 * i], b->text[2 * i + 1], b->p + i * classes, b->mute[i]);
        free(b->text[2 * i]);
        free(b->text[2 * i + 1]);
    }
}

static void compute_embeddings(struct scoring *s) {
    struct batch *b = &s->batch;
    struct ser_error e;
    ser_run_embed(s->run, b->x, b->n, b->p);
    if (ser_run_failed(s->run))
        die(SER_SYS, "not enough memory to compute the model's network");
    for (int i = 0; i < b->n; i++) {
        struct ser_record *rec = &b->embedding[i];
        memcpy(rec->data, b->p + (size_t)i * s->length, rec->bytes);
        check_finite(rec->data, (int)s->length, rec->key, (int)strlen(rec->key));
        must(ser_writer_put(&s->embeddings, rec, &e), &e);
    }
}

/* Computes the batch and writes what comes of it: when it is full, or when the next record has not
 * arrived yet. */
static void compute(void *ctx) {
    struct scoring *s = ctx;
    struct batch *b = &s->batch;
    struct ser_error e;
    if (!b->n)
        return;
    (opt.embed ? compute_embeddings : compute_rows)(s);
    s->done += (uint64_t)b->n;
    b->n = 0;
    /* Whoever reads the pipe need not wait for more. */
    must(ser_out_flush(opt.embed ? &s->embeddings.out : &s->out, &e), &e);
    /* Records have nearly the same size, so the share of bytes read tells how many there are in
     * all. */
    double share = s->bytes ? (double)(s->before + s->reader.in.offset) / (double)s->bytes : 0;
    s->progress.total = share > 0 ? (uint64_t)llround((double)s->done / share) : 0;
    ser_progress_show(&s->progress, s->done);
}

static const char *known(const struct ser_record *rec, const char *key) {
    const char *v = ser_attr(&rec->attrs, key);
    return v && *v ? v : "-";
}

/* The columns of --heard, each behind a tab. A record that says nothing was heard whole: for so many hops as its frames
 * tell. */
static char *heard(const struct scoring *s, const struct ser_record *rec) {
    const char *frames = ser_attr(&rec->attrs, "frames"), *given = ser_attr(&rec->attrs, "heard_s"),
               *unheard = ser_attr(&rec->attrs, "unheard_s");
    int64_t n, most = s->model.net->input.dim[1]; /* of bands by time, which alone have hops */
    char heard_s[32] = "-";
    if (!opt.heard)
        return estrdup("");
    if (frames && s->hop_s > 0 && !ser_parse_int(frames, 1, INT64_MAX, &n))
        snprintf(heard_s, sizeof heard_s, "%.3f", s->hop_s * (double)(n > most ? most : n - 1));
    return eprintf_alloc("\t%s\t%s\t%s", given ? given : heard_s,
                         unheard  ? unheard
                         : frames ? "0"
                                  : "-",
                         ser_attr(&rec->attrs, "silent") ? "yes"
                         : frames                        ? "no"
                                                         : "-");
}

/* The columns of windows, each behind a tab. */
static char *window(const struct scoring *s, const struct ser_record *rec) {
    if (!s->timed)
        return estrdup("");
    return eprintf_alloc("\t%s\t%s\t%s\t%s", known(rec, ser_window_attr[0]),
                         known(rec, ser_window_attr[1]), known(rec, ser_window_attr[2]),
                         known(rec, ser_window_attr[3]));
}

/* 1 if the record has too little speech; 0 if it has enough, or nothing is known of it; -1 if what it says
 * is no share. */
static int is_mute(const struct ser_record *rec) {
    const char *text = ser_attr(&rec->attrs, "speech");
    double share;
    if (!text)
        return 0;
    return ser_parse_real(text, 0, 1, &share) ? -1 : share < opt.min_speech;
}

/* The row of a record, but for what is computed. */
static int note_row(struct scoring *s, const struct ser_reader *r, const struct ser_record *rec,
                    struct ser_error *e) {
    struct batch *b = &s->batch;
    b->mute[b->n] = is_mute(rec);
    if (b->mute[b->n] < 0)
        return ser_reader_fail(r, rec, e,
                               "its attribute speech is '%.60s', not a share from 0 to 1",
                               ser_attr(&rec->attrs, "speech"));
    if (!s->begun)
        write_header(s, rec);
    b->text[2 * b->n] = eprintf_alloc("%s\t%s", rec->key, known(rec, "emotion"));
    char *more = heard(s, rec), *when = window(s, rec);
    b->text[2 * b->n + 1] = eprintf_alloc("%s\t%s\t%s%s%s", known(rec, "speaker"),
                                          known(rec, "corpus"), known(rec, "sex"), more, when);
    free(more);
    free(when);
    return 0;
}

/* What an embedding says of itself is what its features say, but for how long they are. */
static int note_embedding(struct scoring *s, const struct ser_record *rec, struct ser_error *e) {
    struct ser_record *to = &s->batch.embedding[s->batch.n];
    if (ser_record_set(to, rec->key, SER_F32, 1, &s->length, e))
        return -1;
    ser_attrs_copy(&to->attrs, &rec->attrs);
    ser_attr_set(&to->attrs, "frames", NULL);
    return 0;
}

static int add(struct scoring *s, const struct ser_reader *r, const struct ser_record *rec,
               struct ser_error *e) {
    const struct ser_model *m = &s->model;
    struct batch *b = &s->batch;
    if (!ser_model_takes(m, rec)) {
        char text[SER_SHAPE_TEXT], got[SER_SHAPE_TEXT];
        return ser_reader_fail(r, rec, e, "is %s %s, but the model needs f32 %s",
                               ser_type_name(rec->type), ser_shape_text(rec->rank, rec->dim, got),
                               ser_model_input(m, text));
    }
    b->frames[b->n] = ser_model_frames(m, r, rec, e);
    if (b->frames[b->n] < 0 || (opt.embed ? note_embedding(s, rec, e) : note_row(s, r, rec, e)))
        return -1;
    memcpy(b->x + (size_t)b->n * rec->count, rec->data, rec->bytes);
    if (++b->n == opt.batch)
        compute(s);
    return 0;
}

static void score_stream(struct scoring *s, const char *path) {
    struct ser_error e;
    struct ser_reader *r = &s->reader;
    struct ser_record rec = {0};
    struct ser_in in;
    int got;
    if (ser_in_open(&in, path, &e))
        die_error(&e);
    in.feeds = (opt.embed ? &s->embeddings.out : &s->out)->fd;
    if (ser_reader_begin(r, &in, "features", &e) ||
        ser_recipe_same(&s->model.header, &r->header, r->in.name, &e))
        die_error(&e);
    r->in.idle = compute;
    r->in.ctx = s;
    while ((got = ser_reader_next(r, &rec, &e)) > 0)
        if (add(s, r, &rec, &e))
            die_error(&e);
    compute(s); /* also where the stream is damaged: what came before is good */
    if (got < 0)
        die_error(&e);
    s->before += r->in.offset;
    ser_record_free(&rec);
    ser_reader_close(r);
}

/* The bytes of all inputs; 0 when one has no size. */
static uint64_t bytes_of(char **path) {
    uint64_t sum = 0, n = 1;
    if (!*path)
        return ser_file_bytes(NULL);
    for (; *path && n; path++)
        sum += n = ser_file_bytes(*path);
    return n ? sum : 0;
}

static int is_model(const char *path) {
    struct ser_reader r;
    struct ser_error e;
    if (strcmp(path, "-") == 0 || !ser_file_bytes(path) || ser_reader_open(&r, path, "model", &e))
        return 0;
    ser_reader_close(&r);
    return 1;
}

/* The first operand is no model. If another one is, that was most likely meant. */
static void refuse_model(char *const *operand, const struct ser_error *e) {
    for (char *const *o = operand + 1; *o && e->status == SER_BAD; o++)
        if (is_model(*o))
            die(SER_BAD, "%s; %s is a model: were the two swapped? The model comes first", e->text,
                *o);
    die_error(e);
}

/* The seconds of a hop, which features that were made elsewhere may not have. */
static double hop_s(const struct ser_attrs *header) {
    const char *hop = ser_attr(header, "feat.hop"), *rate = ser_attr(header, "feat.rate_hz");
    int64_t n, hz;
    if (!hop || !rate || ser_parse_int(hop, 1, INT32_MAX, &n) ||
        ser_parse_int(rate, 1, INT32_MAX, &hz))
        return 0;
    return (double)n / (double)hz;
}

static void open_scoring(struct scoring *s, char *const *operand) {
    struct ser_error e;
    char why[SER_WHY];
    const char *model = *operand;
    if (ser_model_load(&s->model, model, &e))
        refuse_model(operand, &e);
    s->hop_s = hop_s(&s->model.header);
    if (ser_attr(&s->model.header, "train.generated") && !opt.quiet)
        warn("%s: was trained on generated speech: what it makes of real voices is not known",
             model);
    s->run = ser_run_new(s->model.net, ser_kernels_find(opt.kernels), (int)opt.batch,
                         (int)opt.threads, 0, why);
    if (!s->run)
        die(SER_SYS, "%s: cannot score: %s", model, why);
    if (opt.embed && !(s->length = (uint64_t)ser_net_embedding(s->model.net, why)))
        die(SER_BAD, "%s: %s", model, why);
    size_t n = (size_t)opt.batch, size = ser_shape_size(&s->model.net->input);
    s->batch.x = ecalloc(n, size * sizeof *s->batch.x);
    s->batch.frames = ecalloc(n, sizeof *s->batch.frames);
    ser_run_frames(s->run, s->batch.frames);
    s->batch.mute = ecalloc(n, sizeof *s->batch.mute);
    s->batch.p =
        ecalloc(n, (s->length ? s->length : (size_t)s->model.classes) * sizeof *s->batch.p);
    s->batch.text = ecalloc(2 * n, sizeof *s->batch.text);
    s->batch.embedding = opt.embed ? ecalloc(n, sizeof *s->batch.embedding) : NULL;
}

static void open_output(struct scoring *s) {
    struct ser_attrs header = {0};
    struct ser_error e;
    if (opt.embed) {
        ser_backbone_put(&s->model, &header);
        must(ser_writer_open(&s->embeddings, opt.output, &header, &e), &e);
        ser_attrs_clear(&header);
    } else {
        must(ser_out_open(&s->out, opt.output, 0, &e), &e);
    }
}

static void close_output(struct scoring *s) {
    struct ser_error e;
    if (!opt.embed && !s->begun)
        write_header(s, NULL);
    must(opt.embed ? ser_writer_close(&s->embeddings, &e) : ser_out_close(&s->out, &e), &e);
}

static void free_scoring(struct scoring *s) {
    for (int64_t i = 0; s->batch.embedding && i < opt.batch; i++)
        ser_record_free(&s->batch.embedding[i]);
    ser_run_free(s->run);
    ser_model_free(&s->model);
    free(s->batch.embedding);
    free(s->batch.x);
    free(s->batch.frames);
    free(s->batch.mute);
    free(s->batch.p);
    free(s->batch.text);
}

/* A row for each model that has a name; what its card does not say is -. */
static void list_models(void) {
    static const char *const key[] = {"licence", "score", "about"};
    struct ser_error e;
    struct ser_names l;
    struct ser_out out;
    must(ser_names_list(&l, &e), &e);
    must(ser_out_open(&out, opt.output, 0, &e), &e);
    ser_out_printf(&out, "model\tlicence\tscores\tabout\tpath\n");
    for (size_t i = 0; i < l.n; i++) {
        ser_out_printf(&out, "%s", l.at[i].name);
        for (size_t k = 0; k < sizeof key / sizeof *key; k++) {
            struct ser_text value = {0};
            must(ser_card_get(&l.at[i], key[k], &value, &e), &e);
            ser_out_printf(&out, "\t%s", value.n ? value.at : "-");
            ser_text_free(&value);
        }
        ser_out_printf(&out, "\t%s\n", l.at[i].path);
    }
    must(ser_out_close(&out, &e), &e);
    ser_names_free(&l);
}

int main(int argc, char **argv) {
    struct scoring s = {0};
    struct ser_error e;
    ser_start(argv[0]);
    opt.threads = ser_cores() < MAX_THREADS ? ser_cores() : MAX_THREADS;
    opt.kernels = ser_kernels_default();
    int first = ser_options(argc, argv, &tool);
    if (opt.list && first < argc)
        ser_usage("--list takes no model and no file");
    if (opt.list) {
        list_models();
        return SER_OK;
    }
    if (first == argc)
        ser_usage("no model is given: --list shows those that have a name");
    if (!ser_kernels_find(opt.kernels))
        ser_usage("--kernels: '%s' is none of " SER_KERNELS, opt.kernels);
    const char *model = argv[first];
    if (opt.embed && (opt.heard || ser_option_given("min-speech")))
        ser_usage("--embed writes no table: leave out --%s", opt.heard ? "heard" : "min-speech");
    must(ser_model_find(&model, &e), &e);
    opt.head = model;
    if (opt.embed)
        must(ser_backbone_find(&model, &e), &e);
    argv[first] = (char *)model;
    ser_one_stdin(argv + first, first + 1 < argc ? NULL : "-", NULL);
    ser_keep_inputs("--output", opt.output, argv + first, opt.head, NULL);
    open_scoring(&s, argv + first);
    s.bytes = ser_progress_wanted(opt.quiet) ? bytes_of(argv + first + 1) : 0;
    open_output(&s);
    ser_progress_start(&s.progress, "records", 0, opt.quiet);
    if (first + 1 == argc)
        score_stream(&s, NULL);
    for (int i = first + 1; i < argc; i++)
        score_stream(&s, argv[i]);
    ser_progress_end(&s.progress);
    close_output(&s);
    free_scoring(&s);
    return SER_OK;
}
