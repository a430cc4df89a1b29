# SPDX-License-Identifier: MIT
#
# make            the library and what it needs          make demo    see it work
# make check      every test                              make install PREFIX=/usr/local
# make help       the rest

VERSION    = 0.1.0
PREFIX    ?= /usr/local
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
BUILD     := build/$(if $(SANITIZE),$(subst $() ,,$(subst $(comma),-,$(SANITIZE))),release)
comma     := ,

override CPPFLAGS += -Isrc -Ipreload -D_GNU_SOURCE -DHARDEN_VERSION='"$(VERSION)"' \
                     -DSYSCONFDIR='"$(SYSCONFDIR)"'
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
Q := $(if $(V),,@)

BASE_SRC    := $(wildcard src/base/*.c)
ENGINE_SRC  := $(wildcard src/engine/*.c)
CURL_SRC    := $(wildcard src/curl/*.c)
PRELOAD_SRC := $(wildcard preload/*.c)

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
ENGINE_LIB := $(BUILD)/libengine.a
CURL_LIB   := $(BUILD)/libcurlpart.a
SHIM       := $(BUILD)/libharden.so

.PHONY: all
all: $(SHIM)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(ENGINE_LIB): $(call objects,$(BASE_SRC) $(ENGINE_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(CURL_LIB): $(call objects,$(CURL_SRC))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# Everything that is not the C library is linked in, and hidden: it lands in foreign processes.
$(SHIM): $(call objects,$(PRELOAD_SRC)) $(CURL_LIB) $(ENGINE_LIB) preload/harden.map
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -nostartfiles -Wl,-soname,libharden.so \
	  -Wl,--version-script,preload/harden.map -Wl,--exclude-libs,ALL -Wl,--gc-sections \
	  -Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack,-z,defs -o $@ \
	  $(call objects,$(PRELOAD_SRC)) $(CURL_LIB) $(ENGINE_LIB) -l:libinih.a

# ---- tests ------------------------------------------------------------------------------------
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
CURL_TESTS := $(patsubst tests/curl/%.c,$(BUILD)/tests/curl/%,$(wildcard tests/curl/test_*.c))

$(BUILD)/tests/unit/%: tests/unit/%.c $(ENGINE_LIB)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CCLD    $@")
	$(Q)$(CC) $(CPPFLAGS) -Itests/support $(CFLAGS) $(LDFLAGS) -o $@ $< $(ENGINE_LIB) -l:libinih.a \
	  -lcriterion -lpthread
$(BUILD)/tests/curl/%: tests/curl/%.c $(CURL_LIB) $(ENGINE_LIB)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CCLD    $@")
	$(Q)$(CC) $(CPPFLAGS) -Itests/support -Itests/curl $(CFLAGS) $(LDFLAGS) -o $@ $< \
	  $(wildcard tests/curl/fake_*.c) $(CURL_LIB) $(ENGINE_LIB) -l:libinih.a -lcriterion -lpthread

.PHONY: check-unit check-curl
check-unit: $(UNIT_TESTS)
	@scripts/run-tests $^
check-curl: $(CURL_TESTS)
	@scripts/run-tests $^

-include $(shell find build -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf build
