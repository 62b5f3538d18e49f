# The whole pipeline on generated speech: nothing to download, a minute or so.
#   make -f pipelines/demo.mk VOICES=24 UTTERANCES=32
# The voices of validation and test are not among those of training. The last line says which share
# of the test part's utterances was recognised, and what always naming the commonest emotion gets.
CORPORA    = ravdess
OUT        = out/demo
PARTS      = $(ROOT)/manifests/ravdess-notebook.tsv
FOLDS      = $(ROOT)/manifests/ravdess-folds5.tsv
CHECK      =
MANIFEST   = --no-quarantine
VOICES     = 24
UTTERANCES = 32

# Little data and little time: small batches, a larger step that is cut early.
EPOCHS      = 16
BATCH       = 8
LR          = 0.0015
LR_PATIENCE = 3
LR_FACTOR   = 0.5

MADE     = $(OUT)/speech
RAVDESS := $(OUT)/speech
SHOW     = $(REPORT) $(OUT)/demo.txt

include $(dir $(lastword $(MAKEFILE_LIST)))rules.mk

RESULT = $(OUT)/split/$(firstword $(RUNS))

$(call stamp,$(OUT)/options/speech,$(VOICES) $(UTTERANCES))
$(OUT)/speech: $(OUT)/options/speech $(ROOT)/pipelines/ser-demo-corpus
	@rm -rf $@
	@$(start) $(ROOT)/pipelines/ser-demo-corpus -s $(VOICES) -u $(UTTERANCES) $@; $(call took,speech,all)

$(OUT)/demo.txt: $(REPORT)
	@awk -F '\t' 'NR == 1 {for (i = 1; i <= NF; i++) c[$$i] = i; next} \
	    {n++; right += $$c["emotion"] == $$c["predicted"]; if (++size[$$c["emotion"]] > most) most = size[$$c["emotion"]]} \
	    !($$c["speaker"] in seen) {seen[$$c["speaker"]]; speakers++} \
	    END { \
	        print ""; \
	        print "manifest     $(OUT)/manifest.tsv"; \
	        print "features     $(dir $(RESULT))train.sert val.sert test.sert"; \
	        print "model        $(RESULT)/model.bin"; \
	        print "predictions  $(RESULT)/predictions.tsv"; \
	        print "scores       $(OUT)/scores.txt"; \
	        print "log          $(RESULT)/log.tsv"; \
	        printf "accuracy=%.3f chance=%.3f speakers=%d utterances=%d (generated speech)\n", \
	            right / n, most / n, speakers, n; \
	    }' $(RESULT)/predictions.tsv >$@.new; mv $@.new $@
