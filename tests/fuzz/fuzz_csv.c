/* Whatever bytes come, they are a table or refused; and what was read, written with quotes, is read
 * again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_quoted(struct ser_text *t, const char *field) {
    ser_text_add(t, "\"", 1);
    for (; *field; field++)
        ser_text_add(t, *field == '"' ? "\"\"" : field, *field == '"' ? 2 : 1);
    ser_text_add(t, "\"", 1);
}

/* The table as text; what is wrong may only be the input. */
static struct ser_text written(const void *data, size_t size, char separator, int *refused) {
    struct ser_csv c;
    struct ser_error e = {0};
    struct ser_text t = {0};
    uint64_t line = 0;
    *refused = ser_csv_memory(&c, data, size, "fuzz", separator, &e);
    if (!*refused) {
        int got;
        while ((got = ser_csv_next(&c, &e)) > 0) {
            if (c.line <= line || !c.fields)
                abort();
            line = c.line;
            for (size_t i = 0; i < c.fields; i++) {
                ser_text_add(&t, ",", i > 0);
                add_quoted(&t, c.field[i]);
            }
            ser_text_add(&t, "\n", 1);
        }
        *refused = got;
        ser_csv_close(&c);
    }
    if (*refused && e.status != SER_BAD)
        abort();
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char separator[] = {0, ',', ';', '\t', '|'};
    int refused;
    if (!size)
        return 0;
    struct ser_text once = written(data + 1, size - 1, separator[*data % 5], &refused);
    if (!refused && once.n) {
        struct ser_text again = written(once.at, once.n, ',', &refused);
        if (refused || again.n != once.n || memcmp(again.at, once.at, once.n) != 0)
            abort();
        ser_text_free(&again);
    }
    ser_text_free(&once);
    return 0;
}
