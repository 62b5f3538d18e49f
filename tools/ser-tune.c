/* ser-tune - draws the trials of a search, and judges them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/space.h"
#include "core/opt.h"
#include "core/out.h"
#include "core/tsv.h"
#include "math/search.h"

enum { MAX_EPOCHS = 100000, MAX_ETA = 100 };

static struct {
    const char *method, *by, *output;
    int64_t trials, seed, eta, epochs, min_epochs, generation, rung, trial;
} opt = {.method = "halving",
         .by = "recall",
         .trials = 27,
         .seed = 1,
         .eta = 3,
         .epochs = 27,
         .min_epochs = 1,
         .generation = 4};

static const struct ser_opt options[] = {
    {0, "method", SER_OPT_CHOICE, &opt.method, 0, 0, "random|grid|halving|hyperband|asha|tpe",
     "how trials are drawn, and who goes on"},
    {'n', "trials", SER_OPT_INT, &opt.trials, 1, SER_MAX_TRIALS, "N", "number of trials"},
    {'s', "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "seed of the draws"},
    {'e', "epochs", SER_OPT_INT, &opt.epochs, 1, MAX_EPOCHS, "N", "epochs of the last rung"},
    {0, "min-epochs", SER_OPT_INT, &opt.min_epochs, 1, MAX_EPOCHS, "N",
     "least epochs of the first rung"},
    {0, "eta", SER_OPT_INT, &opt.eta, 2, MAX_ETA, "N", "one of N goes on to N times the epochs"},
    {'g', "generation", SER_OPT_INT, &opt.generation, 1, SER_MAX_TRIALS, "N",
     "tpe: N trials in turn know the same results"},
    {0, "by", SER_OPT_CHOICE, &opt.by, 0, 0, "recall|loss|accuracy",
     "figure of validation that decides"},
    {'r', "rung", SER_OPT_INT, &opt.rung, 0, SER_MAX_RUNGS - 1, "R", "judge: who reaches rung R"},
    {'t', "trial", SER_OPT_INT, &opt.trial, 1, SER_MAX_TRIALS, "T", "this trial alone"},
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {0}};

static const struct ser_tool tool = {
    "draw SPACE [RESULTS] | plan | judge SPACE [RESULTS]",
    "Draws the trials of a search, and judges them.", options,
    "draw prints a table of trials, plan the epochs that they will take, judge the\n"
    "trials by their results, the best first; with --rung, those that reach it.\n"
    "Trial 17 is the same whatever --trials is. pipelines/tune.mk runs searches."};

static struct ser_search search_of_options(void) {
    static const char *const method[] = {"random", "grid", "halving", "hyperband", "asha", "tpe"};
    struct ser_search s = {.eta = (int)opt.eta,
                           .epochs = (int)opt.epochs,
                           .min_epochs = (int)opt.min_epochs,
                           .trials = (int)opt.trials};
    while (strcmp(method[s.method], opt.method) != 0)
        s.method++;
    return s;
}

/* ---- draw ---- */

static void write_trial(struct ser_out *o, const struct ser_space *s, int64_t t, char **value) {
    ser_out_printf(o, "%lld\t%s\t%lld", (long long)t, s->hash, (long long)opt.seed);
    for (int i = 0; i < s->options; i++)
        ser_out_printf(o, "\t%s", value[i] ? value[i] : "-");
    ser_out_printf(o, "\n");
}

/* The trials of a grid are its points. They may be fewer than --trials. */
static void write_grid(struct ser_out *o, const struct ser_space *s) {
    struct ser_error e;
    char **value;
    uint64_t at = 0;
    int got = 1;
    must(ser_space_has_grid(s, SER_MAX_TRIALS, &e), &e);
    for (int64_t t = 1; t <= opt.trials; t++) {
        if ((got = ser_space_point(s, &at, &value)) <= 0)
            break;
        if (!opt.trial || opt.trial == t)
            write_trial(o, s, t, value);
        free(value);
    }
    must(got < 0 ? ser_no_memory(&e) : 0, &e);
}

static void write_draws(struct ser_out *o, const struct ser_space *s) {
    struct ser_error e;
    char **value;
    int64_t first = opt.trial ? opt.trial : 1, last = opt.trial ? opt.trial : opt.trials;
    for (int64_t t = first; t <= last; t++) {
        must(ser_space_draw(s, (uint64_t)opt.seed, (uint64_t)t, &value) ? ser_no_memory(&e) : 0,
             &e);
        write_trial(o, s, t, value);
        free(value);
    }
}

/* ---- plan ---- */

static void plan(const struct ser_search *s, struct ser_out *o) {
    int rungs = ser_search_rungs(s), before = 0, first, last;
    double *begin = ecalloc((size_t)rungs, sizeof *begin);
    for (int t = 1; t <= s->trials; t++)
        begin[ser_search_peers(s, t, &first, &last)]++;
    ser_out_printf(o, "rung\tepochs\ttrials\ttrained\n");
    for (int r = 0; r < rungs; r++) {
        int epochs = ser_search_epochs(s, r);
        double trials = ser_search_expected(s, r);
        ser_out_printf(o, "%d\t%d\t%.9g\t%.9g\n", r, epochs, trials,
                       begin[r] * epochs + (trials - begin[r]) * (epochs - before));
        before = epochs;
    }
    free(begin);
}

/* ---- judge: results ---- */

struct result {
    double loss, accuracy, recall;
    int known, failed;
};

struct results {
    const struct ser_search *search;
    int rungs;
    size_t n;           /* trials */
    struct result *at;  /* [rungs, n] */
    double *worth;      /* [rungs, n] */
    signed char *alive; /* [rungs, n] */
};

struct columns {
    int trial, rung, epochs, space, seed, loss, accuracy, recall;
};

static int find_columns(const struct ser_tsv *t, struct columns *c, struct ser_error *e) {
    const struct {
        int *at;
        const char *name;
    } need[] = {{&c->trial, "trial"},           {&c->rung, "rung"},        {&c->epochs, "epochs"},
                {&c->space, "space"},           {&c->seed, "seed"},        {&c->loss, "val_loss"},
                {&c->accuracy, "val_accuracy"}, {&c->recall, "val_recall"}};
    for (size_t i = 0; i < sizeof need / sizeof *need; i++)
        if ((*need[i].at = ser_tsv_need(t, need[i].name, e)) < 0)
            return -1;
    return 0;
}

/* What the row says of itself must be what the command line says of the search. */
static int check_search(const struct ser_tsv *t, const struct columns *c, const struct ser_space *s,
                        struct ser_error *e) {
    int64_t seed;
    if (strcmp(t->field[c->space], s->hash) != 0)
        return ser_tsv_fail(t, e, "is of another space: its hash is %.40s, that of %s is %s",
                            t->field[c->space], s->name, s->hash);
    if (ser_parse_int(t->field[c->seed], 0, (int64_t)SER_MAX_SEED, &seed) || seed != opt.seed)
        return ser_tsv_fail(t, e, "is of another search: its seed is %.40s, not %lld",
                            t->field[c->seed], (long long)opt.seed);
    return 0;
}

/* A trial that failed has - for its figures. */
static int read_figures(const struct ser_tsv *t, const struct columns *c, struct result *r,
                        struct ser_error *e) {
    const char *loss = t->field[c->loss], *accuracy = t->field[c->accuracy],
               *recall = t->field[c->recall];
    *r = (struct result){.known = 1};
    r->failed = strcmp(loss, "-") == 0 && strcmp(accuracy, "-") == 0 && strcmp(recall, "-") == 0;
    if (!r->failed &&
        (ser_parse_real(loss, 0, 1e300, &r->loss) || ser_parse_real(accuracy, 0, 1, &r->accuracy) ||
         ser_parse_real(recall, 0, 1, &r->recall)))
        return ser_tsv_fail(t, e,
                            "val_loss, val_accuracy and val_recall are no figures, and not "
                            "all -");
    return 0;
}

static int read_result(struct results *q, const struct ser_tsv *t, const struct columns *c,
                       const struct ser_space *s, struct ser_error *e) {
    int64_t trial, rung, epochs;
    if (check_search(t, c, s, e))
        return -1;
    if (ser_parse_int(t->field[c->trial], 1, SER_MAX_TRIALS, &trial) ||
        ser_parse_int(t->field[c->rung], 0, SER_MAX_RUNGS - 1, &rung) ||
        ser_parse_int(t->field[c->epochs], 1, MAX_EPOCHS, &epochs))
        return ser_tsv_fail(t, e, "trial counts from 1, rung from 0, epochs from 1");
    if (rung >= q->rungs || epochs != ser_search_epochs(q->search, (int)rung))
        return ser_tsv_fail(t, e,
                            "%lld epochs on rung %lld are of a search with other --method, "
                            "--epochs, --min-epochs or --eta",
                            (long long)epochs, (long long)rung);
    if (trial > opt.trials)
        return 0; /* of the same search, when it had more trials */
    struct result *r = &q->at[(size_t)rung * q->n + (size_t)trial - 1];
    if (r->known)
        return ser_tsv_fail(t, e, "trial %lld has two results on rung %lld", (long long)trial,
                            (long long)rung);
    return read_figures(t, c, r, e);
}

static int read_results(struct results *q, const char *path, const struct ser_space *s,
                        struct ser_error *e) {
    struct ser_tsv t;
    struct columns c;
    if (ser_tsv_open(&t, path, e))
        return -1;
    int got = find_columns(&t, &c, e);
    while (!got && (got = ser_tsv_next(&t, e)) > 0)
        got = read_result(q, &t, &c, s, e);
    ser_tsv_close(&t);
    return got;
}

static double worth_of(const struct result *r) {
    return !r->known                       ? NAN
           : r->failed                     ? -INFINITY
           : strcmp(opt.by, "loss") == 0   ? -r->loss
           : strcmp(opt.by, "recall") == 0 ? r->recall
                                           : r->accuracy;
}

/* Without a path there are no results. */
static struct results load(const struct ser_search *search, const struct ser_space *s,
                           const char *path) {
    struct ser_error e;
    struct results q = {search, ser_search_rungs(search), (size_t)search->trials, 0, 0, 0};
    size_t cells = (size_t)q.rungs * q.n;
    q.at = ecalloc(cells, sizeof *q.at);
    q.worth = ecalloc(cells, sizeof *q.worth);
    q.alive = ecalloc(cells, sizeof *q.alive);
    must(path ? read_results(&q, path, s, &e) : 0, &e);
    for (size_t i = 0; i < cells; i++)
        q.worth[i] = worth_of(&q.at[i]);
    return q;
}

static void forget(struct results *q) {
    free(q->at);
    free(q->worth);
    free(q->alive);
}

static const char *name_of(const char *path) {
    return path && strcmp(path, "-") != 0 ? path : "<stdin>";
}

/* ---- draw: from the results of the trials before ---- */

enum { FIRST_TRIALS = 8 }; /* so many results there must be before they decide */

/* The results that trial t draws from: those of the trials 1 to this number, of the generations before its own. */
static int64_t drawn_from(int64_t t) {
    int64_t known = (t - 1) / opt.generation * opt.generation;
    return known < FIRST_TRIALS ? 0 : known;
}

/* The number of trials from 1 on that have results. */
static int64_t count_known(const struct results *q) {
    int64_t known = 0;
    while (known < (int64_t)q->n && !isnan(q->worth[known]))
        known++;
    return known;
}

/* Trials are drawn one after the other, as each is told what those before it have drawn. They end where results
 * are not known yet. */
static void write_suggestions(const struct ser_search *search, const struct ser_space *s,
                              const char *path, struct ser_out *o) {
    struct ser_error e;
    struct results q = load(search, s, path);
    int *cell = ecalloc(q.n * (size_t)s->options, sizeof *cell);
    int64_t known = count_known(&q), last = opt.trial ? opt.trial : opt.trials;
    if (opt.trial && drawn_from(opt.trial) > known)
        die(SER_BAD,
            "%s: has no result of trial %lld, from which trial %lld is drawn: is the table cut, "
            "or the trial not done yet?",
            path ? name_of(path) : "no RESULTS", (long long)known + 1, (long long)opt.trial);
    for (int64_t t = 1; t <= last && drawn_from(t) <= known; t++) {
        char **value;
        int failed = drawn_from(t) ? ser_space_suggest(s, (uint64_t)opt.seed, (uint64_t)t, cell,
                                                       q.worth, (int)drawn_from(t), &value)
                                   : ser_space_draw(s, (uint64_t)opt.seed, (uint64_t)t, &value);
        must(failed ? ser_no_memory(&e) : 0, &e);
        ser_space_cells(s, value, cell + (size_t)(t - 1) * (size_t)s->options);
        if (!opt.trial || opt.trial == t)
            write_trial(o, s, t, value);
        free(value);
    }
    free(cell);
    forget(&q);
}

/* ---- draw: a table ---- */

static void draw(const struct ser_search *search, const struct ser_space *s, const char *results,
                 struct ser_out *o) {
    ser_out_printf(o, "trial\tspace\tseed");
    for (int i = 0; i < s->options; i++)
        ser_out_printf(o, "\t%s", s->option[i].name);
    ser_out_printf(o, "\n");
    if (search->method == SER_SEARCH_GRID)
        write_grid(o, s);
    else if (search->method == SER_SEARCH_TPE)
        write_suggestions(search, s, results, o);
    else
        write_draws(o, s);
}

/* ---- judge: who reaches a rung ---- */

/* A result on the rungs below that is missing, of a trial that is known to be there. */
static _Noreturn void refuse_missing(const struct results *q, const char *name) {
    for (size_t i = 0; i < (size_t)opt.rung * q->n; i++)
        if (q->alive[i] == 1 && !q->at[i].known)
            die(SER_BAD,
                "%s: has no result of trial %zu on rung %zu, which decides who goes on: is "
                "the table cut, or the trial not done yet?",
                name, i % q->n + 1, i / q->n);
    die(SER_BAD, "%s: lacks results that decide who goes on", name);
}

static int judge_rung(const struct results *q, const char *name, struct ser_out *o) {
    const signed char *here = q->alive + (size_t)opt.rung * q->n;
    for (size_t i = 0; i < q->n; i++)
        if (here[i] < 0 && (!opt.trial || (size_t)opt.trial == i + 1))
            refuse_missing(q, name);
    if (opt.trial)
        return here[opt.trial - 1] ? SER_OK : SER_NO;
    ser_out_printf(o, "trial\n");
    for (size_t i = 0; i < q->n; i++)
        if (here[i])
            ser_out_printf(o, "%zu\n", i + 1);
    return SER_OK;
}

/* ---- judge: the best first ---- */

/* Where a trial has come to. */
struct place {
    int trial, rung;
    double worth;
};

/* The highest rung first, on it the best; failed ones behind all others. */
static int by_place(const void *a, const void *b) {
    const struct place *x = a, *y = b;
    int order = (x->worth == -INFINITY) - (y->worth == -INFINITY);
    if (!order)
        order = y->rung - x->rung;
    if (!order)
        order = (x->worth < y->worth) - (x->worth > y->worth);
    return order ? order : x->trial - y->trial;
}

static void rank(const struct results *q, struct ser_out *o) {
    struct place *p = ecalloc(q->n, sizeof *p);
    size_t k = 0;
    for (size_t i = 0; i < q->n; i++)
        for (int r = q->rungs - 1; r >= 0; r--) {
            size_t at = (size_t)r * q->n + i;
            if (q->alive[at] == 1 && q->at[at].known) {
                p[k++] = (struct place){(int)i + 1, r, q->worth[at]};
                break;
            }
        }
    qsort(p, k, sizeof *p, by_place);
    ser_out_printf(o, "trial\trung\tepochs\tval_loss\tval_accuracy\tval_recall\n");
    for (size_t i = 0; i < k; i++) {
        const struct result *r = &q->at[(size_t)p[i].rung * q->n + (size_t)p[i].trial - 1];
        ser_out_printf(o, "%d\t%d\t%d", p[i].trial, p[i].rung,
                       ser_search_epochs(q->search, p[i].rung));
        if (r->failed)
            ser_out_printf(o, "\t-\t-\t-\n");
        else
            ser_out_printf(o, "\t%.9g\t%.9g\t%.9g\n", r->loss, r->accuracy, r->recall);
    }
    free(p);
}

static int judge(const struct ser_search *search, const struct ser_space *s, const char *path,
                 struct ser_out *o) {
    struct ser_error e;
    if (opt.rung >= ser_search_rungs(search))
        ser_usage("--rung: there are %d, from 0 to %d", ser_search_rungs(search),
                  ser_search_rungs(search) - 1);
    struct results q = load(search, s, path ? path : "-");
    must(ser_search_alive(search, q.worth, q.alive) ? ser_no_memory(&e) : 0, &e);
    int status = SER_OK;
    if (ser_option_given("rung"))
        status = judge_rung(&q, name_of(path), o);
    else
        rank(&q, o);
    forget(&q);
    return status;
}

/* ---- the command line ---- */

enum command { DRAW, PLAN, JUDGE, COMMANDS };

static enum command command_of(const char *word) {
    static const char *const name[] = {"draw", "plan", "judge"};
    for (int i = 0; word && i < COMMANDS; i++)
        if (strcmp(word, name[i]) == 0)
            return (enum command)i;
    if (word)
        ser_usage("'%.100s' is none of draw, plan, judge", word);
    ser_usage("draw, plan or judge is missing");
}

static void check_usage(enum command command, int operands) {
    const int most[] = {strcmp(opt.method, "tpe") == 0 ? 2 : 1, 0, 2};
    if (operands > most[command])
        ser_usage("too many files");
    if (command == JUDGE && !operands)
        ser_usage("judge needs the space that was drawn from");
    if (opt.min_epochs > opt.epochs)
        ser_usage("--min-epochs %lld is above --epochs %lld", (long long)opt.min_epochs,
                  (long long)opt.epochs);
    if (command != JUDGE && ser_option_given("rung"))
        ser_usage("--rung belongs to judge");
    if (ser_option_given("generation") && strcmp(opt.method, "tpe") != 0)
        ser_usage("--generation belongs to --method tpe");
    if (opt.trial > opt.trials)
        ser_usage("--trial %lld is beyond --trials %lld", (long long)opt.trial,
                  (long long)opt.trials);
    if (opt.trial && (command == PLAN || (command == JUDGE && !ser_option_given("rung"))))
        ser_usage("--trial belongs to draw, and to judge with --rung");
}

int main(int argc, char **argv) {
    struct ser_space space = {0};
    struct ser_error e;
    struct ser_out o;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool), status = SER_OK;
    enum command command = command_of(argv[first]);
    char **file = argv + first + 1;
    check_usage(command, argc - first - 1);
    ser_one_stdin(file, command == JUDGE && argc - first == 2 ? "-" : NULL, NULL);
    ser_keep_inputs("--output", opt.output, file, NULL, NULL);
    const struct ser_search search = search_of_options();
    if (command != PLAN)
        must(ser_space_read(&space, file[0], &e), &e);
    must(ser_out_open(&o, opt.output, 0, &e), &e);
    if (command == DRAW)
        draw(&search, &space, file[1], &o);
    else if (command == PLAN)
        plan(&search, &o);
    else
        status = judge(&search, &space, file[1], &o);
    must(ser_out_close(&o, &e), &e);
    ser_space_free(&space);
    return status;
}
