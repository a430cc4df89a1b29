/* SPDX-License-Identifier: MIT
 *
 * The shadow of an easy handle: the options that the program has set and that we need to know,
 * because libcurl does not tell them back. Born with the handle (curl_easy_init,
 * curl_easy_duphandle called by the program), gone with curl_easy_cleanup. A handle that was never
 * seen born has no shadow, and every call on it goes straight through.
 *
 *     struct shadow *s = shadow_add(handle, api);
 *     struct shadow *s = shadow_find(handle);      NULL: not ours
 *     shadow_remove(handle);
 *
 * As safe as the registry behind it. shadow_add may fail for lack of memory: the handle is then
 * simply unknown. */
#ifndef CURL_SHADOW_H
#define CURL_SHADOW_H

#include "curl/api.h"
#include "engine/call/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What kind of request the options make; the last writer wins, as in libcurl. */
enum request { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_MIME, REQUEST_FORM, REQUEST_PUT };

struct transfer;
struct saved_info;
struct member;

struct shadow {
    CURL *handle;
    const struct curl_api *api;
    struct transfer *transfer; /* in flight; NULL: idle */
    struct member *member;     /* of a multi handle; NULL: of none */
    /* With member: called when the handle was freed without our knowing. */
    void (*member_lost)(struct member *member);

    /* Where the answer goes. */
    curl_write_callback write_fn; /* NULL: fwrite */
    void *write_data;
    curl_write_callback header_fn;
    void *header_data;
    bool include_header; /* CURLOPT_HEADER: headers also go to the write callback */
    bool follow;         /* CURLOPT_FOLLOWLOCATION */

    /* Who may abort a wait. */
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
    struct curl_slist *headers; /* the program's, alive while it performs */

    /* Where it goes to. */
    char *url; /* owned; NULL: none */
    CURLU *curlu;
    long port; /* CURLOPT_PORT; 0: the URL's */
    char default_protocol[16];
    char *unix_socket; /* "unix:/run/app.sock", "unix:@name"; owned; NULL: none */
    char *proxy;       /* CURLOPT_PROXY; owned; NULL: by the environment; "": none */
    char *no_proxy;    /* CURLOPT_NOPROXY; owned; NULL: by the environment */
    char *pre_proxy;   /* owned */
    long proxy_port, proxy_type;

    /* The program's own bounds as it gave them, see shadow_timeout_ms; 0: none. */
    long timeout_ms;
    long connect_timeout_ms;
    long low_speed_limit;
    long low_speed_time_s;

    long dns_cache_s;  /* how long libcurl may remember names; -1: for ever */
    bool own_sockets;  /* OPENSOCKETFUNCTION: the program may refuse to make one */
    bool own_resolver; /* RESOLVER_START_FUNCTION: or to look a name up */

    /* What they lead to. */
    bool target_known; /* binding belongs to the options as they are */
    bool no_target;    /* with target_known: they lead to no host */
    enum protocol protocol;
    bool proxy_is_http; /* of the proxy in binding: it is asked with CONNECT */

    /* What CURLINFO says of the last transfer; NULL: what libcurl says. Of its transfer's memory. */
    const struct saved_info *last_info;

    /* Kept from one perform to the next, and over curl_easy_reset. */
    /* Of OS_ERRNO, 0 for none: what libcurl still has of a failure that the program has not seen; and
     * what the connection cost (an address that refused) that this transfer's last attempt reuses. */
    long hidden_errno, connect_errno;
    struct transfer *transfer_memory; /* for `transfer`; NULL: never performed */
    struct binding binding;           /* the last member: its lanes are not initialised */
};

/* What libcurl makes of a number of milliseconds: it counts in an unsigned int, and what is larger
 * than that, or negative where it lets that pass, is the most that it can count. */
static inline int64_t shadow_timeout_ms(long ms)
{
    return ms < 0 || (int64_t)ms > UINT32_MAX ? UINT32_MAX : ms;
}

/* Another transfer begins: of the last one only libcurl knows, and forgets. */
static inline void shadow_clear_last_result(struct shadow *s)
{
    s->last_info = NULL;
    s->connect_errno = 0;
}

/* From here on libcurl lets no call into a handle that is in a call, but for a few, before it looks at
 * anything else. */
#define VERSION_GUARDS_CALLS 0x081600

/* Whether libcurl would call a header callback: with a function of the program's or with its data. */
static inline bool shadow_wants_headers(const struct shadow *s)
{
    return s->header_fn || s->header_data;
}

struct shadow *shadow_add(CURL *handle, const struct curl_api *api);
/* The copy of a handle: the same options, nothing in flight. */
struct shadow *shadow_copy(CURL *copy, const struct shadow *original);
struct shadow *shadow_find(const CURL *handle);
void shadow_remove(const CURL *handle);
/* curl_easy_reset: every option back to its default. */
void shadow_reset(struct shadow *s);

/* The argument of curl_easy_setopt, in the form that its option has. */
union option_argument {
    long number;
    curl_off_t offset;
    void *pointer;
    void (*function)(void);
};

/* Remembers an option that libcurl has accepted. */
void shadow_setopt(struct shadow *s, CURLoption option, union option_argument value);

#endif
