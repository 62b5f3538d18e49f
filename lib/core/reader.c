#include "core/reader.h"

#include "core/out.h"
#include "core/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { FIRST_ROOM = 1 << 20 }; /* memory taken on the word of a header alone */

static const unsigned char zeros[SER_STREAM_BLOCK];

int ser_is_stream(const unsigned char *at, size_t n) {
    return n >= 4 && memcmp(at, ser_stream_magic, 4) == 0;
}

int ser_reader_fail(const struct ser_reader *r, const struct ser_record *rec, struct ser_error *e,
                    const char *fmt, ...) {
    char what[1024];
    va_list args;
    va_start(args, fmt);
    ser_format(what, sizeof what, fmt, args);
    va_end(args);
    return ser_fail(e, SER_BAD, "%s: record %llu (%.200s): %s", r->in.name,
                    (unsigned long long)r->record, rec && rec->key ? rec->key : "?", what);
}

static int damaged(const struct ser_reader *r, struct ser_error *e, const char *what) {
    if (r->inside)
        return ser_reader_fail(r, r->inside, e, "%s", what);
    return ser_fail(e, SER_BAD, "%s: after record %llu: %s", r->in.name,
                    (unsigned long long)r->record, what);
}

static int cut_short(const struct ser_reader *r, struct ser_error *e) {
    return damaged(r, e, "the stream ends early: it was cut short, or its writer failed");
}

static int junk(const struct ser_reader *r, struct ser_error *e) {
    return damaged(r, e, "bytes follow the end of the stream that are no stream");
}

static int no_stream(const struct ser_reader *r, struct ser_error *e) {
    int features = r->kind && strcmp(r->kind, "features") == 0;
    return ser_fail(e, SER_BAD, "%s: not a tensor stream%s", r->in.name,
                    features ? ": ser-mfcc makes features of audio" : "");
}

/* Reads exactly n bytes and adds them to the block's hash. */
static int take(struct ser_reader *r, void *to, size_t n, struct ser_error *e) {
    size_t got;
    if (ser_in_read(&r->in, to, n, &got, e))
        return -1;
    if (got != n)
        return cut_short(r, e);
    XXH3_64bits_update(r->hash, to, n);
    return 0;
}

/* Reads the zeros before the hash, and the hash, of a block that is n bytes long so far. */
static int take_closing(struct ser_reader *r, uint64_t n, struct ser_error *e) {
    unsigned char tail[SER_STREAM_BLOCK + SER_STREAM_HASH];
    size_t pad = ser_stream_closing(n), got;
    if (take(r, tail, pad, e))
        return -1;
    uint64_t want = XXH3_64bits_digest(r->hash);
    if (ser_in_read(&r->in, tail + pad, SER_STREAM_HASH, &got, e))
        return -1;
    if (got != SER_STREAM_HASH)
        return cut_short(r, e);
    if (ser_get64(tail + pad) != want)
        return damaged(r, e, "the checksum does not match: the stream is damaged");
    if (memcmp(tail, zeros, pad) != 0)
        return damaged(r, e, "the padding is not zero");
    return 0;
}

/* Reads the n bytes of a block's texts, behind its fixed part, into r->head. */
static int take_head(struct ser_reader *r, size_t n, struct ser_error *e) {
    if (ser_grow(&r->head, &r->head_cap, n ? n : 1, 1))
        return ser_no_memory(e);
    return take(r, r->head, n, e);
}

/* Reads the rest of a header whose first SER_STREAM_FIXED bytes are in fixed. */
static int read_header(struct ser_reader *r, const unsigned char *fixed, struct ser_error *e) {
    if (memcmp(fixed, ser_stream_magic, 4) != 0 && memcmp(fixed + 1, ser_stream_magic + 1, 3) != 0)
        return no_stream(r, e);
    if (memcmp(fixed, ser_stream_magic, sizeof ser_stream_magic) != 0)
        return ser_fail(
            e, SER_BAD,
            "%s: a tensor stream that was changed on its way, as text-mode copying does",
            r->in.name);
    if (ser_get32(fixed + 8) != SER_STREAM_VERSION)
        return ser_fail(e, SER_BAD, "%s: stream version %u: this program reads version %d",
                        r->in.name, ser_get32(fixed + 8), SER_STREAM_VERSION);
    if (ser_get32(fixed + 12) || ser_get32(fixed + 20))
        return ser_fail(e, SER_BAD, "%s: reserved bits of the header are set", r->in.name);
    size_t len = ser_get32(fixed + 16);
    if (len > SER_MAX_ATTRS_BYTES)
        return ser_fail(e, SER_BAD, "%s: %zu bytes of attributes: the limit is %d", r->in.name, len,
                        SER_MAX_ATTRS_BYTES);
    if (take_head(r, len, e) || take_closing(r, SER_STREAM_FIXED + len, e))
        return -1;

    struct ser_attrs attrs = {0};
    const char *wrong = ser_attrs_parse(&attrs, (char *)r->head, len);
    const char *kind = wrong ? NULL : ser_attr(&attrs, "kind");
    if (!wrong && !kind)
        wrong = "the header names no kind";
    if (wrong) {
        int status = attrs.failed ? attrs.failed : SER_BAD;
        ser_attrs_clear(&attrs);
        return ser_fail(e, status, "%s: %s", r->in.name, wrong);
    }
    if (r->kind && strcmp(kind, r->kind) != 0) {
        ser_fail(e, SER_BAD, "%s: a stream of kind %s, but %s is needed", r->in.name, kind,
                 r->kind);
        ser_attrs_clear(&attrs);
        return -1;
    }
    const char *differ = ser_attrs_differ(&r->header, &attrs, "feat.");
    if (r->kind && r->streams && differ) {
        const char *a = ser_attr(&r->header, differ), *b = ser_attr(&attrs, differ);
        ser_fail(
            e, SER_BAD,
            "%s: concatenated streams disagree: %s is %s, then %s: make one of them again with "
            "'ser-mfcc --like' the other",
            r->in.name, differ, a ? a : "unset", b ? b : "unset");
        ser_attrs_clear(&attrs);
        return -1;
    }
    ser_attrs_clear(&r->header);
    r->header = attrs;
    r->streams++;
    r->in_stream = 0;
    return 0;
}

/* Begins a block: its first SER_STREAM_FIXED bytes. 1, or 0 at the end of input when that is allowed, or -1.
 */
static int take_fixed(struct ser_reader *r, unsigned char fixed[SER_STREAM_FIXED], int may_end,
                      struct ser_error *e) {
    size_t got;
    XXH3_64bits_reset(r->hash);
    if (ser_in_read(&r->in, fixed, SER_STREAM_FIXED, &got, e))
        return -1;
    if (got == 0 && may_end)
        return 0;
    XXH3_64bits_update(r->hash, fixed, got);
    if (got == SER_STREAM_FIXED)
        return 1;
    if (may_end && memcmp(fixed, ser_stream_magic, got < 8 ? got : 8) != 0)
        return r->streams ? junk(r, e) : no_stream(r, e);
    return cut_short(r, e);
}

int ser_reader_begin(struct ser_reader *r, const struct ser_in *in, const char *kind,
                     struct ser_error *e) {
    unsigned char fixed[SER_STREAM_FIXED];
    *r = (struct ser_reader){.in = *in, .kind = kind, .hash = XXH3_createState()};
    int got = r->hash ? take_fixed(r, fixed, 1, e) : ser_no_memory(e);
    if (got == 0)
        ser_fail(e, SER_BAD, "%s: empty input: a tensor stream is needed%s", r->in.name,
                 ser_in_before(&r->in));
    if (got <= 0 || read_header(r, fixed, e)) {
        ser_reader_close(r);
        return -1;
    }
    return 0;
}

int ser_reader_open(struct ser_reader *r, const char *path, const char *kind, struct ser_error *e) {
    struct ser_in in;
    if (ser_in_open(&in, path, e))
        return -1;
    return ser_reader_begin(r, &in, kind, e);
}

static int read_end(struct ser_reader *r, const unsigned char *fixed, struct ser_error *e) {
    if (take_closing(r, SER_STREAM_FIXED, e))
        return -1;
    if (ser_get32(fixed + 4) || ser_get64(fixed + 16))
        return damaged(r, e, "reserved bits of the end record are set");
    if (ser_get64(fixed + 8) != r->in_stream)
        return damaged(r, e, "the end record counts another number of records: some are missing");
    return 0;
}

/* The parts of a record before its payload. */
static int read_record_head(struct ser_reader *r, const unsigned char *fixed,
                            struct ser_record *rec, struct ser_error *e) {
    size_t key_len = ser_get32(fixed + 8), attrs_len = ser_get32(fixed + 12);
    rec->type = fixed[4];
    rec->rank = fixed[5];
    if (!ser_type_size(rec->type) || rec->rank > SER_MAX_RANK || fixed[6] || fixed[7])
        return damaged(r, e, "a record of unknown type, rank or with reserved bits set");
    if (key_len < 1 || key_len > SER_MAX_KEY || attrs_len > SER_MAX_ATTRS_BYTES)
        return damaged(r, e, "a record's key or attributes are longer than the format allows");
    size_t dims = 8 * (size_t)rec->rank, len = dims + key_len + attrs_len;
    len += ser_stream_padding(SER_STREAM_FIXED + len);
    if (take_head(r, len, e))
        return -1;
    const unsigned char *p = r->head;
    for (int i = 0; i < rec->rank; i++)
        rec->dim[i] = ser_get64(p + 8 * i);
    if (ser_record_measure(rec) || rec->bytes != ser_get64(fixed + 16))
        return damaged(r, e, "a record's size is over the limit or does not fit its shape");
    if (!ser_is_text((const char *)p + dims, key_len))
        return damaged(r, e, "a record's key holds control characters or bad UTF-8");
    char *key = strndup((const char *)p + dims, key_len);
    if (!key)
        return ser_no_memory(e);
    free(rec->key);
    rec->key = key;
    r->inside = rec;
    r->record++;
    r->in_stream++;
    size_t used = dims + key_len + attrs_len;
    if (memcmp(p + used, zeros, len - used) != 0)
        return damaged(r, e, "the padding is not zero");
    const char *wrong = ser_attrs_parse(&rec->attrs, (char *)r->head + dims + key_len, attrs_len);
    if (rec->attrs.failed)
        return ser_no_memory(e);
    return wrong ? damaged(r, e, wrong) : 0;
}

/* Memory follows the bytes that arrive, so that a header's word alone costs little. */
static int read_payload(struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    size_t done = 0, room = rec->data_cap > FIRST_ROOM ? rec->data_cap : FIRST_ROOM;
    rec->offset = r->in.offset;
    do {
        size_t want = rec->bytes < room ? rec->bytes : room;
        if (ser_record_room(rec, want, done))
            return ser_fail(e, SER_SYS, "%s: record %llu (%.200s): out of memory (%zu bytes)",
                            r->in.name, (unsigned long long)r->record, rec->key, want);
        if (take(r, (char *)rec->data + done, want - done, e))
            return -1;
        done = want;
        room *= 2;
    } while (done < rec->bytes);
    return 0;
}

int ser_reader_next(struct ser_reader *r, struct ser_record *rec, struct ser_error *e) {
    unsigned char fixed[SER_STREAM_FIXED];
    for (;;) {
        if (take_fixed(r, fixed, 0, e) < 0)
            return -1;
        if (memcmp(fixed, "REC\n", 4) == 0)
            break;
        if (memcmp(fixed, "END\n", 4) != 0)
            return damaged(r, e, "neither a record nor the end of the stream");
        if (read_end(r, fixed, e))
            return -1;
        int got = take_fixed(r, fixed, 1, e);
        if (got <= 0)
            return got;
        if (memcmp(fixed, ser_stream_magic, sizeof ser_stream_magic) != 0)
            return junk(r, e);
        if (read_header(r, fixed, e))
            return -1;
    }
    /* The head's length is a multiple of SER_STREAM_BLOCK, so the payload's alone decides the padding. */
    if (read_record_head(r, fixed, rec, e) || read_payload(r, rec, e) ||
        take_closing(r, rec->bytes, e))
        return -1;
    r->inside = NULL;
    ser_swap_elements(rec->data, rec->count, ser_type_size(rec->type));
    size_t bad = ser_not_finite(rec);
    if (bad < rec->count)
        return ser_reader_fail(r, rec, e, "element %zu is infinite or not a number", bad);
    return 1;
}

void ser_reader_close(struct ser_reader *r) {
    ser_in_close(&r->in);
    ser_attrs_clear(&r->header);
    XXH3_freeState(r->hash);
    free(r->head);
    *r = (struct ser_reader){.in = {.fd = -1}};
}

/* ---- what is read more than once ---- */

static int copy_all(struct ser_in *in, struct ser_out *to, struct ser_error *e) {
    unsigned char buf[1 << 16];
    size_t got;
    do {
        if (ser_in_read(in, buf, sizeof buf, &got, e))
            return -1;
        ser_out_write(to, buf, got);
    } while (got == sizeof buf && !to->e.status);
    return 0;
}

/* Copies all of in to an unlinked file, and lets in read that from its beginning. On failure in is
 * closed. */
static int spool(struct ser_in *in, struct ser_error *e) {
    struct ser_out copy;
    int opened = ser_out_spool(&copy, e) == 0;
    int failed = !opened || copy_all(in, &copy, e);
    ser_in_close(in);
    if (!failed)
        return ser_out_reread(&copy, in, e);
    if (opened)
        ser_out_abandon(&copy);
    return -1;
}

int ser_open_again(struct ser_in *in, const char *path, int *fd, struct ser_error *e) {
    struct stat st;
    if (ser_in_open(in, path, e))
        return -1;
    const char *name = in->name;
    const unsigned char *at;
    size_t got;
    int again = !fstat(in->fd, &st) && S_ISREG(st.st_mode) && lseek(in->fd, 0, SEEK_CUR) == 0;
    if (!again && ser_in_peek(in, 4, &at, &got, e)) {
        ser_in_close(in);
        return -1;
    }
    /* Input that is not a stream is not copied, since it may be endless: the reader refuses it. */
    if (!again && ser_is_stream(at, got)) {
        if (spool(in, e))
            return -1;
        in->name = name;
    }
    *fd = fcntl(in->fd, F_DUPFD_CLOEXEC, 3);
    if (*fd >= 0)
        return 0;
    ser_in_close(in);
    return ser_fail(e, SER_SYS, "%s: cannot keep it open: %s", name, strerror(errno));
}
