/* SPDX-License-Identifier: MIT
 *
 * Memory that a program lends to libcurl may be gone once the program has begun to end a
 * transfer. These tests put it into one page, which is not accessible by then. */
#include "multi_loop.h"

#include "curl/multi/private.h"

#include <sys/mman.h>
#include <unistd.h>

TestSuite(lifetime, .fini = loops_end);

struct lent {
    struct curl_slist headers;
    char header[64];
    char error[CURL_ERROR_SIZE];
    char fields[64];
    char other[64]; /* memory that only callbacks read */
};

static struct lent *lend(struct program *p)
{
    struct lent *l = mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(l != MAP_FAILED);
    strcpy(l->header, "Idempotency-Key: 42");
    strcpy(l->fields, "a=1");
    l->headers.data = l->header;
    set_pointer(p, CURLOPT_HTTPHEADER, &l->headers);
    set_pointer(p, CURLOPT_ERRORBUFFER, l->error);
    set_pointer(p, CURLOPT_POSTFIELDS, l->fields);
    set_pointer(p, CURLOPT_READDATA, l->other);
    set_pointer(p, CURLOPT_SEEKDATA, l->other);
    set_pointer(p, CURLOPT_XFERINFODATA, l->other);
    return l;
}

static void make_inaccessible(struct lent *l)
{
    cr_assert_eq(mprotect(l, (size_t)getpagesize(), PROT_NONE), 0);
}

/* ---- states of a transfer -------------------------------------------------------------------- */

static void is_added(struct loop *l, struct program *p)
{
    add(l, p);
}

/* Another transfer has taken the only token. */
static void comes_too_late(struct loop *l, struct program *p)
{
    static bool taken;
    struct program first;
    setenv("HARDEN_RATE", "1/5m", 1);
    START(&first, OK_200);
    if (!taken)
        cr_assert_eq(program_perform(&first), CURLE_OK);
    taken = true;
    add(l, p);
    turn(l);
}

static void waits_for_a_token(struct loop *l, struct program *p)
{
    setenv("HARDEN_MAX_WAIT", "1h", 1);
    comes_too_late(l, p);
    cr_assert_eq(p->shadow->member->state, MEMBER_PARKED);
}

static void is_being_refused(struct loop *l, struct program *p)
{
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    fake(l)->slow = 1000;
    comes_too_late(l, p);
    cr_assert(p->shadow->member->refused);
}

static void runs(struct loop *l, struct program *p)
{
    fake(l)->slow = 1000;
    add(l, p);
    turn(l);
    cr_assert_eq(p->shadow->member->state, MEMBER_RUNNING);
}

static void waits_for_another_attempt(struct loop *l, struct program *p)
{
    slowly();
    add(l, p);
    turn(l);
    cr_assert_eq(performs(p), 1);
    cr_assert_eq(p->shadow->member->state, MEMBER_PARKED);
}

static void makes_another_attempt(struct loop *l, struct program *p)
{
    add(l, p);
    do {
        fake(l)->slow = performs(p) ? 1000 : 0;
        turn(l);
    } while (p->shadow->member->state != MEMBER_RUNNING);
    cr_assert_eq(performs(p), 1);
}

static void is_paused(struct loop *l, struct program *p)
{
    static const struct fake_attempt script = {.head = "HTTP/1.1 401 Who\nX: 1\n\n"};
    fake_of(p->handle)->script = &script;
    p->pause_at = 2;
    add(l, p);
    turn(l);
    cr_assert_eq(p->shadow->member->state, MEMBER_DELIVERING);
}

static void is_over(struct loop *l, struct program *p)
{
    setenv("HARDEN_RETRY", "off", 1);
    add(l, p);
    cr_assert_eq(multi_perform(l->multi, &l->running), CURLM_OK);
    cr_assert_eq(p->shadow->member->state, MEMBER_DONE);
}

/* ---- ways to end ----------------------------------------------------------------------------- */

static void removed(struct loop *l, struct program *p)
{
    cr_assert_eq(remove_from(l, p), CURLM_OK);
}

/* Like the hook. */
static void cleaned_up(struct loop *l, struct program *p)
{
    (void)l;
    multi_remove_freed(p->handle);
    shadow_remove(p->handle);
}

static void left_to_the_multi_handle(struct loop *l, struct program *p)
{
    (void)p;
    cr_assert_eq(multi_cleanup(l->multi), CURLM_OK);
}

/* Like the hook. */
static void reset_and_removed(struct loop *l, struct program *p)
{
    fake_curl.easy_reset(p->handle);
    if (p->shadow->transfer)
        p->shadow->transfer->reset = true;
    shadow_reset(p->shadow);
    removed(l, p);
}

static void freed_unseen(struct loop *l, struct program *p)
{
    (void)l;
    shadow_remove(p->handle);
}

static void needs_nothing_to_end(void (*reach)(struct loop *, struct program *))
{
    static void (*const ends[])(struct loop *, struct program *) = {
        removed, cleaned_up, left_to_the_multi_handle, reset_and_removed, freed_unseen,
    };
    setenv("HARDEN_BREAKER", "off", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct loop l;
        struct program p;
        loop_start(&l);
        START(&p, BUSY_503);
        struct lent *lent = lend(&p);
        reach(&l, &p);
        make_inaccessible(lent);
        ends[i](&l, &p);
        loops_end();
    }
}

Test(lifetime, an_added_transfer_ends_without_using_lent_memory)
{
    needs_nothing_to_end(is_added);
}

Test(lifetime, a_transfer_that_waits_for_a_token_ends_without_using_lent_memory)
{
    needs_nothing_to_end(waits_for_a_token);
}

Test(lifetime, a_refused_transfer_ends_without_using_lent_memory)
{
    needs_nothing_to_end(is_being_refused);
}

Test(lifetime, a_running_transfer_ends_without_using_lent_memory)
{
    needs_nothing_to_end(runs);
}

Test(lifetime, a_transfer_that_waits_for_its_retry_ends_without_using_lent_memory)
{
    needs_nothing_to_end(waits_for_another_attempt);
}

Test(lifetime, a_transfer_in_its_second_attempt_ends_without_using_lent_memory)
{
    needs_nothing_to_end(makes_another_attempt);
}

Test(lifetime, a_paused_transfer_ends_without_using_lent_memory)
{
    needs_nothing_to_end(is_paused);
}

Test(lifetime, a_completed_transfer_ends_without_using_lent_memory)
{
    needs_nothing_to_end(is_over);
}

static struct lent *lent_now;

static size_t frees_its_list(char *d, size_t size, size_t n, void *program)
{
    (void)d, (void)program;
    make_inaccessible(lent_now);
    return size * n;
}

Test(lifetime, a_header_list_freed_during_the_response_is_not_read)
{
    struct program p;
    START(&p, {.head = "HTTP/1.1 503 Busy\n\n", .body = "busy"});
    setenv("HARDEN_RETRY", "off", 1);
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))frees_its_list);
    lent_now = lend(&p);
    set_pointer(&p, CURLOPT_ERRORBUFFER, p.error);
    cr_assert_eq(program_perform(&p), CURLE_OK);
}

Test(lifetime, a_stream_is_not_read_by_protocols_that_do_not_upload)
{
    struct program p;
    START(&p, OK_200);
    set_pointer(&p, CURLOPT_URL, "ftp://ftp.example.com/x");
    set_number(&p, CURLOPT_POST, 1);
    lent_now = lend(&p);
    set_pointer(&p, CURLOPT_POSTFIELDS, NULL);
    set_pointer(&p, CURLOPT_ERRORBUFFER, p.error);
    make_inaccessible(lent_now);
    cr_assert_eq(program_perform(&p), CURLE_OK);
}
