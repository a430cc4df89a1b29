/* SPDX-License-Identifier: MIT
 *
 * `harden reset`: clears slots of the board in place. Running programs keep using the same
 * slots. */
#include "cli/cli.h"

#include "base/words.h"
#include "cli/board_choice.h"
#include "cli/destination.h"
#include "engine/board/slo_slot.h"
#include "engine/board/view.h"

#include <string.h>

/* Not that of a host, which has the same name. */
static bool is_observed_bucket(const struct slot *s, const char *name)
{
    return atomic_load(&s->kind) == SLOT_OBSERVED &&
           atomic_load(&s->key) != board_observed_key(board_host_key(name, 0));
}

/* Whether a slot is a rate bucket of this host. Buckets have their own slots, named without a
 * port. */
static bool is_bucket_of(const struct slot *s, const char *name, const char *host)
{
    size_t n = strlen(name);
    bool bracket = *host == '[';
    const char *rest = host + bracket + n; /* valid only if the name matches */
    if ((atomic_load(&s->kind) != SLOT_BUCKET && !is_observed_bucket(s, name)) ||
        !ascii_same_n(host + bracket, name, n))
        return false;
    return bracket ? *rest == ']' : !*rest || (*rest == ':' && !strchr(rest + 1, ':'));
}

/* "api.example.com via itself" */
static bool is_place_of(const struct slot *s, const char *name, const char *host)
{
    size_t n = strlen(host);
    return view_is_place(s) && ascii_same_n(name, host, n) && !strncmp(name + n, " via ", 5);
}

static int reset_slots(struct board *b, const char *host)
{
    char shown[VIEW_NAME_SIZE], raw[SLOT_NAME_SIZE];
    int hosts = 0;
    for (uint32_t i = 0; i < board_size(b); i++) {
        struct slot *s = board_nth(b, i, raw);
        const struct slot *seen = view_host(b, i, shown);
        bool selected = !host || (seen && ascii_same(shown, host));
        if (!s || !(selected || is_bucket_of(s, raw, host) || is_place_of(s, raw, host)))
            continue;
        hosts += selected && seen != NULL && !view_is_place(s);
        board_keep_counts(b, s);
        struct slot *observed = board_find(b, board_observed_key(atomic_load(&s->key)));
        struct slot *slo = board_find(b, slo_slot_key(atomic_load(&s->key)));
        slot_reset(s);
        if (slo)
            slot_reset(slo);
        if (observed)
            slot_reset(observed);
    }
    return hosts;
}

static int reset_command(int argc, char **argv)
{
    struct board_choice choice = {0};
    const struct flag flags[] = {BOARD_CHOICE_FLAGS(choice), {0}};
    struct board_found found = {0};
    int first = cli_flags(&cmd_reset, argc, argv, flags);
    if (first < 0)
        return -first - 1;
    if (argc - first > 1)
        return cli_usage_error(&cmd_reset, "give at most one host");
    const char *host = first < argc ? argv[first] : NULL;
    const struct config *c = cli_load_config(&cmd_reset);
    if (c)
        board_choice_open(&cmd_reset, c, &choice, true, &found);
    struct board *b = found.board;
    if (found.none)
        cli_say(&cmd_reset, "nothing to reset: no program has used the library yet");
    if (found.note[0])
        cli_say(&cmd_reset, "this board is in %s; %s", found.place.dir, found.note);
    if (!b)
        return 1;
    char name[256];
    int hosts = reset_slots(b, host ? destination_board_name(name, sizeof name, host) : NULL);
    if (host && !hosts) {
        cli_say(&cmd_reset, "host %s is not on the board; harden status lists all hosts", host);
        return 1;
    }
    if (!host)
        history_clear(b->history);
    atomic_fetch_add(&b->header->changes, 1);
    printf("cleared the limits, breaker and counters of %d host%s\n", hosts, hosts == 1 ? "" : "s");
    return 0;
}

const struct command cmd_reset = {
    "reset", "[--user NAME|UID | --state DIR] [HOST]",
    "Clears the limits, breakers and counters of all hosts, or of one.", reset_command,
    BOARD_CHOICE_HELP "\n"
                      "Running programs continue and count from zero.\n"
                      "\n"
                      "example: harden reset api.example.com\n"
                      "\n"
                      "exit status: 0 done, 1 no such host, or no usable board\n"};
