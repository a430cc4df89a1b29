/* SPDX-License-Identifier: MIT
 *
 * The files in conf/ that people copy: each is read without an error, and the limits of
 * well-known services are within their documented limits. */
#include "base/clock.h"
#include "base/compiler.h"
#include "engine/config/config.h"
#include "engine/config/rules.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS(n) ((n) * NS_PER_MS)
#define S(n)  ((n) * NS_PER_S)

static char copy[64]; /* copy of the current file; removed afterwards */
static char directory[64], including[2048];

static void remove_copies(void)
{
    scratch_remove(directory);
}

static void fail_on_error(void *ctx, const char *line)
{
    unlink(copy);
    cr_assert_fail("%s: %s", (const char *)ctx, line);
}

static size_t append(const char *path, char *text, size_t n, size_t size)
{
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s: tests run from the root of the source tree", path);
    n += fread(text + n, 1, size - n, f);
    fclose(f);
    cr_assert_lt(n, size);
    return n;
}

/* Reads a private copy, because the checkout may belong to another user or be writable for the
 * group. */
static struct config *load(const char *path)
{
    static char text[65536];
    size_t n = append(path, text, 0, sizeof(text));
    snprintf(copy, sizeof(copy), "/tmp/harden-presets-XXXXXX");
    int fd = mkstemp(copy);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, n), (ssize_t)n);
    close(fd);
    struct config *c = config_load_file(copy, fail_on_error, (void *)path);
    unlink(copy);
    cr_assert_eq(c->errors, 0);
    cr_assert(c->files[0].present, "%s was not read", path);
    return c;
}

static void each(const char *pattern, void (*f)(const char *path))
{
    glob_t found;
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s: none", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        f(found.gl_pathv[i]);
    globfree(&found);
}

static void loads(const char *path)
{
    config_discard(load(path));
}

Test(presets, every_file_is_read_without_an_error)
{
    each("conf/*.ini", loads);
    each("conf/presets/*.ini", loads);
}

/* A documented limit of a service, and the rate that its preset applies to a request. */
struct limit_of {
    const char *file, *host, *path;
    uint32_t tokens; /* the rate that applies */
    int64_t window_ns;
    uint32_t burst;
    unsigned per;
    uint32_t most;     /* documented number of requests */
    int64_t within_ns; /* in any window of this length, or refilled in this time */
    uint32_t capacity; /* burst of the service's token bucket; 0: it counts in windows */
};

static const struct limit_of limits[] = {
    {"airtable", "api.airtable.com", "/v0/meta/bases", 45, S(1), 4, PER_HOST, 50, S(1), 0},
    {"airtable", "api.airtable.com", "/v0/appA/Table", 4, S(1), 1, PER_HOST, 5, S(1), 0},
    {"anthropic", "api.anthropic.com", "/v1/messages", 900, S(60), 1, PER_HOST, 1000, S(60), 0},
    {"anthropic", "api.anthropic.com", "/v1/messages", 900, S(60), 1, PER_HOST, 16, S(1), 0},
    {"arxiv", "export.arxiv.org", "/api/query", 1, MS(3300), 1, PER_RULE, 1, S(3), 0},
    {"arxiv", "oaipmh.arxiv.org", "/oai", 1, MS(3300), 1, PER_RULE, 1, S(3), 0},
    {"azure-openai", "r.openai.azure.com", "/openai/deployments/d/chat/completions", 90, S(60), 1,
     PER_HOST, 100, S(60), 0},
    {"azure-openai", "r.openai.azure.com", "/openai/v1/responses", 90, S(60), 1, PER_HOST, 16,
     S(10), 0},
    {"discord", "discord.com", "/api/v10/gateway", 45, S(1), 4, PER_HOST | PER_HEADER, 50, S(1), 0},
    {"discord", "discord.com", "/api/v10/channels/1/messages", 45, S(1), 4, PER_HOST | PER_HEADER,
     50, S(1), 0},
    {"dockerhub", "registry-1.docker.io", "/v2/library/debian/manifests/stable", 40, S(21600), 60,
     PER_HOST, 100, S(21600), 0},
    {"github", "api.github.com", "/user", 4900, S(3600), 60, PER_HOST, 5000, S(3600), 0},
    {"github", "api.github.com", "/search/issues", 25, S(60), 5, PER_HOST, 30, S(60), 0},
    {"github", "api.github.com", "/search/code", 8, S(60), 2, PER_HOST, 10, S(60), 0},
    {"gitlab", "gitlab.com", "/api/v4/user", 1800, S(60), 100, PER_HOST, 2000, S(60), 0},
    {"gitlab", "gitlab.com", "/api/v4/search", 85, S(60), 10, PER_HOST, 100, S(60), 0},
    {"gitlab", "gitlab.com", "/api/v4/groups/7/search", 85, S(60), 10, PER_HOST, 100, S(60), 0},
    {"gitlab", "gitlab.com", "/api/v4/projects", 1800, S(600), 100, PER_HOST, 2000, S(600), 0},
    {"gitlab", "gitlab.com", "/api/v4/groups", 40, S(60), 5, PER_HOST, 50, S(60), 0},
    {"groq", "api.groq.com", "/openai/v1/chat/completions", 27, S(60), 3, PER_HOST, 30, S(60), 0},
    {"groq", "api.groq.com", "/openai/v1/audio/transcriptions", 18, S(60), 2, PER_HOST, 20, S(60),
     0},
    {"groq", "api.groq.com", "/openai/v1/audio/speech", 9, S(60), 1, PER_HOST, 10, S(60), 0},
    {"letsencrypt", "acme-v02.api.letsencrypt.org", "/acme/new-nonce", 10, S(1), 5, PER_HOST, 20,
     S(1), 10},
    {"letsencrypt", "acme-v02.api.letsencrypt.org", "/acme/revoke-cert", 10, S(1), 5, PER_HOST, 10,
     S(1), 100},
    {"letsencrypt", "acme-v02.api.letsencrypt.org", "/acme/new-order", 300, S(10800), 100, PER_HOST,
     300, S(10800), 300},
    {"letsencrypt", "acme-v02.api.letsencrypt.org", "/acme/new-acct", 10, S(10800), 5, PER_HOST, 10,
     S(10800), 10},
    {"mistral", "api.mistral.ai", "/v1/chat/completions", 1, MS(1100), 1, PER_HOST, 1, S(1), 0},
    {"ncbi", "eutils.ncbi.nlm.nih.gov", "/entrez/eutils/esearch.fcgi", 1, MS(350), 1, PER_HOST, 3,
     S(1), 0},
    {"nominatim", "nominatim.openstreetmap.org", "/search", 1, MS(1100), 1, PER_HOST, 1, S(1), 0},
    {"openai", "api.openai.com", "/v1/responses", 450, S(60), 1, PER_HOST, 500, S(60), 0},
    {"openai", "api.openai.com", "/v1/chat/completions", 450, S(60), 1, PER_HOST, 8, S(1), 0},
    {"reddit", "oauth.reddit.com", "/r/test/new", 90, S(60), 10, PER_HOST, 100, S(60), 0},
    {"sec-edgar", "www.sec.gov", "/Archives/edgar/data/1", 9, S(1), 1, PER_RULE, 10, S(1), 0},
    {"sec-edgar", "data.sec.gov", "/submissions/CIK1.json", 9, S(1), 1, PER_RULE, 10, S(1), 0},
    {"shopify", "a-store.myshopify.com", "/admin/api/2024-10/orders.json", 2, S(1), 20, PER_HOST, 2,
     S(1), 40},
    {"slack", "slack.com", "/api/chat.postMessage", 1, MS(1100), 1, PER_HOST | PER_HEADER, 1, S(1),
     0},
    {"slack", "slack.com", "/api/conversations.history", 45, S(60), 4, PER_HOST | PER_HEADER, 50,
     S(60), 0},
    {"slack", "slack.com", "/api/users.info", 90, S(60), 9, PER_HOST | PER_HEADER, 100, S(60), 0},
    {"stripe", "api.stripe.com", "/v1/charges", 20, S(1), 4, PER_HOST, 25, S(1), 0},
    {"stripe", "api.stripe.com", "/v1/charges/search", 15, S(1), 4, PER_HOST, 20, S(1), 0},
    {"stripe", "files.stripe.com", "/v1/files", 15, S(1), 4, PER_HOST, 20, S(1), 0},
    {"x", "api.x.com", "/2/tweets", 90, S(900), 10, PER_HOST, 100, S(900), 0},
    {"x", "api.x.com", "/2/tweets/search/recent", 270, S(900), 30, PER_HOST, 300, S(900), 0},
    {"x", "api.x.com", "/2/tweets/search/all", 1, MS(3300), 1, PER_HOST, 1, S(1), 0},
    {"x", "api.x.com", "/2/tweets/search/all", 1, MS(3300), 1, PER_HOST, 300, S(900), 0},
    {"x", "api.x.com", "/2/tweets/counts/recent", 270, S(900), 30, PER_HOST, 300, S(900), 0},
    {"x", "api.x.com", "/2/users/7/tweets", 850, S(900), 50, PER_HOST, 900, S(900), 0},
    {"x", "api.x.com", "/2/users/7/mentions", 270, S(900), 30, PER_HOST, 300, S(900), 0},
    {"x", "api.x.com", "/2/users/by/username/a", 270, S(900), 30, PER_HOST, 300, S(900), 0},
    {"x", "api.x.com", "/2/users/me", 65, S(900), 10, PER_HOST, 75, S(900), 0},
};

/* Requests whose limit is not published, or not in requests. Only the server's hints apply. */
static const struct unlimited {
    const char *file, *host, *path;
} unlimited[] = {
    {"azure-devops", "dev.azure.com", "/organization/_apis/projects"},
    {"dockerhub", "hub.docker.com", "/v2/namespaces/library/repositories"},
    {"gemini", "generativelanguage.googleapis.com", "/v1beta/models/m:generateContent"},
    {"openai", "api.openai.com", "/v1/files"},
};

/* Requests that the service charges for. */
static const struct paid {
    const char *file, *host, *path;
    bool repeated; /* by the service's own clients too, after 5xx */
} paid[] = {
    {"anthropic", "api.anthropic.com", "/v1/messages", true},
    {"anthropic", "api.anthropic.com", "/v1/messages/batches", false},
    {"azure-openai", "r.openai.azure.com", "/openai/deployments/d/chat/completions", true},
    {"azure-openai", "r.openai.azure.com", "/openai/v1/responses", true},
    {"azure-openai", "r.openai.azure.com", "/openai/batches", false},
    {"gemini", "generativelanguage.googleapis.com", "/v1beta/models/m:generateContent", true},
    {"gemini", "generativelanguage.googleapis.com", "/v1beta/openai/batches", false},
    {"groq", "api.groq.com", "/openai/v1/chat/completions", true},
    {"groq", "api.groq.com", "/openai/v1/batches", false},
    {"mistral", "api.mistral.ai", "/v1/chat/completions", false},
    {"openai", "api.openai.com", "/v1/responses", true},
    {"openai", "api.openai.com", "/v1/batches", false},
};

static const struct policy *policy_for(const struct config *c, const char *host, const char *path)
{
    struct target t = {
        .scheme = "https", .host = host, .port = 443, .default_port = true, .path = path};
    return rules_find(c, &t);
}

/* The bucket with this rate, or NULL. */
static const struct limit *bucket_with(const struct policy *p, uint32_t tokens, int64_t window_ns)
{
    for (int i = 0; i < p->limit_count; i++)
        if (p->limits[i].rates[0].tokens == tokens && p->limits[i].rates[0].window_ns == window_ns)
            return &p->limits[i];
    return NULL;
}

static const struct limit *bucket_of(const struct config *c, const struct limit_of *d)
{
    const struct limit *l = bucket_with(policy_for(c, d->host, d->path), d->tokens, d->window_ns);
    cr_assert_not_null(l, "%s: %s%s has another rate", d->file, d->host, d->path);
    return l;
}

static void applies(const struct config *c, const struct limit_of *d)
{
    const struct limit *l = bucket_of(c, d);
    cr_assert_eq(l->rates[0].burst, d->burst, "%s: %s%s", d->file, d->host, d->path);
    cr_assert_eq(l->per.parts, d->per, "%s: %s%s", d->file, d->host, d->path);
}

static void load_path(char path[128], const char *file)
{
    snprintf(path, 128, "conf/presets/%s.ini", file);
}

Test(presets, the_rate_applies_to_a_request_of_the_service)
{
    for (size_t i = 0; i < array_size(limits); i++) {
        char path[128];
        load_path(path, limits[i].file);
        struct config *c = load(path);
        applies(c, &limits[i]);
        config_discard(c);
    }
}

/* gcra.h: at most B + W/T starts in a window W. */
Test(presets, no_window_holds_more_requests_than_is_documented)
{
    for (size_t i = 0; i < array_size(limits); i++) {
        const struct limit_of *d = &limits[i];
        char path[128];
        load_path(path, d->file);
        struct config *c = load(path);
        const struct rate *r = &bucket_of(c, d)->rates[0];
        if (d->capacity) {
            cr_assert_leq(r->burst, d->capacity, "%s: %s", d->file, d->path);
            cr_assert_geq(r->interval_ns, d->within_ns / d->most, "%s: %s", d->file, d->path);
        } else {
            int64_t most = r->burst + d->within_ns / r->interval_ns;
            cr_assert_leq(most, (int64_t)d->most, "%s: %s", d->file, d->path);
        }
        config_discard(c);
    }
}

Test(presets, a_rate_is_set_only_where_the_limit_is_published_as_a_number_of_requests)
{
    for (size_t i = 0; i < array_size(unlimited); i++) {
        const struct unlimited *u = &unlimited[i];
        char path[128];
        load_path(path, u->file);
        struct config *c = load(path);
        cr_assert_eq(policy_for(c, u->host, u->path)->limit_count, 0, "%s: %s", u->file, u->path);
        config_discard(c);
    }
}

/* A file that includes all presets, as copies of this user. */
static void include_copy(const char *path)
{
    static char text[65536];
    char line[128], name[128];
    size_t n = append(path, text, 0, sizeof(text));
    snprintf(name, sizeof(name), "%s/%s", directory, strrchr(path, '/') + 1);
    FILE *f = fopen(name, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(text, 1, n, f), n);
    fclose(f);
    snprintf(line, sizeof(line), "include = %s\n", strrchr(path, '/') + 1);
    strcat(including, line);
}

Test(presets, each_applies_where_it_is_included_and_a_section_below_overrides_it,
     .fini = remove_copies)
{
    char path[128];
    strcpy(directory, "/tmp/harden-presets-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    each("conf/presets/*.ini", include_copy);
    strcat(including, "[host api.github.com]\nrate = 14800/1h\n");
    snprintf(path, sizeof(path), "%s/harden.ini", directory);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(including, f);
    fclose(f);
    struct config *c = config_load_file(path, fail_on_error, path);
    for (size_t i = 0; i < array_size(limits); i++)
        if (strcmp(limits[i].path, "/user") != 0)
            applies(c, &limits[i]);
    const struct policy *p = policy_for(c, "api.github.com", "/user");
    cr_assert_not_null(bucket_with(p, 14800, S(3600)));
    cr_assert_eq(p->limits[0].rates[0].burst, 60);
    config_discard(c);
}

static bool repeats(const struct policy *p, const char *method)
{
    for (size_t i = 0; i < METHODS_MAX && p->retry_methods[i][0]; i++)
        if (strcmp(p->retry_methods[i], method) == 0)
            return true;
    return false;
}

Test(presets, a_paid_post_is_repeated_after_an_error_only_as_the_clients_of_the_service_do)
{
    for (size_t i = 0; i < array_size(paid); i++) {
        char path[128];
        load_path(path, paid[i].file);
        struct config *c = load(path);
        const struct policy *p = policy_for(c, paid[i].host, paid[i].path);
        cr_assert_eq(repeats(p, "POST"), paid[i].repeated, "%s: %s", path, paid[i].path);
        config_discard(c);
    }
}

static bool is_preset(const char *path, const char *file)
{
    char known[128];
    load_path(known, file);
    return strcmp(known, path) == 0;
}

static void is_in_a_table(const char *path)
{
    for (size_t i = 0; i < array_size(limits); i++)
        if (is_preset(path, limits[i].file))
            return;
    for (size_t i = 0; i < array_size(unlimited); i++)
        if (is_preset(path, unlimited[i].file))
            return;
    cr_assert_fail("%s: no row in a table", path);
}

Test(presets, every_preset_is_tested)
{
    each("conf/presets/*.ini", is_in_a_table);
}

static char all[262144];
static size_t all_length;

static void append_to_all(const char *path)
{
    all_length = append(path, all, all_length, sizeof(all));
}

Test(presets, all_of_them_fit_into_one_file)
{
    each("conf/presets/*.ini", append_to_all);
    append_to_all("conf/production.ini");
    struct config *c =
        config_load_text("all.ini", all, all_length, fail_on_error, (void *)"all.ini");
    for (size_t i = 0; i < array_size(limits); i++)
        applies(c, &limits[i]);
    config_discard(c);
}

static void has_a_complete_header(const char *path)
{
    static const char *const parts[] = {"\n# Limit ", "\n# Counts ",
                                        "\n# Sends ", "\n# Source   https://",
                                        "\n# As of ", "\n# Differs "};
    static char text[65536];
    text[append(path, text, 0, sizeof(text) - 1)] = '\0';
    for (size_t k = 0; k < array_size(parts); k++)
        cr_assert(strstr(text, parts[k]), "%s: no \"%s\"", path, parts[k] + 1);
}

Test(presets, the_header_of_each_names_the_limit_what_the_service_sends_the_source_and_the_date)
{
    each("conf/presets/*.ini", has_a_complete_header);
}

/* ---- conf/production.ini ---- */

static const struct operation {
    const char *path;
    uint32_t tokens;
    int attempts;
    unsigned per;
} operations[] = {
    {"/v1/search", 30, 3, PER_HOST | PER_UID | PER_HEADER},
    {"/v1/transform/7", 10, 5, PER_HOST | PER_UID | PER_HEADER},
    {"/v1/embed", 60, 5, PER_HOST | PER_UID | PER_HEADER},
    {"/v1/health_check", 10, 1, PER_HOST | PER_UID},
};

Test(presets, the_production_sample_limits_each_operation_on_top_of_its_host)
{
    struct config *c = load("conf/production.ini");
    for (size_t i = 0; i < array_size(operations); i++) {
        const struct operation *o = &operations[i];
        const struct policy *p = policy_for(c, "api.example.com", o->path);
        cr_assert_eq(p->limit_count, 2, "%s", o->path);
        const struct limit *host = bucket_with(p, 120, S(60));
        const struct limit *own = bucket_with(p, o->tokens, S(60));
        cr_assert(host && !host->operation, "%s: not the host's rate", o->path);
        cr_assert(own && own->operation, "%s: not its own rate", o->path);
        cr_assert_eq(host->per.parts, PER_HOST | PER_UID);
        cr_assert_eq(own->per.parts, o->per, "%s", o->path);
        cr_assert_eq(p->max_attempts, o->attempts, "%s", o->path);
        cr_assert_eq(p->breaker, BREAKER_ON);
    }
    cr_assert_eq(policy_for(c, "api.example.com", "/v1/other")->limit_count, 1);
    cr_assert_eq(policy_for(c, "www.example.com", "/")->limit_count, 0);
    config_discard(c);
}
