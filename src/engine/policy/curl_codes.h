/* SPDX-License-Identifier: MIT
 *
 * libcurl's result codes (CURLcode, CURLproxycode) by number and name. They are defined here because the
 * engine includes no header of libcurl, and so that names newer than the libcurl of the build machine
 * are known. The numbers are part of libcurl's ABI and never change. What each means for a request is in
 * classify_table.c.
 *
 *     CURL_CODES(X)                          X(1, UNSUPPORTED_PROTOCOL) X(2, FAILED_INIT) ...
 *     CURL_CODE_COULDNT_RESOLVE_HOST         6 */
#ifndef ENGINE_POLICY_CURL_CODES_H
#define ENGINE_POLICY_CURL_CODES_H

/* clang-format off */
#define CURL_CODES(X)                       \
    X(1, UNSUPPORTED_PROTOCOL)              \
    X(2, FAILED_INIT)                       \
    X(3, URL_MALFORMAT)                     \
    X(4, NOT_BUILT_IN)                      \
    X(5, COULDNT_RESOLVE_PROXY)             \
    X(6, COULDNT_RESOLVE_HOST)              \
    X(7, COULDNT_CONNECT)                   \
    X(8, WEIRD_SERVER_REPLY)                \
    X(9, REMOTE_ACCESS_DENIED)              \
    X(10, FTP_ACCEPT_FAILED)                \
    X(11, FTP_WEIRD_PASS_REPLY)             \
    X(12, FTP_ACCEPT_TIMEOUT)               \
    X(13, FTP_WEIRD_PASV_REPLY)             \
    X(14, FTP_WEIRD_227_FORMAT)             \
    X(15, FTP_CANT_GET_HOST)                \
    X(16, HTTP2)                            \
    X(17, FTP_COULDNT_SET_TYPE)             \
    X(18, PARTIAL_FILE)                     \
    X(19, FTP_COULDNT_RETR_FILE)            \
    X(21, QUOTE_ERROR)                      \
    X(22, HTTP_RETURNED_ERROR)              \
    X(23, WRITE_ERROR)                      \
    X(25, UPLOAD_FAILED)                    \
    X(26, READ_ERROR)                       \
    X(27, OUT_OF_MEMORY)                    \
    X(28, OPERATION_TIMEDOUT)               \
    X(30, FTP_PORT_FAILED)                  \
    X(31, FTP_COULDNT_USE_REST)             \
    X(33, RANGE_ERROR)                      \
    X(34, HTTP_POST_ERROR)                  \
    X(35, SSL_CONNECT_ERROR)                \
    X(36, BAD_DOWNLOAD_RESUME)              \
    X(37, FILE_COULDNT_READ_FILE)           \
    X(38, LDAP_CANNOT_BIND)                 \
    X(39, LDAP_SEARCH_FAILED)               \
    X(41, FUNCTION_NOT_FOUND)               \
    X(42, ABORTED_BY_CALLBACK)              \
    X(43, BAD_FUNCTION_ARGUMENT)            \
    X(45, INTERFACE_FAILED)                 \
    X(47, TOO_MANY_REDIRECTS)               \
    X(48, UNKNOWN_OPTION)                   \
    X(49, SETOPT_OPTION_SYNTAX)             \
    X(52, GOT_NOTHING)                      \
    X(53, SSL_ENGINE_NOTFOUND)              \
    X(54, SSL_ENGINE_SETFAILED)             \
    X(55, SEND_ERROR)                       \
    X(56, RECV_ERROR)                       \
    X(58, SSL_CERTPROBLEM)                  \
    X(59, SSL_CIPHER)                       \
    X(60, PEER_FAILED_VERIFICATION)         \
    X(61, BAD_CONTENT_ENCODING)             \
    X(63, FILESIZE_EXCEEDED)                \
    X(64, USE_SSL_FAILED)                   \
    X(65, SEND_FAIL_REWIND)                 \
    X(66, SSL_ENGINE_INITFAILED)            \
    X(67, LOGIN_DENIED)                     \
    X(68, TFTP_NOTFOUND)                    \
    X(69, TFTP_PERM)                        \
    X(70, REMOTE_DISK_FULL)                 \
    X(71, TFTP_ILLEGAL)                     \
    X(72, TFTP_UNKNOWNID)                   \
    X(73, REMOTE_FILE_EXISTS)               \
    X(74, TFTP_NOSUCHUSER)                  \
    X(77, SSL_CACERT_BADFILE)               \
    X(78, REMOTE_FILE_NOT_FOUND)            \
    X(79, SSH)                              \
    X(80, SSL_SHUTDOWN_FAILED)              \
    X(81, AGAIN)                            \
    X(82, SSL_CRL_BADFILE)                  \
    X(83, SSL_ISSUER_ERROR)                 \
    X(84, FTP_PRET_FAILED)                  \
    X(85, RTSP_CSEQ_ERROR)                  \
    X(86, RTSP_SESSION_ERROR)               \
    X(87, FTP_BAD_FILE_LIST)                \
    X(88, CHUNK_FAILED)                     \
    X(89, NO_CONNECTION_AVAILABLE)          \
    X(90, SSL_PINNEDPUBKEYNOTMATCH)         \
    X(91, SSL_INVALIDCERTSTATUS)            \
    X(92, HTTP2_STREAM)                     \
    X(93, RECURSIVE_API_CALL)               \
    X(94, AUTH_ERROR)                       \
    X(95, HTTP3)                            \
    X(96, QUIC_CONNECT_ERROR)               \
    X(97, PROXY)                            \
    X(98, SSL_CLIENTCERT)                   \
    X(99, UNRECOVERABLE_POLL)               \
    X(100, TOO_LARGE)                       \
    X(101, ECH_REQUIRED)
/* clang-format on */

enum curl_code {
    CURL_CODE_OK,
#define NUMBER(number, name) CURL_CODE_##name = (number),
    CURL_CODES(NUMBER)
#undef NUMBER
};

/* CURLproxycode, the detail of CURLE_PROXY. */
enum curl_proxy_code {
    CURL_PROXY_OK,
    CURL_PROXY_BAD_ADDRESS_TYPE,
    CURL_PROXY_BAD_VERSION,
    CURL_PROXY_CLOSED,
    CURL_PROXY_GSSAPI,
    CURL_PROXY_GSSAPI_PERMSG,
    CURL_PROXY_GSSAPI_PROTECTION,
    CURL_PROXY_IDENTD,
    CURL_PROXY_IDENTD_DIFFER,
    CURL_PROXY_LONG_HOSTNAME,
    CURL_PROXY_LONG_PASSWD,
    CURL_PROXY_LONG_USER,
    CURL_PROXY_NO_AUTH,
    CURL_PROXY_RECV_ADDRESS,
    CURL_PROXY_RECV_AUTH,
    CURL_PROXY_RECV_CONNECT,
    CURL_PROXY_RECV_REQACK,
    CURL_PROXY_REPLY_ADDRESS_TYPE_NOT_SUPPORTED,
    CURL_PROXY_REPLY_COMMAND_NOT_SUPPORTED,
    CURL_PROXY_REPLY_CONNECTION_REFUSED,
    CURL_PROXY_REPLY_GENERAL_SERVER_FAILURE,
    CURL_PROXY_REPLY_HOST_UNREACHABLE,
    CURL_PROXY_REPLY_NETWORK_UNREACHABLE,
    CURL_PROXY_REPLY_NOT_ALLOWED,
    CURL_PROXY_REPLY_TTL_EXPIRED,
    CURL_PROXY_REPLY_UNASSIGNED,
    CURL_PROXY_REQUEST_FAILED,
    CURL_PROXY_RESOLVE_HOST,
    CURL_PROXY_SEND_AUTH,
    CURL_PROXY_SEND_CONNECT,
    CURL_PROXY_SEND_REQUEST,
    CURL_PROXY_UNKNOWN_FAIL,
    CURL_PROXY_UNKNOWN_MODE,
    CURL_PROXY_USER_REJECTED,
};

#endif
