# From corpus to corpus: a network that is trained on one is tested on all of another, for all ordered pairs.
#   make -f pipelines/cross.mk                              or others: CORPORA="ravdess cremad", CORPORA="ravdess emodb"
#   make -f pipelines/cross.mk SEEDS="1 2 3" NET=baseline   and the options of rules.mk, for all pairs
# A pair has the emotions that occur in both. The training corpus' own speakers validate: those of the first of
# its folds (ravdess.FOLDS= and so on) that it has speakers of; the others train.
#
#   OUT/pairs/A-to-B.tsv         utterances of a pair; A-to-B.parts.tsv: its speakers and their parts
#   OUT/cv/A-to-B.NET/           scores.tsv scores.txt certificate.tsv
#   OUT/cross.NET.txt            the table, with intervals over speakers
CORPORA = ravdess savee cremad
OUT     = out/cross
SHOW    = $(OUT)/cross.$(NET_NAME).txt
RESULTS = pairs

PROTOCOL = cross
SPLITS   = $(foreach a,$(CORPORA),$(foreach b,$(filter-out $a,$(CORPORA)),$a-to-$b))
RUNS     = $(foreach s,$(SPLITS),$(SEEDS:%=$s/$(NET_NAME).%))

ravdess.FOLDS = $(ROOT)/manifests/ravdess-folds5.tsv
savee.FOLDS   = $(ROOT)/manifests/savee-folds4.tsv
cremad.FOLDS  = $(ROOT)/manifests/cremad-folds5.tsv
emodb.FOLDS   = $(ROOT)/manifests/ravdess-emodb-folds5.tsv

# $1: pair, $2: trained on, $3: tested on
define pair_variables
$1.FROM  = $2 $3
$1.ROWS  = $$(OUT)/pairs/$1.tsv
$1.PARTS = $$(OUT)/pairs/$1.parts.tsv
endef
$(foreach a,$(CORPORA),$(foreach b,$(filter-out $a,$(CORPORA)),$(eval $(call pair_variables,$a-to-$b,$a,$b))))

ifeq ($(SPLITS),)
$(error CORPORA=$(CORPORA): expected two or more of ravdess savee cremad emodb)
endif

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))rules.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))

# $1: pair, $2: trained on, $3: tested on
define pair_rules
$(call stamp,$(OUT)/options/$1,$($2.FOLDS))
$($1.ROWS): $(OUT)/manifest.tsv $(call awk_files,pair-rows)
	@mkdir -p $$(@D)
	@$(call awk,pair-rows) $2 $3 $$< $$< >$$@.new; mv $$@.new $$@

$($1.PARTS): $($1.ROWS) $($2.FOLDS) $(OUT)/options/$1 $(call awk_files,pair-parts)
	@$(call awk,pair-parts) $2 $($2.FOLDS) $$< >$$@.new; mv $$@.new $$@

$(call study_rules,$(OUT)/cv/$1.$(NET_NAME),$(filter $1/%,$(RUNS)))
endef
$(foreach a,$(CORPORA),$(foreach b,$(filter-out $a,$(CORPORA)),$(eval $(call pair_rules,$a-to-$b,$a,$b))))

$(call stamp,$(OUT)/options/pairs,$(RUNS))
CERTIFICATES = $(SPLITS:%=$(OUT)/cv/%.$(NET_NAME)/certificate.tsv)
$(SHOW): $(SPLITS:%=$(OUT)/cv/%.$(NET_NAME)/scores.tsv) $(CERTIFICATES) $(OUT)/options/pairs \
    $(call awk_files,results-table) $(call awk_files,sum-certificates)
	@{ $(foreach s,$(SPLITS),$(call awk,results-table) $(OUT)/cv/$s.$(NET_NAME) cross $(NET_NAME) $(OUT) \
	    $(filter $s/%,$(RUNS)) | sed '$(if $(filter-out $(firstword $(SPLITS)),$s),1d)';) \
	$(call remarks,$(CERTIFICATES)); } >$@.new; mv $@.new $@
