# Embeddings that are kept. An encoder takes long over a recording, so each, and each altered copy, goes through it once,
# whatever parts it is in: a split takes its own out of what is kept of a speaker. rules.mk includes this file with ENCODER.
#
#   OUT/embeddings/SPEAKER.tsv SPEAKER.sert   all recordings of a speaker
#   OUT/embeddings/SPEAKER+OPTIONS.sert       their altered copies, by the options of ser-augment
KEPT = $(OUT)/embeddings

# Options as part of a file's name
blank :=
space := $(blank) $(blank)
copies_by = $(subst :,..,$(subst /,.,$(subst $(space),,$1)))
copies_of = $(if $1,$2+$(call copies_by,$1).sert)
known_speakers = $(sort $(foreach s,$(SPLITS) everyone,$(foreach c,$(call of,$s,FROM),$(call speakers_of,$c))))

$(call stamp,$(KEPT)/options,$(ENCODER) $(FEATURES))
$(KEPT)/cut: $(OUT)/manifest.tsv $(HELPERS)/cut-by-speaker $(call awk_files,cut-by-speaker)
	@$(HELPERS)/cut-by-speaker $(OUT)/manifest.tsv $(@D) $(known_speakers); touch $@
$(known_speakers:%=$(KEPT)/%.tsv): $(KEPT)/cut ; +

# $1: which recordings, for ser-embed; nothing is kept of speakers without any
keep_embeddings = if [ -s $< ]; then $(start) $1 -o $@; $(call took,embeddings,$(*F)); \
    echo "embeddings: $(*F), $$(($$(wc -l <$<) - 1)) utterances"; else : >$@; fi

$(known_speakers:%=$(KEPT)/%.sert): $(KEPT)/%.sert: $(KEPT)/%.tsv $(KEPT)/options $(hearing)
	@$(call keep_embeddings,$(hear) -m $<)

# $1: options of ser-augment
define copies_rules
$(foreach s,$(known_speakers),$(call copies_of,$1,$(KEPT)/$s)): $(KEPT)/%+$(call copies_by,$1).sert: $(KEPT)/%.tsv $(KEPT)/options \
    $(hearing) $(call tool,augment)
	@$$(call keep_embeddings,$(call tool,augment) -q --any-part $1 $$< | $(hear))
endef

# Splits of the same options share their copies.
# $1: options of ser-augment
shared_copies = $(if $(filter x$(call copies_by,$1),x $(has_copies)),,$(eval has_copies += x$(call copies_by,$1))$(eval $(call copies_rules,$1)))
$(foreach s,$(SPLITS) everyone,$(call shared_copies,$(call of,$s,AUGMENT)))

# $1: split, $2: its folder; train parts have the copies, too
define kept_rules
$(foreach p,train val test,$(eval $(patsubst %,$2/speakers/%.$p.sert,$(known_speakers)): $2/speakers/%.$p.sert: \
    $(KEPT)/%.sert $(if $(filter train,$p),$(call copies_of,$(call of,$1,AUGMENT),$(KEPT)/%))))
endef
