/* ser-plot on any input, up to the text that gnuplot would be given: gnuplot itself is not started.
 * The first byte of an input chooses the kind and the form. */
#include "bridge/plot.h"

static int script_alone(const struct ser_plot *what, struct ser_picture *out, struct ser_error *e) {
    struct ser_plot_script script;
    if (ser_plot_script(what, &script, e))
        return -1;
    *out = (struct ser_picture){script.text, script.len};
    script.text = NULL;
    ser_plot_script_free(&script);
    return 0;
}

static int tool_main(int argc, char **argv);
#define main          tool_main
#define ser_plot_draw script_alone
#include "../../tools/ser-plot.c"
#undef ser_plot_draw
#undef main
#include "tool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char kind[16], png[] = "--png", *args[5];
    int n = 0;
    if (size < 1)
        return 0;
    strcpy(kind, ser_plot_name[*data % SER_PLOTS]);
    args[n++] = kind;
    if (*data / SER_PLOTS % 2)
        args[n++] = png;
    args[n++] = (char *)fuzz_file(0, data + 1, size - 1);
    args[n] = NULL;
    fuzz_run(args, NULL);
    return 0;
}
