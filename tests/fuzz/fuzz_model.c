/* Whatever bytes come, they are a model that can be scored with, or refused. */
#include "bridge/model.h"
#include "file.h"
#include "forward.h"
#include "seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_model m;
    struct ser_error e = {0};
    if (ser_model_load(&m, fuzz_file(0, data, size), &e))
        return e.status == SER_BAD ? 0 : (abort(), 0);
    if (m.classes < 1 || m.classes != m.net->classes || m.net->rank > m.net->input.rank)
        abort();
    for (int c = 1; c < m.classes; c++)
        if (strcmp(m.class_name[c - 1], m.class_name[c]) >= 0)
            abort();
    if (fuzz_is_small(m.net))
        fuzz_forward(m.net, 0);
    ser_model_free(&m);
    return 0;
}
