/* recipe.h - converts a feature recipe (math/recipe.h) to the feat.* attributes of a stream, and
 * back. */
#ifndef SER_BRIDGE_RECIPE_H
#define SER_BRIDGE_RECIPE_H

#include "core/attrs.h"
#include "math/recipe.h"

/* By whose mean and deviation features are normalised: utterance, speaker, corpus or all; absent: none. */
#define SER_NORM "feat.norm"

/* Of embeddings: whose they are, and the XXH3-64 of its weights. Those of a trained network (backbone.h) are of
 * SER_NETWORK; others name their encoder, as ser-embed does. */
#define SER_ENCODER      "feat.encoder"
#define SER_ENCODER_XXH3 "feat.encoder_xxh3"
#define SER_NETWORK      "network"

/* 1 for the attributes of embeddings of a trained network, else 0. */
int ser_recipe_of_network(const struct ser_attrs *a);

/* Sets feat.type, feat.rate_hz, feat.window and so on: everything that decides the values of
 * features. Two recipes have equal attributes exactly if they are equal. A key that a later release
 * added is set only where it differs from its default, so that older streams stay readable. */
void ser_recipe_put(const struct ser_recipe *r, struct ser_attrs *a);

/* The bits of enum ser_append for words separated by commas, as feat.append has them: energy, f0, voicing. -1 for
 * other words, and for one that comes twice. */
int ser_recipe_append(const char *words);

/* Reads the recipe back from the attributes a of a stream; where is its name in messages. 0; or -1
 * with e set: SER_BAD if a key is missing, unknown or out of range. */
int ser_recipe_get(const struct ser_attrs *a, const char *where, struct ser_recipe *r,
                   struct ser_error *e) SER_MUST_CHECK;

/* The same for the header of the stream at path, of any kind: a model, or features. */
int ser_recipe_load(const char *path, struct ser_recipe *r, struct ser_error *e) SER_MUST_CHECK;

/* Compares the feat.* attributes of data (from where) with those of a model. 0 if they are
 * equal; or -1 with e set (SER_BAD), which names the first key that differs, both values and
 * what to do. */
int ser_recipe_same(const struct ser_attrs *model, const struct ser_attrs *data, const char *where,
                    struct ser_error *e) SER_MUST_CHECK;

/* Reads DB or DB:MARGIN_S, as --trim has it. NULL; or, for a message, the values that are possible. */
const char *ser_recipe_trim(const char *text, double *db, double *margin_s);

/* Sets the attributes of a cut at both ends, unless db is 0. */
void ser_recipe_put_trim(double db, double margin_s, struct ser_attrs *a);

#endif
