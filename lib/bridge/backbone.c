#include "bridge/backbone.h"

#include "bridge/axes.h"
#include "bridge/names.h"
#include "bridge/recipe.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

enum { PIECE = 4096 };

/* n elements of size bytes, which seed what follows. */
static uint64_t hash_elements(const void *x, size_t n, size_t size, uint64_t h) {
    unsigned char piece[PIECE];
    for (size_t done = 0, now; done < n; done += now) {
        now = n - done < PIECE / size ? n - done : PIECE / size;
        memcpy(piece, (const unsigned char *)x + done * size, now * size);
        ser_swap_elements(piece, now, size);
        h = XXH3_64bits_withSeed(piece, now * size, h);
    }
    return h;
}

static uint64_t hash_model(const struct ser_model *m) {
    uint64_t h = hash_elements(m->net->text, strlen(m->net->text), 1, 0);
    for (int i = 0; i < m->net->params; i++)
        h = hash_elements(m->net->param[i].value, m->net->param[i].n, sizeof(float), h);
    return h;
}

void ser_backbone_put(const struct ser_model *m, struct ser_attrs *header) {
    ser_attr_set(header, "kind", "features");
    ser_attr_set(header, "feat.type", "embedding");
    ser_attr_set(header, SER_AXES, "channels");
    ser_attr_set(header, SER_ENCODER, SER_NETWORK);
    ser_attr_setf(header, SER_ENCODER_XXH3, "%016llx", (unsigned long long)hash_model(m));
}

/* ---- finding it ---- */

/* The hash of the backbone that the model at path hears; empty: it hears none, or is no model, which whoever reads it
 * will say, or no regular file: a pipe can be read only once. -1 with e set where the system fails. */
static int wanted_hash(const char *path, char want[17], struct ser_error *e) {
    struct ser_reader r;
    *want = '\0';
    if (!ser_file_bytes(path))
        return 0;
    if (ser_reader_open(&r, path, "model", e))
        return e->status == SER_SYS ? -1 : 0;
    const char *hash = ser_attr(&r.header, SER_ENCODER_XXH3);
    if (hash && ser_recipe_of_network(&r.header))
        snprintf(want, 17, "%s", hash);
    ser_reader_close(&r);
    return 0;
}

/* The network is not built for this, only its records are read: so ser-mfcc needs no kernels. What is no regular file is
 * left alone: a pipe that nobody writes to would be waited for. 1, 0, or -1 with e set where the system fails. */
static int is_wanted(const char *path, const char *want, struct ser_error *e) {
    struct ser_reader r;
    struct ser_record rec = {0};
    char hash[17];
    uint64_t h = 0;
    int got;
    if (!ser_file_bytes(path))
        return 0;
    if (ser_reader_open(&r, path, "model", e))
        return e->status == SER_SYS ? -1 : 0;
    while ((got = ser_reader_next(&r, &rec, e)) > 0 && strcmp(rec.key, SER_PRIOR) != 0)
        h = hash_elements(rec.data, rec.count, ser_type_size(rec.type), h);
    ser_record_free(&rec);
    ser_reader_close(&r);
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)h);
    if (got < 0)
        return e->status == SER_SYS ? -1 : 0;
    return strcmp(hash, want) == 0;
}

/* Takes the path of the wanted one out of the list; NULL: it is not there. -1 with e set: one cannot be read, and
 * none of the others is it. */
static int take_wanted(struct ser_names *l, const char *want, char **path, struct ser_error *e) {
    struct ser_error one;
    int failed = 0;
    *path = NULL;
    for (size_t i = 0; i < l->n && !*path; i++) {
        int is = is_wanted(l->at[i].path, want, &one);
        if (is > 0) {
            *path = l->at[i].path;
            l->at[i].path = NULL;
        } else if (is < 0 && !failed) {
            *e = one;
            failed = -1;
        }
    }
    return *path ? 0 : failed;
}

/* The same of those beside path, or where that is NULL of those that have a name. */
static int search(const char *beside, const char *want, char **found, struct ser_error *e) {
    struct ser_names l;
    *found = NULL;
    if (beside ? ser_names_beside(&l, beside, e) : ser_names_list(&l, e))
        return -1;
    int failed = take_wanted(&l, want, found, e);
    ser_names_free(&l);
    return failed;
}

int ser_backbone_find(const char **model, struct ser_error *e) {
    struct ser_error first;
    char want[17], *path = NULL;
    if (!*model || strcmp(*model, "-") == 0)
        return 0;
    if (wanted_hash(*model, want, e))
        return -1;
    if (!*want)
        return 0;
    int failed = search(*model, want, &path, &first);
    if (!path && search(NULL, want, &path, failed ? e : &first))
        failed = -1;
    if (!path && failed)
        return ser_fail(e, SER_SYS,
                        "%s: hears embeddings of another network, which is none of the models that "
                        "can be read; %s: make that readable, or put the network beside this "
                        "one as NAME.bin",
                        *model, first.text);
    if (!path)
        return ser_fail(e, SER_SYS,
                        "%s: hears embeddings of another network, whose XXH3 is %s, and none of "
                        "the models beside it, nor of those that have a name, is that: put it "
                        "beside this one as NAME.bin",
                        *model, want);
    *model = path;
    return 0;
}
