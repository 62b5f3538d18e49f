/* Whatever bytes come, they are audio of finite samples within the limits, or refused; a file and memory are the same,
 * and so is an input, if both are read to the end. */
#include <math.h>
#include <string.h>

#include "bridge/audio.h"
#include "bridge/container.h"
#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libsndfile forgets what libvorbis has made for an Ogg file that it then refuses. */
const char *__lsan_default_suppressions(void) {
    return "leak:vorbis_info_init";
}

/* As an input: 1 if its samples are not those of a. Where MPEG audio is damaged, what libmpg123 makes of it depends on
 * how much it is asked for at a time. */
static int differs(const uint8_t *data, size_t size, const struct ser_audio *a) {
    struct ser_in in;
    struct ser_error e = {0};
    const float *x;
    size_t n, done = 0;
    int got = -1, other = 0;
    if (ser_in_memory(&in, data, size, "fuzz", &e))
        abort();
    struct ser_audio_file *f = ser_audio_open_in(&in, &e);
    if (f && !ser_audio_begin(f, &e))
        for (; (got = ser_audio_next(f, &x, &n, &e)) > 0; done += n)
            other |= a->sample &&
                     (n > a->frames - done || memcmp(x, a->sample + done, n * sizeof *x) != 0);
    if (got < 0 && e.status != SER_BAD)
        abort();
    ser_audio_close(f);
    ser_in_close(&in);
    struct ser_bytes b = {.name = "fuzz", .fd = -1, .mem = data, .len = size};
    struct ser_container c;
    if (ser_container_look(&b, &c, &e) || c.stream == SER_MPEG)
        return 0;
    return got == 0 && a->sample && (other || done != a->frames);
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
    if (differs(data, size, &a))
        abort();
    ser_audio_free(&a);
    ser_audio_free(&b);
    return 0;
}
