/* recurrent.h - what lstm and gru have in common: all but their cell; for the files of lib/nn/layers only.
 *
 *   x [N,T,C] -> y [N,T,U], all steps; or, of a type that runs both ways, y [N,T,2U], one direction over time
 *   and one against it, side by side
 *
 * In a masked network the state is zero behind the true steps: against time it begins with the last
 * of them.
 *
 * Parameters: w [C,GU], u [U,GU], b [GU] or [2,GU], G gates, each twice (with time, against it) in a layer that
 * runs both ways. The state starts at zero. The input side of the gates is one product over all steps, the
 * recurrent side one a step.
 *
 * saved, per direction: gates [N,T,GU], then what else a cell keeps of a step, each [N,T,U]. Backward turns gates
 * into their slopes in place.
 */
#ifndef SER_NN_RECURRENT_H
#define SER_NN_RECURRENT_H

#include "nn/layer.h"

enum { SER_RECURRENT_KEPT = 2 }; /* at most */

/* One direction of one pass. */
struct ser_direction {
    int T, C, U, back; /* back: against time */
    size_t ldz, ldy;   /* of a step of gates; of a step of y and dy */
    const float *w, *u, *b;
    const float *y;  /* [N,T,ldy], at this direction's column */
    const float *dy; /* likewise, backward */
    float *gates, *kept[SER_RECURRENT_KEPT];
    float *product; /* [N,GU] where it stands apart: h_{t-1} u of the step */
};

/* A step of a sample: where it stands among all, and where the step before it in this direction does. */
struct ser_step {
    int n;        /* sample */
    size_t at;    /* n T + t */
    size_t prev;  /* likewise of the step before */
    int is_first; /* 1: there is none before, and the state is zero */
};

struct ser_recurrent {
    int gates;  /* G */
    int biases; /* 1; 2: the input's, then the recurrent one */
    int kept;   /* what else a step keeps */
    int open;   /* the gate whose bias begins at 1, or -1 */
    /* 1: the recurrent side of the last gate is multiplied before it is added. Then products stand apart,
     * there are two biases, and backward makes of kept[0] the slope of that side. */
    int apart;
    int onnx[4];    /* ONNX's order of the gates */
    const char *op; /* ONNX's name */

    /* Gates and state of a step from sums of products. */
    void (*cell)(const struct ser_direction *d, const struct ser_step *s, float *h);

    /* Slopes in place of gates; dh [U]: what later steps ask of h, carried [U]: the cell's own from step to
     * step. apart: dh becomes what goes to h_{t-1} past the products. */
    void (*cell_back)(const struct ser_direction *d, const struct ser_step *s, float *dh,
                      float *carried);
};

int ser_recurrent_setup(struct ser_net *net, struct ser_layer *l, int n, char **words,
                        char why[SER_WHY]);
void ser_recurrent_init(const struct ser_layer *l, struct ser_param *p, uint64_t seed);
size_t ser_recurrent_saved_bytes(const struct ser_layer *l, int N);
size_t ser_recurrent_scratch_bytes(const struct ser_layer *l, int N);
void ser_recurrent_forward(const struct ser_pass *p);
void ser_recurrent_backward(const struct ser_pass *p);
int ser_recurrent_export(struct ser_graph *g, const struct ser_layer *l, const struct ser_param *p);

/* What types of layers have of it; kind: a struct ser_recurrent. */
#define SER_RECURRENT(kind)                                                                        \
    .recurrent = &(kind), .setup = ser_recurrent_setup, .init = ser_recurrent_init,                \
    .saved_bytes = ser_recurrent_saved_bytes, .scratch_bytes = ser_recurrent_scratch_bytes,        \
    .forward = ser_recurrent_forward, .backward = ser_recurrent_backward,                          \
    .export = ser_recurrent_export

#endif
