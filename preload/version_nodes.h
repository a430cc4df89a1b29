/* SPDX-License-Identifier: MIT
 *
 * The version nodes at which hooks are exported. A program linked with a libcurl that has versioned
 * symbols refers to "curl_easy_init@CURL_OPENSSL_4". The node tells which flavour it means, even
 * where the return address does not (a tail call). So each hook has a stub at every node that
 * builds of libcurl use, and a default one for references without a version.
 *
 *     #define STUBS(suffix, node)   EXPORT void curl_x__##suffix(void) { hook_x(FROM(node)); }
 *     #define HOOKED(X, node)       X(curl_x, node)
 *     #define NODE(node)            STUBS(node, #node) HOOKED(AT_NODE, node);
 *     NODES(NODE)
 *     STUBS(any, "")
 *     HOOKED(AT_ANY, any); */
#ifndef PRELOAD_VERSION_NODES_H
#define PRELOAD_VERSION_NODES_H

#define NODES(X)                                                                                   \
    X(CURL_4)                                                                                      \
    X(CURL_OPENSSL_4)                                                                              \
    X(CURL_OPENSSL_3)                                                                              \
    X(CURL_GNUTLS_4)                                                                               \
    X(CURL_GNUTLS_3)                                                                               \
    X(CURL_NSS_4)                                                                                  \
    X(CURL_NSS_3)                                                                                  \
    X(CURL_MBEDTLS_4)                                                                              \
    X(CURL_WOLFSSL_4)                                                                              \
    X(CURL_RUSTLS_4)                                                                               \
    X(CURL_MULTISSL_4)

#define EXPORT __attribute__((visibility("default"), used))

/* "remove" keeps the stub's own name out of the symbol table. */
#define AT_NODE(name, node) __asm__(".symver " #name "__" #node "," #name "@" #node ",remove")
#define AT_ANY(name, node)  __asm__(".symver " #name "__any," #name "@@HARDEN_1,remove")

#define FROM(node_name)                                                                            \
    ((struct caller){.node = (node_name), .address = __builtin_return_address(0)})

#endif
