/* Whatever bytes come, they are audio of finite samples within the limits, or refused; and a file
 * and memory are the same. */
#include <math.h>
#include <string.h>

#include "bridge/audio.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libsndfile forgets what libvorbis has made for an Ogg file that it then refuses. */
const char *__lsan_default_suppressions(void) {
    return "leak:vorbis_info_init";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_audio a = {0}, b = {0};
    struct ser_error e = {0};
    int failed = ser_audio_decode(&a, data, size, "fuzz", 0, &e);
    if (failed && (e.status != SER_BAD || a.sample))
        abort();
    if (!failed && (!a.frames || a.frames > a.cap || a.rate_hz < SER_AUDIO_MIN_HZ ||
                    a.rate_hz > SER_AUDIO_MAX_HZ || a.channels < 1))
        abort();
    for (size_t i = 0; i < a.frames; i++)
        if (!isfinite(a.sample[i]))
            abort();
    if (ser_audio_load(&b, fuzz_file(0, data, size), 0, &e) != failed || a.frames != b.frames ||
        (!failed && memcmp(a.sample, b.sample, a.frames * sizeof *a.sample) != 0))
        abort();
    if (ser_audio_decode(&b, data, size, "fuzz", 22050, &e) != failed || (!failed && !b.frames))
        abort();
    ser_audio_free(&a);
    ser_audio_free(&b);
    return 0;
}
