/* SPDX-License-Identifier: MIT */
#include "sock/names.h"

#include "base/clock.h"
#include "sock/endpoint.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NOW (1000 * NS_PER_S)

static struct name name;

static struct address at(const char *text)
{
    struct address a;
    cr_assert(pattern_address(text, &a), "%s", text);
    return a;
}

static const char *find(const char *address, int64_t now_ns)
{
    struct address a = at(address);
    return names_find(&a, now_ns, &name) ? name.host : "";
}

/* A result of getaddrinfo: each address three times, as without hints. */
static void learn(const char *host, int64_t now_ns, int n, const char *const *addresses)
{
    struct sockaddr_in6 v6[8];
    struct sockaddr_in v4[8];
    struct addrinfo list[24], *end = NULL;
    cr_assert(n <= 8);
    for (int i = 3 * n; i-- > 0;) {
        const char *text = addresses[i / 3];
        v6[i / 3] = (struct sockaddr_in6){.sin6_family = AF_INET6};
        v4[i / 3] = (struct sockaddr_in){.sin_family = AF_INET};
        bool is_v4 = inet_pton(AF_INET, text, &v4[i / 3].sin_addr) == 1;
        if (!is_v4)
            inet_pton(AF_INET6, text, &v6[i / 3].sin6_addr);
        list[i] = (struct addrinfo){.ai_addr = is_v4 ? (struct sockaddr *)&v4[i / 3]
                                                     : (struct sockaddr *)&v6[i / 3],
                                    .ai_addrlen = is_v4 ? sizeof v4[0] : sizeof v6[0],
                                    .ai_next = end};
        end = &list[i];
    }
    names_learn_addrinfo(host, end, now_ns);
}

#define LEARN(host, now, ...)                                                                      \
    learn(host, now, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                       \
          (const char *[]){__VA_ARGS__})

Test(names, an_address_is_mapped_to_the_name_that_was_looked_up)
{
    LEARN("Api.Example.COM.", NOW, "10.0.0.1", "fd00::1");
    cr_assert_str_eq(find("10.0.0.1", NOW), "api.example.com");
    cr_assert(name.more_follow, "another address follows");
    cr_assert_str_eq(find("fd00::1", NOW), "api.example.com");
    cr_assert(!name.more_follow, "the last one, although it was listed three times");
    cr_assert_str_eq(find("10.0.0.2", NOW), "");
}

Test(names, an_ipv4_mapped_address_is_the_ipv4_address)
{
    LEARN("a.example", NOW, "10.0.0.1");
    cr_assert_str_eq(find("::ffff:10.0.0.1", NOW), "a.example");
}

Test(names, are_forgotten_after_an_hour)
{
    LEARN("a.example", NOW, "10.0.0.1");
    const int64_t hour_ns = 3600 * NS_PER_S;
    cr_assert_str_eq(find("10.0.0.1", NOW + hour_ns - 1), "a.example");
    cr_assert_str_eq(find("10.0.0.1", NOW + hour_ns), "");
}

Test(names, are_remembered_for_3600_seconds)
{
    LEARN("a.example", NOW, "10.0.0.1");
    cr_assert_str_eq(find("10.0.0.1", NOW + 3600 * NS_PER_S - 1), "a.example");
    cr_assert_str_eq(find("10.0.0.1", NOW + 3600 * NS_PER_S), "");
}

Test(names, the_latest_name_of_an_address_is_used_and_changes_are_counted)
{
    LEARN("a.example", NOW, "10.0.0.1");
    uint32_t before = names_generation();
    LEARN("a.example", NOW + 1, "10.0.0.1");
    cr_assert_eq(names_generation(), before, "nothing new");
    cr_assert_eq(names_ambiguous(), 0);
    LEARN("b.example", NOW + 2, "10.0.0.1");
    cr_assert_str_eq(find("10.0.0.1", NOW + 2), "b.example");
    cr_assert_neq(names_generation(), before);
    cr_assert_eq(names_ambiguous(), 1);
    LEARN("c.example", NOW + 2 + NAMES_TTL_NS, "10.0.0.1");
    cr_assert_eq(names_ambiguous(), 1, "the other one had expired");
}

Test(names, change_with_the_order_of_their_addresses)
{
    LEARN("a.example", NOW, "10.0.0.1", "10.0.0.2");
    uint32_t before = names_generation();
    LEARN("a.example", NOW + 1, "10.0.0.2", "10.0.0.1");
    cr_assert_neq(names_generation(), before, "another address is the last one");
}

Test(names, addresses_and_names_that_are_too_long_are_not_learnt)
{
    char longest[400];
    memset(longest, 'x', sizeof longest);
    longest[256] = '\0';
    LEARN("10.0.0.1", NOW, "10.0.0.1");
    LEARN("::1", NOW, "::1");
    LEARN(longest, NOW, "10.0.0.2");
    LEARN("", NOW, "10.0.0.3");
    names_learn_addrinfo("none.example", NULL, NOW);
    cr_assert_str_eq(find("10.0.0.1", NOW), "");
    cr_assert_str_eq(find("::1", NOW), "");
    cr_assert_str_eq(find("10.0.0.2", NOW), "");
    cr_assert_str_eq(find("10.0.0.3", NOW), "");
    longest[255] = '\0';
    LEARN(longest, NOW, "10.0.0.2");
    cr_assert_str_eq(find("10.0.0.2", NOW), longest);
}

Test(names, from_gethostbyname_are_learnt_too)
{
    struct in_addr a, b;
    inet_pton(AF_INET, "10.0.0.1", &a);
    inet_pton(AF_INET, "10.0.0.2", &b);
    char *list[] = {(char *)&a, (char *)&b, NULL};
    struct hostent entry = {.h_addrtype = AF_INET, .h_length = 4, .h_addr_list = list};
    names_learn_hostent("a.example", &entry, NOW);
    cr_assert_str_eq(find("10.0.0.1", NOW), "a.example");
    cr_assert(name.more_follow);
    cr_assert_str_eq(find("10.0.0.2", NOW), "a.example");
    cr_assert(!name.more_follow);
}

Test(names, use_fixed_memory_and_the_newest_are_kept)
{
    char host[32], address[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(host, sizeof host, "h%d.example", i);
        snprintf(address, sizeof address, "10.1.%d.%d", i / 256, i % 256);
        LEARN(host, NOW + i, address);
        cr_assert_str_eq(find(address, NOW + i), host);
    }
}

/* Readers get a name of the address or none, never a mixture. */
static atomic_bool done;

static void *writer(void *arg)
{
    char host[64], address[32];
    for (int i = 0; i < 20000; i++) {
        int k = (i * 7 + (int)(intptr_t)arg) % 300;
        snprintf(host, sizeof host, "h%d.%s", k, i % 2 ? "a.example" : "a-longer-one.example");
        snprintf(address, sizeof address, "10.2.%d.%d", k / 256, k % 256);
        LEARN(host, NOW + i, address);
    }
    return NULL;
}

static void *reader(void *arg)
{
    struct name seen;
    (void)arg;
    for (int k = 0; !atomic_load(&done); k = (k + 1) % 300) {
        char address[32], start[16];
        snprintf(address, sizeof address, "10.2.%d.%d", k / 256, k % 256);
        snprintf(start, sizeof start, "h%d.a", k);
        struct address a = at(address);
        if (!names_find(&a, NOW, &seen))
            continue;
        const char *rest = seen.host + strlen(start);
        cr_assert(!strncmp(seen.host, start, strlen(start)) &&
                      (!strcmp(rest, ".example") || !strcmp(rest, "-longer-one.example")),
                  "%s: %s", address, seen.host);
    }
    return NULL;
}

Test(names, are_never_read_half_written)
{
    pthread_t w[2], r;
    pthread_create(&r, NULL, reader, NULL);
    for (intptr_t i = 0; i < 2; i++)
        pthread_create(&w[i], NULL, writer, (void *)i);
    for (int i = 0; i < 2; i++)
        pthread_join(w[i], NULL);
    atomic_store(&done, true);
    pthread_join(r, NULL);
}
