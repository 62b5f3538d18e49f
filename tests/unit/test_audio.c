/* test_audio - decoding: formats, channels, cut and damaged files. Makes its files in a temporary
 * folder.
 *
 * usage: test_audio
 */
#include "bridge/audio.h"
#include "bridge/container.h"
#include "check.h"
#include "math/resample.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what) {
    printf("not ok - cannot set up: %s\n", what);
    exit(1);
}

/* ---- files ---- */

struct bytes {
    unsigned char *at;
    size_t n;
};

static struct bytes slurp(const char *path) {
    struct bytes b = {malloc(1 << 22), 0};
    FILE *f = fopen(path, "rb");
    if (!b.at || !f)
        give_up(path);
    b.n = fread(b.at, 1, 1 << 22, f);
    fclose(f);
    return b;
}

static void spill(const char *path, const void *at, size_t n) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(at, 1, n, f) != n || fclose(f))
        give_up(path);
}

/* The value of frame i in channel c, between -0.8 and 0.8. */
static double value(size_t i, int c) {
    return 0.8 * sin(0.01 * (double)(i + 1) * (c + 1)) * cos(0.0003 * (double)i);
}

static void make(const char *path, int format, int rate_hz, int channels, size_t frames) {
    SF_INFO info = {.samplerate = rate_hz, .channels = channels, .format = format};
    SNDFILE *f = sf_open(path, SFM_WRITE, &info);
    double *x = malloc((frames * (size_t)channels + 1) * sizeof *x);
    if (!f || !x)
        give_up(path);
    for (size_t i = 0; i < frames; i++)
        for (int c = 0; c < channels; c++)
            x[i * (size_t)channels + (size_t)c] = value(i, c);
    if (sf_writef_double(f, x, (sf_count_t)frames) != (sf_count_t)frames || sf_close(f))
        give_up(path);
    free(x);
}

/* ---- what works ---- */

/* Loads path from the file, from memory, and after another file into the same struct. */
static int load_all_ways(const char *path, struct ser_audio *a, struct ser_error *e) {
    struct ser_audio b = {0}, c = {0};
    struct bytes all = slurp(path);
    int same = !ser_audio_load(a, path, 0, e) && !ser_audio_decode(&b, all.at, all.n, path, 0, e) &&
               !ser_audio_load(&c, "long.wav", 0, e) && !ser_audio_load(&c, path, 0, e);
    same = same && a->frames == b.frames && a->frames == c.frames && a->rate_hz == b.rate_hz &&
           a->rate_hz == c.rate_hz && a->channels == b.channels && a->channels == c.channels &&
           !memcmp(a->sample, b.sample, a->frames * sizeof *a->sample) &&
           !memcmp(a->sample, c.sample, a->frames * sizeof *a->sample);
    ser_audio_free(&b);
    ser_audio_free(&c);
    free(all.at);
    return same ? 0 : -1;
}

/* The largest difference between a and the mean of the channels of value(). */
static double off_by(const struct ser_audio *a) {
    double most = 0;
    for (size_t i = 0; i < a->frames; i++) {
        double mean = 0;
        for (int c = 0; c < a->channels; c++)
            mean += value(i, c) / a->channels;
        most = fmax(most, fabs(a->sample[i] - mean));
    }
    return most;
}

static void test_formats(void) {
    static const struct {
        const char *name;
        int format, rate_hz, channels;
        double tolerance;
    } row[] = {
        {"pcm16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 1, 4e-5},
        {"pcm16-stereo.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 4e-5},
        {"pcm16-eight.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 8, 4e-5},
        {"pcm8.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000, 1, 2e-2},
        {"pcm24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 192000, 1, 3e-7},
        {"pcm24-three.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 96000, 3, 3e-7},
        {"pcm32.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 22050, 1, 1e-7},
        {"float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 22050, 1, 1e-7},
        {"float-eight.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 22050, 8, 3e-7},
        {"double.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 22050, 2, 1e-7},
        {"ulaw.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1, 3e-2},
        {"alaw.wav", SF_FORMAT_WAV | SF_FORMAT_ALAW, 8000, 1, 3e-2},
        {"ima.wav", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 8000, 1, 5e-2},
        {"rifx.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 16000, 1, 4e-5},
        {"wavex.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 16000, 6, 4e-5},
        {"rf64.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 16000, 1, 4e-5},
        {"pcm16.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 16000, 1, 4e-5},
        {"float.aifc", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 16000, 2, 1e-7},
        {"pcm16.au", SF_FORMAT_AU | SF_FORMAT_PCM_16, 16000, 1, 4e-5},
        {"little.au", SF_FORMAT_AU | SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE, 16000, 1, 4e-5},
        {"pcm16.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 48000, 1, 4e-5},
        {"pcm24.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 48000, 2, 3e-7},
        {"vorbis.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 1, 0.2},
        {"opus.ogg", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1, 0.5},
        {"pcm16.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16, 16000, 1, 4e-5},
        {"pcm16.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 16000, 1, 4e-5},
        {"slow.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1000, 1, 4e-5},
        {"fast.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 768000, 1, 4e-5},
    };
    enum { FRAMES = 20001 };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct ser_audio a = {0};
        struct ser_error e = {0};
        make(row[i].name, row[i].format, row[i].rate_hz, row[i].channels, FRAMES);
        int good = !load_all_ways(row[i].name, &a, &e);
        /* Codecs that work in blocks may fill up the last one. */
        int exact = (row[i].format & SF_FORMAT_SUBMASK) != SF_FORMAT_IMA_ADPCM;
        good = good && a.rate_hz == row[i].rate_hz && a.channels == row[i].channels &&
               (exact ? a.frames == FRAMES : a.frames >= FRAMES);
        if (good && !exact)
            a.frames = FRAMES;
        double d = good ? off_by(&a) : INFINITY;
        check(good && d <= row[i].tolerance, "%s: %zu frames, worst difference %.2g %s",
              row[i].name, a.frames, d, e.text);
        ser_audio_free(&a);
    }
}

/* Bit for bit: 16-bit samples are divided by 32768, channels added in order in single precision. */
static void test_values(void) {
    struct ser_audio a = {0};
    struct ser_error e;
    struct bytes b = slurp("pcm16.wav");
    int good = !ser_audio_load(&a, "pcm16.wav", 0, &e);
    for (size_t i = 0; good && i < a.frames; i++) {
        const unsigned char *p = b.at + 44 + 2 * i;
        good = a.sample[i] == (float)(short)(p[0] | p[1] << 8) / 32768;
    }
    check(good, "16-bit samples are exact");
    free(b.at);
    b = slurp("float-eight.wav");
    good = !ser_audio_load(&a, "float-eight.wav", 0, &e);
    for (size_t i = 0; good && i < a.frames; i++) {
        float x[8], sum = 0;
        memcpy(x, b.at + b.n - (a.frames - i) * sizeof x, sizeof x);
        for (int c = 0; c < 8; c++)
            sum += x[c];
        good = a.sample[i] == sum / 8;
    }
    check(good, "eight channels are averaged in order");
    free(b.at);
    ser_audio_free(&a);
}

/* Resampled on the way, a file makes the samples that all of it makes at once. */
static void test_rate(void) {
    static const char *const name[] = {"pcm16.wav", "float-eight.wav", "long.wav", "pcm16.flac"};
    struct ser_resampler *r = ser_resampler_new();
    struct ser_audio a = {0}, b = {0};
    struct ser_error e = {0};
    for (size_t i = 0; r && i < sizeof name / sizeof *name; i++)
        for (int hz = 8000; hz <= 48000; hz += 4000) {
            const float *y;
            const char *why;
            size_t m;
            int good = !ser_audio_load(&a, name[i], 0, &e) && !ser_audio_load(&b, name[i], hz, &e);
            good = good && a.rate_hz == b.rate_hz && a.channels == b.channels &&
                   !ser_resample(r, a.sample, a.frames, a.rate_hz, hz, &y, &m, &why);
            good = good && m == b.frames && !memcmp(y, b.sample, m * sizeof *y);
            check(good, "%s at %d Hz: %zu frames %s", name[i], hz, b.frames, e.text);
        }
    check(ser_audio_load(&b, "pcm16.wav", 999, &e) && e.status == SER_BAD && !b.sample,
          "a rate that is no rate: %s", e.text);
    ser_resampler_free(r);
    ser_audio_free(&a);
    ser_audio_free(&b);
}

static void *feed(void *path) {
    struct bytes b = slurp("pcm16.flac");
    spill(path, b.at, b.n);
    free(b.at);
    return NULL;
}

static void test_fifo(void) {
    struct ser_audio a = {0};
    struct ser_error e = {0};
    pthread_t writer;
    char path[] = "fifo";
    if (mkfifo(path, 0600) || pthread_create(&writer, NULL, feed, path))
        give_up(path);
    int good = !ser_audio_load(&a, path, 0, &e);
    pthread_join(writer, NULL);
    check(good && a.frames == 20001 && off_by(&a) < 4e-5, "FLAC through a FIFO %s", e.text);
    ser_audio_free(&a);
}

/* ---- what is refused ---- */

/* Reads the bytes as an input, piece by piece: the number of frames, which must be those of want, if it is given; else 0,
 * with e set where they cannot be read. */
static size_t hear(const char *name, const void *at, size_t n, const struct ser_audio *want,
                   struct ser_error *e) {
    struct ser_in in;
    const float *x;
    size_t done = 0, got;
    int more = -1;
    if (ser_in_memory(&in, at, n, name, e))
        give_up(name);
    struct ser_audio_file *f = ser_audio_open_in(&in, e);
    if (f && !ser_audio_begin(f, e))
        for (; (more = ser_audio_next(f, &x, &got, e)) > 0; done += got)
            if (want &&
                (got > want->frames - done || memcmp(x, want->sample + done, got * sizeof *x) != 0))
                break;
    ser_audio_close(f);
    ser_in_close(&in);
    return more ? 0 : done;
}

/* name's bytes must be refused with status, in memory, as a file and as an input; text must hold part. */
static void refuse(const char *name, const void *at, size_t n, const char *part) {
    struct ser_audio a = {0}, b = {0};
    struct ser_error e = {0}, f = {0};
    spill(name, at, n);
    int good = ser_audio_load(&a, name, 0, &e) && ser_audio_decode(&b, at, n, name, 0, &f) &&
               e.status == SER_BAD && f.status == SER_BAD && !strcmp(e.text, f.text) &&
               !strncmp(e.text, name, strlen(name)) && strstr(e.text, part) && !a.sample &&
               !b.sample && !a.frames;
    check(good, "refused, '%s': %s", part, e.status ? e.text : "no error");
    struct ser_error g = {0};
    good = !hear(name, at, n, NULL, &g) && g.status == SER_BAD &&
           (strstr(g.text, part) || strstr(g.text, "cut short"));
    check(good, "refused as an input, '%s': %s", part, g.status ? g.text : "no error");
    ser_audio_free(&a);
    ser_audio_free(&b);
}

static void accept(const char *what, const void *at, size_t n, size_t frames) {
    struct ser_audio a = {0};
    struct ser_error e = {0};
    int good = !ser_audio_decode(&a, at, n, what, 0, &e) && a.frames == frames;
    check(good, "accepted: %s: %zu frames %s", what, a.frames, e.text);
    good = hear(what, at, n, &a, &e) == frames;
    check(good, "accepted as an input: %s %s", what, e.text);
    ser_audio_free(&a);
}

static void put(unsigned char *p, uint32_t v, int big_endian) {
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * (big_endian ? 3 - i : i));
}

static void test_not_audio(void) {
    static const char text[] = "this is text, and no audio at all, however long it may be";
    static const char lfs[] = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    unsigned char noise[5000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)(i * i * 2654435761u >> 13);
    refuse("empty.wav", "", 0, "empty");
    refuse("text.wav", text, sizeof text - 1, "not audio");
    refuse("pointer.wav", lfs, sizeof lfs - 1, "git lfs pull");
    refuse("noise.wav", noise, sizeof noise, "not audio");
    refuse("one.wav", "R", 1, "not audio");
    make("none.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, 0);
    struct bytes b = slurp("none.wav");
    refuse("none.wav", b.at, b.n, "no samples");
    free(b.at);
    b = slurp("pcm16.wav");
    put(b.at + 24, 999, 0);
    refuse("slow.wav", b.at, b.n, "999 Hz");
    put(b.at + 24, 768001, 0);
    refuse("fast.wav", b.at, b.n, "768001 Hz");
    free(b.at);
}

static void test_not_finite(void) {
    static const uint32_t bits[] = {0x7fc00000, 0x7f800000, 0xff800000};
    struct bytes b = slurp("float.wav");
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
        put(b.at + b.n - 4 * (20001 - 7), bits[i], 0);
        refuse("bad.wav", b.at, b.n, "frame 7 is not a finite number");
    }
    put(b.at + b.n - 4 * (20001 - 7), 0, 0);
    accept("float.wav with a zero instead", b.at, b.n, 20001);
    free(b.at);
    b = slurp("double.wav");
    memcpy(b.at + b.n - 16, &(double){1e300}, 8);
    refuse("bad.wav", b.at, b.n, "frame 20000 is not a finite number");
    free(b.at);
}

static void test_cuts(void) {
    static const char *const name[] = {"pcm16.wav",  "rifx.wav",   "rf64.wav",   "wavex.wav",
                                       "pcm16.aiff", "float.aifc", "pcm16.au",   "little.au",
                                       "pcm16.flac", "pcm24.flac", "vorbis.ogg", "opus.ogg",
                                       "pcm16.w64"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct bytes b = slurp(name[i]);
        size_t cuts = 0, wrong = 0, last = 0;
        /* Every byte of the header, then all over, then every byte of the end. */
        for (size_t n = 1; n < b.n; n += n < 200 || n + 200 > b.n ? 1 : 997, cuts++) {
            struct ser_audio a = {0};
            struct ser_error e = {0};
            if (!ser_audio_decode(&a, b.at, n, "cut", 0, &e) || e.status != SER_BAD) {
                wrong++;
                last = n;
            }
            ser_audio_free(&a);
        }
        check(wrong == 0, "%s: %zu cuts are noticed, %zu are not, the last of them at %zu of %zu",
              name[i], cuts - wrong, wrong, last, b.n);
        free(b.at);
    }
    struct bytes b = slurp("pcm16.wav");
    refuse("cut.wav", b.at, 1044, "its data chunk has 1000 of 40002 bytes");
    refuse("cut.wav", b.at, 41, "inside a chunk's header");
    refuse("cut.wav", b.at, 36, "no data chunk");
    refuse("cut.wav", b.at, 30, "its fmt  chunk has 10 of 16 bytes");
    free(b.at);
    b = slurp("pcm16.flac");
    refuse("cut.flac", b.at, b.n / 2, "cut.flac: ");
    free(b.at);
    b = slurp("vorbis.ogg");
    refuse("cut.ogg", b.at, b.n - 1, "no end-of-stream page");
    free(b.at);
}

/* Sizes that mean unknown, chunks behind the audio, bytes behind the file. */
static void test_sizes(void) {
    static const uint32_t unknown[] = {0, 0x7ffff000, 0x7fffffff, 0x80000000, 0xffffffff};
    struct bytes b = slurp("pcm16.wav"), c = {malloc(b.n + 100), b.n + 18};
    if (!c.at)
        give_up("memory");
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        put(b.at + 4, unknown[i], 0);
        put(b.at + 40, unknown[i], 0);
        accept("pcm16.wav of unknown length", b.at, b.n, 20001);
        accept("pcm16.wav of unknown length, cut", b.at, 1044, 500);
    }
    put(b.at + 40, 0x7effffff, 0);
    refuse("bad.wav", b.at, b.n, "its data chunk has");

    put(b.at + 40, 40002, 0);
    memcpy(c.at, b.at, b.n);
    memcpy(c.at + b.n, "LIST\12\0\0\0INFOabcdef", 18);
    put(c.at + 4, (uint32_t)c.n - 8, 0);
    accept("pcm16.wav with a LIST chunk", c.at, c.n, 20001);
    accept("pcm16.wav cut before its LIST chunk", c.at, b.n, 20001);
    accept("pcm16.wav cut inside its LIST chunk's head", c.at, b.n + 5, 20001);
    accept("pcm16.wav cut inside its LIST chunk", c.at, b.n + 10, 20001);
    /* Chunks behind a sound of unknown length are no sound; anything else may be. */
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        put(c.at + 4, 0xffffffff, 0);
        put(c.at + 40, unknown[i], 0);
        accept("pcm16.wav of unknown length with a LIST chunk", c.at, c.n, 20001);
        accept("pcm16.wav of unknown length with half a LIST chunk", c.at, c.n - 2, 20009);
    }
    put(c.at + 40, 40002, 0);
    put(c.at + 4, (uint32_t)b.n - 8, 0);
    accept("pcm16.wav with 5 bytes behind its end", c.at, b.n + 5, 20001);
    free(b.at);
    free(c.at);

    b = slurp("pcm16.au");
    put(b.at + 8, 0xffffffff, 1);
    accept("pcm16.au of unknown length", b.at, b.n, 20001);
    put(b.at + 8, 0, 1);
    accept("pcm16.au of unknown length", b.at, b.n, 20001);
    free(b.at);

    b = slurp("pcm16.aiff");
    size_t ssnd = 12;
    while (ssnd + 8 < b.n && memcmp(b.at + ssnd, "SSND", 4))
        ssnd += 2;
    put(b.at + 4, 0x7f00002e, 1);
    put(b.at + ssnd + 4, 0x7f000008, 1);
    accept("pcm16.aiff of unknown length", b.at, b.n, 20001);
    put(b.at + 4, 0, 1);
    put(b.at + ssnd + 4, 0, 1);
    accept("pcm16.aiff of unknown length", b.at, b.n, 20001);
    free(b.at);
}

/* Chunks of an odd size are followed by a byte that they do not count. */
static void test_odd_chunks(void) {
    unsigned char wav[] = "RIFF\0\0\0\0WAVE"
                          "fmt \20\0\0\0\1\0\1\0\100\37\0\0\100\37\0\0\1\0\10\0"
                          "note\3\0\0\0abc\0"
                          "data\5\0\0\0\200\201\202\203\204\0"
                          "LIST\4\0\0\0INFO"
                          "\0\0\0\0";
    size_t n = sizeof wav - 1;
    put(wav + 4, (uint32_t)n - 8, 0);
    accept("odd chunks and zeros at the end", wav, n, 5);
    accept("odd chunks", wav, n - 4, 5);
    accept("odd chunks, the last one cut", wav, n - 5, 5);
    accept("an odd data chunk without what makes it even", wav, n - 4 - 12 - 1, 5);
    /* The byte that makes the data chunk even is missing, and a chunk follows. */
    memmove(wav + 36 + 12 + 8 + 5, wav + 36 + 12 + 8 + 6, n - (36 + 12 + 8 + 6));
    accept("an odd data chunk that was not made even", wav, n - 5, 5);
    memmove(wav + 36 + 12 + 8 + 6, wav + 36 + 12 + 8 + 5, n - (36 + 12 + 8 + 6));
    put(wav + 36 + 12 + 4, 0x10, 0);
    refuse("bad.wav", wav, 36 + 12 + 8 + 5, "its data chunk has 5 of 16 bytes");
}

/* The header's number of frames, 36 bits, and bytes that libFLAC finds damaged. */
static void test_flac(void) {
    struct bytes b = slurp("pcm16.flac");
    unsigned char *count = b.at + 8 + 13;
    put(count + 1, 0, 1);
    accept("pcm16.flac of unknown length", b.at, b.n, 20001);
    put(count + 1, 20002, 1);
    refuse("bad.flac", b.at, b.n, "has 20001 of 20002 frames");
    put(count + 1, 20001, 1);
    accept("pcm16.flac as it was", b.at, b.n, 20001);
    put(count + 1, 20000, 1);
    refuse("bad.flac", b.at, b.n, "its header says 20000 samples, and more follow");
    put(count + 1, 20001, 1);
    unsigned char *twice = malloc(2 * b.n);
    if (!twice)
        give_up("memory");
    memcpy(twice, b.at, b.n);
    memcpy(twice + b.n, b.at, b.n);
    refuse("joined.flac", twice, 2 * b.n, "its header says 20001 samples, and more follow");
    /* A second half at another rate. */
    make("8k.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 8000, 1, 20001);
    struct bytes other = slurp("8k.flac");
    size_t at = 100, from = 100;
    while (at < b.n && !(b.at[at] == 0xff && b.at[at + 1] == 0xf8 && b.at[at + 4] == 2))
        at++;
    while (from < other.n &&
           !(other.at[from] == 0xff && other.at[from + 1] == 0xf8 && other.at[from + 4] == 2))
        from++;
    memcpy(twice, b.at, at);
    memcpy(twice + at, other.at + from, other.n - from);
    refuse("change.flac", twice, at + other.n - from,
           "its rate changes from 48000 to 8000 Hz after 8192 samples");
    free(other.at);
    free(twice);
    b.at[20] |=
        1; /* one of the five bits that tell the size of a sample, less one; 4 more follow */
    b.at[21] = (unsigned char)((b.at[21] & 0x0f) | 0x30);
    refuse("20.flac", b.at, b.n, "FLAC of 20 bits a sample");
    b.at[20] &= 0xfe;
    b.at[21] = (unsigned char)((b.at[21] & 0x0f) | 0xf0);
    accept("pcm16.flac as it was", b.at, b.n, 20001);
    b.at[b.n / 2] ^= 16;
    refuse("bad.flac", b.at, b.n, "damaged after");
    free(b.at);
}

/* Tags in front of what is found by its first letters; their bytes are no sound. */
static void test_tags(void) {
    static const char *const name[] = {"pcm16.wav",  "pcm16.aiff", "pcm16.au",
                                       "pcm16.flac", "vorbis.ogg", "pcm16.w64"};
    make("pcm16.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 44100, 1, 20001);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct ser_audio plain = {0}, tagged = {0};
        struct ser_error e = {0};
        struct bytes b = slurp(name[i]);
        size_t cover = 200000, n = 10 + cover + 20 + 7 + b.n;
        unsigned char *t = calloc(n, 1);
        if (!t)
            give_up("memory");
        memcpy(t, "ID3\4\0\0\0\14\32\100", 10); /* 200,000 bytes: 12 * 128^2 + 26 * 128 + 64 */
        memset(t + 10, 'R', cover);
        memcpy(t + 10 + cover, "ID3\3\0\020\0\0\0\7", 10); /* with a foot */
        memcpy(t + 10 + cover + 10 + 7, "3DI\3\0\020\0\0\0\7", 10);
        memcpy(t + 10 + cover + 20 + 7, b.at, b.n);
        int good = !ser_audio_decode(&plain, b.at, b.n, name[i], 0, &e) &&
                   !ser_audio_decode(&tagged, t, n, name[i], 0, &e) &&
                   plain.frames == tagged.frames &&
                   !memcmp(plain.sample, tagged.sample, plain.frames * sizeof(float));
        check(good, "%s behind two tags: the same samples %s", name[i], e.text);
        ser_audio_free(&plain);
        ser_audio_free(&tagged);
        if (!strcmp(name[i], "pcm16.wav"))
            refuse("tagged.wav", t, n - 2, "its data chunk has 40000 of 40002 bytes");
        free(t);
        free(b.at);
    }
}

/* 24 bits in the low three of four bytes, the fourth being anything, as ALSA's S24_LE. */
static void test_low_bits(void) {
    enum { FRAMES = 100 };
    for (int channels = 1; channels <= 2; channels++) {
        unsigned char wav[44 + 4 * 2 * FRAMES] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0";
        size_t values = (size_t)channels * FRAMES, n = 44 + 4 * values;
        struct ser_audio a = {0};
        struct ser_error e = {0};
        put(wav + 4, (uint32_t)n - 8, 0);
        wav[22] = (unsigned char)channels;
        put(wav + 24, 16000, 0);
        put(wav + 28, 16000 * 4 * (uint32_t)channels, 0);
        wav[32] = (unsigned char)(4 * channels);
        wav[34] = 24;
        memcpy(wav + 36, "data", 4);
        put(wav + 40, (uint32_t)(4 * values), 0);
        for (size_t i = 0; i < values; i++) {
            int32_t v =
                (int32_t)lrint(8388608 * value(i / (size_t)channels, (int)(i % (size_t)channels)));
            put(wav + 44 + 4 * i, ((uint32_t)v & 0xffffff) | (uint32_t)i << 24, 0);
        }
        int good = !ser_audio_decode(&a, wav, n, "s24le.wav", 0, &e) && a.frames == FRAMES;
        check(good && off_by(&a) < 2e-7, "24 bits in four bytes, %d channels: %zu frames %s",
              channels, a.frames, e.text);
        ser_audio_free(&a);
    }
}

/* Blocks that are compressed alike, the last of them short: what it holds, and nothing made up. */
static void test_blocks(void) {
    static const struct {
        int format;
        size_t whole,
            short_of; /* frames of blocks of the file; with its last block cut to some bytes */
        size_t cut;   /* bytes of the last block that are left */
    } kind[] = {
        {SF_FORMAT_IMA_ADPCM, 505, 1 + (100 - 4) * 2, 100},
        {SF_FORMAT_MS_ADPCM, 500, 2 + (100 - 7) * 2, 100},
        {SF_FORMAT_GSM610, 320, 0, 40},
    };
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        make("blocks.wav", SF_FORMAT_WAV | kind[i].format, 8000, 1, 5000);
        struct bytes b = slurp("blocks.wav");
        size_t at = 12, align = b.at[32] | (size_t)b.at[33] << 8;
        while (memcmp(b.at + at, "data", 4))
            at += 8 + (b.at[at + 4] | (size_t)b.at[at + 5] << 8);
        size_t blocks = 3, n = at + 8 + blocks * align + kind[i].cut;
        put(b.at + at + 4, (uint32_t)(n - at - 8), 0);
        accept("compressed blocks, the last one short", b.at, n,
               blocks * kind[i].whole + kind[i].short_of);
        free(b.at);
    }
}

/* Sizes of 32 bits, in a file of 5 GiB: seen in its header, without decoding it. */
static void test_wrapped(void) {
    struct ser_error e = {0};
    struct ser_container c;
    struct bytes b = slurp("pcm16.wav");
    uint64_t data = (5ULL << 30) + 2, len = 44 + data;
    put(b.at + 4, (uint32_t)(len - 8), 0);
    put(b.at + 40, (uint32_t)data, 0);
    spill("huge.wav", b.at, 44);
    if (truncate("huge.wav", (off_t)len + 100))
        give_up("huge.wav");
    struct ser_bytes f = {.name = "huge.wav", .fd = open("huge.wav", O_RDONLY), .len = len};
    int good = !ser_container_look(&f, &c, &e);
    check(good && c.end == len, "a data chunk of 5 GiB, whose size has lost its upper bits %s",
          e.text);
    close(f.fd);
    unlink("huge.wav");
    free(b.at);
}

/* What cannot be read is named, with what converts it. */
static void test_foreign(void) {
    unsigned char packets[3 * 188] = {0};
    static const struct {
        const char *at;
        size_t n;
        const char *want;
    } kind[] = {
        {"\0\0\0\40ftypM4A \0\0\0\0M4A mp42isom", 28, "MP4 or M4A.*ffmpeg -i IN"},
        {"\x1a\x45\xdf\xa3\1\0\0\0", 8, "WebM or Matroska"},
        {"#!AMR\n\x3c\x91", 8, "is AMR"},
        {"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", 10, "Windows Media"},
        {"\xff\xf1\x50\x80\x02\x1f\xfc", 7, "is AAC"},
        {"OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\63\x7f"
         "FLAC\1\0",
         36, "FLAC in Ogg"},
        {"PK\3\4\24\0\1\0\10\0", 10, "ZIP archive, an encrypted one"},
        {"\n<!DOCTYPE html><html>", 22, "page of HTML"},
        {"RIFF\0\1\0\0AVI LIST", 16, "is AVI"},
        {"\x0b\x77\x12\x34\x14\x40", 6, "is AC-3"},
        {"TTA1\1\0\2\0", 8, "True Audio"},
        {"OggS\0\2\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\x50Speex   1.2", 40, "Speex in Ogg"},
        {"caff\0\1\0\0desc\0\0\0\0\0\0\0\40\100\277\100\0\0\0\0\0alac\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
         "\2\0\0\0\0"
         "data\0\0\0\0\0\0\0\4\0\0\0",
         68, "CAF with sound of format 'alac'"},
        {".snd\0\0\0\30\0\0\0\4\0\0\0\143\0\0\37\100\0\0\0\1abcd", 28,
         "AU with sound of encoding 99"},
        {"dear diary\n", 11, "is text, not audio"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull"},
    };
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        char want[64];
        snprintf(want, sizeof want, "%.*s", (int)strcspn(kind[i].want, "."), kind[i].want);
        refuse("foreign.wav", (const unsigned char *)kind[i].at, kind[i].n, want);
    }
    for (int i = 0; i < 3; i++)
        packets[188 * i] = 'G';
    refuse("foreign.ts", packets, sizeof packets, "is an MPEG transport stream");
}

/* Other bytes behind the sound, and sound that is cut short, of formats with sizes of their own. */
static void test_ends(void) {
    static const struct {
        const char *name;
        int format;
    } kind[] = {{"end.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16},
                {"end.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16},
                {"end.voc", SF_FORMAT_VOC | SF_FORMAT_PCM_16},
                {"end.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16},
                {"end.svx", SF_FORMAT_SVX | SF_FORMAT_PCM_16},
                {"end.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16}};
    enum { FRAMES = 2001, TAG = 128 };
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        make(kind[i].name, kind[i].format, 16000, 1, FRAMES);
        struct bytes b = slurp(kind[i].name);
        memset(b.at + b.n, 'x', TAG);
        memcpy(b.at + b.n, "TAG", 3);
        accept(kind[i].name, b.at, b.n, FRAMES);
        accept("the same with a tag behind it", b.at, b.n + TAG, FRAMES);
        refuse("half.bin", b.at, b.n / 2,
               strcmp(kind[i].name, "end.flac") ? "cut short" : "damaged");
        free(b.at);
    }
    struct bytes b = slurp("end.caf");
    size_t data = 8;
    while (memcmp(b.at + data, "data", 4))
        data++;
    memset(b.at + data + 4, 0xff, 8);
    accept("end.caf of unknown length", b.at, b.n, FRAMES);
    memset(b.at + data + 4, 0x7f, 8);
    refuse("bad.caf", b.at, b.n, "cut short: its data chunk has");
    free(b.at);
    b = slurp("end.sph");
    unsigned char *coding = memmem(b.at, b.n, "sample_coding", 13);
    memcpy(coding, "sample_coding -s26 pcm,embedded-shorten-v2.00\n", 46);
    refuse("bad.sph", b.at, b.n, "is SPHERE with compressed sound");
    free(b.at);
    make("end.xi", SF_FORMAT_XI | SF_FORMAT_DPCM_16, 16000, 1, FRAMES);
    b = slurp("end.xi");
    refuse("end.xi", b.at, b.n, "whose rate nothing tells");
    free(b.at);
    make("end.sds", SF_FORMAT_SDS | SF_FORMAT_PCM_16, 16000, 1, FRAMES);
    b = slurp("end.sds");
    refuse("end.sds", b.at, b.n, "whose end cannot be checked");
    free(b.at);
}

/* Files behind each other: of the same kind, of another, behind chunks, behind one that did not tell its length. */
static void test_joined_files(void) {
    static const char *const name[] = {"pcm16.wav", "rifx.wav", "rf64.wav", "pcm16.aiff",
                                       "pcm16.au",  "ima.wav",  "end.w64",  "end.caf",
                                       "end.voc",   "end.sph"};
    struct bytes wav = slurp("pcm16.wav");
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        char want[100];
        struct bytes b = slurp(name[i]);
        size_t n = b.n;
        snprintf(want, sizeof want, "another recording follows from byte %zu on", n);
        memcpy(b.at + n, b.at, n);
        refuse("two", b.at, 2 * n, want);
        memcpy(b.at + n, wav.at, wav.n);
        refuse("two", b.at, n + wav.n, want);
        free(b.at);
    }
    struct bytes b = slurp("end.w64");
    memcpy(b.at + b.n, "list\x2f\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0\x1b\0\0\0\0\0\0\0INF", 27);
    memcpy(b.at + b.n + 32, wav.at, wav.n);
    refuse("list.w64", b.at, b.n + 32 + wav.n, "another recording follows from byte");
    free(b.at);
    b = slurp("end.caf");
    memcpy(b.at + b.n, "info\0\0\0\0\0\0\0\3INF", 15);
    memcpy(b.at + b.n + 15, wav.at, wav.n);
    refuse("list.caf", b.at, b.n + 15 + wav.n, "another recording follows from byte");
    free(b.at);
    b = slurp("pcm16.wav");
    memcpy(b.at + b.n, "\0\0LIST\6\0\0\0INFOxx", 16);
    accept("a chunk behind the sound", b.at, b.n + 16, 20001);
    memcpy(b.at + b.n + 16, wav.at, wav.n);
    refuse("list.wav", b.at, b.n + 16 + wav.n, "another recording follows from byte 40062 on");
    put(b.at + 40, 0xffffffff, 0);
    memcpy(b.at + b.n, wav.at, wav.n);
    refuse("endless.wav", b.at, b.n + wav.n, "another recording follows from byte 40046 on");
    put(b.at + b.n + 8, 0, 0);
    accept("letters that are no header", b.at, b.n + wav.n, 20001 + (44 + 40002) / 2);
    free(b.at);
    free(wav.at);
}

/* Streams behind each other, of which decoders read the first. */
static void test_joined(void) {
    static const int format[] = {SF_FORMAT_VORBIS, SF_FORMAT_OPUS};
    for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
        make("one.ogg", SF_FORMAT_OGG | format[i], 48000, 1, 5000);
        struct bytes b = slurp("one.ogg");
        accept("one stream of Ogg", b.at, b.n, 5000);
        memcpy(b.at + b.n, b.at, b.n);
        refuse("two.ogg", b.at, 2 * b.n, "holds streams behind each other");
        free(b.at);
    }
    /* Frames of MPEG, 417 bytes at 44,100 Hz and 128 kbit/s, the first of which tells how many bytes they are. */
    unsigned char mp3[4 * 417] = {0};
    for (int i = 0; i < 4; i++)
        memcpy(mp3 + 417 * i, "\xff\xfb\x90\xc0", 4);
    memcpy(mp3 + 21, "Info\0\0\0\3\0\0\0\1", 12);
    put(mp3 + 33, 2 * 417, 1);
    refuse("two.mp3", mp3, sizeof mp3, "says 834 bytes, and more follow");
    memcpy(mp3 + 2 * 417, "ID3\4\0\0\0\0\3\27", 10); /* 417 bytes, less these */
    refuse("two.mp3", mp3, sizeof mp3, "says 834 bytes, and more follow");
    memcpy(mp3 + 2 * 417, "TAGx", 4);
    struct ser_bytes f = {.name = "tag.mp3", .fd = -1, .mem = mp3, .len = 2 * 417 + 128};
    struct ser_container c;
    struct ser_error e = {0};
    check(!ser_container_look(&f, &c, &e), "a tag behind MP3 is no stream %s", e.text);
    memcpy(mp3 + 2 * 417, "ID3\4\0\0\0\0\3\26", 10);
    f.len = 4 * 417;
    check(!ser_container_look(&f, &c, &e), "nor is one of another kind %s", e.text);
    put(mp3 + 33, 5 * 417, 1);
    refuse("cut.mp3", mp3, sizeof mp3, "cut short: has 1668 of 2085 bytes");
}

/* Where a decoder goes on behind what it cannot read, or ends there without an error. */
static void test_gaps(void) {
    /* As in test_joined, 40 frames that tell nothing. */
    enum { N = 40, SIZE = 417 };
    unsigned char mp3[(N + 1) * SIZE] = {0};
    for (int i = 0; i < N; i++)
        memcpy(mp3 + SIZE * i, "\xff\xfb\x90\xc0", 4);
    accept("40 frames of MP3", mp3, N * SIZE, N * 1152);
    mp3[20 * SIZE] = 0;
    refuse("gap.mp3", mp3, N * SIZE, "no MPEG frame begins at byte 8340");
    memmove(mp3 + 20 * SIZE, mp3 + 20 * SIZE + 7, 19 * SIZE);
    refuse("gap.mp3", mp3, N * SIZE - 7, "no MPEG frame begins at byte 8340");
    /* The same number of channels is no more: the decoder ends. */
    for (int i = 0; i < N; i++)
        memcpy(mp3 + SIZE * i, i < 20 ? "\xff\xfb\x90\xc0" : "\xff\xfb\x90\x00", 4);
    refuse("ends.mp3", mp3, N * SIZE, "damaged after 23040 frames: the decoder ends there");
    make("gap.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 8000, 1, 100000);
    struct bytes b = slurp("gap.ogg");
    accept("Ogg as it was", b.at, b.n, 100000);
    b.at[b.n / 2] ^= 16;
    refuse("gap.ogg", b.at, b.n, "pages are missing, or their checksums are wrong");
    free(b.at);
    /* The page in the middle is not there: pages begin with their name. */
    make("gap.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 48000, 1, 1000000);
    b = slurp("gap.ogg");
    unsigned char *page = memmem(b.at + b.n / 3, b.n / 3, "OggS", 4),
                  *next = page ? memmem(page + 4, b.n / 3, "OggS", 4) : NULL;
    if (!next)
        give_up("gap.ogg");
    memmove(page, next, (size_t)(b.at + b.n - next));
    refuse("gap.ogg", b.at, b.n - (size_t)(next - page), "pages are missing");
    free(b.at);
}

/* From the length and the bit rate of the first frame libsndfile would reckon that there are two frames, not 11. */
static void test_varying(void) {
    unsigned char mp3[1044 + 10 * 104] = "\xff\xfb\xe0\xc0";
    for (int i = 0; i < 10; i++)
        memcpy(mp3 + 1044 + 104 * i, "\xff\xfb\x10\xc0", 4);
    accept("MP3 of varying bit rate that does not tell its length", mp3, sizeof mp3, 11 * 1152);
}

/* Headers that say a thing twice, and one of a machine whose low byte comes first. */
static void test_twice(void) {
    struct bytes b = slurp("pcm16.wav");
    memmove(b.at + 36 + 24, b.at + 36, b.n - 36);
    memcpy(b.at + 36, b.at + 12, 24);
    put(b.at + 4, (uint32_t)b.n + 24 - 8, 0);
    accept("two fmt chunks that are equal", b.at, b.n + 24, 20001);
    b.at[36 + 8 + 2] = 2;
    refuse("bad.wav", b.at, b.n + 24, "two fmt chunks differ");
    free(b.at);
    b = slurp("little.au");
    memcpy(b.at, "\0ds.", 4);
    accept("AU as SoX writes it for other machines", b.at, b.n, 20001);
    free(b.at);
}

/* More than what is taken in advance. */
static void test_long(void) {
    struct ser_audio a = {0};
    struct ser_error e = {0};
    size_t frames = 5000000;
    make("hours.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1, frames);
    int good = !ser_audio_load(&a, "hours.wav", 0, &e) && a.frames == frames;
    check(good && off_by(&a) < 3e-2, "%zu frames %s", a.frames, e.text);
    ser_audio_free(&a);
}

static void test_system(void) {
    static const char *const path[] = {"missing.wav", "folder", "pcm16.wav/inside.wav"};
    static const char *const part[] = {"cannot open: No such file", "is a folder", "cannot open"};
    mkdir("folder", 0700);
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        struct ser_audio a = {0};
        struct ser_error e = {0};
        int good = ser_audio_load(&a, path[i], 0, &e) && e.status == SER_SYS &&
                   strstr(e.text, part[i]) && !strncmp(e.text, path[i], strlen(path[i]));
        check(good, "%s", e.text);
    }
}

/* Damage anywhere: decoded or refused, nothing else; the sanitizers watch. Not of Ogg:
 * libsndfile 1.2.0 loses memory when it refuses a Vorbis header. */
static void test_damage(void) {
    static const char *const name[] = {"small.wav", "small.aiff", "small.au", "small.flac",
                                       "small-rf64.wav"};
    static const int format[] = {SF_FORMAT_WAV | SF_FORMAT_FLOAT, SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
                                 SF_FORMAT_AU | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                                 SF_FORMAT_RF64 | SF_FORMAT_PCM_16};
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        make(name[i], format[i], 16000, 1, 300);
        struct bytes b = slurp(name[i]);
        size_t decoded = 0, refused = 0, odd = 0;
        for (int k = 0; k < 1000; k++) {
            struct ser_audio a = {0};
            struct ser_error e = {0};
            seed = seed * 1664525 + 1013904223;
            size_t reach = b.n < 120 || k % 2 ? b.n : 120, at = (seed >> 8) % reach;
            unsigned char old = b.at[at];
            b.at[at] = (unsigned char)(k % 3 ? old ^ 1u << (seed >> 4) % 8 : seed >> 24);
            if (!ser_audio_decode(&a, b.at, b.n, name[i], 0, &e))
                decoded++;
            else if (e.status == SER_BAD && !a.sample)
                refused++;
            else
                odd++;
            for (size_t j = 0; j < a.frames; j++)
                odd += !isfinite(a.sample[j]);
            b.at[at] = old;
            ser_audio_free(&a);
        }
        check(decoded && refused && !odd, "%s with a byte changed: %zu decoded, %zu refused",
              name[i], decoded, refused);
        free(b.at);
    }
}

static int forget(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int main(void) {
    char folder[] = "/tmp/test_audio.XXXXXX";
    if (!mkdtemp(folder) || chdir(folder))
        give_up(folder);
    make("long.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 1, 50000);
    test_formats();
    test_values();
    test_rate();
    test_fifo();
    test_not_audio();
    test_not_finite();
    test_cuts();
    test_sizes();
    test_odd_chunks();
    test_flac();
    test_tags();
    test_low_bits();
    test_blocks();
    test_wrapped();
    test_foreign();
    test_ends();
    test_joined_files();
    test_joined();
    test_gaps();
    test_varying();
    test_twice();
    test_long();
    test_system();
    test_damage();
    if (chdir("/") || nftw(folder, forget, 8, FTW_DEPTH | FTW_PHYS))
        give_up("cleaning up");
    return failed != 0;
}
