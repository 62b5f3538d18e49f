# CREMA-D: 91 actors, 6 emotions. make -f pipelines/cremad.mk CREMAD=FOLDER; rules.mk has the options.
# make -f pipelines/cremad.mk cv SEEDS="1 2 3" NET=attention: all folds, intervals over the actors.
CORPORA = cremad
OUT     = out/cremad
PARTS   = $(ROOT)/manifests/cremad-notebook.tsv
FOLDS   = $(ROOT)/manifests/cremad-folds5.tsv

include $(or $(wildcard $(dir $(lastword $(MAKEFILE_LIST)))rules.mk),$(error \
    $(strip $(MAKEFILE_LIST)): the path must not contain spaces))
