# A study of embeddings: another pipeline, whose features are what a pretrained encoder makes of recordings.
#   make -f pipelines/embed.mk cv RAVDESS=FOLDER ENCODER=FOLDER
#   make -f pipelines/embed.mk cv RAVDESS=FOLDER ENCODER=FOLDER LAYER=4 NET=probe NORMALIZE="--by speaker" SEEDS="1 2 3"
#   PIPELINE  which: ravdess (default), savee, cremad, combined, cross, own; its variables and targets are there
#   ENCODER   the encoder's folder, or its name (default whisper-base), see ser-embed
#   LAYER     which layers, as ser-embed --layer takes them (default: as the network's options say)
#   NET       probe (default) hears a vector a recording, layers frames of several layers
#   OUT       where results go (default out/embed-PIPELINE)
# Embeddings are computed once a recording and kept in OUT/embeddings.
PIPELINE  ?= ravdess
ENCODER   ?= whisper-base
NET       ?= probe
VARIABLES := PIPELINE
override OUT := $(if $(filter command,$(origin OUT)),$(OUT),out/embed-$(PIPELINE))

here := $(dir $(lastword $(MAKEFILE_LIST)))
$(if $(wildcard $(here)rules.mk),,$(error $(strip $(MAKEFILE_LIST)): the path must not contain spaces))
include $(or $(wildcard $(here)$(PIPELINE).mk),$(error PIPELINE=$(PIPELINE): no such file as $(here)$(PIPELINE).mk))
