#include "bridge/follow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/live.h"
#include "bridge/model.h"
#include "bridge/recipe.h"
#include "bridge/sound.h"
#include "core/bytes.h"
#include "math/speech.h"
#include "math/windows.h"

enum { WAVE_HZ = 22050 }; /* at which a recording is heard that no model hears */

/* What hears: windows is NULL without a model. */
struct following {
    const char *path; /* of the model */
    struct ser_model model;
    struct ser_recipe recipe;
    struct ser_run *run;
    struct ser_windows *windows;
    struct ser_timelines *rows;
    struct ser_timeline *row;
    float *p;  /* [classes] */
    int heard; /* true frames of the window */
};

/* ---- the waveform ---- */

/* Pairs of columns become one. */
static void halve(struct ser_wave *w) {
    w->columns /= 2;
    w->per *= 2;
    for (size_t c = 0; c < w->columns; c++) {
        w->least[c] = fminf(w->least[2 * c], w->least[2 * c + 1]);
        w->most[c] = fmaxf(w->most[2 * c], w->most[2 * c + 1]);
    }
}

static void add_samples(struct ser_wave *w, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++, w->samples++) {
        if (w->samples == SER_WAVE_COLUMNS * w->per)
            halve(w);
        size_t c = w->samples / w->per;
        if (c == w->columns) {
            w->least[c] = w->most[c] = x[i];
            w->columns++;
        }
        w->least[c] = fminf(w->least[c], x[i]);
        w->most[c] = fmaxf(w->most[c], x[i]);
    }
}

/* ---- the model ---- */

static int check_model(const struct following *w, struct ser_error *e) {
    const struct ser_recipe *r = &w->recipe;
    const struct ser_shape *in = &w->model.net->input;
    if (r->norm > SER_NORMAL_UTTERANCE)
        return ser_fail(e, SER_BAD,
                        "%s: hears features normalised by more than one recording, and here is "
                        "one: take a model without " SER_NORM,
                        w->path);
    if (r->frames < 2 || in->rank != 3 || in->dim[0] != ser_recipe_rows(r) ||
        in->dim[1] != r->frames)
        return ser_fail(
            e, SER_BAD, "%s: wants features of %dx%d, and its recipe makes windows of %dx%d",
            w->path, in->dim[0], in->rank > 1 ? in->dim[1] : 1, ser_recipe_rows(r), r->frames);
    return 0;
}

static int open_model(struct following *w, double every_s, struct ser_error *e) {
    char why[SER_WHY];
    if (ser_model_load(&w->model, w->path, e) ||
        ser_recipe_get(&w->model.header, w->path, &w->recipe, e) || check_model(w, e))
        return -1;
    size_t K = (size_t)w->model.classes, hop = (size_t)w->recipe.hop;
    w->windows = ser_windows_new(&w->recipe, ser_live_step(every_s, w->recipe.rate_hz, hop) / hop);
    w->p = calloc(K, sizeof *w->p);
    struct ser_classes *classes = &w->rows->classes;
    classes->name = calloc(K, sizeof *classes->name);
    if (!w->windows || !w->p || !classes->name)
        return ser_no_memory(e);
    for (size_t k = 0; k < K; k++, classes->n++)
        if (!(classes->name[k] = strdup(w->model.class_name[k])))
            return ser_no_memory(e);
    w->run = ser_run_new(w->model.net, ser_kernels_find(ser_kernels_default()), 1, 1, 0, why);
    if (!w->run)
        return ser_fail(e, SER_SYS, "%s: cannot score: %s", w->path, why);
    ser_run_frames(w->run, &w->heard);
    return 0;
}

static int score(struct following *w, const struct ser_window *x, struct ser_error *e) {
    struct ser_moment m = {.start_s = x->start_s, .end_s = x->end_s, .level_db = x->level_db};
    int best = 0, K = w->model.classes;
    w->heard = (int)x->full;
    ser_run_predict(w->run, x->x, 1, w->p);
    if (ser_run_failed(w->run))
        return ser_fail(e, SER_SYS, "not enough memory for the model's network");
    for (int k = 0; k < K; k++) {
        if (!isfinite(w->p[k]))
            return ser_fail(e, SER_BAD,
                            "%s: the model's probabilities are not numbers: its parameters are "
                            "absurd",
                            w->path);
        best = w->p[k] > w->p[best] ? k : best;
    }
    if (x->speech < 0 || x->speech >= SER_MIN_SPEECH) {
        m.predicted = ser_set_keep(&w->rows->texts, w->model.class_name[best]);
        if (!m.predicted)
            return ser_no_memory(e);
    }
    return ser_timeline_add(w->rows, w->row, m, w->p) ? ser_no_memory(e) : 0;
}

/* All windows that the samples so far make. */
static int score_windows(struct following *w, struct ser_error *e) {
    struct ser_window x;
    int got = 0;
    while (w->windows && (got = ser_windows_next(w->windows, &x)) > 0)
        if (score(w, &x, e))
            return -1;
    return got < 0 ? ser_no_memory(e) : 0;
}

/* ---- both ---- */

static int hear(struct following *w, struct ser_sound *sound, struct ser_wave *wave,
                struct ser_error *e) {
    const float *x;
    size_t n;
    int got;
    while ((got = ser_sound_next(sound, &x, &n, e)) > 0) {
        add_samples(wave, x, n);
        if (w->windows && ser_windows_feed(w->windows, x, n))
            return ser_no_memory(e);
        if (score_windows(w, e))
            return -1;
    }
    if (w->windows)
        ser_windows_end(w->windows);
    return got < 0 ? -1 : score_windows(w, e);
}

static int hear_input(struct following *w, const char *path, struct ser_wave *wave,
                      struct ser_error *e) {
    struct ser_sound *sound = ser_sound_new(wave->rate_hz, NULL);
    struct ser_in in;
    int is_file = path && strcmp(path, "-") != 0;
    if (!sound)
        return ser_no_memory(e);
    int failed = is_file ? ser_sound_path(sound, path, e) : ser_in_open(&in, path, e);
    if (!failed) {
        failed = (!is_file && ser_sound_in(sound, &in, e)) || hear(w, sound, wave, e);
        if (!is_file)
            ser_in_close(&in);
    }
    ser_sound_free(sound);
    return failed ? -1 : 0;
}

int ser_follow(const char *path, const char *model, double every_s, struct ser_wave *wave,
               struct ser_timelines *l, struct ser_error *e) {
    struct following w = {.path = model, .rows = l};
    int failed = model && open_model(&w, every_s, e);
    *wave = (struct ser_wave){.rate_hz = w.windows ? w.recipe.rate_hz : WAVE_HZ, .per = 1};
    if (!failed &&
        !(w.row = ser_timelines_add(l, path && strcmp(path, "-") != 0 ? path : "<stdin>")))
        failed = ser_no_memory(e);
    if (!failed)
        failed = hear_input(&w, path, wave, e);
    if (w.run)
        ser_run_free(w.run);
    if (w.windows)
        ser_windows_free(w.windows);
    if (w.model.net)
        ser_model_free(&w.model);
    free(w.p);
    return failed ? -1 : 0;
}
