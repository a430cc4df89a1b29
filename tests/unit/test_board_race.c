/* SPDX-License-Identifier: MIT
 *
 * Two processes claim a slot for the same key, stepped by hand. The source of the board is
 * included here for its single steps. */
#include "engine/board/board.c"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define NOW   (100000 * NS_PER_S)
#define LATER (NOW + 2 * SLOT_IDLE_NS)
#define KEY   77

static struct board *board;

/* A full table of idle slots. */
static void set_up(void)
{
    board = board_open(NULL, 4, NULL);
    for (uint64_t i = 0; i < 4; i++)
        cr_assert(board_slot(board, 1000 + i, "old", SLOT_HOST, NOW) != board_overflow(board));
}

static void tear_down(void)
{
    board_close(board);
}

TestSuite(board_race, .init = set_up, .fini = tear_down);

/* The result of the search when this idle slot is the least recently used. */
static struct claim look_and_find(struct slot *oldest)
{
    int64_t was = oldest->last_used_ns;
    oldest->last_used_ns = NOW - NS_PER_S;
    struct claim at = find_place(board, KEY, LATER);
    oldest->last_used_ns = was;
    cr_assert(at.idle == oldest);
    cr_assert(not(at.contested));
    return at;
}

static struct slot *take(const struct claim *at)
{
    return recycle(board, at, KEY, "new", SLOT_HOST, LATER);
}

Test(board_race, the_second_process_yields_to_the_slot_of_the_first)
{
    struct claim first = look_and_find(&board->slots[1]), second = look_and_find(&board->slots[2]);
    uint64_t old = board->slots[2].key;
    cr_assert(take(&first) == &board->slots[1]);
    cr_assert(take(&second) == NULL);
    cr_assert(eq(u64, board->slots[2].key, old));
    cr_assert_str_eq(board->slots[2].name, "old");
    cr_assert(board_slot(board, KEY, "new", SLOT_HOST, LATER) == &board->slots[1]);
}

Test(board_race, the_second_process_yields_to_the_mark_of_the_first)
{
    struct claim second = look_and_find(&board->slots[2]);
    uint64_t old = board->slots[2].key;
    board->slots[1].key = change_marker(KEY, 4711, LATER);
    cr_assert(take(&second) == NULL);
    cr_assert(eq(u64, board->slots[2].key, old));
    cr_assert(board_slot(board, KEY, "new", SLOT_HOST, LATER) == board_overflow(board));
}

Test(board_race, a_mark_of_a_process_killed_long_ago_is_ignored)
{
    struct claim second = look_and_find(&board->slots[2]);
    board->slots[1].key = change_marker(KEY, 4711, LATER - 120 * NS_PER_S);
    cr_assert(take(&second) == &board->slots[2]);
}

Test(board_race, a_slot_used_since_the_search_is_not_reused)
{
    struct claim at = look_and_find(&board->slots[3]);
    uint64_t old = board->slots[3].key;
    cr_assert(slot_touch(&board->slots[3], old, LATER));
    cr_assert(take(&at) == NULL);
    cr_assert(eq(u64, board->slots[3].key, old));
}

/* The process that marked the slot is about to find that it was used since. */
Test(board_race, a_key_whose_slot_may_still_be_returned_gets_no_second_one)
{
    struct slot *own = board_slot(board, KEY, "new", SLOT_HOST, LATER);
    uint64_t key = own->key, mark = change_marker(4711, key, LATER);
    uint64_t untold = mark & ~(0x1ffULL << CHANGE_OLD_SHIFT);
    for (int i = 0; i < 2; i++) {
        own->key = i ? untold : mark;
        cr_assert(board_slot(board, KEY, "new", SLOT_HOST, LATER + 1000) == board_overflow(board));
        own->key = key;
        cr_assert(board_slot(board, KEY, "new", SLOT_HOST, LATER + 1000) == own);
    }
    own->key = mark;
    cr_assert(board_slot(board, KEY + 1, "other", SLOT_HOST, LATER) != board_overflow(board));
}

Test(board_race, a_mark_is_not_stale_for_a_thread_with_an_older_clock_reading)
{
    int64_t unit = 1LL << 30, times[] = {1000 * unit, (1000 + (1LL << CHANGE_OLD_SHIFT)) * unit};
    for (int i = 0; i < 2; i++) {
        uint64_t mark = change_marker(KEY, 4711, times[i]);
        cr_assert(not(change_stale(mark, times[i] - 5)));
        cr_assert(not(change_stale(mark, times[i] - 1000 * NS_PER_S)));
        cr_assert(not(change_stale(mark, times[i] + 60 * NS_PER_S)));
        cr_assert(change_stale(mark, times[i] + 70 * NS_PER_S));
        cr_assert(change_stale(mark, times[i] + 86400 * NS_PER_S));
        cr_assert(change_stale(mark, times[i] - 86400 * NS_PER_S), "no clock reading is this old");
    }
}

Test(board_race, a_resumed_process_does_not_continue_with_a_slot_that_another_took_over)
{
    struct claim first = look_and_find(&board->slots[1]);
    struct slot *s = first.idle;
    uint64_t mark = change_marker(KEY, first.idle_key, LATER), old = mark;
    s->key = mark; /* the process is stopped here */
    struct claim second = {.idle = s, .idle_key = mark};
    board->slots[2].key = KEY; /* so that the process that takes over yields */
    cr_assert(recycle(board, &second, KEY, "new", SLOT_HOST, LATER + 70 * NS_PER_S) == NULL);
    cr_assert(not(atomic_compare_exchange_strong(&s->key, &old, KEY)));
    cr_assert(change_stale(s->key, LATER + 70 * NS_PER_S), "the mark does not delay others again");
}

Test(board_race, a_thread_with_an_older_clock_reading_does_not_set_back_the_last_use)
{
    struct slot *s = &board->slots[0];
    s->last_used_ns = LATER;
    cr_assert(slot_touch(s, s->key, LATER - 20 * NS_PER_S));
    cr_assert(eq(i64, s->last_used_ns, LATER));
    cr_assert(not(is_idle(s, LATER - 20 * NS_PER_S)));
    s->last_used_ns = INT64_MAX;
    cr_assert(is_idle(s, LATER), "no clock reading is this far ahead");
    cr_assert(slot_touch(s, s->key, LATER));
    cr_assert(eq(i64, s->last_used_ns, LATER));
}

Test(board_race, a_slot_claimed_by_another_process_since_the_search_is_not_taken)
{
    struct claim at = look_and_find(&board->slots[3]);
    board->slots[3].key = 4711;
    cr_assert(take(&at) == NULL);
    cr_assert(eq(u64, board->slots[3].key, 4711));
}
