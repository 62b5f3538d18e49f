/* head.h - what published models have on top of a pretrained encoder: from the means of its hidden states over
 * the frames of a recording to classes, or to numbers. Pure.
 *
 *   classes  ...ForSequenceClassification of transformers 4.52 (models/{wav2vec2,hubert,wavlm}): x is the last
 *            hidden state, or the sum of all, weighted by a softmax of weight; the mean over frames of
 *            U x + u; and y = V of it + v, logits
 *   numbers  audeering's regression (the model card of wav2vec2-large-robust-12-ft-emotion-msp-dim): m is the
 *            mean over frames of the last hidden state; y = V tanh(U m + u) + v
 *
 * The mean of products is the product with the mean, so that means over frames are all that either needs.
 */
#ifndef SER_HEAD_H
#define SER_HEAD_H

struct ser_head {
    int numbers; /* 1: numbers; 0: classes */
    int states;  /* hidden states that it takes: all of them, or 1, the last */
    int width, inner, outputs;
    float *weight; /* [states]; NULL where it takes one */
    float *U, *u;  /* [inner,width], [inner] */
    float *V, *v;  /* [outputs,inner], [outputs] */
};

/* mean [states,width] -> y [outputs], the same bytes on every machine. work is [width + inner]. Sums are in double
 * precision. */
void ser_head_run(const struct ser_head *h, const float *mean, float *work, float *y);

/* Frees all the arrays. */
void ser_head_free(struct ser_head *h);

#endif
