/* recipe.h - a feature recipe as the feat.* attributes of a stream. */
#ifndef SER_RECIPE_H
#define SER_RECIPE_H

#include "core/tensor.h"
#include "math/mfcc.h"

/* Sets feat.type, feat.rate_hz, feat.window ...: everything that decides the values of a feature.
 * Two recipes have equal attributes exactly if they are equal. */
void ser_recipe_put(const struct ser_recipe *r, struct ser_attrs *a);

/* Compares the feat.* attributes of data (from where) with those that a model wants: 0, or -1 with
 * e naming the first key that differs, both values and what to do. */
int ser_recipe_same(const struct ser_attrs *model, const struct ser_attrs *data, const char *where,
                    struct ser_error *e) SER_MUST_CHECK;

#endif
