/* corpus.h - descriptions of corpora: what the paths of the files, and tables beside them, tell.
 *
 *   corpus cremad
 *   pattern /([0-9]{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})$
 *   groups speaker sentence emotion level
 *   code emotion ANG=angry DIS=disgust FEA=fearful HAP=happy NEU=neutral SAD=sad
 *
 * The language is that of ser-corpus(5). Nothing here knows a corpus: a program brings the
 * descriptions, as text.
 */
#ifndef SER_CORPUS_H
#define SER_CORPUS_H

#include <stddef.h>

#include "core/core.h"

/* What a description gives of each recording, in the order of the manifest's columns. */
enum ser_field {
    SER_ID,
    SER_SPEAKER,
    SER_SEX,
    SER_EMOTION,
    SER_INTENSITY,
    SER_STATEMENT,
    SER_REPETITION,
    SER_FIELDS
};

struct ser_corpus_count {
    const char
        *speaker; /* as ser_utterance has it, with the name of the corpus; NULL: the whole corpus */
    long clips;
};

struct ser_pattern;
struct ser_scratch;

/* A description. Texts that it does not have are NULL; all belong to the ser_corpora it is in. */
struct ser_corpus {
    const char *name;   /* the beginning of ids */
    const char *people; /* the beginning of speakers: name, or a corpus of the same people */
    const char *title, *language, *licence, *citation;
    const char *get;      /* how the corpus is had */
    const char *untested; /* why nobody has tried the description on a real list of files */
    int registration;     /* 1: the corpus is given to those who register */
    const char **column;  /* [columns] further columns of the manifest */
    size_t columns;
    struct ser_corpus_count *count; /* [counts] clips of the corpus, or of each of its speakers */
    size_t counts;
    /* Private to corpus.c. */
    const char **var; /* [vars] names of the variables: those of enum ser_field, then others */
    size_t vars;
    struct ser_pattern *pattern; /* [patterns] */
    size_t patterns;
    struct ser_scratch *scratch;
};

/* Descriptions in the order in which they were read; all zeros: none. */
struct ser_corpora {
    struct ser_corpus *at; /* [n] */
    size_t n, cap;
    void **owned; /* [owns] memory that ends with them */
    size_t owns, own_cap;
};

/* Adds the descriptions in the len bytes at text, which begin with a line "corpus NAME" each. file
 * is for messages. 0, or -1 with e set ("FILE: line 7: ..."). SER_BAD: the text breaks a rule of
 * ser-corpus(5), or a name is described twice. After a failure, only ser_corpora_free may follow. */
int ser_corpora_read(struct ser_corpora *c, const char *text, size_t len, const char *file,
                     struct ser_error *e) SER_MUST_CHECK;
void ser_corpora_free(struct ser_corpora *c);

/* The description of that name, or NULL. */
struct ser_corpus *ser_corpora_find(const struct ser_corpora *c, const char *name);

/* The first of the description's tables that is not a file below folder; NULL if all are there. */
const char *ser_corpus_lacks(const struct ser_corpus *c, const char *folder);

/* 1 if file, a path below the folder of the corpus, is one of the description's tables. */
int ser_corpus_has_table(const struct ser_corpus *c, const char *file);

/* Reads the description's tables, which lie below folder, instead of those read before; all
 * descriptions may keep one folder's tables at a time. 0, or -1 with e set. Without tables (never
 * called), ser_corpus_match carries out no `table` statement. */
int ser_corpus_read_tables(struct ser_corpus *c, const char *folder,
                           struct ser_error *e) SER_MUST_CHECK;

enum ser_name_kind {
    SER_NAME_GOOD,
    SER_NAME_OTHER,   /* of the corpus, but nothing that the description gives: a song, a video */
    SER_NAME_LEFT,    /* left out by the description: a copy, for example */
    SER_NAME_BAD,     /* has the form of the corpus, but an invalid part */
    SER_NAME_FOREIGN, /* does not have the form of the corpus */
    SER_NAME_FAILED,  /* there was no memory to find out */
};

struct ser_utterance {
    const char *field[SER_FIELDS]; /* of a GOOD name: UTF-8 text; "-" where the corpus is silent */
    const char **extra;            /* the same for the description's [columns] */
    const char *why;               /* of an OTHER, LEFT or BAD name: the reason */
};

/* Reads a path: "/", folders, the file's name without its extension. The first above bytes of it
 * are the folder that was given. What u points to lasts until the next call for any description of
 * the same ser_corpora. */
enum ser_name_kind ser_corpus_match(struct ser_corpus *c, const char *path, size_t above,
                                    struct ser_utterance *u);

#endif
