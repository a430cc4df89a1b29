/* SPDX-License-Identifier: MIT */
#include "engine/policy/classify_table.h"

#include "base/compiler.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>

/* clang-format off */
static const struct outcome_row curl_rows[] = {
    /* code          class          reason            flags                        tries otherwise */
    {0,   0,         CLASS_SUCCESS, REASON_NONE,      BY_STATUS,                   0, 0},
    {1,   1,         CLASS_E,       REASON_OTHER,     UNSENT | COUNTED | HEARD,    0, CLASS_D},
    {2,   4,         CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {5,   5,         CLASS_A,       REASON_DNS,       UNSENT | PROXY | NAME,       2, CLASS_B},
    {6,   6,         CLASS_A,       REASON_DNS,       UNSENT | COUNTED | NAME,     2, CLASS_B},
    {7,   7,         CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,            0, CLASS_B},
    {8,   8,         CLASS_B,       REASON_OTHER,     COUNTED,                     2, 0},
    {9,   9,         CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {10,  10,        CLASS_B,       REASON_CONNECT,   COUNTED,                     0, 0},
    {11,  11,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {12,  12,        CLASS_B,       REASON_TIMEOUT,   COUNTED,                     0, 0},
    {13,  14,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {15,  15,        CLASS_B,       REASON_CONNECT,   COUNTED,                     0, 0},
    {16,  16,        CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,         0, 0},
    {17,  17,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {18,  18,        CLASS_B,       REASON_PARTIAL,   COUNTED | BY_STATUS,         0, 0},
    {19,  19,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {20,  20,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {21,  21,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {22,  23,        CLASS_E,       REASON_LOCAL,     BY_STATUS,                   0, 0},
    {24,  24,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {25,  25,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {26,  27,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {28,  28,        CLASS_A,       REASON_TIMEOUT,   UNSENT | COUNTED | BY_STATUS, 0, CLASS_B},
    {29,  29,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {30,  31,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {32,  32,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {33,  33,        CLASS_D,       REASON_OTHER,     ALIVE | BY_STATUS,           0, 0},
    {34,  34,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {35,  35,        CLASS_A,       REASON_TLS,       UNSENT | COUNTED,            2, CLASS_B},
    {36,  36,        CLASS_D,       REASON_OTHER,     ALIVE | BY_STATUS,           0, 0},
    {37,  37,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {38,  39,        CLASS_D,       REASON_AUTH,      ALIVE,                       0, 0},
    {40,  46,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {47,  47,        CLASS_D,       REASON_OTHER,     ALIVE,                       0, 0},
    {48,  51,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {52,  52,        CLASS_B,       REASON_RESET,     COUNTED,                     0, 0},
    {53,  54,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {55,  55,        CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,         0, 0},
    {56,  56,        CLASS_A,       REASON_RESET,     UNSENT | COUNTED | BY_STATUS, 0, CLASS_B},
    {57,  58,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {59,  59,        CLASS_D,       REASON_LOCAL,     0,                           0, 0},
    {60,  60,        CLASS_D,       REASON_TLS,       COUNTED,                     0, 0},
    {61,  61,        CLASS_D,       REASON_OTHER,     ALIVE | BY_STATUS,           0, 0},
    {62,  62,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {63,  63,        CLASS_D,       REASON_LOCAL,     0,                           0, 0},
    {64,  64,        CLASS_D,       REASON_TLS,       COUNTED,                     0, 0},
    {65,  66,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {67,  67,        CLASS_D,       REASON_AUTH,      ALIVE,                       0, 0},
    {68,  70,        CLASS_D,       REASON_OTHER,     ALIVE,                       0, 0},
    {71,  72,        CLASS_D,       REASON_OTHER,     COUNTED,                     0, 0},
    {73,  74,        CLASS_D,       REASON_OTHER,     ALIVE,                       0, 0},
    {75,  77,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {78,  78,        CLASS_D,       REASON_OTHER,     ALIVE,                       0, 0},
    {79,  79,        CLASS_D,       REASON_OTHER,     COUNTED,                     0, 0},
    {80,  80,        CLASS_D,       REASON_TLS,       COUNTED,                     0, 0},
    {81,  82,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {83,  83,        CLASS_D,       REASON_TLS,       COUNTED,                     0, 0},
    {84,  84,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {85,  86,        CLASS_D,       REASON_OTHER,     COUNTED,                     0, 0},
    {87,  87,        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,             0, 0},
    {88,  88,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {89,  89,        CLASS_A,       REASON_LOCAL,     0,                           0, 0},
    {90,  91,        CLASS_D,       REASON_TLS,       COUNTED,                     0, 0},
    {92,  92,        CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,         0, 0},
    {93,  93,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {94,  94,        CLASS_D,       REASON_AUTH,      ALIVE,                       0, 0},
    {95,  95,        CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,         0, 0},
    {96,  96,        CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,            0, CLASS_B},
    {97,  97,        CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,              0, CLASS_B},
    {98,  98,        CLASS_D,       REASON_AUTH,      ALIVE,                       0, 0},
    {99,  100,       CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    {101, 101,       CLASS_D,       REASON_TLS,       COUNTED,                     0, 0},
};

/* 403, 409, 413 and 503 depend on the headers as well: classify.c. */
static const struct outcome_row http_rows[] = {
    {100, 399,       CLASS_SUCCESS, REASON_NONE,      ALIVE,                       0, 0},
    {401, 401,       CLASS_D,       REASON_AUTH,      ALIVE,                       0, 0},
    {403, 403,       CLASS_D,       REASON_AUTH,      ALIVE,                       0, 0},
    {407, 407,       CLASS_D,       REASON_AUTH,      PROXY,                       0, 0},
    {408, 408,       CLASS_B,       REASON_HTTP_4XX,  COUNTED,                     0, 0},
    {420, 420,       CLASS_C,       REASON_THROTTLED, ALIVE,                       0, 0},
    {421, 421,       CLASS_A,       REASON_HTTP_4XX,  ALIVE,                       2, 0},
    {425, 425,       CLASS_A,       REASON_HTTP_4XX,  ALIVE,                       2, 0},
    {429, 429,       CLASS_C,       REASON_THROTTLED, ALIVE,                       0, 0},
    {400, 499,       CLASS_D,       REASON_HTTP_4XX,  ALIVE,                       0, 0},
    {500, 500,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {502, 504,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {509, 509,       CLASS_C,       REASON_THROTTLED, ALIVE,                       0, 0},
    {520, 524,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {529, 529,       CLASS_C,       REASON_THROTTLED, ALIVE,                       0, 0},
    {530, 530,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {598, 599,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {500, 599,       CLASS_D,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {600, 32767,     CLASS_D,       REASON_OTHER,     ALIVE,                       0, 0},
};

static const struct outcome_row proxy_rows[] = {
    {407, 407,       CLASS_D,       REASON_AUTH,      PROXY,                       0, 0},
    {429, 429,       CLASS_C,       REASON_THROTTLED, PROXY,                       0, 0},
    {502, 504,       CLASS_A,       REASON_CONNECT,   PROXY | UNSENT,              0, CLASS_B},
    {400, 32767,     CLASS_D,       REASON_CONNECT,   PROXY,                       0, 0},
};

/* Of CURLE_PROXY: what became of the talk with a SOCKS proxy. Its replies that speak of the host behind
 * it are the host's; of those that do not say whose fault it was nothing is made. */
static const struct outcome_row proxy_error_rows[] = {
    /* BAD_ADDRESS_TYPE, BAD_VERSION: it speaks something else */
    {1,  2,          CLASS_D,       REASON_CONNECT,   PROXY,                       0, 0},
    /* CLOSED */
    {3,  3,          CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,              0, CLASS_B},
    /* GSSAPI, GSSAPI_PERMSG, GSSAPI_PROTECTION, IDENTD, IDENTD_DIFFER */
    {4,  8,          CLASS_D,       REASON_AUTH,      PROXY,                       0, 0},
    /* LONG_HOSTNAME, LONG_PASSWD, LONG_USER: no proxy was asked */
    {9,   11,        CLASS_E,       REASON_LOCAL,     0,                           0, 0},
    /* NO_AUTH */
    {12, 12,         CLASS_D,       REASON_AUTH,      PROXY,                       0, 0},
    /* RECV_ADDRESS, RECV_AUTH, RECV_CONNECT, RECV_REQACK */
    {13, 16,         CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,              0, CLASS_B},
    /* REPLY_ADDRESS_TYPE_NOT_SUPPORTED, REPLY_COMMAND_NOT_SUPPORTED */
    {17, 18,         CLASS_D,       REASON_CONNECT,   0,                           0, 0},
    /* REPLY_CONNECTION_REFUSED */
    {19, 19,         CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,            0, CLASS_B},
    /* REPLY_GENERAL_SERVER_FAILURE */
    {20, 20,         CLASS_A,       REASON_CONNECT,   UNSENT,                      0, CLASS_B},
    /* REPLY_HOST_UNREACHABLE */
    {21, 21,         CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,            0, CLASS_B},
    /* REPLY_NETWORK_UNREACHABLE */
    {22, 22,         CLASS_A,       REASON_CONNECT,   UNSENT,                      0, CLASS_B},
    /* REPLY_NOT_ALLOWED */
    {23, 23,         CLASS_D,       REASON_AUTH,      PROXY,                       0, 0},
    /* REPLY_TTL_EXPIRED */
    {24, 24,         CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,            0, CLASS_B},
    /* REPLY_UNASSIGNED, REQUEST_FAILED (all that SOCKS4 says) */
    {25, 26,         CLASS_A,       REASON_CONNECT,   UNSENT,                      0, CLASS_B},
    /* RESOLVE_HOST: by libcurl, before it asked the proxy */
    {27, 27,         CLASS_A,       REASON_DNS,       UNSENT | COUNTED | NAME,     2, CLASS_B},
    /* SEND_AUTH, SEND_CONNECT, SEND_REQUEST */
    {28, 30,         CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,              0, CLASS_B},
    /* UNKNOWN_FAIL, UNKNOWN_MODE: it speaks something else */
    {31, 32,         CLASS_D,       REASON_CONNECT,   PROXY,                       0, 0},
    /* USER_REJECTED */
    {33, 33,         CLASS_D,       REASON_AUTH,      PROXY,                       0, 0},
};

/* Of getaddrinfo(). A name server that is not there yet is asked again; that a name does not exist,
 * has no address (of the family that is wanted), or may not be asked for, is an answer. Want of
 * memory or descriptors is nobody's fault, and the rest comes from the question. */
static const struct outcome_row lookup_rows[] = {
    {EAI_AGAIN, EAI_AGAIN,           CLASS_A, REASON_DNS,   UNSENT | COUNTED,      0, CLASS_B},
    {EAI_NONAME, EAI_NONAME,         CLASS_D, REASON_DNS,   COUNTED,               0, 0},
    {EAI_NODATA, EAI_NODATA,         CLASS_D, REASON_DNS,   COUNTED,               0, 0},
    {EAI_ADDRFAMILY, EAI_ADDRFAMILY, CLASS_D, REASON_DNS,   COUNTED,               0, 0},
    {EAI_FAIL, EAI_FAIL,             CLASS_D, REASON_DNS,   COUNTED,               0, 0},
    {EAI_SYSTEM, EAI_SYSTEM,         CLASS_A, REASON_LOCAL, UNSENT,                2, CLASS_B},
    {EAI_MEMORY, EAI_MEMORY,         CLASS_A, REASON_LOCAL, UNSENT,                2, CLASS_B},
    {EAI_BADFLAGS, EAI_BADFLAGS,     CLASS_E, REASON_LOCAL, 0,                     0, 0},
    {EAI_FAMILY, EAI_FAMILY,         CLASS_E, REASON_LOCAL, 0,                     0, 0},
    {EAI_SOCKTYPE, EAI_SOCKTYPE,     CLASS_E, REASON_LOCAL, 0,                     0, 0},
    {EAI_SERVICE, EAI_SERVICE,       CLASS_E, REASON_LOCAL, 0,                     0, 0},
    {EAI_OVERFLOW, EAI_OVERFLOW,     CLASS_E, REASON_LOCAL, 0,                     0, 0},
};

/* Of connect(). ENOENT comes from AF_UNIX alone: nobody listens there. EAGAIN is a full backlog
 * there and a lack of ports elsewhere; the latter says nothing about the host, so neither does. */
static const struct outcome_row errno_rows[] = {
    {0, 0,                          CLASS_SUCCESS, REASON_NONE, ALIVE,             0, 0},
    {EISCONN, EISCONN,              CLASS_SUCCESS, REASON_NONE, ALIVE,             0, 0},
    {ETIMEDOUT, ETIMEDOUT,          CLASS_A,       REASON_TIMEOUT, COUNTED,        0, 0},
    {ECONNREFUSED, ECONNREFUSED,    CLASS_A,       REASON_CONNECT, COUNTED,        0, 0},
    {EHOSTUNREACH, EHOSTUNREACH,    CLASS_A,       REASON_CONNECT, COUNTED,        0, 0},
    {EHOSTDOWN, EHOSTDOWN,          CLASS_A,       REASON_CONNECT, COUNTED,        0, 0},
    {ECONNRESET, ECONNRESET,        CLASS_A,       REASON_RESET, COUNTED,          0, 0},
    {ECONNABORTED, ECONNABORTED,    CLASS_A,       REASON_RESET, COUNTED,          0, 0},
    {ENOENT, ENOENT,                CLASS_A,       REASON_CONNECT, COUNTED,        0, 0},
    {ENETUNREACH, ENETUNREACH,      CLASS_A,       REASON_CONNECT, 0,              0, 0},
    {ENETDOWN, ENETDOWN,            CLASS_A,       REASON_CONNECT, 0,              0, 0},
    {EADDRNOTAVAIL, EADDRNOTAVAIL,  CLASS_A,       REASON_LOCAL, 0,                0, 0},
    {EAGAIN, EAGAIN,                CLASS_A,       REASON_LOCAL, 0,                0, 0},
    {ENOBUFS, ENOBUFS,              CLASS_A,       REASON_LOCAL, 0,                0, 0},
    {ENOMEM, ENOMEM,                CLASS_A,       REASON_LOCAL, 0,                0, 0},
    {EMFILE, EMFILE,                CLASS_A,       REASON_LOCAL, 0,                0, 0},
    {ENFILE, ENFILE,                CLASS_A,       REASON_LOCAL, 0,                0, 0},
    {EACCES, EACCES,                CLASS_D,       REASON_LOCAL, 0,                0, 0},
    {EPERM, EPERM,                  CLASS_D,       REASON_LOCAL, 0,                0, 0},
    /* What was asked for is not possible. */
    {EINVAL, EINVAL,                CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {EAFNOSUPPORT, EAFNOSUPPORT,    CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {EPROTONOSUPPORT, EPROTONOSUPPORT, CLASS_E,    REASON_LOCAL, 0,                0, 0},
    {ESOCKTNOSUPPORT, ESOCKTNOSUPPORT, CLASS_E,    REASON_LOCAL, 0,                0, 0},
    {EPROTOTYPE, EPROTOTYPE,        CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {EOPNOTSUPP, EOPNOTSUPP,        CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {EADDRINUSE, EADDRINUSE,        CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {ENODEV, ENODEV,                CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {ENXIO, ENXIO,                  CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {ENOTDIR, ENOTDIR,              CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {ELOOP, ELOOP,                  CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {ENAMETOOLONG, ENAMETOOLONG,    CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {EBADF, EBADF,                  CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {ENOTSOCK, ENOTSOCK,            CLASS_E,       REASON_LOCAL, 0,                0, 0},
    {EFAULT, EFAULT,                CLASS_E,       REASON_LOCAL, 0,                0, 0},
};
/* clang-format on */

static const struct outcome_row local = {.class = CLASS_E, .reason = REASON_LOCAL};

static const struct outcome_row *find(const struct outcome_row *rows, size_t n, int v)
{
    for (size_t i = 0; i < n; i++)
        if (v >= rows[i].from && v <= rows[i].to)
            return &rows[i];
    return &local;
}

const struct outcome_row *outcome_of_curl(int code)
{
    return find(curl_rows, array_size(curl_rows), code);
}

const struct outcome_row *outcome_of_http(int status)
{
    return find(http_rows, array_size(http_rows), status);
}

const struct outcome_row *outcome_of_errno(int os_errno)
{
    return find(errno_rows, array_size(errno_rows), os_errno);
}

const struct outcome_row *outcome_of_proxy(int status)
{
    return find(proxy_rows, array_size(proxy_rows), status);
}

const struct outcome_row *outcome_of_proxy_error(int proxy_error)
{
    return find(proxy_error_rows, array_size(proxy_error_rows), proxy_error);
}

const struct outcome_row *outcome_of_lookup(int eai)
{
    return find(lookup_rows, array_size(lookup_rows), eai);
}

bool outcome_is_known(const struct outcome_row *row)
{
    return row != &local;
}
