/* SPDX-License-Identifier: MIT
 *
 * The version of this library or command. The file of the library contains it after a mark, as what(1)
 * finds it, so that a command can tell which version a process has loaded:
 *
 *     @(#)libharden 0.1.0 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define VERSION_MARK "@(#)libharden "

extern const char version_marked[];

static inline const char *version_text(void)
{
    return version_marked + sizeof VERSION_MARK - 1;
}

#endif
