/* ser-eval - how good predictions are: scores, confusion, groups, calibration, intervals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/evaluation.h"
#include "bridge/overtime.h"
#include "bridge/plot-text.h"
#include "core/opt.h"
#include "core/out.h"

static struct {
    const char *output, *against, *over_time;
    int64_t draws, seed;
    int tsv, json, fit_temperature;
} opt = {.draws = SER_DRAWS, .seed = SER_DRAWS_SEED};

static const struct ser_opt options[] = {
    {'o', "output", SER_OPT_TEXT, &opt.output, 0, 0, "FILE", "write FILE, not standard output"},
    {'t', "tsv", SER_OPT_FLAG, &opt.tsv, 0, 0, NULL, "one figure a row"},
    {'J', "json", SER_OPT_FLAG, &opt.json, 0, 0, NULL, "one JSON object"},
    {'a', "against", SER_OPT_TEXT, &opt.against, 0, 0, "FILE", "compare with these predictions"},
    {0, "over-time", SER_OPT_TEXT, &opt.over_time, 0, 0, "TRUTH",
     "judge windows by a table of what is when"},
    {0, "fit-temperature", SER_OPT_FLAG, &opt.fit_temperature, 0, 0, NULL,
     "print only the temperature for these"},
    {0, "draws", SER_OPT_INT, &opt.draws, 100, 1000000, "N", "of bootstrap over speakers"},
    {0, "seed", SER_OPT_INT, &opt.seed, 0, SER_MAX_SEED, "N", "of the bootstrap"},
    {0}};

static const struct ser_tool tool = {
    "[FILE...]", "Evaluates predictions (files of ser-score, or standard input).", options,
    "Several files (folds, seeds) are scored each, with mean, deviation, and pooled."};

/* The interval of figure i of all, NULL where there is none. */
static const struct ser_interval *interval(const struct ser_evaluation *v, int i) {
    return v->intervals && i < SER_INTERVALS ? &v->of_all[i] : NULL;
}

/* Utterances that no emotion was predicted of, since there was no speech: no figure counts them. */
static size_t without_speech(const struct ser_evaluation *v) {
    size_t n = 0;
    for (int f = 0; f < v->files; f++)
        n += v->file[f].mute;
    return n;
}

/* ---- text ---- */

/* Names are aligned by characters, and none is cut: printf would count and cut bytes. */
static int wider(int width, const char *name) {
    int n = (int)ser_text_width(name);
    return n > width ? n : width;
}

static int class_width(const struct ser_evaluation *v, int least) {
    int width = least;
    for (int c = 0; c < v->classes; c++)
        width = wider(width, v->class_name[c]);
    return width;
}

static void print_left(struct ser_out *o, const char *name, int width) {
    ser_out_printf(o, "%s%*s", name, width - (int)ser_text_width(name), "");
}

static void print_right(struct ser_out *o, const char *name, int width) {
    ser_out_printf(o, "%*s%s", width - (int)ser_text_width(name), "", name);
}

/* Truth by row, prediction by column: counts, or rates. */
static void print_confusion(const struct ser_evaluation *v, int rates, struct ser_out *o) {
    int left = class_width(v, 12), right = 1 + class_width(v, 9);
    ser_out_printf(o, "\n%-*s predicted%s\n%*s", left, "truth", rates ? ", share of the row" : "",
                   left, "");
    for (int c = 0; c < v->classes; c++)
        print_right(o, v->class_name[c], right);
    ser_out_printf(o, "\n");
    for (int c = 0; c < v->classes; c++) {
        print_left(o, v->class_name[c], left);
        for (int k = 0; k < v->classes; k++)
            if (rates)
                ser_out_printf(o, "%*.4f", right, ser_confusion_rate(v, &v->all, c, k));
            else
                ser_out_printf(o, "%*zu", right, v->all.confusion[c * v->classes + k]);
        ser_out_printf(o, "\n");
    }
}

static void print_group(const struct ser_evaluation *v, int g, struct ser_out *o) {
    if (v->members[g] == 1 && strcmp(v->member[g][0].name, "-") == 0)
        return; /* the column is not there */
    int left = 24;
    for (size_t i = 0; i < v->members[g]; i++)
        left = wider(left, v->member[g][i].name);
    ser_out_printf(o, "\n%-*s%10s%10s%10s%12s%10s\n", left, ser_grouping_name[g], "WA", "UA",
                   "macro F1", "weighted F1", "n");
    for (size_t i = 0; i < v->members[g]; i++) {
        const struct ser_result *s = &v->member[g][i];
        print_left(o, s->name, left);
        ser_out_printf(o, "%10.4f%10.4f%10.4f%12.4f%10zu\n", s->scores.wa, s->scores.ua,
                       s->scores.macro_f1, s->scores.weighted_f1, s->n);
    }
}

static void print_calibration(const struct ser_result *s, struct ser_out *o) {
    ser_out_printf(o, "\n%-14s%12s%10s%10s\n", "confidence", "mean", "accuracy", "n");
    for (int i = 0; i < SER_BINS; i++)
        if (s->bin[i].n)
            ser_out_printf(o, "%.1f to %.1f    %12.4f%10.4f%10zu\n", (double)i / SER_BINS,
                           (double)(i + 1) / SER_BINS, s->bin[i].confidence, s->bin[i].accuracy,
                           s->bin[i].n);
    ser_out_printf(o, "\nrejected, the least confident first\n");
    for (int i = 0; i < SER_REJECT_STEPS; i++)
        ser_out_printf(o, "%2s %%  accuracy of the rest %.4f\n", ser_step_name[i], s->reject[i]);
}

static void print_files(const struct ser_evaluation *v, struct ser_out *o) {
    const struct ser_values *mean = &v->mean, *deviation = &v->deviation;
    int known = v->all.calibrated;
    ser_out_printf(o, "\n%10s%10s%10s%12s", "WA", "UA", "macro F1", "weighted F1");
    if (known)
        ser_out_printf(o, "%10s%10s%10s%10s", "top-2", "log loss", "Brier", "ECE");
    ser_out_printf(o, "%8s  file\n", "n");
    for (int f = 0; f < v->files; f++) {
        const struct ser_result *s = &v->of_file[f];
        for (int i = 0; i < (known ? SER_FIGURES : SER_SCORES); i++)
            ser_out_printf(o, i == SER_SCORES - 1 ? "%12.4f" : "%10.4f", ser_figure_of(s, i));
        ser_out_printf(o, "%8zu  %s\n", s->n, s->name);
    }
    for (size_t i = 0; i < mean->n && !mean->at[i].class_name; i++)
        ser_out_printf(o, "%-24s mean %.4f, deviation %.4f over %d files\n", ser_figure[i].title,
                       mean->at[i].value, deviation->at[i].value, v->files);
}

static void print_text(const struct ser_evaluation *v, struct ser_out *o) {
    for (int i = 0; i < (v->all.calibrated ? SER_FIGURES : SER_SCORES); i++) {
        const struct ser_interval *in = interval(v, i);
        ser_out_printf(o, "%-24s %.4f", ser_figure[i].title, ser_figure_of(&v->all, i));
        if (in)
            ser_out_printf(o, "  (95 %%: %.4f to %.4f)", in->low, in->high);
        ser_out_printf(o, i < SER_INTERVALS && !in ? "  (95 %%: n/a)\n" : "\n");
    }
    int left = class_width(v, 12);
    ser_out_printf(o, "%-24s %zu\n", "utterances", v->all.n);
    if (without_speech(v))
        ser_out_printf(o, "%-24s %zu\n", "without speech, apart", without_speech(v));
    ser_out_printf(o, "\n%-*s%10s%10s%10s%10s\n", left, "class", "precision", "recall", "F1",
                   "support");
    for (int c = 0; c < v->classes; c++) {
        const struct ser_class_score *score = &v->all.of[c];
        print_left(o, v->class_name[c], left);
        ser_out_printf(o, "%10.4f%10.4f%10.4f%10zu\n", score->precision, score->recall, score->f1,
                       score->support);
    }
    print_confusion(v, 0, o);
    print_confusion(v, 1, o);
    for (int g = SER_GROUPINGS - 1; g >= 0; g--)
        print_group(v, g, o);
    if (v->all.calibrated)
        print_calibration(&v->all, o);
    if (v->files > 1)
        print_files(v, o);
}

/* ---- TSV ---- */

static void tsv(struct ser_out *o, const char *file, const char *name, const char *class,
                const char *predicted, double value) {
    ser_out_printf(o, "%s\t%s\t%s\t%s\t%.17g\n", file, name, class ? class : "-",
                   predicted ? predicted : "-", value);
}

static void tsv_values(struct ser_out *o, const char *file, const struct ser_values *l) {
    for (size_t i = 0; i < l->n; i++)
        tsv(o, file, l->at[i].name, l->at[i].class_name, l->at[i].predicted, l->at[i].value);
}

static struct ser_values totals(const struct ser_result *s) {
    struct ser_values l = {0};
    if (ser_values_total(&l, s, s->calibrated))
        die(SER_SYS, "out of memory");
    return l;
}

static void tsv_details(const struct ser_evaluation *v, const struct ser_result *s,
                        const char *name, struct ser_out *o) {
    struct ser_values l = {0};
    if (ser_values_detail(&l, v, s, s->calibrated))
        die(SER_SYS, "out of memory");
    tsv_values(o, name, &l);
    free(l.at);
}

static void tsv_set(const struct ser_evaluation *v, const struct ser_result *s, struct ser_out *o) {
    struct ser_values l = totals(s);
    tsv_values(o, s->name, &l);
    free(l.at);
    tsv_details(v, s, s->name, o);
}

/* The totals of all members stand under the group's name, the rest of each under its own. */
static void tsv_group(const struct ser_evaluation *v, int g, struct ser_out *o) {
    for (size_t i = 0; i < v->members[g]; i++) {
        const struct ser_result *s = &v->member[g][i];
        struct ser_values l = totals(s);
        for (size_t k = 0; k < l.n; k++)
            l.at[k].class_name = s->name;
        tsv_values(o, ser_grouping_name[g], &l);
        free(l.at);
    }
    for (size_t i = 0; i < v->members[g]; i++) {
        char *name = eprintf_alloc("%s=%s", ser_grouping_name[g], v->member[g][i].name);
        tsv_details(v, &v->member[g][i], name, o);
        free(name);
    }
}

static void print_tsv(const struct ser_evaluation *v, struct ser_out *o) {
    char name[32];
    ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
    for (int f = 0; f < v->files; f++) {
        tsv_set(v, &v->of_file[f], o);
        if (v->file[f].mute)
            tsv(o, v->of_file[f].name, "no_speech", NULL, NULL, (double)v->file[f].mute);
    }
    tsv_set(v, &v->all, o);
    if (without_speech(v))
        tsv(o, "pooled", "no_speech", NULL, NULL, (double)without_speech(v));
    for (int i = 0; v->intervals && i < SER_INTERVALS; i++) {
        snprintf(name, sizeof name, "%s_low", ser_figure[i].name);
        tsv(o, "pooled", name, NULL, NULL, v->of_all[i].low);
        snprintf(name, sizeof name, "%s_high", ser_figure[i].name);
        tsv(o, "pooled", name, NULL, NULL, v->of_all[i].high);
    }
    tsv_values(o, "mean", &v->mean);
    tsv_values(o, "deviation", &v->deviation);
    for (int g = 0; g < SER_GROUPINGS; g++)
        tsv_group(v, g, o);
}

/* ---- JSON ---- */

static void json_calibration(const struct ser_result *s, struct ser_out *o) {
    ser_out_printf(o, ",\n\"reliability\":[");
    for (int i = 0; i < SER_BINS; i++)
        ser_out_printf(o, "%s{\"upto\":%s,\"confidence\":%.17g,\"accuracy\":%.17g,\"n\":%zu}",
                       i ? ",\n" : "\n", ser_bin_name[i], s->bin[i].confidence, s->bin[i].accuracy,
                       s->bin[i].n);
    ser_out_printf(o, "],\n\"accuracy_rejecting\":[");
    for (int i = 0; i < SER_REJECT_STEPS; i++)
        ser_out_printf(o, "%s%.17g", i ? "," : "", s->reject[i]);
    ser_out_printf(o, "]");
}

/* The members of an object: everything of a set. */
static void json_set(const struct ser_evaluation *v, const struct ser_result *s,
                     struct ser_out *o) {
    for (int i = 0; i < (s->calibrated ? SER_FIGURES : SER_SCORES); i++)
        ser_out_printf(o, "\"%s\":%.17g,", ser_figure[i].name, ser_figure_of(s, i));
    ser_out_printf(o, "\"n\":%zu,\n\"confusion\":[", s->n);
    for (int c = 0; c < v->classes; c++)
        for (int k = 0; k < v->classes; k++)
            ser_out_printf(o, "%s%zu%s",
                           k   ? ","
                           : c ? ",["
                               : "[",
                           s->confusion[c * v->classes + k], k == v->classes - 1 ? "]" : "");
    ser_out_printf(o, "],\n\"confusion_rate\":[");
    for (int c = 0; c < v->classes; c++)
        for (int k = 0; k < v->classes; k++)
            ser_out_printf(o, "%s%.17g%s",
                           k   ? ","
                           : c ? ",["
                               : "[",
                           ser_confusion_rate(v, s, c, k), k == v->classes - 1 ? "]" : "");
    ser_out_printf(o, "],\n\"per_class\":{");
    for (int c = 0; c < v->classes; c++) {
        const struct ser_class_score *score = &s->of[c];
        ser_out_printf(o, c ? ",\n" : "\n");
        ser_out_json(o, v->class_name[c]);
        ser_out_printf(o, ":{\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%zu}",
                       score->precision, score->recall, score->f1, score->support);
    }
    ser_out_printf(o, "}");
    if (s->calibrated)
        json_calibration(s, o);
}

static void json_group(const struct ser_evaluation *v, int g, struct ser_out *o) {
    ser_out_printf(o, ",\n\"per_%s\":{", ser_grouping_name[g]);
    for (size_t i = 0; i < v->members[g]; i++) {
        ser_out_printf(o, i ? ",\n" : "\n");
        ser_out_json(o, v->member[g][i].name);
        ser_out_printf(o, ":{");
        json_set(v, &v->member[g][i], o);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "}");
}

static void json_files(const struct ser_evaluation *v, struct ser_out *o) {
    const struct ser_values *mean = &v->mean, *deviation = &v->deviation;
    ser_out_printf(o, ",\n\"files\":[");
    for (int f = 0; f < v->files; f++) {
        ser_out_printf(o, f ? ",\n{\"file\":" : "\n{\"file\":");
        ser_out_json(o, v->of_file[f].name);
        ser_out_printf(o, ",");
        json_set(v, &v->of_file[f], o);
        ser_out_printf(o, "}");
    }
    ser_out_printf(o, "],\n\"over_files\":{");
    size_t i = 0;
    for (; i < mean->n && !mean->at[i].class_name; i++)
        ser_out_printf(o, "%s\"%s\":{\"mean\":%.17g,\"deviation\":%.17g}", i ? ",\n" : "\n",
                       mean->at[i].name, mean->at[i].value, deviation->at[i].value);
    ser_out_printf(o, "},\n\"over_files_by_class\":[");
    for (const char *comma = "\n"; i < mean->n; i++, comma = ",\n") {
        ser_out_printf(o, "%s{\"measure\":\"%s\",\"class\":", comma, mean->at[i].name);
        ser_out_json(o, mean->at[i].class_name);
        if (mean->at[i].predicted) {
            ser_out_printf(o, ",\"predicted\":");
            ser_out_json(o, mean->at[i].predicted);
        }
        ser_out_printf(o, ",\"mean\":%.17g,\"deviation\":%.17g}", mean->at[i].value,
                       deviation->at[i].value);
    }
    ser_out_printf(o, "]");
}

static void print_json(const struct ser_evaluation *v, struct ser_out *o) {
    ser_out_printf(o, "{\"classes\":[");
    for (int c = 0; c < v->classes; c++) {
        ser_out_printf(o, c ? "," : "");
        ser_out_json(o, v->class_name[c]);
    }
    ser_out_printf(o, "],\n");
    json_set(v, &v->all, o);
    if (without_speech(v))
        ser_out_printf(o, ",\n\"no_speech\":%zu", without_speech(v));
    for (int i = 0; v->intervals && i < SER_INTERVALS; i++)
        ser_out_printf(o, ",\n\"%s_interval\":[%.17g,%.17g]", ser_figure[i].name, v->of_all[i].low,
                       v->of_all[i].high);
    for (int g = 0; g < SER_GROUPINGS; g++)
        json_group(v, g, o);
    json_files(v, o);
    ser_out_printf(o, "}\n");
}

/* ---- comparison of two systems on the same utterances ---- */

static void print_comparison(const struct ser_evaluation *v, const struct ser_comparison *c,
                             struct ser_out *o) {
    const char *first = v->file[0].name;
    if (opt.tsv) {
        ser_out_printf(o, "file\tmeasure\tclass\tpredicted\tvalue\n");
        for (int i = 0; i < SER_INTERVALS; i++) {
            tsv(o, first, ser_figure[i].name, "difference", NULL, c->difference[i]);
            if (c->intervals)
                tsv(o, first, ser_figure[i].name, "low", NULL, c->interval[i].low);
            if (c->intervals)
                tsv(o, first, ser_figure[i].name, "high", NULL, c->interval[i].high);
        }
        tsv(o, first, "mcnemar", "only_first", NULL, (double)c->only_first);
        tsv(o, first, "mcnemar", "only_second", NULL, (double)c->only_second);
        tsv(o, first, "mcnemar", "p", NULL, c->p);
        return;
    }
    ser_out_printf(o, opt.json ? "{" : "first  %s\nsecond %s\n\n", first, v->file[1].name);
    for (int i = 0; i < SER_INTERVALS; i++) {
        ser_out_printf(o, opt.json ? "\"%s_difference\":%.17g,\n" : "%-24s first - second %+.4f",
                       opt.json ? ser_figure[i].name : ser_figure[i].title, c->difference[i]);
        if (c->intervals)
            ser_out_printf(
                o, opt.json ? "\"%s_interval\":[%.17g,%.17g],\n" : "%s  (95 %%: %+.4f to %+.4f)",
                opt.json ? ser_figure[i].name : "", c->interval[i].low, c->interval[i].high);
        ser_out_printf(o, opt.json ? "" : c->intervals ? "\n" : "  (95 %%: n/a)\n");
    }
    ser_out_printf(o,
                   opt.json ? "\"only_first\":%zu,\n\"only_second\":%zu,\n\"mcnemar_p\":%.17g}\n"
                            : "only the first is right  %zu\nonly the second is right %zu\n"
                              "McNemar's exact test     p = %.4g\n",
                   c->only_first, c->only_second, c->p);
}

/* ---- over time ---- */

static void print_onsets(const char *name, int width, const struct ser_onsets *of,
                         struct ser_out *o) {
    print_left(o, name, width);
    ser_out_printf(o, "%8zu%8zu%8zu%8zu", of->begins, of->named, of->never, of->before);
    if (of->named)
        ser_out_printf(o, "%10.2f%10.2f\n", of->median_s, of->most_s);
    else
        ser_out_printf(o, "%10s%10s\n", "-", "-");
}

static void print_delays(const struct ser_overtime *v, struct ser_out *o) {
    int left = 14;
    for (int c = 0; c < v->classes; c++)
        left = wider(left, v->class_name[c]);
    ser_out_printf(o, "\n%-*s%8s%8s%8s%8s%10s%10s\n", left, "new emotion", "begins", "named",
                   "never", "before", "median s", "90 % s");
    for (int c = 0; c < v->classes; c++)
        if (v->onsets[c].begins)
            print_onsets(v->class_name[c], left, &v->onsets[c], o);
    print_onsets("all", left, &v->all, o);
}

static void print_shares(const struct ser_overtime *v, struct ser_out *o) {
    int left = 14;
    for (int c = 0; c < v->classes; c++)
        left = wider(left, v->class_name[c]);
    ser_out_printf(o, "\n%-*s%10s%10s%10s\n", left, "emotion", "recall", "precision", "s");
    for (int c = 0; c < v->classes; c++) {
        print_left(o, v->class_name[c], left);
        ser_out_printf(o, "%10.4f%10.4f%10.1f\n", v->of[c].recall, v->of[c].precision,
                       (double)v->of[c].support / 1000);
    }
}

static void print_over_time(const struct ser_overtime *v, struct ser_out *o) {
    const double score[SER_INTERVALS] = {v->scores.wa, v->scores.ua, v->scores.macro_f1};
    for (int i = 0; i < SER_INTERVALS; i++) {
        ser_out_printf(o, "%-24s %.4f", ser_figure[i].title, score[i]);
        if (v->intervals)
            ser_out_printf(o, "  (95 %%: %.4f to %.4f)\n", v->of_all[i].low, v->of_all[i].high);
        else
            ser_out_printf(o, "  (95 %%: n/a)\n");
    }
    ser_out_printf(o, "%-24s %zu\n%-24s %.1f s\n%-24s %.1f s\n%-24s %.1f s\n", "recordings",
                   v->recordings, "an emotion is said", (double)v->scores.n / 1000,
                   "no speech is said", (double)v->mute_ms / 1000, "no row",
                   (double)v->no_row_ms / 1000);
    print_delays(v, o);
    print_shares(v, o);
    ser_out_printf(o, "\n%-14s%16s%16s\n", "windows", "an emotion said", "no speech said");
    for (int t = 0; t < SER_WINDOW_KINDS; t++)
        ser_out_printf(o, "%-14s%16zu%16zu\n", t == SER_WINDOW_SPEECH ? "of speech" : "of none",
                       v->rows[t][SER_WINDOW_SPEECH], v->rows[t][SER_WINDOW_NO_SPEECH]);
}

/* Where a figure stands in the object; how many keys lead to it. */
static int path_of(const struct ser_value *a, const char *key[3]) {
    key[0] = a->class_name && !a->predicted ? "per_class" : a->name;
    key[1] = a->class_name;
    key[2] = a->predicted ? a->predicted : a->name;
    return a->class_name ? 3 : 1;
}

static void json_over_time(const struct ser_values *l, struct ser_out *o) {
    const char *key[3], *before[3] = {0};
    int open = 0; /* objects within the whole */
    for (size_t i = 0; i < l->n; i++) {
        int depth = path_of(&l->at[i], key), same = 0;
        while (same < open && same < depth - 1 && strcmp(key[same], before[same]) == 0)
            same++;
        for (; open > same; open--)
            ser_out_printf(o, "}");
        ser_out_printf(o, !i ? "{" : same < 2 ? ",\n" : ",");
        for (; open < depth - 1; open++) {
            ser_out_json(o, key[open]);
            ser_out_printf(o, ":{");
        }
        ser_out_json(o, key[depth - 1]);
        ser_out_printf(o, ":%.17g", l->at[i].value);
        memcpy(before, key, sizeof before);
    }
    for (; open >= 0; open--)
        ser_out_printf(o, "}");
    ser_out_printf(o, "\n");
}

/* Rows of windows beside the truth. */
static void evaluate_over_time(char *const *files, struct ser_overtime *v) {
    struct ser_timelines rows = {0};
    struct ser_truth truth = {0};
    struct ser_error e;
    must(ser_truth_read(&truth, opt.over_time, &e), &e);
    do
        must(ser_timelines_read(&rows, *files, &e), &e);
    while (*files && *++files);
    must(ser_overtime_judge(v, &truth, &rows, (int)opt.draws, (uint64_t)opt.seed, &e), &e);
    if (v->unheard)
        warn("%s: %zu of %zu recordings have no row in the predictions", opt.over_time, v->unheard,
             truth.n);
    if (v->unknown)
        warn("%zu recordings of the predictions are left out: %s tells nothing of them", v->unknown,
             opt.over_time);
    ser_timelines_free(&rows);
    ser_truth_free(&truth);
}

static void over_time(char *const *files) {
    struct ser_overtime v;
    struct ser_values values = {0};
    struct ser_out out;
    struct ser_error e;
    evaluate_over_time(files, &v);
    must(ser_overtime_values(&v, &values) && ser_no_memory(&e), &e);
    must(ser_out_open(&out, opt.output, 0, &e), &e);
    if (opt.json)
        json_over_time(&values, &out);
    else if (opt.tsv)
        ser_out_printf(&out, "file\tmeasure\tclass\tpredicted\tvalue\n");
    else
        print_over_time(&v, &out);
    if (opt.tsv)
        tsv_values(&out, "pooled", &values);
    must(ser_out_close(&out, &e), &e);
    free(values.at);
    ser_overtime_free(&v);
}

/* Reads one file of predictions, and tells what was left out of it. */
static void read_file(struct ser_evaluation *v, const char *path) {
    struct ser_error e;
    char text[1600];
    int before = v->files;
    int failed = ser_evaluation_read(v, path, &e);
    if (v->files > before && ser_predictions_left_out(&v->file[before], text, sizeof text))
        warn("%s", text);
    must(failed, &e);
}

int main(int argc, char **argv) {
    struct ser_evaluation v = {0};
    struct ser_comparison c;
    struct ser_out out;
    struct ser_error e;
    double temperature = 1;
    ser_start(argv[0]);
    int first = ser_options(argc, argv, &tool);
    if (opt.tsv && opt.json)
        ser_usage("give --tsv or --json, not both");
    if (opt.fit_temperature && (opt.tsv || opt.json || opt.against))
        ser_usage("--fit-temperature prints one number: give it without --tsv, --json, --against");
    if (opt.against && argc - first > 1)
        ser_usage("--against compares with one file");
    if (opt.over_time && (opt.against || opt.fit_temperature))
        ser_usage("--over-time judges windows: give it without --against, --fit-temperature");
    const char *beside = opt.over_time ? opt.over_time : opt.against;
    ser_one_stdin(argv + first, beside, first < argc ? NULL : "-");
    ser_keep_inputs("--output", opt.output, argv + first, beside, NULL);
    if (opt.over_time) {
        over_time(argv + first);
        return SER_OK;
    }
    int files = first < argc ? argc - first : 1;
    for (int f = 0; f < files; f++)
        read_file(&v, first < argc ? argv[first + f] : NULL);
    if (opt.against)
        read_file(&v, opt.against);
    must(ser_evaluation_score(&v, (int)opt.draws, (uint64_t)opt.seed, &e), &e);
    if (opt.against)
        must(ser_evaluation_compare(&v, (int)opt.draws, (uint64_t)opt.seed, &c, &e), &e);

    if (opt.fit_temperature)
        must(ser_evaluation_temperature(&v, &temperature, &e), &e);

    must(ser_out_open(&out, opt.output, 0, &e), &e);
    if (opt.fit_temperature)
        ser_out_printf(&out, "%.6g\n", temperature);
    else if (opt.against)
        print_comparison(&v, &c, &out);
    else if (opt.json)
        print_json(&v, &out);
    else if (opt.tsv)
        print_tsv(&v, &out);
    else
        print_text(&v, &out);
    must(ser_out_close(&out, &e), &e);
    ser_evaluation_free(&v);
    return SER_OK;
}
