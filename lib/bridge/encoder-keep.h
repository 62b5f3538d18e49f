/* encoder-keep.h - weights that one process packs, and the next ones map (packed.h).
 *
 *   ser_encoder_files_open(&f, folder, &e)
 *   ser_encoder_keep_open(&f, threads)
 *   ser_encoder_files_hash(&f, &hash, &e)        as it is written in the file that is kept
 *   ser_encoder_files_load(&f, last, &e)         made of that file, which is written where there is none
 */
#ifndef SER_ENCODER_KEEP_H
#define SER_ENCODER_KEEP_H

#include "bridge/encoder-files.h"

/* Looks for the file of f's weights; all of them are read, by so many threads. Where nothing can be kept, f stays as
 * it is. */
void ser_encoder_keep_open(struct ser_encoder_files *f, int threads);

/* For ser_encoder_files_load: f->packed has the weights up to hidden state last, every one as it was written. -1: it
 * has not, and cannot be made so. */
int ser_encoder_keep(struct ser_encoder_files *f, int last);

#endif
