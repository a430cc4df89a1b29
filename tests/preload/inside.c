/* SPDX-License-Identifier: MIT
 *
 * Calls libcurl from inside libcurl's callbacks: inside PLACE WHAT PATH, see the table. */
#include "host.h"

#include <stdbool.h>

static CURL *outer;
static struct answer outer_answer;
static int calls;

static CURL *copy;

static size_t other_body(char *p, size_t size, size_t n, void *user)
{
    printf("the other write callback\n");
    return keep_body(p, size, n, user);
}

static void other_handle(void)
{
    if (!calls++)
        fetch("inner", "f2/inner");
}

static void same_handle(void)
{
    if (!calls++)
        printf("inner perform: %d\n", curl_easy_perform(outer));
}

static void ask(void)
{
    long status = 0;
    char *url = NULL;
    if (!calls++) {
        curl_easy_getinfo(outer, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(outer, CURLINFO_EFFECTIVE_URL, &url);
        printf("inside: %ld %s\n", status, strrchr(url, '/'));
    }
}

static void change_callback(void)
{
    if (!calls++)
        printf("setopt: %d\n", curl_easy_setopt(outer, CURLOPT_WRITEFUNCTION, other_body));
}

static void duplicate(void)
{
    if (!calls++)
        copy = curl_easy_duphandle(outer);
}

static void reset_inner(void)
{
    CURL *h;
    struct answer a;
    if (calls++)
        return;
    h = curl_easy_init();
    prepare(h, "ok/never", &a);
    curl_easy_reset(h);
    prepare(h, "f2/reset", &a);
    tell(h, "after a reset", curl_easy_perform(h), &a);
    curl_easy_cleanup(h);
}

static void reset_self(void)
{
    if (!calls++)
        curl_easy_reset(outer);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"perform-other", other_handle}, {"perform-same", same_handle}, {"getinfo", ask},
    {"setopt", change_callback},     {"duphandle", duplicate},      {"reset-other", reset_inner},
    {"reset-same", reset_self}};

static void (*act)(void);
static bool pausing;

static size_t on_write(char *p, size_t size, size_t n, void *user)
{
    if (pausing && !calls++)
        return CURL_WRITEFUNC_PAUSE;
    if (act)
        act();
    return keep_body(p, size, n, user);
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    (void)p;
    (void)user;
    act();
    return size * n;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)user, (void)a, (void)b, (void)c, (void)d;
    if (!pausing)
        act();
    else if (calls == 1) {
        calls++;
        printf("unpause: %d\n", curl_easy_pause(outer, CURLPAUSE_CONT));
    }
    return 0;
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 3);
    const char *place = argv[1];
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (!strcmp(acts[i].name, argv[2]))
            act = acts[i].act;
    pausing = !strcmp(argv[2], "pause");
    REQUIRE(act || pausing);

    outer = curl_easy_init();
    prepare(outer, argv[3], &outer_answer);
    if (!strcmp(place, "write") || pausing)
        curl_easy_setopt(outer, CURLOPT_WRITEFUNCTION, on_write);
    if (!strcmp(place, "header"))
        curl_easy_setopt(outer, CURLOPT_HEADERFUNCTION, on_header);
    if (!strcmp(place, "progress") || pausing) {
        curl_easy_setopt(outer, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(outer, CURLOPT_NOPROGRESS, 0L);
    }
    tell(outer, "outer", curl_easy_perform(outer), &outer_answer);
    if (copy) {
        prepare(copy, "f2/copy", &outer_answer);
        tell(copy, "copy", curl_easy_perform(copy), &outer_answer);
        curl_easy_cleanup(copy);
    }
    act = ask;
    prepare(outer, "f2/again", &outer_answer);
    tell(outer, "again", curl_easy_perform(outer), &outer_answer);
    curl_easy_cleanup(outer);
    return 0;
}
