/* Whatever bytes come, they are records of a Kaldi archive within the limits, or refused. */
#include <stdint.h>
#include <stdlib.h>

#include "core/ark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_in in;
    struct ser_record rec = {0};
    struct ser_error e = {0};
    int got;
    must(ser_in_memory(&in, data, size, "fuzz", &e), &e);
    for (uint64_t n = 1; (got = ser_ark_next(&in, n, &rec, &e)) > 0; n++) {
        /* A compressed element is a byte, and four in a record; as text it is two. */
        if (rec.rank < 1 || rec.rank > 2 || rec.bytes > 4 * size || !rec.key || !*rec.key ||
            ser_shape_bytes(rec.type, rec.rank, rec.dim) != rec.bytes ||
            ser_not_finite(&rec) != rec.count)
            abort();
    }
    if (got && e.status != SER_BAD)
        abort();
    ser_record_free(&rec);
    ser_in_close(&in);
    return 0;
}
