#include "bridge/live.h"

#include "bridge/sound.h"
#include "core/progress.h"

struct run {
    const struct ser_live *l;
    struct ser_sound *sound;
    struct ser_sink sink;
    struct ser_progress progress;
    struct ser_record record;
    uint64_t done, all, bad; /* windows; recordings */
    int broken;              /* 1: the output cannot be written */
};

size_t ser_live_step(double every_s, int rate_hz, size_t hop) {
    size_t hops = (size_t)(every_s * rate_hz / (double)hop + 0.5);
    return (hops ? hops : 1) * hop;
}

/* ---- a window ---- */

static int make_record(struct run *w, const struct ser_recording *r, const struct ser_window *x,
                       struct ser_error *e) {
    struct ser_text key = {0};
    ser_text_printf(&key, "%s@%.3f", r->key, x->start_s);
    int failed = key.failed ? ser_no_memory(e) : w->l->make(w->l->ctx, r, x, key.at, &w->record, e);
    ser_text_free(&key);
    return failed;
}

static int put_window(struct run *w, const struct ser_recording *r, const struct ser_window *x,
                      struct ser_error *e) {
    struct ser_attrs *a = &w->record.attrs;
    if (make_record(w, r, x, e))
        return -1;
    ser_attr_setf(a, "start_s", "%.3f", x->start_s);
    ser_attr_setf(a, "end_s", "%.3f", x->end_s);
    ser_attr_set(a, "from_s", NULL);
    if (x->from_s > x->start_s)
        ser_attr_setf(a, "from_s", "%.3f", x->from_s);
    ser_attr_setf(a, "level_db", "%.1f", x->level_db);
    ser_attr_set(a, "speech", NULL);
    if (x->speech >= 0)
        ser_attr_setf(a, "speech", "%.3f", x->speech);
    ser_attr_set(a, "silent", x->silent ? "yes" : NULL);
    w->broken = ser_sink_put(&w->sink, &w->record, e) || ser_sink_flush(&w->sink, e);
    ser_progress_show(&w->progress, ++w->done);
    return w->broken ? -1 : 0;
}

/* All windows that the samples so far make. */
static int put_windows(struct run *w, const struct ser_recording *r, struct ser_error *e) {
    struct ser_window x;
    int got;
    while ((got = ser_windows_next(w->l->windows, &x)) > 0)
        if (put_window(w, r, &x, e))
            return -1;
    return got < 0 ? ser_no_memory(e) : 0;
}

/* ---- a recording ---- */

static int begin_sound(struct run *w, const struct ser_recording *r, struct ser_error *e) {
    struct ser_recordings *from = w->l->recordings;
    if (r->path)
        return ser_sound_path(w->sound, r->path, e);
    if (from->from == SER_FROM_STDIN)
        return ser_sound_in(w->sound, &from->in, e);
    if (!r->sound.count)
        return ser_fail(e, SER_BAD, "<stdin>: (%s): has no samples", r->key);
    ser_sound_samples(w->sound, r->sound.data, r->sound.count, r->rate_hz, "<stdin>");
    return 0;
}

/* The windows of a recording: 0, or -1 with e set, behind those that are there. */
static int convert(struct run *w, const struct ser_recording *r, struct ser_error *e) {
    struct ser_windows *windows = w->l->windows;
    const float *x;
    size_t n;
    int got;
    ser_windows_reset(windows);
    if (begin_sound(w, r, e))
        return -1;
    if (ser_sound_waits(w->sound) && !w->l->quiet)
        warn("%s: this format is read to its end before the first window: where that takes too "
             "long, convert it on its way: ffmpeg -i IN -f wav -",
             ser_recording_name(r));
    while ((got = ser_sound_next(w->sound, &x, &n, e)) > 0) {
        if (ser_windows_feed(windows, x, n))
            return ser_no_memory(e);
        if (put_windows(w, r, e))
            return -1;
    }
    ser_windows_end(windows);
    return got < 0 ? -1 : put_windows(w, r, e);
}

/* ---- all of them ---- */

static int convert_all(struct run *w, struct ser_recording *r, struct ser_error *e) {
    int got;
    while ((got = ser_recordings_next(w->l->recordings, r, e)) > 0) {
        w->all++;
        if (!convert(w, r, e))
            continue;
        ser_recordings_name(w->l->recordings, r, e);
        if (!w->l->keep_going || w->broken || e->status == SER_SYS)
            return -1;
        ser_progress_end(&w->progress);
        warn("%s", e->text);
        w->bad++;
    }
    return got;
}

static int run(struct run *w, struct ser_error *e) {
    struct ser_recording r = {0};
    if (ser_sink_open(&w->sink, w->l->output, w->l->header, w->l->table, e))
        return -1;
    ser_progress_start(&w->progress, "windows", 0, w->l->quiet);
    int failed = convert_all(w, &r, e);
    ser_progress_end(&w->progress);
    ser_recording_free(&r);
    ser_record_free(&w->record);
    if (failed) {
        ser_sink_abandon(&w->sink);
        return -1;
    }
    return ser_sink_close(&w->sink, e);
}

int ser_live_run(const struct ser_live *l, struct ser_error *e) {
    struct run w = {.l = l};
    struct ser_pcm raw;
    const char *wrong = l->raw ? ser_pcm_parse(l->raw, &raw) : NULL;
    if (wrong)
        return ser_fail(e, SER_USAGE, "--raw '%s': %s", l->raw, wrong);
    if (l->raw && l->recordings->from == SER_FROM_STREAM)
        return ser_fail(e, SER_USAGE,
                        "--raw: standard input is a tensor stream, not sound without a header");
    l->recordings->live = 1;
    w.sound = ser_sound_new(l->rate_hz, l->raw ? &raw : NULL);
    if (!w.sound)
        return ser_no_memory(e);
    int failed = run(&w, e);
    ser_sound_free(w.sound);
    if (failed)
        return -1;
    if (w.bad)
        warn("%llu of %llu recordings %s skipped; windows before what is wrong are kept",
             (unsigned long long)w.bad, (unsigned long long)w.all, w.bad == 1 ? "was" : "were");
    return w.bad > 0;
}
