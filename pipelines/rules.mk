# What the pipelines share: from corpora to scores and reports.
#
# A pipeline sets what it differs in and includes this file; it needs GNU Make 4.3 and bash.
#   CORPORA    of ravdess savee cremad emodb; RAVDESS= SAVEE= CREMAD= EMODB= name their folders
#   OUT        where results go
#   PROTOCOL   notebook: listed speakers; folds5, folds4: speaker-disjoint folds, FOLD= one or more of them;
#              random: utterances at random, as many a split as SEEDS
#   PARTS      table of speakers and parts (notebook); FOLDS: table of speakers and folds (folds5); its folds may name their parts
#   SEEDS      one model a seed, and a table of them all (default: SEED)
#   MANIFEST FEATURES TRAIN   further options of ser-manifest, ser-mfcc, ser-train
#   MAP        other names for emotions: FROM=TO,... or a table, as ser-manifest --map takes it
#   ENCODER    a pretrained encoder, its folder or its name: features are its embeddings, and FEATURES options of ser-embed;
#              they are computed once a recording and kept (kept.mk). LAYER= is ser-embed's --layer. embed.mk is a study of them
#   FRAMES     how many frames are used of each recording (ser-mfcc --frames; embeddings: ser-tensor pad). Networks that fix
#              their input refuse another number than 174; tiny takes any
#   AUGMENT    options of ser-augment: what it makes is added to the training part
#   NORMALIZE  options of ser-tensor normalize, such as --by speaker: the features of each part by themselves are
#              normalised, of training, validation and test alike
#   BACKBONE   another network, as NET: each model hears the embeddings (ser-score --embed) of one of that network that has
#              heard the same training part with the same seed, and NORMALIZE is of them, not of the features.
#              BACKBONE_TRAIN: the options of its training (default: those in its NAME.options, if there are any, whatever TRAIN
#              says of NET's; where TRAIN has -q, it is quiet, too)
#   DROP       emotions that no split gets, separated by commas
#   CHECK=     leaves out the decoding of every file that ser-manifest --check does; then a recording that is
#              replaced under its name is not noticed. Either way the new one must be newer than the manifest
#   NET        of ser-train: a file, or a name in nets/: attention, baseline. Options that stand beside it, in
#              NAME.options for NAME.net, as tune.mk writes them, hold for all that is not given on the command line
#   EPOCHS BATCH LR PATIENCE LR_PATIENCE LR_FACTOR MIN_LR   of ser-train; THREADS. PATIENCE and LR_PATIENCE
#              are 20 and 0 for the network baseline, 15 and 5 for any other
#   VAL=none   no validation part: all that is not tested is trained on, for EPOCHS epochs, and the last one is
#              the model (ser-train --keep last, a cosine unless TRAIN has another schedule). PATIENCE, LR_PATIENCE and
#              LR_FACTOR say nothing then
#   VOTE=K     of the target cv: the models of each split with the seeds 1 to K (or those in SEEDS, which are K) vote
#              (ser-vote), and what the vote hears is shown beside what each of them does
#   SOFT       the folder of a teacher's tables, SPLIT.tsv, which the models learn beside the labels (ser-train --soft; TRAIN may have
#              --soft-weight and --soft-temperature). The target teacher makes them, by networks that have heard nobody who is tested
#   JOBS       as make's -j; BUILD: the folder of the tools; RERUN_JOBS RERUN_THREADS: of the target rerun
#   FROM ROWS  which of the corpora, or which manifest, splits are made of
# A variable that is not known is refused; the target help shows this text.
#
# NET=best and NET=best-whisper (nets/README.md) are recipes: nets/NAME.options tells all that they are made of, a line for
# each step: encoder, backbone, features, augment, normalize, prior, train, val; "card KEY VALUE" for the card of a model. Their
# forms best-speaker and best-whisper-speaker hear voices that are normalised. A recipe has features of its own, so give each
# its OUT; best and best-speaker, which is a head of best, may share one.
#
# The target cv judges a network by all splits of a protocol with all seeds (default: the folds that the
# corpus has speakers of, each tested once; others are named):
#   make -f pipelines/ravdess.mk cv PROTOCOL=folds5 SEEDS="1 2 3" NET=attention
# Networks stand side by side: their runs are SPLIT/NET.SEED, and share features. A first dry run of it makes
# the manifest, since that tells which folds there are.
#
# The target conditions tests the models of a cross-validation in noise, on the telephone, as MP3, and on voices that are
# known from few recordings; the target model makes a model to use and its card; the target teacher makes what a student
# learns from. conditions.mk, model.mk and teacher.mk tell of them.
#
# The target rerun (also: cv rerun) runs the pipeline once more into OUT.rerun, with other jobs and threads, and
# compares every stream, model, log and table byte by byte: for a folder that holds no other study.
#
# The target live judges the models on long recordings, over time: live.mk, whose text the target help shows, too.
#
# A pipeline of several models names its SPLITS and RUNS, a run being SPLIT/NAME.SEED. ROWS, FROM, DROP, PARTS,
# FOLDS, AUGMENT and NORMALIZE can then be given for one split, and ser-train's for one NAME, as in combined.BATCH;
# on the command line the plain name is for all.
#   FROM       the corpora of a split
#   ROWS       the manifest that splits are made of (default OUT/manifest.tsv); a pipeline that names another
#              has a rule for it, as cross.mk
#   OWN        a corpus that the pipeline itself makes OUT/manifest/OWN.tsv of, by its own_rules, as own.mk;
#              SPEAKERS_OWN: its speakers, as the names of their files (tsv.awk, file_word)
#
# One make at a time works in OUT: a second one says so and stops. RAVDESS, SAVEE and CREMAD may have spaces in them,
# as may the arguments of options, in quotes; the other files and folders may not, since make takes them for several.
#
# The unit of work is one speaker. A stamp holds the options of each step; it is compared while make
# parses and remade only when it differs, so a finished run has nothing to be done.
#
#   OUT/corpus/CORPUS                link to the corpus's folder, whose name make could not hold
#   OUT/manifest/CORPUS.tsv          OUT/manifest.tsv: all corpora
#   OUT/split/SPLIT/manifest.tsv     with the column part
#   OUT/split/SPLIT/certificate.tsv  what is in each part, and what parts share
#   OUT/split/SPLIT/speakers/        SPEAKER.PART.tsv, SPEAKER.PART.sert
#   OUT/split/SPLIT/PART.sert        features of train, val, test
#   OUT/split/SPLIT/seed.N/          model.bin, log.tsv, predictions.tsv; with BACKBONE embeddings/PART.sert, and normalised
#                                    PART.sert
#   OUT/runs/PROTOCOL.NAME           which runs are of the study; ser-report reads these alone
#   OUT/scores.tsv OUT/scores.txt    of all runs: by class, confusion
#   OUT/report.txt                   the table
#   OUT/cv/PROTOCOL.NET/             of a cross-validation: table.txt with intervals over speakers, scores.tsv,
#                                    scores.txt, of each seed seed.N.tsv, certificate.tsv of all splits
#   OUT/split/SPLIT/NET-vote.ofK/    predictions.tsv of a vote; OUT/cv/PROTOCOL.NET-vote/, as for the models

include $(dir $(lastword $(MAKEFILE_LIST)))base.mk

HELP += $(HERE)rules.mk $(HERE)live.mk $(HERE)conditions.mk $(HERE)model.mk $(HERE)teacher.mk
VARIABLES += CORPORA RAVDESS SAVEE CREMAD EMODB PROTOCOL FOLD PARTS FOLDS SEED SEEDS MANIFEST MAP ENCODER LAYER FEATURES FRAMES TRAIN AUGMENT \
    NORMALIZE BACKBONE BACKBONE_TRAIN DROP CHECK NET EPOCHS BATCH LR PATIENCE LR_PATIENCE LR_FACTOR MIN_LR THREADS VAL VOTE SOFT FROM ROWS RERUN_JOBS RERUN_THREADS
VARIABLES += EVERY CLIPS PAUSE CONDITIONS KNOWN PRIOR MODELS
VARIABLES := $(filter-out $(NO_VARIABLES),$(VARIABLES))
$(eval $(value refuse_unknown))

# ---- variables: what a study can choose ----

# What the command line says holds for all of a study; else what the pipeline has set before it included this file; else
# these defaults. They are the notebook's, whose two networks differ in their patience.
crossing := $(filter cv conditions model teacher,$(MAKECMDGOALS))

# A network may have options beside it, NAME.options for NAME.net, as a search writes them: a line for each step that
# they are for. They stand in for the defaults below.
net_file     = $(firstword $(wildcard $1 $1.net $(ROOT)/pipelines/nets/$1.net) $1)
options_of   = $(if $1,$(wildcard $(patsubst %.net,%,$(call net_file,$1)).options))
line_of      = $(if $2,$(strip $(shell sed -n 's/^$1 //p' $2)))
beside      := $(call options_of,$(NET))
beside_line  = $(call line_of,$1,$(beside))
NET_TRAIN   := $(call beside_line,train)
# A backbone is trained as its own options say, and hears the features that they name, or the encoder.
$(eval BACKBONE ?= $(call beside_line,backbone))
under       := $(call options_of,$(BACKBONE))
$(eval ENCODER ?= $(or $(call beside_line,encoder),$(call line_of,encoder,$(under))))
$(eval BACKBONE_TRAIN ?= $(call line_of,train,$(under)))
$(eval FEATURES ?= $(or $(call beside_line,features),$(call line_of,features,$(under))))
$(eval AUGMENT ?= $(or $(call beside_line,augment),$(call line_of,augment,$(under))))
$(eval NORMALIZE ?= $(call beside_line,normalize))
$(eval VAL ?= $(call beside_line,val))

ifneq ($(and $(FRAMES),$(filter 0,$(shell echo '$(subst ','\'',$(FRAMES))' | grep -cx '[1-9][0-9]*'))),)
$(error FRAMES=$(FRAMES): expected a number of frames from 1: a network takes recordings of one length)
endif
ifneq ($(LAYER),)
override FEATURES := $(strip $(FEATURES) --layer $(LAYER))
endif
ifneq ($(and $(FRAMES),$(if $(ENCODER),,heard)),)
override FEATURES := $(strip $(FEATURES) --frames $(FRAMES))
endif
manifest_options = $(CHECK) $(MANIFEST)$(if $(MAP), --map $(call quote,$(MAP)))
map_file = $(if $(word 2,$(MAP)),,$(wildcard $(MAP)))

ifneq ($(and $(VOTE),$(filter 0,$(shell echo '$(subst ','\'',$(VOTE))' | grep -Ecx '[2-9]|[1-9][0-9]'))),)
$(error VOTE=$(VOTE): expected how many models vote, 2 to 99)
endif
up_to = $(shell seq $1)

PROTOCOL    ?= $(if $(crossing),folds5,notebook)
SEED        ?= 1
VOTE        ?=
SOFT        ?=
SEEDS       ?= $(if $(VOTE),$(call up_to,$(VOTE)),$(SEED))
CHECK       ?= --check
MANIFEST    ?=
DROP        ?=
TRAIN       ?=
NET         ?= $(if $(filter random,$(PROTOCOL)),baseline,attention)
EPOCHS      ?= 40
BATCH       ?= 32
LR          ?= 0.001
PATIENCE    ?= $(if $(filter baseline,$(NET_NAME)),20,15)
LR_PATIENCE ?= $(if $(filter baseline,$(NET_NAME)),0,5)
LR_FACTOR   ?= 0.2
MIN_LR      ?= 1e-6
THREADS     ?=
FROM        ?= $(CORPORA)
ROWS        ?= $(OUT)/manifest.tsv
ifdef JOBS
MAKEFLAGS += -j$(JOBS)
endif

NET_NAME = $(notdir $(NET:.net=))
BACKBONE_NAME = $(notdir $(BACKBONE:.net=))

# $(call of,NAME,VARIABLE): what the command line says, else NAME.VARIABLE where it is set, else VARIABLE
of = $($(firstword $(foreach v,$1.$2 $2,$(if $(filter command,$(origin $v)),$v)) $(if $(filter-out \
    undefined,$(origin $1.$2)),$1.$2) $2))

ifneq ($(words x$(OUT)x),1)
$(error OUT=$(OUT): the name must not contain spaces)
endif
$(foreach v,NET BACKBONE PARTS FOLDS ROWS BUILD SOFT,$(if $(word 2,$($v)),$(error $v=$($v): the name must not contain spaces)))

# What is no number is told before anything is computed.
whole = $(shell printf '%s\n' $(call quote,$($1)) | grep -x '[0-9]\{1,9\}')
$(foreach v,EPOCHS BATCH PATIENCE LR_PATIENCE THREADS,$(if $(filter command,$(origin $v)),$(if $(call whole,$v),,$(if \
    $($v),$(error $v=$($v): expected a whole number)))))
ifneq ($(filter-out none,$(VAL)),)
$(error VAL=$(VAL): expected none, or nothing for a validation part)
endif
ifeq ($(no_study)$(strip $(SEEDS)),)
$(error SEEDS is empty: expected one or more seeds)
endif
ifneq ($(VOTE),)
$(if $(crossing),,$(error VOTE=$(VOTE): it is the target cv that lets models vote))
$(if $(filter random,$(PROTOCOL)),$(error VOTE=$(VOTE): a random split has a single model))
$(if $(filter $(VOTE),$(words $(SEEDS))),,$(error VOTE=$(VOTE): SEEDS=$(SEEDS) are $(words $(SEEDS))))
endif

# All speakers that there are, as CORPUS/SPEAKER, and CORPUS/- for each corpus: EmoDB's are in its description.
known         := $(shell $(call awk,list-speakers) $(ROOT)/manifests/counts.tsv; \
    sed -n 's,^corpus .*,emodb/-,p; s,^count [0-9]* \(..*\),emodb/emodb_\1,p' $(ROOT)/manifests/emodb.corpus)
KNOWN_CORPORA := $(strip $(patsubst %/-,%,$(filter %/-,$(known))) $(OWN))
speakers_of    = $(filter-out -,$(patsubst $1/%,%,$(filter $1/%,$(known)))) $(SPEAKERS_$1)

ifeq ($(no_study),)
ifneq ($(if $(strip $(CORPORA)),$(filter-out $(KNOWN_CORPORA),$(CORPORA)),none),)
$(error CORPORA=$(CORPORA): expected one or more of $(KNOWN_CORPORA))
endif
endif

# ---- splits and runs: which there are ----

# Which splits there are follows from the protocol. Which folds a cross-validation has is found in the manifest: make
# makes folds.mk, and begins again. While folds are still to be found there are no runs, but a network.
SPLITS ?= $(SPLITS_$(PROTOCOL))
SPLITS_notebook = notebook
SPLITS_folds4   = $(FOLD:%=fold%)
SPLITS_folds5   = $(FOLD:%=fold%)
SPLITS_random   = $(SEEDS:%=random%)

ifneq ($(and $(crossing),$(if $(FOLDS),,none)),)
$(error cv: this pipeline has no folds; ravdess.mk, savee.mk and cremad.mk have)
endif

ifneq ($(and $(crossing),$(filter folds%,$(PROTOCOL)),$(filter undefined,$(origin FOLD))),)
ifeq ($(no_study),)
to_know := $(OUT)/folds.mk
include $(wildcard $(to_know))
endif
endif
FOLD ?= $(if $(crossing),,1)

ifeq ($(SPLITS)$(if $(crossing),$(filter folds4 folds5,$(PROTOCOL))),)
$(error PROTOCOL=$(PROTOCOL): expected notebook, folds5, folds4 or random)
endif

# A run is SPLIT/NAME.SEED: a network of that name trained on that split with that seed. A random split has the seed of
# its model; other splits have a model for every seed.
RUNS ?= $(foreach s,$(SPLITS),$(addprefix $s/$(if $(crossing),$(NET_NAME),seed).,$(if \
    $(filter random,$(PROTOCOL)),$(s:random%=%),$(SEEDS))))

# With a backbone each run has another beside it, of that name. $(call backbone_of,RUN)
backbone_of   = $(dir $1)$(BACKBONE_NAME)$(suffix $1)
BACKBONE_RUNS = $(if $(BACKBONE),$(sort $(foreach r,$(RUNS),$(call backbone_of,$r))))

# The file of the network of that name
net = $(if $(filter $1,$(BACKBONE_NAME)),$(call net_file,$(BACKBONE)),$(foreach n,$(call of,$1,NET),$(call net_file,$n)))

names = $(or $(sort $(notdir $(basename $(RUNS)))),$(NET_NAME))
ifneq ($(and $(BACKBONE),$(filter $(BACKBONE_NAME),$(NET_NAME) $(names))),)
$(error BACKBONE=$(BACKBONE): has the name of $(if $(filter-out $(NET_NAME),$(BACKBONE_NAME)),runs that hear it,NET, which hears it): rename it)
endif
$(if $(no_study),,$(foreach n,$(names),$(if $(wildcard $(call net,$n)),,$(error \
    NET=$(call of,$n,NET): no such file, and no pipelines/nets/$(call of,$n,NET).net))))
$(if $(no_study),,$(if $(BACKBONE),$(if $(wildcard $(call net_file,$(BACKBONE))),,$(error \
    BACKBONE=$(BACKBONE): no such file, and no pipelines/nets/$(BACKBONE).net))))

# ---- what every step needs: times ----

# $(call took,STEP,UNIT): appends the seconds since start
start = from=$${EPOCHREALTIME/./};
took  = took=$$(( ($${EPOCHREALTIME/./} - from) / 1000 )); \
        printf '%s\t%s\t%d.%03d\n' $1 $2 $$((took / 1000)) $$((took % 1000)) >>$(OUT)/times.tsv

# $(call stack,TABLE...): several tables in one
stack = $(call awk,stack-tables) $1

# ---- corpora ----

# Each corpus is read where it lies, through a link, and its manifest is made again when anything in its folder is
# newer. A folder that is gone matters only when the manifest has to be made from it. The link to a relative name is
# relative, so that a study can be moved together with its corpus.
RAVDESS ?= ravdess_data
SAVEE   ?= savee_data
CREMAD  ?= crema_d_data
EMODB   ?= emodb_data
FOLDER_ravdess := $(value RAVDESS)
FOLDER_savee   := $(value SAVEE)
FOLDER_cremad  := $(value CREMAD)
FOLDER_emodb   := $(value EMODB)
GET_ravdess = ser-fetch ravdess FOLDER downloads it, RAVDESS=FOLDER says where it is
GET_savee   = ser-fetch savee FOLDER says how to register for it, SAVEE=FOLDER says where it is
GET_cremad  = ser-fetch cremad FOLDER downloads it, CREMAD=FOLDER says where it is
GET_emodb   = ser-fetch emodb FOLDER downloads it, EMODB=FOLDER says where it is

# $1: corpus, $2: its manifest
define corpus_changes
$(if $(wildcard $2),$(if $(call stale,$(OUT)/options/$1),$(need_folder)),$(need_folder))
$(if $(shell find -L $(OUT)/corpus/$1 -newer $2 -print -quit 2>/dev/null),$2: FORCE)
endef
is_there    = $(shell test -d $(call quote,$(FOLDER_$1)) && echo yes)
need_folder = $(if $(is_there),,$(error $1: there is no folder '$(FOLDER_$1)'; $(GET_$1)$(call go_without,$(strip \
    $(foreach c,$(CORPORA),$(if $(call is_there,$c),$c))))))
go_without  = $(if $1,; CORPORA="$1" leaves it out$(WITHOUT))

define corpus_rules
$(call stamp,$(OUT)/options/$1,$(FOLDER_$1) $(manifest_options))
$(if $(no_study)$(MADE),,$(call corpus_changes,$1,$(OUT)/manifest/$1.tsv))

$(OUT)/manifest/$1.tsv: $(OUT)/options/$1 $(call tool,manifest) $(map_file) $(MADE)
	@mkdir -p $$(@D) $(OUT)/corpus
	@ln -sfn$$(if $$(filter-out /%,$$(firstword $$(FOLDER_$1))),r) -- $$(call quote,$$(FOLDER_$1)) $(OUT)/corpus/$1
	@$$(start) $(call tool,manifest) --corpus $1 $(manifest_options) $(OUT)/corpus/$1 >$$@.new; \
	rm -f $$(@:.tsv=.generated); [ ! -e $(OUT)/corpus/$1/.generated ] || : >$$(@:.tsv=.generated); mv $$@.new $$@; \
	$$(call took,manifest,$1); echo "manifest: $1, $$$$(($$$$(wc -l <$$@) - 1)) utterances"
endef
$(foreach c,$(filter-out $(OWN),$(CORPORA)),$(eval $(call corpus_rules,$c)))
$(if $(OWN),$(eval $(value own_rules)))

$(call stamp,$(OUT)/options/corpora,$(CORPORA))
$(OUT)/manifest.tsv: $(CORPORA:%=$(OUT)/manifest/%.tsv) $(OUT)/options/corpora $(call awk_files,stack-tables)
	@$(call stack,$(filter %.tsv,$^)) >$@.new; cmp -s $@.new $@ || rm -f $(OUT)/runs/*; mv $@.new $@

# ---- splits ----

# A split is the manifest with a column more, the part of each row, and a certificate of what parts share. It is cut
# into one table a speaker and part; those that stay as they are keep their time, and so do their features. The empty
# recipe lets make look at that time again; its + does so in a dry run, too.
table_of      = $(if $(filter random% everyone,$1),,$(call of,$1,$(if $(filter fold%,$1),FOLDS,PARTS)))
split_options = $(if $(filter everyone,$1),--random 100/0/0 -q,$(if $(filter random%,$1),--random $(if \
    $(VAL),85/0/15,70/15/15) --seed $(1:random%=%),$(speaker_options)))
speaker_options = $(if $(filter fold%,$1),--folds $(call table_of,$1) --fold $(1:fold%=%),--speakers $(call table_of,$1))$(if $(VAL), --no-val)
# What one random split lets be said, all do, and so do their certificates.
random_quiet  = $(if $(filter random%,$1),$(if $2$(filter-out $1,$(firstword $(SPLITS))),-q))
streams_of    = $(patsubst %,$(OUT)/split/$1/speakers/%.sert,$(filter %.$2,$(call parts_of,$1)))
parts_of      = $(foreach c,$(call of,$1,FROM),$(foreach s,$(call speakers_of,$c),$s.train $s.val $s.test))

$(call stamp,$(OUT)/options/folds,$(FOLDS))
$(OUT)/folds.mk: $(OUT)/manifest.tsv $(FOLDS) $(OUT)/options/folds $(call awk_files,testable-folds)
	@$(call awk,testable-folds) $< $(FOLDS) >$@.new; mv $@.new $@

# $1: split, $2: its folder
define split_rules
$(call stamp,$2/options/split,$(call split_options,$1) $(call of,$1,DROP))

$2/manifest.tsv: $(call of,$1,ROWS) $2/options/split $(call table_of,$1) $(call tool,split) \
    $(if $(call of,$1,DROP),$(call awk_files,drop-emotions))
	@$$(start) $(if $(call of,$1,DROP),$(call awk,drop-emotions) $(call quote,$(call of,$1,DROP)) $$< |) \
	    $(call tool,split) $(call split_options,$1) $(call random_quiet,$1) $(if $(call of,$1,DROP),,$$<) >$$@.new; \
	cmp -s $$@.new $$@ || { grep -lE '(^| )$1/' $(OUT)/runs/* 2>/dev/null || :; } | xargs -d '\n' -r rm -f; \
	mv $$@.new $$@; $$(call took,split,$1)

$2/certificate.tsv: $2/manifest.tsv $2/options/normalize $(call tool,split)
	@$(call tool,split) --certificate $(call random_quiet,$1,certificate) $$< >$$@.new; $(if $(call of,$1,NORMALIZE),for part in \
	    train val test; do printf '%s\tnormalize\t%s\n' "$$$$part" $(call quote,$(call of,$1,NORMALIZE)); done >>$$@.new;) \
	mv $$@.new $$@

$2/speakers/stamp: $2/manifest.tsv $(HELPERS)/cut-by-speaker $(call awk_files,cut-by-speaker)
	@$(HELPERS)/cut-by-speaker $2/manifest.tsv $$(@D) $(foreach c,$(call of,$1,FROM),$(call speakers_of,$c)); touch $$@
$(patsubst %,$2/speakers/%.tsv,$(call parts_of,$1)): $2/speakers/stamp ; +
endef
$(foreach s,$(SPLITS),$(eval $(call split_rules,$s,$(OUT)/split/$s)))

# ---- features ----

# Each speaker's part has a stream of its own, so that a recording that changes costs the features of its speaker
# alone. Only training is augmented. A part is its speakers' streams, one behind the other, and normalised as a whole.
hearing     = $(call tool,$(if $(ENCODER),embed,mfcc))
hear        = $(hearing) -q $(ENCODER) $(FEATURES)
# Of embeddings FRAMES are what pad makes of them; ser-embed --frames are windows.
equally_long = $(if $(and $(ENCODER),$(FRAMES)),| $(call tool,tensor) pad --frames $(FRAMES))
features_of = $(if $(ENCODER),$(call tool,tensor) cat --manifest $1 $4 $(equally_long) >$2.new; mv $2.new $2,$(if $3,$(call tool,augment) -q --keep $3 $1 | $(hear) -o \
    $2,$(hear) -m $1 -o $2))
$(if $(ENCODER),$(eval include $(HERE)kept.mk))

# Options of ser-tensor normalize, for features: a backbone's embeddings are normalised later, and they in its place.
normal_features = $(if $(BACKBONE),,$(call of,$1,NORMALIZE))
# $1: options; a filter
normalized = $(call tool,tensor) normalize $1

# $1: split, $2: its folder
define feature_rules
$(call stamp,$2/options/corpora,$(call of,$1,FROM))
$(call stamp,$2/options/features,$(ENCODER) $(FEATURES)$(if $(ENCODER), $(FRAMES)))
$(call stamp,$2/options/augment,$(call of,$1,AUGMENT))
$(call stamp,$2/options/normalize,$(call of,$1,NORMALIZE))
$(call stamp,$2/options/features-normalize,$(call normal_features,$1))

$(patsubst %,$2/speakers/%.sert,$(call parts_of,$1)): \
$2/speakers/%.sert: $2/speakers/%.tsv $2/options/features $(if $(ENCODER),$(call tool,tensor),$(hearing))
	@if [ -s $$< ]; then \
	    $$(start) $$(call features_of,$$<,$$@,$$(if $$(filter %.train,$$*),$$(call of,$1,AUGMENT)),$$(filter $(OUT)/embeddings/%.sert,$$^)); \
	    $$(call took,features,$1.$$*); echo "features: $1 $$*, $$$$(($$$$(wc -l <$$<) - 1)) utterances"; \
	else : >$$@; fi

$(patsubst %,$2/speakers/%.sert,$(filter %.train,$(call parts_of,$1))): $2/options/augment \
    $(if $(call of,$1,AUGMENT),$(call tool,augment))
$(if $(ENCODER),$(eval $(call kept_rules,$1,$2)))

$(foreach p,train val test,$(eval $2/$p.sert: $(call streams_of,$1,$p)))
$2/train.sert $2/val.sert $2/test.sert: $2/options/corpora $2/options/features-normalize $(if $(call normal_features,$1),$(call tool,tensor))
	@cat $$(filter %.sert,$$^) >$$@.new; $(if $(call normal_features,$1),if [ -s $$@.new ]; then $(call \
	    normalized,$(call normal_features,$1)) <$$@.new >$$@.normal; mv $$@.normal $$@.new; fi;) mv $$@.new $$@
endef
$(foreach s,$(SPLITS),$(eval $(call feature_rules,$s,$(OUT)/split/$s)))

# ---- models ----

# A network is trained on its split's training part and judged, epoch by epoch, by the validation part, if there is
# one. The network's file and every option of training are a stamp of their own for each run.
train_options = $(if $(filter $1,$(BACKBONE_NAME)),$(backbone_options),$(if $(NET_TRAIN),$(own_options),$(study_options)))
backbone_options = $(if $(BACKBONE_TRAIN),$(BACKBONE_TRAIN) $(filter -q --quiet,$(TRAIN)),$(study_options)) $(if $(VAL),--keep last)
own_options   = $(NET_TRAIN) $(call given,EPOCHS,--epochs) $(call given,BATCH,--batch) $(call given,LR,--lr) $(if \
    $(VAL),--keep last,$(call given,PATIENCE,--patience) $(call given,LR_PATIENCE,--lr-patience) \
    $(call given,LR_FACTOR,--lr-factor)) $(call given,MIN_LR,--min-lr) $(TRAIN)
given         = $(if $(filter command,$(origin $1)),$2 $($1))
study_options = --epochs $(call of,$1,EPOCHS) --batch $(call of,$1,BATCH) --lr $(call of,$1,LR) \
    $(if $(VAL),--keep last,--patience $(call of,$1,PATIENCE) --lr-patience $(call of,$1,LR_PATIENCE) \
    --lr-factor $(call of,$1,LR_FACTOR)) --min-lr $(call of,$1,MIN_LR) $(call of,$1,TRAIN)
$(if $(no_study),,$(if $(SOFT),$(if $(wildcard $(SOFT)/.),,$(error SOFT=$(SOFT): there is no such folder; the target teacher makes one))))
# $1: folder of the split, $2: name; a teacher teaches the network that is the study's
soft_table = $(if $(SOFT),$(if $(filter $2,$(BACKBONE_NAME)),,$(SOFT)/$(notdir $1).tsv))
soft_options = $(addprefix --soft ,$(soft_table))
# $1: folder of the split, $2: of the run, $3: name. The folder with the streams that a model hears: embeddings are the run's.
heard_in = $(if $(call hears,$3),$2,$1)
# $1: name. Whose embeddings it hears; nothing: it hears features.
hears = $(if $(BACKBONE),$(if $(filter $1,$(BACKBONE_NAME)),,--embed $(BACKBONE_NAME)))
seed_of = $(subst .,,$(suffix $1))
# What changes no result is not an option to compare.
without_quiet = $(filter-out -q --quiet,$1)

# $1: folder of the split, $2: of the run, $3: seed, $4: name
define model_rules
$(call stamp,$2/options,$(call without_quiet,$(call net,$4) $(call train_options,$4) $(call soft_options,$1,$4) $(call hears,$4)))

$2/model.bin: $(call heard_in,$1,$2,$4)/train.sert $(if $(VAL),,$(call heard_in,$1,$2,$4)/val.sert) $(call net,$4) $2/options $(call \
    soft_table,$1,$4) $(call tool,train)
	@mkdir -p $$(@D)
	@$$(start) $(call tool,train) --net $(call net,$4) $(if $(VAL),,--val $(call heard_in,$1,$2,$4)/val.sert) -o $$@ --log $2/log.tsv --seed $3 \
	    $(call train_options,$4) $(call soft_options,$1,$4) $(if $(THREADS),--threads $(THREADS)) $(call heard_in,$1,$2,$4)/train.sert; \
	$$(call took,train,$2)
endef
split_of = $(OUT)/split/$(patsubst %/,%,$(dir $1))
$(foreach r,$(RUNS) $(BACKBONE_RUNS),$(eval $(call model_rules,$(call split_of,$r),$(OUT)/split/$r,$(call \
    seed_of,$r),$(notdir $(basename $r)))))

# What a head hears: the embeddings of a backbone of the same split and seed, as they are and normalised. Which backbone is
# an option, too: the models of another one may be older than what this one has made.
# $1: split, $2: folder of the run, $3: of the backbone's, $4: part
define embedding_rules
$2/embeddings/$4.sert: $3/model.bin $(OUT)/split/$1/$4.sert $2/embeddings/options $(call tool,score)
	@mkdir -p $$(@D); $(call tool,score) -q --embed $3/model.bin $(OUT)/split/$1/$4.sert -o $$@
$2/$4.sert: $2/embeddings/$4.sert $(OUT)/split/$1/options/normalize $(call tool,tensor)
	@$(if $(call of,$1,NORMALIZE),$(call normalized,$(call of,$1,NORMALIZE)),cat) <$$< >$$@.new; mv $$@.new $$@
endef
$(if $(BACKBONE),$(foreach r,$(RUNS),$(call stamp,$(OUT)/split/$r/embeddings/options,$(BACKBONE_NAME))$(foreach p,train $(if $(VAL),,val) test,$(eval $(call embedding_rules,$(patsubst \
    %/,%,$(dir $r)),$(OUT)/split/$r,$(OUT)/split/$(call backbone_of,$r),$p)))))

# ---- scores ----

# Each model is tested on its split's test part, and all runs are scored in one table. Which runs these are is an option
# like others: with fewer of them no figure stays behind.
PREDICTIONS = $(call predictions,$(RUNS))
predictions = $(1:%=$(OUT)/split/%/predictions.tsv)

# $1: folder of the run, $2: of what it hears
define score_rules
$1/predictions.tsv: $1/model.bin $2/test.sert $(call tool,score)
	@$$(start) $(call tool,score) -q $1/model.bin $2/test.sert -o $$@; $$(call took,score,$1)
endef
$(foreach r,$(RUNS),$(eval $(call score_rules,$(OUT)/split/$r,$(call heard_in,$(call split_of,$r),$(OUT)/split/$r,$(notdir $(basename $r))))))

# A vote is a run, too, of the name NET-vote: of a split it needs the predictions of all its models.
VOTES := $(if $(VOTE),$(SPLITS:%=%/$(NET_NAME)-vote.of$(VOTE)))

# $1: split, $2: folder of the vote
define vote_rules
$(call stamp,$2/options,$(filter $1/%,$(RUNS)))

$2/predictions.tsv: $(call predictions,$(filter $1/%,$(RUNS))) $2/options $(call tool,vote)
	@$(call tool,vote) $$(filter %/predictions.tsv,$$^) -o $$@
endef
$(foreach r,$(VOTES),$(eval $(call vote_rules,$(patsubst %/,%,$(dir $r)),$(OUT)/split/$r)))

# A folder may hold runs of earlier folds or recordings. So a study that is complete says which runs it is of, and
# ser-report reads those alone; a split or a manifest that becomes another takes away what was said of it.
# $(call study_list,NAME): the runs of that name
study_list = $(OUT)/runs/$(PROTOCOL).$1
runs_named = $(foreach r,$(RUNS) $(VOTES),$(if $(filter $1,$(notdir $(basename $r))),$r))
$(foreach n,$(sort $(notdir $(basename $(RUNS) $(VOTES)))),$(call stamp,$(call study_list,$n),$(call runs_named,$n))$(eval \
    $(call study_list,$n): | $(call predictions,$(call runs_named,$n)))$(eval STUDY_LISTS += $(call study_list,$n)))

# $1: predictions, $2: the folder of scores.tsv and scores.txt
evaluate = $(start) $(call tool,eval) $1 -o $2/scores.txt; $(call tool,eval) --tsv $1 -o $2/scores.tsv; $(call took,eval,$2)

$(call stamp,$(OUT)/options/report,$(PROTOCOL) $(NET_NAME) $(RUNS))
$(OUT)/scores.tsv: $(PREDICTIONS) $(OUT)/options/report $(call tool,eval)
	@$(call evaluate,$(PREDICTIONS),$(OUT))

# Several runs that are judged together are scored together in a folder of their own, with the certificates of their
# splits. Runs of several splits and several seeds are also scored by seed.
seeds_of  = $(sort $(foreach r,$1,$(call seed_of,$r)))
splits_of = $(patsubst %/,%,$(sort $(dir $1)))
by_seed   = $(if $(word 2,$(call splits_of,$1)),$(if $(filter random%,$1),,$(call seeds_of,$1)))

# $1: the study's folder, $2: its runs
define study_rules
$(call stamp,$1/options,$2)

$1/scores.tsv: $(call predictions,$2) $1/options $(call tool,eval)
	@$$(call evaluate,$(call predictions,$2),$1)

$(foreach n,$(call by_seed,$2),$(eval $1/seed.$n.tsv: $(call predictions,$(filter %.$n,$2))))

$(if $(call by_seed,$2),$(patsubst %,$1/seed.%.tsv,$(call by_seed,$2)): $1/options $(call tool,eval)
	@$(call tool,eval) --tsv $$(filter %/predictions.tsv,$$^) -o $$@)

$1/certificate.tsv: $(patsubst %,$(OUT)/split/%/certificate.tsv,$(call splits_of,$2)) $1/options
	@awk -v OFS='\t' 'NR == 1 {print "split", $$$$0} \
	    FNR > 1 {n = split(FILENAME, name, "/"); print name[n - 1], $$$$0}' $$(filter %.tsv,$$^) >$$@.new; mv $$@.new $$@
endef

# ---- reports ----

# A study ends with its table, for people: OUT/report.txt, or what a pipeline shows instead. What it says of its data
# stands below: what is generated speech, what was left out, what parts share.
REPORT  = $(OUT)/report.txt
SHOW   ?= $(REPORT)

all: $(SHOW) $(SPLITS:%=$(OUT)/split/%/certificate.tsv) $(STUDY_LISTS)
	$(if $(dry),,@cat $(SHOW))

generated = for mark in $(OUT)/manifest/*.generated; do [ ! -e "$$mark" ] || \
    echo "generated speech: $$(basename "$$mark" .generated)"; done

# Who was normalised how.
normal = $(if $(BACKBONE),; echo $(call quote,hears embeddings of $(BACKBONE_NAME)))$(if $(NORMALIZE),; echo $(call \
    quote,normalized (each part by itself): $(NORMALIZE)))

# $(call remarks,CERTIFICATE...)
remarks = echo; $(call awk,sum-certificates) $1; $(generated)$(normal)$(if $(LEFT_OUT),; echo 'left out: $(LEFT_OUT)')

$(call stamp,$(OUT)/options/normalized,$(BACKBONE_NAME) $(NORMALIZE))
$(REPORT): $(OUT)/scores.tsv $(OUT)/options/normalized $(call awk_files,results-table) $(call awk_files,step-times)
	@{ $(call awk,results-table) '' $(PROTOCOL) $(NET_NAME) $(OUT) $(RUNS); $(generated)$(normal); \
	echo; $(call awk,step-times) $(OUT)/times.tsv; } >$@.new; mv $@.new $@

JUDGED = $(OUT)/cv/$(PROTOCOL).$(NET_NAME)
VOTED  = $(if $(VOTES),$(JUDGED)-vote)
cv: $(JUDGED)/table.txt $(VOTED:%=%/table.txt) $(STUDY_LISTS)
	$(if $(dry),,@$(if $(VOTES),$(models_alone) $<; echo; cat $(VOTED)/table.txt,cat $<); echo; \
	    $(call awk,step-times) $(OUT)/times.tsv)
# A table without the remarks on its data, which stand below the vote's.
models_alone = sed '/^$$/,$$d'
ifneq ($(crossing),)
$(eval $(call study_rules,$(JUDGED),$(RUNS)))
$(if $(VOTES),$(eval $(call study_rules,$(VOTED),$(VOTES))))
endif

# $1: the study's folder, $2: its runs, $3: their name
define table_rules
$1/table.txt: $1/scores.tsv $(patsubst %,$1/seed.%.tsv,$(call by_seed,$2)) $1/certificate.tsv $(OUT)/options/left-out \
    $(OUT)/options/normalized $(call awk_files,results-table) $(call awk_files,sum-certificates)
	@{ $(call awk,results-table) $1 $(PROTOCOL) $3 $(OUT) $2; \
	$$(call remarks,$1/certificate.tsv); } >$$@.new; mv $$@.new $$@
endef
$(call stamp,$(OUT)/options/left-out,$(LEFT_OUT))
$(eval $(call table_rules,$(JUDGED),$(RUNS),$(NET_NAME)))
$(if $(VOTES),$(eval $(call table_rules,$(VOTED),$(VOTES),$(NET_NAME)-vote)))

# ---- over time ----

include $(HERE)live.mk

# ---- other conditions; a model to use; a teacher ----

# Both are of all recordings.
$(if $(filter model teacher,$(MAKECMDGOALS)),$(eval $(call split_rules,everyone,$(OUT)/split/everyone))$(eval $(call \
    feature_rules,everyone,$(OUT)/split/everyone)))
$(if $(filter conditions model,$(MAKECMDGOALS)),$(eval include $(HERE)conditions.mk))
$(if $(filter model,$(MAKECMDGOALS)),$(eval include $(HERE)model.mk))
$(if $(filter teacher,$(MAKECMDGOALS)),$(eval include $(HERE)teacher.mk))

# ---- again, and the same ----

# The second study is made with another number of jobs and of threads: neither may matter.
RERUN_JOBS    ?= $(if $(filter -j2,$(MAKEFLAGS)),3,2)
RERUN_THREADS ?= $(if $(filter 3,$(or $(THREADS),$(shell nproc))),2,3)

rerun: $(or $(crossing),all)
	@$(MAKE) -s -f $(STUDY) OUT=$(OUT).rerun JOBS= clean
	@$(MAKE) --no-print-directory -f $(STUDY) OUT=$(OUT).rerun JOBS= -j$(RERUN_JOBS) THREADS=$(RERUN_THREADS) $^
	@echo "first: $(OUT)$(if $(THREADS), (THREADS=$(THREADS))); again: $(OUT).rerun (-j$(RERUN_JOBS), THREADS=$(RERUN_THREADS))"
	@$(HELPERS)/compare-studies $(OUT) $(OUT).rerun

# At the end, when nothing is refused any more: refusing leaves no folder.
$(eval $(value claim))

# What is still to be made for make to read is an empty file until then, lest make says that there is none where the
# manifest fails.
ifneq ($(filter-out $(wildcard $(to_know)),$(to_know)),)
$(shell mkdir -p $(OUT) && touch -d @0 $(to_know))
include $(to_know)
endif

# ---- away ----

# What a killed run left half-made, too.
made = $(addprefix $(OUT)/,.make corpus manifest manifest.tsv embeddings options split runs times.tsv scores.tsv scores.txt cv live model teacher folds.mk \
    $(RESULTS)) $(SHOW) $(MADE)
clean:
	rm -rf $(made) $(made:=.new) $(wildcard $(OUT)/.ser-??????)
	[ ! -d $(OUT) ] || rmdir --ignore-fail-on-non-empty $(OUT)
	[ ! -d $(OUT).rerun ] || $(MAKE) -s -f $(STUDY) OUT=$(OUT).rerun clean

FORCE:
.PHONY: all cv rerun clean FORCE
