/* ser-eval on any predictions. The first byte of an input chooses the form of the result and
 * whether two files are compared, or one is the truth of the other, which a form feed then separates. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-eval.c"
#undef main
#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char *a, *b;
    fuzz_two(data + 1, size - 1, &a, &b);
    char draws[] = "--draws=100", tsv[] = "--tsv", json[] = "--json", against[] = "--against";
    char over[] = "--over-time";
    char *form = *data % 3 == 0 ? draws : *data % 3 == 1 ? tsv : json;
    switch (*data / 3 % 4) {
    case 0:
        return fuzz_run((char *[]){draws, form, a, NULL}, NULL), 0;
    case 1:
        return fuzz_run((char *[]){draws, form, a, b, NULL}, NULL), 0;
    case 2:
        return fuzz_run((char *[]){draws, form, against, b, a, NULL}, NULL), 0;
    default:
        return fuzz_run((char *[]){draws, form, over, b, a, NULL}, NULL), 0;
    }
}
