/* Whatever bytes come, they are the results of a search whose options and trials have places and an order, or refused. */
#include <math.h>
#include <stdlib.h>

#include "bridge/tuning.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_option(const struct ser_tuning *t, size_t o) {
    const struct ser_tuning_option *option = &t->option[o];
    const struct ser_anova *a = &option->importance;
    for (size_t i = 0; i < t->results; i++) {
        double place = ser_tuning_place(t, &t->result[i], o);
        if (!isnan(place) && !(place > -1e-9 && place < 1 + 1e-9))
            abort();
    }
    for (size_t i = 0; option->words && i < option->values; i++)
        if (!option->word[i] || !*option->word[i])
            abort();
    if (a->n > t->results || !(a->share >= 0 && a->share <= 1 && a->chance >= 0 && a->chance <= 1 &&
                               a->effect >= 0 && a->effect <= a->share))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_tuning t;
    struct ser_error e = {0};
    if (ser_tuning_read(&t, fuzz_file(0, data, size), &e))
        return e.status == SER_BAD ? 0 : (abort(), 0);
    const struct ser_tuning_result *best = t.trials ? t.rank[0] : NULL;
    size_t trials = 0;
    for (size_t i = 0; i < t.results; i++) {
        i = ser_tuning_last(&t, i);
        trials++;
        if (best != &t.result[i] && (ser_tuning_before(&t, &t.result[i], best) ||
                                     !ser_tuning_before(&t, best, &t.result[i])))
            abort();
    }
    if (trials != t.trials || !best)
        abort();
    for (size_t o = 0; o < t.options; o++)
        check_option(&t, o);
    ser_tuning_free(&t);
    return 0;
}
