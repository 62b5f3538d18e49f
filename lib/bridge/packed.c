#include "bridge/packed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/bytes.h"
#include "core/out.h"

enum { PAGE = 4096, HEAD = 48, SUM_AT = 40, PART = SER_PACKED_PART };

static const char magic[] = "serpack1";

size_t ser_packed_parts(size_t floats) {
    return (floats * sizeof(float) + PART - 1) / PART;
}

/* Bytes before the floats. */
static size_t begin_of(size_t floats) {
    return (HEAD + 8 * ser_packed_parts(floats) + PAGE - 1) / PAGE * PAGE;
}

static uint64_t sum_of_part(const float *at, size_t floats, size_t part) {
    size_t first = part * PART, size = floats * sizeof *at;
    return XXH3_64bits((const char *)at + first, size - first < PART ? size - first : PART);
}

/* Of the head but for the sum itself, and of the checksums behind it. */
static uint64_t sum_of_head(const unsigned char *head, size_t parts) {
    return XXH3_64bits_withSeed(head + HEAD, 8 * parts, XXH3_64bits(head, SUM_AT));
}

/* ---- the folder ---- */

/* FOLDER or FOLDER/ser, NULL where files are not kept, or without memory. The caller frees. */
static char *folder_name(void) {
    const char *own = getenv("SER_CACHE"), *cache = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    struct ser_text t = {0};
    if (own)
        ser_text_printf(&t, "%s", own);
    else if (cache && *cache == '/')
        ser_text_printf(&t, "%s/ser", cache);
    else if (home && *home == '/')
        ser_text_printf(&t, "%s/.cache/ser", home);
    if (!t.failed && t.at && *t.at)
        return t.at;
    ser_text_free(&t);
    return NULL;
}

/* A folder in which nobody else can put a file. */
static int is_own(const char *folder) {
    struct stat s;
    return stat(folder, &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid() &&
           !(s.st_mode & (S_IWGRP | S_IWOTH)) && access(folder, W_OK) == 0;
}

/* Makes it, and the folder it is in, if that is not there. */
static void make_folder(char *folder) {
    char *slash = strrchr(folder, '/');
    if (slash && slash > folder) {
        *slash = '\0';
        (void)mkdir(folder, 0700);
        *slash = '/';
    }
    (void)mkdir(folder, 0700);
}

int ser_packed_wanted(void) {
    char *folder = folder_name();
    if (folder)
        make_folder(folder);
    int wanted = folder && is_own(folder);
    free(folder);
    return wanted;
}

/* The path of a key's file; NULL without memory. The caller frees. */
static char *path_of(const uint64_t key[2]) {
    char *folder = folder_name();
    struct ser_text t = {0};
    if (folder)
        ser_text_printf(&t, "%s/%016llx%016llx.packed", folder, (unsigned long long)key[0],
                        (unsigned long long)key[1]);
    free(folder);
    if (!t.failed)
        return t.at;
    ser_text_free(&t);
    return NULL;
}

/* ---- reading ---- */

/* How many floats a file of so many bytes claims to have; 0 if that cannot be. */
static size_t claimed(const unsigned char *head, size_t len) {
    uint64_t floats = len < HEAD ? 0 : ser_get64(head + 32);
    return floats <= SER_PACKED_MOST && len == begin_of(floats) + floats * sizeof(float) ? floats
                                                                                         : 0;
}

int ser_packed_parse(struct ser_packed *p, const struct ser_map *m, const uint64_t key[2]) {
    const unsigned char *head = m->at;
    size_t floats = claimed(head, m->len);
    *p = (struct ser_packed){.map = *m};
    if (!floats || memcmp(head, magic, 8) != 0 || ser_get64(head + 8) != key[0] ||
        ser_get64(head + 16) != key[1] ||
        ser_get64(head + SUM_AT) != sum_of_head(head, ser_packed_parts(floats)))
        return -1;
    p->identity = ser_get64(head + 24);
    p->floats = floats;
    p->at = (const float *)(const void *)(head + begin_of(floats));
    return 0;
}

void ser_packed_seal(unsigned char *head, size_t len) {
    size_t floats = claimed(head, len);
    if (floats)
        ser_put(head + SUM_AT, 8, sum_of_head(head, ser_packed_parts(floats)));
}

int ser_packed_open(struct ser_packed *p, const uint64_t key[2]) {
    struct ser_error e;
    struct ser_map m;
    char *path = path_of(key);
    *p = (struct ser_packed){.at = NULL};
    int bad = !path || ser_map_open(&m, path, &e);
    free(path);
    if (bad)
        return -1;
    bad = ser_packed_parse(p, &m, key);
    if (bad)
        ser_packed_close(p);
    return bad;
}

void ser_packed_close(struct ser_packed *p) {
    ser_map_close(&p->map);
    *p = (struct ser_packed){.at = NULL};
}

int ser_packed_part(const struct ser_packed *p, size_t i) {
    return ser_get64(p->map.at + HEAD + 8 * i) == sum_of_part(p->at, p->floats, i);
}

/* ---- writing ---- */

static void put_all(struct ser_out *o, unsigned char *head, size_t begin, const uint64_t key[2],
                    uint64_t identity, const float *at, size_t n) {
    memcpy(head, magic, 8);
    unsigned char *end = ser_put(head + 8, 8, key[0]);
    end = ser_put(end, 8, key[1]);
    end = ser_put(end, 8, identity);
    ser_put(end, 8, n);
    for (size_t i = 0; i < ser_packed_parts(n); i++)
        ser_put(head + HEAD + 8 * i, 8, sum_of_part(at, n, i));
    ser_packed_seal(head, begin + n * sizeof *at);
    ser_out_write(o, head, begin);
    ser_out_write(o, at, n * sizeof *at);
}

int ser_packed_write(const uint64_t key[2], uint64_t identity, const float *at, size_t n) {
    struct ser_error e;
    struct ser_out o;
    char *path = path_of(key);
    size_t begin = begin_of(n);
    unsigned char *head = path ? calloc(begin, 1) : NULL;
    if (head)
        (void)unlink(path); /* a link or a FIFO would be written into */
    int bad = !head || ser_out_open(&o, path, 0, &e);
    if (!bad) {
        put_all(&o, head, begin, key, identity, at, n);
        bad = ser_out_close(&o, &e);
    }
    free(head);
    free(path);
    return bad ? -1 : 0;
}
