# SPDX-License-Identifier: MIT
"""`harden doctor` without an argument, and its output as a document."""
import json
import os
import pwd
import resource
import shutil
import subprocess
import tempfile

import bed
import jsonschema
from doctor_bed import HARDEN, Case, host

with open(bed.ROOT / "conf/doctor.schema.json", encoding="utf-8") as schema_file:
    VALIDATOR = jsonschema.Draft202012Validator(json.load(schema_file))
LEVELS = ("ok", "note", "problem", "no")


class Machine(Case):
    def machine(self, *arguments, command=HARDEN, user=None, limits=None, around=(), **env):
        env = {"HARDEN_CONFIG": "none", "HARDEN_STATE": bed.fresh_dir(), **env}
        env = bed.environment({k: v for k, v in env.items() if v is not None})
        return bed.run([*around, command, "doctor", *arguments], env, timeout=20, user=user, preexec_fn=limits)

    def finds(self, level, *words, status=None, **how):
        """One finding has this level and all of the words; no finding is worse."""
        o = self.machine(**how)
        lines = o.text.splitlines()
        found = [line for line in lines if line.startswith(level + ": ")
                 and all(word in line for word in words)]
        self.assertEqual(len(found), 1, f"{words} in {o.text}{o.err}")
        if "LD_PRELOAD" not in how:
            self.assertEqual(o.err, b"")
        worst = max(LEVELS.index(line.split(":")[0]) for line in lines[:-1])
        if "installed twice" not in o.text:
            self.assertEqual(worst, max(LEVELS.index(level), 0) if level != "ok" else worst, o.text)
        self.assertEqual(o.status, max(worst - 1, 0) if status is None else status, o.text)
        self.assertRegex(lines[-1], "^verdict: programs of this user are (not )?covered on this machine")
        return o.text

    def test_the_library_and_the_copies_of_libcurl_are_named(self):
        text = self.finds("ok", f"the library is {bed.LIBRARY}")
        self.assertRegex(text, r"ok: libcurl \d+\.\d+\.\d+ is /.*, version node CURL_OPENSSL_4: its "
                         "transfers are covered")
        self.assertRegex(text, "ok: libcurl .* version node CURL_GNUTLS_3")
        self.assertNotIn("no: ", text)
        for words in ("the state directory is", "there is no board yet", "the kernel is Linux",
                      r"\d+ open files are permitted"):
            self.assertRegex(text, "ok: " + words)

    def test_nothing_is_covered_without_the_library(self):
        directory = bed.fresh_dir()
        command = shutil.copy(HARDEN, directory)
        if not os.path.exists("/usr/local/lib/libharden.so"):
            self.finds("no", "libharden.so was found neither", command=command)
        self.finds("no", "LD_PRELOAD in your environment contains /no/libharden.so",
                   LD_PRELOAD="/no/libharden.so")

    def test_the_name_of_the_library_may_mean_another_installation(self):
        directory = bed.fresh_dir()
        shutil.copy(bed.LIBRARY, directory)
        for found, finding in ((directory, ("problem", "installed twice", directory + "/libharden.so",
                                            f"harden run loads {bed.LIBRARY}")),
                               (bed.LIBRARY.parent, ("ok", "LD_PRELOAD=libharden.so loads the same")),
                               (bed.fresh_dir(), ("note", "LD_PRELOAD needs its whole path"))):
            cache, places = bed.fresh_dir() + "/cache", bed.fresh_file(str(found).encode() + b"\n")
            subprocess.run(["/sbin/ldconfig", "-X", "-C", cache, "-f", places], check=True,
                           stderr=subprocess.DEVNULL)
            private = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "--propagation", "private", "sh",
                       "-c", f'mount --bind {cache} /etc/ld.so.cache && exec "$@"', "sh"]
            self.finds(*finding, around=private)

    def test_the_configuration_is_checked(self):
        file = bed.fresh_file(b"[harden]\nmode = enforced\n")
        self.finds("note", "there is no configuration file")
        self.finds("problem", f"{file}:2: [harden] mode = enforced", HARDEN_CONFIG=file)
        self.finds("no", "no program starts", HARDEN_CONFIG=file, HARDEN_STRICT="1")
        file = bed.fresh_file(b"[host a.example]\nrate = 5/s\n")
        text = self.finds("ok", f"the configuration is {file}", HARDEN_CONFIG=file)
        self.assertNotIn("no section sets a rate", text)
        file = bed.fresh_file(b"[harden]\nprograms = curl\n")
        text = self.finds("note", "programs = curl", HARDEN_CONFIG=file)
        self.assertIn("no section sets a rate", text)

    def test_what_the_environment_sets_is_named(self):
        self.finds("no", "HARDEN_DISABLE is set", HARDEN_DISABLE="1")
        self.finds("no", "mode = off", HARDEN_MODE="off")
        self.finds("note", "mode = observe", HARDEN_MODE="observe")
        self.finds("note", "this environment sets", "HARDEN_RATE=5/s", HARDEN_RATE="5/s")
        self.finds("note", "this is sudo", "as alice", SUDO_USER="alice") if not os.geteuid() else None

    def test_files_that_cannot_be_written_are_problems(self):
        directory = bed.fresh_dir()
        for key in ("metrics", "snapshot", "events", "log_to"):
            value = f"/nonexistent/{key}"
            self.finds("problem", f"{key} = {value} cannot be written: No such file",
                       **{"HARDEN_" + key.upper(): value})
            value = f"{directory}/{key}"
            self.finds("ok", f"{key} = {value} can be written", **{"HARDEN_" + key.upper(): value})

    def test_the_state_directory_must_be_private(self):
        self.finds("note", "state = private", HARDEN_STATE="private")
        directory = bed.fresh_dir()
        self.finds("ok", f"the state directory {directory}/new/one does not exist yet",
                   HARDEN_STATE=directory + "/new/one")
        os.chmod(directory, 0o755)
        self.finds("ok", f"the state directory is {directory}", "mode 0755", HARDEN_STATE=directory)
        os.chmod(directory, 0o777)
        self.finds("problem", directory, "mode 0777 lets others write", HARDEN_STATE=directory)
        self.finds("problem", "not a directory", HARDEN_STATE=bed.fresh_file(b""))
        os.chmod(directory, 0o700)
        if os.geteuid() == 0:
            os.chown(directory, pwd.getpwnam("nobody").pw_uid, -1)
            self.finds("problem", f"state = {directory} belongs to another user", HARDEN_STATE=directory)

    def test_the_board_needs_room(self):
        def few_bytes():
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

        def few_files():
            resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))

        self.finds("problem", "ulimit -f", limits=few_bytes)
        self.finds("problem", "only 20 open files", limits=few_files)

    def test_the_board_is_named_and_an_unused_one_of_another_version_is_not(self):
        state = bed.hardened(["curl", "-s", self.url(bed.unique())]).state
        with open(state + "/board.1", "wb"):
            pass
        text = self.finds("ok", f"the board is {state}/{bed.BOARD}, used by 0 running processes",
                          HARDEN_STATE=state)
        self.assertNotIn("board.1 ", text)
        with open(f"{state}/{bed.BOARD}", "wb") as f:
            f.write(b"damaged")
        before = sorted(os.listdir(state))
        self.finds("note", f"the board {state}/{bed.BOARD} is damaged", "the next program replaces it",
                   HARDEN_STATE=state)
        self.assertEqual(sorted(os.listdir(state)), before, "nothing is created or removed")

    def test_programs_with_and_without_a_runtime_directory_may_have_different_boards(self):
        self.finds("note", "XDG_RUNTIME_DIR is not set", HARDEN_STATE=None)
        self.finds("note", "XDG_RUNTIME_DIR = /no/such does not exist", HARDEN_STATE=None,
                   XDG_RUNTIME_DIR="/no/such")
        if os.geteuid():
            return
        user = 2_000_000 + os.getpid()  # nobody's, and no other test's
        memory = f"/dev/shm/harden-{user}"
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            os.chown(directory, user, -1)
            command = shutil.copy(HARDEN, directory)
            shutil.copy(bed.LIBRARY, directory)
            self.addCleanup(shutil.rmtree, memory)
            os.mkdir(memory, 0o700)
            with open(f"{memory}/{bed.BOARD}", "wb"):
                pass
            os.chown(memory, user, -1)
            runtime = directory + "/runtime"
            os.mkdir(runtime)
            os.chown(runtime, user, -1)
            how = {"command": command, "user": user, "HARDEN_STATE": None, "HOME": directory}
            text = self.finds("problem", f"there is also {memory}/{bed.BOARD}", "without XDG_RUNTIME_DIR",
                              "state =", XDG_RUNTIME_DIR=runtime, **how)
            self.assertIn("with 1 problem\n", text)
            with open(runtime + "/harden", "wb"):
                pass
            self.finds("problem", f"{runtime}/harden is no directory of this user",
                       XDG_RUNTIME_DIR=runtime, **how)


class Documents(Case):
    """--json has the findings of the text, in the form of conf/doctor.schema.json."""

    def agree(self, subject, kind, verdict, **env):
        env = bed.environment({"HARDEN_CONFIG": "none", "HARDEN_STATE": bed.fresh_dir(), **env})
        arguments = [] if subject is None else [subject]
        text = bed.run([HARDEN, "doctor", *arguments], env)
        document = bed.run([HARDEN, "doctor", "--json", *arguments], env)
        found = json.loads(document.out)
        VALIDATOR.validate(found)
        self.assertEqual([f"{f['level']}: {f['text']}" for f in found["findings"]],
                         text.text.splitlines()[:-1])
        self.assertEqual((found["kind"], found["subject"], found["verdict"]), (kind, subject, verdict))
        self.assertEqual((document.status, found["exit_status"]), (text.status, text.status))
        return {f["check"] for f in found["findings"]}

    def test_of_programs(self):
        self.assertLessEqual({"program", "library", "libcurl"}, self.agree("curl", "program", "covered"))
        self.agree("/bin/true", "program", "nothing_to_cover")
        self.agree("node", "program", "partly")
        self.agree("no-such-\"program\"", "program", "not_covered")
        self.agree(host("fetch-go-static"), "program", "not_covered")
        self.assertIn("plug_ins", self.agree("php", "program", "covered"))

    def test_of_processes(self):
        self.assertIn("process", self.agree("4194304", "process", "unknown"))
        self.agree(str(os.getpid()), "process", "not_covered")

    def test_of_the_machine(self):
        checks = self.agree(None, "machine", "not_covered", HARDEN_MODE="off")
        self.assertLessEqual({"library", "libcurl", "configuration", "state", "kernel", "limits",
                              "clock", "security"}, checks)
