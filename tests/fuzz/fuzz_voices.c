/* Whatever bytes come, they are statistics whose average is a voice that features can be normalised by, or
 * refused. */
#include "bridge/voices.h"
#include "file.h"
#include "seal.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_voices v = {0};
    struct ser_record rec = {0};
    struct ser_error e = {0};
    if (ser_voices_load(&v, fuzz_file(0, data, size), NULL, &e)) {
        ser_voices_free(&v);
        return e.status == SER_BAD ? 0 : (abort(), 0);
    }
    for (size_t i = 1; i < v.n; i++)
        if (strcmp(v.at[i - 1].name, v.at[i].name) >= 0)
            abort();
    ser_voices_average(&v);
    for (size_t f = 0; f < v.features; f++)
        if (!isfinite(v.at->mean[f]) || !(v.at->variance[f] >= 0) || isinf(v.at->variance[f]))
            abort();
    if (ser_voices_record(&v, v.at, "prior", &rec, &e) || ser_not_finite(&rec) < rec.count)
        abort();
    ser_record_free(&rec);
    ser_voices_free(&v);
    return 0;
}
