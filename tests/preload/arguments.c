/* SPDX-License-Identifier: MIT
 *
 * Calls each function with invalid arguments: arguments PATH
 *
 * NULL, an unmapped address, pointers that are not handles, unknown options and values. Each call
 * is made in a process of its own, and must return, or die, as it does without the shim. */
#define CURL_DISABLE_DEPRECATION /* curl_multi_socket, curl_multi_socket_all */
#include "host.h"

#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

static void *volatile nowhere = (void *)16; /* unknown to the compiler */

static CURLM *multi; /* contains one transfer, which waits for its next attempt under the shim */
static CURL *easy;
static CURL *inside;
static int running, left;
static long number;

static void probe(const char *name, int (*call)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(call() & 0xff);
    REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        printf("%s: signal %d\n", name, WTERMSIG(status));
    else
        printf("%s: %d\n", name, WEXITSTATUS(status));
}

/* The name of a case is its source text. All functions are old, because another version of the
 * library may lack new ones. */
#define PROBE(expression)                                                                          \
    do {                                                                                           \
        int call(void)                                                                             \
        {                                                                                          \
            return (int)(expression);                                                              \
        }                                                                                          \
        probe(#expression, call);                                                                  \
    } while (0)

#define VOID(expression) ((expression), 0)

static void of_easy_handles(void)
{
    PROBE(curl_easy_perform(NULL));
    PROBE(curl_easy_setopt(NULL, CURLOPT_URL, "x"));
    PROBE(curl_easy_setopt(easy, CURLOPT_URL, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_PROXY, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_NOPROXY, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_PRE_PROXY, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_POSTFIELDS, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_CURLU, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_QUOTE, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_READDATA, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_WRITEDATA, nowhere));
    PROBE(curl_easy_setopt(easy, (CURLoption)9999, 1L));
    PROBE(curl_easy_setopt(easy, (CURLoption)19999, nowhere));
    PROBE(curl_easy_setopt(easy, (CURLoption)39999, (curl_off_t)-1));
    PROBE(curl_easy_setopt(easy, (CURLoption)49999, nowhere));
    PROBE(curl_easy_setopt(easy, (CURLoption)-1, 1L));
    PROBE(curl_easy_setopt(easy, CURLOPT_TIMEOUT, -1L));
    PROBE(curl_easy_setopt(easy, CURLOPT_TIMEOUT, LONG_MAX));
    PROBE(curl_easy_setopt(easy, CURLOPT_PORT, 65536L));
    PROBE(curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, -2L));
    PROBE(curl_easy_getinfo(NULL, CURLINFO_RESPONSE_CODE, &number));
    PROBE(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, NULL));
    PROBE(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, nowhere));
    PROBE(curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, NULL));
    PROBE(curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, nowhere));
    PROBE(curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, NULL));
    PROBE(curl_easy_getinfo(easy, CURLINFO_COOKIELIST, NULL));
    PROBE(curl_easy_getinfo(easy, (CURLINFO)(CURLINFO_LONG + 99), &number));
    PROBE(curl_easy_getinfo(easy, (CURLINFO)0, &number));
    PROBE(curl_easy_pause(NULL, 0));
    PROBE(curl_easy_pause(easy, -1));
    PROBE(VOID(curl_easy_cleanup(NULL)));
    PROBE(curl_easy_duphandle(nowhere) != NULL);
    PROBE(curl_mime_filedata(NULL, "x"));
    PROBE(curl_mime_data_cb(NULL, 1, NULL, NULL, NULL, NULL));
}

static void of_multi_handles(void)
{
    PROBE(curl_multi_add_handle(NULL, easy));
    PROBE(curl_multi_add_handle(multi, NULL));
    PROBE(curl_multi_add_handle(multi, inside));
    PROBE(curl_multi_add_handle(multi, (CURL *)multi));
    PROBE(curl_multi_add_handle(multi, nowhere));
    PROBE(curl_multi_remove_handle(NULL, easy));
    PROBE(curl_multi_remove_handle(multi, NULL));
    PROBE(curl_multi_remove_handle(multi, easy));
    PROBE(curl_multi_remove_handle(multi, nowhere));
    PROBE(curl_multi_perform(NULL, &running));
    PROBE(curl_multi_socket_action(NULL, CURL_SOCKET_TIMEOUT, 0, &running));
    PROBE(curl_multi_socket_action(multi, 12345, -1, &running));
    PROBE(curl_multi_socket_action(multi, -2, INT_MAX, &running));
    PROBE(curl_multi_socket(multi, INT_MIN, &running));
    PROBE(curl_multi_socket_all(NULL, &running));
    PROBE(curl_multi_timeout(NULL, &number));
    PROBE(curl_multi_timeout(multi, NULL));
    PROBE(curl_multi_info_read(NULL, &left) != NULL);
    PROBE(curl_multi_info_read(multi, NULL) != NULL);
    PROBE(curl_multi_wait(NULL, NULL, 0, 0, NULL));
    PROBE(curl_multi_wait(multi, NULL, 0, -1, NULL));
    PROBE(curl_multi_wait(multi, NULL, 0, INT_MIN, &left));
    PROBE(curl_multi_wait(multi, nowhere, 0, 0, NULL));
    PROBE(curl_multi_wait(multi, NULL, 1, 0, NULL));
    PROBE(curl_multi_poll(NULL, NULL, 0, 0, NULL));
    PROBE(curl_multi_poll(multi, NULL, 0, -1, NULL));
    PROBE(curl_multi_poll(multi, nowhere, 0, 0, NULL));
    PROBE(curl_multi_poll(multi, NULL, 1, 0, NULL));
    PROBE(curl_multi_setopt(NULL, CURLMOPT_MAXCONNECTS, 1L));
    PROBE(curl_multi_setopt(multi, (CURLMoption)9999, 1L));
    PROBE(curl_multi_setopt(multi, (CURLMoption)19999, NULL));
    PROBE(curl_multi_setopt(multi, CURLMOPT_TIMERDATA, nowhere));
    PROBE(curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, LONG_MIN));
    PROBE(curl_multi_cleanup(NULL));
}

/* In a callback, where many calls are forbidden. */
static size_t ask(char *data, size_t size, size_t n, void *user)
{
    (void)data, (void)user;
    PROBE(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, NULL));
    PROBE(curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, NULL));
    PROBE(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, nowhere));
    PROBE(curl_easy_setopt(easy, CURLOPT_URL, nowhere));
    PROBE(curl_easy_perform(easy));
    return size * n;
}

/* The same for multi handles. */
static CURLM *other;
static size_t ask_loop(char *data, size_t size, size_t n, void *user)
{
    (void)data, (void)user;
    PROBE(curl_multi_setopt(other, CURLMOPT_TIMERDATA, nowhere));
    PROBE(curl_multi_setopt(other, CURLMOPT_PUSHDATA, nowhere));
    PROBE(curl_multi_setopt(other, CURLMOPT_TIMERFUNCTION, NULL));
    PROBE(curl_multi_setopt(other, CURLMOPT_MAXCONNECTS, 1L));
    PROBE(curl_multi_add_handle(other, NULL));
    PROBE(curl_multi_add_handle(other, easy));
    PROBE(curl_multi_remove_handle(other, NULL));
    PROBE(curl_multi_remove_handle(other, easy));
    PROBE(curl_multi_perform(other, &running));
    PROBE(curl_multi_socket_action(other, CURL_SOCKET_TIMEOUT, 0, &running));
    PROBE(curl_multi_timeout(other, &number));
    PROBE(curl_multi_info_read(other, &left) != NULL);
    PROBE(curl_multi_wait(other, NULL, 0, 0, NULL));
    PROBE(curl_multi_poll(other, NULL, 0, -1, NULL));
    PROBE(curl_multi_cleanup(other));
    return size * n;
}

static void in_a_loop(void)
{
    struct answer a;
    CURL *h = curl_easy_init(); /* one with its own multi handle reports less */
    other = curl_multi_init();
    prepare(h, "ok/3", &a);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, ask_loop);
    REQUIRE(curl_multi_add_handle(other, h) == CURLM_OK);
    do {
        curl_multi_perform(other, &running);
        curl_multi_poll(other, NULL, 0, 100, NULL);
    } while (running);
    REQUIRE(curl_multi_remove_handle(other, h) == CURLM_OK);
    curl_multi_cleanup(other);
    curl_easy_cleanup(h);
}

int main(int argc, char **argv)
{
    struct answer a;
    REQUIRE(argc == 2);
    easy = curl_easy_init();
    inside = curl_easy_init();
    multi = curl_multi_init();
    prepare(inside, argv[1], &a);
    REQUIRE(curl_multi_add_handle(multi, inside) == CURLM_OK);
    for (int i = 0; i < 20; i++) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 20, NULL);
    }
    of_easy_handles();
    of_multi_handles();
    prepare(easy, "f1/2", &a);
    curl_easy_perform(easy);
    of_easy_handles();
    prepare(easy, "ok/1", &a);
    /* libcurl delivers the interim response with the final one; the calls are made then. */
    struct curl_slist *expect = curl_slist_append(NULL, "Expect: 100-continue");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "x");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, expect);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, ask);
    curl_easy_perform(easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(expect);
    in_a_loop();
    REQUIRE(curl_multi_remove_handle(multi, inside) == CURLM_OK);
    curl_multi_cleanup(multi);
    curl_easy_cleanup(inside);
    curl_easy_cleanup(easy);
    return 0;
}
