# SPDX-License-Identifier: MIT
"""Programs in a Turkish locale, where the upper case of i is not I, and names with non-ASCII
letters."""
import os
import subprocess
import unittest

import bed


def turkish():
    """Returns a directory for $LOCPATH with the 8-bit locale of Debian 12's glibc."""
    path = bed.fresh_dir("locale")
    made = subprocess.run(["localedef", "-i", "tr_TR", "-f", "ISO-8859-9", f"{path}/tr_TR"],
                          capture_output=True)
    return path if made.returncode < 2 and os.path.isdir(f"{path}/tr_TR") else None


class Locale(bed.Bed):
    def ask(self, hosts, **env):
        """Runs one curl for all of these host names, each on our server, and returns the hosts in
        health.json."""
        port = self.url("x").split(":")[2].split("/")[0]
        key = bed.unique("locale")
        command = ["curl", "-sS", "--noproxy", "*"]
        for i, host in enumerate(hosts):
            name = host.encode("idna").decode() if not host.isascii() else host
            command += [*(["--next"] if i else []), "-o", "/dev/null", "--resolve",
                        f"{name}:{port}:127.0.0.1", f"http://{host}:{port}/get?key={key}"]
        shim = bed.hardened(["env", *(f"{k}={v}" for k, v in env.items()), *command])
        self.assertEqual(shim.status, 0, shim.err)
        return sorted(name.rsplit(":", 1)[0] for name in shim.health["checks"])

    def test_three_spellings_of_a_host_are_one_in_turkish_too(self):
        self.require("localedef")
        path = turkish()
        if not path:
            self.skipTest("the sources of the Turkish locale are not installed")
        env = {"LOCPATH": path, "LC_ALL": "tr_TR", "LANG": "tr_TR"}
        hosts = ["INFO.example", "info.example", "Info.EXAMPLE"]
        self.assertEqual(self.ask(hosts, **env), ["info.example"])

    def test_all_forms_of_an_international_name_are_one_host(self):
        hosts = ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"]
        self.assertEqual(self.ask(hosts, LC_ALL="C.UTF-8"), ["xn--bcher-kva.example"])


if __name__ == "__main__":
    unittest.main()
