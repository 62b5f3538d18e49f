# RAVDESS: 24 actors, 8 emotions. make -f pipelines/ravdess.mk RAVDESS=FOLDER; rules.mk has the options.
# make -f pipelines/ravdess.mk cv SEEDS="1 2 3" NET=attention: all folds, intervals over the actors.
CORPORA = ravdess
OUT     = out/ravdess
PARTS   = $(ROOT)/manifests/ravdess-notebook.tsv
FOLDS   = $(ROOT)/manifests/ravdess-folds5.tsv

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))rules.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))
