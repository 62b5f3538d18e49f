/* Whatever bytes come, they describe a network within the limits, which reads the same again and
 * runs when it is small; or they are refused with a reason. The first three bytes are the shape of
 * the input and the number of classes. */
#include <stdint.h>

#include "forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int true_) {
    if (!true_)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char why[SER_WHY] = "";
    if (size < 3)
        return 0;
    int rows = data[0], frames = data[1], classes = data[2];
    const char *text = (const char *)data + 3;
    struct ser_net *net = ser_net_parse(text, size - 3, rows, frames, classes, why);
    if (!net) {
        expect(*why && memchr(why, '\0', sizeof why) != NULL);
        return 0;
    }
    expect(net->layers >= 1 && net->layers <= SER_MAX_LAYERS && strlen(net->text) <= size);
    expect(ser_net_count(net, NULL) <= SER_MAX_ELEMENTS);
    struct ser_net *again = ser_net_parse(net->text, strlen(net->text), rows, frames, classes, why);
    expect(again && !strcmp(again->text, net->text) && again->params == net->params);
    ser_net_free(again);
    if (fuzz_is_small(net)) {
        ser_net_init(net, 1);
        fuzz_forward(net, 1);
    }
    ser_net_free(net);
    return 0;
}
