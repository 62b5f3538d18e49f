#include "bridge/torchfile.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"

enum {
    END = 22,      /* bytes of the end record */
    LOCATOR = 20,  /* of that which tells where the long end record is */
    LONG_END = 56, /* of which */
    CENTRAL = 46,  /* of an entry in the directory, without its name */
    LOCAL = 30,    /* of an entry in front of its data, without its name */
    COMMENT = 65535,
    MAX_ENTRIES = 100000,
};

static unsigned get16(const unsigned char *p) {
    return p[0] | (unsigned)p[1] << 8;
}

/* Where the directory is. */
struct directory {
    uint64_t entries, at, size;
};

/* The last place where an end record ends with the file; NULL if there is none. */
static const unsigned char *find_end(const unsigned char *data, size_t len) {
    size_t most = len < END + COMMENT ? len : END + COMMENT;
    for (size_t back = END; back <= most; back++) {
        const unsigned char *p = data + len - back;
        if (!memcmp(p, "PK\5\6", 4) && get16(p + 20) == back - END)
            return p;
    }
    return NULL;
}

/* 0, or -1: there is no directory inside the file. */
static int find_directory(const unsigned char *data, size_t len, struct directory *d) {
    const unsigned char *end = find_end(data, len);
    if (!end)
        return -1;
    size_t before = (size_t)(end - data);
    *d = (struct directory){get16(end + 10), ser_get32(end + 16), ser_get32(end + 12)};
    if (before >= LOCATOR && !memcmp(end - LOCATOR, "PK\6\7", 4)) {
        uint64_t at = ser_get64(end - LOCATOR + 8);
        if (at > before || before - at < LONG_END || memcmp(data + at, "PK\6\6", 4) != 0)
            return -1;
        const unsigned char *p = data + at;
        *d = (struct directory){ser_get64(p + 32), ser_get64(p + 48), ser_get64(p + 40)};
    }
    return d->at > before || d->size > before - d->at ? -1 : 0;
}

/* Sizes and places above 32 bits stand in a field behind the name, in this order. 0, or -1. */
static int read_long(const unsigned char *extra, size_t n, uint64_t *value[3]) {
    for (size_t size; n >= 4; extra += 4 + size, n -= 4 + size) {
        size = get16(extra + 2);
        if (size > n - 4)
            return -1;
        if (get16(extra) != 1)
            continue;
        for (size_t i = 0, at = 0; i < 3; i++) {
            if (*value[i] != 0xffffffff)
                continue;
            if (size - at < 8)
                return -1;
            *value[i] = ser_get64(extra + 4 + at);
            at += 8;
        }
        return 0;
    }
    return 0;
}

/* Reads one entry of the directory, which has room bytes left. NULL with *used set, or what is wrong. */
static const char *read_entry(const unsigned char *data, const struct directory *d,
                              const unsigned char *p, uint64_t room, struct ser_zip_entry *z,
                              uint64_t *used) {
    static const char damaged[] = "its directory of entries is damaged";
    if (room < CENTRAL || memcmp(p, "PK\1\2", 4) != 0)
        return damaged;
    size_t name = get16(p + 28), extra = get16(p + 30), comment = get16(p + 32);
    *used = CENTRAL + name + extra + comment;
    if (*used > room)
        return damaged;
    uint64_t size = ser_get32(p + 24), packed = ser_get32(p + 20), at = ser_get32(p + 42);
    if (read_long(p + CENTRAL + name, extra, (uint64_t *[3]){&size, &packed, &at}))
        return damaged;
    if (get16(p + 10) || get16(p + 8) & 1 || size != packed)
        return "an entry is compressed or encrypted: torch.save writes none so";
    if (at > d->at || d->at - at < LOCAL || memcmp(data + at, "PK\3\4", 4) != 0)
        return damaged;
    uint64_t begin = at + LOCAL + get16(data + at + 26) + get16(data + at + 28);
    if (begin > d->at || size > d->at - begin)
        return damaged;
    *z = (struct ser_zip_entry){(const char *)p + CENTRAL, name, data + begin, size};
    return NULL;
}

static int compare(const char *a, size_t n, const char *b, size_t m) {
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int by_name(const void *a, const void *b) {
    const struct ser_zip_entry *x = a, *y = b;
    return compare(x->name, x->length, y->name, y->length);
}

static int read_zip(struct ser_zip *z, const unsigned char *data, size_t len, const char *name,
                    struct ser_error *e) {
    struct directory d;
    if (find_directory(data, len, &d))
        return ser_fail(e, SER_BAD,
                        "%s: is no ZIP archive, as torch.save writes: or it is cut short", name);
    if (d.entries > MAX_ENTRIES || d.entries * CENTRAL > d.size)
        return ser_fail(e, SER_BAD, "%s: its directory of entries is damaged", name);
    z->entry = calloc((size_t)d.entries + 1, sizeof *z->entry);
    if (!z->entry)
        return ser_no_memory(e);
    for (uint64_t at = 0, used; z->n < d.entries; at += used) {
        const char *wrong =
            read_entry(data, &d, data + d.at + at, d.size - at, &z->entry[z->n], &used);
        if (wrong)
            return ser_fail(e, SER_BAD, "%s: %s", name, wrong);
        z->n++;
    }
    qsort(z->entry, z->n, sizeof *z->entry, by_name);
    for (size_t i = 1; i < z->n; i++)
        if (by_name(&z->entry[i - 1], &z->entry[i]) == 0)
            return ser_fail(e, SER_BAD, "%s: the entry '%.*s' comes twice", name,
                            z->entry[i].length < 100 ? (int)z->entry[i].length : 100,
                            z->entry[i].name);
    return 0;
}

const struct ser_zip_entry *ser_zip_find(const struct ser_zip *z, const char *name, size_t length) {
    size_t low = 0, high = z->n, root = z->root_length;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ser_zip_entry *at = &z->entry[middle];
        int order = compare(at->name, at->length < root ? at->length : root, z->root, root);
        if (!order)
            order = compare(at->name + root, at->length - root, name, length);
        if (!order)
            return at;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The pickle lies in the one folder of the archive, which torch names after the file. NULL: there is
 * none, or more than one. */
static const struct ser_zip_entry *find_pickle(struct ser_zip *z) {
    static const char last[] = "/data.pkl";
    const struct ser_zip_entry *found = NULL;
    for (size_t i = 0; i < z->n; i++) {
        const struct ser_zip_entry *at = &z->entry[i];
        const char *slash = memchr(at->name, '/', at->length);
        if (!slash || at->length - (size_t)(slash - at->name) != sizeof last - 1 ||
            memcmp(slash, last, sizeof last - 1) != 0)
            continue;
        if (found)
            return NULL;
        found = at;
        z->root = at->name;
        z->root_length = (size_t)(slash - at->name) + 1;
    }
    return found;
}

static int is_script(const struct ser_zip *z) {
    static const char code[] = "code/";
    for (size_t i = 0; i < z->n; i++) {
        const struct ser_zip_entry *at = &z->entry[i];
        if (at->length >= z->root_length + sizeof code - 1 &&
            !memcmp(at->name + z->root_length, code, sizeof code - 1))
            return 1;
    }
    return ser_zip_find(z, "constants.pkl", 13) != NULL;
}

static int read_archive(struct ser_tensors *t, struct ser_zip *z, const unsigned char *data,
                        size_t len, int file, const char *name, struct ser_error *e) {
    if (read_zip(z, data, len, name, e))
        return -1;
    const struct ser_zip_entry *pickle = find_pickle(z);
    if (!pickle)
        return ser_fail(e, SER_BAD,
                        "%s: has no data.pkl, or several: not an archive that torch.save wrote",
                        name);
    if (is_script(z))
        return ser_fail(e, SER_BAD,
                        "%s: is a TorchScript archive: save the state_dict of the model instead",
                        name);
    const struct ser_zip_entry *order = ser_zip_find(z, "byteorder", 9);
    if (order && (order->size != 6 || memcmp(order->at, "little", 6) != 0))
        return ser_fail(e, SER_BAD, "%s: was written on a big-endian machine", name);
    return ser_unpickle(t, z, pickle->at, (size_t)pickle->size, file, name, e);
}

int ser_torchfile_parse(struct ser_tensors *t, const unsigned char *data, size_t len, int file,
                        const char *name, struct ser_error *e) {
    struct ser_zip z = {0};
    if (len >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5)
        return ser_fail(e, SER_BAD,
                        "%s: was written by PyTorch before 1.6: load it there and save it again",
                        name);
    if (len >= 262 && !memcmp(data + 257, "ustar", 5))
        return ser_fail(e, SER_BAD,
                        "%s: is the tar archive of PyTorch 0.1: load it there and save it again",
                        name);
    int failed = read_archive(t, &z, data, len, file, name, e);
    free(z.entry);
    return failed;
}

int ser_torchfile_add(struct ser_tensors *t, const char *path, struct ser_error *e) {
    if (ser_tensors_map(t, path, e))
        return -1;
    int file = (int)t->files - 1;
    return ser_torchfile_parse(t, t->file[file].map.at, t->file[file].map.len, file, path, e);
}
