/* SPDX-License-Identifier: MIT
 *
 * Uses a handle while its transfer waits in a multi handle. The arguments form a script; each word
 * prints what libcurl returned:
 *
 *     parked socket new=http://localhost:8080/ add events=FILE remove add finish cleanup end
 *
 * new=URL         creates a handle and makes it the current one
 * use=N           makes handle N (from 0) the current one
 * multi=N         makes multi handle N (0 or 1) the current one
 * add | remove | perform | reset | dup | cleanup | pause | unpause     apply to the current handle
 * other           sends its body to another sink from now on
 * abort           its progress callback aborts the transfer
 * inside          its progress callback makes, once, the calls that a callback must not make
 * status          prints its response code
 * unread          stops reading messages
 * read            reads messages again
 * turn=MS         runs the loop for this time, or until no transfer runs
 * events=PATH     runs the loop until that file is not empty, and a little longer
 * empty=PATH      truncates that file
 * finish          runs the loop until no transfer runs
 * end             cleans up the multi handle
 * fresh           cleans up everything and starts again */
#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANDLES_MAX 8
#define STEP_MS     50
#define LONGEST_MS  30000

struct sink {
    int number;
    const char *name;
    size_t bytes;
};

struct entry {
    CURL *handle;
    struct sink sink, other;
    bool abort, inside;
    char error[CURL_ERROR_SIZE];
};

static struct entry entries[HANDLES_MAX];
static struct turner multis[2];
static enum style style;
static int count, now;
static struct turner *multi = &multis[0];
static bool unread;

static size_t on_body(char *p, size_t size, size_t n, void *data)
{
    struct sink *sink = data;
    (void)p;
    if (!entries[sink->number].abort) /* after an abort, the number of bytes depends on timing */
        sink->bytes += size * n;
    return size * n;
}

static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct entry *o = data;
    (void)a, (void)b, (void)c, (void)d;
    if (o->inside) {
        int running;
        CURL *h = curl_easy_init();
        o->inside = false;
        printf("inside: add another %d", curl_multi_add_handle(multi->multi, h));
        printf(", add itself %d", curl_multi_add_handle(multi->multi, o->handle));
        printf(", remove itself %d", curl_multi_remove_handle(multi->multi, o->handle));
        printf(", turn %d", curl_multi_perform(multi->multi, &running));
        printf(", perform itself %d\n", curl_easy_perform(o->handle));
        curl_easy_cleanup(h);
    }
    return o->abort;
}

static void init_handle(int i, CURL *h)
{
    struct entry *o = &entries[i];
    if (!h || i >= HANDLES_MAX)
        exit(3);
    o->handle = h;
    o->sink = (struct sink){i, "sink", 0};
    o->other = (struct sink){i, "other sink", 0};
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &o->sink);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, o->error);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, o);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    now = i;
}

/* ---- event loop ------------------------------------------------------------------------------ */

static int number_of(const CURL *h)
{
    for (int i = 0; i < count; i++)
        if (entries[i].handle == h)
            return i;
    return -1;
}

static void take_messages(void)
{
    int left;
    for (CURLMsg *m; !unread && (m = curl_multi_info_read(multi->multi, &left));) {
        long status = -1;
        int i = number_of(m->easy_handle);
        curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        printf("message of %d: %d", i, m->data.result);
        if (m->data.result)
            printf(" \"%s\"\n", i < 0 ? "" : entries[i].error);
        else
            printf(", status %ld\n", status);
    }
}

/* Asks libcurl again: the last step may have changed the number. */
static void print_running(void)
{
    CURLMcode r =
        style == STYLE_SOCKET
            ? curl_multi_socket_action(multi->multi, CURL_SOCKET_TIMEOUT, 0, &multi->running)
            : curl_multi_perform(multi->multi, &multi->running);
    take_messages();
    printf("running %d", multi->running);
    if (r != CURLM_OK || multi->wrong)
        printf(", WRONG %d %ld", r, multi->wrong);
    for (int i = 0; i < count; i++)
        for (const struct sink *s = &entries[i].sink; s;
             s = s == &entries[i].sink ? &entries[i].other : NULL)
            if (s->bytes)
                printf(", %s of %d: %zu", s->name, s->number, s->bytes);
    printf("\n");
}

static bool is_empty(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

static void turn_until(const char *path, double ms)
{
    double end = now_ms() + (path ? LONGEST_MS : ms);
    bool waits = path != NULL;
    while (now_ms() < end) {
        turn_act(multi);
        take_messages();
        if (!multi->running)
            break;
        if (waits && !is_empty(path)) {
            waits = false;
            end = now_ms() + ms;
        }
        double left = end - now_ms();
        turn_wait(multi, left < STEP_MS ? (int)left + 1 : STEP_MS);
    }
    if (waits)
        printf("nothing is parked\n");
    print_running();
}

/* ---- words of the script --------------------------------------------------------------------- */

static void run_pair(const char *name, const char *value)
{
    int n = (int)strtol(value, NULL, 10);
    if (strcmp(name, "new") == 0) {
        init_handle(count++, curl_easy_init());
        curl_easy_setopt(entries[now].handle, CURLOPT_URL, value);
    } else if (strcmp(name, "use") == 0)
        now = n;
    else if (strcmp(name, "multi") == 0) {
        multi = &multis[n];
        if (!multi->multi)
            turner_init(multi, style);
    } else if (strcmp(name, "turn") == 0)
        turn_until(NULL, n);
    else if (strcmp(name, "events") == 0)
        turn_until(value, STEP_MS);
    else if (strcmp(name, "empty") == 0)
        (void)!truncate(value, 0);
    else
        exit(3);
}

static void begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = &multis[0];
    turner_init(multi, style);
    unread = false;
}

static void clean_up(void)
{
    for (int i = 0; i < count; i++)
        curl_easy_cleanup(entries[i].handle);
    for (int i = 0; i < 2; i++)
        if (multis[i].multi)
            printf("at the end %d\n", turner_free(&multis[i]));
    memset(entries, 0, sizeof entries);
    count = 0;
    curl_global_cleanup();
}

static void run_word(const char *word)
{
    struct entry *o = &entries[now];
    if (strcmp(word, "add") == 0)
        printf("add %d\n", turner_add(multi, o->handle));
    else if (strcmp(word, "remove") == 0)
        printf("remove %d\n", curl_multi_remove_handle(multi->multi, o->handle));
    else if (strcmp(word, "perform") == 0)
        printf("perform %d \"%s\"\n", curl_easy_perform(o->handle), o->error);
    else if (strcmp(word, "pause") == 0)
        printf("pause %d\n", curl_easy_pause(o->handle, CURLPAUSE_ALL));
    else if (strcmp(word, "unpause") == 0)
        printf("unpause %d\n", curl_easy_pause(o->handle, CURLPAUSE_CONT));
    else if (strcmp(word, "other") == 0)
        printf("other %d\n", curl_easy_setopt(o->handle, CURLOPT_WRITEDATA, &o->other));
    else if (strcmp(word, "status") == 0) {
        long status = -1;
        int r = curl_easy_getinfo(o->handle, CURLINFO_RESPONSE_CODE, &status);
        printf("status %d %ld\n", r, status);
    } else if (strcmp(word, "dup") == 0)
        init_handle(count++, curl_easy_duphandle(o->handle));
    else if (strcmp(word, "reset") == 0)
        curl_easy_reset(o->handle);
    else if (strcmp(word, "cleanup") == 0) {
        curl_easy_cleanup(o->handle);
        o->handle = NULL;
    } else if (strcmp(word, "abort") == 0)
        o->abort = true;
    else if (strcmp(word, "inside") == 0)
        o->inside = true;
    else if (strcmp(word, "unread") == 0 || strcmp(word, "read") == 0)
        unread = *word == 'u';
    else if (strcmp(word, "finish") == 0)
        turn_until(NULL, LONGEST_MS);
    else if (strcmp(word, "end") == 0)
        printf("end %d\n", turner_free(multi));
    else if (strcmp(word, "fresh") == 0) {
        clean_up();
        begin();
    } else
        exit(3);
}

int main(int argc, char **argv)
{
    if (argc < 2 || !style_of(argv[1], &style))
        return 2;
    begin();
    for (int i = 2; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals) {
            *equals = 0;
            run_pair(argv[i], equals + 1);
        } else
            run_word(argv[i]);
    }
    clean_up();
    return 0;
}
