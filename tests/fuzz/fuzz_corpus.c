/* Whatever a folder and a file are called (a form feed between them), what is taken from the names
 * is fit to be a row of a manifest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/corpus.h"
#include "core/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const char *text) {
    size_t n = strlen(text);
    if (!n || !ser_is_text(text, n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const corpora[] = {"ravdess", "savee", "cremad", "auto"};
    char *folder = malloc(size + 1), why[200] = "?";
    if (!folder)
        abort();
    memcpy(folder, data, size);
    folder[size] = '\0';
    char *feed = strchr(folder, '\f'), *stem = feed ? feed + 1 : folder + strlen(folder);
    if (feed)
        *feed = '\0';
    for (int i = 0; i < 4; i++) {
        struct ser_utterance u = {0};
        enum ser_name_kind kind = ser_corpus_parse(corpora[i], folder, stem, &u, why, sizeof why);
        if (kind == SER_NAME_GOOD) {
            look_at(u.id);
            look_at(u.speaker);
            look_at(u.corpus);
            look_at(u.sex);
            look_at(u.intensity);
            look_at(u.statement);
            look_at(u.repetition);
            if (!ser_is_emotion(u.emotion, strlen(u.emotion)))
                abort();
        } else if ((kind == SER_NAME_OTHER || kind == SER_NAME_BAD) &&
                   !memchr(why, 0, sizeof why)) {
            abort();
        }
    }
    free(folder);
    return 0;
}
