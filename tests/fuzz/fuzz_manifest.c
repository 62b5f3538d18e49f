/* Whatever bytes come, they are the rows of a manifest, each id once, or refused. */
#include <string.h>

#include "bridge/manifest.h"
#include "core/record.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_manifest m;
    struct ser_error e = {0};
    struct ser_set seen = {0};
    int got = 1;
    if (ser_manifest_open(&m, fuzz_file(0, data, size), &e))
        return e.status == SER_BAD ? 0 : (abort(), 0);
    while (got > 0) {
        char *id = NULL, *path = NULL;
        struct ser_attrs attrs = {0};
        got = ser_manifest_next(&m, &id, &path, &attrs, &e);
        if (got > 0 && (strlen(id) > SER_MAX_KEY || !ser_is_text(id, strlen(id)) ||
                        !ser_set_add(&seen, id) || strpbrk(path, "\t\n")))
            abort();
        for (int i = 0; i < attrs.n; i++)
            if (!ser_is_attr(attrs.at[i].key, attrs.at[i].value))
                abort();
        free(id);
        free(path);
        ser_attrs_clear(&attrs);
    }
    if (got && e.status != SER_BAD)
        abort();
    ser_set_free(&seen);
    ser_manifest_close(&m);
    return 0;
}
