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
# qemu-user accepts MADV_WIPEONFORK and MADV_DONTFORK without effect; does not tell a network namespace;
# has no CLOSE_RANGE_UNSHARE, no system call filters and no CPU affinity; is too slow for tests that tell
# calls apart by an immediate return; gives four bytes of TCP_INFO only, which do not tell whose connection
# it was; may hang in the child of a fork while other threads wait; leaves memory readable that a smaller
# break has freed (7.2); does not return SO_SNDTIMEO (10.0); and has a thread of its own in the process.
export SKIP_TESTS := $(space) \
  engine::opens_in_the_child_of_a_fork_during_the_opening \
  monitor::starts_again_in_the_child_of_a_fork \
  monitor::does_not_flush_in_a_child_that_made_no_call \
  background::memory_is_shared_by_a_vfork_child_alone \
  background::never_exists_in_a_single_threaded_program \
  background::leaves_a_single_threaded_process_when_it_has_ended \
  background::ends_with_the_last_thread_of_the_program \
  monitor::has_its_own_descriptor_table_and_blocks_all_signals \
  monitor::writes_inline_under_a_seccomp_filter_that_kills_on_new_threads \
  monitor::flushes_although_its_thread_gets_no_cpu_time \
  check_lookup::in_the_child_of_a_fork_does_not_wait_for_the_parents_lookups \
  dial::a_non_blocking_connect_in_progress_makes_no_other_system_call \
  dial::a_descriptor_closed_during_a_wait_is_not_used \
  dial::a_descriptor_reused_during_the_wait_for_a_token_is_not_connected \
  dial::of_several_addresses_only_the_last_is_repeated_and_counted \
  dial::later_connections_to_the_same_address_are_treated_as_the_first \
  dial::timeouts_and_connections_of_a_reused_descriptor_are_not_changed \
  dial::a_program_without_a_timeout_gets_connect_timeout \
  dial::no_retry_begins_without_enough_time_left_of_the_programs_timeout \
  dial::a_connect_with_the_programs_timeout_ends_with_any_signal \
  dial::a_timeout_that_overflows_is_none \
  dial::the_programs_own_timeout_is_kept_and_restored \
  dial::in_observe_mode_every_connection_is_counted_for_the_host \
  dial_edges::the_shortest_timeout_is_not_none \
  fallback::a_timeout_of_the_library_is_dissolved_before_the_next_place_is_tried \
  fallback::all_places_together_get_the_time_that_the_program_allows \
  readable::memory_above_the_break_is_not_heap \
  concurrency::the_child_of_a_fork_gives_back_no_permit_of_its_parent \
  holder::without_a_file_its_process_is_told_by_pid_and_start \
  holder::dies_with_its_process_though_a_child_of_it_lives_on \
  holder::the_child_of_a_fork_is_another_one_and_does_not_outlive_itself \
  check_circuit::concerns_a_local_host_of_its_own_network_only $(space)
else ifeq ($(TARGET),musl)
# musl-gcc searches its own directory only. Add the headers that do not depend on the C library.
MULTIARCH := $(shell cc -print-multiarch)
$(shell mkdir -p $(BUILD)/include && ln -sfn $(addprefix /usr/include/,linux asm-generic ini.h \
  xxhash.h xxh3.h jsmn.h criterion valgrind $(MULTIARCH)/asm $(MULTIARCH)/curl) $(BUILD)/include)
CC           := musl-gcc -idirafter $(abspath $(BUILD))/include
LAZY_IMPORTS := no
# In the child of a fork, musl 1.2.3 hangs when a thread ends after the first one.
export SKIP_TESTS := $(space) \
  background::does_not_keep_alive_a_process_whose_first_thread_has_ended $(space)
TARGET_PARTS := $(BUILD)/obj/tests/support/musl.o
else
$(error TARGET=$(TARGET): not supported; use aarch64 or musl)
endif
