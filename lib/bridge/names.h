/* names.h - models and encoders that are called by a name, without the path of a file.
 *
 * A model is a path that exists; else, if it has no slash, a name: that of the file NAME.bin in the first of
 * these folders that has it:
 *
 *   $SER_MODELS                               the user's own
 *   models, beside the program                the build's, a link to pipelines/models
 *   ../share/ser/pipelines/models from there  those that were installed
 *
 * An encoder is a folder that exists; else, if it has no slash, the folder NAME in $SER_ENCODERS, or in
 * ser/encoders in the user's folder of data: $XDG_DATA_HOME, or ~/.local/share without it (XDG Base
 * Directory Specification 0.8).
 *
 * What people should know of a model stands in its card, the file NAME.card beside it. It is a file of
 * its own, since what a model is worth is found out after it was made, and must not change its bytes.
 * A card is UTF-8 text: a line for each thing, a key ([a-z0-9_-]+), spaces, a value; empty lines and
 * those that begin with # say nothing. A key may come several times.
 */
#ifndef SER_NAMES_H
#define SER_NAMES_H

#include "core/bytes.h"

#define SER_MAX_CARD 65536 /* bytes */

/* Makes a path of the model at *model: one that is NULL, "-" or a path stays. A name is replaced by a path
 * in memory that nobody frees: it lasts as long as the process, as the command line does. 0; or -1 with e set
 * (SER_USAGE: neither a path nor a name, and which names there are; SER_SYS). */
int ser_model_find(const char **model, struct ser_error *e) SER_MUST_CHECK;

/* The same for the folder of an encoder. SER_SYS: it is in none of the folders, and how it is had. */
int ser_encoder_find(const char **encoder, struct ser_error *e) SER_MUST_CHECK;

/* A model that has a name. */
struct ser_named {
    char *name, *path; /* owned */
};

struct ser_names {
    struct ser_named *at; /* [n] by name; a name that several folders have is that of the first */
    size_t n, cap;
};

/* Lists them. 0, or -1 with e set (SER_SYS), and nothing to free. */
int ser_names_list(struct ser_names *l, struct ser_error *e) SER_MUST_CHECK;

/* The same of the files NAME.bin in the folder in which the file at path is. */
int ser_names_beside(struct ser_names *l, const char *path, struct ser_error *e) SER_MUST_CHECK;
void ser_names_free(struct ser_names *l);

/* Reads a model's card, and adds to value all that it says of key, in its order, with "; " between; nothing if
 * it has no card. 0; or -1 with e set (SER_BAD: which line is no key and value). */
int ser_card_get(const struct ser_named *m, const char *key, struct ser_text *value,
                 struct ser_error *e) SER_MUST_CHECK;

#endif
