# A search for good options that never sees the test part.
#
#   make -f pipelines/tune.mk SPACE=small ROWS=manifest.tsv FOLDS=folds.tsv TRIALS=27 -j2
#
#   SPACE     what is searched, see ser-tune: a file, or a name in spaces/: notebook, small, unseen, probe
#   ROWS      the manifest
#   FOLDS     table of speakers and folds
#   OUT       where results go (default out/tune)
#   TRIALS METHOD EPOCHS MIN_EPOCHS ETA BY SEED GENERATION   of ser-tune. With more TRIALS more are added to those that
#             there are. With METHOD=tpe each search draws its own, a generation of them from the results of those before
#   FEATURES AUGMENT TRAIN   options of ser-mfcc, ser-augment, ser-train for all trials; NET, a network for a space that
#             draws none: a file, or a name in nets/ or spaces/. The learning rate falls along a cosine, from
#             ser-train --schedule cosine, unless TRAIN or the space has another schedule; THREADS
#   ENCODER   a pretrained encoder, its folder or its name: features are its embeddings, one vector a recording, and FEATURES
#             and what a space draws of features are options of ser-embed. Trials of the same features share them:
#             SPACE=probe ENCODER=whisper-base FEATURES='--pool stats --trim 35:0.1'
#   NESTED=0  ROWS has the column part: the search is judged by its validation part, and the test part is not read
#   NORMALIZE options of ser-tensor normalize, such as --by speaker, for all trials: the features of each fold by themselves
#   VOTE=K    nested: the K best trials of each search are trained again and tested, too, and vote (ser-vote)
#   OUTER     these folds alone are left out in turn (default: all that have speakers). none: no fold is left out, and the
#             winner of a search of its own, OUT/all, is trained on all speakers: a network to use. Nothing tests it; what
#             the others came to says what it is worth
#   DRY=1     says how many epochs the search will train, and about how many minutes; trains one epoch to know it
#   JOBS      as make's -j; BUILD: the folder of the tools; TRAIN_SEED: of ser-train (default 1)
#
# Nested (the default): each fold is left out in turn. A search of its own runs on the others, of which each validates
# in turn (inner folds, by speaker); the figures of a trial are the means over them. The winner is then trained on all
# that is not left out, for EPOCHS epochs, and tested once on the fold that was: the report shows both figures, of which
# the first, by which it was chosen, is the better one as a rule. The target search ends before the test.
#
# A trial fails if its network does not suit the data, or a loss is no number: it is last, and its reason is told. Data
# that cannot be read end the search. A space whose winner could not be trained to a fixed end, since it draws patience or
# schedule plateau, is refused.
#
# A trial goes on from rung to rung: no epoch is trained twice, and one that reaches the last rung has the bytes of one
# trained in one go. Killed anywhere, the search goes on. Results are the same for any number of jobs. A folder holds
# one search: another space, seed or option is refused there.
#
#   OUT/search.txt                  what is searched: what must not change
#   OUT/trials.tsv                  what each trial has drawn; with METHOD=tpe OUT/SEARCH/trials.tsv
#   OUT/data/GROUP.tsv              the manifest by folds, or train and val; OUT/features/D/GROUP.sert
#   OUT/SEARCH/T/                   of trial T: net, options, result.RUNG.tsv, and of each inner split log, state, model
#   OUT/SEARCH/ranking.tsv          of all trials, the best first
#   OUT/SEARCH/winner.net           the winner's network, and winner.options: the options of each step, for NET= of
#                                   the other pipelines
#   OUT/SEARCH/search.tsv           every result with what its trial has drawn: for ser-plot tune
#   OUT/SEARCH/final/               nested: model.bin, log.tsv, predictions.tsv of the fold that was left out;
#                                   with VOTE=K vote/2/ to vote/K/ likewise, and vote/predictions.tsv, of all K
#   OUT/report.txt                  the winners, their figures when they were chosen and when they were tested; of OUTER=none
#                                   OUT/all/report.txt

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))base.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))

VARIABLES += SPACE ROWS FOLDS TRIALS METHOD EPOCHS MIN_EPOCHS ETA BY SEED GENERATION TRAIN_SEED NESTED ENCODER FEATURES AUGMENT \
    NORMALIZE \
    VOTE TRAIN NET THREADS OUTER DRY
$(eval $(value refuse_unknown))

OUT        ?= out/tune
TRIALS     ?= 27
METHOD     ?= halving
EPOCHS     ?= 27
MIN_EPOCHS ?= 1
ETA        ?= 3
BY         ?= recall
SEED       ?= 1
GENERATION ?= 4
TRAIN_SEED ?= 1
NESTED     ?= 1
ENCODER    ?=
FEATURES   ?=
AUGMENT    ?=
NORMALIZE  ?=
VOTE       ?= 1
TRAIN      ?=
NET        ?= attention
THREADS    ?= 1
ifdef JOBS
MAKEFLAGS += -j$(JOBS)
endif

# ---- what there is ----

ifneq ($(words x$(OUT)x),1)
$(error OUT=$(OUT): the name must not contain spaces)
endif
space := $(firstword $(wildcard $(SPACE) $(ROOT)/pipelines/spaces/$(SPACE).space))
ifeq ($(no_study),)
$(if $(SPACE),,$(error SPACE=FILE says what is searched, see ser-tune(1); spaces that are there: $(basename $(notdir $(wildcard \
    $(ROOT)/pipelines/spaces/*.space)))))
$(if $(space),,$(error SPACE=$(SPACE): no such file, and no pipelines/spaces/$(SPACE).space))
$(if $(ROWS),,$(error ROWS=FILE is the manifest: ser-manifest makes one))
$(if $(wildcard $(ROWS)),,$(error ROWS=$(ROWS): no such manifest: ser-manifest makes one))
$(if $(filter --patience% --lr-patience% --keep% plateau --schedule=plateau,$(TRAIN)),$(error TRAIN=$(TRAIN): the winner is \
    trained without a validation part, to a fixed end: without --patience, --lr-patience, --keep and --schedule plateau))
$(if $(filter 0,$(shell expr 'x$(subst ','\'',$(VOTE))' : 'x[1-9][0-9]\{0,2\}$$')),$(error VOTE=$(VOTE): expected how \
    many trials vote))
ifeq ($(NESTED),0)
$(if $(filter-out 1,$(VOTE)),$(error VOTE=$(VOTE): with NESTED=0 nothing is tested, so no vote either))
GROUPS   := train val
SEARCHES := split
else
$(if $(FOLDS),,$(error FOLDS=FILE is a table of speakers and folds: ser-split --make-folds 5 makes one (NESTED=0 needs none)))
$(if $(wildcard $(FOLDS)),,$(error FOLDS=$(FOLDS): no such table of speakers and folds (NESTED=0 needs none)))
include $(OUT)/folds.mk
GROUPS   := $(FOLD)
OUTER    ?= $(FOLD)
$(if $(and $(FOLD),$(filter-out $(FOLD) none,$(OUTER))),$(error OUTER=$(OUTER): the folds that have speakers are $(FOLD)))
SEARCHES  = $(patsubst foldnone,all,$(OUTER:%=fold%))
endif
tpe := $(filter tpe,$(METHOD))
include $(if $(tpe),$(SEARCHES:%=$(OUT)/%/drawn.mk),$(OUT)/trials.mk)
endif

# Searches have their trials in common, of which T.train is what trial T has drawn; or each has its own, SEARCH/T.train.
# $1: search, $2: trial, $3: step. Combinations of features, DATA, are numbers, or SEARCH/NUMBER.
trials_of = $(if $(tpe),$($1/TRIAL),$(TRIAL))
drawn     = $($(if $(tpe),$1/)$2.$3)
data_of   = $(if $(tpe),$1/)$(call drawn,$1,$2,data)

# What decides the results. A search of other options would mix with them: it needs a folder of its own, unless there is
# no result yet.
file_of_net = $(firstword $(wildcard $1 $(ROOT)/pipelines/nets/$1.net $(ROOT)/pipelines/spaces/$1.net) $1)
has_results = $(shell find $(OUT) -mindepth 3 -name 'result.*.tsv' -print -quit)
sum_of   = $(shell cksum <$1 | tr ' ' .)
networks = $(foreach n,$(or $(shell sed -n 's/\#.*//; s/ when .*//; s/^[[:blank:]]*NET[[:blank:]]\{1,\}choice[[:blank:]]//p' \
    $(space)),$(NET)),$n $(if $(wildcard $(call file_of_net,$n)),$(call sum_of,$(call file_of_net,$n))))
searched = $(strip space $(space) $(call sum_of,$(space)) rows $(ROWS) $(call sum_of,$(ROWS)) folds \
    $(if $(filter 0,$(NESTED)),none,$(FOLDS) $(call sum_of,$(FOLDS))) method $(METHOD) epochs $(EPOCHS) \
    min-epochs $(MIN_EPOCHS) eta $(ETA) by $(BY) seed $(SEED) $(if $(tpe),generation $(GENERATION)) \
    train-seed $(TRAIN_SEED) networks $(networks); $(if $(ENCODER),encoder $(ENCODER); )features $(FEATURES); augment $(AUGMENT); $(if $(NORMALIZE),normalize $(NORMALIZE); )train $(TRAIN))
OPTIONS = space rows folds method epochs min-epochs eta by seed generation train-seed networks encoder features augment normalize train
ifeq ($(no_study),)
text.search := $(searched)
ifneq ($(wildcard $(OUT)/search.txt),)
$(if $(call differ,$(strip $(file <$(OUT)/search.txt)),$(text.search)),$(if $(has_results),$(error $(OUT) holds another \
    search: $(shell $(call awk,what-differs) '$(OPTIONS)' $(call quote,$(file <$(OUT)/search.txt)) $(call quote,$(text.search))): give \
    another OUT; the target clean removes it, winners and all),$(eval $(OUT)/search.txt: FORCE)))
endif
endif
$(OUT)/search.txt: | $(call tool,tune) $(call awk_files,fixed-end)
	@$(call awk,fixed-end) $(space)
	@$(call tool,tune) draw --trial 1 $(space) -o /dev/null
	@$(HELPERS)/check-values $(BUILD) $(space) $(call quote,$(ENCODER))
	@$(HELPERS)/note-generated $(ROWS) $(OUT)/manifest
	@mkdir -p $(@D); rm -f $(OUT)/*/*/*.state; printf '%s\n' $(call quote,$(text.search)) >$@.new; mv $@.new $@

draw_options  = --method $(METHOD) --seed $(SEED)
trials        = $(if $(tpe),$(TRIALS),$(words $(TRIAL)))
judge_options = $(draw_options) --trials $(trials) --epochs $(EPOCHS) --min-epochs $(MIN_EPOCHS) --eta $(ETA) --by $(BY)

$(call stamp,$(OUT)/options/trials,$(TRIALS))
$(OUT)/trials.tsv: $(OUT)/options/trials $(OUT)/search.txt $(call tool,tune)
	@$(call tool,tune) draw $(draw_options) --trials $(TRIALS) $(space) -o $@
$(OUT)/trials.mk: $(OUT)/trials.tsv $(call awk_files,trials)
	@$(call awk,trials) $< >$@.new; mv $@.new $@

# Of a search's own trials the next generation is drawn when those that are known are done. Make reads them anew each
# time, until they are all there.
# $1: search
waits_for = $(if $(or $(dry),$(DRY),$(filter $(TRIALS),$(words $(trials_of)))),,$(trials_of:%=$(OUT)/$1/%/rung.0) FORCE)
define generation_rules
$(OUT)/$1/trials.tsv: $(OUT)/options/trials $(OUT)/search.txt $(waits_for) | $(call tool,tune)
	@mkdir -p $$(@D); { $$(call all_results,$$(@D)); } >$$@.known
	@$(call tool,tune) draw $(judge_options) --generation $(GENERATION) $(space) $$@.known -o $$@
$(OUT)/$1/trials.mk: $(OUT)/$1/trials.tsv $(call awk_files,trials)
	@$(call awk,trials) $$< >$$@.new; mv $$@.new $$@
$(OUT)/$1/drawn.mk: $(OUT)/$1/trials.mk
	@sed 's,^D\([0-9]\),D$1/\1,; t; s,^,$1/,' $$< >$$@.new; mv $$@.new $$@
endef
$(if $(tpe),$(foreach s,$(SEARCHES),$(eval $(call generation_rules,$s))))

$(OUT)/folds.mk: $(OUT)/search.txt $(call awk_files,testable-folds)
	@$(call awk,testable-folds) $(ROWS) $(FOLDS) >$@.new
	@[ "$$(sed -n 's/^FOLD *[:?]*= *//p' $@.new | wc -w)" -ge $(if $(filter none,$(OUTER)),2,3) ] || { \
	    echo 'tune.mk: $(FOLDS): too few folds have speakers of $(ROWS): a nested search needs 3: one is left out, and of the others one validates' >&2; \
	    exit 3; }; mv $@.new $@

# ---- data: the manifest by groups, their features by combinations of options ----

# Of a split manifest the rows of one part; else those of one fold, whose part is nobody's yet.
$(OUT)/data/%.tsv: $(OUT)/search.txt $(if $(filter 0,$(NESTED)),$(call awk_files,rows-where),$(call tool,split))
	@mkdir -p $(@D)
	@$(if $(filter 0,$(NESTED)),$(call awk,rows-where) part $* $(ROWS),$(call tool,split) --folds $(FOLDS) --fold $* --no-test \
	    --part val $(ROWS) 2>$@.said | sed 's/\t[^\t]*$$//') >$@.new || { status=$$?; [ ! -e $@.said ] || cat $@.said >&2; exit $$status; }; mv $@.new $@

# $1: number of the combination
heard_by   = $(call tool,$(if $(ENCODER),embed,mfcc))
hear       = $(heard_by) -q $(ENCODER) $(FEATURES)
normalized = $(if $(NORMALIZE),| $(call tool,tensor) normalize $(NORMALIZE))
augmented = $(strip $(AUGMENT) $(D$1.augment))
define feature_rules
$(OUT)/features/$1/%.sert: $(OUT)/data/%.tsv $(heard_by)
	@mkdir -p $$(@D)
	@$(hear) $(D$1.features) -m $$< $(normalized) >$$@.new; mv $$@.new $$@
$(OUT)/features/$1/%.more: $(OUT)/data/%.tsv $(heard_by) $(call tool,augment)
	@mkdir -p $$(@D)
	@$(call tool,augment) -q --keep --any-part $(call augmented,$1) $$< | $(hear) $(D$1.features) \
	    $(normalized) >$$@.new; mv $$@.new $$@
endef
DATA := $(if $(tpe),$(foreach s,$(SEARCHES),$(addprefix $s/,$($s/DATA))),$(DATA))
$(foreach d,$(DATA),$(eval $(call feature_rules,$d)))

# $1: combination, $2: groups
training   = $(2:%=$(OUT)/features/$1/%.$(if $(call augmented,$1),more,sert))
validation = $(OUT)/features/$1/$2.sert

# ---- trials: their networks, their rungs ----

# The groups that a search may see, and those of them that validate in turn.
seen_by      = $(if $(filter split,$1),$(GROUPS),$(filter-out $(1:fold%=%),$(GROUPS)))
validated_by = $(if $(filter split,$1),val,$(call seen_by,$1))
trained_with = $(filter-out $2,$(call seen_by,$1))

train_options = --schedule cosine --keep last --seed $(TRAIN_SEED) $(TRAIN) $(call drawn,$1,$2,train) --horizon $(EPOCHS)
drawn_yet    := $(call trials_of,$(firstword $(SEARCHES)))
rungs        := $(if $(drawn_yet),$(shell $(call tool,tune) plan --method $(METHOD) --epochs $(EPOCHS) --min-epochs \
    $(MIN_EPOCHS) --eta $(ETA) | awk 'NR > 1 {print $$1 ":" $$2}'))
planned      := $(if $(drawn_yet),$(shell $(call tool,tune) plan $(judge_options) | awk 'NR > 1 {n += $$3} END {printf "%.0f", n}'))
rung_numbers := $(foreach r,$(rungs),$(firstword $(subst :, ,$r)))
epochs_of     = $(patsubst $1:%,%,$(filter $1:%,$(rungs)))
before        = $(shell echo $$(($1 - 1)))

# Whom a trial is measured against stands in stamps: all.R is when rung R is done, upto.R.T when it is up to trial T.
stamp_of = $(if $(filter asha,$(METHOD)),upto.$1.$2,all.$1)

# $1: search, $2: trial
define trial_rules
$(OUT)/$1/$2/net: $(call file_of_net,$(or $(call drawn,$1,$2,net),$(NET))) $(OUT)/search.txt $(HELPERS)/fill-network
	@mkdir -p $$(@D)
	@$(HELPERS)/fill-network $$< $(call drawn,$1,$2,fill) >$$@.new; mv $$@.new $$@
$(OUT)/$1/$2/drawn: $(OUT)/search.txt
	@mkdir -p $$(@D); awk -F '\t' 'NR == 1 || $$$$1 == $2' $(OUT)/$(if $(tpe),$1/)trials.tsv >$$@.new; mv $$@.new $$@
endef

# $1: search, $2: trial, $3: rung, $4: the one before, $5: combination of features
define rung_rules
$(OUT)/$1/$2/rung.$3: $(OUT)/$1/$2/net $(OUT)/$1/$2/drawn $(if $4,$(OUT)/$1/$(call stamp_of,$4,$2)) \
    $(call training,$5,$(call seen_by,$1)) $(call validation,$5,$(firstword $(call validated_by,$1))) \
    $(foreach v,$(call validated_by,$1),$(call validation,$5,$v)) | $(call tool,train) $(HELPERS)/run-rung
	@$(HELPERS)/run-rung $(BUILD) $(OUT)/$1 $2 $3 $(call epochs_of,$3) $(planned) '$(judge_options) $(space)' \
	    '--threads $(THREADS) --patience 0 $(call train_options,$1,$2)' $(foreach v,$(call validated_by,$1),-- $(call \
	    validation,$5,$v) $(call training,$5,$(call trained_with,$1,$v)))
	@touch $$@
$(if $(filter asha,$(METHOD)),$(OUT)/$1/upto.$3.$2: $(OUT)/$1/$2/rung.$3 $(if $(filter-out 1,$2),$(OUT)/$1/upto.$3.$(call \
    before,$2)) ; @touch $$@)
endef

# $1: search, $2: rung
define stamp_rules
$(OUT)/$1/all.$2: $(foreach t,$(call trials_of,$1),$(OUT)/$1/$t/rung.$2) $(OUT)/options/trials ; @touch $$@
endef

$(foreach s,$(SEARCHES),$(foreach t,$(call trials_of,$s),$(eval $(call trial_rules,$s,$t))))
$(foreach r,$(rung_numbers),$(foreach s,$(SEARCHES),$(eval $(call stamp_rules,$s,$r))$(foreach t,$(call \
    trials_of,$s),$(eval $(call rung_rules,$s,$t,$r,$(if $(filter-out 0,$r),$(call before,$r)),$(call data_of,$s,$t))))))

# ---- winners ----

last_rung = $(lastword $(rung_numbers))
all_results = printf 'trial\trung\tepochs\tspace\tseed\tval_loss\tval_accuracy\tval_recall\n'; find $1 -mindepth 2 \
    -name 'result.*.tsv' -exec cat {} + | sort -n -k 1,2

# $1: search
define winner_rules
$(OUT)/$1/ranking.tsv: $(OUT)/$1/all.$(last_rung) $(call tool,tune)
	@{ $$(call all_results,$$(@D)); } >$$(@D)/results.new; mv $$(@D)/results.new $$(@D)/results.tsv
	@$(call tool,tune) judge $(judge_options) $(space) $$(@D)/results.tsv -o $$@
$(OUT)/$1/search.tsv: $(OUT)/$1/ranking.tsv $(OUT)/$(if $(tpe),$1/)trials.tsv $(call awk_files,search-table)
	@$(call awk,search-table) $(BY) $$< $(OUT)/$(if $(tpe),$1/)trials.tsv $$(@D)/results.tsv >$$@.new; mv $$@.new $$@
$(OUT)/$1/winner.options: $(OUT)/$1/ranking.tsv $(HELPERS)/write-winner
	@$(call write_winner,$1,1,winner)
endef
# $1: search, $2: place, $3: name
write_winner = $(HELPERS)/write-winner $(OUT)/$1 $2 $(OUT)/$1/$3 $(EPOCHS) $(OUT)/$(if $(tpe),$1/)trials.mk $(foreach v,ENCODER FEATURES \
    AUGMENT NORMALIZE TRAIN,$(call quote,$($v)))
$(foreach s,$(SEARCHES),$(eval $(call winner_rules,$s)))
WINNERS = $(SEARCHES:%=$(OUT)/%/winner.options)
TABLES  = $(SEARCHES:%=$(OUT)/%/search.tsv)

# ---- the test: each winner once, on the fold that its search has not seen ----

# $1: search, $2: folder, $3: name of network and options
define test_rules
$(OUT)/$1/$2/predictions.tsv: $(OUT)/$1/$3.options $(OUT)/data/$(1:fold%=%).tsv $(patsubst %,$(OUT)/data/%.tsv,$(call \
    seen_by,$1)) $(HELPERS)/test-winner $(call tool,score)
	@mkdir -p $$(@D)
	@$(HELPERS)/test-winner $(BUILD) $(OUT)/$1/$3 $$(@D) '--threads $(THREADS) --seed $(TRAIN_SEED)' \
	    $(OUT)/data/$(1:fold%=%).tsv $(patsubst %,$(OUT)/data/%.tsv,$(call seen_by,$1))
endef

# What was trained on and tested: the manifest with the column part, and its certificate.
define split_rules
$(OUT)/$1/manifest.tsv: $(OUT)/search.txt $(call tool,split)
	@mkdir -p $$(@D); $(call tool,split) --folds $(FOLDS) --fold $(1:fold%=%) --no-val $(ROWS) >$$@.new 2>$$@.said || { \
	    status=$$$$?; cat $$@.said >&2; exit $$$$status; }; mv $$@.new $$@
$(OUT)/$1/certificate.tsv: $(OUT)/$1/manifest.tsv
	@$(call tool,split) --certificate $$< >$$@.new$(if $(NORMALIZE),; printf '%s\tnormalize\t%s\n' train $(call \
	    quote,$(NORMALIZE)) test $(call quote,$(NORMALIZE)) >>$$@.new); mv $$@.new $$@
endef

# The best of a search, each tested by itself, and what they say together. The first of them is the winner.
define vote_rules
$(OUT)/$1/vote/$2.options: $(OUT)/$1/ranking.tsv $(HELPERS)/write-winner
	@mkdir -p $$(@D); $(call write_winner,$1,$2,vote/$2)
endef
voters     = $(filter-out 1,$(shell seq $(VOTE)))
votes_of   = $(OUT)/$1/final/predictions.tsv $(voters:%=$(OUT)/$1/vote/%/predictions.tsv)
define poll_rules
$(OUT)/$1/vote/predictions.tsv: $(call votes_of,$1) $(OUT)/options/voters $(call tool,vote)
	@$(call tool,vote) $$$$(find $(call votes_of,$1) -size +0) >$$@.new; mv $$@.new $$@
endef
ifneq ($(NESTED),0)
NESTS := $(filter fold%,$(SEARCHES))
$(foreach s,$(NESTS),$(eval $(call split_rules,$s))$(eval $(call test_rules,$s,final,winner)))
TESTED = $(NESTS:%=$(OUT)/%/final/predictions.tsv)
CERTIFIED = $(NESTS:%=$(OUT)/%/certificate.tsv)
TRAINED = $(patsubst %,$(OUT)/%/final/model.bin,$(filter all,$(SEARCHES)))
$(OUT)/all/final/model.bin: $(OUT)/all/winner.options $(GROUPS:%=$(OUT)/data/%.tsv) $(HELPERS)/test-winner
	@mkdir -p $(@D)
	@$(HELPERS)/test-winner $(BUILD) $(OUT)/all/winner $(@D) '--threads $(THREADS) --seed $(TRAIN_SEED)' - $(GROUPS:%=$(OUT)/data/%.tsv)
ifneq ($(voters),)
$(foreach s,$(NESTS),$(foreach v,$(voters),$(eval $(call vote_rules,$s,$v))$(eval $(call \
    test_rules,$s,vote/$v,vote/$v)))$(eval $(call poll_rules,$s)))
POLLED = $(NESTS:%=$(OUT)/%/vote/predictions.tsv)
endif
endif

$(call stamp,$(OUT)/options/searches,$(SEARCHES))
$(call stamp,$(OUT)/options/voters,$(VOTE))
REPORT = $(OUT)/$(if $(filter-out all,$(SEARCHES)),,all/)report.txt
$(REPORT): $(WINNERS) $(TABLES) $(TRAINED) $(TESTED) $(CERTIFIED) $(POLLED) $(OUT)/options/searches $(OUT)/options/voters \
    $(HELPERS)/report-search $(call tool,eval)
	@$(HELPERS)/report-search $(BUILD) $(OUT) $(VOTE) $(SEARCHES) >$@.new; mv $@.new $@

all: $(if $(DRY),dry,$(REPORT))
	$(if $(DRY),,@cat $(REPORT))
search: $(WINNERS) $(TABLES)

# ---- what it will cost ----

probed     = $(firstword $(SEARCHES))
probe_with = $(firstword $(call validated_by,$(probed)))
probe      = $(firstword $(call trials_of,$(probed)))
probe_data = $(call data_of,$(probed),$(probe))
dry: $(OUT)/$(probed)/$(probe)/net $(call training,$(probe_data),$(call trained_with,$(probed),$(probe_with))) \
    $(call validation,$(probe_data),$(probe_with))
	@$(call tool,tune) plan $(judge_options)
	@from=$${EPOCHREALTIME/./}; $(call tool,train) -q --net $< --val $(call validation,$(probe_data),$(probe_with)) -o $(OUT)/probe.new \
	    --threads $(THREADS) --patience 0 $(call train_options,$(probed),$(probe)) --epochs 1 $(call training,$(probe_data),$(call \
	    trained_with,$(probed),$(probe_with))); took=$$(($${EPOCHREALTIME/./} - from)); rm -f $(OUT)/probe.new; \
	$(call tool,tune) plan $(judge_options) | awk -v us="$$took" -v splits=$(words $(call validated_by,$(probed))) \
	    -v searches=$(words $(SEARCHES)) -v all=$(words $(foreach s,$(SEARCHES),$(call validated_by,$s))) \
	    -v last=$$(($(EPOCHS) * $(words $(TESTED) $(TRAINED) $(foreach v,$(voters),$(NESTS))))) 'NR > 1 {n += $$4} END { \
	    e = n * all + last; printf "%d searches of %d inner splits: %.0f epochs, about %.1f minutes of one job", \
	    searches, splits, e, e * us / 6e7; print " (one epoch of trial 1 took " us / 1e6 " s)"}'

clean:
	rm -rf $(OUT)

$(eval $(value claim))

FORCE:
.PHONY: all search dry clean FORCE
