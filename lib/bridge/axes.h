/* axes.h - what the axes of features are, as the attribute feat.axes of their stream says, and what
 * a network makes of them.
 *
 *   feat.axes           a record of features       a sample of the network
 *   bands,time          f32 [H,W]                  image {H,W,1}; if the attribute is absent
 *   time,channels       f32 [T,C]                  sequence {T,C}
 *   channels            f32 [C]                    vector {C}
 *   layers,channels     f32 [L,C]                  sequence {L,C}
 *   layers,time,channels  f32 [L,T,C]              image {L,T,C}
 *
 * In general: one to three of the words bands, channels, layers and time, none twice. Channels, if
 * there are any, are last; without them a sample has one channel, and features have two axes at
 * most.
 */
#ifndef SER_AXES_H
#define SER_AXES_H

#include "core/reader.h"
#include "nn/nn.h"

#define SER_AXES         "feat.axes"
#define SER_AXES_DEFAULT "bands,time"

struct ser_axes {
    int rank;     /* of the features, 1..3 */
    int time;     /* which of them is time; -1: none */
    int channels; /* 1: the last one is that of channels */
};

/* Reads the words of feat.axes. 0, or -1: not such words. */
int ser_axes_parse(const char *words, struct ser_axes *a) SER_MUST_CHECK;

/* The axes that the header of a stream tells; where is its name in messages. 0, or -1 with e set
 * (SER_BAD). */
int ser_axes_get(const struct ser_attrs *header, const char *where, struct ser_axes *a,
                 struct ser_error *e) SER_MUST_CHECK;

/* What samples of features with these dimensions are. 0, or -1: another rank, or a dimension that
 * is 0 or above SER_MAX_DIM. */
int ser_axes_input(const struct ser_axes *a, int rank, const uint64_t *dim,
                   struct ser_input *in) SER_MUST_CHECK;

/* How many of all frames of a record are true, as its attribute frames says: at most all, and all where
 * it does not say. -1 with e set (SER_BAD): that is not a number from 1. r is the reader of rec. */
int64_t ser_axes_frames(const struct ser_reader *r, const struct ser_record *rec, int64_t all,
                        struct ser_error *e) SER_MUST_CHECK;

#endif
