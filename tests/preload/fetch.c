/* SPDX-License-Identifier: MIT
 *
 * The simplest program: fetches each path in its arguments. Linked with each flavour of libcurl. */
#include "host.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        fetch(argv[i], argv[i]);
    return 0;
}
