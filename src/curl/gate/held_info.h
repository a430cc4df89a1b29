/* SPDX-License-Identifier: MIT
 *
 * What the program is told when it asks inside a callback in which it is shown a held piece: what
 * libcurl would have told it when the piece arrived, and not what holds by now.
 *
 *     told.shown = e;  ... the program's callback, which calls ...
 *         held_info_get(&told, info, out)              curl_easy_getinfo: false: libcurl's own answer
 *         held_info_header, held_info_nextheader             curl_easy_header, curl_easy_nextheader
 *     held_info_end(&told);
 *
 * Most values are the same at all lines of a block: they come from the block's moment, or, when the
 * block has not been left yet, from libcurl. Few are set by one line of it; before that line they are
 * as they were before the block. Nothing is done unless the program asks. */
#ifndef CURL_GATE_HELD_INFO_H
#define CURL_GATE_HELD_INFO_H

#include "curl/gate/headers.h"
#include "curl/gate/hold.h"

#include <stdbool.h>
#include <stddef.h>

struct held_info {
    const struct curl_api *api;
    CURL *handle;
    const struct hold *hold;
    const struct saved_info
        *restored;            /* what is held is an answer that libcurl has forgotten (earlier.h):
                                    * all that it said of it; NULL: it has not */
    const struct held *shown; /* NULL: nothing held is being shown */
    bool arriving;    /* the newest held piece is the line that libcurl delivers meanwhile */
    const char *line; /* that line when it is not held; NULL */
    size_t line_n;

    struct header_list list;       /* of one request; nothing in it: not asked for */
    int request;                   /* which */
    struct curl_header answers[2]; /* of held_info_header and of held_info_nextheader */
};

bool held_info_get(const struct held_info *t, CURLINFO info, void *out);
CURLHcode held_info_header(struct held_info *t, const char *name, size_t index, unsigned origin,
                           int request, struct curl_header **out);
struct curl_header *held_info_nextheader(struct held_info *t, unsigned origin, int request,
                                         struct curl_header *previous);
/* Nothing is shown any more. */
void held_info_end(struct held_info *t);

#endif
