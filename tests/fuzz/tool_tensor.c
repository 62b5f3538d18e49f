/* ser-tensor's commands on any stream. The first byte of an input chooses one. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-tensor.c"
#undef main
#include "seal.h"
#include "tool.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    return fuzz_mutate_stream(data, size, max, seed, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const line[][3] = {
        {"ls"},
        {"ls", "--header"},
        {"ls", "--columns=emotion,aug"},
        {"cat"},
        {"head", "-n1"},
        {"npy"},
        {"npz"},
        {"ark"},
        {"text"},
        {"text", "--transpose"},
        {"ark", "-T"},
        {"check"},
        {"npy", "-k", "a"},
        {"cat", "-m", "*[a-c]?*"},
        {"pad", "--frames=3"},
        {"from-ark"},
        {"from-csv"},
        {"from-csv", "--axes=time,channels"},
        {"stats", "--by=all", "--recordings=2"},
        {"normalize", "--by=speaker", "--leave-out=1"},
        {"normalize", "--by=all"},
    };
    char word[3][32], *args[5];
    int n = 0;
    if (size < 1)
        return 0;
    const char *const *l = line[*data % (sizeof line / sizeof *line)];
    for (; n < 3 && l[n]; n++) {
        strcpy(word[n], l[n]);
        args[n] = word[n];
    }
    args[n++] = (char *)fuzz_file(0, data + 1, size - 1);
    args[n] = NULL;
    fuzz_run(args, NULL);
    return 0;
}
