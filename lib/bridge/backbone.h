/* backbone.h - models that hear what the last layer of another network hears: its embeddings, as ser-score --embed
 * writes them. The other network is the backbone, the model is a head.
 *
 * Between the two stand streams of vectors, so that a voice's embeddings can be normalised by the voice
 * (voices.h) before the head decides. The header of such a stream has
 *
 *   feat.type=embedding  feat.axes=channels  feat.encoder=network  feat.encoder_xxh3=HASH
 *
 * and so has the head's. HASH is XXH3-64, as 16 hexadecimal digits, over the backbone's description and its
 * parameters in their order, little-endian; each piece of them seeds the next. What else a model holds, as its
 * temperature, does not matter.
 */
#ifndef SER_BACKBONE_H
#define SER_BACKBONE_H

#include "bridge/model.h"

/* Sets the attributes of its embeddings, which are the header of their stream. */
void ser_backbone_put(const struct ser_model *m, struct ser_attrs *header);

/* Where *model is the path of a head, makes it that of its backbone, in memory that nobody frees; any other, NULL,
 * "-" and what is no regular file stay. The backbone is looked for among the models beside it, *.bin, then among
 * those that have a name. 0, or -1 with e set (SER_SYS): none of them is it, or a file cannot be read. */
int ser_backbone_find(const char **model, struct ser_error *e) SER_MUST_CHECK;

#endif
