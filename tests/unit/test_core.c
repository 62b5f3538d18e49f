/* test_core - numbers, text, input and output, tables, ordered jobs. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "core/core.h"
#include "core/csv.h"
#include "core/in.h"
#include "core/jobs.h"
#include "core/out.h"
#include "core/sha256.h"
#include "core/tsv.h"

static char folder[] = "/tmp/ser-test-XXXXXX";

/* ---- numbers and text ---- */

static void test_numbers(void) {
    static const struct {
        const char *text;
        int good;
        int64_t value;
    } ints[] = {{"0", 1, 0},   {"-5", 1, -5}, {"+7", 1, 7},   {"99", 1, 99},
                {"100", 0, 0}, {"-6", 0, 0},  {"", 0, 0},     {"-", 0, 0},
                {" 1", 0, 0},  {"1 ", 0, 0},  {"0x10", 0, 0}, {"1e1", 0, 0},
                {"1.0", 0, 0}, {"007", 1, 7}, {"--1", 0, 0},  {"99999999999999999999", 0, 0}};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        int64_t v = 0;
        int good = ser_parse_int(ints[i].text, -5, 99, &v) == 0;
        check(good == ints[i].good && v == ints[i].value, "whole number '%s'", ints[i].text);
    }
    static const struct {
        const char *text;
        int good;
        double value;
    } reals[] = {{"0.5", 1, 0.5}, {"-1", 1, -1},   {"1e-3", 1, 1e-3}, {".5", 1, 0.5},
                 {"2", 0, 0},     {"nan", 0, 0},   {"inf", 0, 0},     {"-inf", 0, 0},
                 {"", 0, 0},      {" 0", 0, 0},    {"0 ", 0, 0},      {"0x1p-2", 0, 0},
                 {"1,5", 0, 0},   {"1e999", 0, 0}, {"-1.1", 0, 0}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        double v = 0;
        int good = ser_parse_real(reals[i].text, -1, 1, &v) == 0;
        check(good == reals[i].good && v == reals[i].value, "real number '%s'", reals[i].text);
    }
}

static void test_text(void) {
    static const struct {
        const char *bytes;
        size_t n;
        int good;
        const char *what;
    } at[] = {{"", 0, 1, "nothing"},
              {"a~ ", 3, 1, "ASCII"},
              {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 18, 1,
               "first and last of each length"},
              {"\xed\x9f\xbf\xee\x80\x80", 6, 1, "around the surrogates"},
              {"a\0b", 3, 0, "NUL"},
              {"\t", 1, 0, "tab"},
              {"\x1f", 1, 0, "unit separator"},
              {"\x7f", 1, 0, "delete"},
              {"\x80", 1, 0, "a following byte alone"},
              {"\xc1\xbf", 2, 0, "two bytes, too long"},
              {"\xe0\x9f\xbf", 3, 0, "three bytes, too long"},
              {"\xf0\x8f\xbf\xbf", 4, 0, "four bytes, too long"},
              {"\xed\xa0\x80", 3, 0, "a surrogate"},
              {"\xf4\x90\x80\x80", 4, 0, "above 10ffff"},
              {"\xf5\x80\x80\x80", 4, 0, "far above"},
              {"\xe2\x82", 2, 0, "cut"},
              {"\xe2\x82"
               "a",
               3, 0, "interrupted"}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        check(ser_is_text(at[i].bytes, at[i].n) == at[i].good, "text: %s", at[i].what);
}

/* ---- input ---- */

/* What byte i of the test's data is. */
static unsigned char byte_at(size_t i) {
    return (unsigned char)(i * 31 + i / 251);
}

enum { SENT = 200000 };

/* Writes the data in pieces of sizes that fit nothing. */
static void *send_pieces(void *arg) {
    int fd = *(int *)arg;
    static unsigned char all[SENT];
    for (size_t i = 0; i < SENT; i++)
        all[i] = byte_at(i);
    for (size_t done = 0, piece = 1; done < SENT; piece = piece * 5 % 8191 + 1) {
        size_t n = piece < SENT - done ? piece : SENT - done;
        ssize_t k = write(fd, all + done, n);
        if (k > 0)
            done += (size_t)k;
    }
    close(fd);
    return NULL;
}

static void test_pipe(void) {
    int fd[2], wrong = 0;
    pthread_t sender;
    struct ser_in in;
    struct ser_error e;
    static unsigned char to[SENT + 1];
    if (pipe(fd) || pthread_create(&sender, NULL, send_pieces, &fd[1]))
        exit(1);
    must(ser_in_fd(&in, fd[0], "pipe", &e), &e);
    size_t at = 0, got = 1;
    for (size_t want = 1; got; want = want * 7 % 90001 + 1) {
        const unsigned char *seen;
        size_t ahead;
        if (ser_in_peek(&in, want % 4096 + 1, &seen, &ahead, &e))
            exit(1);
        wrong += ahead != (want % 4096 + 1 < SENT - at ? want % 4096 + 1 : SENT - at);
        wrong += ahead && seen[ahead - 1] != byte_at(at + ahead - 1);
        want = want < SENT ? want : SENT;
        if (ser_in_read(&in, to, want, &got, &e))
            exit(1);
        wrong += got != (want < SENT - at ? want : SENT - at);
        for (size_t i = 0; i < got; i++)
            wrong += to[i] != byte_at(at + i);
        at += got;
        wrong += in.offset != at;
    }
    pthread_join(sender, NULL);
    ser_in_close(&in);
    check(at == SENT && !wrong, "a pipe in pieces is read whole, seen ahead, and counted");
}

static void test_rest(void) {
    struct ser_in in;
    struct ser_error e;
    unsigned char *data, *bytes = calloc(1, 70000);
    size_t len;
    for (size_t n = 0; n <= 70000; n += 35000) {
        must(ser_in_memory(&in, bytes, n, "memory", &e), &e);
        int good = ser_in_rest(&in, n, &data, &len, &e) == 0;
        check(good && len == n && data, "all of %zu bytes, which is the limit", n);
        free(data);
        ser_in_close(&in);
    }
    must(ser_in_memory(&in, bytes, 70000, "memory", &e), &e);
    check(ser_in_rest(&in, 69999, &data, &len, &e) && e.status == SER_BAD &&
              strcmp(e.text, "memory: larger than the limit of 69999 bytes") == 0,
          "one byte over the limit is refused");
    ser_in_close(&in);
    free(bytes);
    check(ser_in_open(&in, folder, &e) && e.status == SER_SYS && strstr(e.text, "is a folder"),
          "a folder cannot be read");
    check(ser_in_open(&in, "/no/such/file", &e) && e.status == SER_SYS &&
              strstr(e.text, "/no/such/file: cannot open"),
          "a missing file is named");
}

/* ---- output ---- */

static char *in_folder(const char *name) {
    return eprintf_alloc("%s/%s", folder, name);
}

static int holds(const char *path, const char *want) {
    struct ser_in in;
    struct ser_error e;
    unsigned char *data;
    size_t len;
    if (ser_in_open(&in, path, &e) || ser_in_rest(&in, 1000, &data, &len, &e))
        return 0;
    int same = len == strlen(want) && memcmp(data, want, len) == 0;
    free(data);
    ser_in_close(&in);
    return same;
}

/* Files in the folder, without . and .. */
static int files(void) {
    char *command = eprintf_alloc("ls -A %s | wc -l", folder);
    FILE *f = popen(command, "r");
    int n = -1;
    if (!f || fscanf(f, "%d", &n) != 1)
        n = -1;
    if (f)
        pclose(f);
    free(command);
    return n;
}

static void write_file(const char *path, const char *text) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, path, 1, &e), &e);
    ser_out_printf(&o, "%s", text);
    must(ser_out_close(&o, &e), &e);
}

static void test_output(void) {
    struct ser_error e;
    struct ser_out o;
    struct stat st;
    char *path = in_folder("a"), *link = in_folder("link");
    must(ser_out_open(&o, path, 1, &e), &e);
    ser_out_printf(&o, "%s", "new");
    must(ser_out_flush(&o, &e), &e);
    check(access(path, F_OK) != 0, "nothing is seen of an output before it is closed");
    must(ser_out_close(&o, &e), &e);
    check(holds(path, "new"), "then it is there");
    chmod(path, 0640);
    must(ser_out_open(&o, path, 1, &e), &e);
    ser_out_printf(&o, "newer");
    ser_out_abandon(&o);
    check(holds(path, "new") && files() == 1, "an abandoned output leaves the old one");
    if (symlink("a", link))
        exit(1);
    write_file(link, "through");
    check(lstat(link, &st) == 0 && S_ISLNK(st.st_mode) && holds(path, "through"),
          "a link stays, what it points at is replaced");
    check(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640, "and keeps its mode");
    unlink(path);
    write_file(link, "made");
    check(holds(path, "made"), "a link that points at nothing gets its file");

    must(ser_out_open(&o, path, 1, &e), &e);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    waitpid(child, NULL, 0);
    ser_out_printf(&o, "parent");
    must(ser_out_close(&o, &e), &e);
    check(holds(path, "parent"), "a child that exits leaves its parent's output alone");

    for (int sig = 0; sig < 2; sig++) {
        child = fork();
        if (child == 0) {
            must(ser_out_open(&o, in_folder("b"), 1, &e), &e);
            raise(sig ? SIGTERM : SIGPIPE);
            exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        check(WIFSIGNALED(status) && files() == 2, "a signal removes what is unfinished");
    }
    unlink(link);
    unlink(path);
    free(link);
    free(path);

    struct ser_in in;
    unsigned char back[6];
    size_t got;
    must(ser_out_spool(&o, &e), &e);
    ser_out_printf(&o, "spool");
    must(ser_out_reread(&o, &in, &e), &e);
    check(ser_in_read(&in, back, sizeof back, &got, &e) == 0 && got == 5 &&
              memcmp(back, "spool", 5) == 0,
          "what was spooled is read again");
    ser_in_close(&in);
}

/* ---- tables ---- */

/* What reading a whole table ends with: the number of its rows, or -1 and e. */
static int read_table(const char *text, size_t len, struct ser_error *e) {
    struct ser_tsv t;
    int got, n = 0;
    if (ser_tsv_memory(&t, text, len, "t.tsv", e))
        return -1;
    while ((got = ser_tsv_next(&t, e)) > 0)
        n++;
    ser_tsv_close(&t);
    return got < 0 ? -1 : n;
}

/* A table as text, "[field|field]" a record and each after its line; or the error. */
static const char *shown_csv(const char *text, size_t len, char separator) {
    static char out[2000];
    struct ser_csv c;
    struct ser_error e = {0};
    int got, n = 0;
    if (ser_csv_memory(&c, text, len, "t.csv", separator, &e))
        return snprintf(out, sizeof out, "%s", e.text), out;
    for (*out = '\0'; (got = ser_csv_next(&c, &e)) > 0;) {
        n += snprintf(out + n, sizeof out - (size_t)n, "%d[", (int)c.line);
        for (size_t i = 0; i < c.fields; i++)
            n += snprintf(out + n, sizeof out - (size_t)n, "%s%s", i ? "|" : "", c.field[i]);
        n += snprintf(out + n, sizeof out - (size_t)n, "]");
    }
    ser_csv_close(&c);
    return got < 0 ? e.text[0] ? (snprintf(out, sizeof out, "%s", e.text), out) : "no reason" : out;
}

static void test_csv(void) {
    static const struct {
        const char *text, *shown;
        char separator;
    } at[] = {
        {"", "", 0},
        {"a", "1[a]", 0},
        {"a,b\n1,2\n", "1[a|b]2[1|2]", 0},
        {"a,b\r\n1,2\r\n", "1[a|b]2[1|2]", 0},
        {"a,b\r1,2\r", "1[a|b]2[1|2]", 0},
        {"a,b\n1,2", "1[a|b]2[1|2]", 0},
        {"a,b\n1,\n", "1[a|b]2[1|]", 0},
        {"a,b\n1,2\n\n", "1[a|b]2[1|2]", 0},
        {"a,b\n,\n1,2\n , \n", "1[a|b]3[1|2]", 0},
        {"\n\na,b\n", "3[a|b]", 0},
        {"\xef\xbb\xbf"
         "a;b\n1,5;2\n",
         "1[a|b]2[1,5|2]", 0},
        {"a\tb,c\td\n1\t2\t3\n", "1[a|b,c|d]2[1|2|3]", 0},
        {"a;b,c;d\n", "1[a|b,c|d]", 0},
        {"\"a,b,c\";d\n", "1[a,b,c|d]", 0},
        {"a,b\n\"x,y\",2\n", "1[a|b]2[x,y|2]", 0},
        {"a,b\n\"x\ny\",2\n3,4\n", "1[a|b]2[x\ny|2]4[3|4]", 0},
        {"a,b\r\"x\r\ny\rz\",2\r3,4\r", "1[a|b]2[x\r\ny\rz|2]5[3|4]", 0},
        {"a,b\n\"say \"\"no\"\"\",\"\"\n", "1[a|b]2[say \"no\"|]", 0},
        {"a\tb\n\"x\ty\"\t2\n", "1[a|b]2[x\ty|2]", 0},
        {"a,b\n1\"2\",\"3\"4\n", "1[a|b]2[1\"2\"|34]", 0},
        {"a,b\n1,\"2\n3,4\n", "t.csv: line 2: a quote is opened and never closed", 0},
        {"a\tb,\n\"1\t2\n", "1[a|b,]2[\"1|2]", '\t'},
        {"a|b\n\"1|2\n", "1[a|b]2[\"1|2]", '|'},
        {"a,b\n\"1;\";2\n", "1[a,b]2[1;|2]", ';'},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        const char *shown = shown_csv(at[i].text, strlen(at[i].text), at[i].separator);
        check(strcmp(shown, at[i].shown) == 0, "CSV %zu", i + 1);
    }
    static const struct {
        const char *text, *shown;
        size_t len;
    } wide[] = {
        {"\xff\xfe"
         "a\0;\0b\0\r\0\n\0\xfc\0;\0\xac\x20",
         "1[a|b]2[\xc3\xbc|\xe2\x82\xac]", 18},
        {"\xfe\xff\0a\0,\0b\0\n\xd8\x3d\xde\x00\0,\0x", "1[a|b]2[\xf0\x9f\x98\x80|x]", 18},
        {"\xff\xfe", "", 2},
        {"\xff\xfe"
         "a\0b",
         "half a character", 5},
        {"\xff\xfe"
         "a\0\x3d\xd8",
         "half a character", 6},
        {"\xff\xfe\x00\xde"
         "a\0",
         "half a character", 6},
        {"\xff\xfe\x3d\xd8"
         "a\0",
         "half a character", 6},
        {"\xff\xfe"
         "a\0\0\0b\0",
         "holds a NUL byte", 8},
        {"a\0,\0b\0", "holds a NUL byte", 6},
    };
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        const char *shown = shown_csv(wide[i].text, wide[i].len, 0);
        check(*wide[i].shown ? strstr(shown, wide[i].shown) != NULL : !*shown, "UTF-16 %zu: %s",
              i + 1, shown);
    }
    char *many = calloc(SER_MAX_CSV_FIELDS + 1, 1);
    if (!many)
        abort();
    memset(many, ',', SER_MAX_CSV_FIELDS);
    check(strstr(shown_csv(many, SER_MAX_CSV_FIELDS, 0), "more than 65536 fields") != NULL,
          "more fields than the limit are refused");
    free(many);
}

static void test_tables(void) {
    static const struct {
        const char *text;
        int rows;
        const char *error;
    } at[] = {
        {"a\tb\n", 0, NULL},
        {"a\tb\n1\t2\n", 1, NULL},
        {"a\tb\n1\t2\n3\t4", 2, NULL},
        {"a\tb\r\n1\t2\r\n", 1, NULL},
        {"a\tb\n\t\n", 1, NULL},
        {"a\n\n\n", 2, NULL},
        {"", -1, "empty input"},
        {"\n", -1, "column 1 of the header has no legal name"},
        {"a\t\tc\n", -1, "column 2 of the header has no legal name"},
        {"a\tb\ta\n", -1, "two columns are named 'a'"},
        {"a\xff\n", -1, "column 1 of the header has no legal name"},
        {"a\tb\n1\n", -1, "row 1 (1): 1 field, the header has 2"},
        {"a\tb\n1\t2\nx\t2\t3\n", -1, "row 2 (x): 3 fields, the header has 2"},
        {"a\tb\n1\t2\n\n", 1, NULL},
        {"a\tb\n1\t2\n\n\n", -1, "row 2 (): 1 field, the header has 2"},
    };
    struct ser_error e;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        int rows = read_table(at[i].text, strlen(at[i].text), &e);
        check(rows == at[i].rows &&
                  (rows >= 0 || (strstr(e.text, at[i].error) &&
                                 strncmp(e.text, "t.tsv: ", 7) == 0 && e.status == SER_BAD)),
              "table %zu%s%s", i + 1, at[i].error ? ": " : "", at[i].error ? at[i].error : "");
    }
    check(read_table("a\n1\0002\n", 6, &e) == -1 && strstr(e.text, "NUL"), "a NUL byte is refused");

    char *line = malloc(SER_MAX_LINE + 8);
    if (!line)
        abort();
    memcpy(line, "a\n", 2);
    memset(line + 2, 'x', SER_MAX_LINE + 1);
    line[SER_MAX_LINE + 2] = '\n';
    check(read_table(line, SER_MAX_LINE + 2, &e) == 1, "the longest line");
    line[SER_MAX_LINE + 2] = 'x';
    check(read_table(line, SER_MAX_LINE + 3, &e) == -1 && strstr(e.text, "longer than"),
          "a longer line is refused");
    memset(line, '\t', SER_MAX_COLUMNS);
    check(read_table(line, SER_MAX_COLUMNS, &e) == -1 && strstr(e.text, "columns"),
          "more columns than the limit are refused");
    free(line);

    struct ser_tsv t;
    check(ser_tsv_memory(&t, "id\tpath\nx\ty\n", 12, "t.tsv", &e) == 0 &&
              ser_tsv_column(&t, "path") == 1 && ser_tsv_column(&t, "Path") == -1 &&
              ser_tsv_need(&t, "speaker", &e) == -1 &&
              strcmp(e.text, "t.tsv: no column 'speaker' (there are: id path)") == 0,
          "columns are found by name, and listed when one is missing");
    check(ser_tsv_next(&t, &e) == 1 && strcmp(t.field[0], "x") == 0 && strcmp(t.field[1], "y") == 0,
          "fields of a row");
    check(ser_tsv_fail(&t, &e, "bad %d", 7) == -1 && strcmp(e.text, "t.tsv: row 1 (x): bad 7") == 0,
          "errors name file, row and id");
    ser_tsv_close(&t);
}

/* ---- jobs ---- */

struct work {
    int fetched, finished, wrong, stop_at, items;
};

struct slot {
    int number, square;
    char *memory;
};

static int fetch(void *ctx, void *slot) {
    struct work *w = ctx;
    struct slot *s = slot;
    if (w->fetched == w->items)
        return 0;
    s->number = w->fetched++;
    if (!s->memory)
        s->memory = emalloc(16); /* reused, and given back by release */
    return 1;
}

static void square(void *ctx, void *slot, int worker) {
    struct work *w = ctx;
    struct slot *s = slot;
    if (s->number % 7 == worker % 7) /* some take longer */
        usleep(200);
    s->square = s->number * s->number;
    (void)w;
}

static int finish(void *ctx, void *slot) {
    struct work *w = ctx;
    struct slot *s = slot;
    w->wrong += s->number != w->finished || s->square != s->number * s->number;
    w->finished++;
    return w->finished == w->stop_at ? -1 : 0;
}

static void release(void *ctx, void *slot) {
    (void)ctx;
    free(((struct slot *)slot)->memory);
}

static void test_jobs(void) {
    struct ser_error e;
    for (int jobs = 1; jobs <= 9; jobs += 4)
        for (int items = 0; items <= 500; items += 100) {
            struct work w = {.items = items};
            struct ser_jobs j = {&w, sizeof(struct slot), fetch, square, finish, release};
            int got = ser_jobs_run(&j, jobs, &e);
            check(got == 0 && !w.wrong && w.finished == items, "%d jobs finish %d items in order",
                  jobs, items);
        }
    for (int jobs = 1; jobs <= 9; jobs += 4) {
        struct work w = {.items = 1 << 30, .stop_at = 50};
        struct ser_jobs j = {&w, sizeof(struct slot), fetch, square, finish, release};
        int got = ser_jobs_run(&j, jobs, &e);
        check(got == 1 && !w.wrong && w.finished == 50 && w.fetched <= 50 + 4 * jobs,
              "%d jobs stop when finish says so", jobs);
    }
}

/* ---- checksums ---- */

static void test_sha256(void) {
    /* The first three: FIPS 180-2, appendix B. The others: sha256sum(1). Of repeated texts the
     * padding begins before, at and behind the last place of a block that has room for it. */
    static const struct {
        const char *text;
        int times;
        const char *hex;
    } at[] = {
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"x", 55, "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {"x", 56, "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {"x", 63, "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {"x", 64, "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {"x", 65, "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
        {"x", 119, "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {"x", 120, "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        struct ser_sha256 sum;
        char hex[SER_SHA256_HEX];
        ser_sha256_start(&sum);
        for (int k = 0; k < at[i].times; k++)
            ser_sha256_add(&sum, at[i].text, strlen(at[i].text));
        ser_sha256_end(&sum, hex);
        check(strcmp(hex, at[i].hex) == 0, "SHA-256 of %d times '%s'", at[i].times, at[i].text);
    }
    /* Cut into two at any place it is the same. */
    const char *text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopqabcdbcdecdefdefg";
    char whole[SER_SHA256_HEX];
    int differ = 0;
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct ser_sha256 sum;
        char hex[SER_SHA256_HEX];
        ser_sha256_start(&sum);
        ser_sha256_add(&sum, text, cut);
        ser_sha256_add(&sum, text + cut, strlen(text) - cut);
        ser_sha256_end(&sum, hex);
        if (!cut)
            memcpy(whole, hex, sizeof whole);
        differ += strcmp(whole, hex) != 0;
    }
    check(!differ, "SHA-256 of a text in two pieces");
}

int main(int argc, char **argv) {
    ser_start(argv[argc - 1]);
    if (!mkdtemp(folder))
        return 1;
    test_numbers();
    test_text();
    test_pipe();
    test_rest();
    test_output();
    test_tables();
    test_csv();
    test_jobs();
    test_sha256();
    check(rmdir(folder) == 0, "no file is left behind");
    printf("# %d failed\n", failed);
    return failed != 0;
}
