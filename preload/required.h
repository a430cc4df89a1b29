/* SPDX-License-Identifier: MIT
 *
 * The functions that a library must have to be used as a libcurl. Every version since 7.28 has
 * them. */
#ifndef PRELOAD_REQUIRED_H
#define PRELOAD_REQUIRED_H

#define CURL_REQUIRED(X)                                                                           \
    X(easy_init), X(easy_cleanup), X(easy_reset), X(easy_duphandle), X(easy_setopt),               \
        X(easy_getinfo), X(easy_perform), X(easy_pause), X(multi_init), X(multi_cleanup),          \
        X(multi_add_handle), X(multi_remove_handle), X(multi_perform), X(multi_socket_action),     \
        X(multi_socket_all), X(multi_fdset), X(multi_timeout), X(multi_info_read),                 \
        X(multi_setopt), X(multi_wait), X(free), X(version_info)

#endif
