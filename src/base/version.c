/* SPDX-License-Identifier: MIT */
#include "base/version.h"

const char version_marked[] = VERSION_MARK HARDEN_VERSION;
