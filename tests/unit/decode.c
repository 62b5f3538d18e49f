/* decode - the samples of an audio file as this project reads them, or as libsndfile reads the file by itself: what
 * tests/odd-files compares.
 *
 * usage: decode ser|sndfile FILE >SAMPLES
 *
 * Writes the line "RATE_HZ FRAMES", then the mean of the channels as 32-bit floats. Exit status 3, and the reason on
 * standard error, if the file cannot be read.
 */
#include "bridge/audio.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const char *why) {
    fprintf(stderr, "%s\n", why);
    return SER_BAD;
}

static int write_all(int rate_hz, const float *x, size_t n) {
    printf("%d %zu\n", rate_hz, n);
    return fwrite(x, sizeof *x, n, stdout) == n && fflush(stdout) == 0 ? SER_OK : SER_SYS;
}

static int by_ser(const char *path) {
    struct ser_audio a = {0};
    struct ser_error e;
    if (ser_audio_load(&a, path, 0, &e))
        return refuse(e.text);
    int status = write_all(a.rate_hz, a.sample, a.frames);
    ser_audio_free(&a);
    return status;
}

/* All frames that come, whatever the header says. */
static float *read_mean(SNDFILE *file, int channels, size_t *n) {
    float *x = NULL, *frame = malloc((size_t)channels * sizeof *frame);
    size_t cap = 0;
    *n = 0;
    while (frame && sf_readf_float(file, frame, 1) == 1) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 1 << 16;
            x = realloc(x, cap * sizeof *x);
            if (!x)
                exit(SER_SYS);
        }
        float sum = 0;
        for (int c = 0; c < channels; c++)
            sum += frame[c];
        x[(*n)++] = sum / (float)channels;
    }
    free(frame);
    return x;
}

static int by_sndfile(const char *path) {
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    size_t n;
    if (!file)
        return refuse(sf_strerror(NULL));
    float *x = read_mean(file, info.channels, &n);
    int status = sf_error(file) ? refuse(sf_strerror(file))
                 : n            ? write_all(info.samplerate, x, n)
                                : refuse("no samples");
    free(x);
    sf_close(file);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return refuse("usage: decode ser|sndfile FILE") - SER_BAD + SER_USAGE;
    return strcmp(argv[1], "ser") == 0 ? by_ser(argv[2]) : by_sndfile(argv[2]);
}
