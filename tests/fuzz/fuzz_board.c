/* SPDX-License-Identifier: MIT
 *
 * Nothing on the board is trusted: slots of any bytes are read, decided upon and rendered without
 * a crash, and no decision waits longer than the policy allows. */
#include "engine/board.h"
#include "engine/gcra.h"
#include "engine/health.h"
#include "engine/snapshot.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct board *b;
    static char *memory;
    const int64_t now = 1000 * NS_PER_S;
    if (!b) {
        b = board_open(NULL, SLOTS, NULL);
        memory = malloc(snapshot_size(b));
    }
    size_t room = (SLOTS + 1) * sizeof(struct slot);
    memset((void *)b->slots, 0, room);
    memcpy((void *)b->slots, data, size < room ? size : room);

    struct rate r = {.tokens = 5, .burst = 5, .window_ns = NS_PER_S, .interval_ns = NS_PER_S / 5};
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(b); i++) {
        struct slot *s = board_nth(b, i, name);
        if (!s)
            continue;
        int64_t before, after;
        if (gcra_take(&s->tat_ns[0], now, now, &r, 1, &before, &after) - now > 2 * GCRA_HORIZON_NS)
            abort();
        health_status_name(health_status(s));
    }
    board_slot(b, 42, "api.example.com", SLOT_HOST, now);

    static const char *const hooks[] = {"curl_easy_perform", NULL};
    struct snapshot_context c = {.board = b,
                                 .service = "fuzz",
                                 .pid = 1,
                                 .seq = 1,
                                 .now_ns = now,
                                 .wall_ns = now,
                                 .interval_ns = NS_PER_S,
                                 .hooks = hooks};
    for (int i = 0; i < 2; i++) {
        struct text t = {.p = memory, .cap = snapshot_size(b)};
        (i ? metrics_render : snapshot_render)(&t, &c);
        if (t.full)
            abort(); /* snapshot_size promised that it is enough */
    }
    return 0;
}
