/* test_tensor - the tensor stream: every cut and every flipped bit is found; attributes; limits;
 * NumPy arrays. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "core/ark.h"
#include "core/npy.h"
#include "core/reader.h"
#include "core/writer.h"

static char folder[] = "/tmp/ser-test-XXXXXX";

struct bytes {
    unsigned char *at;
    size_t n;
};

static struct bytes read_file(const char *path) {
    struct ser_in in;
    struct ser_error e;
    struct bytes b;
    if (ser_in_open(&in, path, &e) || ser_in_rest(&in, 1 << 20, &b.at, &b.n, &e))
        die_error(&e);
    ser_in_close(&in);
    return b;
}

/* What reading to the end says: the number of records, or -1 and e. */
static int64_t read_all(const void *at, size_t n, const char *kind, struct ser_error *e) {
    struct ser_in in;
    struct ser_reader r;
    struct ser_record rec = {0};
    int got;
    must(ser_in_memory(&in, at, n, "memory", e), e);
    if (ser_reader_begin(&r, &in, kind, e))
        return -1;
    while ((got = ser_reader_next(&r, &rec, e)) > 0)
        continue;
    int64_t records = (int64_t)r.record;
    ser_record_free(&rec);
    ser_reader_close(&r);
    return got < 0 ? -1 : records;
}

/* A stream of three records with everything in it. */
static struct bytes make_stream(const char *kind, const char *rate) {
    struct ser_error e;
    char *path = eprintf_alloc("%s/s", folder);
    struct ser_attrs header = {0};
    struct ser_record rec = {0};
    struct ser_writer w;
    ser_attr_set(&header, "kind", kind);
    if (rate)
        ser_attr_set(&header, "feat.rate_hz", rate);
    must(ser_writer_open(&w, path, &header, &e), &e);
    must(ser_record_set(&rec, "first", SER_F32, 2, (const uint64_t[]){2, 3}, &e), &e);
    for (size_t i = 0; i < rec.count; i++)
        ((float *)rec.data)[i] = 1.5f * (float)i;
    ser_attr_set(&rec.attrs, "speaker", "s\xc3\xa9");
    ser_attr_set(&rec.attrs, "emotion", "happy");
    must(ser_writer_put(&w, &rec, &e), &e);
    must(ser_record_set(&rec, "second", SER_I16, 1, (const uint64_t[]){29}, &e), &e);
    for (size_t i = 0; i < rec.count; i++)
        ((int16_t *)rec.data)[i] = (int16_t)(-1000 * (int)i);
    must(ser_writer_put(&w, &rec, &e), &e);
    must(ser_record_set(&rec, "third", SER_F64, 0, NULL, &e), &e);
    *(double *)rec.data = -0.1;
    must(ser_writer_put(&w, &rec, &e), &e);
    must(ser_writer_close(&w, &e), &e);
    ser_record_free(&rec);
    ser_attrs_clear(&header);
    struct bytes b = read_file(path);
    unlink(path);
    free(path);
    return b;
}

static struct bytes join(struct bytes a, struct bytes b) {
    struct bytes c = {emalloc(a.n + b.n), a.n + b.n};
    memcpy(c.at, a.at, a.n);
    memcpy(c.at + a.n, b.at, b.n);
    return c;
}

/* ---- damage ---- */

static void test_damage(void) {
    struct bytes one = make_stream("features", "22050"), two = join(one, one);
    struct ser_error e;
    size_t accepted = 0, wrong = 0;
    check(read_all(one.at, one.n, "features", &e) == 3, "a stream of three records");
    check(read_all(two.at, two.n, "features", &e) == 6, "the same twice");
    for (size_t n = 0; n < two.n; n++) {
        int64_t got = read_all(two.at, n, NULL, &e);
        if (n == one.n)
            wrong += got != 3;
        else if (got >= 0)
            accepted++;
        else
            wrong += e.status != SER_BAD || strncmp(e.text, "memory: ", 8) != 0;
    }
    check(!accepted && !wrong, "a cut at each of %zu bytes is refused, but for the seam", two.n);

    accepted = wrong = 0;
    for (size_t i = 0; i < one.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            one.at[i] ^= (unsigned char)(1 << bit);
            accepted += read_all(one.at, one.n, NULL, &e) >= 0;
            wrong += e.status != SER_BAD;
            one.at[i] ^= (unsigned char)(1 << bit);
        }
    check(!accepted && !wrong, "each of %zu flipped bits is found", 8 * one.n);

    accepted = 0;
    for (size_t i = 0; i < one.n; i++) {
        memcpy(two.at, one.at, i); /* without byte i, and with byte i twice */
        memcpy(two.at + i, one.at + i + 1, one.n - i - 1);
        accepted += read_all(two.at, one.n - 1, NULL, &e) >= 0;
        memcpy(two.at, one.at, i + 1);
        memcpy(two.at + i + 1, one.at + i, one.n - i);
        accepted += read_all(two.at, one.n + 1, NULL, &e) >= 0;
    }
    check(!accepted, "a lost or doubled byte is found wherever it is");

    accepted = 0;
    for (size_t i = 64; i + 64 <= one.n; i += 64)
        for (size_t n = 64; i + n <= one.n; n += 64) { /* whole blocks are missing */
            memcpy(two.at, one.at, i);
            memcpy(two.at + i, one.at + i + n, one.n - i - n);
            accepted += read_all(two.at, one.n - n, NULL, &e) >= 0;
        }
    check(!accepted, "lost blocks are found");
    free(one.at);
    free(two.at);
}

static void test_concatenated(void) {
    struct bytes a = make_stream("features", "22050"), b = make_stream("features", "16000"),
                 c = make_stream("audio", "22050"), ab = join(a, b), ac = join(a, c);
    struct ser_error e;
    check(read_all(ab.at, ab.n, NULL, &e) == 6, "who asks for no kind takes other recipes");
    check(read_all(ab.at, ab.n, "features", &e) < 0 && e.status == SER_BAD &&
              strstr(e.text, "feat.rate_hz is 22050, then 16000"),
          "who asks for features is told which part of the recipe differs");
    check(read_all(ac.at, ac.n, NULL, &e) == 6, "who asks for no kind takes other kinds");
    check(read_all(ac.at, ac.n, "features", &e) < 0 &&
              strstr(e.text, "of kind audio, but features"),
          "who asks for features does not take audio");
    check(read_all(c.at, c.n, "model", &e) < 0 && strstr(e.text, "of kind audio, but model"),
          "nor does who asks for a model");
    free(a.at);
    free(b.at);
    free(c.at);
    free(ab.at);
    free(ac.at);
}

/* ---- what is read is what was written ---- */

static void test_content(void) {
    struct bytes s = make_stream("features", NULL);
    struct ser_in in;
    struct ser_reader r;
    struct ser_record rec = {0};
    struct ser_error e;
    must(ser_in_memory(&in, s.at, s.n, "memory", &e), &e);
    check(ser_reader_begin(&r, &in, "features", &e) == 0 && r.header.n == 1 && r.streams == 1,
          "the header");
    int got = ser_reader_next(&r, &rec, &e);
    check(got == 1 && strcmp(rec.key, "first") == 0 && rec.type == SER_F32 && rec.rank == 2 &&
              rec.dim[0] == 2 && rec.dim[1] == 3 && rec.count == 6 && rec.bytes == 24 &&
              ((float *)rec.data)[5] == 7.5f && (uintptr_t)rec.data % 64 == 0,
          "a matrix of f32");
    check(memcmp(s.at + rec.offset, rec.data, rec.bytes) == 0 && rec.offset % 64 == 0,
          "where its payload lies");
    check(rec.attrs.n == 2 && strcmp(ser_attr(&rec.attrs, "emotion"), "happy") == 0 &&
              strcmp(ser_attr(&rec.attrs, "speaker"), "s\xc3\xa9") == 0,
          "its attributes");
    check(ser_reader_fail(&r, &rec, &e, "what: %s", "why") == -1 &&
              strcmp(e.text, "memory: record 1 (first): what: why") == 0,
          "its name in messages");
    got = ser_reader_next(&r, &rec, &e);
    check(got == 1 && rec.type == SER_I16 && rec.count == 29 && rec.attrs.n == 0 &&
              ((int16_t *)rec.data)[28] == -28000,
          "a vector of i16, without attributes");
    got = ser_reader_next(&r, &rec, &e);
    check(got == 1 && rec.rank == 0 && rec.count == 1 && *(double *)rec.data == -0.1,
          "a scalar of f64");
    check(ser_reader_next(&r, &rec, &e) == 0 && ser_reader_next(&r, &rec, &e) < 1, "the end");
    ser_record_free(&rec);
    ser_reader_close(&r);
    free(s.at);
}

/* A record that tells of 4 GiB and brings few of them costs little memory. */
static void test_promises(void) {
    struct bytes s = read_file("tests/tensor/failed/payload-at-cap-but-absent.sert");
    struct ser_in in;
    struct ser_reader r;
    struct ser_record rec = {0};
    struct ser_error e;
    must(ser_in_memory(&in, s.at, s.n, "memory", &e), &e);
    check(ser_reader_begin(&r, &in, NULL, &e) == 0 && ser_reader_next(&r, &rec, &e) == -1 &&
              rec.bytes == 1ULL << 32 && rec.data_cap <= 1 << 21,
          "memory follows the bytes that arrive, not the length that is told");
    ser_record_free(&rec);
    ser_reader_close(&r);
    free(s.at);
}

struct sender {
    int fd;
    struct bytes b;
};

static void *send_single_bytes(void *arg) {
    struct sender *s = arg;
    for (size_t i = 0; i < s->b.n; i++)
        if (write(s->fd, s->b.at + i, 1) != 1)
            break;
    close(s->fd);
    return NULL;
}

static void test_short_reads(void) {
    int fd[2];
    pthread_t thread;
    struct sender sender = {.b = make_stream("features", NULL)};
    struct ser_in in;
    struct ser_reader r;
    struct ser_record rec = {0};
    struct ser_error e;
    int n = 0;
    if (pipe(fd))
        exit(1);
    sender.fd = fd[1];
    if (pthread_create(&thread, NULL, send_single_bytes, &sender))
        exit(1);
    must(ser_in_fd(&in, fd[0], "pipe", &e), &e);
    if (ser_reader_begin(&r, &in, "features", &e) == 0) {
        while (ser_reader_next(&r, &rec, &e) == 1)
            n++;
        ser_reader_close(&r);
    }
    pthread_join(thread, NULL);
    check(n == 3, "a pipe that brings single bytes");
    ser_record_free(&rec);
    free(sender.b.at);
}

/* ---- attributes and shapes ---- */

static void test_attributes(void) {
    struct ser_attrs a = {0}, b = {0};
    ser_attr_set(&a, "zeta", "1");
    ser_attr_setf(&a, "alpha", "%d", 2);
    ser_attr_set(&a, "feat.hop", "512");
    check(a.n == 3 && strcmp(a.at[0].key, "alpha") == 0 && strcmp(a.at[2].key, "zeta") == 0,
          "attributes are kept sorted");
    ser_attr_set(&a, "zeta", "3");
    check(a.n == 3 && strcmp(ser_attr(&a, "zeta"), "3") == 0 && !ser_attr(&a, "beta"),
          "a name is there once");
    ser_attrs_copy(&b, &a);
    check(!ser_attrs_differ(&a, &b, ""), "a copy is the same");
    ser_attr_set(&b, "alpha", "other");
    check(!ser_attrs_differ(&a, &b, "feat.") && strcmp(ser_attrs_differ(&a, &b, ""), "alpha") == 0,
          "only names with the prefix count");
    ser_attr_set(&b, "feat.window", "2048");
    check(strcmp(ser_attrs_differ(&a, &b, "feat."), "feat.window") == 0 &&
              strcmp(ser_attrs_differ(&b, &a, "feat."), "feat.window") == 0,
          "one missing on either side is a difference");
    ser_attr_set(&a, "zeta", NULL);
    ser_attr_set(&a, "zeta", NULL);
    check(a.n == 2 && !ser_attr(&a, "zeta"), "an attribute can be removed");
    check(ser_is_attr("a.b_c-9", "") && !ser_is_attr("", "x") && !ser_is_attr("A", "x") &&
              !ser_is_attr("a b", "x") && !ser_is_attr("a", "x\n") && !ser_is_attr("a", "\xff"),
          "what can be an attribute");
    ser_attrs_clear(&a);
    ser_attrs_clear(&b);
}

static void test_shapes(void) {
    static const struct {
        enum ser_type type;
        int rank;
        uint64_t dim[3], bytes;
        const char *text;
    } at[] = {
        {SER_F32, 0, {0}, 4, "scalar"},
        {SER_F64, 2, {40, 174}, 55680, "40x174"},
        {SER_U8, 1, {SER_MAX_PAYLOAD}, SER_MAX_PAYLOAD, "4294967296"},
        {SER_U8, 1, {SER_MAX_PAYLOAD + 1}, UINT64_MAX, "4294967297"},
        {SER_I16, 2, {0, 5}, 0, "0x5"},
        {SER_I32, 3, {1ULL << 40, 0, 1ULL << 40}, UINT64_MAX, "1099511627776x0x1099511627776"},
        {SER_I32, 2, {1ULL << 62, 4}, UINT64_MAX, "4611686018427387904x4"}};
    char text[SER_SHAPE_TEXT];
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        check(ser_shape_bytes(at[i].type, at[i].rank, at[i].dim) == at[i].bytes &&
                  strcmp(ser_shape_text(at[i].rank, at[i].dim, text), at[i].text) == 0,
              "shape %s", at[i].text);
}

/* ---- NumPy arrays ---- */

/* An array of version v with this dictionary and these bytes. */
static int read_array(int v, const char *dict, const void *data, size_t n, struct ser_record *rec,
                      struct ser_error *e) {
    size_t len = strlen(dict), head = v == 1 ? 10 : 12;
    unsigned char *b = ecalloc(head + len + n, 1);
    memcpy(b, "\x93NUMPY", 6);
    b[6] = (unsigned char)v;
    b[8] = (unsigned char)len;
    b[9] = (unsigned char)(len >> 8);
    memcpy(b + head, dict, len);
    memcpy(b + head + len, data, n);
    struct ser_in in;
    must(ser_in_memory(&in, b, head + len + n, "a.npy", e), e);
    int got = ser_npy_read(&in, "key", rec, e);
    ser_in_close(&in);
    free(b);
    return got;
}

static void test_arrays(void) {
    static const unsigned char six[] = {1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0};
    struct ser_record rec = {0};
    struct ser_error e;
    for (int v = 1; v <= 3; v++)
        check(read_array(v, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n", six,
                         12, &rec, &e) == 0 &&
                  rec.type == SER_I16 && rec.rank == 2 && rec.dim[0] == 2 && rec.dim[1] == 3 &&
                  memcmp(rec.data, (int16_t[]){1, 2, 3, 4, 5, 6}, 12) == 0,
              "version %d", v);
    check(read_array(1, "{'shape':(2,3),\"fortran_order\":True,'descr':'<i2'}", six, 12, &rec,
                     &e) == 0 &&
              memcmp(rec.data, (int16_t[]){1, 3, 5, 2, 4, 6}, 12) == 0,
          "Fortran order, other quotes and order of fields");
    check(read_array(1, "{'descr':'>i2','fortran_order':False,'shape':(6,)}", six, 12, &rec, &e) ==
                  0 &&
              ((int16_t *)rec.data)[1] == 512,
          "big-endian");
    check(read_array(1, "{'descr':'i2','fortran_order':False,'shape':(6,)}", six, 12, &rec, &e) ==
                  0 &&
              ((int16_t *)rec.data)[5] == 6,
          "without an order");
    check(read_array(1, "{'descr':'=f4','fortran_order':False,'shape':(1,)}", "\0\0\x80\x3f", 4,
                     &rec, &e) == 0 &&
              *(float *)rec.data == 1,
          "in the machine's order");
    check(read_array(1, "{'descr':'<f4','fortran_order':False,'shape':()}", "\0\0\x80\x3f", 4, &rec,
                     &e) == 0 &&
              rec.rank == 0 && *(float *)rec.data == 1,
          "a scalar");
    check(read_array(1, "{'descr':'|u1','fortran_order':False,'shape':(0, 7)}", "", 0, &rec, &e) ==
                  0 &&
              rec.count == 0 && rec.dim[1] == 7,
          "an empty array");

    static const struct {
        const char *dict, *error;
        size_t n;
    } bad[] = {
        {"{'descr':'<i8','fortran_order':False,'shape':(1,)}", "other elements", 8},
        {"{'descr':'<f2','fortran_order':False,'shape':(1,)}", "other elements", 2},
        {"{'descr':'<c8','fortran_order':False,'shape':(1,)}", "other elements", 8},
        {"{'descr':'','fortran_order':False,'shape':(1,)}", "head is damaged", 8},
        {"{'descr':'=','fortran_order':False,'shape':(1,)}", "other elements", 8},
        {"{'descr':'4','fortran_order':False,'shape':(1,)}", "other elements", 8},
        {"{'descr':[('a','<f4')],'fortran_order':False,'shape':(1,)}", "head is damaged", 4},
        {"{'descr':'<i2','fortran_order':No,'shape':(6,)}", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(6)", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':6}", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(-6,)}", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False}", "head is damaged", 12},
        {"{'descr':'<i2','descr':'<i2','fortran_order':False,'shape':(6,)}", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(6,)} x", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(6,),'more':1}", "head is damaged", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(1,1,1,1,1,1,1,1,6)}", "head is damaged",
         12},
        {"{'descr':'<i2','fortran_order':False,'shape':(6,)}", "cut short or bytes follow", 11},
        {"{'descr':'<i2','fortran_order':False,'shape':(5,)}", "cut short or bytes follow", 11},
        {"{'descr':'<i2','fortran_order':False,'shape':(5,)}", "cut short or bytes follow", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(9223372036854775807,2)}", "over the limit",
         12},
        {"{'descr':'<i2','fortran_order':False,'shape':(4294967296,)}", "over the limit", 12},
        {"{'descr':'<i2','fortran_order':False,'shape':(99999999999999999999,)}", "head is damaged",
         12},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(read_array(1, bad[i].dict, six, bad[i].n, &rec, &e) == -1 && e.status == SER_BAD &&
                  strncmp(e.text, "a.npy: ", 7) == 0 && strstr(e.text, bad[i].error),
              "refused: %s", bad[i].dict);
    /* What numpy/lib/tests/test_format.py calls bad: versions and magics. */
    static const struct {
        const char *bytes;
        size_t len;
    } magic[] = {
        {"\x93NUMPY\x01\x01", 8}, {"\x93NUMPY\0\0", 8},     {"\x93NUMPY\0\x01", 8},
        {"\x93NUMPY\x02\x02", 8}, {"\x93NUMPY\xff\xff", 8}, {"\x92NUMPY\x01\0", 8},
        {"\0NUMPY\x01\0", 8},     {"\x93numpy\x01\0", 8},   {"\x93MATLB\x01\0", 8},
        {"\x93NUMPY\x01", 7},     {"\x93NUMPY", 6},         {"", 0},
    };
    static const char good[] = "\x76\0{'descr': '<i2', 'fortran_order': False, 'shape': (), }";
    for (size_t i = 0; i < sizeof magic / sizeof *magic; i++) {
        unsigned char b[256];
        struct ser_in in;
        memset(b, ' ', sizeof b);
        memcpy(b, magic[i].bytes, magic[i].len);
        memcpy(b + magic[i].len, good, sizeof good - 1);
        must(ser_in_memory(&in, b, 130, "a.npy", &e), &e);
        check(ser_npy_read(&in, "key", &rec, &e) && e.status == SER_BAD, "refused: magic %zu: %s",
              i + 1, e.text);
        ser_in_close(&in);
    }
    check(read_array(1, "{'descr': 'x', 'shape': (1, 2), }                    \n", six, 4, &rec,
                     &e) &&
              strstr(e.text, "head is damaged"),
          "refused: NumPy's header without its order");
    check(read_array(4, "{}", six, 12, &rec, &e) == -1 && strstr(e.text, "NumPy format 4.0"),
          "a later version is refused");
    check(read_array(1, "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
                     "\0\0\0\0\0\0\xc0\x7f", 8, &rec, &e) == -1 &&
              strstr(e.text, "element 1 is infinite or not a number"),
          "an element that is no number is refused");

    char head[SER_NPY_HEAD];
    size_t len = ser_npy_head(head, "<f4", 2, (const uint64_t[]){40, 174});
    check(len == 128 && memcmp(head, "\x93NUMPY\1\0\x76\0", 10) == 0 && head[127] == '\n' &&
              strncmp(head + 10, "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 174), } ",
                      63) == 0,
          "the head of an array, as NumPy writes it");
    uint64_t most[SER_MAX_RANK + 1];
    memset(most, 255, sizeof most);
    len = ser_npy_head(head, "<U16384", SER_MAX_RANK + 1, most);
    check(len <= SER_NPY_HEAD && len % 64 == 0, "the longest head fits");
    ser_record_free(&rec);
}

/* Every cut and every changed byte of an array: an error or an array, never a crash. */
static void test_array_damage(void) {
    const char *dict = "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n";
    unsigned char b[128] = "\x93NUMPY\1\0";
    size_t len = strlen(dict), n = 10 + len + 12, accepted = 0;
    b[8] = (unsigned char)len;
    memcpy(b + 10, dict, len);
    struct ser_record rec = {0};
    struct ser_error e;
    struct ser_in in;
    for (size_t cut = 0; cut < n; cut++) {
        must(ser_in_memory(&in, b, cut, "a.npy", &e), &e);
        accepted += ser_npy_read(&in, "key", &rec, &e) == 0;
        ser_in_close(&in);
    }
    check(!accepted, "an array cut at any of %zu bytes is refused", n);
    for (size_t i = 0; i < n; i++)
        for (int v = 0; v < 256; v++) {
            unsigned char was = b[i];
            b[i] = (unsigned char)v;
            must(ser_in_memory(&in, b, n, "a.npy", &e), &e);
            if (ser_npy_read(&in, "key", &rec, &e) == 0)
                accepted += rec.bytes > n;
            ser_in_close(&in);
            b[i] = was;
        }
    check(!accepted, "no changed byte brings more than there is");
    ser_record_free(&rec);
}

/* ---- Kaldi's archives ---- */

/* An archive's records as "KEY type 2x3: elements; "; or its error. */
static const char *read_archive(const char *bytes, size_t len) {
    static char out[1000];
    struct ser_in in;
    struct ser_record rec = {0};
    struct ser_error e;
    char shape[SER_SHAPE_TEXT];
    int got, n = 0;
    out[0] = '\0';
    must(ser_in_memory(&in, bytes, len, "a.ark", &e), &e);
    for (uint64_t i = 1; (got = ser_ark_next(&in, i, &rec, &e)) > 0; i++) {
        n += snprintf(out + n, sizeof out - (size_t)n, "%s %s %s:", rec.key,
                      ser_type_name(rec.type), ser_shape_text(rec.rank, rec.dim, shape));
        for (size_t k = 0; k < rec.count; k++)
            n += snprintf(out + n, sizeof out - (size_t)n, " %.9g", ser_value(&rec, k));
        n += snprintf(out + n, sizeof out - (size_t)n, "; ");
    }
    if (got < 0)
        snprintf(out, sizeof out, "%s%.990s", e.status == SER_BAD ? "" : "status: ", e.text);
    ser_in_close(&in);
    ser_record_free(&rec);
    return out;
}

/* What kaldiio 2.18.1 writes of the matrix 0 1.5, -2 3, 4 0.25 (save_ark with compression_method 2,
 * 3 and 5), and the values that it reads back from these bytes; but 1.5058825 it rounds otherwise
 * than Kaldi, which multiplies with 6/255 in single precision. */
#define CUT "\0\0\0\xc0\0\0\xc0\x40\3\0\0\0\2\0\0\0"
static const char one_byte[] = "u \0BCM " CUT "\0\0\x55\x55\xfe\xff\xff\xff\0\x60\x55\x95\x55\xd5"
                               "\xff\xff\x40\0\xff\x40\xc0\0";
static const char two_bytes[] = "u \0BCM2 " CUT "\x55\x55\x55\x95\0\0\x55\xd5\xff\xff\0\x60";
static const char plain_byte[] = "u \0BCM3 " CUT "\x55\x95\0\xd4\xff\x60";

static const char floats[] = "a \0BFM \4\1\0\0\0\4\2\0\0\0\0\0\x80\x3f\0\0\0\xc0"
                             "b \0BFV \4\1\0\0\0\0\0\x80\x3f";
static const char doubles[] = "a \0BDM \4\2\0\0\0\4\1\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0"
                              "b \0BDV \4\0\0\0\0";

static void test_archives(void) {
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } at[] = {
#define AT(b) b, sizeof b - 1
        {AT(floats), "a f32 1x2: 1 -2; b f32 1: 1; "},
        {AT(doubles), "a f64 2x1: 1 -2; b f64 0:; "},
        {AT(one_byte), "u f32 3x2: 0 1.50002289 -2 3.00004578 4 0.250034332; "},
        {AT(two_bytes), "u f32 3x2: 0 1.50002289 -2 3.00004578 4 0.250034332; "},
        {AT(plain_byte), "u f32 3x2: 0 1.5058825 -2 2.98823547 4 0.258823633; "},
        {AT("a \0BCM \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "a f32 0x0:; "},
        {AT(""), ""},
        {AT("a  [\n  1 2 \n  3 -4e1 ]\nb  [ 5 6 ]\n"), "a f32 2x2: 1 2 3 -40; b f32 2: 5 6; "},
        {AT("a [ ]\r\nb [\r\n 1 ]"), "a f32 0:; b f32 1x1: 1; "},
        {AT("k\xc3\xbc [ 1 ]\n"), "k\xc3\xbc f32 1: 1; "},
        {AT("a  [\n  1 2 \n  3 ]\n"), "a.ark: record 1 (a): its rows differ in length"},
        {AT("a [ 1 2\n 3 4 ]\n"),
         "a.ark: record 1 (a): a vector in several lines: a matrix begins in "
         "the line after its ["},
        {AT("a [ 1 nan ]\n"), "a.ark: record 1 (a): 'nan' is no number of single precision"},
        {AT("a [ 1e39 ]\n"), "a.ark: record 1 (a): '1e39' is no number of single precision"},
        {AT("a [ 1 2 "), "a.ark: record 1 (a): the archive is cut short"},
        {AT("u /data/feats.ark:17\n"), "a.ark: record 1 (u): holds no [: is this a list of an "
                                       "archive's places (scp)? The archive "
                                       "itself is needed: copy-feats scp:LIST ark:ARCHIVE"},
        {AT("lonely"),
         "a.ark: record 1 (lonely): here should be a key and a space: is this a Kaldi "
         "archive?"},
        {AT("a \0BSM "),
         "a.ark: record 1 (a): is neither a matrix nor a vector of Kaldi's types FM DM "
         "FV DV CM CM2 CM3"},
        {AT("a \0BFV \4\1\0\0\0\0\0\xc0\x7f"),
         "a.ark: record 1 (a): holds an element that is infinite or not a number"},
        {AT("a \0BFV \5\1\0\0\0\0\0\0\0"), "a.ark: record 1 (a): a size of it is damaged"},
        {AT("a \0BFV \4\xff\xff\xff\xff"), "a.ark: record 1 (a): a size of it is damaged"},
        {AT("a \0BFM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f"),
         "a.ark: record 1 (a): is larger than a record may be"},
        {AT("a \0BFM \4\0\0\1\0\4\0\0\1\0"), "a.ark: record 1 (a): is larger than a record may be"},
        {AT("a \0BFM \4\0\0\1\0\4\0\1\0\0"), "a.ark: record 1 (a): the archive is cut short"},
        {AT("a \0BCM3 \0\0\xc0\x7f\0\0\0\0\0\0\0\0\0\0\0\0"),
         "a.ark: record 1 (a): its head is damaged"},
        {AT("a \0BCM \0\0\0\0\0\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7f"),
         "a.ark: record 1 (a): is larger than a record may be"},
#undef AT
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        const char *got = read_archive(at[i].bytes, at[i].len);
        check(strcmp(got, at[i].want) == 0, "archive %zu: %.80s", i + 1, got);
    }
    size_t accepted = 0;
    for (size_t n = 1; n + 1 < sizeof one_byte; n++)
        accepted += strncmp(read_archive(one_byte, n), "a.ark: ", 7) != 0;
    for (size_t n = 1; n + 1 < sizeof floats; n++) /* behind its first record it may end */
        accepted += n != 25 && strncmp(read_archive(floats, n), "a.ark: ", 7) != 0;
    check(!accepted, "an archive cut within a record is refused");
}

int main(int argc, char **argv) {
    ser_start(argv[argc - 1]);
    if (!mkdtemp(folder))
        return 1;
    test_damage();
    test_concatenated();
    test_archives();
    test_content();
    test_promises();
    test_short_reads();
    test_attributes();
    test_shapes();
    test_arrays();
    test_array_damage();
    check(rmdir(folder) == 0, "no file is left behind");
    printf("# %d failed\n", failed);
    return failed != 0;
}
