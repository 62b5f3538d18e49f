/* adapt.h - features normalised by what was heard of their voice so far: for speech that is scored while it is
 * spoken, by a model that knows voices by their own mean and deviation.
 *
 * Whose a record is: of the speaker that it names; where it names none, of the one speaker that its recording is of;
 * or of the one that all are said to be of. A record counts where it is speech: where at least SER_MIN_SPEECH of it
 * is (its attribute speech), or nothing is known of that. A frame that windows of a recording share is counted once:
 * frames are told apart by their times. A record's frames begin at start_s, or from_s where it was trimmed, and lie a
 * hop apart; where the header tells no hop, so many equal parts from there to end_s.
 *
 * What was heard is shrunk towards a prior: (n own + k prior) / (n + k) of mean and variance, n the frames that
 * were counted, those of the record itself among them.
 */
#ifndef SER_ADAPT_H
#define SER_ADAPT_H

#include "bridge/voices.h"

/* For features with this header, where its name in messages. prior is one voice, as ser_voices_average makes it,
 * and stays the caller's; weight > 0 is k; one_speaker: all records are of one. NULL with e set. */
struct ser_adapt;
struct ser_adapt *ser_adapt_new(const struct ser_attrs *header, const char *where,
                                const struct ser_voices *prior, double weight, int one_speaker,
                                struct ser_error *e);
void ser_adapt_free(struct ser_adapt *a);

/* Counts a record's frames and normalises it in place; r is its reader. 0, or -1 with e set as in voices.h. */
int ser_adapt_next(struct ser_adapt *a, const struct ser_reader *r, struct ser_record *rec,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
