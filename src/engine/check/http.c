/* SPDX-License-Identifier: MIT
 *
 * An http check passes when the response to a GET has one of the expected statuses. The transfer ends
 * with the first byte of the body. Redirects are not followed, a proxy is used if the environment names
 * one, and certificates are verified. */
#include "base/clock.h"
#include "base/minmax.h"
#include "engine/check/curl.h"
#include "engine/check/fork_guard.h"
#include "engine/check/types.h"
#include "engine/policy/classify.h"
#include "engine/policy/curl_codes.h"

/* After libcurl's own timeout, which reports what it was waiting for. */
#define BACKSTOP_NS (200 * NS_PER_MS)
#define POLL_MS     (CHECK_STEP_NS / NS_PER_MS)

#define HTTP_FINAL 200

/* Accepts fewer bytes than it is given, which ends the transfer. */
static size_t refuse_body(char *p, size_t size, size_t n, void *ctx)
{
    (void)p;
    (void)size;
    (void)n;
    (void)ctx;
    return 0;
}

static void *make_handle(const struct check_curl *api, const struct check_config *c,
                         int64_t timeout_ns)
{
    void *h = api->easy_init();
    if (!h)
        return NULL;
    api->easy_setopt(h, CHECK_CURLOPT_NOSIGNAL, 1L);
    api->easy_setopt(h, CHECK_CURLOPT_QUICK_EXIT, 1L); /* does not wait for its resolver thread */
    api->easy_setopt(h, CHECK_CURLOPT_FOLLOWLOCATION, 0L);
    api->easy_setopt(h, CHECK_CURLOPT_FORBID_REUSE, 1L);
    api->easy_setopt(h, CHECK_CURLOPT_TIMEOUT_MS, (long)((timeout_ns + NS_PER_MS - 1) / NS_PER_MS));
    api->easy_setopt(h, CHECK_CURLOPT_USERAGENT, "libharden-check");
    api->easy_setopt(h, CHECK_CURLOPT_WRITEFUNCTION, refuse_body);
    if (api->easy_setopt(h, CHECK_CURLOPT_URL, c->target) == CURL_CODE_OK)
        return h;
    api->easy_cleanup(h);
    return NULL;
}

/* Runs the transfer to its end. All waiting is outside the guard. -1: the process ends. */
static int perform(const struct check_curl *api, void *multi, int64_t deadline_ns)
{
    int running = 1, code = CURL_CODE_OPERATION_TIMEDOUT, left;
    while (clock_now_ns() < deadline_ns) {
        if (check_is_ending() || !check_guard_enter())
            return -1;
        api->multi_perform(multi, &running);
        const struct check_curl_message *m = running ? NULL : api->multi_info_read(multi, &left);
        if (m)
            code = m->result;
        check_guard_leave();
        if (!running)
            return code;
        int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MS;
        api->multi_poll(multi, NULL, 0, (int)larger(smaller(left_ms, POLL_MS), 0), &left);
    }
    return code;
}

static void judge_response(const struct check_curl *api, void *h, const struct check_config *c,
                           int code, struct check_result *out)
{
    static const struct policy plain;
    long status = 0, os_errno = 0;
    api->easy_getinfo(h, CHECK_CURLINFO_RESPONSE_CODE, &status);
    api->easy_getinfo(h, CHECK_CURLINFO_OS_ERRNO, &os_errno);
    if (code == CURL_CODE_WRITE_ERROR && status >= HTTP_FINAL)
        code = CURL_CODE_OK;
    out->attempt.protocol = PROTOCOL_HTTP;
    out->attempt.curl_code = code;
    out->attempt.http_status = (int)status;
    out->attempt.os_errno = code ? (int)os_errno : 0;
    if (code == CURL_CODE_OK && check_expects(c, (int)status)) {
        out->outcome = CHECK_PASSED;
        return;
    }
    struct verdict v = classify(&out->attempt, &plain);
    out->outcome = code && v.class == CLASS_E ? CHECK_UNKNOWN : CHECK_FAILED;
    out->why = "libcurl could not make the request, for a local reason";
}

static void try_request(const struct check_config *c, int64_t timeout_ns, struct check_result *out)
{
    void *h = NULL, *multi = NULL;
    const struct check_curl *api = check_curl_find(&out->why);
    out->outcome = api || !out->why ? CHECK_UNKNOWN : CHECK_UNABLE;
    if (!api || !check_guard_enter())
        return;
    if ((multi = api->multi_init()) && (h = make_handle(api, c, timeout_ns)))
        api->multi_add_handle(multi, h);
    else
        out->why = "not enough memory for a request";
    check_guard_leave();
    int64_t begun_ns = clock_now_ns();
    int code = h ? perform(api, multi, begun_ns + timeout_ns + BACKSTOP_NS) : -1;
    out->took_ns = clock_now_ns() - begun_ns;
    if (!check_guard_enter())
        return; /* at the end of the process nothing is freed */
    if (code >= 0)
        judge_response(api, h, c, code, out);
    if (h) {
        api->multi_remove_handle(multi, h);
        api->easy_cleanup(h);
    }
    if (multi)
        api->multi_cleanup(multi);
    check_guard_leave();
}

const struct check_type check_http = {"http", try_request};
