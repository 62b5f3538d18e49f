/* ser-view on any table of predictions. The first byte of an input chooses what becomes of it. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-view.c"
#undef main
#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char *table = (char *)fuzz_file(0, data + 1, size - 1);
    char smooth[] = "--smooth=2", hold[] = "--hold", json[] = "--json", span[] = "--span=9";
    char large[] = "--picture=80x24", small[] = "--picture=9x5";
    switch (*data % 5) {
    case 0:
        return fuzz_run((char *[]){table, NULL}, NULL), 0;
    case 1:
        return fuzz_run((char *[]){smooth, hold, table, NULL}, NULL), 0;
    case 2:
        return fuzz_run((char *[]){json, hold, NULL}, table), 0;
    case 3:
        return fuzz_run((char *[]){large, smooth, table, NULL}, NULL), 0;
    default:
        return fuzz_run((char *[]){small, span, table, NULL}, NULL), 0;
    }
}
