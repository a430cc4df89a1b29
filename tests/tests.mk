# SPDX-License-Identifier: MIT
#
# Test programs, everything that `make check` runs, fuzzers and benchmarks.
test_programs = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(1)/test_*.c))
UNIT_TESTS := $(call test_programs,unit)
SOCK_TESTS := $(call test_programs,sock)
CURL_TESTS := $(call test_programs,curl)
TESTS      := $(UNIT_TESTS) $(SOCK_TESTS) $(CURL_TESTS)
TEST_LIBS  := $(TARGET_PARTS) $(if $(RUNNER),,-lcriterion) -lpthread -lm

# Tests are compiled and linked in two steps: after a change of the library they are only linked.
TEST_RUNNER := $(patsubst %.c,$(BUILD)/%.o,$(RUNNER))
TEST_FAKES  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/curl/fake_*.c))
.SECONDARY: $(TESTS:=.o) $(TEST_RUNNER) $(TEST_FAKES)
$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC     ,$<)
	$(Q)$(CC) $(CPPFLAGS) -Itests/support -I$(<D) $(CFLAGS) -c -o $@ $<
$(TESTS): %: %.o $(TEST_RUNNER)
	$(if $(V),,@echo "  LINK    $@"; )$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(TEST_LIBS)
$(UNIT_TESTS): $(CLI_LIB) $(ENGINE_LIB)
$(SOCK_TESTS): $(SOCK_LIB) $(ENGINE_LIB)
$(CURL_TESTS): $(TEST_FAKES) $(CURL_LIB) $(ENGINE_LIB)
$(CURL_TESTS): TEST_LIBS += -lcurl

# In these programs allocations can be made to fail (tests/support/scarce.h).
SCARCE := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup \
	  -Wl,--wrap=mmap,--wrap=munmap,--wrap=free
$(filter %/test_no_memory,$(TESTS)): override LDFLAGS += $(SCARCE)

.PHONY: check-unit check-curl
# Built in parallel, run one after the other.
AT_ONCE    := --no-print-directory -j$(shell nproc)
check-unit:  ## unit tests: base, engine, sockets, the command
	@$(MAKE) $(AT_ONCE) $(UNIT_TESTS) $(SOCK_TESTS)
	@scripts/run-tests $(UNIT_TESTS) $(SOCK_TESTS)
check-curl:  ## src/curl against a fake libcurl
	@$(MAKE) $(AT_ONCE) $(CURL_TESTS)
	@scripts/run-tests $(CURL_TESTS)

.PHONY: setup check check-bare check-mutations check-preload check-stress check-e2e check-aarch64 \
        check-musl lint fuzz fuzz-quick
setup:           ## install the packages for building and testing (Debian)
	@scripts/setup build check lint
# Each stage: its name, a colon, its goals and variables for make.
check:           ## every test, the sanitizers and the linters; sums up
	@scripts/check "packages: setup" lint "strict build: -j DEVELOPER=1 BUILD=build/strict all" \
	  "unit tests: check-unit" "tests against a fake libcurl: check-curl" \
	  "programs under the library: check-preload" "random lives of a process: LIVES=1-200 check-stress" \
	  "end-to-end tests: check-e2e" \
	  "tests under AddressSanitizer and UBSan: SANITIZE=address,undefined check-unit check-curl" \
	  "tests under ThreadSanitizer: SANITIZE=thread check-unit check-curl" \
	  "tests with tiny sizes: RARE=1 SANITIZE=address,undefined check-unit check-curl" \
	  "tests with musl: check-musl" "tests for aarch64: check-aarch64" "Debian package: check-deb" \
	  "simulated outages: bench-storm" "fuzzers, 10 seconds each: fuzz-quick"
SUITE ?= trixie
check-bare:      ## make check of HEAD in a bare Debian, SUITE=trixie or bookworm (scripts/in-root)
	@scripts/in-root $(SUITE) check
check-preload: $(SHIM) $(AUDIT)  ## real programs under the library
	@CC="$(CC)" TARGET=$(TARGET) scripts/run-preload $(SHIM)
LIVES ?= 1-10000
check-stress: $(SHIM)   ## random lives of a process, bare and under the library (LIVES=1-10000)
	@scripts/run-stress $(SHIM) $(LIVES)
check-e2e: all            ## real programs against real servers that fail
	@LIBHARDEN=$(SHIM) scripts/run-e2e
check-musl:             ## build and test with musl
	@$(MAKE) $(AT_ONCE) TARGET=musl all
	@$(MAKE) --no-print-directory TARGET=musl check-unit check-preload
check-aarch64:          ## build and test for aarch64, under an emulator
	@if ! scripts/setup aarch64; then \
	  echo "not run: the packages of another architecture cannot be installed here"; \
	else \
	  $(MAKE) $(AT_ONCE) TARGET=aarch64 all && \
	  $(MAKE) --no-print-directory TARGET=aarch64 check-unit check-curl check-preload; \
	fi
check-mutations:        ## is each of tests/mutations/ noticed by a test? (not part of check)
	@scripts/mutate
lint: all               ## format, layers, static analysis, exported symbols, manual pages
	@BUILD=$(BUILD) scripts/lint

# Coverage-guided fuzzing needs clang. FUZZ_SECONDS is the time for each target.
FUZZ_SECONDS ?= 300
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
build/fuzz/%: tests/fuzz/%.c $(BASE_SRC) $(ENGINE_SRC) $(INIH)
	@mkdir -p $(@D)
	$(call say,FUZZCC ,$@)
	$(Q)clang -O1 -g -std=gnu11 $(CPPFLAGS) -DHARDEN_ASSERT -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=all -o $@ $^
fuzz: $(FUZZERS)        ## fuzz each parser for FUZZ_SECONDS
	@scripts/run-fuzz $(FUZZ_SECONDS) $^
fuzz-quick: $(FUZZERS)
	@scripts/run-fuzz 10 $^

BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/transfer: BENCH_LIBS = -lcurl
$(BUILD)/bench/%: tests/bench/%.c $(ENGINE_LIB)
	@mkdir -p $(@D)
	$(call say,CCLD   ,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(ENGINE_LIB) -lpthread \
	  $(BENCH_LIBS)
.PHONY: bench bench-quick bench-storm
bench: all $(BENCH)  ## compare with the floor and with other tools
	@BUILD=$(BUILD) scripts/bench
bench-quick: all $(BENCH)  ## the same in under two minutes
	@BUILD=$(BUILD) scripts/bench --quick
SIMULATIONS := storm mixtures adaptive fallback
bench-storm: $(SIMULATIONS:%=$(BUILD)/bench/%)  ## simulate full and partial outages
	@BUILD=$(BUILD) scripts/storm
