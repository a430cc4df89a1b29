/* SPDX-License-Identifier: MIT
 *
 * A client for HTTP/2 server push.
 *
 *     push CAFILE DIRECTORY PORT PATH
 *
 * Requests PATH from the server at 127.0.0.1:PORT and accepts every push. Writes the bodies into
 * DIRECTORY: the requested one to file 0, the pushed ones to 1, 2, ... in the order of their
 * promises. Prints one line per transfer in the same order: path, result, HTTP status and version.
 *
 * The URL has no port, because libcurl 7.88 refuses pushes from hosts with one. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRANSFERS_MAX 32

struct transfer {
    CURL *handle;
    FILE *body;
    char path[200];
    int result;
};

static struct transfer transfers[TRANSFERS_MAX];
static int count;
static const char *directory;

static void begin(CURL *handle, const char *path)
{
    struct transfer *t = &transfers[count];
    char name[500];
    snprintf(name, sizeof name, "%s/%d", directory, count);
    snprintf(t->path, sizeof t->path, "%s", path);
    t->handle = handle;
    t->result = -1;
    t->body = fopen(name, "wb");
    if (!t->body) {
        perror(name);
        exit(2);
    }
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, t->body);
    count++;
}

static int pushed(CURL *parent, CURL *handle, size_t n, struct curl_pushheaders *headers,
                  void *data)
{
    (void)n, (void)data;
    const char *path = curl_pushheader_byname(headers, ":path");
    if (parent != transfers[0].handle || !path || count == TRANSFERS_MAX)
        return CURL_PUSH_DENY;
    begin(handle, path);
    return CURL_PUSH_OK;
}

static void take_results(CURLM *multi)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        for (int i = 0; i < count; i++)
            if (transfers[i].handle == m->easy_handle)
                transfers[i].result = (int)m->data.result;
    }
}

int main(int argc, char **argv)
{
    char url[500], place[100];
    if (argc != 5)
        return 2;
    snprintf(url, sizeof url, "https://localhost%s", argv[4]);
    snprintf(place, sizeof place, "localhost:443:127.0.0.1:%s", argv[3]);
    directory = argv[2];
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    CURL *handle = curl_easy_init();
    struct curl_slist *places = curl_slist_append(NULL, place);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_CONNECT_TO, places);
    curl_easy_setopt(handle, CURLOPT_CAINFO, argv[1]);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_PUSHFUNCTION, pushed);
    begin(handle, argv[4]);
    curl_multi_add_handle(multi, handle);
    int running = 1;
    while (running) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            return 3;
        take_results(multi);
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (int i = 0; i < count; i++) {
        long status = 0, version = 0;
        curl_easy_getinfo(transfers[i].handle, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(transfers[i].handle, CURLINFO_HTTP_VERSION, &version);
        printf("%s %d %ld %ld\n", transfers[i].path, transfers[i].result, status, version);
        curl_multi_remove_handle(multi, transfers[i].handle);
        curl_easy_cleanup(transfers[i].handle);
        fclose(transfers[i].body);
    }
    curl_multi_cleanup(multi);
    curl_slist_free_all(places);
    curl_global_cleanup();
    return 0;
}
