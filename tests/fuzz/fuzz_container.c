/* Whatever bytes come, what is shown of them to a decoder lies within them, or they are refused; and as an input, of
 * which at first only the head is there, they are judged alike. */
#include "bridge/container.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 1 if they are refused as an input. */
static int refused(const uint8_t *data, size_t size) {
    struct ser_in in;
    struct ser_container c;
    struct ser_error e = {0};
    if (ser_in_memory(&in, data, size, "fuzz", &e))
        abort();
    struct ser_bytes b = {.name = "fuzz", .fd = -1, .in = &in, .len = SER_ENDLESS};
    int bad = ser_container_look(&b, &c, &e);
    if (!bad && ser_bytes_await(&b))
        abort();
    if (!bad && c.stream) {
        ser_container_follow(&b, &c);
        bad = ser_container_judge(&b, &c, &e);
    }
    ser_bytes_close(&b);
    ser_in_close(&in);
    return bad != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_bytes b = {.name = "fuzz", .fd = -1, .mem = data, .len = size};
    struct ser_container c;
    struct ser_error e = {0};
    int bad = ser_container_look(&b, &c, &e);
    if (bad != -refused(data, size))
        abort();
    if (bad) {
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
