/* name_paths CORPUS DESCRIPTION.corpus... <PATHS
 * Prints what the description of CORPUS, or auto for each of those given, makes of each path (without tables): its kind and
 * the corpus; id, speaker, sex and emotion, or why not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/corpus.h"
#include "core/in.h"

static void add(struct ser_corpora *c, const char *file) {
    struct ser_in in;
    struct ser_error e;
    unsigned char *text;
    size_t len;
    must(ser_in_open(&in, file, &e), &e);
    must(ser_in_rest(&in, 1 << 20, &text, &len, &e), &e);
    ser_in_close(&in);
    must(ser_corpora_read(c, (const char *)text, len, file, &e), &e);
    free(text);
}

static void name(struct ser_corpus *c, const char *path) {
    static const char *const kind_name[] = {"good", "other", "left", "bad", "foreign", "failed"};
    struct ser_utterance u;
    enum ser_name_kind kind = ser_corpus_match(c, path, 0, &u);
    printf("%s\t%s", kind_name[kind], c->name);
    if (kind == SER_NAME_GOOD)
        printf("\t%s\t%s\t%s\t%s\n", u.field[SER_ID], u.field[SER_SPEAKER], u.field[SER_SEX],
               u.field[SER_EMOTION]);
    else
        printf("\t%s\t%s\n", path, kind == SER_NAME_FOREIGN ? "-" : u.why);
}

int main(int argc, char **argv) {
    struct ser_corpora c = {0};
    char line[5000] = "/";
    ser_start(argv[0]);
    if (argc < 3)
        die(SER_USAGE, "usage: name_paths CORPUS DESCRIPTION.corpus... <PATHS");
    for (int i = 2; i < argc; i++)
        add(&c, argv[i]);
    while (fgets(line + 1, sizeof line - 1, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *dot = strrchr(line, '.');
        if (dot && !strchr(dot, '/'))
            *dot = '\0';
        for (size_t i = 0; i < c.n; i++)
            if (strcmp(argv[1], "auto") == 0 || strcmp(argv[1], c.at[i].name) == 0)
                name(&c.at[i], line);
    }
    ser_corpora_free(&c);
    return 0;
}
