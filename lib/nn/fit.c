/* Training over epochs. What Keras 3 does, and so this:
 *
 *   ModelCheckpoint     on val_accuracy, val_recall (strictly greater than the best) or val_loss
 *                       (strictly smaller), or of the last epoch.
 *   EarlyStopping       on val_loss, min_delta 0: each epoch wait grows, an improvement sets it to
 *                       zero; the fit ends when wait reaches patience, not in the first epoch.
 *   ReduceLROnPlateau   on val_loss, min_delta 1e-4, no cooldown: at lr_patience epochs without
 *                       improvement the rate is multiplied by lr_factor, not below min_lr, and the
 *                       wait starts anew.
 *
 * The first value always improves. Losses include the penalty, as it was before each step.
 */
#include "math/mathfun.h"
#include "math/metrics.h"
#include "math/simd.h"
#include "nn/layer.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLATEAU_DELTA 1e-4

static void free_values(float **value, const struct ser_net *net) {
    for (int i = 0; value && i < net->params; i++)
        free(value[i]);
    free(value);
}

/* Zeros for each parameter, or NULL for those that are not trained; NULL without memory. */
static float **new_values(const struct ser_net *net, int trained) {
    float **value = calloc((size_t)net->params + 1, sizeof *value);
    for (int i = 0; value && i < net->params; i++) {
        if (trained && !net->param[i].trained)
            continue;
        value[i] = ser_allocate_zeroed(net->param[i].n * sizeof(float));
        if (!value[i]) {
            free_values(value, net);
            return NULL;
        }
    }
    return value;
}

int ser_fit_new(struct ser_fit *f, const struct ser_net *net, const struct ser_fit_options *o) {
    *f = (struct ser_fit){
        .lr = o->lr, .best_kept = -INFINITY, .best_loss = INFINITY, .plateau_best = INFINITY};
    if (ser_adam_new(&f->adam, net))
        return -1;
    f->adam.decay = o->decay;
    f->best = new_values(net, 0);
    f->average = o->ema > 0 || o->last ? new_values(net, 1) : NULL;
    int bad = !f->best || ((o->ema > 0 || o->last) && !f->average);
    if (bad)
        ser_fit_free(f, net);
    return bad ? -1 : 0;
}

void ser_fit_free(struct ser_fit *f, const struct ser_net *net) {
    free_values(f->best, net);
    free_values(f->average, net);
    ser_adam_free(&f->adam, net);
    *f = (struct ser_fit){0};
}

/* The larger it is, the rather an epoch is kept. */
static double worth_of(const struct ser_epoch *log, enum ser_keep keep) {
    return keep == SER_KEEP_ACCURACY ? log->val_accuracy
           : keep == SER_KEEP_RECALL ? log->val_recall
           : keep == SER_KEEP_LOSS   ? -log->val_loss
                                     : log->epoch;
}

void ser_fit_judge(struct ser_fit *f, const struct ser_fit_options *o, struct ser_epoch *log) {
    double worth = worth_of(log, o->keep);
    f->epoch = log->epoch;
    log->improved = worth > f->best_kept;
    if (log->improved) {
        f->best_kept = worth;
        f->best_epoch = log->epoch;
    }

    f->wait++;
    if (log->val_loss < f->best_loss) {
        f->best_loss = log->val_loss;
        f->wait = 0;
    } else if (o->patience && f->wait >= o->patience && log->epoch > 1) {
        f->stopped = 1;
    }
    log->stopped = f->stopped;

    log->reduced = 0;
    if (o->schedule != SER_PLATEAU)
        return;
    if (log->val_loss + PLATEAU_DELTA < f->plateau_best) {
        f->plateau_best = log->val_loss;
        f->plateau_wait = 0;
    } else if (++f->plateau_wait >= o->lr_patience && o->lr_patience && f->lr > o->min_lr) {
        f->lr = f->lr * o->lr_factor > o->min_lr ? f->lr * o->lr_factor : o->min_lr;
        f->plateau_wait = 0;
        log->reduced = 1;
    }
}

/* The learning rate of an epoch, from 1; the plateau's own is kept in f. */
static double rate_of(const struct ser_fit *f, const struct ser_fit_options *o, int epoch) {
    double lr = f->lr;
    double horizon = (double)(o->horizon ? o->horizon : o->epochs);
    if (o->schedule == SER_STEP && o->lr_patience)
        for (int e = o->lr_patience; e < epoch && lr > o->min_lr; e += o->lr_patience)
            lr *= o->lr_factor;
    if (o->schedule == SER_STEP && lr < o->min_lr)
        lr = o->min_lr;
    if (o->schedule == SER_COSINE)
        lr = o->min_lr + (lr - o->min_lr) * (1 + ser_cos_turns((epoch - 1) / (2 * horizon))) / 2;
    return epoch <= o->warmup ? lr * epoch / (o->warmup + 1) : lr;
}

/* ---- what layers are fitted to ---- */

const float *ser_sample(const struct ser_samples *samples, size_t i, char why[SER_WHY]) {
    int label;
    if (!samples->data->get(samples->data->ctx, i, samples->x, &label))
        return samples->x;
    ser_refuse(why, "reading the training data stopped at sample %zu", i + 1);
    return NULL;
}

static int frames_of(const struct ser_data *data, size_t i, int all) {
    int n = data->frames ? data->frames(data->ctx, i) : all;
    return n < all ? n : all;
}

int ser_sample_frames(const struct ser_samples *samples, const struct ser_layer *l, size_t i,
                      int all) {
    return l->time_in < 0 ? all : frames_of(samples->data, i, all);
}

int ser_net_fit(struct ser_net *net, const struct ser_data *train, char why[SER_WHY]) {
    const struct ser_layer *first = &net->layer[0]; /* no other is fitted */
    if (!first->type->fit)
        return 0;
    if (!train->n)
        return ser_refuse(why, "no training data");
    struct ser_samples samples = {train, malloc(ser_shape_size(&first->in) * sizeof(float))};
    int bad = samples.x ? first->type->fit(first, net->param + first->first_param, &samples, why)
                        : ser_refuse(why, "not enough memory");
    free(samples.x);
    return bad;
}

int ser_data_mean(const struct ser_data *data, const struct ser_variation_layout *l, float *mean,
                  char why[SER_WHY]) {
    size_t T = (size_t)l->T, C = (size_t)l->C, rows = (size_t)l->A * C;
    struct ser_samples samples = {data, malloc(rows * T * sizeof(float))};
    double *sum = calloc(rows, sizeof *sum), frames = 0;
    int bad = !samples.x || !sum;
    if (bad)
        ser_refuse(why, "not enough memory");
    for (size_t i = 0; !bad && i < data->n; i++) {
        const float *x = ser_sample(&samples, i, why);
        size_t n = (size_t)frames_of(data, i, l->T);
        bad = !x;
        for (size_t row = 0; !bad && row < rows; row++)
            for (size_t t = 0; t < n; t++)
                sum[row] += x[(row / C * T + t) * C + row % C];
        frames += (double)n;
    }
    for (size_t row = 0; !bad && row < rows; row++)
        mean[row] = (float)(sum[row] / frames);
    free(samples.x);
    free(sum);
    return bad ? -1 : 0;
}

/* ---- epochs ---- */

struct fit {
    struct ser_fit *state;
    struct ser_net *net;
    struct ser_run *run;
    const struct ser_fit_options *o;
    ser_fit_progress progress;
    void *ctx;
    float *x, *p;  /* [batch, rows*frames], [batch, K] */
    int *label;    /* [batch] */
    int *frames;   /* [batch] the true ones; NULL: all are */
    size_t *order; /* [train] the samples of the epoch */
    size_t *place; /* [train] whose numbers each has: its own, or others where it comes again */
    size_t *pick;  /* [train] to draw them in; NULL: each comes once */
    float **now;   /* [params][n] the weights, while the averages are judged; NULL: no averages */
    size_t *confusion; /* [K,K] of an epoch's validation: truth by row */
    char *why;
};

/* Running sums over an epoch. */
struct tally {
    double loss, right;
    size_t n;
    size_t *confusion; /* [K,K], or NULL */
};

static void count(struct tally *t, const struct fit *f, int B, double loss) {
    int K = f->net->classes;
    for (int b = 0; b < B; b++) {
        const float *p = f->p + (size_t)b * K;
        int best = 0;
        for (int k = 1; k < K; k++)
            best = p[k] > p[best] ? k : best;
        t->right += best == f->label[b];
        if (t->confusion)
            t->confusion[f->label[b] * K + best]++;
    }
    t->loss += loss * B;
    t->n += (size_t)B;
}

/* Samples order[0..B-1] (NULL: first, first + 1 ...) into f->x and f->label. */
static int gather(struct fit *f, const struct ser_data *data, const size_t *order, size_t first,
                  int B) {
    size_t size = ser_shape_size(&f->net->input);
    for (int b = 0; b < B; b++) {
        size_t i = order ? order[b] : first + (size_t)b;
        if (f->frames)
            f->frames[b] = frames_of(data, i, f->net->input.dim[f->net->time]);
        if (data->get(data->ctx, i, f->x + (size_t)b * size, &f->label[b]))
            return ser_refuse(f->why, "reading the data stopped at sample %zu", i + 1);
        if (f->label[b] < 0 || f->label[b] >= f->net->classes)
            return ser_refuse(f->why, "sample %zu has class %d of %d", i + 1, f->label[b],
                              f->net->classes);
    }
    return 0;
}

/* Each sample once, in a new order; or as often as it shall be: where a comb with teeth at the
 * distance 1 meets the sum of how often the samples come, so the epoch keeps its length. */
static void draw_epoch(struct fit *f, const struct ser_data *train, int epoch) {
    size_t n = train->n, drawn = 0;
    const uint64_t seed = (uint64_t)f->o->seed;
    ser_permute(ser_key(seed, SER_PURPOSE_SHUFFLE, (uint64_t)epoch, 0), n, f->order);
    memcpy(f->place, f->order, n * sizeof *f->place);
    if (!f->pick)
        return;
    struct ser_key key = ser_key(seed, SER_PURPOSE_BALANCE, (uint64_t)epoch, 0);
    double sum = 0, first = ser_uniform(key, 0);
    for (size_t i = 0; i < n; i++) {
        sum += train->often[f->order[i]];
        while (drawn < n && (first + (double)drawn < sum || i == n - 1))
            f->pick[drawn++] = f->order[i];
    }
    /* The same one comes in a row: shuffled once more, and each time with numbers of its own. */
    ser_permute(ser_key(seed, SER_PURPOSE_BALANCE, (uint64_t)epoch, 1), n, f->place);
    for (size_t i = 0; i < n; i++)
        f->order[i] = f->pick[f->place[i]];
    memset(f->pick, 0, n * sizeof *f->pick);
    for (size_t i = 0; i < n; i++)
        f->place[i] = f->order[i] + n * f->pick[f->order[i]]++;
}

static int batch_size(const struct fit *f, size_t n, size_t first) {
    return n - first < (size_t)f->o->batch ? (int)(n - first) : f->o->batch;
}

SER_CLONES static void move_towards(float *average, const float *w, size_t n, float by) {
    for (size_t i = 0; i < n; i++)
        average[i] += by * (w[i] - average[i]);
}

static void move_average(struct fit *f, double by) {
    for (int i = 0; i < f->net->params; i++)
        if (f->state->average[i])
            move_towards(f->state->average[i], f->net->param[i].value, f->net->param[i].n,
                         (float)by);
}

/* One epoch of training; 0, 1 when progress ends the fit, -1. */
static int train_epoch(struct fit *f, const struct ser_data *train, int epoch, double lr,
                       struct tally *t) {
    int batches = (int)((train->n + (size_t)f->o->batch - 1) / (size_t)f->o->batch), b = 0;
    draw_epoch(f, train, epoch);
    for (size_t first = 0; first < train->n; first += (size_t)f->o->batch) {
        int B = batch_size(f, train->n, first);
        struct ser_dropout dropout = {f->o->seed, (uint64_t)epoch, f->place + first};
        if (gather(f, train, f->order + first, 0, B))
            return -1;
        double loss = ser_net_penalty(f->net);
        loss += ser_run_gradients(f->run, f->x, f->label, B, &dropout, f->p);
        if (ser_run_failed(f->run))
            return ser_refuse(f->why, "not enough memory for the network in epoch %d, batch %d",
                              epoch, b + 1);
        double limit = f->o->clip_norm > 0 ? f->o->clip_norm : INFINITY;
        double norm = ser_run_clip(f->run, limit);
        double clipped = norm > limit ? limit : norm;
        /* Adam squares the gradient, in single precision. */
        if (!isfinite(loss) || !isfinite(norm) || !isfinite((float)(clipped * clipped)))
            return ser_refuse(f->why,
                              "the %s is not a finite number in epoch %d, batch %d of %d: "
                              "lower the learning rate or look at the features",
                              isfinite(loss) ? "gradient's square" : "loss", epoch, b + 1, batches);
        ser_adam_step(&f->state->adam, f->net, f->run, lr);
        if (f->o->ema > 0) {
            double k = (double)(f->state->adam.steps - 1), most = k / (k + 9);
            move_average(f, 1 - (f->o->ema < most ? f->o->ema : most));
        }
        count(t, f, B, loss);
        b++;
        if (f->progress && f->progress(f->ctx, NULL, b, batches))
            return 1;
    }
    return 0;
}

/* A statistic may overflow where the loss does not show it; no model or checkpoint holds such. */
static int check_params(struct fit *f, int epoch) {
    for (int i = 0; i < f->net->params; i++) {
        const struct ser_param *p = &f->net->param[i];
        for (size_t j = 0; j < p->n; j++)
            if (!isfinite(p->value[j]))
                return ser_refuse(f->why, "%s is not a finite number after epoch %d", p->name,
                                  epoch);
    }
    return 0;
}

/* ---- averages of the weights ---- */

/* How many epochs are in the mean of the last ones. */
static int64_t in_mean(const struct ser_fit_options *o, int epoch) {
    int64_t end = o->horizon ? o->horizon : o->epochs;
    return o->last ? epoch - (end - o->last) : 0;
}

static void save_now(struct fit *f) {
    for (int i = 0; i < f->net->params; i++)
        memcpy(f->now[i], f->net->param[i].value, f->net->param[i].n * sizeof(float));
}

static void restore_now(struct fit *f) {
    for (int i = 0; i < f->net->params; i++)
        memcpy(f->net->param[i].value, f->now[i], f->net->param[i].n * sizeof(float));
}

/* Those that layers move over batches: of the training data as they are, each batch as much as it
 * has samples. */
static int renew_statistics(struct fit *f, const struct ser_data *train) {
    int moved = 0;
    for (int i = 0; i < f->net->layers; i++)
        moved |= f->net->layer[i].type->forward_done && !f->net->layer[i].frozen;
    for (size_t first = 0; moved && first < train->n; first += (size_t)f->o->batch) {
        int B = batch_size(f, train->n, first);
        if (gather(f, train, NULL, first, B))
            return -1;
        ser_run_statistics(f->run, f->x, B, (double)first / (double)(first + (size_t)B));
        if (ser_run_failed(f->run))
            return ser_refuse(f->why, "not enough memory for the network");
    }
    return 0;
}

/* Puts the averages into the network, if there are any at the end of this epoch. */
static int use_averages(struct fit *f, const struct ser_data *train, int epoch) {
    int64_t k = in_mean(f->o, epoch);
    if (!f->now || (f->o->ema <= 0 && k < 1))
        return 0;
    if (check_params(f, epoch))
        return -1;
    if (k > 0)
        move_average(f, 1 / (double)k);
    save_now(f);
    for (int i = 0; i < f->net->params; i++)
        if (f->state->average[i])
            memcpy(f->net->param[i].value, f->state->average[i],
                   f->net->param[i].n * sizeof(float));
    return renew_statistics(f, train) ? -1 : 1;
}

static int validate(struct fit *f, const struct ser_data *val, int epoch, struct tally *t) {
    double penalty = ser_net_penalty(f->net);
    for (size_t first = 0; first < val->n; first += (size_t)f->o->batch) {
        int B = batch_size(f, val->n, first);
        if (gather(f, val, NULL, first, B))
            return -1;
        ser_run_predict(f->run, f->x, B, f->p);
        if (ser_run_failed(f->run))
            return ser_refuse(f->why, "not enough memory for the network in epoch %d", epoch);
        double loss = penalty + ser_run_validation_loss(f->run, f->label, B);
        if (!isfinite(loss))
            return ser_refuse(f->why, "the validation loss is not a finite number in epoch %d",
                              epoch);
        count(t, f, B, loss);
    }
    return 0;
}

static void keep_best(struct fit *f) {
    for (int i = 0; i < f->net->params; i++)
        memcpy(f->state->best[i], f->net->param[i].value, f->net->param[i].n * sizeof(float));
}

/* The figures of validation, which stay 0 without data. */
static int judge_epoch(struct fit *f, const struct ser_data *val, struct ser_epoch *log) {
    size_t K = (size_t)f->net->classes;
    struct tally v = {.confusion = memset(f->confusion, 0, K * K * sizeof *f->confusion)};
    if (validate(f, val, log->epoch, &v) || check_params(f, log->epoch))
        return -1;
    if (v.n) {
        log->val_loss = v.loss / (double)v.n;
        log->val_accuracy = v.right / (double)v.n;
        log->val_recall = ser_score_confusion(f->confusion, f->net->classes, NULL).ua;
    }
    ser_fit_judge(f->state, f->o, log);
    return 0;
}

static int run_epochs(struct fit *f, const struct ser_data *train, const struct ser_data *val) {
    while (f->state->epoch < f->o->epochs && !f->state->stopped) {
        int epoch = f->state->epoch + 1;
        struct tally t = {0};
        struct ser_epoch log = {.epoch = epoch, .lr = rate_of(f->state, f->o, epoch)};
        int end = train_epoch(f, train, epoch, log.lr, &t);
        if (end)
            return end < 0 ? -1 : 0;
        log.loss = t.loss / (double)t.n;
        log.accuracy = t.right / (double)t.n;
        int averaged = use_averages(f, train, epoch);
        if (averaged < 0 || judge_epoch(f, val, &log))
            return -1;
        if (log.improved)
            keep_best(f);
        if (averaged)
            restore_now(f);
        if (f->progress && f->progress(f->ctx, &log, 0, 0))
            return 0;
    }
    return 0;
}

int ser_fit_run(struct ser_fit *state, struct ser_net *net, struct ser_run *r,
                const struct ser_data *train, const struct ser_data *val,
                const struct ser_fit_options *o, ser_fit_progress progress, void *ctx,
                char why[SER_WHY]) {
    size_t batch = (size_t)o->batch, K = (size_t)net->classes;
    int timed = train->frames && net->time >= 0;
    int blind = o->keep == SER_KEEP_LAST && !o->patience && o->schedule != SER_PLATEAU;
    struct fit f = {
        .state = state,
        .net = net,
        .run = r,
        .o = o,
        .progress = progress,
        .ctx = ctx,
        .x = malloc(batch * ser_shape_size(&net->input) * sizeof(float)),
        .p = malloc(batch * K * sizeof(float)),
        .label = malloc(batch * sizeof(int)),
        .frames = timed ? malloc(batch * sizeof(int)) : NULL,
        .order = calloc(train->n + 1, sizeof(size_t)),
        .place = calloc(train->n + 1, sizeof(size_t)),
        .pick = train->often ? calloc(train->n + 1, sizeof(size_t)) : NULL,
        .now = state->average ? new_values(net, 0) : NULL,
        .confusion = calloc(K * K, sizeof(size_t)),
        .why = why,
    };
    int bad;
    if (!train->n || (!val->n && !blind))
        bad = ser_refuse(why, "no %s data", train->n ? "validation" : "training");
    else if (!f.x || !f.p || !f.label || (timed && !f.frames) || !f.order || !f.place ||
             (train->often && !f.pick) || (state->average && !f.now) || !f.confusion)
        bad = ser_refuse(why, "not enough memory for batches of %d", (int)o->batch);
    else {
        ser_run_frames(r, f.frames);
        bad = run_epochs(&f, train, val);
        ser_run_frames(r, NULL);
    }
    free(f.x);
    free(f.p);
    free(f.label);
    free(f.frames);
    free(f.order);
    free(f.place);
    free(f.pick);
    free_values(f.now, net);
    free(f.confusion);
    return bad;
}
