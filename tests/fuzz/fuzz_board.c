/* SPDX-License-Identifier: MIT
 *
 * A board with arbitrary contents: the input becomes the file or, with a valid header, the slots.
 * It must not cause a crash, a result out of range, or a wait longer than allowed. */
#include "fuzz.h"

#include "base/hash.h"
#include "engine/board/gcra.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/status.h"
#include "engine/board/view.h"
#include "engine/call/call.h"
#include "engine/publish/pause_end.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW   (100000 * NS_PER_S)
#define SLOTS 4

const char *const fuzz_seeds[] = {
    "lbardenn\1\1\1\1 a header that is none, and something after it",
    "\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
    "\xff",
    "\1\1\1\1\1\1\1\x80 a slot that changes hands "
    "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1",
    NULL,
};

static const struct policy policy = {
    .cost = 1,
    .limit_count = 1,
    .limits[0] =
        {.rate_count = 2,
         .rates = {{.tokens = 10, .burst = 10, .window_ns = NS_PER_S, .interval_ns = NS_PER_S / 10},
                   {.tokens = 1, .burst = 1, .window_ns = NS_PER_S, .interval_ns = NS_PER_S}}},
    .max_wait_ns = 30 * NS_PER_S,
    .max_attempts = 3,
    .base_delay_ns = NS_PER_S / 2,
    .max_delay_ns = 5 * NS_PER_S,
    .max_elapsed_ns = 30 * NS_PER_S,
    .retry_methods = {"GET"},
    .retry_after_max_ns = 300 * NS_PER_S,
    .retry_budget_percent = 20,
    .breaker = BREAKER_ON,
    .breaker_failures = 5,
    .breaker_ratio_percent = 50,
    .breaker_open_ns = 30 * NS_PER_S,
    .breaker_max_open_ns = 300 * NS_PER_S,
    .breaker_successes = 2,
    .slo_ppm = 995000,
    .slo_latency_ns = NS_PER_S,
    .unhealthy_after = 3,
    .healthy_after = 1,
};

static void require(bool ok)
{
    if (!ok)
        __builtin_trap();
}

static void read_pauses(const struct board *b, const struct slot *s)
{
    for (int extent = PAUSE_OF_ALL; extent <= PAUSE_OF_PART; extent++) {
        struct pause_shown p;
        bool on = pause_show(s, (enum pause_extent)extent, NOW, &p);
        require(on ? p.until_ns > NOW && p.until_ns - NOW <= PAUSE_MAX_NS : !p.until_ns);
        require(strlen(p.line) < PAUSE_LINE_SIZE);
        for (const char *c = p.line; *c; c++)
            require(*c >= ' ' && *c <= '~' && *c != '\\');
        int64_t ended_ns = pause_ended_ns(s, (enum pause_extent)extent, NOW);
        require(ended_ns >= 0 && ended_ns <= NOW && !(on && ended_ns));
    }
    enum health_status status = view_status(b, s, NOW);
    require(status != STATUS_HEALTHY || !pause_is_on(s, NOW));
    view_since_ms(b, s, status, NOW, NOW);
}

/* Whatever kind of slot it is. */
static void read_objective(const struct board *b, struct slot *s)
{
    const struct slo *o = (const struct slo *)(void *)s->own;
    for (int w = 0; w < SLO_WINDOWS; w++) {
        struct slo_sum n = slo_sum(o, (enum slo_window)w, NOW);
        require(n.bad <= n.total);
        require(slo_burn_rate(n, SLO_PPM_MAX) <= 100000 && slo_budget_left(n, SLO_PPM_MIN) >= -1);
    }
    int64_t at_ns = slo_unnoticed_ns(o, policy.slo_ppm, NOW), next_ns = slo_next_ns(o, NOW);
    require(at_ns >= 0 && at_ns <= NOW && next_ns > NOW);
    struct slo_view v;
    require(!slo_slot_view(b, s, NOW, &v) || (v.ppm >= SLO_PPM_MIN && v.ppm <= SLO_PPM_MAX));
}

/* A second look finds nothing: each end is announced once. */
static void end_pauses(struct board *b)
{
    int64_t next_ns;
    pause_end_announce(b, NOW, &next_ns);
    require(next_ns > NOW);
    require(!pause_end_announce(b, NOW, &next_ns) && next_ns > NOW);
}

/* Makes all queries of a slot. */
static void read_all(const struct board *b)
{
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(b); i++) {
        struct slot *s = board_nth(b, i, name);
        require(!s || board_index(b, s) == i);
        require(!s || (name[0] && strlen(name) < SLOT_NAME_SIZE));
        s = &b->slots[i];
        enum breaker_state state = breaker_state_at(&s->breaker, NOW);
        require(state <= BREAKER_HALF_OPEN && breaker_state_name(state));
        require(breaker_trips(&s->breaker) >= 0);
        struct check_view check;
        require(!view_check(b, i, NOW, &check) || check.status <= STATUS_UNHEALTHY);
        double tokens = view_budget(s, NOW);
        require(tokens >= 0 && tokens <= BUDGET_CAPACITY);
        const struct rate *r = &policy.limits[0].rates[0];
        tokens = gcra_available(s->tat_ns[0], NOW, r);
        require(tokens >= 0 && tokens <= r->burst);
        struct last_error e = last_error_unpack(s->last_error);
        require(class_name(e.class) && reason_name(e.reason));
        require(status_name(status_of(s)) != NULL);
        read_pauses(b, s);
        read_objective(b, s);
        uint64_t counts[LATENCY_BUCKETS];
        uint64_t n = view_latency(s, counts);
        require(latency_quantile_ns(counts, n, 0.99) >= 0);
    }
}

static void use(struct board *b)
{
    static struct config config;
    uint64_t key = board_key(hash_bytes("h", 1, 0));
    struct binding binding = {.config = &config, .board = b, .policy = &policy, .key = key};
    memcpy(binding.name, "h", 2);
    binding.slot = board_slot(b, key, "h", SLOT_HOST, NOW);
    binding.bucket_key[0] = key;
    binding.special = SPECIAL_SLO;
    require(board_index(b, binding.slot) < board_size(b));
    binding_is_current(&binding, &config, b);
    static const int statuses[] = {200, 503, 429};
    for (int i = 0; i < 3; i++) {
        struct call c;
        call_begin(&c, &binding, 0, NOW);
        struct admission ad = call_admit(&c, NOW);
        require(ad.answer != ANSWER_WAIT || ad.at_ns - NOW <= policy.max_wait_ns);
        struct attempt a = {.protocol = PROTOCOL_HTTP,
                            .http_status = statuses[i],
                            .method = "GET",
                            .replayable = true};
        int64_t at = NOW;
        if (ad.answer == ANSWER_GO && call_report(&c, &a, NOW, NOW, 12345, &at))
            require(at >= NOW && at - NOW <= policy.max_elapsed_ns);
        call_end(&c, NOW, NOW);
    }
}

static void as_slots(const uint8_t *data, size_t size)
{
    struct board *b = board_open(NULL, SLOTS, NULL);
    require(b != NULL);
    for (size_t i = 0, all = board_size(b) * sizeof(struct slot); size && i < all; i += size)
        memcpy((char *)b->slots + i, data, size < all - i ? size : all - i);
    read_all(b);
    end_pauses(b);
    use(b);
    /* Also as the contents of a slot with a valid key. */
    struct slot *s = &b->slots[0];
    memset((void *)b->slots, 0, board_size(b) * sizeof *s);
    s = board_slot(b, board_key(hash_bytes("h", 1, 0)), "h", SLOT_HOST, NOW);
    size_t skip = sizeof s->key, n = size < sizeof *s - skip ? size : sizeof *s - skip;
    memcpy((char *)s + skip, data, n);
    use(b);
    read_all(b);
    b->header->pause_end_ns = NOW;
    end_pauses(b);
    board_close(b);
}

static char dir[] = "/tmp/fuzz_board.XXXXXX", path[64];

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

static void as_file(const uint8_t *data, size_t size)
{
    if (!path[0]) {
        require(mkdtemp(dir) != NULL);
        snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
        atexit(remove_dir);
    }
    /* Overwrite a part of a valid file, or replace the whole file. */
    board_close(board_open(dir, SLOTS, NULL));
    bool whole = size && data[0] & 1;
    int fd = open(path, O_WRONLY | O_CREAT | (whole ? O_TRUNC : 0), 0600);
    require(fd >= 0);
    off_t at = whole || !size ? 0 : data[size - 1] % 64;
    require(pwrite(fd, data, size, at) == (ssize_t)size);
    close(fd);
    struct board *b = board_open(dir, SLOTS, NULL);
    require(b && b->shared && b->slot_count >= 1);
    read_all(b);
    end_pauses(b);
    use(b);
    board_close(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_slots(data, size);
    if (size % 8 == 0) /* files are slow */
        as_file(data, size);
    return 0;
}
