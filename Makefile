# ser: speech emotion recognition as small Unix programs.
#   make            build the tools into build/
#   make help       this list
#   make demo       the whole pipeline on generated speech
#   make test       every test
#   make check      the quick tests
#   make bench      speed beside that of the peers; tests/bench/README.md says how
#   make lint       format, static analysis, manual pages, warnings of two compilers
#   make asan       every test of C under AddressSanitizer and UndefinedBehaviorSanitizer
#   make tsan       what works on several threads under ThreadSanitizer
#   make coverage   every test, then the share of lines that ran
#   make valgrind   one run of each tool under valgrind
#   make soak       SOAK_S seconds of endless streams: memory, descriptors, speed
#   make fuzz       FUZZ_S seconds of each fuzz target
#   make install    tools, pipelines and manuals, under PREFIX=/usr/local; DESTDIR= before it
#   make uninstall  what install has put there
#   make clean      removes build/
# One file of tests: make units, then tests/run tests/NAME.bats.
# BUILD=FOLDER keeps a flavour apart: make BUILD=build/debug CFLAGS='-O0 -g'

PREFIX  = /usr/local
DESTDIR =
BINDIR  = $(PREFIX)/bin
MANDIR  = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/ser

BUILD    = build
CC       = gcc
CLANG    = clang
SANITIZE =
WERROR   =
FUZZ_S   = 60
SOAK_S   = 60

TOOLS    := $(patsubst tools/%.c,%,$(wildcard tools/*.c))
SCRIPTS  := $(wildcard tools/*.sh)
LIB      := $(wildcard lib/*/*.c lib/nn/*/*.c)
MAN      := $(wildcard tools/*.1 tools/*.7 lib/*/*.5)
DATA     := $(wildcard pipelines/*.mk pipelines/nets/* pipelines/spaces/* pipelines/models/* pipelines/bin/*.awk manifests/*)
PROGRAMS := $(filter-out %.awk,$(wildcard pipelines/bin/*))
UNITS    := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
BENCH    := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
FAULT    := $(BUILD)/fault.so
# Those that take longest come first, so that no core waits for them at the end.
LONG     := $(patsubst %,tests/%.bats,units contract search fetch-faults)
BATS     := $(LONG) $(filter-out $(LONG),$(wildcard tests/*.bats))
# What these run is scripts, or is compiled by the test itself: sanitizers see nothing of it.
OWN_BUILD := $(patsubst %,tests/%.bats,bench bootstrap fetch fetch-faults identity kernels layers newlayer)
SOURCES  := $(wildcard lib/*/*.[ch] lib/nn/*/*.[ch] tools/*.[ch] tests/unit/*.[ch] tests/bench/*.[ch] tests/fuzz/*.[ch] tests/fault/*.[ch])
BASH     := bootstrap lib/script.sh .ci/run tests/run tests/valgrind tests/tsan tests/soak tests/coverage tests/corpora-table tests/fault/each-tool tests/fault/each-step tests/fault/break-study tests/fault/kill-search tests/fuzz/seeds tests/bench/record-grid tests/bench/voice $(PROGRAMS) $(SCRIPTS)

# oneDNN is used where it is installed; ONEDNN= builds without.
ONEDNN := $(shell printf '\043include <oneapi/dnnl/dnnl.h>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)

WARN     = -Wall -Wextra -Wno-psabi -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings $(if $(WERROR),-Werror)
FORTIFY  = $(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN   = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer,$(FORTIFY))
# Sanitizers take minutes to compile the unrolled kernels at -O3.
CFLAGS   = $(if $(SANITIZE),-O1,-O3) -g
CPPFLAGS =
LDFLAGS  =
OUR_CFLAGS  = -std=c11 -D_GNU_SOURCE -Ilib -ffp-contract=off -fPIE -fstack-protector-strong -pthread -MMD -MP \
              $(WARN) $(HARDEN) $(if $(ONEDNN),-DSER_ONEDNN)
OUR_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS        = -Wl,--as-needed -lsndfile -lsox -lsoxr -lfftw3f -lxxhash -ljansson -lz $(if $(ONEDNN),-ldnnl -lgomp) -lm

COMPILE = $(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS)
LINK    = $(CC) $(OUR_LDFLAGS) $(LDFLAGS)

LIB_OBJ  := $(LIB:%.c=$(BUILD)/obj/%.o)
BIN      := $(TOOLS:%=$(BUILD)/%)
SH_BIN   := $(SCRIPTS:tools/%.sh=$(BUILD)/%)
UNIT_BIN := $(UNITS:%=$(BUILD)/unit/%)
FUZZ_BIN := $(FUZZ:%=$(BUILD)/fuzz/%)
BENCH_BIN := $(BENCH:%=$(BUILD)/bench/%)

all: $(BIN) $(SH_BIN)

$(BUILD)/libser.a: $(LIB_OBJ)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(COMPILE) -c -o $@ $<

# What is known of the corpora, what draws each kind of picture, and what a page is made of are parts of programs.
$(BUILD)/obj/tools/ser-manifest.o: $(BUILD)/descriptions $(addprefix manifests/,quarantine.tsv labels.tsv)
$(BUILD)/obj/tools/ser-manifest.o: OUR_CFLAGS += -DDESCRIPTIONS='"$(BUILD)/descriptions"'
$(BUILD)/obj/lib/bridge/plot-script.o: $(wildcard tools/plots/*.gp)
$(BUILD)/obj/lib/bridge/published.o: manifests/published.tsv
$(BUILD)/obj/tools/ser-report.o: $(wildcard tools/page/*)

$(BUILD)/descriptions: $(wildcard manifests/*.corpus) $(BUILD)/flags
	cat $(filter %.corpus,$^) >$@

$(BIN): $(BUILD)/%: $(BUILD)/obj/tools/%.o $(BUILD)/libser.a | $(BUILD)/models
	$(LINK) -o $@ $^ $(LIBS)

# Where the programs of this build find models by name.
$(BUILD)/models:
	@mkdir -p $(@D)
	ln -sfn '$(subst ','\'',$(CURDIR))/pipelines/models' $@

# A script gets what all share, the version, and the folder of the tables: here, or where they are installed.
VERSION = $(shell sed -n 's/^.define SER_VERSION "\(.*\)"/\1/p' lib/core/core.h)
fill    = sed -e '/^\. lib\/script\.sh$$/{r lib/script.sh' -e 'd}' -e '/^\# shellcheck source=/d' \
              -e "s|@VERSION@|$(VERSION)|; s|@MANIFESTS@|$1|" $2 >$3 && chmod 755 $3

$(SH_BIN): $(BUILD)/%: tools/%.sh lib/script.sh lib/core/core.h Makefile
	@mkdir -p $(@D)
	$(call fill,$(CURDIR)/manifests,$<,$@)

$(UNIT_BIN): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libser.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)

$(BENCH_BIN): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(BUILD)/libser.a
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS)

# Preloaded by tests, to make system calls fail. No sanitizer: its own hooks would come first.
$(FAULT): tests/fault/fault.c $(BUILD)/flags
	$(CC) -std=c11 -D_GNU_SOURCE -U_FORTIFY_SOURCE -O1 -g -fPIC -fno-builtin -pthread $(WARN) -shared -o $@ $<

# Other flags make other objects: the file changes only when they do.
FLAGS := $(strip $(COMPILE) $(LINK) $(LIBS))
# Make 4.3 may leave the newline at the end of a file of over 199 bytes.
ifneq ($(strip $(file <$(BUILD)/flags)),$(FLAGS))
$(BUILD)/flags: FORCE
endif
$(BUILD)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

FORCE:
.PHONY: all FORCE
.SECONDARY:
.DELETE_ON_ERROR:

# The pipelines include this file for the rules above; what follows is for people.
ifndef SER_PIPELINE

# The head of this file, up to the first empty line.
help:
	@sed -e '/^$$/,$$d' -e 's/^#  *//' Makefile

demo: $(BIN) $(SH_BIN)
	@$(MAKE) --no-print-directory -f pipelines/demo.mk

units: $(UNIT_BIN) $(BENCH_BIN) $(FAULT)

test: $(BIN) $(SH_BIN) $(UNIT_BIN) $(BENCH_BIN) $(FAULT)
	@BUILD='$(BUILD)' tests/run $(BATS)

check: $(BIN) $(SH_BIN) $(UNIT_BIN) $(BENCH_BIN) $(FAULT)
	@BUILD='$(BUILD)' tests/run --quick $(BATS)

# Peers and clips are named as variables on the command line, which make puts into the environment.
bench: $(BIN) $(BENCH_BIN)
	@BUILD='$(BUILD)' perl tests/bench/run.pl

# clang finds more than gcc, such as an offset from a null pointer.
asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan CC=$(CLANG) SANITIZE=address,undefined BATS='$(filter-out $(OWN_BUILD),$(BATS))' test

# OpenMP, which oneDNN works with, has no notes for it on who waits for whom.
tsan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan CC=$(CLANG) ONEDNN= SANITIZE=thread all units
	@BUILD='$(BUILD)/tsan' tests/tsan

# Every test, then what of the sources has run.
coverage:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/coverage LDFLAGS=--coverage \
	    CFLAGS='-O1 -g --coverage -fprofile-update=atomic' test
	@BUILD='$(BUILD)/coverage' tests/coverage

valgrind: $(BIN)
	@BUILD='$(BUILD)' tests/valgrind

soak: $(BIN)
	@BUILD='$(BUILD)' tests/soak '$(SOAK_S)'

lint: lint-format lint-cppcheck lint-shell lint-man lint-gcc lint-clang lint-analyzer lint-tidy

lint-format:
	clang-format --dry-run -Werror $(SOURCES)

# cppcheck does not see that a function fills the array that it is given (valgrind does), and an
# option's place in a structure is a pointer to char, whatever is there.
lint-cppcheck:
	cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	    --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
    --suppress=uninitvar --suppress=invalidPointerCast:lib/bridge/training.c -D__GNUC__ -Ilib $(filter %.c,$(SOURCES))

lint-shell:
	shellcheck -x -s bash $(BASH)
	shellcheck -s bats -S warning -e SC2154,SC2209 $(BATS) $(wildcard tests/*.bash tests/fault/*.bash)

lint-man:
	@for page in $(MAN); do mandoc -T lint -W warning "$$page" || exit 1; done

lint-gcc lint-clang: lint-%:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/lint-$* CC=$(if $(filter clang,$*),$(CLANG),$(CC)) WERROR=1 all units

# gcc's analyzer takes the shift of a vector for one of its size in bytes, does not see that frexp and a
# union are written before they are read, takes a child's standard input for a descriptor to close,
# and loses what is behind an array that ser_grow moved.
lint-analyzer:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/lint-analyzer WERROR=1 CFLAGS='-O1 -fanalyzer \
	    -Wno-analyzer-shift-count-overflow -Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-fd-leak \
	    -Wno-analyzer-malloc-leak' objects

objects: $(LIB_OBJ) $(TOOLS:%=$(BUILD)/obj/tools/%.o)

# The checks and their reasons: .clang-tidy.
TIDY := $(addsuffix .tidy,$(LIB) $(TOOLS:%=tools/%.c))

lint-tidy: $(TIDY)

$(TIDY): %.tidy: %
	@clang-tidy --quiet $< -- -std=c11 -D_GNU_SOURCE -Ilib -ffp-contract=off -pthread

# Each target starts from seeds that the tools make and explores a folder of its own. A target named
# tool_... runs a tool's main again and again, takes exit for its end, and keeps the books of memory
# itself (tests/fuzz/tool.h). Some compute or decode, and are slow under the sanitizers: for the others
# more than a second is a hang.
FUZZ_SLOW = fuzz_audio fuzz_checkpoint fuzz_model fuzz_net tool_eval tool_mfcc tool_plot tool_report
FUZZ_WRAP = exit malloc calloc realloc aligned_alloc vasprintf free pthread_create pthread_join

fuzz: $(BIN) $(SH_BIN)
	@BUILD='$(BUILD)' tests/fuzz/seeds '$(BUILD)/fuzz/seeds'
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=$(CLANG) ONEDNN= \
	    SANITIZE=address,undefined,fuzzer-no-link fuzz-run

fuzz-run: $(FUZZ_BIN:%=%.run)

$(FUZZ_BIN): $(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libser.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer $(if $(filter tool_%,$*),$(FUZZ_WRAP:%=-Wl$(comma)--wrap=%)) -o $@ $^ $(LIBS)

# A single allocation over the limit fails: it holds what the limits of a network imply.
FUZZ_FLAGS = -max_total_time=$(FUZZ_S) -malloc_limit_mb=300 -rss_limit_mb=2048 -close_fd_mask=3 \
             -print_final_stats=1 -verbosity=0

$(FUZZ_BIN:%=%.run): %.run: %
	@mkdir -p $*.corpus
	$(if $(filter tool_%,$(*F)),ASAN_OPTIONS=detect_leaks=0) $* $(FUZZ_FLAGS) \
	    -timeout=$(if $(filter $(FUZZ_SLOW),$(*F)),5,1) -artifact_prefix=$*. \
	    $(addprefix -dict=,$(wildcard tests/fuzz/$(*F).dict)) $*.corpus \
	    $(wildcard $(BUILD)/seeds/$(*F) tests/fuzz/$(*F)) \
	    $(if $(findstring tensor,$(*F)),tests/tensor/passed tests/tensor/failed)

comma = ,

to = '$(subst ','\'',$(DESTDIR)$1)'

install: $(BIN)
	install -d $(call to,$(BINDIR)) $(call to,$(MANDIR)/man1) $(call to,$(MANDIR)/man5) $(call to,$(MANDIR)/man7) \
	    $(call to,$(DATADIR)/pipelines/nets) $(call to,$(DATADIR)/pipelines/spaces) $(call to,$(DATADIR)/pipelines/models) \
	    $(call to,$(DATADIR)/pipelines/bin) $(call to,$(DATADIR)/manifests)
	install $(BIN) $(call to,$(BINDIR))
	for f in $(notdir $(SH_BIN)); do \
	    $(call fill,$(DATADIR)/manifests,tools/"$$f".sh,$(call to,$(BINDIR))/"$$f") || exit 1; \
	done
	install $(PROGRAMS) $(call to,$(DATADIR)/pipelines/bin)
	for f in $(DATA); do install -m 644 "$$f" $(call to,$(DATADIR))/"$$f" || exit 1; done
	for f in $(MAN); do install -m 644 "$$f" $(call to,$(MANDIR))/man"$${f##*.}" || exit 1; done

uninstall:
	for f in $(notdir $(BIN) $(SH_BIN)); do rm -f $(call to,$(BINDIR))/"$$f"; done
	for f in $(notdir $(MAN)); do rm -f $(call to,$(MANDIR))/man"$${f##*.}"/"$$f"; done
	for f in $(DATA) $(PROGRAMS); do rm -f $(call to,$(DATADIR))/"$$f"; done
	for d in /pipelines/nets /pipelines/spaces /pipelines/models /pipelines/bin /pipelines /manifests ""; do \
	    [ ! -d $(call to,$(DATADIR))"$$d" ] || rmdir --ignore-fail-on-non-empty $(call to,$(DATADIR))"$$d" || exit 1; \
	done

clean:
	rm -rf $(BUILD)

.PHONY: help demo units objects test check bench asan tsan coverage valgrind soak lint lint-analyzer lint-tidy $(TIDY) lint-format lint-cppcheck lint-shell lint-man lint-gcc lint-clang \
    fuzz fuzz-run install uninstall clean

endif
