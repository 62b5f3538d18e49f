/* linear.h - products with weights that never change, for lib/nn/encoder only.
 *
 *   y [rows,out] = x [rows,in] W^T + b
 *
 * W [out,in], as files have it, is packed once: panels of SER_PANEL_OUT outputs, [in,SER_PANEL_OUT]
 * each, the last one filled up with zeros. A panel is read from its beginning to its end for every
 * few rows, and stays in the cache meanwhile.
 */
#ifndef SER_LINEAR_H
#define SER_LINEAR_H

#include <stddef.h>

struct ser_kernels;

enum { SER_PANEL_OUT = 32 };

struct ser_linear { /* zeros: none; what it points to belongs to the encoder */
    int in, out;
    const float *panel; /* [panels, in, SER_PANEL_OUT] */
    const float *bias;  /* [out]; NULL: none */
};

/* Packs w [rows,in] into panel as the outputs first..first + rows - 1. */
void ser_linear_pack(float *panel, int in, int first, int rows, const float *w);

int ser_linear_panels(const struct ser_linear *l);

/* What else a product does; 0: y = x W^T + b. */
enum {
    SER_ADD = 1, /* y += x W^T + b */
    SER_GELU = 2 /* then y = gelu(y), the exact one: gelu(v) = v (1 + erf(v / sqrt 2)) / 2 */
};

/* The outputs of one panel. x and y have leading dimensions; state is that of the calling thread. */
void ser_linear_panel(const struct ser_linear *l, const struct ser_kernels *k, void *state,
                      int panel, int rows, const float *x, int ldx, int what, float *y, int ldy);

/* y [n] = gelu(y), absolute error below 1e-7 and a unit in the last place. */
void ser_gelu(float *y, size_t n);

#endif
