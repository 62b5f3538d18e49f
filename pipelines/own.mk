# One's own recordings: from a folder or a table to scores.
#   make -f pipelines/own.mk DIR=recordings                         a folder for each label in it
#   make -f pipelines/own.mk DIR=recordings SPEAKER_FROM='/([^/_]*)_[^/]*$'    who speaks, in the names of files
#   make -f pipelines/own.mk TABLE=m.csv COLUMNS=path=file,emotion=label,speaker=who
#   make -f pipelines/own.mk DIR=emodb CORPUS=emodb FOLDS=10        a corpus that ser-manifest knows
#   DIR TABLE         of which one is needed; ser-manifest(1) says how they are read
#   CORPUS            with DIR: folders, the name of a corpus, or a file that describes one
#   LABEL_FROM SPEAKER_FROM COLUMNS   as ser-manifest takes them
#   FOLDS             how many folds of speakers to make (default 5; as many as there are speakers: each is left out in
#                     turn), or a table of speakers and folds
#   NET               default: tiny for less than 1,000 recordings, else attention
#   FRAMES            how much is used of each recording, in frames of 23 ms (default 174: 4.04 s), with tiny for a network
#   MAP               other names for labels: calm=neutral,excited=happy, or a table; DROP=LABEL,... leaves some out
# With fewer than three known speakers recordings are divided at random, five times. Recordings without a label, which
# is empty or -, are scored at the end by all models together. SEEDS= and the options of rules.mk hold here, too; the
# target help shows them.
#
#   OUT/own.txt           the table, and what it is worth
#   OUT/predictions.tsv   of the recordings without a label
ME := $(strip $(MAKEFILE_LIST))
VARIABLES   += DIR TABLE CORPUS LABEL_FROM SPEAKER_FROM COLUMNS
NO_VARIABLES = CORPORA RAVDESS SAVEE CREMAD EMODB PARTS FROM ROWS
CORPORA = own
OWN     = own
OUT     = out/own
SHOW    = $(OUT)/own.txt
RESULTS = study.mk checked folds.tsv unlabelled.sert predictions.tsv
CORPUS ?= folders

# A table of folds, or how many are to be drawn.
DRAWN := $(if $(wildcard $(FOLDS)),,$(or $(FOLDS),5))
ifneq ($(and $(DRAWN),$(filter 0,$(shell echo '$(subst ','\'',$(DRAWN))' | grep -Ecx '[2-9]|[1-9][0-9]{1,2}|1000'))),)
$(error FOLDS=$(DRAWN): no such table, and no number of folds from 2 to 1000)
endif
override FOLDS := $(if $(DRAWN),$(OUT)/folds.tsv,$(FOLDS))

# What there is to make depends on the recordings: make makes study.mk, and begins again.
ifeq ($(filter clean help,$(MAKECMDGOALS)),)
to_know := $(OUT)/study.mk
include $(wildcard $(to_know))
endif
PROTOCOL := $(or $(OWN_SPLIT),random)
NET      ?= $(or $(if $(FRAMES),,$(OWN_NET)),tiny)
ifeq ($(origin SEEDS),undefined)
SEEDS    := $(or $(SEED),$(if $(filter random,$(PROTOCOL)),1 2 3 4 5,1))
endif
SPLITS    = $(if $(filter random,$(PROTOCOL)),$(SEEDS:%=random%),$(FOLD:%=fold%))
RUNS      = $(foreach s,$(SPLITS),$(foreach n,$(if $(filter random,$(PROTOCOL)),$(s:random%=%),$(SEEDS)),$s/$(NET_NAME).$n))
ROWS      = $(OUT)/manifest/labelled.tsv

# Few recordings: small batches, many epochs, larger steps.
tiny.EPOCHS    = 60
tiny.BATCH     = 16
tiny.LR        = 0.002
tiny.PATIENCE  = 20
tiny.LR_FACTOR = 0.5

# ---- the manifest: for rules.mk, before it claims the folder ----

define own_rules
SOURCE := $(if $(value TABLE),$(call quote,$(value TABLE)),$(if $(value DIR),$(call quote,$(value DIR))))
option  = $(if $(value $2),$1 $(call quote,$(value $2)))
READ   := $(if $(value TABLE),--table $(SOURCE) $(call option,--columns,COLUMNS),--corpus $(call quote,$(value CORPUS)) \
    $(call option,--label-from,LABEL_FROM) $(call option,--speaker-from,SPEAKER_FROM) $(SOURCE))
OWN_ROWS = $(OUT)/manifest/own.tsv

ifeq ($(no_study),)
ifneq ($(if $(value TABLE),$(if $(value DIR),both),$(if $(value DIR),,none)),)
$(error DIR=FOLDER or TABLE=FILE says where the recordings are: give one of them)
endif
$(call stamp,$(OUT)/options/own,$(READ) $(manifest_options))

# The source matters only when the manifest has to be made from it: when it, or a recording, is newer.
has_source = $(shell test $(if $(value TABLE),-f,-d) $(SOURCE) && echo yes)
need_source = $(if $(has_source),,$(error $(if $(value TABLE),TABLE=$(value TABLE): no such file,DIR=$(value DIR): no such folder)))
newer = find -L $(SOURCE) -newer $(OWN_ROWS) -print -quit; cut -f 2 $(OWN_ROWS) | sed 1d | \
    xargs -d '\n' -r sh -c 'find -L "$$@" -newer $(OWN_ROWS) -print -quit' -
$(if $(wildcard $(OWN_ROWS)),$(if $(call stale,$(OUT)/options/own),$(need_source)),$(need_source))
$(if $(and $(wildcard $(OWN_ROWS)),$(has_source)),$(if $(shell { $(newer); } 2>&1 | head -n 1),$(eval $(OWN_ROWS): FORCE)))
endif

$(OWN_ROWS): $(OUT)/options/own $(call tool,manifest) $(map_file)
	@mkdir -p $(@D)
	@$(start) $(call tool,manifest) $(READ) $(manifest_options) >$@.new; rm -f $(@:.tsv=.generated); \
	$(if $(value DIR),[ ! -e $(SOURCE)/.generated ] || : >$(@:.tsv=.generated);) mv $@.new $@; \
	$(call took,manifest,own); echo "manifest: $$(($$(wc -l <$@) - 1)) recordings"
endef

include $(or $(wildcard $(dir $(lastword $(ME)))rules.mk),$(error $(ME): the path must not contain spaces))

# What is shown of earlier recordings or folds goes.
$(call stamp,$(OUT)/options/study,$(DRAWN) $(if $(DRAWN),,$(FOLDS)))
$(OUT)/study.mk: $(OUT)/manifest.tsv $(OUT)/options/study $(if $(DRAWN),,$(FOLDS)) $(call awk_files,own-study)
	@$(call awk,own-study) $(or $(DRAWN),0) $< $(if $(DRAWN),,$(FOLDS)) >$@.new
	@rm -f $(SHOW) $(OUT)/predictions.tsv; mv $@.new $@

$(call stamp,$(OUT)/options/rows,$(PROTOCOL))
$(ROWS) $(OUT)/manifest/unlabelled.tsv: $(OUT)/manifest/%.tsv: $(OUT)/manifest.tsv $(OUT)/options/rows \
    $(call awk_files,own-rows)
	@$(call awk,own-rows) $* $(PROTOCOL) $< >$@.new; mv $@.new $@

$(call stamp,$(OUT)/options/drawn,$(words $(FOLD)) $(firstword $(SEEDS)))
$(if $(DRAWN),$(OUT)/folds.tsv): $(ROWS) $(OUT)/options/drawn $(call tool,split)
	@$(call tool,split) --make-folds $(words $(FOLD)) --seed $(firstword $(SEEDS)) $< >$@.new; mv $@.new $@

# What can be known before anything is trained is said before.
$(OUT)/checked: $(SPLITS:%=$(OUT)/split/%/manifest.tsv) $(call awk_files,own-check)
	@$(call awk,own-check) $(filter %.tsv,$^); touch $@
$(RUNS:%=$(OUT)/split/%/model.bin): | $(OUT)/checked

# ---- recordings without a label ----

$(OUT)/unlabelled.sert: $(OUT)/manifest/unlabelled.tsv $(hearing) $(foreach o,features normalize,$(firstword \
    $(SPLITS:%=$(OUT)/split/%/options/$o))) $(if $(NORMALIZE),$(call tool,tensor))
	@$(start) $(hear) -m $< $(equally_long) $(if $(NORMALIZE),| $(call tool,tensor) normalize $(NORMALIZE) )>$@.new; mv $@.new $@; \
	$(call took,features,unlabelled)

$(RUNS:%=$(OUT)/split/%/unlabelled.tsv): %/unlabelled.tsv: %/model.bin $(OUT)/unlabelled.sert $(call tool,score)
	@$(call tool,score) -q $< $(OUT)/unlabelled.sert -o $@

$(OUT)/predictions.tsv: $(RUNS:%=$(OUT)/split/%/unlabelled.tsv) $(OUT)/options/report $(call awk_files,average-predictions)
	@$(call awk,average-predictions) $(filter %.tsv,$^) >$@.new; mv $@.new $@

# ---- the table ----

ifeq ($(crossing),)
$(eval $(call study_rules,$(JUDGED),$(RUNS)))
endif
# Features of all recordings: those of one split, and of what has no label.
ALL_FEATURES = $(patsubst %,$(OUT)/split/$(firstword $(SPLITS))/%.sert,test $(if $(VAL),,val) train) \
    $(if $(filter-out 0,$(UNLABELLED)),$(OUT)/unlabelled.sert)
heard = $(call tool,tensor) ls -H $(firstword $(ALL_FEATURES)); \
    for f in $(ALL_FEATURES); do $(call tool,tensor) ls -c unheard_s $$f; done

$(SHOW): $(JUDGED)/table.txt $(OUT)/manifest.tsv $(if $(filter-out 0,$(UNLABELLED)),$(OUT)/predictions.tsv) $(ALL_FEATURES) \
    $(call awk_files,own-notes) $(call awk_files,step-times) $(call tool,tensor)
	@{ cat $<; $(call awk,own-notes) $(PROTOCOL) $(OUT) $(firstword $(RUNS)) $(OUT)/manifest.tsv <($(heard)); echo; \
	$(call awk,step-times) $(OUT)/times.tsv; } >$@.new; mv $@.new $@
