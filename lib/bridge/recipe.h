/* recipe.h - a feature recipe as the feat.* attributes of a stream, both ways. */
#ifndef SER_BRIDGE_RECIPE_H
#define SER_BRIDGE_RECIPE_H

#include "core/attrs.h"
#include "math/recipe.h"

/* Sets feat.type, feat.rate_hz, feat.window ...: everything that decides the values of a feature.
 * Two recipes have equal attributes exactly if they are equal. A key that comes later is set only
 * where it differs from its default, so that older streams stay readable. */
void ser_recipe_put(const struct ser_recipe *r, struct ser_attrs *a);

/* Reads the attributes of a stream (from where) back into r. 0; -1 with e set: SER_BAD when a key is
 * missing, unknown or out of range. */
int ser_recipe_get(const struct ser_attrs *a, const char *where, struct ser_recipe *r,
                   struct ser_error *e) SER_MUST_CHECK;

/* The same from the header of the stream at path, of whatever kind: a model, features. */
int ser_recipe_load(const char *path, struct ser_recipe *r, struct ser_error *e) SER_MUST_CHECK;

/* Compares the feat.* attributes of data (from where) with those that a model wants: 0, or -1 with
 * e naming the first key that differs, both values and what to do. */
int ser_recipe_same(const struct ser_attrs *model, const struct ser_attrs *data, const char *where,
                    struct ser_error *e) SER_MUST_CHECK;

#endif
