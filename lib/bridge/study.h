/* study.h - what a study holds: the folder OUT of a pipeline, as pipelines/rules.mk lays it out.
 *
 *   DIR/split/SPLIT/NAME.SEED/   a run: predictions.tsv, and beside it model.bin, log.tsv
 *   DIR/split/SPLIT/             a split: manifest.tsv with the column part, certificate.tsv,
 *                                test.sert; live/truth.tsv: what is when in long recordings, of which
 *                                a run's over-time.tsv has windows (pipelines/live.mk)
 *   DIR/cv/STUDY/conditions.tsv  figures under other conditions (pipelines/conditions.mk)
 *   DIR/manifest.tsv             all utterances; manifest/CORPUS.generated: this corpus is no
 *                                recording of people
 *   DIR/search.txt               a search (pipelines/tune.mk), which has instead of splits:
 *   DIR/SEARCH/                  search.tsv, winner.net, winner.options; tested, it is a split and its
 *                                final/ and vote/ are runs of the names winner and vote
 *   DIR/options/, DIR/split/SPLIT/options/, DIR/split/SPLIT/NAME.SEED/options
 *                                the options of each step
 *   DIR/runs/STUDY               the runs SPLIT/NAME.SEED of a study that is complete, between blanks.
 *                                Where DIR/runs is there, runs that no file in it names are those of
 *                                earlier folds or recordings, and are not read
 *
 * Only predictions, or the results of a search, must be there; what else is missing is NULL, 0 or
 * empty. Runs and splits are in the order of their names, numbers in them by value. All texts belong
 * to the study.
 */
#ifndef SER_STUDY_H
#define SER_STUDY_H

#include "bridge/split.h"
#include "core/attrs.h"
#include "core/bytes.h"
#include "core/set.h"
#include "core/sha256.h"

#define SER_MAX_PREDICTIONS 100000000 /* bytes of one table of predictions */

/* How a split came about: by its table, if that says so, else by the name that pipelines give. */
enum ser_split_kind { SER_SPLIT_LISTED, SER_SPLIT_FOLD, SER_SPLIT_RANDOM };

/* "listed speakers", "folds", "random splits". */
extern const char *const ser_split_kind_name[];

struct ser_split {
    char *name, *path; /* of its folder */
    enum ser_split_kind kind;
    char *manifest, *certificate, *test, *truth; /* paths of its files; NULL: not there */
};

/* The log of a training: its length, and the epoch that it kept. */
struct ser_study_log {
    char *path; /* NULL: there is none */
    size_t epochs;
    int64_t best;             /* epoch; 0: no epoch is marked as best */
    double best_val_accuracy; /* below 0: there was no validation */
};

struct ser_run {
    char *name, *seed;             /* of its folder NAME.SEED, cut at the last dot */
    char *path;                    /* of its folder */
    const struct ser_split *split; /* the study's */
    char *predictions;             /* path of its table */
    char *over_time; /* path of its windows of long recordings; NULL: there are none */
    char *tested; /* the emotions and corpora of its table as one text: equal for the same ones */
    char *model;  /* path; NULL: there is none, and the next three are empty */
    char *net;    /* the text of its network */
    struct ser_attrs header;           /* of the model */
    char model_sha256[SER_SHA256_HEX]; /* of the model's file */
    struct ser_study_log log;
};

/* Runs that may be taken together: those of one name. Where these test different emotions or
 * corpora, on splits of different kinds or with different networks, it is those of one name and
 * kind of split, or else of one split, or else one run: scores of such runs have no mean. Winners of
 * searches are taken together whatever their networks are: it is the search that is tested. */
struct ser_group {
    char *label; /* NAME, NAME/KIND, NAME/SPLIT or NAME/SPLIT/SEED */
    size_t runs;
    struct ser_run **run; /* [runs] the study's, in its order */
    int divided;          /* its name has runs in another group */
};

/* What one step of the pipeline was called with, without names of files. */
struct ser_step {
    char *file; /* of its options, from DIR on */
    char *text; /* the command and its options, or a value */
};

/* A search: its results, and what won. */
struct ser_study_search {
    char *name;    /* of its folder */
    char *results; /* path of its table, for bridge/tuning.h */
    char *options; /* the text of winner.options; NULL: there is none */
    char *net;     /* of winner.net; NULL */
};

struct ser_study {
    char *path;     /* DIR */
    char *manifest; /* path; NULL: there is none */
    size_t splits, runs, groups, steps, generateds, searches, conditions;
    struct ser_split **split;        /* [splits] those that have runs */
    struct ser_run **run;            /* [runs] */
    struct ser_group *group;         /* [groups] in the order of their first runs */
    struct ser_step *step;           /* [steps] */
    struct ser_study_search *search; /* [searches] in the order of their names */
    char **generated;                /* [generateds] corpora that are generated speech */
    char **condition;                /* [conditions] paths DIR/cv/STUDY/conditions.tsv */
    int is_listed;                   /* DIR/runs is there: only these runs are read */
    struct ser_set listed;           /* SPLIT/NAME.SEED, and SPLIT/ of each */
};

/* Finds what the folder holds, reads models and logs, puts runs into groups. 0, or -1 with e set
 * (SER_BAD: no study, or damaged) and nothing to free. */
int ser_study_read(struct ser_study *s, const char *path, struct ser_error *e) SER_MUST_CHECK;
void ser_study_free(struct ser_study *s);

/* Looks up where the recordings of n utterances lie, by the split's manifest: path [n] is set, NULL
 * for what is not in it; the caller frees each. 0, or -1 with e set and nothing to free. */
int ser_split_recordings(const struct ser_split *s, size_t n, const char *const *id, char **path,
                         struct ser_error *e) SER_MUST_CHECK;

/* ---- the certificate of a split ---- */

/* What is in one part. */
struct ser_part_content {
    size_t utterances, speakers;       /* speakers that are known */
    struct ser_text who;               /* these, separated by ", " */
    struct ser_text emotions, corpora; /* "NAME COUNT, ..." by certificate.tsv */
    struct ser_text normalize;         /* options of ser-tensor normalize; empty: it was not used */
    char ids_sha256[SER_SHA256_HEX];   /* by certificate.tsv; empty: it does not say */
    char audio_sha256[SER_SHA256_HEX];
};

struct ser_certificate {
    struct ser_part_content part[SER_PARTS];
    struct ser_shared shared;   /* by its manifest; pair is NULL */
    struct ser_text shared_who; /* speakers in more than one part, separated by ", " */
    int compared;               /* the manifest has audio_hash, so recordings were compared */
};

/* Finds what the parts of a split that has a manifest hold and share. 0, or -1 with e set (SER_BAD:
 * no columns part and speaker) and nothing to free. */
int ser_study_certify(const struct ser_split *s, struct ser_certificate *c,
                      struct ser_error *e) SER_MUST_CHECK;
void ser_certificate_free(struct ser_certificate *c);

#endif
