#include "bridge/container.h"

#include "core/reader.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint64_t number(const unsigned char *p, int bytes, int big_endian) {
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return v;
}

static int begins(const unsigned char *p, const char *magic, size_t n) {
    return memcmp(p, magic, n) == 0;
}

/* Lets the decoder read v, as a number of so many bytes, at offset at. */
static void patch(struct ser_container *c, uint64_t at, int bytes, int big_endian, uint64_t v) {
    struct ser_patch *p = &c->patch[c->patches++];
    p->at = at;
    p->n = bytes;
    for (int i = 0; i < bytes; i++)
        p->byte[i] = (unsigned char)(v >> 8 * (big_endian ? bytes - 1 - i : i));
}

/* Lets the decoder read another name of four letters at offset at. */
static void patch_name(struct ser_container *c, uint64_t at, const char *name) {
    patch(c, at, 4, 1, number((const unsigned char *)name, 4, 1));
}

int ser_container_is_name(const unsigned char *id) {
    for (int i = 0; i < 4; i++)
        if (id[i] < ' ' || id[i] >= 0x7f)
            return 0;
    return 1;
}

int ser_container_is_file(const unsigned char *head) {
    static const char known[][5] = {"RIFF", "RIFX", "RF64", "BW64", "FORM", ".snd", "dns.",
                                    "riff", "OggS", "fLaC", "caff", "NIST", "Crea"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (begins(head, known[i], 4))
            return 1;
    return 0;
}

static int fail_cut(const struct ser_bytes *b, struct ser_error *e, const char *id, uint64_t says,
                    uint64_t has) {
    return ser_fail(e, SER_BAD,
                    "%s: cut short: its %.4s chunk has %" PRIu64 " of %" PRIu64
                    " bytes: fetch or write the file again",
                    b->name, ser_container_is_name((const unsigned char *)id) ? id : "?", has,
                    says);
}

/* Sizes that programs write when they cannot know the length: 0; SoX's 0x7ffff000 for WAV, and
 * 0x7f000000 plus the size of a header for AIFF; all ones. */
static int is_unknown(uint64_t size) {
    return size == 0 || (size >= 0x7f000000 && size <= UINT32_MAX) || size >= INT64_MAX;
}

/* ---- formats that are known, and not read ---- */

static const struct foreign {
    size_t at;
    const char *magic;
    size_t n;
    const char *name;
} foreign[] = {
    {4, "ftyp", 4, "MP4 or M4A (AAC, ALAC)"},
    {0, "\x1a\x45\xdf\xa3", 4, "WebM or Matroska"},
    {0, "#!AMR", 5, "AMR"},
    {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8, "Windows Media (WMA, ASF)"},
    {0, "ADIF", 4, "AAC"},
    {0, ".RMF", 4, "RealMedia"},
    {0, "MAC ", 4, "Monkey's Audio"},
    {0, "wvpk", 4, "WavPack"},
    {0, "FLV\1", 4, "Flash video"},
    {0, "TTA1", 4, "True Audio"},
    {0, "DSD ", 4, "DSD"},
    {0, "\x0b\x77", 2, "AC-3"},
    {8, "AVI ", 4, "AVI"},
    {28, "Speex   ", 8, "Speex in Ogg"},
};

static int fail_foreign(const struct ser_bytes *b, const char *what, struct ser_error *e) {
    return ser_fail(e, SER_BAD,
                    "%s: is %s, which cannot be read: convert it: ffmpeg -i IN -f wav - | "
                    "ser-mfcc, or ffmpeg -i IN OUT.wav",
                    b->name, what);
}

/* The first letters of the text that stands here, in lower case. */
static int is_text_of(const unsigned char *head, size_t n, const char *word) {
    size_t i = 0;
    while (i < n && isspace(head[i]))
        i++;
    return n - i >= strlen(word) && strncasecmp((const char *)head + i, word, strlen(word)) == 0;
}

/* Whether all of it is letters, marks and line ends, as no sound is. */
static int is_plain_text(const unsigned char *head, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (head[i] >= 0x7f || (head[i] < ' ' && !isspace(head[i])))
            return 0;
    return n > 0;
}

static int check_foreign(const struct ser_bytes *b, const unsigned char *head, size_t n,
                         struct ser_error *e) {
    static const char lfs[] = "version https://git-lfs";
    if (n == 0)
        return ser_fail(e, SER_BAD, "%s: empty file: it holds no audio", b->name);
    if (n >= sizeof lfs - 1 && begins(head, lfs, sizeof lfs - 1))
        return ser_fail(e, SER_BAD,
                        "%s: a Git LFS pointer, not the audio itself: run 'git lfs pull' in the "
                        "folder it came from",
                        b->name);
    if (ser_is_stream(head, n))
        return ser_fail(e, SER_BAD,
                        "%s: a tensor stream, not an audio file: 'ser-mfcc < FILE' reads streams "
                        "of audio",
                        b->name);
    if (n >= 4 && begins(head, "PK\3\4", 4))
        return ser_fail(e, SER_BAD, "%s: is a ZIP archive%s: unpack it first", b->name,
                        n > 6 && head[6] & 1 ? ", an encrypted one" : "");
    if (is_text_of(head, n, "<!doctype") || is_text_of(head, n, "<html"))
        return ser_fail(e, SER_BAD,
                        "%s: is a page of HTML, not audio: it was fetched from an address that "
                        "answers with a page; fetch it again",
                        b->name);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (n >= foreign[i].at + foreign[i].n &&
            begins(head + foreign[i].at, foreign[i].magic, foreign[i].n))
            return fail_foreign(b, foreign[i].name, e);
    if (n > 376 && head[0] == 'G' && head[188] == 'G' && head[376] == 'G')
        return fail_foreign(b, "an MPEG transport stream", e);
    /* Of MPEG's layers AAC's is 0 (ADTS). */
    if (n >= 2 && head[0] == 0xff && (head[1] & 0xf6) == 0xf0)
        return fail_foreign(b, "AAC", e);
    return 0;
}

/* ---- RIFF, RF64, BW64, RIFX, FORM: chunks of an identifier, 32 bits of size, content ---- */

enum { MAX_CHUNKS = 65536, SIZES = 3 /* patches of sizes and bits */ };

/* Whether something lies from at to end, and it is all chunks. */
static int chunks_fill(struct ser_bytes *b, uint64_t at, uint64_t end, int big_endian) {
    unsigned char head[8];
    if (at >= end)
        return 0;
    for (int i = 0; at < end && end <= b->len && i < MAX_CHUNKS; i++) {
        if (ser_bytes_read(b, at, head, 8) < 8 || head[0] < ' ')
            return 0;
        uint64_t size = number(head + 4, 4, big_endian);
        at += 8 + size + (at + 8 + size < end ? size & 1 : 0);
    }
    return at == end;
}

/* Where the sound of unknown length that begins at from ends: where chunks that writers put behind
 * it begin and go on to the end of the file, else there. Looks through the last part of it. */
static uint64_t find_tail(struct ser_bytes *b, uint64_t from) {
    static const char known[][5] = {"LIST", "bext", "id3 ", "ID3 ", "iXML", "cue ", "smpl", "inst",
                                    "fact", "PEAK", "JUNK", "axml", "chna", "_PMX", "DISP", "afsp"};
    enum { TAIL = 1 << 22, STEP = 1 << 16 };
    unsigned char block[STEP + 8];
    uint64_t at = b->len - from > TAIL ? b->len - TAIL : from;
    for (; at + 8 <= b->len; at += STEP) {
        size_t got = ser_bytes_read(b, at, block, sizeof block);
        for (size_t i = 0; i < STEP && i + 8 <= got; i++)
            for (size_t k = 0; k < sizeof known / sizeof *known; k++)
                if (block[i] == (unsigned char)known[k][0] && begins(block + i, known[k], 4) &&
                    chunks_fill(b, at + i, b->len, 0))
                    return at + i;
    }
    return b->len;
}

/* Where in the sound from from to end, in frames of align bytes, the header of another WAV file begins; end: nowhere. */
static uint64_t find_header(struct ser_bytes *b, uint64_t from, uint64_t end, unsigned align) {
    enum { STEP = 1 << 16, HEAD = 16 };
    unsigned char block[STEP + HEAD];
    for (uint64_t at = from; align && at < end; at += STEP) {
        size_t got = ser_bytes_read(b, at, block, sizeof block);
        const unsigned char *p = block, *last = block + got;
        for (; (p = memmem(p, (size_t)(last - p), "RIFF", 4)) && p + HEAD <= last; p++)
            if (begins(p + 8, "WAVEfmt ", 8) && (at + (uint64_t)(p - block) - from) % align == 0)
                return at + (uint64_t)(p - block);
    }
    return end;
}

/* How the heads of chunks are laid out: bytes of the identifier, whose first four may be a name, and of the size. */
struct chunks {
    int id, size, big_endian;
    int whole;   /* the size counts the head */
    unsigned to; /* what the size counts is filled up to a multiple of so many bytes */
};
static const struct chunks riff = {4, 4, 0, 0, 2}, big = {4, 4, 1, 0, 2}, w64 = {16, 8, 0, 1, 8},
                           caf = {4, 8, 1, 0, 1}, none = {0};

/* A file may have been joined to this one: behind the sound, which ends at at and may be filled up with zeros, and behind
 * chunks that follow it. */
static int check_behind(struct ser_bytes *b, uint64_t at, const struct chunks *k,
                        struct ser_error *e) {
    unsigned char head[24] = {0};
    size_t n = k->id ? (size_t)(k->id + k->size) : 8;
    while (at % 8 && ser_bytes_read(b, at, head, 1) == 1 && !*head)
        at++;
    for (int i = 0;
         i < MAX_CHUNKS && ser_bytes_read(b, at, head, n) == n && ser_container_is_name(head);
         i++) {
        if (ser_container_is_file(head))
            return ser_fail(e, SER_BAD,
                            "%s: another recording follows from byte %" PRIu64
                            " on, which would not be heard: join them first: sox FILE... OUT.wav",
                            b->name, at);
        uint64_t size = number(head + k->id, k->size, k->big_endian);
        if (!k->id || size > b->len)
            break;
        at += (k->whole ? 0 : n) + size + -size % k->to;
    }
    return 0;
}

/* The identifier and the size of the chunk at at; id is the one that is looked for. */
static int read_head(struct ser_bytes *b, uint64_t at, const char *id, unsigned char head[8],
                     struct ser_error *e) {
    size_t got = ser_bytes_read(b, at, head, 8);
    if (got == 0)
        return ser_fail(e, SER_BAD, "%s: has no %s chunk: cut short, or not audio", b->name, id);
    if (got < 8)
        return ser_fail(
            e, SER_BAD,
            "%s: cut short: ends inside a chunk's header: fetch or write the file again", b->name);
    return 0;
}

struct wave { /* what the fmt chunk says */
    int seen;
    unsigned tag, channels, rate_hz, align, bits, valid, block_frames;
    uint64_t at; /* of its content */
};

enum { PCM = 1, MS_ADPCM = 2, IMA_ADPCM = 0x11, GSM = 0x31, EXTENSIBLE = 0xfffe };

static int read_format(struct ser_bytes *b, uint64_t at, uint64_t size, int big_endian,
                       struct wave *w, struct ser_error *e) {
    unsigned char f[40] = {0};
    size_t n = ser_bytes_read(b, at, f, size < sizeof f ? (size_t)size : sizeof f);
    unsigned need = n >= 2 && number(f, 2, big_endian) == EXTENSIBLE ? 40 : 16;
    if (n < need)
        return ser_fail(e, SER_BAD,
                        "%s: damaged: its fmt chunk has %zu bytes, not %u: write the file again",
                        b->name, n, need);
    *w = (struct wave){.seen = 1,
                       .tag = (unsigned)number(f, 2, big_endian),
                       .channels = (unsigned)number(f + 2, 2, big_endian),
                       .rate_hz = (unsigned)number(f + 4, 4, big_endian),
                       .align = (unsigned)number(f + 12, 2, big_endian),
                       .bits = (unsigned)number(f + 14, 2, big_endian),
                       .at = at};
    if (n >= 20)
        w->block_frames = (unsigned)number(f + 18, 2, big_endian);
    if (w->tag == EXTENSIBLE) { /* the format is the sub-format's first number */
        w->tag = (unsigned)number(f + 24, 2, big_endian);
        w->valid = (unsigned)number(f + 18, 2, big_endian);
    }
    if (!w->channels || !w->rate_hz)
        return ser_fail(e, SER_BAD,
                        "%s: damaged: its header says %u channels at %u Hz: write the file again",
                        b->name, w->channels, w->rate_hz);
    return 0;
}

/* The frames of size bytes in blocks that are compressed alike, the last of which may be short:
 * what it holds, not what a decoder makes of the missing rest. */
static uint64_t block_frames(const struct wave *w, uint64_t size) {
    uint64_t C = w->channels, per = w->block_frames, last;
    if (!w->align || !per || !C)
        return 0;
    uint64_t whole = size / w->align * per, rest = size % w->align;
    if (w->tag == IMA_ADPCM) /* a block's head is 4 bytes a channel and holds a frame */
        last = rest < 4 * C ? 0 : 1 + (rest - 4 * C) / (4 * C) * 8;
    else if (w->tag == MS_ADPCM) /* 7 bytes a channel, two frames; then half a byte a sample */
        last = rest < 7 * C ? 0 : 2 + (rest - 7 * C) * 2 / C;
    else if (w->tag == GSM)
        last = 0;
    else
        return 0;
    return whole + (last < per ? last : per);
}

/* Whether the samples of 32 bits, of which so many are valid, are in the lower bits, where some programs write them, and
 * not in the upper ones, where they belong: what is above them is the sign or nothing, and what belongs to nothing is
 * not all zeros. */
static int is_low(struct ser_bytes *b, uint64_t at, uint64_t size, unsigned valid, int big_endian) {
    unsigned char block[1 << 14];
    uint32_t any = 0, above = UINT32_MAX << valid, sign = (uint32_t)1 << (valid - 1);
    for (uint64_t done = 0; done + 4 <= size; done += sizeof block) {
        uint64_t left = size - done;
        size_t got =
            ser_bytes_read(b, at + done, block, left < sizeof block ? (size_t)left : sizeof block);
        for (size_t i = 0; i + 4 <= got; i += 4) {
            uint32_t v = (uint32_t)number(block + i, 4, big_endian);
            if ((v & above) && !((v & above) == above && (v & sign)))
                return 0;
            any |= v;
        }
    }
    return (any & ~(UINT32_MAX << (32 - valid))) != 0;
}

static int check_wave(struct ser_bytes *b, const struct wave *w, uint64_t at, uint64_t size,
                      int big_endian, struct ser_container *c, struct ser_error *e) {
    if (!w->seen)
        return ser_fail(
            e, SER_BAD,
            "%s: damaged: nothing before its data chunk says what is in it: write the file again",
            b->name);
    snprintf(c->sound, sizeof c->sound, "WAV with sound of format 0x%04x", w->tag);
    if (w->tag == PCM && w->bits > 32)
        return ser_fail(e, SER_BAD,
                        "%s: samples of %u bits cannot be read: convert it: sox IN -b 24 OUT.wav, "
                        "or ffmpeg -i IN -c:a pcm_s24le OUT.wav",
                        b->name, w->bits);
    /* As `arecord -f S24_LE` writes: the low three of four bytes. */
    if (w->tag == PCM && w->channels && w->bits == 24 && w->align == 4 * w->channels) {
        patch(c, w->at + 14, 2, big_endian, 32);
        c->shift = 8;
    }
    if (w->tag == PCM && w->bits == 32 && w->valid >= 8 && w->valid < 32 &&
        w->align == 4 * w->channels && is_low(b, at, size, w->valid, big_endian))
        c->shift = (int)(32 - w->valid);
    c->frames = block_frames(w, size);
    if (c->frames && size % w->align) /* the decoder may leave out a block that is not whole */
        c->zeros = w->align - size % w->align;
    return 0;
}

/* The size of the data chunk that begins at at: what its header says, or what is there where that
 * says nothing. */
static uint64_t data_size(struct ser_bytes *b, uint64_t at, uint64_t says, uint64_t file_says,
                          int big_endian, unsigned align) {
    uint64_t has = b->len - at;
    int sized = !is_unknown(file_says);
    /* Sizes have 32 bits: those of a larger file have lost the rest. */
    if (b->len > UINT32_MAX && sized && b->len - 8 > file_says &&
        (b->len - 8 - file_says) % (1ULL << 32) == 0)
        says += b->len - 8 - file_says;
    int made_up = says == 0 || says == 0x7ffff000 || says == 0x7fffffff || says == UINT32_MAX;
    if (says <= has && !made_up)
        return says;
    if (says == 0 && sized && chunks_fill(b, at, 8 + file_says, big_endian))
        return 0;
    if (is_unknown(says))
        return find_header(b, at, find_tail(b, at), align) - at;
    return says;
}

/* Goes past the chunk with this head at at, which is not the sound. A decoder that finds fault with what it holds would
 * refuse the file, so it is shown only what it needs. */
static int pass_chunk(struct ser_bytes *b, uint64_t at, const unsigned char head[8], int big_endian,
                      struct wave *w, struct ser_container *c, struct ser_error *e) {
    static const char needed[][5] = {"fmt ", "fact", "ds64"};
    uint64_t size = number(head + 4, 4, big_endian), has = b->len - at - 8;
    int is_needed = 0;
    if (!ser_container_is_name(head))
        return ser_fail(e, SER_BAD,
                        "%s: damaged: no chunk begins at byte %" PRIu64 ": write the file again",
                        b->name, at);
    if (size > has)
        return fail_cut(b, e, (const char *)head, size, has);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        is_needed |= begins(head, needed[i], 4);
    if (!is_needed && c->patches < SER_MAX_PATCHES - SIZES)
        patch_name(c, at, "JUNK");
    if (!begins(head, "fmt ", 4))
        return 0;
    const struct wave first = *w;
    if (read_format(b, at + 8, size, big_endian, w, e))
        return -1;
    if (!first.seen)
        return 0;
    if (first.tag != w->tag || first.channels != w->channels || first.rate_hz != w->rate_hz ||
        first.bits != w->bits || first.align != w->align)
        return ser_fail(e, SER_BAD, "%s: damaged: two fmt chunks differ: write the file again",
                        b->name);
    *w = first;
    if (c->patches < SER_MAX_PATCHES - SIZES)
        patch_name(c, at, "JUNK");
    return 0;
}

static int check_riff(struct ser_bytes *b, int big_endian, struct ser_container *c,
                      struct ser_error *e) {
    unsigned char head[8] = {0}, ds64[16];
    uint64_t base = c->begin, at = base + 12, long_data = 0;
    struct wave wave = {0};
    ser_bytes_read(b, base, head, 8);
    int is_long = begins(head, "RF64", 4) || begins(head, "BW64", 4);
    uint64_t file_says = number(head + 4, 4, big_endian);
    if (begins(head, "BW64", 4)) /* of the same layout, and unknown to libsndfile */
        patch_name(c, base, "RF64");
    for (int i = 0; i < MAX_CHUNKS; i++) {
        if (read_head(b, at, "data", head, e))
            return -1;
        uint64_t size = number(head + 4, 4, big_endian), has = b->len - at - 8;
        if (is_long && begins(head, "ds64", 4) && ser_bytes_read(b, at + 8, ds64, 16) == 16)
            long_data = number(ds64 + 8, 8, 0);
        if (begins(head, "data", 4)) {
            if (is_long && size == UINT32_MAX && long_data)
                size = long_data;
            size =
                data_size(b, at + 8, size, base ? UINT32_MAX : file_says, big_endian, wave.align);
            if (size > has)
                return fail_cut(b, e, "data", size, has);
            c->end = at + 8 + size;
            if (check_behind(b, c->end, big_endian ? &big : &riff, e) ||
                check_wave(b, &wave, at + 8, size, big_endian, c, e))
                return -1;
            size += c->zeros;
            if (!is_long) {
                uint64_t whole = at + 8 + size - base - 8;
                patch(c, base + 4, 4, big_endian, whole < UINT32_MAX ? whole : UINT32_MAX);
                patch(c, at + 4, 4, big_endian, size < UINT32_MAX ? size : UINT32_MAX);
            }
            return 0;
        }
        if (pass_chunk(b, at, head, big_endian, &wave, c, e))
            return -1;
        at += 8 + size + (size & 1);
    }
    return ser_fail(e, SER_BAD, "%s: more than %d chunks: not a file that audio programs write",
                    b->name, MAX_CHUNKS);
}

/* AIFF, AIFC and, of the same chunks by other names, the Amiga's 8SVX and 16SV. */
static int check_form(struct ser_bytes *b, struct ser_container *c, struct ser_error *e) {
    unsigned char head[8] = {0}, kind[4] = {0};
    uint64_t at = c->begin + 12;
    ser_bytes_read(b, c->begin + 8, kind, 4);
    const char *sound = begins(kind, "AIF", 3) ? "SSND" : "BODY";
    for (int i = 0, common = 0; i < MAX_CHUNKS; i++) {
        if (read_head(b, at, sound, head, e))
            return -1;
        uint64_t size = number(head + 4, 4, 1), has = b->len - at - 8;
        common |= begins(head, "COMM", 4) || begins(head, "VHDR", 4);
        if (begins(head, "COMM", 4) && size >= 22 && ser_bytes_read(b, at + 8 + 18, kind, 4) == 4 &&
            ser_container_is_name(kind))
            snprintf(c->sound, sizeof c->sound, "AIFF with sound of format '%.4s'", (char *)kind);
        if (begins(head, sound, 4)) {
            if (size > has && !is_unknown(size))
                return fail_cut(b, e, sound, size, has);
            if (size == 0 && has > 0)
                patch(c, at + 4, 4, 1, UINT32_MAX);
            else if (size <= has && common) { /* what lies behind the sound is nobody's */
                c->end = at + 8 + size;
                patch(c, c->begin + 4, 4, 1, c->end - c->begin - 8);
                return check_behind(b, c->end, &big, e);
            }
            return 0;
        }
        if (size > has)
            return fail_cut(b, e, (const char *)head, size, has);
        at += 8 + size + (size & 1);
    }
    return ser_fail(e, SER_BAD, "%s: more than %d chunks: not a file that audio programs write",
                    b->name, MAX_CHUNKS);
}

/* ---- AU, Wave64, CAF ---- */

static int check_au(struct ser_bytes *b, int big_endian, struct ser_container *c,
                    struct ser_error *e) {
    unsigned char head[12];
    uint64_t len = b->len - c->begin;
    if (ser_bytes_read(b, c->begin, head, 12) < 12)
        return ser_fail(e, SER_BAD,
                        "%s: cut short: ends inside the header: fetch or write the file again",
                        b->name);
    uint64_t start = number(head + 4, 4, big_endian), size = number(head + 8, 4, big_endian);
    unsigned char kind[4] = {0};
    if (begins(head, "\0ds.", 4)) /* as SoX writes it */
        patch_name(c, c->begin, "dns.");
    ser_bytes_read(b, c->begin + 12, kind, 4);
    snprintf(c->sound, sizeof c->sound, "AU with sound of encoding %u",
             (unsigned)number(kind, 4, big_endian));
    uint64_t has = len > start ? len - start : 0;
    if (size == 0 && has > 0)
        patch(c, c->begin + 8, 4, 0, UINT32_MAX);
    if (is_unknown(size))
        return 0;
    return size <= has ? check_behind(b, c->begin + start + size, &none, e)
                       : fail_cut(b, e, "data", size, has);
}

/* Chunks of 16 bytes that identify them, 8 of size, these 24 included, and content; each begins at
 * a multiple of 8. What fills the last one up is no sound. */
static int check_w64(struct ser_bytes *b, struct ser_container *c, struct ser_error *e) {
    unsigned char head[24];
    uint64_t at = c->begin + 40;
    for (int i = 0; i < MAX_CHUNKS && ser_bytes_read(b, at, head, 24) == 24; i++) {
        uint64_t size = number(head + 16, 8, 0), has = b->len - at;
        int is_sound = begins(head, "data\xf3\xac\xd3\x11", 8);
        if (is_sound && is_unknown(size))
            return 0;
        if (size > has || size < 24)
            return fail_cut(b, e, is_sound ? "data" : (const char *)head, size, has);
        if (is_sound) {
            c->end = at + size;
            return check_behind(b, c->end, &w64, e);
        }
        at += size + (-size & 7);
    }
    return ser_fail(e, SER_BAD, "%s: has no data chunk: cut short, or not audio", b->name);
}

/* Chunks of an identifier, 64 bits of size, content. The sound may be of unknown length, if it is
 * the last chunk. */
static int check_caf(struct ser_bytes *b, struct ser_container *c, struct ser_error *e) {
    unsigned char head[12], kind[4];
    uint64_t at = c->begin + 8;
    for (int i = 0; i < MAX_CHUNKS && ser_bytes_read(b, at, head, 12) == 12; i++) {
        uint64_t size = number(head + 4, 8, 1), has = b->len - at - 12;
        int is_sound = begins(head, "data", 4);
        if (begins(head, "desc", 4) && ser_bytes_read(b, at + 20, kind, 4) == 4 &&
            ser_container_is_name(kind))
            snprintf(c->sound, sizeof c->sound, "CAF with sound of format '%.4s'", (char *)kind);
        if (is_sound && size == UINT64_MAX)
            patch(c, at + 4, 8, 1, has);
        else if (size > has)
            return fail_cut(b, e, (const char *)head, size, has);
        if (is_sound)
            return size > has ? 0 : check_behind(b, at + 12 + size, &caf, e);
        at += 12 + size;
    }
    return ser_fail(e, SER_BAD, "%s: has no data chunk: cut short, or not audio", b->name);
}

/* ---- SPHERE, Creative Voice ---- */

/* The number that stands behind name in a header of text; 0: none does. */
static uint64_t nist_number(const char *text, const char *name) {
    const char *at = strstr(text, name);
    long long v = at ? strtoll(at + strlen(name), NULL, 10) : 0;
    return v > 0 ? (uint64_t)v : 0;
}

/* A header of text, whose size is its second line, then samples. */
static int check_nist(struct ser_bytes *b, struct ser_container *c, struct ser_error *e) {
    char text[1025] = {0};
    ser_bytes_read(b, c->begin, text, sizeof text - 1);
    uint64_t start = nist_number(text, "NIST_1A"), size = nist_number(text, "\nsample_count -i "),
             n = nist_number(text, "\nchannel_count -i "),
             bytes = nist_number(text, "\nsample_n_bytes -i "), len = b->len - c->begin;
    if (strstr(text, "embedded-"))
        return fail_foreign(b, "SPHERE with compressed sound", e);
    snprintf(c->sound, sizeof c->sound, "SPHERE with samples of %d bytes", (int)(bytes & 0xff));
    if (!start || !size || !n || !bytes || n > UINT16_MAX || bytes > 8 ||
        size > INT64_MAX / n / bytes)
        return 0;
    size *= n * bytes;
    uint64_t has = len > start ? len - start : 0;
    if (size > has)
        return ser_fail(e, SER_BAD,
                        "%s: cut short: has %" PRIu64 " of %" PRIu64
                        " bytes of samples: fetch or write the file again",
                        b->name, has, size);
    c->end = c->begin + start + size;
    return check_behind(b, c->end, &none, e);
}

/* 26 bytes, of which two tell how many they are; blocks of a byte of kind, 24 bits of size,
 * content; a byte 0. */
static int check_voc(struct ser_bytes *b, struct ser_container *c, struct ser_error *e) {
    unsigned char head[26];
    if (ser_bytes_read(b, c->begin, head, 26) < 26)
        return 0; /* the decoder says so */
    uint64_t at = c->begin + number(head + 20, 2, 0);
    for (int i = 0; i < MAX_CHUNKS && ser_bytes_read(b, at, head, 4) > 0; i++) {
        if (!*head) {
            c->end = at + 1;
            return check_behind(b, c->end, &none, e);
        }
        uint64_t size = number(head + 1, 3, 0), has = b->len > at + 4 ? b->len - at - 4 : 0;
        if (size > has)
            return ser_fail(e, SER_BAD,
                            "%s: cut short: a block has %" PRIu64 " of %" PRIu64
                            " bytes: fetch or write the file again",
                            b->name, has, size);
        at += 4 + size;
    }
    return 0;
}

/* ---- streams: FLAC, Ogg, MPEG ---- */

/* Ogg's first page tells what is in it. */
static int check_ogg(struct ser_bytes *b, const struct ser_container *c, struct ser_error *e) {
    unsigned char first[64] = {0};
    size_t got = ser_bytes_read(b, c->begin, first, sizeof first);
    for (size_t i = 27; i + 5 <= got && i < 40; i++)
        if (begins(first + i,
                   "\x7f"
                   "FLAC",
                   5))
            return fail_foreign(b, "FLAC in Ogg", e);
    return 0;
}

static int check_stream(struct ser_bytes *b, struct ser_container *c, uint64_t tags,
                        struct ser_error *e) {
    if (c->stream == SER_MPEG)
        ser_mpeg_begin(&c->is.mpeg, b, tags);
    if (c->stream == SER_OGG)
        c->is.ogg = (struct ser_ogg){.at = c->begin};
    if ((c->stream == SER_OGG && check_ogg(b, c, e)) ||
        (c->stream == SER_FLAC && ser_flac_begin(&c->is.flac, b, c->begin, e)))
        return -1;
    if (b->len == SER_ENDLESS)
        return 0;
    ser_container_follow(b, c);
    return ser_container_judge(b, c, e);
}

uint64_t ser_container_follow(struct ser_bytes *b, struct ser_container *c) {
    uint64_t end = ser_bytes_there(b);
    switch (c->stream) {
    case SER_FLAC:
        /* A frame's head may be there in part. */
        ser_flac_follow(&c->is.flac, b,
                        b->len == SER_ENDLESS && end > SER_FLAC_HEAD ? end - SER_FLAC_HEAD : end);
        if (c->is.flac.changed_hz) /* a decoder would go on, at the old rate */
            c->frames = c->is.flac.changed_at;
        return c->is.flac.at;
    case SER_OGG:
        ser_ogg_follow(&c->is.ogg, b, end);
        return c->is.ogg.at;
    case SER_MPEG:
        ser_mpeg_follow(&c->is.mpeg, b, end);
        return c->is.mpeg.at < c->is.mpeg.due ? c->is.mpeg.at : c->is.mpeg.due;
    default:
        return end;
    }
}

int ser_container_judge(const struct ser_bytes *b, const struct ser_container *c,
                        struct ser_error *e) {
    return c->stream == SER_FLAC   ? ser_flac_judge(&c->is.flac, b, e)
           : c->stream == SER_OGG  ? ser_ogg_judge(&c->is.ogg, b, e)
           : c->stream == SER_MPEG ? ser_mpeg_judge(&c->is.mpeg, b, e)
                                   : 0;
}

/* ---- tags in front ---- */

/* Where tags in front end. */
static uint64_t past_tags(struct ser_bytes *b) {
    unsigned char head[10];
    uint64_t at = 0, size;
    while (ser_bytes_read(b, at, head, 10) == 10 && (size = ser_mpeg_tag(head)))
        at += size;
    return at;
}

/* Where the file proper begins, if tags end at at. MPEG audio is left alone: there tags belong. */
static uint64_t skip_tags(struct ser_bytes *b, uint64_t at) {
    unsigned char head[4];
    return ser_bytes_read(b, at, head, 4) == 4 && ser_container_is_file(head) ? at : 0;
}

/* The first bytes of the file proper -> head [n]. */
static size_t read_first(struct ser_bytes *b, uint64_t tags, struct ser_container *c,
                         unsigned char *head, size_t n) {
    unsigned char frame[4] = {0};
    *c = (struct ser_container){.begin = skip_tags(b, tags), .end = b->len};
    memset(head, 0, n);
    n = ser_bytes_read(b, c->begin, head, n);
    ser_bytes_read(b, tags, frame, sizeof frame);
    c->stream = begins(head, "OggS", 4)    ? SER_OGG
                : begins(head, "fLaC", 4)  ? SER_FLAC
                : ser_mpeg_is_frame(frame) ? SER_MPEG
                                           : SER_NO_STREAM;
    return n;
}

int ser_container_waits(struct ser_bytes *b) {
    unsigned char head[512];
    struct ser_container c;
    struct ser_error e;
    size_t n = read_first(b, past_tags(b), &c, head, sizeof head);
    return !c.stream && b->len == SER_ENDLESS && !check_foreign(b, head, n, &e);
}

int ser_container_look(struct ser_bytes *b, struct ser_container *c, struct ser_error *e) {
    unsigned char head[512];
    uint64_t tags = past_tags(b);
    size_t n = read_first(b, tags, c, head, sizeof head);
    if (check_foreign(b, head, n, e))
        return -1;
    if (c->stream)
        return check_stream(b, c, tags, e);
    if (b->len == SER_ENDLESS) {
        if (ser_bytes_await(b))
            return ser_fail(e, SER_SYS, "%s: cannot read", b->name);
        c->end = b->len;
    }
    static const char forms[][5] = {"RIFF", "RIFX", "RF64", "BW64", "FORM"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (n >= 4 && n < 12 && begins(head, forms[i], 4))
            return ser_fail(e, SER_BAD,
                            "%s: cut short: ends inside the header: fetch or write the file again",
                            b->name);
    if (begins(head, "riff\x2e\x91\xcf\x11", 8))
        return check_w64(b, c, e);
    if ((begins(head, "RIFF", 4) || begins(head, "RIFX", 4) || begins(head, "RF64", 4) ||
         begins(head, "BW64", 4)) &&
        begins(head + 8, "WAVE", 4))
        return check_riff(b, head[3] == 'X', c, e);
    if (begins(head, "FORM", 4) && (begins(head + 8, "AIFF", 4) || begins(head + 8, "AIFC", 4) ||
                                    begins(head + 8, "8SVX", 4) || begins(head + 8, "16SV", 4)))
        return check_form(b, c, e);
    if (begins(head, ".snd", 4) || begins(head, "dns.", 4) || begins(head, "\0ds.", 4))
        return check_au(b, head[0] == '.', c, e);
    if (begins(head, "caff", 4))
        return check_caf(b, c, e);
    if (begins(head, "NIST_1A", 7))
        return check_nist(b, c, e);
    if (begins(head, "Creative Voice File", 19))
        return check_voc(b, c, e);
    return 0;
}

int ser_container_unread(struct ser_bytes *b, const struct ser_container *c, struct ser_error *e) {
    unsigned char head[512];
    if (*c->sound)
        return ser_fail(e, SER_BAD,
                        "%s: is %s, which cannot be read, or its header is damaged: convert it: "
                        "ffmpeg -i IN OUT.wav",
                        b->name, c->sound);
    if (is_plain_text(head, ser_bytes_read(b, 0, head, sizeof head)))
        return ser_fail(e, SER_BAD, "%s: is text, not audio", b->name);
    return ser_fail(e, SER_BAD,
                    "%s: not audio, or its header is damaged: the formats are WAV, AIFF, AU, FLAC, "
                    "Ogg, MP3 and "
                    "all others of libsndfile; convert other files: ffmpeg -i IN OUT.wav",
                    b->name);
}
