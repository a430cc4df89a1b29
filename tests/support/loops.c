/* SPDX-License-Identifier: MIT
 *
 * Runs many transfers at once in a multi handle and measures delays of the program's own event
 * loop.
 *
 *     loops STYLE [NAME=VALUE...] URL...
 *
 * STYLE           poll | wait | fdset | socket, see turn.h
 * n=N             transfers per round, with the URLs in turn; %d in a URL is the transfer's number
 * rounds=N        rounds one after the other, each with new handles
 * threads=N       threads, each with its own multi handle
 * beat=MS         longest time between two turns of the loop
 * total=N host=N keep=N    CURLMOPT_MAX_TOTAL_CONNECTIONS, _MAX_HOST_CONNECTIONS, _MAXCONNECTS
 * share=1         the handles share connections, names and cookies
 *
 * Prints a JSON object. gap_ms is the longest time between two turns of a loop, without the time in
 * which the thread was ready to run but had no processor; adding a transfer counts as a turn. fds
 * are the open descriptors at the start, after the first round, after the last round, and at the
 * end. Times of transfers count from the start of their round. */
#include "turn.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define URLS_MAX   256
#define LONGEST_MS 40000

struct transfer {
    CURL *handle;
    uint64_t hash;
    size_t bytes;
    double first_ms, done_ms;
    int code, messages;
    long status;
    char error[CURL_ERROR_SIZE];
};

struct worker {
    pthread_t thread;
    struct turner turner;
    struct transfer *transfers; /* of all rounds */
    int first;                  /* number of the first transfer */
    double round_ms, last_turn_ms, gap_ms;
    int schedstat;     /* of this thread */
    double crowded_ms; /* time without a processor so far */
    long turns, wrong;
    CURLSH *share;
    pthread_mutex_t mutexes[CURL_LOCK_DATA_LAST];
    long locks;
    int share_result, cookies;
};

static enum style style;
static char *urls[URLS_MAX];
static int url_count, count = 1, rounds = 1, threads = 1, beat_ms = 1000, shared;
static long total, host, keep;
static int fds[4];

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n - 3; /* ".", "..", and the descriptor of the directory itself */
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t n, void *data)
{
    struct transfer *t = data;
    if (!t->bytes)
        t->first_ms = now_ms();
    for (size_t i = 0; i < size * n; i++)
        t->hash = (t->hash ^ (unsigned char)p[i]) * 1099511628211u;
    t->bytes += size * n;
    return size * n;
}

static void on_lock(CURL *h, curl_lock_data what, curl_lock_access how, void *data)
{
    struct worker *w = data;
    (void)h, (void)how;
    w->locks++;
    if (pthread_mutex_lock(&w->mutexes[what]) != 0)
        w->wrong++;
}

static void on_unlock(CURL *h, curl_lock_data what, void *data)
{
    struct worker *w = data;
    (void)h;
    if (pthread_mutex_unlock(&w->mutexes[what]) != 0)
        w->wrong++;
}

static CURLSH *new_share(struct worker *w)
{
    static const curl_lock_data all[] = {CURL_LOCK_DATA_COOKIE, CURL_LOCK_DATA_DNS,
                                         CURL_LOCK_DATA_CONNECT, CURL_LOCK_DATA_SSL_SESSION};
    pthread_mutexattr_t checked;
    pthread_mutexattr_init(&checked);
    pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
    for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
        pthread_mutex_init(&w->mutexes[i], &checked);
    CURLSH *share = curl_share_init();
    curl_share_setopt(share, CURLSHOPT_LOCKFUNC, on_lock);
    curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, on_unlock);
    curl_share_setopt(share, CURLSHOPT_USERDATA, w);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        curl_share_setopt(share, CURLSHOPT_SHARE, all[i]);
    return share;
}

/* ---- one round --------------------------------------------------------------------------------- */

/* How long this thread was ready but did not run; 0 if the kernel does not report it. */
static double without_processor_ms(struct worker *w)
{
    char text[128];
    unsigned long long ran_ns, waited_ns = 0;
    ssize_t n = pread(w->schedstat, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return sscanf(text, "%llu %llu", &ran_ns, &waited_ns) == 2 ? (double)waited_ns / 1e6 : 0;
}

static void begin_turn(struct worker *w)
{
    double now = now_ms(), crowded = without_processor_ms(w);
    double gap = now - w->last_turn_ms - (crowded - w->crowded_ms);
    if (w->last_turn_ms > 0 && gap > w->gap_ms)
        w->gap_ms = gap;
    w->last_turn_ms = now;
    w->crowded_ms = crowded;
}

static void add(struct worker *w, struct transfer *t, int number)
{
    char url[1024];
    snprintf(url, sizeof url, urls[number % url_count], number);
    t->hash = 14695981039346656037u;
    t->handle = curl_easy_init();
    curl_easy_setopt(t->handle, CURLOPT_URL, url);
    curl_easy_setopt(t->handle, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->handle, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->handle, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(t->handle, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(t->handle, CURLOPT_NOSIGNAL, 1L);
    if (w->share) {
        curl_easy_setopt(t->handle, CURLOPT_SHARE, w->share);
        curl_easy_setopt(t->handle, CURLOPT_COOKIEFILE, "");
    }
    begin_turn(w);
    if (turner_add(&w->turner, t->handle) != CURLM_OK)
        w->wrong++;
}

/* Compares the number of messages that libcurl reports with the number that it delivers. */
static void take_messages(struct worker *w)
{
    int left = -1, expected = -1;
    for (CURLMsg *m; (m = curl_multi_info_read(w->turner.multi, &left));) {
        struct transfer *t = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (t->handle != m->easy_handle || m->msg != CURLMSG_DONE)
            w->wrong++;
        if (expected >= 0 && left != expected)
            w->wrong++;
        expected = left - 1;
        t->messages++;
        t->code = m->data.result;
        t->done_ms = now_ms() - w->round_ms;
        curl_easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &t->status);
        if (curl_multi_remove_handle(w->turner.multi, t->handle) != CURLM_OK)
            w->wrong++;
    }
    if (expected > 0 || left != 0)
        w->wrong++;
}

static int count_cookies(CURL *h)
{
    struct curl_slist *list = NULL;
    int n = 0;
    curl_easy_getinfo(h, CURLINFO_COOKIELIST, &list);
    for (struct curl_slist *c = list; c; c = c->next)
        n++;
    curl_slist_free_all(list);
    return n;
}

static void run_round(struct worker *w, struct transfer *ts, int first)
{
    w->round_ms = now_ms();
    w->last_turn_ms = 0;
    for (int i = 0; i < count; i++)
        add(w, &ts[i], first + i);
    while (now_ms() - w->round_ms < LONGEST_MS) {
        begin_turn(w);
        w->turns++;
        if (turn_act(&w->turner) != CURLM_OK)
            w->wrong++;
        take_messages(w);
        if (!w->turner.running)
            break;
        turn_wait(&w->turner, beat_ms);
    }
    if (turner_timed(&w->turner))
        w->wrong++;
    w->cookies = count_cookies(ts[0].handle);
    for (int i = 0; i < count; i++) {
        if (ts[i].bytes)
            ts[i].first_ms -= w->round_ms;
        curl_easy_cleanup(ts[i].handle);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    w->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    turner_init(&w->turner, style);
    if (total)
        curl_multi_setopt(w->turner.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
    if (host)
        curl_multi_setopt(w->turner.multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
    if (keep)
        curl_multi_setopt(w->turner.multi, CURLMOPT_MAXCONNECTS, keep);
    if (shared)
        w->share = new_share(w);
    for (int r = 0; r < rounds; r++) {
        run_round(w, w->transfers + (size_t)r * count, w->first + r * count);
        if (r == 0)
            fds[1] = open_descriptors();
    }
    fds[2] = open_descriptors();
    close(w->schedstat);
    if (turner_free(&w->turner) != CURLM_OK)
        w->wrong++;
    w->share_result = w->share ? (int)curl_share_cleanup(w->share) : 0;
    return NULL;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void print_text(const char *s)
{
    putchar('"');
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if ((unsigned char)*s >= 32)
            putchar(*s);
    putchar('"');
}

static void print_transfers(const struct worker *w, const char *comma)
{
    for (int i = 0; i < count * rounds; i++) {
        const struct transfer *t = &w->transfers[i];
        printf("%s{\"code\":%d,\"status\":%ld,\"messages\":%d,\"bytes\":%zu,\"hash\":\"%016llx\","
               "\"first_ms\":%.1f,\"done_ms\":%.1f,\"error\":",
               comma, t->code, t->status, t->messages, t->bytes, (unsigned long long)t->hash,
               t->first_ms, t->done_ms);
        print_text(t->error);
        printf("}\n");
        comma = ",";
    }
}

static double cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void print(const struct worker *ws)
{
    struct worker sum = {0};
    for (int i = 0; i < threads; i++) {
        const struct worker *w = &ws[i];
        sum.gap_ms = w->gap_ms > sum.gap_ms ? w->gap_ms : sum.gap_ms;
        sum.turns += w->turns;
        sum.turner.timer_calls += w->turner.timer_calls;
        sum.turner.socket_calls += w->turner.socket_calls;
        sum.wrong += w->wrong + w->turner.wrong + w->turner.sockets;
        sum.locks += w->locks;
        sum.cookies += w->cookies;
        sum.share_result += w->share_result;
    }
    printf("{\"gap_ms\":%.2f,\"turns\":%ld,\"timer_calls\":%ld,\"socket_calls\":%ld,"
           "\"cpu_ms\":%.1f,\"wrong\":%ld,\"locks\":%ld,\"cookies\":%d,\"share\":%d,"
           "\"fds\":[%d,%d,%d,%d],\"transfers\":[",
           sum.gap_ms, sum.turns, sum.turner.timer_calls, sum.turner.socket_calls, cpu_ms(),
           sum.wrong, sum.locks, sum.cookies, sum.share_result, fds[0], fds[1], fds[2], fds[3]);
    for (int i = 0; i < threads; i++)
        print_transfers(&ws[i], i ? "," : "");
    printf("]}\n");
}

static void argument(char *word)
{
    static const struct {
        const char *name;
        int *number;
        long *option;
    } names[] = {{"n", &count, NULL},      {"rounds", &rounds, NULL}, {"threads", &threads, NULL},
                 {"beat", &beat_ms, NULL}, {"share", &shared, NULL},  {"total", NULL, &total},
                 {"host", NULL, &host},    {"keep", NULL, &keep}};
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && strncmp(word, names[i].name, length) == 0) {
            long value = strtol(word + length + 1, NULL, 10);
            if (names[i].number)
                *names[i].number = (int)value;
            else
                *names[i].option = value;
            return;
        }
    urls[url_count++] = word;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > URLS_MAX || !style_of(argv[1], &style))
        return 2;
    fds[0] = open_descriptors();
    for (int i = 2; i < argc; i++)
        argument(argv[i]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct worker *w = calloc((size_t)threads, sizeof *w);
    for (int i = 0; i < threads; i++) {
        w[i].transfers = calloc((size_t)count * rounds, sizeof *w[i].transfers);
        w[i].first = i * count * rounds;
        if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
            return 1;
    }
    for (int i = 0; i < threads; i++)
        pthread_join(w[i].thread, NULL);
    curl_global_cleanup();
    fds[3] = open_descriptors();
    print(w);
    for (int i = 0; i < threads; i++)
        free(w[i].transfers);
    free(w);
    return 0;
}
