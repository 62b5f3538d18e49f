#include "math/rng.h"
#include "nn/layer.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 8

static const struct ser_layer_type *const types[] = {
#define LAYER(name) &ser_layer_##name,
#include "nn/layers/table.h"
};
#define TYPES (sizeof types / sizeof *types)

size_t ser_shape_size(const struct ser_shape *s) {
    size_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= (size_t)s->dim[i];
    return n;
}

int ser_refuse(char why[SER_WHY], const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, SER_WHY, format, ap);
    va_end(ap);
    return -1;
}

void *ser_allocate(size_t bytes) {
    return bytes < SIZE_MAX - 64 ? aligned_alloc(64, (bytes + 64) & ~(size_t)63) : NULL;
}

void *ser_allocate_zeroed(size_t bytes) {
    void *p = ser_allocate(bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

/* ---- words ---- */

int ser_word_number(const char *word, double lo, double hi, double *out) {
    char *end;
    if (strspn(word, "0123456789.eE+-") != strlen(word))
        return -1; /* strtod would take hexadecimal and words */
    *out = strtod(word, &end);
    return end == word || *end || !(*out >= lo && *out <= hi) ? -1 : 0;
}

int ser_word_dims(const char *word, int count, int *dim) {
    for (int i = 0; i < count; i++) {
        char *end;
        if (*word < '1' || *word > '9')
            return -1;
        errno = 0;
        long v = strtol(word, &end, 10);
        if (errno || v > SER_MAX_DIM || *end != (i + 1 < count ? 'x' : '\0'))
            return -1;
        dim[i] = (int)v;
        word = end + 1;
    }
    return 0;
}

int ser_word_options(const char *usage, int n, char **words, int from, int *relu, float *l2,
                     char why[SER_WHY]) {
    for (int i = from; i < n; i++) {
        double v;
        if (relu && !strcmp(words[i], "relu"))
            *relu = 1;
        else if (l2 && !strncmp(words[i], "l2=", 3) && !ser_word_number(words[i] + 3, 0, 1e6, &v))
            *l2 = (float)v;
        else
            return ser_refuse(why, "'%.40s' is not understood; usage: %s", words[i], usage);
    }
    return 0;
}

int ser_need_sequence(const struct ser_layer *l, char why[SER_WHY]) {
    if (l->in.rank != 2)
        return ser_refuse(why, "%s needs a sequence; put 'reshape TxC' before", l->type->name);
    return 0;
}

int ser_param_add(struct ser_net *net, struct ser_layer *l, const char *suffix, int rank,
                  const int *dim, int trained, float l2, char why[SER_WHY]) {
    if (l->params == SER_MAX_PARAMS)
        return ser_refuse(why, "%s has more than %d parameters", l->name, SER_MAX_PARAMS);
    struct ser_param *p = &net->param[net->params];
    if (rank > SER_MAX_PARAM_RANK)
        return ser_refuse(why, "%s.%s has more than %d dimensions", l->name, suffix,
                          SER_MAX_PARAM_RANK);
    if (snprintf(p->name, sizeof p->name, "%s.%s", l->name, suffix) >= (int)sizeof p->name)
        return ser_refuse(why, "the name %s.%s is too long", l->name, suffix);
    p->rank = rank;
    p->n = 1;
    size_t most = SER_MAX_ELEMENTS - ser_net_count(net, NULL);
    for (int i = 0; i < rank; i++) {
        p->dim[i] = dim[i];
        if (dim[i] < 1 || p->n > most / (size_t)dim[i])
            return ser_refuse(why, "with %s the parameters have more than %d elements", p->name,
                              SER_MAX_ELEMENTS);
        p->n *= (size_t)dim[i];
    }
    p->trained = trained;
    p->l2 = l2;
    p->value = ser_allocate_zeroed(p->n * sizeof(float));
    if (!p->value)
        return ser_refuse(why, "not enough memory for %s", p->name);
    net->params++;
    l->params++;
    return 0;
}

/* ---- description ---- */

static void number_layer(const struct ser_net *net, struct ser_layer *l) {
    int same = 1;
    for (int i = 0; i < net->layers; i++)
        same += net->layer[i].type == l->type;
    snprintf(l->name, sizeof l->name, "%s%d", l->type->name, same);
}

static int refuse_unknown(const char *word, char why[SER_WHY]) {
    char all[SER_WHY - 128] = "";
    for (size_t t = 0, n = 0; t < TYPES && n < sizeof all; t++)
        n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", t ? ", " : "", types[t]->name);
    return ser_refuse(why, "there is no layer '%.40s', but: %s", word, all);
}

static int add_layer(struct ser_net *net, int n, char **words, char why[SER_WHY]) {
    if (net->layers == SER_MAX_LAYERS)
        return ser_refuse(why, "more than %d layers", SER_MAX_LAYERS);
    struct ser_layer *l = &net->layer[net->layers];
    for (size_t t = 0; t < TYPES; t++)
        if (!strcmp(words[0], types[t]->name))
            l->type = types[t];
    if (!l->type)
        return refuse_unknown(words[0], why);
    if (l->type->fit && net->layers)
        return ser_refuse(why, "%s must be the first layer", words[0]);
    number_layer(net, l);
    l->index = net->layers;
    l->in = net->layers ? l[-1].out : net->input;
    l->first_param = net->params;
    l->time_in = net->layers ? l[-1].time_out : net->masked ? net->time : -1;
    l->time_out = l->time_in;
    l->per = 1;
    if (l->type->setup(net, l, n, words, why))
        return -1;
    if (l->out.rank == 1)
        l->time_out = -1;
    size_t outputs = 0;
    for (int i = 0; i <= net->layers; i++)
        outputs += ser_shape_size(&net->layer[i].out);
    if (outputs > SER_MAX_ELEMENTS)
        return ser_refuse(why, "with its output the layers' outputs have more than %d elements",
                          SER_MAX_ELEMENTS);
    net->layers++;
    return 0;
}

int ser_steps_after(const struct ser_layer *l, int n) {
    int most = l->time_out < 0 ? 1 : l->out.dim[l->time_out], steps = (n + l->add) / l->per;
    return steps < 1 ? 1 : steps > most ? most : steps;
}

/* The line masked. */
static int mask_net(struct ser_net *net, int n, char why[SER_WHY]) {
    if (n != 1 || net->layers || net->masked)
        return ser_refuse(why, "masked stands alone on the first line");
    if (net->time < 0)
        return ser_refuse(why, "masked needs features that run over time; these do not");
    net->masked = 1;
    return 0;
}

/* Adds the line to the text kept: words with one blank between. */
static void keep_line(struct ser_net *net, int n, char **words) {
    char *end = net->text + strlen(net->text);
    for (int i = 0; i < n; i++)
        end += sprintf(end, "%s%c", words[i], i + 1 < n ? ' ' : '\n');
}

static int parse_line(struct ser_net *net, char *line, char why[SER_WHY]) {
    char *words[MAX_WORDS], *rest = NULL;
    int n = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *w = strtok_r(line, " \t\r", &rest); w; w = strtok_r(NULL, " \t\r", &rest)) {
        if (n == MAX_WORDS)
            return ser_refuse(why, "more than %d words", MAX_WORDS);
        for (char *c = w; *c; c++)
            if (*c < '!' || *c > '~')
                return ser_refuse(why, "a character that is not plain text");
        words[n++] = w;
    }
    if (!n)
        return 0;
    if (strcmp(words[0], "masked") == 0 ? mask_net(net, n, why) : add_layer(net, n, words, why))
        return -1;
    keep_line(net, n, words);
    return 0;
}

/* What is marked is added later. */
static int check_marks(const struct ser_net *net, char why[SER_WHY]) {
    for (int i = 0; i < net->layers; i++) {
        const struct ser_layer *mark = &net->layer[i];
        int used = !mark->type->marks;
        for (int j = i + 1; j < net->layers; j++)
            used |= net->layer[j].marked == mark;
        if (!used)
            return ser_refuse(why, "'mark %.40s' is never added: put 'add %.40s' after it",
                              (const char *)mark->own, (const char *)mark->own);
    }
    return 0;
}

static int parse_text(struct ser_net *net, char *text, size_t len, char why[SER_WHY]) {
    int number = 1;
    for (char *line = text, *end = text + len; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            stop = end;
        *stop = '\0';
        char reason[SER_WHY];
        if (strlen(line) != (size_t)(stop - line))
            return ser_refuse(why, "line %d: a zero byte", number);
        if (parse_line(net, line, reason))
            return ser_refuse(why, "line %d: %.450s", number, reason);
        line = stop + 1;
    }
    if (!net->layers)
        return ser_refuse(why, "no layer in the description");
    if (check_marks(net, why))
        return -1;
    const struct ser_shape *out = &net->layer[net->layers - 1].out;
    if (out->rank != 1 || out->dim[0] != net->classes)
        return ser_refuse(why,
                          "the last layer must give one number for each of the %d classes: "
                          "end with 'dense classes'",
                          net->classes);
    return 0;
}

static int check_input(const struct ser_input *in, char why[SER_WHY]) {
    const int *d = in->shape.dim, rank = in->shape.rank;
    size_t size = 1;
    int bad = rank < 1 || rank > 3 || in->time >= rank || in->rank > rank || in->rank < rank - 1;
    for (int i = 0; i < rank && !bad; i++) {
        bad = d[i] < 1 || d[i] > SER_MAX_DIM || size > SER_MAX_ELEMENTS / (size_t)d[i];
        size *= (size_t)d[i];
    }
    if (!bad)
        return 0;
    return rank < 2 ? ser_refuse(why, "an input of %d is out of range", d[0])
                    : ser_refuse(why, "an input of %d x %d is out of range", d[0], d[1]);
}

struct ser_net *ser_net_parse(const char *text, size_t len, int rows, int frames, int classes,
                              char why[SER_WHY]) {
    const struct ser_input image = {{3, {rows, frames, 1}}, 1, 2};
    return ser_net_build(text, len, &image, classes, why);
}

struct ser_net *ser_net_build(const char *text, size_t len, const struct ser_input *input,
                              int classes, char why[SER_WHY]) {
    if (check_input(input, why))
        return NULL;
    if (classes < 1 || classes > SER_MAX_CLASSES) {
        ser_refuse(why, "%d classes are out of range: 1 to %d", classes, SER_MAX_CLASSES);
        return NULL;
    }
    struct ser_net *net = calloc(1, sizeof *net);
    char *copy = len < SIZE_MAX - 2 ? malloc(len + 1) : NULL;
    if (net)
        net->text =
            len < SIZE_MAX - 2 ? calloc(1, len + 2) : NULL; /* + a newline for the last line */
    if (!net || !copy || !net->text) {
        ser_refuse(why, "not enough memory for the description");
        free(copy);
        ser_net_free(net);
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    net->input = input->shape;
    net->time = input->time;
    net->rank = input->rank;
    net->classes = classes;
    net->temperature = 1;
    int bad = parse_text(net, copy, len, why);
    free(copy);
    if (bad) {
        ser_net_free(net);
        return NULL;
    }
    return net;
}

void ser_net_free(struct ser_net *net) {
    if (!net)
        return;
    for (int i = 0; i < net->params; i++)
        free(net->param[i].value);
    for (int i = 0; i <= net->layers && i < SER_MAX_LAYERS; i++) /* one may be half set up */
        free(net->layer[i].own);
    free(net->text);
    free(net);
}

size_t ser_net_count(const struct ser_net *net, size_t *trained) {
    size_t all = 0, some = 0;
    for (int i = 0; i < net->params; i++) {
        all += net->param[i].n;
        some += net->param[i].trained ? net->param[i].n : 0;
    }
    if (trained)
        *trained = some;
    return all;
}

const struct ser_layer *ser_net_mixes(const struct ser_net *net) {
    for (const struct ser_layer *l = net->layer; l < net->layer + net->layers; l++)
        if (l->type == &ser_layer_reshape && l->in.rank == 3 && l->in.dim[0] > 1 &&
            l->out.rank == 2)
            return l;
    return NULL;
}

double ser_net_penalty(const struct ser_net *net) {
    double sum = 0;
    for (int i = 0; i < net->params; i++) {
        const struct ser_param *p = &net->param[i];
        double squares = 0;
        for (size_t j = 0; p->l2 > 0 && j < p->n; j++)
            squares += (double)p->value[j] * p->value[j];
        sum += p->l2 * squares;
    }
    return sum;
}

/* ---- initial values ---- */

struct ser_key ser_param_key(const struct ser_param *p, uint64_t seed) {
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a of the name */
    for (const char *c = p->name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
    return ser_key(seed, SER_PURPOSE_INIT, hash, 0);
}

void ser_init_constant(struct ser_param *p, float value) {
    for (size_t i = 0; i < p->n; i++)
        p->value[i] = value;
}

void ser_init_glorot(struct ser_param *p, uint64_t seed, double fan_in, double fan_out) {
    struct ser_key key = ser_param_key(p, seed);
    double limit = sqrt(6 / (fan_in + fan_out));
    for (size_t i = 0; i < p->n; i++)
        p->value[i] = (float)((2 * ser_uniform(key, i) - 1) * limit);
}

void ser_net_init(struct ser_net *net, uint64_t seed) {
    for (int i = 0; i < net->layers; i++) {
        const struct ser_layer *l = &net->layer[i];
        if (l->type->init)
            l->type->init(l, net->param + l->first_param, seed);
    }
}
