# ser: speech emotion recognition as small Unix programs.
#   make            build the tools into build/
#   make demo       the whole pipeline on generated speech
#   make test       every test; make check is the quick part
#   make lint       format and static analysis
#   make install    PREFIX=/usr/local DESTDIR=
# Sanitizers: make BUILD=build/asan SANITIZE=address,undefined

PREFIX  = /usr/local
DESTDIR =
MANDIR  = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/ser

BUILD    = build
CC       = gcc
SANITIZE =
WERROR   =

TOOLS := $(patsubst tools/%.c,%,$(wildcard tools/*.c))
LIB   := $(wildcard lib/*.c lib/nn/*.c)
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

# oneDNN is used where it is installed; ONEDNN= builds without.
ONEDNN := $(shell printf '\043include <oneapi/dnnl/dnnl.h>\n' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)

WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings $(if $(WERROR),-Werror)
HARDEN   = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer,-D_FORTIFY_SOURCE=2)
CFLAGS   = -O2 -g
CPPFLAGS =
LDFLAGS  =
OUR_CFLAGS = -std=c11 -D_GNU_SOURCE -Ilib -ffp-contract=off -fPIE -fstack-protector-strong -pthread -MMD -MP \
             $(WARN) $(HARDEN) $(if $(ONEDNN),-DSER_ONEDNN)
OUR_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS     = -Wl,--as-needed -lsndfile -lsoxr -lfftw3f -lxxhash $(if $(ONEDNN),-ldnnl -lgomp) -lm

LIB_OBJ := $(LIB:%.c=$(BUILD)/obj/%.o)
BIN     := $(TOOLS:%=$(BUILD)/%)

all: $(BIN)

$(BUILD)/libser.a: $(LIB_OBJ)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<

$(BIN): $(BUILD)/%: $(BUILD)/obj/tools/%.o $(BUILD)/libser.a
	$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(UNITS:%=$(BUILD)/unit/%): $(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libser.a
	@mkdir -p $(@D)
	$(CC) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

units: $(UNITS:%=$(BUILD)/unit/%)

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

.PHONY: all units clean
.SECONDARY:
.DELETE_ON_ERROR:
