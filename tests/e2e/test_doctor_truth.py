# SPDX-License-Identifier: MIT
"""The verdict of `harden doctor` is true: compares it with the counters of a run."""
import glob
import os
import pwd
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import bed
from doctor_bed import REMOTE_HTTP, Case, host

# Prints to stderr when an object is loaded with RTLD_DEEPBIND.
DLOPEN_FLAGS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
void *dlopen(const char *name, int flags)
{
    if (flags & RTLD_DEEPBIND)
        fputs("deep\\n", stderr);
    return ((void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen"))(name, flags);
}
"""


class Deaf(threading.Thread):
    """A server that closes each connection at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = str(self.socket.getsockname()[1])

    def run(self):
        while True:
            self.socket.accept()[0].close()


class Truth(Case):
    """The verdict, then the counters of a run under the library."""

    def url(self, key, tls=False, path="/get", **query):
        return super().url(key, tls, path, **query).replace("localhost", "127.0.0.1")

    def counted(self, command, **options):
        """Returns (transfers, blocking connections, others) that the library has seen."""
        o = bed.hardened(command, reached=False, retry="off", **options)
        if not os.path.exists(os.path.join(o.state, "health.json")):
            return 0, 0, 0
        c = o.health["coverage"]
        return c["transfers_easy"], c["connects_blocking"], c["connects_nonblocking"]

    def of_interfaces(self, command):
        """Returns (transfers of the easy interface, of the multi interface); checks that no other
        connection was seen."""
        c = bed.hardened(command, reached=False, retry="off").health["coverage"]
        self.assertEqual((c["connects_blocking"], c["connects_nonblocking"]), (0, 0))
        return c["transfers_easy"], c["transfers_multi"]

    def of_host(self, name, *arguments):
        key = bed.unique("doctor")
        os.environ["BASE"] = f"http://127.0.0.1:{self.http.port}/x"
        try:
            seen = self.counted([host(name), *arguments, f"get?key={key}&te=close"])
        finally:
            del os.environ["BASE"]
        if not arguments:
            self.assertEqual(len(self.http.log(key)), 1, "requests that the server saw")
        return seen

    def test_covered_users_of_libcurl_are_seen_by_transfer(self):
        for name in ("fetch-openssl", "fetch-gnutls", "fetch-unversioned"):
            self.says(host(name), 0, "transfers are covered")
            self.assertEqual(self.of_host(name)[0], 1, name)

    def test_a_user_of_the_flavour_that_some_releases_lack_is_seen_by_transfer(self):
        bed.needs(bed.packages.NSS)
        self.says(host("fetch-nss"), 0, "transfers are covered")
        self.assertEqual(self.of_host("fetch-nss")[0], 1)

    def test_a_covered_plug_in_is_seen_by_transfer(self):
        self.says(host("plughost"), 0, "a plug-in that links libcurl is covered")
        for how in ("now", "deepbind"):
            self.assertGreater(self.of_host("plughost", how, host("plug-openssl.so"))[0], 0, how)

    def test_covered_users_of_connect_are_seen_by_connection(self):
        self.says(host("fetch-raw"), 0)
        self.assertEqual(self.of_host("fetch-raw"), (0, 1, 0))
        self.says("wget", 0)
        self.assertEqual(self.counted(["wget", "-qO", "/dev/null", self.url(bed.unique())]),
                         (0, 1, 0))

    def test_what_is_not_covered_is_not_seen(self):
        for name in ("fetch-syscall", "fetch-go-static", "fetch-go-cgo"):
            self.says(host(name), 2)
            self.assertEqual(self.of_host(name), (0, 0, 0), name)

    def test_the_multi_interface_is_covered(self):
        self.says(REMOTE_HTTP, 0, "multi interface")
        easy, multi = self.of_interfaces(["git", "ls-remote", self.url(bed.unique())])
        self.assertEqual(easy, 0)
        self.assertGreater(multi, 0)
        self.says("curl", 0, "easy and multi interfaces")
        self.assertEqual(self.of_interfaces(["curl", "-s", self.url(bed.unique())]), (1, 0))
        self.assertEqual(self.of_interfaces(["curl", "-sZ", self.url(bed.unique())]), (0, 1))

    def test_connections_that_do_not_block_are_counted_only(self):
        psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
        deaf = Deaf()
        deaf.start()
        for program, *arguments in (
                ("node", "-e", f"require('net').connect({deaf.port}, '127.0.0.1')"
                 ".on('error', function () {})"),
                (psql, "-h", "127.0.0.1", "-p", deaf.port, "-U", "x", "-c", "")):
            self.says(program, 1, "counted")
            seen = self.counted([program, *arguments])
            self.assertEqual(seen[:2], (0, 0), program)
            self.assertGreater(seen[2], 0, program)

    def test_a_blocking_rsync_is_distinguished_from_a_non_blocking_one(self):
        deaf = Deaf()
        deaf.start()
        seen = self.counted(["rsync", f"rsync://127.0.0.1:{deaf.port}/x", "."])
        blocks = seen[1] > 0
        self.assertEqual(seen, (0, seen[1], 0) if blocks else (0, 0, seen[2]))
        self.says("rsync", 0 if blocks else 1, "are covered" if blocks else "are only counted")
        path = bed.fresh_dir("old") + "/rsync"  # without poll()
        shutil.copy(host("fetch-raw"), path)
        self.says(path, 0, "are covered")

    def test_an_event_loop_may_block_too(self):
        deaf = Deaf()
        deaf.start()
        self.says("redis-cli", 1, "blocking connections are covered")
        self.assertGreater(sum(self.counted(["redis-cli", "-p", deaf.port, "ping"])[1:]), 0)

    def test_php(self):
        url = self.url(bed.unique())
        self.says("php", 0, "curl_exec() and curl_multi_exec() of PHP are covered",
                  "own streams", "they are only counted")
        self.assertEqual(self.counted(["php", "-r", f"curl_exec(curl_init('{url}'));"])[0], 1)
        self.assertEqual(self.counted(["php", "-r", f"file_get_contents('{url}');"]), (0, 0, 1))
        self.says("php", 1, "curl_exec() is not covered", HARDEN_DEEPBIND="leave")
        self.assertEqual(self.counted(["php", "-r", f"curl_exec(curl_init('{url}'));"],
                                      deepbind="leave")[0], int(not self.php_binds_deep()))

    def php_binds_deep(self):
        """Whether this build uses RTLD_DEEPBIND: some are patched, and PHP 8.5 no longer does."""
        library = f"{bed.fresh_dir()}/flags.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library], check=True,
                       text=True, input=DLOPEN_FLAGS)
        return b"deep" in bed.run(["php", "-r", ""], bed.environment({"LD_PRELOAD": library})).err

    def test_python(self):
        url = self.url(bed.unique())
        self.says("/usr/bin/python3", 1, "asyncio is only counted", "urllib")
        python = ["/usr/bin/python3", "-c"]
        self.assertEqual(self.counted(
            [*python, f"import urllib.request as u; u.urlopen('{url}')"]), (0, 1, 0))
        self.assertEqual(self.counted(
            [*python, f"import asyncio as a; a.run(a.open_connection('127.0.0.1', {self.http.port}))"]),
            (0, 0, 1))

    def test_programs_that_the_configuration_excludes_are_not_seen(self):
        for options in ({"disable": "1"}, {"mode": "off"}, {"programs": "!curl"}):
            self.says("curl", 2, **{f"HARDEN_{k.upper()}": v for k, v in options.items()})
            self.assertEqual(self.counted(["curl", "-s", self.url(bed.unique())], **options),
                             (0, 0, 0))

    def test_a_section_of_the_program_decides_whether_it_is_covered(self):
        for name, seen in ("curl", 0), ("wget", 1):
            file = bed.fresh_file(f"[program {name}]\nmode = off\n".encode())
            self.says("curl", 0 if seen else 2, HARDEN_CONFIG=file)
            self.assertEqual(sum(self.counted(["curl", "-s", self.url(bed.unique())], config=file)), seen)

    def test_programs_with_more_rights_are_seen_only_when_run_by_their_owner(self):
        if os.geteuid():
            return  # needs root
        nobody = pwd.getpwnam("nobody")
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            os.chmod(directory, 0o755)
            library = shutil.copy(bed.LIBRARY, directory)
            plain = shutil.copy(host("fetch-raw"), directory + "/plain")
            bit, capable = (shutil.copy(plain, f"{directory}/{name}") for name in ("bit", "capable"))
            os.chmod(bit, 0o4755)
            os.setxattr(capable, "security.capability",
                        struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
            self.says(plain, 0)
            self.says(bit, 2, "is setuid", "ignores LD_PRELOAD")
            self.says(capable, 2, "file capabilities", "setcap -r")
            for path, user, seen in ((plain, "nobody", 1), (bit, "nobody", 0),
                                     (capable, "nobody", 0), (bit, "root", 1)):
                state = os.path.join(directory, bed.unique("state"))
                os.mkdir(state, 0o700)
                if user == "nobody":
                    os.chown(state, nobody.pw_uid, nobody.pw_gid)
                env = bed.environment({**bed.QUICK, "LD_PRELOAD": library, "HARDEN_STATE": state,
                                       "BASE": f"{self.http.url}/x"})
                o = bed.run([path, f"get?key={bed.unique()}&te=close"], env, user=user,
                            group=nobody.pw_gid if user == "nobody" else 0)
                self.assertEqual(o.status, 0)
                self.assertEqual(os.path.exists(state + "/health.json"), bool(seen), (path, user))
