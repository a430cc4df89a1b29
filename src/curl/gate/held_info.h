/* SPDX-License-Identifier: MIT
 *
 * What the program is told when it asks inside a callback in which it is shown a held piece: what
 * libcurl would have told it when the piece arrived, and not what holds by now.
 *
 *     told.shown = e;  ... the program's callback, which calls ...
 *         told_info(&told, info, out)              curl_easy_getinfo: false: libcurl's own answer
 *         told_header, told_nextheader             curl_easy_header, curl_easy_nextheader
 *     told_end(&told);
 *
 * Most values are the same at all lines of a block: they come from the block's moment, or, when the
 * block has not been left yet, from libcurl. Few are set by one line of it; before that line they are
 * as they were before the block. Nothing is done unless the program asks. */
#ifndef CURL_TOLD_H
#define CURL_TOLD_H

#include "curl/gate/headers.h"
#include "curl/gate/hold.h"

#include <stdbool.h>
#include <stddef.h>

struct told {
    const struct curl_api *api;
    CURL *handle;
    const struct hold *hold;
    const struct moment
        *answered;            /* what is held is an answer that libcurl has forgotten (earlier.h):
                                    * all that it said of it; NULL: it has not */
    const struct held *shown; /* NULL: nothing held is being shown */
    bool arriving;    /* the newest held piece is the line that libcurl delivers meanwhile */
    const char *line; /* that line when it is not held; NULL */
    size_t line_n;

    struct header_list list;       /* of one request; nothing in it: not asked for */
    int request;                   /* which */
    struct curl_header answers[2]; /* of told_header and of told_nextheader */
};

bool told_info(const struct told *t, CURLINFO info, void *out);
CURLHcode told_header(struct told *t, const char *name, size_t index, unsigned origin, int request,
                      struct curl_header **out);
struct curl_header *told_nextheader(struct told *t, unsigned origin, int request,
                                    struct curl_header *previous);
/* Nothing is shown any more. */
void told_end(struct told *t);

#endif
