#include "math/recipe.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static int wrong(char why[SER_RECIPE_WHY], const char *what,
                                                       ...) {
    va_list args;
    va_start(args, what);
    vsnprintf(why, SER_RECIPE_WHY, what, args);
    va_end(args);
    return -1;
}

/* What only some recipes have. */
static int check_additions(const struct ser_recipe *r, char why[SER_RECIPE_WHY]) {
    if (!(r->trim_db >= 0) || r->trim_db > SER_MAX_TRIM_DB)
        return wrong(why, "trim %g: not in 0..%d", r->trim_db, SER_MAX_TRIM_DB);
    if (!(r->trim_margin_s >= 0) || r->trim_margin_s > SER_MAX_TRIM_MARGIN_S)
        return wrong(why, "trim: the margin %g is not in 0..%d s", r->trim_margin_s,
                     SER_MAX_TRIM_MARGIN_S);
    if (r->trim_margin_s > 0 && r->trim_db == 0)
        return wrong(why, "trim: a margin, but nothing is cut");
    if (r->pad != SER_PAD_ZERO && r->pad != SER_PAD_FLOOR)
        return wrong(why, "pad %d: unknown", (int)r->pad);
    if ((unsigned)r->norm > SER_NORMAL_ALL)
        return wrong(why, "normalize %d: unknown", (int)r->norm);
    if (r->append & ~SER_APPEND_EVERYTHING)
        return wrong(why, "append %d: unknown", r->append);
    return 0;
}

int ser_recipe_check(const struct ser_recipe *r, char why[SER_RECIPE_WHY]) {
    double half_hz = r->rate_hz / 2.0, fmax_hz = r->fmax_hz == 0 ? half_hz : r->fmax_hz;
    if (r->type != SER_MFCC && r->type != SER_LOGMEL)
        return wrong(why, "type %d: unknown", (int)r->type);
    if (r->rate_hz < SER_MIN_RATE_HZ || r->rate_hz > SER_MAX_RATE_HZ)
        return wrong(why, "rate %d: not in %d..%d Hz", r->rate_hz, SER_MIN_RATE_HZ,
                     SER_MAX_RATE_HZ);
    if (r->window < SER_MIN_WINDOW || r->window > SER_MAX_WINDOW || r->window % 2)
        return wrong(why, "window %d: not an even number in %d..%d", r->window, SER_MIN_WINDOW,
                     SER_MAX_WINDOW);
    if (r->hop < 1 || r->hop > r->window)
        return wrong(why, "hop %d: not in 1..window, which is %d", r->hop, r->window);
    if (r->bands < 1 || r->bands > SER_MAX_BANDS)
        return wrong(why, "bands %d: not in 1..%d", r->bands, SER_MAX_BANDS);
    if (r->coefs < 1 || r->coefs > r->bands)
        return wrong(why, "coefs %d: not in 1..bands, which is %d", r->coefs, r->bands);
    if (r->type == SER_LOGMEL && r->coefs != r->bands)
        return wrong(why, "coefs %d: log-mel features have as many rows as bands, %d", r->coefs,
                     r->bands);
    if (!(r->fmin_hz >= 0) || r->fmin_hz > half_hz)
        return wrong(why, "fmin %g: not in 0..rate/2, which is %g Hz", r->fmin_hz, half_hz);
    if (!(r->fmax_hz >= 0) || r->fmax_hz > half_hz)
        return wrong(why, "fmax %g: not in 0..rate/2, which is %g Hz", r->fmax_hz, half_hz);
    if (r->fmin_hz >= fmax_hz)
        return wrong(why, "fmin %g: not below fmax, which is %g", r->fmin_hz, fmax_hz);
    if (!(r->top_db >= 0) || r->top_db > SER_MAX_TOP_DB)
        return wrong(why, "top-db %g: not in 0..%d", r->top_db, SER_MAX_TOP_DB);
    if (r->frames < 0 || r->frames > SER_MAX_FRAMES)
        return wrong(why, "frames %d: not in 0..%d", r->frames, SER_MAX_FRAMES);
    if (r->deltas < 0 || r->deltas > SER_MAX_DELTAS)
        return wrong(why, "deltas %d: not in 0..%d", r->deltas, SER_MAX_DELTAS);
    return check_additions(r, why);
}

int ser_recipe_rows(const struct ser_recipe *r) {
    int rows = r->coefs * (1 + r->deltas);
    for (int what = 1; what <= SER_APPEND_EVERYTHING; what <<= 1)
        rows += (r->append & what) != 0;
    return rows;
}
