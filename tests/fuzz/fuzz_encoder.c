/* Whatever an encoder's folder holds, it is opened or refused. The input is config.json, a byte of 0,
 * preprocessor_config.json, a byte of 0, and model.safetensors. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/encoder-files.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"config.json", "preprocessor_config.json", "model.safetensors"};
enum { FILES = sizeof names / sizeof *names };

static char folder[] = "/tmp/fuzz-encoder-XXXXXX";

static void remove_folder(void) {
    for (int i = 0; i < FILES; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

/* A folder whose files are those of file.h. */
static const char *the_folder(void) {
    static int made;
    if (made)
        return folder;
    if (!mkdtemp(folder) || atexit(remove_folder))
        abort();
    for (int i = 0; i < FILES; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (symlink(fuzz_file(i, (const uint8_t *)"", 0), path))
            abort();
    }
    made = 1;
    return folder;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *at = the_folder();
    struct ser_encoder_files f;
    struct ser_error e = {0};
    for (int i = 0; i < FILES; i++) {
        const uint8_t *end = i < FILES - 1 ? memchr(data, 0, size) : NULL;
        size_t n = end ? (size_t)(end - data) : size;
        fuzz_file(i, data, n);
        n += end != NULL;
        data += n;
        size -= n;
    }
    int failed = ser_encoder_files_open(&f, at, &e);
    if (failed ? e.status != SER_BAD && e.status != SER_SYS : e.status != 0)
        abort();
    if (failed)
        return 0;
    uint64_t hash;
    if (ser_encoder_files_hash(&f, &hash, &e) && e.status != SER_BAD)
        abort();
    ser_encoder_files_close(&f);
    return 0;
}
