/* Whatever bytes come as packed weights, they are refused, or all floats that are claimed lie inside them. The checksum
 * of the head is set right where the first byte is odd: without it hardly any change would get past it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/packed.h"
#include "core/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_packed p;
    if (!size)
        return 0;
    size_t n = size - 1;
    uint8_t *at = malloc(n + !n); /* of just this size, so that a byte beyond is found */
    if (!at)
        abort();
    memcpy(at, data + 1, n);
    const struct ser_map m = {at, n};
    uint64_t key[2] = {0, 0};
    if (n >= 24) {
        key[0] = ser_get64(at + 8);
        key[1] = ser_get64(at + 16);
    }
    if (data[0] % 2)
        ser_packed_seal(at, n);
    if (!ser_packed_parse(&p, &m, key)) {
        volatile float sum = 0;
        for (size_t i = 0; i < p.floats; i++)
            sum = sum + p.at[i];
        for (size_t i = 0; i < ser_packed_parts(p.floats); i++)
            (void)ser_packed_part(&p, i);
    }
    free(at);
    return 0;
}
