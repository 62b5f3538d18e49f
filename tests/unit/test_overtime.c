/* test_overtime - what is said over time beside what is when: shares of time, new emotions and their delays,
 * windows with and without speech, worked out by hand; and tables that are refused. */
#include "bridge/overtime.h"
#include "check.h"
#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_near(double a, double b) {
    return fabs(a - b) <= 1e-9;
}

static int read_rows(struct ser_timelines *l, const char *text, struct ser_error *e) {
    char path[64];
    int fd = open_text(text, path);
    int bad = fd < 0 ? -1 : ser_timelines_read(l, path, e);
    close(fd);
    return bad;
}

static int read_truth(struct ser_truth *t, const char *text, struct ser_error *e) {
    char path[64];
    int fd = open_text(text, path);
    int bad = fd < 0 ? -1 : ser_truth_read(t, path, e);
    close(fd);
    return bad;
}

/* Sad twice in a row, a second of nothing, angry, five seconds of nothing, speech that nobody judged, happy. */
static const char truth_text[] = "id start_s end_s emotion speaker\n"
                                 "r 0 5 sad a\nr 5 9 sad a\nr 10 15 angry a\nr 20 22 - a\n"
                                 "r 22 25 happy a\nother 0 3 sad b\n";

/* A window of two seconds every second. */
static const char rows_text[] =
    "id predicted p_angry p_sad start_s end_s level_db\n"
    "r@0.000 - 0.5 0.5 0 2 -20\nr@1.000 sad 0.1 0.9 1 3 -20\nr@2.000 sad 0.1 0.9 2 4 -20\n"
    "r@3.000 sad 0.1 0.9 3 5 -20\nr@4.000 angry 0.9 0.1 4 6 -20\nr@5.000 sad 0.1 0.9 5 7 -20\n"
    "r@6.000 sad 0.1 0.9 6 8 -20\nr@7.000 sad 0.1 0.9 7 9 -20\nr@8.000 sad 0.1 0.9 8 10 -\n"
    "r@9.000 sad 0.1 0.9 9 11 -20\nr@10.000 angry 0.9 0.1 10 12 -20\nr@11.000 angry 1 0 11 13 -20\n"
    "r@12.000 angry 0.9 0.1 12 14 -20\nr@13.000 angry 0.9 0.1 13 15 -20\nr@14.000 - 0.5 0.5 14 16 "
    "-90\n"
    "r@16.000 sad 0.4 0.6 16 18 -90\nr@18.000 - 0.5 0.5 18 20 -90\nr@20.000 sad 0 1 20 22 -20\n"
    "r@22.000 happy 0 1 22 24 -20\nelse@0.000 sad 0 1 0 4 -20\n";

static void test_rows(void) {
    struct ser_timelines l = {0};
    struct ser_error e;
    double from, to;
    check(!read_rows(&l, rows_text, &e), "rows are read");
    check(l.n == 2 && l.classes.n == 2 && !strcmp(l.classes.name[1], "sad") && l.at[0].n == 19 &&
              !strcmp(l.at[0].name, "r") && l.at[1].n == 1,
          "two recordings, by what stands before the last @");
    const struct ser_timeline *t = ser_timelines_find(&l, "r");
    check(t == &l.at[0] && !ser_timelines_find(&l, "r@0.000"), "they are found by their names");
    check(!t->moment[0].predicted && t->moment[1].predicted == t->moment[2].predicted &&
              isnan(t->moment[8].level_db) && t->p[22] == 1.0f,
          "no prediction, one text for equal ones, no level, probabilities");
    ser_timeline_span(t, 1, &from, &to);
    check(from == 1.5 && to == 2.5, "overlapping windows meet midway between their centres");
    ser_timeline_span(t, 0, &from, &to);
    check(from == 0 && to == 1.5, "the first one begins where it begins");
    ser_timeline_span(t, 15, &from, &to);
    check(from == 16 && to == 18, "windows that do not overlap are as they are");
    check(!read_rows(&l, rows_text, &e) && l.n == 4 && l.at[2].n == 19,
          "another model's rows of the same recording are apart");
    check(read_rows(&l, "id predicted p_angry start_s end_s\nr - 1 0 1\n", &e) &&
              strstr(e.text, "lacks classes"),
          "a table of other classes is refused");
    ser_timelines_free(&l);
}

static void test_figures(void) {
    struct ser_timelines l = {0};
    struct ser_truth t = {0};
    struct ser_overtime o;
    struct ser_values v = {0};
    struct ser_error e;
    check(!read_truth(&t, truth_text, &e) && t.n == 2 && t.at[0].n == 5, "the truth is read");
    check(!read_rows(&l, rows_text, &e) && !ser_overtime_judge(&o, &t, &l, 100, 1, &e), "judged");
    check(o.recordings == 1 && o.unheard == 1 && o.unknown == 1,
          "one recording is in both tables, and one in each alone");
    check(o.classes == 3 && !strcmp(o.class_name[0], "angry") && !strcmp(o.class_name[2], "sad"),
          "all emotions of both");
    /* Sad from 1.5 on, but for angry from 4.5 to 5.5; angry from 10.5 to 14.5; no row behind 24. */
    check(o.confusion[2 * 3 + 2] == 6500 && o.confusion[2 * 3 + 0] == 1000 &&
              o.confusion[0 * 3 + 2] == 500 && o.confusion[0 * 3 + 0] == 4000 &&
              o.confusion[1 * 3 + 1] == 2000,
          "milliseconds of each emotion");
    check(o.mute_ms == 2000 && o.no_row_ms == 1000, "time of no emotion said, and of no row");
    check(is_near(o.scores.wa, 12.5 / 14) && !o.intervals, "accuracy is a share of time");
    check(o.all.begins == 3 && o.all.named == 3 && o.all.never == 0 && o.all.before == 0,
          "three emotions begin");
    check(o.onsets[2].median_s == 3 && o.onsets[0].median_s == 2 && o.onsets[1].median_s == 2 &&
              o.all.median_s == 2 && is_near(o.all.most_s, 2.8),
          "delays: from the beginning to the end of the first window that names it");
    check(o.rows[0][0] == 15 && o.rows[0][1] == 2 && o.rows[1][0] == 1 && o.rows[1][1] == 1,
          "windows with and without speech");
    check(!ser_overtime_values(&o, &v) && v.n > 20 && !strcmp(v.at[1].name, "wa"), "by name");
    free(v.at);
    ser_overtime_free(&o);
    ser_truth_free(&t);
    ser_timelines_free(&l);
}

/* One that is never named, one that was said before it began, and one said only when it is over. */
static void test_onsets(void) {
    struct ser_timelines l = {0};
    struct ser_truth t = {0};
    struct ser_overtime o;
    struct ser_error e;
    check(!read_truth(&t, "id start_s end_s emotion\nr 0 4 sad\nr 4 8 angry\nr 8 12 happy\n", &e) &&
              !read_rows(&l,
                         "id predicted start_s end_s\nr - 0 2\nr angry 2 4\nr angry 4 6\n"
                         "r sad 6 8\nr sad 8 10\nr sad 9 12\nr happy 10 13\n",
                         &e) &&
              !ser_overtime_judge(&o, &t, &l, 100, 1, &e),
          "judged without probabilities");
    check(o.all.begins == 3 && o.all.named == 0 && o.all.before == 1 && o.all.never == 2 &&
              o.onsets[0].before == 1 && o.onsets[1].never == 1,
          "before and never");
    check(o.all.median_s == 0, "no delay is known");
    ser_overtime_free(&o);
    ser_truth_free(&t);
    ser_timelines_free(&l);
}

static void test_refused(void) {
    static const char *const rows[][2] = {
        {"id predicted start_s\nr - 0\n", "no columns start_s and end_s"},
        {"id predicted start_s end_s\n", "no row in it"},
        {"id predicted start_s end_s\nr - 2 2\n", "no window of time"},
        {"id predicted start_s end_s\nr - 2 3\nr - 1 4\n", "time goes back"},
        {"id predicted start_s end_s\nr - 2 3\nq - 2 3\nr - 3 4\n", "rows elsewhere"},
        {"id predicted start_s end_s p_sad\nr sad 0 1 2\n", "p_sad is no probability"},
        {"id predicted start_s end_s level_db\nr sad 0 1 loud\n", "no level in decibels"}};
    static const char *const truth[][2] = {
        {"id start_s end_s\nr 0 1\n", "no column 'emotion'"},
        {"id start_s end_s emotion\n", "no stretch of time"},
        {"id start_s end_s emotion\nr 1 0 sad\n", "no stretch of time in seconds"},
        {"id start_s end_s emotion\nr 0 2 sad\nr 1 3 sad\n", "before the end of the stretch"},
        {"id start_s end_s emotion\nr 0 2 sad\nq 0 2 sad\nr 2 3 sad\n", "rows elsewhere"},
        {"id start_s end_s emotion speaker\nr 0 2 sad a\nr 2 3 sad b\n", "another speaker"}};
    struct ser_timelines l = {0};
    struct ser_truth t = {0};
    struct ser_overtime o;
    struct ser_error e;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(read_rows(&l, rows[i][0], &e) && e.status == SER_BAD && strstr(e.text, rows[i][1]),
              "refused: %s", rows[i][1]);
        ser_timelines_free(&l);
    }
    for (size_t i = 0; i < sizeof truth / sizeof *truth; i++) {
        check(read_truth(&t, truth[i][0], &e) && e.status == SER_BAD && strstr(e.text, truth[i][1]),
              "refused: %s", truth[i][1]);
        ser_truth_free(&t);
    }
    check(!read_truth(&t, "id start_s end_s emotion\nr 0 1 sad\n", &e) &&
              !read_rows(&l, "id predicted start_s end_s\nq sad 0 1\n", &e) &&
              ser_overtime_judge(&o, &t, &l, 100, 1, &e) && e.status == SER_BAD,
          "nothing in common");
    check(!read_truth(&t, "id start_s end_s emotion\nq 0 1 sad\n", &e) && t.n == 2 &&
              read_truth(&t, "id start_s end_s emotion\nq 1 2 sad\n", &e),
          "several tables are of several recordings");
    ser_truth_free(&t);
    ser_timelines_free(&l);
}

int main(void) {
    test_rows();
    test_figures();
    test_onsets();
    test_refused();
    return failed != 0;
}
