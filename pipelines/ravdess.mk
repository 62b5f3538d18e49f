# RAVDESS: 24 actors, 8 emotions. make -f pipelines/ravdess.mk RAVDESS=FOLDER; rules.mk has the options.
CORPORA = ravdess
OUT     = out/ravdess
PARTS   = $(ROOT)/manifests/ravdess-notebook.tsv
FOLDS   = $(ROOT)/manifests/ravdess-folds5.tsv

include $(dir $(lastword $(MAKEFILE_LIST)))rules.mk
