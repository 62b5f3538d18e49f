/* test_model - models and checkpoints whose checksums are right and whose content is not. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/axes.h"
#include "bridge/roster.h"
#include "bridge/training.h"
#include "bridge/voices.h"
#include "check.h"

static char good[] = "/tmp/ser-test-XXXXXX", bad[] = "/tmp/ser-test-XXXXXX";
static const char net[] = "standardize\nreshape 12\ndense classes\n";
static char calm[] = "calm", happy[] = "happy", sad[] = "sad", *class[] = {calm, happy, sad};

/* Copies good to bad with value as attribute name of the header, where name is not NULL; without
 * the record drop; with element i of the record key set to x. */
static void copy(const char *name, const char *value, const char *drop, const char *key, size_t i,
                 double x) {
    struct ser_reader r;
    struct ser_error e;
    struct ser_record rec = {0};
    struct ser_writer w;
    struct ser_attrs header = {0};
    if (ser_reader_open(&r, good, NULL, &e))
        die_error(&e);
    ser_attrs_copy(&header, &r.header);
    if (name)
        ser_attr_set(&header, name, value);
    must(ser_writer_open(&w, bad, &header, &e), &e);
    while (ser_reader_next(&r, &rec, &e) > 0) {
        if (key && strcmp(rec.key, key) == 0 && rec.type == SER_F32)
            ((float *)rec.data)[i] = (float)x;
        else if (key && strcmp(rec.key, key) == 0)
            ((double *)rec.data)[i] = x;
        if (!drop || strcmp(rec.key, drop) != 0)
            must(ser_writer_put(&w, &rec, &e), &e);
    }
    must(ser_writer_close(&w, &e), &e);
    ser_attrs_clear(&header);
    ser_record_free(&rec);
    ser_reader_close(&r);
}

static struct ser_model make(void) {
    struct ser_model m;
    struct ser_error e;
    struct ser_attrs header = {0};
    ser_attr_set(&header, "feat.hop", "512");
    if (ser_model_new(&m, net, sizeof net - 1, "net", 2, (int[]){3, 4}, class, 3, &header, &e))
        die_error(&e);
    ser_net_init(m.net, 1);
    ser_attrs_clear(&header);
    return m;
}

/* feat.axes: the words, and the shape of a sample as RANK,TIME: dimensions. */
static void test_axes(void) {
    static const struct {
        const char *words;
        int rank;
        uint64_t dim[3];
        const char *sample; /* NULL: refused */
    } at[] = {
        {"bands,time", 2, {40, 174}, "40 174 1, time 1"},
        {"time,bands", 2, {174, 40}, "174 40 1, time 0"},
        {"time,channels", 2, {50, 768}, "50 768, time 0"},
        {"channels", 1, {88}, "88, time -1"},
        {"layers,channels", 2, {13, 768}, "13 768, time -1"},
        {"layers,time,channels", 3, {13, 50, 768}, "13 50 768, time 1"},
        {"time", 1, {9}, "9 1, time 0"},
        {"", 0, {0}, NULL},
        {"time,", 0, {0}, NULL},
        {",time", 0, {0}, NULL},
        {"time,time", 0, {0}, NULL},
        {"channels,time", 0, {0}, NULL},
        {"tim", 0, {0}, NULL},
        {"times", 0, {0}, NULL},
        {"layers,bands,time", 0, {0}, NULL},
        {"layers,bands,time,channels", 0, {0}, NULL},
        {"bands, time", 0, {0}, NULL},
    };
    struct ser_input in;
    struct ser_axes a;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        char got[80] = "";
        int n = 0, refused = ser_axes_parse(at[i].words, &a);
        if (!refused && at[i].sample && ser_axes_input(&a, at[i].rank, at[i].dim, &in) == 0) {
            for (int k = 0; k < in.shape.rank; k++)
                n += sprintf(got + n, "%s%d", k ? " " : "", in.shape.dim[k]);
            sprintf(got + n, ", time %d", in.time);
        }
        check(at[i].sample ? !refused && strcmp(got, at[i].sample) == 0 : refused, "axes '%s': %s",
              at[i].words, got);
    }
    check(!ser_axes_parse("time,channels", &a) && ser_axes_input(&a, 3, at[5].dim, &in) &&
              ser_axes_input(&a, 2, (uint64_t[]){0, 5}, &in) &&
              ser_axes_input(&a, 2, (uint64_t[]){5, SER_MAX_DIM + 1}, &in),
          "features of another rank, without elements or too large are refused");
    int dim[3];
    check(ser_model_shape("40x174", dim) == 2 && dim[0] == 40 && dim[1] == 174 &&
              ser_model_shape("768", dim) == 1 && ser_model_shape("1x2x3", dim) == 3 && dim[2] == 3,
          "shapes as text");
    static const char *const wrong[] = {"", "x", "40x", "x40", "1x2x3x4", "0x4", "65537", "4 x4"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(!ser_model_shape(wrong[i], dim), "no shape: '%s'", wrong[i]);
}

/* Which recording of a manifest a name means. */
static void test_roster(void) {
    static const char table[] = "id\tpath\temotion\tspeaker\n"
                                "savee_DC_a01\tsavee/DC/a01.wav\tangry\tsavee_DC\n"
                                "savee_JE_a01\tsavee/JE/a01.wav\tangry\t-\n"
                                "mine\tone.wav\tsad\tme\n"
                                "other\tone.flac\tsad\tme\n"
                                "deep_JE_a01\tdeep/savee/JE/a01.wav\tsad\tme\n"
                                "last\ta/b.c/d\tsad\tme\n";
    static const struct {
        const char *name, *id; /* id NULL: none; "": several */
    } at[] = {
        {"savee_DC_a01", "savee_DC_a01"},
        {"/x/savee_DC_a01.npy", "savee_DC_a01"},
        {"savee/DC/a01.wav", "savee_DC_a01"},
        {"/far/DC/a01.wav", "savee_DC_a01"},
        {"DC/a01.npy", "savee_DC_a01"},
        {"C:\\corpora\\DC\\a01.wav", "savee_DC_a01"},
        {"x/deep/savee/JE/a01.wav", "deep_JE_a01"},
        {"savee/JE/a01.wav", "savee_JE_a01"},
        {"/x/JE/a01.wav", ""},
        {"a01.wav", ""},
        {"XDC/a01.wav", ""},
        {"one.wav", "mine"},
        {"/y/one.flac", "other"},
        {"one", ""},
        {"d", "last"},
        {"a/b.c/d.wav", "last"},
        {"a02.wav", NULL},
        {"", NULL},
        {"savee/DC", NULL},
    };
    struct ser_roster r;
    struct ser_roster_row *row;
    struct ser_error e;
    FILE *f = fopen(bad, "w");
    if (!f || fputs(table, f) < 0 || fclose(f))
        die(SER_SYS, "cannot write %s", bad);
    must(ser_roster_load(&r, bad, &e), &e);
    check(r.n == 6 && strcmp(ser_attr(&r.row[0].attrs, "speaker"), "savee_DC") == 0 &&
              !ser_attr(&r.row[1].attrs, "speaker"),
          "a roster keeps what the manifest tells");
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        int found = ser_roster_find(&r, at[i].name, &row);
        const char *got = found == 1 ? row->id : found ? "" : NULL;
        check(got && at[i].id ? strcmp(got, at[i].id) == 0 : got == at[i].id, "'%s' means %s",
              at[i].name,
              !got   ? "none"
              : *got ? got
                     : "several");
    }
    ser_roster_free(&r);
}

static void refuses_model(const char *what, const char *want) {
    struct ser_model m;
    struct ser_error e = {0};
    int got = ser_model_load(&m, bad, &e);
    check(got && e.status == SER_BAD && strncmp(e.text, bad, strlen(bad)) == 0 &&
              strstr(e.text, want),
          "%s: %s", what, e.text);
    if (!got)
        ser_model_free(&m);
}

static void test_models(void) {
    static const struct {
        const char *name, *value, *want;
    } header[] = {
        {"classes", NULL, "lacks classes"},
        {"classes", "calm,happy", "dense1.w"},
        {"classes", "calm,calm,sad", "'calm' comes twice"},
        {"classes", "calm,sad,happy", "'happy' comes twice or out of order"},
        {"classes", ",happy,sad", "'' is empty"},
        {"input", NULL, "lacks classes or input"},
        {"input", "4x3", "standardize1.mean"},
        {"input", "3x5", "the input has 15"},
        {"input", "3x99999999999", "lacks classes or input"},
        {"input", "12", "its input has other axes than feat.axes tells"},
        {"feat.axes", "channels", "its input has other axes than feat.axes tells"},
        {"feat.axes", "depth,time", "feat.axes is 'depth,time': not one to three of"},
        {"train.temperature", "0", "train.temperature is '0', not a number from 0.01 to 100"},
        {"train.temperature", "101", "train.temperature is '101'"},
        {"train.temperature", "nan", "train.temperature is 'nan'"},
        {"train.temperature", "", "train.temperature is ''"},
    };
    struct ser_model m = make();
    struct ser_error e;
    must(ser_model_save(&m, NULL, good, &e), &e);
    ser_model_free(&m);
    copy(NULL, NULL, NULL, NULL, 0, 0);
    int got = ser_model_load(&m, bad, &e);
    if (check(got == 0 && m.net->temperature == 1, "a copy is a model, without temperature"))
        ser_model_free(&m);
    copy("train.temperature", "2.5", NULL, NULL, 0, 0);
    got = ser_model_load(&m, bad, &e);
    if (check(got == 0 && m.net->temperature == 2.5, "a temperature is taken"))
        ser_model_free(&m);
    for (size_t i = 0; i < sizeof header / sizeof *header; i++) {
        copy(header[i].name, header[i].value, NULL, NULL, 0, 0);
        refuses_model(header[i].value ? header[i].value : "nothing", header[i].want);
    }
    copy(NULL, NULL, "net", NULL, 0, 0);
    refuses_model("no net", "not a model");
    copy(NULL, NULL, "dense1.b", NULL, 0, 0);
    refuses_model("a parameter less", "dense1.b is missing");
}

static void test_checkpoints(void) {
    enum { EPOCH, LR, BEST_EPOCH = 5, WAIT, PLATEAU_WAIT, STOPPED, STEPS };
    static const struct {
        int at;
        double x;
        const char *want;
    } state[] = {
        {EPOCH, 0, "counters"},        {EPOCH, 3, "record 'log'"}, {EPOCH, 1.5, "counters"},
        {LR, -1, "learning rate"},     {LR, 1e9, "learning rate"}, {BEST_EPOCH, 0, "counters"},
        {BEST_EPOCH, 3, "counters"},   {WAIT, 3, "counters"},      {WAIT, -1, "counters"},
        {PLATEAU_WAIT, 3, "counters"}, {STOPPED, 2, "counters"},   {STEPS, 1, "counters"},
    };
    struct ser_training t = {.model = make(), .o = ser_training_defaults};
    struct ser_error e = {0};
    ser_attrs_copy(&t.identity, &t.model.header);
    t.history = ecalloc(2, sizeof *t.history);
    t.history_cap = 2;
    t.history[0] = (struct ser_epoch){.epoch = 1, .improved = 1};
    t.history[1] = (struct ser_epoch){.epoch = 2, .loss = 0.5};
    if (ser_fit_new(&t.fit, t.model.net, &t.o.fit))
        die(SER_SYS, "out of memory");
    t.fit.epoch = 2;
    t.fit.best_epoch = 1;
    t.fit.adam.steps = 4;
    must(ser_checkpoint_save(&t, good, &e), &e);
    copy(NULL, NULL, NULL, NULL, 0, 0);
    t.fit.epoch = t.fit.best_epoch = 0;
    t.history[1].loss = 0;
    check(!ser_checkpoint_load(&t, bad, &e) && t.fit.epoch == 2 && t.fit.best_epoch == 1 &&
              t.history[1].loss == 0.5,
          "a copy is a checkpoint %s", e.text);
    for (size_t i = 0; i < sizeof state / sizeof *state; i++) {
        e = (struct ser_error){0};
        copy(NULL, NULL, NULL, "state", (size_t)state[i].at, state[i].x);
        int got = ser_checkpoint_load(&t, bad, &e);
        check(got && e.status == SER_BAD && strstr(e.text, state[i].want), "state %d is %g: %s",
              state[i].at, state[i].x, e.text);
    }
    ser_attr_set(&t.identity, "train.kernels", "fast");
    copy("train.kernels", "onednn", NULL, NULL, 0, 0);
    e = (struct ser_error){0};
    check(!ser_checkpoint_load(&t, bad, &e), "onednn, as fast was called once, is fast %s", e.text);
    copy("train.kernels", "plain", NULL, NULL, 0, 0);
    check(ser_checkpoint_load(&t, bad, &e) &&
              strstr(e.text, "train.kernels is plain there, but fast now"),
          "plain is not: %s", e.text);
    ser_training_free(&t);
}

/* A stream of one sample [2,3], whose attribute frames is told. */
static int add_sample(struct ser_dataset *d, const char *frames, struct ser_error *e) {
    struct ser_writer w;
    struct ser_attrs header = {0};
    struct ser_record rec = {0};
    ser_attr_set(&header, "kind", "features");
    must(ser_writer_open(&w, good, &header, e), e);
    must(ser_record_set(&rec, "a", SER_F32, 2, (uint64_t[]){2, 3}, e), e);
    memset(rec.data, 0, rec.bytes);
    ser_attr_set(&rec.attrs, "emotion", "calm");
    ser_attr_set(&rec.attrs, "frames", frames);
    must(ser_writer_put(&w, &rec, e), e);
    must(ser_writer_close(&w, e), e);
    ser_attrs_clear(&header);
    ser_record_free(&rec);
    return ser_dataset_add(d, good, e);
}

/* The true frames of that sample, as statistics of voices take them; -1 with e set. */
static int voice_frames(struct ser_error *e) {
    struct ser_voices v = {.by = "all"};
    struct ser_reader r;
    struct ser_record rec = {0};
    struct ser_layout l;
    must(ser_reader_open(&r, good, NULL, e), e);
    must(ser_voices_begin(&v, &r.header, good, e) || ser_reader_next(&r, &rec, e) < 0, e);
    int bad_layout = ser_voices_layout(&v, &r, &rec, &l, e);
    ser_voices_free(&v);
    ser_record_free(&rec);
    ser_reader_close(&r);
    return bad_layout ? -1 : (int)l.frames;
}

static void test_frames(void) {
    static const struct {
        const char *told;
        int want; /* -1: refused */
    } at[] = {{NULL, 3}, {"1", 1},   {"3", 3},     {"40", 3},
              {"0", -1}, {"-1", -1}, {"many", -1}, {"", -1}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct ser_dataset d = {0};
        struct ser_error e = {0};
        int got = add_sample(&d, at[i].told, &e);
        struct ser_data data = ser_dataset_data(&d);
        if (at[i].want > 0)
            check(!got && data.frames(data.ctx, 0) == at[i].want, "frames %s: %d are true %s",
                  at[i].told ? at[i].told : "not told", at[i].want, e.text);
        else
            check(got && e.status == SER_BAD && strstr(e.text, "its attribute frames is"), "%s",
                  e.text);
        e = (struct ser_error){0};
        check(voice_frames(&e) == at[i].want &&
                  (at[i].want > 0 || (strstr(e.text, good) && strstr(e.text, ": record 1 (a): ") &&
                                      strstr(e.text, at[i].told))),
              "the same of voices, named with file, record and value %s", e.text);
        ser_dataset_free(&d);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    ser_start(argv[0]);
    if (mkstemp(good) < 0 || mkstemp(bad) < 0)
        die(SER_SYS, "cannot make a file in /tmp");
    test_axes();
    test_roster();
    test_models();
    test_checkpoints();
    test_frames();
    unlink(good);
    unlink(bad);
    return failed != 0;
}
