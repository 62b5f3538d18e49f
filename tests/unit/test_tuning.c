/* test_tuning - how much of a search's figures goes along with an option, beside the statistic of Kruskal and Wallis as
 * SciPy 1.17 has it (scipy.stats.kruskal, divided by n - 1); and tables of results. */
#include "bridge/tuning.h"
#include "check.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 32 };

static int is_near(double a, double b) {
    return fabs(a - b) <= 1e-12;
}

static struct ser_anova of_ranks(const double *value, const int *group, size_t n) {
    double rank[MOST], scratch[MOST];
    struct ser_anova a;
    ser_ranks(value, n, rank, scratch);
    ser_anova(rank, group, n, &a);
    return a;
}

static void test_shares(void) {
    static const double three[] = {2.9, 3.0, 2.5, 2.6, 3.2, 3.8, 2.7,
                                   4.0, 2.4, 2.8, 3.4, 3.7, 2.2, 2.0};
    static const int of_three[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2};
    struct ser_anova a = of_ranks(three, of_three, 14);
    check(a.n == 14 && a.groups == 3 && is_near(a.share, 0.05934065934065937),
          "Kruskal and Wallis: three groups");
    check(is_near(a.chance, 2.0 / 13) && a.effect == 0,
          "less than groups by lot have is no effect");
    static const double tied[] = {1, 1, 2, 5, 2, 2, 7, 9, 9, 9, 1};
    static const int of_tied[] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2};
    a = of_ranks(tied, of_tied, 11);
    check(is_near(a.share, 0.3076923076923082), "likewise with ties");
    check(is_near(a.effect, 1 - (1 - a.share) * 10 / 8), "what chance puts there is taken off");
    static const double two[] = {-INFINITY, 1, 5, 1e300};
    static const int of_two[] = {3, 3, 9, 9};
    a = of_ranks(two, of_two, 4);
    check(a.groups == 2 && is_near(a.share, 0.8) && is_near(a.effect, 0.7),
          "one that is far off counts as the last");
    static const int none[] = {-1, 0, 0, -1}, each[] = {0, 1, 2, 3};
    a = of_ranks(two, none, 4);
    check(a.n == 2 && a.groups == 1 && a.share == 0 && a.effect == 0, "one group tells nothing");
    a = of_ranks(two, each, 4);
    check(a.groups == 4 && a.share == 0, "nor do groups of one");
    ser_anova(two, none, 0, &a);
    check(a.n == 0 && a.groups == 0 && a.share == 0, "nor does nothing");
}

static void test_ranks(void) {
    static const double value[] = {3, 1, 3, -INFINITY, 2, 3};
    double rank[6], scratch[6];
    ser_ranks(value, 6, rank, scratch);
    check(rank[0] == 5 && rank[1] == 2 && rank[2] == 5 && rank[3] == 1 && rank[4] == 3 &&
              rank[5] == 5,
          "ranks: equal ones share their mean");
}

static void test_groups(void) {
    static const double value[] = {8, 1, NAN, 3, 2, 7, 4, 6, 5};
    static const int want[] = {3, 0, -1, 1, 0, 3, 1, 2, 2};
    static const double few[] = {2, 2, 2, 1, 1, 4};
    int group[9];
    double scratch[9];
    check(ser_quantile_groups(value, 9, 4, group, scratch) == 4 &&
              !memcmp(group, want, sizeof want),
          "four groups of two numbers each; one that is none is in none");
    int n = ser_quantile_groups(few, 6, 4, group, scratch);
    check(n == 2 && group[0] == group[1] && group[1] == group[2] && group[3] == group[4] &&
              group[3] < group[0] && group[0] == group[5],
          "equal numbers are in one group");
    check(ser_quantile_groups(few, 3, 2, group, scratch) == 1 && !group[0] && !group[2],
          "all equal: one group");
    check(ser_quantile_groups(value + 2, 1, 4, group, scratch) == 0 && group[0] == -1,
          "none: none");
}

static int read_text(struct ser_tuning *t, const char *text, struct ser_error *e) {
    char path[64];
    int fd = open_text(text, path);
    int bad = fd < 0 ? -1 : ser_tuning_read(t, path, e);
    close(fd);
    return bad;
}

static void test_results(void) {
    struct ser_tuning t;
    struct ser_error e;
    check(!read_text(&t,
                     "NET rung trial by epochs val_loss val_accuracy val_recall lr units space\n"
                     "b 1 10 loss 3 0.5 0.6 0.7 0.1 - x\na 0 2 loss 1 0.9 0.2 0.9 0.001 4 x\n"
                     "b 0 10 loss 1 0.8 0.2 0.2 0.1 - x\nb 0 3 loss 1 - - - 0.01 8 x\n",
                     &e),
          "a table in any order");
    check(t.results == 4 && t.trials == 3 && t.options == 3 && t.by == SER_TUNING_LOSS,
          "4 results, 3 trials, 3 options");
    check(t.result[0].trial == 2 && t.result[2].trial == 10 && t.result[2].rung == 0 &&
              t.result[3].rung == 1,
          "by trial, then rung");
    check(ser_tuning_last(&t, 2) == 3 && t.rank[0] == &t.result[3],
          "the best is on the highest rung");
    check(ser_tuning_before(&t, &t.result[2], &t.result[0]) &&
              ser_tuning_before(&t, &t.result[0], &t.result[1]),
          "by loss the smaller is before; one that failed is last");
    check(t.rank[1] == &t.result[0] && t.rank[2] == &t.result[1],
          "trials by their last results, the best first");
    const struct ser_tuning_option *net = &t.option[0], *lr = &t.option[1], *units = &t.option[2];
    check(net->words && net->values == 2 && !strcmp(net->word[0], "a") && !lr->words && lr->log &&
              lr->lo == 0.001 && !units->words && !units->log && units->hi == 8,
          "words, logarithms, numbers");
    check(ser_tuning_place(&t, &t.result[0], 0) == 0 &&
              ser_tuning_place(&t, &t.result[3], 0) == 1 &&
              is_near(ser_tuning_place(&t, &t.result[1], 1), 0.5) &&
              isnan(ser_tuning_place(&t, &t.result[3], 2)),
          "places on their axes");
    check(t.common == 0 && t.common_epochs == 1 && net->importance.n == 3 &&
              net->importance.groups == 2,
          "importance on the rung that most have");
    ser_tuning_free(&t);
    static const char *const bad[][2] = {
        {"trial rung epochs val_loss val_accuracy val_recall\n", "no result in it"},
        {"trial rung epochs val_loss val_accuracy val_recall\n0 0 1 1 1 1\n",
         "trial counts from 1"},
        {"trial rung epochs val_loss val_accuracy val_recall\n1 1000 1 1 1 1\n",
         "trial counts from 1"},
        {"trial rung epochs val_loss val_accuracy val_recall\n1 0 1 1 1.1 1\n", "are no figures"},
        {"trial rung epochs val_loss val_accuracy val_recall\n1 0 1 - 1 1\n", "are no figures"},
        {"trial rung epochs val_loss val_accuracy\n1 0 1 1 1\n", "no column 'val_recall'"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(read_text(&t, bad[i][0], &e) == -1 && e.status == SER_BAD &&
                  strstr(e.text, bad[i][1]),
              "refused: %s", bad[i][1]);
}

int main(void) {
    test_shares();
    test_ranks();
    test_groups();
    test_results();
    return failed != 0;
}
