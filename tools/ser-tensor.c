/* ser-tensor - looks into tensor streams, converts and verifies them. */
#include <errno.h>
#include <float.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>

#include "bridge/adapt.h"
#include "bridge/axes.h"
#include "bridge/names.h"
#include "bridge/recipe.h"
#include "bridge/roster.h"
#include "bridge/voices.h"
#include "core/ark.h"
#include "core/csv.h"
#include "core/npy.h"
#include "core/opt.h"
#include "core/reader.h"
#include "core/set.h"
#include "core/writer.h"

enum { MAX_DRAWN = 10000, NAMES = 10 }; /* so many names are told one by one */

static struct {
    const char *output, *key, *match, *columns, *kind, *like, *set;
    const char *manifest, *part, *axes, *drop, *by, *with, *prior, *used;
    int64_t records, frames, recordings, leave_out, seed;
    double prior_weight;
    int header, transpose, keep_going, one_speaker, adapt;
} opt = {.kind = "features", .records = 10, .prior_weight = 300};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'k', "key", SER_OPT_TEXT, &opt.key, 0, 0, "KEY",
     "only these records; from-npy, -csv: key, column"},
    {'m', "match", SER_OPT_TEXT, &opt.match, 0, 0, "GLOB",
     "only keys that match; from-...: the same as below"},
    {0, "manifest", SER_OPT_TEXT, &opt.manifest, 0, 0, "FILE",
     "cat: only its recordings; from-...: what is known"},
    {'p', "part", SER_OPT_TEXT, &opt.part, 0, 0, "PART", "only records of this part"},
    {0, "keep-going", SER_OPT_FLAG, &opt.keep_going, 0, 0, NULL,
     "--manifest: also if recordings are missing"},
    {0, "axes", SER_OPT_TEXT, &opt.axes, 0, 0, "LIST",
     "from-...: axes of features, as time,channels"},
    {0, "drop", SER_OPT_TEXT, &opt.drop, 0, 0, "LIST", "from-csv: columns that are no features"},
    {0, "frames", SER_OPT_INT, &opt.frames, 1, SER_MAX_DIM, "N", "pad: the length to give"},
    {'n', "records", SER_OPT_INT, &opt.records, 0, 1e15, "N", "head: number of records"},
    {'H', "header", SER_OPT_FLAG, &opt.header, 0, 0, NULL,
     "ls: print the header's attributes instead"},
    {'c', "columns", SER_OPT_TEXT, &opt.columns, 0, 0, "LIST",
     "ls: a column for each of these attributes"},
    {'T', "transpose", SER_OPT_FLAG, &opt.transpose, 0, 0, NULL,
     "ark, text, from-ark: swap rows and columns"},
    {0, "kind", SER_OPT_CHOICE, &opt.kind, 0, 0, "audio|features|model|checkpoint",
     "from-npy: what the stream holds"},
    {0, "like", SER_OPT_TEXT, &opt.like, 0, 0, "STREAM",
     "from-npy: copy the header of this stream"},
    {0, "set", SER_OPT_TEXT, &opt.set, 0, 0, "LIST",
     "from-...: more header attributes, NAME=VALUE,..."},
    {0, "by", SER_OPT_CHOICE, &opt.by, 0, 0, "speaker|corpus|all",
     "stats, normalize: whose mean and deviation"},
    {0, "one-speaker", SER_OPT_FLAG, &opt.one_speaker, 0, 0, NULL,
     "stats, normalize: all is of one speaker"},
    {0, "recordings", SER_OPT_INT, &opt.recordings, 1, MAX_DRAWN, "N",
     "stats, normalize: by N of each"},
    {0, "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "stats, normalize: of that draw"},
    {0, "used", SER_OPT_TEXT, &opt.used, 0, 0, "FILE", "stats, normalize: list drawn ones in FILE"},
    {0, "leave-out", SER_OPT_INT, &opt.leave_out, 1, MAX_DRAWN, "N",
     "normalize: drop the first N drawn"},
    {0, "with", SER_OPT_TEXT, &opt.with, 0, 0, "STREAM", "normalize: by these statistics"},
    {0, "adapt", SER_OPT_FLAG, &opt.adapt, 0, 0, NULL,
     "normalize: by the speech so far; with --prior"},
    {0, "prior", SER_OPT_TEXT, &opt.prior, 0, 0, "STREAM",
     "normalize: shrunk towards these, or a model's"},
    {0, "prior-weight", SER_OPT_REAL, &opt.prior_weight, 1e-3, 1e9, "K", "normalize: as K frames"},
    {0},
};

/* ---- records of all files, one after another ---- */

struct input {
    char **file;
    int files, at, open;
    int *again; /* [files] descriptors to read them more than once; NULL: by their names, once */
    struct ser_reader r;
    struct ser_record rec;
    struct ser_error e;
    int feeds; /* as of struct ser_in */
    uint64_t chosen;
    struct ser_roster roster; /* cat --manifest: these alone */
};

/* Opens a file once more that keep_inputs kept. */
static void open_kept(struct input *in, const char *path, int fd) {
    struct ser_in again;
    int copy = lseek(fd, 0, SEEK_SET) ? -1 : dup(fd);
    if (copy < 0)
        die(SER_SYS, "%s: cannot be read again: %s", path, strerror(errno));
    if (ser_in_fd(&again, copy, strcmp(path, "-") == 0 ? "<stdin>" : path, &in->e) ||
        ser_reader_begin(&in->r, &again, NULL, &in->e))
        die_error(&in->e);
}

static void open_next(struct input *in) {
    if (in->again) {
        open_kept(in, in->file[in->at], in->again[in->at]);
        in->at++;
    } else {
        struct ser_in from;
        must(ser_in_open(&from, in->file[in->at++], &in->e), &in->e);
        from.feeds = in->feeds;
        must(ser_reader_begin(&in->r, &from, NULL, &in->e), &in->e);
    }
    in->open = 1;
}

static int is_of_part(const struct ser_attrs *attrs) {
    const char *part = ser_attr(attrs, "part");
    return !opt.part || (part && strcmp(part, opt.part) == 0);
}

/* Gives rec what the manifest says of its recording; 0 where it does not list that. */
static int is_in_manifest(const struct ser_roster *roster, struct ser_record *rec) {
    char *id = strndup(rec->key, ser_id_length(rec));
    if (!id)
        die(SER_SYS, "out of memory");
    struct ser_roster_row *row = ser_roster_find_id(roster, id);
    free(id);
    if (!row)
        return 0;
    row->taken = 1;
    for (int i = 0; i < row->attrs.n; i++)
        ser_attr_set(&rec->attrs, row->attrs.at[i].key, row->attrs.at[i].value);
    return 1;
}

static int is_wanted(const struct ser_record *rec) {
    return (!opt.key || strcmp(opt.key, rec->key) == 0) &&
           (!opt.match || fnmatch(opt.match, rec->key, 0) == 0) && is_of_part(&rec->attrs);
}

/* The next record that is wanted: 1 with in->rec, or 0 at the end. */
static int next(struct input *in) {
    for (;;) {
        if (!in->open) {
            if (in->at == in->files)
                return 0;
            open_next(in);
        }
        int got = ser_reader_next(&in->r, &in->rec, &in->e);
        if (got < 0)
            die_error(&in->e);
        if (!got) {
            ser_reader_close(&in->r);
            in->open = 0;
        } else if ((!in->roster.row || is_in_manifest(&in->roster, &in->rec)) &&
                   is_wanted(&in->rec)) {
            in->chosen++;
            return 1;
        }
    }
}

static _Noreturn void refuse(struct input *in, const char *what) {
    ser_reader_fail(&in->r, &in->rec, &in->e, "%s", what);
    die_error(&in->e);
}

/* Ends the reading; 1 if records were asked for by key and there are none. */
static int is_missing(struct input *in) {
    if (in->open)
        ser_reader_close(&in->r);
    ser_record_free(&in->rec);
    if (in->chosen || !opt.records || (!opt.key && !opt.match && !opt.part))
        return 0;
    const char *name = strcmp(in->file[0], "-") == 0 ? "<stdin>" : in->file[0];
    warn("%s%s: no record %s '%s'%s", name, in->files > 1 ? " and the other files" : "",
         opt.key     ? "has the key"
         : opt.match ? "has a key that matches"
                     : "is of the part",
         opt.key     ? opt.key
         : opt.match ? opt.match
                     : opt.part,
         opt.part && (opt.key || opt.match) ? " and is of the part asked for" : "");
    return 1;
}

static int finish(struct input *in, struct ser_out *o) {
    struct ser_error e;
    if (is_missing(in)) {
        ser_out_abandon(o);
        return SER_NO;
    }
    must(ser_out_close(o, &e), &e);
    return SER_OK;
}

/* ---- ls ---- */

static void list_columns(struct ser_out *o, const struct ser_attrs *attrs) {
    char *list = estrdup(opt.columns), *save;
    for (char *c = strtok_r(list, ",", &save); c; c = strtok_r(NULL, ",", &save)) {
        const char *value = attrs ? ser_attr(attrs, c) : c;
        ser_out_printf(o, "\t%s", value ? value : "-");
    }
    free(list);
}

static void list_attributes(struct ser_out *o, const struct ser_attrs *attrs, char between) {
    for (int i = 0; i < attrs->n; i++)
        ser_out_printf(o, "%s=%s%c", attrs->at[i].key, attrs->at[i].value,
                       i + 1 < attrs->n ? between : '\n');
}

static void list_record(struct ser_out *o, const struct ser_record *rec) {
    char shape[SER_SHAPE_TEXT];
    ser_out_printf(o, "%s\t%s\t%s", rec->key, ser_type_name(rec->type),
                   ser_shape_text(rec->rank, rec->dim, shape));
    if (opt.columns)
        list_columns(o, &rec->attrs);
    else
        ser_out_write(o, "\t", 1);
    if (opt.columns || !rec->attrs.n)
        ser_out_write(o, "\n", 1);
    else
        list_attributes(o, &rec->attrs, ' ');
}

/* The reader passes over streams without a record: a header is printed when a record of its stream
 * arrives, and the last header of a file at its end. */
static int list_headers(struct ser_out *o, struct input *in) {
    struct ser_error e;
    for (const char *blank = ""; in->at < in->files; ser_reader_close(&in->r)) {
        uint64_t shown = 0;
        open_next(in);
        for (int got = 1; got;) {
            if (in->r.streams != shown) {
                ser_out_printf(o, "%s", blank);
                list_attributes(o, &in->r.header, '\n');
                must(ser_out_flush(o, &e), &e);
                shown = in->r.streams;
                blank = "\n";
            }
            if ((got = ser_reader_next(&in->r, &in->rec, &in->e)) < 0)
                die_error(&in->e);
        }
    }
    ser_record_free(&in->rec);
    must(ser_out_close(o, &e), &e);
    return SER_OK;
}

static int run_ls(struct input *in) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    if (opt.header)
        return list_headers(&o, in);
    ser_out_printf(&o, "key\ttype\tshape");
    if (opt.columns)
        list_columns(&o, NULL);
    ser_out_printf(&o, "%s\n", opt.columns ? "" : "\tattributes");
    while (next(in)) {
        list_record(&o, &in->rec);
        must(ser_out_flush(&o, &e), &e);
    }
    return finish(in, &o);
}

/* ---- cat, head ---- */

/* Refuses records whose kind or recipe is not the one of the first stream. */
static void check_same(struct input *in, const struct ser_attrs *first) {
    static const char *const prefix[] = {"kind", "feat."};
    for (int i = 0; i < 2; i++) {
        const char *differ = ser_attrs_differ(first, &in->r.header, prefix[i]);
        if (!differ)
            continue;
        const char *a = ser_attr(first, differ), *b = ser_attr(&in->r.header, differ);
        die(SER_BAD, "%s: %s is %s, but %s in the first stream: these cannot be joined",
            in->r.in.name, differ, b ? b : "unset", a ? a : "unset");
    }
}

/* Tells which recordings of the manifest have no features; their number. */
static size_t tell_missing(const struct ser_roster *roster, const char *manifest) {
    size_t missing = 0;
    for (size_t i = 0; i < roster->n; i++) {
        const struct ser_roster_row *r = &roster->row[i];
        if (!r->taken && is_of_part(&r->attrs) && missing++ < NAMES)
            warn("%s: (%s): there are no features of %s", manifest, r->id, r->path);
    }
    if (missing && !opt.keep_going)
        die(SER_BAD, "%s: %zu of %zu recordings have no features: --keep-going goes on without",
            manifest, missing, roster->n);
    if (missing)
        warn("%s: %zu recordings have no features", manifest, missing);
    return missing;
}

static int join(struct input *in, int64_t most) {
    struct ser_error e;
    struct ser_attrs first = {0};
    struct ser_writer w;
    open_next(in);
    ser_attrs_copy(&first, &in->r.header);
    must(ser_writer_open(&w, opt.output, &first, &e), &e);
    while (most-- > 0 && next(in)) {
        check_same(in, &first);
        must(ser_writer_put(&w, &in->rec, &e), &e);
    }
    ser_attrs_clear(&first);
    if (is_missing(in)) {
        ser_writer_abandon(&w);
        return SER_NO;
    }
    size_t missing = tell_missing(&in->roster, opt.manifest);
    must(ser_writer_close(&w, &e), &e);
    return missing ? SER_BAD : SER_OK;
}

static int run_cat(struct input *in) {
    struct ser_error e;
    if (opt.keep_going && !opt.manifest)
        ser_usage("--keep-going needs --manifest, which says what there should be");
    if (!opt.manifest)
        return join(in, INT64_MAX);
    must(ser_roster_load(&in->roster, opt.manifest, &e), &e);
    if (!in->roster.n)
        die(SER_BAD, "%s: lists no recording", opt.manifest);
    int status = join(in, INT64_MAX);
    ser_roster_free(&in->roster);
    return status;
}

static int run_head(struct input *in) {
    return join(in, opt.records);
}

/* ---- npy, npz: the number of records is known only at the end, so they go to a temporary file
 * ---- */

enum { KEY, EMOTION, SPEAKER, TEXTS };

struct item {
    char *text[TEXTS];
    enum ser_type type;
    int rank;
    uint64_t dim[SER_MAX_RANK];
    uint64_t bytes;
    uint32_t crc; /* of the payload */
};

struct items {
    size_t n, cap;
    struct item *at;
    uint64_t bytes;
    uint32_t crc; /* of all payloads, one after another */
    char *kind;   /* of all, or NULL */
    struct ser_in data;
};

static int same_shape(const struct item *a, const struct item *b) {
    return a->type == b->type && a->rank == b->rank &&
           memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

static void add_item(struct items *all, const struct ser_record *rec) {
    static const char *const name[TEXTS] = {[EMOTION] = "emotion", [SPEAKER] = "speaker"};
    if (ser_grow(&all->at, &all->cap, all->n + 1, sizeof *all->at))
        die(SER_SYS, "out of memory");
    struct item *it = &all->at[all->n++];
    *it = (struct item){.type = rec->type, .rank = rec->rank, .bytes = rec->bytes};
    memcpy(it->dim, rec->dim, sizeof it->dim);
    for (int i = 0; i < TEXTS; i++) {
        const char *value = name[i] ? ser_attr(&rec->attrs, name[i]) : rec->key;
        it->text[i] = estrdup(value ? value : "-");
    }
}

/* Reads all records. With one_shape another shape than the first one's is refused. */
static void spool(struct input *in, struct items *all, int one_shape) {
    struct ser_error e;
    struct ser_out o;
    *all = (struct items){0};
    must(ser_out_spool(&o, &e), &e);
    while (next(in)) {
        struct ser_record *rec = &in->rec;
        const char *kind = ser_attr(&in->r.header, "kind");
        add_item(all, rec);
        struct item *it = &all->at[all->n - 1];
        if (one_shape && !same_shape(it, all->at)) {
            char text[SER_SHAPE_TEXT], want[SER_SHAPE_TEXT];
            ser_shape_text(it->rank, it->dim, text);
            ser_shape_text(all->at->rank, all->at->dim, want);
            ser_reader_fail(&in->r, rec, &in->e,
                            "is %s %s, but the first record is %s %s: an array has one type and "
                            "shape (npz takes several)",
                            ser_type_name(it->type), text, ser_type_name(all->at->type), want);
            die_error(&in->e);
        }
        ser_swap_elements(rec->data, rec->count, ser_type_size(rec->type));
        ser_out_write(&o, rec->data, rec->bytes);
        must(ser_out_flush(&o, &e), &e); /* stop at once when the disk is full */
        it->crc = (uint32_t)crc32_z(0, rec->data, rec->bytes);
        all->crc = (uint32_t)crc32_combine(all->crc, it->crc, (off_t)rec->bytes);
        all->bytes += rec->bytes;
        if (all->n == 1)
            all->kind = estrdup(kind);
        else if (all->kind && strcmp(all->kind, kind) != 0) {
            free(all->kind);
            all->kind = NULL;
        }
    }
    must(ser_out_reread(&o, &all->data, &e), &e);
}

static void free_items(struct items *all) {
    for (size_t i = 0; i < all->n; i++)
        for (int t = 0; t < TEXTS; t++)
            free(all->at[i].text[t]);
    free(all->at);
    free(all->kind);
    ser_in_close(&all->data);
}

/* Writes the next n bytes of the spooled payloads. */
static void copy_data(struct items *all, struct ser_out *o, uint64_t n) {
    enum { CHUNK = 1 << 20 };
    struct ser_error e;
    unsigned char *buf = emalloc(CHUNK);
    while (n) {
        size_t got, want = n < CHUNK ? (size_t)n : CHUNK;
        if (ser_in_read(&all->data, buf, want, &got, &e))
            die_error(&e);
        if (got != want)
            die(SER_SYS, "%s: shrank while it was in use", all->data.name);
        ser_out_write(o, buf, got);
        n -= got;
    }
    free(buf);
}

/* The head of an array of all items together, or of one alone. */
static size_t stack_head(const struct items *all, char head[SER_NPY_HEAD]) {
    const struct item *it = all->at;
    uint64_t dim[SER_MAX_RANK + 1] = {all->n};
    memcpy(dim + 1, it->dim, (size_t)it->rank * sizeof *dim);
    return ser_npy_head(head, ser_npy_type(it->type), it->rank + 1, dim);
}

static size_t item_head(const struct item *it, char head[SER_NPY_HEAD]) {
    return ser_npy_head(head, ser_npy_type(it->type), it->rank, it->dim);
}

/* 1 if there are records. 0 if none has a wanted key, which was told; *status is the exit code. */
static int have_items(struct input *in, const struct items *all, int *status) {
    *status = is_missing(in) ? SER_NO : SER_OK;
    if (*status == SER_OK && !all->n)
        die(SER_BAD, "%s: holds no record: there is nothing to make an array of", in->file[0]);
    return all->n > 0;
}

static int run_npy(struct input *in) {
    struct ser_error e;
    struct items all;
    struct ser_out o;
    char head[SER_NPY_HEAD];
    int status;
    must(ser_out_open(&o, opt.output, 1, &e), &e);
    spool(in, &all, 1);
    if (have_items(in, &all, &status)) {
        ser_out_write(&o, head, all.n == 1 ? item_head(all.at, head) : stack_head(&all, head));
        copy_data(&all, &o, all.bytes);
        must(ser_out_close(&o, &e), &e);
    } else {
        ser_out_abandon(&o);
    }
    free_items(&all);
    return status;
}

static void put_array(struct ser_npz *z, struct items *all, const char *name, const char *head,
                      size_t len, uint64_t bytes, uint32_t crc) {
    struct ser_error e;
    uint32_t of_head = (uint32_t)crc32_z(0, (const unsigned char *)head, len);
    must(ser_npz_entry(z, name, len + bytes, (uint32_t)crc32_combine(of_head, crc, (off_t)bytes),
                       &e),
         &e);
    ser_out_write(&z->out, head, len);
    copy_data(all, &z->out, bytes);
}

/* Code points of a UTF-8 text as little-endian UTF-32, as NumPy keeps texts; returns their number.
 * The text is known to be well-formed. */
static size_t to_utf32(const char *s, unsigned char *to) {
    size_t n = 0;
    for (const unsigned char *u = (const unsigned char *)s; *u; n++) {
        int more = *u >= 0xf0 ? 3 : *u >= 0xe0 ? 2 : *u >= 0xc0 ? 1 : 0;
        uint32_t c = more ? *u & (0x3fu >> more) : *u;
        for (u++; more; more--)
            c = c << 6 | (*u++ & 0x3fu);
        for (int i = 0; to && i < 4; i++)
            to[4 * n + (size_t)i] = (unsigned char)(c >> 8 * i);
    }
    return n;
}

/* An array of texts, all of the width of the longest. */
static void put_texts(struct ser_npz *z, const struct items *all, const char *name, int which) {
    struct ser_error e;
    char head[SER_NPY_HEAD], type[32];
    size_t width = 1;
    for (size_t i = 0; i < all->n; i++) {
        size_t n = to_utf32(all->at[i].text[which], NULL);
        width = n > width ? n : width;
    }
    snprintf(type, sizeof type, "<U%zu", width);
    size_t len = ser_npy_head(head, type, 1, (const uint64_t[]){all->n}), bytes = 4 * width;
    unsigned char *row = emalloc(bytes);
    unsigned long crc = crc32_z(0, (const unsigned char *)head, len);
    for (int writing = 0; writing < 2; writing++) {
        if (writing) {
            must(ser_npz_entry(z, name, len + all->n * bytes, (uint32_t)crc, &e), &e);
            ser_out_write(&z->out, head, len);
        }
        for (size_t i = 0; i < all->n; i++) {
            memset(row, 0, bytes);
            to_utf32(all->at[i].text[which], row);
            if (writing)
                ser_out_write(&z->out, row, bytes);
            else
                crc = crc32_z(crc, row, bytes);
        }
    }
    free(row);
}

static int by_key(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One array a record: its key is the array's name, so keys must differ. */
static void check_names(const struct items *all, int texts) {
    static const char *const taken[] = {"ids", "labels", "speakers"};
    size_t n = all->n;
    const char **name = ecalloc(n + 3, sizeof *name);
    for (size_t i = 0; i < all->n; i++)
        name[i] = all->at[i].text[KEY];
    for (int i = 0; texts && i < 3; i++)
        name[n++] = taken[i];
    qsort(name, n, sizeof *name, by_key);
    for (size_t i = 1; i < n; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            die(SER_BAD,
                "two arrays of the archive would be named '%s': give the records different keys",
                name[i]);
    free(name);
}

static void write_npz(struct ser_npz *z, struct items *all) {
    char head[SER_NPY_HEAD];
    int samples =
        all->kind && (strcmp(all->kind, "features") == 0 || strcmp(all->kind, "audio") == 0);
    int stacked = samples;
    for (size_t i = 0; i < all->n; i++)
        stacked &= same_shape(&all->at[i], all->at);
    if (stacked) {
        put_array(z, all, all->kind, head, stack_head(all, head), all->bytes, all->crc);
    } else {
        check_names(all, samples);
        for (const struct item *it = all->at; it < all->at + all->n; it++)
            put_array(z, all, it->text[KEY], head, item_head(it, head), it->bytes, it->crc);
    }
    if (samples) {
        put_texts(z, all, "ids", KEY);
        put_texts(z, all, "labels", EMOTION);
        put_texts(z, all, "speakers", SPEAKER);
    }
}

static int run_npz(struct input *in) {
    struct ser_error e;
    struct items all;
    struct ser_npz z;
    int status;
    must(ser_npz_open(&z, opt.output, &e), &e);
    spool(in, &all, 0);
    if (have_items(in, &all, &status)) {
        write_npz(&z, &all);
        must(ser_npz_close(&z, &e), &e);
    } else {
        ser_out_abandon(&z.out);
    }
    free_items(&all);
    return status;
}

/* ---- ark, text: Kaldi's forms ---- */

/* A record as rows and columns, perhaps transposed. */
struct matrix {
    size_t rows, columns, row_step, column_step; /* steps in elements */
};

static struct matrix as_matrix(struct input *in) {
    const struct ser_record *r = &in->rec;
    if (strpbrk(r->key, " "))
        refuse(in, "its key holds a space, which ends a key in a Kaldi archive");
    if (opt.transpose && r->rank != 2)
        refuse(in, "only a record with two dimensions can be transposed");
    size_t columns = r->rank ? (size_t)r->dim[r->rank - 1] : 1;
    struct matrix m = {columns ? r->count / columns : 0, columns, columns, 1};
    if (opt.transpose)
        m = (struct matrix){m.columns, m.rows, 1, columns};
    return m;
}

static void put_size(struct ser_out *o, size_t n) {
    unsigned char b[5] = {4, (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16),
                          (unsigned char)(n >> 24)};
    ser_out_write(o, b, sizeof b);
}

static void put_ark(struct ser_out *o, struct input *in) {
    const struct ser_record *r = &in->rec;
    struct matrix m = as_matrix(in);
    int wide = r->type == SER_F64 || r->type == SER_I32; /* i32 does not fit a float */
    if (r->rank != 1 && r->rank != 2)
        refuse(in, "a Kaldi archive holds only records with one or two dimensions");
    if (m.rows > INT32_MAX || m.columns > INT32_MAX)
        refuse(in, "is too large for a Kaldi archive");
    if (!r->count)
        m.rows = m.columns = 0; /* Kaldi knows no 0 x 5 */
    ser_out_printf(o, "%s ", r->key);
    ser_out_write(o, "\0B", 2);
    ser_out_printf(o, "%c%c ", wide ? 'D' : 'F', r->rank == 1 ? 'V' : 'M');
    if (r->rank == 2)
        put_size(o, m.rows);
    put_size(o, m.columns);
    for (size_t i = 0; i < m.rows; i++)
        for (size_t j = 0; j < m.columns; j++) {
            double d = ser_value(r, i * m.row_step + j * m.column_step);
            float f = (float)d;
            ser_swap_elements(&d, 1, sizeof d);
            ser_swap_elements(&f, 1, sizeof f);
            ser_out_write(o, wide ? (void *)&d : (void *)&f, wide ? sizeof d : sizeof f);
        }
}

static int run_ark(struct input *in) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.output, 1, &e), &e);
    while (next(in))
        put_ark(&o, in);
    return finish(in, &o);
}

static void put_text(struct ser_out *o, struct input *in) {
    const struct ser_record *r = &in->rec;
    struct matrix m = as_matrix(in);
    int digits = r->type == SER_F32 ? 9 : 17; /* enough to tell any two values apart */
    ser_out_printf(o, "%s  [", r->key);
    for (size_t i = 0; i < m.rows; i++) {
        ser_out_printf(o, "%s", r->rank > 1 ? "\n  " : " ");
        for (size_t j = 0; j < m.columns; j++)
            ser_out_printf(o, "%.*g ", digits, ser_value(r, i * m.row_step + j * m.column_step));
    }
    ser_out_printf(o, "%s]\n", m.rows && m.columns ? "" : " ");
}

static int run_text(struct input *in) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    while (next(in))
        put_text(&o, in);
    return finish(in, &o);
}

/* ---- from-npy ---- */

static char *key_of(const char *file) {
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    size_t n = strlen(name);
    if (strcmp(file, "-") == 0)
        return estrdup(opt.key ? opt.key : "stdin");
    if (n > 4 && strcmp(name + n - 4, ".npy") == 0)
        n -= 4;
    char *key = opt.key ? estrdup(opt.key) : eprintf_alloc("%.*s", (int)n, name);
    if (!*key || strlen(key) > SER_MAX_KEY || !ser_is_text(key, strlen(key)))
        die(SER_USAGE, "%s: its name cannot be a key: give one with --key", file);
    return key;
}

static void set_attributes(struct ser_attrs *header) {
    char *list = estrdup(opt.set), *save;
    for (char *name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        char *value = strchr(name, '=');
        if (value)
            *value++ = '\0';
        if (!value || !ser_is_attr(name, value))
            ser_usage("--set: '%s' is not NAME=VALUE with a NAME of [a-z0-9._-]", name);
        ser_attr_set(header, name, value);
    }
    free(list);
}

/* ---- from-npy, from-ark, from-csv: features of other programs ---- */

/* A stream that is made of them. */
struct making {
    struct ser_attrs header;
    struct ser_writer w;
    int open;
    struct ser_axes axes;
    const char *manifest;
    struct ser_roster roster; /* with a manifest: its recordings */
    uint64_t unknown;         /* records that the manifest does not have */
};

static void begin_making(struct making *m, struct input *in, const char *kind) {
    struct ser_error e;
    *m = (struct making){.manifest = opt.manifest ? opt.manifest : opt.match};
    ser_attr_set(&m->header, "kind", kind);
    if (opt.like) {
        if (ser_reader_open(&in->r, opt.like, NULL, &in->e))
            die_error(&in->e);
        ser_attrs_copy(&m->header, &in->r.header);
        ser_reader_close(&in->r);
    }
    if (opt.set)
        set_attributes(&m->header);
    if (opt.axes && ser_axes_parse(opt.axes, &m->axes))
        ser_usage(
            "--axes: '%s' is not one to three of bands, layers, time and, at the end, channels",
            opt.axes);
    if (opt.axes && strcmp(opt.axes, SER_AXES_DEFAULT) != 0)
        ser_attr_set(&m->header, SER_AXES, opt.axes);
    if (m->manifest)
        must(ser_roster_load(&m->roster, m->manifest, &e), &e);
    else if (opt.keep_going || opt.part)
        ser_usage("--%s needs --manifest, which says what there should be",
                  opt.part ? "part" : "keep-going");
}

/* The axes that features of this rank have, where nobody says. */
static void suggest_axes(struct making *m, const char *axes) {
    if (!opt.axes && !opt.like && !ser_attr(&m->header, SER_AXES) &&
        strcmp(axes, SER_AXES_DEFAULT) != 0)
        ser_attr_set(&m->header, SER_AXES, axes);
}

static void open_stream(struct making *m) {
    struct ser_error e;
    if (m->open)
        return;
    must(ser_axes_get(&m->header, "the stream", &m->axes, &e), &e);
    must(ser_writer_open(&m->w, opt.output, &m->header, &e), &e);
    m->open = 1;
}

/* Features that a network is to learn from are f32. */
static void make_f32(struct ser_record *rec, const char *where) {
    struct ser_record to = {0};
    struct ser_error e;
    if (rec->type == SER_F32)
        return;
    must(ser_record_set(&to, rec->key, SER_F32, rec->rank, rec->dim, &e), &e);
    for (size_t i = 0; i < rec->count; i++) {
        double v = ser_value(rec, i);
        if (v > FLT_MAX || v < -FLT_MAX)
            die(SER_BAD, "%s: (%s): element %zu is %g, which single precision does not hold", where,
                rec->key, i, v);
        ((float *)to.data)[i] = (float)v;
    }
    ser_attrs_copy(&to.attrs, &rec->attrs);
    ser_record_free(rec);
    *rec = to;
}

static void write_record(struct making *m, struct ser_record *rec, const char *where) {
    struct ser_error e;
    open_stream(m);
    if (strcmp(ser_attr(&m->header, "kind"), "features") == 0 && (m->manifest || opt.axes) &&
        rec->rank != m->axes.rank)
        die(SER_BAD, "%s: (%s): has %d dimension%s, but its axes are %s: give them with --axes",
            where, rec->key, rec->rank, rec->rank == 1 ? "" : "s",
            ser_attr(&m->header, SER_AXES) ? ser_attr(&m->header, SER_AXES) : SER_AXES_DEFAULT);
    must(ser_writer_put(&m->w, rec, &e), &e);
}

/* Writes rec as this row of the manifest. */
static void write_as(struct making *m, struct ser_record *rec, struct ser_roster_row *row,
                     const char *where) {
    if (row->taken)
        die(SER_BAD, "%s: (%s): is the recording %s, of which there are features already", where,
            rec->key, row->id);
    row->taken = 1;
    if (!is_of_part(&row->attrs))
        return;
    make_f32(rec, where);
    free(rec->key);
    rec->key = estrdup(row->id);
    ser_attrs_copy(&rec->attrs, &row->attrs);
    write_record(m, rec, where);
}

/* Writes rec, whose key is the name that the other program has for it. */
static void write_named(struct making *m, struct ser_record *rec, const char *where) {
    struct ser_roster_row *row;
    if (!m->manifest) {
        write_record(m, rec, where);
        return;
    }
    int found = ser_roster_find(&m->roster, rec->key, &row);
    if (found < 0)
        die(SER_BAD, "%s: (%s): could be several recordings of %s, as %s", where, rec->key,
            m->manifest, row->id);
    if (found) {
        write_as(m, rec, row, where);
        return;
    }
    if (m->unknown++ < NAMES)
        warn("%s: (%s): is not in %s, and left out", where, rec->key, m->manifest);
}

static int end_making(struct making *m, const char *where) {
    struct ser_error e;
    if (m->manifest && m->unknown > NAMES)
        warn("%s: %llu in all are not in %s, and left out", where, (unsigned long long)m->unknown,
             m->manifest);
    size_t missing = tell_missing(&m->roster, m->manifest);
    if (!m->open && m->manifest && !m->roster.n)
        die(SER_BAD, "%s: lists no recording", m->manifest);
    open_stream(m);
    must(ser_writer_close(&m->w, &e), &e);
    ser_attrs_clear(&m->header);
    ser_roster_free(&m->roster);
    return missing ? SER_BAD : SER_OK;
}

static const char *name_of(const char *file) {
    return strcmp(file, "-") == 0 ? "<stdin>" : file;
}

static void read_array(struct input *in, const char *file) {
    struct ser_in from;
    char *key = key_of(file);
    if (ser_in_open(&from, file, &in->e) || ser_npy_read(&from, key, &in->rec, &in->e))
        die_error(&in->e);
    ser_in_close(&from);
    free(key);
}

/* One array of all recordings, in the order of the manifest. */
static void write_stack(struct making *m, const struct ser_record *all, const char *where) {
    struct ser_record rec = {0};
    struct ser_error e;
    if (all->rank < 2 || all->dim[0] != m->roster.n)
        die(SER_BAD,
            "%s: has %llu rows, but %s lists %zu recordings: they must be the same ones, in the "
            "same "
            "order",
            where, (unsigned long long)(all->rank ? all->dim[0] : 0), m->manifest, m->roster.n);
    size_t bytes = m->roster.n ? all->bytes / m->roster.n : 0;
    suggest_axes(m, all->rank == 2 ? "channels" : SER_AXES_DEFAULT);
    for (size_t i = 0; i < m->roster.n; i++) {
        must(ser_record_set(&rec, m->roster.row[i].id, all->type, all->rank - 1, all->dim + 1, &e),
             &e);
        memcpy(rec.data, (const char *)all->data + i * bytes, bytes);
        write_as(m, &rec, &m->roster.row[i], where);
    }
    ser_record_free(&rec);
}

static int run_from_npy(struct input *in) {
    struct making m;
    struct ser_roster_row *row;
    if (opt.key && in->files > 1)
        ser_usage("--key names one array, not %d", in->files);
    begin_making(&m, in, opt.kind);
    if (!m.manifest)
        open_stream(&m);
    for (; in->at < in->files; in->at++) {
        const char *file = in->file[in->at];
        read_array(in, file);
        if (m.manifest && in->files == 1 && !ser_roster_find(&m.roster, in->rec.key, &row)) {
            write_stack(&m, &in->rec, name_of(file));
            continue;
        }
        if (m.manifest)
            suggest_axes(&m, in->rec.rank == 1 ? "channels" : SER_AXES_DEFAULT);
        write_named(&m, &in->rec, name_of(file));
    }
    ser_record_free(&in->rec);
    return end_making(&m, name_of(in->file[in->files - 1]));
}

/* ---- from-ark ---- */

static void transpose(struct ser_record *rec) {
    struct ser_record to = {0};
    struct ser_error e;
    size_t rows = (size_t)rec->dim[0], columns = (size_t)rec->dim[1],
           size = ser_type_size(rec->type);
    const uint64_t dim[2] = {columns, rows};
    must(ser_record_set(&to, rec->key, rec->type, 2, dim, &e), &e);
    for (size_t i = 0; i < rec->count; i++)
        memcpy((char *)to.data + (i % columns * rows + i / columns) * size,
               (const char *)rec->data + i * size, size);
    ser_record_free(rec);
    *rec = to;
}

/* An archive has a frame a row: time, and channels. */
static int run_from_ark(struct input *in) {
    struct making m;
    int got;
    begin_making(&m, in, "features");
    for (; in->at < in->files; in->at++) {
        struct ser_in from;
        if (ser_in_open(&from, in->file[in->at], &in->e))
            die_error(&in->e);
        uint64_t n = 1;
        for (; (got = ser_ark_next(&from, n, &in->rec, &in->e)) > 0; n++) {
            struct ser_record *rec = &in->rec;
            if (opt.transpose && rec->rank == 2)
                transpose(rec);
            suggest_axes(&m, rec->rank == 1  ? "channels"
                             : opt.transpose ? SER_AXES_DEFAULT
                                             : "time,channels");
            if (rec->rank == 2 && !rec->count)
                die(SER_BAD, "%s: record %llu (%s): is empty", from.name, (unsigned long long)n,
                    rec->key);
            write_named(&m, rec, from.name);
        }
        if (got < 0)
            die_error(&in->e);
        if (n == 1)
            die(SER_BAD, "%s: empty: an archive with a record is needed", from.name);
        ser_in_close(&from);
    }
    ser_record_free(&in->rec);
    return end_making(&m, name_of(in->file[in->files - 1]));
}

/* ---- from-csv ---- */

/* Columns that openSMILE, audformat and this project's tables have beside features. */
static const char *const naming[] = {"id", "name", "file", "path", "filename", NULL};
static const char *const placing[] = {"", "start", "end", "frameTime", "frameIndex", NULL};
static const char *const telling[] = {"emotion", "speaker", "corpus", "sex", "part", "split", NULL};

static int is_among(const char *const *list, const char *word) {
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return 1;
    return 0;
}

/* A word of a list that commas separate. */
static int is_listed(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *s = list; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
        if (strncmp(s, word, n) == 0 && (!s[n] || s[n] == ','))
            return 1;
    return 0;
}

struct foreign_row {
    char *name;  /* of its recording */
    char **told; /* [telling], NULL where unknown */
    uint64_t line;
};

/* A table of another program, all of it in memory. */
struct foreign {
    struct ser_csv csv;
    const char *where;
    char **column; /* [columns] names */
    size_t columns, features;
    size_t id;  /* the column that names the recordings */
    size_t *of; /* [features] their columns */
    size_t rows, row_cap, value_cap;
    struct foreign_row *row;
    float *value; /* [rows, features] */
};

SER_PRINTF(3, 4)
static _Noreturn void refuse_row(const struct foreign *t, const struct foreign_row *r,
                                 const char *fmt, ...) {
    char what[600];
    va_list args;
    va_start(args, fmt);
    ser_format(what, sizeof what, fmt, args);
    va_end(args);
    die(SER_BAD, "%s: line %llu (%.200s): %s", t->where, (unsigned long long)r->line, r->name,
        what);
}

/* 1 if the word is new in the set. */
static int is_new(struct ser_set *set, const char *word) {
    int added = ser_set_add(set, word);
    if (added < 0)
        die(SER_SYS, "out of memory");
    return added;
}

/* The column that names the recordings. */
static size_t naming_column(const struct foreign *t) {
    for (const char *const *word = naming; !opt.key && *word; word++)
        for (size_t i = 0; i < t->columns; i++)
            if (strcmp(t->column[i], *word) == 0)
                return i;
    for (size_t i = 0; opt.key && i < t->columns; i++)
        if (strcmp(t->column[i], opt.key) == 0)
            return i;
    if (opt.key)
        die(SER_BAD, "%s: has no column '%s' to name the recordings", t->where, opt.key);
    die(SER_BAD,
        "%s: no column is named id, name, file, path or filename: say with --key which one names "
        "the "
        "recordings",
        t->where);
}

static void take_header(struct foreign *t) {
    struct ser_set names = {0};
    t->columns = t->csv.fields;
    t->column = ecalloc(t->columns, sizeof *t->column);
    t->of = ecalloc(t->columns, sizeof *t->of);
    for (size_t i = 0; i < t->columns; i++) {
        t->column[i] = t->csv.field[i];
        if (*t->column[i] && !is_new(&names, t->column[i]))
            die(SER_BAD, "%s: two columns are named '%.100s'", t->where, t->column[i]);
        if (!ser_is_text(t->column[i], strlen(t->column[i])))
            die(SER_BAD, "%s: the name of column %zu is not UTF-8 text", t->where, i + 1);
    }
    ser_set_free(&names);
    t->id = naming_column(t);
    for (size_t i = 0; i < t->columns; i++) {
        const char *name = t->column[i];
        if (i != t->id && !is_among(naming, name) && !is_among(placing, name) &&
            !is_among(telling, name) && !is_listed(opt.drop, name))
            t->of[t->features++] = i;
    }
    if (!t->features)
        die(SER_BAD, "%s: has no column of features", t->where);
}

/* openSMILE writes names in single quotes. */
static char *unquoted(char *name) {
    size_t n = strlen(name);
    if (n < 2 || *name != '\'' || name[n - 1] != '\'')
        return name;
    name[n - 1] = '\0';
    return name + 1;
}

static void take_row(struct foreign *t) {
    char **field = t->csv.field;
    if (t->csv.fields != t->columns)
        die(SER_BAD, "%s: line %llu: %zu fields, the header has %zu", t->where,
            (unsigned long long)t->csv.line, t->csv.fields, t->columns);
    if (ser_grow(&t->row, &t->row_cap, t->rows + 1, sizeof *t->row) ||
        ser_grow(&t->value, &t->value_cap, (t->rows + 1) * t->features, sizeof *t->value))
        die(SER_SYS, "out of memory");
    struct foreign_row *r = &t->row[t->rows];
    *r = (struct foreign_row){.name = unquoted(field[t->id]),
                              .line = t->csv.line,
                              .told = ecalloc(sizeof telling / sizeof *telling, sizeof *r->told)};
    if (!*r->name || !ser_is_text(r->name, strlen(r->name)) || strlen(r->name) > SER_MAX_KEY)
        refuse_row(t, r, "the column %s is empty, too long or not UTF-8 text", t->column[t->id]);
    for (size_t i = 0; i < t->columns; i++)
        for (size_t k = 0; telling[k]; k++)
            if (strcmp(t->column[i], telling[k]) == 0 && i != t->id)
                r->told[k] = field[i];
    for (size_t i = 0; i < t->features; i++) {
        double v;
        char *word = field[t->of[i]];
        if (ser_parse_real(word + strspn(word, " "), -FLT_MAX, FLT_MAX, &v))
            refuse_row(
                t, r,
                "column %.100s: '%.60s' is no number of single precision: a column that is no "
                "feature is left out with --drop",
                t->column[t->of[i]], word);
        t->value[t->rows * t->features + i] = (float)v;
    }
    t->rows++;
}

/* The end of the rows of one recording, the first of which is first. */
static size_t end_of(const struct foreign *t, size_t first) {
    size_t i = first + 1;
    while (i < t->rows && strcmp(t->row[i].name, t->row[first].name) == 0)
        i++;
    return i;
}

/* What the table itself tells of a recording. */
static void tell(const struct foreign *t, const struct foreign_row *r, struct ser_attrs *attrs) {
    for (size_t k = 0; telling[k]; k++) {
        char *v = r->told[k];
        if (!v || !*v || strcmp(v, "-") == 0)
            continue;
        if (!ser_is_attr(telling[k], v))
            refuse_row(t, r, "the column %s is not UTF-8 text", telling[k]);
        ser_attr_set(attrs, telling[k], v);
    }
}

/* Another order or choice of columns makes other features, which a model must refuse. */
static void name_features(struct making *m, const struct foreign *t) {
    struct ser_text names = {0};
    for (size_t i = 0; i < t->features; i++)
        ser_text_printf(&names, "%s\n", t->column[t->of[i]]);
    if (names.failed)
        die(SER_SYS, "out of memory");
    if (!opt.like)
        ser_attr_setf(&m->header, "feat.names", "%016llx",
                      (unsigned long long)XXH3_64bits(names.at, names.n));
    ser_text_free(&names);
}

static void write_rows(struct making *m, const struct foreign *t) {
    struct ser_record rec = {0};
    struct ser_error e;
    struct ser_set seen = {0};
    int sequences = m->axes.rank == 2;
    for (size_t i = 0; i < t->rows && !opt.axes; i = end_of(t, i))
        sequences |= end_of(t, i) > i + 1;
    suggest_axes(m, sequences ? "time,channels" : "channels");
    name_features(m, t);
    for (size_t i = 0, end; i < t->rows; i = end) {
        const struct foreign_row *r = &t->row[i];
        end = sequences ? end_of(t, i) : i + 1;
        if (!is_new(&seen, r->name))
            refuse_row(t, r, "comes again, %s",
                       sequences ? "but not in one piece: sort the table"
                                 : "and the axes have no time");
        const uint64_t dim[2] = {end - i, t->features};
        must(ser_record_set(&rec, r->name, SER_F32, 1 + sequences, dim + !sequences, &e), &e);
        memcpy(rec.data, t->value + i * t->features, rec.bytes);
        if (!m->manifest)
            tell(t, r, &rec.attrs);
        write_named(m, &rec, t->where);
    }
    ser_record_free(&rec);
    ser_set_free(&seen);
}

static void free_foreign(struct foreign *t) {
    for (size_t i = 0; i < t->rows; i++)
        free(t->row[i].told);
    free(t->row);
    free(t->value);
    free(t->column);
    free(t->of);
    ser_csv_close(&t->csv);
}

static int run_from_csv(struct input *in) {
    struct making m;
    struct foreign t = {.where = name_of(in->file[0])};
    int got;
    if (in->files > 1)
        ser_usage("one table at a time");
    begin_making(&m, in, "features");
    if (opt.axes && strcmp(opt.axes, "channels") != 0 && strcmp(opt.axes, "time,channels") != 0)
        ser_usage("--axes: a table has the axes 'channels' or 'time,channels'");
    if (ser_csv_open(&t.csv, in->file[0], 0, &in->e) || (got = ser_csv_next(&t.csv, &in->e)) < 0)
        die_error(&in->e);
    if (!got)
        die(SER_BAD, "%s: empty: a table with a header line is needed", t.where);
    take_header(&t);
    while ((got = ser_csv_next(&t.csv, &in->e)) > 0)
        take_row(&t);
    if (got < 0)
        die_error(&in->e);
    if (!t.rows)
        die(SER_BAD, "%s: has no row behind its header", t.where);
    write_rows(&m, &t);
    free_foreign(&t);
    return end_making(&m, name_of(in->file[0]));
}

/* ---- pad ---- */

/* Cuts the axis of time or fills it up with zeros. before: elements for one index of the axes in
 * front of it; behind: of those behind. */
static void pad_record(const struct ser_record *from, struct ser_record *to, int time,
                       uint64_t frames) {
    struct ser_error e;
    uint64_t dim[SER_MAX_RANK], have = from->dim[time], full = have;
    size_t before = 1, behind = ser_type_size(from->type);
    const char *attr = ser_attr(&from->attrs, "frames");
    int64_t told;
    memcpy(dim, from->dim, sizeof dim);
    dim[time] = frames;
    for (int i = 0; i < from->rank; i++)
        *(i < time ? &before : &behind) *= i == time ? 1 : (size_t)from->dim[i];
    must(ser_record_set(to, from->key, from->type, from->rank, dim, &e), &e);
    size_t keep = (size_t)(have < frames ? have : frames) * behind;
    for (size_t i = 0; i < before; i++)
        memcpy((char *)to->data + i * (size_t)frames * behind,
               (const char *)from->data + i * (size_t)have * behind, keep);
    ser_attrs_copy(&to->attrs, &from->attrs);
    /* Padded before: so many are true. Cut before: what was cut does not come back. */
    if (attr && !ser_parse_int(attr, 1, INT64_MAX, &told) &&
        ((uint64_t)told < have || frames <= have))
        full = (uint64_t)told;
    ser_attr_setf(&to->attrs, "frames", "%llu", (unsigned long long)full);
}

static int run_pad(struct input *in) {
    struct ser_error e;
    struct ser_attrs first = {0}, header = {0};
    struct ser_axes axes;
    struct ser_writer w;
    struct ser_record to = {0};
    if (!opt.frames)
        ser_usage("pad needs --frames N, the length to give");
    open_next(in);
    ser_attrs_copy(&first, &in->r.header);
    must(ser_attrs_check(&first, in->r.in.name, &e), &e);
    must(ser_axes_get(&first, in->r.in.name, &axes, &e), &e);
    if (strcmp(ser_attr(&first, "kind"), "features") != 0 || axes.time < 0)
        die(SER_BAD, "%s: is not features with an axis of time", in->r.in.name);
    const char *pad = ser_attr(&first, "feat.pad");
    int is_floor = pad && strcmp(pad, "floor") == 0;
    ser_attrs_copy(&header, &first);
    ser_attr_setf(&header, "feat.frames", "%lld", (long long)opt.frames);
    must(ser_writer_open(&w, opt.output, &header, &e), &e);
    while (next(in)) {
        check_same(in, &first);
        if (in->rec.rank != axes.rank)
            refuse(in, "has other dimensions than the axes that its header tells");
        must(ser_axes_frames(&in->r, &in->rec, INT64_MAX, &e) < 0, &e);
        if (is_floor && in->rec.dim[axes.time] < (uint64_t)opt.frames)
            refuse(in,
                   "is shorter, and fills up with its own floor (feat.pad): 'ser-mfcc --pad floor "
                   "--frames N' knows that");
        pad_record(&in->rec, &to, axes.time, (uint64_t)opt.frames);
        must(ser_writer_put(&w, &to, &e), &e);
    }
    ser_record_free(&to);
    ser_attrs_clear(&first);
    ser_attrs_clear(&header);
    if (is_missing(in)) {
        ser_writer_abandon(&w);
        return SER_NO;
    }
    must(ser_writer_close(&w, &e), &e);
    return SER_OK;
}

/* ---- stats, normalize ---- */

/* Keeps all inputs, pipes too, so that they can be read more than once. */
static void keep_inputs(struct input *in) {
    in->again = ecalloc((size_t)in->files, sizeof *in->again);
    for (int i = 0; i < in->files; i++) {
        struct ser_in first;
        if (ser_open_again(&first, in->file[i], &in->again[i], &in->e))
            die_error(&in->e);
        ser_in_close(&first);
    }
}

static void rewind_inputs(struct input *in) {
    if (in->open)
        ser_reader_close(&in->r);
    in->open = 0;
    in->at = 0;
    in->chosen = 0;
}

static void drop_inputs(struct input *in) {
    for (int i = 0; i < in->files; i++)
        close(in->again[i]);
    free(in->again);
    in->again = NULL;
}

/* The header of all streams, which must be of features. */
static void begin_features(struct input *in, struct ser_attrs *first) {
    open_next(in);
    ser_attrs_copy(first, &in->r.header);
    must(ser_attrs_check(first, in->r.in.name, &in->e), &in->e);
    if (strcmp(ser_attr(first, "kind"), "features") != 0)
        die(SER_BAD, "%s: is not features", in->r.in.name);
}

static void list_drawn(const struct ser_voices *v) {
    struct ser_error e;
    struct ser_out o;
    must(ser_out_open(&o, opt.used, 0, &e), &e);
    ser_out_printf(&o, "%s\tid\n", v->by);
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; k < v->at[i].drawn && k < (size_t)opt.recordings; k++)
            ser_out_printf(&o, "%s\t%s\n", v->at[i].name, v->at[i].at[k].id);
    must(ser_out_close(&o, &e), &e);
}

/* Calls take for each record that is wanted. */
static void each(struct input *in, struct ser_voices *v, const struct ser_attrs *first,
                 int (*take)(struct ser_voices *, const struct ser_reader *,
                             const struct ser_record *, struct ser_error *)) {
    while (next(in)) {
        check_same(in, first);
        must(take(v, &in->r, &in->rec, &in->e), &in->e);
    }
}

/* Adds a record, but for one that is not among the drawn. */
static int add_drawn(struct ser_voices *v, const struct ser_reader *r, const struct ser_record *rec,
                     struct ser_error *e) {
    const struct ser_voice *voice = opt.recordings ? ser_voices_find(v, rec) : NULL;
    if (voice && ser_voices_place(voice, rec) >= (size_t)opt.recordings)
        return 0;
    return ser_voices_add(v, r, rec, e);
}

/* Reads everything, twice where recordings are drawn. */
static void gather(struct input *in, struct ser_voices *v, struct ser_attrs *first) {
    v->by = opt.by;
    v->one_speaker = opt.one_speaker;
    v->seed = (uint64_t)opt.seed;
    v->most = (size_t)(opt.recordings > opt.leave_out ? opt.recordings : opt.leave_out);
    begin_features(in, first);
    must(ser_voices_begin(v, first, in->r.in.name, &in->e), &in->e);
    if (v->most) {
        each(in, v, first, ser_voices_draw);
        rewind_inputs(in);
    }
    each(in, v, first, add_drawn);
    ser_voices_finish(v);
    if (opt.used)
        list_drawn(v);
}

static void check_draw(void) {
    if (opt.one_speaker && opt.by && strcmp(opt.by, "speaker") != 0)
        ser_usage("--one-speaker is said of features by speaker");
    if (!opt.recordings && !opt.leave_out && ser_option_given("seed"))
        ser_usage("--seed is that of --recordings or --leave-out");
    if (!opt.recordings && opt.used)
        ser_usage("--used lists what --recordings draws");
}

static int run_stats(struct input *in) {
    struct ser_attrs first = {0};
    struct ser_voices v = {0};
    struct ser_error e;
    if (!opt.by)
        ser_usage("stats needs --by speaker, corpus or all");
    check_draw();
    must(ser_out_try(opt.output, 1, &e), &e);
    keep_inputs(in);
    gather(in, &v, &first);
    int missing = is_missing(in);
    if (!missing)
        must(ser_voices_save(&v, opt.output, &e), &e);
    drop_inputs(in);
    ser_voices_free(&v);
    ser_attrs_clear(&first);
    return missing ? SER_NO : SER_OK;
}

/* Statistics that are known before: those of --with, and the prior, which is one voice. */
static void load_known(struct ser_voices *v, struct ser_voices *prior, const struct ser_attrs *of) {
    struct ser_error e;
    v->one_speaker = opt.one_speaker;
    if (opt.with)
        must(ser_voices_load(v, opt.with, of, &e), &e);
    if (!opt.prior)
        return;
    must(ser_voices_load(prior, opt.prior, of, &e), &e);
    ser_voices_average(prior);
    if (!opt.adapt)
        must(ser_voices_shrink(v, prior, opt.prior_weight, &e), &e);
}

/* The statistics that hold for the record that was read. */
static const struct ser_voice *known_voice(struct input *in, const struct ser_voices *v,
                                           const struct ser_voices *prior) {
    const struct ser_voice *voice = ser_voices_find(v, &in->rec);
    if (!voice && opt.with && opt.one_speaker && v->n == 1)
        voice = v->at;
    if (voice && voice->frames > 0)
        return voice;
    if (prior->n)
        return prior->at;
    ser_reader_fail(&in->r, &in->rec, &in->e, "%s: no statistics of its %s: %s", opt.with, v->by,
                    "give --one-speaker if it is the one they are of, or a --prior");
    die_error(&in->e);
}

static void check_normalize(void) {
    if (!!opt.by + !!opt.with + opt.adapt != 1)
        ser_usage(
            "normalize needs either --by speaker, corpus or all, or --with STATISTICS, or --adapt");
    if (opt.adapt && !opt.prior)
        ser_usage("--adapt needs --prior, a model or statistics: a voice begins as the training "
                  "speakers are");
    if (!opt.by && (opt.recordings || opt.leave_out))
        ser_usage("--recordings and --leave-out draw from what --by measures: make statistics of "
                  "some with 'ser-tensor stats'");
    if (!opt.prior && ser_option_given("prior-weight"))
        ser_usage("--prior-weight is that of --prior");
    check_draw();
}

static void normalize_record(struct input *in, struct ser_voices *v, const struct ser_voices *prior,
                             struct ser_adapt *adapt) {
    must(adapt ? ser_adapt_next(adapt, &in->r, &in->rec, &in->e)
               : ser_voices_normalize(v, known_voice(in, v, prior), &in->r, &in->rec, &in->e),
         &in->e);
}

/* Where the input goes through once, as from a microphone, each record leaves at once. */
static void write_normalized(struct input *in, struct ser_voices *v, const struct ser_voices *prior,
                             const struct ser_attrs *first) {
    struct ser_attrs header = {0};
    struct ser_writer w;
    struct ser_adapt *adapt = NULL;
    if (opt.adapt) {
        v->by = "speaker";
        adapt =
            ser_adapt_new(first, in->r.in.name, prior, opt.prior_weight, opt.one_speaker, &in->e);
        must(!adapt, &in->e);
    }
    ser_attrs_copy(&header, first);
    ser_attr_set(&header, SER_NORM, v->by);
    must(ser_writer_open(&w, opt.output, &header, &in->e), &in->e);
    while (next(in)) {
        const struct ser_voice *drawn = opt.leave_out ? ser_voices_find(v, &in->rec) : NULL;
        check_same(in, first);
        if (drawn && ser_voices_place(drawn, &in->rec) < (size_t)opt.leave_out)
            continue;
        normalize_record(in, v, prior, adapt);
        must(ser_writer_put(&w, &in->rec, &in->e), &in->e);
        if (!opt.by)
            must(ser_out_flush(&w.out, &in->e), &in->e);
    }
    must(ser_writer_close(&w, &in->e), &in->e);
    ser_attrs_clear(&header);
    ser_adapt_free(adapt);
}

static int run_normalize(struct input *in) {
    struct ser_attrs first = {0};
    struct ser_voices v = {0}, prior = {0};
    struct ser_error e;
    check_normalize();
    must(ser_out_try(opt.output, 1, &e), &e);
    if (opt.by) {
        keep_inputs(in);
        gather(in, &v, &first);
        rewind_inputs(in);
    } else {
        in->feeds = opt.output ? 0 : STDOUT_FILENO;
        begin_features(in, &first);
    }
    if (ser_attr(&first, SER_NORM))
        die(SER_BAD, "%s: is normalised already, by %s", in->file[0], ser_attr(&first, SER_NORM));
    load_known(&v, &prior, &first);
    if (opt.with)
        must(ser_axes_get(&first, in->r.in.name, &v.axes, &e), &e);
    write_normalized(in, &v, &prior, &first);
    if (in->again)
        drop_inputs(in);
    ser_voices_free(&v);
    ser_voices_free(&prior);
    ser_attrs_clear(&first);
    return is_missing(in) ? SER_NO : SER_OK;
}

/* ---- check ---- */

static const char *plural(uint64_t n) {
    return n == 1 ? "" : "s";
}

/* Reads a file to its end; its exit code, and what is wrong in in->e. */
static int check_file(struct input *in, const char *file, struct ser_out *o) {
    if (ser_reader_open(&in->r, file, NULL, &in->e))
        return in->e.status;
    char *kind = estrdup(ser_attr(&in->r.header, "kind"));
    int got, mixed = 0;
    do {
        got = ser_reader_next(&in->r, &in->rec, &in->e);
        mixed |= got >= 0 && strcmp(kind, ser_attr(&in->r.header, "kind")) != 0;
    } while (got > 0);
    if (got == 0)
        ser_out_printf(o, "%s: %s, %llu stream%s, %llu record%s, %llu bytes\n", in->r.in.name,
                       mixed ? "mixed" : kind, (unsigned long long)in->r.streams,
                       plural(in->r.streams), (unsigned long long)in->r.record,
                       plural(in->r.record), (unsigned long long)in->r.in.offset);
    free(kind);
    ser_reader_close(&in->r);
    return got ? in->e.status : SER_OK;
}

static int run_check(struct input *in) {
    struct ser_error e;
    struct ser_out o;
    int worst = SER_OK;
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    for (; in->at < in->files; in->at++) {
        int status = check_file(in, in->file[in->at], &o);
        if (status)
            warn("%s", in->e.text);
        must(ser_out_flush(&o, &e), &e);
        worst = status > worst ? status : worst;
    }
    ser_record_free(&in->rec);
    must(ser_out_close(&o, &e), &e);
    return worst;
}

/* ---- commands ---- */

static const struct command {
    const char *name;
    int (*run)(struct input *in);
    const char *takes; /* options besides --output */
    const char *help;
} commands[] = {
    {"ls", run_ls, " key match part header columns ", "a line a record"},
    {"cat", run_cat, " key match part manifest keep-going ", "streams joined into one"},
    {"head", run_head, " key match part records ", "the first records"},
    {"pad", run_pad, " key match part frames ", "features of one length"},
    {"stats", run_stats, " key match part by one-speaker recordings seed used ",
     "mean and deviation by voice"},
    {"normalize", run_normalize,
     " key match part by one-speaker recordings seed used leave-out with adapt prior prior-weight ",
     "features by such statistics"},
    {"npy", run_npy, " key match part ", "a NumPy array"},
    {"npz", run_npz, " key match part ", "an archive of NumPy arrays"},
    {"ark", run_ark, " key match part transpose ", "a Kaldi archive"},
    {"text", run_text, " key match part transpose ", "the same as text"},
    {"from-npy", run_from_npy, " key kind like set match manifest part keep-going axes ",
     "a stream of NumPy arrays"},
    {"from-ark", run_from_ark, " like set match manifest part keep-going axes transpose ",
     "... of a Kaldi archive"},
    {"from-csv", run_from_csv, " key like set match manifest part keep-going axes drop ",
     "... of a table"},
    {"check", run_check, " ", "reads all, reports damage"},
};

/* All commands, each behind a separator, by their names or, with help, also by what they do. The
 * caller frees. */
static char *command_list(const char *separator, int help) {
    struct ser_text list = {0};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (help && i % 2) /* two on a line */
            ser_text_printf(&list, "%-9s %s", commands[i].name, commands[i].help);
        else if (help)
            ser_text_printf(&list, "%s%-9s %-28s", separator, commands[i].name, commands[i].help);
        else
            ser_text_printf(&list, "%s%s", separator, commands[i].name);
    if (list.failed)
        die(SER_SYS, "out of memory");
    return list.at;
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    char *list = command_list(" ", 0);
    if (name)
        ser_usage("'%s' is no command; there are:%s", name, list);
    ser_usage("a command is needed:%s", list);
}

/* An option that another command takes would have no effect: it is refused, not ignored. */
static void check_options(const struct command *c) {
    for (const struct ser_opt *p = options; p->name; p++) {
        char word[64];
        snprintf(word, sizeof word, " %s ", p->name);
        if (p->target != &opt.output && !strstr(c->takes, word) && ser_option_given(p->name))
            ser_usage("the command %s has no option --%s", c->name, p->name);
    }
}

int main(int argc, char **argv) {
    ser_start(argv[0]);
    char *list = command_list("\n  ", 1), *tail = eprintf_alloc("COMMAND:%s", list);
    char dash[] = "-", *standard_input[] = {dash, NULL};
    const struct ser_tool tool = {"COMMAND [FILE...]",
                                  "Looks into tensor streams, converts and verifies them.", options,
                                  tail};
    int first = ser_options(argc, argv, &tool);
    const struct command *c = find_command(argv[first]);
    check_options(c);
    struct input in = {.file = argv + first + 1, .files = argc - first - 1};
    if (!in.files) {
        in.file = standard_input;
        in.files = 1;
    }
    struct ser_error e;
    must(ser_model_find(&opt.like, &e) || ser_model_find(&opt.with, &e) ||
             ser_model_find(&opt.prior, &e),
         &e);
    const char *manifest =
        strncmp(c->name, "from-", 5) == 0 && !opt.manifest ? opt.match : opt.manifest;
    const char *one = opt.with ? opt.with : opt.like, *other = opt.prior ? opt.prior : manifest;
    ser_one_stdin(in.file, one, other);
    ser_keep_inputs("--output", opt.output, in.file, one, other);
    ser_keep_inputs("--used", opt.used, in.file, one, other);
    if (opt.used)
        ser_keep_apart("--used", opt.used, "--output", opt.output ? opt.output : "-");
    int status = c->run(&in);
    free(tail);
    free(list);
    return status;
}
