/* SPDX-License-Identifier: MIT
 *
 * A libcurl client that writes down all that libcurl does to it, so that two runs can be compared
 * line by line. Its arguments are a program:
 *
 *     recorder write=pause:2 FOLLOWLOCATION=1 URL=http://localhost:8080/ perform
 *
 * NAME=VALUE      any option of libcurl by its name (lists: one entry each time)
 * write=MODE      default | pause:N | short:N | error:N    at the Nth call of the write callback
 * header=MODE     none | data | pause:N | short:N | error:N
 * read=SIZE[,seek][,ioctl][,abort]      a READFUNCTION body of SIZE bytes
 * file=PATH[@OFFSET]                    READDATA is a FILE at that offset, read by libcurl itself
 * mime=NAME:data|file|cb|cbseek:VALUE   one more part of a MIMEPOST body
 * form=NAME:VALUE                       one more part of an HTTPPOST body
 * inflight=nested|setopt|dup|getinfo    what the first header line of a perform makes the client do
 * progress=N                            the progress callback aborts once N body bytes were seen
 * curlu=URL                             the address as a CURLU handle
 * nested=URL      the address that `inflight` uses
 * perform | multi | dup | reset | infos
 *
 * Body bytes that arrive in a row are one line with length and hash, for their cutting into pieces
 * is the network's. Times, local ports and addresses of connections are left out. */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

enum action { ACT_NONE, ACT_PAUSE, ACT_SHORT, ACT_ERROR };

struct trigger {
    enum action action;
    int at;
    int calls;
};

struct run {
    uint64_t hash;
    size_t bytes;
    const char *tag;
    long code;
};

static CURL *handle;
static CURLM *multi;
static struct run body_run;
static struct trigger on_write, on_header;
static const char *inflight;
static int inflight_done;
static int paused;
static long long seen_body, abort_after = -1;
static char errors[CURL_ERROR_SIZE];
static struct curl_slist *lists[64];
static int list_options[64];
static int list_count;
static size_t read_size, read_at;
static long long read_abort = -1;
static curl_mime *mime;
static struct curl_httppost *form, *form_last;
static CURLU *curlu;
static const char *nested_url;

static void flush_run(void)
{
    if (body_run.bytes)
        printf("%s %zu bytes %016llx code=%ld\n", body_run.tag, body_run.bytes,
               (unsigned long long)body_run.hash, body_run.code);
    body_run = (struct run){0};
}

static void add_to_run(const char *tag, const char *p, size_t n, long code)
{
    if (body_run.tag && (strcmp(body_run.tag, tag) != 0 || body_run.code != code))
        flush_run();
    if (!body_run.tag)
        body_run = (struct run){14695981039346656037u, 0, tag, code};
    for (size_t i = 0; i < n; i++)
        body_run.hash = (body_run.hash ^ (unsigned char)p[i]) * 1099511628211u;
    body_run.bytes += n;
}

static void print_escaped(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 32 && p[i] < 127 && p[i] != '\\')
            putchar(p[i]);
        else
            printf("\\%02x", (unsigned char)p[i]);
}

static void say(const char *what, const char *value)
{
    flush_run();
    printf("%s %s\n", what, value ? value : "(null)");
}

static long code_now(void)
{
    long code = -1;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

static size_t acted(struct trigger *t, const char *who, size_t n)
{
    if (t->action == ACT_NONE || ++t->calls != t->at)
        return n;
    flush_run();
    printf("%s answers %s\n", who,
           t->action == ACT_PAUSE   ? "pause"
           : t->action == ACT_SHORT ? "short"
                                    : "error");
    if (t->action == ACT_PAUSE) {
        paused = 2;
        return CURL_WRITEFUNC_PAUSE;
    }
    return t->action == ACT_SHORT ? n - 1 : CURL_WRITEFUNC_ERROR;
}

static size_t quiet(char *p, size_t size, size_t n, void *data)
{
    (void)p;
    *(size_t *)data += size * n;
    return size * n;
}

static size_t other_sink(char *p, size_t size, size_t n, void *data)
{
    (void)data;
    add_to_run("body(other)", p, size * n, code_now());
    return size * n;
}

static void do_in_flight(void)
{
    flush_run();
    if (strcmp(inflight, "nested") == 0) {
        size_t got = 0;
        CURL *h = curl_easy_init();
        curl_easy_setopt(h, CURLOPT_URL, nested_url);
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, quiet);
        curl_easy_setopt(h, CURLOPT_WRITEDATA, &got);
        int rc = curl_easy_perform(h);
        long code = 0;
        curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &code);
        printf("nested perform %d code=%ld bytes=%zu\n", rc, code, got);
        curl_easy_cleanup(h);
        printf("perform of itself %d\n", curl_easy_perform(handle));
    } else if (strcmp(inflight, "setopt") == 0) {
        printf("setopt %d\n", curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, other_sink));
    } else if (strcmp(inflight, "dup") == 0) {
        size_t got = 0;
        CURL *h = curl_easy_duphandle(handle);
        curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(h, CURLOPT_HEADERDATA, NULL);
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, quiet);
        curl_easy_setopt(h, CURLOPT_WRITEDATA, &got);
        curl_easy_setopt(h, CURLOPT_URL, nested_url);
        printf("copy performs %d", curl_easy_perform(h));
        printf(" bytes=%zu\n", got);
        curl_easy_cleanup(h);
    } else if (strcmp(inflight, "getinfo") == 0) {
        char *url = NULL, *method = NULL;
        long redirects = -1, connect = -1;
        curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_URL, &url);
        curl_easy_getinfo(handle, CURLINFO_EFFECTIVE_METHOD, &method);
        curl_easy_getinfo(handle, CURLINFO_REDIRECT_COUNT, &redirects);
        curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &connect);
        printf("in flight: %s %s redirects=%ld connect=%ld\n", method, url, redirects, connect);
        inflight_done = 0; /* at each line */
    }
}

static size_t write_cb(char *p, size_t size, size_t n, void *data)
{
    if (data != &body_run)
        say("WRONG", "write data");
    size_t answer = acted(&on_write, "write", size * n);
    if (answer == size * n) {
        add_to_run("body", p, size * n, code_now());
        seen_body += (long long)answer;
    }
    return answer;
}

static size_t header_cb(char *p, size_t size, size_t n, void *data)
{
    flush_run();
    if (data != &on_header)
        say("WRONG", "header data");
    size_t answer = acted(&on_header, "header", size * n);
    if (answer != size * n && paused)
        return answer; /* the same line comes again */
    printf("header \"");
    print_escaped(p, size * n);
    printf("\" code=%ld\n", code_now());
    if (inflight && !inflight_done) {
        inflight_done = 1;
        do_in_flight();
    }
    return answer;
}

static int progress_cb(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)data, (void)a, (void)b, (void)c, (void)d;
    if (paused && --paused == 0) {
        flush_run();
        CURLcode rc = curl_easy_pause(handle, CURLPAUSE_CONT);
        printf("unpause %d\n", rc);
    }
    return abort_after >= 0 && seen_body >= abort_after;
}

static size_t read_cb(char *p, size_t size, size_t n, void *data)
{
    size_t want = size * n, left = read_size - read_at;
    if (data != &read_at)
        say("WRONG", "read data");
    if (read_abort >= 0 && read_at >= (size_t)read_abort) {
        say("read", "answers abort");
        return CURL_READFUNC_ABORT;
    }
    if (want > left)
        want = left;
    for (size_t i = 0; i < want; i++)
        p[i] = (char)('a' + (read_at + i) % 23);
    read_at += want;
    return want;
}

static int seek_cb(void *data, curl_off_t offset, int origin)
{
    (void)data;
    if (origin != SEEK_SET || offset > (curl_off_t)read_size)
        return CURL_SEEKFUNC_FAIL;
    read_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static curlioerr ioctl_cb(CURL *h, int command, void *data)
{
    (void)h, (void)data;
    if (command != CURLIOCMD_RESTARTREAD)
        return CURLIOE_UNKNOWNCMD;
    read_at = 0;
    return CURLIOE_OK;
}

/* ---- results -------------------------------------------------------------------------------- */
struct named {
    CURLINFO info;
    const char *name;
};

#define INFO(x)                                                                                    \
    {                                                                                              \
        CURLINFO_##x, #x                                                                           \
    }
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

static void print_infos(void)
{
    for (size_t i = 0; i < sizeof infos / sizeof *infos; i++) {
        char *s = NULL;
        long l = -99;
        curl_off_t o = -99;
        CURLcode rc;
        switch (infos[i].info & CURLINFO_TYPEMASK) {
        case CURLINFO_STRING:
            rc = curl_easy_getinfo(handle, infos[i].info, &s);
            printf("info %s %d %s\n", infos[i].name, rc, s ? s : "(null)");
            break;
        case CURLINFO_LONG:
            rc = curl_easy_getinfo(handle, infos[i].info, &l);
            printf("info %s %d %ld\n", infos[i].name, rc, l);
            break;
        default:
            rc = curl_easy_getinfo(handle, infos[i].info, &o);
            printf("info %s %d %lld\n", infos[i].name, rc, (long long)o);
        }
    }
    struct curl_slist *cookies = NULL;
    curl_easy_getinfo(handle, CURLINFO_COOKIELIST, &cookies);
    for (struct curl_slist *c = cookies; c; c = c->next)
        printf("cookie %s\n", c->data);
    curl_slist_free_all(cookies);
    struct curl_header *h = NULL;
    while ((h = curl_easy_nextheader(handle, CURLH_HEADER | CURLH_TRAILER | CURLH_1XX, -1, h)))
        printf("nextheader %s=%s amount=%zu origin=%u\n", h->name, h->value, h->amount, h->origin);
}

static void result(const char *how, CURLcode rc)
{
    flush_run();
    fflush(stdout);
    printf("%s %d \"%s\"\n", how, rc, errors);
    print_infos();
    inflight_done = 0;
    paused = 0;
    on_write.calls = on_header.calls = 0;
}

static CURLcode multi_perform(void)
{
    int running = 1, left;
    CURLcode rc = (CURLcode)-1;
    if (!multi)
        multi = curl_multi_init();
    printf("add %d\n", curl_multi_add_handle(multi, handle));
    while (running) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
        for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
            flush_run();
            printf("message %d handle=%s\n", m->msg, m->easy_handle == handle ? "ours" : "WRONG");
            rc = m->data.result;
        }
    }
    flush_run();
    printf("remove %d\n", curl_multi_remove_handle(multi, handle));
    return rc;
}

/* ---- the program ------------------------------------------------------------------------------
 */
static struct trigger trigger_of(const char *v)
{
    struct trigger t = {ACT_NONE, 1, 0};
    const char *colon = strchr(v, ':');
    if (colon)
        t.at = (int)strtol(colon + 1, NULL, 10);
    t.action = strncmp(v, "pause", 5) == 0   ? ACT_PAUSE
               : strncmp(v, "short", 5) == 0 ? ACT_SHORT
               : strncmp(v, "error", 5) == 0 ? ACT_ERROR
                                             : ACT_NONE;
    return t;
}

static void callbacks(void)
{
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, errors);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, write_cb);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body_run);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, header_cb);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &on_header);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, progress_cb);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_PRIVATE, "the program's own");
}

static void set_read(const char *v)
{
    read_size = strtoul(v, NULL, 10);
    read_at = 0;
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, read_cb);
    curl_easy_setopt(handle, CURLOPT_READDATA, &read_at);
    if (strstr(v, ",seek"))
        curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, seek_cb);
    if (strstr(v, ",ioctl"))
        curl_easy_setopt(handle, CURLOPT_IOCTLFUNCTION, ioctl_cb);
    if (strstr(v, ",abort"))
        read_abort = (long long)(read_size / 2);
}

static void set_file(char *path)
{
    char *at = strchr(path, '@');
    long offset = 0;
    if (at) {
        *at = 0;
        offset = strtol(at + 1, NULL, 10);
    }
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, offset, SEEK_SET) != 0)
        exit(3);
    curl_easy_setopt(handle, CURLOPT_READDATA, f);
}

static void add_mime(char *v)
{
    char *kind = strchr(v, ':'), *value;
    if (!kind || !(value = strchr(kind + 1, ':')))
        exit(3);
    *kind++ = 0;
    *value++ = 0;
    if (!mime)
        mime = curl_mime_init(handle);
    curl_mimepart *part = curl_mime_addpart(mime);
    curl_mime_name(part, v);
    if (strcmp(kind, "data") == 0)
        curl_mime_data(part, value, CURL_ZERO_TERMINATED);
    else if (strcmp(kind, "file") == 0)
        curl_mime_filedata(part, value);
    else {
        read_size = strtoul(value, NULL, 10);
        curl_mime_data_cb(part, (curl_off_t)read_size, read_cb,
                          strcmp(kind, "cbseek") == 0 ? seek_cb : NULL, NULL, &read_at);
    }
    curl_easy_setopt(handle, CURLOPT_MIMEPOST, mime);
}

static void add_form(char *v)
{
    char *value = strchr(v, ':');
    if (!value)
        exit(3);
    *value++ = 0;
    curl_formadd(&form, &form_last, CURLFORM_COPYNAME, v, CURLFORM_COPYCONTENTS, value,
                 CURLFORM_END);
    curl_easy_setopt(handle, CURLOPT_HTTPPOST, form);
}

static void set_list(int id, const char *value)
{
    int i = 0;
    while (i < list_count && list_options[i] != id)
        i++;
    if (i == list_count) {
        list_options[i] = id;
        list_count++;
    }
    lists[i] = curl_slist_append(lists[i], value);
    curl_easy_setopt(handle, (CURLoption)id, lists[i]);
}

static void set_option(const char *name, const char *value)
{
    const struct curl_easyoption *o = curl_easy_option_by_name(name);
    CURLcode rc = CURLE_OK;
    if (!o) {
        fprintf(stderr, "recorder: no option %s\n", name);
        exit(3);
    }
    switch (o->type) {
    case CURLOT_LONG:
    case CURLOT_VALUES:
        rc = curl_easy_setopt(handle, o->id, strtol(value, NULL, 10));
        break;
    case CURLOT_OFF_T:
        rc = curl_easy_setopt(handle, o->id, (curl_off_t)strtoll(value, NULL, 10));
        break;
    case CURLOT_SLIST:
        set_list(o->id, value);
        break;
    default:
        rc = curl_easy_setopt(handle, o->id, strcmp(value, "NULL") == 0 ? NULL : value);
    }
    if (rc)
        printf("setopt %s %d\n", name, rc);
}

static void set_header(const char *v)
{
    if (strcmp(v, "none") == 0) {
        curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(handle, CURLOPT_HEADERDATA, NULL);
    } else if (strcmp(v, "data") == 0) { /* the header lines go to the write callback */
        curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, NULL);
        curl_easy_setopt(handle, CURLOPT_HEADERDATA, &body_run);
    } else
        on_header = trigger_of(v);
}

static void set_write(const char *v)
{
    if (strcmp(v, "default") == 0) {
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, NULL);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, stdout);
    } else
        on_write = trigger_of(v);
}

static void pair(const char *name, char *v)
{
    if (strcmp(name, "write") == 0)
        set_write(v);
    else if (strcmp(name, "header") == 0)
        set_header(v);
    else if (strcmp(name, "read") == 0)
        set_read(v);
    else if (strcmp(name, "file") == 0)
        set_file(v);
    else if (strcmp(name, "mime") == 0)
        add_mime(v);
    else if (strcmp(name, "form") == 0)
        add_form(v);
    else if (strcmp(name, "inflight") == 0)
        inflight = v;
    else if (strcmp(name, "nested") == 0)
        nested_url = v;
    else if (strcmp(name, "progress") == 0)
        abort_after = strtoll(v, NULL, 10);
    else if (strcmp(name, "curlu") == 0) {
        curlu = curl_url();
        curl_url_set(curlu, CURLUPART_URL, v, 0);
        curl_easy_setopt(handle, CURLOPT_CURLU, curlu);
    } else
        set_option(name, v);
}

static void verb(const char *word)
{
    if (strcmp(word, "perform") == 0)
        result("perform", curl_easy_perform(handle));
    else if (strcmp(word, "multi") == 0)
        result("multi", multi_perform());
    else if (strcmp(word, "infos") == 0)
        print_infos();
    else if (strcmp(word, "reset") == 0) {
        curl_easy_reset(handle);
        callbacks();
    } else if (strcmp(word, "dup") == 0) {
        CURL *copy = curl_easy_duphandle(handle);
        curl_easy_cleanup(handle);
        handle = copy;
    } else {
        fprintf(stderr, "recorder: what is %s?\n", word);
        exit(3);
    }
}

int main(int argc, char **argv)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    handle = curl_easy_init();
    callbacks();
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (equals) {
            *equals = 0;
            pair(argv[i], equals + 1);
        } else
            verb(argv[i]);
    }
    curl_easy_cleanup(handle);
    if (multi)
        curl_multi_cleanup(multi);
    curl_mime_free(mime);
    curl_formfree(form);
    curl_url_cleanup(curlu);
    for (int i = 0; i < list_count; i++)
        curl_slist_free_all(lists[i]);
    curl_global_cleanup();
    return 0;
}
