# SPDX-License-Identifier: MIT
#
# make            the library and what it needs          make demo    see it work
# make check      every test                              make install PREFIX=/usr/local
# make help       the rest

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
# RARE=1: sizes are tiny (src/base/sizes.h), so that rare paths are common. For tests alone.
RARE      ?=
comma     := ,
space     := $() $()
VARIANT   := $(strip $(if $(RARE),rare) $(subst $(comma),-,$(SANITIZE)))
BUILD     := build/$(or $(subst $(space),-,$(VARIANT)),release)
# Criterion's own runner does not start under ThreadSanitizer.
RUNNER    := $(if $(findstring thread,$(SANITIZE)),tests/support/plain_runner.c)
ifdef TARGET
include scripts/targets.mk
endif

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
ifdef RARE
override CPPFLAGS += -DHARDEN_RARE
endif
# src/base/precondition.h: never in what may be installed.
ifneq ($(SANITIZE)$(RARE)$(filter build/strict,$(BUILD)),)
override CPPFLAGS += -DHARDEN_ASSERT
endif
Q := $(if $(V),,@)

BASE_SRC    := $(wildcard src/base/*.c)
ENGINE_SRC  := $(wildcard src/engine/*.c src/engine/*/*.c)
CURL_SRC    := $(wildcard src/curl/*.c)
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

# What runs on the stack of who connects (tests/preload/stacks.py); the rest has one of its own
# (src/base/stack.h).
ifneq ($(if $(SANITIZE),,$(DEVELOPER)),)
ON_FOREIGN_STACKS := preload/hook_connect.c preload/init.c preload/scope.c preload/symtab.c \
                     $(filter-out src/sock/dial_bind.c,$(wildcard src/sock/dial*.c)) \
                     $(filter-out %/zone.c,$(wildcard src/engine/call/*.c)) src/base/quiet.c src/base/stack.c
$(call objects,$(ON_FOREIGN_STACKS)): override CFLAGS += -Wframe-larger-than=1024
endif

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/obj/%.o: %.S
	@mkdir -p $(@D)
	@$(if $(V),,echo "  AS      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# inih, as it is there for the compiler's target. What it would ask of the C library for uses that are
# not ours is renamed, and then src/engine/config/inih.c has it.
INIH       := $(BUILD)/obj/inih.o
INIH_ASKS  := malloc realloc free fopen64 fgets fclose __ctype_b_loc __stack_chk_guard
OBJCOPY    := $(shell $(CC) -print-prog-name=objcopy)
$(INIH): Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib -o $(@:.o=.whole) -Wl,--whole-archive $(shell $(CC) -print-file-name=libinih.a)
	$(Q)$(OBJCOPY) $(foreach f,$(INIH_ASKS),--redefine-sym $f=inih_$f) $(@:.o=.whole) $@

$(ENGINE_LIB): $(call objects,$(BASE_SRC) $(ENGINE_SRC)) $(INIH)
	@rm -f $@
	$(Q)$(AR) qcs $@ $^
$(CURL_LIB): $(call objects,$(CURL_SRC))
	@rm -f $@
	$(Q)$(AR) qcs $@ $^
$(SOCK_LIB): $(call objects,$(SOCK_SRC))
	@rm -f $@
	$(Q)$(AR) qcs $@ $^

$(call objects,$(CLI_SRC)): override CPPFLAGS += -DBINDIR='"$(BINDIR)"' -DLIBDIR='"$(LIBDIR)"'
# What is compiled in. The file changes with it, so "make" and then "make install LIBDIR=..." agree.
COMPILED_IN := $(VERSION) $(BINDIR) $(LIBDIR) $(SYSCONFDIR)
$(call objects,$(CLI_SRC) src/engine/config/config.c): $(BUILD)/compiled-in
$(BUILD)/compiled-in: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILED_IN)' | cmp -s - $@ || echo '$(COMPILED_IN)' >$@
.PHONY: FORCE
# All but main(), for tests.
$(CLI_LIB): $(call objects,$(filter-out src/cli/main.c,$(CLI_SRC)))
	@rm -f $@
	$(Q)$(AR) qcs $@ $^
$(CLI): $(BUILD)/obj/src/cli/main.o $(CLI_LIB) $(ENGINE_LIB) $(TARGET_PARTS)
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread -lm

# Everything that is not the C library is linked in, and hidden: it lands in foreign processes.
SHIM_PARTS  := $(call objects,$(PRELOAD_SRC)) $(BUILD)/obj/preload/syscall.o $(CURL_LIB) $(SOCK_LIB) $(ENGINE_LIB) $(TARGET_PARTS)
LINK_SHARED  = $(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(notdir $@) -Wl,--exclude-libs,ALL \
	  -Wl,--gc-sections -Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack,-z,defs,-z,noseparate-code,-O1
LINK_SHIM    = $(LINK_SHARED) -Wl,--version-script,preload/harden.map

# preload/imports.h: the functions of the C library are bound at the first transfer, not at load.
MACHINE     := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
LAZY_IMPORTS ?= $(if $(SANITIZE)$(findstring -flto,$(CFLAGS)),no,$(if \
                  $(filter x86_64 aarch64,$(MACHINE)),yes,no))
ifneq ($(LAZY_IMPORTS),yes)
$(SHIM): $(SHIM_PARTS) preload/harden.map
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(LINK_SHIM) -o $@ $(SHIM_PARTS)
else
# A direct link tells which functions at which versions; then the same parts are linked again with
# the calls renamed. The compiler's start files would bring in four look-ups and do nothing here.
LAZY        := $(BUILD)/lazy
LAZY_PARTS  := $(SHIM_PARTS:$(BUILD)/%=$(LAZY)/%)
# Runs before there is anything to call, so no distribution's flags may put a call into it.
BINDERS     := $(patsubst %,$(BUILD)/obj/preload/%.o,imports scope symtab)
$(BINDERS): override CFLAGS += -fno-stack-protector
$(LAZY)/direct.so: $(SHIM_PARTS) preload/harden.map
	@mkdir -p $(@D)
	$(Q)$(LINK_SHIM) -o $@ $(SHIM_PARTS)
$(LAZY)/imports.list: $(LAZY)/direct.so scripts/lazy-imports
	$(Q)CC="$(CC)" scripts/lazy-imports $< $@ $(LAZY)/names $(BINDERS)
$(LAZY)/%: $(BUILD)/% $(LAZY)/imports.list
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --redefine-syms=$(LAZY)/names $< $@
$(LAZY)/imports.o: preload/imports.S $(LAZY)/imports.list
	$(Q)$(CC) $(CPPFLAGS) -I$(LAZY) $(CFLAGS) -c -o $@ $<
$(SHIM): $(LAZY_PARTS) $(LAZY)/imports.o preload/harden.map
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(LINK_SHIM) -nostartfiles -o $@ $(LAZY)/imports.o $(LAZY_PARTS)
endif

# Beside it, for those who ask: programs that look libcurl's functions up by themselves.
$(AUDIT): $(call objects,$(AUDIT_SRC))
	@$(if $(V),,echo "  LINK    $@")
	$(Q)$(LINK_SHARED) -nostartfiles -o $@ $^

# ---- tests ------------------------------------------------------------------------------------
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
SOCK_TESTS := $(patsubst tests/sock/%.c,$(BUILD)/tests/sock/%,$(wildcard tests/sock/test_*.c))
CURL_TESTS := $(patsubst tests/curl/%.c,$(BUILD)/tests/curl/%,$(wildcard tests/curl/test_*.c))
TEST_LIBS  := $(TARGET_PARTS) $(if $(RUNNER),,-lcriterion) -lpthread -lm

# Objects of their own: a change of the library links the tests again, and compiles none.
TEST_RUNNER := $(patsubst %.c,$(BUILD)/%.o,$(RUNNER))
TEST_FAKES  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/curl/fake_*.c))
.SECONDARY: $(patsubst %,%.o,$(UNIT_TESTS) $(SOCK_TESTS) $(CURL_TESTS)) $(TEST_RUNNER) $(TEST_FAKES)
$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) -Itests/support -I$(<D) $(CFLAGS) -c -o $@ $<

LINK_TEST = $(if $(V),,@echo "  LINK    $@"; )$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(TEST_LIBS)
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(TEST_RUNNER) $(CLI_LIB) $(ENGINE_LIB)
	$(LINK_TEST)
$(BUILD)/tests/sock/%: $(BUILD)/tests/sock/%.o $(TEST_RUNNER) $(SOCK_LIB) $(ENGINE_LIB)
	$(LINK_TEST)
$(BUILD)/tests/curl/%: $(BUILD)/tests/curl/%.o $(TEST_RUNNER) $(TEST_FAKES) $(CURL_LIB) $(ENGINE_LIB)
	$(LINK_TEST) -lcurl

# tests/support/scarce.h: what these programs allocate may fail.
SCARCE := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup \
	  -Wl,--wrap=mmap,--wrap=munmap,--wrap=free
$(filter %/test_no_memory,$(UNIT_TESTS) $(SOCK_TESTS) $(CURL_TESTS)): override LDFLAGS += $(SCARCE)

.PHONY: check-unit check-curl
# Built on all CPUs, run one after the other.
AT_ONCE    := --no-print-directory -j$(shell nproc)
check-unit:  ## the engine, the command's parts, and what knows sockets
	@$(MAKE) $(AT_ONCE) $(UNIT_TESTS) $(SOCK_TESTS)
	@scripts/run-tests $(UNIT_TESTS) $(SOCK_TESTS)
check-curl:  ## what knows libcurl's types, against a fake libcurl
	@$(MAKE) $(AT_ONCE) $(CURL_TESTS)
	@scripts/run-tests $(CURL_TESTS)

# ---- everything else that is checked ------------------------------------------------------------
.PHONY: setup check check-bare check-mutations check-preload check-stress check-e2e check-aarch64 \
        check-musl lint fuzz fuzz-quick
setup:           ## install what building and testing need (Debian packages)
	@scripts/setup build check lint
check:           ## every test, the sanitizers and the linters; sums up
	@scripts/check setup lint "-j DEVELOPER=1 BUILD=build/strict all" \
	  check-unit check-curl check-preload "LIVES=1-200 check-stress" check-e2e \
	  "SANITIZE=address,undefined check-unit check-curl" "SANITIZE=thread check-unit check-curl" \
	  "RARE=1 SANITIZE=address,undefined check-unit check-curl" \
	  check-musl check-aarch64 check-deb bench-storm fuzz-quick
SUITE ?= trixie
check-bare:      ## the same of HEAD in a bare Debian, SUITE=trixie or bookworm (scripts/in-root)
	@scripts/in-root $(SUITE) check
check-preload: $(SHIM) $(AUDIT)  ## real programs under the library
	@CC="$(CC)" TARGET=$(TARGET) scripts/run-preload $(SHIM)
LIVES ?= 1-10000
check-stress: $(SHIM)   ## random lives of a process, bare and under the library (LIVES=1-10000)
	@scripts/run-stress $(SHIM) $(LIVES)
check-e2e: all            ## real programs, real servers, real faults
	@LIBHARDEN=$(SHIM) scripts/run-e2e
check-musl:             ## the library on another C library
	@$(MAKE) $(AT_ONCE) TARGET=musl all
	@$(MAKE) --no-print-directory TARGET=musl check-unit check-preload
check-aarch64:          ## and on another processor, under an emulator
	@if ! scripts/setup aarch64; then \
	  echo "not run: the packages of another architecture cannot be installed here"; \
	else \
	  $(MAKE) $(AT_ONCE) TARGET=aarch64 all && \
	  $(MAKE) --no-print-directory TARGET=aarch64 check-unit check-curl check-preload; \
	fi
check-mutations:        ## small mistakes made on purpose: does a test notice each? (not in check)
	@scripts/mutate
lint: all               ## layout, layers, static analysis, exported symbols, manual pages
	@BUILD=$(BUILD) scripts/lint

# Coverage-guided, under the sanitizers: clang's, because gcc has no fuzzer. Time per target.
FUZZ_SECONDS ?= 300
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
build/fuzz/%: tests/fuzz/%.c $(BASE_SRC) $(ENGINE_SRC) $(INIH)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  FUZZCC  $@")
	$(Q)clang -O1 -g -std=gnu11 $(CPPFLAGS) -DHARDEN_ASSERT -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=all -o $@ $^
fuzz: $(FUZZERS)        ## each parser under the fuzzer for FUZZ_SECONDS
	@scripts/run-fuzz $(FUZZ_SECONDS) $^
fuzz-quick: $(FUZZERS)
	@scripts/run-fuzz 10 $^

# ---- benchmarks ---------------------------------------------------------------------------------
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/transfer: BENCH_LIBS = -lcurl
$(BUILD)/bench/%: tests/bench/%.c $(ENGINE_LIB)
	@mkdir -p $(@D)
	@$(if $(V),,echo "  CCLD    $@")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(ENGINE_LIB) -lpthread \
	  $(BENCH_LIBS)
.PHONY: bench bench-quick bench-storm
bench: all $(BENCH)  ## measure against the floor and the peers
	@BUILD=$(BUILD) scripts/bench
bench-quick: all $(BENCH)  ## the same in under two minutes
	@BUILD=$(BUILD) scripts/bench --quick
bench-storm: $(BUILD)/bench/storm $(BUILD)/bench/mixtures  ## simulated outages, whole and in part
	@BUILD=$(BUILD) scripts/storm

# ---- installing ---------------------------------------------------------------------------------
# The sample configurations go to the documentation: a file in $(SYSCONFDIR) is live for every
# program of the machine, so only an administrator puts one there.
DOCDIR = $(DATADIR)/doc/libharden
COMPDIR= $(DATADIR)/bash-completion/completions
MAN1   = $(wildcard docs/*.1)
MAN5   = $(wildcard docs/*.5)
MAN7   = $(wildcard docs/*.7)
# As they lie here, so that their links lead somewhere.
DOCS   = README.md CHANGELOG.md CONTRIBUTING.md LICENSE $(wildcard docs/*.md docs/*.svg docs/*.png \
	 conf/*.ini conf/*.json conf/presets/* conf/examples/*)
DOCDIRS = $(sort $(dir $(DOCS)))
INSTALLED = $(BINDIR)/harden $(LIBDIR)/libharden.so $(LIBDIR)/libharden-audit.so $(COMPDIR)/harden \
	    $(addprefix $(MANDIR)/man1/,$(notdir $(MAN1))) \
	    $(addprefix $(MANDIR)/man5/,$(notdir $(MAN5))) \
	    $(addprefix $(MANDIR)/man7/,$(notdir $(MAN7))) $(addprefix $(DOCDIR)/,$(DOCS))
# Lets "LD_PRELOAD=libharden.so" find it; a staged or a user's own installation leaves that alone.
LDCONFIG = if [ -z "$(DESTDIR)" ] && [ -w /etc/ld.so.cache ]; then ldconfig; fi
.PHONY: install uninstall dist deb check-deb
install: all            ## into PREFIX, staged under DESTDIR
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(LIBDIR) $(COMPDIR) $(MANDIR)/man1 \
	  $(MANDIR)/man5 $(MANDIR)/man7 $(addprefix $(DOCDIR)/,$(DOCDIRS)))
	install -m 755 $(CLI) $(DESTDIR)$(BINDIR)/harden
	install -m 755 $(SHIM) $(AUDIT) $(DESTDIR)$(LIBDIR)
	install -m 644 scripts/completion/harden.bash $(DESTDIR)$(COMPDIR)/harden
	install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(MAN7) $(DESTDIR)$(MANDIR)/man7
	for f in $(DOCS); do install -m 644 $$f $(DESTDIR)$(DOCDIR)/$$f || exit; done
	@$(LDCONFIG)
uninstall:              ## remove exactly what install wrote
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	@cd $(DESTDIR)$(DOCDIR) 2>/dev/null && rmdir -p $(filter-out ./,$(DOCDIRS)) 2>/dev/null || true
	@rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true
	@$(LDCONFIG)

# Order and owners are git's own, the time is the commit's; nobody's settings have a say.
DIST ?= build/libharden-$(VERSION).tar.gz
dist:                   ## a source archive of HEAD, the same bytes each time
	@mkdir -p $(dir $(DIST))
	git -c tar.umask=0022 -c core.autocrlf=false -c core.attributesFile=/dev/null archive \
	  --format=tar --prefix=libharden-$(VERSION)/ -o $(DIST).tar HEAD
	env -u GZIP gzip -9n <$(DIST).tar >$(DIST)
	@rm $(DIST).tar
deb: dist               ## a Debian package of HEAD, looked at by lintian
	@scripts/packaging/build-deb $(DIST)
check-deb:              ## the package, built, installed, used and removed: needs root
	@if ! [ -e .git ] || ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then \
	  echo "not run: a package is made of a commit, and git has none here"; \
	elif ! scripts/setup package; then \
	  echo "not run: what builds a Debian package cannot be installed here"; \
	else \
	  $(MAKE) --no-print-directory deb && scripts/packaging/check-deb build/deb; \
	fi

.PHONY: demo help
demo:                   ## see it work: installs what is missing, builds, shows
	@LIBHARDEN=$(SHIM) scripts/demo
help:                   ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

-include $(shell find build -name '*.d' 2>/dev/null)

.PHONY: clean
clean:                  ## remove build/
	rm -rf build
