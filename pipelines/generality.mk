# What a recipe is worth elsewhere: at home, in noise, on the telephone, in another corpus and language, and on voices that
# are known from few recordings, as one table. Each study in it is a pipeline of its own, in a folder of its own.
#   make -f pipelines/generality.mk NET=best SEEDS="1 2 3"
#   NET      the recipe; FORMS: its forms, which are the columns (default: NET, and NET-speaker where it is there)
#   RAVDESS EMODB   folders; the options of rules.mk hold for all studies, CONDITIONS and KNOWN of conditions.mk for ravdess and emodb
#   STUDIES  which rows, of
#     ravdess   all emotions, five folds of speakers, each tested once; in other conditions, and on voices known from few recordings
#     emodb     the same for EmoDB and the four emotions, each speaker left out in turn; known from at most 8, since some have few
#     home      RAVDESS, the four emotions that are in most corpora, five folds
#     cross     trained on one of both, tested on the other; the four emotions
#     both      trained on both, five folds of both; the four emotions
#
#   OUT/STUDY/FORM/          each study
#   OUT/table/               the figures of each, as rows of conditions.mk
#   OUT/generality.txt       unweighted recall in per cent, with the interval of 95 % over speakers; generality.tsv
include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))base.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))

OUT     ?= out/generality
NET     ?= best
RAVDESS ?= ravdess_data
EMODB   ?= emodb_data
SEEDS   ?= $(if $(VOTE),$(shell seq $(VOTE)),1)
STUDIES ?= ravdess emodb home cross both
NETS    := $(ROOT)/pipelines/nets
FORMS   ?= $(NET) $(notdir $(basename $(wildcard $(NETS)/$(notdir $(NET))-speaker.options)))

VARIABLES += STUDIES FORMS NET SEED SEEDS VOTE RAVDESS EMODB FOLD MANIFEST TRAIN EPOCHS BATCH LR MIN_LR THREADS VAL CHECK CONDITIONS KNOWN \
    PRIOR ENCODER FEATURES AUGMENT NORMALIZE
$(eval $(value refuse_unknown))
ifneq ($(filter-out ravdess emodb home cross both,$(STUDIES)),)
$(error STUDIES=$(STUDIES): expected some of ravdess emodb home cross both)
endif

# $(call study,STUDY,FORM,PIPELINE): its make
study = +@$(MAKE) --no-print-directory -f $(HERE)$3.mk OUT=$(OUT)/$1/$2 NET=$2 SEEDS=$(call quote,$(SEEDS))
four  = MANIFEST='$(MANIFEST) --emotions angry,happy,neutral,sad'
pair  = CORPORA='ravdess emodb' $(four)
name  = $(notdir $1)
# What becomes of voices: the options of a form, or those of the command line, tell.
voices = $(if $(findstring --by speaker,$(NORMALIZE)$(shell sed -n 's/^normalize //p' $(firstword $(wildcard $1.options \
    $(NETS)/$1.options) /dev/null))),speaker,plain)
figures = $(call awk,conditions-table) $(call voices,$2) $(OUT)/$1/$2/$3 >$(OUT)/table/$4.$(call name,$2).tsv

# $1: form
define form_rules
ravdess.$1: $(OUT)/table
	$(call study,ravdess,$1,ravdess) conditions
	@cp $(OUT)/ravdess/$1/cv/folds5.$(call name,$1)/conditions.tsv $(OUT)/table/ravdess.$(call name,$1).tsv
emodb.$1: $(OUT)/table
	$(call study,emodb,$1,own) DIR=$(call quote,$(EMODB)) CORPUS=emodb FOLDS=10 $(four) VOTE= \
	    KNOWN=$(call quote,$(or $(KNOWN),1 2 4 8)) conditions
	@cp $(OUT)/emodb/$1/cv/folds.$(call name,$1)/conditions.tsv $(OUT)/table/emodb.$(call name,$1).tsv
home.$1: $(OUT)/table
	$(call study,home,$1,ravdess) $(four) cv
	@$(call figures,home,$1,cv/folds5.$(call name,$1)/scores.tsv,ravdess4)
cross.$1: $(OUT)/table
	$(call study,cross,$1,cross) $(pair) VOTE=
	@$(call figures,cross,$1,cv/ravdess-to-emodb.$(call name,$1)/scores.tsv,ravdess-to-emodb)
	@$(call figures,cross,$1,cv/emodb-to-ravdess.$(call name,$1)/scores.tsv,emodb-to-ravdess)
both.$1: $(OUT)/table
	$(call study,both,$1,ravdess) $(pair) FOLDS=$(ROOT)/manifests/ravdess-emodb-folds5.tsv cv
	@for c in ravdess emodb; do \
	    for s in $(SEEDS); do $(call awk,rows-where) corpus $$$$c $(OUT)/both/$1/split/fold*/$(call \
	        name,$1).$$$$s/predictions.tsv >$(OUT)/both/$1/$$$$c.$$$$s.rows; done; \
	    $(call tool,eval) --tsv $(SEEDS:%=$(OUT)/both/$1/$$$$c.%.rows) -o $(OUT)/both/$1/$$$$c.tsv; \
	    $(call awk,conditions-table) $(call voices,$1) $(OUT)/both/$1/$$$$c.tsv >$(OUT)/table/both-to-$$$$c.$(call name,$1).tsv; \
	done
.PHONY: ravdess.$1 emodb.$1 home.$1 cross.$1 both.$1
endef
$(foreach f,$(FORMS),$(eval $(call form_rules,$f)))

$(OUT)/table:
	@mkdir -p $@

# Rows in the order of the studies, columns in that of the forms.
rows.ravdess = ravdess
rows.emodb   = emodb
rows.home    = ravdess4
rows.cross   = ravdess-to-emodb emodb-to-ravdess
rows.both    = both-to-ravdess both-to-emodb
TABLES = $(foreach s,$(STUDIES),$(foreach r,$(rows.$s),$(foreach f,$(FORMS),$(OUT)/table/$r.$(call name,$f).tsv)))

all: $(foreach s,$(STUDIES),$(FORMS:%=$s.%))
	@$(call awk,generality-table) $(TABLES) >$(OUT)/generality.tsv
	@$(call awk,align-columns) $(OUT)/generality.tsv >$(OUT)/generality.txt; echo; cat $(OUT)/generality.txt

clean:
	rm -rf $(OUT)

.PHONY: all clean
