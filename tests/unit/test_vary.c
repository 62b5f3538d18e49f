/* The variations of features in training: each by itself does what its manual says, and nothing to
 * padding; and a step whose samples are mixed has the loss and the gradient of that.
 *
 * usage: test_vary
 */
#include "check.h"
#include "nn/nn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    A = 9,
    T = 30,
    N = 23,
    KEYS = 4000
}; /* N true frames; bands: two blocks of 4, and one row */

static float x[A * T], y[A * T], mean[A], gain[A];
static const struct ser_variation_layout layout = {A, T, 1, 4, 2, mean, gain};
static float memory[2 * T];

static struct ser_key key_of(int k) {
    return ser_key(7, SER_PURPOSE_VARY, 1, (uint64_t)k);
}

/* x [a,t] = at a a + at t t, in padding 1e6. */
static void ramp(float by_row, float by_frame) {
    for (int i = 0; i < A * T; i++)
        x[i] = i % T < N ? by_row * (float)(i / T) + by_frame * (float)(i % T) : 1e6f;
}

static void vary(const struct ser_variation *v, int k) {
    ser_vary(v, &layout, key_of(k), N, x, y, memory);
}

/* Whether padding is as it was. */
static int padded(void) {
    int good = 1;
    for (int i = 0; i < A * T; i++)
        good &= i % T < N || y[i] == 1e6f;
    return good;
}

static void test_nothing(void) {
    ramp(1, 0.37f);
    vary(&(struct ser_variation){0}, 3);
    check(!memcmp(x, y, sizeof x), "without a size nothing changes");
}

static void test_shift(void) {
    int good = 1, seen[7] = {0};
    ramp(100, 1);
    for (int k = 0; k < KEYS; k++) {
        vary(&(struct ser_variation){.shift = 3}, k);
        int by = 10 - (int)y[10];
        good &= abs(by) <= 3 && padded();
        seen[by + 3]++;
        for (int i = 0; i < A * T; i++) {
            int t = i % T - by;
            t = t < 0 ? 0 : t > N - 1 ? N - 1 : t;
            good &= i % T >= N || y[i] == (float)(100 * (i / T) + t);
        }
    }
    check(good, "shifted: frames move together, and the ends are held");
    for (int i = 0; i < 7; i++)
        good &= seen[i] > KEYS / 7 * 0.8 && seen[i] < KEYS / 7 * 1.2;
    check(good, "shifted: by every number as often");
}

static void test_tempo(void) {
    int good = 1;
    double sum = 0, least = 9, most = 0, early = 0, late = 0;
    ramp(0, 1);
    for (int k = 0; k < KEYS; k++) {
        vary(&(struct ser_variation){.warp_time = 0.2}, k);
        double f = (y[14] - y[8]) / 6; /* far from both ends */
        good &= padded() && y[0] >= 0 && y[N - 1] <= N - 1;
        for (int t = 0; t < N; t++) {
            double want = y[10] + f * (t - 10);
            want = want < 0 ? 0 : want > N - 1 ? N - 1 : want;
            good &= fabs(y[t] - want) < 1e-4 && y[t] == y[8 * T + t];
        }
        sum += f;
        least = f < least ? f : least;
        most = f > most ? f : most;
        early += f < 0.9 && y[0] < 0.02 * (N - 1);
        late += f < 0.9 && y[N - 1] > 0.98 * (N - 1);
    }
    check(good, "stretched in time: by one factor, between the ends, which are held");
    check(least > 0.8 && least < 0.801 && most > 1.199 && most < 1.2 && fabs(sum / KEYS - 1) < 0.01,
          "the factor is from %.4f to %.4f, %.4f on average", least, most, sum / KEYS);
    check(early > 20 && late > 20, "a slower one begins or ends anywhere: %g and %g", early, late);
}

static void test_bands(void) {
    int good = 1;
    double least = 9, most = 0;
    ramp(1, 0);
    for (int k = 0; k < KEYS; k++) {
        vary(&(struct ser_variation){.warp_bands = 0.3}, k);
        double g = y[T];
        if (g >= 1) /* bands 0 to 3 of block 0 */
            g = (y[2 * T] < 3 ? y[2 * T] / 2 : g);
        least = g < least ? g : least;
        most = g > most ? g : most;
        good &= padded() && y[8 * T] == 8;
        for (int a = 0; a < 8; a++) {
            double want = g * (a % 4);
            want = (want > 3 ? 3 : want) + a / 4 * 4;
            good &= fabs(y[a * T + 5] - want) < 1e-4;
        }
    }
    check(good, "bands are stretched within their block, and the row behind stays");
    check(least > 0.7 && least < 0.702 && most > 1.298 && most < 1.3,
          "the factor is from %.4f to %.4f", least, most);
}

static void test_gain(void) {
    int good = 1;
    double sum = 0, squares = 0;
    ramp(1, 1);
    gain[0] = 1;
    gain[3] = 6;
    for (int k = 0; k < KEYS; k++) {
        vary(&(struct ser_variation){.gain_db = 2}, k);
        double g = y[0] - x[0];
        sum += g;
        squares += g * g;
        good &= padded();
        for (int i = 0; i < A * T; i++)
            good &= i % T >= N || fabs(y[i] - x[i] - g * gain[i / T]) < 1e-4;
    }
    check(good, "a level is added to the rows that have one");
    check(fabs(sum / KEYS) < 0.1 && fabs(sqrt(squares / KEYS) - 2) < 0.1,
          "its mean is %.3f, its deviation %.3f", sum / KEYS, sqrt(squares / KEYS));
    gain[0] = gain[3] = 0;
}

/* Lines between points at equal distances over the first block; the points by their numbers. */
static void test_filter(void) {
    int good = 1, straight = 0;
    double squares = 0;
    ramp(1, 1);
    for (int b = 0; b < 4; b++)
        gain[b] = 1;
    gain[8] = 1; /* the energy behind the blocks has no band */
    for (int k = 0; k < KEYS; k++) {
        double by[4];
        vary(&(struct ser_variation){.filter_db = 2}, k);
        good &= padded();
        for (int b = 0; b < 4; b++)
            by[b] = y[b * T] - x[b * T];
        for (int i = 0; i < A * T; i++)
            good &= i % T >= N || fabs(y[i] - x[i] - (i / T < 4 ? by[i / T] : 0)) < 1e-4;
        squares += by[0] * by[0] + by[3] * by[3];
        double bend = fabs(by[0] - 2 * by[1] + by[2]) + fabs(by[1] - 2 * by[2] + by[3]);
        straight += bend < 1e-4 && fabs(by[3] - by[0]) > 1e-3;
    }
    check(good, "a response is added to the bands of the first block, the same for every frame");
    check(fabs(sqrt(squares / 2 / KEYS) - 2) < 0.1, "its ends have the deviation %.3f",
          sqrt(squares / 2 / KEYS));
    check(fabs((double)straight / KEYS - 0.2) < 0.03,
          "one in five has two points, a straight line: %.3f", (double)straight / KEYS);
    memset(gain, 0, sizeof gain);
}

/* A cell that is masked is -1, the mean of every row. */
static void test_masks(void) {
    const struct ser_variation one = {.mask_bands = 2, .mask_frames = 5, .masks = 1},
                               three = {.mask_bands = 2, .mask_frames = 5, .masks = 3};
    int good = 1, widths[3] = {0}, lengths[6] = {0}, more = 0;
    for (int a = 0; a < A; a++)
        mean[a] = -1;
    ramp(1, 1);
    for (int k = 0; k < KEYS; k++) {
        vary(&one, k);
        int bands = 0, frames = 0, row[A] = {0}, column[T] = {0};
        for (int t = 0; t < N; t++) /* the row behind the blocks is masked by frames alone */
            frames += column[t] = y[8 * T + t] == -1;
        for (int a = 0; a < 8; a++) {
            row[a] = 1;
            for (int t = 0; t < N; t++)
                row[a] &= y[a * T + t] == -1;
            bands += a < 4 && row[a];
        }
        good &= padded() && bands <= 2 && frames <= 5;
        for (int i = 0; i < A * T; i++)
            good &= i % T >= N || (y[i] == -1) == (row[i / T] || column[i % T]);
        for (int a = 0; a < 4; a++)
            good &= row[a] == row[a + 4];
        for (int t = 1; t < N; t++) /* one run */
            good &=
                !(column[t] && !column[t - 1]) || column[t - 1 + (frames < N - t ? frames : N - t)];
        widths[bands]++;
        lengths[frames]++;
        vary(&three, k);
        for (int t = 0, n = 0; t < N; t++)
            more += (n += y[8 * T + t] == -1) == 6;
    }
    check(good, "masks: runs of bands in every block, of frames in every row, of true frames");
    for (int i = 0; i < 3; i++)
        good &= abs(widths[i] - KEYS / 3) < KEYS / 30;
    for (int i = 0; i < 6; i++)
        good &= abs(lengths[i] - KEYS / 6) < KEYS / 30;
    check(good, "masks: each width up to the widest as often");
    check(more > KEYS / 10, "several masks hide more than the widest");
}

/* [T,C]: bands are channels. */
static void test_channels(void) {
    enum { C = 6 };
    const struct ser_variation_layout frames = {1, 10, C, C, 1, mean, NULL};
    float in[10 * C], out[10 * C];
    int good = 1, some = 0;
    for (int i = 0; i < 10 * C; i++)
        in[i] = (float)(i / C * 10 + i % C);
    for (int k = 0; k < 100; k++) {
        const struct ser_variation v = {.warp_time = 0.3, .shift = 2};
        ser_vary(&v, &frames, key_of(k), 8, in, out, memory);
        for (int i = 0; i < 10 * C; i++)
            good &= i / C < 8 ? fabs(out[i] - out[i / C * C] - i % C) < 1e-4 : out[i] == in[i];
        some += out[0] > 0;
        const struct ser_variation masks = {.mask_bands = 3, .mask_frames = 3, .masks = 1};
        ser_vary(&masks, &frames, key_of(k), 8, in, out, memory);
        for (int i = 0; i < 8 * C; i++) {
            int row = 1, column = 1;
            for (int c = 0; c < C; c++)
                row &= out[i / C * C + c] == -1;
            for (int t = 0; t < 8; t++)
                column &= out[t * C + i % C] == -1;
            good &= out[i] == (row || column ? -1 : in[i]);
        }
    }
    check(good && some > 10, "frames of channels: stretched, moved and masked");
}

/* Quantiles of max(l, 1 - l), l of Beta(a, a), by scipy 1.11's beta(a, a).ppf. */
static void test_share(void) {
    static const struct {
        double alpha, quarter[3];
    } want[] = {{0.2, {0.836579, 0.976185, 0.999244}},
                {1, {0.625, 0.75, 0.875}},
                {3, {0.567482, 0.640564, 0.730621}}};
    for (int w = 0; w < 3; w++) {
        int below[3] = {0}, good = 1;
        for (int k = 0; k < KEYS; k++) {
            double share = ser_mix_share(want[w].alpha, key_of(k));
            good &= share >= 0.5 && share <= 1;
            for (int q = 0; q < 3; q++)
                below[q] += share < want[w].quarter[q];
        }
        for (int q = 0; q < 3; q++)
            good &= abs(below[q] - (q + 1) * KEYS / 4) < KEYS / 40;
        check(good, "shares of Beta(%g, %g): %d, %d, %d of %d below the quartiles", want[w].alpha,
              want[w].alpha, below[0], below[1], below[2], KEYS);
    }
    check(ser_mix_share(1e-3, key_of(1)) == 1, "next to 0 nothing is mixed");
}

/* ---- steps ---- */

enum { B = 5, ROWS = 3, FRAMES = 4, SIZE = ROWS * FRAMES, K = 3 };

static const struct ser_variation_layout plain = {ROWS, FRAMES, 1, ROWS, 1, NULL, NULL};
static const size_t place[B] = {4, 0, 7, 2, 9};
static const struct ser_dropout draws = {11, 2, place};
static const float teacher[B * K] = {0.1f, 0.2f, 0.7f, 0,    1,    0,    0.5f, 0.5f,
                                     0,    0.9f, 0,    0.1f, 0.3f, 0.3f, 0.4f};

/* The loss of mixed samples by its definition, from the probabilities of what is mixed here. */
static double mixed_loss(struct ser_run *r, const struct ser_loss *loss, const float *in,
                         const int *label) {
    float mixed[B * SIZE], p[B * K];
    double share[B], sum = 0;
    for (int b = 0; b < B; b++) {
        int other = (b + 1) % B;
        share[b] = ser_mix_share(0.7, ser_key(11, SER_PURPOSE_MIX, 2, place[b]));
        for (int i = 0; i < SIZE; i++)
            mixed[b * SIZE + i] =
                (float)(share[b] * in[b * SIZE + i] + (1 - share[b]) * in[other * SIZE + i]);
    }
    ser_run_predict(r, mixed, B, p);
    for (int b = 0; b < B; b++)
        for (int k = 0; k < K; k++) {
            int both[] = {label[b], label[(b + 1) % B]};
            for (int i = 0; i < 2; i++) {
                double target = (1 - loss->smoothing) * (k == both[i]) + loss->smoothing / K;
                if (loss->soft)
                    target = (1 - loss->soft_weight) * target +
                             loss->soft_weight * loss->soft[place[(b + i) % B] % B * K + k];
                sum -= (i ? 1 - share[b] : share[b]) * loss->weight[both[i]] * target *
                       log(p[b * K + k]) / B;
            }
        }
    return sum;
}

/* Where a teacher is heard, each of the two that are mixed has its own. */
static void test_mixed_step(const float *soft) {
    static const char text[] = "reshape 12\ndense 4 relu\ndense classes\n";
    const struct ser_loss loss = {
        .smoothing = 0.1f, .weight = {1, 2, 0.5f}, .soft_weight = 0.7f, .soft = soft, .samples = B};
    const struct ser_changes mix = {.layout = plain, .mix = 0.7};
    const int label[B] = {0, 2, 1, 1, 0};
    float in[B * SIZE], before[SER_MAX_CLASSES];
    char why[SER_WHY];
    struct ser_net *net = ser_net_parse(text, strlen(text), ROWS, FRAMES, K, why);
    struct ser_run *r = net ? ser_run_new(net, ser_kernels_find("plain"), B, 2, 1, why) : NULL;
    if (!r || ser_run_change(r, &mix)) {
        check(0, "no network: %s", why);
        return;
    }
    ser_net_init(net, 3);
    ser_run_loss(r, &loss);
    for (int i = 0; i < B * SIZE; i++)
        in[i] = (float)ser_normal(ser_key(1, SER_PURPOSE_BOOTSTRAP, 0, 0), (uint64_t)i);
    double got = ser_run_gradients(r, in, label, B, &draws, NULL);
    double want = mixed_loss(r, &loss, in, label);
    check(fabs(got - want) < 1e-5, "mixed%s: the loss is %.6f, by its definition %.6f",
          soft ? ", taught" : "", got, want);
    double worst = 0;
    for (int i = 0; i < net->params; i++)
        for (size_t j = 0; j < net->param[i].n; j++) {
            float *w = &net->param[i].value[j], was = *w;
            ser_run_gradients(r, in, label, B, &draws, NULL);
            double slope = ser_run_gradient(r, i)[j];
            *w = was + 1e-3f;
            double above = ser_run_gradients(r, in, label, B, &draws, NULL);
            *w = was - 1e-3f;
            double below = ser_run_gradients(r, in, label, B, &draws, NULL);
            *w = was;
            worst = fmax(worst, fabs(slope - (above - below) / 2e-3));
        }
    check(worst < 1e-3, "mixed: the gradient is the loss's slope within %.2g", worst);
    memcpy(before, ser_run_logits(r), B * K * sizeof *before);
    ser_run_gradients(r, in, label, B, NULL, NULL);
    check(memcmp(before, ser_run_logits(r), B * K * sizeof *before),
          "a step without random numbers mixes nothing");
    ser_run_free(r);
    ser_net_free(net);
}

/* True frames that no sample can have count as the nearest that it can. */
static void test_frames_beyond(void) {
    static const char text[] = "reshape 12\ndense classes\n";
    const struct ser_changes shift = {.layout = plain, .variation = {.shift = 2}};
    const int label[B] = {0, 2, 1, 1, 0};
    const int beyond[B] = {FRAMES + 9, 0, -3, 1, FRAMES}, held[B] = {FRAMES, 1, 1, 1, FRAMES};
    float in[B * SIZE], p[2][B * K];
    char why[SER_WHY];
    struct ser_net *net = ser_net_parse(text, strlen(text), ROWS, FRAMES, K, why);
    struct ser_run *r = net ? ser_run_new(net, ser_kernels_find("plain"), B, 2, 1, why) : NULL;
    if (!r || ser_run_change(r, &shift)) {
        check(0, "no network: %s", why);
        return;
    }
    ser_net_init(net, 3);
    for (int i = 0; i < B * SIZE; i++)
        in[i] = (float)i;
    for (int i = 0; i < 2; i++) {
        ser_run_frames(r, i ? held : beyond);
        ser_run_gradients(r, in, label, B, &draws, p[i]);
    }
    check(!memcmp(p[0], p[1], sizeof p[0]), "true frames that are too many or none are held");
    ser_run_free(r);
    ser_net_free(net);
}

int main(void) {
    test_nothing();
    test_shift();
    test_tempo();
    test_bands();
    test_gain();
    test_filter();
    test_masks();
    test_channels();
    test_share();
    test_mixed_step(NULL);
    test_mixed_step(teacher);
    test_frames_beyond();
    printf("# %d failed\n", failed);
    return failed != 0;
}
