/* ser-mfcc on any standard input: audio of any format, or a stream of audio. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-mfcc.c"
#undef main
#include "seal.h"
#include "tool.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char jobs[] = "--jobs=1", window[] = "--window=64", hop[] = "--hop=64", bands[] = "--bands=8",
         coefs[] = "--coefs=4", frames[] = "--frames=4", trim[] = "--trim=30:0.01",
         pad[] = "--pad=floor", normalize[] = "--normalize=utterance",
         append[] = "--append=energy,f0,voicing";
    fuzz_run(
        (char *[]){jobs, window, hop, bands, coefs, frames, trim, pad, normalize, append, NULL},
        fuzz_file(0, data, size));
    return 0;
}
