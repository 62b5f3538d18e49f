# The target conditions: the models of a cross-validation, tested again on what other rooms, microphones and lines make of
# the test recordings, and, where voices are normalised, on voices that are known from few recordings. Nothing is trained anew.
# rules.mk includes this file.
#   CONDITIONS  of noiseDB, phone, mp3; bin/alter-recordings says what they are (default: noise20 noise10 noise5 phone mp3)
#   KNOWN       with NORMALIZE=--by speaker: from how many recordings each voice is known (default: 1 2 4 8 16 32). The same
#               recordings are tested for all of them, those that none of them hears; statistics are shrunk towards those of
#               the training speakers
#   PRIOR       more options of ser-tensor normalize for that, such as --prior-weight 300
# Of voices that are normalised, those of a condition are so by their altered recordings.
#
#   OUT/split/SPLIT/conditions/C.sert        features of the test part
#   OUT/split/SPLIT/prior.sert               what the voices of the training part are; of embeddings of a BACKBONE this and
#                                            conditions/knownN.sert are the run's, in its folder
#   OUT/split/SPLIT/NAME.SEED/conditions/    predictions
#   OUT/cv/PROTOCOL.NAME/conditions.txt      the table; conditions.tsv; conditions/C.tsv: scores

CONDITIONS ?= noise20 noise10 noise5 phone mp3
KNOWN      ?= 1 2 4 8 16 32
$(eval PRIOR ?= $(call beside_line,prior))

ifneq ($(filter-out phone mp3 noise%,$(CONDITIONS)),)
$(error CONDITIONS=$(CONDITIONS): expected some of noiseDB, as in noise20, phone and mp3)
endif
not_a_count = $(shell printf '%s\n' $(call quote,$1) | tr ' ' '\n' | grep -vx '[1-9][0-9]\{0,3\}')
ifneq ($(call not_a_count,$(KNOWN)),)
$(error KNOWN=$(KNOWN): expected numbers of recordings from 1 to 9999)
endif

by_voice = $(findstring --by speaker,$(NORMALIZE))
known_as = $(if $(by_voice),$(KNOWN:%=known%))
tested_in = $(CONDITIONS) $(known_as)
most_known = $(lastword $(shell printf '%s\n' $(KNOWN) | sort -n))

# The streams of a part, and which these are, lest those of a corpus that is left out stay in.
streams_in = $(call streams_of,$1,$2) $(OUT)/split/$1/options/corpora

# What the voices of the training part are, before they are normalised.
# $1: folder, $2: streams
define prior_rules
$1/prior.sert: $2 $(call tool,tensor)
	@cat $$(filter %.sert,$$^) | $(call tool,tensor) stats --by speaker -o $$@
endef

# $1: split, $2: its folder, $3: condition
define condition_rules
$2/conditions/$3.sert: $2/manifest.tsv $2/options/features $2/options/features-normalize $(HELPERS)/alter-recordings $(hearing)
	@mkdir -p $$(@D); $(call awk,rows-where) part test $$< >$$(@D)/$3.rows
	@$$(start) $(HELPERS)/alter-recordings $3 $$(@D)/$3.heard $$(@D)/$3.rows >$$(@D)/$3.manifest; \
	$(hear) -m $$(@D)/$3.manifest $(equally_long) $(if $(call normal_features,$1),| $(call normalized,$(NORMALIZE)) )>$$@.new; mv $$@.new $$@; \
	rm -r $$(@D)/$3.heard $$(@D)/$3.rows $$(@D)/$3.manifest; $$(call took,conditions,$1.$3)
endef

# $1: split, $2: folder, $3: of how many recordings, $4: streams
define known_rules
$2/conditions/known$3.sert: $4 $2/prior.sert $(OUT)/options/known $(OUT)/split/$1/options/normalize
	@mkdir -p $$(@D)
	@cat $$(filter-out %/prior.sert,$$(filter %.sert,$$^)) | $(call normalized,$(NORMALIZE)) --recordings $3 --leave-out $(most_known) \
	    --prior $2/prior.sert $(PRIOR) -o $$@
endef

# $1: folder of what is heard, $2: of the run, $3: condition, $4: of the backbone's run, if what is heard has to go through it
define condition_scores
$2/conditions/$3.tsv: $2/model.bin $1/conditions/$3.sert $(if $4,$4/model.bin $(call tool,tensor)) $(call tool,score)
	@mkdir -p $$(@D); $(if $4,$(call tool,score) -q --embed $4/model.bin $1/conditions/$3.sert | $(if $(NORMALIZE),$(call \
	    normalized,$(NORMALIZE)) | )$(call tool,score) -q $2/model.bin,$(call tool,score) -q $2/model.bin $1/conditions/$3.sert) -o $$@
endef

$(call stamp,$(OUT)/options/known,$(most_known) $(PRIOR))
$(foreach s,$(SPLITS),$(foreach c,$(CONDITIONS),$(eval $(call condition_rules,$s,$(OUT)/split/$s,$c))))
$(foreach r,$(RUNS),$(foreach c,$(CONDITIONS),$(eval $(call condition_scores,$(call split_of,$r),$(OUT)/split/$r,$c,$(if \
    $(BACKBONE),$(OUT)/split/$(call backbone_of,$r))))))

# $1: split, $2: folder, $3, $4: streams of its training and its test part, before they are normalised
define voice_rules
$(call prior_rules,$2,$3)
$(foreach n,$(KNOWN),$(call known_rules,$1,$2,$n,$4)
)
endef
ifneq ($(by_voice),)
ifneq ($(BACKBONE),)
$(foreach r,$(RUNS),$(eval $(call voice_rules,$(patsubst %/,%,$(dir $r)),$(OUT)/split/$r,$(OUT)/split/$r/embeddings/train.sert,$(OUT)/split/$r/embeddings/test.sert)))
else
$(foreach s,$(SPLITS),$(eval $(call voice_rules,$s,$(OUT)/split/$s,$(call streams_in,$s,train),$(call streams_in,$s,test))))
endif
$(foreach r,$(RUNS),$(foreach c,$(known_as),$(eval $(call condition_scores,$(call heard_in,$(call split_of,$r),$(OUT)/split/$r,$(notdir \
    $(basename $r))),$(OUT)/split/$r,$c))))
endif

# ---- the table ----

# $1: condition
define judge_rules
$(JUDGED)/conditions/$1.tsv: $(RUNS:%=$(OUT)/split/%/conditions/$1.tsv) $(JUDGED)/options $(call tool,eval)
	@mkdir -p $$(@D); $(call tool,eval) --tsv $$(filter %.tsv,$$^) -o $$@
endef
$(foreach c,$(tested_in),$(eval $(call judge_rules,$c)))

$(call stamp,$(JUDGED)/options.conditions,$(tested_in))
CONDITION_TABLE = $(JUDGED)/conditions.tsv
$(CONDITION_TABLE): $(JUDGED)/scores.tsv $(VOTED:%=%/scores.tsv) $(tested_in:%=$(JUDGED)/conditions/%.tsv) $(JUDGED)/options.conditions \
    $(call awk_files,conditions-table)
	@$(call awk,conditions-table) $(if $(NORMALIZE),$(or $(if $(by_voice),speaker),normalized),plain) $(filter %.tsv,$^) >$@.new; \
	mv $@.new $@
$(JUDGED)/conditions.txt: $(CONDITION_TABLE) $(call awk_files,align-columns)
	@$(call awk,align-columns) $< >$@.new; mv $@.new $@

conditions: cv $(JUDGED)/conditions.txt
	$(if $(dry),,@echo; cat $(JUDGED)/conditions.txt)
.PHONY: conditions
