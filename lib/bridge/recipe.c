#include "bridge/recipe.h"

void ser_recipe_put(const struct ser_recipe *r, struct ser_attrs *a) {
    ser_attr_set(a, "feat.type", r->type == SER_LOGMEL ? "logmel" : "mfcc");
    ser_attr_setf(a, "feat.rate_hz", "%d", r->rate_hz);
    ser_attr_set(a, "feat.resampler", "soxr-hq");
    ser_attr_setf(a, "feat.window", "%d", r->window);
    ser_attr_setf(a, "feat.hop", "%d", r->hop);
    ser_attr_setf(a, "feat.bands", "%d", r->bands);
    ser_attr_setf(a, "feat.coefs", "%d", r->coefs);
    ser_attr_setf(a, "feat.fmin_hz", "%.17g", r->fmin_hz);
    ser_attr_setf(a, "feat.fmax_hz", "%.17g", r->fmax_hz > 0 ? r->fmax_hz : r->rate_hz / 2.0);
    ser_attr_setf(a, "feat.top_db", "%.17g", r->top_db);
    ser_attr_setf(a, "feat.frames", "%d", r->frames);
    ser_attr_setf(a, "feat.deltas", "%d", r->deltas);
}

int ser_recipe_same(const struct ser_attrs *model, const struct ser_attrs *data, const char *where,
                    struct ser_error *e) {
    const char *key = ser_attrs_differ(model, data, "feat.");
    if (!key)
        return 0;
    const char *want = ser_attr(model, key), *got = ser_attr(data, key);
    return ser_fail(e, SER_BAD,
                    "%s: features of another recipe: %s is %s, the model wants %s: make them again "
                    "with the model's options",
                    where, key, got ? got : "unset", want ? want : "unset");
}
