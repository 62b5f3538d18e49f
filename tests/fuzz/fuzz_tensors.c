/* Whatever bytes come, they are tensors that lie inside them, or refused: as a safetensors file, if the first byte is
 * even, or as what torch.save writes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/safetensors.h"
#include "bridge/torchfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECE = 1000, MOST = 100000 };

/* Reads what there is, and so touches every byte that a tensor claims. */
static void read_all(const struct ser_tensor *t) {
    float piece[PIECE];
    if (t->element == SER_ELEMENT_OTHER)
        return;
    for (uint64_t at = 0, now; at < t->count && at < MOST; at += now) {
        now = t->count - at < PIECE ? t->count - at : PIECE;
        int bad = ser_tensor_read(t, at, (size_t)now, piece);
        if (bad != 0 && bad != -1)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_tensors t = {0};
    struct ser_error e = {0};
    if (!size)
        return 0;
    uint8_t *copy = malloc(size); /* of just this size, so that a byte beyond is found */
    if (!copy)
        abort();
    memcpy(copy, data + 1, size - 1);
    int failed = data[0] % 2 ? ser_torchfile_parse(&t, copy, size - 1, 0, "fuzz", &e)
                             : ser_safetensors_parse(&t, copy, size - 1, 0, "fuzz", &e);
    if (failed ? e.status != SER_BAD : e.status != 0)
        abort();
    if (!failed && ser_tensors_sort(&t, "fuzz", &e) == 0)
        for (size_t i = 0; i < t.n; i++) {
            if (ser_tensors_find(&t, t.at[i].name) != &t.at[i])
                abort();
            read_all(&t.at[i]);
        }
    ser_tensors_free(&t);
    free(copy);
    return 0;
}
