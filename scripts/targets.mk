# SPDX-License-Identifier: MIT
#
# Targets other than this machine, for Debian on x86-64: `make TARGET=aarch64 check-unit`. Criterion can
# be installed for one architecture only, so the tests use tests/support/plain_runner.c.

BUILD  := build/$(TARGET)
RUNNER := tests/support/plain_runner.c

ifeq ($(TARGET),aarch64)
CC       := aarch64-linux-gnu-gcc
AR       := aarch64-linux-gnu-ar
export EMULATOR := qemu-aarch64
# qemu-user accepts MADV_WIPEONFORK without effect; has no CLOSE_RANGE_UNSHARE, no system call filters
# and no CPU affinity; is too slow for tests that tell calls apart by an immediate return; gives four
# bytes of TCP_INFO only, which do not tell whose connection it was; may hang in the child of a fork
# while other threads wait; leaves memory readable that a smaller break has freed (7.2); does not return
# SO_SNDTIMEO (10.0); and has a thread of its own in the process.
export SKIP_TESTS := $(space) \
  engine::opens_in_the_child_when_a_fork_came_while_another_thread_was_opening \
  monitor::starts_again_in_the_child_of_a_fork \
  monitor::does_not_flush_in_a_child_that_made_no_call \
  background::memory_is_shared_by_a_vfork_child_alone \
  background::is_not_there_in_a_program_of_one_thread_however_long_it_lives \
  background::leaves_a_process_of_one_thread_when_it_has_ended \
  background::ends_when_no_thread_of_the_program_is_left \
  monitor::has_a_descriptor_table_of_its_own_and_all_signals_blocked \
  monitor::writes_inline_under_a_seccomp_filter_that_kills_thread_makers \
  monitor::flushes_although_its_thread_gets_no_processor \
  check_lookup::in_the_child_of_a_fork_does_not_wait_for_the_parents_questions \
  dial::nothing_is_asked_of_one_that_is_under_way_at_once \
  dial::a_number_that_is_nobodys_any_more_is_not_used \
  dial::a_socket_that_got_the_number_before_the_turn_came_is_not_connected \
  dial::of_several_addresses_only_the_last_is_repeated_and_blamed \
  dial::one_that_follows_another_is_treated_as_that \
  dial::a_timeout_is_restored_and_a_connection_dissolved_on_our_own_socket_only \
  dial::a_program_without_a_timeout_gets_ours \
  dial::no_retry_begins_that_the_programs_timeout_leaves_no_time_for \
  dial::a_connection_with_the_programs_own_timeout_is_ended_by_any_handler \
  dial::a_timeout_of_more_than_we_can_count_is_none \
  dial::the_programs_own_timeout_is_kept_and_restored \
  dial_edges::the_shortest_timeout_is_not_none \
  readable::above_the_break_there_is_no_heap $(space)
else ifeq ($(TARGET),musl)
# musl-gcc searches its own directory only. Add the headers that do not depend on the C library.
MULTIARCH := $(shell cc -print-multiarch)
$(shell mkdir -p $(BUILD)/include && ln -sfn $(addprefix /usr/include/,linux asm-generic ini.h \
  xxhash.h xxh3.h criterion valgrind $(MULTIARCH)/asm $(MULTIARCH)/curl) $(BUILD)/include)
CC           := musl-gcc -idirafter $(abspath $(BUILD))/include
LAZY_IMPORTS := no
# In the child of a fork, musl 1.2.3 hangs when a thread ends after the first one.
export SKIP_TESTS := $(space) \
  background::does_not_keep_alive_a_process_whose_first_thread_has_ended $(space)
TARGET_PARTS := $(BUILD)/obj/tests/support/musl.o
else
$(error TARGET=$(TARGET): not supported; use aarch64 or musl)
endif
