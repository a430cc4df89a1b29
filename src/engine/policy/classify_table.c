/* SPDX-License-Identifier: MIT */
#include "engine/policy/classify_table.h"

#include "base/compiler.h"
#include "engine/policy/curl_codes.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>

/* clang-format off */
#define CODE(name)        CURL_CODE_##name, CURL_CODE_##name
#define CODES(first, last) CURL_CODE_##first, CURL_CODE_##last
/* Numbers without a name, and ranges that end in one, are codes that libcurl no longer uses. */
static const struct outcome_row curl_rows[] = {
    /* code                                             class          reason            flags                         tries otherwise */
    {CODE(OK),                                           CLASS_SUCCESS, REASON_NONE,      BY_STATUS,                    0, 0},
    {CODE(UNSUPPORTED_PROTOCOL),                         CLASS_E,       REASON_OTHER,     UNSENT | COUNTED | HEARD,     0, CLASS_D},
    {CODES(FAILED_INIT, NOT_BUILT_IN),                   CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(COULDNT_RESOLVE_PROXY),                        CLASS_A,       REASON_DNS,       UNSENT | PROXY | NAME,        2, CLASS_B},
    {CODE(COULDNT_RESOLVE_HOST),                         CLASS_A,       REASON_DNS,       UNSENT | COUNTED | NAME,      2, CLASS_B},
    {CODE(COULDNT_CONNECT),                              CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,             0, CLASS_B},
    {CODE(WEIRD_SERVER_REPLY),                           CLASS_B,       REASON_OTHER,     COUNTED,                      2, 0},
    {CODE(REMOTE_ACCESS_DENIED),                         CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODE(FTP_ACCEPT_FAILED),                            CLASS_B,       REASON_CONNECT,   COUNTED,                      0, 0},
    {CODE(FTP_WEIRD_PASS_REPLY),                         CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODE(FTP_ACCEPT_TIMEOUT),                           CLASS_B,       REASON_TIMEOUT,   COUNTED,                      0, 0},
    {CODES(FTP_WEIRD_PASV_REPLY, FTP_WEIRD_227_FORMAT),  CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODE(FTP_CANT_GET_HOST),                            CLASS_B,       REASON_CONNECT,   COUNTED,                      0, 0},
    {CODE(HTTP2),                                        CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,          0, 0},
    {CODE(FTP_COULDNT_SET_TYPE),                         CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODE(PARTIAL_FILE),                                 CLASS_B,       REASON_PARTIAL,   COUNTED | BY_STATUS,          0, 0},
    {CODE(FTP_COULDNT_RETR_FILE),                        CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {20, 20,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(QUOTE_ERROR),                                  CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODES(HTTP_RETURNED_ERROR, WRITE_ERROR),            CLASS_E,       REASON_LOCAL,     BY_STATUS,                    0, 0},
    {24, 24,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(UPLOAD_FAILED),                                CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODES(READ_ERROR, OUT_OF_MEMORY),                   CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(OPERATION_TIMEDOUT),                           CLASS_A,       REASON_TIMEOUT,   UNSENT | COUNTED | BY_STATUS, 0, CLASS_B},
    {29, 29,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODES(FTP_PORT_FAILED, FTP_COULDNT_USE_REST),       CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {32, 32,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(RANGE_ERROR),                                  CLASS_D,       REASON_OTHER,     ALIVE | BY_STATUS,            0, 0},
    {CODE(HTTP_POST_ERROR),                              CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(SSL_CONNECT_ERROR),                            CLASS_A,       REASON_TLS,       UNSENT | COUNTED,             2, CLASS_B},
    {CODE(BAD_DOWNLOAD_RESUME),                          CLASS_D,       REASON_OTHER,     ALIVE | BY_STATUS,            0, 0},
    {CODE(FILE_COULDNT_READ_FILE),                       CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODES(LDAP_CANNOT_BIND, LDAP_SEARCH_FAILED),        CLASS_D,       REASON_AUTH,      ALIVE,                        0, 0},
    {40, 46,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(TOO_MANY_REDIRECTS),                           CLASS_D,       REASON_OTHER,     ALIVE,                        0, 0},
    {48, 51,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(GOT_NOTHING),                                  CLASS_B,       REASON_RESET,     COUNTED,                      0, 0},
    {CODES(SSL_ENGINE_NOTFOUND, SSL_ENGINE_SETFAILED),   CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(SEND_ERROR),                                   CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,          0, 0},
    {CODE(RECV_ERROR),                                   CLASS_A,       REASON_RESET,     UNSENT | COUNTED | BY_STATUS, 0, CLASS_B},
    {57, 58,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(SSL_CIPHER),                                   CLASS_D,       REASON_LOCAL,     0,                            0, 0},
    {CODE(PEER_FAILED_VERIFICATION),                     CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
    {CODE(BAD_CONTENT_ENCODING),                         CLASS_D,       REASON_OTHER,     ALIVE | BY_STATUS,            0, 0},
    {62, 62,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(FILESIZE_EXCEEDED),                            CLASS_D,       REASON_LOCAL,     0,                            0, 0},
    {CODE(USE_SSL_FAILED),                               CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
    {CODES(SEND_FAIL_REWIND, SSL_ENGINE_INITFAILED),     CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(LOGIN_DENIED),                                 CLASS_D,       REASON_AUTH,      ALIVE,                        0, 0},
    {CODES(TFTP_NOTFOUND, REMOTE_DISK_FULL),             CLASS_D,       REASON_OTHER,     ALIVE,                        0, 0},
    {CODES(TFTP_ILLEGAL, TFTP_UNKNOWNID),                CLASS_D,       REASON_OTHER,     COUNTED,                      0, 0},
    {CODES(REMOTE_FILE_EXISTS, TFTP_NOSUCHUSER),         CLASS_D,       REASON_OTHER,     ALIVE,                        0, 0},
    {75, 77,                                             CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(REMOTE_FILE_NOT_FOUND),                        CLASS_D,       REASON_OTHER,     ALIVE,                        0, 0},
    {CODE(SSH),                                          CLASS_D,       REASON_OTHER,     COUNTED,                      0, 0},
    {CODE(SSL_SHUTDOWN_FAILED),                          CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
    {CODES(AGAIN, SSL_CRL_BADFILE),                      CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(SSL_ISSUER_ERROR),                             CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
    {CODE(FTP_PRET_FAILED),                              CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODES(RTSP_CSEQ_ERROR, RTSP_SESSION_ERROR),         CLASS_D,       REASON_OTHER,     COUNTED,                      0, 0},
    {CODE(FTP_BAD_FILE_LIST),                            CLASS_D,       REASON_OTHER,     FTP_4XX | ALIVE,              0, 0},
    {CODE(CHUNK_FAILED),                                 CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(NO_CONNECTION_AVAILABLE),                      CLASS_A,       REASON_LOCAL,     0,                            0, 0},
    {CODE(SSL_PINNEDPUBKEYNOTMATCH),                     CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
    {CODE(SSL_INVALIDCERTSTATUS),                        CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
    {CODE(HTTP2_STREAM),                                 CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,          0, 0},
    {CODE(RECURSIVE_API_CALL),                           CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(AUTH_ERROR),                                   CLASS_D,       REASON_AUTH,      ALIVE,                        0, 0},
    {CODE(HTTP3),                                        CLASS_B,       REASON_RESET,     COUNTED | BY_STATUS,          0, 0},
    {CODE(QUIC_CONNECT_ERROR),                           CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,             0, CLASS_B},
    {CODE(PROXY),                                        CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,               0, CLASS_B},
    {CODE(SSL_CLIENTCERT),                               CLASS_D,       REASON_AUTH,      ALIVE,                        0, 0},
    {CODES(UNRECOVERABLE_POLL, TOO_LARGE),               CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {CODE(ECH_REQUIRED),                                 CLASS_D,       REASON_TLS,       COUNTED,                      0, 0},
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
    {498, 498,       CLASS_B,       REASON_HTTP_4XX,  ALIVE,                       0, 0},
    {400, 499,       CLASS_D,       REASON_HTTP_4XX,  ALIVE,                       0, 0},
    {500, 500,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {502, 504,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {509, 509,       CLASS_C,       REASON_THROTTLED, ALIVE,                       0, 0},
    {520, 524,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {525, 525,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
    {527, 527,       CLASS_B,       REASON_HTTP_5XX,  COUNTED,                     0, 0},
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

/* Of CURLE_PROXY: how the negotiation with a SOCKS proxy failed. Replies about the host behind the proxy
 * count for the host; replies that do not say whose fault it was count for neither. */
#define REPLY(name)           CURL_PROXY_##name, CURL_PROXY_##name
#define REPLIES(first, last)  CURL_PROXY_##first, CURL_PROXY_##last
static const struct outcome_row proxy_error_rows[] = {
    /* The proxy uses another protocol. */
    {REPLIES(BAD_ADDRESS_TYPE, BAD_VERSION),            CLASS_D,       REASON_CONNECT,   PROXY,                        0, 0},
    {REPLY(CLOSED),                                     CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,               0, CLASS_B},
    {REPLIES(GSSAPI, IDENTD_DIFFER),                    CLASS_D,       REASON_AUTH,      PROXY,                        0, 0},
    /* Nothing was sent to the proxy. */
    {REPLIES(LONG_HOSTNAME, LONG_USER),                 CLASS_E,       REASON_LOCAL,     0,                            0, 0},
    {REPLY(NO_AUTH),                                    CLASS_D,       REASON_AUTH,      PROXY,                        0, 0},
    {REPLIES(RECV_ADDRESS, RECV_REQACK),                CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,               0, CLASS_B},
    {REPLIES(REPLY_ADDRESS_TYPE_NOT_SUPPORTED, REPLY_COMMAND_NOT_SUPPORTED),
                                                        CLASS_D,       REASON_CONNECT,   0,                            0, 0},
    {REPLY(REPLY_CONNECTION_REFUSED),                   CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,             0, CLASS_B},
    {REPLY(REPLY_GENERAL_SERVER_FAILURE),               CLASS_A,       REASON_CONNECT,   UNSENT,                       0, CLASS_B},
    {REPLY(REPLY_HOST_UNREACHABLE),                     CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,             0, CLASS_B},
    {REPLY(REPLY_NETWORK_UNREACHABLE),                  CLASS_A,       REASON_CONNECT,   UNSENT,                       0, CLASS_B},
    {REPLY(REPLY_NOT_ALLOWED),                          CLASS_D,       REASON_AUTH,      PROXY,                        0, 0},
    {REPLY(REPLY_TTL_EXPIRED),                          CLASS_A,       REASON_CONNECT,   UNSENT | COUNTED,             0, CLASS_B},
    /* SOCKS4 reports every failure as REQUEST_FAILED. */
    {REPLIES(REPLY_UNASSIGNED, REQUEST_FAILED),         CLASS_A,       REASON_CONNECT,   UNSENT,                       0, CLASS_B},
    /* By libcurl, before it contacted the proxy. */
    {REPLY(RESOLVE_HOST),                               CLASS_A,       REASON_DNS,       UNSENT | COUNTED | NAME,      2, CLASS_B},
    {REPLIES(SEND_AUTH, SEND_REQUEST),                  CLASS_A,       REASON_CONNECT,   UNSENT | PROXY,               0, CLASS_B},
    /* The proxy uses another protocol. */
    {REPLIES(UNKNOWN_FAIL, UNKNOWN_MODE),               CLASS_D,       REASON_CONNECT,   PROXY,                        0, 0},
    {REPLY(USER_REJECTED),                              CLASS_D,       REASON_AUTH,      PROXY,                        0, 0},
};

/* Of getaddrinfo(). EAI_AGAIN (no name server answered) is repeated. That a name does not exist or has no
 * address (of the requested family) is an answer. Lack of memory or descriptors is not the host's fault;
 * the rest is wrong arguments. */
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

/* Of connect(). ENOENT happens only for AF_UNIX: no such socket. EAGAIN is a full backlog for AF_UNIX and
 * a lack of ports otherwise; because of the latter it does not count. */
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
    /* Invalid arguments. */
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

static const struct outcome_row *find_row(const struct outcome_row *rows, size_t n, int v)
{
    for (size_t i = 0; i < n; i++)
        if (v >= rows[i].from && v <= rows[i].to)
            return &rows[i];
    return &local;
}

const struct outcome_row *outcome_of_curl(int code)
{
    return find_row(curl_rows, array_size(curl_rows), code);
}

const struct outcome_row *outcome_of_http(int status)
{
    return find_row(http_rows, array_size(http_rows), status);
}

const struct outcome_row *outcome_of_errno(int os_errno)
{
    return find_row(errno_rows, array_size(errno_rows), os_errno);
}

const struct outcome_row *outcome_of_proxy(int status)
{
    return find_row(proxy_rows, array_size(proxy_rows), status);
}

const struct outcome_row *outcome_of_proxy_error(int proxy_error)
{
    return find_row(proxy_error_rows, array_size(proxy_error_rows), proxy_error);
}

const struct outcome_row *outcome_of_lookup(int eai)
{
    return find_row(lookup_rows, array_size(lookup_rows), eai);
}

bool outcome_is_known(const struct outcome_row *row)
{
    return row != &local;
}
