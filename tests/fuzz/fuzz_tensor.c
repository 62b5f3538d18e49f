/* Whatever bytes come, the reader hands out records within the format's limits, or refuses: it
 * never ends the process. What it accepts keeps the law, so a second reading says the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/reader.h"
#include "core/writer.h"
#include "seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

static void expect(int true_) {
    if (!true_)
        abort();
}

static void look_at(const struct ser_record *rec) {
    size_t key = strlen(rec->key);
    expect(key >= 1 && key <= SER_MAX_KEY && ser_is_text(rec->key, key));
    expect(rec->rank >= 0 && rec->rank <= SER_MAX_RANK);
    expect(ser_shape_bytes(rec->type, rec->rank, rec->dim) == rec->bytes);
    expect(rec->bytes == rec->count * ser_type_size(rec->type));
    expect(ser_not_finite(rec) == rec->count);
    for (int i = 0; i < rec->attrs.n; i++) {
        expect(ser_is_attr(rec->attrs.at[i].key, rec->attrs.at[i].value));
        expect(!i || strcmp(rec->attrs.at[i - 1].key, rec->attrs.at[i].key) < 0);
    }
    double sum = 0;
    for (size_t i = 0; i < rec->count; i++)
        sum += ser_value(rec, i) * 0;
    expect(sum == 0);
}

static int read_all(const uint8_t *data, size_t size, const char *kind, uint64_t *records) {
    struct ser_in in;
    struct ser_reader r;
    struct ser_record rec = {0};
    struct ser_error e = {0};
    int got;
    must(ser_in_memory(&in, data, size, "fuzz", &e), &e);
    if (ser_reader_begin(&r, &in, kind, &e)) {
        expect(e.status == SER_BAD);
        return -1;
    }
    while ((got = ser_reader_next(&r, &rec, &e)) > 0)
        look_at(&rec);
    expect(got == 0 || e.status == SER_BAD);
    *records = r.record;
    ser_record_free(&rec);
    ser_reader_close(&r);
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t any = 0, features = 0;
    int got = read_all(data, size, NULL, &any);
    if (read_all(data, size, "features", &features) == 0)
        expect(got == 0 && any == features);
    return 0;
}
