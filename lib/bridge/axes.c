#include "bridge/axes.h"

#include <string.h>

static const char *const words[] = {"bands", "layers", "time", "channels"};
enum { TIME = 2, CHANNELS = 3, WORDS = 4 };

int ser_axes_parse(const char *text, struct ser_axes *a) {
    int seen = 0;
    *a = (struct ser_axes){.time = -1};
    for (;; text++) {
        size_t n = strcspn(text, ",");
        int w = 0;
        while (w < WORDS && (strlen(words[w]) != n || strncmp(words[w], text, n) != 0))
            w++;
        if (w == WORDS || seen & 1 << w || a->channels || a->rank == 3)
            return -1;
        seen |= 1 << w;
        a->channels = w == CHANNELS;
        if (w == TIME)
            a->time = a->rank;
        a->rank++;
        text += n;
        if (!*text)
            return a->rank + !a->channels > 3 ? -1 : 0;
    }
}

int ser_axes_get(const struct ser_attrs *header, const char *where, struct ser_axes *a,
                 struct ser_error *e) {
    const char *value = ser_attr(header, SER_AXES);
    if (ser_axes_parse(value ? value : SER_AXES_DEFAULT, a) == 0)
        return 0;
    return ser_fail(e, SER_BAD,
                    "%s: " SER_AXES " is '%.100s': not one to three of bands, layers, time and, at "
                    "the end, channels",
                    where, value);
}

int ser_axes_input(const struct ser_axes *a, int rank, const uint64_t *dim, struct ser_input *in) {
    if (rank != a->rank)
        return -1;
    *in = (struct ser_input){{rank, {0}}, a->time, rank};
    for (int i = 0; i < rank; i++) {
        if (!dim[i] || dim[i] > SER_MAX_DIM)
            return -1;
        in->shape.dim[i] = (int)dim[i];
    }
    if (!a->channels)
        in->shape.dim[in->shape.rank++] = 1;
    return 0;
}

int64_t ser_axes_frames(const struct ser_reader *r, const struct ser_record *rec, int64_t all,
                        struct ser_error *e) {
    const char *told = ser_attr(&rec->attrs, "frames");
    int64_t n;
    if (!told)
        return all;
    if (ser_parse_int(told, 1, INT64_MAX, &n))
        return ser_reader_fail(r, rec, e, "its attribute frames is '%.60s', not a number from 1",
                               told);
    return n < all ? n : all;
}
