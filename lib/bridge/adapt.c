#include "bridge/adapt.h"

#include "math/speech.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ser_adapt {
    struct ser_voices heard;        /* sums about the means, of all that was counted */
    const struct ser_voices *prior; /* borrowed */
    double weight, hop_s;           /* 0: the header does not tell a hop */
    double *mean, *variance;        /* [features] of a voice, shrunk */
    /* The last record that was counted. */
    char *recording;
    double start_s, until_s; /* its frames end there */
};

static double number_of(const struct ser_attrs *attrs, const char *key) {
    const char *text = ser_attr(attrs, key);
    double x;
    return text && !ser_parse_real(text, -1e12, 1e12, &x) ? x : NAN;
}

struct ser_adapt *ser_adapt_new(const struct ser_attrs *header, const char *where,
                                const struct ser_voices *prior, double weight, int one_speaker,
                                struct ser_error *e) {
    struct ser_adapt *a = calloc(1, sizeof *a);
    if (!a) {
        ser_no_memory(e);
        return NULL;
    }
    a->heard.by = "speaker";
    a->heard.one_speaker = one_speaker;
    a->prior = prior;
    a->weight = weight;
    a->hop_s = number_of(header, "feat.hop") / number_of(header, "feat.rate_hz");
    a->mean = calloc(prior->features, sizeof *a->mean);
    a->variance = calloc(prior->features, sizeof *a->variance);
    int failed =
        !a->mean || !a->variance ? ser_no_memory(e) : ser_voices_begin(&a->heard, header, where, e);
    if (!failed)
        return a;
    ser_adapt_free(a);
    return NULL;
}

void ser_adapt_free(struct ser_adapt *a) {
    if (!a)
        return;
    ser_voices_free(&a->heard);
    free(a->mean);
    free(a->variance);
    free(a->recording);
    free(a);
}

/* The voice of a record, whose recording is called so; NULL without memory. */
static struct ser_voice *voice_of(struct ser_adapt *a, const struct ser_record *rec,
                                  const char *recording) {
    const char *name = ser_voices_name(&a->heard, rec);
    return ser_voices_named(&a->heard, name ? name : recording);
}

/* How many of a record's first frames were counted before. From now on all of them are; recording becomes a's. */
static size_t count_before(struct ser_adapt *a, const struct ser_record *rec, char *recording,
                           size_t frames) {
    double start_s = number_of(&rec->attrs, "start_s"), from_s = number_of(&rec->attrs, "from_s");
    double hop_s = a->hop_s, before = 0;
    from_s = isnan(from_s) ? start_s : from_s;
    if (!(hop_s > 0))
        hop_s = (number_of(&rec->attrs, "end_s") - from_s) / (double)frames;
    /* Where time goes back, another recording of the same name begins; without times, each record does. */
    if (a->recording && strcmp(a->recording, recording) == 0 && start_s >= a->start_s && hop_s > 0)
        before = fmin(fmax(round((a->until_s - from_s) / hop_s), 0), (double)frames);
    double until_s = from_s + hop_s * (double)frames;
    a->until_s = before > 0 ? fmax(a->until_s, until_s) : until_s;
    a->start_s = start_s;
    free(a->recording);
    a->recording = recording;
    return (size_t)before;
}

/* Adds the frames of a layout behind the first ones. */
static void add_behind(struct ser_voice *voice, const float *x, struct ser_layout l, size_t first) {
    struct ser_moments m = {voice->frames, voice->mean, voice->variance};
    l.frames -= first;
    ser_moments_add(&m, x + first * l.behind, &l);
    voice->frames = m.frames;
    voice->records++;
}

/* Counts the record for its voice; NULL with e set. */
static struct ser_voice *count(struct ser_adapt *a, const struct ser_reader *r,
                               const struct ser_record *rec, struct ser_error *e) {
    struct ser_layout l;
    double speech = number_of(&rec->attrs, "speech");
    if (ser_voices_layout(&a->heard, r, rec, &l, e))
        return NULL;
    if (a->heard.features != a->prior->features) {
        ser_reader_fail(r, rec, e, "has other dimensions than the prior");
        return NULL;
    }
    char *recording = strndup(rec->key, ser_id_length(rec));
    struct ser_voice *voice = recording ? voice_of(a, rec, recording) : NULL;
    if (!voice || speech < SER_MIN_SPEECH)
        free(recording);
    else {
        size_t before = count_before(a, rec, recording, l.frames);
        if (before < l.frames)
            add_behind(voice, rec->data, l, before);
    }
    if (!voice)
        ser_no_memory(e);
    return voice;
}

int ser_adapt_next(struct ser_adapt *a, const struct ser_reader *r, struct ser_record *rec,
                   struct ser_error *e) {
    struct ser_voice *voice = count(a, r, rec, e);
    if (!voice)
        return -1;
    struct ser_voice known = {voice->name, .mean = a->mean, .variance = a->variance};
    for (size_t f = 0; f < a->heard.features; f++) {
        known.mean[f] = voice->mean[f];
        known.variance[f] = voice->frames > 0 ? voice->variance[f] / voice->frames : 0;
    }
    ser_shrink(known.mean, known.variance, a->heard.features, voice->frames, a->prior->at->mean,
               a->prior->at->variance, a->weight);
    known.frames = voice->frames + a->weight;
    return ser_voices_normalize(&a->heard, &known, r, rec, e);
}
