/* ser-export on any model. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-export.c"
#undef main
#include "seal.h"
#include "tool.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char onnx[] = "--onnx";
    fuzz_run((char *[]){onnx, (char *)fuzz_file(0, data, size), NULL}, NULL);
    return 0;
}
