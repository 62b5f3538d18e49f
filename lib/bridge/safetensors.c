#include "bridge/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/json.h"
#include "core/bytes.h"
#include "core/set.h"

enum { LENGTH = 8, DEPTH = 3, PIECE = 1 << 14 }; /* PIECE: values written at a time */
#define MAX_DIM (1ULL << 48)                     /* as the format's JSON schema has it */

static const struct dtype {
    const char *name;
    int bits;
    enum ser_element element;
} dtypes[] = {
    {"F32", 32, SER_ELEMENT_F32},          {"F16", 16, SER_ELEMENT_F16},
    {"BF16", 16, SER_ELEMENT_BF16},        {"F64", 64, SER_ELEMENT_F64},
    {"BOOL", 8, SER_ELEMENT_OTHER},        {"U8", 8, SER_ELEMENT_OTHER},
    {"I8", 8, SER_ELEMENT_OTHER},          {"I16", 16, SER_ELEMENT_OTHER},
    {"U16", 16, SER_ELEMENT_OTHER},        {"I32", 32, SER_ELEMENT_OTHER},
    {"U32", 32, SER_ELEMENT_OTHER},        {"I64", 64, SER_ELEMENT_OTHER},
    {"U64", 64, SER_ELEMENT_OTHER},        {"C64", 64, SER_ELEMENT_OTHER},
    {"F4", 4, SER_ELEMENT_OTHER},          {"F6_E2M3", 6, SER_ELEMENT_OTHER},
    {"F6_E3M2", 6, SER_ELEMENT_OTHER},     {"F8_E5M2", 8, SER_ELEMENT_OTHER},
    {"F8_E4M3", 8, SER_ELEMENT_OTHER},     {"F8_E8M0", 8, SER_ELEMENT_OTHER},
    {"F8_E4M3FNUZ", 8, SER_ELEMENT_OTHER}, {"F8_E5M2FNUZ", 8, SER_ELEMENT_OTHER},
};

static const struct dtype *find_dtype(const json_t *name) {
    for (size_t i = 0; json_is_string(name) && i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, json_string_value(name)) == 0)
            return &dtypes[i];
    return NULL;
}

/* A whole number in 0..MAX_DIM: 0, or -1. */
static int whole(const json_t *v, uint64_t *to) {
    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t)json_integer_value(v) > MAX_DIM)
        return -1;
    *to = (uint64_t)json_integer_value(v);
    return 0;
}

/* Dimensions, strides and count: NULL, or what is wrong. */
static const char *read_shape(const json_t *shape, struct ser_tensor *t) {
    if (!json_is_array(shape))
        return "its shape is not a list";
    if (json_array_size(shape) > SER_TENSOR_MAX_RANK)
        return "it has more than 8 dimensions";
    t->rank = (int)json_array_size(shape);
    t->count = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (whole(json_array_get(shape, (size_t)i), &t->dim[i]))
            return "a dimension is not a whole number up to 2^48";
        t->stride[i] = t->count;
        if (__builtin_mul_overflow(t->count, t->dim[i], &t->count) || t->count > MAX_DIM)
            return "it has more than 2^48 elements";
    }
    return NULL;
}

/* One entry of the header. NULL, or what is wrong. */
static const char *read_entry(const json_t *entry, const unsigned char *data, uint64_t len,
                              struct ser_tensor *t, uint64_t range[2]) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const struct dtype *dtype = find_dtype(json_object_get(entry, "dtype"));
    if (!json_is_object(entry) || json_object_size(entry) != 3 || !offsets)
        return "has not just dtype, shape and data_offsets";
    if (!dtype)
        return "its dtype is none that the format has";
    const char *wrong = read_shape(json_object_get(entry, "shape"), t);
    if (wrong)
        return wrong;
    if (json_array_size(offsets) != 2 || whole(json_array_get(offsets, 0), &range[0]) ||
        whole(json_array_get(offsets, 1), &range[1]))
        return "its data_offsets are not two whole numbers";
    if (range[0] > range[1] || range[1] > len)
        return "its data lie outside the file, which may be cut short";
    if (t->count * (uint64_t)dtype->bits % 8 ||
        t->count * (uint64_t)dtype->bits / 8 != range[1] - range[0])
        return "its data are not as many bytes as its shape and dtype take";
    t->element = dtype->element;
    t->at = data + range[0];
    return NULL;
}

struct range {
    uint64_t begin, end;
    const char *name; /* belongs to the JSON */
};

static int by_place(const void *a, const void *b) {
    const struct range *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Every byte of the data belongs to one tensor. */
static int check_cover(struct range *r, size_t n, uint64_t len, const char *name,
                       struct ser_error *e) {
    uint64_t end = 0;
    if (n)
        qsort(r, n, sizeof *r, by_place);
    for (size_t i = 0; i < n; end = r[i].end, i++)
        if (r[i].begin != end)
            return ser_fail(e, SER_BAD, "%s: the data of '%.100s' %s: the file is damaged", name,
                            r[i].name, r[i].begin < end ? "overlap others" : "follow a hole");
    if (end != len)
        return ser_fail(e, SER_BAD, "%s: %llu bytes behind the data belong to no tensor", name,
                        (unsigned long long)(len - end));
    return 0;
}

static int check_metadata(const json_t *m, const char *name, struct ser_error *e) {
    const char *key;
    json_t *value;
    int bad = !json_is_object(m);
    json_object_foreach((json_t *)(uintptr_t)m, key, value) bad |= !json_is_string(value);
    return bad ? ser_fail(e, SER_BAD, "%s: __metadata__ is not texts by name", name) : 0;
}

static int read_entries(struct ser_tensors *t, json_t *header, const unsigned char *data,
                        uint64_t len, int file, struct range *r, const char *name,
                        struct ser_error *e) {
    const char *key, *wrong;
    json_t *entry;
    size_t n = 0;
    json_object_foreach(header, key, entry) {
        struct ser_tensor one = {.file = file};
        uint64_t range[2];
        if (strcmp(key, "__metadata__") == 0) {
            if (check_metadata(entry, name, e))
                return -1;
            continue;
        }
        wrong = read_entry(entry, data, len, &one, range);
        if (wrong)
            return ser_fail(e, SER_BAD, "%s: tensor '%.100s': %s", name, key, wrong);
        r[n++] = (struct range){range[0], range[1], key};
        if (ser_tensors_add(t, &one, key, e))
            return -1;
    }
    return check_cover(r, n, len, name, e);
}

int ser_safetensors_parse(struct ser_tensors *t, const unsigned char *data, size_t len, int file,
                          const char *name, struct ser_error *e) {
    if (len < LENGTH)
        return ser_fail(e, SER_BAD, "%s: %zu bytes: too short for a safetensors file", name, len);
    uint64_t size = ser_get64(data);
    if (size > len - LENGTH)
        return ser_fail(e, SER_BAD,
                        "%s: its header should have %llu bytes, more than there are: not a "
                        "safetensors file, or cut short",
                        name, (unsigned long long)size);
    json_t *header = ser_json_parse((const char *)data + LENGTH, (size_t)size, DEPTH, name, e);
    if (!header)
        return -1;
    struct range *r = calloc(json_object_size(header) + 1, sizeof *r);
    int failed =
        r ? read_entries(t, header, data + LENGTH + size, len - LENGTH - size, file, r, name, e)
          : ser_no_memory(e);
    free(r);
    json_decref(header);
    return failed;
}

int ser_safetensors_add(struct ser_tensors *t, const char *path, struct ser_error *e) {
    if (ser_tensors_map(t, path, e))
        return -1;
    int file = (int)t->files - 1;
    return ser_safetensors_parse(t, t->file[file].map.at, t->file[file].map.len, file, path, e);
}

/* ---- several files ---- */

/* A file's name without any folder. */
static int is_plain_name(const char *s) {
    return *s && *s != '.' && !strchr(s, '/') && ser_is_text(s, strlen(s));
}

/* Adds each file that the map names, once. */
static int add_files(struct ser_tensors *t, json_t *map, const char *path, struct ser_set *seen,
                     struct ser_error *e) {
    const char *key;
    json_t *value;
    int folder = (int)(strrchr(path, '/') ? strrchr(path, '/') + 1 - path : 0);
    json_object_foreach(map, key, value) {
        const char *name = json_string_value(value);
        if (!name || !is_plain_name(name))
            return ser_fail(e, SER_BAD, "%s: the file of '%.100s' is not a name beside it", path,
                            key);
        int fresh = ser_set_add(seen, name);
        if (fresh < 0)
            return ser_no_memory(e);
        if (!fresh)
            continue;
        struct ser_text full = {0};
        ser_text_printf(&full, "%.*s%s", folder, path, name);
        int failed = full.failed ? ser_no_memory(e) : ser_safetensors_add(t, full.at, e);
        ser_text_free(&full);
        if (failed)
            return -1;
    }
    return 0;
}

static const char *base_name(const char *path) {
    return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static int check_places(const struct ser_tensors *t, json_t *map, const char *path,
                        struct ser_error *e) {
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        const struct ser_tensor *found = ser_tensors_find(t, key);
        const char *file = json_string_value(value);
        if (!found || strcmp(base_name(t->file[found->file].path), file) != 0)
            return ser_fail(e, SER_BAD, "%s: '%.100s' is not in %.200s, where it should be", path,
                            key, file);
    }
    return 0;
}

int ser_safetensors_add_index(struct ser_tensors *t, const char *path, struct ser_error *e) {
    struct ser_set seen = {0};
    json_t *index = ser_json_load(path, DEPTH, e);
    if (!index)
        return -1;
    json_t *map = json_object_get(index, "weight_map");
    int failed;
    if (!json_is_object(map))
        failed = ser_fail(e, SER_BAD, "%s: has no weight_map: not an index", path);
    else
        failed = add_files(t, map, path, &seen, e) || ser_tensors_sort(t, path, e) ||
                 check_places(t, map, path, e);
    ser_set_free(&seen);
    json_decref(index);
    return failed ? -1 : 0;
}

/* ---- writing ---- */

static int by_name(const void *a, const void *b) {
    return strcmp((*(const struct ser_tensor *const *)a)->name,
                  (*(const struct ser_tensor *const *)b)->name);
}

/* Sets *half to whether half precision holds all values. 0, or -1: one of them is not finite. */
static int fits_half(const struct ser_tensor *t, float *piece, int *half) {
    uint16_t h[PIECE];
    *half = 1;
    for (uint64_t at = 0, now; at < t->count; at += now) {
        now = t->count - at < PIECE ? t->count - at : PIECE;
        if (ser_tensor_read(t, at, (size_t)now, piece))
            return -1;
        *half = *half && !ser_to_half(piece, (size_t)now, h);
    }
    return 0;
}

static int write_header(const struct ser_tensor *const *t, const int *half, size_t n,
                        struct ser_out *o, struct ser_error *e) {
    struct ser_text h = {0};
    uint64_t end = 0, length;
    ser_text_printf(&h, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < n; i++) {
        ser_text_printf(&h, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", t[i]->name,
                        half[i] ? "F16" : "F32");
        for (int k = 0; k < t[i]->rank; k++)
            ser_text_printf(&h, "%s%llu", k ? "," : "", (unsigned long long)t[i]->dim[k]);
        uint64_t begin = end;
        end += t[i]->count * (half[i] ? 2 : 4);
        ser_text_printf(&h, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)begin,
                        (unsigned long long)end);
    }
    ser_text_printf(&h, "}");
    while (!h.failed && h.n % LENGTH)
        ser_text_add(&h, " ", 1);
    int failed = h.failed ? ser_no_memory(e) : 0;
    length = h.n;
    ser_swap_elements(&length, 1, sizeof length);
    if (!failed) {
        ser_out_write(o, &length, sizeof length);
        ser_out_write(o, h.at, h.n);
    }
    ser_text_free(&h);
    return failed;
}

static int write_values(const struct ser_tensor *t, int half, float *piece, struct ser_out *o) {
    uint16_t h[PIECE];
    for (uint64_t at = 0, now; at < t->count; at += now) {
        now = t->count - at < PIECE ? t->count - at : PIECE;
        if (ser_tensor_read(t, at, (size_t)now, piece))
            return -1;
        void *from = half ? (void *)h : piece;
        size_t size = half ? sizeof *h : sizeof *piece;
        if (half && ser_to_half(piece, (size_t)now, h))
            return -1;
        ser_swap_elements(from, (size_t)now, size);
        ser_out_write(o, from, (size_t)now * size);
    }
    return 0;
}

static int write_all(const struct ser_tensor **t, size_t n, int *half, float *piece,
                     struct ser_out *o, struct ser_error *e) {
    size_t i = 0;
    qsort(t, n, sizeof *t, by_name);
    while (i < n && !fits_half(t[i], piece, &half[i]))
        i++;
    if (i == n) {
        if (write_header(t, half, n, o, e))
            return -1;
        for (i = 0; i < n && !write_values(t[i], half[i], piece, o); i++)
            ;
    }
    return i == n ? 0 : ser_fail(e, SER_BAD, "'%s' holds a value that is not finite", t[i]->name);
}

int ser_safetensors_write(const struct ser_tensor **t, size_t n, struct ser_out *o,
                          struct ser_error *e) {
    int *half = calloc(n, sizeof *half);
    float *piece = malloc(PIECE * sizeof *piece);
    int failed = half && piece ? write_all(t, n, half, piece, o, e) : ser_no_memory(e);
    free(piece);
    free(half);
    return failed;
}
