/* export.h - a network as a graph of ONNX operators, for whoever writes it down.
 *
 * Pure: each tensor and each node is handed to a function of the caller's. Operators, attributes
 * and the layout of tensors are those of ONNX (docs/Operators.md of github.com/onnx/onnx, operator
 * set 13). An image is [N,H,W,C] in lib/nn and [N,C,H,W] here; all else has one layout in both.
 */
#ifndef SER_NN_EXPORT_H
#define SER_NN_EXPORT_H

#include "nn/nn.h"

#define SER_GRAPH_INPUT  "features"      /* f32 [batch, rows, frames], or as the features are */
#define SER_GRAPH_FRAMES "frames"        /* i64 [batch], of a masked network: the true ones */
#define SER_GRAPH_OUTPUT "probabilities" /* f32 [batch, classes] */

/* A constant: exactly one of real and whole is not NULL. */
struct ser_graph_tensor {
    const char *name;
    int rank; /* 0: one number */
    const int *dim;
    const float *real; /* f32 */
    const int *whole;  /* i64 in ONNX */
};

struct ser_graph_attribute {
    const char *name; /* NULL: the end of a list */
    enum { SER_GRAPH_REAL, SER_GRAPH_WHOLE, SER_GRAPH_LIST, SER_GRAPH_TEXT } type;
    float real;
    int whole;
    const int *list; /* [n] */
    int n;
    const char *text;
};

/* One operation; its result is called name. */
struct ser_graph_node {
    const char *op, *name;
    const char *const *input;                    /* names, up to NULL */
    const struct ser_graph_attribute *attribute; /* up to one without name */
};

/* A graph at work. The caller sets the first three; what they are given lasts for the call. */
struct ser_graph {
    void (*tensor)(void *ctx, const struct ser_graph_tensor *t);
    void (*node)(void *ctx, const struct ser_graph_node *n);
    void *ctx;
    const char *layer; /* whose part is appended; NULL: of none */
    char x[64];        /* the name of the value computed last */

    /* In a masked network, of that value, where it runs over time: its true steps, i64 [batch]
     * ("": it does not); whether a step is true, bool [batch, steps], and in the shape that goes
     * with the value ("": not asked for yet). */
    char frames[64], truth[64], mask[64];
    struct ser_shape shape; /* that of the value in lib/nn, and which of its dimensions is time */
    int time;
};

/* The whole network, from SER_GRAPH_INPUT to SER_GRAPH_OUTPUT. 0, or -1 with why: a layer without a
 * counterpart in ONNX, or memory ran out (errno is ENOMEM). */
int ser_net_export(const struct ser_net *net, struct ser_graph *g, char why[SER_WHY]);

/* ---- for the layers: what they append ---- */

/* "LAYER.what" */
void ser_graph_name(const struct ser_graph *g, const char *what, char name[64]);

void ser_graph_reals(struct ser_graph *g, const char *name, int rank, const int *dim,
                     const float *v);
void ser_graph_wholes(struct ser_graph *g, const char *name, int rank, const int *dim,
                      const int *v);

/* A constant of one number, called LAYER.what: name is set to that. */
void ser_graph_number(struct ser_graph *g, const char *what, float v, char name[64]);

/* A parameter in the layout that the network has it in. */
void ser_graph_param(struct ser_graph *g, const struct ser_param *p);

/* An operation on inputs; its result is called LAYER.what and becomes g->x. attributes NULL: none.
 *
 *   ser_graph_node(g, "Softmax", "weights", SER_INPUTS(g->x),
 *                  SER_ATTRIBUTES(ser_attribute_whole("axis", -1)));
 */
void ser_graph_node(struct ser_graph *g, const char *op, const char *what,
                    const char *const *inputs, const struct ser_graph_attribute *attributes);

#define SER_INPUTS(...)     ((const char *const[]){__VA_ARGS__, NULL})
#define SER_ATTRIBUTES(...) ((const struct ser_graph_attribute[]){__VA_ARGS__, {0}})

struct ser_graph_attribute ser_attribute_real(const char *name, float v);
struct ser_graph_attribute ser_attribute_whole(const char *name, int v);
struct ser_graph_attribute ser_attribute_list(const char *name, int n, const int *v);
struct ser_graph_attribute ser_attribute_text(const char *name, const char *v);

/* g->x with its dimensions in another order. */
void ser_graph_transpose(struct ser_graph *g, const char *what, int rank, const int *order);

/* Between a sequence's [N,T,C] and [N,C,T], either way; an image (rank 3) is [N,C,H,W] as it is. */
void ser_graph_channels_second(struct ser_graph *g, int rank, const char *what);

/* g->x as [batch, dim...], rank at most 3. */
void ser_graph_reshape(struct ser_graph *g, const char *what, int rank, const int *dim);

/* The sum of g->x over n axes, which vanish. */
void ser_graph_sum(struct ser_graph *g, const char *what, int n, const int *axes);

/* ---- in a masked network, for layers whose input runs over time ---- */

/* name becomes that of the true steps times a number, f32 [batch, 1]; g->x stays. */
void ser_graph_true_count(struct ser_graph *g, int times, char name[64]);

/* Likewise of the true steps as a recurrence wants them, i32 [batch]. */
void ser_graph_true_lengths(struct ser_graph *g, char name[64]);

/* g->x, a sequence, becomes zero but for its last true step. */
void ser_graph_true_end(struct ser_graph *g);

/* g->x, an image, gets the most negative number where a step is not true. */
void ser_graph_true_values(struct ser_graph *g);

/* g->x, means of an image over windows of k steps, where less than k are true: of those. */
void ser_graph_true_share(struct ser_graph *g, int k);

/* g->x [batch, n, steps] gets the most negative number where a step is not true, so that a softmax
 * gives it nothing. */
void ser_graph_true_scores(struct ser_graph *g);

#endif
