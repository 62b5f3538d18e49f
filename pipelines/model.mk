# The target model: a model to use, and its card. It is trained on all recordings of a pipeline, with the options of NET; what it
# is worth is what models trained the same way come to in a cross-validation, on voices that each has not heard, and under the
# conditions of conditions.mk. The temperature that makes of 70 % what comes true in 70 % is fitted on these, too.
#   make -f pipelines/ravdess.mk model NET=best MODELS=pipelines/models
#   MODELS  the folder that gets NAME.bin and NAME.card (default OUT/model, for SER_MODELS=OUT/model). A BACKBONE's .bin is
#           taken from there, whichever recordings it was trained on, and is made where there is none. One that was trained
#           otherwise than those of the cross-validation is refused
# With NORMALIZE=--by speaker the model holds what the voices it was trained on are (ser-train --prior).
# It is made by the plain kernels, whose bytes are the same on any x86-64. The file pipelines/models/README.md says what
# a card tells; lines "card KEY VALUE" of NAME.options are in it as they are.
# rules.mk includes this file.

MODELS ?= $(OUT)/model
ifeq ($(no_study)$(VAL),)
$(error model: what is trained on all recordings has none to judge its epochs by: NET= with options that say so, or VAL=none)
endif
CARD    = $(MODELS)/$(NET_NAME).card
SHIPPED = $(MODELS)/$(NET_NAME).bin

EVERYONE = $(OUT)/split/everyone

# What it hears: the features of all recordings, or their embeddings by a backbone that has heard all, too. That is a model
# of its own beside this one, and is made here only where there is none yet.
HEARD = $(if $(BACKBONE),$(EVERYONE)/$(NET_NAME),$(EVERYONE))
$(if $(by_voice),$(eval $(call prior_rules,$(HEARD),$(if $(BACKBONE),$(HEARD)/embeddings/train.sert,$(call streams_in,everyone,train)))))
ifneq ($(BACKBONE),)
SHIPPED_BACKBONE = $(MODELS)/$(BACKBONE_NAME).bin
$(SHIPPED_BACKBONE): | $(EVERYONE)/train.sert $(call net,$(BACKBONE_NAME)) $(call tool,train)
	@mkdir -p $(@D); $(start) $(call tool,train) --net $(call net,$(BACKBONE_NAME)) -o $@ $(call train_options,$(BACKBONE_NAME)) --keep last \
	    --kernels plain --seed $(firstword $(SEEDS)) $(if $(THREADS),--threads $(THREADS)) $(EVERYONE)/train.sert; \
	$(call took,train,$(BACKBONE_NAME).model)
$(call stamp,$(HEARD)/embeddings/options,$(SHIPPED_BACKBONE))
# The scores are those of heads of backbones that the cross-validation has trained, and so are to be this one's.
JUDGED_BACKBONE  = $(OUT)/split/$(firstword $(BACKBONE_RUNS))/model.bin
$(HEARD)/embeddings/train.sert: $(SHIPPED_BACKBONE) $(EVERYONE)/train.sert $(JUDGED_BACKBONE) $(HEARD)/embeddings/options $(call tool,score) $(HELPERS)/same-training
	@$(HELPERS)/same-training $(BUILD) $< $(JUDGED_BACKBONE) || { code=$$?; echo "model: $< has to be made anew: remove it, or" \
	    "make the target model with NET=$(BACKBONE); another folder as MODELS= keeps it" >&2; exit $$code; }
	@$(call tool,score) -q --embed --kernels plain $< $(EVERYONE)/train.sert -o $@
$(HEARD)/train.sert: $(HEARD)/embeddings/train.sert $(EVERYONE)/options/normalize $(call tool,tensor)
	@$(if $(NORMALIZE),$(call normalized,$(NORMALIZE)),cat) <$< >$@.new; mv $@.new $@
endif

# A temperature for each split from the others, which tells what that is worth; and one for the model from all.
CALIBRATION = $(JUDGED)/calibration.tsv
$(CALIBRATION): $(PREDICTIONS) $(JUDGED)/options $(HELPERS)/judge-temperature $(call awk_files,temper) $(call tool,eval)
	@$(HELPERS)/judge-temperature $(BUILD) $(PREDICTIONS) >$@.new; mv $@.new $@

# A training that was killed goes on, and another temperature costs none; other data or options begin anew.
STATE      = $(EVERYONE)/$(NET_NAME).state
WITH_PRIOR = $(if $(by_voice),$(HEARD)/prior.sert)
model_options = $(call train_options,$(NET_NAME)) $(call soft_options,$(EVERYONE),$(NET_NAME)) --keep last --kernels plain --seed $(firstword $(SEEDS)) $(WITH_PRIOR:%=--prior %)
$(call stamp,$(OUT)/options/model.$(NET_NAME),$(call without_quiet,$(call net,$(NET_NAME)) $(model_options) $(call hears,$(NET_NAME))))
$(SHIPPED): $(HEARD)/train.sert $(WITH_PRIOR) $(CALIBRATION) $(call net,$(NET_NAME)) $(OUT)/options/model.$(NET_NAME) \
    $(call soft_table,$(EVERYONE),$(NET_NAME)) $(call tool,train)
	@mkdir -p $(@D); for file in $(filter-out $(CALIBRATION),$^); do [ ! "$$file" -nt $(STATE) ] || rm -f $(STATE); done
	@$(start) $(call tool,train) --net $(call net,$(NET_NAME)) -o $@ --log $(JUDGED)/model.log.tsv $(model_options) \
	    --checkpoint $(STATE) --resume --temperature "$$(sed -n 's/^temperature\t//p' $(CALIBRATION))" $(if $(THREADS),--threads $(THREADS)) $<; \
	$(call took,train,$(NET_NAME).model)

# The command that makes it again: what was chosen, and of where things are no more than that it is to be told.
PLACES  = RAVDESS SAVEE CREMAD EMODB DIR TABLE SOFT
chosen  = $(foreach v,$(filter-out OUT JOBS BUILD THREADS MODELS CHECK RERUN_JOBS RERUN_THREADS CC CFLAGS CPPFLAGS LDFLAGS SANITIZE WERROR \
    ONEDNN,$(VARIABLES)),$(if $(filter command,$(origin $v)),$v=$(if $(filter $(PLACES),$v),PLACE,$(if $(word 2,$($v)),"$($v)",$($v)))))
made_by = make -f pipelines/$(notdir $(STUDY)) model $(strip $(chosen))
use     = $(if $(ENCODER),ser-embed,ser-mfcc) --like $(NET_NAME) $(if $(by_voice),a.wav b.wav c.wav,< a.wav) | $(if $(BACKBONE),ser-score --embed \
    $(NET_NAME) | )$(if $(by_voice),ser-tensor normalize --by speaker --one-speaker --prior $(NET_NAME) $(PRIOR) | )ser-score $(NET_NAME)

# Its figures by sex and corpus.
BY_GROUP = $(JUDGED)/groups.tsv
$(BY_GROUP): $(PREDICTIONS) $(JUDGED)/options $(HELPERS)/score-groups $(call awk_files,rows-where) $(call tool,eval)
	@$(HELPERS)/score-groups $(BUILD) $(PREDICTIONS) >$@.new; mv $@.new $@

$(call stamp,$(OUT)/options/card.$(NET_NAME),$(made_by) $(use))
$(CARD): $(SHIPPED) $(EVERYONE)/manifest.tsv $(JUDGED)/certificate.tsv $(BY_GROUP) $(CONDITION_TABLE) $(CALIBRATION) $(beside) \
    $(OUT)/options/card.$(NET_NAME) $(call awk_files,card) $(HELPERS)/library-releases
	@{ $(if $(beside),sed -n 's/^card //p' $(beside);) \
	$(call awk,card) $(call quote,$(SEEDS)) $(ROOT)/manifests $(EVERYONE)/manifest.tsv $(JUDGED)/certificate.tsv $(BY_GROUP) \
	    $(CONDITION_TABLE) $(CALIBRATION); \
	{ $(generated); } | sed 's/^/data /'; printf '%s %s\n' use $(call quote,$(use)) made-by $(call quote,$(made_by)); $(HELPERS)/library-releases $(BUILD); } >$@.new; mv $@.new $@

model: cv conditions $(SHIPPED) $(CARD)
	$(if $(dry),,@echo; cat $(CARD); echo "$(SHIPPED): $$(($$(wc -c <$(SHIPPED)) / 1024)) kB")
.PHONY: model
