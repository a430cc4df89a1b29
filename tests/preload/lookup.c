/* SPDX-License-Identifier: MIT
 *
 * A program that is not linked with libcurl and looks it up at run time. `lookup none` loads no
 * libcurl, `global` loads one later and finds it by RTLD_DEFAULT, `handle` looks functions up by
 * the library's handle, `mixed` passes handles from the library's own functions to the shim's,
 * `weak` uses weak references. */
#include "host.h"

#include <stdbool.h>

extern CURL *curl_easy_init(void) __attribute__((weak));
extern CURLcode curl_easy_perform(CURL *) __attribute__((weak));
extern CURLcode curl_easy_setopt(CURL *, CURLoption, ...) __attribute__((weak));
extern CURLcode curl_easy_getinfo(CURL *, CURLINFO, ...) __attribute__((weak));
extern void curl_easy_cleanup(CURL *) __attribute__((weak));
#undef curl_easy_setopt
#undef curl_easy_getinfo

struct api {
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*perform)(CURL *);
    CURLcode (*pause)(CURL *, int);
    CURL *(*duphandle)(CURL *);
    void (*reset)(CURL *);
    void (*cleanup)(CURL *);
};

static struct api ask(void *where)
{
    return (struct api){.init = dlsym(where, "curl_easy_init"),
                        .setopt = dlsym(where, "curl_easy_setopt"),
                        .getinfo = dlsym(where, "curl_easy_getinfo"),
                        .perform = dlsym(where, "curl_easy_perform"),
                        .pause = dlsym(where, "curl_easy_pause"),
                        .duphandle = dlsym(where, "curl_easy_duphandle"),
                        .reset = dlsym(where, "curl_easy_reset"),
                        .cleanup = dlsym(where, "curl_easy_cleanup")};
}

/* The functions may be missing, or all of them must fail. */
static void none(struct api c)
{
    int handle = 0;
    CURL *fake = (CURL *)&handle;
    long status = 7;
    bool usable = (c.init && c.init()) || (c.setopt && !c.setopt(fake, CURLOPT_VERBOSE, 0L)) ||
                  (c.perform && !c.perform(fake)) || (c.pause && !c.pause(fake, 0)) ||
                  (c.duphandle && c.duphandle(fake)) ||
                  (c.getinfo && !c.getinfo(fake, CURLINFO_RESPONSE_CODE, &status));
    if (c.reset)
        c.reset(fake);
    if (c.cleanup)
        c.cleanup(fake);
    puts(usable ? "something answers" : "nothing usable");
    REQUIRE(status == 7);
}

static void use(const char *what, struct api maker, struct api user, const char *path)
{
    char url[256];
    struct answer a = {0};
    long status = 0;
    CURL *h = maker.init();
    REQUIRE(h);
    user.setopt(h, CURLOPT_URL, url_of(path, url, sizeof url));
    user.setopt(h, CURLOPT_WRITEFUNCTION, keep_body);
    maker.setopt(h, CURLOPT_WRITEDATA, &a);
    CURLcode rc = user.perform(h);
    user.getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    printf("%s: %d %ld %s\n", what, rc, status, a.body);
    maker.cleanup(h); /* the functions that created the handle must also free it */
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    if (!strcmp(argv[1], "none")) {
        none(ask(RTLD_DEFAULT));
        none((struct api){
            .init = curl_easy_init, .perform = curl_easy_perform, .cleanup = curl_easy_cleanup});
        return 0;
    }
    if (!strcmp(argv[1], "weak")) {
        struct api weak = {
            curl_easy_init, curl_easy_setopt, curl_easy_getinfo, curl_easy_perform, NULL, NULL,
            NULL,           curl_easy_cleanup};
        use("weak", weak, weak, "f2/weak");
        return 0;
    }
    bool global = !strcmp(argv[1], "global");
    void *lib = dlopen(argv[2], RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
    REQUIRE(lib);
    struct api raw = ask(lib), visible = ask(RTLD_DEFAULT);
    if (global)
        use("RTLD_DEFAULT", visible, visible, "f2/default");
    else
        use("handle", raw, raw, "f2/handle");
    if (!strcmp(argv[1], "mixed")) {
        dlopen(argv[2], RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
        visible = ask(RTLD_DEFAULT);
        use("made raw, used visible", raw, visible, "ok/mixed1");
        use("made visible, used raw", visible, raw, "ok/mixed2");
        use("made raw again", raw, visible, "ok/mixed3");
    }
    return 0;
}
