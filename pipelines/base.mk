# What all pipelines stand on: the shell, the programs, stamps of options. rules.mk and tune.mk include it.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all
export LC_ALL := C

STUDY := $(firstword $(MAKEFILE_LIST))
HERE  := $(dir $(lastword $(MAKEFILE_LIST)))
ROOT  := $(patsubst %/,%,$(dir $(patsubst %/,%,$(HERE))))

# ---- programs: built here, built beside the pipelines, or installed ----

# In the source tree they are part of what is made, so that a changed source is compiled before the study goes on;
# elsewhere they are taken as they are. Either way a file depends on the program that makes it.
ifneq ($(wildcard $(ROOT)/Makefile),)
ifeq ($(realpath $(ROOT)),$(realpath .))
SER_PIPELINE = yes
include Makefile
else
BUILD ?= $(ROOT)/build
endif
else
BUILD := $(patsubst %/,%,$(dir $(shell command -v ser-mfcc 2>/dev/null)))
$(if $(BUILD),,$(error ser-mfcc is not on PATH: install the tools first))
endif
tool = $(BUILD)/ser-$1

# The helpers: scripts and awk programs. What $(call awk,PROGRAM) makes depends on $(call awk_files,PROGRAM).
HELPERS   := $(ROOT)/pipelines/bin
awk_files  = $(HELPERS)/tsv.awk $(HELPERS)/$1.awk
awk        = awk -f $(HELPERS)/tsv.awk -f $(HELPERS)/$1.awk --

# ---- stamps: what a step was made with ----

# Make compares times, not options: so each option is in a file that is written only when the option is another.
# $(call stamp,FILE,TEXT): FILE holds TEXT, and changes only when TEXT does.
define stamp
$(eval text.$1 := $$(strip $$2))
$(eval $1: ; @mkdir -p $$(@D); printf '%s\n' $$(call quote,$$(text.$$@)) >$$@)
$(if $(call stale,$1),$(eval $1: FORCE))
endef
# Whether FILE holds something else. Make 4.3 may leave the newline at the end of a file of over 199 bytes.
stale  = $(call differ,$(strip $(file <$1)),$(text.$1))
differ = $(subst x$1,,x$2)$(subst x$2,,x$1)
quote  = '$(subst ','\'',$1)'

# ---- variables: which there are ----

# A variable that no pipeline reads is a slip, which make would pass over. VARIABLES are those that may stand on the
# command line, also as NAME.VARIABLE. A make around this one hands on its own, which are not looked at.
# $(eval $(value refuse_unknown)): others are refused.
VARIABLES += OUT JOBS BUILD $(if $(SER_PIPELINE),CC CFLAGS CPPFLAGS LDFLAGS SANITIZE WERROR ONEDNN)
define refuse_unknown
ifeq ($(filter-out 0,$(MAKELEVEL)),)
$(foreach v,$(sort $(.VARIABLES)),$(if $(filter command,$(origin $v)),$(if $(filter $(VARIABLES),$(lastword \
    $(subst ., ,$v))),,$(error $v=: $(notdir $(STUDY)) has no such variable$(call or_near,$(lastword $(subst ., \
    ,$v))); the target help lists all))))
endif
endef
or_near = $(patsubst %,: did you mean %?,$(shell $(call awk,near-name) $(call quote,$1) $(VARIABLES)))

# What the comment at the top of a makefile says.
help:
	@for file in $(HELP); do sed -n '/^#/!q; s/^# \{0,1\}//p' "$$file"; echo; done
HELP = $(STUDY)
.PHONY: help

# For clean and help nothing needs to be there.
no_study := $(filter clean help,$(MAKECMDGOALS))

# ---- one make at a time ----

# A dry run of a finished study must find nothing to be done, so it prints no report; nor does it keep others away.
dry := $(findstring n,$(filter-out -%,$(firstword $(MAKEFLAGS))))

# $(eval $(value claim)): nobody else works in OUT from here on.
define claim
ifeq ($(dry)$(filter help,$(MAKECMDGOALS)),)
export SER_MAKE := $(shell $(HELPERS)/claim-folder '$(OUT)' $$PPID)
ifneq ($(.SHELLSTATUS),0)
$(error OUT=$(OUT): $(if $(SER_MAKE),another make is at work in it; it is process \
    $(firstword $(subst -, ,$(SER_MAKE))): wait for its end or give another folder as OUT=,cannot be written))
endif
endif
endef
