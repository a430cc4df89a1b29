# SPDX-License-Identifier: MIT
"""All processes of a user share one board, including those that see the system differently. There
is no board where writing to it may fail."""
import os
import shutil
import subprocess
import tempfile
import unittest
from unittest import mock

import bed

USER = 12345  # not used by any user
LIMIT = {"rate": "2/1h", "on_limit": "fail"}
NO_PROC_SYS = "mount -t proc -o subset=pid proc /proc && exec \"$@\""


@unittest.skipIf(os.getuid(), "needs the right to become another user and to mount")
class Identity(bed.Bed):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="harden-e2e-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, self.base)
        os.chmod(self.base, 0o755)
        self.state = os.path.join(self.base, "state")

    def make(self, owner, name="state"):
        path = os.path.join(self.base, name)
        os.mkdir(path, 0o700)
        os.chown(path, owner, owner)
        return path

    def get(self, *around, user=0, state=None, **options):
        """Returns curl's output when started by the given commands."""
        env = bed.hardened_environment(state or self.state, **options)
        env["HOME"] = self.base
        inside = ["env", f"LD_PRELOAD={env.pop('LD_PRELOAD')}"]
        if "fakeroot" in around:
            inside = ["sh", "-c", f"{inside[1]}:$LD_PRELOAD exec \"$@\"", "sh"]
        p = subprocess.run([*around, *inside, "curl", "-sS", "-o", "/dev/null",
                            self.url(bed.unique())], env=env, user=user, group=user, check=False,
                           extra_groups=[], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return p.returncode, p.stderr.decode()

    def statuses(self, around, user=0):
        return [self.get(*way, user=user, **LIMIT)[0]
                for way in ([], around, [], around, [])]

    def test_fakeroot_shares_the_limits_of_its_user(self):
        self.make(USER)
        self.assertEqual(self.statuses(["fakeroot"], USER), [0, 0, 28, 28, 28])

    def test_the_root_of_a_user_namespace_shares_the_limits_of_its_user(self):
        self.make(USER)
        if subprocess.run(["unshare", "-r", "true"], user=USER, check=False).returncode:
            self.skipTest("not run: users may not create namespaces here")
        self.assertEqual(self.statuses(["unshare", "-r"], USER), [0, 0, 28, 28, 28])

    def test_processes_that_cannot_read_the_boot_id_share_the_limits(self):
        away = ["unshare", "-m", "--propagation", "private", "sh", "-c", NO_PROC_SYS, "sh"]
        self.assertEqual(self.statuses(away), [0, 0, 28, 28, 28])
        shutil.rmtree(self.state)
        self.assertEqual([self.get(*away, **LIMIT)[0], self.get(**LIMIT)[0],
                          self.get(*away, **LIMIT)[0], self.get(**LIMIT)[0]], [0, 0, 28, 28])

    def test_a_clock_that_is_far_ahead_delays_no_other_process(self):
        ahead = ["unshare", "-T", "--monotonic", "1000000"]
        if subprocess.run([*ahead, "true"], check=False).returncode:
            self.skipTest("not run: this kernel has no time namespaces")
        without_proc = [*ahead, "unshare", "-m", "--propagation", "private", "sh", "-c",
                        "mount -t tmpfs none /proc && exec \"$@\"", "sh"]
        self.assertEqual(self.statuses(ahead), [0, 0, 28, 28, 28])
        shutil.rmtree(self.state)
        self.assertEqual(self.statuses(without_proc), [0, 0, 0, 0, 28], "a private board")
        quick = {"rate": "100/1s", "on_limit": "fail"}
        for away in (ahead, without_proc):
            shutil.rmtree(self.state)
            self.assertEqual([self.get(*way, **quick)[0] for way in (away, [], away, [])], [0] * 4)

    def test_a_read_only_runtime_directory_leads_to_memory(self):
        base = tempfile.mkdtemp(prefix="harden-e2e-", dir="/var/tmp")
        self.addCleanup(os.rmdir, base)
        script = ("mount -t tmpfs -o mode=1777 shm /dev/shm && mount -t tmpfs -o ro,mode=700 run $0 || exit 99; "
                  "for i in 1 2 3; do \"$@\" 2>&1; echo $?; done; ls /dev/shm")
        env = bed.hardened_environment("auto", **LIMIT)
        env |= {"HOME": "/", "XDG_RUNTIME_DIR": base}
        o = bed.run(["unshare", "-m", "--propagation", "private", "sh", "-c", script, base, "curl", "-s", "-o",
                     os.devnull, self.url(bed.unique())], env)
        if o.status == 99:
            self.skipTest("not run: nothing can be mounted here")
        said = (f"harden: error: XDG_RUNTIME_DIR = {base}: cannot be written; unset it. "
                "The board is in /dev/shm/harden-0\n")
        self.assertEqual(o.text, f"{said}0\n{said}0\n{said}28\nharden-0\n")

    def test_the_users_file_in_the_home_of_another_user_is_shown_as_not_read(self):
        path = f"{self.base}/.config/harden/harden.ini"
        os.makedirs(os.path.dirname(path))
        with open(path, "w", encoding="ascii") as f:
            f.write("[host *]\nrate = 3/1h\n")
        os.chown(path, USER, USER)
        os.chown(os.path.dirname(path), USER, USER)
        for mode in (0o600, 0o644):
            os.chmod(path, mode)
            o = bed.run([bed.LIBRARY.with_name("harden"), "config"], bed.environment({"HOME": self.base}),
                        user=USER + 1, group=USER + 1, extra_groups=[])
            self.assertEqual((o.status, o.err), (0, b""))
            self.assertIn(f"; {path}: not read, it belongs to another user\n", o.text)
            self.assertNotIn("3/1h", o.text)

    def test_the_command_says_which_board_it_reads_if_the_named_one_is_another_users(self):
        foreign, runtime = self.make(USER), self.make(0, "runtime")
        with mock.patch.dict(os.environ, XDG_RUNTIME_DIR=runtime):
            self.assertEqual(self.get(), (0, ""))
            o = bed.run([bed.LIBRARY.with_name("harden"), "status"],
                        bed.environment({"HARDEN_STATE": foreign, "HARDEN_CONFIG": "none"}))
        self.assertEqual((o.status, o.err.decode()), (
            0, f"harden status: {foreign}: owned by another user; the board of this user is in "
            f"{runtime}/harden\n"))
        self.assertIn("harden: 1 host; ", o.text)
        self.assertEqual(os.listdir(foreign), [])

    def test_a_full_copy_on_write_file_system_kills_no_program(self):
        image, mount = os.path.join(self.base, "image"), os.path.join(self.base, "mount")
        os.mkdir(mount)
        with open(image, "wb") as f:
            f.truncate(110 << 20)
        subprocess.run(["mkfs.btrfs", "-q", image], check=True, stdout=subprocess.DEVNULL)
        script = ("mount -o loop \"$0\" \"$1\" || exit 99; mkdir -m 700 \"$HARDEN_STATE\"; "
                  "dd if=/dev/zero of=\"$1/fill\" bs=64k 2>/dev/null; sync; shift; \"$@\"")
        status, stderr = self.get("unshare", "-m", "--propagation", "private", "sh", "-c", script,
                                image, mount, state=mount + "/state", **LIMIT)
        if status == 99:
            self.skipTest("not run: loop devices cannot be mounted here")
        self.assertEqual(status, 0, stderr)
        self.assertIn("name a directory on tmpfs, ext4 or xfs. The board is private", stderr)

    def overlay(self, upper):
        root = tempfile.mkdtemp(prefix="harden-e2e-", dir=upper)
        self.addCleanup(shutil.rmtree, root)
        for name in ("lower", "upper", "work", "all"):
            os.mkdir(os.path.join(root, name))
        options = f"lowerdir={root}/lower,upperdir={root}/upper,workdir={root}/work"
        script = f"mount -t overlay -o {options} overlay {root}/all || exit 99; \"$@\""
        around = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"]
        for _ in range(2):
            status, stderr = self.get(*around, state=f"{root}/all/state", log="warn")
        if status == 99:
            self.skipTest("not run: overlays cannot be mounted here")
        self.assertEqual(status, 0, stderr)
        return stderr, os.listdir(f"{root}/upper/state")

    def test_an_overlay_is_used_if_a_trial_shows_that_blocks_stay(self):
        if subprocess.run(["stat", "-f", "-c", "%T", "/var/tmp"], check=True,
                          stdout=subprocess.PIPE).stdout not in (b"ext2/ext3\n", b"xfs\n"):
            self.skipTest("not run: /var/tmp has another file system")
        stderr, left = self.overlay("/var/tmp")
        self.assertEqual(stderr, "")
        self.assertIn(bed.BOARD, left)

    def test_an_overlay_is_not_used_if_its_blocks_cannot_be_examined(self):
        stderr, left = self.overlay("/dev/shm")
        self.assertIn("The board is private", stderr)
        self.assertNotIn(bed.BOARD, left)


if __name__ == "__main__":
    unittest.main()
