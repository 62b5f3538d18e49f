/* Whatever bytes come, they are a checkpoint of the training at hand, from which it can go on, or
 * refused. Inputs start from one that the library wrote. */
#include <sys/stat.h>

#include "bridge/training.h"
#include "file.h"
#include "forward.h"
#include "seal.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ser_training training;
static uint8_t good[1 << 14];
static size_t good_size;

static void begin(void) {
    if (ser_fit_new(&training.fit, training.model.net, &training.o.fit))
        abort();
}

static void end(void) {
    ser_fit_free(&training.fit, training.model.net);
    free(training.history);
    training.history = NULL;
    training.history_cap = 0;
}

static void write_good(void) {
    struct ser_error e;
    char path[] = "/tmp/ser-fuzz-XXXXXX";
    int fd = mkstemp(path);
    begin();
    training.history = calloc(2, sizeof *training.history);
    training.history_cap = 2;
    if (fd < 0 || !training.history)
        abort();
    training.history[0] = (struct ser_epoch){.epoch = 1, .lr = 0.1, .improved = 1};
    training.history[1] = (struct ser_epoch){.epoch = 2, .lr = 0.1, .stopped = 1};
    training.fit.epoch = 2;
    training.fit.best_epoch = 1;
    training.fit.adam.steps = 4;
    if (ser_checkpoint_save(&training, path, &e))
        abort();
    end();
    FILE *f = fopen(path, "r");
    if (!f)
        abort();
    good_size = fread(good, 1, sizeof good, f);
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
    training.o = ser_training_defaults;
    training.o.fit = (struct ser_fit_options){.epochs = 9, .batch = 2, .lr = 0.1, .ema = 0.5};
    ser_attr_set(&training.identity, "kind", "model");
    ser_attr_set(&training.identity, "feat.rows", "2");
    ser_attr_set(&training.identity, "train.seed", "1");
    if (ser_model_new(&training.model, net, sizeof net - 1, "net", 2, (int[]){2, 2}, class, 2,
                      &training.identity, &e))
        abort();
    ser_attrs_copy(&training.identity, &training.model.header);
    write_good();
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    if (size < 64 && good_size <= max)
        memcpy(data, good, size = good_size);
    return fuzz_mutate_stream(data, size, max, seed, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ser_error e = {0};
    begin();
    const struct ser_fit *fit = &training.fit;
    if (ser_checkpoint_load(&training, fuzz_file(0, data, size), &e)) {
        if (e.status != SER_BAD)
            abort();
    } else {
        if (fit->epoch < 1 || training.history[fit->epoch - 1].epoch != fit->epoch ||
            fit->best_epoch > fit->epoch)
            abort();
        fuzz_forward(training.model.net, 1);
        struct ser_epoch log = {.epoch = fit->epoch + 1, .lr = fit->lr};
        ser_fit_judge(&training.fit, &training.o.fit, &log);
    }
    end();
    return 0;
}
