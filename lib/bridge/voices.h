/* voices.h - mean and deviation of features by voice: by speaker, by corpus, or of all recordings; as
 * a stream (kind statistics), and features normalised by them.
 *
 * A stream of statistics has a record for each voice: its key is the speaker, the corpus or "all", and
 * "-" where all recordings were said to be of one speaker; f64 [2, ...] are mean and deviation of every
 * feature, with the dimensions that features have, without that of time. The attribute frames is how many true
 * frames they are of, records of how many records. The header has the feat.* of the features, and stats.by.
 *
 * Altered copies (the attribute aug) of recordings do not count where the voice has recordings as they are: a
 * voice is what was recorded of it, and a copy at another pitch is another voice.
 */
#ifndef SER_VOICES_H
#define SER_VOICES_H

#include "bridge/axes.h"
#include "core/reader.h"
#include "core/writer.h"
#include "math/moments.h"

struct ser_drawn {
    uint64_t
        hash; /* of id and seed: recordings are drawn in the order of this, then of their ids */
    char *id; /* owned */
};

struct ser_voice {
    char *name;       /* owned */
    double frames;    /* true ones that are in it, 0: nothing is known */
    uint64_t records; /* so many were added */
    int altered;      /* 1: only altered copies were added so far */
    double *mean;     /* [features] */
    double *variance; /* [features]; before ser_voices_finish: the sum of squares about the mean */
    struct ser_drawn *at; /* [drawn] in the order of the draw; owned */
    size_t drawn, cap;
};

struct ser_voices {       /* all zeros but for the first four: nothing yet */
    const char *by;       /* speaker, corpus or all; borrowed */
    int one_speaker;      /* 1: all records are of one, whatever their attributes */
    uint64_t seed;        /* of the draw */
    size_t most;          /* recordings of a voice that are drawn; 0: no draw */
    struct ser_attrs of;  /* feat.* of the features; owned */
    struct ser_axes axes; /* as feat.* has them */
    int rank;             /* of dim; -1: not known yet */
    uint64_t dim[3];      /* of the features, without time */
    size_t features;      /* their product */
    size_t n, cap;
    struct ser_voice *at; /* [n] by name, in byte order; owned */
};

/* Takes feat.* from the header of a stream of features; where is its name in messages. 0, or -1 with e
 * set (SER_BAD): axes that are none. */
int ser_voices_begin(struct ser_voices *v, const struct ser_attrs *header, const char *where,
                     struct ser_error *e) SER_MUST_CHECK;

/* All that follow: 0, or -1 with e set, SER_BAD for records that are not f32 of these axes and
 * dimensions, whose attribute frames is not a number from 1, or that have no speaker (corpus) where they need
 * one. r is the reader of rec. */

/* How the frames of a record lie. */
int ser_voices_layout(struct ser_voices *v, const struct ser_reader *r,
                      const struct ser_record *rec, struct ser_layout *l,
                      struct ser_error *e) SER_MUST_CHECK;

/* The bytes of a record's key that name its recording: without @SECONDS of a window, and without #WHAT of an
 * altered copy. */
size_t ser_id_length(const struct ser_record *rec);

/* Draws: keeps the recording of this record if it is among the first most of its voice. */
int ser_voices_draw(struct ser_voices *v, const struct ser_reader *r, const struct ser_record *rec,
                    struct ser_error *e) SER_MUST_CHECK;

/* Its place in the draw from 0, or the number of drawn ones where it is not among them. */
size_t ser_voices_place(const struct ser_voice *voice, const struct ser_record *rec);

/* Adds the true frames of a record to its voice. */
int ser_voices_add(struct ser_voices *v, const struct ser_reader *r, const struct ser_record *rec,
                   struct ser_error *e) SER_MUST_CHECK;

/* Makes variances of the sums. Call it once, after the last record. */
void ser_voices_finish(struct ser_voices *v);

/* Adds weight frames of prior, k > 0, to every voice: (n own + k prior) / (n + k) of mean and variance, n the
 * frames of the voice. Call it once, after finish or load. prior is one voice, as ser_voices_average makes it. */
int ser_voices_shrink(struct ser_voices *v, const struct ser_voices *prior, double weight,
                      struct ser_error *e) SER_MUST_CHECK;

/* Whose a record is; NULL: it does not say. */
const char *ser_voices_name(const struct ser_voices *v, const struct ser_record *rec);

/* The voice of this name, which is new if need be; NULL without memory. The dimensions must be known: some record
 * was laid out before. */
struct ser_voice *ser_voices_named(struct ser_voices *v, const char *name);

/* The voice of a record, NULL where it is not among them. */
struct ser_voice *ser_voices_find(const struct ser_voices *v, const struct ser_record *rec);

/* Normalises a record by its voice, its padding too if that is the floor; nothing is changed where the voice
 * has no frames. */
int ser_voices_normalize(struct ser_voices *v, const struct ser_voice *voice,
                         const struct ser_reader *r, struct ser_record *rec,
                         struct ser_error *e) SER_MUST_CHECK;

/* Writes all voices that have frames as a stream of statistics. */
int ser_voices_save(const struct ser_voices *v, const char *path,
                    struct ser_error *e) SER_MUST_CHECK;

/* Reads a stream of statistics, or what a model holds of its training speakers, into v, all zeros. of: the
 * header that has feat.* of the features it shall suit (SER_BAD where it does not), or NULL. */
int ser_voices_load(struct ser_voices *v, const char *path, const struct ser_attrs *of,
                    struct ser_error *e) SER_MUST_CHECK;

/* Leaves one voice, the mean of all means and of all variances, each voice counting the same, with
 * the frames of all. */
void ser_voices_average(struct ser_voices *v);

/* Makes rec, all zeros or set before, the record of a voice. */
int ser_voices_record(const struct ser_voices *v, const struct ser_voice *voice, const char *key,
                      struct ser_record *rec, struct ser_error *e) SER_MUST_CHECK;

void ser_voices_free(struct ser_voices *v);

#endif
