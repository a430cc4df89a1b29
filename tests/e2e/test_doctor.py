# SPDX-License-Identifier: MIT
"""The output of `harden doctor` for files and processes of every kind."""
import os
import shutil
import subprocess
import tempfile
import time

import bed
from doctor_bed import HARDEN, REMOTE_HTTP, Case, compiled, elf_head, executable, host


class Files(Case):
    """Exit status and the decisive words, for each kind of file."""

    def test_names_that_are_not_programs(self):
        self.says("no-such-program", 2, "No such file", "PATH")
        self.says("/nonexistent/x", 2, "No such file")
        self.says("/tmp", 2, "directory")
        self.says(executable(b"#!/bin/sh\n", 0o644), 2, "Permission denied", "chmod +x")
        self.says(executable(b""), 2, "empty")
        self.says(executable(b"MZ\x00\x01\x02"), 2, "neither a program")

    def test_usage_errors_give_no_verdict(self):
        for arguments in (["curl", "more"], ["--wrong"], ["0"], ["99999999999"]):
            o = bed.run([HARDEN, "doctor", *arguments], bed.environment())
            self.assertEqual((o.status, o.out), (64, b""), arguments)
        o = bed.run([HARDEN, "doctor", "--help"], bed.environment())
        self.assertEqual(o.status, 0)
        for word in ("[--json] [PROGRAM | PID]", "partly", "exit status: 0", "verdict"):
            self.assertIn(word, o.text)

    def test_scripts_are_resolved_to_their_interpreter(self):
        self.says(executable(b"#!/bin/sh\ntrue\n"), 0, "is a script", "/bin/sh", "check each")
        self.says(executable(b"true\n"), 0, "no #! line")
        text = self.says(executable(b"#!/usr/bin/env curl\n"), 0, "is a script",
                         "easy and multi interfaces")
        self.assertIn("the library is loaded into curl", text)
        self.says(executable(b"#!/nonexistent/x\n"), 2, "/nonexistent/x cannot be run")
        self.says(executable(b"#!/bin/sh\r\n"), 2, "/bin/sh? cannot be run")
        inner = executable(b"#!" + os.fsencode(host("fetch-go-static")) + b"\n")
        self.says(executable(b"#!" + os.fsencode(inner) + b"\n"), 2, "Go program")
        loop = executable(b"")
        with open(loop, "w", encoding="ascii") as f:
            f.write(f"#!{loop}\n")
        self.says(loop, 2, "refuses to run it")

    def test_a_number_with_a_slash_is_a_program(self):
        directory = bed.fresh_dir()
        shutil.copy("/bin/true", os.path.join(directory, "42"))
        o = bed.run([HARDEN, "doctor", "./42"], bed.environment({"HARDEN_CONFIG": "none"}),
                    cwd=directory)
        self.assertEqual(o.status, 0)
        self.assertIn("dynamic program", o.text)

    def test_programs_into_which_nothing_can_be_loaded(self):
        self.says(host("idle-static"), 2, "static program", "without -static")
        self.says(host("fetch-go-static"), 2, "Go program", "static")
        self.says(host("fetch-go-cgo"), 2, "Go program", "cgo", "system calls directly")
        self.says(host("plug-openssl.so"), 2, "is a library, not a program")

    def test_other_architectures_are_named(self):
        for machine, bits, big, word in ((243, 64, False, "riscv, 64 bits"),
                                         (3, 32, False, "i386, 32 bits"),
                                         (22, 64, True, "s390, 64 bits"),
                                         (4711, 64, False, "machine number 4711")):
            self.says(executable(elf_head(machine, bits, big)), 2, "another architecture", word,
                      "build the library")

    def test_setuid_and_capabilities(self):
        self.says("sudo", 2, "setuid", "ignores LD_PRELOAD", "without that bit")

    def test_another_c_library(self):
        self.require("musl-gcc")
        directory = bed.fresh_dir()
        path = compiled(directory, "musl", "int main(void) { return 3; }", compiler="musl-gcc")
        text = self.says(path, 2, "another C library", "TARGET=musl")
        self.assertEqual(bed.bare([path]).status, 3)
        dies = bed.hardened([path], reached=False).status == 127
        self.assertIn("would not start at all" if dies else "runs as without it", text)

    def test_musl_with_a_loader_of_another_name(self):
        self.require("musl-gcc")
        loader = os.path.realpath(subprocess.run(["sh", "-c", "echo /lib/ld-musl-*.so.1"], check=True, text=True,
                                                 capture_output=True).stdout.strip())
        path = compiled(bed.fresh_dir(), "musl", "int main(void) { return 3; }",
                        f"-Wl,-dynamic-linker,{loader}", compiler="musl-gcc")
        self.assertEqual(bed.bare([path]).status, 3)
        self.says(path, 2, "another C library", "TARGET=musl")

    def test_libcurl_by_weak_references(self):
        source = ("#pragma weak curl_easy_init\nvoid *curl_easy_init(void);\n"
                  "int main(void) { return curl_easy_init ? 1 : 0; }")
        path = compiled(bed.fresh_dir(), "optional", source)
        self.says(path, 2, "only if it is present", "do not preload libharden.so")
        path = compiled(bed.fresh_dir(), "optional", source, "-Wl,--no-as-needed", "-lcurl")
        self.says(path, 0, "is covered")

    def test_a_c_library_that_is_too_old(self):
        directory = bed.fresh_dir()
        compiled(directory, "libc.so.6", "int old;", "-shared", "-fPIC", "-nostdlib",
                 "-Wl,-soname,libc.so.6")
        path = compiled(directory, "old", "int main(void) { return 0; }",
                        f"-Wl,-rpath,{directory}")
        self.says(path, 2, "libharden.so needs GLIBC_", "would not start", directory)

    def test_flavours_and_interfaces(self):
        self.says("curl", 0, "curl uses libcurl's easy and multi interfaces: its transfers are covered",
                  "CURL_OPENSSL_4", "curl is covered")
        self.says(host("fetch-gnutls"), 0, "libcurl-gnutls.so.4", "CURL_GNUTLS_")
        self.says(host("fetch-unversioned"), 0, "libcurl's easy interface: its transfers are covered")
        self.says(host("fetch-asan"), 0, "AddressSanitizer", "harden run")
        self.says(REMOTE_HTTP, 0,
                  "ok: git-remote-http uses libcurl's multi interface: its transfers are covered")

    def test_the_flavour_that_some_releases_lack(self):
        bed.needs(bed.packages.NSS)
        self.says(host("fetch-nss"), 0, "libcurl-nss.so.4", "CURL_NSS_")

    def test_users_of_connect(self):
        self.says(host("fetch-raw"), 0, "calls connect()", "are covered")
        self.says("wget", 0, "calls connect()", "are covered")
        self.says("node", 1, "are only counted")
        self.says("git", 0, "git-remote-http")
        self.says("/bin/true", 0, "makes no connections")
        self.says(host("fetch-syscall"), 2, "raw system calls")

    def test_plug_ins(self):
        self.says("php", 0, "RTLD_DEEPBIND", "the libcurl that they load is covered")
        self.says("php", 1, "deepbind = leave", "set deepbind = mask", HARDEN_DEEPBIND="leave")
        self.says("/usr/bin/python3", 1, "plug-ins (dlopen)", "ctypes", "pycurl is covered",
                  "harden run --audit")
        self.says(host("plughost"), 0, "plug-ins (dlopen)")

    def test_libraries_are_found_as_the_loader_finds_them(self):
        directory = bed.fresh_dir()
        os.mkdir(directory + "/lib")
        curl = subprocess.run(["cc", "-print-file-name=libcurl.so"], check=True, text=True,
                              capture_output=True).stdout.strip()
        user = compiled(directory + "/lib", "libuser.so",
                        "int curl_easy_perform(void *); int use(void) { return "
                        "curl_easy_perform(0); }", "-shared", "-fPIC", curl)
        main = "int use(void); int main(void) { return use(); }"
        linked = [f"-L{directory}/lib", "-luser"]
        named = compiled(directory, "named", main, user)  # needed by its path
        found = compiled(directory, "found", main, *linked, "-Wl,-rpath,$ORIGIN/lib")
        old = compiled(directory, "old", main, *linked,
                       "-Wl,--disable-new-dtags,-rpath,${ORIGIN}/lib")
        for path in (found, old, named):
            self.says(path, 0, "libuser.so uses libcurl's easy interface")
        lost = compiled(directory, "lost", main, *linked,
                        f"-Wl,-rpath-link,{directory}/lib")
        self.says(lost, 1, "libuser.so is not found")
        self.says(lost, 0, "libuser.so uses", LD_LIBRARY_PATH=directory + "/lib")

    def test_libcurls_that_cannot_be_covered(self):
        directory = bed.fresh_dir()
        with open(directory + "/map", "w", encoding="ascii") as f:
            f.write("CURL_STRANGE_9 { curl_*; };\n")
        functions = "int curl_easy_perform(void *h) { return !h; }"
        strange = compiled(directory, "libcurl.so.99", functions + "int curl_easy_upkeep;",
                           "-shared", "-fPIC", f"-Wl,--version-script,{directory}/map",
                           "-Wl,-soname,libcurl.so.99")
        main = "int curl_easy_perform(void *); int main(void) { return curl_easy_perform(0); }"
        path = compiled(directory, "strange", main, strange, f"-Wl,-rpath,{directory}")
        self.says(path, 1, "CURL_STRANGE_9", "transfers are not retried")
        compiled(directory, "libcurl.so.98", functions, "-shared", "-fPIC",
                 "-Wl,-soname,libcurl.so.98")
        path = compiled(directory, "old", main, directory + "/libcurl.so.98",
                        f"-Wl,-rpath,{directory}")
        self.says(path, 1, "older than 7.62")
        path = compiled(directory, "inside", '#include <sys/socket.h>\nconst char *v = '
                        '"libcurl/8.5.0"; int main(void) { return connect(0, 0, 0) + !v; }')
        self.says(path, 1, "contain a libcurl (8.5.0)")

    def test_the_configuration_can_exclude_a_program(self):
        self.says("curl", 2, "HARDEN_DISABLE", HARDEN_DISABLE="1")
        self.says("curl", 0, HARDEN_DISABLE="0")
        self.says("curl", 0, HARDEN_DISABLE="off")
        self.says("curl", 2, "HARDEN_DISABLE", HARDEN_DISABLE="of")
        self.says("curl", 2, "mode = off", HARDEN_MODE="off")
        self.says("curl", 1, "mode = observe", HARDEN_MODE="observe")
        self.says("curl", 2, "excludes curl", HARDEN_PROGRAMS="!curl")
        script = executable(b"#!/usr/bin/python3\n")
        name = os.path.basename(os.path.realpath("/usr/bin/python3"))
        self.says(script, 2, f"excludes {name}", HARDEN_PROGRAMS=os.path.basename(script))
        self.says("curl", 0, "configuration has 1 error", HARDEN_RATE="nonsense")
        self.says("curl", 2, "exit with 78", HARDEN_RATE="nonsense", HARDEN_STRICT="1")

    def test_the_library_must_exist_and_be_intact(self):
        self.says("curl", 0, f"the library is {bed.LIBRARY}")
        self.says("curl", 2, "/nonexistent/libharden.so", "runs anyway",
                  LD_PRELOAD="/nonexistent/libharden.so")
        directory = bed.fresh_dir("with blank ")
        command = shutil.copy(HARDEN, directory)
        if not os.path.exists("/usr/local/lib/libharden.so"):
            self.says("curl", 2, "neither beside this command", "runs anyway", command=command)
        shutil.copy(bed.LIBRARY, directory)
        self.says("curl", 2, "cannot contain a path with a space", command=command)
        directory = bed.fresh_dir()
        command = shutil.copy(HARDEN, directory)
        with open(bed.LIBRARY, "rb") as f, open(directory + "/libharden.so", "wb") as out:
            out.write(f.read(3000))
        self.says("curl", 2, "damaged", command=command)


class Processes(Case):
    def process(self, command, env):
        p = bed.start(command, env)
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        return p

    def started(self, p):
        """Waits until the program has been loaded and sleeps."""
        for _ in range(500):
            with open(f"/proc/{p.pid}/stat", encoding="ascii") as f:
                if f.read().rpartition(")")[2].split()[0] == "S":
                    return
            time.sleep(0.01)
        self.fail("the program does not sleep")

    def ready(self, p, word=b"ready"):
        self.assertEqual(p.stdout.readline().strip(), word)

    def test_a_process_with_the_library(self):
        env = bed.hardened_environment(rate="60/1m")
        p = self.process(["/usr/bin/python3", "-c", "import pycurl, urllib.request, time\n"
                          f"urllib.request.urlopen('{self.url(bed.unique())}')\n"
                          "print('ready', flush=True); time.sleep(60)"], env)
        self.ready(p)
        self.says(str(p.pid), 1, f"has loaded libharden.so from {bed.LIBRARY}", "HARDEN_RATE=60/1m",
                  os.path.join(env["HARDEN_STATE"], bed.BOARD), "pycurl", "libcurl is /",
                  f"process {p.pid} is partly covered")

    def test_a_process_with_another_version_of_the_library(self):
        env = bed.hardened_environment()
        p = self.process(["/usr/bin/python3", "-c", "import mmap, time\n"
                          f"f = open('{env['HARDEN_STATE']}/board.1', 'w+b')\n"
                          "f.truncate(4096); m = mmap.mmap(f.fileno(), 4096)\n"
                          "print('ready', flush=True); time.sleep(60)"], env)
        self.ready(p)
        self.says(str(p.pid), 1, env["HARDEN_STATE"] + "/board.1",
                  "the board of another version of libharden", "restart it")

    def test_a_process_with_a_private_board_and_the_reason(self):
        program = ["/usr/bin/python3", "-c", "import urllib.request, time, mmap\n"
                   "m = mmap.mmap(-1, 1 << 20)  # other memory of the same kind\n"
                   f"urllib.request.urlopen('{self.url(bed.unique())}')\n"
                   "print('ready', flush=True); time.sleep(60)"]
        state = bed.fresh_dir("state")
        private = "its board is private: it shares neither limits nor circuits with other processes. "
        for options, level in (({"rate": "60/1m"}, "partly: "), ({}, "note: ")):
            os.chmod(state, 0o777)
            p = self.process(program, bed.hardened_environment(state, log="off", max_hosts="77", **options))
            self.ready(p)
            text = self.says(str(p.pid), 1, f"{level}{private}{state}: mode 0777 lets others write; "
                             "make it 0755 with chmod go-w")
            self.assertNotIn("no call has been intercepted", text)
            os.chmod(state, 0o755)
            self.says(str(p.pid), 1, f"{level}{private}{state} could not be used when it started; "
                      "its log says why. Restart it")
        p = self.process(program, bed.hardened_environment("private", rate="60/1m"))
        self.ready(p)
        self.says(str(p.pid), 1, "note: its board is private, as state = private says")

    def test_a_process_that_has_made_no_call_yet(self):
        p = self.process(["sleep", "60"], bed.hardened_environment())
        self.started(p)
        self.says(str(p.pid), 0, "has loaded libharden.so", "no call has been intercepted so far")

    def test_the_settings_of_the_process_decide(self):
        p = self.process(["sleep", "60"], bed.hardened_environment(mode="off"))
        self.started(p)
        self.says(str(p.pid), 2, "mode = off")
        p = self.process(["sleep", "60"], bed.hardened_environment())
        self.started(p)
        self.says(str(p.pid), 0, HARDEN_MODE="off", HARDEN_DISABLE="1")

    def test_settings_of_the_caller_of_any_size_are_ignored(self):
        p = self.process(["sleep", "60"], bed.hardened_environment())
        self.started(p)
        self.says(str(p.pid), 0, **{"HARDEN_" + 300 * "A": "1"})

    def test_a_process_without_the_library(self):
        p = self.process(["sleep", "60"], bed.environment())
        self.says(str(p.pid), 2, "has not loaded libharden.so", "was not in LD_PRELOAD", "harden run")

    def test_a_process_whose_library_is_missing(self):
        p = self.process(["sleep", "60"], bed.environment({"LD_PRELOAD": "/nonexistent/libharden.so"}))
        self.started(p)
        self.says(str(p.pid), 2, "contains /nonexistent/libharden.so, which is missing")

    def test_a_static_process(self):
        path = compiled(bed.fresh_dir(), "static",
                        "#include <unistd.h>\nint main(void) { return pause(); }", "-static")
        p = self.process([path], bed.hardened_environment())
        self.started(p)
        self.says(str(p.pid), 2, "static program", "has not loaded libharden.so", "nothing can be loaded")

    def test_a_process_with_another_c_library(self):
        self.require("musl-gcc")
        path = compiled(bed.fresh_dir(), "musl", "#include <sys/socket.h>\n#include <unistd.h>\n"
                        "int main(int n, char **v) { return v[0] ? pause() : connect(n, 0, 0); }",
                        compiler="musl-gcc")
        p = self.process([path], bed.hardened_environment())
        self.started(p)
        self.says(str(p.pid), 2, "another C library", "does nothing in this process", "TARGET=musl")
        p = self.process([path], bed.environment())
        self.started(p)
        self.says(str(p.pid), 2, "has not loaded libharden.so", "another C library", "TARGET=musl")

    def test_functions_that_were_looked_up(self):
        def asks(*libraries):
            return ["/usr/bin/python3", "-c", "import ctypes, sys, time\n"
                    "for library in sys.argv[1:]: ctypes.CDLL(library).curl_easy_init()\n"
                    "print('ready', flush=True); time.sleep(60)", *libraries]

        audit = [HARDEN, "run", "--audit"]
        env = bed.environment({"HARDEN_CONFIG": "none", "HARDEN_STATE": bed.fresh_dir()})
        known = ["libcurl.so.4", "libcurl-gnutls.so.4"]
        copy = bed.fresh_dir() + "/copy.so"
        shutil.copy(subprocess.run(["cc", "-print-file-name=libcurl.so"], check=True, text=True,
                                   capture_output=True).stdout.strip(), copy)
        for command, words in (
                (audit + asks(*known), ["ok: no loaded file imports functions of this libcurl",
                                        "its transfers are covered"]),
                (audit + asks(known[0], copy), ["partly: no loaded file imports functions",
                                                "no version node distinguishes these copies"])):
            p = self.process(command, env)
            self.ready(p)
            self.says(str(p.pid), 1, *words)
        p = self.process(asks(known[0]), bed.hardened_environment())
        self.ready(p)
        self.says(str(p.pid), 1, "looked up with dlsym()", "ctypes", "harden run --audit")

    def test_processes_that_cannot_be_inspected(self):
        self.says("4194304", 2, "no process 4194304")
        p = subprocess.Popen(["true"], stdout=subprocess.DEVNULL)  # a zombie until it is waited for
        time.sleep(0.2)
        text = self.says(str(p.pid), 2, "has ended")
        p.wait()
        self.assertIn("cannot be checked", text)
        if os.geteuid() == 0:
            with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
                os.chmod(directory, 0o755)
                command = shutil.copy(HARDEN, directory)
                o = bed.run([command, "doctor", str(os.getpid())], bed.environment(), user="nobody")
                self.assertEqual(o.status, 2)
                self.assertIn("belongs to uid 0", o.text)

    def test_a_process_with_more_rights_than_its_caller(self):
        if os.geteuid():
            return
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            os.chmod(directory, 0o755)
            path = shutil.copy("/bin/sleep", directory)
            os.chmod(path, 0o4755)
            env = bed.hardened_environment()
            env["LD_PRELOAD"] = shutil.copy(bed.LIBRARY, directory)
            p = bed.start([path, "60"], env, user="nobody")
            self.addCleanup(p.communicate)
            self.addCleanup(p.kill)
            self.started(p)
            self.says(str(p.pid), 2, "more privileges than its caller")
