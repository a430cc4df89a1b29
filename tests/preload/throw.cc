/* SPDX-License-Identifier: MIT
 *
 * Leaves curl_easy_perform by exceptions, and by longjmp as in C, from each kind of callback.
 * Afterwards it reads, without the shim, which callbacks the handle has: they must be the program's
 * own. */
#include "host.h"

#include <csetjmp>
#include <stdexcept>

namespace
{
enum kind { IN_WRITE, IN_HEADER, IN_READ, IN_PROGRESS, KINDS };
const char *const names[] = {"write", "header", "read", "progress"};

struct transfer {
    kind where;
    bool armed;
    jmp_buf *jump;
    bool sent;
    answer a;
    char caller[64];
};

void leave(transfer *t, kind here)
{
    if (!t->armed || t->where != here)
        return;
    t->armed = false;
    if (t->jump)
        longjmp(*t->jump, 1);
    throw std::runtime_error(names[here]);
}

size_t on_write(char *p, size_t size, size_t n, void *user)
{
    transfer *t = static_cast<transfer *>(user);
    library_of(__builtin_return_address(0), t->caller, sizeof t->caller);
    leave(t, IN_WRITE);
    return keep_body(p, size, n, &t->a);
}

size_t on_header(char *, size_t size, size_t n, void *user)
{
    leave(static_cast<transfer *>(user), IN_HEADER);
    return size * n;
}

size_t on_read(char *p, size_t, size_t, void *user)
{
    transfer *t = static_cast<transfer *>(user);
    leave(t, IN_READ);
    if (t->sent)
        return 0;
    t->sent = true;
    memcpy(p, "data", 4);
    return 4;
}

int on_progress(void *user, curl_off_t, curl_off_t, curl_off_t, curl_off_t)
{
    leave(static_cast<transfer *>(user), IN_PROGRESS);
    return 0;
}

void set_up(CURL *h, transfer *t, const char *path)
{
    prepare(h, path, &t->a);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    if (t->where == IN_READ) {
        curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(h, CURLOPT_INFILESIZE, 4L);
        curl_easy_setopt(h, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(h, CURLOPT_READDATA, t);
    }
}

/* A copy made and used without the shim shows the callbacks that the handle really has. */
void look_behind(CURL *h, transfer *t)
{
    static void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_NOLOAD);
    static auto dup = reinterpret_cast<CURL *(*)(CURL *)>(dlsym(lib, "curl_easy_duphandle"));
    static auto perform = reinterpret_cast<CURLcode (*)(CURL *)>(dlsym(lib, "curl_easy_perform"));
    static auto cleanup = reinterpret_cast<void (*)(CURL *)>(dlsym(lib, "curl_easy_cleanup"));
    t->caller[0] = 0;
    t->sent = false;
    CURL *copy = dup(h);
    REQUIRE(copy);
    CURLcode rc = perform(copy);
    printf("%s: the copy ended with %d, called by %s\n", names[t->where], rc, t->caller);
    cleanup(copy);
}

void round(kind where, const char *path, bool by_jump)
{
    transfer t{};
    jmp_buf jump;
    t.where = where;
    t.armed = true;
    CURL *volatile h = curl_easy_init();
    set_up(h, &t, path);
    if (by_jump) {
        t.jump = &jump;
        if (!setjmp(jump))
            printf("perform returned %d\n", curl_easy_perform(h));
        else
            printf("%s: jumped out\n", names[where]);
    } else {
        try {
            printf("perform returned %d\n", curl_easy_perform(h));
        } catch (const std::exception &e) {
            printf("%s: caught\n", e.what());
        }
    }
    /* libcurl still considers the handle in use and refuses it, with the shim as without. */
    printf("%s: again %d\n", names[where], curl_easy_perform(h));
    if (!by_jump)
        look_behind(h, &t);
    curl_easy_cleanup(h);
}
} // namespace

int main(int argc, char **argv)
{
    REQUIRE(argc > 2);
    bool by_jump = !strcmp(argv[1], "jump");
    int rounds = atoi(argv[2]);
    for (int i = 0; i < rounds; i++)
        for (int k = IN_WRITE; k < KINDS; k++) {
            char path[64];
            snprintf(path, sizeof path, "ok/%s-%d", names[k], i);
            round(static_cast<kind>(k), path, by_jump);
        }
    fetch("afterwards", "f2/afterwards");
    return 0;
}
