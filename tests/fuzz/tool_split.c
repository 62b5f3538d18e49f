/* ser-split on any manifest, and any list of speakers or folds. The first byte of an input chooses
 * the way to split, to make folds, or the certificate; a form feed stands between manifest and list. */
static int tool_main(int argc, char **argv);
#define main tool_main
#include "../../tools/ser-split.c"
#undef main
#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char *manifest, *list;
    fuzz_two(data + 1, size - 1, &manifest, &list);
    char speakers[] = "--speakers", folds[] = "--folds", fold[] = "--fold", two[] = "2",
         leave[] = "--leave-out", one[] = "ravdess_01", random[] = "--random",
         percent[] = "70/15/15", certificate[] = "--certificate", make[] = "--make-folds",
         three[] = "3", group[] = "--group", sex[] = "sex";
    switch (*data % 7) {
    case 0:
        return fuzz_run((char *[]){speakers, list, manifest, NULL}, NULL), 0;
    case 1:
        return fuzz_run((char *[]){folds, list, fold, two, manifest, NULL}, NULL), 0;
    case 2:
        return fuzz_run((char *[]){leave, one, manifest, NULL}, NULL), 0;
    case 3:
        return fuzz_run((char *[]){random, percent, manifest, NULL}, NULL), 0;
    case 4:
        return fuzz_run((char *[]){certificate, manifest, NULL}, NULL), 0;
    case 5:
        return fuzz_run((char *[]){certificate, group, sex, manifest, NULL}, NULL), 0;
    default:
        return fuzz_run((char *[]){make, three, manifest, NULL}, NULL), 0;
    }
}
