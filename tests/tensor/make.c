/* make - writes the streams of passed/ and failed/, each named after what it exercises.
 *
 *   cc -o make make.c -lxxhash && ./make FOLDER
 *
 * It shares no line with lib/core/tensor.c, so that writer and reader are held to the format's law and
 * not to each other. It is in C for XXH3, which scripting languages have only as packages.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { F32 = 1, F64, I16, I32, U8 };

/* The stream that is being made, and where its last block began. */
static unsigned char s[1 << 17];
static size_t n, block;
static const char *folder;

static void bytes(const void *p, size_t len) {
    if (len > sizeof s - n)
        abort();
    memcpy(s + n, p, len);
    n += len;
}

static void text(const char *t) {
    bytes(t, strlen(t));
}

static void number(uint64_t v, int size) {
    for (; size; size--, v >>= 8)
        bytes(&(unsigned char){(unsigned char)v}, 1);
}

/* Zeros up to `before` bytes before a multiple of 64. */
static void pad(size_t before) {
    while ((n + before) % 64)
        number(0, 1);
}

/* Writes the hash of the bytes from `from` to `to` there. */
static void seal(size_t from, size_t to) {
    uint64_t h = XXH3_64bits(s + from, to - from);
    for (size_t i = 0; i < 8; i++, h >>= 8)
        s[to + i] = (unsigned char)h;
}

static void close_block(void) {
    pad(8);
    n += 8;
    seal(block, n - 8);
    block = n;
}

static void header(const char *attrs) {
    bytes("\x89SER\r\n\x1a\n", 8);
    number(1, 4);
    number(0, 4);
    number(strlen(attrs), 4);
    number(0, 4);
    text(attrs);
    close_block();
}

/* payload and bytes of the payload as they are told, which may differ from what they ought to be */
static void record_as(int type, int rank, const uint64_t *dim, const void *key, size_t key_len,
                      const char *attrs, const void *payload, uint64_t told, size_t given) {
    text("REC\n");
    number((uint64_t)type, 1);
    number((uint64_t)rank, 1);
    number(0, 2);
    number(key_len, 4);
    number(strlen(attrs), 4);
    number(told, 8);
    for (int i = 0; i < rank; i++)
        number(dim[i], 8);
    bytes(key, key_len);
    text(attrs);
    pad(0);
    bytes(payload, given);
    close_block();
}

static const unsigned char floats[24] = {0, 0, 128, 63, 0, 0, 0,   64, 0, 0, 64,  64,
                                         0, 0, 128, 64, 0, 0, 160, 64, 0, 0, 192, 64}; /* 1..6 */

static void record(int type, int rank, const uint64_t *dim, const char *key, const char *attrs,
                   const void *payload, size_t len) {
    record_as(type, rank, dim, key, strlen(key), attrs, payload, len, len);
}

/* What most streams are made of: 2 x 3 floats. */
static void matrix(const char *key, const char *attrs) {
    record(F32, 2, (const uint64_t[]){2, 3}, key, attrs, floats, sizeof floats);
}

static void end(uint64_t count) {
    text("END\n");
    number(0, 4);
    number(count, 8);
    number(0, 8);
    close_block();
}

/* Writes the first len bytes, and begins anew. */
static void save_cut(const char *name, size_t len) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.sert", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(s, 1, len, f) != len || fclose(f)) {
        perror(path);
        exit(4);
    }
    n = block = 0;
}

static void save(const char *name) {
    save_cut(name, n);
}

/* ---- what a reader must take ---- */

static void value(const char *name, int type, const void *payload, size_t len, uint64_t count) {
    header("kind=features\n");
    record(type, 1, &count, name, "", payload, len);
    end(1);
    save(name);
}

static void shape(const char *name, int rank, const uint64_t *dim, size_t len) {
    header("kind=features\n");
    record(F32, rank, dim, name, "", floats, len);
    end(1);
    save(name);
}

static void many_attributes(char *to, int count) {
    for (int i = 0; i < count; i++)
        to += sprintf(to, "a%04d=\n", i);
}

static void make_passed(void) {
    static char many[1024 * 8 + 1], key[16384];
    static const unsigned char zeros[129];
    header("kind=audio\n");
    end(0);
    save("smallest");
    header("kind=features\n");
    matrix("a", "emotion=angry\n");
    end(1);
    save("one-record");

    value("type-f32", F32, floats, 24, 6);
    value("type-f64", F64, "\0\0\0\0\0\0\360\77\0\0\0\0\0\0\0\300", 16, 2);
    value("type-i16", I16, "\0\200\377\177", 4, 2);
    value("type-i32", I32, "\0\0\0\200\377\377\377\177", 8, 2);
    value("type-u8", U8, "\0\377", 2, 2);
    value("f32-denormal-minus-zero-largest", F32, "\1\0\0\0\0\0\0\200\377\377\177\177", 12, 3);
    value("f64-denormal-minus-zero-largest", F64,
          "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\200\377\377\377\377\377\377\357\177", 24, 3);
    for (int i = 55; i <= 57; i++) { /* the closing pads by one, by none, by a whole block */
        char name[32];
        snprintf(name, sizeof name, "payload-%d", i);
        value(name, U8, zeros, (size_t)i, (uint64_t)i);
    }
    value("payload-128", U8, zeros, 128, 128);

    shape("rank-0", 0, NULL, 4);
    shape("rank-8", 8, (const uint64_t[]){1, 1, 2, 1, 1, 3, 1, 1}, 24);
    shape("dimension-empty", 2, (const uint64_t[]){0, 5}, 0);
    shape("dimension-empty-beside-2-to-the-30", 2, (const uint64_t[]){1 << 30, 0}, 0);

    header("kind=features\n");
    matrix("\xc3\xa9t\xc3\xa9 \xe6\x84\x9f \xf0\x9f\x98\x80#pitch.1", "");
    end(1);
    save("key-utf-8");
    memset(key, 'k', sizeof key);
    header("kind=features\n");
    record_as(F32, 0, NULL, key, sizeof key, "", floats, 4, 4);
    end(1);
    save("key-16384");
    header("kind=features\n");
    matrix("a", "");
    matrix("a", "");
    end(2);
    save("key-repeated");

    header("feat.rate_hz=22050\nkind=features\n");
    matrix("a", "");
    matrix("b", "aug=\nemotion=\xc3\xa9mu = a=b\nframes=3\nx-1._=\n");
    end(2);
    save("attributes-none-empty-and-equals");
    many_attributes(many, 1024);
    header("kind=features\n");
    matrix("a", many);
    end(1);
    save("attributes-1024");
    header("kind=something-new\nwhat=ever\n");
    end(0);
    save("kind-unknown");

    header("kind=features\n");
    matrix("a", "");
    end(1);
    header("kind=features\n");
    matrix("b", "");
    end(1);
    save("concatenated");
    for (int i = 0; i < 2; i++) {
        header("kind=audio\n");
        end(0);
    }
    header("kind=audio\n");
    matrix("a", "");
    end(1);
    header("kind=audio\n");
    end(0);
    save("concatenated-empty");
    header("feat.rate_hz=1\nkind=features\n");
    matrix("a", "");
    end(1);
    header("kind=model\n");
    matrix("b", "");
    end(1);
    save("concatenated-mixed");
}

/* ---- what a reader must refuse ---- */

/* Where the parts of the usual stream lie: a header, one record, an end record. */
enum { HEADER, RECORD = 64, PAYLOAD = 128, END = 192, TOTAL = 256 };

static void usual(void) {
    header("kind=features\n");
    matrix("a", "emotion=angry\n");
    end(1);
}

/* The usual stream with the byte at `at` changed to v; the block's hash is right again. */
static void patched(const char *name, size_t at, unsigned char v) {
    usual();
    if (s[at] == v)
        abort();
    s[at] = v;
    if (at < RECORD)
        seal(HEADER, RECORD - 8);
    else if (at < END)
        seal(RECORD, END - 8);
    else
        seal(END, TOTAL - 8);
    save(name);
}

/* The usual stream with one bit of the byte at `at` changed and no hash set right. */
static void flipped(const char *name, size_t at) {
    usual();
    s[at] ^= 1;
    save(name);
}

static void cut(const char *name, size_t len) {
    usual();
    save_cut(name, len);
}

static void with_header(const char *name, const char *attrs) {
    header(attrs);
    matrix("a", "");
    end(1);
    save(name);
}

static void with_attributes(const char *name, const char *attrs) {
    header("kind=features\n");
    matrix("a", attrs);
    end(1);
    save(name);
}

static void with_key(const char *name, const void *key, size_t len) {
    header("kind=features\n");
    record_as(F32, 2, (const uint64_t[]){2, 3}, key, len, "", floats, 24, 24);
    end(1);
    save(name);
}

static void with_shape(const char *name, int rank, const uint64_t *dim, uint64_t told,
                       size_t given) {
    header("kind=features\n");
    record_as(F32, rank, dim, "a", 1, "", floats, told, given);
    end(1);
    save(name);
}

static void followed(const char *name, const void *by, size_t len) {
    usual();
    bytes(by, len);
    save(name);
}

static void make_headers(void) {
    static char many[1025 * 8 + 32], wide[65600];
    patched("bad-magic", 0, 'X');
    patched("bad-magic-last-byte", 7, '\r');
    patched("version-0", 8, 0);
    patched("version-2", 8, 2);
    patched("version-high-byte", 11, 1);
    patched("reserved-header-flags", 12, 1);
    patched("reserved-header-end", 23, 128);

    usual(); /* every CR LF becomes LF */
    memmove(s + 4, s + 5, --n - 4);
    save("text-mode");
    usual(); /* every LF becomes CR LF */
    for (size_t i = n; i--;)
        if (s[i] == '\n') {
            memmove(s + i + 1, s + i, n++ - i);
            s[i] = '\r';
        }
    save("text-mode-lf-to-crlf");
    usual();
    for (size_t i = 0; i < n; i++)
        s[i] &= 0x7f;
    save("seven-bits");

    with_header("no-kind", "feat.rate_hz=22050\n");
    with_header("no-attributes-in-header", "");
    with_header("attrs-unsorted", "kind=features\nfeat.rate_hz=22050\n");
    with_header("attrs-duplicate", "kind=features\nkind=features\n");
    with_header("attrs-no-newline", "kind=features");
    with_header("attrs-no-equals", "features\nkind=features\n");
    with_header("attrs-empty-line", "\nkind=features\n");
    with_header("attrs-name-empty", "=x\nkind=features\n");
    with_header("attrs-name-upper-case", "Feat=1\nkind=features\n");
    with_header("attrs-value-control", "kind=features\nx=a\tb\n");
    with_header("attrs-value-bad-utf8", "kind=features\nx=\xed\xa0\x80\n");
    many_attributes(many, 1024);
    strcat(many, "kind=features\n");
    with_header("attrs-1025", many);
    sprintf(wide, "kind=features\nx=%0*d\n", 65536 + 1 - 17, 0);
    with_header("attrs-65537-bytes", wide);
    usual();
    number(0, 1); /* the length of the attributes is told as 4 GiB */
    memset(s + 16, 255, 4);
    seal(HEADER, RECORD - 8);
    save_cut("attrs-length-4-gib", TOTAL);
}

static void make_records(void) {
    static char key[16385], many[1025 * 8 + 1];
    patched("unknown-block", RECORD, 'X');
    patched("type-zero", RECORD + 4, 0);
    patched("type-unknown", RECORD + 4, 6);
    patched("reserved-record-low", RECORD + 6, 1);
    patched("reserved-record-high", RECORD + 7, 1);
    patched("payload-mismatch", RECORD + 16, 20);
    patched("payload-mismatch-high-byte", RECORD + 23, 1);

    with_key("key-empty", "", 0);
    with_key("key-control", "a\nb", 3);
    with_key("key-nul", "a\0b", 3);
    with_key("key-delete", "a\177b", 3);
    with_key("key-bad-utf8-cut", "a\xc3", 2);
    with_key("key-bad-utf8-overlong", "\xc0\xaf", 2);
    with_key("key-bad-utf8-surrogate", "\xed\xa0\x80", 3);
    with_key("key-bad-utf8-above-10ffff", "\xf4\x90\x80\x80", 4);
    memset(key, 'k', sizeof key);
    with_key("key-16385", key, sizeof key);

    with_attributes("record-attrs-unsorted", "b=1\na=2\n");
    with_attributes("record-attrs-duplicate", "a=1\na=2\n");
    with_attributes("record-attrs-no-newline", "a=1");
    with_attributes("record-attrs-control", "a=\033[2J\n");
    many_attributes(many, 1025);
    with_attributes("record-attrs-1025", many);

    with_shape("rank-9", 9, (const uint64_t[]){1, 1, 1, 1, 1, 1, 1, 2, 3}, 24, 24);
    with_shape("dims-overflow", 2, (const uint64_t[]){1ULL << 32, 1ULL << 32}, 0, 0);
    with_shape("dims-overflow-bytes", 1, (const uint64_t[]){(1ULL << 62) + 1}, 4, 4);
    with_shape("dims-overflow-behind-empty", 3, (const uint64_t[]){0, 1ULL << 40, 1ULL << 40}, 0,
               0);
    with_shape("dims-largest", 1, (const uint64_t[]){UINT64_MAX}, UINT64_MAX - 3, 0);
    with_shape("payload-over-cap", 2, (const uint64_t[]){1 << 30, 2}, 1ULL << 33, 0);
    with_shape("payload-at-cap-but-absent", 1, (const uint64_t[]){1 << 30}, 1ULL << 32, 0);

    static const struct {
        const char *name, *payload;
        int type, size;
    } numbers[] = {
        {"nan", "\0\0\300\177", F32, 4},
        {"nan-signalling", "\1\0\200\177", F32, 4},
        {"inf", "\0\0\200\177", F32, 4},
        {"inf-minus", "\0\0\200\377", F32, 4},
        {"nan-f64", "\0\0\0\0\0\0\370\177", F64, 8},
        {"inf-f64-minus", "\0\0\0\0\0\0\360\377", F64, 8},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        header("kind=features\n");
        record(numbers[i].type, 0, NULL, "a", "", numbers[i].payload, (size_t)numbers[i].size);
        end(1);
        save(numbers[i].name);
    }
}

static void make_streams(void) {
    patched("padding-header", 40, 1);
    patched("padding-record-head", RECORD + 60, 1);
    patched("padding-payload", PAYLOAD + 30, 1);
    patched("padding-end", END + 40, 1);
    flipped("checksum-header", RECORD - 1);
    flipped("checksum-record", END - 8);
    flipped("checksum-record-of-payload", PAYLOAD);
    flipped("checksum-end", TOTAL - 1);
    patched("reserved-end-low", END + 4, 1);
    patched("reserved-end-high", END + 23, 1);
    patched("count-more", END + 8, 2);
    patched("count-less", END + 8, 0);
    patched("count-high-byte", END + 15, 1);

    cut("empty", 0);
    cut("cut-magic", 5);
    cut("cut-header", 23);
    cut("cut-header-hash", RECORD - 1);
    cut("cut-before-record", RECORD);
    cut("cut-record", RECORD + 3);
    cut("cut-key", RECORD + 24 + 16);
    cut("cut-before-payload", PAYLOAD);
    cut("cut-payload", PAYLOAD + 10);
    cut("cut-record-hash", END - 1);
    cut("no-end", END);
    cut("cut-end", END + 24);
    cut("cut-end-hash", TOTAL - 1);

    followed("trailing-newline", "\n", 1);
    followed("trailing-junk", "Here follows something else, long enough for a block's beginning.",
             65);
    followed("trailing-zeros", (const char[64]){0}, 64);
    followed("trailing-magic", "\x89SER\r\n\x1a\n", 8);

    usual();
    text("junk");
    usual();
    save("concatenated-junk-between");
    usual();
    usual();
    save_cut("concatenated-cut", 2 * TOTAL - 64);
    usual();
    usual();
    s[TOTAL + 8] = 2;
    seal(TOTAL, TOTAL + RECORD - 8);
    save("concatenated-version-2");
    header("kind=features\n");
    header("kind=features\n");
    end(0);
    save("two-headers");
    header("kind=features\n");
    end(0);
    end(0);
    save("two-ends");
    end(0);
    save("end-alone");
    matrix("a", "");
    end(1);
    save("no-header");
}

int main(int argc, char **argv) {
    static char path[4000];
    if (argc != 2) {
        fprintf(stderr, "usage: make FOLDER\n");
        return 2;
    }
    folder = path;
    snprintf(path, sizeof path, "%s/passed", argv[1]);
    make_passed();
    snprintf(path, sizeof path, "%s/failed", argv[1]);
    make_headers();
    make_records();
    make_streams();
    return 0;
}
