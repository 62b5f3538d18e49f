/* Runs a network over a batch.
 *
 * A training step is a list of steps, made once: each layer's forward, the loss, each layer's
 * backward, and where a layer needs sums over the batch, a step that fills them and one that adds
 * them. Steps up to such an addition are a segment: one thread takes one shard through all of it.
 */
#include "nn/kernels/block.h"
#include "nn/layer.h"
#include "nn/loss.h"
#include "nn/team.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum action { FORWARD, FORWARD_SUMS, FORWARD_ADD, LOSS, BACKWARD_SUMS, BACKWARD_ADD, BACKWARD };

struct step {
    enum action action;
    int stage;
};

#define MAX_STEPS (SER_MAX_LAYERS * 6 + 1)

/* One layer of the network, or several that one pass does together; and what it keeps from forward
 * to backward, for a whole batch. */
struct stage {
    const struct ser_layer *layer; /* of the network, or of block */
    struct ser_block block;        /* where the kernels do several layers together */
    float *y;                      /* [max_batch, out]; NULL: y is x */
    char *saved;                   /* [shards][saved_bytes] */
    size_t saved_bytes;
    size_t sums;                /* doubles per shard and direction */
    double *forward, *backward; /* [shards][sums] */
    double *total, *dtotal;     /* [sums] */
    float *dmarked;             /* of a mark: [max_batch, in], the gradient that add sends back */
    size_t held;                /* of a mark: where inference keeps what it marks */
    size_t steps;               /* as in struct ser_pass */
    int mark;                   /* of a layer that reads one: the mark's stage */
};

/* Activations, from the one to the other in turn; what is marked. */
struct inference {
    float *a[2], *saved, *held;
};

/* What ser_run_change asks for; of a batch, what came of it. */
struct changed {
    struct ser_changes how;
    float *x;      /* [max_batch, in] */
    float *share;  /* [max_batch] of the sample itself; NULL: nothing is mixed */
    float *rest;   /* [max_batch] of the other */
    int *label;    /* [max_batch] of the other */
    size_t *place; /* [max_batch] likewise */
    int *frames;   /* [max_batch] of what they are mixed to */
    float **mixed; /* [threads][in] */
    void **memory; /* [threads] */
};

struct ser_run {
    struct ser_net *net;
    int max_batch, shards, threads, training;
    struct ser_team *team;
    struct ser_worker *worker;   /* [threads] */
    struct inference *inference; /* [threads] */
    char *why;

    struct step step[MAX_STEPS];
    int steps;
    int lowest; /* the lowest stage with trained parameters */
    struct stage stage[SER_MAX_LAYERS];
    int stages;
    float *d[2];   /* [max_batch, widest] gradients of activations in turn */
    size_t widest; /* elements of the largest activation of one sample, the input too */

    float *gradients;        /* of all trained parameters */
    float **shard_gradients; /* [shards], the same */
    size_t trained;          /* how many */
    size_t offset[SER_MAX_LAYERS * SER_MAX_PARAMS];

    float *clean; /* of a masked network: [max_batch, in] the input, zero where it is padding */
    int *lengths; /* likewise: [stages + 1][max_batch] true steps of what each stage reads */

    float *logits, *p; /* [max_batch,K] */
    struct ser_loss loss;

    /* The call at work. */
    const float *x;
    const int *label;
    int B, from, to; /* steps of the segment */
    double keep;     /* of moving statistics */
    const struct ser_dropout *dropout;
    const int *frames; /* [B], or NULL */
    float *embedding;  /* [B, in of the last layer], which is not computed then; or NULL */

    struct changed *changed; /* NULL: samples stay as they are */
};

/* Whether a layer adds something over the batch. */
static int has_sums(const struct ser_layer *l) {
    return l->type->sums && !l->frozen;
}

static int shard_size(const struct ser_run *r, int shard) {
    int left = r->B - shard * SER_SHARD;
    return left < SER_SHARD ? left : SER_SHARD;
}

static int shards_of(int B) {
    return (B + SER_SHARD - 1) / SER_SHARD;
}

/* ---- a masked network: what is padding ---- */

void ser_run_frames(struct ser_run *r, const int *frames) {
    r->frames = frames;
}

/* Zeros behind the true steps of N samples of shape s, whose dimension time they run over. */
static void mute(float *x, const struct ser_shape *s, int time, const int *frames, int N) {
    size_t before = 1, T = (size_t)s->dim[time], behind = ser_shape_size(s) / T;
    for (int i = 0; i < time; i++)
        before *= (size_t)s->dim[i];
    behind /= before;
    for (int n = 0; n < N; n++)
        for (size_t i = 0; i < before; i++, x += T * behind)
            memset(x + (size_t)frames[n] * behind, 0, (T - (size_t)frames[n]) * behind * sizeof *x);
}

/* The true steps of what stage i reads, from sample b on; NULL: all are. Of what it writes, that of
 * stage i + 1 has the same place. */
static const int *frames_of(const struct ser_run *r, int i, size_t b) {
    return r->stage[i].layer->time_in < 0 ? NULL : r->lengths + (size_t)i * r->max_batch + b;
}

/* Mutes what stage i writes, or the gradient of that, for N samples from b on. */
static void mute_output(const struct ser_run *r, int i, size_t b, int N, float *y) {
    const struct ser_layer *l = r->stage[i].layer;
    if (l->time_out >= 0)
        mute(y, &l->out, l->time_out, r->lengths + (size_t)(i + 1) * r->max_batch + b, N);
}

/* The true frames of sample b, of all that it has. */
static int true_frames(const int *frames, int b, int all) {
    int n = frames && frames[b] < all ? frames[b] : all;
    return n < 1 ? 1 : n;
}

/* The true steps of what every stage reads, of samples with so many frames. */
static void measure(struct ser_run *r, const int *frames) {
    int *n = r->lengths, all = r->net->input.dim[r->net->time];
    for (int b = 0; b < r->B; b++)
        n[b] = true_frames(frames, b, all);
    for (int i = 0; i < r->stages; i++, n += r->max_batch) {
        const struct ser_layer *l = r->stage[i].layer;
        r->stage[i].steps = 0;
        for (int b = 0; b < r->B; b++) {
            r->stage[i].steps += n[b] + l->add > 1 ? (size_t)(n[b] + l->add) : 1;
            n[r->max_batch + b] = ser_steps_after(l, n[b]);
        }
    }
}

static void take_input(struct ser_run *r, const float *x, int B) {
    const struct ser_net *net = r->net;
    r->x = x;
    r->B = B;
    if (!net->masked)
        return;
    measure(r, r->frames);
    memcpy(r->clean, x, (size_t)B * ser_shape_size(&net->input) * sizeof *x);
    mute(r->clean, &net->input, net->time, r->lengths, B);
    r->x = r->clean;
}

/* ---- inference: a sample goes through all layers in two buffers ---- */

/* Each sample by itself: its scores do not depend on the company it is in. */
static void infer_sample(void *ctx, int thread, int i) {
    struct ser_run *r = ctx;
    struct inference *mine = &r->inference[thread];
    size_t sample = (size_t)i;
    int K = r->net->classes, turn = 0;
    const float *x = r->x + sample * ser_shape_size(&r->net->input);
    for (int s = 0; s < r->stages; s++) {
        const struct stage *stage = &r->stage[s];
        const struct ser_layer *l = stage->layer;
        if (l->type->marks)
            memcpy(mine->held + stage->held, x, ser_shape_size(&l->in) * sizeof *x);
        if (r->embedding && s == r->stages - 1) {
            size_t n = ser_shape_size(&l->in);
            memcpy(r->embedding + sample * n, x, n * sizeof *x);
            return;
        }
        if (!l->type->forward || l->type->idle)
            continue;
        struct ser_pass p = {
            .layer = l,
            .param = r->net->param + l->first_param,
            .N = 1,
            .x = x,
            .y = mine->a[turn],
            .saved = mine->saved,
            .marked = l->marked ? mine->held + r->stage[stage->mark].held : NULL,
            .frames = frames_of(r, s, sample),
            .worker = &r->worker[thread],
        };
        l->type->forward(&p);
        mute_output(r, s, sample, 1, p.y);
        x = mine->a[turn];
        turn = !turn;
    }
    memcpy(r->logits + sample * (size_t)K, x, (size_t)K * sizeof *x);
    float *p = r->p + sample * (size_t)K, by = r->training ? 1 : (float)r->net->temperature;
    for (int k = 0; k < K; k++)
        p[k] = x[k] / by;
    ser_softmax(p, 1, K);
}

/* Where a network is trained, its weights may be others than at the last call. */
static void renew(struct ser_run *r) {
    for (int t = 0; t < r->threads && r->training; t++)
        if (r->worker[t].k->renew)
            r->worker[t].k->renew(r->worker[t].state);
}

int ser_run_failed(const struct ser_run *r) {
    for (int t = 0; t < r->threads; t++)
        if (r->worker[t].k->failed && r->worker[t].k->failed(r->worker[t].state)) {
            errno = ENOMEM;
            return 1;
        }
    return 0;
}

static void infer(struct ser_run *r, const float *x, int B) {
    renew(r);
    take_input(r, x, B);
    ser_team_run(r->team, B, infer_sample);
}

void ser_run_predict(struct ser_run *r, const float *x, int B, float *p) {
    infer(r, x, B);
    memcpy(p, r->p, (size_t)B * r->net->classes * sizeof *p);
}

int ser_net_embedding(const struct ser_net *net, char why[SER_WHY]) {
    const struct ser_layer *last = &net->layer[net->layers - 1];
    if (strcmp(last->type->name, "dense") == 0)
        return last->in.dim[0];
    snprintf(why, SER_WHY, "its last layer is %s, not dense: what it hears is no embedding",
             last->name);
    return 0;
}

void ser_run_embed(struct ser_run *r, const float *x, int B, float *y) {
    r->embedding = y;
    infer(r, x, B);
    r->embedding = NULL;
}

/* ---- training ---- */

/* Input and output of layer i for a shard. */
static const float *input_of(const struct ser_run *r, int i, int shard) {
    size_t first = (size_t)shard * SER_SHARD;
    for (i--; i >= 0; i--)
        if (r->stage[i].y)
            return r->stage[i].y + first * ser_shape_size(&r->stage[i].layer->out);
    return r->x + first * ser_shape_size(&r->net->input);
}

/* The gradient of layer i's output, or of its input for i - 1: layers without a y of their own
 * share. */
static float *gradient_at(const struct ser_run *r, int i, int shard) {
    int turn = 0;
    for (; i >= 0; i--)
        turn ^= r->stage[i].y != NULL;
    return r->d[turn] + (size_t)shard * SER_SHARD * r->widest;
}

/* The gradient of what stage i marks; NULL where it marks nothing. */
static float *marked_gradient(const struct ser_run *r, int i, int shard) {
    const struct stage *stage = &r->stage[i];
    size_t first = (size_t)shard * SER_SHARD;
    return stage->dmarked ? stage->dmarked + first * ser_shape_size(&stage->layer->in) : NULL;
}

static void set_pass(const struct ser_run *r, int i, int shard, int thread, float **grad,
                     struct ser_pass *p) {
    const struct ser_layer *l = r->stage[i].layer;
    const struct stage *stage = &r->stage[i];
    size_t first = (size_t)shard * SER_SHARD;
    for (int j = 0; j < l->params; j++) {
        int k = l->first_param + j;
        grad[j] = r->net->param[k].trained ? r->shard_gradients[shard] + r->offset[k] : NULL;
    }
    *p = (struct ser_pass){
        .layer = l,
        .param = r->net->param + l->first_param,
        .N = shard_size(r, shard),
        .training = 1,
        .dropout = r->dropout,
        .place = r->dropout ? r->dropout->place + first : NULL,
        .x = input_of(r, i, shard),
        .y = stage->y ? stage->y + first * ser_shape_size(&l->out) : NULL,
        .dy = gradient_at(r, i, shard),
        .dx = i > r->lowest ? gradient_at(r, i - 1, shard) : NULL,
        .marked = l->marked ? input_of(r, stage->mark, shard) : NULL,
        .dmarked = marked_gradient(r, l->marked ? stage->mark : i, shard),
        .grad = grad,
        .saved = stage->saved ? stage->saved + (size_t)shard * stage->saved_bytes : NULL,
        .total = stage->total,
        .dtotal = stage->dtotal,
        .B = r->B,
        .frames = frames_of(r, i, first),
        .steps = stage->steps,
        .worker = &r->worker[thread],
    };
}

/* ---- samples that are changed before a step ---- */

static void change_sample(void *ctx, int thread, int b) {
    struct ser_run *r = ctx;
    struct changed *c = r->changed;
    const struct ser_dropout *d = r->dropout;
    size_t size = ser_shape_size(&r->net->input), other = (size_t)((b + 1) % r->B);
    const float *x = r->x + (size_t)b * size;
    int all = c->how.layout.T, n = true_frames(r->frames, b, all);
    if (c->share) {
        struct ser_key key = ser_key(d->seed, SER_PURPOSE_MIX, d->epoch, d->place[b]);
        c->share[b] = (float)ser_mix_share(c->how.mix, key);
        c->rest[b] = 1 - c->share[b];
        c->label[b] = r->label[other];
        c->place[b] = d->place[other];
        ser_mix(x, r->x + other * size, c->share[b], size, c->mixed[thread]);
        x = c->mixed[thread];
        int longer = true_frames(r->frames, (int)other, all);
        n = c->frames[b] = longer > n ? longer : n;
    }
    ser_vary(&c->how.variation, &c->how.layout,
             ser_key(d->seed, SER_PURPOSE_VARY, d->epoch, d->place[b]), n, x,
             c->x + (size_t)b * size, c->memory[thread]);
}

static void free_changed(struct ser_run *r) {
    struct changed *c = r->changed;
    if (!c)
        return;
    for (int t = 0; t < r->threads; t++) {
        free(c->mixed ? c->mixed[t] : NULL);
        free(c->memory ? c->memory[t] : NULL);
    }
    free(c->x);
    free(c->share);
    free(c->rest);
    free(c->label);
    free(c->place);
    free(c->frames);
    free(c->mixed);
    free(c->memory);
    free(c);
    r->changed = NULL;
}

int ser_run_change(struct ser_run *r, const struct ser_changes *how) {
    size_t batch = (size_t)r->max_batch, threads = (size_t)r->threads;
    size_t bytes = ser_shape_size(&r->net->input) * sizeof(float);
    free_changed(r);
    struct changed *c = r->changed = calloc(1, sizeof *c);
    if (!c)
        return -1;
    c->how = *how;
    c->x = ser_allocate(batch * bytes);
    c->memory = calloc(threads, sizeof *c->memory);
    c->mixed = calloc(threads, sizeof *c->mixed);
    int bad = !c->x || !c->memory || !c->mixed;
    if (how->mix > 0) {
        c->share = calloc(batch, sizeof *c->share);
        c->rest = calloc(batch, sizeof *c->rest);
        c->label = calloc(batch, sizeof *c->label);
        c->place = calloc(batch, sizeof *c->place);
        c->frames = calloc(batch, sizeof *c->frames);
        bad |= !c->share || !c->rest || !c->label || !c->place || !c->frames;
    }
    for (size_t t = 0; !bad && t < threads; t++) {
        c->memory[t] = ser_allocate(ser_vary_bytes(&how->layout));
        c->mixed[t] = how->mix > 0 ? ser_allocate(bytes) : NULL;
        bad = !c->memory[t] || (how->mix > 0 && !c->mixed[t]);
    }
    if (bad)
        free_changed(r);
    return bad ? -1 : 0;
}

/* Whether the samples of this step are mixed. */
static int is_mixed(const struct ser_run *r) {
    return r->changed && r->dropout && r->changed->share;
}

/* The places of the samples of this step; NULL where it has no random numbers. */
static const size_t *places(const struct ser_run *r) {
    return r->dropout ? r->dropout->place : NULL;
}

/* Softmax, and the gradient of the mean loss. */
static void loss(const struct ser_run *r, int shard) {
    int K = r->net->classes, N = shard_size(r, shard);
    size_t at = (size_t)shard * SER_SHARD * K;
    const float *logits = input_of(r, r->stages, shard);
    float *p = r->p + at, *d = gradient_at(r, r->stages - 1, shard);
    memcpy(r->logits + at, logits, (size_t)N * K * sizeof *p);
    memcpy(p, logits, (size_t)N * K * sizeof *p);
    ser_softmax(p, (size_t)N, K);
    for (int n = 0; n < N; n++, p += K, d += K) {
        int b = shard * SER_SHARD + n;
        const size_t *place = places(r);
        ser_loss_gradient(&r->loss, p, r->label[b], place ? place + b : NULL, r->B, K, d);
        if (is_mixed(r)) {
            float other[SER_MAX_CLASSES];
            ser_loss_gradient(&r->loss, p, r->changed->label[b], r->changed->place + b, r->B, K,
                              other);
            ser_mix(d, other, r->changed->share[b], (size_t)K, d);
        }
    }
}

static void train_shard(void *ctx, int thread, int shard) {
    struct ser_run *r = ctx;
    for (int s = r->from; s < r->to; s++) {
        int i = r->step[s].stage;
        enum action action = r->step[s].action;
        if (action == LOSS) {
            loss(r, shard);
            continue;
        }
        const struct ser_layer_type *type = r->stage[i].layer->type;
        const struct stage *stage = &r->stage[i];
        float *grad[SER_MAX_PARAMS];
        struct ser_pass p;
        set_pass(r, i, shard, thread, grad, &p);
        p.sums = action == FORWARD || action == FORWARD_SUMS ? stage->forward : stage->backward;
        if (p.sums) /* NULL + 0 is undefined */
            p.sums += (size_t)shard * stage->sums;
        size_t first = (size_t)shard * SER_SHARD;
        if (action == BACKWARD || action == BACKWARD_SUMS)
            mute_output(r, i, first, p.N, p.dy);
        if (action == FORWARD) {
            type->forward(&p);
            mute_output(r, i, first, p.N, p.y);
        } else if (action == FORWARD_SUMS)
            type->forward_sums(&p);
        else if (action == BACKWARD_SUMS)
            type->backward_sums(&p);
        else
            type->backward(&p);
    }
}

/* total[n] = the sum over shards of sums [shards][n], in ascending order. */
static void add_sums(const double *sums, int shards, size_t n, double *total) {
    for (size_t i = 0; i < n; i++) {
        total[i] = 0;
        for (int s = 0; s < shards; s++)
            total[i] += sums[(size_t)s * n + i];
    }
}

static void add_step(struct ser_run *r, const struct step *step) {
    const struct ser_layer *l = r->stage[step->stage].layer;
    struct stage *stage = &r->stage[step->stage];
    if (step->action == BACKWARD_ADD) {
        add_sums(stage->backward, shards_of(r->B), stage->sums, stage->dtotal);
        return;
    }
    add_sums(stage->forward, shards_of(r->B), stage->sums, stage->total);
    struct ser_pass p = {
        .layer = l,
        .param = r->net->param + l->first_param,
        .training = 1,
        .total = stage->total,
        .keep = r->keep,
        .B = r->B,
        .frames = frames_of(r, step->stage, 0),
        .steps = stage->steps,
    };
    if (l->type->forward_done)
        l->type->forward_done(&p);
}

/* The gradient of parameter i: the sum over shards in ascending order, and the penalty's part. */
static void add_gradient(void *ctx, int thread, int i) {
    struct ser_run *r = ctx;
    const struct ser_param *p = &r->net->param[i];
    (void)thread;
    if (!p->trained)
        return;
    float *g = r->gradients + r->offset[i];
    memcpy(g, r->shard_gradients[0] + r->offset[i], p->n * sizeof *g);
    for (int s = 1; s < shards_of(r->B); s++) {
        const float *more = r->shard_gradients[s] + r->offset[i];
        for (size_t j = 0; j < p->n; j++)
            g[j] += more[j];
    }
    if (p->l2 > 0)
        for (size_t j = 0; j < p->n; j++)
            g[j] += 2 * p->l2 * p->value[j];
}

/* All steps before the one at end. */
static void run_steps(struct ser_run *r, int end) {
    for (r->from = 0; r->from < end; r->from = r->to + 1) {
        for (r->to = r->from; r->to < end; r->to++)
            if (r->step[r->to].action == FORWARD_ADD || r->step[r->to].action == BACKWARD_ADD)
                break;
        ser_team_run(r->team, shards_of(r->B), train_shard);
        if (r->to < end)
            add_step(r, &r->step[r->to]);
    }
}

void ser_run_statistics(struct ser_run *r, const float *x, int B, double keep) {
    int end = 0;
    renew(r);
    while (r->step[end].action != LOSS)
        end++;
    take_input(r, x, B);
    r->dropout = NULL;
    r->keep = keep;
    run_steps(r, end);
}

double ser_run_gradients(struct ser_run *r, const float *x, const int *label, int B,
                         const struct ser_dropout *dropout, float *p) {
    renew(r);
    take_input(r, x, B);
    r->label = label;
    r->dropout = dropout;
    if (r->changed && dropout) {
        ser_team_run(r->team, B, change_sample);
        r->x = r->changed->x;
        if (r->net->masked && r->changed->share)
            measure(r, r->changed->frames);
    }
    r->keep = SER_MOMENTUM;
    run_steps(r, r->steps);
    ser_team_run(r->team, r->net->params, add_gradient);
    int K = r->net->classes;
    if (p)
        memcpy(p, r->p, (size_t)B * K * sizeof *p);
    if (!is_mixed(r))
        return ser_mean_loss(&r->loss, r->logits, r->p, label, places(r), NULL, B, K);
    const struct changed *c = r->changed;
    return ser_mean_loss(&r->loss, r->logits, r->p, label, places(r), c->share, B, K) +
           ser_mean_loss(&r->loss, r->logits, r->p, c->label, c->place, c->rest, B, K);
}

void ser_run_loss(struct ser_run *r, const struct ser_loss *l) {
    r->loss = *l;
}

double ser_run_validation_loss(const struct ser_run *r, const int *label, int B) {
    struct ser_loss even = {.smoothing = r->loss.smoothing};
    for (int k = 0; k < r->net->classes; k++)
        even.weight[k] = 1;
    return ser_mean_loss(&even, r->logits, r->p, label, NULL, NULL, B, r->net->classes);
}

double ser_run_clip(struct ser_run *r, double norm) {
    double sum = 0;
    for (int i = 0; i < r->net->params; i++) {
        const float *g = ser_run_gradient(r, i);
        for (size_t j = 0; g && j < r->net->param[i].n; j++)
            sum += (double)g[j] * g[j];
    }
    double was = sqrt(sum);
    for (int i = 0; i < r->net->params && was > norm; i++) {
        float *g = ser_run_gradient(r, i), scale = (float)(norm / was);
        for (size_t j = 0; g && j < r->net->param[i].n; j++)
            g[j] *= scale;
    }
    return was;
}

const float *ser_run_logits(const struct ser_run *r) {
    return r->logits;
}

float *ser_run_gradient(struct ser_run *r, int i) {
    return r->net->param[i].trained ? r->gradients + r->offset[i] : NULL;
}

/* ---- making one ---- */

static void add_action(struct ser_run *r, enum action action, int stage) {
    r->step[r->steps++] = (struct step){action, stage};
}

/* The stage of a mark. */
static int find_stage(const struct ser_run *r, const struct ser_layer *mark) {
    int i = 0;
    while (r->stage[i].layer != mark)
        i++;
    return i;
}

/* A stage is a layer, or as many as the kernels do together. */
static void make_stages(struct ser_run *r, const struct ser_kernels *k) {
    const struct ser_net *net = r->net;
    for (int i = 0, n; i < net->layers; i += n) {
        struct stage *stage = &r->stage[r->stages++];
        n = k->fuse ? k->fuse(&net->layer[i], net->layers - i, &stage->block) : 0;
        stage->layer = n ? &stage->block.layer : &net->layer[i];
        if (stage->layer->marked)
            stage->mark = find_stage(r, stage->layer->marked);
        n = n ? n : 1;
    }
}

/* A pass has memory for so many gradients. */
static int check_stages(const struct ser_run *r) {
    for (int i = 0; i < r->stages; i++)
        if (r->stage[i].layer->params > SER_MAX_PARAMS)
            return ser_refuse(r->why, "%s has more than %d parameters", r->stage[i].layer->name,
                              SER_MAX_PARAMS);
    return 0;
}

static int is_trained(const struct ser_run *r, const struct ser_layer *l) {
    int trained = 0;
    for (int i = 0; i < l->params; i++)
        trained |= r->net->param[l->first_param + i].trained;
    return trained;
}

static void plan(struct ser_run *r) {
    while (r->lowest < r->stages && !is_trained(r, r->stage[r->lowest].layer))
        r->lowest++;
    for (int i = 0; i < r->stages; i++) {
        const struct ser_layer_type *type = r->stage[i].layer->type;
        if (has_sums(r->stage[i].layer)) {
            add_action(r, FORWARD_SUMS, i);
            add_action(r, FORWARD_ADD, i);
        }
        if (type->forward)
            add_action(r, FORWARD, i);
    }
    add_action(r, LOSS, 0);
    for (int i = r->stages - 1; i >= r->lowest; i--) {
        const struct ser_layer_type *type = r->stage[i].layer->type;
        if (has_sums(r->stage[i].layer)) {
            add_action(r, BACKWARD_SUMS, i);
            add_action(r, BACKWARD_ADD, i);
        }
        if (type->backward)
            add_action(r, BACKWARD, i);
    }
}

/* A pointer to n elements of size bytes, or NULL; sizes here are bounded by SER_MAX_ELEMENTS per
 * sample and the batch. */
static void *allocate(size_t n, size_t size, int *short_of) {
    void *p = n <= SIZE_MAX / size ? ser_allocate(n * size) : NULL;
    *short_of |= !p;
    return p;
}

static void allocate_training(struct ser_run *r, int *short_of) {
    size_t shards = (size_t)r->shards, batch = shards * SER_SHARD;
    for (int i = 0; i < r->stages; i++) {
        const struct ser_layer *l = r->stage[i].layer;
        struct stage *stage = &r->stage[i];
        if (l->type->marks)
            stage->dmarked = allocate(batch * ser_shape_size(&l->in), sizeof(float), short_of);
        if (l->type->forward)
            stage->y = allocate(batch * ser_shape_size(&l->out), sizeof(float), short_of);
        if (l->type->saved_bytes) {
            stage->saved_bytes = (l->type->saved_bytes(l, SER_SHARD) + 63) & ~(size_t)63;
            stage->saved = allocate(shards, stage->saved_bytes, short_of);
        }
        if (has_sums(l)) {
            stage->sums = l->type->sums(l);
            stage->forward = allocate(shards * stage->sums, sizeof(double), short_of);
            stage->backward = allocate(shards * stage->sums, sizeof(double), short_of);
            stage->total = allocate(stage->sums, sizeof(double), short_of);
            stage->dtotal = allocate(stage->sums, sizeof(double), short_of);
        }
    }
    for (int i = 0; i < 2; i++)
        r->d[i] = allocate(batch * r->widest, sizeof(float), short_of);
    for (int i = 0; i < r->net->params; i++) {
        r->offset[i] = r->trained;
        if (r->net->param[i].trained)
            r->trained += (r->net->param[i].n + 15) & ~(size_t)15;
    }
    r->gradients = allocate(r->trained, sizeof(float), short_of);
    r->shard_gradients = calloc(shards, sizeof *r->shard_gradients);
    *short_of |= !r->shard_gradients;
    for (size_t s = 0; r->shard_gradients && s < shards; s++)
        r->shard_gradients[s] = allocate(r->trained, sizeof(float), short_of);
}

static int allocate_all(struct ser_run *r) {
    const struct ser_net *net = r->net;
    int short_of = 0;
    size_t scratch = 0, saved = 0, held = 0, K = (size_t)net->classes;
    r->widest = ser_shape_size(&net->input);
    for (int i = 0; i < r->stages; i++) {
        const struct ser_layer *l = r->stage[i].layer;
        size_t out = ser_shape_size(&l->out);
        r->stage[i].held = held;
        held += l->type->marks ? out : 0;
        size_t a = l->type->scratch_bytes ? l->type->scratch_bytes(l, SER_SHARD) : 0;
        size_t b = l->type->saved_bytes && !l->type->idle ? l->type->saved_bytes(l, SER_SHARD) : 0;
        r->widest = out > r->widest ? out : r->widest;
        scratch = a > scratch ? a : scratch;
        saved = b > saved ? b : saved;
    }
    size_t threads = (size_t)r->threads;
    r->worker = calloc(threads, sizeof *r->worker);
    r->inference = calloc(threads, sizeof *r->inference);
    short_of = !r->worker || !r->inference;
    for (size_t t = 0; r->worker && r->inference && t < threads; t++) {
        r->worker[t].scratch = allocate(scratch, 1, &short_of);
        r->inference[t].saved = allocate(saved, 1, &short_of);
        r->inference[t].held = allocate(held, sizeof(float), &short_of);
        for (int i = 0; i < 2; i++)
            r->inference[t].a[i] = allocate(r->widest, sizeof(float), &short_of);
    }
    if (net->masked) {
        size_t in = ser_shape_size(&net->input), batch = (size_t)r->max_batch;
        r->clean = allocate(batch * in, sizeof(float), &short_of);
        r->lengths = allocate(batch * ((size_t)r->stages + 1), sizeof(int), &short_of);
    }
    r->logits = allocate((size_t)r->max_batch * K, sizeof(float), &short_of);
    r->p = allocate((size_t)r->max_batch * K, sizeof(float), &short_of);
    if (r->training)
        allocate_training(r, &short_of);
    return short_of ? -1 : 0;
}

static int enter(void *ctx, int thread) {
    struct ser_run *r = ctx;
    struct ser_worker *w = &r->worker[thread];
    char why[SER_WHY];
    w->state = w->k->open(w->k, why, sizeof why);
    if (!w->state && !thread)
        snprintf(r->why, SER_WHY, "the %s kernels: %.200s", w->k->name, why);
    return w->state ? 0 : -1;
}

static void leave(void *ctx, int thread) {
    struct ser_run *r = ctx;
    r->worker[thread].k->close(r->worker[thread].state);
}

struct ser_run *ser_run_new(struct ser_net *net, const struct ser_kernels *k, int max_batch,
                            int threads, int training, char why[SER_WHY]) {
    struct ser_run *r = calloc(1, sizeof *r);
    ser_refuse(why, "not enough memory for a batch of %d", max_batch);
    if (!r)
        return NULL;
    r->net = net;
    r->max_batch = max_batch;
    r->shards = shards_of(max_batch);
    r->threads = threads < max_batch ? threads : max_batch; /* inference takes a sample each */
    r->training = training;
    r->why = why;
    for (int c = 0; c < net->classes; c++)
        r->loss.weight[c] = 1;
    make_stages(r, k);
    plan(r);
    if (!check_stages(r) && !allocate_all(r)) {
        for (int t = 0; t < r->threads; t++)
            r->worker[t].k = k;
        ser_refuse(why, "%d threads cannot be started", r->threads);
        r->team = ser_team_new(r->threads, enter, leave, r);
    }
    r->why = NULL;
    if (!r->team) {
        ser_run_free(r);
        return NULL;
    }
    return r;
}

void ser_run_free(struct ser_run *r) {
    if (!r)
        return;
    ser_team_free(r->team);
    free_changed(r);
    for (int t = 0; r->worker && r->inference && t < r->threads; t++) {
        free(r->worker[t].scratch);
        free(r->inference[t].saved);
        free(r->inference[t].held);
        free(r->inference[t].a[0]);
        free(r->inference[t].a[1]);
    }
    free(r->worker);
    free(r->inference);
    for (int i = 0; i < r->stages; i++) {
        struct stage *stage = &r->stage[i];
        free(stage->y);
        free(stage->saved);
        free(stage->forward);
        free(stage->backward);
        free(stage->total);
        free(stage->dtotal);
        free(stage->dmarked);
    }
    for (int s = 0; r->shard_gradients && s < r->shards; s++)
        free(r->shard_gradients[s]);
    free(r->shard_gradients);
    free(r->gradients);
    free(r->d[0]);
    free(r->d[1]);
    free(r->clean);
    free(r->lengths);
    free(r->logits);
    free(r->p);
    free(r);
}
