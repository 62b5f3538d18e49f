/* ser-eval on any predictions. The first byte of an input chooses the form of the result and
 * whether two files are compared, which a form feed then separates. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-eval.c"
#undef main
#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    const uint8_t *from = data + 1, *feed = memchr(from, '\f', size - 1);
    size_t n = feed ? (size_t)(feed - from) : size - 1;
    char *a = (char *)fuzz_file(0, from, n);
    char *b = (char *)fuzz_file(1, feed ? feed + 1 : from, feed ? size - n - 2 : n);
    char draws[] = "--draws=100", tsv[] = "--tsv", json[] = "--json", against[] = "--against";
    char *form = *data % 3 == 0 ? draws : *data % 3 == 1 ? tsv : json;
    switch (*data / 3 % 3) {
    case 0:
        return fuzz_run((char *[]){draws, form, a, NULL}, NULL), 0;
    case 1:
        return fuzz_run((char *[]){draws, form, a, b, NULL}, NULL), 0;
    default:
        return fuzz_run((char *[]){draws, form, against, b, a, NULL}, NULL), 0;
    }
}
