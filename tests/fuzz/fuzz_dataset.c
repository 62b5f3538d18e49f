/* Whatever bytes come, they are samples to learn from, each of which can be had again, or refused.
 */
#include <string.h>

#include "bridge/dataset.h"
#include "file.h"
#include "seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

static void use(struct ser_dataset *d) {
    struct ser_error e = {0};
    char **class;
    int n, label;
    if (ser_dataset_classes(d, &class, &n, &e))
        return;
    if (ser_dataset_label(d, class, n, &e) || ser_dataset_suits(d, d, &e) > 0)
        abort();
    float *x = calloc(ser_shape_size(&d->input.shape), sizeof *x);
    struct ser_data all = ser_dataset_data(d);
    for (size_t i = 0; i < all.n; i++)
        if (!x || all.get(all.ctx, i, x, &label) || label < 0 || label >= n)
            abort();
    free(x);
    free(class);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_dataset d = {0};
    struct ser_error e = {0};
    if (ser_dataset_add(&d, fuzz_file(0, data, size), &e) == 0)
        use(&d);
    else if (e.status != SER_BAD)
        abort();
    ser_dataset_free(&d);
    return 0;
}
