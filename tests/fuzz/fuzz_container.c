/* Whatever bytes come, what is shown of them to a decoder lies within them, or they are refused. */
#include "bridge/container.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_bytes b = {.name = "fuzz", .fd = -1, .mem = data, .len = size};
    struct ser_container c;
    struct ser_error e = {0};
    if (ser_container_look(&b, &c, &e)) {
        if (e.status != SER_BAD)
            abort();
        return ser_container_unread(&b, &c, &e) == -1 ? 0 : -1;
    }
    if (c.begin > c.end || c.end > size || c.zeros > UINT16_MAX || c.patches < 0 ||
        c.patches > SER_MAX_PATCHES || c.shift < 0 || c.shift > 31 ||
        c.frames > (size + c.zeros) * UINT16_MAX)
        abort();
    for (int i = 0; i < c.patches; i++)
        if (c.patch[i].n < 1 || c.patch[i].n > 8 || c.patch[i].at < c.begin)
            abort();
    return 0;
}
