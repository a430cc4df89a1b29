/* SPDX-License-Identifier: MIT
 *
 * Answers curl_easy_getinfo and curl_easy_header inside a callback to which a held piece is
 * delivered: as libcurl would have answered when the piece arrived, not as it would now.
 *
 *     info.shown = e;  ... the program's callback, which calls ...
 *         held_info_get(&info, number, out)           curl_easy_getinfo; false: ask libcurl
 *         held_info_header, held_info_nextheader      curl_easy_header, curl_easy_nextheader
 *     held_info_end(&info);
 *
 * Most values are the same at all lines of a block: they come from the saved_info of the block, or
 * from libcurl if the block has not ended. A few are set by one line of the block; up to that line
 * they have their value from before the block. Nothing is done unless the program calls them. */
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
    /* CURLINFO of the earlier attempt whose response is held (previous_result.h); NULL: it is that of the
     * last attempt. */
    const struct saved_info *restored;
    const struct held *shown; /* the piece that is being delivered; NULL: none */
    bool arriving;            /* the newest held piece is the line that libcurl is delivering */
    const char *line;         /* that line if it is not held; else NULL */
    size_t line_n;

    struct header_list list;       /* of one request; empty: not read yet */
    int request;                   /* of the list */
    struct curl_header answers[2]; /* of held_info_header and of held_info_nextheader */
};

bool held_info_get(const struct held_info *held, CURLINFO info, void *out);
CURLHcode held_info_header(struct held_info *held, const char *name, size_t index, unsigned origin,
                           int request, struct curl_header **out);
struct curl_header *held_info_nextheader(struct held_info *held, unsigned origin, int request,
                                         struct curl_header *previous);
/* The delivery of a piece has ended. */
void held_info_end(struct held_info *held);

#endif
