# What the pipelines share: corpora to manifest, split, features, model, predictions, scores.
#
# A pipeline sets what it differs in and includes this file; it needs GNU Make 4.3 and bash.
#   CORPORA    of ravdess savee cremad; RAVDESS= SAVEE= CREMAD= name their folders
#   OUT        where results go
#   PROTOCOL   notebook: listed speakers; folds5, folds4: speaker-disjoint folds, FOLD= one or more of them;
#              random: utterances at random, as many a split as SEEDS
#   PARTS      table of speakers and parts (notebook); FOLDS: table of speakers and folds (folds5)
#   SEEDS      one model a seed, and a table of them all (default: SEED)
#   MANIFEST FEATURES TRAIN   further options of ser-manifest, ser-mfcc, ser-train
#   AUGMENT    options of ser-augment: what it makes is added to the training part
#   CHECK=     leaves out the decoding of every file that ser-manifest --check does; then a recording that is
#              replaced under its name is not noticed. Either way the new one must be newer than the manifest
#   NET        of ser-train: a file, or a name in nets/: attention, baseline
#   EPOCHS BATCH LR PATIENCE LR_PATIENCE LR_FACTOR MIN_LR   of ser-train; THREADS
#   JOBS       as make's -j
#
# The target cv judges a network by all splits of a protocol with all seeds (default: the folds that the
# corpus has speakers of, each tested once; others are named):
#   make -f pipelines/ravdess.mk cv PROTOCOL=folds5 SEEDS="1 2 3" NET=attention
# Networks stand side by side: their runs are SPLIT/NET.SEED, and share features. A first dry run of it makes
# the manifest, since that tells which folds there are.
#
# The target rerun (also: cv rerun) runs the pipeline once more into OUT.rerun, with other jobs and threads, and
# compares every stream, model, log and table byte by byte: for a folder that holds no other study.
#
# A pipeline of several models names its SPLITS and RUNS, a run being SPLIT/NAME.SEED. ROWS, FROM, PARTS,
# FOLDS and AUGMENT can then be given for one split, and ser-train's for one NAME, as in combined.BATCH;
# on the command line the plain name is for all.
#   FROM       the corpora of a split; ROWS: the manifest that it is made of
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
#   OUT/split/SPLIT/seed.N/          model.bin, log.tsv, predictions.tsv
#   OUT/scores.tsv OUT/scores.txt    of all runs: by class, confusion
#   OUT/report.txt                   the table
#   OUT/cv/PROTOCOL.NET/             of a cross-validation: table.txt with intervals over speakers, scores.tsv,
#                                    scores.txt, of each seed seed.N.tsv, certificate.tsv of all splits

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all
export LC_ALL := C

STUDY := $(firstword $(MAKEFILE_LIST))
HERE  := $(dir $(lastword $(MAKEFILE_LIST)))
ROOT  := $(patsubst %/,%,$(dir $(patsubst %/,%,$(HERE))))

# ---- variables ----

RAVDESS ?= ravdess_data
SAVEE   ?= savee_data
CREMAD  ?= crema_d_data

# Goals that judge by several splits.
crossing    := $(filter cv,$(MAKECMDGOALS))
PROTOCOL    ?= $(if $(crossing),folds5,notebook)
SEED        ?= 1
SEEDS       ?= $(SEED)
CHECK       ?= --check
MANIFEST    ?=
FEATURES    ?=
AUGMENT     ?=
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

# $(call of,NAME,VARIABLE): what the command line says, else NAME.VARIABLE where it is set, else VARIABLE
of = $($(firstword $(foreach v,$1.$2 $2,$(if $(filter command,$(origin $v)),$v)) $(if $(filter-out \
    undefined,$(origin $1.$2)),$1.$2) $2))

# $(call net,NAME): its file
net      = $(foreach n,$(call of,$1,NET),$(firstword $(wildcard $n $(ROOT)/pipelines/nets/$n.net) $n))
NET_NAME = $(notdir $(NET:.net=))

FOLDER_ravdess := $(value RAVDESS)
FOLDER_savee   := $(value SAVEE)
FOLDER_cremad  := $(value CREMAD)
GET_ravdess = ser-fetch ravdess FOLDER gets it, RAVDESS=FOLDER names it
GET_savee   = its makers give it on registration (ser-fetch savee says how), SAVEE=FOLDER names it
GET_cremad  = ser-fetch cremad FOLDER gets it, CREMAD=FOLDER names it

working := $(if $(filter clean,$(MAKECMDGOALS)),,yes)
ifneq ($(working),)
ifneq ($(if $(strip $(CORPORA)),$(filter-out ravdess savee cremad,$(CORPORA)),none),)
$(error CORPORA=$(CORPORA): one or more of ravdess savee cremad are meant)
endif
ifeq ($(strip $(SEEDS)),)
$(error SEEDS is empty: one or more seeds are meant)
endif
endif

SPLITS ?= $(SPLITS_$(PROTOCOL))
SPLITS_notebook = notebook
SPLITS_folds4   = $(FOLD:%=fold%)
SPLITS_folds5   = $(FOLD:%=fold%)
SPLITS_random   = $(SEEDS:%=random%)

ifneq ($(and $(crossing),$(if $(FOLDS),,none)),)
$(error cv: this pipeline has no folds; ravdess.mk, savee.mk and cremad.mk have)
endif

# Which folds there are is found in the manifest: make makes this file, and begins again.
ifneq ($(and $(crossing),$(filter folds%,$(PROTOCOL)),$(filter undefined,$(origin FOLD))),)
ifeq ($(filter clean,$(MAKECMDGOALS)),)
include $(OUT)/folds.mk
endif
endif
FOLD ?= $(if $(crossing),,1)

ifeq ($(SPLITS)$(if $(crossing),$(filter folds4 folds5,$(PROTOCOL))),)
$(error PROTOCOL=$(PROTOCOL): notebook, folds5, folds4 or random is meant)
endif
ifneq ($(words x$(OUT)x),1)
$(error OUT=$(OUT): make cannot hold a name with spaces)
endif

# A random split has the seed of its model; other splits have a model for every seed.
RUNS ?= $(foreach s,$(SPLITS),$(addprefix $s/$(if $(crossing),$(NET_NAME),seed).,$(if $(filter random,$(PROTOCOL)),$(s:random%=%),$(SEEDS))))

# While folds are still to be found there are no runs, but a network.
$(if $(working),$(foreach r,$(or $(sort $(notdir $(basename $(RUNS)))),$(NET_NAME)),$(if $(wildcard $(call net,$r)),,$(error \
    NET=$(call of,$r,NET): no such file, and no pipelines/nets/$(call of,$r,NET).net))))

$(foreach c,$(CORPORA),$(eval SPEAKERS_$c := $(shell awk '$$1 == "$c" && $$2 != "-" {print $$2}' \
    $(ROOT)/manifests/counts.tsv)))

# ---- the tools: built here, built beside the pipelines, or installed ----

ifneq ($(wildcard $(ROOT)/Makefile),)
ifeq ($(realpath $(ROOT)),$(realpath $(CURDIR)))
SER_PIPELINE = yes
include Makefile
else
BUILD ?= $(ROOT)/build
endif
else
BUILD := $(patsubst %/,%,$(dir $(shell command -v ser-mfcc 2>/dev/null)))
$(if $(BUILD),,$(error ser-mfcc is not on PATH: install the tools first))
endif

tool = $(BUILD)/ser-$1

# ---- helpers ----

quote  = '$(subst ','\'',$1)'
differ = $(subst x$1,,x$2)$(subst x$2,,x$1)
start  = from=$${EPOCHREALTIME/./};
# $(call took,STAGE,UNIT): appends the seconds since start
took   = took=$$(( ($${EPOCHREALTIME/./} - from) / 1000 )); \
         printf '%s\t%s\t%d.%03d\n' $1 $2 $$((took / 1000)) $$((took % 1000)) >>$(OUT)/times.tsv
# A dry run of a finished study must find nothing to be done, so it prints no report.
dry := $(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS))))

# $(call stamp,FILE,TEXT): FILE holds TEXT, and changes only when TEXT does.
define stamp
$(eval text.$1 := $$(strip $$2))
$(eval $1: ; @mkdir -p $$(@D); printf '%s\n' $$(call quote,$$(text.$$@)) >$$@)
$(if $(call stale,$1),$(eval $1: FORCE))
endef
# Whether FILE holds something else. Make 4.3 may leave the newline at the end of a file of over 199 bytes.
stale = $(call differ,$(strip $(file <$1)),$(text.$1))

# ---- results ----

REPORT      = $(OUT)/report.txt
PREDICTIONS = $(RUNS:%=$(OUT)/split/%/predictions.tsv)
$(call stamp,$(OUT)/options/report,$(PROTOCOL) $(NET_NAME) $(RUNS))

SHOW       ?= $(REPORT)

all: $(SHOW) $(SPLITS:%=$(OUT)/split/%/certificate.tsv)
	$(if $(dry),,@cat $(SHOW))

$(REPORT): $(OUT)/scores.tsv $(ROOT)/pipelines/ser-table
	@$(ROOT)/pipelines/ser-table $(PROTOCOL) $(NET_NAME) $(OUT) $(RUNS) >$@.new; mv $@.new $@

$(OUT)/scores.tsv: $(PREDICTIONS) $(OUT)/options/report $(call tool,eval)
	@$(call evaluate,$(PREDICTIONS),$(OUT))

# $1: predictions, $2: the folder of scores.tsv and scores.txt
evaluate = $(start) $(call tool,eval) $1 -o $2/scores.txt; $(call tool,eval) --tsv $1 -o $2/scores.tsv; $(call took,eval,$2)

# ---- several runs, judged together ----

# What a study has to say of its data: what parts share (of certificates $1), what was generated, what was left out.
remarks = { echo; awk -F '\t' '$$3 == "shared.speakers" {n++; s += $$4} $$3 == "shared.audio" {a = $$4 == "unknown" ? $$4 : a + $$4} \
    END {print "splits: " n "; in more than one part: " s " speakers, " a " recordings"}' $1; \
    for mark in $(OUT)/manifest/*.generated; do [ ! -e "$$mark" ] || \
    echo "generated speech: $$(basename "$$mark" .generated)"; done; $(if $(LEFT_OUT),echo 'left out: $(LEFT_OUT)';) }

# Runs of several splits and several seeds are also scored by seed.
seeds_of  = $(sort $(subst .,,$(suffix $1)))
splits_of = $(patsubst %/,%,$(sort $(dir $1)))
by_seed   = $(if $(word 2,$(call splits_of,$1)),$(if $(filter random%,$1),,$(call seeds_of,$1)))

# $1: the study's folder, $2: its runs
define study_rules
$(call stamp,$1/options,$2)

$1/scores.tsv: $(2:%=$(OUT)/split/%/predictions.tsv) $1/options $(call tool,eval)
	@$$(call evaluate,$(2:%=$(OUT)/split/%/predictions.tsv),$1)

$(foreach n,$(call by_seed,$2),$(eval $1/seed.$n.tsv: $(patsubst %,$(OUT)/split/%/predictions.tsv,$(filter %.$n,$2))))

$(if $(call by_seed,$2),$(patsubst %,$1/seed.%.tsv,$(call by_seed,$2)): $1/options $(call tool,eval)
	@$(call tool,eval) --tsv $$(filter %/predictions.tsv,$$^) -o $$@)

$1/certificate.tsv: $(patsubst %,$(OUT)/split/%/certificate.tsv,$(call splits_of,$2)) $1/options
	@awk -v OFS='\t' 'NR == 1 {print "split", $$$$0} \
	    FNR > 1 {n = split(FILENAME, name, "/"); print name[n - 1], $$$$0}' $$(filter %.tsv,$$^) >$$@.new; mv $$@.new $$@
endef

JUDGED = $(OUT)/cv/$(PROTOCOL).$(NET_NAME)
cv: $(JUDGED)/table.txt
	$(if $(dry),,@cat $<; echo; $(ROOT)/pipelines/ser-times $(OUT))
ifneq ($(crossing),)
$(eval $(call study_rules,$(JUDGED),$(RUNS)))
endif

$(call stamp,$(OUT)/options/left-out,$(LEFT_OUT))
$(JUDGED)/table.txt: $(JUDGED)/scores.tsv $(patsubst %,$(JUDGED)/seed.%.tsv,$(call by_seed,$(RUNS))) \
    $(JUDGED)/certificate.tsv $(OUT)/options/left-out $(ROOT)/pipelines/ser-table
	@{ $(ROOT)/pipelines/ser-table -s $(JUDGED) $(PROTOCOL) $(NET_NAME) $(OUT) $(RUNS); $(call remarks,$(JUDGED)/certificate.tsv); } >$@.new; mv $@.new $@

$(call stamp,$(OUT)/options/folds,$(FOLDS))
$(OUT)/folds.mk: $(OUT)/manifest.tsv $(FOLDS) $(OUT)/options/folds $(ROOT)/pipelines/ser-folds
	@$(ROOT)/pipelines/ser-folds $(FOLDS) $< >$@.new; mv $@.new $@

# ---- manifest: corpora ----

# A link to a relative name is relative, so that a study can be moved together with its corpus.
# $1: corpus, $2: its manifest
define corpus_changes
$(if $(wildcard $2),$(if $(call stale,$(OUT)/options/$1),$(need_folder)),$(need_folder))
$(if $(shell find -L $(OUT)/corpus/$1 -newer $2 -print -quit 2>/dev/null),$2: FORCE)
endef
need_folder = $(if $(shell test -d $(call quote,$(FOLDER_$1)) && echo yes),,$(error \
    $1: there is no folder '$(FOLDER_$1)'; $(GET_$1)))

# A folder that is gone matters only when the manifest has to be made from it.
define corpus_rules
$(call stamp,$(OUT)/options/$1,$(FOLDER_$1) $(CHECK) $(MANIFEST))
$(if $(working),$(if $(MADE),,$(call corpus_changes,$1,$(OUT)/manifest/$1.tsv)))

$(OUT)/manifest/$1.tsv: $(OUT)/options/$1 $(call tool,manifest) $(MADE)
	@mkdir -p $$(@D) $(OUT)/corpus
	@ln -sfn$$(if $$(filter-out /%,$$(firstword $$(FOLDER_$1))),r) -- $$(call quote,$$(FOLDER_$1)) $(OUT)/corpus/$1
	@$$(start) $(call tool,manifest) --corpus $1 $(CHECK) $(MANIFEST) $(OUT)/corpus/$1 >$$@.new; \
	rm -f $$(@:.tsv=.generated); [ ! -e $(OUT)/corpus/$1/.generated ] || : >$$(@:.tsv=.generated); mv $$@.new $$@; \
	$$(call took,manifest,$1); echo "manifest: $1, $$$$(($$$$(wc -l <$$@) - 1)) utterances"
endef
$(foreach c,$(CORPORA),$(eval $(call corpus_rules,$c)))

$(call stamp,$(OUT)/options/corpora,$(CORPORA))
$(OUT)/manifest.tsv: $(CORPORA:%=$(OUT)/manifest/%.tsv) $(OUT)/options/corpora
	@awk 'NR == 1 || FNR > 1' $(filter %.tsv,$^) >$@.new; mv $@.new $@

# ---- split, features, model, predictions, scores ----

split_table   = $(if $(filter random%,$1),,$(call of,$1,$(if $(filter fold%,$1),FOLDS,PARTS)))
split_options = $(if $(filter random%,$1),--random 70/15/15 --seed $(1:random%=%),$(if \
    $(filter fold%,$1),--folds $(call split_table,$1) --fold $(1:fold%=%),--speakers $(call split_table,$1)))
speakers      = $(foreach c,$(call of,$1,FROM),$(SPEAKERS_$c))
train_options = --epochs $(call of,$1,EPOCHS) --batch $(call of,$1,BATCH) --lr $(call of,$1,LR) \
    --patience $(call of,$1,PATIENCE) --lr-patience $(call of,$1,LR_PATIENCE) --lr-factor $(call of,$1,LR_FACTOR) \
    --min-lr $(call of,$1,MIN_LR) $(call of,$1,TRAIN)

# From the table $1 to the features $2; $3: options of ser-augment.
from_rows = $(if $3,$(call tool,augment) -q --keep $3 $1 | $(call tool,mfcc) -q $(FEATURES) -o $2,$(call \
    tool,mfcc) -q $(FEATURES) -m $1 -o $2)

# $1: split, $2: its folder, $3: its speakers
define split_rules
$(call stamp,$2/options/split,$(call split_options,$1))
$(call stamp,$2/options/corpora,$(call of,$1,FROM))
$(call stamp,$2/options/features,$(FEATURES))
$(call stamp,$2/options/augment,$(call of,$1,AUGMENT))

$2/manifest.tsv: $(call of,$1,ROWS) $2/options/split $(call split_table,$1) $(call tool,split)
	@$$(start) $(call tool,split) $(call split_options,$1) $$< >$$@.new; mv $$@.new $$@; \
	$$(call took,split,$1)

$2/certificate.tsv: $2/manifest.tsv $(ROOT)/pipelines/ser-certificate
	@$(ROOT)/pipelines/ser-certificate $$< >$$@.new; mv $$@.new $$@

# One table a speaker and part; those that stay as they are keep their time, and so do their features.
# The empty recipe lets make look at that time again; its + does so in a dry run, too.
$2/speakers/stamp: $2/manifest.tsv $(ROOT)/pipelines/ser-speakers
	@$(ROOT)/pipelines/ser-speakers $2/manifest.tsv $$(@D) $3; touch $$@
$(foreach s,$3,$(foreach p,train val test,$2/speakers/$s.$p.tsv)): $2/speakers/stamp ; +

$(foreach s,$3,$(foreach p,train val test,$2/speakers/$s.$p.sert)): \
$2/speakers/%.sert: $2/speakers/%.tsv $2/options/features $(call tool,mfcc)
	@if [ -s $$< ]; then \
	    $$(start) $$(call from_rows,$$<,$$@,$$(if $$(filter %.train,$$*),$$(call of,$1,AUGMENT))); \
	    $$(call took,features,$1.$$*); echo "features: $1 $$*, $$$$(($$$$(wc -l <$$<) - 1)) utterances"; \
	else : >$$@; fi

$(3:%=$2/speakers/%.train.sert): $2/options/augment $(if $(call of,$1,AUGMENT),$(call tool,augment))

$(foreach p,train val test,$(eval $2/$p.sert: $(3:%=$2/speakers/%.$p.sert)))
$2/train.sert $2/val.sert $2/test.sert: $2/options/corpora
	@cat $$(filter %.sert,$$^) >$$@.new; mv $$@.new $$@

$(foreach r,$(filter $1/%,$(RUNS)),$(call run_rules,$2,$(OUT)/split/$r,$(subst .,,$(suffix $r)),$(notdir $(basename $r))))
endef

# $1: folder of the split, $2: of the run, $3: seed, $4: name
define run_rules
$(call stamp,$2/options,$(call net,$4) $(call train_options,$4))

$2/model.bin: $1/train.sert $1/val.sert $(call net,$4) $2/options $(call tool,train)
	@mkdir -p $$(@D)
	@$$(start) $(call tool,train) --net $(call net,$4) --val $1/val.sert -o $$@ --log $2/log.tsv --seed $3 \
	    $(call train_options,$4) $(if $(THREADS),--threads $(THREADS)) $1/train.sert; \
	$$(call took,train,$2)

$2/predictions.tsv: $2/model.bin $1/test.sert $(call tool,score)
	@$$(start) $(call tool,score) -q $2/model.bin $1/test.sert -o $$@; $$(call took,score,$2)

endef
$(foreach s,$(SPLITS),$(eval $(call split_rules,$s,$(OUT)/split/$s,$(call speakers,$s))))

# ---- again, and the same ----

RERUN_JOBS    ?= $(if $(filter -j2,$(MAKEFLAGS)),3,2)
RERUN_THREADS ?= $(if $(filter 3,$(or $(THREADS),$(shell nproc))),2,3)

rerun: $(or $(crossing),all)
	@$(MAKE) -s -f $(STUDY) OUT=$(OUT).rerun JOBS= clean
	@$(MAKE) --no-print-directory -f $(STUDY) OUT=$(OUT).rerun JOBS= -j$(RERUN_JOBS) THREADS=$(RERUN_THREADS) $^
	@echo "first: $(OUT)$(if $(THREADS), (THREADS=$(THREADS))); again: $(OUT).rerun (-j$(RERUN_JOBS), THREADS=$(RERUN_THREADS))"
	@$(ROOT)/pipelines/ser-compare $(OUT) $(OUT).rerun
.PHONY: rerun

# ---- away ----

# What a killed run left half-made, too.
made = $(addprefix $(OUT)/,corpus manifest manifest.tsv options split times.tsv scores.tsv scores.txt cv folds.mk \
    $(RESULTS)) $(SHOW) $(MADE)
clean:
	rm -rf $(made) $(made:=.new) $(wildcard $(OUT)/.ser-??????)
	[ ! -d $(OUT) ] || rmdir --ignore-fail-on-non-empty $(OUT)
	[ ! -d $(OUT).rerun ] || $(MAKE) -s -f $(STUDY) OUT=$(OUT).rerun clean

FORCE:
.PHONY: all cv clean FORCE
