# The notebook's study: four stages, and one table of them.
#   make -f pipelines/combined.mk             all; or by name: baseline augmented attention combined
#   make -f pipelines/combined.mk rerun       again, and compared
# The first three need RAVDESS alone. CORPORA="ravdess savee" runs a subset; RAVDESS= SAVEE= CREMAD= OUT= SEED=
# JOBS= and the options of rules.mk hold for all stages, those as in combined.EPOCHS= for one.
#
#   baseline   RAVDESS, utterances at random
#   augmented  RAVDESS, listed speakers, training times three (noise, pitch), features scaled
#   attention  the same data, the refined network
#   combined   the six emotions that all corpora have, listed speakers, training times three
#
#   OUT/results.tsv   the table; OUT/results.txt: for people; OUT/results/STAGE.tsv: its rows
CORPORA := $(if $(filter-out baseline augmented attention,$(or $(MAKECMDGOALS),all)),ravdess savee cremad,ravdess)
OUT     ?= out/combined
SHOW    ?= $(OUT)/results.txt
RESULTS  = results results.tsv
SEED    ?= 1

# What a message about a corpus that is not there adds.
WITHOUT = $(if $(filter ravdess,$1),; three stages need RAVDESS alone: \
    make -f $(STUDY) baseline augmented attention)

TIMES3 = --noise 0.005 --pitch -3:3 --seed $(SEED)
combined.DROP = calm,surprised

STAGES = $(if $(filter ravdess,$(CORPORA)),baseline augmented attention) combined
SPLITS = $(sort $(foreach s,$(STAGES),$(split.$s)))
RUNS   = $(foreach s,$(STAGES),$(split.$s)/$s.$(SEED))
RANDOM_SPLIT = random$(SEED)

split.baseline  = $(RANDOM_SPLIT)
split.augmented = listed
split.attention = listed
split.combined  = combined

$(RANDOM_SPLIT).FROM   = ravdess
$(RANDOM_SPLIT).ROWS   = $(OUT)/manifest/ravdess.tsv
listed.FROM      = ravdess
listed.ROWS      = $(OUT)/manifest/ravdess.tsv
listed.PARTS     = $(ROOT)/manifests/ravdess-notebook.tsv
listed.AUGMENT   = $(TIMES3)
combined.PARTS   = $(ROOT)/manifests/combined-notebook.tsv
combined.AUGMENT = $(TIMES3)

baseline.NET          = $(ROOT)/pipelines/nets/baseline.net
baseline.PATIENCE     = 20
baseline.LR_PATIENCE  = 0
augmented.NET         = $(ROOT)/pipelines/nets/baseline-scaled.net
augmented.PATIENCE    = 20
augmented.LR_PATIENCE = 0
attention.NET         = $(ROOT)/pipelines/nets/attention-scaled.net
combined.NET          = $(ROOT)/pipelines/nets/attention.net
combined.BATCH       ?= 100
combined.EPOCHS      ?= 20

$(foreach v,SEEDS PROTOCOL FOLD,$(if $(filter command,$(origin $v)),$(error \
    $v=$($v): the stages have their own protocols and one seed, SEED=N; ravdess.mk takes $v)))

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))rules.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))

# ---- the table ----

# What the notebook reports of each stage, accuracy in per cent.
$(foreach s,$(STAGES),$(eval notebook.$s := $(shell $(call awk,published-figure) notebook $s accuracy \
    $(ROOT)/manifests/published.tsv)))

# $1: stage, $2: its predictions
define stage_rules
$(call stamp,$(OUT)/options/results.$1,$(call row,$1) $2)
$(OUT)/results/$1.tsv: $2 $(OUT)/options/results.$1 $(call awk_files,stage-row) $(call tool,eval)
	@mkdir -p $$(@D)
	@$(call tool,eval) --tsv $2 | $(call awk,stage-row) $(call row,$1) \
	    "$$$$(for c in $(call of,$(split.$1),FROM); do [ ! -e $(OUT)/manifest/$$$$c.generated ] || echo generated; done | \
	    sort -u | grep . || echo -)" $2 - >$$@.new; mv $$@.new $$@

$1: $(OUT)/results/$1.tsv $(OUT)/split/$(split.$1)/certificate.tsv $(call study_list,$1)
	$(if $(dry),,@$(call awk,align-columns) $$<)
.PHONY: $1
endef
row = $1 '$(strip $(call of,$(split.$1),FROM)$(if $(call of,$(split.$1),AUGMENT), x3))' \
    $(basename $(notdir $(call of,$1,NET))) \
    '$(if $(filter random%,$(split.$1)),random 70/15/15,listed speakers)' $(notebook.$1)

$(foreach s,$(STAGES),$(eval $(call stage_rules,$s,$(OUT)/split/$(split.$s)/$s.$(SEED)/predictions.tsv)))

$(call stamp,$(OUT)/options/results,$(STAGES))
$(OUT)/results.tsv: $(STAGES:%=$(OUT)/results/%.tsv) $(OUT)/options/results $(call awk_files,stack-tables)
	@$(call stack,$(filter %.tsv,$^)) >$@.new; mv $@.new $@

$(OUT)/results.txt: $(OUT)/results.tsv $(OUT)/scores.tsv $(call awk_files,align-columns) $(call awk_files,step-times)
	@{ $(call awk,align-columns) $<; echo; \
	echo 'WA, UA, macro-F1 and the notebook'\''s accuracy in per cent. Nets named -scaled divide by the training part'\''s'; \
	echo 'largest value; the notebook divided each part by its own.'; \
	echo; $(call awk,step-times) $(OUT)/times.tsv; } >$@.new; mv $@.new $@

$(filter-out $(STAGES),baseline augmented attention):
	@echo "$@ is a stage of RAVDESS, which CORPORA=$(CORPORA) leaves out" >&2; exit 2
