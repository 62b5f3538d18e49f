/* ser-report on a study of two runs: form feeds cut an input into their predictions, and a log, the
 * manifest, certificate and options of a split, the results of a search, and a model, which may hold
 * form feeds. What is empty is not there; with results it is a search, whose winner is the first run. gnuplot is not started: pictures are made up to the text that it would be given. */
#include "bridge/plot.h"

/* Fuzzed paths would lead the wave to any file of this machine; tool_plot fuzzes it. */
static int no_wave(const struct ser_plot *what, struct ser_plot_script *script,
                   struct ser_error *e) {
    *script = (struct ser_plot_script){0};
    return what->kind == SER_PLOT_WAVE ? 0 : ser_plot_script(what, script, e);
}

static int no_picture(const struct ser_plot *what, const struct ser_plot_script *script,
                      struct ser_picture *out, struct ser_error *e) {
    (void)what;
    (void)script;
    (void)e;
    *out = (struct ser_picture){0};
    return 0;
}

static int no_version(char *to, size_t size, struct ser_error *e) {
    (void)size;
    *e = (struct ser_error){0};
    *to = '\0';
    return 0;
}

static int one_core(void) {
    return 1;
}

static int tool_main(int argc, char **argv);
#define main                             tool_main
#define ser_plot_script(what, script, e) no_wave(what, script, e)
#define ser_plot_run                     no_picture
#define ser_plot_version                 no_version
#define ser_cores                        one_core
#include "../../tools/ser-report.c"
#undef ser_cores
#undef ser_plot_version
#undef ser_plot_run
#undef ser_plot_script
#undef main
#include "tool.h"

static char folder[] = "/tmp/ser-fuzz-XXXXXX", split[64];

/* The names of the parts below the split's folder, in the order of the input. */
static const char *const part[] = {
    "net.1/predictions.tsv", "net.2/predictions.tsv", "net.1/log.tsv",      "manifest.tsv",
    "certificate.tsv",       "options/split",         "../../s/search.tsv", "net.1/model.bin"};
enum { PARTS = sizeof part / sizeof *part, RESULTS = PARTS - 2 };

static void remove_folder(void) {
    static const char *const inside[] = {"net.1", "net.2", "options", ""};
    char path[128];
    for (int i = 0; i < PARTS; i++) {
        snprintf(path, sizeof path, "%s/%s", split, part[i]);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", split, inside[i]);
        rmdir(path);
    }
    static const char *const around[] = {"search.txt", "s/final"};
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, around[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/s", folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/split", folder);
    rmdir(path);
    rmdir(folder);
}

static void make_folder(void) {
    static const char *const inside[] = {"split",
                                         "split/<fold>1",
                                         "split/<fold>1/net.1",
                                         "split/<fold>1/net.2",
                                         "split/<fold>1/options",
                                         "s"};
    char path[128];
    if (*split)
        return;
    if (!mkdtemp(folder))
        abort();
    snprintf(split, sizeof split, "%s/split/<fold>1", folder);
    atexit(remove_folder);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, inside[i]);
        if (mkdir(path, 0700))
            abort();
    }
    snprintf(path, sizeof path, "%s/s/final", folder);
    if (symlink("../split/<fold>1/net.1", path))
        abort();
}

/* Part number i, which is not there if it is empty. */
static void put_part(int i, const uint8_t *data, size_t size) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", split, part[i]);
    unlink(path);
    if (size && symlink(fuzz_file(i, data, size), path))
        abort();
    if (i == RESULTS) {
        snprintf(path, sizeof path, "%s/search.txt", folder);
        unlink(path);
        if (size && symlink("/dev/null", path))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    make_folder();
    for (int i = 0; i < PARTS; i++) {
        const uint8_t *feed = i < PARTS - 1 ? memchr(data, '\f', size) : NULL;
        size_t n = feed ? (size_t)(feed - data) : size;
        put_part(i, data, n);
        data += n + (feed != NULL);
        size -= n + (feed != NULL);
    }
    fuzz_run((char *[]){folder, NULL}, NULL);
    return 0;
}
