#include "bridge/manifest.h"

#include "core/record.h"

#include <stdlib.h>
#include <string.h>

static const char *const carried[] = {"emotion", "speaker", "corpus",   "sex",
                                      "part",    "split",   "generated"};

int ser_manifest_open(struct ser_manifest *m, const char *path, struct ser_error *e) {
    *m = (struct ser_manifest){0};
    if (ser_tsv_open(&m->table, path, e))
        return -1;
    m->id = ser_tsv_need(&m->table, "id", e);
    m->path = m->id < 0 ? -1 : ser_tsv_need(&m->table, "path", e);
    if (m->path < 0) {
        ser_tsv_close(&m->table);
        return -1;
    }
    return 0;
}

static int carry(const struct ser_tsv *t, struct ser_attrs *attrs, struct ser_error *e) {
    for (size_t i = 0; i < sizeof carried / sizeof *carried; i++) {
        int c = ser_tsv_column(t, carried[i]);
        if (c < 0 || !*t->field[c] || strcmp(t->field[c], "-") == 0)
            continue;
        if (!ser_is_text(t->field[c], strlen(t->field[c])))
            return ser_tsv_fail(t, e, "the column %s is not UTF-8 text", carried[i]);
        ser_attr_set(attrs, carried[i], t->field[c]);
    }
    return attrs->failed ? ser_no_memory(e) : 1;
}

int ser_manifest_next(struct ser_manifest *m, char **id, char **path, struct ser_attrs *attrs,
                      struct ser_error *e) {
    struct ser_tsv *t = &m->table;
    int got = ser_tsv_next(t, e);
    if (got <= 0)
        return got;
    const char *name = t->field[m->id];
    if (!*name || strlen(name) > SER_MAX_KEY || !ser_is_text(name, strlen(name)))
        return ser_tsv_fail(t, e, "the id is empty, too long or not UTF-8 text");
    int is_new = ser_set_add(&m->ids, name);
    if (!is_new)
        return ser_tsv_fail(t, e, "the id '%.200s' comes twice", name);
    *id = strdup(name);
    *path = strdup(t->field[m->path]);
    if (is_new < 0 || !*id || !*path)
        return ser_no_memory(e);
    return carry(t, attrs, e);
}

void ser_manifest_name_row(const struct ser_manifest *m, uint64_t row, const char *id,
                           struct ser_error *e) {
    const struct ser_error was = *e;
    ser_fail(e, was.status, "%s: row %llu (%.200s): %s", m->table.in.name, (unsigned long long)row,
             id, was.text);
}

void ser_manifest_close(struct ser_manifest *m) {
    ser_tsv_close(&m->table);
    ser_set_free(&m->ids);
}
