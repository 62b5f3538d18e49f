/* Whatever bytes come of a pipe, the samples behind a header are finite, and those that the decoder of files
 * finds, where both find as many. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/audio.h"
#include "bridge/pcm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libsndfile forgets what libvorbis has made for an Ogg file that it then refuses. */
const char *__lsan_default_suppressions(void) {
    return "leak:vorbis_info_init";
}

enum { MOST = 8192, ALL = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static float x[ALL], work[MOST];
    struct ser_audio a = {0};
    struct ser_in in;
    struct ser_pcm p;
    struct ser_error e = {0};
    size_t n, done = 0;
    if (size > ALL || ser_in_memory(&in, data, size, "fuzz", &e))
        return 0;
    int got = ser_pcm_head(&in, &p, &e);
    if (got < 0 || (got && (!p.code || p.bytes < 1 || p.channels < 1)))
        abort();
    int found = got > 0;
    while (got > 0 && done + MOST <= ALL) {
        got = ser_pcm_read(&in, &p, done, MOST, work, x + done, &n, &e);
        if (got < 0 && e.status != SER_BAD)
            abort();
        done += got > 0 ? n : 0;
    }
    for (size_t i = 0; i < done; i++)
        if (!isfinite(x[i]))
            abort();
    if (found && got == 0 && !ser_audio_decode(&a, data, size, "fuzz", 0, &e) && a.frames == done &&
        memcmp(a.sample, x, done * sizeof *x) != 0)
        abort();
    ser_audio_free(&a);
    ser_in_close(&in);
    return 0;
}
