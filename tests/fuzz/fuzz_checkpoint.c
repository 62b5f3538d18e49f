/* Whatever bytes come, they are a checkpoint of the training at hand, from which it can go on, or
 * refused. Inputs start from one that the library wrote. */
#include <sys/stat.h>

#include "bridge/model.h"
#include "file.h"
#include "forward.h"
#include "seal.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct ser_model model;
    struct ser_fit_options options;
    struct ser_attrs header;
    uint8_t good[1 << 14];
    size_t good_size;
} training;

static void write_good(void) {
    struct ser_fit fit;
    const struct ser_epoch history[2] = {{.epoch = 1, .lr = 0.1, .improved = 1},
                                         {.epoch = 2, .lr = 0.1, .stopped = 1}};
    char path[] = "/tmp/ser-fuzz-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || ser_fit_new(&fit, training.model.net, &training.options))
        abort();
    fit.epoch = 2;
    fit.best_epoch = 1;
    fit.adam.steps = 4;
    ser_checkpoint_save(&training.model, &fit, history, &training.header, path);
    ser_fit_free(&fit, training.model.net);
    FILE *f = fopen(path, "r");
    if (!f)
        abort();
    training.good_size = fread(training.good, 1, sizeof training.good, f);
    fclose(f);
    close(fd);
    unlink(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static const char net[] = "standardize\nconv 1 2x2 relu\nbatchnorm\nreshape 1x1\nlstm 1\nlast\n"
                              "dense classes\n";
    struct ser_error e;
    char a[] = "a", b[] = "b", *class[] = {a, b};
    (void)argc;
    (void)argv;
    training.options = (struct ser_fit_options){.epochs = 9, .batch = 2, .lr = 0.1};
    ser_attr_set(&training.header, "kind", "model");
    ser_attr_set(&training.header, "feat.rows", "2");
    ser_attr_set(&training.header, "train.seed", "1");
    if (ser_model_new(&training.model, net, sizeof net - 1, "net", 2, 2, class, 2, &training.header,
                      &e))
        abort();
    ser_attrs_copy(&training.header, &training.model.header);
    write_good();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    if (size < 64 && training.good_size <= max)
        memcpy(data, training.good, size = training.good_size);
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_fit fit;
    struct ser_epoch *history;
    struct ser_error e = {0};
    if (ser_fit_new(&fit, training.model.net, &training.options))
        abort();
    if (ser_checkpoint_load(&training.model, &fit, &history, &training.header,
                            fuzz_file(0, data, size), &e)) {
        if (e.status != SER_BAD || history)
            abort();
    } else {
        if (fit.epoch < 1 || history[fit.epoch - 1].epoch != fit.epoch ||
            fit.best_epoch > fit.epoch)
            abort();
        fuzz_forward(training.model.net, 1);
        struct ser_epoch log = {.epoch = fit.epoch + 1, .lr = fit.lr};
        ser_fit_judge(&fit, &training.options, &log);
    }
    free(history);
    ser_fit_free(&fit, training.model.net);
    return 0;
}
