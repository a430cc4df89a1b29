/* SPDX-License-Identifier: MIT */
#include "curl/uncovered.h"

#include "base/clock.h"
#include "base/events.h"
#include "engine/engine.h"

void uncovered_ended(CURLcode r, int64_t begun_ns)
{
    if (!events_are_wanted() || !engine_active()) /* else no transfer is covered */
        return;
    struct event_request request = {.not_retried = "uncovered",
                                    .attempts = 1,
                                    .duration_ns = begun_ns ? clock_now_ns() - begun_ns : -1,
                                    .clean = !r};
    events_emit(&(struct event){.kind = EVENT_END,
                                .id = events_new_id(),
                                .curl = (int)r,
                                .wait_ns = -1,
                                .request = &request});
}
