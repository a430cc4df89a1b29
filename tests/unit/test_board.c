/* SPDX-License-Identifier: MIT */
#include "engine/board/board.h"
#include "engine/board/location.h"

#include "base/hash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern const unsigned __rseq_size __attribute__((weak));

#define NOW (100000 * NS_PER_S)
/* Number of slots. A key may be in a few slots only, so only a board as small as this can be
 * full. */
#define SLOTS USUALLY(64, BOARD_CANDIDATES)

static char base[] = "/tmp/test_board.XXXXXX";
static char dir[64], path[80];
static struct board *opened[256];
static int opened_count;

static void make_base(void)
{
    memcpy(base + sizeof base - 7, "XXXXXX", 7);
    cr_assert(mkdtemp(base) != NULL);
    snprintf(dir, sizeof dir, "%s/state", base);
    snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
}

static void remove_base(void)
{
    while (opened_count)
        board_close(opened[--opened_count]);
    static const char *const left[] = {BOARD_NAME, BOARD_NAME ".new", "elsewhere",
                                       "board",    "board.10",        LOCATION_LOCK};
    char p[96];
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        snprintf(p, sizeof p, "%s/%s", dir, left[i]);
        unlink(p);
    }
    rmdir(dir);
    snprintf(p, sizeof p, "%s/real", base);
    rmdir(p);
    unlink(dir);
    rmdir(base);
}

/* Opens a board that is closed at the end of the test. */
static struct board *open_at(const char *at, uint32_t slots, const char **why)
{
    struct board *b = board_open(at, slots, why);
    cr_assert(b != NULL);
    opened[opened_count++] = b;
    return b;
}

TestSuite(board, .init = make_base, .fini = remove_base);

static uint64_t key_of(const char *name)
{
    return board_key(hash_bytes(name, strlen(name), 0));
}

static struct slot *host(struct board *b, const char *name, int64_t now)
{
    return board_slot(b, key_of(name), name, SLOT_HOST, now);
}

static struct board *open_shared(void)
{
    const char *why = "";
    struct board *b = open_at(dir, SLOTS, &why);
    cr_assert(b->shared, "%s", why);
    cr_assert(why == NULL);
    return b;
}

static struct board *open_private(void)
{
    const char *why = NULL;
    struct board *b = open_at(dir, SLOTS, &why);
    cr_assert(not(b->shared));
    cr_assert(why != NULL);
    return b;
}

/* Overwrites a part of the board file. */
static void spoil(off_t at, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, (int)pwrite(fd, bytes, n, at), (int)n));
    close(fd);
}

Test(board, creates_a_directory_and_a_file_that_only_this_user_can_access)
{
    struct stat st;
    open_shared();
    cr_assert(eq(int, stat(dir, &st), 0));
    cr_assert(eq(int, st.st_mode & 07777, 0700));
    cr_assert(eq(int, stat(path, &st), 0));
    cr_assert(eq(int, st.st_mode & 07777, 0600));
    cr_assert(eq(u64, (uint64_t)st.st_size,
                 sizeof(struct board_header) + (SLOTS + 1) * 1280 + sizeof(struct history)));
}

Test(board, survives_the_processes_that_wrote_it)
{
    struct slot *s = host(open_shared(), "api.example.com", NOW);
    slot_count(s, COUNT_REQUESTS, 7);
    struct slot *again = host(open_shared(), "api.example.com", NOW);
    cr_assert(again != s); /* a second mapping */
    cr_assert(eq(u64, slot_counter(again, COUNT_REQUESTS), 7));
}

Test(board, leaves_no_descriptor_open_and_errno_alone)
{
    int before = open("/dev/null", O_RDONLY);
    close(before);
    errno = 1234;
    open_shared();
    cr_assert(eq(int, errno, 1234));
    int after = open("/dev/null", O_RDONLY);
    close(after);
    cr_assert(eq(int, after, before));
}

Test(board, is_private_memory_when_asked_and_children_share_it)
{
    const char *why = "unset";
    struct board *b = open_at(NULL, 16, &why);
    cr_assert(not(b->shared));
    cr_assert(why == NULL);
    struct slot *s = host(b, "a", NOW);
    pid_t child = fork();
    if (!child) {
        slot_count(s, COUNT_REQUESTS, 1);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    cr_assert(eq(u64, slot_counter(s, COUNT_REQUESTS), 1));
}

Test(board, accepts_null_for_the_reason)
{
    cr_assert(open_at(dir, 8, NULL)->shared);
}

Test(board, a_directory_that_other_users_can_write_to_is_not_used)
{
    static const mode_t modes[] = {0777, 0775, 0720, 0702, 01777, 02770};
    mkdir(dir, 0700);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod(dir, modes[i]);
        open_private();
        cr_assert(ne(int, access(path, F_OK), 0), "%o", (unsigned)modes[i]);
    }
}

Test(board, a_directory_that_others_can_read_or_enter_is_used_and_its_files_are_private)
{
    static const mode_t modes[] = {0755, 0750, 0711, 0700, 02755, 01755, 02700};
    struct stat st;
    mkdir(dir, 0700);
    if (!geteuid())
        cr_assert(eq(int, chown(dir, 0, 12345), 0), "of whichever group");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        chmod(dir, modes[i]);
        open_shared();
        cr_assert(eq(int, stat(path, &st), 0));
        cr_assert(eq(int, st.st_mode & 07777, 0600));
        cr_assert(eq(int, stat(dir, &st), 0));
        cr_assert(eq(int, st.st_mode & 07777, (int)modes[i]), "it is left as it is");
        unlink(path);
    }
}

Test(board, a_directory_is_used_by_a_link_of_its_owner_or_root_only)
{
    char real[96];
    snprintf(real, sizeof real, "%s/real", base);
    mkdir(real, 0700);
    cr_assert(eq(int, symlink(real, dir), 0));
    open_shared();
    if (geteuid())
        return; /* needs a second user */
    cr_assert(eq(int, lchown(dir, 54321, 54321), 0));
    open_private();
}

Test(board, a_missing_parent_directory_is_not_created)
{
    snprintf(dir, sizeof dir, "%s/no/state", base);
    open_private();
    snprintf(dir, sizeof dir, "%s/state", base);
}

Test(board, a_linked_or_readable_or_special_file_is_not_used)
{
    open_shared();
    chmod(path, 0640);
    open_private();
    unlink(path);
    char elsewhere[96];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", dir);
    cr_assert(eq(int, symlink(elsewhere, path), 0));
    open_private();
    cr_assert(ne(int, access(elsewhere, F_OK), 0));
    unlink(path);
    mkfifo(path, 0600);
    open_private();
}

Test(board, a_foreign_owners_directory_or_file_is_not_used)
{
    if (geteuid() != 0) {
        /* Only root can change the owner of a file, but every user can read the files of root. */
        memcpy(dir, "/", 2);
        open_private();
        snprintf(dir, sizeof dir, "%s/state", base);
        return;
    }
    open_shared();
    cr_assert(eq(int, chown(path, 12345, 0), 0));
    open_private();
    cr_assert(eq(int, chown(path, 0, 0), 0));
    cr_assert(eq(int, chown(dir, 12345, 0), 0));
    open_private();
    cr_assert(eq(int, chown(dir, 0, 0), 0));
    open_shared();
}

static void check_replaced(void)
{
    struct stat before, after;
    cr_assert(eq(int, stat(path, &before), 0));
    struct board *b = open_shared();
    cr_assert(eq(int, stat(path, &after), 0));
    cr_assert(before.st_ino != after.st_ino || before.st_mtime != after.st_mtime ||
              before.st_size != after.st_size);
    cr_assert(eq(u64, b->header->magic, BOARD_MAGIC));
    cr_assert(eq(u64, slot_counter(host(b, "api.example.com", NOW), COUNT_REQUESTS), 0));
}

#define REPLACED(member, value)                                                                    \
    do {                                                                                           \
        slot_count(host(open_shared(), "api.example.com", NOW), COUNT_REQUESTS, 1);                \
        __typeof__(((struct board_header *)0)->member) v_ = (value);                               \
        spoil(offsetof(struct board_header, member), &v_, sizeof v_);                              \
        check_replaced();                                                                          \
    } while (0)

Test(board, a_board_with_a_wrong_header_is_replaced)
{
    REPLACED(magic, 1);
    REPLACED(layout, BOARD_LAYOUT + 1);
    REPLACED(slot_size, 512);
    REPLACED(slot_count, SLOTS - 1);
    REPLACED(slot_count, 0);
    REPLACED(slot_count, UINT32_MAX);
    REPLACED(boot_id[0], '!');
}

Test(board, a_truncated_or_grown_file_is_replaced)
{
    static const off_t sizes[] = {0, 1, 8, 64, 1024, 65 * 1024, 1024 * 1024};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        /* A new file, because the truncated one must not be mapped. */
        open_shared();
        cr_assert(eq(int, truncate(path, sizes[i]), 0));
        check_replaced();
    }
}

Test(board, an_existing_board_keeps_its_size)
{
    open_shared();
    struct board *b = open_at(dir, 5000, NULL);
    cr_assert(b->shared);
    cr_assert(eq(u32, b->slot_count, SLOTS));
}

Test(board, processes_that_mapped_a_replaced_board_keep_using_it)
{
    struct slot *s = host(open_shared(), "a", NOW);
    uint64_t bad = 0;
    spoil(0, &bad, sizeof bad);
    struct slot *fresh = host(open_shared(), "a", NOW);
    slot_count(s, COUNT_REQUESTS, 3);
    cr_assert(eq(u64, slot_counter(s, COUNT_REQUESTS), 3));
    cr_assert(eq(u64, slot_counter(fresh, COUNT_REQUESTS), 0));
}

/* Many processes open the board at the same time, and each counts one. The sum shows whether
 * they share it. */
static void race(int processes)
{
    int go[2];
    cr_assert(eq(int, pipe(go), 0));
    for (int i = 0; i < processes; i++) {
        if (fork())
            continue;
        char c;
        close(go[1]);
        if (read(go[0], &c, 1) != 0)
            _exit(1);
        /* On a busy machine one of many may not get the lock in time. */
        struct board *b = open_at(dir, SLOTS, NULL);
        for (int tries = 0; tries < 20 && !b->shared; tries++)
            b = open_at(dir, SLOTS, NULL);
        if (!b->shared)
            _exit(1);
        slot_count(host(b, "a", NOW), COUNT_REQUESTS, 1);
        _exit(0);
    }
    close(go[0]);
    close(go[1]);
    for (int i = 0, status; i < processes; i++) {
        wait(&status);
        cr_assert(eq(int, status, 0));
    }
    struct board *b = open_shared();
    cr_assert(eq(u64, slot_counter(host(b, "a", NOW), COUNT_REQUESTS), (uint64_t)processes));
}

Test(board, racing_creators_get_the_same_file)
{
    for (int round = 0; round < 30; round++) {
        race(8);
        unlink(path);
    }
}

Test(board, racing_replacers_get_the_same_file)
{
    for (int round = 0; round < 30; round++) {
        open_shared();
        uint32_t old = BOARD_LAYOUT + 1;
        spoil(offsetof(struct board_header, layout), &old, sizeof old);
        race(8);
    }
}

Test(board, a_file_left_by_a_killed_creator_is_replaced)
{
    mkdir(dir, 0700);
    char left[96];
    snprintf(left, sizeof left, "%s/" BOARD_NAME ".new", dir);
    close(open(left, O_CREAT | O_WRONLY, 0600));
    open_shared();
    cr_assert(ne(int, access(left, F_OK), 0));
}

Test(board, boards_of_other_layouts_are_left_alone)
{
    static const char *const others[] = {"board", "board.10"};
    char other[96], got[8];
    mkdir(dir, 0700);
    for (int i = 0; i < 2; i++) {
        snprintf(other, sizeof other, "%s/%s", dir, others[i]);
        int fd = open(other, O_CREAT | O_WRONLY, 0600);
        cr_assert(eq(int, (int)write(fd, "theirs", 6), 6));
        close(fd);
    }
    open_shared();
    for (int i = 0; i < 2; i++) {
        snprintf(other, sizeof other, "%s/%s", dir, others[i]);
        int fd = open(other, O_RDONLY);
        cr_assert(eq(int, (int)read(fd, got, sizeof got), 6));
        cr_assert(eq(int, memcmp(got, "theirs", 6), 0));
        close(fd);
    }
}

Test(board, finds_claimed_keys_only)
{
    struct board *b = open_shared();
    struct slot *s = host(b, "a", NOW);
    cr_assert(board_find(b, key_of("a")) == s);
    cr_assert(board_find(b, key_of("b")) == NULL);
    cr_assert(host(b, "a", NOW) == s);
    cr_assert(host(b, "b", NOW) != s);
}

Test(board, a_bucket_that_becomes_a_host_is_shown_as_a_host)
{
    struct board *b = open_shared();
    struct slot *s = board_slot(b, key_of("a"), "a", SLOT_BUCKET, NOW);
    cr_assert(eq(int, s->kind, SLOT_BUCKET));
    cr_assert(host(b, "a", NOW) == s);
    cr_assert(eq(int, s->kind, SLOT_HOST));
    board_slot(b, key_of("a"), "a", SLOT_BUCKET, NOW);
    cr_assert(eq(int, s->kind, SLOT_HOST));
}

static void name_nth(char *name, int i)
{
    snprintf(name, 32, "host%d.example", i);
}

/* Claims hosts 0..n-1 and returns how many got their own slot. */
static int fill(struct board *b, int n, int64_t now)
{
    int own = 0;
    for (int i = 0; i < n; i++) {
        char name[32];
        name_nth(name, i);
        own += host(b, name, now) != board_overflow(b);
    }
    return own;
}

Test(board, has_room_for_max_hosts)
{
    static const uint32_t sizes[] = {1, 2, BOARD_CANDIDATES, 64, 128, 1000, 1024, 10000};
    for (size_t i = 0; i < USUALLY(sizeof sizes / sizeof *sizes, 3); i++) {
        struct board *b = open_at(NULL, sizes[i], NULL);
        cr_assert(eq(int, fill(b, (int)sizes[i], NOW), (int)sizes[i]), "%u", sizes[i]);
        cr_assert(eq(u64, b->header->overflows, 0));
    }
}

Test(board, a_full_table_shares_the_overflow_slot)
{
    struct board *b = open_shared();
    cr_assert(eq(int, fill(b, SLOTS + 6, NOW), SLOTS));
    cr_assert(eq(u64, b->header->overflows, 6));
    char name[SLOT_NAME_SIZE];
    cr_assert(board_nth(b, b->slot_count, name) == board_overflow(b));
    cr_assert_str_eq(name, BOARD_OVERFLOW_NAME);
}

Test(board, a_full_table_reuses_the_least_recently_used_idle_slot)
{
    struct board *b = open_shared();
    fill(b, SLOTS, NOW);
    struct slot *oldest = board_find(b, key_of("host2.example"));
    slot_count(oldest, COUNT_FAILURES, 5);
    int64_t later = NOW + SLOT_IDLE_NS + 20 * NS_PER_S;
    for (int i = 0; i < SLOTS; i++) {
        char name[32];
        name_nth(name, i);
        board_find(b, key_of(name))->last_used_ns = NOW + (i == 2 ? 1 : 2 + i % 7) * NS_PER_S;
    }
    struct slot *s = host(b, "new.example", later);
    cr_assert(s == oldest);
    cr_assert(eq(u64, s->key, key_of("new.example")));
    cr_assert(eq(u64, slot_counter(s, COUNT_FAILURES), 0));
    cr_assert_str_eq(s->name, "new.example");
    cr_assert(board_find(b, key_of("host2.example")) == NULL);
    cr_assert(board_find(b, key_of("new.example")) == s);
    cr_assert(not(slot_touch(s, key_of("host2.example"), later)));
}

Test(board, a_slot_in_use_or_with_a_limit_in_force_is_not_reused)
{
    struct board *b = open_at(NULL, 4, NULL);
    fill(b, 4, NOW);
    int64_t later = NOW + 2 * SLOT_IDLE_NS;
    struct slot *s[4];
    for (int i = 0; i < 4; i++) {
        char name[32];
        name_nth(name, i);
        s[i] = board_find(b, key_of(name));
    }
    s[0]->last_used_ns = later - SLOT_IDLE_NS + 1;
    s[1]->pause_until_ns = later + 1;
    s[2]->tat_ns[3] = later + 1;
    s[3]->breaker.state = 1 | (uint64_t)(later / NS_PER_MS + 1000) << 24; /* open */
    cr_assert(host(b, "new", later) == board_overflow(b));
    s[3]->breaker.state = 2; /* half-open */
    cr_assert(host(b, "new", later) == board_overflow(b));
    s[2]->tat_ns[3] = later;
    cr_assert(host(b, "new", later) == s[2]);
}

Test(board, damaged_times_do_not_keep_a_slot_in_use_for_ever)
{
    struct board *b = open_at(NULL, 1, NULL);
    struct slot *s = host(b, "a", NOW);
    s->last_used_ns = INT64_MAX;
    s->tat_ns[0] = INT64_MAX;
    s->pause_until_ns = INT64_MAX;
    cr_assert(host(b, "b", NOW) == s);
}

Test(board, a_slot_whose_reuse_was_interrupted_by_a_kill_is_not_lost)
{
    struct board *b = open_at(NULL, 1, NULL);
    struct slot *s = host(b, "a", NOW);
    s->key = 1ULL << 63 | 5ULL << 32 | (uint32_t)(NOW >> 30);
    char name[SLOT_NAME_SIZE];
    cr_assert(board_nth(b, 0, name) == NULL);
    cr_assert(host(b, "b", NOW) == board_overflow(b));
    cr_assert(host(b, "b", NOW + 120 * NS_PER_S) == s);
    cr_assert_str_eq(s->name, "b");
}

Test(board, a_claim_of_a_killed_process_is_completed_by_the_next_one)
{
    struct board *b = open_at(NULL, 8, NULL);
    struct slot *s = host(b, "a", NOW);
    s->published = 0;
    s->name[0] = '\0';
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(b); i++)
        cr_assert(board_nth(b, i, name) == NULL);
    cr_assert(host(b, "a", NOW) == s);
    cr_assert(board_nth(b, board_index(b, s), name) == s);
    cr_assert_str_eq(name, "a");
}

Test(board, a_slot_that_was_used_just_before_it_is_reused_stays)
{
    struct board *b = open_at(NULL, 1, NULL);
    struct slot *s = host(b, "a", NOW);
    int64_t later = NOW + SLOT_IDLE_NS;
    cr_assert(slot_touch(s, key_of("a"), later));
    cr_assert(host(b, "b", later) == board_overflow(b));
    cr_assert(eq(u64, s->key, key_of("a")));
}

Test(board, names_read_from_the_board_are_truncated_and_terminated)
{
    struct board *b = open_shared();
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct slot *s = host(b, longest, NOW);
    char name[SLOT_NAME_SIZE];
    cr_assert(board_nth(b, board_index(b, s), name) == s);
    cr_assert(eq(sz, strlen(name), SLOT_NAME_SIZE - 1));
    memset(s->name, '\x1b', SLOT_NAME_SIZE); /* not terminated */
    cr_assert(board_nth(b, board_index(b, s), name) == s);
    cr_assert(eq(sz, strlen(name), SLOT_NAME_SIZE - 1));
    s->name[0] = '\0';
    cr_assert(board_nth(b, board_index(b, s), name) == NULL);
    cr_assert(board_nth(b, board_size(b), name) == NULL);
    cr_assert(board_nth(b, UINT32_MAX, name) == NULL);
}

Test(board, an_index_is_right_or_out_of_range)
{
    struct board *b = open_at(NULL, 8, NULL);
    for (uint32_t i = 0; i < board_size(b); i++)
        cr_assert(eq(u32, board_index(b, &b->slots[i]), i));
    cr_assert(eq(u32, board_index(b, b->slots - 1), board_size(b)));
    cr_assert(eq(u32, board_index(b, b->slots + board_size(b)), board_size(b)));
    cr_assert(eq(u32, board_index(b, NULL), board_size(b)));
}

Test(board, a_reset_clears_everything_but_the_key_and_the_name)
{
    struct board *b = open_at(NULL, 8, NULL);
    struct slot *s = host(b, "a", NOW);
    s->tat_ns[0] = s->pause_until_ns = s->max_ns = 5;
    s->breaker.state = s->breaker.window = s->budget.word = s->results_in_row = 5;
    s->latency_high[3] = s->failures_by[0] = s->retries_by[7] = 5;
    slot_attempt(s, 5);
    for (int c = 0; c < COUNTER_COUNT; c++)
        slot_count(s, (enum counter)c, 1);
    slot_reset(s);
    for (int c = 0; c < COUNTER_COUNT; c++)
        cr_assert(eq(u64, slot_counter(s, (enum counter)c), 0));
    cr_assert(eq(i64, s->tat_ns[0] + s->pause_until_ns + s->max_ns, 0));
    cr_assert(
        eq(u64, s->breaker.state + s->breaker.window + s->budget.word + s->results_in_row, 0));
    cr_assert(eq(u64, slot_counter(s, COUNT_ATTEMPTS), 0));
    cr_assert(eq(u64, s->failures_by[0] + s->retries_by[7], 0));
    cr_assert(board_find(b, key_of("a")) == s);
    cr_assert(eq(i64, s->last_used_ns, NOW));
    cr_assert_str_eq(s->name, "a");
}

Test(board, two_cpus_count_on_different_cache_lines_and_the_sum_is_right)
{
    struct slot *s = host(open_at(NULL, 8, NULL), "a", NOW);
    cpu_set_t may, one;
    cr_assert(eq(int, sched_getaffinity(0, sizeof may, &may), 0));
    uint64_t n = 0, of[STRIPES] = {0};
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &may))
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        cr_assert(eq(int, sched_setaffinity(0, sizeof one, &one), 0));
        slot_attempt(s, 5);
        slot_count(s, COUNT_SUCCESSES, 1);
        /* Where the kernel does not report the CPU, any stripe may be used. */
        of[&__rseq_offset && __rseq_size ? cpu % STRIPES : cpu_number() % STRIPES]++;
        n++;
    }
    for (int i = 0; i < STRIPES; i++)
        cr_assert(eq(u64, s->stripe[i].latency_low[0], of[i]));
    cr_assert(eq(u64, slot_counter(s, COUNT_ATTEMPTS), n));
    cr_assert(eq(u64, slot_counter(s, COUNT_SUCCESSES), n));
    cr_assert(eq(u64, slot_counter(s, COUNT_DURATION_NS), 5 * n));
}

Test(board, racing_claims_of_one_key_get_one_slot)
{
    /* A full table of idle slots: every claim reuses one. */
    for (int round = 0; round < 50; round++) {
        struct board *b = open_at(NULL, 16, NULL);
        fill(b, 16, NOW);
        int64_t later = NOW + 2 * SLOT_IDLE_NS;
        for (int i = 0; i < 4; i++)
            if (!fork()) {
                for (int k = 0; k < 8; k++) {
                    char name[32];
                    snprintf(name, sizeof name, "new%d", k);
                    host(b, name, later);
                }
                _exit(0);
            }
        for (int i = 0, status; i < 4; i++) {
            wait(&status);
            cr_assert(eq(int, status, 0));
        }
        for (uint32_t i = 0; i < 16; i++)
            for (uint32_t k = i + 1; k < 16; k++)
                cr_assert(ne(u64, b->slots[i].key, b->slots[k].key));
    }
}

Test(board, a_rate_window_keeps_its_word)
{
    struct board *b = board_open(NULL, 4, NULL);
    struct slot *s = board_slot(b, 7, "h", SLOT_HOST, NOW);
    cr_assert(eq(int, slot_window(s, NS_PER_S), -1));
    for (int i = 0; i < RATES_MAX; i++)
        for (int k = 0; k < 2; k++)
            cr_assert(eq(int, slot_claim_window(s, (i + 1) * NS_PER_S), i));
    cr_assert(eq(int, slot_claim_window(s, 31 * 86400 * NS_PER_S), -1));
    s->tat_ns[2] = NOW + NS_PER_S;
    slot_reset(s);
    cr_assert(eq(i64, s->tat_ns[2], 0));
    cr_assert(eq(int, slot_window(s, 3 * NS_PER_S), 2));
    board_close(b);
}

Test(board, a_reused_slot_begins_without_windows)
{
    struct board *b = board_open(NULL, 1, NULL);
    struct slot *s = board_slot(b, 7, "h", SLOT_HOST, NOW);
    slot_claim_window(s, NS_PER_S);
    cr_assert(board_slot(b, 8, "i", SLOT_HOST, NOW + SLOT_IDLE_NS) == s);
    cr_assert(eq(int, slot_window(s, NS_PER_S), -1));
    board_close(b);
}
