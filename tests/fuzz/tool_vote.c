/* ser-vote on any two tables of predictions. The first byte of an input chooses the mean; a form feed stands
 * between the tables. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-vote.c"
#undef main
#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char *first, *second;
    fuzz_two(data + 1, size - 1, &first, &second);
    char log[] = "--log", weights[] = "--weights", ratio[] = "1,0.5";
    switch (*data % 3) {
    case 0:
        return fuzz_run((char *[]){first, second, NULL}, NULL), 0;
    case 1:
        return fuzz_run((char *[]){log, first, second, NULL}, NULL), 0;
    default:
        return fuzz_run((char *[]){weights, ratio, first, second, NULL}, NULL), 0;
    }
}
