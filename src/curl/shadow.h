/* SPDX-License-Identifier: MIT
 *
 * The shadow of an easy handle: the options that the program has set and that we need, because
 * libcurl does not return them. It lives from curl_easy_init or curl_easy_duphandle, called by the
 * program, to curl_easy_cleanup. A handle whose creation was not seen has no shadow, and every call
 * with it goes straight to libcurl.
 *
 *     struct shadow *s = shadow_add(handle, api);
 *     struct shadow *s = shadow_find(handle);      NULL: it has none
 *     shadow_remove(handle);
 *
 * Thread and fork safety are those of the handle map. shadow_add may fail for lack of memory: the
 * handle then has no shadow. */
#ifndef CURL_SHADOW_H
#define CURL_SHADOW_H

#include "curl/api.h"
#include "engine/call/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kind of request; the last option that sets it wins, as in libcurl. */
enum request { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_MIME, REQUEST_FORM, REQUEST_PUT };

struct transfer;
struct saved_info;
struct member;

struct shadow {
    CURL *handle;
    const struct curl_api *api;
    struct transfer *transfer; /* in flight; NULL: idle */
    struct member *member;     /* of a multi handle; NULL: in none */
    /* With member: called when the handle was freed without our knowing. */
    void (*member_lost)(struct member *member);

    /* Where the response goes. */
    curl_write_callback write_fn; /* NULL: fwrite */
    void *write_data;
    curl_write_callback header_fn;
    void *header_data;
    bool include_header; /* CURLOPT_HEADER: header lines also go to the write callback */
    bool follow;         /* CURLOPT_FOLLOWLOCATION */

    /* Callbacks that may abort a wait, and where errors are reported. */
    bool noprogress;
    curl_xferinfo_callback xferinfo_fn;
    curl_progress_callback progress_fn;
    void *progress_data;
    char *error_buffer;

    /* Where the request body comes from. */
    enum request request;
    char method[16];    /* CURLOPT_CUSTOMREQUEST; "" */
    bool fields;        /* POSTFIELDS or COPYPOSTFIELDS is not NULL */
    bool fields_copied; /* COPYPOSTFIELDS */
    bool quote;         /* ftp commands before or after the transfer */
    bool connect_only;
    curl_off_t fields_size; /* -1: strlen */
    curl_off_t upload_size; /* INFILESIZE; -1: unknown */
    curl_read_callback read_fn;
    void *read_data; /* with read_fn NULL: a FILE * */
    curl_seek_callback seek_fn;
    void *seek_data;
    curl_ioctl_callback ioctl_fn;
    void *ioctl_data;
    struct curl_slist *headers; /* CURLOPT_HTTPHEADER; the program's, valid during a transfer */

    /* The target. */
    char *url; /* owned; NULL: none */
    CURLU *curlu;
    long port; /* CURLOPT_PORT; 0: the URL's */
    char default_protocol[16];
    char *unix_socket;             /* "unix:/run/app.sock" or "unix:@name"; owned; NULL: none */
    char *proxy;                   /* CURLOPT_PROXY; owned; NULL: from the environment; "": none */
    char *no_proxy;                /* CURLOPT_NOPROXY; owned; NULL: from the environment */
    char *pre_proxy;               /* owned */
    struct curl_slist *connect_to; /* CURLOPT_CONNECT_TO; the program's, valid during a transfer */
    long proxy_port, proxy_type;

    /* The program's own time limits as it gave them, see shadow_timeout_ms; 0: none. */
    long timeout_ms;
    long connect_timeout_ms;
    long low_speed_limit;
    long low_speed_time_s;

    long dns_cache_s;   /* how long libcurl may cache addresses; -1: without limit */
    long http_version;  /* CURL_HTTP_VERSION_... */
    bool fresh_connect; /* FRESH_CONNECT: no attempt reuses a connection */
    bool own_sockets;   /* OPENSOCKETFUNCTION: the program may refuse a socket */
    bool own_resolver;  /* RESOLVER_START_FUNCTION: it may refuse a look-up */

    /* Derived from the options, see target.h. */
    bool target_known; /* binding belongs to the current options */
    bool no_target;    /* with target_known: there is no host */
    enum protocol protocol;
    bool proxy_is_http; /* the proxy in binding takes CONNECT requests */

    /* Replaces CURLINFO of the last transfer, see previous_result.h; NULL: libcurl's own answers. Owned by
     * the transfer. */
    const struct saved_info *last_info;

    /* From here on: kept from one perform to the next, and by curl_easy_reset. */

    /* Corrections of CURLINFO_OS_ERRNO; 0: none. hidden_errno: libcurl still reports it, but the
     * program has not seen the failure. connect_errno: from making the connection that the last
     * attempt of this transfer reuses (another address refused). */
    long hidden_errno, connect_errno;
    bool own_addresses;               /* RESOLVE was set: the addresses stay in libcurl's cache */
    struct transfer *transfer_memory; /* of `transfer`; NULL: never performed */
    struct binding binding;           /* must be last: its lanes are not initialised */
};

/* Milliseconds as libcurl reads them: an unsigned int. A larger number, or a negative one if
 * libcurl accepts it, means the maximum. */
static inline int64_t shadow_timeout_ms(long ms)
{
    return ms < 0 || (int64_t)ms > UINT32_MAX ? UINT32_MAX : ms;
}

/* Another transfer begins: drops the results of the last one. */
static inline void shadow_clear_last_result(struct shadow *s)
{
    s->last_info = NULL;
    s->connect_errno = 0;
}

/* The first version that refuses most calls with a handle inside that handle's callbacks, before it
 * checks anything else. */
#define VERSION_GUARDS_CALLS 0x081600

/* Whether libcurl calls a header callback: if the program has set the function or the data. */
static inline bool shadow_wants_headers(const struct shadow *s)
{
    return s->header_fn || s->header_data;
}

struct shadow *shadow_add(CURL *handle, const struct curl_api *api);
/* For a copy of a handle: the same options, no transfer. */
struct shadow *shadow_copy(CURL *copy, const struct shadow *original);
struct shadow *shadow_find(const CURL *handle);
void shadow_remove(const CURL *handle);
/* curl_easy_reset: sets every option to its default. */
void shadow_reset(struct shadow *s);

/* The argument of curl_easy_setopt, in the type of its option. */
union option_argument {
    long number;
    curl_off_t offset;
    void *pointer;
    void (*function)(void);
};

/* Records an option that libcurl has accepted. */
void shadow_setopt(struct shadow *s, CURLoption option, union option_argument value);

#endif
