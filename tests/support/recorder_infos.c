/* SPDX-License-Identifier: MIT */
#include "recorder_state.h"

#include <stdio.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

struct named {
    CURLINFO info;
    const char *name;
};

#define INFO(x) {CURLINFO_##x, #x}
static const struct named infos[] = {
    INFO(RESPONSE_CODE),
    INFO(HTTP_CONNECTCODE),
    INFO(EFFECTIVE_URL),
    INFO(EFFECTIVE_METHOD),
    INFO(CONTENT_TYPE),
    INFO(CONTENT_LENGTH_DOWNLOAD_T),
    INFO(CONTENT_LENGTH_UPLOAD_T),
    INFO(SIZE_DOWNLOAD_T),
    INFO(SIZE_UPLOAD_T),
    INFO(HEADER_SIZE),
    INFO(REQUEST_SIZE),
    INFO(REDIRECT_COUNT),
    INFO(REDIRECT_URL),
    INFO(HTTPAUTH_AVAIL),
    INFO(PROXYAUTH_AVAIL),
    INFO(OS_ERRNO),
    INFO(NUM_CONNECTS),
    INFO(HTTP_VERSION),
    INFO(PROTOCOL),
    INFO(SCHEME),
    INFO(SSL_VERIFYRESULT),
    INFO(PROXY_SSL_VERIFYRESULT),
    INFO(FILETIME_T),
    INFO(CONDITION_UNMET),
    INFO(RETRY_AFTER),
    INFO(PROXY_ERROR),
    INFO(FTP_ENTRY_PATH),
    INFO(PRIMARY_IP),
    INFO(PRIMARY_PORT),
    INFO(RTSP_CLIENT_CSEQ),
    INFO(PRIVATE),
};

static void write_infos(FILE *out)
{
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        char *s = NULL;
        long l = -99;
        curl_off_t o = -99;
        CURLcode rc;
        switch (infos[i].info & CURLINFO_TYPEMASK) {
        case CURLINFO_STRING:
            rc = curl_easy_getinfo(rec.handle, infos[i].info, &s);
            fprintf(out, "info %s %d %s\n", infos[i].name, rc, s ? s : "(null)");
            break;
        case CURLINFO_LONG:
            rc = curl_easy_getinfo(rec.handle, infos[i].info, &l);
            fprintf(out, "info %s %d %ld\n", infos[i].name, rc, l);
            break;
        default:
            rc = curl_easy_getinfo(rec.handle, infos[i].info, &o);
            fprintf(out, "info %s %d %lld\n", infos[i].name, rc, (long long)o);
        }
    }
    struct curl_slist *cookies = NULL;
    curl_easy_getinfo(rec.handle, CURLINFO_COOKIELIST, &cookies);
    for (struct curl_slist *c = cookies; c; c = c->next)
        fprintf(out, "cookie %s\n", c->data);
    curl_slist_free_all(cookies);
    struct curl_header *h = NULL;
    while ((h = curl_easy_nextheader(rec.handle, CURLH_HEADER | CURLH_TRAILER | CURLH_1XX, -1, h)))
        fprintf(out, "nextheader %s=%s amount=%zu origin=%u\n", h->name, h->value, h->amount,
                h->origin);
}

void print_infos(void)
{
    write_infos(stdout);
}

char *outcome_text(void)
{
    char *text = NULL;
    size_t length;
    FILE *f = open_memstream(&text, &length);
    fprintf(f, "\"%s\"\n", rec.errors);
    write_infos(f);
    fclose(f);
    return text;
}

void result(const char *how, CURLcode rc)
{
    flush_run();
    fflush(stdout);
    printf("%s %d \"%s\"\n", how, rc, rec.errors);
    print_infos();
    rec.inflight_done = 0;
    rec.paused = 0;
    rec.on_write.calls = rec.on_header.calls = 0;
}
