/* A table with an option of every kind on any command line: words end with a newline. What is taken
 * keeps to its range. */
#include <stdlib.h>
#include <string.h>

#include "core/opt.h"

static struct {
    int flag, quiet;
    int64_t count;
    double real, range[2], list[3];
    const char *text, *choice;
} opt = {.count = 5, .real = 0.5, .range = {1, 0}};

static const struct ser_opt options[] = {
    {'f', "flag", SER_OPT_FLAG, &opt.flag, 0, 0, NULL, "on"},
    {'q', "quiet", SER_OPT_FLAG, &opt.quiet, 0, 0, NULL, "no progress line"},
    {'n', "count", SER_OPT_INT, &opt.count, -3, 0x1p53, "N", "a number"},
    {'x', "real", SER_OPT_REAL, &opt.real, -1, 1, "X", "a real"},
    {0, "range", SER_OPT_RANGE, &opt.range, 0, 100, "A:B", "from, to"},
    {'l', "list", SER_OPT_LIST, &opt.list, -1, 9, "A:B:C", "three"},
    {'t', "text", SER_OPT_TEXT, &opt.text, 0, 0, "TEXT", "anything"},
    {0, "choice", SER_OPT_CHOICE, &opt.choice, 0, 0, "one|two|three", "a word"},
    {0, "real-long-name-of-an-option", SER_OPT_FLAG, &opt.flag, 0, 0, NULL, "long"},
    {0}};

static const struct ser_tool tool = {"[FILE...]", "takes options", options, "That is all."};

static int tool_main(int argc, char **argv) {
    int first = ser_options(argc, argv, &tool);
    if (first < 1 || first > argc || opt.count < -3 || opt.count > (int64_t)0x1p53 ||
        !(opt.real >= -1 && opt.real <= 1) || opt.flag < 0 || opt.flag > 1)
        abort();
    if (opt.range[0] <= opt.range[1] ? opt.range[0] < 0 || opt.range[1] > 100
                                     : opt.range[0] != 1 || opt.range[1] != 0)
        abort();
    for (int i = 0; i < 3; i++)
        if (!(opt.list[i] >= -1 && opt.list[i] <= 9))
            abort();
    if (opt.choice && strcmp(opt.choice, "one") && strcmp(opt.choice, "two") &&
        strcmp(opt.choice, "three"))
        abort();
    return SER_OK;
}

#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char text[4096], *args[64], *save;
    int n = 0;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *w = strtok_r(text, "\n", &save); w && n < 60; w = strtok_r(NULL, "\n", &save))
        args[n++] = w;
    args[n] = NULL;
    fuzz_run(args, NULL);
    return 0;
}
