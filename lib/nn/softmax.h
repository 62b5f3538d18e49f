/* softmax.h - for the files of lib/nn only. */
#ifndef SER_NN_SOFTMAX_H
#define SER_NN_SOFTMAX_H

#include <stddef.h>

/* Each row of x [rows,n] becomes e^x / sum e^x, in place. */
void ser_softmax(float *x, size_t rows, int n);

#endif
