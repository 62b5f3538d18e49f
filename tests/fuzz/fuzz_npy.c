/* Whatever bytes come, they are a NumPy array within the limits of a record, or refused. */
#include <stdint.h>
#include <stdlib.h>

#include "core/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_in in;
    struct ser_record rec = {0};
    struct ser_error e = {0};
    must(ser_in_memory(&in, data, size, "fuzz", &e), &e);
    if (ser_npy_read(&in, "key", &rec, &e) == 0) {
        if (rec.bytes > size || ser_shape_bytes(rec.type, rec.rank, rec.dim) != rec.bytes ||
            ser_not_finite(&rec) != rec.count)
            abort();
    } else if (e.status != SER_BAD) {
        abort();
    }
    ser_record_free(&rec);
    ser_in_close(&in);
    return 0;
}
