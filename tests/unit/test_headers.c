/* test_headers - layouts of WAV headers, made here: each reads to the right samples, or is refused with the reason.
 *
 * usage: test_headers [FOLDER]
 *
 * With FOLDER the layouts are written there: NAME.wav, and NAME.f32 with the samples that are right (mono, 32-bit floats,
 * little-endian) or NAME.no where it is to be refused.
 *
 * Which layouts there are is taken from the tests of other readers: Kaldi's wave-reader-test.cc (sizes that mean unknown,
 * fmt chunks of 18 bytes), the test sets of hound for Rust (24 bits in 4 bytes, a PCM tag in an extensible chunk, no
 * valid bits) and of wavefile for Ruby (fmt chunks with extensions and further bytes, masks of speakers, smpl chunks,
 * missing bytes of padding). The bytes are made by this program.
 */
#include "bridge/audio.h"
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PCM = 1, FLOAT = 3, ALAW = 6, ULAW = 7, EXTENSIBLE = 0xfffe };
enum size { RIGHT, ZERO, ONES, SOX, ONE_LESS, ONE_MORE, NINE_MORE };

struct layout {
    const char *name;
    unsigned tag, bits;      /* default: PCM, 16 */
    unsigned channels, rate; /* default: 1, 44100; -1 stands for 0 */
    const char *form;        /* default: RIFF */
    unsigned fmt;            /* bytes of the fmt chunk; default: 16, or 40 for EXTENSIBLE */
    unsigned extra;     /* what it says is the size of its extension; default: as many as follow */
    unsigned container; /* bytes of a sample; default: enough for bits */
    unsigned valid, sub,
        mask; /* of EXTENSIBLE; valid defaults to bits, sub to PCM; -1 stands for 0 */
    int low;  /* 1: samples are in the low bits of the container */
    const char *before, *between,
        *behind;          /* chunks NAME:BYTES; a ! leaves out the byte that makes it even */
    int fmt_last, no_pad; /* the fmt chunk comes last; the data chunk is not made even */
    enum size riff, data;
    int frames;          /* default: 7; -1 stands for 0 */
    int cut;             /* bytes that are missing at the end */
    const char *refused; /* part of the message; NULL: it is read */
};

/* clang-format off */
static const struct layout layouts[] = {
    {"pcm8-1", .bits = 8}, {"pcm8-2", .bits = 8, .channels = 2}, {"pcm8-3", .bits = 8, .channels = 3},
    {.name = "pcm16-1"}, {"pcm16-2", .channels = 2}, {"pcm16-3", .channels = 3}, {"pcm16-20", .channels = 20},
    {"pcm24-1", .bits = 24}, {"pcm24-2", .bits = 24, .channels = 2}, {"pcm24-3", .bits = 24, .channels = 3},
    {"pcm32-1", .bits = 32}, {"pcm32-2", .bits = 32, .channels = 2}, {"pcm32-3", .bits = 32, .channels = 3},
    {"float32-1", .tag = FLOAT, .bits = 32}, {"float32-2", .tag = FLOAT, .bits = 32, .channels = 2}, {"float32-3", .tag = FLOAT, .bits = 32, .channels = 3},
    {"float64-1", .tag = FLOAT, .bits = 64}, {"float64-2", .tag = FLOAT, .bits = 64, .channels = 2}, {"float64-3", .tag = FLOAT, .bits = 64, .channels = 3},
    {"alaw-1", .tag = ALAW, .bits = 8, .fmt = 18}, {"ulaw-1", .tag = ULAW, .bits = 8, .fmt = 18}, {"ulaw-2", .tag = ULAW, .bits = 8, .channels = 2, .fmt = 18},
    {"alaw-short-fmt", .tag = ALAW, .bits = 8}, {"ulaw-fact", .tag = ULAW, .bits = 8, .fmt = 18, .between = "fact:4"},

    {"ex8-1", .tag = EXTENSIBLE, .bits = 8}, {"ex8-2", .tag = EXTENSIBLE, .bits = 8, .channels = 2}, {"ex8-3", .tag = EXTENSIBLE, .bits = 8, .channels = 3},
    {"ex16-1", .tag = EXTENSIBLE}, {"ex16-2", .tag = EXTENSIBLE, .channels = 2}, {"ex16-3", .tag = EXTENSIBLE, .channels = 3},
    {"ex24-1", .tag = EXTENSIBLE, .bits = 24}, {"ex24-2", .tag = EXTENSIBLE, .bits = 24, .channels = 2}, {"ex24-3", .tag = EXTENSIBLE, .bits = 24, .channels = 3},
    {"ex32-1", .tag = EXTENSIBLE, .bits = 32}, {"ex32-2", .tag = EXTENSIBLE, .bits = 32, .channels = 2}, {"ex32-3", .tag = EXTENSIBLE, .bits = 32, .channels = 3},
    {"ex-float32-1", .tag = EXTENSIBLE, .bits = 32, .sub = FLOAT}, {"ex-float32-2", .tag = EXTENSIBLE, .bits = 32, .channels = 2, .sub = FLOAT},
    {"ex-float64-1", .tag = EXTENSIBLE, .bits = 64, .sub = FLOAT}, {"ex-float64-3", .tag = EXTENSIBLE, .bits = 64, .channels = 3, .sub = FLOAT},
    {"ex-alaw", .tag = EXTENSIBLE, .bits = 8, .sub = ALAW}, {"ex-ulaw", .tag = EXTENSIBLE, .bits = 8, .sub = ULAW},
    {"ex-fact", .tag = EXTENSIBLE, .bits = 24, .between = "fact:4"},
    {"ex-no-speakers", .tag = EXTENSIBLE, .bits = 24, .channels = 2, .mask = -1U}, {"ex-one-speaker-of-two", .tag = EXTENSIBLE, .bits = 24, .channels = 2, .mask = 1},
    {"ex-three-speakers-of-two", .tag = EXTENSIBLE, .channels = 2, .mask = 7},
    {"ex-speakers-not-defined", .tag = EXTENSIBLE, .channels = 2, .mask = 0xc0000000},
    {"ex-speakers-too-many", .tag = EXTENSIBLE, .channels = 20, .mask = 0x3ffff},
    {"ex24-in-4", .tag = EXTENSIBLE, .bits = 32, .channels = 2, .valid = 24}, {"ex20-in-3", .tag = EXTENSIBLE, .bits = 24, .valid = 20},
    {"ex12-in-2", .tag = EXTENSIBLE, .bits = 16, .valid = 12}, {"ex20-in-4", .tag = EXTENSIBLE, .bits = 32, .valid = 20},
    {"ex24-low-in-4", .tag = EXTENSIBLE, .bits = 32, .valid = 24, .low = 1},
    {"ex24-low-in-4-2", .tag = EXTENSIBLE, .bits = 32, .channels = 2, .valid = 24, .low = 1},
    {"ex-no-valid-bits", .tag = EXTENSIBLE, .bits = 32, .channels = 2, .valid = -1U},
    {"ex-more-bytes", .tag = EXTENSIBLE, .fmt = 44, .extra = 22}, {"ex-more-extension", .tag = EXTENSIBLE, .fmt = 44},
    {"ex-more-of-both", .tag = EXTENSIBLE, .fmt = 46, .extra = 24},
    {"ex-no-extension", .tag = EXTENSIBLE, .fmt = 18, .refused = "its fmt chunk has 18 bytes, not 40"},
    {"ex-half-extension", .tag = EXTENSIBLE, .fmt = 28, .refused = "its fmt chunk has 28 bytes, not 40"},
    {"ex-unknown-format", .tag = EXTENSIBLE, .sub = 0x1234, .refused = "sound of format 0x1234"},

    {"pcm24-low-in-4", .bits = 24, .container = 4, .low = 1},
    {"pcm24-low-in-4-2", .bits = 24, .container = 4, .channels = 2, .low = 1},
    {"pcm20-in-3", .bits = 20}, {"pcm12-in-2", .bits = 12}, {"pcm12-in-2-2", .bits = 12, .channels = 2},
    {"pcm48", .bits = 48, .refused = "samples of 48 bits cannot be read"},
    {"pcm64", .bits = 64, .refused = "samples of 64 bits cannot be read"},

    {"fmt18-2", .channels = 2, .rate = 8000, .fmt = 18}, {"fmt18-1", .rate = 22050, .fmt = 18},
    {"fmt18-8", .bits = 8, .rate = 11025, .fmt = 18}, {"fmt17", .fmt = 17, .extra = -1U},
    {"fmt17-unpadded", .fmt = 17, .extra = -1U, .between = "!", .refused = "no chunk begins at byte 38"},
    {"fmt18-extra-unread", .fmt = 18, .extra = 77}, {"fmt20", .fmt = 20, .extra = -1U}, {"fmt40", .bits = 24, .channels = 2, .rate = 48000, .fmt = 40, .extra = -1U},
    {"fmt21", .fmt = 21, .extra = -1U}, {"fmt-float-16", .tag = FLOAT, .bits = 32, .fmt = 16}, {"fmt-float-18", .tag = FLOAT, .bits = 32, .fmt = 18},
    {"fmt-float-20", .tag = FLOAT, .bits = 32, .fmt = 20}, {"fmt-float-22", .tag = FLOAT, .bits = 32, .fmt = 22, .extra = 2},
    {"fmt-float-extra-unread", .tag = FLOAT, .bits = 32, .fmt = 18, .extra = 22},
    {"fmt14", .fmt = 14, .refused = "its fmt chunk has 14 bytes, not 16"}, {"fmt0", .fmt = -1U, .refused = "its fmt chunk has 0 bytes, not 16"},
    {"fmt-last", .fmt_last = 1, .refused = "nothing before its data chunk"},

    {"list-between", .between = "LIST:26"}, {"list-between-18", .fmt = 18, .between = "LIST:26"},
    {"list-before", .before = "LIST:26"}, {"fact-between", .between = "fact:4"}, {"fact-of-8", .between = "fact:8"},
    {"odd-list-between", .between = "LIST:27"}, {"many-between", .between = "fact:4 LIST:26 PEAK:16 cue :4"},
    {"junk-bext", .bits = 24, .channels = 2, .rate = 48000, .fmt = 40, .extra = -1U, .before = "JUNK:92 bext:602", .between = "minf:16"},
    {"smpl-before", .before = "smpl:60"}, {"smpl-behind", .behind = "smpl:60"}, {"smpl-empty", .between = "smpl:0"},
    {"smpl-behind-odd", .bits = 8, .behind = "smpl:60"}, {"smpl-twice", .between = "smpl:36 smpl:36", .behind = "smpl:36"},
    {"junk-behind-unpadded", .behind = "JUNK:5!"}, {"junk-behind-padded", .behind = "JUNK:5"},
    {"data-unpadded", .bits = 8, .no_pad = 1}, {"data-padded", .bits = 8},
    {"data-unpadded-list", .bits = 8, .no_pad = 1, .behind = "LIST:26"},
    {"junk-behind-cut", .behind = "JUNK:50", .cut = 20}, {"junk-behind-head-cut", .behind = "JUNK:50", .cut = 55},

    {"rifx16", .form = "RIFX"}, {"rifx24-2", .form = "RIFX", .bits = 24, .channels = 2}, {"rifx32", .form = "RIFX", .bits = 32},
    {"rifx8", .form = "RIFX", .bits = 8}, {"rifx-float", .tag = FLOAT, .bits = 32, .form = "RIFX"}, {"rifx-float64", .tag = FLOAT, .bits = 64, .form = "RIFX"},
    {"rifx-list", .form = "RIFX", .between = "LIST:26"},
    {"rf64", .form = "RF64"}, {"rf64-list", .form = "RF64", .between = "LIST:26"}, {"rf64-24-2", .form = "RF64", .bits = 24, .channels = 2},
    {"rf64-sized", .form = "RF64", .data = ONE_LESS}, {"rf64-behind", .form = "RF64", .behind = "LIST:26"},
    {"bw64", .form = "BW64"}, {"bw64-2", .form = "BW64", .channels = 2}, {"bw64-axml", .form = "BW64", .between = "chna:40", .behind = "axml:33"},

    {"endless-0", .rate = 8000, .fmt = 18, .riff = ZERO, .data = ZERO},
    {"endless-1", .rate = 8000, .fmt = 18, .riff = ONES, .data = ONES},
    {"endless-sox", .riff = SOX, .data = SOX}, {"endless-data", .data = ONES}, {"endless-data-0", .data = ZERO},
    {"endless-riff-0", .riff = ZERO}, {"endless-riff-1", .riff = ONES}, {"endless-list", .riff = ONES, .data = ONES, .behind = "LIST:26"},
    {"endless-rifx", .form = "RIFX", .riff = ONES, .data = ONES},
    {"riff-less", .riff = ONE_LESS}, {"riff-more", .riff = ONE_MORE}, {"riff-much-more", .riff = NINE_MORE},
    {"data-more", .data = NINE_MORE, .refused = "its data chunk has"}, {"data-cut", .cut = 3, .refused = "its data chunk has"},

    {"no-samples", .frames = -1, .refused = "has no samples"}, {"one-sample", .frames = 1},
    {"no-channels", .channels = -1U, .refused = "says 0 channels at 44100 Hz"}, {"no-rate", .rate = -1U, .refused = "says 1 channels at 0 Hz"},
    {"unknown-tag", .tag = 0x1234, .fmt = 18, .refused = "sound of format 0x1234"},
    {"data-head-cut", .frames = -1, .cut = 4, .refused = "ends inside a chunk's header"},
    {"data-id-cut", .frames = -1, .cut = 6, .refused = "ends inside a chunk's header"},
    {"no-data", .frames = -1, .cut = 8, .refused = "no data chunk"}, {"fmt-cut", .frames = -1, .cut = 12, .refused = "its fmt  chunk has 12 of 16"},
    {"form-only", .frames = -1, .cut = 32, .refused = "no data chunk"}, {"riff-only", .frames = -1, .cut = 40, .refused = "cut short"},
    {"form-cut", .frames = -1, .cut = 34, .refused = "ends inside the header"}, {"wrong-magic", .form = "RIFG", .refused = "not audio"},
};
/* clang-format on */
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* ---- bytes ---- */

struct file {
    unsigned char at[8192];
    size_t n;
    int big_endian;
};

static void put(struct file *f, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        f->at[f->n++] = (unsigned char)(v >> 8 * (f->big_endian ? bytes - 1 - i : i));
}

static void put_text(struct file *f, const char *text) {
    memcpy(f->at + f->n, text, strlen(text));
    f->n += strlen(text);
}

/* Chunks as of a text NAME:BYTES NAME:BYTES! ... */
static void put_chunks(struct file *f, const char *s) {
    while (s && *s && *s != '!') {
        char *end;
        unsigned long size = strtoul(s + 5, &end, 10);
        memcpy(f->at + f->n, s, 4);
        f->n += 4;
        put(f, size, 4);
        memset(f->at + f->n, 'a', size);
        f->n += size;
        if (size % 2 && *end != '!')
            f->at[f->n++] = 0;
        s = *end == '!' ? end + 1 : end;
        s += *s == ' ';
    }
}

static uint32_t size_of(enum size kind, size_t right) {
    switch (kind) {
    case ZERO:
        return 0;
    case ONES:
        return UINT32_MAX;
    case SOX:
        return 0x7ffff000;
    case ONE_LESS:
        return (uint32_t)right - 1;
    case ONE_MORE:
        return (uint32_t)right + 1;
    case NINE_MORE:
        return (uint32_t)right + 9;
    default:
        return (uint32_t)right;
    }
}

/* ---- samples ---- */

static unsigned real(unsigned v, unsigned otherwise) { /* -1 stands for 0, 0 for the default */
    return v == -1U ? 0 : v ? v : otherwise;
}

static int is_long(const struct layout *l) {
    return l->form && l->form[1] != 'I';
}

static unsigned bits_of(const struct layout *l) {
    return real(l->bits, 16);
}

static unsigned container_of(const struct layout *l) {
    return real(l->container, (bits_of(l) + 7) / 8);
}

static unsigned kind_of(const struct layout *l) {
    return real(l->tag, PCM) == EXTENSIBLE ? real(l->sub, PCM) : real(l->tag, PCM);
}

/* Writes value number i, and returns what it means. The bits of a sample are the upper ones of its container, unless
 * l->low, and unsigned where the container is one byte. */
static double put_value(struct file *f, const struct layout *l, unsigned i) {
    static const float reals[] = {0, -1, 0.25F, 2, -16411, 1019, 1e-9F};
    static const struct {
        unsigned char code;
        int value;
    } a_law[] = {{0xd5, 8}, {0x55, -8}, {0xaa, 32256}, {0x2a, -32256}},
      u_law[] = {{0xff, 0}, {0x80, 32124}, {0x00, -32124}, {0xfe, 8}};
    unsigned container = container_of(l),
             bits = l->valid && l->valid != -1U ? l->valid : bits_of(l);
    if (kind_of(l) == FLOAT) {
        float x = reals[i % 7];
        double y = x;
        uint64_t word = 0;
        if (container == 4)
            memcpy(&word, &x, 4);
        else
            memcpy(&word, &y, 8);
        put(f, word, container);
        return x;
    }
    if (kind_of(l) == ALAW || kind_of(l) == ULAW) {
        put(f, kind_of(l) == ALAW ? a_law[i % 4].code : u_law[i % 4].code, 1);
        return (kind_of(l) == ALAW ? a_law[i % 4].value : u_law[i % 4].value) / 32768.0;
    }
    int64_t most = (int64_t)1 << (bits < 63 ? bits - 1 : 62); /* of more nobody reads any */
    const int64_t values[] = {0, -1, -most, most - 1, 1, most / 3, -most / 7};
    int64_t v = values[i % 7];
    uint64_t code = (uint64_t)v;
    if (l->low) /* as hound's test set has it: nothing above the bits */
        code &= ((uint64_t)1 << bits) - 1;
    else
        code <<= 8 * container - bits;
    if (container == 1)
        code += 128;
    put(f, code, container);
    return (double)v / (double)most;
}

/* ---- a whole file ---- */

static void put_format(struct file *f, const struct layout *l) {
    static const unsigned char guid[] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                         0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};
    unsigned tag = real(l->tag, PCM), size = real(l->fmt, tag == EXTENSIBLE ? 40 : 16);
    unsigned channels = real(l->channels, 1), rate = real(l->rate, 44100),
             align = channels * container_of(l);
    if (l->fmt == -1U)
        size = 0;
    put_text(f, "fmt ");
    put(f, size, 4);
    size_t from = f->n;
    put(f, tag, 2);
    put(f, channels, 2);
    put(f, rate, 4);
    put(f, (uint64_t)rate * align, 4);
    put(f, align, 2);
    put(f, bits_of(l), 2);
    put(f, l->extra ? real(l->extra, 0) : size >= 18 ? size - 18 : 0, 2);
    put(f, real(l->valid, l->valid ? 0 : bits_of(l)), 2);
    put(f, l->mask ? real(l->mask, 0) : (1U << channels) - 1, 4);
    put(f, real(l->sub, PCM), 2);
    memcpy(f->at + f->n, guid, sizeof guid);
    if (tag != EXTENSIBLE) /* nothing follows the size of the extension */
        memset(f->at + from + 18, 0, 22);
    memset(f->at + from + 40, 0, 8);
    f->n = from + size;
    if (size % 2 && !(l->between && *l->between == '!'))
        f->at[f->n++] = 0;
}

/* Makes the file; returns the number of its frames, and their means in x. */
static size_t make(const struct layout *l, struct file *f, float *x) {
    unsigned channels = real(l->channels, 1);
    size_t frames = l->frames < 0 ? 0 : l->frames ? (size_t)l->frames : 7, riff, data, ds64 = 0;
    *f = (struct file){.big_endian = l->form && strcmp(l->form, "RIFX") == 0};
    put_text(f, l->form ? l->form : "RIFF");
    riff = f->n;
    put(f, 0, 4);
    put_text(f, "WAVE");
    if (is_long(l)) {
        put_text(f, "ds64");
        put(f, 28, 4);
        ds64 = f->n;
        memset(f->at + f->n, 0, 28);
        f->n += 28;
    }
    put_chunks(f, l->before);
    if (!l->fmt_last)
        put_format(f, l);
    put_chunks(f, l->between);
    put_text(f, "data");
    data = f->n;
    put(f, 0, 4);
    for (size_t i = 0; i < frames; i++) {
        float sum = 0;
        for (unsigned c = 0; c < channels; c++)
            sum += (float)put_value(f, l, (unsigned)(i * channels + c));
        x[i] = sum / (float)channels;
    }
    size_t bytes = f->n - data - 4, end;
    if (bytes % 2 && !l->no_pad)
        f->at[f->n++] = 0;
    put_chunks(f, l->behind);
    if (l->fmt_last)
        put_format(f, l);
    end = f->n;
    f->n = riff;
    put(f, is_long(l) ? UINT32_MAX : size_of(l->riff, end - 8), 4);
    f->n = data;
    put(f,
        is_long(l) && l->data == RIGHT ? UINT32_MAX : size_of(is_long(l) ? RIGHT : l->data, bytes),
        4);
    if (is_long(l)) {
        f->n = ds64;
        put(f, end - 8, 8);
        put(f, bytes, 8);
        put(f, frames, 8);
    }
    f->n = end - (size_t)l->cut;
    return frames;
}

static void check_layout(const struct layout *l) {
    struct file f;
    float x[16];
    struct ser_audio a = {0};
    struct ser_error e = {0};
    size_t frames = make(l, &f, x);
    double worst = 0;
    int failed_ = ser_audio_decode(&a, f.at, f.n, l->name, 0, &e);
    if (l->refused) {
        check(failed_ && e.status == SER_BAD && strstr(e.text, l->refused), "refused, '%s': %s",
              l->refused, failed_ ? e.text : l->name);
    } else {
        for (size_t i = 0; i < a.frames && i < frames; i++)
            worst = fmax(worst, fabs(a.sample[i] - x[i]));
        check(!failed_ && a.frames == frames && a.channels == (int)real(l->channels, 1) &&
                  a.rate_hz == (int)real(l->rate, 44100) && worst <= 1e-7,
              "%s: %zu frames of %zu, worst difference %g %s", l->name, a.frames, frames, worst,
              e.text);
    }
    ser_audio_free(&a);
}

/* ---- files for other readers ---- */

static void spill(const char *folder, const char *name, const char *end, const void *at, size_t n) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, end);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(at, 1, n, file) != n || fclose(file)) {
        perror(path);
        exit(4);
    }
}

int main(int argc, char **argv) {
    for (int i = 0; i < LAYOUTS; i++) {
        struct file f;
        float x[16];
        if (argc < 2) {
            check_layout(&layouts[i]);
            continue;
        }
        size_t frames = make(&layouts[i], &f, x);
        spill(argv[1], layouts[i].name, ".wav", f.at, f.n);
        spill(argv[1], layouts[i].name, layouts[i].refused ? ".no" : ".f32", x,
              layouts[i].refused ? 0 : frames * sizeof *x);
    }
    return failed != 0;
}
