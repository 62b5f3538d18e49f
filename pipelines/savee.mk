# SAVEE: 4 men, 7 emotions. make -f pipelines/savee.mk SAVEE=FOLDER; rules.mk has the options.
# PROTOCOL=folds5 leaves one man out: there are FOLD="1 2 3 4".
CORPORA = savee
OUT     = out/savee
PARTS   = $(ROOT)/manifests/savee-notebook.tsv
FOLDS   = $(ROOT)/manifests/savee-folds4.tsv

include $(dir $(lastword $(MAKEFILE_LIST)))rules.mk
