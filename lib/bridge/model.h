/* model.h - a trained network as a tensor stream (kind model).
 *
 * A model holds everything that scoring needs: the description of the network, the classes, the
 * feature recipe (feat.*), the shape of its input; and, for people to read, how it was trained
 * (train.*). It is only data, and no code. Names, shapes and values are checked when it is loaded.
 */
#ifndef SER_MODEL_H
#define SER_MODEL_H

#include "core/reader.h"
#include "core/writer.h"
#include "nn/nn.h"

/* The attribute that tells by what scoring divides the logits, so that probabilities are what comes
 * true; a number from SER_MIN_TEMPERATURE to SER_MAX_TEMPERATURE. */
#define SER_TEMPERATURE "train.temperature"

/* The key of a record behind the parameters: f64 [2, ...], mean and deviation of every feature that the speakers
 * of the training data have before they are normalised (voices.h). */
#define SER_PRIOR "prior"

struct ser_model {
    struct ser_net *net;
    int classes;             /* number of classes */
    char **class_name;       /* [classes] in byte order, which is that of code points; owned */
    struct ser_attrs header; /* kind, classes, input, feat.*, train.* */
    struct ser_record prior; /* SER_PRIOR; all zeros: none */
};

/* Builds a model with the network described by the text net, for features with the dimensions dim
 * [rank] and these classes, which are copied and must be in byte order. header holds feat.*, what
 * the axes are among them, and other attributes to keep; kind, classes and input are set here. 0; or -1 with e set (nothing to free), which names
 * where, the file of the description, and the line that is wrong. */
int ser_model_new(struct ser_model *m, const char *net, size_t net_len, const char *where, int rank,
                  const int *dim, char *const *class, int classes, const struct ser_attrs *header,
                  struct ser_error *e) SER_MUST_CHECK;

/* 1 if a record holds features of the shape that the model needs, else 0. */
int ser_model_takes(const struct ser_model *m, const struct ser_record *rec);

/* How many frames of a record that it takes are true, for ser_run_frames: as many as the attribute
 * frames says, or all without it. -1 with e set (SER_BAD): that is not a number from 1. r is the reader of
 * rec. */
int ser_model_frames(const struct ser_model *m, const struct ser_reader *r,
                     const struct ser_record *rec, struct ser_error *e) SER_MUST_CHECK;

/* Reads dimensions as "40x174", "768" or "13x50x768" into dim; returns how many there are, 1 to 3, or
 * 0: not such a text. */
int ser_model_shape(const char *text, int dim[3]);

/* The shape that it needs, as ser_shape_text writes it; returns text. */
const char *ser_model_input(const struct ser_model *m, char text[SER_SHAPE_TEXT]);

/* Reads a model from path (NULL, "-": standard input). 0, or -1 with e set (nothing to free). */
int ser_model_load(struct ser_model *m, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Writes the model with the parameters value, one array for each of net->params; NULL: the
 * parameters of m->net. 0, or -1 with e set. */
int ser_model_save(const struct ser_model *m, float *const *value, const char *path,
                   struct ser_error *e) SER_MUST_CHECK;
void ser_model_free(struct ser_model *m);

/* ---- networks as records, in models and checkpoints: all return 0, or -1 with e set ---- */

/* Writes the description, u8 [length], as a record with the key net. */
int ser_net_put(struct ser_writer *w, const struct ser_net *net,
                struct ser_error *e) SER_MUST_CHECK;

/* put writes the arrays in value, one for each of net->params, as records whose key is prefix and
 * the name of the parameter; take reads the next records into value and requires the same keys and
 * shapes. NULL stands for the parameters of the net; entries that are NULL are passed over, for
 * example the moments of a parameter that is not trained. */
int ser_params_put(struct ser_writer *w, const char *prefix, const struct ser_net *net,
                   float *const *value, struct ser_error *e) SER_MUST_CHECK;
int ser_params_take(struct ser_reader *r, struct ser_record *rec, const char *prefix,
                    const struct ser_net *net, float *const *value,
                    struct ser_error *e) SER_MUST_CHECK;

/* Fails if another record follows the last parameter. */
int ser_params_end(struct ser_reader *r, struct ser_record *rec,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
