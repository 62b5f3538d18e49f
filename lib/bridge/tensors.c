#include "bridge/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "math/simd.h"

int ser_tensors_map(struct ser_tensors *t, const char *path, struct ser_error *e) {
    static const char lfs[] = "version https://git-lfs";
    if (ser_grow(&t->file, &t->file_cap, t->files + 1, sizeof *t->file))
        return ser_no_memory(e);
    struct ser_tensor_file *f = &t->file[t->files];
    f->path = strdup(path);
    if (!f->path)
        return ser_no_memory(e);
    if (ser_map_open(&f->map, path, e)) {
        free(f->path);
        return -1;
    }
    t->files++;
    if (f->map.len >= sizeof lfs - 1 && !memcmp(f->map.at, lfs, sizeof lfs - 1))
        return ser_fail(e, SER_BAD,
                        "%s: is a Git LFS pointer, not the file itself: fetch it with git lfs pull",
                        path);
    return 0;
}

int ser_tensors_add(struct ser_tensors *t, const struct ser_tensor *of, const char *name,
                    struct ser_error *e) {
    if (ser_grow(&t->at, &t->cap, t->n + 1, sizeof *t->at))
        return ser_no_memory(e);
    struct ser_tensor *to = &t->at[t->n];
    *to = *of;
    to->name = strdup(name);
    if (!to->name)
        return ser_no_memory(e);
    t->n++;
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct ser_tensor *)a)->name, ((const struct ser_tensor *)b)->name);
}

int ser_tensors_sort(struct ser_tensors *t, const char *where, struct ser_error *e) {
    if (t->n)
        qsort(t->at, t->n, sizeof *t->at, by_name);
    for (size_t i = 1; i < t->n; i++)
        if (by_name(&t->at[i - 1], &t->at[i]) == 0)
            return ser_fail(e, SER_BAD, "%s: the tensor '%.100s' comes twice", where,
                            t->at[i].name);
    return 0;
}

const struct ser_tensor *ser_tensors_find(const struct ser_tensors *t, const char *name) {
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(t->at[middle].name, name);
        if (!order)
            return &t->at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- elements ---- */

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A number in half precision: its exponent and fraction moved to where single precision has them are
 * 2^112 times too small, also below the normal range; infinities and NaN keep the largest exponent. */
static float from_half(uint32_t h) {
    float x = from_bits((h & 0x7fff) << 13) * 0x1p112f;
    uint32_t bits, special = (h & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    memcpy(&bits, &x, sizeof bits);
    return from_bits(bits | special | (h & 0x8000) << 16);
}

int ser_to_half(const float *x, size_t n, uint16_t *h) {
    for (size_t i = 0; i < n; i++) {
        /* The other way round; what is lost of it is seen on the way back. */
        uint32_t bits, scaled, back;
        float y = fabsf(x[i]) * 0x1p-112f;
        memcpy(&bits, &x[i], sizeof bits);
        memcpy(&scaled, &y, sizeof scaled);
        uint32_t half = scaled >> 13 | (bits >> 16 & 0x8000);
        if (scaled >> 13 >= 0x7c00)
            return -1;
        y = from_half(half);
        memcpy(&back, &y, sizeof back);
        if (back != bits)
            return -1;
        h[i] = (uint16_t)half;
    }
    return 0;
}

static float from_double(const unsigned char *p) {
    uint64_t bits = ser_get64(p);
    double x;
    memcpy(&x, &bits, sizeof x);
    return (float)x;
}

size_t ser_element_size(enum ser_element e) {
    return e == SER_ELEMENT_F64 ? 8 : e == SER_ELEMENT_F32 ? 4 : 2;
}

/* n elements that lie so many bytes apart. */
SER_INLINE void widen(enum ser_element e, const unsigned char *p, size_t apart, size_t n,
                      float *to) {
    for (size_t i = 0; i < n; i++, p += apart)
        switch (e) {
        case SER_ELEMENT_F16:
            to[i] = from_half(p[0] | (uint32_t)p[1] << 8);
            break;
        case SER_ELEMENT_BF16:
            to[i] = from_bits((uint32_t)p[0] << 16 | (uint32_t)p[1] << 24);
            break;
        case SER_ELEMENT_F64:
            to[i] = from_double(p);
            break;
        default:
            to[i] = from_bits(ser_get32(p));
        }
}

/* The usual cases, of which compilers make vectors. */
SER_CLONES static void widen_halves(const unsigned char *p, size_t n, float *to) {
    widen(SER_ELEMENT_F16, p, 2, n, to);
}

SER_CLONES static void widen_floats(const unsigned char *p, size_t n, float *to) {
    widen(SER_ELEMENT_F32, p, 4, n, to);
}

static void widen_row(enum ser_element e, const unsigned char *p, size_t apart, size_t n,
                      float *to) {
    if (e == SER_ELEMENT_F16 && apart == 2)
        widen_halves(p, n, to);
    else if (e == SER_ELEMENT_F32 && apart == 4)
        widen_floats(p, n, to);
    else
        widen(e, p, apart, n, to);
}

SER_CLONES static int all_finite(const float *x, size_t n) {
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bad |= (bits & 0x7f800000) == 0x7f800000;
    }
    return !bad;
}

int ser_tensor_read(const struct ser_tensor *t, uint64_t first, size_t n, float *to) {
    size_t bytes = ser_element_size(t->element);
    uint64_t row = t->rank ? t->dim[t->rank - 1] : 1,
             apart = t->rank ? t->stride[t->rank - 1] * bytes : bytes;
    for (size_t done = 0; done < n;) {
        uint64_t at = first + done, rest = at / row, offset = at % row * apart;
        size_t now = n - done < row - at % row ? n - done : (size_t)(row - at % row);
        for (int i = t->rank - 2; i >= 0; rest /= t->dim[i], i--)
            offset += rest % t->dim[i] * t->stride[i] * bytes;
        widen_row(t->element, t->at + offset, (size_t)apart, now, to + done);
        done += now;
    }
    return all_finite(to, n) ? 0 : -1;
}

void ser_tensors_forget(const struct ser_tensors *t) {
    for (size_t i = 0; i < t->files; i++)
        ser_map_forget(&t->file[i].map);
}

void ser_tensors_free(struct ser_tensors *t) {
    for (size_t i = 0; i < t->n; i++)
        free(t->at[i].name);
    for (size_t i = 0; i < t->files; i++) {
        ser_map_close(&t->file[i].map);
        free(t->file[i].path);
    }
    free(t->at);
    free(t->file);
    *t = (struct ser_tensors){0};
}
