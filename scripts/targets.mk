# SPDX-License-Identifier: MIT
#
# Other targets than this machine's own, for Debian on x86-64: `make TARGET=aarch64 check-unit`.
# Criterion can be there for one architecture only, so its tests run on tests/support/plain_runner.c.

BUILD  := build/$(TARGET)
RUNNER := tests/support/plain_runner.c

ifeq ($(TARGET),aarch64)
CC       := aarch64-linux-gnu-gcc
AR       := aarch64-linux-gnu-ar
export EMULATOR := qemu-aarch64
# qemu-user accepts MADV_WIPEONFORK and does not do it; has no CLOSE_RANGE_UNSHARE, no system call
# filters, no choice of CPUs; is too slow for what is told from a call that came back at once, and of a
# slow one that failed it gives but four bytes of TCP_INFO, which do not tell whether it was ours; the
# child of a fork may hang there while other threads wait; what a smaller break frees stays readable
# (7.2); SO_SNDTIMEO is not told back (10.0); and the process has a thread of qemu's.
export SKIP_TESTS := $(space) \
  engine::opens_in_the_child_when_a_fork_came_while_another_thread_was_opening \
  monitor::starts_again_in_the_child_of_a_fork \
  monitor::does_not_flush_in_a_child_that_made_no_call \
  monitor_thread::memory_is_shared_by_a_vfork_child_alone \
  monitor_thread::is_not_there_in_a_program_of_one_thread_however_long_it_lives \
  monitor_thread::leaves_a_process_of_one_thread_when_it_has_ended \
  monitor_thread::ends_when_no_thread_of_the_program_is_left \
  monitor::has_a_descriptor_table_of_its_own_and_all_signals_blocked \
  monitor::writes_inline_under_a_seccomp_filter_that_kills_thread_makers \
  monitor::flushes_although_its_thread_gets_no_processor \
  check_lookup::in_the_child_of_a_fork_does_not_wait_for_the_parents_questions \
  dial::nothing_is_asked_of_one_that_is_under_way_at_once \
  dial::a_number_that_is_nobodys_any_more_is_not_used \
  dial::a_socket_that_got_the_number_before_the_turn_came_is_not_connected \
  dial::of_several_addresses_only_the_last_is_repeated_and_blamed \
  dial::one_that_follows_another_is_treated_as_that \
  dial::a_bound_is_restored_and_a_connection_taken_back_on_our_own_socket_only \
  dial::a_program_without_a_bound_gets_ours \
  dial::no_retry_begins_that_the_programs_bound_leaves_no_time_for \
  dial::a_connection_with_the_programs_own_bound_is_ended_by_any_handler \
  dial::a_bound_of_more_than_we_can_count_is_none \
  dial::the_programs_own_bound_is_kept_and_restored \
  dial_edges::the_shortest_bound_is_not_none \
  readable::above_the_break_there_is_no_heap $(space)
else ifeq ($(TARGET),musl)
# musl-gcc looks into its own directory alone. What does not depend on the C library is added.
MULTIARCH := $(shell cc -print-multiarch)
$(shell mkdir -p $(BUILD)/include && ln -sfn $(addprefix /usr/include/,linux asm-generic ini.h \
  xxhash.h xxh3.h criterion valgrind $(MULTIARCH)/asm $(MULTIARCH)/curl) $(BUILD)/include)
CC           := musl-gcc -idirafter $(abspath $(BUILD))/include
LAZY_IMPORTS := no
# In the child of a fork, musl 1.2.3 waits for ever at the end of a thread after the first one's end.
export SKIP_TESTS := $(space) \
  monitor_thread::does_not_keep_alive_a_process_whose_first_thread_has_ended $(space)
TARGET_PARTS := $(BUILD)/obj/tests/support/musl.o
else
$(error TARGET=$(TARGET): aarch64 and musl are known)
endif
