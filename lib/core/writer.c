#include "core/writer.h"

#include "core/stream.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const unsigned char zeros[SER_STREAM_BLOCK];

static void put(struct ser_writer *w, const void *data, size_t n) {
    XXH3_64bits_update(w->hash, data, n);
    ser_out_write(&w->out, data, n);
}

/* Ends a block of n bytes so far and begins the next one's hash. */
static void put_closing(struct ser_writer *w, uint64_t n) {
    unsigned char hash[SER_STREAM_HASH];
    put(w, zeros, ser_stream_closing(n));
    ser_put(hash, sizeof hash, XXH3_64bits_digest(w->hash));
    ser_out_write(&w->out, hash, sizeof hash);
    XXH3_64bits_reset(w->hash);
}

int ser_writer_open(struct ser_writer *w, const char *path, const struct ser_attrs *attrs,
                    struct ser_error *e) {
    size_t len = ser_attrs_length(attrs);
    if (ser_attrs_check(attrs, path ? path : "<stdout>", e))
        return -1;
    if (!ser_attr(attrs, "kind"))
        return ser_fail(e, SER_BAD, "%s: a stream's header must name its kind",
                        path ? path : "<stdout>");
    if (ser_out_open(&w->out, path, 1, e))
        return -1;
    w->records = 0;
    w->hash = XXH3_createState();
    char *text = malloc(len + 1);
    if (!w->hash || !text) {
        free(text);
        ser_writer_abandon(w);
        return ser_no_memory(e);
    }
    XXH3_64bits_reset(w->hash);
    unsigned char fixed[SER_STREAM_FIXED] = {0};
    memcpy(fixed, ser_stream_magic, sizeof ser_stream_magic);
    ser_put(fixed + 8, 4, SER_STREAM_VERSION);
    ser_put(fixed + 16, 4, len);
    put(w, fixed, sizeof fixed);
    ser_attrs_put(text, attrs);
    put(w, text, len);
    free(text);
    put_closing(w, SER_STREAM_FIXED + len);
    return 0;
}

/* The record's block up to its payload; NULL without memory. The caller frees. */
static unsigned char *make_head(const struct ser_record *rec, size_t *len) {
    size_t key_len = strlen(rec->key), attrs_len = ser_attrs_length(&rec->attrs);
    size_t dims = 8 * (size_t)rec->rank;
    *len = SER_STREAM_FIXED + dims + key_len + attrs_len;
    *len += ser_stream_padding(*len);
    unsigned char *head = calloc(*len + 1, 1), *p = head;
    if (!head)
        return NULL;
    memcpy(p, "REC\n", 4);
    p[4] = (unsigned char)rec->type;
    p[5] = (unsigned char)rec->rank;
    p = ser_put(p + 8, 4, key_len);
    p = ser_put(p, 4, attrs_len);
    p = ser_put(p, 8, rec->bytes);
    for (int i = 0; i < rec->rank; i++)
        p = ser_put(p, 8, rec->dim[i]);
    memcpy(p, rec->key, key_len);
    ser_attrs_put((char *)p + key_len, &rec->attrs);
    return head;
}

int ser_writer_put(struct ser_writer *w, const struct ser_record *rec, struct ser_error *e) {
    size_t len, size = ser_type_size(rec->type), bad = ser_not_finite(rec);
    if (bad < rec->count)
        return ser_fail(e, SER_BAD, "%s: record (%s): element %zu is infinite or not a number",
                        w->out.name, rec->key, bad);
    if (ser_attrs_check(&rec->attrs, rec->key, e))
        return -1;
    unsigned char *head = make_head(rec, &len);
    if (!head)
        return ser_no_memory(e);
    put(w, head, len);
    free(head);
    ser_swap_elements(rec->data, rec->count, size);
    put(w, rec->data, rec->bytes);
    ser_swap_elements(rec->data, rec->count, size);
    put_closing(w, rec->bytes);
    w->records++;
    if (!w->out.e.status)
        return 0;
    *e = w->out.e;
    return -1;
}

int ser_writer_close(struct ser_writer *w, struct ser_error *e) {
    unsigned char fixed[SER_STREAM_FIXED] = "END\n";
    ser_put(fixed + 8, 8, w->records);
    put(w, fixed, sizeof fixed);
    put_closing(w, SER_STREAM_FIXED);
    XXH3_freeState(w->hash);
    w->hash = NULL;
    return ser_out_close(&w->out, e);
}

void ser_writer_abandon(struct ser_writer *w) {
    ser_out_abandon(&w->out);
    XXH3_freeState(w->hash);
    w->hash = NULL;
}
