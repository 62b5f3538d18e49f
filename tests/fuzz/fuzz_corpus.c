/* Whatever a description says and a path is called, the description is refused with a reason, or what
 * it takes from the path is fit to be a row of a manifest. A form feed ends the description, and each
 * path behind it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/corpus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const char *text) {
    size_t n = text ? strlen(text) : 0;
    if (!n || !ser_is_text(text, n))
        abort();
}

static void match(struct ser_corpus *c, const char *path) {
    struct ser_utterance u;
    enum ser_name_kind kind = ser_corpus_match(c, path, 0, &u);
    if (kind == SER_NAME_GOOD) {
        for (int f = 0; f < SER_FIELDS; f++)
            look_at(u.field[f]);
        for (size_t i = 0; i < c->columns; i++)
            look_at(u.extra[i]);
    } else if (kind != SER_NAME_FOREIGN && !*u.why) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_corpora c = {0};
    struct ser_error e;
    const uint8_t *feed = size ? memchr(data, '\f', size) : NULL;
    size_t n = feed ? (size_t)(feed - data) : size;
    char *path = malloc(size - n + 1);
    if (!path)
        abort();
    if (feed)
        memcpy(path, feed + 1, size - n - 1);
    path[feed ? size - n - 1 : 0] = '\0';
    if (ser_corpora_read(&c, (const char *)data, n, "fuzz", &e) == 0)
        for (char *s = path, *end = path; end && *s; s = end ? end + 1 : s) {
            end = strchr(s, '\f');
            if (end)
                *end = '\0';
            for (size_t i = 0; i < c.n; i++)
                match(&c.at[i], s);
        }
    ser_corpora_free(&c);
    free(path);
    return 0;
}
