/* SPDX-License-Identifier: MIT
 *
 * Looks up libcurl's functions by the handle of a library, like Python's ctypes:
 *
 *     handles each LIB...    loads all, then uses the functions of each, with all handles alive
 *     handles apart LIB      the same in a separate namespace
 *     handles threads LIB    eight threads look functions up at once, and each makes a transfer
 *     handles fork LIB       a child and its parent do so
 *     handles again LIB      the library is loaded and unloaded repeatedly
 *     handles keep ASK LIB   compares the results of dlsym for each kind of caller; ASK is ask.c
 *     handles names LIB      prints the library in which each function is found
 *     handles stubs LIB      checks whether they belong to libharden.so, as $STUBS says */
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

static __thread struct {
    CURL *(*init)(void);
    CURL *(*duphandle)(CURL *);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*perform)(CURL *);
    void (*reset)(CURL *);
    void (*cleanup)(CURL *);
} by;

#define curl_easy_init      by.init
#define curl_easy_duphandle by.duphandle
#define curl_easy_setopt    by.setopt
#define curl_easy_getinfo   by.getinfo
#define curl_easy_perform   by.perform
#define curl_easy_reset     by.reset
#define curl_easy_cleanup   by.cleanup
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static int apart;

static void *load(const char *path)
{
#ifdef __GLIBC__
    void *lib = apart ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : dlopen(path, RTLD_NOW | RTLD_LOCAL);
#else
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
#endif
    if (!lib)
        puts(dlerror());
    REQUIRE(lib);
    return lib;
}

static void *function(void *lib, const char *name)
{
    errno = 77;
    void *p = dlsym(lib, name);
    REQUIRE(p && !dlerror() && errno == 77);
    return p;
}

static void ask(void *lib)
{
    by.init = function(lib, "curl_easy_init");
    by.duphandle = function(lib, "curl_easy_duphandle");
    by.setopt = function(lib, "curl_easy_setopt");
    by.getinfo = function(lib, "curl_easy_getinfo");
    by.perform = function(lib, "curl_easy_perform");
    by.reset = function(lib, "curl_easy_reset");
    by.cleanup = function(lib, "curl_easy_cleanup");
}

static void each(char **paths, int n)
{
    void *libs[8];
    CURL *first[8];
    char what[64], path[128];
    struct answer a[8];
    REQUIRE(n > 0 && n <= 8);
    for (int i = 0; i < n; i++)
        libs[i] = load(paths[i]);
    for (int i = 0; i < n; i++) {
        ask(libs[i]);
        REQUIRE((first[i] = curl_easy_init()));
        snprintf(path, sizeof path, "f2/first%d", i);
        prepare(first[i], path, &a[i]);
    }
    for (int i = n; i-- > 0;) {
        ask(libs[i]);
        snprintf(what, sizeof what, "library %d", i);
        snprintf(path, sizeof path, "f2/second%d", i);
        tell(first[i], what, curl_easy_perform(first[i]), &a[i]);
        CURL *copy = curl_easy_duphandle(first[i]);
        curl_easy_reset(copy);
        curl_easy_cleanup(copy);
        fetch(what, path);
    }
    for (int i = 0; i < n; i++) {
        ask(libs[i]);
        curl_easy_cleanup(first[i]);
    }
}

static void *library;
static pthread_barrier_t together;

static void *thread(void *arg)
{
    char path[64];
    struct answer a;
    snprintf(path, sizeof path, "ok/%d", (int)(long)arg);
    pthread_barrier_wait(&together);
    ask(library);
    CURL *h = curl_easy_init();
    prepare(h, path, &a);
    REQUIRE(!curl_easy_perform(h) && !strcmp(a.body, "attempt 1"));
    curl_easy_cleanup(h);
    return NULL;
}

static void threads(const char *path)
{
    pthread_t t[8];
    library = load(path);
    REQUIRE(!pthread_barrier_init(&together, NULL, 8));
    for (long i = 0; i < 8; i++)
        REQUIRE(!pthread_create(&t[i], NULL, thread, (void *)i));
    for (int i = 0; i < 8; i++)
        REQUIRE(!pthread_join(t[i], NULL));
    puts("eight");
}

static void child_and_parent(const char *path)
{
    void *lib = load(path);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    ask(lib);
    if (!pid) {
        fetch("child", "f2/child");
        exit(0);
    }
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && !status);
    fetch("parent", "f2/parent");
}

static void again(const char *path)
{
    char name[64];
    for (int i = 0; i < 10; i++) {
        void *lib = load(path);
        ask(lib);
        snprintf(name, sizeof name, "%s/%d", i ? "ok" : "f2", i);
        if (i % 3 != 2) /* sometimes the library is not used at all */
            fetch("again", name);
        REQUIRE(!dlclose(lib));
    }
}

static void say(const char *what, const void *p)
{
    char where[64] = "nothing";
    const char *error = dlerror();
    if (p)
        library_of(p, where, sizeof where);
    printf("%s: %s, %s\n", what, where, error ? error : "no error");
}

#ifdef __GLIBC__
/* Uses names that libharden.so does not define: a bare run finds them in the same library. */
static void keep(const char *asker, const char *path)
{
    void *lib = load(path), *plug = load(asker), *self = dlopen(NULL, RTLD_NOW);
    typedef void *asking(void *where, const char *name, const char *node);
    asking *sym = (asking *)function(plug, "ask_dlsym");
    asking *vsym = (asking *)function(plug, "ask_dlvsym");
    static const char *const names[] = {"curl_easy_strerror",
                                        "curl_no_such",
                                        "no_such",
                                        "only_in_ask",
                                        "curl",
                                        "curl_",
                                        "c",
                                        "getpid"};
    void *const where[] = {RTLD_DEFAULT, RTLD_NEXT, lib, plug, self};
    static const char *const nodes[] = {"CURL_OPENSSL_4", "CURL_GNUTLS_3", "NO_NODE"};
    for (size_t i = 0; i < sizeof where / sizeof *where; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            printf("%zu %s ", i, names[k]);
            say("here", dlsym(where[i], names[k]));
            say("there", sym(where[i], names[k], NULL));
            for (size_t n = 0; n < sizeof nodes / sizeof *nodes; n++) {
                say("at a node here", dlvsym(where[i], names[k], nodes[n]));
                say("at a node there", vsym(where[i], names[k], nodes[n]));
            }
        }
    say("no node", dlvsym(lib, "curl_easy_perform", "NO_NODE"));
    REQUIRE(dlvsym(lib, "curl_easy_perform", "CURL_OPENSSL_4") && !dlerror());
    REQUIRE(dlsym(self, "main") && dlsym(RTLD_DEFAULT, "main"));
    dlsym(lib, "curl_no_such");
    REQUIRE(dlsym(lib, "curl_easy_perform")); /* clears the error */
    REQUIRE(!dlerror());
}
#endif

static const char *const all[] = {"curl_easy_init",    "curl_easy_cleanup", "curl_easy_reset",
                                  "curl_easy_setopt",  "curl_easy_getinfo", "curl_easy_duphandle",
                                  "curl_easy_perform", "curl_easy_strerror"};

static void names(const char *path)
{
    void *lib = load(path);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        say(all[i], dlsym(lib, all[i]));
}

static void stubs(const char *path)
{
    char where[64];
    void *lib = load(path);
    const char *expected = getenv("STUBS");
    for (size_t i = 0; i + 1 < sizeof all / sizeof *all; i++) {
        library_of(function(lib, all[i]), where, sizeof where);
        REQUIRE(!strcmp(where, "libharden.so") == !!expected);
    }
    puts("as expected");
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 2);
    const char *way = argv[1];
    apart = !strcmp(way, "apart");
    if (!strcmp(way, "each") || apart)
        each(argv + 2, argc - 2);
    else if (!strcmp(way, "threads"))
        threads(argv[2]);
    else if (!strcmp(way, "fork"))
        child_and_parent(argv[2]);
    else if (!strcmp(way, "again"))
        again(argv[2]);
    else if (!strcmp(way, "names"))
        names(argv[2]);
    else if (!strcmp(way, "stubs"))
        stubs(argv[2]);
#ifdef __GLIBC__
    else if (!strcmp(way, "keep") && argc > 3)
        keep(argv[2], argv[3]);
#endif
    else
        REQUIRE(!"unknown subcommand");
    return 0;
}
