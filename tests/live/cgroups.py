# SPDX-License-Identifier: BSD-3-Clause
"""Folders of a test's own in the cgroup tree, with the names that systemd would give them."""

import contextlib
import os
import secrets

from testbed import Skipped, sh, wait_until


class Cgroups:
    """Folders of our own in the cgroup tree, mounted once more where every namespace of the test sees it."""

    def __init__(self, bed):
        mount = bed.dir + "/cgroup"
        os.mkdir(mount)
        try:
            sh("mount", "-t", "cgroup2", "none", mount)
        except RuntimeError as why:
            raise Skipped(f"cgroup2 cannot be mounted: {why}") from None
        bed.cleanup.callback(sh, "umount", mount, check=False)
        self.root = f"{mount}/smtpscope{secrets.token_hex(3)}.slice"
        os.mkdir(self.root)
        bed.cleanup.callback(self.remove, self.root)

    def inside(self, path):
        """Words before a command that is to run there; makes the folder."""
        folder = f"{self.root}/{path}"
        os.makedirs(folder, exist_ok=True)
        return ("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', folder)

    @staticmethod
    def remove(folder):
        """Ends what is left in it, and takes it away."""
        with contextlib.suppress(FileNotFoundError), open(folder + "/cgroup.kill", "w", encoding="ascii") as file:
            file.write("1")
        for path, _, _ in os.walk(folder, topdown=False):
            wait_until(lambda p=path: gone(p), 10, f"{path} is empty")


def gone(folder):
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return not os.path.exists(folder)
