/* test_soft - a table of a teacher's predictions as targets: which row a sample has, in which order of
 * classes, at which temperature; and what is refused, by row.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/soft.h"
#include "check.h"

static char path[] = "/tmp/ser-test-XXXXXX";
static char calm[] = "calm", happy[] = "happy", sad[] = "sad";
static char *class[] = {calm, happy, sad};

static struct ser_sample sample(char *key, int emotion) {
    return (struct ser_sample){.key = key, .id = strcspn(key, "#@"), .emotion = emotion};
}

/* Reads the text as a table for two recordings, an altered copy and a window of the second, and another
 * window, which has a row of its own. */
static int read_table(struct ser_soft *s, const char *text, double temperature,
                      struct ser_error *e) {
    static char a[] = "a", b[] = "b", copy[] = "b#pitch.1", window[] = "b@2", own[] = "b@4";
    static char *emotion[] = {sad, calm};
    struct ser_sample at[] = {sample(b, 0), sample(copy, 0), sample(a, 1), sample(window, 0),
                              sample(own, 0)};
    const struct ser_dataset d = {.n = 5, .at = at, .emotions = 2, .emotion = emotion};
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        exit(1);
    *e = (struct ser_error){0};
    return ser_soft_read(s, path, &d, class, 3, temperature, e);
}

#define HEAD "id\temotion\tpredicted\tp_sad\tp_calm\tp_happy\n"
#define A    "a\tcalm\tsad\t0.5\t0.4\t0.1\n"
#define B    "b\tsad\tsad\t0.64\t0\t0.36\n"
#define OWN  "b@4\tsad\tsad\t1\t0\t0\n"
#define MORE "z\thappy\tsad\t0.6\t0.2\t0.2\n"

static void test_targets(void) {
    static const struct {
        double temperature;
        float want[15];
    } of[] = {
        {1, {0, 0.36f, 0.64f, 0, 0.36f, 0.64f, 0.4f, 0.1f, 0.5f, 0, 0.36f, 0.64f, 0, 0, 1}},
        /* Roots, and their sum: 0.6 + 0.8; sqrt 0.4 + sqrt 0.1 + sqrt 0.5. */
        {2,
         {0, 0.428571f, 0.571429f, 0, 0.428571f, 0.571429f, 0.381966f, 0.190983f, 0.427051f, 0,
          0.428571f, 0.571429f, 0, 0, 1}},
        /* Squares: 0.1296 + 0.4096; 0.16 + 0.01 + 0.25. */
        {0.5,
         {0, 0.240356f, 0.759644f, 0, 0.240356f, 0.759644f, 0.380952f, 0.0238095f, 0.595238f, 0,
          0.240356f, 0.759644f, 0, 0, 1}},
    };
    uint64_t table = 0;
    for (int i = 0; i < 3; i++) {
        struct ser_soft s;
        struct ser_error e;
        double worst = 0;
        int bad = read_table(&s, HEAD A B MORE OWN, of[i].temperature, &e);
        for (int k = 0; k < 15 && !bad; k++)
            worst = fmax(worst, fabs((double)s.target[k] - of[i].want[k]));
        check(!bad && worst < 2e-6, "temperature %g: targets within %.1e %s", of[i].temperature,
              worst, bad ? e.text : "");
        check(!i || s.table == table, "its table is the same");
        table = s.table;
        ser_soft_free(&s);
    }
    struct ser_soft s;
    struct ser_error e;
    int bad =
        read_table(&s,
                   "id\temotion\tpredicted\tp_calm\tp_happy\tp_sad\nb\tsad\tsad\t0\t0.36\t0.64\n"
                   "a\tcalm\tsad\t0.4\t0.1\t0.5\nb@4\tsad\tsad\t0\t0\t1\n",
                   1, &e);
    check(!bad && s.table == table,
          "in another order, without what no sample has, it is the same %s", bad ? e.text : "");
    ser_soft_free(&s);
    bad = read_table(&s, HEAD A "b\tsad\tsad\t0.63\t0\t0.37\n" OWN, 1, &e);
    check(!bad && s.table != table, "with other probabilities it is another");
    ser_soft_free(&s);
}

static void test_refusals(void) {
    static const struct {
        const char *text, *want;
    } of[] = {
        {"", "empty"},
        {"id\temotion\tpredicted\na\tcalm\tsad\n", "has no column p_calm"},
        {"id\temotion\tpredicted\tp_sad\tp_calm\na\tcalm\tsad\t0.5\t0.5\n", "no column p_happy"},
        {"id\temotion\tpredicted\tp_sad\tp_calm\tp_happy\tp_bored\na\tcalm\tsad\t1\t0\t0\t0\n",
         "has a column p_bored"},
        {HEAD A, "has no row of b, which is in the training data (such samples: 4)"},
        {HEAD A "b\t-\tsad\t1\t0\t0\n", "has no row of b, .*1 utterance of unknown emotion"},
        {HEAD B, "has no row of a, which is in the training data (such samples: 1)"},
        {HEAD A B A, "row 3 (a): the id 'a' comes twice"},
        {HEAD A "b\tsad\tsad\t0.64\t0\t0.3\n", "row 2 (b): probabilities add up to 0.94"},
        {HEAD A "b\tsad\tsad\t1.2\t-0.2\t0\n", "row 2 (b): p_sad is no probability: '1.2'"},
        {HEAD A "b\tsad\tsad\t1\tnan\t0\n", "row 2 (b): p_calm is no probability: 'nan'"},
        {HEAD A "b\tsad\tsad\t0.6", "row 2 (b): "},
        {HEAD A "b\thappy\tsad\t1\t0\t0\n", "the emotion of b is 'happy' there, but 'sad'"},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct ser_soft s;
        struct ser_error e;
        char want[128];
        snprintf(want, sizeof want, "%s", of[i].want);
        char *more = strstr(want, ".*");
        if (more)
            *more = '\0';
        int bad = read_table(&s, of[i].text, 1, &e);
        check(bad && e.status == SER_BAD && strstr(e.text, path) && strstr(e.text, want) &&
                  (!more || strstr(e.text, more + 2)),
              "refused: %s", e.text);
        ser_soft_free(&s);
    }
}

int main(void) {
    int fd = mkstemp(path);
    if (fd < 0 || close(fd))
        return 1;
    test_targets();
    test_refusals();
    unlink(path);
    return failed != 0;
}
