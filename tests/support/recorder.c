/* SPDX-License-Identifier: MIT
 *
 * A libcurl client that records everything that libcurl does to it, so that two runs can be
 * compared line by line. Its arguments form a script:
 *
 *     recorder write=pause:2 FOLLOWLOCATION=1 URL=http://localhost:8080/ perform
 *
 * NAME=VALUE      any option of libcurl by its name (lists: one entry each time)
 * write=MODE      default | pause:N | short:N | error:N    at the Nth call of the write callback
 * header=MODE     none | data | pause:N | short:N | error:N
 * read=SIZE[,seek][,ioctl][,abort]      a READFUNCTION body of SIZE bytes
 * file=PATH[@OFFSET]                    READDATA is a FILE at that offset, read by libcurl itself
 * mime=NAME:data|file|cb|cbseek:VALUE   one more part of a MIMEPOST body
 * form=NAME:VALUE                       one more part of an HTTPPOST body
 * inflight=nested|setopt|dup|getinfo|multi   calls that the client makes at the first header line
 *                 of a perform; getinfo: at each header line
 * inflight=infos  calls all getters at each header line and each piece of the body
 * progress=N                            the progress callback aborts after N bytes of the body
 * curlu=URL                             sets the URL as a CURLU handle
 * nested=URL      the URL that `inflight` uses
 * driver=easy|poll|wait|fdset|socket    how `perform` works from then on: with curl_easy_perform, or
 *                 in a multi handle with a loop of that style (turn.h), which ends when no transfer runs
 * perform | dup | reset | infos
 *
 * Consecutive bytes of a body are recorded as one line with length and hash, because the network
 * decides how they are split. Times, local ports and addresses of connections are omitted. */
#include "recorder_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recorder rec = {.abort_after = -1, .read_abort = -1};

static void verb(const char *word)
{
    if (strcmp(word, "perform") == 0)
        rec.loop ? loop_perform() : result("perform", curl_easy_perform(rec.handle));
    else if (strcmp(word, "infos") == 0)
        print_infos();
    else if (strcmp(word, "reset") == 0) {
        curl_easy_reset(rec.handle);
        callbacks();
    } else if (strcmp(word, "dup") == 0) {
        CURL *copy = curl_easy_duphandle(rec.handle);
        curl_easy_cleanup(rec.handle);
        rec.handle = copy;
    } else {
        fprintf(stderr, "recorder: unknown word %s\n", word);
        exit(3);
    }
}

int main(int argc, char **argv)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    rec.handle = curl_easy_init();
    callbacks();
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals) {
            *equals = 0;
            set_pair(argv[i], equals + 1);
        } else
            verb(argv[i]);
    }
    curl_easy_cleanup(rec.handle);
    free_loops();
    free_options();
    forget_answers();
    curl_global_cleanup();
    return 0;
}
