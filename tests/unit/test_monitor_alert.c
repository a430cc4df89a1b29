/* SPDX-License-Identifier: MIT
 *
 * Changes of the board while a process writes the snapshot. */
#include "base/clock.h"
#include "base/text.h"
#include "engine/board/alert.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/harden-test-XXXXXX";
static struct board_header *header;

/* Runs during a write: the action of another process. */
static void (*meanwhile)(void);

static void libcurls(struct text *t)
{
    (void)t;
    if (meanwhile)
        meanwhile();
}

static void make(void)
{
    mkdtemp(dir);
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
    setenv("HARDEN_SNAPSHOT_INTERVAL", "1h", 1);
    setenv("HARDEN_THREAD", "off", 1);
    setenv("HARDEN_LOG", "off", 1);
    engine_coverage.libcurls = libcurls;
    header = engine_get()->board->header;
}

static void drop(void)
{
    scratch_remove(dir);
}

TestSuite(monitor_alert, .init = make, .fini = drop, .timeout = 60);

static void alert_elsewhere(void)
{
    atomic_fetch_add(&header->alerts, 1);
    atomic_store(&header->snapshot_due_ns, 0);
}

static void write_some(uint64_t times)
{
    monitor_start();
    monitor_update(clock_now_ns());
    cr_assert_eq(atomic_load(&header->snapshot_seq), times);
}

static void alert_once_elsewhere(void)
{
    meanwhile = NULL;
    alert_elsewhere();
}

Test(monitor_alert, that_comes_during_a_write_is_written_by_the_same_call)
{
    meanwhile = alert_once_elsewhere;
    write_some(2);
    cr_assert_gt(atomic_load(&header->snapshot_due_ns), clock_now_ns() + 3000 * NS_PER_S);
    cr_assert_eq(atomic_load(&header->snapshot_lease_ns), 0);
}

Test(monitor_alert, alerts_without_end_do_not_delay_a_call_without_end)
{
    meanwhile = alert_elsewhere;
    write_some(3);
    cr_assert_eq(atomic_load(&header->snapshot_due_ns), 0, "the next call writes");
    cr_assert_eq(atomic_load(&header->snapshot_lease_ns), 0);
}

Test(monitor_alert, that_immediately_follows_a_write_is_written_by_its_own_call)
{
    write_some(1);
    board_alert(engine_get()->board);
    monitor_update(clock_now_ns());
    cr_assert_eq(atomic_load(&header->snapshot_seq), 2u, "a later call is not guaranteed");
}

Test(monitor_alert, without_alerts_the_next_write_is_due_an_interval_later)
{
    write_some(1);
    cr_assert_gt(atomic_load(&header->snapshot_due_ns), clock_now_ns() + 3000 * NS_PER_S);
    cr_assert_eq(atomic_load(&header->snapshot_lease_ns), 0);
}

static void take_the_lease(void)
{
    atomic_store(&header->snapshot_lease_ns, clock_now_ns() + NS_PER_S);
}

Test(monitor_alert, a_writer_that_lost_its_lease_leaves_the_new_one_and_writes_again)
{
    meanwhile = take_the_lease;
    write_some(1);
    cr_assert_neq(atomic_load(&header->snapshot_lease_ns), 0, "it belongs to another process");
    cr_assert_eq(atomic_load(&header->snapshot_due_ns), 0);
}
