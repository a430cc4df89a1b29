/* SPDX-License-Identifier: MIT
 *
 * Loads plug-ins and uses them in turns: plughost [now|lazy|deepbind|namespace PLUG]... With
 * -DLINKED the host has its own libcurl and takes turns as well. The handles of all exist at the
 * same time. */
#include "host.h"

struct plug {
    const char *name;
    CURL *(*init)(void);
    CURL *(*duphandle)(CURL *);
    CURLcode (*perform)(CURL *);
    void (*reset)(CURL *);
    void (*cleanup)(CURL *);
    void (*prepare)(CURL *, const char *, struct answer *);
    void (*tell)(CURL *, const char *, CURLcode, const struct answer *);
    CURLcode (*fetch)(const char *, const char *);
    void (*backend)(CURL *, const char *);
    CURL *h;
    struct answer a;
};

#ifdef LINKED
static const struct plug own = {
    .name = "host",
    .init = curl_easy_init,
    .duphandle = curl_easy_duphandle,
    .perform = curl_easy_perform,
    .reset = curl_easy_reset,
    .cleanup = curl_easy_cleanup,
    .prepare = prepare,
    .tell = tell,
    .fetch = fetch,
};
#endif

static void *symbol(void *lib, const char *name)
{
    void *p = dlsym(lib, name);
    REQUIRE(p);
    return p;
}

static void load(struct plug *p, const char *how, const char *path)
{
    int flags = strcmp(how, "lazy") ? RTLD_NOW : RTLD_LAZY;
    if (!strcmp(how, "deepbind"))
        flags |= RTLD_DEEPBIND;
    void *lib = !strcmp(how, "namespace") ? dlmopen(LM_ID_NEWLM, path, flags)
                                          : dlopen(path, flags | RTLD_LOCAL);
    if (!lib)
        puts(dlerror());
    REQUIRE(lib);
    const char *slash = strrchr(path, '/');
    p->name = slash ? slash + 1 : path;
    p->init = symbol(lib, "plug_init");
    p->duphandle = symbol(lib, "plug_duphandle");
    p->perform = symbol(lib, "plug_perform");
    p->reset = symbol(lib, "plug_reset");
    p->cleanup = symbol(lib, "plug_cleanup");
    p->prepare = symbol(lib, "plug_prepare");
    p->tell = symbol(lib, "plug_tell");
    p->fetch = symbol(lib, "plug_fetch");
    p->backend = symbol(lib, "plug_backend");
}

static void path_of(const struct plug *p, const char *step, char *out, size_t size)
{
    snprintf(out, size, "f2/%s-%s", p->name, step);
}

int main(int argc, char **argv)
{
    static struct plug plugs[8];
    int n = 0;
    char path[128];
#ifdef LINKED
    plugs[n++] = own;
#endif
    for (int i = 1; i + 1 < argc; i += 2)
        load(&plugs[n++], argv[i], argv[i + 1]);

    for (struct plug *p = plugs; p < plugs + n; p++)
        REQUIRE((p->h = p->init()));
    for (struct plug *p = plugs; p < plugs + n; p++) {
        path_of(p, "first", path, sizeof path);
        p->prepare(p->h, path, &p->a);
        if (p->backend)
            p->backend(p->h, p->name);
    }
    for (struct plug *p = plugs + n; p-- > plugs;)
        p->tell(p->h, p->name, p->perform(p->h), &p->a);
    for (struct plug *p = plugs; p < plugs + n; p++) {
        CURL *copy = p->duphandle(p->h);
        REQUIRE(copy);
        p->reset(p->h);
        path_of(p, "copy", path, sizeof path);
        p->prepare(copy, path, &p->a);
        p->tell(copy, p->name, p->perform(copy), &p->a);
        p->cleanup(copy);
        path_of(p, "reset", path, sizeof path);
        p->prepare(p->h, path, &p->a);
        p->tell(p->h, p->name, p->perform(p->h), &p->a);
    }
    for (struct plug *p = plugs; p < plugs + n; p++)
        p->cleanup(p->h);
    for (struct plug *p = plugs; p < plugs + n; p++) {
        path_of(p, "last", path, sizeof path);
        p->fetch(p->name, path);
    }
    return 0;
}
