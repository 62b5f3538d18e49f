/* Whatever bytes come, they are a space whose trials can be drawn, or refused. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bridge/space.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct ser_space *s, char **value) {
    for (int i = 0; i < s->options; i++) {
        const struct ser_space_option *o = &s->option[i];
        int applies = o->when < 0 || (value[o->when] && !strcmp(value[o->when], o->value));
        if (!value[i] != !applies ||
            (value[i] && (!*value[i] || strpbrk(value[i], " \t\n'\"$`\\"))))
            abort();
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_space s;
    struct ser_error e = {0};
    char **value;
    if (ser_space_read(&s, fuzz_file(0, data, size), &e))
        return e.status == SER_BAD ? 0 : (abort(), 0);
    int cell[4 * SER_SPACE_OPTIONS];
    const double worth[3] = {0.5, -INFINITY, 1};
    for (uint64_t t = 1; t < 5; t++) {
        if (t < 4 ? ser_space_draw(&s, 1, t, &value)
                  : ser_space_suggest(&s, 1, t, cell, worth, 3, &value))
            abort();
        ser_space_cells(&s, value, cell + (t - 1) * (uint64_t)s.options);
        check_values(&s, value);
    }
    uint64_t at = 0;
    if (!ser_space_has_grid(&s, 1000, &e))
        while (ser_space_point(&s, &at, &value) > 0)
            check_values(&s, value);
    ser_space_free(&s);
    return 0;
}
