/* Whatever bytes come, they are a table with as many fields in each row as in the header, or
 * refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/tsv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_tsv t;
    struct ser_error e = {0};
    int got;
    if (ser_tsv_memory(&t, data, size, "fuzz", &e))
        return e.status == SER_BAD ? 0 : (abort(), 0);
    for (int i = 0; i < t.columns; i++)
        if (!*t.name[i] || ser_tsv_column(&t, t.name[i]) != i)
            abort();
    while ((got = ser_tsv_next(&t, &e)) > 0)
        for (int i = 0; i < t.columns; i++)
            if (strpbrk(t.field[i], "\t\n"))
                abort();
    if (got && e.status != SER_BAD)
        abort();
    if (ser_tsv_need(&t, "\n", &e) >= 0)
        abort();
    ser_tsv_close(&t);
    return 0;
}
