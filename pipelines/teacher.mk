# The target teacher: what a network says of the training recordings of each split of a cross-validation, for a student to learn
# beside their labels (ser-train --soft). Each row is by a network that was trained on the other folds of the split's training
# part: so neither the speakers that the student is tested on were heard, nor the recording's own. A table of everyone is made,
# too, each fold by a network of all others: for the target model.
#   make -f pipelines/ravdess.mk teacher NET=best-whisper OUT=out/teacher
#   make -f pipelines/ravdess.mk cv NET=best SOFT=out/teacher/teacher/folds5.best-whisper TRAIN="--soft-weight 0.5"
# Of SEEDS the first is the teacher's. Both must have the same folds, and the teacher none for validation (VAL=none, or options of NET that say so).
# rules.mk includes this file.
#
#   OUT/teacher/PROTOCOL.NET/SPLIT.tsv   as ser-score writes it; everyone.tsv

ifeq ($(no_study)$(VAL),)
$(error teacher: an inner fold has no other to judge its epochs by: NET= with options that say so, or VAL=none)
endif
ifneq ($(BACKBONE),)
$(error teacher: NET=$(NET) hears a backbone, $(BACKBONE): the teacher is to be a network that hears features)
endif
ifneq ($(filter-out folds%,$(PROTOCOL)),)
$(error teacher: PROTOCOL=$(PROTOCOL) has no inner folds: expected folds5 or folds4)
endif

TEACHER = $(OUT)/teacher/$(PROTOCOL).$(NET_NAME)
teacher_options = --net $(call net,$(NET_NAME)) $(call train_options,$(NET_NAME)) --seed $(firstword $(SEEDS))
$(call stamp,$(TEACHER)/options,$(call without_quiet,$(teacher_options)) $(FOLDS))

$(patsubst %,$(TEACHER)/%.tsv,$(SPLITS) everyone): $(TEACHER)/%.tsv: $(OUT)/split/%/train.sert $(OUT)/split/%/manifest.tsv \
    $(TEACHER)/options $(FOLDS) $(call net,$(NET_NAME)) $(HELPERS)/predict-inner-folds $(call awk_files,testable-folds) \
    $(call awk_files,rows-where) $(call awk_files,stack-tables) $(call tool,split) $(call tool,tensor) $(call tool,train) $(call tool,score)
	@$(start) $(HELPERS)/predict-inner-folds $(BUILD) $(FOLDS) $(OUT)/split/$*/manifest.tsv $< $(teacher_options) \
	    $(if $(THREADS),--threads $(THREADS)) >$@.new; mv $@.new $@; $(call took,teacher,$*); \
	echo "teacher: $*, $$(($$(wc -l <$@) - 1)) recordings"

teacher: $(patsubst %,$(TEACHER)/%.tsv,$(SPLITS) everyone)
	$(if $(dry),,@echo SOFT=$(TEACHER))
.PHONY: teacher
