# SPDX-License-Identifier: MIT
"""Packages that not every Debian release has. A test that needs one is skipped where the release
lacks it, and fails where the package is available but not installed."""
import functools
import subprocess

NSS = "libcurl3-nss"


@functools.cache
def lacks(package):
    """Whether the release lacks the package."""
    return subprocess.run(["apt-cache", "show", package], check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode != 0


def reason(package):
    return f"not run: this release has no {package}"
