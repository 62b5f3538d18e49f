# SAVEE: 4 men, 7 emotions. make -f pipelines/savee.mk SAVEE=FOLDER; rules.mk has the options.
# PROTOCOL=folds4 leaves one man out, FOLD="1 2 3 4" in turn; so does the target cv.
CORPORA = savee
OUT     = out/savee
PARTS   = $(ROOT)/manifests/savee-notebook.tsv
FOLDS   = $(ROOT)/manifests/savee-folds4.tsv

ifneq ($(filter cv conditions model,$(MAKECMDGOALS)),)
PROTOCOL = folds4
endif

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))rules.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))
