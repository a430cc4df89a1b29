/* SPDX-License-Identifier: MIT
 *
 * The part of libcurl's interface that the hosts use, implemented with a blocking connect(). A host
 * compiled with RAW does the same without libcurl. Supports only a GET of HTTP/1.0. */
#ifndef TESTS_PRELOAD_RAW_H
#define TESTS_PRELOAD_RAW_H

#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef size_t raw_write(char *p, size_t size, size_t n, void *user);
typedef struct {
    char url[512];
    raw_write *write;
    void *user;
    long status;
} CURL;
typedef int CURLcode;
typedef int curl_socket_t;
typedef int curlsocktype;

enum { CURLE_OK, CURLE_FAILED_INIT = 2, CURLE_COULDNT_CONNECT = 7, CURLE_RECV_ERROR = 56 };
enum {
    CURLOPT_URL,
    CURLOPT_WRITEFUNCTION,
    CURLOPT_WRITEDATA,
    CURLOPT_SOCKOPTFUNCTION,
    CURLOPT_SOCKOPTDATA,
    CURLOPT_NOSIGNAL,
    CURLINFO_RESPONSE_CODE,
};
#define CURL_SOCKOPT_OK 0

static inline CURL *curl_easy_init(void)
{
    return calloc(1, sizeof(CURL));
}

static inline void curl_easy_cleanup(CURL *h)
{
    free(h);
}

static inline void raw_set(CURL *h, int option, ...)
{
    va_list ap;
    va_start(ap, option);
    if (option == CURLOPT_URL)
        snprintf(h->url, sizeof h->url, "%s", va_arg(ap, const char *));
    else if (option == CURLOPT_WRITEFUNCTION)
        h->write = va_arg(ap, raw_write *);
    else if (option == CURLOPT_WRITEDATA)
        h->user = va_arg(ap, void *);
    va_end(ap);
}
#define curl_easy_setopt raw_set

static inline CURLcode curl_easy_getinfo(CURL *h, int info, long *out)
{
    (void)info;
    *out = h->status;
    return CURLE_OK;
}

static inline int raw_dial(const CURL *h)
{
    char host[128], port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    if (sscanf(h->url, "http://%127[^:]:%15[0-9]", host, port) != 2 ||
        getaddrinfo(host, port, &hints, &list))
        return -1;
#ifdef RAW_SYSCALL
#define connect(...) (int)syscall(SYS_connect, __VA_ARGS__)
#endif
    int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, list->ai_addr, list->ai_addrlen)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    return fd;
}

static inline CURLcode curl_easy_perform(CURL *h)
{
    char text[2048];
    size_t n = 0;
    ssize_t got;
    int fd = raw_dial(h);
    h->status = 0;
    if (fd < 0)
        return CURLE_COULDNT_CONNECT;
    const char *path = strchr(h->url + 7, '/');
    int asked = dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", path ? path : "/");
    while (asked > 0 && n < sizeof text - 1 && (got = read(fd, text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    text[n] = '\0';
    char *body = strstr(text, "\r\n\r\n");
    if (!body || sscanf(text, "HTTP/%*s %ld", &h->status) != 1)
        return CURLE_RECV_ERROR;
    h->write(body + 4, 1, n - (size_t)(body + 4 - text), h->user);
    return CURLE_OK;
}

#endif
