/* ser-cmp - compares two tensor streams within a tolerance. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/opt.h"
#include "core/reader.h"
#include "core/writer.h"

static struct {
    double atol, rtol;
    int values, quiet, verbose;
} opt;

static const struct ser_opt options[] = {
    {'a', "atol", SER_OPT_REAL, &opt.atol, 0, 1e300, "X", "absolute tolerance"},
    {'r', "rtol", SER_OPT_REAL, &opt.rtol, 0, 1e6, "Y", "relative tolerance, a share of |B|"},
    {0, "values", SER_OPT_FLAG, &opt.values, 0, 0, NULL, "compare only shapes and values"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "print nothing; only the exit code tells"},
    {'v', "verbose", SER_OPT_FLAG, &opt.verbose, 0, 0, NULL,
     "print the summary even if all is equal"},
    {0},
};

struct side {
    struct ser_reader r;
    struct ser_record rec;
    uint64_t streams; /* number of the stream whose header was compared last */
    int got;          /* what ser_reader_next said */
};

/* The two streams, and what is known of them so far. */
struct comparison {
    struct side a, b;
    struct ser_out out;
    uint64_t differences;  /* of any kind */
    uint64_t values, over; /* compared, and out of tolerance */
    double worst_abs, worst_rel;
    char *where; /* "record 17 (ID)[3,5]" of the worst absolute difference; NULL: none */
};

/* Counts a difference, and prints it if it is the first. */
static void differ(struct comparison *c, const char *fmt, ...) SER_PRINTF(2, 3);
static void differ(struct comparison *c, const char *fmt, ...) {
    if (c->differences++ || opt.quiet)
        return;
    va_list args;
    char *text;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        die(SER_SYS, "out of memory");
    va_end(args);
    ser_out_printf(&c->out, "%s\n", text);
    free(text);
}

static const char *or_unset(const char *value) {
    return value ? value : "unset";
}

static void compare_headers(struct comparison *c) {
    struct side *a = &c->a, *b = &c->b;
    if (opt.values || (a->streams == a->r.streams && b->streams == b->r.streams))
        return;
    a->streams = a->r.streams;
    b->streams = b->r.streams;
    const char *key = ser_attrs_differ(&a->r.header, &b->r.header, "");
    if (key)
        differ(c, "header: %s is %s in A, %s in B", key, or_unset(ser_attr(&a->r.header, key)),
               or_unset(ser_attr(&b->r.header, key)));
}

/* "record 17 (ID)", of A; the caller frees. */
static char *name_of(const struct comparison *c) {
    return eprintf_alloc("record %llu (%s)", (unsigned long long)c->a.r.record, c->a.rec.key);
}

/* "[3,5]" for the element numbered i; the caller frees. */
static char *index_text(const struct ser_record *r, size_t i) {
    uint64_t at[SER_MAX_RANK] = {0};
    char text[256], *p = text;
    for (int d = r->rank - 1; d >= 0; d--) {
        at[d] = i % r->dim[d];
        i /= (size_t)r->dim[d];
    }
    p += sprintf(p, "[");
    for (int d = 0; d < r->rank; d++)
        p += sprintf(p, "%s%llu", d ? "," : "", (unsigned long long)at[d]);
    sprintf(p, "]");
    return estrdup(text);
}

/* Counts a value out of tolerance. */
static void differ_at(struct comparison *c, size_t i, double x, double y) {
    const struct ser_record *r = &c->a.rec;
    if (c->over++ == 0) {
        char *name = name_of(c), *index = index_text(r, i);
        int digits = r->type == SER_F64 || c->b.rec.type == SER_F64 ? 17 : 9;
        differ(c, "%s%s: %.*g in A, %.*g in B", name, index, digits, x, digits, y);
        free(name);
        free(index);
    } else {
        c->differences++;
    }
}

static void compare_values(struct comparison *c) {
    const struct ser_record *a = &c->a.rec, *b = &c->b.rec;
    c->values += a->count;
    if (a->type == b->type && memcmp(a->data, b->data, a->bytes) == 0)
        return;
    size_t worst = a->count;
    for (size_t i = 0; i < a->count; i++) {
        double x = ser_value(a, i), y = ser_value(b, i), d = fabs(x - y);
        if (d == 0)
            continue;
        if (d > opt.atol + opt.rtol * fabs(y))
            differ_at(c, i, x, y);
        if (d > c->worst_abs) {
            c->worst_abs = d;
            worst = i;
        }
        c->worst_rel = fmax(c->worst_rel, d / fabs(y)); /* infinite where y is 0 */
    }
    if (worst < a->count) {
        char *name = name_of(c), *index = index_text(a, worst);
        free(c->where);
        c->where = eprintf_alloc("%s%s", name, index);
        free(name);
        free(index);
    }
}

static void compare_records(struct comparison *c) {
    const struct ser_record *a = &c->a.rec, *b = &c->b.rec;
    char *name = name_of(c), sa[SER_SHAPE_TEXT], sb[SER_SHAPE_TEXT];
    if (!opt.values && strcmp(a->key, b->key) != 0)
        differ(c, "%s: key %s in A, %s in B", name, a->key, b->key);
    if (!opt.values && a->type != b->type)
        differ(c, "%s: type %s in A, %s in B", name, ser_type_name(a->type),
               ser_type_name(b->type));
    const char *key = opt.values ? NULL : ser_attrs_differ(&a->attrs, &b->attrs, "");
    if (key)
        differ(c, "%s: %s is %s in A, %s in B", name, key, or_unset(ser_attr(&a->attrs, key)),
               or_unset(ser_attr(&b->attrs, key)));
    if (a->rank != b->rank || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) != 0)
        differ(c, "%s: shape %s in A, %s in B", name, ser_shape_text(a->rank, a->dim, sa),
               ser_shape_text(b->rank, b->dim, sb));
    else
        compare_values(c);
    free(name);
}

static void open_side(struct side *s, const char *path) {
    struct ser_error e;
    if (ser_reader_open(&s->r, path, NULL, &e))
        die_error(&e);
    s->got = 1;
}

/* Both sides are read to their ends, whatever differs: damage further on must be found. */
static void read_side(struct side *s) {
    struct ser_error e;
    if (s->got && (s->got = ser_reader_next(&s->r, &s->rec, &e)) < 0)
        die_error(&e);
}

static void compare(struct comparison *c) {
    do {
        read_side(&c->a);
        read_side(&c->b);
        compare_headers(c);
        if (c->a.got && c->b.got)
            compare_records(c);
        else if (c->a.got || c->b.got)
            differ(c, "%s ends after record %llu", c->a.got ? c->b.r.in.name : c->a.r.in.name,
                   (unsigned long long)(c->a.got ? c->b.r.record : c->a.r.record));
    } while (c->a.got || c->b.got);
}

static void print_summary(struct comparison *c) {
    if (opt.quiet || (!c->differences && !opt.verbose))
        return;
    ser_out_printf(&c->out,
                   "values: %llu compared, %llu out of tolerance; worst difference %.9g absolute, "
                   "%.9g relative%s%s\n",
                   (unsigned long long)c->values, (unsigned long long)c->over, c->worst_abs,
                   c->worst_rel, c->where ? ", at " : "", c->where ? c->where : "");
}

static void close_side(struct side *s) {
    ser_reader_close(&s->r);
    ser_record_free(&s->rec);
}

int main(int argc, char **argv) {
    struct ser_error e;
    static const struct ser_tool tool = {"A B", "Compares two tensor streams within a tolerance.",
                                         options,
                                         "Values are equal when |A - B| <= atol + rtol * |B|.\n"
                                         "Exits 0 if all is equal, 1 if not."};
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (argc - first != 2)
        ser_usage("exactly two streams are needed, not %d", argc - first);
    ser_one_stdin(argv + first, NULL, NULL);
    struct comparison c = {0};
    open_side(&c.a, argv[first]);
    open_side(&c.b, argv[first + 1]);
    must(ser_out_open(&c.out, NULL, 0, &e), &e);
    compare(&c);
    print_summary(&c);
    must(ser_out_close(&c.out, &e), &e);
    close_side(&c.a);
    close_side(&c.b);
    free(c.where);
    return c.differences ? SER_NO : SER_OK;
}
