# The study of combined.mk on generated speech under the three corpora's names: nothing to download, a minute
# or so.
#   make -f pipelines/demo.mk VOICES=91 UTTERANCES=8    of each corpus, where it has as many; of each voice
# The last line says which share of the combined stage's test part was recognised, voices that are not
# among those of training, and what always naming the commonest emotion gets.
VARIABLES += VOICES UTTERANCES
OUT        = out/demo
CHECK      =
MANIFEST   = --no-quarantine
VOICES     = 91
UTTERANCES = 8

# Little data and little time: many small batches, a larger step that is cut early.
baseline.EPOCHS  = 20
baseline.BATCH   = 8
baseline.LR      = 0.0015
augmented.EPOCHS = 10
augmented.BATCH  = 4
attention.EPOCHS = 10
attention.BATCH  = 4
combined.EPOCHS  = 4
combined.BATCH   = 16
combined.LR      = 0.0015
LR_PATIENCE      = 4
LR_FACTOR        = 0.5

SPEECH   = $(OUT)/speech
MADE     = $(SPEECH)
RAVDESS := $(SPEECH)/ravdess_data
SAVEE   := $(SPEECH)/savee_data
CREMAD  := $(SPEECH)/crema_d_data
SHOW     = $(OUT)/results.txt $(OUT)/demo.txt

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))combined.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))

RESULT = $(OUT)/split/combined/combined.$(SEED)

$(call stamp,$(OUT)/options/speech,$(VOICES) $(UTTERANCES))
$(SPEECH): $(OUT)/options/speech $(HELPERS)/generate-speech
	@rm -rf $@
	@$(start) $(HELPERS)/generate-speech --corpora -s $(VOICES) -u $(UTTERANCES) $@; $(call took,speech,all)

$(OUT)/demo.txt: $(RESULT)/predictions.tsv $(OUT)/scores.tsv $(call awk_files,accuracy)
	@{ echo; \
	echo 'manifest     $(OUT)/manifest.tsv'; \
	echo 'features     $(dir $(RESULT))train.sert val.sert test.sert'; \
	echo 'model        $(RESULT)/model.bin'; \
	echo 'predictions  $(RESULT)/predictions.tsv'; \
	echo 'scores       $(OUT)/scores.txt'; \
	echo 'log          $(RESULT)/log.tsv'; \
	$(call awk,accuracy) $<; } >$@.new; mv $@.new $@
