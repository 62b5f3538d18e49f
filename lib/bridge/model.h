/* model.h - a trained network as a tensor stream (kind model).
 *
 * A model carries all that scoring needs: the network's description, the classes, the feature
 * recipe (feat.*), the shape of its input, and, to be read by people, how it was trained (train.*).
 * It is data only. Everything is checked when it is loaded: names, shapes, finite values.
 */
#ifndef SER_MODEL_H
#define SER_MODEL_H

#include "core/reader.h"
#include "core/writer.h"
#include "nn/nn.h"

struct ser_model {
    struct ser_net *net;
    int rows, frames; /* of its input */
    int classes;
    char **class;            /* [classes] in byte order */
    struct ser_attrs header; /* kind, classes, input, feat.*, train.* */
};

/* Builds a network for samples of rows x frames and these classes (copied). header must hold feat.*
 * and what else is to be kept; kind, classes and input are set. 0, or -1 with e naming where (the
 * network's file) and the line. */
int ser_model_new(struct ser_model *m, const char *net, size_t net_len, const char *where, int rows,
                  int frames, char *const *class, int classes, const struct ser_attrs *header,
                  struct ser_error *e) SER_MUST_CHECK;

/* Reads a model from path (NULL, "-": standard input). 0, or -1 with e set (nothing to free). */
int ser_model_load(struct ser_model *m, const char *path, struct ser_error *e) SER_MUST_CHECK;

/* Writes the model with the parameters in value [net->params][n]; NULL: those of the net. 0, or -1
 * with e set. */
int ser_model_save(const struct ser_model *m, float *const *value, const char *path,
                   struct ser_error *e) SER_MUST_CHECK;
void ser_model_free(struct ser_model *m);

/* ---- networks as records, in models and checkpoints: 0, or -1 with e set ---- */

/* The description, as record net. */
int ser_net_put(struct ser_writer *w, const struct ser_net *net,
                struct ser_error *e) SER_MUST_CHECK;

/* value [net->params][n] as records PREFIX and the parameter's name; NULL: those of the net. NULL
 * entries of value are left out, as for the moments of what is not trained. */
int ser_params_put(struct ser_writer *w, const char *prefix, const struct ser_net *net,
                   float *const *value, struct ser_error *e) SER_MUST_CHECK;
int ser_params_take(struct ser_reader *r, struct ser_record *rec, const char *prefix,
                    const struct ser_net *net, float *const *value,
                    struct ser_error *e) SER_MUST_CHECK;

/* After the last parameter: nothing may follow. */
int ser_params_end(struct ser_reader *r, struct ser_record *rec,
                   struct ser_error *e) SER_MUST_CHECK;

#endif
