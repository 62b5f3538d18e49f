/* split.h - the parts of a split manifest, and what they share: the one place that judges whether
 * a split leaks.
 */
#ifndef SER_SPLIT_H
#define SER_SPLIT_H

#include "core/core.h"
#include "core/out.h"

enum ser_part { SER_TRAIN, SER_VAL, SER_TEST, SER_PARTS };
extern const char *const ser_part_name[SER_PARTS]; /* train val test */

/* The number of the part of that name, or -1. */
int ser_part_of(const char *name);

/* A row of a manifest: what matters of it here. The texts are the caller's. An empty speaker or group
 * and "-" mean: unknown; so does such a checksum of the audio. */
struct ser_utterance {
    const char *id, *corpus, *speaker, *emotion;
    const char
        *group; /* what else must stay together, for example a session; NULL in all: nothing */
    const char *audio_hash; /* NULL in all where the manifest has no such column */
    int part;               /* enum ser_part; ser_split_share also takes the numbers of folds */
};

/* What parts share. Who or what is unknown is shared with nobody. */
struct ser_shared {
    size_t speakers;              /* all that there are */
    size_t shared_speakers;       /* of them: in more than one part */
    size_t nobodys;               /* utterances whose speaker is unknown */
    size_t groups, shared_groups; /* the same of groups; 0 where there are none */
    size_t shared_audio;          /* recordings, by their checksums, in more than one part */
    size_t pairs;                 /* of such utterances: neighbours, by id, in different parts */
    const struct ser_utterance *pair[2]; /* the first of them; NULL where there is none */
};

/* Finds what the parts of n utterances share. 0, or -1 with e set: no memory. */
int ser_split_share(const struct ser_utterance *u, size_t n, struct ser_shared *shared,
                    struct ser_error *e) SER_MUST_CHECK;

/* Writes the certificate of n utterances as a table, part what value. For each part:
 *
 *   utterances, speakers            how many
 *   corpus.C, emotion.E, speaker.S  how many utterances each has, sorted by name
 *   groups, group.G                 the same of groups, if there are any
 *   sha256.id, sha256.audio         SHA-256 over the sorted ids (audio hashes), one a line
 *
 * and for the part "all" shared.speakers, shared.groups if there are any, and shared.audio. Where no speaker at all is known,
 * shared.speakers is "unknown". Without audio hashes sha256.audio is left out, and shared.audio is
 * "unknown". 0, or -1 with e set: no memory. */
int ser_split_certify(const struct ser_utterance *u, size_t n, const struct ser_shared *shared,
                      struct ser_out *o, struct ser_error *e) SER_MUST_CHECK;

#endif
