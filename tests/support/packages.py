# SPDX-License-Identifier: MIT
"""Packages that not every release has. A test that needs one of them is not run where it cannot be had;
where it could be, and is not installed, the test fails."""
import functools
import subprocess

NSS = "libcurl3-nss"


@functools.cache
def lacks(package):
    """Whether the release has no such package, and so none is installed either."""
    return subprocess.run(["apt-cache", "show", package], check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode != 0


def reason(package):
    return f"not run: this release has no {package}"
