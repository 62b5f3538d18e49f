/* speech - what the detector of speech says of each frame.
 *
 * usage: speech RATE WINDOW HOP [inputs] < samples
 * Samples are 32-bit floats of this machine's order, at RATE. For each frame, a row: the probability of
 * speech, and 1 where the frame counts as speech, else 0. With inputs, what the network is given instead, as 32-bit
 * floats, SER_SPEECH_INPUTS a frame. For tests/bench/speech.
 */
#include "math/speech.h"
#include "core/in.h"
#include "math/spectrum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 30 };

static int number(const char *text, int most) {
    int64_t n;
    if (ser_parse_int(text, 1, most, &n))
        die(SER_USAGE, "'%s' is not a number from 1 to %d", text, most);
    return (int)n;
}

static void *made(void *p) {
    if (!p)
        die(SER_SYS, "out of memory");
    return p;
}

static void print(const struct ser_speech *s, float p, int inputs) {
    if (inputs)
        fwrite(ser_speech_inputs(s), sizeof(float), SER_SPEECH_INPUTS, stdout);
    else
        printf("%.6f\t%d\n", p, p >= SER_SPEECH_THRESHOLD);
}

int main(int argc, char **argv) {
    struct ser_error e;
    struct ser_in in;
    unsigned char *data;
    size_t len;
    float p;
    ser_start(argv[0]);
    if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "inputs") != 0))
        die(SER_USAGE, "usage: speech RATE WINDOW HOP [inputs] < samples");
    int rate = number(argv[1], 384000), window = number(argv[2], 65536),
        hop = number(argv[3], 65536);
    if (!ser_speech_takes(rate, window, hop)) {
        ser_speech_frames(rate, &window, &hop);
        warn("frames of %d samples every %d", window, hop);
    }
    must(ser_in_open(&in, NULL, &e), &e);
    must(ser_in_rest(&in, MAX_BYTES, &data, &len, &e), &e);
    struct ser_spectrum *spectrum = made(ser_spectrum_new(window));
    struct ser_speech *s = made(ser_speech_new(rate, window));
    size_t n = len / sizeof(float);
    float *x = emalloc(n * sizeof *x + 1);
    memcpy(x, data, n * sizeof *x);
    for (size_t t = 0; t <= n / (size_t)hop; t++)
        if (ser_speech_next(s, ser_spectrum_power(spectrum, x, n, t * (size_t)hop), &p))
            print(s, p, argc == 5);
    while (ser_speech_end(s, &p))
        print(s, p, argc == 5);
    ser_speech_free(s);
    ser_spectrum_free(spectrum);
    ser_in_close(&in);
    free(data);
    free(x);
    if (fflush(stdout) || ferror(stdout))
        die(SER_SYS, "cannot write");
    return SER_OK;
}
