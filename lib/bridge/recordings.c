#include "bridge/recordings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/trim.h"

enum { MAX_STDIN = 0x7fffffff };

static void clear(struct ser_recording *r) {
    free(r->key);
    free(r->path);
    free(r->bytes);
    ser_attrs_clear(&r->attrs);
    r->key = r->path = NULL;
    r->bytes = NULL;
}

void ser_recording_free(struct ser_recording *r) {
    clear(r);
    ser_record_free(&r->sound);
}

const char *ser_recording_name(const struct ser_recording *r) {
    return r->path ? r->path : "<stdin>";
}

const char *ser_recordings_of(uint64_t n, uint64_t all, char text[SER_OF_TEXT]) {
    snprintf(text, SER_OF_TEXT, "%llu of %llu recording%s %s", (unsigned long long)n,
             (unsigned long long)all, all == 1 ? "" : "s", n == 1 ? "is" : "are");
    return text;
}

/* ---- where they come from ---- */

static int open_stdin(struct ser_recordings *s, struct ser_error *e) {
    const unsigned char *at;
    size_t got;
    if (ser_in_open(&s->in, NULL, e))
        return -1;
    s->in.feeds = s->feeds;
    int bad = ser_in_peek(&s->in, 8, &at, &got, e);
    if (!bad && !got)
        bad = ser_fail(e, SER_BAD, "<stdin>: empty input: audio or an audio stream is needed%s",
                       ser_in_before(&s->in));
    if (bad) {
        ser_in_close(&s->in);
        return -1;
    }
    s->from = ser_is_stream(at, got) ? SER_FROM_STREAM : SER_FROM_STDIN;
    return s->from == SER_FROM_STREAM ? ser_reader_begin(&s->reader, &s->in, "audio", e) : 0;
}

int ser_recordings_open(struct ser_recordings *s, const char *manifest, char **files, int count,
                        struct ser_error *e) {
    *s = (struct ser_recordings){.from = SER_FROM_MANIFEST, .feeds = s->feeds};
    if (manifest && *files)
        return ser_fail(e, SER_USAGE, "give either --manifest or files, not both");
    for (char **f = files; *f; f++)
        if (strcmp(*f, "-") == 0 && files[1])
            return ser_fail(e, SER_USAGE, "standard input cannot be one of several inputs");
    if (manifest) {
        if (ser_manifest_open(&s->manifest, manifest, e))
            return -1;
        s->total = count ? ser_in_lines(&s->manifest.table.in) : 0;
        return 0;
    }
    if (!*files || strcmp(*files, "-") == 0)
        return open_stdin(s, e);
    s->from = SER_FROM_FILES;
    for (s->file = files; files[s->total];)
        s->total++;
    return 0;
}

void ser_recordings_close(struct ser_recordings *s) {
    if (s->from == SER_FROM_MANIFEST)
        ser_manifest_close(&s->manifest);
    if (s->from == SER_FROM_STREAM)
        ser_reader_close(&s->reader);
    if (s->from == SER_FROM_STDIN)
        ser_in_close(&s->in);
}

int ser_recordings_single(const struct ser_recordings *s) {
    return s->from == SER_FROM_STDIN || (s->from == SER_FROM_FILES && s->total == 1);
}

static int take_record(struct ser_recordings *s, struct ser_recording *r, struct ser_error *e) {
    int got = ser_reader_next(&s->reader, &r->sound, e);
    if (got <= 0)
        return got;
    const char *rate = ser_attr(&s->reader.header, "feat.rate_hz");
    int64_t hz;
    if (!rate || ser_parse_int(rate, SER_AUDIO_MIN_HZ, SER_AUDIO_MAX_HZ, &hz))
        return ser_reader_fail(&s->reader, &r->sound, e,
                               "the header's feat.rate_hz must be a rate from %d to %d Hz",
                               SER_AUDIO_MIN_HZ, SER_AUDIO_MAX_HZ);
    if (r->sound.type != SER_F32 || r->sound.rank != 1)
        return ser_reader_fail(&s->reader, &r->sound, e,
                               "is not f32 [samples], as records of audio are");
    r->rate_hz = (int)hz;
    r->key = strdup(r->sound.key);
    ser_attrs_copy(&r->attrs, &r->sound.attrs);
    return r->key ? 1 : ser_no_memory(e);
}

/* A path as a key: bytes that a key cannot hold become %XX. NULL without memory. */
static char *key_of_path(const char *path) {
    char *key = malloc(3 * strlen(path) + 1), *k = key;
    if (!key)
        return NULL;
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

static int take_file(struct ser_recordings *s, struct ser_recording *r, struct ser_error *e) {
    if (!*s->file)
        return 0;
    r->path = strdup(*s->file++);
    r->key = r->path ? key_of_path(r->path) : NULL;
    if (!r->key)
        return ser_no_memory(e);
    if (!*r->key || strlen(r->key) > SER_MAX_KEY)
        return ser_fail(e, SER_SYS, "%s: the path is empty or too long", r->path);
    return 1;
}

static int take_stdin(struct ser_recordings *s, struct ser_recording *r, struct ser_error *e) {
    if (s->taken)
        return 0;
    s->taken = 1;
    r->key = strdup("stdin");
    if (!r->key)
        return ser_no_memory(e);
    if (s->live)
        return 1;
    return ser_in_rest(&s->in, MAX_STDIN, &r->bytes, &r->bytes_len, e) ? -1 : 1;
}

int ser_recordings_next(struct ser_recordings *s, struct ser_recording *r, struct ser_error *e) {
    clear(r);
    switch (s->from) {
    case SER_FROM_MANIFEST: {
        int got = ser_manifest_next(&s->manifest, &r->key, &r->path, &r->attrs, e);
        r->row = s->manifest.table.row;
        return got;
    }
    case SER_FROM_STREAM:
        return take_record(s, r, e);
    case SER_FROM_FILES:
        return take_file(s, r, e);
    default:
        return take_stdin(s, r, e);
    }
}

void ser_recordings_name(const struct ser_recordings *s, const struct ser_recording *r,
                         struct ser_error *e) {
    if (s->from == SER_FROM_MANIFEST)
        ser_manifest_name_row(&s->manifest, r->row, r->key, e);
}

/* ---- their sound ---- */

int ser_listener_open(struct ser_listener *l, struct ser_error *e) {
    l->resampler = ser_resampler_new();
    return l->resampler ? 0 : ser_no_memory(e);
}

void ser_listener_close(struct ser_listener *l) {
    ser_audio_free(&l->audio);
    ser_resampler_free(l->resampler);
}

static int load_record(const struct ser_recording *r, struct ser_listener *l, const float **x,
                       size_t *n, struct ser_error *e) {
    const char *why;
    if (!r->sound.count)
        return ser_fail(e, SER_BAD, "<stdin>: (%s): has no samples", r->key);
    if (!ser_resample(l->resampler, r->sound.data, r->sound.count, r->rate_hz, l->rate_hz, x, n,
                      &why))
        return 0;
    ser_fail(e, ser_blame(), "<stdin>: (%s): cannot resample: %s", r->key, why);
    return e->status == SER_SYS ? -2 : -1; /* what the system does is no recording's fault */
}

static int load_audio(const struct ser_recording *r, struct ser_listener *l, const float **x,
                      size_t *n, struct ser_error *e) {
    struct ser_audio *a = &l->audio;
    if (r->path ? ser_audio_load(a, r->path, l->rate_hz, e)
                : ser_audio_decode(a, r->bytes, r->bytes_len, "<stdin>", l->rate_hz, e))
        return -1;
    *x = a->sample;
    *n = a->frames;
    return 0;
}

void ser_listener_trim(const struct ser_listener *l, const float **x, size_t *n) {
    size_t from;
    if (l->trim_db == 0)
        return;
    ser_trim(*x, *n, l->trim_db, (size_t)(l->trim_margin_s * l->rate_hz + 0.5), &from, n);
    *x += from;
}

int ser_recording_load(const struct ser_recording *r, struct ser_listener *l, const float **x,
                       size_t *n, struct ser_error *e) {
    int bad = r->path || r->bytes ? load_audio(r, l, x, n, e) : load_record(r, l, x, n, e);
    if (!bad)
        ser_listener_trim(l, x, n);
    return bad;
}
