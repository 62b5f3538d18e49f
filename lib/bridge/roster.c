#include "bridge/roster.h"

#include "bridge/manifest.h"
#include "core/bytes.h"

#include <stdlib.h>
#include <string.h>

/* The name of a file without its folders and its extension: a part of name. */
struct stem {
    const char *at;
    size_t len;
};

static struct stem stem_of(const char *name) {
    const char *slash = strrchr(name, '/'), *back = strrchr(name, '\\');
    const char *at = slash && (!back || slash > back) ? slash + 1 : back ? back + 1 : name;
    const char *dot = strrchr(at, '.');
    return (struct stem){at, dot && dot > at ? (size_t)(dot - at) : strlen(at)};
}

static int compare_stems(struct stem a, struct stem b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int c = memcmp(a.at, b.at, n);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int by_id(const void *a, const void *b) {
    return strcmp((*(struct ser_roster_row *const *)a)->id,
                  (*(struct ser_roster_row *const *)b)->id);
}

static int by_stem(const void *a, const void *b) {
    return compare_stems(stem_of((*(struct ser_roster_row *const *)a)->path),
                         stem_of((*(struct ser_roster_row *const *)b)->path));
}

static int take_row(struct ser_roster *r, struct ser_manifest *m, struct ser_error *e) {
    if (ser_grow(&r->row, &r->cap, r->n + 1, sizeof *r->row))
        return ser_no_memory(e);
    struct ser_roster_row *row = &r->row[r->n];
    *row = (struct ser_roster_row){0};
    int got = ser_manifest_next(m, &row->id, &row->path, &row->attrs, e);
    if (got > 0) {
        r->n++;
        return got;
    }
    free(row->id);
    free(row->path);
    ser_attrs_clear(&row->attrs);
    return got;
}

static int sort_rows(struct ser_roster *r, struct ser_error *e) {
    r->by_id = malloc((r->n + 1) * sizeof *r->by_id);
    r->by_stem = malloc((r->n + 1) * sizeof *r->by_stem);
    if (!r->by_id || !r->by_stem)
        return ser_no_memory(e);
    for (size_t i = 0; i < r->n; i++)
        r->by_id[i] = r->by_stem[i] = &r->row[i];
    if (r->n) {
        qsort(r->by_id, r->n, sizeof *r->by_id, by_id);
        qsort(r->by_stem, r->n, sizeof *r->by_stem, by_stem);
    }
    return 0;
}

int ser_roster_load(struct ser_roster *r, const char *path, struct ser_error *e) {
    struct ser_manifest m;
    int got;
    *r = (struct ser_roster){0};
    if (ser_manifest_open(&m, path, e))
        return -1;
    do
        got = take_row(r, &m, e);
    while (got > 0);
    ser_manifest_close(&m);
    if (!got)
        got = sort_rows(r, e);
    if (got)
        ser_roster_free(r);
    return got;
}

struct ser_roster_row *ser_roster_find_id(const struct ser_roster *r, const char *id) {
    struct ser_roster_row want = {.id = (char *)id}, *key = &want;
    struct ser_roster_row **at = r->n ? bsearch(&key, r->by_id, r->n, sizeof key, by_id) : NULL;
    return at ? *at : NULL;
}

static int is_slash(char c) {
    return c == '/' || c == '\\';
}

/* How well two paths of one stem agree: two points for each folder in common from the end, one for
 * the same extension; most if they are the same. */
static size_t agreement(const char *a, const char *b) {
    if (strcmp(a, b) == 0)
        return SIZE_MAX;
    struct stem x = stem_of(a), y = stem_of(b);
    size_t i = (size_t)(x.at - a), k = (size_t)(y.at - b), points;
    points = strcmp(x.at + x.len, y.at + y.len) == 0;
    if (!i || !k)
        return points;
    for (i--, k--; i && k; i--, k--) { /* both stand on the slash behind a folder */
        size_t from = i, with = k;
        while (i && !is_slash(a[i - 1]))
            i--;
        while (k && !is_slash(b[k - 1]))
            k--;
        if (from - i != with - k || memcmp(a + i, b + k, from - i) != 0)
            break;
        points += 2;
        if (!i || !k)
            break;
    }
    return points;
}

/* The first row with the stem or a greater one. */
static size_t first_of(const struct ser_roster *r, struct stem s) {
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare_stems(stem_of(r->by_stem[mid]->path), s) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int ser_roster_find(const struct ser_roster *r, const char *name, struct ser_roster_row **row) {
    struct stem s = stem_of(name);
    size_t best = 0, equal = 0;
    char *id = strndup(s.at, s.len);
    *row = ser_roster_find_id(r, name);
    if (!*row && id)
        *row = ser_roster_find_id(r, id);
    free(id);
    if (*row)
        return 1;
    for (size_t i = first_of(r, s); i < r->n; i++) {
        if (compare_stems(stem_of(r->by_stem[i]->path), s) != 0)
            break;
        size_t points = agreement(name, r->by_stem[i]->path);
        if (!*row || points > best) {
            *row = r->by_stem[i];
            best = points;
            equal = 0;
        } else {
            equal += points == best;
        }
    }
    return !*row ? 0 : equal ? -1 : 1;
}

void ser_roster_free(struct ser_roster *r) {
    for (size_t i = 0; i < r->n; i++) {
        free(r->row[i].id);
        free(r->row[i].path);
        ser_attrs_clear(&r->row[i].attrs);
    }
    free(r->row);
    free(r->by_id);
    free(r->by_stem);
    *r = (struct ser_roster){0};
}
