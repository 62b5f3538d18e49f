/* encoder-files.h - a pretrained encoder in a folder, as its makers publish it for the transformers
 * library:
 *
 *   config.json                what the network is
 *   preprocessor_config.json   what it hears
 *   model.safetensors          its weights; or several such files that model.safetensors.index.json
 *                              names; or, where there are neither, pytorch_model.bin
 *
 * What is not an encoder's (a decoder, a head) is left alone. What would change the numbers and is not
 * known here is refused by name.
 */
#ifndef SER_ENCODER_FILES_H
#define SER_ENCODER_FILES_H

#include "bridge/packed.h"
#include "bridge/tensors.h"
#include "core/out.h"
#include "nn/encoder.h"

struct ser_encoder_files {
    const char *folder; /* borrowed */
    struct ser_encoder_shape shape;
    struct ser_weight *weight; /* [weights] that the encoder needs; owned */
    int weights;
    struct ser_tensors tensors;
    const char *prefix; /* of the encoder's names among them; a constant */
    char name[48];      /* family and size: whisper-base; whisper-2x16 for 2 layers of width 16 */
    /* Set by ser_encoder_keep_open: */
    int keep;                 /* threads that check what is kept; 0: nothing is */
    struct ser_packed packed; /* what is mapped, if anything; owned */
    uint64_t key[2];          /* of these weights, see packed.h */
};

/* Reads the two JSON files, maps the weights, and checks that every tensor of the encoder is there, in
 * its shape and of a type that can be read. 0; or -1 with e set (SER_SYS: something cannot be opened;
 * SER_BAD), and nothing to close. */
int ser_encoder_files_open(struct ser_encoder_files *f, const char *folder,
                           struct ser_error *e) SER_MUST_CHECK;
void ser_encoder_files_close(struct ser_encoder_files *f);

/* The encoder's identity: XXH3-64 over the values of all its tensors, each widened to single precision
 * (little-endian), in the order of their names. So it is that of the values, however they are stored.
 * 0, or -1 with e set (SER_BAD: a value that is not finite). */
int ser_encoder_files_hash(const struct ser_encoder_files *f, uint64_t *hash,
                           struct ser_error *e) SER_MUST_CHECK;

/* Writes the weights of the encoder alone, and of a head (encoder-head.h), as model.safetensors, in half
 * precision where that loses no bit: beside the same two JSON files they are the same encoder. 0; or -1 with e set. */
int ser_encoder_files_write(const struct ser_encoder_files *f, struct ser_out *o,
                            struct ser_error *e) SER_MUST_CHECK;

/* The tensor that is this weight. */
const struct ser_tensor *ser_encoder_files_tensor(const struct ser_encoder_files *f,
                                                  const struct ser_weight *w);

/* The encoder up to hidden state last, 0..layers, of the files alone; they are not needed afterwards. NULL with e set. */
struct ser_encoder *ser_encoder_files_pack(const struct ser_encoder_files *f, int last,
                                           struct ser_error *e) SER_MUST_CHECK;

/* The same, of what is kept, if anything; then the files stay open as long as it. NULL with e set. */
struct ser_encoder *ser_encoder_files_load(struct ser_encoder_files *f, int last,
                                           struct ser_error *e) SER_MUST_CHECK;

#endif
