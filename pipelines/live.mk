# Emotions over time: how well a study's models hear long recordings. rules.mk includes this file.
#   make -f pipelines/ravdess.mk live NET=tiny
#   make -f pipelines/ravdess.mk cv live PROTOCOL=folds5 NET=tiny    each speaker, by the model that does not know him
# The target live joins the test part's clips of each speaker into a recording, has each model hear it window by window,
# and says how much of the time is right, and how long it takes until a new emotion is named: ser-eval(1), OVER TIME.
#   EVERY   seconds from one window to the next (default 0.5)
#   CLIPS   how many clips of an emotion follow each other (default 4)
#   PAUSE   seconds of silence between emotions (default 1); ten times as long when each had its turn
# Splits that share speakers (PROTOCOL=random) are left out. With ENCODER it is ser-embed that hears.
#
#   OUT/split/SPLIT/live/                      1.wav 2.wav ..., manifest.tsv, truth.tsv: what is when
#   OUT/split/SPLIT/NAME.SEED/over-time.tsv    what a model says of them; ser-plot time draws it
#   OUT/live/PROTOCOL.NAME.txt .tsv            the figures of all models of that name

EVERY ?= 0.5
CLIPS ?= 4
PAUSE ?= 1

LIVE_RUNS  := $(foreach r,$(RUNS),$(if $(filter random%,$(r)),,$r))
LIVE_NAMES := $(sort $(notdir $(basename $(LIVE_RUNS))))
live_runs   = $(foreach r,$(LIVE_RUNS),$(if $(filter $1,$(notdir $(basename $r))),$r))
live_table  = $(OUT)/live/$(PROTOCOL).$1

# $1: split, $2: its folder
define live_split_rules
$(call stamp,$2/options/live,join-clips $(CLIPS) $(PAUSE))
$(call stamp,$2/options/windows,--every $(EVERY) $(call of,$1,NORMALIZE))
$2/live/truth.tsv: $2/manifest.tsv $2/options/live $(HELPERS)/join-clips $(call awk_files,join-clips)
	@$$(start) $(HELPERS)/join-clips $(CLIPS) $(PAUSE) $$< $$(@D) $1/; $$(call took,live,$1)
endef
$(foreach s,$(call splits_of,$(LIVE_RUNS)),$(eval $(call live_split_rules,$s,$(OUT)/split/$s)))

# $1: split, $2: its folder, $3: the run's folder, $4: the model that hears features
define live_run_rules
$3/over-time.tsv: $3/model.bin $4 $2/live/truth.tsv $2/options/windows $(hearing) $(call tool,score) \
    $(if $(call of,$1,NORMALIZE),$(call tool,tensor))
	@$$(start) $(hearing) -q --like $4 $(if $(ENCODER),--encoder $(ENCODER)) --every $(EVERY) -m $2/live/manifest.tsv | $(if $(BACKBONE),$(call \
	    tool,score) -q --embed $4 | )$(if $(call of,$1,NORMALIZE),$(call normalized,$(call of,$1,NORMALIZE)) | )$(call tool,score) -q $$< -o $$@; \
	$$(call took,live,$3)
endef
$(foreach r,$(LIVE_RUNS),$(eval $(call live_run_rules,$(patsubst %/,%,$(dir $r)),$(call split_of,$r),$(OUT)/split/$r,$(OUT)/split/$(if \
    $(BACKBONE),$(call backbone_of,$r),$r)/model.bin)))

# $1: NAME
define live_table_rules
$(call stamp,$(OUT)/options/live.$1,$(call live_runs,$1))
$(call live_table,$1).tsv: $(patsubst %,$(OUT)/split/%/over-time.tsv,$(call live_runs,$1)) $(OUT)/options/live.$1 $(call tool,eval) \
    $(call awk_files,stack-tables)
	@mkdir -p $$(@D)
	@$(call stack,$(patsubst %,$(OUT)/split/%/live/truth.tsv,$(call splits_of,$(call live_runs,$1)))) >$$(@:.tsv=.truth).new
	@mv $$(@:.tsv=.truth).new $$(@:.tsv=.truth); { echo '$(words $(call live_runs,$1)) model$(if $(word 2,$(call live_runs,$1)),s), a window every $(EVERY) s, $(CLIPS) clips of an emotion in a row'; \
	    $(call tool,eval) --over-time $$(@:.tsv=.truth) $$(filter %/over-time.tsv,$$^); $$(generated); } >$$@.new; \
	mv $$@.new $$(@:.tsv=.txt); $(call tool,eval) --over-time $$(@:.tsv=.truth) --tsv $$(filter %/over-time.tsv,$$^) -o $$@
endef
$(foreach n,$(LIVE_NAMES),$(eval $(call live_table_rules,$n)))

live: $(foreach n,$(LIVE_NAMES),$(call live_table,$n).tsv)
	$(if $(LIVE_NAMES),,$(error live: $(PROTOCOL) tests speakers that it has trained on))
	$(if $(dry),,@cat $(^:.tsv=.txt))
.PHONY: live
