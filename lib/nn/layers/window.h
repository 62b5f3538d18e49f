/* window.h - where the windows of a convolution or a pooling stand; for the files of lib/nn only.
 *
 * Windows of kh x kw places each, sh x sw places apart, over an image [H,W,C]; a sequence [T,C] has
 * windows of kh steps, sh apart, and counts as an image [T,1,C].
 *
 *   valid   without padding: H' = (H - kh) / sh + 1, rounded down
 *   same    H' = H / sh rounded up; the zeros that are missing stand around, the odd one behind, as
 *           in Keras (and in PyTorch, whose "same" knows stride 1 alone). In a masked network, over
 *           time, as many stand before as for a multiple of sh
 */
#ifndef SER_NN_WINDOW_H
#define SER_NN_WINDOW_H

#include "nn/layer.h"

/* What the words of a layer's line ask for. */
struct ser_window {
    int same, stride[2];
};

#define SER_WINDOW_USAGE "[same|valid] [stride=HxW]"

/* Takes a word "same", "valid", "stride=HxW" ("stride=N" for a sequence); -1: it is none. */
int ser_window_word(struct ser_window *w, const struct ser_layer *l, const char *word);

/* Sets the layer's kh, kw, sh, sw, top, left, and its output with so many channels. size: kh and kw,
 * of a sequence kh alone. */
int ser_window_place(struct ser_layer *l, const struct ser_window *w, const int *size, int channels,
                     char why[SER_WHY]);

/* H, W and channels of an input or output, with a sequence as an image. */
struct ser_plane {
    int H, W, C;
};
struct ser_plane ser_plane(const struct ser_shape *s);

/* What place k of the kernel (row k / kw, column k % kw) reads for the output at (h, w): the index of
 * its first channel in a sample, whose input is in; -1 in the padding. */
ptrdiff_t ser_window_source(const struct ser_layer *l, const struct ser_plane *in, int h, int w,
                            int k);

/* Whether each place has one window, which begins there, and none needs padding. */
int ser_window_simple(const struct ser_layer *l);

/* What ONNX wants to know of the windows: strides and pads where they are not 1 and 0, groups where
 * there are more than one, kernel_shape where groups is 0 (a pooling). */
struct ser_window_export {
    int kernel[2], strides[2], pads[4];
    struct ser_graph_attribute attribute[5];
};
void ser_window_export(const struct ser_layer *l, int groups, struct ser_window_export *e);

/* A convolution as ONNX has it, its max(0, .) too: w [kh,kw,C/G,F], G groups, F filters; b [F]. 0, or -1
 * without memory. */
int ser_window_export_conv(struct ser_graph *g, const struct ser_layer *l, int groups, int filters,
                           const struct ser_param *w, const struct ser_param *b);

#endif
