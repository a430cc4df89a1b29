# SPDX-License-Identifier: MIT
#
# make            the library and the command            make demo    see it work
# make check      every test                              make install PREFIX=/usr/local
# make help       all goals; they are in this file, preload/lazy.mk (links the library),
#                 tests/tests.mk and scripts/packaging/install.mk

VERSION    = 0.1.0
PREFIX    ?= /usr/local
BINDIR    ?= $(PREFIX)/bin
LIBDIR    ?= $(PREFIX)/lib
DATADIR   ?= $(PREFIX)/share
MANDIR    ?= $(DATADIR)/man
SYSCONFDIR?= /etc
DESTDIR   ?=

CC        ?= cc
AR        ?= ar
CFLAGS    ?= -O2 -g
CPPFLAGS  ?=
LDFLAGS   ?=

SANITIZE  ?=
# RARE=1: tiny sizes (src/base/sizes.h) make rare paths common. For tests only.
RARE      ?=
# Another layout of the board (src/engine/board/board.h), for tests of an upgrade.
LAYOUT    ?=
comma     := ,
space     := $() $()
VARIANT   := $(strip $(if $(RARE),rare) $(subst $(comma),-,$(SANITIZE)) $(LAYOUT:%=layout%))
BUILD     := build/$(or $(subst $(space),-,$(VARIANT)),release)
# Criterion's own runner does not start under ThreadSanitizer.
RUNNER    := $(if $(findstring thread,$(SANITIZE)),tests/support/plain_runner.c)
ifdef TARGET
include scripts/targets.mk
endif

override CPPFLAGS += -Isrc -Ipreload -D_GNU_SOURCE -DHARDEN_VERSION='"$(VERSION)"' \
                     -DSYSCONFDIR='"$(SYSCONFDIR)"' -DDATADIR='"$(DATADIR)"' $(LAYOUT:%=-DBOARD_LAYOUT=%)
override CFLAGS   += -std=gnu11 -fPIC -fvisibility=hidden -fexceptions -ftls-model=initial-exec \
                     -fno-math-errno -fno-plt -Wall -Wextra -MMD -MP
ifdef DEVELOPER
override CFLAGS   += -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla \
                     -Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-nonliteral
endif
ifdef SANITIZE
override CFLAGS   += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
override LDFLAGS  += -fsanitize=$(SANITIZE)
endif
ifdef RARE
override CPPFLAGS += -DHARDEN_RARE
endif
# Checks preconditions (src/base/precondition.h); never in a build that may be installed.
ifneq ($(SANITIZE)$(RARE)$(filter build/strict,$(BUILD)),)
override CPPFLAGS += -DHARDEN_ASSERT
endif
Q   := $(if $(V),,@)
say  = @$(if $(V),,echo "  $(1) $(2)")

BASE_SRC    := $(wildcard src/base/*.c)
ENGINE_SRC  := $(wildcard src/engine/*.c src/engine/*/*.c)
CURL_SRC    := $(wildcard src/curl/*.c src/curl/*/*.c)
SOCK_SRC    := $(wildcard src/sock/*.c)
PRELOAD_SRC := $(wildcard preload/*.c)
AUDIT_SRC   := $(wildcard preload/audit/*.c) preload/symtab.c
CLI_SRC     := $(wildcard src/cli/*.c src/cli/*/*.c)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
ENGINE_LIB := $(BUILD)/libengine.a
CURL_LIB   := $(BUILD)/libcurlpart.a
SOCK_LIB   := $(BUILD)/libsockpart.a
CLI_LIB    := $(BUILD)/libcli.a
SHIM       := $(BUILD)/libharden.so
AUDIT      := $(BUILD)/libharden-audit.so
CLI        := $(BUILD)/harden

.PHONY: all
all: $(SHIM) $(AUDIT) $(CLI)  ## the library and the command (default)

# These files run on the program's stack, which may be small (tests/preload/stacks.py). The rest runs
# on a stack of the library's own (src/base/stack.h).
ifneq ($(if $(SANITIZE),,$(DEVELOPER)),)
ON_FOREIGN_STACKS := preload/hook_connect.c preload/hooks_off.c preload/init.c preload/scope.c preload/symtab.c \
                     $(filter-out src/sock/dial_bind.c,$(wildcard src/sock/dial*.c)) \
                     $(filter-out %/network_zone.c,$(wildcard src/engine/call/*.c)) src/base/shield.c src/base/stack.c
$(call objects,$(ON_FOREIGN_STACKS)): override CFLAGS += -Wframe-larger-than=1024
endif

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC     ,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
$(BUILD)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,AS     ,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# inih, as installed for the compiler's target. The functions it calls for uses that we do not have
# are renamed and replaced by src/engine/config/inih.c.
INIH       := $(BUILD)/obj/inih.o
INIH_ASKS  := malloc realloc free fopen64 fgets fclose __ctype_b_loc __stack_chk_guard
OBJCOPY    := $(shell $(CC) -print-prog-name=objcopy)
$(INIH): Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib -o $(@:.o=.whole) -Wl,--whole-archive $(shell $(CC) -print-file-name=libinih.a)
	$(Q)$(OBJCOPY) $(foreach f,$(INIH_ASKS),--redefine-sym $f=inih_$f) $(@:.o=.whole) $@

# All but main(), for tests.
$(CLI_LIB):    $(call objects,$(filter-out src/cli/main.c,$(CLI_SRC)))
$(CURL_LIB):   $(call objects,$(CURL_SRC))
$(SOCK_LIB):   $(call objects,$(SOCK_SRC))
$(ENGINE_LIB): $(call objects,$(BASE_SRC) $(ENGINE_SRC)) $(INIH)
$(CLI_LIB) $(CURL_LIB) $(SOCK_LIB) $(ENGINE_LIB):
	@rm -f $@
	$(Q)$(AR) qcs $@ $^

$(call objects,$(CLI_SRC)): override CPPFLAGS += -DBINDIR='"$(BINDIR)"' -DLIBDIR='"$(LIBDIR)"'
# Paths that are compiled in. "make" and then "make install LIBDIR=..." rebuilds what depends on them.
COMPILED_IN := $(VERSION) $(BINDIR) $(LIBDIR) $(SYSCONFDIR) $(DATADIR)
$(call objects,$(CLI_SRC) src/engine/config/places.c src/base/version.c): $(BUILD)/compiled-in
$(BUILD)/compiled-in: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILED_IN)' | cmp -s - $@ || echo '$(COMPILED_IN)' >$@
.PHONY: FORCE
$(CLI): $(BUILD)/obj/src/cli/main.o $(CLI_LIB) $(ENGINE_LIB) $(TARGET_PARTS)
	$(call say,LINK   ,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread -lm

LINK_SHARED  = $(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(notdir $@) -Wl,--exclude-libs,ALL \
	  -Wl,--gc-sections -Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack,-z,defs,-z,noseparate-code,-O1
include preload/lazy.mk
# For `harden run --audit`: programs that look up libcurl's functions with dlsym().
$(AUDIT): $(call objects,$(AUDIT_SRC))
	$(call say,LINK   ,$@)
	$(Q)$(LINK_SHARED) -nostartfiles -o $@ $^

include tests/tests.mk scripts/packaging/install.mk

.PHONY: demo help clean
demo:                   ## see it work: installs what is missing, builds, shows
	@LIBHARDEN=$(SHIM) scripts/demo
help:                   ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' \
	  $(filter Makefile %.mk,$(MAKEFILE_LIST))
clean:                  ## remove build/
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)
