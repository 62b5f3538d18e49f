/* model.h - a trained network and a training state as tensor streams (kinds model and checkpoint).
 *
 * A model carries all that scoring needs: the network's description, the classes, the feature
 * recipe (feat.*), the shape of its input, and, to be read by people, how it was trained (train.*).
 * It is data only. Everything is checked when it is loaded: names, shapes, finite values.
 */
#ifndef SER_MODEL_H
#define SER_MODEL_H

#include "core/tensor.h"
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

/* Writes the model with the parameters in value [net->params][n]; NULL: those of the net. */
void ser_model_save(const struct ser_model *m, float *const *value, const char *path);
void ser_model_free(struct ser_model *m);

/* ---- checkpoint: where a training stands after an epoch ---- */

/* history [fit->epoch] are the lines of the log. header holds what must be equal for going on. */
void ser_checkpoint_save(const struct ser_model *m, const struct ser_fit *fit,
                         const struct ser_epoch *history, const struct ser_attrs *header,
                         const char *path);

/* Restores parameters, fit (made by ser_fit_new) and *history (the caller frees). A checkpoint of
 * other data, options or network is refused by name. 0, or -1 with e set. */
int ser_checkpoint_load(struct ser_model *m, struct ser_fit *fit, struct ser_epoch **history,
                        const struct ser_attrs *header, const char *path,
                        struct ser_error *e) SER_MUST_CHECK;

#endif
