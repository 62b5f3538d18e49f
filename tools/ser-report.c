/* ser-report - a study as one page of HTML.
 *
 * The page is a sequence of sections, each written by a function below. All texts of data pass
 * through ser_html_text. The page loads nothing, and its content policy forbids it to. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/evaluation.h"
#include "bridge/html.h"
#include "bridge/overtime.h"
#include "bridge/plot.h"
#include "bridge/published.h"
#include "bridge/recipe.h"
#include "bridge/study.h"
#include "bridge/tuning.h"
#include "core/embed.h"
#include "core/jobs.h"
#include "core/opt.h"
#include "core/out.h"
#include "core/reader.h"
#include "core/set.h"
#include "core/sha256.h"
#include "core/tsv.h"

enum {
    MAX_RECORDING = 20000000, /* bytes, in a page */
    MAX_TRIALS = 500,         /* of a search, in a table */
    MAX_CONDITIONS = 100,     /* of a study, in a table; MAX_VOICES: columns of it */
    MAX_VOICES = 30,
};

static struct {
    const char *output, *title;
    int64_t worst;
    int with_audio;
} opt = {.worst = 20};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'t', "title", SER_OPT_TEXT, &opt.title, 0, 0, "TEXT", "instead of the folder's name"},
    {'n', "worst", SER_OPT_INT, &opt.worst, 0, 9999, "N", "list so many worst-scored utterances"},
    {'a', "with-audio", SER_OPT_FLAG, &opt.with_audio, 0, 0, NULL,
     "put the recordings of these into the page"},
    {0}};

static const struct ser_tool tool = {
    "DIR", "Prints a study, the folder OUT of a pipeline, as one page of HTML.", options,
    "The page needs no network, and a script only to sort its tables.\n"
    "Run it where the pipeline ran: paths of recordings may be relative."};

SER_EMBED(page_style, "tools/page/style.css");
SER_EMBED(page_script, "tools/page/sort.js");

/* 1 if text was new and is now in the set. */
static int is_new(struct ser_set *set, const char *text) {
    int added = ser_set_add(set, text);
    if (added < 0)
        die(SER_SYS, "out of memory");
    return added;
}

/* ---- the study, judged ---- */

/* An utterance of which a model was far from sure, or sure of something else. */
struct worst {
    const struct ser_prediction *at;
    size_t run, row; /* of the group, of the run's table */
    char *path;      /* of its recording; NULL: unknown */
};

struct judged {
    const struct ser_group *group;
    struct ser_evaluation v;
    const struct ser_published
        *like;           /* the stage of the original's study that it is like; NULL: none */
    struct worst *worst; /* lowest probability of the truth first, each utterance once */
    size_t worsts;
    size_t fewest, most;    /* speakers that its models were trained on; 0: no certificate tells */
    const char *voices;     /* how what is heard of test parts is normalized; empty: it is not */
    char *by;               /* owned, or NULL */
    const char *normalized; /* "features" or "embeddings"; NULL: nothing is */
};

/* What a search came to. */
struct searched {
    const struct ser_study_search *from;
    struct ser_tuning t;
    const struct ser_tuning_result *best;
    const struct ser_result *tested,
        *voted; /* on the fold that was left out; NULL: nothing was tested */
};

struct report {
    struct ser_study study;
    struct ser_certificate *certificate; /* [splits] of those that have a manifest */
    struct searched *search;             /* [study.searches] */
    struct ser_published *published;     /* [stages] of the original's study */
    size_t stages;
    char *generated; /* the corpora that are generated speech; NULL: none */
    char *title;
    struct judged *group; /* [groups] */
    size_t groups;
    int is_compared; /* a stage of the original's study has a corpus of this one */
};

static int is_none(const char *text) {
    return strcmp(text, "-") == 0;
}

static void evaluate(struct judged *j) {
    struct ser_error e;
    for (size_t i = 0; i < j->group->runs; i++) {
        char text[1600];
        int failed = ser_evaluation_read(&j->v, j->group->run[i]->predictions, &e);
        if ((size_t)j->v.files > i && ser_predictions_left_out(&j->v.file[i], text, sizeof text))
            warn("%s", text);
        must(failed, &e);
    }
    must(ser_evaluation_score(&j->v, SER_DRAWS, SER_DRAWS_SEED, &e), &e);
}

/* The text of the group's network; NULL: no run has a model. */
static const char *network_of(const struct judged *j) {
    const char *net = NULL;
    for (size_t i = 0; i < j->group->runs && !net; i++)
        net = j->group->run[i]->net;
    return net;
}

/* 1 if a run has windows of long recordings. */
static int has_over_time(const struct judged *j) {
    int found = 0;
    for (size_t i = 0; i < j->group->runs; i++)
        found |= j->group->run[i]->over_time != NULL;
    return found;
}

static double truth_probability(const struct worst *w) {
    return w->at->p[w->at->t];
}

static int by_probability(const void *a, const void *b) {
    const struct worst *x = a, *y = b;
    double p = truth_probability(x), q = truth_probability(y);
    if (p != q)
        return p < q ? -1 : 1;
    int order = strcmp(x->at->id, y->at->id);
    if (order)
        return order;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Keeps each utterance once, where it is worst, and at most as many as are to be listed. */
static void keep_worst(struct judged *j, size_t n) {
    struct ser_set seen = {0};
    for (size_t i = 0; i < n && j->worsts < (size_t)opt.worst; i++)
        if (is_new(&seen, j->worst[i].at->id))
            j->worst[j->worsts++] = j->worst[i];
    ser_set_free(&seen);
}

static void find_worst(struct judged *j) {
    size_t n = 0;
    j->worst = ecalloc(j->v.all.n, sizeof *j->worst);
    for (size_t f = 0; f < j->group->runs; f++)
        for (size_t i = 0; i < j->v.file[f].n; i++)
            if (j->v.file[f].at[i].p)
                j->worst[n++] = (struct worst){.at = &j->v.file[f].at[i], .run = f, .row = i};
    qsort(j->worst, n, sizeof *j->worst, by_probability);
    keep_worst(j, n);
}

/* Finds the recordings of the worst utterances of one split. */
static void find_recordings(struct judged *j, const struct ser_split *split) {
    struct ser_error e;
    const char **id = ecalloc(j->worsts, sizeof *id);
    char **path = ecalloc(j->worsts, sizeof *path);
    size_t n = 0;
    for (size_t i = 0; i < j->worsts; i++)
        if (j->group->run[j->worst[i].run]->split == split)
            id[n++] = j->worst[i].at->id;
    must(n && ser_split_recordings(split, n, id, path, &e), &e);
    for (size_t i = 0, k = 0; i < j->worsts; i++)
        if (j->group->run[j->worst[i].run]->split == split)
            j->worst[i].path = path[k++];
    free(id);
    free(path);
}

/* Stages of the original come first, in their order. */
static size_t rank_of(const struct report *r, const struct ser_group *g) {
    size_t i = 0;
    while (i < r->stages && strcmp(g->run[0]->name, r->published[i].stage) != 0)
        i++;
    return i;
}

static void order_groups(struct report *r) {
    r->groups = r->study.groups;
    r->group = ecalloc(r->groups, sizeof *r->group);
    for (size_t rank = 0, n = 0; rank <= r->stages; rank++)
        for (size_t i = 0; i < r->groups; i++)
            if (rank_of(r, &r->study.group[i]) == rank)
                r->group[n++].group = &r->study.group[i];
}

static void find_generated(struct report *r) {
    for (size_t i = 0; i < r->study.generateds; i++) {
        char *all =
            eprintf_alloc("%s%s%s", i ? r->generated : "", i ? ", " : "", r->study.generated[i]);
        free(r->generated);
        r->generated = all;
    }
}

/* The scores of a run of that name on the split of a search; NULL: there is none. */
static const struct ser_result *tested_by(const struct report *r, const char *run,
                                          const char *search) {
    for (size_t g = 0; g < r->groups; g++) {
        const struct ser_group *group = r->group[g].group;
        for (size_t i = 0; i < group->runs; i++)
            if (strcmp(group->run[i]->name, run) == 0 &&
                strcmp(group->run[i]->split->name, search) == 0)
                return &r->group[g].v.of_file[i];
    }
    return NULL;
}

static void read_searches(struct report *r) {
    struct ser_error e;
    r->search = ecalloc(r->study.searches, sizeof *r->search);
    for (size_t i = 0; i < r->study.searches; i++) {
        struct searched *q = &r->search[i];
        q->from = &r->study.search[i];
        must(ser_tuning_read(&q->t, q->from->results, &e), &e);
        q->best = q->t.rank[0];
        q->tested = tested_by(r, "winner", q->from->name);
        q->voted = tested_by(r, "vote", q->from->name);
    }
}

static void certify_splits(struct report *r) {
    struct ser_error e;
    r->certificate = ecalloc(r->study.splits, sizeof *r->certificate);
    for (size_t i = 0; i < r->study.splits; i++)
        if (r->study.split[i]->manifest)
            must(ser_study_certify(r->study.split[i], &r->certificate[i], &e), &e);
}

/* A run that has the model of this one: of a vote (rules.mk: NAME-vote), one of its voters. */
static const struct ser_run *modelled(const struct report *r, const struct ser_run *run) {
    size_t n = strlen(run->name), tail = strlen("-vote");
    if (run->model || n < tail || strcmp(run->name + n - tail, "-vote") != 0)
        return run;
    for (size_t i = 0; i < r->study.runs; i++) {
        const struct ser_run *one = r->study.run[i];
        if (one->split == run->split && strncmp(one->name, run->name, n - tail) == 0 &&
            strlen(one->name) == n - tail)
            return one;
    }
    return run;
}

/* What ser-tensor normalize has changed of what a run's model hears, in a word; NULL: nothing.
 * Without a model it is what a certificate tells. */
static const char *normalized(const struct ser_run *run) {
    const char *norm = ser_attr(&run->header, SER_NORM);
    const char *type = ser_attr(&run->header, "feat.type");
    if (run->model && (!norm || strcmp(norm, "none") == 0 || strcmp(norm, "utterance") == 0))
        return NULL;
    return type && strcmp(type, "embedding") == 0 ? "embeddings" : "features";
}

/* Who its models were trained on, and what was done to whom. */
static void find_protocol(const struct report *r, struct judged *j) {
    j->voices = "";
    const struct ser_run *run = modelled(r, j->group->run[0]);
    j->normalized = normalized(run);
    if (j->normalized &&
        run->model) /* another network's study may have made the certificate since */
        j->voices = j->by = eprintf_alloc("--by %s", ser_attr(&run->header, SER_NORM));
    for (size_t i = 0; i < r->study.splits; i++) {
        const struct ser_part_content *part = r->certificate[i].part;
        size_t trained = part[SER_TRAIN].speakers;
        int has_run = 0;
        for (size_t k = 0; k < j->group->runs; k++)
            has_run |= j->group->run[k]->split == r->study.split[i];
        if (!has_run || !trained)
            continue;
        j->fewest = !j->fewest || trained < j->fewest ? trained : j->fewest;
        j->most = trained > j->most ? trained : j->most;
        if (part[SER_TEST].normalize.at && j->normalized)
            j->voices = part[SER_TEST].normalize.at;
    }
}

static void judge(struct report *r, const char *path) {
    struct ser_error e;
    must(ser_study_read(&r->study, path, &e) ||
             ser_published_read(&r->published, &r->stages, "notebook", "accuracy", &e),
         &e);
    find_generated(r);
    order_groups(r);
    certify_splits(r);
    for (size_t g = 0; g < r->groups; g++) {
        struct judged *j = &r->group[g];
        evaluate(j);
        find_worst(j);
        find_protocol(r, j);
        for (size_t i = 0; i < r->study.splits; i++)
            find_recordings(j, r->study.split[i]);
        r->is_compared |= ser_published_concerns(r->published, r->stages, &j->v);
        if (!r->generated) /* generated speech is beside no published figure */
            j->like = ser_published_like(r->published, r->stages, &j->v,
                                         j->group->run[0]->split->kind == SER_SPLIT_RANDOM,
                                         network_of(j));
    }
    read_searches(r);
}

static void free_report(struct report *r) {
    for (size_t i = 0; i < r->study.searches; i++)
        ser_tuning_free(&r->search[i].t);
    free(r->search);
    for (size_t g = 0; g < r->groups; g++) {
        for (size_t i = 0; i < r->group[g].worsts; i++)
            free(r->group[g].worst[i].path);
        free(r->group[g].worst);
        free(r->group[g].by);
        ser_evaluation_free(&r->group[g].v);
    }
    for (size_t i = 0; r->certificate && i < r->study.splits; i++)
        ser_certificate_free(&r->certificate[i]);
    free(r->certificate);
    free(r->group);
    free(r->generated);
    free(r->title);
    ser_published_free(r->published, r->stages);
    ser_study_free(&r->study);
}

/* ---- parts of a page ---- */

/* A picture, which is drawn when the text is complete. */
struct figure {
    size_t at; /* byte of the page that it goes in front of */
    struct ser_plot plot;
    char id[32], *label;
};

struct page {
    struct ser_html html;
    const struct report *r;
    struct figure *figure; /* [figures] in the order of the page */
    size_t figures;
};

enum { WHOLE_STUDY = -1 }; /* instead of a group's number */

static void markup(struct page *p, const char *s) {
    ser_html_markup(&p->html, s);
}

static void text(struct page *p, const char *s) {
    ser_html_text(&p->html, s);
}

/* The text, or a dash where there is none. */
static void cell(struct page *p, const char *s) {
    ser_html_cell(&p->html, s && *s ? s : "–");
}

static void count_cell(struct page *p, size_t n) {
    ser_html_cellf(&p->html, "%zu", n);
}

static void percent_cell(struct page *p, double share) {
    ser_html_cellf(&p->html, "%.1f", 100 * share);
}

static void table(struct page *p, const char *caption, int columns, const char *const *head) {
    char *all = eprintf_alloc("%s%s", caption, p->r->generated ? " (generated speech)" : "");
    ser_html_table(&p->html, all, columns, head);
    free(all);
}

static void end_table(struct page *p) {
    ser_html_table_end(&p->html);
}

#define TABLE(p, caption, ...)                                                                     \
    table(p, caption, (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)),                 \
          (const char *[]){__VA_ARGS__})

/* What a group's ids end in. */
static void suffix(struct page *p, int group) {
    if (group != WHOLE_STUDY && p->r->groups > 1)
        ser_html_markupf(&p->html, "-%d", group + 1);
}

static void section(struct page *p, int group, const char *id, const char *heading) {
    ser_html_markupf(&p->html, "</section>\n<section id=\"%s", id);
    suffix(p, group);
    ser_html_markupf(&p->html, "\">\n<h2>%s", heading);
    if (group != WHOLE_STUDY && p->r->groups > 1) {
        markup(p, ": ");
        text(p, p->r->group[group].group->label);
    }
    markup(p, "</h2>\n");
}

static void link_to(struct page *p, int group, const char *id, const char *what) {
    ser_html_markupf(&p->html, "<a href=\"#%s", id);
    suffix(p, group);
    markup(p, "\">");
    text(p, what);
    markup(p, "</a>\n");
}

/* A picture that the fmt and what follows it describes. */
SER_PRINTF(3, 4)
static void figure(struct page *p, struct ser_plot plot, const char *fmt, ...) {
    char what[2000];
    va_list args;
    va_start(args, fmt);
    ser_format(what, sizeof what, fmt, args);
    va_end(args);
    p->figure = erealloc(p->figure, p->figures + 1, sizeof *p->figure);
    markup(p, "<figure>\n");
    struct figure *f = &p->figure[p->figures++];
    *f = (struct figure){.at = p->html.page.n, .plot = plot, .label = estrdup(what)};
    snprintf(f->id, sizeof f->id, "f%zu-", p->figures);
    markup(p, "<figcaption>");
    text(p, what);
    markup(p, "</figcaption>\n</figure>\n");
}

/* ---- sections: figures ---- */

/* "51.2 to 60.0", or nothing. */
static const char *interval_text(const struct ser_evaluation *v, int figure, char to[64]) {
    to[0] = '\0';
    if (v->intervals && figure < SER_INTERVALS)
        snprintf(to, 64, "%.1f to %.1f", 100 * v->of_all[figure].low, 100 * v->of_all[figure].high);
    return to;
}

SER_PRINTF(4, 5)
static void tile(struct page *p, const char *name, const char *more, const char *fmt, ...) {
    char value[64];
    va_list args;
    va_start(args, fmt);
    ser_format(value, sizeof value, fmt, args);
    va_end(args);
    ser_html_markupf(&p->html, "<div><dt>%s</dt><dd>%s</dd>", name, value);
    if (*more)
        ser_html_markupf(&p->html, "<dd class=\"more\">%s</dd>", more);
    markup(p, "</div>\n");
}

static size_t known_members(const struct ser_evaluation *v, enum ser_grouping g) {
    size_t n = 0;
    for (size_t i = 0; i < v->members[g]; i++)
        n += !is_none(v->member[g][i].name);
    return n;
}

static double commonest_share(const struct ser_evaluation *v) {
    size_t most = 0;
    for (int c = 0; c < v->classes; c++)
        most = v->all.of[c].support > most ? v->all.of[c].support : most;
    return (double)most / (double)v->all.n;
}

static void tiles(struct page *p, const struct judged *j) {
    static const struct {
        const char *name;
        int figure;
    } shown[] = {{"accuracy", SER_WA}, {"unweighted recall", SER_UA}, {"macro F1", SER_MACRO_F1}};
    const struct ser_evaluation *v = &j->v;
    size_t speakers = known_members(v, SER_BY_SPEAKER);
    char more[64];
    markup(p, "<dl class=\"tiles\">\n");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        tile(p, shown[i].name, interval_text(v, shown[i].figure, more), "%.1f %%",
             100 * ser_figure_of(&v->all, shown[i].figure));
    if (v->all.calibrated)
        tile(p, "calibration error", "", "%.3f", ser_figure_of(&v->all, SER_ECE));
    if (speakers)
        snprintf(more, sizeof more, "of %zu speakers", speakers);
    tile(p, "predictions", speakers ? more : "of unknown speakers", "%zu", v->all.n);
    tile(p, j->group->runs == 1 ? "model" : "models", "", "%zu", j->group->runs);
    markup(p, "</dl>\n");
}

/* "15", "15 to 18", or nothing where no certificate tells. */
static const char *trained_text(const struct judged *j, char to[64]) {
    to[0] = '\0';
    if (j->most)
        snprintf(to, 64, j->fewest < j->most ? "%zu to %zu" : "%zu", j->fewest, j->most);
    return to;
}

/* How voices are treated: as they are, each normalized by its own recordings, or otherwise. */
static const char *voices_text(const struct judged *j) {
    return !*j->voices                                 ? "plain"
           : strstr(j->voices, "--by speaker") != NULL ? "by speaker"
                                                       : j->voices;
}

static void say_protocol(struct page *p, const struct judged *j) {
    char trained[64];
    ser_html_textf(&p->html, "Protocol: %s", ser_split_kind_name[j->group->run[0]->split->kind]);
    if (*trained_text(j, trained))
        ser_html_textf(&p->html, "; each model was trained on %s %s", trained,
                       j->most == 1 ? "speaker" : "speakers");
    if (*j->voices)
        ser_html_textf(&p->html, "; %s were normalized, each part by itself: %s", j->normalized,
                       j->voices);
    markup(p, ".");
}

static void summary(struct page *p, int g) {
    const struct judged *j = &p->r->group[g];
    tiles(p, j);
    markup(p, "<p>");
    say_protocol(p, j);
    markup(p, "</p>\n");
    ser_html_markupf(
        &p->html, "<p>%s Always naming the commonest emotion is right in %.1f %%.</p>\n",
        j->v.intervals ? "The ranges are 95 % intervals from drawing speakers with replacement, "
                         "all models together."
                       : "Fewer than five speakers were scored, too few for intervals.",
        100 * commonest_share(&j->v));
}

static const int score_columns[] = {SER_WA, SER_UA, SER_MACRO_F1, SER_WEIGHTED_F1};
enum { SCORE_COLUMNS = sizeof score_columns / sizeof *score_columns };

/* The figure's value in a list of mean or deviation; 0 where it is not. */
static double value_named(const struct ser_values *l, const char *name) {
    for (size_t i = 0; i < l->n; i++)
        if (!l->at[i].class_name && strcmp(l->at[i].name, name) == 0)
            return l->at[i].value;
    return 0;
}

static void over_runs(struct page *p, const char *name, const struct ser_values *l) {
    ser_html_cell(&p->html, name);
    ser_html_cell(&p->html, "");
    ser_html_cell(&p->html, "");
    for (int i = 0; i < SCORE_COLUMNS; i++)
        percent_cell(p, value_named(l, ser_figure[score_columns[i]].name));
}

static void scores_of_each(struct page *p, const struct judged *j) {
    TABLE(p, "Scores of each model on its test part", "split", "seed", "predictions#",
          "accuracy, %#", "unweighted recall, %#", "macro F1, %#", "weighted F1, %#");
    for (size_t i = 0; i < j->group->runs; i++) {
        cell(p, j->group->run[i]->split->name);
        cell(p, j->group->run[i]->seed);
        count_cell(p, j->v.of_file[i].n);
        for (int k = 0; k < SCORE_COLUMNS; k++)
            percent_cell(p, ser_figure_of(&j->v.of_file[i], score_columns[k]));
    }
    if (j->group->runs > 1) {
        ser_html_table_foot(&p->html);
        over_runs(p, "mean", &j->v.mean);
        over_runs(p, "deviation", &j->v.deviation);
    }
    end_table(p);
}

static void scores_of_all(struct page *p, const struct ser_evaluation *v) {
    static const struct {
        const char *name;
        int figure;
        int share; /* shown in per cent */
    } row[] = {{"accuracy (weighted accuracy)", SER_WA, 1},
               {"unweighted recall", SER_UA, 1},
               {"macro F1", SER_MACRO_F1, 1},
               {"weighted F1", SER_WEIGHTED_F1, 1},
               {"truth among the two most probable", SER_TOP2, 1},
               {"log loss", SER_LOG_LOSS, 0},
               {"Brier score", SER_BRIER, 0},
               {"expected calibration error", SER_ECE, 0}};
    char range[64];
    TABLE(p, "All models together", "figure", "value#", "95 % interval");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (row[i].figure >= SER_SCORES && !v->all.calibrated)
            continue;
        double value = ser_figure_of(&v->all, row[i].figure);
        cell(p, row[i].name);
        ser_html_cellf(&p->html, row[i].share ? "%.1f %%" : "%.4f",
                       row[i].share ? 100 * value : value);
        ser_html_cellf(&p->html, *interval_text(v, row[i].figure, range) ? "%s %%" : "–", range);
    }
    end_table(p);
}

static void scores_by_emotion(struct page *p, const struct ser_evaluation *v) {
    TABLE(p, "By emotion", "emotion", "predictions#", "recall, %#", "precision, %#", "F1, %#");
    for (int c = 0; c < v->classes; c++) {
        const struct ser_class_score *s = &v->all.of[c];
        cell(p, v->class_name[c]);
        count_cell(p, s->support);
        percent_cell(p, s->recall);
        percent_cell(p, s->precision);
        percent_cell(p, s->f1);
    }
    end_table(p);
}

/* Where the column is not there, everybody is "-". */
static void scores_by(struct page *p, const struct ser_evaluation *v, enum ser_grouping g) {
    char caption[32];
    if (!known_members(v, g))
        return;
    snprintf(caption, sizeof caption, "By %s", ser_grouping_name[g]);
    TABLE(p, caption, ser_grouping_name[g], "predictions#", "accuracy, %#", "unweighted recall, %#",
          "macro F1, %#");
    for (size_t i = 0; i < v->members[g]; i++) {
        const struct ser_result *s = &v->member[g][i];
        cell(p, s->name);
        count_cell(p, s->n);
        for (int k = 0; k < 3; k++)
            percent_cell(p, ser_figure_of(s, score_columns[k]));
    }
    end_table(p);
}

static void results(struct page *p, int g) {
    const struct judged *j = &p->r->group[g];
    section(p, g, "results", "Results");
    if (p->r->groups > 1) {
        markup(p, "<nav>");
        link_to(p, g, "pictures", "Pictures");
        if (has_over_time(j))
            link_to(p, g, "over-time", "Over time");
        if (opt.worst)
            link_to(p, g, "worst", "Worst-scored utterances");
        link_to(p, g, "run", "What was run");
        markup(p, "</nav>\n");
        summary(p, g);
    }
    scores_of_each(p, j);
    scores_of_all(p, &j->v);
    scores_by_emotion(p, &j->v);
    for (int k = 0; k < SER_GROUPINGS; k++)
        scores_by(p, &j->v, (enum ser_grouping)k);
}

/* ---- sections: conditions ---- */

/* What a study comes to under each condition, for each way of treating voices: as they are, normalized by speaker, known
 * from so many recordings. */
struct conditions {
    char *row[MAX_CONDITIONS], *column[MAX_VOICES];
    char *cell[MAX_CONDITIONS][MAX_VOICES]; /* NULL: not measured */
    size_t rows, columns;
};

/* The place of a name in a list with room for max, where it is put if it is new; path is the table's. */
static size_t place_of(char **list, size_t *n, size_t max, const char *name, const char *path) {
    for (size_t i = 0; i < *n; i++)
        if (strcmp(list[i], name) == 0)
            return i;
    if (*n == max)
        die(SER_BAD, "%s: more than %d conditions or %d treatments of voices", path, MAX_CONDITIONS,
            MAX_VOICES);
    list[*n] = estrdup(name);
    return (*n)++;
}

static void read_conditions(struct conditions *c, const char *path) {
    static const char *const name[] = {"condition", "voices", "UA", "UA_low", "UA_high"};
    struct ser_tsv t;
    struct ser_error e;
    int column[5], got;
    must(ser_tsv_open(&t, path, &e), &e);
    for (size_t i = 0; i < 5; i++) {
        column[i] = ser_tsv_need(&t, name[i], &e);
        must(column[i] < 0, &e);
    }
    while ((got = ser_tsv_next(&t, &e)) > 0) {
        const char *low = t.field[column[3]], *high = t.field[column[4]], *ua = t.field[column[2]];
        size_t row = place_of(c->row, &c->rows, MAX_CONDITIONS, t.field[column[0]], path);
        size_t voices = place_of(c->column, &c->columns, MAX_VOICES, t.field[column[1]], path);
        free(c->cell[row][voices]);
        c->cell[row][voices] =
            is_none(low) ? estrdup(ua) : eprintf_alloc("%s (%s to %s)", ua, low, high);
    }
    must(got, &e);
    ser_tsv_close(&t);
}

static void show_conditions(struct page *p, const char *path) {
    struct conditions *c = ecalloc(1, sizeof *c);
    const char *head[1 + MAX_VOICES] = {"condition"};
    read_conditions(c, path);
    p->html.from = path;
    for (size_t k = 0; k < c->columns; k++)
        head[k + 1] = c->column[k];
    const char *study = path + strlen(p->r->study.path) + strlen("/cv/");
    char *caption =
        eprintf_alloc("Unweighted recall of %.*s, %%", (int)(strrchr(study, '/') - study), study);
    table(p, caption, (int)c->columns + 1, head);
    for (size_t i = 0; i < c->rows; i++) {
        cell(p, c->row[i]);
        for (size_t k = 0; k < c->columns; k++)
            cell(p, c->cell[i][k]);
    }
    end_table(p);
    free(caption);
    for (size_t i = 0; i < c->rows; i++) {
        for (size_t k = 0; k < c->columns; k++)
            free(c->cell[i][k]);
        free(c->row[i]);
    }
    for (size_t k = 0; k < c->columns; k++)
        free(c->column[k]);
    free(c);
    p->html.from = p->r->study.path;
}

static void conditions(struct page *p) {
    if (!p->r->study.conditions)
        return;
    section(p, WHOLE_STUDY, "conditions", "Other conditions");
    for (size_t i = 0; i < p->r->study.conditions; i++)
        show_conditions(p, p->r->study.condition[i]);
    markup(p, "<p>In brackets: 95 % intervals over speakers. Voices are plain, or normalized by "
              "all of their recordings "
              "that are tested (speaker), or by so many others of theirs, shrunk towards the "
              "voices of the training "
              "part.</p>\n");
}

/* ---- sections: overview, published figures ---- */

static size_t utterances_of(const struct ser_evaluation *v) {
    struct ser_set ids = {0};
    for (size_t i = 0; i < v->all.n; i++)
        is_new(&ids, v->all.at[i]->id);
    size_t n = ids.n;
    ser_set_free(&ids);
    return n;
}

static void figure_cell(struct page *p, const struct ser_evaluation *v, int figure) {
    char range[64];
    ser_html_cellf(&p->html, *interval_text(v, figure, range) ? "%.1f (%s)" : "%.1f%s",
                   100 * ser_figure_of(&v->all, figure), range);
}

static void overview_row(struct page *p, const struct judged *j) {
    size_t speakers = known_members(&j->v, SER_BY_SPEAKER);
    char trained[64];
    cell(p, j->group->label);
    figure_cell(p, &j->v, SER_WA);
    figure_cell(p, &j->v, SER_UA);
    percent_cell(p, ser_figure_of(&j->v.all, SER_MACRO_F1));
    if (j->like)
        ser_html_cellf(&p->html, "%.1f (%s)", j->like->percent, j->like->stage);
    else
        cell(p, NULL);
    count_cell(p, j->group->runs);
    count_cell(p, (size_t)j->v.classes);
    count_cell(p, utterances_of(&j->v));
    if (speakers)
        count_cell(p, speakers);
    else
        cell(p, NULL);
    cell(p, trained_text(j, trained));
    cell(p, ser_split_kind_name[j->group->run[0]->split->kind]);
    cell(p, voices_text(j));
}

/* The names whose runs are not one group. */
static void say_divided(struct page *p) {
    struct ser_set names = {0};
    for (size_t g = 0; g < p->r->groups; g++) {
        const struct ser_group *group = p->r->group[g].group;
        if (!group->divided || !is_new(&names, group->run[0]->name))
            continue;
        markup(p,
               names.n > 1
                   ? ", "
                   : "<p>Emotions, corpora, kinds of split or networks differ among the runs of: ");
        text(p, group->run[0]->name);
    }
    if (names.n)
        markup(p, ". Those that differ are not taken together.</p>\n");
    ser_set_free(&names);
}

static void overview(struct page *p) {
    section(p, WHOLE_STUDY, "overview", "Overview");
    TABLE(p, "All models of each name together", "name", "accuracy, %#", "unweighted recall, %#",
          "macro F1, %#", "published, %#", "models#", "emotions#", "utterances#", "speakers#",
          "trained on, speakers#", "protocol", "voices");
    for (size_t g = 0; g < p->r->groups; g++)
        overview_row(p, &p->r->group[g]);
    end_table(p);
    markup(p,
           "<p>Voices are plain as they were recorded, or normalized: by speaker, which looks at "
           "the other recordings of a voice, never at their labels.</p>\n");
    markup(p, "<p>In brackets: 95 % intervals from drawing speakers with replacement, where there "
              "are five or more. Published is the test accuracy of the original notebook, at the "
              "stage that is most like.</p>\n");
    say_divided(p);
}

/* Accuracies of the groups that are like the stage, with their names if there are several. */
static void ours_cell(struct page *p, const struct ser_published *s) {
    int found = 0;
    ser_html_cell_begin(&p->html);
    for (size_t g = 0; g < p->r->groups; g++) {
        const struct judged *j = &p->r->group[g];
        if (j->like != s)
            continue;
        ser_html_markupf(&p->html, "%s%.1f", found++ ? ", " : "",
                         100 * ser_figure_of(&j->v.all, SER_WA));
        if (p->r->groups > 1)
            ser_html_textf(&p->html, " (%s)", j->group->label);
    }
    markup(p, found ? "" : "–");
    ser_html_cell_end(&p->html);
}

static void stages(struct page *p) {
    TABLE(p, "Test accuracy of the original notebook", "stage", "published, %#",
          p->r->groups > 1 ? "this study, %" : "this study, %#", "emotions#", "data", "remark");
    for (size_t i = 0; i < p->r->stages; i++) {
        const struct ser_published *s = &p->r->published[i];
        cell(p, s->stage);
        ser_html_cellf(&p->html, "%.1f", s->percent);
        ours_cell(p, s);
        count_cell(p, (size_t)s->emotions);
        ser_html_cell(&p->html, is_none(s->data) ? "" : s->data);
        ser_html_cell(&p->html, is_none(s->remark) ? "" : s->remark);
    }
    end_table(p);
}

/* The rows of a manifest that are of this corpus. */
static size_t recordings_of(const char *manifest, const char *corpus) {
    struct ser_tsv t;
    struct ser_error e;
    size_t n = 0;
    int got;
    must(ser_tsv_open(&t, manifest, &e), &e);
    int column = ser_tsv_column(&t, "corpus");
    while ((got = ser_tsv_next(&t, &e)) > 0)
        n += column >= 0 && strcmp(t.field[column], corpus) == 0;
    must(got < 0, &e);
    ser_tsv_close(&t);
    return n;
}

/* Says so if the study has not as many recordings of the corpus as the original. */
static void say_recordings(struct page *p, const struct ser_published *s) {
    char corpus[64];
    size_t ours = recordings_of(p->r->study.manifest, s->corpora);
    if (ours == (size_t)s->recordings)
        return;
    snprintf(corpus, sizeof corpus, "%s", s->corpora);
    for (char *c = corpus; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    ser_html_textf(
        &p->html, " The original had %lld recordings of %s, this study has %zu: not the same data.",
        (long long)s->recordings, corpus, ours);
}

static void comparison(struct page *p) {
    const struct ser_published *counted = NULL;
    int alike = 0;
    if (!p->r->is_compared)
        return;
    section(p, WHOLE_STUDY, "comparison", "Beside the published figures");
    if (p->r->generated) {
        markup(p, "<p>Generated speech is not compared with them.</p>\n");
        return;
    }
    stages(p);
    for (size_t g = 0; g < p->r->groups; g++) {
        const struct ser_published *like = p->r->group[g].like;
        alike |= like != NULL;
        if (like && like->recordings && !counted)
            counted = like;
    }
    if (!alike) {
        markup(p, "<p>No stage of the original has the corpora and emotions of this study.</p>\n");
        return;
    }
    markup(p, "<p>A figure of this study stands beside the stage whose corpora, split and network "
              "are most like.");
    if (counted && p->r->study.manifest)
        say_recordings(p, counted);
    markup(p, "</p>\n");
}

/* ---- sections: pictures ---- */

/* The manifest that tells most of a group: its split's if it has one alone, else the study's. */
static const char *manifest_of(const struct page *p, const struct ser_group *g) {
    const struct ser_split *split = g->run[0]->split;
    for (size_t i = 1; i < g->runs; i++)
        if (g->run[i]->split != split)
            split = NULL;
    return split && split->manifest ? split->manifest : p->r->study.manifest;
}

static int is_pictured(const struct page *p, const char *path) {
    for (size_t i = 0; i < p->figures; i++)
        if (p->figure[i].plot.kind == SER_PLOT_MANIFEST && p->figure[i].plot.path == path)
            return 1;
    return 0;
}

static void pictures(struct page *p, int g) {
    const struct judged *j = &p->r->group[g];
    const struct ser_evaluation *v = &j->v;
    section(p, g, "pictures", "Pictures");
    markup(p, "<div class=\"figures\">\n");
    figure(p, (struct ser_plot){.kind = SER_PLOT_CONFUSION, .evaluation = v},
           "Confusion: what each true emotion was taken for");
    if (v->all.calibrated)
        figure(p, (struct ser_plot){.kind = SER_PLOT_RELIABILITY, .evaluation = v},
               "Reliability: how often predictions of a given confidence are right");
    if (known_members(v, SER_BY_SPEAKER))
        figure(p, (struct ser_plot){.kind = SER_PLOT_SPEAKERS, .evaluation = v},
               "Accuracy of each speaker");
    for (size_t i = 0; i < j->group->runs; i++) {
        const struct ser_run *run = j->group->run[i];
        if (run->log.path)
            figure(p, (struct ser_plot){.kind = SER_PLOT_CURVES, .path = run->log.path},
                   "Training: %s/%s.%s", run->split->name, run->name, run->seed);
    }
    const char *manifest = manifest_of(p, j->group);
    if (manifest && !is_pictured(p, manifest))
        figure(p, (struct ser_plot){.kind = SER_PLOT_MANIFEST, .path = manifest},
               "Utterances of each emotion and speaker");
    markup(p, "</div>\n");
}

/* ---- sections: over time ---- */

/* The group's windows beside what is when, of those runs that have both: 1, or 0 where none has. */
static int judge_over_time(const struct judged *j, struct ser_overtime *o) {
    struct ser_truth truth = {0};
    struct ser_timelines rows = {0};
    struct ser_set seen = {0};
    struct ser_error e;
    for (size_t i = 0; i < j->group->runs; i++) {
        const struct ser_run *run = j->group->run[i];
        if (!run->over_time || !run->split->truth)
            continue;
        must(is_new(&seen, run->split->name) && ser_truth_read(&truth, run->split->truth, &e), &e);
        must(ser_timelines_read(&rows, run->over_time, &e), &e);
    }
    must(rows.n && ser_overtime_judge(o, &truth, &rows, SER_DRAWS, SER_DRAWS_SEED, &e), &e);
    int judged = rows.n > 0;
    ser_truth_free(&truth);
    ser_timelines_free(&rows);
    ser_set_free(&seen);
    return judged;
}

static void onset_row(struct page *p, const char *name, const struct ser_onsets *of) {
    cell(p, name);
    count_cell(p, of->begins);
    count_cell(p, of->named);
    count_cell(p, of->never);
    count_cell(p, of->before);
    ser_html_cellf(&p->html, of->named ? "%.2f" : "–", of->median_s);
    ser_html_cellf(&p->html, of->named ? "%.2f" : "–", of->most_s);
}

static void delays(struct page *p, const struct ser_overtime *o) {
    ser_html_markupf(&p->html,
                     "<p>In %zu long recordings the right emotion is said in %.1f %% of the time "
                     "in which one is (unweighted recall %.1f %%); in %.1f s no speech is "
                     "said. A delay is from the beginning of a new emotion to the end of the first "
                     "window that names it.</p>\n",
                     o->recordings, 100 * o->scores.wa, 100 * o->scores.ua,
                     (double)o->mute_ms / 1000);
    TABLE(p, "Delay of a new emotion", "emotion", "begins#", "named#", "never#", "named before#",
          "median, s#", "90 %, s#", "share of its time named, %#");
    for (int c = 0; c < o->classes; c++)
        if (o->onsets[c].begins) {
            onset_row(p, o->class_name[c], &o->onsets[c]);
            percent_cell(p, o->of[c].recall);
        }
    ser_html_table_foot(&p->html);
    onset_row(p, "all", &o->all);
    percent_cell(p, o->scores.wa);
    end_table(p);
}

static void over_time(struct page *p, int g) {
    const struct judged *j = &p->r->group[g];
    struct ser_overtime o;
    if (!has_over_time(j))
        return;
    section(p, g, "over-time", "Over time");
    if (judge_over_time(j, &o)) {
        delays(p, &o);
        ser_overtime_free(&o);
    }
    markup(p, "<div class=\"figures\">\n");
    for (size_t i = 0; i < j->group->runs; i++) {
        const struct ser_run *run = j->group->run[i];
        if (run->over_time)
            figure(p,
                   (struct ser_plot){
                       .kind = SER_PLOT_TIME, .path = run->over_time, .truth = run->split->truth},
                   "Emotions over time: the first recording of %s/%s.%s", run->split->name,
                   run->name, run->seed);
    }
    markup(p, "</div>\n");
}

/* ---- sections: worst-scored utterances ---- */

/* The type of sound that begins with these bytes, as browsers call it; NULL: none that they play.
 * Looked at lest a manifest put other files into a page that is passed on. */
static const char *sound_type(const unsigned char *at, size_t n) {
    if (n >= 12 && memcmp(at, "RIFF", 4) == 0 && memcmp(at + 8, "WAVE", 4) == 0)
        return "wav";
    if (n >= 4 && memcmp(at, "fLaC", 4) == 0)
        return "flac";
    if (n >= 4 && memcmp(at, "OggS", 4) == 0)
        return "ogg";
    if ((n >= 3 && memcmp(at, "ID3", 3) == 0) ||
        (n >= 2 && at[0] == 0xff && strchr("\xf2\xf3\xfa\xfb", at[1])))
        return "mpeg";
    return NULL;
}

static void read_recording(const char *path, unsigned char **data, size_t *n) {
    struct ser_in in;
    struct ser_error e;
    struct stat st;
    if (stat(path, &st) || !S_ISREG(st.st_mode) || ser_in_open(&in, path, &e))
        die(SER_SYS, "%s: cannot read; run %s where the pipeline ran, or without --with-audio",
            path, ser_name());
    if (st.st_size > MAX_RECORDING)
        die(SER_BAD, "%s: %lld bytes, more than %d: too large for a page", path,
            (long long)st.st_size, MAX_RECORDING);
    must(ser_in_rest(&in, MAX_RECORDING, data, n, &e), &e);
    ser_in_close(&in);
}

static void player_cell(struct page *p, const struct worst *w) {
    unsigned char *data;
    size_t n;
    if (!w->path)
        die(SER_BAD, "--with-audio: %.200s: the split's manifest has no path of it", w->at->id);
    read_recording(w->path, &data, &n);
    const char *type = sound_type(data, n);
    if (!type)
        die(SER_BAD, "%s: not WAV, FLAC, Ogg or MP3, which is what a page can play", w->path);
    ser_html_cell_begin(&p->html);
    ser_html_markupf(&p->html,
                     "\n<audio controls=\"\" preload=\"none\" src=\"data:audio/%s;base64,", type);
    ser_html_base64(&p->html, data, n);
    markup(p, "\"></audio>\n");
    ser_html_cell_end(&p->html);
    free(data);
}

static void worst_row(struct page *p, const struct judged *j, const struct worst *w) {
    const struct ser_run *run = j->group->run[w->run];
    cell(p, w->at->id);
    if (opt.with_audio)
        player_cell(p, w);
    cell(p, w->at->truth);
    cell(p, w->at->predicted);
    ser_html_cellf(&p->html, "%.3g", truth_probability(w));
    ser_html_cellf(&p->html, "%.3g", w->at->p[w->at->y]);
    cell(p, w->at->group[SER_BY_SPEAKER]);
    cell(p, w->at->group[SER_BY_CORPUS]);
    ser_html_cellf(&p->html, "%s/%s.%s", run->split->name, run->name, run->seed);
    ser_html_cell(&p->html, w->path ? w->path : "");
}

/* Whether ser-plot can draw what a model says of a recording: it makes features alone, and of one
 * recording alone. */
static int hears_one(const struct ser_run *run) {
    const char *type = ser_attr(&run->header, "feat.type");
    return !normalized(run) && (!type || strcmp(type, "embedding") != 0);
}

/* Whether a stream is of embeddings, which have no picture. */
static int is_of_embeddings(const char *path) {
    struct ser_reader r;
    struct ser_error e;
    must(ser_reader_open(&r, path, "features", &e), &e);
    const char *type = ser_attr(&r.header, "feat.type");
    int is = type && strcmp(type, "embedding") == 0;
    ser_reader_close(&r);
    return is;
}

/* The worst of all is shown, as far as what it was made of is still there. */
static void worst_pictures(struct page *p, const struct judged *j) {
    const struct worst *w = &j->worst[0];
    const struct ser_run *run = j->group->run[w->run];
    markup(p, "<div class=\"figures\">\n");
    if (run->split->test && !is_of_embeddings(run->split->test))
        figure(p,
               (struct ser_plot){.kind = SER_PLOT_MFCC, .path = run->split->test, .key = w->at->id},
               "Features of %s", w->at->id);
    if (run->model && w->path && access(w->path, R_OK) == 0)
        figure(p,
               (struct ser_plot){.kind = SER_PLOT_WAVE,
                                 .path = w->path,
                                 .model = hears_one(run) ? run->model : NULL,
                                 .step_s = 0.25},
               hears_one(run) ? "Waveform of %s, and the emotion over time" : "Waveform of %s",
               w->at->id);
    markup(p, "</div>\n");
}

static void worst_utterances(struct page *p, int g) {
    const struct judged *j = &p->r->group[g];
    static const char caption[] = "Lowest probability of the truth, of any model";
    if (!opt.worst)
        return;
    section(p, g, "worst", "Worst-scored utterances");
    if (!j->worsts) {
        markup(p,
               "<p>The predictions have no probabilities, so there is no order among them.</p>\n");
        return;
    }
    if (opt.with_audio)
        TABLE(p, caption, "utterance", "listen", "truth", "predicted", "probability of the truth#",
              "confidence#", "speaker", "corpus", "model", "recording");
    else
        TABLE(p, caption, "utterance", "truth", "predicted", "probability of the truth#",
              "confidence#", "speaker", "corpus", "model", "recording");
    for (size_t i = 0; i < j->worsts; i++)
        worst_row(p, j, &j->worst[i]);
    end_table(p);
    worst_pictures(p, j);
}

/* ---- sections: searches ---- */

static void tuned_cell(struct page *p, const struct ser_tuning_result *r, double share) {
    ser_html_cellf(&p->html, r->failed ? "–" : "%.1f", 100 * share);
}

/* The group of runs of that name; NULL: none. */
static const struct judged *group_of(const struct page *p, const char *name) {
    for (size_t g = 0; g < p->r->groups; g++)
        if (strcmp(p->r->group[g].group->run[0]->name, name) == 0)
            return &p->r->group[g];
    return NULL;
}

static void tested_cells(struct page *p, const struct ser_result *r) {
    static const int figure[] = {SER_UA, SER_WA};
    for (int i = 0; i < 2; i++)
        ser_html_cellf(&p->html, r ? "%.1f" : "–", r ? 100 * ser_figure_of(r, figure[i]) : 0);
}

static void winner_row(struct page *p, const struct searched *q, int votes) {
    const struct ser_tuning_result *b = q->best;
    cell(p, q->from->name);
    count_cell(p, q->t.trials);
    ser_html_cellf(&p->html, "%lld", (long long)b->trial);
    ser_html_cellf(&p->html, "%lld", (long long)b->epochs);
    tuned_cell(p, b, b->recall);
    tuned_cell(p, b, b->accuracy);
    tested_cells(p, q->tested);
    ser_html_cellf(&p->html, q->tested && !b->failed ? "%.1f" : "–",
                   q->tested ? 100 * (b->recall - ser_figure_of(q->tested, SER_UA)) : 0);
    if (votes)
        tested_cells(p, q->voted);
}

/* The mean of what was validated and tested, of the searches that were tested: how many. */
static size_t mean_of_tested(const struct page *p, double *validated, double *tested,
                             double *voted) {
    size_t n = 0;
    *validated = *tested = *voted = 0;
    for (size_t i = 0; i < p->r->study.searches; i++) {
        const struct searched *q = &p->r->search[i];
        if (!q->tested || q->best->failed)
            continue;
        n++;
        *validated += q->best->recall;
        *tested += ser_figure_of(q->tested, SER_UA);
        *voted += q->voted ? ser_figure_of(q->voted, SER_UA) : 0;
    }
    *validated /= (double)(n ? n : 1);
    *tested /= (double)(n ? n : 1);
    *voted /= (double)(n ? n : 1);
    return n;
}

static void winners(struct page *p, int votes) {
    if (votes)
        TABLE(p, "Winners: their figures when they were chosen, and when they were tested",
              "search", "trials#", "winner#", "epochs#", "validation recall, %#", "accuracy, %#",
              "test recall, %#", "accuracy, %#", "optimism#", "vote: recall, %#", "accuracy, %#");
    else
        TABLE(p, "Winners: their figures when they were chosen, and when they were tested",
              "search", "trials#", "winner#", "epochs#", "validation recall, %#", "accuracy, %#",
              "test recall, %#", "accuracy, %#", "optimism#");
    for (size_t i = 0; i < p->r->study.searches; i++)
        winner_row(p, &p->r->search[i], votes);
    end_table(p);
}

/* What the figures are worth. */
static void optimism(struct page *p, int votes) {
    const struct judged *j = group_of(p, "winner"), *v = group_of(p, "vote");
    double validated, tested, voted;
    char range[64];
    size_t n = mean_of_tested(p, &validated, &tested, &voted);
    if (!n || !j) {
        markup(p,
               "<p class=\"no\"><strong>Nothing here was tested.</strong> The winner was chosen "
               "by these figures, the best of many, so they flatter it. A nested search shows by "
               "how much.</p>\n");
        return;
    }
    ser_html_markupf(
        &p->html,
        "<p><strong>Optimism: %.1f points.</strong> On the speakers by which they were chosen the "
        "winners have an unweighted recall of %.1f %%, on speakers that no search has seen %.1f %% "
        "(means over %zu). Those tested are trained on more speakers than the trials were. ",
        100 * (validated - tested), 100 * validated, 100 * tested, n);
    if (*interval_text(&j->v, SER_UA, range))
        ser_html_markupf(&p->html,
                         "All test speakers together: %.1f %%, with an interval of 95 %% over "
                         "speakers from %s, so an optimism from %.1f to %.1f points.",
                         100 * ser_figure_of(&j->v.all, SER_UA), range,
                         100 * (validated - j->v.of_all[SER_UA].high),
                         100 * (validated - j->v.of_all[SER_UA].low));
    else
        markup(p, "There are fewer than five test speakers, too few for an interval.");
    markup(p, "</p>\n");
    if (!votes || !v)
        return;
    ser_html_markupf(&p->html,
                     "<p>The best trials of each search together, by vote: %.1f %%, which is %+.1f "
                     "points beside the winner alone.",
                     100 * voted, 100 * (voted - tested));
    if (*interval_text(&v->v, SER_UA, range))
        ser_html_markupf(&p->html, " All test speakers together: %.1f %% (%s).",
                         100 * ser_figure_of(&v->v.all, SER_UA), range);
    markup(p, "</p>\n");
}

static void importance(struct page *p, const struct ser_tuning *t) {
    long long epochs = t->common_epochs;
    int found = 0;
    char *caption = eprintf_alloc("Importance of the options after %lld epoch%s", epochs,
                                  epochs == 1 ? "" : "s");
    for (size_t o = 0; o < t->options; o++) {
        const struct ser_anova *a = &t->option[o].importance;
        if (t->option[o].values < 2)
            continue;
        if (!found++)
            TABLE(p, caption, "option", "values#", "trials#", "groups#", "share, %#", "by lot, %#",
                  "importance, %#");
        cell(p, t->option[o].name);
        count_cell(p, t->option[o].values);
        count_cell(p, a->n);
        count_cell(p, (size_t)a->groups);
        percent_cell(p, a->share);
        percent_cell(p, a->chance);
        percent_cell(p, a->effect);
    }
    free(caption);
    if (found)
        end_table(p);
}

static void trials(struct page *p, const struct ser_tuning *t) {
    const char *head[SER_HTML_COLUMNS] = {"trial#", "epochs#", "recall, %#", "accuracy, %#",
                                          "loss#"};
    enum { FIGURES = 5 };
    size_t axes = 0, shown[SER_HTML_COLUMNS];
    char *caption = t->trials > MAX_TRIALS
                        ? eprintf_alloc("The best %d of %zu trials", MAX_TRIALS, t->trials)
                        : estrdup("Trials, the best first");
    for (size_t o = 0; o < t->options && FIGURES + axes < SER_HTML_COLUMNS; o++)
        if (t->option[o].values > 1) {
            head[FIGURES + axes] =
                eprintf_alloc("%s%s", t->option[o].name, t->option[o].words ? "" : "#");
            shown[axes++] = o;
        }
    table(p, caption, (int)(FIGURES + axes), head);
    for (size_t i = 0; i < t->trials && i < MAX_TRIALS; i++) {
        const struct ser_tuning_result *r = t->rank[i];
        ser_html_cellf(&p->html, "%lld", (long long)r->trial);
        ser_html_cellf(&p->html, "%lld", (long long)r->epochs);
        tuned_cell(p, r, r->recall);
        tuned_cell(p, r, r->accuracy);
        ser_html_cellf(&p->html, r->failed ? "–" : "%.4f", r->loss);
        for (size_t o = 0; o < axes; o++)
            cell(p, t->drawn[r->row * t->options + shown[o]]);
    }
    end_table(p);
    for (size_t i = 0; i < axes; i++)
        free((char *)head[FIGURES + i]);
    free(caption);
}

static void pre(struct page *p, const char *heading, const char *body) {
    if (!body)
        return;
    size_t n = strlen(body);
    while (n && body[n - 1] == '\n')
        n--;
    ser_html_markupf(&p->html, "<h3>%s</h3>\n<pre>", heading);
    ser_html_textf(&p->html, "%.*s", (int)n, body);
    markup(p, "</pre>\n");
}

static void one_search(struct page *p, size_t i) {
    const struct searched *q = &p->r->search[i];
    ser_html_markupf(&p->html, "</section>\n<section id=\"search-%zu\">\n<h2>Search: ", i + 1);
    text(p, q->from->name);
    markup(p, "</h2>\n");
    p->html.from = q->from->results;
    markup(p, "<div class=\"figures\">\n");
    figure(
        p, (struct ser_plot){.kind = SER_PLOT_TUNE, .path = q->from->results},
        "Search: its trials in their order, from rung to rung, through what they have drawn, and "
        "how much each option decides");
    markup(p, "</div>\n");
    importance(p, &q->t);
    trials(p, &q->t);
    pre(p, "Options of the winner (winner.options)", q->from->options);
    pre(p, "Network of the winner (winner.net)", q->from->net);
    p->html.from = p->r->study.path;
}

static void link_to_searches(struct page *p) {
    if (!p->r->study.searches)
        return;
    link_to(p, WHOLE_STUDY, "search", "Winners");
    for (size_t i = 0; i < p->r->study.searches; i++) {
        ser_html_markupf(&p->html, "<a href=\"#search-%zu\">Search: ", i + 1);
        text(p, p->r->search[i].from->name);
        markup(p, "</a>\n");
    }
}

static void searches(struct page *p) {
    int votes = 0;
    if (!p->r->study.searches)
        return;
    for (size_t i = 0; i < p->r->study.searches; i++)
        votes |= p->r->search[i].voted != NULL;
    section(p, WHOLE_STUDY, "search", "Winners");
    winners(p, votes);
    optimism(p, votes);
    markup(p,
           "<p>An option's importance is the share of what differs among the trials that goes "
           "along with its value alone: the correlation ratio of the trials' ranks on the rung "
           "that most of them have a result on, those that failed being last; words are groups, "
           "numbers are cut into up to four groups of about as many trials. What groups drawn by "
           "lot would have is taken off (Kelley's epsilon squared, PNAS 21, 1935; on ranks "
           "Kruskal and Wallis, JASA 47, 1952). It is the main effect of functional analysis of "
           "variance (Hutter, Hoos, Leyton-Brown, ICML 2014), found without a model in between; "
           "what options do only together is not in it.</p>\n");
    for (size_t i = 0; i < p->r->study.searches; i++)
        one_search(p, i);
}

/* ---- sections: certificates ---- */

/* The beginning of a sum is enough to tell files apart. */
static void sum_cell(struct page *p, const char *sum) {
    ser_html_cellf(&p->html, strlen(sum) == SER_SHA256_HEX - 1 ? "%.16s…" : "%s", sum);
}

/* A text that may be empty. */
static const char *shown(const struct ser_text *t) {
    return t->at ? t->at : "";
}

static void verdict(struct page *p, const struct ser_certificate *c) {
    int overlap = c->shared.shared_speakers || c->shared.shared_audio;
    size_t nobodys = c->shared.nobodys;
    ser_html_markupf(&p->html, "<p class=\"%s\"><strong>%s</strong> ",
                     overlap || nobodys ? "no" : "yes",
                     overlap   ? "Parts overlap: scores flatter."
                     : nobodys ? "Whether a speaker is in two parts is unknown."
                               : "No speaker is in two parts.");
    if (nobodys)
        ser_html_textf(&p->html, "The speaker of %zu utterances is unknown; ", nobodys);
    ser_html_textf(&p->html, "%zu speakers in all, %zu of them in more than one part%s%s; ",
                   c->shared.speakers, c->shared.shared_speakers,
                   c->shared.shared_speakers ? ": " : "", shown(&c->shared_who));
    if (c->compared)
        ser_html_markupf(&p->html, "%zu recordings are in more than one part",
                         c->shared.shared_audio);
    else
        markup(p, "recordings were not compared: the manifest has no column audio_hash");
    markup(p, ".</p>\n");
}

/* What of the split's parts was normalised how, for the first of its runs of which something was. */
static void normalization(struct page *p, const struct ser_split *split,
                          const struct ser_certificate *c) {
    const char *what = NULL;
    for (size_t i = 0; i < p->r->study.runs && !what; i++)
        if (p->r->study.run[i]->split == split)
            what = normalized(modelled(p->r, p->r->study.run[i]));
    for (int i = 0; i < SER_PARTS; i++) {
        const char *how = shown(&c->part[i].normalize);
        if (what && *how && c->part[i].utterances) {
            ser_html_markupf(&p->html, "<p>%c%s of the part %s are normalized, by itself: <code>",
                             toupper(*what), what + 1, ser_part_name[i]);
            text(p, how);
            markup(p, "</code></p>\n");
        }
    }
}

static void parts(struct page *p, const char *caption, const struct ser_certificate *c) {
    TABLE(p, caption, "part", "speakers#", "utterances#", "who");
    for (int i = 0; i < SER_PARTS; i++) {
        cell(p, ser_part_name[i]);
        count_cell(p, c->part[i].speakers);
        count_cell(p, c->part[i].utterances);
        ser_html_cell(&p->html, shown(&c->part[i].who));
    }
    end_table(p);
}

static void contents(struct page *p, const char *caption, const struct ser_certificate *c) {
    TABLE(p, caption, "part", "emotions", "corpora", "SHA-256 of the ids", "of the audio");
    for (int i = 0; i < SER_PARTS; i++) {
        cell(p, ser_part_name[i]);
        ser_html_cell(&p->html, shown(&c->part[i].emotions));
        ser_html_cell(&p->html, shown(&c->part[i].corpora));
        sum_cell(p, c->part[i].ids_sha256);
        sum_cell(p, c->part[i].audio_sha256);
    }
    end_table(p);
}

static void certify(struct page *p, const struct ser_split *split,
                    const struct ser_certificate *c) {
    p->html.from = split->manifest;
    markup(p, "<h3>");
    text(p, split->name);
    markup(p, "</h3>\n");
    verdict(p, c);
    normalization(p, split, c);
    char *caption = eprintf_alloc("Parts of %s", split->name);
    parts(p, caption, c);
    free(caption);
    if (split->certificate) {
        p->html.from = split->certificate;
        caption = eprintf_alloc("Contents of %s", split->name);
        contents(p, caption, c);
        free(caption);
    }
    p->html.from = p->r->study.path;
}

static void certificates(struct page *p) {
    int found = 0;
    section(p, WHOLE_STUDY, "split", "Split certificate");
    for (size_t i = 0; i < p->r->study.splits; i++)
        if (p->r->study.split[i]->manifest) {
            certify(p, p->r->study.split[i], &p->r->certificate[i]);
            found = 1;
        }
    if (!found)
        markup(p, "<p>This study has no table of its split, so nothing is certified.</p>\n");
}

/* ---- sections: what was run ---- */

static void models(struct page *p, const struct ser_group *g) {
    TABLE(p, "Models", "split", "seed", "epochs#", "best epoch#", "validation accuracy, %#",
          "SHA-256 of the model");
    for (size_t i = 0; i < g->runs; i++) {
        const struct ser_run *run = g->run[i];
        const struct ser_study_log *log = &run->log;
        cell(p, run->split->name);
        cell(p, run->seed);
        ser_html_cellf(&p->html, log->path ? "%zu" : "–", log->epochs);
        ser_html_cellf(&p->html, log->best ? "%lld" : "–", (long long)log->best);
        ser_html_cellf(&p->html, log->best && log->best_val_accuracy >= 0 ? "%.1f" : "–",
                       100 * log->best_val_accuracy);
        sum_cell(p, run->model ? run->model_sha256 : "–");
    }
    end_table(p);
}

/* The values that an attribute has in the group's models, each once; what is a list gets spaces. */
static void values_cell(struct page *p, const struct ser_group *g, const char *key) {
    struct ser_set seen = {0};
    ser_html_cell_begin(&p->html);
    for (size_t i = 0; i < g->runs; i++) {
        const char *value = ser_attr(&g->run[i]->header, key);
        if (!value || !is_new(&seen, value))
            continue;
        markup(p, seen.n > 1 ? "; " : "");
        if (strcmp(key, "classes") != 0) {
            text(p, value);
            continue;
        }
        for (const char *s = value; *s; s += strspn(s, ",")) {
            size_t n = strcspn(s, ",");
            ser_html_textf(&p->html, "%s%.*s", s == value ? "" : ", ", (int)n, s);
            s += n;
        }
    }
    ser_html_cell_end(&p->html);
    ser_set_free(&seen);
}

static void versions(struct page *p) {
    char gnuplot[100];
    struct ser_error e;
    must(ser_plot_version(gnuplot, sizeof gnuplot, &e), &e);
    cell(p, "ser-report");
    cell(p, SER_VERSION);
    cell(p, "gnuplot");
    cell(p, gnuplot);
}

/* A row for each attribute that any model has. */
static void attributes(struct page *p, const struct ser_group *g) {
    struct ser_set seen = {0};
    for (size_t i = 0; i < g->runs; i++)
        for (int k = 0; k < g->run[i]->header.n; k++) {
            const char *key = g->run[i]->header.at[k].key;
            if (!is_new(&seen, key))
                continue;
            if (seen.n == 1)
                TABLE(p, "Features, training and versions", "attribute", "value");
            cell(p, key);
            values_cell(p, g, key);
        }
    if (seen.n) {
        versions(p);
        end_table(p);
    }
    ser_set_free(&seen);
}

static void what_was_run(struct page *p, int g) {
    const struct judged *j = &p->r->group[g];
    const char *net = network_of(j);
    section(p, g, "run", "What was run");
    models(p, j->group);
    attributes(p, j->group);
    pre(p, "Network", net);
}

static void pipeline(struct page *p) {
    const struct ser_study *s = &p->r->study;
    if (!s->steps)
        return;
    if (p->r->groups > 1)
        section(p, WHOLE_STUDY, "pipeline", "Pipeline");
    TABLE(p, "Commands of the pipeline, without names of files", "options", "command or value");
    for (size_t i = 0; i < s->steps; i++) {
        cell(p, s->step[i].file);
        cell(p, s->step[i].text);
    }
    end_table(p);
}

/* ---- the page ---- */

/* The one script is named by its hash: whatever else a page could be made to hold, it does not run.
 */
static void policy(struct page *p) {
    struct ser_sha256 hash;
    char hex[SER_SHA256_HEX];
    unsigned char sum[SER_SHA256_HEX / 2];
    ser_sha256_start(&hash);
    ser_sha256_add(&hash, page_script, strlen(page_script));
    ser_sha256_end(&hash, hex);
    for (size_t i = 0; i < sizeof sum; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        sum[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    markup(p, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "style-src 'unsafe-inline'; script-src 'sha256-");
    ser_html_base64(&p->html, sum, sizeof sum);
    markup(p, "'; media-src data:; img-src data:; base-uri 'none'; form-action 'none'\"/>\n");
}

static void head(struct page *p) {
    markup(p, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    policy(p);
    markup(p, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>");
    text(p, p->r->title);
    markup(p, "</title>\n<style>\n");
    markup(p, page_style);
    markup(p, "</style>\n</head>\n<body>\n<section>\n<h1>");
    text(p, p->r->title);
    markup(p, "</h1>\n");
    if (!p->r->generated)
        return;
    markup(p, "<p class=\"no\"><strong>Generated speech: ");
    text(p, p->r->generated);
    markup(p, ".</strong> This page says how the pipeline works, and nothing about real "
              "emotions.</p>\n");
}

/* Links to what every page begins with; first: its first section. */
static void begin_links(struct page *p, const char *first, const char *title) {
    markup(p, "<nav>");
    link_to_searches(p);
    link_to(p, WHOLE_STUDY, first, title);
    if (p->r->study.conditions)
        link_to(p, WHOLE_STUDY, "conditions", "Other conditions");
    if (p->r->is_compared)
        link_to(p, WHOLE_STUDY, "comparison", "Published figures");
}

static void one_group(struct page *p) {
    begin_links(p, "results", "Results");
    link_to(p, WHOLE_STUDY, "pictures", "Pictures");
    if (has_over_time(&p->r->group[0]))
        link_to(p, WHOLE_STUDY, "over-time", "Over time");
    if (opt.worst)
        link_to(p, WHOLE_STUDY, "worst", "Worst-scored utterances");
    link_to(p, WHOLE_STUDY, "split", "Split certificate");
    link_to(p, WHOLE_STUDY, "run", "What was run");
    markup(p, "</nav>\n");
    searches(p);
    if (p->r->study.searches)
        section(p, WHOLE_STUDY, "tested", "Tested");
    summary(p, 0);
    results(p, 0);
    conditions(p);
    comparison(p);
    pictures(p, 0);
    over_time(p, 0);
    worst_utterances(p, 0);
    certificates(p);
    what_was_run(p, 0);
    pipeline(p);
}

static void several_groups(struct page *p) {
    int groups = (int)p->r->groups;
    begin_links(p, "overview", "Overview");
    for (int g = 0; g < groups; g++)
        link_to(p, g, "results", p->r->group[g].group->label);
    link_to(p, WHOLE_STUDY, "split", "Split certificate");
    if (p->r->study.steps)
        link_to(p, WHOLE_STUDY, "pipeline", "Pipeline");
    markup(p, "</nav>\n");
    searches(p);
    overview(p);
    conditions(p);
    comparison(p);
    for (int g = 0; g < groups; g++) {
        results(p, g);
        pictures(p, g);
        over_time(p, g);
        worst_utterances(p, g);
        what_was_run(p, g);
    }
    certificates(p);
    pipeline(p);
}

/* Nothing was tested. */
static void search_alone(struct page *p) {
    markup(p, "<nav>");
    link_to_searches(p);
    link_to(p, WHOLE_STUDY, "pipeline", "Pipeline");
    markup(p, "</nav>\n");
    searches(p);
    section(p, WHOLE_STUDY, "pipeline", "Pipeline");
    pipeline(p);
}

static void write_text(struct page *p) {
    struct ser_error e;
    p->html.from = p->r->study.path;
    head(p);
    if (!p->r->groups)
        search_alone(p);
    else if (p->r->groups == 1)
        one_group(p);
    else
        several_groups(p);
    markup(p, "</section>\n<script>");
    markup(p, page_script);
    markup(p, "</script>\n</body>\n</html>\n");
    must(ser_html_failed(&p->html, &e), &e);
}

/* The text with its pictures. */
static void deliver(struct page *p, struct ser_picture *picture) {
    struct ser_out out;
    struct ser_error e;
    size_t at = 0;
    must(ser_out_open(&out, opt.output, 0, &e), &e);
    for (size_t i = 0; i < p->figures; i++) {
        ser_out_write(&out, p->html.page.at + at, p->figure[i].at - at);
        ser_out_write(&out, picture[i].data, picture[i].len);
        at = p->figure[i].at;
    }
    ser_out_write(&out, p->html.page.at + at, p->html.page.n - at);
    must(ser_out_close(&out, &e), &e);
}

/* ---- pictures: data is read one after the other, gnuplot runs side by side ---- */

struct drawing {
    const struct page *p;
    size_t read, drawn; /* figures so far */
    struct ser_picture *picture;
    struct ser_error e;
};

struct job {
    const struct figure *figure;
    struct ser_plot plot;
    struct ser_plot_script script; /* its text is NULL without one */
    struct ser_picture picture;
    struct ser_error e;
    int failed;
};

static int fetch_figure(void *ctx, void *slot) {
    struct drawing *d = ctx;
    struct job *job = slot;
    if (d->read == d->p->figures)
        return 0;
    job->figure = &d->p->figure[d->read++];
    job->plot = job->figure->plot;
    job->plot.id = job->figure->id;
    job->plot.label = job->figure->label;
    job->failed = ser_plot_script(&job->plot, &job->script, &job->e);
    return 1;
}

static void draw_figure(void *ctx, void *slot, int worker) {
    struct job *job = slot;
    (void)ctx;
    (void)worker;
    if (!job->failed)
        job->failed = ser_plot_run(&job->plot, &job->script, &job->picture, &job->e);
}

static int keep_figure(void *ctx, void *slot) {
    struct drawing *d = ctx;
    struct job *job = slot;
    if (job->failed) {
        d->e = job->e;
        return -1;
    }
    ser_plot_script_free(&job->script);
    d->picture[d->drawn++] = job->picture;
    job->picture = (struct ser_picture){0};
    return 0;
}

/* What is under way when one fails. */
static void release_figure(void *ctx, void *slot) {
    struct job *job = slot;
    (void)ctx;
    ser_plot_script_free(&job->script);
    free(job->picture.data);
}

/* All pictures of the page; the caller frees. */
static struct ser_picture *draw(const struct page *p) {
    struct drawing d = {.p = p, .picture = ecalloc(p->figures, sizeof *d.picture)};
    const struct ser_jobs jobs = {.ctx = &d,
                                  .slot_size = sizeof(struct job),
                                  .fetch = fetch_figure,
                                  .work = draw_figure,
                                  .finish = keep_figure,
                                  .release = release_figure};
    struct ser_error e;
    int stopped = ser_jobs_run(&jobs, ser_cores(), &e);
    if (!stopped)
        return d.picture;
    for (size_t i = 0; i < d.drawn; i++)
        free(d.picture[i].data);
    free(d.picture);
    die_error(stopped < 0 ? &e : &d.e);
}

static char *title_of(const char *path) {
    char *whole = realpath(path, NULL);
    const char *slash = whole ? strrchr(whole, '/') : NULL;
    char *title = estrdup(opt.title && *opt.title ? opt.title : slash ? slash + 1 : path);
    free(whole);
    if (!ser_html_shows(title) || strpbrk(title, "\t\n"))
        ser_usage("the title is not UTF-8 text that a page can show");
    return title;
}

int main(int argc, char **argv) {
    struct report r = {0};
    struct page p = {.r = &r};
    struct ser_error e;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (argc - first != 1)
        ser_usage("one folder is meant");
    if (!*argv[first])
        ser_usage("the name of the folder is empty");
    r.title = title_of(argv[first]);
    judge(&r, argv[first]);
    if (opt.output)
        must(ser_out_try(opt.output, 0, &e), &e);
    write_text(&p);
    struct ser_picture *picture = draw(&p);
    deliver(&p, picture);

    for (size_t i = 0; i < p.figures; i++) {
        free(picture[i].data);
        free(p.figure[i].label);
    }
    free(picture);
    free(p.figure);
    free(p.html.page.at);
    free_report(&r);
    return SER_OK;
}
